package server

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"copse/copse"
	"copse/internal/markup"
	"copse/store"
)

// Admin does what administrators ask for on the command line. Its methods take
// and return plain data, because they are also called through a running server's
// socket: see Ask.
type Admin struct{ *Server }

// What can be asked for, by the names that Ask takes.
const (
	AskAddPerson    = "add-person"    // NewPerson → Added
	AskAddCommunity = "add-community" // NewCommunity → Added
	AskPeers        = "peers"         // nothing → []Peer
	AskPeer         = "peer"          // the host → Peer
	AskDecide       = "decide"        // Decision → Peer
	AskTestPeer     = "test-peer"     // the host → []TestStep
	AskExchange     = "exchange"      // nothing → Exchange
	AskSwitch       = "switch"        // whether it is to be on → Exchange
	AskDiscardVotes = "discard-votes" // the host of a peer → Discarded
	AskRenewKeys    = "renew-keys"    // the name of somebody here, "" for all → Renewed
	AskStatus       = "status"        // nothing → Status
)

// A method is one of Admin's, from JSON to something that can be made JSON.
type method func(context.Context, json.RawMessage) (any, error)

// method returns the method called name, or nil.
func (a Admin) method(name string) method {
	switch name {
	case AskAddPerson:
		return carried(a.AddPerson)
	case AskAddCommunity:
		return carried(a.AddCommunity)
	case AskPeers:
		return carried(a.Peers)
	case AskPeer:
		return carried(a.Peer)
	case AskDecide:
		return carried(a.Decide)
	case AskTestPeer:
		return carried(a.TestPeer)
	case AskExchange:
		return carried(a.Exchange)
	case AskSwitch:
		return carried(a.Switch)
	case AskDiscardVotes:
		return carried(a.DiscardVotes)
	case AskRenewKeys:
		return carried(a.RenewKeys)
	case AskStatus:
		return carried(a.Status)
	}
	return nil
}

func carried[A, R any](do func(context.Context, A) (R, error)) method {
	return func(ctx context.Context, text json.RawMessage) (any, error) {
		var args A
		if err := json.Unmarshal(text, &args); err != nil {
			return nil, fmt.Errorf("this server is of another version than the command: %w", err)
		}
		return do(ctx, args)
	}
}

// Nothing is what is handed to methods that need nothing.
type Nothing struct{}

// A NewPerson is somebody to be added.
type NewPerson struct {
	Name      string // "tess"
	Title     string // "Tess Okafor"
	JobTitle  string
	Email     string
	Password  string
	Role      store.AccountRole
	Confirmed bool // the address is known to be theirs, and no letter is sent
}

// An Added is somebody or something that is there now.
type Added struct {
	Handle string // "tess@stevenage.gov.uk"
	URL    string
}

// AddPerson adds somebody who can sign in.
func (a Admin) AddPerson(ctx context.Context, p NewPerson) (Added, error) {
	account := &store.Account{Email: p.Email, Role: p.Role}
	if p.Confirmed {
		account.Confirmed = time.Now().UTC()
	}
	person := &copse.Actor{Name: p.Name, Title: p.Title, JobTitle: p.JobTitle}
	if err := a.Site.AddPerson(ctx, person, account, p.Password); err != nil {
		return Added{}, err
	}
	return a.added(person), nil
}

// A NewCommunity is one to be started here.
type NewCommunity struct {
	Name     string // "equality"
	Title    string
	Purpose  string // Markdown
	Join     copse.Join
	Audience copse.Audience
	Councils string // "all", "here", or hosts with commas between them
	Owner    string // the name of somebody here; "" for nobody
}

// AddCommunity starts a community.
func (a Admin) AddCommunity(ctx context.Context, c NewCommunity) (Added, error) {
	owner, err := a.owner(ctx, c.Owner)
	if err != nil {
		return Added{}, err
	}
	made := &copse.Community{
		Actor: copse.Actor{Name: c.Name, Title: c.Title, Source: c.Purpose, Summary: markup.HTML(c.Purpose)},
		Join:  c.Join, Audience: c.Audience, Posting: copse.Member, Sharing: copse.Sharing(c.Councils),
	}
	if made.Sharing != copse.SharedAll && made.Sharing != copse.SharedHere && c.Councils != "" {
		made.Sharing = copse.SharedNamed
		for name := range strings.SplitSeq(c.Councils, ",") {
			host, err := a.Fed.HostOf(strings.TrimSpace(name))
			if err != nil {
				return Added{}, err
			}
			made.Named = append(made.Named, host)
		}
	}
	if err := a.Hub.Found(ctx, owner, made); err != nil {
		return Added{}, err
	}
	return a.added(&made.Actor), nil
}

// owner returns the person here with a name, or the server itself for none.
func (a Admin) owner(ctx context.Context, name string) (owner *copse.Actor, err error) {
	if name == "" {
		return a.Hub.Self(ctx)
	}
	err = a.DB.View(ctx, func(tx *store.Tx) (err error) {
		owner, err = tx.ActorByName(name)
		return err
	})
	if copse.CodeOf(err) == copse.CodeNotFound || err == nil && owner.Type != copse.Person {
		return nil, fmt.Errorf("there is nobody called %s here", name)
	}
	return owner, err
}

func (a Admin) added(actor *copse.Actor) Added {
	return Added{Handle: actor.Handle(), URL: a.Config.Server.URL + actor.Path()}
}

// Renewed says how many had keys that they have no longer.
type Renewed struct {
	Actors int `json:"actors"`
}

// RenewKeys has the one here who is called name, or everybody, sign with new keys.
func (a Admin) RenewKeys(ctx context.Context, name string) (Renewed, error) {
	n, err := a.Fed.RenewKeys(ctx, name)
	if copse.CodeOf(err) == copse.CodeNotFound {
		return Renewed{}, fmt.Errorf("there is nobody called %s here", name)
	}
	return Renewed{n}, err
}

// A Status is how the whole server is doing.
type Status struct {
	Version     string         `json:"version"`
	URL         string         `json:"url"`
	Database    string         `json:"database"` // "SQLite" or "PostgreSQL"
	Size        int64          `json:"database_bytes"`
	People      int            `json:"people"`      // accounts in use
	Communities int            `json:"communities"` // run here
	Elsewhere   int            `json:"communities_elsewhere"`
	ExchangeOff time.Time      `json:"exchange_off,omitzero"` // since when nothing is exchanged with anybody
	Peers       map[string]int `json:"peers"`                 // how many are in which state; "blocked" is one
	Outbox      int            `json:"outbox"`                // activities not delivered yet, once for each peer
	Oldest      time.Time      `json:"outbox_oldest,omitzero"`
	Received    int            `json:"received"`  // activities that came in and wait for something
	SetAside    int            `json:"set_aside"` // those that were given up
	Mails       int            `json:"mails"`     // letters that wait
}

// Status returns how the server is doing.
func (a Admin) Status(ctx context.Context, _ Nothing) (Status, error) {
	st, err := a.DB.Status(ctx)
	if err != nil {
		return Status{}, err
	}
	peers, err := a.Peers(ctx, Nothing{})
	if err != nil {
		return Status{}, err
	}
	s := Status{
		Version: a.Fed.Version, URL: a.Config.Server.URL, Database: st.Engine, Size: st.Size,
		People: st.People, Communities: st.Communities, Elsewhere: st.Elsewhere, Peers: map[string]int{},
		Received: st.Received, SetAside: st.SetAside, Mails: st.Mails,
	}
	off, err := a.Exchange(ctx, Nothing{})
	if err != nil {
		return Status{}, err
	}
	s.ExchangeOff = off.Off
	for _, p := range peers {
		s.Peers[p.state()]++
	}
	for _, w := range st.Waits {
		s.Outbox += w.Activities
		if s.Oldest.IsZero() || w.Oldest.Before(s.Oldest) {
			s.Oldest = w.Oldest
		}
	}
	return s, nil
}
