package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"copse/copse"
	"copse/store"
)

// page is how much of a list is read.
const onPage = 20

// reads are the queries that pages are made of, of a town.
type reads struct {
	*town
	viewer copse.Viewer
	old    store.Place
	many   copse.ID // in 150 communities, which is as many as anybody is in
	dead   copse.ID // in one alone where nothing is said any more
}

func newReads(ctx context.Context, t *town) (*reads, error) {
	r := &reads{town: t, viewer: copse.Viewer{Actor: t.People[1]}}
	err := t.DB.Update(ctx, func(tx *store.Tx) (err error) {
		if r.many, err = joiner(tx, "many", t.Communities[:min(150, len(t.Communities))]); err != nil {
			return err
		}
		if r.dead, err = joiner(tx, "dead", t.Communities[len(t.Communities)-1:]); err != nil {
			return err
		}
		all, err := tx.MostActive(r.viewer, t.Communities[0], "topic", store.Place{}, 500)
		if err == nil {
			last := all[len(all)-1]
			r.old = store.Place{Active: last.Active, ID: last.ID}
		}
		return err
	})
	return r, err
}

// joiner adds somebody here who is in communities, if they are not there yet.
func joiner(tx *store.Tx, name string, communities []copse.ID) (copse.ID, error) {
	if a, err := tx.ActorByName(name); copse.CodeOf(err) != copse.CodeNotFound {
		return a.ID, err
	}
	uri := here + "/u/" + name
	a := &copse.Actor{
		ID: store.NewID(), Type: copse.Person, URI: uri, Name: name, Host: "here.example", Title: name,
		Inbox: uri + "/inbox", Created: tx.Now, Local: true,
	}
	if err := tx.AddActor(a); err != nil {
		return 0, err
	}
	for _, c := range communities {
		m := &copse.Membership{Community: c, Actor: a.ID, Role: copse.Member, State: copse.Active, Since: tx.Now}
		if err := tx.SetMembership(m); err != nil {
			return 0, err
		}
	}
	return a.ID, nil
}

// A query reads something; n is how many rows it came back with.
type query func(*store.Tx) (n int, err error)

// view is a round of n times a query with the transaction it is in.
func (r *reads) view(ctx context.Context, n int, q query) round {
	return calls(n, func(int) error { return r.once(ctx, q) })
}

func (r *reads) once(ctx context.Context, q query) error {
	return r.DB.View(ctx, func(tx *store.Tx) error {
		n, err := q(tx)
		if err == nil && n == 0 {
			err = fmt.Errorf("there is nothing to read")
		}
		return err
	})
}

func (r *reads) home(person copse.ID) query {
	return func(tx *store.Tx) (int, error) {
		all, err := tx.Home(person, store.Place{}, onPage)
		return len(all), err
	}
}

func (r *reads) newest(tx *store.Tx) (int, error) {
	all, err := tx.Newest(r.viewer, r.Communities[0], "topic", 0, onPage)
	return len(all), err
}

func (r *reads) deep(tx *store.Tx) (int, error) {
	all, err := tx.Newest(r.viewer, r.Communities[0], "topic", r.old.ID, onPage)
	return len(all), err
}

func (r *reads) active(tx *store.Tx) (int, error) {
	all, err := tx.MostActive(r.viewer, r.Communities[0], "topic", store.Place{}, onPage)
	return len(all), err
}

func (r *reads) thread(n int) query {
	return func(tx *store.Tx) (int, error) {
		all, err := tx.Thread(r.viewer, r.Town.Thread, "", n)
		return len(all), err
	}
}

func (b *bench) reads(ctx context.Context) (*reads, error) {
	t, err := b.town(ctx)
	if err != nil {
		return nil, err
	}
	return newReads(ctx, t)
}

// home measures the newest of all the communities somebody is in.
func home(ctx context.Context, b *bench) error {
	r, err := b.reads(ctx)
	if err != nil {
		return err
	}
	usual := r.view(ctx, 100, r.home(r.People[1]))
	m, err := against(usual, b.yard.R)
	if err != nil {
		return err
	}
	b.detail("%s µs", number(m.cost))
	b.result(bar{n: 11, name: "home of somebody in 25 communities", unit: "R", must: 40, aim: 12}, m.ratio)
	waits, err := waiting(time.Second, func() error { return r.once(ctx, r.home(r.People[1])) })
	if err != nil {
		return err
	}
	b.result(bar{n: 11, name: "… p50 of the wait for it", unit: "ms", must: 1}, percentile(waits, 50))
	b.result(bar{n: 11, name: "… p99 of the wait for it", unit: "ms", must: 5}, percentile(waits, 99))

	many, err := against(r.view(ctx, 100, r.home(r.many)), usual)
	if err != nil {
		return err
	}
	dead, err := against(r.view(ctx, 100, r.home(r.dead)), usual)
	if err != nil {
		return err
	}
	b.detail("%s µs in 150 communities, %s in a dead one", number(many.cost), number(dead.cost))
	b.result(bar{n: 12, name: "home of somebody in 150 communities, or in a dead one", unit: "bar 11", must: 4}, max(many.ratio, dead.ratio))
	return nil
}

// waiting calls fn over and over for a time and returns how long each call took,
// in milliseconds.
func waiting(lasts time.Duration, fn func() error) (waits []float64, err error) {
	for start := time.Now(); time.Since(start) < lasts; {
		before := time.Now()
		if err := fn(); err != nil {
			return nil, err
		}
		waits = append(waits, float64(time.Since(before))/1e6)
	}
	return waits, nil
}

// lists measures the pages of a community.
func lists(ctx context.Context, b *bench) error {
	r, err := b.reads(ctx)
	if err != nil {
		return err
	}
	for _, of := range []struct {
		name string
		q    query
	}{
		{"20 topics of the busiest community, by when they came", r.newest},
		{"… 500 further down", r.deep},
		{"… by when they were last answered", r.active},
	} {
		m, err := against(r.view(ctx, 200, of.q), b.yard.R)
		if err != nil {
			return err
		}
		b.detail("%s µs", number(m.cost))
		b.result(bar{n: 13, name: of.name, unit: "R", must: 15, aim: 10}, m.ratio)
	}
	return nil
}

// growth measures what ten times the posts do to everything.
func growth(ctx context.Context, b *bench) error {
	large, err := b.reads(ctx)
	if err != nil {
		return err
	}
	t, err := b.hamlet(ctx)
	if err != nil {
		return err
	}
	small, err := newReads(ctx, t)
	if err != nil {
		return err
	}
	for _, of := range []struct {
		name string
		q    func(*reads) query
	}{
		{"home", func(r *reads) query { return r.home(r.People[1]) }},
		{"newest topics", func(r *reads) query { return r.newest }},
		{"topics last answered", func(r *reads) query { return r.active }},
		{"50 posts of a conversation", func(r *reads) query { return r.thread(50) }},
	} {
		if err := b.grown(of.name, small.view(ctx, 100, of.q(small)), large.view(ctx, 100, of.q(large))); err != nil {
			return err
		}
	}
	for _, path := range []string{"/", "/communities", "/c/community0", "/c/community0/forum"} {
		if err := b.grown("page "+path, visits(ctx, small.town, path), visits(ctx, large.town, path)); err != nil {
			return err
		}
	}
	before, err := b.newIngest(ctx, small.town)
	if err != nil {
		return err
	}
	defer before.stop()
	after, err := b.newIngest(ctx, large.town)
	if err != nil {
		return err
	}
	defer after.stop()
	return b.grown("inbox", before.together, after.together)
}

func (b *bench) grown(name string, before, after round) error {
	m, err := against(after, before)
	if err != nil {
		return err
	}
	b.detail("%s µs", number(m.cost))
	b.result(bar{n: 14, name: "ten times the posts: " + name, unit: "a tenth", must: 1.3, aim: 1.2}, m.ratio)
	return nil
}

// threads measures a long conversation.
func threads(ctx context.Context, b *bench) error {
	r, err := b.reads(ctx)
	if err != nil {
		return err
	}
	for _, of := range []struct {
		n int
		bar
	}{
		{500, bar{n: 15, name: "500 posts of a conversation", unit: "R", must: 290, aim: 130}},
		{50, bar{n: 15, name: "the first 50 of them", unit: "R", must: 32, aim: 15}},
	} {
		if err := r.once(ctx, func(tx *store.Tx) (int, error) {
			n, err := r.thread(of.n)(tx)
			if n < of.n {
				b.notYet(15, of.bar.name, fmt.Sprintf("the longest here has only %d; take more -posts", n))
			}
			return n, err
		}); err != nil {
			return err
		}
		m, err := against(r.view(ctx, 5000/of.n, r.thread(of.n)), b.yard.R)
		if err != nil {
			return err
		}
		b.detail("%s µs", number(m.cost))
		b.result(of.bar, m.ratio)
	}
	return nil
}

func search(_ context.Context, b *bench) error {
	b.notYet(16, "search for one common word", "there is no search")
	return nil
}

// disk measures what a post takes, with its indexes and with what comes with it.
func disk(ctx context.Context, b *bench) error {
	large, err := b.towns.filled(ctx, b.posts)
	if err != nil {
		return err
	}
	small, err := b.towns.filled(ctx, b.posts/10)
	if err != nil {
		return err
	}
	after, err := os.Stat(large.database())
	if err != nil {
		return err
	}
	before, err := os.Stat(small.database())
	if err != nil {
		return err
	}
	t, err := b.town(ctx)
	if err != nil {
		return err
	}
	body := 0.0
	err = t.DB.View(ctx, func(tx *store.Tx) error {
		all, err := tx.Thread(copse.Viewer{Actor: t.People[0]}, t.Thread, "", 50)
		for _, p := range all {
			body += float64(len(p.HTML)) / float64(len(all))
		}
		return err
	})
	each := float64(after.Size()-before.Size()) / (0.9 * float64(b.posts))
	b.detail("%s bytes, %s of them words", number(each), number(body))
	b.result(bar{n: 25, name: "a post on disk, without its words", unit: "KB", must: 2}, (each-body)/1000)
	return err
}
