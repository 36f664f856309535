package federation_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"copse/federation/ap"
)

// A forum is a community of other software at Home, with what it has announced and,
// as lists by their addresses, with what was said in its conversations. It knows
// ETags.
type forum struct {
	*stage
	*voice
	outbox  []obj
	lists   map[string]obj
	checked int  // guarded by n.mu; how often a list was found to be as it was
	closed  bool // guarded by n.mu
}

func newForum(t *testing.T) *forum {
	s := newStage(t)
	f := &forum{stage: s, voice: s.home.actor("Group", "/category/3"), lists: make(map[string]obj)}
	for _, host := range []string{"home.example", "third.example"} {
		s.n.answer(host, func(r *http.Request) (*http.Response, error) {
			s.n.mu.Lock()
			defer s.n.mu.Unlock()
			doc, ok := f.lists[r.URL.String()]
			if !ok || r.Method != http.MethodGet {
				return nil, nil
			}
			if f.closed {
				return &http.Response{StatusCode: http.StatusForbidden, Body: http.NoBody, Request: r}, nil
			}
			tag := fmt.Sprintf(`"%d %v"`, len(doc.json()), doc["totalItems"])
			res := &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {ap.ActivityJSON}, "Etag": {tag}}, Request: r}
			res.Body = io.NopCloser(bytes.NewReader(doc.json()))
			if r.Header.Get("If-None-Match") == tag {
				f.checked++
				res.StatusCode, res.Body = http.StatusNotModified, http.NoBody
			}
			return res, nil
		})
	}
	return f
}

// found returns how often a list was found to be as it was since it was last asked.
func (f *forum) found() (n int) {
	f.n.mu.Lock()
	defer f.n.mu.Unlock()
	n, f.checked = f.checked, 0
	return n
}

// shuts has the lists shown to nobody, or again.
func (f *forum) shuts(closed bool) {
	f.n.mu.Lock()
	defer f.n.mu.Unlock()
	f.closed = closed
}

// has has the community, before anybody here joins it, have a topic by Bob.
func (f *forum) has(name string, more obj) string {
	page := f.bob.page(name, f.voice.uri, strings.ToUpper(name[:1])+name[1:]).with(more)
	f.third.serve(page)
	f.outbox = append([]obj{f.announces(f.bob.act("Create", name, page))}, f.outbox...)
	f.home.serve(obj{"id": f.voice.uri + "/outbox", "type": "OrderedCollection", "orderedItems": f.outbox})
	return page["id"].(string)
}

// lists has a list at an address. What next is is its next page.
func (f *forum) list(uri, next string, items ...any) {
	f.n.mu.Lock()
	defer f.n.mu.Unlock()
	list := obj{"id": uri, "type": "OrderedCollection", "totalItems": len(items), "orderedItems": items}
	if strings.Contains(uri, "?") {
		list["type"] = "OrderedCollectionPage"
	}
	f.lists[uri] = list
	if next != "" {
		list["next"] = next
	}
}

// said has somebody have answered something, and returns the address of that.
func (f *forum) said(by *voice, name, to string) string {
	return by.peer.serve(by.note(name, f.voice.uri, to, name))
}

// here reports which of some notes Leeds has, by what they say.
func (f *forum) here(uris ...string) (all []string) {
	for _, uri := range uris {
		if o := f.leeds.object(uri); o != nil {
			all = append(all, uri[strings.LastIndexByte(uri, '/')+1:])
		}
	}
	return all
}

func (f *forum) after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// What was said in a community of other software before anybody here joined it is
// found in the list of each of its conversations, and so is what got lost later, which
// costs one question an hour each while nothing happens.
func TestConversationsElsewhereAreReadFromTheirLists(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newForum(t)
		context := f.voice.uri + "/topic/17"
		ash := f.has("ash", obj{"context": context})
		elm := f.has("elm", nil)
		deep := f.said(f.bob, "deep", f.said(f.mod, "under", ash)) // listed before what it answers
		first, gone := f.said(f.carol, "first", ash), f.said(f.carol, "gone", ash)
		f.third.forget(gone)
		forged := f.eve.uri + "/note/forged"
		f.evil.serve(f.carol.note("forged", f.voice.uri, ash, "Forged").with(obj{"id": forged}))
		stray := f.said(f.eve, "stray", f.says(f.weeds, f.eve, f.eve.page("weed", f.weeds.uri, "Weed")).URI)
		under := f.mod.uri + "/note/under"
		all := []string{ash, deep, first, under, gone, forged, stray, elm}
		f.list(context, "", deep, ash, forged, gone, obj{"id": first, "type": "Note", "content": "Forged"}, stray, 7, nil, f.leeds.hub.Base+"/post/1")
		f.joins(f.voice)
		f.after(5 * time.Minute)
		if got, want := f.here(all...), []string{"ash", "deep", "first", "under", "elm"}; !slices.Equal(got, want) {
			t.Errorf("after joining Leeds has %q, want %q", got, want)
		}
		if o := f.leeds.object(first); o != nil && strings.Contains(o.HTML, "Forged") {
			t.Errorf("it reads %q", o.HTML)
		}
		if o := f.leeds.object(f.eve.uri + "/page/weed"); o.Replies != 0 {
			t.Error("the list of one community put something into another")
		}

		later := f.said(f.carol, "later", first)
		f.list(context, "", ash, first, deep, later)
		f.after(time.Hour + time.Minute)
		if got := f.here(later); len(got) != 1 {
			t.Error("what got lost has not been found")
		}
		f.after(time.Hour)
		f.n.forget()
		f.found()
		f.after(time.Hour)
		if asked, found := f.n.requests("third.example"), f.found(); found != 1 || len(asked) != 0 {
			t.Errorf("an hour in which nothing happened took %d questions for a list, and %q", found, asked)
		}
		if asked := f.n.requests("home.example"); len(asked) > 6 { // and whether the two communities there have a log, and pins
			t.Errorf("an hour in which nothing happened took %q", asked)
		}
	})
}

// A list that its server does not show for a while is read on when it does.
func TestAListThatWasClosedIsReadOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newForum(t)
		context := f.voice.uri + "/topic/17"
		ash := f.has("ash", obj{"context": context})
		f.list(context, "")
		f.joins(f.voice)
		f.after(5 * time.Minute)
		f.shuts(true)
		late := f.said(f.carol, "late", ash)
		f.list(context, "", late)
		f.after(2 * time.Hour)
		f.shuts(false)
		f.after(time.Hour)
		if len(f.here(late)) != 1 {
			t.Error("what was said meanwhile has not been found")
		}
	})
}

// Of lists there are three sorts, with pages or without, at the server of the
// community or of whoever started the conversation. What was not said to the community
// is not part of it, and no list leads anywhere else.
func TestListsOfEverySortAreRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newForum(t)
		history, context := f.voice.uri+"/history", "https://third.example/contexts/1"
		old := f.has("old", obj{"contextHistory": history, "context": f.voice.uri + "/unread"})
		own := f.has("own", obj{"context": context})
		reply := f.bob.uri + "/page/replies/replies"
		simple := f.has("replies", obj{"context": "tag:third.example,2027:1", "replies": obj{"id": reply, "type": "Collection"}})
		elsewhere := f.has("elsewhere", obj{"context": "https://evil.example/contexts/2"})
		bare := f.has("bare", obj{"contextHistory": f.voice.uri + "/bare", "context": f.voice.uri + "/topic/5"})

		done := f.said(f.carol, "done", old)
		liked := f.said(f.carol, "liked", old)
		f.list(history, "", f.carol.act("Create", "done", obj{"id": done, "type": "Note"}), f.carol.act("Like", "1", liked),
			obj{"id": f.voice.uri + "/add/1", "type": "Add", "actor": f.voice.uri, "object": f.announces(f.carol.act("Create", "added", f.said(f.carol, "added", old)))})
		var paged []string
		for i := range 7 { // of which five are read at a time
			next := fmt.Sprintf("%s?page=%d", context, i+1)
			if i == 6 {
				next = "https://evil.example/contexts/1?page=7"
			}
			paged = append(paged, f.said(f.carol, fmt.Sprint("p", i), own))
			f.list(fmt.Sprintf("%s?page=%d", context, i), next, paged[i])
		}
		f.n.mu.Lock()
		f.lists[context] = obj{"id": context, "type": "Collection", "attributedTo": f.bob.uri, "first": context + "?page=0", "totalItems": 7}
		f.lists[reply] = obj{"id": reply, "type": "Collection", "first": obj{
			"type": "CollectionPage", "partOf": reply, "next": reply + "?page=1", "items": []string{f.said(f.mod, "r1", simple)},
		}}
		f.n.mu.Unlock()
		aside := f.third.serve(f.carol.note("aside", f.voice.uri, simple, "Among us").with(obj{"audience": nil, "to": []string{ap.Public}}))
		f.list(reply+"?page=1", "", f.said(f.bob, "r2", simple), aside)
		f.evil.serve(obj{"id": "https://evil.example/contexts/2", "type": "Collection", "items": []string{f.said(f.eve, "e", elsewhere)}})
		f.list(f.voice.uri+"/bare", "", f.voice.uri+"/announce/1")
		f.list(f.voice.uri+"/topic/5", "", f.said(f.carol, "five", bare))
		f.joins(f.voice)
		f.n.forget()
		f.after(5 * time.Minute)
		added, r1, r2 := f.carol.uri+"/note/added", f.mod.uri+"/note/r1", f.bob.uri+"/note/r2"
		check := func(when string, want ...string) {
			t.Helper()
			got := f.here(append([]string{done, liked, added, r1, r2, aside, f.eve.uri + "/note/e", f.carol.uri + "/note/five"}, paged...)...)
			if !slices.Equal(got, want) {
				t.Errorf("%s Leeds has %q, want %q", when, got, want)
			}
		}
		check("after joining", "done", "added", "r1", "r2", "five", "p0", "p1", "p2", "p3")
		f.after(time.Hour)
		check("an hour later", "done", "added", "r1", "r2", "five", "p0", "p1", "p2", "p3", "p4", "p5", "p6")
		for _, got := range f.n.requests("evil.example") {
			if strings.Contains(got, "contexts") {
				t.Errorf("a list made Leeds ask %q", got)
			}
		}
		if st, err := f.leeds.db.Status(t.Context()); err != nil || st.SetAside != 0 {
			t.Errorf("%d were set aside, %v", st.SetAside, err)
		}
		f.n.forget()
		f.after(time.Hour) // now that we are there, only the community says what is said in it
		if got := f.n.requests("third.example"); len(got) != 0 {
			t.Errorf("its author's server is asked again: %q", got)
		}
	})
}

// However much a list has in it, 200 things are brought in at a time.
func TestALongListIsBroughtInInPieces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newForum(t)
		context := f.voice.uri + "/topic/17"
		ash := f.has("ash", obj{"context": context})
		var items []any
		for i := range 250 {
			items = append(items, f.said(f.carol, fmt.Sprint(i), ash))
		}
		f.list(context, "", items...)
		f.joins(f.voice)
		replies := func(want int) {
			t.Helper()
			if got := f.leeds.object(ash).Replies; got != want {
				t.Errorf("Leeds has %d answers, want %d", got, want)
			}
		}
		f.after(5 * time.Minute)
		replies(200)
		f.after(time.Hour)
		replies(250)
	})
}
