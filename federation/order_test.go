package federation_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"copse/copse"
	"copse/store"
	"copse/store/storetest"
)

// However often and in however many ways something arrives, it is there once.
func TestTheSameThingTwiceIsThereOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		ash, elm := s.bob.page("ash", s.trees.uri, "Ash"), s.bob.page("elm", s.seeds.URI, "Elm")
		s.third.serve(ash)
		passedOn := s.trees.announces(s.bob.act("Create", "1", ash))
		signed := s.trees.request("leeds.example", "/inbox", passedOn.json())
		said := s.bob.act("Create", "2", elm)
		if code := s.leeds.do(signed).Code; code != 202 {
			t.Fatalf("the first time it is answered %d", code)
		}
		synctest.Wait()
		if code := s.bob.say(s.leeds, said); code != 202 {
			t.Fatalf("the first time it is answered %d", code)
		}
		topic := s.leeds.object(elm["id"].(string))
		like := s.carol.act("Like", "3", topic.URI)
		s.carol.say(s.leeds, like)
		before := s.leeds.state()
		if o := s.leeds.object(ash["id"].(string)); o == nil || topic == nil || s.leeds.object(topic.URI).Likes != 1 {
			t.Fatalf("there is not even one of each:\n%s", before)
		}

		for _, c := range []struct {
			name string
			by   *voice
			act  obj
			want int
		}{
			{"passed on again", s.trees, passedOn, 202},
			{"passed on under another id", s.trees, passedOn.with(obj{"id": s.trees.uri + "/announce/again"}), 202},
			{"passed on as another activity", s.trees, s.trees.announces(s.bob.act("Create", "another", ash)), 202},
			{"passed on by its id", s.trees, s.trees.announces(s.bob.act("Create", "by-id", ash["id"])), 202},
			{"straight from its author", s.bob, s.bob.act("Create", "1", ash), 202}, // seen by now
			{"straight from its author as another activity", s.bob, s.bob.act("Create", "straight", ash), 202},
			{"said again", s.bob, said, 202},
			{"said again as another activity", s.bob, s.bob.act("Create", "4", elm), 202},
			{"said to our community, and passed on by another", s.weeds, s.weeds.announces(s.bob.act("Create", "5", elm)), 202},
			{"marked again", s.carol, like, 202},
			{"marked again as another activity", s.carol, s.carol.act("Like", "6", topic.URI), 202},
			{"asked to join again", s.carol, s.carol.act("Follow", "7", s.seeds.URI), 202},
		} {
			if got := c.by.say(s.leeds, c.act); got != c.want {
				t.Errorf("%s: answered %d, want %d", c.name, got, c.want)
			}
			synctest.Wait()
		}
		signed.Body = io.NopCloser(strings.NewReader(string(passedOn.json())))
		if code := s.leeds.do(signed).Code; code != 202 {
			t.Errorf("the very same request is answered %d", code)
		}
		time.Sleep(time.Minute)
		for line := range strings.SplitSeq(strings.TrimSpace(changed(before, s.leeds.state())), "\n") {
			if !strings.HasPrefix(line, "+  Follow by "+s.carol.uri) && !strings.HasPrefix(line, "+  Announce by ") && line != "" {
				t.Errorf("a repeat changed something: %s", line)
			}
		}
	})
}

// Peers that lose patience send again while the first is still being dealt with.
// On both engines: PostgreSQL lets them run side by side.
func TestTheSameThingAtOnceIsThereOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		n := newNetwork(t)
		harlow := n.town(t, "harlow.example", db)
		trees := harlow.community(harlow.person("joan"), "trees", copse.JoinOpen, copse.Public)
		alice := n.peer(t, "good.example").actor("Person", "/u/alice")
		page := alice.page("1", trees.URI, "Ash")
		for i, acts := range [][]obj{ // what some of them say at once, and then others
			{alice.act("Follow", "1", trees.URI)}, // by somebody new
			{alice.act("Create", "1", page), alice.act("Create", "2", page)},
			{alice.act("Like", "1", page["id"]), alice.act("Like", "2", page["id"])},
			{alice.act("Update", "1", page.with(obj{"name": "Oak", "updated": time.Now().UTC().Format(time.RFC3339)}))},
		} {
			var all sync.WaitGroup
			for _, act := range acts {
				for range 6 {
					all.Go(func() {
						if got := alice.say(harlow, act); got != http.StatusAccepted {
							t.Errorf("%s is answered %d", act["id"], got)
						}
					})
				}
			}
			all.Wait()
			n.settled(t, harlow)
			if i == 0 {
				if a := harlow.actorByURI(alice.uri); a == nil || harlow.membership(&trees.Actor, a).State != copse.Active {
					t.Fatal("Alice is not in")
				}
			}
		}
		if o := harlow.object(page["id"].(string)); o == nil || o.Title != "Oak" || o.Likes != 1 {
			t.Errorf("there is %+v, want an oak that one likes", o)
		}
		var announced []string
		harlow.view(func(tx *store.Tx) error {
			sent, err := tx.OutboxAfter(0, 100)
			for _, o := range sent {
				if o.Object != 0 {
					announced = append(announced, o.Type)
				}
			}
			return err
		})
		if !slices.Equal(announced, []string{"Create", "Like", "Update"}) {
			t.Errorf("announced were %q, want one of each", announced)
		}
	})
}

// A request that somebody recorded does nothing when it is sent again, even if it
// leaves no trace that would show that it was seen.
func TestARecordedRequestDoesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		said := s.bob.act("Update", "1", s.bob.uri).json()
		r := s.bob.request("leeds.example", "/inbox", said)
		s.n.forget()
		for range 3 {
			r.Body = io.NopCloser(strings.NewReader(string(said)))
			if code := s.leeds.do(r).Code; code != 202 {
				t.Errorf("answered %d", code)
			}
			time.Sleep(time.Minute)
		}
		if asked := s.n.requests("third.example"); len(asked) != 1 {
			t.Errorf("Bob's server was asked %q, want once", asked)
		}
	})
}

// What arrives in the wrong order ends as if it had come in the right one.
func TestTheOrderOfArrivalDoesNotMatter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		at := func(minute int) string {
			return time.Now().UTC().Add(time.Duration(minute-60) * time.Minute).Format(time.RFC3339)
		}
		elm := s.bob.page("elm", s.seeds.URI, "Elm").with(obj{"published": at(0)})
		uri := elm["id"].(string)
		say := func(v *voice, act obj) {
			t.Helper()
			if got := v.say(s.leeds, act); got != 202 {
				t.Errorf("%s is answered %d", act["id"], got)
			}
			synctest.Wait()
		}
		title := func(want string) {
			t.Helper()
			if got := s.leeds.object(uri).Title; got != want {
				t.Errorf("it is called %q, want %q", got, want)
			}
		}
		say(s.bob, s.bob.act("Create", "elm", elm))
		say(s.bob, s.bob.act("Update", "2", elm.with(obj{"name": "Second", "updated": at(2)})))
		say(s.bob, s.bob.act("Update", "1", elm.with(obj{"name": "First", "updated": at(1)})))
		title("Second")
		say(s.bob, s.bob.act("Update", "0", elm.with(obj{"name": "Undated"})).with(obj{"published": at(1)}))
		title("Second")
		say(s.bob, s.bob.act("Update", "9", elm.with(obj{"name": "From the future", "updated": "2090-01-01T00:00:00Z"})))
		title("From the future")
		time.Sleep(time.Minute)
		say(s.bob, s.bob.act("Update", "3", elm.with(obj{"name": "Third", "updated": time.Now().UTC().Format(time.RFC3339)})))
		title("Third")

		// Which answer was accepted last, by those who never edited.
		ask := s.bob.page("ask", s.seeds.URI, "Ask").with(obj{"copse:question": true})
		yes, no := s.carol.note("yes", s.seeds.URI, ask["id"].(string), "Yes"), s.carol.note("no", s.seeds.URI, ask["id"].(string), "No")
		say(s.bob, s.bob.act("Create", "ask", ask))
		say(s.carol, s.carol.act("Create", "yes", yes))
		say(s.carol, s.carol.act("Create", "no", no))
		time.Sleep(time.Hour)
		say(s.bob, s.bob.act("Update", "no", ask.with(obj{"copse:answer": no["id"]})).with(obj{"published": at(50)}))
		say(s.bob, s.bob.act("Update", "yes", ask.with(obj{"copse:answer": yes["id"]})).with(obj{"published": at(40)}))
		if o := s.leeds.object(ask["id"].(string)); o.Answer != s.leeds.object(no["id"].(string)).ID || !o.Edited.IsZero() {
			t.Errorf("the answer is %d, edited %v, want the one accepted last and no edit", o.Answer, o.Edited)
		}

		// Taken back before it came.
		say(s.carol, s.carol.act("Undo", "u", s.carol.act("Like", "late", uri)))
		say(s.carol, s.carol.act("Like", "late", uri))
		if got := s.leeds.object(uri).Likes; got != 0 {
			t.Errorf("%d marks, want none", got)
		}
		say(s.mod, s.mod.act("Undo", "f", s.mod.act("Follow", "late", s.seeds.URI)))
		say(s.mod, s.mod.act("Follow", "late", s.seeds.URI))
		if m := s.leeds.membership(&s.seeds.Actor, s.leeds.actorByURI(s.mod.uri)); m.State == copse.Active {
			t.Error("somebody who had left before is in")
		}

		// Deleted is deleted.
		say(s.bob, s.bob.act("Delete", "d", uri))
		say(s.bob, s.bob.act("Create", "again", elm))
		say(s.bob, s.bob.act("Update", "4", elm.with(obj{"name": "Fourth", "updated": at(59)})).with(obj{"id": s.bob.uri + "/x"}).with(obj{"type": "Create"}))
		if o := s.leeds.object(uri); o.Deleted.IsZero() || o.HTML != "" {
			t.Errorf("it is back: %+v", o)
		}
		if got := s.bob.say(s.leeds, s.bob.act("Update", "5", elm.with(obj{"name": "Fifth", "updated": at(59)}))); got != 403 {
			t.Errorf("changing what is deleted is answered %d, want 403", got)
		}
		late := s.bob.page("late", s.seeds.URI, "Late")
		say(s.bob, s.bob.act("Delete", "dl", obj{"id": late["id"], "type": "Tombstone"}))
		say(s.bob, s.bob.act("Create", "cl", late))
		if o := s.leeds.object(late["id"].(string)); o == nil || o.Deleted.IsZero() || o.Title != "" {
			t.Errorf("what was deleted before it came is there: %+v", o)
		}
	})
}

// A reply that arrives before what it answers waits for it, and fetches it where
// it lives if its community speaks of it.
func TestAReplyWaitsForWhatItAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		ash := s.bob.page("ash", s.trees.uri, "Ash")
		s.third.serve(ash)
		first := s.carol.note("1", s.trees.uri, ash["id"].(string), "one")
		s.third.serve(first)
		second := s.says(s.trees, s.bob, s.bob.note("2", s.trees.uri, first["id"].(string), "two"))
		o, r := s.leeds.object(ash["id"].(string)), s.leeds.object(first["id"].(string))
		if o == nil || r == nil || second.Parent != r.ID || r.Parent != o.ID || o.Replies != 2 {
			t.Errorf("there are %+v and %+v above the reply, want the whole conversation", o, r)
		}

		// In a community of ours nothing is fetched: it comes by itself.
		elm := s.bob.page("elm", s.seeds.URI, "Elm")
		answer := s.carol.note("3", s.seeds.URI, elm["id"].(string), "three")
		s.n.forget()
		if got := s.carol.say(s.leeds, s.carol.act("Create", "3", answer)); got != 202 {
			t.Errorf("an answer to what is not there yet is answered %d", got)
		}
		synctest.Wait()
		if s.leeds.object(answer["id"].(string)) != nil {
			t.Error("it is there before what it answers")
		}
		s.bob.say(s.leeds, s.bob.act("Create", "elm", elm))
		time.Sleep(time.Minute)
		if s.leeds.object(answer["id"].(string)) == nil {
			t.Error("it is not there after what it answers")
		}
		for _, got := range s.n.requests("third.example") {
			if strings.HasPrefix(got, "GET") {
				t.Errorf("its server was asked: %s", got)
			}
		}

		// What is nowhere is given up in the end, with its reason.
		lost := s.carol.note("4", s.trees.uri, s.bob.uri+"/nowhere", "four")
		s.third.serve(lost)
		s.trees.say(s.leeds, s.trees.announces(s.carol.act("Create", "4", lost)))
		synctest.Wait()
		s.leeds.stop()
		time.Sleep(10 * time.Second)
		update := func(fn func(*store.Tx) error) {
			t.Helper()
			if err := s.leeds.db.Update(t.Context(), fn); err != nil {
				t.Fatal(err)
			}
		}
		update(func(tx *store.Tx) error { // instead of waiting for fourteen days
			for tries := 0; tries < 65; {
				due, err := tx.ClaimReceived(1, 0)
				if err != nil || len(due) != 1 {
					return fmt.Errorf("%d are tried again: %w", len(due), err)
				}
				tries = due[0].Tries
			}
			return nil
		})
		s.leeds.start()
		time.Sleep(time.Second)
		s.leeds.view(func(tx *store.Tx) error {
			next, err := tx.NextReceived()
			if err == nil && !next.IsZero() {
				t.Errorf("it is tried again at %v", next)
			}
			return err
		})
		if s.leeds.object(lost["id"].(string)) != nil {
			t.Error("a reply to nothing is there")
		}
	})
}

// How far a conversation is followed upwards is bounded, and so is what that
// costs at a time.
func TestLongConversationsAreFetchedInPieces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		chain := func(name string, length int) (deepest obj) {
			deepest = s.bob.page(name, s.trees.uri, name)
			s.third.serve(deepest)
			for i := range length {
				deepest = s.bob.note(fmt.Sprint(name, "-", i), s.trees.uri, deepest["id"].(string), "x")
				s.third.serve(deepest)
			}
			return deepest
		}
		fetches := func() int { return len(s.n.requests("third.example")) }
		announce := func(made obj) {
			t.Helper()
			if got := s.trees.say(s.leeds, s.trees.announces(s.bob.act("Create", made["id"].(string)[8:], made))); got != 202 {
				t.Errorf("answered %d", got)
			}
			synctest.Wait()
		}

		long := chain("long", 40)
		s.n.forget()
		announce(long)
		if got := fetches(); got > 10 {
			t.Errorf("%d requests at once, want 10 at most", got)
		}
		time.Sleep(5 * time.Minute)
		if o := s.leeds.object(long["id"].(string)); o == nil {
			t.Error("a conversation 40 deep is not there in the end")
		}
		if got := fetches(); got > 60 {
			t.Errorf("%d requests for 41 documents", got)
		}

		deep := chain("deep", 60)
		s.n.forget()
		announce(deep)
		time.Sleep(10 * time.Minute)
		if o := s.leeds.object(deep["id"].(string)); o != nil {
			t.Error("a conversation 60 deep is there")
		}
		if got := fetches(); got > 58 { // 50 of it, and where it starts again each time
			t.Errorf("%d requests for a conversation that is too deep", got)
		}

		a := s.bob.note("round", s.trees.uri, s.carol.uri+"/note/and-round", "x")
		b := s.carol.note("and-round", s.trees.uri, s.bob.uri+"/note/round", "y")
		s.third.serve(a)
		s.third.serve(b)
		s.n.forget()
		announce(a)
		time.Sleep(10 * time.Minute)
		if got := fetches(); got > 4 {
			t.Errorf("%d requests for two that answer each other", got)
		}
		s.leeds.view(func(tx *store.Tx) error {
			next, err := tx.NextReceived()
			if err == nil && !next.IsZero() {
				t.Errorf("something is tried again at %v", next)
			}
			return err
		})
	})
}

// What is laid aside while a long conversation is fetched is for whoever fetches
// it. A reply that comes meanwhile, and needs nothing else, waits like others.
func TestAReplyToWhatIsBeingFetchedIsNotLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.leeds.find(s.mod.uri)
		for length := range 12 { // one of these is cut off between a page and its author
			name := fmt.Sprint("elm", length)
			dave := s.third.actor("Person", "/u/dave"+name)
			page := dave.page(name, s.trees.uri, "Elm")
			deepest := page
			s.third.serve(page)
			for i := range length {
				deepest = s.bob.note(fmt.Sprint(name, "-", i), s.trees.uri, deepest["id"].(string), "x")
				s.third.serve(deepest)
			}
			s.trees.say(s.leeds, s.trees.announces(s.bob.act("Create", name, deepest)))
			synctest.Wait()
			s.leeds.find(dave.uri)
			reply := s.mod.note(name, s.trees.uri, page["id"].(string), "Sick?")
			s.home.serve(reply)
			if got := s.trees.say(s.leeds, s.trees.announces(s.mod.act("Create", "of-"+name, reply))); got != http.StatusAccepted {
				t.Errorf("answered %d", got)
			}
			time.Sleep(5 * time.Minute)
			if s.leeds.object(reply["id"].(string)) == nil {
				t.Errorf("the reply to what stands %d above is lost", length)
			}
		}
	})
}

// One activity makes us send ten requests at most, whatever it names, and
// however it leads us about (AS-085).
func TestOneActivityCostsTenRequestsAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		maze := s.n.peer(t, "maze.example")
		var urls []string
		var tags []obj
		for i := range 60 {
			urls = append(urls, fmt.Sprintf("https://maze.example/%d", i))
			tags = append(tags, obj{"type": "Mention", "href": urls[i]})
		}
		s.n.answer("maze.example", func(r *http.Request) (*http.Response, error) {
			if !strings.HasSuffix(r.URL.Path, "/end") { // each document is three steps away
				to := r.URL.Path + "/on"
				if strings.HasSuffix(to, "/on/on/on") {
					to = strings.TrimSuffix(to, "/on/on/on") + "/end"
				}
				return answering(302, "Location", "https://maze.example"+to)(r)
			}
			r.URL.Path = strings.TrimSuffix(r.URL.Path, "/end")
			return nil, nil
		})
		eve := maze.actor("Person", "/u/eve")
		named := obj{"to": append(urls, s.seeds.URI), "cc": urls, "tag": tags[:60], "attachment": tags[:30]}
		note := eve.note("1", s.seeds.URI, "https://maze.example/note/0", "x").with(named).with(obj{"copse:answer": "https://maze.example/answer"})
		for i, c := range []struct {
			by  *voice
			act obj
		}{
			{eve, eve.act("Follow", "1", s.seeds.URI).with(named)},
			{eve, eve.act("Create", "2", note).with(named)},
			{s.trees, s.trees.announces(eve.act("Create", "3", note))},
			{s.trees, s.trees.announces(eve.act("Like", "4", "https://maze.example/note/1"))},
			{s.trees, s.trees.announces(eve.act("Update", "5", note))},
		} {
			s.n.forget()
			c.by.say(s.leeds, c.act)
			synctest.Wait()
			if got := len(s.n.asked()); got > 10 {
				t.Errorf("number %d makes us send %d requests: %q", i, got, s.n.asked())
			}
		}
	})
}

// York is away while something is asked, answered and taken back. It gets the
// answer all the same, under an empty place: what answers what is gone is not.
func TestAnAnswerToWhatIsGoneByNowArrives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, "harlow.example", "leeds.example", "york.example")
		harlow, leeds, york := n.towns["harlow.example"], n.towns["leeds.example"], n.towns["york.example"]
		joan, bob, carol := harlow.person("joan"), leeds.person("bob"), york.person("carol")
		trees := harlow.community(joan, "trees", copse.JoinOpen, copse.Members)
		leeds.join(bob, leeds.find("!trees@harlow.example"))
		york.join(carol, york.find("!trees@harlow.example"))
		time.Sleep(time.Minute)

		n.answer("york.example", refused)
		asked := leeds.post(bob, leeds.find("!trees@harlow.example"), "When to plant?", "<p>Soon?</p>")
		time.Sleep(time.Minute)
		answer := harlow.answer(joan, harlow.object(asked.URI), "<p>In March.</p>")
		time.Sleep(time.Minute)
		if err := leeds.hub.Remove(t.Context(), bob, asked, ""); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		n.answer("york.example", nil)
		time.Sleep(24 * time.Hour)

		if o := york.object(answer.URI); o == nil || o.HTML != answer.HTML || o.Parent == 0 {
			t.Errorf("York has %+v, want the answer", o)
		}
		if o := york.object(asked.URI); o == nil || o.Deleted.IsZero() || o.Title+o.HTML != "" {
			t.Errorf("York has %+v, want the place of what is gone", o)
		}
		if o := harlow.object(asked.URI); o.Community != trees.ID || o.Deleted.IsZero() {
			t.Errorf("Harlow has %+v, want a tombstone", o)
		}
	})
}

// The home does not answer when the first person at Leeds is let in. What was said
// before is there all the same, some minutes later.
func TestWhatWasSaidBeforeIsReadWhenTheHomeAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, "harlow.example", "leeds.example")
		harlow, leeds := n.towns["harlow.example"], n.towns["leeds.example"]
		joan, bob := harlow.person("joan"), leeds.person("bob")
		trees := harlow.community(joan, "trees", copse.JoinOpen, copse.Members)
		said := harlow.post(joan, &trees.Actor, "When to plant?", "<p>Soon?</p>")
		there := leeds.find("!trees@harlow.example")
		n.answer("harlow.example", func(r *http.Request) (*http.Response, error) {
			if strings.HasSuffix(r.URL.Path, "/outbox") {
				return refused(r)
			}
			return nil, nil
		})
		leeds.join(bob, there)
		time.Sleep(5 * time.Minute)
		n.answer("harlow.example", nil)
		time.Sleep(30 * time.Minute)
		if m := leeds.membership(there, bob); m.State != copse.Active {
			t.Errorf("Bob is %q, want in", m.State)
		}
		if leeds.object(said.URI) == nil {
			t.Error("Leeds does not have what was said before")
		}
	})
}

// That it never does is no reason not to be in.
func TestWhoIsLetInIsInWhateverBecomesOfWhatWasSaidBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, "harlow.example", "leeds.example")
		harlow, leeds := n.towns["harlow.example"], n.towns["leeds.example"]
		bob := leeds.person("bob")
		harlow.community(harlow.person("joan"), "trees", copse.JoinOpen, copse.Members)
		there := leeds.find("!trees@harlow.example")
		n.answer("harlow.example", func(r *http.Request) (*http.Response, error) {
			if strings.HasSuffix(r.URL.Path, "/outbox") {
				return refused(r)
			}
			return nil, nil
		})
		leeds.join(bob, there)
		time.Sleep(time.Hour)
		if m := leeds.membership(there, bob); m.State != copse.Active {
			t.Errorf("Bob is %q, want in", m.State)
		}
	})
}

// Somebody likes a question whose answer has been accepted, and York has neither.
// The question is fetched, and does not wait for its answer, which waits for it.
func TestAnAnsweredQuestionCanBeFetched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, "harlow.example", "leeds.example", "york.example")
		harlow, leeds, york := n.towns["harlow.example"], n.towns["leeds.example"], n.towns["york.example"]
		joan, bob, carol := harlow.person("joan"), leeds.person("bob"), york.person("carol")
		trees := harlow.community(joan, "trees", copse.JoinOpen, copse.Members)
		there := leeds.find("!trees@harlow.example")
		leeds.join(bob, there)
		york.join(carol, york.find("!trees@harlow.example"))
		time.Sleep(time.Minute)

		n.answer("leeds.example", func(r *http.Request) (*http.Response, error) {
			if strings.HasPrefix(r.URL.Path, "/post/") || strings.HasPrefix(r.URL.Path, "/comment/") {
				return refused(r)
			}
			return nil, nil
		})
		asked := &copse.Object{Kind: "topic", Community: there.ID, Title: "When?", HTML: "<p>Soon?</p>", Source: "Soon?", Question: true}
		if err := leeds.hub.Post(t.Context(), bob, asked); err != nil {
			t.Fatal(err)
		}
		answer := leeds.answer(bob, asked, "<p>In March.</p>")
		asked.Answer = answer.ID
		if err := leeds.hub.Edit(t.Context(), bob, asked); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if err := harlow.hub.Like(t.Context(), joan, harlow.object(asked.URI), true); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		n.answer("leeds.example", nil)
		time.Sleep(24 * time.Hour)

		o, a := york.object(asked.URI), york.object(answer.URI)
		if o == nil || a == nil || o.Likes != 1 || o.Answer != a.ID {
			t.Errorf("York has %+v and %+v, want a question that one likes and its answer, accepted", o, a)
		}
		if o := harlow.object(asked.URI); o.Community != trees.ID || o.Answer == 0 {
			t.Errorf("Harlow has %+v, want a question that is answered", o)
		}
	})
}

// What Leeds does to something of its own overtakes it on the way to Harlow, which
// cannot take it for a while. What Harlow then has is what Leeds has.
func TestWhatIsDoneToSomethingWaitsForIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, "harlow.example", "leeds.example")
		harlow, leeds := n.towns["harlow.example"], n.towns["leeds.example"]
		joan, bob, carol := harlow.person("joan"), leeds.person("bob"), leeds.person("carol")
		harlow.community(joan, "trees", copse.JoinOpen, copse.Members)
		there := leeds.find("!trees@harlow.example")
		leeds.join(bob, there)
		leeds.join(carol, there)
		time.Sleep(time.Minute)
		n.answer("harlow.example", func(r *http.Request) (*http.Response, error) {
			if r.Body == nil {
				return nil, nil
			}
			body, err := io.ReadAll(r.Body)
			r.Body = io.NopCloser(strings.NewReader(string(body)))
			if strings.Contains(string(body), `"type":"Create"`) {
				return refused(r)
			}
			return nil, err
		})
		said := leeds.post(bob, there, "Ash", "<p>first</p>")
		time.Sleep(time.Hour)
		said.Title, said.HTML, said.Source = "Oak", "<p>second</p>", "second"
		if err := leeds.hub.Edit(t.Context(), bob, said); err != nil {
			t.Fatal(err)
		}
		if err := leeds.hub.Like(t.Context(), carol, said, true); err != nil {
			t.Fatal(err)
		}
		time.Sleep(12 * time.Hour)
		n.answer("harlow.example", nil)
		time.Sleep(48 * time.Hour)
		if o := harlow.object(said.URI); o == nil || o.Title != "Oak" || o.Likes != 1 {
			t.Errorf("Harlow has %+v, want an oak that one likes", o)
		}
	})
}

// A facilitator elsewhere pins and closes what was written there before the home has
// got it: both wait for it.
func TestARulingWaitsForWhatItIsAbout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, "harlow.example", "wigan.example")
		harlow, wigan := n.towns["harlow.example"], n.towns["wigan.example"]
		joan, rosa := harlow.person("joan"), wigan.person("rosa")
		trees := harlow.community(joan, "trees", copse.JoinOpen, copse.Public)
		there := wigan.find(trees.URI)
		wigan.join(rosa, there)
		n.settle(t)
		known, err := harlow.fed.Find(t.Context(), "@rosa@wigan.example")
		if err != nil {
			t.Fatal(err)
		}
		if err := harlow.hub.Appoint(t.Context(), joan, trees, known, true); err != nil {
			t.Fatal(err)
		}
		n.settle(t)

		n.answer("harlow.example", func(r *http.Request) (*http.Response, error) {
			if r.Method != http.MethodPost {
				return nil, nil
			}
			body, err := io.ReadAll(r.Body)
			r.Body = io.NopCloser(bytes.NewReader(body))
			if err != nil || !bytes.Contains(body, []byte(`"type":"Create"`)) || !bytes.Contains(body, []byte("Sick?")) {
				return nil, err
			}
			return &http.Response{StatusCode: http.StatusInternalServerError, Body: http.NoBody, Request: r}, nil
		})
		said := wigan.post(rosa, there, "Ash", "<p>Sick?")
		for _, err := range []error{
			wigan.hub.Pin(t.Context(), rosa, wigan.object(said.URI), true),
			wigan.hub.Lock(t.Context(), rosa, wigan.object(said.URI), true, "enough"),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
		other := wigan.post(rosa, there, "Elm", "<p>Gone?") // and what is not taken is stepped over
		time.Sleep(time.Hour)
		n.answer("harlow.example", nil)
		time.Sleep(12 * time.Hour)
		n.settle(t)
		o := harlow.object(said.URI)
		if o == nil || harlow.object(other.URI) == nil {
			t.Fatal("Harlow has not got what was written")
		}
		harlow.view(func(tx *store.Tx) error {
			pinned, err := tx.IsPinned(o.ID)
			lock, err2 := tx.Lock(o.ID)
			if !pinned || lock == nil {
				t.Errorf("pinned: %t, closed: %t, want both", pinned, lock != nil)
			}
			return errors.Join(err, err2)
		})
	})
}
