package store_test

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"copse/copse"
	"copse/store"
	"copse/store/storetest"
)

// reported is a community with a topic by Tess in it, which Ann and Bob can report.
type reported struct {
	trees          *copse.Community
	topic          *copse.Object
	tess, ann, bob *copse.Actor
}

func newReported(t *testing.T, db *store.DB) *reported {
	t.Helper()
	r := &reported{trees: founded("trees", "york.example")}
	person := func(name string) *copse.Actor {
		uri := "https://york.example/u/" + name
		return &copse.Actor{ID: store.NewID(), Type: copse.Person, URI: uri, Name: name, Host: "york.example", Inbox: uri, Local: true, Created: time.Now()}
	}
	r.tess, r.ann, r.bob = person("tess"), person("ann"), person("bob")
	r.topic = &copse.Object{ID: store.NewID(), URI: "https://york.example/post/1", Kind: "topic", Community: r.trees.ID, Author: r.tess.ID, Published: time.Now()}
	update(t, db, func(tx *store.Tx) error {
		for _, p := range []*copse.Actor{r.tess, r.ann, r.bob} {
			if err := tx.AddActor(p); err != nil {
				return err
			}
		}
		if err := tx.AddCommunity(r.trees); err != nil {
			return err
		}
		return tx.AddObject(r.topic)
	})
	return r
}

func (r *reported) report(t *testing.T, db *store.DB, by *copse.Actor, uri string, of copse.Case) (*copse.Case, *copse.Report) {
	t.Helper()
	rep := &copse.Report{URI: uri, Reporter: by.ID, Host: by.Host, Category: copse.Spam, Reason: "It <b>sells</b> roofs\x00"}
	k := new(copse.Case)
	update(t, db, func(tx *store.Tx) error {
		*k = of // it may run more than once
		return tx.AddReport(k, rep)
	})
	return k, rep
}

func ids(all []*copse.Case) (list []copse.ID) {
	for _, k := range all {
		list = append(list, k.ID)
	}
	return list
}

func TestReportsOfOneThingAreOneCaseUntilItIsClosed(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		r := newReported(t, db)
		about := copse.Case{Community: r.trees.ID, Object: r.topic.ID, Subject: r.tess.ID}
		first, rep := r.report(t, db, r.ann, "https://york.example/flag/1", about)
		again, _ := r.report(t, db, r.bob, "https://york.example/flag/2", about)
		person, _ := r.report(t, db, r.bob, "https://york.example/flag/2", copse.Case{Subject: r.tess.ID})
		if again.ID != first.ID || person.ID == first.ID || first.Reports != 1 || again.Reports != 2 {
			t.Errorf("the cases are %+v, %+v and %+v", first, again, person)
		}
		view(t, db, func(tx *store.Tx) error {
			got, err := tx.Reports(first.ID, 10)
			rep.Reason = "It <b>sells</b> roofs\uFFFD"
			if len(got) != 2 || !reflect.DeepEqual(got[0], rep) || time.Since(got[0].At).Abs() > time.Minute {
				t.Errorf("the reports are %+v, %v, want %+v first", got, err, rep)
			}
			of, err := tx.Reported("https://york.example/flag/2")
			if want := []copse.ID{first.ID, person.ID}; !reflect.DeepEqual(ids(of), want) {
				t.Errorf("that Flag is part of %v, %v, want %v", ids(of), err, want)
			}
			for _, who := range []*copse.Actor{r.ann, r.tess} {
				if has, err := tx.HasReported(first.ID, who.ID); has != (who == r.ann) {
					t.Errorf("%s has reported it: %v, %v", who.Name, has, err)
				}
			}
			return err
		})

		first.Closed, first.ClosedBy, first.Outcome, first.Words = time.Now().UTC().Truncate(time.Microsecond), r.bob.ID, copse.OutcomeRemoved, "Thank you"
		first.Reports = 2
		update(t, db, func(tx *store.Tx) error {
			if err := tx.CloseCase(first); err != nil {
				return err
			}
			late := *first
			late.Words = "Too late"
			return tx.CloseCase(&late)
		})
		view(t, db, func(tx *store.Tx) error {
			got, err := tx.Case(first.ID)
			if !reflect.DeepEqual(got, first) {
				t.Errorf("closed, it is %+v, %v, want %+v", got, err, first)
			}
			mine, err := tx.ReportsBy(r.bob.ID, 10)
			if len(mine) != 2 || mine[0].Of.ID != person.ID || mine[1].Of.Words != "Thank you" {
				t.Errorf("Bob's reports are %+v, %v", mine, err)
			}
			return err
		})
		anew, _ := r.report(t, db, r.ann, "https://york.example/flag/3", about)
		if anew.ID == first.ID || anew.Reports != 1 || !anew.Closed.IsZero() {
			t.Errorf("reported anew, it is %+v", anew)
		}
	})
}

func TestCasesAreListedForThoseWhoDealWithThem(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		r := newReported(t, db)
		open, _ := r.report(t, db, r.ann, "x", copse.Case{Community: r.trees.ID, Object: r.topic.ID, Subject: r.tess.ID})
		person, _ := r.report(t, db, r.ann, "y", copse.Case{Subject: r.bob.ID})
		check := func(what string, got []*copse.Case, err error, want ...copse.ID) {
			t.Helper()
			if err != nil || !reflect.DeepEqual(ids(got), want) {
				t.Errorf("%s: %v, %v, want %v", what, ids(got), err, want)
			}
		}
		look := func(tx *store.Tx, forBob, all, dealtBob, dealt []copse.ID) error {
			got, err := tx.Cases(r.trees.ID, r.bob.ID, 10)
			check("Trees, for Bob", got, err, forBob...)
			got, err = tx.Cases(r.trees.ID, r.tess.ID, 10)
			check("Trees, for Tess, who wrote it", got, err)
			got, err = tx.AllCases(10)
			check("all", got, err, all...)
			got, err = tx.DealtWith(r.trees.ID, r.bob.ID, 10)
			check("dealt with, for Bob", got, err, dealtBob...)
			got, err = tx.AllDealtWith(10)
			check("all dealt with", got, err, dealt...)
			for viewer, want := range map[copse.ID]int{r.bob.ID: len(forBob), r.tess.ID: 0} {
				if n, err := tx.OpenCases(r.trees.ID, viewer, 10); n != want || err != nil {
					t.Errorf("%d are open, %v, want %d", n, err, want)
				}
			}
			if n, err := tx.OpenCases(0, r.bob.ID, 1); n != 1 || err != nil {
				t.Errorf("of all %d are open, %v, want no more than 1 counted", n, err)
			}
			return nil
		}
		view(t, db, func(tx *store.Tx) error {
			return look(tx, []copse.ID{open.ID}, []copse.ID{open.ID, person.ID}, nil, nil)
		})
		update(t, db, func(tx *store.Tx) error {
			open.Closed, open.Outcome = tx.Now, copse.OutcomeNothing
			return tx.CloseCase(open)
		})
		view(t, db, func(tx *store.Tx) error {
			return look(tx, nil, []copse.ID{person.ID}, []copse.ID{open.ID}, []copse.ID{open.ID})
		})
	})
}

func TestReportsAreCountedByPersonAndByServer(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		r := newReported(t, db)
		for i := range 3 {
			r.report(t, db, r.ann, fmt.Sprint(i), copse.Case{Subject: r.bob.ID})
		}
		r.report(t, db, r.bob, "3", copse.Case{Subject: r.tess.ID})
		view(t, db, func(tx *store.Tx) error {
			for _, c := range []struct {
				since time.Time
				most  int
				want  int
			}{{time.Now().Add(-time.Hour), 10, 3}, {time.Now().Add(-time.Hour), 2, 2}, {time.Now().Add(time.Hour), 10, 0}} {
				got, err := tx.Filings(r.ann.ID, c.since, c.most)
				if got != c.want || err != nil {
					t.Errorf("by Ann there are %d, %v, want %d", got, err, c.want)
				}
			}
			got, err := tx.FilingsFrom("york.example", time.Now().Add(-time.Hour), 10)
			if got != 4 {
				t.Errorf("from York there are %d, want 4", got)
			}
			return err
		})
	})
}
