package forum

import (
	"crypto/rand"
	"net/http"
	"strings"
	"time"

	"copse/copse"
	"copse/internal/markup"
	"copse/store"
	"copse/web"
	"copse/web/page"
)

// startForm is the form for a question or another conversation.
func (p pages) startForm(question bool) web.Handler {
	return func(w http.ResponseWriter, r *http.Request, v *web.Visit) error {
		if err := p.SignedIn(v); err != nil {
			return err
		}
		return p.showStart(w, r, v, question, http.StatusOK, page.Form{})
	}
}

// start posts a question or another conversation, or shows how it will look.
func (p pages) start(question bool) web.Handler {
	return func(w http.ResponseWriter, r *http.Request, v *web.Visit) error {
		if err := p.SignedIn(v); err != nil {
			return err
		}
		form := page.Form{Values: r.PostForm}
		if r.PostFormValue("preview") != "" {
			return p.showStart(w, r, v, question, http.StatusOK, form)
		}
		var c *copse.Community
		err := p.DB.View(r.Context(), func(tx *store.Tx) (err error) {
			c, err = p.Community(tx, r)
			return err
		})
		if err != nil {
			return err
		}
		text := strings.TrimSpace(r.PostFormValue("text"))
		o := &copse.Object{
			Kind: Topic, Community: c.ID, Question: question,
			Title: strings.TrimSpace(r.PostFormValue("title")), Source: text, HTML: markup.HTML(text),
		}
		if !question && text == "" {
			form.Fail("text", v.W.T("new.no_text"))
		}
		if o.Title == "" {
			form.Fail("title", titleMissing(v, question))
		}
		if !form.Failed() {
			err := p.Hub.PostOnce(r.Context(), v.Me(), o, r.PostFormValue("once"))
			if !p.Blame(v, &form, err) && err != nil {
				return err
			}
		}
		if form.Failed() {
			return p.showStart(w, r, v, question, http.StatusUnprocessableEntity, form)
		}
		http.Redirect(w, r, address(o), http.StatusSeeOther)
		return nil
	}
}

func titleMissing(v *web.Visit, question bool) string {
	if question {
		return v.W.T("ask.no_title")
	}
	return v.W.T("new.no_title")
}

func (p pages) showStart(w http.ResponseWriter, r *http.Request, v *web.Visit, question bool, status int, form page.Form) error {
	writing := &writing{Form: form, Once: once(form)}
	err := p.DB.View(r.Context(), func(tx *store.Tx) error {
		st, err := p.Standing(v, tx, r)
		if err != nil {
			return err
		}
		if question {
			asking(v, st.Community, writing)
		} else {
			telling(v, st.Community, writing)
		}
		writing.Back = st.Community.Path()
		writing.Barrier = barrierTo(v, r, st, copse.MayPost(st.Facts))
		if writing.Frame, writing.Copy, err = p.Inside(v, tx, r, st, writing.Frame.Title, ""); err != nil {
			return err
		}
		writing.Readers, err = p.Readers(v, tx, st.Community, st.Community.Audience)
		return err
	})
	if err != nil {
		return err
	}
	return p.showWriting(w, r, writing, status)
}

// asking and telling fill in what a form for a question and for any other
// conversation ask.
func asking(v *web.Visit, c *copse.Community, w *writing) {
	w.Frame.Title, w.Lede, w.Button = v.W.T("ask.title"), v.W.T("ask.lede"), v.W.T("ask.post")
	w.Action = c.Path() + "/ask"
	w.Title = &page.Field{Name: "title", Label: v.W.T("ask.question"), Hint: v.W.T("ask.question_hint")}
	w.Text = page.Field{Name: "text", Label: v.W.T("ask.detail"), Hint: v.W.T("ask.detail_hint"), Optional: true, Rows: 8}
}

func telling(v *web.Visit, c *copse.Community, w *writing) {
	w.Frame.Title, w.Lede, w.Button = v.W.T("new.title"), v.W.T("new.lede"), v.W.T("new.post")
	w.Action = c.Path() + "/new"
	w.Title = &page.Field{Name: "title", Label: v.W.T("new.heading"), Hint: v.W.T("new.heading_hint")}
	w.Text = page.Field{Name: "text", Label: v.W.T("new.text"), Hint: v.W.T("write.text_hint"), Rows: 8}
}

// showWriting shows a form to write in. Those who may not write here are told so
// before they type, unless they have typed already: then it is kept for them.
func (p pages) showWriting(w http.ResponseWriter, r *http.Request, writing *writing, status int) error {
	if why := writing.Barrier.Why; why != "" {
		if writing.Form.Value("text") == "" && writing.Form.Value("title") == "" {
			return p.Render(w, r, http.StatusForbidden, barred(writing))
		}
		if !writing.Form.Failed() { // it was to be a preview
			writing.Form.Fail("", why)
			status = http.StatusUnprocessableEntity
		}
	}
	if r.PostFormValue("preview") != "" {
		writing.Preview = markup.HTML(writing.Form.Value("text"))
	}
	writing.Frame.Failed = writing.Form.Failed()
	return p.Render(w, r, status, write(writing))
}

// once tells a form from every other one, for as long as somebody writes in it.
func once(f page.Form) string {
	if was := f.Value("once"); was != "" {
		return was
	}
	return rand.Text()
}

// replying is the form for a reply at the foot of a topic.
func (p pages) replying(v *web.Visit, tx *store.Tx, sc *scene) (*writing, error) {
	w := &writing{
		Action: address(sc.Topic.Object) + "/reply", Button: v.W.T("reply.post"), Once: once(page.Form{}),
		Text: page.Field{Name: "text", Label: v.W.T("reply.title"), Hint: v.W.T("write.text_hint"), Rows: 6},
	}
	w.Frame.W = v.W
	var err error
	w.Readers, err = p.Readers(v, tx, sc.Community, sc.Topic.Audience)
	return w, err
}

// replyForm is a page for a reply, to a reply or to the topic.
func (p pages) replyForm(w http.ResponseWriter, r *http.Request, v *web.Visit) error {
	if err := p.SignedIn(v); err != nil {
		return err
	}
	return p.showReply(w, r, v, http.StatusOK, page.Form{})
}

// reply posts a reply, or shows how it will look.
func (p pages) reply(w http.ResponseWriter, r *http.Request, v *web.Visit) error {
	if err := p.SignedIn(v); err != nil {
		return err
	}
	form := page.Form{Values: r.PostForm}
	if r.PostFormValue("preview") != "" {
		return p.showReply(w, r, v, http.StatusOK, form)
	}
	var (
		sc     *scene
		parent store.Post
	)
	err := p.DB.View(r.Context(), func(tx *store.Tx) (err error) {
		if sc, err = p.scene(v, tx, r); err != nil {
			return err
		}
		parent, err = answered(v, tx, r, sc)
		return err
	})
	if err != nil {
		return err
	}
	text := strings.TrimSpace(r.PostFormValue("text"))
	// What answers something that was written for members is for members too.
	o := &copse.Object{Kind: Reply, Parent: parent.ID, Source: text, HTML: markup.HTML(text), Audience: sc.Topic.Audience}
	err = p.Hub.PostOnce(r.Context(), v.Me(), o, r.PostFormValue("once"))
	if p.Blame(v, &form, err) {
		return p.showReply(w, r, v, http.StatusUnprocessableEntity, form)
	}
	if err != nil {
		return err
	}
	if waits(sc.Community, o) {
		p.Tell(r, v.W.T("reply.waits"))
	} else {
		p.Tell(r, v.W.T("reply.posted"))
	}
	return p.goTo(w, r, v, o)
}

// goTo leads to a post in its place.
func (p pages) goTo(w http.ResponseWriter, r *http.Request, v *web.Visit, o *copse.Object) error {
	var target string
	err := p.DB.View(r.Context(), func(tx *store.Tx) (err error) {
		target, err = p.place(v, tx, o)
		return err
	})
	if err != nil {
		return err
	}
	http.Redirect(w, r, target, http.StatusSeeOther)
	return nil
}

// answered is the post that a reply answers: the one that "to" names, which has to
// be in the same topic, or the topic itself.
func answered(v *web.Visit, tx *store.Tx, r *http.Request, sc *scene) (store.Post, error) {
	to := r.FormValue("to")
	if to == "" {
		return sc.Topic, nil
	}
	p, err := tx.Post(v.Viewer, idOf(to))
	if err == nil && p.Root != sc.Topic.ID {
		return p, copse.NotFound("there is nothing here")
	}
	return p, err
}

func (p pages) showReply(w http.ResponseWriter, r *http.Request, v *web.Visit, status int, form page.Form) error {
	var writing *writing
	err := p.DB.View(r.Context(), func(tx *store.Tx) error {
		sc, err := p.scene(v, tx, r)
		if err != nil {
			return err
		}
		parent, err := answered(v, tx, r, sc)
		if err != nil {
			return err
		}
		if writing, err = p.replying(v, tx, sc); err != nil {
			return err
		}
		writing.Form, writing.Once = form, once(form)
		writing.Back = address(parent.Object)
		writing.Barrier = barrierTo(v, r, sc.Standing, copse.MayReply(sc.facts(v, parent.Object)))
		show, err := p.showing(v, tx, sc)
		if err != nil {
			return err
		}
		quoted, err := show.post(parent)
		if err != nil {
			return err
		}
		writing.To = &quoted
		if !parent.TopLevel() {
			writing.ToID = idText(parent.ID)
		}
		title := v.W.T("reply.to", "name", quoted.By.Name)
		if quoted.Gone != "" {
			title = v.W.T("reply.title")
		}
		writing.Frame, writing.Copy, err = p.Inside(v, tx, r, sc.Standing, title, section(sc))
		return err
	})
	if err != nil {
		return err
	}
	return p.showWriting(w, r, writing, status)
}

// editForm is the form for changing what one wrote.
func (p pages) editForm(w http.ResponseWriter, r *http.Request, v *web.Visit) error {
	if err := p.SignedIn(v); err != nil {
		return err
	}
	return p.showEdit(w, r, v, http.StatusOK, page.Form{})
}

// edit changes what somebody wrote, or shows how it will look.
func (p pages) edit(w http.ResponseWriter, r *http.Request, v *web.Visit) error {
	if err := p.SignedIn(v); err != nil {
		return err
	}
	form := page.Form{Values: r.PostForm}
	if r.PostFormValue("preview") != "" {
		return p.showEdit(w, r, v, http.StatusOK, form)
	}
	sc, err := p.at(r, v)
	if err != nil {
		return err
	}
	o := sc.Post.Object
	text, title := strings.TrimSpace(r.PostFormValue("text")), o.Title
	if o.TopLevel() {
		title = strings.TrimSpace(r.PostFormValue("title"))
	}
	if text != o.Source || title != o.Title {
		o.Title, o.Source, o.HTML = title, text, markup.HTML(text)
		o.Edited = time.Time{} // now: what it was until now is kept under the time it had
		err := p.Hub.Edit(r.Context(), v.Me(), o)
		if p.Blame(v, &form, err) {
			return p.showEdit(w, r, v, http.StatusUnprocessableEntity, form)
		}
		if err != nil {
			return err
		}
		p.Tell(r, v.W.T("edit.done"))
	}
	return p.goTo(w, r, v, o)
}

// at is scene in a transaction of its own.
func (p pages) at(r *http.Request, v *web.Visit) (sc *scene, err error) {
	err = p.DB.View(r.Context(), func(tx *store.Tx) (err error) {
		sc, err = p.scene(v, tx, r)
		return err
	})
	return sc, err
}

func (p pages) showEdit(w http.ResponseWriter, r *http.Request, v *web.Visit, status int, form page.Form) error {
	writing := &writing{Form: form, Button: v.W.T("edit.save")}
	err := p.DB.View(r.Context(), func(tx *store.Tx) error {
		sc, err := p.scene(v, tx, r)
		if err != nil {
			return err
		}
		o := sc.Post.Object
		if err := copse.MayEdit(sc.facts(v, o)); err != nil && form.Values == nil {
			return err
		}
		if form.Values == nil {
			writing.Form.Values = map[string][]string{"title": {o.Title}, "text": {o.Source}}
		}
		writing.Action, writing.Back = address(o)+"/edit", address(o)
		writing.Text = page.Field{Name: "text", Label: v.W.T("edit.text"), Hint: v.W.T("write.text_hint"), Rows: 12}
		if o.TopLevel() {
			writing.Title = &page.Field{Name: "title", Label: v.W.T("edit.heading")}
		}
		writing.Lede = v.W.T("edit.lede")
		if writing.Frame, writing.Copy, err = p.Inside(v, tx, r, sc.Standing, v.W.T("edit.title"), section(sc)); err != nil {
			return err
		}
		writing.Readers, err = p.Readers(v, tx, sc.Community, o.Audience)
		return err
	})
	if err != nil {
		return err
	}
	return p.showWriting(w, r, writing, status)
}
