package web

import (
	"net/http"

	"github.com/a-h/templ"
	"github.com/go-chi/chi/v5"

	"copse/copse"
	"copse/store"
	"copse/web/page"
)

// about are the pages about the service itself.
func (s *Site) about(r chi.Router) {
	prose := func(pattern, title string, text func(page.Frame) templ.Component) {
		s.Handle(r, "GET", pattern, func(w http.ResponseWriter, r *http.Request, v *Visit) error {
			return s.Render(w, r, http.StatusOK, text(s.Frame(v, r, v.W.T("footer."+title))))
		})
	}
	prose("/about", "about", page.About)
	prose("/accessibility", "accessibility", page.Accessibility)
	prose("/privacy", "privacy", page.Privacy)
	prose("/rules", "rules", page.Rules)
	prose("/cookies", "cookies", func(f page.Frame) templ.Component {
		return page.Cookies(f, s.sessions.Cookie.Name, langCookie)
	})
	s.Handle(r, "GET", "/contact", s.contact)
	s.Handle(r, "GET", "/about/federation", s.connections)
}

func (s *Site) contact(w http.ResponseWriter, r *http.Request, v *Visit) error {
	var address string
	err := s.DB.View(r.Context(), func(tx *store.Tx) (err error) {
		address, err = tx.Setting(settingContact)
		return err
	})
	if err != nil {
		return err
	}
	return s.Render(w, r, http.StatusOK, page.Contact(s.Frame(v, r, v.W.T("footer.contact")), address))
}

// connections says whom this server exchanges what with.
func (s *Site) connections(w http.ResponseWriter, r *http.Request, v *Visit) error {
	show := page.Connections{Frame: s.Frame(v, r, v.W.T("federation.title"))}
	switch s.Mode {
	case copse.Closed:
		show.Mode = v.W.T("federation.closed")
	case copse.Open:
		show.Mode = v.W.T("federation.open")
	default:
		show.Mode = v.W.T("federation.listed", "council", v.title)
	}
	err := s.DB.View(r.Context(), func(tx *store.Tx) error {
		peers, err := tx.Peers()
		for _, p := range peers {
			if s.Mode != copse.Closed && isExchanging(p) {
				show.Peers = append(show.Peers, s.connection(v, p))
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	return s.Render(w, r, http.StatusOK, page.Federation(show))
}

// isExchanging is true of those that Tx.Exchanging counts.
func isExchanging(p *copse.Peer) bool {
	return p.Policy != copse.Block && !(p.LastOK.IsZero() && p.LastSeen.IsZero())
}

func (s *Site) connection(v *Visit, p *copse.Peer) page.Peer {
	peer := page.Peer{Council: p.Title, Host: p.Host, Last: p.LastOK}
	if p.Title == "" {
		peer.Council = p.Host
	}
	if p.LastSeen.After(p.LastOK) {
		peer.Last = p.LastSeen
	}
	switch p.State {
	case copse.PeerFailing:
		peer.State = page.Mark{Kind: "wait", Text: v.W.T("federation.failing")}
	case copse.PeerDormant:
		peer.State = page.Mark{Kind: "stop", Text: v.W.T("federation.dormant")}
	default:
		peer.State = page.Mark{Kind: "good", Text: v.W.T("federation.ok")}
	}
	return peer
}
