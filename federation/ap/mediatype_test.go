package ap

import "testing"

func TestMediaTypes(t *testing.T) {
	for _, tt := range []struct {
		contentType     string
		posted, fetched bool
	}{
		{ActivityJSON, true, true},
		{LDJSON, true, true},
		{"application/activity+json; charset=utf-8", true, true},
		{"Application/Activity+JSON;charset=UTF-8", true, true},
		{`application/ld+json;profile="https://www.w3.org/ns/activitystreams"`, true, true},
		{`APPLICATION/LD+JSON; Profile="http://www.w3.org/ns/json-ld#compacted https://www.w3.org/ns/activitystreams"; charset=utf-8`, true, true},
		{"application/ld+json", true, false},
		{`application/ld+json; profile="https://example.com/"`, true, false},
		{`application/ld+json; profile="https://www.w3.org/ns/activitystreams2"`, true, false},
		{"application/json", true, false},
		{"application/json; charset=utf-8", true, false},
		{"", false, false},
		{"text/html", false, false},
		{"text/plain", false, false},
		{"text/activity+json", false, false},
		{"application/octet-stream", false, false},
		{"application/activity+jsonp", false, false},
		{"application/activity+json, text/html", false, false},
		{"multipart/form-data; boundary=x", false, false},
		{"application/x-www-form-urlencoded", false, false},
	} {
		if got := IsActivityType(tt.contentType); got != tt.posted {
			t.Errorf("%q posted: %v, want %v", tt.contentType, got, tt.posted)
		}
		if got := IsFetchedType(tt.contentType); got != tt.fetched {
			t.Errorf("%q fetched: %v, want %v", tt.contentType, got, tt.fetched)
		}
	}
}
