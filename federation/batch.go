package federation

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"copse/copse"
	"copse/federation/ap"
	"copse/store"
)

// maxBatch is how many activities may come in one announcement.
const maxBatch = 1000

// batched returns the activities that an announcement passes on together: in a
// collection (FEP-1a11), or in a bare list, as PieFed sends them. It is not ok if w
// is no such announcement.
func batched(w *ap.Object) (items []ap.Object, ok bool) {
	switch {
	case w.Type != "Announce":
		return nil, false
	case w.Objects != nil:
		return w.Objects, true
	case w.Object == nil:
		return nil, false
	case w.Object.Type == "OrderedCollection", w.Object.Type == "Collection":
		return append(w.Object.OrderedItems, w.Object.Items...), true
	}
	return nil, false
}

// What an announcement passes on together is unpacked: taken apart.
type unpacked struct {
	whole *copse.Activity
	votes []*copse.Activity // each as if it had been announced alone
	later []*store.Received // likewise; something has to be fetched, or it is no vote
}

// unpack takes an announcement of several activities apart, by what is known. What
// is refused among them, or is none of our business, does not keep out the rest.
func (s *Server) unpack(ctx context.Context, a *arrival, items []ap.Object, look *look) (*unpacked, error) {
	b := &unpacked{whole: &copse.Activity{URI: a.act.ID, Type: "Announce", Actor: a.signer, Published: a.act.Published}}
	if len(items) > maxBatch {
		return nil, copse.TooLarge("at most %d activities may be announced at a time", maxBatch)
	}
	if a.signer.Type != copse.Group {
		return b, nil
	}
	followed, err := look.followed(ctx, a.signer.ID)
	if err != nil || !followed {
		return b, err
	}
	for i := range items {
		one := *a.act
		one.ID, one.Object, one.Objects, one.Raw = fmt.Sprintf("%s#%d", a.act.ID, i+1), &items[i], nil, nil
		err := errUnknown
		if isVote(&items[i]) {
			var act *copse.Activity
			if act, err = s.decode(ctx, &arrival{a.signer, &one, a.sentOn}, look); act != nil && err == nil {
				b.votes = append(b.votes, act)
			}
		}
		switch {
		case err == nil:
		case errors.Is(err, errUnknown):
			body, err := ap.Marshal(&one)
			if err != nil {
				return nil, err
			}
			b.later = append(b.later, &store.Received{Host: a.signer.Host, Signer: a.signer.URI, Body: body})
		case temporary(err) && copse.CodeOf(err) == copse.CodeInternal:
			return nil, err
		default:
			slog.DebugContext(ctx, "refused in a batch", "uri", one.ID, "err", err)
		}
	}
	return b, nil
}

// take performs what can be of a batch and parks the rest, first: once the batch is
// recorded it is not taken again.
func (s *Server) take(ctx context.Context, b *unpacked) error {
	if len(b.later) > 0 {
		if err := s.park(ctx, b.whole.Actor.URI, b.later...); err != nil {
			return err
		}
	}
	if len(b.votes) == 0 {
		return nil
	}
	return s.Hub.PerformAll(ctx, b.whole, b.votes)
}

// reworkBatch deals with a batch that was parked, as its signer was not known.
func (s *Server) reworkBatch(ctx context.Context, a *arrival, items []ap.Object) (err error) {
	var b *unpacked
	err = s.DB.View(ctx, func(tx *store.Tx) (err error) {
		b, err = s.unpack(ctx, a, items, &look{s: s, tx: tx})
		return err
	})
	if err != nil {
		return err
	}
	return s.take(ctx, b)
}

// isVote reports whether w is a mark on something, or takes one back. Emoji count
// as marks (FEP-c0e0).
func isVote(w *ap.Object) bool {
	switch w.Type {
	case "Like", "Dislike", "EmojiReact":
		return true
	case "Undo":
		return w.Object != nil && w.Object.Type != "Undo" && isVote(w.Object)
	}
	return false
}

// meaning returns the type that a type of activity is taken for.
func meaning(typ string) string {
	if typ == "EmojiReact" {
		return "Like"
	}
	return typ
}
