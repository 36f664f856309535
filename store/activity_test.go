package store_test

import (
	"fmt"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"copse/copse"
	"copse/store"
	"copse/store/storetest"
)

func TestAnActivityIsRecordedOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ann := someone("ann", "york.example", true)
		update(t, db, func(tx *store.Tx) error { return tx.AddActor(ann) })
		act := func() *copse.Activity {
			return &copse.Activity{URI: "https://york.example/a/1", Type: "Like", Actor: ann}
		}
		var fresh atomic.Int32
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				err := db.Update(t.Context(), func(tx *store.Tx) error {
					is, err := tx.RecordActivity(act())
					if is {
						fresh.Add(1)
					}
					return err
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if n := fresh.Load(); n != 1 {
			t.Errorf("it was new %d times", n)
		}
		view(t, db, func(tx *store.Tx) error {
			for uri, want := range map[string]bool{"https://york.example/a/1": true, "https://york.example/a/2": false} {
				if got, err := tx.Seen(uri); err != nil || got != want {
					t.Errorf("%s has been seen: %v, %v; want %v", uri, got, err, want)
				}
			}
			return nil
		})
	})
}

// What was done is forgotten with the transaction that did it.
func TestWhatFailedHasNotBeenSeen(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ann := someone("ann", "york.example", true)
		update(t, db, func(tx *store.Tx) error { return tx.AddActor(ann) })
		err := db.Update(t.Context(), func(tx *store.Tx) error {
			if _, err := tx.RecordActivity(&copse.Activity{URI: "https://york.example/a/1", Type: "Like", Actor: ann}); err != nil {
				return err
			}
			return fmt.Errorf("no")
		})
		if err == nil {
			t.Fatal("Update succeeded")
		}
		view(t, db, func(tx *store.Tx) error {
			seen, err := tx.Seen("https://york.example/a/1")
			if seen {
				t.Error("it has been seen")
			}
			return err
		})
	})
}

func TestAnActivityIsFoundByItsURI(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ann := someone("ann", "york.example", true)
		update(t, db, func(tx *store.Tx) error {
			if err := tx.AddActor(ann); err != nil {
				return err
			}
			_, err := tx.RecordActivity(&copse.Activity{
				URI: "https://york.example/a/1", Type: "Like", Actor: ann, Object: &copse.Object{URI: "https://hull.example/post/1"},
			})
			return err
		})
		view(t, db, func(tx *store.Tx) error {
			typ, by, object, err := tx.Did("https://york.example/a/1")
			if err != nil || typ != "Like" || by != ann.ID || object != "https://hull.example/post/1" {
				t.Errorf("Did = %s by %d of %s, %v", typ, by, object, err)
			}
			if typ, _, _, err = tx.Did("https://york.example/a/2"); err != nil || typ != "" {
				t.Errorf("what never was: %q, %v", typ, err)
			}
			return nil
		})
	})
}

func TestTheLogSaysWhoDidWhatWhyAndWhen(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		trees, hedges := founded("trees", "york.example"), founded("hedges", "york.example")
		ann, bob := someone("ann", "york.example", true), someone("bob", "hull.example", false)
		o := &copse.Object{URI: "https://york.example/post/1"}
		update(t, db, func(tx *store.Tx) error {
			for _, c := range []*copse.Community{trees, hedges} {
				if err := tx.AddCommunity(c); err != nil {
					return err
				}
			}
			for _, a := range []*copse.Actor{ann, bob} {
				if err := tx.AddActor(a); err != nil {
					return err
				}
			}
			for i, act := range []*copse.Activity{
				{Type: "Create", Actor: bob, Object: o, Community: trees, Via: &trees.Actor},
				{Type: "Accept", Actor: &trees.Actor, By: ann, Inner: &copse.Activity{URI: "https://hull.example/follow"}, Community: trees},
				{Type: "Delete", Actor: ann, Object: o, Community: hedges},
				{Type: "Update", Actor: ann, Subject: &trees.Actor, Community: trees},
				{Type: "Delete", Actor: ann, Object: o, Community: trees, Reason: "spam", Local: true},
				{Type: "Follow", Actor: ann},
			} {
				act.URI = fmt.Sprint("https://york.example/a/", i)
				if _, err := tx.RecordActivity(act); err != nil {
					return err
				}
			}
			return nil
		})
		view(t, db, func(tx *store.Tx) error {
			type line struct{ typ, by, object, reason string }
			want := []line{
				{"Delete", "ann", o.URI, "spam"},
				{"Update", "ann", trees.URI, ""},
				{"Accept", "ann", "https://hull.example/follow", ""},
				{"Create", "bob", o.URI, ""},
			}
			for _, n := range []int{2, 9} {
				all, err := tx.Log(trees.ID, 0, n)
				if err != nil {
					return err
				}
				var got []line
				for _, r := range all {
					got = append(got, line{r.Type, r.By.Name, r.Object, r.Reason})
					if since := time.Since(r.At); since < 0 || since > time.Minute {
						t.Errorf("the log dates it %v", r.At)
					}
				}
				if want := want[:min(n, len(want))]; !reflect.DeepEqual(got, want) {
					t.Errorf("the log is %v, want %v", got, want)
				}
			}
			for uri, want := range map[string]bool{o.URI: true, trees.URI: false, "": false, "https://york.example/post/2": false} {
				if got, _, err := tx.Deleted(uri, ann.ID, hedges.ID); err != nil || got != want {
					t.Errorf("%q was deleted: %v, %v; want %v", uri, got, err, want)
				}
			}
			return nil
		})
	})
}

func TestWhatAnActivityDidIsFoundByItsName(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ann := someone("ann", "york.example", false)
		update(t, db, func(tx *store.Tx) error {
			if err := tx.AddActor(ann); err != nil {
				return err
			}
			_, err := tx.RecordActivity(&copse.Activity{
				URI: "https://york.example/like/1", Type: "Like", Actor: ann, Object: &copse.Object{URI: "https://york.example/o/1"},
			})
			return err
		})
		view(t, db, func(tx *store.Tx) error {
			typ, actor, object, err := tx.Did("https://york.example/like/1")
			if err != nil || typ != "Like" || actor != ann.ID || object != "https://york.example/o/1" {
				t.Errorf("it did %s by %d to %s, %v", typ, actor, object, err)
			}
			if typ, _, _, err = tx.Did("https://york.example/like/2"); err != nil || typ != "" {
				t.Errorf("what nobody knows of did %q, %v", typ, err)
			}
			return nil
		})
	})
}
