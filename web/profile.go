package web

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"copse/copse"
	"copse/internal/markup"
	"copse/store"
	"copse/web/page"
)

// profilePosts is how much of what somebody wrote is on one page.
const profilePosts = 20

// profile is the page of a person, here or elsewhere, with what they wrote that
// the reader may see.
func (s *Site) profile(w http.ResponseWriter, r *http.Request, v *Visit) error {
	var (
		a *copse.Actor
		p page.Profile
	)
	// What is not a number means from the start.
	before, _ := strconv.ParseInt(r.FormValue("before"), 10, 64)
	err := s.DB.View(r.Context(), func(tx *store.Tx) (err error) {
		if a, err = s.named(tx, r, "person", copse.Person); err != nil {
			return err
		}
		if err := isIn(tx, a); err != nil {
			return err
		}
		if p.Person, err = s.Person(v, tx, a); err != nil {
			return err
		}
		p.Handle, p.About, p.Self = a.Handle(), a.Summary, a.ID == v.Viewer.Actor
		if err := writable(v, tx, a, &p); err != nil {
			return err
		}
		if v.Login != nil && copse.MayReportPerson(v.Me(), a) == nil {
			p.Report = a.Path() + "/report"
		}
		if !a.Local {
			p.Source = a.URI
			if a.URL != "" {
				p.Source = a.URL
			}
		}
		posts, err := tx.By(v.Viewer, a.ID, copse.ID(before), profilePosts)
		if err != nil {
			return err
		}
		for _, post := range posts {
			wrote, err := s.writing(v, tx, post)
			if err != nil {
				return err
			}
			p.Wrote = append(p.Wrote, wrote)
		}
		if len(posts) == profilePosts {
			p.Older = fmt.Sprintf("%s?before=%d", a.Path(), posts[len(posts)-1].ID)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if !a.Local {
		s.Fed.Freshen(a)
	}
	p.Frame = s.Frame(v, r, p.Person.Name)
	return s.Render(w, r, http.StatusOK, page.ProfilePage(p))
}

// writable fills in whether the reader may write to somebody, and block them.
func writable(v *Visit, tx *store.Tx, a *copse.Actor, p *page.Profile) error {
	if v.Login == nil || p.Self {
		return nil
	}
	f, err := tx.Correspondence(v.Me(), a, 0)
	if err != nil {
		return err
	}
	who := url.QueryEscape(a.Handle())
	if f.People = 1; copse.MayMessage(f) == nil {
		p.Write = "/messages/new?to=" + who
	}
	if p.Shunned = f.Blocks; !f.Blocks && !f.Absent {
		p.Block = "/messages/block?who=" + who
	}
	return nil
}

// writing is something somebody wrote, in a list of such.
func (s *Site) writing(v *Visit, tx *store.Tx, p store.Post) (page.Writing, error) {
	c, err := tx.Community(p.Community)
	if err != nil {
		return page.Writing{}, err
	}
	wrote := page.Writing{Title: p.Title, URL: postPath(p.Object), At: p.Published, Excerpt: markup.Excerpt(p.HTML, 200)}
	switch {
	case p.TopLevel() && p.Question:
		wrote.Line = v.W.T("profile.asked", "community", c.Title)
	case p.TopLevel():
		wrote.Line = v.W.T("profile.started", "community", c.Title)
	default:
		wrote.Line = v.W.T("profile.replied", "community", c.Title)
		root, err := tx.Post(v.Viewer, p.Root)
		if err != nil && copse.CodeOf(err) != copse.CodeNotFound {
			return wrote, err
		}
		if err == nil {
			wrote.Title = root.Title
		}
	}
	if wrote.Title == "" { // it was removed, or cannot be seen
		wrote.Title, wrote.Excerpt = wrote.Excerpt, ""
	}
	return wrote, nil
}

// isIn returns an error for somebody here whose address was never confirmed: a
// name that anybody may have typed is not shown as one of the council's people.
func isIn(tx *store.Tx, a *copse.Actor) error {
	if !a.Local {
		return nil
	}
	account, err := tx.Account(a.ID)
	if err == nil && account.Confirmed.IsZero() {
		return copse.NotFound("there is nothing here")
	}
	return err
}
