package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"runtime"
	"sync/atomic"
	"time"

	"copse/copse"
	"copse/federation/ap"
	"copse/federation/httpsig"
	"copse/store"
)

const (
	voters = 120 // people of third servers, and as many posts: none marks one twice
	swarm  = 2000
	sheaf  = 100 // votes that are announced together
)

// votes measures a swarm of them: coming in from the home of a community elsewhere,
// one by one and together, and going out to a peer that takes them together.
func votes(ctx context.Context, b *bench) error {
	t, err := b.town(ctx)
	if err != nil {
		return err
	}
	in, err := b.newIngest(ctx, t)
	if err != nil {
		return err
	}
	defer in.stop()
	e, err := newElection(ctx, t)
	if err != nil {
		return err
	}
	for _, kind := range []struct {
		bar
		together int
	}{
		{bar{n: 27, name: "inbox: a vote that a community passes on", unit: "bar 2", must: 2, aim: 1}, 1},
		{bar{n: 28, name: "inbox: the same, a hundred in one request", unit: "bar 2", must: 1, aim: 0.5}, sheaf},
	} {
		// Ten thousand votes, the first of which warm up.
		m, err := compare(4, func() (float64, error) { return e.storm(in, kind.together) }, in.together)
		if err != nil {
			return err
		}
		b.detail("%s µs a vote", number(m.cost))
		b.result(kind.bar, m.ratio)
	}
	if err := e.counted(ctx); err != nil {
		return err
	}
	requests, err := b.turnout(ctx)
	if err != nil {
		return err
	}
	b.detail("%d requests for %d votes", requests, voters*voters)
	b.result(bar{n: 29, name: "outbox: requests to a copse for a swarm of votes", unit: "votes", must: 0.1, aim: 0.02}, float64(requests)/(voters*voters))
	return nil
}

// An election is a community elsewhere with posts and people who mark them.
type election struct {
	*town
	key    httpsig.Key
	group  string
	posts  []string
	voters []string
	cast   int
}

func newElection(ctx context.Context, t *town) (*election, error) {
	key, public, err := rsaKey()
	if err != nil {
		return nil, err
	}
	e := &election{town: t, key: key, group: "http://home.example/c/votes"}
	e.key.ID = e.group + "#main-key"
	actor := func(typ copse.ActorType, host, uri, name string, now time.Time) copse.Actor {
		return copse.Actor{
			ID: store.NewID(), Type: typ, URI: uri, Name: name, Host: host, Title: name, Inbox: uri + "/inbox",
			KeyID: uri + "#main-key", PublicKey: public, Created: now, Fetched: now,
		}
	}
	return e, t.DB.Update(ctx, func(tx *store.Tx) error {
		group := &copse.Community{
			Actor: actor(copse.Group, "home.example", e.group, "votes", tx.Now),
			Join:  copse.JoinOpen, Audience: copse.Public, Posting: copse.Member,
		}
		if err := tx.AddCommunity(group); err != nil {
			return err
		}
		err := tx.SetMembership(&copse.Membership{
			Community: group.ID, Actor: t.People[0], Role: copse.Member, State: copse.Active, Since: tx.Now,
		})
		if err != nil {
			return err
		}
		for i := range voters {
			voter := actor(copse.Person, "third.example", fmt.Sprint("http://third.example/u/", i), fmt.Sprint("voter", i), tx.Now)
			if err := tx.AddActor(&voter); err != nil {
				return err
			}
			o := &copse.Object{
				ID: store.NewID(), URI: fmt.Sprint("http://third.example/post/", i), Kind: "topic", Community: group.ID,
				Author: voter.ID, Title: "Limes", HTML: "<p>All of them</p>", Audience: copse.Public, Published: tx.Now,
			}
			if err := tx.AddObject(o); err != nil {
				return err
			}
			e.voters, e.posts = append(e.voters, voter.URI), append(e.posts, o.URI)
		}
		return nil
	})
}

// storm is a round of votes that come over 32 connections.
func (e *election) storm(in *ingesting, together int) (float64, error) {
	bodies := make([][]byte, swarm/together)
	for i := range bodies {
		bodies[i] = e.announce(together)
	}
	requests := make([][]byte, len(bodies))
	err := inParallel(runtime.NumCPU(), len(bodies), func(i int) (err error) {
		requests[i], err = signed(e.key, bodies[i])
		return err
	})
	if err != nil {
		return 0, err
	}
	cost, err := in.take(min(32, len(requests)), requests)
	return cost / float64(together), err
}

// announce has the community pass on the next n votes. When everybody has marked
// everything they begin to take it back, and so on.
func (e *election) announce(n int) []byte {
	var items []any
	for range n {
		round, i := e.cast/(voters*voters), e.cast%(voters*voters)
		by := e.voters[i%voters]
		vote := map[string]any{
			"id": fmt.Sprint(by, "/like/", e.cast), "type": "Like", "actor": by,
			"object": e.posts[i/voters], "audience": e.group, "to": []string{ap.Public}, "cc": []string{e.group},
		}
		if round%2 == 1 {
			vote = map[string]any{"id": fmt.Sprint(by, "/undo/", e.cast), "type": "Undo", "actor": by, "object": vote}
		}
		items = append(items, vote)
		e.cast++
	}
	whole := map[string]any{
		"@context": "https://www.w3.org/ns/activitystreams", "id": fmt.Sprint(e.group, "/announce/", e.cast), "type": "Announce",
		"actor": e.group, "to": []string{ap.Public}, "cc": []string{e.group + "/followers"}, "object": items[0],
	}
	if n > 1 {
		whole["object"] = map[string]any{"type": "OrderedCollection", "totalItems": n, "orderedItems": items}
	}
	body, err := json.Marshal(whole)
	if err != nil {
		panic(err) // maps of strings always marshal
	}
	return body
}

// counted makes sure that the votes that were taken with 202 count.
func (e *election) counted(ctx context.Context) error {
	return e.DB.View(ctx, func(tx *store.Tx) error {
		total, want := 0, e.cast%(voters*voters)
		if e.cast/(voters*voters)%2 == 1 {
			want = voters*voters - want
		}
		for _, uri := range e.posts {
			o, err := tx.ObjectByURI(uri)
			if err != nil {
				return err
			}
			total += o.Likes
		}
		if total != want {
			return fmt.Errorf("%d votes of %d count %d, want %d", e.cast, voters*voters, total, want)
		}
		return nil
	})
}

// A tally counts requests, and takes each.
type tally struct{ n atomic.Int64 }

func (t *tally) RoundTrip(r *http.Request) (*http.Response, error) {
	t.n.Add(1)
	r.Body.Close()
	return &http.Response{StatusCode: http.StatusAccepted, Body: http.NoBody, Header: http.Header{}, Request: r}, nil
}

// turnout has people here mark as much as there is, as fast as they can, and
// returns how many requests that makes to one peer that takes votes together.
func (b *bench) turnout(ctx context.Context) (int64, error) {
	net := new(tally)
	h, err := b.newHarbour(ctx, "votes", []string{"council.example"}, true, net)
	if err != nil {
		return 0, err
	}
	defer h.Close()
	people, err := electorate(ctx, h)
	if err != nil {
		return 0, err
	}
	if err := h.post(ctx, voters); err != nil {
		return 0, err
	}
	if _, err := h.deliver(ctx, []string{"council.example"}, func() error { return nil }); err != nil {
		return 0, err
	}
	before := net.n.Load()
	_, err = h.deliver(ctx, []string{"council.example"}, func() error { return ballot(ctx, h, people) })
	return net.n.Load() - before, err
}

// electorate adds people to a harbour, and has its peer take votes together.
func electorate(ctx context.Context, h *harbour) (people []*copse.Actor, err error) {
	return people, h.DB.Update(ctx, func(tx *store.Tx) error {
		people = nil
		for i := range voters {
			uri := fmt.Sprint(here, "/u/voter", i)
			a := &copse.Actor{
				ID: store.NewID(), Type: copse.Person, URI: uri, Name: fmt.Sprint("voter", i), Host: h.Hub.Host(), Title: "Voter",
				Inbox: uri + "/inbox", Local: true, Created: tx.Now,
			}
			if err := tx.AddActor(a); err != nil {
				return err
			}
			err := tx.SetMembership(&copse.Membership{
				Community: h.community.ID, Actor: a.ID, Role: copse.Member, State: copse.Active, Since: tx.Now,
			})
			if err != nil {
				return err
			}
			people = append(people, a)
		}
		p, err := tx.PeerAt("council.example")
		if err != nil {
			return err
		}
		p.Profile, p.Looked, p.RFC9421 = copse.Batches, tx.Now, true
		return tx.DescribePeer(p)
	})
}

// ballot has everybody mark everything.
func ballot(ctx context.Context, h *harbour, people []*copse.Actor) error {
	var posts []store.Post
	err := h.DB.View(ctx, func(tx *store.Tx) (err error) {
		posts, err = tx.Newest(copse.Viewer{Actor: h.owner.ID}, h.community.ID, "topic", 0, voters)
		return err
	})
	if err != nil {
		return err
	}
	return inParallel(16, len(people)*len(posts), func(i int) error {
		return h.Hub.Like(ctx, people[i%len(people)], posts[i/len(people)].Object, true)
	})
}
