package federation

import (
	"context"
	"time"

	"copse/copse"
	"copse/federation/ap"
	"copse/store"
)

// maxFetches is how much one inbound activity may make us fetch.
const maxFetches = 10

// A look finds what an activity refers to: here, or, if it may fetch, wherever
// it lives. While a request waits it may not, and says errUnknown instead.
type look struct {
	s       *Server
	fetch   bool
	fetched int
	depth   int
}

// ours returns an actor of this server.
func (l *look) ours(ctx context.Context, uri string) (a *copse.Actor, err error) {
	err = l.s.DB.View(ctx, func(tx *store.Tx) (err error) {
		a, err = tx.ActorByURI(uri)
		return err
	})
	if err == nil && (!a.Local || !a.Gone.IsZero()) {
		return nil, copse.NotFound("there is nothing here")
	}
	return a, err
}

// actor returns any actor.
func (l *look) actor(ctx context.Context, uri string) (a *copse.Actor, err error) {
	err = l.s.DB.View(ctx, func(tx *store.Tx) (err error) {
		a, err = tx.ActorByURI(uri)
		return err
	})
	if copse.CodeOf(err) != copse.CodeNotFound {
		return a, err
	}
	if err := l.spend(); err != nil {
		return nil, err
	}
	return l.s.fetchActor(ctx, uri)
}

// refresh reads a remote actor again.
func (l *look) refresh(ctx context.Context, uri string) error {
	if err := l.spend(); err != nil {
		return err
	}
	_, err := l.s.fetchActor(ctx, uri)
	return err
}

// document fetches an object from where it lives.
func (l *look) document(ctx context.Context, uri string) (*ap.Object, error) {
	if err := l.spend(); err != nil {
		return nil, err
	}
	return l.s.fetchObject(ctx, uri)
}

// spend allows one more fetch.
func (l *look) spend() error {
	if !l.fetch {
		return errUnknown
	}
	if l.fetched++; l.fetched > maxFetches {
		return copse.Unavailable(time.Minute, "this needs more than can be fetched at once")
	}
	return nil
}

func (l *look) followed(ctx context.Context, community copse.ID) (followed bool, err error) {
	err = l.s.DB.View(ctx, func(tx *store.Tx) (err error) {
		followed, err = tx.Followed(community)
		return err
	})
	return followed, err
}

// place returns the community that a top-level object is in: the one that
// announced it, which it has to name, or the one of ours that it names.
func (l *look) place(ctx context.Context, w *ap.Object, via *copse.Actor) (*copse.Actor, error) {
	named := func(uri string) bool {
		for _, list := range []ap.Strings{w.Audience, w.To, w.CC} {
			for _, u := range list {
				if u == uri {
					return true
				}
			}
		}
		return false
	}
	if via != nil {
		if !named(via.URI) {
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

// object returns an object that an activity refers to. One that a community's
// conversation refers to, and that did not come in its turn, is fetched from
// its author's server.
func (l *look) object(ctx context.Context, uri string, via *copse.Actor) (o *copse.Object, err error) {
	if uri == "" {
		return nil, copse.Invalid("", "an object needs an id")
	}
	err = l.s.DB.View(ctx, func(tx *store.Tx) (err error) {
		o, err = tx.ObjectByURI(uri)
		return err
	})
	if copse.CodeOf(err) != copse.CodeNotFound || via == nil {
		return o, err
	}
	if host, ok := ap.Host(uri); !ok || host == l.s.Hub.Host() {
		return nil, err // ours are all here
	}
	if l.depth++; l.depth > copse.MaxDepth {
		return nil, copse.Forbidden("the conversation is nested too deeply")
	}
	w, err := l.document(ctx, uri)
	if err != nil {
		return nil, err
	}
	author, _ := w.AttributedTo.One()
	act := &copse.Activity{URI: uri + "#fetched", Type: "Create", Via: via}
	if act.Actor, err = l.actor(ctx, author); err != nil {
		return nil, err
	}
	if act.Object, err = l.s.decodeObject(ctx, w, act, l); err != nil {
		return nil, err
	}
	if act.Object == nil {
		return nil, copse.Forbidden("the conversation is about something this server cannot show")
	}
	if err := l.s.Hub.Perform(ctx, act); err != nil {
		return nil, err
	}
	err = l.s.DB.View(ctx, func(tx *store.Tx) (err error) {
		o, err = tx.ObjectByURI(uri)
		return err
	})
	return o, err
}

// prove makes sure that the author of an announced activity said so, and returns
// the activity as it may be believed: with the object as its author's server has
// it. A community's home is believed about its own people and about what goes on
// in it, and about nobody else's words: one council whose server is broken into
// must not be able to speak for another's officers.
//
// It returns nil for what turns out not to be so (any more).
func (l *look) prove(ctx context.Context, w *ap.Object, author, community *copse.Actor) (*ap.Object, error) {
	if author.Host == community.Host {
		return w, nil // its own server's signature
	}
	switch w.Type {
	case "Create", "Update":
		uri := w.Object.URI()
		if !ap.SameHost(uri, author.URI) {
			return nil, copse.Forbidden("%s did not make %s", author.URI, uri)
		}
		found, err := l.document(ctx, uri)
		if gone(err) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		proved := *w
		proved.Object = found
		return &proved, nil
	case "Delete":
		if w.Summary != "" {
			return w, nil // a removal: the community rules its own space
		}
		_, err := l.document(ctx, w.Object.URI())
		if gone(err) {
			return w, nil
		}
		return nil, err
	case "Like":
		return w, nil // asking for each would swamp everybody; counted on the community's word
	case "Undo":
		if w.Object != nil && w.Object.Type == "Like" {
			return w, nil
		}
	}
	return nil, nil
}
