package httpsig

import (
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	cavage "github.com/go-fed/httpsig"
)

// The pseudo-headers of draft-cavage.
const (
	requestTarget = "(request-target)"
	createdName   = "(created)"
	expiresName   = "(expires)"
)

// readCavage reads a Signature header of draft-cavage and the lines it signs.
func (m message) readCavage(header string) (*Signature, times, error) {
	var t times
	params, err := parameters(header)
	if err != nil {
		return nil, t, err
	}
	// hs2019 means "look at the key". NodeBB leaves the label out.
	switch algorithm, given := params["algorithm"]; {
	case given && algorithm != "rsa-sha256" && algorithm != "hs2019":
		return nil, t, refuse("algorithm_refused")
	case params["keyid"] == "":
		return nil, t, refuse("key_id_missing")
	case params["headers"] == "":
		return nil, t, refuse("headers_missing")
	}
	s := &Signature{KeyID: params["keyid"], Scheme: Cavage}
	s.Value, err = base64.StdEncoding.DecodeString(params["signature"])
	if err != nil || len(s.Value) == 0 {
		return nil, t, refuse("signature_unreadable")
	}
	// Times count even if unsigned: a stranger can only make them stricter.
	if v, given := params["created"]; given {
		created, err := unixTime(v)
		if err != nil {
			return nil, t, err
		}
		t.made = append(t.made, created)
	}
	if v, given := params["expires"]; given {
		if t.expires, err = unixTime(v); err != nil {
			return nil, t, err
		}
	}

	for name := range strings.SplitSeq(strings.ToLower(params["headers"]), " ") {
		var value string
		switch {
		case s.covers(name):
			return nil, t, refuse("signed_header_repeated")
		case len(s.Signed) == maxSignedNames:
			return nil, t, refuse("too_many_headers_signed")
		case name == requestTarget:
			value = strings.ToLower(m.method) + " " + m.target
		case name == createdName && params["created"] != "":
			value = params["created"]
		case name == expiresName && params["expires"] != "":
			value = params["expires"]
		case token(name) && name != "signature": // which cannot sign itself
			if value, err = m.field(name); err != nil {
				return nil, t, err
			}
		default:
			return nil, t, refuse("headers_unreadable")
		}
		if name == "date" {
			date, err := http.ParseTime(value)
			if err != nil {
				return nil, t, refuse("date_unreadable")
			}
			t.made = append(t.made, date)
		}
		s.Signed = append(s.Signed, Line{name, value})
	}
	return s, t, nil
}

// coversCavage demands what every peer of ours signs.
func (s *Signature) coversCavage() error {
	switch {
	case !s.covers(requestTarget):
		return refuse("request_target_not_signed")
	case !s.covers("host"):
		return refuse("host_not_signed")
	case !s.covers("date") && !s.covers(createdName):
		return refuse("date_not_signed")
	}
	return nil
}

// parameters reads name="value" pairs between commas and optional spaces, keyed
// by lower-case name. Numbers may stand bare (Discourse quotes them). Backslash
// escapes, which no peer needs and readers differ on, are refused, as is
// anything given twice.
func parameters(header string) (map[string]string, error) {
	params := make(map[string]string, 6)
	for rest := header; ; {
		name, after, ok := strings.Cut(strings.TrimLeft(rest, " \t"), "=")
		if !ok || !token(name) {
			return nil, refuse("signature_unreadable")
		}
		var value string
		if quoted, isQuoted := strings.CutPrefix(after, `"`); isQuoted {
			value, rest, ok = strings.Cut(quoted, `"`)
			ok = ok && printable(value) && !strings.Contains(value, `\`)
		} else {
			end := strings.IndexAny(after, ", \t")
			if end < 0 {
				end = len(after)
			}
			value, rest = after[:end], after[end:]
			ok = token(value)
		}
		if !ok {
			return nil, refuse("signature_unreadable")
		}
		name = strings.ToLower(name)
		if _, twice := params[name]; twice {
			return nil, refuse("parameter_repeated")
		}
		params[name] = value

		rest = strings.TrimLeft(rest, " \t")
		if rest == "" {
			return params, nil
		}
		if rest, ok = strings.CutPrefix(rest, ","); !ok {
			return nil, refuse("signature_unreadable")
		}
	}
}

// unixTime reads whole seconds, in the one way of writing them: the signed text
// repeats them.
func unixTime(s string) (time.Time, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n <= 0 || strconv.FormatInt(n, 10) != s {
		return time.Time{}, refuse("time_unreadable")
	}
	return time.Unix(n, 0), nil
}

// verifyCavage has the library verify, with the query and then without.
func verifyCavage(signed []Line, value []byte, key *rsa.PublicKey) bool {
	if verifyByLibrary(signed, value, key) {
		return true
	}
	pathOnly := slices.Clone(signed)
	for i, l := range pathOnly {
		if path, _, hasQuery := strings.Cut(l.Value, "?"); hasQuery && l.Name == requestTarget {
			pathOnly[i].Value = path
			return verifyByLibrary(pathOnly, value, key)
		}
	}
	return false
}

// verifyByLibrary shows the library a shadow of the request: the signed lines,
// one canonical Signature header, and the raw target as its path, which the
// library writes out as it is.
func verifyByLibrary(signed []Line, value []byte, key *rsa.PublicKey) bool {
	shadow := &http.Request{URL: &url.URL{}, Header: make(http.Header, len(signed)+1)}
	// The library has no use for the key's id, and would stumble over a comma in it.
	header := []string{`keyId="-"`}
	names := make([]string, len(signed))
	for i, l := range signed {
		names[i] = l.Name
		switch l.Name {
		case requestTarget:
			shadow.Method, shadow.URL.Path, _ = strings.Cut(l.Value, " ")
		case createdName:
			header = append(header, "created="+l.Value)
		case expiresName:
			header = append(header, "expires="+l.Value)
		default:
			shadow.Header.Set(l.Name, l.Value)
		}
	}
	header = append(header, `headers="`+strings.Join(names, " ")+`"`,
		`signature="`+base64.StdEncoding.EncodeToString(value)+`"`)
	shadow.Header.Set("Signature", strings.Join(header, ","))

	verifier, err := cavage.NewVerifier(shadow)
	if err != nil {
		// It objects to (created) and (expires), by its own clock with ten
		// seconds to spare. But time was judged when the request came, more
		// leniently, and the key may have taken hours to fetch.
		return verifyRSA(signed, value, key)
	}
	return verifier.Verify(key, cavage.RSA_SHA256) == nil
}

// signCavage sets Signature, and Digest if there is a body, in the shape and
// order of Mastodon, which every peer knows.
func (m message) signCavage(key Key, digest *[32]byte) error {
	private, ok := key.Private.(*rsa.PrivateKey)
	if !ok {
		return errors.New("sign request: draft-cavage takes RSA keys only")
	}
	names := []string{requestTarget, "host", "date"}
	shadow := &http.Request{Method: m.method, URL: &url.URL{Path: m.target}, Header: http.Header{
		"Host": {m.host},
		"Date": m.header["Date"],
	}}
	if digest != nil {
		m.header.Set("Digest", "SHA-256="+base64.StdEncoding.EncodeToString(digest[:]))
		names = append(names, "digest", "content-type")
		shadow.Header["Digest"] = m.header["Digest"]
		shadow.Header["Content-Type"] = m.header["Content-Type"]
	}
	signer, _, err := cavage.NewSigner([]cavage.Algorithm{cavage.RSA_SHA256}, cavage.DigestSha256, names, cavage.Signature, 0)
	if err != nil {
		return err
	}
	if err := signer.SignRequest(private, key.ID, shadow, nil); err != nil {
		return err
	}
	// PieFed wants the algorithm's name; the label is no part of the signed text.
	m.header.Set("Signature", strings.Replace(shadow.Header.Get("Signature"),
		`algorithm="hs2019"`, `algorithm="rsa-sha256"`, 1))
	return nil
}
