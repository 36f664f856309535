package server

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"copse/copse"
	"copse/federation"
	"copse/federation/ap"
	"copse/internal/config"
	"copse/internal/words"
	"copse/store"
	"copse/web"
)

// A Peer is another server as an administrator sees it.
type Peer struct {
	Host      string          `json:"host"`
	Title     string          `json:"title,omitempty"`
	Software  string          `json:"software,omitempty"`
	Profile   copse.Profile   `json:"profile,omitempty"` // how it is told what happens here
	Policy    copse.Policy    `json:"policy"`            // what was decided here; "" if nothing was
	Exchanges bool            `json:"exchanges"`         // whether anything is, by that and the configuration
	Why       string          `json:"why"`               // for Exchanges, in words
	State     copse.PeerState `json:"state,omitempty"`
	Stands    string          `json:"stands"`          // how it stands, in a sentence or two
	Error     string          `json:"error,omitempty"` // why it could not be reached the last time
	Fails     int             `json:"fails,omitempty"` // failed attempts in a row
	NextTry   time.Time       `json:"next_try,omitzero"`
	LastOK    time.Time       `json:"last_ok,omitzero"`
	LastSeen  time.Time       `json:"last_seen,omitzero"`
	Paused    time.Time       `json:"paused,omitzero"`
	Agreed    time.Time       `json:"agreed,omitzero"`
	Note      string          `json:"note,omitempty"`
	Waiting   int             `json:"waiting"` // activities it has not got yet
	Oldest    time.Time       `json:"oldest,omitzero"`

	// Of one peer alone.
	Missing []Missing `json:"missing,omitempty"` // the newest of them, and of what was given up
	Decided []Decided `json:"decided,omitempty"` // the newest first
}

// A Missing is something that a peer has not got.
type Missing struct {
	Type      string    `json:"type"`
	Community string    `json:"community,omitempty"`
	About     string    `json:"about,omitempty"` // its URI
	Since     time.Time `json:"since"`
	Why       string    `json:"why"`
}

// A Decided is a decision that was taken about a peer.
type Decided struct {
	What copse.Decision `json:"what"`
	At   time.Time      `json:"at"`
	By   string         `json:"by,omitempty"` // "" on the command line
}

// shownOfPeer is how much of what a peer has not got, and of what was decided
// about it, is shown.
const shownOfPeer = 20

// meetListed notes the peers that the configuration names, so that administrators
// find them among the rest.
func meetListed(ctx context.Context, db *store.DB, c config.Config) error {
	return db.Update(ctx, func(tx *store.Tx) error {
		for _, named := range slices.Concat(c.Federation.Allow, c.Federation.Block) {
			if host, ok := ap.Host("https://" + named); ok {
				if _, err := tx.PeerAt(host); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// Peers returns every server that is known or named in the configuration, by
// host.
func (a Admin) Peers(ctx context.Context, _ Nothing) ([]Peer, error) {
	st, err := a.DB.Status(ctx)
	if err != nil {
		return nil, err
	}
	all := []Peer{} // in JSON, none is [] and not null
	err = a.DB.View(ctx, func(tx *store.Tx) error {
		known, err := tx.Peers()
		if err != nil {
			return err
		}
		for _, p := range known {
			v, err := a.peer(tx, p, st.Waits[p.ID])
			if err != nil {
				return err
			}
			all = append(all, v)
		}
		return nil
	})
	slices.SortFunc(all, func(p, q Peer) int { return strings.Compare(p.Host, q.Host) })
	return all, err
}

func (a Admin) peer(tx *store.Tx, p *copse.Peer, w store.Wait) (Peer, error) {
	st, err := a.standing(tx, p, w)
	if err != nil {
		return Peer{}, err
	}
	v := Peer{
		Host: p.Host, Title: p.Title, Software: strings.TrimSpace(p.Software + " " + p.Version), Profile: p.Profile, Policy: p.Policy,
		State: p.State, Error: p.Error, Fails: p.Fails, NextTry: p.NotUntil, LastOK: p.LastOK, LastSeen: p.LastSeen,
		Paused: p.Paused, Agreed: p.Agreed, Note: p.Note, Waiting: w.Activities, Oldest: w.Oldest,
	}
	v.Exchanges, v.Why = a.decided(st)
	_, v.Stands = web.Stands(words.In("en"), st)
	return v, nil
}

func (a Admin) standing(tx *store.Tx, p *copse.Peer, w store.Wait) (st web.PeerStanding, err error) {
	st = web.PeerStanding{Peer: p, Mode: a.Fed.Mode, Wait: w}
	if st.Standing, err = a.Fed.Standing(tx, p.Host); err != nil {
		return st, err
	}
	st.Off, err = tx.ExchangeOff()
	return st, err
}

// decided says whether this server exchanges anything with a peer, and why.
func (a Admin) decided(of web.PeerStanding) (exchanges bool, why string) {
	st := of.Standing
	if st.Stance == copse.Holding {
		if !of.Off.IsZero() {
			return false, "the exchange with all councils is off"
		}
		return false, "paused"
	}
	switch {
	case a.Fed.Mode == copse.Closed, st.Policy == copse.Undecided:
		why = "federation.mode is " + string(a.Fed.Mode)
	case st.Policy == copse.Block:
		why = "blocked"
	default:
		why = "allowed"
	}
	if st.Listed && a.Fed.Mode != copse.Closed {
		why += " in the configuration"
	}
	return st.Stance == copse.Exchanging, why
}

// state is what there is to know about a peer in one word.
func (p Peer) state() string {
	switch {
	case strings.HasPrefix(p.Why, "blocked"):
		return "blocked"
	case p.Why == "paused":
		return "paused"
	case !p.Exchanges && p.Policy != copse.Allow:
		return "not allowed"
	case p.LastOK.IsZero() && p.LastSeen.IsZero():
		return "not met"
	}
	return string(p.State)
}

// Peer returns all there is to say about the server at a host.
func (a Admin) Peer(ctx context.Context, host string) (v Peer, err error) {
	host, err = a.Fed.HostOf(host)
	if err != nil {
		return v, err
	}
	err = a.DB.View(ctx, func(tx *store.Tx) error {
		p, err := tx.Peer(host)
		if copse.CodeOf(err) == copse.CodeNotFound {
			p, err = &copse.Peer{Host: host, State: copse.PeerOK}, nil
		}
		if err != nil {
			return err
		}
		w, err := tx.Awaited(p, web.MostAwaited)
		if err != nil {
			return err
		}
		if v, err = a.peer(tx, p, w); err != nil || p.ID == 0 {
			return err
		}
		missed, err := tx.MissingAt(p, shownOfPeer)
		if err != nil {
			return err
		}
		st, err := a.standing(tx, p, w)
		if err != nil {
			return err
		}
		for _, m := range missed {
			one := Missing{Type: m.Type, Since: m.Since, Why: web.WhyMissing(words.In("en"), st, m)}
			if m.Community != nil {
				one.Community = m.Community.Handle()
			}
			if m.Object != nil {
				one.About = m.Object.URI
			}
			v.Missing = append(v.Missing, one)
		}
		taken, err := tx.Decisions(p.ID, shownOfPeer)
		for _, d := range taken {
			one := Decided{What: d.What, At: d.At}
			if d.By != nil {
				one.By = d.By.Title
			}
			v.Decided = append(v.Decided, one)
		}
		return err
	})
	return v, err
}

// A Decision is what an administrator decides about a peer.
type Decision struct {
	Host string
	What copse.Decision
}

// Decide decides about a peer. It takes effect at once.
func (a Admin) Decide(ctx context.Context, d Decision) (Peer, error) {
	if err := a.Fed.Decide(ctx, nil, d.Host, d.What); err != nil {
		return Peer{}, err
	}
	return a.Peer(ctx, d.Host)
}

// A TestStep is one thing that has to work between this server and a peer.
type TestStep struct {
	federation.Step
	Says string `json:"says"` // what became of it, in words
}

// TestPeer finds out what works between this server and the one at a host.
func (a Admin) TestPeer(ctx context.Context, host string) (all []TestStep, err error) {
	host, err = a.Fed.HostOf(host)
	if err != nil {
		return nil, err
	}
	steps, err := a.Fed.Probe(ctx, host)
	for _, step := range steps {
		all = append(all, TestStep{step, web.Tested(words.In("en"), step)})
	}
	return all, err
}

// An Exchange is whether anything is exchanged with anybody.
type Exchange struct {
	On  bool      `json:"on"`
	Off time.Time `json:"off_since,omitzero"`
}

// Exchange returns whether anything is exchanged with anybody.
func (a Admin) Exchange(ctx context.Context, _ Nothing) (e Exchange, err error) {
	err = a.DB.View(ctx, func(tx *store.Tx) (err error) {
		e.Off, err = tx.ExchangeOff()
		return err
	})
	e.On = e.Off.IsZero()
	return e, err
}

// Switch switches the exchange with every peer on or off.
func (a Admin) Switch(ctx context.Context, on bool) (Exchange, error) {
	if err := a.Fed.Switch(ctx, nil, on); err != nil {
		return Exchange{}, err
	}
	return a.Exchange(ctx, Nothing{})
}

// Discarded is how many votes do not count any more, of which peer.
type Discarded struct {
	Host  string `json:"host"`
	Votes int    `json:"votes"`
}

// DiscardVotes takes back every vote that counts on a peer's word alone.
func (a Admin) DiscardVotes(ctx context.Context, typed string) (Discarded, error) {
	host, err := a.Fed.HostOf(typed)
	if err != nil {
		return Discarded{}, err
	}
	n, err := a.Hub.DiscardVotes(ctx, host)
	if copse.CodeOf(err) == copse.CodeNotFound {
		return Discarded{}, fmt.Errorf("this server does not know %s", host)
	}
	return Discarded{host, n}, err
}
