package federation_test

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"copse/copse"
	"copse/federation/ap"
	"copse/store"
)

// writes has somebody write to others, as their server knows them.
func (w *town) writes(by *copse.Actor, words string, to ...*copse.Actor) *copse.Message {
	w.t.Helper()
	m := &copse.Message{Source: words, HTML: "<p>" + words + "</p>", To: to}
	if err := w.hub.Write(w.t.Context(), by, m, ""); err != nil {
		w.t.Fatal(err)
	}
	return m
}

// takes has somebody take messages from anybody, or whomever else.
func (w *town) takes(who *copse.Actor, reach copse.Reach) {
	w.t.Helper()
	err := w.db.Update(w.t.Context(), func(tx *store.Tx) error {
		account, err := tx.Account(who.ID)
		if err != nil {
			return err
		}
		account.Reach = reach
		return tx.SetAccount(account)
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// mail is all that somebody reads in their conversations: a line for each, with who is
// in it, and a line for each message, the newest first.
func (w *town) mail(who *copse.Actor) (all []string) {
	w.t.Helper()
	w.view(func(tx *store.Tx) error {
		talks, err := tx.Talks(who.ID, 0, 100)
		for _, talk := range talks {
			if err != nil {
				return err
			}
			with := slices.Clone(talk.Others)
			for _, p := range talk.People {
				with = append(with, p.Handle())
			}
			slices.Sort(with)
			all = append(all, "with "+strings.Join(with, ", "))
			var lines []store.Line
			lines, err = tx.Lines(who.ID, talk.ID, 0, 100)
			for _, l := range lines {
				line := l.By.Name + ": " + l.HTML
				if !l.Edited.IsZero() {
					line += " (edited)"
				}
				if !l.Deleted.IsZero() {
					line = l.By.Name + " deleted it"
				}
				all = append(all, line)
			}
		}
		return err
	})
	return all
}

// Tess writes to Joan at Harlow and Martin at Wigan, who know her from a community.
// They answer, she changes it and takes it back; a council that is in the same
// community and has nobody among them hears nothing.
func TestAPrivateMessageReachesThreeCouncilsAndNoFourth(t *testing.T) {
	n := newNetwork(t, "harlow.example", "stevenage.example", "wigan.example", "outsider.example")
	harlow, stevenage, wigan, outsider := n.towns["harlow.example"], n.towns["stevenage.example"], n.towns["wigan.example"], n.towns["outsider.example"]
	joan, tess, martin, eve := harlow.person("joan"), stevenage.person("tess"), wigan.person("martin"), outsider.person("eve")
	harlow.community(joan, "trees", copse.JoinOpen, copse.Public)
	for w, p := range map[*town]*copse.Actor{stevenage: tess, wigan: martin, outsider: eve} {
		w.join(p, w.find("!trees@harlow.example"))
	}
	n.settle(t)
	stevenage.post(tess, stevenage.find("!trees@harlow.example"), "Ash", "<p>Sick?</p>")
	n.settle(t)

	n.forget()
	first := stevenage.writes(tess, "canary", stevenage.find("joan@harlow.example"), stevenage.find("martin@wigan.example"))
	n.settle(t)
	answer := wigan.writes(martin, "yes", wigan.find("joan@harlow.example"), wigan.find("tess@stevenage.example"))
	n.settle(t)
	for w, c := range map[*town]struct {
		who  *copse.Actor
		with string
	}{
		harlow:    {joan, "with martin@wigan.example, tess@stevenage.example"},
		stevenage: {tess, "with joan@harlow.example, martin@wigan.example"},
		wigan:     {martin, "with joan@harlow.example, tess@stevenage.example"},
	} {
		if got, want := w.mail(c.who), []string{c.with, "martin: <p>yes</p>", "tess: <p>canary</p>"}; !slices.Equal(got, want) {
			t.Errorf("%s reads %q, want %q", c.who.Name, got, want)
		}
	}
	harlow.view(func(tx *store.Tx) error {
		m, err := tx.MessageByURI(answer.URI)
		if err != nil {
			return err
		}
		to, err := tx.MessageByURI(first.URI)
		if m.Parent != to.ID || m.Source != "yes" {
			t.Errorf("at Harlow the answer goes on from %d and was written as %q", m.Parent, m.Source)
		}
		return err
	})

	changed := *first
	changed.Source, changed.HTML = "canary bird", "<p>canary bird</p>"
	if err := stevenage.hub.Rewrite(t.Context(), tess, &changed); err != nil {
		t.Fatal(err)
	}
	n.settle(t)
	if got := harlow.mail(joan); got[2] != "tess: <p>canary bird</p> (edited)" {
		t.Errorf("after the change Joan reads %q", got)
	}
	if err := stevenage.hub.Unsay(t.Context(), tess, &changed); err != nil {
		t.Fatal(err)
	}
	n.settle(t)
	for w, who := range map[*town]*copse.Actor{harlow: joan, wigan: martin} {
		if got := w.mail(who); got[2] != "tess deleted it" {
			t.Errorf("after the deletion %s reads %q", who.Name, got)
		}
	}
	if got := n.requests("outsider.example"); len(got) > 0 {
		t.Errorf("a council with nobody among them was asked or told %q", got)
	}
	if outsider.mail(eve) != nil {
		t.Error("somebody else reads it")
	}
}

// While a council cannot be reached, the writer can be told that it has not got the
// message, and then that it has.
func TestTheWriterLearnsWhoHasNotReceivedIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		bob := s.leeds.actorByURI(s.bob.uri)
		s.n.answer("third.example", refused)
		m := s.leeds.writes(s.ann, "hello", bob)
		synctest.Wait()
		errands := func() (hosts []string) {
			s.leeds.view(func(tx *store.Tx) error {
				all, err := tx.Errands(s.ann.ID, m.Conversation, m.ID)
				for _, e := range all {
					hosts = append(hosts, e.Peer.Host)
				}
				return err
			})
			return hosts
		}
		if got := errands(); !slices.Equal(got, []string{"third.example"}) {
			t.Errorf("%q have not received it", got)
		}
		s.n.answer("third.example", nil)
		time.Sleep(time.Hour)
		synctest.Wait()
		if got := errands(); got != nil {
			t.Errorf("once it answers, %q have not received it", got)
		}
	})
}

var numbers = regexp.MustCompile(`(message/)\d+|[0-9a-f]{8}-[0-9a-f-]{27}`)

// What goes out reads so, for each sort of server.
func TestMessagesAreWrittenForEachSortOfServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, "leeds.example")
		leeds := n.towns["leeds.example"]
		ann := leeds.person("ann")
		for _, c := range []struct{ host, software, version string }{
			{"mastodon.example", "mastodon", "4.4.0"}, {"old.example", "lemmy", "0.19.11"}, {"new.example", "lemmy", "1.0.0"},
		} {
			p := n.peer(t, c.host)
			p.is(c.software)
			about := obj{"software": obj{"name": c.software, "version": c.version}}
			p.serveAt("/nodeinfo/2.1", document{http.StatusOK, "application/json", "", about.json()})
			bob := leeds.find(p.actor("Person", "/u/bob").uri)
			to := []*copse.Actor{bob}
			if c.software == "mastodon" {
				to = append(to, leeds.find(p.actor("Person", "/u/carol").uri))
			}
			m := leeds.writes(ann, "Hello", to...)
			second := leeds.writes(ann, "And *more*", to...)
			second.Source, second.HTML = "More", "<p>More</p>"
			if err := leeds.hub.Rewrite(t.Context(), ann, second); err != nil {
				t.Fatal(err)
			}
			if err := leeds.hub.Unsay(t.Context(), ann, m); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			var all strings.Builder
			for _, sent := range p.received() {
				delete(sent, "@context")
				all.WriteString(numbers.ReplaceAllString(masked(t, sent.json()), "${1}N") + "\n")
			}
			golden(t, "message-to-"+c.software+"-"+c.version, all.String())
		}
		// What Lemmy would refuse is not sent.
		to := []*copse.Actor{leeds.actorByURI("https://old.example/u/bob"), leeds.actorByURI("https://mastodon.example/u/bob")}
		err := leeds.hub.Write(t.Context(), ann, &copse.Message{HTML: "<p>Hello", To: to}, "")
		if copse.CodeOf(err) != copse.CodeForbidden || !strings.Contains(err.Error(), "one person only") {
			t.Errorf("to two of whom one is at Lemmy: %v", err)
		}
	})
}

// dm is a private message by v.
func (v *voice) dm(name, words string, to ...string) obj {
	return obj{"id": v.uri + "/dm/" + name, "type": "Note", "attributedTo": v.uri, "to": to, "content": "<p>" + words + "</p>"}
}

// A private message is its author's, from their own server, and is for people.
func TestForgedPrivateMessagesTakeNoEffect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		dora := s.leeds.person("dora")
		s.leeds.takes(s.ann, copse.ReachAnyone)
		s.leeds.takes(dora, copse.ReachNobody)
		own := s.bob.dm("own", "Own", s.ann.URI)
		if got := s.bob.say(s.leeds, s.bob.act("Create", "own", own)); got != 202 {
			t.Fatalf("Bob's own is answered %d", got)
		}
		mine := s.leeds.writes(s.ann, "Mine", s.leeds.actorByURI(s.bob.uri))
		synctest.Wait()
		want := []string{"with bob@third.example", "ann: <p>Mine</p>", "bob: <p>Own</p>"}
		key := s.bob.proves()
		time.Sleep(6 * time.Minute) // then Leeds reads again who he is
		provenly := func(act obj) obj { return proved(t, act, key) }
		forged := s.eve.dm("1", "Forged", s.ann.URI)
		for _, c := range []struct {
			name string
			by   *voice
			act  obj
		}{
			{"in another's name", s.eve, s.eve.act("Create", "1", forged.with(obj{"attributedTo": s.bob.uri}))},
			{"at another server", s.eve, s.eve.act("Create", "2", forged.with(obj{"id": "https://third.example/forged"}))},
			{"by two", s.eve, s.eve.act("Create", "3", forged.with(obj{"attributedTo": []string{s.eve.uri, s.bob.uri}}))},
			{"by a colleague", s.carol, s.carol.act("Create", "4", own.with(obj{"content": "Forged"}))},
			{"changed by a colleague", s.carol, s.carol.act("Update", "5", own.with(obj{"content": "Forged"}))},
			{"changed by a colleague, as one's own", s.carol, s.carol.act("Update", "6", own.with(obj{"content": "Forged", "attributedTo": s.carol.uri}))},
			{"changed by whom it is to", s.bob, s.bob.act("Update", "7", obj{"id": mine.URI, "type": "Note", "attributedTo": s.bob.uri, "to": []string{s.ann.URI}, "content": "Forged"})},
			{"deleted by a colleague", s.carol, s.carol.act("Delete", "8", own["id"])},
			{"deleted by whom it is to", s.bob, s.bob.act("Delete", "9", mine.URI)},
			{"announced", s.trees, s.trees.announces(s.bob.act("Create", "10", s.bob.dm("10", "Forged", s.ann.URI)))},
			{"announced as changed", s.trees, s.trees.announces(s.bob.act("Update", "11", own.with(obj{"content": "Forged"})))},
			{"announced as deleted", s.trees, s.trees.announces(s.bob.act("Delete", "12", own["id"]).with(obj{"summary": "spam"}))},
			{"brought by another, with its author's proof", s.eve, provenly(s.bob.act("Create", "27", s.bob.dm("27", "Forged", s.ann.URI)))},
			{"changed so", s.eve, provenly(s.bob.act("Update", "28", own.with(obj{"content": "Forged"})).with(obj{"published": "2000-01-01T00:01:00Z"}))},
			{"deleted so", s.eve, provenly(s.bob.act("Delete", "29", own["id"]))},
			{"announced so", s.trees, s.trees.announces(provenly(s.bob.act("Create", "30", s.bob.dm("30", "Forged", s.ann.URI))))},
			{"sent again", s.bob, s.bob.act("Create", "13", own.with(obj{"content": "Forged"}))},
			{"to nobody here", s.bob, s.bob.act("Create", "14", s.bob.dm("14", "Forged", s.mod.uri))},
			{"to nobody who is here", s.bob, s.bob.act("Create", "15", s.bob.dm("15", "Forged", "https://leeds.example/u/nobody"))},
			{"to somebody who takes none", s.bob, s.bob.act("Create", "16", s.bob.dm("16", "Forged", dora.URI))},
			{"to followers too", s.bob, s.bob.act("Create", "17", s.bob.dm("17", "Forged", s.ann.URI, s.bob.uri+"/followers"))},
			{"to a community too", s.bob, s.bob.act("Create", "18", s.bob.dm("18", "Forged", s.ann.URI, s.weeds.uri))},
			{"to one of ours too", s.bob, s.bob.act("Create", "19", s.bob.dm("19", "Forged", s.ann.URI, s.seeds.URI))},
			{"without words", s.bob, s.bob.act("Create", "20", s.bob.dm("20", "", s.ann.URI).with(obj{"content": "", "name": "yes"}))},
			{"read by somebody else", s.eve, s.eve.act("Read", "21", mine.URI)},
			{"ignored by somebody else", s.eve, s.eve.act("Ignore", "22", mine.URI)},
			{"liked", s.bob, s.bob.act("Like", "23", mine.URI)},
			{"answered in public", s.bob, s.bob.act("Create", "24", s.bob.note("24", s.seeds.URI, mine.URI, "Forged"))},
		} {
			if got := c.by.say(s.leeds, c.act); got >= 500 {
				t.Errorf("%s: answered %d", c.name, got)
			}
			synctest.Wait()
			if got := s.leeds.mail(s.ann); !slices.Equal(got, want) {
				t.Fatalf("%s: Ann reads %q, want %q", c.name, got, want)
			}
			if strings.Contains(s.leeds.state(), "Forged") || s.leeds.mail(dora) != nil {
				t.Fatalf("%s: took effect elsewhere", c.name)
			}
		}
		// Too many make it no message, and one answered aside stays aside.
		var crowd []string
		for i := range 21 {
			crowd = append(crowd, fmt.Sprintf("https://third.example/u/%d", i))
		}
		s.bob.say(s.leeds, s.bob.act("Create", "25", s.bob.dm("25", "Forged", append(crowd, s.ann.URI)...)))
		s.carol.say(s.leeds, s.carol.act("Create", "26", s.carol.dm("26", "Aside", s.ann.URI).with(obj{"inReplyTo": mine.URI})))
		synctest.Wait()
		want = append([]string{"with carol@third.example", "carol: <p>Aside</p>"}, want...)
		if got := s.leeds.mail(s.ann); !slices.Equal(got, want) {
			t.Errorf("Ann reads %q, want %q", got, want)
		}
		s.leeds.view(func(tx *store.Tx) error {
			m, err := tx.MessageByURI(s.carol.uri + "/dm/26")
			if m.Parent != 0 {
				t.Error("what Carol was not in she goes on from")
			}
			return err
		})
	})
}

// Whoever is blocked is answered as if they were not, and nothing of theirs comes;
// who has blocked somebody here is not written to (Mastodon says so).
func TestNoMessagesPassBetweenWhoIsBlocked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.leeds.takes(s.ann, copse.ReachAnyone)
		bob, carol := s.leeds.actorByURI(s.bob.uri), s.leeds.actorByURI(s.carol.uri)
		if err := s.leeds.hub.Shun(t.Context(), s.ann, bob, true); err != nil {
			t.Fatal(err)
		}
		s.n.forget()
		if got := s.bob.say(s.leeds, s.bob.act("Create", "1", s.bob.dm("1", "Hello", s.ann.URI))); got != 202 {
			t.Errorf("who is blocked is answered %d", got)
		}
		synctest.Wait()
		if got := s.leeds.mail(s.ann); got != nil || len(s.n.requests("third.example")) > 0 {
			t.Errorf("Ann reads %q, and Bob's server was told %q", got, s.n.requests("third.example"))
		}
		writes := func() error {
			return s.leeds.hub.Write(t.Context(), s.ann, &copse.Message{HTML: "<p>Hello", To: []*copse.Actor{carol}}, "")
		}
		block := s.carol.act("Block", "1", s.ann.URI)
		s.carol.say(s.leeds, block)
		if err := writes(); copse.CodeOf(err) != copse.CodeForbidden {
			t.Errorf("to who has blocked her Ann writes: %v", err)
		}
		s.carol.say(s.leeds, s.carol.act("Undo", "1", block))
		if err := writes(); err != nil {
			t.Errorf("to who has not any more: %v", err)
		}
	})
}

// What was written to Bob alone is read by Bob's server and by nobody else, at whatever
// address and in whatever form they ask; to others it is not there.
func TestNoAddressTellsOthersAPrivateMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.leeds.takes(s.ann, copse.ReachAnyone)
		bob := s.leeds.actorByURI(s.bob.uri)
		m := s.leeds.writes(s.ann, "canarysource", bob)
		gone := s.leeds.writes(s.ann, "canarygone", bob)
		if err := s.leeds.hub.Unsay(t.Context(), s.ann, gone); err != nil {
			t.Fatal(err)
		}
		theirs := s.bob.dm("1", "canarybob", s.ann.URI)
		s.bob.say(s.leeds, s.bob.act("Create", "1", theirs))
		synctest.Wait()
		if got := len(s.leeds.mail(s.ann)); got != 4 {
			t.Fatalf("Ann reads %d lines", got)
		}
		paths := s.leeds.paths()
		for _, sent := range s.third.received() {
			if id, _ := sent["id"].(string); strings.HasPrefix(id, "https://leeds.example/activities/") {
				paths = append(paths, strings.TrimPrefix(id, "https://leeds.example"))
			}
		}
		var conversation string
		s.leeds.view(func(tx *store.Tx) error {
			conversation = fmt.Sprint(m.Conversation)
			reply, err := tx.MessageByURI(theirs["id"].(string))
			for _, id := range []string{fmt.Sprint(m.ID), fmt.Sprint(gone.ID), fmt.Sprint(reply.ID), conversation} {
				for _, at := range []string{"/message/", "/post/", "/comment/", "/messages/"} {
					paths = append(paths, at+id, at+id+"/context", at+id+"/replies")
				}
			}
			return err
		})
		missing := s.leeds.get("/message/1")
		seen := 0
		for _, path := range paths {
			for who, v := range map[string]*voice{"a stranger": nil, "another server": s.eve, "a community's home": s.mod} {
				for _, form := range []string{ap.ActivityJSON, ap.LDJSON, "application/json", "text/html"} {
					rec := s.leeds.ask(v, http.MethodGet, path, form)
					told := rec.Body.String() + fmt.Sprint(rec.Header())
					if strings.Contains(told, "canary") || strings.Contains(told, "/message/") {
						t.Errorf("%s as %s tells %s: %s", path, form, who, told)
					}
					if strings.HasPrefix(path, "/message/") && strings.Count(path, "/") == 2 && form != "text/html" && (rec.Code != 404 || rec.Body.String() != missing.Body.String()) {
						t.Errorf("%s answers %s %d %s, where what is missing is %d %s", path, who, rec.Code, rec.Body, missing.Code, missing.Body)
					}
				}
			}
			rec := s.leeds.ask(s.carol, http.MethodGet, path, ap.ActivityJSON)
			if strings.Contains(rec.Body.String(), "canarygone") || strings.Contains(rec.Body.String(), "canarybob") {
				t.Errorf("%s tells Bob's server what was deleted, or what is its own: %s", path, rec.Body)
			}
			if strings.Contains(rec.Body.String(), "canary") {
				seen++
				if cache := rec.Header().Get("Cache-Control"); cache != "private, no-store" {
					t.Errorf("%s may be kept by others: %q", path, cache)
				}
			}
		}
		if seen != 2 {
			t.Errorf("Bob's server sees it at %d addresses, want it and its Create", seen)
		}
		if rec := s.leeds.ask(s.bob, http.MethodGet, strings.TrimPrefix(gone.URI, "https://leeds.example"), ap.ActivityJSON); rec.Code != 410 {
			t.Errorf("what was deleted is answered %d", rec.Code)
		}
		for host, p := range map[string]*peer{"home.example": s.home, "evil.example": s.evil} {
			for _, sent := range p.received() {
				if told := string(sent.json()); strings.Contains(told, "canary") || strings.Contains(told, "/message/") {
					t.Errorf("%s was sent %s", host, told)
				}
			}
		}
		if told := s.leeds.state(); strings.Contains(told, "canary") {
			t.Errorf("a listing has it: %s", told)
		}
		// A proof would let whoever has it show others what was said.
		for _, sent := range s.third.received() {
			if sent["proof"] != nil && strings.Contains(string(sent.json()), "/message/") {
				t.Errorf("it carries a proof: %s", sent.json())
			}
		}
	})
}
