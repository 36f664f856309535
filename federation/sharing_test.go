package federation_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"copse/copse"
	"copse/federation/ap"
	"copse/store"
)

// To other servers a community for people here alone is not there: whatever they
// ask or send, the answer is the one they get about nothing at all.
func TestACommunityForPeopleHereIsNotThereForOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, "harlow.example")
		harlow := n.towns["harlow.example"]
		joan := harlow.person("joan")
		open := harlow.community(joan, "open", copse.JoinOpen, copse.Public)
		bob := n.peer(t, "third.example").actor("Person", "/u/bob")
		bob.member(harlow, open)
		ours := &copse.Community{
			Actor: copse.Actor{Name: "ours", Title: "Ours"}, Join: copse.JoinOpen, Audience: copse.Public, Posting: copse.Member, Sharing: copse.SharedHere,
		}
		if err := harlow.hub.Found(t.Context(), joan, ours); err != nil {
			t.Fatal(err)
		}
		topic := harlow.post(joan, &ours.Actor, "canarytitle", "<p>canarytext")
		path := strings.TrimPrefix(topic.URI, "https://harlow.example")
		nothing := func(path string) string {
			return strings.NewReplacer("ours", "elms", path, "/post/1").Replace(path)
		}
		for _, path := range []string{
			"/c/ours", "/c/ours/outbox", "/c/ours/followers", "/c/ours/moderators", "/c/ours/featured", "/c/ours/log",
			"/c/ours/followers?is_follower=" + bob.uri, path, path + "/context", path + "/replies",
			"/.well-known/webfinger?resource=acct:ours@harlow.example", "/.well-known/webfinger?resource=https://harlow.example/c/ours",
		} {
			for _, who := range []*voice{bob, nil} {
				got := harlow.ask(who, http.MethodGet, path, ap.ActivityJSON)
				none := harlow.ask(who, http.MethodGet, nothing(path), ap.ActivityJSON)
				if got.Code != http.StatusNotFound || got.Body.String() != none.Body.String() {
					t.Errorf("GET %s is answered %d %s, about nothing %d %s", path, got.Code, got.Body, none.Code, none.Body)
				}
			}
		}
		before := harlow.state()
		elms := "https://harlow.example/c/elms"
		for what, act := range map[string]func(community, object string) obj{
			"a Follow": func(community, _ string) obj { return bob.act("Follow", "f-"+community, community) },
			"a Create": func(community, object string) obj {
				made := bob.page("p-"+strings.TrimPrefix(community, "https://"), community, "Hello")
				bob.peer.serve(made)
				return bob.act("Create", "c-"+community, made)
			},
			"an answer": func(community, object string) obj {
				made := bob.note("n-"+strings.TrimPrefix(community, "https://"), community, object, "Hello")
				bob.peer.serve(made)
				return bob.act("Create", "n-"+community, made)
			},
			"a Like":   func(_, object string) obj { return bob.act("Like", "l-"+object, object) },
			"a Delete": func(_, object string) obj { return bob.act("Delete", "d-"+object, object) },
		} {
			got, none := bob.say(harlow, act(ours.URI, topic.URI)), bob.say(harlow, act(elms, "https://harlow.example/post/1"))
			if got != none {
				t.Errorf("%s is answered %d, about nothing %d", what, got, none)
			}
		}
		synctest.Wait()
		time.Sleep(time.Minute)
		if got := changed(before, harlow.state()); got != "" {
			t.Errorf("that had an effect:\n%s", got)
		}
	})
}

// A community that is shared with some councils lets nobody else in, and when one
// is struck off the list its people are turned out and get nothing more.
func TestACommunityIsSharedWithTheCouncilsItNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, "harlow.example", "wigan.example", "leeds.example", "evil.example")
		harlow, wigan, leeds, evil := n.towns["harlow.example"], n.towns["wigan.example"], n.towns["leeds.example"], n.towns["evil.example"]
		joan, rosa, ann, eve := harlow.person("joan"), wigan.person("rosa"), leeds.person("ann"), evil.person("eve")
		named := &copse.Community{
			Actor: copse.Actor{Name: "named", Title: "Named"}, Join: copse.JoinOpen, Audience: copse.Members, Posting: copse.Member,
			Sharing: copse.SharedNamed, Named: []string{"wigan.example", "leeds.example"},
		}
		if err := harlow.hub.Found(t.Context(), joan, named); err != nil {
			t.Fatal(err)
		}
		for _, at := range []struct {
			town *town
			who  *copse.Actor
			want copse.State
		}{{wigan, rosa, copse.Active}, {leeds, ann, copse.Active}, {evil, eve, copse.Declined}} {
			there := at.town.find(named.URI)
			at.town.join(at.who, there)
			n.settle(t)
			if got := at.town.membership(there, at.who).State; got != at.want {
				t.Errorf("%s is %q at home, want %q", at.who.URI, got, at.want)
			}
		}
		// To ask again does not lift a ban.
		stranger := harlow.actorByURI(eve.URI)
		err := harlow.db.Update(t.Context(), func(tx *store.Tx) error {
			return tx.SetMembership(&copse.Membership{Community: named.ID, Actor: stranger.ID, State: copse.Blocked, Since: tx.Now})
		})
		if err != nil {
			t.Fatal(err)
		}
		evil.join(eve, evil.find(named.URI))
		n.settle(t)
		if got := harlow.membership(&named.Actor, stranger).State; got != copse.Blocked {
			t.Errorf("who was blocked asks again and is %q", got)
		}
		shared := harlow.post(joan, &named.Actor, "Shared", "<p>with both")
		n.settle(t)

		var c *copse.Community
		harlow.view(func(tx *store.Tx) (err error) {
			c, err = tx.Community(named.ID)
			return err
		})
		c.Named = []string{"wigan.example"}
		if err := harlow.hub.Govern(t.Context(), joan, c); err != nil {
			t.Fatal(err)
		}
		n.settle(t)
		if got := leeds.membership(leeds.find(named.URI), ann).State; got != copse.Declined {
			t.Errorf("Ann is %q at Leeds, which has been struck off", got)
		}
		n.forget()
		later := harlow.post(joan, &named.Actor, "Later", "<p>with one")
		n.settle(t)
		if wigan.object(later.URI) == nil || leeds.object(later.URI) != nil || evil.object(shared.URI) != nil {
			t.Error("what was said reached other councils than those it was for")
		}
		if got := n.requests("leeds.example"); len(got) != 0 {
			t.Errorf("Leeds was sent %q", got)
		}
		if _, err := leeds.fed.Find(t.Context(), later.URI); err == nil {
			t.Error("Leeds can read what was said since")
		}
		if got := harlow.object(later.URI); got == nil {
			t.Error("it is not at home")
		}
	})
}
