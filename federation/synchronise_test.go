package federation_test

import (
	"encoding/json"
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

// rolled returns how often a host was asked who is in a community.
func (n *network) rolled(host string) int {
	return len(slices.DeleteFunc(n.requests(host), func(got string) bool { return !strings.Contains(got, "/followers_synchronization") }))
}

// differ has a town, and nobody else, take somebody to stand to a community otherwise.
func (w *town) differ(community, who *copse.Actor, state copse.State) {
	w.t.Helper()
	err := w.db.Update(w.t.Context(), func(tx *store.Tx) error {
		m := &copse.Membership{Community: community.ID, Actor: who.ID, State: state, Since: tx.Now}
		if state == copse.Active {
			m.Role = copse.Member
		}
		return tx.SetMembership(m)
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// Two councils that differ about who is in a members-only community find out when
// something is said there: whom its home does not know asks again, and whom their own
// council does not know is in it no more.
func TestCouncilsAgreeWhoIsAMember(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, "harlow.example", "wigan.example")
		harlow, wigan := n.towns["harlow.example"], n.towns["wigan.example"]
		joan, rosa, martin, zoe := harlow.person("joan"), wigan.person("rosa"), wigan.person("martin"), wigan.person("zoe")
		open := harlow.community(joan, "open", copse.JoinOpen, copse.Members)
		asking := harlow.community(joan, "asking", copse.JoinApproval, copse.Members)
		public := harlow.community(joan, "public", copse.JoinOpen, copse.Public)
		for _, c := range []*copse.Community{open, asking, public} {
			for _, p := range []*copse.Actor{rosa, martin} {
				wigan.join(p, wigan.find(c.URI))
				n.settle(t)
				if c == asking {
					if err := harlow.hub.Decide(t.Context(), joan, c, harlow.actorByURI(p.URI), true, ""); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		harlow.find(zoe.URI)
		n.settle(t)
		say := func(what string) {
			t.Helper()
			for _, c := range []*copse.Community{open, asking, public} {
				harlow.post(joan, &c.Actor, what, "<p>Hello")
			}
			n.settle(t)
			time.Sleep(2 * time.Minute)
			n.settle(t)
		}
		say("Where all agree")
		if got := n.rolled("harlow.example"); got != 0 {
			t.Errorf("where all agree, Wigan asks %d times who is in it", got)
		}

		for _, c := range []*copse.Community{open, asking, public} {
			harlow.differ(&c.Actor, harlow.actorByURI(martin.URI), copse.Left)
			harlow.differ(&c.Actor, harlow.actorByURI(zoe.URI), copse.Active)
		}
		say("Where they do not")
		at := func(w *town, c *copse.Community, who *copse.Actor, want copse.State) {
			t.Helper()
			if m := w.membership(w.actorByURI(c.URI), w.actorByURI(who.URI)); m.State != want {
				t.Errorf("at %s, in %s %s is %q, want %q", w.host, c.Name, who.Name, m.State, want)
			}
		}
		for _, w := range []*town{harlow, wigan} {
			at(w, open, rosa, copse.Active)
			at(w, open, martin, copse.Active)
			at(w, asking, martin, copse.Pending) // it is for a facilitator to say
		}
		at(harlow, open, zoe, copse.Left)
		at(harlow, asking, zoe, copse.Left)
		at(harlow, public, zoe, copse.Active) // where nobody looks
		if got := n.rolled("harlow.example"); got != 2 {
			t.Errorf("Wigan asks %d times who is in two communities", got)
		}

		// An hour later they are compared again, and not before.
		harlow.differ(&open.Actor, harlow.actorByURI(martin.URI), copse.Left)
		say("Again")
		at(harlow, open, martin, copse.Left)
		time.Sleep(time.Hour)
		say("And again")
		at(harlow, open, martin, copse.Active)
	})
}

// Who is in a community at a server is for that server to know. What others say of
// it, or what does not fit, has no effect.
func TestARollIsReadWithCare(t *testing.T) {
	text, err := os.ReadFile("testdata/mastodon-synchronisation.json")
	if err != nil {
		t.Fatal(err)
	}
	var mastodon struct {
		Header    string
		Followers []string
	}
	if err := json.Unmarshal(text, &mastodon); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		closed := s.leeds.community(s.ann, "closed", copse.JoinOpen, copse.Members)
		s.bob.member(s.leeds, closed)
		s.carol.member(s.leeds, closed)
		const path = "/c/closed/followers_synchronization"
		if got := s.bob.get(s.leeds, path); got.Code != http.StatusOK || got.Header().Get("Cache-Control") != "private, no-store" ||
			!strings.Contains(got.Body.String(), `"orderedItems":["`+s.bob.uri+`","`+s.carol.uri+`"]`) {
			t.Errorf("Bob's server is answered %d %s", got.Code, got.Body)
		}
		for _, stranger := range []*voice{s.eve, nil} {
			if got := s.leeds.ask(stranger, http.MethodGet, path, "application/activity+json").Code; got != http.StatusNotFound {
				t.Errorf("a stranger is answered %d", got)
			}
		}

		there := s.leeds.actorByURI(s.trees.uri)
		n := 0
		say := func(by *voice, headers ...string) {
			t.Helper()
			n++
			act := by.act("Announce", string(rune('a'+n)), by.act("Like", string(rune('a'+n)), s.trees.uri+"/none"))
			r := by.request("leeds.example", "/inbox", act.json())
			r.Header["Collection-Synchronization"] = headers
			if got := s.leeds.do(r).Code; got != http.StatusAccepted {
				t.Errorf("%q is answered %d", headers, got)
			}
			time.Sleep(2 * time.Minute)
			synctest.Wait()
		}
		header := func(of string) string { return strings.ReplaceAll(mastodon.Header, "FOLLOWERS", of+"/followers") }
		list := func(uris ...string) {
			s.home.serve(obj{"id": s.trees.uri + "/followers_synchronization", "type": "OrderedCollection", "orderedItems": uris})
		}
		list()
		good := header(s.trees.uri)
		s.n.forget()
		say(s.bob, header(s.bob.uri)) // somebody's followers, as Mastodon says it
		for _, headers := range [][]string{
			{"nonsense"}, {""}, {good, good}, {good + ", " + good}, {strings.Replace(good, "c33f", "c3", 1)},
			{header(s.weeds.uri)}, {header(s.mod.uri)}, {strings.Replace(good, `url="https://home`, `url="https://evil`, 1)},
			{strings.Replace(good, "url=", "url2=", 1)},
		} {
			say(s.trees, headers...)
		}
		if got := s.n.rolled("home.example") + s.n.rolled("evil.example") + s.n.rolled("third.example"); got != 0 {
			t.Errorf("what makes no sense made Leeds ask %d times", got)
		}
		say(s.trees, good) // but the list that it leads to is not that
		if got := s.n.rolled("home.example"); got != 1 {
			t.Errorf("Leeds asks %d times", got)
		}
		if m := s.leeds.membership(there, s.ann); m.State != copse.Active {
			t.Errorf("a list that is not what was meant makes Ann %q", m.State)
		}
		time.Sleep(time.Hour)
		list(mastodon.Followers...)
		say(s.trees, good)
		if m := s.leeds.membership(there, s.ann); m.State != copse.Pending {
			t.Errorf("Ann, whom her community does not know, is %q", m.State)
		}
		if all := s.home.received(); all[len(all)-1]["type"] != "Follow" {
			t.Errorf("its home is told %v", all[len(all)-1])
		}
	})
}
