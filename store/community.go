package store

import (
	"math"
	"time"

	"copse/copse"
)

const communityColumns = actorColumns + `, c."join", c.audience, c.posting, c.welcome, c.members, c.councils, c.active`

func scanCommunity(r row) (*copse.Community, error) {
	var (
		s      actorScan
		c      copse.Community
		active int64
	)
	err := r.Scan(append(s.dest(), &c.Join, &c.Audience, &c.Posting, &c.Welcome, &c.Members, &c.Councils, &active)...)
	if err != nil {
		return nil, err
	}
	c.Actor, c.Active = *s.actor(), time.UnixMicro(active).UTC()
	return &c, nil
}

// Community returns the community with the given id.
func (tx *Tx) Community(id copse.ID) (*copse.Community, error) {
	return found(one(tx, scanCommunity, `
		select `+communityColumns+`
		from communities c join actors a on a.id = c.actor
		where c.actor = $1`, id))
}

// CommunityByURI returns the community with the given ActivityPub id.
func (tx *Tx) CommunityByURI(uri string) (*copse.Community, error) {
	return found(one(tx, scanCommunity, `
		select `+communityColumns+`
		from actors a join communities c on c.actor = a.id
		where a.uri = $1`, uri))
}

// AddCommunity inserts a community, the actor included.
func (tx *Tx) AddCommunity(c *copse.Community) error {
	if err := tx.AddActor(&c.Actor); err != nil {
		return err
	}
	if c.Active.IsZero() {
		c.Active = c.Created
	}
	_, err := tx.exec(`
		insert into communities (actor, "join", audience, posting, welcome, members, councils, active)
		values ($1, $2, $3, $4, $5, $6, $7, $8)`,
		c.ID, c.Join, c.Audience, c.Posting, c.Welcome, c.Members, c.Councils, c.Active.UnixMicro())
	return err
}

// SetCommunity updates how a community is run, the actor included. What was
// written for members stays for members when a community opens; when it closes,
// what was public is closed too.
func (tx *Tx) SetCommunity(c *copse.Community) error {
	if err := tx.SetActor(&c.Actor); err != nil {
		return err
	}
	_, err := tx.exec(`
		update communities set "join" = $1, audience = $2, posting = $3, welcome = $4
		where actor = $5`, c.Join, c.Audience, c.Posting, c.Welcome, c.ID)
	if err != nil || c.Audience == copse.Public {
		return err
	}
	_, err = tx.exec(`
		update objects set audience = $1 where community = $2 and audience <> $1`, c.Audience, c.ID)
	return err
}

// SetReach records how many members at how many servers a community elsewhere
// has, as its home last said.
func (tx *Tx) SetReach(community copse.ID, members, councils int) error {
	_, err := tx.exec(`update communities set members = $1, councils = $2 where actor = $3`,
		members, councils, community)
	return err
}

// A Directory says which communities to list. Zero fields do not narrow it.
type Directory struct {
	Text   string   // somewhere in the name, title or summary
	Member copse.ID // only those this actor is in
	Here   bool     // only our own
	Before copse.ID // the last one of the page before
	N      int
}

// Communities lists communities, the most recently active first. Every one is
// listed to everybody: that a community exists, and its purpose, is public.
func (tx *Tx) Communities(d Directory) ([]*copse.Community, error) {
	last, lastID := int64(math.MaxInt64), copse.ID(math.MaxInt64)
	if d.Before != 0 {
		c, err := tx.Community(d.Before)
		if err != nil {
			return nil, err
		}
		last, lastID = c.Active.UnixMicro(), c.ID
	}
	return many(tx, scanCommunity, `
		select `+communityColumns+`
		from communities c join actors a on a.id = c.actor
		where (c.active, c.actor) < ($1, $2) and a.gone is null
			and ($3 = '' or lower(a.title || ' ' || a.name || ' ' || a.summary) like $3 escape '\')
			and (cast($4 as bigint) = 0 or exists (
				select 1 from memberships m where m.community = c.actor and m.actor = $4 and m.role > 0))
			and (not $5 or a.local)
		order by c.active desc, c.actor desc
		limit $6`, last, lastID, like(d.Text), d.Member, d.Here, d.N)
}
