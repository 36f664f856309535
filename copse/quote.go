package copse

import (
	"crypto/sha256"
	"encoding/hex"
)

// MaxQuotes is how many things elsewhere may show one said here. Each has to be told
// when that goes.
const MaxQuotes = 200

// MayQuote returns nil if whoever f describes may show what was written for audience
// in what they write elsewhere, where so many do already: what everybody may read,
// and their own.
func MayQuote(f Facts, audience Audience, already int) error {
	switch {
	case f.State == Blocked:
		return Forbidden("your account is blocked in %s", f.Community.Title)
	case f.Deleted:
		return Forbidden("this has been removed")
	case audience != Public && !f.Author:
		return Forbidden("what is said among members is not shown elsewhere")
	case already >= MaxQuotes:
		return Conflict("this is shown in %d places already", MaxQuotes)
	}
	return nil
}

// QuoteURI returns where it is confirmed that something said here may be shown by
// something said elsewhere, both given by their URIs (FEP-044f). There is one for
// each pair, so that whoever asks again gets the same.
func QuoteURI(object, quote string) string {
	sum := sha256.Sum256([]byte(quote))
	return object + "/quotes/" + hex.EncodeToString(sum[:16])
}
