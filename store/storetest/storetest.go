// Package storetest gives tests a real, empty database.
package storetest

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"copse/store"
)

// Open returns an empty SQLite database that goes away with the test.
func Open(t testing.TB) *store.DB {
	t.Helper()
	return open(t, "sqlite:"+filepath.Join(t.TempDir(), "copse.db"))
}

// Each runs test on both engines. COPSE_TEST_POSTGRES names a PostgreSQL server
// where the tests may make schemas; "make test" starts one. Where there is none
// that half fails: a query that was only tried on SQLite is not tested.
func Each(t *testing.T, test func(*testing.T, *store.DB)) {
	t.Run("sqlite", func(t *testing.T) { test(t, Open(t)) })
	t.Run("postgres", func(t *testing.T) { test(t, OpenPostgres(t)) })
}

// OpenPostgres returns an empty database in a schema of its own.
func OpenPostgres(t testing.TB) *store.DB {
	t.Helper()
	return open(t, PostgresURL(t))
}

func open(t testing.TB, url string) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

var schemas atomic.Int32

// PostgresURL returns the address of an empty schema that goes away with the
// test.
func PostgresURL(t testing.TB) string {
	t.Helper()
	url := os.Getenv("COPSE_TEST_POSTGRES")
	if url == "" {
		t.Fatal("COPSE_TEST_POSTGRES is not set; run the tests with make test, which starts PostgreSQL")
	}
	name := fmt.Sprintf("copse_test_%d_%d", os.Getpid(), schemas.Add(1))
	admin, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := admin.Exec("create schema " + name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := admin.Exec("drop schema " + name + " cascade"); err != nil {
			t.Error(err)
		}
		admin.Close()
	})
	sep := "?"
	if strings.Contains(url, "?") {
		sep = "&"
	}
	return url + sep + "search_path=" + name
}
