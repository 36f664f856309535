// Package page holds what pages are made of: the frame around every page, the
// pieces they share and the forms. Each piece is a templ component whose markup and
// class names belong to web/asset/copse.css. Pages themselves live with the handlers
// that fill them in.
//
// Everything works without script, is marked up for what it means and keeps to WCAG
// 2.2 AA. The rules of the look:
//
//   - One h1. It is in the Band when the page is a place (home, a list, a community)
//     and on white when it is a thing (a question, a form inside a community).
//   - At most one notice, and never for errors. One filled button for each task.
//   - No boxes in boxes: hairlines and space divide things.
//   - Every place to write shows Audience directly above its button.
//   - Order in the source is order on the page.
//
// After changing a .templ file run templ generate and commit what it writes.
package page

import (
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"copse/internal/words"
)

// Frame is what every page has around it.
type Frame struct {
	W      *words.Words
	Now    time.Time // when the page is made: "6 days ago" counts from here
	Title  string    // what the page is; Layout adds the community and the service
	Server string    // the council that runs this server, "Stevenage Borough Council"
	Path   string    // the page's own path and query; the language links keep the query
	Nav    string    // the current section of the service: "home", "communities", "messages", "councils", "reports" or ""
	Person *Person   // who is signed in; nil if nobody
	Unread int       // conversations in which they have private messages that they have not read
	Admin  bool      // they run this server
	Off    bool      // they do, and the exchange with other councils is off
	Trail  []Link    // breadcrumbs, from home to the page above this one
	Place  *Place    // the community the page is in; nil for the service's own pages
	Notice string    // good news to tell once, such as "Your reply is posted"
	Peers  int       // how many other councils this server exchanges posts with
	Failed bool      // a form on the page came back with errors: the title says so
}

// Link is a link with its text, in a list of links.
type Link struct {
	Text    string
	URL     string
	Current bool   // this is the page being read
	Count   int    // shown beside the text unless 0
	More    bool   // there are more than Count
	Counted string // what Count counts, in full for those who hear the page: "3 unanswered"
}

// number is Count as it is shown: "3", "99+".
func (l Link) number() string {
	if l.More {
		return strconv.Itoa(l.Count) + "+"
	}
	return strconv.Itoa(l.Count)
}

// Place is a community as its pages show it: its name, a line about it, and its
// sections.
type Place struct {
	Name     string
	URL      string
	Line     string // "Run by Harlow District Council. You are reading it from Stevenage."
	Sections []Link
}

// Person is somebody as the page shows them.
type Person struct {
	Name      string
	URL       string // their page; "" if they have none to link to
	Job       string // job title; may be ""
	Council   string // may be ""
	Confirmed bool   // the council says they work there
	Supplier  bool   // Council is a firm that sells to councils
	Now       string // the council they have moved to; "" if they have not
	NowURL    string // their page there
}

// initials are one or two capitals for the circle beside a name.
func (p Person) initials() string {
	names := strings.Fields(p.Name)
	if len(names) == 0 {
		return ""
	}
	first, _ := utf8.DecodeRuneInString(names[0])
	letters := string(first)
	if len(names) > 1 {
		last, _ := utf8.DecodeRuneInString(names[len(names)-1])
		letters += string(last)
	}
	return strings.ToUpper(letters)
}

// splitLast cuts a name before its last word, which is to stay on one line with the
// tick that follows.
func splitLast(s string) (before, last string) {
	i := strings.LastIndexByte(s, ' ')
	return s[:max(i, 0)], s[i+1:]
}

// title is what the browser shows: the page, the community and the service.
func (f Frame) title() string {
	title := f.Title
	if f.Failed {
		title = f.W.T("page.error_title", "title", title)
	}
	if f.Place != nil && f.Place.Name != f.Title {
		title += " – " + f.Place.Name
	}
	return title + " – " + f.W.T("service.title", "council", f.Server)
}

// sections is the navigation of the service, in order.
func (f Frame) sections() []Link {
	all := []Link{
		{Text: f.W.T("nav.home"), URL: "/", Current: f.Nav == "home"},
		{Text: f.W.T("nav.communities"), URL: "/communities", Current: f.Nav == "communities"},
	}
	if f.Person != nil {
		all = append(all, Link{
			Text: f.W.T("messages.nav"), URL: "/messages", Current: f.Nav == "messages",
			Count: f.Unread, Counted: f.W.N("messages.unread_count", f.Unread),
		})
	}
	if f.Admin {
		all = append(all, Link{Text: f.W.T("councils.nav"), URL: "/admin/councils", Current: f.Nav == "councils"},
			Link{Text: f.W.T("reports.nav"), URL: "/admin/reports", Current: f.Nav == "reports"})
	}
	return all
}

// support is the list of links at the foot of every page.
func (f Frame) support() []Link {
	return []Link{
		{Text: f.W.T("footer.accessibility"), URL: "/accessibility"},
		{Text: f.W.T("footer.privacy"), URL: "/privacy"},
		{Text: f.W.T("footer.cookies"), URL: "/cookies"},
		{Text: f.W.T("footer.rules"), URL: "/rules"},
		{Text: f.W.T("footer.about"), URL: "/about"},
		{Text: f.W.T("footer.contact"), URL: "/contact"},
	}
}

// inLanguage is the address of the same page in another language: only a query, so
// that it can lead nowhere else, whatever the path.
func (f Frame) inLanguage(lang string) string {
	query := url.Values{}
	if u, err := url.Parse(f.Path); err == nil {
		query = u.Query()
	}
	query.Set("lang", lang)
	return "?" + query.Encode()
}

// cutLink divides a text that marks its link with brackets, "see [who they are]
// below", into what is before, the link's own text and what is after.
func cutLink(text string) (before, link, after string) {
	before, rest, _ := strings.Cut(text, "[")
	link, after, _ = strings.Cut(rest, "]")
	return before, link, after
}
