package web_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"copse/copse"
	"copse/store"
)

// peer adds another council's server and has it be as change makes it.
func (s *server) peer(host, title string, change func(*copse.Peer)) {
	s.t.Helper()
	err := s.DB.Update(s.t.Context(), func(tx *store.Tx) error {
		p, err := tx.PeerAt(host)
		if err != nil {
			return err
		}
		p.Title, p.Software, p.Version = title, "copse", "1.2"
		if change != nil {
			change(p)
		}
		if err := tx.DescribePeer(p); err != nil {
			return err
		}
		return tx.SetHealth(p)
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

func TestPagesAboutCouncilsAreForAdministrators(t *testing.T) {
	s := serve(t)
	s.peer("hull.example", "Hull", nil)
	s.person("Tess Okafor", store.Ordinary)
	s.person("Ann Admin", store.Admin)
	tess, ann, stranger := s.signedIn("Tess Okafor"), s.signedIn("Ann Admin"), s.browser()
	missing := stranger.get("/nothing")
	for _, b := range []*browser{tess, stranger} {
		for _, path := range []string{"/admin/councils", "/admin/councils/hull.example", "/admin/councils/hull.example/test"} {
			if got := b.get(path); got.status != http.StatusNotFound || got.text != missing.text {
				t.Errorf("GET %s: answered %d: %s", path, got.status, got.text)
			}
		}
		for path, field := range map[string]string{
			"/admin/councils": "host", "/admin/councils/hull.example": "decision", "/admin/councils/hull.example/test": "x",
			"/admin/councils/hull.example/agreement": "note", "/admin/exchange": "exchange",
		} {
			if got := b.post(path, field, "off"); got.status != http.StatusNotFound {
				t.Errorf("POST %s: answered %d: %s", path, got.status, got.text)
			}
		}
		if strings.Contains(b.get("/").body, "/admin") {
			t.Error("the home page of somebody who does not run the server leads to the pages for those who do")
		}
	}
	if !strings.Contains(ann.get("/").body, `href="/admin/councils"`) {
		t.Error("nothing leads an administrator to the other councils")
	}
	ann.get("/admin/councils").want(t, http.StatusOK, "Other councils", "Hull", "copse 1.2", "Not on the list")
	for _, path := range []string{"/admin/councils/Hull.example", "/admin/councils/not%20a%20host", "/admin/councils/a%2Fb"} {
		ann.get(path).want(t, http.StatusNotFound)
	}
	ann.post("/admin/councils", "host", " York.example ").want(t, http.StatusSeeOther)
	ann.post("/admin/councils", "host", "not a host").want(t, http.StatusUnprocessableEntity, "is not a host name")
	ann.get("/admin/councils/york.example").want(t, http.StatusOK, "york.example", "Nothing has been decided here yet")
}

func TestCouncilsWithTroubleComeFirstInPlainWords(t *testing.T) {
	s := serve(t)
	away := time.Date(2026, 11, 3, 14, 20, 0, 0, time.UTC)
	for i := range 51 {
		s.peer(fmt.Sprintf("p%d.example", i), fmt.Sprintf("Council %02d", i), nil)
	}
	s.peer("york.example", "York", func(p *copse.Peer) {
		p.State, p.Fails, p.LastOK, p.NotUntil, p.Error = copse.PeerFailing, 7, away, away.Add(100*time.Minute), "it answered 502"
	})
	olga := s.signedIn("Olga Owner")
	olga.post("/admin/councils/york.example", "decision", "allow").want(t, http.StatusSeeOther)
	// To allow it has it tried at once; as it was:
	s.peer("york.example", "York", func(p *copse.Peer) { p.NotUntil = away.Add(100 * time.Minute) })
	list := olga.get("/admin/councils")
	list.want(t, http.StatusOK, "It has not answered since 3 November 2026, 2.20pm. It was tried 7 times. The next try is at 3 November 2026, 4pm.")
	if york, other := strings.Index(list.text, "York"), strings.Index(list.text, "Council 00"); york > other {
		t.Error("a council with trouble does not come first")
	}
	if !strings.Contains(list.body, `href="/admin/councils?page=2"`) || strings.Contains(list.text, "Council 50") {
		t.Error("fifty are not on a page")
	}
	olga.get("/admin/councils?page=2").want(t, http.StatusOK, "Council 50")
	if got := olga.get("/admin/councils?show=trouble"); !strings.Contains(got.text, "York") || strings.Contains(got.text, "Council 01") {
		t.Errorf("those with trouble are %s", got.text)
	}
	if got := olga.get("/admin/councils?q=cil+07"); !strings.Contains(got.text, "Council 07") || strings.Contains(got.text, "York") {
		t.Errorf("a search finds %s", got.text)
	}
	olga.get("/admin/councils?q=nobody").want(t, http.StatusOK, "No council was found")
	olga.get("/admin/councils/york.example").want(t, http.StatusOK, "Last error it answered 502", "Forget the error and try now")
	olga.header.Set("Accept-Language", "cy")
	olga.get("/admin/councils/york.example?lang=cy")
	olga.get("/admin/councils/york.example").want(t, http.StatusOK, "atebodd 502", "Rhoddwyd cynnig arno 7 gwaith")
}

func TestWhatAdministratorsDecideIsDoneAndRemembered(t *testing.T) {
	s := serve(t)
	s.peer("york.example", "York", nil)
	olga := s.signedIn("Olga Owner")
	at := "/admin/councils/york.example"
	for _, step := range []struct{ decision, says string }{
		{"allow", "Allowed by an administrator"},
		{"pause", "Paused by you"},
		{"resume", "Nothing has been exchanged yet."},
		{"block", "Blocked by an administrator"},
		{"forget", "only councils on the list"},
		{"again", "Tried again"},
	} {
		if got := olga.post(at, "decision", step.decision); got.status != http.StatusSeeOther || got.to != at {
			t.Errorf("%s: answered %d %s: %s", step.decision, got.status, got.to, got.text)
		}
		olga.get(at).want(t, http.StatusOK, step.says)
	}
	olga.get(at).want(t, http.StatusOK, "Paused by Olga Owner", "Blocked by Olga Owner")
	olga.post(at, "decision", "off").want(t, http.StatusBadRequest)
	olga.post(at+"/agreement", "agreed", "tomorrow", "note", "Ring Ann").want(t, http.StatusUnprocessableEntity, "Enter the day as in", "Ring Ann")
	olga.post(at+"/agreement", "agreed", "3/11/2026", "note", strings.Repeat("x", 2001)).want(t, http.StatusUnprocessableEntity, "The note must be 2000 characters or fewer")
	olga.post(at+"/agreement", "agreed", "3/11/2026", "note", "Ring Ann").want(t, http.StatusSeeOther)
	olga.get(at).want(t, http.StatusOK, "Agreement of 3 November 2026", "Note Ring Ann")
	olga.get("/admin/councils").want(t, http.StatusOK, "Agreement of 3 November 2026")

	olga.post(at+"/test").want(t, http.StatusOK, "The connection was tested", "Does not work", "does not exchange anything with it now", "Not tried")
	if got := olga.get(at + "/test"); got.status != http.StatusSeeOther || got.to != at {
		t.Errorf("a test cannot be asked for again by its address: %d %s", got.status, got.to)
	}
	olga.header.Set("Origin", "https://evil.example")
	olga.post(at, "decision", "allow").want(t, http.StatusForbidden, "This form was sent from another site")
}

func TestTheExchangeIsSwitchedOffInSightOfAdministrators(t *testing.T) {
	s := serve(t)
	s.person("Tess Okafor", store.Ordinary)
	olga, tess := s.signedIn("Olga Owner"), s.signedIn("Tess Okafor")
	const banner = "The exchange with other councils is off"
	olga.post("/admin/exchange", "exchange", "off").want(t, http.StatusSeeOther)
	olga.get("/").want(t, http.StatusOK, banner)
	if got := tess.get("/"); strings.Contains(got.text, banner) {
		t.Error("whoever does not run the server is told that the exchange is off")
	}
	olga.get("/admin/councils").want(t, http.StatusOK, "It has been off since", "Exchange switched off by Olga Owner")
	olga.post("/admin/exchange", "exchange", "perhaps").want(t, http.StatusBadRequest)
	olga.post("/admin/exchange", "exchange", "on").want(t, http.StatusSeeOther)
	olga.get("/").want(t, http.StatusOK, "The exchange with all councils is on.")
	if got := olga.get("/"); strings.Contains(got.text, banner) {
		t.Error("the banner stays when the exchange is on again")
	}
}
