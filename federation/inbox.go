package federation

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/go-chi/chi/v5"

	"copse/copse"
	"copse/federation/ap"
	"copse/federation/httpsig"
	"copse/store"
)

const (
	maxActivity = 1 << 20 // bytes

	// maxParked is how much may wait from one server.
	maxParked = 5000

	// maxUnproved is how much may wait in all for anything to be kept whose
	// sender is not known yet. Names of servers cost nothing, so maxParked alone
	// would not bound what strangers can make us keep.
	maxUnproved = 10_000

	// freshKey is how old a key must be before a signature that does not fit is
	// reason to fetch it again: Mbin, for one, changes keys and goes on with the
	// old one for a while.
	freshKey = 5 * time.Minute
)

// An answer that ends the reading of a request without being a failure of ours.
type refusal struct {
	status int
	reason string // snake_case: peers' operators grep for it
	after  time.Duration
}

func (r *refusal) Error() string { return r.reason }

// inbox accepts one signed activity: 202 once it is on disk. What is about
// something that is not here gets 202 as well: to some peers 404 means that the
// inbox is gone, and with it everybody on this server.
func (s *Server) inbox(w http.ResponseWriter, r *http.Request) {
	err := guarded(func() error { return s.accept(r) })
	if err != nil && copse.CodeOf(err) != copse.CodeNotFound {
		s.refuse(w, r, err)
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

// guarded makes an error of a panic: one activity that nobody thought of must
// not end the program, or keep a worker from the rest.
func guarded(fn func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v\n%s", errPanic, p, debug.Stack())
		}
	}()
	return fn()
}

var errPanic = errors.New("panic")

// accept goes through a request in the order that costs strangers most and us
// least, and hands on an activity whose signature is good. Nothing is fetched
// here: what needs fetching is parked, to be gone on with in receive.go.
func (s *Server) accept(r *http.Request) error {
	if !ap.IsActivityType(r.Header.Get("Content-Type")) {
		return &refusal{status: http.StatusUnsupportedMediaType, reason: "wrong_media_type"}
	}
	if r.ContentLength > maxActivity {
		return &refusal{status: http.StatusRequestEntityTooLarge, reason: "too_large"} // not to be waited for
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxActivity+1))
	if err != nil {
		return &refusal{status: http.StatusBadRequest, reason: "incomplete_body"}
	}
	if len(body) > maxActivity {
		return &refusal{status: http.StatusRequestEntityTooLarge, reason: "too_large"}
	}
	sig, err := s.policy().Parse(r, body)
	if err != nil {
		return err
	}
	host, ok := ap.Host(sig.KeyID)
	switch {
	case !ok:
		return &refusal{status: http.StatusUnauthorized, reason: "key_not_a_url"}
	case host == s.Hub.Host():
		return &refusal{status: http.StatusUnauthorized, reason: "key_of_this_server"}
	}
	l := &letter{Request: r, sig: sig, host: host, body: body}
	if err := l.open(); err != nil {
		if refused := s.admit(r.Context(), host); refused != nil {
			return refused // all it hears, whatever it sends
		}
		return err
	}
	return s.judge(l)
}

// A letter is a delivery. Who sent it is not known yet.
type letter struct {
	*http.Request
	sig   *httpsig.Signature
	host  string // of who says that they signed it
	body  []byte
	act   *ap.Object
	actor string
}

// open reads what is in a letter, and returns an error if that is not well formed.
func (l *letter) open() (err error) {
	if l.act, err = ap.Parse(l.body); err != nil {
		return &refusal{status: http.StatusBadRequest, reason: "malformed_activity"}
	}
	if l.actor, err = wellFormed(l.act); err != nil {
		return err
	}
	if !ap.SameHost(l.actor, l.sig.KeyID) && !maySendOn(l.act) {
		return errNotActor
	}
	return nil
}

// addressed returns an error if a request is for the inbox of nobody here.
func (s *Server) addressed(tx *store.Tx, r *http.Request) error {
	name := chi.URLParam(r, "name")
	if name == "" {
		return nil // the shared one
	}
	_, err := named(tx, name, typeIn(r.URL.Path))
	if copse.CodeOf(err) == copse.CodeNotFound {
		return &refusal{status: http.StatusNotFound, reason: "not_found"}
	}
	return err
}

// wellFormed returns the actor of an activity that says who does what.
func wellFormed(act *ap.Object) (actor string, err error) {
	actor, ok := act.Actor.One()
	switch {
	case !ok:
		return "", &refusal{status: http.StatusBadRequest, reason: "needs_one_actor"}
	case act.Type == "":
		return "", &refusal{status: http.StatusBadRequest, reason: "needs_a_type"}
	case act.ID == "" && act.Type != "Undo" && act.Type != "Accept" && act.Type != "Delete":
		return "", &refusal{status: http.StatusBadRequest, reason: "needs_an_id"}
	case act.ID != "" && !ap.SameHost(act.ID, actor):
		return "", &refusal{status: http.StatusBadRequest, reason: "id_of_another_server"}
	case len(act.To)+len(act.CC) > 256, len(act.Tag) > 64, len(act.Attachment) > 32:
		return "", &refusal{status: http.StatusBadRequest, reason: "too_many_recipients"}
	}
	return actor, nil
}

// judge reads all that is known about a letter, in one transaction, and performs
// what it says if that is enough.
func (s *Server) judge(l *letter) error {
	var (
		ctx    = l.Context()
		signer *copse.Actor
		do     *copse.Activity
		many   *unpacked
	)
	err := s.DB.View(ctx, func(tx *store.Tx) (err error) {
		if err := s.admitted(tx, l.host); err != nil {
			return err
		}
		if err := s.addressed(tx, l.Request); err != nil {
			return err
		}
		var repeat bool
		if signer, repeat, err = s.signer(tx, l); err != nil || repeat {
			return err
		}
		look := &look{s: s, tx: tx}
		by, err := look.speaker(ctx, l.act, signer)
		if err != nil {
			return err
		}
		if items, ok := batched(l.act); ok {
			many, err = s.unpack(ctx, &arrival{signer: by, act: l.act}, items, look)
			return err
		}
		do, err = s.decode(ctx, &arrival{by, l.act, by.ID != signer.ID}, look)
		return err
	})
	if signer != nil {
		s.heard(ctx, sign{signer.Host, true})
	}
	switch {
	case errors.Is(err, errUnproved):
		return s.parkUnproved(ctx, l)
	case errors.Is(err, errUnknown):
		err = s.park(ctx, signer.URI, &store.Received{Host: signer.Host, Signer: signer.URI, Body: l.body})
	case err == nil && many != nil:
		err = s.take(ctx, many)
	case err == nil && do != nil:
		err = s.perform(ctx, do)
	}
	if err == nil && signer != nil {
		s.replays.remember(l.sig.Hash(), time.Now())
		if header := l.Header.Values(synchronisation); len(header) == 1 {
			s.compare(ctx, signer, header[0])
		}
	}
	return err
}

// errUnproved says that a key has to be fetched before it is known who sent
// something.
var errUnproved = errors.New("the key it is signed with is not known here, or not any more")

// signer returns who signed a letter, and whether it came before. The signature
// comes first: only whoever said something hears that it is known here. A repeat
// whose signer is not known is one too.
func (s *Server) signer(tx *store.Tx, l *letter) (signer *copse.Actor, repeat bool, err error) {
	if l.act.ID != "" {
		if repeat, err = tx.Seen(l.act.ID); err != nil {
			return nil, false, err
		}
	}
	signer, err = tx.ActorByKey(l.sig.KeyID)
	switch {
	case copse.CodeOf(err) == copse.CodeNotFound:
		if repeat || l.act.Type == "Delete" && l.act.Object.URI() == l.actor {
			return nil, true, nil // somebody we never knew is gone: nothing to undo, nothing to fetch
		}
		return nil, false, errUnproved
	case err != nil:
		return nil, false, err
	case signer.URI != l.actor && !maySendOn(l.act):
		return nil, false, errNotActor
	}
	if err := verify(l.sig, signer); err != nil {
		switch {
		case time.Since(signer.Fetched) < freshKey:
			return nil, false, err
		case repeat:
			return nil, true, nil
		}
		return nil, false, errUnproved
	}
	return signer, repeat || s.replays.seen(l.sig.Hash(), time.Now()), nil
}

// verify returns nil if a signature is by the key that it names, which is the one
// that all peers know or one for proofs: who can prove what they said may as well sign
// for sending it (FEP-521a; Mastodon 4.7 and Fedify do).
func verify(sig *httpsig.Signature, signer *copse.Actor) error {
	if key := keyOf(signer, sig.KeyID); key != nil {
		return sig.Verify(key)
	}
	key, err := httpsig.ParsePublicKey(signer.PublicKey)
	if err != nil {
		return err
	}
	return sig.Verify(key)
}

// parkUnproved keeps an activity until the key it was signed with has been
// fetched. Until then anybody may have sent it, in anybody's name: the signature
// is part of what makes two of them the same, so that a stranger's copy that
// comes first does not stand in the way of the true one.
func (s *Server) parkUnproved(ctx context.Context, l *letter) error {
	text, err := json.Marshal(l.sig)
	if err != nil {
		return err
	}
	sum := l.sig.Hash()
	return s.park(ctx, l.sig.KeyID+" "+hex.EncodeToString(sum[:]), &store.Received{Host: l.host, Signature: string(text), Body: l.body})
}

// park keeps what has come from one server on disk for the workers, and wakes them.
func (s *Server) park(ctx context.Context, sender string, all ...*store.Received) error {
	r := all[0]
	err := s.DB.Update(ctx, func(tx *store.Tx) error {
		waiting, err := tx.Parked(r.Host, maxParked)
		if err != nil {
			return err
		}
		if waiting+len(all) > maxParked {
			return copse.TooMany(5*time.Minute, "too much from %s is waiting already", r.Host)
		}
		if r.Signature != "" {
			if waiting, err = tx.Backlog(maxUnproved); err != nil {
				return err
			}
			if waiting >= maxUnproved {
				return copse.Unavailable(5*time.Minute, "too much is waiting already")
			}
		}
		for _, r := range all {
			if _, err = tx.Park(sender, r); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	s.Hub.Received.Ring()
	return nil
}

// refuse answers with what went wrong. A peer's mistake is told to the peer, in
// a word; ours is logged.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	status, reason, after := answerTo(err)
	if status == http.StatusServiceUnavailable && copse.CodeOf(err) != copse.CodeUnavailable && r.Context().Err() == nil {
		slog.ErrorContext(r.Context(), "federation", "method", r.Method, "path", r.URL.Path, "err", err)
	} else {
		slog.DebugContext(r.Context(), "refused", "method", r.Method, "path", r.URL.Path, "status", status, "err", err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "private, no-store")
	if after > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(after/time.Second)))
	}
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]string{"error": reason}) // nobody is left to tell if this fails
}

// answerTo says how a failure is answered. There is no 500: what fails here is
// worth trying again, and peers take most other answers as final.
func answerTo(err error) (status int, reason string, after time.Duration) {
	var no *refusal
	if errors.As(err, &no) {
		return no.status, no.reason, no.after
	}
	var sig *httpsig.Error
	if errors.As(err, &sig) {
		if errors.Is(err, httpsig.ErrMalformed) {
			return http.StatusBadRequest, sig.Reason, 0
		}
		return http.StatusUnauthorized, sig.Reason, 0
	}
	var e *copse.Error
	if !errors.As(err, &e) {
		return http.StatusServiceUnavailable, "temporary_failure", 30 * time.Second
	}
	switch e.Code {
	case copse.CodeInvalid, copse.CodeConflict:
		return http.StatusBadRequest, "not_possible", 0
	case copse.CodeUnauthorized:
		return http.StatusUnauthorized, "unauthorized", 0
	case copse.CodeForbidden:
		return http.StatusForbidden, "not_allowed", 0
	case copse.CodeNotFound:
		return http.StatusNotFound, "not_found", 0
	case copse.CodeTooLarge:
		return http.StatusRequestEntityTooLarge, "too_large", 0
	case copse.CodeTooMany:
		return http.StatusTooManyRequests, "too_many", max(e.RetryAfter, time.Second)
	}
	return http.StatusServiceUnavailable, "temporary_failure", max(e.RetryAfter, 30*time.Second)
}
