package federation

import (
	"context"
	"errors"
	"log/slog"
	"slices"

	"copse/copse"
	"copse/federation/ap"
	"copse/store"
)

// A community of other software has no log to read on (see repair.go). What its
// conversations have in them stands in a list for each, if anywhere: its context, or
// the replies to what started it. Those are read instead, the first time for all that
// is here when somebody joins, and then for those in which something is going on.

const (
	// firstConversations is how many are read when somebody joins, and
	// activeConversations how many every hour after that.
	firstConversations  = 100
	activeConversations = 20
	// maxListed is how much of one is brought in at a time.
	maxListed = 200
)

// readConversations brings in what a community's conversations have in them that is
// not here.
func (s *Server) readConversations(ctx context.Context, community *copse.Actor) error {
	var all []store.Reading
	err := s.DB.View(ctx, func(tx *store.Tx) (err error) {
		all, err = tx.Readings(community.ID, firstConversations)
		return err
	})
	if err != nil {
		return err
	}
	for i, r := range all {
		if r.Begun && (i >= activeConversations || r.Place == "") {
			continue
		}
		switch err := s.readConversation(ctx, community, r); {
		case err == nil, errors.Is(err, errUnchanged):
		case errors.Is(err, errSpent), ctx.Err() != nil, copse.CodeOf(err) == copse.CodeTooMany:
			return err
		default: // it may live anywhere: the rest need not wait for it
			slog.InfoContext(ctx, "conversation", "uri", r.URI, "err", err)
		}
	}
	return nil
}

// readConversation reads on in one of them.
func (s *Server) readConversation(ctx context.Context, community *copse.Actor, r store.Reading) error {
	var (
		l   *listing
		err error
	)
	if r.Begun {
		l, err = s.list(ctx, r.Place, r.Tag)
	} else {
		l, err = s.beginConversation(ctx, community, r.URI)
	}
	switch {
	case err == nil:
	case gone(err), !r.Begun && !temporary(err):
		l = new(listing) // there is no list, or none that can be read
	default:
		return err
	}
	var missing []string
	err = s.DB.View(ctx, func(tx *store.Tx) (err error) {
		if missing, err = tx.Missing(said(l.items)); err != nil {
			return err
		}
		// A server that is refused does not come in by way of a list.
		missing = slices.DeleteFunc(missing, func(uri string) bool {
			host, ok := ap.Host(uri)
			return !ok || copse.CodeOf(s.admitted(tx, host)) == copse.CodeForbidden
		})
		return nil
	})
	if err != nil {
		return err
	}
	if len(missing) > maxListed { // the rest another time, from the same place
		missing, l.place, l.tag, l.more = missing[:maxListed], l.from, "", true
	}
	if err := s.bringLater(ctx, community, l.place, missing); err != nil {
		return err
	}
	if r.Place, r.Tag = l.place, l.tag; !l.more && !ap.SameHost(l.place, community.URI) {
		// From now on it is the community that knows what is said in it, and who may:
		// that its home has turned somebody away, no other server would know.
		r.Place, r.Tag = "", ""
	}
	return s.DB.Update(ctx, func(tx *store.Tx) error { return tx.SetReading(r) })
}

// beginConversation finds where a conversation is listed, and reads that: what was
// done in it (FEP-f228), what belongs to it (FEP-7888), or the replies to what started
// it (FEP-7458), whichever is there and can be read, at its author's server or the
// community's.
func (s *Server) beginConversation(ctx context.Context, community *copse.Actor, uri string) (*listing, error) {
	w, err := s.fetchObject(ctx, uri)
	if err != nil {
		return nil, err
	}
	for _, at := range []string{w.History, w.Thread, w.Replies.URI()} {
		if !ap.SameHost(at, uri) && !ap.SameHost(at, community.URI) {
			continue
		}
		l, err := s.list(ctx, at, "")
		if at == w.History && err == nil && !slices.ContainsFunc(l.items, isDone) {
			continue // of what was done by its address alone nobody knows what it was said of
		}
		if err == nil || temporary(err) && !gone(err) {
			return l, err
		}
	}
	return new(listing), nil
}

// isDone reports whether something listed is an activity and not something made.
func isDone(w ap.Object) bool { return len(w.Actor) > 0 }

// said returns the addresses of what lists have in them that was said.
func said(items []ap.Object) (uris []string) {
	listed := make(map[string]bool, len(items))
	for i := range items {
		w := &items[i]
		for w != nil && isDone(*w) {
			switch w.Type {
			case "Create", "Announce", "Add":
				w = w.Object
			default:
				w = nil
			}
		}
		if uri := w.URI(); uri != "" && !listed[uri] {
			listed[uri] = true
			uris = append(uris, uri)
		}
	}
	return uris
}

// bringLater has what is listed at a place brought in by those who work off what came
// in, as if the community had announced its address: each is fetched where it lives
// and judged like that, ten requests at a time, and tried again if that fails.
func (s *Server) bringLater(ctx context.Context, community *copse.Actor, place string, uris []string) error {
	if len(uris) == 0 {
		return nil
	}
	all := make([]*store.Received, len(uris))
	for i, uri := range uris {
		body, err := ap.Marshal(&ap.Object{
			ID: community.URI + "#listed-" + fingerprint([]byte(uri)), Type: "Announce", Actor: ap.RefsTo(community.URI),
			Object: ap.Ref(uri), Target: ap.Ref(place),
		})
		if err != nil {
			return err
		}
		all[i] = &store.Received{Host: community.Host, Signer: community.URI, Body: body}
	}
	return s.park(ctx, community.URI, all...)
}

// isListedElsewhere reports whether an announcement, which stands for what a list
// has in it, is from another list than the community's own. Then what was not said to
// the community is not part of what is said there.
func isListedElsewhere(w *ap.Object, community *copse.Actor) bool {
	return w.Target != nil && !ap.SameHost(w.Target.ID, community.URI)
}
