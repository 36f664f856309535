package ap

import (
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// Host returns the host of an id in the one form in which hosts are compared,
// listed and blocked: ASCII, lower case, no dot at the end, no port but one that is
// not the default, IPv6 in brackets. It is not ok if the id is not an http or https
// URL, has a user name or password in it, or has a host that could be read in two
// ways, such as an address written as one number.
func Host(id string) (host string, ok bool) {
	u, err := url.Parse(id)
	if err != nil || u.User != nil || u.Scheme != "https" && u.Scheme != "http" {
		return "", false
	}
	if strings.HasPrefix(u.Host, "[") {
		ip, err := netip.ParseAddr(u.Hostname())
		if err != nil || ip.Zone() != "" {
			return "", false
		}
		host = "[" + ip.String() + "]"
	} else if host, ok = hostname(u.Hostname()); !ok {
		return "", false
	}
	port, ok := portOf(u)
	if !ok {
		return "", false
	}
	return host + port, true
}

// SameHost reports whether two ids belong to one host, and so whether whoever
// speaks for one may speak for the other.
func SameHost(a, b string) bool {
	h, ok := Host(a)
	if !ok {
		return false
	}
	g, ok := Host(b)
	return ok && g == h
}

// portOf returns the port of u, with its colon, or "" for the default one.
func portOf(u *url.URL) (string, bool) {
	if u.Port() == "" {
		return "", true
	}
	n, err := strconv.ParseUint(u.Port(), 10, 16)
	switch {
	case err != nil || n == 0:
		return "", false
	case n == 443 && u.Scheme == "https", n == 80 && u.Scheme == "http":
		return "", true
	}
	return ":" + strconv.FormatUint(n, 10), true
}

// hostname returns a name, or an IPv4 address in four parts, in its one form.
func hostname(name string) (string, bool) {
	if !utf8.ValidString(name) { // %BD
		return "", false
	}
	plain := isASCII(name)
	if plain {
		name = strings.ToLower(name)
	}
	if !plain || strings.Contains(name, "xn--") {
		// Lookup also turns full-width letters and dots into plain ones, and
		// refuses Punycode that stands for nothing or for plain ASCII.
		ascii, err := idna.Lookup.ToASCII(name)
		if err != nil {
			return "", false
		}
		name = ascii
	}
	name = strings.TrimSuffix(name, ".")
	if len(name) > 253 {
		return "", false
	}
	last := name[strings.LastIndexByte(name, '.')+1:]
	if isNumber(last) {
		// A name cannot end in a number (WHATWG URL, "ends in a number"), and
		// 127.1 or 0x7f000001 are addresses to some resolvers.
		ip, err := netip.ParseAddr(name)
		return name, err == nil && ip.Is4()
	}
	for label := range strings.SplitSeq(name, ".") {
		if !isLabel(label) {
			return "", false
		}
	}
	return name, true
}

func isNumber(label string) bool {
	digits, hex := strings.CutPrefix(label, "0x")
	for _, ch := range []byte(digits) {
		if !isDigit(ch) && !(hex && 'a' <= ch && ch <= 'f') {
			return false
		}
	}
	return label != ""
}

// isLabel reports whether s can be one part of a name. The underscore is no letter
// of a host name (RFC 952), but there are servers that have it.
func isLabel(s string) bool {
	if s == "" || len(s) > 63 || s[0] == '-' || s[len(s)-1] == '-' {
		return false
	}
	for _, ch := range []byte(s) {
		if !isDigit(ch) && !('a' <= ch && ch <= 'z') && ch != '-' && ch != '_' {
			return false
		}
	}
	return true
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
