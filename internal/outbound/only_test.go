package outbound

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// ways are the ways out of the program that would go around the guard.
var ways = map[string][]string{
	"net/http":          {"Client", "Transport", "DefaultClient", "DefaultTransport", "Get", "Head", "Post", "PostForm"},
	"net/http/httputil": {"ReverseProxy", "NewSingleHostReverseProxy"},
}

// exempt are this package, what only tests use, and the command line talking to
// its own server through a socket in the file system.
var exempt = []string{"internal/outbound", "internal/server/socket.go", "internal/bench", "internal/world", "test"}

// Every request to another machine is made here. Tests may call servers of
// their own as they like.
func TestNothingElseMakesRequests(t *testing.T) {
	root := moduleRoot(t)
	files := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			_, notAModule := os.Stat(filepath.Join(path, "go.mod"))
			skip := slices.Contains(exempt, filepath.ToSlash(rel)) || d.Name() == "testdata" || d.Name() == "node_modules" ||
				rel != "." && (strings.HasPrefix(d.Name(), ".") || notAModule == nil)
			if skip {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || slices.Contains(exempt, filepath.ToSlash(rel)) {
			return nil
		}
		src, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		for _, way := range waysOut(t, rel, src) {
			t.Errorf("%s: requests to other machines are made by internal/outbound", way)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files == 0 {
		t.Error("looked at nothing")
	}
}

func TestWaysOutAreSeen(t *testing.T) {
	for body, want := range map[string]int{
		`import "net/http"; var _ = http.Client{}`:                                            1,
		`import "net/http"; var _ = &http.Client{Transport: &http.Transport{}}`:               2,
		`import "net/http"; var _ = new(http.Client)`:                                         1,
		`import "net/http"; var c http.Client`:                                                1,
		`import "net/http"; type x struct{ c http.Client }`:                                   1,
		`import web "net/http"; var _, _ = web.Get("")`:                                       1,
		`import "net/http"; var _ = http.DefaultTransport.(*http.Transport).Clone()`:          1,
		`import . "net/http"; var _, _ = Get("")`:                                             1,
		`import "net/http/httputil"; var _ = &httputil.ReverseProxy{}`:                        1,
		`import "net/http"; func f(c *http.Client, r *http.Request, h http.RoundTripper)`:     0,
		`import "net/http"; var _, _ = http.NewRequest("GET", "", nil)`:                       0,
		`import "net/http"; var _ = http.Server{}; const _ = http.StatusOK`:                   0,
		`import "example.com/http"; var _ = http.Client{}`:                                    0,
		`var http struct{ Get func() }; func f() { http.Get() }`:                              0,
		`import "net/http"; func f(h http.Header) { h.Get("Post"); http.NotFound(nil, nil) }`: 0,
	} {
		if got := waysOut(t, "x.go", []byte("package x; "+body)); len(got) != want {
			t.Errorf("%s: %v, want %d", body, got, want)
		}
	}
}

// waysOut lists where a file names one of the ways, other than as a pointer to
// something that was made elsewhere.
func waysOut(t *testing.T, name string, src []byte) (found []string) {
	t.Helper()
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, src, parser.SkipObjectResolution)
	if err != nil {
		t.Errorf("%v", err)
		return nil
	}
	imported := map[string]string{}
	for _, i := range file.Imports {
		path, err := strconv.Unquote(i.Path.Value)
		if err != nil || ways[path] == nil {
			continue
		}
		as := path[strings.LastIndex(path, "/")+1:]
		if i.Name != nil {
			as = i.Name.Name
		}
		if as == "." {
			found = append(found, fset.Position(i.Pos()).String()+": imports all of "+path)
		}
		imported[as] = path
	}
	see := func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.StarExpr:
			if _, ok := n.X.(*ast.SelectorExpr); ok {
				return false
			}
		case *ast.SelectorExpr:
			if pkg, ok := n.X.(*ast.Ident); ok && slices.Contains(ways[imported[pkg.Name]], n.Sel.Name) {
				found = append(found, fset.Position(n.Pos()).String()+": "+pkg.Name+"."+n.Sel.Name)
			}
		}
		return true
	}
	ast.Inspect(file, see)
	return found
}

func moduleRoot(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Fatal("no go.mod above the test")
		}
		dir = up
	}
}
