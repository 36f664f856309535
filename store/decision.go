package store

import (
	"database/sql"
	"strings"
	"time"

	"copse/copse"
)

// exchangeOff is the setting that holds while administrators have switched off the
// exchange with every peer: since when, in RFC 3339.
const exchangeOff = "exchange_off"

// SetExchange switches the exchange with every peer on or off.
func (tx *Tx) SetExchange(on bool) error {
	if on {
		return tx.SetSetting(exchangeOff, "")
	}
	return tx.SetSetting(exchangeOff, tx.Now.UTC().Format(time.RFC3339))
}

// ExchangeOff returns since when the exchange with every peer has been switched
// off, zero if it is on.
func (tx *Tx) ExchangeOff() (since time.Time, err error) {
	text, err := tx.Setting(exchangeOff)
	if err != nil || text == "" {
		return since, err
	}
	return time.Parse(time.RFC3339, text)
}

// Held reports whether nothing is to be exchanged with the peer at host for now:
// it is paused, or the exchange with every peer is off.
func (tx *Tx) Held(host string) (bool, error) {
	return one(tx, value[bool], `
		select exists (select 1 from settings where name = $1 and value <> '')
			or exists (select 1 from peers where host = $2 and paused is not null)`, exchangeOff, host)
}

// Pause pauses a peer, as of now unless it is paused already.
func (tx *Tx) Pause(peer copse.ID) error {
	_, err := tx.exec(`update peers set paused = $1 where id = $2 and paused is null`, tx.Now.UnixMicro(), peer)
	return err
}

// Resume ends a pause, and has what waits for the peer tried now.
func (tx *Tx) Resume(peer copse.ID) error {
	_, err := tx.exec(`update peers set paused = null, not_until = $1 where id = $2`, tx.Now.UnixMicro(), peer)
	return err
}

// TryAgain has what waits for a peer tried now, as if it had always answered.
func (tx *Tx) TryAgain(peer copse.ID) error {
	_, err := tx.exec(`
		update peers set state = $1, fails = 0, error = '', not_until = $2
		where id = $3`, copse.PeerOK, tx.Now.UnixMicro(), peer)
	return err
}

// SetAgreement records the day of the agreement with a peer, which may be zero, and
// administrators' own words about it.
func (tx *Tx) SetAgreement(peer copse.ID, agreed time.Time, note string) error {
	_, err := tx.exec(`update peers set agreed = $1, note = $2 where id = $3`, micros(agreed), note, peer)
	return err
}

// A Decided is a decision that was taken.
type Decided struct {
	What copse.Decision
	At   time.Time
	By   *copse.Actor // nil: on the command line
}

// AddDecision records a decision. peer is zero for one about all peers, by for one
// taken on the command line.
func (tx *Tx) AddDecision(peer, by copse.ID, what copse.Decision) error {
	_, err := tx.exec(`insert into decisions (id, peer, actor, what) values ($1, $2, $3, $4)`,
		NewID(), null(peer), null(by), what)
	return err
}

// Decisions returns the newest n decisions about a peer, or about all of them if
// that is zero, newest first.
func (tx *Tx) Decisions(peer copse.ID, n int) ([]Decided, error) {
	about, args := `d.peer is null`, []any{n}
	if peer != 0 {
		about, args = `d.peer = $2`, append(args, peer)
	}
	type decided struct {
		Decided
		by copse.ID
	}
	all, err := many(tx, func(r row) (d decided, err error) {
		var (
			id copse.ID
			by sql.NullInt64
		)
		err = r.Scan(&id, &by, &d.What)
		d.At, d.by = id.Time(), copse.ID(by.Int64)
		return d, err
	}, `select d.id, d.actor, d.what from decisions d where `+about+` order by d.id desc limit $1`, args...)
	if err != nil {
		return nil, err
	}
	taken := make([]Decided, len(all))
	for i, d := range all {
		taken[i] = d.Decided
		if d.by == 0 {
			continue
		}
		if taken[i].By, err = tx.Actor(d.by); err != nil {
			return nil, err
		}
	}
	return taken, nil
}

// A PeerSearch says which peers are wanted.
type PeerSearch struct {
	Text    string // in the name of the council or of its server, in any case
	Trouble bool   // only those that do not answer or are paused
	After   int    // how many to pass over
	N       int
}

// FindPeers returns peers, those with trouble first, then by name.
func (tx *Tx) FindPeers(s PeerSearch) ([]*copse.Peer, error) {
	const trouble = `(p.state <> 'ok' or p.paused is not null)`
	like := "%" + strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`).Replace(strings.ToLower(s.Text)) + "%"
	where := `lower(p.title || ' ' || p.host) like $1 escape '\'`
	if s.Trouble {
		where += ` and ` + trouble
	}
	return many(tx, scanPeer, `
		select `+peerColumns+`
		from peers p
		where `+where+`
		order by case when `+trouble+` and p.policy <> 'block' then 0 else 1 end,
			case when p.title = '' then p.host else p.title end, p.host
		limit $2 offset $3`, like, s.N, s.After)
}

// Awaited returns what waits for a peer, counting no further than most.
func (tx *Tx) Awaited(p *copse.Peer, most int) (w Wait, err error) {
	type waiting struct {
		n      int
		oldest sql.NullInt64
	}
	found, err := one(tx, func(r row) (w waiting, err error) { return w, r.Scan(&w.n, &w.oldest) }, `
		select count(*), min(w.outbox)
		from (`+awaited("")+`
			order by 1
			limit $3) w`, p.ID, p.Cursor, most)
	if found.oldest.Valid {
		w.Oldest = copse.ID(found.oldest.Int64).Time()
	}
	w.Activities = found.n
	return w, err
}

// awaited are the positions of what waits for the peer $1, whose cursor is $2: the
// first $3 of what was announced, or the last if order is "desc", and the rest.
func awaited(order string) string {
	return `
		select a.outbox
		from (
			select x.id as outbox
			from outbox x
			where x.id > $2 and x.community is not null and exists (
				select 1 from peer_communities pc
				where pc.peer = $1 and pc.community = x.community and pc.since < x.id)
			order by x.id ` + order + `
			limit $3) a
		union
		select e.outbox from peer_extra e where e.peer = $1 and e.stopped is null`
}

// A Missing is one activity that a peer has not got.
type Missing struct {
	Type      string        // of activity: "Create"
	Community *copse.Actor  // that announced it; nil for what is addressed to the peer alone
	Object    *copse.Object // what it is about; nil if that is no object
	Since     time.Time     // when it was sent off
	Tries     int           // of this alone
	Again     time.Time     // when it is tried next; zero: with the rest
	Error     string        // why the peer did not take it; "" if it has not been tried alone
	Stopped   time.Time     // when it was given up; zero while it is still tried
}

// MissingAt returns the newest n activities that a peer has not got, newest first,
// those that were given up among them.
func (tx *Tx) MissingAt(p *copse.Peer, n int) ([]Missing, error) {
	type missing struct {
		Missing
		community, object copse.ID
	}
	all, err := many(tx, func(r row) (m missing, err error) {
		var (
			id                                       copse.ID
			community, object, tries, until, stopped sql.NullInt64
			reason                                   sql.NullString
		)
		err = r.Scan(&id, &m.Type, &community, &object, &tries, &until, &reason, &stopped)
		m.Since, m.Again, m.Stopped = id.Time(), fromMicros(until), fromMicros(stopped)
		m.community, m.object = copse.ID(community.Int64), copse.ID(object.Int64)
		m.Tries, m.Error = int(tries.Int64), reason.String
		return m, err
	}, `
		select x.id, x.type, x.community, x.object, e.tries, e.not_until, e.error, e.stopped
		from (`+awaited("desc")+`
			union
			select e.outbox from peer_extra e where e.peer = $1
			order by 1 desc
			limit $3) w
			join outbox x on x.id = w.outbox
			left join peer_extra e on e.peer = $1 and e.outbox = w.outbox
		order by x.id desc`, p.ID, p.Cursor, n)
	if err != nil {
		return nil, err
	}
	missed := make([]Missing, len(all))
	for i, m := range all {
		missed[i] = m.Missing
		if m.community != 0 {
			if missed[i].Community, err = tx.Actor(m.community); err != nil {
				return nil, err
			}
		}
		if m.object != 0 {
			if missed[i].Object, err = tx.Object(m.object); err != nil {
				return nil, err
			}
		}
	}
	return missed, nil
}
