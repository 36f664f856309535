package httpsig

import (
	"net/http"
	"net/textproto"
	"strings"
)

// A message is what can be signed of a request, in either direction: raw, as it
// stands on the wire. Above all the target keeps its escapes, because the
// decoded path of /c/pub%2Finbox is that of another inbox.
type message struct {
	method, scheme string
	host           string // as sent in Host
	target         string // path and query
	header         http.Header
}

// carriesBody reports whether the body must be signed too.
func (m message) carriesBody() bool { return m.method != http.MethodGet && m.method != http.MethodHead }

// field is the value of the named header, which must be there exactly once: of
// two lines the verifier might read one and the reader the other.
func (m message) field(name string) (string, error) {
	if name == "host" { // net/http keeps it out of the header
		return m.host, nil
	}
	switch values := m.header[textproto.CanonicalMIMEHeaderKey(name)]; {
	case len(values) == 0:
		return "", refuse("signed_header_missing")
	case len(values) > 1:
		return "", refuse("signed_header_repeated")
	case !printable(values[0]):
		return "", refuse("signed_header_not_ascii")
	default:
		return strings.TrimSpace(values[0]), nil
	}
}

// authority is a host as URLs compare it: lower case, without the scheme's own port.
func authority(scheme, host string) string {
	host = strings.ToLower(host)
	switch scheme {
	case "https":
		return strings.TrimSuffix(host, ":443")
	case "http":
		return strings.TrimSuffix(host, ":80")
	}
	return host
}

// printable reports whether s is printable ASCII and tabs. A line break would
// add a line to what is signed.
func printable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' && s[i] != '\t' || s[i] > '~' {
			return false
		}
	}
	return true
}

// token reports whether s is a token by RFC 9110, as names of headers are.
func token(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0:
			return false
		}
	}
	return s != ""
}
