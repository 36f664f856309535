package copse_test

import (
	"strings"
	"testing"

	"copse/copse"
)

func TestMayQuote(t *testing.T) {
	trees := &copse.Community{Actor: copse.Actor{Title: "Trees"}}
	for _, c := range []struct {
		name     string
		facts    copse.Facts
		audience copse.Audience
		already  int
		want     copse.Code
	}{
		{"what everybody reads, by anybody", copse.Facts{}, copse.Public, 0, 0},
		{"with as many as there may be", copse.Facts{}, copse.Public, copse.MaxQuotes - 1, 0},
		{"with one too many", copse.Facts{}, copse.Public, copse.MaxQuotes, copse.CodeConflict},
		{"what members read, by a member", copse.Facts{Role: copse.Owner}, copse.Members, 0, copse.CodeForbidden},
		{"their own", copse.Facts{Author: true}, copse.Members, 0, 0},
		{"by somebody who is blocked", copse.Facts{State: copse.Blocked}, copse.Public, 0, copse.CodeForbidden},
		{"what was removed", copse.Facts{Deleted: true}, copse.Public, 0, copse.CodeForbidden},
	} {
		c.facts.Community = trees
		if got := copse.CodeOf(copse.MayQuote(c.facts, c.audience, c.already)); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestAQuoteIsConfirmedAtOnePlace(t *testing.T) {
	const post = "https://york.example/post/1"
	one, other := copse.QuoteURI(post, "https://m.example/1"), copse.QuoteURI(post, "https://m.example/2")
	if one != copse.QuoteURI(post, "https://m.example/1") || one == other || !strings.HasPrefix(one, post+"/quotes/") {
		t.Errorf("two quotes are confirmed at %s and %s", one, other)
	}
}
