package federation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"copse/copse"
	"copse/federation/ap"
	"copse/store"
)

// A look finds what an activity refers to: here or, unless it is bound to a
// transaction, wherever it lives. While a request waits nothing is asked of other
// servers, and it says errUnknown instead.
type look struct {
	s     *Server
	tx    *store.Tx // all that is known; nil to look as it is at each moment, and elsewhere
	above []string  // objects being brought in, each waiting for the next, which it answers
	tries int       // how often this has been looked into before
}

func (l *look) view(ctx context.Context, fn func(*store.Tx) error) error {
	if l.tx != nil {
		return fn(l.tx)
	}
	return l.s.DB.View(ctx, fn)
}

// admit is Server.admit. In a request, what is only held up is to be parked: its
// sender is another server, which has done its part.
func (l *look) admit(ctx context.Context, host string) error {
	err := l.view(ctx, func(tx *store.Tx) error { return l.s.admitted(tx, host) })
	if held(err) && l.tx != nil {
		return errUnknown
	}
	return err
}

// ours returns an actor of this server.
func (l *look) ours(ctx context.Context, uri string) (a *copse.Actor, err error) {
	err = l.view(ctx, func(tx *store.Tx) (err error) {
		if a, err = tx.ActorByURI(uri); err != nil {
			return err
		}
		return shared(tx, a)
	})
	if err == nil && (!a.Local || !a.Gone.IsZero()) {
		return nil, copse.NotFound("there is nothing here")
	}
	return a, err
}

// actor returns any actor.
func (l *look) actor(ctx context.Context, uri string) (a *copse.Actor, err error) {
	err = l.view(ctx, func(tx *store.Tx) (err error) {
		a, err = tx.ActorByURI(uri)
		return err
	})
	if copse.CodeOf(err) != copse.CodeNotFound {
		return a, err
	}
	if err := l.may(); err != nil {
		return nil, err
	}
	return l.s.fetchActor(ctx, uri)
}

// met makes sure that it is known what sort of server an actor's is.
func (l *look) met(ctx context.Context, a *copse.Actor) error {
	known := func() (met bool, err error) {
		err = l.view(ctx, func(tx *store.Tx) error {
			p, err := tx.Peer(a.Host)
			met = err == nil && p.Profile != copse.Unmet
			if copse.CodeOf(err) == copse.CodeNotFound {
				return nil
			}
			return err
		})
		return met, err
	}
	met, err := known()
	if err != nil || met {
		return err
	}
	if err := l.may(); err != nil {
		return err
	}
	l.s.ask(ctx, a, nil)
	if met, err = known(); err == nil && !met {
		err = fmt.Errorf("%w from %s about itself", errNoAnswer, a.Host)
	}
	return err
}

// spellOut returns an activity with what it undoes in it, as far as that is known
// here and it names it by its id alone.
func (l *look) spellOut(ctx context.Context, w *ap.Object) (*ap.Object, error) {
	if w.Type != "Undo" || !w.Object.IsRef() {
		return w, nil
	}
	var (
		typ, object string
		by          *copse.Actor
	)
	err := l.view(ctx, func(tx *store.Tx) (err error) {
		var actor copse.ID
		if typ, actor, object, err = tx.Did(w.Object.ID); err != nil || typ == "" {
			return err
		}
		by, err = tx.Actor(actor)
		return err
	})
	if err != nil || typ == "" {
		return w, err
	}
	whole := *w
	whole.Object = &ap.Object{ID: w.Object.ID, Type: typ, Actor: ap.RefsTo(by.URI), Object: ap.Ref(object)}
	return &whole, nil
}

// refresh reads a remote actor again.
func (l *look) refresh(ctx context.Context, uri string) error {
	if err := l.may(); err != nil {
		return err
	}
	_, err := l.s.fetchActor(ctx, uri)
	return err
}

// document fetches an object from where it lives.
func (l *look) document(ctx context.Context, uri string) (*ap.Object, error) {
	if err := l.may(); err != nil {
		return nil, err
	}
	return l.s.fetchObject(ctx, uri)
}

// may returns an error unless other servers may be asked.
func (l *look) may() error {
	if l.tx != nil {
		return errUnknown
	}
	return nil
}

func (l *look) followed(ctx context.Context, community copse.ID) (followed bool, err error) {
	err = l.view(ctx, func(tx *store.Tx) (err error) {
		followed, err = tx.Followed(community)
		return err
	})
	return followed, err
}

// place returns the community that a top-level object is in: the one that
// announced it, which it has to name, or the one of ours that it names.
func (l *look) place(ctx context.Context, w *ap.Object, via *copse.Actor) (*copse.Actor, error) {
	if via != nil {
		if !names(w, via.URI) {
			return nil, copse.Forbidden("%s is not addressed to %s", w.ID, via.URI)
		}
		return via, nil
	}
	for _, list := range []ap.Strings{w.Audience, w.To, w.CC} {
		for _, uri := range list {
			if host, ok := ap.Host(uri); !ok || host != l.s.Hub.Host() {
				continue
			}
			a, err := l.ours(ctx, uri)
			if err == nil && a.Type == copse.Group {
				return a, nil
			}
			if err != nil && copse.CodeOf(err) != copse.CodeNotFound {
				return nil, err
			}
		}
	}
	return nil, nil
}

// names reports whether w is addressed to uri, or made in it: PeerTube addresses a
// video to nobody but says which channel it is of.
func names(w *ap.Object, uri string) bool {
	inIt := func(a ap.Object) bool { return a.ID == uri && a.Type == string(copse.Group) }
	return slices.ContainsFunc(w.AttributedTo, inIt) ||
		slices.Contains(w.Audience, uri) || slices.Contains(w.To, uri) || slices.Contains(w.CC, uri)
}

// isSaidIn reports whether something that came straight from its author was said
// for those who read a community, and not to one of them alone: a private message
// on Mastodon is a Note like any other, and differs only in who is not named.
func (l *look) isSaidIn(ctx context.Context, w *ap.Object, community copse.ID) (said bool, err error) {
	if isPublic(w) {
		return true, nil
	}
	err = l.view(ctx, func(tx *store.Tx) error {
		c, err := tx.Community(community)
		if err != nil {
			return err
		}
		said = names(w, c.URI+"/followers") || names(w, c.URI) && (c.Audience == copse.Members || isUnaddressed(w))
		return nil
	})
	return said, err
}

// parent returns what w answers, or nil if that is none of our business. What was
// said straight to a community of ours about something that has not arrived
// waits for it.
func (l *look) parent(ctx context.Context, w *ap.Object, via *copse.Actor) (*copse.Object, error) {
	parent, err := l.object(ctx, w.InReplyTo, via)
	if via != nil || copse.CodeOf(err) != copse.CodeNotFound {
		return parent, err
	}
	community, err := l.place(ctx, w, nil)
	if err != nil || community == nil {
		return nil, err
	}
	return nil, errUnknown
}

// held returns an object that is here, or nil.
func (l *look) held(ctx context.Context, uri string) (o *copse.Object, err error) {
	err = l.view(ctx, func(tx *store.Tx) (err error) {
		o, err = tx.ObjectByURI(uri)
		return err
	})
	if copse.CodeOf(err) == copse.CodeNotFound {
		return nil, nil
	}
	return o, err
}

// taken makes of an announcement of what is here already that the community has
// taken it, if it was made here. Otherwise it says nothing new.
func (l *look) taken(ctx context.Context, act *copse.Activity, o *copse.Object) (*copse.Activity, error) {
	if o == nil || !o.Local || o.Community != act.Actor.ID {
		return nil, nil
	}
	inner := &copse.Activity{Type: "Create", Object: o}
	err := l.view(ctx, func(tx *store.Tx) (err error) {
		inner.Actor, err = tx.Actor(o.Author)
		return err
	})
	act.Inner = inner
	return act, err
}

// object returns an object that an activity refers to. One that a community's
// conversation refers to, and that did not come in its turn, is fetched from
// its author's server.
func (l *look) object(ctx context.Context, uri string, via *copse.Actor) (o *copse.Object, err error) {
	if uri == "" {
		return nil, copse.Invalid("", "an object needs an id")
	}
	err = l.view(ctx, func(tx *store.Tx) (err error) {
		o, err = tx.ObjectByURI(uri)
		return err
	})
	if copse.CodeOf(err) != copse.CodeNotFound || via == nil {
		return o, err
	}
	if host, ok := ap.Host(uri); !ok || host == l.s.Hub.Host() {
		return nil, err // ours are all here
	}
	if err := l.may(); err != nil {
		return nil, err
	}
	switch {
	case slices.Contains(l.above, uri):
		return nil, copse.Forbidden("the conversation goes round in a circle")
	case len(l.above) == copse.MaxDepth:
		return nil, copse.Forbidden("the conversation is nested too deeply")
	}
	l.above = append(l.above, uri)
	err = l.bringIn(ctx, uri, via)
	l.above = l.above[:len(l.above)-1]
	if err != nil {
		return nil, err
	}
	err = l.view(ctx, func(tx *store.Tx) (err error) {
		o, err = tx.ObjectByURI(uri)
		return err
	})
	return o, err
}

// target returns the object that act, which reads w, is done to. What a server does
// to something of its own in a community of ours may overtake that: it waits.
func (l *look) target(ctx context.Context, w *ap.Object, uri string, act *copse.Activity) (*copse.Object, error) {
	o, err := l.object(ctx, uri, act.Via)
	if act.Via != nil || copse.CodeOf(err) != copse.CodeNotFound || !ap.SameHost(uri, act.Actor.URI) {
		return o, err
	}
	if community, err := l.place(ctx, w, nil); err != nil || community == nil {
		return nil, cmp.Or(err, copse.NotFound("there is nothing here"))
	}
	return nil, errUnknown
}

// bringIn fetches an object and adds it to the community's conversation, after
// what it answers. If that takes more than may be fetched at once, what has been
// fetched is laid aside for the next try.
func (l *look) bringIn(ctx context.Context, uri string, via *copse.Actor) (err error) {
	w := l.s.shelf.take(uri, time.Now())
	if w == nil {
		if w, err = l.document(ctx, uri); err != nil {
			return err
		}
	}
	err = l.add(ctx, w, via)
	if errors.Is(err, errSpent) {
		l.s.shelf.put(uri, w, time.Now())
	}
	return err
}

func (l *look) add(ctx context.Context, w *ap.Object, via *copse.Actor) (err error) {
	author, _ := authorOf(w)
	act := &copse.Activity{URI: w.ID + "#fetched", Type: "Create", Via: via}
	if act.Actor, err = l.actor(ctx, author); err != nil {
		return err
	}
	if act.Object, err = l.s.decodeObject(ctx, w, act, nil, l); err != nil {
		return err
	}
	if act.Object == nil {
		return copse.Forbidden("the conversation is about something this server cannot show")
	}
	return l.s.Hub.Perform(ctx, act)
}

// A shelf keeps documents of conversations that reach further up than can be
// fetched at once, so that the next try goes on where the last one stopped. The
// zero value is ready.
type shelf struct {
	mu    sync.Mutex
	docs  map[string]shelved // guarded by mu; by id
	bytes int                // guarded by mu
}

type shelved struct {
	w  *ap.Object
	at time.Time
}

const (
	// shelvedFor covers the first few tries, by which a conversation of
	// copse.MaxDepth is complete.
	shelvedFor = 15 * time.Minute
	maxShelf   = 16 << 20 // bytes
)

func (s *shelf) take(uri string, now time.Time) *ap.Object {
	s.mu.Lock()
	defer s.mu.Unlock()
	d, ok := s.docs[uri]
	if !ok {
		return nil
	}
	delete(s.docs, uri)
	s.bytes -= len(d.w.Raw)
	if now.Sub(d.at) > shelvedFor {
		return nil
	}
	return d.w
}

func (s *shelf) put(uri string, w *ap.Object, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.docs == nil || s.bytes+len(w.Raw) > maxShelf {
		s.docs, s.bytes = make(map[string]shelved), 0 // they can be fetched again
	}
	if was, ok := s.docs[uri]; ok {
		s.bytes -= len(was.w.Raw)
	}
	s.docs[uri] = shelved{w, now}
	s.bytes += len(w.Raw)
}

// prove makes sure that the author of an announced activity said so, and returns
// the activity as it may be believed: as its author's proof is of it, or with the
// object as its author's server has it. A community's home is believed about its own people and about what goes on
// in it, and about nobody else's words: one council whose server is broken into
// must not be able to speak for another's officers.
//
// It returns nil for what turns out not to be so, and a goneError for words that
// are not there any more.
func (l *look) prove(ctx context.Context, w *ap.Object, author, community *copse.Actor) (*ap.Object, error) {
	if proves(author, community) || isRuling(w) || isVote(w) {
		// The community rules its own space. To ask for each vote would swamp
		// everybody: they are counted on its word, and known to be.
		return w, nil
	}
	switch w.Type {
	case "Create", "Update":
		uri := w.Object.URI()
		if !ap.SameHost(uri, author.URI) {
			return nil, copse.Forbidden("%s did not make %s", author.URI, uri)
		}
		if !w.Object.IsRef() && l.saidSo(ctx, w, author) {
			return w, nil
		}
		found, err := l.document(ctx, uri)
		if err != nil {
			return nil, err
		}
		proved := *w
		proved.Object = found
		return &proved, nil
	case "Delete":
		uri := w.Object.URI()
		mine, err := l.mayBeBy(ctx, uri, author)
		if err != nil {
			return nil, err
		}
		if mine && l.saidSo(ctx, w, author) {
			return w, nil
		}
		_, err = l.document(ctx, uri)
		if gone(err) {
			return w, nil
		}
		return nil, err
	case "Undo":
		// Whose own Delete is taken back is asked for their words: see restored.
		if w.Object != nil && w.Object.Type == "Delete" {
			return w, nil
		}
	case "Flag": // it does nothing by itself, whoever made it
		return w, nil
	}
	return nil, nil
}

// proves reports whether an announcement itself proves that its author did what is
// announced: it is signed by their own server.
func proves(author, community *copse.Actor) bool { return author.Host == community.Host }

// saidSo is proved for what can be asked for if the proof cannot be judged.
func (l *look) saidSo(ctx context.Context, w *ap.Object, author *copse.Actor) bool {
	proved, err := l.proved(ctx, w, author)
	return err == nil && proved
}

// mayBeBy reports whether something is an actor's, or is not here, so that only who
// made it keeps it out.
func (l *look) mayBeBy(ctx context.Context, uri string, a *copse.Actor) (is bool, err error) {
	err = l.view(ctx, func(tx *store.Tx) error {
		o, err := tx.ObjectByURI(uri)
		if copse.CodeOf(err) == copse.CodeNotFound {
			is = true
			return nil
		}
		is = err == nil && o.Author == a.ID
		return err
	})
	return is, err
}

// isRuling reports whether an activity is what a community decides for itself,
// whoever does it there: who looks after it or is kept out, what is closed, what became of a
// report, a Delete that is not the author's, and to take those back. A reason is what tells Deletes apart (Lemmy); Mbin gives a
// blank one for both.
func isRuling(w *ap.Object) bool {
	switch w.Type {
	case "Add", "Remove", "Lock", "Block", "Resolve":
		return true
	case "Undo":
		return w.Object != nil && isRuling(w.Object)
	}
	return w.Type == "Delete" && strings.TrimSpace(w.Summary) != ""
}
