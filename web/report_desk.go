package web

import (
	"errors"
	"net/http"

	"github.com/go-chi/chi/v5"

	"copse/copse"
	"copse/store"
	"copse/web/page"
)

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
