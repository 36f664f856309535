package forum

import (
	"strings"
	"testing"
)

func TestVersionsAreComparedWordByWord(t *testing.T) {
	for _, tt := range []struct{ before, after, want string }{
		{"same", "same", "same"},
		{"", "", ""},
		{"", "new", "+new+"},
		{"gone", "", "-gone-"},
		{"Do you screen every policy?", "Do you screen each policy?", "Do you screen -every-+each+ policy?"},
		{"mould", "moulds", "-mould-+moulds+"},
		{"one.\n\ntwo", "one.\n\nhalf\n\ntwo", "one.\n\n+half\n\n+two"},
		{"dŵr a tŷ", "dŵr a thŷ", "dŵr a -tŷ-+thŷ+"},
		{"<b>bold</b>", "<b>bold</b>", "<b>bold</b>"},
		{"\xff broken", "\xff mended", "\xff -broken-+mended+"},
	} {
		var got strings.Builder
		for _, c := range changes(tt.before, tt.after) {
			mark := map[string]string{"": "", "ins": "+", "del": "-"}[c.Kind]
			got.WriteString(mark + c.Text + mark)
		}
		if got.String() != tt.want {
			t.Errorf("changes(%q, %q) = %q, want %q", tt.before, tt.after, got.String(), tt.want)
		}
	}
}

func TestMoreWordsThanTheBasicPlaneHasLettersAreCompared(t *testing.T) {
	var b strings.Builder
	for i := range 70_000 {
		b.WriteString(strings.Repeat("a", i%7+1))
		b.WriteRune(rune('a' + i%26))
		b.WriteString(" ")
		b.WriteRune(rune(0x4e00 + i%20_000))
		b.WriteRune(rune(0xac00 + i%11_000))
	}
	before := b.String()
	got := changes(before, before+" end")
	if len(got) != 2 || got[0].Text != before || got[1] != (change{"ins", " end"}) {
		t.Errorf("%d changes, want all the words and then the new one", len(got))
	}
	for n := range 300_000 {
		if number(letter(n)) != n || letter(n) >= 0xd800 && letter(n) < 0xe000 {
			t.Fatalf("letter %d is %x", n, letter(n))
		}
	}
}
