package web

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"copse/copse"
	"copse/store"
	"copse/web/page"
)

// setUpTime is how long the link that sets a server up works.
const setUpTime = 24 * time.Hour

// SetupLink returns the link by which the first owner comes in, for whoever
// starts the server and reads its log. It works once; an earlier one stops
// working. It is "" once there is an owner.
func (s *Site) SetupLink(ctx context.Context) (link string, err error) {
	err = s.DB.Update(ctx, func(tx *store.Tx) error {
		link = ""
		owners, err := tx.Owners()
		if err != nil || owners > 0 {
			return err
		}
		token := rand.Text()
		link = s.Base + "/setup?token=" + token
		return tx.AddToken(token, forSettingUp, 0, tx.Now.Add(setUpTime))
	})
	return link, err
}

// beforeSetUp returns an error while the server has no owner.
func (s *Site) beforeSetUp(ctx context.Context) error {
	return s.DB.View(ctx, func(tx *store.Tx) error {
		owners, err := tx.Owners()
		if err == nil && owners == 0 {
			return copse.Forbidden("this service has to be set up first, with the link in the log of its server")
		}
		return err
	})
}

func (s *Site) setUp(w http.ResponseWriter, r *http.Request, v *Visit) error {
	token := r.FormValue("token")
	err := s.DB.View(r.Context(), func(tx *store.Tx) error {
		_, err := live(tx, token, forSettingUp)
		return err
	})
	if dead := (*deadLink)(nil); errors.As(err, &dead) {
		return s.deadLink(w, r, v, dead, "")
	}
	if err != nil {
		return err
	}
	return s.Render(w, r, http.StatusOK, page.SetUp(s.Frame(v, r, v.W.T("setup.title")), page.Form{}, token))
}

// postSetUp names the council and adds the first owner, whose address the link
// stands in for: whoever reads the server's log may do as they like with it. The
// domain of the address becomes the council's, for the tick beside its people.
func (s *Site) postSetUp(w http.ResponseWriter, r *http.Request, v *Visit) error {
	token := r.FormValue("token")
	form := page.Form{Values: r.PostForm}
	title := strings.Join(strings.Fields(form.Value("title")), " ")
	switch {
	case title == "":
		form.Fail("title", v.W.T("setup.need_title"))
	case utf8.RuneCountInString(title) > maxName:
		form.Fail("title", v.W.T("register.long_name", "most", maxName))
	}
	n := s.newcomer(v, &form)
	if form.Failed() {
		f := s.Frame(v, r, v.W.T("setup.title"))
		f.Failed = true
		return s.Render(w, r, http.StatusUnprocessableEntity, page.SetUp(f, form, token))
	}
	// Guesses at the token cost no hashing.
	err := s.DB.View(r.Context(), func(tx *store.Tx) error {
		_, err := live(tx, token, forSettingUp)
		return err
	})
	if err == nil {
		n.account.Password, err = s.passwords.hash(r.Context(), form.Value("password"))
	}
	if err == nil {
		n.account.Role, n.account.Confirmed = store.Owner, time.Now().UTC()
		err = s.add(r.Context(), n, func(tx *store.Tx) error { return settle(tx, token, title, n.account.Email) })
	}
	if dead := (*deadLink)(nil); errors.As(err, &dead) {
		return s.deadLink(w, r, v, dead, "")
	}
	if err != nil {
		return err
	}
	if err := s.signIn(r.Context(), n.person.ID); err != nil {
		return err
	}
	s.Hub.Outbox.Ring() // every page has the council's name
	s.Tell(r, v.W.T("setup.done", "council", title))
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return nil
}

func settle(tx *store.Tx, token, title, email string) error {
	if _, err := use(tx, token, forSettingUp); err != nil {
		return err
	}
	if err := tx.SetSetting(settingTitle, title); err != nil {
		return err
	}
	_, domain, _ := strings.Cut(email, "@")
	return tx.SetSetting(settingDomain, domain)
}
