package copse_test

import (
	"testing"
	"time"

	"copse/copse"
)

func TestNobodyIsMovedWithoutTheOtherSayingSo(t *testing.T) {
	now := time.Now()
	person := func(name string, change func(*copse.Actor)) *copse.Actor {
		a := &copse.Actor{Type: copse.Person, URI: "https://" + name + ".example/u/tess", Name: "tess", Host: name + ".example"}
		if change != nil {
			change(a)
		}
		return a
	}
	old := person("stevenage", nil)
	names := func(a *copse.Actor) { a.AlsoKnownAs = []string{"https://x.example/u/x", old.URI} }
	moved := func(ago time.Duration) *copse.Actor {
		return person("stevenage", func(a *copse.Actor) { a.Moved = now.Add(-ago) })
	}
	for _, tt := range []struct {
		name    string
		old, to *copse.Actor
		want    copse.Code // 0 for allowed
	}{
		{"named back", old, person("wigan", names), 0},
		{"not named back", old, person("wigan", nil), copse.CodeForbidden},
		{"another is named", old, person("wigan", func(a *copse.Actor) { a.AlsoKnownAs = []string{old.URI + "2"} }), copse.CodeForbidden},
		{"to itself", old, person("stevenage", names), copse.CodeInvalid},
		{"to a community", old, person("wigan", func(a *copse.Actor) { names(a); a.Type = copse.Group }), copse.CodeInvalid},
		{"a server", person("stevenage", func(a *copse.Actor) { a.Type = copse.Application }), person("wigan", func(a *copse.Actor) { names(a); a.Type = copse.Application }), copse.CodeInvalid},
		{"which has moved on, back to it even", old, person("wigan", func(a *copse.Actor) { names(a); a.MovedTo = old.URI }), copse.CodeForbidden},
		{"which is gone", old, person("wigan", func(a *copse.Actor) { names(a); a.Gone = now }), copse.CodeForbidden},
		{"again after a day", moved(24 * time.Hour), person("wigan", names), copse.CodeForbidden},
		{"a moment too soon", moved(copse.MoveEvery - time.Second), person("wigan", names), copse.CodeForbidden},
		{"again after 30 days", moved(copse.MoveEvery), person("wigan", names), 0},
	} {
		if got := copse.CodeOf(copse.MayMove(tt.old, tt.to, now)); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestWhoHasMovedWritesFromThere(t *testing.T) {
	trees := &copse.Community{Actor: copse.Actor{Title: "Trees"}, Posting: copse.Member, Join: copse.JoinOpen, Audience: copse.Public}
	left := *trees
	left.MovedTo = "https://wigan.example/c/trees"
	for _, tt := range []struct {
		name                    string
		f                       copse.Facts
		write, edit, like, join bool
	}{
		{"a member", copse.Facts{Community: trees, Role: copse.Member, Author: true}, true, true, true, true},
		{"who has moved", copse.Facts{Community: trees, Role: copse.Member, Author: true, Moved: true}, false, false, false, false},
		{"from elsewhere", copse.Facts{Community: trees, Elsewhere: true, Author: true, Moved: true}, false, false, false, false},
		{"announced by its home", copse.Facts{Community: trees, Author: true, Moved: true, Announced: true}, true, true, true, false},
		{"in a community that has", copse.Facts{Community: &left, Role: copse.Owner, Author: true}, false, true, true, false},
		{"announced there", copse.Facts{Community: &left, Author: true, Announced: true}, true, true, true, false},
	} {
		_, joining := copse.OnJoining(tt.f)
		who := &copse.Actor{}
		if tt.f.Moved {
			who.MovedTo, who.Moved = "https://wigan.example/u/tess", time.Now()
		}
		if err := copse.MayFound(who); (err == nil) == tt.f.Moved {
			t.Errorf("%s, found: %v", tt.name, err)
		}
		for what, got := range map[string]struct {
			err  error
			want bool
		}{
			"post": {copse.MayPost(tt.f), tt.write}, "reply": {copse.MayReply(tt.f), tt.write}, "edit": {copse.MayEdit(tt.f), tt.edit},
			"like": {copse.MayLike(tt.f), tt.like}, "join": {joining, tt.join}, "ask": {copse.MayAsk(tt.f), tt.join},
		} {
			if (got.err == nil) != got.want {
				t.Errorf("%s, %s: %v, want allowed %v", tt.name, what, got.err, got.want)
			}
		}
	}
}

// Who was let in under their old address is let in under the new one, however one
// joins.
func TestWhoIsExpectedIsLetIn(t *testing.T) {
	for _, join := range []copse.Join{copse.JoinOpen, copse.JoinApproval, copse.JoinInvitation} {
		c := &copse.Community{Join: join, Audience: copse.Members}
		state, err := copse.OnJoining(copse.Facts{Community: c, State: copse.Expected})
		if err != nil || state != copse.Active {
			t.Errorf("%s: %q, %v", join, state, err)
		}
		state, _ = copse.OnJoining(copse.Facts{Community: c, State: copse.Expected, Microblog: true})
		if state != copse.Declined {
			t.Errorf("%s, from a microblog: %q", join, state)
		}
	}
}

func TestOwnersMoveCommunities(t *testing.T) {
	trees := &copse.Community{Actor: copse.Actor{Title: "Trees"}}
	here := &copse.Community{Actor: copse.Actor{Title: "Us"}, Sharing: copse.SharedHere}
	for _, tt := range []struct {
		f    copse.Facts
		want bool
	}{
		{copse.Facts{Community: trees, Role: copse.Owner}, true},
		{copse.Facts{Community: trees, Role: copse.Moderator}, false},
		{copse.Facts{Community: here, Role: copse.Owner}, false},
	} {
		if err := copse.MayMoveCommunity(tt.f); (err == nil) != tt.want {
			t.Errorf("%+v: %v", tt.f, err)
		}
	}
	waiting, done := &copse.Community{Moving: copse.Awaiting}, &copse.Community{Moving: copse.Stayed}
	for _, tt := range []struct {
		f    copse.Facts
		want copse.Code
	}{
		{copse.Facts{Community: waiting, Admin: true}, 0},
		{copse.Facts{Community: waiting, Role: copse.Owner}, copse.CodeNotFound},
		{copse.Facts{Community: done, Admin: true}, copse.CodeConflict},
	} {
		if got := copse.CodeOf(copse.MayResettle(tt.f)); got != tt.want {
			t.Errorf("%+v: %v, want %v", tt.f, got, tt.want)
		}
	}
}

func TestWhoIsInWhatIsToldToWhomItConcerns(t *testing.T) {
	at := copse.Actor{Host: "harlow.example"}
	for _, tt := range []struct {
		name    string
		c       copse.Community
		reached bool
		want    bool
	}{
		{"public", copse.Community{Actor: at, Audience: copse.Public}, false, true},
		{"for members", copse.Community{Actor: at, Audience: copse.Members}, false, false},
		{"for members, some of whom are there", copse.Community{Actor: at, Audience: copse.Members}, true, true},
		{"its own", copse.Community{Actor: copse.Actor{Host: "wigan.example"}, Audience: copse.Members}, false, true},
		{"named", copse.Community{Actor: at, Audience: copse.Members, Sharing: copse.SharedNamed, Named: []string{"wigan.example"}}, false, true},
		{"not named", copse.Community{Actor: at, Audience: copse.Public, Sharing: copse.SharedNamed, Named: []string{"york.example"}}, true, false},
		{"for people here", copse.Community{Actor: at, Audience: copse.Members, Sharing: copse.SharedHere}, true, false},
	} {
		if got := copse.MayTell(&tt.c, "wigan.example", tt.reached); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}
