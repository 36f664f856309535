package attack

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"copse/store/storetest"
)

const (
	here     = "copse.test"
	base     = "https://" + here
	password = "three ferns and an oak"
)

// listens is where the program listens, without TLS, as behind a web proxy.
var listens = netip.MustParseAddrPort("127.64.0.1:8080")

// A site is the program as it runs, with the rest of the world around it.
type site struct {
	t       *testing.T // the part that is played
	whole   *testing.T // all of it
	mode    string
	w       *wire
	data    string
	log     string // the file it logs to
	env     []string
	process *exec.Cmd
	peek    *storetest.Peek
	tables  []string           // what an attack must not change
	held    chan time.Duration // for how long each connection was kept by somebody who said nothing

	good, evil, third, bad *peer
	alice, bob, carol      *voice // at good.test; Carol is in no community
	gardens                *voice // a community at good.test, which Ann is in
	eve, weeds             *voice // at evil.test, and its community, which Ann is in too where that may be
	dora                   *voice // at third.test
	mallory                *voice // at bad.test, which is blocked

	olga, ann, omar *browser // the owner; a member; somebody who is in nothing
}

// The communities here: everybody reads the first, its members the second, and of the
// third nobody elsewhere knows.
const (
	pub   = base + "/c/pub"
	priv  = base + "/c/priv"
	local = base + "/c/local"
)

// newSite starts the program, in the mode "open" or "allow-list", and has people
// in its communities.
func newSite(t *testing.T, mode string) *site {
	t.Helper()
	dir := t.TempDir()
	s := &site{t: t, whole: t, mode: mode, w: newWire(t, listens), held: make(chan time.Duration, 50), data: filepath.Join(dir, "data"), log: filepath.Join(dir, "log")}
	ca := filepath.Join(dir, "ca.pem")
	if err := os.WriteFile(ca, s.w.authority.pem, 0o600); err != nil {
		t.Fatal(err)
	}
	s.env = []string{
		"COPSE_SERVER__URL=" + base, "COPSE_SERVER__LISTEN=" + listens.String(), "COPSE_SERVER__DATA=" + s.data,
		"COPSE_FEDERATION__MODE=" + mode, "COPSE_FEDERATION__ALLOW=good.test,third.test", "COPSE_FEDERATION__BLOCK=bad.test",
		"COPSE_FEDERATION__CA_FILE=" + ca,
		// A proxy would be out of sight of whoever checks addresses: it is not to be used (AS-088).
		"HTTPS_PROXY=http://10.0.0.88:3128", "HTTP_PROXY=http://10.0.0.88:3128", "ALL_PROXY=socks5://10.0.0.88:1080",
	}
	s.add("olga", "--role", "owner")
	s.add("ann")
	s.add("omar")
	s.command("", "community", "add", "--name", "pub", "--title", "Pub", "--owner", "olga")
	s.command("", "community", "add", "--name", "priv", "--title", "Priv", "--owner", "olga", "--audience", "members")
	s.command("", "community", "add", "--name", "local", "--title", "Local", "--owner", "olga", "--councils", "here", "--audience", "members")

	s.good, s.evil = s.w.peer("good.test", "9.1.0.1", true), s.w.peer("evil.test", "9.2.0.1", false)
	s.third, s.bad = s.w.peer("third.test", "9.3.0.1", true), s.w.peer("bad.test", "9.4.0.1", false)
	for _, p := range []*peer{s.good, s.evil, s.third} {
		p.serveAt("/.well-known/nodeinfo", "application/json", obj{"links": []obj{
			{"rel": "http://nodeinfo.diaspora.software/ns/schema/2.0", "href": "https://" + p.host + "/nodeinfo/2.0"},
		}})
		p.serveAt("/nodeinfo/2.0", "application/json", obj{"version": "2.0", "software": obj{"name": "lemmy", "version": "0.19.5"}})
	}
	s.alice, s.bob, s.carol = s.good.actor("Person", "/u/alice", 0), s.good.actor("Person", "/u/bob", 1), s.good.actor("Person", "/u/carol", 2)
	s.gardens = s.good.actor("Group", "/c/gardens", 3)
	s.eve, s.weeds = s.evil.actor("Person", "/u/eve", 4), s.evil.actor("Group", "/c/weeds", 5)
	s.dora, s.mallory = s.third.actor("Person", "/u/dora", 6), s.bad.actor("Person", "/u/mallory", 6)

	t.Cleanup(func() {
		if t.Failed() {
			text, _ := os.ReadFile(s.log) // there is nothing more to say without it
			t.Logf("the program logged last:\n%s", text[max(0, len(text)-2000):])
		}
	})
	s.start()
	s.tables = slices.DeleteFunc(s.peek.Tables(), func(table string) bool {
		// What waits to be looked at, and who is known: state says more.
		return table == "received" || table == "peers" || table == "sessions" || table == "keys" || table == "pulls"
	})
	s.people()
	return s
}

// command has an operator type something, to its end.
func (s *site) command(in string, args ...string) string {
	s.t.Helper()
	c := exec.Command(os.Getenv(attacked), args...)
	c.Env, c.Stdin = s.env, strings.NewReader(in)
	out, err := c.CombinedOutput()
	if err != nil {
		s.t.Fatalf("copse %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// add adds somebody who can sign in.
func (s *site) add(name string, more ...string) {
	s.t.Helper()
	s.command(password+"\n", append([]string{
		"user", "add", "--name", name, "--email", name + "@" + here, "--display-name", strings.ToUpper(name[:1]) + name[1:], "--password-stdin", "--confirmed",
	}, more...)...)
}

// start starts the program and waits until it answers.
func (s *site) start() {
	s.t.Helper()
	log, err := os.OpenFile(s.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		s.t.Fatal(err)
	}
	defer log.Close()
	c := exec.Command(os.Getenv(attacked), "serve", "--verbose")
	c.Env, c.Stdout, c.Stderr = s.env, log, log
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := c.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.process = c
	s.whole.Cleanup(func() {
		c.Process.Kill() // fails if it was stopped
		c.Wait()
	})
	s.until("the program answers", func() bool {
		c, err := net.Dial("tcp", listens.String())
		if err == nil {
			c.Close()
		}
		return err == nil
	})
	s.peek = storetest.PeekAt(s.whole, filepath.Join(s.data, "copse.db"))
}

// stop stops the program.
func (s *site) stop() {
	s.t.Helper()
	if err := s.process.Process.Signal(syscall.SIGTERM); err != nil {
		s.t.Fatal(err)
	}
	if err := s.process.Wait(); err != nil {
		s.t.Errorf("the program ends with %v when asked to stop", err)
	}
}

// people lets everybody into where they belong.
func (s *site) people() {
	s.t.Helper()
	s.olga, s.ann, s.omar = s.signIn("olga"), s.signIn("ann"), s.signIn("omar")
	for _, name := range []string{"pub", "priv", "local"} {
		s.ann.post("/c/"+name+"/join", "reason", "to learn")
	}
	s.member(s.alice, pub)
	s.member(s.alice, priv)
	s.member(s.bob, pub)
	s.joins(s.gardens)
	if s.mode == "open" {
		s.joins(s.weeds)
	}
	// Those who are in nothing are known all the same, so that their signatures are
	// judged at once.
	for _, v := range []*voice{s.carol, s.dora, s.eve} {
		s.send(v.say(v.act("Like", "known", pub+"/nothing")))
	}
	s.settle()
}

// member has somebody elsewhere join.
func (s *site) member(v *voice, community string) {
	s.t.Helper()
	follow := v.act("Follow", "join-"+community[strings.LastIndexByte(community, '/')+1:], community)
	if got := s.send(v.say(follow)); got.status != http.StatusAccepted {
		s.t.Fatalf("%s asks to join %s and is answered %d %s", v.uri, community, got.status, got.body)
	}
	s.until(v.uri+" is in "+community, func() bool {
		m := s.membership(community, v.uri)
		return m != nil && m["state"] == "active"
	})
}

// joins has Ann join a community elsewhere, which lets her in.
func (s *site) joins(community *voice) {
	s.t.Helper()
	asked := s.asks(community)
	s.send(community.say(community.act("Accept", "ann", asked)))
	s.until("Ann is in "+community.uri, func() bool {
		m := s.membership(community.uri, base+"/u/ann")
		return m != nil && m["state"] == "active"
	})
}

// asks has Ann ask to join a community elsewhere, and returns her question.
func (s *site) asks(community *voice) (follow obj) {
	s.t.Helper()
	_, name, _ := strings.Cut(community.uri, "/c/")
	there := s.ann.post("/communities/find", "address", community.uri).header.Get("Location")
	if there == "" {
		s.t.Fatalf("%s is not found", community.uri)
	}
	s.ann.post(there+"/join", "reason", "to learn")
	s.until("Ann has asked "+name, func() bool {
		for _, d := range community.received("Follow") {
			if d.obj["object"] == community.uri {
				follow = d.obj
			}
		}
		return follow != nil
	})
	return follow
}

// until waits for something to become true.
func (s *site) until(what string, done func() bool) {
	s.t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(30 * time.Second)
	for !done() {
		select {
		case <-tick.C:
		case <-deadline:
			s.t.Fatalf("30 seconds later it is still not so that %s", what)
		}
	}
}

// settle waits until everything that came has been looked into once. What is put off
// for longer, because a server does not answer, may wait.
func (s *site) settle() {
	s.t.Helper()
	s.until("everything has been looked into", func() bool {
		return !slices.ContainsFunc(s.peek.Rows("received"), func(r storetest.Row) bool {
			return r.Values["due"] != "null" && r.Values["reason"] == ""
		})
	})
}

// quiet waits until nothing has been asked of anybody for a moment.
func (s *site) quiet(mark int) (asked []string) {
	s.t.Helper()
	s.settle()
	asked = s.w.since(mark)
	for last := 0; len(asked) > last; asked = s.w.since(mark) {
		last = len(asked)
		<-time.After(40 * time.Millisecond) // it is the wire that must stay still, and that cannot be waited for
		s.settle()
	}
	return asked
}

// An answer is what a request is answered with. Its status is 0 if there is none.
type answer struct {
	status int
	header http.Header
	body   string
}

// send sends a letter on a connection of its own.
func (s *site) send(l *letter) answer {
	s.t.Helper()
	got, err := s.try(l.method, l.bytes())
	if err != nil {
		s.t.Fatalf("%s %s is not answered: %v", l.method, l.target, err)
	}
	return got
}

func (s *site) try(method string, request []byte) (answer, error) {
	c, err := net.Dial("tcp", listens.String())
	if err != nil {
		return answer{}, err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		return answer{}, err
	}
	go c.Write(request) // a server may answer, and close, before it has read all
	r, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: method})
	if err != nil {
		return answer{}, err
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	return answer{r.StatusCode, r.Header, string(body)}, err
}

// A browser is somebody who is signed in, or nobody in particular.
type browser struct {
	s      *site
	cookie string
}

func (s *site) signIn(name string) *browser {
	s.t.Helper()
	b := &browser{s: s}
	got := b.post("/sign-in", "email", name+"@"+here, "password", password)
	for _, c := range (&http.Response{Header: got.header}).Cookies() {
		b.cookie = c.Name + "=" + c.Value
	}
	if got.status != http.StatusSeeOther || b.cookie == "" {
		s.t.Fatalf("%s signs in and is answered %d", name, got.status)
	}
	return b
}

func (b *browser) letter(method, target string) *letter {
	l := &letter{method: method, target: target, head: []string{"Host: " + here, "Accept: text/html"}}
	if b.cookie != "" {
		l.add("Cookie", b.cookie)
	}
	return l
}

func (b *browser) get(target string) answer { return b.s.send(b.letter(http.MethodGet, target)) }

// post sends a form of names and values.
func (b *browser) post(target string, fields ...string) answer {
	b.s.t.Helper()
	form := make(url.Values)
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	l := b.letter(http.MethodPost, target).add("Content-Type", "application/x-www-form-urlencoded")
	l.body = []byte(form.Encode())
	return b.s.send(l)
}

// starts has somebody here start a conversation, and returns its id.
func (b *browser) starts(community, title, text string) string {
	b.s.t.Helper()
	got := b.post(strings.TrimPrefix(community, base)+"/new", "title", title, "text", text)
	for _, r := range b.s.peek.Rows("objects") {
		if r.Values["title"] == title {
			return r.Values["uri"]
		}
	}
	b.s.t.Fatalf("%q is answered %d and is not there", title, got.status)
	return ""
}

// row returns the first row of a table in which a column has a value.
func (s *site) row(table, column, value string) map[string]string {
	s.t.Helper()
	for _, r := range s.peek.Rows(table) {
		if r.Values[column] == value {
			return r.Values
		}
	}
	return nil
}

func (s *site) object(uri string) map[string]string { return s.row("objects", "uri", uri) }
func (s *site) actor(uri string) map[string]string  { return s.row("actors", "uri", uri) }

func (s *site) membership(community, who string) map[string]string {
	c, a := s.actor(community), s.actor(who)
	if c == nil || a == nil {
		return nil
	}
	for _, r := range s.peek.Rows("memberships") {
		if r.Values["community"] == c["id"] && r.Values["actor"] == a["id"] {
			return r.Values
		}
	}
	return nil
}

// state is all that an attack must not change, a line each.
func (s *site) state() (lines []string) {
	s.t.Helper()
	for _, r := range s.peek.Rows(s.tables...) {
		if r.Table == "actors" {
			delete(r.Values, "fetched")
			if r.Values["local"] == "1" { // made when first needed
				delete(r.Values, "key_id")
				delete(r.Values, "public_key")
				delete(r.Values, "multikeys")
			}
		}
		lines = append(lines, r.String())
	}
	letters, err := filepath.Glob(filepath.Join(s.data, "mail", "*"))
	if err != nil {
		s.t.Fatal(err)
	}
	return append(lines, letters...)
}

// changed returns what is in one state and not in the other. That somebody elsewhere
// is known now is no change.
func changed(before, after []string) string {
	var b bytes.Buffer
	was, is := make(map[string]bool), make(map[string]bool)
	for _, line := range before {
		was[line] = true
	}
	for _, line := range after {
		is[line] = true
		if !was[line] && !(strings.HasPrefix(line, "actors ") && strings.Contains(line, ` local="0"`)) &&
			!(strings.HasPrefix(line, "communities ")) {
			fmt.Fprintln(&b, "+", line)
		}
	}
	for _, line := range before {
		if !is[line] {
			fmt.Fprintln(&b, "-", line)
		}
	}
	return b.String()
}

// A limit is what one attack may cost.
type limit struct {
	asks  int           // requests to others at most
	cpu   time.Duration // of the program's time, 0 for any
	more  int           // another status that will do
	looks bool          // names may be looked up, though nobody is asked
	noted bool          // that it was said is written down, and nothing else
}

// harmless sends a letter that is to be answered with a status and to have no effect.
// It comes from a peer: where that is not on the list it is refused, unasked.
func (s *site) harmless(t *testing.T, name string, from *peer, l *letter, want int, most limit) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		t.Helper()
		if from != nil && s.mode == "allow-list" && !from.allowed && want != http.StatusRequestEntityTooLarge &&
			want != http.StatusUnsupportedMediaType && want != http.StatusRequestHeaderFieldsTooLarge {
			want, most = http.StatusForbidden, limit{cpu: most.cpu}
		}
		s.unmoved(t, most, func() {
			if got := s.send(l); got.status != want && got.status != most.more {
				t.Errorf("answered %d %.200s, want %d", got.status, got.body, want)
			}
		})
	})
}

// unmoved sees that what is done has no effect, and costs no more than it may.
func (s *site) unmoved(t *testing.T, most limit, do func()) {
	t.Helper()
	before, mark, began := s.state(), s.w.mark(), s.cpu()
	do()
	asked := afresh(s.quiet(mark))
	if spent := s.cpu() - began; most.cpu > 0 && spent > most.cpu {
		t.Errorf("it cost %v of the processor, want %v at most", spent, most.cpu)
	}
	none := most.asks == 0 && (!most.looks && len(asked) > 0 || len(connections(asked)) > 0)
	if n := len(requests(asked)); n > most.asks || none {
		t.Errorf("asked others %d times, want %d: %q", n, most.asks, asked)
	}
	news := changed(before, s.state())
	if most.noted && strings.Count(news, "\n") == 1 && strings.HasPrefix(news, "+ activities ") {
		news = ""
	}
	if news != "" {
		t.Errorf("it had an effect:\n%s", news)
	}
	if s.process.ProcessState != nil {
		t.Error("the program has ended")
	}
}

// afresh returns what of a log is not delivered to good.test. That may still be what
// something before the attack had the program say: what the attack itself has it say
// is in the outbox, and so in the state.
func afresh(asked []string) []string {
	const to = "POST https://good.test/"
	if !slices.ContainsFunc(asked, func(line string) bool { return strings.HasPrefix(line, to) }) {
		return asked
	}
	return slices.DeleteFunc(asked, func(line string) bool {
		return strings.HasPrefix(line, to) || line == "dns good.test" || line == "tcp 9.1.0.1:443"
	})
}

// requests returns what of a log is a request, and not on the way to one.
func requests(asked []string) (all []string) {
	for _, line := range asked {
		if strings.Contains(line, " https://") {
			all = append(all, line)
		}
	}
	return all
}

// connections returns what of a log is a connection.
func connections(asked []string) (all []string) {
	for _, line := range asked {
		if strings.HasPrefix(line, "tcp ") || strings.HasPrefix(line, "udp ") {
			all = append(all, line)
		}
	}
	return all
}

// cpu returns how much of the processor the program has had, in steps of 10 ms.
func (s *site) cpu() time.Duration {
	s.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.process.Process.Pid))
	if err != nil {
		s.t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), ") ") // the name may have spaces
	var ticks int
	for _, field := range strings.Fields(after)[11:13] { // utime and stime, proc(5)
		n := 0
		fmt.Sscan(field, &n)
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}

// memory returns how much memory the program has in use, in bytes.
func (s *site) memory() int64 {
	s.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.process.Process.Pid))
	if err != nil {
		s.t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), "VmRSS:")
	var kb int64
	fmt.Sscan(after, &kb)
	return kb << 10
}
