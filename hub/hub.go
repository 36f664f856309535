// Package hub carries out activities. It is the one place where a community
// changes, whether somebody here filled in a form or a peer delivered something.
//
// Verbs are files: create.go, follow.go and so on each say what one type of
// activity does. What differs between kinds of content is asked of copse.Kinds.
// post.go has what people here do, as forms and apps ask for it.
package hub

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"copse/copse"
	"copse/store"
)

// A Hub carries out activities against a database.
type Hub struct {
	DB    *store.DB
	Kinds copse.Kinds
	Wire  Wire
	Base  string // "https://stevenage.gov.uk"

	// Notify tells people here about an activity that has just taken effect, in
	// the same transaction. Nil tells nobody.
	Notify func(*store.Tx, *copse.Activity) error

	// What waits to be dealt with, rung after the commit that made it wait.
	Outbox, Received, Mail Bell
}

// Wire turns an activity into what is sent to peers. federation provides it.
type Wire interface {
	Marshal(*store.Tx, *copse.Activity) ([]byte, error)
}

// A verb is what one type of activity does, within a transaction.
type verb func(*Hub, *store.Tx, *copse.Activity) error

// verbOf is a function, not a table, because announce leads back to it.
func verbOf(typ string) verb {
	switch typ {
	case "Create":
		return (*Hub).create
	case "Update":
		return (*Hub).update
	case "Delete":
		return (*Hub).remove
	case "Follow":
		return (*Hub).follow
	case "Accept":
		return (*Hub).accept
	case "Reject":
		return (*Hub).reject
	case "Undo":
		return (*Hub).undo
	case "Like", "Dislike":
		return (*Hub).vote
	case "Block":
		return (*Hub).block
	case "Lock":
		return (*Hub).lock
	case "Add":
		return (*Hub).add
	case "Remove":
		return (*Hub).takeOff
	case "Move":
		return (*Hub).move
	case "Announce":
		return (*Hub).announce
	case "QuoteRequest":
		return (*Hub).quote
	case "Read":
		return (*Hub).read
	case "Ignore":
		return (*Hub).ignore
	case "Flag":
		return (*Hub).flag
	case "Resolve":
		return (*Hub).resolve
	}
	return nil
}

// Knows reports whether a type of activity means anything here.
func Knows(typ string) bool { return verbOf(typ) != nil }

// Perform carries out act, once: an activity seen before changes nothing.
// The change, the record of it and the deliveries it causes commit together,
// and are on disk when Perform returns.
func (h *Hub) Perform(ctx context.Context, act *copse.Activity) error {
	err := h.DB.Update(ctx, func(tx *store.Tx) error { return h.perform(tx, act) })
	if errors.Is(err, errRepeated) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s by %s: %w", act.Type, act.Actor.URI, err)
	}
	h.Outbox.Ring()
	h.Mail.Ring()
	return nil
}

// PerformAll carries out what a community elsewhere passes on in one go, whole being
// the announcement of all of it: each as if it had been announced alone, in one
// transaction. They are votes, which do nothing before they are refused, so that
// one that is does not keep out the rest.
func (h *Hub) PerformAll(ctx context.Context, whole *copse.Activity, announced []*copse.Activity) error {
	for {
		err := h.DB.Update(ctx, func(tx *store.Tx) error { return h.performAll(tx, whole, announced) })
		if errors.Is(err, errRepeated) {
			continue // now it is known to have been
		}
		if err != nil {
			return fmt.Errorf("%d announced by %s: %w", len(announced), whole.Actor.URI, err)
		}
		h.Outbox.Ring()
		h.Mail.Ring()
		return nil
	}
}

func (h *Hub) performAll(tx *store.Tx, whole *copse.Activity, announced []*copse.Activity) error {
	seen, err := tx.Seen(whole.URI)
	if err != nil || seen {
		return err
	}
	for _, act := range announced {
		err := h.announce(tx, act)
		if err != nil && copse.CodeOf(err) == copse.CodeInternal {
			return err
		}
	}
	fresh, err := tx.RecordActivity(whole)
	if err == nil && !fresh {
		err = errRepeated
	}
	return err
}

// errRepeated undoes the second of two equal activities that ran side by side,
// which only PostgreSQL allows.
var errRepeated = errors.New("seen before")

func (h *Hub) perform(tx *store.Tx, act *copse.Activity) error {
	do := verbOf(act.Type)
	if do == nil {
		return copse.Invalid("", "this server does not understand %q", act.Type)
	}
	seen, err := tx.Seen(act.URI)
	if err != nil || seen {
		return err
	}
	if err := do(h, tx, act); err != nil {
		return err
	}
	fresh, err := tx.RecordActivity(act)
	if err != nil {
		return err
	}
	if !fresh {
		return errRepeated
	}
	if h.Notify == nil || act.Vouched || act.Proposed {
		return nil // what only a community says somebody did is nobody's news, nor what nobody did yet
	}
	return h.Notify(tx, act)
}

// mint returns an activity of the given type by somebody here.
func (h *Hub) mint(typ string, actor *copse.Actor) *copse.Activity {
	return &copse.Activity{
		// Version 7 begins with the time: an index of these grows at its end.
		URI:  h.Base + "/activities/" + strings.ToLower(typ) + "/" + uuid.Must(uuid.NewV7()).String(),
		Type: typ, Actor: actor, Local: true,
	}
}
