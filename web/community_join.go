package web

import (
	"net/http"
	"strconv"

	"copse/copse"
	"copse/store"
	"copse/web/page"
)

// joinForm asks why somebody wants to join, or only whether.
func (s *Site) joinForm(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := s.SignedIn(v); err != nil {
		return err
	}
	return s.showJoin(w, r, v, http.StatusOK, page.Form{})
}

func (s *Site) showJoin(w http.ResponseWriter, r *http.Request, v *Visit, status int, form page.Form) error {
	j := page.JoinForm{Form: form}
	var st *Standing
	err := s.DB.View(r.Context(), func(tx *store.Tx) (err error) {
		if st, err = s.Standing(v, tx, r); err != nil {
			return err
		}
		c := st.Community
		if j.Frame, _, err = s.Inside(v, tx, r, st, v.W.T("join.title", "name", c.Title), ""); err != nil {
			return err
		}
		council, err := s.Council(v, tx, &c.Actor)
		j.Line = v.W.T("join_line."+string(joining(c)), "council", council)
		j.Sees = v.W.T("join.sees", "name", c.Title, "council", council)
		j.Ask = joining(c) == copse.JoinApproval
		return err
	})
	if err != nil {
		return err
	}
	if st.Facts.Role >= copse.Member || st.Facts.State == copse.Pending || WayIn(v, st.Community) == nil {
		http.Redirect(w, r, st.Community.Path(), http.StatusSeeOther) // which says how things stand
		return nil
	}
	j.Frame.Failed = form.Failed()
	return s.Render(w, r, status, page.CommunityJoin(j))
}

// join asks for whoever is signed in to be let into a community.
func (s *Site) join(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := s.SignedIn(v); err != nil {
		return err
	}
	st, err := s.standing(r, v)
	if err != nil {
		return err
	}
	if st.Facts.Role < copse.Member && st.Facts.State != copse.Pending {
		err := s.Hub.Join(r.Context(), v.Me(), &st.Community.Actor, r.PostFormValue("reason"))
		form := page.Form{Values: r.PostForm}
		if s.Blame(v, &form, err) {
			return s.showJoin(w, r, v, http.StatusUnprocessableEntity, form)
		}
		if err != nil {
			return err
		}
	}
	now, err := s.standing(r, v)
	if err != nil {
		return err
	}
	if now.Facts.Role >= copse.Member {
		s.Tell(r, v.W.T("join.joined", "name", now.Community.Title))
	} else {
		s.Tell(r, v.W.T("join.asked", "name", now.Community.Title))
	}
	http.Redirect(w, r, now.Community.Path(), http.StatusSeeOther)
	return nil
}

// standing is Standing in a transaction of its own.
func (s *Site) standing(r *http.Request, v *Visit) (st *Standing, err error) {
	err = s.DB.View(r.Context(), func(tx *store.Tx) (err error) {
		st, err = s.Standing(v, tx, r)
		return err
	})
	return st, err
}

// leaveForm asks whether somebody wants to leave a community, or to take back
// that they asked to join it.
func (s *Site) leaveForm(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := s.SignedIn(v); err != nil {
		return err
	}
	return s.showLeave(w, r, v, http.StatusOK, page.Form{})
}

func (s *Site) showLeave(w http.ResponseWriter, r *http.Request, v *Visit, status int, form page.Form) error {
	c := page.LeaveForm{Form: form}
	var st *Standing
	err := s.DB.View(r.Context(), func(tx *store.Tx) (err error) {
		if st, err = s.Standing(v, tx, r); err != nil {
			return err
		}
		name := st.Community.Title
		title := v.W.T("leave.title", "name", name)
		c.Text, c.Button = v.W.T("leave.text"), v.W.T("leave.button")
		if st.Facts.State == copse.Pending {
			title = v.W.T("leave.withdraw_title", "name", name)
			c.Text, c.Button = v.W.T("leave.withdraw_text"), v.W.T("community.withdraw")
		}
		c.Frame, _, err = s.Inside(v, tx, r, st, title, "")
		return err
	})
	if err != nil {
		return err
	}
	if st.Facts.Role < copse.Member && st.Facts.State != copse.Pending {
		http.Redirect(w, r, st.Community.Path(), http.StatusSeeOther)
		return nil
	}
	c.Frame.Failed = form.Failed()
	return s.Render(w, r, status, page.CommunityLeave(c))
}

// leave takes whoever is signed in out of a community.
func (s *Site) leave(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := s.SignedIn(v); err != nil {
		return err
	}
	st, err := s.standing(r, v)
	if err != nil {
		return err
	}
	err = s.Hub.Leave(r.Context(), v.Me(), &st.Community.Actor)
	form := page.Form{Values: r.PostForm}
	if s.Blame(v, &form, err) {
		return s.showLeave(w, r, v, http.StatusUnprocessableEntity, form)
	}
	if err != nil {
		return err
	}
	if st.Facts.State == copse.Pending {
		s.Tell(r, v.W.T("leave.withdrawn", "name", st.Community.Title))
	} else if st.Facts.Role >= copse.Member {
		s.Tell(r, v.W.T("leave.done", "name", st.Community.Title))
	}
	http.Redirect(w, r, st.Community.Path(), http.StatusSeeOther)
	return nil
}

// idOf reads an id in an address; zero if it is none.
func idOf(text string) copse.ID {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return copse.ID(n)
}

func idText(id copse.ID) string { return strconv.FormatInt(int64(id), 10) }
