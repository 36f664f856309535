package web

import (
	"net/http"
	"strings"
	"unicode"

	"github.com/go-chi/chi/v5"

	"copse/copse"
	"copse/federation/ap"
	"copse/internal/markup"
	"copse/store"
	"copse/web/page"
)

const requestsOnPage = 50

// facilitating returns the community in the address if whoever is signed in looks
// after it. For everybody else these pages are not there. Nor are they for a
// community elsewhere whose home takes such a ruling from nobody here.
func (s *Site) facilitating(v *Visit, tx *store.Tx, r *http.Request, ruling copse.Ruling) (*Standing, error) {
	st, err := s.Standing(v, tx, r)
	if err != nil {
		return nil, err
	}
	takes, err := s.Takes(v, tx, st.Community, ruling)
	if err == nil && (!takes || copse.MayDecide(st.Facts) != nil) {
		err = copse.NotFound("there is nothing here")
	}
	return st, err
}

// requests lists those who ask to be let in.
func (s *Site) requests(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := s.SignedIn(v); err != nil {
		return err
	}
	return s.showRequests(w, r, v, http.StatusOK, page.Form{})
}

func (s *Site) showRequests(w http.ResponseWriter, r *http.Request, v *Visit, status int, form page.Form) error {
	list := page.RequestList{Form: form}
	err := s.DB.View(r.Context(), func(tx *store.Tx) error {
		st, err := s.facilitating(v, tx, r, copse.Admitting)
		if err != nil {
			return err
		}
		asked, err := s.Proposals(tx, st)
		if err != nil {
			return err
		}
		c := st.Community
		if list.Frame, _, err = s.Inside(v, tx, r, st, v.W.T("requests.title"), c.Path()+"/facilitate/requests"); err != nil {
			return err
		}
		list.Settings = c.Path() + "/facilitate/settings"
		if copse.MayMoveCommunity(st.Facts) == nil {
			list.Move = c.Path() + "/facilitate/move"
		}
		waiting, err := tx.Waiting(c.ID, requestsOnPage)
		if err != nil {
			return err
		}
		for _, a := range waiting {
			q := page.Request{ID: idText(a.Actor.ID), Reason: a.Reason, Since: a.Since, Welcome: c.Welcome}
			if q.By, err = s.Person(v, tx, a.Actor); err != nil {
				return err
			}
			q.Open = form.Error("words-"+q.ID) != ""
			for _, p := range asked[a.Actor.ID] {
				said, err := s.Asked(v, tx, c, p, q.By.Name)
				if err != nil {
					return err
				}
				q.Asked = append(q.Asked, said)
			}
			q.UnderWay = UnderWay(asked[a.Actor.ID], copse.Admitting)
			if typed, ok := form.Values["welcome-"+q.ID]; ok {
				q.Welcome = typed[0]
			}
			list.Requests = append(list.Requests, q)
		}
		return nil
	})
	if err != nil {
		return err
	}
	list.Frame.Failed = form.Failed()
	return s.Render(w, r, status, page.Requests(list))
}

// decide lets somebody into a community, or turns them down with a reason.
func (s *Site) decide(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := s.SignedIn(v); err != nil {
		return err
	}
	var (
		st     *Standing
		person *copse.Actor
		who    page.Person
	)
	id := idOf(chi.URLParam(r, "person"))
	err := s.DB.View(r.Context(), func(tx *store.Tx) (err error) {
		if st, err = s.facilitating(v, tx, r, copse.Admitting); err != nil {
			return err
		}
		m, err := tx.Membership(st.Community.ID, id)
		if err != nil {
			return err
		}
		if m.State == "" { // nobody who ever asked
			return copse.NotFound("there is nothing here")
		}
		if person, err = tx.Actor(id); err != nil {
			return err
		}
		who, err = s.Person(v, tx, person)
		if err == nil && m.State != copse.Pending {
			return copse.Conflict("this request has been dealt with")
		}
		return err
	})
	form := page.Form{Values: r.PostForm}
	accept := r.PostFormValue("answer") == "accept"
	words := strings.TrimSpace(r.PostFormValue("welcome-" + idText(id)))
	if !accept {
		words = strings.TrimSpace(r.PostFormValue("words-" + idText(id)))
	}
	if err == nil && !accept && words == "" {
		form.Fail("words-"+idText(id), v.W.T("requests.no_words", "name", who.Name))
		return s.showRequests(w, r, v, http.StatusUnprocessableEntity, form)
	}
	if err == nil {
		err = s.Hub.Decide(r.Context(), v.Me(), st.Community, person, accept, words)
	}
	if copse.CodeOf(err) == copse.CodeConflict && s.Blame(v, &form, err) {
		return s.showRequests(w, r, v, http.StatusUnprocessableEntity, form)
	}
	if err != nil {
		return err
	}
	told := v.W.T("requests.declined", "name", who.Name)
	if accept {
		told = v.W.T("requests.accepted", "name", who.Name)
	}
	if err := s.Ruled(r, v, st.Community, told); err != nil {
		return err
	}
	http.Redirect(w, r, st.Community.Path()+"/facilitate/requests", http.StatusSeeOther)
	return nil
}

// governForm shows how a community is described and run.
func (s *Site) governForm(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := s.SignedIn(v); err != nil {
		return err
	}
	return s.showGovern(w, r, v, http.StatusOK, page.Form{})
}

func (s *Site) showGovern(w http.ResponseWriter, r *http.Request, v *Visit, status int, form page.Form) error {
	f := page.CommunityForm{Form: form}
	err := s.DB.View(r.Context(), func(tx *store.Tx) error {
		st, err := s.facilitating(v, tx, r, copse.Describing)
		if err != nil {
			return err
		}
		c := st.Community
		if !c.Local {
			if f.Elsewhere, err = s.Council(v, tx, &c.Actor); err != nil {
				return err
			}
			if f.Asked, err = s.askedAbout(v, tx, st, copse.Describing); err != nil {
				return err
			}
		}
		f.Action = c.Path() + "/facilitate/settings"
		if f.Form.Values == nil {
			f.Form.Values = map[string][]string{
				"title": {c.Title}, "purpose": {c.Source}, "welcome": {c.Welcome},
				"audience": {string(c.Audience)}, "join": {string(c.Join)},
				"sharing": {string(c.Sharing)}, "named": {strings.Join(c.Named, "\n")},
			}
		}
		f.Here = c.Sharing == copse.SharedHere
		f.Frame, _, err = s.Inside(v, tx, r, st, v.W.T("settings.title"), f.Action)
		return err
	})
	if err != nil {
		return err
	}
	f.Frame.Failed = form.Failed()
	f.Sees, f.Button = v.W.T("founding.sees"), v.W.T("settings.save")
	return s.Render(w, r, status, page.EditCommunity(f))
}

// govern changes how a community is described and run.
func (s *Site) govern(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := s.SignedIn(v); err != nil {
		return err
	}
	var st *Standing
	err := s.DB.View(r.Context(), func(tx *store.Tx) (err error) {
		st, err = s.facilitating(v, tx, r, copse.Describing)
		return err
	})
	if err != nil {
		return err
	}
	form := page.Form{Values: r.PostForm}
	described(v, r, &form, st.Community)
	if !form.Failed() {
		err := s.Hub.Govern(r.Context(), v.Me(), st.Community)
		if !s.Blame(v, &form, err) && err != nil {
			return err
		}
	}
	if form.Failed() {
		return s.showGovern(w, r, v, http.StatusUnprocessableEntity, form)
	}
	if err := s.Ruled(r, v, st.Community, v.W.T("settings.saved")); err != nil {
		return err
	}
	http.Redirect(w, r, st.Community.Path(), http.StatusSeeOther)
	return nil
}

// described fills in a community from the form that describes it, and says what
// is wrong with that.
func described(v *Visit, r *http.Request, form *page.Form, c *copse.Community) {
	c.Title = strings.TrimSpace(r.PostFormValue("title"))
	c.Source = strings.TrimSpace(r.PostFormValue("purpose"))
	c.Summary = markup.HTML(c.Source)
	if c.Local || c.ID == 0 { // how it is run is for its home
		run(v, r, form, c)
	}
	switch {
	case c.Title == "":
		form.Fail("title", v.W.T("founding.no_title"))
	case tooLong(c.Title, copse.MaxCommunityTitle):
		form.Fail("title", v.W.T("founding.long_title", "n", copse.MaxCommunityTitle))
	}
	switch {
	case c.Source == "":
		form.Fail("purpose", v.W.T("founding.no_purpose"))
	case tooLong(c.Source, copse.MaxPurpose):
		form.Fail("purpose", v.W.T("founding.long_purpose", "n", copse.MaxPurpose))
	}
}

// run fills in how a community here is run.
func run(v *Visit, r *http.Request, form *page.Form, c *copse.Community) {
	c.Welcome = strings.TrimSpace(r.PostFormValue("welcome"))
	c.Audience = copse.Audience(r.PostFormValue("audience"))
	c.Join = copse.Join(r.PostFormValue("join"))
	if c.Audience != copse.Members && c.Audience != copse.Public {
		form.Fail("audience", v.W.T("founding.no_audience"))
	}
	if c.Join != copse.JoinApproval && c.Join != copse.JoinOpen {
		form.Fail("join", v.W.T("founding.no_join"))
	}
	if c.Sharing != copse.SharedHere {
		shared(v, r, form, c)
	}
	if tooLong(c.Welcome, copse.MaxPurpose) {
		form.Fail("welcome", v.W.T("founding.long_welcome", "n", copse.MaxPurpose))
	}
}

// shared fills in which councils a community is shared with. A form that does not
// ask, as scripts have, leaves that as it is.
func shared(v *Visit, r *http.Request, form *page.Form, c *copse.Community) {
	if !r.PostForm.Has("sharing") {
		return
	}
	c.Sharing, c.Named = copse.Sharing(r.PostFormValue("sharing")), nil
	for name := range strings.FieldsFuncSeq(r.PostFormValue("named"), func(r rune) bool { return unicode.IsSpace(r) || r == ',' }) {
		if !strings.Contains(name, "://") {
			name = "https://" + name
		}
		host, ok := ap.Host(name)
		if !ok {
			form.Fail("named", v.W.T("founding.bad_council", "text", strings.TrimPrefix(name, "https://")))
			return
		}
		c.Named = append(c.Named, host)
	}
	switch c.Sharing {
	case copse.SharedAll, copse.SharedHere:
		c.Named = nil
	case copse.SharedNamed:
		if len(c.Named) == 0 {
			form.Fail("named", v.W.T("founding.no_council"))
		}
	default:
		form.Fail("sharing", v.W.T("founding.no_sharing"))
	}
}

func tooLong(text string, limit int) bool { return len([]rune(text)) > limit }
