package web_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"copse/content/forum"
	"copse/copse"
	"copse/store"
)

// somebody adds a person of another council as its server described them.
func (s *server) somebody(name, host, council string, change func(*copse.Actor)) *copse.Actor {
	s.t.Helper()
	a := &copse.Actor{
		Type: copse.Person, URI: "https://" + host + "/u/" + name, Name: name, Host: host, Title: strings.ToUpper(name[:1]) + name[1:],
		Inbox: "https://" + host + "/inbox",
	}
	if change != nil {
		change(a)
	}
	if err := s.Hub.Learn(s.t.Context(), a, nil); err != nil {
		s.t.Fatal(err)
	}
	err := s.DB.Update(s.t.Context(), func(tx *store.Tx) error {
		p, err := tx.PeerAt(host)
		if err != nil {
			return err
		}
		p.Title = council
		return tx.DescribePeer(p)
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return a
}

// Whoever has moved is shown as being where they are now, as far as both sides say
// so, and can read here but not write.
func TestWhoHasMovedIsShownToBeElsewhere(t *testing.T) {
	s := serve(t, forum.Section)
	tess := s.person("Tess Okafor", store.Ordinary)
	olga := s.person("Olive Oak", store.Ordinary)
	trees := &copse.Community{Actor: copse.Actor{Name: "trees", Title: "Trees"}, Join: copse.JoinOpen, Audience: copse.Public, Posting: copse.Member}
	if err := s.Hub.Found(t.Context(), olga, trees); err != nil {
		t.Fatal(err)
	}
	if err := s.Hub.Join(t.Context(), tess, &trees.Actor, ""); err != nil {
		t.Fatal(err)
	}
	ash := &copse.Object{Kind: "topic", Community: trees.ID, Title: "Ash", HTML: "<p>Sick?</p>", Source: "Sick?"}
	if err := s.Hub.Post(t.Context(), tess, ash); err != nil {
		t.Fatal(err)
	}
	now := s.somebody("tess", "wigan.example", "Wigan Council", nil)
	b := s.signedIn("Tess Okafor")
	if err := s.Hub.Move(t.Context(), tess, now); copse.CodeOf(err) != copse.CodeForbidden {
		t.Errorf("she moves without being named back: %v", err)
	}
	now.AlsoKnownAs = []string{tess.URI}
	if err := s.Hub.Learn(t.Context(), now, nil); err != nil {
		t.Fatal(err)
	}
	b.get("/settings").want(t, http.StatusOK, "Moving to another council")
	b.get("/settings/move").want(t, http.StatusOK, "Where you were before", "Your account there has to say that you were tess_okafor@")
	b.post("/settings/move/away", "address", "", "current_password", password).want(t, http.StatusUnprocessableEntity, "Enter an address")
	b.post("/settings/move/away", "address", now.URI, "current_password", "wrong").want(t, http.StatusUnprocessableEntity, "Enter your current password")
	if err := s.Hub.Move(t.Context(), tess, now); err != nil {
		t.Fatal(err)
	}

	stranger := s.browser()
	stranger.get("/u/tess_okafor").says(t, `now at <a href="/u/tess@wigan.example">Wigan Council</a>`)
	stranger.get(ash.URI[len(s.Base):]).says(t, `now at <a href="/u/tess@wigan.example">Wigan Council</a>`)
	b.get("/settings/move").want(t, http.StatusOK, "You have moved", "tess@wigan.example", "Use this account again")
	b.get("/c/trees").saysNot(t, "/c/trees/join", "/c/trees/ask")
	if got := b.post("/c/trees/join"); got.status != http.StatusSeeOther || strings.Contains(b.get("/c/trees").body, "/c/trees/leave") {
		t.Errorf("joining under the old name is answered %d", got.status)
	}
	if got := b.post("/settings/move/back"); got.status != http.StatusSeeOther {
		t.Errorf("coming back is answered %d: %s", got.status, got.text)
	}
	b.get("/c/trees").says(t, "/c/trees/join")
	stranger.get("/u/tess_okafor").saysNot(t, "now at")
}

// A community that has moved says so, and who looks after this server decides about
// those here who are in it.
func TestACommunityThatHasMovedSaysSo(t *testing.T) {
	s := serve(t, forum.Section)
	tess := s.person("Tess Okafor", store.Ordinary)
	named := func(c *copse.Community) { c.AlsoKnownAs = []string{"https://york.example/c/trees"} }
	now := s.elsewhere("trees", "Street trees", "wigan.example", "Wigan Council", named)
	old := s.elsewhere("trees", "Trees", "york.example", "York Council", nil)
	err := s.DB.Update(t.Context(), func(tx *store.Tx) error {
		return tx.SetMembership(&copse.Membership{Community: old.ID, Actor: tess.ID, Role: copse.Member, State: copse.Active})
	})
	if err != nil {
		t.Fatal(err)
	}
	olga, b := s.signedIn("Olga Owner"), s.signedIn("Tess Okafor")
	olga.get("/").saysNot(t, "has moved")
	act := &copse.Activity{URI: old.URI + "#move", Type: "Move", Actor: &old.Actor, Subject: &now.Actor}
	if err := s.Hub.Perform(t.Context(), act); err != nil {
		t.Fatal(err)
	}
	home := b.get("/c/trees@york.example")
	home.says(t, "This community has moved", `It goes on as <a href="/c/trees@wigan.example">Street trees, at Wigan Council</a>.`)
	home.saysNot(t, "/c/trees@york.example/ask")
	b.get("/").saysNot(t, "/admin/moves")
	if got := b.get("/admin/moves"); got.status != http.StatusNotFound {
		t.Errorf("somebody else sees what waits: %d", got.status)
	}
	olga.get("/").want(t, http.StatusOK, "Trees says that it has moved")
	page := olga.get("/admin/moves")
	page.want(t, http.StatusOK, "trees@york.example says that it has moved to trees@wigan.example", "1 person here is in it.")
	if got := olga.post(fmt.Sprint("/admin/moves/", old.ID), "answer", "move"); got.status != http.StatusSeeOther {
		t.Errorf("moving them is answered %d: %s", got.status, got.text)
	}
	err = s.DB.View(t.Context(), func(tx *store.Tx) error {
		m, err := tx.Membership(now.ID, tess.ID)
		if m.State != copse.Pending {
			t.Errorf("Tess is %q where it is now", m.State)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := olga.post(fmt.Sprint("/admin/moves/", old.ID), "answer", "leave"); got.status != http.StatusConflict {
		t.Errorf("deciding again is answered %d", got.status)
	}
	olga.get("/admin/moves").want(t, http.StatusOK, "No community waits for you to decide.")
}

// Only who owns a community moves it.
func TestOnlyAnOwnerFindsWhereACommunityIsMoved(t *testing.T) {
	s := serve(t)
	tess, kim := s.person("Tess Okafor", store.Ordinary), s.person("Kim Hale", store.Ordinary)
	trees := &copse.Community{Actor: copse.Actor{Name: "trees", Title: "Trees"}, Join: copse.JoinOpen, Audience: copse.Public, Posting: copse.Member}
	if err := s.Hub.Found(t.Context(), tess, trees); err != nil {
		t.Fatal(err)
	}
	if err := s.Hub.Join(t.Context(), kim, &trees.Actor, ""); err != nil {
		t.Fatal(err)
	}
	if err := s.Hub.Appoint(t.Context(), tess, trees, kim, true); err != nil {
		t.Fatal(err)
	}
	owner, facilitator := s.signedIn("Tess Okafor"), s.signedIn("Kim Hale")
	owner.get("/c/trees/facilitate/requests").says(t, "/c/trees/facilitate/move")
	facilitator.get("/c/trees/facilitate/requests").saysNot(t, "/c/trees/facilitate/move")
	if got := facilitator.get("/c/trees/facilitate/move"); got.status != http.StatusNotFound {
		t.Errorf("a facilitator's page answers %d", got.status)
	}
	owner.get("/c/trees/facilitate/move").want(t, http.StatusOK, "The community it takes over from", "Nobody is moved until an administrator there says so.")
	owner.post("/c/trees/facilitate/move/was", "was", "!trees@york.example").want(t, http.StatusUnprocessableEntity, "does not exchange anything with york.example")
	owner.post("/c/trees/facilitate/move/away", "address", "!trees@"+trees.Host).want(t, http.StatusUnprocessableEntity)
	trees.AlsoKnownAs = []string{"https://york.example/c/trees"}
	if err := s.Hub.Govern(t.Context(), kim, trees); copse.CodeOf(err) != copse.CodeForbidden {
		t.Errorf("a facilitator says what it was before: %v", err)
	}
	if err := s.Hub.Govern(t.Context(), tess, trees); err != nil {
		t.Fatal(err)
	}
	owner.get("/c/trees/facilitate/move").want(t, http.StatusOK, "https://york.example/c/trees")
	if got := owner.post("/c/trees/facilitate/move/was", "forget", "https://york.example/c/trees"); got.status != http.StatusSeeOther {
		t.Errorf("taking it back is answered %d", got.status)
	}
	if got := owner.get("/c/trees/facilitate/move"); strings.Contains(got.text, "york.example") {
		t.Errorf("it is still there: %s", got.text)
	}
}
