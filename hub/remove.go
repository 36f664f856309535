package hub

import (
	"copse/copse"
	"copse/store"
)

// remove is the verb Delete: it leaves a tombstone. What a facilitator removed
// its author can still delete for good.
func (h *Hub) remove(tx *store.Tx, act *copse.Activity) error {
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
	if err := tx.DeleteObject(was, !facts.Author); err != nil {
		return err
	}
	act.Object = was
	return h.spread(tx, act, was)
}
