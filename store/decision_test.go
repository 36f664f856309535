package store_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"copse/copse"
	"copse/store"
	"copse/store/storetest"
)

func TestAPeerIsHeldWhilePausedOrTheExchangeIsOff(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		var hull *copse.Peer
		update(t, db, func(tx *store.Tx) (err error) {
			hull, err = tx.PeerAt("hull.example")
			return err
		})
		check := func(what string, paused, others, off bool) {
			t.Helper()
			view(t, db, func(tx *store.Tx) error {
				for host, want := range map[string]bool{"hull.example": paused, "york.example": others} {
					if got, err := tx.Held(host); err != nil || got != want {
						t.Errorf("%s: that %s is held is %v (%v), want %v", what, host, got, err, want)
					}
				}
				since, err := tx.ExchangeOff()
				if since.IsZero() == off {
					t.Errorf("%s: off since %v", what, since)
				}
				return err
			})
		}
		check("new", false, false, false)
		update(t, db, func(tx *store.Tx) error { return tx.Pause(hull.ID) })
		check("paused", true, false, false)
		update(t, db, func(tx *store.Tx) error { return tx.SetExchange(false) })
		check("off", true, true, true)
		update(t, db, func(tx *store.Tx) error { return tx.Resume(hull.ID) })
		check("resumed and off", true, true, true)
		update(t, db, func(tx *store.Tx) error { return tx.SetExchange(true) })
		check("on", false, false, false)
	})
}

func TestPeersWithTroubleComeFirst(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		update(t, db, func(tx *store.Tx) error {
			for i, title := range []string{"York", "Hull_100%", "", "Leeds", "Bath"} {
				p, err := tx.PeerAt(fmt.Sprintf("p%d.example", i))
				if err != nil {
					return err
				}
				p.Title = title
				if err := tx.DescribePeer(p); err != nil {
					return err
				}
				switch title {
				case "York":
					p.State = copse.PeerDormant
					err = tx.SetHealth(p)
				case "Leeds":
					err = tx.Pause(p.ID)
				}
				if err != nil {
					return err
				}
			}
			return nil
		})
		view(t, db, func(tx *store.Tx) error {
			for want, search := range map[string]store.PeerSearch{
				"[p3.example p0.example p4.example p1.example p2.example]": {N: 9},
				"[p4.example p1.example]":                                  {After: 2, N: 2},
				"[p3.example p0.example]":                                  {Trouble: true, N: 9},
				"[p0.example]":                                             {Text: "yORK", N: 9},
				"[p1.example]":                                             {Text: "_100%", N: 9},
				"[p2.example]":                                             {Text: "p2.ex", N: 9},
				"[]":                                                       {Text: "%%", N: 9},
			} {
				found, err := tx.FindPeers(search)
				if err != nil {
					return err
				}
				var hosts []string
				for _, p := range found {
					hosts = append(hosts, p.Host)
				}
				if got := fmt.Sprint(hosts); got != want {
					t.Errorf("%+v finds %s, want %s", search, got, want)
				}
			}
			return nil
		})
	})
}

func TestWhatAPeerHasNotGot(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		m := newMailroom(t, db, "hull.example")
		hull := m.peers["hull.example"]
		m.send(t, db, 0) // before it had a member there
		m.join(t, db, "hull.example", 0, copse.Active)
		all := []*store.Outgoing{m.send(t, db, 0), m.send(t, db, -1), m.send(t, db, 0), m.send(t, db, 0)}
		m.send(t, db, 1) // where it has none
		update(t, db, func(tx *store.Tx) error {
			if err := tx.Address(all[1].ID, hull.ID, ""); err != nil {
				return err
			}
			if err := tx.SetCursor(hull.ID, all[2].ID); err != nil {
				return err
			}
			hull.Cursor = all[2].ID
			if err := tx.Postpone(hull.ID, all[0].ID, "it answered 500", tx.Now.Add(time.Hour)); err != nil {
				return err
			}
			return tx.Postpone(hull.ID, all[2].ID, "it answered 400", time.Time{})
		})
		view(t, db, func(tx *store.Tx) error {
			for most, want := range map[int]int{100: 3, 2: 2} {
				w, err := tx.Awaited(hull, most)
				if err != nil {
					return err
				}
				if w.Activities != want || time.Since(w.Oldest) > time.Minute {
					t.Errorf("counting to %d: %+v wait, want %d", most, w, want)
				}
			}
			missed, err := tx.MissingAt(hull, 3)
			if err != nil {
				return err
			}
			var got []string
			for _, one := range missed {
				where := ""
				if one.Community != nil {
					where = one.Community.Name
				}
				got = append(got, where+": "+one.Error)
			}
			if want := []string{"trees: ", "trees: it answered 400", ": "}; !slices.Equal(got, want) || missed[1].Stopped.IsZero() {
				t.Errorf("missing: %q, want %q", got, want)
			}
			return nil
		})
	})
}
