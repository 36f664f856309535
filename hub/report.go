package hub

import (
	"context"
	"strings"
	"time"
	"unicode/utf8"

	"copse/copse"
	"copse/store"
)

// A Complaint is what somebody here finds wrong.
type Complaint struct {
	Object   *copse.Object // that is reported; nil for a person
	Person   *copse.Actor  // likewise; nil for an object
	Category copse.Category
	Reason   string
	Forward  bool // to the council of whoever it is about as well, if that is another
}

// Report performs the Flag of something by somebody here. To other servers it is
// this server that reports, wherever that is understood: by is not named there.
func (h *Hub) Report(ctx context.Context, by *copse.Actor, c Complaint) error {
	c.Reason = strings.TrimSpace(c.Reason)
	if err := copse.CheckReport(c.Category, c.Reason); err != nil {
		return err
	}
	self, err := h.Self(ctx)
	if err != nil {
		return err
	}
	act := h.mint("Flag", self)
	act.By, act.Category, act.Reason, act.Forward = by, c.Category, c.Reason, c.Forward
	if act.Subject = c.Person; c.Object != nil {
		act.Objects = []*copse.Object{c.Object}
	}
	return h.Perform(ctx, act)
}

// CloseCase performs the Resolve of what was reported. words, which may be "", are
// for those who reported it.
func (h *Hub) CloseCase(ctx context.Context, by *copse.Actor, id copse.ID, outcome copse.Outcome, words string) error {
	words = strings.TrimSpace(words)
	if utf8.RuneCountInString(words) > copse.MaxReport {
		return copse.Invalid("words", "what you say must be %d characters or fewer", copse.MaxReport)
	}
	act := h.mint("Resolve", by)
	act.Case, act.Outcome, act.Reason = id, outcome, words
	return h.Perform(ctx, act)
}

// flag records that somebody finds something wrong, for those who deal with it, and
// does nothing else. It is recorded without its community, whose log its members
// may read.
func (h *Hub) flag(tx *store.Tx, act *copse.Activity) error {
	act.Cases = nil
	if act.Subject != nil {
		return h.flagPerson(tx, act)
	}
	var refused error
	told := make(map[copse.ID]bool) // communities
	for _, o := range act.Objects {
		err := h.flagObject(tx, act, o, told)
		if err != nil && copse.CodeOf(err) == copse.CodeInternal {
			return err
		}
		if err != nil {
			refused = err
		}
	}
	if len(told) > 0 || !act.Local && copse.CodeOf(refused) == copse.CodeNotFound {
		return nil // whoever may not see something does not learn that it is there
	}
	return refused
}

// mayReportMore counts what is announced against the server that announces it: of
// whom others say that they report, they know nothing.
func (h *Hub) mayReportMore(tx *store.Tx, act *copse.Activity) (err error) {
	hour, n := tx.Now.Add(-time.Hour), 0
	if act.Local {
		n, err = tx.Filings(act.Behind().ID, hour, copse.ReportsByOne)
	} else {
		n, err = tx.FilingsFrom(cameFrom(act).Host, hour, copse.ReportsByPeer)
	}
	if err != nil {
		return err
	}
	return copse.MayReportMore(n, !act.Local)
}

func cameFrom(act *copse.Activity) *copse.Actor {
	if act.Via != nil {
		return act.Via
	}
	return act.Actor
}

// flagObject is flag for one object. told are the communities whose facilitators
// elsewhere have been told.
func (h *Hub) flagObject(tx *store.Tx, act *copse.Activity, o *copse.Object, told map[copse.ID]bool) error {
	c, err := tx.Community(o.Community)
	if err != nil {
		return err
	}
	facts, err := h.reporting(tx, act, c, o)
	if err != nil {
		return err
	}
	if err := copse.MayReport(facts, o.Audience); err != nil {
		return err
	}
	if err := h.file(tx, act, &copse.Case{Community: c.ID, Object: o.ID, Subject: o.Author}); err != nil {
		return err
	}
	again := told[c.ID]
	told[c.ID] = true
	author, err := tx.Actor(o.Author)
	if err != nil {
		return err
	}
	whole := *act
	whole.Community = c
	switch {
	case c.Local && again:
		return nil
	case c.Local:
		all, err := h.lookAfter(tx, c, act.Actor.Host)
		if err == nil {
			err = h.announceTo(tx, &whole, o, all)
		}
		if err != nil {
			return err
		}
	case !act.Local:
		return nil // its home tells everybody else
	default:
		if err := h.named(tx, &whole, c.Host); err != nil {
			return err
		}
		if err := h.confide(tx, &whole, o, []*copse.Actor{&c.Actor}); err != nil {
			return err
		}
	}
	return h.forward(tx, act, o, author, c.Host)
}

// reporting loads what the rule looks at about who reports o, in c. Of communities
// elsewhere only what concerns somebody here is taken: somebody who looks after it,
// or whoever wrote what was reported.
func (h *Hub) reporting(tx *store.Tx, act *copse.Activity, c *copse.Community, o *copse.Object) (copse.Facts, error) {
	f, err := tx.Facts(act.Behind().ID, c, o)
	if err != nil || act.Local {
		return f, err
	}
	f.Announced = act.Via != nil && act.Via.ID == c.ID
	switch {
	case f.Announced:
		here, err := tx.FacilitatedHere(c.ID)
		if err == nil && !here {
			err = copse.NotFound("there is nothing here")
		}
		return f, err
	case act.Via != nil:
		return f, copse.Forbidden("only %s may pass on what happens there", c.URI)
	case !c.Local:
		author, err := tx.Actor(o.Author)
		if err == nil && !author.Local {
			err = copse.NotFound("there is nothing here")
		}
		f.Role = max(f.Role, copse.Member) // how far it is in the community is not known here
		return f, err
	}
	if err := copse.MayShare(c, act.Actor.Host); err != nil {
		return f, copse.NotFound("there is nothing here")
	}
	if act.Actor.Type != copse.Person { // a server, for somebody there who is not named
		member, err := tx.ReachesMembers(c.ID, act.Actor.Host)
		if member {
			f.Role = max(f.Role, copse.Member)
		}
		return f, err
	}
	return f, nil
}

// file adds a report to the case that k names. From one person here there is one.
func (h *Hub) file(tx *store.Tx, act *copse.Activity, k *copse.Case) error {
	if err := h.mayReportMore(tx, act); err != nil {
		return err
	}
	by := act.Behind()
	if act.Local {
		open, err := tx.OpenCase(k.Object, k.Subject)
		if err != nil {
			return err
		}
		if open != nil {
			has, err := tx.HasReported(open.ID, by.ID)
			if err != nil {
				return err
			}
			if has {
				return copse.Conflict("you have reported this already")
			}
		}
	}
	err := tx.AddReport(k, &copse.Report{
		URI: act.URI, Reporter: by.ID, Host: cameFrom(act).Host, Category: act.Category, Reason: act.Reason,
	})
	if err == nil && k.Reports == 1 {
		act.Cases = append(act.Cases, k.ID)
	}
	return err
}

// flagPerson is flag for a person: those who run their server are told.
func (h *Hub) flagPerson(tx *store.Tx, act *copse.Activity) error {
	if !act.Local && (!act.Subject.Local || act.Via != nil) {
		return nil // none of our business
	}
	if err := copse.MayReportPerson(act.Behind(), act.Subject); err != nil {
		return err
	}
	if err := h.file(tx, act, &copse.Case{Subject: act.Subject.ID}); err != nil {
		return err
	}
	return h.forward(tx, act, nil, act.Subject, "")
}

// forward tells the server of whoever a report by somebody here is about, if the
// reporter wants that, and it is not at told, which knows already.
func (h *Hub) forward(tx *store.Tx, act *copse.Activity, o *copse.Object, about *copse.Actor, told string) error {
	if !act.Local || !act.Forward || about.Local || about.Host == told {
		return nil
	}
	peer, err := tx.PeerAt(about.Host)
	if err != nil || peer.NamesReporters() {
		return err
	}
	copied := h.mint("Flag", act.Actor)
	copied.By, copied.Category, copied.Reason = act.By, act.Category, act.Reason
	copied.Subject, copied.Objects = about, act.Objects
	return h.confide(tx, copied, o, []*copse.Actor{about})
}

// named has act, which this server does for somebody here, done by them in person
// where the server at host takes nothing else.
func (h *Hub) named(tx *store.Tx, act *copse.Activity, host string) error {
	peer, err := tx.PeerAt(host)
	if err == nil && peer.NamesReporters() {
		act.Actor, act.By = act.By, nil
	}
	return err
}

// resolve ends cases: the one that is named here, or what another server says that
// it has dealt with. That is found by what was reported: the Flag in a Resolve by
// Lemmy has an id of its own.
func (h *Hub) resolve(tx *store.Tx, act *copse.Activity) error {
	act.Cases = nil
	all, err := h.resolved(tx, act)
	if err != nil {
		return err
	}
	for _, k := range all {
		if err := h.close(tx, act, k); err != nil {
			if !act.Local && copse.CodeOf(err) == copse.CodeNotFound {
				continue
			}
			return err
		}
	}
	return nil
}

func (h *Hub) resolved(tx *store.Tx, act *copse.Activity) (all []*copse.Case, err error) {
	switch flag := act.Inner; {
	case act.Case != 0:
		k, err := tx.Case(act.Case)
		return []*copse.Case{k}, err
	case flag == nil:
		return nil, copse.Invalid("", "this server does not understand %q", act.Type)
	case len(flag.Objects) == 0:
		return tx.Reported(flag.URI)
	default:
		for _, o := range flag.Objects {
			k, err := tx.OpenCase(o.ID, 0)
			if err != nil {
				return nil, err
			}
			if k != nil {
				all = append(all, k)
			}
		}
		return all, nil
	}
}

// close ends one case, and tells those who were told of the reports.
func (h *Hub) close(tx *store.Tx, act *copse.Activity, k *copse.Case) error {
	facts, err := h.handling(tx, act, k)
	if err != nil {
		return err
	}
	if err := copse.MayHandle(facts); err != nil {
		return err
	}
	if !k.Closed.IsZero() {
		return nil
	}
	k.Closed, k.ClosedBy, k.Outcome, k.Words = tx.Now, act.Actor.ID, act.Outcome, act.Reason
	if err := tx.CloseCase(k); err != nil {
		return err
	}
	act.Cases = append(act.Cases, k.ID)
	c := facts.Community
	if c == nil {
		return nil
	}
	if !c.Local && (!act.Local || facts.Role < copse.Moderator) {
		return nil // its home tells everybody else, or has yet to decide
	}
	return h.tellOutcome(tx, act, k, c)
}

// handling loads what the rule looks at about who ends a case.
func (h *Hub) handling(tx *store.Tx, act *copse.Activity, k *copse.Case) (f copse.Facts, err error) {
	if k.Community != 0 {
		c, err := tx.Community(k.Community)
		if err != nil {
			return f, err
		}
		if f, err = tx.Facts(act.Actor.ID, c, nil); err != nil {
			return f, err
		}
		f.Author = k.Subject == act.Actor.ID
		// What its home says straight it could as well announce.
		f.Announced = !act.Local && !c.Local && cameFrom(act).Host == c.Host
		if act.Via != nil && !f.Announced {
			f.Role = copse.Guest // another community has no say in it, whoever did it there
		}
	}
	if !act.Local {
		return f, nil
	}
	login, err := tx.Login(act.Actor.ID)
	f.Admin = err == nil && login.Role != store.Ordinary
	return f, err
}

// maxOutcomes is of how many reports of one case others hear that it is closed.
const maxOutcomes = 100

// tellOutcome tells the community's home that a case is closed, or from there those
// who look after it elsewhere and the servers that reports came from: of each
// report, as Lemmy keeps one for each.
func (h *Hub) tellOutcome(tx *store.Tx, act *copse.Activity, k *copse.Case, c *copse.Community) error {
	o, err := tx.Object(k.Object)
	if err != nil {
		return err
	}
	reports, err := tx.Reports(k.ID, maxOutcomes)
	if err != nil {
		return err
	}
	crew := []*copse.Actor{&c.Actor}
	if c.Local {
		if crew, err = h.lookAfter(tx, c, act.Actor.Host); err != nil {
			return err
		}
	}
	for i, r := range reports {
		one := *act
		one.Community, one.Outcome, one.Reason = c, k.Outcome, k.Words
		if i > 0 || !act.Local {
			one = *h.mint("Resolve", act.Actor)
			one.Community, one.Outcome, one.Reason = c, k.Outcome, k.Words
			if !act.Local {
				one.Actor = &c.Actor // what somebody elsewhere did is now the community's own act
			}
		}
		reporter, err := tx.Actor(r.Reporter)
		if err != nil {
			return err
		}
		one.Inner = &copse.Activity{
			URI: r.URI, Type: "Flag", Actor: reporter, Community: c, Category: r.Category, Reason: r.Reason, Objects: []*copse.Object{o},
		}
		if strings.HasPrefix(r.URI, h.Base+"/") {
			if one.Inner.Actor, err = tx.ActorByURI(h.Base + "/"); err != nil {
				return err
			}
		}
		to := crew
		if c.Local && !reporter.Local && reporter.Host == r.Host {
			to = append(crew[:len(crew):len(crew)], reporter)
		}
		if to, err = h.listening(tx, to); err != nil {
			return err
		}
		if c.Local {
			err = h.announceTo(tx, &one, o, to)
		} else {
			err = h.confide(tx, &one, o, to)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// listening returns those of to whose servers understand what became of a report.
func (h *Hub) listening(tx *store.Tx, to []*copse.Actor) (some []*copse.Actor, err error) {
	for _, a := range to {
		peer, err := tx.PeerAt(a.Host)
		if err != nil {
			return nil, err
		}
		if peer.HearsOutcomes() {
			some = append(some, a)
		}
	}
	return some, nil
}

// maxCrew is how many of those who look after a community hear of reports.
const maxCrew = 50

// lookAfter returns those who look after a community here from elsewhere, but at
// one host, where it is known.
func (h *Hub) lookAfter(tx *store.Tx, c *copse.Community, but string) (some []*copse.Actor, err error) {
	all, err := tx.MembersOf(c.ID, copse.Moderator, 0, maxCrew)
	for _, p := range all {
		if !p.Local && p.Host != but {
			some = append(some, p.Actor)
		}
	}
	return some, err
}

// announceTo has a community of ours pass on act to the servers of some alone.
func (h *Hub) announceTo(tx *store.Tx, act *copse.Activity, o *copse.Object, to []*copse.Actor) error {
	announce := h.mint("Announce", &act.Community.Actor)
	announce.Inner, announce.Community = act, act.Community
	return h.confide(tx, announce, o, to)
}

// confide sends act to the servers of some alone, in its order in the conversation
// of o, which may be nil. It is not said to be about o, or whoever may read that
// could read act at its id.
func (h *Hub) confide(tx *store.Tx, act *copse.Activity, o *copse.Object, to []*copse.Actor) error {
	if len(to) == 0 {
		return nil
	}
	if act.Published.IsZero() {
		act.Published = tx.Now
	}
	out, err := h.outgoing(tx, act, nil)
	if err != nil {
		return err
	}
	out.Community = 0
	if o != nil {
		out.Thread = o.Thread()
	}
	if err := tx.Append(out); err != nil {
		return err
	}
	for _, a := range to {
		peer, err := tx.PeerAt(a.Host)
		if err != nil {
			return err
		}
		if err := tx.Address(out.ID, peer.ID, ownInbox(a)); err != nil {
			return err
		}
	}
	return nil
}
