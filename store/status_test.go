package store_test

import (
	"errors"
	"testing"
	"time"

	"copse/copse"
	"copse/store"
	"copse/store/storetest"
)

// What waits for a peer is what its communities announced after its cursor and
// what is addressed to it alone, each once, and nothing that was given up.
func TestStatusCountsWhatWaits(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		trees := founded("trees", "york.example")
		far := founded("hedges", "hull.example")
		ann := someone("ann", "york.example", true)
		bob := someone("bob", "hull.example", false)
		var hull, leeds *copse.Peer
		send := func(tx *store.Tx, name string, community copse.ID) copse.ID {
			t.Helper()
			o := &store.Outgoing{URI: "https://york.example/activities/" + name, Type: "Create", Community: community, Signer: trees.ID, Body: []byte(name)}
			if err := tx.Append(o); err != nil {
				t.Fatal(err)
			}
			return o.ID
		}
		before := time.Now().Add(-time.Second)
		update(t, db, func(tx *store.Tx) (err error) {
			for _, c := range []*copse.Community{trees, far} {
				if err := tx.AddCommunity(c); err != nil {
					return err
				}
			}
			if err := errors.Join(tx.AddActor(ann), tx.AddActor(bob)); err != nil {
				return err
			}
			if hull, err = tx.PeerAt("hull.example"); err != nil {
				return err
			}
			if leeds, err = tx.PeerAt("leeds.example"); err != nil {
				return err
			}
			send(tx, "before-bob", trees.ID)
			if err := tx.SetMembership(standing(trees.ID, bob.ID, copse.Active, copse.Member)); err != nil {
				return err
			}
			taken := send(tx, "taken", trees.ID)
			if err := tx.SetCursor(hull.ID, taken); err != nil {
				return err
			}
			both := send(tx, "both", trees.ID)
			send(tx, "announced", trees.ID)
			alone, dead := send(tx, "alone", 0), send(tx, "dead", 0)
			return errors.Join(
				tx.Address(both, hull.ID, ""), tx.Address(alone, leeds.ID, ""), tx.Address(dead, leeds.ID, ""),
				tx.Postpone(leeds.ID, dead, "gone", time.Time{}))
		})
		update(t, db, func(tx *store.Tx) error {
			for _, body := range []string{"one", "two", "three"} {
				r := &store.Received{Host: "hull.example", Body: []byte(body)}
				if _, err := tx.Park("bob", r); err != nil {
					return err
				}
				if body == "three" {
					if err := tx.Retry(r.ID, "nonsense", time.Time{}); err != nil {
						return err
					}
				}
			}
			sent, waits := &store.Mail{To: "a@b.example"}, &store.Mail{To: "a@b.example"}
			return errors.Join(tx.QueueMail(sent), tx.QueueMail(waits), tx.SentMail(sent.ID),
				tx.AddAccount(&store.Account{Actor: ann.ID, Email: "ann@york.example", Created: before, Confirmed: before}))
		})

		st, err := db.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got := st.Waits[hull.ID].Activities; got != 2 {
			t.Errorf("%d activities wait for hull.example, want 2", got)
		}
		if got := st.Waits[leeds.ID].Activities; got != 1 {
			t.Errorf("%d activities wait for leeds.example, want 1", got)
		}
		if oldest := st.Waits[hull.ID].Oldest; oldest.Before(before) || oldest.After(time.Now().Add(time.Second)) {
			t.Errorf("what waits for hull.example waits since %s, want since just now", oldest)
		}
		got := []int{st.People, st.Communities, st.Elsewhere, st.Received, st.SetAside, st.Mails}
		want := []int{1, 1, 1, 2, 1, 1}
		for i, what := range []string{"people", "communities", "communities elsewhere", "received", "set aside", "mails"} {
			if got[i] != want[i] {
				t.Errorf("%d %s, want %d", got[i], what, want[i])
			}
		}
		if st.Size <= 0 || st.Engine == "" {
			t.Errorf("the database is %d bytes of %q", st.Size, st.Engine)
		}
	})
}
