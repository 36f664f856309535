// Package federation is the part of this server that other servers see, and the
// only one that knows what is written on the wire.
//
// inbox.go takes what arrives, receive.go and decode.go make an activity of it for
// the hub, with announced.go for what communities pass on and ruling.go for what
// their facilitators decide; look.go finds what it refers to, and proving.go tells
// what somebody said from what others say that they said. encode.go writes what the
// hub has done, deliver.go decides what goes to which peer when, trip.go how far one
// gets with it, and send.go takes it there, signed as knock.go says. fetch.go asks other
// servers; actor.go, object.go, quote.go and discover.go answer them. repair.go finds
// what got lost, conversation.go where there is no log of it, and synchronise.go who got
// lost; listing.go reads lists elsewhere. peer.go knows who they are and whether we talk with them, health.go whether
// they are there.
//
// From the network: verify, then decode, then believe as little as possible. A
// server speaks for its own actors and its own objects, and for nobody else's.
package federation

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"sync"

	"github.com/go-chi/chi/v5"
	"golang.org/x/sync/singleflight"

	"copse/copse"
	"copse/federation/httpsig"
	"copse/hub"
	"copse/internal/outbound"
	"copse/store"
)

// A Server is the part of this server that peers see.
type Server struct {
	DB       *store.DB
	Hub      *hub.Hub
	Kinds    copse.Kinds
	Mappings Mappings
	Client   *outbound.Client
	Base     string // "https://stevenage.gov.uk"
	Version  string // of the program
	Mode     copse.Mode
	Allow    []string // hosts, from the configuration; what administrators decide later is in the store
	Block    []string

	keys    keyring            // what actors of ours sign with
	little  keyring            // their keys for proofs
	provers sync.Map           // what is stored of a key for proofs → ed25519.PrivateKey
	flights singleflight.Group // one fetch of one thing at a time
	vouched vouchers
	replays replays
	breaker breaker
	shelf   shelf
	stale   stale
	pulls   hub.Bell // rung when a log may be due before its time
	rolls   rolls
	lanes   lanes
	recent  recent

	lastHeard sync.Map // sign → time.Time: when that was last written down
}

// Routes adds what peers ask for. The actor and object pages themselves share
// their address with the pages for people: see Wanted.
func (s *Server) Routes(r chi.Router) {
	r.Post("/inbox", s.inbox)
	r.Post("/u/{name}/inbox", s.inbox)
	r.Post("/c/{name}/inbox", s.inbox)
	for _, of := range []string{"u", "c"} {
		get(r, "/"+of+"/{name}/outbox", s.answer(s.outbox))
		get(r, "/"+of+"/{name}/followers", s.answer(s.followers))
		get(r, "/"+of+"/{name}/following", s.public(s.following))
	}
	get(r, "/outbox", s.answer(s.emptyCollection)) // with nothing in it, it says whether a signature is taken
	get(r, "/c/{name}/moderators", s.public(s.moderators))
	get(r, "/c/{name}/featured", s.answer(s.featured))
	get(r, "/c/{name}/log", s.answer(s.log))
	get(r, "/c/{name}/followers_synchronization", s.answer(s.membersThere))
	get(r, "/post/{id}/context", s.answer(s.thread))
	get(r, "/post/{id}/replies", s.answer(s.thread))
	get(r, "/post/{id}/quotes/{quote}", s.answer(s.quote))
	get(r, "/comment/{id}/quotes/{quote}", s.answer(s.quote))
	get(r, "/activities/{type}/{id}", s.answer(s.activity))
	get(r, "/.well-known/webfinger", s.webfinger)
	get(r, "/.well-known/host-meta", s.hostMeta)
	get(r, "/.well-known/nodeinfo", s.nodeinfoLinks)
	get(r, "/nodeinfo/{version}", s.nodeinfo)
}

// get answers GET and HEAD, from which net/http leaves out the body.
func get(r chi.Router, path string, h http.HandlerFunc) {
	r.Get(path, h)
	r.Head(path, h)
}

// Wanted wraps the pages for people: a request that asks for ActivityStreams
// gets the document that stands at the same address.
func (s *Server) Wanted(pages http.Handler) http.Handler {
	documents := chi.NewRouter()
	get(documents, "/", s.public(s.self))
	get(documents, "/u/{name}", s.public(s.person))
	get(documents, "/c/{name}", s.public(s.community))
	get(documents, "/post/{id}", s.answer(s.object))
	get(documents, "/comment/{id}", s.answer(s.object))
	get(documents, "/message/{id}", s.answer(s.message))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if wantsDocument(r) && documents.Match(chi.NewRouteContext(), http.MethodGet, r.URL.Path) {
			documents.ServeHTTP(w, r)
			return
		}
		if mayBeDocument(r.URL.Path) {
			w.Header().Add("Vary", "Accept")
		}
		pages.ServeHTTP(w, r)
	})
}

// mayBeDocument reports whether a path answers in two ways.
func mayBeDocument(path string) bool {
	return path == "/" || strings.HasPrefix(path, "/u/") || strings.HasPrefix(path, "/c/") ||
		strings.HasPrefix(path, "/post/") || strings.HasPrefix(path, "/comment/") || strings.HasPrefix(path, "/message/")
}

// wantsDocument reports whether a request asks for ActivityStreams rather than
// for a page. Plain JSON counts (Mbin and old software), */* does not.
func wantsDocument(r *http.Request) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	for _, accept := range r.Header.Values("Accept") {
		for part := range strings.SplitSeq(accept, ",") {
			switch media, _, _ := strings.Cut(strings.TrimSpace(part), ";"); strings.ToLower(strings.TrimSpace(media)) {
			case "text/html", "application/xhtml+xml":
				return false
			case "application/activity+json", "application/ld+json", "application/json":
				return true
			}
		}
	}
	return false
}

// Run does what does not belong to a request, until ctx ends: it delivers, works
// off what has been parked, and reads on the logs of communities elsewhere.
func (s *Server) Run(ctx context.Context) {
	var work sync.WaitGroup
	work.Go(func() { s.deliver(ctx) })
	work.Go(func() { s.workOff(ctx) })
	work.Go(func() { s.repair(ctx) })
	work.Go(func() { s.reconcile(ctx) })
	for range freshenAtOnce {
		work.Go(func() { s.freshenStale(ctx) })
	}
	work.Wait()
}

func (s *Server) policy() httpsig.Policy {
	scheme, host, _ := strings.Cut(s.Base, "://")
	return httpsig.Policy{Host: host, Scheme: scheme}
}

// fingerprint is how a document is named in ETags.
func fingerprint(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:8])
}
