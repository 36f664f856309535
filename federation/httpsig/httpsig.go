// Package httpsig signs HTTP requests and verifies the signatures of peers: by
// draft-cavage-http-signatures-12, which everybody in the field speaks, and by
// RFC 9421, which is replacing it.
//
// A request is judged in two steps. [Policy.Parse] needs no key and no network:
// it reads the one signature a request may carry, demands that it covers what
// matters, and compares the body, the clock, the host. [Signature.Verify] needs
// only the key. Between the two a Signature can be kept as JSON, while the key
// is fetched.
//
// The cryptography of draft-cavage is github.com/go-fed/httpsig's. That library
// checks less than its name suggests (a missing headers parameter means "Date
// alone", the digest is never compared, of two equal parameters the last wins),
// so it never sees a peer's header: it gets a request of our own making, built
// from what Parse has read. RFC 9421 is our own code on dunglas/httpsfv.
//
// This package does not find keys, does not know actors and remembers nothing:
// whose key it is, and whether a signature was seen before, the caller settles.
package httpsig

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// A Scheme is a way of signing. It is stored in the database as a number.
type Scheme int

const (
	Cavage  Scheme = 0 // draft-cavage-http-signatures-12
	RFC9421 Scheme = 1 // HTTP Message Signatures
)

// A signature may be this far from our clock. Mastodon's figures; a peer that
// queues for half a day, or whose clock is off by summer time, still gets in.
const (
	maxAhead = time.Hour
	maxAge   = 12 * time.Hour
)

// Limits of one signature. RSA-4096 takes 684 characters of the first; peers
// sign three to six headers.
const (
	maxHeaderLength = 8 << 10
	maxSignedNames  = 32
	maxKeyIDLength  = 2 << 10
)

// Policy is what this server demands of a signature.
type Policy struct {
	Host   string           // this server's own authority, with its port unless that is the default one
	Scheme string           // of this server's URLs as peers see them, also behind a proxy; "" is https
	Now    func() time.Time // nil is time.Now
}

// A Signature is well formed and covers what it must, but no key has been tried
// on it yet. It survives encoding/json: written and read back it still verifies.
type Signature struct {
	KeyID     string `json:"keyId"` // an http or https URL
	Scheme    Scheme `json:"scheme"`
	Algorithm string `json:"algorithm,omitempty"` // RFC 9421's alg if there was one; draft-cavage leaves it to the key
	Signed    []Line `json:"signed"`
	Value     []byte `json:"value"`
}

// A Line is one line of the text that is signed, "Name: Value". Both are
// printable ASCII, so that JSON keeps every byte.
type Line struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Parse reads the one signature on r, whose body is body, and refuses it unless
// it covers method, target, host, time and body, is recent, was made for this
// server, and names its key by URL. It trusts r.Host and the request line
// and no forwarding header: behind a proxy the caller sets r.Host first.
//
// The digest is compared with body, so the caller must go on with these very
// bytes. Every failure is an [*Error].
func (p Policy) Parse(r *http.Request, body []byte) (*Signature, error) {
	m, err := p.message(r)
	if err != nil {
		return nil, err
	}
	signatures, inputs := r.Header["Signature"], r.Header["Signature-Input"]
	switch {
	case len(signatures) == 0 && len(inputs) == 0:
		return nil, &Error{ErrUnsigned, "signature_missing"}
	case len(signatures) != 1 || len(inputs) > 1 || signsInAuthorization(r.Header):
		return nil, refuse("several_signatures")
	case len(signatures[0]) > maxHeaderLength || len(inputs) == 1 && len(inputs[0]) > maxHeaderLength:
		return nil, refuse("signature_too_long")
	}

	var s *Signature
	var t times
	if len(inputs) == 1 {
		s, t, err = m.readRFC9421(inputs[0], signatures[0])
	} else {
		s, t, err = m.readCavage(signatures[0])
	}
	if err != nil {
		return nil, err
	}
	if err := p.check(m, s, t); err != nil {
		return nil, err
	}
	// Last, because only this costs more the more a stranger sends.
	if err := s.checkDigest(body, m.carriesBody()); err != nil {
		return nil, err
	}
	return s, nil
}

// signsInAuthorization reports whether there is a signature where draft-cavage
// also allows one, but no peer puts it. Beside a Signature header it would be a
// second signature.
func signsInAuthorization(h http.Header) bool {
	for _, v := range h["Authorization"] {
		if scheme, _, _ := strings.Cut(v, " "); strings.EqualFold(scheme, "Signature") {
			return true
		}
	}
	return false
}

// message is r as its sender saw it.
func (p Policy) message(r *http.Request) (message, error) {
	target := r.RequestURI
	if !strings.HasPrefix(target, "/") { // absolute, and net/http has put its host into r.Host
		target = r.URL.RequestURI()
	}
	if !strings.HasPrefix(target, "/") || !printable(target) || strings.Contains(target, " ") || !token(r.Method) {
		return message{}, &Error{ErrMalformed, "request_target_malformed"}
	}
	scheme := p.Scheme
	if scheme == "" {
		scheme = "https"
	}
	return message{r.Method, scheme, r.Host, target, r.Header}, nil
}

// check asks of a signature what both schemes must answer.
func (p Policy) check(m message, s *Signature, t times) error {
	now := time.Now
	if p.Now != nil {
		now = p.Now
	}
	path, _, _ := strings.Cut(m.target, "?")
	switch {
	case authority(m.scheme, m.host) != authority(m.scheme, p.Host):
		return refuse("wrong_host")
	case m.carriesBody() && strings.Contains(strings.ToLower(path), "%2f"):
		// Nothing we publish has one, and a router may read it as a slash.
		return refuse("encoded_slash_in_path")
	case !keyURL(s.KeyID) || m.scheme == "https" && !strings.HasPrefix(s.KeyID, "https:"):
		return refuse("key_id_not_a_url")
	}
	if err := t.check(now()); err != nil {
		return err
	}
	if s.Scheme == RFC9421 {
		return s.coversRFC9421(m)
	}
	return s.coversCavage()
}

// times are the moments a signature speaks of.
type times struct {
	made    []time.Time // all of them must lie in the window
	expires time.Time   // zero if it does not say
}

func (t times) check(now time.Time) error {
	for _, made := range t.made {
		switch {
		case made.After(now.Add(maxAhead)):
			return refuse("signature_from_the_future")
		case made.Before(now.Add(-maxAge)):
			return refuse("signature_too_old")
		}
	}
	if !t.expires.IsZero() && !now.Before(t.expires) {
		return refuse("signature_expired")
	}
	return nil
}

// Verify returns nil if key made s. A draft-cavage signature is tried with the
// query in its request target and then without, because Mbin, NodeBB, Mobilizon
// and Fedify leave it out; so a query is not proof against tampering.
//
// RSA keys of 1024 to 4096 bits verify both schemes, as RSASSA-PKCS1-v1_5 with
// SHA-256 whatever the signature calls it; Ed25519 keys verify RFC 9421 only. A
// wrong signature is ErrMismatch: the peer may have changed its key. A key that
// could never do is ErrKey.
func (s *Signature) Verify(key crypto.PublicKey) error {
	if err := checkPublicKey(key); err != nil {
		return err
	}
	if s.verifies(key) {
		return nil
	}
	return &Error{ErrMismatch, "signature_mismatch"}
}

func (s *Signature) verifies(key crypto.PublicKey) bool {
	switch key := key.(type) {
	case *rsa.PublicKey:
		if s.Scheme == Cavage {
			return verifyCavage(s.Signed, s.Value, key)
		}
		return s.Algorithm != algEd25519 && verifyRSA(s.Signed, s.Value, key)
	case ed25519.PublicKey:
		return s.Scheme == RFC9421 && s.Algorithm != algRSA && ed25519.Verify(key, text(s.Signed), s.Value)
	}
	return false
}

func verifyRSA(signed []Line, value []byte, key *rsa.PublicKey) bool {
	sum := sha256.Sum256(text(signed))
	return rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], value) == nil
}

// Hash identifies this signature for the caller's memory of those it has
// accepted. It does not depend on what a stranger could alter: the key's name,
// the order or spelling of parameters. Two equal GETs in one second have the
// same, so only what changes something should be remembered.
func (s *Signature) Hash() [32]byte { return sha256.Sum256(s.Value) }

// covers reports whether the name stands among the signed lines.
func (s *Signature) covers(name string) bool {
	_, ok := s.line(name)
	return ok
}

func (s *Signature) line(name string) (value string, ok bool) {
	for _, l := range s.Signed {
		if l.Name == name {
			return l.Value, true
		}
	}
	return "", false
}

// text is what is signed, in both schemes.
func text(signed []Line) []byte {
	var b bytes.Buffer
	for i, l := range signed {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(l.Name)
		b.WriteString(": ")
		b.WriteString(l.Value)
	}
	return b.Bytes()
}

// A Key signs. Parse it once and keep it: reading an RSA key costs a seventh of
// signing with it.
type Key struct {
	ID      string        // the URL peers find the public half under
	Private crypto.Signer // *rsa.PrivateKey; RFC 9421 also takes ed25519.PrivateKey
}

// Sign signs r, made with [http.NewRequest] and complete but for Date, the digest
// and the signature, which it sets afresh: so a request may be signed again, for
// a later attempt or by the other scheme. digest is the SHA-256 of the body,
// computed once however many peers it goes to, and nil for GET and HEAD. What
// carries a body needs its Content-Type. Sign only fails for what the caller got
// wrong.
func Sign(r *http.Request, key Key, scheme Scheme, digest *[32]byte, now time.Time) error {
	m := message{r.Method, strings.ToLower(r.URL.Scheme), r.Host, r.URL.RequestURI(), r.Header}
	if m.host == "" {
		m.host = r.URL.Host
	}
	switch {
	case m.host == "" || !printable(m.host+m.target) || !strings.HasPrefix(m.target, "/"):
		return errors.New("sign request: its URL needs a host and a path, in ASCII")
	case !keyURL(key.ID):
		return errors.New("sign request: the key's id is not a URL")
	case m.carriesBody() != (digest != nil):
		return errors.New("sign request: a body needs a digest, and GET has neither")
	case digest != nil && r.Header.Get("Content-Type") == "":
		return errors.New("sign request: a body needs a content type")
	}
	for _, name := range []string{"Signature", "Signature-Input", "Digest", "Content-Digest"} {
		r.Header.Del(name)
	}
	r.Header.Set("Date", now.UTC().Format(http.TimeFormat))
	if scheme == RFC9421 {
		return m.signRFC9421(key, digest, now)
	}
	return m.signCavage(key, digest)
}

// keyURL reports whether id is a URL that a key could be fetched from, and can
// stand between quotes in a header.
func keyURL(id string) bool {
	if len(id) > maxKeyIDLength || !printable(id) || strings.ContainsAny(id, ` "\`) {
		return false
	}
	u, err := url.Parse(id)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Hostname() != "" && u.User == nil
}
