package web_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"copse/copse"
	"copse/store"
	"copse/web"
)

// register fills in the form as somebody would.
func (b *browser) register(name, email string) answer {
	b.t.Helper()
	return b.post("/register", "name", name, "email", email, "job", "Policy officer", "password", password, "rules", "yes")
}

func TestSomebodyRegistersConfirmsAndIsIn(t *testing.T) {
	s := serve(t)
	tess := s.browser()
	tess.get("/register").want(t, http.StatusOK, "Create an account", "It is never shown to anyone")
	tess.register("Tess  Okafor", " Tess@Stevenage.gov.test ").want(t, http.StatusOK, "Check your email", "tess@stevenage.gov.test")
	tess.signIn("tess@stevenage.gov.test", password).want(t, http.StatusForbidden, "is not confirmed yet")

	s.browser().get("/u/tess_okafor").want(t, http.StatusNotFound) // anybody may have typed it
	link := s.linkIn()
	// Programs that look into mail follow its links, some more than once.
	for range 3 {
		s.browser().get(link).want(t, http.StatusOK, "Welcome, Tess Okafor")
	}
	got := tess.post(link)
	if got.status != http.StatusSeeOther || got.to != "/" {
		t.Fatalf("the link leads to %q with %d", got.to, got.status)
	}
	home := tess.get("/")
	home.want(t, http.StatusOK, "Your work", "Your email address is confirmed")
	if !strings.Contains(home.body, "</span>Tess Okafor</a>") {
		t.Error("the head of the page does not say who is signed in")
	}
	if strings.Contains(tess.get("/").text, "is confirmed") {
		t.Error("the good news is told twice")
	}
	// The tick says that her council vouches for her: her address is one of its own.
	tess.get("/u/tess_okafor").want(t, http.StatusOK, "Tess Okafor", "Policy officer, Stevenage Borough Council", "confirmed by the council")

	for _, b := range []*browser{tess, s.browser()} {
		b.get(link).want(t, http.StatusGone, "This link has been used", "Send a new link")
		b.post(link).want(t, http.StatusGone, "This link has been used")
	}
}

func TestLinksSayWhyTheyDoNotWork(t *testing.T) {
	s := serve(t)
	b := s.browser()
	b.register("Tess Okafor", "tess@stevenage.gov.test")
	first := s.linkIn()
	b.post("/confirm/again", "email", "tess@stevenage.gov.test").want(t, http.StatusOK, "Check your email")
	second := s.linkIn()
	b.get(first).want(t, http.StatusGone, "This link has been used", "a newer one takes the place of an older one")

	err := s.DB.Update(t.Context(), func(tx *store.Tx) error {
		account, err := tx.AccountByEmail("tess@stevenage.gov.test")
		if err != nil {
			return err
		}
		return tx.AddToken("OLD", "confirm", account.Actor, tx.Now.Add(-time.Second))
	})
	if err != nil {
		t.Fatal(err)
	}
	b.get(second).want(t, http.StatusGone)
	for _, answer := range []answer{b.get("/confirm?token=OLD"), b.post("/confirm", "token", "OLD")} {
		answer.want(t, http.StatusGone, "This link has expired", "Send a new link")
	}
	b.get("/confirm?token=MADEUP").want(t, http.StatusNotFound, "This link does not work")
	b.get("/confirm").want(t, http.StatusNotFound, "This link does not work")
	b.post("/confirm/again", "email", "tess@stevenage.gov.test")
	third := s.linkIn()
	b.get(strings.Replace(third, "/confirm", "/reset", 1)).want(t, http.StatusNotFound, "This link does not work") // for one thing only
	if got := b.post(third); got.status != http.StatusSeeOther {
		t.Errorf("the newest link: %d", got.status)
	}
}

// Whether there is an account with an address is told to its owner alone.
func TestNobodyLearnsWhoHasAnAccount(t *testing.T) {
	s := serve(t)
	s.person("Tess Okafor", store.Ordinary)
	has, hasNot := emailOf("Tess Okafor"), emailOf("Nobody Atall")
	for what, ask := range map[string]func(b *browser, email string) answer{
		"registering":        func(b *browser, email string) answer { return b.register("Mallory Smith", email) },
		"signing in":         func(b *browser, email string) answer { return b.signIn(email, "wrong password here") },
		"a new password":     func(b *browser, email string) answer { return b.post("/reset", "email", email) },
		"another link":       func(b *browser, email string) answer { return b.post("/confirm/again", "email", email) },
		"too many to one":    func(b *browser, email string) answer { return askTooOften(b, email) },
		"guessing too often": func(b *browser, email string) answer { return guessTooOften(b, email) },
	} {
		known, unknown := ask(s.browser(), has), ask(s.browser(), hasNot)
		known.body = strings.ReplaceAll(known.body, has, "ADDRESS")
		unknown.body = strings.ReplaceAll(unknown.body, hasNot, "ADDRESS")
		known.header.Del("Date")
		unknown.header.Del("Date")
		known.header.Del("Content-Length")
		unknown.header.Del("Content-Length")
		if known.status != unknown.status || known.body != unknown.body {
			t.Errorf("%s answers differently: %d and %d\n%s\n%s", what, known.status, unknown.status, known.text, unknown.text)
		}
		for name := range known.header {
			if known.header.Get(name) != unknown.header.Get(name) {
				t.Errorf("%s: %s is %q and %q", what, name, known.header.Get(name), unknown.header.Get(name))
			}
		}
	}
}

func askTooOften(b *browser, email string) (last answer) {
	for range 6 {
		last = b.post("/reset", "email", email)
	}
	return last
}

func guessTooOften(b *browser, email string) (last answer) {
	for range 26 {
		last = b.signIn(email, "wrong password here")
	}
	return last
}

func TestOwnerOfAnAddressHearsThatItWasUsedAgain(t *testing.T) {
	s := serve(t)
	s.person("Tess Okafor", store.Ordinary)
	s.browser().register("Mallory Smith", emailOf("Tess Okafor"))
	letters := s.letters()
	if len(letters) != 1 || letters[0].To != emailOf("Tess Okafor") || !strings.Contains(letters[0].Body, "You already have one") ||
		strings.Contains(letters[0].Body, "token") || strings.Contains(letters[0].Body, "Mallory") {
		t.Fatalf("the letters are %+v", letters)
	}
	if got := s.signedIn("Tess Okafor").get("/settings"); !strings.Contains(got.body, `value="Tess Okafor"`) {
		t.Error("registering again changed her account")
	}
}

// Whoever registers somebody else's address first must not end up with a password
// to their account.
func TestAccountIsNotTakenOverBeforeItIsConfirmed(t *testing.T) {
	s := serve(t)
	s.browser().post("/register", "name", "Mallory Smith", "email", emailOf("Tess Okafor"), "password", "mallory knows this one", "rules", "yes")
	s.letters() // the first letter, which Tess did not ask for
	tess := s.browser()
	tess.register("Tess Okafor", emailOf("Tess Okafor"))
	link := s.linkIn()
	tess.get(link).want(t, http.StatusOK, "Your new password")
	if got := tess.post(link, "password", "only tess knows this one"); got.status != http.StatusSeeOther {
		t.Fatalf("choosing a password: %d %s", got.status, got.text)
	}
	tess.get("/").want(t, http.StatusOK, "Your work")
	s.browser().signIn(emailOf("Tess Okafor"), "mallory knows this one").want(t, http.StatusUnprocessableEntity)
	if got := s.browser().signIn(emailOf("Tess Okafor"), "only tess knows this one"); got.status != http.StatusSeeOther {
		t.Errorf("her own password: %d", got.status)
	}
}

func TestFailedFormKeepsEveryWordButThePassword(t *testing.T) {
	s := serve(t)
	got := s.browser().post("/register", "name", `Tess "O" <Okafor>`, "email", "not an address", "job", "Policy & strategy", "password", "short")
	got.want(t, http.StatusUnprocessableEntity, "There is a problem", "Enter an email address in the correct format",
		"The password must have 12 characters or more", "Read the rules, then tick the box")
	for _, kept := range []string{`value="Tess &#34;O&#34; &lt;Okafor&gt;"`, `value="not an address"`, `value="Policy &amp; strategy"`, "<title>Error: "} {
		if !strings.Contains(got.body, kept) {
			t.Errorf("lost %s", kept)
		}
	}
	if strings.Contains(got.body, "short") && regexp.MustCompile(`value="short"`).MatchString(got.body) {
		t.Error("the password is in the page")
	}
	if letters := s.letters(); len(letters) != 0 {
		t.Errorf("%d letters were written", len(letters))
	}
}

func TestAddressesHaveOneReading(t *testing.T) {
	s := serve(t)
	b := s.browser()
	for _, email := range []string{
		"x@evil.test,y@a.gov.uk", `"x@a.gov.uk"@evil.test`, "x@evil.test%a.gov.uk", "=?utf-8?q?x?=@a.gov.uk@b", "x@a.gov.uk.",
		"x@a。gov.uk", "x\x00@a.gov.uk", "x@a.gov.uk\nBcc: y@b.gov.uk", "x@localhost", "x@[127.0.0.1]", "x@a..uk", ".x@a.gov.uk", "x.@a.gov.uk",
		"<x@a.gov.uk>", "x y@a.gov.uk", "x@-a.gov.uk", "x(y)@a.gov.uk", strings.Repeat("x", 250) + "@a.gov.uk",
	} {
		if got := b.register("Mallory Smith", email); email != "x\x00@a.gov.uk" && got.status != http.StatusUnprocessableEntity {
			t.Errorf("%q: %d", email, got.status)
		}
	}
	for _, m := range s.letters() {
		if m.To != "x@a.gov.uk" { // NUL is not typed, so it is dropped
			t.Errorf("a letter to %s", m.To)
		}
	}
}

func TestPasswordsThatAreEasyToGuessAreRefused(t *testing.T) {
	s := serve(t)
	for i, password := range []string{
		"elevenchars", strings.Repeat("x", 201), "aaaaaaaaaaaa", "123456789012", "password1234", "Password2026!", "qwertyuiop12",
		"TessOkafor2026", "stevenage2026!!", "Welcome123456", "Council-2026", "abcdefghijklmnop",
	} {
		got := s.browser().post("/register", "name", "Tess Okafor", "email", "tess@stevenage.gov.test", "password", password, "rules", "yes")
		if got.status != http.StatusUnprocessableEntity {
			t.Errorf("%d: %q was taken: %d", i, password, got.status)
		}
	}
	for _, password := range []string{"kettle harbour plum", "tri gair gwahanol", "v9$kQ2!mZx7@", strings.Repeat("xyz qrs ", 25)} {
		got := s.browser().post("/register", "name", "Tess Okafor", "email", "tess@stevenage.gov.test", "password", password, "rules", "yes")
		if got.status != http.StatusOK && got.status != http.StatusTooManyRequests {
			t.Errorf("%q was refused: %s", password, got.text)
		}
	}
}

func TestNamesAreMadeFromPeoplesOwn(t *testing.T) {
	s := serve(t)
	for _, c := range []struct{ name, email, want string }{
		{"Tess Okafor", "t1@stevenage.gov.test", "tess_okafor"},
		{"Tess Okafor", "t2@stevenage.gov.test", "tess_okafor2"},
		{"tess OKAFOR", "t3@stevenage.gov.test", "tess_okafor3"},
		{"Siân Ó Briain-Łuk", "s1@stevenage.gov.test", "sian_o_briain_uk"},
		{"Pat O’Neill", "p1@stevenage.gov.test", "pat_oneill"},
		{"李小龍", "bruce.lee@stevenage.gov.test", "bruce_lee"},
		{"李", "x@stevenage.gov.test", "person"},
		{"Admin", "a1@stevenage.gov.test", "admin2"},
		{"Maximiliana Wolfeschlegelsteinhausenbergerdorff", "m1@stevenage.gov.test", "maximiliana_wolfeschlegels"},
	} {
		s.browser().register(c.name, c.email).want(t, http.StatusOK, "Check your email")
		b := s.browser()
		if got := b.post(s.linkIn()); got.status != http.StatusSeeOther {
			t.Fatalf("%s: %d", c.name, got.status)
		}
		if got := b.get("/settings"); !strings.Contains(got.text, c.want+"@") {
			t.Errorf("%s is not %s: %s", c.name, c.want, got.text)
		}
	}
}

func TestSignInBeginsANewSession(t *testing.T) {
	s := serve(t, route("GET", "/tell", func(s *web.Site) web.Handler {
		return func(w http.ResponseWriter, r *http.Request, _ *web.Visit) error {
			s.Tell(r, "Something good")
			http.Redirect(w, r, "/", http.StatusSeeOther)
			return nil
		}
	}))
	s.person("Tess Okafor", store.Ordinary)

	// Mallory has a session and gets Tess to use it.
	tess, mallory := s.browser(), s.browser()
	mallory.get("/tell")
	tess.Jar, _ = mallory.Jar, tess.Jar
	planted := mallory.session()
	if planted == "" {
		t.Fatal("no session to plant")
	}
	tess.signIn(emailOf("Tess Okafor"), password)
	if tess.session() == planted || tess.session() == "" {
		t.Error("signing in kept the session that was there before")
	}
	thief := s.browser()
	thief.header.Set("Cookie", "copse="+planted)
	thief.get("/settings").want(t, http.StatusSeeOther)
	// A made-up one is not taken up either.
	thief.header.Set("Cookie", "copse=MADEUP")
	got := thief.signIn(emailOf("Tess Okafor"), password)
	if got.status != http.StatusSeeOther || strings.Contains(got.header.Get("Set-Cookie"), "MADEUP") {
		t.Errorf("%d %v", got.status, got.header)
	}
}

func TestSignOutEndsTheSession(t *testing.T) {
	s := serve(t)
	s.person("Tess Okafor", store.Ordinary)
	tess := s.signedIn("Tess Okafor")
	kept := tess.session()
	got := tess.post("/sign-out")
	if got.status != http.StatusSeeOther || tess.session() != "" {
		t.Errorf("%d, and the cookie is %q", got.status, tess.session())
	}
	tess.get(got.to).want(t, http.StatusOK, "You have signed out")
	thief := s.browser()
	thief.header.Set("Cookie", "copse="+kept)
	thief.get("/settings").want(t, http.StatusSeeOther)
}

func TestNewPasswordSignsEverybodyElseOut(t *testing.T) {
	s := serve(t)
	s.person("Tess Okafor", store.Ordinary)
	email := emailOf("Tess Okafor")
	thief := s.signedIn("Tess Okafor")

	tess := s.browser()
	tess.post("/reset", "email", email).want(t, http.StatusOK, "Check your email", "30 minutes")
	link := s.linkIn()
	tess.get(link).want(t, http.StatusOK, "Your new password")
	tess.post(link, "password", "short").want(t, http.StatusUnprocessableEntity, "12 characters or more")
	if got := tess.post(link, "password", "kettle harbour plum"); got.status != http.StatusSeeOther {
		t.Fatalf("%d %s", got.status, got.text)
	}
	tess.get("/").want(t, http.StatusOK, "Your new password is saved", "Your work")
	thief.get("/settings").want(t, http.StatusSeeOther)
	tess.get(link).want(t, http.StatusGone, "This link has been used")
	tess.post(link, "password", "another one entirely").want(t, http.StatusGone)
	s.browser().signIn(email, password).want(t, http.StatusUnprocessableEntity)

	// And once more from the settings, with the old password to prove it.
	thief = s.browser()
	thief.signIn(email, "kettle harbour plum")
	tess.post("/settings/password", "current_password", "not it at all", "password", "velvet tractor moss").want(t, http.StatusUnprocessableEntity, "Enter your current password")
	tess.post("/settings/password", "current_password", "kettle harbour plum", "password", "short").want(t, http.StatusUnprocessableEntity, "12 characters or more")
	if got := tess.post("/settings/password", "current_password", "kettle harbour plum", "password", "velvet tractor moss"); got.status != http.StatusSeeOther {
		t.Fatalf("%d %s", got.status, got.text)
	}
	tess.get("/settings").want(t, http.StatusOK, "signed out everywhere else")
	thief.get("/settings").want(t, http.StatusSeeOther)

	other := s.browser()
	other.signIn(email, "velvet tractor moss")
	tess.post("/settings/sign-out")
	for _, b := range []*browser{tess, other} {
		b.get("/settings").want(t, http.StatusSeeOther)
	}
}

// A page that was being made while its reader was signed out everywhere must not
// bring the session back.
func TestSessionEndedElsewhereStaysEnded(t *testing.T) {
	begun, ended := make(chan bool), make(chan bool)
	s := serve(t, route("POST", "/slow", func(s *web.Site) web.Handler {
		return func(w http.ResponseWriter, r *http.Request, _ *web.Visit) error {
			begun <- true
			<-ended
			s.Tell(r, "Saved") // which writes to the session
			http.Redirect(w, r, "/", http.StatusSeeOther)
			return nil
		}
	}))
	s.person("Tess Okafor", store.Ordinary)
	stolen, tess := s.signedIn("Tess Okafor"), s.signedIn("Tess Okafor")
	go func() {
		<-begun
		tess.post("/settings/sign-out")
		ended <- true
	}()
	stolen.post("/slow")
	stolen.get("/settings").want(t, http.StatusSeeOther)
}

func TestGuessersHaveToWait(t *testing.T) {
	s := serve(t)
	s.person("Tess Okafor", store.Ordinary)
	for range 26 { // a council on a Monday morning, behind one address
		s.signedIn("Tess Okafor")
	}
	b := s.browser()
	for range 25 {
		b.signIn(emailOf("Tess Okafor"), "wrong password here").want(t, http.StatusUnprocessableEntity, "Enter the email address and password of your account")
	}
	got := b.signIn(emailOf("Tess Okafor"), password)
	got.want(t, http.StatusTooManyRequests, "Please wait before you try again", "You have tried this too often; wait 5 minutes.")
	if got.header.Get("Retry-After") != "300" {
		t.Errorf("Retry-After: %q", got.header.Get("Retry-After"))
	}
	// Nobody is believed about where they are, unless they are a proxy of ours.
	b.header.Set("X-Forwarded-For", "192.0.2.7")
	b.header.Set("X-Real-Ip", "192.0.2.7")
	b.signIn(emailOf("Tess Okafor"), password).want(t, http.StatusTooManyRequests)
}

func TestProxiesOfOursSayWhoIsAsking(t *testing.T) {
	s := serve(t)
	s.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	pages := s.Handler()
	guesses := 0
	guess := func(from, forwardedFor string) int {
		guesses++ // at another account each time
		form := fmt.Sprintf("email=somebody%d@stevenage.gov.test&password=x", guesses)
		r := httptest.NewRequest(http.MethodPost, "/sign-in", strings.NewReader(form))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("X-Forwarded-For", forwardedFor)
		r.RemoteAddr = from
		w := httptest.NewRecorder()
		pages.ServeHTTP(w, r)
		return w.Code
	}
	for range 25 {
		guess("10.1.2.3:1000", "192.0.2.1")
	}
	for _, c := range []struct {
		what, from, forwardedFor string
		want                     int
	}{
		{"the guesser", "10.1.2.3:1000", "192.0.2.1", http.StatusTooManyRequests},
		{"the guesser, who says to be somebody else", "10.1.2.3:1000", "192.0.2.9, 192.0.2.1", http.StatusTooManyRequests},
		{"the guesser, past the proxy", "192.0.2.1:1000", "192.0.2.9", http.StatusTooManyRequests},
		{"somebody else behind the same proxy", "10.1.2.3:1000", "192.0.2.2", http.StatusUnprocessableEntity},
	} {
		if got := guess(c.from, c.forwardedFor); got != c.want {
			t.Errorf("%s: %d, want %d", c.what, got, c.want)
		}
	}
}

func TestNobodysMailboxIsFilled(t *testing.T) {
	s := serve(t)
	s.person("Tess Okafor", store.Ordinary)
	b := s.browser()
	for range 5 {
		b.post("/reset", "email", emailOf("Tess Okafor")).want(t, http.StatusOK)
	}
	for _, got := range []answer{
		b.post("/reset", "email", strings.ToUpper(emailOf("Tess Okafor"))), b.register("Mallory Smith", emailOf("Tess Okafor")),
		b.post("/confirm/again", "email", emailOf("Tess Okafor")),
	} {
		got.want(t, http.StatusTooManyRequests)
		if got.header.Get("Retry-After") != "1800" {
			t.Errorf("Retry-After: %q", got.header.Get("Retry-After"))
		}
	}
	if letters := s.letters(); len(letters) != 5 {
		t.Errorf("%d letters, want 5", len(letters))
	}
}

func TestWhatIsTypedWhileSignedOutIsNotLost(t *testing.T) {
	var sent string
	s := serve(t, route("POST", "/c/trees/ask", func(s *web.Site) web.Handler {
		return func(w http.ResponseWriter, r *http.Request, v *web.Visit) error {
			if err := s.SignedIn(v); err != nil {
				return err
			}
			sent = r.PostForm.Get("text")
			http.Redirect(w, r, "/", http.StatusSeeOther)
			return nil
		}
	}))
	s.person("Tess Okafor", store.Ordinary)
	b := s.browser()
	got := b.post("/c/trees/ask?draft=1", "text", "Who \"does\" this?\nAnd how?", "password", "not to be kept")
	got.want(t, http.StatusUnauthorized, "Sign in", "What you wrote is kept")
	page := strings.Join(hiddenFields(got.body), "|")
	if !strings.Contains(page, "kept.text=Who \"does\" this?\nAnd how?") || strings.Contains(page, "not to be kept") {
		t.Fatalf("the page keeps %q", page)
	}
	form := append(pairs(hiddenFields(got.body)), "email", emailOf("Tess Okafor"))
	action := formAction(got.body)
	wrong := b.post(action, append(form, "password", "wrong password here")...)
	wrong.want(t, http.StatusUnprocessableEntity)
	form = append(pairs(hiddenFields(wrong.body)), "email", emailOf("Tess Okafor"), "password", password)
	got = b.post(formAction(wrong.body), form...)
	got.want(t, http.StatusOK, "It has not been sent yet")
	if action := formAction(got.body); action != "/c/trees/ask?draft=1" {
		t.Errorf("it would be sent to %q", action)
	}
	b.post(formAction(got.body), pairs(hiddenFields(got.body))...)
	if want := "Who \"does\" this?\nAnd how?"; sent != want {
		t.Errorf("sent %q, want %q", sent, want)
	}
	b = s.browser()
	if got := b.get("/settings?x=1"); got.status != http.StatusSeeOther || got.to != "/sign-in?next=%2Fsettings%3Fx%3D1" {
		t.Errorf("%d to %q", got.status, got.to)
	}
}

var (
	hidden = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)"`)
	action = regexp.MustCompile(`(?s)<main.*?<form[^>]* action="([^"]*)"`)
	plain  = strings.NewReplacer("&#34;", `"`, "&amp;", "&")
)

// hiddenFields is name=value for each hidden field of a page.
func hiddenFields(page string) (all []string) {
	for _, f := range hidden.FindAllStringSubmatch(page, -1) {
		all = append(all, plain.Replace(f[1])+"="+plain.Replace(f[2]))
	}
	return all
}

func pairs(fields []string) (all []string) {
	for _, f := range fields {
		name, value, _ := strings.Cut(f, "=")
		all = append(all, name, value)
	}
	return all
}

func formAction(page string) string {
	found := action.FindStringSubmatch(page)
	if found == nil {
		return ""
	}
	return plain.Replace(found[1])
}

func TestServerIsSetUpOnceByItsLink(t *testing.T) {
	s := serveNew(t)
	b := s.browser()
	b.get("/").want(t, http.StatusOK, "This service is not set up yet", "The server has printed a link in its log")
	b.get("/register").want(t, http.StatusForbidden, "has to be set up first")
	b.register("Mallory Smith", "mallory@evil.test").want(t, http.StatusForbidden)

	setUp := func() string {
		link, err := s.SetupLink(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimPrefix(link, s.Base)
	}
	first, second := setUp(), setUp()
	b.get(first).want(t, http.StatusGone, "This link has been used", "prints a new one")
	b.get("/setup?token=MADEUP").want(t, http.StatusNotFound, "This link does not work")
	b.get(second).want(t, http.StatusOK, "Set up this service")
	form := []string{"title", "Stevenage Borough Council", "name", "Olga Owner", "email", "olga@stevenage.gov.test", "password", password}
	b.post(second, append(form[2:], "title", " ")...).want(t, http.StatusUnprocessableEntity, "Enter the name of your council")
	b.post("/setup?token=MADEUP", form...).want(t, http.StatusNotFound)
	if got := b.post(second, form...); got.status != http.StatusSeeOther || got.to != "/" {
		t.Fatalf("%d to %q: %s", got.status, got.to, got.text)
	}
	b.get("/").want(t, http.StatusOK, "The communities of practice of Stevenage Borough Council are ready", "Your work")
	if title := b.get("/about").body; !strings.Contains(title, `copse-masthead__name">Stevenage Borough Council<`) {
		t.Error("the head of the page does not name the council")
	}
	s.browser().get("/").want(t, http.StatusOK, "Stevenage Borough Council communities of practice", "Create an account")

	s.browser().get(second).want(t, http.StatusGone, "This link has been used")
	s.browser().post(second, "title", "Mallory", "name", "Mallory", "email", "m@evil.test", "password", password).want(t, http.StatusGone)
	if link := setUp(); link != "" {
		t.Errorf("there is an owner, and still a link: %s", link)
	}
	b.get("/u/olga_owner").want(t, http.StatusOK, "confirmed by the council")
}

func TestPeopleSayWhoTheyAre(t *testing.T) {
	s := serve(t)
	s.person("Tess Okafor", store.Ordinary)
	tess := s.signedIn("Tess Okafor")
	long := strings.Repeat("x", 5001)
	got := tess.post("/settings", "name", "", "job", "Policy lead", "about", long, "language", "xx")
	got.want(t, http.StatusUnprocessableEntity, "Enter your full name", "This must be 5,000 characters or fewer", "Choose a language")
	if !strings.Contains(got.body, long) || !strings.Contains(got.body, `value="Policy lead"`) {
		t.Error("her words are lost")
	}
	about := "I write *impact assessments*.\n\n<script>alert(1)</script>"
	if got := tess.post("/settings", "name", "Tess Okafor-Jones", "job", "Policy lead", "about", about, "language", "cy"); got.status != http.StatusSeeOther {
		t.Fatalf("%d %s", got.status, got.text)
	}
	tess.get("/settings").want(t, http.StatusOK, "Mae eich gosodiadau wedi’u cadw")
	page := s.browser().get("/u/tess_okafor")
	page.want(t, http.StatusOK, "Tess Okafor-Jones", "Policy lead, Stevenage Borough Council")
	if !strings.Contains(page.body, "<em>impact assessments</em>") || strings.Contains(page.body, "<script") {
		t.Errorf("what she says about herself is %s", page.body)
	}
}

func TestOnlyWorkAddressesCarryTheTick(t *testing.T) {
	s := serve(t)
	for email, ticked := range map[string]bool{
		"a@stevenage.gov.test": true, "b@evilstevenage.gov.test": false, "c@stevenage.gov.test.evil.test": false, "d@mail.test": false,
	} {
		b := s.browser()
		b.register("Person "+email[:1], email)
		b.post(s.linkIn())
		got := s.browser().get("/u/person_" + email[:1])
		if has := strings.Contains(got.text, "confirmed by the council"); got.status != http.StatusOK || has != ticked {
			t.Errorf("%s: %d, ticked %t, want %t", email, got.status, has, ticked)
		}
	}
}

func TestPeopleElsewhereHavePagesToo(t *testing.T) {
	s := serve(t)
	ada := &copse.Actor{
		Type: copse.Person, URI: "https://york.example/u/ada", Name: "ada", Host: "york.example", Title: "Ada Byron", JobTitle: "Analyst",
		Inbox: "https://york.example/u/ada/inbox", Created: time.Now(), Fetched: time.Now(), Vouched: true,
	}
	if err := s.Hub.Learn(t.Context(), ada, nil); err != nil {
		t.Fatal(err)
	}
	says := func(status int, text ...string) {
		t.Helper()
		s.browser().get("/u/ada@york.example?x="+url.QueryEscape(text[0])).want(t, status, text...)
	}
	says(http.StatusOK, "Ada Byron", "Analyst", "york.example")
	err := s.DB.Update(t.Context(), func(tx *store.Tx) error {
		p, err := tx.PeerAt("york.example")
		if err != nil {
			return err
		}
		p.Title = "City of York Council"
		if err := tx.DescribePeer(p); err != nil {
			return err
		}
		return tx.SetPolicy("york.example", copse.Allow)
	})
	if err != nil {
		t.Fatal(err)
	}
	says(http.StatusOK, "Analyst, City of York Council", "confirmed by the council", "See this page at City of York Council")
	s.browser().get("/u/ada").want(t, http.StatusNotFound)
}
