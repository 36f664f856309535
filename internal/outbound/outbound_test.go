package outbound

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// local reaches servers of this machine, by http too.
func local() *Client {
	return New(Config{
		Private:   []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")},
		PlainHTTP: true,
		UserAgent: "copse/1 (+https://york.example/)",
	})
}

func serve(t *testing.T, h http.HandlerFunc) *httptest.Server {
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

func TestFetchReturnsTheDocumentAndItsType(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("Accept"); got != "application/activity+json" {
			t.Errorf("Accept: %s", got)
		}
		if got := r.UserAgent(); got != "copse/1 (+https://york.example/)" {
			t.Errorf("User-Agent: %s", got)
		}
		w.Header().Set("Content-Type", "application/activity+json; charset=utf-8")
		fmt.Fprint(w, `{"id":"x"}`)
	})
	doc, err := local().Fetch(t.Context(), s.URL+"/u/bob#main-key", nil, "application/activity+json")
	if err != nil {
		t.Fatal(err)
	}
	if doc.URL != s.URL+"/u/bob" || doc.Status != 200 || string(doc.Body) != `{"id":"x"}` ||
		doc.ContentType != "application/activity+json; charset=utf-8" {
		t.Errorf("got %+v", doc)
	}
}

func TestFetchSendsNoCookieBack(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Cookie") != "" {
			t.Error("a cookie came back")
		}
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "b"})
	})
	c := local()
	for range 2 {
		if _, err := c.Fetch(t.Context(), s.URL, nil, "*/*"); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFetchTellsTheStatusAndReadsNoErrorPage(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusGone)
		w.Write(make([]byte, 2*maxBody))
	})
	doc, err := local().Fetch(t.Context(), s.URL, nil, "*/*")
	if err != nil || doc.Status != http.StatusGone || doc.Body != nil {
		t.Errorf("got %+v, %v; want status 410 and no body", doc, err)
	}
}

func TestFetchLimitsTheDecodedBody(t *testing.T) {
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	io.CopyN(z, zeros{}, 64<<20)
	z.Close()
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/exact":
			w.Write(make([]byte, maxBody))
		case "/over":
			w.Write(make([]byte, maxBody+1))
		case "/endless":
			io.Copy(w, zeros{})
		case "/bomb":
			w.Header().Set("Content-Encoding", "gzip")
			w.Write(bomb.Bytes())
		}
	})
	if doc, err := local().Fetch(t.Context(), s.URL+"/exact", nil, "*/*"); err != nil || len(doc.Body) != maxBody {
		t.Errorf("exactly 1 MiB: %v", err)
	}
	for _, path := range []string{"/over", "/endless", "/bomb"} {
		_, err := local().Fetch(t.Context(), s.URL+path, nil, "*/*")
		if !errors.Is(err, ErrTooLarge) || !Final(err) {
			t.Errorf("%s: %v, want it too large, finally", path, err)
		}
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestFetchFollowsThreeRedirectsAndSignsEach(t *testing.T) {
	loops := 0 // requests come one after the other
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if got, want := r.Header.Get("Signature"), r.URL.Path; got != want {
			t.Errorf("%s carries the signature for %q", want, got)
		}
		switch r.URL.Path {
		case "/3":
			http.Redirect(w, r, "/2", http.StatusMovedPermanently)
		case "/2":
			w.Header().Set("Location", "1#here")
			w.WriteHeader(http.StatusPermanentRedirect)
		case "/1":
			http.Redirect(w, r, "http://"+r.Host+"/0", http.StatusFound)
		case "/4":
			http.Redirect(w, r, "/3", http.StatusSeeOther)
		case "/loop":
			loops++
			http.Redirect(w, r, "/loop", http.StatusTemporaryRedirect)
		case "/nowhere":
			w.WriteHeader(http.StatusFound)
		}
	})
	sign := func(r *http.Request) error {
		r.Header.Set("Signature", r.URL.Path)
		return nil
	}
	doc, err := local().Fetch(t.Context(), s.URL+"/3", sign, "*/*")
	if err != nil || doc.URL != s.URL+"/0" {
		t.Errorf("three redirects: %+v, %v", doc, err)
	}
	for _, path := range []string{"/4", "/loop"} {
		if _, err := local().Fetch(t.Context(), s.URL+path, sign, "*/*"); !errors.Is(err, ErrRedirect) || !Final(err) {
			t.Errorf("%s: %v, want a refusal", path, err)
		}
	}
	before := loops
	if _, err := local().Fetch(t.Context(), s.URL+"/loop", sign, "*/*"); err == nil || loops != before+1 {
		t.Errorf("what leads to itself is asked for %d times (%v), want once", loops-before, err)
	}
	doc, err = local().Fetch(t.Context(), s.URL+"/nowhere", sign, "*/*")
	if err != nil || doc.Status != http.StatusFound {
		t.Errorf("a redirect to nowhere: %+v, %v; want its status", doc, err)
	}
}

func TestFetchFollowsNoRedirectToAnotherOrigin(t *testing.T) {
	other := serve(t, func(w http.ResponseWriter, r *http.Request) {
		t.Errorf("the other server was asked, with %v", r.Header)
	})
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", r.URL.Query().Get("to"))
		w.WriteHeader(http.StatusFound)
	})
	for _, to := range []string{
		other.URL, strings.Replace(s.URL, "127.0.0.1", "localhost", 1), "//127.0.0.1/", "https://" + strings.TrimPrefix(s.URL, "http://"),
		"http://10.0.0.1/", "http://169.254.169.254/latest/meta-data/", "file:///etc/passwd", "gopher://127.0.0.1:70/", "data:text/plain,hello",
		"javascript:alert(1)", "//[::1]/", "http://127.0.0.1:1/", "http:///", "http://%zz/", "mailto:bob@leeds.example",
		"http://user:password@" + strings.TrimPrefix(s.URL, "http://"),
	} {
		_, err := local().Fetch(t.Context(), s.URL+"/?to="+url.QueryEscape(to), nil, "*/*")
		if !Final(err) {
			t.Errorf("%s: %v, want a refusal", to, err)
		}
	}
}

func TestOnlyWebAddressesAreAsked(t *testing.T) {
	c := New(Config{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		t.Errorf("%s was asked", r.URL)
		return nil, errors.New("not asked")
	})})
	for _, address := range []string{
		"", "/relative", "york.example", "http://york.example/", "ftp://york.example/", "file:///etc/passwd", "https://", "https:///path",
		"https://:443/", "https:york.example", "https://york.example@evil.example/", "https://a:b@york.example/", "data:,x",
		"https://york.example:port/", "https://[::1/", "https://york example/", "unix:///run/x.sock",
	} {
		signed := false
		_, err := c.Fetch(t.Context(), address, func(*http.Request) error { signed = true; return nil }, "*/*")
		if !errors.Is(err, ErrAddress) || !Final(err) || signed {
			t.Errorf("%q: %v (signed: %t), want a refusal before anything is spent on it", address, err, signed)
		}
	}
}

func TestFetchFailsWhenSigningDoes(t *testing.T) {
	s := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("asked unsigned") })
	broken := errors.New("no key")
	_, err := local().Fetch(t.Context(), s.URL, func(*http.Request) error { return broken }, "*/*")
	if !errors.Is(err, broken) || Final(err) {
		t.Errorf("got %v, want %v, to be tried again", err, broken)
	}
}

func TestDoNeverFollowsARedirect(t *testing.T) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		asked := 0
		s := serve(t, func(w http.ResponseWriter, r *http.Request) {
			asked++
			http.Redirect(w, r, "/elsewhere", status)
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		r, _ := http.NewRequestWithContext(ctx, "POST", s.URL+"/inbox", strings.NewReader("{}"))
		res, err := local().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != status || asked != 1 {
			t.Errorf("%d: answered %d after %d requests, want the redirect itself after one", status, res.StatusCode, asked)
		}
	}
}

func TestDoRefusesARequestWithoutADeadline(t *testing.T) {
	s := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("asked") })
	r, _ := http.NewRequestWithContext(context.Background(), "POST", s.URL, nil)
	if _, err := local().Do(r); err == nil {
		t.Error("a delivery that may take for ever was sent")
	}
}

func TestDeliveriesReuseConnections(t *testing.T) {
	for _, h2 := range []bool{false, true} {
		var opened atomic.Int32
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			w.WriteHeader(http.StatusAccepted)
		}))
		s.EnableHTTP2 = h2
		s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
			if state == http.StateNew {
				opened.Add(1)
			}
		}
		s.StartTLS()
		defer s.Close()
		roots := x509.NewCertPool()
		roots.AddCert(s.Certificate())
		c := New(Config{Private: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, RootCAs: roots})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()

		const inFlight, each = 8, 50
		var lanes sync.WaitGroup
		for range inFlight {
			lanes.Go(func() {
				for range each {
					r, _ := http.NewRequestWithContext(ctx, "POST", s.URL+"/inbox", strings.NewReader("{}"))
					res, err := c.Do(r)
					if err != nil {
						t.Error(err)
						return
					}
					io.Copy(io.Discard, res.Body)
					res.Body.Close()
					if got := res.ProtoMajor == 2; got != h2 {
						t.Errorf("spoke %s", res.Proto)
					}
				}
			})
		}
		lanes.Wait()
		t.Logf("h2 %t: %d connections for %d deliveries, %d at a time", h2, opened.Load(), inFlight*each, inFlight)
		if limit := int32(inFlight * each / 4); opened.Load() > limit {
			t.Errorf("h2 %t: %d connections for %d deliveries, want at most %d", h2, opened.Load(), inFlight*each, limit)
		}
	}
}

func TestUntrustedCertificateIsRefusedForNow(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("asked") }))
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // it complains of us
	s.StartTLS()
	defer s.Close()
	_, err := local().Fetch(t.Context(), s.URL, nil, "*/*")
	var unknown x509.UnknownAuthorityError
	if !errors.As(err, &unknown) || Final(err) {
		t.Errorf("got %v, want an unknown authority, to be tried again", err)
	}
}

func TestHugeHeadersAreRefused(t *testing.T) {
	for _, h2 := range []bool{false, true} {
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			for i := range 100 {
				w.Header().Set(fmt.Sprintf("X-%d", i), strings.Repeat("x", 1000))
			}
		}))
		s.EnableHTTP2 = h2
		s.StartTLS()
		defer s.Close()
		roots := x509.NewCertPool()
		roots.AddCert(s.Certificate())
		c := New(Config{Private: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, RootCAs: roots})
		if _, err := c.Fetch(t.Context(), s.URL, nil, "*/*"); err == nil {
			t.Errorf("h2 %t: 100 KB of headers were read", h2)
		}
	}
}

// A server that answers slowly, in any of the ways it can, holds us for ten
// seconds in all.
func TestFetchGivesUpAfterTenSeconds(t *testing.T) {
	for name, answer := range map[string]func(net.Conn){
		"says nothing":          func(net.Conn) {},
		"never ends its header": func(c net.Conn) { drip(c, "HTTP/1.1 200 OK\r\n", "X: y\r\n") },
		"never ends its body":   func(c net.Conn) { drip(c, "HTTP/1.1 200 OK\r\n\r\n", "x") },
		"redirects slowly":      func(c net.Conn) { slowly(c, "HTTP/1.1 302 Found\r\nLocation: on/\r\nContent-Length: 0\r\n\r\n") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var servers sync.WaitGroup
				defer servers.Wait()
				tr := transport(nil, newGuard(nil))
				tr.DialContext = func(context.Context, string, string) (net.Conn, error) {
					ours, theirs := net.Pipe()
					servers.Go(func() { io.Copy(io.Discard, theirs) })
					servers.Go(func() { answer(theirs) })
					return ours, nil
				}
				c := New(Config{PlainHTTP: true, Transport: tr})
				began := time.Now()
				_, err := c.Fetch(t.Context(), "http://slow.example/", nil, "*/*")
				if took := time.Since(began); err == nil || Final(err) || took > 10*time.Second {
					t.Errorf("%v after %s, want to have given up for now by ten seconds", err, took)
				}
				tr.CloseIdleConnections()
			})
		})
	}
}

// drip and slowly write to the far end of a pipe until it is closed. Their
// tickers run on synctest's clock.
func drip(c net.Conn, head, drop string) {
	if _, err := io.WriteString(c, head); err != nil {
		return
	}
	slowly(c, drop)
}

func slowly(c net.Conn, s string) {
	tick := time.NewTicker(time.Second * 4)
	defer tick.Stop()
	for range tick.C {
		if _, err := io.WriteString(c, s); err != nil {
			return
		}
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
