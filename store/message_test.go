package store_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"copse/copse"
	"copse/store"
	"copse/store/storetest"
)

// A chat is some people who write to each other.
type chat struct {
	t      *testing.T
	db     *store.DB
	people []*copse.Actor
	said   int
}

// say has one of the people write to others, by their numbers. Of those it is for it
// comes to all but missed.
func (c *chat) say(from int, to []int, missed ...int) *copse.Message {
	c.t.Helper()
	c.said++
	m := &copse.Message{
		ID: store.NewID(), URI: fmt.Sprint("https://york.example/message/", c.said), Author: c.people[from].ID, Local: true,
		Source: fmt.Sprint(c.said), HTML: fmt.Sprint("<p>", c.said), Published: time.Now().UTC().Truncate(time.Microsecond),
	}
	update(c.t, c.db, func(tx *store.Tx) (err error) {
		all, came := []*copse.Actor{c.people[from]}, []copse.ID{}
		for _, i := range to {
			all = append(all, c.people[i])
			if !slices.Contains(missed, i) {
				came = append(came, c.people[i].ID)
			}
		}
		if m.Conversation, err = tx.Converse(all, nil); err != nil {
			return err
		}
		return tx.AddMessage(m, came)
	})
	return m
}

// lines returns what somebody can read of a conversation, the newest first.
func (c *chat) lines(reader int, conversation copse.ID) (all []string) {
	c.t.Helper()
	view(c.t, c.db, func(tx *store.Tx) error {
		lines, err := tx.Lines(c.people[reader].ID, conversation, 0, 100)
		for _, l := range lines {
			all = append(all, l.Source)
		}
		return err
	})
	return all
}

func (c *chat) unread(reader int) (n int) {
	c.t.Helper()
	view(c.t, c.db, func(tx *store.Tx) (err error) {
		n, err = tx.Unread(c.people[reader].ID)
		return err
	})
	return n
}

func newChat(t *testing.T, db *store.DB) *chat {
	return &chat{t: t, db: db, people: newClub(t, db).people}
}

func TestThereIsOneConversationForEachSetOfPeople(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newChat(t, db)
		first, answer := c.say(0, []int{1, 4}), c.say(4, []int{1, 0})
		aside := c.say(0, []int{1})
		if first.Conversation != answer.Conversation || aside.Conversation == first.Conversation {
			t.Errorf("conversations %d, %d and %d, want the first two alike", first.Conversation, answer.Conversation, aside.Conversation)
		}
		view(t, db, func(tx *store.Tx) error {
			talks, err := tx.Talks(c.people[0].ID, 0, 10)
			if err != nil || len(talks) != 2 {
				t.Fatalf("%d conversations, %v, want 2", len(talks), err)
			}
			if talks[0].ID != aside.Conversation || talks[1].Last.URI != answer.URI || len(talks[1].People) != 2 || !talks[1].Unread || talks[0].Unread {
				t.Errorf("they are listed as %+v", talks)
			}
			older, err := tx.Talks(c.people[0].ID, talks[0].Last.ID, 10)
			if err != nil || len(older) != 1 || older[0].ID != first.Conversation {
				t.Errorf("the second page is %+v, %v", older, err)
			}
			return err
		})
		// Somebody of whom only the address is known makes it another one.
		update(t, db, func(tx *store.Tx) error {
			all := []*copse.Actor{c.people[0], c.people[1]}
			other, err := tx.Converse(all, []string{"https://x.example/u/x"})
			if err != nil || other == aside.Conversation {
				t.Errorf("with a stranger it is the same conversation, %v", err)
			}
			again, err := tx.Converse(append(all, &copse.Actor{ID: c.people[5].ID, URI: "https://x.example/u/x"}), nil)
			if err != nil || again != other {
				t.Errorf("once the stranger is known it is another, %v", err)
			}
			return err
		})
	})
}

// Whoever is not in a conversation, or whom a message did not come to, reads nothing
// of it in any way.
func TestOnlyThoseItCameToReadAMessage(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newChat(t, db)
		first := c.say(0, []int{1, 2, 4}, 2)
		second := c.say(1, []int{0, 2, 4})
		for reader, want := range [][]string{{"2", "1"}, {"2", "1"}, {"2"}, nil, {"2", "1"}, nil} {
			if got := c.lines(reader, first.Conversation); !slices.Equal(got, want) {
				t.Errorf("%d reads %q, want %q", reader, got, want)
			}
			view(t, db, func(tx *store.Tx) error {
				for i, m := range []*copse.Message{first, second} {
					_, err := tx.Line(c.people[reader].ID, m.ID)
					if may := slices.Contains(want, fmt.Sprint(i+1)); (err == nil) != may {
						t.Errorf("%d gets message %d: %v", reader, i+1, err)
					}
				}
				_, err := tx.Talk(c.people[reader].ID, first.Conversation)
				talks, failed := tx.Talks(c.people[reader].ID, 0, 10)
				if (err == nil) != (want != nil) || (len(talks) > 0) != (want != nil) {
					t.Errorf("%d has the conversation: %v, and %d", reader, err, len(talks))
				}
				return failed
			})
		}
		view(t, db, func(tx *store.Tx) error {
			for host, want := range map[string]bool{"hull.example": true, "leeds.example": false, "york.example": true} {
				if has, err := tx.HasMessage(first, host); err != nil || has != want {
					t.Errorf("%s may ask for it: %v, %v", host, has, err)
				}
			}
			posts, err := tx.By(copse.Viewer{Actor: c.people[1].ID}, c.people[0].ID, 0, 10)
			if len(posts) > 0 {
				t.Errorf("messages are listed as posts: %v", posts)
			}
			return err
		})
	})
}

func TestWhatIsUnreadIsCounted(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newChat(t, db)
		c.say(0, []int{1})
		last := c.say(0, []int{1})
		aside := c.say(2, []int{1})
		if c.unread(1) != 2 || c.unread(0) != 0 {
			t.Errorf("%d and %d unread, want 2 and 0: one's own are read", c.unread(1), c.unread(0))
		}
		me := c.people[1].ID
		update(t, db, func(tx *store.Tx) error {
			if n, err := tx.UnreadLines(me, last.Conversation); n != 2 || err != nil {
				t.Errorf("%d lines unread, %v", n, err)
			}
			return tx.SetRead(me, last)
		})
		if got := c.unread(1); got != 1 {
			t.Errorf("%d unread, want 1", got)
		}
		update(t, db, func(tx *store.Tx) error { return tx.SetMuted(me, aside.Conversation, true) })
		c.say(2, []int{1})
		if got := c.unread(1); got != 0 {
			t.Errorf("%d unread in what is muted", got)
		}
		view(t, db, func(tx *store.Tx) error {
			n, err := tx.UnreadLines(me, aside.Conversation)
			if n != -1 {
				t.Errorf("%d lines unread in what is muted, want -1", n)
			}
			return err
		})
		update(t, db, func(tx *store.Tx) error { return tx.SetMuted(me, aside.Conversation, false) })
		if got := c.unread(1); got != 1 {
			t.Errorf("%d unread once it is muted no more, want 1", got)
		}
	})
}

func TestNothingComesFromWhomOneHasBlocked(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newChat(t, db)
		before := c.say(0, []int{1, 2})
		me, them := c.people[1].ID, c.people[0].ID
		update(t, db, func(tx *store.Tx) error { return tx.Block(me, them) })
		c.say(0, []int{1, 2}, 1)
		c.say(2, []int{0, 1})
		if got := c.lines(1, before.Conversation); !slices.Equal(got, []string{"3", "1"}) {
			t.Errorf("reads %q, want what came before and what others write", got)
		}
		update(t, db, func(tx *store.Tx) error {
			all, err := tx.BlockedBy(me)
			if err != nil || len(all) != 1 || all[0].ID != them {
				t.Errorf("blocked are %v, %v", all, err)
			}
			f, err := tx.Correspondence(c.people[0], c.people[1], before.Conversation)
			if err != nil || !f.Blocked || f.Blocks || !f.Absent || f.Wrote {
				t.Errorf("the one stands to the other as %+v, %v", f, err)
			}
			return tx.Unblock(me, them)
		})
		view(t, db, func(tx *store.Tx) error {
			f, err := tx.Correspondence(c.people[0], c.people[2], before.Conversation)
			if f.Blocked || !f.Known || !f.Wrote {
				t.Errorf("once unblocked they stand as %+v", f)
			}
			return err
		})
	})
}

func TestMessagesAreChangedAndDeletedOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newChat(t, db)
		m := c.say(0, []int{1})
		now := time.Now().UTC().Truncate(time.Microsecond)
		change := func(words string, at time.Time) (changed bool) {
			t.Helper()
			m.Source, m.HTML, m.Edited = words, words, at
			update(t, db, func(tx *store.Tx) (err error) {
				changed, err = tx.SetMessage(m, at)
				return err
			})
			return changed
		}
		if !change("new", now) || change("older", now.Add(-time.Minute)) || c.lines(1, m.Conversation)[0] != "new" {
			t.Errorf("it reads %q, want the later change", c.lines(1, m.Conversation))
		}
		update(t, db, func(tx *store.Tx) error { return tx.DeleteMessage(m) })
		if change("back", now.Add(time.Minute)) || c.lines(1, m.Conversation)[0] != "" {
			t.Errorf("it reads %q, want a tombstone", c.lines(1, m.Conversation))
		}
		update(t, db, func(tx *store.Tx) error {
			taken := *m
			taken.ID = store.NewID()
			if err := tx.AddMessage(&taken, nil); copse.CodeOf(err) != copse.CodeConflict {
				t.Errorf("its URI is given again: %v", err)
			}
			n, err := tx.MessagesSince(m.Author, now.Add(-time.Hour))
			if n != 1 {
				t.Errorf("%d messages within the hour, want 1", n)
			}
			return err
		})
	})
}
