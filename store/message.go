package store

import (
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"time"

	"copse/copse"
)

const messageColumns = `m.id, m.uri, m.conversation, m.author, m.parent, m.source, m.html, m.language, m.local,
	m.published, m.edited, m.deleted`

type messageScan struct {
	m               copse.Message
	parent          sql.NullInt64
	published       int64
	edited, deleted sql.NullInt64
}

func (s *messageScan) dest() []any {
	m := &s.m
	return []any{&m.ID, &m.URI, &m.Conversation, &m.Author, &s.parent, &m.Source, &m.HTML, &m.Language, &m.Local,
		&s.published, &s.edited, &s.deleted}
}

func (s *messageScan) message() *copse.Message {
	s.m.Parent, s.m.Published = copse.ID(s.parent.Int64), time.UnixMicro(s.published).UTC()
	s.m.Edited, s.m.Deleted = fromMicros(s.edited), fromMicros(s.deleted)
	return &s.m
}

func scanMessage(r row) (*copse.Message, error) {
	var s messageScan
	if err := r.Scan(s.dest()...); err != nil {
		return nil, err
	}
	return s.message(), nil
}

// Message returns the message with the given id, a tombstone too, whoever may read
// it: for rules and deliveries. Pages use Line.
func (tx *Tx) Message(id copse.ID) (*copse.Message, error) {
	return found(one(tx, scanMessage, `select `+messageColumns+` from messages m where m.id = $1`, id))
}

// MessageByURI is Message by ActivityPub id.
func (tx *Tx) MessageByURI(uri string) (*copse.Message, error) {
	return found(one(tx, scanMessage, `select `+messageColumns+` from messages m where m.uri = $1`, uri))
}

// MadeMessage returns the message that the activity with the given URI made.
func (tx *Tx) MadeMessage(activity string) (*copse.Message, error) {
	return found(one(tx, scanMessage, `
		select `+messageColumns+`
		from activities v join messages m on m.uri = v.object
		where v.hash = $1`, hash(activity)))
}

// ownMessage is what of m is somebody's to read, who is in its conversation as p: what
// came to them, and not what was written by whom they had blocked by then.
const ownMessage = `m.id >= p.since
	and not exists (select 1 from blocks b where b.actor = p.actor and b.subject = m.author and b.since < m.id)`

// A Line is a message and who wrote it, of whom it has what stands beside a name.
type Line struct {
	*copse.Message
	By *copse.Actor
}

func scanLine(r row) (Line, error) {
	var (
		s messageScan
		a actorScan
	)
	err := r.Scan(append(s.dest(), a.byline()...)...)
	if err != nil {
		return Line{}, err
	}
	m := s.message()
	return Line{m, a.written(m.Author)}, nil
}

// Line returns the message with the given id, a tombstone too, if it is the reader's
// to read.
func (tx *Tx) Line(reader, id copse.ID) (Line, error) {
	return found(one(tx, scanLine, `
		select `+messageColumns+`, `+bylineColumns+`
		from messages m join participants p on p.conversation = m.conversation and p.actor = $1 join actors a on a.id = m.author
		where m.id = $2 and `+ownMessage, reader, id))
}

// Lines returns the newest n messages of a conversation before the given one that are
// the reader's to read, newest first.
func (tx *Tx) Lines(reader, conversation, before copse.ID, n int) ([]Line, error) {
	return many(tx, scanLine, `
		select `+messageColumns+`, `+bylineColumns+`
		from participants p join messages m on m.conversation = p.conversation join actors a on a.id = m.author
		where p.actor = $1 and p.conversation = $2 and m.conversation = $2 and m.id < $3 and `+ownMessage+`
		order by m.id desc
		limit $4`, reader, conversation, orLast(before), n)
}

// HasMessage reports whether somebody at a host is one of those a message came to, so
// that their server may ask for it.
func (tx *Tx) HasMessage(m *copse.Message, host string) (bool, error) {
	return one(tx, value[bool], `
		select exists (
			select 1
			from participants p join actors a on a.id = p.actor
			where p.conversation = $1 and p.since <= $2 and a.host = $3)`, m.Conversation, m.ID, host)
}

// Converse returns the conversation of some people, and of others of whom only the
// URIs are known, starting it if there is none.
func (tx *Tx) Converse(people []*copse.Actor, others []string) (copse.ID, error) {
	uris := slices.Clone(others)
	for _, p := range people {
		uris = append(uris, p.URI)
	}
	slices.Sort(uris)
	sum := sha256.Sum256([]byte(strings.Join(slices.Compact(uris), "\n")))
	key, listed := hex.EncodeToString(sum[:]), strings.Join(others, "\n")
	id := NewID()
	fresh, err := tx.add(&id, func() (int64, error) {
		return tx.exec(`insert into conversations (id, people, others) values ($1, $2, $3) on conflict do nothing`, id, key, listed)
	}, func() (bool, error) {
		return one(tx, value[bool], `select exists (select 1 from conversations where people = $1)`, key)
	})
	if err != nil {
		return 0, err
	}
	if !fresh {
		// Of somebody more may be known by now.
		id, err = one(tx, value[copse.ID], `update conversations set others = $1 where people = $2 returning id`, listed, key)
		if err != nil {
			return 0, err
		}
	}
	for _, p := range people {
		_, err := tx.exec(`insert into participants (conversation, actor) values ($1, $2) on conflict do nothing`, id, p.ID)
		if err != nil {
			return 0, err
		}
	}
	return id, nil
}

// AddMessage inserts m, which has come to those people of its conversation. Its author
// has read it. It refuses a message whose URI is taken, and one of ours whose id is.
func (tx *Tx) AddMessage(m *copse.Message, people []copse.ID) error {
	if err := tx.hold(m.Conversation); err != nil {
		return err
	}
	fresh, err := tx.add(&m.ID, func() (int64, error) {
		return tx.exec(`
			insert into messages (id, uri, conversation, author, parent, local, published, edited, language, source, html)
			values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
			on conflict do nothing`,
			m.ID, m.URI, m.Conversation, m.Author, null(m.Parent), m.Local, m.Published.UnixMicro(), micros(m.Edited),
			m.Language, m.Source, m.HTML)
	}, func() (bool, error) {
		return one(tx, value[bool], `
			select exists (select 1 from messages where uri = $1 or ($2 and id = $3))`, m.URI, m.Local, m.ID)
	})
	if err != nil {
		return err
	}
	if !fresh {
		return copse.Conflict("there is already something at %s", m.URI)
	}
	for _, p := range append([]copse.ID{m.Author}, people...) {
		_, err := tx.exec(`
			update participants set newest = $1, since = coalesce(since, $1), seen = case when $2 then $1 else seen end
			where conversation = $3 and actor = $4 and (newest is null or newest < $1)`, m.ID, p == m.Author, m.Conversation, p)
		if err != nil {
			return err
		}
	}
	return nil
}

// SetMessage updates the words of m, which its author changed at the given time. It
// reports false, and changes nothing, if a later change is there already, or if it
// has been deleted. What it said before is not kept.
func (tx *Tx) SetMessage(m *copse.Message, at time.Time) (bool, error) {
	n, err := tx.exec(`
		update messages set source = $1, html = $2, language = $3, edited = $4, changed = $5
		where id = $6 and deleted is null and coalesce(changed, edited, 0) <= $5`,
		m.Source, m.HTML, m.Language, micros(m.Edited), micros(at), m.ID)
	return n > 0, err
}

// DeleteMessage leaves a tombstone where m was, without its words.
func (tx *Tx) DeleteMessage(m *copse.Message) error {
	m.Deleted = tx.Now
	_, err := tx.exec(`update messages set source = '', html = '', deleted = $1 where id = $2 and deleted is null`,
		tx.Now.UnixMicro(), m.ID)
	return err
}

// MessagesSince counts what an actor has written since the given time, as it came
// here.
func (tx *Tx) MessagesSince(author copse.ID, since time.Time) (int, error) {
	return one(tx, value[int], `select count(*) from messages m where m.author = $1 and m.id >= $2`, author, since.UnixMilli()*2048)
}

// LastLine returns the id of the newest message of a conversation that is a person's to
// read and is still there, zero if there is none.
func (tx *Tx) LastLine(reader, conversation copse.ID) (copse.ID, error) {
	id, err := one(tx, value[copse.ID], `
		select m.id
		from participants p join messages m on m.conversation = p.conversation
		where p.actor = $1 and p.conversation = $2 and m.conversation = $2 and m.deleted is null and `+ownMessage+`
		order by m.id desc
		limit 1`, reader, conversation)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return id, err
}

// PeopleIn returns who is in a conversation, by name.
func (tx *Tx) PeopleIn(conversation copse.ID) ([]*copse.Actor, error) {
	return many(tx, scanActor, `
		select `+actorColumns+`
		from participants p join actors a on a.id = p.actor
		where p.conversation = $1
		order by a.title, a.id`, conversation)
}

// A Talk is a conversation as it stands to one person in it.
type Talk struct {
	ID     copse.ID
	People []*copse.Actor // who is in it, that person left out
	Others []string       // URIs of those of whom no more is known
	Last   Line           // what came to them last
	Unread bool
	Muted  bool // they hear no more of it
}

const talkColumns = `p.conversation, c.others, case when p.newest > p.seen then true else false end,
	case when p.muted is null then false else true end, ` + messageColumns + `, ` + bylineColumns

func scanTalk(r row) (t Talk, err error) {
	var (
		s      messageScan
		a      actorScan
		others string
	)
	dest := append([]any{&t.ID, &others, &t.Unread, &t.Muted}, s.dest()...)
	err = r.Scan(append(dest, a.byline()...)...)
	if err != nil {
		return t, err
	}
	t.Others = strings.Fields(others)
	m := s.message()
	t.Last = Line{m, a.written(m.Author)}
	return t, nil
}

// Talks returns up to n of a person's conversations, the one with the newest message
// first, after the one whose last message is the given one.
func (tx *Tx) Talks(person, before copse.ID, n int) ([]Talk, error) {
	all, err := many(tx, scanTalk, `
		select `+talkColumns+`
		from participants p join messages m on m.id = p.newest join conversations c on c.id = p.conversation join actors a on a.id = m.author
		where p.actor = $1 and p.newest is not null and p.newest < $2
		order by p.newest desc
		limit $3`, person, orLast(before), n)
	for i := range all {
		if err == nil {
			err = tx.fillTalk(&all[i], person)
		}
	}
	return all, err
}

// Talk returns one of a person's conversations.
func (tx *Tx) Talk(person, conversation copse.ID) (Talk, error) {
	t, err := found(one(tx, scanTalk, `
		select `+talkColumns+`
		from participants p join messages m on m.id = p.newest join conversations c on c.id = p.conversation join actors a on a.id = m.author
		where p.actor = $1 and p.conversation = $2`, person, conversation))
	if err == nil {
		err = tx.fillTalk(&t, person)
	}
	return t, err
}

func (tx *Tx) fillTalk(t *Talk, person copse.ID) (err error) {
	t.People, err = tx.PeopleIn(t.ID)
	t.People = slices.DeleteFunc(t.People, func(a *copse.Actor) bool { return a.ID == person })
	return err
}

// MaxUnread is as far as Unread counts.
const MaxUnread = 100

// Unread counts the conversations in which something has come to a person that they
// have not read, those they hear no more of left out.
func (tx *Tx) Unread(person copse.ID) (int, error) {
	return one(tx, value[int], `
		select count(*) from (
			select 1 from participants p where p.actor = $1 and p.newest > p.seen and p.muted is null limit $2) few`, person, MaxUnread)
}

// UnreadLines counts what has come to a person in a conversation that they have not
// read; -1 if they hear no more of it.
func (tx *Tx) UnreadLines(person, conversation copse.ID) (int, error) {
	return found(one(tx, value[int], `
		select case when p.muted is null then (
			select count(*) from messages m
			where m.conversation = $2 and m.id > p.seen and `+ownMessage+`) else -1 end
		from participants p
		where p.actor = $1 and p.conversation = $2`, person, conversation))
}

// SetRead records that a person has read a conversation as far as the given message.
func (tx *Tx) SetRead(person copse.ID, m *copse.Message) error {
	_, err := tx.exec(`update participants set seen = $1 where conversation = $2 and actor = $3 and seen < $1`,
		m.ID, m.Conversation, person)
	return err
}

// SetMuted records whether a person wants to hear no more of a conversation.
func (tx *Tx) SetMuted(person, conversation copse.ID, muted bool) error {
	at := sql.NullInt64{Int64: tx.Now.UnixMicro(), Valid: muted}
	_, err := tx.exec(`update participants set muted = $1 where conversation = $2 and actor = $3`, at, conversation, person)
	return err
}

// Block records that somebody wants no more messages from somebody else.
func (tx *Tx) Block(actor, subject copse.ID) error {
	_, err := tx.exec(`insert into blocks (actor, subject, since) values ($1, $2, $3) on conflict do nothing`, actor, subject, NewID())
	return err
}

// Unblock undoes Block.
func (tx *Tx) Unblock(actor, subject copse.ID) error {
	_, err := tx.exec(`delete from blocks where actor = $1 and subject = $2`, actor, subject)
	return err
}

// HasBlocked reports whether an actor wants no messages from another.
func (tx *Tx) HasBlocked(actor, subject copse.ID) (bool, error) {
	return one(tx, value[bool], `select exists (select 1 from blocks where actor = $1 and subject = $2)`, actor, subject)
}

// BlockedBy returns whom somebody has blocked, by name.
func (tx *Tx) BlockedBy(actor copse.ID) ([]*copse.Actor, error) {
	return many(tx, scanActor, `
		select `+actorColumns+`
		from blocks b join actors a on a.id = b.subject
		where b.actor = $1
		order by a.title, a.id`, actor)
}

// lately is how much of what somebody wrote is looked at to see where they take part.
const lately = 500

// Correspondence returns how somebody who writes stands to one of those it is for, in
// a conversation, which may be none yet. Who is in a community elsewhere is not known
// here: what they wrote there is.
func (tx *Tx) Correspondence(from, to *copse.Actor, conversation copse.ID) (copse.Correspondence, error) {
	f := copse.Correspondence{To: to, Reach: copse.ReachAnyone, Absent: !to.Gone.IsZero()}
	err := tx.correspond(&f, from, conversation)
	if err != nil || !to.Local {
		return f, err
	}
	account, err := tx.Account(to.ID)
	if copse.CodeOf(err) == copse.CodeNotFound {
		f.Absent = true
		return f, nil
	}
	if err == nil {
		f.Reach, f.Absent = account.Reach, f.Absent || account.Confirmed.IsZero()
	}
	return f, err
}

func (tx *Tx) correspond(f *copse.Correspondence, from *copse.Actor, conversation copse.ID) (err error) {
	to := f.To
	if f.Blocks, err = tx.HasBlocked(from.ID, to.ID); err != nil {
		return err
	}
	if f.Blocked, err = tx.HasBlocked(to.ID, from.ID); err != nil {
		return err
	}
	f.Wrote, err = one(tx, value[bool], `
		select exists (select 1 from messages m where m.conversation = $1 and m.author = $2)`, conversation, to.ID)
	if err != nil {
		return err
	}
	if !to.Local {
		p, err := tx.Peer(to.Host)
		if copse.CodeOf(err) == copse.CodeNotFound {
			return nil
		}
		f.OneOnly = err == nil && p.OneRecipient()
		return err
	}
	if from.Host == to.Host {
		f.Known = true
		return nil
	}
	f.Known, err = one(tx, value[bool], `
		select exists (
				select 1
				from memberships t join memberships f on f.community = t.community and f.actor = $1 and f.role > 0
				where t.actor = $2 and t.role > 0)
			or exists (
				select 1
				from (
						select o.community as community
						from objects o
						where o.author = $1 and o.deleted is null
						order by o.id desc
						limit $3) lately
					cross join memberships t
				where t.community = lately.community and t.actor = $2 and t.role > 0)`, from.ID, to.ID, lately)
	return err
}

// An Errand is one message that a council does not have yet.
type Errand struct {
	Message copse.ID
	Peer    copse.Peer
	Stopped bool // it was given up
}

// Errands returns what an author here has written in a conversation, from the given
// message on, that other councils do not have yet, by their names.
func (tx *Tx) Errands(author, conversation, from copse.ID) ([]Errand, error) {
	return many(tx, func(r row) (e Errand, err error) {
		var p peerScan
		err = r.Scan(append(p.dest(), &e.Message, &e.Stopped)...)
		e.Peer = *p.peer()
		return e, err
	}, `
		select `+peerColumns+`, m.id, case when e.stopped is null then false else true end
		from messages m
			join outbox x on x.object = m.id
			join peer_extra e on e.outbox = x.id
			join peers p on p.id = e.peer
		where m.conversation = $1 and m.author = $2 and m.id >= $3
		order by m.id, p.title, p.host`, conversation, author, from)
}
