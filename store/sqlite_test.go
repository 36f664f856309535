package store_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"copse/copse"
	"copse/store"
	"copse/store/storetest"
)

// TestMain is also the other process of tests that need one.
func TestMain(m *testing.M) {
	switch path := os.Getenv("COPSE_TEST_FILE"); os.Getenv("COPSE_TEST_AS") {
	case "":
		os.Exit(m.Run())
	case "holder":
		hold(path)
	case "filler":
		fillDisk(path)
	}
}

// as runs this program again as one of the above, and returns what it prints
// and a function that lets it end.
func as(t *testing.T, role, path string) (said *bufio.Scanner, end func()) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), "COPSE_TEST_AS="+role, "COPSE_TEST_FILE="+path)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	end = sync.OnceFunc(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("the other process: %v", err)
		}
	})
	t.Cleanup(end)
	return bufio.NewScanner(out), end
}

// together runs operations in one group: the first keeps the writer busy until
// the others wait behind it, in their order. It returns what each was answered.
func together(t *testing.T, db *store.DB, ops ...func(*store.Tx) error) []error {
	t.Helper()
	return queued(t, db, func(i int, enqueue func(context.Context, func(*store.Tx) error)) {
		enqueue(t.Context(), ops[i])
	}, len(ops))
}

func queued(t *testing.T, db *store.DB, each func(int, func(context.Context, func(*store.Tx) error)), n int) []error {
	t.Helper()
	begun, proceed := make(chan struct{}), make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		err := db.Update(t.Context(), func(*store.Tx) error {
			close(begun)
			<-proceed
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
	<-begun
	errs := make([]error, n)
	for i := range n {
		each(i, func(ctx context.Context, fn func(*store.Tx) error) {
			all.Go(func() { errs[i] = db.Update(ctx, fn) })
			for db.Waiting() < i+1 {
				runtime.Gosched() // it has to be in the queue before the next
			}
		})
	}
	close(proceed)
	all.Wait()
	return errs
}

func set(name, value string) func(*store.Tx) error {
	return func(tx *store.Tx) error { return tx.SetSetting(name, value) }
}

func setting(t *testing.T, db *store.DB, name string) (value string) {
	t.Helper()
	err := db.View(t.Context(), func(tx *store.Tx) (err error) {
		value, err = tx.Setting(name)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func TestFailingOperationsLeaveTheirGroupAlone(t *testing.T) {
	db := storetest.Open(t)
	wrong := errors.New("wrong")
	errs := together(t, db,
		set("first", "1"),
		func(tx *store.Tx) error {
			if err := tx.SetSetting("failed", "1"); err != nil {
				return err
			}
			return wrong
		},
		func(tx *store.Tx) error {
			if err := tx.SetSetting("panicked", "1"); err != nil {
				return err
			}
			panic("oh")
		},
		func(tx *store.Tx) error { // the statement itself fails
			_, err := tx.SQL("insert into keys (actor, type, private, created) values (1, 2, 3, 4)")
			return err
		},
		set("last", "1"),
	)
	if errs[0] != nil || errs[4] != nil {
		t.Errorf("those around the failures were answered %v and %v", errs[0], errs[4])
	}
	if errs[1] != wrong {
		t.Errorf("the failing one was answered %v, want its own error", errs[1])
	}
	if errs[2] == nil || !strings.Contains(errs[2].Error(), "panic: oh") || !strings.Contains(errs[2].Error(), "sqlite_test.go") {
		t.Errorf("the panicking one was answered %v, want the panic and where it was", errs[2])
	}
	if errs[3] == nil {
		t.Error("an insert that breaks a foreign key was accepted")
	}
	for name, want := range map[string]string{"first": "1", "failed": "", "panicked": "", "last": "1"} {
		if got := setting(t, db, name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

func TestAGroupIsOneCommit(t *testing.T) {
	db := storetest.Open(t)
	var seen [3]string
	look := func(i int) func(*store.Tx) error {
		return func(tx *store.Tx) error {
			if err := tx.SetSetting("last", fmt.Sprint(i)); err != nil {
				return err
			}
			seen[i] = setting(t, db, "last") // as a reader sees it meanwhile
			return nil
		}
	}
	for i, err := range together(t, db, look(0), look(1), look(2)) {
		if err != nil {
			t.Fatal(err)
		}
		if seen[i] != "" {
			t.Errorf("while operation %d ran, readers saw %q of the group, want nothing", i, seen[i])
		}
	}
	if got := setting(t, db, "last"); got != "2" {
		t.Errorf("in the end readers see %q, want the last", got)
	}
}

func TestACallerWhoHasGoneUndoesNobody(t *testing.T) {
	db := storetest.Open(t)
	gone, leave := context.WithCancel(t.Context())
	leaving, leaveNow := context.WithCancel(t.Context())
	var ran bool
	errs := queued(t, db, func(i int, enqueue func(context.Context, func(*store.Tx) error)) {
		switch i {
		case 0:
			enqueue(t.Context(), set("before", "1"))
		case 1: // leaves while it waits
			enqueue(gone, func(*store.Tx) error { ran = true; return nil })
			leave()
		case 2: // leaves in the middle
			enqueue(leaving, func(tx *store.Tx) error {
				leaveNow()
				return tx.SetSetting("leaving", "1")
			})
		case 3:
			enqueue(t.Context(), set("after", "1"))
		}
	}, 4)
	if errs[0] != nil || errs[2] != nil || errs[3] != nil {
		t.Errorf("answered %v, want only the second to fail", errs)
	}
	if !errors.Is(errs[1], context.Canceled) || ran {
		t.Errorf("who had gone was answered %v, and run %v; want it left out", errs[1], ran)
	}
	for _, name := range []string{"before", "leaving", "after"} {
		if setting(t, db, name) != "1" {
			t.Errorf("%s is lost", name)
		}
	}
}

func TestASecondOpenSaysTheDatabaseIsInUse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "copse.db")
	db, err := store.Open(t.Context(), "sqlite:"+path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = store.Open(t.Context(), "sqlite:"+path)
	if !errors.Is(err, store.ErrInUse) || !strings.Contains(err.Error(), path) {
		t.Errorf("the second Open = %v, want ErrInUse that names the file", err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db, err = store.Open(t.Context(), "sqlite:"+path)
	if err != nil {
		t.Fatalf("once it is closed: %v", err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestAnotherProcessHoldsTheDatabaseUntilItEnds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "copse.db")
	said, end := as(t, "holder", path)
	if !said.Scan() || said.Text() != "open" {
		t.Fatalf("the other process said %q", said.Text())
	}
	_, err := store.Open(t.Context(), "sqlite:"+path)
	if !errors.Is(err, store.ErrInUse) {
		t.Errorf("Open beside it = %v, want ErrInUse", err)
	}
	end() // without closing, as if killed
	db, err := store.Open(t.Context(), "sqlite:"+path)
	if err != nil {
		t.Fatalf("Open after it: %v", err)
	}
	defer db.Close()
	if got := setting(t, db, "who"); got != "holder" {
		t.Errorf("what it wrote reads %q", got)
	}
}

// hold opens the database and ends, without closing it, with its input.
func hold(path string) {
	ctx := context.Background()
	db, err := store.Open(ctx, "sqlite:"+path)
	if err == nil {
		err = db.Update(ctx, set("who", "holder"))
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("open")
	io.Copy(io.Discard, os.Stdin)
	os.Exit(0)
}

func TestNothingHangsAfterClose(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		// Some are under way, some wait, some come later.
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				for range 50 {
					if err := db.Update(t.Context(), set("a", "1")); err != nil {
						return
					}
				}
			})
			all.Go(func() {
				for range 200 {
					err := db.View(t.Context(), func(tx *store.Tx) error { _, err := tx.Setting("a"); return err })
					if err != nil {
						return
					}
				}
			})
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
		all.Wait()
		if err := db.Update(t.Context(), set("b", "1")); err == nil {
			t.Error("Update after Close succeeded")
		}
		if err := db.View(t.Context(), func(*store.Tx) error { return nil }); err == nil {
			t.Error("View after Close succeeded")
		}
		if err := db.Close(); err != nil {
			t.Errorf("a second Close = %v", err)
		}
	})
}

func TestWhatWasAcceptedBeforeCloseIsOnDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "copse.db")
	db, err := store.Open(t.Context(), "sqlite:"+path)
	if err != nil {
		t.Fatal(err)
	}
	const n = 64
	var all sync.WaitGroup
	var accepted [n]bool
	for i := range n {
		all.Go(func() {
			accepted[i] = db.Update(t.Context(), set(fmt.Sprint(i), "1")) == nil
		})
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	all.Wait()
	if db, err = store.Open(t.Context(), "sqlite:"+path); err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for i := range n {
		if there := setting(t, db, fmt.Sprint(i)) == "1"; there != accepted[i] {
			t.Errorf("operation %d: accepted %v, on disk %v", i, accepted[i], there)
		}
	}
}

func TestAFullQueueRefuses(t *testing.T) {
	db := storetest.Open(t)
	errs := queued(t, db, func(i int, enqueue func(context.Context, func(*store.Tx) error)) {
		enqueue(t.Context(), func(*store.Tx) error { return nil })
	}, store.MaxWaiting)
	for _, err := range errs {
		if err != nil {
			t.Fatalf("one of as many as may wait was answered %v", err)
		}
	}
	begun, proceed := make(chan struct{}), make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		db.Update(t.Context(), func(*store.Tx) error { close(begun); <-proceed; return nil })
	})
	<-begun
	for range store.MaxWaiting {
		all.Go(func() {
			if err := db.Update(t.Context(), func(*store.Tx) error { return nil }); err != nil {
				t.Error(err)
			}
		})
	}
	for db.Waiting() < store.MaxWaiting {
		runtime.Gosched()
	}
	err := db.Update(t.Context(), func(*store.Tx) error { return nil })
	var told *copse.Error
	if !errors.As(err, &told) || told.Code != copse.CodeUnavailable || told.RetryAfter <= 0 {
		t.Errorf("one too many was answered %v, want to try again later", err)
	}
	close(proceed)
	all.Wait()
}

func TestAFullDiskIsSaidAndPasses(t *testing.T) {
	said, end := as(t, "filler", filepath.Join(t.TempDir(), "copse.db"))
	for said.Scan() {
		t.Error(said.Text())
	}
	end()
}

// fillDisk prints what goes wrong when files may not grow any more. A limit on
// their size is the one real way to run out of room that a test may take; it
// holds for the whole process, hence another.
func fillDisk(path string) {
	signal.Ignore(syscall.SIGXFSZ)
	ctx := context.Background()
	db, err := store.Open(ctx, "sqlite:"+path)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	limit := func(bytes uint64) {
		var l syscall.Rlimit
		if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &l); err != nil {
			fmt.Println(err)
		}
		l.Cur = min(bytes, l.Max)
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &l); err != nil {
			fmt.Println(err)
		}
	}
	limit(1 << 20)
	var done [8][50]bool
	var refused int
	var all sync.WaitGroup
	for i := range done {
		all.Go(func() {
			for j := range done[i] {
				err := db.Update(ctx, set(fmt.Sprint(i, j), strings.Repeat("x", 10_000)))
				done[i][j] = err == nil
				if err != nil && copse.CodeOf(err) != copse.CodeUnavailable {
					fmt.Println("an operation was answered", err)
				}
			}
		})
	}
	all.Wait()
	limit(1 << 40)
	if err := db.Update(ctx, set("later", "1")); err != nil {
		fmt.Println("with room again:", err)
	}
	if err := db.Close(); err != nil {
		fmt.Println("close:", err)
	}
	if db, err = store.Open(ctx, "sqlite:"+path); err != nil {
		fmt.Println("open again:", err)
		os.Exit(1)
	}
	err = db.View(ctx, func(tx *store.Tx) error {
		for i := range done {
			for j, want := range done[i] {
				if !want {
					refused++
				}
				v, err := tx.Setting(fmt.Sprint(i, j))
				if err != nil {
					return err
				}
				if got := v != ""; got != want {
					fmt.Printf("operation %d %d: accepted %v, on disk %v\n", i, j, want, got)
				}
			}
		}
		sound, err := tx.SQL("pragma integrity_check")
		if fmt.Sprint(sound) != "[ok]" {
			fmt.Println("integrity_check:", sound)
		}
		return err
	})
	if err != nil {
		fmt.Println(err)
	}
	if refused == 0 || refused == 8*50 {
		fmt.Printf("%d were refused: the disk was not filled in between\n", refused)
	}
}

func TestTheLogStartsAgainBesideABusyWriter(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "copse.db")
	db, err := store.Open(t.Context(), "sqlite:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	// A log starts again only when all of it has been copied, and beside these
	// writers something always has not.
	value := strings.Repeat("x", 1<<20)
	const each = store.LongLog >> 20
	var all sync.WaitGroup
	for w := range 4 {
		all.Go(func() {
			for i := range each {
				if err := db.Update(t.Context(), set(fmt.Sprint(w), value[i:])); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { all.Wait(); close(done) }()
	for writing := true; writing; {
		select {
		case <-done:
			writing = false
		default:
			db.CheckpointNow()
		}
	}
	log, err := os.Stat(path + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	if log.Size() > 2*store.LongLog {
		t.Errorf("after %d MB the log has %d MB", 4*each, log.Size()>>20)
	}
}

func TestPrivateFilesAndOddNames(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "50% off?#&_pragma=query_only(1)")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "copse copy.db")
	db, err := store.Open(t.Context(), "sqlite:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Update(t.Context(), set("a", "1")); err != nil {
		t.Fatal(err)
	}
	for _, suffix := range []string{"", "-wal", "-shm", ".lock"} {
		file, err := os.Stat(path + suffix)
		if err != nil {
			t.Error(err)
			continue
		}
		if got := file.Mode().Perm(); got != 0o600 {
			t.Errorf("%s has mode %o; private keys are in there", file.Name(), got)
		}
	}
}

func TestReadersSeeOneState(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		err := db.View(t.Context(), func(tx *store.Tx) error {
			if _, err := tx.Setting("a"); err != nil {
				return err
			}
			if err := db.Update(t.Context(), set("a", "1")); err != nil {
				return err
			}
			if got, err := tx.Setting("a"); err != nil || got != "" {
				t.Errorf("the reader sees %q, %v of what came after it began", got, err)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if setting(t, db, "a") != "1" {
			t.Error("the next reader does not see it")
		}
	})
}

func TestReadersCannotWrite(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		if err := db.View(t.Context(), set("a", "1")); err == nil {
			t.Error("a View wrote something")
		}
		if got := setting(t, db, "a"); got != "" {
			t.Errorf("a View wrote %q", got)
		}
	})
}

// However a reader ends, its connection serves the next.
func TestReadersComeBack(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		if err := db.Update(t.Context(), set("a", "1")); err != nil {
			t.Fatal(err)
		}
		for range 50 {
			err := db.View(t.Context(), func(tx *store.Tx) error { panic("oh") })
			if err == nil || !strings.Contains(err.Error(), "panic: oh") {
				t.Fatalf("a panic in View = %v", err)
			}
			gone, leave := context.WithCancel(t.Context())
			err = db.View(gone, func(tx *store.Tx) error {
				leave()
				_, err := tx.Setting("a")
				return err
			})
			if !errors.Is(err, context.Canceled) {
				t.Fatalf("a reader who has gone was answered %v", err)
			}
			if got := setting(t, db, "a"); got != "1" {
				t.Fatalf("the next reader sees %q", got)
			}
		}
	})
}

func TestALongReadIsBrokenOff(t *testing.T) {
	db := storetest.Open(t)
	for range 8 {
		gone, leave := context.WithTimeout(t.Context(), 20*time.Millisecond)
		err := db.View(gone, func(tx *store.Tx) error {
			_, err := tx.SQL(`with recursive n (i) as (select 1 union all select i + 1 from n where i < 1000000000)
				select count(*) from n`)
			return err
		})
		leave()
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("answered %v", err)
		}
		setting(t, db, "a")
	}
}
