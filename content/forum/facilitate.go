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
	if !p.TopLevel() || s.v.Login == nil || copse.MayModerate(s.Facts) != nil {
		return
	}
	if s.Pinned {
		add(page.Action{Text: s.v.W.T("pin.undo"), URL: address(p.Object) + "/unpin", Post: true})
	} else {
		add(page.Action{Text: s.v.W.T("pin.action"), URL: address(p.Object) + "/pin", Post: true})
	}
	if s.Lock == nil {
		add(page.Action{Text: s.v.W.T("close.action"), URL: address(p.Object) + "/close"})
	} else {
		add(page.Action{Text: s.v.W.T("close.undo"), URL: address(p.Object) + "/open", Post: true})
	}
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
		if yes {
			p.Tell(r, v.W.T("pin.done"))
		} else {
			p.Tell(r, v.W.T("pin.undone"))
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
	p.Tell(r, v.W.T("close.done"))
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
	p.Tell(r, v.W.T("close.undone"))
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
