package federation_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"copse/copse"
	"copse/store"
)

// quoteRequest is what Mastodon 4.5 asks for Bob, who shows something in a post.
func quoteRequest(t *testing.T, of string) (act obj) {
	t.Helper()
	text, err := os.ReadFile("testdata/mastodon-quote-request.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(bytes.ReplaceAll(text, []byte("TOPIC"), []byte(of)), &act); err != nil {
		t.Fatal(err)
	}
	return act
}

// told returns what Bob's server was sent of a type, and forgets nothing.
func (s *stage) told(typ string) (all []obj) {
	return slices.DeleteFunc(s.third.received(), func(o obj) bool { return o["type"] != typ })
}

// document asks Leeds for what is at an address.
func (s *stage) document(t *testing.T, uri string, want int) (doc obj) {
	t.Helper()
	got := s.leeds.get(strings.TrimPrefix(uri, s.leeds.hub.Base))
	if got.Code != want {
		t.Fatalf("%s is answered %d %s, want %d", uri, got.Code, got.Body, want)
	}
	json.Unmarshal(got.Body.Bytes(), &doc) // what is not there answers something else
	return doc
}

// Whoever may read something may show it on Mastodon, for as long as it is there.
func TestWhatEverybodyReadsMayBeQuoted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		topic := s.leeds.post(s.ann, &s.seeds.Actor, "Oak", "<p>Where?</p>")
		policy := s.document(t, topic.URI, http.StatusOK)["interactionPolicy"]
		if got := string(obj{"p": policy}.json()); got != `{"p":{"canQuote":{"automaticApproval":["https://www.w3.org/ns/activitystreams#Public"]}}}` {
			t.Errorf("who may quote it reads %s", got)
		}
		asked := quoteRequest(t, topic.URI)
		for _, id := range []string{"7", "8"} { // asked again, the answer is the same
			again := asked.with(obj{"id": s.bob.uri + "#quote_requests/" + id})
			if got := s.bob.say(s.leeds, again); got != http.StatusAccepted {
				t.Fatalf("to ask is answered %d", got)
			}
			synctest.Wait()
		}
		answers := s.told("Accept")
		answers = answers[len(answers)-2:]
		stamp, _ := answers[0]["result"].(string)
		said := answers[0]["object"].(map[string]any)
		if stamp == "" || answers[1]["result"] != stamp || answers[0]["actor"] != s.ann.URI || said["type"] != "QuoteRequest" ||
			said["id"] != asked["id"] || said["instrument"] != asked["instrument"].(map[string]any)["id"] || said["object"] != topic.URI {
			t.Fatalf("the answers are %s and %s", answers[0].json(), answers[1].json())
		}
		doc := s.document(t, stamp, http.StatusOK)
		if doc["type"] != "QuoteAuthorization" || doc["attributedTo"] != s.ann.URI || doc["interactionTarget"] != topic.URI ||
			doc["interactingObject"] != said["instrument"] || doc["id"] != stamp {
			t.Errorf("it is confirmed by %s", doc.json())
		}
		s.document(t, topic.URI+"/quotes/00", http.StatusNotFound)
		other := s.leeds.post(s.ann, &s.seeds.Actor, "Elm", "<p>Where?</p>")
		s.document(t, strings.Replace(stamp, topic.URI, other.URI, 1), http.StatusNotFound)

		if err := s.leeds.hub.Remove(t.Context(), s.ann, topic, ""); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if doc := s.document(t, stamp, http.StatusGone); doc["type"] != "Tombstone" {
			t.Errorf("once it is deleted, it is confirmed by %s", doc.json())
		}
		if !slices.ContainsFunc(s.told("Delete"), func(o obj) bool { return o["object"] == stamp && o["actor"] == s.ann.URI }) {
			t.Errorf("Bob's server is told %v", s.told("Delete"))
		}
		s.bob.say(s.leeds, asked.with(obj{"id": s.bob.uri + "#quote_requests/9"}))
		synctest.Wait()
		if all := s.told("Reject"); len(all) != 1 {
			t.Errorf("to quote what is gone is answered %v", all)
		}
	})
}

// What is said among members is quoted by nobody, and nobody quotes in another's
// name. Whoever may not read something does not learn that it is there.
func TestQuotesAreRefusedToOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		closed := s.leeds.community(s.ann, "closed", copse.JoinOpen, copse.Members)
		s.bob.member(s.leeds, closed)
		secret := s.leeds.post(s.ann, &closed.Actor, "Secret", "<p>Here</p>")
		open := s.leeds.post(s.ann, &s.seeds.Actor, "Oak", "<p>Where?</p>")
		theirs := s.says(s.trees, s.bob, s.bob.page("ash", s.trees.uri, "Ash"))
		post := quoteRequest(t, open.URI)["instrument"].(map[string]any)
		quote := obj(post)
		s.third.serve(quote)
		s.third.serve(quote.with(obj{"id": s.bob.uri + "/statuses/8", "attributedTo": s.carol.uri}))
		s.n.forget()
		n := 0
		for _, c := range []struct {
			what   string
			by     *voice
			of     string
			with   any
			status int
			answer string
		}{
			{"in a public community", s.bob, open.URI, quote, 202, "Accept"},
			{"by its address alone", s.bob, open.URI, quote["id"], 202, "Accept"},
			{"among members, by one", s.bob, secret.URI, quote.with(obj{"quote": secret.URI, "quoteUri": secret.URI, "_misskey_quote": secret.URI}), 202, "Reject"},
			{"among members, by another", s.carol, secret.URI, s.carol.note("1", "", "", "x"), 202, ""},
			{"a colleague's post", s.carol, open.URI, quote, 403, ""},
			{"a colleague's post by its address", s.bob, open.URI, s.bob.uri + "/statuses/8", 202, ""},
			{"another server's post, by somebody nobody knows", s.eve, open.URI, quote, 202, ""},
			{"another server's post by its address", s.eve, open.URI, quote["id"], 403, ""},
			{"a post about something else", s.bob, open.URI, quote.with(obj{"quote": theirs.URI, "quoteUri": theirs.URI, "_misskey_quote": theirs.URI}), 403, ""},
			{"no post", s.bob, open.URI, nil, 202, ""},
			{"what lives elsewhere", s.bob, theirs.URI, quote, 202, ""},
			{"what there is not", s.bob, open.URI + "0", quote, 202, ""},
		} {
			n++
			before := len(c.by.peer.received())
			act := c.by.act("QuoteRequest", string(rune('a'+n)), c.of).with(obj{"instrument": c.with})
			if got := c.by.say(s.leeds, act); got != c.status {
				t.Errorf("%s: answered %d, want %d", c.what, got, c.status)
			}
			synctest.Wait()
			all := c.by.peer.received()[before:]
			if got := len(all); got == 0 && c.answer != "" || got > 0 && all[got-1]["type"] != c.answer {
				t.Errorf("%s: Leeds says %v, want %q", c.what, all, c.answer)
			}
		}
		if got := s.trees.say(s.leeds, s.trees.announces(s.bob.act("QuoteRequest", "z", open.URI).with(obj{"instrument": quote}))); got != 202 {
			t.Errorf("announced: answered %d", got)
		}
		s.leeds.view(func(tx *store.Tx) error {
			all, err := tx.Quotes(open.ID, 10)
			if len(all) != 1 {
				t.Errorf("what may be shown is %v", all)
			}
			return err
		})
		doc := s.bob.get(s.leeds, strings.TrimPrefix(secret.URI, s.leeds.hub.Base)).Body.String()
		if !strings.Contains(doc, `"automaticApproval":["`+s.ann.URI+`"]`) {
			t.Errorf("what members alone read says %s", doc)
		}
	})
}
