package store_test

import (
	"slices"
	"testing"
	"time"

	"copse/copse"
	"copse/store"
	"copse/store/storetest"
)

// Whoever has moved leads to who they are now as long as both say so, whatever was
// read later.
func TestWhoHasMovedLeadsToWhoTheyAre(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		at := func(host string) *copse.Actor {
			return &copse.Actor{
				ID: store.NewID(), Type: copse.Person, URI: "https://" + host + "/u/tess", Name: "tess", Host: host, Title: "Tess",
				Inbox: "https://" + host + "/inbox", Created: time.Now(),
			}
		}
		old, now := at("stevenage.example"), at("wigan.example")
		now.AlsoKnownAs = []string{"https://hull.example/u/tess", old.URI}
		update(t, db, func(tx *store.Tx) error { return tx.AddActor(old) })
		leads := func(want *copse.Actor) {
			t.Helper()
			update(t, db, func(tx *store.Tx) error {
				to, err := tx.Successor(old.ID)
				if (to == nil) != (want == nil) || to != nil && to.ID != want.ID {
					t.Errorf("Tess leads to %v, want %v", to, want)
				}
				return err
			})
		}
		leads(nil)
		old.MovedTo = now.URI
		update(t, db, func(tx *store.Tx) error { return tx.SetMoved(old) })
		leads(nil) // nobody here knows who that is
		update(t, db, func(tx *store.Tx) error { return tx.AddActor(now) })
		leads(now)

		update(t, db, func(tx *store.Tx) error {
			read, err := tx.Actor(now.ID)
			if err != nil || !slices.Equal(read.AlsoKnownAs, now.AlsoKnownAs) {
				t.Errorf("Tess says that she was %v", read.AlsoKnownAs)
			}
			if read, err = tx.Actor(old.ID); err == nil && !read.HasMoved() {
				t.Errorf("she has not moved: %+v", read)
			}
			facts, err := tx.Facts(old.ID, &copse.Community{}, nil)
			if !facts.Moved {
				t.Error("the rules do not see it")
			}
			if err != nil {
				return err
			}
			if facts, err = tx.Facts(now.ID, &copse.Community{}, nil); facts.Moved {
				t.Error("and see it of who she is now")
			}
			return err
		})
		now.AlsoKnownAs = nil
		update(t, db, func(tx *store.Tx) error { return tx.SetActor(now) })
		leads(nil)
		old.MovedTo = ""
		update(t, db, func(tx *store.Tx) error { return tx.SetActor(old) })
		update(t, db, func(tx *store.Tx) error {
			read, err := tx.Actor(old.ID)
			if err == nil && (read.HasMoved() || read.Moved.IsZero()) {
				t.Errorf("she is back, and when she moved is known: %+v", read)
			}
			return err
		})
	})
}

// What waits for an administrator is listed until there is an answer; what somebody
// is offered until they have taken it.
func TestWhatWaitsBecauseOfAMoveIsListed(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := &copse.Community{
			Actor: copse.Actor{
				ID: store.NewID(), Type: copse.Group, URI: "https://york.example/c/trees", Name: "trees", Host: "york.example",
				Title: "Trees", Inbox: "https://york.example/inbox", Created: time.Now(),
			},
			Join: copse.JoinOpen, Audience: copse.Public, Posting: copse.Member,
		}
		update(t, db, func(tx *store.Tx) error { return tx.AddCommunity(c) })
		for _, tt := range []struct {
			moving copse.Moving
			want   int
		}{{copse.Settled, 0}, {copse.Awaiting, 1}, {copse.Followed, 0}, {copse.Awaiting, 1}, {copse.Stayed, 0}} {
			update(t, db, func(tx *store.Tx) error {
				if err := tx.SetMoving(c.ID, tt.moving); err != nil {
					return err
				}
				all, err := tx.Moving(10)
				if len(all) != tt.want {
					t.Errorf("%q: %d wait", tt.moving, len(all))
				}
				read, failed := tx.Community(c.ID)
				if failed == nil && read.Moving != tt.moving {
					t.Errorf("it reads %q, want %q", read.Moving, tt.moving)
				}
				return err
			})
		}
		update(t, db, func(tx *store.Tx) error {
			for _, uri := range []string{"https://b.example/c/x", "https://a.example/c/x", "https://b.example/c/x"} {
				if err := tx.AddOffer(c.ID, uri); err != nil {
					return err
				}
			}
			if err := tx.DropOffer(c.ID, "https://b.example/c/x"); err != nil {
				return err
			}
			got, err := tx.Offers(c.ID)
			if !slices.Equal(got, []string{"https://a.example/c/x"}) {
				t.Errorf("offered: %v", got)
			}
			return err
		})
	})
}
