package httpsig

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"
)

// keys are one of each kind we sign with.
func keys(t testing.TB) map[string]Key {
	t.Helper()
	rsaKey, _ := alice(t)
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]Key{"RSA": rsaKey, "Ed25519": {aliceKey, private}}
}

// A real client and a real server, on plain http with a port: what is signed is
// what comes off the wire, whatever the path and query, and it still verifies
// after a night in the database.
func TestWhatWeSignAPeerVerifies(t *testing.T) {
	all := keys(t)
	for _, c := range []struct {
		name   string
		scheme Scheme
		key    Key
	}{
		{"draft-cavage with RSA", Cavage, all["RSA"]},
		{"RFC 9421 with RSA", RFC9421, all["RSA"]},
		{"RFC 9421 with Ed25519", RFC9421, all["Ed25519"]},
	} {
		t.Run(c.name, func(t *testing.T) {
			key := c.key
			key.ID = "http://council-a.example:8801/u/alice#main-key"
			var host string
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, err := io.ReadAll(r.Body)
				if err != nil {
					t.Error(err)
				}
				s, err := Policy{Host: host, Scheme: "http"}.Parse(r, body)
				if err != nil {
					t.Errorf("%s %s: Parse = %v", r.Method, r.RequestURI, err)
					return
				}
				if s.KeyID != key.ID || s.Scheme != c.scheme {
					t.Errorf("%s: read key %s, scheme %d", r.RequestURI, s.KeyID, s.Scheme)
				}
				parked, err := json.Marshal(s)
				if err != nil {
					t.Error(err)
				}
				var read Signature
				if err := json.Unmarshal(parked, &read); err != nil {
					t.Error(err)
				}
				if !reflect.DeepEqual(&read, s) || read.Hash() != s.Hash() {
					t.Errorf("JSON made\n%+v of\n%+v", read, s)
				}
				if err := read.Verify(key.Private.Public()); err != nil {
					t.Errorf("%s %s: Verify = %v", r.Method, r.RequestURI, err)
				}
			}))
			defer server.Close()
			u, err := url.Parse(server.URL)
			if err != nil {
				t.Fatal(err)
			}
			host = u.Host

			for _, target := range []string{"/inbox", "", "/c/trees?page=2&q=a%2Fb+c", "/users/caf%C3%A9", "/users/café", "/a%20b;c,d", "/x?", `/q?<"&'>`} {
				for _, method := range []string{"GET", "POST"} {
					body := ""
					if method == "POST" {
						body = follow
					}
					r, err := http.NewRequest(method, server.URL+target, strings.NewReader(body))
					if err != nil {
						t.Fatal(err)
					}
					if method == "POST" {
						r.Header.Set("Content-Type", `application/ld+json; profile="https://www.w3.org/ns/activitystreams"`)
					}
					if err := Sign(r, key, c.scheme, digestOf(method, body), time.Now()); err != nil {
						t.Fatalf("%s %s: Sign = %v", method, target, err)
					}
					resp, err := server.Client().Do(r)
					if err != nil {
						t.Fatal(err)
					}
					resp.Body.Close()
				}
			}
		})
	}
}

// Pleroma and Akkoma sign Content-Length, which net/http might have taken away.
func TestContentLengthCanBeSigned(t *testing.T) {
	key, public := alice(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		if got := reason(Policy{Host: "council-b.example", Now: atNoon}, r, string(body), public); got != "" {
			t.Errorf("refused for %s", got)
		}
	}))
	defer server.Close()
	r := request("POST", "/inbox")
	r.Header.Set("Content-Length", strconv.Itoa(len(follow)))
	signCavageAs(t, r, key, `algorithm="rsa-sha256",`, "(request-target) content-length date digest host", "/inbox")
	u, err := url.Parse(server.URL + "/inbox")
	if err != nil {
		t.Fatal(err)
	}
	r.RequestURI, r.URL = "", u
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader(follow)), int64(len(follow))
	resp, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
}

func TestSigningAgainStartsAfresh(t *testing.T) {
	key, public := alice(t)
	r, err := http.NewRequest("POST", "https://council-b.example/inbox", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/activity+json")
	seen := map[[32]byte]bool{}
	for attempt, scheme := range []Scheme{Cavage, RFC9421, Cavage, RFC9421} {
		at := noon.Add(time.Duration(attempt) * time.Second)
		if err := Sign(r, key, scheme, digestOf("POST", follow), at); err != nil {
			t.Fatal(err)
		}
		p := Policy{Host: "council-b.example", Now: func() time.Time { return at }}
		s, err := p.Parse(r, []byte(follow))
		if err != nil {
			t.Fatalf("attempt %d: Parse = %v", attempt, err)
		}
		if err := s.Verify(public); err != nil || s.Scheme != scheme {
			t.Errorf("attempt %d: scheme %d, Verify = %v", attempt, s.Scheme, err)
		}
		if seen[s.Hash()] {
			t.Errorf("attempt %d has the signature of an earlier one", attempt)
		}
		seen[s.Hash()] = true
	}
}

func TestHashDoesNotDependOnWhatIsUnsigned(t *testing.T) {
	key, _ := alice(t)
	p := Policy{Host: "council-b.example", Now: atNoon}
	hash := func(rewrite func(string) string) [32]byte {
		r := request("POST", "/inbox")
		signCavageAs(t, r, key, `algorithm="rsa-sha256",`, mastodon, "/inbox")
		r.Header.Set("Signature", rewrite(r.Header.Get("Signature")))
		s, err := p.Parse(r, []byte(follow))
		if err != nil {
			t.Fatal(err)
		}
		return s.Hash()
	}
	plain := hash(func(s string) string { return s })
	if plain != hash(func(s string) string { return strings.ReplaceAll(s, `",`, `", `) + `,x="y"` }) {
		t.Error("spelling makes it another signature")
	}
	if plain != hash(func(s string) string { return strings.Replace(s, "#main-key", "?x#main-key", 1) }) {
		t.Error("the key's name makes it another signature")
	}
}

func TestSignRefusesWhatPeersWouldRefuse(t *testing.T) {
	all := keys(t)
	digest := digestOf("POST", follow)
	for _, c := range []struct {
		name, method, url, contentType string
		key                            Key
		scheme                         Scheme
		digest                         *[32]byte
	}{
		{"a POST without digest", "POST", "https://council-b.example/inbox", "application/activity+json", all["RSA"], Cavage, nil},
		{"a GET with one", "GET", "https://council-b.example/inbox", "", all["RSA"], Cavage, digest},
		{"a POST without content type", "POST", "https://council-b.example/inbox", "", all["RSA"], Cavage, digest},
		{"draft-cavage with Ed25519", "POST", "https://council-b.example/inbox", "application/activity+json", all["Ed25519"], Cavage, digest},
		{"no host", "GET", "/inbox", "", all["RSA"], Cavage, nil},
		{"a host that the client would rewrite", "GET", "https://münchen.example/u/a", "", all["RSA"], Cavage, nil},
		{"a key without a URL", "GET", "https://council-b.example/", "", Key{"main-key", all["RSA"].Private}, Cavage, nil},
		{"a key id that ends its quotes", "GET", "https://council-b.example/", "", Key{`https://a.example/",algorithm="hs2019`, all["RSA"].Private}, Cavage, nil},
	} {
		r, err := http.NewRequest(c.method, c.url, nil)
		if err != nil {
			t.Fatal(err)
		}
		if c.contentType != "" {
			r.Header.Set("Content-Type", c.contentType)
		}
		if err := Sign(r, c.key, c.scheme, c.digest, noon); err == nil {
			t.Errorf("%s: signed", c.name)
		}
		if r.Header.Get("Signature") != "" {
			t.Errorf("%s: left a signature", c.name)
		}
	}
}

// Ed25519 is for RFC 9421 alone; a key that can prove nothing is refused even if
// the signature, by its own lights, is right.
func TestKeysThatDoNotVerify(t *testing.T) {
	all := keys(t)
	r := request("POST", "/inbox")
	signCavageAs(t, r, all["RSA"], `algorithm="hs2019",`, mastodon, "/inbox")
	p := Policy{Host: "council-b.example", Now: atNoon}
	s, err := p.Parse(r, []byte(follow))
	if err != nil {
		t.Fatal(err)
	}
	s.Value = ed25519.Sign(all["Ed25519"].Private.(ed25519.PrivateKey), text(s.Signed))
	if err := s.Verify(all["Ed25519"].Private.Public()); !errors.Is(err, ErrMismatch) {
		t.Errorf("draft-cavage by Ed25519: Verify = %v, want ErrMismatch", err)
	}
	for name, c := range map[string]struct {
		key  crypto.PublicKey
		want string
	}{
		"Ed25519":       {all["Ed25519"].Private.Public(), "signature_mismatch"},
		"nil":           {nil, "key_type_refused"},
		"bytes":         {[]byte("secret"), "key_type_refused"},
		"short Ed25519": {ed25519.PublicKey("short"), "key_type_refused"},
	} {
		if got := reason(p, r, follow, c.key); got != c.want {
			t.Errorf("%s: refused for %q, want %q", name, got, c.want)
		}
	}
}

func TestMalformedTargetIsTheRequestsFault(t *testing.T) {
	for _, target := range []string{"*", "inbox", "/in box", "/in\nbox", "/inb\xf6x"} {
		r := &http.Request{Method: "POST", RequestURI: target, URL: &url.URL{Path: "*"}, Host: "council-b.example", Header: http.Header{}}
		if strings.HasPrefix(target, "/") {
			r.URL.Path = "/"
		}
		_, err := Policy{Host: "council-b.example"}.Parse(r, nil)
		if !isReason(err, "request_target_malformed") {
			t.Errorf("%q: Parse = %v, want request_target_malformed", target, err)
		}
	}
}

// Peers are told the reason; it must not carry what they sent or what we know.
func TestReasonsAreFixedWords(t *testing.T) {
	for _, header := range []string{"SECRET", `keyId="SECRET",headers="SECRET",signature="AAAA"`, `keyId="https://a.example/",headers="SECRET",signature="AAAA"`} {
		r := request("POST", "/inbox")
		r.Header.Set("Signature", header)
		_, err := Policy{Host: "council-b.example", Now: atNoon}.Parse(r, nil)
		if err == nil || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%s: error %v", header, err)
		}
	}
	_, err := ParsePrivateKey("-----BEGIN PRIVATE KEY-----\nSECRET\n-----END PRIVATE KEY-----\n")
	if err == nil || strings.Contains(err.Error(), "SECRET") {
		t.Errorf("ParsePrivateKey: error %v", err)
	}
}
