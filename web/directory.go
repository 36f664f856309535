package web

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"copse/copse"
	"copse/internal/markup"
	"copse/internal/words"
	"copse/store"
	"copse/web/page"
)

const communitiesOnPage = 20

// directory lists communities, those here and those elsewhere together.
func (s *Site) directory(w http.ResponseWriter, r *http.Request, v *Visit) error {
	return s.showDirectory(w, r, v, http.StatusOK, page.Form{})
}

func (s *Site) showDirectory(w http.ResponseWriter, r *http.Request, v *Visit, status int, form page.Form) error {
	d := page.Directory{
		Frame: s.Frame(v, r, v.W.T("directory.title")), Form: form, Member: v.Login != nil,
		Query: strings.TrimSpace(r.URL.Query().Get("q")), Showing: r.URL.Query().Get("show"),
	}
	if d.Showing != "here" && (d.Showing != "mine" || v.Login == nil) {
		d.Showing = ""
	}
	d.Frame.Nav, d.Frame.Failed = "communities", form.Failed()
	d.Frame.Trail = []page.Link{{Text: v.W.T("nav.home"), URL: "/"}}
	want := store.Directory{Text: d.Query, Here: d.Showing == "here", Before: idOf(r.URL.Query().Get("before")), N: communitiesOnPage + 1}
	if d.Showing == "mine" {
		want.Member = v.Viewer.Actor
	}
	err := s.DB.View(r.Context(), func(tx *store.Tx) error {
		all, err := tx.Communities(want)
		if err != nil {
			return err
		}
		if len(all) > communitiesOnPage {
			all = all[:communitiesOnPage]
			d.Next = directoryURL(d.Query, d.Showing, all[len(all)-1].ID)
		}
		standing, err := tx.Standing(v.Viewer.Actor)
		if err != nil {
			return err
		}
		for _, c := range all {
			row, err := s.listing(v, tx, c, standing[c.ID])
			if err != nil {
				return err
			}
			d.Rows = append(d.Rows, row)
		}
		return nil
	})
	if want.Before != 0 && copse.CodeOf(err) == copse.CodeNotFound {
		http.Redirect(w, r, directoryURL(d.Query, d.Showing, 0), http.StatusSeeOther)
		return nil
	}
	if err != nil {
		return err
	}
	choices(v, &d)
	return s.Render(w, r, status, page.Communities(d))
}

// choices fills in what the list is called, the ways to narrow it, and what to
// say when it is empty.
func choices(v *Visit, d *page.Directory) {
	w := v.W
	type choice struct{ show, text, heading, empty string }
	all := []choice{{"", w.T("directory.all"), w.T("directory.all"), w.T("directory.none")}}
	if v.Login != nil {
		all = append(all, choice{"mine", w.T("directory.mine"), w.T("directory.mine"), w.T("directory.none_mine")})
	}
	all = append(all, choice{"here", w.T("directory.here", "council", v.title), w.T("directory.here", "council", v.title), w.T("directory.none_here")})
	for _, c := range all {
		d.Show = append(d.Show, page.Link{Text: c.text, URL: directoryURL(d.Query, c.show, 0), Current: c.show == d.Showing})
		if c.show == d.Showing {
			d.Heading, d.Empty = c.heading, c.empty
		}
	}
	if d.Query != "" {
		d.Heading, d.Empty = w.T("directory.matching", "text", d.Query), w.T("directory.no_match", "text", d.Query)
	}
}

func directoryURL(text, show string, before copse.ID) string {
	query := url.Values{}
	if text != "" {
		query.Set("q", text)
	}
	if show != "" {
		query.Set("show", show)
	}
	if before != 0 {
		query.Set("before", idText(before))
	}
	if len(query) == 0 {
		return "/communities"
	}
	return "/communities?" + query.Encode()
}

// listing is a community as the list shows it to somebody who stands to it as m;
// nil if they never had to do with it.
func (s *Site) listing(v *Visit, tx *store.Tx, c *copse.Community, m *copse.Membership) (row page.Listing, err error) {
	council, err := s.Council(v, tx, &c.Actor)
	if err != nil {
		return row, err
	}
	row = page.Listing{
		Name: c.Title, URL: c.Path(), Purpose: markup.Title(c.Summary),
		Line: strings.TrimSpace(v.W.T("place.run_by", "council", council) + " " + reach(v, c)),
		Tags: []page.Mark{activity(v, c.Active), {Text: v.W.T("join_tag." + string(joining(c)))}},
	}
	if c.Audience == copse.Members {
		row.Tags = append(row.Tags, page.Mark{Text: v.W.T("directory.members_only")})
	}
	switch {
	case m == nil, m.State == copse.Left, m.State == "":
		row.Join = WayIn(v, c)
	case m.Role >= copse.Moderator:
		row.Standing = v.W.T("standing.facilitator")
	case m.State == copse.Active:
		row.Standing = v.W.T("standing.member")
	case m.State == copse.Pending:
		row.Standing = waiting(v, c, council)
	case m.State == copse.Declined:
		row.Standing = v.W.T("standing.declined")
	case m.State == copse.Blocked:
		row.Standing = v.W.T("standing.blocked")
	}
	return row, nil
}

// activity says when something was last said in a community.
func activity(v *Visit, last time.Time) page.Mark {
	today := v.Now.In(words.London())
	midnight := time.Date(today.Year(), today.Month(), today.Day(), 0, 0, 0, 0, words.London())
	switch {
	case !last.Before(midnight):
		return page.Mark{Kind: "good", Text: v.W.T("directory.today")}
	case !last.Before(midnight.AddDate(0, 0, -6)):
		return page.Mark{Text: v.W.T("directory.week")}
	case !last.Before(midnight.AddDate(0, -1, 0)):
		return page.Mark{Text: v.W.T("directory.month")}
	}
	return page.Mark{Kind: "wait", Text: v.W.T("directory.quiet", "date", last)}
}

// find goes to the community or person that an address from another council
// stands for.
func (s *Site) find(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := s.SignedIn(v); err != nil {
		return err // strangers do not send this server anywhere
	}
	form := page.Form{Values: r.PostForm}
	address := strings.TrimSpace(r.PostFormValue("address"))
	if address == "" {
		form.Fail("address", v.W.T("directory.no_address"))
		return s.showDirectory(w, r, v, http.StatusUnprocessableEntity, form)
	}
	found, err := s.Fed.Find(r.Context(), address)
	var told *copse.Error
	if errors.As(err, &told) {
		form.Fail("address", v.W.Sentence(told.Format, told.Args...))
		return s.showDirectory(w, r, v, http.StatusUnprocessableEntity, form)
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, found.Path(), http.StatusSeeOther)
	return nil
}

// foundForm shows the form for starting a community.
func (s *Site) foundForm(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := s.SignedIn(v); err != nil {
		return err
	}
	// What is said in a new community is for its members, and its facilitators
	// know whom they let in, unless somebody chooses otherwise.
	form := page.Form{Values: url.Values{
		"audience": {string(copse.Members)}, "join": {string(copse.JoinApproval)}, "sharing": {string(copse.SharedAll)},
	}}
	return s.showFound(w, r, v, http.StatusOK, form)
}

func (s *Site) showFound(w http.ResponseWriter, r *http.Request, v *Visit, status int, form page.Form) error {
	f := page.CommunityForm{
		Frame: s.Frame(v, r, v.W.T("founding.heading")), Form: form, Lede: v.W.T("founding.lede"),
		Action: "/communities/new", New: true, Host: s.Hub.Host(),
		Sees: v.W.T("founding.sees"), Button: v.W.T("founding.start"),
	}
	f.Frame.Nav, f.Frame.Failed = "communities", form.Failed()
	f.Frame.Trail = []page.Link{{Text: v.W.T("nav.home"), URL: "/"}, {Text: v.W.T("nav.communities"), URL: "/communities"}}
	return s.Render(w, r, status, page.EditCommunity(f))
}

// foundCommunity starts a community.
func (s *Site) foundCommunity(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := s.SignedIn(v); err != nil {
		return err
	}
	form := page.Form{Values: r.PostForm}
	c := &copse.Community{Posting: copse.Member}
	described(v, r, &form, c)
	c.Name = strings.TrimLeft(strings.ToLower(strings.TrimSpace(r.PostFormValue("name"))), "!@")
	if c.Name == "" {
		c.Name = shortName(c.Title)
		form.Values.Set("name", c.Name) // to be changed if it is taken
	}
	if !form.Failed() {
		err := s.Hub.Found(r.Context(), v.Me(), c)
		if !s.Blame(v, &form, err) && err != nil {
			return err
		}
	}
	if form.Failed() {
		return s.showFound(w, r, v, http.StatusUnprocessableEntity, form)
	}
	s.Tell(r, v.W.T("founding.done", "name", c.Title))
	http.Redirect(w, r, c.Path(), http.StatusSeeOther)
	return nil
}

// shortName makes a short name of a title: "Tai a dŵr" becomes "tai_a_dwr". It is
// "" of a title in letters that names cannot have.
func shortName(title string) string {
	var b strings.Builder
	gap := false
	for _, r := range norm.NFKD.String(strings.ToLower(title)) {
		switch {
		case r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r)):
			if gap && b.Len() > 0 {
				b.WriteByte('_')
			}
			gap = false
			b.WriteRune(r)
		case unicode.IsMark(r), r == '\'', r == '’':
		default:
			gap = true
		}
	}
	name := b.String()
	if len(name) <= maxShortName {
		return name
	}
	if i := strings.LastIndexByte(name[:maxShortName+1], '_'); i > 0 {
		return name[:i]
	}
	return name[:maxShortName]
}

// maxShortName is the longest name that hub.CheckName allows, in letters.
const maxShortName = 30
