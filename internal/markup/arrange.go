package markup

import (
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// maxDepth is how deep elements may stand in each other, not counting those
// that must have a certain parent. Browsers begin to flatten at 512; nobody
// writes forty lists within lists.
const maxDepth = 40

// kind is what an element may hold.
type kind int

const (
	inline    kind = iota // part of a line: text and other inline elements
	paragraph             // text and inline elements
	block                 // anything
	group                 // only the elements that name it as a parent
)

// element says where an element may stand.
type element struct {
	kind    kind
	parents []string // it must stand directly in one of these; none: in anything but a group
	child   string   // of a group: what is opened for that which may not stand in it
}

// elements are all that may be in the result, with br and hr, chosen so that
// these few rules are enough for a browser to read it as it is written. What
// else there is in HTML brings rules of its own, and most of its security holes.
var elements = map[string]element{
	"a": {}, "abbr": {}, "b": {}, "cite": {}, "code": {}, "del": {}, "em": {}, "i": {}, "ins": {}, "kbd": {}, "mark": {}, "q": {},
	"ruby": {}, "s": {}, "small": {}, "span": {}, "strong": {}, "sub": {}, "sup": {}, "u": {},
	"rp": {parents: []string{"ruby"}}, "rt": {parents: []string{"ruby"}},

	"p": {kind: paragraph}, "pre": {kind: paragraph}, "h3": {kind: paragraph}, "h4": {kind: paragraph},
	"h5": {kind: paragraph}, "h6": {kind: paragraph}, "summary": {kind: paragraph},

	"blockquote": {kind: block}, "details": {kind: block}, "div": {kind: block},

	"ul": {kind: group, child: "li"},
	"ol": {kind: group, child: "li"},
	"li": {kind: block, parents: []string{"ul", "ol"}},
	"dl": {kind: group, child: "dd"},
	"dt": {kind: paragraph, parents: []string{"dl"}},
	"dd": {kind: block, parents: []string{"dl"}},

	"table":   {kind: group, child: "tbody"},
	"caption": {kind: block, parents: []string{"table"}},
	"thead":   {kind: group, child: "tr", parents: []string{"table"}},
	"tbody":   {kind: group, child: "tr", parents: []string{"table"}},
	"tfoot":   {kind: group, child: "tr", parents: []string{"table"}},
	"tr":      {kind: group, child: "td", parents: []string{"tbody", "thead", "tfoot"}},
	"th":      {kind: block, parents: []string{"tr"}},
	"td":      {kind: block, parents: []string{"tr"}},
}

// renamed elements mean to a reader what others do.
var renamed = map[string]string{
	"article": "div", "section": "div", "aside": "div", "header": "div", "footer": "div", "main": "div", "nav": "div",
	"address": "div", "center": "div", "figure": "div", "figcaption": "div",
	"strike": "s",
}

// classes are those that say how to show mentions, hashtags and long addresses;
// those with true only within a link, where there is something left to see.
var classes = map[string]bool{
	"mention": false, "hashtag": false, "h-card": false, "u-url": false, "invisible": true, "ellipsis": true,
}

// arrange writes what the policy let through so that it nests: every element
// that is opened is closed, within the one it was opened in, and stands where
// HTML allows it. A browser then has nothing to repair, and its repairs are how
// text escapes from the box it was put in (a stray <li> closes the page's own,
// a stray </div> its <div>) or becomes large (each <p> reopens every <b> left
// open before it). Going over a result again finds nothing to do.
//
// It does not judge what is safe: each tag and attribute it writes is one it
// was given or one of its constants.
func arrange(allowed string) string {
	a := arranger{demote: demotion(allowed)}
	a.out.Grow(len(allowed) + len(allowed)/4)
	z := html.NewTokenizer(strings.NewReader(allowed))
	for {
		switch z.Next() {
		case html.ErrorToken:
			a.closeTo(0)
			return a.out.String()
		case html.TextToken:
			a.text(z.Token().Data)
		case html.StartTagToken, html.SelfClosingTagToken:
			a.start(z.Token())
		case html.EndTagToken:
			a.end(a.rename(z.Token().Data))
		}
	}
}

// demotion is how far headings must go down for the highest to be an h3. The
// policy's output has a < only where a tag begins.
func demotion(allowed string) int {
	switch {
	case strings.Contains(allowed, "<h1"):
		return 2
	case strings.Contains(allowed, "<h2"):
		return 1
	}
	return 0
}

type arranger struct {
	out    strings.Builder
	demote int
	stack  []open
}

// open is an element that has begun. The tag of an inline one is written when
// there is something to read in it, so that there are no empty links, and so
// that a link around paragraphs becomes one within the first. Those that wait
// for it are always on top. An inline element with nothing left to say has no
// tag and stands here only to meet its end.
type open struct {
	name  string
	tag   string
	wrote bool
	depth int // of elements without parents, this one included
}

func (a *arranger) start(t html.Token) {
	name := a.rename(t.Data)
	switch t.Data {
	case "br":
		a.place("")
		a.out.WriteString("<br/>")
		return
	case "hr":
		waiting := a.place("div") // where a div may stand
		a.out.WriteString("<hr/>")
		a.push(waiting...)
		return
	case "img":
		a.image(t.Attr)
		return
	}
	e, ok := elements[name]
	if !ok || a.depth() >= maxDepth && a.find(e.parents...) < 0 {
		return // its text stays
	}
	if name == "a" && a.find("a") >= 0 {
		a.closeTo(a.find("a"))
	}
	attrs := a.attributes(t.Attr)
	switch {
	case name == "span" && attrs == "", name == "a" && !strings.Contains(attrs, " href="):
		a.place(name)
		a.push(open{name: name})
		return
	case name == "a":
		attrs += ` rel="` + rel + `"`
	}
	a.open(name, "<"+name+attrs+">")
}

// open begins an element where it may stand. Inline ones that had nothing in
// them yet go on inside it.
func (a *arranger) open(name, tag string) {
	waiting := a.place(name)
	if elements[name].kind == inline {
		a.push(open{name: name, tag: tag})
		return
	}
	a.out.WriteString(tag)
	a.push(open{name: name, wrote: true})
	if elements[name].kind != group {
		a.push(waiting...)
	}
}

func (a *arranger) push(elems ...open) {
	for _, o := range elems {
		o.depth = a.depth()
		if elements[o.name].parents == nil {
			o.depth++
		}
		a.stack = append(a.stack, o)
	}
}

func (a *arranger) depth() int {
	if len(a.stack) == 0 {
		return 0
	}
	return a.stack[len(a.stack)-1].depth
}

// place closes and opens what must be for name to be next; "" stands for text.
// It returns the inline elements that it closed before anything was written in
// the outermost of them.
func (a *arranger) place(name string) (waiting []open) {
	e := elements[name]
	if e.kind != inline {
		i := a.waiting()
		if i == 0 || elements[a.stack[i-1].name].kind != inline {
			waiting = slices.Clone(a.stack[i:])
		}
		a.closeTo(i)
	}
	if e.parents != nil {
		if i := a.find(e.parents...); i >= 0 {
			a.closeTo(i + 1)
			return waiting
		}
		a.open(e.parents[0], "<"+e.parents[0]+">")
		return waiting
	}
	if e.kind != inline {
		for len(a.stack) > 0 && elements[a.top()].kind <= paragraph {
			a.closeTo(len(a.stack) - 1)
		}
	}
	for len(a.stack) > 0 && elements[a.top()].kind == group {
		child := elements[a.top()].child
		a.open(child, "<"+child+">")
	}
	return waiting
}

func (a *arranger) end(name string) {
	if i := a.find(name); i >= 0 {
		a.closeTo(i)
	}
}

// find returns where on the stack the innermost of names is, or -1. It does not
// look out of a table, nor out of a cell for anything but a part of its table.
func (a *arranger) find(names ...string) int {
	if len(names) == 0 {
		return -1
	}
	for i := len(a.stack) - 1; i >= 0; i-- {
		name := a.stack[i].name
		if slices.Contains(names, name) {
			return i
		}
		if name == "table" || (name == "td" || name == "th" || name == "caption") && !ofTable(names[0]) {
			return -1
		}
	}
	return -1
}

func ofTable(name string) bool {
	switch name {
	case "table", "caption", "thead", "tbody", "tfoot", "tr", "td", "th":
		return true
	}
	return false
}

func (a *arranger) closeTo(n int) {
	for len(a.stack) > n {
		last := a.stack[len(a.stack)-1]
		a.stack = a.stack[:len(a.stack)-1]
		if last.wrote {
			a.out.WriteString("</" + last.name + ">")
		}
	}
}

func (a *arranger) top() string { return a.stack[len(a.stack)-1].name }

// text writes text, in the inline elements that waited for it. Space is nothing
// to read, and may stand anywhere.
func (a *arranger) text(s string) {
	s = clean(s)
	if strings.Trim(s, " \t\n\f\r") != "" {
		a.place("")
		for i := a.waiting(); i < len(a.stack); i++ {
			a.out.WriteString(a.stack[i].tag)
			a.stack[i].wrote = a.stack[i].tag != ""
		}
	}
	a.out.WriteString(html.EscapeString(s))
}

// waiting returns where those on top of the stack begin whose tags have not
// been written.
func (a *arranger) waiting() int {
	i := len(a.stack)
	for i > 0 && !a.stack[i-1].wrote {
		i--
	}
	return i
}

// image writes a link in the place of an image, or what the image says if it
// is in a link already or leads nowhere.
func (a *arranger) image(attrs []html.Attribute) {
	alt := strings.TrimSpace(clean(value(attrs, "alt")))
	src := value(attrs, "src")
	if alt == "" && src != "" {
		alt = "image"
	}
	if src == "" || a.inLink() || a.depth() >= maxDepth {
		a.text(alt)
		return
	}
	a.start(html.Token{Type: html.StartTagToken, Data: "a", Attr: []html.Attribute{{Key: "href", Val: src}}})
	a.text(alt)
	a.end("a")
}

func value(attrs []html.Attribute, key string) string {
	for _, attr := range attrs {
		if attr.Key == key {
			return attr.Val
		}
	}
	return ""
}

// attributes returns the attributes of a start tag as they are written, each
// once: of two with one name a browser takes the first.
func (a *arranger) attributes(attrs []html.Attribute) string {
	var out strings.Builder
	var seen []string
	for _, attr := range attrs {
		if slices.Contains(seen, attr.Key) {
			continue
		}
		seen = append(seen, attr.Key)
		val := clean(attr.Val)
		switch {
		case attr.Key == "href" && val != attr.Val:
			continue // it cannot be cleaned and lead where it led
		case attr.Key == "class":
			if val = a.classes(val); val == "" {
				continue
			}
		}
		out.WriteString(" " + attr.Key + `="` + html.EscapeString(val) + `"`)
	}
	return out.String()
}

func (a *arranger) classes(val string) string {
	linked := a.inLink()
	return strings.Join(slices.DeleteFunc(strings.Fields(val), func(class string) bool {
		onlyInLink, ok := classes[class]
		return !ok || onlyInLink && !linked
	}), " ")
}

func (a *arranger) inLink() bool {
	i := a.find("a")
	return i >= 0 && a.stack[i].tag != ""
}

func (a *arranger) rename(name string) string {
	if to, ok := renamed[name]; ok {
		return to
	}
	if len(name) == 2 && name[0] == 'h' && '1' <= name[1] && name[1] <= '6' {
		return "h" + string(min(name[1]+byte(a.demote), '6'))
	}
	return name
}
