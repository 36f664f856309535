package outbound

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"time"

	"code.dny.dev/ssrf"
)

// guard dials, and refuses every address that is not a public one.
//
// The check is the dialer's Control function: it sees the numeric address of
// the socket about to connect, whatever the host was spelt like (0x7f.1,
// 2130706433), however DNS answers a second time (rebinding) and wherever a
// redirect led. Lists of forbidden addresses are for ever one prefix short
// (Mastodon's was mended four times in 2026, fedify's three times), so for IPv6
// only 2000::/3 is allowed, and from that and from IPv4 code.dny.dev/ssrf takes
// away what IANA's registries call special.
type guard struct {
	private []netip.Prefix
	public  *ssrf.Guardian
	dialer  net.Dialer
}

func newGuard(private []netip.Prefix) *guard {
	g := &guard{private: private, public: ssrf.New(ssrf.WithPorts(443))}
	g.dialer.Timeout = 5 * time.Second
	g.dialer.Control = g.control
	return g
}

func (g *guard) control(_, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrBlockedAddress, err)
	}
	return g.check(to)
}

// check allows any port of a private network that is let through, and 443
// anywhere else: other ports are where things listen that do not expect us.
// An address with a zone is in no prefix, so never allowed.
func (g *guard) check(to netip.AddrPort) error {
	addr := to.Addr().Unmap() // ::ffff:127.0.0.1 is 127.0.0.1 to the kernel
	for _, p := range g.private {
		if p.Contains(addr) {
			return nil
		}
	}
	if err := g.public.SafeAddrPort(netip.AddrPortFrom(addr, to.Port())); err != nil {
		return fmt.Errorf("%w: %w", ErrBlockedAddress, err)
	}
	return nil
}

// dial connects to host:port. Names under localhost are this machine without
// asking DNS, which need not know them (RFC 6761, 6.3): that is how several
// servers run beside each other on one machine. They are guarded all the same.
func (g *guard) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if !isLocalhost(host) {
		return g.dialer.DialContext(ctx, network, address)
	}
	for _, loopback := range []string{"127.0.0.1", "::1"} {
		conn, e := g.dialer.DialContext(ctx, network, net.JoinHostPort(loopback, port))
		if e == nil {
			return conn, nil
		}
		// Where only one of the two is let through, its error says more.
		if err == nil || errors.Is(err, ErrBlockedAddress) {
			err = e
		}
	}
	return nil, err
}

func isLocalhost(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}
