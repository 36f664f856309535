package store_test

import (
	"testing"

	"copse/store"
	"copse/store/storetest"
)

func TestASettingIsWhatItWasLastSetTo(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for _, want := range []string{"", "allow-list", "open", ""} {
			if want != "" {
				update(t, db, set("mode", want))
			}
			if got := setting(t, db, "mode"); want != "" && got != want {
				t.Errorf("mode is %q, want %q", got, want)
			}
			if got := setting(t, db, "title"); got != "" {
				t.Errorf("a setting never made is %q", got)
			}
		}
	})
}

// Peers can write anything; it must not be stored by one engine and refused by
// the other.
func TestTextsThatAreNoneAreMended(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for value, want := range map[string]string{"a\x00b": "a\uFFFDb", "a\xffb": "a\uFFFDb", "ŵ\n\t\u202e": "ŵ\n\t\u202e"} {
			update(t, db, set(value, value))
			for _, name := range []string{value, want} {
				if got := setting(t, db, name); got != want {
					t.Errorf("%q reads %q, want %q", value, got, want)
				}
			}
		}
	})
}
