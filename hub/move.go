package hub

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"copse/copse"
	"copse/store"
)

// move carries out that a person or a community is at another server from now on,
// as Mastodon has it (FEP-7628). Whoever moves says so themselves, and federation has
// just read that who they are there names them back.
func (h *Hub) move(tx *store.Tx, act *copse.Activity) error {
	if act.Via != nil {
		return copse.Forbidden("only %s may change itself", act.Actor.URI)
	}
	old, err := tx.Actor(act.Actor.ID)
	if err != nil {
		return err
	}
	to, err := tx.Actor(act.Subject.ID)
	if err != nil {
		return err
	}
	if err := copse.MayMove(old, to, tx.Now); err != nil {
		return err
	}
	old.MovedTo = to.URI
	if old.Type == copse.Group {
		return h.moveCommunity(tx, act, old, to)
	}
	return h.movePerson(tx, act, old, to)
}

// movePerson ends what old is in: where it is for us to say, to is let in as soon as
// it asks.
func (h *Hub) movePerson(tx *store.Tx, act *copse.Activity, old, to *copse.Actor) error {
	standing, err := tx.Standing(old.ID)
	if err != nil {
		return err
	}
	if old.Local {
		if err := h.tellOfMove(tx, act, to, standing); err != nil {
			return err
		}
	}
	if err := tx.SetMoved(old); err != nil {
		return err
	}
	for _, id := range slices.Sorted(maps.Keys(standing)) {
		c, err := tx.Community(id)
		switch {
		case err != nil:
		case c.Local:
			err = h.handOver(tx, c, standing[id], old, to)
		case old.Local:
			err = h.withdraw(tx, c, standing[id], old)
		}
		if err != nil {
			return err
		}
	}
	if !to.Local || old.Local {
		return nil
	}
	for _, uri := range act.Offers {
		if err := tx.AddOffer(to.ID, uri); err != nil {
			return err
		}
	}
	return nil
}

// tellOfMove sends to every server that knows somebody here that they have moved. The
// one they move to is told which communities they were in, as far as it may know:
// each of the two Moves is an activity of its own.
func (h *Hub) tellOfMove(tx *store.Tx, act *copse.Activity, to *copse.Actor, standing map[copse.ID]*copse.Membership) error {
	act.Published = tx.Now
	out, err := h.append(tx, act, nil)
	if err != nil {
		return err
	}
	if err := tx.AddressAcquaintances(out, act.Actor.ID); err != nil {
		return err
	}
	with := h.mint("Move", act.Actor)
	with.Subject = to
	for _, id := range slices.Sorted(maps.Keys(standing)) {
		c, err := tx.Community(id)
		if err == nil {
			err = h.tellOf(tx, standing[id], c, out, with)
		}
		if err != nil {
			return err
		}
	}
	if to.Local {
		return nil
	}
	peer, err := tx.PeerAt(to.Host)
	if err != nil {
		return err
	}
	if err := tx.Delivered(peer.ID, out); err != nil { // instead of the other, if it was to get that
		return err
	}
	return h.send(tx, with, to)
}

// tellOf adds to a Move, which goes to the server that somebody moves to, that they
// are in c, if that may know it. Where they are blocked hears of the Move too, which
// is the item out of the outbox: nobody escapes from that by moving.
func (h *Hub) tellOf(tx *store.Tx, m *copse.Membership, c *copse.Community, out copse.ID, with *copse.Activity) error {
	host := with.Subject.Host
	switch {
	case m.State == copse.Blocked && !c.Local:
		peer, err := tx.PeerAt(c.Host)
		if err != nil {
			return err
		}
		return tx.Address(out, peer.ID, ownInbox(&c.Actor))
	case m.State != copse.Active:
		return nil
	}
	reached := false
	if c.Local {
		var err error
		if reached, err = tx.ReachesMembers(c.ID, host); err != nil {
			return err
		}
	}
	if copse.MayTell(c, host, reached) {
		with.Offers = append(with.Offers, c.URI)
	}
	return nil
}

// handOver gives to what old has in a community of ours: it is expected there, and
// what old looked after it may look after once an owner says so. Who is kept out
// under one name is kept out under the other. To somebody here that is done at once;
// a server elsewhere believes in no membership that nobody there has asked for.
func (h *Hub) handOver(tx *store.Tx, c *copse.Community, m *copse.Membership, old, to *copse.Actor) error {
	n, err := tx.Membership(c.ID, to.ID)
	if err != nil {
		return err
	}
	was := *m
	switch m.State {
	case copse.Blocked:
		if n.Role == copse.Owner {
			return nil // whom nobody can block
		}
		if err := h.turnOut(tx, c, n, to); err != nil {
			return err
		}
		n.State, n.Since, n.Until, n.Reason, n.Follow = copse.Blocked, m.Since, m.Until, m.Reason, m.Follow
		return h.setMembership(tx, c, n)
	case copse.Active, copse.Pending, copse.Expected:
	default:
		return nil
	}
	if was.Role == copse.Owner {
		if err := h.succeed(tx, c, old); err != nil {
			return err
		}
	}
	if err := h.turnOut(tx, c, m, old); err != nil {
		return err
	}
	m.State, m.Since = copse.Left, tx.Now
	if err := h.setMembership(tx, c, m); err != nil || was.State == copse.Pending {
		return err
	}
	if n.Was = was.Role; was.State == copse.Expected {
		n.Was = was.Was // they have moved twice
	}
	asked := n.State == copse.Pending
	switch {
	case n.State == copse.Blocked, n.State == copse.Active:
	case asked, to.Local:
		n.State, n.Role, n.Since = copse.Active, copse.Member, tx.Now
	default:
		n.State, n.Since = copse.Expected, tx.Now
	}
	if err := h.setMembership(tx, c, n); err != nil || !asked {
		return err
	}
	return h.answer(tx, "Accept", &copse.Activity{URI: n.Follow, Type: "Follow", Actor: to, Subject: &c.Actor, Community: c})
}

// turnOut tells the server of somebody elsewhere that they are in a community of
// ours no more, nor let in if they asked.
func (h *Hub) turnOut(tx *store.Tx, c *copse.Community, m *copse.Membership, who *copse.Actor) error {
	if m.State != copse.Active && m.State != copse.Pending {
		return nil
	}
	return h.answer(tx, "Reject", &copse.Activity{URI: m.Follow, Type: "Follow", Actor: who, Subject: &c.Actor, Community: c})
}

// succeed sees to it that a community is not without an owner when old, who is one,
// goes: whoever has looked after it longest here becomes it.
func (h *Hub) succeed(tx *store.Tx, c *copse.Community, old *copse.Actor) error {
	all, err := tx.MembersOf(c.ID, copse.Moderator, 0, 500)
	if err != nil {
		return err
	}
	for _, p := range slices.Backward(all) {
		if !p.Actor.Local || p.Actor.ID == old.ID {
			continue
		}
		if p.Role == copse.Owner {
			return nil
		}
		p.Role = copse.Owner
		return h.setMembership(tx, c, &p.Membership)
	}
	return copse.Forbidden("you are the only owner of %s; make somebody else here a facilitator first, who will own it", c.Title)
}

// withdraw ends what somebody here had in a community elsewhere. A copse server ends
// it itself, once it has found that they have moved, and says so; until then what
// both sides believe is the same. Others know nothing of it.
func (h *Hub) withdraw(tx *store.Tx, c *copse.Community, m *copse.Membership, old *copse.Actor) error {
	peer, err := tx.PeerAt(c.Host)
	if err != nil || peer.Software == "copse" {
		return err
	}
	undo := h.mint("Undo", old)
	undo.Inner = h.mint("Follow", old)
	undo.Inner.Subject = &c.Actor
	return h.perform(tx, undo)
}

// moveCommunity records that a community is somewhere else. Nothing happens to who
// is in it: about those at this server its administrators decide.
func (h *Hub) moveCommunity(tx *store.Tx, act *copse.Activity, old, to *copse.Actor) error {
	var err error
	if act.Community, err = tx.Community(old.ID); err != nil {
		return err
	}
	if old.Local {
		if act.By == nil {
			return copse.Forbidden("only an owner of %s may do this", old.Title)
		}
		facts, err := tx.Facts(act.By.ID, act.Community, nil)
		if err != nil {
			return err
		}
		if err := copse.MayMoveCommunity(facts); err != nil {
			return err
		}
		if err := h.tellMembers(tx, act, to); err != nil {
			return err
		}
	}
	if err := tx.SetMoved(old); err != nil {
		return err
	}
	here, err := tx.Followed(old.ID)
	if err != nil || !here {
		return err
	}
	return tx.SetMoving(old.ID, copse.Awaiting)
}

// tellMembers sends that a community of ours has moved to all servers with members,
// and to the one it moves to.
func (h *Hub) tellMembers(tx *store.Tx, act *copse.Activity, to *copse.Actor) error {
	act.Published = tx.Now
	out, err := h.append(tx, act, nil)
	if err != nil {
		return err
	}
	if err := tx.AddressReached(out, act.Actor.ID); err != nil || to.Local {
		return err
	}
	peer, err := tx.PeerAt(to.Host)
	if err != nil {
		return err
	}
	return tx.Address(out, peer.ID, ownInbox(to))
}

// Move performs the Move of a person here to who they are elsewhere.
func (h *Hub) Move(ctx context.Context, person, to *copse.Actor) error {
	act := h.mint("Move", person)
	act.Subject = to
	return h.Perform(ctx, act)
}

// MoveCommunity performs the Move of a community of ours, as its owner by says.
func (h *Hub) MoveCommunity(ctx context.Context, by *copse.Actor, c *copse.Community, to *copse.Actor) error {
	act := h.mint("Move", &c.Actor)
	act.By, act.Subject = by, to
	return h.Perform(ctx, act)
}

// Resettle has the people here who are in c, which has moved, ask to be let in where
// it is now, or leaves them where they are, as the administrator by decided. Who is
// in the old community stays in it, to read what was said. Each asks by themselves,
// so it can be cut short and begun again.
func (h *Hub) Resettle(ctx context.Context, by *copse.Actor, c *copse.Community, follow bool) error {
	var (
		to   *copse.Actor
		move []store.Person
	)
	err := h.DB.View(ctx, func(tx *store.Tx) error {
		facts, err := tx.Facts(by.ID, c, nil)
		if err != nil {
			return err
		}
		login, err := tx.Login(by.ID)
		if err != nil {
			return err
		}
		facts.Admin = login.Role != store.Ordinary
		if err := copse.MayResettle(facts); err != nil || !follow {
			return err
		}
		if to, err = tx.Successor(c.ID); err != nil {
			return err
		}
		if to == nil {
			return copse.Conflict("where %s has moved to does not say so any more", c.Title)
		}
		all, err := tx.MembersHere(c.ID)
		for _, p := range all {
			m, failed := tx.Membership(to.ID, p.Actor.ID)
			if failed != nil {
				return failed
			}
			if m.State == "" {
				move = append(move, p) // who is there, was turned away or has left is asked nothing
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	for _, p := range move {
		// One who may not must not keep the others back.
		if err := h.Join(ctx, p.Actor, to, ""); err != nil && copse.CodeOf(err) == copse.CodeInternal {
			return err
		}
	}
	state := copse.Stayed
	if follow {
		state = copse.Followed
	}
	if err := h.DB.Update(ctx, func(tx *store.Tx) error { return tx.SetMoving(c.ID, state) }); err != nil {
		return fmt.Errorf("resettle from %s: %w", c.URI, err)
	}
	return nil
}
