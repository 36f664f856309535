package store

import (
	"database/sql"
	"errors"
	"math"
	"time"

	"copse/copse"
)

const membershipColumns = `m.community, m.actor, m.role, m.state, m.reason, m.follow, m.since, m.until, m.was`

type membershipScan struct {
	m     copse.Membership
	since int64
	until sql.NullInt64
}

func (s *membershipScan) dest() []any {
	m := &s.m
	return []any{&m.Community, &m.Actor, &m.Role, &m.State, &m.Reason, &m.Follow, &s.since, &s.until, &m.Was}
}

func (s *membershipScan) membership() *copse.Membership {
	s.m.Since, s.m.Until = time.UnixMicro(s.since).UTC(), fromMicros(s.until)
	if s.m.State == copse.Blocked && s.until.Valid && !time.Now().Before(s.m.Until) {
		s.m.State, s.m.Until = copse.Left, time.Time{} // nobody has to be there when it ends
	}
	return &s.m
}

func scanMembership(r row) (*copse.Membership, error) {
	var s membershipScan
	if err := r.Scan(s.dest()...); err != nil {
		return nil, err
	}
	return s.membership(), nil
}

// Membership returns how an actor stands to a community. Somebody who never
// asked stands there as a guest, with no state.
func (tx *Tx) Membership(community, actor copse.ID) (*copse.Membership, error) {
	m, err := one(tx, scanMembership, `
		select `+membershipColumns+`
		from memberships m
		where m.community = $1 and m.actor = $2`, community, actor)
	if errors.Is(err, sql.ErrNoRows) {
		return &copse.Membership{Community: community, Actor: actor}, nil
	}
	return m, err
}

// SetMembership writes m and what follows from it: the community's reach and,
// for a community of ours, which peers it is announced to.
func (tx *Tx) SetMembership(m *copse.Membership) error {
	if m.State != copse.Active {
		m.Role = copse.Guest
	}
	if m.State != copse.Blocked {
		m.Until = time.Time{}
	}
	if err := tx.hold(m.Community); err != nil {
		return err
	}
	_, err := tx.exec(`
		insert into memberships (community, actor, role, state, reason, follow, since, until, was)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		on conflict (community, actor) do update set
			role = excluded.role, state = excluded.state, reason = excluded.reason,
			follow = excluded.follow, since = excluded.since, until = excluded.until,
			was = case when excluded.was > 0 then excluded.was else memberships.was end`,
		m.Community, m.Actor, m.Role, m.State, m.Reason, m.Follow, m.Since.UnixMicro(), micros(m.Until), m.Was)
	if err != nil {
		return err
	}
	return tx.reach(m)
}

// reach brings what is derived from the memberships of a community of ours up to
// date after m has changed. It counts rather than adds, so it can be run at any
// time. What is said there is at the servers in peer_communities and at this one,
// whether or not anybody here is in it.
func (tx *Tx) reach(m *copse.Membership) error {
	c, err := tx.Actor(m.Community)
	if err != nil || !c.Local {
		return err
	}
	a, err := tx.Actor(m.Actor)
	if err != nil {
		return err
	}
	switch {
	case a.Local:
	case m.Role >= copse.Member:
		err = tx.reachHost(c.ID, a.Host)
	default:
		// A cross join is read in the order it is written: a server's people are
		// fewer than a big community's members. The plus keeps SQLite from reading
		// through those for each of them.
		_, err = tx.exec(`
			delete from peer_communities
			where community = $1 and peer = (select p.id from peers p where p.host = $2) and not exists (
				select 1 from actors b cross join memberships m
				where b.host = $2 and m.community = $1 and m.actor = b.id and +m.role > 0)`, c.ID, a.Host)
	}
	if err != nil {
		return err
	}
	_, err = tx.exec(`
		update communities set
			members = (select count(*) from memberships m where m.community = $1 and m.role > 0),
			councils = (select count(*) from peer_communities pc where pc.community = $1) + 1
		where actor = $1`, c.ID)
	return err
}

// reachHost has a community announced to the server at host, from what goes out
// next on.
func (tx *Tx) reachHost(community copse.ID, host string) error {
	peer, err := tx.PeerAt(host)
	if err != nil {
		return err
	}
	if err := tx.hold(peer.ID); err != nil {
		return err
	}
	_, err = tx.exec(`
		insert into peer_communities (peer, community, since, microblog)
		select p.id, cast($2 as bigint), (select last from logs where name = 'outbox'), p.profile = $3
		from peers p
		where p.id = $1
		on conflict do nothing`, peer.ID, community, copse.Microblog)
	return err
}

// A Person is a member and how they stand to the community.
type Person struct {
	copse.Membership
	*copse.Actor
}

func scanPerson(r row) (Person, error) {
	var (
		m membershipScan
		a actorScan
	)
	if err := r.Scan(append(m.dest(), a.dest()...)...); err != nil {
		return Person{}, err
	}
	return Person{*m.membership(), a.actor()}, nil
}

// MembersOf returns up to n members of at least the given role, the highest role
// first and among equals whoever came here last, after the given one.
func (tx *Tx) MembersOf(community copse.ID, least copse.Role, after copse.ID, n int) ([]Person, error) {
	last := &copse.Membership{Role: copse.Owner, Actor: math.MaxInt64}
	if after != 0 {
		var err error
		if last, err = tx.Membership(community, after); err != nil {
			return nil, err
		}
	}
	return many(tx, scanPerson, `
		select `+membershipColumns+`, `+actorColumns+`
		from memberships m join actors a on a.id = m.actor
		where m.community = $1 and m.role >= $2 and (m.role, m.actor) < ($3, $4)
		order by m.role desc, m.actor desc
		limit $5`, community, max(least, copse.Member), last.Role, last.Actor, n)
}

// HostsIn returns the other hosts at which people are in a community or have asked
// to be.
func (tx *Tx) HostsIn(community copse.ID) ([]string, error) {
	return many(tx, value[string], `
		select distinct a.host
		from memberships m join actors a on a.id = m.actor
		where m.community = $1 and not a.local and m.state in ('active', 'pending')
		order by a.host`, community)
}

// MembersAt returns all at one host who are in a community or have asked to be.
func (tx *Tx) MembersAt(community copse.ID, host string) ([]Person, error) {
	return many(tx, scanPerson, `
		select `+membershipColumns+`, `+actorColumns+`
		from actors a join memberships m on m.actor = a.id
		where a.host = $2 and m.community = $1 and m.state in ('active', 'pending')
		order by a.id`, community, host)
}

// Waiting returns those who asked to join, the longest waiting first.
func (tx *Tx) Waiting(community copse.ID, n int) ([]Person, error) {
	return many(tx, scanPerson, `
		select `+membershipColumns+`, `+actorColumns+`
		from memberships m join actors a on a.id = m.actor
		where m.community = $1 and m.state = 'pending'
		order by m.since, m.actor
		limit $2`, community, n)
}

// Banned returns those who are blocked in a community, whoever was blocked last
// before the others.
func (tx *Tx) Banned(community copse.ID, n int) ([]Person, error) {
	return many(tx, scanPerson, `
		select `+membershipColumns+`, `+actorColumns+`
		from memberships m join actors a on a.id = m.actor
		where m.community = $1 and m.state = 'blocked' and (m.until is null or m.until > $2)
		order by m.since desc, m.actor desc
		limit $3`, community, tx.Now.UnixMicro(), n)
}

// Standing is how one person stands to the communities they are in, have asked
// to join or were turned away from, by community.
func (tx *Tx) Standing(actor copse.ID) (map[copse.ID]*copse.Membership, error) {
	all, err := many(tx, scanMembership, `
		select `+membershipColumns+` from memberships m where m.actor = $1`, actor)
	if err != nil {
		return nil, err
	}
	by := make(map[copse.ID]*copse.Membership, len(all))
	for _, m := range all {
		by[m.Community] = m
	}
	return by, nil
}

// Followed reports whether anybody here is in a community or has asked to be,
// which is why its home sends us what happens there.
func (tx *Tx) Followed(community copse.ID) (bool, error) {
	return one(tx, value[bool], `
		select exists (
			select 1 from memberships m join actors a on a.id = m.actor
			where m.community = $1 and a.local and m.state in ('active', 'pending'))`, community)
}

// Tended reports whether anybody here looks after a community.
func (tx *Tx) Tended(community copse.ID) (bool, error) {
	return one(tx, value[bool], `
		select exists (
			select 1 from memberships m join actors a on a.id = m.actor
			where m.community = $1 and m.role >= $2 and a.local)`, community, copse.Moderator)
}

// ForgetOthers forgets which people elsewhere ask to join a community elsewhere or are
// kept out of it, which only those who look after it need to know.
func (tx *Tx) ForgetOthers(community copse.ID) error {
	_, err := tx.exec(`
		delete from memberships
		where community = $1 and state in ('pending', 'blocked') and exists (
			select 1 from actors a where a.id = memberships.actor and not a.local)`, community)
	return err
}

// Facts returns what the rules may look at about actor in a community, and about
// an object there unless it is nil.
func (tx *Tx) Facts(actor copse.ID, c *copse.Community, o *copse.Object) (copse.Facts, error) {
	m, err := tx.Membership(c.ID, actor)
	if err != nil {
		return copse.Facts{}, err
	}
	f := copse.Facts{Community: c, Role: m.Role, State: m.State}
	if f.Moved, err = tx.hasMoved(actor); err != nil {
		return f, err
	}
	if o != nil {
		f.Author, f.Deleted, f.Removed = o.Author == actor, !o.Deleted.IsZero(), o.Removed
	}
	return f, nil
}

// MembersFrom returns the URIs of up to n members of a community of ours at one host,
// in order.
func (tx *Tx) MembersFrom(community copse.ID, host string, n int) ([]string, error) {
	// Read in this order, and by whom and not by role, for the reason given in reach.
	return many(tx, value[string], `
		select a.uri
		from actors a cross join memberships m
		where a.host = $2 and m.community = $1 and m.actor = a.id and +m.role > 0
		order by a.uri
		limit $3`, community, host, n)
}
