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

const (
	// maxPages is how many pages of a collection elsewhere are read at a time.
	maxPages = 5
	// maxTag is how long an ETag may be that is kept, in bytes.
	maxTag = 200
)

// A listing is what a collection elsewhere lists.
type listing struct {
	items []ap.Object
	from  string // the address at which it was begun to be read
	place string // the address at which to read on: the last page, or one that has not been read
	tag   string // the ETag of that, if it has been read and has one
	more  bool   // it has not been read
}

// list reads a collection, from the address of the collection or of a page of it on.
// It returns errUnchanged if the ETag of what is at that address is still the one
// held. Pages on another server than that are not read.
func (s *Server) list(ctx context.Context, at, held string) (*listing, error) {
	l, pages := &listing{from: at}, 0
	for next := at; next != ""; held = "" {
		w, tag, err := s.page(ctx, next, held)
		if err != nil {
			return nil, err
		}
		l.place, l.tag = next, tag
		items := slices.Concat(w.OrderedItems, w.Items)
		next = w.Next
		switch first := w.First; {
		case first == nil || len(items) > 0: // a page, or all of it
		case first.IsRef():
			next = first.ID
		default:
			items, next = slices.Concat(first.OrderedItems, first.Items), first.Next
		}
		l.items = append(l.items, items...)
		if next == l.place || next != "" && !ap.SameHost(next, at) {
			return l, nil
		}
		if w.First == nil && len(items) == 0 {
			return l, nil // where it goes on some day
		}
		if pages++; pages == maxPages && next != "" {
			l.place, l.tag, l.more = next, "", true
			return l, nil
		}
	}
	return l, nil
}

// page reads a collection or a page of one, unless its ETag is held.
func (s *Server) page(ctx context.Context, uri, held string) (w *ap.Object, tag string, err error) {
	host, ok := ap.Host(uri)
	if !ok {
		return nil, "", copse.Invalid("", "%q is not an address", uri)
	}
	doc, err := s.getUnless(ctx, host, uri, accepted, held)
	if err != nil {
		return nil, "", err
	}
	if w, err = parsed(uri, doc); err != nil {
		return nil, "", err
	}
	switch w.Type {
	case "Collection", "OrderedCollection", "CollectionPage", "OrderedCollectionPage":
	default:
		return nil, "", copse.Forbidden("%s is not a document of the kind asked for", uri)
	}
	if w.ID != "" && !ap.SameHost(w.ID, uri) {
		return nil, "", copse.Forbidden("%s calls itself %s", uri, w.ID)
	}
	if tag = doc.Header.Get("ETag"); len(tag) > maxTag {
		tag = ""
	}
	return w, tag, nil
}

// learnPins reads which conversations stand first in a community elsewhere, as its
// home says, and brings in those that are not here, if anybody here is in it. One that
// has no list of them is believed by what it announces.
func (s *Server) learnPins(ctx context.Context, community *copse.Actor) error {
	var (
		c        *copse.Community
		followed bool
	)
	err := s.DB.View(ctx, func(tx *store.Tx) (err error) {
		if c, err = tx.Community(community.ID); err == nil {
			followed, err = tx.Followed(c.ID)
		}
		return err
	})
	if err != nil || !followed {
		return err
	}
	l, err := s.list(ctx, featured(c), "")
	if err != nil {
		if !gone(err) && temporary(err) {
			return err
		}
		return nil
	}
	var (
		pinned []*copse.Object
		look   = look{s: s}
	)
	for _, item := range l.items[:min(len(l.items), copse.MaxPins)] {
		o, err := look.object(ctx, item.URI(), community)
		switch {
		case errors.Is(err, errSpent), ctx.Err() != nil:
			return err
		case err != nil:
			slog.DebugContext(ctx, "pinned", "community", community.URI, "uri", item.URI(), "err", err)
		case o.Community == community.ID && o.TopLevel() && o.Deleted.IsZero():
			pinned = append(pinned, o)
		}
	}
	return s.Hub.LearnPins(ctx, community.ID, pinned)
}
