package web

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"copse/copse"
	"copse/store"
	"copse/web/mail"
	"copse/web/page"
)

func (s *Site) signInForm(w http.ResponseWriter, r *http.Request, v *Visit) error {
	next := here(r.FormValue("next"))
	if v.Login != nil {
		http.Redirect(w, r, next, http.StatusSeeOther)
		return nil
	}
	f := s.Frame(v, r, v.W.T("signin.title"))
	if r.Form.Has("out") {
		f.Notice = v.W.T("signin.out")
	}
	return s.Render(w, r, http.StatusOK, page.SignIn(page.SigningIn{Frame: f, Next: next}))
}

// A form that was sent by somebody not signed in travels with them through the
// sign-in page, its fields under names that begin with this.
const keptPrefix = "kept."

// askToSignIn shows the way in to somebody who asked for what needs it, and back.
// A form they sent comes along, passwords apart.
func (s *Site) askToSignIn(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if isRead(r) {
		target := "/sign-in?" + url.Values{"next": {r.URL.RequestURI()}}.Encode()
		http.Redirect(w, r, target, http.StatusSeeOther)
		return nil
	}
	in := page.SigningIn{
		Frame: s.Frame(v, r, v.W.T("signin.title")),
		Next:  here(r.URL.RequestURI()),
		Kept:  url.Values{},
		Keeps: true,
	}
	for name, values := range r.PostForm {
		if !strings.Contains(name, "password") {
			in.Kept[keptPrefix+name] = values
		}
	}
	return s.Render(w, r, http.StatusUnauthorized, page.SignIn(in))
}

func (s *Site) postSignIn(w http.ResponseWriter, r *http.Request, v *Visit) error {
	in := page.SigningIn{
		Form: page.Form{Values: r.PostForm}, Next: here(r.FormValue("next")),
		Kept: url.Values{}, Keeps: r.PostForm.Has("keeps"),
	}
	for name, values := range r.PostForm {
		if strings.HasPrefix(name, keptPrefix) {
			in.Kept[name] = values
		}
	}
	account, err := s.checkSignIn(w, r, in.Form.Value("email"), in.Form.Value("password"))
	if err != nil {
		return err
	}
	switch {
	case account == nil:
		in.Form.Fail("email", v.W.T("signin.wrong"))
		in.Frame = s.Frame(v, r, v.W.T("signin.title"))
		in.Frame.Failed = true
		return s.Render(w, r, http.StatusUnprocessableEntity, page.SignIn(in))
	case account.Confirmed.IsZero():
		return s.Render(w, r, http.StatusForbidden, page.Unconfirmed(s.Frame(v, r, v.W.T("unconfirmed.title")), account.Email))
	}
	if err := s.signIn(r.Context(), account.Actor); err != nil {
		return err
	}
	if !in.Keeps {
		http.Redirect(w, r, in.Next, http.StatusSeeOther)
		return nil
	}
	// The page is the first of the new session.
	login, err := s.login(r.Context(), account.Actor)
	if err != nil {
		return err
	}
	v.Login = login
	fields := url.Values{}
	for name, values := range in.Kept {
		fields[strings.TrimPrefix(name, keptPrefix)] = values
	}
	return s.Render(w, r, http.StatusOK, page.CarryOn(s.Frame(v, r, v.W.T("carryon.title")), in.Next, fields))
}

// checkSignIn returns the account that an address and a password belong to; nil
// if they belong to none. It takes as long for an address nobody has.
func (s *Site) checkSignIn(w http.ResponseWriter, r *http.Request, text, password string) (*store.Account, error) {
	email, _ := emailAddress(text)
	from := origin(r)
	if err := s.limits.guesses.take(w, r, from); err != nil {
		return nil, err
	}
	if err := s.limits.account.take(w, r, email); err != nil {
		return nil, err
	}
	var account *store.Account
	err := s.DB.View(r.Context(), func(tx *store.Tx) (err error) {
		account, err = tx.AccountByEmail(email)
		return err
	})
	if copse.CodeOf(err) == copse.CodeNotFound {
		account, err = new(store.Account), nil
	}
	if err != nil {
		return nil, err
	}
	right, err := s.passwords.matches(r.Context(), password, account.Password)
	if err != nil || !right {
		return nil, err
	}
	return account, errors.Join(s.limits.guesses.giveBack(from), s.limits.account.giveBack(email))
}

func (s *Site) login(ctx context.Context, actor copse.ID) (*store.Login, error) {
	var login store.Login
	err := s.DB.View(ctx, func(tx *store.Tx) (err error) {
		login, err = tx.Login(actor)
		return err
	})
	return &login, err
}

func (s *Site) signOut(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := s.sessions.Destroy(r.Context()); err != nil {
		return err
	}
	http.Redirect(w, r, "/sign-in?out=1", http.StatusSeeOther)
	return nil
}

// reset asks for an address, or, with a link from a letter, for a new password.
func (s *Site) reset(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if !r.Form.Has("token") {
		return s.Render(w, r, http.StatusOK, page.ForgottenPassword(s.Frame(v, r, v.W.T("reset.title")), page.Form{}))
	}
	token := r.FormValue("token")
	err := s.DB.View(r.Context(), func(tx *store.Tx) error {
		_, err := live(tx, token, forResetting)
		return err
	})
	if dead := (*deadLink)(nil); errors.As(err, &dead) {
		return s.deadLink(w, r, v, dead, "/reset")
	}
	if err != nil {
		return err
	}
	return s.Render(w, r, http.StatusOK, page.NewPassword(s.Frame(v, r, v.W.T("reset.new_title")), page.Form{}, token))
}

func (s *Site) postReset(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if r.Form.Has("token") {
		return s.postNewPassword(w, r, v)
	}
	form := page.Form{Values: r.PostForm}
	email, ok := emailAddress(form.Value("email"))
	if !ok {
		form.Fail("email", v.W.T("register.need_email"))
		f := s.Frame(v, r, v.W.T("reset.title"))
		f.Failed = true
		return s.Render(w, r, http.StatusUnprocessableEntity, page.ForgottenPassword(f, form))
	}
	if err := s.letterAllowed(w, r, email); err != nil {
		return err
	}
	err := s.DB.Update(r.Context(), func(tx *store.Tx) error {
		account, err := tx.AccountByEmail(email)
		if copse.CodeOf(err) == copse.CodeNotFound {
			return weigh(tx)
		}
		if err != nil {
			return err
		}
		person, err := tx.Actor(account.Actor)
		if err != nil {
			return err
		}
		token := rand.Text()
		if err := tx.AddToken(token, forResetting, account.Actor, tx.Now.Add(mail.ResetTime)); err != nil {
			return err
		}
		return tx.QueueMail(s.letterhead(v, account.Language).Reset(email, person.Title, token))
	})
	if err != nil {
		return err
	}
	s.Hub.Mail.Ring()
	return s.checkEmail(w, r, v, email, v.W.T("check.half_hour"))
}

// postNewPassword sets a password for whoever had the letter, which also proves
// their address. Everybody signed in to the account is signed out.
func (s *Site) postNewPassword(w http.ResponseWriter, r *http.Request, v *Visit) error {
	token, password := r.FormValue("token"), r.PostFormValue("password")
	var actor copse.ID
	err := s.DB.View(r.Context(), func(tx *store.Tx) error {
		t, err := live(tx, token, forResetting)
		if err != nil {
			return err
		}
		login, err := tx.Login(t.Actor)
		if err != nil {
			return err
		}
		return checkPassword(password, login.Person.Title, login.Email, v.title)
	})
	form := page.Form{}
	if dead := (*deadLink)(nil); errors.As(err, &dead) {
		return s.deadLink(w, r, v, dead, "/reset")
	}
	if s.Blame(v, &form, err) {
		f := s.Frame(v, r, v.W.T("reset.new_title"))
		f.Failed = true
		return s.Render(w, r, http.StatusUnprocessableEntity, page.NewPassword(f, form, token))
	}
	if err != nil {
		return err
	}
	hash, err := s.passwords.hash(r.Context(), password)
	if err != nil {
		return err
	}
	err = s.DB.Update(r.Context(), func(tx *store.Tx) error {
		t, err := use(tx, token, forResetting)
		if err != nil {
			return err
		}
		actor = t.Actor
		account, err := tx.Account(actor)
		if err != nil {
			return err
		}
		account.Password = hash
		if account.Confirmed.IsZero() {
			account.Confirmed = tx.Now
		}
		if err := tx.SetAccount(account); err != nil {
			return err
		}
		return tx.DropSessions(actor)
	})
	if dead := (*deadLink)(nil); errors.As(err, &dead) {
		return s.deadLink(w, r, v, dead, "/reset")
	}
	if err != nil {
		return err
	}
	if err := s.signIn(r.Context(), actor); err != nil {
		return err
	}
	s.Tell(r, v.W.T("reset.done"))
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return nil
}
