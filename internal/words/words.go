// Package words holds everything copse says to people, in English and in Welsh.
//
// Texts live in TOML files beside this one, named PART.LANGUAGE.toml
// (forum.en.toml, forum.cy.toml) or, for what every page shares, en.toml and
// cy.toml. A text's id is its path in the file: run_by in the table [community]
// is "community.run_by". What changes is written {{.name}}; a text that depends
// on a number is a table of CLDR plural forms (Welsh has six: zero, one, two,
// few, many, other). Tests in this package hold the two languages together.
//
// The package knows nothing of pages: it returns plain text, which the caller
// escapes.
package words

import (
	"embed"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"github.com/nicksnyder/go-i18n/v2/i18n/template"
	"github.com/pelletier/go-toml/v2"
	"golang.org/x/text/language"
)

// Words is what copse says in one language. It is safe for concurrent use.
type Words struct {
	lang      string
	texts     map[string]string // texts without plural forms, by id
	counted   *i18n.Localizer   // texts with them
	forms     *sync.Map         // counted texts of small numbers, by plural
	sentences map[string]string // this language's format for an English sentence's
	calendar  calendar
}

// In returns the words of lang, "en" or "cy"; of anything else, English.
func In(lang string) *Words {
	if w, ok := languages()[lang]; ok {
		return w
	}
	return languages()["en"]
}

// Match chooses the language for somebody whose browser sends acceptLanguage (the
// header's value, RFC 9110 section 12.5.4) and whose own choice, if they made one,
// is in cookie. Their choice wins; nonsense in either means English.
func Match(acceptLanguage, cookie string) string {
	if cookie == "en" || cookie == "cy" {
		return cookie
	}
	// The library's error is about a header some browser wrote: nobody can act on it.
	wanted, _, _ := language.ParseAcceptLanguage(acceptLanguage)
	if _, i, _ := matcher.Match(wanted...); i == 1 {
		return "cy"
	}
	return "en"
}

// matcher's first language is what it answers when it knows none that is wanted.
var matcher = language.NewMatcher([]language.Tag{language.English, language.Make("cy")})

// Lang is the language's code for a lang attribute: "en" or "cy".
func (w *Words) Lang() string { return w.lang }

// T returns the text called id. What it needs filled in follows as pairs of name
// and value: T("community.run_by", "council", "Harlow District Council"). Whole
// numbers are written as Number writes them and times as Date does. An id that
// does not exist is returned as it is, so that it is seen; a test finds it first.
func (w *Words) T(id string, args ...any) string {
	text, ok := w.texts[id]
	if !ok {
		return id
	}
	return w.fill(text, args)
}

// N is T for a text that depends on a number of things: it picks the plural form
// for n, and {{.n}} in the text is n as Number writes it.
func (w *Words) N(id string, n int, args ...any) string {
	if len(args) > 0 || n < 0 || n >= small {
		return w.count(id, n, args)
	}
	// "3 weeks ago" stands on a page fifty times, and choosing the form costs more
	// than all else there is to the line.
	key := plural{id, n}
	if text, ok := w.forms.Load(key); ok {
		return text.(string)
	}
	text := w.count(id, n, nil)
	w.forms.Store(key, text)
	return text
}

// small bounds what is kept of each text.
const small = 100

// A plural is a text for a number.
type plural struct {
	id string
	n  int
}

func (w *Words) count(id string, n int, args []any) string {
	text, err := w.counted.Localize(&i18n.LocalizeConfig{
		MessageID:      id,
		PluralCount:    n,
		TemplateData:   filling{w, append([]any{"n", n}, args...)},
		TemplateParser: filler{},
	})
	if err != nil {
		return id
	}
	return text
}

// fill replaces each {{.name}} in text by its value, and nothing else: a value that
// looks like a name to fill in stays as it is.
func (w *Words) fill(text string, args []any) string {
	before, rest, found := strings.Cut(text, "{{.")
	if !found {
		return text
	}
	var b strings.Builder
	for found {
		b.WriteString(before)
		var name string
		name, rest, _ = strings.Cut(rest, "}}")
		b.WriteString(w.value(name, args))
		before, rest, found = strings.Cut(rest, "{{.")
	}
	b.WriteString(before)
	return b.String()
}

func (w *Words) value(name string, args []any) string {
	for i := 0; i+1 < len(args); i += 2 {
		if args[i] != name {
			continue
		}
		switch v := args[i+1].(type) {
		case string:
			return v
		case int:
			return w.Number(v)
		case time.Time:
			return w.Date(v)
		default:
			return fmt.Sprint(v)
		}
	}
	return "{{." + name + "}}"
}

// filler makes the i18n library fill in texts as fill does. Its own way, by
// text/template, would run whatever program a text contains.
type filler struct{}

func (filler) Cacheable() bool { return true }

func (filler) Parse(text, _, _ string) (template.ParsedTemplate, error) { return pattern(text), nil }

type pattern string

func (p pattern) Execute(data any) (string, error) {
	f := data.(filling)
	return f.w.fill(string(p), f.args), nil
}

type filling struct {
	w    *Words
	args []any
}

// Sentence returns what an error tells a person, as a sentence for a page. format
// is English, lower case and without a full stop ("join %s to post here"), as
// errors are in Go; the sentence has a capital and a full stop, and is in w's
// language if there is a translation. What stands in place of a verb keeps its
// case: host names have no capitals.
func (w *Words) Sentence(format string, args ...any) string {
	if own, ok := w.sentences[format]; ok {
		format = own
	}
	first, size := utf8.DecodeRuneInString(format)
	if size == 0 {
		return ""
	}
	s := string(unicode.ToUpper(first)) + format[size:]
	if len(args) > 0 {
		s = fmt.Sprintf(s, args...)
	}
	if strings.ContainsAny(s[len(s)-1:], ".?!") {
		return s
	}
	return s + "."
}

//go:embed *.toml
var files embed.FS

// languages reads the files, once.
var languages = sync.OnceValue(func() map[string]*Words {
	all := map[string]*Words{
		"en": {lang: "en", forms: new(sync.Map), texts: map[string]string{}, calendar: englishCalendar},
		"cy": {lang: "cy", forms: new(sync.Map), texts: map[string]string{}, calendar: welshCalendar},
	}
	bundle := i18n.NewBundle(language.English)
	if err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		return load(all, bundle, name)
	}); err != nil {
		panic(err) // the files are in the program: this cannot be anybody's mistake but ours
	}
	for lang, w := range all {
		w.counted = i18n.NewLocalizer(bundle, lang)
	}
	return all
})

func load(all map[string]*Words, bundle *i18n.Bundle, name string) error {
	text, err := files.ReadFile(name)
	if err != nil {
		return err
	}
	w, ok := all[langOf(name)]
	if !ok {
		return fmt.Errorf("words: %s is not named PART.en.toml or PART.cy.toml", name)
	}
	if name == "sentences.cy.toml" {
		return toml.Unmarshal(text, &w.sentences)
	}
	messages, err := bundle.ParseMessageBytes(language.Make(w.lang), text, toml.Unmarshal)
	if err != nil {
		return fmt.Errorf("words: %s: %w", name, err)
	}
	for _, m := range messages {
		if m.One == "" {
			w.texts[m.ID] = m.Other
		}
	}
	return nil
}

// langOf is the language of a file of texts: the last part of its name.
func langOf(name string) string {
	name = strings.TrimSuffix(name, ".toml")
	return name[strings.LastIndexByte(name, '.')+1:]
}
