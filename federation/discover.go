package federation

import (
	"encoding/json"
	"encoding/xml"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-chi/chi/v5"

	"copse/copse"
	"copse/federation/ap"
	"copse/store"
)

type link struct {
	Rel        string            `json:"rel"`
	Type       string            `json:"type,omitempty"`
	Href       string            `json:"href,omitempty"`
	Template   string            `json:"template,omitempty"`
	Properties map[string]string `json:"properties,omitempty"`
}

// webfinger answers who stands behind a name or address here (RFC 7033). It
// takes acct:name@host, also with !, @ or ~ before the name, the address of an
// actor, and the host itself, which is the server's own actor (FEP-d556).
func (s *Server) webfinger(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Access-Control-Allow-Origin", "*")
	resource := r.URL.Query().Get("resource")
	if resource == "" {
		s.refuse(w, r, copse.Invalid("", "say whom you are looking for"))
		return
	}
	var a *copse.Actor
	self, err := s.Hub.Self(r.Context())
	if err == nil {
		a, err = s.sought(r, resource, self)
	}
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	if !a.Gone.IsZero() {
		s.refuse(w, r, &refusal{status: http.StatusGone, reason: "gone"})
		return
	}
	// Lemmy takes the last link of an application/ type that leads to an actor,
	// Mastodon the first: there is one.
	links := []link{
		{Rel: "self", Type: ap.ActivityJSON, Href: a.URI, Properties: map[string]string{
			"https://www.w3.org/ns/activitystreams#type": string(a.Type),
		}},
		{Rel: "http://webfinger.net/rel/profile-page", Type: "text/html", Href: profile(a)},
	}
	if a.ID == self.ID {
		links = append(links, link{Rel: "https://www.w3.org/ns/activitystreams#Service", Type: ap.ActivityJSON, Href: a.URI})
	}
	s.plain(w, r, "application/jrd+json; charset=utf-8", map[string]any{
		"subject": "acct:" + a.Handle(), "aliases": []string{a.URI}, "links": links,
	})
}

func (s *Server) sought(r *http.Request, resource string, self *copse.Actor) (a *copse.Actor, err error) {
	name, isAcct := strings.CutPrefix(resource, "acct:")
	if !isAcct && strings.Contains(resource, "://") {
		u, err := url.Parse(resource)
		host, ok := ap.Host(resource)
		switch {
		case err != nil || !ok:
			return nil, copse.Invalid("", "%q is not an address", resource)
		case host != s.Hub.Host():
			return nil, copse.NotFound("there is nothing here")
		case u.Path == "/" || u.Path == "":
			return self, nil
		}
		err = s.DB.View(r.Context(), func(tx *store.Tx) (err error) {
			if a, err = tx.ActorByURI(s.Base + u.Path); err == nil { // however its host was written
				a, err = tx.KnownActorByName(a.Name)
			}
			if err != nil {
				return err
			}
			return shared(tx, a)
		})
		return local(a, err)
	}
	name, host, _ := strings.Cut(strings.TrimLeft(name, "!@~"), "@")
	if !strings.EqualFold(host, s.Hub.Host()) {
		return nil, copse.NotFound("there is nothing here")
	}
	if strings.EqualFold(name, s.Hub.Host()) {
		return self, nil
	}
	err = s.DB.View(r.Context(), func(tx *store.Tx) (err error) {
		if a, err = tx.KnownActorByName(strings.ToLower(name)); err != nil {
			return err
		}
		return shared(tx, a)
	})
	return local(a, err)
}

func local(a *copse.Actor, err error) (*copse.Actor, error) {
	if err == nil && !a.Local {
		return nil, copse.NotFound("there is nothing here")
	}
	return a, err
}

// hostMeta says where WebFinger is (RFC 6415).
func (s *Server) hostMeta(w http.ResponseWriter, _ *http.Request) {
	type xmlLink struct {
		Rel      string `xml:"rel,attr"`
		Template string `xml:"template,attr"`
	}
	w.Header().Set("Content-Type", "application/xrd+xml; charset=utf-8")
	w.Write([]byte(xml.Header)) // nobody is left to tell if this fails, here and below
	xml.NewEncoder(w).Encode(struct {
		XMLName xml.Name `xml:"http://docs.oasis-open.org/ns/xri/xrd-1.0 XRD"`
		Link    xmlLink
	}{Link: xmlLink{"lrdd", s.Base + "/.well-known/webfinger?resource={uri}"}})
}

const (
	nodeinfoSchema = "http://nodeinfo.diaspora.software/ns/schema/"
	applicationRel = "https://www.w3.org/ns/activitystreams#Application"
)

func (s *Server) nodeinfoLinks(w http.ResponseWriter, r *http.Request) {
	s.plain(w, r, "application/json; charset=utf-8", map[string]any{"links": []link{
		{Rel: nodeinfoSchema + "2.0", Href: s.Base + "/nodeinfo/2.0"},
		{Rel: nodeinfoSchema + "2.1", Href: s.Base + "/nodeinfo/2.1"},
		{Rel: applicationRel, Href: s.Base + "/"},
	}})
}

// nodeinfo describes the server, in both versions that peers read. Lemmy stops
// sending to a server that does not answer this for three days.
func (s *Server) nodeinfo(w http.ResponseWriter, r *http.Request) {
	version := chi.URLParam(r, "version")
	if version != "2.0" && version != "2.1" {
		s.refuse(w, r, copse.NotFound("there is nothing here"))
		return
	}
	title, err := s.title(r.Context())
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	var people int
	err = s.DB.View(r.Context(), func(tx *store.Tx) (err error) {
		people, err = tx.People()
		return err
	})
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	software := map[string]string{"name": "copse", "version": s.Version}
	s.plain(w, r, `application/json; profile="`+nodeinfoSchema+version+`#"`, map[string]any{
		"version": version, "software": software,
		"protocols": []string{"activitypub"},
		"services":  map[string][]string{"inbound": {}, "outbound": {}},
		// Anybody may ask; the council decides.
		"openRegistrations": false,
		"usage":             map[string]any{"users": map[string]int{"total": people}},
		"metadata": map[string]any{
			"nodeName": title, "capabilities": []string{"fep-1b12", "fep-1a11", "fep-c0e0"},
			"implements": []string{fep1b12, rfc9421},
		},
	})
}

// plain writes v as JSON.
func (s *Server) plain(w http.ResponseWriter, r *http.Request, contentType string, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Cache-Control", "public, max-age=300")
	w.Write(b) // nobody is left to tell if this fails
}
