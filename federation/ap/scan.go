package ap

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf16"
)

// A reader reads a document that has been checked and so trusts its form: it looks
// for no errors of syntax, and a comma or colon is white space to it. i is the
// next byte, left how many objects may still come.
type reader struct {
	b    []byte
	i    int
	left int
}

// peek returns the first byte of the next value, key or end.
func (r *reader) peek() byte {
	for {
		switch ch := r.b[r.i]; ch {
		case ' ', '\t', '\r', '\n', ',', ':':
			r.i++
		default:
			return ch
		}
	}
}

// more reports whether something comes before end, and passes over end if not.
func (r *reader) more(end byte) bool {
	if r.peek() == end {
		r.i++
		return false
	}
	return true
}

// quoted passes over a string and returns it with its quotes.
func (r *reader) quoted() (quoted []byte, escaped bool) {
	start := r.i
	end := start + 1 + bytes.IndexByte(r.b[start+1:], '"')
	if bytes.IndexByte(r.b[start:end], '\\') >= 0 {
		escaped = true
		for end = start + 1; r.b[end] != '"'; end++ {
			if r.b[end] == '\\' {
				end++
			}
		}
	}
	r.i = end + 1
	return r.b[start:r.i], escaped
}

func (r *reader) key() []byte {
	r.peek()
	quoted, escaped := r.quoted()
	if escaped {
		return []byte(unescape(quoted))
	}
	return quoted[1 : len(quoted)-1]
}

// text reads a string, or passes over what is not one.
func (r *reader) text() (string, error) {
	if r.peek() != '"' {
		r.skip()
		return "", errNotText
	}
	quoted, escaped := r.quoted()
	if escaped {
		return unescape(quoted), nil
	}
	return string(quoted[1 : len(quoted)-1]), nil
}

// skip passes over a value and returns it as it is.
func (r *reader) skip() json.RawMessage {
	r.peek()
	start := r.i
	for depth := 0; ; {
		switch r.b[r.i] {
		case '"':
			r.quoted()
		case '{', '[':
			depth++
			r.i++
		case '}', ']':
			depth--
			r.i++
		default: // a number or a word, or what is between values
			for r.i++; r.i < len(r.b) && !endsWord(r.b[r.i]); r.i++ {
			}
		}
		if depth == 0 {
			return r.b[start:r.i:r.i]
		}
	}
}

// unescape returns what a string with its quotes stands for.
func unescape(quoted []byte) string {
	var s strings.Builder
	s.Grow(len(quoted))
	rest := quoted[1 : len(quoted)-1]
	for {
		i := bytes.IndexByte(rest, '\\')
		if i < 0 {
			s.Write(rest)
			return s.String()
		}
		s.Write(rest[:i])
		n := 2
		switch ch := rest[i+1]; ch {
		case 'b':
			s.WriteByte('\b')
		case 'f':
			s.WriteByte('\f')
		case 'n':
			s.WriteByte('\n')
		case 'r':
			s.WriteByte('\r')
		case 't':
			s.WriteByte('\t')
		case 'u':
			n = 6
			r := codeUnit(rest[i:])
			if utf16.IsSurrogate(r) { // Check saw to it that it is the first of two
				r = utf16.DecodeRune(r, codeUnit(rest[i+6:]))
				n = 12
			}
			s.WriteRune(r)
		default: // itself
			s.WriteByte(ch)
		}
		rest = rest[i+n:]
	}
}

func endsWord(ch byte) bool {
	switch ch {
	case ',', '[', ']', '{', '}', '"', ' ', '\t', '\r', '\n':
		return true
	}
	return false
}

// Cut returns the object b, which Check has passed, without its member of the
// given name, and that member's value, which is nil if there is none. b stays as it
// is.
func Cut(b []byte, name string) (rest, value json.RawMessage) {
	r := reader{b: b}
	r.peek()
	r.i++
	first := r.i
	for before := first; r.more('}'); before = r.i {
		found := string(r.key()) == name
		value = r.skip()
		if !found {
			continue
		}
		after := r.i
		if before == first { // it is the comma behind it that has to go
			r.peek()
			after = r.i
		}
		return slices.Concat(b[:before], b[after:]), value
	}
	return b, nil
}
