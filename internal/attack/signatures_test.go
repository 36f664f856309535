package attack

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// nothing is an activity by v that means nothing here, so that all there is to it is
// its signature.
func (v *voice) nothing(name string) obj { return v.act("Like", name, pub+"/nothing") }

// Signatures and keys (AS-001 to AS-032).
func signatures(t *testing.T, s *site) {
	const unauthorized, accepted = http.StatusUnauthorized, http.StatusAccepted
	title := "Ash"
	create := func(v *voice, name string) obj { return v.act("Create", name, v.page(name, pub, title)) }
	say := func() *letter { return s.alice.say(create(s.alice, "forged")) }
	all := []string{"(request-target)", "host", "date", "digest", "content-type"}
	dated := func(off time.Duration) *letter {
		l := say().set("Date", time.Now().Add(off).UTC().Format(http.TimeFormat))
		return s.alice.sign(l, all...)
	}
	nine := func(v *voice, c coverage) *letter { return v.sign9421(v.say(create(v, "forged")), c) }
	params := s.alice.params()
	hmacOf := func(text []byte) []byte {
		mac := hmac.New(sha256.New, []byte(publicPEM(s.alice.key.Public())))
		mac.Write(text)
		return mac.Sum(nil)
	}
	both := func(bad, other bool) *letter {
		v := s.alice
		l := v.say(create(v, "both"))
		cavage, digest := l.header("Signature"), l.header("Digest")
		if bad {
			cavage = strings.Replace(cavage, `signature="`, `signature="AAAA`, 1)
		}
		if other {
			v = s.bob
		}
		v.sign9421(l, coverage{components: covered, params: v.params()}).set("Digest", digest)
		return l.add("Signature", cavage)
	}

	for _, c := range []struct {
		name string
		from *peer
		l    *letter
		want int
	}{
		{"AS-001 unsigned", s.good, say().drop("Signature"), unauthorized},
		{"AS-002 no headers parameter", s.good, say().replace("Signature", `headers="`+strings.Join(all, " ")+`",`, ""), unauthorized},
		{"AS-002 an empty headers parameter", s.good, say().replace("Signature", strings.Join(all, " "), ""), unauthorized},
		{"AS-004 the digest is not covered", s.good, s.alice.sign(say(), "(request-target)", "host", "date"), unauthorized},
		{"AS-005 another body", s.good, func() *letter {
			l := say()
			l.body = []byte(strings.Replace(string(l.body), "Ash", "Elm", 1))
			return l
		}(), unauthorized},
		{"AS-005 another body, and its digest", s.good, func() *letter {
			l := say()
			l.body = []byte(strings.Replace(string(l.body), "Ash", "Elm", 1))
			return l.set("Digest", digest(l.body))
		}(), unauthorized},
		{"AS-007 thirteen hours old", s.good, dated(-13 * time.Hour), unauthorized},
		{"AS-007 two hours ahead", s.good, dated(2 * time.Hour), unauthorized},
		{"AS-007 expired", s.good, s.alice.signWith(say(), fmt.Sprintf("created=%d,expires=%d,", time.Now().Unix()-60, time.Now().Unix()-30), all...), unauthorized},
		{"AS-007 created in 2023", s.good, s.alice.signWith(say(), "created=1672531200,", "(request-target)", "(created)", "host", "digest", "content-type"), unauthorized},
		{"AS-010 two key ids", s.good, s.alice.say(create(s.bob, "two")).replace("Signature", `keyId="`, `keyId="`+s.bob.keyID+`",keyId="`), unauthorized},
		{"AS-010 two signatures in one", s.good, say().replace("Signature", `,signature="`, `,signature="AAAA",signature="`), unauthorized},
		{"AS-010 two lists of headers", s.good, say().replace("Signature", `headers="`, `headers="date",headers="`), unauthorized},
		{"AS-011 two signature lines", s.good, say().add("Signature", s.bob.say(create(s.bob, "two")).header("Signature")), unauthorized},
		{"AS-013 both schemes, one bad", s.good, both(true, false), unauthorized},
		{"AS-013 both schemes, two keys", s.good, both(false, true), unauthorized},
		{"AS-014 no @method", s.good, nine(s.alice, coverage{components: []string{"@target-uri", "content-digest"}, params: params}), unauthorized},
		{"AS-014 no target", s.good, nine(s.alice, coverage{components: []string{"@method", "content-digest"}, params: params}), unauthorized},
		{"AS-014 a target without its path", s.good, nine(s.alice, coverage{components: []string{"@method", "@authority", "content-digest"}, params: params}), unauthorized},
		{"AS-014 no content-digest", s.good, nine(s.alice, coverage{components: []string{"@method", "@target-uri"}, params: params}), unauthorized},
		{"AS-014 no created", s.good, nine(s.alice, coverage{components: covered, params: `;keyid="` + s.alice.keyID + `"`}), unauthorized},
		{"AS-014 expired", s.good, nine(s.alice, coverage{components: covered, params: fmt.Sprintf("%s;expires=%d", params, time.Now().Unix()-1)}), unauthorized},
		{"AS-014 hmac by the public key", s.good, nine(s.alice, coverage{components: covered, params: params + `;alg="hmac-sha256"`, by: hmacOf}), unauthorized},
		{"AS-014 a label that nothing signs", s.good, nine(s.alice, coverage{components: covered, params: params}).replace("Signature", "sig1", "sig2"), unauthorized},
		{"AS-020 signed as the path reads decoded", s.good, s.alice.at("/c/pub/inbox", create(s.alice, "slash"), "/c/pub%2Finbox"), http.StatusMethodNotAllowed},
		{"AS-020 signed as it stands", s.good, s.alice.at("/c/pub%2Finbox", create(s.alice, "slash"), ""), http.StatusMethodNotAllowed},
		{"AS-022 for another host", s.good, s.alice.sign(say().set("Host", "other.test"), all...), unauthorized},
		{"AS-022 for another host, by its head", s.good, s.alice.sign(say().set("Host", "other.test"), all...).set("Host", here), unauthorized},
		{"AS-028 a key of a blocked server", s.bad, s.mallory.say(create(s.mallory, "blocked")), http.StatusForbidden},
		{"AS-028 a key below a blocked server", s.bad, s.mallory.as("https://sub.bad.test/u/mallory#main-key").say(create(s.mallory, "blocked")), http.StatusForbidden},
		{"AS-056 an actor of ours", s.good, s.alice.say(create(s.alice, "ours").with(obj{"id": base + "/activities/create/1", "actor": base + "/u/ann"})), unauthorized},
		{"AS-056 a key of ours", s.good, s.alice.as(base + "/u/ann#main-key").say(create(s.alice, "ours").with(obj{"id": base + "/activities/create/2", "actor": base + "/u/ann"})), unauthorized},
	} {
		s.harmless(t, c.name, c.from, c.l, c.want, limit{more: map[bool]int{true: http.StatusForbidden}[strings.Contains(c.name, "an actor of ours")]})
	}

	t.Run("AS-007 half an hour old", func(t *testing.T) {
		l := s.alice.sign(s.alice.say(s.alice.nothing("old")).set("Date", time.Now().Add(-30*time.Minute).UTC().Format(http.TimeFormat)), all...)
		if got := s.send(l); got.status != accepted {
			t.Errorf("answered %d %s, want 202", got.status, got.body)
		}
	})
	t.Run("AS-008 once more", func(t *testing.T) {
		l := s.alice.say(create(s.alice, "once"))
		if got := s.send(l); got.status != accepted || s.object(s.alice.uri+"/page/once") == nil {
			t.Fatalf("answered %d %s, or nothing came of it", got.status, got.body)
		}
		s.quiet(s.w.mark())
		s.unmoved(t, limit{}, func() {
			if got := s.send(l); got.status != accepted || got.body != "" {
				t.Errorf("exactly the same is answered %d %q, want 202", got.status, got.body)
			}
			l.target = "/c/pub/inbox"
			if got := s.send(l); got.status != unauthorized {
				t.Errorf("at another address it is answered %d, want 401", got.status)
			}
		})
	})

	// Somebody signs with a key of their own what another is said to have done.
	topic := s.object(s.alice.uri + "/page/once")["uri"]
	for _, act := range []obj{
		create(s.alice, "016"), s.alice.act("Follow", "016", priv), s.alice.act("Like", "016", topic), s.alice.act("Delete", "016", topic),
		s.alice.act("Delete", "017", s.alice.uri), s.alice.act("Update", "016", s.alice.page("once", pub, "Forged").with(obj{"updated": time.Now().UTC().Format(time.RFC3339)})),
	} {
		for _, v := range []*voice{s.eve, s.bob} {
			forger := *s.alice
			forger.keyID, forger.key = v.keyID, v.key
			s.harmless(t, fmt.Sprintf("AS-016 %s by %s", act["type"], v.host), v.peer, forger.say(act), unauthorized, limit{more: http.StatusForbidden})
		}
	}

	// A key says whose it is, and its owner has to say so too. Whoever is not known is
	// heard and then looked up: what is not so comes to nothing.
	key := func(id, owner string) obj {
		return obj{"id": id, "type": "Key", "owner": owner, "publicKeyPem": publicPEM(s.eve.key.Public())}
	}
	s.evil.serve(key("https://evil.test/k17", s.alice.uri))
	before := s.actor(s.alice.uri)
	s.harmless(t, "AS-017 a key that says it is another's, for them", s.evil, s.eve.as("https://evil.test/k17").say(create(s.alice, "017")), unauthorized, limit{more: http.StatusForbidden})
	s.harmless(t, "AS-017 a key that says it is another's, for oneself", s.evil, s.eve.as("https://evil.test/k17").say(create(s.eve, "017")), accepted, limit{asks: 1})
	if after := s.actor(s.alice.uri); after["fetched"] != before["fetched"] || after["public_key"] != before["public_key"] {
		t.Errorf("AS-017: Alice was looked up again: %v, was %v", after, before)
	}
	dave := s.evil.actor("Person", "/u/dave", 5)
	s.send(dave.say(dave.nothing("known")))
	s.quiet(s.w.mark())
	before = s.actor(dave.uri)
	k1 := "https://evil.test/k1"
	s.evil.serveAt("/k1", activityJSON, key(dave.keyID, dave.uri))
	s.harmless(t, "AS-019 a key under another address", s.evil, s.eve.as(k1).say(create(dave, "019")), accepted, limit{asks: 2})
	if after := s.actor(dave.uri); after["public_key"] != before["public_key"] || after["key_id"] != before["key_id"] {
		t.Errorf("AS-019: the key that is known has changed: %v, was %v", after, before)
	}

	for name, text := range map[string]string{
		"RSA of 512 bits": rsaPEM(512, 65537), "RSA of 16,384 bits": rsaPEM(16384, 65537), "RSA with the exponent 1": rsaPEM(2048, 1),
		"DSA": dsaPEM(), "broken PEM": "-----BEGIN PUBLIC KEY-----\nAAAA\n", "no PEM": "hello", "a private key": "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
	} {
		v := s.evil.actor("Person", "/u/"+slug(name), 4)
		s.evil.serve(v.doc.with(obj{"publicKey": obj{"id": v.keyID, "owner": v.uri, "publicKeyPem": text}}))
		s.harmless(t, "AS-023 "+name, s.evil, v.say(create(v, "023")), accepted, limit{asks: 2, cpu: 500 * time.Millisecond})
	}
	many := make([]obj, 1000)
	v := s.evil.actor("Person", "/u/thousand", 4)
	for i := range many {
		many[i] = obj{"id": fmt.Sprint(v.uri, "#key-", i), "owner": v.uri, "publicKeyPem": publicPEM(keys()[0].Public())}
	}
	s.evil.serve(v.doc.with(obj{"publicKey": many}))
	s.harmless(t, "AS-023 a thousand keys", s.evil, v.as(v.uri+"#key-999").say(create(v, "023")), accepted, limit{asks: 2, cpu: 500 * time.Millisecond})

	for path, fn := range map[string]http.HandlerFunc{
		"gone":    func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusGone) },
		"missing": http.NotFound,
		"loop": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/u/loop", http.StatusMovedPermanently)
		},
		"round": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, map[string]string{"": "/u/round?1", "1": "/u/round"}[r.URL.RawQuery], http.StatusMovedPermanently)
		},
		"html": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			w.Write([]byte("<p>Hello")) // whoever asks may go away
		},
	} {
		v := s.evil.actor("Person", "/u/"+path, 4)
		s.evil.answer("/u/"+path, fn)
		s.evil.answer("/u/"+path+"?1", fn)
		s.harmless(t, "AS-025 a key that is "+path, s.evil, v.say(create(v, "025")), accepted, limit{asks: 3})
		s.harmless(t, "AS-025 the owner of a key that is "+path+" is gone", s.evil, v.say(v.act("Delete", "025", v.uri)), accepted, limit{})
	}

	t.Run("AS-026 a thousand strangers are gone", func(t *testing.T) {
		want := accepted
		if s.mode != "open" {
			want = http.StatusForbidden
		}
		s.unmoved(t, limit{}, func() {
			l := s.eve.say(s.eve.nothing("026"))
			signature := l.header("Signature") // nobody gets as far as to look whether it fits
			for i := range 1000 {
				uri := fmt.Sprintf("https://stranger%d.test/u/x", i)
				l.body = obj{"id": uri + "#delete", "type": "Delete", "actor": uri, "object": uri}.json()
				l.set("Digest", digest(l.body)).set("Signature", strings.Replace(signature, s.eve.keyID, uri+"#main-key", 1))
				if got := s.send(l); got.status != want {
					t.Fatalf("answered %d %s, want %d", got.status, got.body, want)
				}
			}
		})
	})

	linked := create(s.alice, "029").with(obj{"signature": obj{
		"type": "RsaSignature2017", "creator": s.alice.keyID, "created": "2026-01-01T00:00:00Z", "signatureValue": "AAAA",
	}})
	s.harmless(t, "AS-029 passed on with a linked data signature", s.third, s.dora.say(linked), unauthorized, limit{more: http.StatusForbidden})
	for _, word := range []string{"@graph", "@reverse", "@included"} {
		s.harmless(t, "AS-029 passed on, with "+word, s.third, s.dora.say(linked.with(obj{word: []obj{create(s.alice, "029")}})), http.StatusBadRequest, limit{})
		s.harmless(t, "AS-029 one's own, with "+word, s.good, s.alice.say(create(s.alice, "029").with(obj{word: []obj{{"id": "https://good.test/x"}}})), http.StatusBadRequest, limit{})
	}

	t.Run("AS-032 nothing tells a private key", func(t *testing.T) {
		for _, path := range []string{"/", "/u/ann", "/c/pub"} {
			got := s.send(question(path))
			if got.status != http.StatusOK || !strings.Contains(got.body, "BEGIN PUBLIC KEY") || strings.Contains(got.body, "PRIVATE") {
				t.Errorf("%s is answered %d %s", path, got.status, got.body)
			}
		}
		err := filepath.WalkDir(s.data, func(path string, d os.DirEntry, err error) error {
			if err != nil {
				return err
			}
			about, err := d.Info()
			if err == nil && about.Mode().Perm()&0o077 != 0 {
				t.Errorf("others may do %v with %s", about.Mode().Perm(), path)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})

	t.Run("AS-031 sent elsewhere by the answer to a delivery", func(t *testing.T) {
		status := map[string]int{"open": http.StatusTemporaryRedirect, "allow-list": http.StatusPermanentRedirect}[s.mode]
		mark, had := s.w.mark(), len(s.good.received("Announce"))
		s.good.meet(func(w http.ResponseWriter) {
			w.Header().Set("Location", "https://evil.test/inbox")
			w.WriteHeader(status)
		})
		topic := s.ann.starts(pub, "Sent elsewhere", "words")
		s.until("good.test has been asked", func() bool { return len(s.good.received("Announce")) > had })
		s.good.meet(nil)
		s.until("it comes after all, and so had failed", func() bool {
			n := 0
			for _, d := range s.good.received("Announce") {
				if strings.Contains(string(d.json()), topic) {
					n++
				}
			}
			return n > 1
		})
		if asked := s.w.since(mark); strings.Contains(strings.Join(asked, "\n"), "evil.test") {
			t.Errorf("%d was followed: %q", status, asked)
		}
	})
}

// at signs an activity for one path, and sends it to another unless that is "".
func (v *voice) at(path string, act obj, target string) *letter {
	l := v.to(path, act.json())
	if target != "" {
		l.target = target
	}
	return l
}

// rsaPEM returns an RSA key of a size and exponent that no library makes. Nobody has
// the other half.
func rsaPEM(bits, exponent int) string {
	n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), uint(bits-1)))
	if err != nil {
		panic(err)
	}
	n.SetBit(n, bits-1, 1).SetBit(n, 0, 1)
	return spki(asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}, asn1.NullRawValue, struct {
		N *big.Int
		E int
	}{n, exponent})
}

func dsaPEM() string {
	n := big.NewInt(1<<40 + 1)
	return spki(asn1.ObjectIdentifier{1, 2, 840, 10040, 4, 1}, struct{ P, Q, G *big.Int }{n, n, n}, n)
}

// spki writes a SubjectPublicKeyInfo (RFC 5280).
func spki(algorithm asn1.ObjectIdentifier, params, key any) string {
	must := func(v any) []byte {
		b, err := asn1.Marshal(v)
		if err != nil {
			panic(err)
		}
		return b
	}
	if raw, ok := params.(asn1.RawValue); !ok {
		params = asn1.RawValue{FullBytes: must(params)}
	} else {
		params = raw
	}
	b := must(key)
	der := must(struct {
		Algorithm struct {
			ID     asn1.ObjectIdentifier
			Params asn1.RawValue
		}
		Key asn1.BitString
	}{struct {
		ID     asn1.ObjectIdentifier
		Params asn1.RawValue
	}{algorithm, params.(asn1.RawValue)}, asn1.BitString{Bytes: b, BitLength: 8 * len(b)}})
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}
