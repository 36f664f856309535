package httpsig

import (
	"crypto"
	"crypto/dsa" //lint:ignore SA1019 it is here to be refused
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"math/big"
	"strings"
	"testing"
)

func pemOf(t testing.TB, kind string, der []byte, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// modulus is an odd number of so many bits: enough to be refused, or not, for
// its size, without minutes of making a real key.
func modulus(bits int) *big.Int {
	n := new(big.Int).Lsh(big.NewInt(1), uint(bits-1))
	return n.SetBit(n, 0, 1)
}

func TestPublicKeysPeersPublish(t *testing.T) {
	private, public := alice(t)
	rsaKey := public.(*rsa.PublicKey)
	edKey, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	spki := func(key any) string {
		der, err := x509.MarshalPKIXPublicKey(key)
		return pemOf(t, "PUBLIC KEY", der, err)
	}
	ours, err := MarshalPublicKey(rsaKey)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := MarshalPrivateKey(private.Private)
	if err != nil {
		t.Fatal(err)
	}
	dsaKey, err := asn1.Marshal(struct {
		Algorithm struct {
			OID    asn1.ObjectIdentifier
			Params dsa.Parameters
		}
		Key asn1.BitString
	}{Key: asn1.BitString{Bytes: []byte{2, 1, 1}, BitLength: 24}, Algorithm: struct {
		OID    asn1.ObjectIdentifier
		Params dsa.Parameters
	}{asn1.ObjectIdentifier{1, 2, 840, 10040, 4, 1}, dsa.Parameters{P: big.NewInt(23), Q: big.NewInt(11), G: big.NewInt(4)}}})

	for _, c := range []struct{ name, text, want string }{
		{"ours", ours, ""},
		{"PKCS#1, as Mobilizon", pemOf(t, "RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(rsaKey), nil), ""},
		{"CRLF and blank lines", "\r\n" + strings.ReplaceAll(ours, "\n", "\r\n") + "\r\n", ""},
		{"Ed25519", spki(edKey), ""},
		{"RSA 1024", spki(&rsa.PublicKey{N: modulus(1024), E: 65537}), ""},
		{"RSA 4096", spki(&rsa.PublicKey{N: modulus(4096), E: 3}), ""},
		{"AS-023 RSA 512", spki(&rsa.PublicKey{N: modulus(512), E: 65537}), "key_size_refused"},
		{"AS-023 RSA 16384", spki(&rsa.PublicKey{N: modulus(16384), E: 65537}), "key_size_refused"},
		{"AS-023 e=1", spki(&rsa.PublicKey{N: rsaKey.N, E: 1}), "key_size_refused"},
		{"AS-023 e=2", spki(&rsa.PublicKey{N: rsaKey.N, E: 2}), "key_size_refused"},
		{"AS-023 DSA", pemOf(t, "PUBLIC KEY", dsaKey, err), "key_type_refused"},
		{"ECDSA", spki(&ecKey.PublicKey), "key_type_refused"},
		{"AS-023 broken PEM", strings.Replace(ours, "-----END", "----END", 1), "key_unreadable"},
		{"AS-023 broken DER", pemOf(t, "PUBLIC KEY", []byte("hello"), nil), "key_unreadable"},
		{"empty", "", "key_unreadable"},
		{"two keys", ours + ours, "key_unreadable"},
		{"a broken key, then another", "-----BEGIN PUBLIC KEY-----\n" + ours, "key_unreadable"},
		{"text before", "key:\n" + ours, "key_unreadable"},
		{"text after", ours + "bye", "key_unreadable"},
		{"endless", strings.Replace(ours, "\n", "\nx: "+strings.Repeat("x", maxPEMLength)+"\n\n", 1), "key_unreadable"},
		{"a private key", secret, "key_type_refused"},
		{"a certificate", pemOf(t, "CERTIFICATE", []byte("x"), nil), "key_type_refused"},
	} {
		key, err := ParsePublicKey(c.text)
		switch {
		case c.want == "" && (err != nil || key == nil):
			t.Errorf("%s: ParsePublicKey = %v", c.name, err)
		case c.want != "" && (!isReason(err, c.want) || !errors.Is(err, ErrKey)):
			t.Errorf("%s: ParsePublicKey = %v, want %s", c.name, err, c.want)
		}
	}
}

// AS-023: a key that would verify anything, or take long, is not even tried when
// it reaches Verify by another way than ParsePublicKey.
func TestVerifyRefusesBadKeysItself(t *testing.T) {
	_, public := alice(t)
	s := &Signature{Signed: []Line{{"host", "x"}}, Value: []byte("x")}
	for _, key := range []*rsa.PublicKey{
		{N: modulus(512), E: 65537},
		{N: modulus(16384), E: 65537},
		{N: public.(*rsa.PublicKey).N, E: 1},
	} {
		if err := s.Verify(key); !isReason(err, "key_size_refused") {
			t.Errorf("%d bits, e=%d: Verify = %v", key.N.BitLen(), key.E, err)
		}
	}
}

func TestPrivateKeysSurviveBeingStored(t *testing.T) {
	made, err := GenerateRSA()
	if err != nil {
		t.Fatal(err)
	}
	if got := made.N.BitLen(); got != 2048 {
		t.Errorf("GenerateRSA made %d bits", got)
	}
	all := keys(t)
	for _, private := range []Key{{aliceKey, made}, all["RSA"], all["Ed25519"]} {
		text, err := MarshalPrivateKey(private.Private)
		if err != nil {
			t.Fatal(err)
		}
		read, err := ParsePrivateKey(text)
		if err != nil {
			t.Fatal(err)
		}
		if !read.Public().(interface{ Equal(crypto.PublicKey) bool }).Equal(private.Private.Public()) {
			t.Errorf("read back another key")
		}
	}
}

func TestPrivateKeysWeDoNotSignWith(t *testing.T) {
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8 := func(key any) string {
		der, err := x509.MarshalPKCS8PrivateKey(key)
		return pemOf(t, "PRIVATE KEY", der, err)
	}
	_, public := alice(t)
	ours, err := MarshalPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"RSA 1024":   pkcs8(small),
		"ECDSA":      pkcs8(curve),
		"PKCS#1":     pemOf(t, "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(small), nil),
		"public key": ours,
		"not DER":    pemOf(t, "PRIVATE KEY", []byte("hello"), nil),
		"empty":      "",
	} {
		if _, err := ParsePrivateKey(text); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}
