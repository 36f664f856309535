package store

import (
	"database/sql"
	"errors"
	"time"

	"copse/copse"
)

// RecordActivity remembers act and reports whether it is new: an activity seen
// before must change nothing.
func (tx *Tx) RecordActivity(act *copse.Activity) (fresh bool, err error) {
	if act.ID == 0 {
		act.ID = NewID()
	}
	var object string
	var community, via copse.ID
	by := act.Behind().ID
	switch {
	case act.Message != nil:
		object = act.Message.URI
	case act.Object != nil:
		object = act.Object.URI
	case act.Subject != nil:
		object = act.Subject.URI
	case act.Inner != nil:
		object = act.Inner.URI
	}
	if act.Community != nil {
		community = act.Community.ID
	}
	if act.Via != nil {
		via = act.Via.ID
	}
	return tx.add(&act.ID, func() (int64, error) {
		return tx.exec(`
			insert into activities (id, hash, uri, type, actor, object, community, via, reason, local)
			values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
			on conflict do nothing`,
			act.ID, hash(act.URI), act.URI, act.Type, by, object, null(community), null(via), act.Reason, act.Local)
	}, func() (bool, error) { return tx.Seen(act.URI) })
}

// Seen reports whether the activity with the given URI has been recorded.
func (tx *Tx) Seen(uri string) (bool, error) {
	return one(tx, value[bool], `select exists (select 1 from activities where hash = $1)`, hash(uri))
}

// Did returns what the activity with the given URI was, as far as it is recorded,
// "" if it is not: its type, who did it and what to.
func (tx *Tx) Did(uri string) (typ string, actor copse.ID, object string, err error) {
	_, err = one(tx, func(r row) (none struct{}, err error) {
		return none, r.Scan(&typ, &actor, &object)
	}, `select type, actor, object from activities where hash = $1 and uri = $2`, hash(uri), uri)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return typ, actor, object, err
}

// Deleted reports whether something was deleted before it arrived here: by its
// author, or by the community it was said in. Nobody else's word keeps it out. What
// only a facilitator removed may come back.
func (tx *Tx) Deleted(uri string, author, community copse.ID) (deleted, removed bool, err error) {
	_, err = one(tx, func(r row) (none struct{}, err error) {
		var by sql.NullInt64
		err = r.Scan(&by)
		deleted, removed = by.Valid, by.Valid && by.Int64 == 0
		return none, err
	}, `
		select max(case when actor = $2 then 1 else 0 end) from activities
		where object = $1 and type = 'Delete' and (actor = $2 or via = $3)`, uri, author, community)
	return deleted, removed, err
}

// Removal returns the Delete that was done last to the object with the given URI,
// its own URI and its reason. There may be none: both are empty then.
func (tx *Tx) Removal(object string) (uri, reason string, err error) {
	_, err = one(tx, func(r row) (none struct{}, err error) {
		return none, r.Scan(&uri, &reason)
	}, `
		select uri, reason from activities
		where object = $1 and type = 'Delete'
		order by id desc
		limit 1`, object)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return uri, reason, err
}

// A Record is one line of the audit log.
type Record struct {
	At     time.Time
	Type   string
	By     *copse.Actor
	Object string
	Reason string
}

// Log returns what was done in a community, the newest first, before the given
// activity.
func (tx *Tx) Log(community, before copse.ID, n int) ([]Record, error) {
	return many(tx, func(r row) (rec Record, err error) {
		var (
			id copse.ID
			a  actorScan
		)
		err = r.Scan(append([]any{&id, &rec.Type, &rec.Object, &rec.Reason}, a.dest()...)...)
		rec.At, rec.By = id.Time(), a.actor()
		return rec, err
	}, `
		select v.id, v.type, v.object, v.reason, `+actorColumns+`
		from activities v join actors a on a.id = v.actor
		where v.community = $1 and v.id < $2
		order by v.id desc
		limit $3`, community, orLast(before), n)
}
