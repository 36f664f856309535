package store_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"copse/copse"
	"copse/store"
	"copse/store/storetest"
)

func TestALostConnectionIsSaidAndPasses(t *testing.T) {
	db := storetest.OpenPostgres(t)
	for what, run := range map[string]func(context.Context, func(*store.Tx) error) error{"Update": db.Update, "View": db.View} {
		err := run(t.Context(), func(tx *store.Tx) error {
			pid, err := tx.SQL("select pg_backend_pid()")
			if err != nil {
				return err
			}
			view(t, db, func(tx *store.Tx) error { // from another connection
				_, err := tx.SQL("select pg_terminate_backend(" + pid[0] + ")")
				return err
			})
			_, err = tx.SQL("select 1")
			return err
		})
		var told *copse.Error
		if !errors.As(err, &told) || told.Code != copse.CodeUnavailable || told.RetryAfter <= 0 {
			t.Errorf("%s was answered %v, want to try again later", what, err)
		}
		update(t, db, set("a", "1"))
	}
}

func TestAServerThatIsNotThereIsSaid(t *testing.T) {
	_, err := store.Open(t.Context(), "postgres://nobody@127.0.0.1:1/copse")
	if err == nil {
		t.Fatal("Open succeeded")
	}
}

// Two transactions that each wait for what the other has: the one that
// PostgreSQL breaks off runs again.
func TestADeadlockIsResolved(t *testing.T) {
	db := storetest.OpenPostgres(t)
	update(t, db, func(tx *store.Tx) error {
		for _, name := range []string{"a", "b"} {
			if err := tx.SetSetting(name, "0"); err != nil {
				return err
			}
		}
		return nil
	})
	var met, all sync.WaitGroup
	met.Add(2)
	var runs [2]int
	for i, order := range [][2]string{{"a", "b"}, {"b", "a"}} {
		all.Go(func() {
			err := db.Update(t.Context(), func(tx *store.Tx) error {
				if err := tx.SetSetting(order[0], fmt.Sprint(i)); err != nil {
					return err
				}
				if runs[i]++; runs[i] == 1 {
					met.Done()
					met.Wait()
				}
				return tx.SetSetting(order[1], fmt.Sprint(i))
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if runs[0]+runs[1] < 3 { // the one that goes on may meet the other again
		t.Errorf("they ran %d and %d times, want one of them twice", runs[0], runs[1])
	}
	if a, b := setting(t, db, "a"), setting(t, db, "b"); a != b {
		t.Errorf("a is %s and b is %s: the two are mixed", a, b)
	}
}

// Nobody could tell whether a commit that is broken off has happened.
func TestACommitIsNotBrokenOff(t *testing.T) {
	db := storetest.OpenPostgres(t)
	gone, leave := context.WithCancel(t.Context())
	err := db.Update(gone, func(tx *store.Tx) error {
		err := tx.SetSetting("a", "1")
		leave()
		return err
	})
	if err != nil || setting(t, db, "a") != "1" {
		t.Errorf("answered %v, and a is %q", err, setting(t, db, "a"))
	}
	err = db.Update(gone, set("a", "2"))
	if !errors.Is(err, context.Canceled) || setting(t, db, "a") != "1" {
		t.Errorf("who has gone before is answered %v, and a is %q", err, setting(t, db, "a"))
	}
}

func TestProcessesMayStartTogether(t *testing.T) {
	url := storetest.PostgresURL(t)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			db, err := store.Open(t.Context(), url)
			if err != nil {
				t.Error(err)
				return
			}
			if err := db.Update(t.Context(), set("a", "1")); err != nil {
				t.Error(err)
			}
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

func TestFailingOperationsLeaveNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		wrong := errors.New("wrong")
		for what, end := range map[string]func() error{"fails": func() error { return wrong }, "panics": func() error { panic("oh") }} {
			err := db.Update(t.Context(), func(tx *store.Tx) error {
				if err := tx.SetSetting("a", what); err != nil {
					return err
				}
				return end()
			})
			if err == nil || setting(t, db, "a") != "" {
				t.Errorf("what %s was answered %v and left %q", what, err, setting(t, db, "a"))
			}
		}
	})
}
