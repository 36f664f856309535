package attack

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

// special are addresses of which nothing may be asked: one or more of every network
// that IANA's registries call special, and of what is written to look like another.
var special = []string{
	"127.0.0.1", "127.1.2.3", "0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.127.255.254", "169.254.169.254", "172.16.0.1", "172.31.255.254",
	"192.0.0.8", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
	"::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "::10.0.0.1", "64:ff9b::a00:1", "64:ff9b:1::1", "100::1", "2001::1", "2001:db8::1",
	"2002:a00:1::1", "3fff::1", "5f00::1", "fc00::1", "fd12:3456::1", "fe80::1", "fec0::1", "ff02::1",
}

// What others have the program ask, and of whom (AS-071 to AS-092).
func fetching(t *testing.T, s *site) {
	const accepted, forbidden = http.StatusAccepted, http.StatusForbidden
	stranger := accepted // how those are answered who are not known, and not on the list
	if s.mode != "open" {
		stranger = forbidden
	}
	// by is somebody at a host who signs with a key that has to be fetched.
	by := func(host, path string) *voice {
		v := *s.eve
		v.uri = "https://" + host + path
		return v.as(v.uri + "#main-key")
	}
	// only sees that nothing in a log went anywhere but to a peer.
	only := func(t *testing.T, asked []string, peers ...*peer) {
		t.Helper()
		for _, line := range connections(asked) {
			if !slices.ContainsFunc(peers, func(p *peer) bool { return line == "tcp "+netip.AddrPortFrom(p.at, 443).String() }) {
				t.Errorf("connected: %s", line)
			}
		}
	}

	t.Run("AS-071 special addresses", func(t *testing.T) {
		s.unmoved(t, limit{looks: true}, func() {
			for i, text := range special {
				at := netip.MustParseAddr(text)
				name := fmt.Sprintf("special%d.test", i)
				s.w.give(name, s.evil, at)
				literal := text
				if at.Is6() {
					literal = "[" + text + "]"
				}
				for _, host := range []string{name, literal} {
					v := by(host, "/u/x")
					if got := s.send(v.say(v.nothing("071"))); got.status != stranger {
						t.Errorf("%s is answered %d %s, want %d", host, got.status, got.body, stranger)
					}
				}
			}
		})
	})
	t.Run("AS-071 a public address", func(t *testing.T) {
		mark := s.w.mark()
		s.w.give("public.test", s.evil, netip.MustParseAddr("2600::1"))
		v := by("public.test", "/u/x")
		s.send(v.say(v.nothing("071")))
		if asked := s.quiet(mark); (len(requests(asked)) > 0) != (s.mode == "open") {
			t.Errorf("asked %q", asked) // or the others prove nothing
		}
	})
	t.Run("AS-073 a name that leads elsewhere the second time", func(t *testing.T) {
		for i, private := range []string{"127.0.0.1", "10.0.0.73", "fd00::73"} {
			name := fmt.Sprintf("rebind%d.test", i)
			p := s.w.peer(name, "9.2.0.9", false)
			again := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Connection", "close") // so that it has to be looked up again
				p.ServeHTTP(w, r)
			})
			s.w.give(name, again, p.at, netip.MustParseAddr(private))
			v := p.actor("Person", "/u/x", 4)
			mark := s.w.mark()
			s.send(v.say(v.nothing("073")))
			only(t, s.quiet(mark), p)
		}
	})

	for i, to := range []string{
		"https://10.0.0.1/u/x", "https://special4.test/u/x", "http://good.test/u/alice", "http://evil.test/u/x", "file:///etc/passwd", "gopher://evil.test/", "data:application/json,{}",
		"//127.0.0.1/u/x", "https://evil.test:8443/u/x", "https://evil.test@10.0.0.1/", "https://third.test/u/dora",
	} {
		path := fmt.Sprintf("/u/redirect%d", i)
		s.evil.answer(path, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", to)
			w.WriteHeader(http.StatusFound)
		})
		v := by("evil.test", path)
		mark := s.w.mark()
		// Nothing that was meant for one server, such as a signature, goes to another.
		s.harmless(t, map[bool]string{true: "AS-089", false: "AS-074"}[strings.Contains(to, "third.test")]+" a redirect to "+to, s.evil, v.say(v.nothing("074")), accepted, limit{asks: 1})
		only(t, s.w.since(mark), s.evil)
	}

	t.Run("AS-076 addresses in documents", func(t *testing.T) {
		mark := s.w.mark()
		bad := "https://special4.test/x"
		for name, change := range map[string]obj{
			"inbox": {"inbox": bad}, "shared": {"endpoints": obj{"sharedInbox": bad}}, "outbox": {"outbox": bad}, "followers": {"followers": bad}, "featured": {"featured": bad},
			"icon": {"icon": obj{"type": "Image", "url": bad}}, "image": {"image": obj{"type": "Image", "url": bad}}, "url": {"url": bad}, "generator": {"generator": bad},
			"attributed": {"attributedTo": bad}, "moved": {"movedTo": bad, "alsoKnownAs": []string{bad}}, "attachment": {"attachment": []obj{{"type": "PropertyValue", "name": "x", "value": `<a rel="me" href="` + bad + `">x</a>`}}},
		} {
			v := s.evil.actor("Person", "/u/in-"+name, 4)
			s.evil.serve(v.doc.with(change))
			s.send(v.say(v.nothing("076")))
		}
		full := s.alice.page("076", pub, "Full of addresses").with(obj{
			"replies": bad, "context": bad, "icon": bad, "image": obj{"type": "Image", "url": bad}, "url": bad, "preview": bad,
			"attachment": []obj{{"type": "Link", "href": bad}, {"type": "Document", "mediaType": "image/png", "url": bad}}, "tag": []obj{{"type": "Mention", "href": bad, "name": "@x@special4.test"}},
			"content": `<p>See ` + bad + ` <a href="` + bad + `">x</a> <img src="` + bad + `"></p>`,
		})
		if got := s.send(s.alice.say(s.alice.act("Create", "076", full))); got.status != accepted {
			t.Errorf("answered %d %s", got.status, got.body)
		}
		// Whom somebody here asks for.
		for _, address := range []string{"https://10.0.0.1/c/x", "!x@10.0.0.1", "!x@special4.test", "https://special4.test/c/x", "https://[::1]/c/x", "http://good.test/c/x", "https://good.test:6379/c/x", "https://u:p@good.test/c/x", "https://127.1/c/x", "https://2130706433/", "https://0x7f.1/", "https://localhost/c/x"} {
			if got := s.ann.post("/communities/find", "address", address); got.status < 400 {
				t.Errorf("%s is answered %d", address, got.status)
			}
		}
		// What a server says about itself leads elsewhere.
		p := s.w.peer("about.test", "9.2.0.10", false)
		p.serveAt("/.well-known/nodeinfo", "application/json", obj{"links": []obj{
			{"rel": "http://nodeinfo.diaspora.software/ns/schema/2.1", "href": bad}, {"rel": "http://nodeinfo.diaspora.software/ns/schema/2.0", "href": "data:application/json,{}"},
			{"rel": "https://www.w3.org/ns/activitystreams#Application", "href": bad},
		}})
		v := p.actor("Person", "/u/x", 4)
		s.send(v.say(v.nothing("076")))
		only(t, s.quiet(mark), s.evil, s.good, p)
	})

	t.Run("AS-077 what nobody in particular may have fetched", func(t *testing.T) {
		nobody := &browser{s: s}
		s.unmoved(t, limit{}, func() {
			for _, path := range []string{
				"/authorize_interaction?uri=https%3A%2F%2Fgood.test%2Fc%2Fx", "/authorize_interaction?uri=acct%3Ax%40good.test", "/api/v2/search?q=https%3A%2F%2Fgood.test%2Fc%2Fx&resolve=true",
				"/.well-known/webfinger?resource=acct%3Ax%40good.test", "/.well-known/webfinger?resource=https%3A%2F%2Fgood.test%2Fu%2Fx", "/communities?q=https%3A%2F%2Fgood.test%2Fc%2Fx", "/communities?q=!x%40good.test",
				"/c/x@good.test", "/u/x@good.test", "/c/pub/followers?is_follower=https%3A%2F%2Fgood.test%2Fu%2Fx", "/media/proxy?url=https%3A%2F%2Fgood.test%2Fx.png",
			} {
				if got := nobody.get(path); got.status >= 500 {
					t.Errorf("%s is answered %d", path, got.status)
				}
				if got := s.send(question(path)); got.status >= 500 {
					t.Errorf("%s is answered %d", path, got.status)
				}
			}
			if got := nobody.post("/communities/find", "address", "!x@good.test"); got.status != http.StatusUnauthorized {
				t.Errorf("to find a community is answered %d, want 401", got.status)
			}
		})
	})

	for name, of := range bombs() {
		s.evil.answer("/u/"+name, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", activityJSON)
			w.Header().Set("Content-Encoding", of.encoding)
			for range of.times {
				if _, err := w.Write(of.text); err != nil {
					return // whoever asks has had enough
				}
			}
		})
		v := by("evil.test", "/u/"+name)
		before := s.memory()
		s.harmless(t, "AS-080 "+name, s.evil, v.say(v.nothing("080")), accepted, limit{asks: 1, cpu: time.Second})
		if grown := s.memory() - before; grown > 64<<20 {
			t.Errorf("AS-080: %s has taken %d MiB", name, grown>>20)
		}
	}

	deep := func(text string) []byte { return bytes.Repeat([]byte(text), (1<<20-100)/len(text)) }
	for name, body := range map[string][]byte{
		"brackets": append([]byte(`{"a":`), deep("[")...), "open objects": deep(`{"a":1,`), "nested objects": deep(`{"a":`), "one object": append(append([]byte(`{"a":1`), deep(`,"a":1`)...), '}'),
		"a list": append(append([]byte(`{"a":[1`), deep(`,1`)...), "]}"...), "one string": append(append([]byte(`{"a":"`), deep(`\\`)...), `"}`...),
	} {
		want := http.StatusBadRequest
		s.harmless(t, "AS-082 a megabyte of "+name, s.good, s.alice.to("/inbox", body), want, limit{cpu: 500 * time.Millisecond})
		path := "/u/" + slug(name)
		s.good.answer(path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", activityJSON)
			w.Write(body) // whoever asks may go away
		})
		s.harmless(t, "AS-082 fetched: a megabyte of "+name, s.good, s.alice.say(s.alice.act("Create", "082-"+slug(name), "https://good.test"+path)), accepted, limit{asks: 2, cpu: 500 * time.Millisecond})
	}
	for name, soup := range map[string]string{
		"attributes": "<a " + strings.Repeat("a=b ", 60_000) + ">x</a>", "elements": strings.Repeat("<b>", 80_000), "broken": strings.Repeat("<a<b<c", 40_000), "tables": strings.Repeat("<table><tr><td>", 16_000),
		"entities": strings.Repeat("&amp", 60_000),
	} {
		t.Run("AS-082 a soup of "+name, func(t *testing.T) {
			began := s.cpu()
			act := s.alice.act("Create", "soup-"+name, s.alice.page("soup-"+name, pub, "Soup").with(obj{"content": soup}))
			if got := s.send(s.alice.say(act)); got.status != accepted && got.status != http.StatusBadRequest {
				t.Errorf("answered %d %s", got.status, got.body)
			}
			s.settle()
			if spent := s.cpu() - began; spent > time.Second {
				t.Errorf("it cost %v of the processor", spent)
			}
		})
	}

	t.Run("AS-083 an endless collection", func(t *testing.T) {
		flood := s.good.actor("Group", "/c/flood", 3)
		items := make([]string, 5000)
		for i := range items {
			items[i] = fmt.Sprintf("https://third.test/flood/%d", i)
		}
		s.good.serve(obj{
			"id": flood.uri + "/outbox", "type": "OrderedCollection", "totalItems": 1_000_000_000, "first": flood.uri + "/outbox", "next": flood.uri + "/outbox", "orderedItems": items,
		})
		mark := s.w.mark()
		s.joins(flood)
		asked := requests(s.quiet(mark))
		pages := 0
		for _, line := range asked {
			if strings.Contains(line, "/outbox") {
				pages++
			}
		}
		if pages > 5 || len(asked) > 220 {
			t.Errorf("asked %d times, of that %d for pages", len(asked), pages)
		}
	})

	t.Run("AS-085 a hundred activities that name a hundred addresses each", func(t *testing.T) {
		s.unmoved(t, limit{asks: 1000}, func() {
			for i := range 100 {
				var names []string
				var tags, attached []obj
				for j := range 100 {
					uri := fmt.Sprintf("https://third.test/named/%d/%d", i, j)
					if names = append(names, uri); j < 60 {
						tags = append(tags, obj{"type": "Mention", "href": uri, "name": "@x@third.test"})
					}
					if j < 30 {
						attached = append(attached, obj{"type": "Link", "href": uri})
					}
				}
				page := s.alice.page(fmt.Sprint("085-", i), "https://third.test/c/none", "Names").with(obj{"to": names, "tag": tags, "attachment": attached, "inReplyTo": names[0]})
				if got := s.send(s.alice.say(s.alice.act("Create", fmt.Sprint("085-", i), page).with(obj{"cc": names, "tag": tags}))); got.status != accepted {
					t.Fatalf("answered %d %s", got.status, got.body)
				}
			}
		})
	})

	// What a known person says of strangers has nobody ask them anything.
	unknown := "https://stranger.test/u/x"
	s.alice.serve(s.alice.doc.with(obj{"icon": obj{"type": "Image", "url": "https://stranger.test/x.png"}}))
	strange := map[string]obj{
		"a mention":     s.alice.act("Create", "091-1", s.alice.page("091-1", "https://good.test/c/none", "x").with(obj{"to": []string{unknown, public}, "tag": []obj{{"type": "Mention", "href": unknown, "name": "@x@stranger.test"}}})),
		"an answer":     s.alice.act("Create", "091-2", s.alice.note("091-2", "https://good.test/c/none", "https://stranger.test/post/1", "x")),
		"a preview":     s.alice.act("Create", "091-3", s.alice.page("091-3", "https://good.test/c/none", "x").with(obj{"attachment": []obj{{"type": "Link", "href": "https://stranger.test/"}}, "preview": "https://stranger.test/p"})),
		"a mark":        s.alice.act("Like", "091", "https://stranger.test/post/1"),
		"a move":        s.alice.act("Move", "091", s.alice.uri).with(obj{"target": unknown}),
		"an Announce":   s.alice.act("Announce", "091", "https://stranger.test/post/1"),
		"an invitation": s.alice.act("Invite", "091", unknown),
	}
	if s.mode == "open" {
		delete(strange, "a move") // it is asked whether it says so too
	}
	for name, act := range strange {
		s.harmless(t, "AS-091 "+name, s.good, s.alice.say(act), accepted, limit{})
	}
	if s.mode == "allow-list" {
		for name, l := range map[string]*letter{
			"a key":            by("stranger.test", "/u/x").say(by("stranger.test", "/u/x").nothing("091")),
			"a question":       by("stranger.test", "/u/x").ask("/c/pub"),
			"a signed listing": by("stranger.test", "/u/x").ask("/c/pub/outbox"),
		} {
			want := forbidden
			if name == "a question" {
				want = http.StatusOK // actors are for everybody
			}
			s.harmless(t, "AS-091 "+name, nil, l, want, limit{})
		}
		s.harmless(t, "AS-091 what a stranger made, passed on", s.good, s.gardens.say(s.gardens.announces(obj{
			"id": "https://stranger.test/1", "type": "Create", "actor": unknown, "object": obj{"id": "https://stranger.test/2", "type": "Page", "attributedTo": unknown, "name": "x", "to": []string{s.gardens.uri, public}},
		})), forbidden, limit{})
		s.harmless(t, "AS-091 what a stranger made, by its id", s.good, s.gardens.say(s.gardens.announces("https://stranger.test/3")), accepted, limit{})
		s.harmless(t, "AS-091 what a stranger made, as one's own", s.good, s.alice.say(s.alice.act("Create", "091-4", "https://stranger.test/4")), accepted, limit{})
	}
	s.alice.serve(s.alice.doc)
}

// A bomb is a document that is larger than it looks.
type bomb struct {
	encoding string
	text     []byte
	times    int
}

func bombs() map[string]bomb {
	zeros := make([]byte, 10<<20)
	var zipped, twice, deflated bytes.Buffer
	z := gzip.NewWriter(&zipped)
	z.Write(zeros) // to memory
	z.Close()
	z = gzip.NewWriter(&twice)
	z.Write(bytes.Repeat(zipped.Bytes(), 100))
	z.Close()
	d, err := flate.NewWriter(&deflated, 9)
	if err != nil {
		panic(err)
	}
	d.Write(zeros)
	d.Close()
	return map[string]bomb{
		"gzip": {"gzip", zipped.Bytes(), 1000}, "gzip-in-gzip": {"gzip, gzip", twice.Bytes(), 1}, "deflate": {"deflate", deflated.Bytes(), 1},
		"br": {"br", zipped.Bytes(), 1}, "plain": {"identity", zeros, 10},
	}
}

// What is so at the end. Servers that hold whoever asks them (AS-079), or cannot be
// understood, are asked again and again from here on.
func ending(t *testing.T, s *site) {
	t.Run("beside AS-080: an answer that is all head", func(t *testing.T) {
		s.evil.answer("/u/head", func(w http.ResponseWriter, _ *http.Request) {
			for i := range 200 {
				w.Header().Set(fmt.Sprint("X-", i), strings.Repeat("x", 1000))
			}
		})
		v := *s.eve
		v.uri = "https://evil.test/u/head"
		before := s.memory()
		s.send(v.as(v.uri).say(v.nothing("081")))
		s.quiet(s.w.mark())
		if grown := s.memory() - before; grown > 64<<20 {
			t.Errorf("it has taken %d MiB", grown>>20)
		}
	})
	t.Run("AS-079 servers that never end", func(t *testing.T) {
		if s.mode != "open" {
			t.Log("strangers are not asked: see AS-091")
			return
		}
		for i := range 50 {
			at := netip.MustParseAddr(fmt.Sprintf("9.5.0.%d", i+1))
			s.w.give(fmt.Sprintf("stall%d.test", i), http.HandlerFunc(s.drip), at)
			if i%2 == 0 {
				s.w.mu.Lock()
				s.w.raw[at] = s.stall
				s.w.mu.Unlock()
			}
		}
		for i := range 50 {
			v := *s.eve
			v.uri = fmt.Sprintf("https://stall%d.test/u/x", i)
			if got := s.send(v.as(v.uri + "#main-key").say(v.nothing("079"))); got.status != http.StatusAccepted {
				t.Errorf("answered %d %s", got.status, got.body)
			}
		}
		had := len(s.good.received("Announce"))
		began := time.Now()
		s.ann.starts(pub, "Meanwhile", "words")
		s.until("good.test has what was said meanwhile", func() bool { return len(s.good.received("Announce")) > had })
		if took := time.Since(began); took > 8*time.Second { // not as long as they are waited for
			t.Errorf("it took %v", took)
		}
		page := s.alice.page("meanwhile", pub, "Meanwhile, elsewhere")
		if got := s.send(s.alice.say(s.alice.act("Create", "meanwhile", page))); got.status != http.StatusAccepted || s.object(page["id"].(string)) == nil {
			t.Errorf("what came meanwhile is answered %d, or is not there", got.status)
		}
		for range 45 {
			select {
			case held := <-s.held:
				if held > 12*time.Second {
					t.Errorf("one held us for %v", held)
				}
			case <-time.After(20 * time.Second):
				t.Fatal("they have held us for 20 seconds")
			}
		}
	})
	t.Run("the program is as it was", func(t *testing.T) {
		// Whatever came, it goes on; and it has asked nobody but those it may.
		page := s.alice.page("after-all", pub, "After all")
		if got := s.send(s.alice.say(s.alice.act("Create", "after-all", page))); got.status != http.StatusAccepted || s.object(page["id"].(string)) == nil {
			t.Errorf("answered %d, or it is not here", got.status)
		}
	})
	t.Run("AS-088 a proxy is not used, and no special address was ever connected to", func(t *testing.T) {
		for _, line := range connections(s.w.since(0)) {
			if !strings.HasPrefix(line, "tcp 9.") && !strings.HasPrefix(line, "tcp [2600::1]:443") || !strings.HasSuffix(line, ":443") {
				t.Errorf("connected: %s", line)
			}
		}
	})
}

// drip sends a byte now and then, for as long as anybody listens.
func (s *site) drip(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	w.Header().Set("Content-Type", activityJSON)
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		w.Write([]byte(" ")) // the context tells if nobody listens
		w.(http.Flusher).Flush()
		select {
		case <-tick.C:
		case <-r.Context().Done():
			s.heldFor(time.Since(began))
			return
		}
	}
}

// stall reads what is said, answers nothing, and tells how long it was listened to.
func (s *site) stall(c net.Conn) {
	defer c.Close()
	began := time.Now()
	io.Copy(io.Discard, c) // until the other end has had enough
	s.heldFor(time.Since(began))
}

func (s *site) heldFor(d time.Duration) {
	select {
	case s.held <- d:
	default: // enough are known
	}
}
