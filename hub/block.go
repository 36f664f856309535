package hub

import (
	"copse/copse"
	"copse/store"
)

// block keeps somebody out of a community, or a server somebody out altogether.
func (h *Hub) block(tx *store.Tx, act *copse.Activity) error {
	if act.Site != "" {
		return h.blockAtSite(tx, act)
	}
	if act.Community == nil {
		return h.shun(tx, act)
	}
	facts, m, err := h.banned(tx, act)
	if err != nil {
		return err
	}
	if err := copse.MayBan(facts, m); err != nil {
		return err
	}
	if proposed(act, act.Community) {
		return h.propose(tx, act, nil)
	}
	if err := h.putOut(tx, act, act.Community, m); err != nil {
		return err
	}
	if act.RemoveData {
		if err := h.removeAll(tx, act.Subject, act.Community.ID); err != nil {
			return err
		}
	}
	return h.spread(tx, act, nil)
}

// unblock lets them join again.
func (h *Hub) unblock(tx *store.Tx, act *copse.Activity) error {
	block := act.Inner
	block.Actor, block.Via, block.Local = act.Actor, act.Via, act.Local
	act.Subject = block.Subject
	if block.Site != "" {
		return h.unblockAtSite(tx, act)
	}
	if block.Community == nil {
		return tx.Unblock(act.Actor.ID, act.Subject.ID)
	}
	facts, m, err := h.banned(tx, block)
	if err != nil {
		return err
	}
	act.Community = block.Community
	if err := copse.MayModerate(facts); err != nil {
		return err
	}
	if m.State != copse.Blocked {
		return nil
	}
	if proposed(act, act.Community) {
		return h.propose(tx, act, nil)
	}
	m.State, m.Since = copse.Left, tx.Now
	if err := h.setMembership(tx, act.Community, m); err != nil {
		return err
	}
	return h.spread(tx, act, nil)
}

// banned loads what the rules look at about a Block in a community: who does it,
// and how whom they block stands to it.
func (h *Hub) banned(tx *store.Tx, act *copse.Activity) (copse.Facts, *copse.Membership, error) {
	if act.Subject.Type != copse.Person {
		return copse.Facts{}, nil, copse.Invalid("", "only people can be blocked")
	}
	facts, err := h.facts(tx, act, act.Community.ID, nil)
	if err != nil {
		return facts, nil, err
	}
	m, err := tx.Membership(act.Community.ID, act.Subject.ID)
	return facts, m, err
}

// putOut records that act's subject is kept out of a community. How people
// elsewhere stand to one elsewhere is its home's to know, which lets nothing in
// from them; here they are no facilitators of it any more, and it is kept only for
// those who may let them in again.
func (h *Hub) putOut(tx *store.Tx, act *copse.Activity, c *copse.Community, m *copse.Membership) error {
	switch {
	case c.Local:
	case !act.Subject.Local:
		if err := h.role(tx, c, act.Subject, copse.Guest); err != nil {
			return err
		}
		if tended, err := tx.Tended(c.ID); err != nil || !tended {
			return err
		}
	case m.State == "":
		return nil // somebody who has nothing to do with it
	}
	m.State, m.Since, m.Until = copse.Blocked, tx.Now, act.Until
	m.Reason, m.Follow = act.Reason, act.URI
	return h.setMembership(tx, c, m)
}

// removeAll removes all that somebody wrote in a community, or in all of them if
// that is zero, as a facilitator would: it can be put back, piece by piece.
func (h *Hub) removeAll(tx *store.Tx, author *copse.Actor, community copse.ID) error {
	all, err := tx.Written(author.ID, community)
	if err != nil {
		return err
	}
	for _, o := range all {
		if err := h.bury(tx, o, true); err != nil {
			return err
		}
	}
	return nil
}

// blockAtSite carries out that a server has banned somebody altogether. Its own
// people it lets do nothing more: they leave our communities. Others it keeps out of
// its communities.
func (h *Hub) blockAtSite(tx *store.Tx, act *copse.Activity) error {
	own := act.Subject.Host == act.Site
	err := h.eachReached(tx, act, func(c *copse.Community, m *copse.Membership) error {
		if !own {
			if err := h.putOut(tx, act, c, m); err != nil || !act.RemoveData {
				return err
			}
			return h.removeAll(tx, act.Subject, c.ID)
		}
		if !c.Local || m.Role == copse.Owner || m.State != copse.Active && m.State != copse.Pending {
			return nil
		}
		m.State, m.Since = copse.Left, tx.Now
		return h.setMembership(tx, c, m)
	})
	if err != nil || !own || !act.RemoveData {
		return err
	}
	return h.removeAll(tx, act.Subject, 0)
}

// unblockAtSite lets somebody here into a server's communities again. What
// facilitators here decided about its own people is not its to undo.
func (h *Hub) unblockAtSite(tx *store.Tx, act *copse.Activity) error {
	if !act.Subject.Local {
		return nil
	}
	return h.eachReached(tx, act.Inner, func(c *copse.Community, m *copse.Membership) error {
		if m.State != copse.Blocked {
			return nil
		}
		m.State, m.Since = copse.Left, tx.Now
		return h.setMembership(tx, c, m)
	})
}

// eachReached goes through how act's subject stands to the communities where the
// server that bans them has a say.
func (h *Hub) eachReached(tx *store.Tx, act *copse.Activity, do func(*copse.Community, *copse.Membership) error) error {
	if act.Via != nil || act.Local || act.Site != act.Actor.Host {
		return copse.Forbidden("only %s may answer for itself", act.Site)
	}
	standing, err := tx.Standing(act.Subject.ID)
	if err != nil {
		return err
	}
	for id, m := range standing {
		c, err := tx.Community(id)
		if err != nil {
			return err
		}
		if !copse.BanReaches(act.Site, act.Subject, &c.Actor) {
			continue
		}
		if err := do(c, m); err != nil {
			return err
		}
	}
	return nil
}
