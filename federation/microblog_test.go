package federation_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"copse/copse"
	"copse/federation/ap"
	"copse/store"
)

// told returns what a peer was posted, in short: who does what to what.
func (p *peer) told() (all []string) {
	for _, act := range p.received() {
		all = append(all, short(act))
	}
	return all
}

func short(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case obj:
		return short(map[string]any(v))
	case map[string]any:
		if v["object"] == nil {
			return fmt.Sprint(v["type"])
		}
		return fmt.Sprint(v["type"], " ", short(v["object"]))
	}
	return fmt.Sprint(v)
}

// A microblog is shown each new conversation once, by its address, and told when
// it is gone; it gets no replies, marks or changes. Peers that follow communities
// get everything.
func TestMicroblogsAreShownConversationsAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, "harlow.example")
		harlow := n.towns["harlow.example"]
		ann := harlow.person("ann")
		trees := harlow.community(ann, "trees", copse.JoinOpen, copse.Public)
		toots, forum := n.peer(t, "toots.example"), n.peer(t, "forum.example")
		toots.is("mastodon")
		bob, carol := toots.actor("Person", "/users/bob"), forum.actor("Person", "/u/carol")
		bob.member(harlow, trees)
		carol.member(harlow, trees)

		topic := harlow.post(ann, &trees.Actor, "Ash", "<p>Sick?</p>")
		answer := harlow.answer(ann, topic, "<p>Yes</p>")
		if err := harlow.hub.Like(t.Context(), ann, answer, true); err != nil {
			t.Fatal(err)
		}
		edited := *harlow.object(topic.URI)
		edited.Title = "Ash dieback"
		if err := harlow.hub.Edit(t.Context(), ann, &edited); err != nil {
			t.Fatal(err)
		}
		harlow.view(func(tx *store.Tx) (err error) {
			trees, err = tx.Community(trees.ID)
			return err
		})
		trees.Summary = "<p>All of them</p>"
		if err := harlow.hub.Govern(t.Context(), ann, trees); err != nil {
			t.Fatal(err)
		}
		theirs := bob.page("oak", trees.URI, "Oak")
		if got := bob.say(harlow, bob.act("Create", "oak", theirs)); got != http.StatusAccepted {
			t.Errorf("what Bob starts is answered %d", got)
		}
		reply := bob.note("1", trees.URI, topic.URI, "No")
		if got := bob.say(harlow, bob.act("Create", "1", reply)); got != http.StatusAccepted {
			t.Errorf("what Bob answers is answered %d", got)
		}
		time.Sleep(time.Minute)
		if err := harlow.hub.Remove(t.Context(), ann, harlow.object(topic.URI), ""); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)

		want := []string{
			"Accept Follow " + trees.URI, "Announce " + topic.URI, "Update Group", "Announce " + bob.uri + "/page/oak",
			"Undo Announce " + topic.URI,
		}
		if got := toots.told(); !slices.Equal(got, want) {
			t.Fatalf("the microblog was told\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		want = []string{
			"Accept Follow " + trees.URI, "Announce Create Page", "Announce Create Note", "Announce Like " + answer.URI,
			"Announce Update Page", "Announce Create Page", "Announce Create Note", "Announce Delete " + topic.URI,
		}
		got := slices.DeleteFunc(forum.told(), func(s string) bool { return s == "Announce Update Group" }) // that another council is in, too
		if !slices.Equal(got, want) {
			t.Errorf("the forum was told\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}

		boosts := slices.DeleteFunc(toots.received(), func(o obj) bool { return o["type"] != "Announce" })
		for _, boost := range boosts {
			if to := fmt.Sprint(boost["to"], boost["cc"]); to != "["+ap.Public+"] ["+trees.URI+"/followers]" {
				t.Errorf("it is for %s", to)
			}
		}
		if undone := toots.received()[4]["object"].(map[string]any); undone["id"] != boosts[0]["id"] {
			t.Errorf("%v is taken back, want %v", undone["id"], boosts[0]["id"])
		}
		for uri, want := range map[string]int{fmt.Sprint(boosts[1]["id"]): 200, fmt.Sprint(boosts[0]["id"]): 410, fmt.Sprint(toots.received()[4]["id"]): 200} {
			if got := harlow.get(strings.TrimPrefix(uri, "https://harlow.example")).Code; got != want {
				t.Errorf("%s is answered %d, want %d", uri, got, want)
			}
		}
	})
}

// Somebody who has left and deletes what they started hears that it is no longer
// shared.
func TestAnAuthorWhoLeftHearsThatItIsNoLongerShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, "harlow.example")
		harlow := n.towns["harlow.example"]
		trees := harlow.community(harlow.person("ann"), "trees", copse.JoinOpen, copse.Public)
		toots := n.peer(t, "toots.example")
		toots.is("gotosocial")
		bob := toots.actor("Person", "/users/bob")
		bob.member(harlow, trees)
		bob.say(harlow, bob.act("Create", "oak", bob.page("oak", trees.URI, "Oak")))
		synctest.Wait()
		bob.say(harlow, bob.act("Undo", "leave", bob.act("Follow", "join-trees", trees.URI)))
		synctest.Wait()
		if got := bob.say(harlow, bob.act("Delete", "oak", bob.uri+"/page/oak")); got != http.StatusAccepted {
			t.Errorf("deleting it is answered %d", got)
		}
		synctest.Wait()
		want := []string{"Accept Follow " + trees.URI, "Announce " + bob.uri + "/page/oak", "Undo Announce " + bob.uri + "/page/oak"}
		if got := toots.told(); !slices.Equal(got, want) {
			t.Errorf("it was told %q, want %q", got, want)
		}
	})
}

// What is for members never reaches a microblog: nobody there is let in, it is no
// follower for others who ask, and one that has become a microblog gets nothing
// more and may read nothing more.
func TestNothingForMembersReachesAMicroblog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, "harlow.example")
		harlow := n.towns["harlow.example"]
		ann := harlow.person("ann")
		board := harlow.community(ann, "board", copse.JoinOpen, copse.Members)
		toots, forum := n.peer(t, "toots.example"), n.peer(t, "forum.example")
		toots.is("misskey")
		bob, carol := toots.actor("Person", "/users/bob"), forum.actor("Person", "/u/carol")
		if got := bob.say(harlow, bob.act("Follow", "1", board.URI)); got != http.StatusAccepted {
			t.Errorf("asking to join is answered %d", got)
		}
		carol.member(harlow, board)
		first := harlow.post(ann, &board.Actor, "Budget", "<p>Less</p>")
		synctest.Wait()
		if got, want := toots.told(), []string{"Reject Follow " + board.URI}; !slices.Equal(got, want) {
			t.Errorf("the microblog was told %q, want %q", got, want)
		}
		path := strings.TrimPrefix(first.URI, "https://harlow.example")
		if got := carol.get(harlow, path).Code; got != http.StatusOK {
			t.Errorf("the forum reads it with %d", got)
		}
		followed := "/c/board/followers?is_follower=" + carol.uri
		if got := carol.get(harlow, followed).Code; got != http.StatusOK {
			t.Errorf("whether it follows is answered %d", got)
		}

		// The forum turns into a microblog under the same name.
		forum.is("mastodon")
		time.Sleep(25 * time.Hour)
		carol.say(harlow, carol.act("Update", "1", carol.uri)) // has it looked at again
		synctest.Wait()
		before := len(forum.told())
		second := harlow.post(ann, &board.Actor, "Still less", "<p>Secret</p>")
		if err := harlow.hub.Remove(t.Context(), ann, harlow.object(first.URI), ""); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if got := forum.told()[before:]; len(got) > 0 {
			t.Errorf("it was told %q", got)
		}
		for _, path := range []string{path, strings.TrimPrefix(second.URI, "https://harlow.example"), followed} {
			if got := carol.get(harlow, path).Code; got != http.StatusNotFound {
				t.Errorf("%s is answered %d, want 404", path, got)
			}
		}
	})
}

// A peer that turns out to be another sort goes on as that, without what it has
// had before.
func TestAPeerThatChangesIsToldAnewOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, "harlow.example")
		harlow := n.towns["harlow.example"]
		ann := harlow.person("ann")
		trees := harlow.community(ann, "trees", copse.JoinOpen, copse.Public)
		site := n.peer(t, "site.example")
		site.is("wordpress")
		bob := site.actor("Person", "/bob")
		bob.member(harlow, trees)
		harlow.post(ann, &trees.Actor, "One", "<p>1</p>")
		synctest.Wait()
		site.is("wordpress", "fep-1b12")
		time.Sleep(25 * time.Hour)
		bob.say(harlow, bob.act("Update", "1", bob.uri))
		synctest.Wait()
		harlow.post(ann, &trees.Actor, "Two", "<p>2</p>")
		synctest.Wait()
		got := site.told()
		if len(got) != 3 || !strings.HasPrefix(got[1], "Announce https://harlow.example/post/") || got[2] != "Announce Create Page" {
			t.Errorf("it was told %q", got)
		}
	})
}

// Nobody is let in from a server of which it is not known what it is, because it
// does not answer: they wait until it does.
func TestTheFirstToJoinWaitsUntilTheirServerIsKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, "harlow.example")
		harlow := n.towns["harlow.example"]
		trees := harlow.community(harlow.person("ann"), "trees", copse.JoinOpen, copse.Public)
		forum := n.peer(t, "forum.example")
		carol := forum.actor("Person", "/u/carol")
		n.answer("forum.example", func(r *http.Request) (*http.Response, error) {
			if strings.Contains(r.URL.Path, "nodeinfo") {
				return refused(r)
			}
			return nil, nil
		})
		carol.say(harlow, carol.act("Follow", "1", trees.URI))
		time.Sleep(2 * time.Second)
		if got := forum.told(); len(got) > 0 {
			t.Errorf("it was told %q", got)
		}
		n.answer("forum.example", nil)
		time.Sleep(10 * time.Minute)
		if got, want := forum.told(), "Accept Follow "+trees.URI; !slices.Contains(got, want) {
			t.Errorf("it was told %q, want %q", got, want)
		}
		harlow.view(func(tx *store.Tx) error {
			p, err := tx.Peer("forum.example")
			if err == nil && p.Profile != copse.GroupAware {
				t.Errorf("it is taken for %q", p.Profile)
			}
			return err
		})
	})
}

// What an actor's own document says its server implements counts as well
// (FEP-844e), and a server without NodeInfo is a microblog.
func TestAServerIsWhatItsActorsSayItImplements(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, "harlow.example")
		harlow := n.towns["harlow.example"]
		trees := harlow.community(harlow.person("ann"), "trees", copse.JoinOpen, copse.Public)
		for host, c := range map[string]struct {
			doc  obj
			want copse.Profile
		}{
			"none.example": {nil, copse.Microblog},
			"generator.example": {obj{"generator": obj{"type": "Application", "implements": []obj{
				{"href": "https://w3id.org/fep/1b12", "name": "FEP-1b12"}}}}, copse.GroupAware},
			"both.example":  {obj{"implements": []string{"https://w3id.org/fep/1b12", "https://w3id.org/fep/1a11"}}, copse.Batches},
			"other.example": {obj{"generator": "https://w3id.org.example/fep/11b12"}, copse.Microblog},
		} {
			p := n.peer(t, host)
			p.forget("https://" + host + "/.well-known/nodeinfo")
			v := p.actor("Person", "/u/eve")
			p.serve(v.doc.with(c.doc))
			v.member(harlow, trees)
			harlow.view(func(tx *store.Tx) error {
				p, err := tx.Peer(host)
				if err == nil && p.Profile != c.want {
					t.Errorf("%s is taken for %q, want %q", host, p.Profile, c.want)
				}
				return err
			})
		}
	})
}
