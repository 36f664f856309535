package web

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/a-h/templ"
	"github.com/go-chi/chi/v5"

	"copse/copse"
	"copse/store"
	"copse/web/page"
)

const (
	// movesOnPage is how many communities that have moved are decided about at a time.
	movesOnPage = 50
	// offersTime is how long other servers may take when somebody joins all that they
	// were in: what is not done by then can be tried again.
	offersTime = 20 * time.Second
)

// moving is where somebody says which council they were at before, and which they are
// at now.
func (s *Site) moving(w http.ResponseWriter, r *http.Request, v *Visit) error {
	return s.showMoving(w, r, v, http.StatusOK, page.Form{}, page.Form{})
}

func (s *Site) showMoving(w http.ResponseWriter, r *http.Request, v *Visit, status int, was, to page.Form) error {
	if err := s.SignedIn(v); err != nil {
		return err
	}
	me := v.Me()
	m := page.Move{
		Titles: [3]string{v.W.T("moving.moved"), v.W.T("moving.before"), v.W.T("moving.away")},
		Lede:   v.W.T("moving.lede"), At: "/settings/move", Was: was, To: to, Again: v.W.T("moving.again"),
		From: v.W.T("moving.from"), Say: v.W.T("moving.say"), Go: v.W.T("moving.go"),
		WasIn:    page.Field{Name: "was", Label: v.W.T("moving.was"), Hint: v.W.T("moving.was_hint"), More: unchecked()},
		ToIn:     page.Field{Name: "address", Label: v.W.T("moving.to"), Hint: v.W.T("moving.to_hint", "address", me.Handle()), More: unchecked()},
		Away:     []string{v.W.T("moving.away_first"), v.W.T("moving.away_members"), v.W.T("moving.away_words"), v.W.T("moving.away_old"), v.W.T("moving.away_often")},
		Password: true, Email: v.Login.Email,
	}
	m.Frame = s.Frame(v, r, v.W.T("moving.title"))
	m.Frame.Trail = []page.Link{{Text: v.W.T("nav.home"), URL: "/"}, {Text: v.W.T("yours.title"), URL: "/settings"}}
	err := s.DB.View(r.Context(), func(tx *store.Tx) error {
		if err := s.moves(v, tx, me, &m); err != nil {
			return err
		}
		offers, err := tx.Offers(me.ID)
		if err != nil {
			return err
		}
		for _, uri := range offers {
			offer := page.Link{Text: uri, URL: uri}
			c, err := tx.ActorByURI(uri)
			if err == nil {
				offer = page.Link{Text: c.Title, URL: c.Path()}
			} else if copse.CodeOf(err) != copse.CodeNotFound {
				return err
			}
			m.Offers = append(m.Offers, offer)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return s.renderMove(w, r, status, m, page.PersonMove)
}

// unchecked is for addresses, which no dictionary has and which begin small.
func unchecked() templ.Attributes {
	return templ.Attributes{"spellcheck": "false", "autocapitalize": "none"}
}

func (s *Site) renderMove(w http.ResponseWriter, r *http.Request, status int, m page.Move, of func(page.Move) templ.Component) error {
	m.Errors.Errors = slices.Concat(m.Was.Errors, m.To.Errors)
	m.Frame.Failed = m.Errors.Failed()
	return s.Render(w, r, status, of(m))
}

// moves fills in where an actor here was before, and where it is by now.
func (s *Site) moves(v *Visit, tx *store.Tx, a *copse.Actor, m *page.Move) error {
	for _, uri := range a.AlsoKnownAs {
		name, _, err := s.nameOf(tx, uri)
		if err != nil {
			return err
		}
		m.Before = append(m.Before, page.Former{Text: name, URI: uri})
	}
	if a.MovedTo == "" {
		return nil
	}
	name, at, err := s.nameOf(tx, a.MovedTo)
	m.Moved, m.There = v.W.T("moving.moved_to", "address", name, "date", a.Moved), at
	return err
}

// nameOf returns how people write the address of an actor, and its page here, if it is
// known; and otherwise its URI for both.
func (s *Site) nameOf(tx *store.Tx, uri string) (name, at string, err error) {
	a, err := tx.ActorByURI(uri)
	if copse.CodeOf(err) == copse.CodeNotFound {
		return uri, uri, nil
	}
	if err != nil {
		return "", "", err
	}
	return a.Handle(), a.Path(), nil
}

// postWas records that somebody was somebody else before, or takes that back.
func (s *Site) postWas(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := s.SignedIn(v); err != nil {
		return err
	}
	form, err := s.say(r, v, v.Me(), "@", func() error { return s.Hub.Describe(r.Context(), v.Me()) })
	if err != nil {
		return err
	}
	if form.Failed() {
		return s.showMoving(w, r, v, http.StatusUnprocessableEntity, form, page.Form{})
	}
	s.Tell(r, v.W.T("yours.saved"))
	http.Redirect(w, r, "/settings/move", http.StatusSeeOther)
	return nil
}

// say changes what an actor here says that it was before, as a form asks for it, and
// then saves that. sort is "@" for people and "!" for communities.
func (s *Site) say(r *http.Request, v *Visit, a *copse.Actor, sort string, save func() error) (page.Form, error) {
	form := page.Form{Values: r.PostForm}
	if uri := r.PostFormValue("forget"); uri != "" {
		a.AlsoKnownAs = slices.DeleteFunc(a.AlsoKnownAs, func(was string) bool { return was == uri })
		return form, save()
	}
	old, err := s.seek(r.Context(), v, &form, "was", sort, a)
	if err != nil || form.Failed() {
		return form, err
	}
	if !slices.Contains(a.AlsoKnownAs, old.URI) {
		a.AlsoKnownAs = append(a.AlsoKnownAs, old.URI)
	}
	err = save()
	if s.Blame(v, &form, err) {
		return form, nil
	}
	return form, err
}

// seek returns the actor that somebody named in a field, as its server describes it
// just now, or says in the form what is wrong with that. It has to be of the sort of
// a, and not a itself.
func (s *Site) seek(ctx context.Context, v *Visit, form *page.Form, field, sort string, a *copse.Actor) (*copse.Actor, error) {
	address := strings.TrimSpace(form.Value(field))
	if address == "" {
		form.Fail(field, v.W.T("moving.no_address"))
		return nil, nil
	}
	if !strings.Contains(address, "://") {
		address = sort + strings.TrimLeft(address, "!@~")
	}
	found, err := s.Fed.FindAnew(ctx, address)
	var told *copse.Error
	switch {
	case errors.As(err, &told):
		form.Fail(field, v.W.Sentence(told.Format, told.Args...))
		return nil, nil
	case err != nil:
		return nil, err
	case found.ID == a.ID || found.Type != a.Type:
		form.Fail(field, v.W.Sentence("%s is nobody that you can move to", found.Handle()))
	}
	return found, nil
}

// postOffers has somebody join all that they were in at the council they came from,
// or no more be asked about it.
func (s *Site) postOffers(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := s.SignedIn(v); err != nil {
		return err
	}
	var offers []string
	err := s.DB.View(r.Context(), func(tx *store.Tx) (err error) {
		offers, err = tx.Offers(v.Viewer.Actor)
		return err
	})
	if err != nil {
		return err
	}
	join, left := r.PostFormValue("answer") == "join", 0
	ctx, cancel := context.WithTimeout(r.Context(), offersTime)
	defer cancel()
	for _, uri := range offers {
		if join {
			if err := s.joinAt(ctx, v, uri); err != nil {
				left++ // its council may not answer just now: it is offered again
				continue
			}
		}
		err := s.DB.Update(r.Context(), func(tx *store.Tx) error { return tx.DropOffer(v.Viewer.Actor, uri) })
		if err != nil {
			return err
		}
	}
	switch {
	case left > 0:
		s.Tell(r, v.W.T("moving.some_left"))
	case join:
		s.Tell(r, v.W.T("moving.all_joined"))
	}
	target := "/"
	if left > 0 {
		target = "/settings/move"
	}
	http.Redirect(w, r, target, http.StatusSeeOther)
	return nil
}

func (s *Site) joinAt(ctx context.Context, v *Visit, uri string) error {
	c, err := s.Fed.Find(ctx, uri)
	if err != nil {
		return err
	}
	return s.Hub.Join(ctx, v.Me(), c, "")
}

// postMove moves somebody to another council. Whoever uses their account elsewhere is
// signed out; here they can go on reading.
func (s *Site) postMove(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := s.SignedIn(v); err != nil {
		return err
	}
	account, err := s.checkSignIn(w, r, v.Login.Email, r.PostFormValue("current_password"))
	if err != nil {
		return err
	}
	form := page.Form{Values: r.PostForm}
	to, err := s.seek(r.Context(), v, &form, "address", "@", v.Me())
	if err != nil {
		return err
	}
	if account == nil {
		form.Fail("current_password", v.W.T("yours.wrong_password"))
	}
	if !form.Failed() {
		if err = s.Hub.Move(r.Context(), v.Me(), to); err != nil && !s.blameAddress(v, &form, err) {
			return err
		}
	}
	if form.Failed() {
		return s.showMoving(w, r, v, http.StatusUnprocessableEntity, page.Form{}, form)
	}
	if err := s.DB.Update(r.Context(), func(tx *store.Tx) error { return tx.DropSessions(v.Viewer.Actor) }); err != nil {
		return err
	}
	if err := s.signIn(r.Context(), v.Viewer.Actor); err != nil {
		return err
	}
	s.Tell(r, v.W.T("moving.done"))
	http.Redirect(w, r, "/settings/move", http.StatusSeeOther)
	return nil
}

// blameAddress is Blame for a move that may not be, which is about where it was to
// go.
func (s *Site) blameAddress(v *Visit, form *page.Form, err error) bool {
	n := len(form.Errors)
	if !s.Blame(v, form, err) {
		return false
	}
	form.Errors[n].Name = "address"
	return true
}

// postBack lets somebody use the account again that they had moved from. What they
// were in is the other account's by now.
func (s *Site) postBack(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := s.SignedIn(v); err != nil {
		return err
	}
	me := v.Me()
	me.MovedTo = ""
	if err := s.Hub.Describe(r.Context(), me); err != nil {
		return err
	}
	s.Tell(r, v.W.T("moving.back"))
	http.Redirect(w, r, "/settings/move", http.StatusSeeOther)
	return nil
}

// owning returns the community in the address if whoever is signed in owns it. For
// everybody else the page is not there.
func (s *Site) owning(v *Visit, tx *store.Tx, r *http.Request) (*Standing, error) {
	st, err := s.Standing(v, tx, r)
	if err == nil && (!st.Community.Local || copse.MayMoveCommunity(st.Facts) != nil) {
		err = copse.NotFound("there is nothing here")
	}
	return st, err
}

// communityMoving is where an owner says where a community was before, and where it
// is now.
func (s *Site) communityMoving(w http.ResponseWriter, r *http.Request, v *Visit) error {
	return s.showCommunityMoving(w, r, v, http.StatusOK, page.Form{}, page.Form{})
}

func (s *Site) showCommunityMoving(w http.ResponseWriter, r *http.Request, v *Visit, status int, was, to page.Form) error {
	if err := s.SignedIn(v); err != nil {
		return err
	}
	m := page.Move{
		Titles: [3]string{v.W.T("moving.community_moved"), v.W.T("moving.community_before"), v.W.T("moving.community_away")},
		Lede:   v.W.T("moving.community_lede"), Was: was, To: to, Again: v.W.T("moving.community_again"),
		From: v.W.T("moving.community_from"), Say: v.W.T("moving.say"), Go: v.W.T("moving.community_go"),
		WasIn: page.Field{Name: "was", Label: v.W.T("moving.community_was"), Hint: v.W.T("moving.community_hint"), More: unchecked()},
		ToIn:  page.Field{Name: "address", Label: v.W.T("moving.community_to"), Hint: v.W.T("moving.community_hint"), More: unchecked()},
		Away:  []string{v.W.T("moving.community_first"), v.W.T("moving.community_told"), v.W.T("moving.community_closed")},
	}
	err := s.DB.View(r.Context(), func(tx *store.Tx) error {
		st, err := s.owning(v, tx, r)
		if err != nil {
			return err
		}
		m.At = st.Community.Path() + "/facilitate/move"
		if err := s.moves(v, tx, &st.Community.Actor, &m); err != nil {
			return err
		}
		m.Frame, _, err = s.Inside(v, tx, r, st, v.W.T("moving.community_title"), m.At)
		return err
	})
	if err != nil {
		return err
	}
	return s.renderMove(w, r, status, m, page.CommunityMove)
}

// owned is owning in a transaction of its own.
func (s *Site) owned(r *http.Request, v *Visit) (c *copse.Community, err error) {
	if err := s.SignedIn(v); err != nil {
		return nil, err
	}
	err = s.DB.View(r.Context(), func(tx *store.Tx) error {
		st, err := s.owning(v, tx, r)
		if err == nil {
			c = st.Community
		}
		return err
	})
	return c, err
}

// communityWas records that a community takes over from another, or takes that back.
func (s *Site) communityWas(w http.ResponseWriter, r *http.Request, v *Visit) error {
	c, err := s.owned(r, v)
	if err != nil {
		return err
	}
	form, err := s.say(r, v, &c.Actor, "!", func() error { return s.Hub.Govern(r.Context(), v.Me(), c) })
	if err != nil {
		return err
	}
	if form.Failed() {
		return s.showCommunityMoving(w, r, v, http.StatusUnprocessableEntity, form, page.Form{})
	}
	s.Tell(r, v.W.T("settings.saved"))
	http.Redirect(w, r, c.Path()+"/facilitate/move", http.StatusSeeOther)
	return nil
}

// moveCommunity moves a community to another council.
func (s *Site) moveCommunity(w http.ResponseWriter, r *http.Request, v *Visit) error {
	c, err := s.owned(r, v)
	if err != nil {
		return err
	}
	form := page.Form{Values: r.PostForm}
	to, err := s.seek(r.Context(), v, &form, "address", "!", &c.Actor)
	if err != nil {
		return err
	}
	if !form.Failed() {
		if err = s.Hub.MoveCommunity(r.Context(), v.Me(), c, to); err != nil && !s.blameAddress(v, &form, err) {
			return err
		}
	}
	if form.Failed() {
		return s.showCommunityMoving(w, r, v, http.StatusUnprocessableEntity, page.Form{}, form)
	}
	http.Redirect(w, r, c.Path(), http.StatusSeeOther)
	return nil
}

// communityBack opens a community again that had moved.
func (s *Site) communityBack(w http.ResponseWriter, r *http.Request, v *Visit) error {
	c, err := s.owned(r, v)
	if err != nil {
		return err
	}
	c.MovedTo = ""
	if err := s.Hub.Govern(r.Context(), v.Me(), c); err != nil {
		return err
	}
	s.Tell(r, v.W.T("moving.community_back"))
	http.Redirect(w, r, c.Path(), http.StatusSeeOther)
	return nil
}

// hasMoved is what to say on the pages of a community that has moved. Where to is a
// link only if that is known here and says so too.
func (s *Site) hasMoved(v *Visit, tx *store.Tx, c *copse.Community) (says page.Copy, err error) {
	if c.MovedTo == "" {
		return says, nil
	}
	says.Title, says.Text = v.W.T("moving.community_moved"), v.W.T("moving.reads")
	to, err := tx.Successor(c.ID)
	if err != nil || to == nil {
		return says, err
	}
	council, err := s.Council(v, tx, to)
	says.Text += " " + v.W.T("moving.go_on", "name", to.Title, "council", council)
	says.URL = to.Path()
	return says, err
}

// movesWaiting adds what waits because somebody or a community has moved to the page
// of somebody's work.
func (s *Site) movesWaiting(v *Visit, tx *store.Tx, work *page.Work) error {
	offers, err := tx.Offers(v.Viewer.Actor)
	if err != nil {
		return err
	}
	if len(offers) > 0 && !v.Me().HasMoved() {
		work.Waiting = append(work.Waiting, page.Waiting{Text: v.W.T("moving.offers"), URL: "/settings/move", Do: v.W.T("moving.look")})
	}
	if s.Administers(v) != nil {
		return nil
	}
	all, err := tx.Moving(movesOnPage)
	for _, c := range all {
		work.Waiting = append(work.Waiting, page.Waiting{
			Text: v.W.T("moving.home", "community", c.Title), URL: "/admin/moves", Line: c.Handle(), Do: v.W.T("home.decide"),
		})
	}
	return err
}

// listMoves shows administrators the communities that have moved.
func (s *Site) listMoves(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := s.Administers(v); err != nil {
		return err
	}
	m := page.Moves{Frame: s.adminFrame(v, r, v.W.T("moving.admin_title"))}
	err := s.DB.View(r.Context(), func(tx *store.Tx) error {
		all, err := tx.Moving(movesOnPage)
		if err != nil {
			return err
		}
		for _, c := range all {
			row := page.MovedCommunity{ID: idText(c.ID), Title: c.Title, Says: v.W.T("moving.says_nothing", "community", c.Handle())}
			to, err := tx.Successor(c.ID)
			if err != nil {
				return err
			}
			if to != nil {
				row.Says, row.There = v.W.T("moving.says", "community", c.Handle(), "to", to.Handle()), to.Path()
			}
			here, err := tx.MembersHere(c.ID)
			if err != nil {
				return err
			}
			row.Members = v.W.N("moving.here", len(here))
			m.Rows = append(m.Rows, row)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return s.Render(w, r, http.StatusOK, page.CommunityMoves(m))
}

// decideMove has the people here who are in a community follow it to where it is now,
// or leaves them where they are.
func (s *Site) decideMove(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := s.Administers(v); err != nil {
		return err
	}
	answer, told := r.PostFormValue("answer"), v.W.T("moving.left_it")
	switch answer {
	case "move":
		told = v.W.T("moving.members_moved")
	case "leave":
	default:
		return copse.Invalid("", "this request cannot be read")
	}
	var c *copse.Community
	err := s.DB.View(r.Context(), func(tx *store.Tx) (err error) {
		c, err = tx.Community(idOf(chi.URLParam(r, "id")))
		return err
	})
	if err != nil {
		return err
	}
	if err := s.Hub.Resettle(r.Context(), v.Me(), c, answer == "move"); err != nil {
		return err
	}
	s.Tell(r, told)
	http.Redirect(w, r, "/admin/moves", http.StatusSeeOther)
	return nil
}
