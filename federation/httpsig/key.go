package httpsig

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"strings"
)

// Sizes of RSA keys in bits. 2048 is what everybody uses. Below 1024 a key can
// be broken by anybody; above 4096 verifying is a way to keep us busy.
const (
	rsaBits        = 2048
	minRSABits     = 1024 // of peers; old accounts still have them
	maxRSABits     = 4096
	maxPEMLength   = 8 << 10
	publicPEM      = "PUBLIC KEY"
	publicPKCS1PEM = "RSA PUBLIC KEY"
	privatePEM     = "PRIVATE KEY"
)

// ParsePublicKey reads a peer's publicKeyPem: SubjectPublicKeyInfo with an RSA or
// Ed25519 key, or PKCS#1 RSA as Mobilizon publishes. It refuses, with [ErrKey],
// RSA keys outside 1024 to 4096 bits and text over 8 KiB.
func ParsePublicKey(pemText string) (crypto.PublicKey, error) {
	block := onePEM(pemText)
	if block == nil {
		return nil, &Error{ErrKey, "key_unreadable"}
	}
	var key crypto.PublicKey
	var err error
	switch block.Type {
	case publicPEM:
		key, err = x509.ParsePKIXPublicKey(block.Bytes)
	case publicPKCS1PEM:
		key, err = x509.ParsePKCS1PublicKey(block.Bytes)
	default:
		return nil, &Error{ErrKey, "key_type_refused"}
	}
	if err != nil {
		return nil, &Error{ErrKey, "key_unreadable"}
	}
	if err := checkPublicKey(key); err != nil {
		return nil, err
	}
	return key, nil
}

// checkPublicKey refuses keys that prove nothing or cost too much.
func checkPublicKey(key crypto.PublicKey) error {
	switch key := key.(type) {
	case *rsa.PublicKey:
		// With an exponent of 1 the signature is the padded text itself.
		if bits := key.N.BitLen(); bits < minRSABits || bits > maxRSABits || key.E < 3 || key.E%2 == 0 {
			return &Error{ErrKey, "key_size_refused"}
		}
		return nil
	case ed25519.PublicKey:
		if len(key) == ed25519.PublicKeySize {
			return nil
		}
	}
	return &Error{ErrKey, "key_type_refused"}
}

// MarshalPublicKey writes key as the SubjectPublicKeyInfo PEM that every peer reads.
func MarshalPublicKey(key crypto.PublicKey) (string, error) {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return "", err
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: publicPEM, Bytes: der})), nil
}

// GenerateRSA makes an actor's key, of 2048 bits. It takes about 60 ms of one
// core: make keys when they are first needed.
func GenerateRSA() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, rsaBits) }

// ParsePrivateKey reads one of our own keys: PKCS#8 PEM with an RSA key of 2048
// to 4096 bits, or an Ed25519 key. Its errors never quote the text.
func ParsePrivateKey(pemText string) (crypto.Signer, error) {
	block := onePEM(pemText)
	if block == nil || block.Type != privatePEM {
		return nil, errors.New("parse private key: not one PEM block of PKCS#8")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, errors.New("parse private key: not PKCS#8")
	}
	switch key := key.(type) {
	case *rsa.PrivateKey:
		if bits := key.N.BitLen(); bits < rsaBits || bits > maxRSABits {
			return nil, errors.New("parse private key: RSA keys have 2048 to 4096 bits")
		}
		return key, nil
	case ed25519.PrivateKey:
		return key, nil
	}
	return nil, errors.New("parse private key: neither RSA nor Ed25519")
}

// MarshalPrivateKey writes key as PKCS#8 PEM.
func MarshalPrivateKey(key crypto.Signer) (string, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return "", err
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: privatePEM, Bytes: der})), nil
}

// onePEM decodes text that is one PEM block and nothing else, or returns nil: of
// two keys another reader might take the other.
func onePEM(text string) *pem.Block {
	text = strings.TrimSpace(text)
	if len(text) > maxPEMLength || !strings.HasPrefix(text, "-----BEGIN ") || strings.Count(text, "-----BEGIN ") > 1 {
		return nil
	}
	block, rest := pem.Decode([]byte(text))
	if len(rest) > 0 {
		return nil
	}
	return block
}
