package federation

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-chi/chi/v5"

	"copse/copse"
	"copse/federation/ap"
	"copse/store"
)

// self answers with the server's own actor. It is always served, signed or not:
// two servers that each want the other's signature first would wait for ever.
func (s *Server) self(ctx context.Context, _ *question) (*document, error) {
	a, err := s.Hub.Self(ctx)
	if err != nil {
		return nil, err
	}
	if a, err = s.withKey(ctx, a); err != nil {
		return nil, err
	}
	w := s.encodeActor(a)
	w.Outbox, w.Followers, w.Following = s.Base+"/outbox", "", ""
	w.Generator, w.Implements = nil, implemented()
	if w.Name, err = s.title(ctx); err != nil {
		return nil, err
	}
	return written(w, nil)
}

// title returns the council's name, or the host until it has been given.
func (s *Server) title(ctx context.Context) (title string, err error) {
	err = s.DB.View(ctx, func(tx *store.Tx) (err error) {
		title, err = tx.Setting("title")
		return err
	})
	if title == "" {
		title = s.Hub.Host()
	}
	return title, err
}

func (s *Server) person(ctx context.Context, q *question) (*document, error) {
	a, err := s.named(ctx, q, copse.Person)
	if err != nil {
		return nil, err
	}
	if a, err = s.withKey(ctx, a); err != nil {
		return nil, err
	}
	w := s.encodeActor(a)
	err = s.DB.View(ctx, func(tx *store.Tx) (err error) {
		w.Vouched, err = tx.Vouched(a.ID)
		return err
	})
	return written(w, err)
}

func (s *Server) community(ctx context.Context, q *question) (*document, error) {
	a, err := s.named(ctx, q, copse.Group)
	if err != nil {
		return nil, err
	}
	if _, err = s.withKey(ctx, a); err != nil {
		return nil, err
	}
	var c *copse.Community
	err = s.DB.View(ctx, func(tx *store.Tx) (err error) {
		c, err = tx.Community(a.ID)
		return err
	})
	if err != nil {
		return nil, err
	}
	return written(s.encodeCommunity(c), nil)
}

// named returns the actor of ours that a path names, if it is of that type.
func (s *Server) named(ctx context.Context, q *question, typ copse.ActorType) (a *copse.Actor, err error) {
	err = s.DB.View(ctx, func(tx *store.Tx) (err error) {
		a, err = named(tx, chi.URLParam(q.Request, "name"), typ)
		return err
	})
	return a, err
}

func named(tx *store.Tx, name string, typ copse.ActorType) (*copse.Actor, error) {
	a, err := tx.KnownActorByName(strings.ToLower(name))
	if err == nil && (a.Type != typ || !a.Gone.IsZero()) {
		return nil, copse.NotFound("there is nothing here")
	}
	if err != nil {
		return nil, err
	}
	return a, shared(tx, a)
}

// shared returns an error for a community that is for people here alone: to other
// servers it is not there.
func shared(tx *store.Tx, a *copse.Actor) error {
	if a.Type != copse.Group || !a.Local {
		return nil
	}
	c, err := tx.Community(a.ID)
	if err == nil && c.Sharing == copse.SharedHere {
		return copse.NotFound("there is nothing here")
	}
	return err
}

// typeIn returns what a path of ours is about: /u/… people, /c/… communities.
func typeIn(path string) copse.ActorType {
	if strings.HasPrefix(path, "/c/") {
		return copse.Group
	}
	return copse.Person
}

// followers answers with how many members there are, not who. Asked with
// is_follower, it says whether an actor's server has members here: 200 or 404.
func (s *Server) followers(ctx context.Context, q *question) (*document, error) {
	a, err := s.named(ctx, q, typeIn(q.URL.Path))
	if err != nil {
		return nil, err
	}
	n := 0
	if a.Type == copse.Group {
		asked := q.URL.Query().Get("is_follower")
		err = s.DB.View(ctx, func(tx *store.Tx) error {
			c, err := tx.Community(a.ID)
			if err != nil {
				return err
			}
			n = c.Members
			if asked != "" {
				return s.isFollower(tx, c, q, asked)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		if asked != "" {
			return &document{status: http.StatusOK, private: true}, nil
		}
	}
	return counted(a.URI+"/followers", n)
}

// isFollower is answered only to servers that have members here themselves: who
// else has is their business, not a stranger's.
func (s *Server) isFollower(tx *store.Tx, c *copse.Community, q *question, asked string) error {
	if q.signer == nil {
		return copse.NotFound("there is nothing here")
	}
	asking, err := tx.ReachesMembers(c.ID, q.signer.Host)
	if err != nil {
		return err
	}
	host, _ := ap.Host(asked)
	member, err := tx.ReachesMembers(c.ID, host)
	if err != nil {
		return err
	}
	if !asking || !member {
		return copse.NotFound("there is nothing here")
	}
	return nil
}

// following and emptyCollection answer what peers expect to find, with nothing
// in it: whom somebody follows is nobody else's business.
func (s *Server) following(ctx context.Context, q *question) (*document, error) {
	a, err := s.named(ctx, q, typeIn(q.URL.Path))
	if err != nil {
		return nil, err
	}
	return counted(a.URI+"/following", 0)
}

func (s *Server) emptyCollection(_ context.Context, q *question) (*document, error) {
	return listed(s.Base+q.URL.Path, nil, 0)
}

// moderators lists who runs a community. Lemmy and others believe moderators
// for being in it.
func (s *Server) moderators(ctx context.Context, q *question) (*document, error) {
	a, err := s.named(ctx, q, copse.Group)
	if err != nil {
		return nil, err
	}
	var items []ap.Object
	err = s.DB.View(ctx, func(tx *store.Tx) error {
		people, err := tx.MembersOf(a.ID, copse.Moderator, 0, 500)
		for _, p := range people {
			items = append(items, *ap.Ref(p.URI))
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return listed(moderators(a.URI), items, len(items))
}

func counted(id string, n int) (*document, error) {
	return written(&ap.Object{ID: id, Type: "OrderedCollection", TotalItems: &n}, nil)
}

func listed(id string, items []ap.Object, total int) (*document, error) {
	if items == nil {
		items = []ap.Object{} // an empty list, not none: Lemmy insists
	}
	return written(&ap.Object{ID: id, Type: "OrderedCollection", TotalItems: &total, OrderedItems: items}, nil)
}

// written is a document with w in it.
func written(w *ap.Object, err error) (*document, error) {
	if err != nil {
		return nil, err
	}
	b, err := ap.Marshal(w)
	return &document{body: b, status: http.StatusOK}, err
}

// profile is an address people read; see webfinger.
func profile(a *copse.Actor) string {
	if u, err := url.Parse(a.URL); err == nil && u.Host != "" {
		return a.URL
	}
	return a.URI
}
