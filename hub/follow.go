package hub

import (
	"cmp"

	"copse/copse"
	"copse/store"
)

// follow asks to join a community. One of ours answers at once if it is open and
// lets a facilitator decide otherwise; for one elsewhere the question is sent to
// its home, and until the answer comes the membership is pending.
func (h *Hub) follow(tx *store.Tx, act *copse.Activity) error {
	facts, err := h.joining(tx, act)
	if err != nil {
		return err
	}
	m := &copse.Membership{
		Community: act.Community.ID, Actor: act.Actor.ID, Role: facts.Role,
		Reason: act.Reason, Follow: act.URI, Since: tx.Now,
	}
	if !act.Community.Local {
		if err := copse.MayAsk(facts); err != nil {
			return err
		}
		if m.State = copse.Pending; facts.State == copse.Active {
			m.State = copse.Active // asking again, which makes its home answer again
		}
		if err := tx.SetMembership(m); err != nil {
			return err
		}
		return h.send(tx, act, &act.Community.Actor)
	}
	if !act.Actor.Local {
		if late, err := h.leftSince(tx, act); err != nil || late {
			return err
		}
		switch err := copse.MayShare(act.Community, act.Actor.Host); copse.CodeOf(err) {
		case 0:
		case copse.CodeForbidden:
			return h.turnDown(tx, act, facts, m, err)
		default:
			return err
		}
	}
	m.State, err = copse.OnJoining(facts)
	if copse.CodeOf(err) == copse.CodeForbidden && !act.Actor.Local {
		return h.turnDown(tx, act, facts, m, err)
	}
	if err != nil {
		return err
	}
	if m.State == copse.Active {
		m.Role = max(m.Role, copse.Member)
	}
	if err := h.setMembership(tx, act.Community, m); err != nil {
		return err
	}
	switch m.State {
	case copse.Active:
		return h.answer(tx, "Accept", act)
	case copse.Declined:
		return h.answer(tx, "Reject", act)
	}
	return nil
}

// turnDown has a community of ours answer a Follow that its rules refuse, so that
// nobody waits for what will not come.
func (h *Hub) turnDown(tx *store.Tx, follow *copse.Activity, f copse.Facts, m *copse.Membership, why error) error {
	if f.State != copse.Blocked { // or asking again would lift that
		m.State = copse.Declined
		if err := h.setMembership(tx, follow.Community, m); err != nil {
			return err
		}
	}
	act := h.mint("Reject", &follow.Community.Actor)
	act.Inner, act.Community, act.Reason = follow, follow.Community, why.Error()
	return h.reply(tx, act)
}

// unshare turns out the members of a community of ours at councils that it is not
// shared with any more.
func (h *Hub) unshare(tx *store.Tx, c *copse.Community) error {
	hosts, err := tx.HostsIn(c.ID)
	if err != nil {
		return err
	}
	for _, host := range hosts {
		why := copse.MayShare(c, host)
		if why == nil {
			continue
		}
		people, err := tx.MembersAt(c.ID, host)
		if err != nil {
			return err
		}
		for _, p := range people {
			act := h.mint("Reject", &c.Actor)
			act.Inner = &copse.Activity{Type: "Follow", Actor: p.Actor, Subject: &c.Actor}
			act.Reason = why.Error()
			if err := h.perform(tx, act); err != nil {
				return err
			}
		}
	}
	return nil
}

// unfollow leaves a community. It always works: the community's home is told,
// and need not agree.
func (h *Hub) unfollow(tx *store.Tx, act *copse.Activity) error {
	act.Inner.Actor, act.Inner.Local = act.Actor, act.Local
	if _, err := h.joining(tx, act.Inner); err != nil {
		return err
	}
	c := act.Inner.Community
	act.Community = c
	m, err := tx.Membership(c.ID, act.Actor.ID)
	if err != nil || m.State == "" && act.Local || m.State == copse.Left || m.State == copse.Blocked {
		return err
	}
	if m.Role == copse.Owner && c.Local {
		owners, err := tx.MembersOf(c.ID, copse.Owner, 0, 2)
		if err != nil {
			return err
		}
		if len(owners) == 1 {
			return copse.Forbidden("you are the only owner of %s; make somebody else an owner first", c.Title)
		}
	}
	act.Inner.URI = cmp.Or(m.Follow, act.Inner.URI)
	m.State, m.Since = copse.Left, tx.Now
	if !act.Local && !act.Published.IsZero() && act.Published.Before(tx.Now) {
		m.Since = act.Published // see leftSince
	}
	if err := h.setMembership(tx, c, m); err != nil || c.Local {
		return err
	}
	return h.send(tx, act, &c.Actor)
}

// leftSince reports whether whoever asks to join from elsewhere has left since, by
// their own server's clock: some Follow of several that was held up on its way.
func (h *Hub) leftSince(tx *store.Tx, follow *copse.Activity) (bool, error) {
	m, err := tx.Membership(follow.Community.ID, follow.Actor.ID)
	return err == nil && m.State == copse.Left && !follow.Published.IsZero() && follow.Published.Before(m.Since), err
}

// joining checks that a Follow is a person's of a community, and that one of the
// two is ours.
func (h *Hub) joining(tx *store.Tx, act *copse.Activity) (f copse.Facts, err error) {
	if act.Community, err = tx.Community(act.Subject.ID); err != nil {
		return f, err
	}
	if !act.Community.Local && !act.Local {
		return f, copse.Invalid("", "neither the person nor the community is here")
	}
	if act.Actor.Type == copse.Group {
		return f, copse.Forbidden("communities cannot join communities here")
	}
	if f, err = tx.Facts(act.Actor.ID, act.Community, nil); err != nil || act.Local {
		return f, err
	}
	peer, err := tx.PeerAt(act.Actor.Host)
	if err != nil {
		return f, err
	}
	f.Microblog = peer.Profile == copse.Microblog
	return f, nil
}

// setMembership changes a membership. If that changes which councils are in a
// community of ours, all of them hear of it: what people are told about who will
// see their words has to stay true everywhere.
func (h *Hub) setMembership(tx *store.Tx, c *copse.Community, m *copse.Membership) error {
	was, err := tx.Membership(c.ID, m.Actor)
	if err != nil {
		return err
	}
	if err := tx.SetMembership(m); err != nil {
		return err
	}
	if !c.Local {
		return h.relieve(tx, c, was, m)
	}
	if err := h.tellOfRequest(tx, c, was, m); err != nil {
		return err
	}
	now, err := tx.Community(c.ID)
	if err != nil || now.Councils == c.Councils {
		return err
	}
	act := h.mint("Update", &c.Actor)
	act.Subject, act.Community = &now.Actor, now
	return h.spread(tx, act, nil)
}
