package federation_test

import (
	"bytes"
	"context"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"copse/copse"
	"copse/federation/ap"
	"copse/federation/httpsig"
	"copse/store"
)

// A sample is what another server sends, and what it answers when it is asked.
// Every Group among that is a community that Ann, of Leeds, is in. TOPIC stands for
// the address of a topic of hers in Seeds, which is a community at Leeds that
// anybody may join.
type sample struct {
	About   string // which software does this, and what is special about it
	Serve   []obj
	Gone    []string // who it answers 410 for once they have said that they go
	Deliver []obj
}

// What other software sends does here what testdata/others.golden says. Each
// sample was written after what one of them really sends.
func TestWhatOtherSoftwareSendsIsUnderstood(t *testing.T) {
	files, err := filepath.Glob("testdata/others/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal("there are no samples", err)
	}
	var all strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var s sample
		if err := json.Unmarshal(text, &s); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		fmt.Fprintf(&all, "%s\n", strings.TrimSuffix(filepath.Base(file), ".json"))
		synctest.Test(t, func(t *testing.T) {
			r := newRehearsal(t, true)
			all.WriteString(r.play(s))
		})
	}
	golden(t, "others", all.String())
}

// A rehearsal is Leeds alone with everything that a sample refers to.
type rehearsal struct {
	t       *testing.T
	n       *network
	leeds   *town
	ann     *copse.Actor
	seeds   *copse.Community
	topic   *copse.Object
	private *rsa.PrivateKey
	words   bool // show what was written, not only that it was

	mu   sync.Mutex
	docs map[string]obj  // guarded by mu; what other servers have
	more map[string]obj  // what they have unless docs says otherwise
	gone map[string]bool // guarded by mu
}

func newRehearsal(t *testing.T, words bool) *rehearsal {
	// Before anything runs: samples are from times that must not be yet to come.
	time.Sleep(time.Until(time.Date(2027, 6, 1, 0, 0, 0, 0, time.UTC)))
	r := &rehearsal{t: t, words: words, n: newNetwork(t, "leeds.example"), docs: make(map[string]obj), gone: make(map[string]bool)}
	r.n.elsewhere = r.answer
	r.leeds = r.n.towns["leeds.example"]
	r.ann = r.leeds.person("ann")
	r.leeds.takes(r.ann, copse.ReachAnyone)
	r.seeds = r.leeds.community(r.ann, "seeds", copse.JoinOpen, copse.Public)
	r.topic = r.leeds.post(r.ann, &r.seeds.Actor, "Oak", "<p>Where?</p>")
	return r
}

func (r *rehearsal) answer(req *http.Request) (*http.Response, error) {
	res := &http.Response{StatusCode: http.StatusAccepted, Header: http.Header{}, Body: http.NoBody, Request: req}
	if req.Method != http.MethodGet {
		return res, nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	uri, _, _ := strings.Cut(req.URL.String(), "#")
	doc, ok := r.docs[uri]
	if !ok {
		doc, ok = r.more[uri]
	}
	switch {
	case r.gone[uri]:
		res.StatusCode = http.StatusGone
	case !ok:
		res.StatusCode = http.StatusNotFound
	default:
		res.StatusCode = http.StatusOK
		res.Header.Set("Content-Type", ap.ActivityJSON)
		res.Body = io.NopCloser(bytes.NewReader(doc.json()))
	}
	return res, nil
}

// key is everybody's: who is who is not what is rehearsed.
func (r *rehearsal) key() *rsa.PrivateKey {
	r.n.mu.Lock()
	defer r.n.mu.Unlock()
	if r.private == nil {
		r.private = r.n.key(1024)
	}
	return r.private
}

// serve has other servers answer with a document. Actors are given a key that
// the rehearsal has.
func (r *rehearsal) serve(doc obj) {
	uri, _ := doc["id"].(string)
	typ, _ := doc["type"].(string)
	if copse.ActorType(typ) == copse.Group || copse.ActorType(typ) == copse.Person || typ == "Service" || typ == "Application" {
		public, err := httpsig.MarshalPublicKey(r.key().Public())
		if err != nil {
			r.t.Fatal(err)
		}
		doc = doc.with(obj{"publicKey": obj{"id": uri + "#main-key", "owner": uri, "publicKeyPem": public}})
	}
	uri, _, _ = strings.Cut(uri, "#")
	r.mu.Lock()
	defer r.mu.Unlock()
	r.docs[uri] = doc
}

func (r *rehearsal) served(uri string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.docs[uri] != nil
}

// somebody has there be an actor at uri, if the samples say nothing of one.
func (r *rehearsal) somebody(typ, uri string) {
	if _, ok := ap.Host(uri); !ok || r.served(uri) || strings.HasPrefix(uri, "https://leeds.example/") {
		return
	}
	name := strings.Trim(uri[strings.LastIndexByte(strings.TrimRight(uri, "/"), '/')+1:], "/@?=&")
	r.serve(obj{"id": uri, "type": typ, "preferredUsername": name, "inbox": uri + "/inbox"})
}

// authors has those be there who made something.
func (r *rehearsal) authors(made obj) {
	all, ok := made["attributedTo"].([]any)
	if !ok {
		all = []any{made["attributedTo"]}
	}
	for _, by := range all {
		r.somebody("Person", idOf(by))
	}
}

// play delivers a sample, and returns what became of it, a line for each answer
// and each thing that is there now, or is not any more.
func (r *rehearsal) play(s sample) string {
	var b strings.Builder
	for _, doc := range s.Serve {
		r.serve(doc)
	}
	for _, doc := range s.Serve {
		r.authors(doc)
	}
	for _, doc := range s.Serve {
		if doc["type"] == "Group" {
			r.join(doc["id"].(string))
		}
	}
	before := r.account()
	for _, act := range s.Deliver {
		var to obj
		text := bytes.ReplaceAll(act.json(), []byte(`"TOPIC"`), []byte(`"`+r.topic.URI+`"`))
		if err := json.Unmarshal(text, &to); err != nil {
			r.t.Fatal(err)
		}
		for _, uri := range s.Gone {
			r.mu.Lock()
			r.gone[uri] = r.gone[uri] || to["type"] == "Delete" && idOf(to["actor"]) == uri
			r.mu.Unlock()
		}
		fmt.Fprintf(&b, "\t%s\n", r.deliver(to))
		after := r.account()
		b.WriteString(r.news(before, after))
		before = after
	}
	return b.String()
}

// join has Ann be in a community elsewhere.
func (r *rehearsal) join(group string) *copse.Actor {
	there := r.leeds.find(group)
	err := r.leeds.db.Update(context.Background(), func(tx *store.Tx) error {
		return tx.SetMembership(&copse.Membership{Community: there.ID, Actor: r.ann.ID, Role: copse.Member, State: copse.Active, Since: tx.Now})
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return there
}

// deliver posts what an actor sends, and returns what that is answered, once
// everything that had to be fetched for it has been.
func (r *rehearsal) deliver(act obj) string {
	by := idOf(act["actor"])
	r.somebody("Person", by)
	if inner, ok := act["object"].(map[string]any); ok {
		r.somebody("Person", idOf(inner["actor"]))
		r.somebody("Person", idOf(inner["attributedTo"]))
	}
	v := &voice{peer: &peer{t: r.t}, uri: by, key: httpsig.Key{ID: by + "#main-key", Private: r.key()}}
	rec := r.leeds.do(v.request("leeds.example", "/inbox", act.json()))
	synctest.Wait()
	time.Sleep(time.Minute) // and tried again
	outcome := strings.TrimSpace(fmt.Sprint(rec.Code, " ", strings.TrimSpace(rec.Body.String())))
	st, err := r.leeds.db.Status(context.Background())
	if err != nil {
		r.t.Fatal(err)
	}
	if st.Received > 0 {
		outcome += ", waits"
	}
	if st.SetAside > 0 {
		outcome += ", then set aside"
	}
	return outcome
}

// idOf returns the id in a member that is one, or an object that has one.
func idOf(member any) string {
	switch m := member.(type) {
	case string:
		return m
	case obj:
		return idOf(m["id"])
	case map[string]any:
		return idOf(m["id"])
	}
	return ""
}

// account is what is at Leeds, by name.
func (r *rehearsal) account() map[string]string {
	all := make(map[string]string)
	r.leeds.view(func(tx *store.Tx) error {
		communities, err := tx.Communities(store.Directory{N: 100})
		if err != nil {
			return err
		}
		for _, c := range communities {
			members, err := tx.MembersOf(c.ID, copse.Member, 0, 100)
			if err != nil {
				return err
			}
			for _, m := range members {
				all["~"+c.Name+" "+m.URI] = fmt.Sprintf("%s is in %s", m.URI, c.Name)
			}
			log, err := tx.Log(c.ID, 0, 1000)
			if err != nil {
				return err
			}
			for _, rec := range log {
				if by := rec.By; !by.Gone.IsZero() {
					all["~"+by.URI] = fmt.Sprintf("%s is gone", by.URI)
				}
				o, err := tx.ObjectByURI(rec.Object)
				if copse.CodeOf(err) == copse.CodeNotFound {
					continue
				}
				if err != nil {
					return err
				}
				if all[o.URI], err = r.describe(tx, o, c.Name); err != nil {
					return err
				}
			}
		}
		return r.messages(tx, all)
	})
	for _, f := range r.leeds.cases() {
		said := fmt.Sprintf("reported %s %d times", f.Of, len(f.Reports))
		if r.words {
			said = fmt.Sprintf("reported %s: %q", f.Of, f.Reports)
		}
		all["~report of "+f.Of] = strings.ReplaceAll(said, r.topic.URI, "TOPIC")
	}
	return all
}

// messages adds what has come to Ann alone, or to her and a few others.
func (r *rehearsal) messages(tx *store.Tx, all map[string]string) error {
	talks, err := tx.Talks(r.ann.ID, 0, 100)
	for _, talk := range talks {
		if err != nil {
			return err
		}
		with := slices.Clone(talk.Others)
		for _, p := range talk.People {
			with = append(with, p.URI)
		}
		slices.Sort(with)
		var lines []store.Line
		lines, err = tx.Lines(r.ann.ID, talk.ID, 0, 100)
		for _, l := range lines {
			s := fmt.Sprintf("message %s by %s among %s", l.URI, l.By.Handle(), strings.Join(with, " "))
			if l.Parent != 0 {
				to, err := tx.Message(l.Parent)
				if err != nil {
					return err
				}
				s += " to " + to.URI
			}
			if !l.Edited.IsZero() {
				s += ", edited"
			}
			switch {
			case !l.Deleted.IsZero():
				s += ", deleted"
			case r.words:
				s += "\n\t\t\t" + strings.TrimSpace(l.HTML)
			}
			all[l.URI] = s
		}
	}
	return err
}

func (r *rehearsal) describe(tx *store.Tx, o *copse.Object, community string) (string, error) {
	by, err := tx.Actor(o.Author)
	if err != nil {
		return "", err
	}
	s := fmt.Sprintf("%s %s", o.Kind, o.URI)
	if title := []rune(o.Title); len(title) > 0 {
		s += fmt.Sprintf(" %q", string(title[:min(len(title), 40)]))
	}
	s += fmt.Sprintf(" by %s in %s", by.URI, community)
	if o.Parent != 0 {
		to, err := tx.Object(o.Parent)
		if err != nil {
			return "", err
		}
		s += " to " + to.URI
	}
	if o.Audience != copse.Public {
		s += ", for members"
	}
	if o.Likes > 0 {
		s += fmt.Sprintf(", %d found it helpful", o.Likes)
	}
	if !o.Edited.IsZero() {
		s += ", edited"
	}
	switch {
	case o.Removed:
		s += ", removed"
	case !o.Deleted.IsZero():
		s += ", deleted"
	case r.words && o.HTML != "":
		s += "\n\t\t\t" + strings.TrimSpace(strings.ReplaceAll(o.HTML, "\n", "\n\t\t\t"))
	}
	return strings.NewReplacer(r.topic.URI, "TOPIC").Replace(s), nil
}

// news is what has changed from one account to the other.
func (r *rehearsal) news(before, after map[string]string) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(after)) {
		if before[name] != after[name] {
			fmt.Fprintf(&b, "\t\t%s\n", after[name])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(before)) {
		if _, is := after[name]; !is {
			fmt.Fprintf(&b, "\t\tno more: %s\n", before[name])
		}
	}
	return b.String()
}

// A panicAlarm remembers that something panicked, which is only logged.
type panicAlarm struct {
	slog.Handler
	mu  sync.Mutex
	why string // guarded by mu
}

func (a *panicAlarm) Handle(ctx context.Context, r slog.Record) error {
	r.Attrs(func(at slog.Attr) bool {
		if strings.HasPrefix(at.Value.String(), "panic") {
			a.mu.Lock()
			a.why = at.Value.String()
			a.mu.Unlock()
		}
		return true
	})
	return nil
}

func (a *panicAlarm) raised() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.why
}
