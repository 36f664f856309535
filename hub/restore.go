package hub

import (
	"copse/copse"
	"copse/store"
)

// restore takes a Delete back. What a facilitator removed comes back as it was.
// What its author deleted is not kept anywhere, so they have to bring the words:
// act.Inner.Object is what their server has, nil if it was not asked.
func (h *Hub) restore(tx *store.Tx, act *copse.Activity) error {
	was, err := tx.ObjectByURI(act.Inner.Object.URI)
	if copse.CodeOf(err) == copse.CodeNotFound && !act.Local {
		return nil // the Delete, which is still to come, is remembered as undone
	}
	if err != nil {
		return err
	}
	facts, err := h.facts(tx, act, was.Community, was)
	if err != nil || !facts.Deleted {
		return err
	}
	if err := copse.MayRestore(facts); err != nil {
		return err
	}
	if was.Removed && proposed(act, act.Community) {
		act.Inner.Object, act.Inner.Community = was, act.Community
		return h.propose(tx, act, was)
	}
	if was.Removed {
		err = tx.Withheld(was)
	} else {
		err = h.reword(was, act.Inner.Object)
	}
	if err != nil {
		return err
	}
	if err := tx.RestoreObject(was); err != nil {
		return err
	}
	act.Inner.Object, act.Inner.Community = was, act.Community
	return h.spread(tx, act, was)
}

// reword gives o the words that now has.
func (h *Hub) reword(o, now *copse.Object) error {
	o.Title, o.Source, o.HTML, o.Extra, o.URL = now.Title, now.Source, now.HTML, now.Extra, now.URL
	if o.HTML == "" && o.Title == "" {
		return copse.Forbidden("what its author has deleted stays deleted")
	}
	return h.Kinds.Check(o)
}
