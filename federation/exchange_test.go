package federation_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"copse/copse"
	"copse/store"
)

// Somebody at Stevenage asks in Harlow's community, somebody at Northampton
// answers, and every council has both, with the right names, once.
func TestQuestionAndAnswerReachEveryCouncil(t *testing.T) {
	for _, audience := range []copse.Audience{copse.Public, copse.Members} {
		t.Run(string(audience), func(t *testing.T) {
			n := newNetwork(t, "harlow.example", "stevenage.example", "northampton.example", "wigan.example")
			harlow, stevenage, northampton, wigan := n.towns["harlow.example"], n.towns["stevenage.example"], n.towns["northampton.example"], n.towns["wigan.example"]
			joan := harlow.person("joan")
			equality := harlow.community(joan, "equality", copse.JoinOpen, audience)
			people := map[*town]*copse.Actor{stevenage: stevenage.person("tess"), northampton: northampton.person("rosa"), wigan: wigan.person("martin")}
			for w, p := range people {
				w.join(p, w.find("!equality@harlow.example"))
			}
			n.settle(t)

			question := stevenage.post(people[stevenage], stevenage.find("!equality@harlow.example"), "Do you screen every policy?", "<p>Or only some?</p>")
			n.settle(t)
			answer := northampton.answer(people[northampton], northampton.object(question.URI), "<p>Every one.</p>")
			n.settle(t)

			for host, w := range n.towns {
				q, a := w.object(question.URI), w.object(answer.URI)
				if q == nil || a == nil {
					t.Errorf("%s has question %v, answer %v; want both", host, q != nil, a != nil)
					continue
				}
				if q.Title != "Do you screen every policy?" || q.HTML != "<p>Or only some?</p>" || q.Audience != audience {
					t.Errorf("%s has the question as %q, %q for %q", host, q.Title, q.HTML, q.Audience)
				}
				if q.Replies != 1 || q.Councils != 1 || a.Parent != q.ID {
					t.Errorf("%s counts %d replies from %d councils, want 1 from 1", host, q.Replies, q.Councils)
				}
				if q.Accepted.IsZero() || a.Accepted.IsZero() {
					t.Errorf("%s thinks that Harlow has not taken them", host)
				}
				w.view(func(tx *store.Tx) error {
					author, err := tx.Actor(a.Author)
					if err == nil && author.Handle() != "rosa@northampton.example" {
						t.Errorf("%s says that %s answered", host, author.Handle())
					}
					return err
				})
			}
			if community := stevenage.find("!equality@harlow.example"); equality.URI != community.URI {
				t.Errorf("found %s, want %s", community.URI, equality.URI)
			}
		})
	}
}

func TestEditsRemovalsAndMarksReachEveryCouncil(t *testing.T) {
	n := newNetwork(t, "harlow.example", "stevenage.example", "wigan.example")
	harlow, stevenage, wigan := n.towns["harlow.example"], n.towns["stevenage.example"], n.towns["wigan.example"]
	joan := harlow.person("joan")
	harlow.community(joan, "trees", copse.JoinOpen, copse.Members)
	tess, martin := stevenage.person("tess"), wigan.person("martin")
	stevenage.join(tess, stevenage.find("!trees@harlow.example"))
	wigan.join(martin, wigan.find("!trees@harlow.example"))
	n.settle(t)
	topic := stevenage.post(tess, stevenage.find("!trees@harlow.example"), "Ash", "<p>Sick?</p>")
	n.settle(t)
	reply := wigan.answer(martin, wigan.object(topic.URI), "<p>Yes</p>")
	n.settle(t)

	edited := *stevenage.object(topic.URI)
	edited.Title, edited.HTML, edited.Source = "Ash dieback", "<p>Sick, and what to do?</p>", "Sick, and what to do?"
	if err := stevenage.hub.Edit(t.Context(), tess, &edited); err != nil {
		t.Fatal(err)
	}
	if err := wigan.hub.Like(t.Context(), martin, wigan.object(topic.URI), true); err != nil {
		t.Fatal(err)
	}
	n.settle(t)
	for host, w := range n.towns {
		o := w.object(topic.URI)
		if o.Title != "Ash dieback" || o.Edited.IsZero() || o.Likes != 1 {
			t.Errorf("%s has %q, edited %v, %d times helpful", host, o.Title, o.Edited, o.Likes)
		}
	}

	if err := wigan.hub.Like(t.Context(), martin, wigan.object(topic.URI), false); err != nil {
		t.Fatal(err)
	}
	answered := *stevenage.object(topic.URI)
	answered.Answer = stevenage.object(reply.URI).ID
	if err := stevenage.hub.Edit(t.Context(), tess, &answered); err != nil {
		t.Fatal(err)
	}
	n.settle(t)
	for host, w := range n.towns {
		if o := w.object(topic.URI); o.Likes != 0 || o.Answer != w.object(reply.URI).ID {
			t.Errorf("%s has %d marks, answer %d; want none and the reply", host, o.Likes, o.Answer)
		}
	}

	// Joan removes Martin's reply; Tess deletes her question herself.
	if err := harlow.hub.Remove(t.Context(), joan, harlow.object(reply.URI), "off topic"); err != nil {
		t.Fatal(err)
	}
	if err := stevenage.hub.Remove(t.Context(), tess, stevenage.object(topic.URI), ""); err != nil {
		t.Fatal(err)
	}
	n.settle(t)
	for host, w := range n.towns {
		o, r := w.object(topic.URI), w.object(reply.URI)
		if o.Deleted.IsZero() || o.Removed || o.HTML != "" {
			t.Errorf("%s: question deleted %v, removed %v, text %q", host, !o.Deleted.IsZero(), o.Removed, o.HTML)
		}
		if r.Deleted.IsZero() || !r.Removed {
			t.Errorf("%s: reply deleted %v, removed %v; want both", host, !r.Deleted.IsZero(), r.Removed)
		}
	}
	if rec := stevenage.get(strings.TrimPrefix(topic.URI, "https://stevenage.example")); rec.Code != 404 {
		t.Errorf("a stranger who asks for what was deleted for members is told %d, want 404", rec.Code)
	}
}

// Whoever accepts an answer has not edited the question, at no council and on none
// of its programs. Which answer came last is known all the same.
func TestToAcceptAnAnswerIsNoEdit(t *testing.T) {
	n := newNetwork(t, "harlow.example", "stevenage.example", "wigan.example")
	harlow, stevenage, wigan := n.towns["harlow.example"], n.towns["stevenage.example"], n.towns["wigan.example"]
	joan, tess, martin := harlow.person("joan"), stevenage.person("tess"), wigan.person("martin")
	trees := harlow.community(joan, "trees", copse.JoinOpen, copse.Public)
	stevenage.join(tess, stevenage.find("!trees@harlow.example"))
	wigan.join(martin, wigan.find("!trees@harlow.example"))
	n.settle(t)
	there := stevenage.find("!trees@harlow.example")
	for _, tt := range []struct {
		home *town
		by   *copse.Actor
		in   *copse.Actor
	}{{stevenage, tess, there}, {harlow, joan, &trees.Actor}} {
		topic := tt.home.post(tt.by, tt.in, "Ash?", "<p>Sick?</p>")
		n.settle(t)
		first := wigan.answer(martin, wigan.object(topic.URI), "<p>Yes</p>")
		second := wigan.answer(martin, wigan.object(topic.URI), "<p>No</p>")
		n.settle(t)
		edit := func(change func(*copse.Object)) {
			t.Helper()
			o := *tt.home.object(topic.URI)
			change(&o)
			if err := tt.home.hub.Edit(t.Context(), tt.by, &o); err != nil {
				t.Fatal(err)
			}
			n.settle(t)
		}
		check := func(answer *copse.Object, edited bool) {
			t.Helper()
			for host, w := range n.towns {
				o, want := w.object(topic.URI), copse.ID(0)
				if answer != nil {
					want = w.object(answer.URI).ID
				}
				if o.Answer != want || o.Edited.IsZero() == edited {
					t.Errorf("%s has the answer %d, edited %v; want %d, edited %v", host, o.Answer, o.Edited, want, edited)
				}
			}
			doc := tt.home.get(strings.TrimPrefix(topic.URI, "https://"+tt.home.host)).Body.String()
			if strings.Contains(doc, `"updated"`) != edited {
				t.Errorf("edited should read %v in %s", edited, doc)
			}
		}
		accept := func(answer *copse.Object) func(*copse.Object) {
			return func(o *copse.Object) { o.Answer = tt.home.object(answer.URI).ID }
		}
		edit(accept(first))
		check(first, false)
		edit(accept(second))
		check(second, false)
		edit(func(o *copse.Object) { o.Answer = 0 })
		check(nil, false)
		edit(func(o *copse.Object) { o.HTML, o.Edited = "<p>Very sick?</p>", time.Time{} })
		check(nil, true)
		was := tt.home.object(topic.URI).Edited
		edit(accept(first))
		check(first, true)
		if now := tt.home.object(topic.URI).Edited; !now.Equal(was) {
			t.Errorf("it was edited at %v and now says %v", was, now)
		}
	}
}

func TestJoiningByApprovalWaitsForTheFacilitator(t *testing.T) {
	n := newNetwork(t, "harlow.example", "stevenage.example")
	harlow, stevenage := n.towns["harlow.example"], n.towns["stevenage.example"]
	joan, tess := harlow.person("joan"), stevenage.person("tess")
	equality := harlow.community(joan, "equality", copse.JoinApproval, copse.Members)
	before := harlow.post(joan, &equality.Actor, "Welcome", "<p>Read this first</p>")
	beforeReply := harlow.answer(joan, before, "<p>And this</p>")
	there := stevenage.find("https://harlow.example/c/equality")
	if err := stevenage.hub.Join(t.Context(), tess, there, "writing our first EIA"); err != nil {
		t.Fatal(err)
	}
	n.settle(t)
	if m := stevenage.membership(there, tess); m.State != copse.Pending || m.Role != copse.Guest {
		t.Fatalf("before a decision Tess is %q, role %d", m.State, m.Role)
	}
	var waiting []store.Person
	harlow.view(func(tx *store.Tx) (err error) {
		waiting, err = tx.Waiting(equality.ID, 10)
		return err
	})
	if len(waiting) != 1 || waiting[0].Reason != "writing our first EIA" || waiting[0].JobTitle != "Officer" {
		t.Fatalf("Joan sees %+v waiting", waiting)
	}
	if err := stevenage.hub.Post(t.Context(), tess, &copse.Object{Kind: "topic", Community: there.ID, Title: "Now?"}); copse.CodeOf(err) != copse.CodeForbidden {
		t.Errorf("posting while waiting = %v, want forbidden", err)
	}
	c := *equality
	if err := harlow.hub.Decide(t.Context(), joan, &c, waiting[0].Actor, true, "Welcome, Tess"); err != nil {
		t.Fatal(err)
	}
	n.settle(t)
	if m := stevenage.membership(there, tess); m.State != copse.Active || m.Role != copse.Member {
		t.Errorf("once let in Tess is %q, role %d", m.State, m.Role)
	}
	for _, o := range []*copse.Object{before, beforeReply} {
		if stevenage.object(o.URI) == nil {
			t.Errorf("what was said before Tess came is missing: %s", o.URI)
		}
	}
	if err := harlow.hub.Decide(t.Context(), joan, &c, waiting[0].Actor, false, "sorry"); err != nil {
		t.Fatal(err)
	}
	n.settle(t)
	if m := stevenage.membership(there, tess); m.State != copse.Declined || m.Role != copse.Guest {
		t.Errorf("once turned out Tess is %q, role %d", m.State, m.Role)
	}
}

// What is written for members goes to no server without a member, and no
// stranger reads it anywhere.
func TestMembersOnlyStaysWithMembers(t *testing.T) {
	n := newNetwork(t, "harlow.example", "stevenage.example", "outsider.example")
	harlow, stevenage, outsider := n.towns["harlow.example"], n.towns["stevenage.example"], n.towns["outsider.example"]
	joan, tess, eve := harlow.person("joan"), stevenage.person("tess"), outsider.person("eve")
	harlow.community(joan, "equality", copse.JoinApproval, copse.Members)
	harlow.community(joan, "open", copse.JoinOpen, copse.Public)
	outsider.join(eve, outsider.find("!open@harlow.example"))
	there := stevenage.find("!equality@harlow.example")
	stevenage.join(tess, there)
	n.settle(t)
	equality := harlow.find("!equality@harlow.example")
	var c *copse.Community
	var asked *copse.Actor
	harlow.view(func(tx *store.Tx) (err error) {
		if c, err = tx.Community(equality.ID); err != nil {
			return err
		}
		asked, err = tx.ActorByURI(tess.URI)
		return err
	})
	if err := harlow.hub.Decide(t.Context(), joan, c, asked, true, ""); err != nil {
		t.Fatal(err)
	}
	n.settle(t)

	topic := stevenage.post(tess, there, "canary in the title", "<p>canary in the text</p>")
	n.settle(t)
	if outsider.object(topic.URI) != nil {
		t.Error("it was sent to a council without a member")
	}
	fetched, err := outsider.fed.Find(t.Context(), topic.URI)
	if err == nil {
		t.Errorf("a council without a member found %v", fetched)
	}
	for _, path := range []string{
		"/c/equality/outbox", "/c/equality", "/c/equality/followers", "/u/joan/outbox",
	} {
		if body := harlow.get(path).Body.String(); strings.Contains(body, "canary") || strings.Contains(body, "tess") {
			t.Errorf("%s tells a stranger: %s", path, body)
		}
	}
	path := strings.TrimPrefix(topic.URI, "https://stevenage.example")
	missing, hidden := stevenage.get("/post/1"), stevenage.get(path)
	if hidden.Code != 404 || hidden.Body.String() != missing.Body.String() {
		t.Errorf("hidden answers %d %q, missing %d %q; want them alike", hidden.Code, hidden.Body, missing.Code, missing.Body)
	}
}

// Tess gets a new job; the councils that know her say so.
func TestNewJobTitleReachesCouncilsThatKnowThePerson(t *testing.T) {
	n := newNetwork(t, "harlow.example", "stevenage.example", "wigan.example")
	harlow, stevenage, wigan := n.towns["harlow.example"], n.towns["stevenage.example"], n.towns["wigan.example"]
	joan, tess, martin := harlow.person("joan"), stevenage.person("tess"), wigan.person("martin")
	harlow.community(joan, "trees", copse.JoinOpen, copse.Members)
	own := stevenage.community(tess, "hedges", copse.JoinOpen, copse.Members)
	stevenage.join(tess, stevenage.find("!trees@harlow.example"))
	wigan.join(martin, wigan.find("!hedges@stevenage.example"))
	n.settle(t)
	topic := stevenage.post(tess, &own.Actor, "Hazel", "<p>Cut when?</p>")
	n.settle(t)

	var changed *copse.Actor
	stevenage.view(func(tx *store.Tx) (err error) {
		changed, err = tx.Actor(tess.ID)
		return err
	})
	changed.JobTitle = "Head of trees"
	if err := stevenage.hub.Describe(t.Context(), changed); err != nil {
		t.Fatal(err)
	}
	n.settle(t)
	for _, w := range []*town{harlow, wigan} {
		w.view(func(tx *store.Tx) error {
			a, err := tx.ActorByURI(tess.URI)
			if err == nil && a.JobTitle != "Head of trees" {
				t.Errorf("%s knows Tess as %q", w.host, a.JobTitle)
			}
			return err
		})
	}
	if wigan.object(topic.URI) == nil {
		t.Error("Wigan has lost her question")
	}
}

// Anybody can register in anybody's name; until the address is confirmed nobody
// is told that there is such a person.
func TestWhoHasNotConfirmedTheirAddressIsNotThere(t *testing.T) {
	n := newNetwork(t, "harlow.example")
	harlow := n.towns["harlow.example"]
	fake := &copse.Actor{Name: "leader", Title: "Leader of the Council"}
	if err := harlow.hub.Register(t.Context(), fake, &store.Account{Email: "leader@harlow.example", Role: store.Ordinary}, nil); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{
		"/u/leader", "/u/leader/outbox", "/.well-known/webfinger?resource=acct:leader@harlow.example",
		"/.well-known/webfinger?resource=https://harlow.example/u/leader",
	} {
		if rec := harlow.get(path); rec.Code != 404 {
			t.Errorf("%s answers %d, want 404", path, rec.Code)
		}
	}
	harlow.person("joan")
	if rec := harlow.get("/.well-known/webfinger?resource=https://harlow.example/u/joan"); rec.Code != 200 {
		t.Errorf("somebody who has is answered with %d, want 200", rec.Code)
	}
}

// A home that passes on no activities, only addresses, has taken all the same what
// it passes on of ours.
func TestAnAddressPassedOnIsTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		ash := s.leeds.post(s.ann, s.leeds.actorByURI(s.trees.uri), "Ash", "<p>Die-back?</p>")
		synctest.Wait()
		if !s.leeds.object(ash.URI).Accepted.IsZero() {
			t.Error("it was taken before its home had said so")
		}
		for _, c := range []struct {
			by   *voice
			want bool
		}{{s.weeds, false}, {s.trees, true}} {
			if got := c.by.say(s.leeds, c.by.act("Announce", "ash", ash.URI)); got != 202 {
				t.Errorf("answered %d", got)
			}
			if got := !s.leeds.object(ash.URI).Accepted.IsZero(); got != c.want {
				t.Errorf("passed on by %s it is taken %v, want %v", c.by.uri, got, c.want)
			}
		}
	})
}
