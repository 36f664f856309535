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

	"copse/copse"
	"copse/federation/ap"
	"copse/store"
)

// loses has a host answer that it has taken what it is sent, and lose it.
func (n *network) loses(host string) {
	n.answer(host, func(r *http.Request) (*http.Response, error) {
		if r.Method != http.MethodPost {
			return nil, nil
		}
		return &http.Response{StatusCode: http.StatusAccepted, Body: io.NopCloser(bytes.NewReader(nil)), Request: r}, nil
	})
}

// What a community has announced reaches a member's council in the end, even if
// all trace of its delivery is lost there.
func TestWhatGotLostIsFoundInTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, "harlow.example", "wigan.example", "leeds.example")
		harlow, wigan, leeds := n.towns["harlow.example"], n.towns["wigan.example"], n.towns["leeds.example"]
		joan, rosa, ann := harlow.person("joan"), wigan.person("rosa"), leeds.person("ann")
		trees := harlow.community(joan, "trees", copse.JoinOpen, copse.Members)
		wigan.join(rosa, wigan.find(trees.URI))
		leeds.join(ann, leeds.find(trees.URI))
		synctest.Wait()
		edited := harlow.post(joan, &trees.Actor, "Ash", "<p>Sick?")
		removed := harlow.post(joan, &trees.Actor, "Elm", "<p>Gone?")
		n.settle(t)

		n.loses("wigan.example")
		words := *edited
		words.HTML = "<p>Dying?"
		reply := leeds.answer(ann, leeds.object(edited.URI), "<p>All of them")
		n.settle(t)
		for _, err := range []error{
			harlow.hub.Edit(t.Context(), joan, &words),
			harlow.hub.Like(t.Context(), joan, harlow.object(reply.URI), true),
			harlow.hub.Remove(t.Context(), joan, removed, ""),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
		brief := harlow.post(joan, &trees.Actor, "Oak", "<p>A mistake")
		if err := harlow.hub.Remove(t.Context(), joan, brief, ""); err != nil {
			t.Fatal(err)
		}
		n.settle(t)
		n.answer("wigan.example", nil)
		if wigan.object(reply.URI) != nil {
			t.Fatal("nothing got lost")
		}

		time.Sleep(time.Hour + 2*time.Minute)
		n.settle(t)
		if o := wigan.object(reply.URI); o == nil || o.Likes != 1 {
			t.Errorf("Wigan has the reply as %+v, want it with a mark", o)
		}
		if o := wigan.object(edited.URI); o.HTML != "<p>Dying?</p>" || o.Replies != 1 {
			t.Errorf("Wigan reads %q with %d replies, want what it says now, with one", o.HTML, o.Replies)
		}
		if o := wigan.object(removed.URI); o.Deleted.IsZero() {
			t.Error("Wigan still has what was removed")
		}
		if o := wigan.object(brief.URI); o != nil {
			t.Errorf("Wigan has %+v, which had gone before it was fetched", o)
		}

		n.forget()
		time.Sleep(time.Hour)
		if got := n.requests("harlow.example"); len(got) != 2 { // by Wigan and by Leeds
			t.Errorf("an hour in which nothing happened took %q", got)
		}
	})
}

// Somebody who comes back to a community finds what was said meanwhile, though
// nobody at their council was in it.
func TestWhoComesBackFindsWhatWasSaidMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, "harlow.example", "wigan.example")
		harlow, wigan := n.towns["harlow.example"], n.towns["wigan.example"]
		joan, rosa := harlow.person("joan"), wigan.person("rosa")
		trees := harlow.community(joan, "trees", copse.JoinOpen, copse.Public)
		there := wigan.find(trees.URI)
		wigan.join(rosa, there)
		before := harlow.post(joan, &trees.Actor, "Ash", "<p>Sick?")
		n.settle(t)
		if err := wigan.hub.Leave(t.Context(), rosa, there); err != nil {
			t.Fatal(err)
		}
		n.settle(t)
		meanwhile := harlow.post(joan, &trees.Actor, "Elm", "<p>Gone?")
		if err := harlow.hub.Remove(t.Context(), joan, before, ""); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * time.Hour)
		n.forget()
		time.Sleep(time.Hour)
		if got := n.requests("harlow.example"); len(got) != 0 {
			t.Errorf("nobody at Wigan is in it, and it asks %q", got)
		}
		wigan.join(rosa, there)
		time.Sleep(2 * time.Minute)
		n.settle(t)
		if wigan.object(meanwhile.URI) == nil || wigan.object(before.URI).Deleted.IsZero() {
			t.Error("Wigan has not got what was said and removed while nobody there was a member")
		}
	})
}

// Who has members in a community may read its log, and nobody else.
func TestTheLogIsForMembersServers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, "harlow.example")
		harlow := n.towns["harlow.example"]
		joan := harlow.person("joan")
		trees := harlow.community(joan, "trees", copse.JoinOpen, copse.Members)
		bob, eve := n.peer(t, "third.example").actor("Person", "/u/bob"), n.peer(t, "evil.example").actor("Person", "/u/eve")
		bob.member(harlow, trees)
		harlow.post(joan, &trees.Actor, "Ash", "<p>Sick?")
		for path, want := range map[string]int{
			"/c/trees/log": http.StatusOK, "/c/trees/log?after=0": http.StatusOK, "/c/trees/log?after=9007199254740991": http.StatusOK,
			"/c/trees/log?after=x": http.StatusBadRequest, "/c/elms/log": http.StatusNotFound,
		} {
			if got := bob.get(harlow, path).Code; got != want {
				t.Errorf("GET %s by a member's server is answered %d, want %d", path, got, want)
			}
			for _, stranger := range []*voice{eve, nil} {
				if got := harlow.ask(stranger, http.MethodGet, path, ap.ActivityJSON).Code; got != http.StatusNotFound {
					t.Errorf("GET %s by a stranger is answered %d", path, got)
				}
			}
		}
		page, err := ap.Parse(bob.get(harlow, "/c/trees/log?after=0").Body.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		if items := page.OrderedItems; len(items) == 0 || !strings.Contains(items[0].ID, "/activities/announce/") {
			t.Errorf("the log reads %+v", items)
		}
	})
}

// One announcement that its home cannot show holds up nothing that comes after it,
// and is there once the home can.
func TestAGapInTheLogHoldsUpNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, "harlow.example", "wigan.example")
		harlow, wigan := n.towns["harlow.example"], n.towns["wigan.example"]
		joan, rosa := harlow.person("joan"), wigan.person("rosa")
		trees := harlow.community(joan, "trees", copse.JoinOpen, copse.Public)
		wigan.join(rosa, wigan.find(trees.URI))
		n.settle(t)

		n.loses("wigan.example")
		first := harlow.post(joan, &trees.Actor, "Ash", "<p>Sick?")
		second := harlow.post(joan, &trees.Actor, "Elm", "<p>Gone?")
		n.settle(t)
		n.answer("wigan.example", nil)
		var announced string
		err := harlow.db.View(t.Context(), func(tx *store.Tx) error {
			sent, err := tx.Announced(copse.Viewer{}, trees.ID, 2)
			if err == nil {
				announced = sent[1].URI // the newest comes first
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		n.answer("harlow.example", func(r *http.Request) (*http.Response, error) {
			if "https://harlow.example"+r.URL.Path != announced {
				return nil, nil
			}
			return &http.Response{StatusCode: http.StatusInternalServerError, Body: http.NoBody, Request: r}, nil
		})
		time.Sleep(2 * time.Hour)
		n.settle(t)
		if wigan.object(second.URI) == nil || wigan.object(first.URI) != nil {
			t.Errorf("Wigan has %+v, which cannot be had, and %+v", wigan.object(first.URI), wigan.object(second.URI))
		}
		n.answer("harlow.example", nil)
		time.Sleep(11 * time.Minute)
		n.settle(t)
		if wigan.object(first.URI) == nil {
			t.Error("what could not be had is not looked for again")
		}
	})
}

// A log leads nowhere but to announcements by its community, and reading it comes
// to an end.
func TestALogIsReadWithCare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		page := func(after int, next string, items ...any) obj {
			return obj{
				"id": fmt.Sprintf("%s/log?after=%d", s.trees.uri, after), "type": "OrderedCollectionPage",
				"partOf": s.trees.uri + "/log", "orderedItems": items, "next": next,
			}
		}
		// Trees has no log while Ann joins it, Elms has.
		elms := s.home.actor("Group", "/c/elms")
		elms.doc["copse:log"] = s.trees.uri + "/log"
		s.home.serve(elms.doc)
		s.home.serve(obj{"id": s.trees.uri + "/log", "type": "OrderedCollection", "first": s.trees.uri + "/log?after=1"})
		s.joins(elms)

		note := func(by *voice, name string) obj {
			return obj{
				"id": by.uri + "/" + name, "type": "Page", "attributedTo": by.uri, "name": name, "content": "<p>" + name,
				"to": []string{elms.uri, ap.Public}, "audience": elms.uri,
			}
		}
		kept := note(s.mod, "kept")
		good := elms.announces(s.mod.act("Create", "kept", kept))
		s.home.serve(kept)
		s.home.serve(good)
		stray := note(s.eve, "stray")
		s.evil.serve(s.weeds.announces(s.eve.act("Create", "stray", stray)))
		other := s.trees.announces(s.mod.act("Create", "other", note(s.mod, "other")))
		s.home.serve(other)
		bare := note(s.mod, "bare")
		s.home.serve(bare)
		s.home.serve(page(1, s.trees.uri+"/log?after=2",
			s.weeds.announces(s.eve.act("Create", "stray", stray))["id"], other["id"], bare["id"], good["id"], s.home.host, nil, 7))
		s.home.serve(page(2, "https://evil.example/c/weeds/log?after=3", bare["id"]))
		s.n.forget()
		time.Sleep(time.Hour + 2*time.Minute)
		synctest.Wait()
		if s.leeds.object(kept["id"].(string)) == nil {
			t.Error("what was missing has not been fetched")
		}
		for _, uri := range []any{stray["id"], note(s.mod, "other")["id"], bare["id"]} {
			if o := s.leeds.object(uri.(string)); o != nil {
				t.Errorf("the log made Leeds believe %s", uri)
			}
		}
		for _, got := range s.n.requests("evil.example") {
			if got != "GET "+s.weeds.uri && got != "GET "+s.weeds.uri+"/featured" { // whether it has a log of its own
				t.Errorf("the log made Leeds ask %q", got)
			}
		}

		// One that never ends is left after a while, and gone on with later.
		s.n.answer("home.example", func(r *http.Request) (*http.Response, error) {
			if !strings.HasSuffix(r.URL.Path, "/log") {
				return nil, nil
			}
			var after int
			fmt.Sscanf(r.URL.RawQuery, "after=%d", &after)
			body := page(after, fmt.Sprintf("%s/log?after=%d", s.trees.uri, after+1), s.trees.uri+"/announce/gone").json()
			return &http.Response{
				StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {ap.ActivityJSON}},
				Body: io.NopCloser(bytes.NewReader(body)), Request: r,
			}, nil
		})
		s.n.forget()
		time.Sleep(11 * time.Minute)
		got := s.n.requests("home.example")
		logs := slices.DeleteFunc(slices.Clone(got), func(line string) bool { return !strings.Contains(line, "/log?") })
		if len(got) > 12*500 || len(logs) < 100 {
			t.Errorf("a log without an end took %d requests, %d of them for the log", len(got), len(logs))
		}
	})
}
