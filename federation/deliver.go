package federation

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"copse/copse"
	"copse/store"
)

const (
	// widest is how many activities may be in flight to one peer that keeps up.
	widest = 8
	// batch is how much of the outbox a lane reads at a time.
	batch = 100
	// saveEvery is how often progress is written down. What was sent since the
	// last time is sent again after a crash, and peers drop repeats.
	saveEvery = 500 * time.Millisecond

	// suspicious is after how many failures in a row a peer is asked with another
	// activity than the first in line, to see whether that alone is the trouble;
	// desperate after how many it may be one of the same conversation.
	suspicious = 3
	desperate  = 8
	// dormantAfter is how many failures in a row make some seven days of failing.
	dormantAfter = 54
	// keepTrying is how long something announced is tried again that a peer does
	// not take while it takes others. What somebody here submits is tried for as
	// long as they are a member.
	keepTrying = 14 * 24 * time.Hour

	firstRetry   = 2 * time.Second
	longestRetry = 4 * time.Hour
	dormantRetry = 24 * time.Hour
	refusedRetry = 10 * time.Minute // whether we talk with a peer again
	heldRest     = 5 * time.Second  // while nothing is exchanged with a peer, whatever is due for it
	notNow       = 30 * time.Second // for a peer that says "not now" and not when
)

// lanes are the peers that something is being sent to. A peer has a lane only
// while there is something for it. The zero value is ready.
type lanes struct {
	mu      sync.Mutex
	active  map[copse.ID]*lane     // guarded by mu
	resting map[copse.ID]time.Time // guarded by mu: until when there is no use in waking a peer's lane
}

// A lane sends to one peer, in order, until there is nothing left for it.
type lane struct {
	s     *Server
	crew  *crew
	peer  copse.ID
	again bool // guarded by lanes.mu: something came while it was finishing
	width int  // how much may be in flight

	gathering time.Time // since when votes wait for others to go with; zero while none do
}

// deliver runs until ctx ends. It keeps its own place in the outbox only to see
// whom new activities concern; what has been sent is each peer's cursor.
func (s *Server) deliver(ctx context.Context) {
	heard, stop := s.Hub.Outbox.Listen()
	defer stop()
	crew := newCrew()
	defer crew.stop()

	var seen copse.ID
	for on := false; ctx.Err() == nil; {
		was := on
		var err error
		switch on, err = s.isOn(ctx); {
		case err != nil || !on:
		case !was: // nobody has been woken until now
			seen = s.wakeAll(ctx, crew)
		default:
			seen, err = s.wakeConcerned(ctx, seen, crew)
		}
		if err != nil && ctx.Err() == nil {
			slog.ErrorContext(ctx, "outbox", "err", err)
		}
		select {
		case <-heard:
		case <-time.After(s.untilNextTry(ctx)):
		case <-ctx.Done():
		}
	}
}

// isOn reports whether anything is sent to anybody.
func (s *Server) isOn(ctx context.Context) (on bool, err error) {
	err = s.DB.View(ctx, func(tx *store.Tx) error {
		off, err := tx.ExchangeOff()
		on = off.IsZero()
		return err
	})
	return on && err == nil, err
}

// untilNextTry returns how long to wait if nobody rings. What is due already has
// been seen to, and goes on for a moment.
func (s *Server) untilNextTry(ctx context.Context) time.Duration {
	var next time.Time
	err := s.DB.View(ctx, func(tx *store.Tx) (err error) {
		next, err = tx.NextTry()
		return err
	})
	if err != nil {
		return firstRetry
	}
	return s.until(next, time.Second)
}

// until returns how long to wait for something that is due at the given time, if
// ever, and least at least. Whoever makes something due in this process rings a
// bell; of what another one leaves behind only a look at the database tells.
func (s *Server) until(due time.Time, least time.Duration) time.Duration {
	longest := time.Minute
	if s.DB.Alone() {
		longest = time.Hour // in case the clock was set
	}
	if due.IsZero() {
		return longest
	}
	return min(max(time.Until(due), least), longest)
}

// wakeAll starts a lane for every peer that may have something to get, after a
// start of the program or a time with the exchange off, and returns how far the
// outbox reaches.
func (s *Server) wakeAll(ctx context.Context, crew *crew) copse.ID {
	var (
		peers []copse.ID
		end   copse.ID
	)
	err := s.DB.View(ctx, func(tx *store.Tx) (err error) {
		peers, end, err = tx.Lanes()
		return err
	})
	if err != nil {
		if ctx.Err() == nil {
			slog.ErrorContext(ctx, "lanes", "err", err)
		}
		return 0 // all of the outbox is to be looked at
	}
	s.lanes.mu.Lock()
	clear(s.lanes.resting) // a lane may have found the exchange off a moment ago
	s.lanes.mu.Unlock()
	for _, p := range peers {
		s.wake(ctx, p, crew)
	}
	return end
}

// wakeConcerned starts the lanes of peers that activities after seen concern,
// or whose next try is due, and returns how far it has looked.
func (s *Server) wakeConcerned(ctx context.Context, seen copse.ID, crew *crew) (copse.ID, error) {
	var (
		peers []copse.ID
		end   copse.ID
	)
	err := s.DB.View(ctx, func(tx *store.Tx) (err error) {
		peers, end, err = tx.Concerned(seen)
		return err
	})
	if err != nil {
		return seen, err
	}
	for _, p := range peers {
		s.wake(ctx, p, crew)
	}
	return end, nil
}

func (s *Server) wake(ctx context.Context, peer copse.ID, crew *crew) {
	s.lanes.mu.Lock()
	defer s.lanes.mu.Unlock()
	if l := s.lanes.active[peer]; l != nil {
		l.again = true
		return
	}
	if time.Now().Before(s.lanes.resting[peer]) {
		return
	}
	delete(s.lanes.resting, peer)
	if s.lanes.active == nil {
		s.lanes.active = make(map[copse.ID]*lane)
		s.lanes.resting = make(map[copse.ID]time.Time)
	}
	l := &lane{s: s, crew: crew, peer: peer, width: 1}
	s.lanes.active[peer] = l
	crew.run(func() { l.run(ctx) })
}

// rest keeps a peer's lane from being woken for nothing until the given time,
// which is also in the database; the zero time ends that.
func (s *Server) rest(peer copse.ID, until time.Time) {
	s.lanes.mu.Lock()
	defer s.lanes.mu.Unlock()
	if until.IsZero() {
		delete(s.lanes.resting, peer)
	} else if s.lanes.resting != nil {
		s.lanes.resting[peer] = until
	}
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

// run sends until there is nothing left or the peer does not take any more. While
// the database fails it stays: nothing else would wake it once that is mended.
func (l *lane) run(ctx context.Context) {
	for {
		more, err := l.pass(ctx)
		if err != nil && ctx.Err() == nil {
			slog.ErrorContext(ctx, "deliver", "peer", l.peer, "err", err)
			more = true
			select {
			case <-time.After(firstRetry):
			case <-ctx.Done():
			}
		}
		if (!more || ctx.Err() != nil) && l.finished() {
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
	tries int // how often the lane has stepped over it

	members []parcel // of a bundle: the votes in it

	synchronisation string // whom its community takes to be in it there, as a header; "" to say nothing
}

// pass sends one batch and writes down how it went. It reports whether there may
// be more to do now.
func (l *lane) pass(ctx context.Context) (more bool, err error) {
	peer, waiting, err := l.look(ctx)
	if err != nil || peer == nil {
		return false, err
	}
	t := &trip{lane: l, peer: peer, saved: time.Now()}
	switch {
	case waiting == nil: // we refuse to send to it: what waits waits
		t.peer.NotUntil = time.Now().Add(refusedRetry)
		return false, t.save(ctx)
	case len(waiting.fresh)+len(waiting.late)+len(waiting.void) == 0 && peer.NotUntil.IsZero():
		return false, nil
	}
	if pause := l.gathers(waiting, peer, time.Now()); pause > 0 {
		return true, l.linger(ctx, pause)
	}
	waiting.fresh = bundled(peer, waiting.fresh)
	if err := t.carry(ctx, waiting); err != nil {
		return false, err
	}
	return waiting.more && !t.stopped, t.save(ctx)
}

// linger waits for so long, or until something has come for the lane's peer.
func (l *lane) linger(ctx context.Context, pause time.Duration) error {
	for end := time.Now().Add(pause); time.Now().Before(end); {
		select {
		case <-time.After(min(looking, time.Until(end))):
		case <-ctx.Done():
			return ctx.Err()
		}
		if l.woken() {
			return nil
		}
	}
	return nil
}

// woken reports whether something came since it was asked last.
func (l *lane) woken() bool {
	l.s.lanes.mu.Lock()
	defer l.s.lanes.mu.Unlock()
	was := l.again
	l.again = false
	return was
}

// look returns the lane's peer, nil if that may not be sent to now, and what it has
// not got, nil if we refuse to send to it.
func (l *lane) look(ctx context.Context) (peer *copse.Peer, waiting *backlog, err error) {
	err = l.s.DB.View(ctx, func(tx *store.Tx) error {
		p, err := tx.PeerByID(l.peer)
		if err != nil || p.NotUntil.After(tx.Now) {
			return err
		}
		peer = p
		err = l.s.admitted(tx, peer.Host)
		switch {
		case held(err):
			peer = nil
			l.s.rest(l.peer, tx.Now.Add(heldRest))
			return nil
		case copse.CodeOf(err) == copse.CodeForbidden:
			return nil
		}
		if err == nil {
			waiting, err = l.s.pending(tx, peer)
		}
		if err == nil {
			err = synchronise(tx, peer, waiting.fresh, waiting.late)
		}
		return err
	})
	return peer, waiting, err
}

// A backlog is what a peer has not got.
type backlog struct {
	fresh []parcel   // in order; what is addressed to it alone goes in its place among the rest
	late  []parcel   // what its lane has stepped over before and is to be tried again
	void  []copse.ID // the same, of communities that it is not in any more
	end   copse.ID   // how far into the outbox one gets by sending what is in fresh
	more  bool       // there was more when this was read; of what came since, the lane hears
}

func (s *Server) pending(tx *store.Tx, peer *copse.Peer) (_ *backlog, err error) {
	b := new(backlog)
	// First, so that whatever appears meanwhile is beyond it.
	if b.end, err = tx.EndOfOutbox(); err != nil {
		return b, err
	}
	announced, err := tx.OutboxFor(peer.ID, peer.Cursor, batch)
	if err != nil {
		return b, err
	}
	if n := len(announced); n == batch {
		b.end, b.more = announced[n-1], true
	}
	extras, err := tx.Extras(peer.ID, 2*batch)
	if err != nil {
		return b, err
	}
	b.more = b.more || len(extras) == 2*batch
	next := func() error {
		o, err := s.recent.outgoing(tx, announced[0])
		b.fresh, announced = append(b.fresh, parcel{Outgoing: o}), announced[1:]
		return err
	}
	for _, e := range extras {
		p := parcel{Outgoing: e.Outgoing, inbox: e.Inbox, extra: true, tries: e.Tries}
		if p.tries == 0 && p.ID > b.end {
			continue // others come before it that have not been read
		}
		if p.tries == 0 {
			for len(announced) > 0 && announced[0] < p.ID {
				if err := next(); err != nil {
					return b, err
				}
			}
			b.fresh = append(b.fresh, p)
			continue
		}
		may, err := mayStillGet(tx, peer, p)
		if err != nil {
			return b, err
		}
		if may {
			b.late = append(b.late, p)
		} else {
			b.void = append(b.void, p.ID)
		}
	}
	for len(announced) > 0 {
		if err := next(); err != nil {
			return b, err
		}
	}
	return b, nil
}

const (
	recentItems = 256
	recentSize  = 32 << 10 // bytes of one
)

// recent is what lanes have read of the outbox lately: they all want the same.
// The zero value is ready.
type recent struct {
	mu   sync.Mutex
	kept map[copse.ID]*store.Outgoing // guarded by mu; what is in it is never changed
}

func (r *recent) outgoing(tx *store.Tx, id copse.ID) (*store.Outgoing, error) {
	r.mu.Lock()
	o := r.kept[id]
	r.mu.Unlock()
	if o != nil {
		return o, nil
	}
	o, err := tx.Outgoing(id)
	if err != nil || len(o.Body) > recentSize {
		return o, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.kept == nil || len(r.kept) == recentItems {
		r.kept = make(map[copse.ID]*store.Outgoing)
	}
	r.kept[id] = o
	return o, nil
}

// mayStillGet reports whether what was announced to a peer once is still for it:
// whether it has a member in the community, or the author, and is still told in
// that way.
func mayStillGet(tx *store.Tx, peer *copse.Peer, p parcel) (bool, error) {
	if p.Community == 0 {
		return true, nil
	}
	if p.Microblog != (peer.Profile == copse.Microblog) {
		return false, nil
	}
	if reached, err := tx.Reaches(p.Community, peer.Host); err != nil || reached || p.Object == 0 {
		return reached, err
	}
	o, err := tx.Object(p.Object)
	if err != nil {
		return false, err
	}
	author, err := tx.Actor(o.Author)
	return err == nil && author.Host == peer.Host, err
}
