package attack

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

// What is read, and what is refused before it is (AS-093 to AS-104).
func parsing(t *testing.T, s *site) {
	const malformed, tooLarge = http.StatusBadRequest, http.StatusRequestEntityTooLarge
	good := s.alice.act("Create", "parsing", s.alice.page("parsing", pub, "Ash")).json()
	swap := func(from, to string) []byte { return bytes.Replace(good, []byte(from), []byte(to), 1) }
	member := func(name, value string) []byte { return swap(`"type":"Create"`, `"type":"Create","`+name+`":`+value) }
	wide := utf16.Encode([]rune(string(good)))
	utf16BE := []byte{0xfe, 0xff}
	for _, unit := range wide {
		utf16BE = append(utf16BE, byte(unit>>8), byte(unit))
	}
	var many strings.Builder
	for i := range 1001 {
		fmt.Fprintf(&many, `%s"k%d":1`, map[bool]string{true: ","}[i > 0], i)
	}
	for _, c := range []struct {
		name string
		body []byte
	}{
		{"AS-094 an object after the end", append(bytes.Clone(good), "{}"...)},
		{"AS-094 a byte order mark", append([]byte("\ufeff"), good...)},
		{"AS-094 UTF-16", utf16BE},
		{"AS-094 no UTF-8", swap("Ash", "\xff\xfe")},
		{"AS-094 an overlong character", swap("Ash", "\xc0\xaf")},
		{"AS-094 NUL", swap("Ash", `\u0000`)},
		{"AS-094 NUL, as it is", swap("Ash", "\x00")},
		{"AS-094 half a pair", swap("Ash", `\ud800`)},
		{"AS-094 the other half", swap("Ash", `\udc00x`)},
		{"AS-095 nested 65 deep", member("x", strings.Repeat("[", 64)+strings.Repeat("]", 64))},
		{"AS-095 1e400", member("x", "1e400")},
		{"AS-095 2^63", member("x", "9223372036854775808")},
		{"AS-095 -0", member("x", "-0")},
		{"AS-095 a list of 100,000", member("x", "["+strings.Repeat("1,", 99_999)+"1]")},
		{"AS-095 1,001 keys", member("x", "{"+many.String()+"}")},
		{"AS-029 a graph", member("@graph", "[]")},
		{"AS-103 an actor on no host", bytes.ReplaceAll(good, []byte(`"actor":"https://good.test`), []byte(`"actor":"https://good%2etest`))},
	} {
		s.harmless(t, c.name, s.good, s.alice.to("/inbox", c.body), malformed, limit{cpu: 500 * time.Millisecond})
	}
	for name, change := range map[string]func(*letter) *letter{
		"plain text":    func(l *letter) *letter { return l.set("Content-Type", "text/plain") },
		"a form":        func(l *letter) *letter { return l.set("Content-Type", "multipart/form-data; boundary=x") },
		"no type":       func(l *letter) *letter { return l.drop("Content-Type") },
		"HTML":          func(l *letter) *letter { return l.set("Content-Type", "text/html") },
		"two types":     func(l *letter) *letter { return l.set("Content-Type", "text/plain, application/activity+json") },
		"a broken type": func(l *letter) *letter { return l.set("Content-Type", "application/activity+json; =") },
	} {
		s.harmless(t, "AS-097 "+name, s.good, change(s.alice.to("/inbox", good)), http.StatusUnsupportedMediaType, limit{})
		s.harmless(t, "AS-097 "+name+" from a stranger", s.evil, change(s.eve.to("/inbox", good)), http.StatusUnsupportedMediaType, limit{})
	}
	large := bytes.Repeat([]byte(" "), 1<<20+1)
	announced, chunked := s.alice.to("/inbox", large), s.alice.to("/inbox", large)
	announced.half, chunked.chunked = true, true
	began := time.Now()
	s.harmless(t, "AS-098 a megabyte and a byte announced, and not sent", s.good, announced, tooLarge, limit{})
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("AS-098: it took %v, as if it had been waited for", took)
	}
	s.harmless(t, "AS-098 a megabyte and a byte in pieces", s.good, chunked, tooLarge, limit{})
	s.harmless(t, "AS-098 a megabyte and a byte, unsigned", s.evil, s.eve.to("/inbox", large).drop("Signature"), tooLarge, limit{})
	s.harmless(t, "AS-098 100 KB of headers", s.good, s.alice.to("/inbox", good).add("X-Padding", strings.Repeat("x", 100<<10)), http.StatusRequestHeaderFieldsTooLarge, limit{})

	lists := func(n, tags, attached int) obj {
		o := obj{"to": []string{pub, public}}
		for i := 2; i < n; i++ {
			o["to"] = append(o["to"].([]string), fmt.Sprint("https://good.test/u/", i))
		}
		for name, n := range map[string]int{"tag": tags, "attachment": attached} {
			var all []obj
			for i := range n {
				all = append(all, obj{"type": "Link", "href": fmt.Sprint("https://good.test/x/", i)})
			}
			o[name] = all
		}
		return o
	}
	for _, c := range []struct {
		name   string
		change obj // of the activity
		object obj
		title  string // as it is kept; "" if it is refused
	}{
		{"AS-100 200 characters of title", nil, obj{"name": strings.Repeat("ŵ", 200)}, strings.Repeat("ŵ", 200)},
		{"AS-100 201 characters of title", nil, obj{"name": strings.Repeat("ŵ", 201)}, strings.Repeat("ŵ", 200)},
		{"AS-100 pictures in a title", nil, obj{"name": strings.Repeat("🌳", 250)}, strings.Repeat("🌳", 200)},
		{"AS-100 256 recipients", lists(256, 0, 0), nil, "At the limit"},
		{"AS-100 257 recipients", lists(257, 0, 0), nil, ""},
		{"AS-100 64 tags", lists(2, 64, 0), nil, "At the limit"},
		{"AS-100 65 tags", lists(2, 65, 0), nil, ""},
		{"AS-100 32 attachments", lists(2, 0, 32), nil, "At the limit"},
		{"AS-100 33 attachments", lists(2, 0, 33), nil, ""},
		{"AS-100 256 KiB of content", nil, obj{"content": "<p>" + strings.Repeat("x", 256<<10-7) + "</p>"}, "At the limit"},
		{"AS-100 more than 256 KiB of content", nil, obj{"content": "<p>" + strings.Repeat("x", 256<<10) + "</p>"}, ""},
	} {
		page := s.alice.page(slug(c.name), pub, "At the limit").with(c.object)
		act := s.alice.act("Create", slug(c.name), page).with(c.change)
		if c.title == "" {
			s.harmless(t, c.name, s.good, s.alice.say(act), malformed, limit{})
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			got := s.send(s.alice.say(act))
			s.settle()
			o := s.object(page["id"].(string))
			if o == nil {
				t.Fatalf("answered %d %s, and it is not here", got.status, got.body)
			}
			if o["title"] != c.title || !utf8.ValidString(o["title"]+o["html"]) {
				t.Errorf("its title is %q, want %q", o["title"], c.title)
			}
		})
	}
	t.Run("AS-100 500 characters of a name", func(t *testing.T) {
		v := s.good.actor("Person", "/u/long", 2)
		s.good.serve(v.doc.with(obj{"name": strings.Repeat("ŵ", 501), "summary": strings.Repeat("ŵ", 30<<10)}))
		s.send(v.say(v.nothing("100")))
		s.settle()
		a := s.actor(v.uri)
		if a["title"] != strings.Repeat("ŵ", 500) || !utf8.ValidString(a["summary"]) || utf8.RuneCountInString(a["summary"]) > 20<<10 {
			t.Errorf("it is %d characters, and %d of summary", utf8.RuneCountInString(a["title"]), utf8.RuneCountInString(a["summary"]))
		}
	})

	t.Run("AS-103 one server, however it is written", func(t *testing.T) {
		s.unmoved(t, limit{}, func() {
			for _, host := range []string{"bad.test", "BAD.TEST", "bad.test.", "bad.test:443", "ｂａｄ.test", "bad。test", "sub.bad.test", "bad%2Etest", "xn--bad.test", "bad.test%00.good.test", "bad.test\\@good.test"} {
				for _, address := range []string{"!x@" + host, "https://" + host + "/c/x", "@x@" + host} {
					if got := s.ann.post("/communities/find", "address", address); got.status < 400 || got.status >= 500 {
						t.Errorf("%s is answered %d", address, got.status)
					}
				}
			}
		})
	})
	for _, host := range []string{"GOOD.TEST", "good.test.", "good.test:443", "ｇｏｏｄ.test"} {
		act := s.alice.act("Like", "103", pub+"/nothing").with(obj{"actor": "https://" + host + "/u/alice"})
		s.harmless(t, "AS-103 an actor on "+host, s.good, s.alice.say(act), http.StatusUnauthorized, limit{more: http.StatusForbidden})
	}
}
