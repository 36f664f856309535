package hub

import (
	"copse/copse"
	"copse/store"
)

// undo takes back what the same actor did. What it was is found by who did it to
// what: the id of what is undone may be missing or made up (Mastodon's are).
func (h *Hub) undo(tx *store.Tx, act *copse.Activity) error {
	if act.Inner == nil || act.Inner.Actor == nil || act.Inner.Actor.ID != act.Actor.ID {
		return copse.Forbidden("one can only undo what one did oneself")
	}
	switch act.Inner.Type {
	case "Follow":
		return h.unfollow(tx, act)
	case "Like":
		return h.unlike(tx, act)
	}
	return copse.Invalid("", "this server does not understand %q", "Undo "+act.Inner.Type)
}
