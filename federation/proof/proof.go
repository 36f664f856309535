// Package proof signs ActivityStreams documents in themselves, so that what somebody
// said can be told from what others say they said whoever passes it on: object
// integrity proofs (FEP-8b32) of the cryptosuite eddsa-jcs-2022 (W3C Data Integrity
// EdDSA Cryptosuites), with the keys that FEP-521a has actors publish.
//
// A proof is over every byte of a document that means anything, in the canonical
// form of RFC 8785, and nothing is ever added or taken away to make it fit.
package proof

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"copse/federation/ap"
)

const (
	proofType   = "DataIntegrityProof"
	cryptosuite = "eddsa-jcs-2022"
	purpose     = "assertionMethod"

	// maxAhead is how far the clock of whoever proves something may be ahead.
	maxAhead = time.Hour

	space = " \t\r\n" // of JSON
)

var (
	// ErrNone: there is no proof.
	ErrNone = errors.New("no proof")
	// ErrRefused: there is one, but it is not of the sort that is taken here.
	ErrRefused = errors.New("proof refused")
	// ErrMismatch: the key did not make the proof, or not of this document.
	ErrMismatch = errors.New("proof does not verify")
)

func refuse(why string) error { return fmt.Errorf("%w: %s", ErrRefused, why) }

// A Key is what an actor of ours proves with.
type Key struct {
	ID      string // the URI that the actor publishes it at
	Private ed25519.PrivateKey
}

// Sign returns the JSON object doc with a proof by key, dated at, in seconds, as its
// last member. It fails if doc is not a document that ap.Check passes, has a proof
// already, or has no room for one within ap.MaxSize.
func Sign(doc []byte, key Key, at time.Time) ([]byte, error) {
	if err := ap.Check(doc); err != nil {
		return nil, err
	}
	if member(doc, "proof") != nil {
		return nil, errors.New("it has a proof already")
	}
	config, err := json.Marshal(struct {
		Context json.RawMessage `json:"@context,omitempty"`
		Type    string          `json:"type"`
		Suite   string          `json:"cryptosuite"`
		Method  string          `json:"verificationMethod"`
		Purpose string          `json:"proofPurpose"`
		Created string          `json:"created"`
	}{member(doc, "@context"), proofType, cryptosuite, key.ID, purpose, at.UTC().Format(time.RFC3339)})
	if err != nil {
		return nil, err
	}
	open := bytes.TrimRight(bytes.TrimSuffix(bytes.Trim(doc, space), []byte("}")), space)
	signed := open[:len(open):len(open)]
	if open[len(open)-1] != '{' {
		signed = append(signed, ',')
	}
	signed = append(append(signed, `"proof":`...), config[:len(config)-1]...)
	signed = append(append(signed, `,"proofValue":"`...), encode(ed25519.Sign(key.Private, hashed(config, doc)))...)
	signed = append(signed, `"}}`...)
	if len(signed) > ap.MaxSize {
		return nil, fmt.Errorf("with its proof it is longer than %d bytes", ap.MaxSize)
	}
	return signed, nil
}

// A Proof has been read from a document. Nobody has checked it yet.
type Proof struct {
	Method string // the URI of the key that it says it was made with

	doc, config json.RawMessage
	value       []byte
}

// Read returns the proof in the JSON object doc. The error is ErrNone, or ErrRefused
// for more than one, for one of another sort or without one of its members, and for
// one that is dated more than an hour after now or has expired.
func Read(doc []byte, now time.Time) (*Proof, error) {
	if err := ap.Check(doc); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	bare, config := ap.Cut(doc, "proof")
	switch {
	case config == nil:
		return nil, ErrNone
	case config[0] != '{':
		return nil, refuse("one is wanted")
	}
	var all map[string]json.RawMessage // a struct would also take "Type" for "type"
	if err := json.Unmarshal(config, &all); err != nil {
		return nil, refuse("it cannot be read")
	}
	p := &Proof{doc: bare}
	text := func(name string) (s string) {
		if json.Unmarshal(all[name], &s) != nil {
			return ""
		}
		return s
	}
	switch p.Method = text("verificationMethod"); {
	case text("type") != proofType, text("cryptosuite") != cryptosuite, text("proofPurpose") != purpose:
		return nil, refuse("it is of another sort")
	case p.Method == "":
		return nil, refuse("it names no key")
	case !timely(text("created"), all["expires"] != nil, text("expires"), now):
		return nil, refuse("it is not of this time")
	}
	// What was signed has the context that its proof has. One of the two alone, or
	// another, would be read otherwise by who takes the context seriously.
	if context := all["@context"]; context != nil && !same(context, member(bare, "@context")) {
		return nil, refuse("it has another context")
	}
	var err error
	if p.value, err = decode(text("proofValue"), ed25519.SignatureSize); err != nil {
		return nil, refuse("its value cannot be read")
	}
	p.config, _ = ap.Cut(config, "proofValue")
	return p, nil
}

func timely(created string, ends bool, expires string, now time.Time) bool {
	at, err := time.Parse(time.RFC3339, created)
	if err != nil || at.After(now.Add(maxAhead)) {
		return false
	}
	if !ends {
		return true
	}
	end, err := time.Parse(time.RFC3339, expires)
	return err == nil && end.After(now)
}

func member(doc []byte, name string) json.RawMessage {
	_, value := ap.Cut(doc, name)
	return value
}

// same reports whether two values, of which there may be none, mean the same.
func same(a, b json.RawMessage) bool {
	if a == nil || b == nil {
		return false
	}
	if bytes.Equal(a, b) { // as they nearly always are
		return true
	}
	return bytes.Equal(ap.Canonical(a), ap.Canonical(b))
}

// Verify returns ErrMismatch unless the proof was made with key of just this
// document. Whose key that is, is for the caller to know.
func (p *Proof) Verify(key ed25519.PublicKey) error {
	if !ed25519.Verify(key, hashed(p.config, p.doc), p.value) {
		return ErrMismatch
	}
	return nil
}

// hashed returns what is signed: the hashes of the proof without its value and of
// the document without the proof.
func hashed(config, doc []byte) []byte {
	one, other := sha256.Sum256(ap.Canonical(config)), sha256.Sum256(ap.Canonical(doc))
	return append(one[:], other[:]...)
}
