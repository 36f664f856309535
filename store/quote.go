package store

import "copse/copse"

// A Quote is that something said elsewhere may show something said here.
type Quote struct {
	Object copse.ID
	Actor  copse.ID // who asked for it
	URI    string   // of what shows it
}

// AddQuote records q, of the object with the given URI. One that is there already
// stays as it is.
func (tx *Tx) AddQuote(q Quote, object string) error {
	_, err := tx.exec(`
		insert into quotes (stamp, object, actor, quote) values ($1, $2, $3, $4)
		on conflict do nothing`, copse.QuoteURI(object, q.URI), q.Object, q.Actor, q.URI)
	return err
}

// Quoted reports whether a quote is recorded under a stamp.
func (tx *Tx) Quoted(stamp string) (bool, error) {
	return one(tx, value[bool], `select exists (select 1 from quotes where stamp = $1)`, stamp)
}

func scanQuote(r row) (q Quote, err error) {
	err = r.Scan(&q.Object, &q.Actor, &q.URI)
	return q, err
}

// QuoteAt returns the quote that is confirmed at a URI.
func (tx *Tx) QuoteAt(stamp string) (Quote, error) {
	return found(one(tx, scanQuote, `select object, actor, quote from quotes where stamp = $1`, stamp))
}

// Quotes returns what may show an object, up to n.
func (tx *Tx) Quotes(object copse.ID, n int) ([]Quote, error) {
	return many(tx, scanQuote, `
		select object, actor, quote from quotes where object = $1 order by stamp limit $2`, object, n)
}
