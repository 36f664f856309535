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
	localizer *i18n.Localizer
	parser    template.Parser
	plain     map[string]string // texts with nothing to fill in, by id
	sentences map[string]string // an English sentence's format to this language's
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
	_, i, confidence := language.NewMatcher([]language.Tag{language.English, language.Make("cy")}).Match(wanted...)
	if i == 1 && confidence >= language.High {
		return "cy"
	}
	return "en"
}

// Lang is the language's code for a lang attribute: "en" or "cy".
func (w *Words) Lang() string { return w.lang }

// T returns the text called id. What it needs filled in follows as pairs of name
// and value: T("community.run_by", "council", "Harlow District Council"). Whole
// numbers are written as Number writes them and times as Date does. An id that
// does not exist is returned as it is, so that it is seen; a test finds it first.
func (w *Words) T(id string, args ...any) string {
	if text, ok := w.plain[id]; ok {
		return text
	}
	return w.fill(id, &i18n.LocalizeConfig{MessageID: id, TemplateData: w.values(args)})
}

// N is T for a text that depends on a number of things: it picks the plural form
// for n, and {{.n}} in the text is n as Number writes it.
func (w *Words) N(id string, n int, args ...any) string {
	values := w.values(args)
	values["n"] = w.Number(n)
	return w.fill(id, &i18n.LocalizeConfig{MessageID: id, PluralCount: n, TemplateData: values})
}

func (w *Words) fill(id string, config *i18n.LocalizeConfig) string {
	config.TemplateParser = w.parser
	// The error repeats what an empty text already says, or that the text came
	// from English because it has no Welsh, which is better than nothing.
	text, _ := w.localizer.Localize(config)
	if text == "" {
		return id
	}
	return text
}

func (w *Words) values(args []any) map[string]string {
	values := make(map[string]string, len(args)/2+1)
	for i := 0; i+1 < len(args); i += 2 {
		name := fmt.Sprint(args[i])
		switch v := args[i+1].(type) {
		case string:
			values[name] = v
		case int:
			values[name] = w.Number(v)
		case time.Time:
			values[name] = w.Date(v)
		default:
			values[name] = fmt.Sprint(v)
		}
	}
	return values
}

// Sentence returns what an error tells a person, as a sentence for a page. format
// is English, lower case and without a full stop ("join %s to post here"), as
// errors are in Go; the sentence has a capital and a full stop, and is in w's
// language if there is a translation.
func (w *Words) Sentence(format string, args ...any) string {
	if own, ok := w.sentences[format]; ok {
		format = own
	}
	s := format
	if len(args) > 0 {
		s = fmt.Sprintf(format, args...)
	}
	first, size := utf8.DecodeRuneInString(s)
	if size == 0 {
		return ""
	}
	s = string(unicode.ToUpper(first)) + s[size:]
	if strings.ContainsAny(s[len(s)-1:], ".?!") {
		return s
	}
	return s + "."
}

//go:embed *.toml
var files embed.FS

// languages reads the files, once.
var languages = sync.OnceValue(func() map[string]*Words {
	bundle := i18n.NewBundle(language.English)
	english := &Words{lang: "en", calendar: englishCalendar}
	welsh := &Words{lang: "cy", calendar: welshCalendar}
	all := map[string]*Words{"en": english, "cy": welsh}
	for lang, w := range all {
		w.localizer = i18n.NewLocalizer(bundle, lang)
		w.parser = &template.TextParser{Option: "missingkey=error"}
		w.plain = map[string]string{}
	}
	names, err := fs.Glob(files, "*.toml")
	if err != nil {
		panic(err) // the pattern is wrong
	}
	for _, name := range names {
		text, err := files.ReadFile(name)
		if err != nil {
			panic(err) // an embedded file that was listed is there
		}
		if name == "sentences.cy.toml" {
			err = toml.Unmarshal(text, &welsh.sentences)
		} else {
			err = all[langOf(name)].load(bundle, text)
		}
		if err != nil {
			panic(fmt.Sprintf("words: %s: %v", name, err))
		}
	}
	return all
})

func (w *Words) load(bundle *i18n.Bundle, text []byte) error {
	messages, err := bundle.ParseMessageBytes(language.Make(w.lang), text, toml.Unmarshal)
	if err != nil {
		return err
	}
	for _, m := range messages {
		if m.One == "" && !strings.Contains(m.Other, "{{") {
			w.plain[m.ID] = m.Other
		}
	}
	return nil
}

// langOf is the language of a file of texts: the last part of its name.
func langOf(name string) string {
	name = strings.TrimSuffix(name, ".toml")
	return name[strings.LastIndexByte(name, '.')+1:]
}
