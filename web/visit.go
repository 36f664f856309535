package web

import (
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"copse/copse"
	"copse/internal/words"
	"copse/store"
	"copse/web/page"
)

// A Visit is what is known about one request and whoever makes it.
type Visit struct {
	W      *words.Words
	Now    time.Time
	Login  *store.Login // nil if nobody is signed in
	Viewer copse.Viewer
	Off    time.Time // since when nothing is exchanged with other servers; zero if it is, or nobody is signed in

	title  string // of the council that runs this server
	peers  int
	unread int                    // conversations that whoever is signed in has unread messages in
	at     map[string]*copse.Peer // peers looked up so far, by host
	notice func() string          // what is to be told once; nil for none
}

// visit finds out who is asking. With an error it returns what is known anyway,
// enough for a page that says so.
func (s *Site) visit(r *http.Request) (*Visit, error) {
	v, ctx := s.nobody(r), r.Context()
	id := s.signedIn(ctx, v.Now)
	err := s.DB.View(ctx, func(tx *store.Tx) (err error) {
		if v.title, err = tx.Setting(settingTitle); err != nil {
			return err
		}
		if s.Mode != copse.Closed {
			if v.peers, err = tx.Exchanging(); err != nil {
				return err
			}
		}
		if id == 0 {
			return nil
		}
		login, err := tx.Login(id)
		if copse.CodeOf(err) == copse.CodeNotFound {
			return nil
		}
		if err != nil {
			return err
		}
		v.Login, v.Viewer.Actor = &login, id
		if v.unread, err = tx.Unread(id); err != nil {
			return err
		}
		v.Off, err = tx.ExchangeOff()
		return err
	})
	if err != nil {
		return s.nobody(r), err
	}
	if v.title == "" {
		v.title = s.Hub.Host()
	}
	v.notice = func() string { return s.sessions.PopString(ctx, keyNotice) }
	if v.Login != nil {
		v.W = words.In(words.Match(r.Header.Get("Accept-Language"), choice(r, v.Login.Language)))
	}
	return v, nil
}

// nobody is a visit by somebody of whom only the request is known.
func (s *Site) nobody(r *http.Request) *Visit {
	return &Visit{
		W:     words.In(words.Match(r.Header.Get("Accept-Language"), choice(r, ""))),
		Now:   time.Now(),
		title: s.Hub.Host(),
	}
}

// Settings that pages show.
const (
	settingTitle   = "title"   // the name of the council that runs this server
	settingDomain  = "domain"  // of its work addresses: "stevenage.gov.uk"
	settingContact = "contact" // an e-mail address for the public; may be ""
)

// Me returns the person signed in. It must not be asked before SignedIn.
func (v *Visit) Me() *copse.Actor { return v.Login.Person }

// Frame returns what a page has around it.
func (s *Site) Frame(v *Visit, r *http.Request, title string) page.Frame {
	f := page.Frame{
		W: v.W, Now: v.Now, Title: title, Server: v.title, Path: r.URL.RequestURI(), Peers: v.peers,
	}
	if v.Login != nil {
		f.Person = &page.Person{Name: v.Me().Title, URL: "/settings", Job: v.Me().JobTitle, Council: v.title}
		f.Unread = v.unread
		f.Admin = s.Administers(v) == nil
		f.Off = f.Admin && !v.Off.IsZero()
	}
	if v.notice != nil {
		f.Notice = v.notice()
	}
	return f
}

// Place returns the head of a community's pages. current is the address of the
// section that the page is in. Sections are for those who can read what is in
// them, and what waits to be decided is for those who decide.
func (s *Site) Place(v *Visit, tx *store.Tx, c *copse.Community, current string) (*page.Place, error) {
	facts, err := tx.Facts(v.Viewer.Actor, c, nil)
	if err != nil {
		return nil, err
	}
	line, err := s.RunBy(v, tx, c)
	if err != nil {
		return nil, err
	}
	p := &page.Place{Name: c.Title, URL: c.Path(), Line: line}
	p.Sections = append(p.Sections, page.Link{Text: v.W.T("place.home"), URL: c.Path()})
	if copse.MaySee(facts, c.Audience) == nil {
		tally, err := tx.Tally(v.Viewer, c.ID)
		if err != nil {
			return nil, err
		}
		for _, section := range s.Sections {
			if section.Links != nil {
				p.Sections = append(p.Sections, section.Links(s, v, c, tally)...)
			}
		}
	}
	p.Sections = append(p.Sections, page.Link{
		Text: v.W.T("place.members"), URL: c.Path() + "/members", Count: c.Members, Counted: v.W.N("community.people", c.Members),
	})
	admits, err := s.Takes(v, tx, c, copse.Admitting)
	if err != nil {
		return nil, err
	}
	if admits && copse.MayDecide(facts) == nil {
		waiting, err := tx.Waiting(c.ID, requestsOnPage)
		if err != nil {
			return nil, err
		}
		p.Sections = append(p.Sections, page.Link{
			Text: v.W.T("community.facilitate"), URL: c.Path() + "/facilitate/requests",
			Count: len(waiting), Counted: v.W.N("community.waiting", len(waiting)),
		})
	}
	if v.Login != nil && copse.MayHandle(facts) == nil {
		open, err := tx.OpenCases(c.ID, v.Viewer.Actor, store.MaxTally)
		if err != nil {
			return nil, err
		}
		p.Sections = append(p.Sections, page.Link{
			Text: v.W.T("reports.nav"), URL: c.Path() + "/facilitate/reports", Count: open, Counted: v.W.N("reports.open", open),
		})
	}
	for i := range p.Sections {
		p.Sections[i].Current = p.Sections[i].URL == current
	}
	return p, nil
}

// RunBy says which council runs a community, and who may read it.
func (s *Site) RunBy(v *Visit, tx *store.Tx, c *copse.Community) (string, error) {
	council, err := s.Council(v, tx, &c.Actor)
	if err != nil {
		return "", err
	}
	line := v.W.T("place.run_by", "council", council)
	if !c.Local {
		line += " " + v.W.T("place.read_from", "council", v.title)
	}
	if c.Audience == copse.Members {
		line += " " + v.W.T("place.members_only")
	}
	return line, nil
}

// Community returns the community in the address, {community}: "trees" for one
// of ours, "trees@york.example" for one elsewhere that is known here.
func (s *Site) Community(tx *store.Tx, r *http.Request) (*copse.Community, error) {
	a, err := s.named(tx, r, "community", copse.Group)
	if err != nil {
		return nil, err
	}
	return tx.Community(a.ID)
}

// named returns the actor of a type in the part of the address called param.
func (s *Site) named(tx *store.Tx, r *http.Request, param string, typ copse.ActorType) (*copse.Actor, error) {
	text, err := url.PathUnescape(chi.URLParam(r, param))
	if err != nil {
		return nil, copse.NotFound("there is nothing here")
	}
	name, host, remote := strings.Cut(strings.ToLower(text), "@")
	if remote && host != s.Hub.Host() {
		return tx.ActorAt(name, host, typ)
	}
	a, err := tx.ActorByName(name)
	if err == nil && (a.Type != typ || !a.Gone.IsZero()) {
		return nil, copse.NotFound("there is nothing here")
	}
	return a, err
}

// Council returns the name of the council that an actor is at.
func (s *Site) Council(v *Visit, tx *store.Tx, a *copse.Actor) (string, error) {
	if a.Local {
		return v.title, nil
	}
	p, err := v.peer(tx, a.Host)
	if err != nil || p.Title == "" {
		return a.Host, err
	}
	return p.Title, nil
}

func (v *Visit) peer(tx *store.Tx, host string) (*copse.Peer, error) {
	if p, ok := v.at[host]; ok {
		return p, nil
	}
	p, err := tx.Peer(host)
	if copse.CodeOf(err) == copse.CodeNotFound {
		p, err = &copse.Peer{Host: host}, nil
	}
	if err != nil {
		return nil, err
	}
	if v.at == nil {
		v.at = make(map[string]*copse.Peer)
	}
	v.at[host] = p
	return p, nil
}

// Person returns somebody as pages show them. That a council vouches for them is
// shown only of this one and of those somebody here decided to trust: anybody
// can set a server up and say so.
func (s *Site) Person(v *Visit, tx *store.Tx, a *copse.Actor) (page.Person, error) {
	p := page.Person{Name: a.Title, URL: a.Path(), Job: a.JobTitle}
	if p.Name == "" {
		p.Name = a.Name
	}
	var err error
	if p.Council, err = s.Council(v, tx, a); err != nil {
		return p, err
	}
	if !a.Gone.IsZero() {
		p.Name, p.URL, p.Job = v.W.T("person.gone"), "", ""
		return p, nil
	}
	if a.MovedTo != "" {
		if err := s.nowAt(v, tx, a, &p); err != nil {
			return p, err
		}
	}
	if a.Local {
		p.Confirmed, err = tx.Vouched(a.ID)
		return p, err
	}
	if !a.Vouched {
		return p, nil
	}
	peer, err := v.peer(tx, a.Host)
	if err != nil {
		return p, err
	}
	p.Confirmed = s.policy(peer) == copse.Allow
	return p, nil
}

// nowAt fills in where somebody is by now who has moved, if that is known here.
func (s *Site) nowAt(v *Visit, tx *store.Tx, a *copse.Actor, p *page.Person) error {
	to, err := tx.Successor(a.ID)
	if err != nil || to == nil {
		return err
	}
	p.NowURL = to.Path()
	p.Now, err = s.Council(v, tx, to)
	return err
}

// policy is what was decided about a peer, by an administrator or in the
// configuration.
func (s *Site) policy(p *copse.Peer) copse.Policy {
	if p.Policy == copse.Undecided && slices.Contains(s.Allow, p.Host) {
		return copse.Allow
	}
	return p.Policy
}

// signInFirst is the error for something that only people signed in can do.
type signInFirst struct{}

func (*signInFirst) Error() string { return "not signed in" }

// SignedIn returns nil if somebody is signed in. The error it returns otherwise
// leads them through signing in and back; a form they sent is kept meanwhile.
func (s *Site) SignedIn(v *Visit) error {
	if v.Login == nil {
		return new(signInFirst)
	}
	return nil
}

// here returns target if it is an address on this server, and "/" if it is
// anything else.
func here(target string) string {
	u, err := url.Parse(target)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || !strings.HasPrefix(u.Path, "/") {
		return "/"
	}
	return address(u.Path, u.Query())
}

// address puts an address on this server together. However it began, it does not
// begin with two slashes, which would make it another server's.
func address(p string, query url.Values) string {
	return (&url.URL{Path: path.Clean("/" + p), RawQuery: query.Encode()}).String()
}
