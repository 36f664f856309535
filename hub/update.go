package hub

import (
	"slices"
	"time"

	"copse/copse"
	"copse/store"
)

// update changes something that is there already. What it is, where it is and
// who made it stay as they were, whatever the activity says.
func (h *Hub) update(tx *store.Tx, act *copse.Activity) error {
	if act.Message != nil {
		return h.rewrite(tx, act)
	}
	if act.Subject != nil {
		return h.updateActor(tx, act)
	}
	was, err := tx.ObjectByURI(act.Object.URI)
	if err != nil {
		return err
	}
	facts, err := h.facts(tx, act, was.Community, was)
	if err != nil {
		return err
	}
	if err := copse.MayEdit(facts); err != nil {
		return err
	}
	o := act.Object
	at := dateChange(tx, act, was)
	o.ID, o.Kind, o.Community, o.Author = was.ID, was.Kind, was.Community, was.Author
	o.Root, o.Parent, o.Path, o.Audience, o.Published = was.Root, was.Parent, was.Path, was.Audience, was.Published
	if err := h.answers(tx, o); err != nil {
		return err
	}
	if err := h.Kinds.Check(o); err != nil {
		return err
	}
	latest, err := tx.SetObject(o, at)
	if err != nil || !latest {
		return err
	}
	return h.spread(tx, act, o)
}

// dateChange fills in when what act changes was edited, and returns when it was
// changed, by its author's clock if that is not ahead: changes may arrive in
// another order. To accept an answer is a change and no edit.
func dateChange(tx *store.Tx, act *copse.Activity, was *copse.Object) (at time.Time) {
	o := act.Object
	at = act.Published
	if at.IsZero() || at.After(tx.Now) {
		at = tx.Now
	}
	switch {
	case o.SameWords(was):
		o.Edited = was.Edited
	case o.Edited.IsZero() || o.Edited.After(tx.Now), act.Local && o.Edited.Equal(was.Edited): // read here and changed
		o.Edited = at
	default:
		at = o.Edited
	}
	return at
}

// answers refuses an accepted answer that is not a reply to o.
func (h *Hub) answers(tx *store.Tx, o *copse.Object) error {
	if o.Answer == 0 {
		return nil
	}
	answer, err := tx.Object(o.Answer)
	if err != nil {
		return err
	}
	if answer.Root != o.ID || !answer.Deleted.IsZero() {
		return copse.Invalid("", "an answer has to be a reply in the same conversation")
	}
	return nil
}

// updateActor changes how a person here is described or how a community here is
// run. Remote actors are not changed by what is said of them: they are fetched.
func (h *Hub) updateActor(tx *store.Tx, act *copse.Activity) error {
	if c := act.Community; c != nil {
		facts, err := tx.Facts(act.Actor.ID, c, nil)
		if err != nil {
			return err
		}
		if err := copse.MayDecide(facts); err != nil {
			return err
		}
		was, err := tx.Community(c.ID)
		if err != nil {
			return err
		}
		if proposed(act, c) {
			if c.Title == was.Title && c.Source == was.Source {
				return nil
			}
			return h.propose(tx, act, nil)
		}
		if err := copse.MayReshare(was.Sharing, c.Sharing); err != nil {
			return err
		}
		if c.MovedTo != was.MovedTo || !slices.Equal(c.AlsoKnownAs, was.AlsoKnownAs) {
			if err := copse.MayMoveCommunity(facts); err != nil {
				return err
			}
		}
		if err := tx.SetCommunity(c); err != nil {
			return err
		}
		if err := h.unshare(tx, c); err != nil {
			return err
		}
		if !act.Local { // what they sent is not all there is to say: the community says it
			act = h.mint("Update", &c.Actor)
			act.Subject, act.Community = &c.Actor, c
		}
		return h.spread(tx, act, nil)
	}
	if act.Subject.ID != act.Actor.ID {
		return copse.Forbidden("only the author may change this")
	}
	if err := tx.SetActor(act.Subject); err != nil {
		return err
	}
	return h.tellAcquaintances(tx, act)
}

// tellAcquaintances sends what a person here says of themselves to the servers
// that know them from a community they share.
func (h *Hub) tellAcquaintances(tx *store.Tx, act *copse.Activity) error {
	act.Published = tx.Now
	out, err := h.append(tx, act, nil)
	if err != nil {
		return err
	}
	return tx.AddressAcquaintances(out, act.Actor.ID)
}
