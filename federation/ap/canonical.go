package ap

import (
	"bytes"
	"slices"
	"strconv"
	"unicode/utf16"

	"github.com/gowebpki/jcs"
)

// Canonical returns b, a document that Check has passed or a value in one, in the canonical form of
// RFC 8785: without white space, the members of objects in order, and of the ways to
// write a string or a number always the same. Whole numbers beyond 2^53 lose their
// last digits there, as they do wherever numbers are float64.
//
// The library whose numbers these are does the rest five times as slowly, since it
// cannot know that b has been checked, and every activity is signed.
func Canonical(b []byte) []byte {
	r := reader{b: b}
	return r.canonical(make([]byte, 0, len(b)))
}

// canonical appends the next value.
func (r *reader) canonical(to []byte) []byte {
	switch r.peek() {
	case '"':
		return appendCanonical(to, r)
	case '{':
		return r.canonicalObject(to)
	case '[':
		to = append(to, '[')
		r.i++
		for first := true; r.more(']'); first = false {
			if !first {
				to = append(to, ',')
			}
			to = r.canonical(to)
		}
		return append(to, ']')
	case 't', 'f', 'n':
		return append(to, r.skip()...)
	}
	n, err := strconv.ParseFloat(string(r.skip()), 64)
	if err != nil {
		panic("ap: a number that Check did not pass")
	}
	text, err := jcs.NumberToJSON(n)
	if err != nil {
		panic("ap: a number that Check did not pass")
	}
	return append(to, text...)
}

func (r *reader) canonicalObject(to []byte) []byte {
	type member struct {
		name     []byte
		from, to int // in what was written
	}
	var room [16]member
	all, start := room[:0], len(to)
	for r.i++; r.more('}'); {
		m := member{from: len(to)}
		at := r.i
		m.name = r.key()
		r.i = at
		to = append(appendCanonical(to, r), ':')
		to = r.canonical(to)
		m.to = len(to)
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b member) int { return compareUTF16(a.name, b.name) })
	said := slices.Clone(to[start:])
	to = append(to[:start], '{')
	for i, m := range all {
		if i > 0 {
			to = append(to, ',')
		}
		to = append(to, said[m.from-start:m.to-start]...)
	}
	return append(to, '}')
}

// compareUTF16 compares by UTF-16 code units. Those of what lies beyond 16 bits come
// before some of what does not; for all else the order is that of the bytes.
func compareUTF16(a, b []byte) int {
	const private = 0xEE // begins U+E000, the first that is affected
	beyond := func(c byte) bool { return c >= private }
	if !slices.ContainsFunc(a, beyond) && !slices.ContainsFunc(b, beyond) {
		return bytes.Compare(a, b)
	}
	return slices.Compare(utf16.Encode([]rune(string(a))), utf16.Encode([]rune(string(b))))
}

// appendCanonical appends the string that comes next.
func appendCanonical(to []byte, r *reader) []byte {
	quoted, escaped := r.quoted()
	if !escaped { // then nothing in it has to be
		return append(to, quoted...)
	}
	const hex = "0123456789abcdef"
	to = append(to, '"')
	for _, ch := range []byte(unescape(quoted)) {
		switch {
		case ch == '"' || ch == '\\':
			to = append(to, '\\', ch)
		case ch >= ' ':
			to = append(to, ch)
		case '\b' <= ch && ch <= '\r' && ch != '\v':
			to = append(to, '\\', "btn-fr"[ch-'\b'])
		default:
			to = append(to, '\\', 'u', '0', '0', hex[ch>>4], hex[ch&15])
		}
	}
	return append(to, '"')
}
