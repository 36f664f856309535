package federation_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"copse/content"
	"copse/copse"
	"copse/federation"
	"copse/federation/ap"
	"copse/federation/httpsig"
	"copse/hub"
	"copse/internal/outbound"
	"copse/store"
	"copse/store/storetest"
)

// A town is one server without its pages: the store, the hub and what peers see.
type town struct {
	t       testing.TB
	n       *network
	host    string
	db      *store.DB
	hub     *hub.Hub
	fed     *federation.Server
	handler http.Handler // guarded by n.mu
	client  *outbound.Client
	stop    func() // ends what runs in the background, and waits for it
}

// A network carries requests between towns in memory. Everything else about them
// (keys, signatures, queues) is real.
type network struct {
	mu        sync.Mutex
	towns     map[string]*town
	peers     map[string]*peer
	answers   map[string]func(*http.Request) (*http.Response, error) // guarded by mu; by host, instead of what is there
	got       []string                                               // guarded by mu; every request: "POST https://harlow.example/inbox"
	elsewhere func(*http.Request) (*http.Response, error)            // what hosts answer that are not there; nil is refused
	keys      map[int]int                                            // how many of the keys that were made have been given out, by their bits
}

func (n *network) RoundTrip(r *http.Request) (*http.Response, error) {
	n.mu.Lock()
	var handler http.Handler
	if to := n.towns[r.URL.Host]; to != nil {
		handler = to.handler
	} else if to := n.peers[r.URL.Host]; to != nil {
		handler = to
	}
	answer := n.answers[r.URL.Host]
	n.got = append(n.got, r.Method+" "+r.URL.String())
	n.mu.Unlock()
	switch {
	case answer != nil:
		res, err := answer(r)
		if res != nil || err != nil {
			return res, err
		}
	case handler == nil && n.elsewhere != nil:
		return n.elsewhere(r)
	case handler == nil:
		return refused(r)
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
	handler.ServeHTTP(rec, in)
	return rec.Result(), nil
}

// answer replaces what a host answers; nil puts it back. An answer of nil and nil
// lets the request through.
func (n *network) answer(host string, with func(*http.Request) (*http.Response, error)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.answers[host] = with
}

// refused is how a host answers that is not there.
func refused(r *http.Request) (*http.Response, error) {
	return nil, fmt.Errorf("dial %s: connection refused", r.URL.Host)
}

// asked returns every request since the last forget.
func (n *network) asked() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.got)
}

func (n *network) forget() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.got = nil
}

// requests returns what has been asked of a host.
func (n *network) requests(host string) (all []string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, got := range n.got {
		if strings.Contains(got, "//"+host+"/") {
			all = append(all, got)
		}
	}
	return all
}

// newNetwork returns towns that exchange everything with each other.
func newNetwork(t testing.TB, hosts ...string) *network {
	t.Helper()
	n := &network{
		towns: make(map[string]*town), peers: make(map[string]*peer),
		answers: make(map[string]func(*http.Request) (*http.Response, error)),
	}
	for _, host := range hosts {
		n.town(t, host, storetest.Open(t))
	}
	return n
}

// town adds a town, whose database is db, and starts it.
func (n *network) town(t testing.TB, host string, db *store.DB) *town {
	t.Helper()
	w := &town{t: t, n: n, host: host, db: db, client: outbound.New(outbound.Config{Transport: n})}
	w.start()
	self, err := w.hub.Self(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w.giveKey(self)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.towns[host] = w
	return w
}

// giveKey spares the town making a key for one of its actors.
func (w *town) giveKey(a *copse.Actor) {
	w.t.Helper()
	key := w.n.key(2048)
	private, err := httpsig.MarshalPrivateKey(key)
	if err != nil {
		w.t.Fatal(err)
	}
	public, err := httpsig.MarshalPublicKey(key.Public())
	if err != nil {
		w.t.Fatal(err)
	}
	err = w.db.Update(context.Background(), func(tx *store.Tx) error {
		_, err := tx.AddKey(a.ID, a.URI+"#main-key", public, private)
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// start starts the program anew on the database it has.
func (w *town) start() {
	kinds := content.Kinds()
	w.hub = &hub.Hub{DB: w.db, Kinds: kinds, Base: "https://" + w.host}
	w.fed = &federation.Server{
		DB: w.db, Hub: w.hub, Kinds: kinds, Base: w.hub.Base, Version: "test", Mode: copse.Open, Client: w.client,
		Mappings: content.Mappings(),
	}
	w.hub.Wire = w.fed
	r := chi.NewRouter()
	w.fed.Routes(r)
	r.NotFound(w.fed.Wanted(http.NotFoundHandler()).ServeHTTP)
	w.n.mu.Lock()
	w.handler = r
	w.n.mu.Unlock()
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { w.fed.Run(ctx) })
	w.stop = func() {
		cancel()
		running.Wait()
	}
	w.t.Cleanup(w.stop)
}

// settle waits until nobody has anything left to send or to deal with. Towns are
// asked one after the other, so it takes two rounds without a request between
// them to be sure that nothing has moved on to one that was asked before.
func (n *network) settle(t testing.TB) {
	t.Helper()
	last := -1
	n.until(t, "everything is delivered", func() bool {
		for _, town := range n.towns {
			if !town.quiet() {
				last = -1
				return false
			}
		}
		before := last
		last = len(n.asked())
		return before == last
	})
}

// until waits for something to become true.
func (n *network) until(t testing.TB, what string, done func() bool) {
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
	account := &store.Account{Email: name + "@" + w.host, Password: "x", Role: store.Ordinary, Confirmed: time.Now()}
	if err := w.hub.Register(w.t.Context(), p, account, nil); err != nil {
		w.t.Fatal(err)
	}
	w.giveKey(p)
	return p
}

func (w *town) community(owner *copse.Actor, name string, join copse.Join, audience copse.Audience) *copse.Community {
	w.t.Helper()
	c := &copse.Community{Actor: copse.Actor{Name: name, Title: strings.ToUpper(name[:1]) + name[1:]}, Join: join, Audience: audience, Posting: copse.Member}
	if err := w.hub.Found(w.t.Context(), owner, c); err != nil {
		w.t.Fatal(err)
	}
	w.giveKey(&c.Actor)
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

// state is everything that an activity could have changed at a town, as text:
// who is in its communities and what is there, and how much it has to send.
func (w *town) state() string {
	var b strings.Builder
	w.view(func(tx *store.Tx) error {
		all, err := tx.Communities(store.Directory{N: 100})
		if err != nil {
			return err
		}
		for _, c := range all {
			fmt.Fprintf(&b, "%s %q %s %s %d members, %d councils\n", c.URI, c.Title, c.Join, c.Audience, c.Members, c.Councils)
			members, err := tx.MembersOf(c.ID, copse.Member, 0, 100)
			if err != nil {
				return err
			}
			waiting, err := tx.Waiting(c.ID, 100)
			if err != nil {
				return err
			}
			for _, m := range append(members, waiting...) {
				fmt.Fprintf(&b, "  %s %s %d\n", m.URI, m.State, m.Role)
			}
			log, err := tx.Log(c.ID, 0, 1000)
			if err != nil {
				return err
			}
			for _, r := range log {
				line := fmt.Sprintf("  %s by %s: %s\n", r.Type, r.By.URI, r.Object)
				if r.Type == "Undo" || strings.Contains(b.String(), line) {
					continue // what was undone shows elsewhere, and a repeat is no news
				}
				b.WriteString(line)
				o, err := tx.ObjectByURI(r.Object)
				if copse.CodeOf(err) == copse.CodeNotFound {
					continue
				}
				if err != nil {
					return err
				}
				fmt.Fprintf(&b, "    %s %q %q %s in %d under %d, answer %d, %d likes, %d replies, accepted %v, deleted %v %v\n",
					o.Kind, o.Title, o.HTML, o.Audience, o.Community, o.Parent, o.Answer, o.Likes, o.Replies,
					!o.Accepted.IsZero(), !o.Deleted.IsZero(), o.Removed)
			}
		}
		sent, err := tx.OutboxAfter(0, 1000)
		fmt.Fprintf(&b, "%d announced\n", len(sent))
		return err
	})
	return b.String()
}

// changed returns the lines of one state that are not in the other.
func changed(before, after string) string {
	was, is := strings.Split(before, "\n"), strings.Split(after, "\n")
	var b strings.Builder
	for _, line := range was {
		if !slices.Contains(is, line) {
			b.WriteString("-" + line + "\n")
		}
	}
	for _, line := range is {
		if !slices.Contains(was, line) {
			b.WriteString("+" + line + "\n")
		}
	}
	return b.String()
}
