package world_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"copse/federation/httpsig"
	"copse/store"
)

// An oracle decides what goes wrong. What it says is a function of the seed and
// of what it is asked about, never a draw from a shared generator: whatever order
// goroutines run in, the same thing meets the same fate.
type oracle struct{ seed uint64 }

func (o oracle) number(event ...any) uint64 {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %#v", o.seed, event))
	return binary.BigEndian.Uint64(sum[:8])
}

func (o oracle) chance(p float64, event ...any) bool {
	return float64(o.number(event...)>>11)/(1<<53) < p
}

func (o oracle) delay(most time.Duration, event ...any) time.Duration {
	return time.Duration(o.number(event...) % uint64(most))
}

// How often something goes wrong with a request.
const (
	requestLost = .15
	answerLost  = .10 // it has been dealt with, and the sender never learns
	answers500  = .05
	comesTwice  = .03 // a copy surfaces up to a day later
	never       = .01 // one council cannot take one activity
	neverPost   = .06 // the home cannot take something somebody elsewhere wrote
	overheard   = .20 // what the hostile council is sent it also sends to somebody else
)

// latest is when a copy surfaces: all of them have when a story ends.
const latest = longDown + healthy

// A cut is a one-way partition: nothing gets from one council to another.
type cut struct {
	from, to   string
	begin, end time.Duration // since the faults began
}

// A wire is how one council reaches the others.
type wire struct {
	s    *sim
	from string
}

func (l wire) RoundTrip(r *http.Request) (*http.Response, error) {
	s, to := l.s, r.URL.Host
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
	}
	id := s.nameOf(r, body)
	n := s.attempt(l.from, to, id)
	about := func(kind string) []any { return []any{kind, l.from, to, id, n} }
	s.watchPrivacy(l.from, to, r, body)
	select {
	case <-time.After(time.Millisecond + s.delay(900*time.Millisecond, about("latency")...)):
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	posted := r.Method == http.MethodPost
	switch {
	case s.cutOff(l.from, to), s.fault(requestLost, about("request lost")...):
		l.stumbles(r)
		return l.silence(r, id, n, "lost")
	case posted && s.poisons(to, id):
		return l.broken(r, id, n)
	case s.fault(answers500, about("500")...):
		l.stumbles(r)
		return l.broken(r, id, n)
	}
	res := s.serve(l.from, to, r, body)
	if res == nil {
		l.stumbles(r)
		return l.silence(r, id, n, "down")
	}
	if posted {
		s.took(l.from, to, id, body, res.StatusCode)
		if s.fault(comesTwice, about("copy")...) {
			s.later(s.delay(latest, about("surfaces")...), to, r, body)
		}
		if to == s.hostile() {
			for _, other := range s.councils {
				if other.host != to && s.fault(overheard, append(about("overheard"), other.host)...) {
					s.replay(other.host, r, body, append(about("replayed"), other.host))
				}
			}
		}
	}
	if r.Context().Err() != nil || s.cutOff(to, l.from) || s.fault(answerLost, about("answer lost")...) {
		l.stumbles(r)
		return l.silence(r, id, n, "unheard")
	}
	return l.note(r, id, n, res)
}

// silence is what one hears whose request or answer is lost: nothing, until one
// stops waiting.
func (l wire) silence(r *http.Request, id string, n int, why string) (*http.Response, error) {
	l.s.record("%s %s>%s %s %d %s", l.s.now(), l.from, r.URL.Host, id, n, why)
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func (l wire) broken(r *http.Request, id string, n int) (*http.Response, error) {
	return l.note(r, id, n, &http.Response{StatusCode: http.StatusInternalServerError, Body: http.NoBody, Header: http.Header{}})
}

func (l wire) note(r *http.Request, id string, n int, res *http.Response) (*http.Response, error) {
	l.s.record("%s %s>%s %s %d %d", l.s.now(), l.from, r.URL.Host, id, n, res.StatusCode)
	res.Request = r
	return res, nil
}

// serve has a council answer, unless it is down or goes down meanwhile.
func (s *sim) serve(from, to string, r *http.Request, body []byte) *http.Response {
	c := s.council(to)
	if c == nil {
		return nil
	}
	s.mu.Lock()
	life, up := c.life, c.Server
	s.mu.Unlock()
	if up == nil {
		return nil
	}
	in := r.Clone(r.Context())
	in.RequestURI, in.RemoteAddr, in.Body = r.URL.RequestURI(), "192.0.2.1:1234", io.NopCloser(bytes.NewReader(body))
	in.Host = r.URL.Host
	rec := httptest.NewRecorder()
	up.ServeHTTP(rec, in)
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.life != life {
		return nil
	}
	if rec.Code == http.StatusOK {
		s.watchAnswer(from, to, rec.Body.Bytes())
	}
	return rec.Result()
}

// later delivers a copy of a request, as it was, when a while has passed.
func (s *sim) later(wait time.Duration, to string, r *http.Request, body []byte) {
	copied := r.Clone(s.ctx)
	s.busy.Go(func() {
		select {
		case <-time.After(wait):
			s.serve("", to, copied, body)
		case <-s.ctx.Done():
		}
	})
}

// replay is what the hostile council does with what it hears: it sends the very
// request to another council, and what is in it signed as its own.
func (s *sim) replay(to string, r *http.Request, body []byte, event []any) {
	wait := s.delay(latest, event...)
	copied := r.Clone(s.ctx)
	copied.URL.Host = to
	s.later(wait, to, copied, body)
	if inner := insideOf(body); inner != nil {
		body = inner
	}
	// Whoever said it may be believed by their proof alone, whoever brings it.
	proved := s.chance(.5, append([]any{"keep the proof"}, event...)...)
	if !proved {
		body = unproved(body)
	}
	copied = r.Clone(s.ctx)
	copied.URL.Host, copied.Host, copied.URL.Path = to, to, "/inbox"
	s.busy.Go(func() {
		select {
		case <-time.After(wait + time.Second):
		case <-s.ctx.Done():
			return
		}
		mallory := s.people[s.hostile()][0]
		copied.Header.Del("Signature")
		digest := sha256.Sum256(body)
		if err := httpsig.Sign(copied, httpsig.Key{ID: mallory.URI + "#main-key", Private: s.keys[s.hostile()].Private}, httpsig.RFC9421, &digest, time.Now()); err != nil {
			s.wrong("sign as the hostile council: %v", err)
			return
		}
		res := s.serve("", to, copied, body)
		if res != nil && res.StatusCode < 300 && !proved && !bytes.Contains(body, []byte(`"actor":"https://`+s.hostile())) {
			s.wrong("I3: %s took from %s what somebody else said: %s", to, s.hostile(), body)
		}
	})
}

// unproved returns an activity without the proof it carries.
func unproved(body []byte) []byte {
	var w map[string]json.RawMessage
	if json.Unmarshal(body, &w) != nil {
		return body
	}
	delete(w, "proof")
	b, err := json.Marshal(w)
	if err != nil {
		return body
	}
	return b
}

// insideOf returns the activity that an announcement carries.
func insideOf(body []byte) []byte {
	var w struct {
		Type   string
		Object json.RawMessage
	}
	if json.Unmarshal(body, &w) != nil || w.Type != "Announce" || len(w.Object) == 0 || w.Object[0] != '{' {
		return nil
	}
	return w.Object
}

// nameOf returns what a request is about, the same in every run: ids that are
// made by chance or by the clock are left out, and objects have the names that
// the story gives them.
func (s *sim) nameOf(r *http.Request, body []byte) string {
	if r.Method == http.MethodPost {
		return s.named(body)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	path := r.URL.RequestURI()
	if strings.HasPrefix(path, "/activities/") || strings.HasSuffix(r.URL.Path, "/log") {
		path = path[:strings.LastIndexAny(path, "/")]
	}
	if name, ok := s.names["https://"+r.URL.Host+r.URL.Path]; ok {
		path = name
	}
	return r.Method + " " + path
}

func (s *sim) named(body []byte) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var w any
	if err := json.Unmarshal(body, &w); err != nil {
		return "unreadable"
	}
	return s.describe(w)
}

func (s *sim) describe(v any) string { // s.mu is held
	switch v := v.(type) {
	case string:
		if name, ok := s.names[v]; ok {
			return name
		}
		return v
	case map[string]any:
		if uri, ok := v["id"].(string); ok && s.names[uri] != "" {
			return s.names[uri]
		}
		actor, _ := v["actor"].(string)
		return fmt.Sprintf("%s %s %s", s.describe(actor), v["type"], s.describe(v["object"]))
	}
	return ""
}

// attempt returns how often one council has asked another for the same before.
func (s *sim) attempt(from, to, id string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := from + " " + to + " " + id
	s.attempts[key]++
	return s.attempts[key] - 1
}

// fault is chance while there are faults.
func (s *sim) fault(p float64, event ...any) bool {
	return s.faulty.Load() && s.chance(p, event...)
}

func (s *sim) cutOff(from, to string) bool {
	if !s.faulty.Load() {
		return false
	}
	now := time.Since(s.began)
	for _, c := range s.cuts {
		if c.from == from && c.to == to && now >= c.begin && now < c.end {
			return true
		}
	}
	return false
}

// poisons reports whether a council cannot take an activity until all is well again.
func (s *sim) poisons(to, id string) bool {
	return s.fault(never, "never", to, id) || to == home && strings.Contains(id, " Create ") && s.fault(neverPost, "never a post", id)
}

// stumbles notes that something sent to a council did not get there, and that it was
// not to blame itself.
func (l wire) stumbles(r *http.Request) {
	if r.Method != http.MethodPost {
		return
	}
	l.s.mu.Lock()
	defer l.s.mu.Unlock()
	l.s.lost[l.from+" "+r.URL.Host] = time.Now()
}

// clear reports whether nothing has come between two councils for a while.
func (s *sim) clear(a, b *council, since time.Duration) bool {
	now := time.Since(s.began)
	for _, c := range s.cuts {
		touches := c.from == a.host && c.to == b.host || c.from == b.host && c.to == a.host
		if touches && c.begin < now && c.end > now-since {
			return false
		}
	}
	s.mu.Lock()
	lost := s.lost[a.host+" "+b.host]
	s.mu.Unlock()
	return time.Since(lost) > since && a.Server != nil && b.Server != nil && time.Since(a.since) > since && time.Since(b.since) > since
}

// now is the time since the faults began.
func (s *sim) now() time.Duration { return time.Since(s.began) }

// view reads at a council.
func (c *council) view(fn func(*store.Tx) error) error {
	return c.DB.View(context.Background(), fn)
}
