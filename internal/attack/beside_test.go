package attack

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// What somebody careful would send besides: each stands beside the case whose number
// it has.
func beside(t *testing.T, s *site) {
	const accepted, unauthorized, forbidden, malformed = http.StatusAccepted, http.StatusUnauthorized, http.StatusForbidden, http.StatusBadRequest
	now := time.Now().UTC().Format(time.RFC3339)
	all := []string{"(request-target)", "host", "date", "digest", "content-type"}
	// mine would have an effect if it were taken.
	mine := func(name string) *letter {
		return s.alice.say(s.alice.act("Create", name, s.alice.page(name, pub, "Ash")))
	}
	signed := func(names ...string) *letter { return s.alice.sign(mine("beside"), names...) }
	nine := func(c coverage) *letter { return s.alice.sign9421(mine("beside"), c) }
	params := s.alice.params()
	body := mine("beside").body
	// Of a name that is twice in the head, both values may be signed, or one.
	twice := func(name, value string) *letter { return s.alice.sign(mine("beside").add(name, value), all...) }

	for _, c := range []struct {
		name string
		l    *letter
		want int
		more int
	}{
		{"beside AS-002: covers the date alone", signed("date"), unauthorized, 0},
		{"beside AS-002: covers the target alone", signed("(request-target)"), unauthorized, 0},
		{"beside AS-002: not the host", signed("(request-target)", "date", "digest"), unauthorized, 0},
		{"beside AS-002: not the target", signed("host", "date", "digest"), unauthorized, 0},
		{"beside AS-002: no time", signed("(request-target)", "host", "digest"), unauthorized, 0},
		{"beside AS-002: a header twice", signed("(request-target)", "host", "date", "date", "digest"), unauthorized, 0},
		{"beside AS-002: a header that is not there", signed("(request-target)", "host", "date", "digest", "x-none"), unauthorized, 0},
		{"beside AS-002: itself", signed("(request-target)", "host", "date", "digest", "signature"), unauthorized, 0},
		{"beside AS-005: no digest", mine("beside").drop("Digest"), unauthorized, 0},
		{"beside AS-005: a digest of nothing known", s.alice.sign(mine("beside").set("Digest", "MD5=AAAA"), all...), unauthorized, malformed},
		{"beside AS-005: two digests, the right one last", twice("Digest", digest([]byte("other"))), unauthorized, malformed},
		{"beside AS-005: two digests in one", s.alice.sign(mine("beside").set("Digest", digest([]byte("other"))+","+digest(body)), all...), unauthorized, malformed},
		{"beside AS-005: another of the same sort", s.alice.sign(mine("beside").set("Digest", digest(body)+","+digest([]byte("other"))), all...), unauthorized, malformed},
		{"beside AS-008: good for ever", s.alice.signWith(mine("beside"), "created=9999999999,", "(request-target)", "(created)", "host", "digest"), unauthorized, 0},
		{"beside AS-008: created before there was time", s.alice.signWith(mine("beside"), "created=-1,", "(request-target)", "(created)", "host", "digest"), unauthorized, malformed},
		{"beside AS-008: a date that is none", s.alice.sign(mine("beside").set("Date", "yesterday"), all...), unauthorized, malformed},
		{"beside AS-011: two hosts", twice("Host", "evil.test"), malformed, unauthorized},
		{"beside AS-011: two dates", twice("Date", "Mon, 01 Jan 2024 00:00:00 GMT"), unauthorized, malformed},
		{"beside AS-011: one more in Authorization", mine("beside").add("Authorization", `Signature keyId="`+s.bob.keyID+`",headers="date",signature="AAAA"`), unauthorized, 0},
		{"beside AS-011: the algorithm none", mine("beside").replace("Signature", "rsa-sha256", "none"), unauthorized, malformed},
		{"beside AS-011: the algorithm hmac", mine("beside").replace("Signature", "rsa-sha256", "hmac-sha256"), unauthorized, malformed},
		{"beside AS-011: no signature in it", mine("beside").set("Signature", `keyId="`+s.alice.keyID+`",headers="(request-target) host date digest",signature=""`), unauthorized, malformed},
		{"beside AS-011: a quote within", mine("beside").replace("Signature", `keyId="`, `keyId="x\",keyId=\"`), unauthorized, malformed},
		{"beside AS-014: two signatures", nine(coverage{components: covered, params: params}).replace("Signature-Input", "sig1=", `sig2=("date");created=1;keyid="x", sig1=`), unauthorized, malformed},
		{"beside AS-014: a label twice", nine(coverage{components: covered, params: params}).replace("Signature-Input", "sig1=", `sig1=("date"), sig1=`), unauthorized, malformed},
		{"beside AS-014: two key ids", nine(coverage{components: covered, params: params + `;keyid="` + s.bob.keyID + `"`}), unauthorized, malformed},
		{"beside AS-014: a component twice", nine(coverage{components: append([]string{"@method"}, covered...), params: params}), unauthorized, malformed},
		{"beside AS-014: created as text", nine(coverage{components: covered, params: fmt.Sprintf(`;created="%d";keyid="%s"`, time.Now().Unix(), s.alice.keyID)}), unauthorized, malformed},
		{"beside AS-014: created tomorrow", nine(coverage{components: covered, params: fmt.Sprintf(`;created=%d;keyid="%s"`, time.Now().Unix()+86400, s.alice.keyID)}), unauthorized, malformed},
		{"beside AS-014: another body", func() *letter {
			l := nine(coverage{components: covered, params: params})
			l.body = append(l.body, ' ')
			return l
		}(), unauthorized, 0},
		{"beside AS-014: another digest, unsigned, as well", nine(coverage{components: covered, params: params}).add("Content-Digest", "sha-256=:AAAA:"), unauthorized, malformed},
		{"beside AS-020: another path by a header", s.alice.at("/c/pub/inbox", s.alice.act("Create", "beside", s.alice.page("beside", pub, "Ash")), "/c/priv/inbox").add("X-Forwarded-Path", "/c/pub/inbox").add("X-Original-URL", "/c/pub/inbox").add("X-Rewrite-URL", "/c/pub/inbox"), unauthorized, 0},
		{"beside AS-022: another host by a header", s.alice.sign(mine("beside").set("Host", "other.test"), all...).add("X-Forwarded-Host", here), unauthorized, 0},
		{"beside AS-022: ours by a header", s.alice.sign(mine("beside").set("Host", "other.test"), all...).set("Host", here).add("X-Forwarded-Host", "other.test"), unauthorized, 0},
		{"beside AS-022: another method", func() *letter {
			l := s.alice.sign(question("/inbox"), "(request-target)", "host", "date")
			l.method, l.body = http.MethodPost, body
			return l.set("Content-Type", activityJSON)
		}(), unauthorized, 0},
		{"beside AS-022: in plain http", mine("beside").replace("Signature", "https://good.test", "http://good.test"), unauthorized, 0},
	} {
		s.harmless(t, c.name, s.good, c.l, c.want, limit{more: c.more})
	}

	// Keys that are not where they say, or not whose.
	for name, keyID := range map[string]string{
		"an account": "acct:alice@good.test", "a script": "javascript:alert(1)", "data": "data:application/json,{}", "a name before the host": "https://good.test@evil.test/u/eve", "a relative address": "/u/alice#main-key",
		"an address as one number": "https://2130706433/u/x", "a short address": "https://127.1/u/x", "an address in hexadecimal": "https://0x7f.0.0.1/u/x", "an address in octal": "https://0177.0.0.1/u/x",
		"a zone": "https://[fe80::1%25lo]/u/x", "a tab": "https://evil.test/u\tx", "a very long one": "https://evil.test/" + strings.Repeat("x", 4096), "port 0": "https://evil.test:0/u/x", "a port too many": "https://evil.test:99999/u/x",
	} {
		s.harmless(t, "beside AS-017: a key that is "+name, nil, s.eve.as(keyID).say(s.eve.nothing("018")), unauthorized, limit{more: forbidden})
	}
	for _, host := range []string{"localhost", "copse.localhost", "localhost.", "evil.test:22", "evil.test:80", "evil.test:8443", "good.test:6379"} {
		v := *s.eve
		v.uri = "https://" + host + "/u/x"
		want := accepted
		if s.mode != "open" {
			want = forbidden
		}
		s.harmless(t, "beside AS-071: a key at "+host, nil, v.as(v.uri+"#k").say(v.nothing("075")), want, limit{looks: true, more: unauthorized})
	}
	thief := s.evil.actor("Person", "/u/thief", 4)
	s.evil.serve(thief.doc.with(obj{"publicKey": []obj{thief.doc["publicKey"].(obj), {"id": s.alice.keyID, "owner": thief.uri, "publicKeyPem": publicPEM(thief.key.Public())}}}))
	s.harmless(t, "beside AS-017: somebody lists another's key id as theirs", s.evil, thief.say(thief.nothing("017")), accepted, limit{asks: 4})
	only := s.evil.actor("Person", "/u/only", 4)
	s.evil.serve(only.doc.with(obj{"publicKey": obj{"id": s.alice.keyID, "owner": only.uri, "publicKeyPem": publicPEM(only.key.Public())}}))
	s.harmless(t, "beside AS-017: and nothing else", s.evil, only.say(only.nothing("017")), accepted, limit{asks: 4})
	forger := *s.alice
	forger.key = thief.key
	s.harmless(t, "beside AS-017: and then signs with it", s.good, forger.say(s.alice.act("Create", "beside", s.alice.page("beside", pub, "Ash"))), unauthorized, limit{})
	t.Run("beside AS-017: whose key it is keeps it", func(t *testing.T) {
		if got := s.send(s.alice.say(s.alice.nothing("kept"))); got.status != accepted {
			t.Errorf("Alice is answered %d %s", got.status, got.body)
		}
	})
	s.evil.serveAt("/u/mask", activityJSON, s.alice.doc.with(obj{"name": "Forged", "publicKey": obj{"id": s.alice.keyID, "owner": s.alice.uri, "publicKeyPem": publicPEM(s.eve.key.Public())}}))
	mask := *s.eve
	mask.uri = "https://evil.test/u/mask"
	s.harmless(t, "beside AS-034: a document of somebody on another server", s.evil, mask.as(mask.uri).say(mask.nothing("033")), accepted, limit{asks: 1})

	page := func(v *voice, name string) obj { return v.page("beside-"+name, pub, "Forged") }
	create := func(v *voice, name string, change obj) *letter {
		return v.say(v.act("Create", "beside-"+name, page(v, name).with(change)))
	}
	oak := s.row("objects", "title", "Oak")["uri"]
	elm := s.alice.uri + "/page/elm"
	for _, path := range []string{"https://good.test/beside/1", "https://good.test/beside/2"} {
		s.good.serveAt(strings.TrimPrefix(path, "https://good.test"), activityJSON, s.alice.page("x", pub, "Forged").with(obj{
			"id": map[bool]string{true: s.dora.uri + "/page/1", false: base + "/post/1"}[strings.HasSuffix(path, "1")],
		}))
	}
	s.good.answer("/beside/3", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "https://evil.test/beside/3", http.StatusFound)
	})
	s.evil.serveAt("/beside/3", activityJSON, s.alice.page("x", pub, "Forged").with(obj{"id": "https://good.test/beside/3"}))
	s.good.serve(s.alice.page("x", pub, "Forged").with(obj{"id": "https://good.test/beside/4", "attributedTo": s.bob.uri}))
	for _, c := range []struct {
		name string
		by   *voice
		l    *letter
		want int
		most limit
	}{
		{"beside AS-034: what calls itself something at another server", s.alice, s.alice.say(s.alice.act("Create", "b1", "https://good.test/beside/1")), accepted, limit{asks: 1}},
		{"beside AS-034: what calls itself something of ours", s.alice, s.alice.say(s.alice.act("Create", "b2", "https://good.test/beside/2")), accepted, limit{asks: 1}},
		{"beside AS-037: what is at another server now", s.alice, s.alice.say(s.alice.act("Create", "b3", "https://good.test/beside/3")), accepted, limit{asks: 1}},
		{"beside AS-038: fetched, and made by a colleague", s.alice, s.alice.say(s.alice.act("Create", "b4", "https://good.test/beside/4")), accepted, limit{asks: 1}},
		{"beside AS-038: made by oneself and another", s.alice, create(s.alice, "a1", obj{"attributedTo": []string{s.alice.uri, s.bob.uri}}), forbidden, limit{}},
		{"beside AS-038: made by another and oneself", s.alice, create(s.alice, "a2", obj{"attributedTo": []string{s.bob.uri, s.alice.uri}}), forbidden, limit{}},
		{"beside AS-038: made by nobody", s.alice, create(s.alice, "a3", obj{"attributedTo": nil}), forbidden, limit{}},
		{"beside AS-038: made by something embedded", s.alice, create(s.alice, "a4", obj{"attributedTo": obj{"id": s.bob.uri, "type": "Person"}}), forbidden, limit{}},
		{"beside AS-041: a colleague's words deleted", s.bob, s.bob.say(s.bob.act("Delete", "b5", elm)), forbidden, limit{}},
		{"beside AS-041: a colleague deleted", s.bob, s.bob.say(s.bob.act("Delete", "b6", s.alice.uri)), accepted, limit{noted: true}},
		{"beside AS-041: a community deleted", s.bob, s.bob.say(s.bob.act("Delete", "b7", pub)), accepted, limit{noted: true}},
		{"beside AS-041: what it is changed", s.alice, s.alice.say(s.alice.act("Update", "b8", s.alice.page("elm", pub, "Forged").with(obj{"type": "Person", "preferredUsername": "x", "updated": now}))), accepted, limit{asks: 2, more: forbidden}},
		{"beside AS-044: a colleague put out", s.bob, s.bob.say(s.bob.act("Undo", "b9", s.alice.act("Follow", "join-pub", pub))), forbidden, limit{}},
		{"beside AS-044: everything undone", s.bob, s.bob.say(s.bob.act("Undo", "b10", s.bob.act("Undo", "b11", s.bob.act("Like", "x", oak)))), accepted, limit{}},
		{"beside AS-049: announced: a Create by somebody at a third server", s.gardens, s.gardens.say(s.gardens.announces(s.dora.act("Create", "b12", s.dora.page("never", s.gardens.uri, "Forged")))), accepted, limit{asks: 2}},
		{"beside AS-049: announced: into a community of ours", s.gardens, s.gardens.say(s.gardens.announces(s.alice.act("Create", "b13", page(s.alice, "b13")))), accepted, limit{asks: 2, more: forbidden}},
		{"beside AS-049: announced: by one of ours", s.gardens, s.gardens.say(s.gardens.announces(obj{"id": base + "/activities/create/9", "type": "Create", "actor": base + "/u/ann", "object": obj{"id": base + "/post/9", "type": "Page", "attributedTo": base + "/u/ann", "name": "Forged", "to": []string{s.gardens.uri, public}}})), forbidden, limit{}},
		{"beside AS-049: announced within an announcement", s.gardens, s.gardens.say(s.gardens.announces(s.gardens.announces(s.dora.act("Create", "b14", s.dora.page("never", s.gardens.uri, "Forged"))))), accepted, limit{}},
		{"beside AS-049: announced: a thousand and one", s.gardens, s.gardens.say(s.gardens.announces(obj{"type": "OrderedCollection", "orderedItems": slices.Repeat([]obj{s.dora.act("Like", "x", oak)}, 1001)})), http.StatusRequestEntityTooLarge, limit{more: malformed}},
		{"beside AS-049: announced: from a blocked server", s.gardens, s.gardens.say(s.gardens.announces(s.mallory.act("Create", "b15", s.mallory.page("x", s.gardens.uri, "Forged")))), forbidden, limit{}},
		{"beside AS-049: announced: by its id, from a blocked server", s.gardens, s.gardens.say(s.gardens.announces("https://bad.test/x")), accepted, limit{}},
		{"beside AS-055: an answer that is above itself", s.alice, create(s.alice, "loop", obj{"type": "Note", "inReplyTo": s.alice.uri + "/page/beside-loop"}), accepted, limit{more: forbidden}},
		{"beside AS-094: a key twice", s.alice, s.alice.to("/inbox", []byte(strings.Replace(string(create(s.alice, "d1", nil).body), `"type":"Create"`, `"type":"Create","actor":"`+s.bob.uri+`"`, 1))), malformed, limit{}},
		{"beside AS-094: a key in another case", s.alice, s.alice.to("/inbox", []byte(strings.Replace(string(create(s.alice, "d2", nil).body), `"type":"Create"`, `"type":"Create","Actor":"`+s.bob.uri+`"`, 1))), malformed, limit{}},
		{"beside AS-094: a key written otherwise", s.alice, s.alice.to("/inbox", []byte(strings.Replace(string(create(s.alice, "d3", nil).body), `"type":"Create"`, `"type":"Create","\u0061ctor":"`+s.bob.uri+`"`, 1))), malformed, limit{}},
		{"beside AS-094: nothing", s.alice, s.alice.to("/inbox", nil), malformed, limit{more: unauthorized}},
		{"beside AS-094: a list", s.alice, s.alice.to("/inbox", []byte("[]")), malformed, limit{}},
	} {
		s.harmless(t, c.name, c.by.peer, c.l, c.want, c.most)
	}

	t.Run("beside AS-053: its own author shows it to others", func(t *testing.T) {
		said := s.alice.page("wider", priv, "Among members").with(obj{"to": []string{priv, priv + "/followers"}})
		s.send(s.alice.say(s.alice.act("Create", "wider", said)))
		s.send(s.alice.say(s.alice.act("Update", "wider", said.with(obj{"to": []string{priv, public}, "content": "<p>For all</p>", "updated": time.Now().UTC().Format(time.RFC3339)}))))
		s.settle()
		o := s.object(said["id"].(string))
		if o == nil || o["audience"] != "members" {
			t.Fatalf("it is %v", o)
		}
		for _, got := range []answer{(&browser{s: s}).get("/post/" + o["id"]), s.omar.get("/post/" + o["id"])} {
			if got.status != http.StatusNotFound {
				t.Errorf("it is answered %d", got.status)
			}
		}
	})
	t.Run("beside AS-037: a name that another server's document claims", func(t *testing.T) {
		s.good.serveAt("/.well-known/webfinger?resource=acct%3Axena%40good.test", "application/jrd+json", obj{
			"subject": "acct:xena@third.test", "links": []obj{{"rel": "self", "type": activityJSON, "href": s.dora.uri}},
		})
		if got := s.ann.post("/communities/find", "address", "@xena@good.test"); got.status < 400 && strings.Contains(got.header.Get("Location"), "xena") {
			t.Errorf("it leads to %s", got.header.Get("Location"))
		}
	})
	t.Run("beside AS-025: whoever asks and whose key cannot be had just now", func(t *testing.T) {
		v := *s.eve
		v.uri = "https://away.test/u/x"
		got := s.send(v.as(v.uri + "#k").ask("/c/pub/outbox"))
		switch {
		case s.mode != "open" && got.status != forbidden:
			t.Errorf("answered %d, want 403", got.status)
		case s.mode == "open" && (got.status != http.StatusServiceUnavailable || got.header.Get("Retry-After") == ""):
			t.Errorf("answered %d %q, want 503 and when to come back", got.status, got.header.Get("Retry-After"))
		}
	})

	// Requests that two programs could take for two different ones. Whatever is
	// answered, nothing comes of it.
	raw := func(change func(string) string) []byte { return []byte(change(string(mine("smuggled").bytes()))) }
	for name, request := range map[string][]byte{
		"two lengths": raw(func(r string) string {
			return strings.Replace(r, "Content-Length:", "Content-Length: 3\r\nContent-Length:", 1)
		}),
		"a length with a sign": raw(func(r string) string { return strings.Replace(r, "Content-Length: ", "Content-Length: +", 1) }),
		"a length and pieces": raw(func(r string) string {
			return strings.Replace(r, "Content-Length:", "Transfer-Encoding: chunked\r\nContent-Length:", 1)
		}),
		"pieces of another sort": raw(func(r string) string {
			return strings.Replace(r, "Content-Length:", "Transfer-Encoding: xchunked\r\nX-Length:", 1)
		}),
		"a space in a name":     raw(func(r string) string { return strings.Replace(r, "Signature: ", "Signature : ", 1) }),
		"no host":               raw(func(r string) string { return strings.Replace(r, "Host: "+here+"\r\n", "", 1) }),
		"another host in front": raw(func(r string) string { return strings.Replace(r, "POST /inbox", "POST https://evil.test/inbox", 1) }),
		"a method nobody knows": raw(func(r string) string { return strings.Replace(r, "POST /inbox", "PoST /inbox", 1) }),
		"an override": raw(func(r string) string {
			return strings.Replace(r, "POST /inbox", "GET /inbox", 1) + "X-HTTP-Method-Override: POST"
		}),
		"a bare line feed": raw(func(r string) string { return strings.Replace(r, "Host: ", "X: y\nDate: z\r\nHost: ", 1) }),
	} {
		t.Run("beside AS-098: "+name, func(t *testing.T) {
			s.unmoved(t, limit{}, func() {
				got, err := s.try(http.MethodPost, request)
				if err == nil && (got.status < 400 || got.status >= 500 && got.status != http.StatusNotImplemented && got.status != http.StatusHTTPVersionNotSupported) {
					t.Errorf("answered %d %s", got.status, got.body)
				}
			})
		})
	}

	for i, when := range []any{
		"0001-01-01T00:00:00Z", "0000-00-00T00:00:00Z", "1969-12-31T23:59:59Z", "9999-12-31T23:59:59Z", "292277026596-12-04T15:30:08Z", "-0001-01-01T00:00:00Z", "2026-02-30T00:00:00Z", "2026-01-01", "now", "", 0, 1e300, true, []string{"2026-01-01T00:00:00Z"}, obj{},
		"2026-01-01T00:00:00+99:99", "2026-01-01T24:00:00Z", "2026-01-01T00:00:60Z",
	} {
		t.Run(fmt.Sprintf("beside AS-065: a time that is %v", when), func(t *testing.T) {
			page := s.alice.page(fmt.Sprint("when-", i), pub, fmt.Sprint("When ", i)).with(obj{"published": when, "updated": when, "startTime": when, "endTime": when})
			if got := s.send(s.alice.say(s.alice.act("Create", fmt.Sprint("when-", i), page).with(obj{"published": when}))); got.status != accepted && got.status != malformed {
				t.Errorf("answered %d %s", got.status, got.body)
			}
			s.settle()
			o := s.object(page["id"].(string))
			if o == nil {
				return
			}
			var id, published int64
			fmt.Sscan(o["id"], &id)
			fmt.Sscan(o["published"], &published)
			if id <= 0 || time.UnixMicro(published).After(time.Now()) {
				t.Errorf("it has the number %d and was published at %v", id, time.UnixMicro(published))
			}
			for _, path := range []string{"/post/" + o["id"], "/c/pub/forum", "/c/pub", "/"} {
				if got := s.ann.get(path); got.status != http.StatusOK {
					t.Errorf("%s is answered %d", path, got.status)
				}
			}
		})
	}

	// What cannot be read in any way is not there, and never our fault.
	for _, path := range []string{
		"/u/a%00b", "/c/%ff%fe", "/c/a%00b@good.test", "/post/1%00", "/post/-1", "/post/99999999999999999999", "/post/0x1", "/activities/%ff/y", "/u/..%2f..%2fetc%2fpasswd", "/assets/..%2f..%2f..%2fcopse.db", "/assets/../../copse.db",
		"/c/pub/followers?is_follower=%ff", "/communities?q=%00%ff", "/communities?before=99999999999999999999", "/.well-known/webfinger?resource=acct:%00@copse.test", "/.well-known/webfinger?resource=" + strings.Repeat("a", 8000),
		"/c/" + strings.Repeat("a", 8000), "//evil.test/..", "/%2e%2e/%2e%2e/", "/sign-in?next=//evil.test", "/sign-in?next=%2f%5cevil.test",
	} {
		t.Run("beside AS-103: "+path[:min(len(path), 60)], func(t *testing.T) {
			s.unmoved(t, limit{}, func() {
				for _, l := range []*letter{question(path), s.ann.letter(http.MethodGet, path), s.dora.ask(path)} {
					if got := s.send(l); got.status >= 500 || strings.Contains(got.header.Get("Location"), "evil.test") && !strings.HasPrefix(got.header.Get("Location"), "/") {
						t.Errorf("answered %d %q", got.status, got.header.Get("Location"))
					}
				}
			})
		})
	}
}
