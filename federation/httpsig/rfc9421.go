package httpsig

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"
	"time"

	"github.com/dunglas/httpsfv"
)

// The algorithms of RFC 9421 we take. The rest, HMAC above all, is refused.
const (
	algRSA     = "rsa-v1_5-sha256"
	algEd25519 = "ed25519"
)

// readRFC9421 reads the one signature of RFC 9421 and the lines it signs. Its
// label may be anything, but must be the same in both headers.
func (m message) readRFC9421(input, signature string) (*Signature, times, error) {
	var t times
	inputs, err := dictionary(input)
	if err != nil {
		return nil, t, err
	}
	signatures, err := dictionary(signature)
	if err != nil {
		return nil, t, err
	}
	if len(inputs.Names()) != 1 || len(signatures.Names()) != 1 {
		return nil, t, refuse("several_signatures")
	}
	label := inputs.Names()[0]
	member, _ := inputs.Get(label)
	components, isList := member.(httpsfv.InnerList)
	value, isBinary := binary(signatures, label)
	if !isList || !isBinary {
		return nil, t, refuse("signature_unreadable")
	}

	s := &Signature{Scheme: RFC9421, Value: value}
	for _, name := range components.Params.Names() {
		v, _ := components.Params.Get(name)
		ok := true
		switch name {
		case "keyid":
			s.KeyID, ok = v.(string)
		case "alg":
			s.Algorithm, _ = v.(string)
			if s.Algorithm != algRSA && s.Algorithm != algEd25519 {
				return nil, t, refuse("algorithm_refused")
			}
		case "created":
			var n int64
			n, ok = v.(int64)
			t.made = append(t.made, time.Unix(n, 0))
		case "expires":
			var n int64
			n, ok = v.(int64)
			t.expires = time.Unix(n, 0)
		}
		if !ok {
			return nil, t, refuse("signature_unreadable")
		}
	}
	switch {
	case s.KeyID == "":
		return nil, t, refuse("key_id_missing")
	case len(t.made) == 0:
		return nil, t, refuse("created_missing")
	}
	s.Signed, err = m.base(components)
	return s, t, err
}

// coversRFC9421 demands what Mastodon does, and takes the target in parts too.
func (s *Signature) coversRFC9421(m message) error {
	inParts := s.covers(`"@authority"`) && s.covers(`"@path"`) &&
		(s.covers(`"@query"`) || !strings.Contains(m.target, "?"))
	switch {
	case !s.covers(`"@method"`):
		return refuse("method_not_signed")
	case !s.covers(`"@target-uri"`) && !inParts:
		return refuse("target_uri_not_signed")
	}
	return nil
}

// base lists the lines of the signature base (RFC 9421, 2.5).
func (m message) base(components httpsfv.InnerList) ([]Line, error) {
	if len(components.Items) > maxSignedNames {
		return nil, refuse("too_many_headers_signed")
	}
	var s Signature
	for _, item := range components.Items {
		name, ok := item.Value.(string)
		// Parameters of components (;sf ;bs ;key ;req ;tr) have no use here.
		if !ok || len(item.Params.Names()) > 0 {
			return nil, refuse("component_refused")
		}
		quoted := `"` + name + `"`
		if s.covers(quoted) {
			return nil, refuse("signed_header_repeated")
		}
		value, err := m.component(name)
		if err != nil {
			return nil, err
		}
		s.Signed = append(s.Signed, Line{quoted, value})
	}
	params, err := httpsfv.Marshal(components)
	if err != nil {
		return nil, refuse("signature_unreadable")
	}
	return append(s.Signed, Line{`"@signature-params"`, params}), nil
}

// component is the value of a derived component or header (RFC 9421, 2.1, 2.2).
func (m message) component(name string) (string, error) {
	path, query, _ := strings.Cut(m.target, "?")
	switch name {
	case "@method":
		return m.method, nil
	case "@target-uri":
		return m.scheme + "://" + authority(m.scheme, m.host) + m.target, nil
	case "@authority":
		return authority(m.scheme, m.host), nil
	case "@scheme":
		return m.scheme, nil
	case "@request-target":
		return m.target, nil
	case "@path":
		return path, nil
	case "@query":
		return "?" + query, nil
	}
	if !token(name) || name != strings.ToLower(name) { // no token holds an @
		return "", refuse("component_refused")
	}
	return m.field(name)
}

// signRFC9421 sets Signature-Input, Signature, and Content-Digest if there is a
// body, as Mastodon does.
func (m message) signRFC9421(key Key, digest *[32]byte, now time.Time) error {
	names := []string{"@method", "@target-uri"}
	if digest != nil {
		m.header.Set("Content-Digest", labelled("sha-256", digest[:]))
		names = append(names, "content-digest")
	}
	components := httpsfv.InnerList{Params: httpsfv.NewParams()}
	for _, name := range names {
		components.Items = append(components.Items, httpsfv.NewItem(name))
	}
	components.Params.Add("created", now.Unix())
	components.Params.Add("keyid", key.ID)
	signed, err := m.base(components)
	if err != nil {
		return err
	}
	value, err := signText(key.Private, text(signed))
	if err != nil {
		return err
	}
	// What is sent is the text that was signed (RFC 9421, 4.1).
	m.header.Set("Signature-Input", "sig1="+signed[len(signed)-1].Value)
	m.header.Set("Signature", labelled("sig1", value))
	return nil
}

func signText(private crypto.Signer, text []byte) ([]byte, error) {
	switch private.Public().(type) {
	case *rsa.PublicKey:
		sum := sha256.Sum256(text)
		return private.Sign(rand.Reader, sum[:], crypto.SHA256)
	case ed25519.PublicKey:
		return private.Sign(rand.Reader, text, crypto.Hash(0))
	}
	return nil, errors.New("sign request: the key is neither RSA nor Ed25519")
}

// dictionary reads a structured field (RFC 9651). Of something given twice the
// standard takes the last; another reader might take the first. So what was
// read is written out again and must be what came, white space aside.
func dictionary(header string) (*httpsfv.Dictionary, error) {
	d, err := httpsfv.UnmarshalDictionary([]string{header})
	if err != nil {
		return nil, refuse("signature_unreadable")
	}
	canonical, err := httpsfv.Marshal(d)
	if err != nil || unspaced(canonical) != unspaced(header) {
		return nil, refuse("signature_not_canonical")
	}
	return d, nil
}

func unspaced(s string) string {
	return strings.Map(func(r rune) rune {
		if r == ' ' || r == '\t' {
			return -1
		}
		return r
	}, s)
}

// binary is the named byte sequence of d.
func binary(d *httpsfv.Dictionary, name string) ([]byte, bool) {
	member, _ := d.Get(name)
	item, _ := member.(httpsfv.Item)
	b, ok := item.Value.([]byte)
	return b, ok
}

// labelled writes a dictionary of one byte sequence (RFC 9651, 3.3.5).
func labelled(name string, value []byte) string {
	return name + "=:" + base64.StdEncoding.EncodeToString(value) + ":"
}
