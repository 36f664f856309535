package main

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"sync"

	"github.com/go-chi/chi/v5"
	_ "modernc.org/sqlite"

	"copse/copse"
)

// The yardsticks are the bare work that things are made of, in the terms of which
// the bars are set.
type yardsticks struct {
	S round // sign with RSA-2048
	V round // verify that
	E round // sign with Ed25519
	P round // POST 3.9 KB over a kept connection, the client's side
	I round // insert a row of 1 KB with two indexes, in a transaction of its own, synchronous=normal
	R round // select a row by its id, among all posts
	H round // answer a GET behind chi with a word

	closing []func() error
}

// letter is how long an ordinary activity is, in bytes.
const letter = 3900

func (b *bench) newYardsticks(ctx context.Context) (y *yardsticks, err error) {
	y = new(yardsticks)
	if err := y.signing(); err != nil {
		return y, err
	}
	if y.P, err = b.barePost(); err != nil {
		return y, err
	}
	if err := y.inserting(ctx, filepath.Join(b.towns.dir, "insert.db")); err != nil {
		return y, err
	}
	t, err := b.town(ctx)
	if err != nil {
		return y, err
	}
	if err := y.selecting(ctx, t.path); err != nil {
		return y, err
	}
	return y, y.answering(b)
}

func (y *yardsticks) close() (err error) {
	for _, end := range y.closing {
		err = errors.Join(err, end())
	}
	return err
}

// print shows what the bare work costs here and now.
func (y *yardsticks) print(w io.Writer) error {
	fmt.Fprint(w, "the bare work, in µs:")
	for _, bare := range []struct {
		name string
		round
	}{{"S", y.S}, {"V", y.V}, {"E", y.E}, {"P", y.P}, {"I", y.I}, {"R", y.R}, {"H", y.H}} {
		var all []float64
		for range rounds {
			cost, err := bare.round()
			if err != nil {
				return fmt.Errorf("the bare work %s: %w", bare.name, err)
			}
			all = append(all, cost)
		}
		fmt.Fprintf(w, "  %s %s", bare.name, number(median(all)))
	}
	fmt.Fprint(w, "\n\n")
	return nil
}

func (y *yardsticks) signing() error {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return err
	}
	sum := sha256.Sum256([]byte("copse"))
	signed, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
	if err != nil {
		return err
	}
	_, small, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	y.S = calls(60, func(int) error { _, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:]); return err })
	y.V = calls(2000, func(int) error { return rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, sum[:], signed) })
	y.E = calls(2000, func(int) error { ed25519.Sign(small, sum[:]); return nil })
	return nil
}

// barePost has 16 requests on the way at a time.
func (b *bench) barePost() (round, error) {
	_, names, err := b.listen(1)
	if err != nil {
		return nil, err
	}
	body := strings.Repeat("x", letter)
	transport := &http.Transport{MaxIdleConnsPerHost: 16}
	const n = 2000
	return func() (float64, error) {
		cost, err := during(func() error {
			return inParallel(16, n, func(int) error {
				r, err := http.NewRequest(http.MethodPost, "http://"+names[0]+"/inbox", strings.NewReader(body))
				if err != nil {
					return err
				}
				return roundTrip(transport, r)
			})
		})
		return cost / n, err
	}, nil
}

// roundTrip sends a request whose answer is of no interest but that it is 202.
func roundTrip(t http.RoundTripper, r *http.Request) error {
	res, err := t.RoundTrip(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusAccepted {
		return fmt.Errorf("answered %d", res.StatusCode)
	}
	_, err = io.Copy(io.Discard, res.Body)
	return err
}

// inParallel runs fn n times, width at a time, and returns the first error of
// each worker.
func inParallel(width, n int, fn func(i int) error) error {
	next := make(chan int)
	errs := make([]error, width)
	var workers sync.WaitGroup
	for w := range width {
		workers.Go(func() {
			for i := range next {
				if errs[w] == nil {
					errs[w] = fn(i)
				}
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	workers.Wait()
	return errors.Join(errs...)
}

// insertBare is a row of 1 KB.
const insertBare = `insert into bare (id, uri, at, body) values ($1, $2, $3, $4)`

func openBare(path, synchronous string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(10000)&_pragma=journal_mode(wal)&_pragma=synchronous("+synchronous+")")
	if err != nil {
		return nil, err
	}
	_, err = db.Exec(`
		create table bare (id integer primary key, uri text not null unique, at bigint not null, body text not null);
		create index bare_at on bare (at, id)`)
	return db, err
}

func (y *yardsticks) inserting(ctx context.Context, path string) error {
	db, err := openBare(path, "normal")
	if err != nil {
		return err
	}
	insert, err := y.prepare(ctx, db, insertBare)
	if err != nil {
		return err
	}
	body := strings.Repeat("x", 1000)
	y.I = calls(1000, func(i int) error {
		_, err := insert.ExecContext(ctx, i, fmt.Sprintf("https://here.example/post/%d", i*7919%1000003), i, body)
		return err
	})
	return nil
}

// prepare prepares a query on a connection of its own.
func (y *yardsticks) prepare(ctx context.Context, db *sql.DB, query string) (*sql.Stmt, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	s, err := conn.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	y.closing = append(y.closing, s.Close, conn.Close, db.Close)
	return s, nil
}

// selecting reads a town's posts by id, here and there.
func (y *yardsticks) selecting(ctx context.Context, path string) error {
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=query_only(1)&_pragma=mmap_size(2147418112)&_pragma=cache_size(-8192)")
	if err != nil {
		return err
	}
	ids, err := someIDs(ctx, db)
	if err != nil {
		return err
	}
	one, err := y.prepare(ctx, db, `select id, uri, author, published, title, html from objects where id = $1`)
	if err != nil {
		return err
	}
	y.R = calls(2000, func(i int) error {
		var (
			id, author       copse.ID
			published        int64
			uri, title, html string
		)
		return one.QueryRowContext(ctx, ids[i%len(ids)]).Scan(&id, &uri, &author, &published, &title, &html)
	})
	return nil
}

// someIDs returns the ids of some posts, in no order.
func someIDs(ctx context.Context, db *sql.DB) (ids []copse.ID, err error) {
	rows, err := db.QueryContext(ctx, `select id from objects order by random() limit 5000`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id copse.ID
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

// answering has 32 connections.
func (y *yardsticks) answering(b *bench) error {
	r := chi.NewRouter()
	r.Get("/hello", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") })
	addr, stop, err := serving(r)
	if err != nil {
		return err
	}
	y.closing = append(y.closing, func() error { stop(); return nil })
	y.H = b.requests(addr, get("/hello"), 3000, http.StatusOK)
	return nil
}

// requests is a round of one request sent n times, over 32 connections.
func (b *bench) requests(addr string, request []byte, n, status int) round {
	return func() (float64, error) {
		if err := b.peer.load(request); err != nil {
			return 0, err
		}
		return b.peer.fire(volley{Addr: addr, Conns: 32, Requests: n}, status)
	}
}

// get is a request for a page, as on the wire.
func get(path string, headers ...string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "GET %s HTTP/1.1\r\nHost: here.example\r\n", path)
	for _, h := range headers {
		b.WriteString(h + "\r\n")
	}
	b.WriteString("\r\n")
	return b.Bytes()
}
