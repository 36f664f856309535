package federation_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// docs/interoperability.md promises nothing that no test shows: each test and
// sample that it names is there, and each sample is in it. So it is with each test
// that docs/attacks.md names.
func TestWhatIsSaidToBeShownIsShown(t *testing.T) {
	doc, err := os.ReadFile("../docs/interoperability.md")
	if err != nil {
		t.Fatal(err)
	}
	attacks, err := os.ReadFile("../docs/attacks.md")
	if err != nil {
		t.Fatal(err)
	}
	var tests strings.Builder
	err = filepath.WalkDir("..", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		tests.Write(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range regexp.MustCompile("`(Test\\w+)`").FindAllStringSubmatch(string(doc)+string(attacks), -1) {
		if !strings.Contains(tests.String(), "func "+name[1]+"(") {
			t.Errorf("there is no %s", name[1])
		}
	}
	files, err := filepath.Glob("testdata/others/*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if name := strings.TrimSuffix(filepath.Base(file), ".json"); !strings.Contains(string(doc), "`"+name+"`") {
			t.Errorf("%s is a sample of nothing", name)
		}
	}
	for _, name := range regexp.MustCompile("others: ((?:`[\\w-]+`(?:, )?)+)").FindAllStringSubmatch(string(doc), -1) {
		for _, sample := range regexp.MustCompile("`([a-z][\\w-]+)`").FindAllStringSubmatch(name[1], -1) {
			if _, err := os.Stat("testdata/others/" + sample[1] + ".json"); err != nil {
				t.Errorf("there is no sample %s", sample[1])
			}
		}
	}
}
