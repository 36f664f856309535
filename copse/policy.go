package copse

import "time"

// Facts are what a rule may look at. They are loaded in the transaction that
// acts on the answer, so the answer cannot go stale.
type Facts struct {
	Community *Community
	Role      Role
	State     State
	Author    bool // the actor made the object in question
	Deleted   bool // the object in question is a tombstone
	Removed   bool // likewise, by a facilitator and not by its author
	Locked    bool // the conversation in question takes no replies
	Admin     bool // the actor runs this server
	Microblog bool // the actor's server is one; filled in for who asks to join
	Moved     bool // the actor is at another council by now

	// Announced says that the community itself, at its home, passed the activity
	// on. What may happen in a community is for its home to decide: we do not
	// know its members at other servers.
	Announced bool

	// Elsewhere says that the actor is at another server.
	Elsewhere bool
}

// role is what the actor may take part as. Who writes to a community from another
// server need not have joined it, if anybody may join and read: Mastodon has no
// such button, and asking people to find one only loses what they have to say
// (Lemmy does the same). It does not let a facilitator's work be done.
func (f Facts) role() Role {
	if f.Role < Member && f.Elsewhere && f.Community.Audience == Public && f.Community.Join == JoinOpen {
		return Member
	}
	return f.Role
}

// MaySee returns nil if whoever f describes may see what was written for
// audience. A refusal reads exactly as if the thing were not there. The store's
// listing queries apply the same rule as a predicate.
func MaySee(f Facts, audience Audience) error {
	if audience == Public || f.Role >= Member {
		return nil
	}
	return NotFound("there is nothing here")
}

// MayPost returns nil if the actor f describes may start something new in
// f.Community, and otherwise an error that says why not.
func MayPost(f Facts) error {
	if err := mayWrite(f); err != nil {
		return err
	}
	if !f.Announced && f.role() < f.Community.Posting {
		return Forbidden("only facilitators may start something in %s", f.Community.Title)
	}
	return nil
}

// MayReply is MayPost for answering something that is there already: any member
// may answer, even where only facilitators may start, and facilitators even where
// they have closed a conversation. A reply that reached the community's home before
// the removal did is still a reply.
func MayReply(f Facts) error {
	switch {
	case f.Announced:
	case f.Deleted:
		return Forbidden("this has been removed and takes no more replies")
	case f.Locked && f.Role < Moderator:
		return Forbidden("this conversation is closed and takes no more replies")
	}
	return mayWrite(f)
}

func mayWrite(f Facts) error {
	switch {
	case f.State == Blocked:
		return Forbidden("your account is blocked in %s", f.Community.Title)
	case f.Announced:
		return nil
	case f.Moved:
		return errMoved()
	case f.Community.MovedTo != "":
		return Forbidden("%s has moved, and nothing more is written here", f.Community.Title)
	case f.role() >= Member:
		return nil
	case f.State == Pending:
		return Forbidden("wait until %s has let you in to post here", f.Community.Title)
	}
	return Forbidden("join %s to post here", f.Community.Title)
}

// MayEdit returns nil if the actor may change the words of something. Only its
// author may, for as long as they are a member: nobody puts words into another
// person's mouth, not even a facilitator.
func MayEdit(f Facts) error {
	switch {
	case f.State == Blocked:
		return Forbidden("your account is blocked in %s", f.Community.Title)
	case f.Deleted:
		return Forbidden("this has been removed and cannot be changed")
	case !f.Author:
		return Forbidden("only the author may change this")
	case f.Moved && !f.Announced:
		return errMoved()
	case f.Announced || f.role() >= Member:
		return nil
	}
	return Forbidden("join %s to post here", f.Community.Title)
}

// MayRemove returns nil if the actor may delete something: its author always, a
// facilitator anything in their community.
func MayRemove(f Facts) error {
	if f.Author || f.Announced || f.Role >= Moderator {
		return nil
	}
	return Forbidden("only the author or a facilitator may remove this")
}

// MayRestore returns nil if the actor may put back what was deleted: a facilitator
// what a facilitator removed, an author what they deleted themselves and still have.
func MayRestore(f Facts) error {
	switch {
	case f.State == Blocked:
		return Forbidden("your account is blocked in %s", f.Community.Title)
	case f.Removed && (f.Announced || f.Role >= Moderator):
		return nil
	case f.Removed:
		return Forbidden("only a facilitator of %s may do this", f.Community.Title)
	case f.Author && (f.Announced || f.Role >= Member):
		return nil
	}
	return Forbidden("what its author has deleted stays deleted")
}

// MayModerate returns nil if the actor may decide what becomes of conversations in
// the community: which are closed, and which stand first.
func MayModerate(f Facts) error {
	if f.Announced {
		return nil
	}
	return MayDecide(f)
}

// MaxPins is how many conversations stand first in a community. Where everything is
// important, nothing is.
const MaxPins = 5

// MayPin is MayModerate for having another conversation stand first, where there
// are so many already.
func MayPin(f Facts, already int) error {
	if err := MayModerate(f); err != nil {
		return err
	}
	if already >= MaxPins && !f.Announced {
		return Conflict("%d conversations are pinned here already; unpin one first", MaxPins)
	}
	return nil
}

// MaySendAgain returns nil if the actor may have something sent again that other
// councils did not take: its author, a facilitator, and whoever runs the server
// that sends it.
func MaySendAgain(f Facts) error {
	if f.Author || f.Admin || f.Role >= Moderator {
		return nil
	}
	return Forbidden("only the author or a facilitator may send this again")
}

// MayLike returns nil if the actor may mark something as helpful.
func MayLike(f Facts) error {
	switch {
	case f.State == Blocked:
		return Forbidden("your account is blocked in %s", f.Community.Title)
	case f.Deleted:
		return Forbidden("this has been removed")
	case f.Moved && !f.Announced:
		return errMoved()
	case f.Announced, f.role() >= Member:
		return nil
	}
	return Forbidden("join %s to do this", f.Community.Title)
}

// MayShare returns nil if people at another server may be in c. Of a community that
// is for people here alone nothing is said at all.
func MayShare(c *Community, host string) error {
	switch c.Sharing {
	case SharedHere:
		return NotFound("there is nothing here")
	case SharedNamed:
		for _, named := range c.Named {
			if named == host {
				return nil
			}
		}
		return Forbidden("%s is shared with other councils than yours", c.Title)
	}
	return nil
}

// MayReshare returns nil if a community that was shared in one way may be in
// another. What was written for people here alone was written for them.
func MayReshare(was, now Sharing) error {
	if (was == SharedHere) != (now == SharedHere) {
		return Forbidden("a community for people here alone stays one, and no other becomes one")
	}
	return nil
}

// OnJoining returns the state that asking to join leads to, or an error for
// somebody who may not ask. Microblogs know nothing of what is for members alone,
// and would show it.
func OnJoining(f Facts) (State, error) {
	if err := MayAsk(f); err != nil {
		return "", err
	}
	switch {
	case f.Microblog && f.Community.Audience != Public:
		return Declined, nil
	case f.Role >= Member, f.State == Expected:
		return Active, nil
	case f.Community.Join == JoinOpen:
		return Active, nil
	case f.Community.Join == JoinInvitation:
		return "", Forbidden("%s is by invitation only", f.Community.Title)
	}
	return Pending, nil
}

// MayAsk returns nil if the actor may ask to join, wherever that is decided.
func MayAsk(f Facts) error {
	switch {
	case f.State == Blocked:
		return Forbidden("your account is blocked in %s", f.Community.Title)
	case f.Moved:
		return errMoved()
	case f.Community.MovedTo != "":
		return Forbidden("%s has moved; join it where it is now", f.Community.Title)
	}
	return nil
}

// MayDecide returns nil if the actor may let others in or turn them away.
func MayDecide(f Facts) error {
	if f.Role >= Moderator {
		return nil
	}
	return Forbidden("only a facilitator of %s may do this", f.Community.Title)
}

// MayPropose returns nil if the home of a community elsewhere, which runs the given
// software, can be asked to decide something by somebody here.
func MayPropose(software string, c *Community, r Ruling) error {
	if !Takes(software, r) {
		return Forbidden("%s takes this from nobody at another council; ask a facilitator there", c.Title)
	}
	return nil
}

// MayAppoint returns nil if the actor may make the member m somebody who looks
// after the community, or an ordinary member again: its owners may.
func MayAppoint(f Facts, m *Membership) error {
	switch {
	case f.Announced:
		return nil
	case !f.Community.Local: // who may is for its home to say, and who is a member
		return MayDecide(f)
	case f.Role < Owner:
		return Forbidden("only an owner of %s may do this", f.Community.Title)
	case m.Role == Owner:
		return Forbidden("an owner of %s stays one", f.Community.Title)
	case m.Role < Member:
		return Conflict("they are not a member of %s any more", f.Community.Title)
	}
	return nil
}

// MayBan returns nil if the actor may keep the person m is about out of the
// community. Its owners are those who run it.
func MayBan(f Facts, m *Membership) error {
	if err := MayModerate(f); err != nil {
		return err
	}
	if m.Role == Owner && !f.Announced {
		return Forbidden("an owner of %s cannot be blocked", f.Community.Title)
	}
	return nil
}

// BanReaches reports whether a server that bans somebody altogether has a say in
// how they stand to a community: about its own people, and in its own communities.
func BanReaches(host string, person, community *Actor) bool {
	return person.Host == host || community.Host == host
}

// A Mode is how far this server trusts servers nobody has decided about.
type Mode string

// The modes of federation.
const (
	Closed    Mode = "closed"     // no other server at all
	AllowList Mode = "allow-list" // those on the list
	Open      Mode = "open"       // everybody who is not blocked
)

// MayExchange reports whether this server talks with a peer at all, in either
// direction.
func MayExchange(mode Mode, policy Policy) bool {
	switch {
	case mode == Closed, policy == Block:
		return false
	case mode == Open:
		return true
	}
	return policy == Allow
}

// retestAfter is how long a peer that refused a signature by RFC 9421 gets none.
const retestAfter = 7 * 24 * time.Hour

// PrefersRFC9421 reports whether what p is asked now is signed by RFC 9421 first.
// A peer of which nothing is known gets draft-cavage, which everybody in the field
// verifies, and is never tested unasked: some take whatever comes and verify it
// later (Mbin), and what they could not verify would be lost without a word.
func (p *Peer) PrefersRFC9421(now time.Time) bool {
	return p.RFC9421 && now.Sub(p.Refused) >= retestAfter
}

// Took notes which form of signature p has just taken, and whether it had refused
// the other right before. It reports whether that is news.
func (p *Peer) Took(rfc9421, otherRefused bool, now time.Time) (news bool) {
	switch {
	case rfc9421 && (otherRefused || !p.Refused.IsZero()):
		p.RFC9421, p.Refused = true, time.Time{}
	case !rfc9421 && otherRefused:
		p.Refused = now
	default:
		return false
	}
	return true
}

// A Stance is how this server stands to a peer just now.
type Stance int

// The stances.
const (
	Refusing   Stance = iota // nothing is exchanged, and what the peer sends is refused for good
	Holding                  // nothing is exchanged for now: each side keeps what it has for the other
	Exchanging               // in both directions
)

// StanceTo returns how this server stands to a peer with the given policy. held
// says that an administrator has paused the peer, or switched off the exchange
// with everybody. Who is refused does not hear of that.
func StanceTo(mode Mode, policy Policy, held bool) Stance {
	switch {
	case !MayExchange(mode, policy):
		return Refusing
	case held:
		return Holding
	}
	return Exchanging
}
