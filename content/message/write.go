package message

import (
	"crypto/rand"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"copse/copse"
	"copse/internal/markup"
	"copse/store"
	"copse/web"
	"copse/web/page"
)

// newForm is the form for a message to one person or several.
func (p pages) newForm(w http.ResponseWriter, r *http.Request, v *web.Visit) error {
	return p.showNew(w, r, v, http.StatusOK, page.Form{Values: url.Values{"to": {strings.Join(r.Form["to"], ", ")}}})
}

// start sends the first message to somebody, or another one.
func (p pages) start(w http.ResponseWriter, r *http.Request, v *web.Visit) error {
	form := page.Form{Values: r.PostForm}
	m := written(form)
	var err error
	if m.To, err = p.addressees(r, v, &form); err != nil {
		return err
	}
	if m.Source == "" {
		form.Fail("text", v.W.T("messages.no_text"))
	}
	if !form.Failed() {
		err = p.Hub.Write(r.Context(), v.Me(), m, form.Value("once"))
		if !p.blame(v, &form, err, "to") && err != nil {
			return err
		}
	}
	if form.Failed() {
		return p.showNew(w, r, v, http.StatusUnprocessableEntity, form)
	}
	p.Tell(r, v.W.T("messages.sent"))
	http.Redirect(w, r, path(m.Conversation), http.StatusSeeOther)
	return nil
}

// reply sends another message in a conversation.
func (p pages) reply(w http.ResponseWriter, r *http.Request, v *web.Visit) error {
	form := page.Form{Values: r.PostForm}
	m := written(form)
	err := p.DB.View(r.Context(), func(tx *store.Tx) error {
		talk, err := tx.Talk(v.Viewer.Actor, id(r))
		m.To, m.Others = talk.People, talk.Others
		return err
	})
	if err != nil {
		return err
	}
	if m.Source == "" {
		form.Fail("text", v.W.T("messages.no_text"))
	}
	if err = p.mayReach(r, v, m.To, &form, ""); err != nil {
		return err
	}
	if !form.Failed() {
		err = p.Hub.Write(r.Context(), v.Me(), m, form.Value("once"))
		if !p.blame(v, &form, err, "") && err != nil {
			return err
		}
	}
	if form.Failed() {
		return p.showTalk(w, r, v, http.StatusUnprocessableEntity, form)
	}
	p.Tell(r, v.W.T("messages.sent"))
	http.Redirect(w, r, path(m.Conversation), http.StatusSeeOther)
	return nil
}

func written(form page.Form) *copse.Message {
	text := strings.TrimSpace(form.Value("text"))
	return &copse.Message{Source: text, HTML: markup.HTML(text)}
}

// addressees are those whom a form names, by address, or those here by name alone.
// What is wrong with one is put into the form.
func (p pages) addressees(r *http.Request, v *web.Visit, form *page.Form) (to []*copse.Actor, err error) {
	named := strings.FieldsFunc(form.Value("to"), func(c rune) bool { return c == ',' || c == ';' || unicode.IsSpace(c) })
	switch {
	case len(named) == 0:
		form.Fail("to", v.W.T("messages.no_one"))
	case len(named) > copse.MaxRecipients:
		form.Fail("to", sentence(v, copse.CheckMessage(new(copse.Message), len(named))))
		return nil, nil
	}
	for _, address := range named {
		if !strings.ContainsRune(strings.TrimLeft(address, "@"), '@') && !strings.Contains(address, "://") {
			address = strings.TrimLeft(address, "@") + "@" + p.Hub.Host()
		}
		a, err := p.Fed.Find(r.Context(), address)
		var told *copse.Error
		switch {
		case errors.As(err, &told):
			form.Fail("to", v.W.T("messages.not_found", "address", address, "why", sentence(v, err)))
		case err != nil:
			return nil, err
		case a.ID == v.Viewer.Actor:
			form.Fail("to", v.W.T("messages.yourself"))
		case !slices.ContainsFunc(to, func(b *copse.Actor) bool { return b.ID == a.ID }):
			to = append(to, a)
		}
	}
	return to, p.mayReach(r, v, to, form, "to")
}

// mayReach puts into a form at whose council nothing arrives, because nothing is
// exchanged with it.
func (p pages) mayReach(r *http.Request, v *web.Visit, to []*copse.Actor, form *page.Form, field string) error {
	return p.DB.View(r.Context(), func(tx *store.Tx) error {
		for _, a := range to {
			if a.Local {
				continue
			}
			standing, err := p.Fed.Standing(tx, a.Host)
			if err != nil {
				return err
			}
			if standing.Stance == copse.Refusing {
				form.Fail(field, v.W.T("messages.no_exchange", "council", a.Host))
			}
		}
		return nil
	})
}

// blame is Blame for what cannot be told from what was typed at a glance: a limit that
// was reached keeps the words too, and what is about a person is about the given field.
func (p pages) blame(v *web.Visit, form *page.Form, err error, field string) bool {
	var told *copse.Error
	if !errors.As(err, &told) {
		return false
	}
	if told.Field == "" {
		form.Fail(field, sentence(v, err))
		return true
	}
	return p.Blame(v, form, err)
}

// sentence is what an error tells, in the reader's language.
func sentence(v *web.Visit, err error) string {
	var told *copse.Error
	if !errors.As(err, &told) {
		return ""
	}
	return v.W.Sentence(told.Format, told.Args...)
}

// once tells a form from every other one, for as long as somebody writes in it.
func once(f page.Form) string {
	if was := f.Value("once"); was != "" {
		return was
	}
	return rand.Text()
}

func (p pages) showNew(w http.ResponseWriter, r *http.Request, v *web.Visit, status int, form page.Form) error {
	f := p.frame(v, r, v.W.T("messages.new"))
	f.Trail = []page.Link{{Text: v.W.T("messages.title"), URL: "/messages"}}
	f.Failed = form.Failed()
	return p.Render(w, r, status, start(newPage{Frame: f, Form: form, Once: once(form), Readers: v.W.T("messages.who_sees_new")}))
}

// editForm is the form for changing what one wrote.
func (p pages) editForm(w http.ResponseWriter, r *http.Request, v *web.Visit) error {
	return p.showEdit(w, r, v, http.StatusOK, page.Form{})
}

// edit changes what one wrote.
func (p pages) edit(w http.ResponseWriter, r *http.Request, v *web.Visit) error {
	l, err := p.own(r, v)
	if err != nil {
		return err
	}
	form := page.Form{Values: r.PostForm}
	m := written(form)
	if m.Source == "" {
		form.Fail("text", v.W.T("messages.no_text"))
	} else if m.Source != l.Source {
		l.Source, l.HTML = m.Source, m.HTML
		err := p.Hub.Rewrite(r.Context(), v.Me(), l.Message)
		if !p.blame(v, &form, err, "") && err != nil {
			return err
		}
	}
	if form.Failed() {
		return p.showEdit(w, r, v, http.StatusUnprocessableEntity, form)
	}
	p.Tell(r, v.W.T("messages.edited_now"))
	http.Redirect(w, r, path(l.Conversation), http.StatusSeeOther)
	return nil
}

// own is the message in the address, if it is the reader's to change.
func (p pages) own(r *http.Request, v *web.Visit) (store.Line, error) {
	l, err := p.at(r, v)
	if err != nil {
		return l, err
	}
	return l, copse.MayChangeMessage(l.Message, v.Viewer.Actor)
}

func (p pages) showEdit(w http.ResponseWriter, r *http.Request, v *web.Visit, status int, form page.Form) error {
	l, err := p.own(r, v)
	if err != nil {
		return err
	}
	if form.Values == nil {
		form.Values = url.Values{"text": {l.Source}}
	}
	e := p.change(v, r, l, v.W.T("messages.edit_title"))
	e.Form, e.Frame.Failed = form, form.Failed()
	return p.Render(w, r, status, edit(e))
}

// deleteForm asks whether a message is to be deleted.
func (p pages) deleteForm(w http.ResponseWriter, r *http.Request, v *web.Visit) error {
	l, err := p.own(r, v)
	if err != nil {
		return err
	}
	return p.Render(w, r, http.StatusOK, remove(p.change(v, r, l, v.W.T("messages.delete_title"))))
}

func (p pages) change(v *web.Visit, r *http.Request, l store.Line, title string) changePage {
	c := changePage{Frame: p.frame(v, r, title), HTML: l.HTML, Action: r.URL.Path, Back: path(l.Conversation)}
	c.Frame.Trail = []page.Link{{Text: v.W.T("messages.title"), URL: "/messages"}}
	return c
}

// delete deletes a message. Its place stays.
func (p pages) delete(w http.ResponseWriter, r *http.Request, v *web.Visit) error {
	l, err := p.at(r, v)
	if err != nil {
		return err
	}
	if err := p.Hub.Unsay(r.Context(), v.Me(), l.Message); err != nil {
		return err
	}
	p.Tell(r, v.W.T("messages.deleted_now"))
	http.Redirect(w, r, path(l.Conversation), http.StatusSeeOther)
	return nil
}

// blocked is whom the reader has blocked.
func (p pages) blocked(w http.ResponseWriter, r *http.Request, v *web.Visit) error {
	b := blockedPage{Frame: p.frame(v, r, v.W.T("messages.blocked_title"))}
	b.Frame.Trail = []page.Link{{Text: v.W.T("messages.title"), URL: "/messages"}}
	err := p.DB.View(r.Context(), func(tx *store.Tx) error {
		all, err := tx.BlockedBy(v.Viewer.Actor)
		for _, a := range all {
			var person page.Person
			if person, err = p.Person(v, tx, a); err != nil {
				return err
			}
			b.People = append(b.People, correspondent{Person: person, Blocked: true, Who: a.Handle()})
		}
		return err
	})
	if err != nil {
		return err
	}
	return p.Render(w, r, http.StatusOK, showBlocked(b))
}

// blockForm asks whether somebody is to be blocked.
func (p pages) blockForm(w http.ResponseWriter, r *http.Request, v *web.Visit) error {
	a, err := p.who(r, v)
	if err != nil {
		return err
	}
	b := blockPage{Frame: p.frame(v, r, ""), Who: a.Handle(), Back: a.Path()}
	err = p.DB.View(r.Context(), func(tx *store.Tx) (err error) {
		b.Person, err = p.Person(v, tx, a)
		return err
	})
	if err != nil {
		return err
	}
	b.Frame.Title = v.W.T("messages.block_title", "name", b.Person.Name)
	b.Frame.Trail = []page.Link{{Text: v.W.T("messages.title"), URL: "/messages"}}
	return p.Render(w, r, http.StatusOK, block(b))
}

// block blocks somebody, or no longer.
func (p pages) block(blocked bool) web.Handler {
	return func(w http.ResponseWriter, r *http.Request, v *web.Visit) error {
		a, err := p.who(r, v)
		if err != nil {
			return err
		}
		if err := p.Hub.Shun(r.Context(), v.Me(), a, blocked); err != nil {
			return err
		}
		if blocked {
			p.Tell(r, v.W.T("messages.blocked_now", "name", a.Title))
		} else {
			p.Tell(r, v.W.T("messages.unblocked_now", "name", a.Title))
		}
		http.Redirect(w, r, "/messages/blocked", http.StatusSeeOther)
		return nil
	}
}

// who is the person that a form or a link names by their address, if they are known
// here.
func (p pages) who(r *http.Request, v *web.Visit) (a *copse.Actor, err error) {
	name, host, _ := strings.Cut(r.FormValue("who"), "@")
	err = p.DB.View(r.Context(), func(tx *store.Tx) (err error) {
		a, err = tx.ActorAt(strings.ToLower(name), strings.ToLower(host), copse.Person)
		return err
	})
	return a, err
}
