package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// layers says what may know what: a package may import those on the lines above
// its own, and no others. A name ending in / stands for every folder in it.
//
// What helps tests and measuring alone (storetest and its like, internal/world, attack,
// fill and bench) has no line: it may import everything, and nothing that is
// shipped may import it.
var layers = [][]string{
	{"copse", "federation/ap", "federation/httpsig", "internal/config", "internal/markup", "internal/media", "internal/outbound", "internal/words"},
	{"federation/proof", "store"},
	{"hub"},
	{"federation"},
	{"web/asset"},
	{"web/page"},
	{"web/mail", "web/mastodon"},
	{"web"},
	{"content/"},
	{"content"},
	{"internal/server"},
	{"internal/seed"},
	{"cmd/"},
}

// TestPackagesImportOnlyWhatStandsBelowThem keeps the house as it was drawn.
func TestPackagesImportOnlyWhatStandsBelowThem(t *testing.T) {
	for _, e := range imports(t) {
		from, to := layer(e.from), layer(e.to)
		switch {
		case e.tests, from == tests:
		case e.from == "copse" && strings.Contains(e.to, "."):
			t.Errorf("copse must not import %s: the nouns and the rules stand on the standard library alone", e.to)
		case from == unknown:
			t.Errorf("%s has no place in layers: give it one", e.from)
		case to == tests:
			t.Errorf("%s must not import %s, which is for tests", e.from, e.to)
		case to >= from && !sameFolder(e.from, e.to):
			t.Errorf("%s must not import %s", e.from, e.to)
		}
	}
}

// TestSQLStaysInStore holds for tests too: they ask the store like everybody.
// Only what measures the store needs the bare engine to measure it against.
func TestSQLStaysInStore(t *testing.T) {
	for _, e := range imports(t) {
		for _, sql := range []string{"database/sql", "github.com/jackc/pgx/", "modernc.org/sqlite"} {
			if strings.HasPrefix(e.to, sql) && e.from != "store" && !strings.HasPrefix(e.from, "store/") && e.from != "internal/bench" {
				t.Errorf("%s imports %s, and SQL never leaves store", e.from, e.to)
			}
		}
	}
}

// edge is one import, our own packages without the module's name.
type edge struct {
	from, to string
	tests    bool // made by a test
}

// imports reads the imports of every Go file in the module, and adds to them one
// from each package to nothing.
func imports(t *testing.T) (edges []edge) {
	t.Helper()
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != root && (d.Name()[0] == '.' || d.Name() == "testdata" || d.Name() == "node_modules"):
			return filepath.SkipDir
		case !strings.HasSuffix(path, ".go"):
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		pkg, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		e := edge{from: filepath.ToSlash(pkg), tests: strings.HasSuffix(path, "_test.go")}
		edges = append(edges, e)
		for _, spec := range file.Imports {
			e.to = strings.TrimPrefix(strings.Trim(spec.Path.Value, "`\""), "copse/")
			edges = append(edges, e)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return edges
}

// The places of packages that are in no layer.
const (
	unknown = -1 // nobody's yet, or not ours
	tests   = -2
)

func layer(pkg string) int {
	switch {
	case strings.HasSuffix(pkg, "test"), pkg == "internal/world", pkg == "internal/fill", pkg == "internal/bench", pkg == "internal/attack":
		return tests
	}
	for i, names := range layers {
		for _, name := range names {
			if pkg == name || strings.HasSuffix(name, "/") && strings.HasPrefix(pkg, name) {
				return i
			}
		}
	}
	return unknown
}

// sameFolder is true within one kind or one command, which may have packages of
// its own.
func sameFolder(a, b string) bool {
	as, bs := strings.Split(a, "/"), strings.Split(b, "/")
	return len(as) > 1 && len(bs) > 1 && slices.Equal(as[:2], bs[:2])
}
