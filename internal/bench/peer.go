package main

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/gob"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"time"
)

// The parts this program can play, as its first argument.
const (
	rolePeer   = "peer"   // the other servers, and those who ask this one
	roleServer = "server" // a server whose memory is measured
	roleIdle   = "idle"   // a client with very many idle connections
)

// A peer is a process that plays all other servers. What it takes in and what it
// sends costs CPU time that is none of ours.
type peer struct {
	cmd *exec.Cmd
	in  *gob.Encoder
	out *gob.Decoder
}

// An order tells the peer what to do; it replies to each when it is done, and to
// Await once more when it has begun. One order does one thing.
type order struct {
	Listen int      // open so many ports, which take whatever is posted to them
	TLS    bool     // … and speak https
	Hang   []int    // never answer on these ports
	Refuse []int    // stop listening on these
	Await  int      // wait for so many requests, from now on
	Load   [][]byte // requests to send, as they are on the wire
	Send   *volley
}

// A volley sends what was loaded, over connections that are kept.
type volley struct {
	Addr     string
	Conns    int
	Requests int           // in all, from the first one loaded and round again
	Lasts    time.Duration // at most; 0 for as long as it takes
}

type reply struct {
	Err      string
	Ports    []int
	Cert     []byte // in PEM: what Listen with TLS is trusted by
	Arrivals []arrival
	Statuses map[int]int
}

// An arrival is one request that came to a port.
type arrival struct {
	Port int
	At   time.Time
}

func startPeer() (*peer, error) {
	cmd, err := again(rolePeer)
	if err != nil {
		return nil, err
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	return &peer{cmd, gob.NewEncoder(in), gob.NewDecoder(out)}, cmd.Start()
}

// again is this program in another part.
func again(args ...string) (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, args...)
	cmd.Stderr = os.Stderr
	return cmd, nil
}

func (p *peer) stop() {
	p.cmd.Process.Kill() // it keeps nothing
	p.cmd.Wait()
}

func (p *peer) ask(o order) (reply, error) {
	if err := p.in.Encode(o); err != nil {
		return reply{}, err
	}
	return p.hear()
}

func (p *peer) hear() (r reply, err error) {
	if err := p.out.Decode(&r); err != nil {
		return r, fmt.Errorf("the peer: %w", err)
	}
	if r.Err != "" {
		return r, errors.New("the peer: " + r.Err)
	}
	return r, nil
}

// fire has the peer send a volley and returns what it cost us, per request. Every
// one must be answered with status.
func (p *peer) fire(v volley, status int) (float64, error) {
	cost, err := during(func() error {
		r, err := p.ask(order{Send: &v})
		if err == nil && r.Statuses[status] != v.Requests {
			err = fmt.Errorf("answered %v, want %d × %d", r.Statuses, v.Requests, status)
		}
		return err
	})
	return cost / float64(v.Requests), err
}

func (p *peer) load(requests ...[]byte) error {
	_, err := p.ask(order{Load: requests})
	return err
}

// bePeer follows orders until there are no more.
func bePeer() error {
	in, out := gob.NewDecoder(bufio.NewReader(os.Stdin)), gob.NewEncoder(os.Stdout)
	s := &sink{listeners: make(map[int]net.Listener), hang: make(map[int]bool), awaited: make(chan []arrival)}
	var loaded [][]byte
	for {
		var o order
		if err := in.Decode(&o); err != nil {
			return nil // whoever gave the orders has gone
		}
		var r reply
		var err error
		switch {
		case o.Listen > 0:
			err = s.listen(o, &r)
		case o.Hang != nil || o.Refuse != nil:
			s.spoil(o)
		case o.Await > 0:
			s.expect(o.Await)
			if err := out.Encode(r); err != nil {
				return err
			}
			r.Arrivals = <-s.awaited
		case o.Load != nil:
			loaded = o.Load
		case o.Send != nil:
			r.Statuses, err = o.Send.send(loaded)
		}
		if err != nil {
			r.Err = err.Error()
		}
		if err := out.Encode(r); err != nil {
			return err
		}
	}
}

// A sink takes what is posted to it.
type sink struct {
	mu        sync.Mutex
	listeners map[int]net.Listener // by port; this and the rest are guarded by mu
	hang      map[int]bool
	arrivals  []arrival
	want      int
	awaited   chan []arrival
}

func (s *sink) listen(o order, r *reply) error {
	var secure *tls.Config
	if o.TLS {
		cert, text, err := selfSigned()
		if err != nil {
			return err
		}
		secure, r.Cert = &tls.Config{Certificates: []tls.Certificate{cert}}, text
	}
	for range o.Listen {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		port := l.Addr().(*net.TCPAddr).Port
		s.mu.Lock()
		s.listeners[port] = l
		s.mu.Unlock()
		r.Ports = append(r.Ports, port)
		if secure != nil {
			l = tls.NewListener(l, secure)
		}
		go http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.take(w, r, port) }))
	}
	return nil
}

func (s *sink) take(w http.ResponseWriter, r *http.Request, port int) {
	io.Copy(io.Discard, r.Body)
	s.mu.Lock()
	hangs := s.hang[port]
	if !hangs {
		s.arrivals = append(s.arrivals, arrival{port, time.Now()})
		if s.want > 0 && len(s.arrivals) == s.want {
			s.awaited <- s.arrivals
			s.want, s.arrivals = 0, nil
		}
	}
	s.mu.Unlock()
	if hangs {
		<-r.Context().Done()
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

func (s *sink) spoil(o order) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, port := range o.Hang {
		s.hang[port] = true
	}
	for _, port := range o.Refuse {
		s.listeners[port].Close()
	}
}

func (s *sink) expect(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.arrivals, s.want = nil, n
}

// send sends requests and counts the answers by status.
func (v *volley) send(requests [][]byte) (map[int]int, error) {
	statuses := make(map[int]int)
	var (
		mu      sync.Mutex // guards statuses and failed
		failed  error
		next    atomic.Int64
		workers sync.WaitGroup
	)
	for range v.Conns {
		workers.Go(func() {
			mine, err := v.worker(requests, &next)
			mu.Lock()
			defer mu.Unlock()
			failed = errors.Join(failed, err)
			for status, n := range mine {
				statuses[status] += n
			}
		})
	}
	workers.Wait()
	return statuses, failed
}

func (v *volley) worker(requests [][]byte, next *atomic.Int64) (map[int]int, error) {
	conn, err := net.Dial("tcp", v.Addr)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	answers, start := bufio.NewReader(conn), time.Now()
	statuses := make(map[int]int)
	for {
		i := int(next.Add(1)) - 1
		if i >= v.Requests || v.Lasts > 0 && time.Since(start) > v.Lasts {
			return statuses, nil
		}
		if _, err := conn.Write(requests[i%len(requests)]); err != nil {
			return statuses, err
		}
		res, err := http.ReadResponse(answers, nil)
		if err != nil {
			return statuses, err
		}
		if _, err := io.Copy(io.Discard, res.Body); err != nil {
			return statuses, err
		}
		statuses[res.StatusCode]++
	}
}

// selfSigned returns a certificate for 127.0.0.1, and what it is trusted by.
func selfSigned() (cert tls.Certificate, trusted []byte, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return cert, nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return cert, nil, err
	}
	trusted = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, trusted, nil
}

// serving answers on a port of this machine until stop is called.
func serving(h http.Handler) (addr string, stop func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	s := &http.Server{Handler: h}
	go s.Serve(l)
	return l.Addr().String(), func() { s.Shutdown(context.Background()) }, nil
}
