package web

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/a-h/templ"
	"github.com/go-chi/chi/v5"

	"copse/copse"
	"copse/internal/markup"
	"copse/store"
	"copse/web/page"
)

// communities adds the pages of communities and of the list of them.
func (s *Site) communities(r chi.Router) {
	s.Handle(r, "GET", "/communities", s.directory)
	s.Handle(r, "POST", "/communities/find", s.find)
	s.Handle(r, "GET", "/communities/new", s.foundForm)
	s.Handle(r, "POST", "/communities/new", s.foundCommunity)

	s.Handle(r, "GET", "/c/{community}", s.communityHome)
	s.Handle(r, "GET", "/c/{community}/about", s.communityAbout)
	s.Handle(r, "GET", "/c/{community}/members", s.communityMembers)
	s.Handle(r, "POST", "/c/{community}/members/{person}/facilitator", s.appoint(true))
	s.Handle(r, "POST", "/c/{community}/members/{person}/ordinary", s.appoint(false))
	s.Handle(r, "GET", "/c/{community}/members/{person}/block", s.banForm)
	s.Handle(r, "POST", "/c/{community}/members/{person}/block", s.ban)
	s.Handle(r, "POST", "/c/{community}/members/{person}/unblock", s.unban)
	s.Handle(r, "GET", "/c/{community}/join", s.joinForm)
	s.Handle(r, "POST", "/c/{community}/join", s.join)
	s.Handle(r, "GET", "/c/{community}/leave", s.leaveForm)
	s.Handle(r, "POST", "/c/{community}/leave", s.leave)

	s.Handle(r, "GET", "/c/{community}/facilitate/requests", s.requests)
	s.Handle(r, "POST", "/c/{community}/facilitate/requests/{person}", s.decide)
	s.Handle(r, "GET", "/c/{community}/facilitate/settings", s.governForm)
	s.Handle(r, "POST", "/c/{community}/facilitate/settings", s.govern)

	s.Handle(r, "GET", "/c/{community}/facilitate/move", s.communityMoving)
	s.Handle(r, "POST", "/c/{community}/facilitate/move/was", s.communityWas)
	s.Handle(r, "POST", "/c/{community}/facilitate/move/away", s.moveCommunity)
	s.Handle(r, "POST", "/c/{community}/facilitate/move/back", s.communityBack)

	s.Handle(r, "GET", "/c/{community}/facilitate", leadTo("facilitate/requests"))
	// A form with mistakes is shown at the address it was sent to, from where a
	// change of language or a reload comes back with a GET.
	s.Handle(r, "GET", "/communities/find", leadTo("/communities"))
	s.Handle(r, "GET", "/c/{community}/facilitate/requests/{person}", leadTo("."))
}

// leadTo sends readers on to target, relative to where they are.
func leadTo(target string) Handler {
	return func(w http.ResponseWriter, r *http.Request, _ *Visit) error {
		http.Redirect(w, r, target, http.StatusSeeOther)
		return nil
	}
}

// A Standing is a community and how whoever makes a visit stands to it.
type Standing struct {
	Community  *copse.Community
	Membership *copse.Membership
	Facts      copse.Facts
}

// Standing returns the community in the address and how v's reader stands to it.
func (s *Site) Standing(v *Visit, tx *store.Tx, r *http.Request) (*Standing, error) {
	c, err := s.Community(tx, r)
	if err != nil {
		return nil, err
	}
	return s.StandingIn(v, tx, c)
}

// StandingIn is Standing for a community that is at hand.
func (s *Site) StandingIn(v *Visit, tx *store.Tx, c *copse.Community) (*Standing, error) {
	m, err := tx.Membership(c.ID, v.Viewer.Actor)
	if err != nil {
		return nil, err
	}
	facts := copse.Facts{Community: c, Role: m.Role, State: m.State, Moved: v.Login != nil && v.Me().HasMoved()}
	return &Standing{c, m, facts}, nil
}

// Reads reports whether what is said in the community is open to the reader.
func (st *Standing) Reads() bool {
	return copse.MaySee(st.Facts, st.Community.Audience) == nil
}

// communityHome is a community's front page. Anybody may see that it is there, what
// it is for and who looks after it; what is said in it, and by whom, only those
// who may read it.
func (s *Site) communityHome(w http.ResponseWriter, r *http.Request, v *Visit) error {
	var (
		h      page.Home
		st     *Standing
		fronts []templ.Component
	)
	err := s.DB.View(r.Context(), func(tx *store.Tx) (err error) {
		if st, err = s.Standing(v, tx, r); err != nil {
			return err
		}
		c := st.Community
		if h.Frame, h.Copy, err = s.Inside(v, tx, r, st, c.Title, c.Path()); err != nil {
			return err
		}
		council, err := s.Council(v, tx, &c.Actor)
		if err != nil {
			return err
		}
		if h.Facilitators, err = s.facilitators(v, tx, c); err != nil {
			return err
		}
		h.Purpose = markup.Title(c.Summary)
		h.Line = h.Frame.Place.Line + " " + reach(v, c)
		s.greet(v, st, council, &h)
		if !st.Reads() {
			switch {
			case h.Standing != nil: // which says enough
			case v.Login == nil:
				h.Closed, h.ClosedURL = v.W.T("community.closed_stranger"), signInFor(c.Path())
			case c.MovedTo != "": // which the notice says
			case WayIn(v, c) == nil:
				h.Explain = v.W.T("join_line.invitation")
				h.Standing = &page.Mark{Text: v.W.T("directory.members_only")}
			default:
				h.Closed, h.ClosedURL = v.W.T("community.closed"), c.Path()+"/join"
			}
			return nil
		}
		for _, section := range s.Sections {
			if section.Front == nil {
				continue
			}
			front, err := section.Front(s, v, tx, c)
			if err != nil {
				return err
			}
			fronts = append(fronts, front)
		}
		return nil
	})
	if err != nil {
		return err
	}
	ctx := templ.WithChildren(r.Context(), templ.Join(fronts...))
	return s.Render(w, r.WithContext(ctx), http.StatusOK, page.CommunityHome(h))
}

// Inside returns the frame of a page in a community, and what to say if its home
// does not answer, which the next page will know if nobody has noticed yet. current
// is the address of the section that the page is in.
func (s *Site) Inside(v *Visit, tx *store.Tx, r *http.Request, st *Standing, title, current string) (f page.Frame, stale page.Copy, err error) {
	f = s.Frame(v, r, title)
	f.Nav = "communities"
	f.Trail = []page.Link{{Text: v.W.T("nav.home"), URL: "/"}, {Text: v.W.T("nav.communities"), URL: "/communities"}}
	if f.Place, err = s.Place(v, tx, st.Community, current); err != nil {
		return f, stale, err
	}
	if v.Login != nil {
		s.Fed.Freshen(&st.Community.Actor)
	}
	if stale, err = s.hasMoved(v, tx, st.Community); err != nil || stale.Title != "" {
		return f, stale, err
	}
	stale, err = s.staleCopy(v, tx, st.Community)
	return f, stale, err
}

// staleCopy is what to say where a community's home does not answer: how old what
// is read here may be.
func (s *Site) staleCopy(v *Visit, tx *store.Tx, c *copse.Community) (stale page.Copy, err error) {
	if c.Local {
		return stale, nil
	}
	peer, err := v.peer(tx, c.Host)
	if err != nil || peer.State == copse.PeerOK || peer.State == "" {
		return stale, err
	}
	council, err := s.Council(v, tx, &c.Actor)
	if err != nil {
		return stale, err
	}
	heard := peer.LastSeen
	if peer.LastOK.After(heard) {
		heard = peer.LastOK
	}
	if c.Fetched.After(heard) {
		heard = c.Fetched
	}
	stale.Title = v.W.T("community.away", "council", council)
	switch {
	case heard.IsZero():
		stale.Text = v.W.T("community.copy")
	case v.W.Date(heard) == v.W.Date(v.Now):
		stale.Text = v.W.T("community.copy_from", "time", v.W.Clock(heard))
	default:
		stale.Text = v.W.T("community.copy_from", "time", v.W.DateTime(heard))
	}
	return stale, nil
}

// greet fills in how the reader stands to a community, which council runs, and
// what they can do there.
func (s *Site) greet(v *Visit, st *Standing, council string, h *page.Home) {
	c, m, w := st.Community, st.Membership, v.W
	h.Links = []page.Link{{Text: w.T("community.about"), URL: c.Path() + "/about"}}
	switch {
	case m.State == copse.Blocked:
		h.Standing = &page.Mark{Kind: "stop", Text: w.T("standing.blocked")}
		h.Explain = blocked(v, c, m)
	case m.Role >= copse.Member:
		for _, section := range s.Sections {
			if section.Start != nil && copse.MayPost(st.Facts) == nil {
				h.Buttons = append(h.Buttons, section.Start(v, c)...)
			}
		}
		if c.Local && c.Welcome != "" && m.Role == copse.Member && v.Now.Sub(m.Since) < greeted {
			h.Welcome = markup.HTML(c.Welcome)
		}
		h.Links = append(h.Links, page.Link{Text: w.T("community.leave"), URL: c.Path() + "/leave"})
	case m.State == copse.Pending:
		h.Standing = &page.Mark{Kind: "wait", Text: waiting(v, c, council)}
		h.Explain = w.T("standing.waiting_since", "date", m.Since)
		h.Links = append(h.Links, page.Link{Text: w.T("community.withdraw"), URL: c.Path() + "/leave"})
	case m.State == copse.Declined:
		h.Standing = &page.Mark{Kind: "stop", Text: w.T("standing.declined")}
		h.Explain = w.T("standing.declined_on", "date", m.Since)
		fallthrough
	default:
		if way := WayIn(v, c); way != nil {
			h.Buttons = append(h.Buttons, *way)
		}
	}
}

// greeted is how long somebody is greeted with the community's welcome.
const greeted = 7 * 24 * time.Hour

// waiting says what somebody who asked to join waits for.
func waiting(v *Visit, c *copse.Community, council string) string {
	if !c.Local && c.Join == copse.JoinOpen {
		return v.W.T("standing.waiting_home", "council", council)
	}
	return v.W.T("standing.waiting")
}

// WayIn is what somebody who is not in a community can do to get in; nil where it
// is by invitation only.
func WayIn(v *Visit, c *copse.Community) *page.Action {
	about := " " + c.Title
	switch {
	case c.Join == copse.JoinInvitation, c.MovedTo != "", v.Login != nil && v.Me().HasMoved():
		return nil
	case v.Login == nil:
		return &page.Action{Text: v.W.T("join.sign_in"), About: about, URL: signInFor(c.Path() + "/join")}
	case c.Join == copse.JoinOpen:
		return &page.Action{Text: v.W.T("join.join"), About: about, URL: c.Path() + "/join", Post: true}
	}
	return &page.Action{Text: v.W.T("join.ask"), About: about, URL: c.Path() + "/join"}
}

// signInFor is where to sign in to go on to next.
func signInFor(next string) string { return "/sign-in?" + url.Values{"next": {next}}.Encode() }

// reach says how many are in a community; "" if its home does not say.
func reach(v *Visit, c *copse.Community) string {
	if c.Members == 0 {
		return ""
	}
	return v.W.T("community.reach", "people", people(v, c), "councils", councils(v, c))
}

func people(v *Visit, c *copse.Community) string { return v.W.N("community.people", c.Members) }

// A member is at some council, even where a home does not count councils.
func councils(v *Visit, c *copse.Community) string {
	return v.W.N("community.councils", max(c.Councils, 1))
}

// facilitators are those who look after a community, as far as is known here.
func (s *Site) facilitators(v *Visit, tx *store.Tx, c *copse.Community) ([]page.Person, error) {
	all, err := tx.MembersOf(c.ID, copse.Moderator, 0, facilitatorsOnPage)
	if err != nil {
		return nil, err
	}
	return s.persons(v, tx, all)
}

func (s *Site) persons(v *Visit, tx *store.Tx, all []store.Person) ([]page.Person, error) {
	shown := make([]page.Person, 0, len(all))
	for _, a := range all {
		p, err := s.Person(v, tx, a.Actor)
		if err != nil {
			return nil, err
		}
		shown = append(shown, p)
	}
	return shown, nil
}

// Readers are those who will see what is written in a community for an audience:
// the same servers that it will be delivered to.
func (s *Site) Readers(v *Visit, tx *store.Tx, c *copse.Community, audience copse.Audience) (readers page.Readers, err error) {
	if c.Local {
		return s.readersHere(v, tx, c, audience)
	}
	home, err := s.Council(v, tx, &c.Actor)
	if err != nil {
		return readers, err
	}
	switch {
	case audience == copse.Public:
		readers.Text = v.W.T("readers.public_there", "council", home)
	case c.Members == 0:
		readers.Text = v.W.T("readers.members_unknown", "name", c.Title, "council", home)
	default:
		// Its home and this council, however old the number is.
		readers.Text = v.W.T("readers.members_there", "name", c.Title, "people", people(v, c),
			"councils", v.W.N("community.councils", max(c.Councils, 2)), "council", home)
	}
	return readers, nil
}

func (s *Site) readersHere(v *Visit, tx *store.Tx, c *copse.Community, audience copse.Audience) (readers page.Readers, err error) {
	peers, err := tx.Reached(c.ID)
	if err != nil {
		return readers, err
	}
	for _, p := range peers {
		switch {
		case !copse.MayExchange(s.Mode, s.policy(p)):
		case p.Title == "":
			readers.Councils = append(readers.Councils, p.Host)
		default:
			readers.Councils = append(readers.Councils, p.Title)
		}
	}
	switch {
	case audience != copse.Public:
		readers.Text = v.W.T("readers.members", "name", c.Title, "people", people(v, c),
			"councils", v.W.N("community.councils", len(readers.Councils)+1))
		if len(readers.Councils) > 0 {
			readers.Councils = append([]string{v.title}, readers.Councils...)
		}
	case len(readers.Councils) == 0:
		readers.Text = v.W.T("readers.public_here")
	default:
		readers.Text = v.W.T("readers.public", "councils", v.W.N("community.councils", len(readers.Councils)))
	}
	return readers, nil
}

// communityAbout is what a community is for and how it works.
func (s *Site) communityAbout(w http.ResponseWriter, r *http.Request, v *Visit) error {
	var a page.AboutCommunity
	err := s.DB.View(r.Context(), func(tx *store.Tx) error {
		st, err := s.Standing(v, tx, r)
		if err != nil {
			return err
		}
		c := st.Community
		if a.Frame, a.Copy, err = s.Inside(v, tx, r, st, v.W.T("about_community.title", "name", c.Title), ""); err != nil {
			return err
		}
		council, err := s.Council(v, tx, &c.Actor)
		if err != nil {
			return err
		}
		a.HTML = c.Summary
		a.Rows = []page.Fact{
			{Name: v.W.T("about_community.run_by"), Text: council},
			{Name: v.W.T("about_community.address"), Text: "!" + c.Handle()},
			{Name: v.W.T("about_community.audience"), Text: v.W.T("about_audience." + string(c.Audience))},
			{Name: v.W.T("about_community.join"), Text: v.W.T("about_join." + string(joining(c)))},
		}
		if text := sharedWith(v, c); text != "" {
			a.Rows = append(a.Rows, page.Fact{Name: v.W.T("about_community.sharing"), Text: text})
		}
		if text := reach(v, c); text != "" {
			a.Rows = append(a.Rows, page.Fact{Name: v.W.T("about_community.members"), Text: text})
		}
		a.Rows = append(a.Rows, page.Fact{Name: v.W.T("about_community.since"), Text: v.W.Date(c.Created)})
		return nil
	})
	if err != nil {
		return err
	}
	return s.Render(w, r, http.StatusOK, page.CommunityAbout(a))
}

// sharedWith says which other councils a community of ours is for, if not for all.
func sharedWith(v *Visit, c *copse.Community) string {
	switch c.Sharing {
	case copse.SharedHere:
		return v.W.T("about_community.here")
	case copse.SharedNamed:
		return v.W.T("about_community.named", "councils", strings.Join(c.Named, ", "))
	}
	return ""
}

// joining is how one joins c. Servers that do not say are asked.
func joining(c *copse.Community) copse.Join {
	if c.Join == copse.JoinOpen || c.Join == copse.JoinInvitation {
		return c.Join
	}
	return copse.JoinApproval
}

const (
	membersOnPage      = 50
	facilitatorsOnPage = 20
)

// communityMembers is who is in a community. Only its members see names, other than the
// facilitators', which are everybody's to know.
func (s *Site) communityMembers(w http.ResponseWriter, r *http.Request, v *Visit) error {
	var m page.MemberList
	err := s.DB.View(r.Context(), func(tx *store.Tx) error {
		st, err := s.Standing(v, tx, r)
		if err != nil {
			return err
		}
		c := st.Community
		current := c.Path() + "/members"
		if m.Frame, m.Copy, err = s.Inside(v, tx, r, st, v.W.T("community.members"), current); err != nil {
			return err
		}
		m.Line = reach(v, c)
		after := idOf(r.FormValue("after"))
		if after == 0 {
			all, err := tx.MembersOf(c.ID, copse.Moderator, 0, facilitatorsOnPage)
			if err != nil {
				return err
			}
			if m.Facilitators, err = s.members(v, tx, st, all); err != nil {
				return err
			}
			if m.Blocked, err = s.bannedMembers(v, tx, st); err != nil {
				return err
			}
			if m.Asked, err = s.askedAbout(v, tx, st, copse.Banning, copse.Appointing); err != nil {
				return err
			}
		}
		if st.Facts.Role < copse.Member {
			m.Note, m.NoteURL = v.W.T("members.closed"), c.Path()
			return nil
		}
		if !c.Local {
			council, err := s.Council(v, tx, &c.Actor)
			if err != nil {
				return err
			}
			m.Note = v.W.T("members.there", "council", council, "here", v.title)
		}
		return s.ordinary(v, tx, st, after, &m)
	})
	if err != nil {
		return err
	}
	return s.Render(w, r, http.StatusOK, page.CommunityMembers(m))
}

// ordinary fills in the members who are not facilitators, from after one of them.
func (s *Site) ordinary(v *Visit, tx *store.Tx, st *Standing, after copse.ID, m *page.MemberList) error {
	c := st.Community
	all, err := tx.MembersOf(c.ID, copse.Member, after, membersOnPage+1)
	if err != nil {
		return err
	}
	if len(all) > membersOnPage {
		all = all[:membersOnPage]
		m.Next = c.Path() + "/members?after=" + idText(all[len(all)-1].Actor.ID)
	}
	for len(all) > 0 && all[0].Role >= copse.Moderator {
		all = all[1:]
	}
	m.Members, err = s.members(v, tx, st, all)
	return err
}

// members are people in a community, with what an owner and a facilitator can do.
func (s *Site) members(v *Visit, tx *store.Tx, st *Standing, all []store.Person) ([]page.Member, error) {
	bans, err := s.Takes(v, tx, st.Community, copse.Banning)
	if err != nil {
		return nil, err
	}
	appoints, err := s.Takes(v, tx, st.Community, copse.Appointing)
	if err != nil {
		return nil, err
	}
	shown := make([]page.Member, len(all))
	for i, a := range all {
		p, err := s.Person(v, tx, a.Actor)
		if err != nil {
			return nil, err
		}
		shown[i].Person = p
		if a.Was >= copse.Moderator && a.Role == copse.Member && copse.MayAppoint(st.Facts, &a.Membership) == nil {
			shown[i].Note = v.W.T("moving.was_facilitator")
		}
		if bans && a.Actor.ID != v.Viewer.Actor && copse.MayBan(st.Facts, &a.Membership) == nil {
			shown[i].Block = &page.Action{
				Text: v.W.T("block.action"), About: ": " + p.Name,
				URL: st.Community.Path() + "/members/" + idText(a.Actor.ID) + "/block",
			}
		}
		if !appoints || a.Actor.ID == v.Viewer.Actor && !st.Community.Local || copse.MayAppoint(st.Facts, &a.Membership) != nil {
			continue
		}
		action := page.Action{
			Text: v.W.T("members.appoint"), About: ": " + p.Name, Post: true,
			URL: st.Community.Path() + "/members/" + idText(a.Actor.ID) + "/facilitator",
		}
		if a.Role == copse.Moderator {
			action.Text = v.W.T("members.dismiss")
			action.URL = st.Community.Path() + "/members/" + idText(a.Actor.ID) + "/ordinary"
		}
		shown[i].Action = &action
	}
	return shown, nil
}

// appoint makes a member of a community a facilitator, or an ordinary member again.
func (s *Site) appoint(facilitator bool) Handler {
	return func(w http.ResponseWriter, r *http.Request, v *Visit) error {
		if err := s.SignedIn(v); err != nil {
			return err
		}
		st, person, who, err := s.subject(r, v, copse.Appointing)
		if err != nil {
			return err
		}
		if err := s.Hub.Appoint(r.Context(), v.Me(), st.Community, person, facilitator); err != nil {
			return err
		}
		told := v.W.T("members.dismissed", "name", who.Name)
		if facilitator {
			told = v.W.T("members.appointed", "name", who.Name)
		}
		if err := s.Ruled(r, v, st.Community, told); err != nil {
			return err
		}
		http.Redirect(w, r, st.Community.Path()+"/members", http.StatusSeeOther)
		return nil
	}
}
