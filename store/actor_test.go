package store_test

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"copse/copse"
	"copse/store"
	"copse/store/storetest"
)

// someone has a value in every field.
func someone(name, host string, local bool) *copse.Actor {
	uri := "https://" + host + "/u/" + name
	at := time.Date(2027, 3, 1, 12, 0, 0, 1000, time.UTC)
	return &copse.Actor{
		ID: store.NewID(), Type: copse.Person, URI: uri, Name: name, Host: host, Title: "Ann Ŵyn", Summary: "<p>Trees</p>",
		Source: "Trees", JobTitle: "Officer", URL: uri + "?page", Inbox: uri + "/inbox", SharedInbox: "https://" + host + "/inbox",
		KeyID: uri + "#main-key", PublicKey: "PEM", Multikeys: []copse.Multikey{{ID: uri + "#ed25519-key", Key: "z6Mk"}}, Vouched: true, Local: local, Created: at, Fetched: at.Add(time.Hour),
	}
}

func TestActorsReadAsWritten(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		check := func(want *copse.Actor) {
			t.Helper()
			view(t, db, func(tx *store.Tx) error {
				ways := map[string]func() (*copse.Actor, error){
					"Actor":      func() (*copse.Actor, error) { return tx.Actor(want.ID) },
					"ActorByURI": func() (*copse.Actor, error) { return tx.ActorByURI(want.URI) },
					"ActorByKey": func() (*copse.Actor, error) { return tx.ActorByKey(want.KeyID) },
				}
				if want.Local {
					ways["ActorByName"] = func() (*copse.Actor, error) { return tx.ActorByName(want.Name) }
				}
				for way, read := range ways {
					got, err := read()
					if err != nil {
						t.Errorf("%s: %v", way, err)
					} else if !reflect.DeepEqual(got, want) {
						t.Errorf("%s read %+v\nwant %+v", way, got, want)
					}
				}
				return nil
			})
		}
		for _, host := range []string{"york.example", "hull.example"} {
			ann := someone("ann", host, host == "york.example")
			update(t, db, func(tx *store.Tx) error { return tx.AddActor(ann) })
			check(ann)

			changed := *ann
			changed.Title, changed.Summary, changed.Source, changed.JobTitle, changed.URL = "Ann", "<p>Hedges</p>", "Hedges", "Head", ""
			changed.Inbox, changed.SharedInbox, changed.KeyID, changed.PublicKey = "https://x.example/in", "", "https://x.example/"+host, "PEM2"
			changed.Multikeys = []copse.Multikey{{ID: "https://x.example/1", Key: "z1"}, {ID: "https://x.example/2", Key: "z2"}}
			changed.Vouched, changed.Fetched, changed.Gone = false, time.Time{}, ann.Created.Add(time.Minute)
			want := changed
			if ann.Local { // AddKey and AddProvingKey alone give one of ours a key
				want.KeyID, want.PublicKey, want.Multikeys = ann.KeyID, ann.PublicKey, ann.Multikeys
			}
			changed.URI, changed.Name, changed.Host, changed.Type = "https://evil.example/", "evil", "evil.example", copse.Group
			changed.Local = !ann.Local
			update(t, db, func(tx *store.Tx) error { return tx.SetActor(&changed) })
			check(&want)
		}
	})
}

func TestANameOrURIIsGivenOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		update(t, db, func(tx *store.Tx) error { return tx.AddActor(someone("ann", "york.example", true)) })
		add := func(a *copse.Actor) error {
			return db.Update(t.Context(), func(tx *store.Tx) error { return tx.AddActor(a) })
		}
		group := someone("ann", "york.example", true)
		group.Type, group.URI = copse.Group, "https://york.example/c/ann"
		if err := add(group); copse.CodeOf(err) != copse.CodeInvalid {
			t.Errorf("a community of a person's name = %v, want it refused", err)
		}
		again := someone("bob", "york.example", true)
		again.URI = "https://york.example/u/ann"
		if err := add(again); copse.CodeOf(err) != copse.CodeInvalid {
			t.Errorf("a URI that is taken = %v, want it refused", err)
		}
		// What others do with names at their own place is up to them.
		theirs, too := someone("ann", "hull.example", false), someone("ann", "hull.example", false)
		too.Type, too.URI = copse.Group, "https://hull.example/c/ann"
		for _, a := range []*copse.Actor{theirs, too} {
			if err := add(a); err != nil {
				t.Errorf("a remote actor of that name: %v", err)
			}
		}
		view(t, db, func(tx *store.Tx) error {
			for _, want := range []*copse.Actor{theirs, too} {
				got, err := tx.ActorAt("ann", "hull.example", want.Type)
				if err != nil || got.ID != want.ID {
					t.Errorf("the %s ann@hull.example is %+v, %v", want.Type, got, err)
				}
			}
			if got, err := tx.ActorByName("ann"); err != nil || got.Host != "york.example" {
				t.Errorf("ann here is %+v, %v", got, err)
			}
			return nil
		})
	})
}

// A server that was set up anew has other actors of the same names.
func TestANameAtAHostIsWhoIsThereNow(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		first, second, third := someone("ann", "hull.example", false), someone("ann", "hull.example", false), someone("ann", "hull.example", false)
		second.URI, third.URI = "https://hull.example/2", "https://hull.example/3"
		third.Gone = time.Now()
		update(t, db, func(tx *store.Tx) error {
			for _, a := range []*copse.Actor{first, second, third} {
				if err := tx.AddActor(a); err != nil {
					return err
				}
			}
			return tx.SetActor(third)
		})
		view(t, db, func(tx *store.Tx) error {
			if got, err := tx.ActorAt("ann", "hull.example", copse.Person); err != nil || got.ID != second.ID {
				t.Errorf("ann@hull.example is %+v, %v; want the newest that is not gone", got, err)
			}
			return nil
		})
	})
}

func TestAnActorGetsOneKeyOfEachSort(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ann := someone("ann", "york.example", true)
		update(t, db, func(tx *store.Tx) error { return tx.AddActor(ann) })
		for i, want := range []bool{true, false} {
			update(t, db, func(tx *store.Tx) error {
				key := string(rune('1' + i))
				fresh, err := tx.AddKey(ann.ID, "id"+key, "public"+key, "private"+key)
				if fresh != want {
					t.Errorf("AddKey number %d = %v, want %v", i, fresh, want)
				}
				if err != nil {
					return err
				}
				fresh, err = tx.AddProvingKey(ann.ID, copse.Multikey{ID: "id" + key, Key: "z" + key}, "proving"+key)
				if fresh != want {
					t.Errorf("AddProvingKey number %d = %v, want %v", i, fresh, want)
				}
				return err
			})
		}
		view(t, db, func(tx *store.Tx) error {
			private, err := tx.PrivateKey(ann.ID)
			if err != nil || private != "private1" {
				t.Errorf("the private key is %q, %v", private, err)
			}
			a, err := tx.ActorByKey("id1")
			if err != nil || a.ID != ann.ID || a.PublicKey != "public1" {
				t.Errorf("the public key is %+v, %v", a, err)
			}
			private, err = tx.ProvingKey(ann.ID)
			if err != nil || private != "proving1" {
				t.Errorf("the private key for proofs is %q, %v", private, err)
			}
			if want := []copse.Multikey{{ID: "id1", Key: "z1"}}; !reflect.DeepEqual(a.Multikeys, want) {
				t.Errorf("the public key for proofs is %v, want %v", a.Multikeys, want)
			}
			return nil
		})
	})
}

func TestWhatIsNotThereIsNotFound(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		keyless := someone("bob", "hull.example", false)
		keyless.KeyID, keyless.PublicKey = "", ""
		update(t, db, func(tx *store.Tx) error { return tx.AddActor(keyless) })
		view(t, db, func(tx *store.Tx) error {
			for way, read := range map[string]func() error{
				"Actor":          func() error { _, err := tx.Actor(1); return err },
				"ActorByURI":     func() error { _, err := tx.ActorByURI("x"); return err },
				"ActorByKey":     func() error { _, err := tx.ActorByKey("x"); return err },
				"no key":         func() error { _, err := tx.ActorByKey(""); return err },
				"ActorByName":    func() error { _, err := tx.ActorByName("x"); return err },
				"ActorAt":        func() error { _, err := tx.ActorAt("x", "y", copse.Person); return err },
				"PrivateKey":     func() error { _, err := tx.PrivateKey(1); return err },
				"ProvingKey":     func() error { _, err := tx.ProvingKey(1); return err },
				"Community":      func() error { _, err := tx.Community(1); return err },
				"CommunityByURI": func() error { _, err := tx.CommunityByURI("x"); return err },
				"Communities":    func() error { _, err := tx.Communities(store.Directory{Before: 1, N: 1}); return err },
				"Object":         func() error { _, err := tx.Object(1); return err },
				"ObjectByURI":    func() error { _, err := tx.ObjectByURI("x"); return err },
				"Post":           func() error { _, err := tx.Post(copse.Viewer{}, 1); return err },
				"PostByURI":      func() error { _, err := tx.PostByURI(copse.Viewer{}, "x"); return err },
				"PlaceOf":        func() error { _, err := tx.PlaceOf(copse.Viewer{}, 1); return err },
				"Peer":           func() error { _, err := tx.Peer("x"); return err },
				"PeerByID":       func() error { _, err := tx.PeerByID(1); return err },
				"OutgoingByURI":  func() error { _, err := tx.OutgoingByURI(""); return err },
				"Account":        func() error { _, err := tx.Account(1); return err },
				"AccountByEmail": func() error { _, err := tx.AccountByEmail("x"); return err },
				"Login":          func() error { _, err := tx.Login(1); return err },
				"Token":          func() error { _, err := tx.Token("x", "y"); return err },
			} {
				if err := read(); copse.CodeOf(err) != copse.CodeNotFound {
					t.Errorf("%s = %v, want that there is nothing", way, err)
				}
			}
			return nil
		})
	})
}

// Keys are forgotten of one of ours, or of all of them, and of nobody elsewhere.
func TestKeysAreForgotten(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ann, joan, bob := someone("ann", "york.example", true), someone("joan", "york.example", true), someone("bob", "hull.example", false)
		ann.Inbox, joan.Inbox = "https://york.example/u/ann/inbox", "https://york.example/u/joan/inbox"
		update(t, db, func(tx *store.Tx) error {
			for _, a := range []*copse.Actor{ann, joan, bob} {
				if err := tx.AddActor(a); err != nil {
					return err
				}
			}
			for _, a := range []*copse.Actor{ann, joan} {
				if _, err := tx.AddKey(a.ID, a.KeyID, "PEM", "private"); err != nil {
					return err
				}
				if _, err := tx.AddProvingKey(a.ID, a.Multikeys[0], "private"); err != nil {
					return err
				}
			}
			return nil
		})
		withKeys := func(want ...*copse.Actor) {
			t.Helper()
			view(t, db, func(tx *store.Tx) error {
				for _, a := range []*copse.Actor{ann, joan, bob} {
					has := slices.Contains(want, a)
					for _, id := range []string{a.KeyID, a.Multikeys[0].ID} {
						if _, err := tx.ActorByKey(id); (err == nil) != has {
							t.Errorf("%s is found by %s: %v, want %v", a.Name, id, err, has)
						}
					}
					if !a.Local {
						continue
					}
					for _, read := range []func(copse.ID) (string, error){tx.PrivateKey, tx.ProvingKey} {
						if _, err := read(a.ID); (err == nil) != has {
							t.Errorf("the private key of %s: %v, want %v", a.Name, err, has)
						}
					}
				}
				return nil
			})
		}
		forget := func(want int, do func(*store.Tx) (int, error)) {
			t.Helper()
			update(t, db, func(tx *store.Tx) error {
				if n, err := do(tx); err != nil || n != want {
					t.Errorf("forgotten of %d, %v, want %d", n, err, want)
				}
				return nil
			})
		}
		withKeys(ann, joan, bob)
		forget(1, func(tx *store.Tx) (int, error) { return tx.ForgetKeys(ann.ID) })
		withKeys(joan, bob)
		forget(0, func(tx *store.Tx) (int, error) { return tx.ForgetKeys(bob.ID) })
		forget(1, (*store.Tx).ForgetAllKeys)
		withKeys(bob)
	})
}
