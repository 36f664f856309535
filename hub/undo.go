package hub

import (
	"copse/copse"
	"copse/store"
)

// undo takes back what was done: by the same actor, or where a community was ruled
// by whoever may rule it now. What it was is found by what it was done to: the id
// of what is undone may be missing or made up (Mastodon's are).
func (h *Hub) undo(tx *store.Tx, act *copse.Activity) error {
	if act.Inner == nil || act.Inner.Actor == nil || act.Inner.Actor.ID != act.Actor.ID {
		return copse.Forbidden("one can only undo what one did oneself")
	}
	var err error
	switch act.Inner.Type {
	case "Delete":
		err = h.restore(tx, act)
	case "Block":
		err = h.unblock(tx, act)
	case "Lock":
		err = h.unlock(tx, act)
	case "Follow":
		err = h.unfollow(tx, act)
	case "Announce":
		err = h.dealtWith(tx, act)
	case "Like", "Dislike":
		err = h.unvote(tx, act)
	case "Ignore":
		err = h.unignore(tx, act)
	default:
		err = copse.Invalid("", "this server does not understand %q", "Undo "+act.Inner.Type)
	}
	if err != nil || act.Local || act.Inner.URI == "" {
		return err
	}
	// If what is undone is still under way, it must do nothing when it arrives. Nor
	// does it stand among what was done in the community: it may have been made up.
	undone := *act.Inner
	undone.Community = nil
	_, err = tx.RecordActivity(&undone)
	return err
}
