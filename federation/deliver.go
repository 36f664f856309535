package federation

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"time"

	"copse/copse"
	"copse/federation/ap"
	"copse/federation/httpsig"
	"copse/internal/outbound"
	"copse/store"
)

const (
	// sendTimeout is how long a peer has to take one activity.
	sendTimeout = 10 * time.Second
	// widest is how many activities may be in flight to one peer that keeps up.
	widest = 8
	// batch is how much of the outbox a lane reads at a time.
	batch = 100
	// saveEvery is how often progress is written down. What was sent since the
	// last time is sent again after a crash, and peers drop repeats.
	saveEvery = 500 * time.Millisecond
	// poisoned is after how many failures of one activity it is put aside, so
	// that what comes after it gets through.
	poisoned = 8

	firstRetry   = 2 * time.Second
	longestRetry = 4 * time.Hour
)

// lanes are the peers that something is being sent to. A peer has a lane only
// while there is something for it. The zero value is ready.
type lanes struct {
	mu     sync.Mutex
	active map[copse.ID]*lane // guarded by mu
}

// A lane sends to one peer, in order, until there is nothing left for it.
type lane struct {
	s     *Server
	peer  copse.ID
	again bool // guarded by lanes.mu: something came while it was finishing
	width int  // how much may be in flight
}

// deliver runs until ctx ends. It keeps its own place in the outbox only to see
// whom new activities concern; what has been sent is each peer's cursor.
func (s *Server) deliver(ctx context.Context) {
	heard, stop := s.Hub.Outbox.Listen()
	defer stop()
	var running sync.WaitGroup
	defer running.Wait()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()

	seen := s.wakeAll(ctx, &running)
	for ctx.Err() == nil {
		var err error
		if seen, err = s.wakeConcerned(ctx, seen, &running); err != nil && ctx.Err() == nil {
			slog.ErrorContext(ctx, "outbox", "err", err)
		}
		select {
		case <-heard:
		case <-tick.C: // retries that have become due
		case <-ctx.Done():
		}
	}
}

// wakeAll starts a lane for every peer that may have something to get, after a
// start of the program, and returns how far the outbox reaches.
func (s *Server) wakeAll(ctx context.Context, running *sync.WaitGroup) (seen copse.ID) {
	var peers []copse.ID
	err := s.DB.View(ctx, func(tx *store.Tx) (err error) {
		peers, seen, err = tx.Lanes()
		return err
	})
	if err != nil {
		slog.ErrorContext(ctx, "lanes", "err", err)
	}
	for _, p := range peers {
		s.wake(ctx, p, running)
	}
	return seen
}

// wakeConcerned starts the lanes of peers that activities after seen concern,
// or whose next try is due, and returns how far it has looked.
func (s *Server) wakeConcerned(ctx context.Context, seen copse.ID, running *sync.WaitGroup) (copse.ID, error) {
	var peers []copse.ID
	err := s.DB.View(ctx, func(tx *store.Tx) (err error) {
		peers, seen, err = tx.Concerned(seen)
		return err
	})
	for _, p := range peers {
		s.wake(ctx, p, running)
	}
	return seen, err
}

func (s *Server) wake(ctx context.Context, peer copse.ID, running *sync.WaitGroup) {
	s.lanes.mu.Lock()
	defer s.lanes.mu.Unlock()
	if l := s.lanes.active[peer]; l != nil {
		l.again = true
		return
	}
	if s.lanes.active == nil {
		s.lanes.active = make(map[copse.ID]*lane)
	}
	l := &lane{s: s, peer: peer, width: 1}
	s.lanes.active[peer] = l
	running.Go(func() { l.run(ctx) })
}

// finished ends a lane unless something came meanwhile.
func (l *lane) finished() bool {
	l.s.lanes.mu.Lock()
	defer l.s.lanes.mu.Unlock()
	if l.again {
		l.again = false
		return false
	}
	delete(l.s.lanes.active, l.peer)
	return true
}

// run sends until there is nothing left or the peer does not take any more.
func (l *lane) run(ctx context.Context) {
	for {
		more, err := l.pass(ctx)
		if err != nil && ctx.Err() == nil {
			slog.ErrorContext(ctx, "deliver", "peer", l.peer, "err", err)
		}
		if (!more || err != nil || ctx.Err() != nil) && l.finished() {
			return
		}
	}
}

// A parcel is one activity for one peer: one that its communities announced, or
// one addressed to it alone.
type parcel struct {
	*store.Outgoing
	inbox string
	extra bool
	tries int
}

// pass sends one batch and writes down how it went. It reports whether there may
// be more to do now.
func (l *lane) pass(ctx context.Context) (more bool, err error) {
	var (
		peer    *copse.Peer
		parcels []parcel
	)
	err = l.s.DB.View(ctx, func(tx *store.Tx) (err error) {
		if peer, err = tx.PeerByID(l.peer); err != nil || peer.NotUntil.After(tx.Now) {
			return err
		}
		parcels, err = pending(tx, peer)
		return err
	})
	if err != nil || len(parcels) == 0 {
		return false, err
	}
	if err := l.s.admit(ctx, peer.Host); err != nil {
		return false, nil // blocked meanwhile; what waits waits
	}
	trip := &trip{lane: l, peer: peer, saved: time.Now()}
	if peer.Fails > 0 {
		parcels, l.width = parcels[:1], 1 // see whether it is back before sending all
	}
	for len(parcels) > 0 && !trip.stopped && ctx.Err() == nil {
		n := together(parcels, l.width)
		trip.send(ctx, parcels[:n])
		parcels = parcels[n:]
		if time.Since(trip.saved) > saveEvery {
			if err := trip.save(ctx); err != nil {
				return false, err
			}
		}
	}
	return !trip.stopped, trip.save(ctx)
}

// pending returns what one peer has not got, in order. What is addressed to it
// alone goes in its place among the rest.
func pending(tx *store.Tx, peer *copse.Peer) ([]parcel, error) {
	announced, err := tx.OutboxFor(peer.ID, peer.Cursor, batch)
	if err != nil {
		return nil, err
	}
	extras, err := tx.Extras(peer.ID, batch)
	if err != nil {
		return nil, err
	}
	all := make([]parcel, 0, len(announced)+len(extras))
	for _, o := range announced {
		for len(extras) > 0 && extras[0].ID < o.ID {
			all, extras = append(all, parcel{extras[0].Outgoing, extras[0].Inbox, true, extras[0].Tries}), extras[1:]
		}
		all = append(all, parcel{Outgoing: o})
	}
	for _, e := range extras {
		all = append(all, parcel{e.Outgoing, e.Inbox, true, e.Tries})
	}
	return all, nil
}

// together returns how many of the first parcels may be in flight at once: up to
// width, and none with another of its conversation, as a reply must not overtake
// what it answers. What belongs to no conversation (joining, leaving, letting
// in) goes alone.
func together(parcels []parcel, width int) int {
	n := 0
	threads := make(map[copse.ID]bool, width)
	for n < len(parcels) && n < width {
		t := parcels[n].Thread
		if threads[t] || t == 0 && n > 0 {
			break
		}
		threads[t] = true
		n++
		if t == 0 {
			break
		}
	}
	return n
}

// A trip is what happens on one pass: results gather until they are saved.
type trip struct {
	lane    *lane
	peer    *copse.Peer
	saved   time.Time
	changes []func(*store.Tx) error
	stopped bool // the peer takes nothing more for now
	healthy bool // it took something
}

// send sends parcels side by side and deals with the answers in order.
func (t *trip) send(ctx context.Context, parcels []parcel) {
	errs := make([]error, len(parcels))
	var flying sync.WaitGroup
	for i, p := range parcels {
		flying.Go(func() { errs[i] = t.lane.s.send(ctx, t.peer, p) })
	}
	flying.Wait()
	if ctx.Err() != nil {
		t.stopped = true // cut off by the end of the program, not by the peer
		return
	}
	for i, p := range parcels {
		t.settle(p, errs[i])
		if t.stopped {
			// Later ones that arrived are sent again: the cursor is where the
			// first gap is.
			return
		}
	}
	t.lane.width = min(t.lane.width*2, widest)
}

// settle decides what one answer means.
func (t *trip) settle(p parcel, err error) {
	var no *undelivered
	switch {
	case err == nil:
		t.healthy = true
		t.done(p)
	case errors.As(err, &no) && no.final:
		slog.Warn("a peer refused an activity", "peer", t.peer.Host, "uri", p.URI, "err", err)
		t.healthy = true
		t.putAside(p, no.words, time.Time{})
	case p.tries+1 >= poisoned && t.healthy:
		// The peer takes others: this one alone is the trouble.
		t.putAside(p, words(err), time.Now().Add(backOff(p.tries, time.Minute, longestRetry)))
	default:
		t.fail(p, err)
	}
}

// done moves the peer's cursor past a parcel.
func (t *trip) done(p parcel) {
	peer, id := t.peer.ID, p.ID
	if p.extra {
		t.changes = append(t.changes, func(tx *store.Tx) error { return tx.Delivered(peer, id) })
		return
	}
	t.changes = append(t.changes, func(tx *store.Tx) error { return tx.SetCursor(peer, id) })
}

// putAside lets the lane go on without a parcel, which is tried again at the
// given time, or never if that is zero.
func (t *trip) putAside(p parcel, reason string, until time.Time) {
	peer, id := t.peer.ID, p.ID
	t.changes = append(t.changes, func(tx *store.Tx) error {
		if err := tx.Postpone(peer, id, reason, until); err != nil || p.extra {
			return err
		}
		return tx.SetCursor(peer, id)
	})
}

// fail ends the trip: the peer as a whole is left alone for a while. The parcel
// that failed keeps count, so that one the peer cannot take does not keep it
// from getting anything for ever.
func (t *trip) fail(p parcel, err error) {
	t.stopped = true
	t.peer.Fails++
	pause := backOff(t.peer.Fails, firstRetry, longestRetry)
	var no *undelivered
	if errors.As(err, &no) && no.after > 0 {
		pause = min(no.after, 24*time.Hour)
	}
	t.peer.State, t.peer.Error, t.peer.NotUntil = copse.PeerFailing, words(err), time.Now().Add(pause)
	slog.Info("a peer does not take what is sent", "peer", t.peer.Host, "fails", t.peer.Fails, "again", t.peer.NotUntil, "err", err)
	if t.peer.Fails >= poisoned && errors.As(err, &no) && no.answered {
		// It answers, but not to this. See whether it takes the next one.
		t.putAside(p, words(err), time.Now().Add(backOff(p.tries+1, time.Hour, longestRetry)))
	}
}

// save writes down what has happened on the trip so far.
func (t *trip) save(ctx context.Context) error {
	t.saved = time.Now()
	if t.healthy && !t.stopped {
		t.peer.Fails, t.peer.State, t.peer.Error, t.peer.NotUntil = 0, copse.PeerOK, "", time.Time{}
		t.peer.LastOK = time.Now()
	}
	changes := t.changes
	t.changes = nil
	peer := *t.peer
	// What has been sent is written down even if the program is about to end.
	return t.lane.s.DB.Update(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		for _, change := range changes {
			if err := change(tx); err != nil {
				return err
			}
		}
		return tx.SetHealth(&peer)
	})
}

// undelivered is why a peer did not take something.
type undelivered struct {
	words    string // for an administrator
	final    bool   // the same again would get the same answer
	answered bool   // the peer is there
	after    time.Duration
	err      error
}

func (u *undelivered) Error() string { return u.words }
func (u *undelivered) Unwrap() error { return u.err }

func words(err error) string {
	var no *undelivered
	if errors.As(err, &no) {
		return no.words
	}
	return "something went wrong at our end"
}

// send posts one activity to one peer.
func (s *Server) send(ctx context.Context, peer *copse.Peer, p parcel) error {
	key, err := s.key(ctx, p.Signer)
	if err != nil {
		return err
	}
	inbox := p.inbox
	if inbox == "" {
		inbox = peer.Inbox
	}
	if inbox == "" { // a host we have only been told to allow
		scheme := "https"
		if s.policy().Scheme == "http" {
			scheme = "http"
		}
		inbox = scheme + "://" + peer.Host + "/inbox"
	}
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, inbox, bytes.NewReader(p.Body))
	if err != nil {
		return &undelivered{words: "its address cannot be used", final: true, err: err}
	}
	r.Header.Set("Content-Type", ap.ActivityJSON)
	scheme := httpsig.Cavage
	if peer.RFC9421 {
		scheme = httpsig.RFC9421
	}
	if err := httpsig.Sign(r, key, scheme, &p.Digest, time.Now()); err != nil {
		return fmt.Errorf("sign for %s: %w", peer.Host, err)
	}
	res, err := s.Client.Do(r)
	if err != nil {
		return unreachable(err)
	}
	defer res.Body.Close()
	io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10)) // so that the connection can be used again
	return judged(res)
}

func unreachable(err error) error {
	if outbound.Final(err) {
		return &undelivered{words: "its address cannot be used", final: true, err: err}
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return &undelivered{words: "it did not answer in time", err: err}
	}
	return &undelivered{words: "it is not answering", err: err}
}

// judged returns what an answer means, nil if the peer has it now. Any 4xx is
// final but those that say "not now"; a redirect is never followed with a signed
// body.
func judged(res *http.Response) error {
	no := &undelivered{answered: true, words: fmt.Sprintf("it answered %d", res.StatusCode)}
	switch code := res.StatusCode; {
	case code >= 200 && code < 300:
		return nil
	case code == http.StatusRequestTimeout, code == http.StatusTooEarly, code == http.StatusTooManyRequests, code >= 500:
		if seconds, err := strconv.Atoi(res.Header.Get("Retry-After")); err == nil && seconds > 0 {
			no.after = time.Duration(seconds) * time.Second
		}
	case code >= 400:
		no.final = true
	}
	return no
}
