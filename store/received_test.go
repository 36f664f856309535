package store_test

import (
	"fmt"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"copse/copse"
	"copse/store"
	"copse/store/storetest"
)

func TestWhatIsParkedReadsAsItCame(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		want := &store.Received{Host: "hull.example", Signature: "keyId=…", Body: []byte("{\"a\":\"\x00\xff\"}")}
		update(t, db, func(tx *store.Tx) error {
			if fresh, err := tx.Park("bob", want); err != nil || !fresh {
				t.Errorf("Park = %v, %v", fresh, err)
			}
			return tx.VerifyReceived(want.ID, "https://hull.example/u/bob")
		})
		want.Signature, want.Signer, want.Tries = "", "https://hull.example/u/bob", 1
		update(t, db, func(tx *store.Tx) error {
			got, err := tx.ClaimReceived(9, time.Minute)
			if err == nil && (len(got) != 1 || !reflect.DeepEqual(got[0], want)) {
				t.Errorf("claimed %+v, want %+v", got, want)
			}
			return err
		})
	})
}

// A stranger who sends another's activity first must not make the true one look
// like a repeat.
func TestARepeatIsTheSameWordsFromTheSameSender(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		update(t, db, func(tx *store.Tx) error {
			for _, tt := range []struct {
				sender, body string
				want         bool
			}{{"bob", "hello", true}, {"bob", "hello", false}, {"eve", "hello", true}, {"bob", "goodbye", true}} {
				fresh, err := tx.Park(tt.sender, &store.Received{Host: "hull.example", Body: []byte(tt.body)})
				if err != nil {
					return err
				}
				if fresh != tt.want {
					t.Errorf("%s from %s is new: %v, want %v", tt.body, tt.sender, fresh, tt.want)
				}
			}
			return nil
		})
	})
}

func TestAParkedActivityIsTriedWhenItIsDue(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		var parked [4]*store.Received
		update(t, db, func(tx *store.Tx) error {
			if next, err := tx.NextReceived(); err != nil || !next.IsZero() {
				t.Errorf("with nothing parked the next is due at %v, %v", next, err)
			}
			for i := range parked {
				parked[i] = &store.Received{Host: []string{"hull.example", "leeds.example"}[i%2], Body: fmt.Append(nil, i)}
				if _, err := tx.Park("bob", parked[i]); err != nil {
					return err
				}
			}
			return nil
		})
		claim := func(what string, n int, want ...copse.ID) {
			t.Helper()
			update(t, db, func(tx *store.Tx) error {
				all, err := tx.ClaimReceived(n, time.Hour)
				var got []copse.ID
				for _, r := range all {
					got = append(got, r.ID)
				}
				if slices.Sort(got); !slices.Equal(got, want) {
					t.Errorf("%s: claimed %v, want %v", what, got, want)
				}
				return err
			})
		}
		soon := time.Now().Add(time.Minute).UTC().Truncate(time.Microsecond)
		claim("at first", 9, parked[0].ID, parked[1].ID, parked[2].ID, parked[3].ID)
		claim("within the lease", 9)
		update(t, db, func(tx *store.Tx) error {
			if err := tx.Retry(parked[0].ID, "no key", time.Now().Add(-time.Second)); err != nil {
				return err
			}
			if err := tx.Retry(parked[1].ID, "no key", time.Now().Add(-time.Minute)); err != nil {
				return err
			}
			if err := tx.Retry(parked[2].ID, "no key", soon); err != nil {
				return err
			}
			return tx.Retry(parked[3].ID, "nonsense", time.Time{})
		})
		claim("the longest due", 1, parked[1].ID)
		update(t, db, func(tx *store.Tx) error { return tx.DropReceived(parked[1].ID) })
		claim("those due", 9, parked[0].ID)
		update(t, db, func(tx *store.Tx) error { return tx.DropReceived(parked[0].ID) })
		view(t, db, func(tx *store.Tx) error {
			if next, err := tx.NextReceived(); err != nil || !next.Equal(soon) {
				t.Errorf("the next is due at %v, %v; want %v", next, err, soon)
			}
			for host, want := range map[string]int{"hull.example": 1, "leeds.example": 0} {
				if got, err := tx.Parked(host, 9); err != nil || got != want {
					t.Errorf("%d wait from %s, %v; want %d", got, host, err, want)
				}
			}
			return nil
		})
	})
}

func TestParkedCountsUpToALimit(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		update(t, db, func(tx *store.Tx) error {
			for i := range 9 {
				if _, err := tx.Park("bob", &store.Received{Host: "hull.example", Body: fmt.Append(nil, i)}); err != nil {
					return err
				}
			}
			for limit, want := range map[int]int{5: 5, 50: 9} {
				if got, err := tx.Parked("hull.example", limit); err != nil || got != want {
					t.Errorf("up to %d there are %d, %v", limit, got, err)
				}
				if got, err := tx.Backlog(limit); err != nil || got != want {
					t.Errorf("from anywhere, up to %d there are %d, %v", limit, got, err)
				}
			}
			return nil
		})
	})
}

// On PostgreSQL the workers are in several processes.
func TestNoTwoWorkersGetTheSameWithinTheLease(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		const n, workers = 100, 8
		update(t, db, func(tx *store.Tx) error {
			for i := range n {
				if _, err := tx.Park("bob", &store.Received{Host: "hull.example", Body: fmt.Append(nil, i)}); err != nil {
					return err
				}
				if err := tx.QueueMail(&store.Mail{To: "ann@york.example"}); err != nil {
					return err
				}
			}
			return nil
		})
		for what, claim := range map[string]func(*store.Tx) ([]copse.ID, error){
			"received": func(tx *store.Tx) (ids []copse.ID, err error) {
				all, err := tx.ClaimReceived(7, time.Hour)
				for _, r := range all {
					ids = append(ids, r.ID)
				}
				return ids, err
			},
			"mail": func(tx *store.Tx) (ids []copse.ID, err error) {
				all, err := tx.ClaimMails(7, time.Hour)
				for _, m := range all {
					ids = append(ids, m.ID)
				}
				return ids, err
			},
		} {
			var mu sync.Mutex // guards got
			got := make(map[copse.ID]int)
			var all sync.WaitGroup
			for range workers {
				all.Go(func() {
					for {
						var ids []copse.ID
						err := db.Update(t.Context(), func(tx *store.Tx) (err error) {
							ids, err = claim(tx)
							return err
						})
						if err != nil {
							t.Error(err)
							return
						}
						mu.Lock()
						for _, id := range ids {
							got[id]++
						}
						enough := len(got) == n
						mu.Unlock()
						if enough {
							return
						}
					}
				})
			}
			all.Wait()
			for _, times := range got {
				if times != 1 {
					t.Errorf("one %s was handed out %d times", what, times)
				}
			}
		}
	})
}

// What could never be performed is forgotten in the end; what still waits is not,
// however old it is.
func TestWhatWasSetAsideIsForgottenInTheEnd(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		aside, waits := &store.Received{Host: "hull.example", Body: []byte("a")}, &store.Received{Host: "hull.example", Body: []byte("b")}
		update(t, db, func(tx *store.Tx) error {
			for _, r := range []*store.Received{aside, waits} {
				if _, err := tx.Park("hull.example", r); err != nil {
					return err
				}
			}
			return tx.Retry(aside.ID, "nobody made it", time.Time{})
		})
		for _, c := range []struct {
			before time.Time
			want   int64
		}{{time.Now().Add(-time.Minute), 0}, {time.Now().Add(time.Minute), 1}, {time.Now().Add(time.Minute), 0}} {
			update(t, db, func(tx *store.Tx) error {
				n, err := tx.TidyReceived(c.before)
				if n != c.want {
					t.Errorf("%d are forgotten, want %d", n, c.want)
				}
				return err
			})
		}
		view(t, db, func(tx *store.Tx) error {
			if n, err := tx.Parked("hull.example", 9); err != nil || n != 1 {
				t.Errorf("%d wait (%v), want 1", n, err)
			}
			return nil
		})
	})
}
