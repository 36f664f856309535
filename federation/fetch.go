package federation

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode"

	"copse/copse"
	"copse/federation/ap"
	"copse/internal/markup"
	"copse/internal/outbound"
)

// errNoAnswer says that another server does not answer just now.
var errNoAnswer = errors.New("no answer")

// A goneError says that another server answers that something is not there, or
// no longer.
type goneError struct {
	uri    string
	status int
}

func (e *goneError) Error() string { return fmt.Sprintf("%s: %d", e.uri, e.status) }

func gone(err error) bool {
	var g *goneError
	return errors.As(err, &g)
}

// deleted reports whether what is gone was there once.
func deleted(err error) bool {
	var g *goneError
	return errors.As(err, &g) && g.status == http.StatusGone
}

const accepted = ap.ActivityJSON + ", " + ap.LDJSON

// fetch gets the document with the given id from the server it names, signed as
// this server. What it returns has that id: a server that answers with another
// document is asked for that one, once, if it is its own.
func (s *Server) fetch(ctx context.Context, uri string) (*ap.Object, error) {
	host, ok := ap.Host(uri)
	if !ok {
		return nil, copse.Invalid("", "%q is not an address", uri)
	}
	w, err, _ := s.flights.Do("fetch "+uri, func() (any, error) {
		// Others may be waiting for the same answer: one caller's leaving must
		// not fail them. The client has a deadline of its own.
		ctx := context.WithoutCancel(ctx)
		w, err := s.fetchOnce(ctx, host, uri)
		if err != nil {
			return nil, err
		}
		if w.ID != uri && ap.SameHost(w.ID, uri) {
			uri = w.ID
			w, err = s.fetchOnce(ctx, host, uri)
		}
		if err == nil && w.ID != uri {
			err = copse.Forbidden("%s calls itself %s", uri, w.ID)
		}
		return w, err
	})
	if err != nil {
		return nil, err
	}
	return w.(*ap.Object), nil
}

func (s *Server) fetchOnce(ctx context.Context, host, uri string) (*ap.Object, error) {
	doc, err := s.get(ctx, host, uri, accepted)
	if err != nil {
		return nil, err
	}
	return parsed(uri, doc)
}

// parsed reads what has been got from uri.
func parsed(uri string, doc *outbound.Document) (*ap.Object, error) {
	if !ap.IsFetchedType(doc.ContentType) {
		return nil, copse.Forbidden("%s is not a document of the kind asked for", uri)
	}
	w, err := ap.Parse(doc.Body)
	if err != nil {
		return nil, copse.Forbidden("what %s answers cannot be read: %v", uri, err)
	}
	return w, nil
}

// get asks host for a document, signed, unless nothing is exchanged with host, or it
// is not answering or being asked enough already.
func (s *Server) get(ctx context.Context, host, uri, accept string) (*outbound.Document, error) {
	return s.getUnless(ctx, host, uri, accept, "")
}

// errUnchanged says that a document is still as it was when it had a certain ETag.
var errUnchanged = errors.New("it is as it was")

// getUnless is get for a document that is only wanted if its ETag is not held, which
// may be "".
func (s *Server) getUnless(ctx context.Context, host, uri, accept, held string) (*outbound.Document, error) {
	if err := s.admit(ctx, host); err != nil {
		return nil, err // before any look-up or connection
	}
	both, peer, err := s.knocksAt(ctx, host)
	if err != nil {
		return nil, err
	}
	if err := s.breaker.enter(host, time.Now()); err != nil {
		return nil, err
	}
	var doc *outbound.Document
	r, err := try(peer, both, func(k knock) (status int, err error) {
		// Every hop of a redirect is signed, and so counted.
		doc, err = s.Client.Fetch(ctx, uri, func(r *http.Request) error {
			if err := spend(ctx); err != nil {
				return err
			}
			if held != "" {
				r.Header.Set("If-None-Match", held)
			}
			return k.sign(r, nil)
		}, accept)
		if err != nil {
			return 0, err
		}
		return doc.Status, nil
	})
	switch {
	case errors.Is(err, errSpent):
		s.breaker.leave(host, time.Now(), unasked)
		return nil, errSpent
	case outbound.Final(err):
		s.breaker.leave(host, time.Now(), answers)
		return nil, err
	case err != nil && ctx.Err() != nil:
		s.breaker.leave(host, time.Now(), unasked) // cut short by us
		return nil, fmt.Errorf("%w from %s: %w", errNoAnswer, host, err)
	case err != nil:
		s.breaker.leave(host, time.Now(), silent)
		return nil, fmt.Errorf("%w from %s: %w", errNoAnswer, host, err)
	case doc.Status >= 500:
		s.breaker.leave(host, time.Now(), silent)
		return nil, fmt.Errorf("%w from %s: status %d", errNoAnswer, host, doc.Status)
	}
	s.breaker.leave(host, time.Now(), answers)
	s.learnSigning(ctx, host, r)
	switch doc.Status {
	case http.StatusOK:
		return doc, nil
	case http.StatusNotModified:
		return nil, errUnchanged
	case http.StatusNotFound, http.StatusGone:
		return nil, &goneError{uri, doc.Status}
	case http.StatusTooManyRequests:
		return nil, fmt.Errorf("%w from %s: status %d", errNoAnswer, host, doc.Status)
	}
	return nil, copse.Forbidden("%s answered %d", host, doc.Status)
}

// maxFetches is how many requests to other servers one inbound activity may make
// us send at a time. What needs more goes on at the next try.
const maxFetches = 10

// errSpent says that an activity has used that up.
var errSpent = errors.New("this needs more than may be fetched at once")

type budgetKey struct{}

// withBudget returns a context in which at most maxFetches requests are sent.
func withBudget(ctx context.Context) context.Context { return withBudgetOf(ctx, maxFetches) }

// withBudgetOf returns a context in which at most n requests are sent. It is kept
// there because what is asked on the way to an answer (a redirect, a description
// of the server) is nobody's parameter, and has to count.
func withBudgetOf(ctx context.Context, n int32) context.Context {
	left := new(atomic.Int32)
	left.Store(n)
	return context.WithValue(ctx, budgetKey{}, left)
}

func spend(ctx context.Context) error {
	if left, ok := ctx.Value(budgetKey{}).(*atomic.Int32); ok && left.Add(-1) < 0 {
		return errSpent
	}
	return nil
}

// fetchObject returns an object as its author's server has it now. A tombstone
// counts as gone (FEP-4f05).
func (s *Server) fetchObject(ctx context.Context, uri string) (*ap.Object, error) {
	w, err := s.fetch(ctx, uri)
	if err != nil {
		return nil, err
	}
	if w.Type == "Tombstone" {
		return nil, &goneError{uri, http.StatusGone}
	}
	return w, nil
}

// fetchActor reads an actor from its own server and remembers it.
func (s *Server) fetchActor(ctx context.Context, uri string) (*copse.Actor, error) {
	w, err := s.fetch(ctx, uri)
	if err != nil {
		return nil, err
	}
	return s.learn(ctx, w)
}

// learn remembers an actor as its own server has just described it.
func (s *Server) learn(ctx context.Context, w *ap.Object) (*copse.Actor, error) {
	a, c, err := decodeActor(w)
	if err != nil {
		return nil, err
	}
	if a.Host == s.Hub.Host() {
		return nil, copse.NotFound("there is nothing here")
	}
	s.meet(ctx, a, w)
	if err := s.Hub.Learn(ctx, a, c); err != nil {
		return nil, err
	}
	return a, nil
}

// decodeActor reads what a server says of an actor of its own.
func decodeActor(w *ap.Object) (*copse.Actor, *copse.Community, error) {
	host, ok := ap.Host(w.ID)
	switch {
	case !ok || !isActor(w.Type) || !isName(w.PreferredUsername):
		return nil, nil, copse.Forbidden("%s is not somebody who can do things", w.ID)
	case !ap.SameHost(w.Inbox, w.ID):
		return nil, nil, copse.Forbidden("the letter box of %s is on another server", w.ID)
	}
	a := &copse.Actor{
		Type: copse.ActorType(w.Type), URI: w.ID, Name: limited(w.PreferredUsername, 255), Host: host,
		Title: limited(w.Name, 500), Summary: markup.Sanitize(limited(w.Summary, 20<<10)), JobTitle: limited(w.JobTitle, 200), Vouched: w.Vouched,
		Inbox: w.Inbox, Created: w.Published, Fetched: time.Now(),
	}
	if a.Title == "" {
		a.Title = a.Name
	}
	if a.Created.IsZero() || a.Created.After(a.Fetched) {
		a.Created = a.Fetched
	}
	if ap.SameHost(w.URL, w.ID) {
		a.URL = w.URL
	}
	if ap.SameHost(w.Endpoints.SharedInbox, w.ID) {
		a.SharedInbox = w.Endpoints.SharedInbox
	}
	for _, k := range w.PublicKey {
		if k.PEM != "" && (k.Owner == w.ID || k.Owner == "") && ap.SameHost(k.ID, w.ID) {
			a.KeyID, a.PublicKey = k.ID, k.PEM
			break
		}
	}
	a.Multikeys = multikeys(w)
	a.AlsoKnownAs, a.MovedTo = moved(w)
	if a.Type != copse.Group {
		return a, nil, nil
	}
	if w.Source != nil && w.Source.MediaType == "text/markdown" { // for those who look after it from here
		a.Source = limited(w.Source.Content, copse.MaxPurpose)
	}
	return a, decodeCommunity(w, a), nil
}

// isName reports whether a name can stand before the @ of an address. With an @
// or a slash in it, it could pass for somebody at another host. A server's own
// actor is named as its host, which may have a port.
func isName(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return strings.ContainsRune("@/?#<>\"'\\", r) || !unicode.IsGraphic(r) || unicode.IsSpace(r)
	})
}

func decodeCommunity(w *ap.Object, a *copse.Actor) *copse.Community {
	c := &copse.Community{
		Actor: *a, Audience: copse.Public, Join: copse.JoinOpen, Posting: copse.Member,
		Members: w.MemberCount, Councils: w.CouncilCount,
	}
	// Lemmy 1.0 and copse alike: who approves followers is private.
	if w.ManuallyApprovesFollowers != nil && *w.ManuallyApprovesFollowers {
		c.Audience, c.Join = copse.Members, copse.JoinApproval
	}
	switch join := copse.Join(w.Join); join {
	case copse.JoinOpen, copse.JoinApproval, copse.JoinInvitation:
		c.Join = join
	}
	if ap.SameHost(w.Featured, w.ID) {
		c.Featured = w.Featured
	}
	if w.PostingRestrictedToMods != nil && *w.PostingRestrictedToMods {
		c.Posting = copse.Moderator
	}
	return c
}

// keyOwner returns the actor that a key belongs to, read now. A key's id leads
// to the actor, to a part of it, or to a bare key that names its owner
// (GoToSocial); either way the actor's own document has to name the key.
func (s *Server) keyOwner(ctx context.Context, keyID string) (*copse.Actor, error) {
	w, err := s.fetch(ctx, withoutFragment(keyID))
	if err != nil {
		return nil, err
	}
	if !isActor(w.Type) {
		owner := ownerOf(w, keyID)
		if owner == "" {
			return nil, copse.Forbidden("there is no key at %s", keyID)
		}
		if w, err = s.fetch(ctx, owner); err != nil {
			return nil, err
		}
	}
	a, err := s.learn(ctx, w)
	if err != nil {
		return nil, err
	}
	if !a.HasKey(keyID) {
		return nil, copse.Forbidden("%s does not have the key %s", a.URI, keyID)
	}
	return a, nil
}

// ownerOf returns whose key a document says it is, "" if nobody's who could have
// it.
func ownerOf(w *ap.Object, keyID string) string {
	for _, k := range slices.Concat(w.PublicKey, w.AssertionMethod) {
		if k.Owner != "" && ap.SameHost(k.Owner, keyID) {
			return k.Owner
		}
	}
	return ""
}

func withoutFragment(uri string) string {
	for i := range uri {
		if uri[i] == '#' {
			return uri[:i]
		}
	}
	return uri
}

// maxBackfill is how much of a community's outbox is read when the first person
// here joins it.
const maxBackfill = 200

// backfillTries is how often: some twenty minutes.
const backfillTries = 8

// backfill brings in what was said in a community before anybody here joined it:
// its newest announcements, oldest first, as if they arrived now, and then what its
// log has besides. It happens once, when
// there is nothing here yet. A home that does not answer is asked again for a
// while. That it fails is no reason not to be in: the community will be empty at
// first.
func (s *Server) backfill(ctx context.Context, community *copse.Actor, look *look) error {
	if err := look.may(); err != nil {
		return err // in a request: park it, and come here again
	}
	if err := s.keepUp(ctx, community); err != nil {
		return err
	}
	all, err := s.fetch(ctx, community.URI+"/outbox")
	if errors.Is(err, errNoAnswer) && look.tries < backfillTries {
		return err
	}
	if err != nil {
		slog.InfoContext(ctx, "backfill", "community", community.URI, "err", err)
		return nil
	}
	items := all.OrderedItems[:min(len(all.OrderedItems), maxBackfill)]
	for _, item := range slices.Backward(items) {
		if err := s.takeAnnouncement(ctx, community, &item); err != nil {
			slog.WarnContext(ctx, "backfill", "community", community.URI, "err", err)
			return nil
		}
	}
	return nil
}

// A breaker keeps one server that is down or slow from holding up what concerns
// others: it is asked a few things at once at most, and after a failure not at
// all for a while. The zero value is ready.
type breaker struct {
	mu    sync.Mutex
	hosts map[string]*hostState // guarded by mu
}

type hostState struct {
	asking int
	fails  int
	until  time.Time
}

const (
	maxAsking = 6
	// maxHosts is of how many hosts a breaker remembers that they fail. Names
	// that lead nowhere cost their inventor nothing.
	maxHosts = 10_000
)

// What became of asking a host.
type outcome int

const (
	unasked outcome = iota // it was not asked, or not for long enough to tell
	answers
	silent
)

func (b *breaker) enter(host string, now time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.hosts == nil {
		b.hosts = make(map[string]*hostState)
	}
	h := b.hosts[host]
	if h == nil {
		if len(b.hosts) >= maxHosts {
			maps.DeleteFunc(b.hosts, func(_ string, h *hostState) bool { return h.asking == 0 })
		}
		h = new(hostState)
		b.hosts[host] = h
	}
	if now.Before(h.until) || h.asking >= maxAsking || h.fails > 0 && h.asking > 0 {
		return fmt.Errorf("%w from %s lately", errNoAnswer, host)
	}
	h.asking++
	return nil
}

// relent has a host asked again that gave a sign of itself.
func (b *breaker) relent(host string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if h := b.hosts[host]; h != nil {
		h.fails, h.until = 0, time.Time{}
	}
}

// silent reports whether a host did not answer when it was last asked.
func (b *breaker) silent(host string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	h := b.hosts[host]
	return h != nil && h.fails > 0
}

func (b *breaker) leave(host string, now time.Time, how outcome) {
	b.mu.Lock()
	defer b.mu.Unlock()
	h := b.hosts[host]
	h.asking--
	switch how {
	case answers:
		h.fails, h.until = 0, time.Time{}
	case silent:
		h.fails++
		h.until = now.Add(backOff(h.fails, time.Second, 5*time.Minute))
	}
	if h.asking == 0 && h.fails == 0 {
		delete(b.hosts, host)
	}
}
