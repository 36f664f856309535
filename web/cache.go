package web

import (
	"maps"
	"net/http"
	"strings"
	"sync"
	"time"

	"copse/hub"
	"copse/internal/words"
)

// How long a page is kept at most, and how much of them.
const (
	keptFor  = 10 * time.Second // changes made by another process show after this
	keptSize = 16 << 20         // bytes of all pages
	keptPage = 512 << 10        // bytes of one

	keptHeader  = 100  // bytes of an Accept-Language header
	keptHeaders = 1000 // of them
)

// A cache keeps pages as they were sent to visitors without a session, who all
// see the same. Whatever happens in a community empties it.
type cache struct {
	changed <-chan struct{} // hears the hub's bell
	session string          // name of the cookie of those who have one

	mu    sync.Mutex
	pages map[string]*kept // guarded by mu, as are those below
	size  int
	age   int               // how often it was emptied
	langs map[string]string // by Accept-Language, which takes longer to read than a page to send
}

// kept is an answer, compressed if the reader took that.
type kept struct {
	header http.Header
	body   []byte
	until  time.Time
}

// newCache listens for as long as there is a bell: a site ends with its hub.
func newCache(bell *hub.Bell, session string) *cache {
	changed, _ := bell.Listen()
	return &cache{changed: changed, session: session, pages: make(map[string]*kept), langs: make(map[string]string)}
}

// around answers what it has kept and keeps what next answers.
func (c *cache) around(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key, ok := c.keyOf(r)
		if !ok {
			next.ServeHTTP(w, r)
			return
		}
		page, age := c.find(key)
		if page != nil {
			maps.Copy(w.Header(), page.header)
			_, _ = w.Write(page.body) // it fails for a reader who has gone
			return
		}
		if r.Method != http.MethodGet {
			next.ServeHTTP(w, r)
			return
		}
		t := &tee{ResponseWriter: w}
		next.ServeHTTP(t, r)
		if h := w.Header(); t.whole() && h.Get("Cache-Control") == stranger && h.Get("Set-Cookie") == "" {
			c.keep(key, age, &kept{h.Clone(), t.body, time.Now().Add(keptFor)})
		}
	})
}

// keyOf returns what decides how a page looks to a visitor without a session:
// its address, the language and whether it may be compressed.
func (c *cache) keyOf(r *http.Request) (key string, ok bool) {
	if !isRead(r) || len(r.URL.RawQuery) > 1<<10 {
		return "", false
	}
	if len(r.Header["Cookie"]) > 0 {
		if _, err := r.Cookie(c.session); err == nil {
			return "", false
		}
	}
	key = c.language(r)
	if accepts := r.Header.Get("Accept-Encoding"); strings.Contains(accepts, "q=0") {
		return "", false // refuses something; few do
	} else if strings.Contains(accepts, "gzip") {
		key += "+gzip"
	}
	return key + " " + r.URL.RequestURI(), true
}

// language is the one that r's reader gets.
func (c *cache) language(r *http.Request) string {
	accepts, chosen := r.Header.Get("Accept-Language"), choice(r, "")
	if chosen != "" || len(accepts) > keptHeader {
		return words.Match(accepts, chosen)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	lang, ok := c.langs[accepts]
	if !ok {
		if len(c.langs) == keptHeaders {
			clear(c.langs)
		}
		lang = words.Match(accepts, "")
		c.langs[accepts] = lang
	}
	return lang
}

// find returns the page kept under key, or nil, and the age that a page made
// from now on has.
func (c *cache) find(key string) (*kept, int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.heed()
	page := c.pages[key]
	if page != nil && time.Now().After(page.until) {
		page = nil
	}
	return page, c.age
}

// keep keeps a page, unless something happened since it was begun.
func (c *cache) keep(key string, age int, page *kept) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.heed()
	if c.age != age {
		return
	}
	c.drop(key)
	for other := range c.pages { // in no order, so that nobody can aim
		if c.size+len(page.body) <= keptSize {
			break
		}
		c.drop(other)
	}
	c.pages[key] = page
	c.size += len(page.body)
}

func (c *cache) drop(key string) {
	if page := c.pages[key]; page != nil {
		c.size -= len(page.body)
		delete(c.pages, key)
	}
}

// heed empties the cache if the bell has rung. c.mu is held.
func (c *cache) heed() {
	select {
	case <-c.changed:
		clear(c.pages)
		c.size = 0
		c.age++
	default:
	}
}

// A tee remembers an answer while it is sent.
type tee struct {
	http.ResponseWriter
	status int
	body   []byte
	failed bool // not all of it was sent, or it is too long
}

func (t *tee) WriteHeader(status int) {
	if t.status == 0 {
		t.status = status
	}
	t.ResponseWriter.WriteHeader(status)
}

func (t *tee) Write(b []byte) (int, error) {
	if t.status == 0 {
		t.status = http.StatusOK
	}
	n, err := t.ResponseWriter.Write(b)
	if err != nil || len(t.body)+n > keptPage {
		t.failed, t.body = true, nil
	}
	if !t.failed {
		t.body = append(t.body, b...)
	}
	return n, err
}

func (t *tee) whole() bool { return t.status == http.StatusOK && !t.failed }

// Unwrap is for http.ResponseController.
func (t *tee) Unwrap() http.ResponseWriter { return t.ResponseWriter }
