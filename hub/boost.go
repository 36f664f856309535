package hub

import (
	"crypto/sha256"

	"github.com/google/uuid"

	"copse/copse"
	"copse/store"
)

// boost appends what act is to microblogs, if it is anything to them and told says
// that there is one to be told. It returns its place in the outbox, 0 if there is
// nothing: they get new conversations for everybody, by address, which they fetch
// and show as shared by the community; that one is gone; and how the community
// describes itself. Anything else they would show as a post, or not understand.
func (h *Hub) boost(tx *store.Tx, act *copse.Activity, o *copse.Object, told bool) (copse.ID, error) {
	c := act.Community
	var tell *copse.Activity
	switch starts := o != nil && o.TopLevel() && o.Audience == copse.Public; {
	case act.Type == "Create" && starts:
		tell = h.shared(c, o)
	case act.Type == "Delete" && starts:
		tell = h.mint("Undo", &c.Actor)
		tell.Inner = h.shared(c, o)
	case act.Type == "Update" && act.Subject != nil && act.Actor.ID != c.ID: // not its numbers alone
		tell = h.mint("Update", &c.Actor)
		tell.Subject = act.Subject
	default:
		return 0, nil
	}
	if !told {
		var err error
		if told, err = tx.ReachesMicroblogs(c.ID); err != nil || !told {
			return 0, err
		}
	}
	tell.Community, tell.Published = c, tx.Now
	out, err := h.outgoing(tx, tell, o)
	if err != nil {
		return 0, err
	}
	out.Community, out.Microblog = c.ID, true
	err = tx.Append(out)
	return out.ID, err
}

// shared is the announcement of o by its address. There is one of an object, under
// one id: Mastodon takes another for another boost.
func (h *Hub) shared(c *copse.Community, o *copse.Object) *copse.Activity {
	name := uuid.NewHash(sha256.New(), uuid.NameSpaceURL, []byte(c.URI+" "+o.URI), 8)
	return &copse.Activity{
		URI: h.Base + "/activities/announce/" + name.String(), Type: "Announce", Actor: &c.Actor,
		Object: o, Community: c, Published: o.Accepted, Local: true,
	}
}
