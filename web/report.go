package web

import (
	"errors"
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"

	"copse/copse"
	"copse/hub"
	"copse/internal/markup"
	"copse/store"
	"copse/web/page"
)

const (
	reportsOnPage = 50
	// reasonsOnPage is how many of the reports of one thing are shown.
	reasonsOnPage = 20
	// reportExcerpt is how much of what was reported is shown, in characters.
	reportExcerpt = 500
)

// reports are the pages on which something is reported and that is dealt with.
func (s *Site) reports(r chi.Router) {
	for _, at := range []string{"/report/{id}", "/u/{person}/report"} {
		s.Handle(r, "GET", at, s.reportForm)
		s.Handle(r, "POST", at, s.report)
	}
	s.Handle(r, "GET", "/reports", s.yourReports)
	s.Handle(r, "GET", "/reports/{id}", s.yourReport)
	s.Handle(r, "GET", "/c/{community}/facilitate/reports", s.cases)
	s.Handle(r, "POST", "/c/{community}/facilitate/reports/{id}", s.closeCase)
	s.Handle(r, "GET", "/c/{community}/facilitate/reports/{id}", leadTo("."))
	s.Handle(r, "GET", "/admin/reports", s.cases)
	s.Handle(r, "POST", "/admin/reports/{id}", s.closeCase)
	s.Handle(r, "GET", "/admin/reports/{id}", leadTo("."))
}

// ReportAction is how the reader of o, of whom f tells, reports it: ok only if they
// may.
func ReportAction(v *Visit, f copse.Facts, o *copse.Object) (a page.Action, ok bool) {
	// What is on the page the reader may see.
	if v.Login == nil || copse.MayReport(f, copse.Public) != nil {
		return a, false
	}
	return page.Action{Text: v.W.T("report.action"), URL: "/report/" + idText(o.ID)}, true
}

// A reporting is what somebody is about to report.
type reporting struct {
	object    *copse.Object // nil if it is a person
	about     *copse.Actor  // who wrote it, or the person
	community *Standing     // nil if it is a person
	named     bool          // it can only be reported by name
	forward   bool          // about is at another council, which can be told
}

// reporting finds what is in the address, if the reader may report it.
func (s *Site) reporting(v *Visit, tx *store.Tx, r *http.Request) (rep reporting, err error) {
	if chi.URLParam(r, "person") != "" {
		if rep.about, err = s.named(tx, r, "person", copse.Person); err != nil {
			return rep, err
		}
		if err := isIn(tx, rep.about); err != nil {
			return rep, err
		}
		if err := copse.MayReportPerson(v.Me(), rep.about); err != nil {
			return rep, err
		}
		rep.forward, err = s.takesCopies(v, tx, rep.about)
		return rep, err
	}
	post, err := tx.Post(v.Viewer, idOf(chi.URLParam(r, "id")))
	if err != nil {
		return rep, err
	}
	rep.object, rep.about = post.Object, post.By
	c, err := tx.Community(post.Community)
	if err != nil {
		return rep, err
	}
	if rep.community, err = s.StandingIn(v, tx, c); err != nil {
		return rep, err
	}
	facts, err := tx.Facts(v.Viewer.Actor, c, post.Object)
	if err != nil {
		return rep, err
	}
	if err := copse.MayReport(facts, post.Audience); err != nil {
		return rep, err
	}
	if !c.Local {
		home, err := v.peer(tx, c.Host)
		if err != nil {
			return rep, err
		}
		rep.named = home.NamesReporters()
	}
	if rep.about.Host != c.Host {
		rep.forward, err = s.takesCopies(v, tx, rep.about)
	}
	return rep, err
}

// takesCopies reports whether somebody's council can be told of a report by somebody
// here who is not named.
func (s *Site) takesCopies(v *Visit, tx *store.Tx, a *copse.Actor) (bool, error) {
	if a.Local {
		return false, nil
	}
	peer, err := v.peer(tx, a.Host)
	return err == nil && !peer.NamesReporters(), err
}

func (s *Site) reportForm(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := s.SignedIn(v); err != nil {
		return err
	}
	return s.showReport(w, r, v, http.StatusOK, page.Form{})
}

func (s *Site) showReport(w http.ResponseWriter, r *http.Request, v *Visit, status int, form page.Form) error {
	f := page.ReportForm{Form: form, Action: r.URL.EscapedPath()}
	err := s.DB.View(r.Context(), func(tx *store.Tx) error {
		rep, err := s.reporting(v, tx, r)
		if err != nil {
			return err
		}
		if f.By, err = s.Person(v, tx, rep.about); err != nil {
			return err
		}
		for _, c := range copse.Categories() {
			f.Categories = append(f.Categories, page.Option{Value: string(c), Label: category(v, c)})
		}
		if rep.object == nil {
			f.Frame = s.Frame(v, r, v.W.T("report.title_person", "name", f.By.Name))
			f.Sees, f.Back = v.W.T("report.sees_person", "name", f.By.Name), rep.about.Path()
			if rep.forward {
				f.Forward = v.W.T("report.forward_person", "council", f.By.Council)
			}
			return nil
		}
		c := rep.community.Community
		if rep.forward {
			f.Forward = v.W.T("report.forward_them", "council", f.By.Council)
		}
		if f.Sees, err = s.seesReport(v, tx, rep); err != nil {
			return err
		}
		f.Text, f.Back = beginning(rep.object), postPath(rep.object)
		f.Frame, _, err = s.Inside(v, tx, r, rep.community, v.W.T("report.title"), c.Path()+"/report")
		return err
	})
	if err != nil {
		return err
	}
	f.Frame.Failed = form.Failed()
	return s.Render(w, r, status, page.ReportThing(f))
}

// seesReport says who will see a report of what was written in a community.
func (s *Site) seesReport(v *Visit, tx *store.Tx, rep reporting) (string, error) {
	c := rep.community.Community
	switch {
	case rep.named:
		council, err := s.Council(v, tx, &c.Actor)
		return v.W.T("report.sees_named", "community", c.Title, "council", council), err
	case c.Local:
		return v.W.T("report.sees_here", "community", c.Title, "here", v.title), nil
	}
	return v.W.T("report.sees_there", "community", c.Title, "here", v.title), nil
}

// report reports something, and leads to what happens next.
func (s *Site) report(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := s.SignedIn(v); err != nil {
		return err
	}
	var rep reporting
	err := s.DB.View(r.Context(), func(tx *store.Tx) (err error) {
		rep, err = s.reporting(v, tx, r)
		return err
	})
	if err != nil {
		return err
	}
	c := hub.Complaint{
		Object: rep.object, Category: copse.Category(r.PostFormValue("category")),
		Reason: r.PostFormValue("reason"), Forward: rep.forward && r.PostFormValue("forward") != "",
	}
	if rep.object == nil {
		c.Person = rep.about
	}
	err = s.Hub.Report(r.Context(), v.Me(), c)
	form := page.Form{Values: r.PostForm}
	if s.Blame(v, &form, err) {
		return s.showReport(w, r, v, http.StatusUnprocessableEntity, form)
	}
	if err != nil {
		return err
	}
	var mine []store.Filed
	err = s.DB.View(r.Context(), func(tx *store.Tx) (err error) {
		mine, err = tx.ReportsBy(v.Me().ID, 1)
		return err
	})
	if err != nil {
		return err
	}
	s.Tell(r, v.W.T("report.sent"))
	http.Redirect(w, r, "/reports/"+idText(mine[0].ID), http.StatusSeeOther)
	return nil
}

func (s *Site) yourReports(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := s.SignedIn(v); err != nil {
		return err
	}
	list := page.FiledList{Frame: s.Frame(v, r, v.W.T("reports.yours"))}
	err := s.DB.View(r.Context(), func(tx *store.Tx) error {
		mine, err := tx.ReportsBy(v.Me().ID, reportsOnPage)
		for _, f := range mine {
			if err != nil {
				return err
			}
			var shown page.Filed
			shown, err = s.filed(v, tx, f)
			list.Filed = append(list.Filed, shown)
		}
		return err
	})
	if err != nil {
		return err
	}
	return s.Render(w, r, http.StatusOK, page.YourReports(list))
}

func (s *Site) yourReport(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := s.SignedIn(v); err != nil {
		return err
	}
	p := page.FiledPage{Frame: s.Frame(v, r, v.W.T("reports.yours_one"))}
	err := s.DB.View(r.Context(), func(tx *store.Tx) error {
		f, err := tx.ReportBy(v.Me().ID, idOf(chi.URLParam(r, "id")))
		if err != nil {
			return err
		}
		if p.Filed, err = s.filed(v, tx, f); err != nil {
			return err
		}
		p.Next, err = s.next(v, tx, f.Of)
		return err
	})
	if err != nil {
		return err
	}
	return s.Render(w, r, http.StatusOK, page.YourReport(p))
}

// filed is something that the reader has reported, as their own pages show it.
func (s *Site) filed(v *Visit, tx *store.Tx, f store.Filed) (page.Filed, error) {
	shown := page.Filed{
		Page: "/reports/" + idText(f.ID), At: f.At, Reason: f.Reason, Category: category(v, f.Category),
		State: page.Mark{Kind: "wait", Text: v.W.T("reports.waiting")},
	}
	if !f.Of.Closed.IsZero() {
		shown.State = page.Mark{Kind: "good", Text: v.W.T("reports.dealt")}
		shown.Outcome, shown.Words, shown.Closed = v.W.T("outcome."+string(f.Of.Outcome)), f.Of.Words, f.Of.Closed
	}
	about, err := tx.Actor(f.Of.Subject)
	if err != nil {
		return shown, err
	}
	by, err := s.Person(v, tx, about)
	if err != nil {
		return shown, err
	}
	var seen *copse.Object
	if f.Of.Object != 0 {
		o, err := tx.Object(f.Of.Object)
		if err != nil {
			return shown, err
		}
		if seen, err = s.seen(v, tx, o); err != nil {
			return shown, err
		}
		shown.What = reportedThing(v, o, by.Name)
	} else {
		shown.What, shown.URL = v.W.T("reports.about_person", "name", by.Name), by.URL
	}
	if seen != nil {
		shown.URL, shown.Text = postPath(seen), beginning(seen)
	}
	return shown, nil
}

// seen returns o if the reader may see it, else nil.
func (s *Site) seen(v *Visit, tx *store.Tx, o *copse.Object) (*copse.Object, error) {
	p, err := tx.Post(v.Viewer, o.ID)
	if copse.CodeOf(err) == copse.CodeNotFound {
		return nil, nil
	}
	return p.Object, err
}

// category says what sort of thing is wrong.
func category(v *Visit, c copse.Category) string {
	switch c {
	case "":
		return v.W.T("reports.no_category")
	case copse.Other:
		return v.W.T("report.something_else")
	}
	return v.W.T("category." + string(c))
}

// beginning is how something that somebody wrote begins.
func beginning(o *copse.Object) string {
	text := markup.Excerpt(o.HTML, reportExcerpt)
	if o.Title == "" {
		return text
	}
	return strings.TrimSpace(o.Title + " – " + text)
}

// reportedThing says what was reported.
func reportedThing(v *Visit, o *copse.Object, by string) string {
	if o.TopLevel() {
		return v.W.T("reports.about_post", "name", by)
	}
	return v.W.T("reports.about_reply", "name", by)
}

// next says what happens with a case now.
func (s *Site) next(v *Visit, tx *store.Tx, k *copse.Case) (string, error) {
	if k.Community == 0 {
		return v.W.T("reports.next_person"), nil
	}
	c, err := tx.Community(k.Community)
	if err != nil {
		return "", err
	}
	if c.Local {
		return v.W.T("reports.next_local", "community", c.Title), nil
	}
	council, err := s.Council(v, tx, &c.Actor)
	return v.W.T("reports.next_there", "council", council, "community", c.Title), err
}

// A desk is where reports are dealt with: of one community, or all of them.
type desk struct {
	*Standing        // in the community; nil if it is all
	at        string // its address
}

// desk finds the one in the address, if the reader deals with reports there. For
// everybody else it is not there.
func (s *Site) desk(v *Visit, tx *store.Tx, r *http.Request) (desk, error) {
	if chi.URLParam(r, "community") == "" {
		return desk{at: "/admin/reports"}, s.Administers(v)
	}
	st, err := s.Standing(v, tx, r)
	if err != nil {
		return desk{}, err
	}
	return desk{st, st.Community.Path() + "/facilitate/reports"}, copse.MayHandle(st.Facts)
}

func (s *Site) cases(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := s.SignedIn(v); err != nil {
		return err
	}
	return s.showCases(w, r, v, http.StatusOK, page.Form{}, 0)
}

// showCases shows what is to be dealt with. tried is the case for which form could not
// be carried out; zero for none.
func (s *Site) showCases(w http.ResponseWriter, r *http.Request, v *Visit, status int, form page.Form, tried copse.ID) error {
	list := page.CaseList{Form: form}
	err := s.DB.View(r.Context(), func(tx *store.Tx) error {
		d, err := s.desk(v, tx, r)
		if err != nil {
			return err
		}
		list.Action = d.at
		var open, closed []*copse.Case
		if d.Standing == nil {
			list.Frame, list.Lede = s.adminFrame(v, r, v.W.T("reports.title")), v.W.T("reports.lede_all", "council", v.title)
			list.Frame.Nav = "reports"
			if open, err = tx.AllCases(reportsOnPage); err == nil {
				closed, err = tx.AllDealtWith(reportsOnPage)
			}
		} else {
			list.Lede = v.W.T("reports.lede")
			if list.Frame, _, err = s.Inside(v, tx, r, d.Standing, v.W.T("reports.title"), d.at); err != nil {
				return err
			}
			if open, err = tx.Cases(d.Community.ID, v.Me().ID, reportsOnPage); err == nil {
				closed, err = tx.DealtWith(d.Community.ID, v.Me().ID, reportsOnPage)
			}
		}
		if err != nil {
			return err
		}
		for _, k := range open {
			c, err := s.openCase(v, tx, d, k)
			if err != nil {
				return err
			}
			c.Tried = k.ID == tried
			list.Open = append(list.Open, c)
		}
		for _, k := range closed {
			c, err := s.closedCase(v, tx, d, k)
			if err != nil {
				return err
			}
			list.Closed = append(list.Closed, c)
		}
		return nil
	})
	if err != nil {
		return err
	}
	list.Frame.Failed = form.Failed()
	return s.Render(w, r, status, page.Cases(list))
}

// aCase is what an open and a closed case show alike, and what it is about: nil if
// that is a person.
func (s *Site) aCase(v *Visit, tx *store.Tx, d desk, k *copse.Case) (c page.Case, o *copse.Object, err error) {
	c.ID, c.Since = idText(k.ID), k.Since()
	about, err := tx.Actor(k.Subject)
	if err != nil {
		return c, nil, err
	}
	if c.By, err = s.Person(v, tx, about); err != nil {
		return c, nil, err
	}
	if k.Object == 0 {
		c.What, c.URL = v.W.T("reports.about_person", "name", c.By.Name), c.By.URL
		return c, nil, nil
	}
	if o, err = tx.Object(k.Object); err != nil {
		return c, nil, err
	}
	c.What = reportedThing(v, o, c.By.Name)
	seen, err := s.seen(v, tx, o)
	if err != nil {
		return c, o, err
	}
	if seen != nil {
		c.URL = postPath(o)
	}
	if d.Standing == nil {
		in, err := tx.Actor(k.Community)
		if err != nil {
			return c, o, err
		}
		c.Place, c.PlaceURL = v.W.T("reports.in", "community", in.Title), in.Path()
	}
	return c, o, nil
}

func (s *Site) openCase(v *Visit, tx *store.Tx, d desk, k *copse.Case) (page.Case, error) {
	c, o, err := s.aCase(v, tx, d, k)
	if err != nil {
		return c, err
	}
	c.Times = v.W.N("reports.times", k.Reports)
	if k.Reports > reasonsOnPage {
		c.More = v.W.T("reports.rest", "n", reasonsOnPage)
	}
	if o != nil {
		c.Text = beginning(o)
		if err := s.choices(v, tx, d, o, &c); err != nil {
			return c, err
		}
	}
	c.Choices = append(c.Choices,
		page.Option{Value: string(copse.OutcomeDone), Label: v.W.T("reports.done"), Hint: v.W.T("reports.done_hint")},
		page.Option{Value: string(copse.OutcomeNothing), Label: v.W.T("reports.nothing"), Hint: v.W.T("reports.nothing_hint")})
	all, err := tx.Reports(k.ID, reasonsOnPage)
	if err != nil {
		return c, err
	}
	for _, r := range all {
		said, err := s.complaint(v, tx, k, r)
		if err != nil {
			return c, err
		}
		c.Reports = append(c.Reports, said)
	}
	return c, nil
}

// choices fills in what may become of an object that was reported, and who else
// decides that.
func (s *Site) choices(v *Visit, tx *store.Tx, d desk, o *copse.Object, c *page.Case) error {
	in, err := tx.Community(o.Community)
	if err != nil {
		return err
	}
	facts, err := tx.Facts(v.Me().ID, in, o)
	if err != nil {
		return err
	}
	removed := string(copse.OutcomeRemoved)
	switch {
	case !o.Deleted.IsZero():
		c.Text, c.Gone = "", v.W.T("reports.gone")
		c.Choices = []page.Option{{Value: removed, Label: v.W.T("reports.removed")}}
	case copse.MayRemove(facts) == nil:
		c.Removable = true
		c.Choices = []page.Option{{Value: removed, Label: v.W.T("reports.remove"), Hint: v.W.T("reports.remove_hint")}}
	}
	if !in.Local && facts.Role < copse.Moderator {
		council, err := s.Council(v, tx, &in.Actor)
		if err != nil {
			return err
		}
		c.Note = v.W.T("reports.elsewhere", "council", council)
	}
	return nil
}

// complaint is one report of a case. Who reported it is named if they are here.
func (s *Site) complaint(v *Visit, tx *store.Tx, k *copse.Case, r *copse.Report) (page.Complaint, error) {
	said := page.Complaint{Reason: r.Reason, At: r.At, Category: category(v, r.Category)}
	by, err := tx.Actor(r.Reporter)
	if err != nil {
		return said, err
	}
	if copse.NamesReporter(by, v.Me().ID, k) {
		who, err := s.Person(v, tx, by)
		said.Who, said.URL = who.Name, who.URL
		return said, err
	}
	council, err := s.Council(v, tx, by)
	said.Who = v.W.T("reports.reporter", "council", council)
	return said, err
}

func (s *Site) closedCase(v *Visit, tx *store.Tx, d desk, k *copse.Case) (page.Case, error) {
	c, _, err := s.aCase(v, tx, d, k)
	if err != nil {
		return c, err
	}
	c.Closed, c.Outcome = k.Closed, v.W.T("outcome."+string(k.Outcome))
	if k.Words != "" {
		c.Words = v.W.T("reports.to_them", "words", k.Words)
	}
	if k.ClosedBy == 0 {
		return c, nil
	}
	a, err := tx.Actor(k.ClosedBy)
	if err != nil {
		return c, err
	}
	who, err := s.Person(v, tx, a)
	c.ClosedBy = v.W.T("reports.by", "name", who.Name, "council", who.Council)
	return c, err
}

// closeCase carries out what somebody decided about a case.
func (s *Site) closeCase(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := s.SignedIn(v); err != nil {
		return err
	}
	var (
		d desk
		k *copse.Case
		o *copse.Object
	)
	err := s.DB.View(r.Context(), func(tx *store.Tx) (err error) {
		if d, err = s.desk(v, tx, r); err != nil {
			return err
		}
		if k, err = tx.Case(idOf(chi.URLParam(r, "id"))); err != nil {
			return err
		}
		if d.Standing != nil && (k.Community != d.Community.ID || k.Subject == v.Me().ID) {
			return copse.NotFound("there is nothing here")
		}
		if k.Object != 0 {
			o, err = tx.Object(k.Object)
		}
		return err
	})
	if err != nil {
		return err
	}
	id := idText(k.ID)
	outcome := copse.Outcome(r.PostFormValue("outcome-" + id))
	form := page.Form{Values: r.PostForm}
	switch {
	case !k.Closed.IsZero():
		form.Fail("", v.W.T("reports.closed_already"))
		return s.showCases(w, r, v, http.StatusConflict, form, 0)
	case outcome == copse.OutcomeRemoved && o != nil, outcome == copse.OutcomeDone, outcome == copse.OutcomeNothing:
	default:
		form.Fail("outcome-"+id, v.W.T("reports.no_outcome"))
		return s.showCases(w, r, v, http.StatusUnprocessableEntity, form, k.ID)
	}
	if outcome == copse.OutcomeRemoved && o.Deleted.IsZero() {
		err = s.Hub.Remove(r.Context(), v.Me(), o, r.PostFormValue("why-"+id))
	}
	if err == nil {
		err = s.Hub.CloseCase(r.Context(), v.Me(), k.ID, outcome, r.PostFormValue("words-"+id))
	}
	var told *copse.Error
	if errors.As(err, &told) && told.Code == copse.CodeInvalid {
		field := "why-" + id
		if told.Field == "words" {
			field = "words-" + id
		}
		form.Fail(field, v.W.Sentence(told.Format, told.Args...))
		return s.showCases(w, r, v, http.StatusUnprocessableEntity, form, k.ID)
	}
	if err != nil {
		return err
	}
	s.Tell(r, v.W.T("reports.closed"))
	http.Redirect(w, r, d.at, http.StatusSeeOther)
	return nil
}

// toRead adds the reports that somebody has to deal with to their page.
func (s *Site) toRead(v *Visit, tx *store.Tx, community copse.ID, line, url string, work *page.Work) error {
	n, err := tx.OpenCases(community, v.Me().ID, store.MaxTally)
	if err == nil && n > 0 {
		work.Waiting = append(work.Waiting, page.Waiting{
			Text: v.W.N("reports.open", n), URL: url, Line: line, Do: v.W.T("reports.read"),
		})
	}
	return err
}
