package federation

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"copse/copse"
	"copse/federation/ap"
	"copse/federation/httpsig"
	"copse/internal/outbound"
	"copse/store"
)

// An arrival is an activity that its signer really said: whoever signed the request
// that it came in, or else the proof in it.
type arrival struct {
	signer *copse.Actor
	act    *ap.Object
	sentOn bool // signer's proof is in it, and somebody else signed the request
}

const (
	// workers is how many parked activities are dealt with at once: they mostly
	// wait for other servers. fetch.go sees to it that one slow server does not
	// keep them all waiting.
	workers = 32
	// lease is how long a worker has one to itself.
	lease = 2 * time.Minute
	// maxTries and the pauses between them, 5 s to 6 h, keep an activity for
	// some fourteen days, as long as a lane tries: what has arrived is not lost
	// because a third server is away, or cannot reach a fourth.
	maxTries = 66
	// maxUnprovedTries is for what nobody has proved to have sent: some three days.
	maxUnprovedTries = 20
	// maxPanics is how often an activity may break what works on it.
	maxPanics = 3
)

// workOff deals with what is parked until ctx ends.
func (s *Server) workOff(ctx context.Context) {
	heard, stop := s.Hub.Received.Listen()
	defer stop()
	var running sync.WaitGroup
	defer running.Wait()
	free := make(chan struct{}, workers)
	for range workers {
		free <- struct{}{}
	}
	for {
		select {
		case <-free:
		case <-ctx.Done():
			return
		}
		r, err := s.claim(ctx)
		if err != nil && ctx.Err() == nil {
			slog.ErrorContext(ctx, "claim received", "err", err)
		}
		if r != nil {
			running.Go(func() {
				s.work(ctx, r)
				free <- struct{}{}
			})
			continue
		}
		free <- struct{}{}
		select {
		case <-heard:
		case <-time.After(s.pause(ctx)):
		case <-ctx.Done():
			return
		}
	}
}

// claim returns a parked activity that is due, or nil.
func (s *Server) claim(ctx context.Context) (*store.Received, error) {
	next, err := s.nextDue(ctx)
	if err != nil || next.IsZero() || next.After(time.Now()) {
		return nil, err // looking costs no write
	}
	var due []*store.Received
	err = s.DB.Update(ctx, func(tx *store.Tx) (err error) {
		due, err = tx.ClaimReceived(1, lease)
		return err
	})
	if err != nil || len(due) == 0 {
		return nil, err
	}
	return due[0], nil
}

func (s *Server) nextDue(ctx context.Context) (next time.Time, err error) {
	err = s.DB.View(ctx, func(tx *store.Tx) (err error) {
		if next, err = tx.NextReceived(); err != nil || next.IsZero() {
			return err
		}
		off, err := tx.ExchangeOff()
		if soon := time.Now().Add(time.Second); !off.IsZero() && next.Before(soon) {
			next = soon // whatever it needs could not be fetched
		}
		return err
	})
	return next, err
}

// pause returns how long to wait if nobody rings: until the next is due.
func (s *Server) pause(ctx context.Context) time.Duration {
	next, err := s.nextDue(ctx)
	if err != nil {
		return firstRetry
	}
	return s.until(next, 10*time.Millisecond)
}

// work deals with one parked activity: performs it, puts it off, or sets it
// aside with its reason.
func (s *Server) work(ctx context.Context, r *store.Received) {
	err := guarded(func() error { return s.rework(withBudget(ctx), r) })
	if ctx.Err() != nil { // cut short by the end of the program: the next one starts with it
		err := s.DB.Update(context.WithoutCancel(ctx), func(tx *store.Tx) error { return tx.Retry(r.ID, "", time.Now()) })
		if err != nil {
			slog.ErrorContext(ctx, "received", "id", r.ID, "err", err)
		}
		return
	}
	until := time.Time{}
	tries := maxTries
	switch {
	case errors.Is(err, errPanic):
		tries = maxPanics
	case r.Signature != "":
		tries = maxUnprovedTries
	}
	if temporary(err) && (r.Tries < tries || held(err)) {
		until = time.Now().Add(backOff(r.Tries, 5*time.Second, 6*time.Hour))
	}
	done := func(tx *store.Tx) error { return tx.Retry(r.ID, err.Error(), until) }
	if err == nil || until.IsZero() && r.Signature != "" {
		// What nobody has proved to have sent is not worth its room either.
		done = func(tx *store.Tx) error { return tx.DropReceived(r.ID) }
	}
	switch {
	case errors.Is(err, errPanic):
		slog.ErrorContext(ctx, "received", "host", r.Host, "tries", r.Tries, "again", until, "err", err)
	case err != nil:
		slog.InfoContext(ctx, "received", "host", r.Host, "tries", r.Tries, "again", until, "err", err)
	}
	if err := s.DB.Update(ctx, done); err != nil && ctx.Err() == nil {
		slog.ErrorContext(ctx, "received", "id", r.ID, "err", err)
	}
	s.Hub.Received.Ring() // until it hears otherwise, workOff reckons with the end of the lease
}

func (s *Server) rework(ctx context.Context, r *store.Received) error {
	act, err := ap.Parse(r.Body)
	if err != nil {
		return err
	}
	if r.Signature != "" {
		if err := s.checkParked(ctx, r); err != nil {
			return err
		}
	}
	look := &look{s: s, tries: r.Tries}
	signer, err := look.actor(ctx, r.Signer)
	if err != nil {
		return err
	}
	by, err := look.speaker(ctx, act, signer)
	if err != nil {
		return err
	}
	if items, ok := batched(act); ok {
		return s.reworkBatch(ctx, &arrival{signer: by, act: act}, items)
	}
	do, err := s.decode(ctx, &arrival{by, act, by.ID != signer.ID}, look)
	if err == nil && do != nil {
		err = s.perform(ctx, do)
	}
	if by.ID != signer.ID && copse.CodeOf(err) == copse.CodeNotFound {
		return nil // what it is about may come from its author; this need not wait for it
	}
	return err
}

// perform carries out what arrived. Whoever has been let into a community wants to
// know what was said there while nobody here was in it.
func (s *Server) perform(ctx context.Context, act *copse.Activity) error {
	err := s.Hub.Perform(ctx, act)
	switch {
	case err != nil:
	case act.Type == "Accept":
		s.pulls.Ring()
	case pins(act.Inner):
		// Such announcements may overtake each other. What is listed now is so.
		s.stale.anew(act.Actor.URI)
	}
	return err
}

// pins reports whether an announced activity has a topic stand first, or no longer.
func pins(act *copse.Activity) bool {
	return act != nil && act.Object != nil && (act.Type == "Add" || act.Type == "Remove")
}

// checkParked fetches the key that a parked activity was signed with and checks
// the signature, which was found well formed and in time when it came.
func (s *Server) checkParked(ctx context.Context, r *store.Received) error {
	var sig httpsig.Signature
	if err := json.Unmarshal([]byte(r.Signature), &sig); err != nil {
		return err
	}
	signer, err := s.keyHolder(ctx, sig.KeyID)
	if gone(err) {
		return &refusal{reason: "key_not_found"}
	}
	if err != nil {
		return err
	}
	if err := verify(&sig, signer); err != nil {
		return err
	}
	act, err := ap.Parse(r.Body)
	if err != nil {
		return err
	}
	if actor, _ := act.Actor.One(); actor != signer.URI && !maySendOn(act) {
		return errNotActor
	}
	r.Signer = signer.URI
	came := r.ID.Time()
	if time.Since(came) < signFor {
		s.heard(ctx, sign{signer.Host, true})
	}
	return s.DB.Update(ctx, func(tx *store.Tx) error {
		if err := tx.Heard(signer.Host, came); err != nil {
			return err
		}
		return tx.VerifyReceived(r.ID, signer.URI)
	})
}

// keyHolder is keyOwner for keys that may have been read a moment ago, for what
// was parked before this.
func (s *Server) keyHolder(ctx context.Context, keyID string) (a *copse.Actor, err error) {
	err = s.DB.View(ctx, func(tx *store.Tx) (err error) {
		a, err = tx.ActorByKey(keyID)
		return err
	})
	if err == nil && time.Since(a.Fetched) < freshKey {
		return a, nil
	}
	if err != nil && copse.CodeOf(err) != copse.CodeNotFound {
		return nil, err
	}
	return s.keyOwner(ctx, keyID)
}

// temporary reports whether trying again may help: what is missing may come,
// a server that does not answer may answer, and what failed here may be mended.
func temporary(err error) bool {
	var (
		no  *refusal
		sig *httpsig.Error
		e   *copse.Error
	)
	switch {
	case errors.Is(err, errUnknown), errors.Is(err, errNoAnswer):
		return true
	case errors.As(err, &no), errors.As(err, &sig), outbound.Final(err):
		return false
	case errors.As(err, &e):
		return e.Code == copse.CodeUnavailable || e.Code == copse.CodeTooMany || e.Code == copse.CodeNotFound
	}
	return true
}

// backOff returns the pause before the next try: twice as long each time, a
// quarter more or less, so that what failed together does not come back
// together. Chance is taken from the clock's nanoseconds, which nobody foresees, and
// which a test in virtual time can repeat.
func backOff(tries int, first, longest time.Duration) time.Duration {
	pause := longest
	if shift := max(tries-1, 0); shift < 40 && first<<shift < longest {
		pause = first << shift
	}
	chance := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), uint64(tries)))
	return time.Duration(float64(pause) * (0.75 + chance.Float64()/2))
}
