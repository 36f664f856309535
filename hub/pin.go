package hub

import (
	"copse/copse"
	"copse/store"
)

// pin is the verb Add for a topic, which stands first in its community from then
// on, and Remove, after which it stands where it was.
func (h *Hub) pin(tx *store.Tx, act *copse.Activity) error {
	topic, facts, err := h.ruled(tx, act)
	if err != nil {
		return err
	}
	already, err := tx.IsPinned(topic.ID)
	if err != nil || already == (act.Type == "Add") {
		return err
	}
	if already {
		err = tx.Unpin(topic)
	} else {
		err = h.pinAnother(tx, topic, facts)
	}
	if err != nil {
		return err
	}
	return h.spread(tx, act, topic)
}

func (h *Hub) pinAnother(tx *store.Tx, topic *copse.Object, f copse.Facts) error {
	n, err := tx.Pins(topic.Community)
	if err != nil {
		return err
	}
	if err := copse.MayPin(f, n); err != nil {
		return err
	}
	return tx.Pin(topic)
}
