package hub

import (
	"copse/copse"
	"copse/store"
)

// announce carries out what a community elsewhere passes on. The inner activity
// is performed as if it had come alone, but with the community's word for it;
// federation has made sure that its author said so.
func (h *Hub) announce(tx *store.Tx, act *copse.Activity) (err error) {
	inner := act.Inner
	if inner == nil {
		return copse.Invalid("", "this server does not understand %q", act.Type)
	}
	if act.Community, err = tx.Community(act.Actor.ID); err != nil {
		return err
	}
	if act.Community.Local {
		return copse.Forbidden("only %s may pass on what happens there", act.Community.URI)
	}
	if inner.Type == "Follow" {
		return h.request(tx, act.Community, inner)
	}
	inner.Via = act.Actor
	if !inner.Actor.Local || inner.Lost {
		if err := h.perform(tx, inner); err != nil {
			return err
		}
		return h.settle(tx, inner)
	}
	// Our own, come back: the community has taken it.
	if r, _, _ := rulingOf(inner); r != "" {
		return h.confirm(tx, inner)
	}
	if inner.Type != "Create" || inner.Object == nil {
		return nil
	}
	o, err := tx.ObjectByURI(inner.Object.URI)
	if err != nil {
		return err
	}
	if o.Community != act.Actor.ID {
		return copse.Forbidden("only %s may pass on what happens there", inner.Object.URI)
	}
	return tx.AcceptObject(o.ID)
}
