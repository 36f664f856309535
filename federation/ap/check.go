package ap

import (
	"errors"
	"fmt"
	"strconv"
	"unicode"
	"unicode/utf8"
)

// MaxSize is the most bytes a document may have.
const MaxSize = 1 << 20

const (
	maxDepth    = 64     // of nesting, the document itself counted
	maxKeys     = 1_000  // of one object
	maxElements = 10_000 // of one list
)

// Check reports why b is not a document that every careful program would read
// alike. It must be one JSON object (RFC 8259) in UTF-8 and nothing else, within
// the limits above, and have in it:
//
//   - no key twice in one object, and no two that differ only in case. A struct
//     in Go takes {"actor":A,"Actor":B} to say B and a map takes it to say A, so
//     what one of them checks the other would not do.
//   - no NUL and no half of a surrogate pair, which programs cut at, drop or
//     replace as they please.
//   - none of JSON-LD's "@graph", "@reverse" and "@included", by which one document
//     says things of several: who follows them finds another one there than who
//     takes the members as they stand (Mastodon's CVE-2026-46349 and CVE-2026-48028).
//   - no number beyond an int64 or a float64, and no -0, which come back as
//     something else.
//
// Within "@context" case is left to itself: names of types and of properties
// share the map there, and Ghost really sends "QuoteAuthorization" beside
// "quoteAuthorization". It is kept raw and never decoded here, so no reading of
// it can be confused with another.
func Check(b []byte) error {
	if len(b) > MaxSize {
		return fmt.Errorf("a document may be at most %d bytes long", MaxSize)
	}
	if !utf8.Valid(b) {
		return errors.New("the document is not UTF-8")
	}
	var room [128]uint64 // spares nearly every document an allocation
	c := checker{b: b, keys: room[:0]}
	if c.next() != '{' {
		return errors.New("the document is not a JSON object")
	}
	if err := c.object(1, true); err != nil {
		return err
	}
	if c.next() != 0 || c.i < len(b) {
		return errors.New("the document goes on after its end")
	}
	return nil
}

// A checker reads b once, front to back. i is the next byte.
type checker struct {
	b    []byte
	i    int
	keys []uint64 // hashes of the keys so far of the object at hand, after those of the objects it is in
}

// next passes over white space and returns the byte after it, or 0 at the end.
func (c *checker) next() byte {
	for ; c.i < len(c.b); c.i++ {
		switch ch := c.b[c.i]; ch {
		case ' ', '\t', '\r', '\n':
		default:
			return ch
		}
	}
	return 0
}

func (c *checker) broken() error {
	return fmt.Errorf("the document is not JSON: see byte %d", c.i+1)
}

// value checks one value. depth is that of the object or list it is in, and fold
// whether keys that differ only in case are the same.
func (c *checker) value(depth int, fold bool) error {
	switch ch := c.next(); {
	case ch == '"':
		_, _, err := c.text()
		return err
	case ch == '{' || ch == '[':
		if depth == maxDepth {
			return fmt.Errorf("the document is nested more than %d deep", maxDepth)
		}
		if ch == '{' {
			return c.object(depth+1, fold)
		}
		return c.list(depth+1, fold)
	case ch == '-' || isDigit(ch):
		return c.number()
	default:
		return c.literal()
	}
}

func (c *checker) object(depth int, fold bool) error {
	c.i++
	if c.next() == '}' {
		c.i++
		return nil
	}
	start := len(c.keys)
	for {
		name, err := c.key(start, fold)
		if err != nil {
			return err
		}
		if c.next() != ':' {
			return c.broken()
		}
		c.i++
		if err := c.value(depth, fold && name != "@context"); err != nil {
			return err
		}
		switch c.next() {
		case ',':
			c.i++
		case '}':
			c.i++
			c.keys = c.keys[:start]
			return nil
		default:
			return c.broken()
		}
	}
}

// key checks a key against those from start on. It returns the name only if that
// is "@context", to spare an allocation.
func (c *checker) key(start int, fold bool) (name string, err error) {
	if c.next() != '"' {
		return "", c.broken()
	}
	quoted, escaped, err := c.text()
	if err != nil {
		return "", err
	}
	text := quoted[1 : len(quoted)-1]
	if escaped {
		text = []byte(unescape(quoted))
	}
	if len(c.keys)-start == maxKeys {
		return "", fmt.Errorf("an object may have at most %d keys", maxKeys)
	}
	if fold { // in a context they say how names are read, and are never followed here
		switch string(text) {
		case "@graph", "@reverse", "@included":
			return "", fmt.Errorf("the key %q makes several documents of one", text)
		}
	}
	h := hash(text, fold)
	for _, k := range c.keys[start:] {
		if k == h {
			return "", fmt.Errorf("the key %.40q is there twice in one object", text)
		}
	}
	c.keys = append(c.keys, h)
	if string(text) == "@context" {
		return "@context", nil
	}
	return "", nil
}

// hash returns the FNV-1a hash of a key, by runes; if fold is set, of the key as
// encoding/json folds its case, which makes "ſ" an S and the Kelvin sign a K.
// Keys that are the same have the same hash. Two others with one could only be
// made on purpose, and whoever does that has their own document refused.
func hash(key []byte, fold bool) uint64 {
	h := uint64(14695981039346656037)
	for i := 0; i < len(key); {
		r, n := rune(key[i]), 1
		if r >= utf8.RuneSelf {
			r, n = utf8.DecodeRune(key[i:])
		}
		i += n
		if fold {
			r = foldCase(r)
		}
		h = (h ^ uint64(r)) * 1099511628211
	}
	return h
}

// foldCase returns the smallest of the runes that differ from r only in case.
func foldCase(r rune) rune {
	if r < utf8.RuneSelf {
		if 'a' <= r && r <= 'z' {
			r -= 'a' - 'A'
		}
		return r
	}
	for {
		next := unicode.SimpleFold(r)
		if next <= r {
			return next
		}
		r = next
	}
}

func (c *checker) list(depth int, fold bool) error {
	c.i++
	if c.next() == ']' {
		c.i++
		return nil
	}
	for n := 1; ; n++ {
		if n > maxElements {
			return fmt.Errorf("a list may have at most %d elements", maxElements)
		}
		if err := c.value(depth, fold); err != nil {
			return err
		}
		switch c.next() {
		case ',':
			c.i++
		case ']':
			c.i++
			return nil
		default:
			return c.broken()
		}
	}
}

// text checks a string and returns it with its quotes.
func (c *checker) text() (quoted []byte, escaped bool, err error) {
	start := c.i
	c.i++
	for c.i < len(c.b) {
		switch ch := c.b[c.i]; {
		case ch == '"':
			c.i++
			return c.b[start:c.i], escaped, nil
		case ch == '\\':
			escaped = true
			if err := c.escape(); err != nil {
				return nil, false, err
			}
		case ch < ' ':
			return nil, false, c.broken()
		default:
			c.i++
		}
	}
	return nil, false, c.broken()
}

func (c *checker) escape() error {
	if c.i+1 >= len(c.b) {
		return c.broken()
	}
	switch c.b[c.i+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		c.i += 2
		return nil
	case 'u':
	default:
		return c.broken()
	}
	switch r := codeUnit(c.b[c.i:]); {
	case r < 0:
		return c.broken()
	case r == 0:
		return errors.New("the document has a NUL in it")
	case 0xDC00 <= r && r <= 0xDFFF:
		return errLoneSurrogate
	case 0xD800 <= r && r <= 0xDBFF:
		if low := codeUnit(c.b[c.i+6:]); low < 0xDC00 || low > 0xDFFF {
			return errLoneSurrogate
		}
		c.i += 6
	}
	c.i += 6
	return nil
}

var errLoneSurrogate = errors.New("the document has half of a surrogate pair in it")

// codeUnit returns the UTF-16 code unit that the escape at the start of b, \uXXXX,
// stands for, or -1 if there is none.
func codeUnit(b []byte) rune {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return -1
	}
	var r rune
	for _, ch := range b[2:6] {
		switch {
		case isDigit(ch):
			r = r<<4 | rune(ch-'0')
		case 'a' <= ch|0x20 && ch|0x20 <= 'f':
			r = r<<4 | rune(ch|0x20-'a'+10)
		default:
			return -1
		}
	}
	return r
}

func (c *checker) number() error {
	start := c.i
	if c.b[c.i] == '-' {
		c.i++
	}
	whole := c.digits()
	if whole == 0 || whole > 1 && c.b[c.i-whole] == '0' {
		return c.broken()
	}
	integer := true
	if c.i < len(c.b) && c.b[c.i] == '.' {
		integer = false
		c.i++
		if c.digits() == 0 {
			return c.broken()
		}
	}
	if c.i < len(c.b) && c.b[c.i]|0x20 == 'e' {
		integer = false
		c.i++
		if c.i < len(c.b) && (c.b[c.i] == '+' || c.b[c.i] == '-') {
			c.i++
		}
		if c.digits() == 0 {
			return c.broken()
		}
	}
	if integer && whole < 19 && c.b[start] != '-' {
		return nil
	}
	text := string(c.b[start:c.i])
	var err error
	if integer {
		_, err = strconv.ParseInt(text, 10, 64)
	} else {
		_, err = strconv.ParseFloat(text, 64)
	}
	if err != nil || text == "-0" {
		return errors.New("the document has a number in it that is out of range")
	}
	return nil
}

// digits passes over digits and returns how many there were.
func (c *checker) digits() int {
	start := c.i
	for c.i < len(c.b) && isDigit(c.b[c.i]) {
		c.i++
	}
	return c.i - start
}

func isDigit(ch byte) bool { return '0' <= ch && ch <= '9' }

func (c *checker) literal() error {
	for _, word := range [...]string{"true", "false", "null"} {
		if end := c.i + len(word); end <= len(c.b) && string(c.b[c.i:end]) == word {
			c.i = end
			return nil
		}
	}
	return c.broken()
}
