package web

import (
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"copse/copse"
	"copse/internal/markup"
	"copse/internal/words"
	"copse/store"
	"copse/web/page"
)

func (s *Site) settings(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := s.SignedIn(v); err != nil {
		return err
	}
	return s.showSettings(w, r, v, http.StatusOK, page.Form{}, page.Form{})
}

// showSettings shows both forms: about, as it is saved unless something was
// typed, and password, always empty.
func (s *Site) showSettings(w http.ResponseWriter, r *http.Request, v *Visit, status int, about, password page.Form) error {
	if about.Values == nil {
		me := v.Me()
		about.Values = map[string][]string{
			"name": {me.Title}, "job": {me.JobTitle}, "about": {me.Source}, "language": {v.W.Lang()},
		}
	}
	f := s.Frame(v, r, v.W.T("yours.title"))
	f.Failed = about.Failed() || password.Failed()
	return s.Render(w, r, status, page.Settings(page.YourSettings{
		Frame: f, About: about, Password: password, Reach: page.Form{Values: url.Values{"reach": {string(v.Login.Reach)}}},
		Email: v.Login.Email, Handle: v.Me().Handle(), Profile: v.Me().Path(),
	}))
}

func (s *Site) postSettings(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := s.SignedIn(v); err != nil {
		return err
	}
	form := page.Form{Values: r.PostForm}
	name := strings.Join(strings.Fields(form.Value("name")), " ")
	job := strings.Join(strings.Fields(form.Value("job")), " ")
	about := strings.TrimSpace(form.Value("about"))
	lang := form.Value("language")
	switch {
	case name == "":
		form.Fail("name", v.W.T("register.need_name"))
	case utf8.RuneCountInString(name) > maxName:
		form.Fail("name", v.W.T("register.long_name", "most", maxName))
	}
	if utf8.RuneCountInString(job) > maxJob {
		form.Fail("job", v.W.T("register.long_job", "most", maxJob))
	}
	if utf8.RuneCountInString(about) > maxAbout {
		form.Fail("about", v.W.T("yours.long_about", "most", maxAbout))
	}
	if lang != "en" && lang != "cy" {
		form.Fail("language", v.W.T("yours.need_language"))
	}
	if form.Failed() {
		return s.showSettings(w, r, v, http.StatusUnprocessableEntity, form, page.Form{})
	}
	me := v.Me()
	if name != me.Title || job != me.JobTitle || about != me.Source {
		me.Title, me.JobTitle, me.Source, me.Summary = name, job, about, markup.HTML(about)
		if about == "" {
			me.Summary = ""
		}
		if err := s.Hub.Describe(r.Context(), me); err != nil {
			return err
		}
	}
	if err := s.speak(w, r, v, lang); err != nil {
		return err
	}
	s.Tell(r, words.In(lang).T("yours.saved"))
	http.Redirect(w, r, "/settings", http.StatusSeeOther)
	return nil
}

// postReach has the reader take messages from whom they say. Of an answer that is none
// the strictest is made.
func (s *Site) postReach(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := s.SignedIn(v); err != nil {
		return err
	}
	reach := copse.Reach(r.PostFormValue("reach"))
	if reach != copse.ReachKnown && reach != copse.ReachAnyone {
		reach = copse.ReachNobody
	}
	if err := s.changeAccount(r.Context(), v.Login.Actor, func(n *store.Account) { n.Reach = reach }); err != nil {
		return err
	}
	s.Tell(r, v.W.T("yours.saved"))
	http.Redirect(w, r, "/settings", http.StatusSeeOther)
	return nil
}

// postPassword changes a password and signs everybody else out who used the old.
func (s *Site) postPassword(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := s.SignedIn(v); err != nil {
		return err
	}
	account, err := s.checkSignIn(w, r, v.Login.Email, r.PostFormValue("current_password"))
	if err != nil {
		return err
	}
	form, password := page.Form{}, r.PostFormValue("password")
	if account == nil {
		form.Fail("current_password", v.W.T("yours.wrong_password"))
	} else if err := checkPassword(password, v.Me().Title, v.Login.Email, v.title); !s.Blame(v, &form, err) && err != nil {
		return err
	}
	if form.Failed() {
		return s.showSettings(w, r, v, http.StatusUnprocessableEntity, page.Form{}, form)
	}
	hash, err := s.passwords.hash(r.Context(), password)
	if err != nil {
		return err
	}
	err = s.DB.Update(r.Context(), func(tx *store.Tx) error {
		account, err := tx.Account(v.Login.Actor)
		if err != nil {
			return err
		}
		account.Password = hash
		if err := tx.SetAccount(account); err != nil {
			return err
		}
		return tx.DropSessions(account.Actor)
	})
	if err != nil {
		return err
	}
	if err := s.signIn(r.Context(), v.Login.Actor); err != nil {
		return err
	}
	s.Tell(r, v.W.T("yours.password_saved"))
	http.Redirect(w, r, "/settings", http.StatusSeeOther)
	return nil
}

func (s *Site) postSignOutEverywhere(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := s.SignedIn(v); err != nil {
		return err
	}
	err := s.DB.Update(r.Context(), func(tx *store.Tx) error { return tx.DropSessions(v.Login.Actor) })
	if err != nil {
		return err
	}
	return s.signOut(w, r, v)
}
