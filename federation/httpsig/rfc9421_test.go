package httpsig

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

func unix(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) }

// signRFC9421As signs the components with the parameters as they are written.
// The base is put together here, independently of the code under test.
func signRFC9421As(t testing.TB, r *http.Request, key Key, components, params, targetURI string) {
	t.Helper()
	base := baseOf(r, components, params, targetURI)
	var value string
	if private, ok := key.Private.(ed25519.PrivateKey); ok {
		value = base64.StdEncoding.EncodeToString(ed25519.Sign(private, []byte(base)))
	} else {
		value = signRSA(t, key, base)
	}
	r.Header.Set("Signature-Input", "sig1=("+components+")"+params)
	r.Header.Set("Signature", "sig1=:"+value+":")
}

func baseOf(r *http.Request, components, params, targetURI string) string {
	uri := strings.SplitN(targetURI, "/", 4)
	path, query, _ := strings.Cut("/"+uri[3], "?")
	var b strings.Builder
	for component := range strings.FieldsSeq(components) {
		value := map[string]string{
			`"@method"`:         r.Method,
			`"@target-uri"`:     targetURI,
			`"@scheme"`:         strings.TrimSuffix(uri[0], ":"),
			`"@authority"`:      uri[2],
			`"@request-target"`: "/" + uri[3],
			`"@path"`:           path,
			`"@query"`:          "?" + query,
			`"host"`:            r.Host,
		}[component]
		if value == "" {
			value = r.Header.Get(strings.Trim(component, `"`))
		}
		b.WriteString(component + ": " + value + "\n")
	}
	return b.String() + `"@signature-params": (` + components + ")" + params
}

// As in TestCavagePolicy, every case is signed well over what it says it covers.
func TestRFC9421Policy(t *testing.T) {
	key, public := alice(t)
	publicPEM, err := MarshalPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	const (
		min     = `"@method" "@target-uri" "content-digest"`
		minGet  = `"@method" "@target-uri"`
		keyid   = `;keyid="` + aliceKey + `"`
		created = `;created=1791288000`
		uri     = "https://council-b.example/inbox"
	)
	set := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	edit := func(name, old, new string) func(*http.Request) {
		return func(r *http.Request) {
			was := r.Header.Get(name)
			if !strings.Contains(was, old) {
				t.Fatalf("%s does not contain %s", was, old)
			}
			r.Header.Set(name, strings.Replace(was, old, new, 1))
		}
	}

	for _, c := range []struct {
		name, method, target string // POST, /inbox if empty
		uri                  string // the target URI that is signed, if not the real one
		covers, params       string // the least that is enough, if empty
		before, after        func(*http.Request)
		want                 string
	}{
		// What peers do.
		{name: "Mastodon"},
		{name: "Mastodon: GET", method: "GET", covers: minGet},
		{name: "Fedify", covers: `"@method" "@target-uri" "@authority" "host" "date" "content-digest"`, params: `;alg="rsa-v1_5-sha256"` + keyid + created},
		{name: "tootik", covers: `"@method" "@target-uri" "content-type" "content-digest"`, params: created + keyid + `;alg="rsa-v1_5-sha256"`},
		{name: "the target in parts", covers: `"@method" "@authority" "@path" "content-digest"`},
		{name: "the target in parts, with a query", method: "GET", target: "/outbox?page=2", covers: `"@method" "@scheme" "@authority" "@path" "@query" "@request-target"`},
		{name: "escapes and query stay as sent", method: "GET", target: "/u/caf%c3%A9?a=%2F&b", covers: minGet},
		{name: "no query is a bare question mark", method: "GET", covers: minGet + ` "@query"`},
		{name: "nonce, tag and unknown parameters", params: created + keyid + `;nonce="n";tag="app";x`},
		{name: "spaces after semicolons", after: edit("Signature-Input", ";", ";  ")},
		{name: "another label", after: func(r *http.Request) {
			edit("Signature-Input", "sig1", "fedi-7")(r)
			edit("Signature", "sig1", "fedi-7")(r)
		}},
		{name: "Content-Digest: others beside sha-256", before: set("Content-Digest", "sha-512=:AAAA:, sha-256=:"+sha256Of(follow)+":")},
		{name: "expires in a minute", params: created + keyid + `;expires=1791288060`},
		{name: "Host in capitals", before: func(r *http.Request) { r.Host = "COUNCIL-B.example:443" }},

		{name: "AS-014 no @method", covers: `"@target-uri" "content-digest"`, want: "method_not_signed"},
		{name: "AS-014 no target", covers: `"@method" "content-digest"`, want: "target_uri_not_signed"},
		{name: "AS-014 @authority without @path", covers: `"@method" "@authority" "content-digest"`, want: "target_uri_not_signed"},
		{name: "AS-014 @path without @authority", covers: `"@method" "@path" "content-digest"`, want: "target_uri_not_signed"},
		{name: "AS-014 the query left out", method: "GET", target: "/outbox?page=2", covers: `"@method" "@authority" "@path"`, want: "target_uri_not_signed"},
		{name: "AS-014 no content-digest", covers: minGet, want: "digest_not_signed"},
		{name: "AS-014 digest is no content-digest", covers: minGet + ` "digest"`, want: "digest_not_signed"},
		{name: "AS-014 no created", params: keyid, want: "created_missing"},
		{name: "AS-014 no keyid", params: created, want: "key_id_missing"},
		{name: "AS-014 expires past", params: created + `;expires=1791287999` + keyid, want: "signature_expired"},
		{name: "AS-014 HMAC with the public key", params: created + keyid + `;alg="hmac-sha256"`, after: func(r *http.Request) {
			mac := hmac.New(sha256.New, []byte(publicPEM))
			mac.Write([]byte(baseOf(r, min, created+keyid+`;alg="hmac-sha256"`, uri)))
			r.Header.Set("Signature", "sig1=:"+base64.StdEncoding.EncodeToString(mac.Sum(nil))+":")
		}, want: "algorithm_refused"},
		{name: "AS-014 RSA-PSS", params: created + keyid + `;alg="rsa-pss-sha512"`, want: "algorithm_refused"},
		{name: "AS-014 alg is no string", params: created + keyid + `;alg=rsa-v1_5-sha256`, want: "algorithm_refused"},
		{name: "AS-014 alg of another kind of key", params: created + keyid + `;alg="ed25519"`, want: "signature_mismatch"},
		{name: "AS-014 unknown label only", after: edit("Signature", "sig1", "sig2"), want: "signature_unreadable"},
		{name: "AS-011 two signatures", after: edit("Signature-Input", "sig1", `sig0=("@method"), sig1`), want: "several_signatures"},
		{name: "AS-011 two signatures, one input", after: edit("Signature", "sig1", "sig0=:AAAA:, sig1"), want: "several_signatures"},
		{name: "AS-011 two inputs", after: func(r *http.Request) { r.Header.Add("Signature-Input", r.Header.Get("Signature-Input")) }, want: "several_signatures"},
		{name: "AS-011 input without signature", after: func(r *http.Request) { r.Header.Del("Signature") }, want: "several_signatures"},
		{name: "AS-013 cavage beside it", after: func(r *http.Request) {
			r.Header.Add("Signature", `keyId="`+aliceKey+`",headers="`+mastodon+`",signature="AAAA"`)
		}, want: "several_signatures"},
		{name: "AS-013 cavage in one line with it", after: func(r *http.Request) {
			edit("Signature", "sig1", `keyId="`+aliceKey+`",headers="`+mastodon+`",signature="AAAA", sig1`)(r)
		}, want: "signature_unreadable"},

		{name: "AS-005 another body", before: set("Content-Digest", "sha-256=:"+sha256Of("other")+":"), want: "digest_mismatch"},
		{name: "AS-006 sha-512 alone", before: set("Content-Digest", "sha-512=:AAAA:"), want: "digest_not_sha_256"},
		{name: "AS-006 sha-256 twice", before: set("Content-Digest", "sha-256=:"+sha256Of("other")+":, sha-256=:"+sha256Of(follow)+":"), want: "digest_unreadable"},
		{name: "AS-006 sha-256 not binary", before: set("Content-Digest", `sha-256="`+sha256Of(follow)+`"`), want: "digest_not_sha_256"},
		{name: "AS-006 unreadable", before: set("Content-Digest", "SHA-256="+sha256Of(follow)), want: "digest_unreadable"},
		{name: "AS-010 keyid twice", params: created + `;keyid="https://council-c.example/u/victim#main-key"` + keyid, want: "signature_not_canonical"},
		{name: "AS-010 created twice", params: `;created=1` + created + keyid, want: "signature_not_canonical"},
		{name: "AS-010 label twice", after: edit("Signature-Input", "sig1", `sig1=();keyid="x", sig1`), want: "signature_not_canonical"},
		{name: "AS-010 signature twice", after: edit("Signature", "sig1", `sig1=:AAAA:, sig1`), want: "signature_not_canonical"},
		{name: "AS-012 a component covered twice", covers: min + ` "date" "date"`, want: "signed_header_repeated"},
		{name: "AS-012 a covered header twice", covers: min + ` "date"`, before: func(r *http.Request) { r.Header.Add("Date", "x") }, want: "signed_header_repeated"},
		{name: "covered header not there", covers: min + ` "x-missing"`, want: "signed_header_missing"},
		{name: "component in capitals", covers: min + ` "Date"`, want: "component_refused"},
		{name: "unknown derived component", covers: min + ` "@status"`, want: "component_refused"},
		{name: "component with a parameter", covers: `"@method";req "@target-uri" "content-digest"`, want: "component_refused"},
		{name: "the parameters as a component", covers: min + ` "@signature-params"`, want: "component_refused"},
		{name: "a token for a component", covers: min + ` date`, want: "component_refused"},
		{name: "too many components", covers: `"` + strings.Join(strings.Fields(many(33)), `" "`) + `"`, want: "too_many_headers_signed"},

		{name: "AS-007 created 2023", params: `;created=1700000000` + keyid, want: "signature_too_old"},
		{name: "AS-007 created negative", params: `;created=-1` + keyid, want: "signature_too_old"},
		{name: "AS-007 created in two hours", params: `;created=1791295200` + keyid, want: "signature_from_the_future"},
		{name: "created a decimal", params: `;created=1791288000.5` + keyid, want: "signature_unreadable"},
		{name: "expires a string", params: created + keyid + `;expires="never"`, want: "signature_unreadable"},
		{name: "keyid a token", params: created + `;keyid=alice`, want: "signature_unreadable"},
		{name: "keyid acct:", params: created + `;keyid="acct:alice@council-a.example"`, want: "key_id_not_a_url"},

		// The library that might have been used here did not cover the path.
		{name: "AS-008 resent to another path", target: "/a/inbox", uri: "https://council-b.example/b/OTHER", want: "signature_mismatch"},
		{name: "AS-008 another query", method: "GET", target: "/outbox?page=2", uri: "https://council-b.example/outbox?page=3", covers: minGet, want: "signature_mismatch"},
		{name: "AS-020 signed over the decoded path", target: "/c/pub%2Finbox", uri: "https://council-b.example/c/pub/inbox", want: "encoded_slash_in_path"},
		{name: "AS-020 GET signed over the decoded path", method: "GET", target: "/c/pub%2Fdoc", uri: "https://council-b.example/c/pub/doc", covers: minGet, want: "signature_mismatch"},
		{name: "AS-021 another scheme", uri: "http://council-b.example/inbox", want: "signature_mismatch"},
		{name: "AS-022 signed for another host", uri: "https://other.example/inbox", want: "signature_mismatch"},
		{name: "AS-022 sent to another host", uri: "https://other.example/inbox", before: func(r *http.Request) { r.Host = "other.example" }, want: "wrong_host"},
		{name: "AS-008 another method", after: func(r *http.Request) { r.Method = "PUT" }, want: "signature_mismatch"},
		{name: "parameters changed", after: edit("Signature-Input", "1791288000", "1791288001"), want: "signature_mismatch"},

		{name: "not a dictionary", after: set("Signature-Input", "hello world"), want: "signature_unreadable"},
		{name: "not an inner list", after: set("Signature-Input", `sig1="@method"`), want: "signature_unreadable"},
		{name: "not binary", after: set("Signature", `sig1="AAAA"`), want: "signature_unreadable"},
		{name: "a number written oddly", after: edit("Signature-Input", "created=1", "created=01"), want: "signature_not_canonical"},
		{name: "huge", after: edit("Signature-Input", ";", `;x="`+strings.Repeat("x", maxHeaderLength)+`";`), want: "signature_too_long"},
	} {
		t.Run(c.name, func(t *testing.T) {
			method, target, covers, params, body := c.method, c.target, c.covers, c.params, follow
			if method == "" {
				method = "POST"
			}
			if target == "" {
				target = "/inbox"
			}
			if covers == "" {
				covers = min
			}
			if params == "" {
				params = created + keyid
			}
			if method == "GET" {
				body = ""
			}
			signs := c.uri
			if signs == "" {
				signs = "https://council-b.example" + target
			}
			r := request(method, target)
			if c.before != nil {
				c.before(r)
			}
			signRFC9421As(t, r, key, covers, params, signs)
			if c.after != nil {
				c.after(r)
			}
			p := Policy{Host: "council-b.example", Scheme: "https", Now: atNoon}
			if got := reason(p, r, body, public); got != c.want {
				t.Errorf("refused for %q, want %q", got, c.want)
			}
		})
	}
}

// Behind a proxy the server itself sees plain http; what peers signed is the
// URL they know.
func TestTargetURIHasThePolicysScheme(t *testing.T) {
	key, public := alice(t)
	key.ID = "http://council-a.example:8801/u/alice#main-key"
	params := ";created=" + unix(noon) + `;keyid="` + key.ID + `"`
	r := request("GET", "/u/bob")
	r.Host = "stevenage.localhost:8801"
	signRFC9421As(t, r, key, `"@method" "@target-uri"`, params, "http://stevenage.localhost:8801/u/bob")
	if got := reason(Policy{Host: "stevenage.localhost:8801", Scheme: "http", Now: atNoon}, r, "", public); got != "" {
		t.Errorf("plain http with a port: refused for %s", got)
	}
	if got := reason(Policy{Host: "stevenage.localhost:8801", Scheme: "https", Now: atNoon}, r, "", public); got != "key_id_not_a_url" {
		t.Errorf("an https server took a plain http key: %q", got)
	}
}
