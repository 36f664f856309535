package federation

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"copse/copse"
	"copse/federation/ap"
	"copse/federation/httpsig"
	"copse/store"
)

// A question is a GET by another server: what is asked, and by whom.
type question struct {
	*http.Request
	viewer copse.Viewer
	signer *copse.Actor // nil if it was not signed
}

// A document is what a question is answered with. Status is 200 or 410; private
// says that the answer depends on who asks.
type document struct {
	body    []byte
	status  int
	private bool
}

// A finder finds the document that answers a question.
type finder func(context.Context, *question) (*document, error)

// answer makes a handler for what may depend on who asks.
func (s *Server) answer(find finder) http.HandlerFunc {
	return s.public(func(ctx context.Context, q *question) (*document, error) {
		if err := s.recognise(q); err != nil {
			return nil, err
		}
		return find(ctx, q)
	})
}

// public makes a handler for what everybody gets alike, actors above all. A
// signature is not looked at: it would be checked by asking the signer's server
// for its actor, whose request for ours would be signed, which would be checked
// by asking … until both give up (gotosocial#1468, lemmy#3029).
func (s *Server) public(find finder) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		q := &question{Request: r}
		d, err := find(r.Context(), q)
		w.Header().Set("Vary", "Accept")
		if err != nil {
			s.refuse(w, r, err)
			return
		}
		h := w.Header()
		h.Set("Content-Type", ap.ActivityJSON+"; charset=utf-8")
		h.Set("X-Content-Type-Options", "nosniff")
		if d.private || q.signer != nil {
			h.Set("Cache-Control", "private, no-store")
		} else {
			h.Set("Cache-Control", "public, max-age=60")
		}
		// Whoever asks signed may keep the tag alone, and ask again by it.
		tag := `"` + fingerprint(d.body) + `"`
		h.Set("ETag", tag)
		if strings.Contains(r.Header.Get("If-None-Match"), tag) { // may be several, and weak ones
			w.WriteHeader(http.StatusNotModified)
			return
		}
		w.WriteHeader(d.status)
		w.Write(d.body) // nobody is left to tell if this fails
	}
}

// recognise finds out who asks. An unsigned question is a stranger's. A
// signature that is there has to be good: a peer that thinks it is signed in
// should learn that it is not.
//
// Only here may answering mean asking: whoever signs a question is kept waiting
// for as long as their own server takes to say who they are.
func (s *Server) recognise(q *question) error {
	sig, err := s.policy().Parse(q.Request, nil)
	if errors.Is(err, httpsig.ErrUnsigned) {
		return nil
	}
	if err != nil {
		return err
	}
	host, ok := ap.Host(sig.KeyID)
	if !ok || host == s.Hub.Host() {
		return &refusal{status: http.StatusUnauthorized, reason: "key_not_a_url"}
	}
	ctx := withBudget(q.Context())
	if err := s.admit(ctx, host); err != nil {
		return err
	}
	var peer *copse.Peer
	err = s.DB.View(ctx, func(tx *store.Tx) (err error) {
		q.signer, err = tx.ActorByKey(sig.KeyID)
		if err != nil {
			return err
		}
		peer, err = tx.Peer(q.signer.Host)
		return err
	})
	if copse.CodeOf(err) == copse.CodeNotFound && q.signer == nil {
		if q.signer, err = s.keyOwner(ctx, sig.KeyID); err != nil {
			return unknownKey(err)
		}
		err = s.DB.View(ctx, func(tx *store.Tx) (err error) {
			peer, err = tx.Peer(q.signer.Host)
			return err
		})
	}
	if err != nil && copse.CodeOf(err) != copse.CodeNotFound {
		return err
	}
	if err := verify(sig, q.signer); err != nil {
		if time.Since(q.signer.Fetched) < freshKey {
			return err
		}
		if q.signer, err = s.keyOwner(ctx, sig.KeyID); err != nil {
			return unknownKey(err)
		}
		if err := verify(sig, q.signer); err != nil {
			return err
		}
	}
	if peer != nil {
		q.viewer = copse.Viewer{Peer: peer.ID}
	}
	return nil
}

// unknownKey tells a key that cannot be had just now from one that is no good.
func unknownKey(err error) error {
	if errors.Is(err, errNoAnswer) {
		return copse.Unavailable(time.Minute, "the key cannot be fetched at the moment")
	}
	return &refusal{status: http.StatusUnauthorized, reason: "key_not_found"}
}

// vouchers remember, for a while, what the homes of members-only communities
// said about which servers have members there. The zero value is ready.
type vouchers struct {
	mu    sync.Mutex
	known map[[2]string]voucher // guarded by mu; by community and host
}

type voucher struct {
	member bool
	until  time.Time
}

// member reports whether the signer's server has members in a community that
// lives elsewhere, as its home says (Lemmy 1.0's ?is_follower=). It is asked
// when that server wants to read what somebody here wrote there.
func (s *Server) member(ctx context.Context, community *copse.Community, signer *copse.Actor) (bool, error) {
	id := [2]string{community.URI, signer.Host}
	s.vouched.mu.Lock()
	v, ok := s.vouched.known[id]
	s.vouched.mu.Unlock()
	if ok && time.Now().Before(v.until) {
		return v.member, nil
	}
	if s.admit(ctx, community.Host) != nil {
		return false, nil // it cannot be asked, and must not be told of by another answer
	}
	ask := community.URI + "/followers?is_follower=" + url.QueryEscape(signer.URI)
	_, err := s.get(ctx, community.Host, ask, accepted)
	switch {
	case err == nil:
		v.member = true
	case gone(err):
		v.member = false
	case errors.Is(err, errNoAnswer): // nobody's mistake here
		return false, copse.Unavailable(30*time.Second, "%s cannot be asked who is in it at the moment", community.URI)
	default:
		return false, fmt.Errorf("ask who is in %s: %w", community.URI, err)
	}
	v.until = time.Now().Add(5 * time.Minute)
	s.vouched.mu.Lock()
	defer s.vouched.mu.Unlock()
	if s.vouched.known == nil || len(s.vouched.known) > 10_000 {
		s.vouched.known = make(map[[2]string]voucher)
	}
	s.vouched.known[id] = v
	return v.member, nil
}
