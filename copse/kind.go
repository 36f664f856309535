package copse

import (
	"strings"
	"unicode/utf8"
)

// A Kind is one sort of content. It holds only what differs between kinds;
// storage, replies, timelines, moderation and delivery treat all objects alike.
type Kind struct {
	Name  string              // "event": in the kind column and in URLs
	Reply bool                // answers something, so has a parent and no title
	Check func(*Object) error // rules beyond the common ones, or nil
}

// Limits on what one object may hold, in characters and bytes. Peers' words are
// held to them too.
const (
	MaxTitle   = 200       // characters
	MaxContent = 256 << 10 // bytes of HTML
	MaxReason  = 1000      // characters of why somebody wants to join
	MaxDepth   = 50        // replies to replies; Lemmy refuses deeper ones
)

// Kinds is the set a server runs with.
type Kinds map[string]Kind

// Check applies the common rules to o and then those of its kind.
func (ks Kinds) Check(o *Object) error {
	k, ok := ks[o.Kind]
	switch {
	case !ok:
		return Invalid("", "this server has no %q content", o.Kind)
	case !k.Reply && strings.TrimSpace(o.Title) == "":
		return Invalid("title", "enter a title")
	case utf8.RuneCountInString(o.Title) > MaxTitle:
		return Invalid("title", "the title must be %d characters or fewer", MaxTitle)
	case k.Reply && strings.TrimSpace(o.HTML) == "":
		return Invalid("text", "enter your reply")
	case len(o.HTML) > MaxContent:
		return Invalid("text", "the text is too long; put long texts into more than one")
	case k.Check != nil:
		return k.Check(o)
	}
	return nil
}
