package world_test

import (
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

var (
	mutants = flag.Bool("mutants", false, "break each rule that the simulator watches over, and see it notice")
	find    = flag.Int("find", 0, "among how many stories to look for one that notices, instead of telling the one that is known to")
)

// A broken rule is a rule of copse that can be switched off. The test builds a copse
// with the switches in it, and the tree keeps no trace of them.
type broken struct {
	rule      string
	seed      int // of a story that ends badly without it
	noticedBy string
	edits     []edit
}

// An edit puts other text in the place of some that a file of the tree has once.
type edit struct{ file, from, to string }

// switches is what those edits ask, as a file of package copse.
const switches = `package copse

import (
	"os"
	"time"

	"github.com/google/uuid"
)

// Broken reports whether this process does without a rule.
func Broken(rule string) bool { return os.Getenv("COPSE_BROKEN") == rule }

// Forgotten reports whether that an activity was seen is not remembered.
func Forgotten(uri string, now time.Time) bool {
	if Broken("an activity takes effect once") {
		return true
	}
	id, err := uuid.Parse(uri[max(0, len(uri)-36):])
	made, _ := id.Time().UnixTime()
	return Broken("and not again after twelve hours") && err == nil && now.Unix()-made > 12*60*60
}

func Counted(right, wrong string) string {
	if Broken("counts") {
		return wrong
	}
	return right
}
`

var rules = []broken{
	{"an activity takes effect once", 0, "I2", []edit{
		{
			"hub/hub.go", "seen, err := tx.Seen(act.URI)\n",
			"seen, err := tx.Seen(act.URI)\n\tif seen && copse.Forgotten(act.URI, tx.Now) {\n\t\tseen = false\n\t\tact.URI += uuid.NewString()\n\t}\n",
		},
		{
			"federation/inbox.go", "if repeat, err = tx.Seen(l.act.ID); err != nil {",
			"repeat, err = tx.Seen(l.act.ID)\n\t\trepeat = repeat && !copse.Forgotten(l.act.ID, tx.Now)\n\t\tif err != nil {",
		},
	}},
	{"and not again after twelve hours", 1, "I2", nil}, // by the same edits
	{"members read what they missed", 1, "I1", []edit{
		{"federation/decode.go", "if err == nil && first {", "if err == nil && first && !copse.Broken(`members read what they missed`) {"},
		{
			"federation/repair.go", "place, err := s.pull(ctx, p)",
			"pull := s.pull\n\t\tif copse.Broken(`members read what they missed`) {\n" +
				"\t\t\tpull = func(context.Context, store.Pull) (string, error) { return \"\", nil }\n\t\t}\n\t\tplace, err := pull(ctx, p)",
		},
	}},
	{"what a peer does not take is stepped over", 11, "I9", []edit{{
		"federation/trip.go", "case fails >= suspicious && len(others) > 0:",
		"case copse.Broken(`what a peer does not take is stepped over`):\n\t\treturn 0\n\tcase fails >= suspicious && len(others) > 0:",
	}}},
	{"what is submitted is never given up", 10, "I10", []edit{{
		"federation/trip.go", "p.Community != 0 && time.Since(appended) > keepTrying",
		"p.Community != 0 && time.Since(appended) > keepTrying || p.Community == 0 && p.tries >= 7 && copse.Broken(`what is submitted is never given up`)",
	}}},
	{"what is deleted stays so", 2, "I1", []edit{{
		"hub/create.go", "buried, removed, err := tx.Deleted(o.URI, o.Author, o.Community)\n",
		"buried, removed, err := tx.Deleted(o.URI, o.Author, o.Community)\n\tif copse.Broken(`what is deleted stays so`) {\n\t\tburied, removed = false, false\n\t}\n",
	}}},
	{"counts", 8, "I4", []edit{{
		"store/object.go", "(select count(*) from responses r where r.object = $1 and r.type = 'Like')",
		"` + copse.Counted(`(select count(*) from responses r where r.object = $1 and r.type = 'Like')`, `likes + 1`) + `",
	}}},
}

// A simulator that never fails proves nothing: whichever rule is broken, some
// story ends badly.
func TestSimulatorNoticesBrokenRules(t *testing.T) {
	if !*mutants && *find == 0 {
		t.Skip("it takes a build; run with -mutants")
	}
	program := build(t)
	for _, b := range rules {
		t.Run(strings.ReplaceAll(b.rule, " ", "-"), func(t *testing.T) {
			t.Setenv("COPSE_BROKEN", b.rule)
			first, last := b.seed, b.seed
			if *find > 0 {
				first, last = 0, *find-1
			}
			for n := first; n <= last; n++ {
				a := tell(t.Context(), program, n, n, "")
				switch {
				case a.err == nil:
				case strings.Contains(a.text, "wrong: "+b.noticedBy+":"):
					t.Logf("story %d ends badly without it", n)
					return
				default:
					t.Logf("it is not %s that notices: %s", b.noticedBy, a.text)
				}
			}
			t.Errorf("stories %d to %d end well without it", first, last)
		})
	}
}

// build returns the tests of this package with the switches in them.
func build(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	changed := map[string]string{filepath.Join(root, "copse/broken.go"): switches}
	for _, b := range rules {
		for _, e := range b.edits {
			file := filepath.Join(root, e.file)
			if changed[file] == "" {
				text, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				changed[file] = string(text)
			}
			if strings.Count(changed[file], e.from) != 1 {
				t.Fatalf("%s has not got this once, and so cannot be broken there: %s", e.file, e.from)
			}
			changed[file] = strings.Replace(changed[file], e.from, e.to, 1)
		}
	}
	dir, replace := t.TempDir(), make(map[string]string)
	for file, text := range changed {
		with := filepath.Join(dir, strings.ReplaceAll(file, "/", "_"))
		if err := os.WriteFile(with, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		replace[file] = with
	}
	list, program := filepath.Join(dir, "overlay.json"), filepath.Join(dir, "world.test")
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(list, overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "go", "test", "-c", "-overlay", list, "-o", program, ".").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return program
}
