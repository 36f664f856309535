package federation_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"copse/copse"
	"copse/federation/ap"
	"copse/store"
)

// facilitators returns who looks after a community, as a town knows it.
func (w *town) facilitators(c *copse.Actor) (uris []string) {
	w.t.Helper()
	w.view(func(tx *store.Tx) error {
		all, err := tx.MembersOf(c.ID, copse.Moderator, 0, 100)
		for _, p := range all {
			uris = append(uris, p.URI)
		}
		slices.Sort(uris)
		return err
	})
	return uris
}

// Who looks after a community elsewhere is known before anybody joins it, and for
// as long as its home says so.
func TestFacilitatorsElsewhereAreKnownByName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, "leeds.example", "harlow.example")
		leeds, harlow := n.towns["leeds.example"], n.towns["harlow.example"]
		joan := harlow.person("joan")
		harlow.community(joan, "trees", copse.JoinOpen, copse.Members)
		there := leeds.find("!trees@harlow.example")
		synctest.Wait()
		if got := leeds.facilitators(there); !slices.Equal(got, []string{joan.URI}) {
			t.Errorf("as soon as it was found, %q look after it, want Joan", got)
		}
		bob := leeds.person("bob")
		leeds.join(bob, there)
		synctest.Wait()

		evil := n.peer(t, "evil.example")
		group := evil.actor("Group", "/c/traps")
		list := group.uri + "/moderators"
		eve, mallory := evil.actor("Person", "/u/eve"), evil.actor("Person", "/u/mallory")
		serve := func(of ...string) {
			evil.serve(obj{"id": list, "type": "OrderedCollection", "totalItems": len(of), "orderedItems": of})
		}
		look := func(c *copse.Actor) []string {
			t.Helper()
			for range 3 {
				leeds.fed.Freshen(c)
				synctest.Wait()
				time.Sleep(time.Minute)
			}
			return leeds.facilitators(c)
		}
		evil.serve(group.doc.with(obj{"attributedTo": list}))
		serve(eve.uri, group.uri, bob.URI, "https://gone.example/u/nobody", "nonsense", mallory.uri)
		traps := leeds.find(group.uri)
		if got := look(traps); !slices.Equal(got, []string{eve.uri, mallory.uri}) {
			t.Errorf("%q look after it, want Eve and Mallory", got)
		}
		if m := leeds.membership(traps, bob); m.State != "" || m.Role != copse.Guest {
			t.Errorf("Bob is made %+v", m)
		}
		leeds.join(bob, traps)
		group.say(leeds, group.act("Accept", "a", obj{"type": "Follow", "actor": bob.URI, "object": group.uri}))
		synctest.Wait()
		if m := leeds.membership(traps, bob); m.State != copse.Active {
			t.Fatalf("Bob is %+v, want him in", m)
		}
		serve(bob.URI, mallory.uri)
		if got := look(traps); !slices.Equal(got, []string{eve.uri, mallory.uri}) {
			t.Errorf("minutes later %q look after it, want what was read before", got)
		}
		time.Sleep(time.Hour)
		if got := look(traps); !slices.Equal(got, []string{mallory.uri, bob.URI}) {
			t.Errorf("%q look after it, want Mallory and Bob", got)
		}
		serve()
		time.Sleep(time.Hour)
		if got := look(traps); len(got) != 0 || leeds.membership(traps, bob).State != copse.Active {
			t.Errorf("%q look after it and Bob is %s, want nobody and him in it", got, leeds.membership(traps, bob).State)
		}

		// It cannot name those of another community, nor have us ask for ever.
		evil.serve(group.doc.with(obj{"attributedTo": there.URI + "/moderators"}))
		time.Sleep(time.Hour)
		if got := look(traps); len(got) != 0 {
			t.Errorf("by another community's list, %q look after it", got)
		}
		evil.serve(group.doc.with(obj{"attributedTo": list}))
		many := make([]string, 30)
		for i := range many {
			many[i] = evil.actor("Person", fmt.Sprint("/u/p", i)).uri
		}
		serve(many...)
		time.Sleep(time.Hour)
		n.forget()
		leeds.fed.Freshen(traps)
		synctest.Wait()
		if asked := n.requests("evil.example"); len(asked) > 10 {
			t.Errorf("one look asked for %d documents", len(asked))
		}
		for range 3 {
			look(traps)
		}
		if got := leeds.facilitators(traps); len(got) != 30 {
			t.Errorf("%d look after it, want 30", len(got))
		}
		// In pages: one in the list itself, one to be fetched, and back to the first.
		evil.serve(obj{"id": list, "type": "OrderedCollection", "totalItems": 30, "first": obj{
			"type": "OrderedCollectionPage", "orderedItems": many[:20], "next": list + "/2",
		}})
		evil.serve(obj{"id": list + "/2", "type": "OrderedCollectionPage", "orderedItems": many[15:29], "next": list})
		time.Sleep(time.Hour)
		if got := look(traps); len(got) != 29 {
			t.Errorf("%d look after it, want the 29 that are in its pages", len(got))
		}
		for i := len(many); i < 205; i++ { // known already: nobody has to be asked for
			many = append(many, evil.actor("Person", fmt.Sprint("/u/p", i)).uri)
			leeds.find(many[i])
		}
		serve(many...)
		time.Sleep(time.Hour)
		look(traps)
		leeds.view(func(tx *store.Tx) error {
			all, err := tx.MembersOf(traps.ID, copse.Moderator, 0, 300)
			if len(all) != 200 {
				t.Errorf("%d look after it, want the first 200", len(all))
			}
			return err
		})
		if got := leeds.facilitators(there); !slices.Equal(got, []string{joan.URI}) {
			t.Errorf("at Harlow %q look after it, want Joan", got)
		}
	})
}

// Whom an owner makes a facilitator is one at every council: shown as one, and able
// to do there what a facilitator may.
func TestANewFacilitatorIsOneEverywhere(t *testing.T) {
	n := newNetwork(t, "harlow.example", "stevenage.example", "wigan.example")
	harlow, stevenage, wigan := n.towns["harlow.example"], n.towns["stevenage.example"], n.towns["wigan.example"]
	joan, tess, martin := harlow.person("joan"), stevenage.person("tess"), wigan.person("martin")
	trees := harlow.community(joan, "trees", copse.JoinOpen, copse.Members)
	stevenage.join(tess, stevenage.find("!trees@harlow.example"))
	wigan.join(martin, wigan.find("!trees@harlow.example"))
	n.settle(t)
	tessAtHarlow, err := harlow.fed.Find(t.Context(), tess.URI)
	if err != nil {
		t.Fatal(err)
	}
	appoint := func(facilitator bool, want ...string) {
		t.Helper()
		if err := harlow.hub.Appoint(t.Context(), joan, trees, tessAtHarlow, facilitator); err != nil {
			t.Fatal(err)
		}
		n.settle(t)
		for host, w := range n.towns {
			if got := w.facilitators(w.find("!trees@harlow.example")); !slices.Equal(got, want) {
				t.Errorf("at %s %q look after it, want %q", host, got, want)
			}
		}
	}
	post := func() *copse.Object {
		o := wigan.post(martin, wigan.find("!trees@harlow.example"), "Ash", "<p>Ash")
		n.settle(t)
		return o
	}
	appoint(true, joan.URI, tess.URI)
	bad := post()
	if err := stevenage.hub.Remove(t.Context(), tess, stevenage.object(bad.URI), "off topic"); err != nil {
		t.Fatal(err)
	}
	n.settle(t)
	for host, w := range n.towns {
		if o := w.object(bad.URI); o.Deleted.IsZero() || !o.Removed {
			t.Errorf("what Tess removed is at %s: %+v", host, o)
		}
	}
	appoint(false, joan.URI)
	good := post()
	if err := stevenage.hub.Remove(t.Context(), tess, stevenage.object(good.URI), "off topic"); copse.CodeOf(err) != copse.CodeForbidden {
		t.Errorf("an ordinary member removes: %v", err)
	}
}

// As Lemmy says who looks after a community, which alone may say so and that alone.
func TestOnlyACommunitySaysWhoLooksAfterIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		list := func(v *voice) string { return v.uri + "/moderators" }
		say := func(what string, v *voice, act obj, want int) {
			t.Helper()
			v.say(s.leeds, act)
			synctest.Wait()
			if got := s.leeds.facilitators(s.leeds.actorByURI(s.trees.uri)); len(got) != want {
				t.Errorf("%s: %q look after it, want %d", what, got, want)
			}
		}
		add := func(by *voice, typ, name string, who, target string) obj {
			return by.act(typ, name, who).with(obj{"target": target, "to": []string{ap.Public}, "cc": []string{s.trees.uri}})
		}
		say("straight from a member", s.bob, add(s.bob, "Add", "1", s.bob.uri, list(s.trees)), 0)
		say("to what is pinned", s.trees, s.trees.announces(add(s.mod, "Add", "2", s.bob.uri, s.trees.uri+"/featured")), 0)
		say("to another list", s.trees, s.trees.announces(add(s.mod, "Add", "3", s.bob.uri, s.seeds.URI+"/moderators")), 0)
		say("a community", s.trees, s.trees.announces(add(s.mod, "Add", "4", s.trees.uri, list(s.trees))), 0)
		say("announced", s.trees, s.trees.announces(add(s.mod, "Add", "5", s.bob.uri, list(s.trees))), 1)
		say("announced, by somebody elsewhere", s.trees, s.trees.announces(add(s.carol, "Add", "6", s.carol.uri, list(s.trees))), 2)
		say("again", s.trees, s.trees.announces(add(s.mod, "Add", "7", s.bob.uri, list(s.trees))), 2)
		say("taken off", s.trees, s.trees.announces(add(s.mod, "Remove", "8", s.bob.uri, list(s.trees))), 1)
		if got := s.leeds.facilitators(&s.seeds.Actor); len(got) != 1 {
			t.Errorf("%q look after a community of ours, want its founder", got)
		}
	})
}
