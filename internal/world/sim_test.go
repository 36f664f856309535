package world_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"copse/copse"
	"copse/federation/httpsig"
	"copse/internal/config"
	"copse/internal/server"
	"copse/store"
)

// The simulator: whole servers, virtual time, and everything that goes wrong
// chosen by a seed. docs/simulator.md says what for, and how to read a failure.
var (
	seeds = flag.Int("seeds", 16, "how many stories the simulator tells; R-13 wants 200")
	seed  = flag.Int("seed", -1, "which one it tells, and tells again with ever fewer steps if it ends badly")
	part  = flag.String("part", "", "used by the simulator itself: the stories that one process tells, as FIRST:LAST")
	skip  = flag.String("skip", "", "steps of -seed to leave out, with commas between them")
	show  = flag.Bool("show", false, "print every request of -seed, and what the servers log")
)

// A process tells this many stories, one after the other, each at a later date
// than the last: ids carry the date, and a process never makes one that is smaller
// than another.
const storiesAtOnce = 10

// TestSimulatedCouncils is R-13 of the reliability plan: whatever goes wrong, what
// copse promises holds, and some days after it stops going wrong everybody has
// the same.
func TestSimulatedCouncils(t *testing.T) {
	switch {
	case *part != "":
		tellPart(t)
	case *seed >= 0:
		tellOne(t, *seed)
	default:
		n := *seeds
		if testing.Short() {
			n = min(n, 2*storiesAtOnce)
		}
		tellAll(t, os.Args[0], n)
	}
}

// The same seed is the same story, to the nanosecond and the byte.
func TestSimulatorRepeatsItself(t *testing.T) {
	if *part != "" || *seed >= 0 {
		t.Skip("one story is told")
	}
	for _, n := range []int{3, 12} {
		once, twice := tellAlone(t, n, n), tellAlone(t, n-1, n)
		a, b := once.digest(n), twice.digest(n)
		if a == "" || a != b {
			t.Errorf("seed %d ends in %q alone and in %q after others", n, a, b)
		}
	}
}

// An account is what a process said about its stories.
type account struct {
	text string
	err  error
}

func (a account) lines() []string { return strings.Split(strings.TrimSpace(a.text), "\n") }

func (a account) digest(seed int) string {
	for _, line := range a.lines() {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(line), fmt.Sprintf("seed %d: ", seed)); ok {
			return rest
		}
	}
	return ""
}

// tellAlone tells the stories from first to last in a process of their own.
func tellAlone(t *testing.T, first, last int) account {
	t.Helper()
	a := tell(t.Context(), os.Args[0], first, last, "")
	if a.err != nil {
		t.Errorf("%v\n%s", a.err, a.text)
	}
	return a
}

func tell(ctx context.Context, program string, first, last int, without string) account {
	args := []string{
		"-test.run=^TestSimulatedCouncils$", "-test.v", "-test.timeout=30m", fmt.Sprintf("-part=%d:%d", first, last),
		"-skip=" + without, fmt.Sprintf("-show=%t", *show),
	}
	cmd := exec.CommandContext(ctx, program, args...)
	// There is as much to do side by side as there are processes, and memory enough.
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1", "GOGC=400")
	text, err := cmd.CombinedOutput()
	return account{string(text), err}
}

// tellAll tells the first n stories, in as many processes at a time as there are
// cores. It stops at the first process in which one ends badly.
func tellAll(t *testing.T, program string, n int) {
	t.Helper()
	var (
		began = time.Now()
		parts = make(chan int)
		all   sync.WaitGroup
	)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for range runtime.GOMAXPROCS(0) {
		all.Go(func() {
			for first := range parts {
				if a := tell(ctx, program, first, min(first+storiesAtOnce, n)-1, ""); a.err != nil && ctx.Err() == nil {
					t.Errorf("%v\n%s", a.err, a.text)
					cancel()
				}
			}
		})
	}
	for first := 0; first < n && ctx.Err() == nil; first += storiesAtOnce {
		select {
		case parts <- first:
		case <-ctx.Done():
		}
	}
	close(parts)
	all.Wait()
	t.Logf("%d stories in %v", n, time.Since(began).Round(time.Second))
}

// tellPart is what such a process does.
func tellPart(t *testing.T) {
	if !*show {
		slog.SetDefault(slog.New(slog.DiscardHandler))
	}
	first, last, _ := strings.Cut(*part, ":")
	from, err1 := strconv.Atoi(first)
	to, err2 := strconv.Atoi(last)
	if err1 != nil || err2 != nil {
		t.Fatalf("-part is %q", *part)
	}
	leftOut := make(map[int]bool)
	for _, n := range strings.FieldsFunc(*skip, func(r rune) bool { return r == ',' }) {
		i, err := strconv.Atoi(n)
		if err != nil {
			t.Fatalf("-skip is %q", *skip)
		}
		leftOut[i] = true
	}
	keys := makeKeys(t)
	for n := from; n <= to; n++ {
		s := simulate(t, n, keys, leftOut)
		fmt.Printf("seed %d: %s\n", n, s.digest())
		if len(s.wrongs) > 0 {
			t.Errorf("seed %d ends badly; tell it again with: go test ./internal/world -run Simulated -seed %d\n%s", n, n, s.report())
			return
		}
	}
}

// tellOne tells one story. If that ends badly, and nobody has said which steps to
// leave out, it looks for as many as possible without which it still does: what
// remains is easier to follow.
func tellOne(t *testing.T, n int) {
	bad := func(without map[int]bool) bool {
		return tell(t.Context(), os.Args[0], n, n, numbers(without)).err != nil
	}
	a := tell(t.Context(), os.Args[0], n, n, *skip)
	if a.err != nil && *skip == "" {
		few := numbers(shorten(bad))
		t.Logf("it ends badly with fewer steps: -seed %d -skip %s", n, few)
		a = tell(t.Context(), os.Args[0], n, n, few)
	}
	t.Log(a.text)
	if a.err != nil {
		t.Error(a.err)
	}
}

// shorten returns as many steps as possible without which bad still holds.
func shorten(bad func(map[int]bool) bool) map[int]bool {
	without := make(map[int]bool)
	for size := howMany / 2; size > 0; size /= 2 {
		for first := 0; first < howMany; first += size {
			try := maps.Clone(without)
			for n := first; n < min(first+size, howMany); n++ {
				try[n] = true
			}
			if len(try) > len(without) && bad(try) {
				without = try
			}
		}
	}
	return without
}

func numbers(set map[int]bool) string {
	var all []string
	for _, n := range slices.Sorted(maps.Keys(set)) {
		all = append(all, strconv.Itoa(n))
	}
	return strings.Join(all, ",")
}

// A pair is a key as the wire and the store want it.
type pair struct {
	Private ed25519.PrivateKey
	private string
	public  string
}

// makeKeys makes a key for each council, which its actors share. It is not an RSA
// key, as copse makes them: signing with those would take half of the time there is.
func makeKeys(t *testing.T) map[string]pair {
	keys := make(map[string]pair)
	for _, host := range hosts {
		_, k, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		p := pair{Private: k}
		if p.private, err = httpsig.MarshalPrivateKey(k); err != nil {
			t.Fatal(err)
		}
		if p.public, err = httpsig.MarshalPublicKey(k.Public()); err != nil {
			t.Fatal(err)
		}
		keys[host] = p
	}
	return keys
}

// The councils. The first is the community's home. Nobody at the last is ever let
// in, the one before it passes on to others whatever it hears, and the one before
// that joins when the community is some days old.
var hosts = []string{"harlow.example", "stevenage.example", "wigan.example", "powys.example", "mallory.example", "outside.example"}

const (
	home    = "harlow.example"
	late    = "powys.example"
	outside = "outside.example"
)

// A council is one server and what happens to it.
type council struct {
	*server.Server // nil while it is down; guarded by sim.mu
	s              *sim
	host           string
	life           int // how often it has been started; guarded by sim.mu
	since          time.Time
	stop           func()
	trees          *copse.Community // as it knows it
	buried         map[string]bool  // what it has seen deleted
	backup         string           // where its files of some time ago are
	lost           bool             // it has been put back to them
}

// A sim is one story.
type sim struct {
	oracle
	t        *testing.T
	dir      string
	keys     map[string]pair
	councils []*council
	people   map[string][]*copse.Actor
	cuts     []cut
	steps    []step
	leftOut  map[int]bool
	ctx      context.Context // ends with the story
	busy     sync.WaitGroup
	began    time.Time
	faulty   atomic.Bool
	truth    truth

	mu       sync.Mutex
	names    map[string]string    // guarded by mu: what the story calls what is at a URI
	attempts map[string]int       // guarded by mu
	lost     map[string]time.Time // guarded by mu: when something last got lost, from whom to whom
	wrongs   []string             // guarded by mu
	requests []string             // guarded by mu: what was asked of whom when, and what came of it
	told     []string             // what people did
	state    string               // how it ends
}

// simulate tells one story in virtual time.
func simulate(t *testing.T, n int, keys map[string]pair, leftOut map[int]bool) *sim {
	s := &sim{
		oracle: oracle{uint64(n)}, t: t, keys: keys, leftOut: leftOut, people: make(map[string][]*copse.Actor),
		names: make(map[string]string), attempts: make(map[string]int), lost: make(map[string]time.Time), truth: newTruth(), dir: memory(t),
	}
	defer os.RemoveAll(s.dir)
	synctest.Test(t, func(t *testing.T) {
		s.t = t
		// Far enough from whatever else this process does, and within what ids can
		// carry. The story does not depend on it.
		time.Sleep(time.Until(time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, 20*(n%1000))))
		ctx, cancel := context.WithCancel(context.Background())
		s.ctx = ctx
		s.setUp()
		s.play()
		s.heal()
		s.state = s.finally()
		cancel()
		s.busy.Wait()
		for _, c := range s.councils {
			c.shutDown()
		}
	})
	return s
}

// memory returns a directory in memory where there is one. What a crash leaves is
// what was written, synced or not; that the disk has it is proved elsewhere.
func memory(t *testing.T) string {
	dir := ""
	if _, err := os.Stat("/dev/shm"); err == nil {
		dir = "/dev/shm"
	}
	dir, err := os.MkdirTemp(dir, "copse-sim-")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func (s *sim) council(host string) *council {
	for _, c := range s.councils {
		if c.host == host {
			return c
		}
	}
	return nil
}

func (s *sim) hostile() string { return "mallory.example" }

func (s *sim) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatalf("seed %d: %v", s.seed, err)
	}
}

// wrong notes that something is not as it should be.
func (s *sim) wrong(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if text := fmt.Sprintf(format, args...); len(s.wrongs) < 50 && !slices.Contains(s.wrongs, text) {
		s.wrongs = append(s.wrongs, text)
	}
}

func (s *sim) record(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, fmt.Sprintf(format, args...))
}

// digest is the same if everything that was asked, and how it ended, is.
func (s *sim) digest() string {
	sum := sha256.Sum256([]byte(strings.Join(s.requests, "\n") + strings.Join(s.told, "\n") + s.state))
	return fmt.Sprintf("%d requests, %d steps, %s", len(s.requests), len(s.told), hex.EncodeToString(sum[:8]))
}

func (s *sim) report() string {
	var b strings.Builder
	for _, w := range s.wrongs {
		fmt.Fprintln(&b, "wrong:", w)
	}
	fmt.Fprintln(&b, "what people did, and what happened to them:")
	for _, line := range s.told {
		fmt.Fprintln(&b, " ", line)
	}
	for _, c := range s.cuts {
		fmt.Fprintf(&b, "  from %v to %v nothing gets from %s to %s\n", c.begin, c.end, c.from, c.to)
	}
	if *show {
		fmt.Fprintln(&b, strings.Join(s.requests, "\n"))
	}
	return b.String()
}

// setUp founds the councils and the community, and lets the first ones in. Nothing
// goes wrong yet.
func (s *sim) setUp() {
	for _, host := range hosts {
		c := &council{s: s, host: host, buried: make(map[string]bool)}
		s.councils = append(s.councils, c)
		c.start(filepath.Join(s.dir, host))
		self, err := c.Hub.Self(s.ctx)
		s.must(err)
		s.giveKey(c, self)
		for _, role := range []string{"ann", "bob"} {
			name := role + "_" + strings.TrimSuffix(host, ".example")
			p := &copse.Actor{Name: name, Title: name}
			account := &store.Account{Email: name + "@" + host, Password: "x", Role: store.Ordinary, Confirmed: time.Now()}
			s.must(c.Hub.Register(s.ctx, p, account, nil))
			s.giveKey(c, p)
			s.people[host] = append(s.people[host], p)
			s.names[p.URI] = name
		}
	}
	h := s.councils[0]
	h.trees = &copse.Community{Actor: copse.Actor{Name: "trees", Title: "Trees"}, Join: copse.JoinOpen, Audience: copse.Members, Posting: copse.Member}
	s.must(h.Hub.Found(s.ctx, s.people[home][0], h.trees))
	s.giveKey(h, &h.trees.Actor)
	s.names[h.trees.URI] = "trees"
	for _, c := range s.councils {
		if c == h {
			continue
		}
		found, err := c.Fed.Find(s.ctx, "!trees@"+home)
		s.must(err)
		s.must(c.view(func(tx *store.Tx) (err error) {
			c.trees, err = tx.Community(found.ID)
			return err
		}))
		if c.host != late && c.host != outside {
			s.join(c, s.people[c.host][0])
			time.Sleep(10 * time.Second)
		}
	}
	s.join(h, s.people[home][1])
	time.Sleep(time.Minute)
	s.plan()
	s.began = time.Now()
	s.faulty.Store(true)
}

func (s *sim) giveKey(c *council, a *copse.Actor) {
	k := s.keys[c.host]
	s.must(c.DB.Update(s.ctx, func(tx *store.Tx) error {
		_, err := tx.AddKey(a.ID, a.URI+"#main-key", k.public, k.private)
		return err
	}))
}

// start starts a council on the data in dir.
func (c *council) start(dir string) {
	conf := config.Default()
	conf.Server.URL = "https://" + c.host
	conf.Server.Data = dir
	conf.Federation.Allow = hosts
	up, err := server.New(context.Background(), conf, server.Options{
		Version: "test", Transport: wire{c.s, c.host}, Log: slog.New(slog.DiscardHandler),
	})
	c.s.must(err)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	// What goes on between councils. Letters and tidying are left out: they wake
	// every minute, and there are many in a week.
	running.Go(func() { up.Fed.Run(ctx) })
	c.s.mu.Lock()
	c.Server, c.since = up, time.Now()
	c.life++
	c.s.mu.Unlock()
	c.stop = func() {
		c.s.mu.Lock()
		c.Server = nil
		c.life++
		c.s.mu.Unlock()
		cancel()
		running.Wait()
		c.s.must(up.Close())
	}
}

func (c *council) shutDown() {
	if c.Server != nil {
		c.stop()
	}
}

// crash ends a council as if its power failed: what comes back has the database
// and its log as they lay at that moment. What it writes while it ends is lost.
func (c *council) crash() (restart func()) {
	synctest.Wait() // files are not copied while they are written
	was := c.Server.Config.Server.Data
	dir := c.copied("crash")
	c.stop()
	c.s.must(os.RemoveAll(was))
	return func() { c.start(dir) }
}

// copied copies a council's files as they lie, and returns where to.
func (c *council) copied(why string) (dir string) {
	dir = fmt.Sprintf("%s-%s-%d", filepath.Join(c.s.dir, c.host), why, c.life)
	c.s.must(os.Mkdir(dir, 0o700))
	for _, name := range []string{"copse.db", "copse.db-wal"} {
		data, err := os.ReadFile(filepath.Join(c.Server.Config.Server.Data, name))
		c.s.must(err)
		c.s.must(os.WriteFile(filepath.Join(dir, name), data, 0o600))
	}
	return dir
}
