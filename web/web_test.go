package web_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/a-h/templ"
	"github.com/go-chi/chi/v5"

	"copse/content/forum"
	"copse/copse"
	"copse/federation"
	"copse/hub"
	"copse/store"
	"copse/store/storetest"
	"copse/web"
)

// A server is a whole site with its database, and what it logs.
type server struct {
	*web.Site
	t   testing.TB
	log *bytes.Buffer
}

// serve starts a site that has been set up, with sections added.
func serve(t testing.TB, sections ...web.Section) *server {
	s := serveNew(t, sections...)
	err := s.DB.Update(t.Context(), func(tx *store.Tx) error {
		return errors.Join(tx.SetSetting("title", "Stevenage Borough Council"), tx.SetSetting("domain", "stevenage.gov.test"))
	})
	if err != nil {
		t.Fatal(err)
	}
	s.person("Olga Owner", store.Owner)
	return s
}

// serveNew starts a site that has not been set up.
func serveNew(t testing.TB, sections ...web.Section) *server {
	t.Helper()
	var pages http.Handler
	listener := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { pages.ServeHTTP(w, r) }))
	t.Cleanup(listener.Close)
	kinds := copse.Kinds{}
	for _, k := range forum.Kinds {
		kinds[k.Name] = k
	}
	db, log := storetest.Open(t), new(bytes.Buffer)
	h := &hub.Hub{DB: db, Kinds: kinds, Base: listener.URL}
	fed := &federation.Server{DB: db, Hub: h, Kinds: kinds, Mappings: forum.Mappings, Base: listener.URL, Mode: copse.AllowList}
	h.Wire = fed
	s := &server{t: t, log: log, Site: &web.Site{
		DB: db, Hub: h, Fed: fed, Base: listener.URL, Sections: sections, Mode: copse.AllowList,
		Log: slog.New(slog.NewTextHandler(log, nil)),
	}}
	pages = s.Handler()
	return s
}

const password = "three unrelated words"

// person adds somebody with a confirmed address, tess.okafor@stevenage.gov.test
// for Tess Okafor.
func (s *server) person(name string, role store.AccountRole) *copse.Actor {
	s.t.Helper()
	handle := strings.ReplaceAll(strings.ToLower(name), " ", "_")
	a := &copse.Actor{Name: handle, Title: name, JobTitle: "Policy officer"}
	n := &store.Account{Email: emailOf(name), Role: role, Confirmed: time.Now()}
	if err := s.AddPerson(s.t.Context(), a, n, password); err != nil {
		s.t.Fatal(err)
	}
	return a
}

func emailOf(name string) string {
	return strings.ReplaceAll(strings.ToLower(name), " ", ".") + "@stevenage.gov.test"
}

// A browser has cookies and does not follow redirects.
type browser struct {
	*server
	http.Client
	header http.Header
}

func (s *server) browser() *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &browser{server: s, Client: http.Client{Jar: jar, CheckRedirect: stay}, header: http.Header{}}
}

// signedIn is a browser in which somebody has signed in.
func (s *server) signedIn(name string) *browser {
	s.t.Helper()
	b := s.browser()
	if got := b.signIn(emailOf(name), password); got.status != http.StatusSeeOther {
		s.t.Fatalf("%s signs in: %d\n%s", name, got.status, got.text)
	}
	return b
}

func (b *browser) signIn(email, password string) answer {
	b.t.Helper()
	return b.post("/sign-in", "email", email, "password", password)
}

// An answer is what a browser got.
type answer struct {
	status int
	header http.Header
	body   string
	text   string // of main, without tags
	to     string // where it redirects
}

var (
	mainPart = regexp.MustCompile(`(?s)<main.*</main>`)
	tag      = regexp.MustCompile(`(?s)<[^>]*>`)
)

func (b *browser) do(method, path string, body io.Reader) answer {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), method, b.Base+path, body)
	if err != nil {
		b.t.Fatal(err)
	}
	for name, values := range b.header {
		r.Header[name] = values
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if r.Header.Get("Origin") == "" {
			r.Header.Set("Origin", b.Base)
		}
	}
	res, err := b.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	plain := tag.ReplaceAllString(mainPart.FindString(string(text)), " ")
	return answer{res.StatusCode, res.Header, string(text), strings.Join(strings.Fields(plain), " "), res.Header.Get("Location")}
}

func (b *browser) get(path string) answer {
	b.t.Helper()
	return b.do(http.MethodGet, path, nil)
}

// post sends a form of names and values.
func (b *browser) post(path string, pairs ...string) answer {
	b.t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	return b.do(http.MethodPost, path, strings.NewReader(form.Encode()))
}

// session is the value of the cookie that signs this browser in.
func (b *browser) session() string {
	base, err := url.Parse(b.Base)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, c := range b.Jar.Cookies(base) {
		if c.Name == "copse" {
			return c.Value
		}
	}
	return ""
}

// letters takes what waits to be sent.
func (s *server) letters() (all []*store.Mail) {
	s.t.Helper()
	err := s.DB.Update(s.t.Context(), func(tx *store.Tx) (err error) {
		all, err = tx.ClaimMails(100, time.Hour)
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return all
}

var link = regexp.MustCompile(`(?m)^https?://[^/\s]+(/\S+)$`)

// linkIn is the path of the first link in the one letter that waits.
func (s *server) linkIn() string {
	s.t.Helper()
	all := s.letters()
	if len(all) != 1 {
		s.t.Fatalf("%d letters wait, want 1", len(all))
	}
	found := link.FindStringSubmatch(all[0].Body)
	if found == nil {
		s.t.Fatalf("no link in\n%s", all[0].Body)
	}
	return found[1]
}

func (a answer) want(t testing.TB, status int, says ...string) {
	t.Helper()
	if a.status != status {
		t.Errorf("answered %d, want %d: %s", a.status, status, a.text)
	}
	for _, text := range says {
		if !strings.Contains(a.text, text) {
			t.Errorf("does not say %q: %s", text, a.text)
		}
	}
}

// route is a section with one page of its own.
func route(method, pattern string, h func(*web.Site) web.Handler) web.Section {
	return web.Section{Kind: "test", Routes: func(s *web.Site, r chi.Router) { s.Handle(r, method, pattern, h(s)) }}
}

func TestEveryAnswerIsGuarded(t *testing.T) {
	s := serve(t)
	b := s.browser()
	for _, path := range []string{"/", "/nothing", "/sign-in", "/u/olga_owner", "/assets/nothing"} {
		h := b.get(path).header
		for name, want := range map[string]string{
			"X-Content-Type-Options":       "nosniff",
			"X-Frame-Options":              "DENY",
			"Cross-Origin-Opener-Policy":   "same-origin",
			"Cross-Origin-Resource-Policy": "same-origin",
			"Referrer-Policy":              "same-origin",
			"Permissions-Policy":           "camera=(), geolocation=(), microphone=(), browsing-topics=()",
			"Strict-Transport-Security":    "", // over http it would say nothing
		} {
			if got := h.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", path, name, got, want)
			}
		}
		policy := h.Get("Content-Security-Policy")
		for _, part := range []string{"default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "form-action 'self'", "base-uri 'none'", "require-trusted-types-for 'script'"} {
			if !strings.Contains(policy, part) {
				t.Errorf("%s: the policy %q lacks %s", path, policy, part)
			}
		}
	}
}

func TestOverHTTPSCookiesAreBoundToTheHost(t *testing.T) {
	db := storetest.Open(t)
	h := &hub.Hub{DB: db, Base: "https://stevenage.gov.test"}
	s := &web.Site{DB: db, Hub: h, Base: h.Base}
	pages := s.Handler()
	link, err := s.SetupLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	form := url.Values{"title": {"Stevenage"}, "name": {"Olga Owner"}, "email": {"olga@stevenage.gov.test"}, "password": {password}}
	r := httptest.NewRequest(http.MethodPost, link, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	pages.ServeHTTP(w, r)
	cookies := w.Result().Cookies()
	if len(cookies) != 1 {
		t.Fatalf("%d %v, want one cookie", w.Code, cookies)
	}
	c := cookies[0]
	if c.Name != "__Host-copse" || !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" {
		t.Errorf("the cookie is %v", c)
	}
	if got := w.Header().Get("Strict-Transport-Security"); got != "max-age=63072000; includeSubDomains" {
		t.Errorf("Strict-Transport-Security: %q", got)
	}
	if got := w.Header().Get("Referrer-Policy"); got != "no-referrer" {
		t.Errorf("Referrer-Policy of a page with a link in its address: %q", got)
	}
}

func TestWhatIsNotThereAndWhatIsNotToBeSeenReadAlike(t *testing.T) {
	s := serve(t, route("GET", "/hidden", func(*web.Site) web.Handler {
		return func(http.ResponseWriter, *http.Request, *web.Visit) error {
			return copse.NotFound("this is a secret of %s", "somebody's")
		}
	}))
	b := s.browser()
	want := b.get("/nothing/at/all")
	want.want(t, http.StatusNotFound, "Page not found")
	for _, path := range []string{"/hidden", "/u/nobody", "/u/nobody@york.example", "/c/nothing", "/u/%00", "/u/%ff", "/post/1", "//nothing", "/../x"} {
		if got := b.get(path); got.status != want.status || got.body != want.body {
			t.Errorf("%s: answered %d and another page than what is not there", path, got.status)
		}
	}
}

func TestFailuresAreLoggedOnceUnderTheCodeThatThePageShows(t *testing.T) {
	fail := func(err error) func(*web.Site) web.Handler {
		return func(*web.Site) web.Handler {
			return func(http.ResponseWriter, *http.Request, *web.Visit) error { return err }
		}
	}
	panics := func(*web.Site) web.Handler {
		return func(http.ResponseWriter, *http.Request, *web.Visit) error { panic("the roof is off") }
	}
	s := serve(t, route("GET", "/fails", fail(errors.New("the roof is off"))), route("GET", "/panics", panics),
		route("GET", "/slow", fail(context.DeadlineExceeded)), route("GET", "/busy", fail(copse.Unavailable(90*time.Second, "the service is very busy; try again shortly"))))
	b := s.browser()
	for _, path := range []string{"/fails", "/panics"} {
		s.log.Reset()
		got := b.get(path)
		got.want(t, http.StatusInternalServerError, "Sorry, there is a problem with the service")
		if strings.Contains(got.body, "roof") {
			t.Errorf("%s tells the reader what only the log should have", path)
		}
		code := regexp.MustCompile(`give this code: (\w+)`).FindStringSubmatch(got.text)
		if code == nil || strings.Count(s.log.String(), "level=ERROR") != 1 || !strings.Contains(s.log.String(), code[1]) || !strings.Contains(s.log.String(), "roof") {
			t.Errorf("%s: the page says %v, the log %s", path, code, s.log)
		}
		if got := got.header.Get("Cache-Control"); got != "private, no-store" {
			t.Errorf("%s: Cache-Control %q", path, got)
		}
	}
	b.get("/slow").want(t, http.StatusServiceUnavailable)
	busy := b.get("/busy")
	busy.want(t, http.StatusServiceUnavailable, "The service is very busy")
	if got := busy.header.Get("Retry-After"); got != "90" {
		t.Errorf("Retry-After: %q, want 90", got)
	}
}

func TestPageThatFailsHalfWayIsNotSent(t *testing.T) {
	s := serve(t, route("GET", "/half", func(s *web.Site) web.Handler {
		return func(w http.ResponseWriter, r *http.Request, _ *web.Visit) error {
			return s.Render(w, r, http.StatusOK, templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
				_, err := io.WriteString(w, "half of a page")
				return errors.Join(err, errors.New("no more"))
			}))
		}
	}))
	got := s.browser().get("/half")
	got.want(t, http.StatusInternalServerError)
	if strings.Contains(got.body, "half of a page") {
		t.Error("half of it was sent")
	}
}

func TestFormsFromOtherSitesAreRefused(t *testing.T) {
	s := serve(t)
	s.person("Tess Okafor", store.Ordinary)
	tess := s.signedIn("Tess Okafor")
	for _, header := range []http.Header{
		{"Origin": {"https://evil.test"}},
		{"Origin": {"null"}},
		{"Origin": {tess.Base}, "Sec-Fetch-Site": {"cross-site"}},
		{"Origin": {tess.Base}, "Sec-Fetch-Site": {"same-site"}},
		{"Origin": {"https://evil.test"}, "X-Http-Method-Override": {"GET"}},
	} {
		tess.header = header
		for _, path := range []string{"/sign-out", "/settings", "/settings/password", "/settings/sign-out", "/register", "/sign-in", "/reset", "/confirm", "/setup", "/nothing"} {
			if got := tess.post(path, "name", "Mallory", "language", "en", "_method", "GET"); got.status != http.StatusForbidden {
				t.Errorf("%s with %v: answered %d, want 403", path, header, got.status)
			}
		}
	}
	tess.header = http.Header{}
	tess.get("/settings").want(t, http.StatusOK)
	if !strings.Contains(tess.get("/settings").body, `value="Tess Okafor"`) {
		t.Error("another site changed her name")
	}
}

func TestNobodyIsLedToAnotherSite(t *testing.T) {
	s := serve(t)
	s.person("Tess Okafor", store.Ordinary)
	for next, want := range map[string]string{
		"/c/trees?page=2":        "/c/trees?page=2",
		"":                       "/",
		"//evil.test":            "/",
		"///evil.test":           "/evil.test",
		`/\evil.test`:            "/%5Cevil.test",
		`\\evil.test`:            "/",
		"/%2Fevil.test":          "/evil.test",
		"%2f%2fevil.test":        "/evil.test",
		"/%5Cevil.test":          "/%5Cevil.test",
		"https:evil.test":        "/",
		"https://evil.test/":     "/",
		"javascript:alert(1)":    "/",
		"/a/../../evil.test//":   "/evil.test",
		"/a\r\nSet-Cookie: x=y":  "/",
		"/\t/evil.test":          "/",
		"//user@evil.test/c":     "/",
		"/a%0d%0aSet-Cookie:x=y": "/a%0D%0ASet-Cookie:x=y",
	} {
		b := s.browser()
		got := b.post("/sign-in?"+url.Values{"next": {next}}.Encode(), "email", emailOf("Tess Okafor"), "password", password)
		if got.status != http.StatusSeeOther || got.to != want {
			t.Errorf("next=%q leads to %q with %d, want %q", next, got.to, got.status, want)
		}
	}
	b := s.browser()
	for path, want := range map[string]string{
		"//evil.test/?lang=cy":     "/evil.test",
		"/%2Fevil.test?lang=cy":    "/evil.test",
		`/%5Cevil.test?lang=en`:    "/%5Cevil.test",
		"/about?lang=cy&next=//e":  "/about?next=%2F%2Fe",
		"/c/%0d%0ax?lang=cy":       "/c/%0D%0Ax",
		"/nothing/there/?lang=cy&": "/nothing/there",
	} {
		if got := b.get(path); got.status != http.StatusSeeOther || got.to != want {
			t.Errorf("%s leads to %q with %d, want %q", path, got.to, got.status, want)
		}
	}
}

func TestReadersChooseTheirLanguage(t *testing.T) {
	s := serve(t)
	s.person("Tess Okafor", store.Ordinary)
	b := s.browser()
	says := func(b *browser, want string) {
		t.Helper()
		if got := b.get("/about"); !strings.Contains(got.body, `<html lang="`+want+`"`) {
			t.Errorf("the page is not in %s", want)
		}
	}
	says(b, "en")
	b.header.Set("Accept-Language", "cy, en;q=0.5")
	says(b, "cy")
	got := b.get("/about?lang=en")
	if got.status != http.StatusSeeOther || got.to != "/about" {
		t.Errorf("?lang=en: %d to %q", got.status, got.to)
	}
	says(b, "en")
	b.get("/about?lang=xx").want(t, http.StatusOK) // not a language, so not ours

	// What is chosen signed in goes along to other browsers.
	tess := s.signedIn("Tess Okafor")
	tess.get("/?lang=cy")
	says(tess, "cy")
	says(s.signedIn("Tess Okafor"), "cy")
	s.browser().get("/nothing?lang=cy").want(t, http.StatusSeeOther)
}

func TestHeadIsGetWithoutAPage(t *testing.T) {
	s := serve(t)
	b := s.browser()
	for range 2 { // the second comes out of the cache
		got, full := b.do(http.MethodHead, "/about", nil), b.get("/about")
		if got.status != http.StatusOK || got.body != "" || got.header.Get("Content-Type") != full.header.Get("Content-Type") {
			t.Errorf("HEAD: %d with %d bytes", got.status, len(got.body))
		}
	}
	if got := b.do(http.MethodHead, "/nothing", nil); got.status != http.StatusNotFound {
		t.Errorf("HEAD of nothing: %d", got.status)
	}
	got := b.do(http.MethodDelete, "/about", nil)
	if allow := got.header.Values("Allow"); got.status != http.StatusMethodNotAllowed || !slices.Equal(allow, []string{"GET", "HEAD"}) {
		t.Errorf("DELETE: %d, and %q is allowed", got.status, allow)
	}
}

func TestLargeAndBrokenFormsAreRefused(t *testing.T) {
	s := serve(t)
	b := s.browser()
	b.post("/sign-in", "email", strings.Repeat("x", 2<<20)).want(t, http.StatusRequestEntityTooLarge, "A form may hold 1024 kilobytes.")
	b.do(http.MethodPost, "/sign-in", strings.NewReader("email=%zz")).want(t, http.StatusBadRequest)
	b.post("/sign-in", "email", "\x00\xff", "password", "\x00").want(t, http.StatusUnprocessableEntity)
}

func TestPagesForStrangersAreKeptUntilSomethingHappens(t *testing.T) {
	made := 0
	s := serve(t, route("GET", "/counted", func(s *web.Site) web.Handler {
		return func(w http.ResponseWriter, r *http.Request, v *web.Visit) error {
			made++
			if r.Form.Has("private") {
				w.Header().Set("Cache-Control", "private, no-store")
			}
			return s.Render(w, r, http.StatusOK, templ.Raw(v.W.Lang()+" "+strings.Repeat("page ", 1000)))
		}
	}))
	tess := s.person("Tess Okafor", store.Ordinary)
	b := s.browser()
	times := func(want int, what string, b *browser, path string) {
		t.Helper()
		before := made
		first, second := b.get(path), b.get(path)
		if made-before != want || first.body != second.body {
			t.Errorf("%s: made %d times for 2 readers, want %d", what, made-before, want)
		}
	}
	times(1, "a page for strangers", b, "/counted")
	times(0, "the same again", s.browser(), "/counted")
	times(1, "another query", b, "/counted?page=2")
	b.header.Set("Accept-Language", "cy")
	times(1, "another language", b, "/counted")
	b.header.Set("Accept-Encoding", "identity")
	times(1, "another encoding", b, "/counted")
	times(2, "a page that is not to be kept", b, "/counted?private=1")
	times(2, "somebody with a session", s.signedIn("Tess Okafor"), "/counted")

	community := &copse.Community{Actor: copse.Actor{Name: "trees", Title: "Trees"}, Join: copse.JoinOpen, Audience: copse.Public, Posting: copse.Member}
	if err := s.Hub.Found(t.Context(), tess, community); err != nil {
		t.Fatal(err)
	}
	times(1, "after something happened", s.browser(), "/counted")
	if got := s.browser().get("/counted").header.Get("Cache-Control"); got != "private, no-cache" {
		t.Errorf("Cache-Control: %q", got)
	}
}

func TestPagesAreCompressed(t *testing.T) {
	s := serve(t)
	s.person("Tess Okafor", store.Ordinary)
	for _, b := range []*browser{s.browser(), s.signedIn("Tess Okafor")} {
		b.header.Set("Accept-Encoding", "gzip")
		for range 2 {
			if got := b.get("/about"); got.header.Get("Content-Encoding") != "gzip" || !slices.Contains(got.header.Values("Vary"), "Accept-Encoding") {
				t.Errorf("not compressed: %v", got.header)
			}
		}
	}
}
