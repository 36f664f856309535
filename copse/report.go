package copse

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// A Report is that somebody finds something wrong with what somebody wrote, or with
// a person. It does nothing by itself: people decide what becomes of it.
type Report struct {
	ID       ID
	Case     ID     // what it is a report of
	URI      string // of the Flag
	Reporter ID     // a person here, or whoever sent it: another server may not say who
	Host     string // of the server it came from
	Category Category
	Reason   string    // in the reporter's words, plain text
	At       time.Time // when it came
}

// A Case is one thing that was reported, however often, until somebody has dealt
// with it. Reported again, it is another case.
type Case struct {
	ID        ID        // which says when it was reported first
	Community ID        // in which it is; zero if it is a person, whom no community looks after
	Object    ID        // zero likewise
	Subject   ID        // who wrote it, or the person
	Closed    time.Time // zero while it is open
	ClosedBy  ID        // whoever closed it, or the community that said so; zero while it is open
	Outcome   Outcome
	Words     string // to those who reported it, plain text
	Reports   int    // of it, counted
}

// Since is when it was reported first.
func (c *Case) Since() time.Time { return c.ID.Time() }

// A Category is what sort of thing is wrong. "" is that nobody said.
type Category string

// The categories, in the order in which they are offered.
const (
	Illegal  Category = "illegal"
	Personal Category = "personal" // personal or confidential information
	Abuse    Category = "abuse"
	Spam     Category = "spam"
	Other    Category = "other"
)

// Categories are all there are.
func Categories() []Category { return []Category{Illegal, Personal, Abuse, Spam, Other} }

// English is what a category is called to other servers, which have none. It is ""
// for what only the reason tells.
func (c Category) English() string {
	switch c {
	case Illegal:
		return "Illegal or dangerous"
	case Personal:
		return "Personal or confidential information"
	case Abuse:
		return "Abuse or harassment"
	case Spam:
		return "Spam or advertising"
	}
	return ""
}

// An Outcome is what became of a case.
type Outcome string

// The outcomes.
const (
	OutcomeRemoved Outcome = "removed" // what was reported was
	OutcomeDone    Outcome = "done"    // something else was done
	OutcomeNothing Outcome = "nothing" // there was no need to
)

// Outcomes are all there are.
func Outcomes() []Outcome { return []Outcome{OutcomeRemoved, OutcomeDone, OutcomeNothing} }

// Limits on reports.
const (
	MaxReport     = 1000 // characters of why, and of what those who reported are told
	ReportsByOne  = 20   // in an hour, by one person here
	ReportsByPeer = 100  // in an hour, from one server
)

// CheckReport returns an error unless a person here has said what is wrong.
func CheckReport(category Category, reason string) error {
	switch {
	case !slices.Contains(Categories(), category):
		return Invalid("category", "choose what is wrong")
	case category == Other && strings.TrimSpace(reason) == "":
		return Invalid("reason", "say what is wrong")
	case utf8.RuneCountInString(reason) > MaxReport:
		return Invalid("reason", "what is wrong must be said in %d characters or fewer", MaxReport)
	}
	return nil
}

// MayReport returns nil if the actor may report something that was written for
// audience: whoever may see it. What a community passes on its home has judged.
func MayReport(f Facts, audience Audience) error {
	if f.Announced {
		return nil
	}
	if err := MaySee(f, audience); err != nil {
		return err
	}
	switch {
	case f.State == Blocked:
		return Forbidden("your account is blocked in %s", f.Community.Title)
	case f.Deleted:
		return Forbidden("this has been removed")
	case f.Author:
		return Forbidden("you cannot report yourself")
	}
	return nil
}

// MayReportPerson is MayReport for a person.
func MayReportPerson(reporter, person *Actor) error {
	switch {
	case person.Type != Person || !person.Gone.IsZero():
		return NotFound("there is nothing here")
	case reporter.ID == person.ID:
		return Forbidden("you cannot report yourself")
	}
	return nil
}

// MayReportMore returns nil if another report may come where so many came within
// the last hour: by one person here, or from one server.
func MayReportMore(already int, elsewhere bool) error {
	switch {
	case elsewhere && already >= ReportsByPeer:
		return TooMany(time.Hour, "%d reports came from this server within an hour; wait", ReportsByPeer)
	case !elsewhere && already >= ReportsByOne:
		return TooMany(time.Hour, "you have reported %d things within an hour; wait a while", ReportsByOne)
	}
	return nil
}

// MayHandle returns nil if the actor may see what was reported in a community, and
// deal with it: those who look after it, but not what they wrote themselves, and
// whoever runs this server. For everybody else it is not there.
func MayHandle(f Facts) error {
	if f.Announced || f.Admin || f.Role >= Moderator && !f.Author {
		return nil
	}
	return NotFound("there is nothing here")
}

// NamesReporter reports whether those who deal with a report are told the name of
// whoever made it, and not only from which council it came. Nobody learns who
// reported them.
func NamesReporter(reporter *Actor, viewer ID, c *Case) bool {
	return reporter.Local && reporter.Type == Person && viewer != c.Subject
}

// NamesReporters reports whether a report can only be sent to p in the name of
// whoever makes it. Else it is in the name of their server. Lemmy takes what
// people report, and nothing from a server itself (to 1.0).
func (p *Peer) NamesReporters() bool { return strings.EqualFold(p.Software, "lemmy") }

// HearsOutcomes reports whether p understands that a report has been dealt with:
// copse does, and Lemmy since 1.0.
func (p *Peer) HearsOutcomes() bool {
	switch strings.ToLower(p.Software) {
	case "copse":
		return true
	case "lemmy":
		return !strings.HasPrefix(p.Version, "0.")
	}
	return false
}
