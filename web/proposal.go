package web

import (
	"maps"
	"net/http"
	"slices"
	"time"

	"copse/copse"
	"copse/store"
	"copse/web/page"
)

// proposalsOnPage bounds how much of what a community elsewhere was asked to do is
// shown.
const proposalsOnPage = 200

// Takes reports whether whoever looks after a community from here can decide something
// in it. Its home may take that from nobody at another council.
func (s *Site) Takes(v *Visit, tx *store.Tx, c *copse.Community, r copse.Ruling) (bool, error) {
	if c.Local {
		return true, nil
	}
	home, err := v.peer(tx, c.Host)
	return err == nil && copse.Takes(home.Software, r), err
}

// Proposals returns what the home of a community elsewhere was asked to do and has not
// done, by what it is about: for those who look after it alone.
func (s *Site) Proposals(tx *store.Tx, st *Standing) (map[copse.ID][]*store.Proposal, error) {
	if st.Community.Local || copse.MayDecide(st.Facts) != nil {
		return nil, nil
	}
	all, err := tx.Proposals(st.Community.ID, proposalsOnPage)
	by := make(map[copse.ID][]*store.Proposal, len(all))
	for _, p := range all {
		by[p.About] = append(by[p.About], p)
	}
	return by, err
}

// answersIn is how long a home that has something may take to do it before it can be
// asked once more: it announces nothing if that was so already.
const answersIn = 24 * time.Hour

// UnderWay reports whether one of all asks for such a ruling, or to take one back, and
// may still come to something.
func UnderWay(all []*store.Proposal, r copse.Ruling) bool {
	for _, p := range all {
		if p.Ruling == r && p.Stopped.IsZero() && (!p.Taken || time.Since(p.At()) < answersIn) {
			return true
		}
	}
	return false
}

// Asked says what the home of a community elsewhere was asked to do, and how far that
// has got. name is of the person that it is about, if it is about one.
func (s *Site) Asked(v *Visit, tx *store.Tx, c *copse.Community, p *store.Proposal, name string) (page.Asked, error) {
	council, err := s.Council(v, tx, &c.Actor)
	if err != nil {
		return page.Asked{}, err
	}
	what := string(p.Ruling)
	if p.Back {
		what += "_back"
	}
	what = v.W.T("asked."+what, "name", name)
	home, err := v.peer(tx, c.Host)
	shown := page.Asked{State: page.Mark{Kind: "wait", Text: v.W.T("asked.sent", "council", council)}, Text: what}
	switch {
	case p.Taken:
	case !p.Stopped.IsZero():
		shown.State = page.Mark{Kind: "stop", Text: v.W.T("asked.refused", "council", council)}
		if p.Error != "" {
			shown.Text += " " + v.W.T("asked.why", "why", Fault(v.W, p.Error))
		}
	default:
		shown.State.Text = v.W.T("asked.waits", "council", council)
		switch {
		case err == nil && !home.Paused.IsZero():
			shown.Text += " " + v.W.T("receipt.paused", "council", council)
		case !v.Off.IsZero():
			shown.Text += " " + v.W.T("receipt.off", "council", council)
		}
	}
	return shown, err
}

// askedAbout is Asked of all that concerns people, or the community itself.
func (s *Site) askedAbout(v *Visit, tx *store.Tx, st *Standing, rulings ...copse.Ruling) (shown []page.Asked, err error) {
	by, err := s.Proposals(tx, st)
	if err != nil {
		return nil, err
	}
	for _, about := range slices.Sorted(maps.Keys(by)) {
		for _, p := range by[about] {
			if !slices.Contains(rulings, p.Ruling) {
				continue
			}
			who, err := tx.Actor(about)
			if err != nil {
				return nil, err
			}
			asked, err := s.Asked(v, tx, st.Community, p, who.Title)
			if err != nil {
				return nil, err
			}
			shown = append(shown, asked)
		}
	}
	return shown, nil
}

// Ruled tells whoever decided something in a community that it is done or, if its home
// is elsewhere, asked for.
func (s *Site) Ruled(r *http.Request, v *Visit, c *copse.Community, done string) error {
	if c.Local {
		s.Tell(r, done)
		return nil
	}
	return s.DB.View(r.Context(), func(tx *store.Tx) error {
		council, err := s.Council(v, tx, &c.Actor)
		if err == nil {
			s.Tell(r, v.W.T("asked.told", "council", council))
		}
		return err
	})
}
