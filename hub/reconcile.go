package hub

import (
	"context"
	"fmt"

	"copse/copse"
	"copse/store"
)

// Reconcile brings who of us is in a community elsewhere into line with what its home
// lists (FEP-8fcf); were are those who were in it before that was asked for. Whoever is
// not listed has been turned out, or the home has lost them: they ask again, and are
// not in it until its home says so. Whoever is listed and is not in it tells the home.
func (h *Hub) Reconcile(ctx context.Context, community copse.ID, were, listed []string) error {
	err := h.DB.Update(ctx, func(tx *store.Tx) error {
		c, err := tx.Community(community)
		if err != nil {
			return err
		}
		if c.Local {
			return copse.Forbidden("only %s may answer for itself", c.URI)
		}
		named := make(map[string]bool, len(listed))
		for _, uri := range listed {
			named[uri] = true
			if err := h.reconcile(tx, c, uri, true); err != nil {
				return err
			}
		}
		for _, uri := range were {
			if named[uri] {
				continue
			}
			if err := h.reconcile(tx, c, uri, false); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("reconcile who is in community %d: %w", community, err)
	}
	h.Outbox.Ring()
	return nil
}

// reconcile does so for one person, whom c's home lists or not.
func (h *Hub) reconcile(tx *store.Tx, c *copse.Community, uri string, listed bool) error {
	person, err := tx.ActorByURI(uri)
	if copse.CodeOf(err) == copse.CodeNotFound {
		return nil // there is nobody to say anything
	}
	if err != nil || !person.Local {
		return err
	}
	m, err := tx.Membership(c.ID, person.ID)
	switch {
	case err != nil || listed == (m.State == copse.Active):
		return err
	case m.State == copse.Active || m.State == copse.Pending:
		m.State = copse.Pending
		if err := tx.SetMembership(m); err != nil {
			return err
		}
		act := h.mint("Follow", person)
		act.Subject, act.Reason = &c.Actor, m.Reason
		return h.perform(tx, act)
	case !listed:
		return nil // they have left meanwhile
	}
	act := h.mint("Undo", person)
	act.Community = c
	act.Inner = &copse.Activity{Type: "Follow", URI: m.Follow, Actor: person, Subject: &c.Actor}
	return h.send(tx, act, &c.Actor)
}
