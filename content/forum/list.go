package forum

import (
	"net/http"
	"slices"

	"github.com/a-h/templ"

	"copse/copse"
	"copse/store"
	"copse/web"
	"copse/web/page"
)

const topicsOnPage = 20

// conversations lists all that is said in a community, what was last active first.
func (p pages) conversations(w http.ResponseWriter, r *http.Request, v *web.Visit) error {
	return p.list(w, r, v, "/forum", func(tx *store.Tx, c *copse.Community, after copse.ID, l *topicList) ([]store.Post, error) {
		l.Frame.Title = v.W.T("forum.conversations")
		l.Lede, l.Empty, l.Pages = v.W.T("topics.lede"), v.W.T("topics.none"), v.W.T("topics.pages")
		from := store.Place{}
		if after != 0 {
			var err error
			if from, err = tx.PlaceOf(v.Viewer, after); err != nil {
				return nil, err
			}
		}
		pinned, err := tx.Pinned(v.Viewer, c.ID)
		if err != nil {
			return nil, err
		}
		if after == 0 {
			l.Pinned = pinned
		}
		all, err := tx.MostActive(v.Viewer, c.ID, Topic, from, topicsOnPage+1+len(pinned))
		return without(all, pinned), err
	})
}

// questions lists those that wait for an answer, the newest first.
func (p pages) questions(w http.ResponseWriter, r *http.Request, v *web.Visit) error {
	return p.list(w, r, v, "/questions", func(tx *store.Tx, c *copse.Community, after copse.ID, l *topicList) ([]store.Post, error) {
		l.Frame.Title = v.W.T("questions.title")
		l.Lede, l.Empty, l.Pages = v.W.T("questions.lede"), v.W.T("questions.none"), v.W.T("questions.pages")
		l.Open = true
		return tx.Unanswered(v.Viewer, c.ID, after, topicsOnPage+1)
	})
}

// A lister reads one topic more than a page has, from after the given one, and
// fills in what the list is called.
type lister func(tx *store.Tx, c *copse.Community, after copse.ID, l *topicList) ([]store.Post, error)

func (p pages) list(w http.ResponseWriter, r *http.Request, v *web.Visit, path string, read lister) error {
	var (
		l         topicList
		elsewhere string
	)
	err := p.DB.View(r.Context(), func(tx *store.Tx) error {
		st, err := p.Standing(v, tx, r)
		if err != nil {
			return err
		}
		c := st.Community
		if !st.Reads() {
			elsewhere = c.Path() // which says what one has to do to read on
			return nil
		}
		if l.Frame, l.Copy, err = p.Inside(v, tx, r, st, "", c.Path()+path); err != nil {
			return err
		}
		after := idOf(r.FormValue("after"))
		all, err := read(tx, c, after, &l)
		if after != 0 && copse.CodeOf(err) == copse.CodeNotFound {
			elsewhere = c.Path() + path // the page it was the end of has gone
			return nil
		}
		if err != nil {
			return err
		}
		if len(all) > topicsOnPage {
			all = all[:topicsOnPage]
			l.Next = c.Path() + path + "?after=" + idText(all[len(all)-1].ID)
		}
		if err := copse.MayPost(st.Facts); err != nil {
			l.Barrier = barrierTo(v, r, st, err)
		} else {
			l.Start = start(v, c)
		}
		first, err := p.pinnedRows(v, tx, c, l.Pinned)
		if err != nil {
			return err
		}
		l.Rows, err = p.rows(v, tx, c, all, l.Open)
		l.Rows = slices.Concat(first, l.Rows)
		return err
	})
	if err != nil {
		return err
	}
	if elsewhere != "" {
		http.Redirect(w, r, elsewhere, http.StatusSeeOther)
		return nil
	}
	return p.Render(w, r, http.StatusOK, list(l))
}

// rows are topics as lists show them. In a list of open questions a row leads to
// answering, in others it says how much was said.
func (p pages) rows(v *web.Visit, tx *store.Tx, c *copse.Community, all []store.Post, open bool) ([]row, error) {
	rows := make([]row, 0, len(all))
	for _, o := range all {
		r := row{Title: o.Title, URL: address(o.Object), Tags: tags(v, c, o.Object)}
		if waits(c, o.Object) {
			home, err := p.Council(v, tx, &c.Actor)
			if err != nil {
				return nil, err
			}
			r.Tags = append(r.Tags, page.Mark{Kind: "wait", Text: v.W.T("topic.waiting", "council", home)})
		}
		var err error
		if r.By, err = p.Person(v, tx, o.By); err != nil {
			return nil, err
		}
		switch {
		case open:
			r.When = v.W.T("topics.asked", "ago", v.W.Ago(o.Published, v.Now))
			r.Tags = r.Tags[1:] // that it is a question
		case o.Replies == 0:
			r.When = v.W.T("topics.started", "ago", v.W.Ago(o.Published, v.Now))
		default:
			r.When = v.W.T("topics.replied", "ago", v.W.Ago(o.Active, v.Now))
		}
		if o.Replies > 0 {
			r.Numbers = []string{v.W.N("topic.replies", o.Replies), v.W.N("community.councils", o.Councils)}
		} else if open {
			r.Answer = v.W.T("topics.answer")
		}
		rows = append(rows, r)
	}
	return rows, nil
}

// pinnedRows are the topics that stand first.
func (p pages) pinnedRows(v *web.Visit, tx *store.Tx, c *copse.Community, all []store.Post) ([]row, error) {
	rows, err := p.rows(v, tx, c, all, false)
	for i := range rows {
		rows[i].Tags = append([]page.Mark{pinned(v)}, rows[i].Tags...)
	}
	return rows, err
}

func pinned(v *web.Visit) page.Mark { return page.Mark{Text: v.W.T("topic.pinned")} }

// without returns those posts that are not among others.
func without(posts, others []store.Post) []store.Post {
	return slices.DeleteFunc(posts, func(p store.Post) bool {
		return slices.ContainsFunc(others, func(q store.Post) bool { return q.ID == p.ID })
	})
}

// front is what a community's front page shows of the forum: what waits for an
// answer, and what was said last.
func (p pages) front(v *web.Visit, tx *store.Tx, c *copse.Community) (templ.Component, error) {
	f := front{W: v.W, All: c.Path() + "/forum"}
	first, err := tx.Pinned(v.Viewer, c.ID)
	if err != nil {
		return nil, err
	}
	open, err := tx.Unanswered(v.Viewer, c.ID, 0, 3+len(first))
	if err != nil {
		return nil, err
	}
	open = without(open, first)
	open = open[:min(len(open), 3)]
	if c.MovedTo != "" {
		open = nil // nobody can answer any more
	}
	if f.Questions, err = p.rows(v, tx, c, open, true); err != nil {
		return nil, err
	}
	latest, err := tx.MostActive(v.Viewer, c.ID, Topic, store.Place{}, 5+len(open)+len(first))
	if err != nil {
		return nil, err
	}
	latest = without(without(latest, open), first)
	latest = latest[:min(len(latest), 5)]
	if f.Latest, err = p.rows(v, tx, c, latest, false); err != nil {
		return nil, err
	}
	pinned, err := p.pinnedRows(v, tx, c, first)
	f.Latest = slices.Concat(pinned, f.Latest)
	return showFront(f), err
}
