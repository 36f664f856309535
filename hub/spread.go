package hub

import (
	"copse/copse"
	"copse/store"
)

// spread tells the peers that act concerns: those with members in a community
// here, or the home of a community that lives elsewhere. o is what act was done
// to, if it was an object.
func (h *Hub) spread(tx *store.Tx, act *copse.Activity, o *copse.Object) error {
	c := act.Community
	if c.Sharing == copse.SharedHere {
		return nil // there is nobody else to tell, nor ever will be
	}
	if !c.Local {
		if !act.Local {
			return nil // its home tells everybody else
		}
		_, err := h.submit(tx, act, o)
		return err
	}
	announce := h.mint("Announce", &c.Actor)
	announce.Inner, announce.Community, announce.Published = act, c, tx.Now
	out, err := h.append(tx, announce, o)
	if err != nil {
		return err
	}
	author, err := h.outside(tx, c, act.Actor)
	if err != nil {
		return err
	}
	// The author's server waits to hear that the community took it.
	told, microblog := out, author != nil && author.Profile == copse.Microblog
	boost, err := h.boost(tx, act, o, microblog)
	if microblog {
		told = boost
	}
	if err == nil && author != nil && told != 0 {
		err = tx.Address(told, author.ID, ownInbox(act.Actor))
	}
	if err != nil || act.Type != "Block" && (act.Type != "Undo" || act.Inner.Type != "Block") {
		return err
	}
	// Whoever is blocked may have been their server's only member.
	home, err := h.outside(tx, c, act.Subject)
	if err != nil || home == nil || home.Profile == copse.Microblog {
		return err
	}
	return tx.Address(out, home.ID, ownInbox(act.Subject))
}

// outside returns the server of an actor if what c announces does not go there
// anyway: if it is elsewhere and has no member in c.
func (h *Hub) outside(tx *store.Tx, c *copse.Community, a *copse.Actor) (*copse.Peer, error) {
	if a.Local {
		return nil, nil
	}
	reached, err := tx.Reaches(c.ID, a.Host)
	if err != nil || reached {
		return nil, err
	}
	return tx.PeerAt(a.Host)
}

// ownInbox returns where an actor is reached whose server has no shared inbox, ""
// if it has.
func ownInbox(a *copse.Actor) string {
	if a.SharedInbox != "" {
		return ""
	}
	return a.Inbox
}

// submit sends what somebody here did in a community elsewhere to its home. It
// returns its place in the outbox.
func (h *Hub) submit(tx *store.Tx, act *copse.Activity, o *copse.Object) (copse.ID, error) {
	return h.sendAbout(tx, act, o, &act.Community.Actor)
}

// send sends act to the server of one actor.
func (h *Hub) send(tx *store.Tx, act *copse.Activity, to *copse.Actor) error {
	_, err := h.sendAbout(tx, act, nil, to)
	return err
}

func (h *Hub) sendAbout(tx *store.Tx, act *copse.Activity, o *copse.Object, to *copse.Actor) (copse.ID, error) {
	if act.Published.IsZero() {
		act.Published = tx.Now
	}
	peer, err := tx.PeerAt(to.Host)
	if err != nil {
		return 0, err
	}
	out, err := h.append(tx, act, o)
	if err != nil {
		return 0, err
	}
	return out, tx.Address(out, peer.ID, ownInbox(to))
}

// append adds act to the outbox.
func (h *Hub) append(tx *store.Tx, act *copse.Activity, o *copse.Object) (copse.ID, error) {
	out, err := h.outgoing(tx, act, o)
	if err != nil {
		return 0, err
	}
	err = tx.Append(out)
	return out.ID, err
}

// outgoing returns act as it goes out, about o if that is not nil.
func (h *Hub) outgoing(tx *store.Tx, act *copse.Activity, o *copse.Object) (*store.Outgoing, error) {
	if inner := act.Inner; inner != nil && inner.Published.IsZero() {
		inner.Published = tx.Now
	}
	body, err := h.Wire.Marshal(tx, act)
	if err != nil {
		return nil, err
	}
	out := &store.Outgoing{URI: act.URI, Type: act.Type, Signer: act.Actor.ID, Body: body}
	if act.Type == "Announce" && act.Inner != nil && act.Inner.Type != "Follow" { // which is for facilitators alone
		out.Type, out.Inner, out.Community = act.Inner.Type, act.Inner.URI, act.Community.ID
	}
	if o != nil {
		out.Object, out.Thread = o.ID, o.Thread()
	}
	return out, nil
}
