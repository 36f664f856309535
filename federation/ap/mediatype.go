package ap

import (
	"mime"
	"slices"
	"strings"
)

// Media types of ActivityStreams documents. Lemmy and GoToSocial compare the whole
// header, so send them just so.
const (
	ActivityJSON = "application/activity+json"
	LDJSON       = `application/ld+json; profile="https://www.w3.org/ns/activitystreams"`
)

// IsActivityType reports whether a Content-Type may be that of an activity posted
// to an inbox: activity+json, ld+json of any profile, or plain JSON, which old
// software sends.
func IsActivityType(contentType string) bool {
	t, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return false
	}
	return t == ActivityJSON || t == "application/ld+json" || t == "application/json"
}

// IsFetchedType reports whether a Content-Type may be that of a document that was
// fetched: activity+json, or ld+json of the ActivityStreams profile. Anything
// looser, and a file that somebody uploaded to a peer could pass for something
// that the peer itself says.
func IsFetchedType(contentType string) bool {
	t, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return false
	}
	return t == ActivityJSON || t == "application/ld+json" &&
		slices.Contains(strings.Fields(params["profile"]), "https://www.w3.org/ns/activitystreams")
}
