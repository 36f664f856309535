package store

import (
	"database/sql"
	"time"

	"copse/copse"
)

// A Received is an inbound activity that could not be performed at once: it
// waits for a key, a parent or an author to be fetched. It is kept exactly as it
// came.
type Received struct {
	ID        copse.ID
	Host      string // where the request claimed to come from
	Signature string // still to be checked; "" once it has been
	Signer    string // the actor whose key the signature was checked with
	Body      []byte
	Tries     int
}

// Park keeps r until it has been dealt with, and reports whether it is new. Its
// sender is part of what makes it the same: a stranger who sends another's
// activity first must not make the true one look like a repeat.
func (tx *Tx) Park(sender string, r *Received) (bool, error) {
	r.ID = NewID()
	key := hash(sender + " " + string(r.Body))
	return tx.add(&r.ID, func() (int64, error) {
		return tx.exec(`
			insert into received (id, hash, host, signature, signer, body, due) values ($1, $2, $3, $4, $5, $6, $7)
			on conflict do nothing`,
			r.ID, key, r.Host, r.Signature, r.Signer, r.Body, tx.Now.UnixMicro())
	}, func() (bool, error) {
		return one(tx, value[bool], `select exists (select 1 from received where hash = $1)`, key)
	})
}

// Parked counts what waits from one host, up to limit.
func (tx *Tx) Parked(host string, limit int) (int, error) {
	return one(tx, value[int], `
		select count(*) from (select 1 from received where host = $1 and due is not null limit $2) few`, host, limit)
}

// Backlog counts what waits from anywhere, up to limit.
func (tx *Tx) Backlog(limit int) (int, error) {
	return one(tx, value[int], `
		select count(*) from (select 1 from received where due is not null limit $1) few`, limit)
}

// ClaimReceived takes up to n activities that are due, hiding them from other
// workers for lease. Repeating the test outside the subquery is what makes this
// safe on PostgreSQL, where two workers can pick the same rows before either
// has them.
func (tx *Tx) ClaimReceived(n int, lease time.Duration) ([]*Received, error) {
	return many(tx, func(r row) (*Received, error) {
		v := new(Received)
		return v, r.Scan(&v.ID, &v.Host, &v.Signature, &v.Signer, &v.Body, &v.Tries)
	}, `
		update received set due = $1, tries = tries + 1
		where due <= $2 and id in (
			select id from received where due <= $2 order by due limit $3)
		returning id, host, signature, signer, body, tries`,
		tx.Now.Add(lease).UnixMicro(), tx.Now.UnixMicro(), n)
}

// DropReceived forgets a parked activity: it has been performed.
func (tx *Tx) DropReceived(id copse.ID) error {
	_, err := tx.exec(`delete from received where id = $1`, id)
	return err
}

// VerifyReceived records whose signature it turned out to be, so that it is
// checked once.
func (tx *Tx) VerifyReceived(id copse.ID, signer string) error {
	_, err := tx.exec(`update received set signature = '', signer = $1 where id = $2`, signer, id)
	return err
}

// Retry puts a parked activity off until the given time, or sets it aside for
// good, with its reason, if that is zero.
func (tx *Tx) Retry(id copse.ID, reason string, until time.Time) error {
	_, err := tx.exec(`update received set due = $1, reason = $2 where id = $3`, micros(until), reason, id)
	return err
}

// NextReceived returns when the next parked activity is due; zero if none is.
func (tx *Tx) NextReceived() (time.Time, error) {
	due, err := one(tx, value[sql.NullInt64], `select min(due) from received where due is not null`)
	return fromMicros(due), err
}

// TidyReceived forgets what arrived before the given time and was set aside. It
// returns how many activities went.
func (tx *Tx) TidyReceived(before time.Time) (int64, error) {
	return tx.exec(`delete from received where due is null and id < $1`, before.UnixMilli()*2048)
}
