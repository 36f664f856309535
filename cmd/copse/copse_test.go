package main_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"copse/store/storetest"
)

const password = "three ferns and an oak"

// The program is built once.
var built = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "copse-test-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "copse")
	build := exec.Command("go", "build", "-o", path, ".")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return path, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if path, err := built(); err == nil {
		os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

// binary returns the path of the program.
func binary(t *testing.T) string {
	t.Helper()
	path, err := built()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// A site is what one server is configured with.
type site struct {
	t         *testing.T
	url, data string
	env       []string
}

// newSite returns a site on a free port with an empty data directory. more are
// further variables of its environment.
func newSite(t *testing.T, more ...string) *site {
	t.Helper()
	port := freePort(t)
	data := filepath.Join(t.TempDir(), "data")
	s := &site{t: t, url: fmt.Sprintf("http://localhost:%d", port), data: data}
	s.env = append(os.Environ(), append(more,
		"COPSE_SERVER__URL="+s.url, fmt.Sprintf("COPSE_SERVER__LISTEN=127.0.0.1:%d", port), "COPSE_SERVER__DATA="+data)...)
	return s
}

// A running server.
type running struct {
	*site
	*exec.Cmd
	said string // until it was ready
}

// serve starts the site's server and returns once it says that it is ready.
func (s *site) serve() *running {
	s.t.Helper()
	c := exec.Command(binary(s.t), "serve")
	c.Env = s.env
	var log bytes.Buffer
	c.Stderr = &log
	out, err := c.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		if c.ProcessState == nil {
			c.Process.Kill()
			c.Wait()
		}
	})
	r := &running{site: s, Cmd: c}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		r.said += lines.Text() + "\n"
		if strings.Contains(lines.Text(), "stops it") {
			go io.Copy(io.Discard, out)
			return r
		}
	}
	c.Wait()
	s.t.Fatalf("the server ended before it was ready:\n%s%s", r.said, &log)
	return nil
}

// stop asks the server to stop and returns its exit code.
func (r *running) stop() int {
	r.t.Helper()
	if err := r.Process.Signal(syscall.SIGTERM); err != nil {
		r.t.Fatal(err)
	}
	return exitCode(r.t, r.Wait())
}

func exitCode(t *testing.T, err error) int {
	t.Helper()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if exit == nil {
		return 0
	}
	return exit.ExitCode()
}

// do runs a command of the site to its end.
func (s *site) do(in string, args ...string) (code int, out, errs string) {
	s.t.Helper()
	c := exec.Command(binary(s.t), args...)
	var o, e strings.Builder
	c.Env, c.Stdin, c.Stdout, c.Stderr = s.env, strings.NewReader(in), &o, &e
	code = exitCode(s.t, c.Run())
	return code, o.String(), e.String()
}

// must is do for what has to succeed.
func (s *site) must(in string, args ...string) string {
	s.t.Helper()
	code, out, errs := s.do(in, args...)
	if code != 0 {
		s.t.Fatalf("copse %s: exit code %d\n%s%s", strings.Join(args, " "), code, out, errs)
	}
	return out
}

// refused runs a command that must fail with the given exit code and one line that
// has each of the texts.
func (s *site) refused(want int, args []string, texts ...string) {
	s.t.Helper()
	code, out, errs := s.do("", args...)
	if code != want || out != "" || strings.Count(errs, "\n") != 1 {
		s.t.Errorf("copse %s: exit code %d, says %q and %q, want %d and one line", strings.Join(args, " "), code, out, errs, want)
	}
	for _, text := range texts {
		if !strings.Contains(errs, text) {
			s.t.Errorf("copse %s says %q, want %q in it", strings.Join(args, " "), errs, text)
		}
	}
}

func (s *site) addPerson(name string, more ...string) string {
	s.t.Helper()
	args := []string{
		"user", "add", "--name", name, "--email", name + "@example.gov.uk",
		"--display-name", strings.ToUpper(name[:1]) + name[1:], "--password-stdin",
	}
	return s.must(password+"\n", append(args, more...)...)
}

// A browser keeps cookies.
func newBrowser(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar, Timeout: 10 * time.Second}
}

// send posts a form and returns where it led and what is there.
func (s *site) send(browser *http.Client, to string, form url.Values) (status int, at, page string) {
	s.t.Helper()
	r, err := http.NewRequest("POST", to, strings.NewReader(form.Encode()))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	res, err := browser.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return res.StatusCode, res.Request.URL.Path, string(text)
}

func (s *site) signIn(email string) (browser *http.Client, page string) {
	s.t.Helper()
	browser = newBrowser(s.t)
	_, _, page = s.send(browser, s.url+"/sign-in", url.Values{"email": {email}, "password": {password}})
	return browser, page
}

// each runs test on both engines.
func each(t *testing.T, test func(*testing.T, *site)) {
	t.Run("sqlite", func(t *testing.T) { test(t, newSite(t)) })
	t.Run("postgres", func(t *testing.T) { test(t, newSite(t, "COPSE_DATABASE__URL="+storetest.PostgresURL(t))) })
}

func TestSetUpLinkWorksOnce(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		server := s.serve()
		link := regexp.MustCompile(regexp.QuoteMeta(s.url) + `/setup\?token=\w+`).FindString(server.said)
		if link == "" {
			t.Fatalf("a new server prints no link to set it up:\n%s", server.said)
		}
		form := url.Values{
			"token": {strings.SplitN(link, "=", 2)[1]}, "title": {"Stevenage Borough Council"},
			"name": {"Tom Baxter"}, "email": {"tom@example.gov.uk"}, "password": {password},
		}
		status, at, page := s.send(newBrowser(t), link, form)
		if status != http.StatusOK || at != "/" || !strings.Contains(page, "Tom Baxter") {
			t.Errorf("setting up leads to %d %s, want the home page of Tom Baxter", status, at)
		}
		if status, _, _ := s.send(newBrowser(t), link, form); status != http.StatusGone {
			t.Errorf("the link answers %d the second time, want %d", status, http.StatusGone)
		}
		if code := server.stop(); code != 0 {
			t.Errorf("exit code %d when asked to stop, want 0", code)
		}
		if said := s.serve().said; strings.Contains(said, "setup") {
			t.Errorf("a server with an owner prints a link to set it up:\n%s", said)
		}
	})
}

func TestPeopleAreAddedWithAndWithoutARunningServer(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		if said := s.addPerson("tess", "--confirmed", "--role", "owner"); !strings.Contains(said, "tess@localhost:") {
			t.Errorf("user add says %q, want the address on copse", said)
		}
		server := s.serve()
		s.addPerson("martin", "--confirmed", "--job-title", "Performance officer")
		if said := s.addPerson("rosa"); !strings.Contains(said, "confirm") {
			t.Errorf("user add says %q, want that the address has to be confirmed", said)
		}
		for _, name := range []string{"Tess", "Martin"} {
			if _, page := s.signIn(strings.ToLower(name) + "@example.gov.uk"); !strings.Contains(page, name) {
				t.Errorf("%s cannot sign in", name)
			}
		}
		if _, page := s.signIn("rosa@example.gov.uk"); strings.Contains(page, "Sign out") {
			t.Error("Rosa signs in before her address is confirmed")
		}
		until(t, "a letter to Rosa is written", func() bool {
			letters, err := filepath.Glob(filepath.Join(s.data, "mail", "*.eml"))
			return err == nil && len(letters) == 1
		})
		s.refused(1, []string{"user", "add", "--name", "tess", "--email", "tess2@example.gov.uk", "--display-name", "Tess", "--password-stdin"}, "password: ")
		if code, _, errs := s.do(password, "user", "add", "--name", "tess", "--email", "tess2@example.gov.uk", "--display-name", "Tess", "--password-stdin"); code != 1 || !strings.Contains(errs, "name: tess is taken") {
			t.Errorf("adding a second tess: exit code %d, %q, want 1 and that the name is taken", code, errs)
		}
		server.stop()
		s.addPerson("joan", "--confirmed")

		var status struct {
			People   int
			Database string
			URL      string
		}
		if err := json.Unmarshal([]byte(s.must("", "status", "--json")), &status); err != nil {
			t.Fatal(err)
		}
		if status.People != 3 || status.URL != s.url || status.Database == "" {
			t.Errorf("status --json = %+v, want 3 people at %s", status, s.url)
		}
	})
}

func TestCommunityHasAnOwnerAndAPage(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		s.addPerson("joan", "--confirmed", "--role", "owner")
		s.serve()
		s.must("", "community", "add", "--name", "equality", "--title", "Equality and Diversity",
			"--purpose", "For *everybody*.", "--join", "approval", "--owner", "joan")
		res, err := http.Get(s.url + "/c/equality")
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		page, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{"Equality and Diversity", "For everybody.", "Joan"} {
			if !strings.Contains(string(page), text) {
				t.Errorf("the community's page lacks %q", text)
			}
		}
		s.refused(1, []string{"community", "add", "--name", "trees", "--title", "Trees", "--owner", "nobody_here"}, "nobody_here")
	})
}

func TestDecisionsAboutPeersTakeEffectBesideTheServer(t *testing.T) {
	s := newSite(t, "COPSE_FEDERATION__BLOCK=spam.example")
	s.serve()
	s.must("", "peer", "allow", "Harlow.Example")
	s.must("", "peer", "block", "wigan.example")
	s.must("", "peer", "allow", "york.example")
	s.must("", "peer", "forget", "york.example")
	if said := s.must("", "peer", "allow", "spam.example"); !strings.Contains(said, "does not exchange") {
		t.Errorf("allowing what the configuration blocks says %q, want that it stays blocked", said)
	}
	var peers []struct {
		Host      string
		Exchanges bool
	}
	if err := json.Unmarshal([]byte(s.must("", "peer", "list", "--json")), &peers); err != nil {
		t.Fatal(err)
	}
	got := make(map[string]bool)
	for _, p := range peers {
		got[p.Host] = p.Exchanges
	}
	want := map[string]bool{"harlow.example": true, "wigan.example": false, "york.example": false, "spam.example": false}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("peer list --json = %v, want %v", got, want)
	}
	if list := s.must("", "peer", "list"); !strings.Contains(list, "wigan.example") {
		t.Errorf("peer list does not name wigan.example:\n%s", list)
	}
	if said := s.must("", "peer", "discard-votes", "wigan.example"); said != "0 marks that counted on the word of wigan.example were taken back.\n" {
		t.Errorf("discarding what a peer vouched for says %q", said)
	}
	s.refused(1, []string{"peer", "discard-votes", "stranger.example"}, "does not know stranger.example")
	s.refused(1, []string{"peer", "allow", "not a host"}, "not a host")
	s.refused(1, []string{"peer", "allow", strings.TrimPrefix(s.url, "http://")}, "this server itself")
}

// Keys are renewed beside a running server, which signs with the new ones at once.
func TestKeysAreRenewedBesideTheServer(t *testing.T) {
	s := newSite(t)
	s.serve()
	key := func() string {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Accept", "application/activity+json")
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		var doc struct{ PublicKey struct{ PublicKeyPem string } }
		if err := json.NewDecoder(answer.Body).Decode(&doc); err != nil || doc.PublicKey.PublicKeyPem == "" {
			t.Fatalf("the server's key is %q, %v", doc.PublicKey.PublicKeyPem, err)
		}
		return doc.PublicKey.PublicKeyPem
	}
	old := key()
	if said := s.must("", "keys", "renew"); said != "1 had keys; they get new ones as they need them.\n" {
		t.Errorf("keys renew says %q", said)
	}
	if key() == old {
		t.Error("the server has the key that it had")
	}
	s.refused(1, []string{"keys", "renew", "nobody"}, "nobody called nobody")
}

// What is decided beside a running server, or without one, holds for the next.
func TestCouncilsArePausedAndTheExchangeIsSwitchedOff(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		server := s.serve()
		s.must("", "peer", "allow", "york.example")
		if said := s.must("", "peer", "pause", "York.example"); !strings.Contains(said, "paused") {
			t.Errorf("peer pause says %q", said)
		}
		if said := s.must("", "federation", "off"); !strings.Contains(said, "off since") {
			t.Errorf("federation off says %q", said)
		}
		server.stop()
		if said := s.must("", "federation", "status"); !strings.Contains(said, "off since") {
			t.Errorf("without a server, federation status says %q", said)
		}
		server = s.serve()
		var p struct {
			Exchanges bool
			Why       string
			Paused    time.Time
			Decided   []struct{ What string }
		}
		show := func() {
			t.Helper()
			if err := json.Unmarshal([]byte(s.must("", "peer", "show", "york.example", "--json")), &p); err != nil {
				t.Fatal(err)
			}
		}
		if show(); p.Exchanges || p.Paused.IsZero() || len(p.Decided) != 2 || p.Decided[0].What != "pause" {
			t.Errorf("peer show says %+v, want paused", p)
		}
		if said := s.must("", "status"); !strings.Contains(said, "off since") {
			t.Errorf("status does not say that the exchange is off:\n%s", said)
		}
		s.must("", "federation", "on")
		server.stop()
		s.must("", "peer", "resume", "york.example")
		p.Paused = time.Time{}
		if show(); !p.Exchanges || p.Why != "allowed" || !p.Paused.IsZero() {
			t.Errorf("peer show says %+v, want resumed", p)
		}
		if said := s.must("", "peer", "show", "york.example"); !strings.Contains(said, "Nothing has been exchanged yet.") || !strings.Contains(said, "on the command line") {
			t.Errorf("peer show says\n%s", said)
		}
	})
}

// Two servers on this machine: one can be reached until it blocks the other.
func TestPeerTestSaysStepByStepWhatWorks(t *testing.T) {
	const near = "COPSE_FEDERATION__PRIVATE_NETWORKS=127.0.0.0/8,::1/128"
	s, other := newSite(t, near), newSite(t, near)
	host, own := strings.TrimPrefix(other.url, "http://"), strings.TrimPrefix(s.url, "http://")
	s.serve()
	running := other.serve()
	if code, out, _ := s.do("", "peer", "test", host); code != 1 || !strings.Contains(out, "not allowed") {
		t.Errorf("a test of a council that is not allowed ends with %d:\n%s", code, out)
	}
	s.must("", "peer", "allow", host)
	code, out, _ := s.do("", "peer", "test", host)
	if code != 1 || !strings.Contains(out, "It refuses us.") || !strings.Contains(out, "It can be reached.") {
		t.Errorf("a test of a council that has not allowed us ends with %d:\n%s", code, out)
	}
	other.must("", "peer", "allow", own)
	if out := s.must("", "peer", "test", host); !strings.Contains(out, "It takes our signature.") || strings.Contains(out, "failed") {
		t.Errorf("a test of a council that has allowed us says\n%s", out)
	}
	running.stop()
	code, out, errs := s.do("", "peer", "test", host, "--json")
	var steps []struct{ Step, Result string }
	if err := json.Unmarshal([]byte(out), &steps); err != nil || code != 1 || !strings.Contains(errs, host) {
		t.Errorf("a test of a server that is down ends with %d and %q: %v\n%s", code, errs, err, out)
	}
	if got := fmt.Sprint(steps); !strings.Contains(got, "{connection failed}") {
		t.Errorf("a test of a server that is down says %s", got)
	}
}

func TestSecondServerOnTheSameDataIsRefused(t *testing.T) {
	s := newSite(t)
	s.serve()
	second := newSite(t)
	second.env = append(second.env, "COPSE_SERVER__DATA="+s.data)
	second.refused(1, []string{"serve"}, "another copse server is running", s.data)

	onPostgres := newSite(t, "COPSE_DATABASE__URL="+storetest.PostgresURL(t))
	onPostgres.env = append(onPostgres.env, "COPSE_SERVER__DATA="+s.data)
	onPostgres.refused(1, []string{"serve"}, "another copse server is running", s.data)
}

func TestTakenPortIsNamed(t *testing.T) {
	s := newSite(t)
	s.serve()
	second := newSite(t)
	address := strings.Replace(strings.TrimPrefix(s.url, "http://"), "localhost", "127.0.0.1", 1)
	second.env = append(second.env, "COPSE_SERVER__LISTEN="+address)
	second.refused(1, []string{"serve"}, address, "server.listen")
}

func TestDatabaseOfAnotherAddressIsRefused(t *testing.T) {
	s := newSite(t)
	s.addPerson("tess")
	moved := newSite(t)
	moved.env = append(moved.env, "COPSE_SERVER__DATA="+s.data)
	moved.refused(1, []string{"serve"}, s.url, moved.url, "server.url")
}

func TestAskingAboutNoServerMakesNone(t *testing.T) {
	s := newSite(t)
	for _, command := range []string{"status", "peer list", "peer show york.example", "peer test york.example", "federation status", "federation off"} {
		s.refused(1, strings.Fields(command), s.data, "--config")
	}
	if _, err := os.Stat(s.data); err == nil {
		t.Error("asking for the status of no server makes a data directory")
	}
}

func TestUnreachableDatabaseIsOneLineWithoutItsPassword(t *testing.T) {
	s := newSite(t, "COPSE_DATABASE__URL=postgres://copse:hidden@127.0.0.1:1/copse")
	s.refused(1, []string{"serve"}, "open the database", "127.0.0.1")
	if _, _, errs := s.do("", "serve"); strings.Contains(errs, "hidden") {
		t.Errorf("the password of the database is shown: %q", errs)
	}
}

func TestCommandLinesThatMakeNoSense(t *testing.T) {
	s := newSite(t)
	for _, args := range [][]string{
		{"sreve"},
		{"serve", "--port", "80"},
		{"user"},
		{"user", "add", "--name", "tess"},
		{"user", "add", "--name", "tess", "--email", "t@example.gov.uk", "--display-name", "T", "--password-stdin", "--role", "king"},
		{"community", "add", "--name", "x", "--title", "X", "--join", "never"},
		{"peer", "allow"},
		{"status", "everything"},
	} {
		s.refused(2, args, "copse: ", "copse --help")
	}
	if _, err := os.Stat(s.data); err == nil {
		t.Error("a command line that makes no sense makes a data directory")
	}
}

func TestHelpIsThereForEveryCommand(t *testing.T) {
	s := newSite(t)
	if help := s.must(""); !strings.Contains(help, "serve") || !strings.Contains(help, "demo") {
		t.Errorf("copse alone says\n%s\nwant what there is", help)
	}
	for _, command := range []string{
		"serve", "status", "user add", "community add", "peer list", "peer allow", "peer block", "peer forget", "peer discard-votes", "keys renew",
		"peer show", "peer test", "peer pause", "peer resume", "peer retry", "federation off", "federation on", "federation status",
	} {
		help := s.must("", append(strings.Fields(command), "--help")...)
		if !strings.Contains(help, "--config") {
			t.Errorf("copse %s --help does not explain --config:\n%s", command, help)
		}
	}
	if version := s.must("", "version"); !strings.HasPrefix(version, "copse ") {
		t.Errorf("copse version says %q", version)
	}
}

func TestFaultsOfTheConfigurationAreNamed(t *testing.T) {
	s := newSite(t)
	file := filepath.Join(t.TempDir(), "copse.toml")
	if err := os.WriteFile(file, []byte("[server]\nurll = \"https://copse.example.gov.uk\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.refused(1, []string{"serve", "--config", file}, file, "server.urll", "server.url")
	s.refused(1, []string{"status", "--config", file + "x"}, file+"x")
	s.env = append(s.env, "COPSE_MAIL__SMTPP=smtp://localhost")
	s.refused(1, []string{"serve"}, "COPSE_MAIL__SMTPP", "COPSE_MAIL__SMTP?")
}

// What was asked before the server was told to stop is answered.
func TestStoppingServerAnswersWhatItWasAsked(t *testing.T) {
	s := newSite(t)
	s.addPerson("tess", "--confirmed", "--role", "owner")
	server := s.serve()

	body, rest := io.Pipe()
	form := url.Values{"email": {"tess@example.gov.uk"}, "password": {password}}.Encode()
	r, err := http.NewRequest("POST", s.url+"/sign-in", body)
	if err != nil {
		t.Fatal(err)
	}
	r.ContentLength = int64(len(form))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	type answer struct {
		status int
		err    error
	}
	answered := make(chan answer, 1)
	go func() {
		res, err := new(http.Transport).RoundTrip(r)
		if err != nil {
			answered <- answer{0, err}
			return
		}
		res.Body.Close()
		answered <- answer{res.StatusCode, nil}
	}()
	if _, err := io.WriteString(rest, form[:10]); err != nil { // returns when the client has read it to send it
		t.Fatal(err)
	}
	until(t, "the server is up to the request", func() bool { return get(t, s.url+"/.well-known/nodeinfo") != "" })
	if err := server.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	until(t, "no more connections are taken", func() bool {
		_, err := (&http.Client{Transport: new(http.Transport)}).Get(s.url + "/")
		return err != nil
	})
	if _, err := io.WriteString(rest, form[10:]); err != nil {
		t.Fatal(err)
	}
	rest.Close()
	if a := <-answered; a.err != nil || a.status != http.StatusSeeOther {
		t.Errorf("the request is answered %d (%v), want %d", a.status, a.err, http.StatusSeeOther)
	}
	if code := exitCode(t, server.Wait()); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
	if _, err := os.Stat(filepath.Join(s.data, "copse.sock")); !os.IsNotExist(err) {
		t.Errorf("the socket is left behind: %v", err)
	}
}

// The socket does as it is told, so nobody else may open it.
func TestSocketIsForItsOwnUser(t *testing.T) {
	s := newSite(t)
	s.serve()
	for name, want := range map[string]os.FileMode{"copse.sock": 0o600, ".": 0o700, "copse.db": 0o600} {
		about, err := os.Stat(filepath.Join(s.data, name))
		if err != nil {
			t.Fatal(err)
		}
		if got := about.Mode().Perm(); got != want {
			t.Errorf("%s has mode %o, want %o", name, got, want)
		}
	}
}
