// Package mail writes letters to people here and sends them.
//
// Whoever causes a letter queues it in the transaction of what it is about, so
// it goes out exactly if that took effect. A Worker takes it from there.
package mail

import (
	"fmt"
	"strings"
	"time"

	"copse/copse"
	"copse/internal/words"
	"copse/store"
)

// A Letterhead is where letters come from and the language they are in.
// Its methods write them; Tx.QueueMail sends one on its way. Links are to Base,
// never to the host a request named.
type Letterhead struct {
	W      *words.Words
	Server string // the council that runs this server
	Base   string // "https://stevenage.gov.uk"
}

// How long the links in letters work.
const (
	ConfirmTime = 24 * time.Hour
	ResetTime   = 30 * time.Minute
)

// Confirm asks a new person to prove their address.
func (l Letterhead) Confirm(to, name, token string) *store.Mail {
	return l.letter(to, name, l.W.T("mail.confirm_subject", "council", l.Server), []string{
		l.W.T("mail.confirm", "council", l.Server),
		l.Base + "/confirm?token=" + token,
		l.W.T("mail.confirm_once"),
		l.W.T("mail.confirm_not_you"),
	}, l.W.T("mail.why_address", "url", l.Base))
}

// Registered tells somebody who has an account that one was asked for again.
func (l Letterhead) Registered(to, name string) *store.Mail {
	return l.letter(to, name, l.W.T("mail.registered_subject", "council", l.Server), []string{
		l.W.T("mail.registered"),
		l.Base + "/sign-in",
		l.W.T("mail.registered_forgotten"),
		l.Base + "/reset",
		l.W.T("mail.not_you"),
	}, l.W.T("mail.why_address", "url", l.Base))
}

// Unfinished tells somebody whose address was never proved that an account was
// asked for again. Who chose the password of the first is not known, so the link
// lets them choose one.
func (l Letterhead) Unfinished(to, name, token string) *store.Mail {
	return l.letter(to, name, l.W.T("mail.confirm_subject", "council", l.Server), []string{
		l.W.T("mail.unfinished", "council", l.Server),
		l.Base + "/reset?token=" + token,
		l.W.T("mail.reset_once"),
		l.W.T("mail.confirm_not_you"),
	}, l.W.T("mail.why_address", "url", l.Base))
}

// Reset lets somebody choose a new password.
func (l Letterhead) Reset(to, name, token string) *store.Mail {
	return l.letter(to, name, l.W.T("mail.reset_subject", "council", l.Server), []string{
		l.W.T("mail.reset"),
		l.Base + "/reset?token=" + token,
		l.W.T("mail.reset_once"),
		l.W.T("mail.not_you"),
	}, l.W.T("mail.why_account", "url", l.Base))
}

// Joined tells somebody that a community has let them in, with what its
// facilitator wrote and its own welcome; either may be "".
func (l Letterhead) Joined(to, name string, c *copse.Community, council, reason string) *store.Mail {
	return l.letter(to, name, l.in(c, l.W.T("mail.joined_subject")), []string{
		l.W.T("mail.joined", "community", line(c.Title), "council", line(council)),
		quoted(reason),
		quoted(c.Welcome),
		l.W.T("mail.read_it"),
		l.Base + c.Path(),
	}, l.W.T("mail.why_asked", "community", line(c.Title)))
}

// Declined tells somebody that a community has not let them in.
func (l Letterhead) Declined(to, name string, c *copse.Community, council, reason string) *store.Mail {
	return l.letter(to, name, l.in(c, l.W.T("mail.declined_subject")), []string{
		l.W.T("mail.declined", "community", line(c.Title), "council", line(council)),
		quoted(reason),
		l.W.T("mail.declined_next"),
	}, l.W.T("mail.why_asked", "community", line(c.Title)))
}

// Asked tells a facilitator that somebody wants to join.
func (l Letterhead) Asked(to, name string, c *copse.Community, who, council, reason string) *store.Mail {
	return l.letter(to, name, l.in(c, l.W.T("mail.asked_subject", "name", line(who))), []string{
		l.W.T("mail.asked", "name", line(who), "council", line(council), "community", line(c.Title)),
		quoted(reason),
		l.W.T("mail.asked_decide"),
		l.Base + c.Path() + "/facilitate/requests",
	}, l.W.T("mail.why_facilitator", "community", line(c.Title)))
}

// Wrote tells somebody that they have a private message, at a path here, and who wrote
// it.
func (l Letterhead) Wrote(to, name, who, council, path string) *store.Mail {
	return l.letter(to, name, l.W.T("mail.wrote_subject", "name", line(who)), []string{
		l.W.T("mail.wrote", "name", line(who), "council", line(council)),
		l.W.T("mail.wrote_read"),
		l.Base + path,
	}, l.W.T("mail.why_account", "url", l.Base))
}

// Reported tells somebody that something was reported, in a community that they look
// after or, if that is nil, on the server that they run. What it says is left to the
// page: letters lie about.
func (l Letterhead) Reported(to, name string, c *copse.Community) *store.Mail {
	if c == nil {
		return l.letter(to, name, l.W.T("mail.reported_here_subject"), []string{
			l.W.T("mail.reported_here", "council", l.Server), l.W.T("mail.reported_decide"), l.Base + "/admin/reports",
		}, l.W.T("mail.why_administrator", "url", l.Base))
	}
	return l.letter(to, name, l.in(c, l.W.T("mail.reported_subject")), []string{
		l.W.T("mail.reported", "community", line(c.Title)), l.W.T("mail.reported_decide"), l.Base + c.Path() + "/facilitate/reports",
	}, l.W.T("mail.why_facilitator", "community", line(c.Title)))
}

// DealtWith tells somebody what became of what they reported.
func (l Letterhead) DealtWith(to, name string, k *copse.Case, report copse.ID) *store.Mail {
	return l.letter(to, name, l.W.T("mail.dealt_subject"), []string{
		l.W.T("mail.dealt"),
		l.W.T("outcome." + string(k.Outcome)),
		quoted(k.Words),
		fmt.Sprintf("%s/reports/%d", l.Base, report),
	}, l.W.T("mail.why_reported"))
}

// letter puts a letter together. Empty paragraphs are left out.
func (l Letterhead) letter(to, name, subject string, paragraphs []string, why string) *store.Mail {
	text := []string{l.W.T("mail.hello", "name", line(name))}
	for _, p := range paragraphs {
		if p != "" {
			text = append(text, p)
		}
	}
	// "-- " alone on a line begins a signature (RFC 3676, section 4.3).
	text = append(text, "-- \n"+why+"\n"+l.W.T("footer.run_by", "council", l.Server))
	return &store.Mail{To: to, Subject: subject, Body: strings.Join(text, "\n\n") + "\n"}
}

// in is the subject of a letter about something in a community.
func (l Letterhead) in(c *copse.Community, subject string) string {
	return line(c.Title) + ": " + subject
}

// line is text on one line: what peers send must not write subjects of its own.
func line(text string) string { return strings.Join(strings.Fields(text), " ") }

// quoted is text set off as somebody's own words, or "".
func quoted(text string) string {
	text = strings.TrimSpace(text)
	if text == "" {
		return ""
	}
	return "> " + strings.ReplaceAll(text, "\n", "\n> ")
}
