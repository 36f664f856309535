package hub_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"copse/copse"
	"copse/hub"
	"copse/store"
	"copse/store/storetest"
)

// A place is a server with a community of its own and one that lives elsewhere,
// ann and bob in both, a facilitator mod of its own one, and a stranger eve.
type place struct {
	t            *testing.T
	hub          *hub.Hub
	trees, seeds *copse.Community
	people       map[string]*copse.Actor
}

// wire writes just enough for a test to see what was sent.
type wire struct{}

func (wire) Marshal(_ *store.Tx, act *copse.Activity) ([]byte, error) {
	if act.Inner != nil {
		return fmt.Appendf(nil, "%s %s", act.Type, act.Inner.Type), nil
	}
	return []byte(act.Type), nil
}

func newPlace(t *testing.T, db *store.DB) *place {
	t.Helper()
	kinds := copse.Kinds{"topic": {Name: "topic"}, "reply": {Name: "reply", Reply: true}}
	p := &place{
		t: t, hub: &hub.Hub{DB: db, Kinds: kinds, Wire: wire{}, Base: "https://york.example"},
		people: make(map[string]*copse.Actor),
	}
	for _, name := range []string{"ann", "bob", "mod", "eve"} {
		a := &copse.Actor{Name: name, Title: name}
		err := p.hub.Register(t.Context(), a, &store.Account{Email: name + "@york.example", Role: store.Ordinary}, nil)
		if err != nil {
			t.Fatal(err)
		}
		p.people[name] = a
	}
	p.trees = &copse.Community{Actor: copse.Actor{Name: "trees", Title: "Trees"}, Join: copse.JoinOpen, Audience: copse.Members, Posting: copse.Member}
	if err := p.hub.Found(t.Context(), p.people["mod"], p.trees); err != nil {
		t.Fatal(err)
	}
	p.seeds = p.remoteCommunity("leeds.example", "seeds")
	for _, name := range []string{"ann", "bob"} {
		p.must(p.hub.Join(t.Context(), p.people[name], &p.trees.Actor, ""))
		p.must(p.hub.Join(t.Context(), p.people[name], &p.seeds.Actor, ""))
		p.must(p.hub.Perform(t.Context(), &copse.Activity{
			URI: "https://leeds.example/accept/" + name, Type: "Accept", Actor: &p.seeds.Actor,
			Inner: &copse.Activity{Type: "Follow", Actor: p.people[name], Subject: &p.seeds.Actor},
		}))
	}
	return p
}

func (p *place) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p *place) remoteCommunity(host, name string) *copse.Community {
	p.t.Helper()
	c := &copse.Community{Actor: *remote(host, "c", name, copse.Group), Join: copse.JoinOpen, Audience: copse.Members, Posting: copse.Member}
	p.must(p.hub.Learn(p.t.Context(), &c.Actor, c))
	return c
}

func (p *place) remotePerson(host, name string) *copse.Actor {
	p.t.Helper()
	a := remote(host, "u", name, copse.Person)
	p.must(p.hub.Learn(p.t.Context(), a, nil))
	return a
}

func remote(host, path, name string, typ copse.ActorType) *copse.Actor {
	uri := "https://" + host + "/" + path + "/" + name
	return &copse.Actor{Type: typ, URI: uri, Name: name, Host: host, Title: name, Inbox: uri + "/inbox"}
}

func (p *place) topic(by string, in *copse.Community) *copse.Object {
	p.t.Helper()
	o := &copse.Object{Kind: "topic", Community: in.ID, Title: "Ash", HTML: "<p>Sick?</p>"}
	p.must(p.hub.Post(p.t.Context(), p.people[by], o))
	return p.object(o.URI)
}

func (p *place) object(uri string) (o *copse.Object) {
	p.t.Helper()
	p.view(func(tx *store.Tx) (err error) {
		o, err = tx.ObjectByURI(uri)
		return err
	})
	return o
}

func (p *place) view(fn func(*store.Tx) error) {
	p.t.Helper()
	p.must(p.hub.DB.View(p.t.Context(), fn))
}

func (p *place) state(c *copse.Community, who *copse.Actor) (s copse.State) {
	p.t.Helper()
	p.view(func(tx *store.Tx) error {
		m, err := tx.Membership(c.ID, who.ID)
		if err == nil {
			s = m.State
		}
		return err
	})
	return s
}

// sent returns what is addressed to the server at host alone, in order.
func (p *place) sent(host string) (bodies []string) {
	p.t.Helper()
	p.view(func(tx *store.Tx) error {
		peer, err := tx.Peer(host)
		if copse.CodeOf(err) == copse.CodeNotFound {
			return nil
		}
		if err != nil {
			return err
		}
		extras, err := tx.Extras(peer.ID, 100)
		for _, e := range extras {
			bodies = append(bodies, string(e.Body))
		}
		return err
	})
	return bodies
}

func each(t *testing.T, test func(*testing.T, *place)) {
	storetest.Each(t, func(t *testing.T, db *store.DB) { test(t, newPlace(t, db)) })
}

func TestMembersCreateAndOthersDoNot(t *testing.T) {
	each(t, func(t *testing.T, p *place) {
		for _, tt := range []struct {
			by   string
			in   *copse.Community
			want copse.Code
		}{
			{"ann", p.trees, 0}, {"mod", p.trees, 0}, {"eve", p.trees, copse.CodeForbidden},
			{"ann", p.seeds, 0}, {"eve", p.seeds, copse.CodeForbidden},
		} {
			err := p.hub.Post(t.Context(), p.people[tt.by], &copse.Object{Kind: "topic", Community: tt.in.ID, Title: "Ash"})
			if copse.CodeOf(err) != tt.want || (err == nil) != (tt.want == 0) {
				t.Errorf("%s in %s: %v, want code %d", tt.by, tt.in.Name, err, tt.want)
			}
		}
		if got := p.sent("leeds.example"); strings.Join(got, ", ") != "Follow, Follow, Create" {
			t.Errorf("Leeds is sent %q", got)
		}
	})
}

func TestWhatIsSubmittedElsewhereWaitsUntilItComesBack(t *testing.T) {
	each(t, func(t *testing.T, p *place) {
		o := p.topic("ann", p.seeds)
		if !o.Accepted.IsZero() {
			t.Fatal("it counts as taken although its community has not said so")
		}
		announce := func(by *copse.Actor) error {
			return p.hub.Perform(t.Context(), &copse.Activity{
				URI: by.URI + "/announce/1", Type: "Announce", Actor: by,
				Inner: &copse.Activity{URI: o.URI + "#create", Type: "Create", Actor: p.people["ann"], Object: &copse.Object{URI: o.URI}},
			})
		}
		other := p.remoteCommunity("hull.example", "seeds")
		if err := announce(&other.Actor); copse.CodeOf(err) != copse.CodeForbidden {
			t.Errorf("another community takes it: %v, want it forbidden", err)
		}
		if err := announce(&p.seeds.Actor); err != nil {
			t.Fatal(err)
		}
		if p.object(o.URI).Accepted.IsZero() {
			t.Error("it came back and still counts as waiting")
		}
	})
}

// A peer that delivers twice, as many do, changes nothing the second time.
func TestPerformingTwiceIsPerformingOnce(t *testing.T) {
	each(t, func(t *testing.T, p *place) {
		cat := p.remotePerson("hull.example", "cat")
		follow := &copse.Activity{URI: "https://hull.example/f/1", Type: "Follow", Actor: cat, Subject: &p.trees.Actor}
		create := func() *copse.Activity {
			return &copse.Activity{
				URI: "https://hull.example/a/1", Type: "Create", Actor: cat,
				Object: &copse.Object{
					ID: store.NewID(), URI: "https://hull.example/o/1", Kind: "topic", Community: p.trees.ID, Author: cat.ID, Title: "Oak",
				},
			}
		}
		for range 2 {
			p.must(p.hub.Perform(t.Context(), follow))
			p.must(p.hub.Perform(t.Context(), create()))
		}
		again := create()
		again.URI = "https://hull.example/a/2" // the same thing by another activity
		p.must(p.hub.Perform(t.Context(), again))
		p.view(func(tx *store.Tx) error {
			posts, err := tx.Newest(copse.Viewer{Actor: p.people["ann"].ID}, p.trees.ID, "topic", 0, 10)
			if len(posts) != 1 {
				t.Errorf("there are %d topics, want one", len(posts))
			}
			if err != nil {
				return err
			}
			out, err := tx.OutboxAfter(0, 100)
			creates := 0
			for _, o := range out {
				if string(o.Body) == "Announce Create" {
					creates++
				}
			}
			if creates != 1 {
				t.Errorf("it was announced %d times, want once", creates)
			}
			return err
		})
	})
}

// A double click on "Post", and a reload of what followed after a restart.
func TestAFormSentTwicePostsOnce(t *testing.T) {
	each(t, func(t *testing.T, p *place) {
		ann := p.people["ann"]
		post := func(form, title string) copse.ID {
			o := &copse.Object{Kind: "topic", Community: p.trees.ID, Title: title, HTML: "<p>Sick?</p>"}
			if err := p.hub.PostOnce(t.Context(), ann, o, form); err != nil {
				t.Error(err)
			}
			return o.ID
		}
		var (
			made   [4]copse.ID
			clicks sync.WaitGroup
		)
		for i := range made {
			clicks.Go(func() { made[i] = post("form", "Ash") })
		}
		clicks.Wait()
		p.hub = &hub.Hub{DB: p.hub.DB, Kinds: p.hub.Kinds, Wire: wire{}, Base: p.hub.Base}
		for _, id := range append(made[:], post("form", "Ash")) {
			if id != made[0] || id == 0 {
				t.Errorf("one form led to %d and to %d", made[0], id)
			}
		}
		for _, other := range [][2]string{{"form", "Oak"}, {"another form", "Ash"}, {"", "Ash"}, {"", "Ash"}} {
			if post(other[0], other[1]) == made[0] {
				t.Errorf("%q from form %q passes for what was posted before", other[1], other[0])
			}
		}
		o := &copse.Object{Kind: "topic", Community: p.trees.ID, Title: "Ash", HTML: "<p>Sick?</p>"}
		p.must(p.hub.PostOnce(t.Context(), p.people["bob"], o, "form"))
		p.view(func(tx *store.Tx) error {
			posts, err := tx.Newest(copse.Viewer{Actor: ann.ID}, p.trees.ID, "topic", 0, 20)
			if len(posts) != 6 {
				t.Errorf("there are %d conversations, want 6", len(posts))
			}
			return err
		})
	})
}

func TestAuthorsEditAndHistoryStays(t *testing.T) {
	each(t, func(t *testing.T, p *place) {
		topic := p.topic("ann", p.trees)
		for _, tt := range []struct {
			by   string
			want copse.Code
		}{{"bob", copse.CodeForbidden}, {"mod", copse.CodeForbidden}, {"eve", copse.CodeForbidden}, {"ann", 0}} {
			o := *topic
			o.Title = "Ash dieback"
			o.Author = p.people[tt.by].ID // whatever an activity says, authors stay who they were
			err := p.hub.Edit(t.Context(), p.people[tt.by], &o)
			if copse.CodeOf(err) != tt.want || (err == nil) != (tt.want == 0) {
				t.Errorf("%s edits: %v, want code %d", tt.by, err, tt.want)
			}
		}
		again := p.object(topic.URI)
		before := again.Edited
		again.HTML = "<p>Very sick"
		p.must(p.hub.Edit(t.Context(), p.people["ann"], again))
		if now := p.object(topic.URI); !now.Edited.After(before) {
			t.Errorf("edited again, it says it was at %v, as before", now.Edited)
		}
		now := p.object(topic.URI)
		if now.Title != "Ash dieback" || now.Author != p.people["ann"].ID || now.Edited.IsZero() {
			t.Errorf("after the edit it is %q by %d, edited %v", now.Title, now.Author, now.Edited)
		}
		p.view(func(tx *store.Tx) error {
			was, err := tx.Revisions(topic.ID)
			if len(was) != 2 || was[1].Title != "Ash" {
				t.Errorf("its history is %+v, want what it said first", was)
			}
			return err
		})
	})
}

func TestAnAnswerIsAReplyInTheSameConversation(t *testing.T) {
	each(t, func(t *testing.T, p *place) {
		topic, other := p.topic("ann", p.trees), p.topic("ann", p.trees)
		reply := &copse.Object{Kind: "reply", Parent: topic.ID, HTML: "<p>Yes</p>"}
		p.must(p.hub.Post(t.Context(), p.people["bob"], reply))
		mine, theirs := *topic, *other
		mine.Answer, theirs.Answer = reply.ID, reply.ID
		if err := p.hub.Edit(t.Context(), p.people["ann"], &theirs); copse.CodeOf(err) != copse.CodeInvalid {
			t.Errorf("a reply from another conversation is taken as the answer: %v", err)
		}
		p.must(p.hub.Edit(t.Context(), p.people["ann"], &mine))
		p.must(p.hub.Remove(t.Context(), p.people["bob"], reply, ""))
		if got := p.object(topic.URI); got.Answer != 0 || got.Replies != 0 {
			t.Errorf("with the reply gone the answer is %d and there are %d replies, want none", got.Answer, got.Replies)
		}
	})
}

func TestAuthorsAndFacilitatorsRemove(t *testing.T) {
	each(t, func(t *testing.T, p *place) {
		for _, tt := range []struct {
			by, reason string
			want       copse.Code
			removed    bool
		}{
			{"ann", "", 0, false}, {"mod", "off topic", 0, true},
			{"mod", "", copse.CodeInvalid, false}, {"bob", "because", copse.CodeForbidden, false}, {"eve", "because", copse.CodeForbidden, false},
		} {
			topic := p.topic("ann", p.trees)
			err := p.hub.Remove(t.Context(), p.people[tt.by], topic, tt.reason)
			if copse.CodeOf(err) != tt.want || (err == nil) != (tt.want == 0) {
				t.Errorf("%s removes, saying %q: %v, want code %d", tt.by, tt.reason, err, tt.want)
			}
			if got := p.object(topic.URI); err == nil && (got.Deleted.IsZero() || got.HTML != "" || got.Removed != tt.removed) {
				t.Errorf("%s removed it: deleted %v, text %q, by a facilitator %v", tt.by, got.Deleted, got.HTML, got.Removed)
			}
		}
	})
}

func TestOwnersMakeMembersFacilitatorsAndBack(t *testing.T) {
	each(t, func(t *testing.T, p *place) {
		owner, ann, bob, eve := p.people["mod"], p.people["ann"], p.people["bob"], p.people["eve"]
		role := func(c *copse.Community, a *copse.Actor) (r copse.Role) {
			p.view(func(tx *store.Tx) error {
				m, err := tx.Membership(c.ID, a.ID)
				if err == nil {
					r = m.Role
				}
				return err
			})
			return r
		}
		for i, tt := range []struct {
			by, who     *copse.Actor
			facilitator bool
			want        copse.Code
			role        copse.Role
		}{
			{bob, ann, true, copse.CodeForbidden, copse.Member},
			{eve, ann, true, copse.CodeForbidden, copse.Member},
			{owner, eve, true, copse.CodeConflict, copse.Guest},
			{owner, owner, false, copse.CodeForbidden, copse.Owner},
			{owner, ann, true, 0, copse.Moderator},
			{owner, ann, true, 0, copse.Moderator}, // clicked twice
			{ann, bob, true, copse.CodeForbidden, copse.Member},
			{ann, ann, false, copse.CodeForbidden, copse.Moderator},
			{owner, ann, false, 0, copse.Member},
			{owner, ann, false, 0, copse.Member},
		} {
			err := p.hub.Appoint(t.Context(), tt.by, p.trees, tt.who, tt.facilitator)
			if copse.CodeOf(err) != tt.want || (err == nil) != (tt.want == 0) {
				t.Errorf("%d: %v, want code %d", i, err, tt.want)
			}
			if got := role(p.trees, tt.who); got != tt.role {
				t.Errorf("%d: %s has the role %d, want %d", i, tt.who.Name, got, tt.role)
			}
		}
		p.view(func(tx *store.Tx) error {
			out, err := tx.OutboxAfter(0, 100)
			var said []string
			for _, o := range out {
				if o.Type == "Add" || o.Type == "Remove" {
					said = append(said, string(o.Body))
				}
			}
			if got := strings.Join(said, ", "); got != "Announce Add, Announce Remove" {
				t.Errorf("the members' councils are told %q", got)
			}
			return err
		})

		// Elsewhere it is for the home to say, and nobody here is asked.
		if err := p.hub.Appoint(t.Context(), ann, p.seeds, bob, true); copse.CodeOf(err) != copse.CodeForbidden {
			t.Errorf("Ann makes somebody a facilitator in Leeds: %v", err)
		}
		said := func(by *copse.Community, about *copse.Community) error {
			return p.hub.Perform(t.Context(), &copse.Activity{
				URI: by.URI + "/announce/" + about.Name + about.Host, Type: "Announce", Actor: &by.Actor,
				Inner: &copse.Activity{URI: by.URI + "/add/" + about.Name + about.Host, Type: "Add", Actor: &by.Actor, Subject: bob, Community: about},
			})
		}
		other := p.remoteCommunity("hull.example", "seeds")
		for _, about := range []*copse.Community{p.seeds, p.trees} {
			if err := said(other, about); copse.CodeOf(err) != copse.CodeForbidden {
				t.Errorf("another community says who looks after %s: %v", about.URI, err)
			}
		}
		p.must(said(p.seeds, p.seeds))
		p.must(said(other, other))
		for c, want := range map[*copse.Community]copse.Role{p.seeds: copse.Moderator, p.trees: copse.Member, other: copse.Guest} {
			if got := role(c, bob); got != want {
				t.Errorf("in %s Bob has the role %d, want %d", c.URI, got, want)
			}
		}
	})
}

// So it does if a facilitator did it, who may put it back with its words.
func TestWhatWasRemovedBeforeItArrivedCanComeBack(t *testing.T) {
	each(t, func(t *testing.T, p *place) {
		cat := p.remotePerson("hull.example", "cat")
		lead := p.remotePerson("leeds.example", "lead")
		uri := "https://hull.example/o/1"
		said := func(n int, act *copse.Activity) {
			t.Helper()
			act.URI, act.Via = fmt.Sprintf("https://leeds.example/a/%d", n), &p.seeds.Actor
			p.must(p.hub.Perform(t.Context(), &copse.Activity{
				URI: fmt.Sprintf("https://leeds.example/announce/%d", n), Type: "Announce", Actor: &p.seeds.Actor, Inner: act,
			}))
		}
		removal := &copse.Activity{Type: "Delete", Actor: lead, Object: &copse.Object{URI: uri}, Reason: "off the point"}
		said(1, removal)
		said(2, &copse.Activity{Type: "Create", Actor: cat, Object: &copse.Object{
			ID: store.NewID(), URI: uri, Kind: "topic", Community: p.seeds.ID, Author: cat.ID, Title: "Oak", HTML: "<p>Tall",
		}})
		if o := p.object(uri); o.Deleted.IsZero() || !o.Removed || o.Title != "" {
			t.Errorf("what was removed arrives as %+v", o)
		}
		said(3, &copse.Activity{Type: "Undo", Actor: lead, Inner: removal})
		if o := p.object(uri); !o.Deleted.IsZero() || o.Title != "Oak" {
			t.Errorf("what was put back is %+v", o)
		}
	})
}

// A Delete can overtake the Create it belongs to.
func TestDeletedStaysDeletedWhenItArrivesLate(t *testing.T) {
	each(t, func(t *testing.T, p *place) {
		cat := p.remotePerson("hull.example", "cat")
		p.must(p.hub.Perform(t.Context(), &copse.Activity{URI: "https://hull.example/f/1", Type: "Follow", Actor: cat, Subject: &p.trees.Actor}))
		uri := "https://hull.example/o/1"
		p.must(p.hub.Perform(t.Context(), &copse.Activity{URI: uri + "#delete", Type: "Delete", Actor: cat, Object: &copse.Object{URI: uri}}))
		p.must(p.hub.Perform(t.Context(), &copse.Activity{
			URI: uri + "#create", Type: "Create", Actor: cat,
			Object: &copse.Object{ID: store.NewID(), URI: uri, Kind: "topic", Community: p.trees.ID, Author: cat.ID, Title: "Oak"},
		}))
		p.view(func(tx *store.Tx) error {
			o, err := tx.ObjectByURI(uri)
			if err == nil && (o.Deleted.IsZero() || o.Title != "") {
				t.Errorf("it came to life: %+v", o)
			}
			return err // its place stays, for what answers it
		})
	})
}

func TestHelpfulCountsOnceAndCanBeTakenBack(t *testing.T) {
	each(t, func(t *testing.T, p *place) {
		topic := p.topic("ann", p.trees)
		for range 2 {
			p.must(p.hub.Like(t.Context(), p.people["bob"], topic, true))
		}
		p.must(p.hub.Like(t.Context(), p.people["mod"], topic, true))
		if got := p.object(topic.URI).Likes; got != 2 {
			t.Errorf("two people, %d marks", got)
		}
		for range 2 {
			p.must(p.hub.Like(t.Context(), p.people["bob"], topic, false))
		}
		if got := p.object(topic.URI).Likes; got != 1 {
			t.Errorf("one person left, %d marks", got)
		}
		if err := p.hub.Like(t.Context(), p.people["eve"], topic, true); copse.CodeOf(err) != copse.CodeForbidden {
			t.Errorf("a stranger's mark: %v, want it forbidden", err)
		}
	})
}

func TestJoiningAndLeaving(t *testing.T) {
	each(t, func(t *testing.T, p *place) {
		eve, mod := p.people["eve"], p.people["mod"]
		asking := &copse.Community{Actor: copse.Actor{Name: "asking", Title: "Asking"}, Join: copse.JoinApproval, Audience: copse.Members, Posting: copse.Member}
		p.must(p.hub.Found(t.Context(), mod, asking))
		invited := &copse.Community{Actor: copse.Actor{Name: "invited", Title: "Invited"}, Join: copse.JoinInvitation, Audience: copse.Members, Posting: copse.Member}
		p.must(p.hub.Found(t.Context(), mod, invited))

		p.must(p.hub.Join(t.Context(), eve, &p.trees.Actor, ""))
		p.must(p.hub.Join(t.Context(), eve, &asking.Actor, "curious"))
		if err := p.hub.Join(t.Context(), eve, &invited.Actor, ""); copse.CodeOf(err) != copse.CodeForbidden {
			t.Errorf("joining by invitation only: %v, want it forbidden", err)
		}
		if a, b := p.state(p.trees, eve), p.state(asking, eve); a != copse.Active || b != copse.Pending {
			t.Errorf("eve is %q where it is open and %q where somebody decides", a, b)
		}
		if err := p.hub.Decide(t.Context(), p.people["ann"], asking, eve, true, ""); copse.CodeOf(err) != copse.CodeForbidden {
			t.Errorf("a member lets her in: %v, want it forbidden", err)
		}
		p.must(p.hub.Decide(t.Context(), mod, asking, eve, true, "welcome"))
		if got := p.state(asking, eve); got != copse.Active {
			t.Errorf("once let in eve is %q", got)
		}
		p.must(p.hub.Leave(t.Context(), eve, &asking.Actor))
		if got := p.state(asking, eve); got != copse.Left {
			t.Errorf("once she left eve is %q", got)
		}
		if err := p.hub.Decide(t.Context(), mod, asking, eve, true, ""); copse.CodeOf(err) != copse.CodeConflict {
			t.Errorf("letting in who did not ask: %v, want a conflict", err)
		}
		if err := p.hub.Leave(t.Context(), mod, &asking.Actor); copse.CodeOf(err) != copse.CodeForbidden {
			t.Errorf("the only owner leaves: %v, want it forbidden", err)
		}
	})
}

func TestLeavingACommunityElsewhereTellsItsHome(t *testing.T) {
	each(t, func(t *testing.T, p *place) {
		p.must(p.hub.Leave(t.Context(), p.people["ann"], &p.seeds.Actor))
		if got := p.state(p.seeds, p.people["ann"]); got != copse.Left {
			t.Errorf("ann is %q", got)
		}
		if got := p.sent("leeds.example"); got[len(got)-1] != "Undo Follow" {
			t.Errorf("Leeds is sent %q", got)
		}
	})
}

func TestOnlyTheCommunityAskedMayAnswer(t *testing.T) {
	each(t, func(t *testing.T, p *place) {
		eve := p.people["eve"]
		p.must(p.hub.Join(t.Context(), eve, &p.seeds.Actor, ""))
		other := p.remoteCommunity("hull.example", "seeds")
		for i, tt := range []struct {
			name    string
			actor   *copse.Actor
			subject *copse.Actor
			want    copse.Code
		}{
			{"another community, about this one", &other.Actor, &p.seeds.Actor, copse.CodeForbidden},
			{"another community, about itself", &other.Actor, &other.Actor, copse.CodeConflict},
			{"the one asked", &p.seeds.Actor, &p.seeds.Actor, 0},
		} {
			err := p.hub.Perform(t.Context(), &copse.Activity{
				URI: fmt.Sprintf("%s/accept/%d", tt.actor.URI, i), Type: "Accept", Actor: tt.actor,
				Inner: &copse.Activity{Type: "Follow", Actor: eve, Subject: tt.subject},
			})
			if copse.CodeOf(err) != tt.want || (err == nil) != (tt.want == 0) {
				t.Errorf("%s: %v, want code %d", tt.name, err, tt.want)
			}
		}
		if got := p.state(p.seeds, eve); got != copse.Active {
			t.Errorf("eve is %q", got)
		}
	})
}

// What is said in a community elsewhere is what its home passes on.
func TestNothingHappensElsewhereWithoutItsHomeSayingSo(t *testing.T) {
	each(t, func(t *testing.T, p *place) {
		cat := p.remotePerson("hull.example", "cat")
		create := func(n int, via *copse.Actor) *copse.Activity {
			uri := fmt.Sprintf("https://hull.example/o/%d", n)
			return &copse.Activity{
				URI: uri + "#create", Type: "Create", Actor: cat, Via: via,
				Object: &copse.Object{ID: store.NewID(), URI: uri, Kind: "topic", Community: p.seeds.ID, Author: cat.ID, Title: "Oak"},
			}
		}
		if err := p.hub.Perform(t.Context(), create(1, nil)); copse.CodeOf(err) != copse.CodeForbidden {
			t.Errorf("straight from its author: %v, want it forbidden", err)
		}
		other := p.remoteCommunity("hull.example", "other")
		announced := func(by *copse.Actor, n int) error {
			return p.hub.Perform(t.Context(), &copse.Activity{
				URI: fmt.Sprintf("%s/announce/%d", by.URI, n), Type: "Announce", Actor: by, Inner: create(n, nil),
			})
		}
		if err := announced(&other.Actor, 2); copse.CodeOf(err) != copse.CodeForbidden {
			t.Errorf("announced by another community: %v, want it forbidden", err)
		}
		if err := announced(&p.trees.Actor, 3); copse.CodeOf(err) != copse.CodeForbidden {
			t.Errorf("announced as by our own: %v, want it forbidden", err)
		}
		if err := announced(&p.seeds.Actor, 4); err != nil {
			t.Errorf("announced by its home: %v", err)
		}
	})
}

func TestNamesAreSharedAndSomeReserved(t *testing.T) {
	each(t, func(t *testing.T, p *place) {
		for name, want := range map[string]copse.Code{
			"ann": copse.CodeInvalid, "admin": copse.CodeInvalid, "A": copse.CodeInvalid, "tree-s": copse.CodeInvalid,
			"york_trees": 0,
		} {
			c := &copse.Community{Actor: copse.Actor{Name: name, Title: "Trees"}, Join: copse.JoinOpen, Audience: copse.Public, Posting: copse.Member}
			err := p.hub.Found(t.Context(), p.people["mod"], c)
			if copse.CodeOf(err) != want || (err == nil) != (want == 0) {
				t.Errorf("a community called %q: %v, want code %d", name, err, want)
			}
		}
	})
}

// Ids of remote objects come from their time and URI, so one may be in the way of
// an id minted here; the number in an address must still be the object's own.
func TestAddressOfAPostCarriesItsOwnNumber(t *testing.T) {
	each(t, func(t *testing.T, p *place) {
		cat := p.remotePerson("hull.example", "cat")
		at := time.Now().Add(-time.Hour).Truncate(time.Millisecond)
		p.must(p.hub.DB.Update(t.Context(), func(tx *store.Tx) error {
			for n := range 1024 { // every other id of that millisecond
				err := tx.AddObject(&copse.Object{
					ID: copse.ID(at.UnixMilli()*2048 + int64(2*n)), URI: fmt.Sprintf("https://hull.example/o/%d", n), Kind: "topic",
					Community: p.trees.ID, Author: cat.ID, Title: "Oak", Audience: copse.Members, Published: at,
				})
				if err != nil {
					return err
				}
			}
			return nil
		}))
		for range 10 {
			o := &copse.Object{Kind: "topic", Community: p.trees.ID, Title: "Ash", Published: at}
			err := p.hub.Post(t.Context(), p.people["ann"], o)
			if copse.CodeOf(err) == copse.CodeConflict {
				continue // five tries in a row met one that is taken
			}
			p.must(err)
			if got := p.object(o.URI); o.URI != fmt.Sprintf("https://york.example/post/%d", got.ID) {
				t.Errorf("%s is number %d", o.URI, got.ID)
			}
		}
	})
}

func TestFacilitatorsPutBackWhatWasRemoved(t *testing.T) {
	each(t, func(t *testing.T, p *place) {
		for _, tt := range []struct {
			by   string
			want copse.Code
		}{{"mod", 0}, {"ann", copse.CodeForbidden}, {"bob", copse.CodeForbidden}, {"eve", copse.CodeForbidden}} {
			topic := p.topic("ann", p.trees)
			said := *topic
			p.must(p.hub.Remove(t.Context(), p.people["mod"], topic, "off topic"))
			for range 2 { // clicked twice
				if err := p.hub.Restore(t.Context(), p.people[tt.by], p.object(topic.URI)); copse.CodeOf(err) != tt.want {
					t.Errorf("%s puts it back: %v, want code %d", tt.by, err, tt.want)
				}
			}
			if got := p.object(topic.URI); got.Deleted.IsZero() != (tt.want == 0) || (got.Title == said.Title && got.HTML == said.HTML) != (tt.want == 0) {
				t.Errorf("%s puts it back: %+v", tt.by, got)
			}
		}
		own := p.topic("ann", p.trees)
		p.must(p.hub.Remove(t.Context(), p.people["ann"], own, ""))
		for _, by := range []string{"ann", "mod"} {
			if err := p.hub.Restore(t.Context(), p.people[by], p.object(own.URI)); copse.CodeOf(err) != copse.CodeForbidden {
				t.Errorf("%s brings back what Ann deleted: %v", by, err)
			}
		}
	})
}
