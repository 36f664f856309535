package federation_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"copse/copse"
	"copse/store"
)

// wasAt has somebody here say that they were somebody elsewhere before.
func (w *town) wasAt(who *copse.Actor, uri string) {
	w.t.Helper()
	me := w.actorByURI(who.URI)
	me.AlsoKnownAs = append(me.AlsoKnownAs, uri)
	if err := w.hub.Describe(context.Background(), me); err != nil {
		w.t.Fatal(err)
	}
}

// anew has a town read somebody from their own server.
func (w *town) anew(uri string) *copse.Actor {
	w.t.Helper()
	a, err := w.fed.FindAnew(context.Background(), uri)
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}

func (w *town) offers(who *copse.Actor) (all []string) {
	w.view(func(tx *store.Tx) (err error) {
		all, err = tx.Offers(who.ID)
		return err
	})
	return all
}

// Tess goes from Stevenage to Wigan. Where she was a member, or looked after things,
// she is a member as soon as she asks, and nowhere else; what she wrote stays, and
// leads to her; her old account writes nothing more.
func TestAPersonMovesToAnotherCouncil(t *testing.T) {
	x := newTrio(t)
	ctx := t.Context()
	own := x.stevenage.community(x.tess, "allotments", copse.JoinOpen, copse.Public)
	kim := x.stevenage.person("kim")
	x.stevenage.join(kim, &own.Actor)
	pub := x.harlow.community(x.joan, "parks", copse.JoinApproval, copse.Public)
	x.stevenage.join(x.tess, x.stevenage.find("!parks@harlow.example"))
	x.settle(t)
	x.done(x.harlow.hub.Decide(ctx, x.joan, pub, x.harlow.actorByURI(x.tess.URI), true, ""))
	shut := x.harlow.community(x.joan, "bats", copse.JoinApproval, copse.Members)
	x.stevenage.join(x.tess, x.stevenage.find("!bats@harlow.example"))
	x.settle(t)
	x.done(x.harlow.hub.Decide(ctx, x.joan, shut, x.harlow.actorByURI(x.tess.URI), true, ""))
	topic := x.stevenage.post(x.tess, x.at(x.stevenage), "Ash", "<p>Sick?</p>")
	x.settle(t)

	now := x.wigan.person("tess")
	there := x.stevenage.find("tess@wigan.example")
	if err := x.stevenage.hub.Move(ctx, x.tess, there); copse.CodeOf(err) != copse.CodeForbidden {
		t.Errorf("she moves to somebody who does not say so: %v", err)
	}
	x.wigan.wasAt(now, x.tess.URI)
	there = x.stevenage.anew(there.URI)
	if err := x.stevenage.hub.Move(ctx, x.tess, there); copse.CodeOf(err) != copse.CodeForbidden || !strings.Contains(err.Error(), "only owner") {
		t.Errorf("she leaves a community without an owner: %v", err)
	}
	x.done(x.stevenage.hub.Appoint(ctx, x.tess, own, kim, true))
	told := make(chan string, 10) // what Harlow is
	x.answer("harlow.example", func(r *http.Request) (*http.Response, error) {
		if r.Method != http.MethodPost {
			return nil, nil
		}
		body, err := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		told <- string(body)
		return nil, err
	})
	x.done(x.stevenage.hub.Move(ctx, x.stevenage.actorByURI(x.tess.URI), there))
	x.answer("harlow.example", nil)
	close(told)
	moves := 0
	for body := range told {
		if strings.Contains(body, `"type":"Move"`) {
			moves++
		}
		if strings.Contains(body, "copse:communities") {
			t.Errorf("Harlow is told what Tess was in: %s", body)
		}
	}
	if moves != 1 {
		t.Errorf("Harlow is told of %d moves, want one", moves)
	}

	if m := x.stevenage.membership(&own.Actor, kim); m.Role != copse.Owner {
		t.Errorf("Kim has the role %d where Tess was the owner", m.Role)
	}
	old := x.harlow.actorByURI(x.tess.URI)
	if old.MovedTo != now.URI || !old.HasMoved() {
		t.Errorf("Harlow knows Tess as %+v", old)
	}
	for _, c := range []*copse.Community{x.trees, pub, shut} {
		if m := x.harlow.membership(&c.Actor, old); m.State != copse.Left {
			t.Errorf("in %s, the old Tess is %q", c.Name, m.State)
		}
		if m := x.stevenage.membership(x.stevenage.find(c.URI), x.tess); m.State != copse.Left {
			t.Errorf("at Stevenage, the old Tess is %q in %s", m.State, c.Name)
		}
		new := x.harlow.actorByURI(now.URI)
		if m := x.harlow.membership(&c.Actor, new); m.State != copse.Expected || m.Role != copse.Guest {
			t.Errorf("in %s, the new Tess is %q, %d", c.Name, m.State, m.Role)
		}
	}
	// Wigan is told of what is public, and of nothing that it might not know of. As to
	// Trees it has a member, but that Harlow has to say.
	if got := x.wigan.offers(now); !slices.Equal(got, []string{pub.URI, own.URI}) {
		t.Errorf("Wigan is told of %v", got)
	}
	if got := x.wigan.actorByURI(x.tess.URI); got == nil || !got.HasMoved() {
		t.Errorf("Wigan knows the old Tess as %+v", got)
	}
	x.everywhere("it is known who she is now", func(w *town) (is bool) {
		w.view(func(tx *store.Tx) error {
			to, err := tx.Successor(w.actorByURI(x.tess.URI).ID)
			is = to != nil && to.URI == now.URI
			return err
		})
		return is && w.object(topic.URI).Author == w.actorByURI(x.tess.URI).ID
	})

	// The old account is done with writing.
	tess := x.stevenage.actorByURI(x.tess.URI)
	err := x.stevenage.hub.Post(ctx, tess, &copse.Object{Kind: "topic", Community: own.ID, Title: "No", HTML: "<p>no</p>", Source: "no"})
	if copse.CodeOf(err) != copse.CodeForbidden {
		t.Errorf("she writes under her old name: %v", err)
	}
	if err := x.stevenage.hub.Join(ctx, tess, x.at(x.stevenage), ""); copse.CodeOf(err) != copse.CodeForbidden {
		t.Errorf("she joins under her old name: %v", err)
	}

	// The new one is in as soon as it asks, without anybody's approval.
	x.wigan.join(now, x.at(x.wigan))
	x.wigan.join(now, x.wigan.find("!bats@harlow.example"))
	x.settle(t)
	for _, c := range []*copse.Community{x.trees, shut} {
		here := x.harlow.membership(&c.Actor, x.harlow.actorByURI(now.URI))
		if here.State != copse.Active || here.Role != copse.Member {
			t.Errorf("the new Tess is %q, %d in %s", here.State, here.Role, c.Name)
		}
		if m := x.wigan.membership(x.wigan.find(c.URI), now); m.State != copse.Active {
			t.Errorf("at Wigan, she is %q in %s", m.State, c.Name)
		}
		if looked := here.Was == copse.Moderator; looked != (c == x.trees) {
			t.Errorf("in %s she was %d", c.Name, here.Was)
		}
	}
	x.done(x.harlow.hub.Appoint(ctx, x.joan, x.trees, x.harlow.actorByURI(now.URI), true))
	x.wigan.post(now, x.at(x.wigan), "Back", "<p>again</p>")
	x.settle(t)

	// Another move within 30 days is none.
	second := x.harlow.person("tess2")
	x.harlow.wasAt(second, x.tess.URI)
	tess = x.stevenage.actorByURI(x.tess.URI)
	if err := x.stevenage.hub.Move(ctx, tess, x.stevenage.anew(second.URI)); copse.CodeOf(err) != copse.CodeForbidden {
		t.Errorf("she moves again at once: %v", err)
	}

	// She can take her old account up again; what she was a member of is the new one's.
	tess.MovedTo = ""
	x.done(x.stevenage.hub.Describe(ctx, tess))
	x.harlow.anew(x.tess.URI)
	x.stevenage.join(x.stevenage.actorByURI(x.tess.URI), x.stevenage.find("!parks@harlow.example"))
	x.settle(t)
	if m := x.harlow.membership(&pub.Actor, x.harlow.actorByURI(x.tess.URI)); m.State != copse.Pending {
		t.Errorf("back at Stevenage, she is %q at once", m.State)
	}
}

// To somebody at the council that runs a community it is given at once.
func TestWhoMovesToACommunitysHomeIsInItAtOnce(t *testing.T) {
	x := newTrio(t)
	now := x.harlow.person("tess")
	x.harlow.wasAt(now, x.tess.URI)
	x.done(x.stevenage.hub.Move(t.Context(), x.tess, x.stevenage.anew(now.URI)))
	m := x.harlow.membership(&x.trees.Actor, now)
	if m.State != copse.Active || m.Role != copse.Member || m.Was != copse.Moderator {
		t.Errorf("Tess is %+v", m)
	}
	if got := x.harlow.offers(now); !slices.Equal(got, []string{x.trees.URI}) {
		t.Errorf("Harlow is told of %v, want its own community", got)
	}
}

// Nobody escapes from being blocked by moving.
func TestABanMovesToo(t *testing.T) {
	x := newTrio(t)
	ctx := t.Context()
	now := x.wigan.person("tess")
	x.wigan.join(now, x.at(x.wigan))
	x.settle(t)
	until := time.Now().AddDate(0, 0, 7).UTC().Truncate(time.Microsecond)
	x.done(x.harlow.hub.Ban(ctx, x.joan, x.trees, x.harlow.actorByURI(x.tess.URI), until, false, "rude"))
	x.wigan.wasAt(now, x.tess.URI)
	x.settle(t)
	x.done(x.stevenage.hub.Move(ctx, x.tess, x.stevenage.anew(now.URI)))
	m := x.harlow.membership(&x.trees.Actor, x.harlow.actorByURI(now.URI))
	if m.State != copse.Blocked || !m.Until.Equal(until) || m.Reason != "rude" {
		t.Errorf("under her new name she is %+v", m)
	}
	x.wigan.join(now, x.at(x.wigan))
	x.settle(t)
	if m := x.harlow.membership(&x.trees.Actor, x.harlow.actorByURI(now.URI)); m.State != copse.Blocked {
		t.Errorf("she asks again and is %q", m.State)
	}
}

// AS-059 and its like: Moves that do not count.
func TestMovesThatAreNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		uma := s.home.actor("Person", "/u/uma")
		refused := s.n.peer(t, "refused.example")
		rob := refused.actor("Person", "/u/rob")
		rob.peer.serve(rob.doc.with(obj{"alsoKnownAs": []string{s.bob.uri}}))
		err := s.leeds.db.Update(t.Context(), func(tx *store.Tx) error { return tx.SetPolicy("refused.example", copse.Block) })
		if err != nil {
			t.Fatal(err)
		}
		move := func(v *voice, name, of, to string) obj { return v.act("Move", name, of).with(obj{"target": to}) }
		names := func(v *voice, uris ...string) { v.peer.serve(v.doc.with(obj{"alsoKnownAs": uris})) }
		names(s.eve, s.carol.uri) // she is Carol, she says; Carol does not
		ann := s.leeds.person("ann2")

		before := s.leeds.state()
		for _, c := range []struct {
			name string
			by   *voice
			act  obj
		}{
			{"not named back", s.bob, move(s.bob, "1", s.bob.uri, uma.uri)},
			{"not named back by somebody here", s.bob, move(s.bob, "2", s.bob.uri, ann.URI)},
			{"by a colleague", s.bob, move(s.bob, "3", s.carol.uri, s.eve.uri)},
			{"by whom it is to", s.eve, move(s.eve, "4", s.carol.uri, s.eve.uri)},
			{"in another's name", s.eve, move(s.carol, "5", s.carol.uri, s.eve.uri)},
			{"to nobody", s.bob, move(s.bob, "6", s.bob.uri, s.home.host+"/u/none")},
			{"to who is not there", s.bob, move(s.bob, "7", s.bob.uri, "https://home.example/u/none")},
			{"to oneself", s.bob, move(s.bob, "8", s.bob.uri, s.bob.uri)},
			{"to a community", s.bob, move(s.bob, "9", s.bob.uri, s.trees.uri)},
			{"to a server that is refused", s.bob, move(s.bob, "10", s.bob.uri, rob.uri)},
			{"passed on by a community", s.trees, s.trees.announces(move(s.bob, "11", s.bob.uri, uma.uri))},
		} {
			c.by.say(s.leeds, c.act)
			time.Sleep(time.Minute)
			synctest.Wait()
			if after := s.leeds.state(); after != before {
				t.Errorf("%s:\n%s", c.name, changed(before, after))
				before = after
			}
			for _, v := range []*voice{s.bob, s.carol} {
				if a := s.leeds.actorByURI(v.uri); a.MovedTo != "" {
					t.Errorf("%s: %s has moved to %s", c.name, v.uri, a.MovedTo)
				}
			}
		}
		if asked := s.n.requests("refused.example"); len(asked) > 0 {
			t.Errorf("the refused server was asked %v", asked)
		}

		// Named back, it counts; again within 30 days, or back, it does not.
		names(uma, s.bob.uri)
		s.bob.say(s.leeds, move(s.bob, "20", s.bob.uri, uma.uri))
		synctest.Wait()
		bob := s.leeds.actorByURI(s.bob.uri)
		if bob.MovedTo != uma.uri || s.leeds.membership(&s.seeds.Actor, bob).State != copse.Left {
			t.Fatalf("Bob has moved to %q", bob.MovedTo)
		}
		vic := s.home.actor("Person", "/u/vic")
		names(vic, s.bob.uri)
		s.bob.say(s.leeds, move(s.bob, "21", s.bob.uri, vic.uri))
		names(s.bob, uma.uri)
		s.bob.peer.serve(s.bob.doc.with(obj{"alsoKnownAs": []string{uma.uri}, "movedTo": uma.uri}))
		uma.say(s.leeds, move(uma, "22", uma.uri, s.bob.uri))
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := s.leeds.actorByURI(s.bob.uri).MovedTo; got != uma.uri {
			t.Errorf("moving twice, Bob is at %q", got)
		}
		if got := s.leeds.actorByURI(uma.uri).MovedTo; got != "" {
			t.Errorf("and Uma back at %q", got)
		}
		if m := s.leeds.membership(&s.seeds.Actor, s.leeds.actorByURI(vic.uri)); m.State != "" {
			t.Errorf("who was named second is %q", m.State)
		}
	})
}

// Whoever passes a Move on, it counts by the proof of who moves, and without one by
// nobody's.
func TestAMoveCountsByItsProof(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		key := s.bob.proves()
		uma := s.home.actor("Person", "/u/uma")
		uma.peer.serve(uma.doc.with(obj{"alsoKnownAs": []string{s.bob.uri}}))
		move := s.bob.act("Move", "1", s.bob.uri).with(obj{"target": uma.uri})
		if got := s.mod.say(s.leeds, move); got == http.StatusAccepted {
			t.Errorf("without a proof it is answered %d", got)
		}
		time.Sleep(time.Hour)
		if a := s.leeds.actorByURI(s.bob.uri); a.HasMoved() {
			t.Error("without a proof, Bob has moved")
		}
		if got := s.mod.say(s.leeds, proved(t, move, key)); got != http.StatusAccepted {
			t.Errorf("with a proof it is answered %d", got)
		}
		time.Sleep(time.Hour)
		if a := s.leeds.actorByURI(s.bob.uri); !a.HasMoved() {
			t.Error("with a proof, Bob has not moved")
		}
	})
}

// As Mastodon writes it: an id with a fragment, to the followers. Its server is told
// that who has moved is no member any more, as it cannot know.
func TestMastodonsMoveIsTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		m := s.n.peer(t, "mastodon.example")
		m.is("mastodon")
		old, now := m.actor("Person", "/users/dave"), s.n.peer(t, "social.example").actor("Person", "/users/dave")
		old.member(s.leeds, s.seeds)
		now.peer.serve(now.doc.with(obj{"alsoKnownAs": []string{old.uri}}))
		body, err := os.ReadFile("testdata/mastodon-move.json")
		if err != nil {
			t.Fatal(err)
		}
		var act obj
		if err := json.Unmarshal(body, &act); err != nil {
			t.Fatal(err)
		}
		if got := old.say(s.leeds, act); got != http.StatusAccepted {
			t.Errorf("answered %d", got)
		}
		synctest.Wait()
		if m := s.leeds.membership(&s.seeds.Actor, s.leeds.actorByURI(old.uri)); m.State != copse.Left {
			t.Errorf("the old Dave is %q", m.State)
		}
		if m := s.leeds.membership(&s.seeds.Actor, s.leeds.actorByURI(now.uri)); m.State != copse.Expected {
			t.Errorf("the new Dave is %q", m.State)
		}
		sent := m.received()
		last := sent[len(sent)-1]
		if last["type"] != "Reject" || last["actor"] != s.seeds.URI {
			t.Errorf("its server was sent %v last", last)
		}
	})
}

// Trees goes from Harlow to Wigan. All servers hear of it, and nobody is moved
// before an administrator says so.
func TestACommunityMovesToAnotherCouncil(t *testing.T) {
	x := newTrio(t)
	ctx := t.Context()
	mast := x.peer(t, "mastodon.example")
	mast.is("mastodon")
	pub := x.harlow.community(x.joan, "parks", copse.JoinOpen, copse.Public)
	dave := mast.actor("Person", "/users/dave")
	dave.say(x.harlow, dave.act("Follow", "1", pub.URI))
	parks := func(w *town) *copse.Actor { return w.find("!parks@harlow.example") }
	admin := x.stevenage.person("olga")
	err := x.stevenage.db.Update(ctx, func(tx *store.Tx) error {
		n, err := tx.Account(admin.ID)
		if err != nil {
			return err
		}
		n.Role = store.Admin
		return tx.SetAccount(n)
	})
	if err != nil {
		t.Fatal(err)
	}
	kim := x.stevenage.person("kim")
	x.stevenage.join(x.tess, parks(x.stevenage))
	x.stevenage.join(kim, parks(x.stevenage))
	x.wigan.join(x.martin, parks(x.wigan))
	x.settle(t)

	now := x.wigan.community(x.martin, "parks", copse.JoinOpen, copse.Public)
	there := x.harlow.find("!parks@wigan.example")
	if err := x.harlow.hub.MoveCommunity(ctx, x.joan, pub, there); copse.CodeOf(err) != copse.CodeForbidden {
		t.Errorf("it moves to one that does not say so: %v", err)
	}
	now.AlsoKnownAs = []string{pub.URI}
	x.done(x.wigan.hub.Govern(ctx, x.martin, now))
	there = x.harlow.anew(there.URI)
	if err := x.harlow.hub.MoveCommunity(ctx, x.harlow.person("ned"), pub, there); copse.CodeOf(err) != copse.CodeForbidden {
		t.Errorf("somebody who is not its owner moves it: %v", err)
	}
	x.done(x.harlow.hub.MoveCommunity(ctx, x.joan, pub, there))

	moving := func(w *town) copse.Moving {
		var c *copse.Community
		w.view(func(tx *store.Tx) (err error) {
			c, err = tx.CommunityByURI(pub.URI)
			return err
		})
		if c.MovedTo != now.URI {
			t.Errorf("at %s it has moved to %q", w.host, c.MovedTo)
		}
		return c.Moving
	}
	x.everywhere("it waits for an administrator", func(w *town) bool { return moving(w) == copse.Awaiting })
	if members := x.wigan.membership(&now.Actor, x.wigan.actorByURI(x.tess.URI)); members.State != "" {
		t.Errorf("Tess was moved before anybody decided: %q", members.State)
	}
	told := mast.received()
	last := told[len(told)-1]
	if last["type"] != "Move" || last["actor"] != pub.URI || last["object"] != pub.URI || last["target"] != now.URI {
		t.Errorf("Mastodon is told %v", last)
	}
	for _, w := range []*town{x.harlow, x.stevenage} {
		who, at := x.joan, &pub.Actor
		if w == x.stevenage {
			who, at = x.tess, parks(w)
		}
		err := w.hub.Post(ctx, who, &copse.Object{Kind: "topic", Community: at.ID, Title: "No", HTML: "<p>no</p>", Source: "no"})
		if copse.CodeOf(err) != copse.CodeForbidden {
			t.Errorf("at %s somebody still writes there: %v", w.host, err)
		}
	}
	if got := x.harlow.get("/c/parks"); got.Code != http.StatusOK || !strings.Contains(got.Body.String(), `"movedTo":"`+now.URI+`"`) {
		t.Errorf("its id answers %d %s", got.Code, got.Body)
	}

	c := &copse.Community{Actor: *parks(x.stevenage)}
	x.stevenage.view(func(tx *store.Tx) (err error) {
		c, err = tx.Community(c.ID)
		return err
	})
	if err := x.stevenage.hub.Resettle(ctx, x.tess, c, true); copse.CodeOf(err) != copse.CodeNotFound {
		t.Errorf("who is no administrator moves everybody: %v", err)
	}
	x.stevenage.anew(now.URI)
	x.done(x.stevenage.hub.Resettle(ctx, admin, c, true))
	for _, who := range []*copse.Actor{x.tess, kim} {
		if m := x.wigan.membership(&now.Actor, x.wigan.actorByURI(who.URI)); m.State != copse.Active {
			t.Errorf("%s is %q where it is now", who.Name, m.State)
		}
		if m := x.stevenage.membership(parks(x.stevenage), who); m.State != copse.Active {
			t.Errorf("%s is %q where it was, and reads nothing of it", who.Name, m.State)
		}
	}
	if got := moving(x.stevenage); got != copse.Followed {
		t.Errorf("Stevenage: %q", got)
	}
	if got := moving(x.wigan); got != copse.Awaiting {
		t.Errorf("Wigan, where nobody has decided: %q", got)
	}
}
