package copse_test

import (
	"strings"
	"testing"
	"time"

	"copse/copse"
)

func TestWhoMayWriteToWhom(t *testing.T) {
	tess := &copse.Actor{Type: copse.Person, Title: "Tess"}
	for name, c := range map[string]struct {
		f    copse.Correspondence
		want copse.Code
	}{
		"a stranger":                         {copse.Correspondence{}, copse.CodeForbidden},
		"somebody known":                     {copse.Correspondence{Known: true}, 0},
		"a stranger who may":                 {copse.Correspondence{Reach: copse.ReachAnyone}, 0},
		"somebody known, where nobody may":   {copse.Correspondence{Reach: copse.ReachNobody, Known: true}, copse.CodeForbidden},
		"an answer, where nobody may":        {copse.Correspondence{Reach: copse.ReachNobody, Wrote: true}, 0},
		"an answer by somebody blocked":      {copse.Correspondence{Reach: copse.ReachAnyone, Wrote: true, Known: true, Blocked: true}, copse.CodeForbidden},
		"to somebody the writer has blocked": {copse.Correspondence{Reach: copse.ReachAnyone, Blocks: true}, copse.CodeForbidden},
		"to somebody who is not there":       {copse.Correspondence{Reach: copse.ReachAnyone, Absent: true}, copse.CodeNotFound},
		"alone, where only one may be":       {copse.Correspondence{Reach: copse.ReachAnyone, OneOnly: true, People: 1}, 0},
		"to several, where only one may be":  {copse.Correspondence{Reach: copse.ReachAnyone, OneOnly: true, People: 2}, copse.CodeForbidden},
		"to a community":                     {copse.Correspondence{Reach: copse.ReachAnyone, To: &copse.Actor{Type: copse.Group}}, copse.CodeInvalid},
	} {
		if c.f.To == nil {
			c.f.To = tess
		}
		if got := copse.CodeOf(copse.MayMessage(c.f)); copse.MayMessage(c.f) == nil && c.want != 0 || got != c.want {
			t.Errorf("%s: %v, want code %d", name, copse.MayMessage(c.f), c.want)
		}
	}
	// Nobody learns that they are blocked.
	stranger, blocked := copse.MayMessage(copse.Correspondence{To: tess}), copse.MayMessage(copse.Correspondence{To: tess, Blocked: true})
	if stranger.Error() != blocked.Error() {
		t.Errorf("who is blocked hears %q, a stranger %q", blocked, stranger)
	}
}

func TestMessagesHaveLimits(t *testing.T) {
	for name, c := range map[string]struct {
		m     copse.Message
		to    int
		field string
	}{
		"right":                   {copse.Message{HTML: "<p>Hello"}, 20, ""},
		"to nobody":               {copse.Message{HTML: "<p>Hello"}, 0, "to"},
		"to too many":             {copse.Message{HTML: "<p>Hello"}, 21, "to"},
		"without words":           {copse.Message{HTML: " \n"}, 1, "text"},
		"too long":                {copse.Message{HTML: "<p>", Source: strings.Repeat("a", 10_001), Local: true}, 1, "text"},
		"as long as a peer likes": {copse.Message{HTML: "<p>", Source: strings.Repeat("a", 10_001)}, 1, ""},
		"longer than anything is": {copse.Message{HTML: strings.Repeat("a", copse.MaxContent+1)}, 1, "text"},
	} {
		err := copse.CheckMessage(&c.m, c.to)
		e, _ := err.(*copse.Error)
		if (err == nil) != (c.field == "") || e != nil && e.Field != c.field {
			t.Errorf("%s: %v, want the field %q to blame", name, err, c.field)
		}
	}
	if copse.MayMessageMore(copse.MaxMessages-1) != nil || copse.CodeOf(copse.MayMessageMore(copse.MaxMessages)) != copse.CodeTooMany {
		t.Error("the last message of an hour is not the sixtieth")
	}
}

func TestOnlyAuthorsChangeTheirMessages(t *testing.T) {
	m := &copse.Message{Author: 1}
	if copse.MayChangeMessage(m, 1) != nil || copse.MayChangeMessage(m, 2) == nil {
		t.Error("a message is changed by somebody else than its author, or not by them")
	}
	m.Deleted = time.Now()
	if copse.MayChangeMessage(m, 1) == nil {
		t.Error("what is deleted is changed")
	}
}

func TestWhichServersTakeMessagesToOnePersonOnly(t *testing.T) {
	for _, c := range []struct {
		software, version string
		oneOnly, chat     bool
	}{
		{"lemmy", "0.19.11", true, true}, {"lemmy", "1.0.0-beta.1", true, false}, {"lemmy", "unknown version", true, true},
		{"mastodon", "4.4.0", false, false}, {"mbin", "1.8.0", false, false}, {"copse", "0.1", false, false}, {"", "", false, false},
	} {
		p := &copse.Peer{Software: c.software, Version: c.version}
		if p.OneRecipient() != c.oneOnly || p.ChatsOnly() != c.chat {
			t.Errorf("%s %s: one recipient %t, chat messages %t", c.software, c.version, p.OneRecipient(), p.ChatsOnly())
		}
	}
}
