package outbound

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

func TestGuardRefusesWhatIsNotPublic(t *testing.T) {
	g := newGuard(nil)
	for _, addr := range []string{
		// This host, private, shared, link-local, loopback.
		"0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.127.255.254",
		"127.0.0.1", "127.1.2.3", "169.254.0.1", "172.16.0.1", "172.31.255.255", "192.168.0.1", "192.168.255.255",
		// Where clouds keep their secrets.
		"169.254.169.254", "169.254.170.2", "100.100.100.200", "192.0.0.192", "fd00:ec2::254",
		// Protocol assignments, documentation, relays, benchmarks, multicast, reserved, broadcast.
		"192.0.0.1", "192.0.0.8", "192.0.0.170", "192.0.2.1", "192.31.196.1", "192.52.193.1", "192.88.99.1", "192.175.48.1",
		"198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1",
		"224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.254", "255.255.255.255",
		// IPv4 inside IPv6: mapped, compatible, translated, NAT64 (both), 6to4, Teredo.
		"::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:0.0.0.0", "::127.0.0.1", "::8.8.8.8",
		"::ffff:0:127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::808:808", "64:ff9b:1::1", "64:ff9b:1:ffff::10.0.0.1",
		"2002:7f00:1::", "2002:a00:1::1", "2002:808:808::1", "2001:0:7f00:1::", "2001::1",
		// IPv6's own: unspecified, loopback, discard, documentation, ORCHID, benchmark, SRv6, AS112,
		// unique local, link-local, site-local, multicast, and whatever has no meaning yet.
		"::", "::1", "100::1", "100:0:0:1::1", "2001:db8::1", "2001:10::1", "2001:20::1", "2001:2::1", "2001:1ff::1",
		"3fff::1", "5f00::1", "2620:4f:8000::1", "fc00::1", "fd12:3456::1", "fe80::1", "febf::1", "fec0::1", "feff::1",
		"ff00::1", "ff02::1", "ff0e::1", "4000::1", "8000::1", "e000::1", "1::1",
		// Zones, even on what would be public.
		"fe80::1%eth0", "::1%lo", "2606:4700::1111%eth0",
	} {
		err := g.check(netip.AddrPortFrom(netip.MustParseAddr(addr), 443))
		if !errors.Is(err, ErrBlockedAddress) {
			t.Errorf("%s: %v, want it blocked", addr, err)
		}
	}
}

func TestGuardAllowsThePublicInternet(t *testing.T) {
	g := newGuard(nil)
	for _, addr := range []string{
		"1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "172.15.255.255", "172.32.0.0",
		"192.0.1.1", "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255",
		"::ffff:1.1.1.1", "2606:4700::1111", "2a00:1450:4009::1", "2001:4860::1",
	} {
		if err := g.check(netip.AddrPortFrom(netip.MustParseAddr(addr), 443)); err != nil {
			t.Errorf("%s: %v", addr, err)
		}
	}
}

func TestGuardAllowsOnly443UnlessTheNetworkIsPrivate(t *testing.T) {
	g := newGuard([]netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("fd00:1::/32")})
	for to, want := range map[string]bool{
		"1.1.1.1:443":          true,
		"1.1.1.1:80":           false,
		"1.1.1.1:22":           false,
		"1.1.1.1:8443":         false,
		"[2606:4700::1111]:25": false,
		"10.1.2.3:8080":        true,
		"[::ffff:10.1.2.3]:80": true,
		"10.2.2.3:443":         false,
		"[fd00:1::5]:6379":     true,
		"[fd00:1::5%eth0]:443": false,
		"[fd00:2::5]:443":      false,
		"127.0.0.1:443":        false,
	} {
		if err := g.check(netip.MustParseAddrPort(to)); (err == nil) != want {
			t.Errorf("%s: %v, want allowed: %t", to, err, want)
		}
	}
}

// However the host is spelt, what is checked is what would be connected to.
// The DNS here answers as kindly to an attacker as the C library would, which
// reads decimal, octal and hexadecimal.
func TestUnusualSpellingsOfAnAddressAreBlocked(t *testing.T) {
	g := newGuard(nil)
	g.dialer.Resolver = resolver(t, func() string { return "127.0.0.1" })
	c := New(Config{Transport: transport(nil, g)})
	for _, host := range []string{
		"127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.0.0.1", "0x7f.1", "017700000001", "0177.0.0.1",
		"00000177.0.0.1", "127.0.0.1.", "127.000.000.001", "１２７.０.０.１", "①②⑦.⓪.⓪.①", "127。0。0。1",
		"[::1]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[0000::0001]",
		"localhost", "LOCALHOST", "localhost.", "york.localhost", "127.0.0.1.nip.example", "metadata.google.internal",
	} {
		_, err := c.Fetch(t.Context(), "https://"+host+"/", nil, "*/*")
		var unknown *net.DNSError // Go's own resolver takes some of these for names, and bad ones
		if !Final(err) && !errors.As(err, &unknown) {
			t.Errorf("%s: %v, want it blocked or not found", host, err)
		}
	}
}

func TestRebindingReachesNothingThatWasNotChecked(t *testing.T) {
	var reached atomic.Int32
	good, goodPort := listen(t, "127.0.0.1:0", func(w http.ResponseWriter, r *http.Request) {})
	bad := good
	if l, err := net.Listen("tcp", "127.0.0.66:"+goodPort); err != nil {
		t.Logf("only one loopback address here: %v", err)
	} else {
		s := &httptest.Server{Listener: l, Config: &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) })}}
		s.Start()
		t.Cleanup(s.Close)
		bad = "127.0.0.66"
	}

	var answer atomic.Pointer[string]
	answer.Store(&good)
	g := newGuard([]netip.Prefix{netip.MustParsePrefix(good + "/32")})
	g.dialer.Resolver = resolver(t, func() string { return *answer.Load() })
	tr := transport(nil, g)
	c := New(Config{PlainHTTP: true, Transport: tr})

	if _, err := c.Fetch(t.Context(), "http://rebind.example:"+goodPort+"/", nil, "*/*"); err != nil {
		t.Fatalf("before: %v", err)
	}
	tr.CloseIdleConnections()
	answer.Store(&bad)
	if bad == good {
		return
	}
	_, err := c.Fetch(t.Context(), "http://rebind.example:"+goodPort+"/", nil, "*/*")
	if !errors.Is(err, ErrBlockedAddress) || reached.Load() != 0 {
		t.Errorf("after: %v, and %d requests arrived; want it blocked and none", err, reached.Load())
	}
}

func TestNamesUnderLocalhostAreThisMachineWithoutDNS(t *testing.T) {
	_, port := listen(t, "127.0.0.1:0", func(w http.ResponseWriter, r *http.Request) { w.Write([]byte(r.Host)) })
	g := newGuard([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")})
	g.dialer.Resolver = &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		t.Error("DNS was asked")
		return nil, errors.New("no DNS here")
	}}
	c := New(Config{PlainHTTP: true, Transport: transport(nil, g)})
	for _, host := range []string{"localhost", "york.localhost", "A.York.LOCALHOST", "leeds.localhost."} {
		doc, err := c.Fetch(t.Context(), "http://"+host+":"+port+"/", nil, "*/*")
		if err != nil {
			t.Errorf("%s: %v", host, err)
			continue
		}
		if got := string(doc.Body); !strings.EqualFold(got, host+":"+port) {
			t.Errorf("%s: asked as %s", host, got)
		}
	}
}

func TestEnvironmentProxyIsNotUsed(t *testing.T) {
	t.Setenv("HTTPS_PROXY", "http://127.0.0.1:1")
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	if transport(nil, newGuard(nil)).Proxy != nil {
		t.Error("a proxy would dial for us, where the guard cannot see")
	}
	_, err := New(Config{}).Fetch(t.Context(), "https://10.0.0.1/", nil, "*/*")
	if !errors.Is(err, ErrBlockedAddress) {
		t.Errorf("%v, want it blocked", err)
	}
}

func listen(t *testing.T, at string, h http.HandlerFunc) (host, port string) {
	t.Helper()
	l, err := net.Listen("tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	s := &httptest.Server{Listener: l, Config: &http.Server{Handler: h}}
	s.Start()
	t.Cleanup(s.Close)
	host, port, _ = net.SplitHostPort(l.Addr().String())
	return host, port
}

// resolver asks a DNS server that answers every IPv4 question with answer().
func resolver(t *testing.T, answer func() string) *net.Resolver {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	go func() {
		buf := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return // closed by Cleanup
			}
			var m dnsmessage.Message
			if m.Unpack(buf[:n]) != nil || len(m.Questions) == 0 {
				continue
			}
			q := m.Questions[0]
			m.Header.Response, m.Additionals = true, nil
			if q.Type == dnsmessage.TypeA {
				m.Answers = []dnsmessage.Resource{{
					Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class},
					Body:   &dnsmessage.AResource{A: netip.MustParseAddr(answer()).As4()},
				}}
			}
			if out, err := m.Pack(); err == nil {
				conn.WriteTo(out, from)
			}
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}
