package attack

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/bpf"
	"golang.org/x/net/dns/dnsmessage"
	"golang.org/x/sys/unix"
)

const resolver = "9.9.9.9" // the one name server there is

// A wire is the world outside the program: it answers for every name and every
// address, and notes all that the program asks of anybody:
//
//	dns good.test
//	tcp 9.1.0.1:443
//	GET https://good.test/u/alice
type wire struct {
	t         *testing.T
	listen    netip.AddrPort // where the program listens: to connect there is no question of its
	authority *authority
	packets   int // the socket that sees every packet

	mu    sync.Mutex
	log   []string                      // guarded by mu
	names map[string][]netip.Addr       // guarded by mu
	sites map[string]http.Handler       // guarded by mu; by host
	raw   map[netip.Addr]func(net.Conn) // guarded by mu; instead of TLS at an address
	seen  map[uint64]chan struct{}      // guarded by mu; see sync
	next  uint64                        // guarded by mu
}

func newWire(t *testing.T, listen netip.AddrPort) *wire {
	t.Helper()
	w := &wire{
		t: t, listen: listen, authority: newAuthority(t), names: make(map[string][]netip.Addr), sites: make(map[string]http.Handler),
		raw: make(map[netip.Addr]func(net.Conn)), seen: make(map[uint64]chan struct{}),
	}
	w.capture()
	w.answerNames()
	w.answerHTTP()
	return w
}

func (w *wire) note(line string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.log = append(w.log, line)
}

// mark returns a place in the log, for since.
func (w *wire) mark() int {
	w.sync()
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.log)
}

// since returns what was asked after a mark.
func (w *wire) since(mark int) []string {
	w.sync()
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.log[mark:])
}

// give has a name resolve to addresses, and a host answer there.
func (w *wire) give(name string, site http.Handler, at ...netip.Addr) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.names[name] = at
	w.sites[name] = site
}

// capture notes every packet that begins something: the SYN of a connection, and
// every datagram but those to the name server, which notes the question itself.
func (w *wire) capture() {
	w.t.Helper()
	const everything = 0x0300 // ETH_P_ALL as the network has it
	fd, err := syscall.Socket(syscall.AF_PACKET, syscall.SOCK_RAW|syscall.SOCK_CLOEXEC, everything)
	if err != nil {
		w.t.Fatal(err)
	}
	w.packets = fd
	w.t.Cleanup(func() { syscall.Close(fd) })
	filter, err := bpf.Assemble(beginnings)
	if err != nil {
		w.t.Fatal(err)
	}
	code := make([]unix.SockFilter, len(filter))
	for i, c := range filter {
		code[i] = unix.SockFilter{Code: c.Op, Jt: c.Jt, Jf: c.Jf, K: c.K}
	}
	for _, err := range []error{
		unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: uint16(len(code)), Filter: &code[0]}),
		syscall.SetsockoptTimeval(fd, syscall.SOL_SOCKET, syscall.SO_RCVTIMEO, &syscall.Timeval{Usec: 100_000}),
	} {
		if err != nil {
			w.t.Fatal(err)
		}
	}
	stopped := make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() {
		frame := make([]byte, 256) // the rest is cut off
		for {
			n, from, err := syscall.Recvfrom(fd, frame, 0)
			select {
			case <-stopped:
				return
			default:
			}
			const outgoing = 4 // on lo each packet is seen twice
			if at, ok := from.(*syscall.SockaddrLinklayer); err == nil && ok && at.Pkttype == outgoing {
				w.packet(frame[:n])
			}
		}
	})
	w.t.Cleanup(func() { close(stopped); running.Wait() })
}

// beginnings lets through what begins something, so that a megabyte does not push
// it out: UDP, and TCP with SYN and without ACK, of either version of IP.
var beginnings = []bpf.Instruction{
	bpf.LoadAbsolute{Off: 12, Size: 2}, // Ethernet's type
	bpf.JumpIf{Cond: bpf.JumpEqual, Val: 0x86dd, SkipTrue: 5},
	bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: 0x0800, SkipTrue: 11},
	bpf.LoadAbsolute{Off: 23, Size: 1}, // IPv4's protocol
	bpf.JumpIf{Cond: bpf.JumpEqual, Val: syscall.IPPROTO_UDP, SkipTrue: 8},
	bpf.LoadMemShift{Off: 14}, // how long its header is
	bpf.Jump{Skip: 3},
	bpf.LoadAbsolute{Off: 20, Size: 1}, // IPv6's next header
	bpf.JumpIf{Cond: bpf.JumpEqual, Val: syscall.IPPROTO_UDP, SkipTrue: 4},
	bpf.LoadConstant{Dst: bpf.RegX, Val: 40},
	bpf.LoadIndirect{Off: 14 + 13, Size: 1}, // TCP's flags; what is neither has another meaning there, and packet passes over it
	bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: 0x12},
	bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: 0x02, SkipTrue: 1},
	bpf.RetConstant{Val: 256},
	bpf.RetConstant{Val: 0},
}

var marker = netip.MustParseAddrPort("127.0.0.9:9")

func (w *wire) packet(frame []byte) {
	if len(frame) < 14+20 {
		return
	}
	var (
		to      netip.Addr
		carries byte
		rest    []byte
	)
	switch p := frame[14:]; p[0] >> 4 {
	case 4:
		to, carries, rest = netip.AddrFrom4([4]byte(p[16:20])), p[9], p[min(len(p), int(p[0]&15)*4):]
	case 6:
		if len(p) < 40 {
			return
		}
		to, carries, rest = netip.AddrFrom16([16]byte(p[24:40])), p[6], p[40:]
	default:
		return
	}
	if len(rest) < 8 {
		return
	}
	at := netip.AddrPortFrom(to, binary.BigEndian.Uint16(rest[2:]))
	switch {
	case carries == syscall.IPPROTO_TCP && len(rest) > 13 && rest[13]&0x12 == 0x02 && at != w.listen: // SYN, not ACK
		w.note("tcp " + at.String())
	case carries != syscall.IPPROTO_UDP:
	case at == marker && len(rest) >= 16:
		w.mu.Lock()
		close(w.seen[binary.BigEndian.Uint64(rest[8:])])
		w.mu.Unlock()
	case at.Port() != 53 && binary.BigEndian.Uint16(rest) != 53:
		w.note("udp " + at.String())
	}
}

// sync returns once all that was sent before it has been noted.
func (w *wire) sync() {
	w.mu.Lock()
	w.next++
	id, seen := w.next, make(chan struct{})
	w.seen[id] = seen
	w.mu.Unlock()
	c, err := net.Dial("udp", marker.String())
	if err != nil {
		w.t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write(binary.BigEndian.AppendUint64(nil, id)); err != nil {
		w.t.Fatal(err)
	}
	select {
	case <-seen:
	case <-time.After(10 * time.Second):
		w.t.Fatal("a packet that was sent has not been seen: others may be missing too")
	}
}

// answerNames is the name server. A name that nobody was given is not there.
func (w *wire) answerNames() {
	w.t.Helper()
	c, err := net.ListenPacket("udp", resolver+":53")
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { c.Close() })
	go func() {
		b := make([]byte, 1500)
		for {
			n, from, err := c.ReadFrom(b)
			if err != nil {
				return // closed with the test
			}
			if reply := w.answerName(b[:n]); reply != nil {
				c.WriteTo(reply, from) // one that gets lost is asked again
			}
		}
	}()
}

func (w *wire) answerName(question []byte) []byte {
	var m dnsmessage.Message
	if m.Unpack(question) != nil || len(m.Questions) != 1 {
		return nil
	}
	q := m.Questions[0]
	name := strings.ToLower(strings.TrimSuffix(q.Name.String(), "."))
	if q.Type == dnsmessage.TypeA { // AAAA is asked beside it
		w.note("dns " + name)
	}
	m.Response, m.RecursionAvailable, m.Additionals = true, true, nil
	w.mu.Lock()
	at, known := w.names[name]
	if len(at) > 1 { // one after the other
		if q.Type == dnsmessage.TypeA {
			w.names[name] = at[1:]
		}
		at = at[:1]
	}
	w.mu.Unlock()
	if !known {
		m.RCode = dnsmessage.RCodeNameError
	}
	for _, addr := range at {
		h := dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class}
		switch {
		case q.Type == dnsmessage.TypeA && addr.Is4():
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: h, Body: &dnsmessage.AResource{A: addr.As4()}})
		case q.Type == dnsmessage.TypeAAAA && !addr.Is4():
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: h, Body: &dnsmessage.AAAAResource{AAAA: addr.As16()}})
		}
	}
	b, err := m.Pack()
	if err != nil {
		return nil
	}
	return b
}

// answerHTTP answers at port 443 of every address.
func (w *wire) answerHTTP() {
	w.t.Helper()
	l, err := net.Listen("tcp", ":443")
	if err != nil {
		w.t.Fatal(err)
	}
	server := &http.Server{
		ErrorLog:  log.New(io.Discard, "", 0), // attacks break off connections
		TLSConfig: &tls.Config{GetCertificate: w.authority.certificate},
		Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			w.note(r.Method + " https://" + r.Host + r.URL.RequestURI())
			w.mu.Lock()
			site := w.sites[r.Host]
			w.mu.Unlock()
			if site == nil {
				rw.WriteHeader(http.StatusMisdirectedRequest)
				return
			}
			site.ServeHTTP(rw, r)
		}),
	}
	w.t.Cleanup(func() { server.Close() })
	go func() {
		err := server.ServeTLS(&sorting{l, w}, "", "")
		if !errors.Is(err, http.ErrServerClosed) {
			fmt.Println("attack: the servers of the rig:", err)
		}
	}()
}

// sorting hands connections to addresses that speak no TLS to those.
type sorting struct {
	net.Listener
	w *wire
}

func (s *sorting) Accept() (net.Conn, error) {
	for {
		c, err := s.Listener.Accept()
		if err != nil {
			return nil, err
		}
		at := netip.MustParseAddrPort(c.LocalAddr().String()).Addr().Unmap()
		s.w.mu.Lock()
		raw := s.w.raw[at]
		s.w.mu.Unlock()
		if raw == nil {
			return c, nil
		}
		go raw(c)
	}
}

// An authority signs certificates for whatever the program asks for.
type authority struct {
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
	pem  []byte
	mu   sync.Mutex
	made map[string]*tls.Certificate // guarded by mu
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	a := &authority{key: key, made: make(map[string]*tls.Certificate)}
	a.cert = &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "rig"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, a.cert, a.cert, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	a.pem = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return a
}

func (a *authority) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	name := hello.ServerName
	at := netip.MustParseAddrPort(hello.Conn.LocalAddr().String()).Addr().Unmap()
	if name == "" {
		name = at.String()
	}
	if c := a.made[name]; c != nil {
		return c, nil
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(int64(len(a.made) + 2)), Subject: pkix.Name{CommonName: name},
		NotBefore: a.cert.NotBefore, NotAfter: a.cert.NotAfter,
		DNSNames: []string{name}, IPAddresses: []net.IP{at.AsSlice()},
	}
	der, err := x509.CreateCertificate(rand.Reader, leaf, a.cert, &a.key.PublicKey, a.key)
	if err != nil {
		return nil, err
	}
	a.made[name] = &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: a.key}
	return a.made[name], nil
}
