package copse_test

import (
	"testing"
	"time"

	"copse/copse"
)

func TestMembersMayWriteAndOthersMayNot(t *testing.T) {
	trees := &copse.Community{Actor: copse.Actor{Title: "Trees"}, Posting: copse.Member}
	notices := &copse.Community{Actor: copse.Actor{Title: "Notices"}, Posting: copse.Moderator}
	for _, tt := range []struct {
		name        string
		f           copse.Facts
		post, reply bool
	}{
		{"guest", copse.Facts{Community: trees}, false, false},
		{"waiting", copse.Facts{Community: trees, State: copse.Pending}, false, false},
		{"member", copse.Facts{Community: trees, Role: copse.Member}, true, true},
		{"blocked member", copse.Facts{Community: trees, Role: copse.Member, State: copse.Blocked}, false, false},
		{"blocked, yet announced", copse.Facts{Community: trees, State: copse.Blocked, Announced: true}, false, false},
		{"announced by its home", copse.Facts{Community: notices, Announced: true}, true, true},
		{"member where facilitators post", copse.Facts{Community: notices, Role: copse.Member}, false, true},
		{"guest where facilitators post", copse.Facts{Community: notices}, false, false},
		{"facilitator there", copse.Facts{Community: notices, Role: copse.Moderator}, true, true},
		{"where it is closed", copse.Facts{Community: trees, Role: copse.Member, Locked: true}, true, false},
		{"facilitator where it is closed", copse.Facts{Community: trees, Role: copse.Moderator, Locked: true}, true, true},
		{"announced where it is closed", copse.Facts{Community: trees, Announced: true, Locked: true}, true, true},
		{"under something removed", copse.Facts{Community: trees, Role: copse.Member, Deleted: true}, true, false},
	} {
		if err := copse.MayPost(tt.f); (err == nil) != tt.post {
			t.Errorf("%s: MayPost = %v, want allowed %v", tt.name, err, tt.post)
		}
		if err := copse.MayReply(tt.f); (err == nil) != tt.reply {
			t.Errorf("%s: MayReply = %v, want allowed %v", tt.name, err, tt.reply)
		}
	}
}

// Somebody at another server may write to what anybody may join without joining it.
func TestOpenCommunitiesTakeWordsFromElsewhere(t *testing.T) {
	open := copse.Community{Actor: copse.Actor{Title: "Trees"}, Posting: copse.Member, Audience: copse.Public, Join: copse.JoinOpen}
	asks, closed, notices := open, open, open
	asks.Join, closed.Audience, notices.Posting = copse.JoinApproval, copse.Members, copse.Moderator
	for _, tt := range []struct {
		name              string
		f                 copse.Facts
		post, reply, edit bool // and mark as helpful, with reply
	}{
		{"open to all", copse.Facts{Community: &open, Elsewhere: true}, true, true, true},
		{"somebody here", copse.Facts{Community: &open}, false, false, false},
		{"who left", copse.Facts{Community: &open, Elsewhere: true, State: copse.Left}, true, true, true},
		{"blocked", copse.Facts{Community: &open, Elsewhere: true, State: copse.Blocked}, false, false, false},
		{"by approval", copse.Facts{Community: &asks, Elsewhere: true}, false, false, false},
		{"waiting to be let in", copse.Facts{Community: &asks, Elsewhere: true, State: copse.Pending}, false, false, false},
		{"for members only", copse.Facts{Community: &closed, Elsewhere: true}, false, false, false},
		{"where facilitators post", copse.Facts{Community: &notices, Elsewhere: true}, false, true, true},
	} {
		if err := copse.MayPost(tt.f); (err == nil) != tt.post {
			t.Errorf("%s: MayPost = %v, want allowed %v", tt.name, err, tt.post)
		}
		if err := copse.MayReply(tt.f); (err == nil) != tt.reply {
			t.Errorf("%s: MayReply = %v, want allowed %v", tt.name, err, tt.reply)
		}
		if err := copse.MayLike(tt.f); (err == nil) != tt.reply {
			t.Errorf("%s: MayLike = %v, want allowed %v", tt.name, err, tt.reply)
		}
		if err := copse.MayRemove(tt.f); err == nil {
			t.Errorf("%s: may remove what others wrote", tt.name)
		}
		tt.f.Author = true
		if err := copse.MayEdit(tt.f); (err == nil) != tt.edit {
			t.Errorf("%s: MayEdit = %v, want allowed %v", tt.name, err, tt.edit)
		}
	}
}

func TestOnlyAuthorsEditAndFacilitatorsRemove(t *testing.T) {
	trees := &copse.Community{Actor: copse.Actor{Title: "Trees"}}
	for _, tt := range []struct {
		name         string
		f            copse.Facts
		edit, remove bool
	}{
		{"author", copse.Facts{Community: trees, Role: copse.Member, Author: true}, true, true},
		{"author who left", copse.Facts{Community: trees, Author: true}, false, true},
		{"author elsewhere, announced", copse.Facts{Community: trees, Author: true, Announced: true}, true, true},
		{"another member", copse.Facts{Community: trees, Role: copse.Member}, false, false},
		{"facilitator", copse.Facts{Community: trees, Role: copse.Moderator}, false, true},
		{"owner", copse.Facts{Community: trees, Role: copse.Owner}, false, true},
		{"author, after it was removed", copse.Facts{Community: trees, Role: copse.Member, Author: true, Deleted: true}, false, true},
		{"stranger", copse.Facts{Community: trees}, false, false},
	} {
		if err := copse.MayEdit(tt.f); (err == nil) != tt.edit {
			t.Errorf("%s: MayEdit = %v, want allowed %v", tt.name, err, tt.edit)
		}
		if err := copse.MayRemove(tt.f); (err == nil) != tt.remove {
			t.Errorf("%s: MayRemove = %v, want allowed %v", tt.name, err, tt.remove)
		}
	}
}

func TestFacilitatorsPutBackWhatTheyRemovedAndNothingElse(t *testing.T) {
	trees := &copse.Community{Actor: copse.Actor{Title: "Trees"}}
	for _, tt := range []struct {
		name          string
		f             copse.Facts
		removed, gone bool // may put back what a facilitator removed, what its author deleted
	}{
		{"author", copse.Facts{Role: copse.Member, Author: true}, false, true},
		{"author who left", copse.Facts{Author: true}, false, false},
		{"author who is blocked", copse.Facts{State: copse.Blocked, Author: true}, false, false},
		{"author elsewhere, announced", copse.Facts{Author: true, Announced: true}, true, true},
		{"another member", copse.Facts{Role: copse.Member}, false, false},
		{"facilitator", copse.Facts{Role: copse.Moderator}, true, false},
		{"the community", copse.Facts{Announced: true}, true, false},
	} {
		tt.f.Community, tt.f.Deleted = trees, true
		if err := copse.MayRestore(tt.f); (err == nil) != tt.gone {
			t.Errorf("%s: MayRestore of what its author deleted = %v, want allowed %v", tt.name, err, tt.gone)
		}
		tt.f.Removed = true
		if err := copse.MayRestore(tt.f); (err == nil) != tt.removed {
			t.Errorf("%s: MayRestore of what was removed = %v, want allowed %v", tt.name, err, tt.removed)
		}
	}
}

func TestFacilitatorsPinAFew(t *testing.T) {
	trees := &copse.Community{Actor: copse.Actor{Title: "Trees"}}
	for _, tt := range []struct {
		name    string
		f       copse.Facts
		already int
		want    copse.Code
	}{
		{"guest", copse.Facts{}, 0, copse.CodeForbidden},
		{"member", copse.Facts{Role: copse.Member, Author: true}, 0, copse.CodeForbidden},
		{"facilitator", copse.Facts{Role: copse.Moderator}, copse.MaxPins - 1, 0},
		{"facilitator, one too many", copse.Facts{Role: copse.Moderator}, copse.MaxPins, copse.CodeConflict},
		{"another program that knows no limit", copse.Facts{Announced: true}, 100, 0},
	} {
		tt.f.Community = trees
		if err := copse.MayPin(tt.f, tt.already); copse.CodeOf(err) != tt.want {
			t.Errorf("%s: MayPin = %v, want code %d", tt.name, err, tt.want)
		}
	}
}

func TestFacilitatorsBlockAllButOwners(t *testing.T) {
	trees := &copse.Community{Actor: copse.Actor{Title: "Trees"}}
	for _, tt := range []struct {
		name string
		f    copse.Facts
		of   copse.Role
		want bool
	}{
		{"guest", copse.Facts{}, copse.Member, false},
		{"member", copse.Facts{Role: copse.Member}, copse.Guest, false},
		{"facilitator, a guest", copse.Facts{Role: copse.Moderator}, copse.Guest, true},
		{"facilitator, a member", copse.Facts{Role: copse.Moderator}, copse.Member, true},
		{"facilitator, an owner", copse.Facts{Role: copse.Moderator}, copse.Owner, false},
		{"owner, an owner", copse.Facts{Role: copse.Owner}, copse.Owner, false},
		{"the community", copse.Facts{Announced: true}, copse.Moderator, true},
	} {
		tt.f.Community = trees
		if err := copse.MayBan(tt.f, &copse.Membership{Role: tt.of}); (err == nil) != tt.want {
			t.Errorf("%s: MayBan = %v, want allowed %v", tt.name, err, tt.want)
		}
	}
}

// At home owners appoint. Of a community elsewhere its home says who may, and who is
// in it.
func TestOwnersAppointAtHome(t *testing.T) {
	home, away := &copse.Community{Actor: copse.Actor{Local: true}}, &copse.Community{}
	member, guest := &copse.Membership{Role: copse.Member}, &copse.Membership{}
	for _, tt := range []struct {
		name string
		f    copse.Facts
		m    *copse.Membership
		want copse.Code
	}{
		{"owner", copse.Facts{Community: home, Role: copse.Owner}, member, 0},
		{"owner, of one who has left", copse.Facts{Community: home, Role: copse.Owner}, guest, copse.CodeConflict},
		{"owner, of an owner", copse.Facts{Community: home, Role: copse.Owner}, &copse.Membership{Role: copse.Owner}, copse.CodeForbidden},
		{"facilitator", copse.Facts{Community: home, Role: copse.Moderator}, member, copse.CodeForbidden},
		{"facilitator of one elsewhere", copse.Facts{Community: away, Role: copse.Moderator}, guest, 0},
		{"member of one elsewhere", copse.Facts{Community: away, Role: copse.Member}, member, copse.CodeForbidden},
		{"announced", copse.Facts{Community: away, Announced: true}, guest, 0},
	} {
		if got := copse.CodeOf(copse.MayAppoint(tt.f, tt.m)); got != tt.want {
			t.Errorf("%s: code %d, want %d", tt.name, got, tt.want)
		}
	}
}

func TestAServerBansItsOwnPeopleAndFromItsOwnCommunities(t *testing.T) {
	for _, tt := range []struct {
		host, person, community string
		want                    bool
	}{
		{"leeds.example", "leeds.example", "york.example", true},
		{"leeds.example", "york.example", "leeds.example", true},
		{"leeds.example", "york.example", "york.example", false},
		{"leeds.example", "hull.example", "york.example", false},
	} {
		if got := copse.BanReaches(tt.host, &copse.Actor{Host: tt.person}, &copse.Actor{Host: tt.community}); got != tt.want {
			t.Errorf("%+v: BanReaches = %v", tt, got)
		}
	}
}

func TestMembersOnlyIsSeenByMembersOnly(t *testing.T) {
	for _, tt := range []struct {
		role     copse.Role
		audience copse.Audience
		want     copse.Code
	}{
		{copse.Guest, copse.Public, copse.CodeInternal},
		{copse.Guest, copse.Members, copse.CodeNotFound},
		{copse.Member, copse.Members, copse.CodeInternal},
		{copse.Guest, "", copse.CodeNotFound}, // an audience nobody set is nobody's
	} {
		if got := copse.CodeOf(copse.MaySee(copse.Facts{Role: tt.role}, tt.audience)); got != tt.want {
			t.Errorf("role %d, audience %q: code %d, want %d", tt.role, tt.audience, got, tt.want)
		}
	}
}

func TestACommunityIsSharedWithWhomItNames(t *testing.T) {
	for _, tt := range []struct {
		sharing copse.Sharing
		host    string
		want    copse.Code
	}{
		{"", "york.example", 0},
		{copse.SharedAll, "york.example", 0},
		{copse.SharedNamed, "york.example", copse.CodeForbidden},
		{copse.SharedNamed, "hull.example", 0},
		{copse.SharedNamed, "evil.hull.example", copse.CodeForbidden},
		{copse.SharedNamed, "", copse.CodeForbidden},
		{copse.SharedHere, "hull.example", copse.CodeNotFound}, // it is not even there
	} {
		c := &copse.Community{Sharing: tt.sharing, Named: []string{"leeds.example", "hull.example"}}
		if got := copse.CodeOf(copse.MayShare(c, tt.host)); got != tt.want {
			t.Errorf("shared %q, %q: code %d, want %d", tt.sharing, tt.host, got, tt.want)
		}
	}
	for was, ok := range map[copse.Sharing]copse.Sharing{copse.SharedAll: copse.SharedNamed, copse.SharedNamed: copse.SharedAll, copse.SharedHere: copse.SharedHere} {
		if err := copse.MayReshare(was, ok); err != nil {
			t.Errorf("%s to %s: %v", was, ok, err)
		}
	}
	for was, no := range map[copse.Sharing]copse.Sharing{copse.SharedAll: copse.SharedHere, copse.SharedHere: copse.SharedNamed} {
		if err := copse.MayReshare(was, no); copse.CodeOf(err) != copse.CodeForbidden {
			t.Errorf("%s to %s: %v", was, no, err)
		}
	}
}

func TestJoiningLeadsWhereTheCommunitySays(t *testing.T) {
	in := func(j copse.Join) *copse.Community {
		return &copse.Community{Actor: copse.Actor{Title: "Trees"}, Join: j}
	}
	for _, tt := range []struct {
		name string
		f    copse.Facts
		want copse.State
		code copse.Code
	}{
		{"open", copse.Facts{Community: in(copse.JoinOpen)}, copse.Active, 0},
		{"by approval", copse.Facts{Community: in(copse.JoinApproval)}, copse.Pending, 0},
		{"by invitation", copse.Facts{Community: in(copse.JoinInvitation)}, "", copse.CodeForbidden},
		{"member already", copse.Facts{Community: in(copse.JoinApproval), Role: copse.Member}, copse.Active, 0},
		{"declined, asking again", copse.Facts{Community: in(copse.JoinApproval), State: copse.Declined}, copse.Pending, 0},
		{"blocked", copse.Facts{Community: in(copse.JoinOpen), State: copse.Blocked}, "", copse.CodeForbidden},
		{"from a microblog", copse.Facts{Community: &copse.Community{Join: copse.JoinOpen, Audience: copse.Public}, Microblog: true}, copse.Active, 0},
		{"from a microblog, for members", copse.Facts{Community: &copse.Community{Join: copse.JoinOpen, Audience: copse.Members}, Microblog: true}, copse.Declined, 0},
		{"asking again, from what has become one", copse.Facts{Community: &copse.Community{Audience: copse.Members}, Role: copse.Member, Microblog: true}, copse.Declined, 0},
	} {
		got, err := copse.OnJoining(tt.f)
		if got != tt.want || copse.CodeOf(err) != tt.code {
			t.Errorf("%s: OnJoining = %q, %v; want %q, code %d", tt.name, got, err, tt.want, tt.code)
		}
	}
}

func TestWhoThisServerTalksWith(t *testing.T) {
	for _, tt := range []struct {
		mode   copse.Mode
		policy copse.Policy
		want   bool
	}{
		{copse.Closed, copse.Allow, false},
		{copse.AllowList, copse.Undecided, false},
		{copse.AllowList, copse.Allow, true},
		{copse.AllowList, copse.Block, false},
		{copse.Open, copse.Undecided, true},
		{copse.Open, copse.Block, false},
		{"", copse.Undecided, false},
	} {
		stance, hold := copse.Refusing, copse.Refusing
		if tt.want {
			stance, hold = copse.Exchanging, copse.Holding
		}
		if got := copse.StanceTo(tt.mode, tt.policy, false); got != stance {
			t.Errorf("StanceTo(%q, %q) = %v, want %v", tt.mode, tt.policy, got, stance)
		}
		if got := copse.StanceTo(tt.mode, tt.policy, true); got != hold {
			t.Errorf("StanceTo(%q, %q), held, = %v, want %v", tt.mode, tt.policy, got, hold)
		}
		if got := copse.MayExchange(tt.mode, tt.policy); got != tt.want {
			t.Errorf("MayExchange(%q, %q) = %v, want %v", tt.mode, tt.policy, got, tt.want)
		}
	}
}

func TestKindsCheckWhatEveryObjectNeeds(t *testing.T) {
	kinds := copse.Kinds{"topic": {Name: "topic"}, "reply": {Name: "reply", Reply: true}}
	long := make([]rune, copse.MaxTitle+1)
	for i := range long {
		long[i] = 'ŵ'
	}
	for _, tt := range []struct {
		name string
		o    copse.Object
		ok   bool
	}{
		{"topic", copse.Object{Kind: "topic", Title: "Ash"}, true},
		{"topic of the longest title", copse.Object{Kind: "topic", Title: string(long[1:])}, true},
		{"title too long", copse.Object{Kind: "topic", Title: string(long)}, false},
		{"blank title", copse.Object{Kind: "topic", Title: " \t"}, false},
		{"reply", copse.Object{Kind: "reply", HTML: "<p>Yes</p>"}, true},
		{"empty reply", copse.Object{Kind: "reply"}, false},
		{"no such kind", copse.Object{Kind: "poem", Title: "Ash"}, false},
	} {
		if err := kinds.Check(&tt.o); (err == nil) != tt.ok {
			t.Errorf("%s: Check = %v, want ok %v", tt.name, err, tt.ok)
		}
	}
}

// What happens to a peer, in the order of time, and which form it gets first then.
func TestWhichFormOfSignatureAPeerGetsFirst(t *testing.T) {
	const week = 7 * 24 * time.Hour
	begin := time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC)
	type took struct {
		after                 time.Duration
		rfc9421, otherRefused bool
		news                  bool
	}
	for _, tt := range []struct {
		name string
		says bool // that it verifies RFC 9421
		took []took
		at   time.Duration
		want bool
	}{
		{"a stranger", false, nil, 0, false},
		{"a stranger, for ever", false, []took{{after: 0}, {after: week}}, 100 * week, false},
		{"says so", true, nil, 0, true},
		{"says so, and takes it", true, []took{{0, true, false, false}}, 0, true},
		{"says so, and refuses it", true, []took{{0, false, true, true}}, week - 1, false},
		{"is tested again", true, []took{{0, false, true, true}}, week, true},
		{"fails the second test", true, []took{{0, false, true, true}, {week, false, true, true}}, 2*week - 1, false},
		{"is tested a third time", true, []took{{0, false, true, true}, {week, false, true, true}}, 2 * week, true},
		{"passes the second test", true, []took{{0, false, true, true}, {week, true, false, true}}, week, true},
		{"refuses draft-cavage", false, []took{{0, true, true, true}}, 0, true},
		{"has gone over to RFC 9421", true, []took{{0, false, true, true}, {1, true, true, true}}, 1, true},
		{"has gone back", false, []took{{0, true, true, true}, {1, false, true, true}}, 2, false},
		{"took draft-cavage as ever", true, []took{{0, false, true, true}, {1, false, false, false}}, week, true},
	} {
		p := copse.Peer{RFC9421: tt.says}
		for _, took := range tt.took {
			if got := p.Took(took.rfc9421, took.otherRefused, begin.Add(took.after)); got != took.news {
				t.Errorf("%s: %+v is news: %v", tt.name, took, got)
			}
		}
		if got := p.PrefersRFC9421(begin.Add(tt.at)); got != tt.want {
			t.Errorf("%s: RFC 9421 first is %v, want %v", tt.name, got, tt.want)
		}
	}
}
