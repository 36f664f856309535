package markup

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/html"
)

// titleLen is the longest title, in runes; Lemmy refuses longer ones.
const titleLen = 200

// Plain returns the text of HTML, sanitised or not, for mail, search and
// excerpts: lines where the blocks were, an empty line between paragraphs, tabs
// between cells, and none of the invisible characters that keep a search from
// finding a word. Where links lead is not text.
//
// Its result is text. To put it into HTML again, escape it.
func Plain(source string) string {
	var p plain
	z := html.NewTokenizer(strings.NewReader(strings.ToValidUTF8(source, "\uFFFD")))
	skipping, depth := "", 0
	for {
		kind := z.Next()
		if kind == html.ErrorToken {
			return p.out.String()
		}
		t := z.Token()
		switch {
		case skipping != "":
			if t.Data == skipping && kind == html.StartTagToken {
				depth++
			} else if t.Data == skipping && kind == html.EndTagToken {
				depth--
			}
			if depth == 0 {
				skipping = ""
			}
		case kind == html.TextToken:
			p.text(t.Data)
		case kind == html.StartTagToken && slices.Contains(unread, t.Data):
			skipping, depth = t.Data, 1
		case kind == html.StartTagToken, kind == html.SelfClosingTagToken, kind == html.EndTagToken:
			p.tag(t.Data, kind == html.EndTagToken)
		}
	}
}

// plain gathers lines. Breaks and space are written only before more text, so
// none are left over at either end.
type plain struct {
	out    strings.Builder
	breaks int // line ends owed, at most two
	space  string
	pre    bool
}

func (p *plain) tag(name string, end bool) {
	switch name {
	case "br":
		p.breaks = min(p.breaks+1, 2)
	case "pre":
		p.pre = !end
		p.breaks = 2
	case "p", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "ul", "ol", "dl", "table", "hr":
		p.breaks = 2
	case "td", "th":
		p.space = "\t"
	case "li", "dt", "dd", "tr", "thead", "tbody", "tfoot", "caption", "summary", "details":
		p.breaks = max(p.breaks, 1)
	default:
		if renamed[name] == "div" || name == "div" {
			p.breaks = max(p.breaks, 1)
		}
	}
}

func (p *plain) text(s string) {
	s = unseen.Replace(clean(s))
	if p.pre {
		for i, line := range strings.Split(s, "\n") {
			if i > 0 {
				p.breaks = min(p.breaks+1, 2)
			}
			p.write(line)
		}
		return
	}
	for s != "" {
		word := s
		if i := strings.IndexFunc(s, unicode.IsSpace); i >= 0 {
			word = s[:i]
		}
		p.write(word)
		rest := strings.TrimLeftFunc(s[len(word):], unicode.IsSpace)
		if len(word)+len(rest) < len(s) && p.space == "" {
			p.space = " "
		}
		s = rest
	}
}

func (p *plain) write(s string) {
	switch {
	case s == "":
		return
	case p.out.Len() == 0:
	case p.breaks > 0:
		p.out.WriteString("\n\n"[:p.breaks])
	default:
		p.out.WriteString(p.space)
	}
	p.breaks, p.space = 0, ""
	p.out.WriteString(s)
}

// unseen are characters with neither width nor meaning in text that is not
// being set: zero-width and soft breaks. Joiners mean something.
var unseen = strings.NewReplacer("\u200b", "", "\u2060", "", "\u00ad", "")

// Excerpt returns the beginning of Plain(html) on one line, n runes at most,
// the last of them an ellipsis if there was more.
func Excerpt(html string, n int) string {
	return cut(strings.Join(strings.Fields(Plain(html)), " "), n)
}

// Title makes a title of a post that has none, as Lemmy does for what
// Mastodon's users write to a community: its first line, 200 runes at most. A
// mention at either end of a line is an address on an envelope, that of the
// community more often than not, and is left out; between words it is a word.
// A post that says nothing has no title: "".
func Title(html string) string {
	for line := range strings.Lines(Plain(html)) {
		words := strings.Fields(line)
		for len(words) > 0 && mention.MatchString(words[0]) {
			words = words[1:]
		}
		for len(words) > 0 && mention.MatchString(words[len(words)-1]) {
			words = words[:len(words)-1]
		}
		if len(words) > 0 {
			return cut(strings.Join(words, " "), titleLen)
		}
	}
	return ""
}

// mention is @name, @name@host or !name@host, and what ends it in a sentence.
var mention = regexp.MustCompile(`^(@[\pL\pN_.-]+(@[\pL\pN.:-]+)?|![\pL\pN_.-]+@[\pL\pN.:-]+)[,:;.!?]*$`)

// cut returns s, if it has n runes at most, or as many of its words as leave
// room for an ellipsis. A word that would take more than half of the room with
// it is cut too, between the letters that readers see.
func cut(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	if n < 1 {
		return ""
	}
	runes := []rune(s)
	end := n - 1
	for i := end; i >= n/2; i-- {
		if runes[i] == ' ' {
			return string(runes[:i]) + "…"
		}
	}
	for end > 0 && joined(runes[end-1], runes[end]) {
		end--
	}
	return string(runes[:end]) + "…"
}

// joined reports whether two runes are, or may be, parts of one letter or
// emoji as it is seen. It is the part of Unicode's rules (UAX 29) that an
// excerpt needs.
func joined(a, b rune) bool {
	const zwj = '\u200d'
	return a == zwj || b == zwj || unicode.In(b, unicode.M, unicode.Variation_Selector) ||
		0x1f3fb <= b && b <= 0x1f3ff || // colours of skin
		0xe0020 <= b && b <= 0xe007f || // tags of flags
		regional(a) && regional(b)
}

func regional(r rune) bool { return 0x1f1e6 <= r && r <= 0x1f1ff }
