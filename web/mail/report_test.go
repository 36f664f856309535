package mail_test

import (
	"fmt"
	"strings"
	"testing"

	"copse/copse"
	"copse/hub"
	"copse/store"
)

// Who looks after a community hears that something in it was reported, but not what
// they wrote themselves: whoever runs the server does. Who reported it hears what
// became of it.
func TestReportsAreHeardOfByThoseWhoDealWithThem(t *testing.T) {
	h := newTown(t)
	h.Kinds = copse.Kinds{"topic": {Name: "topic"}}
	olga, tess, bryn := h.person("Olga", ""), h.person("Tess", ""), h.person("Bryn", "cy")
	h.try(h.DB.Update(t.Context(), func(tx *store.Tx) error {
		n, err := tx.Account(bryn.ID)
		if err != nil {
			return err
		}
		n.Role = store.Admin
		return tx.SetAccount(n)
	}))
	c := &copse.Community{Actor: copse.Actor{Name: "trees", Title: "Trees"}, Join: copse.JoinOpen, Audience: copse.Public, Posting: copse.Member, Sharing: copse.SharedHere}
	h.try(h.Found(t.Context(), olga, c))
	h.try(h.Join(t.Context(), tess, &c.Actor, ""))
	h.letters()
	says := func(by *copse.Actor) *copse.Object {
		t.Helper()
		o := &copse.Object{Kind: "topic", Community: c.ID, Title: "Roofs", HTML: "<p>Buy them</p>", Source: "x"}
		h.try(h.Post(t.Context(), by, o))
		return o
	}
	reports := func(by *copse.Actor, c hub.Complaint) {
		t.Helper()
		c.Category, c.Reason = copse.Spam, "Rosa at 3 Elm Street sells roofs"
		h.try(h.Report(t.Context(), by, c))
	}
	heard := func(what string, want ...string) []*store.Mail {
		t.Helper()
		all := h.letters()
		var got []string
		for _, l := range all {
			got = append(got, l.To+" "+l.Subject)
			if strings.Contains(l.Body, "Elm Street") {
				t.Errorf("%s: the letter says what was reported: %s", what, l.Body)
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: the letters are %q, want %q", what, got, want)
		}
		return all
	}
	said := says(tess)
	reports(bryn, hub.Complaint{Object: said})
	l := heard("a post", "olga@stevenage.gov.test Trees: something was reported")
	if len(l) == 1 && !strings.Contains(l[0].Body, "https://stevenage.gov.test/c/trees/facilitate/reports") {
		t.Errorf("the letter is %s", l[0].Body)
	}
	reports(olga, hub.Complaint{Object: said})
	heard("again")
	reports(tess, hub.Complaint{Object: says(olga)})
	heard("what Olga wrote", "bryn@stevenage.gov.test Mae rhywun wedi rhoi gwybod am rywbeth")
	reports(tess, hub.Complaint{Person: olga})
	heard("Olga herself", "bryn@stevenage.gov.test Mae rhywun wedi rhoi gwybod am rywbeth")

	var k *copse.Case
	h.try(h.DB.View(t.Context(), func(tx *store.Tx) (err error) {
		k, err = tx.OpenCase(said.ID, 0)
		return err
	}))
	h.try(h.CloseCase(t.Context(), olga, k.ID, copse.OutcomeNothing, "It may\nstay."))
	l = heard("closed", "bryn@stevenage.gov.test Deliwyd â’r hyn y rhoesoch wybod amdano")
	if len(l) == 1 && !strings.Contains(l[0].Body, "> It may\n> stay.") {
		t.Errorf("the letter is %s", l[0].Body)
	}
	for range 12 {
		reports(bryn, hub.Complaint{Object: says(tess)})
	}
	if got := len(h.letters()); got != 8 {
		t.Errorf("of twelve more that day Olga hears %d times, want 8: two were before", got)
	}
}
