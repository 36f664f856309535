package main

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"net/http"
	"runtime"
	"time"

	"github.com/google/uuid"

	"copse/copse"
	"copse/federation/ap"
	"copse/federation/httpsig"
	"copse/federation/proof"
	"copse/store"
)

// announced measures what a community elsewhere passes on: what people on a third
// server say, with their proofs, beside what people on its own say, without.
func announced(ctx context.Context, b *bench) error {
	t, err := b.town(ctx)
	if err != nil {
		return err
	}
	w, err := newAnnouncing(ctx, t)
	if err != nil {
		return err
	}
	addr, stop, err := serving(t.Server)
	if err != nil {
		return err
	}
	defer stop()
	of := func(by author) round {
		return func() (float64, error) {
			requests, err := w.write(by, 600)
			if err != nil {
				return 0, err
			}
			if err := b.peer.load(requests...); err != nil {
				return 0, err
			}
			return b.peer.fire(volley{Addr: addr, Conns: 32, Requests: len(requests)}, http.StatusAccepted)
		}
	}
	m, err := against(of(w.third), of(w.own))
	if err != nil {
		return err
	}
	b.detail("%s µs an activity with a proof", number(m.cost))
	b.result(bar{n: 26, name: "inbox: an announced activity, proved by its author", unit: "unproved", must: 1.6}, m.ratio)
	return (&correspondence{town: t, last: w.last}).arrived(ctx)
}

// An announcing is a community elsewhere that somebody in a town is in.
type announcing struct {
	community  *copse.Community
	key        httpsig.Key
	own, third author // on its server, and on another
	last       string // URI of what was written last
}

// An author may have a key for proofs.
type author struct {
	*copse.Actor
	key proof.Key
}

func newAnnouncing(ctx context.Context, t *town) (*announcing, error) {
	key, public, err := rsaKey()
	if err != nil {
		return nil, err
	}
	proving, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return nil, err
	}
	actor := func(typ copse.ActorType, name, host string) *copse.Actor {
		uri := "https://" + host + "/u/" + name
		return &copse.Actor{
			ID: store.NewID(), Type: typ, URI: uri, Name: name, Host: host, Title: name, Inbox: uri + "/inbox",
			KeyID: uri + "#key", PublicKey: public, Created: time.Now(), Fetched: time.Now(),
		}
	}
	w := &announcing{
		community: &copse.Community{Actor: *actor(copse.Group, "planning", "home.example"), Join: copse.JoinOpen, Audience: copse.Public, Posting: copse.Member},
		key:       key,
		own:       author{Actor: actor(copse.Person, "ada", "home.example")},
		third:     author{Actor: actor(copse.Person, "bob", "third.example")},
	}
	w.key.ID = w.community.KeyID
	w.third.key = proof.Key{ID: w.third.URI + "#ed25519-key", Private: private}
	w.third.Multikeys = []copse.Multikey{{ID: w.third.key.ID, Key: proof.EncodeKey(proving)}}
	return w, t.DB.Update(ctx, func(tx *store.Tx) error {
		for _, a := range []author{w.own, w.third} {
			if err := tx.AddActor(a.Actor); err != nil {
				return err
			}
		}
		if err := tx.AddCommunity(w.community); err != nil {
			return err
		}
		return tx.SetMembership(&copse.Membership{
			Community: w.community.ID, Actor: t.People[0], Role: copse.Member, State: copse.Active, Since: tx.Now,
		})
	})
}

// write returns n announcements of what one author starts, on their way.
func (w *announcing) write(by author, n int) ([][]byte, error) {
	requests := make([][]byte, n)
	uris := make([]string, n)
	for i := range uris {
		uris[i] = by.URI + "/notes/" + uuid.NewString()
	}
	w.last = uris[n-1]
	return requests, inParallel(runtime.NumCPU(), n, func(i int) (err error) {
		said := note(by.Actor, w.community, uris[i], "")
		if by.key.Private != nil {
			if said, err = proof.Sign(said, by.key, time.Now()); err != nil {
				return err
			}
		}
		body, err := json.Marshal(map[string]any{
			"@context": "https://www.w3.org/ns/activitystreams", "id": fmt.Sprintf("%s/announce/%s", w.community.URI, uuid.NewString()),
			"type": "Announce", "actor": w.community.URI, "to": []string{ap.Public}, "cc": []string{w.community.URI + "/followers"},
			"object": json.RawMessage(said),
		})
		if err != nil {
			return err
		}
		requests[i], err = signed(w.key, body)
		return err
	})
}
