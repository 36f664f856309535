package federation_test

import (
	"fmt"
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
