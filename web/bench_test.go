package web_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"
)

// BenchmarkPage compares what a reader without a session costs with the least
// that a page can: the bar is three times that.
func BenchmarkPage(b *testing.B) {
	hello := chi.NewRouter()
	hello.Get("/", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") })
	listener := httptest.NewServer(hello)
	defer listener.Close()
	b.Run("hello", func(b *testing.B) { read(b, listener.URL) })
	b.Run("kept", func(b *testing.B) { read(b, serve(b).Base) })
}

// read asks for the page at base over one connection, as a browser does.
func read(b *testing.B, base string) {
	host := strings.TrimPrefix(base, "http://")
	c, err := net.Dial("tcp", host)
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	in := bufio.NewReader(c)
	request := []byte("GET / HTTP/1.1\r\nHost: " + host + "\r\nAccept-Encoding: gzip\r\nAccept-Language: en-GB,en;q=0.9,cy;q=0.8\r\n\r\n")
	for b.Loop() {
		if _, err := c.Write(request); err != nil {
			b.Fatal(err)
		}
		res, err := http.ReadResponse(in, nil)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, res.Body); err != nil || res.StatusCode != http.StatusOK {
			b.Fatalf("%d %v", res.StatusCode, err)
		}
	}
}
