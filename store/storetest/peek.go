package storetest

import (
	"crypto/sha256"
	"database/sql"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// A Row is a row of a table, as text.
type Row struct {
	Table  string
	Values map[string]string // by column; null is "null"
}

// String is the row on a line. Of what is long only the beginning is there, and a sum
// of all of it.
func (r Row) String() string {
	var b strings.Builder
	b.WriteString(r.Table)
	for _, column := range slices.Sorted(maps.Keys(r.Values)) {
		v := r.Values[column]
		if len(v) > 300 {
			v = fmt.Sprintf("%.250s… %x", v, sha256.Sum256([]byte(v)))
		}
		fmt.Fprintf(&b, " %s=%q", column, v)
	}
	return b.String()
}

// A Peek looks into the SQLite file of a server that runs in another process, without
// the store and without writing.
type Peek struct {
	t  testing.TB
	db *sql.DB
}

// PeekAt opens a database that is there already.
func PeekAt(t testing.TB, file string) *Peek {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+url.PathEscape(file)+"?mode=ro&_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return &Peek{t, db}
}

// Tables returns the names of all tables.
func (p *Peek) Tables() (all []string) {
	p.t.Helper()
	tx := p.begin()
	defer tx.Rollback()
	for _, r := range p.rows(tx, "sqlite_schema", "select name from sqlite_schema where type = 'table'") {
		all = append(all, r.Values["name"])
	}
	return all
}

// Rows returns all there is in the tables named, as it is at one moment.
func (p *Peek) Rows(tables ...string) (all []Row) {
	p.t.Helper()
	tx := p.begin()
	defer tx.Rollback()
	for _, table := range tables {
		all = append(all, p.rows(tx, table, `select * from "`+table+`"`)...)
	}
	return all
}

func (p *Peek) begin() *sql.Tx {
	p.t.Helper()
	tx, err := p.db.Begin()
	if err != nil {
		p.t.Fatal(err)
	}
	return tx
}

func (p *Peek) rows(tx *sql.Tx, table, query string) (all []Row) {
	p.t.Helper()
	found, err := tx.Query(query)
	if err != nil {
		p.t.Fatal(err)
	}
	defer found.Close()
	columns, err := found.Columns()
	if err != nil {
		p.t.Fatal(err)
	}
	for found.Next() {
		values, into := make([]sql.NullString, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := found.Scan(into...); err != nil {
			p.t.Fatal(err)
		}
		r := Row{table, make(map[string]string, len(columns))}
		for i, v := range values {
			if r.Values[columns[i]] = "null"; v.Valid {
				r.Values[columns[i]] = v.String
			}
		}
		all = append(all, r)
	}
	if err := found.Err(); err != nil {
		p.t.Fatal(err)
	}
	return all
}
