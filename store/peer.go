package store

import (
	"database/sql"
	"slices"
	"time"

	"copse/copse"
)

const peerColumns = `p.id, p.host, p.title, p.software, p.version, p.policy, p.inbox, p.rfc9421, p.ed25519, p.refused, p.profile, p.state,
	p.fails, p.not_until, p.error, p.last_ok, p.last_seen, p.looked, p.cursor, p.paused, p.agreed, p.note`

type peerScan struct {
	p                                             copse.Peer
	refused, notUntil, lastOK, lastSeen, lookedAt sql.NullInt64
	paused, agreed                                sql.NullInt64
}

func (s *peerScan) dest() []any {
	p := &s.p
	return []any{&p.ID, &p.Host, &p.Title, &p.Software, &p.Version, &p.Policy, &p.Inbox, &p.RFC9421, &p.Ed25519, &s.refused, &p.Profile, &p.State,
		&p.Fails, &s.notUntil, &p.Error, &s.lastOK, &s.lastSeen, &s.lookedAt, &p.Cursor,
		&s.paused, &s.agreed, &p.Note}
}

func (s *peerScan) peer() *copse.Peer {
	p := &s.p
	p.NotUntil, p.LastOK, p.LastSeen = fromMicros(s.notUntil), fromMicros(s.lastOK), fromMicros(s.lastSeen)
	p.Looked, p.Refused = fromMicros(s.lookedAt), fromMicros(s.refused)
	p.Paused, p.Agreed = fromMicros(s.paused), fromMicros(s.agreed)
	return p
}

func scanPeer(r row) (*copse.Peer, error) {
	var s peerScan
	if err := r.Scan(s.dest()...); err != nil {
		return nil, err
	}
	return s.peer(), nil
}

// Peer returns the peer at host.
func (tx *Tx) Peer(host string) (*copse.Peer, error) {
	return found(one(tx, scanPeer, `select `+peerColumns+` from peers p where p.host = $1`, host))
}

// PeerAt is Peer for hosts that may be new. A new peer has nothing to catch up
// with: its cursor stands at the end of the outbox.
func (tx *Tx) PeerAt(host string) (*copse.Peer, error) {
	p, err := tx.Peer(host)
	if copse.CodeOf(err) != copse.CodeNotFound {
		return p, err
	}
	id := NewID()
	_, err = tx.add(&id, func() (int64, error) {
		return tx.exec(`
			insert into peers (id, host, cursor)
			select cast($1 as bigint), cast($2 as text), last from logs where name = 'outbox'
			on conflict do nothing`, id, host)
	}, func() (bool, error) {
		return one(tx, value[bool], `select exists (select 1 from peers where host = $1)`, host)
	})
	if err != nil {
		return nil, err
	}
	return tx.Peer(host)
}

// Policies returns what was decided about peers at hosts, of those that anything
// was decided about.
func (tx *Tx) Policies(hosts []string) (map[string]copse.Policy, error) {
	const atOnce = 4 // a host, itself with a port, and the names above it
	decided := make(map[string]copse.Policy, len(hosts))
	for some := range slices.Chunk(hosts, atOnce) {
		at := func(i int) string { return some[min(i, len(some)-1)] }
		_, err := many(tx, func(r row) (none struct{}, err error) {
			var (
				host   string
				policy copse.Policy
			)
			err = r.Scan(&host, &policy)
			decided[host] = policy
			return none, err
		}, `select host, policy from peers where host in ($1, $2, $3, $4)`, at(0), at(1), at(2), at(3))
		if err != nil {
			return nil, err
		}
	}
	return decided, nil
}

// Peers returns every peer, by name.
func (tx *Tx) Peers() ([]*copse.Peer, error) {
	return many(tx, scanPeer, `select `+peerColumns+` from peers p order by p.title, p.host`)
}

// Exchanging counts the peers that something has been exchanged with, those that
// are blocked left out.
func (tx *Tx) Exchanging() (int, error) {
	return one(tx, value[int], `
		select count(*) from peers
		where policy <> 'block' and (last_ok is not null or last_seen is not null)`)
}

// SetPolicy records what was decided about a peer, and has what waits for it looked
// at now.
func (tx *Tx) SetPolicy(host string, policy copse.Policy) error {
	if _, err := tx.PeerAt(host); err != nil {
		return err
	}
	_, err := tx.exec(`update peers set policy = $1, not_until = $2 where host = $3`, policy, tx.Now.UnixMicro(), host)
	return err
}

// DescribePeer records what a peer says about itself. If that makes it another
// sort of peer, it goes on from where it is as that.
func (tx *Tx) DescribePeer(p *copse.Peer) error {
	if err := tx.hold(p.ID); err != nil {
		return err
	}
	_, err := tx.exec(`
		update peers set title = $1, software = $2, version = $3, inbox = $4, rfc9421 = $5, looked = $6, profile = $7, ed25519 = $8
		where id = $9`, p.Title, p.Software, p.Version, p.Inbox, p.RFC9421, micros(p.Looked), p.Profile, p.Ed25519, p.ID)
	if err != nil {
		return err
	}
	_, err = tx.exec(`update peer_communities set microblog = $1 where peer = $2 and microblog <> $1`,
		p.Profile == copse.Microblog, p.ID)
	return err
}

// SetSigning records which form of signature a peer takes.
func (tx *Tx) SetSigning(p *copse.Peer) error {
	_, err := tx.exec(`update peers set rfc9421 = $1, refused = $2 where id = $3`, p.RFC9421, micros(p.Refused), p.ID)
	return err
}

// SetHealth records how deliveries to a peer go.
func (tx *Tx) SetHealth(p *copse.Peer) error {
	_, err := tx.exec(`
		update peers set state = $1, fails = $2, not_until = $3, error = $4, last_ok = $5
		where id = $6`, p.State, p.Fails, micros(p.NotUntil), p.Error, micros(p.LastOK), p.ID)
	return err
}

// SetCursor records how far into the outbox a peer has got.
func (tx *Tx) SetCursor(peer, cursor copse.ID) error {
	_, err := tx.exec(`update peers set cursor = $1 where id = $2 and cursor < $1`, cursor, peer)
	return err
}

// Heard records that a peer sent something, which may have become clear long after.
func (tx *Tx) Heard(host string, at time.Time) error {
	_, err := tx.exec(`
		update peers set last_seen = $1
		where host = $2 and (last_seen is null or last_seen < $1)`, at.UnixMicro(), host)
	return err
}

// Lanes returns every peer that may have something to get, and how far the
// outbox reaches.
func (tx *Tx) Lanes() (peers []copse.ID, end copse.ID, err error) {
	if end, err = tx.EndOfOutbox(); err != nil {
		return nil, 0, err
	}
	peers, err = many(tx, value[copse.ID], `
		select p.id
		from peers p
		where exists (select 1 from peer_communities pc where pc.peer = p.id)
			or exists (select 1 from peer_extra e where e.peer = p.id and e.stopped is null)`)
	return peers, end, err
}

// Concerned returns the peers that have something to get that they had not when
// the outbox reached seen, or that are due to be tried again, and how far the
// outbox reaches now.
func (tx *Tx) Concerned(seen copse.ID) (peers []copse.ID, end copse.ID, err error) {
	if end, err = tx.EndOfOutbox(); err != nil {
		return nil, seen, err
	}
	// A cross join is read in the order it is written, and "union all" wants no
	// order of its parts: what is new is little, whatever else there is.
	peers, err = many(tx, value[copse.ID], `
		select distinct c.peer
		from (
			select pc.peer as peer
			from outbox x cross join peer_communities pc
			where x.id > $1 and x.community is not null and pc.community = x.community and pc.microblog = x.microblog
			union all
			select e.peer from peer_extra e where e.outbox > $1 and e.stopped is null
			union all
			select e.peer from peer_extra e where e.not_until <= $2 and e.stopped is null
			union all
			select p.id from peers p where p.not_until <= $2) c`, seen, tx.Now.UnixMicro())
	return peers, end, err
}

// NextTry returns when the next peer, or the next item that a lane stepped over,
// is due to be tried again; zero if none is.
func (tx *Tx) NextTry() (time.Time, error) {
	due, err := one(tx, value[sql.NullInt64], `
		select min(d.due)
		from (
			select min(p.not_until) as due from peers p where p.not_until is not null
			union all
			select min(e.not_until) from peer_extra e where e.not_until is not null and e.stopped is null) d`)
	return fromMicros(due), err
}

// Reached returns the peers that a community of ours is announced to.
func (tx *Tx) Reached(community copse.ID) ([]*copse.Peer, error) {
	return many(tx, scanPeer, `
		select `+peerColumns+`
		from peer_communities pc join peers p on p.id = pc.peer
		where pc.community = $1
		order by p.title, p.host`, community)
}

// Title returns the name of the council at a host, or the host where it gave none.
func (tx *Tx) Title(host string) (string, error) {
	p, err := tx.Peer(host)
	if copse.CodeOf(err) == copse.CodeNotFound || err == nil && p.Title == "" {
		return host, nil
	}
	if err != nil {
		return "", err
	}
	return p.Title, nil
}

// Reaches reports whether a community of ours is announced to the server at host.
func (tx *Tx) Reaches(community copse.ID, host string) (bool, error) {
	return one(tx, value[bool], `
		select exists (
			select 1 from peer_communities pc join peers p on p.id = pc.peer
			where pc.community = $1 and p.host = $2)`, community, host)
}

// ReachesMembers is Reaches for what is for members alone, which no microblog gets.
func (tx *Tx) ReachesMembers(community copse.ID, host string) (bool, error) {
	return one(tx, value[bool], `
		select exists (
			select 1 from peer_communities pc join peers p on p.id = pc.peer
			where pc.community = $1 and p.host = $2 and pc.microblog = false)`, community, host)
}

// ReachesMicroblogs reports whether any of the peers that a community of ours is
// announced to is a microblog.
func (tx *Tx) ReachesMicroblogs(community copse.ID) (bool, error) {
	return one(tx, value[bool], `
		select exists (select 1 from peer_communities pc where pc.community = $1 and pc.microblog = true)`, community)
}

// PeerByID returns the peer with the given id.
func (tx *Tx) PeerByID(id copse.ID) (*copse.Peer, error) {
	return found(one(tx, scanPeer, `select `+peerColumns+` from peers p where p.id = $1`, id))
}
