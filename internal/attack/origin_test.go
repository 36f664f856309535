package attack

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Who may say what of whom (AS-033 to AS-070).
func origin(t *testing.T, s *site) {
	const accepted, forbidden, missing = http.StatusAccepted, http.StatusForbidden, http.StatusNotFound
	now := func() string { return time.Now().UTC().Format(time.RFC3339) }
	post := func(v *voice, name, community string) string {
		t.Helper()
		page := v.page(name, community, "By "+v.host+" "+name)
		v.serve(page)
		s.send(v.say(v.act("Create", name, page)))
		s.settle()
		if s.object(page["id"].(string)) == nil {
			t.Fatalf("%v did not arrive", page["id"])
		}
		return page["id"].(string)
	}
	elm := post(s.alice, "elm", pub)
	oak := s.ann.starts(pub, "Oak", "Where?")
	secret := s.ann.starts(priv, "Secret", "words")
	s.send(s.alice.say(s.alice.act("Like", "oak", oak)))
	s.settle()

	// What is fetched is what it says it is, or nothing.
	fetched := func(name string, doc obj, contentType string) {
		t.Helper()
		path := "/fetched/" + slug(name)
		s.good.serveAt(path, contentType, doc)
		s.harmless(t, name, s.good, s.alice.say(s.alice.act("Create", slug(name), "https://good.test"+path)), accepted, limit{asks: 2})
	}
	page := func(name string) obj {
		return s.alice.page("fetched", pub, "Fetched").with(obj{"id": "https://good.test/fetched/" + slug(name)})
	}
	for name, id := range map[string]any{"no id": nil, "two ids": []string{"https://good.test/fetched/as-034-two-ids"}, "an empty id": ""} {
		fetched("AS-034 "+name, page("x").with(obj{"id": id}), activityJSON)
	}
	s.good.answer("/fetched/null", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", activityJSON)
		w.Write([]byte(strings.Replace(string(page("x").with(obj{"id": "ID"}).json()), `"ID"`, "null", 1))) // whoever asks may go away
	})
	s.harmless(t, "AS-034 null for an id", s.good, s.alice.say(s.alice.act("Create", "034-null", "https://good.test/fetched/null")), accepted, limit{asks: 2})
	for _, contentType := range []string{"text/html", "application/json", "application/octet-stream", "", "application/ld+json", `application/ld+json; profile="https://example.org/"`, "application/activity+jsonx", "text/plain; x=application/activity+json"} {
		name := "AS-035 served as " + contentType
		fetched(name, page(name), contentType)
	}
	for _, contentType := range []string{"APPLICATION/ACTIVITY+JSON", "application/activity+json; charset=utf-8", `application/ld+json;profile="https://www.w3.org/ns/activitystreams"`} {
		t.Run("AS-035 taken as "+contentType, func(t *testing.T) {
			doc := page(t.Name())
			s.good.serveAt(strings.TrimPrefix(doc["id"].(string), "https://good.test"), contentType, doc)
			s.send(s.alice.say(s.alice.act("Create", slug(t.Name()), doc["id"])))
			s.settle()
			if s.object(doc["id"].(string)) == nil {
				t.Error("it is not here")
			}
		})
	}

	t.Run("AS-037 a name that leads to another server", func(t *testing.T) {
		s.good.serveAt("/.well-known/webfinger?resource=acct%3Awilma%40good.test", "application/jrd+json", obj{
			"subject": "acct:wilma@good.test", "links": []obj{{"rel": "self", "type": activityJSON, "href": "https://evil.test/u/wilma"}},
		})
		s.evil.serveAt("/u/wilma", activityJSON, s.alice.doc.with(obj{"name": "Forged", "publicKey": s.eve.doc["publicKey"]}))
		s.unmoved(t, limit{asks: 3}, func() {
			if got := s.ann.post("/communities/find", "address", "@wilma@good.test"); got.status < 400 {
				t.Errorf("answered %d", got.status)
			}
		})
		if a := s.actor(s.alice.uri); a["title"] == "Forged" {
			t.Error("Alice is what evil.test says of her")
		}
	})

	slow := s.good.actor("Group", "/c/slow", 3)
	s.good.serve(slow.doc.with(obj{"manuallyApprovesFollowers": true}))
	waiting := s.asks(slow) // nobody answers it
	other := s.good.actor("Group", "/c/other", 3)
	forged := func(v *voice, name, community string) obj { return v.page("forged-"+name, community, "Forged") }
	s.third.serve(s.dora.page("birch", pub, "Birch"))
	weedy := s.dora.page("weedy", s.weeds.uri, "Weedy")
	s.third.serve(weedy)
	if s.mode == "open" {
		s.send(s.weeds.say(s.weeds.announces(s.dora.act("Create", "weedy", weedy))))
		s.quiet(s.w.mark())
		if s.object(weedy["id"].(string)) == nil {
			t.Fatal("what Dora said in the community at evil.test did not arrive")
		}
	}
	locked, gone := s.ann.starts(pub, "Locked", "words"), s.ann.starts(pub, "Gone", "words")
	at := func(uri string) string { return strings.TrimPrefix(uri, base) }
	s.olga.post(at(locked)+"/close", "reason", "enough")
	s.ann.post(at(gone) + "/delete")
	if s.object(gone)["deleted"] == "null" || s.row("locks", "object", s.object(locked)["id"]) == nil {
		t.Fatal("one conversation should be closed by now, and one deleted")
	}
	s.quiet(s.w.mark())

	pages := func(v *voice, typ, name string, o obj) *letter { return v.say(v.act(typ, name, o)) }
	for _, c := range []struct {
		name string
		from *voice
		l    *letter
		want int
		most limit
	}{
		{"AS-038 made by somebody else", s.eve, pages(s.eve, "Create", "038", forged(s.eve, "038", pub).with(obj{"attributedTo": s.alice.uri})), forbidden, limit{}},
		{"AS-038 made by a colleague", s.bob, pages(s.bob, "Create", "038", forged(s.bob, "038", pub).with(obj{"attributedTo": s.alice.uri})), forbidden, limit{}},
		{"AS-040 a copy of what lives elsewhere", s.alice, pages(s.alice, "Create", "040", forged(s.alice, "040", pub).with(obj{"id": s.dora.uri + "/page/birch"})), accepted, limit{asks: 1}},
		{"AS-040 a copy of what is not there", s.alice, pages(s.alice, "Create", "040-2", forged(s.alice, "040", pub).with(obj{"id": s.dora.uri + "/page/none"})), accepted, limit{asks: 1}},
		{"AS-041 a colleague's words", s.bob, pages(s.bob, "Update", "041", s.alice.page("elm", pub, "Forged").with(obj{"updated": now()})), forbidden, limit{}},
		{"AS-041 a colleague's words, as one's own", s.bob, pages(s.bob, "Update", "041-2", forged(s.bob, "041", pub).with(obj{"id": elm, "updated": now()})), forbidden, limit{}},
		{"AS-043 a colleague's key", s.bob, pages(s.bob, "Update", "043", s.alice.doc.with(obj{"publicKey": obj{"id": s.alice.keyID, "owner": s.alice.uri, "publicKeyPem": publicPEM(s.bob.key.Public())}})), accepted, limit{asks: 3}},
		{"AS-044 a colleague's mark, by its id", s.bob, s.bob.say(s.bob.act("Undo", "044", s.alice.uri+"/like/oak")), forbidden, limit{}},
		{"AS-044 a colleague's mark, whole", s.bob, s.bob.say(s.bob.act("Undo", "044-2", s.alice.act("Like", "oak", oak))), forbidden, limit{}},
		{"AS-044 a colleague's mark, as one's own", s.bob, s.bob.say(s.bob.act("Undo", "044-3", s.alice.act("Like", "oak", oak).with(obj{"actor": s.bob.uri}))), accepted, limit{noted: true}},
		{"AS-046 let in by somebody else", s.eve, s.eve.say(s.eve.act("Accept", "046", waiting)), accepted, limit{}},
		{"AS-046 turned away by somebody else", s.eve, s.eve.say(s.eve.act("Reject", "046", waiting)), accepted, limit{}},
		{"AS-046 let in by a person at the right server", s.alice, s.alice.say(s.alice.act("Accept", "046", waiting)), accepted, limit{}},
		{"AS-046 let in by its id, by another community", s.gardens, s.gardens.say(s.gardens.act("Accept", "046", waiting["id"])), forbidden, limit{}},
		{"AS-046 an answer to what was never asked", s.gardens, s.gardens.say(s.gardens.act("Accept", "046-2", base+"/activities/follow/none")), accepted, limit{}},
		{"AS-046 another question than its id says", s.gardens, s.gardens.say(s.gardens.act("Accept", "046-3", waiting).with(obj{"object": obj{"id": waiting["id"], "type": "Follow", "actor": base + "/u/omar", "object": s.gardens.uri}})), http.StatusBadRequest, limit{}},
		{"AS-047 said where nobody here has asked", other, other.say(other.announces(s.alice.act("Create", "047-2", s.alice.page("047-2", other.uri, "Unasked")))), accepted, limit{asks: 2}},
		{"AS-049 announced: a change of another's words", s.weeds, s.weeds.say(s.weeds.announces(s.dora.act("Update", "049", weedy.with(obj{"name": "Forged", "updated": now()})))), accepted, limit{asks: 1}},
		{"AS-049 announced: another's words deleted", s.weeds, s.weeds.say(s.weeds.announces(s.dora.act("Delete", "049", weedy["id"]))), accepted, limit{asks: 1}},
		{"AS-049 announced: a mark in a community of ours", s.weeds, s.weeds.say(s.weeds.announces(s.dora.act("Like", "049", oak))), forbidden, limit{}},
		{"AS-049 announced: a mark in it taken back", s.weeds, s.weeds.say(s.weeds.announces(s.alice.act("Undo", "049", s.alice.act("Like", "oak", oak)))), forbidden, limit{}},
		{"AS-049 announced: a facilitator of ours", s.weeds, s.weeds.say(s.weeds.announces(s.alice.act("Add", "049", s.eve.uri).with(obj{"target": pub + "/moderators"}))), accepted, limit{}},
		{"AS-049 announced: the end of ours' membership", s.weeds, s.weeds.say(s.weeds.announces(s.alice.act("Undo", "049-2", s.alice.act("Follow", "join-pub", pub)))), accepted, limit{}},
		{"AS-050 announced by a person", s.eve, s.eve.say(s.eve.announces(s.eve.act("Create", "050", forged(s.eve, "050", pub))).with(obj{"audience": pub})), accepted, limit{}},
		{"AS-050 announced by a person: its id", s.eve, s.eve.say(s.eve.announces(oak).with(obj{"audience": pub})), accepted, limit{}},
		{"AS-052 removed by somebody who is in nothing", s.carol, s.carol.say(s.carol.act("Delete", "052", elm).with(obj{"summary": "spam"})), forbidden, limit{}},
		{"AS-052 removed by an ordinary member", s.bob, s.bob.say(s.bob.act("Delete", "052", oak).with(obj{"summary": "spam"})), forbidden, limit{}},
		{"AS-052 a Remove by somebody who is in nothing", s.carol, s.carol.say(s.carol.act("Remove", "052", oak).with(obj{"target": pub + "/featured"})), forbidden, limit{}},
		{"AS-052 pinned by an ordinary member", s.bob, s.bob.say(s.bob.act("Add", "052", oak).with(obj{"target": pub + "/featured"})), forbidden, limit{}},
		{"AS-052 blocked by somebody who is in nothing", s.carol, s.carol.say(s.carol.act("Block", "052", s.alice.uri).with(obj{"target": pub})), forbidden, limit{}},
		{"AS-052 blocked by an ordinary member", s.bob, s.bob.say(s.bob.act("Block", "052", s.alice.uri).with(obj{"target": pub, "removeData": true})), forbidden, limit{}},
		{"AS-052 locked by somebody who is in nothing", s.carol, s.carol.say(s.carol.act("Lock", "052", oak)), forbidden, limit{}},
		{"AS-052 locked by its author, an ordinary member", s.alice, s.alice.say(s.alice.act("Lock", "052", elm)), forbidden, limit{}},
		{"AS-052 a facilitator appointed by an ordinary member", s.bob, s.bob.say(s.bob.act("Add", "052-2", s.bob.uri).with(obj{"target": pub + "/moderators"})), forbidden, limit{}},
		{"AS-052 removed by a community elsewhere", s.weeds, s.weeds.say(s.weeds.announces(s.eve.act("Delete", "052", oak).with(obj{"summary": "spam"}))), forbidden, limit{}},
		{"AS-052 removed from a blocked server", s.mallory, s.mallory.say(s.mallory.act("Delete", "052", oak).with(obj{"summary": "spam"})), forbidden, limit{}},
		{"AS-053 announced for others", s.eve, s.eve.say(s.eve.announces(secret).with(obj{"to": []string{s.eve.uri + "/followers"}})), accepted, limit{}},
		{"AS-053 made again for others", s.eve, pages(s.eve, "Create", "053", forged(s.eve, "053", pub).with(obj{"id": secret, "to": []string{s.eve.uri + "/followers"}})), accepted, limit{}},
		{"AS-053 changed for others", s.eve, pages(s.eve, "Update", "053", forged(s.eve, "053", pub).with(obj{"id": secret, "to": []string{public}, "updated": now()})), accepted, limit{}},
		{"AS-055 made under an address of ours", s.alice, pages(s.alice, "Create", "055", forged(s.alice, "055", pub).with(obj{"id": base + "/post/1"})), accepted, limit{}},
		{"AS-055 made where something of ours is", s.alice, pages(s.alice, "Create", "055-2", forged(s.alice, "055", pub).with(obj{"id": oak})), accepted, limit{}},
		{"AS-055 something of ours changed", s.alice, pages(s.alice, "Update", "055", forged(s.alice, "055", pub).with(obj{"id": oak, "updated": now()})), accepted, limit{}},
		{"AS-055 something of ours changed, in its author's name", s.alice, pages(s.alice, "Update", "055-2", forged(s.alice, "055", pub).with(obj{"id": oak, "attributedTo": base + "/u/ann", "updated": now()})), accepted, limit{}},
		{"AS-058 an answer where there are to be no more", s.alice, pages(s.alice, "Create", "058", s.alice.note("058", pub, locked, "Still")), forbidden, limit{}},
		{"AS-058 an answer to what is deleted", s.alice, pages(s.alice, "Create", "058-2", s.alice.note("058-2", pub, gone, "Still")), forbidden, limit{}},
		{"AS-059 a person has moved to who does not say so", s.alice, s.alice.say(s.alice.act("Move", "059", s.alice.uri).with(obj{"target": s.eve.uri})), accepted, limit{asks: 1}},
		{"AS-059 somebody else has moved", s.alice, s.alice.say(s.alice.act("Move", "059-2", s.bob.uri).with(obj{"target": s.alice.uri})), accepted, limit{}},
		{"AS-059 a community has moved to one that does not say so", s.gardens, s.gardens.say(s.gardens.act("Move", "059", s.gardens.uri).with(obj{"target": s.weeds.uri})), accepted, limit{asks: 1}},
		{"AS-070 a report of what is not ours", s.alice, s.alice.say(s.alice.act("Flag", "070", []string{s.gardens.uri, s.dora.uri + "/page/birch"}).with(obj{"content": "<script>alert(1)</script>"})), accepted, limit{}},
		{"AS-070 a report from a blocked server", s.mallory, s.mallory.say(s.mallory.act("Flag", "070", []string{oak})), forbidden, limit{}},
	} {
		s.harmless(t, c.name, c.from.peer, c.l, c.want, c.most)
	}
	forger := *s.alice
	forger.key = s.bob.key
	s.harmless(t, "AS-043 then signed with it", s.good, forger.say(forger.nothing("043")), http.StatusUnauthorized, limit{})
	if m := s.membership(slow.uri, base+"/u/ann"); m["state"] != "pending" {
		t.Errorf("AS-046, AS-047: Ann, whom nobody has let in, is %q", m["state"])
	}
	t.Run("AS-047 said where nobody here has been let in", func(t *testing.T) {
		// A home that says something before it has answered may mean to let her in.
		page := s.alice.page("047", slow.uri, "Unasked").with(obj{"to": []string{slow.uri, slow.uri + "/followers"}})
		s.send(slow.say(slow.announces(s.alice.act("Create", "047", page))))
		s.settle()
		for _, path := range []string{"/c/slow@good.test", "/c/slow@good.test/forum", "/", "/communities"} {
			if got := s.ann.get(path); strings.Contains(got.body, "Unasked") {
				t.Errorf("%s shows it", path)
			}
		}
		if o := s.object(page["id"].(string)); o != nil && s.ann.get("/post/"+o["id"]).status != missing {
			t.Error("it can be read")
		}
		if m := s.membership(slow.uri, base+"/u/ann"); m["state"] != "pending" {
			t.Errorf("Ann is %q", m["state"])
		}
	})
	s.harmless(t, "AS-053 asked for", s.evil, s.eve.ask(at(secret)), missing, limit{})

	t.Run("AS-052 by somebody who was a facilitator until now", func(t *testing.T) {
		for _, d := range s.peek.Rows("actors") {
			if d.Values["uri"] == s.alice.uri {
				s.olga.post("/c/pub/members/" + d.Values["id"] + "/facilitator")
			}
		}
		m := s.membership(pub, s.alice.uri)
		if m["role"] == "1" {
			t.Fatal("Alice is no facilitator")
		}
		lock := s.alice.act("Lock", "ex", oak)
		s.send(s.alice.say(lock))
		s.send(s.alice.say(s.alice.act("Undo", "ex", lock)))
		s.olga.post("/c/pub/members/" + s.actor(s.alice.uri)["id"] + "/ordinary")
		s.quiet(s.w.mark())
		for _, act := range []obj{
			s.alice.act("Lock", "ex-2", oak), s.alice.act("Delete", "ex-2", oak).with(obj{"summary": "spam"}),
			s.alice.act("Block", "ex-2", s.bob.uri).with(obj{"target": pub}), s.alice.act("Add", "ex-2", oak).with(obj{"target": pub + "/featured"}),
		} {
			s.harmless(t, fmt.Sprint(act["type"]), s.good, s.alice.say(act), forbidden, limit{})
		}
	})

	// However a server is written that is blocked, and what only looks like it.
	for _, host := range []string{"BAD.TEST", "bad.test.", "bad.test:443", "BaD.test.:443", "ｂａｄ.test", "bad。test", "sub.bad.test", "a.b.bad.test", "sub.bad.test:8443"} {
		name := "AS-061 "
		if strings.HasPrefix(host, "sub") || strings.HasPrefix(host, "a.") {
			name = "AS-062 "
		}
		uri := "https://" + host + "/u/mallory"
		v := s.mallory.as(uri + "#main-key")
		v.uri = uri
		// A key's id is ASCII, or it is none.
		s.harmless(t, name+host, nil, v.say(v.act("Follow", "061", pub)), forbidden, limit{more: http.StatusUnauthorized})
	}
	for _, host := range []string{"xn--bad.test", "xn--bad-.test", "bad%2etest", "bad%E3%80%82test"} {
		uri := "https://" + host + "/u/mallory"
		v := s.mallory.as(uri + "#main-key")
		v.uri = uri
		s.harmless(t, "AS-061 "+host, nil, v.say(v.act("Follow", "061", pub)), http.StatusUnauthorized, limit{more: forbidden})
	}
	like := s.w.peer("notbad.test", "9.2.0.2", false)
	s.harmless(t, "AS-062 notbad.test", like, s.mallory.as("https://notbad.test/u/x").say(obj{"id": "https://notbad.test/1", "type": "Like", "actor": "https://notbad.test/u/x", "object": oak}), accepted, limit{asks: 1})

	t.Run("AS-064 made after it was deleted", func(t *testing.T) {
		page := s.alice.page("064", pub, "Late")
		s.send(s.alice.say(s.alice.act("Delete", "064", page["id"])))
		s.settle()
		late := func() {
			t.Helper()
			s.send(s.alice.say(s.alice.act("Create", fmt.Sprint("064-", time.Now().UnixNano()), page)))
			s.settle()
			if o := s.object(page["id"].(string)); o != nil && o["deleted"] == "null" {
				t.Errorf("it is here: %v", o)
			}
			if got := s.ann.get("/c/pub/forum"); strings.Contains(got.body, ">Late<") {
				t.Error("it is shown")
			}
		}
		late()
		s.stop()
		s.start()
		late()
	})
	t.Run("AS-064 a mark after it was taken back", func(t *testing.T) {
		mark := s.bob.act("Like", "064", oak)
		likes := s.object(oak)["likes"]
		s.send(s.bob.say(s.bob.act("Undo", "064", mark)))
		s.send(s.bob.say(mark))
		s.settle()
		if got := s.object(oak)["likes"]; got != likes {
			t.Errorf("there are %s, and were %s", got, likes)
		}
	})

	t.Run("AS-065 which words are the last", func(t *testing.T) {
		uri := post(s.alice, "065", pub)
		update := func(name, text string, when time.Time) string {
			t.Helper()
			page := s.alice.page("065", pub, text).with(obj{"updated": when.UTC().Format(time.RFC3339)})
			if got := s.send(s.alice.say(s.alice.act("Update", "065-"+name, page))); got.status != accepted {
				t.Errorf("%s is answered %d %s", name, got.status, got.body)
			}
			s.settle()
			return s.object(uri)["title"]
		}
		second := time.Now().Truncate(time.Second)
		if got := update("new", "New", second); got != "New" {
			t.Errorf("newer words are not taken: %q", got)
		}
		if got := update("old", "Old", second.Add(-time.Hour)); got != "New" {
			t.Errorf("older words are taken: %q", got)
		}
		first := update("same", "Equal", second)
		if got := update("same-2", map[string]string{"New": "Equal", "Equal": "New"}[first], second); got != first && got == "" {
			t.Errorf("of two at once first %q counts and then %q", first, got)
		}
		if got := update("future", "Future", time.Now().AddDate(10, 0, 0)); got != "Future" {
			t.Errorf("words from the future are not taken: %q", got)
		}
		var edited int64
		if fmt.Sscan(s.object(uri)["edited"], &edited); time.UnixMicro(edited).After(time.Now()) {
			t.Errorf("they were edited at %v, want now", time.UnixMicro(edited))
		}
		if got := update("after", "After", time.Now().Add(2*time.Second)); got != "After" {
			t.Errorf("after words from the future nothing is taken: %q", got)
		}
	})
}
