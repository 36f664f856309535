package copse

import (
	"slices"
	"strconv"
	"strings"
)

// A Profile is how a peer is told what happens in a community here.
type Profile string

// The profiles.
const (
	Unmet      Profile = ""          // nobody has looked at the peer yet
	Microblog  Profile = "microblog" // shows people's posts: gets new conversations as boosts, and nothing else
	GroupAware Profile = "group"     // follows communities (FEP-1b12): gets every activity, announced
	Batches    Profile = "batches"   // likewise, and takes many votes at once in a collection (FEP-1a11)
	Arrays     Profile = "arrays"    // likewise, in a bare list
)

// ProfileOf returns how the peer is told that runs the given software, by its
// NodeInfo name, and says that it implements the given FEPs ("1b12"). What is not
// known to follow communities is taken for a microblog: Mastodon makes a boost of
// every reply that a community announces, which drowns whoever follows it
// (mastodon#18069). PieFed writes and reads a list where FEP-1a11 has a collection.
func ProfileOf(software string, feps []string) Profile {
	switch name := strings.ToLower(software); {
	case name == "piefed":
		return Arrays
	case slices.Contains(feps, "1a11"):
		return Batches
	case slices.Contains(feps, "1b12"):
		return GroupAware
	default:
		switch name {
		case "copse", "lemmy", "mbin", "kbin", "nodebb", "discourse", "lotide":
			return GroupAware
		}
	}
	return Microblog
}

// A Ruling is a sort of thing that those who look after a community decide.
type Ruling string

// The rulings. Each can be taken back.
const (
	Removing   Ruling = "remove"   // what somebody wrote
	Locking    Ruling = "lock"     // a conversation, which takes no replies then
	Pinning    Ruling = "pin"      // a conversation, to stand first
	Banning    Ruling = "ban"      // somebody, who is kept out
	Appointing Ruling = "appoint"  // somebody, to look after it too
	Admitting  Ruling = "admit"    // somebody who asks to join
	Describing Ruling = "describe" // the community
)

// Takes reports whether a home that runs the given software, by its NodeInfo name,
// lets those who look after a community from another server decide something. What a
// home is not known to take is not asked of it. Here owners alone appoint, and they
// are at home.
func Takes(software string, r Ruling) bool {
	switch strings.ToLower(software) {
	case "copse":
		return r != Appointing
	case "lemmy", "piefed", "mbin":
		return r != Admitting && r != Describing
	case "nodebb", "discourse": // people elsewhere rule nothing there
		return false
	}
	return r == Removing // FEP-1b12 has nothing else
}

// TakesBatches reports whether a peer takes many votes at once.
func (p Profile) TakesBatches() bool { return p == Batches || p == Arrays }

// OneRecipient reports whether p takes private messages to one person alone: Lemmy
// refuses what is for two.
func (p *Peer) OneRecipient() bool { return strings.EqualFold(p.Software, "lemmy") }

// ChatsOnly reports whether p takes private messages as ChatMessages alone, as Lemmy
// did before 1.0, and takes a Note for a comment.
func (p *Peer) ChatsOnly() bool {
	major, _, _ := strings.Cut(p.Version, ".")
	n, err := strconv.Atoi(major)
	return p.OneRecipient() && (err != nil || n < 1)
}
