package web

import (
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
