package storetest

import (
	"testing"

	"copse/internal/fill"
	"copse/store"
)

// A Town is what Fill has put into a database.
type Town = fill.Town

// Fill fills an empty database with n posts, the way they come in reality; the
// same n always gives the same town.
func Fill(t testing.TB, db *store.DB, n int) *Town {
	t.Helper()
	town, err := fill.Fill(t.Context(), db, n)
	if err != nil {
		t.Fatal(err)
	}
	return town
}
