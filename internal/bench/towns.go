package main

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"copse/internal/config"
	"copse/internal/fill"
	"copse/internal/server"
	"copse/store"
)

// A town is a server with very much in its database.
type town struct {
	*server.Server
	*fill.Town
	posts int
	dir   string // the server's data
	path  string // the database in it
}

// towns are kept: filling a database with a million posts takes longer than all
// the measuring. What is measured is a copy.
type towns struct {
	dir  string // goes away at the end
	open map[int]*town
}

func newTowns() (*towns, error) {
	dir, err := os.MkdirTemp("", "copse-bench-")
	return &towns{dir: dir, open: make(map[int]*town)}, err
}

func (t *towns) close() {
	for _, town := range t.open {
		town.Close() // it is thrown away
	}
	os.RemoveAll(t.dir)
}

// town returns the town with as many posts as the bench is about, and hamlet the
// one with a tenth.
func (b *bench) town(ctx context.Context) (*town, error)   { return b.towns.at(ctx, b.posts) }
func (b *bench) hamlet(ctx context.Context) (*town, error) { return b.towns.at(ctx, b.posts/10) }

func (t *towns) at(ctx context.Context, posts int) (*town, error) {
	if town, ok := t.open[posts]; ok {
		return town, nil
	}
	kept, err := t.filled(ctx, posts)
	if err != nil {
		return nil, err
	}
	found := &town{posts: posts, dir: filepath.Join(t.dir, fmt.Sprint(posts))}
	found.path = filepath.Join(found.dir, "copse.db")
	if found.Town, err = kept.copyTo(found.dir); err != nil {
		return nil, err
	}
	if found.Server, err = newServer(ctx, found.dir, server.Options{}); err != nil {
		return nil, err
	}
	t.open[posts] = found
	return found, nil
}

// newServer opens a server on the data in dir, as one that talks to everybody, on
// this machine too.
func newServer(ctx context.Context, dir string, o server.Options) (*server.Server, error) {
	c := config.Default()
	c.Server.URL, c.Server.Data = here, dir
	c.Federation.Mode, c.Federation.PrivateNetworks = config.Open, thisMachine
	o.Version, o.Log = "bench", slog.New(slog.DiscardHandler)
	return server.New(ctx, c, o)
}

// A kept town is a filled database that waits to be copied.
type keptTown string

func (k keptTown) database() string { return filepath.Join(string(k), "copse.db") }
func (k keptTown) listing() string  { return filepath.Join(string(k), "town.json") }

// filled returns the kept town with so many posts, filling it if it is not there
// or was filled by another schema or another fill.
func (t *towns) filled(ctx context.Context, posts int) (keptTown, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	made, err := t.fingerprint(ctx)
	if err != nil {
		return "", err
	}
	kept := keptTown(filepath.Join(cache, "copse-bench", fmt.Sprintf("%d-%s", posts, made)))
	if _, err := os.Stat(kept.listing()); !errors.Is(err, fs.ErrNotExist) {
		return kept, err
	}
	if err := os.RemoveAll(string(kept)); err != nil { // it was not finished
		return "", err
	}
	if err := os.MkdirAll(string(kept), 0o700); err != nil {
		return "", err
	}
	fmt.Fprintf(os.Stderr, "filling a database with %d posts; it is kept in %s\n", posts, kept)
	db, err := store.Open(ctx, "sqlite:"+kept.database())
	if err != nil {
		return "", err
	}
	town, err := fill.Fill(ctx, db, posts)
	if err := errors.Join(err, db.Close()); err != nil {
		return "", err
	}
	text, err := json.Marshal(town)
	if err != nil {
		return "", err
	}
	return kept, os.WriteFile(kept.listing(), text, 0o600)
}

// fingerprint changes with the schema and with what fills it.
func (t *towns) fingerprint(ctx context.Context) (string, error) {
	path := filepath.Join(t.dir, "schema.db")
	db, err := store.Open(ctx, "sqlite:"+path)
	if err != nil {
		return "", err
	}
	if err := db.Close(); err != nil {
		return "", err
	}
	bare, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		return "", err
	}
	defer bare.Close()
	rows, err := bare.QueryContext(ctx, `select coalesce(sql, '') from sqlite_schema order by name`)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	var schema strings.Builder
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return "", err
		}
		schema.WriteString(text)
	}
	sum := sha256.Sum256([]byte(schema.String() + fill.Source))
	return hex.EncodeToString(sum[:6]), rows.Err()
}

// copyTo puts a town where a server finds it.
func (k keptTown) copyTo(dir string) (*fill.Town, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	text, err := os.ReadFile(k.listing())
	if err != nil {
		return nil, err
	}
	town := new(fill.Town)
	if err := json.Unmarshal(text, town); err != nil {
		return nil, err
	}
	from, err := os.Open(k.database())
	if err != nil {
		return nil, err
	}
	defer from.Close()
	to, err := os.Create(filepath.Join(dir, "copse.db"))
	if err != nil {
		return nil, err
	}
	_, err = io.Copy(to, from)
	return town, errors.Join(err, to.Close())
}
