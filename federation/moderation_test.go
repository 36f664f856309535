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

// A trio is a community at Harlow with members at Stevenage and Wigan. Joan founded
// it and Tess, at Stevenage, looks after it with her.
type trio struct {
	*network
	t                        *testing.T
	harlow, stevenage, wigan *town
	joan, tess, martin       *copse.Actor
	trees                    *copse.Community
}

func newTrio(t *testing.T) *trio {
	t.Helper()
	n := newNetwork(t, "harlow.example", "stevenage.example", "wigan.example")
	x := &trio{network: n, t: t, harlow: n.towns["harlow.example"], stevenage: n.towns["stevenage.example"], wigan: n.towns["wigan.example"]}
	x.joan, x.tess, x.martin = x.harlow.person("joan"), x.stevenage.person("tess"), x.wigan.person("martin")
	x.trees = x.harlow.community(x.joan, "trees", copse.JoinOpen, copse.Members)
	x.stevenage.join(x.tess, x.at(x.stevenage))
	x.wigan.join(x.martin, x.at(x.wigan))
	n.settle(t)
	x.done(x.harlow.hub.Appoint(t.Context(), x.joan, x.trees, x.harlow.actorByURI(x.tess.URI), true))
	return x
}

// at is the community as a town knows it.
func (x *trio) at(w *town) *copse.Actor { return w.find("!trees@harlow.example") }

// done waits until everybody has heard of what was just done.
func (x *trio) done(err error) {
	x.t.Helper()
	if err != nil {
		x.t.Fatal(err)
	}
	x.settle(x.t)
}

// everywhere checks that something is so at every town.
func (x *trio) everywhere(what string, is func(*town) bool) {
	x.t.Helper()
	for host, w := range x.towns {
		if !is(w) {
			x.t.Errorf("at %s it is not so that %s", host, what)
		}
	}
}

// What a facilitator removed another puts back, wherever they are, and everybody
// reads it as it was. What its author deleted stays deleted.
func TestWhatWasRemovedComesBackEverywhere(t *testing.T) {
	x := newTrio(t)
	topic := x.wigan.post(x.martin, x.at(x.wigan), "Ash", "<p>Sick?</p>")
	reply := x.wigan.answer(x.martin, topic, "<p>Yes</p>")
	x.settle(t)
	for _, o := range []*copse.Object{topic, reply} {
		back := func(w *town) bool {
			got := w.object(o.URI)
			return got.Deleted.IsZero() && !got.Removed && got.HTML == o.HTML && got.Title == o.Title
		}
		x.done(x.harlow.hub.Remove(t.Context(), x.joan, x.harlow.object(o.URI), "off topic"))
		x.everywhere("it was removed", func(w *town) bool { return w.object(o.URI).Removed })
		x.done(x.harlow.hub.Restore(t.Context(), x.joan, x.harlow.object(o.URI)))
		x.everywhere("it is back", back)

		x.done(x.stevenage.hub.Remove(t.Context(), x.tess, x.stevenage.object(o.URI), "off topic"))
		x.everywhere("it was removed again", func(w *town) bool { return w.object(o.URI).Removed })
		if err := x.wigan.hub.Restore(t.Context(), x.martin, x.wigan.object(o.URI)); copse.CodeOf(err) != copse.CodeForbidden {
			t.Errorf("its author puts it back: %v", err)
		}
		x.done(x.stevenage.hub.Restore(t.Context(), x.tess, x.stevenage.object(o.URI)))
		x.everywhere("it is back again", back)
	}
	x.everywhere("the reply counts", func(w *town) bool { return w.object(topic.URI).Replies == 1 })

	x.done(x.harlow.hub.Remove(t.Context(), x.joan, x.harlow.object(reply.URI), "off topic"))
	x.done(x.wigan.hub.Remove(t.Context(), x.martin, x.wigan.object(reply.URI), ""))
	if err := x.harlow.hub.Restore(t.Context(), x.joan, x.harlow.object(reply.URI)); copse.CodeOf(err) != copse.CodeForbidden {
		t.Errorf("what its author has deleted is put back: %v", err)
	}
	x.everywhere("its author has deleted it", func(w *town) bool {
		got := w.object(reply.URI)
		return !got.Deleted.IsZero() && !got.Removed && got.HTML == ""
	})
}

// As Lemmy restores: the whole Delete in an Undo. What a moderator removed is here;
// what its author deleted is taken from their server, and only once it is there.
func TestOthersRestoreWhatTheyMay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		removal := func(by *voice, name, uri, why string) obj {
			del := by.act("Delete", name, uri).with(obj{"to": []string{ap.Public}, "cc": []string{s.trees.uri}})
			if why != "" {
				del["summary"] = why
			}
			return del
		}
		ash := s.bob.page("ash", s.trees.uri, "Ash")
		uri := s.says(s.trees, s.bob, ash).URI
		say := func(what string, v *voice, act obj, there bool) {
			t.Helper()
			v.say(s.leeds, act)
			synctest.Wait()
			time.Sleep(time.Minute)
			if o := s.leeds.object(uri); o.Deleted.IsZero() != there || (o.HTML == "") == there {
				t.Errorf("%s: it is %+v", what, o)
			}
		}
		del := removal(s.mod, "1", uri, "spam")
		say("removed", s.trees, s.trees.announces(del), false)
		say("undone by another community", s.weeds, s.weeds.announces(s.eve.act("Undo", "1", removal(s.eve, "1", uri, "spam"))), false)
		say("undone by its author, straight", s.bob, s.bob.act("Undo", "1", removal(s.bob, "9", uri, "")), false)
		say("undone", s.trees, s.trees.announces(s.mod.act("Undo", "1", del)), true)
		say("removed by somebody elsewhere", s.trees, s.trees.announces(removal(s.carol, "2", uri, "spam")), false)
		say("undone by somebody else", s.trees, s.trees.announces(s.mod.act("Undo", "2", removal(s.carol, "2", uri, "spam"))), true)

		s.third.forget(uri)
		own := removal(s.bob, "3", uri, "")
		say("deleted by its author", s.trees, s.trees.announces(own), false)
		say("undone by a moderator", s.trees, s.trees.announces(s.mod.act("Undo", "3", removal(s.mod, "3", uri, "mine"))), false)
		say("undone, but not there", s.trees, s.trees.announces(s.bob.act("Undo", "3", own)), false)
		s.third.serve(ash.with(obj{"attributedTo": s.carol.uri}))
		say("undone, but another's now", s.trees, s.trees.announces(s.bob.act("Undo", "4", own)), false)
		s.third.serve(ash)
		say("undone by a colleague", s.trees, s.trees.announces(s.carol.act("Undo", "5", removal(s.carol, "5", uri, ""))), false)
		say("undone and there", s.trees, s.trees.announces(s.bob.act("Undo", "6", own)), true)
	})
}

// closed returns whether a topic takes no replies at a town, and why.
func (w *town) closed(uri string) (closed bool, why string) {
	w.view(func(tx *store.Tx) error {
		o, err := tx.ObjectByURI(uri)
		if err != nil {
			return err
		}
		lock, err := tx.Lock(o.ID)
		if lock != nil {
			closed, why = true, lock.Reason
		}
		return err
	})
	return closed, why
}

// What a facilitator closes, here or elsewhere, takes replies nowhere.
func TestAClosedConversationIsClosedEverywhere(t *testing.T) {
	x := newTrio(t)
	topic := x.wigan.post(x.martin, x.at(x.wigan), "Ash", "<p>Sick?</p>")
	x.settle(t)
	try := func(want copse.Code) {
		t.Helper()
		o := &copse.Object{Kind: "reply", Parent: topic.ID, HTML: "<p>Yes</p>", Source: "Yes"}
		if err := x.wigan.hub.Post(t.Context(), x.martin, o); copse.CodeOf(err) != want {
			t.Errorf("Martin replies: %v, want code %d", err, want)
		}
		x.settle(t)
	}
	for _, by := range []struct {
		town *town
		who  *copse.Actor
	}{{x.harlow, x.joan}, {x.stevenage, x.tess}} {
		x.done(by.town.hub.Lock(t.Context(), by.who, by.town.object(topic.URI), true, "Moved to Damp"))
		x.everywhere("it is closed, and why", func(w *town) bool {
			closed, why := w.closed(topic.URI)
			return closed && why == "Moved to Damp"
		})
		try(copse.CodeForbidden)
		x.stevenage.answer(x.tess, x.stevenage.object(topic.URI), "<p>The last word</p>")
		x.settle(t)
		x.done(by.town.hub.Lock(t.Context(), by.who, by.town.object(topic.URI), false, ""))
		x.everywhere("it is open", func(w *town) bool { closed, _ := w.closed(topic.URI); return !closed })
		try(0)
	}
	x.everywhere("all four replies count", func(w *town) bool { return w.object(topic.URI).Replies == 4 })
	if err := x.wigan.hub.Lock(t.Context(), x.martin, topic, true, ""); copse.CodeOf(err) != copse.CodeForbidden {
		t.Errorf("an ordinary member closes: %v", err)
	}
}

// As Lemmy 1.0, PieFed and Mbin lock, and as they did before: a community what is
// said in it, and nobody else.
func TestOnlyACommunityClosesItsConversations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		ash := s.bob.page("ash", s.trees.uri, "Ash")
		uri := s.says(s.trees, s.bob, ash).URI
		reply := s.says(s.trees, s.bob, s.bob.note("1", s.trees.uri, uri, "Yes")).URI
		mine := s.leeds.post(s.ann, &s.seeds.Actor, "Oak", "<p>Where?</p>").URI
		lock := func(by *voice, name, uri string) obj {
			return by.act("Lock", name, uri).with(obj{"to": []string{ap.Public}, "cc": []string{s.trees.uri}, "audience": s.trees.uri, "summary": "old"})
		}
		say := func(what string, v *voice, act obj, want bool) {
			t.Helper()
			if got := v.say(s.leeds, act); got >= 500 {
				t.Errorf("%s: answered %d", what, got)
			}
			synctest.Wait()
			for about, want := range map[string]bool{uri: want, reply: false, mine: false} {
				if got, _ := s.leeds.closed(about); got != want {
					t.Errorf("%s: %s closed %v, want %v", what, about, got, want)
				}
			}
		}
		say("straight from its moderator", s.mod, lock(s.mod, "1", uri), false)
		say("by another community", s.weeds, s.weeds.announces(lock(s.eve, "2", uri)), false)
		say("in a community of ours, by a member", s.bob, lock(s.bob, "3", mine), false)
		say("in a community of ours, by another community", s.weeds, s.weeds.announces(lock(s.eve, "4", mine)), false)
		say("a single reply", s.trees, s.trees.announces(lock(s.mod, "5", reply)), false)
		say("announced", s.trees, s.trees.announces(lock(s.mod, "6", uri)), true)
		say("opened by another community", s.weeds, s.weeds.announces(s.eve.act("Undo", "1", lock(s.eve, "6", uri))), true)
		say("opened by another moderator, elsewhere", s.trees, s.trees.announces(s.carol.act("Undo", "2", lock(s.mod, "6", uri))), false)
		say("the one that was undone, late", s.trees, s.trees.announces(lock(s.carol, "7", uri)), true)
		say("opened", s.trees, s.trees.announces(s.carol.act("Undo", "3", lock(s.carol, "7", uri))), false)

		legacy := func(by *voice, name string, enabled bool) obj {
			return by.act("Update", name, ash.with(obj{"commentsEnabled": enabled}))
		}
		s.third.serve(ash.with(obj{"commentsEnabled": false}))
		say("by its author", s.trees, s.trees.announces(legacy(s.bob, "1", false)), false)
		say("by another community", s.weeds, s.weeds.announces(legacy(s.eve, "2", false)), false)
		say("as before Lemmy 1.0", s.trees, s.trees.announces(legacy(s.mod, "3", false)), true)
		say("twice", s.trees, s.trees.announces(legacy(s.mod, "4", false)), true)
		say("opened so", s.trees, s.trees.announces(legacy(s.mod, "5", true)), false)
	})
}

// pinned returns the titles of what stands first in a community at a town.
func (w *town) pinned(c *copse.Actor, v copse.Viewer) (titles []string) {
	w.view(func(tx *store.Tx) error {
		all, err := tx.Pinned(v, c.ID)
		for _, p := range all {
			titles = append(titles, p.Title)
		}
		return err
	})
	return titles
}

// What a facilitator pins, here or elsewhere, stands first everywhere, and no more
// than five do.
func TestWhatIsPinnedStandsFirstEverywhere(t *testing.T) {
	x := newTrio(t)
	ash := x.wigan.post(x.martin, x.at(x.wigan), "Ash", "<p>Sick?</p>")
	oak := x.harlow.post(x.joan, &x.trees.Actor, "Oak", "<p>Where?</p>")
	x.settle(t)
	check := func(want ...string) {
		t.Helper()
		for who, w := range map[*copse.Actor]*town{x.joan: x.harlow, x.tess: x.stevenage, x.martin: x.wigan} {
			if got := w.pinned(x.at(w), copse.Viewer{Actor: who.ID}); !slices.Equal(got, want) {
				t.Errorf("at %s %q stand first, want %q", w.host, got, want)
			}
		}
	}
	x.done(x.harlow.hub.Pin(t.Context(), x.joan, x.harlow.object(ash.URI), true))
	check("Ash")
	x.done(x.stevenage.hub.Pin(t.Context(), x.tess, x.stevenage.object(oak.URI), true))
	check("Oak", "Ash")
	x.done(x.harlow.hub.Pin(t.Context(), x.joan, x.harlow.object(ash.URI), false))
	x.done(x.harlow.hub.Pin(t.Context(), x.joan, x.harlow.object(ash.URI), false)) // clicked twice
	check("Oak")
	if err := x.wigan.hub.Pin(t.Context(), x.martin, ash, true); copse.CodeOf(err) != copse.CodeForbidden {
		t.Errorf("an ordinary member pins: %v", err)
	}
	if got := x.harlow.get("/c/trees/featured").Body.String(); strings.Contains(got, "Oak") {
		t.Errorf("what is pinned for members is shown to everybody: %s", got)
	}
	for i := range copse.MaxPins {
		o := x.harlow.post(x.joan, &x.trees.Actor, fmt.Sprint("Number ", i), "<p>x</p>")
		err := x.harlow.hub.Pin(t.Context(), x.joan, o, true)
		if want := i == copse.MaxPins-1; (copse.CodeOf(err) == copse.CodeConflict) != want {
			t.Errorf("number %d is pinned: %v", i+2, err)
		}
	}
	x.settle(t)
}

// Lemmy reads whole topics from what a community has pinned.
func TestWhatIsPinnedCanBeRead(t *testing.T) {
	n := newNetwork(t, "harlow.example")
	harlow := n.towns["harlow.example"]
	joan := harlow.person("joan")
	trees := harlow.community(joan, "trees", copse.JoinOpen, copse.Public)
	ash := harlow.post(joan, &trees.Actor, "Ash", "<p>Sick?</p>")
	for _, pinned := range []bool{true, false} {
		if err := harlow.hub.Pin(t.Context(), joan, ash, pinned); err != nil {
			t.Fatal(err)
		}
		list, err := ap.Parse(harlow.get("/c/trees/featured").Body.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		page, err := ap.Parse(harlow.get(strings.TrimPrefix(ash.URI, "https://harlow.example")).Body.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		if got := page.Stickied != nil && *page.Stickied; got != pinned {
			t.Errorf("pinned %v, the Page says %v", pinned, got)
		}
		if got := len(list.OrderedItems); got != len(harlow.pinned(&trees.Actor, copse.Viewer{})) || pinned && (got != 1 || list.OrderedItems[0].Name != "Ash") {
			t.Errorf("pinned %v, the list is %s", pinned, list.Raw)
		}
	}
}

// As Lemmy, PieFed and Mbin pin: a community what is said in it, on the list that
// it says is that of its pins.
func TestOnlyACommunityPins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		mbin := s.home.actor("Group", "/m/mbin")
		mbin.doc["featured"] = mbin.uri + "/pinned"
		s.home.serve(mbin.doc)
		s.joins(mbin)
		uri := s.says(s.trees, s.bob, s.bob.page("ash", s.trees.uri, "Ash")).URI
		reply := s.says(s.trees, s.bob, s.bob.note("1", s.trees.uri, uri, "Yes")).URI
		elm := s.says(mbin, s.bob, s.bob.page("elm", mbin.uri, "Elm")).URI
		mine := s.leeds.post(s.ann, &s.seeds.Actor, "Oak", "<p>Where?</p>").URI
		n := 0
		add := func(typ string, by *voice, uri, target string) obj {
			n++
			return by.act(typ, fmt.Sprint(n), uri).with(obj{"target": target, "to": []string{ap.Public}, "cc": []string{}})
		}
		say := func(what string, v *voice, act obj, want ...string) {
			t.Helper()
			if got := v.say(s.leeds, act); got >= 500 {
				t.Errorf("%s: answered %d", what, got)
			}
			synctest.Wait()
			var got []string
			for _, c := range []string{s.trees.uri, mbin.uri, s.seeds.URI, s.weeds.uri} {
				got = append(got, s.leeds.pinned(s.leeds.actorByURI(c), copse.Viewer{Actor: s.ann.ID})...)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s: %q stand first, want %q", what, got, want)
			}
		}
		list := s.trees.uri + "/featured"
		say("straight from its moderator", s.mod, add("Add", s.mod, uri, list))
		say("by another community", s.weeds, s.weeds.announces(add("Add", s.eve, uri, s.weeds.uri+"/featured")))
		say("in a community of ours, by a member", s.bob, add("Add", s.bob, mine, s.seeds.URI+"/featured"))
		say("to another list", s.trees, s.trees.announces(add("Add", s.mod, uri, list+"s")))
		say("a reply", s.trees, s.trees.announces(add("Add", s.mod, reply, list)))
		say("as PieFed does", s.trees, s.trees.announces(add("Add", s.carol, uri, strings.ToUpper(list))), "Ash")
		say("as Mbin does not", mbin, mbin.announces(add("Add", s.mod, elm, mbin.uri+"/featured")), "Ash")
		say("as Mbin does", mbin, mbin.announces(add("Add", s.mod, elm, mbin.uri+"/pinned")), "Ash", "Elm")
		say("removed by another community", s.weeds, s.weeds.announces(add("Remove", s.eve, uri, s.weeds.uri+"/featured")), "Ash", "Elm")
		say("removed", s.trees, s.trees.announces(add("Remove", s.mod, uri, list)), "Elm")
	})
}

// What was pinned before anybody here joined a community stands first here too, and
// what its home lists is so, in that order, whatever it announced.
func TestWhatACommunityListsStandsFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		elms := s.home.actor("Group", "/c/elms")
		pages := make([]string, 8)
		for i := range pages {
			by := s.bob
			if i == 6 { // words of a server that does not have them
				pages[i] = s.carol.uri + "/page/none"
				continue
			}
			page := by.page(fmt.Sprint(i), elms.uri, fmt.Sprint("Elm ", i))
			if i == 5 { // said elsewhere
				page = by.page(fmt.Sprint(i), s.weeds.uri, "Weed")
			}
			pages[i] = s.third.serve(page)
		}
		list := func(first any, uris ...string) {
			items := make([]any, len(uris))
			for i, uri := range uris {
				items[i] = uri
			}
			if first != nil {
				items = append([]any{first}, items...)
			}
			s.home.serve(obj{"id": elms.uri + "/featured", "type": "OrderedCollection", "totalItems": len(items), "orderedItems": items})
		}
		forged := s.bob.page("0", elms.uri, "Forged") // whole, as Lemmy has them
		list(forged, pages[1], pages[5], pages[6], pages[2], pages[3])
		there := s.joins(elms)
		check := func(what string, want ...string) {
			t.Helper()
			n := s.leeds.pinned(there, copse.Viewer{Actor: s.ann.ID})
			if !slices.Equal(n, want) {
				t.Errorf("%s: %q stand first, want %q", what, n, want)
			}
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		check("on joining", "Elm 0", "Elm 1", "Elm 2")

		list(nil, pages[2], pages[0])
		elms.say(s.leeds, elms.announces(s.mod.act("Remove", "1", pages[1]).with(obj{"target": elms.uri + "/featured"})))
		synctest.Wait()
		check("when one is not pinned any more", "Elm 2", "Elm 0")
		s.says(elms, s.bob, s.bob.page("7", elms.uri, "Elm 7"))
		elms.say(s.leeds, elms.announces(s.mod.act("Add", "2", pages[7]).with(obj{"target": elms.uri + "/featured"})))
		synctest.Wait()
		check("when another is announced that is not listed", "Elm 2", "Elm 0")

		s.home.serve(obj{"id": elms.uri + "/featured", "type": "OrderedCollection", "first": "https://evil.example/featured"})
		s.evil.serve(obj{"id": "https://evil.example/featured", "type": "OrderedCollectionPage", "orderedItems": []string{pages[1]}})
		s.n.forget()
		elms.say(s.leeds, elms.announces(s.mod.act("Remove", "3", pages[0]).with(obj{"target": elms.uri + "/featured"})))
		synctest.Wait()
		if got := s.n.requests("evil.example"); len(got) != 0 {
			t.Errorf("a list on another server was read: %q", got)
		}
	})
}

// Whoever is blocked, by a facilitator here or elsewhere, hears of it even as their
// server's only member, can do nothing there, and can join again when let in.
func TestWhoIsBlockedIsBlockedEverywhere(t *testing.T) {
	x := newTrio(t)
	post := func() (*copse.Object, error) {
		o := &copse.Object{Kind: "topic", Community: x.at(x.wigan).ID, Title: "Ash", HTML: "<p>Sick?</p>", Source: "Sick?"}
		return o, x.wigan.hub.Post(t.Context(), x.martin, o)
	}
	community := func(w *town) *copse.Community {
		var c *copse.Community
		there := x.at(w)
		w.view(func(tx *store.Tx) (err error) {
			c, err = tx.Community(there.ID)
			return err
		})
		return c
	}
	until := time.Now().Add(7 * 24 * time.Hour).UTC().Truncate(time.Second)
	for _, by := range []struct {
		town *town
		who  *copse.Actor
	}{{x.harlow, x.joan}, {x.stevenage, x.tess}} {
		topic, err := post()
		x.done(err)
		c, martin := community(by.town), by.town.actorByURI(x.martin.URI)
		x.done(by.town.hub.Ban(t.Context(), by.who, c, martin, until, true, "Advertising"))
		x.everywhere("what he wrote is removed", func(w *town) bool { return w.object(topic.URI).Removed })
		for _, w := range []*town{x.harlow, x.wigan} {
			m := w.membership(x.at(w), w.actorByURI(x.martin.URI))
			if m.State != copse.Blocked || m.Reason != "Advertising" || !m.Until.Equal(until) {
				t.Errorf("at %s he is %+v", w.host, m)
			}
		}
		if _, err := post(); copse.CodeOf(err) != copse.CodeForbidden {
			t.Errorf("blocked, he posts: %v", err)
		}
		if err := x.wigan.hub.Join(t.Context(), x.martin, x.at(x.wigan), ""); copse.CodeOf(err) != copse.CodeForbidden {
			t.Errorf("blocked, he joins: %v", err)
		}
		x.done(by.town.hub.Unban(t.Context(), by.who, c, martin))
		x.wigan.join(x.martin, x.at(x.wigan))
		x.settle(t)
		if m := x.wigan.membership(x.at(x.wigan), x.martin); m.State != copse.Active {
			t.Errorf("let in again, he is %+v", m)
		}
	}
	martin, tess := x.harlow.actorByURI(x.martin.URI), x.harlow.actorByURI(x.tess.URI)
	if err := x.harlow.hub.Ban(t.Context(), martin, x.trees, tess, until, false, "x"); copse.CodeOf(err) != copse.CodeForbidden {
		t.Errorf("an ordinary member blocks: %v", err)
	}
	if err := x.harlow.hub.Ban(t.Context(), tess, x.trees, x.joan, until, false, "x"); copse.CodeOf(err) != copse.CodeForbidden {
		t.Errorf("an owner is blocked: %v", err)
	}
}

// As Lemmy, PieFed and Mbin ban: a community who is in it, a server its own people
// and who is in its communities, and nobody anybody else.
func TestNobodyIsBlockedByAStranger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		ash := s.says(s.trees, s.bob, s.bob.page("ash", s.trees.uri, "Ash")).URI
		s.bob.say(s.leeds, s.bob.act("Create", "elm", s.bob.page("elm", s.seeds.URI, "Elm")))
		elm := s.bob.uri + "/page/elm"
		n := 0
		block := func(by *voice, who, target string, with obj) obj {
			n++
			return by.act("Block", fmt.Sprint(n), who).with(obj{"target": target, "to": []string{ap.Public}, "cc": []string{}, "summary": "why"}).with(with)
		}
		state := func(c, who string) copse.State {
			return s.leeds.membership(s.leeds.actorByURI(c), s.leeds.actorByURI(who)).State
		}
		say := func(what string, v *voice, act obj, ann, bob copse.State, removed ...string) {
			t.Helper()
			if got := v.say(s.leeds, act); got >= 500 {
				t.Errorf("%s: answered %d", what, got)
			}
			synctest.Wait()
			if got := state(s.trees.uri, s.ann.URI); got != ann {
				t.Errorf("%s: Ann is %s in Trees, want %s", what, got, ann)
			}
			if got := state(s.seeds.URI, s.bob.uri); got != bob {
				t.Errorf("%s: Bob is %s in Seeds, want %s", what, got, bob)
			}
			if got := state(s.seeds.URI, s.ann.URI); got != copse.Active {
				t.Errorf("%s: Ann is %s in her own community", what, got)
			}
			for _, uri := range []string{ash, elm} {
				if got := s.leeds.object(uri).Removed; got != slices.Contains(removed, uri) {
					t.Errorf("%s: %s removed %v", what, uri, got)
				}
			}
		}
		rejoins := func() {
			t.Helper()
			s.leeds.join(s.ann, s.leeds.actorByURI(s.trees.uri))
			n++
			s.trees.say(s.leeds, s.trees.act("Accept", fmt.Sprint(n), obj{"type": "Follow", "actor": s.ann.URI, "object": s.trees.uri}))
			synctest.Wait()
		}
		in, out, left := copse.Active, copse.Blocked, copse.Left
		all := obj{"removeData": true}
		say("straight from a moderator", s.mod, block(s.mod, s.ann.URI, s.trees.uri, nil), in, in)
		say("by another community", s.weeds, s.weeds.announces(block(s.eve, s.ann.URI, s.trees.uri, nil)), in, in)
		say("from a community of ours, by a member", s.carol, block(s.carol, s.bob.uri, s.seeds.URI, nil), in, in)
		say("from a community of ours, announced by another", s.weeds, s.weeds.announces(block(s.eve, s.bob.uri, s.seeds.URI, nil)), in, in)
		say("from a server, by another", s.eve, block(s.eve, s.bob.uri, "https://third.example/", all), in, in)
		say("by a server, of another's people", s.eve, block(s.eve, s.bob.uri, "https://evil.example/", all), in, in)
		say("by a server, of ours", s.eve, block(s.eve, s.ann.URI, "https://leeds.example/", all), in, in)
		say("what somebody wrote in Trees", s.trees, s.trees.announces(block(s.mod, s.bob.uri, s.trees.uri, all)), in, in, ash)

		week := time.Now().Add(7 * 24 * time.Hour).UTC().Format(time.RFC3339)
		first := block(s.mod, s.ann.URI, s.trees.uri, obj{"endTime": week})
		say("announced, for a week (Lemmy 1.0)", s.trees, s.trees.announces(first), out, in, ash)
		m := s.leeds.membership(s.leeds.actorByURI(s.trees.uri), s.ann)
		if m.Reason != "why" || m.Until.UTC().Format(time.RFC3339) != week {
			t.Errorf("Ann is told %q, until %v", m.Reason, m.Until)
		}
		say("undone by another community", s.weeds, s.weeds.announces(s.eve.act("Undo", "1", first)), out, in, ash)
		say("undone", s.trees, s.trees.announces(s.mod.act("Undo", "2", first)), left, in, ash)
		rejoins()
		say("for a week (Mbin)", s.trees, s.trees.announces(block(s.mod, s.ann.URI, s.trees.uri, obj{"expires": week})), out, in, ash)
		time.Sleep(7 * 24 * time.Hour)
		if got := state(s.trees.uri, s.ann.URI); got != left {
			t.Errorf("a week later Ann is %s", got)
		}
		rejoins()

		ban := block(s.mod, s.ann.URI, "https://home.example/", nil)
		say("by the server of Trees", s.mod, ban, out, in, ash)
		if got := state(s.weeds.uri, s.ann.URI); got != in {
			t.Errorf("the server of Trees makes her %s in Weeds", got)
		}
		say("undone by another server", s.eve, s.eve.act("Undo", "3", ban.with(obj{"actor": s.eve.uri, "id": nil})), out, in, ash)
		say("undone by the server of Trees", s.mod, s.mod.act("Undo", "4", ban), left, in, ash)

		gone := block(s.carol, s.bob.uri, "https://third.example/", all)
		say("by his own server", s.carol, gone, left, left, ash, elm)
	})
}

// What is put back reaches also those who have never had it, because they came while
// it was gone.
func TestWhatIsPutBackIsFetched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		ash := s.bob.page("ash", s.trees.uri, "Ash")
		removal := s.mod.act("Delete", "d", ash["id"]).with(obj{"summary": "off the point"})
		s.trees.say(s.leeds, s.trees.announces(removal))
		synctest.Wait()
		s.third.serve(ash)
		s.trees.say(s.leeds, s.trees.announces(s.mod.act("Undo", "u", removal)))
		time.Sleep(time.Minute)
		synctest.Wait()
		if o := s.leeds.object(ash["id"].(string)); o == nil || !o.Deleted.IsZero() || o.Title != "Ash" {
			t.Errorf("Leeds has %+v", o)
		}
	})
}
