package federation_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"copse/copse"
	"copse/federation/ap"
	"copse/federation/httpsig"
	"copse/store"
)

// A peer is a server whose every word the test decides. It serves what it has
// been given and 404 for the rest, and takes everything that is sent to it.
type peer struct {
	t    testing.TB
	n    *network
	host string

	mu   sync.Mutex
	docs map[string]document // guarded by mu; by path
	sent []obj               // guarded by mu; what was posted to it
}

type document struct {
	status   int
	typ      string
	location string
	body     []byte
}

// An obj is JSON in the making.
type obj map[string]any

func (o obj) json() []byte {
	b, err := json.Marshal(o)
	if err != nil {
		panic(err)
	}
	return b
}

// with returns a copy of o with members replaced, or taken away where nil.
func (o obj) with(changes obj) obj {
	c := obj{}
	for k, v := range o {
		c[k] = v
	}
	for k, v := range changes {
		if c[k] = v; v == nil {
			delete(c, k)
		}
	}
	return c
}

func (n *network) peer(t testing.TB, host string) *peer {
	t.Helper()
	p := &peer{t: t, n: n, host: host, docs: make(map[string]document)}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.peers[host] = p
	p.is("lemmy")
	return p
}

// is has the peer say which software it runs.
func (p *peer) is(software string, feps ...string) {
	at := "https://" + p.host + "/nodeinfo/2.1"
	links := obj{"links": []obj{{"rel": "http://nodeinfo.diaspora.software/ns/schema/2.1", "href": at}}}
	about := obj{"software": obj{"name": software, "version": "1"}, "metadata": obj{"capabilities": feps}}
	p.serveAt("/.well-known/nodeinfo", document{http.StatusOK, "application/json", "", links.json()})
	p.serveAt("/nodeinfo/2.1", document{http.StatusOK, "application/json", "", about.json()})
}

func (p *peer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if r.Method == http.MethodPost {
		var body obj
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			p.t.Errorf("%s was sent something that is not JSON: %v", p.host, err)
		}
		p.sent = append(p.sent, body)
		w.WriteHeader(http.StatusAccepted)
		return
	}
	d, ok := p.docs[r.URL.RequestURI()]
	if !ok {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", d.typ)
	if d.location != "" {
		w.Header().Set("Location", d.location)
	}
	w.WriteHeader(d.status)
	w.Write(d.body)
}

// serve has the peer answer with o at the address that o gives as its id, and
// returns that. What was there is replaced.
func (p *peer) serve(o obj) string {
	uri := o["id"].(string)
	path, _, _ := strings.Cut(strings.TrimPrefix(uri, "https://"+p.host), "#")
	p.serveAt(path, document{http.StatusOK, ap.ActivityJSON, "", o.json()})
	return uri
}

func (p *peer) serveAt(path string, d document) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.docs[path] = d
}

func (p *peer) forget(uri string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.docs, strings.TrimPrefix(uri, "https://"+p.host))
}

// received returns what was posted to the peer.
func (p *peer) received() []obj {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]obj(nil), p.sent...)
}

// made are keys that were made for one test and do for the next: half of the time
// all of them take would go by with looking for primes.
var made struct {
	sync.Mutex
	keys map[int][]*rsa.PrivateKey // by their bits
}

// key returns a key that nobody else in the network has: of 2048 bits for a town,
// which makes none shorter, of 1024 for a peer, which is quicker.
func (n *network) key(bits int) *rsa.PrivateKey {
	made.Lock()
	defer made.Unlock()
	if made.keys == nil {
		made.keys = make(map[int][]*rsa.PrivateKey)
	}
	if n.keys == nil {
		n.keys = make(map[int]int)
	}
	if n.keys[bits] == len(made.keys[bits]) {
		k, err := rsa.GenerateKey(rand.Reader, bits)
		if err != nil {
			panic(err)
		}
		made.keys[bits] = append(made.keys[bits], k)
	}
	n.keys[bits]++
	return made.keys[bits][n.keys[bits]-1]
}

// A voice is an actor of a peer's, with the key it signs with.
type voice struct {
	peer *peer
	uri  string
	key  httpsig.Key
	doc  obj
}

// actor adds somebody to the peer and serves their document.
func (p *peer) actor(typ, path string) *voice {
	p.t.Helper()
	private := p.n.key(1024)
	public, err := httpsig.MarshalPublicKey(private.Public())
	if err != nil {
		p.t.Fatal(err)
	}
	uri := "https://" + p.host + path
	v := &voice{peer: p, uri: uri, key: httpsig.Key{ID: uri + "#main-key", Private: private}}
	v.doc = obj{
		"id": uri, "type": typ, "preferredUsername": path[strings.LastIndexByte(path, '/')+1:],
		"inbox": uri + "/inbox", "outbox": uri + "/outbox", "endpoints": obj{"sharedInbox": "https://" + p.host + "/inbox"},
		"publicKey": obj{"id": v.key.ID, "owner": uri, "publicKeyPem": public},
	}
	p.serve(v.doc)
	return v
}

// request returns a signed POST of body to a path of a town.
func (v *voice) request(host, path string, body []byte) *http.Request {
	v.peer.t.Helper()
	r, err := http.NewRequest(http.MethodPost, "https://"+host+path, bytes.NewReader(body))
	if err != nil {
		v.peer.t.Fatal(err)
	}
	r.Header.Set("Content-Type", ap.ActivityJSON)
	v.sign(r, body, time.Now())
	return r
}

func (v *voice) sign(r *http.Request, body []byte, at time.Time) {
	v.peer.t.Helper()
	digest := sha256.Sum256(body)
	if err := httpsig.Sign(r, v.key, httpsig.Cavage, &digest, at); err != nil {
		v.peer.t.Fatal(err)
	}
}

// get asks a town for a document, signed.
func (v *voice) get(w *town, path string) *httptest.ResponseRecorder {
	v.peer.t.Helper()
	r, err := http.NewRequest(http.MethodGet, "https://"+w.host+path, nil)
	if err != nil {
		v.peer.t.Fatal(err)
	}
	r.Header.Set("Accept", ap.ActivityJSON)
	if err := httpsig.Sign(r, v.key, httpsig.Cavage, nil, time.Now()); err != nil {
		v.peer.t.Fatal(err)
	}
	return w.do(r)
}

// do has a town answer a request as it would come in.
func (w *town) do(r *http.Request) *httptest.ResponseRecorder {
	in := r.Clone(r.Context())
	in.RequestURI = r.URL.RequestURI()
	if in.Host == "" {
		in.Host = r.URL.Host
	}
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, in)
	return rec
}

// say posts act, signed by v, to a town's shared inbox and returns the status.
func (v *voice) say(w *town, act obj) int {
	v.peer.t.Helper()
	return w.do(v.request(w.host, "/inbox", act.json())).Code
}

// act returns an activity by v. Its id ends in name.
func (v *voice) act(typ, name string, object any) obj {
	return obj{"id": v.uri + "/" + strings.ToLower(typ) + "/" + name, "type": typ, "actor": v.uri, "object": object}
}

// announces wraps what somebody did as a community passes it on.
func (v *voice) announces(act obj) obj {
	id, _ := act["id"].(string)
	return v.act("Announce", strings.NewReplacer("https://", "", "/", "-").Replace(id), act)
}

// page returns what v starts in a community.
func (v *voice) page(name, community, title string) obj {
	return obj{
		"id": v.uri + "/page/" + name, "type": "Page", "attributedTo": v.uri, "audience": community,
		"to": []string{community, ap.Public}, "cc": []string{}, "name": title, "content": "<p>" + title + "</p>",
		"published": time.Now().UTC().Add(-time.Minute).Format(time.RFC3339),
	}
}

// note returns what v answers to something in a community.
func (v *voice) note(name, community, to, text string) obj {
	return obj{
		"id": v.uri + "/note/" + name, "type": "Note", "attributedTo": v.uri, "audience": community, "inReplyTo": to,
		"to": []string{community, ap.Public}, "cc": []string{}, "content": "<p>" + text + "</p>",
		"published": time.Now().UTC().Add(-time.Minute).Format(time.RFC3339),
	}
}

// settled waits until a town has dealt with all that is parked there and due.
func (n *network) settled(t testing.TB, w *town) {
	t.Helper()
	n.until(t, w.host+" has dealt with everything", func() bool {
		var next time.Time
		w.view(func(tx *store.Tx) (err error) {
			next, err = tx.NextReceived()
			return err
		})
		// What has been claimed is due when its lease ends, what was put off in
		// seconds at least.
		return next.IsZero() || time.Until(next) > 3*time.Second && time.Until(next) < 90*time.Second || time.Until(next) > 3*time.Minute
	})
}

// actorByURI returns somebody a town knows, nil if it does not.
func (w *town) actorByURI(uri string) (a *copse.Actor) {
	w.view(func(tx *store.Tx) (err error) {
		a, err = tx.ActorByURI(uri)
		if copse.CodeOf(err) == copse.CodeNotFound {
			a, err = nil, nil
		}
		return err
	})
	return a
}
