package hub

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/google/uuid"

	"copse/copse"
	"copse/store"
)

// write is the Create of a private message. One by somebody here is for all whom it
// names or for nobody; of one from elsewhere only those here are asked, and those get it
// who take it.
func (h *Hub) write(tx *store.Tx, act *copse.Activity) error {
	m := act.Message
	if err := copse.CheckMessage(m, len(m.To)+len(m.Others)); err != nil {
		return err
	}
	written, err := tx.MessagesSince(m.Author, tx.Now.Add(-time.Hour))
	if err != nil {
		return err
	}
	if err := copse.MayMessageMore(written); err != nil {
		if act.Local {
			return err
		}
		// To ask a server to wait would hold up all that others there have to say.
		return copse.Forbidden("%s writes too many messages", act.Actor.URI)
	}
	people := append([]*copse.Actor{act.Actor}, m.To...)
	if m.Conversation, err = tx.Converse(people, m.Others); err != nil {
		return err
	}
	takers, err := h.takers(tx, act, m.To, len(m.To)+len(m.Others))
	if err != nil || takers == nil {
		return err
	}
	if m.Parent, err = h.before(tx, act); err != nil {
		return err
	}
	if m.Published.IsZero() || m.Published.After(tx.Now) {
		m.Published = tx.Now
	}
	buried, _, err := tx.Deleted(m.URI, m.Author, 0)
	if err != nil || buried {
		return err
	}
	err = tx.AddMessage(m, takers)
	if copse.CodeOf(err) == copse.CodeConflict && !act.Local {
		return nil // it came by another way already
	}
	if err != nil {
		return err
	}
	return h.dispatch(tx, act, m.To)
}

// takers returns those whom what act's actor writes in a conversation comes to. There
// are none, and no error, if all who are here and would get it have blocked the writer,
// who does not learn that.
func (h *Hub) takers(tx *store.Tx, act *copse.Activity, to []*copse.Actor, people int) (takers []copse.ID, err error) {
	var refused error
	silent, here := true, false
	for _, p := range to {
		f, err := tx.Correspondence(act.Actor, p, act.Message.Conversation)
		if err != nil {
			return nil, err
		}
		f.People = people
		if !act.Local && !p.Local {
			takers = append(takers, p.ID) // for their own server to decide
			continue
		}
		why := copse.MayMessage(f)
		switch {
		case why == nil:
			takers, here = append(takers, p.ID), true
		case act.Local:
			return nil, why
		default:
			refused, silent = why, silent && f.Blocked
		}
	}
	switch {
	case here:
		return takers, nil
	case silent:
		return nil, nil
	}
	return nil, refused
}

// before returns the message that a new one goes on from: the newest that somebody
// here can read, or what a peer says, if that is in the same conversation.
func (h *Hub) before(tx *store.Tx, act *copse.Activity) (copse.ID, error) {
	m := act.Message
	if act.Local {
		return tx.LastLine(m.Author, m.Conversation)
	}
	if m.Parent == 0 {
		return 0, nil
	}
	parent, err := tx.Message(m.Parent)
	if err != nil || parent.Conversation != m.Conversation {
		return 0, err
	}
	return parent.ID, nil
}

// rewrite is the Update of a private message by its author.
func (h *Hub) rewrite(tx *store.Tx, act *copse.Activity) error {
	m := act.Message
	was, to, err := h.correspondents(tx, act)
	if err != nil {
		return err
	}
	if err := copse.MayChangeMessage(was, act.Actor.ID); err != nil {
		return err
	}
	at := act.Published
	if at.IsZero() || at.After(tx.Now) {
		at = tx.Now
	}
	if m.Edited.IsZero() || m.Edited.After(tx.Now) {
		m.Edited = at
	} else {
		at = m.Edited
	}
	m.ID, m.Conversation, m.Author, m.Parent, m.Local, m.Published = was.ID, was.Conversation, was.Author, was.Parent, was.Local, was.Published
	if err := copse.CheckMessage(m, len(to)); err != nil {
		return err
	}
	takers, err := h.takers(tx, act, to, len(to))
	if err != nil || takers == nil {
		return err
	}
	latest, err := tx.SetMessage(m, at)
	if err != nil || !latest {
		return err
	}
	return h.dispatch(tx, act, to)
}

// unsay is the Delete of a private message by its author. Its place stays.
func (h *Hub) unsay(tx *store.Tx, act *copse.Activity) error {
	was, to, err := h.correspondents(tx, act)
	if err != nil {
		return err
	}
	if was.Author == act.Actor.ID && !was.Deleted.IsZero() {
		return nil
	}
	if err := copse.MayChangeMessage(was, act.Actor.ID); err != nil {
		return err
	}
	if err := tx.DeleteMessage(was); err != nil {
		return err
	}
	act.Message = was
	return h.dispatch(tx, act, to)
}

// correspondents returns a message that is here, and who else is in its conversation.
func (h *Hub) correspondents(tx *store.Tx, act *copse.Activity) (m *copse.Message, others []*copse.Actor, err error) {
	if m, err = tx.MessageByURI(act.Message.URI); err != nil {
		return nil, nil, err
	}
	act.Message.Conversation = m.Conversation
	people, err := tx.PeopleIn(m.Conversation)
	for _, p := range people {
		if p.ID != m.Author {
			others = append(others, p)
		}
	}
	return m, others, err
}

// read records how far somebody here has read a conversation. Nobody is told.
func (h *Hub) read(tx *store.Tx, act *copse.Activity) error {
	return h.inTalk(tx, act, func(m *copse.Message) error { return tx.SetRead(act.Actor.ID, m) })
}

// ignore has somebody here hear no more of a conversation.
func (h *Hub) ignore(tx *store.Tx, act *copse.Activity) error {
	return h.inTalk(tx, act, func(m *copse.Message) error { return tx.SetMuted(act.Actor.ID, m.Conversation, true) })
}

// unignore undoes ignore.
func (h *Hub) unignore(tx *store.Tx, act *copse.Activity) error {
	act.Inner.Local = act.Local
	return h.inTalk(tx, act.Inner, func(m *copse.Message) error { return tx.SetMuted(act.Actor.ID, m.Conversation, false) })
}

// inTalk does something about a conversation for somebody here who can read the
// message that stands for it.
func (h *Hub) inTalk(tx *store.Tx, act *copse.Activity, do func(*copse.Message) error) error {
	if !act.Local || act.Message == nil {
		return copse.Forbidden("only the author may change this")
	}
	line, err := tx.Line(act.Actor.ID, act.Message.ID)
	if err != nil {
		return err
	}
	return do(line.Message)
}

// shun is a Block of one person by another: no more messages come from them. They are
// not told, and neither is their server.
func (h *Hub) shun(tx *store.Tx, act *copse.Activity) error {
	switch {
	case act.Via != nil || act.Subject.Type == copse.Group:
		return copse.Invalid("", "only people can be blocked")
	case act.Subject.ID == act.Actor.ID:
		return copse.Invalid("", "you cannot block yourself")
	}
	return tx.Block(act.Actor.ID, act.Subject.ID)
}

// dispatch sends what somebody here does to a private message to the servers of those
// it is for, and to no other.
func (h *Hub) dispatch(tx *store.Tx, act *copse.Activity, to []*copse.Actor) error {
	if !act.Local {
		return nil
	}
	act.Published, act.Message.To = tx.Now, to
	sent := map[string]bool{}
	for _, p := range to {
		if p.Local || sent[p.Host+" "+ownInbox(p)] {
			continue
		}
		sent[p.Host+" "+ownInbox(p)] = true
		one := *act
		if len(sent) > 1 { // each server has its own copy: what one took is no longer kept for it
			one.URI = h.mint(act.Type, act.Actor).URI
		}
		peer, err := tx.PeerAt(p.Host)
		if err != nil {
			return err
		}
		out, err := h.enclose(tx, &one)
		if err != nil {
			return err
		}
		if err := tx.Address(out, peer.ID, ownInbox(p)); err != nil {
			return err
		}
	}
	return nil
}

// enclose adds what is done to a private message to the outbox.
func (h *Hub) enclose(tx *store.Tx, act *copse.Activity) (copse.ID, error) {
	body, err := h.Wire.Marshal(tx, act)
	if err != nil {
		return 0, err
	}
	m := act.Message
	out := &store.Outgoing{URI: act.URI, Type: act.Type, Signer: act.Actor.ID, Body: body, Object: m.ID, Thread: m.Conversation}
	err = tx.Append(out)
	return out.ID, err
}

// Write performs the Create of a private message by somebody here, filling in its
// names. form is as for PostOnce.
func (h *Hub) Write(ctx context.Context, by *copse.Actor, m *copse.Message, form string) (err error) {
	act := h.mint("Create", by)
	if form != "" {
		said := fmt.Appendf(nil, "%d %q message %q", by.ID, form, m.Source)
		for _, p := range m.To {
			said = fmt.Appendf(said, " %d", p.ID)
		}
		act.URI = h.Base + "/activities/create/" + uuid.NewHash(sha256.New(), uuid.NameSpaceURL, said, 8).String()
	}
	m.Author, m.Local, act.Message = by.ID, true, m
	for range 5 { // another process may have minted the same id
		m.ID = store.NewID()
		m.URI = fmt.Sprintf("%s/message/%d", h.Base, m.ID)
		if err = h.Perform(ctx, act); copse.CodeOf(err) != copse.CodeConflict {
			break
		}
	}
	if err != nil {
		return err
	}
	return h.DB.View(ctx, func(tx *store.Tx) error {
		made, err := tx.MadeMessage(act.URI)
		if err == nil {
			*m = *made
		}
		return err
	})
}

// Rewrite performs the Update of m, which was read from the store and changed, by its
// author here.
func (h *Hub) Rewrite(ctx context.Context, by *copse.Actor, m *copse.Message) error {
	m.Edited = time.Time{} // now
	return h.withMessage(ctx, "Update", by, m)
}

// Unsay performs the Delete of m by its author here.
func (h *Hub) Unsay(ctx context.Context, by *copse.Actor, m *copse.Message) error {
	return h.withMessage(ctx, "Delete", by, m)
}

// Read records that somebody here has read a conversation as far as m.
func (h *Hub) Read(ctx context.Context, by *copse.Actor, m *copse.Message) error {
	return h.withMessage(ctx, "Read", by, m)
}

// Mute has somebody here hear no more of the conversation that m is in, or hear of it
// again.
func (h *Hub) Mute(ctx context.Context, by *copse.Actor, m *copse.Message, muted bool) error {
	if muted {
		return h.withMessage(ctx, "Ignore", by, m)
	}
	act := h.mint("Undo", by)
	act.Inner = h.mint("Ignore", by)
	act.Inner.Message = m
	return h.Perform(ctx, act)
}

func (h *Hub) withMessage(ctx context.Context, typ string, by *copse.Actor, m *copse.Message) error {
	act := h.mint(typ, by)
	act.Message = m
	return h.Perform(ctx, act)
}

// Shun has no more messages come to by from another person, or lets them come again.
func (h *Hub) Shun(ctx context.Context, by, person *copse.Actor, blocked bool) error {
	block := h.mint("Block", by)
	block.Subject = person
	if blocked {
		return h.Perform(ctx, block)
	}
	act := h.mint("Undo", by)
	act.Inner = block
	return h.Perform(ctx, act)
}
