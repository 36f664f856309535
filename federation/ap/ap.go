// Package ap is the wire: ActivityStreams as JSON, with the liberties peers take
// with it. It knows nothing of this server.
//
// Parse is the way in. It refuses what two programs could read in two ways
// (Check), then reads the rest generously: a member that may be a string, an
// object, a list or null is read whichever it is, and one that makes no sense is
// taken as absent. Marshal is the way out, in the compact names peers look for
// literally, since hardly any of them does JSON-LD.
package ap

import (
	"encoding/json"
	"time"
)

// Public is the address that means everybody (ActivityPub §5.6). Parse puts it in
// place of "as:Public", which Ghost sends, and "Public".
const Public = "https://www.w3.org/ns/activitystreams#Public"

// An Object is anything on the wire: an activity, what somebody made, an actor, a
// collection, a link. They share one namespace there, so they share one struct
// here, and the zero value of a field means that the member is absent.
//
// A member that only one kind of content uses has no field: that kind reads it
// from Raw and writes it with Extra.
type Object struct {
	// Context is "@context", as received. Marshal writes ActivityContext at the
	// top of a document that has none, or ProofContext.
	Context json.RawMessage
	ID      string
	Type    string

	// Raw is the object exactly as it was received: a slice of what Parse was
	// given, so neither may be written to. It is nil for a bare id. Marshal
	// sends an embedded object that has it unchanged, whatever the other fields
	// say, so that proofs in it survive: clear it to send the fields instead.
	Raw json.RawMessage

	// Extra is written after the members below, in the order of its names.
	// Parse leaves it nil.
	Extra map[string]any

	// What an activity does, to what. Object is nil if there are several, which
	// are in Objects then (a Flag by Mastodon, a batch of votes by PieFed): no
	// two readers can take different ones for the object.
	Actor       Refs
	Object      *Object
	Objects     []Object
	Target      *Object
	Origin      *Object
	Instrument  *Object
	Result      *Object
	RemoveData  bool      // Block, Delete: everything the person made here goes too
	WithReplies bool      // Delete: the replies go too (Lemmy 1.0)
	Expires     time.Time // Block: until when, for Mbin and older Lemmy; newer peers read EndTime

	// Whom it is for. An empty To or CC that is not nil is written, as [], since
	// Lemmy requires both members on most activities.
	To       Strings
	CC       Strings
	Audience Strings // the community; written as one string if it is one

	// What somebody made.
	AttributedTo    Refs              // on a Group, the collection of its moderators
	InReplyTo       string            // the direct parent
	Thread          string            // "context": the collection of the whole conversation
	History         string            // "contextHistory": the collection of what was done in it (FEP-f228); read, never written
	Replies         *Object           // a collection; on a poll's option, TotalItems is the votes
	Name            string            // plain text
	Summary         string            // HTML, or a content warning, by peer and type
	Content         string            // HTML, if MediaType does not say otherwise
	ContentMap      map[string]string // by language tag
	MediaType       string
	Source          *Object // what Content was made from: its Content and MediaType. Mbin sends a URL: its ID
	URL             string  // the page for people
	Href            string  // of a Link, Mention or Hashtag
	Rel             string
	Value           string // of a PropertyValue, HTML
	Attachment      []Object
	Tag             []Object
	Icon            *Object // an Image with its URL, however it was sent
	Image           *Object
	Preview         *Object // FEP-b2b8: a Note to show for an Article
	Language        []Language
	Sensitive       *bool
	CommentsEnabled *bool // absent means true
	Stickied        *bool
	Distinguished   *bool // spoken as a moderator
	Published       time.Time
	Updated         time.Time
	Deleted         time.Time // of a Tombstone
	FormerType      string    // of a Tombstone
	StartTime       time.Time // keeps its offset, both ways
	EndTime         time.Time // likewise; of a Block, until when
	Location        *Object
	OneOf           []Object // the options of a poll
	AnyOf           []Object // likewise, several may be chosen
	Closed          time.Time
	VotersCount     *int
	Quote           string // what it shows of another's (FEP-044f, Misskey); read, never written

	// Actors.
	PreferredUsername         string
	Webfinger                 string // FEP-2c59, name@host
	Inbox                     string
	Outbox                    string
	Followers                 string
	Following                 string
	Featured                  string
	Moderators                string
	Endpoints                 Endpoints
	PublicKey                 []Key    // of a document that is itself a key, that key
	AssertionMethod           []Key    // FEP-521a
	Generator                 *Object  // FEP-844e: the program, an Application with what it Implements
	Implements                []Object // FEP-844e: Links to standards
	ManuallyApprovesFollowers *bool    // on a Group: private (Lemmy 1.0)
	PostingRestrictedToMods   *bool
	Discoverable              *bool
	Indexable                 *bool
	AlsoKnownAs               Strings
	MovedTo                   string

	// Collections and their pages.
	TotalItems   *int
	Items        []Object
	OrderedItems []Object
	First        *Object
	Last         string
	Next         string
	Prev         string
	PartOf       string

	// Signatures inside the document, raw: FEP-8b32 and Linked Data Signatures.
	Proof     json.RawMessage
	Signature json.RawMessage

	// copse's own, written with the prefix "copse:".
	Question     bool   // a topic that asks for an answer
	Answer       string // the reply that was accepted as the answer
	MemberCount  int
	CouncilCount int
	JobTitle     string
	Vouched      bool    // the actor's council says that they work there
	Join         string  // "open", "approval" or "invitation"
	Reason       string  // on a Follow: why somebody wants to join; on a Flag: what is wrong, in the reporter's words alone
	Category     string  // on a Flag: what sort of thing is wrong
	Outcome      string  // on a Resolve: what was done
	Log          string  // on a Group: the collection of all that it has announced
	Communities  Strings // on a Move: those that a person was in

	self Key // what the members of a key document add up to
}

// IsRef reports whether only the id of o is known. It is false for nil.
func (o *Object) IsRef() bool {
	if o == nil || o.ID == "" || o.Raw != nil || o.Extra != nil {
		return false
	}
	for _, m := range members {
		if m.name != "id" && !empty(o, m.at(o)) {
			return false
		}
	}
	return true
}

// URI returns the id of o, or "" if there is no o: a peer can leave out any
// member.
func (o *Object) URI() string {
	if o == nil {
		return ""
	}
	return o.ID
}

// Ref returns an object of which only the id is known.
func Ref(uri string) *Object { return &Object{ID: uri} }

// Refs are the values of a member that may have several, each an id or a whole
// object, in order. What cannot be read among several is a zero Object, so that
// it still counts.
type Refs []Object

// RefsTo returns references to uris.
func RefsTo(uris ...string) Refs {
	refs := make(Refs, len(uris))
	for i, uri := range uris {
		refs[i].ID = uri
	}
	return refs
}

// One returns the id of the only value. It is not ok if there are more, or none:
// where check and display took different elements of a list for the author,
// posts were forged (NodeBB, 2026).
func (r Refs) One() (id string, ok bool) {
	if len(r) != 1 || r[0].ID == "" {
		return "", false
	}
	return r[0].ID, true
}

// Strings are ids, which peers send as a string, an object with an id, or a list
// of either.
type Strings []string

// A Language is Lemmy's and PieFed's way to say what something is written in.
// Identifier is a language tag, or "und".
type Language struct {
	Identifier, Name string
}

// Endpoints are an actor's addresses that it shares with others on its server.
// Discourse puts SharedInbox at the top of the actor, and it is read from there
// too.
type Endpoints struct {
	SharedInbox string
}

// A Key is a public key of Owner. PEM is text as received, SPKI or PKCS #1
// (Mobilizon); Multibase is set instead for a Multikey (FEP-521a). With neither
// only the ID is known.
type Key struct {
	ID, Owner, PEM, Multibase string
}
