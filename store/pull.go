package store

import (
	"database/sql"
	"time"

	"copse/copse"
)

// A Pull is how far the log of a community elsewhere has been read.
type Pull struct {
	Community copse.ID
	Place     string // the address at which to read on; "" for the beginning
	Due       time.Time
}

// SetPull records how far a log has been read.
func (tx *Tx) SetPull(p Pull) error {
	_, err := tx.exec(`
		insert into pulls (community, place, due) values ($1, $2, $3)
		on conflict (community) do update set place = excluded.place, due = excluded.due`,
		p.Community, p.Place, p.Due.UnixMicro())
	return err
}

// wanted are the logs l of communities that somebody here is in.
const wanted = `exists (
			select 1 from memberships m join actors a on a.id = m.actor
			where m.community = l.community and a.local and m.state = 'active')`

// NextPull returns when the next log is to be read on, the zero time if none is.
func (tx *Tx) NextPull() (time.Time, error) {
	due, err := one(tx, value[sql.NullInt64], `select min(l.due) from pulls l where `+wanted)
	return fromMicros(due), err
}

// DuePulls returns up to n logs to read on now, of communities that somebody here
// is in.
func (tx *Tx) DuePulls(n int) ([]Pull, error) {
	return many(tx, func(r row) (p Pull, err error) {
		var due int64
		err = r.Scan(&p.Community, &p.Place, &due)
		p.Due = time.UnixMicro(due).UTC()
		return p, err
	}, `
		select l.community, l.place, l.due
		from pulls l
		where l.due <= $1 and `+wanted+`
		order by l.due
		limit $2`, tx.Now.UnixMicro(), n)
}

// PullSoon has the logs of all communities at a host read on now.
func (tx *Tx) PullSoon(host string) error {
	_, err := tx.exec(`
		update pulls set due = $1
		where due > $1 and community in (select id from actors where host = $2)`, tx.Now.UnixMicro(), host)
	return err
}

// An Announcement is a line in a community's log.
type Announcement struct {
	Place copse.ID // in the outbox
	URI   string
}

// AnnouncedAfter returns up to n announcements by a community of ours from after
// the given place, in order.
func (tx *Tx) AnnouncedAfter(community, place copse.ID, n int) ([]Announcement, error) {
	return many(tx, func(r row) (a Announcement, err error) {
		err = r.Scan(&a.Place, &a.URI)
		return a, err
	}, `
		select x.id, x.uri
		from outbox x
		where x.community = $1 and x.id > $2 and x.inner_uri <> ''
		order by x.id
		limit $3`, community, place, n)
}
