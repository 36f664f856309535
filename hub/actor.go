package hub

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"copse/copse"
	"copse/store"
)

// local fills in the names of an actor of ours that is about to be added.
func (h *Hub) local(a *copse.Actor, typ copse.ActorType, prefix string) {
	a.ID, a.Type, a.Local = store.NewID(), typ, true
	a.URI = h.Base + prefix + a.Name
	a.Host = h.Host()
	a.Inbox, a.SharedInbox = a.URI+"/inbox", h.Base+"/inbox"
	if a.Created.IsZero() {
		a.Created = time.Now().UTC().Truncate(time.Microsecond)
	}
}

// Host returns this server's authority: "stevenage.gov.uk".
func (h *Hub) Host() string {
	u, err := url.Parse(h.Base)
	if err != nil {
		return ""
	}
	return u.Host
}

// Self returns the server's own actor, making it the first time. It signs what
// the server fetches; its id is the server's address with a slash, where Lemmy
// looks for it.
func (h *Hub) Self(ctx context.Context) (self *copse.Actor, err error) {
	uri := h.Base + "/"
	err = h.DB.View(ctx, func(tx *store.Tx) (err error) {
		self, err = tx.ActorByURI(uri)
		return err
	})
	if copse.CodeOf(err) != copse.CodeNotFound {
		return self, err
	}
	// Its name is the host, as Lemmy has it; no person can have a name with a dot.
	self = &copse.Actor{Name: h.Host(), Title: h.Host()}
	h.local(self, copse.Application, "/")
	self.URI, self.Inbox = uri, h.Base+"/inbox"
	return self, h.DB.Update(ctx, func(tx *store.Tx) error { return tx.AddActor(self) })
}

// Learn records a remote actor as its own server describes it: a new one, or
// what has changed about a known one. c is the same actor if it is a community,
// and nil otherwise.
func (h *Hub) Learn(ctx context.Context, a *copse.Actor, c *copse.Community) error {
	learn := func(tx *store.Tx) error { return h.learn(tx, a, c) }
	err := h.DB.Update(ctx, learn)
	if copse.CodeOf(err) == copse.CodeInvalid {
		err = h.DB.Update(ctx, learn) // somebody else has just added them, which only PostgreSQL allows
	}
	if err != nil {
		return fmt.Errorf("learn %s: %w", a.URI, err)
	}
	return nil
}

func (h *Hub) learn(tx *store.Tx, a *copse.Actor, c *copse.Community) error {
	was, err := tx.ActorByURI(a.URI)
	switch {
	case copse.CodeOf(err) == copse.CodeNotFound:
		a.ID = store.NewID()
		if c == nil {
			return tx.AddActor(a)
		}
		c.Actor = *a
		return tx.AddCommunity(c)
	case err != nil:
		return err
	case was.Local:
		return copse.Forbidden("only the author may change this")
	case was.Type != a.Type:
		return copse.Conflict("there is already something at %s", a.URI)
	}
	a.ID, a.Created = was.ID, was.Created
	if c == nil {
		return tx.SetActor(a)
	}
	c.Actor = *a
	if err := tx.SetCommunity(c); err != nil {
		return err
	}
	if was.Title != a.Title || was.Summary != a.Summary {
		if err := tx.Settle(c.ID, c.ID, copse.Describing); err != nil {
			return err
		}
	}
	return tx.SetReach(c.ID, c.Members, c.Councils)
}

// LearnFacilitators records who looks after a community elsewhere, as its home
// says, whose word alone counts for that. It makes nobody here a member who is not
// one.
func (h *Hub) LearnFacilitators(ctx context.Context, community copse.ID, all []*copse.Actor) error {
	err := h.DB.Update(ctx, func(tx *store.Tx) error {
		c, err := tx.Community(community)
		if err != nil {
			return err
		}
		if c.Local {
			return copse.Forbidden("only %s may answer for itself", c.URI)
		}
		named := make(map[copse.ID]bool, len(all))
		for _, a := range all {
			named[a.ID] = true
			if err := h.role(tx, c, a, copse.Moderator); err != nil {
				return err
			}
		}
		known, err := tx.MembersOf(c.ID, copse.Moderator, 0, 500)
		for _, p := range known {
			if err == nil && !named[p.Actor.ID] {
				err = h.role(tx, c, p.Actor, copse.Member)
			}
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("learn who looks after community %d: %w", community, err)
	}
	return nil
}

// role gives somebody a role in a community elsewhere. Of people elsewhere only the
// facilitators are known.
func (h *Hub) role(tx *store.Tx, c *copse.Community, a *copse.Actor, role copse.Role) error {
	m, err := tx.Membership(c.ID, a.ID)
	switch {
	case err != nil || m.Role == role:
		return err
	case !a.Local && role < copse.Moderator:
		m.State, m.Since = copse.Left, tx.Now
	case !a.Local:
		m.State, m.Since = copse.Active, tx.Now
	case m.State != copse.Active:
		return nil
	}
	m.Role = role
	return h.setMembership(tx, c, m)
}
