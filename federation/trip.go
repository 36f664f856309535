package federation

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"copse/copse"
	"copse/store"
)

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
	reached copse.ID // where the cursor is to be, if anywhere new
	stopped bool     // the peer takes nothing more for now
	suspect copse.ID // the peer takes others: if it does not take this one, that is to blame
	again   bool     // something is to be tried again apart from the rest
	early   copse.ID // has been sent out of turn
	said    error    // how that went
}

// carry sends what waits for a peer, as far as it gets.
func (t *trip) carry(ctx context.Context, waiting *backlog) error {
	for _, id := range waiting.void {
		t.forget(id)
	}
	parcels := waiting.fresh
	if t.peer.Fails > 0 {
		t.lane.width = 1
		t.probe(ctx, parcels)
	}
	for len(parcels) > 0 && !t.stopped && ctx.Err() == nil {
		n := together(parcels, t.lane.width)
		t.send(ctx, parcels[:n])
		parcels = parcels[n:]
		if time.Since(t.saved) > saveEvery {
			if err := t.save(ctx); err != nil {
				return err
			}
		}
	}
	if len(parcels) == 0 && !t.stopped {
		// Whatever is between concerns others, and need not be looked at again.
		t.reached = waiting.end
		t.peer.NotUntil = time.Time{}
	}
	// One at a time, and last: these have held up the lane once already.
	if len(waiting.late) > 0 && !t.stopped && ctx.Err() == nil {
		t.send(ctx, waiting.late[:1])
	}
	return nil
}

// probe sends a peer that has failed for a while something other than what it
// failed on, so that one activity that it cannot take does not pass for a peer
// that takes nothing.
func (t *trip) probe(ctx context.Context, parcels []parcel) {
	i := alternative(parcels, t.peer.Fails)
	if i == 0 {
		return
	}
	r, err := t.lane.s.send(ctx, t.peer, parcels[i])
	t.learn(r)
	var no *undelivered
	switch {
	case ctx.Err() != nil:
		t.stopped = true
	case err == nil, errors.As(err, &no) && no.final:
		t.suspect, t.early, t.said = parcels[0].ID, parcels[i].ID, err
	default:
		t.fail(err)
	}
}

// alternative returns which parcel to try instead of the first, 0 if none: the
// first of another conversation if there is one. It is another one each time,
// should there be several that a peer cannot take.
func alternative(parcels []parcel, fails int) int {
	var others []int
	begun := map[copse.ID]bool{0: true}
	for i, p := range parcels {
		if i > 0 && !begun[p.Thread] {
			others = append(others, i)
		}
		begun[p.Thread] = true
	}
	switch {
	case fails >= suspicious && len(others) > 0:
		return others[fails%len(others)]
	case fails >= desperate && len(parcels) > 1:
		return 1 + fails%(len(parcels)-1)
	}
	return 0
}

// send sends parcels side by side and deals with the answers in order.
func (t *trip) send(ctx context.Context, parcels []parcel) {
	errs, reactions := make([]error, len(parcels)), make([]reaction, len(parcels))
	flying := make([]func(), len(parcels))
	for i, p := range parcels {
		flying[i] = func() { reactions[i], errs[i] = t.lane.s.send(ctx, t.peer, p) }
		if p.ID == t.early {
			flying[i] = func() { errs[i] = t.said }
		}
	}
	t.lane.crew.all(flying)
	if ctx.Err() != nil {
		t.stopped = true // cut off by the end of the program, not by the peer
		return
	}
	for i, p := range parcels {
		t.learn(reactions[i])
		if no := (*undelivered)(nil); p.members != nil && errors.As(errs[i], &no) && no.final {
			slog.Info("a peer does not take votes together", "peer", t.peer.Host, "uri", p.URI, "err", errs[i])
			for _, one := range p.members {
				if !t.stopped {
					t.send(ctx, []parcel{one})
				}
			}
			continue
		}
		t.settle(p, errs[i])
		if t.stopped {
			// Later ones that arrived are sent again: the cursor is where the
			// first gap is.
			return
		}
	}
	t.lane.width = min(t.lane.width*2, widest)
}

// learn remembers which form of signature the peer takes.
func (t *trip) learn(r reaction) {
	if !r.teaches(t.peer, time.Now()) {
		return
	}
	now := *t.peer
	t.changes = append(t.changes, func(tx *store.Tx) error { return tx.SetSigning(&now) })
}

// settle decides what one answer means.
func (t *trip) settle(p parcel, err error) {
	var no *undelivered
	switch {
	case err == nil:
		t.alive("")
		t.peer.LastOK = time.Now()
		t.done(p)
	case errors.As(err, &no) && no.final:
		slog.Warn("a peer refused an activity", "peer", t.peer.Host, "uri", p.URI, "err", err)
		t.alive(no.words)
		t.putAside(p, no.words, time.Time{})
	case p.ID == t.suspect, p.tries > 0 && t.peer.Fails == 0:
		until := time.Now().Add(backOff(p.tries+1, time.Minute, longestRetry))
		if appended := p.ID.Time(); p.Community != 0 && time.Since(appended) > keepTrying {
			until = time.Time{}
		}
		slog.Warn("a peer does not take an activity", "peer", t.peer.Host, "uri", p.URI, "again", until, "err", err)
		t.putAside(p, words(err), until)
	default:
		t.fail(err)
	}
}

// alive notes that the peer answers.
func (t *trip) alive(complaint string) {
	if t.peer.State != copse.PeerOK {
		t.lane.s.breaker.relent(t.peer.Host)
	}
	t.peer.Fails, t.peer.State, t.peer.Error, t.peer.NotUntil = 0, copse.PeerOK, complaint, time.Time{}
}

// done moves the peer's cursor past a parcel.
func (t *trip) done(p parcel) {
	if p.extra {
		t.forget(p.ID)
		return
	}
	t.reached = p.ID
}

func (t *trip) forget(extra copse.ID) {
	peer := t.peer.ID
	t.changes = append(t.changes, func(tx *store.Tx) error { return tx.Delivered(peer, extra) })
}

// putAside lets the lane go on without a parcel, which is tried again at the
// given time, or never if that is zero.
func (t *trip) putAside(p parcel, reason string, until time.Time) {
	if !p.extra {
		t.reached = p.ID
	}
	t.again = t.again || !until.IsZero()
	peer, id := t.peer.ID, p.ID
	t.changes = append(t.changes, func(tx *store.Tx) error { return tx.Postpone(peer, id, reason, until) })
}

// fail ends the trip: the peer as a whole is left alone for a while, longer each
// time.
func (t *trip) fail(err error) {
	var no *undelivered
	if !errors.As(err, &no) {
		slog.Error("deliver", "peer", t.peer.Host, "err", err)
		no = new(undelivered)
	}
	t.stopped = true
	if !no.slow {
		t.peer.Fails++
		t.peer.State = copse.PeerFailing
		if t.peer.Fails == 1 {
			t.lane.s.forgetSigns(t.peer.Host)
		}
	}
	pause := backOff(t.peer.Fails, firstRetry, longestRetry)
	switch {
	case no.after > 0:
		pause = min(no.after, longestAsked)
	case no.slow:
		pause = notNow
	case t.peer.Fails >= dormantAfter:
		t.peer.State, pause = copse.PeerDormant, dormantRetry
	}
	t.peer.Error, t.peer.NotUntil = words(err), time.Now().Add(pause)
	slog.Info("a peer does not take what is sent", "peer", t.peer.Host, "fails", t.peer.Fails, "again", t.peer.NotUntil, "err", err)
}

// save writes down what has happened on the trip so far.
func (t *trip) save(ctx context.Context) error {
	t.saved = time.Now()
	changes, reached := t.changes, t.reached
	t.changes, t.reached = nil, 0
	peer := *t.peer
	// What has been sent is written down even if the program is about to end.
	err := t.lane.s.DB.Update(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		for _, change := range changes {
			if err := change(tx); err != nil {
				return err
			}
		}
		if reached != 0 {
			if err := tx.SetCursor(peer.ID, reached); err != nil {
				return err
			}
		}
		if err := tx.SetHealth(&peer); err != nil {
			return err
		}
		// A peer that is a long way behind has a long pass before it.
		err := t.lane.s.admitted(tx, peer.Host)
		if code := copse.CodeOf(err); code == copse.CodeForbidden || held(err) {
			t.stopped, err = true, nil
		}
		return err
	})
	if err == nil {
		t.lane.s.rest(peer.ID, peer.NotUntil)
		if again := t.again || !peer.NotUntil.IsZero(); again {
			t.lane.s.Hub.Outbox.Ring() // until it hears otherwise, deliver reckons with no other try
		}
		t.again = false
	}
	return err
}
