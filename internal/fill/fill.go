// Package fill makes a database as full as a real one, for tests of queries and
// for measuring. Nothing that is shipped uses it.
package fill

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"copse/copse"
	"copse/store"
)

// Source is how databases are filled. Whoever keeps a filled one compares it.
//
//go:embed fill.go
var Source string

// A Town is what Fill has put into a database. The first of each list is the
// biggest or busiest.
type Town struct {
	People      []copse.ID // the first owns the server and facilitates every community, the second is in 25
	Communities []copse.ID // the last is dead: nothing was said in it for long
	Peers       []copse.ID // the first is in every community here
	Thread      copse.ID   // a topic with very many replies
}

// Fill fills an empty database with n posts, the way they come in reality: one
// community far ahead of the others, one conversation far ahead of its
// community, four replies to a topic, a fifth of the topics questions. The same
// n always gives the same town.
func Fill(ctx context.Context, db *store.DB, n int) (*Town, error) {
	f := filler{
		ctx: ctx, db: db, town: new(Town),
		rand: rand.New(rand.NewPCG(1, uint64(n))),
		at:   time.Now().UTC().Add(-time.Duration(n) * time.Second).Truncate(time.Second),
	}
	f.peers(max(4, min(410, n/500)))
	f.people(max(30, min(15000, n/50)))
	f.communities(max(30, min(1700, n/250)))
	f.posts(n)
	return f.town, f.failed
}

type filler struct {
	ctx     context.Context // of the one call of Fill that this is
	db      *store.DB
	town    *Town
	rand    *rand.Rand
	at      time.Time // moves on with every row
	hosts   []string
	all     []*copse.Actor // people, as in town.People
	local   []bool         // communities, as in town.Communities
	lanes   [lanes][]func(*store.Tx) error
	waiting int
	failed  error // the first; nothing is done after it
}

// lanes is how many transactions Fill keeps going at a time.
const lanes = 16

// do runs fn soon, beside others but in order with those of the same key.
func (f *filler) do(key int, fn func(*store.Tx) error) {
	f.lanes[key%lanes] = append(f.lanes[key%lanes], fn)
	if f.waiting++; f.waiting == 8000 {
		f.flush()
	}
}

// flush finishes what do was given. Many small transactions at a time are
// fastest: they share commits, and SQLite's savepoints cost more than
// proportionally to what happens in them.
func (f *filler) flush() {
	var all sync.WaitGroup
	errs := make([]error, lanes)
	for i := range f.lanes {
		fns := f.lanes[i]
		f.lanes[i] = nil
		if f.failed != nil {
			continue
		}
		all.Go(func() {
			for some := range slices.Chunk(fns, len(fns)/40+1) {
				err := f.db.Update(f.ctx, func(tx *store.Tx) error {
					for _, fn := range some {
						if err := fn(tx); err != nil {
							return err
						}
					}
					return nil
				})
				if err != nil {
					errs[i] = err
					return
				}
			}
		})
	}
	all.Wait()
	f.waiting = 0
	if f.failed == nil {
		f.failed = errors.Join(errs...)
	}
}

// next mints ids in the order of time, a second apart.
func (f *filler) next() (copse.ID, time.Time) {
	f.at = f.at.Add(time.Second)
	return copse.ID(f.at.UnixMilli() * 2048), f.at
}

func (f *filler) peers(n int) {
	f.hosts = []string{"here.example"}
	for i := range n {
		host := fmt.Sprintf("council%d.example", i)
		f.hosts = append(f.hosts, host)
		f.do(0, func(tx *store.Tx) error {
			p, err := tx.PeerAt(host)
			if err == nil {
				f.town.Peers = append(f.town.Peers, p.ID)
			}
			return err
		})
	}
	f.flush()
}

func (f *filler) actor(typ copse.ActorType, name, host string) *copse.Actor {
	id, at := f.next()
	uri := "https://" + host + "/u/" + name
	return &copse.Actor{
		ID: id, Type: typ, URI: uri, Name: name, Host: host, Title: name, Created: at, Local: host == f.hosts[0],
		Summary: "<p>" + f.words(20) + "</p>", Inbox: uri + "/inbox", KeyID: uri + "#key", PublicKey: strings.Repeat("k", 400),
	}
}

func (f *filler) people(n int) {
	for i := range n {
		a := f.actor(copse.Person, fmt.Sprintf("person%d", i), f.hosts[0])
		if i >= n/4 {
			a = f.actor(copse.Person, fmt.Sprintf("person%d", i), f.hosts[1+f.skewed(len(f.hosts)-1)])
		}
		f.all = append(f.all, a)
		f.town.People = append(f.town.People, a.ID)
		n := &store.Account{Actor: a.ID, Email: a.Name + "@" + a.Host, Role: store.Ordinary, Language: "en", Created: f.at, Confirmed: f.at, Approved: f.at}
		if i == 0 {
			n.Role = store.Owner
		}
		f.do(i, func(tx *store.Tx) error {
			if err := tx.AddActor(a); err != nil || !a.Local {
				return err
			}
			return tx.AddAccount(n)
		})
	}
	f.flush()
}

// communities adds n of them, three quarters here, and members: everybody is in
// the first, and in the others as it falls.
func (f *filler) communities(n int) {
	for i := range n {
		host := f.hosts[0]
		if i%4 == 3 {
			host = f.hosts[1+i%(len(f.hosts)-1)]
		}
		c := &copse.Community{
			Actor: *f.actor(copse.Group, fmt.Sprintf("community%d", i), host),
			Join:  copse.JoinApproval, Audience: copse.Public, Posting: copse.Member,
		}
		if i%5 == 4 {
			c.Audience = copse.Members
		}
		f.town.Communities = append(f.town.Communities, c.ID)
		f.local = append(f.local, c.Local)
		f.do(i, func(tx *store.Tx) error { return tx.AddCommunity(c) })
	}
	join := func(person int, community int, state copse.State) {
		m := &copse.Membership{
			Community: f.town.Communities[community], Actor: f.town.People[person],
			Role: copse.Member, State: state, Since: f.at,
		}
		if person == 0 {
			m.Role = copse.Moderator
		}
		f.do(community, func(tx *store.Tx) error { return tx.SetMembership(m) })
	}
	f.flush()
	first := len(f.all) / 4 // who comes from the first peer, most likely
	for i, a := range f.all {
		if a.Host == f.hosts[1] {
			first = i
			break
		}
	}
	for c := range n {
		join(0, c, copse.Active)
		join(first, c, copse.Active)
		if c%max(1, n/25) == 0 {
			join(1, c, copse.Active)
		}
	}
	for i := 2; i < len(f.all); i++ {
		join(i, 0, copse.Active)
		for range 3 {
			state := copse.Active
			if f.rand.IntN(10) == 0 {
				state = copse.Pending
			}
			join(i, 1+f.skewed(n-2), state)
		}
	}
	f.flush()
}

// posts adds n objects, and what else a post leaves behind.
func (f *filler) posts(n int) {
	type thread struct{ root, last copse.ID }
	threads := make([][]thread, len(f.town.Communities))
	for i := range n {
		in := f.skewed(len(f.town.Communities) - 1)
		if i < len(threads) {
			in = i // something everywhere, and in the last only this
		}
		id, at := f.next()
		o := &copse.Object{
			ID: id, URI: fmt.Sprintf("https://%s/post/%d", f.hosts[0], id), Kind: "topic", Community: f.town.Communities[in],
			Author: f.town.People[f.skewed(len(f.all))], Title: f.words(6), HTML: "<p>" + f.words(60) + "</p>",
			Audience: copse.Public, Question: f.rand.IntN(5) == 0, Local: true, Published: at, Accepted: at,
		}
		var under *thread
		if k := len(threads[in]); k > 0 && f.rand.IntN(5) > 0 {
			under = &threads[in][max(0, k-1-f.skewed(k))]
			if in == 0 && f.rand.IntN(20) == 0 {
				under = &threads[0][0]
			}
			o.Kind, o.Title, o.Question, o.Parent = "reply", "", false, under.root
			if f.rand.IntN(3) == 0 {
				o.Parent = under.last
			}
			under.last = id
		} else {
			threads[in] = append(threads[in], thread{id, id})
		}
		f.do(in, func(tx *store.Tx) error {
			err := tx.AddObject(o)
			if copse.CodeOf(err) == copse.CodeInvalid { // nested too deeply
				o.Parent, o.Path = under.root, ""
				err = tx.AddObject(o)
			}
			return err
		})
		f.traces(o, in)
	}
	f.flush()
	f.town.Thread = threads[0][0].root
}

// traces adds, for some posts, what they leave beside themselves.
func (f *filler) traces(o *copse.Object, in int) {
	if o.ID/2048/1000%10 != 0 {
		return
	}
	who := f.all[f.skewed(len(f.all))]
	act := &copse.Activity{
		ID: o.ID, URI: o.URI + "/create", Type: "Create", Actor: who, Object: o,
		Community: &copse.Community{Actor: copse.Actor{ID: o.Community}},
	}
	f.do(in, func(tx *store.Tx) error {
		if _, err := tx.RecordActivity(act); err != nil {
			return err
		}
		if _, err := tx.Respond(o.ID, who.ID, "Like", act.URI+"/like"); err != nil || !f.local[in] {
			return err
		}
		if _, err := tx.Park(who.Host, &store.Received{Host: who.Host, Body: []byte(act.URI)}); err != nil {
			return err
		}
		out := &store.Outgoing{
			URI: act.URI, Type: "Create", Inner: act.URI, Community: o.Community, Object: o.ID, Thread: o.Thread(),
			Signer: o.Community, Body: []byte(o.HTML),
		}
		if err := tx.Append(out); err != nil || o.ID/2048/1000%40 != 0 {
			return err
		}
		return tx.Address(out.ID, f.town.Peers[f.skewed(len(f.town.Peers))], "")
	})
}

// skewed returns a number below n, small ones far more often.
func (f *filler) skewed(n int) int {
	x := f.rand.Float64()
	return min(n-1, int(float64(n)*x*x*x*x))
}

func (f *filler) words(n int) string {
	const some = "ash oak birch alder hedge ditch verge survey record council ward street bench lamp budget grant permit notice"
	all := strings.Fields(some)
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(all[f.rand.IntN(len(all))])
	}
	return b.String()
}
