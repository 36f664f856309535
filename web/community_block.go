package web

import (
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"

	"copse/copse"
	"copse/store"
	"copse/web/page"
)

// bansOnPage is how many of those who are blocked are listed. Those blocked longest
// ago are left out.
const bansOnPage = 100

// blocked tells somebody that they are kept out of a community, why and until when.
func blocked(v *Visit, c *copse.Community, m *copse.Membership) string {
	text := v.W.T("standing.blocked_why", "name", c.Title)
	if !m.Until.IsZero() {
		text += " " + v.W.T("standing.blocked_until", "date", m.Until)
	}
	if m.Reason != "" {
		text += " " + v.W.T("standing.blocked_reason", "why", m.Reason)
	}
	return text
}

// bannedMembers are those who are kept out of a community here, for whoever looks
// after it.
func (s *Site) bannedMembers(v *Visit, tx *store.Tx, st *Standing) ([]page.Member, error) {
	c := st.Community
	takes, err := s.Takes(v, tx, c, copse.Banning)
	if err != nil || !takes || copse.MayModerate(st.Facts) != nil {
		return nil, err
	}
	all, err := tx.Banned(c.ID, bansOnPage)
	if err != nil {
		return nil, err
	}
	shown := make([]page.Member, len(all))
	for i, a := range all {
		if shown[i].Person, err = s.Person(v, tx, a.Actor); err != nil {
			return nil, err
		}
		shown[i].Note = v.W.T("block.for_good")
		if !a.Until.IsZero() {
			shown[i].Note = v.W.T("block.until", "date", a.Until)
		}
		if a.Reason != "" {
			shown[i].Note += " " + a.Reason
		}
		shown[i].Action = &page.Action{
			Text: v.W.T("block.undo"), About: ": " + shown[i].Person.Name, Post: true,
			URL: c.Path() + "/members/" + idText(a.Actor.ID) + "/unblock",
		}
	}
	return shown, nil
}

// banForm asks whether somebody is to be kept out of a community, for how long and
// why.
func (s *Site) banForm(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := s.SignedIn(v); err != nil {
		return err
	}
	return s.showBan(w, r, v, http.StatusOK, page.Form{Values: map[string][]string{"length": {"week"}}})
}

func (s *Site) showBan(w http.ResponseWriter, r *http.Request, v *Visit, status int, form page.Form) error {
	b := page.BanForm{Form: form}
	err := s.DB.View(r.Context(), func(tx *store.Tx) error {
		st, person, err := s.aboutMember(v, tx, r, copse.Banning)
		if err != nil {
			return err
		}
		m, err := tx.Membership(st.Community.ID, person.ID)
		if err != nil {
			return err
		}
		if err := copse.MayBan(st.Facts, m); err != nil {
			return err
		}
		if b.Person, err = s.Person(v, tx, person); err != nil {
			return err
		}
		b.Back = st.Community.Path() + "/members"
		b.Action = b.Back + "/" + idText(person.ID) + "/block"
		b.Frame, _, err = s.Inside(v, tx, r, st, v.W.T("block.title", "name", b.Person.Name), b.Back)
		return err
	})
	if err != nil {
		return err
	}
	b.Frame.Failed = form.Failed()
	return s.Render(w, r, status, page.BanMember(b))
}

// aboutMember returns the community in the address, which the reader looks after,
// and the person.
func (s *Site) aboutMember(v *Visit, tx *store.Tx, r *http.Request, ruling copse.Ruling) (*Standing, *copse.Actor, error) {
	st, err := s.facilitating(v, tx, r, ruling)
	if err != nil {
		return nil, nil, err
	}
	person, err := tx.Actor(idOf(chi.URLParam(r, "person")))
	if err == nil && person.Type != copse.Person {
		err = copse.NotFound("there is nothing here")
	}
	return st, person, err
}

// ban keeps somebody out of a community.
func (s *Site) ban(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := s.SignedIn(v); err != nil {
		return err
	}
	st, person, who, err := s.subject(r, v, copse.Banning)
	if err != nil {
		return err
	}
	form := page.Form{Values: r.PostForm}
	until, ok := banEnd(r.PostFormValue("length"), v.Now)
	if !ok {
		form.Fail("length", v.W.T("block.no_length"))
		return s.showBan(w, r, v, http.StatusUnprocessableEntity, form)
	}
	err = s.Hub.Ban(r.Context(), v.Me(), st.Community, person, until, r.PostFormValue("all") != "", r.PostFormValue("reason"))
	if copse.CodeOf(err) == copse.CodeInvalid && s.Blame(v, &form, err) {
		return s.showBan(w, r, v, http.StatusUnprocessableEntity, form)
	}
	if err != nil {
		return err
	}
	if err := s.Ruled(r, v, st.Community, v.W.T("block.done", "name", who.Name)); err != nil {
		return err
	}
	http.Redirect(w, r, st.Community.Path()+"/members", http.StatusSeeOther)
	return nil
}

// banEnd is when a ban of the given length ends that begins now.
func banEnd(length string, now time.Time) (until time.Time, ok bool) {
	switch length {
	case "week":
		return now.AddDate(0, 0, 7), true
	case "month":
		return now.AddDate(0, 1, 0), true
	case "good":
		return time.Time{}, true
	}
	return time.Time{}, false
}

// unban lets them join again.
func (s *Site) unban(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := s.SignedIn(v); err != nil {
		return err
	}
	st, person, who, err := s.subject(r, v, copse.Banning)
	if err != nil {
		return err
	}
	if err := s.Hub.Unban(r.Context(), v.Me(), st.Community, person); err != nil {
		return err
	}
	if err := s.Ruled(r, v, st.Community, v.W.T("block.undone", "name", who.Name)); err != nil {
		return err
	}
	http.Redirect(w, r, st.Community.Path()+"/members", http.StatusSeeOther)
	return nil
}

// subject is aboutMember in a transaction of its own, and how to show the person.
func (s *Site) subject(r *http.Request, v *Visit, ruling copse.Ruling) (st *Standing, person *copse.Actor, who page.Person, err error) {
	err = s.DB.View(r.Context(), func(tx *store.Tx) (err error) {
		if st, person, err = s.aboutMember(v, tx, r, ruling); err != nil {
			return err
		}
		who, err = s.Person(v, tx, person)
		return err
	})
	return st, person, who, err
}
