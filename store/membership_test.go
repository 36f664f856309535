package store_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"copse/copse"
	"copse/store"
	"copse/store/storetest"
)

// A club is a community here, one elsewhere, and people of four councils.
type club struct {
	ours, theirs *copse.Community
	people       []*copse.Actor // three from each of the hosts
	hosts        []string       // this server's first
}

func newClub(t *testing.T, db *store.DB) *club {
	t.Helper()
	c := &club{
		ours: founded("trees", "york.example"), theirs: founded("hedges", "hull.example"),
		hosts: []string{"york.example", "hull.example", "leeds.example", "selby.example"},
	}
	update(t, db, func(tx *store.Tx) error {
		for _, community := range []*copse.Community{c.ours, c.theirs} {
			if err := tx.AddCommunity(community); err != nil {
				return err
			}
		}
		for i := range 12 {
			a := someone(fmt.Sprint("person", i), c.hosts[i/3], i < 3)
			c.people = append(c.people, a)
			if err := tx.AddActor(a); err != nil {
				return err
			}
		}
		return nil
	})
	return c
}

func standing(community, person copse.ID, state copse.State, role copse.Role) *copse.Membership {
	return &copse.Membership{
		Community: community, Actor: person, State: state, Role: role, Reason: "trees", Follow: "https://x.example/follow",
		Since: time.Now().UTC().Truncate(time.Microsecond),
	}
}

// reached returns the hosts that a community is announced to, in order.
func reached(tx *store.Tx, community copse.ID) ([]string, error) {
	peers, err := tx.Reached(community)
	var hosts []string
	for _, p := range peers {
		hosts = append(hosts, p.Host)
	}
	return hosts, err
}

func TestMembershipsReadAsWritten(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newClub(t, db)
		ann := c.people[0].ID
		view(t, db, func(tx *store.Tx) error {
			got, err := tx.Membership(c.ours.ID, ann)
			if want := (&copse.Membership{Community: c.ours.ID, Actor: ann}); !reflect.DeepEqual(got, want) {
				t.Errorf("who never asked stands as %+v, want a guest", got)
			}
			return err
		})
		for _, state := range []copse.State{copse.Pending, copse.Active, copse.Declined, copse.Left, copse.Blocked} {
			want := standing(c.ours.ID, ann, state, copse.Moderator)
			update(t, db, func(tx *store.Tx) error { return tx.SetMembership(want) })
			if (want.Role == copse.Guest) != (state != copse.Active) {
				t.Errorf("%s has role %d: only an active member has one", state, want.Role)
			}
			view(t, db, func(tx *store.Tx) error {
				got, err := tx.Membership(c.ours.ID, ann)
				if err != nil {
					return err
				}
				all, err := tx.Standing(ann)
				if err != nil {
					return err
				}
				facts, err := tx.Facts(ann, c.ours, nil)
				if err != nil {
					return err
				}
				if !reflect.DeepEqual(got, want) || !reflect.DeepEqual(all, map[copse.ID]*copse.Membership{c.ours.ID: want}) {
					t.Errorf("read %+v and %+v, want %+v", got, all, want)
				}
				if facts.Community != c.ours || facts.Role != want.Role || facts.State != state || facts.Author || facts.Deleted {
					t.Errorf("the facts are %+v", facts)
				}
				return nil
			})
		}
	})
}

func TestFactsSayWhoseAndWhetherDeleted(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newClub(t, db)
		view(t, db, func(tx *store.Tx) error {
			for _, o := range []*copse.Object{
				{Author: c.people[0].ID}, {Author: c.people[1].ID}, {Author: c.people[0].ID, Deleted: tx.Now},
			} {
				f, err := tx.Facts(c.people[0].ID, c.ours, o)
				if err != nil {
					return err
				}
				if f.Author != (o.Author == c.people[0].ID) || f.Deleted == o.Deleted.IsZero() {
					t.Errorf("of %+v: author %v, deleted %v", o, f.Author, f.Deleted)
				}
			}
			return nil
		})
	})
}

func TestACouncilIsReachedFromItsFirstMemberToItsLast(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newClub(t, db)
		hull := c.people[3:6]
		for i, step := range []struct {
			who   *copse.Actor
			state copse.State
			want  []string
		}{
			{hull[0], copse.Pending, nil},
			{hull[0], copse.Active, []string{"hull.example"}},
			{hull[1], copse.Active, []string{"hull.example"}},
			{hull[0], copse.Left, []string{"hull.example"}},
			{hull[2], copse.Pending, []string{"hull.example"}},
			{c.people[6], copse.Active, []string{"hull.example", "leeds.example"}},
			{hull[1], copse.Blocked, []string{"leeds.example"}},
			{c.people[0], copse.Active, []string{"leeds.example"}}, // one of ours
			{c.people[6], copse.Declined, nil},
		} {
			update(t, db, func(tx *store.Tx) error {
				return tx.SetMembership(standing(c.ours.ID, step.who.ID, step.state, copse.Member))
			})
			view(t, db, func(tx *store.Tx) error {
				got, err := reached(tx, c.ours.ID)
				if !slices.Equal(got, step.want) {
					t.Errorf("step %d: reached %v, want %v", i, got, step.want)
				}
				for _, host := range c.hosts {
					is, err := tx.Reaches(c.ours.ID, host)
					if err != nil || is != slices.Contains(step.want, host) {
						t.Errorf("step %d: Reaches %s = %v, %v", i, host, is, err)
					}
				}
				return err
			})
		}
	})
}

// What happens in a community elsewhere is for its home to announce, and how
// many are in it for its home to say.
func TestCommunitiesElsewhereReachNobodyFromHere(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newClub(t, db)
		update(t, db, func(tx *store.Tx) error {
			if err := tx.SetReach(c.theirs.ID, 40, 4); err != nil {
				return err
			}
			for _, a := range c.people {
				if err := tx.SetMembership(standing(c.theirs.ID, a.ID, copse.Active, copse.Member)); err != nil {
					return err
				}
			}
			hosts, err := reached(tx, c.theirs.ID)
			if err != nil {
				return err
			}
			if len(hosts) > 0 {
				t.Errorf("reached %v, want nobody", hosts)
			}
			peers, err := tx.Peers()
			if err != nil {
				return err
			}
			if len(peers) > 0 {
				t.Errorf("%d peers are known; nothing is to be sent to any", len(peers))
			}
			got, err := tx.Community(c.theirs.ID)
			if err == nil && (got.Members != 40 || got.Councils != 4) {
				t.Errorf("it has %d members at %d councils, want what its home said", got.Members, got.Councils)
			}
			return err
		})
	})
}

// Whatever happens in whatever order, what is derived from the memberships is
// what they say.
func TestMembersAndCouncilsEqualTheMemberships(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newClub(t, db)
		states := []copse.State{copse.Active, copse.Active, copse.Pending, copse.Left, copse.Blocked}
		for _, seed := range []uint64{1, 2, 3} {
			random := rand.New(rand.NewPCG(seed, 0))
			members := make(map[copse.ID]string)
			for step := range 60 {
				a := c.people[random.IntN(len(c.people))]
				m := standing(c.ours.ID, a.ID, states[random.IntN(len(states))], copse.Role(1+random.IntN(3)))
				update(t, db, func(tx *store.Tx) error { return tx.SetMembership(m) })
				if delete(members, a.ID); m.State == copse.Active {
					members[a.ID] = a.Host
				}
				hosts := slices.Compact(slices.Sorted(maps.Values(members)))
				hosts = slices.DeleteFunc(hosts, func(h string) bool { return h == c.hosts[0] })
				view(t, db, func(tx *store.Tx) error {
					got, err := tx.Community(c.ours.ID)
					if err != nil {
						return err
					}
					if got.Members != len(members) || got.Councils != len(hosts)+1 {
						t.Errorf("seed %d, step %d: %d members at %d councils, want %d at %d",
							seed, step, got.Members, got.Councils, len(members), len(hosts)+1)
					}
					peers, err := reached(tx, c.ours.ID)
					if !slices.Equal(peers, hosts) {
						t.Errorf("seed %d, step %d: reached %v, want %v", seed, step, peers, hosts)
					}
					return err
				})
			}
			update(t, db, func(tx *store.Tx) error {
				for _, a := range c.people {
					if err := tx.SetMembership(standing(c.ours.ID, a.ID, copse.Left, 0)); err != nil {
						return err
					}
				}
				return nil
			})
		}
	})
}

// On PostgreSQL these run side by side: one must not count without the other,
// nor the last to leave drop a server whose next member is just coming.
func TestMembersWhoComeAndGoTogetherAreAllCounted(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newClub(t, db)
		for round := range 4 {
			var all sync.WaitGroup
			for i, a := range c.people {
				all.Go(func() {
					for turn := range 4 {
						m := standing(c.ours.ID, a.ID, copse.Active, copse.Member)
						if (i+turn+round)%2 == 0 {
							m.State = copse.Left
						}
						if err := db.Update(t.Context(), func(tx *store.Tx) error { return tx.SetMembership(m) }); err != nil {
							t.Error(err)
						}
					}
				})
			}
			all.Wait()
			view(t, db, func(tx *store.Tx) error {
				got, err := tx.Community(c.ours.ID)
				if err != nil {
					return err
				}
				peers, err := reached(tx, c.ours.ID)
				if err != nil {
					return err
				}
				// Every second person ends up in it, so every host has one.
				if got.Members != 6 || got.Councils != 4 || !slices.Equal(peers, c.hosts[1:]) {
					t.Errorf("round %d: %d members at %d councils, reached %v; want 6 at 4 and %v",
						round, got.Members, got.Councils, peers, c.hosts[1:])
				}
				return nil
			})
		}
	})
}

func TestMembersAreListedByRole(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newClub(t, db)
		var want []string // by role, and among equals the last to come here first
		update(t, db, func(tx *store.Tx) error {
			for _, role := range []copse.Role{copse.Owner, copse.Moderator, copse.Member, copse.Guest} {
				for i := len(c.people) - 1; i >= 0; i-- {
					if copse.Role(i%4) != role {
						continue
					}
					m := standing(c.ours.ID, c.people[i].ID, copse.Active, role)
					if role == copse.Guest {
						m.State = copse.Pending
					} else {
						want = append(want, c.people[i].Name)
					}
					if err := tx.SetMembership(m); err != nil {
						return err
					}
				}
			}
			return nil
		})
		for least, want := range map[copse.Role][]string{copse.Guest: want, copse.Member: want, copse.Moderator: want[:6], copse.Owner: want[:3]} {
			for _, n := range []int{1, 4, 100} {
				var got []string
				view(t, db, func(tx *store.Tx) error {
					after := copse.ID(0)
					for {
						page, err := tx.MembersOf(c.ours.ID, least, after, n)
						if err != nil || len(page) == 0 {
							return err
						}
						for _, p := range page {
							got = append(got, p.Name)
							if p.Membership.Actor != p.Actor.ID || p.Community != c.ours.ID {
								t.Errorf("%s comes with the membership %+v", p.Name, p.Membership)
							}
						}
						after = page[len(page)-1].Actor.ID
					}
				})
				if !slices.Equal(got, want) {
					t.Errorf("role %d and up, %d a page: %v\nwant %v", least, n, got, want)
				}
			}
		}
	})
}

func TestWhoAskedFirstIsFirstInTheQueue(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newClub(t, db)
		var want []string
		update(t, db, func(tx *store.Tx) error {
			for i, a := range c.people {
				m := standing(c.ours.ID, a.ID, []copse.State{copse.Pending, copse.Active, copse.Declined}[i%3], copse.Member)
				m.Since = time.Unix(int64(100-i/6), 0) // the first six together, and last
				if err := tx.SetMembership(m); err != nil {
					return err
				}
				if m.State == copse.Pending {
					want = append(want, a.Name)
				}
			}
			return nil
		})
		want = append(want[2:], want[:2]...)
		view(t, db, func(tx *store.Tx) error {
			for _, n := range []int{3, 100} {
				var got []string
				all, err := tx.Waiting(c.ours.ID, n)
				if err != nil {
					return err
				}
				for _, p := range all {
					got = append(got, p.Name)
				}
				if want := want[:min(n, len(want))]; !slices.Equal(got, want) {
					t.Errorf("the first %d who wait are %v, want %v", n, got, want)
				}
			}
			return nil
		})
	})
}

func TestACommunityIsFollowedWhileAnybodyHereIsOrAsksToBeInIt(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newClub(t, db)
		for i, step := range []struct {
			who   *copse.Actor
			state copse.State
			want  bool
		}{
			{c.people[3], copse.Active, false}, // nobody here
			{c.people[0], copse.Pending, true},
			{c.people[1], copse.Active, true},
			{c.people[0], copse.Declined, true},
			{c.people[1], copse.Left, false},
		} {
			update(t, db, func(tx *store.Tx) error {
				return tx.SetMembership(standing(c.theirs.ID, step.who.ID, step.state, copse.Member))
			})
			view(t, db, func(tx *store.Tx) error {
				got, err := tx.Followed(c.theirs.ID)
				if got != step.want {
					t.Errorf("step %d: Followed = %v, want %v", i, got, step.want)
				}
				return err
			})
		}
	})
}

// Nobody has to be there when a ban ends.
func TestABanEndsByItself(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		f := newForum(t, db, "trees")
		blocked := func(until time.Time) {
			t.Helper()
			update(t, db, func(tx *store.Tx) error {
				return tx.SetMembership(&copse.Membership{
					Community: f.community.ID, Actor: f.people[0].ID, State: copse.Blocked, Reason: "spam", Since: tx.Now, Until: until,
				})
			})
		}
		for _, tt := range []struct {
			name  string
			until time.Time
			want  copse.State
		}{
			{"for good", time.Time{}, copse.Blocked},
			{"for an hour", time.Now().Add(time.Hour).UTC().Truncate(time.Microsecond), copse.Blocked},
			{"until a moment ago", time.Now().Add(-time.Millisecond), copse.Left},
		} {
			blocked(tt.until)
			view(t, db, func(tx *store.Tx) error {
				m, err := tx.Membership(f.community.ID, f.people[0].ID)
				if err != nil {
					return err
				}
				if m.State != tt.want || m.State == copse.Blocked && !m.Until.Equal(tt.until) {
					t.Errorf("%s: %+v", tt.name, m)
				}
				banned, err := tx.Banned(f.community.ID, 10)
				if got := len(banned) == 1; got != (tt.want == copse.Blocked) {
					t.Errorf("%s: listed as blocked %v", tt.name, got)
				}
				return err
			})
		}
	})
}
