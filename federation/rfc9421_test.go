package federation_test

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"copse/copse"
	"copse/federation/ap"
	"copse/federation/httpsig"
	"copse/store"
)

// A style is how a program signs by RFC 9421.
type style struct {
	name   string
	label  string
	post   string // the components that are signed
	get    string
	params string // after them; KEY and NOW stand for what they say
	little bool   // with an Ed25519 key
}

var styles = []style{
	{"Mastodon 4.7", "sig1", `"@method" "@target-uri" "content-digest"`, `"@method" "@target-uri"`, `;created=NOW;keyid="KEY"`, false},
	{"Fedify 2.3", "sig1", `"@method" "@target-uri" "@authority" "host" "date" "content-digest"`, `"@method" "@target-uri" "@authority" "host" "date"`, `;alg="rsa-v1_5-sha256";keyid="KEY";created=NOW`, false},
	{"tootik 0.24", "sig1", `"@method" "@target-uri" "content-type" "content-digest"`, `"@method" "@target-uri"`, `;created=NOW;keyid="KEY";alg="rsa-v1_5-sha256"`, false},
	{"the target in parts", "proxy-9", `"@method" "@scheme" "@authority" "@path" "@query" "content-digest"`, `"@method" "@authority" "@path" "@query"`, `;keyid="KEY";created=NOW;nonce="x"`, false},
	{"Mitra 4, Ed25519", "sig1", `"@method" "@target-uri" "content-digest"`, `"@method" "@target-uri"`, `;created=NOW;keyid="KEY"`, true},
	{"tootik 0.24, Ed25519", "sig1", `"@method" "@target-uri" "content-type" "content-digest"`, `"@method" "@target-uri"`, `;created=NOW;keyid="KEY";alg="ed25519"`, true},
}

// request returns a request to a town as a program of that style signs it. The text
// is put together here, independently of the code under test.
func (y style) request(v *voice, method, host, target string, body []byte) *http.Request {
	v.peer.t.Helper()
	r, err := http.NewRequest(method, "https://"+host+target, strings.NewReader(string(body)))
	if err != nil {
		v.peer.t.Fatal(err)
	}
	covers := y.get
	r.Header.Set("Accept", ap.ActivityJSON)
	r.Header.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	if method == http.MethodPost {
		covers = y.post
		sum := sha256.Sum256(body)
		r.Header.Set("Content-Type", ap.ActivityJSON)
		r.Header.Set("Content-Digest", "sha-256=:"+base64.StdEncoding.EncodeToString(sum[:])+":")
	}
	input := "(" + covers + ")" + strings.NewReplacer("KEY", v.key.ID, "NOW", fmt.Sprint(time.Now().Unix())).Replace(y.params)
	path, query, _ := strings.Cut(target, "?")
	var text strings.Builder
	for name := range strings.FieldsSeq(covers) {
		value := r.Header.Get(strings.Trim(name, `"`))
		switch name {
		case `"@method"`:
			value = method
		case `"@target-uri"`:
			value = "https://" + host + target
		case `"@scheme"`:
			value = "https"
		case `"@authority"`, `"host"`:
			value = host
		case `"@path"`:
			value = path
		case `"@query"`:
			value = "?" + query
		}
		text.WriteString(name + ": " + value + "\n")
	}
	text.WriteString(`"@signature-params": ` + input)
	var value []byte
	if _, ok := v.key.Private.(ed25519.PrivateKey); ok {
		value, err = v.key.Private.Sign(nil, []byte(text.String()), crypto.Hash(0))
	} else {
		sum := sha256.Sum256([]byte(text.String()))
		value, err = v.key.Private.Sign(rand.Reader, sum[:], crypto.SHA256)
	}
	if err != nil {
		v.peer.t.Fatal(err)
	}
	r.Header.Set("Signature-Input", y.label+"="+input)
	r.Header.Set("Signature", y.label+"=:"+base64.StdEncoding.EncodeToString(value)+":")
	return r
}

// Whoever signs by RFC 9421, in whatever style, is let in, heard and shown what is
// for members, like everybody else.
func TestEveryStyleOfRFC9421IsTaken(t *testing.T) {
	for _, y := range styles {
		t.Run(y.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork(t, "harlow.example")
				harlow := n.towns["harlow.example"]
				joan := harlow.person("joan")
				trees := harlow.community(joan, "trees", copse.JoinOpen, copse.Members)
				bob := n.peer(t, "good.example").actor("Person", "/u/bob")
				if y.little {
					bob.key = signing(bob.proves())
				}
				say := func(act obj) int { return harlow.do(y.request(bob, "POST", harlow.host, "/inbox", act.json())).Code }
				ask := func(target string) int { return harlow.do(y.request(bob, "GET", harlow.host, target, nil)).Code }

				oak := harlow.post(joan, &trees.Actor, "Oak", "<p>Oak")
				path := strings.TrimPrefix(oak.URI, "https://harlow.example")
				if got := ask(path); got != http.StatusNotFound {
					t.Errorf("a stranger who asks for the topic is answered %d", got)
				}
				if got := say(bob.act("Follow", "1", trees.URI)); got != http.StatusAccepted {
					t.Fatalf("joining is answered %d", got)
				}
				synctest.Wait()
				if got := say(bob.act("Create", "1", bob.page("elm", trees.URI, "Elm").with(obj{"to": []string{trees.URI, trees.URI + "/followers"}}))); got != http.StatusAccepted {
					t.Errorf("a topic is answered %d", got)
				}
				synctest.Wait()
				if harlow.object(bob.uri+"/page/elm") == nil {
					t.Error("the topic did not arrive")
				}
				for _, target := range []string{path, path + "?page=1", "/c/trees/outbox?page=%2F&x"} {
					if got := ask(target); got != http.StatusOK {
						t.Errorf("asking for %s is answered %d", target, got)
					}
				}
			})
		})
	}
}

// Fedify and Mastodon knock again if the answer is 401. The second knock is no repeat
// of the first, and is taken.
func TestTheSecondKnockIsHeard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, "harlow.example")
		harlow := n.towns["harlow.example"]
		trees := harlow.community(harlow.person("joan"), "trees", copse.JoinOpen, copse.Public)
		bob := n.peer(t, "good.example").actor("Person", "/u/bob")
		bob.member(harlow, trees)
		unreadable := styles[1]
		unreadable.params = strings.Replace(unreadable.params, "rsa-v1_5-sha256", "rsa-pss-sha512", 1)
		foreign := styles[0]
		foreign.post = `"@method" "content-digest"`
		for i, y := range []style{unreadable, foreign} {
			body := bob.act("Create", fmt.Sprint(i), bob.page(fmt.Sprint(i), trees.URI, "Elm")).json()
			answer := harlow.do(y.request(bob, "POST", harlow.host, "/inbox", body))
			if answer.Code != http.StatusUnauthorized {
				t.Errorf("a signature that is not taken is answered %d", answer.Code)
			}
			if got := harlow.do(bob.request(harlow.host, "/inbox", body)).Code; got != http.StatusAccepted {
				t.Errorf("the second knock is answered %d", got)
			}
			synctest.Wait()
			if harlow.object(bob.uri+"/page/"+fmt.Sprint(i)) == nil {
				t.Error("what came with the second knock is not there")
			}
		}
	})
}

// Somebody with a new key is believed after their actor has been read once more, and
// whoever has the old one is not, whichever form they sign in.
func TestANewKeyTakesThePlaceOfTheOld(t *testing.T) {
	cavage := func(v *voice, host string, body []byte) *http.Request { return v.request(host, "/inbox", body) }
	rfc := func(v *voice, host string, body []byte) *http.Request {
		return styles[0].request(v, "POST", host, "/inbox", body)
	}
	for _, c := range []struct {
		name string
		sign func(*voice, string, []byte) *http.Request
		id   string // of the new key
	}{
		{"draft-cavage", cavage, "#main-key"},
		{"draft-cavage, a key with a new name", cavage, "#key-2"},
		{"RFC 9421", rfc, "#main-key"},
		{"RFC 9421, a key with a new name", rfc, "#key-2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork(t, "harlow.example")
				harlow := n.towns["harlow.example"]
				trees := harlow.community(harlow.person("joan"), "trees", copse.JoinOpen, copse.Public)
				good := n.peer(t, "good.example")
				bob := good.actor("Person", "/u/bob")
				bob.member(harlow, trees)
				time.Sleep(6 * time.Minute) // his key is old enough to have been changed

				old := *bob
				bob.key = httpsig.Key{ID: bob.uri + c.id, Private: n.key(1024)}
				public, err := httpsig.MarshalPublicKey(bob.key.Private.Public())
				if err != nil {
					t.Fatal(err)
				}
				bob.doc = bob.doc.with(obj{"publicKey": obj{"id": bob.key.ID, "owner": bob.uri, "publicKeyPem": public}})
				good.serve(bob.doc)
				n.forget()
				say := func(v *voice, name string) int {
					act := v.act("Create", name, v.page(name, trees.URI, "Elm"))
					code := harlow.do(c.sign(v, harlow.host, act.json())).Code
					synctest.Wait()
					return code
				}
				if got := say(bob, "new"); got != http.StatusAccepted || harlow.object(bob.uri+"/page/new") == nil {
					t.Errorf("with the new key: answered %d, and it is there: %v", got, harlow.object(bob.uri+"/page/new") != nil)
				}
				if got := say(bob, "newer"); got != http.StatusAccepted || harlow.object(bob.uri+"/page/newer") == nil {
					t.Errorf("with the new key again: answered %d", got)
				}
				asked := 0
				for _, r := range n.requests(good.host) {
					if r == "GET "+bob.uri {
						asked++
					}
				}
				if asked != 1 {
					t.Errorf("his actor was read %d times, want once", asked)
				}
				for _, later := range []time.Duration{0, 6 * time.Minute} {
					time.Sleep(later)
					name := fmt.Sprint("old-", int(later))
					got := say(&old, name)
					time.Sleep(time.Hour)
					if harlow.object(bob.uri+"/page/"+name) != nil {
						t.Errorf("the old key is believed %v later", later)
					}
					if c.id == "#main-key" && later == 0 && got != http.StatusUnauthorized {
						t.Errorf("the old key is answered %d", got)
					}
				}
			})
		})
	}
}

// An Ed25519 key signs for the actor whose own document lists it, by the name that it
// has there, and for nobody else.
func TestOnlyOnesOwnKeysSign(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, "harlow.example")
		harlow := n.towns["harlow.example"]
		trees := harlow.community(harlow.person("joan"), "trees", copse.JoinOpen, copse.Public)
		good := n.peer(t, "good.example")
		bob, eve := good.actor("Person", "/u/bob"), good.actor("Person", "/u/eve")
		bob.member(harlow, trees)
		bob.proves()
		theirs := eve.proves()
		public := theirs.Private.Public().(ed25519.PublicKey)
		said := 0
		says := func(what string, key httpsig.Key) {
			t.Helper()
			said++
			as := *bob
			as.key = key
			act := bob.act("Create", fmt.Sprint(said), bob.page(fmt.Sprint(said), trees.URI, "Elm"))
			got := harlow.do(styles[4].request(&as, "POST", harlow.host, "/inbox", act.json())).Code
			time.Sleep(time.Hour) // what waits for a key is looked at
			if harlow.object(bob.uri+"/page/"+fmt.Sprint(said)) != nil {
				t.Errorf("%s: answered %d, and it is there", what, got)
			}
		}
		says("by a neighbour", signing(theirs))
		says("by a neighbour, in the name of a key of Bob's", httpsig.Key{ID: bob.uri + "#ed25519-key", Private: theirs.Private})
		says("by a neighbour, in the name of Bob's RSA key", httpsig.Key{ID: bob.key.ID, Private: theirs.Private})
		says("by a key that nobody lists", httpsig.Key{ID: bob.uri + "#ed25519-key-2", Private: theirs.Private})
		good.serve(eve.doc.with(obj{"assertionMethod": []obj{multikey(bob.uri, bob.uri+"#mine", public)}}))
		says("by a key that a neighbour lists as Bob's", httpsig.Key{ID: bob.uri + "#mine", Private: theirs.Private})
		good.serve(eve.doc.with(obj{"assertionMethod": []obj{multikey(eve.uri, bob.uri+"#mine", public)}}))
		says("by a key that a neighbour lists under an address of Bob's", httpsig.Key{ID: bob.uri + "#mine", Private: theirs.Private})
		good.serve(bob.doc.with(obj{"assertionMethod": []obj{multikey(eve.uri, bob.uri+"#mine", public)}}))
		says("by a key that Bob lists as a neighbour's", httpsig.Key{ID: bob.uri + "#mine", Private: theirs.Private})
	})
}

// A council that renews its keys is heard as before, and nobody who has kept one of
// the old is.
func TestRenewedKeysTakeThePlaceOfTheOld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, "leeds.example", "harlow.example")
		leeds, harlow := n.towns["leeds.example"], n.towns["harlow.example"]
		ann, joan := leeds.person("ann"), harlow.person("joan")
		trees := harlow.community(joan, "trees", copse.JoinOpen, copse.Public)
		there := leeds.find("!trees@harlow.example")
		synctest.Wait()
		leeds.join(ann, there)
		synctest.Wait()
		var stolen string
		leeds.view(func(tx *store.Tx) (err error) {
			stolen, err = tx.PrivateKey(ann.ID)
			return err
		})
		for _, everybody := range []bool{false, true} {
			name := ""
			if !everybody {
				name = ann.Name
			}
			if n, err := leeds.fed.RenewKeys(t.Context(), name); err != nil || (n > 1) != everybody || n == 0 {
				t.Fatalf("%d actors have new keys, %v", n, err)
			}
			oak := leeds.post(ann, there, "Oak", "<p>Oak")
			elm := harlow.post(joan, &trees.Actor, "Elm", "<p>Elm")
			time.Sleep(time.Hour)
			if harlow.object(oak.URI) == nil || leeds.object(elm.URI) == nil {
				t.Error("what was said after the keys were renewed did not get through")
			}
		}
		private, err := httpsig.ParsePrivateKey(stolen)
		if err != nil {
			t.Fatal(err)
		}
		thief := &voice{peer: &peer{t: t, host: leeds.host}, uri: ann.URI, key: httpsig.Key{ID: ann.URI + "#main-key", Private: private}}
		ash := thief.page("ash", trees.URI, "Ash")
		got := harlow.do(styles[0].request(thief, "POST", harlow.host, "/inbox", thief.act("Create", "1", ash).json())).Code
		time.Sleep(time.Hour)
		if harlow.object(ash["id"].(string)) != nil {
			t.Errorf("the old key is answered %d and believed", got)
		}
	})
}
