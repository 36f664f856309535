package main

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"copse/copse"
	"copse/federation/ap"
	"copse/federation/httpsig"
	"copse/internal/outbound"
	"copse/internal/server"
	"copse/store"
)

const (
	hosts      = 200 // peers that a community is announced to
	activities = 25  // announced to each of them in a round
	deliveries = hosts * activities
)

// A harbour is a server with one community, which is announced to many peers.
type harbour struct {
	*server.Server
	owner     *copse.Actor
	community *copse.Community
	posted    int
}

// newHarbour makes a server in a directory of its own. With small the peers
// take Ed25519 by RFC 9421, and otherwise get RSA as all the field does.
func (b *bench) newHarbour(ctx context.Context, name string, peers []string, small bool, transport http.RoundTripper) (*harbour, error) {
	dir := filepath.Join(b.towns.dir, name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	s, err := newServer(ctx, dir, server.Options{Transport: transport})
	if err != nil {
		return nil, err
	}
	h := &harbour{Server: s, owner: &copse.Actor{Name: "ada", Title: "Ada"}}
	err = s.Hub.Register(ctx, h.owner, &store.Account{Email: "ada@here.example", Password: "x", Role: store.Ordinary}, nil)
	if err != nil {
		return nil, err
	}
	h.community = &copse.Community{
		Actor: copse.Actor{Name: "trees", Title: "Trees"}, Join: copse.JoinOpen, Audience: copse.Public, Posting: copse.Member,
	}
	if err := s.Hub.Found(ctx, h.owner, h.community); err != nil {
		return nil, err
	}
	err = s.DB.Update(ctx, func(tx *store.Tx) error {
		for i, host := range peers {
			if err := h.welcome(tx, i, host, small); err != nil {
				return err
			}
		}
		return nil
	})
	return h, err
}

// welcome lets somebody at a host into the community.
func (h *harbour) welcome(tx *store.Tx, i int, host string, small bool) error {
	uri := "http://" + host + "/u/bob"
	a := &copse.Actor{
		ID: store.NewID(), Type: copse.Person, URI: uri, Name: "bob", Host: host, Title: "Bob",
		Inbox: uri + "/inbox", Created: tx.Now,
	}
	if err := tx.AddActor(a); err != nil {
		return err
	}
	m := &copse.Membership{Community: h.community.ID, Actor: a.ID, Role: copse.Member, State: copse.Active, Since: tx.Now}
	if err := tx.SetMembership(m); err != nil || !small {
		return err
	}
	p, err := tx.PeerAt(host)
	if err != nil {
		return err
	}
	p.RFC9421, p.Ed25519, p.Looked = true, true, tx.Now
	return tx.DescribePeer(p)
}

// post has something said in the community, n times.
func (h *harbour) post(ctx context.Context, n int) error {
	for range n {
		h.posted++
		text := "<p>" + strings.Repeat("All the limes in ward three are to stay. ", 58) + "</p>"
		o := &copse.Object{Kind: "topic", Community: h.community.ID, Title: fmt.Sprint("Limes, part ", h.posted), HTML: text, Source: ""}
		if err := h.Hub.Post(ctx, h.owner, o); err != nil {
			return err
		}
	}
	return nil
}

// deliver sends what waits for peers, from the start of the program's delivering
// to its end, and returns what that costs. sent returns once everything has
// arrived.
func (h *harbour) deliver(ctx context.Context, peers []string, sent func() error) (float64, error) {
	return during(func() error {
		ctx, stop := context.WithCancel(ctx)
		stopped := make(chan struct{})
		go func() {
			h.Fed.Run(ctx)
			close(stopped)
		}()
		err := sent()
		if err == nil {
			err = h.settled(ctx, peers)
		}
		stop()
		<-stopped
		return err
	})
}

// settled waits until it is written down that peers have everything.
func (h *harbour) settled(ctx context.Context, names []string) error {
	for {
		done := 0
		err := h.DB.View(ctx, func(tx *store.Tx) error {
			end, err := tx.EndOfOutbox()
			if err != nil {
				return err
			}
			peers, err := tx.Peers()
			for _, p := range peers {
				if p.Cursor >= end && slices.Contains(names, p.Host) {
					done++
				}
			}
			return err
		})
		if err != nil || done == len(names) {
			return err
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// listen opens ports of the peer and returns them, and as the hosts of peers.
func (b *bench) listen(n int) (ports []int, names []string, err error) {
	r, err := b.peer.ask(order{Listen: n})
	for _, port := range r.Ports {
		names = append(names, fmt.Sprintf("127.0.0.1:%d", port))
	}
	return r.Ports, names, err
}

// delivery measures what one delivery costs, beside signing and posting without
// anything else.
func delivery(ctx context.Context, b *bench) error {
	_, names, err := b.listen(hosts)
	if err != nil {
		return err
	}
	for _, kind := range []struct {
		bar
		small bool
	}{
		{bar{n: 5, name: "outbox: a delivery signed with RSA-2048", unit: "bare", must: 1.1, aim: 1.03}, false},
		{bar{n: 6, name: "outbox: a delivery signed with Ed25519, RFC 9421", unit: "bare", must: 2.2, aim: 1.15}, true},
	} {
		if !b.wants(kind.n) {
			continue
		}
		m, err := b.delivering(ctx, names, kind.small)
		if err != nil {
			return err
		}
		b.detail("%s µs a delivery", number(m.cost))
		b.result(kind.bar, m.ratio)
	}
	return nil
}

func (b *bench) delivering(ctx context.Context, names []string, small bool) (m measurement, err error) {
	h, err := b.newHarbour(ctx, fmt.Sprint("harbour-", small), names, small, nil)
	if err != nil {
		return m, err
	}
	defer h.Close()
	sign, err := bareSigner(small)
	if err != nil {
		return m, err
	}
	transport := &http.Transport{MaxIdleConnsPerHost: 4}
	defer transport.CloseIdleConnections()
	return compare(5, func() (float64, error) {
		return h.round(ctx, names, func() error { _, err := b.peer.ask(order{Await: deliveries}); return err },
			func() error { _, err := b.peer.hear(); return err })
	}, func() (float64, error) {
		cost, err := during(func() error { return barely(transport, names, sign) })
		return cost / deliveries, err
	})
}

// round posts what every peer is to get, and delivers it. expect is called before
// anything is sent, and sent returns once everything has arrived.
func (h *harbour) round(ctx context.Context, names []string, expect, sent func() error) (float64, error) {
	if err := h.post(ctx, activities); err != nil {
		return 0, err
	}
	if err := expect(); err != nil {
		return 0, err
	}
	cost, err := h.deliver(ctx, names, sent)
	return cost / deliveries, err
}

// barely signs and posts as much as a round does, and keeps no account of it.
func barely(transport http.RoundTripper, names []string, sign func(*http.Request, [sha256.Size]byte) error) error {
	body := []byte(strings.Repeat("x", letter))
	digest := sha256.Sum256(body)
	return inParallel(64, deliveries, func(i int) error {
		r, err := http.NewRequest(http.MethodPost, "http://"+names[i%len(names)]+"/inbox", bytes.NewReader(body))
		if err != nil {
			return err
		}
		r.Header.Set("Content-Type", ap.ActivityJSON)
		if err := sign(r, digest); err != nil {
			return err
		}
		return roundTrip(transport, r)
	})
}

// bareSigner signs a request with no more ado than it needs.
func bareSigner(small bool) (func(*http.Request, [sha256.Size]byte) error, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	_, little, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	return func(r *http.Request, digest [sha256.Size]byte) error {
		date, sum := time.Now().UTC().Format(http.TimeFormat), base64.StdEncoding.EncodeToString(digest[:])
		text := "(request-target): post /inbox\nhost: " + r.URL.Host + "\ndate: " + date + "\ndigest: SHA-256=" + sum
		var value []byte
		if small {
			value = ed25519.Sign(little, []byte(text))
		} else {
			hashed := sha256.Sum256([]byte(text))
			var err error
			if value, err = rsa.SignPKCS1v15(nil, key, crypto.SHA256, hashed[:]); err != nil {
				return err
			}
		}
		r.Header.Set("Date", date)
		r.Header.Set("Digest", "SHA-256="+sum)
		r.Header.Set("Signature", `keyId="`+here+`/c/trees#main-key",algorithm="hs2019",headers="(request-target) host date digest",signature="`+
			base64.StdEncoding.EncodeToString(value)+`"`)
		return nil
	}, nil
}

// queue measures what remembering what was sent to whom adds to a delivery. The
// network is in memory and the signature small, or a thousandth of either would
// be more than the whole queue.
func queue(ctx context.Context, b *bench) error {
	net := &swallow{arrived: make(chan struct{}, 1)}
	names := make([]string, hosts)
	for i := range names {
		names[i] = fmt.Sprintf("council%d.example", i)
	}
	h, err := b.newHarbour(ctx, "queue", names, true, net)
	if err != nil {
		return err
	}
	defer h.Close()
	client := outbound.New(outbound.Config{PlainHTTP: true, Transport: net})
	_, little, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	key := httpsig.Key{ID: h.community.URI + "#main-key", Private: little}
	m, err := against(func() (float64, error) {
		net.expect(deliveries)
		bare, err := during(func() error { return unqueued(ctx, client, names, key) })
		if err != nil {
			return 0, err
		}
		<-net.arrived
		whole, err := h.round(ctx, names, func() error { net.expect(deliveries); return nil },
			func() error { <-net.arrived; return nil })
		return whole - bare/deliveries, err
	}, b.yard.S)
	if err != nil {
		return err
	}
	b.detail("%s µs", number(m.cost))
	b.result(bar{n: 7, name: "outbox: what the queue adds to a delivery", unit: "S", must: 0.03, aim: 0.0025}, m.ratio)
	return nil
}

// unqueued makes, signs and sends as delivery does.
func unqueued(ctx context.Context, client *outbound.Client, names []string, key httpsig.Key) error {
	body := bytes.Repeat([]byte("x"), letter)
	digest := sha256.Sum256(body)
	return inParallel(64, deliveries, func(i int) error {
		ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+names[i%len(names)]+"/inbox", bytes.NewReader(body))
		if err != nil {
			return err
		}
		r.Header.Set("Content-Type", ap.ActivityJSON)
		if err := httpsig.Sign(r, key, httpsig.RFC9421, &digest, time.Now()); err != nil {
			return err
		}
		res, err := client.Do(r)
		if err != nil {
			return err
		}
		io.Copy(io.Discard, res.Body)
		return res.Body.Close()
	})
}

// unhealthy measures what peers that hang, and peers that are not there, cost
// those that are well.
func unhealthy(ctx context.Context, b *bench) error {
	ports, names, err := b.listen(hosts)
	if err != nil {
		return err
	}
	const tenth = hosts / 10
	if _, err := b.peer.ask(order{Hang: ports[:tenth], Refuse: ports[tenth : 2*tenth]}); err != nil {
		return err
	}
	well := names[2*tenth:]
	alone, err := b.newHarbour(ctx, "well", well, false, nil)
	if err != nil {
		return err
	}
	defer alone.Close()
	among, err := b.newHarbour(ctx, "unwell", names, false, nil)
	if err != nil {
		return err
	}
	defer among.Close()
	var late, lates []float64 // the newest: without the unwell, then among them
	m, err := compare(3, func() (float64, error) {
		cost, at, err := b.toTheWell(ctx, among, well)
		if err != nil {
			return 0, err
		}
		lates = append(lates, at/late[len(late)-1])
		return cost, among.forgive(ctx, names[:2*tenth])
	}, func() (float64, error) {
		cost, at, err := b.toTheWell(ctx, alone, well)
		late = append(late, at)
		return cost, err
	})
	if err != nil {
		return err
	}
	b.result(bar{n: 8, name: "a fifth of peers hang or refuse: work for the rest", unit: "all well", must: 0.9, atLeast: true}, 1/m.ratio)
	b.result(bar{n: 8, name: "a fifth of peers hang or refuse: p99 of the rest", unit: "all well", must: 1.3}, median(lates[1:]))
	return nil
}

// toTheWell delivers a round and returns what it cost until those who are well
// had it, and when in that time 99 of 100 deliveries had arrived, in milliseconds.
func (b *bench) toTheWell(ctx context.Context, h *harbour, well []string) (cost, late float64, err error) {
	if err := h.post(ctx, activities); err != nil {
		return 0, 0, err
	}
	if _, err := b.peer.ask(order{Await: len(well) * activities}); err != nil {
		return 0, 0, err
	}
	start := time.Now()
	cost, err = h.deliver(ctx, well, func() error {
		r, err := b.peer.hear()
		var after []float64
		for _, a := range r.Arrivals {
			after = append(after, float64(a.At.Sub(start))/1e6)
		}
		if err == nil {
			late = percentile(after, 99)
		}
		return err
	})
	return cost, late, err
}

// forgive has peers tried again at once.
func (h *harbour) forgive(ctx context.Context, names []string) error {
	return h.DB.Update(ctx, func(tx *store.Tx) error {
		for _, host := range names {
			p, err := tx.Peer(host)
			if err != nil {
				return err
			}
			p.State, p.Fails, p.NotUntil, p.Error = copse.PeerOK, 0, time.Time{}, ""
			if err := tx.SetHealth(p); err != nil {
				return err
			}
		}
		return nil
	})
}

func crash(_ context.Context, b *bench) error {
	b.notYet(9, "kill -9 in the middle of delivering", "a test of cmd/copse proves it; there is no ratio in it")
	return nil
}

// fanOut measures a post here in a community that 3,000 peers follow.
func fanOut(ctx context.Context, b *bench) error {
	names := make([]string, 3000)
	for i := range names {
		names[i] = fmt.Sprintf("council%d.example", i)
	}
	few, err := b.newHarbour(ctx, "few", nil, false, nil)
	if err != nil {
		return err
	}
	defer few.Close()
	many, err := b.newHarbour(ctx, "many", names, false, nil)
	if err != nil {
		return err
	}
	defer many.Close()
	m, err := against(many.posts(ctx, 200), few.posts(ctx, 200))
	if err != nil {
		return err
	}
	b.detail("%s µs", number(m.cost))
	b.result(bar{n: 10, name: "a post that 3,000 peers are to get", unit: "0 peers", must: 3, aim: 1.2}, m.ratio)
	return nil
}

// posts is a round of n posts.
func (h *harbour) posts(ctx context.Context, n int) round {
	return func() (float64, error) {
		cost, err := during(func() error { return h.post(ctx, n) })
		return cost / float64(n), err
	}
}

// A swallow takes every request, in memory, and says when it has had enough.
type swallow struct {
	left    chan int // holds how many are still awaited
	arrived chan struct{}
}

func (s *swallow) expect(n int) {
	s.left = make(chan int, 1)
	s.left <- n
}

func (s *swallow) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body == nil {
		return nil, errors.New("there is nothing in it")
	}
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return nil, err
	}
	n := <-s.left - 1
	s.left <- n
	if n == 0 {
		s.arrived <- struct{}{}
	}
	return &http.Response{StatusCode: http.StatusAccepted, Body: http.NoBody, Header: http.Header{}, Request: r}, nil
}
