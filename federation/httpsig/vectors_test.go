package httpsig

import (
	"crypto"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// vectors is a file of signed requests made by openssl, not by us.
type vectors struct {
	Key struct {
		ID      string `json:"keyId"`
		Public  string `json:"publicKeyPem"`
		Private string `json:"privateKeyPem"`
	} `json:"key"`
	Vectors []vector `json:"vectors"`
}

type vector struct {
	Name, Method, URL, Body, Expect string
	Headers                         map[string]string
	Input                           string `json:"signature_input_header"`
	Signature                       string `json:"signature_header"`
	ValidAt                         int64  `json:"valid_at"`
}

func readVectors(t testing.TB, path string) vectors {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return v
}

// alice is the key of the vectors. Other tests use it too: making one is slow.
func alice(t testing.TB) (Key, crypto.PublicKey) {
	t.Helper()
	v := readVectors(t, "testdata/openssl.json")
	private, err := ParsePrivateKey(v.Key.Private)
	if err != nil {
		t.Fatal(err)
	}
	return Key{v.Key.ID, private}, private.Public()
}

func (v vector) request() *http.Request {
	r := httptest.NewRequest(v.Method, v.URL, strings.NewReader(v.Body))
	for name, value := range v.Headers {
		if name != "host" {
			r.Header.Set(name, value)
		}
	}
	r.Header.Set("Signature", v.Signature)
	if v.Input != "" {
		r.Header.Set("Signature-Input", v.Input)
	}
	return r
}

// reason is why a request is not taken, or "" if it is.
func reason(p Policy, r *http.Request, body string, key crypto.PublicKey) string {
	s, err := p.Parse(r, []byte(body))
	if err == nil {
		err = s.Verify(key)
	}
	if err == nil {
		return ""
	}
	var e *Error
	if !errors.As(err, &e) {
		return "not an *Error: " + err.Error()
	}
	return e.Reason
}

func TestPublishedVectors(t *testing.T) {
	paths := []string{"testdata/openssl.json"}
	shared := filepath.Join("..", "..", "..", "shared", "fixtures", "signature-vectors", "http-signatures-generated.json")
	if _, err := os.Stat(shared); err == nil {
		paths = append(paths, shared)
	} else {
		t.Log("the shared vectors, refusals among them, are not here: only our own copy is tried")
	}
	for _, path := range paths {
		file := readVectors(t, path)
		key, err := ParsePublicKey(file.Key.Public)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range file.Vectors {
			t.Run(filepath.Base(path)+"/"+v.Name, func(t *testing.T) {
				r := v.request()
				p := Policy{Host: r.Host, Now: func() time.Time { return time.Unix(v.ValidAt, 0) }}
				why := reason(p, r, v.Body, key)
				if taken := why == ""; taken != (v.Expect == "accept") {
					t.Errorf("taken: %v (%s), want %s", taken, why, v.Expect)
				}
			})
		}
	}
}

func TestWeSignByteForByteAsPublished(t *testing.T) {
	file := readVectors(t, "testdata/openssl.json")
	key, _ := alice(t)
	signed := 0
	for _, v := range file.Vectors {
		scheme, ours := RFC9421, v.Input != "" && !strings.Contains(v.Input, "@authority")
		if v.Input == "" {
			post := strings.Contains(v.Signature, `algorithm="rsa-sha256",headers="(request-target) host date digest content-type"`)
			get := strings.Contains(v.Signature, `headers="(request-target) host date"`) && v.Name != "get-with-query-signed-without-query"
			scheme, ours = Cavage, post || get
		}
		if !ours {
			continue // another peer's habit
		}
		signed++
		r, err := http.NewRequest(v.Method, v.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		if v.Body != "" {
			r.Header.Set("Content-Type", v.Headers["content-type"])
		}
		if err := Sign(r, key, scheme, digestOf(v.Method, v.Body), time.Unix(v.ValidAt, 0)); err != nil {
			t.Fatalf("%s: %v", v.Name, err)
		}
		if got := r.Header.Get("Signature"); got != v.Signature {
			t.Errorf("%s: Signature is\n%s, want\n%s", v.Name, got, v.Signature)
		}
		if got := r.Header.Get("Signature-Input"); got != v.Input {
			t.Errorf("%s: Signature-Input is\n%s, want\n%s", v.Name, got, v.Input)
		}
		for _, name := range []string{"date", "digest", "content-digest"} {
			if want, given := v.Headers[name]; given && r.Header.Get(name) != want {
				t.Errorf("%s: %s is %q, want %q", v.Name, name, r.Header.Get(name), want)
			}
		}
	}
	if signed != 4 {
		t.Errorf("%d vectors are in our own shape, want 4", signed)
	}
}

// The appendix's example covers less than our policy asks for and names its key
// by a word, so this is about the signature base and Ed25519 alone.
func TestRFC9421AppendixB26(t *testing.T) {
	b, err := os.ReadFile("testdata/rfc9421-b26.json")
	if err != nil {
		t.Fatal(err)
	}
	var v struct {
		Method, Host, Target, Signature string
		Headers                         map[string]string
		Base                            string `json:"signature_base"`
		Input                           string `json:"signature_input"`
		Public                          string `json:"public_key"`
		Private                         string `json:"private_key"`
	}
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	m := message{v.Method, "https", v.Host, v.Target, http.Header{}}
	for name, value := range v.Headers {
		m.header.Set(name, value)
	}

	s, _, err := m.readRFC9421(v.Input, v.Signature)
	if err != nil {
		t.Fatal(err)
	}
	if got := string(text(s.Signed)); got != v.Base {
		t.Errorf("the signature base is\n%s\nwant\n%s", got, v.Base)
	}
	public, err := ParsePublicKey(v.Public)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Verify(public); err != nil {
		t.Errorf("Verify = %v", err)
	}
	private, err := ParsePrivateKey(v.Private)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := signText(private, []byte(v.Base)); err != nil || !ed25519.Verify(public.(ed25519.PublicKey), []byte(v.Base), got) || string(got) != string(s.Value) {
		t.Errorf("we sign it differently: %v", err)
	}
	if err := s.checkDigest([]byte(`{"hello": "world"}`), true); !isReason(err, "digest_not_signed") {
		t.Errorf("checkDigest = %v, want digest_not_signed", err)
	}
}

// What peers really sent, seen on the wire. Their keys are gone and the bodies
// are laid out anew, so each must come as far as the digest.
func TestCapturedSignaturesAreReadAsFarAsTheDigest(t *testing.T) {
	paths, _ := filepath.Glob(filepath.Join("..", "..", "..", "shared", "fixtures", "captured", "*", "*.txt"))
	if len(paths) == 0 {
		t.Log("the captured requests are not here")
		return
	}
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		line, rest, _ := strings.Cut(string(b), "\n")
		method, url, _ := strings.Cut(line, " ")
		r := httptest.NewRequest(method, url, nil)
		decoder := json.NewDecoder(strings.NewReader(rest))
		if err := decoder.Decode(&r.Header); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		then := time.Date(2026, 11, 23, 6, 0, 0, 0, time.UTC)
		p := Policy{Host: r.Host, Now: func() time.Time { return then }}
		if _, err := p.Parse(r, []byte("not what was sent")); !isReason(err, "digest_mismatch") {
			t.Errorf("%s: Parse = %v, want digest_mismatch", path, err)
		}
	}
}

func isReason(err error, want string) bool {
	var e *Error
	return errors.As(err, &e) && e.Reason == want
}
