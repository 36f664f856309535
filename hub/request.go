package hub

import (
	"slices"

	"copse/copse"
	"copse/store"
)

const (
	// maxTold is how many facilitators of a community are reckoned with.
	maxTold = 500
	// maxBrief is how many of those who wait a new facilitator elsewhere hears of.
	maxBrief = 200
)

// tellOfRequest tells the servers of those who look after a community of ours from
// elsewhere that somebody asks to join it, or does no longer: m is how they stand to it
// now, and was how they did. What became of it is nobody's business but theirs.
func (h *Hub) tellOfRequest(tx *store.Tx, c *copse.Community, was, m *copse.Membership) error {
	if (was.State == copse.Pending) == (m.State == copse.Pending) {
		return nil
	}
	all, err := tx.MembersOf(c.ID, copse.Moderator, 0, maxTold)
	if err != nil {
		return err
	}
	var to []*copse.Actor // one at each server
	for _, p := range all {
		if !slices.ContainsFunc(to, func(a *copse.Actor) bool { return a.Host == p.Host }) {
			to = append(to, p.Actor)
		}
	}
	about := *m
	if m.State != copse.Pending {
		about.Follow, about.Reason = was.Follow, ""
	}
	return h.tellFacilitators(tx, c, &about, to)
}

// brief tells the server of a new facilitator elsewhere who asks to join already.
func (h *Hub) brief(tx *store.Tx, c *copse.Community, facilitator *copse.Actor, role copse.Role) error {
	if facilitator.Local || role < copse.Moderator {
		return nil
	}
	waiting, err := tx.Waiting(c.ID, maxBrief)
	if err != nil {
		return err
	}
	for _, p := range waiting {
		if err := h.tellFacilitators(tx, c, &p.Membership, []*copse.Actor{facilitator}); err != nil {
			return err
		}
	}
	return nil
}

// tellFacilitators sends the servers of facilitators elsewhere the Follow that m is
// about, announced by the community, or that it takes that back. Whoever asked knows at
// their own server. Software that lets nobody in from there is not told who asks.
func (h *Hub) tellFacilitators(tx *store.Tx, c *copse.Community, m *copse.Membership, to []*copse.Actor) error {
	asker, err := tx.Actor(m.Actor)
	if err != nil {
		return err
	}
	var told copse.ID
	for _, f := range to {
		if f.Local || f.Host == asker.Host || copse.MayShare(c, f.Host) != nil {
			continue
		}
		peer, err := tx.PeerAt(f.Host)
		if err != nil {
			return err
		}
		if !copse.Takes(peer.Software, copse.Admitting) {
			continue
		}
		if told == 0 {
			if told, err = h.append(tx, h.forwarded(c, asker, m), nil); err != nil {
				return err
			}
		}
		if err := tx.Address(told, peer.ID, ownInbox(f)); err != nil {
			return err
		}
	}
	return nil
}

// forwarded is the announcement that somebody asks to join a community of ours, or that
// it is taken back. One is told from another by who asks.
func (h *Hub) forwarded(c *copse.Community, asker *copse.Actor, m *copse.Membership) *copse.Activity {
	act := h.mint("Announce", &c.Actor)
	act.Community, act.Published = c, m.Since
	act.Inner = &copse.Activity{
		URI: m.Follow, Type: "Follow", Actor: asker, Subject: &c.Actor, Reason: m.Reason, Published: m.Since,
	}
	if m.State == copse.Pending {
		return act
	}
	act.URI = ""
	undo := h.mint("Undo", &c.Actor)
	undo.Community, undo.Inner = c, act
	return undo
}

// request records that somebody elsewhere asks to join a community elsewhere, as it has
// told us because somebody here looks after it.
func (h *Hub) request(tx *store.Tx, c *copse.Community, follow *copse.Activity) error {
	tended, err := tx.Tended(c.ID)
	if err != nil || !tended || follow.Actor.Local {
		return err
	}
	m, err := tx.Membership(c.ID, follow.Actor.ID)
	if err != nil || m.State == copse.Active {
		return err
	}
	m.State, m.Follow, m.Reason, m.Since = copse.Pending, follow.URI, follow.Reason, tx.Now
	if err := h.setMembership(tx, c, m); err != nil || h.Notify == nil {
		return err
	}
	follow.Community = c
	return h.Notify(tx, follow)
}

// dealtWith records that they ask no longer, whatever became of it.
func (h *Hub) dealtWith(tx *store.Tx, act *copse.Activity) (err error) {
	follow := act.Inner.Inner
	if act.Community, err = tx.Community(act.Actor.ID); err != nil || act.Community.Local || follow.Actor.Local {
		return err
	}
	m, err := tx.Membership(act.Community.ID, follow.Actor.ID)
	if err != nil || m.State != copse.Pending {
		return err
	}
	m.State, m.Reason, m.Since = copse.Left, "", tx.Now
	if err := h.setMembership(tx, act.Community, m); err != nil {
		return err
	}
	return tx.Settle(act.Community.ID, follow.Actor.ID, copse.Admitting)
}

// decide is the Accept or Reject of somebody's Follow by one who looks after the
// community from another server: it asks the community's home or, there, has the
// community answer.
func (h *Hub) decide(tx *store.Tx, act *copse.Activity) error {
	follow := act.Inner
	if follow == nil || follow.Actor == nil || follow.Subject == nil {
		return copse.Invalid("", "this server does not understand %q", act.Type)
	}
	facts, err := h.facts(tx, act, follow.Subject.ID, nil)
	if err != nil {
		return err
	}
	if err := copse.MayDecide(facts); err != nil {
		return err
	}
	m, err := tx.Membership(act.Community.ID, follow.Actor.ID)
	if err != nil {
		return err
	}
	if m.State != copse.Pending {
		return copse.Conflict("this request has been dealt with")
	}
	if proposed(act, act.Community) {
		follow.URI = m.Follow
		return h.propose(tx, act, nil)
	}
	answer := h.mint(act.Type, &act.Community.Actor)
	answer.By, answer.Reason = act.Actor, act.Reason
	answer.Inner = &copse.Activity{Type: "Follow", Actor: follow.Actor, Subject: &act.Community.Actor}
	act.Proposed = true // it is the community's answer that people hear of
	return h.perform(tx, answer)
}

// relieve forgets what only those who look after a community elsewhere need to know,
// once nobody here does any more.
func (h *Hub) relieve(tx *store.Tx, c *copse.Community, was, m *copse.Membership) error {
	if was.Role < copse.Moderator || m.Role >= copse.Moderator {
		return nil
	}
	tended, err := tx.Tended(c.ID)
	if err != nil || tended {
		return err
	}
	return tx.ForgetOthers(c.ID)
}
