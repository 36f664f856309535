package store

import (
	"crypto/sha256"
	"database/sql"
	"time"

	"copse/copse"
)

// An Outgoing is one activity on its way out: serialised and digested once,
// however many peers it goes to.
type Outgoing struct {
	ID        copse.ID
	URI       string
	Type      string   // of what an Announce announces
	Inner     string   // URI of the activity it announces, if it does
	Community copse.ID // announced to every peer with members there, if it is ours
	Microblog bool     // to those of them that are microblogs; otherwise to the rest
	Thread    copse.ID // what must arrive in order
	Object    copse.ID
	Signer    copse.ID
	Body      []byte
	Digest    [sha256.Size]byte
}

// EndOfOutbox returns the position of the newest row there ever was.
func (tx *Tx) EndOfOutbox() (copse.ID, error) {
	return one(tx, value[copse.ID], `select last from logs where name = 'outbox'`)
}

// Append adds o to the outbox and gives it its place. Until the transaction
// ends nobody else can append, so positions appear in order.
func (tx *Tx) Append(o *Outgoing) error {
	var err error
	o.ID, err = one(tx, value[copse.ID], `
		update logs set last = case when last >= $1 then last + 1 else $1 end
		where name = 'outbox'
		returning last`, NewID())
	if err != nil {
		return err
	}
	o.Digest = sha256.Sum256(o.Body)
	_, err = tx.exec(`
		insert into outbox (id, uri, type, inner_uri, community, microblog, thread, object, signer, body, digest)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		o.ID, o.URI, o.Type, o.Inner, null(o.Community), o.Microblog, null(o.Thread), null(o.Object), o.Signer, o.Body, o.Digest[:])
	return err
}

// Address adds an item of the outbox to what one peer alone gets.
func (tx *Tx) Address(outbox, peer copse.ID, inbox string) error {
	_, err := tx.exec(`
		insert into peer_extra (peer, outbox, inbox) values ($1, $2, $3)
		on conflict do nothing`, peer, outbox, inbox)
	return err
}

// AddressAcquaintances addresses an item of the outbox to every peer that knows a
// person here from a community: those with members in one of ours that they are
// in, and the homes of the others.
func (tx *Tx) AddressAcquaintances(outbox, person copse.ID) error {
	_, err := tx.exec(`
		insert into peer_extra (peer, outbox)
		select pc.peer, cast($1 as bigint)
		from memberships m join peer_communities pc on pc.community = m.community
		where m.actor = $2 and m.role > 0
		union
		select p.id, cast($1 as bigint)
		from memberships m join actors c on c.id = m.community join peers p on p.host = c.host
		where m.actor = $2 and m.role > 0 and not c.local
		on conflict do nothing`, outbox, person)
	return err
}

const outgoingColumns = `x.id, x.uri, x.type, x.inner_uri, x.community, x.microblog, x.thread, x.object, x.signer, x.body, x.digest`

type outgoingScan struct {
	o                         Outgoing
	community, thread, object sql.NullInt64
	digest                    []byte
}

func (s *outgoingScan) dest() []any {
	o := &s.o
	return []any{&o.ID, &o.URI, &o.Type, &o.Inner, &s.community, &o.Microblog, &s.thread, &s.object, &o.Signer, &o.Body, &s.digest}
}

func (s *outgoingScan) outgoing() *Outgoing {
	o := &s.o
	o.Community, o.Thread, o.Object = copse.ID(s.community.Int64), copse.ID(s.thread.Int64), copse.ID(s.object.Int64)
	copy(o.Digest[:], s.digest)
	return o
}

func scanOutgoing(r row) (*Outgoing, error) {
	var s outgoingScan
	if err := r.Scan(s.dest()...); err != nil {
		return nil, err
	}
	return s.outgoing(), nil
}

// Outgoing returns the item at a position of the outbox. It never changes.
func (tx *Tx) Outgoing(id copse.ID) (*Outgoing, error) {
	return found(one(tx, scanOutgoing, `select `+outgoingColumns+` from outbox x where x.id = $1`, id))
}

// OutgoingByURI returns an activity that was sent, or the announcement that
// carried it, so that it can be fetched.
func (tx *Tx) OutgoingByURI(uri string) (*Outgoing, error) {
	return found(one(tx, scanOutgoing, `
		select `+outgoingColumns+`
		from outbox x
		where x.uri = $1 or (x.inner_uri = $1 and x.inner_uri <> '')
		limit 1`, uri))
}

// OutboxAfter returns up to n items announced by communities of ours from after
// the given position, in order.
func (tx *Tx) OutboxAfter(after copse.ID, n int) ([]*Outgoing, error) {
	return many(tx, scanOutgoing, `
		select `+outgoingColumns+`
		from outbox x
		where x.id > $1 and x.community is not null
		order by x.id
		limit $2`, after, n)
}

// OutboxFor returns the positions of up to n items from after the given one that
// are for one peer, being what it is: what the communities it has members in
// announced, in order.
// It walks the log rather than merging the communities, so that catching up costs
// as much as there is to pass over, once, however many communities the peer is
// in.
func (tx *Tx) OutboxFor(peer, after copse.ID, n int) ([]copse.ID, error) {
	return many(tx, value[copse.ID], `
		select x.id
		from outbox x
		where x.id > $2 and x.community is not null and exists (
			select 1 from peer_communities pc
			where pc.peer = $1 and pc.community = x.community and pc.microblog = x.microblog and pc.since < x.id)
		order by x.id
		limit $3`, peer, after, n)
}

// Announced returns the newest n things made in a community of ours that are
// still there, by how they were announced, newest first.
func (tx *Tx) Announced(v copse.Viewer, community copse.ID, n int) ([]*Outgoing, error) {
	return many(tx, scanOutgoing, `
		select `+outgoingColumns+`
		from outbox x join objects o on o.id = x.object
		where x.community = $3 and x.type = 'Create' and o.deleted is null
			and `+visible+`
		order by x.id desc
		limit $4`, v.Actor, v.Peer, community, n)
}

// An Extra is an item addressed to one peer alone, or one its lane stepped over.
type Extra struct {
	*Outgoing
	Inbox string // "": the peer's shared inbox
	Tries int
}

// Extras returns up to n items for one peer that are due, in order.
func (tx *Tx) Extras(peer copse.ID, n int) ([]Extra, error) {
	return many(tx, func(r row) (e Extra, err error) {
		var s outgoingScan
		err = r.Scan(append(s.dest(), &e.Inbox, &e.Tries)...)
		e.Outgoing = s.outgoing()
		return e, err
	}, `
		select `+outgoingColumns+`, e.inbox, e.tries
		from peer_extra e join outbox x on x.id = e.outbox
		where e.peer = $1 and e.stopped is null and (e.not_until is null or e.not_until <= $2)
		order by e.outbox
		limit $3`, peer, tx.Now.UnixMicro(), n)
}

// Delivered forgets an item addressed to one peer alone.
func (tx *Tx) Delivered(peer, outbox copse.ID) error {
	_, err := tx.exec(`delete from peer_extra where peer = $1 and outbox = $2`, peer, outbox)
	return err
}

// Postpone records that a peer did not take an item, which is tried again at
// the given time apart from the rest, or not at all if that is zero.
func (tx *Tx) Postpone(peer, outbox copse.ID, reason string, until time.Time) error {
	stopped := sql.NullInt64{Int64: tx.Now.UnixMicro(), Valid: until.IsZero()}
	_, err := tx.exec(`
		insert into peer_extra (peer, outbox, tries, not_until, error, stopped) values ($1, $2, 1, $3, $4, $5)
		on conflict (peer, outbox) do update set
			tries = peer_extra.tries + 1, not_until = excluded.not_until,
			error = excluded.error, stopped = excluded.stopped`,
		peer, outbox, micros(until), reason, stopped)
	return err
}

// A Receipt says whether one council has something that was posted here.
type Receipt struct {
	Peer    copse.Peer
	Has     bool
	Error   string    // why not, in plain words
	Since   time.Time // when it was sent off
	Stopped time.Time // when it was given up; zero while it is still tried
}

// Receipts returns who has the newest words of the object that was announced
// here, or, for one submitted to a community elsewhere, whether its home has it.
// Microblogs, which are told where to look, are left out.
func (tx *Tx) Receipts(object copse.ID) ([]Receipt, error) {
	return many(tx, func(r row) (c Receipt, err error) {
		var (
			p      peerScan
			outbox copse.ID
			ours   bool
			extra  sql.NullInt64
			err2   sql.NullString
			ended  sql.NullInt64
		)
		err = r.Scan(append(p.dest(), &outbox, &ours, &extra, &err2, &ended)...)
		c.Peer = *p.peer()
		c.Since = outbox.Time()
		// What a home is sent stands in its extras until it has taken it.
		c.Has = !extra.Valid && (!ours || c.Peer.Cursor >= outbox)
		if c.Error = err2.String; c.Error == "" && !c.Has {
			c.Error = c.Peer.Error
		}
		c.Stopped = fromMicros(ended)
		return c, err
	}, `
		with sent as materialized (
			select x.id as id, o.community as community, h.host as home, h.local as ours
			from objects o join actors h on h.id = o.community join outbox x on x.object = o.id
			where o.id = $1 and x.type in ('Create', 'Update')
			order by x.id desc
			limit 1
		), receivers as materialized (
			select pc.peer as peer
			from sent x cross join peer_communities pc
			where x.ours and pc.community = x.community and pc.microblog = false and pc.since < x.id
			union all
			select h.id
			from sent x cross join peers h
			where not x.ours and h.host = x.home
		)
		select `+peerColumns+`, x.id, x.ours, e.outbox, e.error, e.stopped
		from sent x
			cross join receivers r
			cross join peers p
			left join peer_extra e on e.peer = p.id and e.outbox = x.id
		where p.id = r.peer
		order by p.title, p.host`, object)
}

// SendAgain has what was given up of an object tried again now, as if it had
// failed only once.
func (tx *Tx) SendAgain(object copse.ID) error {
	_, err := tx.exec(`
		update peer_extra set stopped = null, tries = 1, not_until = $1
		where stopped is not null and outbox in (select x.id from outbox x where x.object = $2)`,
		tx.Now.UnixMicro(), object)
	return err
}

// TidyOutbox forgets what went out before the given time and every peer has had
// its chance to take, and what was given up before it. It returns how many
// activities went.
func (tx *Tx) TidyOutbox(before time.Time) (int64, error) {
	if _, err := tx.exec(`delete from peer_extra where stopped < $1`, before.UnixMicro()); err != nil {
		return 0, err
	}
	return tx.exec(`
		delete from outbox
		where id < $1 and not exists (select 1 from peer_extra e where e.outbox = outbox.id)`,
		before.UnixMilli()*2048)
}
