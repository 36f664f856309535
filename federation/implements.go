package federation

import (
	"slices"

	"copse/federation/ap"
)

// What FEP-844e calls the standards that this program keeps to.
const (
	rfc9421 = "https://datatracker.ietf.org/doc/html/rfc9421"
	fep1b12 = "https://w3id.org/fep/1b12"
)

// implemented are those of them that others need to know of.
func implemented() []ap.Object {
	return []ap.Object{
		{Href: rfc9421, Name: "RFC-9421: HTTP Message Signatures"},
		{Href: fep1b12, Name: "FEP-1b12: Group federation"},
	}
}

// saysRFC9421 reports whether an actor's document says that its server verifies
// RFC 9421: as that server's own actor, or of the program it is run by.
func saysRFC9421(w *ap.Object) bool {
	return w != nil && (saysRFC9421(w.Generator) ||
		slices.ContainsFunc(w.Implements, func(l ap.Object) bool { return l.Href == rfc9421 || l.ID == rfc9421 }))
}

// quietAboutRFC9421 are programs that verify it and do not say so, by their names in
// NodeInfo: they stand on Fedify. Mastodon says so.
var quietAboutRFC9421 = []string{"ghost", "hollo", "hackerspub"}
