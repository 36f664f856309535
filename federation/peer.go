package federation

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"iter"
	"log/slog"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"copse/copse"
	"copse/federation/ap"
	"copse/store"
)

const (
	// describedFor is how long what a server says about itself is believed.
	describedFor = 24 * time.Hour
	// freshFor is how old what we know of an actor may be when it is looked at.
	freshFor = time.Hour
	// answersFor is how long a server that answered is taken to be there, while
	// people read what its communities say.
	answersFor = 5 * time.Second
	// freshenAtOnce is how many servers are asked for what people look at, so that
	// one that is slow to answer does not hide that another does not.
	freshenAtOnce = 4
)

// admit returns an error unless this server exchanges anything with host.
func (s *Server) admit(ctx context.Context, host string) error {
	return s.DB.View(ctx, func(tx *store.Tx) error { return s.admitted(tx, host) })
}

func (s *Server) admitted(tx *store.Tx, host string) error {
	stance := copse.Refusing
	if host != s.Hub.Host() {
		st, err := s.Standing(tx, host)
		if err != nil {
			return err
		}
		stance = st.Stance
	}
	switch stance {
	case copse.Refusing:
		return copse.Forbidden("this server does not exchange anything with %s", host)
	case copse.Holding:
		return &heldError{host}
	}
	return nil
}

// askedToHold is when a peer may ask again that sends something while nothing is
// exchanged with it. It is short so that, once this is over, what waits at peers
// comes soon.
const askedToHold = 5 * time.Minute

// A heldError says that nothing is exchanged with a host for now, because an
// administrator here wants it so. What it keeps from happening is to happen later.
type heldError struct{ host string }

func (e *heldError) Error() string { return e.Unwrap().Error() }

// Unwrap is what people and peers are told.
func (e *heldError) Unwrap() error {
	return copse.Unavailable(askedToHold, "nothing is exchanged with %s for now; whoever runs this service has paused it", e.host)
}

func held(err error) bool {
	var h *heldError
	return errors.As(err, &h)
}

// A Standing is how this server stands to a peer, and who decided that.
type Standing struct {
	Stance copse.Stance
	Policy copse.Policy // what was decided; Undecided leaves it to the mode
	Listed bool         // in the configuration, and not by an administrator
}

// Standing returns how this server stands to a host.
func (s *Server) Standing(tx *store.Tx, host string) (st Standing, err error) {
	if st.Policy, st.Listed, err = s.policyFor(tx, host); err != nil {
		return st, err
	}
	held := false
	if copse.MayExchange(s.Mode, st.Policy) {
		if held, err = tx.Held(host); err != nil {
			return st, err
		}
	}
	st.Stance = copse.StanceTo(s.Mode, st.Policy, held)
	return st, nil
}

// policyFor returns what was decided about a host, in the configuration or by an
// administrator. To block is stronger than to allow, wherever it was said, and
// holds for everything below a host and at any port of it: names below one's own
// cost nothing. listed says that it was in the configuration.
func (s *Server) policyFor(tx *store.Tx, host string) (policy copse.Policy, listed bool, err error) {
	names := slices.Collect(upwards(host))
	decided, err := tx.Policies(names)
	if err != nil {
		return "", false, err
	}
	for _, at := range names {
		if listed := lists(s.Block, at); listed || decided[at] == copse.Block {
			return copse.Block, listed, nil
		}
	}
	if decided[host] == copse.Undecided && lists(s.Allow, host) {
		return copse.Allow, true, nil
	}
	return decided[host], false, nil
}

// upwards yields host, host without its port, and every name above it.
func upwards(host string) iter.Seq[string] {
	return func(yield func(string) bool) {
		if !yield(host) {
			return
		}
		name := host
		if u, err := url.Parse("//" + host); err == nil && u.Port() != "" {
			if name = strings.TrimSuffix(host, ":"+u.Port()); !yield(name) {
				return
			}
		}
		if _, err := netip.ParseAddr(strings.Trim(name, "[]")); err == nil {
			return // what stands before a dot in an address is not below the rest
		}
		for _, above, ok := strings.Cut(name, "."); ok; _, above, ok = strings.Cut(above, ".") {
			if !yield(above) {
				return
			}
		}
	}
}

// lists reports whether a host is among hosts as an administrator wrote them.
func lists(hosts []string, host string) bool {
	return slices.ContainsFunc(hosts, func(h string) bool {
		canonical, ok := ap.Host("https://" + h)
		return ok && canonical == host
	})
}

// meet learns what the server of an actor, which it has just described as w, says
// about itself, now and then. That it says nothing is no reason not to know the
// actor, whose own document says what it implements.
func (s *Server) meet(ctx context.Context, a *copse.Actor, w *ap.Object) {
	var p *copse.Peer
	err := s.DB.View(ctx, func(tx *store.Tx) (err error) {
		p, err = tx.Peer(a.Host)
		return err
	})
	if err == nil && time.Since(p.Looked) < describedFor && p.Inbox != "" {
		return
	}
	s.flights.Do("meet "+a.Host, func() (any, error) {
		s.ask(ctx, a, w)
		return nil, nil
	})
}

// ask asks a server about itself and writes the answer down. One that gives none
// is taken for what it was, or for a microblog if it was never met; one that does
// not answer at all is asked again before anybody there joins anything.
func (s *Server) ask(ctx context.Context, a *copse.Actor, w *ap.Object) {
	about, failed := s.nodeinfoOf(ctx, a)
	if failed != nil {
		slog.DebugContext(ctx, "nodeinfo", "host", a.Host, "err", failed)
	}
	silent := errors.Is(failed, errNoAnswer) || errors.Is(failed, errSpent) || ctx.Err() != nil
	application := s.applicationOf(ctx, a, w, about)
	verifies := about.saysRFC9421() || says(w, rfc9421) || says(application, rfc9421)
	little := says(w, rfc9421Ed25519) || says(application, rfc9421Ed25519)
	implements := append(feps(about.Metadata.Capabilities, about.Metadata.Implements), fepsOf(w)...)
	implements = append(implements, fepsOf(application)...)
	err := s.DB.Update(ctx, func(tx *store.Tx) error {
		p, err := tx.PeerAt(a.Host)
		if err != nil {
			return err
		}
		if about.Software.Name != "" {
			p.Software, p.Version = limited(about.Software.Name, 50), limited(about.Software.Version, 50)
			p.Title = limited(strings.TrimSpace(about.Metadata.NodeName), 200)
		}
		// Who has shown it need not say it, and whoever says it in vain is found out.
		p.RFC9421 = p.RFC9421 || verifies || little
		if w != nil || application != nil {
			p.Ed25519 = little
		}
		if about.Software.Name != "" || p.Profile == copse.Unmet && !silent {
			p.Profile = copse.ProfileOf(p.Software, implements)
		}
		if p.Inbox = a.SharedInbox; p.Inbox == "" {
			p.Inbox = a.Inbox
		}
		p.Looked = tx.Now
		return tx.DescribePeer(p)
	})
	if err != nil && ctx.Err() == nil {
		slog.ErrorContext(ctx, "describe peer", "host", a.Host, "err", err)
	}
}

// A selfDescription is a NodeInfo document, as far as we care.
type selfDescription struct {
	Software struct{ Name, Version string }
	Metadata struct {
		NodeName string
		// FEPs and other standards, as PieFed and copse list them.
		Capabilities, Implements json.RawMessage
	}
	application string // where the server's own actor is (FEP-2677)
}

func (d *selfDescription) saysRFC9421() bool {
	return bytes.Contains(d.Metadata.Implements, []byte(rfc9421)) || slices.Contains(quietAboutRFC9421, d.Software.Name)
}

// applicationOf asks for the actor of the server itself, which the document of an
// actor there points to, if it is at hand, or its server does. It returns nil if there
// is none, or no other than a.
func (s *Server) applicationOf(ctx context.Context, a *copse.Actor, w *ap.Object, about selfDescription) *ap.Object {
	uri := about.application
	if w != nil && w.Generator.IsRef() {
		uri = w.Generator.URI()
	}
	if uri == a.URI || !ap.SameHost(uri, a.URI) {
		return nil
	}
	application, err := s.fetch(ctx, uri)
	if err != nil {
		slog.DebugContext(ctx, "application", "uri", uri, "err", err)
	}
	return application
}

var fepNumber = regexp.MustCompile(`(?i)\bfep[-/]([0-9a-f]{4})\b`)

// feps returns the numbers of the FEPs that lists name, whatever they are lists
// of: "fep-1b12" (PieFed), "https://w3id.org/fep/1b12", or objects that have such a
// thing in them (FEP-844e).
func feps(lists ...json.RawMessage) (all []string) {
	for _, list := range lists {
		for _, found := range fepNumber.FindAllSubmatch(list, -1) {
			all = append(all, strings.ToLower(string(found[1])))
		}
	}
	return all
}

// fepsOf returns what the document of an actor says that its server
// implements: the server's own directly, others under their generator (FEP-844e).
// w is nil where there is no document.
func fepsOf(w *ap.Object) []string {
	if w == nil {
		return nil
	}
	var said struct {
		Implements json.RawMessage
		Generator  json.RawMessage
	}
	if err := json.Unmarshal(w.Raw, &said); err != nil {
		return nil // it says nothing of the sort
	}
	return feps(said.Implements, said.Generator)
}

func (s *Server) nodeinfoOf(ctx context.Context, a *copse.Actor) (about selfDescription, err error) {
	u, err := url.Parse(a.URI)
	if err != nil {
		return about, err
	}
	origin := u.Scheme + "://" + u.Host
	var links struct {
		Links []struct{ Rel, Href string }
	}
	if err := s.getJSON(ctx, a.Host, origin+"/.well-known/nodeinfo", &links); err != nil {
		return about, err
	}
	for _, l := range links.Links {
		if l.Rel == applicationRel {
			about.application = l.Href
		}
	}
	for _, l := range links.Links {
		if strings.HasPrefix(l.Rel, "http://nodeinfo.diaspora.software/ns/schema/2.") && ap.SameHost(l.Href, a.URI) {
			err = s.getJSON(ctx, a.Host, l.Href, &about)
			return about, err
		}
	}
	return about, errors.New("no NodeInfo of version 2")
}

// getJSON reads a plain JSON document. Nothing is decided by what is in it.
func (s *Server) getJSON(ctx context.Context, host, uri string, into any) error {
	doc, err := s.get(ctx, host, uri, "application/json")
	if err != nil {
		return err
	}
	return json.Unmarshal(doc.Body, into)
}

// Find returns the actor that somebody wrote as !equality@harlow.gov.uk,
// @name@host, name@host or an address beginning with https://, asking its server
// if it is not known here. Its errors are for whoever wrote it.
func (s *Server) Find(ctx context.Context, address string) (*copse.Actor, error) {
	address = strings.TrimSpace(address)
	if strings.Contains(address, "://") {
		return s.findURL(ctx, address)
	}
	name, host, ok := strings.Cut(strings.TrimLeft(address, "!@~"), "@")
	canonical, valid := ap.Host("https://" + host + "/")
	if !ok || !valid || name == "" || strings.ContainsAny(name, "/?#: ") {
		return nil, copse.Invalid("address", "enter an address like !equality@harlow.gov.uk, or one that starts with https://")
	}
	want := copse.Person
	if strings.HasPrefix(address, "!") {
		want = copse.Group
	}
	if a, err := s.knownAt(ctx, strings.ToLower(name), canonical, want); copse.CodeOf(err) != copse.CodeNotFound {
		return a, err
	}
	if canonical == s.Hub.Host() {
		return nil, copse.NotFound("there is nobody called %s here", name)
	}
	if err := s.admit(ctx, canonical); err != nil {
		return nil, strange(canonical, err)
	}
	uri, err := s.askWebfinger(ctx, name, canonical, want)
	if err != nil {
		return nil, strange(canonical, err)
	}
	return s.meetFirst(ctx, uri, canonical)
}

// FindAnew is Find for what hangs on how an actor's server describes it just now.
func (s *Server) FindAnew(ctx context.Context, address string) (*copse.Actor, error) {
	a, err := s.Find(ctx, address)
	if err != nil || a.Local {
		return a, err
	}
	return s.meetFirst(ctx, a.URI, a.Host)
}

// meetFirst reads an actor that somebody looks for, and goes on in the background
// to what people will want to know of it.
func (s *Server) meetFirst(ctx context.Context, uri, host string) (*copse.Actor, error) {
	a, err := s.fetchActor(ctx, uri)
	if err != nil {
		return nil, strange(host, err)
	}
	s.Freshen(a)
	return a, nil
}

// knownAt looks among who is known here: first for the type that was most
// likely meant.
func (s *Server) knownAt(ctx context.Context, name, host string, want copse.ActorType) (a *copse.Actor, err error) {
	err = s.DB.View(ctx, func(tx *store.Tx) (err error) {
		for _, typ := range []copse.ActorType{want, copse.Group, copse.Person} {
			if a, err = tx.ActorAt(name, host, typ); copse.CodeOf(err) != copse.CodeNotFound {
				return err
			}
		}
		return err
	})
	return a, err
}

func (s *Server) findURL(ctx context.Context, address string) (*copse.Actor, error) {
	host, ok := ap.Host(address)
	if !ok {
		return nil, copse.Invalid("address", "enter an address like !equality@harlow.gov.uk, or one that starts with https://")
	}
	var a *copse.Actor
	err := s.DB.View(ctx, func(tx *store.Tx) (err error) {
		a, err = tx.ActorByURI(address)
		return err
	})
	if copse.CodeOf(err) != copse.CodeNotFound {
		return a, err
	}
	if host == s.Hub.Host() {
		return nil, copse.NotFound("there is nothing here")
	}
	if err := s.admit(ctx, host); err != nil {
		return nil, strange(host, err)
	}
	return s.meetFirst(ctx, address, host)
}

// strange puts what went wrong with another server into words for the person
// who asked for it.
func strange(host string, err error) error {
	switch {
	case err == nil:
		return nil
	case gone(err):
		return copse.NotFound("%s has nothing at that address", host)
	case held(err):
		return err
	case copse.CodeOf(err) == copse.CodeForbidden && strings.HasPrefix(err.Error(), "this server does not exchange"):
		return copse.Forbidden("this council does not exchange anything with %s yet; ask whoever runs this service", host)
	case temporary(err) && copse.CodeOf(err) == copse.CodeInternal:
		return copse.Unavailable(time.Minute, "%s is not answering; try again later", host)
	}
	return copse.NotFound("%s has nothing at that address that can be shown here", host)
}

// askWebfinger asks a host for the id of the actor with a name (RFC 7033).
func (s *Server) askWebfinger(ctx context.Context, name, host string, want copse.ActorType) (string, error) {
	scheme, _, _ := strings.Cut(s.Base, "://")
	var jrd struct {
		Links []struct {
			Rel, Type, Href string
			Properties      map[string]any
		}
	}
	q := url.Values{"resource": {"acct:" + name + "@" + host}}
	err := s.getJSON(ctx, host, scheme+"://"+host+"/.well-known/webfinger?"+q.Encode(), &jrd)
	if err != nil {
		return "", err
	}
	found := ""
	for _, l := range jrd.Links {
		if l.Rel != "self" || !ap.IsFetchedType(l.Type) || !ap.SameHost(l.Href, scheme+"://"+host+"/") {
			continue
		}
		// Lemmy and others answer with a person and a community of one name.
		typ, _ := l.Properties["https://www.w3.org/ns/activitystreams#type"].(string)
		if found == "" || typ == string(want) {
			found = l.Href
		}
	}
	if found == "" {
		return "", &goneError{name + "@" + host, 404}
	}
	return found, nil
}
