package httpsig

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

const (
	follow      = `{"type":"Follow","actor":"https://council-a.example/u/alice"}`
	aliceKey    = "https://council-a.example/u/alice#main-key"
	mastodon    = "(request-target) host date digest content-type"
	mastodonGet = "(request-target) host date"
)

// noon is the clock of these tests.
var noon = time.Date(2026, 10, 6, 12, 0, 0, 0, time.UTC)

func atNoon() time.Time { return noon }

func digestOf(method, body string) *[32]byte {
	if method == http.MethodGet {
		return nil
	}
	sum := sha256.Sum256([]byte(body))
	return &sum
}

func sha256Of(body string) string {
	sum := sha256.Sum256([]byte(body))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// request is an unsigned POST of follow, or a GET, that lacks only a signature.
func request(method, target string) *http.Request {
	r := httptest.NewRequest(method, target, nil)
	r.Host = "council-b.example"
	r.Header.Set("Date", noon.Format(http.TimeFormat))
	r.Header.Set("Accept", "application/activity+json")
	if method == http.MethodPost {
		r.Header.Set("Digest", "SHA-256="+sha256Of(follow))
		r.Header.Set("Content-Digest", "sha-256=:"+sha256Of(follow)+":")
		r.Header.Set("Content-Type", "application/activity+json")
	}
	return r
}

func signRSA(t testing.TB, key Key, text string) string {
	t.Helper()
	sum := sha256.Sum256([]byte(text))
	value, err := key.Private.Sign(rand.Reader, sum[:], crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(value)
}

// signCavageAs signs what a peer that does it in its own way would. The text is
// put together here, independently of the code under test.
func signCavageAs(t testing.TB, r *http.Request, key Key, params, names, target string) {
	t.Helper()
	var lines []string
	for name := range strings.SplitSeq(strings.ToLower(names), " ") {
		switch name {
		case "(request-target)":
			lines = append(lines, name+": "+strings.ToLower(r.Method)+" "+target)
		case "(created)", "(expires)":
			_, after, _ := strings.Cut(params, strings.Trim(name, "()")+"=")
			value, _, _ := strings.Cut(after, ",")
			lines = append(lines, name+": "+strings.Trim(value, `"`))
		case "host":
			lines = append(lines, name+": "+r.Host)
		default:
			lines = append(lines, name+": "+r.Header.Get(name))
		}
	}
	r.Header.Set("Signature", `keyId="`+key.ID+`",`+params+`headers="`+names+
		`",signature="`+signRSA(t, key, strings.Join(lines, "\n"))+`"`)
}

// Every case is signed well, with the right key, over exactly what it says it
// covers. So nothing but our own reading and policy refuses it.
func TestCavagePolicy(t *testing.T) {
	key, public := alice(t)
	set := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	add := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Add(name, value) }
	}
	rewrite := func(old, new string) func(*http.Request) {
		return func(r *http.Request) {
			was := r.Header.Get("Signature")
			if !strings.Contains(was, old) {
				t.Fatalf("%s does not contain %s", was, old)
			}
			r.Header.Set("Signature", strings.Replace(was, old, new, 1))
		}
	}
	later := func(d time.Duration) func(*http.Request) {
		return set("Date", noon.Add(d).Format(http.TimeFormat))
	}
	const label = `algorithm="rsa-sha256",`

	for _, c := range []struct {
		name   string
		method string              // POST if empty
		target string              // /inbox if empty
		signs  string              // the target that is signed, if another
		params string              // between keyId and headers; Mastodon's label if empty
		names  string              // what is signed; Mastodon's list if empty
		body   string              // "-" for none; follow, or none for a GET, if empty
		before func(*http.Request) // changed, then signed
		after  func(*http.Request) // changed under the signature
		want   string
	}{
		// What peers do.
		{name: "Mastodon"},
		{name: "Lemmy: other order, hs2019", params: `algorithm="hs2019",`, names: "(request-target) content-type date digest host"},
		{name: "NodeBB: no algorithm", params: " ", names: "(request-target) host date digest"},
		{name: "Mbin: names in capitals", names: "(request-target) Date Host Accept Digest"},
		{name: "Discourse: quoted times, at the end", params: `algorithm="hs2019",created="1791288000",expires="1791291600",`, names: "host date digest (request-target) (created) (expires)"},
		{name: "Lemmy 0.19: bare times", params: `algorithm="hs2019",created=1791288000,expires=1791288010,`, names: "(request-target) (created) (expires) content-type digest host"},
		{name: "Mastodon: followers' digest signed", names: mastodon + " collection-synchronization", before: set("Collection-Synchronization", `collectionId="https://a.example/f", url="https://a.example/s", digest="00ff"`)},
		{name: "PieFed: GET", method: "GET", names: mastodonGet},
		{name: "Mastodon: HEAD", method: "HEAD", names: mastodonGet},
		{name: "GET signed with its query", method: "GET", target: "/c/planning/outbox?page=2&x=%2F", signs: "/c/planning/outbox?page=2&x=%2F", names: mastodonGet},
		{name: "Mbin, Mobilizon: GET signed without its query", method: "GET", target: "/c/planning/outbox?page=2", signs: "/c/planning/outbox", names: mastodonGet},
		{name: "escapes in the path stay as sent", method: "GET", target: "/u/caf%c3%A9", signs: "/u/caf%c3%A9", names: mastodonGet},
		{name: "spaces after commas", after: func(r *http.Request) {
			r.Header.Set("Signature", strings.ReplaceAll(r.Header.Get("Signature"), `",`, "\" ,\t "))
		}},
		{name: "unknown parameters", params: `algorithm="hs2019",nonce="x",level=3,`},
		{name: "ld+json with a profile", before: set("Content-Type", `application/ld+json; profile="https://www.w3.org/ns/activitystreams"`)},
		{name: "an empty header signed", names: mastodon + " x-empty", before: set("X-Empty", "")},
		{name: "Digest: algorithm in lower case", before: set("Digest", "sha-256="+sha256Of(follow))},
		{name: "Digest: several", before: set("Digest", "SHA-512=AAAA, SHA-256="+sha256Of(follow)+", MD5=AAAA")},
		{name: "Host in capitals", before: func(r *http.Request) { r.Host = "Council-B.Example" }},
		{name: "Host with the scheme's own port", before: func(r *http.Request) { r.Host = "council-b.example:443" }},
		{name: "AS-007 Date −30 min", before: later(-30 * time.Minute)},
		{name: "Date half an hour ahead", before: later(30 * time.Minute)},
		{name: "AS-021 a stranger's forwarded headers count for nothing", before: func(r *http.Request) {
			r.Header.Set("X-Forwarded-Host", "other.example")
			r.Header.Set("X-Forwarded-Path", "/u/victim/inbox")
			r.Header.Set("Forwarded", "host=other.example")
		}},

		// Row 1 of what the library does: coverage.
		{name: "AS-001 no signature", after: func(r *http.Request) { r.Header.Del("Signature") }, want: "signature_missing"},
		{name: "AS-002 headers left out", after: rewrite(`headers="`+mastodon+`",`, ""), want: "headers_missing"},
		{name: "AS-002 headers empty", after: rewrite(`headers="`+mastodon+`"`, `headers=""`), want: "headers_missing"},
		{name: "AS-002 only Date covered", names: "date", want: "request_target_not_signed"},
		{name: "AS-003 target not covered", names: "host date digest content-type", want: "request_target_not_signed"},
		{name: "AS-003 host not covered", names: "(request-target) date digest", want: "host_not_signed"},
		{name: "AS-003 no time covered", names: "(request-target) host digest", want: "date_not_signed"},
		{name: "AS-003 created given but not covered", params: `algorithm="hs2019",created=1791288000,`, names: "(request-target) host digest", want: "date_not_signed"},
		{name: "AS-003 GET without host", method: "GET", names: "(request-target) date", want: "host_not_signed"},
		{name: "AS-004 digest not covered", names: mastodonGet, want: "digest_not_signed"},
		{name: "AS-004 content-digest is no digest here", names: mastodonGet + " content-digest", want: "digest_not_signed"},
		{name: "AS-004 GET with a body", method: "GET", body: "x", names: mastodonGet, want: "digest_not_signed"},
		{name: "AS-004 POST without a body", body: "-", names: mastodonGet, want: "digest_not_signed"},
		{name: "DELETE needs a digest too", method: "DELETE", names: mastodonGet, want: "digest_not_signed"},
		{name: "(created) covered but not given", names: mastodon + " (created)", want: "headers_unreadable"},
		{name: "unknown pseudo-header covered", names: mastodon + " (key-id)", want: "headers_unreadable"},
		{name: "the signature covers itself", names: mastodon + " signature", before: set("Signature", "x"), want: "headers_unreadable"},
		{name: "covered header not there", names: mastodon + " x-missing", want: "signed_header_missing"},
		{name: "too many covered", names: mastodon + many(30), before: func(r *http.Request) {
			for name := range strings.FieldsSeq(many(30)) {
				r.Header.Set(name, "x")
			}
		}, want: "too_many_headers_signed"},

		// Row 2: the digest.
		{name: "AS-005 another body", before: set("Digest", "SHA-256="+sha256Of("something else")), want: "digest_mismatch"},
		{name: "AS-006 another digest", before: set("Digest", "SHA-512=AAAA"), want: "digest_not_sha_256"},
		{name: "AS-006 SHA-256 twice", before: set("Digest", "SHA-256="+sha256Of(follow)+",sha-256="+sha256Of("other")), want: "digest_unreadable"},
		{name: "AS-006 digest cut short", before: set("Digest", "SHA-256="+sha256Of(follow)[:20]), want: "digest_mismatch"},
		{name: "AS-006 digest not base64", before: set("Digest", "SHA-256=***"), want: "digest_unreadable"},
		{name: "AS-006 two Digest lines", before: add("Digest", "SHA-256="+sha256Of("other")), want: "signed_header_repeated"},
		{name: "a GET's digest must be right too", method: "GET", names: mastodonGet + " digest", before: set("Digest", "SHA-256="+sha256Of("x")), want: "digest_mismatch"},

		// Row 3: everything once.
		{name: "AS-010 keyId twice, own first", params: `keyId="https://council-c.example/u/victim#main-key",`, want: "parameter_repeated"},
		{name: "AS-010 keyid in another case", params: `keyid="https://council-c.example/u/victim#main-key",`, want: "parameter_repeated"},
		{name: "AS-010 headers twice", params: `headers="date",`, want: "parameter_repeated"},
		{name: "AS-010 signature twice", params: `signature="AAAA",`, want: "parameter_repeated"},
		{name: "AS-010 unknown parameter twice", params: `x="1",x="1",`, want: "parameter_repeated"},
		{name: "AS-011 two Signature lines", after: add("Signature", `keyId="https://council-c.example/u/victim#main-key"`), want: "several_signatures"},
		{name: "AS-011 one in Authorization too", after: set("Authorization", `signature keyId="https://council-c.example/u/victim#main-key"`), want: "several_signatures"},
		{name: "AS-012 two Date lines", before: add("Date", noon.Format(http.TimeFormat)), want: "signed_header_repeated"},
		{name: "AS-012 a name covered twice", names: "(request-target) host date digest Date", want: "signed_header_repeated"},
		{name: "AS-013 RFC 9421 beside it", after: set("Signature-Input", `sig1=("@method");created=1791288000;keyid="https://council-a.example/u/alice#main-key"`), want: "signature_unreadable"},

		// Row 4: time.
		{name: "AS-007 Date −13 h", before: later(-13 * time.Hour), want: "signature_too_old"},
		{name: "AS-007 Date +2 h", before: later(2 * time.Hour), want: "signature_from_the_future"},
		{name: "AS-007 expires past", params: `algorithm="hs2019",created=1791287000,expires=1791287999,`, names: "(request-target) (created) (expires) host digest", want: "signature_expired"},
		{name: "AS-007 expires now", params: `algorithm="hs2019",expires=1791288000,`, want: "signature_expired"},
		{name: "AS-007 created 2023", params: `algorithm="hs2019",created="1700000000",`, names: "(request-target) (created) host digest", want: "signature_too_old"},
		{name: "AS-007 created in two hours", params: `algorithm="hs2019",created=1791295200,`, names: "(request-target) (created) host digest", want: "signature_from_the_future"},
		{name: "AS-007 fresh Date, old created", params: `algorithm="hs2019",created=1700000000,`, want: "signature_too_old"},
		{name: "AS-007 fresh created, old Date", params: `algorithm="hs2019",created=1791288000,`, names: mastodon + " (created)", before: later(-24 * time.Hour), want: "signature_too_old"},
		{name: "created not a number", params: `created="now",`, want: "time_unreadable"},
		{name: "created written oddly", params: `created=01791288000,`, want: "time_unreadable"},
		{name: "created negative", params: `created=-1,`, want: "time_unreadable"},
		{name: "Date unreadable", before: set("Date", "yesterday"), want: "date_unreadable"},

		// Row 6: the raw target.
		{name: "AS-020 signed over the decoded path", target: "/c/pub%2Finbox", signs: "/c/pub/inbox", want: "encoded_slash_in_path"},
		{name: "AS-020 signed as sent", target: "/c/pub%2finbox", signs: "/c/pub%2finbox", want: "encoded_slash_in_path"},
		{name: "AS-020 GET signed over the decoded path", method: "GET", target: "/c/pub%2Fdoc", signs: "/c/pub/doc", names: mastodonGet, want: "signature_mismatch"},
		{name: "AS-008 resent to another path", target: "/u/bob/inbox", signs: "/inbox", want: "signature_mismatch"},
		{name: "AS-008 another method", after: func(r *http.Request) { r.Method = "PUT" }, want: "signature_mismatch"},
		{name: "a covered header changed", after: set("Content-Type", "text/html"), want: "signature_mismatch"},
		{name: "AS-022 signed for another host", before: func(r *http.Request) { r.Host = "other.example" }, want: "wrong_host"},
		{name: "AS-022 another port", before: func(r *http.Request) { r.Host = "council-b.example:8443" }, want: "wrong_host"},

		// Row 7: algorithms.
		{name: "HMAC", params: `algorithm="hmac-sha256",`, want: "algorithm_refused"},
		{name: "RSA-SHA1", params: `algorithm="rsa-sha1",`, want: "algorithm_refused"},
		{name: "BLAKE2", params: `algorithm="blake2b_512",`, want: "algorithm_refused"},
		{name: "ed25519", params: `algorithm="ed25519",`, want: "algorithm_refused"},

		// The key's name.
		{name: "keyId missing", after: rewrite(`keyId="`+aliceKey+`",`, ""), want: "key_id_missing"},
		{name: "keyId acct:", after: rewrite(aliceKey, "acct:alice@council-a.example"), want: "key_id_not_a_url"},
		{name: "keyId file:", after: rewrite(aliceKey, "file:///etc/passwd"), want: "key_id_not_a_url"},
		{name: "keyId relative", after: rewrite(aliceKey, "/u/alice#main-key"), want: "key_id_not_a_url"},
		{name: "keyId plain http to an https server", after: rewrite("https:", "http:"), want: "key_id_not_a_url"},
		{name: "keyId with a password", after: rewrite("council-a", "a:b@council-a"), want: "key_id_not_a_url"},
		{name: "keyId with a space", after: rewrite("/u/alice", "/u/al ice"), want: "key_id_not_a_url"},
		{name: "keyId endless", after: rewrite("/u/alice", "/u/"+strings.Repeat("a", 3000)), want: "key_id_not_a_url"},
		{name: "keyId with a comma", after: rewrite("/u/alice", "/u/alice,signature=x")},

		// Syntax.
		{name: "not a signature", after: set("Signature", "hello"), want: "signature_unreadable"},
		{name: "empty", after: set("Signature", ""), want: "signature_unreadable"},
		{name: "quote left open", after: rewrite(`host date`, `host" date`), want: "signature_unreadable"},
		{name: "backslash escape", after: rewrite(`/u/alice`, `/u/\"alice`), want: "signature_unreadable"},
		{name: "backslash in what is ignored", params: `x="\\",`, want: "signature_unreadable"},
		{name: "comma at the end", after: func(r *http.Request) { r.Header.Set("Signature", r.Header.Get("Signature")+",") }, want: "signature_unreadable"},
		{name: "no comma", after: rewrite(`",headers`, `" headers`), want: "signature_unreadable"},
		{name: "signature not base64", after: rewrite(`signature="`, `signature="*`), want: "signature_unreadable"},
		{name: "signature missing", after: rewrite(`,signature=`, `,sig=`), want: "signature_unreadable"},
		{name: "signature of another length", after: rewrite(`signature="`, `signature="AAAA`), want: "signature_mismatch"},
		{name: "huge", after: rewrite(`keyId`, `x="`+strings.Repeat("x", maxHeaderLength)+`",keyId`), want: "signature_too_long"},
		{name: "line break in a header", after: set("Content-Type", "a\ndigest: b"), want: "signed_header_not_ascii"},
		{name: "RFC 9421 signature without its input", after: set("Signature", "sig1=:AAAA:"), want: "signature_unreadable"},
	} {
		t.Run(c.name, func(t *testing.T) {
			method, target, names, params, body := c.method, c.target, c.names, c.params, c.body
			if method == "" {
				method = "POST"
			}
			if target == "" {
				target = "/inbox"
			}
			if names == "" {
				names = mastodon
			}
			if params == "" {
				params = label
			}
			switch {
			case body == "-":
				body = ""
			case body == "" && method != "GET" && method != "HEAD":
				body = follow
			}
			signs := c.signs
			if signs == "" {
				signs = target
			}
			r := request(method, target)
			if c.before != nil {
				c.before(r)
			}
			signCavageAs(t, r, key, strings.TrimSpace(params), names, signs)
			if c.after != nil {
				c.after(r)
			}
			p := Policy{Host: "council-b.example", Now: atNoon}
			if got := reason(p, r, body, public); got != c.want {
				t.Errorf("refused for %q, want %q", got, c.want)
			}
		})
	}
}

// many is n header names, each after a space.
func many(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(" x-" + string(rune('a'+i/26)) + string(rune('a'+i%26)))
	}
	return b.String()
}

// The library has a clock of its own and ten seconds' patience. Ours rules: a
// signature may be ahead by an hour, and one that has waited for its key still
// verifies after its expires has passed.
func TestLibraryClockDoesNotDecide(t *testing.T) {
	key, public := alice(t)
	stranger, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	for _, c := range []struct {
		name, params, names string
		now                 time.Time
	}{
		{"created in half an hour", `algorithm="hs2019",created=` + unix(now.Add(30*time.Minute)) + ",", "(created) (request-target) host digest", now},
		{"expired since", `algorithm="hs2019",created=` + unix(now.Add(-2*time.Hour)) + ",expires=" + unix(now.Add(-time.Hour)) + ",", "(created) (expires) (request-target) host digest", now.Add(-90 * time.Minute)},
		{"in time", `algorithm="hs2019",created=` + unix(now) + ",expires=" + unix(now.Add(time.Hour)) + ",", "(created) (expires) (request-target) host digest", now},
	} {
		r := request("POST", "/inbox")
		signCavageAs(t, r, key, c.params, c.names, "/inbox")
		p := Policy{Host: "council-b.example", Now: func() time.Time { return c.now }}
		if got := reason(p, r, follow, public); got != "" {
			t.Errorf("%s: refused for %s", c.name, got)
		}
		if got := reason(p, r, follow, stranger.Public()); got != "signature_mismatch" {
			t.Errorf("%s, by another key: refused for %q, want signature_mismatch", c.name, got)
		}
	}
}
