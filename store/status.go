package store

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"time"

	"copse/copse"
)

// A Status is how much there is on a server, and what waits there.
type Status struct {
	Engine      string // "SQLite" or "PostgreSQL"
	Size        int64  // bytes on disk: all of a SQLite file, all of a PostgreSQL database
	People      int    // accounts in use
	Communities int    // of ours
	Elsewhere   int    // communities of other servers that are known here
	Received    int    // activities that came in and could not be performed yet
	SetAside    int    // those that never could
	Mails       int
	Waits       map[copse.ID]Wait // by peer; a peer that has everything is not in it
}

// A Wait is what one peer has not got yet.
type Wait struct {
	Activities int
	Oldest     time.Time // when the first of them was sent off
}

// Status counts. It reads whole tables, so it is for people who ask, not for
// every page.
func (db *DB) Status(ctx context.Context) (st Status, err error) {
	err = db.View(ctx, func(tx *Tx) error {
		st, err = tx.status()
		if err == nil {
			st.Engine, st.Size, err = db.measure(tx)
		}
		return err
	})
	return st, err
}

func (tx *Tx) status() (st Status, err error) {
	if st.People, err = tx.People(); err != nil {
		return st, err
	}
	for _, count := range []struct {
		of    *int
		query string
	}{
		{&st.Communities, `select count(*) from communities c join actors a on a.id = c.actor where a.local and a.gone is null`},
		{&st.Elsewhere, `select count(*) from communities c join actors a on a.id = c.actor where not a.local and a.gone is null`},
		{&st.Received, `select count(*) from received where due is not null`},
		{&st.SetAside, `select count(*) from received where due is null`},
		{&st.Mails, `select count(*) from mails where due is not null`},
	} {
		if *count.of, err = one(tx, value[int], count.query); err != nil {
			return st, err
		}
	}
	st.Waits, err = tx.waits()
	return st, err
}

// waits returns what each peer has not got: what its communities announced after
// its cursor, and what is addressed to it alone and still tried.
func (tx *Tx) waits() (map[copse.ID]Wait, error) {
	type waiting struct {
		peer copse.ID
		wait Wait
	}
	all, err := many(tx, func(r row) (w waiting, err error) {
		var oldest copse.ID
		err = r.Scan(&w.peer, &w.wait.Activities, &oldest)
		w.wait.Oldest = oldest.Time()
		return w, err
	}, `
		select w.peer, count(*), min(w.outbox)
		from (
			select pc.peer as peer, x.id as outbox
			from peer_communities pc
				join peers p on p.id = pc.peer
				join outbox x on x.community = pc.community and x.microblog = pc.microblog and x.id > p.cursor and x.id > pc.since
			union
			select e.peer, e.outbox from peer_extra e where e.stopped is null) w
		group by w.peer`)
	if err != nil {
		return nil, err
	}
	waits := make(map[copse.ID]Wait, len(all))
	for _, w := range all {
		waits[w.peer] = w.wait
	}
	return waits, nil
}

// measure returns the name of the engine and how much room the database takes.
func (db *DB) measure(tx *Tx) (engine string, size int64, err error) {
	lite, ok := db.engine.(*sqlite)
	if !ok {
		size, err = one(tx, value[int64], `select pg_database_size(current_database())`)
		return "PostgreSQL", size, err
	}
	for _, name := range []string{lite.path, lite.path + "-wal"} {
		file, err := os.Stat(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return "", 0, err
		}
		size += file.Size()
	}
	return "SQLite", size, nil
}
