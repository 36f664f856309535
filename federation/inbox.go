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
	if err := s.admit(r.Context(), host); err != nil {
		return err
	}
	act, err := ap.Parse(body)
	if err != nil {
		return &refusal{status: http.StatusBadRequest, reason: "malformed_activity"}
	}
	actor, err := wellFormed(act)
	if err != nil {
		return err
	}
	if !ap.SameHost(actor, sig.KeyID) {
		return &refusal{status: http.StatusUnauthorized, reason: "signer_is_not_actor"}
	}
	if err := s.addressed(r); err != nil {
		return err
	}
	return s.judge(r.Context(), sig, act, actor, host, body)
}

// addressed returns an error if a request is for the inbox of nobody here.
func (s *Server) addressed(r *http.Request) error {
	if chi.URLParam(r, "name") == "" {
		return nil // the shared one
	}
	_, err := s.named(r.Context(), &question{Request: r}, typeIn(r.URL.Path))
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
	case act.ID == "" && act.Type != "Undo" && act.Type != "Accept":
		return "", &refusal{status: http.StatusBadRequest, reason: "needs_an_id"}
	case act.ID != "" && !ap.SameHost(act.ID, actor):
		return "", &refusal{status: http.StatusBadRequest, reason: "id_of_another_server"}
	case len(act.To)+len(act.CC) > 256, len(act.Tag) > 64, len(act.Attachment) > 32:
		return "", &refusal{status: http.StatusBadRequest, reason: "too_many_recipients"}
	}
	return actor, nil
}

// judge checks the signature, if the key is known, and goes on. Whether it is a
// repeat comes after: only whoever said something hears that it is known here.
func (s *Server) judge(ctx context.Context, sig *httpsig.Signature, act *ap.Object, actor, host string, body []byte) error {
	var (
		seen   bool
		signer *copse.Actor
	)
	err := s.DB.View(ctx, func(tx *store.Tx) (err error) {
		if act.ID != "" {
			if seen, err = tx.Seen(act.ID); err != nil {
				return err
			}
		}
		signer, err = tx.ActorByKey(sig.KeyID)
		if copse.CodeOf(err) == copse.CodeNotFound {
			err = nil
		}
		return err
	})
	switch {
	case err != nil:
		return err
	case signer == nil && (seen || act.Type == "Delete" && act.Object.URI() == actor):
		return nil // somebody we never knew is gone: nothing to undo, nothing to fetch
	case signer == nil:
		return s.parkUnverified(ctx, sig, host, body)
	case signer.URI != actor:
		return &refusal{status: http.StatusUnauthorized, reason: "signer_is_not_actor"}
	}
	if err := verify(sig, signer); err != nil {
		switch {
		case time.Since(signer.Fetched) < freshKey:
			return err
		case seen:
			return nil
		}
		return s.parkUnverified(ctx, sig, host, body)
	}
	s.heard(ctx, signer.Host)
	if seen || s.replays.seen(sig.Hash(), time.Now()) {
		return nil
	}
	if err := s.receive(ctx, &arrival{signer: signer, act: act, body: body}); err != nil {
		return err
	}
	s.replays.remember(sig.Hash(), time.Now())
	return nil
}

func verify(sig *httpsig.Signature, signer *copse.Actor) error {
	key, err := httpsig.ParsePublicKey(signer.PublicKey)
	if err != nil {
		return err
	}
	return sig.Verify(key)
}

// parkUnverified keeps an activity until the key it was signed with has been
// fetched. Until then anybody may have sent it, in anybody's name: the signature
// is part of what makes two of them the same, so that a stranger's copy that
// comes first does not stand in the way of the true one.
func (s *Server) parkUnverified(ctx context.Context, sig *httpsig.Signature, host string, body []byte) error {
	text, err := json.Marshal(sig)
	if err != nil {
		return err
	}
	sum := sig.Hash()
	return s.park(ctx, sig.KeyID+" "+hex.EncodeToString(sum[:]), &store.Received{Host: host, Signature: string(text), Body: body})
}

// park keeps r on disk for the workers, and wakes them.
func (s *Server) park(ctx context.Context, sender string, r *store.Received) error {
	err := s.DB.Update(ctx, func(tx *store.Tx) error {
		waiting, err := tx.Parked(r.Host, maxParked)
		if err != nil {
			return err
		}
		if waiting >= maxParked {
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
		_, err = tx.Park(sender, r)
		return err
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
