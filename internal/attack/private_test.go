package attack

import (
	"encoding/base64"
	"fmt"
	"html"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// canary returns a word that stands nowhere else.
func canary() string {
	b := make([]byte, 16)
	for i := range b {
		b[i] = byte('a' + rand.IntN(26))
	}
	return string(b)
}

// leaked returns what an answer tells of canaries.
func leaked(got answer, canaries []string) string {
	text := got.body
	for name, values := range got.header {
		text += "\n" + name + ": " + strings.Join(values, ", ")
	}
	decoded, err := url.QueryUnescape(text)
	if err != nil {
		decoded = ""
	}
	text = strings.ToLower(text + decoded + html.UnescapeString(text))
	for _, c := range canaries {
		if strings.Contains(text, c) || strings.Contains(got.body, base64.StdEncoding.EncodeToString([]byte(c))) {
			return c
		}
	}
	return ""
}

// pages are the addresses that something may be read at; NAME, ID and PERSON stand for
// all there are.
var pages = []string{
	"/", "/communities", "/communities?q=CANARY", "/communities/new", "/about", "/about/federation", "/settings", "/u/NAME", "/c/NAME", "/c/NAME/about", "/c/NAME/members", "/c/NAME/forum", "/c/NAME/questions",
	"/c/NAME/ask", "/c/NAME/new", "/c/NAME/join", "/c/NAME/leave", "/c/NAME/facilitate", "/c/NAME/facilitate/requests", "/c/NAME/facilitate/settings", "/c/NAME/members/ID/block",
	"/post/ID", "/comment/ID", "/post/ID/reply", "/post/ID/edit", "/post/ID/history", "/post/ID/delete", "/post/ID/close", "/post/ID/context", "/post/ID/replies", "/comment/ID/edit", "/comment/ID/history", "/comment/ID/replies", "/comment/ID/context",
	"/c/NAME/outbox", "/c/NAME/followers", "/c/NAME/moderators", "/c/NAME/featured", "/c/NAME/log", "/u/NAME/outbox", "/u/NAME/followers", "/u/NAME/following", "/inbox", "/outbox", "/.well-known/nodeinfo", "/nodeinfo/2.1", "/nodeinfo/2.0",
	"/.well-known/webfinger?resource=acct:NAME@" + here, "/.well-known/webfinger?resource=" + base + "/c/NAME", "/.well-known/host-meta", "/feed", "/c/NAME/feed", "/c/NAME.rss", "/sitemap.xml", "/robots.txt", "/search?q=CANARY",
	"/admin/councils", "/admin/exchange", "/metrics", "/debug/pprof/", "/api/v1/instance", "/api/v1/timelines/public", "/api/v2/search?q=CANARY",
}

// paths returns every address, with everything that is here filled in.
func (s *site) paths(canaries []string) (all []string) {
	var names, ids, activities []string
	for _, r := range s.peek.Rows("actors", "objects", "outbox") {
		switch {
		case r.Table == "outbox":
			activities = append(activities, r.Values["uri"], r.Values["inner_uri"])
		case r.Table == "objects":
			ids = append(ids, r.Values["id"])
		case r.Values["local"] == "1":
			names, ids = append(names, r.Values["name"]), append(ids, r.Values["id"])
		case r.Values["host"] == "good.test": // others are alike, and there are many
			names = append(names, r.Values["name"]+"@"+r.Values["host"])
		}
	}
	// The newest are the ones that matter, and there are hundreds.
	slices.Sort(ids)
	ids = ids[max(0, len(ids)-12):]
	for _, page := range pages {
		switch {
		case strings.Contains(page, "NAME"):
			for _, name := range names {
				if strings.Contains(page, "ID") && name != "priv" && name != "ask" {
					continue
				}
				all = append(all, strings.ReplaceAll(strings.ReplaceAll(page, "NAME", name), "ID", ids[0]))
			}
		case strings.Contains(page, "ID"):
			for _, id := range ids {
				all = append(all, strings.ReplaceAll(page, "ID", id))
			}
		default:
			all = append(all, strings.ReplaceAll(page, "CANARY", canaries[0]))
		}
	}
	slices.Sort(activities)
	for _, uri := range slices.Compact(activities) {
		if path, ok := strings.CutPrefix(uri, base); ok {
			all = append(all, path)
		}
	}
	return all
}

// What is said among some is told to nobody else (AS-105 to AS-137).
func private(t *testing.T, s *site) {
	const missing = http.StatusNotFound
	anyone := &browser{s: s}
	s.add("exley")
	s.add("penny")
	s.command("", "community", "add", "--name", "side", "--title", "Side", "--owner", "omar") // he is a facilitator elsewhere
	s.command("", "community", "add", "--name", "ask", "--title", "Ask", "--owner", "olga", "--audience", "members", "--join", "approval")
	exley, penny := s.signIn("exley"), s.signIn("penny")
	exley.post("/c/priv/join", "reason", "to learn")
	reason := canary()
	penny.post("/c/ask/join", "reason", reason)

	c := make([]string, 8)
	for i := range c {
		c[i] = canary()
	}
	secret := s.ann.starts(priv, c[0], c[1])
	id := s.object(secret)["id"]
	s.ann.post("/post/"+id+"/reply", "text", c[2])
	s.ann.post("/post/"+id+"/edit", "title", c[0], "text", c[3])
	asked := s.olga.starts(base+"/c/ask", c[4], c[5])
	ours := s.ann.starts(local, c[6], c[7])
	said := s.alice.page("private", priv, canary())
	c = append(c, said["name"].(string))
	s.send(s.alice.say(s.alice.act("Create", "private", said.with(obj{"to": []string{priv, priv + "/followers"}}))))
	s.settle()
	if s.object(said["id"].(string)) == nil {
		t.Fatal("what Alice said among members did not arrive")
	}
	paths := s.paths(c)
	s.quiet(s.w.mark())

	// sweep asks for everything as somebody, and returns where they were told something.
	sweep := func(ask func(path string) []*letter, canaries []string) (told []string) {
		t.Helper()
		for _, path := range paths {
			for _, l := range ask(path) {
				got := s.send(l)
				word := leaked(got, slices.DeleteFunc(slices.Clone(canaries), func(c string) bool { return strings.Contains(path, c) })) // what is asked for may be repeated
				if word != "" || got.status >= 500 {
					told = append(told, fmt.Sprintf("%s %s (%s) is answered %d and tells %q", l.method, path, l.header("Accept"), got.status, word))
				}
			}
		}
		return told
	}
	nothing := func(name string, ask func(path string) []*letter, canaries []string) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			t.Helper()
			for _, line := range sweep(ask, canaries) {
				t.Error(line)
			}
		})
	}
	by := func(b *browser) func(string) []*letter {
		return func(path string) []*letter { return []*letter{b.letter(http.MethodGet, path)} }
	}
	signed := func(v *voice) func(string) []*letter {
		return func(path string) []*letter {
			return []*letter{v.ask(path)}
		}
	}
	unsigned := func(path string) []*letter {
		odd := question(path).set("Accept", "application/json").add("X-Forwarded-Host", "evil.test").add("X-Forwarded-For", "127.0.0.1").add("Accept-Language", "cy")
		head := question(path)
		head.method = http.MethodHead
		return []*letter{question(path), head, anyone.letter(http.MethodGet, path), odd}
	}
	t.Run("members are told", func(t *testing.T) { // or the rest proves nothing
		if n := len(sweep(by(s.ann), c[:4])); n < 5 {
			t.Errorf("Ann is told %d times", n)
		}
		if n := len(sweep(signed(s.alice), c[:4])); n < 3 {
			t.Errorf("Alice's server is told %d times", n)
		}
	})
	all := append(slices.Clone(c), reason)
	nothing("AS-106 an outsider is told nothing", by(s.omar), all)
	nothing("AS-109 somebody who waits is told nothing", by(penny), c)
	nothing("AS-110 nobody in particular is told nothing", unsigned, all)
	for _, v := range []*voice{s.dora, s.eve, s.mallory} {
		nothing("AS-110 "+v.host+" is told nothing", signed(v), all)
	}
	nothing("AS-133 a member's server is told nothing of what is for people here", signed(s.alice), c[6:8])

	{
		tags := make(map[string]string)
		for _, path := range paths {
			if tag := exley.get(path).header.Get("Etag"); tag != "" {
				tags[path] = tag
			}
		}
		exley.post("/c/priv/leave")
		if m := s.membership(priv, base+"/u/exley"); m != nil && m["state"] == "active" {
			t.Fatal("Exley is still in")
		}
		nothing("AS-107 somebody who was a member is told nothing", func(path string) []*letter {
			l := exley.letter(http.MethodGet, path)
			if tag := tags[path]; tag != "" && strings.HasPrefix(path, "/post/") {
				l.add("If-None-Match", tag)
			}
			return []*letter{l}
		}, c[:4])
	}

	t.Run("AS-112 nothing is done where one may not read", func(t *testing.T) {
		answer := ""
		for _, r := range s.peek.Rows("objects") {
			if r.Values["parent"] == id {
				answer = r.Values["id"]
			}
		}
		ann := s.actor(base + "/u/ann")["id"]
		for _, who := range []*browser{s.omar, penny, exley, anyone} {
			s.unmoved(t, limit{}, func() {
				for _, path := range []string{
					"/post/ID/reply", "/post/ID/edit", "/post/ID/delete", "/post/ID/restore", "/post/ID/send-again", "/post/ID/helpful", "/post/ID/helpful/undo", "/post/ID/close", "/post/ID/open", "/post/ID/pin", "/post/ID/unpin",
					"/comment/ANSWER/edit", "/comment/ANSWER/delete", "/comment/ANSWER/accept", "/comment/ANSWER/accept/undo", "/comment/ANSWER/helpful",
					"/c/priv/new", "/c/priv/ask", "/c/priv/members/ANN/facilitator", "/c/priv/members/ANN/ordinary", "/c/priv/members/ANN/block", "/c/priv/members/ANN/unblock",
					"/c/priv/facilitate/requests/ANN", "/c/priv/facilitate/settings", "/c/ask/facilitate/requests/ANN", "/admin/councils", "/admin/councils/good.test", "/admin/councils/good.test/test", "/admin/councils/good.test/agreement", "/admin/exchange",
				} {
					path = strings.NewReplacer("ID", id, "ANSWER", answer, "ANN", ann).Replace(path)
					got := who.post(path, "title", "x", "text", "x", "reason", "x", "answer", "accept", "decision", "block", "exchange", "off", "length", "week", "audience", "public")
					if got.status < 400 && got.status != http.StatusSeeOther || got.status >= 500 {
						t.Errorf("%s is answered %d", path, got.status)
					}
					if word := leaked(got, c); word != "" {
						t.Errorf("%s is answered %d and tells %q", path, got.status, word)
					}
				}
			})
		}
	})

	t.Run("AS-122 what is private and what is not there are alike", func(t *testing.T) {
		none := "1" + id[1:len(id)-1] + "7"
		for _, path := range []string{"/post/ID", "/comment/ID", "/post/ID/reply", "/post/ID/edit", "/post/ID/history", "/post/ID/delete", "/post/ID/close", "/post/ID/context", "/post/ID/replies"} {
			for name, ask := range map[string]func(string) *letter{
				"nobody": func(p string) *letter { return anyone.letter(http.MethodGet, p) }, "Omar": func(p string) *letter { return s.omar.letter(http.MethodGet, p) },
				"Omar, in Welsh": func(p string) *letter { return s.omar.letter(http.MethodGet, p).add("Accept-Language", "cy") },
				"unsigned":       question, "third.test": s.dora.ask,
			} {
				a, b := s.send(ask(strings.Replace(path, "ID", id, 1))), s.send(ask(strings.Replace(path, "ID", none, 1)))
				a.body, b.body = strings.ReplaceAll(a.body, id, none), strings.ReplaceAll(b.body, id, none)
				for _, h := range []http.Header{a.header, b.header} {
					h.Del("Date")
					h.Set("Location", strings.ReplaceAll(h.Get("Location"), id, none))
				}
				if a.status != b.status || a.body != b.body || fmt.Sprint(a.header) != fmt.Sprint(b.header) {
					t.Errorf("%s: to %s it is %d %v, and what is not there %d %v", path, name, a.status, a.header, b.status, b.header)
				}
			}
		}
	})

	t.Run("AS-116 what is looked for is not found", func(t *testing.T) {
		none := canary()
		for _, word := range []string{c[0], c[0][:12], c[1], c[4], "\"" + c[0] + "\""} {
			for _, path := range []string{"/communities?q=", "/communities?show=here&q=", "/search?q=", "/api/v2/search?q=", "/admin/councils?q="} {
				for name, who := range map[string]*browser{"nobody": anyone, "Omar": s.omar, "Exley": exley} {
					a, b := who.get(path+url.QueryEscape(word)), who.get(path+none)
					for _, form := range []string{html.EscapeString(word), url.QueryEscape(word), url.QueryEscape(url.QueryEscape(word))} {
						a.body = strings.ReplaceAll(a.body, form, none)
					}
					if a.status != b.status || a.body != b.body {
						t.Errorf("%s%s is answered %d to %s, and what nobody has said %d, or not alike", path, word, a.status, name, b.status)
					}
				}
			}
		}
	})

	t.Run("AS-115, AS-119 nobody is told how much there is", func(t *testing.T) {
		type asked struct {
			who  string
			path string
		}
		count := func() map[asked]string {
			all := make(map[asked]string)
			for _, path := range []string{"/nodeinfo/2.0", "/nodeinfo/2.1", "/communities", "/", "/u/ann", "/c/priv", "/c/priv/about", "/c/ask", "/c/ask/about", "/robots.txt", "/sitemap.xml", "/metrics", "/api/v1/instance"} {
				for name, l := range map[string]*letter{
					"nobody": anyone.letter(http.MethodGet, path), "Omar": s.omar.letter(http.MethodGet, path), "Exley": exley.letter(http.MethodGet, path), "unsigned": question(path), "third.test": s.dora.ask(path),
				} {
					all[asked{name, path}] = s.send(l).body
				}
			}
			return all
		}
		count() // what the pages tell once, they tell now
		before, letters := count(), len(s.peek.Rows("mails"))
		uri := s.ann.starts(priv, "How many", "words")
		s.ann.post(strings.TrimPrefix(uri, base)+"/reply", "text", "words")
		for at, body := range count() {
			// The list of communities begins with those in which something was said last, and
			// says on which day: that is for all to see, and all there is.
			if news := changed(strings.Split(before[at], "<"), strings.Split(body, "<")); news != "" {
				t.Errorf("%s reads otherwise to %s after something was said among members:\n%s", at.path, at.who, news)
			}
		}
		if n := len(s.peek.Rows("mails")); n != letters {
			t.Errorf("%d letters were written about it", n-letters)
		}
	})

	t.Run("AS-124 no address leads on to what it is called", func(t *testing.T) {
		for _, path := range []string{"/post/ID", "/post/ID/", "/post/ID/x", "/post/ID.json", "/posts/ID", "/p/ID", "/t/ID", "/comment/ID", "/@ann/ID", "/c/priv/post/ID", "/post/ID?embed", "/oembed?url=https%3A%2F%2Fcopse.test%2Fpost%2FID", "/sign-in?next=%2Fpost%2FID", "/post/ID/reply", "//post/ID"} {
			for name, who := range map[string]*browser{"nobody": anyone, "Omar": s.omar} {
				got := who.get(strings.ReplaceAll(path, "ID", id))
				if word := leaked(got, c); word != "" || got.status >= 500 {
					t.Errorf("%s is answered %d to %s and tells %q", path, got.status, name, word)
				}
			}
		}
	})

	t.Run("AS-121 answers that depend on who asks are kept by nobody", func(t *testing.T) {
		for name, got := range map[string]answer{
			"a member's server": s.send(s.alice.ask("/post/" + id)), "nobody": s.send(question("/post/" + id)), "Ann": s.ann.get("/post/" + id),
			"a bad signature": s.send(s.alice.ask("/c/priv/outbox").replace("Signature", `signature="`, `signature="AAAA`)), "an error": s.send(question("/c/none")),
		} {
			if got := got.header.Get("Cache-Control"); got != "private, no-store" && got != "private, no-cache" {
				t.Errorf("to %s it is %q", name, got)
			}
		}
		for _, path := range []string{"/c/pub", "/c/pub/about", "/communities"} {
			l := anyone.letter(http.MethodGet, path).add("X-Forwarded-Host", "poison.test").add("X-Forwarded-Proto", "http").add("Forwarded", "host=poison.test")
			if got := s.send(l); strings.Contains(got.body, "poison.test") {
				t.Errorf("%s says whatever host it is told", path)
			}
		}
	})

	t.Run("AS-131 a facilitator elsewhere, and an owner of the service", func(t *testing.T) {
		// Olga owns both places. Ann is an administrator of nothing.
		s.unmoved(t, limit{}, func() {
			for _, path := range []string{"/post/" + s.object(ours)["id"] + "/close", "/post/" + s.object(asked)["id"] + "/delete", "/c/priv/facilitate/settings"} {
				if got := s.omar.post(path, "reason", "x", "title", "x"); got.status < 400 {
					t.Errorf("%s is answered %d", path, got.status)
				}
			}
		})
	})

	t.Run("AS-133 what is for people here alone stays here", func(t *testing.T) {
		mark := s.w.mark()
		at := strings.TrimPrefix(ours, base)
		s.ann.post(at+"/reply", "text", "an answer")
		s.ann.post(at+"/edit", "title", c[6], "text", "changed")
		s.ann.post(at + "/helpful")
		s.olga.post(at+"/close", "reason", "enough")
		s.olga.post(at + "/pin")
		s.ann.post(at + "/delete")
		if asked := s.quiet(mark); len(asked) > 0 {
			t.Errorf("others were asked: %q", asked)
		}
		for _, path := range []string{at, "/c/local", "/c/local/outbox", "/c/local/followers", "/.well-known/webfinger?resource=acct:local@" + here} {
			for name, l := range map[string]*letter{"nobody": question(path), "good.test": s.alice.ask(path)} {
				if got := s.send(l); got.status != missing {
					t.Errorf("to %s %s is answered %d", name, path, got.status)
				}
			}
		}
	})

	t.Run("AS-134 fields that no form has", func(t *testing.T) {
		s.ann.post("/c/pub/new", "title", "More fields", "text", "x", "community", s.actor(priv)["id"], "community_id", s.actor(priv)["id"], "author", "1", "author_id", s.actor(base + "/u/olga")["id"],
			"audience", "members", "visibility", "direct", "role", "3", "pinned", "1", "pinned_globally", "1", "accepted", "1", "created_at", "2001-01-01", "published", "978307200000000", "id", "7", "likes", "99")
		o := s.row("objects", "title", "More fields")
		if o == nil || o["author"] != s.actor(base + "/u/ann")["id"] || o["community"] != s.actor(pub)["id"] || o["audience"] != "public" || o["likes"] != "0" || o["published"] < "1700000000000000" || o["id"] == "7" {
			t.Errorf("it is %v", o)
		}
		s.ann.post("/settings", "name", "olga", "title", "Ann", "role", "owner", "confirmed", "1", "email", "olga@"+here, "gone", "1", "vouched", "1", "language", "en")
		if a := s.row("accounts", "email", "ann@"+here); a == nil || a["role"] != "member" {
			t.Errorf("Ann is %v", a)
		}
	})

	t.Run("AS-136 a server whose last member is put out is told no more", func(t *testing.T) {
		s.olga.post("/c/priv/members/"+s.actor(s.alice.uri)["id"]+"/block", "length", "good", "reason", "enough")
		if m := s.membership(priv, s.alice.uri); m["state"] == "active" {
			t.Fatalf("Alice is %v", m)
		}
		s.quiet(s.w.mark())
		word := canary()
		after := s.ann.starts(priv, word, word)
		had := len(s.good.received("Announce"))
		s.ann.starts(pub, "After it", "words")
		s.until("what is public has been sent", func() bool { return len(s.good.received("Announce")) > had })
		s.good.mu.Lock()
		for _, d := range s.good.got {
			if strings.Contains(string(d.json()), word) {
				t.Errorf("it was sent %s", d.json())
			}
		}
		s.good.mu.Unlock()
		// Bob is on that server, and in nothing private.
		for _, v := range []*voice{s.alice, s.bob} {
			for _, uri := range []string{after, secret} {
				if got := s.send(v.ask(strings.TrimPrefix(uri, base))); got.status != missing {
					t.Errorf("%s is answered %d", uri, got.status)
				}
			}
		}
	})
}
