package config

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/knadh/koanf/parsers/toml/v2"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/v2"
)

// write makes a configuration file of text.
func write(t *testing.T, text string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "config.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// example is the reference with every default uncommented. A default is a
// comment without a space: #key = value.
func example(t *testing.T) (path string) {
	t.Helper()
	text, err := os.ReadFile("../../config.example.toml")
	if err != nil {
		t.Fatal(err)
	}
	return write(t, regexp.MustCompile(`(?m)^#(\w+ = )`).ReplaceAllString(string(text), "$1"))
}

func TestExampleShowsTheDefaults(t *testing.T) {
	got, err := Load(example(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	// An empty list in the file is an empty slice, and no list at all is nil.
	if got, want := fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", Default()); got != want {
		t.Errorf("config.example.toml says\n%s, want the defaults\n%s", got, want)
	}
}

func TestExampleNamesEverySetting(t *testing.T) {
	k := koanf.New(".")
	if err := k.Load(file.Provider(example(t)), toml.Parser()); err != nil {
		t.Fatal(err)
	}
	got, want := k.Keys(), slices.Sorted(maps.Keys(keys()))
	if !slices.Equal(got, want) {
		t.Errorf("config.example.toml names\n%q, want\n%q", got, want)
	}
}

func TestExampleAsItStandsIsAccepted(t *testing.T) {
	if _, err := Load("../../config.example.toml", nil); err != nil {
		t.Error(err)
	}
}

func TestEverySettingHasAVariable(t *testing.T) {
	// What to set, and what the field then prints as.
	values := map[string][2]string{
		"server.url":                  {"https://copse.york.gov.uk", "https://copse.york.gov.uk"},
		"server.listen":               {":9000", ":9000"},
		"server.data":                 {"elsewhere", "elsewhere"},
		"server.trusted_proxies":      {"127.0.0.1/32, ::1/128", "[127.0.0.1/32 ::1/128]"},
		"database.url":                {"postgres://db.test/copse", "postgres://db.test/copse"},
		"federation.mode":             {"open", "open"},
		"federation.allow":            {"leeds.example,hull.example:8443", "[leeds.example hull.example:8443]"},
		"federation.block":            {"spam.example", "[spam.example]"},
		"federation.private_networks": {"10.0.0.0/8", "[10.0.0.0/8]"},
		"federation.ca_file":          {"ca.pem", "ca.pem"},
		"mail.smtp":                   {"smtps://mail.test", "smtps://mail.test"},
		"mail.from":                   {"Copse <copse@york.gov.uk>", "Copse <copse@york.gov.uk>"},
	}
	for section := range reflect.TypeFor[Config]().Fields() {
		for field := range section.Type.Fields() {
			key := section.Tag.Get("koanf") + "." + field.Tag.Get("koanf")
			value, ok := values[key]
			if !ok {
				t.Errorf("this test does not know what to set %s to", key)
				continue
			}
			c, err := Load("", []string{variable(key) + "=" + value[0]})
			if err != nil {
				t.Errorf("%s: %v", key, err)
			}
			got := fmt.Sprint(reflect.ValueOf(c).FieldByIndex(append(section.Index, field.Index...)))
			if got != value[1] {
				t.Errorf("%s=%s: %s is %s, want %s", variable(key), value[0], key, got, value[1])
			}
		}
	}
}

func TestTheEnvironmentWinsOverTheFile(t *testing.T) {
	path := write(t, "[server]\nlisten = \":1\"\ndata = \"here\"\n[federation]\nallow = [\"york.example\"]")
	c, err := Load(path, []string{"COPSE_SERVER__LISTEN=:2", "COPSE_FEDERATION__ALLOW=", "HOME=x", "COPSE_TEST_ANYTHING=x"})
	if err != nil {
		t.Fatal(err)
	}
	if c.Server.Listen != ":2" || c.Server.Data != "here" || c.Server.URL != Default().Server.URL || len(c.Federation.Allow) != 0 {
		t.Errorf("got %+v, want listen from the environment, data from the file, url as by default and nobody allowed", c)
	}
}

func TestUnknownNamesAreRefusedWithTheNearest(t *testing.T) {
	for _, test := range []struct{ file, environ, want string }{
		{file: "[server]\nlistn = \"\"", want: "server.listn is not a setting; did you mean server.listen?"},
		{file: "url = \"\"", want: "url is not a setting; did you mean server.url?"},
		{file: "[federaton]", want: "federaton is not a setting; did you mean federation.mode?"},
		{file: "[server.url]\nhost = \"\"", want: "server.url.host is not a setting; did you mean server.url?"},
		{file: "server = 1", want: "server is not a setting; did you mean server.url?"},
		{environ: "COPSE_SERVER_URL=x", want: "COPSE_SERVER_URL is not a setting; did you mean COPSE_SERVER__URL?"},
		{environ: "COPSE_MAIL__SMPT=x", want: "COPSE_MAIL__SMPT is not a setting; did you mean COPSE_MAIL__SMTP?"},
	} {
		_, err := Load(write(t, test.file), []string{test.environ})
		if err == nil || !strings.HasSuffix(err.Error(), test.want) {
			t.Errorf("%s%s: %v, want it to end %q", test.file, test.environ, err, test.want)
		}
	}
}

func TestAFileThatCannotBeReadIsNamed(t *testing.T) {
	for text, want := range map[string]string{
		"[server]\nurl = ":              "config.toml, line 2: ",
		"[server]\nlisten = 8080":       "server.listen: expected type 'string'",
		"[federation]\nallow = \"a.b\"": "federation.allow: ",
	} {
		if _, err := Load(write(t, text), nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q in it", text, err, want)
		}
	}
	missing := filepath.Join(t.TempDir(), "none.toml")
	if _, err := Load(missing, nil); err == nil || !strings.Contains(err.Error(), missing) {
		t.Errorf("a missing file: %v, want it named", err)
	}
}

func TestWrongValuesAreNamedWithWhatIsWanted(t *testing.T) {
	for setting, want := range map[string]string{
		"SERVER__URL=ftp://york.gov.uk":                `server.url is "ftp://york.gov.uk": it must be http or https`,
		"SERVER__URL=https://":                         "it must be http or https and a host name",
		"SERVER__URL=":                                 "it must be http or https and a host name",
		"SERVER__URL=https://York.gov.uk":              "small letters",
		"SERVER__URL=https://york.gov.uk/":             "without even a final /",
		"SERVER__URL=https://york.gov.uk/copse":        "it must end after the host name",
		"SERVER__URL=https://me@york.gov.uk":           "it must end after the host name",
		"SERVER__URL=https://york.gov.uk?a=b":          "it must end after the host name",
		"SERVER__URL=http://york.gov.uk":               "http is only for trying copse",
		"SERVER__URL=https://york.gov.uk:8443":         "it must have no port",
		"SERVER__LISTEN=8080":                          `server.listen is "8080": it must be an address and a port`,
		"SERVER__LISTEN=:http":                         "it must be an address and a port",
		"SERVER__DATA=":                                "server.data is empty",
		"SERVER__TRUSTED_PROXIES=127.0.0.1":            `server.trusted_proxies[0]: "127.0.0.1" is not a network`,
		"DATABASE__URL=mysql://db/copse":               `database.url is "mysql://db/copse": it must be empty, or a PostgreSQL address`,
		"FEDERATION__MODE=allowlist":                   `federation.mode is "allowlist": it must be one of closed, allow-list and open`,
		"FEDERATION__ALLOW=york.example,https://leeds": `federation.allow has "https://leeds": each must be a host name`,
		"FEDERATION__BLOCK=*.example":                  `federation.block has "*.example": each must be a host name`,
		"FEDERATION__PRIVATE_NETWORKS=10.0.0.0/33":     `federation.private_networks[0]: "10.0.0.0/33" is not a network`,
		"MAIL__SMTP=mail.york.gov.uk:587":              "mail.smtp is not an address: it must be empty, or a server",
		"MAIL__FROM=york":                              `mail.from is "york": it must be one mail address`,
	} {
		_, err := Load("", []string{"COPSE_" + setting})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q in it", setting, err, want)
		}
	}
}

func TestEveryFaultIsToldAtOnce(t *testing.T) {
	_, err := Load("", []string{"COPSE_SERVER__LISTEN=x", "COPSE_FEDERATION__MODE=x"})
	if err == nil || strings.Count(err.Error(), "\n") != 1 {
		t.Errorf("got %v, want a line about each of two settings", err)
	}
}

func TestPasswordsAreNotRepeated(t *testing.T) {
	for _, setting := range []string{
		"DATABASE__URL=mysql://copse:secret@db/copse",
		"DATABASE__URL=host=db password=secret",
		"DATABASE__URL=mysql://db/copse?password=secret",
		"MAIL__SMTP=http://copse:secret@mail",
		"MAIL__SMTP=smtp://copse:%secret@mail",
	} {
		if _, err := Load("", []string{"COPSE_" + setting}); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v, want a refusal without the password", setting, err)
		}
	}
}

func TestTrialAddressesMayBePlainAndHavePorts(t *testing.T) {
	for address, host := range map[string]string{
		"http://localhost:8080":       "localhost:8080",
		"http://york.localhost:8081":  "york.localhost:8081",
		"http://127.0.0.1:9000":       "127.0.0.1:9000",
		"http://[::1]:9000":           "[::1]:9000",
		"https://stevenage.test:8443": "stevenage.test:8443",
		"http://york.example":         "york.example",
	} {
		c, err := Load("", []string{"COPSE_SERVER__URL=" + address})
		if err != nil || c.Host() != host || c.IsPlainHTTP() != strings.HasPrefix(address, "http:") {
			t.Errorf("%s: host %s, plain %t, %v", address, c.Host(), c.IsPlainHTTP(), err)
		}
	}
}

func TestLettersComeFromTheHostUnlessSaid(t *testing.T) {
	for from, want := range map[string]string{"": "copse@york.localhost", "Trees <t@york.gov.uk>": "Trees <t@york.gov.uk>"} {
		c := Default()
		c.Server.URL, c.Mail.From = "http://york.localhost:8081", from
		if got := c.Sender(); got != want {
			t.Errorf("mail.from %q: letters come from %q, want %q", from, got, want)
		}
	}
}
