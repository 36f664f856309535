package federation

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
	"time"

	"copse/copse"
	"copse/federation/ap"
	"copse/internal/outbound"
	"copse/store"
)

// A Step is one thing that has to work between this server and another. Its names
// are in the order of Steps; what comes after one that failed was not tried.
type Step struct {
	Name   string `json:"step"`
	Result string `json:"result"` // "ok", "failed" or "untried"
	Detail string `json:"detail,omitempty"`
}

// Steps are what is tried, in order.
var Steps = []string{"allowed", "name", "address", "connection", "certificate", "answer", "signature", "clock"}

// worstClock is how far a clock may be off before people are told. Signatures are
// taken with an hour's difference, by copse as by others.
const worstClock = 5 * time.Minute

// probeTime is how long all of it may take: somebody waits for a page.
const probeTime = 20 * time.Second

// Probe finds out, for an administrator, what works between this server and the one
// at host: it asks for its description and, signed, for its own actor and what that
// has published, which copse shows to nobody it refuses. A paused peer is asked all
// the same.
func (s *Server) Probe(ctx context.Context, host string) ([]Step, error) {
	var st Standing
	err := s.DB.View(ctx, func(tx *store.Tx) (err error) {
		if st, err = s.Standing(tx, host); err != nil || st.Stance != copse.Holding {
			return err
		}
		off, err := tx.ExchangeOff()
		if !off.IsZero() {
			st.Stance = copse.Refusing
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	p := &probe{s: s, host: host}
	if st.Stance == copse.Refusing {
		p.fail("allowed", "")
		return p.steps(), nil
	}
	asking, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	p.run(asking)
	if p.failed == "" && st.Stance == copse.Exchanging {
		s.heard(ctx, sign{host, false}) // what waits for it can go
	}
	return p.steps(), nil
}

// A probe is one such test.
type probe struct {
	s      *Server
	host   string
	failed string
	detail map[string]string
	date   string // as the peer last said it
}

func (p *probe) fail(step, detail string) {
	p.failed = step
	p.say(step, detail)
}

func (p *probe) say(step, detail string) {
	if p.detail == nil {
		p.detail = make(map[string]string)
	}
	p.detail[step] = detail
}

// steps lists what became of each.
func (p *probe) steps() (all []Step) {
	result := "ok"
	for _, name := range Steps {
		if name == "certificate" && p.s.policy().Scheme == "http" {
			continue
		}
		step := Step{Name: name, Result: result, Detail: p.detail[name]}
		if name == p.failed {
			step.Result, result = "failed", "untried"
		}
		all = append(all, step)
	}
	return all
}

func (p *probe) run(ctx context.Context) {
	base := p.s.policy().Scheme + "://" + p.host
	actor := base + "/" // where copse and Lemmy have it
	doc := p.ask(ctx, base+"/.well-known/nodeinfo", "application/json")
	if doc == nil {
		return
	}
	var links struct {
		Links []struct{ Rel, Href string }
	}
	if doc.Status == http.StatusOK && json.Unmarshal(doc.Body, &links) == nil {
		for _, l := range links.Links {
			switch {
			case !ap.SameHost(l.Href, actor):
			case l.Rel == "https://www.w3.org/ns/activitystreams#Application": // FEP-2677
				actor = l.Href
			case strings.HasPrefix(l.Rel, nodeinfoSchema):
				p.describe(ctx, l.Href)
			}
		}
	}
	if doc = p.ask(ctx, actor, accepted); doc == nil {
		return
	}
	self, err := ap.Parse(doc.Body)
	if !p.taken(doc) || doc.Status != http.StatusOK || err != nil {
		if p.failed == "" {
			p.fail("answer", doc.URL+": "+http.StatusText(doc.Status))
		}
		return
	}
	if uri := self.Outbox; ap.SameHost(uri, actor) {
		if doc = p.ask(ctx, uri, accepted); doc == nil || !p.taken(doc) {
			return
		}
	}
	p.clock()
}

// taken reports whether an answer shows that the peer takes our signature.
func (p *probe) taken(doc *outbound.Document) bool {
	switch doc.Status {
	case http.StatusUnauthorized:
		p.fail("signature", "401")
	case http.StatusForbidden:
		p.fail("signature", "403")
	case http.StatusServiceUnavailable:
		p.fail("answer", "503")
	default:
		return true
	}
	return false
}

// describe notes what software it is.
func (p *probe) describe(ctx context.Context, uri string) {
	var about selfDescription
	doc := p.ask(ctx, uri, "application/json")
	if doc != nil && doc.Status == http.StatusOK && json.Unmarshal(doc.Body, &about) == nil {
		p.say("answer", limited(strings.TrimSpace(about.Software.Name+" "+about.Software.Version), 100))
	}
}

func (p *probe) clock() {
	theirs, err := http.ParseTime(p.date)
	if err != nil {
		return
	}
	if off := time.Since(theirs).Round(time.Second).Abs(); off > worstClock {
		p.fail("clock", off.String())
	}
}

// ask asks the peer for a document, signed. It returns nil once it has noted why
// there is no answer.
func (p *probe) ask(ctx context.Context, uri, accept string) *outbound.Document {
	if p.failed != "" {
		return nil
	}
	both, peer, err := p.s.knocksAt(ctx, p.host)
	if err != nil {
		p.fail("allowed", err.Error())
		return nil
	}
	var (
		connected atomic.Bool
		doc       *outbound.Document
	)
	traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }})
	_, err = try(peer, both, func(k knock) (status int, err error) {
		doc, err = p.s.Client.Fetch(traced, uri, func(r *http.Request) error { return k.sign(r, nil) }, accept)
		if err != nil {
			return 0, err
		}
		return doc.Status, nil
	})
	if err != nil {
		p.fail(stepOf(err, connected.Load()), "")
		return nil
	}
	if date := doc.Header.Get("Date"); date != "" {
		p.date = date
	}
	return doc
}

// stepOf returns which step an error of the client is about.
func stepOf(err error, connected bool) string {
	var (
		name        *net.DNSError
		certificate *tls.CertificateVerificationError
		handshake   tls.AlertError
		record      tls.RecordHeaderError
	)
	switch {
	case errors.As(err, &name):
		return "name"
	case errors.Is(err, outbound.ErrBlockedAddress), errors.Is(err, outbound.ErrAddress):
		return "address"
	case errors.As(err, &certificate), errors.As(err, &handshake), errors.As(err, &record):
		return "certificate"
	case connected, outbound.Final(err):
		return "answer"
	}
	return "connection"
}
