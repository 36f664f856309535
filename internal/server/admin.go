package server

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"copse/copse"
	"copse/federation/ap"
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
	AskSetPolicy    = "set-policy"    // Decision → Peer
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
	case AskSetPolicy:
		return carried(a.SetPolicy)
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
			host, ok := ap.Host("https://" + strings.TrimSpace(name))
			if !ok {
				return Added{}, copse.Invalid("councils", "%s is not the web address of a council", name)
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

// A Peer is another server as an administrator sees it.
type Peer struct {
	Host      string          `json:"host"`
	Title     string          `json:"title,omitempty"`
	Software  string          `json:"software,omitempty"`
	Policy    copse.Policy    `json:"policy"`    // what was decided here; "" if nothing was
	Exchanges bool            `json:"exchanges"` // whether anything is, by that and the configuration
	Why       string          `json:"why"`       // for Exchanges, in words
	State     copse.PeerState `json:"state,omitempty"`
	Error     string          `json:"error,omitempty"` // why it could not be reached the last time
	LastOK    time.Time       `json:"last_ok,omitzero"`
	LastSeen  time.Time       `json:"last_seen,omitzero"`
	Waiting   int             `json:"waiting"` // activities it has not got yet
}

// Peers returns every server that is known or named in the configuration, by
// host.
func (a Admin) Peers(ctx context.Context, _ Nothing) ([]Peer, error) {
	var known []*copse.Peer
	err := a.DB.View(ctx, func(tx *store.Tx) (err error) {
		known, err = tx.Peers()
		return err
	})
	if err != nil {
		return nil, err
	}
	st, err := a.DB.Status(ctx)
	if err != nil {
		return nil, err
	}
	all := []Peer{} // in JSON, none is [] and not null
	for _, p := range known {
		all = append(all, a.peer(p, st.Waits[p.ID]))
	}
	for _, host := range slices.Concat(a.Config.Federation.Allow, a.Config.Federation.Block) {
		if !slices.ContainsFunc(all, func(p Peer) bool { return p.Host == host }) {
			all = append(all, a.peer(&copse.Peer{Host: host}, store.Wait{}))
		}
	}
	slices.SortFunc(all, func(p, q Peer) int { return strings.Compare(p.Host, q.Host) })
	return all, nil
}

func (a Admin) peer(p *copse.Peer, w store.Wait) Peer {
	v := Peer{
		Host: p.Host, Title: p.Title, Software: strings.TrimSpace(p.Software + " " + p.Version), Policy: p.Policy,
		State: p.State, Error: p.Error, LastOK: p.LastOK, LastSeen: p.LastSeen, Waiting: w.Activities,
	}
	v.Exchanges, v.Why = a.decided(p)
	return v
}

// decided says whether this server exchanges anything with p, and who decided
// that. federation asks in the same order.
func (a Admin) decided(p *copse.Peer) (exchanges bool, why string) {
	f := a.Config.Federation
	mode := copse.Mode(f.Mode)
	switch {
	case mode == copse.Closed:
		return false, "federation.mode is closed"
	case slices.Contains(f.Block, p.Host):
		return false, "blocked in the configuration"
	case p.Policy == copse.Block:
		return false, "blocked"
	case p.Policy == copse.Allow:
		return true, "allowed"
	case slices.Contains(f.Allow, p.Host):
		return true, "allowed in the configuration"
	}
	return copse.MayExchange(mode, copse.Undecided), "federation.mode is " + string(f.Mode)
}

// A Decision is what an administrator decides about a peer.
type Decision struct {
	Host   string
	Policy copse.Policy
}

// SetPolicy decides about a peer. It takes effect at once.
func (a Admin) SetPolicy(ctx context.Context, d Decision) (Peer, error) {
	host, ok := ap.Host("https://" + d.Host + "/")
	switch {
	case !ok || strings.Contains(d.Host, "/"):
		return Peer{}, fmt.Errorf("%q is not a host name; write it like copse.harlow.gov.uk", d.Host)
	case host == a.Hub.Host():
		return Peer{}, fmt.Errorf("%s is this server itself", host)
	}
	var p *copse.Peer
	err := a.DB.Update(ctx, func(tx *store.Tx) (err error) {
		if err := tx.SetPolicy(host, d.Policy); err != nil {
			return err
		}
		p, err = tx.Peer(host)
		return err
	})
	if err != nil {
		return Peer{}, err
	}
	a.Hub.Outbox.Ring() // what waited for it can go
	return a.peer(p, store.Wait{}), nil
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
	Peers       map[string]int `json:"peers"`  // how many are in which state; "blocked" is one
	Outbox      int            `json:"outbox"` // activities not delivered yet, once for each peer
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

// state is what there is to know about a peer in one word.
func (p Peer) state() string {
	switch {
	case !p.Exchanges && strings.HasPrefix(p.Why, "blocked"):
		return "blocked"
	case !p.Exchanges:
		return "not allowed"
	case p.LastOK.IsZero() && p.LastSeen.IsZero():
		return "not met"
	}
	return string(p.State)
}
