package hub_test

import (
	"fmt"
	"testing"
	"time"

	"copse/copse"
	"copse/store"
)

// What a community passes on is about itself. Bob is a member of Trees here and
// Mod facilitates it, but Weeds, which lives elsewhere, does not speak for them.
func TestNoCommunityActsInAnother(t *testing.T) {
	each(t, func(t *testing.T, p *place) {
		weeds := p.remoteCommunity("leeds.example", "weeds")
		cat := p.remotePerson("hull.example", "cat")
		p.must(p.hub.Perform(t.Context(), &copse.Activity{URI: "https://hull.example/f/1", Type: "Follow", Actor: cat, Subject: &p.trees.Actor}))
		err := p.hub.DB.Update(t.Context(), func(tx *store.Tx) error {
			return tx.SetMembership(&copse.Membership{
				Community: p.trees.ID, Actor: cat.ID, Role: copse.Moderator, State: copse.Active, Since: tx.Now,
			})
		})
		p.must(err)
		topic := p.topic("ann", p.trees)
		for typ, inner := range map[string]*copse.Activity{
			"Like":   {Type: "Like", Actor: cat, Object: &copse.Object{URI: topic.URI}},
			"Delete": {Type: "Delete", Actor: cat, Object: &copse.Object{URI: topic.URI}, Reason: "spam"},
			"Create": {Type: "Create", Actor: cat, Object: &copse.Object{
				ID: store.NewID(), URI: "https://hull.example/o/1", Kind: "reply", Parent: topic.ID, Author: cat.ID, HTML: "<p>x",
			}},
		} {
			inner.URI = "https://hull.example/a/" + typ
			err := p.hub.Perform(t.Context(), &copse.Activity{
				URI: "https://leeds.example/a/" + typ, Type: "Announce", Actor: &weeds.Actor, Inner: inner,
			})
			if copse.CodeOf(err) != copse.CodeForbidden {
				t.Errorf("%s passed on by another community: %v, want it forbidden", typ, err)
			}
		}
		if o := p.object(topic.URI); o.Likes+o.Replies > 0 || !o.Deleted.IsZero() {
			t.Errorf("it took effect: %+v", o)
		}
	})
}

func TestADeleteKeepsOutOnlyWhatIsTheActorsOwn(t *testing.T) {
	each(t, func(t *testing.T, p *place) {
		cat, dan := p.remotePerson("hull.example", "cat"), p.remotePerson("hull.example", "dan")
		p.must(p.hub.Perform(t.Context(), &copse.Activity{URI: "https://hull.example/f/1", Type: "Follow", Actor: cat, Subject: &p.trees.Actor}))
		uri := "https://hull.example/o/1"
		p.must(p.hub.Perform(t.Context(), &copse.Activity{URI: uri + "#delete", Type: "Delete", Actor: dan, Object: &copse.Object{URI: uri}}))
		p.must(p.hub.Perform(t.Context(), &copse.Activity{
			URI: uri + "#create", Type: "Create", Actor: cat,
			Object: &copse.Object{ID: store.NewID(), URI: uri, Kind: "topic", Community: p.trees.ID, Author: cat.ID, Title: "Oak"},
		}))
		if o := p.object(uri); o.Title != "Oak" {
			t.Errorf("there is %+v, want what Cat wrote", o)
		}
	})
}

// A community may open after something was said for its members; what answers
// that is for them as well.
func TestWhoeverReadsAnAnswerReadsWhatItAnswers(t *testing.T) {
	each(t, func(t *testing.T, p *place) {
		topic := p.topic("ann", p.trees)
		open := *p.trees
		open.Audience = copse.Public
		p.must(p.hub.Govern(t.Context(), p.people["mod"], &open))
		answer := &copse.Object{Kind: "reply", Parent: topic.ID, HTML: "<p>So you said: …"}
		p.must(p.hub.Post(t.Context(), p.people["bob"], answer))
		below := &copse.Object{Kind: "reply", Parent: answer.ID, HTML: "<p>Yes"}
		p.must(p.hub.Post(t.Context(), p.people["ann"], below))
		for _, o := range []*copse.Object{answer, below} {
			if got := p.object(o.URI).Audience; got != copse.Members {
				t.Errorf("an answer is for %s", got)
			}
		}
		if got := p.object(p.topic("ann", p.trees).URI).Audience; got != copse.Public {
			t.Errorf("something new is for %s", got)
		}
	})
}

func TestWhatIsUndoneBeforeItCameNeverCounts(t *testing.T) {
	each(t, func(t *testing.T, p *place) {
		cat := p.remotePerson("hull.example", "cat")
		follow := func() *copse.Activity {
			return &copse.Activity{URI: "https://hull.example/f/1", Type: "Follow", Actor: cat, Subject: &p.trees.Actor}
		}
		p.must(p.hub.Perform(t.Context(), &copse.Activity{URI: "https://hull.example/u/1", Type: "Undo", Actor: cat, Inner: follow()}))
		p.must(p.hub.Perform(t.Context(), follow()))
		if got := p.state(p.trees, cat); got == copse.Active {
			t.Error("somebody who has left is in")
		}
		again := follow()
		again.URI = "https://hull.example/f/2"
		p.must(p.hub.Perform(t.Context(), again))
		if got := p.state(p.trees, cat); got != copse.Active {
			t.Errorf("asking anew leaves them %q", got)
		}

		// Of several questions any may come last.
		asked := func(n int, at time.Time) *copse.Activity {
			f := follow()
			f.URI, f.Published = fmt.Sprintf("https://hull.example/f/%d", n), at
			return f
		}
		now := time.Now()
		for _, act := range []*copse.Activity{
			asked(4, now.Add(-2*time.Minute)),
			{URI: "https://hull.example/u/4", Type: "Undo", Actor: cat, Inner: asked(4, now), Published: now.Add(-time.Minute)},
			asked(3, now.Add(-3*time.Minute)),
		} {
			p.must(p.hub.Perform(t.Context(), act))
		}
		if got := p.state(p.trees, cat); got != copse.Left {
			t.Errorf("what they asked before they left leaves them %q", got)
		}
		p.must(p.hub.Perform(t.Context(), asked(5, now.Add(-time.Second))))
		if got := p.state(p.trees, cat); got != copse.Active {
			t.Errorf("asking since then leaves them %q", got)
		}
		topic := p.topic("ann", p.trees)
		like := func() *copse.Activity {
			return &copse.Activity{URI: "https://hull.example/l/1", Type: "Like", Actor: cat, Object: &copse.Object{URI: topic.URI}}
		}
		p.must(p.hub.Perform(t.Context(), &copse.Activity{URI: "https://hull.example/u/2", Type: "Undo", Actor: cat, Inner: like()}))
		p.must(p.hub.Perform(t.Context(), like()))
		if got := p.object(topic.URI).Likes; got != 0 {
			t.Errorf("%d marks, want none", got)
		}
		p.view(func(tx *store.Tx) error {
			log, err := tx.Log(p.trees.ID, 0, 100)
			for _, line := range log {
				if line.Type == "Like" {
					t.Error("what never counted stands among what was done")
				}
			}
			return err
		})
	})
}

// A server without a shared inbox gets what is for one of its actors at that
// actor's own.
func TestWithoutASharedInboxMailGoesToWhomItIsFor(t *testing.T) {
	each(t, func(t *testing.T, p *place) {
		inboxes := func(host string) (all []string) {
			p.view(func(tx *store.Tx) error {
				peer, err := tx.Peer(host)
				if err != nil {
					return err
				}
				extras, err := tx.Extras(peer.ID, 10)
				for _, e := range extras {
					all = append(all, e.Inbox)
				}
				return err
			})
			return all
		}
		p.topic("ann", p.seeds)
		cat := p.remotePerson("hull.example", "cat")
		p.must(p.hub.Perform(t.Context(), &copse.Activity{URI: "https://hull.example/f/1", Type: "Follow", Actor: cat, Subject: &p.trees.Actor}))
		if got := inboxes("leeds.example"); len(got) != 3 || got[2] != p.seeds.Inbox { // two ask to join, one says something
			t.Errorf("what is submitted goes to %q, want %s", got, p.seeds.Inbox)
		}
		if got := inboxes("hull.example"); len(got) != 1 || got[0] != cat.Inbox {
			t.Errorf("letting in goes to %q, want %s", got, cat.Inbox)
		}
		shared := remote("derby.example", "u", "dan", copse.Person)
		shared.SharedInbox = "https://derby.example/inbox"
		p.must(p.hub.Learn(t.Context(), shared, nil))
		p.must(p.hub.Perform(t.Context(), &copse.Activity{URI: "https://derby.example/f/1", Type: "Follow", Actor: shared, Subject: &p.trees.Actor}))
		if got := inboxes("derby.example"); len(got) != 1 || got[0] != "" {
			t.Errorf("where there is a shared one it goes to %q", got)
		}
	})
}

// Several activities of somebody new may arrive at once, and each makes us read
// who that is.
func TestSomebodyNewIsLearntOnce(t *testing.T) {
	each(t, func(t *testing.T, p *place) {
		errs := make(chan error, 8)
		for range cap(errs) {
			go func() { errs <- p.hub.Learn(t.Context(), remote("hull.example", "u", "cat", copse.Person), nil) }()
		}
		for range cap(errs) {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
	})
}

// Whatever order edits are carried out in, the latest stays.
func TestTheLatestEditStays(t *testing.T) {
	each(t, func(t *testing.T, p *place) {
		cat := p.remotePerson("hull.example", "cat")
		p.must(p.hub.Perform(t.Context(), &copse.Activity{URI: "https://hull.example/f/1", Type: "Follow", Actor: cat, Subject: &p.trees.Actor}))
		uri, start := "https://hull.example/o/1", time.Now().Add(-time.Hour)
		object := func(title string) *copse.Object {
			return &copse.Object{ID: store.NewID(), URI: uri, Kind: "topic", Community: p.trees.ID, Author: cat.ID, Title: title, Published: start}
		}
		p.must(p.hub.Perform(t.Context(), &copse.Activity{URI: uri + "#create", Type: "Create", Actor: cat, Object: object("0")}))
		errs := make(chan error, 8)
		for i := range cap(errs) {
			o := object(fmt.Sprint(i + 1))
			o.Edited = start.Add(time.Duration(i+1) * time.Minute)
			go func() {
				errs <- p.hub.Perform(t.Context(), &copse.Activity{URI: uri + "#update" + o.Title, Type: "Update", Actor: cat, Object: o})
			}()
		}
		for range cap(errs) {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
		if got := p.object(uri).Title; got != "8" {
			t.Errorf("it is called %q, want 8", got)
		}
	})
}
