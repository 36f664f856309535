package httpsig

import (
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
)

// fuzzed is a POST of follow to the target, with right digests and Date.
func fuzzed(target string) *http.Request {
	r := request("POST", "/")
	r.RequestURI, r.URL = target, &url.URL{Path: "/"}
	return r
}

// onWire is the target as sent; one that is no path stands for r.URL, which is "/".
func onWire(r *http.Request) string {
	if strings.HasPrefix(r.RequestURI, "/") {
		return r.RequestURI
	}
	return "/"
}

// holds checks what must be true of anything Parse accepts, and that a signature
// over exactly s.Signed verifies: whatever the header looked like, the library
// reads our shadow as we read the header.
func holds(t *testing.T, s *Signature, key Key, public crypto.PublicKey, want map[string]string) {
	t.Helper()
	seen := map[string]string{}
	for _, l := range s.Signed {
		if _, twice := seen[l.Name]; twice || !printable(l.Name+l.Value) {
			t.Errorf("line %q twice or not printable", l)
		}
		seen[l.Name] = l.Value
	}
	for name, value := range want {
		if got, ok := seen[name]; !ok || value != "" && got != value {
			t.Errorf("%s is signed as %q, want %q", name, got, value)
		}
	}
	if !keyURL(s.KeyID) {
		t.Errorf("key id %q", s.KeyID)
	}

	parked, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var read Signature
	if err := json.Unmarshal(parked, &read); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(&read, s) {
		t.Errorf("JSON made %+v of %+v", read, s)
	}
	if err := s.Verify(public); err == nil {
		t.Error("a signature verifies that nobody made")
	}
	if s.Algorithm == algEd25519 {
		return
	}
	sum := sha256.Sum256(text(s.Signed))
	if s.Value, err = key.Private.Sign(rand.Reader, sum[:], crypto.SHA256); err != nil {
		t.Fatal(err)
	}
	if err := s.Verify(public); err != nil {
		t.Errorf("signed %q: Verify = %v", text(s.Signed), err)
	}
}

func FuzzCavage(f *testing.F) {
	for _, header := range []string{
		`keyId="https://a.example/u/alice#main-key",algorithm="rsa-sha256",headers="(request-target) host date digest content-type",signature="AAAA"`,
		`keyId="https://a.example/u/alice,b#main-key", algorithm="hs2019", created=1791288000, expires="1791288060", headers="(created) (expires) (request-target) HOST digest", signature="AAAA"`,
		`keyId="https://a.example/",headers="date",signature="AAAA"`,
		`keyId="https://a.example/",keyId="https://b.example/",headers="host",headers="date",signature="AAAA"`,
		`x=y,keyId="https://a.example/#k",headers="(request-target) host date digest accept content-digest",signature="QUFB"`,
		`keyId="https://a.example/#k",headers="(request-target) host date digest signature authorization",signature="QUFB"`,
		"sig1=:AAAA:",
	} {
		f.Add(header, "/inbox?a=%2F")
	}
	key, public := alice(f)
	p := Policy{Host: "council-b.example", Now: atNoon}
	f.Fuzz(func(t *testing.T, header, target string) {
		r := fuzzed(target)
		r.Header.Set("Signature", header)
		s, err := p.Parse(r, []byte(follow))
		if err != nil {
			return
		}
		holds(t, s, key, public, map[string]string{
			"(request-target)": "post " + onWire(r),
			"host":             "council-b.example",
			"digest":           "SHA-256=" + sha256Of(follow),
		})
		if !s.covers("date") && !s.covers("(created)") {
			t.Error("no time is signed")
		}
	})
}

func FuzzRFC9421(f *testing.F) {
	for _, input := range []string{
		`sig1=("@method" "@target-uri" "content-digest");created=1791288000;keyid="https://a.example/u/alice#main-key"`,
		`sig1=("@method" "@authority" "@path" "@query" "content-digest" "host" "date");alg="rsa-v1_5-sha256";keyid="https://a.example/#k";created=1791288000;expires=1791288060;nonce="x";tag="t";z`,
		`sig1=("@method" "@scheme" "@request-target" "@target-uri" "content-digest" "content-type");created=1791288000;keyid="https://a.example/#k";alg="ed25519"`,
		`sig1=("@method";req "@query-param";name="a");created=1791288000, sig2=("date")`,
		`sig1=( "@method"  "@target-uri"	"content-digest" );created=01;created=1791288000;keyid="x"`,
	} {
		f.Add(input, "sig1=:AAAA:", "/inbox?a=%2F")
	}
	key, public := alice(f)
	p := Policy{Host: "council-b.example", Now: atNoon}
	f.Fuzz(func(t *testing.T, input, signature, target string) {
		r := fuzzed(target)
		r.Header.Set("Signature-Input", input)
		r.Header.Set("Signature", signature)
		s, err := p.Parse(r, []byte(follow))
		if err != nil {
			return
		}
		want := map[string]string{
			`"@method"`:           "POST",
			`"content-digest"`:    "sha-256=:" + sha256Of(follow) + ":",
			`"@signature-params"`: "",
		}
		if s.covers(`"@target-uri"`) {
			want[`"@target-uri"`] = "https://council-b.example" + onWire(r)
		} else {
			path, query, hasQuery := strings.Cut(onWire(r), "?")
			want[`"@authority"`], want[`"@path"`] = "council-b.example", path
			if hasQuery {
				want[`"@query"`] = "?" + query
			}
		}
		holds(t, s, key, public, want)
		params, _ := s.line(`"@signature-params"`)
		if again, err := dictionary("x=" + params); err != nil || len(again.Names()) != 1 {
			t.Errorf("what is signed reads differently: %s", params)
		}
	})
}
