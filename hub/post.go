package hub

import (
	"context"
	"crypto/sha256"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"copse/copse"
	"copse/store"
)

// Post performs the Create of o by somebody here, filling in its names. What has
// a time already, because it was said before this server was there, keeps it.
func (h *Hub) Post(ctx context.Context, by *copse.Actor, o *copse.Object) error {
	return h.post(ctx, o, h.mint("Create", by))
}

// PostOnce is Post from a form, which a double click or a reload sends twice. form
// is a text that nobody guesses, made when it was shown. The same words from the
// same form are one post: o becomes what the first of them made.
func (h *Hub) PostOnce(ctx context.Context, by *copse.Actor, o *copse.Object, form string) error {
	if form == "" {
		return h.Post(ctx, by, o)
	}
	act := h.mint("Create", by)
	// Other words are another post: who comes back to the form may go on writing.
	said := fmt.Appendf(nil, "%d %q %s %d %d %t %q %q", by.ID, form, o.Kind, o.Community, o.Parent, o.Question, o.Title, o.Source)
	act.URI = h.Base + "/activities/create/" + uuid.NewHash(sha256.New(), uuid.NameSpaceURL, said, 8).String()
	if err := h.post(ctx, o, act); err != nil {
		return err
	}
	return h.DB.View(ctx, func(tx *store.Tx) error {
		made, err := tx.Made(act.URI)
		if err == nil {
			*o = *made
		}
		return err
	})
}

func (h *Hub) post(ctx context.Context, o *copse.Object, act *copse.Activity) (err error) {
	for range 5 { // ids of what peers made at the same moment may be in the way
		err = h.tryPost(ctx, o, act)
		if copse.CodeOf(err) != copse.CodeConflict {
			return err
		}
	}
	return err
}

func (h *Hub) tryPost(ctx context.Context, o *copse.Object, act *copse.Activity) error {
	o.ID, o.Author, o.Local = store.NewID(), act.Actor.ID, true
	if !o.Published.IsZero() {
		o.ID = store.NewIDAt(o.Published)
	}
	path := "/post/"
	if o.Parent != 0 {
		path = "/comment/"
	}
	o.URI = fmt.Sprintf("%s%s%d", h.Base, path, o.ID)
	act.Object = o
	return h.Perform(ctx, act)
}

// Edit performs the Update of o, which was read from the store and changed, by
// somebody here.
func (h *Hub) Edit(ctx context.Context, by *copse.Actor, o *copse.Object) error {
	act := h.mint("Update", by)
	act.Object = o
	return h.Perform(ctx, act)
}

// Remove performs the Delete of o. A facilitator who removes somebody else's
// words says why.
func (h *Hub) Remove(ctx context.Context, by *copse.Actor, o *copse.Object, reason string) error {
	if o.Author != by.ID && strings.TrimSpace(reason) == "" {
		return copse.Invalid("reason", "say why you are removing this")
	}
	act := h.mint("Delete", by)
	act.Object, act.Reason = o, reason
	return h.Perform(ctx, act)
}

// Restore puts back o, which a facilitator removed.
func (h *Hub) Restore(ctx context.Context, by *copse.Actor, o *copse.Object) error {
	removal := h.mint("Delete", by)
	removal.Object = o
	err := h.DB.View(ctx, func(tx *store.Tx) error {
		uri, reason, err := tx.Removal(o.URI)
		if strings.HasPrefix(uri, h.Base+"/") {
			removal.URI = uri // of anybody here: peers look at what it was done to
		}
		// To peers it is the reason that makes it a removal.
		removal.Reason = reason
		return err
	})
	if err != nil {
		return err
	}
	if removal.Reason == "" {
		removal.Reason = "removed by a facilitator" // with all that somebody wrote
	}
	act := h.mint("Undo", by)
	act.Inner = removal
	return h.Perform(ctx, act)
}

// Lock closes a conversation here to replies, or opens it again. reason may be
// empty; whoever reads the conversation sees it.
func (h *Hub) Lock(ctx context.Context, by *copse.Actor, topic *copse.Object, closed bool, reason string) error {
	reason = strings.TrimSpace(reason)
	if utf8.RuneCountInString(reason) > copse.MaxReason {
		return copse.Invalid("reason", "the reason must be %d characters or fewer", copse.MaxReason)
	}
	lock := h.mint("Lock", by)
	lock.Object, lock.Reason = topic, reason
	if closed {
		return h.Perform(ctx, lock)
	}
	err := h.DB.View(ctx, func(tx *store.Tx) error {
		was, err := tx.Lock(topic.ID)
		if err == nil && was != nil && strings.HasPrefix(was.Activity, h.Base+"/") {
			lock.URI, lock.Reason = was.Activity, was.Reason
		}
		return err
	})
	if err != nil {
		return err
	}
	act := h.mint("Undo", by)
	act.Inner = lock
	return h.Perform(ctx, act)
}

// Pin has a conversation stand first in its community, or no longer.
func (h *Hub) Pin(ctx context.Context, by *copse.Actor, topic *copse.Object, pinned bool) error {
	typ := "Remove"
	if pinned {
		typ = "Add"
	}
	act := h.mint(typ, by)
	act.Object = topic
	return h.Perform(ctx, act)
}

// SendAgain has other councils asked once more to take o, which they did not and
// we had stopped trying. It changes nothing but what is sent, so it is no activity.
func (h *Hub) SendAgain(ctx context.Context, by *copse.Actor, o *copse.Object) error {
	err := h.DB.Update(ctx, func(tx *store.Tx) error {
		c, err := tx.Community(o.Community)
		if err != nil {
			return err
		}
		facts, err := tx.Facts(by.ID, c, o)
		if err != nil {
			return err
		}
		login, err := tx.Login(by.ID)
		if err != nil {
			return err
		}
		facts.Admin = login.Role != store.Ordinary
		if err := copse.MaySendAgain(facts); err != nil {
			return err
		}
		return tx.SendAgain(o.ID)
	})
	if err != nil {
		return fmt.Errorf("send %s again: %w", o.URI, err)
	}
	h.Outbox.Ring()
	return nil
}

// Like marks o as helpful to by, or takes that back.
func (h *Hub) Like(ctx context.Context, by *copse.Actor, o *copse.Object, helpful bool) error {
	like := h.mint("Like", by)
	like.Object = o
	if helpful {
		return h.Perform(ctx, like)
	}
	err := h.DB.View(ctx, func(tx *store.Tx) (err error) {
		like.URI, err = tx.Response(o.ID, by.ID, "Like")
		return err
	})
	if err != nil || like.URI == "" {
		return err
	}
	undo := h.mint("Undo", by)
	undo.Inner = like
	return h.Perform(ctx, undo)
}

// Join asks for by to be let into a community. reason is shown to its
// facilitators.
func (h *Hub) Join(ctx context.Context, by *copse.Actor, community *copse.Actor, reason string) error {
	reason = strings.TrimSpace(reason)
	if utf8.RuneCountInString(reason) > copse.MaxReason {
		return copse.Invalid("reason", "the reason must be %d characters or fewer", copse.MaxReason)
	}
	act := h.mint("Follow", by)
	act.Subject, act.Reason = community, reason
	return h.Perform(ctx, act)
}

// Leave takes by out of a community.
func (h *Hub) Leave(ctx context.Context, by *copse.Actor, community *copse.Actor) error {
	follow := h.mint("Follow", by)
	follow.Subject = community
	act := h.mint("Undo", by)
	act.Inner = follow
	return h.Perform(ctx, act)
}

// Decide lets person into a community, or turns them down, as the facilitator by
// decided. words are sent with it.
func (h *Hub) Decide(ctx context.Context, by *copse.Actor, c *copse.Community, person *copse.Actor, welcome bool, words string) error {
	typ := "Reject"
	if welcome {
		typ = "Accept"
	}
	act := h.mint(typ, &c.Actor)
	if act.By = by; !c.Local {
		act.Actor, act.By = by, nil // its home answers for it
	}
	act.Reason = words
	act.Inner = &copse.Activity{Type: "Follow", Actor: person, Subject: &c.Actor}
	return h.Perform(ctx, act)
}

// Appoint makes a member one of those who look after a community, or an ordinary
// member again.
func (h *Hub) Appoint(ctx context.Context, by *copse.Actor, c *copse.Community, person *copse.Actor, facilitator bool) error {
	typ := "Remove"
	if facilitator {
		typ = "Add"
	}
	act := h.mint(typ, by)
	act.Subject, act.Community = person, c
	return h.Perform(ctx, act)
}

// Ban keeps a person out of a community until a time, or for good if that is
// zero. all removes what they wrote in it, too.
func (h *Hub) Ban(ctx context.Context, by *copse.Actor, c *copse.Community, person *copse.Actor, until time.Time, all bool, reason string) error {
	reason = strings.TrimSpace(reason)
	switch {
	case reason == "":
		return copse.Invalid("reason", "say why you are blocking this person")
	case utf8.RuneCountInString(reason) > copse.MaxReason:
		return copse.Invalid("reason", "the reason must be %d characters or fewer", copse.MaxReason)
	}
	act := h.mint("Block", by)
	act.Subject, act.Community, act.Reason, act.Until, act.RemoveData = person, c, reason, until, all
	return h.Perform(ctx, act)
}

// Unban lets a person join a community again.
func (h *Hub) Unban(ctx context.Context, by *copse.Actor, c *copse.Community, person *copse.Actor) error {
	block := h.mint("Block", by)
	block.Subject, block.Community = person, c
	err := h.DB.View(ctx, func(tx *store.Tx) error {
		m, err := tx.Membership(c.ID, person.ID)
		if err == nil && m.State == copse.Blocked {
			block.Reason, block.Until = m.Reason, m.Until
			if strings.HasPrefix(m.Follow, h.Base+"/") {
				block.URI = m.Follow
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	act := h.mint("Undo", by)
	act.Inner = block
	return h.Perform(ctx, act)
}

var goodName = regexp.MustCompile(`^[a-z0-9_]{2,30}$`)

// reserved are the names nobody gets: paths of ours, and names people would
// trust too easily.
var reserved = " about activities admin administrator api assets authorize_interaction c comment communities " +
	"copse federation help home inbox instance library login mail media moderator nodeinfo notifications oauth " +
	"outbox owner people post postmaster register root search security settings setup signin signout support " +
	"system u webmaster "

// CheckName returns an error unless name may be given to a person or community
// here: 2 to 30 of a to z, 0 to 9 and the underscore (Lemmy and its apps choke
// on more), and not reserved.
func CheckName(name string) error {
	switch {
	case !goodName.MatchString(name):
		return copse.Invalid("name", "use 2 to 30 small letters, digits or underscores")
	case strings.Contains(reserved, " "+name+" "):
		return copse.Invalid("name", "%s is reserved; choose another name", name)
	}
	return nil
}

// Found starts a community here for by, who becomes its owner. by may be this
// server's own actor, when an administrator does it.
func (h *Hub) Found(ctx context.Context, by *copse.Actor, c *copse.Community) error {
	if err := CheckName(c.Name); err != nil {
		return err
	}
	if strings.TrimSpace(c.Title) == "" {
		return copse.Invalid("title", "enter a title")
	}
	h.local(&c.Actor, copse.Group, "/c/")
	act := h.mint("Create", by)
	act.Subject, act.Community = &c.Actor, c
	return h.Perform(ctx, act)
}

// Govern performs the Update of how a community of ours is run, or asks for one
// elsewhere to be described as c is: no more than that is anybody's at another council.
func (h *Hub) Govern(ctx context.Context, by *copse.Actor, c *copse.Community) error {
	if strings.TrimSpace(c.Title) == "" {
		return copse.Invalid("title", "enter a title")
	}
	act := h.mint("Update", by)
	act.Subject, act.Community = &c.Actor, c
	return h.Perform(ctx, act)
}

// Describe performs the Update of how a person here describes themselves.
func (h *Hub) Describe(ctx context.Context, person *copse.Actor) error {
	act := h.mint("Update", person)
	act.Subject = person
	return h.Perform(ctx, act)
}

// Register adds a person here with an account to sign in with; then runs, in the
// same transaction, is where the caller adds the link that confirms the address.
func (h *Hub) Register(ctx context.Context, person *copse.Actor, account *store.Account, then func(*store.Tx) error) error {
	if err := CheckName(person.Name); err != nil {
		return err
	}
	h.local(person, copse.Person, "/u/")
	account.Actor, account.Created = person.ID, person.Created
	err := h.DB.Update(ctx, func(tx *store.Tx) error {
		if err := tx.AddActor(person); err != nil {
			return err
		}
		if err := tx.AddAccount(account); err != nil {
			return err
		}
		if then == nil {
			return nil
		}
		return then(tx)
	})
	if err != nil {
		return fmt.Errorf("register %s: %w", person.Name, err)
	}
	h.Mail.Ring()
	return nil
}
