package store_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"copse/copse"
	"copse/store"
	"copse/store/storetest"
)

// Readers who are cut off at any moment, beside a writer who never rests, do not
// make other readers see somebody else's row.
func TestReadersCutOffDoNotMixUpOthers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		const people = 50
		for i := range people {
			err := db.Update(t.Context(), func(tx *store.Tx) error {
				a := &copse.Actor{ID: store.NewID(), Type: copse.Person, URI: fmt.Sprintf("https://york.example/u/p%d", i), Name: fmt.Sprintf("p%d", i), Host: "york.example", Local: true, Created: tx.Now}
				if err := tx.AddActor(a); err != nil {
					return err
				}
				return tx.AddAccount(&store.Account{Actor: a.ID, Email: fmt.Sprintf("p%d@york.example", i), Role: store.Ordinary, Created: tx.Now})
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		ctx, stop := context.WithTimeout(t.Context(), time.Second)
		defer stop()
		var all sync.WaitGroup
		all.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				err := db.Update(t.Context(), func(tx *store.Tx) error { return tx.SetSetting("n", fmt.Sprint(n)) })
				if err != nil {
					t.Error(err)
				}
			}
		})
		for range 8 {
			all.Go(func() {
				for ctx.Err() == nil {
					i := rand.IntN(people)
					email := fmt.Sprintf("p%d@york.example", i)
					one, cut := context.WithTimeout(t.Context(), time.Duration(rand.IntN(400))*time.Microsecond)
					err := db.View(one, func(tx *store.Tx) error {
						for range 3 {
							n, err := tx.AccountByEmail(email)
							if err != nil {
								return err
							}
							l, err := tx.Login(n.Actor)
							if err != nil {
								return err
							}
							if n.Email != email || l.Person.Name != fmt.Sprintf("p%d", i) {
								t.Errorf("asked for %s, got %s of %s", email, n.Email, l.Person.Name)
							}
						}
						return nil
					})
					cut()
					if err != nil && one.Err() == nil {
						t.Errorf("a reader who was not cut off: %v", err)
					}
				}
			})
		}
		all.Wait()
	})
}
