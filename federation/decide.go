package federation

import (
	"context"
	"strings"
	"time"
	"unicode/utf8"

	"copse/copse"
	"copse/federation/ap"
	"copse/store"
)

// maxNote is how long administrators' words about a peer may be, in characters.
const maxNote = 2000

// Decide carries out what an administrator decides about the server at host, as
// they wrote that. by is who, nil on the command line. It takes effect at once.
func (s *Server) Decide(ctx context.Context, by *copse.Actor, host string, what copse.Decision) error {
	return s.decide(ctx, by, host, what, func(tx *store.Tx, p *copse.Peer) error {
		switch what {
		case copse.DecideAllow:
			return tx.SetPolicy(p.Host, copse.Allow)
		case copse.DecideBlock:
			return tx.SetPolicy(p.Host, copse.Block)
		case copse.DecideForget:
			return tx.SetPolicy(p.Host, copse.Undecided)
		case copse.DecidePause:
			return tx.Pause(p.ID)
		case copse.DecideResume:
			return tx.Resume(p.ID)
		case copse.DecideTryAgain:
			return tx.TryAgain(p.ID)
		}
		return copse.Invalid("", "this cannot be decided about a council")
	})
}

// Agree notes the day of the agreement with the council at host, which may be zero,
// and what administrators want to remember about it.
func (s *Server) Agree(ctx context.Context, by *copse.Actor, host string, agreed time.Time, note string) error {
	note = strings.TrimSpace(note)
	if utf8.RuneCountInString(note) > maxNote {
		return copse.Invalid("note", "the note must be %d characters or fewer", maxNote)
	}
	return s.decide(ctx, by, host, copse.DecideNote, func(tx *store.Tx, p *copse.Peer) error {
		return tx.SetAgreement(p.ID, agreed, note)
	})
}

func (s *Server) decide(ctx context.Context, by *copse.Actor, host string, what copse.Decision, change func(*store.Tx, *copse.Peer) error) error {
	canonical, err := s.HostOf(host)
	if err != nil {
		return err
	}
	var peer *copse.Peer
	err = s.DB.Update(ctx, func(tx *store.Tx) (err error) {
		if peer, err = tx.PeerAt(canonical); err != nil {
			return err
		}
		if err := change(tx, peer); err != nil {
			return err
		}
		return tx.AddDecision(peer.ID, idOf(by), what)
	})
	if err != nil {
		return err
	}
	s.breaker.relent(canonical)
	s.rest(peer.ID, time.Time{})
	s.Hub.Outbox.Ring() // what waited for it can go, and pages have changed
	return nil
}

// HostOf returns the host of another server as copse knows it, from how an
// administrator wrote it.
func (s *Server) HostOf(host string) (string, error) {
	canonical, ok := ap.Host("https://" + host + "/")
	switch {
	case !ok || strings.Contains(host, "/"):
		return "", copse.Invalid("host", "%q is not a host name; write it like copse.harlow.gov.uk", host)
	case canonical == s.Hub.Host():
		return "", copse.Invalid("host", "%s is this server itself", canonical)
	}
	return canonical, nil
}

// Switch switches the exchange with every other server on or off. While it is off
// nothing is sent to any, nothing is fetched, and what they send is refused in a
// way that has them keep it. It survives a restart.
func (s *Server) Switch(ctx context.Context, by *copse.Actor, on bool) error {
	what := copse.DecideOff
	if on {
		what = copse.DecideOn
	}
	err := s.DB.Update(ctx, func(tx *store.Tx) error {
		off, err := tx.ExchangeOff()
		if err != nil || on == off.IsZero() {
			return err
		}
		if err := tx.SetExchange(on); err != nil {
			return err
		}
		return tx.AddDecision(0, idOf(by), what)
	})
	if err != nil {
		return err
	}
	s.Hub.Outbox.Ring()
	s.Hub.Received.Ring()
	return nil
}

func idOf(by *copse.Actor) copse.ID {
	if by == nil {
		return 0
	}
	return by.ID
}
