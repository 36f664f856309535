package mail

import (
	"fmt"

	"copse/copse"
	"copse/store"
)

const (
	// reportedMost is how often in a day those who deal with the reports in one
	// place hear that there is another: many reports must not fill mailboxes.
	reportedMost = 10
	// reporters is how many of those who reported one thing hear what became of it.
	reporters = 1000
)

// reported tells those here who deal with what has just been reported. Of what was
// reported before they know.
func (w *Worker) reported(tx *store.Tx, act *copse.Activity) error {
	for _, id := range act.Cases {
		k, err := tx.Case(id)
		if err != nil {
			return err
		}
		all, c, err := dealers(tx, k)
		if err != nil {
			return err
		}
		if len(all) == 0 {
			continue
		}
		key := fmt.Sprint("reports ", k.Community)
		today := tx.Now.Truncate(day)
		if times, _, err := w.asked.Get(key, today, today.Add(-day)); err != nil || times >= reportedMost {
			return err
		}
		if err := w.asked.Increment(key, today); err != nil {
			return err
		}
		for _, a := range all {
			if a.ID == act.Behind().ID {
				continue
			}
			err := w.write(tx, a, func(l Letterhead, to string) *store.Mail { return l.Reported(to, a.Title, c) })
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// dealers are those here who are to deal with a case, and the community that they
// look after: nil if they are those who run this server. They do where nobody else
// here does, unless it is all elsewhere.
func dealers(tx *store.Tx, k *copse.Case) (all []*copse.Actor, c *copse.Community, err error) {
	about, err := tx.Actor(k.Subject)
	if err != nil {
		return nil, nil, err
	}
	ours := true
	if k.Community != 0 {
		if c, err = tx.Community(k.Community); err != nil {
			return nil, nil, err
		}
		ours = c.Local || about.Local
		crew, err := tx.MembersOf(c.ID, copse.Moderator, 0, facilitators)
		if err != nil {
			return nil, nil, err
		}
		for _, p := range crew {
			if p.Local && p.Actor.ID != k.Subject {
				all = append(all, p.Actor)
			}
		}
	}
	if len(all) > 0 || !ours {
		return all, c, nil
	}
	all, err = tx.Administrators(facilitators)
	return all, nil, err
}

// dealtWith tells those here who reported something what became of it.
func (w *Worker) dealtWith(tx *store.Tx, act *copse.Activity) error {
	for _, id := range act.Cases {
		k, err := tx.Case(id)
		if err != nil {
			return err
		}
		all, err := tx.Reports(k.ID, reporters)
		if err != nil {
			return err
		}
		for _, r := range all {
			who, err := tx.Actor(r.Reporter)
			if err != nil {
				return err
			}
			if !who.Local || who.ID == act.Actor.ID {
				continue
			}
			err = w.write(tx, who, func(l Letterhead, to string) *store.Mail { return l.DealtWith(to, who.Title, k, r.ID) })
			if err != nil {
				return err
			}
		}
	}
	return nil
}
