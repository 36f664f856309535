package hub

import (
	"copse/copse"
	"copse/store"
)

// remove is the verb Delete: it leaves a tombstone. What a facilitator removed
// its author can still delete for good.
func (h *Hub) remove(tx *store.Tx, act *copse.Activity) error {
	if act.Message != nil {
		return h.unsay(tx, act)
	}
	if act.Subject != nil {
		return h.depart(tx, act)
	}
	was, err := tx.ObjectByURI(act.Object.URI)
	if copse.CodeOf(err) == copse.CodeNotFound && !act.Local {
		return nil // recorded, so that it does not come to life when it arrives late
	}
	if err != nil {
		return err
	}
	facts, err := h.facts(tx, act, was.Community, was)
	if err != nil {
		return err
	}
	if err := copse.MayRemove(facts); err != nil {
		return err
	}
	if facts.Deleted && !(facts.Removed && facts.Author) {
		return nil
	}
	act.Object = was
	if !facts.Author && proposed(act, act.Community) {
		return h.propose(tx, act, was)
	}
	if err := h.bury(tx, was, !facts.Author); err != nil {
		return err
	}
	return h.spread(tx, act, was)
}

// depart is the Delete of a person elsewhere by themselves. What they said stays,
// for those who answered it; who they were does not, and they are nowhere a member
// any more. Without a key nobody speaks for them until their server says that they
// are back.
func (h *Hub) depart(tx *store.Tx, act *copse.Activity) error {
	if act.Actor.Local || act.Actor.ID != act.Subject.ID {
		return copse.Forbidden("only the author may change this")
	}
	a := *act.Actor
	a.Title, a.Summary, a.JobTitle, a.URL, a.Vouched = "", "", "", "", false
	a.KeyID, a.PublicKey, a.Gone = "", "", tx.Now
	if err := tx.SetActor(&a); err != nil {
		return err
	}
	all, err := tx.Standing(a.ID)
	if err != nil {
		return err
	}
	for id, m := range all {
		if m.State != copse.Active && m.State != copse.Pending {
			continue
		}
		c, err := tx.Community(id)
		if err != nil {
			return err
		}
		m.State, m.Since = copse.Left, tx.Now
		if err := h.setMembership(tx, c, m); err != nil {
			return err
		}
	}
	return nil
}
