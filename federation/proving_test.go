package federation_test

import (
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"copse/copse"
	"copse/federation/ap"
	"copse/federation/httpsig"
	"copse/federation/proof"
	"copse/store"
)

// proves gives v a key for proofs, which its document lists from now on.
func (v *voice) proves() proof.Key {
	v.peer.t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		v.peer.t.Fatal(err)
	}
	key := proof.Key{ID: v.uri + "#ed25519-key", Private: private}
	v.doc = v.doc.with(obj{"assertionMethod": []obj{multikey(v.uri, key.ID, public)}})
	v.peer.serve(v.doc)
	return key
}

func multikey(owner, id string, public ed25519.PublicKey) obj {
	return obj{"id": id, "type": "Multikey", "controller": owner, "publicKeyMultibase": proof.EncodeKey(public)}
}

// proved returns act with a proof by key.
func proved(t testing.TB, act obj, key proof.Key) (signed obj) {
	t.Helper()
	act = act.with(obj{"@context": []string{"https://www.w3.org/ns/activitystreams", "https://w3id.org/security/data-integrity/v2"}})
	b, err := proof.Sign(act.json(), key, time.Now())
	if err == nil {
		err = json.Unmarshal(b, &signed)
	}
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

// change returns an Update of a page by v, dated now.
func (v *voice) change(name string, page obj, title string) obj {
	now := time.Now().UTC().Format(time.RFC3339)
	return v.act("Update", name, page.with(obj{"name": title, "updated": now})).with(obj{"published": now})
}

// What somebody elsewhere has proved is taken from a community at once, and their
// server is asked for nothing but who they are.
func TestAProofSparesAsking(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		key := s.bob.proves()
		time.Sleep(10 * time.Minute) // Leeds has read who Bob is before he had a key
		s.n.forget()
		ash, oak := s.bob.page("ash", s.trees.uri, "Ash"), s.bob.page("oak", s.trees.uri, "Oak")
		announce := func(act obj) {
			t.Helper()
			if got := s.trees.say(s.leeds, s.trees.announces(act)); got != 202 {
				t.Errorf("answered %d", got)
			}
		}
		announce(proved(t, s.bob.act("Create", "1", ash), key))
		synctest.Wait()
		if o := s.leeds.object(ash["id"].(string)); o == nil || o.Title != "Ash" {
			t.Errorf("what Bob proved with a new key is %+v", o)
		}
		if got := s.n.asked(); fmt.Sprint(got) != "[GET https://third.example/u/bob]" {
			t.Errorf("asked for %q, want who Bob is", got)
		}

		s.n.forget()
		now := func(want string) {
			t.Helper()
			o := s.leeds.object(oak["id"].(string))
			switch {
			case o == nil:
				t.Errorf("it is not there, want %q", want)
			case o.Title != want || o.Deleted.IsZero() == (want == ""):
				t.Errorf("it is %q, deleted %v, want %q", o.Title, o.Deleted, want)
			case o.Removed:
				t.Error("it is the community that has removed it")
			}
		}
		announce(proved(t, s.bob.act("Create", "2", oak), key))
		now("Oak")
		time.Sleep(time.Minute)
		announce(proved(t, s.bob.change("3", oak, "Oak and lime"), key))
		now("Oak and lime")
		announce(proved(t, s.bob.act("Delete", "4", oak["id"]), key))
		now("")

		// What was never here is deleted as well, by who made it.
		elm := s.bob.page("elm", s.trees.uri, "Elm")
		announce(proved(t, s.bob.act("Delete", "5", elm["id"]), key))
		announce(proved(t, s.bob.act("Create", "6", elm), key))
		synctest.Wait()
		if o := s.leeds.object(elm["id"].(string)); o != nil && (o.Deleted.IsZero() || o.HTML != "") {
			t.Errorf("what was deleted before it came is there: %+v", o)
		}
		if got := s.n.asked(); len(got) > 0 {
			t.Errorf("asked for %q", got)
		}

		// Of somebody new their server is asked who they are.
		dave := s.third.actor("Person", "/u/dave")
		davesKey := dave.proves()
		announce(proved(t, dave.act("Create", "7", dave.page("1", s.trees.uri, "Dave's")), davesKey))
		synctest.Wait()
		if s.leeds.object(dave.uri+"/page/1") == nil {
			t.Error("what somebody new has proved is not there")
		}
		if got := s.n.asked(); fmt.Sprint(got) != "[GET https://third.example/u/dave]" {
			t.Errorf("asked for %q, want who Dave is", got)
		}
	})
}

// A proof that is no good is worth what none is: the author's server is asked, and
// what it says holds (AS-049).
func TestAForgedProofIsNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		bob, carol, eve := s.bob.proves(), s.carol.proves(), s.eve.proves()
		ash := s.says(s.trees, s.bob, s.bob.page("ash", s.trees.uri, "Ash"))
		elm := s.bob.page("elm", s.trees.uri, "Elm")
		for _, v := range []*voice{s.bob, s.carol, s.eve} {
			v.say(s.leeds, v.act("Update", "key", v.uri)) // so that everybody's key is known
		}
		synctest.Wait()
		for i, act := range []obj{s.bob.act("Create", "elm", elm), s.bob.act("Delete", "elm", elm["id"])} {
			if got := s.trees.say(s.leeds, s.trees.announces(proved(t, act, bob))); got != 202 {
				t.Fatalf("number %d of Bob's own is answered %d", i, got)
			}
		}
		early := proved(t, s.bob.change("early", s.bob.page("ash", s.trees.uri, "Ash"), "Forged: held back"), bob)
		time.Sleep(time.Minute)
		late := s.bob.change("late", s.bob.page("ash", s.trees.uri, "Ash"), "Ash and oak")
		if got := s.trees.say(s.leeds, s.trees.announces(proved(t, late, bob))); got != 202 {
			t.Fatalf("Bob's own change is answered %d", got)
		}
		if o := s.leeds.object(ash.URI); o.Title != "Ash and oak" {
			t.Fatalf("Bob's own change did not take effect: %q", o.Title)
		}
		s.third.serve(late["object"].(obj))
		create := func(name string) obj {
			return s.bob.act("Create", name, s.bob.page(name, s.trees.uri, "Forged"))
		}
		as := func(key proof.Key, id string) proof.Key { return proof.Key{ID: id, Private: key.Private} }
		change := func(changes obj) obj {
			return s.bob.change("x", s.bob.page("ash", s.trees.uri, "x"), "Forged").with(changes)
		}
		future := time.Now().UTC().Add(time.Hour).Format(time.RFC3339)
		with := func(signed, changes obj) obj {
			return signed.with(obj{"proof": obj(signed["proof"].(map[string]any)).with(changes)})
		}

		before := s.leeds.state()
		for _, c := range []struct {
			name string
			act  obj
			want int
			asks bool // whether Bob's server is asked, as it would be without a proof
		}{
			{"by another key", proved(t, create("1"), as(eve, bob.ID)), 202, true},
			{"by somebody else's key", proved(t, create("2"), eve), 202, true},
			{"by a colleague's key", proved(t, create("3"), carol), 202, true},
			{"by a key that nobody lists", proved(t, create("4"), as(bob, s.bob.uri+"#key-2")), 202, true},
			{"by a key elsewhere", proved(t, create("5"), as(bob, "https://evil.example/u/bob#ed25519-key")), 202, true},
			{"of other words", proved(t, create("6"), bob).with(obj{"object": s.bob.page("6", s.trees.uri, "Forged again")}), 202, true},
			{"of another activity", create("7").with(obj{"@context": "x", "proof": proved(t, create("8"), bob)["proof"]}), 202, true},
			{"without a signature", with(proved(t, create("9"), bob), obj{"proofValue": nil}), 202, true},
			{"with another time", with(proved(t, create("10"), bob), obj{"created": "1999-12-31T00:00:00Z"}), 202, true},
			{"of a change that says not when", proved(t, change(obj{"published": nil}), bob), 202, true},
			{"of a change to come", proved(t, change(obj{"published": future}), bob), 202, true},
			{"of a change to be", proved(t, s.bob.act("Update", "11", s.bob.page("ash", s.trees.uri, "Forged").with(obj{"updated": future})).with(obj{"published": "2000-01-01T00:00:00Z"}), bob), 202, true},
			{"of a change by a colleague", proved(t, s.carol.change("12", s.bob.page("ash", s.trees.uri, "x"), "Forged"), carol), 403, false},
			{"of a colleague's deletion", proved(t, s.carol.act("Delete", "13", ash.URI), carol), 202, true},

			{"a change after a later one", early, 202, false},
			{"after its deletion", proved(t, s.bob.act("Create", "14", elm), bob), 202, false},
			{"for another community", proved(t, s.bob.act("Create", "15", s.bob.page("15", s.weeds.uri, "Forged")), bob), 403, false},
			{"of what a colleague made", proved(t, s.bob.act("Create", "16", s.carol.page("16", s.trees.uri, "Forged")), bob), 403, false},
			{"of what lives elsewhere", proved(t, s.bob.act("Create", "17", s.bob.page("17", s.trees.uri, "Forged").with(obj{"id": "https://evil.example/17"})), bob), 403, false},
			{"of what lives here", proved(t, s.bob.act("Create", "18", s.bob.page("18", s.trees.uri, "Forged").with(obj{"id": "https://leeds.example/post/1"})), bob), 403, false},
			{"in the name of one of ours", proved(t, obj{"id": s.ann.URI + "/1", "type": "Create", "actor": s.ann.URI, "object": s.bob.page("19", s.trees.uri, "Forged").with(obj{"attributedTo": s.ann.URI})}, as(bob, s.ann.URI+"#ed25519-key")), 403, false},
		} {
			s.n.forget()
			if got := s.trees.say(s.leeds, s.trees.announces(c.act).with(obj{"id": s.trees.uri + "/announce/" + c.name})); got != c.want {
				t.Errorf("%s: answered %d, want %d", c.name, got, c.want)
			}
			synctest.Wait()
			if asks := len(s.n.requests("third.example")) > 0; asks != c.asks {
				t.Errorf("%s: Bob's server was asked %v, want %v", c.name, asks, c.asks)
			}
			now := s.leeds.state()
			// That the community passed it on is on record, whatever came of it.
			news := strings.ReplaceAll(changed(before, now), fmt.Sprintf("+  Announce by %s: %s\n", s.trees.uri, c.act["id"]), "")
			if news != "" {
				t.Errorf("%s: took effect:\n%s", c.name, news)
			}
			before = now
		}
		time.Sleep(5 * time.Minute) // what was put off is tried again
		if news := changed(before, s.leeds.state()); news != "" {
			t.Errorf("something took effect later:\n%s", news)
		}

		// Without its proof, or with one that is no good, it reads as its author's
		// server has it.
		for i, act := range []obj{create("20").with(obj{"@context": "x"}), proved(t, create("21"), carol)} {
			page := s.bob.page(fmt.Sprint(20+i), s.trees.uri, "What Bob wrote")
			s.third.serve(page)
			s.trees.say(s.leeds, s.trees.announces(act))
			synctest.Wait()
			if o := s.leeds.object(page["id"].(string)); o == nil || o.Title != "What Bob wrote" {
				t.Errorf("Leeds has %+v, want what Bob wrote", o)
			}
		}
	})
}

// What its actor has proved may come from anybody, and what they have not from
// nobody else.
func TestWhatIsProvedMayBeSentOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		bob, carol, trees := s.bob.proves(), s.carol.proves(), s.trees.proves()
		time.Sleep(10 * time.Minute)
		stranger := s.n.peer(t, "fourth.example").actor("Person", "/u/dan")
		create := func(name string) obj {
			return s.bob.act("Create", name, s.bob.page(name, s.seeds.URI, "Bob's "+name))
		}
		mine := s.leeds.post(s.ann, &s.seeds.Actor, "Ann's", "<p>x</p>")
		for i, c := range []struct {
			name string
			by   *voice
			act  obj
			want int
		}{
			{"unproved", s.mod, create("1"), 401},
			{"unproved, by a colleague", s.carol, create("1"), 401},
			{"proved by somebody else", s.mod, proved(t, create("1"), carol), 202}, // Carol's key might be Bob's new one
			{"again, his key being known", s.mod, proved(t, create("1"), carol), 401},
			{"proved by another key", s.mod, proved(t, create("1"), proof.Key{ID: bob.ID, Private: carol.Private}), 401},
			{"changed since", s.mod, proved(t, create("1"), bob).with(obj{"object": s.bob.page("1", s.seeds.URI, "Forged")}), 401},
			{"joining", s.mod, proved(t, s.bob.act("Follow", "1", s.seeds.URI), bob), 401},
			{"leaving", s.mod, proved(t, s.bob.act("Undo", "1", s.bob.act("Follow", "join-seeds", s.seeds.URI)), bob), 401},
			{"letting in", s.mod, proved(t, s.trees.act("Accept", "1", "x"), trees), 401},
			{"one of ours", s.mod, proved(t, obj{"id": s.ann.URI + "/1", "type": "Delete", "actor": s.ann.URI, "object": mine.URI}, proof.Key{ID: s.ann.URI + "#ed25519-key", Private: bob.Private}), 401},
		} {
			before := s.leeds.state()
			if got := c.by.say(s.leeds, c.act); got != c.want {
				t.Errorf("%s: answered %d, want %d", c.name, got, c.want)
			}
			synctest.Wait()
			if news := changed(before, s.leeds.state()); news != "" {
				t.Errorf("%s: took effect:\n%s", c.name, news)
			}
			if i == 2 {
				time.Sleep(time.Minute)
			}
		}

		taken := func(by *voice, act obj, name string) {
			t.Helper()
			if got := by.say(s.leeds, act); got != 202 {
				t.Errorf("%s: answered %d, want 202", name, got)
			}
			synctest.Wait()
			o := s.leeds.object(s.bob.uri + "/page/" + name)
			if o == nil {
				t.Fatalf("%s is not there", name)
			}
			if a := s.leeds.actorByURI(s.bob.uri); o.Author != a.ID {
				t.Errorf("%s is not Bob's", name)
			}
		}
		act := proved(t, create("1"), bob)
		taken(s.mod, act, "1")
		taken(stranger, proved(t, create("2"), bob), "2")
		announced := s.trees.announces(proved(t, s.bob.act("Create", "3", s.bob.page("3", s.trees.uri, "3")), bob))
		taken(stranger, proved(t, announced, trees), "3")

		// The community passes it on as Bob wrote it, and under his proof.
		var passed obj
		for _, sent := range s.third.received() {
			if inner, ok := sent["object"].(map[string]any); ok && inner["id"] == act["id"] {
				passed = inner
			}
		}
		if string(passed.json()) != string(act.json()) {
			t.Errorf("it is passed on as\n%s\nand was\n%s", passed.json(), act.json())
		}

		s.leeds.fed.Block = []string{"third.example"}
		if got := s.mod.say(s.leeds, proved(t, create("4"), bob)); got != 403 {
			t.Errorf("by way of another, what somebody at a blocked server said is answered %d", got)
		}
		if s.leeds.object(s.bob.uri+"/page/4") != nil {
			t.Error("what somebody at a blocked server said is taken")
		}
	})
}

// Of somebody's keys only those count that are theirs.
func TestOnlyTheirOwnKeysProve(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		public, private, err := ed25519.GenerateKey(nil)
		if err != nil {
			t.Fatal(err)
		}
		own := func(v *voice) obj { return multikey(v.uri, v.uri+"#k", public) }
		for i, c := range []struct {
			name string
			keys func(v *voice) any
			want bool
		}{
			{"as it should be", func(v *voice) any { return []obj{own(v)} }, true},
			{"alone", func(v *voice) any { return own(v) }, true},
			{"the tenth", func(v *voice) any { return append(others(v, public, 9), own(v)) }, true},
			{"the eleventh", func(v *voice) any { return append(others(v, public, 10), own(v)) }, false},
			{"of another", func(v *voice) any { return own(v).with(obj{"controller": s.carol.uri}) }, false},
			{"of nobody", func(v *voice) any { return own(v).with(obj{"controller": nil}) }, false},
			{"by its address alone", func(v *voice) any { return v.uri + "#k" }, false},
			{"elsewhere", func(v *voice) any { return own(v).with(obj{"id": "https://evil.example/k"}) }, false},
			{"two in one", func(v *voice) any { return own(v).with(obj{"id": v.uri + "#other z6Mk\n" + v.uri + "#k"}) }, false},
			{"of another sort", func(v *voice) any { return own(v).with(obj{"publicKeyMultibase": "zQ3sh"}) }, false},
		} {
			v := s.third.actor("Person", fmt.Sprintf("/u/p%d", i))
			s.third.serve(v.doc.with(obj{"assertionMethod": c.keys(v)}))
			act := proved(t, v.act("Create", "1", v.page("1", s.trees.uri, "x")), proof.Key{ID: v.uri + "#k", Private: private})
			s.trees.say(s.leeds, s.trees.announces(act))
			synctest.Wait()
			if got := s.leeds.object(v.uri+"/page/1") != nil; got != c.want {
				t.Errorf("a key %s: taken %v, want %v", c.name, got, c.want)
			}
		}
	})
}

func others(v *voice, public ed25519.PublicKey, n int) (all []obj) {
	for i := range n {
		all = append(all, multikey(v.uri, fmt.Sprint(v.uri, "#", i), public))
	}
	return all
}

// Between councils that all prove what they say, what one says in the community of
// another reaches the rest without anybody asking for it.
func TestWhatIsSaidReachesOthersWithoutAsking(t *testing.T) {
	n := newNetwork(t, "harlow.example", "stevenage.example", "northampton.example")
	harlow, stevenage, northampton := n.towns["harlow.example"], n.towns["stevenage.example"], n.towns["northampton.example"]
	joan := harlow.person("joan")
	harlow.community(joan, "trees", copse.JoinOpen, copse.Public)
	tess, rosa := stevenage.person("tess"), northampton.person("rosa")
	stevenage.join(tess, stevenage.find("!trees@harlow.example"))
	northampton.join(rosa, northampton.find("!trees@harlow.example"))
	n.settle(t)
	trees := stevenage.find("!trees@harlow.example")
	stevenage.post(tess, trees, "Ash", "<p>x</p>") // and everybody knows Tess
	n.settle(t)

	n.forget()
	topic := stevenage.post(tess, trees, "Oak", "<p>x</p>")
	n.settle(t)
	changed := *topic
	changed.Title, changed.HTML, changed.Source = "Oak and lime", "<p>y</p>", "y"
	if err := stevenage.hub.Edit(t.Context(), tess, &changed); err != nil {
		t.Fatal(err)
	}
	n.settle(t)
	for host, w := range n.towns {
		if o := w.object(topic.URI); o == nil || o.Title != "Oak and lime" {
			t.Errorf("%s has %+v", host, o)
		}
	}
	if err := stevenage.hub.Remove(t.Context(), tess, topic, ""); err != nil {
		t.Fatal(err)
	}
	n.settle(t)
	for host, w := range n.towns {
		if o := w.object(topic.URI); o.Deleted.IsZero() || o.Removed {
			t.Errorf("%s has it deleted %v, removed %v; want deleted by its author", host, !o.Deleted.IsZero(), o.Removed)
		}
	}
	for _, asked := range n.asked() {
		if strings.HasPrefix(asked, "GET ") {
			t.Errorf("somebody asked: %s", asked)
		}
	}
}

// signing returns a key for proofs as one that requests are signed with.
func signing(k proof.Key) httpsig.Key { return httpsig.Key{ID: k.ID, Private: k.Private} }

// Whoever looks after a community from a third server is named if they have proved
// what they did. Otherwise it is the community's act, and takes effect all the same.
func TestAFacilitatorElsewhereIsNamedByTheirProof(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		carol, eve := s.carol.proves(), s.eve.proves()
		ash := s.says(s.trees, s.bob, s.bob.page("ash", s.trees.uri, "Ash"))
		fourth := s.n.peer(t, "fourth.example")
		dan := fourth.actor("Person", "/u/dan")
		dans := dan.proves()
		by := func(v *voice, typ, name string) obj {
			return v.act(typ, name, ash.URI).with(obj{"to": []string{s.trees.uri}, "cc": []string{}, "summary": "old"})
		}
		block := func(name string) obj {
			return by(s.carol, "Block", name).with(obj{"object": s.bob.uri, "target": s.trees.uri})
		}
		pin := func(name string) obj { return by(s.carol, "Add", name).with(obj{"target": s.trees.uri + "/featured"}) }
		lock := by(s.carol, "Lock", "1")
		foreign := proved(t, by(s.carol, "Lock", "5"), eve)
		changed := proved(t, by(s.carol, "Delete", "7"), carol)
		changed["summary"] = "worse"
		time.Sleep(10 * time.Minute)
		for _, c := range []struct {
			what string
			act  obj
			by   string
		}{
			{"a Lock, proved", proved(t, lock, carol), s.carol.uri},
			{"its Undo, proved", proved(t, s.carol.act("Undo", "1", lock), carol), s.carol.uri},
			{"a Lock without a proof", by(s.carol, "Lock", "3"), s.trees.uri},
			{"its Undo without a proof", s.carol.act("Undo", "3", by(s.carol, "Lock", "3")), s.trees.uri},
			{"a Lock by another's proof", foreign, s.trees.uri},
			{"a Block, proved", proved(t, block("1"), carol), s.carol.uri},
			{"an Add, proved", proved(t, pin("1"), carol), s.carol.uri},
			{"a Delete that was changed", changed, s.trees.uri},
			{"its Undo by somebody new, proved", proved(t, dan.act("Undo", "8", by(dan, "Delete", "8")), dans), dan.uri},
		} {
			if got := s.trees.say(s.leeds, s.trees.announces(c.act)); got != 202 {
				t.Errorf("%s: answered %d", c.what, got)
			}
			synctest.Wait()
			s.leeds.view(func(tx *store.Tx) error {
				log, err := tx.Log(s.leeds.actorByURI(s.trees.uri).ID, 0, 2) // what is announced, and that it is
				if err == nil && (log[1].Type != c.act["type"] || log[1].By.URI != c.by) {
					t.Errorf("%s: the log says that it is a %s by %s, want it by %s", c.what, log[1].Type, log[1].By.URI, c.by)
				}
				return err
			})
		}
		if o := s.leeds.object(ash.URI); !o.Deleted.IsZero() {
			t.Error("what was put back is not there")
		}

		// A ruling waits for nobody's server.
		s.n.answer("fourth.example", refused)
		erin := fourth.actor("Person", "/u/erin")
		s.trees.say(s.leeds, s.trees.announces(proved(t, by(erin, "Delete", "9"), erin.proves())))
		synctest.Wait()
		if o := s.leeds.object(ash.URI); !o.Removed {
			t.Error("a removal waits for the server of whoever did it")
		}
	})
}

// After an old backup was put back, what people here said since comes back from where
// they said it, as their own, if it carries their proof. Nobody can put words into
// their mouths.
func TestWhatWeLostComesBackByItsProof(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		there := s.leeds.find(s.trees.uri)
		s.leeds.post(s.ann, there, "Beech", "<p>Still here") // for which she gets a key
		var key proof.Key
		s.leeds.view(func(tx *store.Tx) error {
			text, err := tx.ProvingKey(s.ann.ID)
			if err != nil {
				return err
			}
			private, err := httpsig.ParsePrivateKey(text)
			key = proof.Key{ID: s.ann.URI + "#ed25519-key", Private: private.(ed25519.PrivateKey)}
			return err
		})
		said := func(path, title string) (page, act obj) {
			uri := "https://leeds.example" + path
			page = obj{
				"id": uri, "type": "Page", "attributedTo": s.ann.URI, "name": title, "content": "<p>" + title,
				"to": []string{s.trees.uri, "https://www.w3.org/ns/activitystreams#Public"}, "audience": s.trees.uri,
				"published": time.Now().UTC().Format(time.RFC3339),
			}
			return page, obj{
				"id": "https://leeds.example/activities/create/" + title, "type": "Create", "actor": s.ann.URI,
				"object": page, "to": page["to"],
			}
		}
		announce := func(act obj) {
			s.trees.say(s.leeds, s.trees.announces(act))
			synctest.Wait()
		}
		lost, act := said("/post/4242424242", "Ash")
		announce(proved(t, act, key))
		o := s.leeds.object(lost["id"].(string))
		if o == nil || o.ID != 4242424242 || !o.Local || o.Author != s.ann.ID || o.Accepted.IsZero() {
			t.Fatalf("what was lost is back as %+v", o)
		}
		if got := s.leeds.ask(nil, "GET", "/post/4242424242", ap.ActivityJSON).Code; got != 200 {
			t.Errorf("whoever asks for it is answered %d", got)
		}

		forged, act := said("/post/4343434343", "Elm")
		announce(act)
		elsewhere, act := said("/post/4444444444", "Oak")
		announce(proved(t, act, s.eve.proves()))
		for _, page := range []obj{forged, elsewhere} {
			if o := s.leeds.object(page["id"].(string)); o != nil {
				t.Errorf("without her proof Ann is made to have said %q", o.Title)
			}
		}
	})
}
