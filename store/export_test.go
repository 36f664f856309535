package store

import (
	"context"
	"database/sql"

	"copse/copse"
)

// A Statement is what a method had the engine run.
type Statement struct {
	Query string
	Args  []any
}

// Record returns the statements that fn has the engine run.
func (tx *Tx) Record(fn func(*Tx) error) ([]Statement, error) {
	r := &recorder{runner: tx.run}
	noting := *tx
	noting.run = r
	err := fn(&noting)
	return r.all, err
}

type recorder struct {
	runner
	all []Statement
}

func (r *recorder) query(ctx context.Context, query string, args []any) (*sql.Rows, error) {
	r.all = append(r.all, Statement{query, args})
	return r.runner.query(ctx, query, args)
}

func (r *recorder) exec(ctx context.Context, query string, args []any) (sql.Result, error) {
	r.all = append(r.all, Statement{query, args})
	return r.runner.exec(ctx, query, args)
}

// SQL runs any statement, and returns the last column of each row as text.
func (tx *Tx) SQL(query string, args ...any) ([]string, error) {
	rows, err := tx.run.query(tx.ctx, query, args)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	var all []string
	for rows.Next() {
		var last sql.NullString
		dest := make([]any, len(columns))
		for i := range dest {
			dest[i] = new(any)
		}
		if len(dest) > 0 {
			dest[len(dest)-1] = &last
		}
		if err := rows.Scan(dest...); err != nil {
			return nil, err
		}
		all = append(all, last.String)
	}
	return all, rows.Err()
}

// Postgres reports which engine it is.
func (db *DB) Postgres() bool {
	_, ok := db.engine.(*postgres)
	return ok
}

const (
	MaxWaiting = maxWaiting
	LongLog    = longLog
)

// Waiting returns how many operations wait for the writer.
func (db *DB) Waiting() int { return len(db.engine.(*sqlite).ops) }

// CheckpointNow does what is done every checkpointEvery.
func (db *DB) CheckpointNow() { db.engine.(*sqlite).cutLog() }

// MintAfter makes NewID go on after id, as it does when the clock was set back.
func MintAfter(id copse.ID) { lastID.Store(int64(id)) }
