package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

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
	tx, err := p.pool.BeginTx(ctx, opts)
	if err != nil {
		return unreachable(err)
	}
	defer tx.Rollback() // after a commit this does nothing
	if err := safely(func() error { return fn(newTx(ctx, pgRunner{tx})) }); err != nil {
		return err
	}
	return tx.Commit()
}

// unreachable is what people hear while the database server is away.
func unreachable(err error) error {
	var pg *pgconn.ConnectError
	if errors.As(err, &pg) {
		return errors.Join(copse.Unavailable(30*time.Second, "nothing can be saved at the moment; try again shortly"), err)
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

func (r pgRunner) script(ctx context.Context, text string) error {
	_, err := r.ExecContext(ctx, text)
	return err
}
