package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"

	"copse/copse"
	"copse/store"
)

// visitor is a request for a page by somebody whose browser has a session of
// long ago: nobody is signed in, and nothing is kept for them.
func visitor(ctx context.Context, path string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, here+path, nil).WithContext(ctx)
	r.Header.Set("Accept", "text/html")
	r.AddCookie(&http.Cookie{Name: "copse", Value: "gone"})
	return r
}

// visits is a round of a page, from its address to its last byte, uncompressed.
func visits(ctx context.Context, t *town, path string) round {
	return calls(30, func(int) error {
		w := httptest.NewRecorder()
		t.ServeHTTP(w, visitor(ctx, path))
		if w.Code != http.StatusOK {
			return fmt.Errorf("GET %s: answered %d", path, w.Code)
		}
		return nil
	})
}

// pages measures whole pages.
func pages(ctx context.Context, b *bench) error {
	t, err := b.town(ctx)
	if err != nil {
		return err
	}
	path := fmt.Sprintf("/post/%d", t.Thread)
	m, err := against(func() (float64, error) {
		const n = 30
		var s stopwatch
		for range n {
			if err := s.time(t, visitor(ctx, path)); err != nil {
				return 0, err
			}
		}
		return s.total / n, nil
	}, b.yard.H)
	if err != nil {
		return err
	}
	b.detail("%s µs", number(m.cost))
	b.result(bar{n: 17, name: "a page of 50 posts: rendering it", unit: "H", must: 21, aim: 8}, m.ratio)
	if b.verbose {
		whole, err := against(visits(ctx, t, path), b.yard.H)
		if err != nil {
			return err
		}
		b.detail("%s µs with all that has to be read for it, %s × H", number(whole.cost), number(whole.ratio))
	}

	addr, stop, err := serving(t.Server)
	if err != nil {
		return err
	}
	defer stop()
	kept := get(path, "Accept: text/html", "Accept-Encoding: gzip, br, zstd", "Accept-Language: en-GB,en;q=0.9")
	if m, err = against(b.requests(addr, kept, 2000, http.StatusOK), b.yard.H); err != nil {
		return err
	}
	b.detail("%s µs", number(m.cost))
	b.result(bar{n: 18, name: "… once it is kept, for somebody not signed in", unit: "H", must: 3, aim: 2}, m.ratio)
	return nil
}

// A stopwatch times rendering within the answer to a request. It runs from when
// templ first asks the request's context for something, by which time the
// database has been read, until the handler turns to the answer's header.
type stopwatch struct {
	running bool
	since   float64
	total   float64
}

// time has a page answered.
func (s *stopwatch) time(h http.Handler, r *http.Request) error {
	w := &watchedAnswer{ResponseRecorder: httptest.NewRecorder(), watch: s}
	before := s.total
	h.ServeHTTP(w, r.WithContext(watchedContext{r.Context(), s}))
	switch {
	case w.Code != http.StatusOK:
		return fmt.Errorf("GET %s: answered %d", r.URL.Path, w.Code)
	case s.total == before:
		return fmt.Errorf("GET %s: nothing was rendered", r.URL.Path)
	}
	return nil
}

type watchedContext struct {
	context.Context
	watch *stopwatch
}

func (c watchedContext) Value(key any) any {
	if !c.watch.running && strings.HasPrefix(fmt.Sprintf("%T", key), "templ.") {
		c.watch.running, c.watch.since = true, spent()
	}
	return c.Context.Value(key)
}

type watchedAnswer struct {
	*httptest.ResponseRecorder
	watch *stopwatch
}

func (w *watchedAnswer) Header() http.Header {
	if w.watch.running {
		w.watch.running, w.watch.total = false, w.watch.total+spent()-w.watch.since
	}
	return w.ResponseRecorder.Header()
}

var linked = regexp.MustCompile(`(?:src|href)="(/assets/[^"]+|/favicon\.ico)"`)

// weight measures what a browser has to load to show a list for the first time.
func weight(ctx context.Context, b *bench) error {
	t, err := b.town(ctx)
	if err != nil {
		return err
	}
	var community *copse.Community
	err = t.DB.View(ctx, func(tx *store.Tx) (err error) {
		community, err = tx.Community(t.Communities[0])
		return err
	})
	if err != nil {
		return err
	}
	page, err := loaded(t, community.Path()+"/forum")
	if err != nil {
		return err
	}
	plain := httptest.NewRecorder()
	t.ServeHTTP(plain, visitor(ctx, community.Path()+"/forum"))
	all, scripts := page, 0
	seen := make(map[string]bool)
	for _, link := range linked.FindAllStringSubmatch(plain.Body.String(), -1) {
		if seen[link[1]] {
			continue
		}
		seen[link[1]] = true
		size, err := loaded(t, link[1])
		if err != nil {
			return err
		}
		b.detail("%s: %d bytes", link[1], size)
		if all += size; strings.HasSuffix(link[1], ".js") {
			scripts += size
		}
	}
	b.detail("the page itself: %d bytes", page)
	b.result(bar{n: 24, name: "weight of a list of topics, with all it needs", unit: "KB", must: 60, aim: 35}, float64(all)/1000)
	b.result(bar{n: 24, name: "… script in it", unit: "KB", must: 15}, float64(scripts)/1000)
	return nil
}

// loaded returns how many bytes come for an address, compressed.
func loaded(t *town, path string) (int, error) {
	r := httptest.NewRequest(http.MethodGet, here+path, nil)
	r.Header.Set("Accept-Encoding", "gzip, br, zstd")
	w := httptest.NewRecorder()
	t.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		return 0, fmt.Errorf("GET %s: answered %d", path, w.Code)
	}
	return w.Body.Len(), nil
}
