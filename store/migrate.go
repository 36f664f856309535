package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
)

//go:embed migrate/*.sql
var migrations embed.FS

// migrate applies the migrations that this database has not had. All of them
// commit together or not at all.
func (db *DB) migrate(ctx context.Context) error {
	return db.Update(ctx, func(tx *Tx) error {
		if err := tx.hold(0); err != nil { // another process may be starting too
			return err
		}
		if _, err := tx.exec(`create table if not exists migrations (name text primary key)`); err != nil {
			return err
		}
		names, err := fs.Glob(migrations, "migrate/*.sql") // sorted
		if err != nil {
			return err
		}
		for _, name := range names {
			if err := db.apply(tx, name); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
		return nil
	})
}

func (db *DB) apply(tx *Tx, name string) error {
	_, err := one(tx, value[string], `select name from migrations where name = $1`, name)
	if !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	script, err := migrations.ReadFile(name)
	if err != nil {
		return err
	}
	if err := tx.script(db.engine.schema(string(script))); err != nil {
		return err
	}
	_, err = tx.exec(`insert into migrations (name) values ($1)`, name)
	return err
}
