package forum

import (
	"net/http"

	"copse/copse"
	"copse/store"
	"copse/web"
	"copse/web/page"
)

// addRulings fills in what a facilitator may decide about the conversation that a
// post starts.
func (s *showing) addRulings(p store.Post, add func(page.Action)) {
	if s.v.Login == nil || copse.MayModerate(s.Facts) != nil {
		return
	}
	// Elsewhere the list of members, where this is otherwise done, names few.
	if s.rules(p.Author, copse.Banning) && !s.Community.Local && p.Author != s.v.Viewer.Actor {
		add(page.Action{Text: s.v.W.T("block.action"), URL: s.Community.Path() + "/members/" + idText(p.Author) + "/block"})
	}
	if !p.TopLevel() {
		return
	}
	at := address(p.Object)
	switch {
	case !s.rules(p.ID, copse.Pinning):
	case s.Pinned:
		add(page.Action{Text: s.v.W.T("pin.undo"), URL: at + "/unpin", Post: true})
	default:
		add(page.Action{Text: s.v.W.T("pin.action"), URL: at + "/pin", Post: true})
	}
	switch {
	case !s.rules(p.ID, copse.Locking):
	case s.Lock == nil:
		add(page.Action{Text: s.v.W.T("close.action"), URL: at + "/close"})
	default:
		add(page.Action{Text: s.v.W.T("close.undo"), URL: at + "/open", Post: true})
	}
}

// rules reports whether such a ruling about something is taken from the reader's
// council, and has not been asked for already.
func (s *showing) rules(about copse.ID, r copse.Ruling) bool {
	return s.takes[r] && !web.UnderWay(s.proposals[about], r)
}

// addAsked says what the home of a community elsewhere was asked to do with a post.
func (s *showing) addAsked(p store.Post, shown *post) error {
	for _, q := range s.proposals[p.ID] {
		asked, err := s.site.Asked(s.v, s.tx, s.Community, q, "")
		if err != nil {
			return err
		}
		shown.Asked = append(shown.Asked, asked)
	}
	return nil
}

// pin has a conversation stand first in its community, or no longer.
func (p pages) pin(yes bool) web.Handler {
	return func(w http.ResponseWriter, r *http.Request, v *web.Visit) error {
		if err := p.SignedIn(v); err != nil {
			return err
		}
		sc, err := p.at(r, v)
		if err != nil {
			return err
		}
		if err := p.Hub.Pin(r.Context(), v.Me(), sc.Post.Object, yes); err != nil {
			return err
		}
		told := v.W.T("pin.undone")
		if yes {
			told = v.W.T("pin.done")
		}
		if err := p.Ruled(r, v, sc.Community, told); err != nil {
			return err
		}
		return p.goTo(w, r, v, sc.Post.Object)
	}
}

// closeForm asks whether a conversation is to be closed, and why.
func (p pages) closeForm(w http.ResponseWriter, r *http.Request, v *web.Visit) error {
	if err := p.SignedIn(v); err != nil {
		return err
	}
	return p.showClose(w, r, v, http.StatusOK, page.Form{})
}

// close closes a conversation.
func (p pages) close(w http.ResponseWriter, r *http.Request, v *web.Visit) error {
	if err := p.SignedIn(v); err != nil {
		return err
	}
	sc, err := p.at(r, v)
	if err != nil {
		return err
	}
	err = p.Hub.Lock(r.Context(), v.Me(), sc.Post.Object, true, r.PostFormValue("reason"))
	form := page.Form{Values: r.PostForm}
	if p.Blame(v, &form, err) {
		return p.showClose(w, r, v, http.StatusUnprocessableEntity, form)
	}
	if err != nil {
		return err
	}
	if err := p.Ruled(r, v, sc.Community, v.W.T("close.done")); err != nil {
		return err
	}
	return p.goTo(w, r, v, sc.Post.Object)
}

// open opens it again.
func (p pages) open(w http.ResponseWriter, r *http.Request, v *web.Visit) error {
	if err := p.SignedIn(v); err != nil {
		return err
	}
	sc, err := p.at(r, v)
	if err != nil {
		return err
	}
	if err := p.Hub.Lock(r.Context(), v.Me(), sc.Post.Object, false, ""); err != nil {
		return err
	}
	if err := p.Ruled(r, v, sc.Community, v.W.T("close.undone")); err != nil {
		return err
	}
	return p.goTo(w, r, v, sc.Post.Object)
}

func (p pages) showClose(w http.ResponseWriter, r *http.Request, v *web.Visit, status int, form page.Form) error {
	c := closing{Form: form}
	err := p.DB.View(r.Context(), func(tx *store.Tx) error {
		sc, err := p.scene(v, tx, r)
		if err != nil {
			return err
		}
		if err := copse.MayModerate(sc.Facts); err != nil {
			return err
		}
		c.Topic, c.Back = sc.Topic.Title, address(sc.Topic.Object)
		c.Frame, _, err = p.Inside(v, tx, r, sc.Standing, v.W.T("close.title"), section(sc))
		return err
	})
	if err != nil {
		return err
	}
	c.Frame.Failed = form.Failed()
	return p.Render(w, r, status, closeTopic(c))
}
