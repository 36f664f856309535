package federation_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"copse/copse"
	"copse/hub"
	"copse/store"
)

// A filed is a case as a test compares it.
type filed struct {
	Of       string // the URI of what was reported
	In       string // the community, "" for a person
	Reports  []string
	Outcome  copse.Outcome
	Words    string
	ClosedBy string
}

// cases are all that have been reported at a town, what is open first.
func (w *town) cases() (all []filed) {
	w.t.Helper()
	w.view(func(tx *store.Tx) error {
		open, err := tx.AllCases(100)
		if err != nil {
			return err
		}
		closed, err := tx.AllDealtWith(100)
		if err != nil {
			return err
		}
		for _, k := range append(open, closed...) {
			f := filed{Outcome: k.Outcome, Words: k.Words}
			subject, err := tx.Actor(k.Subject)
			if err != nil {
				return err
			}
			f.Of = subject.URI
			if k.Object != 0 {
				o, err := tx.Object(k.Object)
				if err != nil {
					return err
				}
				c, err := tx.Actor(k.Community)
				if err != nil {
					return err
				}
				f.Of, f.In = o.URI, c.URI
			}
			reports, err := tx.Reports(k.ID, 100)
			if err != nil {
				return err
			}
			for _, r := range reports {
				by, err := tx.Actor(r.Reporter)
				if err != nil {
					return err
				}
				f.Reports = append(f.Reports, strings.TrimSpace(fmt.Sprint(by.URI, " ", r.Category, " ", r.Reason)))
			}
			if k.ClosedBy != 0 {
				by, err := tx.Actor(k.ClosedBy)
				if err != nil {
					return err
				}
				f.ClosedBy = by.URI
			}
			all = append(all, f)
		}
		return nil
	})
	return all
}

func (f filed) String() string {
	return fmt.Sprintf("%+q", [...]any{f.Of, f.In, f.Reports, f.Outcome, f.Words, f.ClosedBy})
}

// reported fails unless a town has these cases.
func (w *town) reported(what string, want ...filed) {
	w.t.Helper()
	if got := fmt.Sprint(w.cases()); got != fmt.Sprint(want) {
		w.t.Errorf("%s: at %s the cases are\n%s\nwant\n%s", what, w.host, got, fmt.Sprint(want))
	}
}

func (w *town) caseID() (id copse.ID) {
	w.t.Helper()
	w.view(func(tx *store.Tx) error {
		open, err := tx.AllCases(1)
		if err == nil && len(open) > 0 {
			id = open[0].ID
		}
		return err
	})
	return id
}

// What somebody at Wigan reports of what somebody at Stevenage said at Harlow those
// who look after the community read, at Harlow and at Leeds, and not who it was; and
// they hear what became of it.
func TestAReportReachesThoseWhoLookAfterTheCommunity(t *testing.T) {
	n := newNetwork(t, "harlow.example", "leeds.example", "stevenage.example", "wigan.example")
	harlow, leeds := n.towns["harlow.example"], n.towns["leeds.example"]
	stevenage, wigan := n.towns["stevenage.example"], n.towns["wigan.example"]
	joan, ann, tess, martin := harlow.person("joan"), leeds.person("ann"), stevenage.person("tess"), wigan.person("martin")
	trees := harlow.community(joan, "trees", copse.JoinOpen, copse.Members)
	for w, p := range map[*town]*copse.Actor{leeds: ann, stevenage: tess, wigan: martin} {
		w.join(p, w.find("!trees@harlow.example"))
	}
	n.settle(t)
	done := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		n.settle(t)
	}
	done(harlow.hub.Appoint(t.Context(), joan, trees, harlow.actorByURI(ann.URI), true))
	said := stevenage.post(tess, stevenage.find("!trees@harlow.example"), "Roofs", "<p>Buy our roofs.</p>")
	n.settle(t)

	var sent string
	report := hub.Complaint{Object: wigan.object(said.URI), Category: copse.Spam, Reason: "It <b>sells</b>, & thrice", Forward: true}
	n.forget()
	done(wigan.hub.Report(t.Context(), martin, report))
	if got := n.requests("leeds.example"); len(got) != 1 {
		t.Errorf("Leeds is asked %q, want one delivery", got)
	}
	line := func(by string) string { return by + " spam It <b>sells</b>, & thrice" }
	open := filed{Of: said.URI, In: trees.URI}
	as := func(f filed, reports ...string) filed {
		f.Reports = reports
		return f
	}
	wigan.reported("reported", as(open, line(martin.URI)))
	harlow.reported("reported", as(open, line("https://wigan.example/")))
	leeds.reported("passed on", as(open, line("https://wigan.example/")))
	stevenage.reported("sent to the author's council", as(open, line("https://wigan.example/")))
	for host, w := range n.towns {
		w.view(func(tx *store.Tx) error {
			all, err := tx.OutboxAfter(0, 100)
			for _, o := range all {
				sent += string(o.Body)
			}
			if log, err := tx.Log(w.find("!trees@harlow.example").ID, 0, 100); err != nil || strings.Contains(fmt.Sprint(log), "Flag") {
				t.Errorf("at %s the log of the community is %v, %v", host, log, err)
			}
			return err
		})
	}
	if strings.Contains(sent, "Flag") {
		t.Errorf("it is announced to everybody: %s", sent)
	}
	if wigan.object(said.URI).Removed {
		t.Error("a report has acted by itself")
	}

	// It is one case, whoever reports it, and Ann at Leeds closes it for everybody.
	if err := wigan.hub.Report(t.Context(), martin, report); copse.CodeOf(err) != copse.CodeConflict {
		t.Errorf("reported twice: %v", err)
	}
	done(harlow.hub.Report(t.Context(), joan, hub.Complaint{Object: harlow.object(said.URI), Category: copse.Other, Reason: "Off topic"}))
	harlow.reported("again", as(open, line("https://wigan.example/"), joan.URI+" other Off topic"))
	leeds.reported("again", as(open, line("https://wigan.example/"), "https://harlow.example/ other Off topic"))
	for w, who := range map[*town]*copse.Actor{wigan: martin, stevenage: tess} {
		if err := w.hub.CloseCase(t.Context(), who, w.caseID(), copse.OutcomeNothing, ""); copse.CodeOf(err) != copse.CodeNotFound {
			t.Errorf("an ordinary member at %s closes it: %v", w.host, err)
		}
	}
	done(leeds.hub.CloseCase(t.Context(), ann, leeds.caseID(), copse.OutcomeDone, "We have had a word."))
	closed := func(f filed, by string) filed {
		f.Outcome, f.Words, f.ClosedBy = copse.OutcomeDone, "We have had a word.", by
		return f
	}
	leeds.reported("closed", closed(as(open, line("https://wigan.example/"), "https://harlow.example/ other Off topic"), ann.URI))
	harlow.reported("closed", closed(as(open, line("https://wigan.example/"), joan.URI+" other Off topic"), ann.URI))
	wigan.reported("closed", closed(as(open, line(martin.URI)), trees.URI))
	stevenage.reported("not told what became of it", as(open, line("https://wigan.example/")))
}

// Whoever reports something in a community that nobody at their council is in hears
// what became of it as well.
func TestAReportFromOutsideIsAnsweredToo(t *testing.T) {
	n := newNetwork(t, "harlow.example", "wigan.example")
	harlow, wigan := n.towns["harlow.example"], n.towns["wigan.example"]
	joan, martin := harlow.person("joan"), wigan.person("martin")
	trees := harlow.community(joan, "trees", copse.JoinOpen, copse.Public)
	there := wigan.find("!trees@harlow.example")
	wigan.join(martin, there)
	n.settle(t)
	said := harlow.post(joan, &trees.Actor, "Roofs", "<p>Buy our roofs.</p>")
	n.settle(t)
	if err := wigan.hub.Leave(t.Context(), martin, there); err != nil {
		t.Fatal(err)
	}
	n.settle(t)
	if err := wigan.hub.Report(t.Context(), martin, hub.Complaint{Object: wigan.object(said.URI), Category: copse.Spam}); err != nil {
		t.Fatal(err)
	}
	n.settle(t)
	olga := harlow.person("olga") // Joan is not asked about what she wrote herself
	err := harlow.db.Update(t.Context(), func(tx *store.Tx) error {
		return tx.SetMembership(&copse.Membership{Community: trees.ID, Actor: olga.ID, Role: copse.Moderator, State: copse.Active, Since: tx.Now})
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := harlow.hub.CloseCase(t.Context(), joan, harlow.caseID(), copse.OutcomeNothing, ""); copse.CodeOf(err) != copse.CodeNotFound {
		t.Errorf("Joan closes what was reported of herself: %v", err)
	}
	if err := harlow.hub.CloseCase(t.Context(), olga, harlow.caseID(), copse.OutcomeNothing, "It may stay."); err != nil {
		t.Fatal(err)
	}
	n.settle(t)
	wigan.reported("closed", filed{
		Of: said.URI, In: trees.URI, Reports: []string{martin.URI + " spam"}, Outcome: copse.OutcomeNothing, Words: "It may stay.", ClosedBy: olga.URI,
	})
}

// What Ann reports goes to Lemmy in its shape, in her own name since it takes no
// other, to everybody else in the name of her server, and to the author's server, if
// she wants that, as Mastodon writes it.
func TestReportsAreWrittenAsOthersReadThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		ash := s.says(s.trees, s.bob, s.bob.page("ash", s.trees.uri, "Ash"))
		elm := s.says(s.trees, s.carol, s.carol.page("elm", s.trees.uri, "Elm"))
		report := func(o *copse.Object, person *copse.Actor) (home, third obj) {
			t.Helper()
			were := [2]int{len(s.home.received()), len(s.third.received())}
			err := s.leeds.hub.Report(t.Context(), s.ann, hub.Complaint{Object: o, Person: person, Category: copse.Abuse, Reason: "Rude", Forward: true})
			if err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			last := func(p *peer, were int) obj {
				if got := p.received(); len(got) > were {
					return got[len(got)-1]
				}
				return nil
			}
			return last(s.home, were[0]), last(s.third, were[1])
		}
		is := func(what string, got obj, want obj) {
			t.Helper()
			for name, value := range want {
				if fmt.Sprint(got[name]) != fmt.Sprint(value) {
					t.Errorf("%s: its %s is %v, want %v", what, name, got[name], value)
				}
			}
			if got != nil && !strings.HasPrefix(fmt.Sprint(got["id"]), "https://leeds.example/activities/flag/") {
				t.Errorf("%s: its id is %v", what, got["id"])
			}
		}
		lemmy := obj{
			"type": "Flag", "actor": s.ann.URI, "to": []string{s.trees.uri}, "audience": s.trees.uri, "object": ash.URI,
			"summary": "Abuse or harassment: Rude", "content": "Abuse or harassment: Rude", "copse:category": "abuse", "copse:reason": "Rude",
		}
		home, third := report(ash, nil)
		is("to Lemmy", home, lemmy)
		if third != nil {
			t.Errorf("to the author's server, which is Lemmy too, goes %v", third)
		}
		for _, path := range []string{home["id"].(string)} {
			if got := s.leeds.get(strings.TrimPrefix(path, "https://leeds.example")); got.Code != http.StatusNotFound {
				t.Errorf("anybody can read the report: %d %s", got.Code, got.Body)
			}
		}

		s.third.is("mastodon")
		err := s.leeds.db.Update(t.Context(), func(tx *store.Tx) error {
			for host, software := range map[string]string{"home.example": "piefed", "third.example": "mastodon"} {
				p, err := tx.PeerAt(host)
				if err != nil {
					return err
				}
				p.Software = software
				if err := tx.DescribePeer(p); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		home, third = report(elm, nil)
		is("to others", home, lemmy.with(obj{"actor": "https://leeds.example/", "object": elm.URI}))
		mastodon := obj{
			"type": "Flag", "actor": "https://leeds.example/", "to": []string{s.carol.uri}, "object": []string{s.carol.uri, elm.URI},
			"content": "Abuse or harassment: Rude", "summary": nil, "audience": nil,
		}
		is("to Mastodon", third, mastodon)
		home, third = report(nil, s.leeds.actorByURI(s.bob.uri))
		if home != nil {
			t.Errorf("about a person the community is sent %v", home)
		}
		is("about a person, to Mastodon", third, mastodon.with(obj{"to": []string{s.bob.uri}, "object": []string{s.bob.uri}}))
	})
}

// Nobody learns by reporting what is there that they may not see, nobody reports in
// another's name, nobody closes another community's cases, and of one server there
// are so many reports in an hour.
func TestReportsFromElsewhereAreTakenWithCare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		oak := s.leeds.post(s.ann, &s.seeds.Actor, "Oak", "<p>Where?</p>").URI
		closed := s.leeds.community(s.ann, "closed", copse.JoinApproval, copse.Members)
		secret := s.leeds.post(s.ann, &closed.Actor, "Secret", "<p>Sh</p>").URI
		here := s.leeds.community(s.ann, "here", copse.JoinOpen, copse.Public)
		ash := s.says(s.trees, s.bob, s.bob.page("ash", s.trees.uri, "Ash")).URI
		n := 0
		flag := func(by *voice, of any) obj {
			n++
			return by.act("Flag", fmt.Sprint(n), of).with(obj{"content": "<script>x</script> & so on", "summary": nil, "to": []string{s.seeds.URI}})
		}
		err := s.leeds.db.Update(t.Context(), func(tx *store.Tx) error {
			c, err := tx.Community(here.ID)
			if err != nil {
				return err
			}
			c.Sharing = copse.SharedHere
			return tx.SetCommunity(c)
		})
		if err != nil {
			t.Fatal(err)
		}
		hidden := s.leeds.post(s.ann, &here.Actor, "Hidden", "<p>x</p>").URI
		say := func(what string, v *voice, act obj, want, cases int) {
			t.Helper()
			if got := v.say(s.leeds, act); got != want {
				t.Errorf("%s: answered %d, want %d", what, got, want)
			}
			synctest.Wait()
			if got := s.leeds.cases(); len(got) != cases {
				t.Errorf("%s: the cases are %v, want %d", what, got, cases)
			}
		}
		say("of nothing", s.eve, flag(s.eve, oak+"0"), 202, 0)
		say("of nobody", s.eve, flag(s.eve, []string{"https://nowhere.example/u/x", "https://leeds.example/u/none"}), 202, 0)
		say("of what one may not see", s.eve, flag(s.eve, secret), 202, 0)
		say("of what is for people here alone", s.bob, flag(s.bob, hidden), 202, 0)
		say("of a stranger's, in a community elsewhere", s.eve, flag(s.eve, ash), 202, 0)
		say("of somebody elsewhere", s.eve, flag(s.eve, s.bob.uri), 202, 0)
		say("of a community", s.eve, flag(s.eve, s.seeds.URI), 202, 0)
		say("of what somebody here does not look after, announced", s.trees, s.trees.announces(flag(s.carol, ash)), 202, 0)
		say("in a community of ours, announced by another", s.weeds, s.weeds.announces(flag(s.eve, oak)), 403, 0)
		say("in the name of a colleague", s.carol, flag(s.bob, oak), 401, 0)
		say("public", s.eve, flag(s.eve, oak), 202, 1)
		want := filed{Of: oak, In: s.seeds.URI, Reports: []string{s.eve.uri + "  <script>x</script> & so on"}}
		s.leeds.reported("as it came", want)
		say("closed by a stranger", s.eve, s.eve.act("Resolve", "r1", flag(s.eve, oak)), 202, 1)
		say("closed by another community", s.weeds, s.weeds.announces(s.eve.act("Resolve", "r2", flag(s.eve, oak))), 202, 1)
		s.leeds.reported("by nobody who may", want)
		say("of a person here", s.eve, flag(s.eve, []string{s.ann.URI}), 202, 2)

		// Where Ann looks after Trees she hears of it, from its home alone.
		err = s.leeds.db.Update(t.Context(), func(tx *store.Tx) error {
			c, err := tx.ActorByURI(s.trees.uri)
			if err != nil {
				return err
			}
			return tx.SetMembership(&copse.Membership{Community: c.ID, Actor: s.ann.ID, Role: copse.Moderator, State: copse.Active, Since: tx.Now})
		})
		if err != nil {
			t.Fatal(err)
		}
		say("straight to a facilitator's server", s.carol, flag(s.carol, ash), 202, 2)
		say("announced", s.trees, s.trees.announces(flag(s.carol, ash)), 202, 3)
		resolve := s.mod.act("Resolve", "r3", flag(s.mod, ash).with(obj{"id": s.mod.uri + "/flag/anew"}))
		say("closed by another server", s.eve, resolve.with(obj{"id": s.eve.uri + "/r4", "actor": s.eve.uri}), 202, 3)
		if got := s.leeds.cases()[1]; got.Of != s.ann.URI {
			t.Errorf("second is %v", got)
		}
		say("closed by its home, as Lemmy does", s.mod, resolve, 202, 3)
		if got := s.leeds.cases()[2]; got.Of != ash || got.ClosedBy != s.mod.uri || got.Outcome != copse.OutcomeDone {
			t.Errorf("closed is %v", got)
		}

		for i := range copse.ReportsByPeer {
			want := http.StatusAccepted
			if i > copse.ReportsByPeer-3 { // two have come
				want = http.StatusTooManyRequests
			}
			if got := s.eve.say(s.leeds, flag(s.eve, oak)); got != want {
				t.Fatalf("number %d is answered %d, want %d", i+3, got, want)
			}
		}
		if got := s.carol.say(s.leeds, flag(s.carol, oak)); got != http.StatusAccepted {
			t.Errorf("from another server the next is answered %d", got)
		}
		time.Sleep(time.Hour + time.Minute)
		if got := s.eve.say(s.leeds, flag(s.eve, oak)); got != http.StatusAccepted {
			t.Errorf("an hour later the next is answered %d", got)
		}
		if err := s.leeds.fed.Decide(t.Context(), nil, "evil.example", copse.DecideBlock); err != nil {
			t.Fatal(err)
		}
		if got := s.eve.say(s.leeds, flag(s.eve, oak)); got != http.StatusForbidden {
			t.Errorf("from a server that is blocked it is answered %d", got)
		}
	})
}
