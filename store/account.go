package store

import (
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"time"

	"copse/copse"
)

// An Account is how a person here signs in.
type Account struct {
	Actor     copse.ID
	Email     string // lower case
	Password  string // argon2id, in PHC form
	Role      AccountRole
	Language  string      // "en", "cy"; "" until chosen
	Reach     copse.Reach // from whom they take messages
	Created   time.Time
	Confirmed time.Time // when the address was proved
	Approved  time.Time // when an owner let them in, if they had to
}

// An AccountRole is what somebody may do on the server as a whole.
type AccountRole string

// The roles on the server.
const (
	Ordinary AccountRole = "member"
	Admin    AccountRole = "admin"
	Owner    AccountRole = "owner"
)

const accountColumns = `n.actor, n.email, n.password, n.role, n.language, n.reach, n.created, n.confirmed, n.approved`

type accountScan struct {
	n                   Account
	created             int64
	confirmed, approved sql.NullInt64
}

func (s *accountScan) dest() []any {
	n := &s.n
	return []any{&n.Actor, &n.Email, &n.Password, &n.Role, &n.Language, &n.Reach, &s.created, &s.confirmed, &s.approved}
}

func (s *accountScan) account() *Account {
	s.n.Created = time.UnixMicro(s.created).UTC()
	s.n.Confirmed, s.n.Approved = fromMicros(s.confirmed), fromMicros(s.approved)
	return &s.n
}

func scanAccount(r row) (*Account, error) {
	var s accountScan
	if err := r.Scan(s.dest()...); err != nil {
		return nil, err
	}
	return s.account(), nil
}

// Account returns the account of a person here.
func (tx *Tx) Account(actor copse.ID) (*Account, error) {
	return found(one(tx, scanAccount, `select `+accountColumns+` from accounts n where n.actor = $1`, actor))
}

// AccountByEmail returns the account with the given address.
func (tx *Tx) AccountByEmail(email string) (*Account, error) {
	return found(one(tx, scanAccount, `select `+accountColumns+` from accounts n where n.email = $1`, email))
}

// AddAccount inserts n. It refuses an address that has an account.
func (tx *Tx) AddAccount(n *Account) error {
	count, err := tx.exec(`
		insert into accounts (actor, email, password, role, language, created, confirmed, approved)
		values ($1, $2, $3, $4, $5, $6, $7, $8)
		on conflict do nothing`,
		n.Actor, n.Email, n.Password, n.Role, n.Language, n.Created.UnixMicro(), micros(n.Confirmed), micros(n.Approved))
	if err == nil && count == 0 {
		return copse.Conflict("there is already an account for %s", n.Email)
	}
	return err
}

// SetAccount updates everything about an account but whose it is and since when.
// It refuses an address that has another account.
func (tx *Tx) SetAccount(n *Account) error {
	count, err := tx.exec(`
		update accounts set email = $1, password = $2, role = $3, language = $4, confirmed = $5, approved = $6, reach = $8
		where actor = $7 and not exists (select 1 from accounts o where o.email = $1 and o.actor <> $7)`,
		n.Email, n.Password, n.Role, n.Language, micros(n.Confirmed), micros(n.Approved), n.Actor, n.Reach)
	if err == nil && count == 0 {
		return copse.Conflict("there is already an account for %s", n.Email)
	}
	return err
}

// Vouched reports whether this council says that a person here works for it:
// their address is confirmed and of the domain that was named at set-up.
func (tx *Tx) Vouched(actor copse.ID) (bool, error) {
	return one(tx, value[bool], `
		select exists (
			select 1
			from accounts n join settings d on d.name = 'domain'
			where n.actor = $1 and n.confirmed is not null and d.value <> ''
				and substr(n.email, length(n.email) - length(d.value)) = '@' || d.value)`, actor)
}

// Owners counts the accounts that may do everything here. While there is none
// the server waits to be set up.
func (tx *Tx) Owners() (int, error) {
	return one(tx, value[int], `select count(*) from accounts where role = 'owner' and confirmed is not null`)
}

// People counts accounts that are in use.
func (tx *Tx) People() (int, error) {
	return one(tx, value[int], `select count(*) from accounts where confirmed is not null`)
}

// A Login is a person signed in, and the account they did it with.
type Login struct {
	*Account
	Person *copse.Actor
}

// Login returns an account and its person together.
func (tx *Tx) Login(actor copse.ID) (Login, error) {
	return found(one(tx, func(r row) (Login, error) {
		var (
			n accountScan
			a actorScan
		)
		if err := r.Scan(append(n.dest(), a.dest()...)...); err != nil {
			return Login{}, err
		}
		return Login{n.account(), a.actor()}, nil
	}, `
		select `+accountColumns+`, `+actorColumns+`
		from accounts n join actors a on a.id = n.actor
		where n.actor = $1`, actor))
}

// AddToken keeps a link that works once, until it expires. Earlier links of the
// same purpose for the same person stop working. Only a hash of it is stored.
func (tx *Tx) AddToken(token, purpose string, actor copse.ID, expires time.Time) error {
	earlier := `update tokens set used = $1 where used is null and purpose = $2 and actor = $3`
	args := []any{tx.Now.UnixMicro(), purpose, actor}
	if actor == 0 {
		earlier, args = `update tokens set used = $1 where used is null and purpose = $2 and actor is null`, args[:2]
	}
	if _, err := tx.exec(earlier, args...); err != nil {
		return err
	}
	_, err := tx.exec(`insert into tokens (hash, purpose, actor, expires) values ($1, $2, $3, $4)`,
		digest(token), purpose, null(actor), expires.UnixMicro())
	return err
}

// A Token is what is known of a link that works once.
type Token struct {
	Actor   copse.ID
	Expires time.Time
	Used    time.Time
}

// Token returns what is known of a link.
func (tx *Tx) Token(token, purpose string) (Token, error) {
	return found(one(tx, func(r row) (t Token, err error) {
		var (
			actor, used sql.NullInt64
			expires     int64
		)
		err = r.Scan(&actor, &expires, &used)
		return Token{copse.ID(actor.Int64), time.UnixMicro(expires).UTC(), fromMicros(used)}, err
	}, `select actor, expires, used from tokens where hash = $1 and purpose = $2`, digest(token), purpose))
}

// UseToken makes a link stop working and reports whether it still worked.
func (tx *Tx) UseToken(token, purpose string) (bool, error) {
	n, err := tx.exec(`
		update tokens set used = $1
		where hash = $2 and purpose = $3 and used is null and expires > $1`,
		tx.Now.UnixMicro(), digest(token), purpose)
	return n == 1, err
}

func digest(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// Session returns what is kept for the session with the given (hashed) token;
// nil if there is none or it has expired.
func (tx *Tx) Session(token string) ([]byte, error) {
	all, err := many(tx, value[[]byte], `select content from sessions where token = $1 and expires > $2`,
		token, tx.Now.UnixMicro())
	if err != nil || len(all) == 0 {
		return nil, err
	}
	return all[0], nil
}

// SetSession keeps content for the session with the given (hashed) token, and
// whose it is, so that a person can be signed out everywhere.
func (tx *Tx) SetSession(token string, actor copse.ID, content []byte, expires time.Time) error {
	_, err := tx.exec(`
		insert into sessions (token, actor, content, expires) values ($1, $2, $3, $4)
		on conflict (token) do update set
			actor = excluded.actor, content = excluded.content, expires = excluded.expires`,
		token, null(actor), content, expires.UnixMicro())
	return err
}

// DropSession ends a session.
func (tx *Tx) DropSession(token string) error {
	_, err := tx.exec(`delete from sessions where token = $1`, token)
	return err
}

// DropSessions signs a person out everywhere.
func (tx *Tx) DropSessions(actor copse.ID) error {
	_, err := tx.exec(`delete from sessions where actor = $1`, actor)
	return err
}

// TidyAccounts forgets sessions and links that have expired.
func (tx *Tx) TidyAccounts() error {
	now := tx.Now.UnixMicro()
	if _, err := tx.exec(`delete from sessions where expires <= $1`, now); err != nil {
		return err
	}
	// A used or expired link is remembered for a month, so that it can be said
	// why it does not work.
	_, err := tx.exec(`delete from tokens where expires <= $1`, tx.Now.AddDate(0, -1, 0).UnixMicro())
	return err
}
