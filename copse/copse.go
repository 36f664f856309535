// Package copse holds the nouns of the system and the rules about them.
//
// It imports nothing of ours and does no I/O, so a rule can be read, tested and
// argued about without a database or a network.
package copse

import (
	"bytes"
	"encoding/json"
	"slices"
	"time"
)

// An ID names a row. IDs are minted by the program, not the database: the Unix
// time in milliseconds times 2048, plus a number that tells apart what happened
// in one millisecond. So they sort by time, as numbers and as strings of digits,
// and stay below 2^53, which JavaScript can hold.
type ID int64

// Time returns when id was minted, to the millisecond.
func (id ID) Time() time.Time { return time.UnixMilli(int64(id) / 2048).UTC() }

// An ActorType is what sort of thing can act.
type ActorType string

// The types of actor, by their ActivityStreams names.
const (
	Person      ActorType = "Person"
	Group       ActorType = "Group"       // a community
	Application ActorType = "Application" // a server itself
	Service     ActorType = "Service"     // an automatic author
)

// An Actor can do things: a person, a community or a server, here or on a peer.
type Actor struct {
	ID          ID
	Type        ActorType
	URI         string // the ActivityPub id
	Name        string // "tess": with Host, how people write the address
	Host        string // "stevenage.gov.uk"; a port only on development servers
	Title       string // "Tess Okafor"
	Summary     string // HTML, sanitised on the way in
	Source      string // the Markdown Summary was made from; "" for people elsewhere
	JobTitle    string
	Vouched     bool   // a remote actor's council says that they work there; of local ones, ask the store
	URL         string // the page for people; "" where it is the URI
	Inbox       string
	SharedInbox string // "" where the peer has none
	KeyID       string
	PublicKey   string // PEM
	Multikeys   []Multikey
	Local       bool
	Created     time.Time
	Fetched     time.Time // when a remote actor was last read from its own server
	Gone        time.Time // when it was deleted; zero while it is there
	AlsoKnownAs []string  // URIs of the actors that it says it was elsewhere
	MovedTo     string    // URI of who it says it is now; "" if it has not moved
	Moved       time.Time // when that was last found to be so here; zero for never
}

// HasKey reports whether one of a's keys, of either sort, has the given id.
func (a *Actor) HasKey(id string) bool {
	return id != "" && (a.KeyID == id || slices.ContainsFunc(a.Multikeys, func(k Multikey) bool { return k.ID == id }))
}

// HasMoved reports whether a is somewhere else by now: it says so, and it was found
// that whoever it names says so too.
func (a *Actor) HasMoved() bool { return a.MovedTo != "" && !a.Moved.IsZero() }

// A Multikey is a public key that an actor's proofs can be checked with, and
// signatures by RFC 9421 (FEP-521a).
type Multikey struct {
	ID  string // a URI at the actor's host, without white space
	Key string // in multibase
}

// Handle returns how a is addressed anywhere: "tess@stevenage.gov.uk".
func (a *Actor) Handle() string { return a.Name + "@" + a.Host }

// Path returns the page of a on this server: "/u/tess" for one of ours,
// "/u/tess@stevenage.gov.uk" for one of a peer's.
func (a *Actor) Path() string {
	prefix := "/u/"
	if a.Type == Group {
		prefix = "/c/"
	}
	if a.Local {
		return prefix + a.Name
	}
	return prefix + a.Handle()
}

// A Community is a Group actor together with how it is run.
type Community struct {
	Actor
	Join     Join
	Audience Audience
	Posting  Role // the least role that may start something new
	Sharing  Sharing
	Named    []string // the hosts it is shared with, if Sharing is SharedNamed
	Welcome  string
	Members  int       // counted here for our own; as its home last said for others
	Councils int       // how many servers what is said there is at: its own and the members', likewise
	Active   time.Time // when something was last said in it, as far as we know
	Featured string    // the collection of its pinned topics, where its home says so
	Moving   Moving    // what the administrators here made of its having moved
}

// Limits of how a community is described, in characters. Its title stands at the head
// of each of its pages; Lemmy refuses more than 20 to 120, depending on the server's
// taste.
const (
	MaxCommunityTitle = 80
	MaxPurpose        = 5000
)

// Join is how one becomes a member.
type Join string

// The ways to become a member.
const (
	JoinOpen       Join = "open"
	JoinApproval   Join = "approval"
	JoinInvitation Join = "invitation"
)

// Sharing is which other councils a community is shared with. The zero Sharing is
// SharedAll.
type Sharing string

// The ways to share a community.
const (
	SharedAll   Sharing = "all"   // people at any council that we exchange with may join
	SharedNamed Sharing = "named" // at some, which are named
	SharedHere  Sharing = "here"  // at none: to other servers it is not there
)

// An Audience is who may see something. An object keeps the audience it was
// written for: opening a community later does not open what was said before.
type Audience string

// The audiences.
const (
	Public  Audience = "public"
	Members Audience = "members"
)

// A Role is what a member may do. Roles are ordered: each includes those below.
type Role int

// The roles.
const (
	Guest Role = iota // not a member
	Member
	Moderator // shown to people as "facilitator"
	Owner
)

// A Membership is how an actor stands to a community. Role is Guest unless State
// is Active.
type Membership struct {
	Community ID
	Actor     ID
	Role      Role
	State     State
	Reason    string // why they asked to join, in their words; while Blocked, why they are
	Follow    string // URI of the Follow, or the Block, which Accept and Undo have to name
	Since     time.Time
	Until     time.Time // when Blocked ends, and they may join again; zero for good
	Was       Role      // the role they had under the address they moved from; Guest if they came from none
}

// A State is how far a membership has come.
type State string

// The states of a membership.
const (
	Pending  State = "pending"
	Active   State = "active"
	Declined State = "declined"
	Left     State = "left"
	Blocked  State = "blocked"
	Expected State = "expected" // a member under the address they moved from, and let in once they ask
)

// An Object is one thing somebody made: a topic, an event, a reply.
// Remote and local objects differ only in Local.
type Object struct {
	ID        ID
	URI       string // the ActivityPub id
	Kind      string
	Community ID
	Author    ID
	Root      ID // the top-level object this is in the thread of; zero if it is one
	Parent    ID // what this answers; zero for a top-level object
	Path      string
	Title     string
	Source    string // the Markdown it was written in; "" if a peer sent none
	HTML      string // sanitised on the way in, so safe to show
	Language  string // "en", "cy"; "" if not said
	URL       string // the page for people at its own server; "" where it is the URI
	Audience  Audience
	Question  bool // asked to be answered
	Answer    ID   // the reply its author accepted
	Replies   int  // counted, as are Councils and Likes
	Councils  int  // how many servers the replies came from
	Likes     int
	Starts    time.Time
	Ends      time.Time
	Extra     json.RawMessage // what the kind adds; only its own folder reads it
	Local     bool
	Published time.Time
	Edited    time.Time // when its author last wrote it anew; zero if never
	Accepted  time.Time // when its community took it; zero while a submission waits
	Active    time.Time // of a top-level object: the newest thing in its thread
	Deleted   time.Time
	Removed   bool // deleted by a facilitator, not by its author

	// Where the whole of its conversation is listed, as its author's server says or as
	// what it answers says; "" if neither does. Ours are listed here, whatever it is.
	Conversation string
}

// TopLevel reports whether o starts a thread.
func (o *Object) TopLevel() bool { return o.Root == 0 }

// SameWords reports whether o says what was says: all that its author writes, and
// not which answer they accepted.
func (o *Object) SameWords(was *Object) bool {
	return o.Title == was.Title && o.HTML == was.HTML && o.Source == was.Source && o.Question == was.Question &&
		o.Starts.Equal(was.Starts) && o.Ends.Equal(was.Ends) && bytes.Equal(o.Extra, was.Extra)
}

// Thread returns the id of the top-level object of o's thread, which may be o.
func (o *Object) Thread() ID {
	if o.Root == 0 {
		return o.ID
	}
	return o.Root
}

// An Activity is somebody doing something. Everything that changes a community,
// typed into a form here or delivered by a peer, is one of these.
type Activity struct {
	ID        ID
	URI       string
	Type      string // "Create", "Follow", …
	Actor     *Actor
	By        *Actor     // the person behind what a community does, or this server; nil otherwise
	Object    *Object    // of Create, Update, Delete, Like, Dislike
	Subject   *Actor     // of Follow: the community; of Update: the actor that changed; of Add and Remove: the facilitator; of Block: who is blocked; of Move: who Actor is now
	Community *Community // where it happens; its verb fills it in
	Message   *Message   // of Create, Update and Delete of a private message, instead of Object; of Read and Ignore, one of the conversation
	Inner     *Activity  // of Accept, Reject, Undo and Announce
	Reason    string
	Via       *Actor          // the community that announced it, if one did
	Proposed  bool            // only asked for: the community's home decides whether it is done
	Vouched   bool            // on Via's word alone: nobody has proved that Actor did it
	Raw       json.RawMessage // exactly as a peer sent it, to be passed on unchanged
	Local     bool
	Lost      bool // somebody here did it, as they have proved, and we have forgotten: an old backup was put back
	Published time.Time

	Quote string // of a QuoteRequest: the URI of what is to show Object

	// Of a Block.
	Site       string    // the host that bans Subject altogether; "" if a community does
	Until      time.Time // when it ends; zero for good
	RemoveData bool      // what they wrote there is removed too

	// Of a person's Move, for the server they move to: URIs of the communities they
	// were in, as far as it may know of them.
	Offers []string

	// Of a Flag, whose Subject is the person if it is one that is reported, and of
	// the Flag that a Resolve is about.
	Objects  []*Object // what is reported
	Category Category
	Forward  bool // to the server of whoever wrote it, too

	// Of a Resolve.
	Case    ID // which is to be closed; zero where only Inner tells
	Outcome Outcome

	Cases []ID // that a Flag has opened or a Resolve closed; its verb fills it in
}

// Behind returns the person behind act: By, where it is done in another's name.
func (act *Activity) Behind() *Actor {
	if act.By != nil {
		return act.By
	}
	return act.Actor
}

// A Viewer is whoever asks to see something: a person signed in here, or a peer
// asking on behalf of the people it has. The zero Viewer is a stranger.
type Viewer struct {
	Actor ID
	Peer  ID
}

// A Peer is another server.
type Peer struct {
	ID       ID
	Host     string
	Title    string // the council's name, as the peer gives it
	Software string
	Version  string
	Policy   Policy
	Inbox    string    // its shared inbox
	RFC9421  bool      // it verifies signatures by RFC 9421, as it says or has shown
	Ed25519  bool      // it says that it verifies those by an Ed25519 key
	Refused  time.Time // when it last refused one by RFC 9421 and took one by draft-cavage instead
	Profile  Profile   // how it is told what happens in communities here
	Looked   time.Time // when we last read what it says about itself
	State    PeerState
	Fails    int       // failed attempts in a row
	NotUntil time.Time // when to try next
	Error    string    // why the last attempt failed, in plain words
	LastOK   time.Time // when it last took something from us
	LastSeen time.Time // when it last sent us something
	Cursor   ID        // how far into the outbox it has got
	Paused   time.Time // when an administrator paused it; zero if it is not
	Agreed   time.Time // the day of the agreement with it; zero if none was noted
	Note     string    // administrators' own words about it
}

// A Policy is what the administrators of this server decided about a peer.
type Policy string

// The policies. Undecided leaves it to federation.mode.
const (
	Undecided Policy = ""
	Allow     Policy = "allow"
	Block     Policy = "block"
)

// A Decision is something an administrator decides about one peer, or, of the last
// two, about all of them.
type Decision string

// The decisions.
const (
	DecideAllow    Decision = "allow"
	DecideBlock    Decision = "block"
	DecideForget   Decision = "forget" // leave it to the configuration again
	DecidePause    Decision = "pause"  // exchange nothing for now, and keep what waits
	DecideResume   Decision = "resume"
	DecideTryAgain Decision = "again" // forget that it did not answer, and try now
	DecideNote     Decision = "note"  // the agreement or the note was changed
	DecideOff      Decision = "off"   // as pause, with everybody
	DecideOn       Decision = "on"
)

// A PeerState is how well a peer can be reached.
type PeerState string

// The states of a peer.
const (
	PeerOK      PeerState = "ok"
	PeerFailing PeerState = "failing"
	PeerDormant PeerState = "dormant" // has failed on seven days; asked once a day
)

// ExtraOf returns what o's kind adds to it, or the zero T.
func ExtraOf[T any](o *Object) (extra T) {
	_ = json.Unmarshal(o.Extra, &extra) // empty or damaged reads as zero
	return extra
}

// SetExtra sets what o's kind adds to it.
func SetExtra[T any](o *Object, extra T) {
	o.Extra, _ = json.Marshal(extra) // plain structs always marshal
}
