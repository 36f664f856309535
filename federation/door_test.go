package federation_test

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"copse/copse"
	"copse/federation/ap"
	"copse/store"
)

// member has v join a community of w's and waits until it is in.
func (v *voice) member(w *town, c *copse.Community) {
	v.peer.t.Helper()
	if got := v.say(w, v.act("Follow", "join-"+c.Name, c.URI)); got != http.StatusAccepted {
		v.peer.t.Fatalf("asking to join is answered %d", got)
	}
	synctest.Wait()
	if a := w.actorByURI(v.uri); a == nil || w.membership(&c.Actor, a).State != copse.Active {
		v.peer.t.Fatalf("%s is not in", v.uri)
	}
}

// Every way in which a request can be wrong has its own answer, the same for
// everybody, and costs no request to anybody (security.md 4.1; the numbers are
// those of its section 5).
func TestTheFrontDoorAnswersExactly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, "harlow.example")
		harlow := n.towns["harlow.example"]
		harlow.fed.Block = []string{"bad.example"}
		trees := harlow.community(harlow.person("joan"), "trees", copse.JoinOpen, copse.Public)
		good := n.peer(t, "good.example")
		alice, bob := good.actor("Person", "/u/alice"), good.actor("Person", "/u/bob")
		alice.member(harlow, trees)
		bad := n.peer(t, "bad.example").actor("Person", "/u/eve")
		stranger := n.peer(t, "stranger.example").actor("Person", "/u/eve")
		create := func(name string) obj { return alice.act("Create", name, alice.page(name, trees.URI, "Ash")) }
		before := harlow.state()
		n.forget()

		type change = func(*http.Request)
		header := func(name, value string) change { return func(r *http.Request) { r.Header.Set(name, value) } }
		replace := func(name, old, with string) change {
			return func(r *http.Request) { r.Header.Set(name, strings.ReplaceAll(r.Header.Get(name), old, with)) }
		}
		body := func(b []byte) change { return func(r *http.Request) { r.Body = io.NopCloser(bytes.NewReader(b)) } }
		dated := func(ago time.Duration) change {
			return func(r *http.Request) {
				b, _ := io.ReadAll(r.Body)
				r.Body = io.NopCloser(bytes.NewReader(b))
				alice.sign(r, b, time.Now().Add(-ago))
			}
		}
		nobody := func(r *http.Request) { r.Header.Del("Signature") }
		as := func(keyID string) change { return replace("Signature", alice.key.ID, keyID) }
		for _, c := range []struct {
			name   string
			by     *voice
			path   string
			body   []byte
			change change
			want   int
		}{
			{"001 no signature", alice, "/inbox", create("1").json(), nobody, 401},
			{"002 no list of headers", alice, "/inbox", create("1").json(), replace("Signature", "headers=", "heads="), 401},
			{"004 the digest is not signed", alice, "/inbox", create("1").json(), replace("Signature", " digest", ""), 401},
			{"005 another body", alice, "/inbox", create("1").json(), body(create("2").json()), 401},
			{"007 from the day before", alice, "/inbox", create("1").json(), dated(13 * time.Hour), 401},
			{"007 from the afternoon to come", alice, "/inbox", create("1").json(), dated(-2 * time.Hour), 401},
			{"010 two names of the key", alice, "/inbox", create("1").json(), replace("Signature", "keyId=", `keyId="`+bob.key.ID+`",keyId=`), 401},
			{"011 two signatures", alice, "/inbox", create("1").json(), func(r *http.Request) { r.Header.Add("Signature", r.Header.Get("Signature")) }, 401},
			{"013 two schemes", alice, "/inbox", create("1").json(), header("Signature-Input", `sig=("@method");created=1;keyid="x"`), 401},
			{"016 in the name of somebody on another server", alice, "/inbox", stranger.act("Create", "1", "https://stranger.example/1").json(), nil, 401},
			{"016 by a stranger, in the name of somebody known", stranger, "/inbox", create("1").json(), nil, 401},
			{"016 in the name of somebody on the same server", alice, "/inbox", bob.act("Create", "1", "https://good.example/1").json(), nil, 401},
			{"020 a slash in a name", alice, "/c/trees%2Finbox", create("1").json(), nil, 404},
			{"022 made for another server", alice, "/inbox", create("1").json(), func(r *http.Request) { r.Host = "other.example" }, 401},
			{"056 a key of our own", alice, "/inbox", create("1").json(), as(trees.URI + "#main-key"), 401},
			{"a key that is no address", alice, "/inbox", create("1").json(), as("acct:alice@good.example"), 401},
			{"somebody else's signature", bob, "/inbox", create("1").json(), replace("Signature", bob.key.ID, alice.key.ID), 401},

			{"028 from a blocked server", bad, "/inbox", bad.act("Follow", "1", trees.URI).json(), nil, 403},
			{"061 in capitals", bad, "/inbox", bad.act("Follow", "1", trees.URI).json(), replace("Signature", "bad.example", "BAD.example"), 403},
			{"061 with a dot behind", bad, "/inbox", bad.act("Follow", "1", trees.URI).json(), replace("Signature", "bad.example", "bad.example."), 403},
			{"061 with a port", bad, "/inbox", bad.act("Follow", "1", trees.URI).json(), replace("Signature", "bad.example", "bad.example:443"), 403},
			{"062 from below a blocked server", bad, "/inbox", bad.act("Follow", "1", trees.URI).json(), replace("Signature", "bad.example", "sub.bad.example"), 403},
			{"028 a blocked server, about nonsense", bad, "/inbox", []byte("nonsense"), nil, 403},

			{"029 keys of JSON-LD's", alice, "/inbox", []byte(`{"@graph":[],"actor":"` + alice.uri + `"}`), nil, 400},
			{"094 no JSON", alice, "/inbox", []byte("nonsense"), nil, 400},
			{"094 more after the end", alice, "/inbox", append(create("1").json(), "{}"...), nil, 400},
			{"094 no UTF-8", alice, "/inbox", bytes.Replace(create("1").json(), []byte("Ash"), []byte{0xff}, 1), nil, 400},
			{"094 a NUL", alice, "/inbox", bytes.Replace(create("1").json(), []byte("Ash"), []byte(`\u0000`), 1), nil, 400},
			{"095 nested too deeply", alice, "/inbox", []byte(`{"a":` + strings.Repeat("[", 70) + strings.Repeat("]", 70) + "}"), nil, 400},
			{"095 a number too large", alice, "/inbox", []byte(`{"a":1e400}`), nil, 400},
			{"a key twice", alice, "/inbox", []byte(`{"actor":"a","Actor":"b"}`), nil, 400},
			{"nobody acts", alice, "/inbox", create("1").with(obj{"actor": nil}).json(), nil, 400},
			{"two act", alice, "/inbox", create("1").with(obj{"actor": []string{alice.uri, bob.uri}}).json(), nil, 400},
			{"no type", alice, "/inbox", create("1").with(obj{"type": nil}).json(), nil, 400},
			{"no id", alice, "/inbox", create("1").with(obj{"id": nil}).json(), nil, 400},
			{"the id of another server", alice, "/inbox", create("1").with(obj{"id": "https://stranger.example/1"}).json(), nil, 400},
			{"too many recipients", alice, "/inbox", create("1").with(obj{"to": slices.Repeat([]string{"https://a.example/"}, 257)}).json(), nil, 400},
			{"an object without an id", alice, "/inbox", create("1").with(obj{"object": obj{"type": "Page"}}).json(), nil, 400},

			{"a letter box of nobody", alice, "/u/nobody/inbox", create("1").json(), nil, 404},
			{"a person's letter box that is a community's", alice, "/u/trees/inbox", create("1").json(), nil, 404},
			{"098 a megabyte and a byte", alice, "/inbox", bytes.Repeat([]byte(" "), 1<<20+1), nil, 413},
			{"098 too large and unsigned", alice, "/inbox", bytes.Repeat([]byte(" "), 1<<20+1), nobody, 413},
			{"097 text", alice, "/inbox", create("1").json(), header("Content-Type", "text/plain"), 415},
			{"097 no type", alice, "/inbox", create("1").json(), func(r *http.Request) { r.Header.Del("Content-Type") }, 415},
			{"097 a form", alice, "/inbox", create("1").json(), header("Content-Type", "multipart/form-data; boundary=x"), 415},

			{"026 somebody unknown is gone", stranger, "/inbox", stranger.act("Delete", "1", stranger.uri).json(), nil, 202},
			{"something unheard of", alice, "/inbox", alice.act("Levitate", "1", trees.URI).json(), nil, 202},
			{"what is not here is changed", alice, "/inbox", alice.act("Update", "1", alice.page("gone", trees.URI, "x")).json(), nil, 202},
			{"what is not here is deleted", alice, "/inbox", alice.act("Delete", "1", alice.uri+"/page/gone").json(), nil, 202},
			{"nobody here is followed", alice, "/inbox", alice.act("Follow", "2", "https://harlow.example/c/none").json(), nil, 202},
			{"nothing of ours", alice, "/inbox", alice.act("Create", "n", alice.page("n", "https://else.example/c/x", "x")).json(), nil, 202},
		} {
			r := c.by.request("harlow.example", c.path, c.body)
			if c.change != nil {
				c.change(r)
			}
			rec := harlow.do(r)
			if rec.Code != c.want {
				t.Errorf("%s: answered %d %s, want %d", c.name, rec.Code, rec.Body, c.want)
			}
			if c.want >= 400 && rec.Code != 404 && !strings.HasPrefix(rec.Body.String(), `{"error":"`) {
				t.Errorf("%s: the reason given is %q", c.name, rec.Body)
			}
			synctest.Wait()
		}
		if len(n.asked()) > 0 {
			t.Errorf("others were asked: %q", n.asked())
		}
		if news := changed(before, harlow.state()); news != "" {
			t.Errorf("something took effect:\n%s", news)
		}

		// What is right is taken, once: 007, 008.
		r := alice.request("harlow.example", "/inbox", create("ok").json())
		dated(30 * time.Minute)(r)
		again := r.Clone(t.Context())
		again.Body = io.NopCloser(bytes.NewReader(create("ok").json()))
		elsewhere := r.Clone(t.Context())
		elsewhere.Body = io.NopCloser(bytes.NewReader(create("ok").json()))
		elsewhere.URL.Path = "/c/trees/inbox"
		for _, c := range []struct {
			name string
			r    *http.Request
			want int
		}{{"half an hour under way", r, 202}, {"exactly the same", again, 202}, {"to another address", elsewhere, 401}} {
			if rec := harlow.do(c.r); rec.Code != c.want || c.want == 202 && rec.Body.Len() > 0 {
				t.Errorf("%s: answered %d %q, want %d", c.name, rec.Code, rec.Body, c.want)
			}
		}
		if o := harlow.object(alice.uri + "/page/ok"); o == nil {
			t.Error("what was right did not take effect")
		}
	})
}

// Nobody is asked for anything on behalf of a server that is refused.
func TestRefusedServersCostNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, "harlow.example")
		harlow := n.towns["harlow.example"]
		trees := harlow.community(harlow.person("joan"), "trees", copse.JoinOpen, copse.Public)
		eve := n.peer(t, "evil.example").actor("Person", "/u/eve")
		for _, c := range []struct {
			name  string
			mode  copse.Mode
			allow string
			want  int
		}{
			{"closed", copse.Closed, "evil.example", 403},
			{"not on the list", copse.AllowList, "good.example", 403},
			{"below one on the list", copse.AllowList, "example", 403},
			{"on the list", copse.AllowList, "evil.example", 202},
		} {
			harlow.fed.Mode, harlow.fed.Allow = c.mode, []string{c.allow}
			n.forget()
			if got := eve.say(harlow, eve.act("Follow", c.name, trees.URI)); got != c.want {
				t.Errorf("%s: answered %d, want %d", c.name, got, c.want)
			}
			if rec := eve.get(harlow, "/c/trees/outbox"); c.want == 403 && rec.Code != 403 {
				t.Errorf("%s: a signed question is answered %d, want 403", c.name, rec.Code)
			}
			for _, address := range []string{"!x@evil.example", "https://evil.example/u/eve"} {
				if _, err := harlow.fed.Find(t.Context(), address); c.want == 403 && copse.CodeOf(err) != copse.CodeForbidden {
					t.Errorf("%s: looking for %s: %v, want it forbidden", c.name, address, err)
				}
			}
			synctest.Wait()
			if asked := n.requests("evil.example"); (len(asked) > 0) != (c.want == 202) {
				t.Errorf("%s: it was asked %q", c.name, asked)
			}
		}
	})
}

// A server that cannot take more, or cannot take anything just now, says when to
// come back.
func TestWhatCannotBeTakenNowIsPutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, "harlow.example")
		harlow := n.towns["harlow.example"]
		trees := harlow.community(harlow.person("joan"), "trees", copse.JoinOpen, copse.Public)
		eve := n.peer(t, "evil.example").actor("Person", "/u/eve")
		alice := n.peer(t, "good.example").actor("Person", "/u/alice")
		alice.member(harlow, trees)
		harlow.stop() // nobody works off what is parked
		fill := func(host string) {
			err := harlow.db.Update(t.Context(), func(tx *store.Tx) error {
				for i := range 5000 {
					if _, err := tx.Park(fmt.Sprint(host, i), &store.Received{Host: host, Body: []byte("{}")}); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		fill("third.example")
		post := func() (int, string) {
			rec := harlow.do(eve.request("harlow.example", "/inbox", eve.act("Follow", rand.Text(), trees.URI).json()))
			return rec.Code, rec.Header().Get("Retry-After")
		}
		if code, _ := post(); code != 202 {
			t.Errorf("with 5,000 waiting from another server: %d, want 202", code)
		}
		fill("fourth.example")
		if code, after := post(); code != 503 || after == "" {
			t.Errorf("with 10,000 waiting from other servers: %d, Retry-After %q, want 503 and a time", code, after)
		}
		if got := alice.say(harlow, alice.act("Update", "1", alice.uri)); got != 202 {
			t.Errorf("meanwhile somebody known is answered %d, want 202", got)
		}
		fill("evil.example")
		if code, after := post(); code != 429 || after == "" {
			t.Errorf("with 5,000 waiting from there: %d, Retry-After %q, want 429 and a time", code, after)
		}
		harlow.db.Close()
		if code, after := post(); code != 503 || after == "" {
			t.Errorf("without a database: %d, Retry-After %q, want 503 and a time", code, after)
		}
	})
}

// Whatever a known server sends, it gets an answer, and never one that says that
// we are broken.
func FuzzInbox(f *testing.F) {
	alice := "https://good.example/u/alice"
	for _, seed := range []string{
		`{"id":"ID","type":"Create","actor":"A","object":{"id":"https://good.example/p/1","type":"Page","attributedTo":"A","to":["C"],"name":"x","content":"<p>y"}}`,
		`{"id":"ID","type":"Create","actor":"A","object":"https://good.example/p/2"}`,
		`{"id":"ID","type":"Update","actor":"A","object":{"id":"https://good.example/p/1","type":"Note","attributedTo":["A"],"inReplyTo":"https://good.example/p/1"}}`,
		`{"id":"ID","type":"Follow","actor":"A","object":"C","copse:reason":"\ud83c\udf33"}`,
		`{"type":"Undo","actor":{"id":"A"},"object":{"type":"Follow","actor":"A","object":"C"}}`,
		`{"id":"ID","type":"Undo","actor":"A","object":{"type":"Like","object":{"id":null}}}`,
		`{"id":"ID","type":"Accept","actor":"A","object":{"type":"Follow","actor":"https://harlow.example/u/joan","object":"A"}}`,
		`{"type":"Accept","actor":["A"],"object":"https://harlow.example/activities/follow/1"}`,
		`{"id":"ID","type":"Announce","actor":"A","object":{"type":"Announce","object":{"type":"Announce"}}}`,
		`{"id":"ID","type":"Delete","actor":"A","object":[],"summary":{}}`,
		`{"id":"ID","type":"Like","actor":"A","object":{"id":"https://good.example/p/1"}}`,
		`{"id":"ID","type":"Flag","actor":"A","object":["https://good.example/p/1","C"],"content":1}`,
	} {
		seed = strings.NewReplacer(`"A"`, `"`+alice+`"`, `"C"`, `"https://harlow.example/c/trees"`, "ID", "https://good.example/activities/1").Replace(seed)
		f.Add([]byte(seed))
	}
	n := newNetwork(f, "harlow.example")
	harlow := n.towns["harlow.example"]
	trees := harlow.community(harlow.person("joan"), "trees", copse.JoinOpen, copse.Public)
	voice := n.peer(f, "good.example").actor("Person", "/u/alice")
	if got := voice.say(harlow, voice.act("Follow", "1", trees.URI)); got != 202 {
		f.Fatalf("answered %d", got)
	}
	n.settled(f, harlow)
	f.Fuzz(func(t *testing.T, body []byte) {
		harlow.t, voice.peer.t = t, t
		if len(body) > 2<<20 {
			t.Skip("the front door measures first")
		}
		rec := harlow.do(voice.request("harlow.example", "/inbox", body))
		switch rec.Code {
		case 202, 400, 401, 403, 413, 429:
		default:
			t.Errorf("answered %d %s to %q", rec.Code, rec.Body, body)
		}
		if _, err := ap.Parse(body); err != nil && len(body) <= 1<<20 && rec.Code != 400 {
			t.Errorf("answered %d to what cannot be read (%v)", rec.Code, err)
		}
	})
}

// An activity that breaks what works on it is set aside after a few tries, and
// the rest goes on (AS-101).
func TestAnActivityThatBreaksUsIsSetAside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, "harlow.example")
		harlow := n.towns["harlow.example"]
		var tries atomic.Int32
		harlow.fed.Mappings[0].Decode = func(w *ap.Object, _ *copse.Object) error {
			if w.Name == "poison" {
				tries.Add(1)
				panic("this was never thought of")
			}
			return nil
		}
		trees := harlow.community(harlow.person("joan"), "trees", copse.JoinOpen, copse.Public)
		alice := n.peer(t, "good.example").actor("Person", "/u/alice")
		alice.member(harlow, trees)
		if got := alice.say(harlow, alice.act("Create", "1", alice.page("1", trees.URI, "poison"))); got != 503 {
			t.Errorf("at once it is answered %d, want 503", got)
		}
		tries.Store(0)
		bob := alice.peer.actor("Person", "/u/bob") // whom nobody knows: it is parked
		if got := bob.say(harlow, bob.act("Create", "1", bob.page("1", trees.URI, "poison"))); got != 202 {
			t.Errorf("from a stranger it is answered %d, want 202", got)
		}
		time.Sleep(10 * time.Minute)
		if got := tries.Load(); got != 3 {
			t.Errorf("it was tried %d times, want 3", got)
		}
		if st, err := harlow.db.Status(t.Context()); err != nil || st.Received != 0 || st.SetAside != 1 {
			t.Errorf("%d wait and %d are set aside (%v), want none and one", st.Received, st.SetAside, err)
		}
		alice.say(harlow, alice.act("Create", "2", alice.page("2", trees.URI, "Ash")))
		if harlow.object(alice.uri+"/page/2") == nil {
			t.Error("what came after it did not take effect")
		}
	})
}

// What strangers claim to be somebody's is not kept, and costs a known server
// next to nothing.
func TestForgedSignaturesLeaveNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, "harlow.example")
		harlow := n.towns["harlow.example"]
		trees := harlow.community(harlow.person("joan"), "trees", copse.JoinOpen, copse.Public)
		good := n.peer(t, "good.example")
		alice := good.actor("Person", "/u/alice")
		alice.member(harlow, trees)
		time.Sleep(time.Hour) // her key is old enough to have been changed
		forger := n.peer(t, "evil.example").actor("Person", "/u/eve")
		forger.key.ID, forger.uri = alice.key.ID, alice.uri
		n.answer("good.example", func(*http.Request) (*http.Response, error) {
			time.Sleep(time.Second) // the clock of the test
			return nil, nil
		})
		n.forget()
		before := harlow.state()
		for i := range 50 {
			act := forger.act("Create", fmt.Sprint(i), alice.page(fmt.Sprint(i), trees.URI, "Forged"))
			if got := forger.say(harlow, act); got != 202 && got != 401 {
				t.Errorf("answered %d", got)
			}
		}
		time.Sleep(10 * time.Minute)
		if st, err := harlow.db.Status(t.Context()); err != nil || st.Received+st.SetAside != 0 {
			t.Errorf("%d wait and %d are set aside (%v), want none", st.Received, st.SetAside, err)
		}
		if got := len(n.requests("good.example")); got > 1 {
			t.Errorf("her server was asked %d times, want once", got)
		}
		if news := changed(before, harlow.state()); strings.Contains(news, "Forged") {
			t.Errorf("a forgery took effect:\n%s", news)
		}

		// A copy that a forger sends first does not stand in the way of the true one.
		carol := good.actor("Person", "/u/carol")
		forger.key.ID, forger.uri = carol.key.ID, carol.uri
		harlow.stop()
		follow := carol.act("Follow", "1", trees.URI)
		if a, b := forger.say(harlow, follow), carol.say(harlow, follow); a != 202 || b != 202 {
			t.Errorf("answered %d and %d", a, b)
		}
		harlow.start()
		time.Sleep(time.Minute)
		if a := harlow.actorByURI(carol.uri); a == nil || harlow.membership(&trees.Actor, a).State != copse.Active {
			t.Error("Carol is not in")
		}
	})
}

// A council of which everything had to wait for a key is heard from all the same:
// when it sent that, however long the key took.
func TestWhoseKeyHadToBeFetchedIsHeardFrom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, "leeds.example")
		leeds := n.towns["leeds.example"]
		ann := leeds.person("ann")
		seeds := leeds.community(ann, "seeds", copse.JoinOpen, copse.Public)
		seen := func(host string) (at time.Time) {
			leeds.view(func(tx *store.Tx) error {
				p, err := tx.Peer(host)
				if err == nil {
					at = p.LastSeen
				}
				return nil // nobody has met it yet
			})
			return at
		}
		for host, away := range map[string]time.Duration{"near.example": 0, "far.example": 5 * time.Hour} {
			there := n.peer(t, host)
			bob := there.actor("Person", "/u/bob")
			if away > 0 {
				n.answer(host, refused)
			}
			sent := store.NewID().Time() // by the clock of ids, which tests share
			bob.say(leeds, bob.act("Follow", "1", seeds.URI))
			synctest.Wait()
			if away > 0 {
				if got := seen(host); !got.IsZero() {
					t.Errorf("%s: nobody has proved that it sent anything, and it was heard from at %v", host, got)
				}
				time.Sleep(away)
				n.answer(host, nil)
				time.Sleep(12 * time.Hour)
			}
			if got := seen(host); got.Sub(sent).Abs() > time.Second {
				t.Errorf("%s: it was last heard from at %v, want %v", host, got, sent)
			}
		}
	})
}
