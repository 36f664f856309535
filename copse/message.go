package copse

import (
	"strings"
	"time"
	"unicode/utf8"
)

// A Message is what somebody wrote to a few people and to nobody else. It is no
// Object: it is in no community, and nothing that lists objects can come upon it.
type Message struct {
	ID           ID     // by when it came here: nobody dates what they write into the past
	URI          string // the ActivityPub id
	Conversation ID
	Author       ID
	Parent       ID       // the message before that it goes on from; zero if there is none
	To           []*Actor // whom a new one is for, its author left out; not kept with it
	Others       []string // URIs of people elsewhere whom it is for too, and of whom nothing is known here; likewise
	Source       string   // the Markdown it was written in; "" if a peer sent none
	HTML         string   // sanitised on the way in, so safe to show
	Language     string   // "en", "cy"; "" if not said
	Local        bool
	Published    time.Time
	Edited       time.Time // when its author last wrote it anew; zero if never
	Deleted      time.Time
}

// Limits on messages.
const (
	MaxMessage    = 10_000 // characters of what people here write; peers' words are held to MaxContent
	MaxRecipients = 20     // people that one message may be for
	MaxMessages   = 60     // that one person may write within an hour
)

// A Reach is from whom somebody here takes messages.
type Reach string

// The reaches.
const (
	ReachKnown  Reach = ""       // people at their council, and in a community with them
	ReachAnyone Reach = "anyone" // anybody whose server is talked with
	ReachNobody Reach = "nobody" // nobody but those they have written to
)

// A Correspondence is how the person who writes a message stands to one of those it
// is for.
type Correspondence struct {
	To      *Actor
	Reach   Reach // of To; ReachAnyone for somebody elsewhere, whose server knows better
	Absent  bool  // To is gone, or has never proved their address
	Blocks  bool  // the writer has blocked To
	Blocked bool  // To has blocked the writer
	Known   bool  // they are at one council, or both have to do with one community
	Wrote   bool  // To has written in this conversation: whoever writes takes an answer
	OneOnly bool  // To's server takes messages to one person alone
	People  int   // how many the message is for
}

// MayMessage returns nil if a message may be written to the person f is about, and
// otherwise an error that says why not. Whether somebody is blocked or only a stranger
// is not told apart.
func MayMessage(f Correspondence) error {
	switch {
	case f.Absent:
		return NotFound("there is nothing here")
	case f.To.Type != Person && f.To.Type != Service:
		return Invalid("to", "%s is not a person; messages are between people", f.To.Title)
	case f.Blocks:
		return Forbidden("you have blocked %s; unblock them to write to them", f.To.Title)
	case f.OneOnly && f.People > 1:
		return Forbidden("the server that %s uses takes messages to one person only; write to them on their own", f.To.Title)
	case f.Blocked:
	case f.Wrote, f.Reach == ReachAnyone, f.Reach == ReachKnown && f.Known:
		return nil
	}
	return Forbidden("%s does not take messages from you", f.To.Title)
}

// MayMessageMore returns nil if somebody who has written so many messages within an
// hour may write another.
func MayMessageMore(written int) error {
	if written >= MaxMessages {
		return TooMany(10*time.Minute, "you have sent %d messages in an hour; wait a little before you send more", written)
	}
	return nil
}

// MayChangeMessage returns nil if somebody may change or delete m: its author may,
// and nobody else on any page.
func MayChangeMessage(m *Message, actor ID) error {
	switch {
	case m.Author != actor:
		return Forbidden("only the author may change this")
	case !m.Deleted.IsZero():
		return Forbidden("this has been removed and cannot be changed")
	}
	return nil
}

// CheckMessage returns an error that says what is wrong with the words of m, or with
// how many it is for.
func CheckMessage(m *Message, recipients int) error {
	switch {
	case recipients == 0:
		return Invalid("to", "say who the message is for")
	case recipients > MaxRecipients:
		return Invalid("to", "a message can be for %d people at most", MaxRecipients)
	case strings.TrimSpace(m.HTML) == "":
		return Invalid("text", "enter your message")
	case m.Local && utf8.RuneCountInString(m.Source) > MaxMessage:
		return Invalid("text", "the message must be %d characters or fewer", MaxMessage)
	case len(m.HTML) > MaxContent:
		return Invalid("text", "the text is too long; put long texts into more than one")
	}
	return nil
}
