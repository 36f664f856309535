package store

import (
	"database/sql"
	"errors"
	"slices"
	"time"

	"copse/copse"
)

const objectColumns = `o.id, o.uri, o.kind, o.community, o.author, o.root, o.parent, o.path, o.title, o.source, o.html,
	o.language, o.url, o.conversation, o.audience, o.question, o.answer, o.replies, o.councils, o.likes, o.starts, o.ends, o.extra,
	o.local, o.published, o.edited, o.accepted, o.active, o.deleted, o.removed`

// An objectScan reads the columns of an object, alone or among others.
type objectScan struct {
	o                                       copse.Object
	root, parent, answer                    sql.NullInt64
	starts, ends, edited, accepted, deleted sql.NullInt64
	published, active                       int64
	extra                                   string
}

func (s *objectScan) dest() []any {
	o := &s.o
	return []any{&o.ID, &o.URI, &o.Kind, &o.Community, &o.Author, &s.root, &s.parent, &o.Path, &o.Title, &o.Source, &o.HTML,
		&o.Language, &o.URL, &o.Conversation, &o.Audience, &o.Question, &s.answer, &o.Replies, &o.Councils, &o.Likes, &s.starts, &s.ends, &s.extra,
		&o.Local, &s.published, &s.edited, &s.accepted, &s.active, &s.deleted, &o.Removed}
}

func (s *objectScan) object() *copse.Object {
	o := &s.o
	o.Root, o.Parent, o.Answer = copse.ID(s.root.Int64), copse.ID(s.parent.Int64), copse.ID(s.answer.Int64)
	o.Starts, o.Ends = fromMicros(s.starts), fromMicros(s.ends)
	o.Published, o.Active = time.UnixMicro(s.published).UTC(), time.UnixMicro(s.active).UTC()
	o.Edited, o.Accepted, o.Deleted = fromMicros(s.edited), fromMicros(s.accepted), fromMicros(s.deleted)
	o.Extra = []byte(s.extra)
	return o
}

func scanObject(r row) (*copse.Object, error) {
	var s objectScan
	if err := r.Scan(s.dest()...); err != nil {
		return nil, err
	}
	return s.object(), nil
}

// Object returns the object with the given id, tombstones included, whoever may
// see it: for rules and deliveries. Pages use Post.
func (tx *Tx) Object(id copse.ID) (*copse.Object, error) {
	return found(one(tx, scanObject, `select `+objectColumns+` from objects o where o.id = $1`, id))
}

// ObjectByURI is Object by ActivityPub id.
func (tx *Tx) ObjectByURI(uri string) (*copse.Object, error) {
	return found(one(tx, scanObject, `select `+objectColumns+` from objects o where o.uri = $1`, uri))
}

// Made returns what the activity with the given URI was done to.
func (tx *Tx) Made(activity string) (*copse.Object, error) {
	return found(one(tx, scanObject, `
		select `+objectColumns+`
		from activities v join objects o on o.uri = v.object
		where v.hash = $1`, hash(activity)))
}

// AddObject inserts o and brings its thread up to date. It refuses an object
// whose URI is taken: what is there is changed by SetObject alone. If another
// object has its id, a remote one gets the next free one, and a local one is
// refused with CodeConflict too: its URI carries its id. Nothing is public in a community
// that is not.
func (tx *Tx) AddObject(o *copse.Object) error {
	if err := tx.hold(o.Community); err != nil {
		return err
	}
	if o.Active.IsZero() {
		o.Active = o.Published
	}
	above := ""
	o.Root, o.Path = 0, ""
	if o.Parent != 0 {
		var err error
		if o.Root, above, err = tx.place(o.Parent); err != nil {
			return err
		}
		if len(above)/pathElement >= copse.MaxDepth {
			return copse.Invalid("text", "this conversation is nested too deeply; reply further up")
		}
	}
	audience, err := found(one(tx, value[copse.Audience], `
		update communities set active = case when active < $1 then $1 else active end
		where actor = $2
		returning audience`, o.Active.UnixMicro(), o.Community))
	if err != nil {
		return err
	}
	if audience != copse.Public {
		o.Audience = audience
	}
	fresh, err := tx.add(&o.ID, func() (int64, error) {
		if o.Root != 0 {
			o.Path = above + element(o.ID)
		}
		return tx.exec(`
			insert into objects (id, uri, kind, community, author, root, parent, path, title, source, html,
				language, url, conversation, audience, question, starts, ends, extra, local, published, edited, accepted, active)
			values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11,
				$12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24)
			on conflict do nothing`,
			o.ID, o.URI, o.Kind, o.Community, o.Author, null(o.Root), null(o.Parent), o.Path, o.Title, o.Source, o.HTML,
			o.Language, o.URL, o.Conversation, o.Audience, o.Question, micros(o.Starts), micros(o.Ends), string(o.Extra), o.Local,
			o.Published.UnixMicro(), micros(o.Edited), micros(o.Accepted), o.Active.UnixMicro())
	}, func() (bool, error) {
		// Our own carry their id in their URI, so it cannot be changed here.
		return one(tx, value[bool], `
			select exists (select 1 from objects where uri = $1 or ($2 and id = $3))`, o.URI, o.Local, o.ID)
	})
	if err != nil {
		return err
	}
	if !fresh {
		return copse.Conflict("there is already something at %s", o.URI)
	}
	return tx.countIn(o)
}

// place returns the root and the path of what the object with the given id is
// answered under.
func (tx *Tx) place(parent copse.ID) (root copse.ID, path string, err error) {
	_, err = found(one(tx, func(r row) (none struct{}, err error) {
		return none, r.Scan(&root, &path)
	}, `select coalesce(root, id), path from objects where id = $1`, parent))
	return root, path, err
}

// A path is the ids from below the root down to an object, each of fixed width,
// so that the order of paths is the order of a thread read from top to bottom.
const pathElement = 11

func element(id copse.ID) string {
	const digits = "0123456789abcdefghijklmnopqrstuv"
	var b [pathElement]byte
	for i := len(b) - 1; i >= 0; i-- {
		b[i], id = digits[id&31], id>>5
	}
	return string(b[:])
}

// countIn brings what is shown of a thread up to date with a reply just added to
// it, which is what recount would come to without reading all of the thread.
func (tx *Tx) countIn(o *copse.Object) error {
	if o.Root == 0 {
		return nil
	}
	_, err := tx.exec(`
		update objects set replies = replies + 1,
			active = case when active < $1 then $1 else active end,
			councils = councils + case when exists (
				select 1
				from objects b cross join actors a
				where b.root = $2 and b.deleted is null and b.id <> $3 and a.id = b.author
					and a.host = (select c.host from actors c where c.id = $4)) then 0 else 1 end
		where id = $2`, o.Published.UnixMicro(), o.Root, o.ID, o.Author)
	return err
}

// recount derives what is shown of a thread after something in it was deleted.
func (tx *Tx) recount(root copse.ID) error {
	if root == 0 {
		return nil
	}
	_, err := tx.exec(`
		update objects set replies = t.replies, councils = t.councils,
			active = case when t.newest > published then t.newest else published end
		from (
			select count(*) as replies, max(r.published) as newest, (
				select count(distinct a.host)
				from actors a
				where a.id in (select b.author from objects b where b.root = $1 and b.deleted is null)) as councils
			from objects r
			where r.root = $1 and r.deleted is null) t
		where id = $1`, root)
	return err
}

// SetObject updates o, whose author changed it at the given time, and keeps the
// words it had as a revision. It reports false, and changes nothing, if a later
// change is there already. What it is, where it is and who made it stay as they
// were. A tombstone takes no words.
func (tx *Tx) SetObject(o *copse.Object, at time.Time) (bool, error) {
	if err := tx.hold(o.ID); err != nil {
		return false, err
	}
	// Only now is it sure that nobody has been faster.
	overtaken, err := one(tx, value[bool], `
		select exists (select 1 from objects where id = $1 and coalesce(changed, edited) > $2)`, o.ID, micros(at))
	if err != nil || overtaken {
		return false, err
	}
	// Two revisions may bear the same time, where a peer does not say when it
	// edited; the later one then counts as a microsecond later.
	_, err = tx.exec(`
		insert into revisions (object, at, title, source, html)
		select o.id,
			coalesce((select max(v.at) + 1 from revisions v where v.object = o.id and v.at >= coalesce(o.edited, o.published)),
				o.edited, o.published),
			o.title, o.source, o.html
		from objects o
		where o.id = $1 and o.deleted is null and (o.title <> $2 or o.source <> $3 or o.html <> $4)`,
		o.ID, o.Title, o.Source, o.HTML)
	if err != nil {
		return false, err
	}
	n, err := tx.exec(`
		update objects set title = $1, source = $2, html = $3, language = $4, question = $5, answer = $6,
			starts = $7, ends = $8, extra = $9, edited = $10, changed = $11
		where id = $12 and deleted is null`,
		o.Title, o.Source, o.HTML, o.Language, o.Question, null(o.Answer),
		micros(o.Starts), micros(o.Ends), string(o.Extra), micros(o.Edited), micros(at), o.ID)
	if err == nil && n == 0 {
		err = copse.NotFound("there is nothing here")
	}
	return err == nil, err
}

// AcceptObject records that the community an object was submitted to has taken
// it.
func (tx *Tx) AcceptObject(id copse.ID) error {
	_, err := tx.exec(`update objects set accepted = $1 where id = $2 and accepted is null`,
		tx.Now.UnixMicro(), id)
	return err
}

// DeleteObject leaves a tombstone where o was. The words go, the earlier ones
// too: what an author deletes is deleted, even if a facilitator removed it before.
// What a facilitator removes is put aside, for Withheld.
func (tx *Tx) DeleteObject(o *copse.Object, removed bool) (err error) {
	if err := tx.hold(o.Community); err != nil {
		return err
	}
	if removed {
		_, err = tx.exec(`
			insert into withheld (object, at, url, title, source, html, extra)
			select o.id, cast($1 as bigint), o.url, o.title, o.source, o.html, o.extra
			from objects o
			where o.id = $2 and o.deleted is null`, tx.Now.UnixMicro(), o.ID)
	} else {
		err = tx.forget(o.ID)
	}
	if err != nil {
		return err
	}
	n, err := tx.exec(`
		update objects set title = '', source = '', html = '', extra = '', url = '',
			deleted = coalesce(deleted, $1), removed = $2
		where id = $3 and (deleted is null or not $2)`, tx.Now.UnixMicro(), removed, o.ID)
	if err != nil || n == 0 {
		return err
	}
	o.Deleted, o.Removed = tx.Now, removed
	if o.Root == 0 {
		return nil
	}
	if _, err := tx.exec(`update objects set answer = null where id = $1 and answer = $2`, o.Root, o.ID); err != nil {
		return err
	}
	return tx.recount(o.Root)
}

// forget drops what an object said before, and what of it was put aside.
func (tx *Tx) forget(object copse.ID) error {
	if _, err := tx.exec(`delete from withheld where object = $1`, object); err != nil {
		return err
	}
	_, err := tx.exec(`delete from revisions where object = $1`, object)
	return err
}

// Withheld fills in the words that o had when a facilitator removed it, if they
// have not been forgotten.
func (tx *Tx) Withheld(o *copse.Object) error {
	_, err := found(one(tx, func(r row) (none struct{}, err error) {
		var extra string
		err = r.Scan(&o.URL, &o.Title, &o.Source, &o.HTML, &extra)
		o.Extra = []byte(extra)
		return none, err
	}, `select url, title, source, html, extra from withheld where object = $1`, o.ID))
	return err
}

// RestoreObject puts the tombstone o back into its place, with the words it has
// now.
func (tx *Tx) RestoreObject(o *copse.Object) error {
	if err := tx.hold(o.Community); err != nil {
		return err
	}
	_, err := tx.exec(`
		update objects set title = $1, source = $2, html = $3, extra = $4, url = $5, deleted = null, removed = false
		where id = $6 and deleted is not null`, o.Title, o.Source, o.HTML, string(o.Extra), o.URL, o.ID)
	if err != nil {
		return err
	}
	if _, err := tx.exec(`delete from withheld where object = $1`, o.ID); err != nil {
		return err
	}
	o.Deleted, o.Removed = time.Time{}, false
	return tx.recount(o.Root)
}

// TidyWithheld forgets what facilitators removed before the given time.
func (tx *Tx) TidyWithheld(before time.Time) error {
	_, err := tx.exec(`
		delete from revisions where object in (select w.object from withheld w where w.at < $1)`, before.UnixMicro())
	if err != nil {
		return err
	}
	_, err = tx.exec(`delete from withheld where at < $1`, before.UnixMicro())
	return err
}

// A Revision is what an object said before it was edited.
type Revision struct {
	At     time.Time
	Title  string
	Source string
	HTML   string
}

// Revisions returns what an object that is still there said before, the newest
// first.
func (tx *Tx) Revisions(object copse.ID) ([]Revision, error) {
	return many(tx, func(r row) (v Revision, err error) {
		var at int64
		err = r.Scan(&at, &v.Title, &v.Source, &v.HTML)
		v.At = time.UnixMicro(at).UTC()
		return v, err
	}, `
		select v.at, v.title, v.source, v.html
		from revisions v join objects o on o.id = v.object
		where v.object = $1 and o.deleted is null
		order by v.at desc`, object)
}

// Revised reports whether o ever said something else.
func (tx *Tx) Revised(object copse.ID) (bool, error) {
	return one(tx, value[bool], `select exists (select 1 from revisions v where v.object = $1)`, object)
}

// Respond records actor's response of a type to an object, and counts again. It
// reports whether it was not there before.
func (tx *Tx) Respond(object, actor copse.ID, typ, uri string) (bool, error) {
	return tx.RespondVouched(0, object, actor, typ, uri)
}

// RespondVouched is Respond for what is counted on the word of a peer alone; zero
// is nobody's.
func (tx *Tx) RespondVouched(peer, object, actor copse.ID, typ, uri string) (bool, error) {
	if err := tx.hold(object); err != nil {
		return false, err
	}
	n, err := tx.exec(`
		insert into responses (object, actor, type, uri, at, vouched) values ($1, $2, $3, $4, $5, $6)
		on conflict do nothing`, object, actor, typ, uri, tx.Now.UnixMicro(), null(peer))
	if err != nil || n == 0 {
		return false, err
	}
	return true, tx.recountLikes(object)
}

// Withdraw undoes Respond.
func (tx *Tx) Withdraw(object, actor copse.ID, typ string) (bool, error) {
	if err := tx.hold(object); err != nil {
		return false, err
	}
	n, err := tx.exec(`delete from responses where object = $1 and type = $2 and actor = $3`, object, typ, actor)
	if err != nil || n == 0 {
		return false, err
	}
	return true, tx.recountLikes(object)
}

// Discard withdraws what is counted on the word of a peer alone, of up to so many
// objects at a time, and counts again. It returns how many responses that were; 0
// when there are none left.
func (tx *Tx) Discard(peer copse.ID, objects int) (int, error) {
	all, err := many(tx, value[copse.ID], `
		delete from responses
		where vouched = $1 and object in (
			select r.object from responses r where r.vouched = $1 group by r.object order by r.object limit $2)
		returning object`, peer, objects)
	if err != nil {
		return 0, err
	}
	slices.Sort(all)
	for _, object := range slices.Compact(slices.Clone(all)) {
		if err := tx.hold(object); err != nil {
			return 0, err
		}
		if err := tx.recountLikes(object); err != nil {
			return 0, err
		}
	}
	return len(all), nil
}

func (tx *Tx) recountLikes(object copse.ID) error {
	_, err := tx.exec(`
		update objects set likes = (select count(*) from responses r where r.object = $1 and r.type = 'Like')
		where id = $1`, object)
	return err
}

// Responded returns to which objects of a conversation an actor has responded in
// a way.
func (tx *Tx) Responded(root, actor copse.ID, typ string) (map[copse.ID]bool, error) {
	if actor == 0 {
		return nil, nil // a stranger, who would have to wait for a long conversation to be gone through
	}
	all, err := many(tx, value[copse.ID], `
		select r.object
		from objects o join responses r on r.object = o.id and r.type = $1 and r.actor = $2
		where o.root = $3
		union all
		select r.object from responses r where r.object = $3 and r.type = $1 and r.actor = $2`, typ, actor, root)
	if err != nil {
		return nil, err
	}
	to := make(map[copse.ID]bool, len(all))
	for _, id := range all {
		to[id] = true
	}
	return to, nil
}

// Response returns the URI of actor's response of a type to an object, "" if
// there is none.
func (tx *Tx) Response(object, actor copse.ID, typ string) (string, error) {
	uri, err := one(tx, value[string], `
		select uri from responses where object = $1 and type = $2 and actor = $3`, object, typ, actor)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return uri, err
}
