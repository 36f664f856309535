package hub

import (
	"copse/copse"
	"copse/store"
)

// lock closes a conversation: it takes no more replies.
func (h *Hub) lock(tx *store.Tx, act *copse.Activity) error {
	topic, _, err := h.ruled(tx, act)
	if err != nil {
		return err
	}
	if proposed(act, act.Community) {
		return h.proposeLock(tx, act, topic, true)
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
	topic, _, err := h.ruled(tx, act.Inner)
	if err != nil {
		return err
	}
	act.Community = act.Inner.Community
	if proposed(act, act.Community) {
		return h.proposeLock(tx, act, topic, false)
	}
	was, err := tx.Unlock(topic.ID)
	if err != nil || !was {
		return err
	}
	return h.spread(tx, act, topic)
}

// proposeLock asks for a conversation elsewhere to be closed or opened, unless it is:
// what changes nothing at its home is not announced.
func (h *Hub) proposeLock(tx *store.Tx, act *copse.Activity, topic *copse.Object, closed bool) error {
	lock, err := tx.Lock(topic.ID)
	if err != nil || (lock != nil) == closed {
		return err
	}
	return h.propose(tx, act, topic)
}

// ruled returns the topic that a facilitator decides about with act.
func (h *Hub) ruled(tx *store.Tx, act *copse.Activity) (o *copse.Object, f copse.Facts, err error) {
	if o, err = tx.ObjectByURI(act.Object.URI); err != nil {
		return nil, f, err
	}
	if f, err = h.facts(tx, act, o.Community, o); err != nil {
		return nil, f, err
	}
	act.Object, err = o, copse.MayModerate(f)
	switch {
	case err != nil:
	case !o.TopLevel():
		err = copse.Invalid("", "this can only be done to a whole conversation")
	case f.Deleted && !f.Announced:
		err = copse.Forbidden("this has been removed")
	}
	return o, f, err
}
