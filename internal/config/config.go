// Package config reads what an operator decides: where the server is reached,
// where it keeps things, and whom it talks to. config.example.toml at the root
// of the tree is the reference, and a test holds the two together.
//
// It reads and checks; it opens nothing. Whether a directory can be written or
// a certificate file exists is found by the part that uses it.
package config

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"reflect"
	"strings"

	"github.com/go-viper/mapstructure/v2"
	"github.com/knadh/koanf/parsers/toml/v2"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/v2"
)

// Config is everything that can be set. Each field is a key of the file: Mail.SMTP
// is mail.smtp there and COPSE_MAIL__SMTP in the environment.
type Config struct {
	Server     Server     `koanf:"server"`
	Database   Database   `koanf:"database"`
	Federation Federation `koanf:"federation"`
	Mail       Mail       `koanf:"mail"`
}

// Server is where copse is reached and where it keeps its files.
type Server struct {
	URL            string         `koanf:"url"`             // scheme and authority only; part of every id, so it can never change
	Listen         string         `koanf:"listen"`          // host:port
	Data           string         `koanf:"data"`            // a directory
	TrustedProxies []netip.Prefix `koanf:"trusted_proxies"` // whose X-Forwarded-For is believed
}

// Database says which engine holds the tables.
type Database struct {
	URL string `koanf:"url"` // postgres://…; empty means SQLite in Server.Data
}

// Federation is whom this server talks to, and how it reaches them.
type Federation struct {
	Mode            Mode           `koanf:"mode"`
	Allow           []string       `koanf:"allow"` // authorities as in Config.Host
	Block           []string       `koanf:"block"` // the same; beats Allow
	PrivateNetworks []netip.Prefix `koanf:"private_networks"`
	CAFile          string         `koanf:"ca_file"` // PEM, trusted beside the system's
}

// Mode is how far this server trusts strangers.
type Mode string

// The three modes, from the most careful.
const (
	Closed    Mode = "closed"     // nobody
	AllowList Mode = "allow-list" // those on the list; strangers cost no look-up and no connection
	Open      Mode = "open"       // everybody who is not blocked
)

// Mail is how letters leave.
type Mail struct {
	SMTP string `koanf:"smtp"` // smtp:// or smtps://; empty means files in Server.Data
	From string `koanf:"from"` // empty means Config.Sender's default
}

// Default is what an empty file and an empty environment mean: a server for
// this machine alone, which knows no peers.
func Default() Config {
	return Config{
		Server: Server{
			URL:    "http://localhost:8080",
			Listen: "localhost:8080",
			Data:   "copse-data",
		},
		Federation: Federation{Mode: AllowList},
	}
}

// Load reads the defaults, then the TOML file if one is named, then the COPSE_
// variables of environ (as os.Environ gives them), each over the one before,
// and checks the result. Its errors are sentences for the operator, one a line.
func Load(path string, environ []string) (Config, error) {
	k := koanf.New(".")
	if path != "" {
		if err := k.Load(file.Provider(path), toml.Parser()); err != nil {
			return Config{}, unreadable(path, err)
		}
	}
	wrong := unknownKeys(path, k)

	fromEnv := env.Provider(".", env.Opt{
		Prefix:      prefix,
		EnvironFunc: func() []string { return environ },
		TransformFunc: func(name, value string) (string, any) {
			if strings.HasPrefix(name, prefix+"TEST_") { // the tests' own, not settings
				return "", nil
			}
			key := keyOf(name)
			field, known := keys()[key]
			switch {
			case !known:
				wrong = append(wrong, fmt.Errorf("%s is not a setting; did you mean %s?", name, variable(nearest(key))))
				return "", nil
			case field.Kind() == reflect.Slice:
				return key, list(value)
			}
			return key, value
		},
	})
	if err := k.Load(fromEnv, nil); err != nil {
		return Config{}, fmt.Errorf("read the environment: %w", err)
	}
	if len(wrong) > 0 {
		return Config{}, errors.Join(wrong...)
	}

	c := Default()
	err := k.UnmarshalWithConf("", &c, koanf.UnmarshalConf{
		DecoderConfig: &mapstructure.DecoderConfig{DecodeHook: network},
	})
	if bad := (*mapstructure.DecodeError)(nil); errors.As(err, &bad) {
		return Config{}, fmt.Errorf("%s: %w", bad.Name(), bad.Unwrap())
	}
	if err != nil {
		return Config{}, err
	}
	return c, c.Validate()
}

// Host is the authority in this server's addresses and in the names of its
// people: a host name, and a port only where the address has one.
func (c Config) Host() string {
	u, err := url.Parse(c.Server.URL)
	if err != nil { // Validate refuses it
		return ""
	}
	return u.Host
}

// IsPlainHTTP is true for a server tried out without TLS. Its cookies cannot be
// marked Secure; nothing else may be weaker for it.
func (c Config) IsPlainHTTP() bool {
	return strings.HasPrefix(c.Server.URL, "http://")
}

// Sender is the address letters come from: Mail.From, or copse at this host.
func (c Config) Sender() string {
	if c.Mail.From != "" {
		return c.Mail.From
	}
	return "copse@" + hostname(c.Host())
}

// unreadable says why the file at path could not be read, with the line if the
// fault is in its text.
func unreadable(path string, err error) error {
	var at interface{ Position() (row, column int) }
	var missing *os.PathError
	switch {
	case errors.As(err, &at):
		row, _ := at.Position()
		return fmt.Errorf("%s, line %d: %w", path, row, err)
	case errors.As(err, &missing):
		return fmt.Errorf("read the configuration: %w", err)
	}
	return fmt.Errorf("%s: %w", path, err)
}

// unknownKeys says which keys of the file are none of ours. A setting misspelt
// and silently left at its default is found on the worst possible day.
func unknownKeys(path string, k *koanf.Koanf) (wrong []error) {
	known := keys()
	for _, key := range k.Keys() {
		if _, ok := known[key]; ok {
			continue
		}
		// A section with every line commented out is an empty table.
		if table, ok := k.Get(key).(map[string]any); ok && len(table) == 0 && isSection(key) {
			continue
		}
		wrong = append(wrong, fmt.Errorf("%s: %s is not a setting; did you mean %s?", path, key, nearest(key)))
	}
	return wrong
}

// network decodes a network written as in CIDR (RFC 4632): 10.0.0.0/8.
func network(_, to reflect.Type, value any) (any, error) {
	text, ok := value.(string)
	if to != reflect.TypeFor[netip.Prefix]() || !ok {
		return value, nil
	}
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return nil, fmt.Errorf("%q is not a network; write it like 10.0.0.0/8 or fd00::/8", text)
	}
	return p, nil
}

// list splits the text of a variable at its commas.
func list(value string) []string {
	words := strings.FieldsFunc(value, func(r rune) bool { return r == ',' })
	for i, w := range words {
		words[i] = strings.TrimSpace(w)
	}
	return words
}
