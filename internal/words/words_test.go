package words

import (
	"strings"
	"testing"
)

func TestATextIsFilledInInBothLanguages(t *testing.T) {
	for _, c := range []struct{ lang, want string }{
		{"en", "Run by Harlow District Council."},
		{"cy", "Yn cael ei redeg gan Harlow District Council."},
		{"fr", "Run by Harlow District Council."},
	} {
		if got := In(c.lang).T("footer.run_by", "council", "Harlow District Council"); got != c.want {
			t.Errorf("In(%q) says %q, want %q", c.lang, got, c.want)
		}
	}
}

func TestWhatIsFilledInIsNotFilledInAgain(t *testing.T) {
	if got, want := In("en").T("footer.run_by", "council", "{{.council}} {{.n}} ["), "Run by {{.council}} {{.n}} [."; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAnUnknownTextShowsItsID(t *testing.T) {
	if got := In("cy").T("no.such_text"); got != "no.such_text" {
		t.Errorf("T of an unknown id = %q, want the id", got)
	}
}

func TestWelshCountsInSixForms(t *testing.T) {
	cy := In("cy")
	for n, want := range map[int]string{
		0:    "Nid oes yr un cyngor arall",
		1:    "Mae 1 cyngor arall",
		2:    "Mae 2 gyngor arall",
		3:    "Mae 3 chyngor arall",
		6:    "Mae 6 chyngor arall",
		11:   "Mae 11 o gynghorau eraill",
		1234: "Mae 1,234 o gynghorau eraill",
	} {
		if got := cy.N("footer.peers", n); !strings.Contains(got, want) {
			t.Errorf("%d: %q does not say %q", n, got, want)
		}
	}
}

func TestEnglishCountsInTwoForms(t *testing.T) {
	en := In("en")
	for n, want := range map[int]string{0: "0 hours ago", 1: "1 hour ago", 2: "2 hours ago", 1000: "1,000 hours ago"} {
		if got := en.N("ago.hours", n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}

func TestTheReadersOwnChoiceOfLanguageWins(t *testing.T) {
	for _, c := range []struct{ header, cookie, want string }{
		{"", "", "en"},
		{"cy", "", "cy"},
		{"cy-GB,cy;q=0.9,en;q=0.8", "", "cy"},
		{"en-GB,en;q=0.9,cy;q=0.5", "", "en"},
		{"fr-FR,fr;q=0.9", "", "en"},
		{"fr-FR,cy;q=0.5", "", "cy"},
		{"cy", "en", "en"},
		{"en", "cy", "cy"},
		{"en", "<script>", "en"},
		{";;;=,q", "", "en"},
		{strings.Repeat("cy-", 5000), "", "en"},
	} {
		if got := Match(c.header, c.cookie); got != c.want {
			t.Errorf("Match(%.40q, %q) = %q, want %q", c.header, c.cookie, got, c.want)
		}
	}
}

func TestAnErrorIsToldAsASentenceInTheReadersLanguage(t *testing.T) {
	for _, c := range []struct{ lang, want string }{
		{"en", "Join Trees to post here."},
		{"cy", "Ymunwch â Trees i bostio yma."},
	} {
		if got := In(c.lang).Sentence("join %s to post here", "Trees"); got != c.want {
			t.Errorf("%s: %q, want %q", c.lang, got, c.want)
		}
	}
}

func TestASentenceHasACapitalAndOneFullStop(t *testing.T) {
	for format, want := range map[string]string{
		"":                     "",
		"élan":                 "Élan.",
		"is that all?":         "Is that all?",
		"enough is enough.":    "Enough is enough.",
		"100% sure of nothing": "100% sure of nothing.",
	} {
		if got := In("en").Sentence(format); got != want {
			t.Errorf("Sentence(%q) = %q, want %q", format, got, want)
		}
	}
}

func TestAHostNameKeepsItsCaseAtTheHeadOfASentence(t *testing.T) {
	if got, want := In("en").Sentence("%s is on holiday", "harlow.gov.uk"), "harlow.gov.uk is on holiday."; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestNamesAreListedAsPeopleDo(t *testing.T) {
	for _, c := range []struct {
		lang  string
		items []string
		want  string
	}{
		{"en", nil, ""},
		{"en", []string{"Harlow"}, "Harlow"},
		{"en", []string{"Harlow", "Leeds", "York"}, "Harlow, Leeds and York"},
		{"cy", []string{"Caerdydd", "Gwynedd"}, "Caerdydd a Gwynedd"},
		{"cy", []string{"Caerdydd", "Abertawe"}, "Caerdydd ac Abertawe"},
		{"cy", []string{"Powys", "Wrecsam"}, "Powys a Wrecsam"},
		{"cy", []string{"Powys", "Ynys Môn"}, "Powys ac Ynys Môn"},
		{"cy", []string{"Leeds", "York"}, "Leeds a York"},
	} {
		if got := In(c.lang).List(c.items); got != c.want {
			t.Errorf("%s %q = %q, want %q", c.lang, c.items, got, c.want)
		}
	}
}

func TestNumbersHaveCommasBetweenThousands(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1234: "-1,234", -123: "-123"} {
		if got := In("cy").Number(n); got != want {
			t.Errorf("Number(%d) = %q, want %q", n, got, want)
		}
	}
}

func BenchmarkPlainText(b *testing.B) {
	w := In("cy")
	for b.Loop() {
		w.T("nav.home")
	}
}

func BenchmarkFilledText(b *testing.B) {
	w := In("cy")
	for b.Loop() {
		w.N("footer.peers", 31)
	}
}
