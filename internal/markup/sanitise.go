package markup

import (
	"net/url"
	"regexp"
	"strings"

	"github.com/microcosm-cc/bluemonday"
)

// rel is what every link gets, and replaces what it had: no credit with search
// engines, no handle on our window, no address of the page it was read on.
const rel = "nofollow noopener noreferrer ugc"

// Sanitize makes HTML from anywhere safe to put into a page, between a <div>
// and its </div>, and gives the same again for its own result.
//
// What may stay is decided by one bluemonday policy: the elements of elements
// and renamed, hardly any attributes, links to http, https and mailto. There
// are no relative links, which would mean something else on each server that
// shows the text, and none with a name before the host, which look like another
// host. Then arrange puts the elements that stayed in order, so that nothing
// can close or reopen a part of the page around it, and
//
//   - headings move down until the highest is an <h3>, because <h1> and <h2>
//     are the page's own. All move alike, so their order means what it meant;
//   - an image becomes a link to it, so that nobody's browser asks another
//     server for anything that its reader did not ask for;
//   - of classes, those stay that say how to show mentions, hashtags and the
//     ends of long addresses (Mastodon and Lemmy send them);
//   - a link has our rel.
//
// Time and space are linear in what it is given; a third of the time is
// arrange's.
func Sanitize(html string) string {
	return arrange(policy.Sanitize(strings.ToValidUTF8(html, "\uFFFD")))
}

// policy is built once, since that takes as long as to sanitise 5 KB, and is
// never changed after; bluemonday's policies may be shared between goroutines.
var policy = newPolicy()

func newPolicy() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	for name := range elements {
		p.AllowElements(name)
		p.AllowNoAttrs().OnElements(name)
	}
	for name := range renamed {
		p.AllowElements(name)
		p.AllowNoAttrs().OnElements(name)
	}
	p.AllowElements("h1", "h2", "br", "hr", "img")
	p.AllowNoAttrs().OnElements("h1", "h2", "br", "hr", "img")

	p.AllowAttrs("lang").Matching(regexp.MustCompile(`^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8}){0,3}$`)).Globally()
	p.AllowAttrs("dir").Matching(regexp.MustCompile(`^(ltr|rtl|auto)$`)).Globally()
	p.AllowAttrs("translate").Matching(regexp.MustCompile(`^(yes|no)$`)).OnElements("a", "span")
	p.AllowAttrs("class").OnElements("a", "span") // arrange picks from it
	p.AllowAttrs("href", "title").OnElements("a")
	p.AllowAttrs("src", "alt").OnElements("img")
	p.AllowAttrs("title").OnElements("abbr")
	p.AllowAttrs("start").Matching(regexp.MustCompile(`^-?[0-9]{1,6}$`)).OnElements("ol")
	p.AllowAttrs("type").Matching(regexp.MustCompile(`^[1aAiI]$`)).OnElements("ol")
	p.AllowAttrs("reversed").Matching(regexp.MustCompile(`^(reversed)?$`)).OnElements("ol")
	p.AllowAttrs("value").Matching(regexp.MustCompile(`^-?[0-9]{1,6}$`)).OnElements("li")
	p.AllowAttrs("colspan", "rowspan").Matching(regexp.MustCompile(`^[1-9][0-9]?$`)).OnElements("td", "th")
	p.AllowAttrs("align").Matching(regexp.MustCompile(`^(left|center|right)$`)).OnElements("td", "th")
	p.AllowAttrs("scope").Matching(regexp.MustCompile(`^(row|col|rowgroup|colgroup)$`)).OnElements("th")

	p.RequireParseableURLs(true)
	p.AllowRelativeURLs(false)
	web := func(u *url.URL) bool { return u.Hostname() != "" && u.User == nil }
	p.AllowURLSchemeWithCustomPolicy("https", web)
	p.AllowURLSchemeWithCustomPolicy("http", web)
	p.AllowURLSchemeWithCustomPolicy("mailto", func(u *url.URL) bool { return u.Opaque != "" })

	// Of everything else that is taken away the text stays, but of these it was
	// never meant to be read.
	p.SkipElementsContent(unread...)
	return p
}

// unread are elements whose text is not for readers.
var unread = []string{
	"script", "style", "template", "title", "svg", "math", "object", "applet", "iframe", "noembed", "noframes", "noscript",
	"audio", "video", "canvas", "button", "select", "datalist", "textarea", "xmp", "plaintext",
}
