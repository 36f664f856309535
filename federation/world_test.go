package federation_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"copse/copse"
	"copse/federation"
	"copse/federation/ap"
	"copse/hub"
	"copse/internal/outbound"
	"copse/store"
	"copse/store/storetest"
)

// A town is one server without its pages: the store, the hub and what peers see.
type town struct {
	t       *testing.T
	host    string
	db      *store.DB
	hub     *hub.Hub
	fed     *federation.Server
	handler http.Handler
	down    bool // guarded by network.mu
}

// A network carries requests between towns in memory. Everything else about them
// (keys, signatures, queues) is real.
type network struct {
	mu    sync.Mutex
	towns map[string]*town
	got   []string // every request: "POST https://harlow.example/inbox"
	tap   func(*http.Request)
}

func (n *network) RoundTrip(r *http.Request) (*http.Response, error) {
	n.mu.Lock()
	to := n.towns[r.URL.Host]
	n.got = append(n.got, r.Method+" "+r.URL.String())
	down := to == nil || to.down
	tap := n.tap
	n.mu.Unlock()
	if down {
		return nil, fmt.Errorf("dial %s: connection refused", r.URL.Host)
	}
	if tap != nil {
		tap(r)
	}
	in := r.Clone(r.Context())
	in.RequestURI = r.URL.RequestURI()
	if in.Body == nil {
		in.Body = http.NoBody
	}
	if in.Host == "" {
		in.Host = r.URL.Host
	}
	rec := httptest.NewRecorder()
	to.handler.ServeHTTP(rec, in)
	return rec.Result(), nil
}

func (n *network) set(host string, down bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.towns[host].down = down
}

// newNetwork returns towns that exchange everything with each other.
func newNetwork(t *testing.T, hosts ...string) *network {
	t.Helper()
	n := &network{towns: make(map[string]*town)}
	kinds := copse.Kinds{"topic": {Name: "topic"}, "reply": {Name: "reply", Reply: true}}
	mappings := federation.Mappings{{Kind: "topic", Types: []string{"Page"}}, {Kind: "reply", Types: []string{"Note"}, Reply: true}}
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	for _, host := range hosts {
		db := storetest.Open(t)
		h := &hub.Hub{DB: db, Kinds: kinds, Base: "https://" + host}
		f := &federation.Server{
			DB: db, Hub: h, Kinds: kinds, Mappings: mappings, Base: h.Base, Version: "test", Mode: copse.Open,
			Client: outbound.New(outbound.Config{Transport: n}),
		}
		h.Wire = f
		r := chi.NewRouter()
		f.Routes(r)
		r.NotFound(f.Wanted(http.NotFoundHandler()).ServeHTTP)
		if _, err := h.Self(ctx); err != nil {
			t.Fatal(err)
		}
		n.towns[host] = &town{t: t, host: host, db: db, hub: h, fed: f, handler: r}
		running.Go(func() { f.Run(ctx) })
	}
	t.Cleanup(func() {
		stop()
		running.Wait()
	})
	return n
}

// settle waits until nobody has anything left to send or to deal with.
func (n *network) settle(t *testing.T) {
	t.Helper()
	n.until(t, "everything is delivered", func() bool {
		for _, town := range n.towns {
			if !town.quiet() {
				return false
			}
		}
		return true
	})
}

// until waits for something to become true.
func (n *network) until(t *testing.T, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(20 * time.Second)
	for !done() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("20 seconds later it is still not so that %s", what)
		}
	}
}

func (w *town) quiet() (quiet bool) {
	w.view(func(tx *store.Tx) error {
		next, err := tx.NextReceived()
		if err != nil || !next.IsZero() {
			return err
		}
		peers, _, err := tx.Lanes()
		if err != nil {
			return err
		}
		for _, id := range peers {
			p, err := tx.PeerByID(id)
			if err != nil {
				return err
			}
			announced, err := tx.OutboxFor(p.ID, p.Cursor, 1)
			if err != nil || len(announced) > 0 {
				return err
			}
			extras, err := tx.Extras(p.ID, 1)
			if err != nil || len(extras) > 0 {
				return err
			}
		}
		quiet = true
		return nil
	})
	return quiet
}

func (w *town) view(fn func(*store.Tx) error) {
	w.t.Helper()
	if err := w.db.View(context.Background(), fn); err != nil {
		w.t.Fatal(err)
	}
}

func (w *town) person(name string) *copse.Actor {
	w.t.Helper()
	p := &copse.Actor{Name: name, Title: strings.ToUpper(name[:1]) + name[1:], JobTitle: "Officer"}
	account := &store.Account{Email: name + "@" + w.host, Password: "x", Role: store.Ordinary}
	if err := w.hub.Register(w.t.Context(), p, account, nil); err != nil {
		w.t.Fatal(err)
	}
	return p
}

func (w *town) community(owner *copse.Actor, name string, join copse.Join, audience copse.Audience) *copse.Community {
	w.t.Helper()
	c := &copse.Community{Actor: copse.Actor{Name: name, Title: strings.ToUpper(name[:1]) + name[1:]}, Join: join, Audience: audience, Posting: copse.Member}
	if err := w.hub.Found(w.t.Context(), owner, c); err != nil {
		w.t.Fatal(err)
	}
	return c
}

// find has a person's server look up a community by its address.
func (w *town) find(address string) *copse.Actor {
	w.t.Helper()
	a, err := w.fed.Find(w.t.Context(), address)
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}

func (w *town) join(who, community *copse.Actor) {
	w.t.Helper()
	if err := w.hub.Join(w.t.Context(), who, community, "to learn"); err != nil {
		w.t.Fatal(err)
	}
}

func (w *town) post(who, community *copse.Actor, title, html string) *copse.Object {
	w.t.Helper()
	o := &copse.Object{Kind: "topic", Community: community.ID, Title: title, HTML: html, Source: html}
	if err := w.hub.Post(w.t.Context(), who, o); err != nil {
		w.t.Fatal(err)
	}
	return o
}

func (w *town) answer(who *copse.Actor, to *copse.Object, html string) *copse.Object {
	w.t.Helper()
	o := &copse.Object{Kind: "reply", Parent: to.ID, HTML: html, Source: html}
	if err := w.hub.Post(w.t.Context(), who, o); err != nil {
		w.t.Fatal(err)
	}
	return o
}

// object returns what the town has at a URI, nil if nothing.
func (w *town) object(uri string) (o *copse.Object) {
	w.view(func(tx *store.Tx) (err error) {
		o, err = tx.ObjectByURI(uri)
		if copse.CodeOf(err) == copse.CodeNotFound {
			o, err = nil, nil
		}
		return err
	})
	return o
}

func (w *town) membership(community, who *copse.Actor) (m *copse.Membership) {
	w.view(func(tx *store.Tx) (err error) {
		m, err = tx.Membership(community.ID, who.ID)
		return err
	})
	return m
}

// get asks the town for a document, unsigned.
func (w *town) get(path string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", "https://"+w.host+path, nil)
	r.Header.Set("Accept", ap.ActivityJSON)
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, r)
	return rec
}
