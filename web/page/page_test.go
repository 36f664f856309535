package page

import (
	"context"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/a-h/templ"

	"copse/internal/words"
	"copse/web/asset"
)

func html(t *testing.T, c templ.Component) string {
	t.Helper()
	var b strings.Builder
	if err := c.Render(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// within renders c around the children.
func within(t *testing.T, c, children templ.Component) string {
	t.Helper()
	var b strings.Builder
	if err := c.Render(templ.WithChildren(context.WithoutCancel(t.Context()), children), &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func wants(t *testing.T, got string, fragments ...string) {
	t.Helper()
	for _, want := range fragments {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
}

func stevenage(lang string) Frame {
	return Frame{W: words.In(lang), Title: "Ask a question", Server: "Stevenage Borough Council", Path: "/c/damp/ask?from=home"}
}

func TestAPageSaysWhereItIsInItsLanguage(t *testing.T) {
	f := stevenage("cy")
	f.Place = &Place{Name: "Damp, mould and repairs", URL: "/c/damp", Sections: []Link{
		{Text: "Cwestiynau", URL: "/c/damp/forum", Current: true, Count: 3, Counted: "3 heb eu hateb"},
		{Text: "Aelodau", URL: "/c/damp/members", Count: 99, More: true, Counted: "Mwy na 99"},
	}}
	f.Nav = "communities"
	f.Failed = true
	wants(t, within(t, Layout(f), PlaceBand(f)),
		`<html lang="cy">`,
		`<title>Gwall: Ask a question – Damp, mould and repairs – Cymunedau ymarfer Stevenage Borough Council</title>`,
		`<a class="copse-skip" href="#main">Neidio i’r prif gynnwys</a>`,
		`<main id="main" tabindex="-1">`,
		`<a class="copse-nav__link" href="/communities" aria-current="page">Cymunedau</a>`,
		`<a class="copse-subnav__link" href="/c/damp/forum" aria-current="page">`,
		`<span aria-hidden="true">3</span><span class="copse-hidden">3 heb eu hateb</span>`,
		`<span aria-hidden="true">99+</span><span class="copse-hidden">Mwy na 99</span>`,
	)
}

func TestTheOtherLanguageIsOneLinkAwayAndKeepsTheQuery(t *testing.T) {
	for path, want := range map[string]string{
		"/c/damp/ask?from=home":     `href="?from=home&amp;lang=cy"`,
		"/communities?lang=en":      `href="?lang=cy"`,
		"//elsewhere.example/x?q=1": `href="?lang=cy&amp;q=1"`,
		":not an address":           `href="?lang=cy"`,
	} {
		f := stevenage("en")
		f.Path = path
		wants(t, html(t, Layout(f)), `<a `+want+` lang="cy" hreflang="cy">Cymraeg</a>`)
	}
}

func TestSigningOutIsAForm(t *testing.T) {
	f := stevenage("en")
	wants(t, html(t, Layout(f)), `<a href="/sign-in">Sign in</a>`)
	f.Person = &Person{Name: "Tess Okafor", URL: "/u/tess"}
	got := html(t, Layout(f))
	wants(t, got, `<form action="/sign-out" method="post">`, `<span class="copse-hidden">Your account: </span>Tess Okafor</a>`)
	if strings.Contains(got, "/sign-in") {
		t.Error("somebody who has signed in is asked to")
	}
}

func TestWhatPeopleWriteIsNeverMarkup(t *testing.T) {
	w := words.In("en")
	nasty := Person{Name: `<script>alert(1)</script>`, URL: `javascript:alert(1)`, Council: `"><img src=x>`, Confirmed: true}
	form := Form{Values: url.Values{"title": {`"><script>`}, "text": {`</textarea><script>`}}}
	form.Fail("title", "<script>")
	got := html(t, PersonLine(w, nasty)) +
		html(t, Input(w, form, Field{Name: "title", Label: "<script>"})) +
		html(t, Textarea(w, form, Field{Name: "text", Label: "Text"})) +
		html(t, ErrorSummary(w, form)) +
		html(t, PostActions([]Action{{Text: "<script>", URL: "javascript:alert(1)"}, {Text: "x", URL: "javascript:alert(1)", Post: true}})) +
		html(t, Linked("<script> [<script>]", "javascript:alert(1)"))
	for _, banned := range []string{"<script", "<img", "javascript:"} {
		if strings.Contains(got, banned) {
			t.Errorf("%s in\n%s", banned, got)
		}
	}
}

func TestAFormShownAgainKeepsEveryWordExceptPasswords(t *testing.T) {
	w := words.In("en")
	form := Form{Values: url.Values{
		"title": {"Who makes the call?"}, "text": {"\nFirst line"}, "service": {"housing"},
		"name": {"hide"}, "rules": {"read", "records"}, "password": {"three unrelated words"},
	}}
	several := []Option{{Value: "show", Label: "Show"}, {Value: "hide", Label: "Hide"}, {Value: "read", Label: "Read"}, {Value: "records", Label: "Records"}, {Value: "housing", Label: "Housing"}}
	wants(t, html(t, Input(w, form, Field{Name: "title"})), `value="Who makes the call?"`)
	wants(t, html(t, Textarea(w, form, Field{Name: "text"})), ">\n\nFirst line</textarea>")
	wants(t, html(t, Select(w, form, Field{Name: "service", Options: several})), `<option value="housing" selected>`)
	wants(t, html(t, Radios(w, form, Field{Name: "name", Options: several})), `value="hide" checked>`)
	boxes := html(t, Checkboxes(w, form, Field{Name: "rules", Options: several}))
	wants(t, boxes, `value="read" checked>`, `value="records" checked>`)
	if strings.Contains(boxes, `value="show" checked`) {
		t.Error("a box is ticked that was not")
	}
	if got := html(t, Input(w, form, Field{Name: "password", Type: "password"})); strings.Contains(got, "unrelated") {
		t.Errorf("the password is in the page: %s", got)
	}
}

func TestAnErrorIsBesideItsFieldAndInTheSummary(t *testing.T) {
	w := words.In("cy")
	var form Form
	form.Fail("title", "Rhowch deitl.")
	form.Fail("name", "Dewiswch sut i ddangos eich enw")
	form.Fail("", "Aeth rhywbeth o’i le")
	wants(t, html(t, ErrorSummary(w, form)), `role="alert"`, `Mae problem`,
		`<a href="#title">Rhowch deitl</a>`, `<a href="#name">`, `Aeth rhywbeth`)
	wants(t, html(t, Input(w, form, Field{Name: "title", Hint: "Un llinell"})),
		`id="title"`, `aria-invalid="true"`, `aria-describedby="title-hint title-error"`,
		`<p class="copse-hint" id="title-hint">`,
		`<p class="copse-error" id="title-error"><span class="copse-hidden">Gwall: </span>Rhowch deitl</p>`)
	wants(t, html(t, Radios(w, form, Field{Name: "name", Options: []Option{{Value: "a"}, {Value: "b"}}})),
		`<fieldset aria-describedby="name-error">`, `id="name" name="name" value="a"`, `id="name-2" name="name" value="b"`)
	if got := html(t, ErrorSummary(w, Form{})); got != "" {
		t.Errorf("a form with nothing wrong says %s", got)
	}
}

func TestATickFollowsTheCouncilNotThePerson(t *testing.T) {
	w := words.In("en")
	council := Person{Name: "Joan Whitlock", Council: "Harlow District Council", Confirmed: true}
	wants(t, html(t, Council(w, council)), `Harlow District <span class="copse-nowrap">Council<svg class="copse-tick"`,
		`</svg><span class="copse-hidden">, confirmed by the council</span></span>`) // and a full stop may follow
	firm := Person{Name: "Ian Forde", Council: "Forde Consulting", Confirmed: true, Supplier: true}
	if got := html(t, Council(w, firm)); got != "Forde Consulting. Supplier, not a council" {
		t.Errorf("a supplier is shown as %s", got)
	}
}

func TestAJobNeedsNoCouncil(t *testing.T) {
	for want, p := range map[string]Person{
		">Surveyor<":                          {Job: "Surveyor"},
		">Surveyor, Harlow District Council<": {Job: "Surveyor", Council: "Harlow District Council"},
		">Harlow District Council<":           {Council: "Harlow District Council"},
	} {
		wants(t, html(t, PersonLine(words.In("en"), p)), want)
	}
}

func TestALinkStandsInItsSentence(t *testing.T) {
	if got, want := html(t, Linked("Ask [the council].", "/c")), `Ask <a href="/c">the council</a>.`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestMonogramsAreTheFirstAndLastInitials(t *testing.T) {
	for name, want := range map[string]string{"Tess Okafor": "TO", "élan": "É", "Mary Jane van Dyke": "MD", " ": "", "": ""} {
		if got := (Person{Name: name}).initials(); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

func TestATimeIsForPeopleAndForPrograms(t *testing.T) {
	at := time.Date(2026, 10, 28, 10, 14, 0, 0, time.UTC)
	got := html(t, Time(words.In("en"), at, at.Add(6*24*time.Hour), "/post/1"))
	if want := `<a href="/post/1"><time datetime="2026-10-28T10:14:00Z">28 October 2026, 10.14am</time></a> (6 days ago)`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestThereIsNoPaginationForOnePage(t *testing.T) {
	if got := html(t, Pagination(words.In("en"), "Pages of questions", "", "")); got != "" {
		t.Errorf("got %s", got)
	}
	got := html(t, Pagination(words.In("en"), "Pages of questions", "", "?after=7"))
	wants(t, got, `aria-label="Pages of questions"`, `<a href="?after=7" rel="next">Next page</a>`)
	if strings.Contains(got, "Previous") {
		t.Error("leads to a page before the first")
	}
}

func TestAProblemSaysWhatHappenedAndWhatToDo(t *testing.T) {
	for _, c := range []struct {
		status              int
		sentence, reference string
		want                []string
	}{
		{404, "", "", []string{"<h1 class=\"copse-h-xl\">Page not found</h1>", "check it is correct", "<title>Page not found –"}},
		{403, "Join Trees to post here.", "", []string{"You cannot see or do this", "Join Trees to post here."}},
		{401, "", "", []string{"Sign in to continue", `href="/sign-in"`}},
		{429, "", "", []string{"Please wait before you try again", "in a few minutes"}},
		{500, "", "K4T-99", []string{"Sorry, there is a problem with the service", "K4T-99"}},
		{503, "Harlow is not answering.", "", []string{"Sorry, the service is unavailable", "Harlow is not answering."}},
		{400, "Enter a title.", "", []string{"Check what you asked for", "Enter a title."}},
		{418, "", "", []string{"Check what you asked for"}},
	} {
		wants(t, html(t, Problem(stevenage("en"), c.status, c.sentence, c.reference)), c.want...)
	}
}

// The content security policy lets neither through, and a page that counts on one
// breaks for everybody.
func TestNoPageHasAnInlineStyleOrScript(t *testing.T) {
	inline := regexp.MustCompile(`(?i)<script|<style|\sstyle=|\son[a-z]+=|templ\.(KV|SafeCSS|ComponentScript)\w*\(.*style|^\s*(css|script) \w+\(`)
	everyTemplate(t, func(path, line string) {
		if found := inline.FindString(line); found != "" {
			t.Errorf("%s: %s", path, found)
		}
	})
}

func TestEveryClassIsInTheStylesheet(t *testing.T) {
	css, err := os.ReadFile("../asset/copse.css")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, class := range regexp.MustCompile(`\.(copse-[\w-]+)`).FindAllStringSubmatch(string(css), -1) {
		known[class[1]] = true
	}
	attribute := regexp.MustCompile(`class=("[^"]*"|\{[^}]*\})|KV\("[^"]*"`)
	class := regexp.MustCompile(`copse-[\w-]+\w["\s]`)
	everyTemplate(t, func(path, line string) {
		for _, attribute := range attribute.FindAllString(line, -1) {
			for _, found := range class.FindAllString(attribute, -1) {
				if name := strings.TrimRight(found, "\" \t"); !known[name] {
					t.Errorf("%s: no style for %s", path, name)
				}
			}
		}
	})
}

// everyTemplate visits every line of every template in the module.
func everyTemplate(t *testing.T, visit func(path, line string)) {
	t.Helper()
	lines := 0
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && d.Name() == "node_modules" {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".templ") {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for line := range strings.Lines(string(text)) {
			lines++
			visit(path, line)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if lines == 0 {
		t.Fatal("found no templates")
	}
}

func TestThePageAsksForTheStylesheetThatIsServed(t *testing.T) {
	wants(t, html(t, Layout(stevenage("en"))), `<link rel="stylesheet" href="`+asset.Path("copse.css")+`">`)
}
