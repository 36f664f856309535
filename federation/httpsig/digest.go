package httpsig

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"strings"
)

// checkDigest compares body with the digest that s covers. A GET needs none
// unless it has a body, but if it has one that counts.
func (s *Signature) checkDigest(body []byte, must bool) error {
	read, name := digestValue, "digest"
	if s.Scheme == RFC9421 {
		read, name = contentDigestValue, `"content-digest"`
	}
	header, ok := s.line(name)
	switch {
	case !ok && (must || len(body) > 0):
		return refuse("digest_not_signed")
	case !ok:
		return nil
	}
	want, err := read(header)
	if err != nil {
		return err
	}
	if got := sha256.Sum256(body); !bytes.Equal(got[:], want) {
		return refuse("digest_mismatch")
	}
	return nil
}

// digestValue reads the SHA-256 in a Digest header (RFC 3230), where others may
// stand beside it.
func digestValue(header string) ([]byte, error) {
	var found []byte
	for one := range strings.SplitSeq(header, ",") {
		algorithm, value, _ := strings.Cut(strings.TrimSpace(one), "=")
		if !strings.EqualFold(algorithm, "SHA-256") {
			continue
		}
		sum, err := base64.StdEncoding.DecodeString(value)
		if err != nil || found != nil {
			return nil, refuse("digest_unreadable")
		}
		found = sum
	}
	if found == nil {
		return nil, refuse("digest_not_sha_256")
	}
	return found, nil
}

// contentDigestValue reads the sha-256 in a Content-Digest header (RFC 9530).
func contentDigestValue(header string) ([]byte, error) {
	digests, err := dictionary(header)
	if err != nil {
		return nil, refuse("digest_unreadable")
	}
	sum, ok := binary(digests, "sha-256")
	if !ok {
		return nil, refuse("digest_not_sha_256")
	}
	return sum, nil
}
