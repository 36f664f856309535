package store_test

import (
	"slices"
	"testing"
	"time"

	"copse/copse"
	"copse/store"
	"copse/store/storetest"
)

// A log is read on when it is due and somebody here is in the community.
func TestLogsAreDueForThoseWhoAreIn(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ann := someone("ann", "york.example", true)
		trees, elms := founded("trees", "hull.example"), founded("elms", "leeds.example")
		update(t, db, func(tx *store.Tx) error {
			if err := tx.AddActor(ann); err != nil {
				return err
			}
			for _, c := range []*copse.Community{trees, elms} {
				if err := tx.AddCommunity(c); err != nil {
					return err
				}
				if err := tx.SetPull(store.Pull{Community: c.ID, Place: c.URI + "/log?after=1", Due: tx.Now.Add(-time.Minute)}); err != nil {
					return err
				}
			}
			return tx.SetMembership(standing(elms.ID, ann.ID, copse.Pending, copse.Guest))
		})
		due := func(want ...*copse.Community) {
			t.Helper()
			var got, ids []copse.ID
			view(t, db, func(tx *store.Tx) error {
				all, err := tx.DuePulls(10)
				for _, p := range all {
					got = append(got, p.Community)
				}
				return err
			})
			for _, c := range want {
				ids = append(ids, c.ID)
			}
			slices.Sort(got) // two that are due at one time have no order
			slices.Sort(ids)
			if !slices.Equal(got, ids) {
				t.Errorf("%d are due, want %d", got, ids)
			}
		}
		due()
		for _, c := range []*copse.Community{trees, elms} {
			update(t, db, func(tx *store.Tx) error {
				return tx.SetMembership(standing(c.ID, ann.ID, copse.Active, copse.Member))
			})
		}
		due(trees, elms)
		update(t, db, func(tx *store.Tx) error {
			for i, c := range []*copse.Community{trees, elms} {
				next := store.Pull{Community: c.ID, Place: c.URI + "/log?after=2", Due: tx.Now.Add(time.Duration(i+1) * time.Hour)}
				if err := tx.SetPull(next); err != nil {
					return err
				}
			}
			return nil
		})
		due()
		update(t, db, func(tx *store.Tx) error { return tx.PullSoon("leeds.example") })
		due(elms)
	})
}
