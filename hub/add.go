package hub

import (
	"copse/copse"
	"copse/store"
)

// add makes a member one of those who look after a community, whose list of them
// is what somebody is added to on the wire. A topic is added to those that stand
// first: see pin.
func (h *Hub) add(tx *store.Tx, act *copse.Activity) error {
	if act.Object != nil {
		return h.pin(tx, act)
	}
	return h.appoint(tx, act, copse.Moderator)
}

// takeOff is the verb Remove: it makes them an ordinary member again.
func (h *Hub) takeOff(tx *store.Tx, act *copse.Activity) error {
	if act.Object != nil {
		return h.pin(tx, act)
	}
	return h.appoint(tx, act, copse.Member)
}

func (h *Hub) appoint(tx *store.Tx, act *copse.Activity, role copse.Role) error {
	facts, err := h.facts(tx, act, act.Community.ID, nil)
	if err != nil {
		return err
	}
	m, err := tx.Membership(act.Community.ID, act.Subject.ID)
	if err != nil {
		return err
	}
	if err := copse.MayAppoint(facts, m); err != nil {
		return err
	}
	if proposed(act, act.Community) {
		return h.propose(tx, act, nil)
	}
	if !act.Community.Local {
		return h.role(tx, act.Community, act.Subject, role)
	}
	if m.Role == role {
		return nil
	}
	m.Role = role
	if err := h.setMembership(tx, act.Community, m); err != nil {
		return err
	}
	if err := h.spread(tx, act, nil); err != nil {
		return err
	}
	return h.brief(tx, act.Community, act.Subject, role) // who know by then what they are
}
