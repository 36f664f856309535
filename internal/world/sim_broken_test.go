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

var mutants = flag.Bool("mutants", false, "break each rule that the simulator watches over, and see it notice")

// A broken rule is a line of copse as it must not be. The test builds a copse with
// that line in its place, and the tree keeps no trace of it.
type broken struct {
	rule      string
	file      string // from the root of the tree
	from, to  string
	seeds     int // among how many stories one has to end badly
	noticedBy string
}

var rules = []broken{
	{
		"an activity takes effect once", "hub/hub.go",
		"if err != nil || seen {\n\t\treturn err\n\t}", "if err != nil {\n\t\treturn err\n\t}\n\tif seen {\n\t\tact.URI += uuid.NewString()\n\t}",
		25, "I2",
	},
	{
		"what was said before is read", "federation/decode.go",
		"if err == nil && first {", "if false && first {",
		25, "I1",
	},
	{
		"what a peer does not take is stepped over", "federation/deliver.go",
		"case fails >= suspicious && len(others) > 0:", "case true:\n\t\treturn 0\n\tcase fails >= suspicious && len(others) > 0:",
		50, "I9",
	},
	{
		"what is counted is counted again", "store/object.go",
		"update objects set likes = (select count(*) from responses r where r.object = $1 and r.type = 'Like')", "update objects set likes = likes + 1",
		25, "I4",
	},
}

// A simulator that never fails proves nothing: whichever rule is broken, some
// story ends badly.
func TestSimulatorNoticesBrokenRules(t *testing.T) {
	if !*mutants {
		t.Skip("each takes a build; run with -mutants")
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range rules {
		t.Run(strings.ReplaceAll(b.rule, " ", "-"), func(t *testing.T) {
			program := b.build(t, root)
			for first := 0; first < b.seeds; first += storiesAtOnce {
				a := tell(t.Context(), program, first, first+storiesAtOnce-1, "")
				if a.err == nil {
					continue
				}
				if !strings.Contains(a.text, "wrong: "+b.noticedBy) {
					t.Errorf("it is not %s that notices: %s", b.noticedBy, a.text)
				}
				return
			}
			t.Errorf("%d stories end well without it", b.seeds)
		})
	}
}

// build returns the tests of this package with the rule broken.
func (b broken) build(t *testing.T, root string) string {
	t.Helper()
	file, dir := filepath.Join(root, b.file), t.TempDir()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Count(string(text), b.from) != 1 {
		t.Fatalf("%s has not got this once, and so cannot be broken there: %s", b.file, b.from)
	}
	with, list, program := filepath.Join(dir, "broken.go"), filepath.Join(dir, "overlay.json"), filepath.Join(dir, "world.test")
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{file: with}})
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{with: []byte(strings.Replace(string(text), b.from, b.to, 1)), list: overlay} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.CommandContext(t.Context(), "go", "test", "-c", "-overlay", list, "-o", program, ".").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return program
}
