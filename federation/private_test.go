package federation_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-chi/chi/v5"

	"copse/copse"
	"copse/federation/ap"
	"copse/federation/httpsig"
	"copse/store"
)

// ask asks a town for a document as v, or unsigned if v is nil.
func (w *town) ask(v *voice, method, path, accept string, headers ...string) *httptest.ResponseRecorder {
	w.t.Helper()
	r, err := http.NewRequest(method, "https://"+w.host+path, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Accept", accept)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	if v != nil {
		if err := httpsig.Sign(r, v.key, httpsig.Cavage, nil, time.Now()); err != nil {
			w.t.Fatal(err)
		}
	}
	return w.do(r)
}

// paths returns every path the town answers at, with every name and number that
// there is in place of what varies.
func (w *town) paths() (all []string) {
	w.t.Helper()
	var names, numbers, activities []string
	w.view(func(tx *store.Tx) error {
		communities, err := tx.Communities(store.Directory{Here: true, N: 100})
		if err != nil {
			return err
		}
		for _, c := range communities {
			names = append(names, c.Name)
			log, err := tx.Log(c.ID, 0, 1000)
			if err != nil {
				return err
			}
			for _, r := range log {
				names = append(names, r.By.Name)
				if at, err := url.Parse(r.Object); err == nil && at.Host == w.host {
					numbers = append(numbers, at.Path[strings.LastIndexByte(at.Path, '/')+1:])
				}
			}
		}
		sent, err := tx.OutboxAfter(0, 1000)
		for _, o := range sent {
			activities = append(activities, o.URI, o.Inner)
		}
		return err
	})
	routes := []string{"/", "/u/{name}", "/c/{name}", "/post/{id}", "/comment/{id}"} // see Wanted
	err := chi.Walk(w.handler.(chi.Routes), func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		if method == http.MethodGet {
			routes = append(routes, route)
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, route := range routes {
		switch {
		case strings.Contains(route, "{name}"):
			for _, name := range names {
				all = append(all, strings.Replace(route, "{name}", name, 1))
			}
		case route == "/activities/{type}/{id}":
			for _, uri := range activities {
				all = append(all, strings.TrimPrefix(uri, "https://"+w.host))
			}
		case strings.Contains(route, "{id}"):
			for _, number := range numbers {
				all = append(all, strings.Replace(route, "{id}", number, 1))
			}
		case route == "/.well-known/webfinger":
			for _, name := range names {
				all = append(all, route+"?resource=acct:"+name+"@"+w.host)
			}
		default:
			all = append(all, strings.Replace(route, "{version}", "2.1", 1))
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// What is said among members is read by members' servers and by nobody else, at
// whatever address and in whatever form they ask (AS-107 to 110, 117 to 122).
func TestNoAddressTellsStrangersAnything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, "harlow.example")
		harlow := n.towns["harlow.example"]
		joan, tess := harlow.person("joan"), harlow.person("tess")
		open := harlow.community(joan, "open", copse.JoinOpen, copse.Public)
		closed := harlow.community(joan, "closed", copse.JoinOpen, copse.Members)
		harlow.join(tess, &closed.Actor)
		member := n.peer(t, "member.example").actor("Person", "/u/bob")
		member.member(harlow, closed)
		former := n.peer(t, "former.example").actor("Person", "/u/dan")
		former.member(harlow, closed)
		outsider := n.peer(t, "outsider.example").actor("Person", "/u/eve")
		outsider.member(harlow, open)

		topic := harlow.post(tess, &closed.Actor, "canarytitle", "<p>canarytext")
		reply := harlow.answer(joan, topic, "<p>canaryreply")
		removed := harlow.post(tess, &closed.Actor, "canarygone", "<p>canarygone")
		edited := *topic
		edited.Title = "canarynewtitle"
		for _, err := range []error{
			harlow.hub.Like(t.Context(), tess, reply, true),
			harlow.hub.Edit(t.Context(), tess, &edited),
			harlow.hub.Remove(t.Context(), joan, removed, "canaryreason"),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
		harlow.post(joan, &open.Actor, "public", "<p>public")
		number := func(uri string) string { return uri[strings.LastIndexByte(uri, '/')+1:] }
		path := "/post/" + number(topic.URI)
		remembered := former.get(harlow, path)
		former.say(harlow, former.act("Undo", "1", former.act("Follow", "join-closed", closed.URI)))
		synctest.Wait()
		if remembered.Code != 200 {
			t.Fatalf("while a member, Dan's server is answered %d", remembered.Code)
		}

		paths := harlow.paths()
		for _, want := range []string{path, "/comment/" + number(reply.URI), path + "/context", "/c/closed/outbox", "/u/tess"} {
			if !slices.Contains(paths, want) {
				t.Fatalf("%s is not among what is asked for", want)
			}
		}
		missing := harlow.get("/post/1")
		seen := 0
		for _, path := range paths {
			for who, v := range map[string]*voice{"a stranger": nil, "a server without a member": outsider, "a server whose member has left": former} {
				for _, form := range []string{ap.ActivityJSON, ap.LDJSON, "application/json", "text/html"} {
					rec := harlow.ask(v, http.MethodGet, path, form)
					told := rec.Body.String() + fmt.Sprint(rec.Header())
					if strings.Contains(told, "canary") || strings.Contains(told, number(topic.URI)) && !strings.Contains(path, number(topic.URI)) {
						t.Errorf("%s as %s tells %s: %s", path, form, who, told)
					}
					if rec.Code >= 400 && form != "text/html" && (rec.Code != 404 || rec.Body.String() != missing.Body.String()) {
						t.Errorf("%s answers %s %d %s, where what is missing is %d %s", path, who, rec.Code, rec.Body, missing.Code, missing.Body)
					}
				}
			}
			rec := harlow.ask(member, http.MethodGet, path, ap.ActivityJSON)
			if strings.Contains(rec.Body.String(), "canary") {
				seen++
				if cache := rec.Header().Get("Cache-Control"); cache != "private, no-store" {
					t.Errorf("%s may be kept by others: %q", path, cache)
				}
			}
		}
		if seen < 8 {
			t.Errorf("the member's own server sees it at %d addresses only", seen)
		}
		// What one remembers from before opens nothing.
		if rec := harlow.ask(former, http.MethodGet, path, ap.ActivityJSON, "If-None-Match", remembered.Header().Get("ETag")); rec.Code != 404 {
			t.Errorf("what was remembered is answered %d", rec.Code)
		}
		// Who is a member is between members' servers.
		for _, c := range []struct {
			by   *voice
			of   string
			want int
		}{
			{nil, member.uri, 404}, {outsider, member.uri, 404}, {former, member.uri, 404}, {outsider, outsider.uri, 404},
			{member, member.uri, 200}, {member, "https://member.example/", 200}, {member, outsider.uri, 404}, {member, "nonsense", 404},
		} {
			rec := harlow.ask(c.by, http.MethodGet, "/c/closed/followers?is_follower="+url.QueryEscape(c.of), ap.ActivityJSON)
			if rec.Code != c.want || rec.Body.Len() > 0 && rec.Code == 200 {
				t.Errorf("whether %s is in is answered %d %s, want %d", c.of, rec.Code, rec.Body, c.want)
			}
		}
		for _, act := range outsider.peer.received() {
			if told := string(act.json()); strings.Contains(told, "canary") || strings.Contains(told, "/c/closed") {
				t.Errorf("a server without a member was sent %s", told)
			}
		}
		n.forget()
		time.Sleep(time.Minute)
		for _, got := range n.asked() {
			if strings.Contains(got, "former.example") {
				t.Errorf("a server whose member has left is asked %s", got)
			}
		}
	})
}

// What somebody here said in a members-only community elsewhere is shown to the
// servers that its home says are in it (AS-120, 136).
func TestAHomeSaysWhoMayReadItsMembersWords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.home.serve(s.trees.doc.with(obj{"manuallyApprovesFollowers": true}))
		s.trees.say(s.leeds, s.trees.act("Update", "1", s.trees.uri))
		synctest.Wait()
		topic := s.leeds.post(s.ann, s.leeds.actorByURI(s.trees.uri), "canary", "<p>canary")
		path := strings.TrimPrefix(topic.URI, "https://leeds.example")
		followers := "/c/trees/followers?is_follower=" + url.QueryEscape(s.bob.uri)
		missing := s.leeds.get("/post/1").Body.String()
		ask := func(v *voice, want int, why string) {
			t.Helper()
			rec := s.leeds.ask(v, http.MethodGet, path, ap.ActivityJSON)
			if rec.Code != want || strings.Contains(rec.Body.String(), "canary") != (want == 200) || want == 404 && rec.Body.String() != missing {
				t.Errorf("%s: answered %d %s, want %d", why, rec.Code, rec.Body, want)
			}
		}
		ask(nil, 404, "a stranger")
		ask(s.mod, 200, "the community's home")
		ask(s.eve, 404, "a server that its home does not know")
		ask(s.bob, 404, "one whose member has not come yet")
		time.Sleep(6 * time.Minute)
		s.home.serveAt(followers, document{200, ap.ActivityJSON, "", nil})
		s.n.forget()
		ask(s.bob, 200, "one with a member")
		ask(s.carol, 200, "the same, soon afterwards")
		if asked := s.n.requests("home.example"); len(asked) != 1 || asked[0] != "GET https://home.example"+followers {
			t.Errorf("its home was asked %q, want once about Bob", asked)
		}
		s.n.answer("home.example", refused)
		time.Sleep(6 * time.Minute)
		ask(s.bob, 503, "while its home cannot be asked")
		s.leeds.fed.Block = []string{"home.example"}
		ask(s.bob, 404, "while its home is not talked with")
	})
}
