package store

import (
	"database/sql"
	"strings"
	"time"

	"copse/copse"
)

const actorColumns = `a.id, a.type, a.uri, a.name, a.host, a.title, a.summary, a.source, a.job_title, a.vouched,
	a.url, a.inbox, a.shared_inbox, a.key_id, a.public_key, a.multikeys, a.local, a.created, a.fetched, a.gone,
	a.also, a.moved_to, a.moved`

// An actorScan reads the columns of an actor, alone or among others.
type actorScan struct {
	a             copse.Actor
	multikeys     string
	created       int64
	fetched, gone sql.NullInt64
	also          string
	moved         sql.NullInt64
}

func (s *actorScan) dest() []any {
	a := &s.a
	return []any{&a.ID, &a.Type, &a.URI, &a.Name, &a.Host, &a.Title, &a.Summary, &a.Source, &a.JobTitle, &a.Vouched,
		&a.URL, &a.Inbox, &a.SharedInbox, &a.KeyID, &a.PublicKey, &s.multikeys, &a.Local, &s.created, &s.fetched, &s.gone,
		&s.also, &a.MovedTo, &s.moved}
}

func (s *actorScan) actor() *copse.Actor {
	s.a.Created = time.UnixMicro(s.created).UTC()
	s.a.Fetched, s.a.Gone = fromMicros(s.fetched), fromMicros(s.gone)
	s.a.Moved = fromMicros(s.moved)
	if s.also != "" {
		s.a.AlsoKnownAs = strings.Fields(s.also)
	}
	for line := range strings.Lines(s.multikeys) {
		id, key, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		s.a.Multikeys = append(s.a.Multikeys, copse.Multikey{ID: id, Key: key})
	}
	return &s.a
}

// bylineColumns are what stands beside a name in a list of what people wrote.
const bylineColumns = `a.type, a.name, a.host, a.title, a.job_title, a.vouched, a.gone, a.local, a.moved_to`

// byline returns where those go.
func (s *actorScan) byline() []any {
	a := &s.a
	return []any{&a.Type, &a.Name, &a.Host, &a.Title, &a.JobTitle, &a.Vouched, &s.gone, &a.Local, &a.MovedTo}
}

// written returns the actor with the given id, of whom the byline was read.
func (s *actorScan) written(id copse.ID) *copse.Actor {
	s.a.ID, s.a.Gone = id, fromMicros(s.gone)
	return &s.a
}

func scanActor(r row) (*copse.Actor, error) {
	var s actorScan
	if err := r.Scan(s.dest()...); err != nil {
		return nil, err
	}
	return s.actor(), nil
}

// Actor returns the actor with the given id.
func (tx *Tx) Actor(id copse.ID) (*copse.Actor, error) {
	return found(one(tx, scanActor, `select `+actorColumns+` from actors a where a.id = $1`, id))
}

// ActorByURI returns the actor with the given ActivityPub id.
func (tx *Tx) ActorByURI(uri string) (*copse.Actor, error) {
	return found(one(tx, scanActor, `select `+actorColumns+` from actors a where a.uri = $1`, uri))
}

// ActorByKey returns the actor whose key has the given id, be it the one that all
// peers know or one for proofs. Most ids are the actor's own with a fragment.
func (tx *Tx) ActorByKey(keyID string) (*copse.Actor, error) {
	if uri, _, ok := strings.Cut(keyID, "#"); ok {
		a, err := tx.ActorByURI(uri)
		if err == nil && a.HasKey(keyID) || err != nil && copse.CodeOf(err) != copse.CodeNotFound {
			return a, err
		}
	}
	return found(one(tx, scanActor, `
		select `+actorColumns+` from actors a where a.key_id = $1 and a.key_id <> '' order by a.id limit 1`, keyID))
}

// KnownActorByName is ActorByName for what is shown to others: somebody whose
// address has not been confirmed yet could be anybody, and is not there.
func (tx *Tx) KnownActorByName(name string) (*copse.Actor, error) {
	return found(one(tx, scanActor, `
		select `+actorColumns+`
		from actors a
		where a.name = $1 and a.local
			and not exists (select 1 from accounts n where n.actor = a.id and n.confirmed is null)`, name))
}

// ActorByName returns the actor of ours with the given name. Names are lower
// case; people and communities share them.
func (tx *Tx) ActorByName(name string) (*copse.Actor, error) {
	return found(one(tx, scanActor, `select `+actorColumns+` from actors a where a.name = $1 and a.local`, name))
}

// ActorAt returns the actor with the given name and type at a host. Other
// servers may use one name for a person and a community.
func (tx *Tx) ActorAt(name, host string, typ copse.ActorType) (*copse.Actor, error) {
	return found(one(tx, scanActor, `
		select `+actorColumns+`
		from actors a
		where a.host = $1 and a.name = $2 and a.type = $3 and a.gone is null
		order by a.id desc
		limit 1`, host, name, typ))
}

// AddActor inserts a. It refuses an actor whose name here, or URI, is taken.
func (tx *Tx) AddActor(a *copse.Actor) error {
	fresh, err := tx.add(&a.ID, func() (int64, error) {
		return tx.exec(`
			insert into actors (id, type, uri, name, host, title, summary, source, job_title, url,
				inbox, shared_inbox, key_id, public_key, local, created, fetched, vouched, multikeys,
				also, moved_to)
			values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)
			on conflict do nothing`,
			a.ID, a.Type, a.URI, a.Name, a.Host, a.Title, a.Summary, a.Source, a.JobTitle, a.URL,
			a.Inbox, a.SharedInbox, a.KeyID, a.PublicKey, a.Local, a.Created.UnixMicro(), micros(a.Fetched), a.Vouched, lines(a.Multikeys),
			strings.Join(a.AlsoKnownAs, " "), a.MovedTo)
	}, func() (bool, error) {
		return one(tx, value[bool], `
			select exists (select 1 from actors where uri = $1)
				or $3 and exists (select 1 from actors where name = $2 and local)`, a.URI, a.Name, a.Local)
	})
	if err == nil && !fresh {
		return copse.Invalid("name", "%s is taken; choose another name", a.Name)
	}
	return err
}

// SetActor updates what may change about an actor: everything but its id, URI,
// type, name and host, and the keys of one of ours, which may have been made since
// a was read. A community is found by its new words.
func (tx *Tx) SetActor(a *copse.Actor) error {
	_, err := tx.exec(`
		update actors set title = $1, summary = $2, source = $3, job_title = $4, url = $5,
			inbox = $6, shared_inbox = $7,
			key_id = case when local then key_id else $8 end, public_key = case when local then public_key else $9 end,
			fetched = $10, gone = $11, vouched = $12, multikeys = case when local then multikeys else $13 end,
			also = $14, moved_to = $15
		where id = $16`,
		a.Title, a.Summary, a.Source, a.JobTitle, a.URL,
		a.Inbox, a.SharedInbox, a.KeyID, a.PublicKey, micros(a.Fetched), micros(a.Gone), a.Vouched, lines(a.Multikeys),
		strings.Join(a.AlsoKnownAs, " "), a.MovedTo, a.ID)
	if err != nil || a.Type != copse.Group {
		return err
	}
	_, err = tx.exec(`update communities set words = $1 where actor = $2`, words(a), a.ID)
	return err
}

// lines writes keys as they are kept.
func lines(keys []copse.Multikey) string {
	var b strings.Builder
	for _, k := range keys {
		b.WriteString(k.ID + " " + k.Key + "\n")
	}
	return b.String()
}

// What actors of ours have keys of.
const (
	keyRSA     = "rsa"     // for requests
	keyEd25519 = "ed25519" // for proofs
)

// PrivateKey returns the PEM of the key that an actor of ours signs requests with.
func (tx *Tx) PrivateKey(actor copse.ID) (string, error) { return tx.privateKey(actor, keyRSA) }

// ProvingKey returns the PEM of the key that an actor of ours proves with what it
// says.
func (tx *Tx) ProvingKey(actor copse.ID) (string, error) { return tx.privateKey(actor, keyEd25519) }

func (tx *Tx) privateKey(actor copse.ID, typ string) (string, error) {
	return found(one(tx, value[string], `select private from keys where actor = $1 and type = $2`, actor, typ))
}

// AddKey gives an actor of ours its key for requests, unless it has one, and
// reports whether it did.
func (tx *Tx) AddKey(actor copse.ID, keyID, public, private string) (bool, error) {
	fresh, err := tx.addKey(actor, keyRSA, private)
	if err != nil || !fresh {
		return false, err
	}
	_, err = tx.exec(`update actors set key_id = $1, public_key = $2 where id = $3`, keyID, public, actor)
	return true, err
}

// AddProvingKey gives an actor of ours its key for proofs, unless it has one, and
// reports whether it did.
func (tx *Tx) AddProvingKey(actor copse.ID, public copse.Multikey, private string) (bool, error) {
	fresh, err := tx.addKey(actor, keyEd25519, private)
	if err != nil || !fresh {
		return false, err
	}
	_, err = tx.exec(`update actors set multikeys = $1 where id = $2`, lines([]copse.Multikey{public}), actor)
	return true, err
}

// ForgetKeys takes an actor of ours its keys, and returns 1 if it had any. Private
// keys are not kept anywhere else.
func (tx *Tx) ForgetKeys(actor copse.ID) (int, error) {
	if _, err := tx.exec(`delete from keys where actor = $1`, actor); err != nil {
		return 0, err
	}
	n, err := tx.exec(`
		update actors set key_id = '', public_key = '', multikeys = ''
		where id = $1 and local and (key_id <> '' or multikeys <> '')`, actor)
	return int(n), err
}

// ForgetAllKeys is ForgetKeys for everybody here. It returns how many had keys.
func (tx *Tx) ForgetAllKeys() (int, error) {
	if _, err := tx.exec(`delete from keys`); err != nil {
		return 0, err
	}
	n, err := tx.exec(`
		update actors set key_id = '', public_key = '', multikeys = ''
		where local and (key_id <> '' or multikeys <> '')`)
	return int(n), err
}

func (tx *Tx) addKey(actor copse.ID, typ, private string) (bool, error) {
	n, err := tx.exec(`
		insert into keys (actor, type, private, created) values ($1, $2, $3, $4)
		on conflict do nothing`, actor, typ, private, tx.Now.UnixMicro())
	return n > 0, err
}
