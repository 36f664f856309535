package hub

import (
	"context"
	"fmt"

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
	switch {
	case proposed(act, act.Community):
		return h.propose(tx, act, topic)
	case already:
		err = tx.Unpin(topic)
	default:
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

// LearnPins records which conversations stand first in a community elsewhere, and in
// which order, as its home says, whose word alone counts for that.
func (h *Hub) LearnPins(ctx context.Context, community copse.ID, topics []*copse.Object) error {
	err := h.DB.Update(ctx, func(tx *store.Tx) error {
		c, err := tx.Community(community)
		if err != nil {
			return err
		}
		if c.Local {
			return copse.Forbidden("only %s may answer for itself", c.URI)
		}
		return tx.SetPins(c.ID, topics)
	})
	if err != nil {
		return fmt.Errorf("learn what stands first in community %d: %w", community, err)
	}
	return nil
}
