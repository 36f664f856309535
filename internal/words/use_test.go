package words

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"github.com/pelletier/go-toml/v2"
)

// This file reads the whole module's source, generated components included, and
// holds it and the files of texts together.

const root = "../.."

// A use is one place in the source that asks for a text.
type use struct {
	where  string
	id     string   // ends in "." if the rest is made as the program runs
	plural bool     // N, not T
	names  []string // of the values filled in, sorted
}

// A told is one place that makes an error for a person.
type told struct {
	where, format string
}

// formatArgument is which argument of each of package copse's functions is the
// sentence.
var formatArgument = map[string]int{
	"Invalid": 1, "Unauthorized": 0, "Forbidden": 0, "NotFound": 0, "Conflict": 0,
	"TooLarge": 0, "TooMany": 1, "Unavailable": 1,
}

func TestEveryTextAskedForExistsInBothLanguages(t *testing.T) {
	for _, u := range uses(t) {
		for _, lang := range []string{"en", "cy"} {
			texts := texts(t, lang)
			if prefix, ok := strings.CutSuffix(u.id, "."); ok {
				if !slices.ContainsFunc(slices.Collect(maps.Keys(texts)), func(id string) bool { return strings.HasPrefix(id, prefix+".") }) {
					t.Errorf("%s: no text in %s starts with %s.", u.where, lang, prefix)
				}
				continue
			}
			m, ok := texts[u.id]
			if !ok {
				t.Errorf("%s: %q has no text in %s", u.where, u.id, lang)
				continue
			}
			if counts := m.One != ""; counts != u.plural {
				t.Errorf("%s: %q: N is for texts with plural forms, T for the others", u.where, u.id)
			}
			if got, want := u.names, placeholders(m); !slices.Equal(got, want) {
				t.Errorf("%s: %q is given %q, its text in %s wants %q", u.where, u.id, got, lang, want)
			}
		}
	}
}

func TestEveryTextIsAskedForSomewhere(t *testing.T) {
	asked := uses(t)
	for id := range texts(t, "en") {
		if !slices.ContainsFunc(asked, func(u use) bool {
			return u.id == id || strings.HasSuffix(u.id, ".") && strings.HasPrefix(id, u.id)
		}) {
			t.Errorf("%q is not used", id)
		}
	}
}

func TestEnglishAndWelshSayTheSameThings(t *testing.T) {
	english, welsh := texts(t, "en"), texts(t, "cy")
	for id, en := range english {
		cy, ok := welsh[id]
		if !ok {
			t.Errorf("%q has no Welsh", id)
			continue
		}
		if got, want := placeholders(cy), placeholders(en); !slices.Equal(got, want) {
			t.Errorf("%q: Welsh fills in %q, English %q", id, got, want)
		}
		if got, want := strings.Count(cy.Other, "["), strings.Count(en.Other, "["); got != want {
			t.Errorf("%q: Welsh has %d links, English %d", id, got, want)
		}
		if en.One == "" {
			continue
		}
		for form, text := range map[string]string{"zero": cy.Zero, "one": cy.One, "two": cy.Two, "few": cy.Few, "many": cy.Many, "other": cy.Other} {
			if text == "" {
				t.Errorf("%q has no Welsh form %q", id, form)
			}
		}
	}
	for id := range welsh {
		if _, ok := english[id]; !ok {
			t.Errorf("%q has no English", id)
		}
	}
}

func TestEveryErrorToldToAPersonHasWelsh(t *testing.T) {
	welsh := In("cy").sentences
	said := map[string]bool{}
	for _, s := range sentences(t) {
		said[s.format] = true
		cy, ok := welsh[s.format]
		if !ok {
			t.Errorf("%s: add to sentences.cy.toml: %q = \"\"", s.where, s.format)
			continue
		}
		if got, want := verbs(cy), verbs(s.format); !slices.Equal(got, want) {
			t.Errorf("%q fills in %q, its English %q", cy, got, want)
		}
	}
	for format := range welsh {
		if !said[format] {
			t.Errorf("nothing says %q", format)
		}
	}
}

// texts reads what the files say in lang, by id.
func texts(t *testing.T, lang string) map[string]*i18n.Message {
	t.Helper()
	all := map[string]*i18n.Message{}
	names, err := fs.Glob(files, "*.toml")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if langOf(name) != lang || name == "sentences.cy.toml" {
			continue
		}
		text, err := files.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		file, err := i18n.ParseMessageFileBytes(text, lang+".toml", map[string]i18n.UnmarshalFunc{"toml": toml.Unmarshal})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, m := range file.Messages {
			if all[m.ID] != nil {
				t.Errorf("%s: %q is in another file too", name, m.ID)
			}
			all[m.ID] = m
		}
	}
	return all
}

var placeholder = regexp.MustCompile(`\{\{\.(\w+)\}\}`)

// placeholders are the names that a text has filled in, sorted, without n, which N
// gives. Not every plural form need mention every name.
func placeholders(m *i18n.Message) []string {
	names := map[string]bool{}
	for _, form := range []string{m.Zero, m.One, m.Two, m.Few, m.Many, m.Other} {
		for _, found := range placeholder.FindAllStringSubmatch(form, -1) {
			names[found[1]] = true
		}
	}
	if m.One != "" {
		delete(names, "n")
	}
	return slices.Sorted(maps.Keys(names))
}

var verb = regexp.MustCompile(`%[-+# 0]*(?:\[(\d+)\])?(?:\d+|\.\d+)*([a-zA-Z%])`)

// verbs lists what a format fills in, in the order of its arguments.
func verbs(format string) []string {
	var all []string
	next := 1
	for _, found := range verb.FindAllStringSubmatch(format, -1) {
		if found[2] == "%" {
			continue
		}
		if n, err := strconv.Atoi(found[1]); err == nil {
			next = n
		}
		all = append(all, fmt.Sprint(next, found[2]))
		next++
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// uses finds every T("…") and N("…") in the module.
func uses(t *testing.T) []use {
	var all []use
	everyCall(t, func(where, _ string, call *ast.CallExpr) {
		method, ok := call.Fun.(*ast.SelectorExpr)
		if !ok || method.Sel.Name != "T" && method.Sel.Name != "N" || len(call.Args) == 0 {
			return
		}
		u := use{where: where, plural: method.Sel.Name == "N"}
		if u.id, ok = literal(call.Args[0]); !ok {
			// The convention for an id that is not all in the source: what is there
			// comes first and ends in a full stop.
			sum, isSum := call.Args[0].(*ast.BinaryExpr)
			if !isSum {
				return // somebody else's T or N
			}
			if u.id, ok = literal(sum.X); !ok || !strings.HasSuffix(u.id, ".") {
				t.Errorf("%s: begin the id with a literal that ends in a full stop", where)
				return
			}
		}
		first := 1
		if u.plural {
			first = 2
		}
		for i := first; i < len(call.Args); i += 2 {
			name, ok := literal(call.Args[i])
			if !ok || i+1 == len(call.Args) {
				t.Errorf("%s: after the id come pairs of a name, in quotes, and a value", where)
				return
			}
			u.names = append(u.names, name)
		}
		slices.Sort(u.names)
		all = append(all, u)
	})
	if len(all) == 0 {
		t.Fatal("found no texts in the source")
	}
	return all
}

// sentences finds every error made for a person in the module.
func sentences(t *testing.T) []told {
	var all []told
	everyCall(t, func(where, pkg string, call *ast.CallExpr) {
		// What federation says is for other servers and for the log, in English,
		// except where it looks up an address for somebody who typed it, and where
		// administrators decide about other servers.
		if strings.HasPrefix(where, "federation/") && !strings.HasPrefix(where, "federation/peer.go:") && !strings.HasPrefix(where, "federation/decide.go:") {
			return
		}
		var name string
		switch f := call.Fun.(type) {
		case *ast.Ident:
			if pkg == "copse" {
				name = f.Name
			}
		case *ast.SelectorExpr:
			if x, ok := f.X.(*ast.Ident); ok && x.Name == "copse" {
				name = f.Sel.Name
			}
		}
		i, ok := formatArgument[name]
		if !ok || i >= len(call.Args) {
			return
		}
		format, ok := literal(call.Args[i])
		if !ok {
			t.Errorf("%s: the sentence must be in quotes here, so that its Welsh can be found", where)
			return
		}
		all = append(all, told{where, format})
	})
	return all
}

// everyCall visits every call in the module's own code, tests left out.
func everyCall(t *testing.T, visit func(where, pkg string, call *ast.CallExpr)) {
	t.Helper()
	set := token.NewFileSet()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() {
			if path != root && strings.HasPrefix(name, ".") || name == "node_modules" || name == "testdata" {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok {
				at := set.PositionFor(call.Pos(), false)
				at.Filename = strings.TrimPrefix(at.Filename, root+"/")
				visit(fmt.Sprintf("%s:%d", at.Filename, at.Line), file.Name.Name, call)
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// literal is the value of a string in quotes, or of several added up.
func literal(e ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		if e.Kind == token.STRING {
			s, err := strconv.Unquote(e.Value)
			return s, err == nil
		}
	case *ast.BinaryExpr:
		left, ok := literal(e.X)
		right, both := literal(e.Y)
		return left + right, ok && both && e.Op == token.ADD
	}
	return "", false
}
