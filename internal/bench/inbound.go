package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"runtime"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"

	"copse/copse"
	"copse/federation/ap"
	"copse/federation/httpsig"
	"copse/store"
)

// here is the address of every server measured. It is not https, so that it talks
// to other servers by http too, as the bare POST does. TLS costs both the same.
const here = "http://here.example"

// thisMachine is where the peer listens.
var thisMachine = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

// verified measures what comes before anything is believed: reading a signed
// request, comparing the digest and verifying the signature with a known key.
func verified(ctx context.Context, b *bench) error {
	key, public, err := rsaKey()
	if err != nil {
		return err
	}
	r := chi.NewRouter()
	policy := httpsig.Policy{Host: "here.example", Scheme: "http"}
	r.Post("/inbox", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		sig, err := policy.Parse(r, body)
		if err == nil {
			var known any
			if known, err = httpsig.ParsePublicKey(public); err == nil {
				err = sig.Verify(known)
			}
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
		w.WriteHeader(http.StatusAccepted)
	})
	addr, stop, err := serving(r)
	if err != nil {
		return err
	}
	defer stop()
	key.ID = "https://council.example/u/ada#key"
	request, err := signed(key, []byte(strings.Repeat("x", letter)))
	if err != nil {
		return err
	}
	m, err := against(b.requests(addr, request, 1500, http.StatusAccepted), b.yard.V, b.yard.H)
	if err != nil {
		return err
	}
	b.detail("%s µs a request", number(m.cost))
	b.result(bar{n: 1, name: "inbox: read, digest, verify", unit: "V+H", must: 2, aim: 1.6}, m.ratio)
	return nil
}

// rsaKey returns a key of other people's, and its public half in PEM.
func rsaKey() (key httpsig.Key, public string, err error) {
	private, err := httpsig.GenerateRSA()
	if err != nil {
		return key, "", err
	}
	public, err = httpsig.MarshalPublicKey(private.Public())
	return httpsig.Key{Private: private}, public, err
}

// signed is a delivery of body to this server's inbox, as on the wire.
func signed(key httpsig.Key, body []byte) ([]byte, error) {
	r, err := http.NewRequest(http.MethodPost, here+"/inbox", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", ap.ActivityJSON)
	r.Header.Set("User-Agent", "council/1.0 (+https://council.example)")
	digest := sha256.Sum256(body)
	if err := httpsig.Sign(r, key, httpsig.Cavage, &digest, time.Now()); err != nil {
		return nil, err
	}
	var wire bytes.Buffer
	err = r.Write(&wire)
	return wire.Bytes(), err
}

// ingest measures whole activities: members elsewhere answer conversations here
// and start some.
func ingest(ctx context.Context, b *bench) error {
	t, err := b.town(ctx)
	if err != nil {
		return err
	}
	in, err := b.newIngest(ctx, t)
	if err != nil {
		return err
	}
	defer in.stop()
	m, err := against(in.together, b.yard.V, b.yard.I)
	if err != nil {
		return err
	}
	b.detail("%s µs an activity", number(m.cost))
	b.result(bar{n: 2, name: "inbox: an activity from the socket to its 202", unit: "V+I", must: 13, aim: 6}, m.ratio)
	again, err := against(in.again, in.together)
	if err != nil {
		return err
	}
	hellos, err := against(in.again, b.yard.H)
	if err != nil {
		return err
	}
	b.detail("%s µs a repeat, %s × H", number(again.cost), number(hellos.ratio))
	b.result(bar{n: 3, name: "inbox: an activity that came before", unit: "bar 2", must: 0.25, aim: again.ratio * 4 / hellos.ratio}, again.ratio)
	alone, err := against(in.alone, in.together)
	if err != nil {
		return err
	}
	b.detail("%s µs an activity that comes alone", number(alone.cost))
	b.result(bar{n: 4, name: "inbox: one at a time, beside 32 that share commits", unit: "bar 2", must: 1.3, atLeast: true}, alone.ratio)
	return in.arrived(ctx)
}

// An ingesting is a town that takes in what people elsewhere write.
type ingesting struct {
	*correspondence
	peer   *peer
	addr   string
	stop   func()
	newest [][]byte // what came together last
}

func (b *bench) newIngest(ctx context.Context, t *town) (*ingesting, error) {
	w, err := correspondents(ctx, t)
	if err != nil {
		return nil, err
	}
	in := &ingesting{correspondence: w, peer: b.peer}
	in.addr, in.stop, err = serving(t.Server)
	return in, err
}

// together is a round of activities that come over 32 connections, again of those
// same activities, alone of others that come one by one.
func (in *ingesting) together() (cost float64, err error) {
	if in.newest, err = in.write(1200); err != nil {
		return 0, err
	}
	return in.take(32, in.newest)
}

func (in *ingesting) again() (float64, error) { return in.take(32, in.newest) }

func (in *ingesting) alone() (float64, error) {
	requests, err := in.write(300)
	if err != nil {
		return 0, err
	}
	return in.take(1, requests)
}

func (in *ingesting) take(conns int, requests [][]byte) (float64, error) {
	if err := in.peer.load(requests...); err != nil {
		return 0, err
	}
	return in.peer.fire(volley{Addr: in.addr, Conns: conns, Requests: len(requests)}, http.StatusAccepted)
}

// A correspondence is what people elsewhere write to communities of a town.
type correspondence struct {
	*town
	key    httpsig.Key
	places []place
	sent   int
	last   string // URI of what was written last
}

// A place is where somebody may write.
type place struct {
	community *copse.Community
	members   []*copse.Actor
	topics    []*copse.Object
}

// correspondents gives the members of a town who live elsewhere a key that we
// have, and finds out what they could answer.
func correspondents(ctx context.Context, t *town) (*correspondence, error) {
	w := &correspondence{town: t}
	var public string
	var err error
	if w.key, public, err = rsaKey(); err != nil {
		return nil, err
	}
	return w, t.DB.Update(ctx, func(tx *store.Tx) error {
		w.places = nil
		for _, id := range t.Communities {
			if len(w.places) == 40 {
				break
			}
			p, err := placeAt(tx, id, public)
			if err != nil {
				return err
			}
			if len(p.members) > 0 && len(p.topics) > 0 {
				w.places = append(w.places, p)
			}
		}
		return nil
	})
}

func placeAt(tx *store.Tx, id copse.ID, public string) (p place, err error) {
	if p.community, err = tx.Community(id); err != nil || !p.community.Local {
		return p, err
	}
	people, err := tx.MembersOf(id, copse.Member, 0, 200)
	if err != nil {
		return p, err
	}
	for _, person := range people {
		if person.Local || len(p.members) == 20 {
			continue
		}
		person.PublicKey, person.Fetched = public, tx.Now
		if err := tx.SetActor(person.Actor); err != nil {
			return p, err
		}
		p.members = append(p.members, person.Actor)
	}
	if len(p.members) == 0 {
		return p, nil
	}
	posts, err := tx.Newest(copse.Viewer{Actor: p.members[0].ID}, id, "topic", 0, 100)
	for _, post := range posts {
		p.topics = append(p.topics, post.Object)
	}
	return p, err
}

// write returns n activities on their way: four replies to a conversation begun,
// most of them in the busiest communities, and of those in the busiest one in
// twenty to the conversation that is far ahead of the rest.
func (w *correspondence) write(n int) ([][]byte, error) {
	requests := make([][]byte, n)
	bodies, keys := make([][]byte, n), make([]httpsig.Key, n)
	for i := range n {
		bodies[i], keys[i] = w.next()
	}
	err := inParallel(runtime.NumCPU(), n, func(i int) (err error) {
		requests[i], err = signed(keys[i], bodies[i])
		return err
	})
	return requests, err
}

func (w *correspondence) next() ([]byte, httpsig.Key) {
	w.sent++
	i := w.sent
	x := float64(i*2654435761%(1<<32)) / (1 << 32)
	p := w.places[int(float64(len(w.places))*x*x*x*x)]
	by := p.members[i%len(p.members)]
	answers := ""
	if i%5 > 0 {
		answers = p.topics[i/5%len(p.topics)].URI
		if p.community.ID == w.Communities[0] && i%20 == 1 {
			answers = fmt.Sprintf("https://here.example/post/%d", w.Thread)
		}
	}
	key := w.key
	key.ID = by.KeyID
	w.last = by.URI + "/notes/" + uuid.NewString()
	return note(by, p.community, w.last, answers), key
}

// note is what Mastodon would send, 3.9 KB of it.
func note(by *copse.Actor, community *copse.Community, uri, answers string) []byte {
	now := time.Now().UTC().Format(time.RFC3339)
	text := `<p><span class="h-card"><a href="https://here.example/c/trees" class="u-url mention">@<span>trees</span></a></span> ` +
		`The survey of <strong>street trees</strong> is in: <a href="https://council.example/report?year=2027&amp;ward=3" rel="nofollow noopener" target="_blank">` +
		`<span class="invisible">https://</span>council.example/report</a>.</p>`
	for i := 0; len(text) < letter-1750; i++ {
		text += fmt.Sprintf(`<p>In ward %d the oldest of the limes have to go, and <em>nobody</em> is happy about that.</p>`, i)
	}
	object := map[string]any{
		"id": uri, "type": "Note", "attributedTo": by.URI, "published": now, "url": uri + ".html",
		"to": []string{ap.Public}, "cc": []string{community.URI, by.URI + "/followers"}, "audience": community.URI,
		"sensitive": false, "atomUri": uri, "inReplyToAtomUri": nil, "content": text,
		"tag":        []any{map[string]string{"type": "Mention", "href": community.URI, "name": "@" + community.Name + "@here.example"}},
		"attachment": []any{},
		"replies":    map[string]any{"id": uri + "/replies", "type": "Collection"},
	}
	if answers != "" {
		object["inReplyTo"] = answers
	}
	body, err := json.Marshal(map[string]any{
		"@context": []any{"https://www.w3.org/ns/activitystreams", map[string]any{
			"ostatus": "http://ostatus.org#", "atomUri": "ostatus:atomUri", "inReplyToAtomUri": "ostatus:inReplyToAtomUri",
			"sensitive": "as:sensitive", "toot": "http://joinmastodon.org/ns#", "votersCount": "toot:votersCount",
		}},
		"id": uri + "/activity", "type": "Create", "actor": by.URI, "published": now,
		"to": []string{ap.Public}, "cc": []string{community.URI, by.URI + "/followers"}, "object": object,
	})
	if err != nil {
		panic(err) // maps of strings always marshal
	}
	return body
}

// arrived makes sure that what was measured was not a polite refusal.
func (w *correspondence) arrived(ctx context.Context) error {
	return w.DB.View(ctx, func(tx *store.Tx) error {
		o, err := tx.ObjectByURI(w.last)
		if err == nil && o.HTML == "" {
			err = fmt.Errorf("there is nothing in it")
		}
		if err != nil {
			return fmt.Errorf("%s, which was taken with 202: %w", w.last, err)
		}
		return nil
	})
}
