package federation

import (
	"slices"

	"copse/federation/ap"
)

// What FEP-844e calls the standards that this program keeps to.
const (
	rfc9421 = "https://datatracker.ietf.org/doc/html/rfc9421"
	fep1b12 = "https://w3id.org/fep/1b12"

	// As Mitra and tootik write it, to the letter.
	rfc9421Ed25519 = rfc9421 + "#name-eddsa-using-curve-edwards25"
)

// implemented are those of them that others need to know of.
func implemented() []ap.Object {
	return []ap.Object{
		{Href: rfc9421, Name: "RFC-9421: HTTP Message Signatures"},
		{Href: rfc9421Ed25519, Name: "RFC-9421 signatures using the Ed25519 algorithm"},
		{Href: fep1b12, Name: "FEP-1b12: Group federation"},
	}
}

// says reports whether an actor's document says that its server implements a
// standard: as that server's own actor, or of the program it is run by.
func says(w *ap.Object, standard string) bool {
	return w != nil && (says(w.Generator, standard) ||
		slices.ContainsFunc(w.Implements, func(l ap.Object) bool { return l.Href == standard || l.ID == standard }))
}

// quietAboutRFC9421 are programs that verify it and do not say so, by their names in
// NodeInfo: they stand on Fedify. Mastodon says so.
var quietAboutRFC9421 = []string{"ghost", "hollo", "hackerspub"}
