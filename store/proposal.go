package store

import (
	"database/sql"
	"time"

	"copse/copse"
)

// A Proposal is what a facilitator here has asked the home of a community elsewhere
// to do, which it has not said yet that it did.
type Proposal struct {
	Community copse.ID
	About     copse.ID // an object, a person, or the community itself
	Ruling    copse.Ruling
	Back      bool // to take such a ruling back
	By        copse.ID
	Outbox    copse.ID  // the position of what asks for it
	Taken     bool      // the home has it
	Error     string    // why it did not take it
	Stopped   time.Time // since when it is not asked any more; zero while it is
}

// At returns when it was asked for.
func (p *Proposal) At() time.Time { return p.Outbox.Time() }

// Propose remembers p. It takes the place of what was asked for before about the
// same.
func (tx *Tx) Propose(p *Proposal) error {
	_, err := tx.exec(`
		insert into proposals (community, about, ruling, back, actor, outbox)
		values ($1, $2, $3, $4, $5, $6)
		on conflict (community, about, ruling) do update set
			back = excluded.back, actor = excluded.actor, outbox = excluded.outbox`,
		p.Community, p.About, p.Ruling, p.Back, p.By, p.Outbox)
	return err
}

// Settle forgets what was asked for: the community has ruled.
func (tx *Tx) Settle(community, about copse.ID, ruling copse.Ruling) error {
	_, err := tx.exec(`delete from proposals where community = $1 and about = $2 and ruling = $3`, community, about, ruling)
	return err
}

// Proposals returns up to n things that a community elsewhere was asked to do, and
// how far that has got.
func (tx *Tx) Proposals(community copse.ID, n int) ([]*Proposal, error) {
	return many(tx, func(r row) (*Proposal, error) {
		var (
			p       Proposal
			waits   sql.NullInt64
			failed  sql.NullString
			stopped sql.NullInt64
		)
		err := r.Scan(&p.Community, &p.About, &p.Ruling, &p.Back, &p.By, &p.Outbox, &waits, &failed, &stopped)
		p.Taken, p.Error, p.Stopped = !waits.Valid, failed.String, fromMicros(stopped)
		return &p, err
	}, `
		select q.community, q.about, q.ruling, q.back, q.actor, q.outbox, e.outbox, e.error, e.stopped
		from proposals q cross join actors c cross join peers p
			left join peer_extra e on e.peer = p.id and e.outbox = q.outbox
		where q.community = $1 and c.id = q.community and p.host = c.host
		order by q.about, q.ruling
		limit $2`, community, n)
}

// TidyProposals forgets what was asked for before the given time.
func (tx *Tx) TidyProposals(before time.Time) error {
	_, err := tx.exec(`delete from proposals where outbox < $1`, before.UnixMilli()*2048)
	return err
}
