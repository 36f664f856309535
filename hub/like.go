package hub

import (
	"copse/copse"
	"copse/store"
)

// like marks something as helpful.
func (h *Hub) like(tx *store.Tx, act *copse.Activity) error {
	o, err := h.liked(tx, act)
	if err != nil {
		return err
	}
	fresh, err := tx.Respond(o.ID, act.Actor.ID, "Like", act.URI)
	if err != nil || !fresh {
		return err
	}
	return h.spread(tx, act, o)
}

// unlike takes that back.
func (h *Hub) unlike(tx *store.Tx, act *copse.Activity) error {
	act.Inner.Actor, act.Inner.Via = act.Actor, act.Via
	act.Inner.Local = act.Local
	o, err := h.liked(tx, act.Inner)
	if err != nil {
		return err
	}
	act.Community = act.Inner.Community
	was, err := tx.Withdraw(o.ID, act.Actor.ID, "Like")
	if err != nil || !was {
		return err
	}
	return h.spread(tx, act, o)
}

func (h *Hub) liked(tx *store.Tx, act *copse.Activity) (*copse.Object, error) {
	o, err := tx.ObjectByURI(act.Object.URI)
	if err != nil {
		return nil, err
	}
	facts, err := h.facts(tx, act, o.Community, o)
	if err != nil {
		return nil, err
	}
	if err := copse.MayLike(facts); err != nil {
		return nil, err
	}
	act.Object = o
	return o, nil
}
