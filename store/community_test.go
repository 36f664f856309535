package store_test

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"copse/copse"
	"copse/store"
	"copse/store/storetest"
)

// founded returns a public community that has not been added yet.
func founded(name, host string) *copse.Community {
	uri := "https://" + host + "/c/" + name
	return &copse.Community{
		Actor: copse.Actor{
			ID: store.NewID(), Type: copse.Group, URI: uri, Name: name, Host: host, Title: name,
			Inbox: uri + "/inbox", Local: host == "york.example", Created: time.Now().UTC().Truncate(time.Microsecond),
		},
		Join: copse.JoinOpen, Audience: copse.Public, Posting: copse.Member, Sharing: copse.SharedAll,
	}
}

func TestCommunitiesReadAsWritten(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		want := founded("trees", "hull.example")
		want.Summary, want.Join, want.Audience, want.Posting, want.Welcome = "<p>For all</p>", copse.JoinApproval, copse.Members, copse.Moderator, "Welcome"
		want.Members, want.Councils, want.Active = 12, 3, want.Created.Add(time.Second)
		want.Sharing, want.Named = copse.SharedNamed, []string{"hull.example", "leeds.example:8443"}
		update(t, db, func(tx *store.Tx) error { return tx.AddCommunity(want) })
		check := func() {
			t.Helper()
			view(t, db, func(tx *store.Tx) error {
				byID, err := tx.Community(want.ID)
				if err != nil {
					return err
				}
				byURI, err := tx.CommunityByURI(want.URI)
				if err != nil {
					return err
				}
				if !reflect.DeepEqual(byID, want) || !reflect.DeepEqual(byURI, want) {
					t.Errorf("read %+v\nand %+v\nwant %+v", byID, byURI, want)
				}
				return nil
			})
		}
		check()

		want.Title, want.Summary, want.Join, want.Audience, want.Posting, want.Welcome = "Hedges", "<p>For some</p>", copse.JoinOpen, copse.Public, copse.Member, ""
		changed := *want
		changed.Members, changed.Councils, changed.Active = 99, 99, time.Now()
		update(t, db, func(tx *store.Tx) error { return tx.SetCommunity(&changed) })
		check()

		want.Members, want.Councils = 13, 4
		update(t, db, func(tx *store.Tx) error { return tx.SetReach(want.ID, 13, 4) })
		check()

		want.Members, want.Councils = math.MaxInt32, 0
		update(t, db, func(tx *store.Tx) error { return tx.SetReach(want.ID, math.MaxInt64, -1) })
		check()
	})
}

func TestClosingClosesWhatWasPublicAndOpeningOpensNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		trees, hedges := founded("trees", "york.example"), founded("hedges", "york.example")
		ids := make(map[string]copse.ID)
		post := func(tx *store.Tx, name string, in *copse.Community, parent string, audience copse.Audience) error {
			o := &copse.Object{
				ID: store.NewID(), URI: "https://york.example/" + name, Kind: "topic", Community: in.ID, Author: in.ID,
				Parent: ids[parent], Audience: audience, Published: tx.Now,
			}
			ids[name] = o.ID
			return tx.AddObject(o)
		}
		update(t, db, func(tx *store.Tx) error {
			for _, c := range []*copse.Community{trees, hedges} {
				if err := tx.AddCommunity(c); err != nil {
					return err
				}
			}
			for _, p := range []struct {
				name, parent string
				in           *copse.Community
			}{{"topic", "", trees}, {"reply", "topic", trees}, {"deleted", "topic", trees}, {"elsewhere", "", hedges}} {
				if err := post(tx, p.name, p.in, p.parent, copse.Public); err != nil {
					return err
				}
			}
			o, err := tx.Object(ids["deleted"])
			if err != nil {
				return err
			}
			return tx.DeleteObject(o, true)
		})
		check := func(when string, want map[string]copse.Audience) {
			t.Helper()
			view(t, db, func(tx *store.Tx) error {
				for name, want := range want {
					if o, err := tx.Object(ids[name]); err != nil || o.Audience != want {
						t.Errorf("%s: %s is for %q, %v; want %q", when, name, o.Audience, err, want)
					}
				}
				return nil
			})
		}
		const public, members = copse.Public, copse.Members
		check("open", map[string]copse.Audience{"topic": public, "reply": public, "deleted": public, "elsewhere": public})

		trees.Audience = members
		update(t, db, func(tx *store.Tx) error { return tx.SetCommunity(trees) })
		// Somebody decided to post in public before it closed.
		update(t, db, func(tx *store.Tx) error { return post(tx, "late", trees, "topic", public) })
		check("closed", map[string]copse.Audience{"topic": members, "reply": members, "deleted": members, "late": members, "elsewhere": public})

		trees.Audience = public
		update(t, db, func(tx *store.Tx) error { return tx.SetCommunity(trees) })
		update(t, db, func(tx *store.Tx) error { return post(tx, "new", trees, "topic", public) })
		check("open again", map[string]copse.Audience{"topic": members, "reply": members, "late": members, "new": public})
	})
}

// A post and the closing of its community may be under way at the same time.
func TestNothingIsLeftPublicInACommunityThatCloses(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for round := range 5 {
			c := founded(fmt.Sprint("trees", round), "york.example")
			update(t, db, func(tx *store.Tx) error { return tx.AddCommunity(c) })
			var all sync.WaitGroup
			for w := range 8 {
				all.Go(func() {
					for i := range 5 {
						err := db.Update(t.Context(), func(tx *store.Tx) error {
							return tx.AddObject(&copse.Object{
								ID: store.NewID(), URI: fmt.Sprintf("https://york.example/%d/%d/%d", round, w, i), Kind: "topic",
								Community: c.ID, Author: c.ID, Audience: copse.Public, Published: tx.Now,
							})
						})
						if err != nil {
							t.Error(err)
						}
					}
				})
			}
			all.Go(func() {
				closed := *c
				closed.Audience = copse.Members
				if err := db.Update(t.Context(), func(tx *store.Tx) error { return tx.SetCommunity(&closed) }); err != nil {
					t.Error(err)
				}
			})
			all.Wait()
			view(t, db, func(tx *store.Tx) error {
				public, err := tx.SQL(`select uri from objects where audience = 'public'`)
				if len(public) > 0 {
					t.Errorf("still public: %v", public)
				}
				return err
			})
		}
	})
}

func TestTheDirectoryFindsCommunitiesByWords(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		update(t, db, func(tx *store.Tx) error {
			for i, c := range []struct{ name, title, summary string }{
				{"wyl", "Gŵyl y Coed", "<p>Digwyddiadau <strong>coed</strong></p>"},
				{"parking", "Parking & permits", "<p>100% of it, under_score and back\\slash</p>"},
				{"trees", "Street trees", "<p>Ash dieback</p>"},
			} {
				added := founded(c.name, "york.example")
				added.Title, added.Summary, added.Active = c.title, c.summary, time.Unix(int64(i+1), 0)
				if err := tx.AddCommunity(added); err != nil {
					return err
				}
			}
			gone := founded("gone", "york.example")
			if err := tx.AddCommunity(gone); err != nil {
				return err
			}
			gone.Gone = tx.Now
			return tx.SetCommunity(gone)
		})
		find := func(text, want string) {
			t.Helper()
			view(t, db, func(tx *store.Tx) error {
				var got []string
				all, err := tx.Communities(store.Directory{Text: text, N: 10})
				for _, c := range all {
					got = append(got, c.Name)
				}
				if strings.Join(got, " ") != want {
					t.Errorf("%q finds %v, want %v", text, got, want)
				}
				return err
			})
		}
		find("", "trees parking wyl") // those last active first, those gone not at all
		find("  ", "trees parking wyl")
		find("STREET", "trees")
		find("gŵyl", "wyl")
		find("GŴYL", "wyl")
		find("parking", "parking")
		find("& permits", "parking")
		find("strong", "") // a tag is no word
		find("100%", "parking")
		find("1%0", "")
		find("under_score", "parking")
		find("under-score", "")
		find(`back\slash`, "parking")
		find("' or 1=1 --", "")
		find(strings.Repeat("x", 100_000), "")

		update(t, db, func(tx *store.Tx) error {
			c, err := tx.ActorByName("trees")
			if err != nil {
				return err
			}
			c.Title = "Hedgerows"
			return tx.SetActor(c)
		})
		find("street", "")
		find("hedgerow", "trees")
	})
}

func TestTheDirectoryNarrowsAndTurnsPages(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ann := someone("ann", "york.example", true)
		want := make(map[string][]string)
		update(t, db, func(tx *store.Tx) error {
			if err := tx.AddActor(ann); err != nil {
				return err
			}
			for i := range 30 {
				host := "york.example"
				if i%3 == 0 {
					host = "hull.example"
				}
				c := founded(fmt.Sprintf("c%02d", i), host)
				c.Active = time.Unix(int64(i/4), 0) // some at the same time
				if c.Audience = copse.Public; i%5 == 0 {
					c.Audience = copse.Members
				} else {
					want["open"] = append(want["open"], c.Name)
				}
				if err := tx.AddCommunity(c); err != nil {
					return err
				}
				want["all"] = append(want["all"], c.Name)
				if c.Local {
					want["here"] = append(want["here"], c.Name)
				}
				state := []copse.State{copse.Active, copse.Pending, copse.Declined, ""}[i%4]
				if state == "" {
					continue
				}
				m := &copse.Membership{Community: c.ID, Actor: ann.ID, Role: copse.Member, State: state, Since: tx.Now}
				if err := tx.SetMembership(m); err != nil {
					return err
				}
				if state == copse.Active {
					want["hers"] = append(want["hers"], c.Name)
				}
			}
			return nil
		})
		for name, d := range map[string]store.Directory{"all": {}, "here": {Here: true}, "hers": {Member: ann.ID}, "open": {Open: true}} {
			slices.Reverse(want[name])
			for _, n := range []int{1, 7, 100} {
				var got []string
				d.N, d.Before = n, 0
				view(t, db, func(tx *store.Tx) error {
					for {
						page, err := tx.Communities(d)
						if err != nil || len(page) == 0 {
							return err
						}
						for _, c := range page {
							got = append(got, c.Name)
						}
						d.Before = page[len(page)-1].ID
					}
				})
				if !slices.Equal(got, want[name]) {
					t.Errorf("%s, %d a page: %v\nwant %v", name, n, got, want[name])
				}
			}
		}
	})
}

func TestACommunityIsEmptyUntilSomethingIsSaid(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := founded("trees", "york.example")
		update(t, db, func(tx *store.Tx) error { return tx.AddCommunity(c) })
		o := &copse.Object{ID: store.NewID(), URI: "https://york.example/1", Kind: "topic", Community: c.ID, Author: c.ID, Published: time.Now()}
		for _, step := range []struct {
			do   func(tx *store.Tx) error
			want bool
		}{
			{func(*store.Tx) error { return nil }, true},
			{func(tx *store.Tx) error { return tx.AddObject(o) }, false},
			{func(tx *store.Tx) error { return tx.DeleteObject(o, false) }, true},
		} {
			update(t, db, step.do)
			view(t, db, func(tx *store.Tx) error {
				got, err := tx.Empty(c.ID)
				if got != step.want {
					t.Errorf("Empty = %v, want %v", got, step.want)
				}
				return err
			})
		}
	})
}

func TestPostingInNoCommunityIsRefused(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ann := someone("ann", "york.example", true)
		update(t, db, func(tx *store.Tx) error { return tx.AddActor(ann) })
		err := db.Update(t.Context(), func(tx *store.Tx) error {
			return tx.AddObject(&copse.Object{ID: 1, URI: "https://york.example/1", Kind: "topic", Community: ann.ID, Author: ann.ID, Published: tx.Now})
		})
		if copse.CodeOf(err) != copse.CodeNotFound {
			t.Errorf("AddObject = %v, want that there is nothing", err)
		}
	})
}
