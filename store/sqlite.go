package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	driver "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"copse/copse"
)

const (
	// maxGroup is how many operations share one commit at most.
	maxGroup = 256
	// maxWaiting is how many may queue for the writer before more are refused:
	// at some 3,000 a second, about a second's worth.
	maxWaiting = 4096

	checkpointEvery = 2 * time.Second
	// longLog is how many bytes the write-ahead log may have before the writer
	// pauses to let it start again from the beginning.
	longLog = 64 << 20
)

// sqlite is one SQLite file in write-ahead mode. One goroutine writes: it takes
// the operations that are waiting, runs each in a savepoint of its own, commits
// once for all of them, with one sync of the disk, and only then answers. That
// makes synchronous=full about as cheap as doing without, and nobody ever meets
// a locked database. Reading is done by a few connections beside it.
//
// SQLite's statistics are never collected. Without them it always takes the same
// index, which plan_test.go proves to be the right one. With them it takes what
// is best for the first community somebody looks at, and keeps to it for all.
type sqlite struct {
	path    string
	pool    *sql.DB
	lock    *os.File
	writer  *conn
	warm    chan *conn // the reader that was used last: it has the statements prepared
	readers chan *conn // the others
	ops     chan *op
	long    chan struct{} // the log has grown past longLog
	closing chan struct{}
	closed  sync.Once
	written chan struct{} // full if something was since the last checkpoint
	done    sync.WaitGroup
}

// An op is one call of Update.
type op struct {
	ctx  context.Context
	fn   func(*Tx) error
	err  error
	done chan struct{}
}

func openSQLite(ctx context.Context, path string) (_ *sqlite, err error) {
	lock, err := lockFile(path + ".lock")
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			lock.Close()
		}
	}()
	// SQLite gives its log the permissions of the database. Private keys and
	// hashes of passwords are in there: they are nobody else's to read.
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := file.Close(); err != nil {
		return nil, err
	}
	pool, err := sql.Open("sqlite", "file:"+url.PathEscape(path)+"?_pragma=busy_timeout(5000)")
	if err != nil {
		return nil, err
	}
	s := &sqlite{
		path: path, pool: pool, lock: lock,
		warm:    make(chan *conn, 1),
		readers: make(chan *conn, max(4, min(8, 2*runtime.GOMAXPROCS(0)))),
		ops:     make(chan *op, maxWaiting),
		long:    make(chan struct{}),
		written: make(chan struct{}, 1),
		closing: make(chan struct{}),
	}
	// mmap does not help the writer; readers need it because every commit
	// empties their page caches.
	s.writer, err = connect(ctx, pool, `pragma journal_mode = wal; pragma synchronous = full;
		pragma foreign_keys = on; pragma wal_autocheckpoint = 0; pragma cache_size = -65536;
		pragma temp_store = memory; pragma journal_size_limit = `+strconv.Itoa(longLog))
	if err != nil {
		return nil, errors.Join(err, pool.Close())
	}
	for range cap(s.readers) {
		r, err := connect(ctx, pool, `pragma query_only = on; pragma mmap_size = 2147418112;
			pragma cache_size = -8192; pragma temp_store = memory`)
		if err != nil {
			return nil, errors.Join(err, pool.Close())
		}
		s.readers <- r
	}
	s.done.Go(s.write)
	s.done.Go(s.checkpoint)
	return s, nil
}

// lockFile takes the lock that keeps a second server off the same file. The
// system frees it when the process ends, however it ends.
func lockFile(name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("%s: %w", strings.TrimSuffix(name, ".lock"), ErrInUse)
		}
		return nil, err
	}
	return f, nil
}

func (s *sqlite) view(ctx context.Context, fn func(*Tx) error) error {
	var c *conn
	select {
	case c = <-s.warm:
	default:
		select {
		case c = <-s.warm:
		case c = <-s.readers:
		case <-ctx.Done():
			return ctx.Err()
		case <-s.closing:
			return errClosed
		}
	}
	defer func() {
		select {
		case s.warm <- c:
		default:
			s.readers <- c
		}
	}()
	// The bounds of the transaction must not be cut short by the caller going
	// away, or the connection would stay inside it.
	whole := context.WithoutCancel(ctx)
	if _, err := c.exec(whole, "begin", nil); err != nil {
		return err
	}
	defer c.exec(whole, "rollback", nil) // a read has nothing to commit and cannot fail to end
	tx := newTx(ctx, c)
	tx.brief = whole // reading a row takes less time than the goroutines that would watch over it
	return safely(func() error { return fn(tx) })
}

func (s *sqlite) update(ctx context.Context, fn func(*Tx) error) error {
	o := &op{ctx: ctx, fn: fn, done: make(chan struct{})}
	select {
	case <-s.closing:
		return errClosed
	case s.ops <- o:
	default:
		return copse.Unavailable(30*time.Second, "the service is very busy; try again shortly")
	}
	// Once queued it is waited for, even if the caller has gone: whoever is told
	// that it failed must be able to rely on it.
	select {
	case <-o.done:
		return o.err
	case <-s.closing:
		s.done.Wait()
		select {
		case <-o.done:
			return o.err
		default:
			return errClosed
		}
	}
}

var errClosed = copse.Unavailable(30*time.Second, "the service is stopping; try again shortly")

// write is the writer goroutine.
func (s *sqlite) write() {
	for {
		select {
		case o := <-s.ops:
			s.group(o)
		case <-s.long:
			// What the other checkpoint has not copied yet was written since it
			// began. Only when nothing is left to copy does the log start again,
			// and beside a busy writer that moment never comes by itself.
			s.writer.exec(context.Background(), "pragma wal_checkpoint(passive)", nil)
		case <-s.closing:
			for { // finish what was already accepted
				select {
				case o := <-s.ops:
					s.group(o)
				default:
					return
				}
			}
		}
	}
}

// group runs first and whatever else is waiting, commits, and answers them all.
func (s *sqlite) group(first *op) {
	// A cancelled statement would undo the whole group, so nothing here can be
	// cancelled; an operation whose caller has gone is left out instead.
	ctx := context.Background()
	var group []*op
	_, failed := s.writer.exec(ctx, "begin immediate", nil)
	for o := first; o != nil; {
		group = append(group, o)
		if failed == nil {
			failed = s.attempt(ctx, o)
		}
		o = nil
		if failed == nil && len(group) < maxGroup {
			select {
			case o = <-s.ops:
			default:
			}
		}
	}
	if failed == nil {
		_, failed = s.writer.exec(ctx, "commit", nil)
	}
	if failed != nil {
		s.writer.exec(ctx, "rollback", nil) // SQLite may have done so itself, which is the only way this fails
	}
	select {
	case s.written <- struct{}{}:
	default:
	}
	for _, o := range group {
		if failed != nil {
			o.err = broken(failed)
		}
		close(o.done)
	}
}

// attempt runs o in a savepoint. It returns an error only if the transaction as
// a whole is lost.
func (s *sqlite) attempt(ctx context.Context, o *op) error {
	if o.err = o.ctx.Err(); o.err != nil {
		return nil
	}
	if _, err := s.writer.exec(ctx, "savepoint op", nil); err != nil {
		return err
	}
	o.err = safely(func() error { return o.fn(newTx(ctx, s.writer)) })
	if o.err != nil {
		if _, err := s.writer.exec(ctx, "rollback to op", nil); err != nil {
			return errors.Join(o.err, err) // SQLite has rolled back everything
		}
		if diskFailed(o.err) {
			o.err = broken(o.err)
		}
	}
	_, err := s.writer.exec(ctx, "release op", nil)
	return err
}

// diskFailed reports whether err is about the machine, not about the operation.
func diskFailed(err error) bool {
	var e *driver.Error
	if !errors.As(err, &e) {
		return false
	}
	switch e.Code() & 0xff { // the rest says more exactly what went wrong
	case sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_NOMEM:
		return true
	}
	return false
}

// broken is what everybody in a group hears when the disk fails them. The cause
// is kept for the log.
func broken(cause error) error {
	return fmt.Errorf("%w (%w)", copse.Unavailable(30*time.Second, "nothing can be saved at the moment; try again shortly"), cause)
}

// safely turns a panic into an error, so that one operation's mistake is not
// everybody's.
func safely(fn func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			buf := make([]byte, 4096)
			err = fmt.Errorf("panic: %v\n%s", p, buf[:runtime.Stack(buf, false)])
		}
	}()
	return fn()
}

// checkpoint copies the write-ahead log into the database beside the writer,
// who would otherwise do it in the middle of somebody's commit. While nothing is
// written it sleeps.
func (s *sqlite) checkpoint() {
	for {
		select {
		case <-s.written:
		case <-s.closing:
			return
		}
		select {
		case <-time.After(checkpointEvery):
		case <-s.closing:
			return
		}
		s.cutLog()
	}
}

func (s *sqlite) cutLog() {
	// What cannot be copied yet is copied next time.
	s.pool.Exec("pragma wal_checkpoint(passive)")
	if log, err := os.Stat(s.path + "-wal"); err != nil || log.Size() <= longLog {
		return
	}
	select {
	case s.long <- struct{}{}:
	case <-s.closing:
	}
}

// schema lets an id be SQLite's own row number: "integer primary key" is that,
// "bigint primary key" would be a second index.
func (s *sqlite) schema(script string) string {
	return strings.ReplaceAll(script, "bigint primary key", "integer primary key")
}

func (s *sqlite) close() (err error) {
	s.closed.Do(func() {
		close(s.closing)
		s.done.Wait()
		for range cap(s.readers) {
			select {
			case c := <-s.warm:
				c.Close()
			case c := <-s.readers:
				c.Close()
			}
		}
		s.writer.exec(context.Background(), "pragma wal_checkpoint(truncate)", nil)
		err = errors.Join(s.writer.Close(), s.pool.Close(), s.lock.Close())
	})
	return err
}

// A conn is a connection with its prepared statements, which save a quarter of a
// short query's cost. It is used by one goroutine at a time.
type conn struct {
	*sql.Conn
	statements map[string]*sql.Stmt
}

func connect(ctx context.Context, pool *sql.DB, pragmas string) (*conn, error) {
	c, err := pool.Conn(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := c.ExecContext(ctx, pragmas); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return &conn{c, make(map[string]*sql.Stmt)}, nil
}

func (c *conn) prepared(query string) (*sql.Stmt, error) {
	if s, ok := c.statements[query]; ok {
		return s, nil
	}
	s, err := c.PrepareContext(context.Background(), query)
	if err != nil {
		return nil, err
	}
	c.statements[query] = s
	return s, nil
}

func (c *conn) query(ctx context.Context, query string, args []any) (*sql.Rows, error) {
	s, err := c.prepared(query)
	if err != nil {
		return nil, err
	}
	return s.QueryContext(ctx, args...)
}

func (c *conn) exec(ctx context.Context, query string, args []any) (sql.Result, error) {
	s, err := c.prepared(query)
	if err != nil {
		return nil, err
	}
	return s.ExecContext(ctx, args...)
}

// hold has nothing to do: there is one writer.
func (c *conn) hold(context.Context, copse.ID) error { return nil }

func (c *conn) script(ctx context.Context, text string) error {
	_, err := c.ExecContext(ctx, text)
	return err
}
