package hub

import (
	"copse/copse"
	"copse/store"
)

// accept lets somebody who asked into a community. It is the community that answers
// whoever asked; act.By is the facilitator who decided. One at another server than the
// community's tells that first: see decide.
func (h *Hub) accept(tx *store.Tx, act *copse.Activity) error {
	if act.Actor.Type == copse.Person {
		return h.decide(tx, act)
	}
	m, err := h.asked(tx, act)
	if err != nil {
		return err
	}
	if m.State != copse.Pending && m.State != copse.Active {
		return copse.Conflict("this request has been dealt with")
	}
	if m.State == copse.Pending {
		m.State, m.Role, m.Since = copse.Active, copse.Member, tx.Now
		if err := h.setMembership(tx, act.Community, m); err != nil {
			return err
		}
	}
	return h.reply(tx, act)
}

// reject turns somebody down, or out.
func (h *Hub) reject(tx *store.Tx, act *copse.Activity) error {
	if act.Actor.Type == copse.Person {
		return h.decide(tx, act)
	}
	m, err := h.asked(tx, act)
	if err != nil {
		return err
	}
	if m.State != copse.Pending && m.State != copse.Active {
		return copse.Conflict("this request has been dealt with")
	}
	m.State, m.Since = copse.Declined, tx.Now
	if act.Inner.Actor.HasMoved() {
		m.State = copse.Left // which is all that it says
	}
	if err := h.setMembership(tx, act.Community, m); err != nil {
		return err
	}
	return h.reply(tx, act)
}

// asked returns the membership that an Accept or Reject is about, once it is
// clear that its actor may decide. The Follow is found by who and where: peers
// differ in how faithfully they repeat it.
func (h *Hub) asked(tx *store.Tx, act *copse.Activity) (*copse.Membership, error) {
	follow := act.Inner
	if follow == nil || follow.Actor == nil || follow.Subject == nil {
		return nil, copse.Invalid("", "this server does not understand %q", act.Type)
	}
	if follow.Subject.ID != act.Actor.ID {
		return nil, copse.Forbidden("only %s may answer for itself", follow.Subject.URI)
	}
	var err error
	if act.Community, err = tx.Community(act.Actor.ID); err != nil {
		return nil, err
	}
	if act.Community.Local && act.By != nil {
		facts, err := tx.Facts(act.By.ID, act.Community, nil)
		if err != nil {
			return nil, err
		}
		if err := copse.MayDecide(facts); err != nil {
			return nil, err
		}
	}
	m, err := tx.Membership(act.Community.ID, follow.Actor.ID)
	if err != nil {
		return nil, err
	}
	if !act.Community.Local && !follow.Actor.Local {
		return nil, copse.Invalid("", "neither the person nor the community is here")
	}
	follow.URI, follow.Reason = m.Follow, m.Reason
	if act.Community.Local {
		return m, nil
	}
	return m, tx.Settle(act.Community.ID, follow.Actor.ID, copse.Admitting)
}

// answer has a community of ours answer a Follow that its rules decide.
func (h *Hub) answer(tx *store.Tx, typ string, follow *copse.Activity) error {
	act := h.mint(typ, &follow.Community.Actor)
	act.Inner, act.Community = follow, follow.Community
	return h.reply(tx, act)
}

// reply sends a community's answer to the server of whoever asked.
func (h *Hub) reply(tx *store.Tx, act *copse.Activity) error {
	if !act.Community.Local || act.Inner.Actor.Local {
		return nil
	}
	return h.send(tx, act, act.Inner.Actor)
}
