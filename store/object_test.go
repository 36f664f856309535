package store_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"copse/copse"
	"copse/store"
	"copse/store/storetest"
)

// A forum is a community with people from three councils who write.
type forum struct {
	community *copse.Community
	people    []*copse.Actor
	made      int
}

func newForum(t *testing.T, db *store.DB, name string) *forum {
	t.Helper()
	f := &forum{community: founded(name, "york.example")}
	update(t, db, func(tx *store.Tx) error {
		for i := range 6 {
			a := someone(fmt.Sprint(name, i), []string{"york.example", "hull.example", "leeds.example"}[i%3], i%3 == 0)
			f.people = append(f.people, a)
			if err := tx.AddActor(a); err != nil {
				return err
			}
		}
		return tx.AddCommunity(f.community)
	})
	return f
}

// object returns a topic, or a reply if parent is one, that has not been added.
func (f *forum) object(parent copse.ID) *copse.Object {
	f.made++
	o := &copse.Object{
		ID: store.NewID(), URI: fmt.Sprint("https://york.example/", f.community.Name, "/", f.made), Kind: "topic", Community: f.community.ID,
		Author: f.people[f.made%len(f.people)].ID, Parent: parent, Title: "Ash", Source: "Dying", HTML: "<p>Dying</p>",
		Audience: copse.Public, Published: time.Now().UTC().Truncate(time.Microsecond),
	}
	if parent != 0 {
		o.Kind, o.Title = "reply", ""
	}
	return o
}

func stored(t *testing.T, db *store.DB, id copse.ID) (o *copse.Object) {
	t.Helper()
	view(t, db, func(tx *store.Tx) (err error) {
		o, err = tx.Object(id)
		return err
	})
	return o
}

func TestObjectsReadAsWritten(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		f := newForum(t, db, "trees")
		o := f.object(0)
		at := o.Published.Add(-time.Hour)
		o.Language, o.URL, o.Question, o.Local = "cy", "https://york.example/page", true, true
		o.Starts, o.Ends, o.Edited, o.Accepted = at, at.Add(time.Hour), at.Add(time.Minute), at.Add(time.Second)
		o.Active, o.Extra = o.Published, json.RawMessage(`{"where":"Rowntree \u0000 Park"}`)
		update(t, db, func(tx *store.Tx) error { return tx.AddObject(o) })
		if got := stored(t, db, o.ID); !reflect.DeepEqual(got, o) {
			t.Errorf("read %+v\nwant %+v", got, o)
		}
		view(t, db, func(tx *store.Tx) error {
			got, err := tx.ObjectByURI(o.URI)
			if !reflect.DeepEqual(got, o) {
				t.Errorf("by URI %+v\nwant %+v", got, o)
			}
			return err
		})

		reply := f.object(o.ID)
		update(t, db, func(tx *store.Tx) error { return tx.AddObject(reply) })
		o.Title, o.Source, o.HTML, o.Language, o.Question, o.Answer = "Oak", "Well", "<p>Well</p>", "en", false, reply.ID
		o.Starts, o.Ends, o.Edited, o.Extra = time.Time{}, time.Time{}, at.Add(2*time.Minute), json.RawMessage(`{}`)
		changed := *o
		o.Replies, o.Councils, o.Active = 1, 1, reply.Published
		// What it is, where and whose stays as it was, whatever is said.
		changed.URI, changed.Kind, changed.Community, changed.Author, changed.Root = "https://evil.example/", "evil", 1, 1, reply.ID
		changed.Parent, changed.Audience, changed.Likes, changed.Replies, changed.Local = reply.ID, copse.Members, 99, 99, false
		changed.Published, changed.Accepted, changed.Active, changed.Deleted = at, at, at, at
		update(t, db, func(tx *store.Tx) error { return rewrite(tx, &changed) })
		if got := stored(t, db, o.ID); !reflect.DeepEqual(got, o) {
			t.Errorf("after SetObject %+v\nwant %+v", got, o)
		}
	})
}

func TestAURIIsTakenForGood(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		f := newForum(t, db, "trees")
		mine := f.object(0)
		update(t, db, func(tx *store.Tx) error { return tx.AddObject(mine) })
		for _, when := range []string{"while it is there", "after it was deleted"} {
			theirs := f.object(0)
			theirs.URI, theirs.Title = mine.URI, "Theirs"
			err := db.Update(t.Context(), func(tx *store.Tx) error { return tx.AddObject(theirs) })
			if copse.CodeOf(err) != copse.CodeConflict {
				t.Errorf("%s: AddObject = %v, want it refused", when, err)
			}
			update(t, db, func(tx *store.Tx) error { return tx.DeleteObject(mine, false) })
		}
	})
}

func TestATombstoneKeepsItsPlaceAndTakesNoWords(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		f := newForum(t, db, "trees")
		topic := f.object(0)
		first, under := f.object(topic.ID), (*copse.Object)(nil)
		update(t, db, func(tx *store.Tx) error {
			if err := tx.AddObject(topic); err != nil {
				return err
			}
			if err := tx.AddObject(first); err != nil {
				return err
			}
			under = f.object(first.ID)
			if err := tx.AddObject(under); err != nil {
				return err
			}
			first.HTML, first.URL, first.Extra = "<p>Changed</p>", "https://york.example/page", json.RawMessage(`{"a":1}`)
			if err := rewrite(tx, first); err != nil {
				return err
			}
			topic.Answer = first.ID
			if err := rewrite(tx, topic); err != nil {
				return err
			}
			return tx.DeleteObject(first, true)
		})
		if got := stored(t, db, topic.ID); got.Answer != 0 || got.Replies != 1 {
			t.Errorf("the topic has the answer %d and %d replies, want none and one", got.Answer, got.Replies)
		}
		check := func(when string, removed bool) {
			t.Helper()
			got := stored(t, db, first.ID)
			if words := got.Title + got.Source + got.HTML + got.URL + string(got.Extra); words != "" {
				t.Errorf("%s: it still says %q", when, words)
			}
			if got.Deleted.IsZero() || got.Removed != removed || got.Path != first.Path || got.Root != topic.ID || got.Author != first.Author {
				t.Errorf("%s: it is %+v", when, got)
			}
			view(t, db, func(tx *store.Tx) error {
				revisions, err := tx.Revisions(first.ID)
				if len(revisions) > 0 {
					t.Errorf("%s: what it said before is kept: %+v", when, revisions)
				}
				thread, err2 := tx.Thread(copse.Viewer{}, topic.ID, "", 10)
				if err2 == nil && (len(thread) != 2 || thread[0].ID != first.ID || thread[1].ID != under.ID) {
					t.Errorf("%s: the thread is %v", when, thread)
				}
				if err == nil {
					err = err2
				}
				return err
			})
		}
		check("deleted", true)

		late := *first
		late.HTML, late.Edited = "<p>Back</p>", time.Now()
		err := db.Update(t.Context(), func(tx *store.Tx) error { return rewrite(tx, &late) })
		if copse.CodeOf(err) != copse.CodeNotFound {
			t.Errorf("SetObject = %v, want that there is nothing", err)
		}
		check("edited late", true)
		update(t, db, func(tx *store.Tx) error { return tx.DeleteObject(first, false) })
		check("deleted again, by its author", false) // which is for good
	})
}

// rewrite changes o as its author did when it says it was edited.
func rewrite(tx *store.Tx, o *copse.Object) error {
	_, err := tx.SetObject(o, o.Edited)
	return err
}

func TestWhatWasSaidBeforeIsKept(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		f := newForum(t, db, "trees")
		o := f.object(0)
		o.HTML = "0"
		update(t, db, func(tx *store.Tx) error { return tx.AddObject(o) })
		edited := o.Published.Add(time.Minute)
		for i, at := range []time.Time{edited, edited, edited, {}, {}, edited.Add(time.Hour)} { // peers repeat and leave out
			update(t, db, func(tx *store.Tx) error {
				o.HTML, o.Edited = fmt.Sprint(i+1), at
				return rewrite(tx, o)
			})
		}
		update(t, db, func(tx *store.Tx) error { // nothing it says has changed
			o.Language = "cy"
			return rewrite(tx, o)
		})
		view(t, db, func(tx *store.Tx) error {
			all, err := tx.Revisions(o.ID)
			var said []string
			for i, v := range all {
				said = append(said, v.HTML)
				if i > 0 && !v.At.Before(all[i-1].At) {
					t.Errorf("revision %d is not older than the one above", i)
				}
			}
			if got, want := strings.Join(said, ""), "543210"; got != want {
				t.Errorf("it said %s before, want %s", got, want)
			}
			if oldest := all[len(all)-1]; !oldest.At.Equal(o.Published) || oldest.Title != "Ash" || oldest.Source != "Dying" {
				t.Errorf("at first it was %+v", oldest)
			}
			return err
		})
	})
}

func TestASubmissionIsAcceptedOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		f := newForum(t, db, "trees")
		o := f.object(0)
		update(t, db, func(tx *store.Tx) error { return tx.AddObject(o) })
		waiting := func() int {
			var n int
			view(t, db, func(tx *store.Tx) error {
				all, err := tx.Submitted(copse.Viewer{}, f.community.ID)
				n = len(all)
				return err
			})
			return n
		}
		if n := waiting(); n != 1 {
			t.Errorf("%d submissions wait, want 1", n)
		}
		var first time.Time
		for range 2 {
			update(t, db, func(tx *store.Tx) error {
				if first.IsZero() {
					first = tx.Now
				}
				return tx.AcceptObject(o.ID)
			})
		}
		if got := stored(t, db, o.ID).Accepted; !got.Equal(first) {
			t.Errorf("accepted at %v, want when it first was, %v", got, first)
		}
		if n := waiting(); n != 0 {
			t.Errorf("%d submissions wait, want none", n)
		}
	})
}

func TestConversationsAreAsDeepAsTheLimitAndNoDeeper(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		f := newForum(t, db, "trees")
		update(t, db, func(tx *store.Tx) error {
			parent := copse.ID(0)
			for range copse.MaxDepth + 1 {
				o := f.object(parent)
				if err := tx.AddObject(o); err != nil {
					return err
				}
				parent = o.ID
			}
			err := tx.AddObject(f.object(parent))
			if copse.CodeOf(err) != copse.CodeInvalid {
				t.Errorf("a reply at depth %d = %v, want it refused", copse.MaxDepth+1, err)
			}
			return nil
		})
		err := db.Update(t.Context(), func(tx *store.Tx) error { return tx.AddObject(f.object(12345)) })
		if copse.CodeOf(err) != copse.CodeNotFound {
			t.Errorf("a reply to nothing = %v", err)
		}
	})
}

// Whatever happens in whatever order, counts equal the sets they count.
func TestCountsEqualWhatTheyCount(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for _, seed := range []uint64{1, 2} {
			f := newForum(t, db, fmt.Sprint("trees", seed))
			random := rand.New(rand.NewPCG(seed, 0))
			var all []*copse.Object
			deleted, likes := make(map[copse.ID]bool), make(map[[2]copse.ID]bool)
			hosts := make(map[copse.ID]string)
			for _, a := range f.people {
				hosts[a.ID] = a.Host
			}
			for step := range 150 {
				update(t, db, func(tx *store.Tx) error {
					if len(all) == 0 || random.IntN(12) == 0 {
						o := f.object(0)
						all = append(all, o)
						return tx.AddObject(o)
					}
					o := all[random.IntN(len(all))]
					by := f.people[random.IntN(len(f.people))].ID
					switch random.IntN(6) {
					case 0, 1, 2:
						reply := f.object(o.ID)
						// Some come late, some were dated before what they answer.
						reply.Published = reply.Published.Add(time.Duration(random.IntN(3000)-2000) * time.Millisecond)
						all = append(all, reply)
						return tx.AddObject(reply)
					case 3:
						deleted[o.ID] = true
						return tx.DeleteObject(o, false)
					case 4:
						fresh, err := tx.Respond(o.ID, by, "Like", "https://x.example/like")
						if key := [2]copse.ID{o.ID, by}; fresh == likes[key] {
							t.Errorf("seed %d, step %d: Respond = %v", seed, step, fresh)
						} else {
							likes[key] = true
						}
						return err
					default:
						was, err := tx.Withdraw(o.ID, by, "Like")
						if key := [2]copse.ID{o.ID, by}; was != likes[key] {
							t.Errorf("seed %d, step %d: Withdraw = %v", seed, step, was)
						} else {
							delete(likes, key)
						}
						return err
					}
				})
				if step%10 != 9 {
					continue
				}
				newest := time.Time{}
				for _, o := range all {
					got := stored(t, db, o.ID)
					replies, councils, active := 0, make(map[string]bool), o.Published
					for _, r := range all {
						if r.Root == o.ID && !deleted[r.ID] {
							replies++
							councils[hosts[r.Author]] = true
							if r.Published.After(active) {
								active = r.Published
							}
						}
					}
					liked := 0
					for key := range likes {
						if key[0] == o.ID {
							liked++
						}
					}
					if got.Replies != replies || got.Councils != len(councils) || got.Likes != liked || !got.Active.Equal(active) {
						t.Errorf("seed %d, step %d: %d replies from %d councils, %d likes, active %v; want %d, %d, %d, %v",
							seed, step, got.Replies, got.Councils, got.Likes, got.Active, replies, len(councils), liked, active)
					}
					if o.Published.After(newest) {
						newest = o.Published
					}
				}
				view(t, db, func(tx *store.Tx) error {
					c, err := tx.Community(f.community.ID)
					if err == nil && c.Active.Before(newest) {
						t.Errorf("seed %d, step %d: the community was active at %v, want no earlier than %v", seed, step, c.Active, newest)
					}
					return err
				})
			}
		}
	})
}

// On PostgreSQL these run side by side.
func TestRepliesAndLikesThatComeTogetherAreAllCounted(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		f := newForum(t, db, "trees")
		topic := f.object(0)
		update(t, db, func(tx *store.Tx) error { return tx.AddObject(topic) })
		var replies [8][6]*copse.Object
		for w := range replies {
			for i := range replies[w] {
				replies[w][i] = f.object(topic.ID)
				replies[w][i].Author = f.people[w%len(f.people)].ID
			}
		}
		var all sync.WaitGroup
		do := func(fn func(tx *store.Tx) error) {
			if err := db.Update(t.Context(), fn); err != nil {
				t.Error(err)
			}
		}
		for w := range replies {
			all.Go(func() {
				for i, o := range replies[w] {
					do(func(tx *store.Tx) error { return tx.AddObject(o) })
					if i%3 == 0 {
						do(func(tx *store.Tx) error { return tx.DeleteObject(o, false) })
					}
					do(func(tx *store.Tx) error {
						_, err := tx.Respond(topic.ID, f.people[w%len(f.people)].ID, "Like", "x")
						return err
					})
				}
			})
		}
		all.Wait()
		got := stored(t, db, topic.ID)
		if got.Replies != 8*4 || got.Councils != 3 || got.Likes != len(f.people) {
			t.Errorf("%d replies from %d councils, %d likes; want 32, 3, 6", got.Replies, got.Councils, got.Likes)
		}
	})
}

func TestAResponseIsFoundByWhoseItIs(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		f := newForum(t, db, "trees")
		o := f.object(0)
		ann := f.people[0].ID
		update(t, db, func(tx *store.Tx) error {
			if err := tx.AddObject(o); err != nil {
				return err
			}
			for _, typ := range []string{"Like", "Like", "Accept"} {
				if _, err := tx.Respond(o.ID, ann, typ, "https://york.example/"+typ); err != nil {
					return err
				}
			}
			return nil
		})
		if got := stored(t, db, o.ID).Likes; got != 1 {
			t.Errorf("%d likes; an acceptance is none", got)
		}
		view(t, db, func(tx *store.Tx) error {
			for _, tt := range []struct {
				who  copse.ID
				typ  string
				want string
			}{{ann, "Like", "https://york.example/Like"}, {ann, "Accept", "https://york.example/Accept"}, {ann, "Flag", ""}, {f.people[1].ID, "Like", ""}} {
				if got, err := tx.Response(o.ID, tt.who, tt.typ); err != nil || got != tt.want {
					t.Errorf("%s is %q, %v; want %q", tt.typ, got, err, tt.want)
				}
			}
			return nil
		})
	})
}

func TestRespondedIsWhatOneReaderMarkedInAConversation(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		var got map[copse.ID]bool
		var marked, other, root copse.ID
		err := db.Update(t.Context(), func(tx *store.Tx) error {
			c := &copse.Community{
				Actor: copse.Actor{ID: store.NewID(), Type: copse.Group, URI: "https://york.example/c/oaks", Name: "oaks", Host: "york.example", Local: true, Created: tx.Now},
				Join:  copse.JoinOpen, Audience: copse.Public, Posting: copse.Member,
			}
			if err := tx.AddCommunity(c); err != nil {
				return err
			}
			add := func(uri string, parent copse.ID) (copse.ID, error) {
				o := &copse.Object{
					ID: store.NewID(), URI: uri, Kind: "topic", Community: c.ID, Author: c.ID, Parent: parent,
					Title: "Oak", Audience: copse.Public, Published: tx.Now,
				}
				return o.ID, tx.AddObject(o)
			}
			var err error
			if root, err = add("https://york.example/post/1", 0); err != nil {
				return err
			}
			if marked, err = add("https://york.example/comment/2", root); err != nil {
				return err
			}
			if other, err = add("https://york.example/post/3", 0); err != nil {
				return err
			}
			for _, id := range []copse.ID{root, marked, other} {
				if _, err := tx.Respond(id, c.ID, "Like", "https://york.example/like"); err != nil {
					return err
				}
			}
			got, err = tx.Responded(root, c.ID, "Like")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != 2 || !got[root] || !got[marked] || got[other] {
			t.Errorf("marked in the conversation: %v, want %d and %d", got, root, marked)
		}
	})
}

// What a facilitator removed is kept out of sight for a while, with what it said
// before, and not after its author has deleted it.
func TestWhatWasRemovedIsKeptForAWhile(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		f := newForum(t, db, "trees")
		var all []*copse.Object
		for range 3 {
			o := f.object(0)
			update(t, db, func(tx *store.Tx) error {
				if err := tx.AddObject(o); err != nil {
					return err
				}
				o.HTML, o.URL, o.Extra = "<p>Changed</p>", "https://york.example/page", json.RawMessage(`{"a":1}`)
				return rewrite(tx, o)
			})
			was := *stored(t, db, o.ID)
			update(t, db, func(tx *store.Tx) error { return tx.DeleteObject(o, true) })
			all = append(all, &was)
		}
		restored, deleted, forgotten := all[0], all[1], all[2]
		update(t, db, func(tx *store.Tx) error {
			now, err := tx.Object(restored.ID)
			if err != nil {
				return err
			}
			if err := tx.Withheld(now); err != nil {
				return err
			}
			return tx.RestoreObject(now)
		})
		restored.URL = "" // SetObject leaves it
		if got := stored(t, db, restored.ID); got.HTML != restored.HTML || got.Title != restored.Title || string(got.Extra) != string(restored.Extra) || !got.Deleted.IsZero() || got.Removed {
			t.Errorf("put back it is %+v\nwant %+v", got, restored)
		}
		view(t, db, func(tx *store.Tx) error {
			revisions, err := tx.Revisions(restored.ID)
			if len(revisions) != 1 {
				t.Errorf("put back it has the history %+v, want one version", revisions)
			}
			return err
		})
		update(t, db, func(tx *store.Tx) error { return tx.DeleteObject(deleted, false) })
		if got := stored(t, db, deleted.ID); got.Removed {
			t.Error("what its author deleted counts as removed by a facilitator")
		}
		update(t, db, func(tx *store.Tx) error { return tx.TidyWithheld(tx.Now.Add(time.Second)) })
		for _, o := range []*copse.Object{deleted, forgotten} {
			err := db.View(t.Context(), func(tx *store.Tx) error { return tx.Withheld(o) })
			if copse.CodeOf(err) != copse.CodeNotFound {
				t.Errorf("what is gone is kept: %v, %+v", err, o)
			}
		}
	})
}

// What counts on one peer's word alone goes when that is not believed any more, a
// few objects at a time, and nothing else does.
func TestWhatAPeerVouchedForCanBeDiscarded(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		f := newForum(t, db, "trees")
		ann, bob := f.people[0].ID, f.people[1].ID
		one, two, three := f.object(0), f.object(0), f.object(0)
		var hull, york *copse.Peer
		update(t, db, func(tx *store.Tx) (err error) {
			if hull, err = tx.PeerAt("hull.example"); err != nil {
				return err
			}
			if york, err = tx.PeerAt("york.example"); err != nil {
				return err
			}
			for _, o := range []*copse.Object{one, two, three} {
				if err := tx.AddObject(o); err != nil {
					return err
				}
			}
			for _, r := range []struct{ peer, object, actor copse.ID }{
				{0, one.ID, ann}, {hull.ID, one.ID, bob}, {hull.ID, two.ID, ann}, {hull.ID, two.ID, bob}, {york.ID, three.ID, ann},
				{hull.ID, three.ID, ann}, // was there before
			} {
				if _, err := tx.RespondVouched(r.peer, r.object, r.actor, "Like", "https://x.example/like"); err != nil {
					return err
				}
			}
			return nil
		})
		for i, want := range []struct{ n, one, two, three int }{{1, 1, 2, 1}, {2, 1, 0, 1}, {0, 1, 0, 1}} {
			update(t, db, func(tx *store.Tx) error {
				n, err := tx.Discard(hull.ID, 1)
				if n != want.n {
					t.Errorf("round %d: %d discarded, want %d", i, n, want.n)
				}
				return err
			})
			got := []int{stored(t, db, one.ID).Likes, stored(t, db, two.ID).Likes, stored(t, db, three.ID).Likes}
			if !slices.Equal(got, []int{want.one, want.two, want.three}) {
				t.Errorf("round %d: counted %v, want %+v", i, got, want)
			}
		}
	})
}
