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
		return h.submit(tx, act, o)
	}
	announce := h.mint("Announce", &c.Actor)
	announce.Inner, announce.Community, announce.Published = act, c, tx.Now
	out, err := h.append(tx, announce, o)
	if err != nil {
		return err
	}
	// The author's server waits to hear that the community took it, and may have
	// no member in it. Whoever is blocked may have been their server's only one.
	if err := h.tellToo(tx, out, c, act.Actor); err != nil {
		return err
	}
	if act.Type == "Block" || act.Type == "Undo" && act.Inner.Type == "Block" {
		return h.tellToo(tx, out, c, act.Subject)
	}
	return nil
}

// tellToo addresses what a community announces to the server of one more actor, if
// it does not go there anyway.
func (h *Hub) tellToo(tx *store.Tx, out copse.ID, c *copse.Community, a *copse.Actor) error {
	if a.Local {
		return nil
	}
	reached, err := tx.Reaches(c.ID, a.Host)
	if err != nil || reached {
		return err
	}
	peer, err := tx.PeerAt(a.Host)
	if err != nil {
		return err
	}
	return tx.Address(out, peer.ID, ownInbox(a))
}

// ownInbox returns where an actor is reached whose server has no shared inbox, ""
// if it has.
func ownInbox(a *copse.Actor) string {
	if a.SharedInbox != "" {
		return ""
	}
	return a.Inbox
}

// submit sends what somebody here did in a community elsewhere to its home.
func (h *Hub) submit(tx *store.Tx, act *copse.Activity, o *copse.Object) error {
	return h.sendAbout(tx, act, o, &act.Community.Actor)
}

// send sends act to the server of one actor.
func (h *Hub) send(tx *store.Tx, act *copse.Activity, to *copse.Actor) error {
	return h.sendAbout(tx, act, nil, to)
}

func (h *Hub) sendAbout(tx *store.Tx, act *copse.Activity, o *copse.Object, to *copse.Actor) error {
	if act.Published.IsZero() {
		act.Published = tx.Now
	}
	peer, err := tx.PeerAt(to.Host)
	if err != nil {
		return err
	}
	out, err := h.append(tx, act, o)
	if err != nil {
		return err
	}
	return tx.Address(out, peer.ID, ownInbox(to))
}

// append adds act to the outbox.
func (h *Hub) append(tx *store.Tx, act *copse.Activity, o *copse.Object) (copse.ID, error) {
	if inner := act.Inner; inner != nil && inner.Published.IsZero() {
		inner.Published = tx.Now
	}
	body, err := h.Wire.Marshal(tx, act)
	if err != nil {
		return 0, err
	}
	out := &store.Outgoing{URI: act.URI, Type: act.Type, Signer: act.Actor.ID, Body: body}
	if act.Type == "Announce" {
		out.Type, out.Inner, out.Community = act.Inner.Type, act.Inner.URI, act.Community.ID
	}
	if o != nil {
		out.Object, out.Thread = o.ID, o.Thread()
	}
	err = tx.Append(out)
	return out.ID, err
}
