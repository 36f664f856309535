package federation_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"copse/copse"
	"copse/federation/httpsig"
	"copse/federation/proof"
	"copse/store"
)

const week = 7 * 24 * time.Hour

// A porter stands before a peer and lets in what is signed in a form that it takes,
// and well.
type porter struct {
	t    testing.TB
	from *town // whose actors knock

	mu        sync.Mutex
	takes     []httpsig.Scheme // guarded by mu
	noEd25519 bool             // guarded by mu; by RFC 9421 it takes RSA alone
	refusal   int              // guarded by mu; the status of everything else
	heard     []string         // guarded by mu; "POST cavage", …
}

// porter puts one before a peer.
func (n *network) porter(t testing.TB, from *town, host string, takes ...httpsig.Scheme) *porter {
	p := &porter{t: t, from: from, takes: takes, refusal: http.StatusUnauthorized}
	n.answer(host, p.answer)
	return p
}

func (p *porter) answer(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	in := r.Clone(r.Context())
	in.RequestURI, in.Host = r.URL.RequestURI(), r.URL.Host
	sig, err := httpsig.Policy{Host: r.URL.Host}.Parse(in, body)
	if err != nil {
		p.t.Errorf("%s %s is signed so that nobody takes it: %v", r.Method, r.URL, err)
		return nil, err
	}
	form := map[httpsig.Scheme]string{httpsig.Cavage: "cavage", httpsig.RFC9421: "9421"}[sig.Scheme]
	p.from.view(func(tx *store.Tx) error {
		signer, err := tx.ActorByKey(sig.KeyID)
		if err != nil {
			return err
		}
		for _, k := range signer.Multikeys {
			if key, err := proof.DecodeKey(k.Key); err == nil && k.ID == sig.KeyID {
				form = "ed25519"
				return sig.Verify(key)
			}
		}
		key, err := httpsig.ParsePublicKey(signer.PublicKey)
		if err != nil {
			return err
		}
		return sig.Verify(key)
	})
	p.mu.Lock()
	defer p.mu.Unlock()
	p.heard = append(p.heard, r.Method+" "+form)
	if slices.Contains(p.takes, sig.Scheme) && (form != "ed25519" || !p.noEd25519) {
		return nil, nil
	}
	return &http.Response{StatusCode: p.refusal, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
}

// now changes what is taken.
func (p *porter) now(refusal int, takes ...httpsig.Scheme) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refusal, p.takes = refusal, takes
}

// knocks returns what has come since it was last asked.
func (p *porter) knocks() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	defer func() { p.heard = nil }()
	return strings.Join(p.heard, ", ")
}

// says has a peer be known to verify RFC 9421.
func (w *town) saysRFC9421(host string) {
	w.t.Helper()
	err := w.db.Update(w.t.Context(), func(tx *store.Tx) error {
		p, err := tx.PeerAt(host)
		if err != nil {
			return err
		}
		p.RFC9421 = true
		return tx.SetSigning(p)
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// sleep lets time pass. A town that is not running looks for nothing to do, every
// second of a week.
func (w *town) sleep(d time.Duration) {
	w.stop()
	time.Sleep(d)
	w.start()
}

// What is delivered reaches every peer in the form that it takes, whatever it took
// before: at once, and with one request more than needed the first time only.
func TestAPeerIsAskedInTheFormThatItTakes(t *testing.T) {
	const (
		old, rfc = httpsig.Cavage, httpsig.RFC9421
		no, bad  = http.StatusUnauthorized, http.StatusBadRequest
	)
	type step struct {
		after   time.Duration
		refusal int
		takes   []httpsig.Scheme
		want    string // the knocks of one delivery
	}
	only := func(s httpsig.Scheme) []httpsig.Scheme { return []httpsig.Scheme{s} }
	all := []httpsig.Scheme{old, rfc}
	for _, c := range []struct {
		name  string
		says  bool // that it verifies RFC 9421
		steps []step
	}{
		{"it takes both", false, []step{
			{0, no, all, "POST cavage"}, {2 * week, no, all, "POST cavage"},
		}},
		{"it takes both and says so", true, []step{
			{0, no, all, "POST 9421"}, {2 * week, no, all, "POST 9421"},
		}},
		{"it takes draft-cavage alone", false, []step{
			{0, no, only(old), "POST cavage"}, {2 * week, no, only(old), "POST cavage"},
		}},
		{"it takes RFC 9421 alone", false, []step{
			{0, no, only(rfc), "POST cavage, POST 9421"}, {0, no, only(rfc), "POST 9421"}, {2 * week, no, only(rfc), "POST 9421"},
		}},
		{"it says that it takes RFC 9421 and does not", true, []step{
			{0, no, only(old), "POST 9421, POST cavage"}, {0, no, only(old), "POST cavage"},
			{week - time.Hour, no, only(old), "POST cavage"},
			{2 * time.Hour, no, only(old), "POST 9421, POST cavage"}, {week - time.Hour, no, only(old), "POST cavage"},
		}},
		{"it cannot even read RFC 9421", true, []step{
			{0, bad, only(old), "POST 9421, POST cavage"}, {0, bad, only(old), "POST cavage"},
		}},
		{"it says that it takes RFC 9421, and learns to", true, []step{
			{0, no, only(old), "POST 9421, POST cavage"}, {0, no, all, "POST cavage"},
			{week, no, all, "POST 9421"}, {0, no, all, "POST 9421"},
		}},
		{"it has gone over to RFC 9421", false, []step{
			{0, no, all, "POST cavage"}, {time.Hour, no, only(rfc), "POST cavage, POST 9421"}, {0, no, only(rfc), "POST 9421"},
		}},
		{"it has gone over, and says 400", false, []step{
			{0, no, all, "POST cavage"}, {week + time.Hour, bad, only(rfc), "POST cavage, POST 9421"}, {0, bad, only(rfc), "POST 9421"},
		}},
		{"it has gone back", false, []step{
			{0, no, only(rfc), "POST cavage, POST 9421"}, {time.Hour, no, only(old), "POST 9421, POST cavage"},
			{0, no, only(old), "POST cavage"}, {week, no, only(old), "POST 9421, POST cavage"},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork(t)
				harlow, joan, trees, peers := crowded(t, n, 1)
				host := peers[0].host
				if c.says {
					harlow.saysRFC9421(host)
				}
				porter := n.porter(t, harlow, host)
				for i, step := range c.steps {
					harlow.sleep(step.after)
					porter.now(step.refusal, step.takes...)
					before := len(peers[0].received())
					harlow.post(joan, &trees.Actor, fmt.Sprint("Oak ", i), "<p>Oak")
					synctest.Wait()
					if got := porter.knocks(); got != step.want {
						t.Errorf("step %d: it heard %q, want %q", i, got, step.want)
					}
					if got := len(peers[0].received()) - before; got != 1 {
						t.Errorf("step %d: it has taken %d things, want one", i, got)
					}
					if p := harlow.peer(host); p.Fails != 0 || p.State != copse.PeerOK {
						t.Errorf("step %d: it is %s after %d failures", i, p.State, p.Fails)
					}
				}
			})
		})
	}
}

// A peer that takes neither form hears two knocks at each attempt, which come less
// and less often, and has everything once it takes one. What cannot be read in the
// second form is not final.
func TestAPeerThatTakesNeitherFormIsLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		harlow, joan, trees, peers := crowded(t, n, 1)
		host := peers[0].host
		n.answer(host, func(r *http.Request) (*http.Response, error) {
			status := http.StatusUnauthorized
			if r.Header.Get("Signature-Input") != "" {
				status = http.StatusBadRequest
			}
			return &http.Response{StatusCode: status, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
		})
		n.forget()
		want := [][]string{{harlow.post(joan, &trees.Actor, "Oak", "<p>Oak").URI}}
		synctest.Wait()
		if got := len(n.requests(host)); got != 2 {
			t.Errorf("it was asked %d times, want twice", got)
		}
		time.Sleep(10 * time.Minute)
		p := harlow.peer(host)
		if got := len(n.requests(host)); p.State != copse.PeerFailing || p.Fails < 5 || got != 2*p.Fails {
			t.Errorf("after 10 minutes it is %s, has failed %d times and been asked %d times", p.State, p.Fails, got)
		}
		if p.Error != "it answered 401" {
			t.Errorf("the administrator is told that %s", p.Error)
		}
		n.answer(host, nil)
		time.Sleep(10 * time.Minute)
		peers[0].inOrder(t, want...)
	})
}

// An activity that a peer does not like is refused once: that it says 400 is no
// reason to ask again, if it has taken others.
func TestWhatAPeerDoesNotLikeIsNotAskedTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		harlow, joan, trees, peers := crowded(t, n, 1)
		harlow.post(joan, &trees.Actor, "Oak", "<p>Oak")
		synctest.Wait()
		porter := n.porter(t, harlow, peers[0].host)
		porter.now(http.StatusBadRequest)
		harlow.post(joan, &trees.Actor, "Elm", "<p>Elm")
		synctest.Wait()
		if got := porter.knocks(); got != "POST cavage" {
			t.Errorf("it heard %q", got)
		}
	})
}

// Questions knock as deliveries do, and what is learnt by the one serves the other.
func TestQuestionsAreSignedInTheFormThatIsTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, "leeds.example")
		leeds := n.towns["leeds.example"]
		ann := leeds.person("ann")
		home := n.peer(t, "home.example")
		trees, moor := home.actor("Group", "/c/trees"), home.actor("Group", "/c/moor")
		porter := n.porter(t, leeds, home.host, httpsig.RFC9421)
		porter.now(http.StatusBadRequest, httpsig.RFC9421) // which of a stranger may mean the form

		// The community, what its server says about itself, in two documents, and in
		// the background the community again.
		there := leeds.find(trees.uri)
		synctest.Wait()
		if got, want := porter.knocks(), "GET cavage, GET 9421, GET 9421, GET 9421, GET 9421"; got != want {
			t.Errorf("looking for a community asked %q, want %q", got, want)
		}
		leeds.join(ann, there)
		synctest.Wait()
		if got := porter.knocks(); got != "POST 9421" {
			t.Errorf("joining asked %q", got)
		}

		porter.now(http.StatusUnauthorized)
		if _, err := leeds.fed.Find(t.Context(), moor.uri); err == nil {
			t.Error("it refuses both forms, and has answered")
		}
		if got := porter.knocks(); got != "GET 9421, GET cavage" {
			t.Errorf("it takes neither, and was asked %q", got)
		}
		if p := leeds.peer(home.host); !p.RFC9421 || !p.Refused.IsZero() {
			t.Errorf("that both are refused says nothing of either: %+v", p)
		}
		porter.now(http.StatusUnauthorized, httpsig.Cavage)
		leeds.find(moor.uri)
		if got := porter.knocks(); got != "GET 9421, GET cavage" {
			t.Errorf("it takes draft-cavage now, and was asked %q", got)
		}
		// A week later it is tested again, with whatever comes first. An answer that
		// everybody gets does not prove anything.
		leeds.sleep(week)
		n.answer(home.host, nil)
		leeds.fed.Freshen(there)
		synctest.Wait()
		if p := leeds.peer(home.host); p.Refused.IsZero() {
			t.Error("an open document has passed for a proof")
		}
	})
}

// A server can say in several ways that it verifies RFC 9421. Another cannot say it
// in its place.
func TestServersSayThatTheyVerifyRFC9421(t *testing.T) {
	const spec = "https://datatracker.ietf.org/doc/html/rfc9421"
	says := obj{"type": "Application", "implements": []obj{{"href": "https://w3id.org/fep/1b12"}, {"href": spec, "name": "RFC-9421: HTTP Message Signatures"}}}
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, "leeds.example")
		leeds := n.towns["leeds.example"]
		other := n.peer(t, "other.example")
		other.serve(says.with(obj{"id": "https://other.example/app"}))
		for i, c := range []struct {
			name        string
			actor       obj // besides what every actor has
			application obj // at /app
			nodeinfo    obj // besides what every NodeInfo has
			link        string
			want        bool
		}{
			{"nothing", nil, nil, nil, "", false},
			{"Mastodon: on every actor", obj{"generator": says}, nil, nil, "", true},
			{"one that keeps to other standards", obj{"generator": obj{"type": "Application", "implements": []obj{{"href": "https://w3id.org/fep/844e"}}}}, nil, nil, "", false},
			{"on its own actor", obj{"type": "Application", "implements": spec}, nil, nil, "", true},
			{"on its own actor, which others point to", obj{"generator": "/app"}, says, nil, "", true},
			{"on its own actor, which NodeInfo points to", nil, says, nil, "/app", true},
			{"NodeInfo points to one that says nothing", nil, obj{"type": "Application"}, nil, "/app", false},
			{"NodeInfo points to one that is not there", nil, nil, nil, "/app", false},
			{"NodeInfo points to another server's", nil, nil, nil, "https://other.example/app", false},
			{"it points to another server's", obj{"generator": "https://other.example/app"}, nil, nil, "", false},
			{"in NodeInfo", nil, nil, obj{"metadata": obj{"implements": []string{spec}}}, "", true},
			{"Hollo: known for it", nil, nil, obj{"software": obj{"name": "hollo", "version": "0.7.0"}}, "", true},
			{"something unreadable in NodeInfo", nil, nil, obj{"metadata": []int{}, "software": obj{"name": "lemmy", "version": "1.0"}}, "", false},
		} {
			p := n.peer(t, fmt.Sprintf("p%d.example", i))
			at := func(path string) string {
				if strings.HasPrefix(path, "/") {
					return "https://" + p.host + path
				}
				return path
			}
			v := p.actor("Person", "/u/bob")
			if uri, ok := c.actor["generator"].(string); ok {
				c.actor = obj{"generator": at(uri)}
			}
			p.serve(v.doc.with(c.actor))
			if c.application != nil {
				p.serve(c.application.with(obj{"id": at("/app")}))
			}
			links := []obj{{"rel": "http://nodeinfo.diaspora.software/ns/schema/2.1", "href": at("/nodeinfo")}}
			if c.link != "" {
				links = append(links, obj{"rel": "https://www.w3.org/ns/activitystreams#Application", "href": at(c.link)})
			}
			p.serveAt("/.well-known/nodeinfo", document{http.StatusOK, "application/json", "", obj{"links": links}.json()})
			nodeinfo := obj{"version": "2.1", "software": obj{"name": "bonsai", "version": "1"}, "metadata": obj{}}.with(c.nodeinfo)
			p.serveAt("/nodeinfo", document{http.StatusOK, "application/json", "", nodeinfo.json()})

			leeds.find(v.uri)
			got := leeds.peer(p.host)
			if got.RFC9421 != c.want {
				t.Errorf("%s: it verifies RFC 9421 is %v", c.name, got.RFC9421)
			}
			if got.Software == "" {
				t.Errorf("%s: its NodeInfo was not read", c.name)
			}
		}
		for _, asked := range n.requests("other.example") {
			t.Errorf("%s, to hear what another server is like", asked)
		}
	})
}

// Two councils that have read about each other sign all they ask by RFC 9421, with
// their Ed25519 keys. Should one not take that, nothing is lost: for a week it is asked
// in the old form.
func TestCouncilsSignByRFC9421(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, "leeds.example", "harlow.example")
		leeds, harlow := n.towns["leeds.example"], n.towns["harlow.example"]
		ann, joan := leeds.person("ann"), harlow.person("joan")
		harlow.community(joan, "trees", copse.JoinOpen, copse.Public)
		there := leeds.find("!trees@harlow.example")
		synctest.Wait()
		toHarlow := n.porter(t, leeds, "harlow.example", httpsig.Cavage, httpsig.RFC9421)
		toLeeds := n.porter(t, harlow, "leeds.example", httpsig.Cavage, httpsig.RFC9421)
		leeds.join(ann, there)
		synctest.Wait()
		leeds.post(ann, there, "Oak", "<p>Oak")
		synctest.Wait()
		if got := toHarlow.knocks(); without(got, "POST ed25519", "GET ed25519", "GET 9421") != "" || !strings.Contains(got, "POST ed25519") || !strings.Contains(got, "GET ed25519") {
			t.Errorf("Leeds has asked Harlow %q", got)
		}
		if _, after, _ := strings.Cut(toLeeds.knocks(), "POST"); without(after, "POST ed25519", "GET ed25519") != " ed25519" {
			t.Errorf("Harlow has asked Leeds %q", after)
		}

		toHarlow.mu.Lock()
		toHarlow.noEd25519 = true
		toHarlow.mu.Unlock()
		for _, want := range []string{"POST ed25519, POST cavage", "POST cavage"} {
			ash := leeds.post(ann, there, "Ash", "<p>Ash")
			synctest.Wait()
			if got := toHarlow.knocks(); got != want {
				t.Errorf("Leeds has asked Harlow %q, want %q", got, want)
			}
			if harlow.object(ash.URI) == nil {
				t.Error("it did not arrive")
			}
		}
	})
}

// without returns a list of knocks without some.
func without(knocks string, some ...string) string {
	var rest []string
	for _, k := range strings.Split(knocks, ", ") {
		if !slices.Contains(some, k) {
			rest = append(rest, k)
		}
	}
	return strings.Join(rest, ", ")
}
