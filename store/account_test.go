package store_test

import (
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"copse/copse"
	"copse/store"
	"copse/store/storetest"
)

// registered adds people with accounts.
func registered(t *testing.T, db *store.DB, names ...string) (people []*copse.Actor, accounts []*store.Account) {
	t.Helper()
	update(t, db, func(tx *store.Tx) error {
		for _, name := range names {
			a := someone(name, "york.example", true)
			n := &store.Account{
				Actor: a.ID, Email: name + "@york.example", Password: "$argon2id$", Role: store.Ordinary, Language: "cy", Created: a.Created,
			}
			if err := tx.AddActor(a); err != nil {
				return err
			}
			if err := tx.AddAccount(n); err != nil {
				return err
			}
			people, accounts = append(people, a), append(accounts, n)
		}
		return nil
	})
	return people, accounts
}

func TestAccountsReadAsWritten(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		people, accounts := registered(t, db, "ann")
		want := accounts[0]
		check := func() {
			t.Helper()
			view(t, db, func(tx *store.Tx) error {
				byActor, err := tx.Account(want.Actor)
				if err != nil {
					return err
				}
				byEmail, err := tx.AccountByEmail(want.Email)
				if err != nil {
					return err
				}
				login, err := tx.Login(want.Actor)
				if err != nil {
					return err
				}
				for way, got := range map[string]*store.Account{"Account": byActor, "AccountByEmail": byEmail, "Login": login.Account} {
					if !reflect.DeepEqual(got, want) {
						t.Errorf("%s is %+v, want %+v", way, got, want)
					}
				}
				if !reflect.DeepEqual(login.Person, people[0]) {
					t.Errorf("whose it is: %+v, want %+v", login.Person, people[0])
				}
				return nil
			})
		}
		check()
		want.Email, want.Password, want.Role, want.Language = "ann@hull.example", "$argon2id$2", store.Owner, "en"
		want.Confirmed, want.Approved = want.Created.Add(time.Minute), want.Created.Add(time.Hour)
		changed := *want
		changed.Created = time.Now()
		update(t, db, func(tx *store.Tx) error { return tx.SetAccount(&changed) })
		check()
	})
}

func TestAnAddressHasOneAccount(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		_, accounts := registered(t, db, "ann", "bob")
		carl := someone("carl", "york.example", true)
		update(t, db, func(tx *store.Tx) error { return tx.AddActor(carl) })
		err := db.Update(t.Context(), func(tx *store.Tx) error {
			return tx.AddAccount(&store.Account{Actor: carl.ID, Email: "ann@york.example", Created: tx.Now})
		})
		if copse.CodeOf(err) != copse.CodeConflict {
			t.Errorf("AddAccount = %v, want it refused", err)
		}
		bob := *accounts[1]
		bob.Email = "ann@york.example"
		err = db.Update(t.Context(), func(tx *store.Tx) error { return tx.SetAccount(&bob) })
		if copse.CodeOf(err) != copse.CodeConflict {
			t.Errorf("SetAccount = %v, want it refused", err)
		}
		update(t, db, func(tx *store.Tx) error { return tx.SetAccount(accounts[1]) }) // to what it is
	})
}

func TestAccountsCountOnceTheirAddressIsProved(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		_, accounts := registered(t, db, "ann", "bob", "carl")
		accounts[0].Role, accounts[1].Role = store.Owner, store.Owner
		accounts[1].Confirmed, accounts[2].Confirmed = time.Now(), time.Now()
		update(t, db, func(tx *store.Tx) error {
			for _, n := range accounts {
				if err := tx.SetAccount(n); err != nil {
					return err
				}
			}
			owners, err := tx.Owners()
			if err != nil {
				return err
			}
			people, err := tx.People()
			if owners != 1 || people != 2 {
				t.Errorf("%d owners and %d people, want 1 and 2", owners, people)
			}
			return err
		})
	})
}

func TestALinkWorksOnceAndOnlyTheNewest(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		people, _ := registered(t, db, "ann", "bob")
		ann, bob := people[0].ID, people[1].ID
		soon := time.Now().Add(time.Hour).UTC().Truncate(time.Microsecond)
		add := func(token, purpose string, actor copse.ID, expires time.Time) {
			t.Helper()
			update(t, db, func(tx *store.Tx) error { return tx.AddToken(token, purpose, actor, expires) })
		}
		use := func(token, purpose string, want bool) {
			t.Helper()
			update(t, db, func(tx *store.Tx) error {
				got, err := tx.UseToken(token, purpose)
				if got != want {
					t.Errorf("%s works to %s: %v, want %v", token, purpose, got, want)
				}
				return err
			})
		}
		add("first", "reset", ann, soon)
		add("confirms", "confirm", ann, soon)
		add("bobs", "reset", bob, soon)
		add("setup", "setup", 0, soon)
		add("second", "reset", ann, soon)
		add("late", "confirm", bob, time.Now().Add(-time.Second))
		view(t, db, func(tx *store.Tx) error {
			got, err := tx.Token("second", "reset")
			if want := (store.Token{Actor: ann, Expires: soon}); err == nil && got != want {
				t.Errorf("the link is %+v, want %+v", got, want)
			}
			kept, err2 := tx.SQL("select hash from tokens where hash = 'second'")
			if len(kept) > 0 {
				t.Error("the link itself is kept")
			}
			if err == nil {
				err = err2
			}
			return err
		})
		use("first", "reset", false) // superseded
		use("second", "confirm", false)
		use("second", "reset", true)
		use("second", "reset", false)
		use("confirms", "confirm", true) // not what another purpose supersedes
		use("bobs", "reset", true)
		use("late", "confirm", false)
		use("unknown", "reset", false)
		add("setup2", "setup", 0, soon)
		use("setup", "setup", false)
		use("setup2", "setup", true)
		view(t, db, func(tx *store.Tx) error {
			got, err := tx.Token("setup2", "setup")
			if err == nil && (got.Used.IsZero() || got.Actor != 0) {
				t.Errorf("a used link is %+v", got)
			}
			return err
		})
	})
}

func TestOneOfManyWhoClickAtOnceUsesTheLink(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		update(t, db, func(tx *store.Tx) error { return tx.AddToken("setup", "setup", 0, tx.Now.Add(time.Hour)) })
		var used atomic.Int32
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				err := db.Update(t.Context(), func(tx *store.Tx) error {
					ok, err := tx.UseToken("setup", "setup")
					if ok {
						used.Add(1)
					}
					return err
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if n := used.Load(); n != 1 {
			t.Errorf("it worked %d times", n)
		}
	})
}

func TestSessionsExpireAndEnd(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		people, _ := registered(t, db, "ann", "bob")
		ann, bob := people[0].ID, people[1].ID
		soon := time.Now().Add(time.Hour)
		update(t, db, func(tx *store.Tx) error {
			for _, s := range []struct {
				token   string
				actor   copse.ID
				content string
				expires time.Time
			}{
				{"phone", ann, "old", soon}, {"phone", ann, "new", soon}, {"desk", ann, "x", soon}, {"bob", bob, "x", soon},
				{"nobody", 0, "x", soon}, {"late", ann, "x", time.Now().Add(-time.Second)},
				{"signs in", 0, "x", soon}, {"signs in", bob, "x", soon},
			} {
				if err := tx.SetSession(s.token, s.actor, []byte(s.content), s.expires); err != nil {
					return err
				}
			}
			return nil
		})
		check := func(what, want string) {
			t.Helper()
			view(t, db, func(tx *store.Tx) error {
				var there []string
				for _, token := range []string{"phone", "desk", "bob", "nobody", "late", "signs in"} {
					content, err := tx.Session(token)
					if err != nil {
						return err
					}
					if content != nil {
						there = append(there, token)
					}
					if token == "phone" && content != nil && string(content) != "new" {
						t.Errorf("%s: the phone's session holds %q", what, content)
					}
				}
				if got := strings.Join(there, ","); got != want {
					t.Errorf("%s: signed in are %s, want %s", what, got, want)
				}
				return nil
			})
		}
		check("at first", "phone,desk,bob,nobody,signs in")
		update(t, db, func(tx *store.Tx) error { return tx.DropSession("desk") })
		check("signed out", "phone,bob,nobody,signs in")
		update(t, db, func(tx *store.Tx) error { return tx.DropSessions(bob) })
		check("bob signed out everywhere", "phone,nobody")
		update(t, db, func(tx *store.Tx) error { return tx.DropSessions(ann) })
		check("ann too", "nobody")
	})
}

func TestWhatHasExpiredIsForgotten(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		now := time.Now()
		update(t, db, func(tx *store.Tx) error {
			for token, expires := range map[string]time.Time{"new": now.Add(time.Hour), "old": now.Add(-time.Hour), "ancient": now.AddDate(0, -2, 0)} {
				if err := tx.SetSession(token, 0, []byte("x"), expires); err != nil {
					return err
				}
				if err := tx.AddToken(token, token, 0, expires); err != nil {
					return err
				}
			}
			return tx.TidyAccounts()
		})
		view(t, db, func(tx *store.Tx) error {
			kept, err := tx.SQL("select token from sessions")
			if strings.Join(kept, ",") != "new" {
				t.Errorf("the sessions %v are kept, want the new one", kept)
			}
			if err != nil {
				return err
			}
			// An old link is remembered for a while, to say why it does not work.
			for token, want := range map[string]copse.Code{"new": 0, "old": 0, "ancient": copse.CodeNotFound} {
				if _, err := tx.Token(token, token); copse.CodeOf(err) != want {
					t.Errorf("the %s link: %v", token, err)
				}
			}
			return nil
		})
	})
}
