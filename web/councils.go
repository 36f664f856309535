package web

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"copse/copse"
	"copse/federation"
	"copse/store"
	"copse/web/page"
)

const (
	councilsOnPage = 50
	waitsOnPage    = 20
	decidedOnPage  = 20

	// dayForm is how somebody types a day.
	dayForm = "2/1/2006"
)

// councils are the pages about other councils' servers, for administrators.
func (s *Site) councils(r chi.Router) {
	s.Handle(r, "GET", "/admin/councils", s.listCouncils)
	s.Handle(r, "POST", "/admin/councils", s.findCouncil)
	s.Handle(r, "GET", "/admin/councils/{host}", s.council)
	s.Handle(r, "POST", "/admin/councils/{host}", s.decideCouncil)
	s.Handle(r, "POST", "/admin/councils/{host}/test", s.testCouncil)
	s.Handle(r, "POST", "/admin/councils/{host}/agreement", s.agree)
	s.Handle(r, "POST", "/admin/exchange", s.switchExchange)
	// Where a page was the answer to a form, the language is chosen anew from here.
	for _, form := range []string{"test", "agreement"} {
		s.Handle(r, "GET", "/admin/councils/{host}/"+form, s.toCouncil)
	}
	s.Handle(r, "GET", "/admin/exchange", leadTo("/admin/councils"))
	s.Handle(r, "GET", "/admin/moves", s.listMoves)
	s.Handle(r, "POST", "/admin/moves/{id}", s.decideMove)
}

// Administers returns nil if whoever is signed in runs this server. For everybody
// else the pages for it are not there.
func (s *Site) Administers(v *Visit) error {
	if v.Login == nil || v.Login.Role == store.Ordinary {
		return copse.NotFound("there is nothing here")
	}
	return nil
}

func (s *Site) listCouncils(w http.ResponseWriter, r *http.Request, v *Visit) error {
	return s.showCouncils(w, r, v, http.StatusOK, page.Form{})
}

func (s *Site) showCouncils(w http.ResponseWriter, r *http.Request, v *Visit, status int, form page.Form) error {
	if err := s.Administers(v); err != nil {
		return err
	}
	query := r.URL.Query()
	// What is not a number means from the start.
	number, _ := strconv.Atoi(query.Get("page"))
	number = min(max(number, 1), 1000)
	c := page.Councils{
		Frame: s.adminFrame(v, r, v.W.T("councils.title")), Form: form,
		Query: strings.TrimSpace(query.Get("q")), Trouble: query.Get("show") == "trouble", Off: v.Off,
	}
	c.Frame.Failed = form.Failed()
	c.Show = []page.Link{
		{Text: v.W.T("councils.all"), URL: councilsURL(c.Query, false, 1), Current: !c.Trouble},
		{Text: v.W.T("councils.trouble"), URL: councilsURL(c.Query, true, 1), Current: c.Trouble},
	}
	c.Empty = v.W.T("councils.no_match")
	if c.Query == "" && !c.Trouble {
		c.Empty = v.W.T("councils.none")
	}
	if number > 1 {
		c.Before = councilsURL(c.Query, c.Trouble, number-1)
	}
	err := s.DB.View(r.Context(), func(tx *store.Tx) error {
		found, err := tx.FindPeers(store.PeerSearch{
			Text: c.Query, Trouble: c.Trouble, After: (number - 1) * councilsOnPage, N: councilsOnPage + 1,
		})
		if err != nil {
			return err
		}
		if len(found) > councilsOnPage {
			found, c.Next = found[:councilsOnPage], councilsURL(c.Query, c.Trouble, number+1)
		}
		for _, p := range found {
			st, err := s.stands(v, tx, p)
			if err != nil {
				return err
			}
			c.Rows = append(c.Rows, councilRow(v, st))
		}
		taken, err := tx.Decisions(0, decidedOnPage)
		c.Decided = decided(v, taken)
		return err
	})
	if err != nil {
		return err
	}
	return s.Render(w, r, status, page.OtherCouncils(c))
}

func councilsURL(text string, trouble bool, number int) string {
	query := url.Values{}
	if text != "" {
		query.Set("q", text)
	}
	if trouble {
		query.Set("show", "trouble")
	}
	if number > 1 {
		query.Set("page", strconv.Itoa(number))
	}
	return address("/admin/councils", query)
}

// adminFrame is the frame of a page for administrators.
func (s *Site) adminFrame(v *Visit, r *http.Request, title string) page.Frame {
	f := s.Frame(v, r, title)
	f.Nav = "councils"
	f.Trail = []page.Link{{Text: v.W.T("nav.home"), URL: "/"}}
	return f
}

// stands is how a peer stands, with what waits for it.
func (s *Site) stands(v *Visit, tx *store.Tx, p *copse.Peer) (st PeerStanding, err error) {
	st = PeerStanding{Peer: p, Off: v.Off, Mode: s.Mode}
	if st.Standing, err = s.Fed.Standing(tx, p.Host); err != nil || p.ID == 0 {
		return st, err
	}
	st.Wait, err = tx.Awaited(p, MostAwaited)
	return st, err
}

func councilRow(v *Visit, st PeerStanding) page.CouncilRow {
	p := st.Peer
	row := page.CouncilRow{
		Name: p.Title, Host: p.Host, URL: councilPath(p.Host), Software: strings.TrimSpace(p.Software + " " + p.Version),
		Agreed: p.Agreed, Heard: p.LastSeen, Delivered: p.LastOK,
	}
	if row.Name == "" {
		row.Name = p.Host
	}
	row.State, row.Stands = Stands(v.W, st)
	rule := string(st.Standing.Policy)
	switch {
	case st.Mode == copse.Closed:
		rule = "closed"
	case rule == "" && st.Mode == copse.Open:
		rule = "open"
	case rule == "":
		rule = "unlisted"
	case st.Standing.Listed:
		rule += "_listed"
	}
	row.Rule = v.W.T("rule." + rule)
	return row
}

func councilPath(host string) string { return "/admin/councils/" + url.PathEscape(host) }

func decided(v *Visit, taken []store.Decided) (all []page.Decided) {
	for _, d := range taken {
		by := v.W.T("peer.by_command")
		if d.By != nil {
			by = v.W.T("peer.by", "name", d.By.Title)
		}
		all = append(all, page.Decided{What: v.W.T("decided." + string(d.What)), By: by, At: d.At})
	}
	return all
}

// findCouncil goes to the page of a server by its name, whether it is known or not.
func (s *Site) findCouncil(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := s.Administers(v); err != nil {
		return err
	}
	form := page.Form{Values: r.PostForm}
	host, err := s.Fed.HostOf(strings.TrimSpace(form.Value("host")))
	if s.Blame(v, &form, err) {
		return s.showCouncils(w, r, v, http.StatusUnprocessableEntity, form)
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, councilPath(host), http.StatusSeeOther)
	return nil
}

// hostIn returns the server in the address.
func (s *Site) hostIn(v *Visit, r *http.Request) (string, error) {
	if err := s.Administers(v); err != nil {
		return "", err
	}
	text, err := url.PathUnescape(chi.URLParam(r, "host"))
	if err != nil {
		return "", copse.NotFound("there is nothing here")
	}
	host, err := s.Fed.HostOf(text)
	if err != nil || host != text {
		return "", copse.NotFound("there is nothing here")
	}
	return host, nil
}

func (s *Site) council(w http.ResponseWriter, r *http.Request, v *Visit) error {
	return s.showCouncil(w, r, v, http.StatusOK, page.Form{}, nil)
}

func (s *Site) showCouncil(w http.ResponseWriter, r *http.Request, v *Visit, status int, form page.Form, steps []federation.Step) error {
	host, err := s.hostIn(v, r)
	if err != nil {
		return err
	}
	c := page.CouncilPage{Form: form, Newest: waitsOnPage}
	err = s.DB.View(r.Context(), func(tx *store.Tx) error {
		p, err := tx.Peer(host)
		if copse.CodeOf(err) == copse.CodeNotFound {
			p, err = &copse.Peer{Host: host, State: copse.PeerOK}, nil
		}
		if err != nil {
			return err
		}
		st, err := s.stands(v, tx, p)
		if err != nil {
			return err
		}
		c.Row, c.Note, c.Actions = councilRow(v, st), p.Note, actionsOn(v, st)
		if p.Error != "" {
			c.Error = Fault(v.W, p.Error)
		}
		if c.Form.Values == nil {
			c.Form.Values = url.Values{"note": {p.Note}}
			if !p.Agreed.IsZero() {
				c.Form.Values.Set("agreed", p.Agreed.Format(dayForm))
			}
		}
		if p.ID == 0 {
			return nil
		}
		missed, err := tx.MissingAt(p, waitsOnPage)
		if err != nil {
			return err
		}
		for _, m := range missed {
			c.Waiting = append(c.Waiting, page.Waits{What: sent(v, m), Since: m.Since, Why: WhyMissing(v.W, st, m)})
		}
		taken, err := tx.Decisions(p.ID, decidedOnPage)
		c.Decided = decided(v, taken)
		return err
	})
	if err != nil {
		return err
	}
	for _, step := range steps {
		c.Steps = append(c.Steps, tested(v, step))
	}
	c.Frame = s.adminFrame(v, r, c.Row.Name)
	c.Frame.Trail = append(c.Frame.Trail, page.Link{Text: v.W.T("councils.title"), URL: "/admin/councils"})
	c.Frame.Failed = form.Failed()
	return s.Render(w, r, status, page.OneCouncil(c))
}

func tested(v *Visit, step federation.Step) page.TestStep {
	shown := page.TestStep{Text: Tested(v.W, step)}
	switch step.Result {
	case "ok":
		shown.State = page.Mark{Kind: "good", Text: v.W.T("peer.worked")}
	case "failed":
		shown.State = page.Mark{Kind: "stop", Text: v.W.T("peer.failed")}
	default:
		shown.State = page.Mark{Text: Tested(v.W, step)}
		shown.Text = ""
	}
	return shown
}

// sent says what it is that was to reach a council. It tells nothing of what was
// written: who runs the server need not be a member.
func sent(v *Visit, m store.Missing) string {
	kind := "news"
	switch m.Type {
	case "Create", "Update", "Delete", "Like", "Follow", "Accept", "Reject":
		kind = strings.ToLower(m.Type)
	}
	where := v.W.T("peer.for_it_alone")
	if m.Community != nil {
		where = v.W.T("peer.in_community", "community", m.Community.Title)
	}
	return v.W.T("sent."+kind) + ", " + where
}

// actionsOn are the decisions that make sense now.
func actionsOn(v *Visit, st PeerStanding) (all []page.Option) {
	p := st.Peer
	add := func(what copse.Decision, label string) {
		all = append(all, page.Option{Value: string(what), Label: label})
	}
	if p.Paused.IsZero() {
		if st.Standing.Stance != copse.Refusing {
			add(copse.DecidePause, v.W.T("peer.pause"))
		}
	} else {
		add(copse.DecideResume, v.W.T("peer.resume"))
	}
	if p.State != copse.PeerOK || p.Fails > 0 {
		add(copse.DecideTryAgain, v.W.T("peer.again"))
	}
	if p.Policy != copse.Allow {
		add(copse.DecideAllow, v.W.T("peer.allow"))
	}
	if p.Policy != copse.Block {
		add(copse.DecideBlock, v.W.T("peer.block"))
	}
	if p.Policy != copse.Undecided {
		add(copse.DecideForget, v.W.T("peer.forget"))
	}
	return all
}

func (s *Site) decideCouncil(w http.ResponseWriter, r *http.Request, v *Visit) error {
	host, err := s.hostIn(v, r)
	if err != nil {
		return err
	}
	what := copse.Decision(r.PostFormValue("decision"))
	if err := s.Fed.Decide(r.Context(), v.Me(), host, what); err != nil {
		return err
	}
	s.Tell(r, v.W.T("decided."+string(what)))
	return s.toCouncil(w, r, v)
}

func (s *Site) toCouncil(w http.ResponseWriter, r *http.Request, v *Visit) error {
	host, err := s.hostIn(v, r)
	if err == nil {
		http.Redirect(w, r, councilPath(host), http.StatusSeeOther)
	}
	return err
}

// testCouncil asks a council's server whether it answers, and shows how that went.
func (s *Site) testCouncil(w http.ResponseWriter, r *http.Request, v *Visit) error {
	host, err := s.hostIn(v, r)
	if err != nil {
		return err
	}
	steps, err := s.Fed.Probe(r.Context(), host)
	if err != nil {
		return err
	}
	return s.showCouncil(w, r, v, http.StatusOK, page.Form{}, steps)
}

// agree notes the agreement with a council.
func (s *Site) agree(w http.ResponseWriter, r *http.Request, v *Visit) error {
	host, err := s.hostIn(v, r)
	if err != nil {
		return err
	}
	form := page.Form{Values: r.PostForm}
	var agreed time.Time
	if day := strings.ReplaceAll(form.Value("agreed"), " ", ""); day != "" {
		if agreed, err = time.Parse(dayForm, day); err != nil {
			form.Fail("agreed", v.W.T("peer.bad_date"))
		}
	}
	if !form.Failed() {
		err := s.Fed.Agree(r.Context(), v.Me(), host, agreed, form.Value("note"))
		if !s.Blame(v, &form, err) && err != nil {
			return err
		}
	}
	if form.Failed() {
		return s.showCouncil(w, r, v, http.StatusUnprocessableEntity, form, nil)
	}
	s.Tell(r, v.W.T("decided.note"))
	return s.toCouncil(w, r, v)
}

// switchExchange switches the exchange with all councils off or on.
func (s *Site) switchExchange(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := s.Administers(v); err != nil {
		return err
	}
	on, told := true, v.W.T("councils.turned_on")
	switch r.PostFormValue("exchange") {
	case "on":
	case "off":
		on, told = false, v.W.T("councils.turned_off")
	default:
		return copse.Invalid("", "this request cannot be read")
	}
	if err := s.Fed.Switch(r.Context(), v.Me(), on); err != nil {
		return err
	}
	s.Tell(r, told)
	http.Redirect(w, r, "/admin/councils", http.StatusSeeOther)
	return nil
}
