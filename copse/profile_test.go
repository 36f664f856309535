package copse_test

import (
	"slices"
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

// A home is asked for what it takes from those who look after its communities from
// another server, and for nothing else.
func TestAHomeIsAskedForWhatItTakes(t *testing.T) {
	all := []copse.Ruling{copse.Removing, copse.Locking, copse.Pinning, copse.Banning, copse.Appointing, copse.Admitting, copse.Describing}
	for software, want := range map[string][]copse.Ruling{
		"copse":     {copse.Removing, copse.Locking, copse.Pinning, copse.Banning, copse.Admitting, copse.Describing},
		"Lemmy":     all[:5],
		"piefed":    all[:5],
		"mbin":      all[:5],
		"nodebb":    nil,
		"discourse": nil,
		"lotide":    all[:1],
		"":          all[:1],
	} {
		for _, r := range all {
			may := slices.Contains(want, r)
			if err := copse.MayPropose(software, &copse.Community{}, r); (err == nil) != may || copse.Takes(software, r) != may {
				t.Errorf("%q may be asked to %s: %v, want %v", software, r, err, may)
			}
		}
	}
}
