package store

import (
	"math"
	"time"

	"copse/copse"
)

// visible is copse.MaySee as a predicate over an object o. The viewer's actor is
// $1 and the viewer's peer $2 in every query that includes it, and every query
// that lists objects for somebody does. Microblogs, which do not know what a
// members-only community is, see what everybody sees.
const visible = `(o.audience = 'public'
	or exists (select 1 from memberships v where v.community = o.community and v.actor = $1 and v.role > 0)
	or exists (select 1 from peer_communities v where v.community = o.community and v.peer = $2 and v.microblog = false))`

// A Post is an object and who wrote it. One that is read by itself is whole. Those
// of a list have what lists show, because a few columns cost as much as finding
// the row: topics have no words, replies no source, nothing that is the same for
// all of a thread, and nothing that only events have. Who wrote them has what
// stands beside a name, and no address, key or summary.
type Post struct {
	*copse.Object
	By *copse.Actor
}

const postColumns = objectColumns + `, ` + actorColumns

func scanPost(r row) (Post, error) {
	var (
		o objectScan
		a actorScan
	)
	if err := r.Scan(append(o.dest(), a.dest()...)...); err != nil {
		return Post{}, err
	}
	return Post{o.object(), a.actor()}, nil
}

// A listed is a row of a list: what is read of an object and of its author, whose
// being one of us tells whether the object is.
type listed struct {
	objectScan
	by actorScan
}

func (s *listed) post() Post {
	s.o.Local = s.by.a.Local
	return Post{s.object(), s.by.written(s.o.Author)}
}

const topicColumns = `o.id, o.uri, o.kind, o.community, o.author, o.title, o.audience, o.question, o.answer,
	o.replies, o.councils, o.published, o.accepted, o.active, ` + bylineColumns

func scanTopic(r row) (Post, error) {
	s := new(listed)
	o, a := &s.o, &s.by.a
	err := r.Scan(&o.ID, &o.URI, &o.Kind, &o.Community, &o.Author, &o.Title, &o.Audience, &o.Question, &s.answer,
		&o.Replies, &o.Councils, &s.published, &s.accepted, &s.active,
		&a.Type, &a.Name, &a.Host, &a.Title, &a.JobTitle, &a.Vouched, &s.by.gone, &a.Local, &a.MovedTo)
	return s.post(), err
}

const replyColumns = `o.id, o.kind, o.author, o.parent, o.path, o.html, o.language, o.likes, o.published,
	o.edited, o.accepted, o.deleted, o.removed, ` + bylineColumns

// scanReply reads replies to the top-level object root.
func scanReply(root copse.ID) func(row) (Post, error) {
	return func(r row) (Post, error) {
		s := new(listed)
		o, a := &s.o, &s.by.a
		err := r.Scan(&o.ID, &o.Kind, &o.Author, &s.parent, &o.Path, &o.HTML, &o.Language, &o.Likes, &s.published,
			&s.edited, &s.accepted, &s.deleted, &o.Removed,
			&a.Type, &a.Name, &a.Host, &a.Title, &a.JobTitle, &a.Vouched, &s.by.gone, &a.Local, &a.MovedTo)
		s.root, s.active = null(root), s.published
		return s.post(), err
	}
}

// Post returns the object with the given id, tombstones included, if the viewer
// may see it.
func (tx *Tx) Post(v copse.Viewer, id copse.ID) (Post, error) {
	return found(one(tx, scanPost, `
		select `+postColumns+`
		from objects o join actors a on a.id = o.author
		where o.id = $3 and `+visible, v.Actor, v.Peer, id))
}

// PostByURI is Post by ActivityPub id.
func (tx *Tx) PostByURI(v copse.Viewer, uri string) (Post, error) {
	return found(one(tx, scanPost, `
		select `+postColumns+`
		from objects o join actors a on a.id = o.author
		where o.uri = $3 and `+visible, v.Actor, v.Peer, uri))
}

// Newest returns the newest n top-level objects of a kind in a community made
// before the given id, newest first. A zero id means from the start.
func (tx *Tx) Newest(v copse.Viewer, community copse.ID, kind string, before copse.ID, n int) ([]Post, error) {
	return many(tx, scanTopic, `
		select `+topicColumns+`
		from objects o join actors a on a.id = o.author
		where o.community = $3 and o.root is null and o.deleted is null and o.kind = $4 and o.id < $5
			and `+visible+`
		order by o.id desc
		limit $6`, v.Actor, v.Peer, community, kind, orLast(before), n)
}

// A Place is a position in a list ordered by what was last active. The zero
// Place is before everything.
type Place struct {
	Active time.Time
	ID     copse.ID
}

func (p Place) args() (int64, copse.ID) {
	if p.ID == 0 {
		return math.MaxInt64, math.MaxInt64
	}
	return p.Active.UnixMicro(), p.ID
}

// MostActive returns top-level objects of a kind in a community, those answered
// last first, after the given place.
func (tx *Tx) MostActive(v copse.Viewer, community copse.ID, kind string, after Place, n int) ([]Post, error) {
	active, id := after.args()
	return many(tx, scanTopic, `
		select `+topicColumns+`
		from objects o join actors a on a.id = o.author
		where o.community = $3 and o.root is null and o.deleted is null and o.kind = $4
			and (o.active, o.id) < ($5, $6)
			and `+visible+`
		order by o.active desc, o.id desc
		limit $7`, v.Actor, v.Peer, community, kind, active, id, n)
}

// Unanswered returns questions in a community whose author has not accepted an
// answer, newest first.
func (tx *Tx) Unanswered(v copse.Viewer, community copse.ID, before copse.ID, n int) ([]Post, error) {
	return many(tx, scanTopic, `
		select `+topicColumns+`
		from objects o join actors a on a.id = o.author
		where o.community = $3 and o.root is null and o.deleted is null and o.question and o.answer is null
			and o.id < $4
			and `+visible+`
		order by o.id desc
		limit $5`, v.Actor, v.Peer, community, orLast(before), n)
}

// Thread returns replies to the top-level object root in reading order, each
// after what it answers, from after the given path. Tombstones keep their place.
func (tx *Tx) Thread(v copse.Viewer, root copse.ID, after string, n int) ([]Post, error) {
	return many(tx, scanReply(root), `
		select `+replyColumns+`
		from objects o join actors a on a.id = o.author
		where o.root = $3 and o.path > $4
			and `+visible+`
		order by o.path
		limit $5`, v.Actor, v.Peer, root, after, n)
}

// ThreadURIs returns the ActivityPub ids of all replies to the top-level object
// root that the viewer may see, in the order they were said.
func (tx *Tx) ThreadURIs(v copse.Viewer, root copse.ID) ([]string, error) {
	return many(tx, value[string], `
		select o.uri
		from objects o
		where o.root = $3
			and `+visible+`
		order by o.id`, v.Actor, v.Peer, root)
}

// By returns what an actor wrote, newest first.
func (tx *Tx) By(v copse.Viewer, author copse.ID, before copse.ID, n int) ([]Post, error) {
	return many(tx, scanPost, `
		select `+postColumns+`
		from objects o join actors a on a.id = o.author
		where o.author = $3 and o.deleted is null and o.id < $4
			and `+visible+`
		order by o.id desc
		limit $5`, v.Actor, v.Peer, author, orLast(before), n)
}

// Written returns everything by an author that is still there, in one community, or
// in all of them if that is zero, whoever may see it.
func (tx *Tx) Written(author, community copse.ID) ([]*copse.Object, error) {
	return many(tx, scanObject, `
		select `+objectColumns+`
		from objects o
		where o.author = $1 and o.deleted is null and (cast($2 as bigint) = 0 or o.community = $2)
		order by o.id`, author, community)
}

// Home returns the top-level objects that were last active in the communities a
// person is in, after the given place.
//
// It merges on read. top is each community's first place; only the n communities
// that come first by it can add anything (more if some tie), and of each of them
// only what is not below its own n-th place. So it looks once into every
// community and then at no more than n × n entries of one index, however much
// there is, and whichever communities are busy.
func (tx *Tx) Home(person copse.ID, after Place, n int) ([]Post, error) {
	active, id := after.args()
	return many(tx, scanTopic, `
		with tops as materialized (
			select m.community as community, (
				select o.active
				from objects o
				where o.community = m.community and o.root is null and o.deleted is null and (o.active, o.id) < ($2, $3)
				order by o.active desc, o.id desc
				limit 1) as top
			from memberships m
			where m.actor = $1 and m.role > 0
		), sources as materialized (
			select t.community as community, (
				select o.active
				from objects o
				where o.community = t.community and o.root is null and o.deleted is null and (o.active, o.id) < ($2, $3)
				order by o.active desc, o.id desc
				limit 1 offset $5) as low
			from tops t
			where t.top >= coalesce((select u.top from tops u where u.top is not null order by u.top desc limit 1 offset $5), t.top)
		), best as materialized (
			select o.id as id
			from sources s cross join objects o
			where o.community = s.community and o.root is null and o.deleted is null
				and o.active >= coalesce(s.low, -9223372036854775807) and (o.active, o.id) < ($2, $3)
			order by o.active desc, o.id desc
			limit $4
		)
		select `+topicColumns+`
		from best b join objects o on o.id = b.id join actors a on a.id = o.author
		order by o.active desc, o.id desc`, person, active, id, n, n-1)
}

// Submitted returns what people here sent to a community elsewhere that has not
// taken it yet, oldest first.
func (tx *Tx) Submitted(v copse.Viewer, community copse.ID) ([]Post, error) {
	return many(tx, scanPost, `
		select `+postColumns+`
		from objects o join actors a on a.id = o.author
		where o.community = $3 and o.accepted is null and o.deleted is null
			and `+visible+`
		order by o.id`, v.Actor, v.Peer, community)
}

// A Tally is how much there is in a community, for its navigation.
type Tally struct {
	Unanswered int // questions, up to MaxTally
}

// MaxTally is as far as is counted: every page in a community shows the number, and
// nobody tells 1,000 from 2,000 there.
const MaxTally = 100

// Tally counts what a community has that the viewer may see.
func (tx *Tx) Tally(v copse.Viewer, community copse.ID) (t Tally, err error) {
	t.Unanswered, err = one(tx, value[int], `
		select count(*) from (
			select 1 from objects o
			where o.community = $3 and o.root is null and o.deleted is null and o.question and o.answer is null
				and `+visible+`
			limit $4) few`, v.Actor, v.Peer, community, MaxTally)
	return t, err
}

// PlaceOf returns where an object stands in lists ordered by activity.
func (tx *Tx) PlaceOf(v copse.Viewer, id copse.ID) (Place, error) {
	post, err := tx.Post(v, id)
	if err != nil {
		return Place{}, err
	}
	return Place{post.Active, post.ID}, nil
}

// orLast lets a list start at its newest end.
func orLast(before copse.ID) copse.ID {
	if before == 0 {
		return math.MaxInt64
	}
	return before
}
