package web_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"copse/content/forum"
	"copse/copse"
	"copse/federation"
	"copse/internal/outbound"
	"copse/store"
)

// elsewhere adds a community of another council as its home described it.
func (s *server) elsewhere(name, title, host, council string, change func(*copse.Community)) *copse.Community {
	s.t.Helper()
	c := &copse.Community{
		Actor: copse.Actor{
			Type: copse.Group, URI: "https://" + host + "/c/" + name, Name: name, Host: host, Title: title, Summary: "<p>What it is for.</p>",
			Inbox: "https://" + host + "/inbox", Created: time.Now(), Fetched: time.Now(),
		},
		Join: copse.JoinOpen, Audience: copse.Public, Posting: copse.Member,
	}
	if change != nil {
		change(c)
	}
	err := errors.Join(s.Hub.Learn(s.t.Context(), &c.Actor, c), s.DB.Update(s.t.Context(), func(tx *store.Tx) error {
		p, err := tx.PeerAt(host)
		if err != nil {
			return err
		}
		p.Title = council
		return tx.DescribePeer(p)
	}))
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

// says fails unless the page, its marked-up text, has each of the texts.
func (a answer) says(t *testing.T, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(a.body, text) {
			t.Errorf("does not say %q: %s", text, mainPart.FindString(a.body))
		}
	}
}

func (a answer) saysNot(t *testing.T, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if strings.Contains(a.body, text) {
			t.Errorf("says %q: %s", text, a.text)
		}
	}
}

func TestCommunitiesHereAndElsewhereAreInOneList(t *testing.T) {
	s := serve(t)
	s.person("Joan Whitlock", store.Ordinary)
	joan := s.signedIn("Joan Whitlock")
	joan.post("/communities/new", "title", "Empty homes", "purpose", "From first letter to last resort.\n\nAnd more.", "audience", "members", "join", "approval")
	s.elsewhere("homeless", "Homelessness prevention", "wigan.example", "Wigan Council", func(c *copse.Community) {
		c.Members, c.Councils, c.Active = 342, 58, time.Now().AddDate(0, -5, 0)
	})
	s.elsewhere("trees", "Trees", "york.example", "", func(c *copse.Community) { c.Join = copse.JoinInvitation })

	list := joan.get("/communities")
	list.want(t, http.StatusOK, "Empty homes", "From first letter to last resort.", "Run by Stevenage Borough Council. 1 person from 1 council.",
		"Active today", "Ask to join", "Members only", "You are a facilitator",
		"Homelessness prevention", "Run by Wigan Council. 342 people from 58 councils.", "Quiet since", "Open to join", "Run by york.example", "By invitation")
	list.says(t, `action="/c/homeless@wigan.example/join"`)
	list.saysNot(t, "And more", "/c/trees@york.example/join")

	joan.get("/communities?q=HOMEL").want(t, http.StatusOK, "Communities that mention “HOMEL”", "Homelessness prevention")
	joan.get("/communities?q=HOMEL").saysNot(t, "Empty homes")
	joan.get("/communities?q=nothing+at+all").want(t, http.StatusOK, "No community here mentions “nothing at all”")
	joan.get("/communities?show=mine").saysNot(t, "Homelessness")
	joan.get("/communities?show=here").saysNot(t, "Homelessness")
	joan.get("/communities?show=here&q=letter").want(t, http.StatusOK, "Empty homes")
	stranger := s.browser().get("/communities?show=mine")
	stranger.want(t, http.StatusOK, "Homelessness prevention", "Sign in to join")
	stranger.saysNot(t, "/communities/find", "Communities you are in")
}

func TestTheListHasPages(t *testing.T) {
	s := serve(t)
	for i := range 25 {
		s.elsewhere(fmt.Sprint("c", i), fmt.Sprintf("Community %02d.", i), "wigan.example", "Wigan Council", nil)
	}
	first := s.browser().get("/communities")
	_, rest, _ := strings.Cut(first.body, `href="/communities?before=`)
	next, _, _ := strings.Cut(rest, `"`)
	second := s.browser().get("/communities?before=" + next)
	for i := range 25 {
		name := fmt.Sprintf("Community %02d.", i)
		if strings.Contains(first.text, name) == strings.Contains(second.text, name) {
			t.Errorf("%s is on both pages or on none", name)
		}
	}
	if got := s.browser().get("/communities?q=x&before=1"); got.to != "/communities?q=x" {
		t.Errorf("a page that has gone: %d to %q, want to the first", got.status, got.to)
	}
}

func TestAnAddressFromElsewhereLeadsToItsPage(t *testing.T) {
	s := serve(t)
	s.person("Tess Okafor", store.Ordinary)
	s.elsewhere("equality", "Equality", "harlow.example", "Harlow District Council", nil)
	s.Site.Fed = &federation.Server{
		DB: s.DB, Hub: s.Hub, Base: s.Base, Mode: copse.Open, Client: outbound.New(outbound.Config{Transport: noRoute{}}),
	}
	tess := s.signedIn("Tess Okafor")
	for _, address := range []string{"!equality@harlow.example", " equality@harlow.example ", "https://harlow.example/c/equality"} {
		if got := tess.post("/communities/find", "address", address); got.to != "/c/equality@harlow.example" {
			t.Errorf("%q leads to %q: %d %s", address, got.to, got.status, got.text)
		}
	}
	got := tess.post("/communities/find", "address", "!nobody@nowhere.example")
	got.want(t, http.StatusUnprocessableEntity, "There is a problem", "nowhere.example")
	got.says(t, `value="!nobody@nowhere.example"`, `aria-invalid="true"`, "<title>Error: ")
	tess.post("/communities/find", "address", " ").want(t, http.StatusUnprocessableEntity, "Paste the address of a community or a person")
	s.browser().post("/communities/find", "address", "!equality@harlow.example").want(t, http.StatusUnauthorized)
	if got := tess.get("/communities/find"); got.to != "/communities" {
		t.Errorf("reading what is only asked leads to %q", got.to)
	}
}

type noRoute struct{}

func (noRoute) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("no route to host")
}

func TestACommunityIsForTheCouncilsItsFacilitatorsName(t *testing.T) {
	s := serve(t)
	s.person("Joan Whitlock", store.Ordinary)
	joan := s.signedIn("Joan Whitlock")
	form := []string{"purpose", "Dry homes.", "audience", "members", "join", "open"}
	start := func(more ...string) answer { return joan.post("/communities/new", append(more, form...)...) }
	joan.get("/communities/new").says(t, `name="sharing" value="all" checked`, `name="sharing" value="here"`)
	start("title", "Damp", "sharing", "named", "named", "").says(t, "Enter the councils it is for")
	start("title", "Damp", "sharing", "named", "named", "harlow.example\nnot a council!").says(t, "is not the web address of a council", "harlow.example")
	start("title", "Damp", "sharing", "nobody").says(t, "Choose which councils it is for")
	if got := start("title", "Damp", "sharing", "named", "named", " https://Harlow.example/ \nwigan.example, leeds.example").to; got != "/c/damp" {
		t.Fatalf("starting it leads to %q", got)
	}
	joan.get("/c/damp/about").says(t, "Which councils it is for", "This council and harlow.example, wigan.example, leeds.example")
	settings := joan.get("/c/damp/facilitate/settings")
	settings.says(t, `value="named" checked`, "harlow.example\nwigan.example\nleeds.example</textarea>")
	settings.saysNot(t, `value="here"`)
	joan.post("/c/damp/facilitate/settings", append(form, "title", "Damp", "sharing", "here")...).says(t, "A community for people here alone stays one")
	joan.post("/c/damp/facilitate/settings", append(form, "title", "Damp", "sharing", "all")...)
	joan.get("/c/damp/about").saysNot(t, "Which councils it is for")

	if got := start("title", "Ours", "sharing", "here").to; got != "/c/ours" {
		t.Fatalf("starting it leads to %q", got)
	}
	joan.get("/c/ours/about").says(t, "This council only")
	settings = joan.get("/c/ours/facilitate/settings")
	settings.says(t, "for people at this council only")
	settings.saysNot(t, `name="sharing"`)
	joan.post("/c/ours/facilitate/settings", append(form, "title", "Ours too", "sharing", "all")...)
	joan.get("/c/ours/about").says(t, "Ours too", "This council only")
}

func TestSomebodyStartsACommunity(t *testing.T) {
	s := serve(t)
	s.person("Joan Whitlock", store.Ordinary)
	joan := s.signedIn("Joan Whitlock")
	joan.get("/communities/new").want(t, http.StatusOK, "Start a community", "Who will see this: Anyone can see the name and what it is for.")
	got := joan.post("/communities/new", "title", strings.Repeat("x", 81), "name", "Bad Name", "welcome", "Kept")
	got.want(t, http.StatusUnprocessableEntity, "The name must be 80 characters or fewer", "Say what the community is for",
		"Choose who can read what is said in it", "Choose how people join", "Kept")
	fields := []string{"title", "Tai a dŵr: y tŷ’n oer!", "purpose", "*Dŵr*", "audience", "public", "join", "open"}
	if got := joan.post("/communities/new", fields...); got.to != "/c/tai_a_dwr_y_tyn_oer" {
		t.Errorf("its page is %q: %d %s", got.to, got.status, got.text)
	}
	joan.get("/c/tai_a_dwr_y_tyn_oer").want(t, http.StatusOK, "Tai a dŵr: y tŷ’n oer! is ready")
	got = joan.post("/communities/new", fields...)
	got.want(t, http.StatusUnprocessableEntity, "taken; choose another name")
	got.says(t, `value="tai_a_dwr_y_tyn_oer"`)
	joan.post("/communities/new", append(fields, "name", "admin")...).want(t, http.StatusUnprocessableEntity, "admin is reserved")
	joan.post("/communities/new", append(fields, "name", "not ok")...).want(t, http.StatusUnprocessableEntity, "Use 2 to 30 small letters")
	if got := joan.post("/communities/new", append(fields, "name", "!Oer")...); got.to != "/c/oer" {
		t.Errorf("its page is %q: %d %s", got.to, got.status, got.text)
	}
	joan.get("/c/oer/about").says(t, "<em>Dŵr</em>", "!oer@")
}

func TestSomebodyAsksToJoinAndIsLetIn(t *testing.T) {
	s := serve(t, forum.Section)
	for _, name := range []string{"Joan Whitlock", "Tess Okafor", "Rosa Almeida"} {
		s.person(name, store.Ordinary)
	}
	joan, tess, rosa := s.signedIn("Joan Whitlock"), s.signedIn("Tess Okafor"), s.signedIn("Rosa Almeida")
	joan.post("/communities/new", "title", "Damp", "purpose", "Dry homes.", "audience", "members", "join", "approval", "welcome", "Start *here*.")

	stranger := s.browser().get("/c/damp")
	stranger.want(t, http.StatusOK, "Damp", "Dry homes.", "Members only. 1 person from 1 council.", "Joan Whitlock", "Sign in to join", "Sign in to read")
	stranger.saysNot(t, "/c/damp/forum", "Latest conversations")
	s.browser().get("/c/damp/members").want(t, http.StatusOK, "1 person from 1 council", "Joan Whitlock", "Who the members are is for members to see")
	if got := s.browser().get("/c/damp/join"); got.to != "/sign-in?next=%2Fc%2Fdamp%2Fjoin" {
		t.Errorf("a stranger is led to %q", got.to)
	}
	tess.get("/c/damp").want(t, http.StatusOK, "Ask to join", "Join to read")
	tess.get("/c/damp/join").want(t, http.StatusOK, "Why do you want to join?", "The facilitators of Damp, at Stevenage Borough Council and wherever else they work")
	long := strings.Repeat("x", copse.MaxReason+1)
	got := tess.post("/c/damp/join", "reason", long)
	got.want(t, http.StatusUnprocessableEntity, "The reason must be 1000 characters or fewer")
	got.says(t, long)
	tess.post("/c/damp/join", "reason", "Our first\nwinter <b>here</b>")
	tess.get("/c/damp").want(t, http.StatusOK, "You have asked to join Damp", "Waiting for a facilitator", "Take back your request")
	tess.get("/c/damp").saysNot(t, "You have asked to join", "Join to read")
	tess.get("/communities").want(t, http.StatusOK, "Waiting for a facilitator")
	rosa.post("/c/damp/join")

	requests := joan.get("/c/damp/facilitate/requests")
	requests.want(t, http.StatusOK, "2 people ask to join", "Tess Okafor Policy officer, Stevenage Borough Council", "Our first winter", "Start *here*.", "They did not say why.")
	requests.says(t, "&lt;b&gt;here&lt;/b&gt;")
	for _, path := range []string{"/c/damp/facilitate", "/c/damp/facilitate/requests/1"} {
		if got := joan.get(path); got.to != "/c/damp/facilitate/requests" {
			t.Errorf("%s leads to %q", path, got.to)
		}
	}
	tessID, rosaID := s.id("tess_okafor"), s.id("rosa_almeida")
	joan.post("/c/damp/facilitate/requests/"+tessID, "answer", "accept", "welcome-"+tessID, "Croeso!")
	joan.get("/c/damp/facilitate/requests").want(t, http.StatusOK, "You have let in Tess Okafor")
	tess.get("/c/damp").want(t, http.StatusOK, "Ask a question", "Start a conversation", "Welcome", "Latest conversations", "Leave this community")
	tess.get("/c/damp").says(t, "<em>here</em>")
	tess.get("/c/damp/members").want(t, http.StatusOK, "Joan Whitlock", "Tess Okafor")
	tess.get("/c/damp/members").saysNot(t, "Rosa Almeida")

	joan.post("/c/damp/facilitate/requests/"+rosaID, "answer", "decline").want(t, http.StatusUnprocessableEntity, "Tell Rosa Almeida why you are declining")
	joan.post("/c/damp/facilitate/requests/"+rosaID, "answer", "decline", "words-"+rosaID, "This is for repairs.")
	rosa.get("/c/damp").want(t, http.StatusOK, "Not accepted", "A facilitator declined your request", "Ask to join")
	joan.post("/c/damp/facilitate/requests/"+rosaID, "answer", "accept").want(t, http.StatusUnprocessableEntity, "This request has been dealt with")
	joan.post("/c/damp/facilitate/requests/1", "answer", "accept").want(t, http.StatusNotFound)
	joan.post("/c/damp/facilitate/requests/"+s.id("olga_owner"), "answer", "accept").want(t, http.StatusNotFound)
	rosa.post("/c/damp/join", "reason", "Please")
	rosa.get("/c/damp").want(t, http.StatusOK, "Waiting for a facilitator")
	rosa.get("/c/damp/leave").want(t, http.StatusOK, "Do you want to take back your request to join Damp?")
	rosa.post("/c/damp/leave")
	rosa.get("/c/damp").want(t, http.StatusOK, "You have taken back your request", "Ask to join")
	joan.get("/c/damp/facilitate/requests").want(t, http.StatusOK, "Nobody is waiting to join.")
}

func (s *server) id(name string) (id string) {
	s.t.Helper()
	err := s.DB.View(s.t.Context(), func(tx *store.Tx) error {
		a, err := tx.ActorByName(name)
		if err == nil {
			id = fmt.Sprint(a.ID)
		}
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return id
}

func TestPeopleComeAndGoWhereAnybodyMayJoin(t *testing.T) {
	s := serve(t, forum.Section)
	s.person("Joan Whitlock", store.Ordinary)
	s.person("Tess Okafor", store.Ordinary)
	joan, tess := s.signedIn("Joan Whitlock"), s.signedIn("Tess Okafor")
	joan.post("/communities/new", "title", "Damp", "purpose", "Dry homes.", "audience", "public", "join", "open")
	tess.get("/c/damp/join").want(t, http.StatusOK, "You can read and write at once")
	tess.post("/c/damp/join")
	tess.get("/c/damp").want(t, http.StatusOK, "You have joined Damp", "2 people from 1 council")
	tess.post("/c/damp/join") // a second click changes nothing
	tess.get("/c/damp").want(t, http.StatusOK, "2 people from 1 council")
	tess.get("/c/damp/leave").want(t, http.StatusOK, "Do you want to leave Damp?", "What you have written stays")
	tess.post("/c/damp/leave")
	tess.get("/c/damp").want(t, http.StatusOK, "You have left Damp", "1 person from 1 council", "Join")
	tess.post("/c/damp/leave")
	tess.get("/c/damp").saysNot(t, "You have left")
	joan.post("/c/damp/leave").want(t, http.StatusUnprocessableEntity, "You are the only owner of Damp")
}

func TestFacilitatorsChangeHowACommunityIsRun(t *testing.T) {
	s := serve(t)
	s.person("Joan Whitlock", store.Ordinary)
	joan := s.signedIn("Joan Whitlock")
	joan.post("/communities/new", "title", "Damp", "purpose", "Dry homes.", "audience", "members", "join", "approval")
	joan.get("/c/damp/facilitate/settings").says(t, `value="Damp"`, "Dry homes.</textarea>", `value="members" checked`, "stays for members")
	joan.post("/c/damp/facilitate/settings", "title", "", "purpose", "Kept", "audience", "nonsense", "join", "open").
		want(t, http.StatusUnprocessableEntity, "Enter a name for the community", "Choose who can read", "Kept")
	joan.post("/c/damp/facilitate/settings", "title", "Damp and mould", "purpose", "Dry *homes*.", "audience", "public", "join", "open", "name", "other")
	joan.get("/c/damp").want(t, http.StatusOK, "Your changes are saved", "Damp and mould", "Dry homes.")
	joan.get("/c/damp").saysNot(t, "Members only")
	joan.get("/c/damp/about").want(t, http.StatusOK, "Anyone with an account can join straight away")
}

func TestAnOwnerMakesAMemberAFacilitatorAndBack(t *testing.T) {
	s := serve(t)
	s.person("Joan Whitlock", store.Ordinary)
	tess := s.person("Tess Okafor", store.Ordinary)
	joan, other := s.signedIn("Joan Whitlock"), s.signedIn("Tess Okafor")
	joan.post("/communities/new", "title", "Damp", "purpose", "Dry homes.", "audience", "members", "join", "open")
	other.post("/c/damp/join")
	at := fmt.Sprintf("/c/damp/members/%d/", tess.ID)
	joan.get("/c/damp/members").says(t, "Make a facilitator", at+"facilitator")
	joan.get("/c/damp/members").saysNot(t, "Make an ordinary member")
	other.get("/c/damp/members").saysNot(t, "Make a facilitator")
	other.post(at+"facilitator").want(t, http.StatusNotFound)
	if got := joan.post(at + "facilitator"); got.to != "/c/damp/members" {
		t.Errorf("it leads to %q: %d", got.to, got.status)
	}
	joan.get("/c/damp/members").says(t, "Tess Okafor is a facilitator now.", "Make an ordinary member", at+"ordinary")
	other.get("/c/damp/facilitate/settings").want(t, http.StatusOK)
	other.get("/c/damp/members").saysNot(t, "Make an ordinary member")
	other.post(at+"ordinary").want(t, http.StatusForbidden, "Only an owner of Damp may do this")
	joan.post(at + "ordinary")
	joan.get("/c/damp/members").says(t, "Tess Okafor is an ordinary member now.", "Make a facilitator")
	other.get("/c/damp/facilitate/settings").want(t, http.StatusNotFound)
	joan.post("/c/damp/members/12345/facilitator").want(t, http.StatusNotFound)
}

func TestWhoIsBlockedOrNotInvitedIsToldSo(t *testing.T) {
	s := serve(t)
	tess := s.person("Tess Okafor", store.Ordinary)
	c := s.elsewhere("equality", "Equality", "harlow.example", "Harlow District Council", func(c *copse.Community) {
		c.Join, c.Audience = copse.JoinInvitation, copse.Members
	})
	b := s.signedIn("Tess Okafor")
	b.get("/c/equality@harlow.example").want(t, http.StatusOK, "This community is by invitation only.", "You are reading it from Stevenage Borough Council")
	b.get("/c/equality@harlow.example").saysNot(t, "/c/equality@harlow.example/join")
	if got := b.get("/c/equality@harlow.example/join"); got.to != "/c/equality@harlow.example" {
		t.Errorf("asking to join what one is invited to leads to %q: %d", got.to, got.status)
	}
	err := s.DB.Update(t.Context(), func(tx *store.Tx) error {
		return tx.SetMembership(&copse.Membership{Community: c.ID, Actor: tess.ID, State: copse.Blocked, Since: tx.Now})
	})
	if err != nil {
		t.Fatal(err)
	}
	b.get("/c/equality@harlow.example").want(t, http.StatusOK, "A facilitator of Equality has blocked your account.")
	b.get("/c/equality@harlow.example/facilitate/settings").want(t, http.StatusNotFound)
}

func TestAHomeThatDoesNotAnswerIsReadFromACopy(t *testing.T) {
	s := serve(t)
	s.elsewhere("equality", "Equality", "harlow.example", "Harlow District Council", func(c *copse.Community) {
		c.Fetched = time.Date(2026, 10, 28, 9, 12, 0, 0, time.UTC)
	})
	health := func(state copse.PeerState, heard time.Time) {
		t.Helper()
		err := s.DB.Update(t.Context(), func(tx *store.Tx) error {
			p, err := tx.Peer("harlow.example")
			if err != nil {
				return err
			}
			p.State, p.LastOK = state, heard
			return tx.SetHealth(p)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	s.browser().get("/c/equality@harlow.example").saysNot(t, "is not answering")
	health(copse.PeerFailing, time.Time{})
	s.browser().get("/c/equality@harlow.example/about").want(t, http.StatusOK, "Harlow District Council is not answering",
		"You are reading a copy from 28 October 2026, 9.12am. New posts will be sent when it is back.")
	health(copse.PeerDormant, time.Date(2026, 10, 29, 14, 0, 0, 0, time.UTC))
	s.browser().get("/c/equality@harlow.example/members").want(t, http.StatusOK, "You are reading a copy from 29 October 2026, 2pm.")
	health(copse.PeerOK, time.Now())
	s.browser().get("/c/equality@harlow.example?again").saysNot(t, "is not answering")
}

func TestCommunitiesSpeakWelsh(t *testing.T) {
	s := serve(t, forum.Section)
	s.person("Joan Whitlock", store.Ordinary)
	joan := s.signedIn("Joan Whitlock")
	joan.header.Set("Accept-Language", "cy")
	joan.post("/communities/new").want(t, http.StatusUnprocessableEntity, "Rhowch enw i’r gymuned")
	joan.post("/communities/new", "title", "Tai", "purpose", "Cartrefi sych.", "audience", "members", "join", "approval")
	joan.get("/communities").want(t, http.StatusOK, "Pob cymuned", "1 person o 1 cyngor", "Prysur heddiw", "Rydych yn hwylusydd")
	joan.get("/c/tai").want(t, http.StatusOK, "aelodau’n unig", "Gofyn cwestiwn")
	joan.get("/c/tai/facilitate/requests").want(t, http.StatusOK, "Ceisiadau i ymuno")
	joan.get("/c/tai/leave").want(t, http.StatusOK, "Ydych chi am adael Tai?")
}

func TestAFacilitatorBlocksAMemberAndLetsThemBackIn(t *testing.T) {
	s := serve(t)
	s.person("Joan Whitlock", store.Ordinary)
	tess := s.person("Tess Okafor", store.Ordinary)
	joan, other := s.signedIn("Joan Whitlock"), s.signedIn("Tess Okafor")
	joan.post("/communities/new", "title", "Damp", "purpose", "Dry homes.", "audience", "public", "join", "open")
	other.post("/c/damp/join")
	at := fmt.Sprintf("/c/damp/members/%d/", tess.ID)
	other.get("/c/damp/members").saysNot(t, "/block")
	other.get(at+"block").want(t, http.StatusNotFound)
	other.post(at+"block", "reason", "x", "length", "good").want(t, http.StatusNotFound)
	joan.get("/c/damp/members").says(t, at+"block")
	joan.get(at+"block").want(t, http.StatusOK, "Do you want to block Tess Okafor?", "Remove everything they wrote")
	joan.post(at+"block", "length", "week").want(t, http.StatusUnprocessableEntity, "Say why you are blocking this person")
	joan.post(at+"block", "reason", "Advertising").want(t, http.StatusUnprocessableEntity, "Choose how long")
	if got := joan.post(at+"block", "reason", "Advertising", "length", "week"); got.to != "/c/damp/members" {
		t.Errorf("it leads to %q: %d", got.to, got.status)
	}
	joan.get("/c/damp/members").says(t, "Tess Okafor is blocked", "Let back in", "Until ", "Advertising")
	other.get("/c/damp").says(t, "A facilitator of Damp has blocked your account.", "This ends on ", "They wrote: Advertising")
	other.get("/c/damp").saysNot(t, "/c/damp/join")
	other.post("/c/damp/join").want(t, http.StatusUnprocessableEntity, "Your account is blocked in Damp")
	other.get("/c/damp/members").saysNot(t, "Let back in", "Advertising")
	other.post(at+"unblock").want(t, http.StatusNotFound)
	joan.post(at + "unblock")
	joan.get("/c/damp/members").says(t, "Tess Okafor can join again")
	other.post("/c/damp/join")
	other.get("/c/damp/members").says(t, "Tess Okafor")
	joan.post(at+"block", "reason", "Again", "length", "good", "all", "yes")
	joan.get("/c/damp/members").says(t, "For good. Again")
}
