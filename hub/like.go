package hub

import (
	"context"
	"fmt"

	"copse/copse"
	"copse/store"
)

// vote marks something as helpful or, for a Dislike, as the contrary, which counts
// nowhere here: it is remembered because either takes the place of the other, and
// passed on because other programs count it.
func (h *Hub) vote(tx *store.Tx, act *copse.Activity) error {
	o, err := h.liked(tx, act)
	if err != nil {
		return err
	}
	other := "Dislike"
	if act.Type == other {
		other = "Like"
	}
	if _, err := tx.Withdraw(o.ID, act.Actor.ID, other); err != nil {
		return err
	}
	var peer copse.ID
	if act.Vouched {
		p, err := tx.PeerAt(act.Via.Host)
		if err != nil {
			return err
		}
		peer = p.ID
	}
	fresh, err := tx.RespondVouched(peer, o.ID, act.Actor.ID, act.Type, act.URI)
	if err != nil || !fresh {
		return err
	}
	return h.spread(tx, act, o)
}

// DiscardVotes takes back every vote that counts on the word of the peer at a host
// alone, in communities that live there, and returns how many those were. Nothing
// is sent: it is we who do not believe it any more.
func (h *Hub) DiscardVotes(ctx context.Context, host string) (votes int, err error) {
	const atOnce = 200 // objects: others write too
	for {
		n := 0
		err := h.DB.Update(ctx, func(tx *store.Tx) error {
			p, err := tx.Peer(host)
			if err != nil {
				return err
			}
			n, err = tx.Discard(p.ID, atOnce)
			return err
		})
		if err != nil {
			return votes, fmt.Errorf("discard the votes of %s: %w", host, err)
		}
		if n == 0 {
			return votes, nil
		}
		votes += n
	}
}

// unvote takes a vote back.
func (h *Hub) unvote(tx *store.Tx, act *copse.Activity) error {
	act.Inner.Actor, act.Inner.Via = act.Actor, act.Via
	act.Inner.Local = act.Local
	o, err := h.liked(tx, act.Inner)
	if err != nil {
		return err
	}
	act.Community = act.Inner.Community
	was, err := tx.Withdraw(o.ID, act.Actor.ID, act.Inner.Type)
	if err != nil || !was {
		return err
	}
	return h.spread(tx, act, o)
}

func (h *Hub) liked(tx *store.Tx, act *copse.Activity) (*copse.Object, error) {
	o, err := tx.ObjectByURI(act.Object.URI)
	if err != nil {
		return nil, err
	}
	facts, err := h.facts(tx, act, o.Community, o)
	if err != nil {
		return nil, err
	}
	if err := copse.MayLike(facts); err != nil {
		return nil, err
	}
	act.Object = o
	return o, nil
}
