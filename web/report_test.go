package web_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"copse/content/forum"
	"copse/copse"
	"copse/hub"
	"copse/store"
)

// filedUnder is the id of the case of something that is open.
func (s *server) filedUnder(o *copse.Object, person *copse.Actor) (id string) {
	s.t.Helper()
	err := s.DB.View(s.t.Context(), func(tx *store.Tx) error {
		var object, subject copse.ID
		if o != nil {
			object = o.ID
		} else {
			subject = person.ID
		}
		k, err := tx.OpenCase(object, subject)
		if err == nil && k != nil {
			id = fmt.Sprint(k.ID)
		}
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return id
}

func TestSomebodyReportsAPostAndHearsWhatBecameOfIt(t *testing.T) {
	s := serve(t, forum.Section)
	joan, tess, rosa := s.person("Joan Whitlock", store.Ordinary), s.person("Tess Okafor", store.Ordinary), s.person("Rosa Almeida", store.Ordinary)
	trees := s.community(joan, "trees", "Trees", copse.JoinOpen, copse.Members)
	s.join(trees, tess, rosa)
	topic := s.says(tess, trees, "Buy <our> roofs", false, nil)
	reply := s.says(joan, trees, "Not here", false, topic)
	at := fmt.Sprint("/report/", topic.ID)
	r, j, o := s.signedIn("Rosa Almeida"), s.signedIn("Joan Whitlock"), s.signedIn("Olga Owner")

	r.get(fmt.Sprint("/post/", topic.ID)).says(t, `href="`+at+`"`, fmt.Sprintf(`href="/report/%d"`, reply.ID))
	if got := s.signedIn("Tess Okafor").get(fmt.Sprint("/post/", topic.ID)); strings.Contains(got.body, `href="`+at+`"`) {
		t.Error("Tess is asked to report herself")
	}
	r.get(at).want(t, http.StatusOK, "Report a post", "Tess Okafor", "Your report does nothing by itself", "Who will see this: The facilitators of Trees")
	r.post(at, "category", "other", "reason", " ").want(t, http.StatusUnprocessableEntity, "There is a problem", "Say what is wrong")
	r.post(at, "reason", "x").want(t, http.StatusUnprocessableEntity, "Choose what is wrong")
	got := r.post(at, "category", "spam", "reason", "It <b>sells</b> roofs")
	if !strings.HasPrefix(got.to, "/reports/") {
		t.Fatalf("reporting leads to %q: %d %s", got.to, got.status, got.text)
	}
	mine := r.get(got.to)
	mine.want(t, http.StatusOK, "Your report is sent", "Waiting", "It is spam or advertising", "The facilitators of Trees read your report and decide")
	mine.says(t, "It &lt;b&gt;sells&lt;/b&gt; roofs")
	r.post(at, "category", "spam").want(t, http.StatusUnprocessableEntity, "You have reported this already")
	for name, b := range map[string]*browser{"a stranger": s.browser(), "Joan": j} {
		if got := b.get(got.to); got.status == http.StatusOK && strings.Contains(got.text, "roofs") {
			t.Errorf("%s reads Rosa's report", name)
		}
	}

	// Joan, who looks after the community, deals with it.
	desk := "/c/trees/facilitate/reports"
	j.get("/").want(t, http.StatusOK, "1 report to deal with", "In Trees")
	j.get("/c/trees").says(t, `href="`+desk+`"`)
	page := j.get(desk)
	page.want(t, http.StatusOK, "Post by Tess Okafor", "Reported once", "Rosa Almeida", "It is spam or advertising", "Remove it")
	page.says(t, "It &lt;b&gt;sells&lt;/b&gt; roofs")
	id := s.filedUnder(topic, nil)
	act := desk + "/" + id
	j.post(act).want(t, http.StatusUnprocessableEntity, "Choose what is to be done")
	j.post(act, "outcome-"+id, "removed", "words-"+id, "Thank you").want(t, http.StatusUnprocessableEntity, "Say why you are removing this", "Thank you")
	j.post(act, "outcome-"+id, "removed", "why-"+id, "Advertising", "words-"+id, strings.Repeat("x", copse.MaxReport+1)).
		want(t, http.StatusUnprocessableEntity, "1000 characters or fewer", "It has been removed already")
	if got := j.post(act, "outcome-"+id, "removed", "words-"+id, "Thank you"); got.to != desk {
		t.Fatalf("closing it leads to %q: %d %s", got.to, got.status, got.text)
	}
	j.get(desk).want(t, http.StatusOK, "The report is closed", "There is nothing to deal with", "Dealt with lately",
		"What was reported has been removed. Closed by Joan Whitlock", "Those who reported it were told: Thank you")
	j.post(act, "outcome-"+id, "done").want(t, http.StatusConflict, "Somebody has closed this report meanwhile")
	j.get(fmt.Sprint("/post/", topic.ID)).want(t, http.StatusGone, "Removed by a facilitator")
	r.get(got.to).want(t, http.StatusOK, "Dealt with", "What was reported has been removed.", "What they say to you", "Thank you")
	r.get("/reports").want(t, http.StatusOK, "Post by Tess Okafor", "Dealt with")
	r.get("/reports?lang=cy").want(t, http.StatusSeeOther)
	r.get("/reports").want(t, http.StatusOK, "Eich adroddiadau", "Deliwyd ag ef")

	// What Joan wrote she does not see reported: whoever runs the server does.
	r.post(fmt.Sprint("/report/", reply.ID), "category", "abuse")
	j.get(desk).saysNot(t, "Reply by Joan Whitlock", "gam-drin", "harassment")
	id = s.filedUnder(reply, nil)
	j.post(desk+"/"+id, "outcome-"+id, "nothing").want(t, http.StatusNotFound)
	o.get("/").says(t, `href="/admin/reports"`)
	all := o.get("/admin/reports")
	all.want(t, http.StatusOK, "Reply by Joan Whitlock", "In Trees", "Rosa Almeida", "Not here")
	all.saysNot(t, "Remove it") // which is for those who look after Trees
	if got := o.post("/admin/reports/"+id, "outcome-"+id, "nothing"); got.to != "/admin/reports" {
		t.Errorf("closing it leads to %q: %d %s", got.to, got.status, got.text)
	}
}

func TestReportsAreNotThereForOthers(t *testing.T) {
	s := serve(t, forum.Section)
	joan, tess := s.person("Joan Whitlock", store.Ordinary), s.person("Tess Okafor", store.Ordinary)
	s.person("Eve Outside", store.Ordinary)
	trees := s.community(joan, "trees", "Trees", copse.JoinOpen, copse.Members)
	s.community(joan, "weeds", "Weeds", copse.JoinOpen, copse.Members)
	s.join(trees, tess)
	topic := s.says(joan, trees, "Ash", false, nil)
	tessB, eve, stranger := s.signedIn("Tess Okafor"), s.signedIn("Eve Outside"), s.browser()
	tessB.post(fmt.Sprint("/report/", topic.ID), "category", "abuse").want(t, http.StatusSeeOther)
	tessB.post("/u/joan_whitlock/report", "category", "abuse", "reason", "Shouts").want(t, http.StatusSeeOther)
	id, person := s.filedUnder(topic, nil), s.filedUnder(nil, joan)
	tessB.get("/reports").want(t, http.StatusOK, "Post by Joan Whitlock", "Joan Whitlock was reported")

	missing := eve.get("/nothing")
	for _, b := range []*browser{eve, tessB} {
		for _, path := range []string{"/c/trees/facilitate/reports", "/admin/reports", "/reports/1"} {
			if got := b.get(path); got.status != http.StatusNotFound || got.text != missing.text {
				t.Errorf("GET %s: answered %d: %s", path, got.status, got.text)
			}
		}
		for _, path := range []string{"/c/trees/facilitate/reports/" + id, "/admin/reports/" + id, "/admin/reports/" + person} {
			if got := b.post(path, "outcome-"+id, "nothing", "outcome-"+person, "nothing"); got.status != http.StatusNotFound {
				t.Errorf("POST %s: answered %d: %s", path, got.status, got.text)
			}
		}
	}
	if got := eve.get(fmt.Sprint("/report/", topic.ID)); got.status != http.StatusNotFound || got.text != missing.text {
		t.Errorf("Eve, who may not see it, is answered %d: %s", got.status, got.text)
	}
	if got := stranger.get(fmt.Sprint("/report/", topic.ID)); !strings.HasPrefix(got.to, "/sign-in") {
		t.Errorf("a stranger is led to %q", got.to)
	}
	j := s.signedIn("Joan Whitlock")
	j.post("/c/weeds/facilitate/reports/"+id, "outcome-"+id, "nothing").want(t, http.StatusNotFound)
	j.post("/c/trees/facilitate/reports/"+person, "outcome-"+person, "nothing").want(t, http.StatusNotFound)
	j.get("/u/joan_whitlock/report").want(t, http.StatusForbidden)
	eve.get("/u/joan_whitlock").says(t, `href="/u/joan_whitlock/report"`)
	eve.get("/u/joan_whitlock/report").want(t, http.StatusOK, "Report Joan Whitlock", "Whoever runs this service")
	s.signedIn("Olga Owner").get("/admin/reports").want(t, http.StatusOK, "Joan Whitlock was reported", "Shouts", "Tess Okafor", "Post by Joan Whitlock")
	if s.filedUnder(topic, nil) == "" || s.filedUnder(nil, joan) == "" {
		t.Error("somebody has closed a case that is not theirs")
	}
}

// Whoever looks after a community elsewhere reads its reports here; who reported
// something there is shown as a member at their council.
func TestReportsInCommunitiesElsewhere(t *testing.T) {
	s := serve(t, forum.Section)
	tess, rosa := s.person("Tess Okafor", store.Ordinary), s.person("Rosa Almeida", store.Ordinary)
	c := s.elsewhere("equality", "Equality", "harlow.example", "Harlow District Council", nil)
	s.peer("wigan.example", "Wigan Council", nil)
	s.peer("lemmy.example", "Lemmy", func(p *copse.Peer) { p.Software = "lemmy" })
	lemmy := s.elsewhere("memes", "Memes", "lemmy.example", "Lemmy", nil)
	martin := &copse.Actor{Type: copse.Person, URI: "https://wigan.example/u/martin", Name: "martin", Host: "wigan.example", Title: "Martin Naylor", Inbox: "https://wigan.example/inbox"}
	wigan := &copse.Actor{Type: copse.Application, URI: "https://wigan.example/", Name: "wigan.example", Host: "wigan.example", Inbox: "https://wigan.example/inbox"}
	var topics []*copse.Object
	for _, a := range []*copse.Actor{martin, wigan} {
		if err := s.Hub.Learn(t.Context(), a, nil); err != nil {
			t.Fatal(err)
		}
	}
	s.peer("lemmy.example", "Lemmy", func(p *copse.Peer) { p.Software = "lemmy" })
	err := s.DB.Update(t.Context(), func(tx *store.Tx) error {
		topics = nil
		for i, in := range []*copse.Community{c, lemmy} {
			o := &copse.Object{
				ID: store.NewID(), URI: fmt.Sprint("https://wigan.example/post/", i), Kind: "topic", Community: in.ID, Author: martin.ID,
				Title: "Roofs", HTML: "<p>Buy them</p>", Audience: copse.Public, Published: tx.Now, Accepted: tx.Now,
			}
			if err := tx.AddObject(o); err != nil {
				return err
			}
			topics = append(topics, o)
		}
		return tx.SetMembership(&copse.Membership{Community: c.ID, Actor: tess.ID, Role: copse.Moderator, State: copse.Active, Since: tx.Now})
	})
	if err != nil {
		t.Fatal(err)
	}
	flag := &copse.Activity{URI: "https://wigan.example/flag/1", Type: "Flag", Actor: wigan, Via: &c.Actor, Objects: topics[:1], Reason: "Sells <roofs>"}
	if err := s.Hub.Perform(t.Context(), flag); err != nil {
		t.Fatal(err)
	}
	at := "/c/equality@harlow.example/facilitate/reports"
	b := s.signedIn("Tess Okafor")
	b.get(at).want(t, http.StatusOK, "Post by Martin Naylor", "A member at Wigan Council", "Remove it", "They did not say what sort of thing is wrong")
	b.get("/c/equality@harlow.example").says(t, `href="`+at+`"`)
	s.signedIn("Rosa Almeida").get(at).want(t, http.StatusNotFound)

	r := s.signedIn("Rosa Almeida")
	r.get(fmt.Sprint("/report/", topics[0].ID)).want(t, http.StatusOK, "They see that a member at Stevenage Borough Council reported it, and not who",
		"Wigan Council, where its author works")
	named := r.get(fmt.Sprint("/report/", topics[1].ID))
	named.want(t, http.StatusOK, "who see your name: Lemmy takes reports in no other way")
	if err := s.Hub.Report(t.Context(), rosa, hub.Complaint{Object: topics[0], Category: copse.Illegal}); err != nil {
		t.Fatal(err)
	}
	b.get(at).want(t, http.StatusOK, "Reported 2 times", "Rosa Almeida", "A member at Wigan Council")
	s.signedIn("Olga Owner").get("/admin/reports").want(t, http.StatusOK, "This community is run by Harlow District Council. If you close the report here")
	id := s.filedUnder(topics[0], nil)
	if got := b.post(at+"/"+id, "outcome-"+id, "done", "words-"+id, "Spoken to"); got.to != at {
		t.Errorf("closing it leads to %q: %d %s", got.to, got.status, got.text)
	}
	r.get("/reports").want(t, http.StatusOK, "Dealt with")
}
