package store

import (
	"database/sql"
	"errors"
	"time"

	"copse/copse"
)

// A Lock is that a conversation takes no replies.
type Lock struct {
	At       time.Time
	Activity string // the URI of the Lock
	Reason   string // "" if none was given
}

// Lock returns the lock on a topic, nil if there is none.
func (tx *Tx) Lock(topic copse.ID) (*Lock, error) {
	l, err := one(tx, func(r row) (*Lock, error) {
		var (
			l  Lock
			at int64
		)
		err := r.Scan(&at, &l.Activity, &l.Reason)
		l.At = time.UnixMicro(at).UTC()
		return &l, err
	}, `select at, activity, reason from locks where object = $1`, topic)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return l, err
}

// SetLock closes a topic to replies, by the activity with the given URI. It reports
// false if it is closed already, and changes nothing then.
func (tx *Tx) SetLock(topic copse.ID, activity, reason string) (bool, error) {
	n, err := tx.exec(`
		insert into locks (object, at, activity, reason) values ($1, $2, $3, $4)
		on conflict do nothing`, topic, tx.Now.UnixMicro(), activity, reason)
	return n > 0, err
}

// Unlock undoes SetLock, and reports whether there was anything to undo.
func (tx *Tx) Unlock(topic copse.ID) (bool, error) {
	n, err := tx.exec(`delete from locks where object = $1`, topic)
	return n > 0, err
}
