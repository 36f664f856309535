package federation

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"copse/copse"
	"copse/federation/ap"
	"copse/hub"
	"copse/store"
)

// Freshen has a remote actor read again in the background, if that was last done
// a while ago. Whoever looks at it now sees what was known before. Of a community
// it finds out whether its home answers, however lately it was read.
func (s *Server) Freshen(a *copse.Actor) {
	if !a.Local && (a.Type == copse.Group || time.Since(a.Fetched) >= freshFor) {
		s.stale.add(a, time.Now())
	}
}

// stale are remote actors that somebody looks at and that are to be asked for
// again. The zero value is ready.
type stale struct {
	mu    sync.Mutex
	uris  map[string]bool      // guarded by mu
	asked map[string]time.Time // guarded by mu; by host: when it was last asked about a community
	ruled map[string]time.Time // guarded by mu; by community: when it was last read who looks after it and what stands first
	bell  hub.Bell
}

// maxStale bounds what waits to be read again: somebody who leafs through a
// directory looks at more actors than anybody misses news of.
const maxStale = 100

func (l *stale) add(a *copse.Actor, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.hasRoom() {
		return
	}
	if a.Type == copse.Group {
		if now.Sub(l.asked[a.Host]) < answersFor {
			return
		}
		l.asked[a.Host] = now
	}
	l.uris[a.URI] = true
	l.bell.Ring()
}

// hasRoom reports whether another may wait. mu is held.
func (l *stale) hasRoom() bool {
	if l.uris == nil {
		l.uris, l.asked, l.ruled = make(map[string]bool), make(map[string]time.Time), make(map[string]time.Time)
	}
	return len(l.uris) < maxStale
}

// anew has a community asked again how it is ruled, however lately that was done.
func (l *stale) anew(uri string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.hasRoom() {
		return
	}
	delete(l.ruled, uri)
	l.uris[uri] = true
	l.bell.Ring()
}

// take returns one of them, or "".
func (l *stale) take() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	for uri := range l.uris {
		delete(l.uris, uri)
		return uri
	}
	return ""
}

// unruled reports whether it is time to read who looks after a community and what
// stands first in it, and takes it that this is done now.
func (l *stale) unruled(uri string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now.Sub(l.ruled[uri]) < freshFor {
		return false
	}
	l.ruled[uri] = now
	return true
}

// unread undoes that.
func (l *stale) unread(uri string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.ruled, uri)
}

// freshenStale reads stale actors again, one after the other, until ctx ends.
func (s *Server) freshenStale(ctx context.Context) {
	heard, stop := s.stale.bell.Listen()
	defer stop()
	for ctx.Err() == nil {
		uri := s.stale.take()
		if uri == "" {
			select {
			case <-heard:
			case <-ctx.Done():
			}
			continue
		}
		if err := s.freshen(withBudget(ctx), uri); err != nil && ctx.Err() == nil {
			slog.DebugContext(ctx, "freshen", "uri", uri, "err", err)
		}
	}
}

// freshen asks for a remote actor, reads it again if that was last done a while
// ago, and notes whether its server answers.
func (s *Server) freshen(ctx context.Context, uri string) error {
	var a *copse.Actor
	err := s.DB.View(ctx, func(tx *store.Tx) (err error) {
		a, err = tx.ActorByURI(uri)
		return err
	})
	if err != nil {
		return err
	}
	w, err := s.fetch(ctx, uri)
	switch {
	case err == nil:
		s.heard(ctx, sign{a.Host, false})
	case s.breaker.silent(a.Host):
		s.missed(ctx, a.Host)
	}
	if err == nil && time.Since(a.Fetched) >= freshFor {
		a, err = s.learn(ctx, w)
	}
	if err != nil || a.Type != copse.Group || !s.stale.unruled(a.URI, time.Now()) {
		return err
	}
	if err = s.learnFacilitators(ctx, a, w); err == nil {
		err = s.learnPins(ctx, a)
	}
	if errors.Is(err, errSpent) {
		s.stale.unread(a.URI) // the next look at it goes on
	}
	return err
}

// maxFacilitators is how many of those who look after a community elsewhere are
// known. Whoever comes after them in its list is taken to be none.
const maxFacilitators = 200

// learnFacilitators reads who looks after a community elsewhere: those whom its
// home lists, as each one's own server describes them.
func (s *Server) learnFacilitators(ctx context.Context, community *copse.Actor, w *ap.Object) error {
	uri, ok := w.AttributedTo.One()
	if !ok || !ap.SameHost(uri, community.URI) {
		return nil
	}
	listed, err := s.list(ctx, uri, "")
	if err != nil {
		return err
	}
	var (
		all   []*copse.Actor
		look  = look{s: s}
		spent error
	)
	for _, item := range listed.items[:min(len(listed.items), maxFacilitators)] {
		a, err := look.actor(ctx, item.URI())
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, errSpent):
			spent = err
		case err != nil:
			slog.DebugContext(ctx, "facilitator", "community", community.URI, "uri", item.URI(), "err", err)
		case a.Type == copse.Person && a.Gone.IsZero():
			all = append(all, a)
		}
	}
	if err := s.Hub.LearnFacilitators(ctx, community.ID, all); err != nil {
		return err
	}
	return spent
}
