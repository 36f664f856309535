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

// community starts one.
func (s *server) community(by *copse.Actor, name, title string, join copse.Join, audience copse.Audience) *copse.Community {
	s.t.Helper()
	c := &copse.Community{Actor: copse.Actor{Name: name, Title: title}, Join: join, Audience: audience, Posting: copse.Member}
	if err := s.Hub.Found(s.t.Context(), by, c); err != nil {
		s.t.Fatal(err)
	}
	return c
}

// says posts a topic, or a reply to parent.
func (s *server) says(by *copse.Actor, c *copse.Community, title string, question bool, parent *copse.Object) *copse.Object {
	s.t.Helper()
	o := &copse.Object{Kind: "topic", Community: c.ID, Title: title, HTML: "<p>" + title + "</p>", Question: question, Audience: c.Audience}
	if parent != nil {
		o.Kind, o.Title, o.Parent = "reply", "", parent.ID
	}
	if err := s.Hub.Post(s.t.Context(), by, o); err != nil {
		s.t.Fatal(err)
	}
	return o
}

func (s *server) join(c *copse.Community, people ...*copse.Actor) {
	s.t.Helper()
	for _, p := range people {
		if err := s.Hub.Join(s.t.Context(), p, &c.Actor, "Please."); err != nil {
			s.t.Fatal(err)
		}
	}
}

func TestStrangersSeeWhatThisIsAndNothingThatIsNotForThem(t *testing.T) {
	s := serve(t)
	tess := s.person("Tess Okafor", store.Ordinary)
	s.browser().get("/").want(t, http.StatusOK, "Stevenage Borough Council communities of practice", "Create an account", "Sign in", "What you can do here")
	s.community(tess, "trees", "Trees and streets", copse.JoinOpen, copse.Public)
	s.community(tess, "damp", "Damp and mould", copse.JoinApproval, copse.Members)
	got := s.browser().get("/")
	got.want(t, http.StatusOK, "Public communities", "Trees and streets")
	if strings.Contains(got.text, "Damp and mould") {
		t.Error("a community for members is among the public ones")
	}
}

func TestHomeIsWhatIsNewAndWhatWaits(t *testing.T) {
	s := serve(t)
	tess, joan, dev := s.person("Tess Okafor", store.Ordinary), s.person("Joan Whitlock", store.Ordinary), s.person("Dev Harland", store.Ordinary)
	b := s.signedIn("Tess Okafor")
	b.get("/").want(t, http.StatusOK, "Your work", "You are not in a community yet", "Find communities")

	damp := s.community(tess, "damp", "Damp and mould", copse.JoinApproval, copse.Members)
	b.get("/").want(t, http.StatusOK, "Nobody has said anything in your communities yet")
	small := s.community(joan, "small", "Small teams", copse.JoinOpen, copse.Public)
	other := s.community(dev, "other", "Somewhere else", copse.JoinApproval, copse.Members)
	s.join(small, tess)
	s.join(damp, dev)
	s.join(other, tess)
	for i := range 4 {
		s.says(tess, damp, fmt.Sprintf("Number %d", i), false, nil)
	}
	q := s.says(joan, small, "Who checks the highlight report?", true, nil)
	s.says(tess, small, "I do", false, q)
	s.says(dev, other, "A secret", false, nil)

	got := b.get("/")
	got.want(t, http.StatusOK, "One thing is waiting for you.", "Dev Harland asks to join Damp and mould",
		"Number 3", "Number 2", "Number 1", "Started by you", "Show all in Damp and mould",
		"Who checks the highlight report?", "Asked by Joan Whitlock, Stevenage Borough Council", "1 reply 1 council",
		"Your communities", "Somewhere else (asked to join)")
	for _, hidden := range []string{"Number 0", "A secret", "Unanswered"} {
		if strings.Contains(got.text, hidden) {
			t.Errorf("shows %q", hidden)
		}
	}
	if i, j := strings.Index(got.text, "Small teams"), strings.Index(got.text, "Show all in Damp"); i > j {
		t.Error("the community that was active last does not come first")
	}
	// Nobody else decides who gets in, least of all who asks.
	wynn := s.person("Wynn Hughes", store.Ordinary)
	s.join(damp, wynn)
	if got := s.signedIn("Wynn Hughes").get("/"); strings.Contains(got.text, "waiting for you") || strings.Contains(got.text, "Number") {
		t.Errorf("somebody who waits sees %s", got.text)
	}
}

func TestProfilesShowWhatTheirReaderMaySee(t *testing.T) {
	s := serve(t)
	tess, joan := s.person("Tess Okafor", store.Ordinary), s.person("Joan Whitlock", store.Ordinary)
	damp := s.community(tess, "damp", "Damp and mould", copse.JoinOpen, copse.Members)
	trees := s.community(tess, "trees", "Trees", copse.JoinOpen, copse.Public)
	s.join(damp, joan)
	secret := s.says(tess, damp, "Who has keys to the depot?", true, nil)
	s.says(joan, damp, "I have", false, secret)
	for i := range 25 {
		s.says(tess, trees, fmt.Sprintf("Tree %d.", i), false, nil)
	}
	profile := "/u/tess_okafor"
	first := s.browser().get(profile)
	first.want(t, http.StatusOK, "Tree 24.", "Tree 5.", "Started in Trees", "Next page")
	if strings.Contains(first.text, "depot") || strings.Contains(first.text, "Tree 4.") {
		t.Error("shows what it should not")
	}
	before := fmt.Sprint(profile, "?before=", secret.ID+1)
	s.browser().get(before).want(t, http.StatusOK, "Nothing that you can read yet")
	s.signedIn("Joan Whitlock").get(before).want(t, http.StatusOK, "Who has keys to the depot?", "Asked in Damp and mould")
	s.signedIn("Joan Whitlock").get("/u/joan_whitlock").want(t, http.StatusOK, "Replied in Damp and mould", "I have", "Change what it says about you")
	s.browser().get("/u/joan_whitlock").want(t, http.StatusOK, "Nothing that you can read yet")
	s.browser().get(profile+"?before=nonsense").want(t, http.StatusOK, "Tree 24.")
	s.browser().get("/u/trees").want(t, http.StatusNotFound) // a community
}

func TestPagesAboutTheServiceAreThereInBothLanguages(t *testing.T) {
	s := serve(t)
	for _, lang := range []string{"en", "cy"} {
		b := s.browser()
		b.header.Set("Accept-Language", lang)
		for _, path := range []string{"/", "/register", "/sign-in", "/reset", "/confirm/again", "/about", "/about/federation", "/accessibility", "/privacy", "/cookies", "/rules", "/contact"} {
			got := b.get(path)
			got.want(t, http.StatusOK)
			if strings.Count(got.body, "<h1") != 1 || !strings.Contains(got.body, `<html lang="`+lang+`">`) || strings.Contains(got.body, "{{") {
				t.Errorf("%s in %s is not a whole page", path, lang)
			}
			if lang == "cy" && strings.Contains(got.text, " the ") {
				t.Errorf("%s speaks English: %s", path, got.text)
			}
		}
	}
	s.browser().get("/cookies").want(t, http.StatusOK, "copse", "copse-lang", "14 days")
	s.browser().get("/contact").want(t, http.StatusOK, "use the contact page on the website of Stevenage Borough Council")
	err := s.DB.Update(t.Context(), func(tx *store.Tx) error { return tx.SetSetting("contact", "digital@stevenage.gov.test") })
	if err != nil {
		t.Fatal(err)
	}
	if got := s.browser().get("/contact?again=1"); !strings.Contains(got.body, `<a href="mailto:digital@stevenage.gov.test">digital@stevenage.gov.test</a>`) {
		t.Errorf("the address is not there: %s", got.text)
	}
}

func TestPageAboutConnectionsNamesThoseWeExchangeWith(t *testing.T) {
	s := serve(t)
	s.browser().get("/about/federation").want(t, http.StatusOK, "Only with councils that Stevenage Borough Council has put on its list", "Nothing has been exchanged")
	err := s.DB.Update(t.Context(), func(tx *store.Tx) error {
		for host, p := range map[string]copse.Peer{
			"harlow.gov.test":  {Title: "Harlow District Council", State: copse.PeerOK, LastOK: time.Now()},
			"wigan.gov.test":   {State: copse.PeerDormant, LastOK: time.Now().AddDate(0, -1, 0)},
			"quiet.gov.test":   {Title: "Quiet Council", State: copse.PeerOK},
			"blocked.gov.test": {Title: "Blocked Council", State: copse.PeerOK, LastOK: time.Now()},
		} {
			had, err := tx.PeerAt(host)
			if err != nil {
				return err
			}
			had.Title, had.State, had.LastOK = p.Title, p.State, p.LastOK
			if err := tx.DescribePeer(had); err != nil {
				return err
			}
			if err := tx.SetHealth(had); err != nil {
				return err
			}
		}
		return tx.SetPolicy("blocked.gov.test", copse.Block)
	})
	if err != nil {
		t.Fatal(err)
	}
	got := s.browser().get("/about/federation?again=1")
	got.want(t, http.StatusOK, "Harlow District Council harlow.gov.test Working", "wigan.gov.test wigan.gov.test Not answering for a week or more")
	if strings.Contains(got.text, "Quiet") || strings.Contains(got.text, "Blocked") {
		t.Errorf("names those we exchange nothing with: %s", got.text)
	}
	if !strings.Contains(got.body, "exchanges posts and documents with 2 other councils") {
		t.Error("the foot of the page counts others")
	}
}
