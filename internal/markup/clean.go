package markup

import "strings"

// clean removes the characters that only mislead or break things: controls
// (PostgreSQL refuses NUL, feeds refuse the rest), what is not a character at
// all, the byte order mark, and the embeddings, overrides and isolates that
// reorder text so that it reads otherwise than it is (Trojan Source,
// CVE-2021-42574). Direction has an attribute, dir, which cannot leak out of
// its element.
//
// It keeps what languages and emoji are made of: combining marks, joiners and
// non-joiners, left-to-right and right-to-left marks, the tags in the flag of
// Wales.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case r < 0x20, 0x7f <= r && r < 0xa0, // C0 and C1 controls
			r == 0xfeff,                // byte order mark
			0x202a <= r && r <= 0x202e, // embeddings and overrides
			0x2066 <= r && r <= 0x2069, // isolates
			0xfdd0 <= r && r <= 0xfdef, // not characters
			r&0xfffe == 0xfffe:         // nor these, the last two of each plane
			return -1
		}
		return r
	}, s)
}
