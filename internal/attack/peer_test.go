package attack

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	public       = "https://www.w3.org/ns/activitystreams#Public"
	activityJSON = "application/activity+json"
)

// An obj is a JSON object.
type obj map[string]any

// with returns o with other members in place of its own; nil takes one away.
func (o obj) with(others obj) obj {
	o = maps.Clone(o)
	for name, v := range others {
		if o[name] = v; v == nil {
			delete(o, name)
		}
	}
	return o
}

func (o obj) json() []byte {
	b, err := json.Marshal(o)
	if err != nil {
		panic(err) // plain maps always marshal
	}
	return b
}

// A peer is another server, which answers with what it is told to.
type peer struct {
	w       *wire
	host    string
	at      netip.Addr
	allowed bool // on the list, if there is one

	mu    sync.Mutex
	docs  map[string]http.HandlerFunc // guarded by mu; by path and query
	inbox func(http.ResponseWriter)   // guarded by mu; how what is sent here is answered; nil is 202
	got   []delivery                  // guarded by mu
}

// A delivery is what was sent to a peer.
type delivery struct {
	obj
	header http.Header
}

func (w *wire) peer(host, at string, allowed bool) *peer {
	p := &peer{w: w, host: host, at: netip.MustParseAddr(at), allowed: allowed, docs: make(map[string]http.HandlerFunc)}
	w.give(host, p, p.at)
	return p
}

func (p *peer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost {
		var act obj
		json.NewDecoder(r.Body).Decode(&act) // nil is not what anybody waits for
		p.mu.Lock()
		answer := p.inbox
		p.got = append(p.got, delivery{act, r.Header})
		p.mu.Unlock()
		if answer != nil {
			answer(w)
			return
		}
		w.WriteHeader(http.StatusAccepted)
		return
	}
	p.mu.Lock()
	doc := p.docs[r.URL.RequestURI()]
	p.mu.Unlock()
	if doc == nil {
		http.NotFound(w, r)
		return
	}
	doc(w, r)
}

// meet has what is sent to the peer answered by fn, or taken if that is nil.
func (p *peer) meet(fn func(http.ResponseWriter)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.inbox = fn
}

// received returns what was sent to the peer, of a type.
func (p *peer) received(typ string) (all []delivery) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, d := range p.got {
		if d.obj["type"] == typ {
			all = append(all, d)
		}
	}
	return all
}

// answer has a path answered by fn.
func (p *peer) answer(path string, fn http.HandlerFunc) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.docs[path] = fn
}

// serve has a document answered at its own id, and returns that.
func (p *peer) serve(doc obj) string {
	id := doc["id"].(string)
	p.serveAt(strings.TrimPrefix(id, "https://"+p.host), activityJSON, doc)
	return id
}

func (p *peer) serveAt(path, contentType string, doc obj) {
	p.answer(path, func(w http.ResponseWriter, _ *http.Request) {
		if contentType == "" {
			w.Header()["Content-Type"] = nil // or the library would guess
		} else {
			w.Header().Set("Content-Type", contentType)
		}
		w.Write(doc.json()) // whoever asks may go away
	})
}

// A voice is an actor at a peer.
type voice struct {
	*peer
	uri, keyID string
	key        *rsa.PrivateKey
	doc        obj
}

// keys are made once for all.
var keys = sync.OnceValue(func() (all []*rsa.PrivateKey) {
	for range 7 {
		k, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err)
		}
		all = append(all, k)
	}
	return all
})

// actor returns an actor of the peer, whose document it serves. Those with the same
// number have the same key.
func (p *peer) actor(typ, path string, key int) *voice {
	uri := "https://" + p.host + path
	v := &voice{peer: p, uri: uri, keyID: uri + "#main-key", key: keys()[key]}
	v.doc = obj{
		"@context": "https://www.w3.org/ns/activitystreams", "id": uri, "type": typ, "preferredUsername": path[strings.LastIndexByte(path, '/')+1:],
		"inbox": uri + "/inbox", "outbox": uri + "/outbox", "followers": uri + "/followers",
		"publicKey": obj{"id": v.keyID, "owner": uri, "publicKeyPem": publicPEM(v.key.Public())},
	}
	p.serve(v.doc)
	return v
}

func publicPEM(key crypto.PublicKey) string {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		panic(err) // keys of ours
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

// as returns v with another key's id: what it signs claims to be signed with that.
func (v *voice) as(keyID string) *voice {
	w := *v
	w.keyID = keyID
	return &w
}

// act returns an activity of v. name tells it from others.
func (v *voice) act(typ, name string, object any) obj {
	return obj{
		"@context": "https://www.w3.org/ns/activitystreams", "id": v.uri + "/" + strings.ToLower(typ) + "/" + name,
		"type": typ, "actor": v.uri, "object": object,
	}
}

// page returns the start of a conversation in a community, and note an answer.
func (v *voice) page(name, community, title string) obj {
	return obj{
		"id": v.uri + "/page/" + name, "type": "Page", "attributedTo": v.uri, "name": title, "content": "<p>" + title + "</p>",
		"to": []string{community, public}, "audience": community, "published": time.Now().UTC().Format(time.RFC3339),
	}
}

func (v *voice) note(name, community, parent, text string) obj {
	return v.page(name, community, text).with(obj{"id": v.uri + "/note/" + name, "type": "Note", "name": nil, "inReplyTo": parent})
}

// announces wraps an activity, as a community does.
func (v *voice) announces(act any) obj {
	b, err := json.Marshal(act)
	if err != nil {
		panic(err) // plain maps always marshal
	}
	sum := sha256.Sum256(b)
	return v.act("Announce", fmt.Sprintf("%x", sum[:6]), act).with(obj{"to": []string{v.uri + "/followers"}, "cc": []string{public}})
}

// A letter is a request, line by line, so that any line can be wrong.
type letter struct {
	method, target string
	head           []string // "Name: value"
	body           []byte
	chunked        bool
	half           bool // the body is announced and not sent
}

// to returns an activity in an envelope, signed by v.
func (v *voice) to(path string, body []byte) *letter {
	l := &letter{method: http.MethodPost, target: path, body: body, head: []string{
		"Host: " + here, "Date: " + time.Now().UTC().Format(http.TimeFormat), "Digest: " + digest(body), "Content-Type: " + activityJSON,
	}}
	return v.sign(l, "(request-target)", "host", "date", "digest", "content-type")
}

// say is an activity to the shared inbox, and ask a question.
func (v *voice) say(act obj) *letter { return v.to("/inbox", act.json()) }

func (v *voice) ask(path string) *letter {
	return v.sign(question(path), "(request-target)", "host", "date")
}

func question(path string) *letter {
	return &letter{method: http.MethodGet, target: path, head: []string{
		"Host: " + here, "Date: " + time.Now().UTC().Format(http.TimeFormat), "Accept: " + activityJSON,
	}}
}

func digest(body []byte) string {
	sum := sha256.Sum256(body)
	return "SHA-256=" + base64.StdEncoding.EncodeToString(sum[:])
}

// header returns the value of the first line of a name.
func (l *letter) header(name string) string {
	for _, line := range l.head {
		if is, value, _ := strings.Cut(line, ": "); strings.EqualFold(is, name) {
			return value
		}
	}
	return ""
}

// set replaces a header, add adds one, and drop takes it away.
func (l *letter) set(name, value string) *letter { return l.drop(name).add(name, value) }

func (l *letter) add(name, value string) *letter {
	l.head = append(l.head, name+": "+value)
	return l
}

func (l *letter) drop(name string) *letter {
	l.head = slices.DeleteFunc(l.head, func(line string) bool {
		is, _, _ := strings.Cut(line, ":")
		return strings.EqualFold(is, name)
	})
	return l
}

// replace changes text in a header.
func (l *letter) replace(name, from, to string) *letter {
	return l.set(name, strings.ReplaceAll(l.header(name), from, to))
}

// value returns what a name that is signed stands for (draft-cavage-12, 2.3).
func (l *letter) value(name string) string {
	if name == "(request-target)" {
		return strings.ToLower(l.method) + " " + l.target
	}
	return l.header(name)
}

// sign signs what is named, by draft-cavage-12.
func (v *voice) sign(l *letter, names ...string) *letter {
	return v.signWith(l, "", names...)
}

// signWith has more parameters, which stand before the others; (created) and
// (expires) are taken from them.
func (v *voice) signWith(l *letter, more string, names ...string) *letter {
	lines := make([]string, len(names))
	for i, name := range names {
		value := l.value(name)
		if bare := strings.Trim(name, "()"); bare != name && value == "" {
			_, value, _ = strings.Cut(more, bare+"=")
			value, _, _ = strings.Cut(value, ",")
		}
		lines[i] = name + ": " + value
	}
	return l.set("Signature", fmt.Sprintf(`keyId="%s",algorithm="rsa-sha256",%sheaders="%s",signature="%s"`,
		v.keyID, more, strings.Join(names, " "), v.rsa(strings.Join(lines, "\n"))))
}

func (v *voice) rsa(text string) string {
	sum := sha256.Sum256([]byte(text))
	made, err := rsa.SignPKCS1v15(nil, v.key, crypto.SHA256, sum[:])
	if err != nil {
		panic(err) // keys of ours
	}
	return base64.StdEncoding.EncodeToString(made)
}

// A coverage is what a signature by RFC 9421 covers.
type coverage struct {
	components []string
	params     string // after the list: ;created=…;keyid="…"
	label      string
	by         func(text []byte) []byte // nil is v's own key
}

// sign9421 signs by RFC 9421.
func (v *voice) sign9421(l *letter, b coverage) *letter {
	sum := sha256.Sum256(l.body)
	l.drop("Signature").drop("Digest").set("Content-Digest", "sha-256=:"+base64.StdEncoding.EncodeToString(sum[:])+":")
	var lines, quoted []string
	for _, name := range b.components {
		value := l.header(name)
		switch name {
		case "@method":
			value = l.method
		case "@target-uri":
			value = "https://" + l.header("Host") + l.target
		case "@authority":
			value = l.header("Host")
		case "@path":
			value = l.target
		}
		lines = append(lines, fmt.Sprintf("%q: %s", name, value))
		quoted = append(quoted, fmt.Sprintf("%q", name))
	}
	if b.label == "" {
		b.label = "sig1"
	}
	params := "(" + strings.Join(quoted, " ") + ")" + b.params
	text := strings.Join(append(lines, `"@signature-params": `+params), "\n")
	value := v.rsa(text)
	if b.by != nil {
		value = base64.StdEncoding.EncodeToString(b.by([]byte(text)))
	}
	return l.set("Signature-Input", b.label+"="+params).set("Signature", b.label+"=:"+value+":")
}

// The whole of what RFC 9421 has to cover here.
var covered = []string{"@method", "@target-uri", "content-digest"}

func (v *voice) params() string {
	return fmt.Sprintf(`;created=%d;keyid="%s"`, time.Now().Unix(), v.keyID)
}

// bytes is the letter as it is sent.
func (l *letter) bytes() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\n%s\r\nConnection: close\r\n", l.method, l.target, strings.Join(l.head, "\r\n"))
	switch {
	case l.chunked:
		b.WriteString("Transfer-Encoding: chunked\r\n\r\n")
		for chunk := range slices.Chunk(l.body, 64<<10) {
			fmt.Fprintf(&b, "%x\r\n%s\r\n", len(chunk), chunk)
		}
		b.WriteString("0\r\n\r\n")
	case l.method == http.MethodPost || len(l.body) > 0:
		fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n", len(l.body))
		if !l.half {
			b.Write(l.body)
		}
	default:
		b.WriteString("\r\n")
	}
	return b.Bytes()
}

// slug makes of a name what can stand in a path.
func slug(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, strings.ToLower(name))
}
