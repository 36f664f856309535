package store

import (
	"database/sql"
	"errors"
	"time"

	"copse/copse"
)

const caseColumns = `k.id, k.community, k.object, k.subject, k.closed, k.closed_by, k.outcome, k.words,
	(select count(*) from reports n where n."case" = k.id)`

type caseScan struct {
	k                           copse.Case
	community, object, closedBy sql.NullInt64
	closed                      sql.NullInt64
}

func (s *caseScan) dest() []any {
	k := &s.k
	return []any{&k.ID, &s.community, &s.object, &k.Subject, &s.closed, &s.closedBy, &k.Outcome, &k.Words, &k.Reports}
}

func (s *caseScan) at() *copse.Case {
	s.k.Community, s.k.Object, s.k.ClosedBy = copse.ID(s.community.Int64), copse.ID(s.object.Int64), copse.ID(s.closedBy.Int64)
	s.k.Closed = fromMicros(s.closed)
	return &s.k
}

func scanCase(r row) (*copse.Case, error) {
	var s caseScan
	if err := r.Scan(s.dest()...); err != nil {
		return nil, err
	}
	return s.at(), nil
}

const reportColumns = `r.id, r."case", r.uri, r.reporter, r.host, r.at, r.category, r.reason`

type reportScan struct {
	r  copse.Report
	at int64
}

func (s *reportScan) dest() []any {
	r := &s.r
	return []any{&r.ID, &r.Case, &r.URI, &r.Reporter, &r.Host, &s.at, &r.Category, &r.Reason}
}

func (s *reportScan) report() *copse.Report {
	s.r.At = time.UnixMicro(s.at).UTC()
	return &s.r
}

func scanReport(r row) (*copse.Report, error) {
	var s reportScan
	err := r.Scan(s.dest()...)
	return s.report(), err
}

// AddReport adds r to the open case of what k names, and opens one if there is none.
// k becomes that case, and r is given its place.
func (tx *Tx) AddReport(k *copse.Case, r *copse.Report) error {
	if k.ID == 0 {
		k.ID = NewID()
	}
	fresh := *k
	var open *copse.Case
	_, err := tx.add(&fresh.ID, func() (int64, error) {
		return tx.exec(`
			insert into cases (id, community, object, subject) values ($1, $2, $3, $4)
			on conflict do nothing`, fresh.ID, null(k.Community), null(k.Object), k.Subject)
	}, func() (bool, error) {
		var err error
		open, err = tx.OpenCase(k.Object, k.Subject)
		return open != nil, err
	})
	if err != nil {
		return err
	}
	if open == nil {
		open = &fresh
	}
	*k = *open
	r.ID, r.Case, r.At = NewID(), k.ID, tx.Now
	_, err = tx.add(&r.ID, func() (int64, error) {
		return tx.exec(`
			insert into reports (id, "case", uri, reporter, host, at, category, reason) values ($1, $2, $3, $4, $5, $6, $7, $8)
			on conflict do nothing`, r.ID, r.Case, r.URI, r.Reporter, r.Host, r.At.UnixMicro(), r.Category, r.Reason)
	}, nil)
	k.Reports++
	return err
}

// OpenCase returns the case of an object that nobody has dealt with, or if that is
// zero that of a person; nil if there is none.
func (tx *Tx) OpenCase(object, person copse.ID) (*copse.Case, error) {
	about, id := `k.object = $1 and k.object is not null`, object
	if object == 0 {
		about, id = `k.subject = $1 and k.object is null`, person
	}
	k, err := one(tx, scanCase, `select `+caseColumns+` from cases k where k.closed is null and `+about, id)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return k, err
}

// Case returns the case with the given id.
func (tx *Tx) Case(id copse.ID) (*copse.Case, error) {
	return found(one(tx, scanCase, `select `+caseColumns+` from cases k where k.id = $1`, id))
}

// Reported returns the cases that the Flag with the given URI is part of.
func (tx *Tx) Reported(uri string) ([]*copse.Case, error) {
	return many(tx, scanCase, `
		select `+caseColumns+`
		from reports r join cases k on k.id = r."case"
		where r.uri = $1
		order by k.id`, uri)
}

// CloseCase records what became of a case, unless it is closed already.
func (tx *Tx) CloseCase(k *copse.Case) error {
	_, err := tx.exec(`
		update cases set closed = $1, closed_by = $2, outcome = $3, words = $4
		where id = $5 and closed is null`, micros(k.Closed), null(k.ClosedBy), k.Outcome, k.Words, k.ID)
	return err
}

// Cases returns up to n cases in a community that are open, what was reported first
// before the rest, and not what was reported of the viewer.
func (tx *Tx) Cases(community, viewer copse.ID, n int) ([]*copse.Case, error) {
	return many(tx, scanCase, `
		select `+caseColumns+`
		from cases k
		where k.community = $1 and k.closed is null and k.subject <> $2
		order by k.id
		limit $3`, community, viewer, n)
}

// DealtWith returns the newest n cases in a community that are closed, what was dealt
// with last before the rest, and not what was reported of the viewer.
func (tx *Tx) DealtWith(community, viewer copse.ID, n int) ([]*copse.Case, error) {
	return many(tx, scanCase, `
		select `+caseColumns+`
		from cases k
		where k.community = $1 and k.closed is not null and k.subject <> $2
		order by k.closed desc
		limit $3`, community, viewer, n)
}

// AllCases is Cases for all that was reported here, wherever and of whomever.
func (tx *Tx) AllCases(n int) ([]*copse.Case, error) {
	return many(tx, scanCase, `
		select `+caseColumns+` from cases k where k.closed is null order by k.id limit $1`, n)
}

// AllDealtWith is DealtWith likewise.
func (tx *Tx) AllDealtWith(n int) ([]*copse.Case, error) {
	return many(tx, scanCase, `
		select `+caseColumns+` from cases k where k.closed is not null order by k.closed desc limit $1`, n)
}

// OpenCases counts what Cases would return, or, if community is zero, AllCases.
func (tx *Tx) OpenCases(community, viewer copse.ID, most int) (int, error) {
	if community == 0 {
		return one(tx, value[int], `
			select count(*) from (select 1 from cases k where k.closed is null limit $1) few`, most)
	}
	return one(tx, value[int], `
		select count(*) from (
			select 1 from cases k
			where k.community = $1 and k.closed is null and k.subject <> $2
			limit $3) few`, community, viewer, most)
}

// Reports returns the first n reports of a case, in the order they came.
func (tx *Tx) Reports(of copse.ID, n int) ([]*copse.Report, error) {
	return many(tx, scanReport, `
		select `+reportColumns+` from reports r where r."case" = $1 order by r.id limit $2`, of, n)
}

// A Filed is a report together with what became of it.
type Filed struct {
	*copse.Report
	Of *copse.Case
}

func scanFiled(r row) (Filed, error) {
	var (
		rep reportScan
		k   caseScan
	)
	err := r.Scan(append(rep.dest(), k.dest()...)...)
	return Filed{rep.report(), k.at()}, err
}

// ReportsBy returns the newest n reports by somebody here, newest first.
func (tx *Tx) ReportsBy(reporter copse.ID, n int) ([]Filed, error) {
	return many(tx, scanFiled, `
		select `+reportColumns+`, `+caseColumns+`
		from reports r join cases k on k.id = r."case"
		where r.reporter = $1
		order by r.at desc, r.id desc
		limit $2`, reporter, n)
}

// ReportBy returns one of somebody's own reports.
func (tx *Tx) ReportBy(reporter, id copse.ID) (Filed, error) {
	return found(one(tx, scanFiled, `
		select `+reportColumns+`, `+caseColumns+`
		from reports r join cases k on k.id = r."case"
		where r.id = $1 and r.reporter = $2`, id, reporter))
}

// HasReported reports whether somebody has reported what a case is of.
func (tx *Tx) HasReported(of, reporter copse.ID) (bool, error) {
	return one(tx, value[bool], `
		select exists (select 1 from reports r where r."case" = $1 and r.reporter = $2)`, of, reporter)
}

// Filings counts the reports since a time by somebody here, no further than most.
func (tx *Tx) Filings(reporter copse.ID, since time.Time, most int) (int, error) {
	return one(tx, value[int], `
		select count(*) from (select 1 from reports r where r.reporter = $1 and r.at > $2 limit $3) few`,
		reporter, since.UnixMicro(), most)
}

// FilingsFrom counts those that came from a server likewise.
func (tx *Tx) FilingsFrom(host string, since time.Time, most int) (int, error) {
	return one(tx, value[int], `
		select count(*) from (select 1 from reports r where r.host = $1 and r.at > $2 limit $3) few`,
		host, since.UnixMicro(), most)
}

// Administrators returns the people here who run this server, up to n.
func (tx *Tx) Administrators(n int) ([]*copse.Actor, error) {
	return many(tx, scanActor, `
		select `+actorColumns+`
		from accounts n join actors a on a.id = n.actor
		where n.role in ('admin', 'owner') and n.confirmed is not null
		order by n.actor
		limit $1`, n)
}

// FacilitatedHere reports whether anybody here looks after a community.
func (tx *Tx) FacilitatedHere(community copse.ID) (bool, error) {
	return one(tx, value[bool], `
		select exists (
			select 1 from memberships m join actors a on a.id = m.actor
			where m.community = $1 and m.role >= $2 and a.local)`, community, copse.Moderator)
}
