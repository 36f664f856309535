// Package web is what people see: pages, forms and who is signed in.
//
// A handler reads with db.View, changes things through the hub, renders a
// component of web/page and returns its error, which the site turns into a page.
// What differs between kinds of content is a Section, given by the kind's folder.
// Nothing needs script.
package web

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/a-h/templ"
	"github.com/alexedwards/scs/v2"
	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/klauspost/compress/gzhttp"

	"copse/copse"
	"copse/federation"
	"copse/hub"
	"copse/store"
	"copse/web/asset"
	"copse/web/page"
)

// A Site serves pages. Fill in the exported fields, then call Handler once.
type Site struct {
	DB             *store.DB
	Hub            *hub.Hub
	Fed            Federation
	Base           string // "https://stevenage.gov.uk"; cookies are Secure if it is https
	Sections       []Section
	Mode           copse.Mode
	Allow          []string       // hosts whose councils the configuration trusts
	TrustedProxies []netip.Prefix // whose X-Forwarded-For is believed
	Log            *slog.Logger   // nil is slog.Default()

	sessions  *scs.SessionManager
	passwords *passwords
	limits    limits
}

// Federation is what pages ask of other servers.
type Federation interface {
	// Find returns the actor that people write as !equality@harlow.gov.uk,
	// @name@host, name@host or an https:// URL, fetching it if it is not known.
	// Its errors are sentences for whoever typed the address.
	Find(ctx context.Context, address string) (*copse.Actor, error)
	// FindAnew is Find, reading the actor again from its server.
	FindAnew(ctx context.Context, address string) (*copse.Actor, error)
	// Freshen reads a remote actor again, in the background, if that was last
	// done a while ago.
	Freshen(a *copse.Actor)
	Overseer
}

// An Overseer is what administrators ask about other servers and decide.
type Overseer interface {
	// HostOf returns the host of another server from how somebody wrote it.
	HostOf(host string) (string, error)
	// Standing returns how this server stands to a host.
	Standing(tx *store.Tx, host string) (federation.Standing, error)
	// Probe finds out what works between this server and a host.
	Probe(ctx context.Context, host string) ([]federation.Step, error)
	// Decide decides about a host; by is who does.
	Decide(ctx context.Context, by *copse.Actor, host string, what copse.Decision) error
	// Agree notes the day of the agreement with a host, and a note.
	Agree(ctx context.Context, by *copse.Actor, host string, agreed time.Time, note string) error
	// Switch switches the exchange with everybody on or off.
	Switch(ctx context.Context, by *copse.Actor, on bool) error
}

// A Section is one kind's part of the site. Kinds that show nothing in a place
// leave its function nil.
type Section struct {
	Kind   string
	Routes func(*Site, chi.Router)
	// Links are the section's in the navigation of a community.
	Links func(*Site, *Visit, *copse.Community, store.Tally) []page.Link
	// Front is what the section shows on the home page of a community.
	Front func(*Site, *Visit, *store.Tx, *copse.Community) (templ.Component, error)
	// Start is what somebody who may post can start there.
	Start func(*Visit, *copse.Community) []page.Action
}

// A Handler answers a request for v. An error it returns becomes a page, so it
// must not have written anything then.
type Handler func(w http.ResponseWriter, r *http.Request, v *Visit) error

const (
	handlerTime = 30 * time.Second
	formSize    = 1 << 20 // bytes of a form without files

	// noStore is for all that depends on who asks; stranger is for pages that
	// anybody not signed in gets alike, which this process may keep but which
	// nobody else can tell from those of people signed in.
	noStore  = "private, no-store"
	stranger = "private, no-cache"
)

// Handler builds the whole site.
func (s *Site) Handler() http.Handler {
	if s.Log == nil {
		s.Log = slog.Default()
	}
	s.sessions, s.passwords, s.limits = newSessions(s.DB, s.https()), newPasswords(), newLimits()

	r := chi.NewRouter()
	r.NotFound(s.handle(func(http.ResponseWriter, *http.Request, *Visit) error {
		return copse.NotFound("there is nothing here")
	}))
	r.MethodNotAllowed(s.handle(func(w http.ResponseWriter, req *http.Request, _ *Visit) error {
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost} {
			if r.Match(chi.NewRouteContext(), method, req.URL.Path) {
				w.Header().Add("Allow", method)
			}
		}
		return errMethod
	}))
	r.Handle("/assets/*", asset.Handler())
	r.Handle("/favicon.ico", asset.Handler())
	s.accounts(r)
	s.about(r)
	s.councils(r)
	s.reports(r)
	s.Handle(r, http.MethodGet, "/", s.home)
	s.Handle(r, http.MethodGet, "/u/{person}", s.profile)
	s.communities(r)
	for _, section := range s.Sections {
		if section.Routes != nil {
			section.Routes(s, r)
		}
	}

	crossOrigin := http.NewCrossOriginProtection()
	crossOrigin.SetDenyHandler(s.handle(func(http.ResponseWriter, *http.Request, *Visit) error {
		return copse.Forbidden("this form was sent from another site")
	}))
	chain := chi.Chain(
		s.recovered, newCache(&s.Hub.Outbox, s.sessions.Cookie.Name).around, s.secured, limited, s.clientIP(),
		compressed, watched, s.sessions.LoadAndSave, crossOrigin.Handler,
	)
	return chain.Handler(r)
}

// Handle adds a route. One for GET answers HEAD too.
func (s *Site) Handle(r chi.Router, method, pattern string, h Handler) {
	r.Method(method, pattern, s.handle(h))
	if method == http.MethodGet {
		r.Method(http.MethodHead, pattern, s.handle(h))
	}
}

func (s *Site) handle(h Handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v, err := s.visit(r)
		if err == nil {
			if v.Login != nil || !isRead(r) {
				w.Header().Set("Cache-Control", noStore)
			}
			err = s.answer(w, r, v, h)
		}
		if err != nil {
			s.fail(w, r, v, err)
		}
	}
}

func (s *Site) answer(w http.ResponseWriter, r *http.Request, v *Visit, h Handler) error {
	if !utf8.ValidString(r.URL.Path) || strings.ContainsRune(r.URL.Path, 0) {
		return copse.NotFound("there is nothing here") // PostgreSQL takes neither
	}
	if err := r.ParseForm(); err != nil {
		if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
			return copse.TooLarge("a form may hold %d kilobytes", formSize>>10)
		}
		return copse.Invalid("", "this request cannot be read")
	}
	clean(r.Form)
	clean(r.PostForm)
	if lang := r.URL.Query().Get("lang"); isRead(r) && isLanguage(lang) {
		return s.choose(w, r, v, lang)
	}
	return h(w, r, v)
}

// clean makes what was typed storable: PostgreSQL refuses NUL and bytes that are
// not UTF-8, and browsers end the lines of a text with CR LF.
func clean(form map[string][]string) {
	for _, values := range form {
		for i, value := range values {
			value = strings.ToValidUTF8(value, "\uFFFD")
			values[i] = strings.NewReplacer("\x00", "", "\r\n", "\n").Replace(value)
		}
	}
}

func isRead(r *http.Request) bool {
	return r.Method == http.MethodGet || r.Method == http.MethodHead
}

// Render sends a page. It is made in full first: one that fails half way is not
// sent.
func (s *Site) Render(w http.ResponseWriter, r *http.Request, status int, c templ.Component) error {
	b := buffers.Get().(*bytes.Buffer)
	defer func() {
		if b.Cap() <= largestBuffer {
			buffers.Put(b)
		}
	}()
	b.Reset()
	if err := c.Render(r.Context(), b); err != nil {
		return fmt.Errorf("render %s: %w", r.URL.Path, err)
	}
	h := w.Header()
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", stranger)
	}
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(b.Len()))
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // it fails for a reader who has gone
	return nil
}

// buffers are where pages are written before they are sent. A page of 50 posts
// needs 100 KB, and growing to that anew cost a third of rendering it.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// largestBuffer is what is kept: an odd page of megabytes must not stay.
const largestBuffer = 1 << 20

// errMethod says that the address is there but does not do that.
var errMethod = errors.New("method not allowed")

// fail turns err into a page. What is our fault is logged, here and nowhere
// else, under a code that the page shows.
func (s *Site) fail(w http.ResponseWriter, r *http.Request, v *Visit, err error) {
	if errors.Is(err, context.Canceled) && r.Context().Err() != nil {
		return // the reader has gone
	}
	w.Header().Set("Cache-Control", noStore)
	if first := (*signInFirst)(nil); errors.As(err, &first) {
		if err = s.askToSignIn(w, r, v); err == nil {
			return
		}
	}
	status, sentence, reference := http.StatusInternalServerError, "", ""
	var told *copse.Error
	switch {
	case errors.As(err, &told):
		status = statusOf(told.Code)
		if status != http.StatusNotFound { // these must all read alike
			sentence = v.W.Sentence(told.Format, told.Args...)
		}
		if told.RetryAfter > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(told.RetryAfter.Seconds()))))
		}
	case errors.Is(err, errMethod):
		status = http.StatusMethodNotAllowed
	case errors.Is(err, context.DeadlineExceeded):
		status = http.StatusServiceUnavailable
		w.Header().Set("Retry-After", "60")
	}
	if status >= 500 && told == nil {
		reference = rand.Text()[:8]
		s.Log.Error("page failed", "reference", reference, "method", r.Method, "path", r.URL.Path, "err", err)
	}
	if err := s.Render(w, r, status, page.Problem(s.Frame(v, r, ""), status, sentence, reference)); err != nil {
		s.Log.Error("error page failed", "path", r.URL.Path, "err", err)
		http.Error(w, http.StatusText(status), status)
	}
}

func statusOf(code copse.Code) int {
	switch code {
	case copse.CodeInvalid:
		return http.StatusBadRequest
	case copse.CodeUnauthorized:
		return http.StatusUnauthorized
	case copse.CodeForbidden:
		return http.StatusForbidden
	case copse.CodeNotFound:
		return http.StatusNotFound
	case copse.CodeConflict:
		return http.StatusConflict
	case copse.CodeTooLarge:
		return http.StatusRequestEntityTooLarge
	case copse.CodeTooMany:
		return http.StatusTooManyRequests
	case copse.CodeUnavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// recovered turns a panic into a page, logged once. scs has no other way out for
// a session that cannot be read or saved: see newSessions.
func (s *Site) recovered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			switch p := recover().(type) {
			case nil:
			case sessionFault:
				s.fail(w, r, s.nobody(r), p.err)
			case error:
				if errors.Is(p, http.ErrAbortHandler) {
					panic(p)
				}
				s.fail(w, r, s.nobody(r), fmt.Errorf("panic: %w\n%s", p, debug.Stack()))
			default:
				s.fail(w, r, s.nobody(r), fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
			}
		}()
		next.ServeHTTP(w, r)
	})
}

// secured sets what every answer carries. Pages need nothing from elsewhere and
// nothing inline, so there is no nonce to reuse.
func (s *Site) secured(next http.Handler) http.Handler {
	const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; " +
		"media-src 'self'; font-src 'self'; connect-src 'self'; manifest-src 'self'; form-action 'self'; " +
		"base-uri 'none'; frame-ancestors 'none'; object-src 'none'; require-trusted-types-for 'script'"
	https := s.https()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		if https {
			h.Set("Strict-Transport-Security", "max-age=63072000; includeSubDomains")
		}
		h.Set("Content-Security-Policy", policy)
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), browsing-topics=()")
		next.ServeHTTP(w, r)
	})
}

func (s *Site) https() bool { return strings.HasPrefix(s.Base, "https://") }

// limited bounds how long a request may take and how much it may send.
func limited(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), handlerTime)
		defer cancel()
		r = r.WithContext(ctx)
		r.Body = http.MaxBytesReader(w, r.Body, formSize)
		next.ServeHTTP(w, r)
	})
}

// clientIP finds out who is asking, for limits.
func (s *Site) clientIP() func(http.Handler) http.Handler {
	if len(s.TrustedProxies) == 0 {
		return middleware.ClientIPFromRemoteAddr
	}
	networks := make([]string, len(s.TrustedProxies))
	for i, network := range s.TrustedProxies {
		networks[i] = network.String()
	}
	return middleware.ClientIPFromXFF(networks...)
}

func compressed(next http.Handler) http.Handler { return gzhttp.GzipHandler(next) }
