package hub_test

import (
	"strings"
	"testing"

	"copse/copse"
	"copse/hub"
	"copse/store"
	"copse/store/storetest"
)

// open returns the cases that nobody has dealt with.
func (p *place) open() (all []*copse.Case) {
	p.t.Helper()
	p.view(func(tx *store.Tx) (err error) {
		all, err = tx.AllCases(100)
		return err
	})
	return all
}

// Whoever sees something may report it, once, and only those who look after it deal
// with that, once.
func TestWhatIsReportedIsDealtWithByThoseWhoMay(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		p := newPlace(t, db)
		topic := p.topic("bob", p.trees)
		spam := hub.Complaint{Object: topic, Category: copse.Spam, Reason: " x "}
		report := func(what, by string, c hub.Complaint, want copse.Code, cases, reports int) {
			t.Helper()
			err := p.hub.Report(t.Context(), p.people[by], c)
			if copse.CodeOf(err) != want || (err == nil) != (want == 0) {
				t.Errorf("%s: %v", what, err)
			}
			open := p.open()
			n := 0
			for _, k := range open {
				n += k.Reports
			}
			if len(open) != cases || n != reports {
				t.Errorf("%s: there are %d cases of %d reports, want %d of %d", what, len(open), n, cases, reports)
			}
		}
		report("without saying what is wrong", "ann", hub.Complaint{Object: topic}, copse.CodeInvalid, 0, 0)
		report("a stranger", "eve", spam, copse.CodeNotFound, 0, 0)
		report("its author", "bob", spam, copse.CodeForbidden, 0, 0)
		report("a member", "ann", spam, 0, 1, 1)
		report("twice", "ann", spam, copse.CodeConflict, 1, 1)
		report("another", "mod", hub.Complaint{Object: topic, Category: copse.Abuse}, 0, 1, 2)
		report("a person", "eve", hub.Complaint{Person: p.people["bob"], Category: copse.Abuse}, 0, 2, 3)
		report("themselves", "bob", hub.Complaint{Person: p.people["bob"], Category: copse.Abuse}, copse.CodeForbidden, 2, 3)

		about, person := p.open()[0], p.open()[1]
		closes := func(what, by string, k *copse.Case, words string, want copse.Code) {
			t.Helper()
			err := p.hub.CloseCase(t.Context(), p.people[by], k.ID, copse.OutcomeDone, words)
			if copse.CodeOf(err) != want || (err == nil) != (want == 0) {
				t.Errorf("%s: %v", what, err)
			}
		}
		closes("a member", "ann", about, "", copse.CodeNotFound)
		closes("a facilitator, a person", "mod", person, "", copse.CodeNotFound)
		closes("with too many words", "mod", about, strings.Repeat("x", copse.MaxReport+1), copse.CodeInvalid)
		closes("a facilitator", "mod", about, " Done. ", 0)
		closes("twice", "mod", about, "Other words", 0)
		if open := p.open(); len(open) != 1 || open[0].ID != person.ID {
			t.Errorf("open are %v", open)
		}
		p.view(func(tx *store.Tx) error {
			k, err := tx.Case(about.ID)
			if err == nil && (k.Words != "Done." || k.ClosedBy != p.people["mod"].ID || k.Outcome != copse.OutcomeDone) {
				t.Errorf("it is %+v", k)
			}
			log, err := tx.Log(p.trees.ID, 0, 100)
			for _, r := range log {
				if r.Type == "Flag" || r.Type == "Resolve" {
					t.Errorf("the log of the community says %+v", r)
				}
			}
			return err
		})
		p.must(p.hub.DB.Update(t.Context(), func(tx *store.Tx) error {
			account, err := tx.Account(p.people["eve"].ID)
			if err != nil {
				return err
			}
			account.Role = store.Admin
			return tx.SetAccount(account)
		}))
		closes("an administrator, a person", "eve", person, "", 0)

		for range copse.ReportsByOne - 2 { // Ann has reported one thing
			p.must(p.hub.Report(t.Context(), p.people["ann"], hub.Complaint{Object: p.topic("bob", p.trees), Category: copse.Spam}))
		}
		p.must(p.hub.Report(t.Context(), p.people["ann"], hub.Complaint{Object: p.topic("bob", p.seeds), Category: copse.Spam}))
		if err := p.hub.Report(t.Context(), p.people["ann"], hub.Complaint{Object: p.topic("bob", p.trees), Category: copse.Spam}); copse.CodeOf(err) != copse.CodeTooMany {
			t.Errorf("one too many: %v", err)
		}
		if sent := strings.Join(p.sent("leeds.example"), " "); strings.Count(sent, "Flag") != 1 {
			t.Errorf("the home of the community elsewhere is sent %q", sent)
		}
	})
}
