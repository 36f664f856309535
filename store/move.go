package store

import (
	"database/sql"
	"errors"
	"slices"

	"copse/copse"
)

// SetMoved records who a is from now on, which was found to be so.
func (tx *Tx) SetMoved(a *copse.Actor) error {
	_, err := tx.exec(`update actors set moved_to = $1, moved = $2 where id = $3`, a.MovedTo, tx.Now.UnixMicro(), a.ID)
	return err
}

// hasMoved is copse.Actor.HasMoved. Strangers, whose id is zero, have not.
func (tx *Tx) hasMoved(actor copse.ID) (bool, error) {
	moved, err := one(tx, value[bool], `select moved_to <> '' and moved is not null from actors where id = $1`, actor)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return moved, err
}

// Successor returns who an actor is now that has moved, as both of them say, or nil
// if it has not, or whoever it names is not known here or does not name it back.
func (tx *Tx) Successor(actor copse.ID) (*copse.Actor, error) {
	old, err := tx.Actor(actor)
	if err != nil || old.MovedTo == "" {
		return nil, err
	}
	now, err := tx.ActorByURI(old.MovedTo)
	if copse.CodeOf(err) == copse.CodeNotFound {
		return nil, nil
	}
	if err != nil || !now.Gone.IsZero() || !slices.Contains(now.AlsoKnownAs, old.URI) {
		return nil, err
	}
	return now, nil
}

// Concerns reports whether a person or a community elsewhere has anything to do with
// this server: whether they stand in any way to a community, or anybody stands to
// them.
func (tx *Tx) Concerns(actor copse.ID) (bool, error) {
	return one(tx, value[bool], `
		select exists (select 1 from memberships where actor = $1)
			or exists (select 1 from memberships where community = $1)`, actor)
}

// MembersHere returns the people of this server who are in a community. It reads all
// who are, which happens when it moves.
func (tx *Tx) MembersHere(community copse.ID) ([]Person, error) {
	return many(tx, scanPerson, `
		select `+membershipColumns+`, `+actorColumns+`
		from memberships m join actors a on a.id = m.actor
		where m.community = $1 and m.role > 0 and a.local
		order by m.role desc, m.actor`, community)
}

// SetMoving records what was made of it that a community has moved.
func (tx *Tx) SetMoving(community copse.ID, m copse.Moving) error {
	_, err := tx.exec(`update communities set moving = $1 where actor = $2`, m, community)
	return err
}

// Moving returns the communities that have moved and of whose members here an
// administrator has to decide, whichever moved first.
func (tx *Tx) Moving(n int) ([]*copse.Community, error) {
	return many(tx, scanCommunity, `
		select `+communityColumns+`
		from communities c join actors a on a.id = c.actor
		where c.moving = 'waiting'
		order by c.actor
		limit $1`, n)
}

// AddressReached addresses an item of the outbox to every peer with members in a
// community of ours, whatever sort of server it is.
func (tx *Tx) AddressReached(outbox, community copse.ID) error {
	_, err := tx.exec(`
		insert into peer_extra (peer, outbox)
		select pc.peer, cast($1 as bigint) from peer_communities pc where pc.community = $2
		on conflict do nothing`, outbox, community)
	return err
}

// AddOffer remembers that somebody here was in a community, by its URI, at the
// council they came from.
func (tx *Tx) AddOffer(person copse.ID, uri string) error {
	_, err := tx.exec(`insert into offers (person, uri) values ($1, $2) on conflict do nothing`, person, uri)
	return err
}

// Offers returns the URIs of the communities that somebody was in at the council
// they came from.
func (tx *Tx) Offers(person copse.ID) ([]string, error) {
	return many(tx, value[string], `select uri from offers where person = $1 order by uri`, person)
}

// DropOffer forgets one of them.
func (tx *Tx) DropOffer(person copse.ID, uri string) error {
	_, err := tx.exec(`delete from offers where person = $1 and uri = $2`, person, uri)
	return err
}
