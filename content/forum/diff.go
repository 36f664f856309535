package forum

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/sergi/go-diff/diffmatchpatch"
)

// A change is a stretch of text that two versions share, or that one of them has
// alone.
type change struct {
	Kind string // "", "ins" or "del"
	Text string
}

// changes compares two versions word by word: a mended letter shows as one word
// for another, which people can read, and not as letters strewn about it.
func changes(before, after string) []change {
	d := diffmatchpatch.New()
	d.DiffTimeout = 50 * time.Millisecond // then the rest shows as rewritten
	a := alphabet{runes: map[string]rune{}}
	diffs := d.DiffCleanupSemantic(d.DiffMainRunes(a.spell(before), a.spell(after), false))
	all := make([]change, 0, len(diffs))
	for _, diff := range diffs {
		c := change{Text: a.read(diff.Text)}
		switch diff.Type {
		case diffmatchpatch.DiffInsert:
			c.Kind = "ins"
		case diffmatchpatch.DiffDelete:
			c.Kind = "del"
		}
		all = append(all, c)
	}
	return all
}

// An alphabet has a letter for each word, because the library compares letters.
type alphabet struct {
	runes map[string]rune
	words []string
}

// spell writes a text in the alphabet. There are a million letters, and an object
// has room for a quarter as many words.
func (a *alphabet) spell(text string) []rune {
	var spelt []rune
	for len(text) > 0 {
		word := text[:wordEnd(text)]
		text = text[len(word):]
		r, ok := a.runes[word]
		if !ok {
			r = letter(len(a.words))
			a.runes[word] = r
			a.words = append(a.words, word)
		}
		spelt = append(spelt, r)
	}
	return spelt
}

func (a *alphabet) read(spelt string) string {
	var b strings.Builder
	for _, r := range spelt {
		b.WriteString(a.words[number(r)])
	}
	return b.String()
}

// wordEnd returns where the first word of a text ends. Whatever is neither letter
// nor digit is a word of its own.
func wordEnd(text string) int {
	end := strings.IndexFunc(text, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r)
	})
	switch end {
	case -1:
		return len(text)
	case 0:
		_, size := utf8.DecodeRuneInString(text)
		return size
	}
	return end
}

// The surrogates, in the middle of the letters, cannot be written down.
const (
	surrogates     = 0xd800
	afterSurrogate = 0xe000
)

// letter returns the nth letter, from 1 up.
func letter(n int) rune {
	if n+1 < surrogates {
		return rune(n + 1)
	}
	return rune(n + 1 + afterSurrogate - surrogates)
}

// number undoes letter.
func number(r rune) int {
	if r < surrogates {
		return int(r) - 1
	}
	return int(r) - 1 - (afterSurrogate - surrogates)
}
