package web

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-chi/chi/v5"
	"golang.org/x/text/runes"
	"golang.org/x/text/transform"
	"golang.org/x/text/unicode/norm"

	"copse/copse"
	"copse/internal/words"
	"copse/store"
	"copse/web/mail"
	"copse/web/page"
)

// What links in letters are for.
const (
	forConfirming = "confirm"
	forResetting  = "reset"
	forSettingUp  = "setup"
	forNothing    = "nothing" // see weigh
)

// Limits on what people say about themselves, in characters.
const (
	maxName  = 100
	maxJob   = 100
	maxAbout = 5000
)

// accounts are the pages by which people come in. What they show is nobody
// else's to keep, and addresses with links in them are not passed on.
func (s *Site) accounts(r chi.Router) {
	r = r.With(s.private)
	s.Handle(r, "GET", "/register", s.register)
	s.Handle(r, "POST", "/register", s.postRegister)
	s.Handle(r, "GET", "/confirm", s.confirm)
	s.Handle(r, "POST", "/confirm", s.postConfirm)
	s.Handle(r, "GET", "/confirm/again", s.confirmAgain)
	s.Handle(r, "POST", "/confirm/again", s.postConfirmAgain)
	s.Handle(r, "GET", "/sign-in", s.signInForm)
	s.Handle(r, "POST", "/sign-in", s.postSignIn)
	s.Handle(r, "POST", "/sign-out", s.signOut)
	s.Handle(r, "GET", "/reset", s.reset)
	s.Handle(r, "POST", "/reset", s.postReset)
	s.Handle(r, "GET", "/setup", s.setUp)
	s.Handle(r, "POST", "/setup", s.postSetUp)
	s.Handle(r, "GET", "/settings", s.settings)
	s.Handle(r, "POST", "/settings", s.postSettings)
	s.Handle(r, "POST", "/settings/password", s.postPassword)
	s.Handle(r, "POST", "/settings/messages", s.postReach)
	s.Handle(r, "POST", "/settings/sign-out", s.postSignOutEverywhere)
	s.Handle(r, "GET", "/settings/password", leadTo("/settings"))
	s.Handle(r, "GET", "/settings/move", s.moving)
	s.Handle(r, "POST", "/settings/move/was", s.postWas)
	s.Handle(r, "POST", "/settings/move/join", s.postOffers)
	s.Handle(r, "POST", "/settings/move/away", s.postMove)
	s.Handle(r, "POST", "/settings/move/back", s.postBack)
	s.Handle(r, "GET", "/settings/messages", leadTo("/settings"))
}

func (s *Site) private(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", noStore)
		// Without a referrer, browsers send the forms of a page with an origin of
		// "null", which is only known for ours where they send Sec-Fetch-Site too,
		// and over plain http they do not.
		if s.https() {
			w.Header().Set("Referrer-Policy", "no-referrer")
		}
		next.ServeHTTP(w, r)
	})
}

func (s *Site) register(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if v.Login != nil {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return nil
	}
	if err := s.beforeSetUp(r.Context()); err != nil {
		return err
	}
	return s.Render(w, r, http.StatusOK, page.Register(s.Frame(v, r, v.W.T("register.title")), page.Form{}))
}

// postRegister adds an account that works once its address is confirmed. Whether
// there is one with the address already is told to the owner of the address
// alone: the answer, and the work done for it, are the same.
func (s *Site) postRegister(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := s.beforeSetUp(r.Context()); err != nil {
		return err
	}
	form := page.Form{Values: r.PostForm}
	n := s.newcomer(v, &form)
	if !form.Has("rules", "yes") {
		form.Fail("rules", v.W.T("register.need_rules"))
	}
	if form.Failed() {
		f := s.Frame(v, r, v.W.T("register.title"))
		f.Failed = true
		return s.Render(w, r, http.StatusUnprocessableEntity, page.Register(f, form))
	}
	if err := s.letterAllowed(w, r, n.account.Email); err != nil {
		return err
	}
	var err error
	if n.account.Password, err = s.passwords.hash(r.Context(), form.Value("password")); err != nil {
		return err
	}
	known, err := s.remind(r.Context(), v, n.account.Email)
	if err != nil {
		return err
	}
	if !known {
		err = s.add(r.Context(), n, func(tx *store.Tx) error { return s.mailConfirm(tx, v, n.account, n.person) })
		if copse.CodeOf(err) == copse.CodeConflict { // somebody was quicker
			_, err = s.remind(r.Context(), v, n.account.Email)
		}
		if err != nil {
			return err
		}
	}
	return s.checkEmail(w, r, v, n.account.Email, v.W.T("check.day"))
}

// A newcomer is somebody about to be added.
type newcomer struct {
	person  *copse.Actor
	account *store.Account
}

// newcomer reads who somebody says they are from a form, and says in it what is
// wrong.
func (s *Site) newcomer(v *Visit, form *page.Form) newcomer {
	name := strings.Join(strings.Fields(form.Value("name")), " ")
	job := strings.Join(strings.Fields(form.Value("job")), " ")
	email, ok := emailAddress(form.Value("email"))
	switch {
	case name == "":
		form.Fail("name", v.W.T("register.need_name"))
	case utf8.RuneCountInString(name) > maxName:
		form.Fail("name", v.W.T("register.long_name", "most", maxName))
	}
	if !ok {
		form.Fail("email", v.W.T("register.need_email"))
	}
	if utf8.RuneCountInString(job) > maxJob {
		form.Fail("job", v.W.T("register.long_job", "most", maxJob))
	}
	if err := checkPassword(form.Value("password"), name, email, v.title); err != nil {
		s.Blame(v, form, err)
	}
	return newcomer{
		&copse.Actor{Title: name, JobTitle: job},
		&store.Account{Email: email, Role: store.Ordinary, Language: v.W.Lang()},
	}
}

// add registers n under a name made from their own: "Siân Ó Briain" is
// sian_o_briain, or sian_o_briain2 if there is one. then joins in the
// transaction.
func (s *Site) add(ctx context.Context, n newcomer, then func(*store.Tx) error) error {
	wish := handleFor(n.person.Title, n.account.Email)
	for i := 1; ; i++ {
		n.person.Name = wish
		if i > 1 {
			n.person.Name = fmt.Sprint(wish, i)
		}
		err := s.Hub.Register(ctx, n.person, n.account, then)
		var told *copse.Error
		if i < 1000 && errors.As(err, &told) && told.Field == "name" {
			continue // taken, or reserved
		}
		return err
	}
}

// handleFor makes a name for somebody's address out of their own, or out of
// their e-mail address where that has no Latin letters. It leaves room for
// digits.
func handleFor(name, email string) string {
	local, _, _ := strings.Cut(email, "@")
	for _, text := range []string{name, local} {
		if handle := latin(text); len(handle) >= 2 {
			return handle
		}
	}
	return "person"
}

func latin(text string) string {
	plain, _, err := transform.String(transform.Chain(norm.NFD, runes.Remove(runes.In(unicode.Mn)), norm.NFC), text)
	if err != nil {
		return ""
	}
	words := strings.FieldsFunc(strings.ToLower(plain), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '\'' && r != '’'
	})
	handle := strings.Join(words, "_")
	handle = strings.NewReplacer("'", "", "’", "").Replace(handle)
	return strings.TrimRight(handle[:min(len(handle), 26)], "_")
}

// goodAddress is narrower than RFC 5321: no quotes, comments or routes, which
// programs read differently. The part after the @ is a host name in ASCII.
var goodAddress = regexp.MustCompile(`^[a-z0-9!#$&'*+/=?^_{|}~-]+(\.[a-z0-9!#$&'*+/=?^_{|}~-]+)*@([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]$`)

// emailAddress returns the one form of an e-mail address that is kept and
// compared.
func emailAddress(text string) (string, bool) {
	email := strings.ToLower(strings.TrimSpace(text))
	return email, len(email) <= 254 && goodAddress.MatchString(email)
}

// letterAllowed counts a letter that somebody asks to have sent to an address.
func (s *Site) letterAllowed(w http.ResponseWriter, r *http.Request, email string) error {
	if err := s.limits.visitors.take(w, r, origin(r)); err != nil {
		return err
	}
	return s.limits.letters.take(w, r, email)
}

// remind writes to the owner of an address who is asking for an account again,
// and reports whether there is one.
func (s *Site) remind(ctx context.Context, v *Visit, email string) (known bool, err error) {
	err = s.DB.Update(ctx, func(tx *store.Tx) error {
		account, err := tx.AccountByEmail(email)
		if copse.CodeOf(err) == copse.CodeNotFound {
			known = false
			return nil
		}
		if err != nil {
			return err
		}
		known = true
		person, err := tx.Actor(account.Actor)
		if err != nil {
			return err
		}
		letterhead := s.letterhead(v, account.Language)
		if !account.Confirmed.IsZero() {
			return tx.QueueMail(letterhead.Registered(email, person.Title))
		}
		token := rand.Text()
		if err := tx.AddToken(token, forResetting, account.Actor, tx.Now.Add(mail.ResetTime)); err != nil {
			return err
		}
		return tx.QueueMail(letterhead.Unfinished(email, person.Title, token))
	})
	s.Hub.Mail.Ring()
	return known, err
}

// weigh does what asking for a letter costs, for an address that has no account.
func weigh(tx *store.Tx) error {
	return tx.AddToken(rand.Text(), forNothing, 0, tx.Now)
}

func (s *Site) mailConfirm(tx *store.Tx, v *Visit, account *store.Account, person *copse.Actor) error {
	token := rand.Text()
	if err := tx.AddToken(token, forConfirming, account.Actor, tx.Now.Add(mail.ConfirmTime)); err != nil {
		return err
	}
	return tx.QueueMail(s.letterhead(v, account.Language).Confirm(account.Email, person.Title, token))
}

// letterhead is for a letter to somebody whose language is lang.
func (s *Site) letterhead(v *Visit, lang string) mail.Letterhead {
	return mail.Letterhead{W: words.In(lang), Server: v.title, Base: s.Base}
}

// checkEmail says that a letter is on its way, whether one is or not. works says
// how long the link in it does.
func (s *Site) checkEmail(w http.ResponseWriter, r *http.Request, v *Visit, email, works string) error {
	f := s.Frame(v, r, v.W.T("check.title"))
	return s.Render(w, r, http.StatusOK, page.CheckEmail(f, email, works))
}

// confirm shows a button. Programs that look into mail follow links before their
// reader does, and must not use one up.
func (s *Site) confirm(w http.ResponseWriter, r *http.Request, v *Visit) error {
	token := r.FormValue("token")
	var person *copse.Actor
	err := s.DB.View(r.Context(), func(tx *store.Tx) error {
		t, err := live(tx, token, forConfirming)
		if err != nil {
			return err
		}
		person, err = tx.Actor(t.Actor)
		return err
	})
	if dead := (*deadLink)(nil); errors.As(err, &dead) {
		return s.deadLink(w, r, v, dead, "/confirm/again")
	}
	if err != nil {
		return err
	}
	return s.Render(w, r, http.StatusOK, page.ConfirmEmail(s.Frame(v, r, v.W.T("confirm.title")), person.Title, token))
}

func (s *Site) postConfirm(w http.ResponseWriter, r *http.Request, v *Visit) error {
	var actor copse.ID
	err := s.DB.Update(r.Context(), func(tx *store.Tx) error {
		t, err := use(tx, r.FormValue("token"), forConfirming)
		if err != nil {
			return err
		}
		actor = t.Actor
		account, err := tx.Account(actor)
		if err != nil {
			return err
		}
		account.Confirmed = tx.Now
		return tx.SetAccount(account)
	})
	if dead := (*deadLink)(nil); errors.As(err, &dead) {
		return s.deadLink(w, r, v, dead, "/confirm/again")
	}
	if err != nil {
		return err
	}
	if err := s.signIn(r.Context(), actor); err != nil {
		return err
	}
	s.Tell(r, v.W.T("confirm.done"))
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return nil
}

func (s *Site) confirmAgain(w http.ResponseWriter, r *http.Request, v *Visit) error {
	return s.Render(w, r, http.StatusOK, page.ConfirmAgain(s.Frame(v, r, v.W.T("again.title")), page.Form{}))
}

// postConfirmAgain sends another link, whatever there is at the address saying
// the same.
func (s *Site) postConfirmAgain(w http.ResponseWriter, r *http.Request, v *Visit) error {
	form := page.Form{Values: r.PostForm}
	email, ok := emailAddress(form.Value("email"))
	if !ok {
		form.Fail("email", v.W.T("register.need_email"))
		f := s.Frame(v, r, v.W.T("again.title"))
		f.Failed = true
		return s.Render(w, r, http.StatusUnprocessableEntity, page.ConfirmAgain(f, form))
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
		if !account.Confirmed.IsZero() {
			return tx.QueueMail(s.letterhead(v, account.Language).Registered(email, person.Title))
		}
		return s.mailConfirm(tx, v, account, person)
	})
	if err != nil {
		return err
	}
	s.Hub.Mail.Ring()
	return s.checkEmail(w, r, v, email, v.W.T("check.day"))
}

// A deadLink is a link that works once and does not work now.
type deadLink struct{ used, expired bool }

func (*deadLink) Error() string { return "this link does not work" }

// live returns what is known of a link that works, or a *deadLink.
func live(tx *store.Tx, token, purpose string) (store.Token, error) {
	t, err := tx.Token(token, purpose)
	switch {
	case copse.CodeOf(err) == copse.CodeNotFound:
		return t, new(deadLink)
	case err != nil:
		return t, err
	case !t.Used.IsZero():
		return t, &deadLink{used: true}
	case !tx.Now.Before(t.Expires):
		return t, &deadLink{expired: true}
	}
	return t, nil
}

// use is live, once.
func use(tx *store.Tx, token, purpose string) (store.Token, error) {
	t, err := live(tx, token, purpose)
	if err != nil {
		return t, err
	}
	if ok, err := tx.UseToken(token, purpose); err != nil || !ok {
		return t, errors.Join(err, &deadLink{used: true})
	}
	return t, nil
}

// deadLink says why a link does not work. again is where to ask for another; ""
// if there is no such place.
func (s *Site) deadLink(w http.ResponseWriter, r *http.Request, v *Visit, dead *deadLink, again string) error {
	title, status := v.W.T("link.unknown"), http.StatusNotFound
	switch {
	case dead.used:
		title, status = v.W.T("link.used"), http.StatusGone
	case dead.expired:
		title, status = v.W.T("link.expired"), http.StatusGone
	}
	return s.Render(w, r, status, page.DeadLink(s.Frame(v, r, title), again))
}

// changeAccount reads an account, changes it and writes it back, in one
// transaction.
func (s *Site) changeAccount(ctx context.Context, actor copse.ID, change func(*store.Account)) error {
	return s.DB.Update(ctx, func(tx *store.Tx) error {
		n, err := tx.Account(actor)
		if err != nil {
			return err
		}
		change(n)
		return tx.SetAccount(n)
	})
}
