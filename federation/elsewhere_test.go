package federation_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"copse/copse"
	"copse/federation/ap"
	"copse/store"
)

// proposed returns what a town has asked the home of a community to do.
func (w *town) proposed(c *copse.Actor) (all []*store.Proposal) {
	w.view(func(tx *store.Tx) (err error) {
		all, err = tx.Proposals(c.ID, 100)
		return err
	})
	return all
}

// waiting returns who asks to join a community, as a town knows it.
func (w *town) waiting(c *copse.Actor) (uris []string) {
	w.view(func(tx *store.Tx) error {
		all, err := tx.Waiting(c.ID, 100)
		for _, p := range all {
			uris = append(uris, p.URI)
		}
		return err
	})
	return uris
}

// knows returns a community as a town knows it.
func (w *town) knows(c *copse.Actor) (got *copse.Community) {
	w.view(func(tx *store.Tx) (err error) {
		got, err = tx.Community(c.ID)
		return err
	})
	return got
}

// From her own council Tess does in a community at Harlow all that a facilitator may
// (A7, A8). Nothing happens anywhere before Harlow has it, and then everywhere.
func TestAFacilitatorElsewhereRulesFromTheirOwnCouncil(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newTrio(t)
		topic := x.wigan.post(x.martin, x.at(x.wigan), "Ash", "<p>Sick?</p>")
		x.settle(t)
		reply := x.wigan.answer(x.martin, topic, "<p>Yes</p>")
		x.settle(t)
		trees := x.community(x.stevenage)
		pinned := func(w *town) (is bool) {
			w.view(func(tx *store.Tx) (err error) {
				is, err = tx.IsPinned(w.object(topic.URI).ID)
				return err
			})
			return is
		}
		closed := func(w *town) bool {
			closed, _ := w.closed(topic.URI)
			return closed
		}
		gone := func(w *town) bool { return w.object(reply.URI).Removed }
		out := func(w *town) bool { // Stevenage remembers, for Tess to let him in again
			return w.membership(x.at(w), w.actorByURI(x.martin.URI)).State == copse.Blocked
		}
		described := func(w *town) bool {
			c := w.knows(x.at(w))
			return c.Title == "All our trees" && strings.TrimSpace(c.Summary) == "<p>What <em>lives</em>.</p>"
		}
		not := func(is func(*town) bool) func(*town) bool { return func(w *town) bool { return !is(w) } }
		ctx, hub, tess := t.Context(), x.stevenage.hub, x.tess
		about := func(uri string) *copse.Object { return x.stevenage.object(uri) }
		martin := x.stevenage.actorByURI(x.martin.URI)
		week := time.Now().Add(7 * 24 * time.Hour).UTC().Truncate(time.Second)
		renamed := *trees
		renamed.Title, renamed.Source, renamed.Join = "All our trees", "What *lives*.", copse.JoinApproval
		for _, c := range []struct {
			what string
			do   func() error
			is   func(*town) bool
		}{
			{"a reply is removed", func() error { return hub.Remove(ctx, tess, about(reply.URI), "off topic") }, gone},
			{"it is back", func() error { return hub.Restore(ctx, tess, about(reply.URI)) }, not(gone)},
			{"a conversation is closed", func() error { return hub.Lock(ctx, tess, about(topic.URI), true, "Old") }, closed},
			{"it is open", func() error { return hub.Lock(ctx, tess, about(topic.URI), false, "") }, not(closed)},
			{"it is pinned", func() error { return hub.Pin(ctx, tess, about(topic.URI), true) }, pinned},
			{"it is not pinned", func() error { return hub.Pin(ctx, tess, about(topic.URI), false) }, not(pinned)},
			{"it is described anew", func() error { return hub.Govern(ctx, tess, &renamed) }, described},
			{"Martin is out", func() error { return hub.Ban(ctx, tess, trees, martin, week, true, "Rude") }, out},
			{"he may come back", func() error { return hub.Unban(ctx, tess, trees, martin) }, not(out)},
		} {
			x.answer("harlow.example", refused)
			if err := c.do(); err != nil {
				t.Fatalf("%s: %v", c.what, err)
			}
			synctest.Wait()
			for host, w := range x.towns {
				if c.is(w) {
					t.Errorf("at %s it is so already that %s", host, c.what)
				}
			}
			if all := x.stevenage.proposed(&trees.Actor); len(all) != 1 || all[0].Taken || !all[0].Stopped.IsZero() || all[0].By != tess.ID {
				t.Errorf("%s: Harlow has been asked for %+v", c.what, all)
			}
			x.answer("harlow.example", nil)
			time.Sleep(5 * time.Minute)
			synctest.Wait()
			x.everywhere(c.what, c.is)
			if all := x.stevenage.proposed(&trees.Actor); len(all) != 0 {
				t.Errorf("%s: Harlow is still to do %+v", c.what, all[0])
			}
			if c.what == "Martin is out" {
				m := x.wigan.membership(x.at(x.wigan), x.martin)
				if m.Reason != "Rude" || !m.Until.Equal(week) {
					t.Errorf("Martin is told %q, until %v", m.Reason, m.Until)
				}
				x.everywhere("what he wrote is gone", gone)
			}
		}
		if c := x.community(x.harlow); c.Join != copse.JoinOpen || c.Source != "What *lives*." {
			t.Errorf("Harlow has it join by %s, described as %q: more than a description was changed", c.Join, c.Source)
		}
		// What is hers alone to see ends when she does not look after it any more.
		x.done(x.stevenage.hub.Ban(ctx, tess, trees, martin, week, false, "Rude"))
		x.done(x.harlow.hub.Appoint(ctx, x.joan, x.trees, x.harlow.actorByURI(tess.URI), false))
		if m := x.stevenage.membership(&trees.Actor, martin); m.State != "" {
			t.Errorf("Stevenage keeps that Martin is %s", m.State)
		}
	})
}

func (x *trio) community(w *town) *copse.Community { return w.knows(x.at(w)) }

// What its home refuses is not done, and says so.
func TestWhatAHomeRefusesIsNotDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newTrio(t)
		topic := x.wigan.post(x.martin, x.at(x.wigan), "Ash", "<p>Sick?</p>")
		x.settle(t)
		trees := x.community(x.stevenage)
		// Stevenage has not heard yet that Tess looks after it no more.
		x.answer("stevenage.example", refused)
		if err := x.harlow.hub.Appoint(t.Context(), x.joan, x.trees, x.harlow.actorByURI(x.tess.URI), false); err != nil {
			t.Fatal(err)
		}
		if err := x.stevenage.hub.Remove(t.Context(), x.tess, x.stevenage.object(topic.URI), "off topic"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		x.everywhere("it is there", func(w *town) bool { return w.object(topic.URI).Deleted.IsZero() })
		all := x.stevenage.proposed(&trees.Actor)
		if len(all) != 1 || all[0].Stopped.IsZero() || all[0].Error != "it answered 403" || all[0].Ruling != copse.Removing {
			t.Errorf("Harlow has been asked for %+v", all)
		}
		// And what only its owners at home decide is not even asked for.
		if err := x.stevenage.hub.Appoint(t.Context(), x.tess, trees, x.stevenage.actorByURI(x.martin.URI), true); copse.CodeOf(err) != copse.CodeForbidden {
			t.Errorf("Tess appoints: %v", err)
		}
	})
}

// Who asks to join is known where somebody can let them in, and nowhere else (J8).
func TestAFacilitatorElsewhereLetsPeopleIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newTrio(t)
		x.trees.Join = copse.JoinApproval
		x.done(x.harlow.hub.Govern(t.Context(), x.joan, x.trees))
		lemmy := x.peer(t, "lemmy.example")
		lee := lemmy.actor("Person", "/u/lee")
		lee.say(x.harlow, lee.act("Follow", "1", x.trees.URI))
		synctest.Wait()
		leeAtHarlow := x.harlow.actorByURI(lee.uri)
		x.done(x.harlow.hub.Decide(t.Context(), x.joan, x.trees, leeAtHarlow, true, ""))
		x.done(x.harlow.hub.Appoint(t.Context(), x.joan, x.trees, leeAtHarlow, true))

		n := 0
		asks := func(w *town) *copse.Actor {
			n++
			p := w.person(fmt.Sprint("p", n))
			w.join(p, x.at(w))
			x.settle(t)
			return p
		}
		waits := func(what string, want ...string) {
			t.Helper()
			for _, w := range []*town{x.harlow, x.stevenage} {
				got := w.waiting(x.at(w))
				slices.Sort(got)
				if !slices.Equal(got, want) {
					t.Errorf("%s: at %s %q wait, want %q", what, w.host, got, want)
				}
			}
		}
		state := func(w *town, p *copse.Actor) copse.State { return w.membership(x.at(w), p).State }
		trees := x.community(x.stevenage)
		decide := func(p *copse.Actor, welcome bool) error {
			return x.stevenage.hub.Decide(t.Context(), x.tess, trees, x.stevenage.actorByURI(p.URI), welcome, "Because")
		}

		ann, bob, here, home := asks(x.wigan), asks(x.wigan), asks(x.stevenage), asks(x.harlow)
		waits("asked", home.URI, here.URI, ann.URI, bob.URI)
		x.stevenage.view(func(tx *store.Tx) error {
			m, err := tx.Membership(trees.ID, x.stevenage.actorByURI(ann.URI).ID)
			if err == nil && m.Reason != "to learn" {
				t.Errorf("Ann's reason is %q", m.Reason)
			}
			return err
		})
		if got := x.wigan.waiting(x.at(x.wigan)); len(got) != 2 {
			t.Errorf("at Wigan %q wait, want its own two", got)
		}
		x.answer("harlow.example", refused)
		if err := decide(ann, true); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		waits("decided, but not arrived", home.URI, here.URI, ann.URI, bob.URI)
		x.answer("harlow.example", nil)
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		waits("Ann is let in", home.URI, here.URI, bob.URI)
		if got := state(x.wigan, ann); got != copse.Active {
			t.Errorf("Ann is %s at Wigan", got)
		}
		x.harlow.view(func(tx *store.Tx) error {
			log, err := tx.Log(x.trees.ID, 0, 100)
			if i := slices.IndexFunc(log, func(r store.Record) bool { return r.Type == "Accept" }); err == nil && (i < 0 || log[i].By.URI != x.tess.URI) {
				t.Errorf("Harlow's log does not say that Tess let her in: %+v", log)
			}
			return err
		})
		x.done(decide(bob, false))
		if got := state(x.wigan, bob); got != copse.Declined {
			t.Errorf("Bob is %s at Wigan", got)
		}
		x.done(decide(home, true))
		if got := state(x.harlow, home); got != copse.Active {
			t.Errorf("who asked at home is %s", got)
		}
		x.done(decide(here, true))
		if got := state(x.stevenage, here); got != copse.Active {
			t.Errorf("who asked where Tess is is %s", got)
		}
		waits("all decided")
		if all := x.stevenage.proposed(&trees.Actor); len(all) != 0 {
			t.Errorf("Harlow is still to do %+v", all[0])
		}

		// What is dealt with at home, or taken back, is not asked of Tess.
		eve, fay := asks(x.wigan), asks(x.wigan)
		waits("two more", eve.URI, fay.URI)
		x.done(x.harlow.hub.Decide(t.Context(), x.joan, x.trees, x.harlow.actorByURI(eve.URI), true, ""))
		x.done(x.wigan.hub.Leave(t.Context(), fay, x.at(x.wigan)))
		waits("one let in by Joan, one not asking any more")
		if err := decide(eve, false); copse.CodeOf(err) != copse.CodeConflict {
			t.Errorf("what Joan decided Tess decides again: %v", err)
		}

		// Who looks after it no more knows nothing more, and a new one knows all.
		gil := asks(x.wigan)
		tess := x.harlow.actorByURI(x.tess.URI)
		x.done(x.harlow.hub.Appoint(t.Context(), x.joan, x.trees, tess, false))
		if got := x.stevenage.waiting(x.at(x.stevenage)); len(got) != 0 {
			t.Errorf("where nobody looks after it, %q wait", got)
		}
		hal := asks(x.wigan)
		if x.stevenage.actorByURI(hal.URI) != nil {
			t.Error("where nobody looks after it, it is known who asks to join")
		}
		x.done(x.harlow.hub.Appoint(t.Context(), x.joan, x.trees, tess, true))
		waits("Tess is back", gil.URI, hal.URI)

		for _, sent := range lemmy.received() {
			if inner, _ := sent["object"].(map[string]any); inner["type"] == "Follow" && inner["actor"] != lee.uri {
				t.Errorf("a server that lets nobody in was told who asks: %v", sent)
			}
		}
	})
}

// AS-052: who does not look after this very community now rules nothing in it, from
// wherever they try. Who does can do all of it, but appoint others.
func TestOnlyItsFacilitatorsRuleACommunity(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		seeds := s.seeds.URI
		topic := s.leeds.post(s.ann, &s.seeds.Actor, "Oak", "<p>Where?</p>")
		other := s.leeds.post(s.ann, &s.seeds.Actor, "Elm", "<p>When?</p>")
		if err := s.leeds.hub.Remove(t.Context(), s.ann, other, ""); err != nil {
			t.Fatal(err)
		}
		s.seeds.Join = copse.JoinApproval
		if err := s.leeds.hub.Govern(t.Context(), s.ann, s.seeds); err != nil {
			t.Fatal(err)
		}
		dave := s.home.actor("Person", "/u/dave")
		dave.say(s.leeds, dave.act("Follow", "1", seeds))
		synctest.Wait()
		role := func(v *voice, role copse.Role) {
			t.Helper()
			err := s.leeds.db.Update(t.Context(), func(tx *store.Tx) error {
				a, err := tx.ActorByURI(v.uri)
				if err != nil {
					return err
				}
				state := copse.Active
				if role == copse.Guest {
					state = copse.Left
				}
				return tx.SetMembership(&copse.Membership{Community: s.seeds.ID, Actor: a.ID, Role: role, State: state, Since: tx.Now})
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		n := 0
		acts := func(v *voice) map[string]obj {
			n++
			act := func(typ string, object any, with obj) obj {
				a := v.act(typ, fmt.Sprint(typ, n, len(with), object != topic.URI), object).with(obj{"to": []string{ap.Public}, "cc": []string{seeds}, "audience": seeds})
				return a.with(with)
			}
			why := obj{"summary": "why"}
			return map[string]obj{
				"remove":    act("Delete", topic.URI, why),
				"restore":   act("Undo", act("Delete", topic.URI, why), nil),
				"close":     act("Lock", topic.URI, why),
				"open":      act("Undo", act("Lock", topic.URI, why), obj{"summary": "open"}),
				"pin":       act("Add", topic.URI, obj{"target": seeds + "/featured"}),
				"unpin":     act("Remove", topic.URI, obj{"target": seeds + "/featured"}),
				"block":     act("Block", s.bob.uri, obj{"target": seeds, "removeData": true}),
				"unblock":   act("Undo", act("Block", s.bob.uri, obj{"target": seeds}), obj{"summary": "unblock"}),
				"appoint":   act("Add", s.bob.uri, obj{"target": seeds + "/moderators"}),
				"dismiss":   act("Remove", s.bob.uri, obj{"target": seeds + "/moderators"}),
				"let in":    act("Accept", obj{"type": "Follow", "actor": dave.uri, "object": seeds}, nil),
				"turn down": act("Reject", obj{"type": "Follow", "actor": dave.uri, "object": seeds}, nil),
				"describe":  act("Update", obj{"id": seeds, "type": "Group", "name": "Taken over", "source": obj{"content": "x", "mediaType": "text/markdown"}}, nil),
			}
		}
		all := func() string {
			closed, _ := s.leeds.closed(topic.URI)
			pinned := false
			s.leeds.view(func(tx *store.Tx) (err error) {
				pinned, err = tx.IsPinned(topic.ID)
				return err
			})
			bob := s.leeds.membership(&s.seeds.Actor, s.leeds.actorByURI(s.bob.uri))
			return fmt.Sprintf("%sclosed %v, pinned %v, Bob %s %d\n", s.leeds.state(), closed, pinned, bob.State, bob.Role)
		}
		rulesNothing := func(who string, v *voice) {
			t.Helper()
			before := all()
			for name, act := range acts(v) {
				if got := v.say(s.leeds, act); got >= 500 || got == 200 {
					t.Errorf("052 %s: %s is answered %d", who, name, got)
				}
				synctest.Wait()
				time.Sleep(time.Minute)
				if news := changed(before, all()); news != "" {
					t.Errorf("052 %s: %s took effect:\n%s", who, name, news)
					before = all()
				}
			}
		}
		rulesNothing("an outsider", s.eve)
		rulesNothing("a member", s.carol)
		rulesNothing("a facilitator of another community", s.mod)
		same := s.evil.actor("Group", "/c/seeds")
		s.evil.serve(same.doc.with(obj{"attributedTo": same.uri + "/moderators"}))
		s.evil.serve(obj{"id": same.uri + "/moderators", "type": "OrderedCollection", "orderedItems": []string{s.eve.uri}})
		s.joins(same)
		s.leeds.fed.Freshen(s.leeds.actorByURI(same.uri))
		synctest.Wait()
		if got := s.leeds.facilitators(s.leeds.actorByURI(same.uri)); !slices.Equal(got, []string{s.eve.uri}) {
			t.Fatalf("%q look after the other Seeds", got)
		}
		rulesNothing("a facilitator of a community of the same name", s.eve)

		role(s.carol, copse.Moderator)
		before := all()
		for _, name := range []string{"close", "pin", "remove", "restore", "open", "unpin", "block", "unblock", "describe", "let in"} {
			if got := s.carol.say(s.leeds, acts(s.carol)[name]); got != 202 {
				t.Errorf("a facilitator: %s is answered %d", name, got)
			}
			synctest.Wait()
			now := all()
			if now == before {
				t.Errorf("a facilitator: %s did nothing", name)
			}
			before = now
			time.Sleep(time.Minute)
		}
		for _, name := range []string{"appoint", "dismiss"} {
			if got := s.carol.say(s.leeds, acts(s.carol)[name]); got != 403 {
				t.Errorf("a facilitator: %s is answered %d, want 403", name, got)
			}
		}

		dave.say(s.leeds, dave.act("Undo", "1", dave.act("Follow", "1", seeds)))
		dave.say(s.leeds, dave.act("Follow", "2", seeds))
		role(s.carol, copse.Member)
		time.Sleep(time.Second)
		rulesNothing("one who was a facilitator until a second ago", s.carol)
		role(s.carol, copse.Moderator)
		if err := s.leeds.fed.Decide(t.Context(), nil, "third.example", copse.DecideBlock); err != nil {
			t.Fatal(err)
		}
		rulesNothing("a facilitator whose server is blocked now", s.carol)
	})
}

// What a facilitator here does in a community at a Lemmy server is sent as Lemmy reads
// it, with a proof, and is done when Lemmy announces it: not before, and as we sent it.
func TestLemmyIsAskedInItsOwnWords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		ash := s.says(s.trees, s.bob, s.bob.page("ash", s.trees.uri, "Ash"))
		trees := s.leeds.actorByURI(s.trees.uri)
		if err := s.leeds.hub.LearnFacilitators(t.Context(), trees.ID, []*copse.Actor{s.ann}); err != nil {
			t.Fatal(err)
		}
		c, bob, carol := s.leeds.knows(trees), s.leeds.actorByURI(s.bob.uri), s.leeds.actorByURI(s.carol.uri)
		ctx, hub := t.Context(), s.leeds.hub
		until := time.Now().Add(7 * 24 * time.Hour).UTC().Truncate(time.Second)
		closed := func() bool { closed, _ := s.leeds.closed(ash.URI); return closed }
		for _, a := range []struct {
			what string
			do   func() error
			want obj // of what is sent, or of what it undoes
			is   func() bool
		}{
			{"Lock", func() error { return hub.Lock(ctx, s.ann, ash, true, "Old") }, obj{"type": "Lock", "object": ash.URI, "summary": "Old"}, closed},
			{"Undo of the Lock", func() error { return hub.Lock(ctx, s.ann, ash, false, "") }, obj{"type": "Lock", "object": ash.URI}, func() bool { return !closed() }},
			{"Add of a topic", func() error { return hub.Pin(ctx, s.ann, ash, true) }, obj{"type": "Add", "object": ash.URI, "target": s.trees.uri + "/featured"}, nil},
			{"Delete", func() error { return hub.Remove(ctx, s.ann, s.leeds.object(ash.URI), "Spam") }, obj{"type": "Delete", "object": ash.URI, "summary": "Spam"},
				func() bool { return s.leeds.object(ash.URI).Removed }},
			{"Undo of the Delete", func() error { return hub.Restore(ctx, s.ann, s.leeds.object(ash.URI)) }, obj{"type": "Delete", "object": ash.URI, "summary": "Spam"},
				func() bool { return s.leeds.object(ash.URI).Deleted.IsZero() }},
			{"Block", func() error { return hub.Ban(ctx, s.ann, c, bob, until, true, "Rude") }, obj{
				"type": "Block", "object": s.bob.uri, "target": s.trees.uri, "summary": "Rude", "removeData": true,
				"endTime": until.Format(time.RFC3339), "expires": until.Format(time.RFC3339),
			}, func() bool {
				return s.leeds.object(ash.URI).Removed && s.leeds.membership(trees, bob).State == copse.Blocked
			}},
			{"Undo of the Block", func() error { return hub.Unban(ctx, s.ann, c, bob) }, obj{"type": "Block", "object": s.bob.uri, "target": s.trees.uri},
				func() bool { return s.leeds.membership(trees, bob).State != copse.Blocked }},
			{"Add of a person", func() error { return hub.Appoint(ctx, s.ann, c, carol, true) }, obj{"type": "Add", "object": s.carol.uri, "target": s.trees.uri + "/moderators"},
				func() bool { return len(s.leeds.facilitators(trees)) == 2 }},
			{"Remove of a person", func() error { return hub.Appoint(ctx, s.ann, c, carol, false) }, obj{"type": "Remove", "object": s.carol.uri, "target": s.trees.uri + "/moderators"},
				func() bool { return len(s.leeds.facilitators(trees)) == 1 }},
		} {
			if err := a.do(); err != nil {
				t.Fatalf("%s: %v", a.what, err)
			}
			synctest.Wait()
			if a.is != nil && a.is() {
				t.Errorf("%s: it is done before Lemmy said so", a.what)
			}
			all := s.home.received()
			sent := all[len(all)-1]
			ruling := sent
			if sent["type"] == "Undo" {
				ruling = sent["object"].(map[string]any)
			}
			for key, want := range a.want {
				if fmt.Sprint(ruling[key]) != fmt.Sprint(want) {
					t.Errorf("%s: its %s is %v, want %v", a.what, key, ruling[key], want)
				}
			}
			for _, key := range []string{"proof", "to", "cc", "audience"} {
				if sent[key] == nil {
					t.Errorf("%s: it has no %s", a.what, key)
				}
			}
			// What is announced in its name is what Ann did, whatever is said there.
			echo := obj(sent).with(obj{"summary": "Something else", "removeData": false})
			if got := s.trees.say(s.leeds, s.trees.announces(echo)); got != 202 {
				t.Errorf("%s: its announcement is answered %d", a.what, got)
			}
			synctest.Wait()
			if a.is != nil && !a.is() {
				t.Errorf("%s: it is not done", a.what)
			}
			if left := s.leeds.proposed(trees); len(left) != 0 {
				t.Errorf("%s: Lemmy is still to do %+v", a.what, left[0])
			}
		}
		c.Title = "Weeds"
		for what, err := range map[string]error{
			"describes": hub.Govern(ctx, s.ann, c), "lets in": hub.Decide(ctx, s.ann, c, bob, true, ""),
		} {
			if err == nil {
				t.Errorf("Ann %s what Lemmy would not take", what)
			}
		}
		// What nobody here asked for is nobody's here, whoever announces it.
		forged := s.trees.announces(obj{"id": "https://leeds.example/activities/lock/x", "type": "Lock", "actor": s.ann.URI, "object": ash.URI, "to": []string{ap.Public}, "cc": []string{}})
		if got := s.trees.say(s.leeds, forged); got != 403 || closed() {
			t.Errorf("a Lock in Ann's name is answered %d", got)
		}
	})
}
