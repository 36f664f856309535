package message_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"copse/content"
	"copse/copse"
	"copse/federation"
	"copse/hub"
	"copse/internal/outbound"
	"copse/store"
	"copse/store/storetest"
	"copse/web"
	"copse/web/mail"
)

const (
	base     = "http://stevenage.example"
	password = "correct horse battery"
)

// A town is a whole server on which people use a browser; other councils do not
// answer.
type town struct {
	t     *testing.T
	db    *store.DB
	hub   *hub.Hub
	site  *web.Site
	pages http.Handler
}

type silence struct{}

func (silence) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("connection refused")
}

func newTown(t *testing.T) *town {
	t.Helper()
	db, kinds := storetest.Open(t), content.Kinds()
	h := &hub.Hub{DB: db, Kinds: kinds, Base: base}
	fed := &federation.Server{
		DB: db, Hub: h, Kinds: kinds, Mappings: content.Mappings(), Base: base, Mode: copse.Open, Block: []string{"evil.example"},
		Client: outbound.New(outbound.Config{Transport: silence{}}),
	}
	letters, err := mail.New(mail.Config{DB: db, Bell: &h.Mail, Base: base, From: "copse@stevenage.example", Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	h.Wire, h.Notify = fed, letters.Notify
	w := &town{t: t, db: db, hub: h, site: &web.Site{DB: db, Hub: h, Fed: fed, Base: base, Sections: content.Sections(), Mode: copse.Open}}
	w.pages = w.site.Handler()
	w.update(func(tx *store.Tx) error { return tx.SetSetting("title", "Stevenage Borough Council") })
	return w
}

func (w *town) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *town) update(fn func(*store.Tx) error) {
	w.t.Helper()
	w.must(w.db.Update(w.t.Context(), fn))
}

func (w *town) person(name string, role store.AccountRole) *copse.Actor {
	w.t.Helper()
	a := &copse.Actor{Name: name, Title: strings.ToUpper(name[:1]) + name[1:]}
	account := &store.Account{Email: name + "@stevenage.example", Role: role, Confirmed: time.Now(), Approved: time.Now()}
	w.must(w.site.AddPerson(w.t.Context(), a, account, password))
	return a
}

// elsewhere is somebody at another council.
func (w *town) elsewhere(name, host string) *copse.Actor {
	w.t.Helper()
	uri := "https://" + host + "/u/" + name
	a := &copse.Actor{Type: copse.Person, URI: uri, Name: name, Host: host, Title: name, Inbox: uri + "/inbox", SharedInbox: "https://" + host + "/inbox", Fetched: time.Now()}
	w.must(w.hub.Learn(w.t.Context(), a, nil))
	return a
}

// letters takes what waits to be sent.
func (w *town) letters() (all []*store.Mail) {
	w.t.Helper()
	w.update(func(tx *store.Tx) (err error) {
		all, err = tx.ClaimMails(100, time.Hour)
		return err
	})
	return all
}

// RoundTrip asks the town's pages, without a network.
func (w *town) RoundTrip(r *http.Request) (*http.Response, error) {
	in := r.Clone(r.Context())
	in.RequestURI, in.RemoteAddr = r.URL.RequestURI(), "192.0.2.1:1"
	if in.Body == nil {
		in.Body = http.NoBody
	}
	rec := httptest.NewRecorder()
	w.pages.ServeHTTP(rec, in)
	return rec.Result(), nil
}

// A browser is one person's, or a stranger's.
type browser struct {
	*town
	http.Client
}

func (w *town) browser(a *copse.Actor) *browser {
	w.t.Helper()
	jar, err := cookiejar.New(nil)
	w.must(err)
	b := &browser{w, http.Client{Transport: w, Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	if a != nil {
		b.post("/sign-in", 303, "email", a.Name+"@stevenage.example", "password", password)
	}
	return b
}

// get and post ask for a page, which has to be answered so, and return where it leads
// and what it says.
func (b *browser) get(path string, status int) (to, body string) {
	b.t.Helper()
	return b.do("GET", path, status, nil)
}

func (b *browser) post(path string, status int, pairs ...string) (to, body string) {
	b.t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	return b.do("POST", path, status, strings.NewReader(form.Encode()))
}

func (b *browser) do(method, path string, status int, form io.Reader) (to, body string) {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), method, base+path, form)
	b.must(err)
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := b.Do(r)
	b.must(err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	b.must(err)
	if status != 0 && res.StatusCode != status {
		b.t.Fatalf("%s %s: answered %d, want %d\n%.2000s", method, path, res.StatusCode, status, mainOf(string(text)))
	}
	return res.Header.Get("Location"), string(text)
}

// mainOf is what of a page is its own, to show when a test fails.
func mainOf(body string) string {
	_, rest, _ := strings.Cut(body, "<main")
	main, _, _ := strings.Cut(rest, "</main>")
	return main
}

func says(t *testing.T, body string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(body, text) {
			t.Errorf("does not say %q:\n%.2000s", text, mainOf(body))
		}
	}
}

func saysNot(t *testing.T, body string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if strings.Contains(body, text) {
			t.Errorf("says %q:\n%.2000s", text, mainOf(body))
		}
	}
}

// Ann writes to Bob from his page; he is told by a letter that has none of her words,
// reads it, answers, and what she changes and deletes he sees changed and gone.
func TestTwoPeopleWriteToEachOther(t *testing.T) {
	w := newTown(t)
	ann, bob := w.browser(w.person("ann", store.Ordinary)), w.browser(w.person("bob", store.Ordinary))
	_, page := ann.get("/messages", 200)
	says(t, page, "You have no messages yet")
	_, page = ann.get("/u/bob", 200)
	says(t, page, `href="/messages/new?to=bob%40stevenage.example"`)
	_, page = ann.get("/messages/new?to=bob%40stevenage.example", 200)
	says(t, page, `value="bob@stevenage.example"`, "Who will see this")
	at, _ := ann.post("/messages/new", 303, "to", "bob", "text", "Are you *there*?", "once", "a")
	if again, _ := ann.post("/messages/new", 303, "to", "bob", "text", "Are you *there*?", "once", "a"); again != at {
		t.Errorf("sent twice it is at %s and %s", at, again)
	}
	letters := w.letters()
	if len(letters) != 1 || letters[0].To != "bob@stevenage.example" || letters[0].Subject != "Ann has sent you a message" || !strings.Contains(letters[0].Body, base+at) {
		t.Fatalf("letters: %+v", letters)
	}
	saysNot(t, letters[0].Body, "there")

	_, page = bob.get("/", 200)
	says(t, page, "1 unread conversation")
	_, page = bob.get("/messages", 200)
	says(t, page, "Ann", "Unread", "Are you there?")
	_, page = bob.get(at, 200)
	says(t, page, "<em>there</em>", "Message from Ann", "you and Ann", `href="/u/ann/report"`, "Report Ann")
	saysNot(t, page, "unread conversation", "/edit")
	_, page = bob.get("/messages", 200)
	saysNot(t, page, "Unread</span>", "unread conversation")
	bob.post(at, 303, "text", "Here.", "once", "b")
	bob.post(at, 303, "text", "Still here.", "once", "b")
	if n := len(w.letters()); n != 1 {
		t.Errorf("%d letters for two messages in a row, want one", n)
	}
	_, page = ann.get(at, 200)
	says(t, page, "Here.", "Still here.")
	edit := regexp.MustCompile(`/message/\d+/edit`).FindString(page)
	_, page = ann.get(edit, 200)
	says(t, page, "Are you *there*?")
	ann.post(edit, 303, "text", "Are you in?")
	_, page = bob.get(at, 200)
	says(t, page, "Are you in?", "Edited")
	bob.get(edit, 403)
	bob.post(edit, 403, "text", "No")
	remove := strings.Replace(edit, "/edit", "/delete", 1)
	bob.post(remove, 403)
	ann.get(remove, 200)
	ann.post(remove, 303)
	_, page = bob.get(at, 200)
	says(t, page, "Ann deleted this message")
	saysNot(t, page, "Are you in?")
	to, _ := bob.get(strings.TrimSuffix(edit, "/edit"), 303)
	says(t, to, at)
}

// Whatever is wrong, the words are kept.
func TestNoWordsAreLost(t *testing.T) {
	w := newTown(t)
	annActor := w.person("ann", store.Ordinary)
	w.person("bob", store.Ordinary)
	ann := w.browser(annActor)
	evil, hull := w.elsewhere("eve", "evil.example"), w.elsewhere("cat", "hull.example")
	for _, c := range []struct{ to, text, says string }{
		{"", "kept", "Enter who the message is for"},
		{"nobody", "kept", "There is nobody called nobody here"},
		{"ann", "kept", "You cannot write to yourself"},
		{"bob", " ", "Enter your message"},
		{evil.Handle(), "kept", "does not exchange anything with evil.example"},
		{"bob, x@nowhere.example", "kept", "x@nowhere.example"},
		{strings.Repeat("bob ", 21), "kept", "20 people at most"},
		{"bob", "kept" + strings.Repeat("x", copse.MaxMessage), "10000 characters or fewer"},
	} {
		_, page := ann.post("/messages/new", 422, "to", c.to, "text", c.text, "once", "x")
		says(t, page, c.says, "There is a problem", "<title>Error:", strings.TrimSpace(c.text[:min(len(c.text), 4)]))
		saysNot(t, page, "<b>"+c.to)
	}
	at, _ := ann.post("/messages/new", 303, "to", "@bob "+hull.Handle(), "text", "Hello", "once", "y")
	_, page := ann.post(at, 422, "text", "  ")
	says(t, page, "Enter your message", "Hello")
	for n := range copse.MaxMessages - 1 {
		ann.post(at, 303, "text", fmt.Sprint("more ", n), "once", fmt.Sprint(n))
	}
	_, page = ann.post(at, 422, "text", "one too many", "once", "z")
	says(t, page, "You have sent 60 messages in an hour", "one too many")
	// Hull has not answered; once some time has passed that is said.
	w.update(func(tx *store.Tx) error {
		talks, err := tx.Talks(annActor.ID, 0, 1)
		if err != nil {
			return err
		}
		last := talks[0].Last.Message
		last.Edited = time.Now().Add(-time.Minute)
		_, err = tx.SetMessage(last, time.Now())
		return err
	})
	_, page = ann.get(at, 200)
	says(t, page, "hull.example has not received this yet", "Earlier messages")
}

func TestSettingsSayWhoMayWrite(t *testing.T) {
	w := newTown(t)
	ann, bob := w.browser(w.person("ann", store.Ordinary)), w.browser(w.person("bob", store.Ordinary))
	_, page := bob.get("/settings", 200)
	says(t, page, "Who may write to you")
	bob.post("/settings/messages", 303, "reach", "nobody")
	_, page = ann.get("/u/bob", 200)
	saysNot(t, page, "/messages/new")
	_, page = ann.post("/messages/new", 422, "to", "bob", "text", "kept")
	says(t, page, "Bob does not take messages from you", "kept")
	bob.post("/settings/messages", 303, "reach", "anyone")
	ann.post("/messages/new", 303, "to", "bob", "text", "Hello")

	bob.get("/messages/block?who=ann@stevenage.example", 200)
	bob.post("/messages/block", 303, "who", "ann@stevenage.example")
	_, page = bob.get("/messages/blocked", 200)
	says(t, page, "Unblock Ann")
	_, page = ann.post("/messages/new", 422, "to", "bob", "text", "kept")
	says(t, page, "Bob does not take messages from you")
	_, page = bob.get("/u/ann", 200)
	says(t, page, "You have blocked this person")
	w.person("cat", store.Ordinary)
	third, _ := ann.post("/messages/new", 303, "to", "cat", "text", "Hello")
	_, page = ann.get(third, 200)
	says(t, page, "Send message")
	both, page := ann.post("/messages/new", 422, "to", "cat, bob", "text", "kept")
	says(t, page, "Bob does not take messages from you", "kept")
	if both != "" {
		t.Errorf("to two of whom one takes none it is sent: %s", both)
	}
	bob.post("/messages/unblock", 303, "who", "ann@stevenage.example")
	both, _ = ann.post("/messages/new", 303, "to", "cat, bob", "text", "Hello both")
	ann.post("/messages/block", 303, "who", "bob@stevenage.example")
	_, page = ann.get(both, 200)
	says(t, page, "You have blocked Bob", "Write to the others", "/messages/new?to=cat%40stevenage.example")
	saysNot(t, page, "Send message")
	ann.post("/messages/unblock", 303, "who", "bob@stevenage.example")
	bob.get(both, 200)
	at, _ := ann.post("/messages/new", 303, "to", "bob", "text", "Hello again")
	bob.post(at+"/mute", 303)
	_, page = bob.get("/messages", 200)
	says(t, page, "Muted")
	saysNot(t, page, "unread conversation")
	bob.post(at+"/unmute", 303)
	w.letters()
	ann.post("/messages/new", 303, "to", "bob", "text", "And again")
	_, page = bob.get("/", 200)
	says(t, page, "1 unread conversation")
}

// Nobody else reads a message on any page, not the owner of the server either; it is
// as if it were not there.
func TestNoPageShowsAMessageToAnybodyElse(t *testing.T) {
	w := newTown(t)
	annActor, bobActor := w.person("ann", store.Ordinary), w.person("bob", store.Ordinary)
	ann := w.browser(annActor)
	at, _ := ann.post("/messages/new", 303, "to", "bob", "text", "canary")
	_, page := ann.get(at, 200)
	number := regexp.MustCompile(`/message/(\d+)/edit`).FindStringSubmatch(page)[1]
	conversation := strings.TrimPrefix(at, "/messages/")
	paths := []string{
		"/", "/communities", "/messages", "/messages?before=9007199254740991", "/messages/blocked", "/settings", "/u/ann", "/u/bob",
		"/admin/councils", "/about", "/about/federation", "/messages/new?to=bob",
	}
	for _, n := range []string{number, conversation} {
		for _, path := range []string{
			"/message/N", "/message/N/edit", "/message/N/delete", "/messages/N", "/messages/N?before=9007199254740991",
			"/post/N", "/comment/N", "/post/N/edit", "/post/N/history", "/post/N/reply", "/comment/N/history", "/post/N/context",
		} {
			paths = append(paths, strings.ReplaceAll(path, "N", n))
		}
	}
	others := map[string]*browser{
		"a stranger": w.browser(nil), "somebody else": w.browser(w.person("eve", store.Ordinary)),
		"an administrator": w.browser(w.person("adam", store.Admin)), "the owner": w.browser(w.person("olga", store.Owner)),
	}
	for who, b := range others {
		for _, path := range paths {
			if _, page := b.get(path, 0); strings.Contains(page, "canary") {
				t.Errorf("%s shows it to %s", path, who)
			}
			if _, page := b.get(path, 0); who != "a stranger" && strings.Contains(path, number) {
				_, missing := b.get(strings.ReplaceAll(path, number, "1"), 404)
				if page != missing {
					t.Errorf("%s reads to %s otherwise than what is not there", path, who)
				}
			}
		}
		if who != "a stranger" {
			for _, path := range []string{"/message/" + number + "/edit", "/message/" + number + "/delete", at, at + "/mute", at + "/unmute"} {
				b.post(path, 404, "text", "mine")
			}
		}
	}
	// Bob, who may, reads it.
	_, page = w.browser(bobActor).get(at, 200)
	says(t, page, "canary")
}
