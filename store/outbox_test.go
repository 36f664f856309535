package store_test

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"copse/copse"
	"copse/store"
	"copse/store/storetest"
)

// A mailroom is three communities here, one elsewhere, and peers by host.
type mailroom struct {
	communities []*copse.Community
	peers       map[string]*copse.Peer
	sent        int
}

func newMailroom(t *testing.T, db *store.DB, hosts ...string) *mailroom {
	t.Helper()
	m := &mailroom{peers: make(map[string]*copse.Peer)}
	update(t, db, func(tx *store.Tx) (err error) {
		for _, name := range []string{"trees", "hedges", "verges"} {
			m.communities = append(m.communities, founded(name, "york.example"))
		}
		m.communities = append(m.communities, founded("ponds", "hull.example"))
		for _, c := range m.communities {
			if err := tx.AddCommunity(c); err != nil {
				return err
			}
		}
		for _, host := range hosts {
			if err := tx.AddActor(someone("bob", host, false)); err != nil {
				return err
			}
			if m.peers[host], err = tx.PeerAt(host); err != nil {
				return err
			}
		}
		return nil
	})
	return m
}

// join makes somebody from a host a member.
func (m *mailroom) join(t *testing.T, db *store.DB, host string, community int, state copse.State) {
	t.Helper()
	update(t, db, func(tx *store.Tx) error {
		bob, err := tx.ActorAt("bob", host, copse.Person)
		if err != nil {
			return err
		}
		return tx.SetMembership(standing(m.communities[community].ID, bob.ID, state, copse.Member))
	})
}

// outgoing returns something for a community, or for nobody in particular if
// that is negative, that has not been appended.
func (m *mailroom) outgoing(community int) *store.Outgoing {
	m.sent++
	o := &store.Outgoing{
		URI: fmt.Sprint("https://york.example/activities/", m.sent), Type: "Create", Signer: m.communities[0].ID,
		Body: fmt.Append(nil, "body ", m.sent),
	}
	if community >= 0 {
		o.Community = m.communities[community].ID
	}
	return o
}

func (m *mailroom) send(t *testing.T, db *store.DB, community int) *store.Outgoing {
	t.Helper()
	o := m.outgoing(community)
	update(t, db, func(tx *store.Tx) error { return tx.Append(o) })
	return o
}

func positions(all []*store.Outgoing) (ids []copse.ID) {
	for _, o := range all {
		ids = append(ids, o.ID)
	}
	return ids
}

func TestWhatGoesOutReadsAsWritten(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		m := newMailroom(t, db)
		plain, full := m.outgoing(-1), m.outgoing(0)
		full.Inner, full.Thread, full.Object, full.Microblog = "https://york.example/activities/inner", 5, 6, true
		update(t, db, func(tx *store.Tx) error {
			if err := tx.Append(plain); err != nil {
				return err
			}
			return tx.Append(full)
		})
		view(t, db, func(tx *store.Tx) error {
			for uri, want := range map[string]*store.Outgoing{plain.URI: plain, full.URI: full, full.Inner: full} {
				got, err := tx.OutgoingByURI(uri)
				if err != nil || !reflect.DeepEqual(got, want) {
					t.Errorf("%s is %+v, %v; want %+v", uri, got, err, want)
				}
				if want.Digest != sha256.Sum256(want.Body) {
					t.Errorf("%s has another digest than its body", uri)
				}
			}
			return nil
		})
	})
}

// A reader that goes on from the last position it saw misses nothing, whoever
// writes meanwhile.
func TestPositionsInTheOutboxAppearInOrder(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		m := newMailroom(t, db, "hull.example")
		for i := range 3 {
			m.join(t, db, "hull.example", i, copse.Active)
		}
		peer := m.peers["hull.example"].ID
		const writers, each = 16, 12
		var all [writers][each]*store.Outgoing
		for w := range all {
			for i := range all[w] {
				all[w][i] = m.outgoing(w % 3)
			}
		}
		var writing sync.WaitGroup
		for w := range all {
			writing.Go(func() {
				for _, o := range all[w] {
					if err := db.Update(t.Context(), func(tx *store.Tx) error { return tx.Append(o) }); err != nil {
						t.Error(err)
					}
				}
			})
		}
		read := map[string]func(*store.Tx, copse.ID) ([]copse.ID, error){
			"OutboxAfter": func(tx *store.Tx, after copse.ID) ([]copse.ID, error) {
				all, err := tx.OutboxAfter(after, 5)
				return positions(all), err
			},
			"OutboxFor": func(tx *store.Tx, after copse.ID) ([]copse.ID, error) { return tx.OutboxFor(peer, after, 5) },
		}
		seen := map[string][]copse.ID{}
		var reading sync.WaitGroup
		var mu sync.Mutex // guards seen
		written := make(chan struct{})
		for name, next := range read {
			reading.Go(func() {
				var ids []copse.ID
				last := copse.ID(0)
				for finished := false; ; {
					select {
					case <-written:
						finished = true
					default:
					}
					var page []copse.ID
					err := db.View(t.Context(), func(tx *store.Tx) (err error) {
						page, err = next(tx, last)
						return err
					})
					if err != nil {
						t.Error(err)
						break
					}
					for _, id := range page {
						ids, last = append(ids, id), id
					}
					if finished && len(page) == 0 {
						break
					}
				}
				mu.Lock()
				defer mu.Unlock()
				seen[name] = ids
			})
		}
		writing.Wait()
		close(written)
		reading.Wait()
		var want []copse.ID
		for w := range all {
			if ids := positions(all[w][:]); !slices.IsSorted(ids) {
				t.Errorf("writer %d got the positions %v", w, ids)
			} else {
				want = append(want, ids...)
			}
		}
		slices.Sort(want)
		for name, got := range seen {
			if !slices.Equal(got, want) {
				t.Errorf("a reader by %s saw %d of %d, or in another order", name, len(got), len(want))
			}
		}
	})
}

// Two processes whose clocks differ share one outbox.
func TestPositionsAscendWhateverTheClock(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		m := newMailroom(t, db)
		now := store.NewID()
		defer store.MintAfter(now)
		store.MintAfter(now + 1e9)
		first := m.send(t, db, 0)
		store.MintAfter(0)
		second := m.send(t, db, 0)
		if second.ID <= first.ID {
			t.Errorf("the second stands at %d, before the first at %d", second.ID, first.ID)
		}
	})
}

func TestAPeerGetsWhatItsCommunitiesAnnouncedSinceItJoined(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		m := newMailroom(t, db, "hull.example", "leeds.example")
		hull, leeds := m.peers["hull.example"].ID, m.peers["leeds.example"].ID
		m.join(t, db, "leeds.example", 0, copse.Active)
		before := m.send(t, db, 0)
		m.join(t, db, "hull.example", 0, copse.Active)
		m.join(t, db, "hull.example", 1, copse.Pending)
		first, second, verges := m.send(t, db, 0), m.send(t, db, 0), m.send(t, db, 2)
		hedges := m.send(t, db, 1)
		m.send(t, db, -1)
		m.join(t, db, "hull.example", 1, copse.Active)
		third := m.send(t, db, 1)
		m.join(t, db, "leeds.example", 0, copse.Left)
		m.join(t, db, "leeds.example", 0, copse.Active)
		fourth := m.send(t, db, 0)
		view(t, db, func(tx *store.Tx) error {
			for _, tt := range []struct {
				what  string
				peer  copse.ID
				after copse.ID
				n     int
				want  []copse.ID
			}{
				{"Hull", hull, 0, 9, []copse.ID{first.ID, second.ID, third.ID, fourth.ID}},
				{"Hull, later", hull, second.ID, 9, []copse.ID{third.ID, fourth.ID}},
				{"Hull, the next two", hull, 0, 2, []copse.ID{first.ID, second.ID}},
				{"Hull, at the end", hull, fourth.ID, 9, nil},
				{"Leeds, which left and came back", leeds, 0, 9, []copse.ID{fourth.ID}},
				{"somebody else", 1, 0, 9, nil},
			} {
				got, err := tx.OutboxFor(tt.peer, tt.after, tt.n)
				if err != nil || !slices.Equal(got, tt.want) {
					t.Errorf("%s gets %v, %v; want %v", tt.what, got, err, tt.want)
				}
			}
			all, err := tx.OutboxAfter(0, 99)
			if want := []copse.ID{before.ID, first.ID, second.ID, verges.ID, hedges.ID, third.ID, fourth.ID}; !slices.Equal(positions(all), want) {
				t.Errorf("announced were %v, want %v", positions(all), want)
			}
			return err
		})
	})
}

func TestAnExtraIsTriedUntilItIsTakenOrGivenUp(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		m := newMailroom(t, db, "hull.example", "leeds.example")
		hull, leeds := m.peers["hull.example"].ID, m.peers["leeds.example"].ID
		one, two, three := m.send(t, db, -1), m.send(t, db, -1), m.send(t, db, 0)
		update(t, db, func(tx *store.Tx) error {
			for _, o := range []*store.Outgoing{two, one, one} {
				if err := tx.Address(o.ID, hull, "https://hull.example/u/bob/inbox"); err != nil {
					return err
				}
			}
			return tx.Address(one.ID, leeds, "")
		})
		check := func(what string, n int, want ...copse.ID) {
			t.Helper()
			view(t, db, func(tx *store.Tx) error {
				all, err := tx.Extras(hull, n)
				var got []copse.ID
				for _, e := range all {
					got = append(got, e.ID)
				}
				if !slices.Equal(got, want) {
					t.Errorf("%s: %v is due, want %v", what, got, want)
				}
				return err
			})
		}
		check("at first", 9, one.ID, two.ID)
		check("the next", 1, one.ID)
		view(t, db, func(tx *store.Tx) error {
			all, err := tx.Extras(hull, 1)
			if err == nil && (!reflect.DeepEqual(all[0].Outgoing, one) || all[0].Inbox != "https://hull.example/u/bob/inbox" || all[0].Tries != 0) {
				t.Errorf("it is %+v %+v", all[0].Outgoing, all[0])
			}
			return err
		})
		postpone := func(o *store.Outgoing, until time.Time) {
			t.Helper()
			update(t, db, func(tx *store.Tx) error { return tx.Postpone(hull, o.ID, "it is down", until) })
		}
		postpone(one, time.Now().Add(time.Hour))
		check("once it is put off", 9, two.ID)
		postpone(one, time.Now().Add(-time.Second))
		check("when its time has come", 9, one.ID, two.ID)
		postpone(three, time.Now().Add(-time.Second)) // the lane steps over an announced one
		check("with what was stepped over", 9, one.ID, two.ID, three.ID)
		view(t, db, func(tx *store.Tx) error {
			all, err := tx.Extras(hull, 9)
			if err == nil && (all[0].Tries != 2 || all[2].Tries != 1 || all[2].Inbox != "") {
				t.Errorf("they have been tried %d and %d times, the last goes to %q", all[0].Tries, all[2].Tries, all[2].Inbox)
			}
			return err
		})
		postpone(three, time.Time{})
		check("once it is given up", 9, one.ID, two.ID)
		update(t, db, func(tx *store.Tx) error { return tx.Delivered(hull, one.ID) })
		check("once it is delivered", 9, two.ID)
		view(t, db, func(tx *store.Tx) error {
			all, err := tx.Extras(leeds, 9)
			if err == nil && (len(all) != 1 || all[0].ID != one.ID) {
				t.Errorf("another peer's is gone too: %v", all)
			}
			return err
		})
	})
}

func TestLanesAreForPeersThatMayHaveSomethingToGet(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		m := newMailroom(t, db, "hull.example", "leeds.example", "selby.example", "goole.example", "filey.example")
		names := func(ids []copse.ID) []string {
			var hosts []string
			for host, p := range m.peers {
				for _, id := range ids {
					if id == p.ID {
						hosts = append(hosts, host)
					}
				}
			}
			slices.Sort(hosts)
			return hosts
		}
		m.join(t, db, "hull.example", 0, copse.Active)
		m.join(t, db, "leeds.example", 1, copse.Active)
		alone, dead, old := m.send(t, db, -1), m.send(t, db, -1), m.send(t, db, -1)
		update(t, db, func(tx *store.Tx) error {
			if err := tx.Address(alone.ID, m.peers["selby.example"].ID, ""); err != nil {
				return err
			}
			if err := tx.Postpone(m.peers["filey.example"].ID, old.ID, "down", time.Now().Add(time.Hour)); err != nil {
				return err
			}
			return tx.Postpone(m.peers["goole.example"].ID, dead.ID, "gone", time.Time{})
		})
		check := func(what string, seen copse.ID, lanes, concerned []string) (end copse.ID) {
			t.Helper()
			view(t, db, func(tx *store.Tx) error {
				all, at, err := tx.Lanes()
				if err != nil || !slices.Equal(names(all), lanes) {
					t.Errorf("%s: the lanes are %v, %v; want %v", what, names(all), err, lanes)
				}
				some, end2, err := tx.Concerned(seen)
				if !slices.Equal(names(some), concerned) || len(some) != len(concerned) {
					t.Errorf("%s: concerned are %v, want %v once each", what, names(some), concerned)
				}
				if end = at; end2 != end {
					t.Errorf("%s: the outbox reaches to %d or %d", what, at, end2)
				}
				return err
			})
			return end
		}
		lanes := []string{"filey.example", "hull.example", "leeds.example", "selby.example"}
		end := check("from the start", 0, lanes, []string{"filey.example", "selby.example"})
		if end != old.ID {
			t.Errorf("the outbox reaches to %d, want %d", end, old.ID)
		}
		check("at the end", end, lanes, nil)
		for range 3 {
			m.send(t, db, 0)
		}
		end = check("something announced", end, lanes, []string{"hull.example"})
		update(t, db, func(tx *store.Tx) error {
			p := *m.peers["leeds.example"]
			p.NotUntil = time.Now().Add(-time.Second)
			if err := tx.SetHealth(&p); err != nil {
				return err
			}
			return tx.Postpone(m.peers["filey.example"].ID, old.ID, "down", time.Now().Add(-time.Second))
		})
		check("time to try again", end, lanes, []string{"filey.example", "leeds.example"})
	})
}

func TestReceiptsSayWhoHasIt(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		m := newMailroom(t, db, "hull.example", "leeds.example", "selby.example", "goole.example", "late.example", "never.example")
		for _, host := range []string{"hull.example", "leeds.example", "selby.example", "goole.example"} {
			m.join(t, db, host, 0, copse.Active)
		}
		object := func(in int) *copse.Object {
			return &copse.Object{
				ID: store.NewID(), URI: fmt.Sprint("https://york.example/post/", in), Kind: "topic",
				Community: m.communities[in].ID, Author: m.communities[in].ID, Published: time.Now(),
			}
		}
		here, elsewhere := object(0), object(3)
		announce := func(typ string) *store.Outgoing {
			o := m.outgoing(0)
			o.Type, o.Object = typ, here.ID
			update(t, db, func(tx *store.Tx) error { return tx.Append(o) })
			return o
		}
		update(t, db, func(tx *store.Tx) error {
			if err := tx.AddObject(here); err != nil {
				return err
			}
			return tx.AddObject(elsewhere)
		})
		type receipt struct {
			Has, Gone bool
			Error     string
		}
		check := func(what string, object copse.ID, want map[string]receipt) {
			t.Helper()
			view(t, db, func(tx *store.Tx) error {
				all, err := tx.Receipts(object)
				got := make(map[string]receipt)
				for _, r := range all {
					got[r.Peer.Host] = receipt{r.Has, !r.Stopped.IsZero(), r.Error}
					if since := time.Since(r.Since); since < 0 || since > time.Minute {
						t.Errorf("%s: sent off %v", what, r.Since)
					}
				}
				if !maps.Equal(got, want) || len(all) != len(want) {
					t.Errorf("%s: %v\nwant %v", what, got, want)
				}
				return err
			})
		}
		check("before it was sent", here.ID, map[string]receipt{})
		create := announce("Create")
		m.join(t, db, "late.example", 0, copse.Active)
		update(t, db, func(tx *store.Tx) error {
			if err := tx.SetCursor(m.peers["hull.example"].ID, create.ID); err != nil {
				return err
			}
			failing := *m.peers["leeds.example"]
			failing.Error = "it does not answer"
			if err := tx.SetHealth(&failing); err != nil {
				return err
			}
			for host, until := range map[string]time.Time{"selby.example": time.Now().Add(time.Hour), "goole.example": {}} {
				if err := tx.SetCursor(m.peers[host].ID, create.ID+1); err != nil {
					return err
				}
				if err := tx.Postpone(m.peers[host].ID, create.ID, "it refused", until); err != nil {
					return err
				}
			}
			return nil
		})
		want := map[string]receipt{
			"hull.example":  {Has: true},
			"leeds.example": {Error: "it does not answer"},
			"selby.example": {Error: "it refused"},
			"goole.example": {Error: "it refused", Gone: true},
		}
		check("announced", here.ID, want)
		announce("Like") // which is nothing anybody needs to have
		check("liked", here.ID, want)
		update(t, db, func(tx *store.Tx) error { return tx.SendAgain(elsewhere.ID) })
		check("something else is sent again", here.ID, want)
		update(t, db, func(tx *store.Tx) error { return tx.SendAgain(here.ID) })
		want["goole.example"] = receipt{Error: "it refused"}
		check("sent again", here.ID, want)
		view(t, db, func(tx *store.Tx) error {
			due, err := tx.Extras(m.peers["goole.example"].ID, 10)
			if len(due) != 1 || due[0].ID != create.ID {
				t.Errorf("%d items are due, want the one sent again", len(due))
			}
			return err
		})
		announce("Update")
		check("edited", here.ID, map[string]receipt{
			"hull.example": {}, "leeds.example": {Error: "it does not answer"}, "selby.example": {}, "goole.example": {},
			"late.example": {},
		})

		submission := m.outgoing(-1)
		submission.Object = elsewhere.ID
		update(t, db, func(tx *store.Tx) error {
			if err := tx.Append(submission); err != nil {
				return err
			}
			return tx.Address(submission.ID, m.peers["hull.example"].ID, "")
		})
		check("submitted", elsewhere.ID, map[string]receipt{"hull.example": {}})
		update(t, db, func(tx *store.Tx) error { return tx.Delivered(m.peers["hull.example"].ID, submission.ID) })
		check("taken", elsewhere.ID, map[string]receipt{"hull.example": {Has: true}})
	})
}

func TestOldItemsAreForgottenOnceEveryPeerHadItsChance(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		m := newMailroom(t, db, "hull.example")
		hull := m.peers["hull.example"].ID
		plain, tried, dead := m.send(t, db, 0), m.send(t, db, 0), m.send(t, db, 0)
		update(t, db, func(tx *store.Tx) error {
			if err := tx.Postpone(hull, tried.ID, "down", time.Now().Add(time.Hour)); err != nil {
				return err
			}
			return tx.Postpone(hull, dead.ID, "gone", time.Time{})
		})
		tidy := func(before time.Time, want int64, left ...copse.ID) {
			t.Helper()
			update(t, db, func(tx *store.Tx) error {
				n, err := tx.TidyOutbox(before)
				if n != want {
					t.Errorf("%d were forgotten, want %d", n, want)
				}
				return err
			})
			view(t, db, func(tx *store.Tx) error {
				all, err := tx.OutboxAfter(0, 9)
				if !slices.Equal(positions(all), left) {
					t.Errorf("left are %v, want %v", positions(all), left)
				}
				return err
			})
		}
		tidy(time.Now().Add(-time.Hour), 0, plain.ID, tried.ID, dead.ID)
		tidy(time.Now().Add(time.Second), 2, tried.ID)
	})
}

func TestACommunitysOutboxListsWhatIsStillThere(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		m := newMailroom(t, db)
		var want []copse.ID
		update(t, db, func(tx *store.Tx) error {
			for i := range 6 {
				o := &copse.Object{
					ID: store.NewID(), URI: fmt.Sprint("https://york.example/", i), Kind: "topic", Community: m.communities[i%2].ID,
					Author: m.communities[0].ID, Audience: copse.Public, Published: tx.Now,
				}
				if err := tx.AddObject(o); err != nil {
					return err
				}
				for _, typ := range []string{"Create", "Like"} {
					out := m.outgoing(i % 2)
					out.Type, out.Object = typ, o.ID
					if err := tx.Append(out); err != nil {
						return err
					}
					if typ == "Create" && i%2 == 0 && i != 2 {
						want = append([]copse.ID{out.ID}, want...)
					}
				}
				if i == 2 {
					if err := tx.DeleteObject(o, false); err != nil {
						return err
					}
				}
			}
			return nil
		})
		view(t, db, func(tx *store.Tx) error {
			for _, n := range []int{1, 9} {
				got, err := tx.Announced(copse.Viewer{}, m.communities[0].ID, n)
				if err != nil {
					return err
				}
				if want := want[:min(n, len(want))]; !slices.Equal(positions(got), want) {
					t.Errorf("announced were %v, want %v", positions(got), want)
				}
			}
			return nil
		})
	})
}

// What is for microblogs goes to them and nothing else does. A peer that turns out
// to be another sort goes on as that, from where it is.
func TestEachSortOfPeerGetsItsOwn(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		m := newMailroom(t, db, "hull.example", "toots.example")
		describe := func(host string, profile copse.Profile) {
			t.Helper()
			update(t, db, func(tx *store.Tx) error {
				p, err := tx.PeerAt(host)
				if err != nil {
					return err
				}
				p.Profile = profile
				return tx.DescribePeer(p)
			})
		}
		var told, boosted []*store.Outgoing
		say := func() {
			t.Helper()
			told = append(told, m.send(t, db, 0))
			boost := m.outgoing(0)
			boost.Microblog = true
			update(t, db, func(tx *store.Tx) error { return tx.Append(boost) })
			boosted = append(boosted, boost)
		}
		check := func(what, host string, after copse.ID, want []*store.Outgoing, microblogs bool) {
			t.Helper()
			view(t, db, func(tx *store.Tx) error {
				got, err := tx.OutboxFor(m.peers[host].ID, after, 100)
				if err != nil {
					return err
				}
				if !slices.Equal(got, positions(want)) {
					t.Errorf("%s: %s gets %v, want %v", what, host, got, positions(want))
				}
				any, err := tx.ReachesMicroblogs(m.communities[0].ID)
				if any != microblogs {
					t.Errorf("%s: a microblog is reached: %v, want %v", what, any, microblogs)
				}
				return err
			})
		}
		m.join(t, db, "hull.example", 0, copse.Active)
		check("nobody yet", "toots.example", 0, nil, false)
		describe("toots.example", copse.Microblog) // before anybody there is in
		m.join(t, db, "toots.example", 0, copse.Active)
		say()
		check("both", "hull.example", 0, told, true)
		check("both", "toots.example", 0, boosted, true)
		view(t, db, func(tx *store.Tx) error {
			for id, want := range map[copse.ID]copse.ID{told[0].ID - 1: m.peers["hull.example"].ID, told[0].ID: m.peers["toots.example"].ID} {
				peers, _, err := tx.Concerned(id)
				if err != nil {
					return err
				}
				if !slices.Contains(peers, want) || id == told[0].ID && len(peers) > 1 {
					t.Errorf("after %d it concerns %v, want %d", id, peers, want)
				}
			}
			return nil
		})

		last := boosted[0].ID
		describe("toots.example", copse.GroupAware)
		check("changed", "toots.example", last, nil, false)
		say()
		check("changed", "toots.example", last, told[1:], false)
		describe("toots.example", copse.Microblog) // and back
		check("back", "toots.example", last, boosted[1:], true)
		st, err := db.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if n := st.Waits[m.peers["toots.example"].ID].Activities; n != 2 {
			t.Errorf("%d wait for it, want 2", n)
		}
	})
}
