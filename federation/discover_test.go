package federation_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"copse/copse"
	"copse/federation/ap"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing")

// golden compares text with a file in testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s is now\n%s\nand was\n%s", file, got, want)
	}
}

var publicKey = regexp.MustCompile(`-----BEGIN PUBLIC KEY-----[^-]*-----END PUBLIC KEY-----|z6Mk[1-9A-HJ-NP-Za-km-z]+`)

// contextOf finds what ap proves already, in every document again.
var contextOf = regexp.MustCompile(`(?s)\t"@context": \[.*?\n\t\],\n`)

// masked is a document as people read it, without what differs each time.
func masked(t *testing.T, doc []byte) string {
	t.Helper()
	var b bytes.Buffer
	if err := json.Indent(&b, doc, "", "\t"); err != nil {
		t.Fatalf("%v in %s", err, doc)
	}
	return contextOf.ReplaceAllString(publicKey.ReplaceAllString(b.String(), "KEY"), "") + "\n"
}

// The documents that peers read first are as they were (federation.md 2.2, 2.3,
// 5.2 and 6). Who changes one on purpose runs this with -update.
func TestDocumentsAreAsTheyWere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // so that it is the first day of 2000
		n := newNetwork(t, "harlow.example")
		harlow := n.towns["harlow.example"]
		joan := harlow.person("joan")
		trees := harlow.community(joan, "trees", copse.JoinOpen, copse.Public)
		changed := *trees
		changed.Summary, changed.Source = "<p>Ash and oak</p>", "Ash and oak"
		if err := harlow.hub.Govern(t.Context(), joan, &changed); err != nil {
			t.Fatal(err)
		}
		harlow.community(joan, "closed", copse.JoinApproval, copse.Members)
		for name, path := range map[string]string{
			"server": "/", "person": "/u/joan", "community": "/c/trees", "closed": "/c/closed",
			"followers": "/c/trees/followers", "following": "/u/joan/following", "moderators": "/c/trees/moderators",
			"featured": "/c/trees/featured", "outbox-of-a-person": "/u/joan/outbox", "outbox-of-the-server": "/outbox",
			"nodeinfo": "/.well-known/nodeinfo", "nodeinfo-2.0": "/nodeinfo/2.0", "nodeinfo-2.1": "/nodeinfo/2.1",
			"webfinger-of-a-community": "/.well-known/webfinger?resource=acct:trees@harlow.example",
			"webfinger-of-the-server":  "/.well-known/webfinger?resource=https://harlow.example/",
		} {
			rec := harlow.get(path)
			if rec.Code != 200 {
				t.Errorf("%s is answered %d %s", path, rec.Code, rec.Body)
				continue
			}
			golden(t, name, "Content-Type: "+rec.Header().Get("Content-Type")+"\n"+masked(t, rec.Body.Bytes()))
		}
	})
}

// However somebody is written, WebFinger finds them, and nobody else.
func TestEverybodyHereIsFoundByAnyOfTheirNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, "harlow.example")
		harlow := n.towns["harlow.example"]
		joan := harlow.person("joan")
		trees := harlow.community(joan, "trees", copse.JoinOpen, copse.Public)
		bob := n.peer(t, "good.example").actor("Person", "/u/bob")
		bob.member(harlow, trees)
		n.forget()
		for _, c := range []struct {
			resource string
			code     int
			self     string
		}{
			{"acct:trees@harlow.example", 200, trees.URI},
			{"acct:joan@harlow.example", 200, joan.URI},
			{"acct:!trees@harlow.example", 200, trees.URI},
			{"acct:@joan@harlow.example", 200, joan.URI},
			{"acct:~trees@harlow.example", 200, trees.URI},
			{"trees@harlow.example", 200, trees.URI},
			{"acct:TREES@Harlow.EXAMPLE", 200, trees.URI},
			{"https://harlow.example/c/trees", 200, trees.URI},
			{"https://HARLOW.example/c/trees", 200, trees.URI},
			{"https://harlow.example/u/joan", 200, joan.URI},
			{"https://harlow.example/", 200, "https://harlow.example/"},
			{"https://harlow.example", 200, "https://harlow.example/"},
			{"acct:harlow.example@harlow.example", 200, "https://harlow.example/"},
			{"acct:nobody@harlow.example", 404, ""},
			{"acct:joan@other.example", 404, ""},
			{"acct:joan", 404, ""},
			{"https://harlow.example/u/trees", 404, ""},
			{"https://other.example/", 404, ""},
			{bob.uri, 404, ""}, // known, but somebody else answers for him
			{"https://%zz/", 400, ""},
			{"", 400, ""},
		} {
			for _, method := range []string{http.MethodGet, http.MethodHead} {
				rec := harlow.ask(nil, method, "/.well-known/webfinger?resource="+strings.ReplaceAll(c.resource, "%", "%25"), "*/*")
				var jrd struct {
					Subject string
					Links   []struct{ Rel, Type, Href string }
				}
				if rec.Code != c.code {
					t.Errorf("%s %q is answered %d %s, want %d", method, c.resource, rec.Code, rec.Body, c.code)
				}
				if rec.Header().Get("Access-Control-Allow-Origin") != "*" {
					t.Errorf("scripts may not read the answer about %q", c.resource)
				}
				if c.code != 200 || method == http.MethodHead {
					continue
				}
				if err := json.Unmarshal(rec.Body.Bytes(), &jrd); err != nil {
					t.Fatal(err)
				}
				found := ""
				for _, l := range slices.Backward(jrd.Links) { // Lemmy takes the last that may lead to an actor
					if strings.HasPrefix(l.Type, "application/") {
						found = l.Href
						break
					}
				}
				if found != c.self || jrd.Subject != strings.ToLower(jrd.Subject) {
					t.Errorf("%q is %s, called %s; want %s", c.resource, found, jrd.Subject, c.self)
				}
			}
		}
		if len(n.asked()) > 0 {
			t.Errorf("others were asked: %q", n.asked())
		}

		var xrd struct {
			Link struct {
				Rel      string `xml:"rel,attr"`
				Template string `xml:"template,attr"`
			}
		}
		rec := harlow.get("/.well-known/host-meta")
		if err := xml.Unmarshal(rec.Body.Bytes(), &xrd); err != nil {
			t.Fatal(err)
		}
		if xrd.Link.Rel != "lrdd" || xrd.Link.Template != "https://harlow.example/.well-known/webfinger?resource={uri}" {
			t.Errorf("host-meta says %+v", xrd)
		}
	})
}

// NodeInfo has what its schema requires, with values the schema allows.
func TestNodeInfoIsComplete(t *testing.T) {
	n := newNetwork(t, "harlow.example")
	for _, version := range []string{"2.0", "2.1"} {
		rec := n.towns["harlow.example"].ask(nil, http.MethodGet, "/nodeinfo/"+version, "application/json")
		var info map[string]json.RawMessage
		if err := json.Unmarshal(rec.Body.Bytes(), &info); err != nil {
			t.Fatal(err)
		}
		for member, want := range map[string]string{
			"version":           `^"` + version + `"$`,
			"software":          `^\{"name":"[a-z0-9-]+","version":".*"\}$`,
			"protocols":         `^\["activitypub"\]$`,
			"services":          `^\{"inbound":\[\],"outbound":\[\]\}$`,
			"openRegistrations": `^(true|false)$`,
			"usage":             `^\{.*"users":\{`,
			"metadata":          `^\{`,
		} {
			if !regexp.MustCompile(want).Match(info[member]) {
				t.Errorf("%s: %s is %s", version, member, info[member])
			}
		}
	}
	if rec := n.towns["harlow.example"].get("/nodeinfo/3.0"); rec.Code != 404 {
		t.Errorf("a version that there is not is answered %d", rec.Code)
	}
}

// Who asks for a document gets it, who asks for a page gets that, and neither is
// kept and shown to the other.
func TestPagesAndDocumentsShareAnAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, "harlow.example")
		harlow := n.towns["harlow.example"]
		joan := harlow.person("joan")
		trees := harlow.community(joan, "trees", copse.JoinOpen, copse.Public)
		topic := harlow.post(joan, &trees.Actor, "Ash", "<p>Sick?")
		pages := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Write([]byte("a page")) })
		handler := harlow.fed.Wanted(pages)
		ask := func(method, path, accept string, headers ...string) *httptest.ResponseRecorder {
			r := httptest.NewRequest(method, "https://harlow.example"+path, nil)
			if accept != "" {
				r.Header.Set("Accept", accept)
			}
			for i := 0; i < len(headers); i += 2 {
				r.Header.Set(headers[i], headers[i+1])
			}
			rec := httptest.NewRecorder()
			handler.ServeHTTP(rec, r)
			return rec
		}
		addresses := []string{"/", "/u/joan", "/c/trees", strings.TrimPrefix(topic.URI, "https://harlow.example")}
		for accept, document := range map[string]bool{
			"application/activity+json": true,
			`application/ld+json; profile="https://www.w3.org/ns/activitystreams"`: true,
			"application/ld+json":                        true,
			"application/json":                           true,
			"Application/Activity+JSON":                  true,
			"application/activity+json, text/html;q=0.1": true,
			`application/xml, application/activity+json`: true,
			"text/html": false,
			"text/html,application/xhtml+xml,application/xml;q=0.9,*/*": false,
			"text/html, application/activity+json":                      false,
			"*/*":                                                       false,
			"":                                                          false,
			"application/xml":                                           false,
		} {
			for _, path := range addresses {
				for _, method := range []string{http.MethodGet, http.MethodHead} {
					rec := ask(method, path, accept)
					if got := rec.Body.String() != "a page"; got != document || rec.Code != 200 {
						t.Errorf("%s %s for %q is answered %d, a document %v; want %v", method, path, accept, rec.Code, got, document)
					}
					if document && rec.Header().Get("Content-Type") != ap.ActivityJSON+"; charset=utf-8" {
						t.Errorf("%s is a %s", path, rec.Header().Get("Content-Type"))
					}
					if rec.Header().Get("Vary") != "Accept" {
						t.Errorf("%s for %q varies by %q", path, accept, rec.Header().Get("Vary"))
					}
				}
			}
		}
		if rec := ask(http.MethodPost, "/c/trees", ap.ActivityJSON); rec.Body.String() != "a page" {
			t.Errorf("a form sent by a script is answered %d %s", rec.Code, rec.Body)
		}
		for _, path := range []string{"/c/joan", "/u/trees", "/u/nobody", "/post/0", "/post/x", "/post/99999999999999999999"} {
			if rec := ask(http.MethodGet, path, ap.ActivityJSON); rec.Code != 404 || rec.Header().Get("Cache-Control") != "private, no-store" {
				t.Errorf("%s is answered %d, kept %q", path, rec.Code, rec.Header().Get("Cache-Control"))
			}
		}

		first := ask(http.MethodGet, "/c/trees", ap.ActivityJSON)
		tag := first.Header().Get("ETag")
		for held, want := range map[string]int{tag: 304, "W/" + tag: 304, `"other", ` + tag: 304, `"other"`: 200, "": 200} {
			rec := ask(http.MethodGet, "/c/trees", ap.ActivityJSON, "If-None-Match", held)
			if rec.Code != want || want == 304 && rec.Body.Len() > 0 {
				t.Errorf("holding %q: answered %d with %d bytes, want %d", held, rec.Code, rec.Body.Len(), want)
			}
		}
		if cache := first.Header().Get("Cache-Control"); tag == "" || !strings.HasPrefix(cache, "public") {
			t.Errorf("what everybody may read is kept %q, as %q", cache, tag)
		}
	})
}

// What was sent can be read again where its id says, as long as it may be.
func TestActivitiesAreReadAtTheirIds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, "harlow.example")
		harlow := n.towns["harlow.example"]
		joan := harlow.person("joan")
		trees := harlow.community(joan, "trees", copse.JoinOpen, copse.Public)
		bob := n.peer(t, "good.example").actor("Person", "/u/bob")
		bob.member(harlow, trees)
		topic := harlow.post(joan, &trees.Actor, "Ash", "<p>Sick?")
		synctest.Wait()
		all := bob.peer.received()
		announce := all[len(all)-1]
		create := announce["object"].(map[string]any)
		for _, id := range []string{announce["id"].(string), create["id"].(string), topic.URI} {
			rec := harlow.get(strings.TrimPrefix(id, "https://harlow.example"))
			doc, err := ap.Parse(rec.Body.Bytes())
			if err != nil || doc.ID != id || doc.Context == nil {
				t.Errorf("%s is answered %d %s (%v)", id, rec.Code, rec.Body, err)
			}
		}
		accept := all[slices.IndexFunc(all, func(o obj) bool { return o["type"] == "Accept" })]
		path := strings.TrimPrefix(accept["id"].(string), "https://harlow.example")
		if harlow.get(path).Code != 404 || bob.get(harlow, path).Code != 200 {
			t.Errorf("%s is answered %d to strangers and %d to whom it was for", path, harlow.get(path).Code, bob.get(harlow, path).Code)
		}
		if err := harlow.hub.Remove(t.Context(), joan, topic, ""); err != nil {
			t.Fatal(err)
		}
		for _, id := range []string{announce["id"].(string), create["id"].(string), topic.URI} {
			rec := harlow.get(strings.TrimPrefix(id, "https://harlow.example"))
			if rec.Code != 410 || strings.Contains(rec.Body.String(), "Sick") || !strings.Contains(rec.Body.String(), "Tombstone") {
				t.Errorf("once it is deleted %s is answered %d %s", id, rec.Code, rec.Body)
			}
		}
	})
}
