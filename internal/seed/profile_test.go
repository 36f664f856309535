package seed

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"copse/copse"
	"copse/hub"
)

func TestUnitHangsTogether(t *testing.T) {
	p, err := Unit()
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Councils) != 4 || len(p.Communities) != 6 {
		t.Fatalf("%d councils and %d communities, want 4 and 6", len(p.Councils), len(p.Communities))
	}
	councils, people, waiting := map[string]bool{}, map[string]bool{}, 0
	for _, council := range p.Councils {
		councils[council.Name] = true
		if len(council.People) != 12 {
			t.Errorf("%s has %d people, want 12", council.Name, len(council.People))
		}
		for _, person := range council.People {
			people[person.Name+"@"+council.Name] = true
			if err := hub.CheckName(person.Name); err != nil {
				t.Errorf("%s: %v", person.Name, err)
			}
		}
	}
	for _, c := range p.Communities {
		if !councils[c.At] {
			t.Errorf("%s is at %q, which is no council", c.Name, c.At)
		}
		for _, person := range c.members() {
			if !people[person] {
				t.Errorf("%s has a member %q, who is nobody", c.Name, person)
			}
		}
		waiting += len(c.Waiting)
		for _, w := range c.Waiting {
			if !people[w.By] || slices.Contains(c.members(), w.By) || c.Join != copse.JoinApproval {
				t.Errorf("%s cannot wait to join %s", w.By, c.Name)
			}
		}
		for _, topic := range c.Topic {
			answers := 0
			if topic.Title == "" || topic.Text == "" {
				t.Errorf("%s says something without a title or a text in %s", topic.By, c.Name)
			}
			for i, r := range topic.Reply {
				if r.To < 0 || r.To > i {
					t.Errorf("reply %d to %q answers reply %d, which comes later", i+1, topic.Title, r.To)
				}
				if r.Text == "" {
					t.Errorf("reply %d to %q is empty", i+1, topic.Title)
				}
				if r.Answer {
					answers++
				}
			}
			if answers > 1 || answers == 1 && !topic.Question {
				t.Errorf("%q has %d accepted answers", topic.Title, answers)
			}
		}
	}
	if waiting != 3 {
		t.Errorf("%d people wait to join, want 3", waiting)
	}
}

// Whenever the month ends, a reply comes after what it answers, nothing is in the
// future, and the same seed gives the same times.
func TestTimesMakeSense(t *testing.T) {
	p, err := Unit()
	if err != nil {
		t.Fatal(err)
	}
	for day := range 14 {
		now := time.Date(2027, 3, 1+day, 3*day%24, 30, 0, 0, time.UTC)
		schedule := func() []*post {
			f := &filling{profile: p, options: Options{Now: now}, rand: rand.New(rand.NewPCG(7, 7))}
			return f.schedule()
		}
		first, again := schedule(), schedule()
		for i, s := range first {
			if !s.at.Before(now) || s.at.Before(now.Add(-month)) {
				t.Errorf("at %s, %q is said at %s", now, s.Text, s.at)
			}
			if s.parent != nil && !s.at.After(s.parent.at) {
				t.Errorf("at %s, %q is said at %s, before what it answers at %s", now, s.Text, s.at, s.parent.at)
			}
			if !s.at.Equal(again[i].at) {
				t.Errorf("the same seed says %q at %s and at %s", s.Text, s.at, again[i].at)
			}
		}
	}
}
