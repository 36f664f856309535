package federation

import (
	"context"
	"net/http"
	"strconv"

	"github.com/go-chi/chi/v5"

	"copse/copse"
	"copse/federation/ap"
	"copse/store"
)

// object answers with something made here. What was deleted is 410 with its
// tombstone. What the asker may not see is not there.
func (s *Server) object(ctx context.Context, q *question) (*document, error) {
	o, err := s.objectAt(ctx, q)
	if err != nil {
		return nil, err
	}
	if !o.Local {
		return nil, copse.NotFound("there is nothing here") // its own server answers for it
	}
	var w *ap.Object
	err = s.DB.View(ctx, func(tx *store.Tx) (err error) {
		w, err = s.encodeObject(tx, o)
		return err
	})
	if err == nil && o.Deleted.IsZero() {
		sayQuotable(w, o)
	}
	d, err := written(w, err)
	if err != nil {
		return nil, err
	}
	d.private = o.Audience != copse.Public
	if !o.Deleted.IsZero() {
		d.status = http.StatusGone
	}
	return d, nil
}

// objectAt returns the object that a path names, if the asker may see it. In a
// community that lives elsewhere its home knows who may.
func (s *Server) objectAt(ctx context.Context, q *question) (*copse.Object, error) {
	id, err := strconv.ParseInt(chi.URLParam(q.Request, "id"), 10, 64)
	if err != nil {
		return nil, copse.NotFound("there is nothing here")
	}
	var (
		post      store.Post
		hidden    *copse.Object
		community *copse.Community
	)
	err = s.DB.View(ctx, func(tx *store.Tx) (err error) {
		post, err = tx.Post(q.viewer, copse.ID(id))
		if err == nil {
			var home *copse.Actor
			if home, err = tx.Actor(post.Community); err == nil {
				err = shared(tx, home)
			}
			return err
		}
		if copse.CodeOf(err) != copse.CodeNotFound || q.signer == nil {
			return err
		}
		if hidden, err = tx.Object(copse.ID(id)); err != nil {
			return err
		}
		community, err = tx.Community(hidden.Community)
		return err
	})
	switch {
	case err != nil:
		return nil, err
	case hidden == nil:
		return post.Object, nil
	case community.Local:
		return nil, copse.NotFound("there is nothing here")
	case community.Host == q.signer.Host:
		return hidden, nil
	}
	member, err := s.member(ctx, community, q.signer)
	if err != nil {
		return nil, err
	}
	if !member {
		return nil, copse.NotFound("there is nothing here")
	}
	return hidden, nil
}

// thread answers with the ids of a whole conversation in the order they were said,
// which belongs to its community (FEP-7888, FEP-11dd).
func (s *Server) thread(ctx context.Context, q *question) (*document, error) {
	o, err := s.objectAt(ctx, q)
	if err != nil {
		return nil, err
	}
	items := []ap.Object{*ap.Ref(o.URI)}
	var community *copse.Actor
	err = s.DB.View(ctx, func(tx *store.Tx) (err error) {
		if community, err = tx.Actor(o.Community); err != nil {
			return err
		}
		replies, err := tx.ThreadURIs(q.viewer, o.ID)
		for _, uri := range replies {
			items = append(items, *ap.Ref(uri))
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	total := len(items)
	d, err := written(&ap.Object{
		ID: s.Base + q.URL.Path, Type: "OrderedCollection", TotalItems: &total, OrderedItems: items,
		AttributedTo: ap.RefsTo(community.URI), Audience: ap.Strings{community.URI},
	}, nil)
	if err == nil {
		d.private = o.Audience != copse.Public
	}
	return d, err
}

// outbox answers with what a community has announced lately, for those who have
// just joined it; a person's own outbox is empty, as what they write belongs to
// the community it was written in.
func (s *Server) outbox(ctx context.Context, q *question) (*document, error) {
	a, err := s.named(ctx, q, typeIn(q.URL.Path))
	if err != nil {
		return nil, err
	}
	if a.Type != copse.Group {
		return listed(a.URI+"/outbox", nil, 0)
	}
	var (
		items []ap.Object
		c     *copse.Community
	)
	err = s.DB.View(ctx, func(tx *store.Tx) (err error) {
		if c, err = tx.Community(a.ID); err != nil {
			return err
		}
		items, err = s.announcements(tx, c, q.viewer, 100)
		return err
	})
	if err != nil {
		return nil, err
	}
	d, err := listed(a.URI+"/outbox", items, len(items))
	if err == nil {
		d.private = c.Audience != copse.Public
	}
	return d, err
}

// featured answers with the topics that stand first in a community, whole: Lemmy
// reads no ids there.
func (s *Server) featured(ctx context.Context, q *question) (*document, error) {
	a, err := s.named(ctx, q, copse.Group)
	if err != nil {
		return nil, err
	}
	var (
		items []ap.Object
		c     *copse.Community
	)
	err = s.DB.View(ctx, func(tx *store.Tx) (err error) {
		if c, err = tx.Community(a.ID); err != nil {
			return err
		}
		pinned, err := tx.Pinned(q.viewer, c.ID)
		for _, p := range pinned {
			if err != nil {
				return err
			}
			var (
				o *copse.Object
				w *ap.Object
			)
			if o, err = tx.Object(p.ID); err != nil {
				return err
			}
			if w, err = s.encodeObject(tx, o); err == nil {
				items = append(items, *w)
			}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	d, err := listed(featured(c), items, len(items))
	if err == nil {
		d.private = c.Audience != copse.Public
	}
	return d, err
}

// announcements returns the newest n things announced in a community that the
// viewer may see, newest first, each as it reads now.
func (s *Server) announcements(tx *store.Tx, c *copse.Community, v copse.Viewer, n int) ([]ap.Object, error) {
	sent, err := tx.Announced(v, c.ID, n)
	if err != nil {
		return nil, err
	}
	items := make([]ap.Object, 0, len(sent))
	for _, out := range sent {
		o, err := tx.Object(out.Object)
		if err != nil {
			return nil, err
		}
		author, err := tx.Actor(o.Author)
		if err != nil {
			return nil, err
		}
		w, err := s.encode(tx, &copse.Activity{
			URI: out.URI, Type: "Announce", Actor: &c.Actor, Community: c, Published: o.Published,
			Inner: &copse.Activity{
				URI: out.Inner, Type: "Create", Actor: author, Community: c, Object: o, Published: o.Published,
			},
		})
		if err != nil {
			return nil, err
		}
		items = append(items, *w)
	}
	return items, nil
}

// activity answers with something that was sent, to those who may see what it
// was about.
func (s *Server) activity(ctx context.Context, q *question) (*document, error) {
	uri := s.Base + q.URL.Path
	var (
		out    *store.Outgoing
		closed bool
	)
	err := s.DB.View(ctx, func(tx *store.Tx) (err error) {
		if out, err = tx.OutgoingByURI(uri); err != nil {
			return err
		}
		switch m, err := tx.Message(out.Object); {
		case err == nil:
			closed = true
			if err := mayFetch(tx, m, q); err != nil {
				return err
			}
			if !m.Deleted.IsZero() && out.Type != "Delete" {
				return &goneError{uri, http.StatusGone}
			}
			return nil
		case copse.CodeOf(err) != copse.CodeNotFound:
			return err
		}
		if out.Object != 0 {
			post, err := tx.Post(q.viewer, out.Object)
			if err != nil {
				return err
			}
			closed = post.Audience != copse.Public
			if !post.Deleted.IsZero() && out.Type != "Delete" && out.Type != "Undo" {
				return &goneError{uri, http.StatusGone}
			}
			return nil
		}
		closed = true
		return s.isParty(tx, out, q)
	})
	if gone(err) {
		d, err := written(&ap.Object{ID: uri, Type: "Tombstone"}, nil)
		if err == nil {
			d.status = http.StatusGone
		}
		return d, err
	}
	if err != nil {
		return nil, err
	}
	d := &document{body: out.Body, status: http.StatusOK, private: closed}
	if out.URI == uri {
		return d, nil
	}
	announce, err := ap.Parse(out.Body)
	if err != nil {
		return nil, err
	}
	d.body = announce.Object.Raw
	return d, nil
}

// isParty lets only those read an activity about no object who got it.
func (s *Server) isParty(tx *store.Tx, out *store.Outgoing, q *question) error {
	if q.signer == nil {
		return copse.NotFound("there is nothing here")
	}
	if out.Community != 0 {
		if member, err := tx.Reaches(out.Community, q.signer.Host); err != nil || member {
			return err
		}
	}
	w, err := ap.Parse(out.Body)
	if err != nil {
		return err
	}
	for _, uri := range w.To {
		if ap.SameHost(uri, q.signer.URI) {
			return nil
		}
	}
	return copse.NotFound("there is nothing here")
}
