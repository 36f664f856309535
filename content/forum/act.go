package forum

import (
	"net/http"

	"copse/copse"
	"copse/store"
	"copse/web"
	"copse/web/page"
)

// helpful marks a post as helpful, or takes that back.
func (p pages) helpful(yes bool) web.Handler {
	return func(w http.ResponseWriter, r *http.Request, v *web.Visit) error {
		if err := p.SignedIn(v); err != nil {
			return err
		}
		sc, err := p.at(r, v)
		if err != nil {
			return err
		}
		if err := p.Hub.Like(r.Context(), v.Me(), sc.Post.Object, yes); err != nil {
			return err
		}
		return p.goTo(w, r, v, sc.Post.Object)
	}
}

// sendAgain has other councils asked once more to take a post.
func (p pages) sendAgain(w http.ResponseWriter, r *http.Request, v *web.Visit) error {
	if err := p.SignedIn(v); err != nil {
		return err
	}
	sc, err := p.at(r, v)
	if err != nil {
		return err
	}
	if err := p.Hub.SendAgain(r.Context(), v.Me(), sc.Post.Object); err != nil {
		return err
	}
	p.Tell(r, v.W.T("receipt.sent_again"))
	return p.goTo(w, r, v, sc.Post.Object)
}

// accept makes a reply the answer to the question it is in the thread of, or no
// longer.
func (p pages) accept(yes bool) web.Handler {
	return func(w http.ResponseWriter, r *http.Request, v *web.Visit) error {
		if err := p.SignedIn(v); err != nil {
			return err
		}
		sc, err := p.at(r, v)
		if err != nil {
			return err
		}
		if !sc.Topic.Question {
			return copse.Invalid("", "only a question can have an answer")
		}
		question, answer := sc.Topic.Object, copse.ID(0)
		if yes {
			answer = sc.Post.ID
		} else if question.Answer != sc.Post.ID {
			answer = question.Answer // another was accepted meanwhile
		}
		if question.Answer != answer {
			question.Answer = answer
			if err := p.Hub.Edit(r.Context(), v.Me(), question); err != nil {
				return err
			}
		}
		return p.goTo(w, r, v, sc.Post.Object)
	}
}

// removeForm asks whether a post is to be removed, and a facilitator why.
func (p pages) removeForm(w http.ResponseWriter, r *http.Request, v *web.Visit) error {
	if err := p.SignedIn(v); err != nil {
		return err
	}
	return p.showRemove(w, r, v, http.StatusOK, page.Form{})
}

// remove removes a post. Its place stays.
func (p pages) remove(w http.ResponseWriter, r *http.Request, v *web.Visit) error {
	if err := p.SignedIn(v); err != nil {
		return err
	}
	sc, err := p.at(r, v)
	if err != nil {
		return err
	}
	if sc.Post.Deleted.IsZero() {
		err := p.Hub.Remove(r.Context(), v.Me(), sc.Post.Object, r.PostFormValue("reason"))
		form := page.Form{Values: r.PostForm}
		if copse.CodeOf(err) == copse.CodeInvalid && p.Blame(v, &form, err) {
			return p.showRemove(w, r, v, http.StatusUnprocessableEntity, form)
		}
		if err != nil {
			return err
		}
		if sc.Post.Author == v.Viewer.Actor {
			p.Tell(r, v.W.T("remove.done"))
		} else if err := p.Ruled(r, v, sc.Community, v.W.T("remove.done")); err != nil {
			return err
		}
	}
	if sc.Post.TopLevel() && sc.Post.Author == v.Viewer.Actor {
		http.Redirect(w, r, sc.Community.Path()+"/forum", http.StatusSeeOther)
		return nil
	}
	return p.goTo(w, r, v, sc.Post.Object) // where a facilitator can think better of it
}

// restore puts back what a facilitator removed.
func (p pages) restore(w http.ResponseWriter, r *http.Request, v *web.Visit) error {
	if err := p.SignedIn(v); err != nil {
		return err
	}
	sc, err := p.at(r, v)
	if err != nil {
		return err
	}
	if err := p.Hub.Restore(r.Context(), v.Me(), sc.Post.Object); err != nil {
		return err
	}
	if err := p.Ruled(r, v, sc.Community, v.W.T("remove.restored")); err != nil {
		return err
	}
	return p.goTo(w, r, v, sc.Post.Object)
}

func (p pages) showRemove(w http.ResponseWriter, r *http.Request, v *web.Visit, status int, form page.Form) error {
	d := removal{Form: form}
	err := p.DB.View(r.Context(), func(tx *store.Tx) error {
		sc, err := p.scene(v, tx, r)
		if err != nil {
			return err
		}
		o := sc.Post.Object
		facts := sc.facts(v, o)
		if facts.Deleted {
			return copse.Forbidden("this has been removed")
		}
		if err := copse.MayRemove(facts); err != nil {
			return err
		}
		show, err := p.showing(v, tx, sc)
		if err != nil {
			return err
		}
		if d.Post, err = show.post(sc.Post); err != nil {
			return err
		}
		d.Why, d.Action, d.Back = !facts.Author, address(o)+"/delete", address(o)
		d.Text = v.W.T("remove.own")
		if d.Why {
			d.Text = v.W.T("remove.others")
		}
		d.Frame, _, err = p.Inside(v, tx, r, sc.Standing, v.W.T("remove.title"), section(sc))
		return err
	})
	if err != nil {
		return err
	}
	d.Frame.Failed = form.Failed()
	return p.Render(w, r, status, remove(d))
}
