package config

import (
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// Validate says what no server could run with: one sentence for each fault,
// with the key, its value and what is wanted. Passwords are not repeated.
func (c Config) Validate() error {
	faults := []error{
		validURL(c.Server.URL),
		validListen(c.Server.Listen),
		validDatabase(c.Database.URL),
		validSMTP(c.Mail.SMTP),
		validHosts("federation.allow", c.Federation.Allow),
		validHosts("federation.block", c.Federation.Block),
	}
	if c.Server.Data == "" {
		faults = append(faults, errors.New("server.data is empty: name the directory that is to hold this server's files"))
	}
	switch c.Federation.Mode {
	case Closed, AllowList, Open:
	default:
		faults = append(faults, fmt.Errorf("federation.mode is %q: it must be one of closed, allow-list and open", c.Federation.Mode))
	}
	if _, err := mail.ParseAddress(c.Mail.From); err != nil && c.Mail.From != "" {
		faults = append(faults, fmt.Errorf("mail.from is %q: it must be one mail address", c.Mail.From))
	}
	return errors.Join(faults...)
}

// validURL refuses what could not stand in an id for ever. A port or plain http
// is for names that no council can own.
func validURL(text string) error {
	fault := func(want string) error { return fmt.Errorf("server.url is %q: %s", text, want) }
	u, err := url.Parse(text)
	switch {
	case err != nil, u.Scheme != "https" && u.Scheme != "http", !isAuthority(u.Host):
		return fault("it must be http or https and a host name in small letters, like https://copse.example.gov.uk")
	case text != u.Scheme+"://"+u.Host:
		return fault("it must end after the host name, without even a final /")
	case isTrial(u.Host):
		return nil
	case u.Scheme == "http":
		return fault("http is only for trying copse on this machine; it must be https")
	case u.Port() != "":
		return fault("it must have no port: peers and people type the name alone")
	}
	return nil
}

func validListen(text string) error {
	_, port, err := net.SplitHostPort(text)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return fmt.Errorf("server.listen is %q: it must be an address and a port, like localhost:8080, or :8080 for every address", text)
	}
	return nil
}

func validDatabase(text string) error {
	if text == "" {
		return nil
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		return fmt.Errorf("database.url is %s: it must be empty, or a PostgreSQL address like postgres://copse@localhost/copse", redacted(u))
	}
	return nil
}

func validSMTP(text string) error {
	if text == "" {
		return nil
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "smtp" && u.Scheme != "smtps" || u.Hostname() == "" || u.Path != "" {
		return fmt.Errorf("mail.smtp is %s: it must be empty, or a server like smtp://user:password@mail.example.gov.uk:587 or smtps://mail.example.gov.uk", redacted(u))
	}
	return nil
}

func validHosts(key string, hosts []string) error {
	for _, h := range hosts {
		if !isAuthority(h) {
			return fmt.Errorf("%s has %q: each must be a host name in small letters, like copse.example.gov.uk", key, h)
		}
	}
	return nil
}

// redacted shows an address without what may be secret in it. One without a
// host may be anything, and is not shown.
func redacted(u *url.URL) string {
	if u == nil || u.Host == "" {
		return "not an address"
	}
	return strconv.Quote(u.Scheme + "://" + u.Host + u.Path)
}

// isAuthority is true for a host name or IP address, with or without a port, in
// the one spelling that is compared with others: lower case, and ASCII, so that
// an international name is in its xn-- form.
func isAuthority(text string) bool {
	u, err := url.Parse("//" + text)
	if err != nil || u.Host != text || strings.HasSuffix(text, ":") {
		return false
	}
	host := u.Hostname()
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	for label := range strings.SplitSeq(host, ".") {
		if strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" || label == "" {
			return false
		}
	}
	return true
}

// isTrial is true for an authority that no council can own: this machine, and
// the names that RFC 6761 keeps for tests and examples.
func isTrial(authority string) bool {
	host := hostname(authority)
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.IsLoopback()
	}
	top := host[strings.LastIndexByte(host, '.')+1:]
	return top == "localhost" || top == "test" || top == "example"
}

// hostname is an authority without its port.
func hostname(authority string) string {
	return (&url.URL{Host: authority}).Hostname()
}
