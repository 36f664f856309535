package hub_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"copse/copse"
	"copse/store"
)

// confirm has people take part whose address is proved.
func (p *place) confirm(reach copse.Reach, names ...string) {
	p.t.Helper()
	p.must(p.hub.DB.Update(p.t.Context(), func(tx *store.Tx) error {
		for _, name := range names {
			account, err := tx.Account(p.people[name].ID)
			if err != nil {
				return err
			}
			account.Confirmed, account.Reach = time.Now(), reach
			if err := tx.SetAccount(account); err != nil {
				return err
			}
		}
		return nil
	}))
}

func (p *place) write(by string, words string, to ...*copse.Actor) (*copse.Message, error) {
	m := &copse.Message{Source: words, HTML: "<p>" + words, To: to}
	return m, p.hub.Write(p.t.Context(), p.people[by], m, "")
}

// reads returns what somebody here reads in their newest conversation, newest first.
func (p *place) reads(name string) (all []string) {
	p.t.Helper()
	p.view(func(tx *store.Tx) error {
		me := p.people[name].ID
		talks, err := tx.Talks(me, 0, 1)
		if err != nil || len(talks) == 0 {
			return err
		}
		lines, err := tx.Lines(me, talks[0].ID, 0, 10)
		for _, l := range lines {
			all = append(all, l.Source)
		}
		return err
	})
	return all
}

func TestMessagesGoToThoseTheyAreForAlone(t *testing.T) {
	each(t, func(t *testing.T, p *place) {
		p.confirm(copse.ReachKnown, "ann", "bob", "eve")
		cat, dan := p.remotePerson("hull.example", "cat"), p.remotePerson("hull.example", "dan")
		p.remotePerson("selby.example", "sam")
		m, err := p.write("ann", "hello", p.people["bob"], cat, dan)
		p.must(err)
		if m.URI != fmt.Sprintf("https://york.example/message/%d", m.ID) {
			t.Errorf("%s is number %d", m.URI, m.ID)
		}
		// Neither of the two has a shared inbox, so that each gets a copy.
		if got := p.sent("hull.example"); !slices.Equal(got, []string{"Create", "Create"}) {
			t.Errorf("Hull is sent %q", got)
		}
		if got := p.sent("selby.example"); got != nil {
			t.Errorf("Selby is sent %q", got)
		}
		m.Source, m.HTML = "good morning", "<p>good morning"
		p.must(p.hub.Rewrite(t.Context(), p.people["ann"], m))
		if got := p.reads("bob"); !slices.Equal(got, []string{"good morning"}) {
			t.Errorf("Bob reads %q", got)
		}
		if err := p.hub.Rewrite(t.Context(), p.people["bob"], m); copse.CodeOf(err) != copse.CodeForbidden {
			t.Errorf("Bob changes it: %v", err)
		}
		if err := p.hub.Unsay(t.Context(), p.people["bob"], m); copse.CodeOf(err) != copse.CodeForbidden {
			t.Errorf("Bob deletes it: %v", err)
		}
		for range 2 {
			p.must(p.hub.Unsay(t.Context(), p.people["ann"], m))
		}
		if got := p.reads("bob"); !slices.Equal(got, []string{""}) {
			t.Errorf("Bob reads %q of what was deleted", got)
		}
		if got := p.sent("hull.example"); len(got) != 6 || got[5] != "Delete" {
			t.Errorf("Hull is sent %q in all", got)
		}
		if p.reads("eve") != nil {
			t.Error("Eve reads it")
		}
	})
}

func TestPeopleSayWhoMayWriteToThem(t *testing.T) {
	each(t, func(t *testing.T, p *place) {
		p.confirm(copse.ReachKnown, "ann", "eve")
		p.confirm(copse.ReachNobody, "bob")
		for _, c := range []struct {
			by, to string
			want   copse.Code
		}{{"ann", "eve", 0}, {"ann", "bob", copse.CodeForbidden}, {"ann", "mod", copse.CodeNotFound}, {"bob", "ann", 0}, {"ann", "bob", 0}} {
			if _, err := p.write(c.by, "hello", p.people[c.to]); copse.CodeOf(err) != c.want || (err == nil) != (c.want == 0) {
				t.Errorf("%s writes to %s: %v, want code %d", c.by, c.to, err, c.want)
			}
		}
		p.must(p.hub.Shun(t.Context(), p.people["eve"], p.people["ann"], true))
		if _, err := p.write("ann", "again", p.people["eve"]); copse.CodeOf(err) != copse.CodeForbidden {
			t.Errorf("who is blocked writes: %v", err)
		}
		if _, err := p.write("eve", "again", p.people["ann"]); copse.CodeOf(err) != copse.CodeForbidden {
			t.Errorf("who has blocked writes: %v", err)
		}
		p.must(p.hub.Shun(t.Context(), p.people["eve"], p.people["ann"], false))
		if _, err := p.write("ann", "again", p.people["eve"]); err != nil {
			t.Errorf("who is not blocked any more writes: %v", err)
		}
		if err := p.hub.Shun(t.Context(), p.people["eve"], p.people["eve"], true); copse.CodeOf(err) != copse.CodeInvalid {
			t.Errorf("Eve blocks herself: %v", err)
		}
	})
}

// What comes from elsewhere is for those here who take it, and nobody hears that
// they are blocked.
func TestMessagesFromElsewhereComeToThoseWhoTakeThem(t *testing.T) {
	each(t, func(t *testing.T, p *place) {
		p.confirm(copse.ReachAnyone, "ann", "eve")
		p.confirm(copse.ReachKnown, "bob")
		cat, n := p.remotePerson("hull.example", "cat"), 0
		says := func(to ...*copse.Actor) error {
			n++
			return p.hub.Perform(t.Context(), &copse.Activity{
				URI: fmt.Sprint(cat.URI, "/create/", n), Type: "Create", Actor: cat, Message: &copse.Message{
					ID: store.NewID(), URI: fmt.Sprint(cat.URI, "/", n), Author: cat.ID, Source: fmt.Sprint(n), HTML: "<p>", To: to,
				},
			})
		}
		ann, bob := p.people["ann"], p.people["bob"]
		p.must(says(ann, bob))
		if p.reads("bob") != nil || len(p.reads("ann")) != 1 {
			t.Errorf("Ann reads %q, Bob, who does not know Cat, %q", p.reads("ann"), p.reads("bob"))
		}
		if err := says(bob); copse.CodeOf(err) != copse.CodeForbidden {
			t.Errorf("to Bob alone: %v, want it refused", err)
		}
		p.must(p.hub.Shun(t.Context(), ann, cat, true))
		if err := says(ann); err != nil || len(p.reads("ann")) != 1 {
			t.Errorf("to Ann, who has blocked Cat: %v, and she reads %q", err, p.reads("ann"))
		}
		eve := p.people["eve"]
		for range copse.MaxMessages - 1 {
			p.must(says(eve))
		}
		if err := says(eve); copse.CodeOf(err) != copse.CodeForbidden {
			t.Errorf("one too many in an hour: %v", err)
		}
	})
}

func TestReadingAndMutingAreOnesOwn(t *testing.T) {
	each(t, func(t *testing.T, p *place) {
		p.confirm(copse.ReachKnown, "ann", "bob", "eve")
		unread := func(name string) (n int) {
			p.view(func(tx *store.Tx) (err error) {
				n, err = tx.Unread(p.people[name].ID)
				return err
			})
			return n
		}
		m, err := p.write("ann", "hello", p.people["bob"])
		p.must(err)
		if err := p.hub.Read(t.Context(), p.people["eve"], m); copse.CodeOf(err) != copse.CodeNotFound {
			t.Errorf("Eve has read it: %v", err)
		}
		if unread("bob") != 1 {
			t.Errorf("Bob has %d unread", unread("bob"))
		}
		p.must(p.hub.Read(t.Context(), p.people["bob"], m))
		p.must(p.hub.Mute(t.Context(), p.people["bob"], m, true))
		_, err = p.write("ann", "hello?", p.people["bob"])
		p.must(err)
		if unread("bob") != 0 {
			t.Errorf("Bob has %d unread in what he has muted", unread("bob"))
		}
		p.must(p.hub.Mute(t.Context(), p.people["bob"], m, false))
		if unread("bob") != 1 {
			t.Errorf("Bob has %d unread", unread("bob"))
		}
		if err := p.hub.Mute(t.Context(), p.people["eve"], m, true); copse.CodeOf(err) != copse.CodeNotFound {
			t.Errorf("Eve mutes it: %v", err)
		}
	})
}

// The same words from the same form are one message.
func TestAMessageIsSentOnce(t *testing.T) {
	each(t, func(t *testing.T, p *place) {
		p.confirm(copse.ReachKnown, "ann", "bob")
		var uris []string
		for _, words := range []string{"hello", "hello", "goodbye"} {
			m := &copse.Message{Source: words, HTML: words, To: []*copse.Actor{p.people["bob"]}}
			p.must(p.hub.Write(t.Context(), p.people["ann"], m, "a form"))
			uris = append(uris, m.URI)
		}
		if uris[0] != uris[1] || uris[1] == uris[2] || len(p.reads("bob")) != 2 {
			t.Errorf("made %q, and Bob reads %q", uris, p.reads("bob"))
		}
	})
}
