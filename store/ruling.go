package store

import (
	"database/sql"
	"errors"
	"slices"
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

// Pinned returns the topics that stand first in a community, what was pinned last
// before the others, and no more than copse.MaxPins of them.
func (tx *Tx) Pinned(v copse.Viewer, community copse.ID) ([]Post, error) {
	return many(tx, scanTopic, `
		select `+topicColumns+`
		from pins p cross join objects o cross join actors a
		where p.community = $3 and o.id = p.object and a.id = o.author and o.deleted is null
			and `+visible+`
		order by p.at desc, p.object desc
		limit $4`, v.Actor, v.Peer, community, copse.MaxPins)
}

// IsPinned reports whether a topic stands first in its community.
func (tx *Tx) IsPinned(topic copse.ID) (bool, error) {
	return one(tx, value[bool], `select exists (select 1 from pins where object = $1)`, topic)
}

// Pins counts the topics that stand first in a community. Until the transaction ends
// nobody else can count them, and so add one too many.
func (tx *Tx) Pins(community copse.ID) (int, error) {
	if err := tx.hold(community); err != nil {
		return 0, err
	}
	return one(tx, value[int], `
		select count(*)
		from pins p cross join objects o
		where p.community = $1 and o.id = p.object and o.deleted is null`, community)
}

// Pin has a topic stand first in its community.
func (tx *Tx) Pin(o *copse.Object) error {
	_, err := tx.exec(`
		insert into pins (object, community, at) values ($1, $2, $3)
		on conflict do nothing`, o.ID, o.Community, tx.Now.UnixMicro())
	return err
}

// Unpin undoes Pin.
func (tx *Tx) Unpin(o *copse.Object) error {
	_, err := tx.exec(`delete from pins where object = $1`, o.ID)
	return err
}

// SetPins has just the given topics of a community stand first in it, in this order.
func (tx *Tx) SetPins(community copse.ID, topics []*copse.Object) error {
	if err := tx.hold(community); err != nil {
		return err
	}
	now, err := many(tx, value[copse.ID], `
		select object from pins where community = $1 order by at desc, object desc`, community)
	if err != nil {
		return err
	}
	if slices.EqualFunc(now, topics, func(id copse.ID, o *copse.Object) bool { return id == o.ID }) {
		return nil
	}
	if _, err := tx.exec(`delete from pins where community = $1`, community); err != nil {
		return err
	}
	for i, o := range topics {
		_, err := tx.exec(`
			insert into pins (object, community, at) values ($1, $2, $3)
			on conflict do nothing`, o.ID, community, tx.Now.UnixMicro()-int64(i))
		if err != nil {
			return err
		}
	}
	return nil
}
