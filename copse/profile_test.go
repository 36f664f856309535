package copse_test

import (
	"testing"

	"copse/copse"
)

func TestPeersAreToldByWhatTheyAre(t *testing.T) {
	for _, tt := range []struct {
		software string
		feps     []string
		want     copse.Profile
	}{
		{"copse", []string{"1b12", "1a11", "c0e0"}, copse.Batches},
		{"copse", nil, copse.GroupAware},
		{"lemmy", nil, copse.GroupAware},
		{"mbin", nil, copse.GroupAware},
		{"kbin", nil, copse.GroupAware},
		{"nodebb", nil, copse.GroupAware},
		{"discourse", nil, copse.GroupAware},
		{"PieFed", nil, copse.Arrays},
		{"piefed", []string{"1b12", "1a11"}, copse.Arrays},
		{"mastodon", nil, copse.Microblog},
		{"hometown", nil, copse.Microblog},
		{"misskey", nil, copse.Microblog},
		{"sharkey", nil, copse.Microblog},
		{"pleroma", nil, copse.Microblog},
		{"akkoma", nil, copse.Microblog},
		{"gotosocial", nil, copse.Microblog},
		{"pixelfed", nil, copse.Microblog},
		{"wordpress", nil, copse.Microblog},
		{"ghost", nil, copse.Microblog},
		{"writefreely", nil, copse.Microblog},
		{"friendica", nil, copse.Microblog},
		{"peertube", nil, copse.Microblog},
		{"something-new", []string{"67ff", "844e"}, copse.Microblog},
		{"something-new", []string{"844e", "1b12"}, copse.GroupAware},
		{"mastodon", []string{"1b12"}, copse.GroupAware},
		{"", nil, copse.Microblog},
		{"", []string{"1b12"}, copse.GroupAware},
	} {
		if got := copse.ProfileOf(tt.software, tt.feps); got != tt.want {
			t.Errorf("%q with %v is %q, want %q", tt.software, tt.feps, got, tt.want)
		}
	}
}
