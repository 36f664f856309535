// Package asset holds the files every page needs and serves them under /assets/:
// the stylesheet, the logo and the icon. There is no script, and nothing comes from
// anywhere else. A file's address contains a hash of what is in it, so browsers may
// keep it for ever and a new version is fetched at once.
package asset

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
)

//go:embed copse.css copse.svg favicon.ico
var files embed.FS

// types are written out because the system's own table varies.
var types = map[string]string{
	".css": "text/css; charset=utf-8",
	".svg": "image/svg+xml",
	".ico": "image/x-icon",
}

// Path is the address of the file called name, such as "copse.css". It panics if
// there is no such file: the name is always a constant.
func Path(name string) string {
	address, ok := built().paths[name]
	if !ok {
		panic("asset: no file " + name)
	}
	return address
}

// Handler serves every file at its Path, and the icon also at /favicon.ico, where
// browsers look without being told.
func Handler() http.Handler {
	all := built()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "Method not allowed", http.StatusMethodNotAllowed)
			return
		}
		kept := "public, max-age=31536000, immutable"
		address := r.URL.Path
		if address == "/favicon.ico" {
			address, kept = all.paths["favicon.ico"], "public, max-age=86400"
		}
		f, ok := all.files[address]
		if !ok {
			http.NotFound(w, r)
			return
		}
		h := w.Header()
		h.Set("Content-Type", f.mediaType)
		h.Set("Cache-Control", kept)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Vary", "Accept-Encoding")
		body := f.plain
		if f.gzipped != nil && acceptsGzip(r.Header.Get("Accept-Encoding")) {
			h.Set("Content-Encoding", "gzip")
			body = f.gzipped
		}
		h.Set("Content-Length", strconv.Itoa(len(body)))
		if r.Method == http.MethodHead {
			return
		}
		// An error here is a reader who has gone.
		_, _ = w.Write(body)
	})
}

// acceptsGzip reads an Accept-Encoding header (RFC 9110 section 12.5.3).
func acceptsGzip(header string) bool {
	for part := range strings.SplitSeq(header, ",") {
		name, weight, _ := strings.Cut(strings.ReplaceAll(part, " ", ""), ";")
		if strings.EqualFold(name, "gzip") {
			q, err := strconv.ParseFloat(strings.TrimPrefix(weight, "q="), 64)
			return err != nil || q > 0
		}
	}
	return false
}

type file struct {
	mediaType string
	plain     []byte
	gzipped   []byte // nil if compressing it saves nothing
}

type catalogue struct {
	paths map[string]string // address by name
	files map[string]file   // by address
}

// built hashes and compresses the files, once.
var built = sync.OnceValue(func() catalogue {
	c := catalogue{paths: map[string]string{}, files: map[string]file{}}
	entries, err := files.ReadDir(".")
	if err != nil {
		panic(err) // embedded files can be listed
	}
	for _, entry := range entries {
		name := entry.Name()
		text, err := files.ReadFile(name)
		if err != nil {
			panic(err) // and read
		}
		sum := sha256.Sum256(text)
		ext := path.Ext(name)
		address := fmt.Sprintf("/assets/%s-%s%s", strings.TrimSuffix(name, ext), hex.EncodeToString(sum[:6]), ext)
		c.paths[name] = address
		c.files[address] = file{types[ext], text, compressed(text)}
	}
	return c
})

// compressed is text in gzip, or nil if that is no shorter.
func compressed(text []byte) []byte {
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err == nil {
		_, err = z.Write(text)
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		panic(err) // the level is valid and a buffer takes every write
	}
	if out.Len() >= len(text) {
		return nil
	}
	return out.Bytes()
}
