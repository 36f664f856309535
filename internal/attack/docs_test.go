package attack

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// docs/attacks.md and the tests agree: each case that is not kept back has a row, and
// is played here if and only if that says so.
func TestWhatIsSaidToBeWithstoodIs(t *testing.T) {
	doc, err := os.ReadFile("../../docs/attacks.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := make(map[string]string)
	for _, r := range regexp.MustCompile(`(?m)^\| (AS-\d{3}) \|[^|]*\| ([^|]*) \|$`).FindAllStringSubmatch(string(doc), -1) {
		if rows[r[1]] != "" {
			t.Errorf("%s has two rows", r[1])
		}
		rows[r[1]] = r[2]
	}
	files, err := filepath.Glob("*_test.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files: %v", len(files), err)
	}
	played := make(map[string]bool)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		// In quotes, at the beginning: a name. What stands beside a case has no number of its own.
		for _, name := range regexp.MustCompile(`"((?:AS-\d{3},? ?)+)`).FindAllStringSubmatch(string(text), -1) {
			for _, number := range regexp.MustCompile(`AS-\d{3}`).FindAllString(name[1], -1) {
				played[number] = true
			}
		}
	}
	for number := range played {
		if !strings.HasPrefix(rows[number], "here") {
			t.Errorf("%s is played, and docs/attacks.md has %q", number, rows[number])
		}
	}
	for n := 1; n <= 137; n++ {
		number := fmt.Sprintf("AS-%03d", n)
		shown, listed := rows[number]
		switch {
		case n%3 == 0: // kept back
		case !listed:
			t.Errorf("%s has no row", number)
		case strings.HasPrefix(shown, "here") != played[number]:
			t.Errorf("%s is %q, and played: %t", number, shown, played[number])
		case !strings.HasPrefix(shown, "here") && !strings.HasPrefix(shown, "not yet: ") && !strings.HasPrefix(shown, "`Test"):
			t.Errorf("%s is %q", number, shown)
		}
	}
}
