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
