// Package world runs several whole servers in one test, and lets the test use
// them as people do: through their pages, signed in, with forms.
//
// What travels between the servers goes through a network in memory; keys,
// signatures, queues, databases and pages are the real ones. A test makes a
// world, has people do things, lets what they did arrive with Settle, and looks
// at what each server now shows.
package world

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alexedwards/argon2id"

	"copse/copse"
	"copse/internal/config"
	"copse/internal/server"
	"copse/store"
	"copse/store/storetest"
)

// Password is everybody's in a world.
const Password = "correct horse battery"

// A World is servers by host name.
type World map[string]*Server

// A Server is one of them.
type Server struct {
	*server.Server
	t      testing.TB
	host   string
	config config.Config
	net    *network
	stop   func() // ends Run and closes the database
}

// New returns a world of servers with the given host names, on SQLite, each of
// which has the others on its list.
func New(t testing.TB, hosts ...string) World {
	t.Helper()
	return build(t, false, hosts)
}

// OnPostgres is New with each server on a PostgreSQL schema of its own.
func OnPostgres(t testing.TB, hosts ...string) World {
	t.Helper()
	return build(t, true, hosts)
}

func build(t testing.TB, postgres bool, hosts []string) World {
	t.Helper()
	w := make(World)
	net := &network{world: w, cut: make(map[string]bool)}
	for _, host := range hosts {
		c := config.Default()
		c.Server.URL = "https://" + host
		c.Server.Data = filepath.Join(t.TempDir(), host)
		c.Federation.Allow = hosts
		if postgres {
			c.Database.URL = storetest.PostgresURL(t)
		}
		s := &Server{t: t, host: host, config: c, net: net}
		w[host] = s
		s.Start()
		s.update(func(tx *store.Tx) error { return tx.SetSetting("title", Council(host)) })
		t.Cleanup(func() { s.Stop() })
	}
	return w
}

// Council returns what the council at a host is called: "Harlow Council".
func Council(host string) string {
	name, _, _ := strings.Cut(host, ".")
	return strings.ToUpper(name[:1]) + name[1:] + " Council"
}

// Start starts a server that New has made or Stop has stopped, on its data as
// they lie.
func (s *Server) Start() {
	s.t.Helper()
	var err error
	s.Server, err = server.New(s.t.Context(), s.config, server.Options{
		Version: "test", Transport: s.net, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { s.Run(ctx) })
	s.net.set(s.host, false)
	s.stop = sync.OnceFunc(func() {
		s.net.set(s.host, true)
		cancel()
		running.Wait()
		if err := s.Close(); err != nil {
			s.t.Error(err)
		}
	})
}

// Stop stops a server. The others find nobody answering until it is started
// again.
func (s *Server) Stop() { s.stop() }

// A network carries requests between the servers of a world.
type network struct {
	mu    sync.Mutex
	world World
	cut   map[string]bool // guarded by mu
}

func (n *network) set(host string, cut bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.cut[host] = cut
}

func (n *network) RoundTrip(r *http.Request) (*http.Response, error) {
	n.mu.Lock()
	to, cut := n.world[r.URL.Host], n.cut[r.URL.Host]
	n.mu.Unlock()
	if to == nil || cut {
		return nil, errors.New("connection refused")
	}
	return serve(to, r), nil
}

// serve has a server answer a client's request.
func serve(to http.Handler, r *http.Request) *http.Response {
	in := r.Clone(r.Context())
	in.RequestURI, in.RemoteAddr = r.URL.RequestURI(), "192.0.2.1:1234"
	if in.Host == "" {
		in.Host = r.URL.Host
	}
	if in.Body == nil {
		in.Body = http.NoBody
	}
	rec := httptest.NewRecorder()
	to.ServeHTTP(rec, in)
	res := rec.Result()
	res.Request = r
	return res
}

// A Person is somebody with an account and a browser.
type Person struct {
	*copse.Actor
	server  *Server
	browser *http.Client
}

var hashed = sync.OnceValues(func() (string, error) {
	return argon2id.CreateHash(Password, &argon2id.Params{Memory: 19 << 10, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32})
})

// Person makes a person at host and signs them in.
func (w World) Person(host, name string) *Person {
	s := w[host]
	s.t.Helper()
	password, err := hashed()
	if err != nil {
		s.t.Fatal(err)
	}
	a := &copse.Actor{Name: name, Title: strings.ToUpper(name[:1]) + name[1:], JobTitle: "Policy officer"}
	account := &store.Account{
		Email: name + "@" + host, Password: password, Role: store.Ordinary,
		Confirmed: time.Now(), Approved: time.Now(),
	}
	if err := s.Hub.Register(s.t.Context(), a, account, nil); err != nil {
		s.t.Fatal(err)
	}
	p := s.Visitor()
	p.Actor = a
	if page := p.Submit("/sign-in", url.Values{"email": {account.Email}, "password": {Password}}); page.Status != http.StatusOK {
		s.t.Fatalf("%s cannot sign in: %d %s", name, page.Status, page.Text)
	}
	return p
}

// Visitor returns somebody's browser at a server, not signed in.
func (s *Server) Visitor() *Person {
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	through := roundTrip(func(r *http.Request) (*http.Response, error) { return serve(s, r), nil })
	return &Person{server: s, browser: &http.Client{Jar: jar, Transport: through}}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A Page is what a browser shows after following redirects.
type Page struct {
	Status int
	Path   string
	Text   string
}

// Has reports whether a page shows each of the texts.
func (p Page) Has(texts ...string) bool {
	for _, text := range texts {
		if !strings.Contains(p.Text, text) {
			return false
		}
	}
	return true
}

// Page opens a page.
func (p *Person) Page(path string) Page {
	p.server.t.Helper()
	return p.page(http.MethodGet, path, nil)
}

// Submit sends a form.
func (p *Person) Submit(path string, form url.Values) Page {
	p.server.t.Helper()
	return p.page(http.MethodPost, path, form)
}

func (p *Person) page(method, path string, form url.Values) Page {
	t := p.server.t
	t.Helper()
	r, err := http.NewRequest(method, "https://"+p.server.host+path, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	r.Header.Set("Accept", "text/html")
	res, err := p.browser.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return Page{res.StatusCode, res.Request.URL.Path, string(text)}
}

// Community makes a community at host, owned by somebody there.
func (w World) Community(owner *Person, name string, join copse.Join, audience copse.Audience) *copse.Community {
	s := owner.server
	s.t.Helper()
	c := &copse.Community{
		Actor: copse.Actor{Name: name, Title: strings.ToUpper(name[:1]) + name[1:]},
		Join:  join, Audience: audience, Posting: copse.Member,
	}
	if err := s.Hub.Found(s.t.Context(), owner.Actor, c); err != nil {
		s.t.Fatal(err)
	}
	return c
}

// Join has people join a community, from wherever they are, and waits until all
// of them are in. Its facilitator lets in those who have to ask.
func (w World) Join(c *copse.Community, facilitator *Person, people ...*Person) {
	home := w[c.Host]
	home.t.Helper()
	for _, p := range people {
		there, err := p.server.Fed.Find(home.t.Context(), "!"+c.Handle())
		if err != nil {
			home.t.Fatal(err)
		}
		if err := p.server.Hub.Join(home.t.Context(), p.Actor, there, "to learn"); err != nil {
			home.t.Fatal(err)
		}
	}
	w.Settle()
	var waiting []store.Person
	home.view(func(tx *store.Tx) (err error) {
		waiting, err = tx.Waiting(c.ID, 1000)
		return err
	})
	for _, p := range waiting {
		if err := home.Hub.Decide(home.t.Context(), facilitator.Actor, c, p.Actor, true, ""); err != nil {
			home.t.Fatal(err)
		}
	}
	w.Settle()
}

// Settle waits until no running server has anything left to send to another
// running server, or to deal with.
func (w World) Settle() {
	for host := range w {
		w[host].t.Helper()
		break
	}
	// One look at each server is not enough: while the last is looked at, the
	// first may be sent something. Nothing is on its way once two looks in a row
	// find all of them quiet and no further along.
	last := copse.ID(-1)
	w.Until("everything is delivered", func() bool {
		var reached copse.ID
		for _, s := range w {
			if !s.running() {
				continue
			}
			end, quiet := s.quiet()
			if !quiet {
				last = -1
				return false
			}
			reached += end
		}
		settled := reached == last
		last = reached
		return settled
	})
}

// Until waits for something to become true, for 30 seconds at most.
func (w World) Until(what string, done func() bool) {
	tick := time.NewTicker(3 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(30 * time.Second)
	for !done() {
		select {
		case <-tick.C:
		case <-deadline:
			for _, s := range w {
				s.t.Helper()
				s.t.Fatalf("30 seconds later it is still not so that %s", what)
			}
		}
	}
}

func (s *Server) running() bool {
	s.net.mu.Lock()
	defer s.net.mu.Unlock()
	return !s.net.cut[s.host]
}

// quiet reports whether a server has nothing left to do, and how far its outbox
// reaches.
func (s *Server) quiet() (end copse.ID, quiet bool) {
	s.view(func(tx *store.Tx) error {
		next, err := tx.NextReceived()
		if err != nil || !next.IsZero() {
			return err
		}
		var peers []copse.ID
		if peers, end, err = tx.Lanes(); err != nil {
			return err
		}
		for _, id := range peers {
			p, err := tx.PeerByID(id)
			if err != nil {
				return err
			}
			if to := s.net.world[p.Host]; to == nil || !to.running() {
				continue
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
	return end, quiet
}

func (s *Server) view(fn func(*store.Tx) error) {
	s.t.Helper()
	if err := s.DB.View(context.Background(), fn); err != nil {
		s.t.Fatal(err)
	}
}

func (s *Server) update(fn func(*store.Tx) error) {
	s.t.Helper()
	if err := s.DB.Update(context.Background(), fn); err != nil {
		s.t.Fatal(fmt.Errorf("%s: %w", s.host, err))
	}
}
