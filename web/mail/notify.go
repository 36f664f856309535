package mail

import (
	"fmt"
	"time"

	"copse/copse"
	"copse/internal/words"
	"copse/store"
)

const (
	day = 24 * time.Hour
	// askedMost is how often in a day facilitators hear that one person asked to
	// join: asking and taking it back over and over must not fill mailboxes.
	askedMost = 3
	// facilitators is how many of a community hear of it.
	facilitators = 50
)

// Notify queues letters about act, which has just taken effect.
func (w *Worker) Notify(tx *store.Tx, act *copse.Activity) error {
	switch {
	case act.Message != nil && act.Type == "Create":
		return w.wrote(tx, act)
	case act.Type == "Flag":
		return w.reported(tx, act)
	case act.Type == "Resolve":
		return w.dealtWith(tx, act)
	case act.Community == nil:
		return nil
	case act.Type == "Follow":
		return w.askedToJoin(tx, act)
	case (act.Type == "Accept" || act.Type == "Reject") && act.Inner.Actor.Local:
		return w.decided(tx, act)
	}
	return nil
}

// askedToJoin tells those facilitators who are here and can let somebody in from here:
// a community elsewhere may be open, or let nobody in from another council.
func (w *Worker) askedToJoin(tx *store.Tx, act *copse.Activity) error {
	if c := act.Community; !c.Local {
		home, err := tx.PeerAt(c.Host)
		if err != nil || c.Join == copse.JoinOpen || !copse.Takes(home.Software, copse.Admitting) {
			return err
		}
	}
	m, err := tx.Membership(act.Community.ID, act.Actor.ID)
	if err != nil || m.State != copse.Pending {
		return err
	}
	key := fmt.Sprint(m.Community, " ", m.Actor)
	today := tx.Now.Truncate(day)
	if times, _, err := w.asked.Get(key, today, today.Add(-day)); err != nil || times >= askedMost {
		return err
	}
	if err := w.asked.Increment(key, today); err != nil {
		return err
	}
	all, err := tx.MembersOf(act.Community.ID, copse.Moderator, 0, facilitators)
	if err != nil {
		return err
	}
	council, err := w.council(tx, act.Actor)
	if err != nil {
		return err
	}
	for _, f := range all {
		if !f.Local {
			continue
		}
		err := w.write(tx, f.Actor, func(l Letterhead, to string) *store.Mail {
			return l.Asked(to, f.Title, act.Community, act.Actor.Title, council, m.Reason)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// decided tells somebody here what a community answered, the first time it does.
func (w *Worker) decided(tx *store.Tx, act *copse.Activity) error {
	m, err := tx.Membership(act.Community.ID, act.Inner.Actor.ID)
	if err != nil || !m.Since.Equal(tx.Now) {
		return err
	}
	person, err := tx.Actor(act.Inner.Actor.ID)
	if err != nil || person.HasMoved() {
		return err // they were not turned down: it is their new account that is in
	}
	council, err := w.council(tx, &act.Community.Actor)
	if err != nil {
		return err
	}
	return w.write(tx, person, func(l Letterhead, to string) *store.Mail {
		if act.Type == "Accept" {
			return l.Joined(to, person.Title, act.Community, council, act.Reason)
		}
		return l.Declined(to, person.Title, act.Community, council, act.Reason)
	})
}

// wrote tells those here whom a private message has come to that there is one, who
// wrote it and nothing of what it says: letters are read by more programs and people than
// messages are. Who has others unread in the conversation was told of the first.
func (w *Worker) wrote(tx *store.Tx, act *copse.Activity) error {
	m := act.Message
	council, err := w.council(tx, act.Actor)
	if err != nil {
		return err
	}
	for _, p := range m.To {
		if !p.Local {
			continue
		}
		unread, err := tx.UnreadLines(p.ID, m.Conversation)
		if copse.CodeOf(err) == copse.CodeNotFound || err == nil && unread != 1 {
			continue
		}
		if err == nil {
			_, err = tx.Line(p.ID, m.ID)
		}
		if copse.CodeOf(err) == copse.CodeNotFound {
			continue // it did not come to them
		}
		if err != nil {
			return err
		}
		err = w.write(tx, p, func(l Letterhead, to string) *store.Mail {
			return l.Wrote(to, p.Title, act.Actor.Title, council, fmt.Sprint("/messages/", m.Conversation))
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// write queues a letter to somebody here, in their language. The server's own
// actor has no account and gets none.
func (w *Worker) write(tx *store.Tx, person *copse.Actor, letter func(l Letterhead, to string) *store.Mail) error {
	account, err := tx.Account(person.ID)
	if copse.CodeOf(err) == copse.CodeNotFound {
		return nil
	}
	if err != nil {
		return err
	}
	server, err := Server(tx, person.Host)
	if err != nil {
		return err
	}
	return tx.QueueMail(letter(Letterhead{words.In(account.Language), server, w.Base}, account.Email))
}

// council is the name of the council that an actor is at.
func (w *Worker) council(tx *store.Tx, a *copse.Actor) (string, error) {
	if a.Local {
		return Server(tx, a.Host)
	}
	return tx.Title(a.Host)
}

// Server returns the name of the council that runs this server, or host, its
// own, while it has none.
func Server(tx *store.Tx, host string) (string, error) {
	title, err := tx.Setting("title")
	if title == "" {
		return host, err
	}
	return title, err
}
