package store_test

import (
	"reflect"
	"testing"
	"time"

	"copse/store"
	"copse/store/storetest"
)

func TestAMailIsSentOnceAndItsTextNotKept(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		want := &store.Mail{To: "ann@york.example", Subject: "Croeso i Gŵyl y Coed", Body: "https://york.example/signin?token=secret"}
		update(t, db, func(tx *store.Tx) error { return tx.QueueMail(want) })
		claim := func(what string, n int) {
			t.Helper()
			update(t, db, func(tx *store.Tx) error {
				all, err := tx.ClaimMails(9, time.Hour)
				if len(all) != n {
					t.Errorf("%s: %d are due, want %d", what, len(all), n)
				}
				for _, m := range all {
					if want.Tries++; !reflect.DeepEqual(m, want) {
						t.Errorf("%s: it is %+v, want %+v", what, m, want)
					}
				}
				return err
			})
		}
		claim("queued", 1)
		claim("claimed", 0)
		update(t, db, func(tx *store.Tx) error { return tx.RetryMail(want.ID, "greylisted", time.Now().Add(-time.Second)) })
		claim("to be tried again", 1)
		update(t, db, func(tx *store.Tx) error { return tx.SentMail(want.ID) })
		claim("sent", 0)
		view(t, db, func(tx *store.Tx) error {
			kept, err := tx.SQL(`select body from mails`)
			if err == nil && (len(kept) != 1 || kept[0] != "") {
				t.Errorf("kept is %q", kept)
			}
			return err
		})
	})
}

func TestAMailThatCannotBeSentIsGivenUp(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		m := &store.Mail{To: "nobody@york.example"}
		update(t, db, func(tx *store.Tx) error { return tx.QueueMail(m) })
		update(t, db, func(tx *store.Tx) error { return tx.RetryMail(m.ID, "no such person", time.Time{}) })
		update(t, db, func(tx *store.Tx) error {
			all, err := tx.ClaimMails(9, time.Hour)
			if len(all) > 0 {
				t.Errorf("%v is still due", all)
			}
			return err
		})
	})
}
