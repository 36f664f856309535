package forum_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/alexedwards/argon2id"
	"golang.org/x/net/html"

	"copse/content"
	"copse/content/forum"
	"copse/copse"
	"copse/federation"
	"copse/federation/ap"
	"copse/hub"
	"copse/internal/markup"
	"copse/internal/outbound"
	"copse/internal/words"
	"copse/store"
	"copse/store/storetest"
	"copse/web"
)

const base = "http://stevenage.example"

// A town is a whole server on which people use a browser, alone in the world: the
// other councils it knows do not answer.
type town struct {
	t     *testing.T
	db    *store.DB
	hub   *hub.Hub
	pages http.Handler
	hash  string // of everybody's password
}

const password = "correct horse battery"

func newTown(t *testing.T) *town {
	t.Helper()
	db := storetest.Open(t)
	kinds := content.Kinds()
	h := &hub.Hub{DB: db, Kinds: kinds, Base: base}
	fed := &federation.Server{
		DB: db, Hub: h, Kinds: kinds, Mappings: content.Mappings(), Base: base, Mode: copse.Open,
		Client: outbound.New(outbound.Config{Transport: silence{}}),
	}
	h.Wire = fed
	site := &web.Site{DB: db, Hub: h, Fed: fed, Base: base, Sections: content.Sections(), Mode: copse.Open}
	hash, err := argon2id.CreateHash(password, &argon2id.Params{Memory: 64, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32})
	if err != nil {
		t.Fatal(err)
	}
	w := &town{t, db, h, site.Handler(), hash}
	w.update(func(tx *store.Tx) error { return tx.SetSetting("title", "Stevenage Borough Council") })
	return w
}

type silence struct{}

func (silence) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("connection refused")
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

func (w *town) view(fn func(*store.Tx) error) {
	w.t.Helper()
	w.must(w.db.View(w.t.Context(), fn))
}

func (w *town) person(name, title string) *copse.Actor {
	w.t.Helper()
	a := &copse.Actor{Name: name, Title: title, JobTitle: "Officer"}
	w.must(w.hub.Register(w.t.Context(), a, &store.Account{
		Email: name + "@stevenage.example", Password: w.hash, Role: store.Ordinary, Confirmed: time.Now(), Approved: time.Now(),
	}, nil))
	return a
}

// community starts one with its first members.
func (w *town) community(name string, audience copse.Audience, founder *copse.Actor, members ...*copse.Actor) *copse.Community {
	w.t.Helper()
	c := &copse.Community{
		Actor: copse.Actor{Name: name, Title: "All about " + name}, Join: copse.JoinApproval, Audience: audience, Posting: copse.Member,
	}
	w.must(w.hub.Found(w.t.Context(), founder, c))
	for _, m := range members {
		w.must(w.hub.Join(w.t.Context(), m, &c.Actor, ""))
		w.must(w.hub.Decide(w.t.Context(), founder, c, m, true, ""))
	}
	return c
}

// post has somebody say something: in answer to parent, if that is not nil.
func (w *town) post(by *copse.Actor, c *copse.Community, parent *copse.Object, title, text string) *copse.Object {
	w.t.Helper()
	o := &copse.Object{Kind: forum.Topic, Community: c.ID, Question: true, Title: title, Source: text, HTML: markup.HTML(text)}
	if parent != nil {
		o = &copse.Object{Kind: forum.Reply, Parent: parent.ID, Source: text, HTML: markup.HTML(text)}
	}
	w.must(w.hub.Post(w.t.Context(), by, o))
	return o
}

func (w *town) object(id copse.ID) (o *copse.Object) {
	w.t.Helper()
	w.view(func(tx *store.Tx) (err error) {
		o, err = tx.Object(id)
		return err
	})
	return o
}

// A browser is one person's, or a stranger's.
type browser struct {
	t      *testing.T
	client *http.Client
	lang   string
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

// browser opens one and signs a in; nobody if a is nil.
func (w *town) browser(a *copse.Actor) *browser {
	w.t.Helper()
	jar, err := cookiejar.New(nil)
	w.must(err)
	b := &browser{t: w.t, client: &http.Client{Transport: w, Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}}
	if a != nil {
		b.post("/sign-in", url.Values{"email": {a.Name + "@stevenage.example"}, "password": {password}}).want(http.StatusSeeOther)
	}
	return b
}

// An answer is what a browser got.
type answer struct {
	t      *testing.T
	what   string
	status int
	to     string // where it leads
	body   string
}

func (b *browser) get(path string) answer {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), "GET", base+path, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.do(r)
}

func (b *browser) post(path string, form url.Values) answer {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), "POST", base+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return b.do(r)
}

func (b *browser) do(r *http.Request) answer {
	b.t.Helper()
	if b.lang != "" {
		r.Header.Set("Accept-Language", b.lang)
	}
	res, err := b.client.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return answer{b.t, r.Method + " " + r.URL.RequestURI(), res.StatusCode, res.Header.Get("Location"), string(body)}
}

func (a answer) want(status int) answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("%s: answered %d, want %d\n%s", a.what, a.status, status, mainOf(a.body))
	}
	return a
}

func (a answer) has(texts ...string) answer {
	a.t.Helper()
	for _, text := range texts {
		if !strings.Contains(a.body, text) {
			a.t.Errorf("%s: does not say %q\n%s", a.what, text, mainOf(a.body))
		}
	}
	return a
}

func (a answer) hasNot(texts ...string) answer {
	a.t.Helper()
	for _, text := range texts {
		if strings.Contains(a.body, text) {
			a.t.Errorf("%s: says %q\n%s", a.what, text, mainOf(a.body))
		}
	}
	return a
}

// mainOf is what of a page is its own, to show when a test fails.
func mainOf(body string) string {
	_, rest, _ := strings.Cut(body, "<main")
	main, _, _ := strings.Cut(rest, "</main>")
	return main
}

func id(o *copse.Object) string { return fmt.Sprint(o.ID) }

// The six who can come: somebody not signed in, somebody who is but has nothing to
// do with the community, somebody who asked to join it, a member, the member who
// wrote what is looked at, and a facilitator.
var six = []string{"stranger", "guest", "pending", "member", "author", "facilitator"}

// crowd fills a town with them and with what they look at: a community for members
// only and one for everybody.
type crowd struct {
	*town
	browsers               map[string]*browser
	closed, open           *copse.Community
	question, reply        *copse.Object // by the author, in closed
	openQuestion, response *copse.Object // likewise in open
	asker                  *copse.Actor  // who waits to be let in
}

func newCrowd(t *testing.T) *crowd {
	t.Helper()
	w := newTown(t)
	people := map[string]*copse.Actor{}
	for _, name := range six[1:] {
		people[name] = w.person(name, "The "+name)
	}
	people["author"].Title = "Zephyrine Author"
	w.must(w.hub.Describe(t.Context(), people["author"]))
	c := &crowd{town: w, browsers: map[string]*browser{}, asker: people["pending"]}
	c.closed = w.community("closed", copse.Members, people["facilitator"], people["member"], people["author"])
	c.open = w.community("open", copse.Public, people["facilitator"], people["member"], people["author"])
	c.question = w.post(people["author"], c.closed, nil, "Xylograph?", "A quincunx of them.")
	c.reply = w.post(people["author"], c.closed, c.question, "", "Vexillology.")
	c.openQuestion = w.post(people["author"], c.open, nil, "Letters?", "Open to all.")
	c.response = w.post(people["author"], c.open, c.openQuestion, "", "Likewise.")
	w.must(w.hub.Join(t.Context(), c.asker, &c.closed.Actor, "Sesquipedalian."))
	w.must(w.hub.Join(t.Context(), c.asker, &c.open.Actor, "Please."))
	for _, name := range six {
		c.browsers[name] = w.browser(people[name])
	}
	return c
}

func TestPagesAnswerEachPersonAsTheyShould(t *testing.T) {
	c := newCrowd(t)
	q, r := "/post/"+id(c.question), "/comment/"+id(c.reply)
	oq, or := "/post/"+id(c.openQuestion), "/comment/"+id(c.response)
	for _, tt := range []struct {
		path string
		want [6]int // of six
	}{
		{"/communities", [6]int{200, 200, 200, 200, 200, 200}},
		{"/communities/new", [6]int{303, 200, 200, 200, 200, 200}},
		{"/c/closed", [6]int{200, 200, 200, 200, 200, 200}},
		{"/c/closed/about", [6]int{200, 200, 200, 200, 200, 200}},
		{"/c/closed/members", [6]int{200, 200, 200, 200, 200, 200}},
		{"/c/closed/forum", [6]int{303, 303, 303, 200, 200, 200}},
		{"/c/closed/questions", [6]int{303, 303, 303, 200, 200, 200}},
		{"/c/closed/ask", [6]int{303, 403, 403, 200, 200, 200}},
		{"/c/closed/new", [6]int{303, 403, 403, 200, 200, 200}},
		{"/c/closed/join", [6]int{303, 200, 303, 303, 303, 303}},
		{"/c/closed/leave", [6]int{303, 303, 200, 200, 200, 200}},
		{"/c/closed/facilitate/requests", [6]int{303, 404, 404, 404, 404, 200}},
		{"/c/closed/facilitate/settings", [6]int{303, 404, 404, 404, 404, 200}},
		{q, [6]int{404, 404, 404, 200, 200, 200}},
		{q + "?after=" + c.reply.Path, [6]int{404, 404, 404, 200, 200, 200}},
		{q + "?after=nonsense", [6]int{404, 404, 404, 200, 200, 200}},
		{q + "/reply", [6]int{303, 404, 404, 200, 200, 200}},
		{q + "/reply?to=" + id(c.reply), [6]int{303, 404, 404, 200, 200, 200}},
		{q + "/reply?to=" + id(c.response), [6]int{303, 404, 404, 404, 404, 404}},
		{q + "/edit", [6]int{303, 404, 404, 403, 200, 403}},
		{q + "/delete", [6]int{303, 404, 404, 403, 200, 200}},
		{q + "/history", [6]int{404, 404, 404, 200, 200, 200}},
		{r, [6]int{404, 404, 404, 303, 303, 303}},
		{r + "/edit", [6]int{303, 404, 404, 403, 200, 403}},
		{r + "/delete", [6]int{303, 404, 404, 403, 200, 200}},
		{r + "/history", [6]int{404, 404, 404, 200, 200, 200}},
		{"/post/" + id(c.reply), [6]int{404, 404, 404, 404, 404, 404}},
		{"/comment/" + id(c.question), [6]int{404, 404, 404, 404, 404, 404}},
		{"/comment/" + id(c.reply) + "/reply", [6]int{404, 404, 404, 404, 404, 404}},
		{"/c/open", [6]int{200, 200, 200, 200, 200, 200}},
		{"/c/open/forum", [6]int{200, 200, 200, 200, 200, 200}},
		{"/c/open/forum?after=1", [6]int{303, 303, 303, 303, 303, 303}},
		{"/c/open/questions", [6]int{200, 200, 200, 200, 200, 200}},
		{"/c/open/ask", [6]int{303, 403, 403, 200, 200, 200}},
		{oq, [6]int{200, 200, 200, 200, 200, 200}},
		{oq + "/reply", [6]int{303, 403, 403, 200, 200, 200}},
		{oq + "/edit", [6]int{303, 403, 403, 403, 200, 403}},
		{oq + "/delete", [6]int{303, 403, 403, 403, 200, 200}},
		{oq + "/history", [6]int{200, 200, 200, 200, 200, 200}},
		{or, [6]int{303, 303, 303, 303, 303, 303}},
		{"/c/nothing", [6]int{404, 404, 404, 404, 404, 404}},
		{"/c/nothing@harlow.example/forum", [6]int{404, 404, 404, 404, 404, 404}},
		{"/post/1", [6]int{404, 404, 404, 404, 404, 404}},
		{"/post/x", [6]int{404, 404, 404, 404, 404, 404}},
		{"/comment/-1", [6]int{404, 404, 404, 404, 404, 404}},
	} {
		for i, name := range six {
			if got := c.browsers[name].get(tt.path); got.status != tt.want[i] {
				t.Errorf("%s, %s: answered %d, want %d", got.what, name, got.status, tt.want[i])
			}
		}
	}
}

func TestFormsDoForEachPersonWhatTheyMay(t *testing.T) {
	words := url.Values{"title": {"Words kept"}, "text": {"Every one of them"}}
	for _, tt := range []struct {
		name string
		path func(*crowd) string
		form url.Values
		want [6]int // of six
	}{
		{"ask", func(*crowd) string { return "/c/closed/ask" }, words, [6]int{401, 422, 422, 303, 303, 303}},
		{"ask, in the open", func(*crowd) string { return "/c/open/ask" }, words, [6]int{401, 422, 422, 303, 303, 303}},
		{"start", func(*crowd) string { return "/c/closed/new" }, words, [6]int{401, 422, 422, 303, 303, 303}},
		{"reply", func(c *crowd) string { return "/post/" + id(c.question) + "/reply" }, words, [6]int{401, 404, 404, 303, 303, 303}},
		{"reply, in the open", func(c *crowd) string { return "/post/" + id(c.openQuestion) + "/reply" }, words, [6]int{401, 422, 422, 303, 303, 303}},
		{"helpful", func(c *crowd) string { return "/comment/" + id(c.reply) + "/helpful" }, nil, [6]int{401, 404, 404, 303, 303, 303}},
		{"helpful, in the open", func(c *crowd) string { return "/comment/" + id(c.response) + "/helpful" }, nil, [6]int{401, 403, 403, 303, 303, 303}},
		{"not helpful", func(c *crowd) string { return "/comment/" + id(c.reply) + "/helpful/undo" }, nil, [6]int{401, 404, 404, 303, 303, 303}},
		{"accept", func(c *crowd) string { return "/comment/" + id(c.reply) + "/accept" }, nil, [6]int{401, 404, 404, 403, 303, 303}},
		{"accept no more", func(c *crowd) string { return "/comment/" + id(c.reply) + "/accept/undo" }, nil, [6]int{401, 404, 404, 303, 303, 303}},
		{"edit", func(c *crowd) string { return "/comment/" + id(c.reply) + "/edit" }, words, [6]int{401, 404, 404, 422, 303, 422}},
		{"delete", func(c *crowd) string { return "/comment/" + id(c.reply) + "/delete" }, nil, [6]int{401, 404, 404, 403, 303, 303}},
		{"decide", func(c *crowd) string { return "/c/closed/facilitate/requests/" + fmt.Sprint(c.asker.ID) }, url.Values{"answer": {"accept"}}, [6]int{401, 404, 404, 404, 404, 303}},
		{"govern", func(*crowd) string { return "/c/closed/facilitate/settings" }, url.Values{"title": {"New"}, "purpose": {"New"}, "audience": {"members"}, "join": {"open"}}, [6]int{401, 404, 404, 404, 404, 303}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCrowd(t)
			for i, name := range six {
				form := url.Values{"text": {"Every one of them, " + name}} // or an edit would change nothing
				for field, value := range tt.form {
					if field != "text" {
						form[field] = value
					}
				}
				got := c.browsers[name].post(tt.path(c), form)
				if got.status != tt.want[i] {
					t.Errorf("%s, %s: answered %d, want %d\n%s", got.what, name, got.status, tt.want[i], mainOf(got.body))
				}
				if tt.form.Has("text") && (got.status == 401 || got.status == 422) {
					got.has("Every one of them")
				}
			}
		})
	}
}

// What a community says among its members, and who they are, is in nothing that
// anybody else gets: no page, no refusal, no address they are sent to.
func TestNothingOfACommunityForMembersLeaks(t *testing.T) {
	c := newCrowd(t)
	canaries := []string{"Xylograph", "quincunx", "Vexillology", "Zephyrine", "Sesquipedalian"}
	q, r := "/post/"+id(c.question), "/comment/"+id(c.reply)
	member := c.browsers["member"]
	var seen string
	for _, path := range []string{q, "/c/closed/members"} {
		seen += member.get(path).want(200).body
	}
	seen += c.browsers["facilitator"].get("/c/closed/facilitate/requests").want(200).body
	for _, canary := range canaries {
		if !strings.Contains(seen, canary) {
			t.Fatalf("not even members see %q", canary)
		}
	}
	var paths []string
	for _, path := range []string{"/c/closed", q, r, "/c/closed@stevenage.example", "/u/author"} {
		for _, more := range []string{"", "/", "/forum", "/questions", "/ask", "/new", "/about", "/members", "/members?after=1", "/join", "/leave",
			"/facilitate/requests", "/facilitate/settings", "/reply", "/reply?to=" + id(c.reply), "/edit", "/history", "/delete", "/helpful", "/accept", "?after=" + c.reply.Path} {
			paths = append(paths, path+more)
		}
	}
	paths = append(paths, "/", "/communities", "/communities?q=xylograph", "/communities?show=here", "/sign-in?next="+url.QueryEscape(q))
	for _, name := range []string{"stranger", "guest", "pending"} {
		for _, lang := range []string{"en", "cy"} {
			b := c.browsers[name]
			b.lang = lang
			for _, path := range paths {
				for _, got := range []answer{b.get(path), b.post(path, url.Values{"text": {"x"}, "title": {"x"}})} {
					for _, canary := range canaries {
						if strings.HasPrefix(path, "/u/author") && canary == "Zephyrine" || name == "pending" && canary == "Sesquipedalian" {
							continue // whose page it is; what they wrote themselves
						}
						if strings.Contains(strings.ToLower(got.body+got.to), strings.ToLower(canary)) && !strings.Contains(path, "q=") {
							t.Errorf("%s, %s: says %q", got.what, name, canary)
						}
					}
				}
			}
		}
	}
}

func TestWhatIsHiddenReadsAsIfItWereNotThere(t *testing.T) {
	c := newCrowd(t)
	for _, name := range []string{"stranger", "guest", "pending"} {
		b := c.browsers[name]
		for hidden, missing := range map[string]string{
			"/post/" + id(c.question):              "/post/1",
			"/comment/" + id(c.reply):              "/comment/1",
			"/post/" + id(c.question) + "/history": "/post/1/history",
			"/post/" + id(c.question) + "/edit":    "/post/1/edit",
			"/c/closed/facilitate/requests":        "/c/closed/facilitate/nothing",
		} {
			got, want := b.get(hidden), b.get(missing)
			strip := func(a answer, path string) string { return strings.ReplaceAll(a.body+a.to, url.QueryEscape(path), "") }
			if got.status == http.StatusSeeOther && got.status != want.status {
				continue // a stranger is asked to sign in before anything is looked for
			}
			if got.status != want.status || strip(got, hidden) != strip(want, missing) {
				t.Errorf("%s, %s: answered %d, unlike %s, %d", got.what, name, got.status, missing, want.status)
			}
		}
	}
}

func TestWhoMayNotWriteIsToldWhyAndTheWayIn(t *testing.T) {
	c := newCrowd(t)
	topic := "/post/" + id(c.openQuestion)
	c.browsers["stranger"].get(topic).want(200).has("Sign in to take part", "/sign-in?next="+url.QueryEscape(topic)).hasNot("<textarea")
	c.browsers["guest"].get(topic).has("Join All about open to post here.", `href="/c/open/join"`).hasNot("<textarea")
	c.browsers["guest"].post("/c/open/ask", url.Values{"text": {"Long"}, "preview": {"1"}}).want(422).has("Join All about open to post here", "Long</textarea>")
	c.browsers["guest"].get("/c/open/ask").has("Join All about open to post here.", `href="/c/open/join"`).hasNot("<textarea")
	c.browsers["pending"].get(topic).has("Wait until All about open has let you in to post here.").hasNot("<textarea", "/c/open/join")
	c.browsers["member"].get(topic).has("<textarea", "Who will see this:", "Anyone can read this. No other council has members here yet.")
	c.browsers["member"].get("/post/" + id(c.question)).has("Members of All about closed: 3 people at 1 council. It is not public.")
}

func TestOnlyFacilitatorsStartWhereTheCommunitySaysSo(t *testing.T) {
	c := newCrowd(t)
	c.update(func(tx *store.Tx) error {
		o, err := tx.Community(c.open.ID)
		if err != nil {
			return err
		}
		o.Posting = copse.Moderator
		return tx.SetCommunity(o)
	})
	c.browsers["member"].get("/c/open").want(200).hasNot("/c/open/ask")
	c.browsers["member"].get("/c/open/ask").want(403).has("Only facilitators may start something in All about open.").hasNot("/c/open/join")
	c.browsers["member"].post("/c/open/ask", url.Values{"title": {"Kept"}}).want(422).has("Kept")
	c.browsers["facilitator"].get("/c/open").has("/c/open/ask", "/c/open/new")
	c.browsers["member"].post("/post/"+id(c.openQuestion)+"/reply", url.Values{"text": {"Still"}}).want(303)
}

// Every page in a community says how many questions are open. Past a hundred it says
// that there are more, and counts no further.
func TestManyOpenQuestionsAreNotCountedToTheLast(t *testing.T) {
	w := newTown(t)
	joan := w.person("joan", "Joan Whitlock")
	damp := w.community("damp", copse.Members, joan)
	ask := func(n int) {
		for range n {
			w.must(w.hub.Post(t.Context(), joan, &copse.Object{Kind: "topic", Community: damp.ID, Title: "Weekends?", HTML: "<p>Who?", Question: true}))
		}
	}
	ask(99)
	w.browser(joan).get("/c/damp/forum").has(">99<", "99 unanswered").hasNot("99+")
	ask(1)
	w.browser(joan).get("/c/damp/forum").has(">99+<", "More than 99 unanswered")
	ask(1)
	w.browser(joan).get("/c/damp/forum").has(">99+<", "More than 99 unanswered")
}

func TestAQuestionIsAskedAnsweredAndAccepted(t *testing.T) {
	w := newTown(t)
	tess, joan, rosa := w.person("tess", "Tess Okafor"), w.person("joan", "Joan Whitlock"), w.person("rosa", "Rosa Almeida")
	w.community("damp", copse.Members, joan, tess, rosa)
	asking := w.browser(tess)
	asking.post("/c/damp/ask", url.Values{"text": {"Who *decides*?"}}).want(422).
		has("Enter your question in one line", "Who *decides*?", "<title>Error: ")
	asking.post("/c/damp/ask", url.Values{"title": {"Weekends?"}, "text": {"Who *decides*?"}, "preview": {"1"}}).want(200).
		has("How it will look", "<em>decides</em>", `value="Weekends?"`, "Who *decides*?</textarea>")
	topic := asking.post("/c/damp/ask", url.Values{"title": {"Weekends?"}, "text": {"Who *decides*?"}}).want(303).to
	asking.get("/c/damp/questions").has("Weekends?", "Answer this")
	asking.get("/c/damp").has("Can you answer one of these?", "Weekends?", "1 unanswered")

	reply := w.browser(rosa).post(topic+"/reply", url.Values{"text": {"A duty surveyor."}}).want(303).to
	if !strings.HasPrefix(reply, topic+"#c-") {
		t.Fatalf("after replying one is sent to %s, want to the reply in %s", reply, topic)
	}
	comment := "/comment/" + strings.TrimPrefix(reply, topic+"#c-")
	asking.get(topic).has("Asked by Tess Okafor", "1 reply from 1 council", "A duty surveyor.", comment+"/accept").hasNot("Accepted by")
	w.browser(rosa).get(topic).hasNot(comment + "/accept")
	asking.post(comment+"/accept", nil).want(303)
	asking.get(topic).has("Answered", "Accepted answer, from Rosa Almeida", "Accepted by Tess Okafor", comment+"/accept/undo").
		hasNot("Edited: see what changed")
	asking.get("/c/damp/questions").hasNot("Weekends?").has("Every question has an answer.")
	asking.get("/c/damp/forum").has("Weekends?", "Answered")
	asking.post(comment+"/accept/undo", nil).want(303)
	asking.post(comment+"/accept/undo", nil).want(303)
	asking.get("/c/damp/questions").has("Weekends?")
}

func TestAConversationIsNoQuestion(t *testing.T) {
	w := newTown(t)
	joan := w.person("joan", "Joan Whitlock")
	w.community("damp", copse.Members, joan)
	b := w.browser(joan)
	b.post("/c/damp/new", url.Values{"title": {"News"}}).want(422).has("Enter what you want to say", `value="News"`)
	topic := b.post("/c/damp/new", url.Values{"title": {"News"}, "text": {"Good."}}).want(303).to
	reply := b.post(topic+"/reply", url.Values{"text": {"More."}}).want(303).to
	_, comment, _ := strings.Cut(reply, "#c-")
	b.get(topic).has("Started by Joan Whitlock").hasNot("/accept")
	b.post("/comment/"+comment+"/accept", nil).want(400)
	b.get("/c/damp/questions").hasNot("News")
	b.get("/c/damp").hasNot("Can you answer")
}

func TestADoubleClickPostsOnce(t *testing.T) {
	c := newCrowd(t)
	member := c.browsers["member"]
	topic := "/post/" + id(c.openQuestion)
	for _, tt := range []struct{ form, action string }{
		{"/c/open/ask", "/c/open/ask"}, {"/c/open/new", "/c/open/new"}, {topic, topic + "/reply"}, {topic + "/reply", topic + "/reply"},
	} {
		shown := once(t, member.get(tt.form).want(200))
		if again := once(t, member.get(tt.form)); again == shown {
			t.Errorf("%s is the same form twice", tt.form)
		}
		form := url.Values{"title": {"Twice?"}, "text": {"Once."}, "once": {shown}}
		preview := url.Values{"title": {"Twice?"}, "text": {"Once."}, "once": {shown}, "preview": {"1"}}
		if kept := once(t, member.post(tt.action, preview).want(200)); kept != shown {
			t.Errorf("%s: the preview is another form", tt.action)
		}
		first := member.post(tt.action, form).want(303)
		if second := member.post(tt.action, form).want(303); second.to != first.to {
			t.Errorf("%s leads to %s first and then to %s", tt.action, first.to, second.to)
		}
		form.Set("text", "Other words.")
		if other := member.post(tt.action, form).want(303); other.to == first.to {
			t.Errorf("%s: other words got lost", tt.action)
		}
	}
}

// once is what tells the form on a page from every other one.
func once(t *testing.T, page answer) string {
	t.Helper()
	_, rest, ok := strings.Cut(page.want(200).body, `name="once" value="`)
	value, _, _ := strings.Cut(rest, `"`)
	if !ok || value == "" {
		t.Fatalf("%s: nothing tells its form from others", page.what)
	}
	return value
}

func TestHelpfulTwiceIsHelpfulOnce(t *testing.T) {
	c := newCrowd(t)
	at := "/comment/" + id(c.reply)
	member := c.browsers["member"]
	for range 2 {
		member.post(at+"/helpful", nil).want(303)
	}
	if got := c.object(c.reply.ID).Likes; got != 1 {
		t.Errorf("one person found it helpful %d times", got)
	}
	member.get("/post/"+id(c.question)).has("Helpful (1)", at+"/helpful/undo", `aria-pressed="true"`)
	c.browsers["author"].get("/post/" + id(c.question)).has("1 person found this helpful").hasNot(at + "/helpful")
	for range 2 {
		member.post(at+"/helpful/undo", nil).want(303)
	}
	if got := c.object(c.reply.ID).Likes; got != 0 {
		t.Errorf("nobody found it helpful, %d times", got)
	}
}

func TestEveryVersionIsInTheHistory(t *testing.T) {
	c := newCrowd(t)
	author, topic := c.browsers["author"], "/post/"+id(c.question)
	author.get(topic+"/edit").has(`value="Xylograph?"`, "A quincunx of them.</textarea>")
	author.post(topic+"/edit", url.Values{"title": {" "}, "text": {"Kept all the same"}}).want(422).has("Enter a title", "Kept all the same")
	author.post(topic+"/edit", url.Values{"title": {"Woodcut?"}, "text": {"A *quincunx* of them."}, "preview": {"1"}}).want(200).has("<em>quincunx</em>")
	author.post(topic+"/edit", url.Values{"title": {"Xylograph?"}, "text": {"A quincunx of them."}}).want(303)
	author.get(topic).hasNot("Edited: see what changed") // nothing was
	author.post(topic+"/edit", url.Values{"title": {"Woodcut?"}, "text": {"A dozen of them."}}).want(303)
	author.post(topic+"/edit", url.Values{"title": {"Woodcut?"}, "text": {"A dozen of those."}}).want(303)
	author.post(topic+"/edit", url.Values{"title": {"Woodcut?"}, "text": {"A dozen <b>of</b> those."}}).want(303)
	c.browsers["member"].get(topic).has("Woodcut?", topic+"/history")
	page := c.browsers["member"].get(topic+"/history").want(200).
		has("Version 4", "Version 3", "Version 2", "First version", "A quincunx of them.", "&lt;b&gt;of&lt;/b&gt;").body
	for _, change := range []string{"<del>Xylograph</del><ins>Woodcut</ins>", "<del>quincunx</del><ins>dozen</ins>"} {
		if !strings.Contains(withoutHidden(page), change) {
			t.Errorf("the history does not show %s\n%s", change, mainOf(page))
		}
	}
	author.post(topic+"/delete", nil).want(303)
	c.browsers["member"].get(topic + "/history").want(404)
}

// withoutHidden takes out what is only for those who hear the page.
func withoutHidden(page string) string {
	for {
		before, rest, found := strings.Cut(page, `<span class="copse-hidden">`)
		if !found {
			return page
		}
		_, after, _ := strings.Cut(rest, "</span>")
		page = before + after
	}
}

func TestWhatIsRemovedKeepsItsPlace(t *testing.T) {
	c := newCrowd(t)
	topic, at := "/post/"+id(c.question), "/comment/"+id(c.reply)
	c.browsers["member"].post(topic+"/reply", url.Values{"to": {id(c.reply)}, "text": {"I agree."}}).want(303)
	facilitator := c.browsers["facilitator"]
	facilitator.get(at+"/delete").has("Why you are removing it", "Vexillology")
	facilitator.post(at+"/delete", nil).want(422).has("Say why you are removing this")
	facilitator.post(at+"/delete", url.Values{"reason": {"An advertisement"}}).want(303)
	facilitator.post(at+"/delete", url.Values{"reason": {"An advertisement"}}).want(303) // it is gone already
	page := c.browsers["member"].get(topic).want(200).has("Removed by a facilitator", "I agree.").hasNot("Vexillology", "An advertisement").body
	if strings.Index(page, "Removed by") > strings.Index(page, "I agree.") {
		t.Error("what was removed does not stand where it stood")
	}
	c.browsers["member"].get(topic).hasNot("Put it back")
	c.browsers["author"].post(at+"/restore", nil).want(403)
	facilitator.get(topic).has("Put it back", at+"/restore")
	facilitator.post(at+"/restore", nil).want(303)
	facilitator.post(at+"/restore", nil).want(303)
	c.browsers["member"].get(topic).has("Vexillology").hasNot("Removed by")
	facilitator.post(at+"/delete", url.Values{"reason": {"An advertisement"}}).want(303)
	c.browsers["author"].get(topic + "/delete").hasNot("Why you are removing it")
	c.browsers["author"].post(topic+"/delete", nil).want(303)
	c.browsers["member"].get(topic).want(410).has("Removed by its author", "I agree.").hasNot("Xylograph", "quincunx", "<textarea")
	c.browsers["member"].get("/c/closed/forum").hasNot("Xylograph", id(c.question))
}

func TestALongConversationHasPagesAndEveryReplyAPlace(t *testing.T) {
	w := newTown(t)
	joan := w.person("joan", "Joan Whitlock")
	c := w.community("damp", copse.Members, joan)
	topic := w.post(joan, c, nil, "Long", "One.")
	var all []*copse.Object
	parent := topic
	for i := range 120 {
		o := w.post(joan, c, parent, "", fmt.Sprintf("Reply %d.", i))
		all = append(all, o)
		if parent = topic; i%3 < 2 {
			parent = o
		}
	}
	b := w.browser(joan)
	for _, i := range []int{0, 1, 49, 50, 51, 98, 119} {
		at := b.get("/comment/" + id(all[i])).want(303).to
		path, anchor, _ := strings.Cut(at, "#")
		b.get(path).want(200).has(`id="`+anchor+`"`, fmt.Sprintf("Reply %d.", i))
	}
	var read []string
	for path := "/post/" + id(topic); path != ""; {
		page := b.get(path).want(200).body
		path = ""
		for n := range attributes(t, page) {
			if n.key == "id" && strings.HasPrefix(n.value, "c-") {
				read = append(read, n.value)
			}
			if n.key == "href" && strings.HasPrefix(n.value, "/post/") && strings.Contains(n.value, "?after=") {
				path, _, _ = strings.Cut(n.value, "#")
			}
		}
	}
	if len(read) != len(all) || len(slices.Compact(slices.Sorted(slices.Values(read)))) != len(all) {
		t.Errorf("leafing through shows %d replies, want each of %d once", len(read), len(all))
	}
}

// Members at other councils are who is told, and who the page says is told.
func TestWhoWillSeeThisIsWhoItIsSentTo(t *testing.T) {
	w := newTown(t)
	joan := w.person("joan", "Joan Whitlock")
	c := w.community("damp", copse.Members, joan)
	for _, host := range []string{"wigan.example", "harlow.example"} {
		rosa := w.remote("rosa", host)
		w.must(w.hub.Perform(t.Context(), &copse.Activity{Type: "Follow", URI: "https://" + host + "/f", Actor: rosa, Subject: &c.Actor}))
		w.must(w.hub.Decide(t.Context(), joan, c, rosa, true, ""))
	}
	w.peer("wigan.example", "Wigan Council", copse.PeerFailing)
	b := w.browser(joan)
	b.get("/c/damp/ask").has("Members of All about damp: 3 people at 3 councils. It is not public.",
		"Stevenage Borough Council, harlow.example and Wigan Council.")
	topic := b.post("/c/damp/ask", url.Values{"title": {"Weekends?"}}).want(303).to
	b.get(topic).has("0 of 2 councils have this", "Wigan Council is not answering. We keep trying.", "It is on its way to harlow.example.")
	w.update(func(tx *store.Tx) error {
		peer, err := tx.Peer("harlow.example")
		if err != nil {
			return err
		}
		return tx.SetCursor(peer.ID, store.NewID())
	})
	b.get(topic).has("1 of 2 councils have this").hasNot("harlow.example.")
}

func TestWhatWasGivenUpSaysSoAndIsSentAgain(t *testing.T) {
	c := newCrowd(t)
	rosa, facilitator := c.remote("rosa", "harlow.example"), c.actor("facilitator")
	c.must(c.hub.Perform(t.Context(), &copse.Activity{Type: "Follow", URI: rosa.URI + "/f", Actor: rosa, Subject: &c.open.Actor}))
	c.must(c.hub.Decide(t.Context(), facilitator, c.open, rosa, true, ""))
	topic := c.browsers["author"].post("/c/open/ask", url.Values{"title": {"Weekends?"}}).want(303).to
	c.browsers["author"].get("/c/open/ask").has("It is sent to 1 council with members here.", "harlow.example.").hasNot("Council and harlow.example")
	c.giveUp("harlow.example")
	for _, name := range []string{"author", "facilitator", "member"} {
		page := c.browsers[name].get(topic).has("0 of 1 council have this", "harlow.example did not take it: it answered 422. We stopped trying on "+today())
		if may := name != "member"; strings.Contains(page.body, "Send again") != may {
			t.Errorf("whether the %s may send it again is not %v", name, may)
		}
	}
	c.browsers["member"].post(topic+"/send-again", nil).want(403)
	c.browsers["guest"].post(topic+"/send-again", nil).want(403)
	c.browsers["author"].post(topic+"/send-again", nil).want(303)
	c.browsers["author"].get(topic).has("We are sending it again.", "It is on its way to harlow.example.").hasNot("Send again")
	c.giveUp("harlow.example")
	c.browsers["facilitator"].post(topic+"/send-again", nil).want(303)
	c.giveUp("harlow.example")
	admin := c.person("runs", "Runs The Server")
	c.admin(admin)
	c.must(c.hub.Join(t.Context(), admin, &c.open.Actor, ""))
	c.must(c.hub.Decide(t.Context(), facilitator, c.open, admin, true, ""))
	b := c.browser(admin)
	b.get(topic).has("Send again")
	b.post(topic+"/send-again", nil).want(303)
	c.browsers["author"].lang = "cy"
	c.giveUp("harlow.example")
	c.browsers["author"].get(topic).has("harlow.example ef: atebodd 422. Rhoesom y gorau i geisio ar", "Anfon eto")
}

// giveUp has everything for a council refused by it.
func (w *town) giveUp(host string) {
	w.t.Helper()
	w.update(func(tx *store.Tx) error {
		p, err := tx.Peer(host)
		if err != nil {
			return err
		}
		waiting, err := tx.OutboxFor(p.ID, p.Cursor, 100)
		if err != nil {
			return err
		}
		extras, err := tx.Extras(p.ID, 100)
		for _, e := range extras {
			waiting = append(waiting, e.ID)
		}
		if err != nil || len(waiting) == 0 {
			return errors.Join(err, tx.SetCursor(p.ID, store.NewID()))
		}
		for _, id := range waiting {
			if err := tx.Postpone(p.ID, id, "it answered 422", time.Time{}); err != nil {
				return err
			}
		}
		return tx.SetCursor(p.ID, slices.Max(waiting))
	})
}

func (w *town) admin(a *copse.Actor) {
	w.t.Helper()
	w.update(func(tx *store.Tx) error {
		login, err := tx.Login(a.ID)
		if err != nil {
			return err
		}
		login.Role = store.Admin
		return tx.SetAccount(login.Account)
	})
}

func today() string { return words.In("en").Date(time.Now()) }

func (w *town) remote(name, host string) *copse.Actor {
	w.t.Helper()
	a := &copse.Actor{
		Type: copse.Person, URI: "https://" + host + "/u/" + name, Name: name, Host: host, Title: "Rosa of " + host,
		Inbox: "https://" + host + "/inbox", Created: time.Now(), Fetched: time.Now(),
	}
	w.must(w.hub.Learn(w.t.Context(), a, nil))
	return a
}

func (w *town) peer(host, title string, state copse.PeerState) {
	w.t.Helper()
	w.update(func(tx *store.Tx) error {
		p, err := tx.PeerAt(host)
		if err != nil {
			return err
		}
		p.Title, p.State, p.Looked = title, state, time.Now()
		if err := tx.DescribePeer(p); err != nil {
			return err
		}
		return tx.SetHealth(p)
	})
}

func TestWhatWaitsToBeSentSaysSoUntilItsHomeHasTakenIt(t *testing.T) {
	w := newTown(t)
	tess, joan := w.person("tess", "Tess Okafor"), w.person("joan", "Joan Whitlock")
	w.peer("harlow.example", "Harlow District Council", copse.PeerFailing)
	c := &copse.Community{
		Actor: copse.Actor{
			Type: copse.Group, URI: "https://harlow.example/c/equality", Name: "equality", Host: "harlow.example", Title: "Equality",
			Inbox: "https://harlow.example/inbox", Created: time.Now(), Fetched: time.Now().AddDate(0, 0, -2),
		},
		Join: copse.JoinOpen, Audience: copse.Members, Posting: copse.Member, Members: 214, Councils: 31,
	}
	w.must(w.hub.Learn(t.Context(), &c.Actor, c))
	for _, a := range []*copse.Actor{tess, joan} {
		w.must(w.hub.Join(t.Context(), a, &c.Actor, ""))
		w.must(w.hub.Perform(t.Context(), &copse.Activity{
			Type: "Accept", URI: "https://harlow.example/a/" + a.Name, Actor: &c.Actor,
			Inner: &copse.Activity{Type: "Follow", Actor: a, Subject: &c.Actor},
		}))
	}
	b := w.browser(tess)
	b.get("/c/equality@harlow.example").has("Harlow District Council is not answering", "You are reading a copy from", "New posts will be sent when it is back.")
	b.get("/c/equality@harlow.example/ask").has("Members of Equality: 214 people at 31 councils, including Harlow District Council, which runs it. It is not public.")
	topic := b.post("/c/equality@harlow.example/ask", url.Values{"title": {"Screen every policy?"}, "text": {"Or some?"}}).want(303).to
	for _, a := range []*copse.Actor{tess, joan} {
		w.browser(a).get(topic).has("Waiting to send to Harlow District Council", "Harlow District Council is not answering")
	}
	b.get("/c/equality@harlow.example/forum").has("Waiting to send to Harlow District Council")
	w.giveUp("harlow.example")
	w.browser(joan).get(topic).has("Not sent to Harlow District Council").hasNot("Waiting to send", "Send again")
	b.get(topic).has("Not sent to Harlow District Council", "We stopped trying on "+today())
	b.post(topic+"/send-again", nil).want(303)
	b.get(topic).has("Waiting to send to Harlow District Council")
	var o *copse.Object
	w.view(func(tx *store.Tx) (err error) {
		o, err = tx.ObjectByURI(base + topic)
		return err
	})
	w.must(w.hub.Perform(t.Context(), &copse.Activity{
		Type: "Announce", URI: "https://harlow.example/n/1", Actor: &c.Actor,
		Inner: &copse.Activity{Type: "Create", URI: base + "/activities/create/x", Actor: tess, Object: o},
	}))
	b.get(topic).hasNot("Waiting to send to")
}

// Whoever looks after a community elsewhere is offered what its home takes from here,
// and told how far what they asked for has got.
func TestWhatAHomeTakesIsOfferedAndFollowed(t *testing.T) {
	for software, takes := range map[string][]string{
		"copse":  {"Delete", "Close to replies", "Pin to the top", "Block", "Facilitate"},
		"lemmy":  {"Delete", "Close to replies", "Pin to the top", "Block"},
		"lotide": {"Delete"},
		"nodebb": {},
	} {
		w := newTown(t)
		tess, rosa := w.person("tess", "Tess Okafor"), w.remote("rosa", "harlow.example")
		w.peer("harlow.example", "Harlow District Council", copse.PeerOK)
		w.update(func(tx *store.Tx) error {
			p, err := tx.PeerAt("harlow.example")
			if err != nil {
				return err
			}
			p.Software = software
			return tx.DescribePeer(p)
		})
		c := &copse.Community{
			Actor: copse.Actor{
				Type: copse.Group, URI: "https://harlow.example/c/trees", Name: "trees", Host: "harlow.example", Title: "Trees",
				Inbox: "https://harlow.example/inbox", Created: time.Now(), Fetched: time.Now(),
			},
			Join: copse.JoinOpen, Audience: copse.Members, Posting: copse.Member,
		}
		w.must(w.hub.Learn(t.Context(), &c.Actor, c))
		w.must(w.hub.Join(t.Context(), tess, &c.Actor, ""))
		n := 0
		says := func(typ string, act *copse.Activity) {
			n++
			act.URI, act.Type, act.Actor = fmt.Sprint("https://harlow.example/a/", n), typ, &c.Actor
			w.must(w.hub.Perform(t.Context(), act))
		}
		says("Accept", &copse.Activity{Inner: &copse.Activity{Type: "Follow", Actor: tess, Subject: &c.Actor}})
		w.must(w.hub.LearnFacilitators(t.Context(), c.ID, []*copse.Actor{tess}))
		o := &copse.Object{ID: store.NewID(), URI: "https://harlow.example/post/1", Kind: forum.Topic, Community: c.ID, Author: rosa.ID, Title: "Ash", HTML: "<p>Sick?</p>"}
		says("Announce", &copse.Activity{Inner: &copse.Activity{URI: "https://harlow.example/c/1", Type: "Create", Actor: rosa, Object: o}})
		b, topic := w.browser(tess), "/post/"+id(o)
		page := b.get(topic).want(200)
		for _, action := range []string{"Delete", "Close to replies", "Pin to the top", "Block", "Facilitate"} {
			if got := strings.Contains(page.body, ">"+action); got != slices.Contains(takes, action) {
				t.Errorf("%s: whether %q is offered is %v", software, action, got)
			}
		}
		switch software {
		case "nodebb":
			b.post(topic+"/delete", url.Values{"reason": {"Spam"}}).want(403).has("Trees takes this from nobody at another council")
			continue
		case "copse":
		default:
			b.get("/c/trees@harlow.example/facilitate/requests").want(404)
			continue
		}
		b.post(topic+"/delete", url.Values{"reason": {"Spam"}}).want(303)
		b.get(topic).want(200).has("We have asked Harlow District Council to do this.", "Waiting to send to Harlow District Council", "asked to remove this.").hasNot(">Delete<")
		w.giveUp("harlow.example")
		b.get(topic).has("Harlow District Council did not do this", "The answer was: it answered 422.", ">Delete<").hasNot("Waiting to send")
		b.post(topic+"/delete", url.Values{"reason": {"Spam"}}).want(303)
		w.update(func(tx *store.Tx) error {
			p, err := tx.PeerAt("harlow.example")
			if err != nil {
				return err
			}
			waiting, err := tx.Extras(p.ID, 100)
			for _, e := range waiting {
				err = errors.Join(err, tx.Delivered(p.ID, e.ID))
			}
			return err
		})
		b.get(topic).has("Sent, waiting for Harlow District Council").hasNot(">Delete<", "did not do this")
		b.lang = "cy"
		b.get(topic).has("Wedi’i anfon, yn aros am Harlow District Council", "Gofynnoch chi neu hwylusydd arall am dynnu hyn.")
		b.lang = "en"
		says("Announce", &copse.Activity{Inner: &copse.Activity{URI: "https://harlow.example/d/1", Type: "Delete", Actor: &c.Actor, Object: &copse.Object{URI: o.URI}, Reason: "Spam"}})
		b.get(topic).want(410).has("Removed by a facilitator").hasNot("Sent, waiting")
		b.get("/c/trees@harlow.example/facilitate/settings").want(200).has("Harlow District Council runs this community.").hasNot("How do people join?")
		b.post("/c/trees@harlow.example/facilitate/settings", url.Values{"title": {""}, "purpose": {"All"}}).want(422)
		b.post("/c/trees@harlow.example/facilitate/settings", url.Values{"title": {"All trees"}, "purpose": {"All"}}).want(303)
		b.get("/c/trees@harlow.example/facilitate/settings").has("asked to change how it is described.")
	}
}

func TestAReplyIsNeverMoreOpenThanItsConversation(t *testing.T) {
	c := newCrowd(t)
	c.browsers["facilitator"].post("/c/closed/facilitate/settings", url.Values{
		"title": {"Opened"}, "purpose": {"For all."}, "audience": {"public"}, "join": {"open"},
	}).want(303)
	topic := "/post/" + id(c.question)
	c.browsers["member"].get(topic).has("Members only", "Members of Opened: 3 people at 1 council. It is not public.")
	at := c.browsers["member"].post(topic+"/reply", url.Values{"text": {"Persiflage"}}).want(303).to
	_, comment, _ := strings.Cut(at, "#c-")
	n, err := strconv.ParseInt(comment, 10, 64)
	c.must(err)
	if got := c.object(copse.ID(n)).Audience; got != copse.Members {
		t.Errorf("the reply is for %q, want it for members", got)
	}
	c.browsers["stranger"].get(topic).want(404)
	c.browsers["stranger"].get("/c/closed/forum").want(200).hasNot("Persiflage", "Xylograph")
	c.browsers["stranger"].get("/u/member").want(200).hasNot("Persiflage", "Xylograph")
	topic = c.browsers["member"].post("/c/closed/ask", url.Values{"title": {"For everybody"}}).want(303).to
	c.browsers["stranger"].get(topic).want(200).has("For everybody")
}

// A page is safe if no string in it became more than text, and Markdown is what it
// should be.
func TestWhatPeopleTypeIsText(t *testing.T) {
	const attack = `"><script>alert(1)</script><img src=x onerror=alert(2)>'[x](javascript:alert(3)) ![y](https://evil.example/y.png)`
	w := newTown(t)
	mallory := w.person("mallory", attack)
	mallory.JobTitle, mallory.Source, mallory.Summary = attack, attack, markup.HTML(attack)
	w.must(w.hub.Describe(t.Context(), mallory))
	b := w.browser(mallory)
	form := url.Values{"title": {attack[:60]}, "name": {"mould"}, "purpose": {attack}, "welcome": {attack}, "audience": {"public"}, "join": {"approval"}}
	b.post("/communities/new", form).want(303)
	other := w.person("other", attack)
	w.must(w.hub.Join(t.Context(), other, w.actor("mould"), attack))
	topic := b.post("/c/mould/ask", url.Values{"title": {attack}, "text": {attack}}).want(303).to
	at := b.post(topic+"/reply", url.Values{"text": {attack + "\n\n**bold**"}}).want(303).to
	_, comment, _ := strings.Cut(at, "#c-")
	b.post("/comment/"+comment+"/edit", url.Values{"text": {attack + "\n\n**bold** again"}}).want(303)
	b.post("/comment/"+comment+"/accept", nil).want(303)
	b.post("/c/mould/facilitate/settings", form).want(303)
	pages := []answer{
		b.get(topic).has("<strong>bold</strong>"),
		b.post(topic+"/reply", url.Values{"text": {attack}, "preview": {"1"}}).want(200),
		b.post("/c/mould/ask", url.Values{"title": {strings.Repeat(attack, 9)}, "text": {attack}}).want(422),
		b.post("/communities/find", url.Values{"address": {attack}}).want(422),
		b.post("/communities/new", url.Values{"title": {attack}, "name": {attack}, "purpose": {attack}, "welcome": {attack}, "audience": {attack}}).want(422),
		b.post("/c/mould/facilitate/requests/"+fmt.Sprint(other.ID), url.Values{"welcome-" + fmt.Sprint(other.ID): {attack}, "answer": {"decline"}}).want(422),
		w.browser(nil).post(topic+"/reply", url.Values{"text": {attack}, attack: {attack}}).want(401),
	}
	for _, path := range []string{
		"/", "/communities", "/communities?q=" + url.QueryEscape(attack), "/communities?show=" + url.QueryEscape(attack),
		"/c/mould", "/c/mould/about", "/c/mould/members", "/c/mould/forum", "/c/mould/questions", "/c/mould/ask", "/c/mould/facilitate/requests",
		"/c/mould/facilitate/settings", "/u/mallory", topic + "/edit", topic + "/delete", topic + "/history", "/comment/" + comment + "/history",
		topic + "/reply?to=" + comment, topic + "?after=" + url.QueryEscape(attack),
	} {
		pages = append(pages, b.get(path).want(200), w.browser(nil).get(path))
	}
	for _, page := range pages {
		inert(t, page)
	}
}

func (w *town) actor(name string) (a *copse.Actor) {
	w.t.Helper()
	w.view(func(tx *store.Tx) (err error) {
		a, err = tx.ActorByName(name)
		return err
	})
	return a
}

// inert fails if a page runs a script or shows anything from another server.
func inert(t *testing.T, page answer) {
	t.Helper()
	z := html.NewTokenizer(strings.NewReader(page.body))
	for z.Next() != html.ErrorToken {
		token := z.Token()
		if token.Type != html.StartTagToken && token.Type != html.SelfClosingTagToken {
			continue
		}
		if token.Data == "script" || token.Data == "iframe" || token.Data == "style" {
			t.Errorf("%s: has a %s", page.what, token)
		}
		for _, a := range token.Attr {
			value := strings.ToLower(strings.TrimSpace(a.Val))
			switch {
			case strings.HasPrefix(a.Key, "on"), a.Key == "style",
				(a.Key == "href" || a.Key == "src" || a.Key == "action") && strings.HasPrefix(value, "javascript:"),
				a.Key == "src" && !strings.HasPrefix(value, "/"):
				t.Errorf("%s: has a %s", page.what, token)
			}
		}
	}
}

// An attribute of an element of a page.
type attribute struct{ key, value string }

// attributes are those of all elements.
func attributes(t *testing.T, page string) map[attribute]bool {
	t.Helper()
	all := map[attribute]bool{}
	z := html.NewTokenizer(strings.NewReader(page))
	for z.Next() != html.ErrorToken {
		for _, a := range z.Token().Attr {
			all[attribute{a.Key, a.Val}] = true
		}
	}
	return all
}

func TestTheForumSpeaksWelsh(t *testing.T) {
	c := newCrowd(t)
	b := c.browsers["member"]
	b.lang = "cy"
	b.get("/post/"+id(c.question)).has(`<html lang="cy"`, "Gofynnwyd gan", "1 ateb", "Pwy fydd yn gweld hyn:", "Eich ateb").hasNot("Asked by", "Who will")
	b.get("/c/closed").has("Allwch chi ateb un o’r rhain?", "Gofyn cwestiwn", "3 pherson o 1 cyngor.")
	b.get("/c/closed/forum").has("Sgyrsiau")
	b.post("/c/closed/ask", nil).want(422).has("Rhowch eich cwestiwn mewn un llinell")
	b.post("/post/"+id(c.question)+"/reply", nil).want(422).has("Rhowch eich ateb")
}

func TestSessionThatEndedKeepsTheWords(t *testing.T) {
	c := newCrowd(t)
	stranger := c.browsers["stranger"]
	path := "/post/" + id(c.question) + "/reply"
	stranger.post(path, url.Values{"text": {"An hour of typing"}}).want(401).has("An hour of typing").hasNot("Xylograph")
}

func TestWhatCameWithoutATitleGetsOne(t *testing.T) {
	for _, m := range forum.Mappings {
		if m.Kind != forum.Topic {
			continue
		}
		o := new(copse.Object)
		if err := federation.DecodeObject(m, &ap.Object{Content: "<p>@damp Does anybody lend meters?</p><p>We do not.</p>"}, o); err != nil {
			t.Fatal(err)
		}
		if want := "Does anybody lend meters?"; o.Title != want {
			t.Errorf("the title is %q, want %q", o.Title, want)
		}
	}
}

// Whoever has deleted their account elsewhere is not named, and what they said is
// there for those who answered it.
func TestWhoIsGoneIsNotNamed(t *testing.T) {
	w := newTown(t)
	tess := w.person("tess", "Tess Okafor")
	c := w.community("damp", copse.Public, tess)
	rosa := w.remote("rosa", "harlow.example")
	w.must(w.hub.Perform(t.Context(), &copse.Activity{Type: "Follow", URI: rosa.URI + "/f", Actor: rosa, Subject: &c.Actor}))
	w.must(w.hub.Decide(t.Context(), tess, c, rosa, true, ""))
	topic := w.post(tess, c, nil, "Meters", "Who lends them?")
	reply := &copse.Object{
		ID: store.NewID(), URI: "https://harlow.example/comment/1", Kind: forum.Reply, Parent: topic.ID, Author: rosa.ID, HTML: "<p>We do</p>", Audience: copse.Public,
	}
	w.must(w.hub.Perform(t.Context(), &copse.Activity{URI: reply.URI + "#create", Type: "Create", Actor: rosa, Object: reply}))
	w.must(w.hub.Perform(t.Context(), &copse.Activity{URI: rosa.URI + "#delete", Type: "Delete", Actor: rosa, Subject: rosa}))
	w.browser(nil).get("/post/"+id(topic)).has("We do", "Deleted account").hasNot("Rosa of", "/u/rosa")
}

func TestTopicsStandAloneAndRepliesDoNot(t *testing.T) {
	kinds := content.Kinds()
	for _, tt := range []struct {
		o  copse.Object
		ok bool
	}{
		{copse.Object{Kind: forum.Topic, Title: "Ash"}, true},
		{copse.Object{Kind: forum.Topic, Title: "Ash", Parent: 1}, false},
		{copse.Object{Kind: forum.Reply, HTML: "<p>Yes</p>", Parent: 1}, true},
		{copse.Object{Kind: forum.Reply, HTML: "<p>Yes</p>"}, false},
	} {
		if err := kinds.Check(&tt.o); (err == nil) != tt.ok {
			t.Errorf("a %s with the parent %d: %v", tt.o.Kind, tt.o.Parent, err)
		}
	}
}

func TestAClosedConversationSaysSo(t *testing.T) {
	c := newCrowd(t)
	topic, facilitator, member := "/post/"+id(c.question), c.browsers["facilitator"], c.browsers["member"]
	member.get(topic).has("<textarea").hasNot("Close to replies")
	member.get(topic + "/close").want(403)
	member.post(topic+"/close", nil).want(403)
	facilitator.get(topic).has("Close to replies", topic+"/close")
	facilitator.get(topic+"/close").has("Why you are closing it", "Xylograph?")
	facilitator.post(topic+"/close", url.Values{"reason": {strings.Repeat("x", 1001)}}).want(422).has("The reason must be 1000 characters or fewer")
	for range 2 { // clicked twice
		facilitator.post(topic+"/close", url.Values{"reason": {"See the wiki"}}).want(303)
	}
	member.get(topic).has("A facilitator has closed this conversation", "They wrote: See the wiki").hasNot("<textarea", topic+"/reply?")
	member.post(topic+"/reply", url.Values{"text": {"But"}}).want(422).has("This conversation is closed and takes no more replies")
	member.post(topic+"/reply", url.Values{"to": {id(c.reply)}, "text": {"But"}}).want(422)
	facilitator.get(topic).has("<textarea", "Open again")
	facilitator.post(topic+"/reply", url.Values{"text": {"The last word"}}).want(303)
	facilitator.post(topic+"/open", nil).want(303)
	member.get(topic).has("<textarea", "The last word").hasNot("has closed")
}

func TestPinnedConversationsStandFirst(t *testing.T) {
	c := newCrowd(t)
	first := "/post/" + id(c.question)
	for i := range 30 {
		c.post(c.actor("facilitator"), c.closed, nil, fmt.Sprint("Topic ", i), "x")
	}
	facilitator, member := c.browsers["facilitator"], c.browsers["member"]
	member.get(first).hasNot("Pin to the top", "Pinned")
	member.post(first+"/pin", nil).want(403)
	member.get("/c/closed/forum").hasNot("Xylograph?", "Pinned")
	facilitator.get(first).has("Pin to the top")
	for range 2 { // clicked twice
		facilitator.post(first+"/pin", nil).want(303)
	}
	member.get(first).has("Pinned")
	for _, path := range []string{"/c/closed/forum", "/c/closed"} {
		page := mainOf(member.get(path).has("Xylograph?", "Pinned", "Topic 29").body)
		if path == "/c/closed/forum" && strings.Index(page, "Xylograph?") > strings.Index(page, "Topic 29") {
			t.Errorf("%s: it does not stand first", path)
		}
		if n := strings.Count(page, first+`"`); n != 1 {
			t.Errorf("%s: it is there %d times", path, n)
		}
	}
	member.get("/c/closed/forum").has("Topic 10", "?after=").hasNot("Topic 9<")
	next := regexp.MustCompile(`/c/closed/forum\?after=\d+`).FindString(member.get("/c/closed/forum").body)
	member.get(next).has("Topic 9<", "Topic 0<").hasNot("Xylograph?", "Topic 10<")
	facilitator.get(first).has("Unpin").hasNot("Pin to the top")
	facilitator.post(first+"/unpin", nil).want(303)
	member.get("/c/closed/forum").hasNot("Xylograph?", "Pinned")
}
