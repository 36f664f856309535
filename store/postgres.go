package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"

	"github.com/jackc/pgx/v5/pgconn"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver

	"copse/copse"
)

// postgres is a PostgreSQL database, for where one machine is not enough.
type postgres struct{ pool *sql.DB }

func openPostgres(ctx context.Context, url string) (*postgres, error) {
	pool, err := sql.Open("pgx", url)
	if err != nil {
		return nil, err
	}
	pool.SetMaxOpenConns(20)
	pool.SetMaxIdleConns(20)
	if err := pool.PingContext(ctx); err != nil {
		return nil, errors.Join(err, pool.Close())
	}
	return &postgres{pool}, nil
}

func (p *postgres) view(ctx context.Context, fn func(*Tx) error) error {
	return p.transact(ctx, &sql.TxOptions{ReadOnly: true, Isolation: sql.LevelRepeatableRead}, fn)
}

// update repeats what PostgreSQL broke off to resolve a deadlock.
func (p *postgres) update(ctx context.Context, fn func(*Tx) error) (err error) {
	for range 3 {
		err = p.transact(ctx, nil, fn)
		if !brokenOff(err) {
			return err
		}
	}
	return err
}

func brokenOff(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "40P01" || pg.Code == "40001")
}

func (p *postgres) transact(ctx context.Context, opts *sql.TxOptions, fn func(*Tx) error) error {
	c, err := p.pool.Conn(ctx)
	if err != nil {
		return away(err)
	}
	defer c.Close()
	// The caller may give up on a statement but not on the commit: nobody could
	// tell then whether it happened.
	tx, err := c.BeginTx(context.WithoutCancel(ctx), opts)
	if err != nil {
		return away(err)
	}
	defer tx.Rollback() // after a commit this does nothing
	if err := safely(func() error { return fn(newTx(ctx, pgRunner{tx})) }); err != nil {
		return away(err)
	}
	return away(tx.Commit())
}

// away turns err into what people hear while the database server cannot be
// reached or cannot go on, if that is what err says.
func away(err error) error {
	var (
		server  *pgconn.PgError
		connect *pgconn.ConnectError
		network net.Error
	)
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.As(err, &connect), errors.As(err, &network), errors.Is(err, io.ErrUnexpectedEOF),
		errors.Is(err, driver.ErrBadConn), errors.Is(err, sql.ErrConnDone):
		return broken(err)
	case errors.As(err, &server):
		switch server.Code[:2] { // connection, resources (a full disk), operator, system
		case "08", "53", "57", "58":
			return broken(err)
		}
	}
	return err
}

func (p *postgres) schema(script string) string { return script }

func (p *postgres) close() error { return p.pool.Close() }

type pgRunner struct{ *sql.Tx }

func (r pgRunner) query(ctx context.Context, query string, args []any) (*sql.Rows, error) {
	return r.QueryContext(ctx, query, args...)
}

func (r pgRunner) exec(ctx context.Context, query string, args []any) (sql.Result, error) {
	return r.ExecContext(ctx, query, args...)
}

func (r pgRunner) hold(ctx context.Context, id copse.ID) error {
	_, err := r.ExecContext(ctx, "select pg_advisory_xact_lock($1)", id)
	return err
}

func (r pgRunner) script(ctx context.Context, text string) error {
	_, err := r.ExecContext(ctx, text)
	return err
}
