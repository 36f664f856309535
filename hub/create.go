package hub

import (
	"copse/copse"
	"copse/store"
)

// create adds something new to a community and tells those who should know.
func (h *Hub) create(tx *store.Tx, act *copse.Activity) (err error) {
	if act.Message != nil {
		return h.write(tx, act)
	}
	if act.Subject != nil {
		return h.found(tx, act)
	}
	o := act.Object
	var parent *copse.Object
	if o.Parent != 0 {
		if parent, err = tx.Object(o.Parent); err != nil {
			return err
		}
		o.Community = parent.Community
		if o.Conversation == "" {
			o.Conversation = parent.Conversation // verbatim, as FEP-11dd wants it
		}
	}
	facts, err := h.facts(tx, act, o.Community, parent)
	if err != nil {
		return err
	}
	if parent != nil {
		lock, failed := tx.Lock(parent.Thread())
		if failed != nil {
			return failed
		}
		facts.Locked = lock != nil
		err = copse.MayReply(facts)
	} else {
		err = copse.MayPost(facts)
	}
	if err != nil {
		return err
	}
	if err := h.Kinds.Check(o); err != nil {
		return err
	}
	if act.Community.Audience != copse.Public || o.Audience == "" {
		o.Audience = act.Community.Audience
	}
	if parent != nil && parent.Audience != copse.Public {
		o.Audience = parent.Audience // whoever reads an answer reads what it answers
	}
	if o.Published.IsZero() || o.Published.After(tx.Now) { // peers may leave it out or get it wrong
		o.Published = tx.Now
	}
	if act.Community.Local || act.Via != nil {
		o.Accepted = tx.Now
	}
	buried, removed, err := tx.Deleted(o.URI, o.Author, o.Community)
	if err != nil {
		return err
	}
	if !o.Deleted.IsZero() {
		buried, removed = true, false
	}
	err = tx.AddObject(o)
	if copse.CodeOf(err) == copse.CodeConflict && !act.Local {
		return nil // it came by another way already
	}
	if err != nil {
		return err
	}
	if buried { // the Delete overtook it; it keeps its place, for what answers it
		return tx.DeleteObject(o, removed)
	}
	return h.spread(tx, act, o)
}

// found starts a community here: whoever does so is its owner.
func (h *Hub) found(tx *store.Tx, act *copse.Activity) error {
	c := act.Community
	if err := copse.MayFound(act.Actor); err != nil {
		return err
	}
	if err := tx.AddCommunity(c); err != nil {
		return err
	}
	if act.Actor.Type != copse.Person {
		return nil // an administrator made it, who need not be a member
	}
	return tx.SetMembership(&copse.Membership{
		Community: c.ID, Actor: act.Actor.ID, Role: copse.Owner, State: copse.Active, Since: tx.Now,
	})
}

// facts loads what the rules look at about act's actor in a community, and fills
// in act.Community.
func (h *Hub) facts(tx *store.Tx, act *copse.Activity, community copse.ID, o *copse.Object) (f copse.Facts, err error) {
	if act.Community, err = tx.Community(community); err != nil {
		return f, err
	}
	if f, err = tx.Facts(act.Actor.ID, act.Community, o); err != nil {
		return f, err
	}
	f.Announced = act.Via != nil && act.Via.ID == community
	f.Elsewhere = !act.Actor.Local
	if f.Announced && f.Elsewhere {
		f.State = "" // how people elsewhere stand to a community elsewhere is its home's to know
	}
	if !f.Announced && (act.Via != nil || !act.Community.Local && !act.Local) {
		// What is said in a community is what its home has passed on. A copy
		// that comes straight from elsewhere proves nothing, and one that another
		// community passes on is not that community's business.
		return f, copse.Forbidden("only %s may pass on what happens there", act.Community.URI)
	}
	if act.Local || f.Announced {
		return f, nil
	}
	if err := copse.MayShare(act.Community, act.Actor.Host); err != nil || o == nil || f.Author {
		return f, err
	}
	return f, copse.MaySee(f, o.Audience) // whoever may not see it does not learn that it is there
}
