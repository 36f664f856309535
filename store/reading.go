package store

import (
	"database/sql"

	"copse/copse"
)

// A Reading is how far the list of what was said in a conversation elsewhere has been
// read.
type Reading struct {
	Object copse.ID // the topic
	URI    string   // its own
	Begun  bool     // it has been read before
	Place  string   // the address at which to read on; "" if there is no list
	Tag    string   // the ETag of that when it was read last, if it had one
}

// Readings returns the n most recently active conversations of a community that
// people elsewhere started, and how far each has been read.
func (tx *Tx) Readings(community copse.ID, n int) ([]Reading, error) {
	return many(tx, func(r row) (v Reading, err error) {
		var place, tag sql.NullString
		err = r.Scan(&v.Object, &v.URI, &place, &tag)
		v.Begun, v.Place, v.Tag = place.Valid, place.String, tag.String
		return v, err
	}, `
		select o.id, o.uri, r.place, r.tag
		from objects o left join readings r on r.object = o.id
		where o.community = $1 and o.root is null and o.deleted is null and not o.local
		order by o.active desc, o.id desc
		limit $2`, community, n)
}

// SetReading records how far a conversation has been read.
func (tx *Tx) SetReading(r Reading) error {
	_, err := tx.exec(`
		insert into readings (object, place, tag) values ($1, $2, $3)
		on conflict (object) do update set place = excluded.place, tag = excluded.tag`, r.Object, r.Place, r.Tag)
	return err
}

// Missing returns which of some URIs no object here has, in their order.
func (tx *Tx) Missing(uris []string) (missing []string, err error) {
	for _, uri := range uris {
		there, err := one(tx, value[bool], `select exists (select 1 from objects where uri = $1)`, uri)
		if err != nil {
			return nil, err
		}
		if !there {
			missing = append(missing, uri)
		}
	}
	return missing, nil
}
