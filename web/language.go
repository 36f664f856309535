package web

import (
	"net/http"

	"copse/store"
)

// langCookie holds the language that was chosen in a browser.
const langCookie = "copse-lang"

// choice returns the language that was chosen: in this browser, or else in the
// account.
func choice(r *http.Request, account string) string {
	if c, err := r.Cookie(langCookie); err == nil && isLanguage(c.Value) {
		return c.Value
	}
	return account
}

func isLanguage(code string) bool { return code == "en" || code == "cy" }

// choose keeps the language that ?lang= asks for and goes on to the page without
// it.
func (s *Site) choose(w http.ResponseWriter, r *http.Request, v *Visit, lang string) error {
	if err := s.speak(w, r, v, lang); err != nil {
		return err
	}
	query := r.URL.Query()
	query.Del("lang")
	w.Header().Set("Cache-Control", noStore)
	http.Redirect(w, r, address(r.URL.Path, query), http.StatusSeeOther)
	return nil
}

// speak keeps a language in the browser and in the account: letters are written
// in it.
func (s *Site) speak(w http.ResponseWriter, r *http.Request, v *Visit, lang string) error {
	if v.Login != nil && v.Login.Language != lang {
		if err := s.changeAccount(r.Context(), v.Login.Actor, func(n *store.Account) { n.Language = lang }); err != nil {
			return err
		}
	}
	http.SetCookie(w, &http.Cookie{
		Name: langCookie, Value: lang, Path: "/", MaxAge: 365 * 24 * 60 * 60,
		Secure: s.https(), HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
	return nil
}
