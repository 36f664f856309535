package web

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"copse/copse"
	"copse/store"
	"copse/web/page"
)

const (
	frontCommunities = 10 // public ones that strangers are shown
	workPosts        = 40 // looked at for what is new
	workEach         = 3  // of one community shown
	workWaiting      = 10 // requests of one community shown
)

func (s *Site) home(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if v.Login != nil {
		return s.yourWork(w, r, v)
	}
	f := s.Frame(v, r, v.W.T("nav.home"))
	f.Nav = "home"
	front, ready := page.Front{Frame: f}, false
	err := s.DB.View(r.Context(), func(tx *store.Tx) error {
		owners, err := tx.Owners()
		if err != nil || owners == 0 {
			return err
		}
		ready = true
		all, err := tx.Communities(store.Directory{Open: true, N: frontCommunities + 1})
		if err != nil {
			return err
		}
		if len(all) > frontCommunities {
			all, front.More = all[:frontCommunities], true
		}
		for _, c := range all {
			row, err := s.listing(v, tx, c, nil)
			if err != nil {
				return err
			}
			front.Communities = append(front.Communities, row)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if !ready {
		f.Title = v.W.T("setup.needed_title")
		return s.Render(w, r, http.StatusOK, page.NotSetUp(f))
	}
	return s.Render(w, r, http.StatusOK, page.Welcome(front))
}

// yourWork shows somebody what waits for them and what is new where they are.
func (s *Site) yourWork(w http.ResponseWriter, r *http.Request, v *Visit) error {
	work := page.Work{Frame: s.Frame(v, r, v.W.T("home.title"))}
	work.Frame.Nav = "home"
	err := s.DB.View(r.Context(), func(tx *store.Tx) error {
		standing, err := tx.Standing(v.Viewer.Actor)
		if err != nil {
			return err
		}
		in := make(map[copse.ID]*copse.Community)
		for id, m := range standing {
			if m.State != copse.Active && m.State != copse.Pending {
				continue
			}
			if in[id], err = tx.Community(id); err != nil {
				return err
			}
		}
		if err := s.movesWaiting(v, tx, &work); err != nil {
			return err
		}
		if err := s.waiting(v, tx, standing, in, &work); err != nil {
			return err
		}
		return s.news(v, tx, in, &work)
	})
	if err != nil {
		return err
	}
	work.Lede = v.W.Sentence("%s", v.W.Day(v.Now))
	if n := len(work.Waiting); n > 0 {
		work.Lede += " " + v.W.N("home.things", n)
	}
	return s.Render(w, r, http.StatusOK, page.YourWork(work))
}

// waiting adds the communities somebody is in to their page, the most recently
// active first, and those who ask to join where they decide.
func (s *Site) waiting(v *Visit, tx *store.Tx, standing map[copse.ID]*copse.Membership, in map[copse.ID]*copse.Community, work *page.Work) error {
	for _, c := range byActivity(in) {
		m := standing[c.ID]
		link := page.Link{Text: c.Title, URL: c.Path()}
		if m.State == copse.Pending {
			link.Counted = v.W.T("home.pending")
		}
		work.Communities = append(work.Communities, link)
		if m.Role >= copse.Moderator {
			err := s.toRead(v, tx, c.ID, v.W.T("reports.in", "community", c.Title), c.Path()+"/facilitate/reports", work)
			if err != nil {
				return err
			}
		}
		if m.Role < copse.Moderator || !c.Local {
			continue
		}
		people, err := tx.Waiting(c.ID, workWaiting)
		if err != nil {
			return err
		}
		for _, p := range people {
			who, err := s.Person(v, tx, p.Actor)
			if err != nil {
				return err
			}
			work.Waiting = append(work.Waiting, page.Waiting{
				Text: v.W.T("home.asks", "name", who.Name, "community", c.Title), URL: c.Path() + "/facilitate/requests",
				Line: who.Council, Do: v.W.T("home.decide"),
			})
		}
	}
	if s.Administers(v) == nil {
		return s.toRead(v, tx, 0, v.title, "/admin/reports", work)
	}
	return nil
}

// news adds what is new to somebody's page, grouped by community.
func (s *Site) news(v *Visit, tx *store.Tx, in map[copse.ID]*copse.Community, work *page.Work) error {
	posts, err := tx.Home(v.Viewer.Actor, store.Place{}, workPosts)
	if err != nil {
		return err
	}
	place := make(map[copse.ID]int)
	for _, p := range posts {
		c := in[p.Community]
		i, ok := place[c.ID]
		if !ok {
			council, err := s.Council(v, tx, &c.Actor)
			if err != nil {
				return err
			}
			i = len(work.Groups)
			place[c.ID] = i
			work.Groups = append(work.Groups, page.Group{
				Name: c.Title, URL: c.Path(), Council: council, More: v.W.T("home.all", "community", c.Title),
			})
		}
		if len(work.Groups[i].Items) == workEach {
			continue
		}
		item, err := s.item(v, tx, p)
		if err != nil {
			return err
		}
		work.Groups[i].Items = append(work.Groups[i].Items, item)
	}
	return nil
}

func (s *Site) item(v *Visit, tx *store.Tx, p store.Post) (page.Item, error) {
	by, err := s.Person(v, tx, p.By)
	if err != nil {
		return page.Item{}, err
	}
	item := page.Item{Title: p.Title, URL: postPath(p.Object), By: by}
	switch {
	case p.Author == v.Viewer.Actor && p.Question:
		item.Started = v.W.T("home.you_asked")
	case p.Author == v.Viewer.Actor:
		item.Started = v.W.T("home.you_started")
	case p.Question:
		item.Started = v.W.T("home.asked_by", "name", by.Name)
	default:
		item.Started = v.W.T("home.started_by", "name", by.Name)
	}
	if p.Replies > 0 {
		item.Numbers = []string{v.W.N("home.replies", p.Replies), v.W.N("home.councils", p.Councils)}
	}
	switch {
	case p.Answer != 0:
		item.Tags = []page.Mark{{Kind: "good", Text: v.W.T("home.answered")}}
	case p.Question && p.Replies == 0:
		item.Tags = []page.Mark{{Kind: "wait", Text: v.W.T("home.unanswered")}}
	}
	return item, nil
}

// postPath returns the page of an object here: a reply's leads into its thread.
func postPath(o *copse.Object) string {
	if o.TopLevel() {
		return fmt.Sprintf("/post/%d", o.ID)
	}
	return fmt.Sprintf("/comment/%d", o.ID)
}

// byActivity lists communities, the most recently active first.
func byActivity(all map[copse.ID]*copse.Community) []*copse.Community {
	return slices.SortedFunc(maps.Values(all), func(a, b *copse.Community) int {
		return cmp.Or(b.Active.Compare(a.Active), cmp.Compare(b.ID, a.ID))
	})
}
