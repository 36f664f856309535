package store

import (
	"cmp"
	"math"
	"strings"
	"time"

	"copse/copse"
	"copse/internal/markup"
)

const communityColumns = actorColumns + `, c."join", c.audience, c.posting, c.welcome, c.members, c.councils, c.active,
	c.sharing, c.named, c.featured, c.moving`

func scanCommunity(r row) (*copse.Community, error) {
	var (
		s      actorScan
		c      copse.Community
		active int64
		named  string
	)
	err := r.Scan(append(s.dest(), &c.Join, &c.Audience, &c.Posting, &c.Welcome, &c.Members, &c.Councils, &active,
		&c.Sharing, &named, &c.Featured, &c.Moving)...)
	if err != nil {
		return nil, err
	}
	c.Actor, c.Active = *s.actor(), time.UnixMicro(active).UTC()
	if named != "" {
		c.Named = strings.Fields(named)
	}
	return &c, nil
}

// Community returns the community with the given id.
func (tx *Tx) Community(id copse.ID) (*copse.Community, error) {
	return found(one(tx, scanCommunity, `
		select `+communityColumns+`
		from communities c join actors a on a.id = c.actor
		where c.actor = $1`, id))
}

// Audience returns whom what is said in a community is for.
func (tx *Tx) Audience(community copse.ID) (copse.Audience, error) {
	return found(one(tx, value[copse.Audience], `select audience from communities where actor = $1`, community))
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
		insert into communities (actor, "join", audience, posting, members, councils, active, welcome, words, sharing, named, featured)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		c.ID, c.Join, c.Audience, c.Posting, clamp(c.Members), clamp(c.Councils), c.Active.UnixMicro(), c.Welcome, words(&c.Actor),
		cmp.Or(c.Sharing, copse.SharedAll), strings.Join(c.Named, " "), c.Featured)
	return err
}

// SetCommunity updates how a community is run, the actor included. What was
// written for members stays for members when a community opens; when it closes,
// what was public is closed too.
func (tx *Tx) SetCommunity(c *copse.Community) error {
	if err := tx.hold(c.ID); err != nil {
		return err
	}
	was, err := found(one(tx, value[copse.Audience], `select audience from communities where actor = $1`, c.ID))
	if err != nil {
		return err
	}
	if err := tx.SetActor(&c.Actor); err != nil {
		return err
	}
	_, err = tx.exec(`
		update communities set "join" = $1, audience = $2, posting = $3, welcome = $4, sharing = $5, named = $6, featured = $7
		where actor = $8`, c.Join, c.Audience, c.Posting, c.Welcome, cmp.Or(c.Sharing, copse.SharedAll), strings.Join(c.Named, " "),
		c.Featured, c.ID)
	if err != nil || c.Audience == was || c.Audience == copse.Public {
		return err
	}
	// This reads every object there is. No index for it: a community closes once
	// in its life.
	_, err = tx.exec(`
		update objects set audience = $1 where community = $2 and audience <> $1`, c.Audience, c.ID)
	return err
}

// SetReach records how many members at how many servers a community elsewhere
// has, as its home last said.
func (tx *Tx) SetReach(community copse.ID, members, councils int) error {
	_, err := tx.exec(`update communities set members = $1, councils = $2 where actor = $3`,
		clamp(members), clamp(councils), community)
	return err
}

// clamp makes a number that a peer gave fit its column.
func clamp(n int) int { return min(max(n, 0), math.MaxInt32) }

// A Directory says which communities to list. Zero fields do not narrow it.
type Directory struct {
	Text   string   // somewhere in the name, title or summary
	Member copse.ID // only those this actor is in
	Here   bool     // only our own
	Open   bool     // only those that anybody may read
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
			and ($3 = '' or c.words like $3 escape '\')
			and (cast($4 as bigint) = 0 or exists (
				select 1 from memberships m where m.community = c.actor and m.actor = $4 and m.role > 0))
			and (not $5 or a.local)
			and (not $6 or c.audience = $7)
		order by c.active desc, c.actor desc
		limit $8`, last, lastID, like(d.Text), d.Member, d.Here, d.Open, copse.Public, d.N)
}

// Empty reports whether nothing has been said in a community, as far as we know.
func (tx *Tx) Empty(community copse.ID) (bool, error) {
	return one(tx, value[bool], `
		select not exists (select 1 from objects where community = $1 and root is null and deleted is null)`, community)
}

// words is what a community is found by. It is made here because SQLite knows
// no capital letters beyond A to Z, and Welsh has ŵ and ŷ.
func words(a *copse.Actor) string {
	return strings.ToLower(a.Title + " " + a.Name + " " + markup.Plain(a.Summary))
}

// like makes a pattern that finds text anywhere, or "" of "".
func like(text string) string {
	text = strings.ToLower(strings.TrimSpace(text))
	if text == "" {
		return ""
	}
	if r := []rune(text); len(r) > copse.MaxTitle {
		text = string(r[:copse.MaxTitle]) // SQLite refuses patterns of 50,000 bytes
	}
	return "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(text) + "%"
}
