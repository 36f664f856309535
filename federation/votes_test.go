package federation_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"copse/copse"
	"copse/store"
)

// likes returns how many people found helpful what a town has at a URI.
func (w *town) likes(uri string) int {
	w.t.Helper()
	o := w.object(uri)
	if o == nil {
		w.t.Fatalf("%s has nothing at %s", w.host, uri)
	}
	return o.Likes
}

// Marks of every sort count once for each person, by whoever takes them back in
// whatever way it is put.
func TestVotesOfEverySortCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		oak := s.leeds.post(s.ann, &s.seeds.Actor, "Oak", "<p>Where?</p>").URI
		like := func(name string) obj { return s.bob.act("Like", name, oak) }
		for _, c := range []struct {
			name string
			by   *voice
			act  obj
			want int
		}{
			{"a mark", s.bob, like("1"), 1},
			{"again", s.bob, like("2"), 1},
			{"taken back, by the id of the first", s.bob, s.bob.act("Undo", "1", like("1")["id"]), 0},
			{"an emoji (Misskey)", s.bob, like("3").with(obj{"content": "🌳", "_misskey_reaction": "🌳"}), 1},
			{"an emoji (Pleroma)", s.carol, s.carol.act("EmojiReact", "1", oak).with(obj{"content": "🎉"}), 2},
			{"taken back", s.carol, s.carol.act("Undo", "2", s.carol.act("EmojiReact", "1", oak).with(obj{"content": "🎉"})), 1},
			{"another", s.carol, s.carol.act("EmojiReact", "2", oak), 2},
			{"taken back, by its id", s.carol, s.carol.act("Undo", "3", s.carol.uri+"/emojireact/2"), 1},
			{"the contrary takes its place", s.bob, s.bob.act("Dislike", "4", oak), 0},
			{"and the other way round", s.bob, like("5"), 1},
			{"the contrary, once more", s.bob, s.bob.act("Dislike", "6", oak), 0},
			{"taken back: that was no mark", s.bob, s.bob.act("Undo", "4", s.bob.act("Dislike", "6", oak)), 0},
			{"after all", s.bob, like("7"), 1},
			{"something never heard of is taken back, by its id", s.bob, s.bob.act("Undo", "5", s.bob.uri+"/like/none"), 1},
			{"taken back under a name that was made up (Mastodon)", s.bob, obj{
				"id": s.bob.uri + "#likes/9/undo", "type": "Undo", "actor": s.bob.uri, "object": like("x").with(obj{"id": s.bob.uri + "#likes/9"})}, 0},
			{"a mark that has been taken back arrives", s.bob, like("x").with(obj{"id": s.bob.uri + "#likes/9"}), 0},
		} {
			if got := c.by.say(s.leeds, c.act); got != http.StatusAccepted {
				t.Errorf("%s: answered %d", c.name, got)
			}
			synctest.Wait()
			if got := s.leeds.likes(oak); got != c.want {
				t.Errorf("%s: %d marks, want %d", c.name, got, c.want)
			}
		}
		var told []string
		for _, line := range s.third.told() {
			if strings.Contains(line, "like/") || strings.HasSuffix(line, oak) {
				told = append(told, strings.TrimSuffix(strings.TrimPrefix(line, "Announce "), " "+oak))
			}
		}
		want := "Like, Undo " + s.bob.uri + "/like/1, Like, EmojiReact, Undo EmojiReact, EmojiReact, Undo " + s.carol.uri + "/emojireact/2, " +
			"Dislike, Like, Dislike, Undo Dislike, Like, Undo Like"
		if got := strings.Join(told, ", "); !strings.Contains(got, "Dislike, Like, Dislike, Undo Dislike, Like, Undo Like") {
			t.Errorf("it was passed on as\n%s\nwant\n%s", got, want)
		}
	})
}

// batchOf has a community pass on several things at once, as FEP-1a11 says.
func (v *voice) batchOf(name, typ string, acts ...obj) obj {
	items := obj{"type": typ, "totalItems": len(acts), "orderedItems": acts}
	if typ == "Collection" {
		items = obj{"type": typ, "items": acts}
	}
	var object any = items
	if typ == "" {
		object = acts
	}
	return v.act("Announce", name, object)
}

// A batch counts like what is in it, each by itself: once, whoever else sends it,
// and without what is refused.
func TestABatchIsJudgedPieceByPiece(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		ash := s.says(s.trees, s.mod, s.mod.page("ash", s.trees.uri, "Ash")).URI
		seed := s.leeds.post(s.ann, &s.seeds.Actor, "Seed", "<p>x</p>").URI
		for i, typ := range []string{"OrderedCollection", "Collection", ""} {
			uri := s.says(s.trees, s.mod, s.mod.page(fmt.Sprint("t", i), s.trees.uri, "T")).URI
			name := fmt.Sprint("b", i)
			dave := s.third.actor("Person", "/u/dave"+name) // whom Leeds has to ask for
			new := s.bob.page(name, s.trees.uri, "New")
			s.third.serve(new)
			acts := []obj{
				s.bob.act("Like", name, uri), s.carol.act("Like", name, uri), s.mod.act("Like", name, uri),
				s.mod.act("Undo", name, s.mod.act("Like", name, uri)), dave.act("Like", name, uri),
				s.bob.act("Like", name, uri),                                // twice in one
				s.bob.act("Like", name+"seed", seed),                        // not the community's business
				s.eve.act("Like", name, uri).with(obj{"actor": s.ann.URI}),  // nobody's
				s.eve.act("Like", name+"?", "https://nowhere.example/1"),    // on what cannot be had
				s.bob.act("Create", name, new),                              // no vote
				s.carol.act("Flag", name, uri), {"id": "x", "type": "Like"}, // of no use
				s.trees.announces(s.eve.act("Like", name, uri)), // nested
			}
			whole := s.trees.batchOf(name, typ, acts...)
			for range 2 {
				if got := s.trees.say(s.leeds, whole); got != http.StatusAccepted {
					t.Errorf("%s: answered %d", name, got)
				}
				time.Sleep(time.Minute)
			}
			again := s.trees.batchOf(name+"again", typ, acts[:3]...)
			if got := s.trees.say(s.leeds, again); got != http.StatusAccepted {
				t.Errorf("%s: answered %d", name, got)
			}
			synctest.Wait()
			if got := s.leeds.likes(uri); got != 3 {
				t.Errorf("in a %q: %d marks, want those of Bob, Carol and Dave", typ, got)
			}
			if s.leeds.object(new["id"].(string)) == nil {
				t.Errorf("in a %q: what Bob wrote is not there", typ)
			}
		}
		if got := s.leeds.likes(seed); got != 0 {
			t.Errorf("another community's batch left %d marks here", got)
		}

		var many []obj
		for i := range 1001 {
			many = append(many, s.bob.act("Like", fmt.Sprint("m", i), ash))
		}
		if got := s.trees.say(s.leeds, s.trees.batchOf("many", "OrderedCollection", many...)); got != http.StatusRequestEntityTooLarge {
			t.Errorf("more than 1,000 are answered %d, want 413", got)
		}
		if got := s.trees.say(s.leeds, s.trees.batchOf("most", "OrderedCollection", many[:1000]...)); got != http.StatusAccepted || s.leeds.likes(ash) != 1 {
			t.Errorf("1,000 are answered %d, and count %d times", got, s.leeds.likes(ash))
		}
		for name, by := range map[string]*voice{"person": s.eve, "other": s.weeds} {
			before := s.leeds.state()
			by.say(s.leeds, by.batchOf(name, "", s.carol.act("Like", name, ash), s.bob.act("Undo", name, s.bob.act("Like", "m0", ash))))
			synctest.Wait()
			if news := changed(before, s.leeds.state()); news != "" {
				t.Errorf("a batch of %s took effect:\n%s", by.uri, news)
			}
		}
	})
}

// PieFed's own shape, as it is sent.
func TestPieFedsListOfVotesIsRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		ash := s.says(s.trees, s.mod, s.mod.page("ash", s.trees.uri, "Ash")).URI
		text, err := os.ReadFile("testdata/piefed-votes.json")
		if err != nil {
			t.Fatal(err)
		}
		for _, host := range []string{"a.example", "b.example"} {
			s.n.peer(t, host).actor("Person", "/u/voter")
		}
		body := strings.NewReplacer("GROUP", s.trees.uri, "POST", ash).Replace(string(text))
		if got := s.leeds.do(s.trees.request("leeds.example", "/inbox", []byte(body))).Code; got != http.StatusAccepted {
			t.Errorf("answered %d", got)
		}
		time.Sleep(time.Minute)
		if got := s.leeds.likes(ash); got != 1 {
			t.Errorf("%d marks, want the one that was not taken back", got)
		}
	})
}

// What counts on a community's word alone is known to, is nobody's news, and can be
// taken out again.
func TestVotesOnACommunitysWordCanBeDiscarded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		var news []string
		s.leeds.hub.Notify = func(_ *store.Tx, act *copse.Activity) error {
			if act.Type == "Like" {
				news = append(news, act.Actor.URI)
			}
			return nil
		}
		ash := s.says(s.trees, s.mod, s.mod.page("ash", s.trees.uri, "Ash")).URI
		elm := s.says(s.trees, s.mod, s.mod.page("elm", s.trees.uri, "Elm")).URI
		weed := s.says(s.weeds, s.eve, s.eve.page("weed", s.weeds.uri, "Weed")).URI
		seed := s.leeds.post(s.ann, &s.seeds.Actor, "Seed", "<p>x</p>").URI
		if err := s.leeds.hub.Like(t.Context(), s.ann, s.leeds.object(ash), true); err != nil {
			t.Fatal(err)
		}
		s.bob.say(s.leeds, s.bob.act("Like", "seed", seed)) // himself
		for _, uri := range []string{ash, elm} {
			name := uri[len(uri)-3:]
			s.trees.say(s.leeds, s.trees.announces(s.bob.act("Like", name, uri)))
			s.trees.say(s.leeds, s.trees.batchOf(name, "", s.carol.act("Like", name, uri), s.mod.act("Like", name, uri)))
		}
		s.weeds.say(s.leeds, s.weeds.announces(s.bob.act("Like", "weed", weed)))
		synctest.Wait()
		check := func(what string, want ...int) {
			t.Helper()
			for i, uri := range []string{ash, elm, weed, seed} {
				if got := s.leeds.likes(uri); got != want[i] {
					t.Errorf("%s: %s has %d marks, want %d", what, uri, got, want[i])
				}
			}
		}
		check("before", 4, 3, 1, 1)
		for _, uri := range news {
			if uri != s.ann.URI && uri != s.mod.uri && uri != s.bob.uri {
				t.Errorf("that %s marked something was news", uri)
			}
		}
		if n := strings.Count(strings.Join(news, " "), s.bob.uri); n != 1 {
			t.Errorf("Bob's marks were news %d times, want the one he sent himself", n)
		}
		n, err := s.leeds.hub.DiscardVotes(t.Context(), "home.example")
		if err != nil || n != 4 {
			t.Errorf("discarded %d, %v; want Bob's and Carol's, 4", n, err)
		}
		check("after", 2, 1, 1, 1) // of Ann here and the facilitator, whose own server it is
		s.trees.say(s.leeds, s.trees.batchOf("once more", "", s.carol.act("Like", "ash", ash)))
		synctest.Wait()
		check("said once more", 2, 1, 1, 1)
		if n, err := s.leeds.hub.DiscardVotes(t.Context(), "home.example"); err != nil || n != 0 {
			t.Errorf("discarded %d more, %v", n, err)
		}
		if _, err := s.leeds.hub.DiscardVotes(t.Context(), "nobody.example"); copse.CodeOf(err) != copse.CodeNotFound {
			t.Errorf("of a server nobody knows: %v", err)
		}
	})
}

// marks has two people at a town mark each of some posts as helpful.
func marks(t *testing.T, w *town, on []*copse.Object, by ...*copse.Actor) {
	t.Helper()
	for _, who := range by {
		for _, o := range on {
			if err := w.hub.Like(t.Context(), who, o, true); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// Votes that come in swarms go out together to those who take them so, one by one
// to others, and to microblogs not at all. All counts come out the same.
func TestVotesGoTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, "harlow.example", "stevenage.example")
		harlow, stevenage := n.towns["harlow.example"], n.towns["stevenage.example"]
		ann, bea := harlow.person("ann"), harlow.person("bea")
		trees := harlow.community(ann, "trees", copse.JoinOpen, copse.Public)
		harlow.join(bea, &trees.Actor)
		tess := stevenage.person("tess")
		stevenage.join(tess, stevenage.find(trees.URI))
		peers := make(map[string]*peer)
		for _, software := range []string{"piefed", "lemmy", "mastodon"} {
			peers[software] = n.peer(t, software+".example")
			peers[software].is(software)
			peers[software].actor("Person", "/u/x").member(harlow, trees)
		}
		var posts []*copse.Object
		for i := range 20 {
			posts = append(posts, harlow.post(ann, &trees.Actor, fmt.Sprint("Topic ", i), "<p>x</p>"))
		}
		time.Sleep(time.Minute)
		before := map[string]int{}
		for name, p := range peers {
			before[name] = len(p.received())
		}
		n.forget()
		marks(t, harlow, posts, ann, bea)
		if err := harlow.hub.Like(t.Context(), ann, posts[0], false); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)

		if got := n.requests("stevenage.example"); len(got) > 2 {
			t.Errorf("41 votes took %d requests to a copse:\n%s", len(got), strings.Join(got, "\n"))
		}
		for i, o := range posts {
			want := 2
			if i == 0 {
				want = 1
			}
			if a, b := harlow.likes(o.URI), stevenage.likes(o.URI); a != want || b != want {
				t.Errorf("topic %d has %d marks here and %d there, want %d", i, a, b, want)
			}
		}
		for software, want := range map[string]int{"lemmy": 41, "mastodon": 0} {
			if got := len(peers[software].received()) - before[software]; got != want {
				t.Errorf("41 votes took %d requests to %s, want %d", got, software, want)
			}
		}
		votes := 0
		bundles := peers["piefed"].received()[before["piefed"]:]
		for _, b := range bundles {
			list, ok := b["object"].([]any)
			if !ok || b["type"] != "Announce" || b["actor"] != trees.URI {
				t.Fatalf("PieFed was sent %v", b)
			}
			votes += len(list)
		}
		if votes != 41 || len(bundles) > 2 {
			t.Errorf("PieFed got %d votes in %d lists, want 41", votes, len(bundles))
		}
		first, _, _ := strings.Cut(bundles[0]["id"].(string), "#")
		if got := harlow.get(strings.TrimPrefix(first, "https://harlow.example")).Code; got != http.StatusOK {
			t.Errorf("the id of a list is answered %d", got)
		}

		// What is no vote waits for none.
		marks(t, harlow, posts[:1], ann)
		began := time.Now()
		said := harlow.post(ann, &trees.Actor, "News", "<p>x</p>")
		for stevenage.object(said.URI) == nil && time.Since(began) < time.Minute {
			time.Sleep(10 * time.Millisecond)
		}
		if took := time.Since(began); took > 200*time.Millisecond {
			t.Errorf("a post beside a vote took %v", took)
		}
		if got := stevenage.likes(posts[0].URI); got != 2 {
			t.Errorf("the vote before it is not there")
		}
	})
}

// A peer that does not take votes together gets them one by one, and a vote that it
// cannot take holds up no others.
func TestVotesThatAreNotTakenTogetherGoAlone(t *testing.T) {
	for name, refuses := range map[string]func(body string) int{
		"any bundle": func(body string) int {
			if strings.Contains(body, "orderedItems") {
				return http.StatusBadRequest
			}
			return 0
		},
		"one vote": func(body string) int {
			if strings.Contains(body, "/post/") && strings.Contains(body, "POISON") {
				return http.StatusInternalServerError
			}
			return 0
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork(t, "harlow.example")
				harlow := n.towns["harlow.example"]
				ann := harlow.person("ann")
				trees := harlow.community(ann, "trees", copse.JoinOpen, copse.Public)
				forum := n.peer(t, "forum.example")
				forum.is("forum", "fep-1b12", "fep-1a11")
				forum.actor("Person", "/u/x").member(harlow, trees)
				var posts []*copse.Object
				for i := range 8 {
					posts = append(posts, harlow.post(ann, &trees.Actor, fmt.Sprint("Topic ", i), "<p>x</p>"))
				}
				time.Sleep(time.Minute)
				poison := posts[3].URI
				n.answer("forum.example", func(r *http.Request) (*http.Response, error) {
					if r.Method != http.MethodPost {
						return nil, nil
					}
					body, err := io.ReadAll(r.Body)
					if err != nil {
						return nil, err
					}
					r.Body = io.NopCloser(bytes.NewReader(body))
					if status := refuses(strings.ReplaceAll(string(body), poison+`"`, `/post/POISON"`)); status != 0 {
						return &http.Response{StatusCode: status, Body: http.NoBody, Header: http.Header{}, Request: r}, nil
					}
					return nil, nil
				})
				before := len(forum.received())
				marks(t, harlow, posts, ann)
				time.Sleep(time.Hour)
				want := 8
				if name == "one vote" {
					want = 7
				}
				got := make(map[any]bool)
				for _, act := range forum.received()[before:] {
					if inner := act["object"].(map[string]any); inner["type"] == "Like" {
						got[inner["object"]] = true
					} else {
						for _, one := range inner["orderedItems"].([]any) {
							got[one.(map[string]any)["object"]] = true
						}
					}
				}
				if len(got) != want {
					t.Errorf("it got %d votes, want %d", len(got), want)
				}
				harlow.post(ann, &trees.Actor, "News", "<p>x</p>")
				time.Sleep(time.Minute)
				if all := forum.told(); all[len(all)-1] != "Announce Create Page" {
					t.Errorf("it was told %q last", all[len(all)-1])
				}
			})
		})
	}
}
