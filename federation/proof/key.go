package proof

import (
	"bytes"
	"crypto/ed25519"
	"errors"

	"github.com/mr-tron/base58"
)

// ed25519Pub is how a Multikey says that it is the public half of an Ed25519 key
// (multicodec 0xed, as a varint).
const ed25519Pub = "\xed\x01"

// EncodeKey returns key as the publicKeyMultibase of a Multikey.
func EncodeKey(key ed25519.PublicKey) string {
	return encode(append([]byte(ed25519Pub), key...))
}

// DecodeKey reads the publicKeyMultibase of a Multikey. It fails for keys of other
// sorts, which no proof of this cryptosuite can be checked with.
func DecodeKey(text string) (ed25519.PublicKey, error) {
	b, err := decode(text, len(ed25519Pub)+ed25519.PublicKeySize)
	if err != nil {
		return nil, err
	}
	key, ok := bytes.CutPrefix(b, []byte(ed25519Pub))
	if !ok {
		return nil, errors.New("not an Ed25519 key")
	}
	return key, nil
}

// encode writes multibase in base58btc, which proofs and Multikeys have to be in.
func encode(b []byte) string { return "z" + base58.Encode(b) }

// decode reads size bytes that encode has written.
func decode(text string, size int) ([]byte, error) {
	// A byte takes 1.37 digits. To read base58 takes the square of its length.
	if len(text) < 2 || len(text) > 2*size || text[0] != 'z' {
		return nil, errors.New("not base58btc of the length wanted")
	}
	b, err := base58.Decode(text[1:])
	if err != nil {
		return nil, err
	}
	if len(b) != size {
		return nil, errors.New("not of the length wanted")
	}
	return b, nil
}
