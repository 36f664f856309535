package forum

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/a-h/templ"
	"github.com/go-chi/chi/v5"

	"copse/copse"
	"copse/store"
	"copse/web"
	"copse/web/page"
)

// Section is the forum's part of the site.
var Section = web.Section{
	Kind:   Topic,
	Routes: routes,
	Links:  links,
	Front: func(s *web.Site, v *web.Visit, tx *store.Tx, c *copse.Community) (templ.Component, error) {
		return pages{s}.front(v, tx, c)
	},
	Start: start,
}

// pages are the forum's, on a site.
type pages struct{ *web.Site }

func routes(s *web.Site, r chi.Router) {
	p := pages{s}
	s.Handle(r, "GET", "/c/{community}/forum", p.conversations)
	s.Handle(r, "GET", "/c/{community}/questions", p.questions)
	s.Handle(r, "GET", "/c/{community}/ask", p.startForm(true))
	s.Handle(r, "POST", "/c/{community}/ask", p.start(true))
	s.Handle(r, "GET", "/c/{community}/new", p.startForm(false))
	s.Handle(r, "POST", "/c/{community}/new", p.start(false))
	s.Handle(r, "GET", "/post/{id}", p.topic)
	s.Handle(r, "GET", "/comment/{id}", p.comment)
	s.Handle(r, "GET", "/post/{id}/reply", p.replyForm)
	s.Handle(r, "POST", "/post/{id}/reply", p.reply)
	for _, post := range []string{"/post/{id}", "/comment/{id}"} {
		s.Handle(r, "GET", post+"/edit", p.editForm)
		s.Handle(r, "POST", post+"/edit", p.edit)
		s.Handle(r, "GET", post+"/history", p.history)
		s.Handle(r, "GET", post+"/delete", p.removeForm)
		s.Handle(r, "POST", post+"/delete", p.remove)
		s.Handle(r, "POST", post+"/restore", p.restore)
		s.Handle(r, "POST", post+"/send-again", p.sendAgain)
		// Two addresses, not one that goes back and forth: who clicks twice means it
		// once.
		s.Handle(r, "POST", post+"/helpful", p.helpful(true))
		s.Handle(r, "POST", post+"/helpful/undo", p.helpful(false))
	}
	s.Handle(r, "GET", "/post/{id}/close", p.closeForm)
	s.Handle(r, "POST", "/post/{id}/close", p.close)
	s.Handle(r, "POST", "/post/{id}/open", p.open)
	s.Handle(r, "POST", "/post/{id}/pin", p.pin(true))
	s.Handle(r, "POST", "/post/{id}/unpin", p.pin(false))
	s.Handle(r, "POST", "/comment/{id}/accept", p.accept(true))
	s.Handle(r, "POST", "/comment/{id}/accept/undo", p.accept(false))
}

func links(_ *web.Site, v *web.Visit, c *copse.Community, t store.Tally) []page.Link {
	questions := page.Link{
		Text: v.W.T("forum.questions"), URL: c.Path() + "/questions",
		Count: t.Unanswered, Counted: v.W.N("forum.unanswered", t.Unanswered),
	}
	if t.Unanswered == store.MaxTally {
		questions.Count, questions.More = store.MaxTally-1, true
		questions.Counted = v.W.T("forum.unanswered_more", "n", questions.Count)
	}
	return []page.Link{{Text: v.W.T("forum.conversations"), URL: c.Path() + "/forum"}, questions}
}

func start(v *web.Visit, c *copse.Community) []page.Action {
	return []page.Action{
		{Text: v.W.T("ask.title"), URL: c.Path() + "/ask"},
		{Text: v.W.T("new.title"), URL: c.Path() + "/new"},
	}
}

// A scene is a post, where it was said, and how the reader stands to that place.
type scene struct {
	*web.Standing
	Post   store.Post
	Topic  store.Post  // that Post is in the thread of; Post itself if it starts one
	Lock   *store.Lock // on Topic; nil if it takes replies
	Pinned bool        // Topic stands first in its community
}

// scene finds the post in the address. For those who may not see it, it is not
// there.
func (p pages) scene(v *web.Visit, tx *store.Tx, r *http.Request) (*scene, error) {
	var (
		sc  scene
		err error
	)
	if sc.Post, err = tx.Post(v.Viewer, idOf(chi.URLParam(r, "id"))); err != nil {
		return nil, err
	}
	if !strings.HasPrefix(r.URL.Path+"/", address(sc.Post.Object)+"/") {
		return nil, copse.NotFound("there is nothing here")
	}
	sc.Topic = sc.Post
	if !sc.Post.TopLevel() {
		if sc.Topic, err = tx.Post(v.Viewer, sc.Post.Root); err != nil {
			return nil, err
		}
	}
	if sc.Lock, err = tx.Lock(sc.Topic.ID); err != nil {
		return nil, err
	}
	if sc.Pinned, err = tx.IsPinned(sc.Topic.ID); err != nil {
		return nil, err
	}
	c, err := tx.Community(sc.Post.Community)
	if err != nil {
		return nil, err
	}
	sc.Standing, err = p.StandingIn(v, tx, c)
	return &sc, err
}

// facts are what the rules look at about the reader and o.
func (sc *scene) facts(v *web.Visit, o *copse.Object) copse.Facts {
	f := sc.Facts
	f.Author, f.Deleted, f.Removed = v.Login != nil && o.Author == v.Viewer.Actor, !o.Deleted.IsZero(), o.Removed
	f.Locked = sc.Lock != nil
	return f
}

// address is where an object is for ever: its ActivityPub id on this server, and
// the same for copies of what others made.
func address(o *copse.Object) string {
	if o.TopLevel() {
		return "/post/" + idText(o.ID)
	}
	return "/comment/" + idText(o.ID)
}

// anchor names a post on the page of its topic.
func anchor(o *copse.Object) string {
	if o.TopLevel() {
		return "p-" + idText(o.ID)
	}
	return "c-" + idText(o.ID)
}

const repliesOnPage = 50

// place is where a post is read: on which page of its topic, and where on it.
func (p pages) place(v *web.Visit, tx *store.Tx, o *copse.Object) (string, error) {
	if o.TopLevel() {
		return address(o), nil
	}
	first, err := tx.Thread(v.Viewer, o.Root, "", repliesOnPage)
	if err != nil {
		return "", err
	}
	topic := "/post/" + idText(o.Root)
	if len(first) == repliesOnPage && first[len(first)-1].Path < o.Path {
		topic += "?after=" + justBefore(o.Path)
	}
	return topic + "#" + anchor(o), nil
}

// Paths are ids of this many digits to the base 32, one after the other.
const pathElement = 11

// justBefore is a path that only o's own, and what follows it, come after.
func justBefore(path string) string {
	if len(path) < pathElement {
		return ""
	}
	above, last := path[:len(path)-pathElement], path[len(path)-pathElement:]
	n, err := strconv.ParseInt(last, 32, 64)
	if err != nil || n == 0 {
		return ""
	}
	digits := strconv.FormatInt(n-1, 32)
	return above + strings.Repeat("0", pathElement-len(digits)) + digits
}

// isPath reports whether text can be a path, however it came into an address.
func isPath(text string) bool {
	return len(text)%pathElement == 0 && len(text) <= pathElement*copse.MaxDepth &&
		strings.Trim(text, "0123456789abcdefghijklmnopqrstuv") == ""
}

// A barrier is why somebody may not write somewhere, and the way past it. The zero
// barrier is none.
type barrier struct {
	Why string
	Way *page.Action // nil if there is nothing they can do
}

// barrierTo says why a rule refused the reader with err, if it did.
func barrierTo(v *web.Visit, r *http.Request, st *web.Standing, err error) (b barrier) {
	var told *copse.Error
	switch {
	case !errors.As(err, &told):
		return b
	case v.Login == nil:
		next := url.Values{"next": {r.URL.RequestURI()}}
		b.Why = v.W.T("forum.sign_in")
		b.Way = &page.Action{Text: v.W.T("account.sign_in"), URL: "/sign-in?" + next.Encode()}
		return b
	}
	b.Why = v.W.Sentence(told.Format, told.Args...)
	if st.Facts.Role < copse.Member && st.Facts.State != copse.Pending && st.Facts.State != copse.Blocked {
		b.Way = web.WayIn(v, st.Community)
	}
	return b
}

// idOf reads an id in an address; zero, which nothing has, if it is none.
func idOf(text string) copse.ID {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0
	}
	return copse.ID(n)
}

func idText(id copse.ID) string { return strconv.FormatInt(int64(id), 10) }
