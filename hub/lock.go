package hub

import (
	"copse/copse"
	"copse/store"
)

// lock closes a conversation: it takes no more replies.
func (h *Hub) lock(tx *store.Tx, act *copse.Activity) error {
	topic, err := h.ruled(tx, act)
	if err != nil {
		return err
	}
	fresh, err := tx.SetLock(topic.ID, act.URI, act.Reason)
	if err != nil || !fresh {
		return err
	}
	return h.spread(tx, act, topic)
}

// unlock opens it again.
func (h *Hub) unlock(tx *store.Tx, act *copse.Activity) error {
	act.Inner.Actor, act.Inner.Via, act.Inner.Local = act.Actor, act.Via, act.Local
	topic, err := h.ruled(tx, act.Inner)
	if err != nil {
		return err
	}
	act.Community = act.Inner.Community
	was, err := tx.Unlock(topic.ID)
	if err != nil || !was {
		return err
	}
	return h.spread(tx, act, topic)
}

// ruled returns the topic that a facilitator decides about with act.
func (h *Hub) ruled(tx *store.Tx, act *copse.Activity) (*copse.Object, error) {
	o, err := tx.ObjectByURI(act.Object.URI)
	if err != nil {
		return nil, err
	}
	facts, err := h.facts(tx, act, o.Community, o)
	if err != nil {
		return nil, err
	}
	if err := copse.MayModerate(facts); err != nil {
		return nil, err
	}
	switch {
	case !o.TopLevel():
		return nil, copse.Invalid("", "this can only be done to a whole conversation")
	case facts.Deleted && !facts.Announced:
		return nil, copse.Forbidden("this has been removed")
	}
	act.Object = o
	return o, nil
}
