package store_test

import (
	"testing"
	"time"

	"copse/copse"
	"copse/store"
	"copse/store/storetest"
)

// What was asked of a home is there once for each thing, says how far it has got, and
// goes when it has been done.
func TestProposalsSayHowFarTheyHaveGot(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newClub(t, db)
		tess := c.people[0]
		var home *copse.Peer
		sends := func(tx *store.Tx, name string) (copse.ID, error) {
			out := &store.Outgoing{URI: "https://york.example/activities/" + name, Type: "Lock", Signer: tess.ID, Body: []byte("{}")}
			if err := tx.Append(out); err != nil {
				return 0, err
			}
			return out.ID, tx.Address(out.ID, home.ID, "")
		}
		var first, second copse.ID
		update(t, db, func(tx *store.Tx) (err error) {
			if home, err = tx.PeerAt("hull.example"); err != nil {
				return err
			}
			if first, err = sends(tx, "1"); err != nil {
				return err
			}
			if second, err = sends(tx, "2"); err != nil {
				return err
			}
			for _, out := range []copse.ID{first, second} { // the second takes the place of the first
				err := tx.Propose(&store.Proposal{
					Community: c.theirs.ID, About: c.people[4].ID, Ruling: copse.Banning, Back: out == second, By: tess.ID, Outbox: out,
				})
				if err != nil {
					return err
				}
			}
			return tx.Propose(&store.Proposal{Community: c.theirs.ID, About: c.people[4].ID, Ruling: copse.Appointing, By: tess.ID, Outbox: first})
		})
		is := func(what string, n int, want store.Proposal) {
			t.Helper()
			view(t, db, func(tx *store.Tx) error {
				all, err := tx.Proposals(c.theirs.ID, 10)
				if err != nil {
					return err
				}
				if len(all) != n {
					t.Fatalf("%s: %d are there, want %d", what, len(all), n)
				}
				for _, p := range all {
					if p.Ruling == want.Ruling && (p.Back != want.Back || p.Taken != want.Taken || p.Error != want.Error || p.Stopped.IsZero() != want.Stopped.IsZero() || p.Outbox != second || p.By != tess.ID) {
						t.Errorf("%s: it is %+v, want %+v", what, p, want)
					}
				}
				return nil
			})
		}
		want := store.Proposal{Ruling: copse.Banning, Back: true}
		is("asked for", 2, want)
		update(t, db, func(tx *store.Tx) error { return tx.Postpone(home.ID, second, "it answered 403", time.Time{}) })
		want.Error, want.Stopped = "it answered 403", time.Now()
		is("refused", 2, want)
		update(t, db, func(tx *store.Tx) error { return tx.Delivered(home.ID, second) })
		want.Error, want.Stopped, want.Taken = "", time.Time{}, true
		is("taken", 2, want)
		update(t, db, func(tx *store.Tx) error { return tx.Settle(c.theirs.ID, c.people[4].ID, copse.Banning) })
		is("done", 1, want)
		update(t, db, func(tx *store.Tx) error { return tx.TidyProposals(time.Now().Add(-time.Hour)) })
		is("still new", 1, want)
		update(t, db, func(tx *store.Tx) error { return tx.TidyProposals(time.Now().Add(time.Hour)) })
		is("old", 0, want)
	})
}

// What only those who look after a community elsewhere need to know is forgotten when
// nobody here does, and nothing else is.
func TestOthersAreForgottenAndOursAreNot(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newClub(t, db)
		states := map[int]copse.State{0: copse.Active, 1: copse.Pending, 2: copse.Blocked, 3: copse.Active, 4: copse.Pending, 5: copse.Blocked, 6: copse.Left}
		tended := func(want bool) {
			t.Helper()
			view(t, db, func(tx *store.Tx) error {
				got, err := tx.Tended(c.theirs.ID)
				if got != want {
					t.Errorf("somebody here looks after it: %v, want %v", got, want)
				}
				return err
			})
		}
		update(t, db, func(tx *store.Tx) error {
			for i, state := range states {
				if err := tx.SetMembership(standing(c.theirs.ID, c.people[i].ID, state, copse.Moderator)); err != nil {
					return err
				}
			}
			return nil
		})
		tended(true)
		update(t, db, func(tx *store.Tx) error {
			if err := tx.SetMembership(standing(c.theirs.ID, c.people[0].ID, copse.Active, copse.Member)); err != nil {
				return err
			}
			return tx.ForgetOthers(c.theirs.ID)
		})
		tended(false)
		view(t, db, func(tx *store.Tx) error {
			for i, state := range states {
				m, err := tx.Membership(c.theirs.ID, c.people[i].ID)
				if err != nil {
					return err
				}
				if i == 4 || i == 5 {
					state = ""
				}
				if m.State != state {
					t.Errorf("person %d is %q, want %q", i, m.State, state)
				}
			}
			return nil
		})
	})
}
