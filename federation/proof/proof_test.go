package proof

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"copse/federation/ap"
)

// vectors are those of FEP-8b32 and FEP-521a, which are CC0.
type vectors struct {
	Proof struct {
		Secret       string          `json:"secretKeyMultibase"`
		Public       string          `json:"publicKeyMultibase"`
		Method       string          `json:"verificationMethod"`
		Unsigned     json.RawMessage `json:"unsigned"`
		Value        string          `json:"proofValue"`
		ConfigHash   string          `json:"sha256_proof_config_hex"`
		DocumentHash string          `json:"sha256_document_hex"`
	} `json:"eddsa-jcs-2022"`
	Keys []struct {
		Ed25519 string `json:"ed25519_hex"`
		Public  string `json:"publicKeyMultibase"`
	} `json:"multikey"`
}

func readVectors(t testing.TB) (v vectors) {
	t.Helper()
	b, err := os.ReadFile("testdata/fep-8b32-521a.json")
	if err == nil {
		err = json.Unmarshal(b, &v)
	}
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// made is when the vector was made.
var made = time.Date(2023, 2, 24, 23, 36, 38, 0, time.UTC)

// alice is who made it.
func alice(t testing.TB) (Key, ed25519.PublicKey) {
	t.Helper()
	v := readVectors(t).Proof
	secret, err := decode(v.Secret, 2+ed25519.SeedSize)
	if err != nil {
		t.Fatal(err)
	}
	key := Key{v.Method, ed25519.NewKeyFromSeed(secret[2:])}
	return key, key.Private.Public().(ed25519.PublicKey)
}

// signed is the vector as it would be sent.
func signed(t testing.TB) []byte {
	t.Helper()
	key, _ := alice(t)
	var b bytes.Buffer
	if err := json.Compact(&b, readVectors(t).Proof.Unsigned); err != nil {
		t.Fatal(err)
	}
	doc, err := Sign(b.Bytes(), key, made)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestTheVectorsAreMadeAndTaken(t *testing.T) {
	v := readVectors(t)
	key, public := alice(t)
	if got := EncodeKey(public); got != v.Proof.Public {
		t.Errorf("the key is written %s, want %s", got, v.Proof.Public)
	}
	b := signed(t)
	if !bytes.Contains(b, []byte(`"proofValue":"`+v.Proof.Value+`"`)) {
		t.Errorf("signed: %s\nwant the value %s", b, v.Proof.Value)
	}
	p, err := Read(b, made)
	if err != nil || p.Method != key.ID {
		t.Fatalf("read %+v, %v", p, err)
	}
	if got, want := hex.EncodeToString(hashed(p.config, p.doc)), v.Proof.ConfigHash+v.Proof.DocumentHash; got != want {
		t.Errorf("hashed %s, want %s", got, want)
	}
	if err := p.Verify(public); err != nil {
		t.Error(err)
	}
	for _, k := range v.Keys {
		got, err := DecodeKey(k.Public)
		if k.Ed25519 == "" {
			if err == nil {
				t.Errorf("%s is read as an Ed25519 key", k.Public)
			}
			continue
		}
		if err != nil || hex.EncodeToString(got) != k.Ed25519 || EncodeKey(got) != k.Public {
			t.Errorf("%s is read as %x, %v", k.Public, got, err)
		}
	}
}

func TestKeysThatAreNoneAreRefused(t *testing.T) {
	_, public := alice(t)
	good := EncodeKey(public)
	for _, text := range []string{
		"", "z", good[1:], "m" + good[1:], good[:len(good)-1], good + "1", "z1" + good[1:], strings.Replace(good, "k", "0", 1),
		encode(append([]byte("\xec\x01"), public...)), encode(public), "z" + strings.Repeat("1", 1<<20),
	} {
		if key, err := DecodeKey(text); err == nil {
			t.Errorf("%.80q is read as %x", text, key)
		}
	}
}

// What another program would write in another way is the same document.
func TestAnotherSpellingIsTheSameDocument(t *testing.T) {
	_, public := alice(t)
	var all map[string]any
	if err := json.Unmarshal(signed(t), &all); err != nil {
		t.Fatal(err)
	}
	b, err := json.MarshalIndent(all, " ", "\t") // sorts the members, too
	if err != nil {
		t.Fatal(err)
	}
	b = bytes.Replace(b, []byte("Hello world"), []byte(`Hello w\u006frld`), 1)
	b = bytes.Replace(b, []byte("-71.184902"), []byte("-7.1184902e1"), 1)
	p, err := Read(b, made)
	if err == nil {
		err = p.Verify(public)
	}
	if err != nil {
		t.Errorf("%v in\n%s", err, b)
	}
}

func TestAProofOfAnythingElseIsNone(t *testing.T) {
	key, public := alice(t)
	good := string(signed(t))
	other := ed25519.NewKeyFromSeed(make([]byte, 32)).Public().(ed25519.PublicKey)
	inProof := func(from, to string) string {
		i := strings.Index(good, `"proof":`)
		changed := good[:i] + strings.Replace(good[i:], from, to, 1)
		if changed == good {
			t.Fatalf("there is no %s in the proof", from)
		}
		return changed
	}
	in := func(from, to string) string {
		if !strings.Contains(good, from) {
			t.Fatalf("there is no %s", from)
		}
		return strings.Replace(good, from, to, 1)
	}
	value := readVectors(t).Proof.Value
	for _, c := range []struct {
		name, doc string
		key       ed25519.PublicKey
		want      error
	}{
		{"as it is", good, public, nil},
		{"a key of somebody else", good, other, ErrMismatch},
		{"other words", in("Hello", "Hallo"), public, ErrMismatch},
		{"another place", in("25.273962", "25.273963"), public, ErrMismatch},
		{"another author", in(`"actor":"https://server.example/users/alice"`, `"actor":"https://server.example/users/bob"`), public, ErrMismatch},
		{"more said", in(`"type":"Note"`, `"type":"Note","summary":"x"`), public, ErrMismatch},
		{"more said beside", in(`"type":"Create"`, `"type":"Create","to":[]`), public, ErrMismatch},
		{"another time", inProof("23:36:38", "23:36:39"), public, ErrMismatch},
		{"another key named", inProof("alice#ed25519-key", "bob#ed25519-key"), public, ErrMismatch},
		{"more in the proof", inProof(`"type":`, `"domain":"x","type":`), public, ErrMismatch},
		{"another signature", inProof(value, encode(ed25519.Sign(key.Private, []byte("x")))), public, ErrMismatch},

		{"no proof", string(readVectors(t).Proof.Unsigned), public, ErrNone},
		{"a proof of nothing", inProof(`"proof":{`, `"proof":null,"then":{`), public, ErrRefused},
		{"two proofs", strings.Replace(good, `"proof":{`, `"proof":[{},{`, 1)[:len(good)+len("[{},")-1] + "]}", public, ErrRefused},
		{"the same one twice", good[:len(good)-1] + good[strings.Index(good, `,"proof":`):], public, ErrRefused},
		{"and one in capitals", good[:len(good)-1] + strings.Replace(good[strings.Index(good, `,"proof":`):], "proof", "Proof", 1), public, ErrRefused},
		{"another context than the proof", in(`"https://w3id.org/security/data-integrity/v2"`, `"https://w3id.org/security/data-integrity/v1"`), public, ErrRefused},
		{"another context in the proof", inProof("v2", "v1"), public, ErrRefused},
		{"a number for a context", inProof(`"@context":[`, `"@context":7,"x":[`), public, ErrRefused},
		{"nothing for a context", inProof(`"@context":[`, `"@context":null,"x":[`), public, ErrRefused},
		{"another type", inProof(proofType, "RsaSignature2017"), public, ErrRefused},
		{"another suite", inProof(cryptosuite, "eddsa-rdfc-2022"), public, ErrRefused},
		{"another purpose", inProof(purpose, "authentication"), public, ErrRefused},
		{"no type", inProof(`"type":"DataIntegrityProof",`, ``), public, ErrRefused},
		{"a type by another name", inProof(`"type":"DataIntegrityProof",`, `"Type":"DataIntegrityProof",`), public, ErrRefused},
		{"no suite", inProof(`"cryptosuite":"eddsa-jcs-2022",`, ``), public, ErrRefused},
		{"no purpose", inProof(`"proofPurpose":"assertionMethod",`, ``), public, ErrRefused},
		{"no key named", inProof(`"verificationMethod":"https://server.example/users/alice#ed25519-key",`, ``), public, ErrRefused},
		{"a key that is described", inProof(`"verificationMethod":"https://server.example/users/alice#ed25519-key"`, `"verificationMethod":{"id":"https://server.example/users/alice#ed25519-key"}`), public, ErrRefused},
		{"no time", inProof(`"created":"2023-02-24T23:36:38Z",`, ``), public, ErrRefused},
		{"no such time", inProof(`2023-02-24T`, `2023-02-30T`), public, ErrRefused},
		{"a time to come", inProof(`2023-02-24T`, `2023-02-25T`), public, ErrRefused},
		{"expired", inProof(`"created":`, `"expires":"2023-02-24T00:00:00Z","created":`), public, ErrRefused},
		{"expiring some day", inProof(`"created":`, `"expires":"soon","created":`), public, ErrRefused},
		{"not expired, but never said so", inProof(`"created":`, `"expires":"2029-02-24T00:00:00Z","created":`), public, ErrMismatch},
		{"no signature", inProof(`,"proofValue":"`+value+`"`, ``), public, ErrRefused},
		{"half a signature", inProof(value, value[:40]), public, ErrRefused},
		{"an endless signature", inProof(value, "z"+strings.Repeat("1", 1<<19)), public, ErrRefused},
		{"a signature in base64", inProof(value, "uAAAA"), public, ErrRefused},
		{"a document twice", good + good, public, ErrRefused},
	} {
		p, err := Read([]byte(c.doc), made)
		if err == nil {
			err = p.Verify(c.key)
		}
		if !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
}

func TestAProofIsMadeForASecondOfThePastOrNearly(t *testing.T) {
	b := signed(t)
	for _, c := range []struct {
		after time.Duration
		ok    bool
	}{{-time.Hour - time.Second, false}, {-time.Hour, true}, {0, true}, {20 * 365 * 24 * time.Hour, true}} {
		if _, err := Read(b, made.Add(c.after)); (err == nil) != c.ok {
			t.Errorf("read %v after it was made: %v", c.after, err)
		}
	}
}

func TestWhatCannotBeProvedIsNotSigned(t *testing.T) {
	key, _ := alice(t)
	full := `{"x":"` + strings.Repeat("x", ap.MaxSize-10) + `"}`
	for _, doc := range []string{string(signed(t)), full, `{`, ``, `[]`, `{"a":1,"a":1}`} {
		if b, err := Sign([]byte(doc), key, made); err == nil {
			t.Errorf("%.80s is signed: %.80s", doc, b)
		}
	}
	b, err := Sign([]byte(" {} \n"), key, made)
	if err != nil || !bytes.HasPrefix(b, []byte(`{"proof":{"type"`)) {
		t.Errorf("nothing is signed as %s, %v", b, err)
	}
}

// FuzzProof looks for two documents that one proof is good for and that mean
// different things.
func FuzzProof(f *testing.F) {
	good := signed(f)
	_, public := alice(f)
	var want any
	if err := json.Unmarshal(good, &want); err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(bytes.Replace(good, []byte("world"), []byte(`w\u006frld`), 1))
	f.Add(bytes.Replace(good, []byte("25.273962"), []byte("2.5273962e1"), 1))
	f.Add(bytes.Replace(good, []byte("25.273962"), []byte("25.27396200000000000001"), 1))
	f.Add(bytes.Replace(good, []byte(`"proof"`), []byte(`"pr\u006fof"`), 1))
	f.Fuzz(func(t *testing.T, doc []byte) {
		p, err := Read(doc, made)
		if err != nil || p.Verify(public) != nil {
			return
		}
		var got any
		if err := json.Unmarshal(doc, &got); err != nil {
			t.Fatalf("%s is taken: %v", doc, err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s is taken for %s", doc, good)
		}
	})
}

// FuzzSign has everything that may be said proved, and told from what is not it.
func FuzzSign(f *testing.F) {
	key, public := alice(f)
	f.Add([]byte(`{"@context":[],"id":"x","n":1e21,"é\n":{"\ud83d\ude00":null,"\ufb33":[1.5,-2,0]}}`))
	f.Add([]byte(readVectors(f).Proof.Unsigned))
	f.Fuzz(func(t *testing.T, doc []byte) {
		b, err := Sign(doc, key, made)
		if err != nil {
			return
		}
		p, err := Read(b, made)
		if err == nil {
			err = p.Verify(public)
		}
		if err != nil {
			t.Fatalf("%s: %v", b, err)
		}
		if rest, _ := ap.Cut(b, "proof"); fmt.Sprint(decoded(t, rest)) != fmt.Sprint(decoded(t, doc)) {
			t.Errorf("signed as %s", b)
		}
	})
}

func decoded(t *testing.T, b []byte) (v any) {
	t.Helper()
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func BenchmarkVerify(b *testing.B) {
	key, public := alice(b)
	doc, err := Sign([]byte(`{"@context":`+ap.ProofContext+`,"object":"`+strings.Repeat(`<p>In ward 3<\/p>`, 220)+`"}`), key, made)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		p, err := Read(doc, made)
		if err == nil {
			err = p.Verify(public)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}
