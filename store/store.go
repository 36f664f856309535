// Package store keeps everything in SQLite or PostgreSQL.
//
// Every query is written once, in the SQL both engines share, beside the method
// that runs it. What the engines do differently, how a transaction begins and
// who may write when, is in sqlite.go and postgres.go.
//
// Listing queries take the viewer as their first two parameters and include the
// predicate visible, the same rule as copse.MaySee.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"copse/copse"
)

// DB is an open database.
type DB struct {
	engine engine
}

// An engine is SQLite or PostgreSQL.
type engine interface {
	view(ctx context.Context, fn func(*Tx) error) error
	update(ctx context.Context, fn func(*Tx) error) error
	// schema adapts the text of a migration.
	schema(script string) string
	close() error
}

// Open opens the database at url, "sqlite:path" or "postgres://…", and brings
// its schema up to date. A SQLite file belongs to one DB at a time; a second
// Open of it fails with ErrInUse.
func Open(ctx context.Context, url string) (*DB, error) {
	var (
		e   engine
		err error
	)
	if path, ok := strings.CutPrefix(url, "sqlite:"); ok {
		e, err = openSQLite(ctx, path)
	} else {
		e, err = openPostgres(ctx, url)
	}
	if err != nil {
		return nil, err
	}
	db := &DB{e}
	if err := db.migrate(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("migrate: %w", err), e.close())
	}
	return db, nil
}

// ErrInUse says that another process has the database open.
var ErrInUse = errors.New("another copse server is using this database")

// Close waits for what is being written and closes the database.
func (db *DB) Close() error { return db.engine.close() }

// Alone reports whether this is the only process with the database open: then
// whatever there is to do, something here has made it so.
func (db *DB) Alone() bool {
	_, ok := db.engine.(*sqlite)
	return ok
}

// A Tx is a transaction. It lives inside one call of View or Update and carries
// that call's context; Now is the same instant throughout.
type Tx struct {
	ctx   context.Context
	brief context.Context // for what reads one row: may be one that does not end
	run   runner
	Now   time.Time
}

// A runner runs statements within a transaction.
type runner interface {
	query(ctx context.Context, query string, args []any) (*sql.Rows, error)
	exec(ctx context.Context, query string, args []any) (sql.Result, error)
	script(ctx context.Context, text string) error // several statements

	// hold makes others wait who hold the same id, until the transaction ends.
	hold(ctx context.Context, id copse.ID) error
}

func newTx(ctx context.Context, run runner) *Tx {
	return &Tx{ctx: ctx, brief: ctx, run: run, Now: time.Now().UTC().Truncate(time.Microsecond)}
}

// View runs fn in a transaction that only reads and sees one state throughout.
// fn must not wait for anything but the database: an open read keeps SQLite's
// log from being cut back. A panic in it comes back as an error.
func (db *DB) View(ctx context.Context, fn func(*Tx) error) error {
	return db.engine.view(ctx, fn)
}

// Update runs fn in a transaction and returns once it is on disk. If fn returns
// an error or panics, nothing of it remains. fn must be short, may run more than
// once and runs on another goroutine on SQLite, which it must not end (as
// testing.T.Fatal does); inside it, View and Update must not be called.
func (db *DB) Update(ctx context.Context, fn func(*Tx) error) error {
	return db.engine.update(ctx, fn)
}

// many returns the rows of query, each read by scan.
func many[T any](tx *Tx, scan func(row) (T, error), query string, args ...any) ([]T, error) {
	rows, err := tx.run.query(tx.ctx, query, storable(args))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, rows.Err()
}

// one is like many but returns the only row, or sql.ErrNoRows.
func one[T any](tx *Tx, scan func(row) (T, error), query string, args ...any) (T, error) {
	var none T
	if err := tx.ctx.Err(); err != nil {
		return none, err
	}
	rows, err := tx.run.query(tx.brief, query, storable(args))
	if err != nil {
		return none, err
	}
	defer rows.Close()
	if !rows.Next() {
		if err := rows.Err(); err != nil {
			return none, err
		}
		return none, sql.ErrNoRows
	}
	v, err := scan(rows)
	if err != nil {
		return none, err
	}
	return v, rows.Err()
}

// exec runs a statement and returns how many rows it changed.
func (tx *Tx) exec(query string, args ...any) (int64, error) {
	res, err := tx.run.exec(tx.ctx, query, storable(args))
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// storable makes texts in args fit for both engines. PostgreSQL refuses NUL and
// what is not UTF-8, and peers can send either.
func storable(args []any) []any {
	for i, a := range args {
		if s, ok := a.(string); ok && (strings.Contains(s, "\x00") || !utf8.ValidString(s)) {
			args[i] = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
		}
	}
	return args
}

func (tx *Tx) script(text string) error { return tx.run.script(tx.ctx, text) }

// hold comes before changing what is counted or derived under an id. Otherwise
// two transactions on PostgreSQL would each count without the other's rows, and
// the second would write a number that was never true. What is read after hold
// includes all that earlier holders did.
func (tx *Tx) hold(id copse.ID) error { return tx.run.hold(tx.ctx, id) }

type row interface{ Scan(dest ...any) error }

// value reads a row of one column.
func value[T any](r row) (v T, err error) { return v, r.Scan(&v) }

// found turns "no rows" into the error for something that is not there.
func found[T any](v T, err error) (T, error) {
	if errors.Is(err, sql.ErrNoRows) {
		var none T
		return none, copse.NotFound("there is nothing here")
	}
	return v, err
}

// micros and fromMicros carry times; the zero time is null.
func micros(t time.Time) sql.NullInt64 {
	return sql.NullInt64{Int64: t.UnixMicro(), Valid: !t.IsZero()}
}

func fromMicros(n sql.NullInt64) time.Time {
	if !n.Valid {
		return time.Time{}
	}
	return time.UnixMicro(n.Int64).UTC()
}

// null carries ids that may be missing.
func null(id copse.ID) sql.NullInt64 {
	return sql.NullInt64{Int64: int64(id), Valid: id != 0}
}
