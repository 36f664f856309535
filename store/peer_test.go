package store_test

import (
	"maps"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"copse/copse"
	"copse/store"
	"copse/store/storetest"
)

func TestPeersReadAsWritten(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		var p *copse.Peer
		update(t, db, func(tx *store.Tx) (err error) {
			p, err = tx.PeerAt("hull.example")
			return err
		})
		want := copse.Peer{ID: p.ID, Host: "hull.example", State: copse.PeerOK}
		check := func(what string) {
			t.Helper()
			view(t, db, func(tx *store.Tx) error {
				byHost, err := tx.Peer("hull.example")
				if err != nil {
					return err
				}
				byID, err := tx.PeerByID(p.ID)
				if err != nil {
					return err
				}
				if !reflect.DeepEqual(*byHost, want) || !reflect.DeepEqual(*byID, want) {
					t.Errorf("%s: %+v\nand %+v\nwant %+v", what, byHost, byID, want)
				}
				return nil
			})
		}
		check("new")
		at := time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC)
		// Each method writes what it is for, whatever else is in the peer.
		all := copse.Peer{
			ID: p.ID, Host: "evil.example", Title: "Hull", Software: "copse", Version: "1", Policy: copse.Block, Inbox: "https://hull.example/inbox",
			RFC9421: true, Ed25519: true, Refused: at, Looked: at, State: copse.PeerFailing, Fails: 3, NotUntil: at.Add(time.Hour), Error: "down", LastOK: at,
			LastSeen: at, Cursor: 99, Profile: copse.Batches,
		}
		update(t, db, func(tx *store.Tx) error { return tx.DescribePeer(&all) })
		want.Title, want.Software, want.Version, want.Inbox, want.RFC9421, want.Ed25519, want.Looked, want.Profile = all.Title, all.Software, all.Version, all.Inbox, true, true, at, copse.Batches
		check("described")
		update(t, db, func(tx *store.Tx) error { return tx.SetSigning(&all) })
		want.Refused = at
		check("with a form of signature")
		update(t, db, func(tx *store.Tx) error { return tx.SetHealth(&all) })
		want.State, want.Fails, want.NotUntil, want.Error, want.LastOK = all.State, 3, all.NotUntil, "down", at
		check("failing")
		update(t, db, func(tx *store.Tx) error { return tx.SetPolicy("hull.example", copse.Allow) })
		want.Policy = copse.Allow
		view(t, db, func(tx *store.Tx) error {
			now, err := tx.PeerByID(p.ID)
			want.NotUntil = now.NotUntil // now: what waits for it is looked at anew
			return err
		})
		check("allowed")
		update(t, db, func(tx *store.Tx) error { return tx.SetAgreement(p.ID, at, "Signed") })
		want.Agreed, want.Note = at, "Signed"
		check("agreed")
		update(t, db, func(tx *store.Tx) error { return tx.Heard("hull.example", at) })
		want.LastSeen = at
		check("heard")
		want.Cursor = 10
		for _, cursor := range []copse.ID{10, 5} {
			update(t, db, func(tx *store.Tx) error { return tx.SetCursor(p.ID, cursor) })
		}
		check("on its way; it never goes back")
	})
}

func TestAStrangerCostsNoRow(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		update(t, db, func(tx *store.Tx) error { return tx.Heard("stranger.example", tx.Now) })
		view(t, db, func(tx *store.Tx) error {
			all, err := tx.Peers()
			if len(all) > 0 {
				t.Errorf("%v are known", all)
			}
			return err
		})
	})
}

func TestANewPeerHasNothingToCatchUpWith(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		m := newMailroom(t, db)
		sent := m.send(t, db, 0)
		var all sync.WaitGroup
		var ids [8]copse.ID
		for i := range ids { // found by several at once
			all.Go(func() {
				err := db.Update(t.Context(), func(tx *store.Tx) error {
					p, err := tx.PeerAt("hull.example")
					if err != nil {
						return err
					}
					ids[i] = p.ID
					if p.Cursor != sent.ID {
						t.Errorf("its cursor stands at %d, want at the end, %d", p.Cursor, sent.ID)
					}
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		for _, id := range ids {
			if id != ids[0] {
				t.Errorf("it is %d and %d", ids[0], id)
			}
		}
	})
}

// However many names stand above a host, what was decided about each is found.
func TestPoliciesOfAnyNumberOfHosts(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		hosts := []string{"a.b.c.d.e.example:8443", "a.b.c.d.e.example", "b.c.d.e.example", "c.d.e.example", "d.e.example", "e.example", "example"}
		want := map[string]copse.Policy{"c.d.e.example": copse.Allow, "d.e.example": copse.Block, "example": copse.Block}
		update(t, db, func(tx *store.Tx) error {
			for host, policy := range want {
				if err := tx.SetPolicy(host, policy); err != nil {
					return err
				}
			}
			return tx.SetPolicy("elsewhere.example", copse.Block)
		})
		for n := range len(hosts) + 1 {
			wanted := make(map[string]copse.Policy)
			for _, host := range hosts[:n] {
				if policy, ok := want[host]; ok {
					wanted[host] = policy
				}
			}
			view(t, db, func(tx *store.Tx) error {
				got, err := tx.Policies(hosts[:n])
				if err == nil && !maps.Equal(got, wanted) {
					t.Errorf("of %q: %v, want %v", hosts[:n], got, wanted)
				}
				return err
			})
		}
	})
}

func TestAPolicyCanComeBeforeThePeer(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		update(t, db, func(tx *store.Tx) error { return tx.SetPolicy("evil.example", copse.Block) })
		view(t, db, func(tx *store.Tx) error {
			p, err := tx.Peer("evil.example")
			if err == nil && p.Policy != copse.Block {
				t.Errorf("its policy is %q", p.Policy)
			}
			return err
		})
	})
}

func TestPeersAreListedByNameAndCalledByIt(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		update(t, db, func(tx *store.Tx) error {
			for host, title := range map[string]string{"c.example": "Ashby", "b.example": "Boston", "a.example": "Boston", "z.example": ""} {
				p, err := tx.PeerAt(host)
				if err != nil {
					return err
				}
				p.Title = title
				if err := tx.DescribePeer(p); err != nil {
					return err
				}
			}
			return nil
		})
		view(t, db, func(tx *store.Tx) error {
			all, err := tx.Peers()
			if err != nil {
				return err
			}
			var hosts []string
			for _, p := range all {
				hosts = append(hosts, p.Host)
			}
			if got, want := strings.Join(hosts, " "), "z.example c.example a.example b.example"; got != want {
				t.Errorf("they are listed as %s, want %s", got, want)
			}
			for host, want := range map[string]string{"c.example": "Ashby", "z.example": "z.example", "nowhere.example": "nowhere.example"} {
				if got, err := tx.Title(host); err != nil || got != want {
					t.Errorf("%s is called %q, %v; want %q", host, got, err, want)
				}
			}
			return nil
		})
	})
}
