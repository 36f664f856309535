package copse

import (
	"slices"
	"time"
)

// MoveEvery is how long whoever has moved stays there: another move within it is
// ignored, so that nobody is passed on from server to server. Mastodon has the same.
const MoveEvery = 30 * 24 * time.Hour

// Moving is what the administrators here made of it that a community has moved.
type Moving string

// The answers to a community that has moved. Nothing is done until there is one.
const (
	Settled  Moving = ""        // there was nothing to decide
	Awaiting Moving = "waiting" // for an administrator
	Followed Moving = "moved"   // those here who were in it have been asked after where it is now
	Stayed   Moving = "stayed"  // they were left where they are
)

// MayMove returns nil if old, a person or a community, may be taken to be to from
// now on. to has to name old back, or anybody could send others' members where they
// like; and it must not have moved on itself, or two could send them round in a
// circle.
func MayMove(old, to *Actor, now time.Time) error {
	switch {
	case old.URI == to.URI || old.Type != to.Type || to.Type != Person && to.Type != Group:
		return Invalid("address", "%s is nobody that you can move to", to.Handle())
	case !to.Gone.IsZero() || to.MovedTo != "":
		return Forbidden("%s has gone or moved on", to.Handle())
	case !slices.Contains(to.AlsoKnownAs, old.URI):
		return Forbidden("%s does not say yet that it was %s before", to.Handle(), old.Handle())
	case !old.Moved.IsZero() && now.Sub(old.Moved) < MoveEvery:
		return Forbidden("%s has moved within the last 30 days", old.Handle())
	}
	return nil
}

// MayFound returns nil if a may start a community here.
func MayFound(a *Actor) error {
	if a.HasMoved() {
		return errMoved()
	}
	return nil
}

// MayMoveCommunity returns nil if the actor may say of the community that it is
// somewhere else by now, or was somewhere else before: its owners may. One that is
// for people here alone is not known anywhere else.
func MayMoveCommunity(f Facts) error {
	switch {
	case f.Role < Owner:
		return Forbidden("only an owner of %s may do this", f.Community.Title)
	case f.Community.Sharing == SharedHere:
		return Forbidden("%s is for people here alone, and stays here", f.Community.Title)
	}
	return nil
}

// MayResettle returns nil if the actor may decide what becomes of the people here
// who are in a community that has moved.
func MayResettle(f Facts) error {
	switch {
	case !f.Admin:
		return NotFound("there is nothing here")
	case f.Community.Moving != Awaiting:
		return Conflict("this has been decided already")
	}
	return nil
}

// MayTell reports whether the server at host, which somebody here moves to, may be
// told that they are in c. Of a community for its members alone that is for those
// who are named as its councils, or have somebody in it already, as reached says:
// that it is there is public, who is in it is not.
func MayTell(c *Community, host string, reached bool) bool {
	switch {
	case c.Host == host:
		return true // it knows
	case c.Sharing == SharedNamed:
		return slices.Contains(c.Named, host)
	case c.Sharing == SharedHere:
		return false
	}
	return c.Audience == Public || reached
}

func errMoved() error { return Forbidden("you have moved to another council; write from there") }
