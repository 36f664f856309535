package store

import (
	"time"

	"copse/copse"
)

// A Mail is an e-mail that waits to be sent or was.
type Mail struct {
	ID      copse.ID
	To      string
	Subject string
	Body    string // plain text
	Tries   int
}

// QueueMail asks for m to be sent.
func (tx *Tx) QueueMail(m *Mail) error {
	m.ID = NewID()
	_, err := tx.add(&m.ID, func() (int64, error) {
		return tx.exec(`
			insert into mails (id, recipient, subject, body, due) values ($1, $2, $3, $4, $5)
			on conflict do nothing`, m.ID, m.To, m.Subject, m.Body, tx.Now.UnixMicro())
	}, nil)
	return err
}

// ClaimMails takes up to n mails that are due, hiding them from other workers
// for lease.
func (tx *Tx) ClaimMails(n int, lease time.Duration) ([]*Mail, error) {
	return many(tx, func(r row) (*Mail, error) {
		m := new(Mail)
		return m, r.Scan(&m.ID, &m.To, &m.Subject, &m.Body, &m.Tries)
	}, `
		update mails set due = $1, tries = tries + 1
		where due <= $2 and id in (select id from mails where due <= $2 order by due limit $3)
		returning id, recipient, subject, body, tries`,
		tx.Now.Add(lease).UnixMicro(), tx.Now.UnixMicro(), n)
}

// SentMail records that m went out. The text, which may hold a link that signs
// somebody in, is not kept.
func (tx *Tx) SentMail(id copse.ID) error {
	_, err := tx.exec(`update mails set due = null, sent = $1, body = '', error = '' where id = $2`,
		tx.Now.UnixMicro(), id)
	return err
}

// RetryMail puts a mail off until the given time, or gives up if that is zero.
func (tx *Tx) RetryMail(id copse.ID, reason string, until time.Time) error {
	_, err := tx.exec(`update mails set due = $1, error = $2 where id = $3`, micros(until), reason, id)
	return err
}
