package federation_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"copse/copse"
	"copse/federation/ap"
	"copse/store"
)

// A stage is Leeds, where Ann is, with a community of its own, and three servers
// that Leeds can only listen to: Home has the community Trees, which Ann is in;
// Third has Bob and Carol, who are in both; Evil has a community too, which Ann
// has joined in good faith.
type stage struct {
	n                 *network
	leeds             *town
	ann               *copse.Actor
	seeds             *copse.Community
	home, third, evil *peer
	trees, weeds      *voice // the communities
	mod, bob, carol   *voice
	eve               *voice
}

func newStage(t *testing.T) *stage {
	t.Helper()
	n := newNetwork(t, "leeds.example")
	s := &stage{n: n, leeds: n.towns["leeds.example"]}
	s.home, s.third, s.evil = n.peer(t, "home.example"), n.peer(t, "third.example"), n.peer(t, "evil.example")
	s.trees, s.mod = s.home.actor("Group", "/c/trees"), s.home.actor("Person", "/u/mod")
	s.bob, s.carol = s.third.actor("Person", "/u/bob"), s.third.actor("Person", "/u/carol")
	s.weeds, s.eve = s.evil.actor("Group", "/c/weeds"), s.evil.actor("Person", "/u/eve")
	s.ann = s.leeds.person("ann")
	s.seeds = s.leeds.community(s.ann, "seeds", copse.JoinOpen, copse.Public)
	s.bob.member(s.leeds, s.seeds)
	s.carol.member(s.leeds, s.seeds)
	s.joins(s.trees)
	s.joins(s.weeds)
	return s
}

// joins has Ann join a community elsewhere, and the community let her in.
func (s *stage) joins(community *voice) *copse.Actor {
	community.peer.t.Helper()
	there := s.leeds.find(community.uri)
	s.leeds.join(s.ann, there)
	synctest.Wait()
	all := community.peer.received()
	follow := all[len(all)-1]
	if follow["type"] != "Follow" {
		community.peer.t.Fatalf("%s was sent %v last, want a Follow", community.peer.host, follow)
	}
	if got := community.say(s.leeds, community.act("Accept", "ann", follow)); got != http.StatusAccepted {
		community.peer.t.Fatalf("letting Ann in is answered %d", got)
	}
	synctest.Wait()
	if m := s.leeds.membership(there, s.ann); m.State != copse.Active {
		community.peer.t.Fatalf("Ann is %q in %s", m.State, community.uri)
	}
	return there
}

// says has a community pass on what somebody made, who serves it themselves.
func (s *stage) says(community, by *voice, made obj) *copse.Object {
	by.peer.t.Helper()
	uri := by.peer.serve(made)
	if got := community.say(s.leeds, community.announces(by.act("Create", "of-"+uri[len("https://"):], made))); got != http.StatusAccepted {
		by.peer.t.Fatalf("passing on %s is answered %d", uri, got)
	}
	synctest.Wait()
	o := s.leeds.object(uri)
	if o == nil {
		by.peer.t.Fatalf("%s did not arrive", uri)
	}
	return o
}

// Nobody does anything in the name of another, and no community does anything in
// another community.
func TestForgeriesTakeNoEffect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.says(s.trees, s.bob, s.bob.page("ash", s.trees.uri, "Ash"))
		topic := s.leeds.post(s.ann, &s.seeds.Actor, "Oak", "<p>Where?</p>")
		if got := s.bob.say(s.leeds, s.bob.act("Create", "elm", s.bob.page("elm", s.seeds.URI, "Elm"))); got != 202 {
			t.Fatalf("Bob's own topic is answered %d", got)
		}
		if got := s.bob.say(s.leeds, s.bob.act("Like", "oak", topic.URI)); got != 202 {
			t.Fatalf("Bob's own mark is answered %d", got)
		}
		// Bob is a facilitator here as well: to act as him would be worth something.
		err := s.leeds.db.Update(t.Context(), func(tx *store.Tx) error {
			bob, err := tx.ActorByURI(s.bob.uri)
			if err != nil {
				return err
			}
			return tx.SetMembership(&copse.Membership{
				Community: s.seeds.ID, Actor: bob.ID, Role: copse.Moderator, State: copse.Active, Since: tx.Now,
			})
		})
		if err != nil {
			t.Fatal(err)
		}
		other := s.home.actor("Group", "/c/other")
		s.leeds.find(other.uri)
		slow := s.home.actor("Group", "/c/slow")
		there := s.leeds.find(slow.uri)
		s.leeds.join(s.ann, there)
		synctest.Wait()
		sent := s.home.received()
		waiting := sent[len(sent)-1] // Ann's question, which nobody has answered
		ash, elm := s.bob.uri+"/page/ash", s.bob.uri+"/page/elm"
		forged := func(v *voice, name, community string) obj {
			return v.page(name, community, "Forged")
		}

		before := s.leeds.state()
		for _, c := range []struct {
			name string
			by   *voice
			act  obj
			want int // 0 for what is only found out later
		}{
			{"038 made by somebody else", s.eve, s.eve.act("Create", "1", forged(s.eve, "1", s.seeds.URI).with(obj{"attributedTo": s.bob.uri})), 0},
			{"039 made by two", s.carol, s.carol.act("Create", "2", forged(s.carol, "2", s.seeds.URI).with(obj{"attributedTo": []string{s.carol.uri, s.bob.uri}})), 403},
			{"040 what lives on another server", s.carol, s.carol.act("Create", "3", forged(s.carol, "3", s.seeds.URI).with(obj{"id": "https://evil.example/3"})), 0},
			{"040 another's own words, as one's own", s.carol, s.carol.act("Create", "4", ash), 0},
			{"055 what lives here", s.carol, s.carol.act("Create", "5", forged(s.carol, "5", s.seeds.URI).with(obj{"id": topic.URI + "0"})), 0},
			{"055 what is here", s.carol, s.carol.act("Update", "6", forged(s.carol, "6", s.seeds.URI).with(obj{"id": topic.URI})), 0},
			{"041 a colleague's words", s.carol, s.carol.act("Update", "7", s.bob.page("elm", s.seeds.URI, "Forged")), 403},
			{"041 a colleague's words, as one's own", s.carol, s.carol.act("Update", "8", forged(s.carol, "8", s.seeds.URI).with(obj{"id": elm})), 403},
			{"042 a colleague's words taken away", s.carol, s.carol.act("Delete", "9", elm), 403},
			{"042 as a facilitator", s.carol, s.carol.act("Delete", "10", elm).with(obj{"summary": "spam"}), 403},
			{"042 by somebody who is not even a member", s.mod, s.mod.act("Delete", "11", elm).with(obj{"summary": "spam"}), 0},
			{"043 a colleague's key", s.carol, s.carol.act("Update", "12", s.bob.doc.with(obj{"publicKey": s.carol.doc["publicKey"]})), 202},
			{"043 a stranger's key", s.eve, s.eve.act("Update", "13", s.bob.doc.with(obj{"publicKey": s.eve.doc["publicKey"]})), 0},
			{"044 a colleague's mark taken back by its id", s.carol, s.carol.act("Undo", "14", s.bob.uri+"/like/oak"), 403},
			{"044 embedded", s.carol, s.carol.act("Undo", "15", s.bob.act("Like", "oak", topic.URI)), 403},
			{"044 as one's own", s.carol, s.carol.act("Undo", "16", s.bob.act("Like", "oak", topic.URI).with(obj{"actor": s.carol.uri})), 202},
			{"044 by nobody", s.carol, s.carol.act("Undo", "17", s.bob.act("Like", "oak", topic.URI).with(obj{"actor": nil})), 202},
			{"045 a colleague put out", s.carol, s.carol.act("Undo", "18", s.bob.act("Follow", "join-seeds", s.seeds.URI)), 403},
			{"let in by somebody else", s.weeds, s.weeds.act("Accept", "19", waiting), 403},
			{"046 by its id", s.weeds, s.weeds.act("Accept", "20", waiting["id"]), 403},
			{"046 turned down by somebody else", s.weeds, s.weeds.act("Reject", "21", waiting), 403},
			{"046 by a person at the right server", s.mod, s.mod.act("Accept", "22", waiting), 0},
			{"046 something never asked", slow, slow.act("Accept", "23", "https://leeds.example/activities/follow/none"), 0},
			{"046 a question nobody put", other, other.act("Accept", "24", obj{"id": "https://leeds.example/1", "type": "Follow", "actor": s.ann.URI, "object": other.uri}), 400},
			{"016 by a colleague whom nobody knows", s.third.actor("Person", "/u/dave"), s.bob.act("Follow", "51", s.seeds.URI), 0},
			{"a community that joins", s.weeds, s.weeds.act("Follow", "25", s.seeds.URI), 403},

			{"048 announced: never said", s.trees, s.trees.announces(s.bob.act("Create", "26", s.bob.page("never", s.trees.uri, "Forged"))), 202},
			{"048 announced: said by somebody else", s.trees, s.trees.announces(s.carol.act("Create", "27", s.carol.page("27", s.trees.uri, "Forged").with(obj{"id": ash + "?"}))), 202},
			{"048 announced: made by another", s.trees, s.trees.announces(s.carol.act("Create", "28", ash)), 202},
			{"048 announced: by the community's own person, of another's", s.trees, s.trees.announces(s.mod.act("Create", "29", s.bob.page("29", s.trees.uri, "Forged"))), 202},
			{"048 announced: the activity is another's", s.trees, s.trees.announces(s.bob.act("Create", "30", ash).with(obj{"id": s.eve.uri + "/1"})), 400},
			{"049 announced: changed, but not where it lives", s.trees, s.trees.announces(s.bob.act("Update", "31", s.bob.page("ash", s.trees.uri, "Forged").with(obj{"updated": "2030-01-01T00:00:00Z"}))), 202},
			{"049 announced: deleted, but still there", s.trees, s.trees.announces(s.bob.act("Delete", "32", ash)), 202},
			{"049 announced: deleted with a blank reason", s.trees, s.trees.announces(s.bob.act("Delete", "33", ash).with(obj{"summary": " "})), 202},
			{"049 announced: changed by its server's own person", s.trees, s.trees.announces(s.mod.act("Update", "34", s.bob.page("ash", s.trees.uri, "Forged"))), 202},
			{"056 announced: said by one of ours", s.trees, s.trees.announces(obj{"id": "https://leeds.example/activities/create/1", "type": "Create", "actor": s.ann.URI, "object": obj{"id": "https://leeds.example/post/1", "type": "Page", "attributedTo": s.ann.URI, "to": s.trees.uri, "name": "Forged"}}), 403},
			{"056 announced: changed by one of ours", s.trees, s.trees.announces(obj{"id": "https://leeds.example/activities/update/1", "type": "Update", "actor": s.ann.URI, "object": obj{"id": topic.URI, "type": "Page", "attributedTo": s.ann.URI, "name": "Forged"}}), 403},
			{"050 announced by a person", s.eve, s.eve.announces(s.eve.act("Create", "35", forged(s.eve, "35", s.trees.uri))), 0},
			{"051 announced in another community", s.weeds, s.weeds.announces(s.eve.act("Create", "36", forged(s.eve, "36", s.trees.uri))), 0},
			{"051 announced by another community: a change", s.weeds, s.weeds.announces(s.bob.act("Update", "37", s.bob.page("ash", s.trees.uri, "Forged"))), 0},
			{"051 announced by another community: a removal", s.weeds, s.weeds.announces(s.eve.act("Delete", "38", ash).with(obj{"summary": "spam"})), 0},
			{"051 announced by another community: a mark", s.weeds, s.weeds.announces(s.carol.act("Like", "39", ash)), 403},
			{"051 announced: a mark in a community of ours", s.weeds, s.weeds.announces(s.carol.act("Like", "40", topic.URI)), 403},
			{"051 announced: a mark taken back in a community of ours", s.weeds, s.weeds.announces(s.bob.act("Undo", "41", s.bob.act("Like", "oak", topic.URI))), 403},
			{"052 announced: a removal in a community of ours", s.weeds, s.weeds.announces(s.bob.act("Delete", "42", topic.URI).with(obj{"summary": "spam"})), 403},
			{"051 announced: an answer in a community of ours", s.weeds, s.weeds.announces(s.eve.act("Create", "43", s.eve.note("43", s.weeds.uri, topic.URI, "Forged"))), 0},
			{"announced by a community that nobody here is in", other, other.announces(s.mod.act("Create", "50", s.mod.page("50", other.uri, "Unasked"))), 202},
			{"announced: leaving", s.weeds, s.weeds.announces(s.bob.act("Undo", "44", s.bob.act("Follow", "join-seeds", s.seeds.URI))), 202},
			{"announced: joining", s.weeds, s.weeds.announces(s.eve.act("Follow", "45", s.seeds.URI)), 202},
			{"announced: letting in", s.trees, s.trees.announces(slow.act("Accept", "46", waiting)), 202},
			{"053 what is here already, for others", s.bob, s.bob.act("Create", "47", s.bob.page("elm", s.seeds.URI, "Forged").with(obj{"to": []string{s.bob.uri + "/followers"}})), 202},
			{"065 changed in the past", s.bob, s.bob.act("Update", "48", s.bob.page("elm", s.seeds.URI, "Forged").with(obj{"updated": "1999-01-01T00:00:00Z", "type": "Note", "inReplyTo": ash})), 0},
			{"an answer put under another", s.bob, s.bob.act("Update", "49", s.bob.page("elm", s.seeds.URI, "Elm").with(obj{"type": "Note", "inReplyTo": topic.URI, "content": "Forged"})), 403},
		} {
			if strings.HasSuffix(c.name, "said by somebody else") {
				s.third.serve(s.bob.page("27", s.trees.uri, "Bob's own"))
			}
			got := c.by.say(s.leeds, c.act)
			if c.want != 0 && got != c.want || got >= 500 {
				t.Errorf("%s: answered %d, want %d", c.name, got, c.want)
			}
			synctest.Wait()
			now := s.leeds.state()
			if news := changed(before, now); news != "" {
				t.Errorf("%s: took effect:\n%s", c.name, news)
				before = now
			}
		}
		if m := s.leeds.membership(there, s.ann); m.State != copse.Pending {
			t.Errorf("Ann, whom nobody has let in, is %q", m.State)
		}
		time.Sleep(5 * time.Minute) // what was put off is tried again
		if news := changed(before, s.leeds.state()); news != "" {
			t.Errorf("something took effect later:\n%s", news)
		}
	})
}

// An address that leads to nothing is asked for once, whoever names it.
func TestWhatIsNotThereIsNotAskedForAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.n.forget()
		none := "https://third.example/none"
		for i, typ := range []string{"Create", "Update"} {
			made := s.carol.page("p", s.seeds.URI, "x")
			if got := s.eve.say(s.leeds, s.eve.act(typ, fmt.Sprint(i), made.with(obj{"id": none}))); got != 202 {
				t.Errorf("%s is answered %d", typ, got)
			}
			time.Sleep(24 * time.Hour)
		}
		asked := 0
		for _, request := range s.n.requests("third.example") {
			if strings.HasSuffix(request, none) {
				asked++
			}
		}
		if asked != 1 { // nothing is known of what the Update changes
			t.Errorf("it was asked for %d times, want once", asked)
		}
	})
}

// What a community passes on in the name of somebody elsewhere reads as their
// own server has it, if it has it.
func TestWhatIsPassedOnReadsAsItsAuthorWroteIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.third.serve(s.bob.page("true", s.trees.uri, "What Bob wrote"))
		announce := func(made obj) {
			t.Helper()
			if got := s.trees.say(s.leeds, s.trees.announces(s.bob.act("Create", made["id"].(string)[8:], made))); got != 202 {
				t.Errorf("answered %d", got)
			}
			synctest.Wait()
		}
		announce(s.bob.page("true", s.trees.uri, "What Bob is made to say"))
		if o := s.leeds.object(s.bob.uri + "/page/true"); o == nil || o.Title != "What Bob wrote" || strings.Contains(o.HTML, "made to say") {
			t.Errorf("Leeds has %+v, want what Bob wrote", o)
		}

		// Somebody else's page under that address; the reason is kept.
		s.third.serve(s.bob.page("carols", s.trees.uri, "x").with(obj{"attributedTo": s.carol.uri}))
		announce(s.bob.page("carols", s.trees.uri, "x"))
		// His server is down: it waits, and is taken when it is back.
		s.n.answer("third.example", refused)
		announce(s.bob.page("later", s.trees.uri, "Later"))
		if o := s.leeds.object(s.bob.uri + "/page/later"); o != nil {
			t.Error("what nobody could confirm was taken")
		}
		s.third.serve(s.bob.page("later", s.trees.uri, "Later"))
		s.n.answer("third.example", nil)
		time.Sleep(time.Minute)
		if o := s.leeds.object(s.bob.uri + "/page/later"); o == nil {
			t.Error("what was confirmed later was not taken")
		}
		if o := s.leeds.object(s.bob.uri + "/page/carols"); o != nil {
			t.Errorf("what Carol made is Bob's: %+v", o)
		}

		// A change and a deletion count once they are true where it lives.
		uri := s.bob.uri + "/page/true"
		s.third.serve(s.bob.page("true", s.trees.uri, "What Bob wrote since").with(obj{"updated": time.Now().UTC().Format(time.RFC3339)}))
		s.trees.say(s.leeds, s.trees.announces(s.bob.act("Update", "1", s.bob.page("true", s.trees.uri, "x"))))
		synctest.Wait()
		if o := s.leeds.object(uri); o.Title != "What Bob wrote since" {
			t.Errorf("Leeds has %q", o.Title)
		}
		s.third.serve(obj{"id": uri, "type": "Tombstone"})
		s.trees.say(s.leeds, s.trees.announces(s.bob.act("Delete", "1", uri)))
		synctest.Wait()
		if o := s.leeds.object(uri); o.Deleted.IsZero() || o.Removed {
			t.Errorf("deleted %v, removed %v; want deleted by its author", !o.Deleted.IsZero(), o.Removed)
		}
	})
}

// A community rules its own space: what it removes is removed, as its own act,
// whoever it says has asked for it.
func TestARemovalIsTheCommunitysAct(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		ash := s.says(s.trees, s.bob, s.bob.page("ash", s.trees.uri, "Ash"))
		nobody := s.n.peer(t, "fourth.example").actor("Person", "/u/dan")
		s.n.forget()
		act := nobody.act("Delete", "1", ash.URI).with(obj{"summary": "off topic"})
		if got := s.trees.say(s.leeds, s.trees.announces(act)); got != 202 {
			t.Errorf("answered %d", got)
		}
		synctest.Wait()
		if o := s.leeds.object(ash.URI); o.Deleted.IsZero() || !o.Removed {
			t.Errorf("deleted %v, removed %v; want both", !o.Deleted.IsZero(), o.Removed)
		}
		for _, host := range []string{"third.example", "fourth.example"} {
			if asked := s.n.requests(host); len(asked) > 0 {
				t.Errorf("%s was asked %q", host, asked)
			}
		}
		if log := s.leeds.state(); !strings.Contains(log, "Delete by "+s.trees.uri) || strings.Contains(log, "by "+nobody.uri) {
			t.Errorf("the log names somebody unproved:\n%s", log)
		}
	})
}

// Whoever says that something is deleted that has not arrived keeps it out only
// if it is theirs.
func TestAStrangersDeleteKeepsNothingOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		mine := s.bob.page("1", s.seeds.URI, "Mine")
		for i, by := range []*voice{s.carol, s.eve} {
			by.say(s.leeds, by.act("Delete", string(rune('1'+i)), mine["id"]))
			synctest.Wait()
		}
		s.weeds.say(s.leeds, s.weeds.announces(s.eve.act("Delete", "3", mine["id"]).with(obj{"summary": "spam"})))
		synctest.Wait()
		s.bob.say(s.leeds, s.bob.act("Create", "1", mine))
		synctest.Wait()
		if s.leeds.object(s.bob.uri+"/page/1") == nil {
			t.Error("strangers kept out what Bob wrote")
		}
		// Nor does what they say they take back, under the name of what is to come.
		next := s.bob.act("Create", "next", s.bob.page("next", s.seeds.URI, "Next"))
		s.eve.say(s.leeds, s.eve.act("Undo", "5", obj{"id": next["id"], "type": "Follow", "actor": s.eve.uri, "object": s.seeds.URI}))
		synctest.Wait()
		s.bob.say(s.leeds, next)
		if s.leeds.object(s.bob.uri+"/page/next") == nil {
			t.Error("a stranger kept out what Bob wrote next")
		}
		// The community that removed it before it came does keep it out.
		theirs := s.bob.page("2", s.trees.uri, "Theirs")
		s.third.serve(theirs)
		s.trees.say(s.leeds, s.trees.announces(s.carol.act("Delete", "4", theirs["id"]).with(obj{"summary": "spam"})))
		s.trees.say(s.leeds, s.trees.announces(s.bob.act("Create", "2", theirs)))
		synctest.Wait()
		if o := s.leeds.object(s.bob.uri + "/page/2"); o == nil || o.Deleted.IsZero() || o.Title != "" {
			t.Error("what its community has removed came in")
		}
	})
}

// A server says who its own people are, and nobody else's.
func TestOnlyTheirOwnServerSaysWhoPeopleAre(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		moved := s.n.peer(t, "elsewhere.example").actor("Person", "/u/moved")
		as := func(typ string, doc obj) func(*voice, string) {
			return func(v *voice, path string) { s.evil.serveAt(path, document{200, typ, "", v.doc.with(doc).json()}) }
		}
		key := func(path string, doc func(v *voice) obj) func(*voice, string) {
			return func(v *voice, _ string) {
				v.key.ID = "https://evil.example" + path
				made := obj{"id": v.key.ID, "owner": v.uri, "publicKeyPem": v.doc["publicKey"].(obj)["publicKeyPem"]}
				s.evil.serveAt(path, document{200, ap.ActivityJSON, "", made.with(doc(v)).json()})
			}
		}
		for i, c := range []struct {
			name   string
			change func(v *voice, path string)
			want   bool
		}{
			{"as they are", func(*voice, string) {}, true},
			{"035 in capitals", as("Application/Activity+JSON; charset=UTF-8", nil), true},
			{"035 as JSON-LD of the profile", as(ap.LDJSON, nil), true},
			{"a key of its own (GoToSocial)", func(v *voice, path string) {
				pem := v.doc["publicKey"].(obj)["publicKeyPem"]
				v.key.ID = v.uri + "/main-key"
				named := obj{"id": v.key.ID, "owner": v.uri, "publicKeyPem": pem}
				s.evil.serve(v.doc.with(obj{"publicKey": named}))
				s.evil.serve(named)
			}, true},
			{"036 at another address of its server", func(v *voice, path string) {
				s.evil.serveAt(path, document{302, "", "https://evil.example" + path + "/there", nil})
				s.evil.serveAt(path+"/there", document{200, ap.ActivityJSON, "", v.doc.json()})
			}, true},

			{"016 with the key of another", func(v *voice, _ string) { v.key.ID = s.bob.key.ID }, false},
			{"017 a key that claims to be another's", key("/keys/1", func(*voice) obj { return obj{"owner": s.bob.uri} }), false},
			{"018 a key that its owner does not name", key("/keys/2", func(*voice) obj { return nil }), false},
			{"019 a key with another name", key("/keys/3", func(v *voice) obj { return obj{"id": v.uri + "#main-key"} }), false},
			{"025 a key that leads in a circle", func(v *voice, _ string) {
				s.evil.serveAt("/loop", document{301, "", "/loop", nil})
				v.key.ID = "https://evil.example/loop"
			}, false},
			{"025 nobody", func(v *voice, _ string) { s.evil.forget(v.uri) }, false},
			{"033 somebody who calls themselves another", func(v *voice, path string) {
				mine := v.doc["publicKey"].(obj)["publicKeyPem"]
				as(ap.ActivityJSON, s.bob.doc.with(obj{"publicKey": obj{"id": s.bob.key.ID, "owner": s.bob.uri, "publicKeyPem": mine}}))(v, path)
			}, false},
			{"034 without an id", as(ap.ActivityJSON, obj{"id": nil}), false},
			{"034 with two ids", as(ap.ActivityJSON, obj{"id": []string{"https://evil.example/u/1", "https://evil.example/u/2"}}), false},
			{"035 as a page", as("text/html", nil), false},
			{"035 as any JSON", as("application/json", nil), false},
			{"035 as any JSON-LD", as("application/ld+json", nil), false},
			{"035 as anything", as("application/octet-stream", nil), false},
			{"036 at another server", func(_ *voice, path string) { s.evil.serveAt(path, document{302, "", moved.uri, nil}) }, false},
			{"055 one of ours", as(ap.ActivityJSON, obj{"id": s.ann.URI, "inbox": s.ann.URI + "/inbox"}), false},
			{"an inbox at another server", as(ap.ActivityJSON, obj{"inbox": "https://third.example/inbox"}), false},
			{"a name that holds an address", as(ap.ActivityJSON, obj{"preferredUsername": "joan@harlow.example"}), false},
			{"a thing", as(ap.ActivityJSON, obj{"type": "Page"}), false},
			{"023 half a key", func(v *voice, path string) {
				as(ap.ActivityJSON, obj{"publicKey": obj{"id": v.key.ID, "owner": v.uri, "publicKeyPem": "-----BEGIN PUBLIC KEY-----"}})(v, path)
			}, false},
		} {
			path := fmt.Sprintf("/u/eve%d", i)
			v := s.evil.actor("Person", path)
			c.change(v, path)
			s.n.forget()
			if got := v.say(s.leeds, v.act("Follow", "1", s.seeds.URI)); got != 202 && got != 401 {
				t.Errorf("%s: answered %d", c.name, got)
			}
			time.Sleep(20 * time.Second) // it is tried again
			in := false
			if a := s.leeds.actorByURI(v.uri); a != nil {
				in = s.leeds.membership(&s.seeds.Actor, a).State == copse.Active
			}
			if in != c.want {
				t.Errorf("%s: in %v, want %v", c.name, in, c.want)
			}
			for _, host := range []string{"elsewhere.example", "third.example"} {
				for _, asked := range s.n.requests(host) {
					if strings.HasPrefix(asked, "GET ") {
						t.Errorf("%s: another server was asked: %s", c.name, asked)
					}
				}
			}
		}
		if bob := s.leeds.actorByURI(s.bob.uri); bob.KeyID != s.bob.key.ID || bob.PublicKey != s.bob.doc["publicKey"].(obj)["publicKeyPem"] {
			t.Error("Bob's key has changed")
		}

		// Bob turns into a community: he stays who he was.
		s.third.serve(s.bob.doc.with(obj{"type": "Group", "name": "Bob's"}))
		s.bob.say(s.leeds, s.bob.act("Update", "1", s.bob.uri))
		time.Sleep(time.Minute)
		if bob := s.leeds.actorByURI(s.bob.uri); bob.Type != copse.Person || bob.Title == "Bob's" {
			t.Errorf("Bob is a %s called %s", bob.Type, bob.Title)
		}
	})
}

// Opening a community opens nothing that was said before, here or elsewhere.
func TestWhatWasSaidForMembersStaysWithThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		closed := s.trees.doc.with(obj{"manuallyApprovesFollowers": true})
		s.home.serve(closed)
		s.trees.say(s.leeds, s.trees.act("Update", "1", closed))
		synctest.Wait()
		ash := s.says(s.trees, s.bob, s.bob.page("ash", s.trees.uri, "Ash").with(obj{"to": []string{s.trees.uri, s.trees.uri + "/followers"}}))
		s.home.serve(s.trees.doc)
		s.trees.say(s.leeds, s.trees.act("Update", "2", s.trees.doc))
		synctest.Wait()
		oak := s.says(s.trees, s.bob, s.bob.page("oak", s.trees.uri, "Oak"))
		answer := s.says(s.trees, s.carol, s.carol.note("1", s.trees.uri, ash.URI, "Yes"))
		for _, c := range []struct {
			o    *copse.Object
			want copse.Audience
		}{{ash, copse.Members}, {oak, copse.Public}, {answer, copse.Members}} {
			if got := s.leeds.object(c.o.URI).Audience; got != c.want {
				t.Errorf("%s is for %s, want %s", c.o.URI, got, c.want)
			}
		}
	})
}

// What a community says before it has let somebody in is not shown to them.
func TestWaitingPeopleSeeNothingForMembers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		slow := s.home.actor("Group", "/c/slow")
		slow.doc["manuallyApprovesFollowers"] = true
		s.home.serve(slow.doc)
		there := s.leeds.find(slow.uri)
		s.leeds.join(s.ann, there)
		synctest.Wait()
		page := s.mod.page("1", slow.uri, "Secret").with(obj{"to": []string{slow.uri, slow.uri + "/followers"}})
		if got := slow.say(s.leeds, slow.announces(s.mod.act("Create", "1", page))); got != 202 {
			t.Errorf("answered %d", got)
		}
		synctest.Wait()
		s.leeds.view(func(tx *store.Tx) error {
			if _, err := tx.PostByURI(copse.Viewer{Actor: s.ann.ID}, s.mod.uri+"/page/1"); copse.CodeOf(err) != copse.CodeNotFound {
				t.Errorf("Ann is shown it: %v", err)
			}
			return nil
		})
	})
}

// What people at a blocked server do is not taken from a community either that
// still passes it on (AS-063).
func TestNobodyBlockedComesInByWayOfAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		ash := s.says(s.trees, s.mod, s.mod.page("ash", s.trees.uri, "Ash"))
		s.leeds.fed.Block = []string{"third.example"}
		s.n.forget()
		before := s.leeds.state()
		oak := s.bob.page("oak", s.trees.uri, "Oak")
		s.third.serve(oak)
		for i, act := range []obj{
			s.bob.act("Like", "1", ash.URI), s.bob.act("Create", "2", oak),
			s.bob.act("Create", "3", s.bob.note("3", s.trees.uri, ash.URI, "x")), s.third.actor("Person", "/u/new").act("Like", "4", ash.URI),
		} {
			if got := s.trees.say(s.leeds, s.trees.announces(act)); got != 403 {
				t.Errorf("number %d is answered %d, want 403", i, got)
			}
			synctest.Wait()
		}
		if news := changed(before, s.leeds.state()); news != "" {
			t.Errorf("it took effect:\n%s", news)
		}
		if asked := s.n.requests("third.example"); len(asked) > 0 {
			t.Errorf("it was asked %q", asked)
		}
	})
}

// The first to join a community elsewhere finds what was said there lately, but
// not without end, and nobody makes us read it who was not asked.
func TestJoiningReadsWhatWasSaidLately(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		old := s.home.actor("Group", "/c/old")
		var items []obj
		for i := range 300 { // the newest first
			items = append(items, old.announces(s.mod.act("Create", fmt.Sprint(i), s.mod.page(fmt.Sprint(i), old.uri, fmt.Sprint("topic ", i)))))
		}
		s.home.serve(obj{"id": old.uri + "/outbox", "type": "OrderedCollection", "totalItems": 300, "orderedItems": items})
		there := s.leeds.find(old.uri)
		s.n.forget()
		old.say(s.leeds, old.act("Accept", "1", obj{"id": s.ann.URI + "/1", "type": "Follow", "actor": s.ann.URI, "object": old.uri}))
		synctest.Wait()
		if asked := s.n.requests("home.example"); len(asked) > 0 {
			t.Errorf("for letting in somebody who never asked it was asked %q", asked)
		}
		s.joins(old)
		time.Sleep(time.Minute)
		for i, want := range map[int]bool{0: true, 199: true, 200: false, 299: false} {
			if got := s.leeds.object(s.mod.uri+"/page/"+fmt.Sprint(i)) != nil; got != want {
				t.Errorf("topic %d is there %v, want %v", i, got, want)
			}
		}
		s.leeds.view(func(tx *store.Tx) error {
			posts, err := tx.Newest(copse.Viewer{Actor: s.ann.ID}, there.ID, "topic", 0, 1000)
			if err == nil && len(posts) != 200 {
				t.Errorf("there are %d topics, want 200", len(posts))
			}
			return err
		})
	})
}
