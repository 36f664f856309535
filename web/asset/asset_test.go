package asset

import (
	"compress/gzip"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

func get(t *testing.T, path, accept string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Header.Set("Accept-Encoding", accept)
	w := httptest.NewRecorder()
	Handler().ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, r io.Reader) string {
	t.Helper()
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestFilesAreKeptForEverUnderAnAddressOfTheirOwn(t *testing.T) {
	for name, want := range map[string]string{
		"copse.css":   "text/css; charset=utf-8",
		"copse.svg":   "image/svg+xml",
		"favicon.ico": "image/x-icon",
	} {
		if !regexp.MustCompile(`^/assets/\w+-[0-9a-f]{12}\.\w+$`).MatchString(Path(name)) {
			t.Errorf("%s is at %s", name, Path(name))
		}
		got := get(t, Path(name), "")
		if got.StatusCode != http.StatusOK {
			t.Errorf("%s: answered %d", name, got.StatusCode)
		}
		for header, want := range map[string]string{
			"Content-Type":           want,
			"Cache-Control":          "public, max-age=31536000, immutable",
			"X-Content-Type-Options": "nosniff",
		} {
			if got := got.Header.Get(header); got != want {
				t.Errorf("%s: %s is %q, want %q", name, header, got, want)
			}
		}
	}
}

func TestTheStylesheetIsSentCompressedToThoseWhoCanReadIt(t *testing.T) {
	plain := body(t, get(t, Path("copse.css"), "").Body)
	for accept, compressed := range map[string]bool{
		"gzip, deflate, br": true, "gzip;q=0.5": true, "GZIP": true,
		"": false, "br": false, "gzip;q=0": false, "gzip; q=0.0": false,
	} {
		got := get(t, Path("copse.css"), accept)
		if is := got.Header.Get("Content-Encoding") == "gzip"; is != compressed {
			t.Errorf("Accept-Encoding %q: compressed %v, want %v", accept, is, compressed)
			continue
		}
		text := body(t, got.Body)
		if n := got.Header.Get("Content-Length"); n != strconv.Itoa(len(text)) {
			t.Errorf("Accept-Encoding %q: Content-Length %s for %d bytes", accept, n, len(text))
		}
		if compressed {
			z, err := gzip.NewReader(strings.NewReader(text))
			if err != nil {
				t.Fatal(err)
			}
			text = body(t, z)
		}
		if text != plain {
			t.Errorf("Accept-Encoding %q: another stylesheet", accept)
		}
	}
}

func TestBrowsersFindTheIconWhereTheyLook(t *testing.T) {
	got := get(t, "/favicon.ico", "")
	if got.StatusCode != http.StatusOK || strings.Contains(got.Header.Get("Cache-Control"), "immutable") {
		t.Errorf("answered %d, %q; want 200, not for ever", got.StatusCode, got.Header.Get("Cache-Control"))
	}
}

func TestNothingElseIsThere(t *testing.T) {
	for _, path := range []string{"/assets/", "/assets/copse.css", "/assets/asset.go", "/assets/../asset.go"} {
		if got := get(t, path, "").StatusCode; got != http.StatusNotFound {
			t.Errorf("%s: answered %d", path, got)
		}
	}
}

func TestTheStylesheetIsSmallAndFetchesNothing(t *testing.T) {
	css := body(t, get(t, Path("copse.css"), "").Body)
	if len(css) >= 30_000 {
		t.Errorf("%d bytes, want under 30,000", len(css))
	}
	for _, banned := range []string{"url(", "@import", "http:", "https:"} {
		// a[href^="http"] is about links in print.
		if strings.Contains(css, banned) {
			t.Errorf("has %s", banned)
		}
	}
}

// WCAG 2.2: 4.5:1 for text (1.4.3), 3:1 for edges of controls and focus (1.4.11).
func TestColoursCanBeToldApart(t *testing.T) {
	css := body(t, get(t, Path("copse.css"), "").Body)
	for _, c := range []struct {
		front, back string
		least       float64
	}{
		{"accent", "white", 5}, {"accent", "paper", 4.5}, {"accent", "paper-deep", 4.5}, {"on-accent", "accent", 4.5},
		{"ink", "white", 7}, {"ink", "paper", 7}, {"ink", "paper-deep", 7}, {"ink", "focus", 7},
		{"ink-soft", "white", 4.5}, {"ink-soft", "paper", 4.5}, {"ink-soft", "paper-deep", 4.5},
		{"error", "white", 4.5}, {"edge", "white", 3}, {"edge", "paper", 3}, {"focus", "accent", 3},
	} {
		if got := contrast(token(t, css, c.front), token(t, css, c.back)); got < c.least {
			t.Errorf("%s on %s: %.2f to 1, want %.1f", c.front, c.back, got, c.least)
		}
	}
	tags := regexp.MustCompile(`\.copse-tag--(\w+) \{ background: (#\w+); color: (#\w+); \}`).FindAllStringSubmatch(css, -1)
	if len(tags) != 4 {
		t.Fatalf("found %d kinds of tag, want 4", len(tags))
	}
	for _, tag := range tags {
		if got := contrast(tag[3], tag[2]); got < 4.5 {
			t.Errorf("tag %s: %.2f to 1", tag[1], got)
		}
	}
}

func token(t *testing.T, css, name string) string {
	t.Helper()
	found := regexp.MustCompile(`--copse-` + name + `: (#[0-9a-f]+);`).FindStringSubmatch(css)
	if found == nil {
		t.Fatalf("no colour %s", name)
	}
	return found[1]
}

// contrast is WCAG's ratio of two colours, from 1 to 21.
func contrast(a, b string) float64 {
	light, dark := luminance(a), luminance(b)
	if light < dark {
		light, dark = dark, light
	}
	return (light + .05) / (dark + .05)
}

func luminance(hex string) float64 {
	if len(hex) == 4 {
		hex = "#" + strings.Repeat(hex[1:2], 2) + strings.Repeat(hex[2:3], 2) + strings.Repeat(hex[3:4], 2)
	}
	sum := 0.0
	for i, weight := range []float64{.2126, .7152, .0722} {
		n, err := strconv.ParseUint(hex[1+2*i:3+2*i], 16, 8)
		if err != nil {
			panic(err)
		}
		c := float64(n) / 255
		if c <= .04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}
