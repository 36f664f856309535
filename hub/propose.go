package hub

import (
	"copse/copse"
	"copse/store"
)

// proposed reports whether act, which happens in community c, is for the home of c to
// decide: somebody here rules in a community elsewhere.
func proposed(act *copse.Activity, c *copse.Community) bool {
	return act.Local && act.Via == nil && !c.Local
}

// propose asks the home of the community that act happens in to do what act says,
// about o if that is not nil. Nothing changes here before it has announced that it did.
func (h *Hub) propose(tx *store.Tx, act *copse.Activity, o *copse.Object) error {
	ruling, about, back := rulingOf(act)
	home, err := tx.PeerAt(act.Community.Host)
	if err != nil {
		return err
	}
	if err := copse.MayPropose(home.Software, act.Community, ruling); err != nil {
		return err
	}
	out, err := h.submit(tx, act, o)
	if err != nil {
		return err
	}
	act.Proposed = true
	return tx.Propose(&store.Proposal{
		Community: act.Community.ID, About: about, Ruling: ruling, Back: back, By: act.Actor.ID, Outbox: out,
	})
}

// confirm carries out what somebody here asked a community elsewhere to do, which it
// has announced now. It was recorded when it was asked for.
func (h *Hub) confirm(tx *store.Tx, act *copse.Activity) error {
	if err := verbOf(act.Type)(h, tx, act); err != nil {
		return err
	}
	if err := h.settle(tx, act); err != nil || h.Notify == nil {
		return err
	}
	return h.Notify(tx, act)
}

// settle forgets that anybody here asked for what a community elsewhere has done.
func (h *Hub) settle(tx *store.Tx, act *copse.Activity) error {
	ruling, about, _ := rulingOf(act)
	if ruling == "" || about == 0 {
		return nil
	}
	return tx.Settle(act.Via.ID, about, ruling)
}

// rulingOf returns what sort of ruling act is, "" if it is none, what it is about, 0 if
// that is not here, and whether it takes such a ruling back.
func rulingOf(act *copse.Activity) (r copse.Ruling, about copse.ID, back bool) {
	what := act
	if act.Type == "Undo" {
		what, back = act.Inner, true
	}
	if what == nil {
		return "", 0, false
	}
	switch what.Type {
	case "Delete":
		r = copse.Removing
	case "Lock":
		r = copse.Locking
	case "Block":
		r = copse.Banning
	case "Update":
		r = copse.Describing
	case "Add", "Remove":
		r, back = copse.Pinning, what.Type == "Remove"
		if what.Object == nil {
			r = copse.Appointing
		}
	case "Accept", "Reject":
		return copse.Admitting, what.Inner.Actor.ID, what.Type == "Reject"
	}
	switch {
	case what.Object != nil && r != copse.Describing:
		about = what.Object.ID
	case what.Subject != nil:
		about = what.Subject.ID
	default:
		r = ""
	}
	return r, about, back
}
