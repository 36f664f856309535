package world_test

import (
	"net/url"
	"strings"
	"testing"

	"copse/copse"
	"copse/internal/world"
)

// Four councils, on each engine: somebody asks, somebody elsewhere answers, and
// everybody reads the same conversation on their own council's pages.
func TestOneConversationAtFourCouncils(t *testing.T) {
	for engine, build := range map[string]func(testing.TB, ...string) world.World{
		"sqlite": world.New, "postgres": world.OnPostgres,
	} {
		t.Run(engine, func(t *testing.T) {
			w := build(t, "harlow.example", "stevenage.example", "northampton.example", "wigan.example")
			joan := w.Person("harlow.example", "joan")
			tess, rosa, martin := w.Person("stevenage.example", "tess"), w.Person("northampton.example", "rosa"), w.Person("wigan.example", "martin")
			equality := w.Community(joan, "equality", copse.JoinApproval, copse.Members)
			w.Join(equality, joan, tess, rosa, martin)

			asked := tess.Submit("/c/equality@harlow.example/ask", url.Values{
				"title": {"Do you screen every policy?"}, "text": {"Or only *some*?"},
			})
			if asked.Status != 200 || !asked.Has("Do you screen every policy?", "<em>some</em>") {
				t.Fatalf("asking shows %d %s", asked.Status, asked.Text)
			}
			w.Settle()
			topic := link(t, rosa.Page("/c/equality@harlow.example/forum"), "Do you screen every policy?")
			if answered := rosa.Submit(topic+"/reply", url.Values{"text": {"Every one of them."}}); !answered.Has("Every one of them.") {
				t.Fatalf("answering shows %d %s", answered.Status, answered.Text)
			}
			w.Settle()

			for _, p := range []*world.Person{joan, tess, rosa, martin} {
				forum := "/c/equality@harlow.example/forum"
				if p == joan {
					forum = "/c/equality/forum"
				}
				page := p.Page(link(t, p.Page(forum), "Do you screen every policy?"))
				if n := strings.Count(page.Text, "Every one of them."); n != 1 {
					t.Errorf("%s sees the answer %d times, want once", p.Handle(), n)
				}
				if !page.Has("Stevenage Council", "Northampton Council", "Tess", "Rosa") {
					t.Errorf("%s does not see who said it, from where", p.Handle())
				}
			}
			stranger := w["wigan.example"].Visitor()
			if page := stranger.Page("/c/equality@harlow.example"); page.Has("Do you screen") || !page.Has("Equality") {
				t.Errorf("a stranger sees %s", page.Text)
			}
		})
	}
}

// What people are told before they post is whom it is sent to: the home of the
// community, whether or not it has members of its own, and every council with one.
func TestWhoWillSeeThisIsTheSameAtEveryCouncil(t *testing.T) {
	w := world.New(t, "harlow.example", "stevenage.example", "wigan.example")
	harlow := w["harlow.example"]
	joan, tess, martin := w.Person("harlow.example", "joan"), w.Person("stevenage.example", "tess"), w.Person("wigan.example", "martin")
	trees := w.Community(joan, "trees", copse.JoinOpen, copse.Members)
	self, err := harlow.Hub.Self(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	seeds := &copse.Community{
		Actor: copse.Actor{Name: "seeds", Title: "Seeds"}, Join: copse.JoinOpen, Audience: copse.Members, Posting: copse.Member,
	}
	if err := harlow.Hub.Found(t.Context(), self, seeds); err != nil {
		t.Fatal(err)
	}
	w.Join(trees, joan, tess, martin)
	w.Join(seeds, joan, tess, martin)
	if page := joan.Page("/c/trees/ask"); !page.Has("Members of Trees: 3 people at 3 councils. It is not public.",
		"Harlow Council, Stevenage Council and Wigan Council.") {
		t.Errorf("Joan is told %s", page.Text)
	}
	for address, want := range map[string]string{
		"/c/trees@harlow.example/ask": "Members of Trees: 3 people at 3 councils, including Harlow Council, which runs it. It is not public.",
		"/c/seeds@harlow.example/ask": "Members of Seeds: 2 people at 3 councils, including Harlow Council, which runs it. It is not public.",
	} {
		for _, p := range []*world.Person{tess, martin} {
			if page := p.Page(address); !page.Has(want) {
				t.Errorf("%s is told %s", p.Handle(), page.Text)
			}
		}
	}
}

// Harlow is down for a while: what people write is kept, marked as waiting, and
// arrives when Harlow is back.
func TestHomeOfACommunityGoesDownAndComesBack(t *testing.T) {
	w := world.New(t, "harlow.example", "stevenage.example", "wigan.example")
	joan, tess, martin := w.Person("harlow.example", "joan"), w.Person("stevenage.example", "tess"), w.Person("wigan.example", "martin")
	trees := w.Community(joan, "trees", copse.JoinOpen, copse.Members)
	w.Join(trees, joan, tess, martin)

	w["harlow.example"].Stop()
	page := tess.Submit("/c/trees@harlow.example/new", url.Values{"title": {"Planting dates"}, "text": {"March?"}})
	if !page.Has("Planting dates", "Waiting to send") {
		t.Errorf("while Harlow is down Tess sees %s", page.Text)
	}
	w.Until("Stevenage has noticed that Harlow does not answer", func() bool {
		return tess.Page("/c/trees@harlow.example").Has("not answering")
	})
	if martin.Page("/c/trees@harlow.example/forum").Has("Planting dates") {
		t.Error("Wigan has it although Harlow is down")
	}
	w["harlow.example"].Start()
	w.Settle()
	if page := tess.Page(page.Path); page.Has("Waiting to send") {
		t.Error("it is still marked as waiting")
	}
	if !martin.Page("/c/trees@harlow.example/forum").Has("Planting dates") {
		t.Error("it never reached Wigan")
	}
}

// link returns the address behind a text.
func link(t *testing.T, p world.Page, text string) string {
	t.Helper()
	before, _, ok := strings.Cut(p.Text, text)
	_, href, ok2 := cutLast(before, `href="`)
	address, _, ok3 := strings.Cut(href, `"`)
	if !ok || !ok2 || !ok3 {
		t.Fatalf("%s has no link %q:\n%s", p.Path, text, p.Text)
	}
	return address
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}
