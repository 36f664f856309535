package federation

import (
	"context"
	"log/slog"
	"time"

	"copse/copse"
	"copse/store"
)

// sign is how we know that a peer is there: it sent something, or it answered.
type sign struct {
	host string
	sent bool
}

// signFor is how long one is as good as the next: a peer's lane is tried before
// its time once in that long, whatever the peer says meanwhile.
const signFor = time.Minute

// heard notes a sign of a peer. What waits for the peer is tried now, once: how
// long to wait if it does not take that goes on from where it was.
func (s *Server) heard(ctx context.Context, of sign) {
	now := time.Now()
	if last, ok := s.lastHeard.Load(of); ok && now.Sub(last.(time.Time)) < signFor {
		return
	}
	s.lastHeard.Store(of, now)
	s.breaker.relent(of.host)
	var peer *copse.Peer
	err := s.DB.Update(ctx, func(tx *store.Tx) (err error) {
		if peer, err = tx.PeerAt(of.host); err != nil {
			return err
		}
		was := *peer
		if peer.NotUntil.After(tx.Now) {
			peer.NotUntil = tx.Now
		}
		if peer.Fails == 0 || peer.NotUntil.IsZero() { // nothing waits that could show it
			peer.State, peer.Fails = copse.PeerOK, 0
		}
		if *peer != was {
			if err := tx.SetHealth(peer); err != nil {
				return err
			}
		}
		if was.State != copse.PeerOK { // it may have given up on us meanwhile
			if err := tx.PullSoon(of.host); err != nil {
				return err
			}
		}
		if !of.sent {
			return nil
		}
		return tx.Heard(of.host, tx.Now)
	})
	if err != nil {
		slog.ErrorContext(ctx, "heard", "host", of.host, "err", err)
		return
	}
	s.rest(peer.ID, time.Time{})
	s.Hub.Outbox.Ring()
	s.pulls.Ring()
}

// forgetSigns has the next sign of a peer count however soon it comes: the peer
// has just been found away, for the first time in a row.
func (s *Server) forgetSigns(host string) {
	s.lastHeard.Delete(sign{host, false})
	s.lastHeard.Delete(sign{host, true})
}

// missed notes that a peer did not answer somebody who reads what it has, so that
// they hear how old their copy may be. When it is sent to next stays as it was.
func (s *Server) missed(ctx context.Context, host string) {
	err := s.DB.Update(ctx, func(tx *store.Tx) error {
		peer, err := tx.PeerAt(host)
		if err != nil || peer.State != copse.PeerOK {
			return err
		}
		s.forgetSigns(host)
		peer.State, peer.Error = copse.PeerFailing, notAnswering
		return tx.SetHealth(peer)
	})
	if err != nil && ctx.Err() == nil {
		slog.ErrorContext(ctx, "missed", "host", host, "err", err)
	}
}
