// Package outbound is the one HTTP client of the program. Whatever copse asks
// of another machine (a delivery, a key, a document, a calendar, a push) goes
// through it, because the address asked for is nearly always one that somebody
// else chose: a peer, a document, a person filling in a form.
//
// It refuses to be pointed at the council's own network. The address is checked
// as it is dialled, after DNS and for every connection, so that what was
// checked is what is connected to (see guard.go). Redirects are never followed
// with a request that carries a body, and a fetched document is bounded in
// size, time and hops.
//
// It is not where a peer is allowed or refused by name: that is decided before
// anything is asked, so that a refused peer costs no DNS look-up.
package outbound

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Limits of Fetch. Mastodon and Lemmy read as much and wait as long.
const (
	maxBody      = 1 << 20
	maxTime      = 10 * time.Second
	maxRedirects = 3
)

// What this package refuses. Each is final: see Final.
var (
	ErrAddress        = errors.New("this is not an address that can be asked")
	ErrBlockedAddress = errors.New("the address is not on the public internet")
	ErrRedirect       = errors.New("the server sent us somewhere else")
	ErrTooLarge       = errors.New("the document is too large")
)

// Final reports whether err is a refusal of ours, which the same request will
// meet again. Every other error (a name that does not resolve, a certificate
// that has run out, a connection refused, a deadline) may pass.
func Final(err error) bool {
	return errors.Is(err, ErrAddress) || errors.Is(err, ErrBlockedAddress) ||
		errors.Is(err, ErrRedirect) || errors.Is(err, ErrTooLarge)
}

// Config says what a client may reach and how it names itself.
type Config struct {
	Private   []netip.Prefix    // let through by the guard, on any port: closed networks, tests
	RootCAs   *x509.CertPool    // nil for the system's
	PlainHTTP bool              // speak http as well as https: only for a server whose own address is http
	UserAgent string            // sent unless the request has one
	Transport http.RoundTripper // instead of the guarded one; nil outside tests
}

// Client asks other servers. It may be used by many goroutines at once.
type Client struct {
	transport http.RoundTripper
	plain     bool
	userAgent string
}

// New returns a client. A program wants one, for its idle connections.
func New(c Config) *Client {
	if c.Transport == nil {
		c.Transport = transport(c.RootCAs, newGuard(c.Private))
	}
	return &Client{transport: c.Transport, plain: c.PlainHTTP, userAgent: c.UserAgent}
}

// transport keeps connections: a TLS handshake costs half a millisecond of CPU
// at each end, a kept connection 35 KB. Nearly every peer speaks HTTP/2, where
// a lane with eight deliveries in flight shares one connection; for the rest
// eight may idle, or such a lane would dial half of them anew each time.
//
// A proxy named in the environment is ignored: it would resolve names and
// connect for us, out of the guard's sight.
func transport(roots *x509.CertPool, g *guard) *http.Transport {
	return &http.Transport{
		DialContext: g.dial,
		TLSClientConfig: &tls.Config{
			RootCAs:            roots,
			MinVersion:         tls.VersionTLS12,
			ClientSessionCache: tls.NewLRUClientSessionCache(1000),
		},
		TLSHandshakeTimeout:    5 * time.Second,
		ResponseHeaderTimeout:  10 * time.Second,
		MaxResponseHeaderBytes: 32 << 10,
		ForceAttemptHTTP2:      true,
		// Without the ping, a connection whose other end has gone silently
		// fails every request sent down it until the kernel gives up.
		HTTP2:               &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 5 * time.Second},
		MaxIdleConns:        1000,
		MaxIdleConnsPerHost: 8,
		IdleConnTimeout:     90 * time.Second,
	}
}

// Do sends a request and returns the answer, whatever its status: a redirect
// is an answer too, since a signature covers the address it was made for.
//
// The request's context must have a deadline, and bounds reading the answer's
// body as well. The body is not limited here: read no more of it than is
// wanted, to its end if it is short (so that the connection can be used
// again), and close it.
func (c *Client) Do(r *http.Request) (*http.Response, error) {
	if _, ok := r.Context().Deadline(); !ok {
		return nil, fmt.Errorf("%s %s: a request to another server needs a deadline", r.Method, r.URL)
	}
	if err := c.check(r.URL); err != nil {
		return nil, err
	}
	if r.Header.Get("User-Agent") == "" {
		r.Header.Set("User-Agent", c.userAgent)
	}
	// A RoundTripper makes one request: unlike http.Client it follows nothing
	// and keeps no cookies.
	res, err := c.transport.RoundTrip(r)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", r.Method, r.URL, err)
	}
	return res, nil
}

// check refuses what is not an address of a web server. A name and password in
// it would be sent as credentials, and make one host look like another.
func (c *Client) check(u *url.URL) error {
	switch {
	case u.Scheme != "https" && !(u.Scheme == "http" && c.plain):
		return fmt.Errorf("%w: %q: the scheme is not https", ErrAddress, u.Redacted())
	case u.Hostname() == "":
		return fmt.Errorf("%w: %q: there is no host", ErrAddress, u.Redacted())
	case u.User != nil:
		return fmt.Errorf("%w: %q: there is a name before the host", ErrAddress, u.Redacted())
	}
	return nil
}

// Document is what Fetch found.
type Document struct {
	URL         string // after redirects, without a fragment
	Status      int    // any, but a redirect that was followed
	ContentType string // as the server sent it, not parsed
	Body        []byte // decoded, at most 1 MiB; nil unless Status is 2xx
	Header      http.Header
}

// Fetch gets a document: at most 1 MiB of it, counted after decompression,
// within ten seconds from the first look-up to the last byte. It follows up to
// three redirects, none of which may leave the scheme, host and port it began
// with, for a server answers for its own documents only, or lead back to where it was.
//
// Each hop is a request of its own, checked, dialled and signed afresh by sign,
// which may be nil. Statuses are the caller's to judge; an error means that
// there is no answer (Final tells whether to ask again).
func (c *Client) Fetch(ctx context.Context, address string, sign func(*http.Request) error, accept string) (*Document, error) {
	ctx, cancel := context.WithTimeout(ctx, maxTime)
	defer cancel()
	at, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAddress, err)
	}
	var been []string
	for hop := 0; ; hop++ {
		at.Fragment, at.RawFragment = "", ""
		if slices.Contains(been, at.String()) {
			return nil, fmt.Errorf("%w: from %s back to %s", ErrRedirect, address, at)
		}
		been = append(been, at.String())
		doc, err := c.fetchOnce(ctx, at, sign, accept)
		if err != nil {
			return nil, err
		}
		to := doc.Header.Get("Location")
		if !isRedirect(doc.Status) || to == "" {
			return doc, nil
		}
		next, err := at.Parse(to)
		switch {
		case err != nil:
			return nil, fmt.Errorf("%w: from %s: %w", ErrRedirect, at, err)
		case hop == maxRedirects:
			return nil, fmt.Errorf("%w: from %s more than %d times", ErrRedirect, address, maxRedirects)
		case origin(next) != origin(at):
			return nil, fmt.Errorf("%w: from %s to %s", ErrRedirect, at, next.Redacted())
		}
		at = next
	}
}

func (c *Client) fetchOnce(ctx context.Context, at *url.URL, sign func(*http.Request) error, accept string) (*Document, error) {
	if err := c.check(at); err != nil {
		return nil, err // before sign spends anything on it
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAddress, err)
	}
	r.Header.Set("Accept", accept)
	if sign != nil {
		if err := sign(r); err != nil {
			return nil, fmt.Errorf("sign a request for %s: %w", at, err)
		}
	}
	res, err := c.Do(r)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	doc := &Document{
		URL:         at.String(),
		Status:      res.StatusCode,
		ContentType: res.Header.Get("Content-Type"),
		Header:      res.Header,
	}
	if res.StatusCode/100 != 2 {
		return doc, nil
	}
	// The transport asks for gzip and undoes it; what is counted is what comes out.
	doc.Body, err = io.ReadAll(io.LimitReader(res.Body, maxBody+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", at, err)
	}
	if len(doc.Body) > maxBody {
		return nil, fmt.Errorf("%w: %s", ErrTooLarge, at)
	}
	return doc, nil
}

func isRedirect(status int) bool {
	switch status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
		http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	}
	return false
}

// origin is scheme, host and port as one string to compare (RFC 6454).
func origin(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"https": "443", "http": "80"}[u.Scheme]
	}
	return u.Scheme + "://" + strings.ToLower(u.Hostname()) + ":" + port
}
