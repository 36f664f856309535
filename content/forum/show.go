package forum

import (
	"strings"

	"copse/copse"
	"copse/internal/markup"
	"copse/store"
	"copse/web"
	"copse/web/page"
)

// A showing turns what is in the store into what one reader's page shows.
type showing struct {
	*scene
	site pages
	v    *web.Visit
	tx   *store.Tx
	home string // the council that runs the community
	by   map[copse.ID]page.Person
	mine map[copse.ID]bool // what the reader has marked as helpful

	takes     map[copse.Ruling]bool          // what the community's home takes from this council
	proposals map[copse.ID][]*store.Proposal // what it was asked to do, for those who may ask
}

func (p pages) showing(v *web.Visit, tx *store.Tx, sc *scene) (*showing, error) {
	home, err := p.Council(v, tx, &sc.Community.Actor)
	if err != nil {
		return nil, err
	}
	mine, err := tx.Responded(sc.Topic.ID, v.Viewer.Actor, "Like")
	if err != nil {
		return nil, err
	}
	takes := make(map[copse.Ruling]bool)
	for _, r := range []copse.Ruling{copse.Removing, copse.Locking, copse.Pinning, copse.Banning} {
		if takes[r], err = p.Takes(v, tx, sc.Community, r); err != nil {
			return nil, err
		}
	}
	proposals, err := p.Proposals(tx, sc.Standing)
	return &showing{sc, p, v, tx, home, map[copse.ID]page.Person{}, mine, takes, proposals}, err
}

func (s *showing) person(a *copse.Actor) (page.Person, error) {
	if p, ok := s.by[a.ID]; ok {
		return p, nil
	}
	p, err := s.site.Person(s.v, s.tx, a)
	s.by[a.ID] = p
	return p, err
}

// post is one post as the page of its topic shows it.
func (s *showing) post(p store.Post) (shown post, err error) {
	shown = post{Anchor: anchor(p.Object), First: p.TopLevel(), At: p.Published, URL: address(p.Object), HTML: p.HTML}
	if err := s.addAsked(p, &shown); err != nil {
		return shown, err
	}
	if !p.Deleted.IsZero() {
		shown.Gone = gone(s.v, p.Object)
		return shown, s.addRestore(p, &shown)
	}
	if shown.By, err = s.person(p.By); err != nil {
		return shown, err
	}
	if p.Language != s.v.W.Lang() {
		shown.Lang = p.Language
	}
	shown.Label = label(s.v, p.Object, shown.By)
	if waits(s.Community, p.Object) {
		shown.Waiting = s.v.W.T("topic.waiting", "council", s.home)
		if shown.Receipt, err = s.submission(p); err != nil {
			return shown, err
		}
		if shown.Receipt.Text != "" {
			shown.Waiting = ""
		}
	}
	if !p.TopLevel() && s.Topic.Answer == p.ID {
		asker, err := s.person(s.Topic.By)
		if err != nil {
			return shown, err
		}
		shown.Accepted = s.v.W.T("topic.accepted_by", "name", asker.Name)
	}
	if !p.Edited.IsZero() {
		// What had been edited before it came here has no history here.
		revised, err := s.tx.Revised(p.ID)
		if err != nil {
			return shown, err
		}
		if revised {
			shown.History = address(p.Object) + "/history"
		}
	}
	if err := s.addActions(p, &shown); err != nil {
		return shown, err
	}
	if s.Community.Local {
		shown.Receipt, err = s.receipt(p)
	}
	return shown, err
}

// addRestore lets a facilitator put back what is still kept.
func (s *showing) addRestore(p store.Post, shown *post) error {
	if s.v.Login == nil || !p.Removed || !s.rules(p.ID, copse.Removing) || copse.MayRestore(s.facts(s.v, p.Object)) != nil {
		return nil
	}
	kept := *p.Object
	err := s.tx.Withheld(&kept)
	if copse.CodeOf(err) == copse.CodeNotFound {
		return nil
	}
	if err != nil {
		return err
	}
	by, err := s.person(p.By)
	shown.Actions = append(shown.Actions, page.Action{
		Text: s.v.W.T("topic.restore"), About: s.v.W.T("topic.about", "name", by.Name), URL: address(p.Object) + "/restore", Post: true,
	})
	return err
}

// gone says who removed what was here.
func gone(v *web.Visit, o *copse.Object) string {
	if o.Removed {
		return v.W.T("topic.removed")
	}
	return v.W.T("topic.deleted")
}

// label says which post this is.
func label(v *web.Visit, o *copse.Object, by page.Person) string {
	switch {
	case !o.TopLevel():
		return v.W.T("topic.reply_from", "name", by.Name)
	case o.Question:
		return v.W.T("topic.question_from", "name", by.Name)
	}
	return v.W.T("topic.conversation_from", "name", by.Name)
}

// waits reports whether o, written here, has still to be taken by the community's
// home.
func waits(c *copse.Community, o *copse.Object) bool {
	return o.Local && !c.Local && o.Accepted.IsZero()
}

// addActions fills in what the reader may do to a post.
func (s *showing) addActions(p store.Post, shown *post) error {
	w, facts, at := s.v.W, s.facts(s.v, p.Object), address(p.Object)
	add := func(a page.Action) {
		a.About = w.T("topic.about", "name", shown.By.Name)
		shown.Actions = append(shown.Actions, a)
	}
	if copse.MayReply(facts) == nil && s.Topic.Deleted.IsZero() {
		reply := page.Action{Text: w.T("topic.reply"), URL: "#text"}
		if !p.TopLevel() {
			reply.URL = "/post/" + idText(p.Root) + "/reply?to=" + idText(p.ID)
		}
		add(reply)
	}
	if copse.MayLike(facts) == nil && !facts.Author {
		helpful := page.Action{Text: w.T("topic.helpful"), URL: at + "/helpful", Post: true, Done: s.mine[p.ID]}
		if p.Likes > 0 {
			helpful.Text = w.T("topic.helpful_count", "n", p.Likes)
		}
		if helpful.Done {
			helpful.URL += "/undo"
		}
		add(helpful)
	} else if p.Likes > 0 {
		shown.Helped = w.N("topic.helped", p.Likes)
	}
	if !p.TopLevel() && s.Topic.Question && copse.MayEdit(s.facts(s.v, s.Topic.Object)) == nil {
		if s.Topic.Answer == p.ID {
			add(page.Action{Text: w.T("topic.accept_undo"), URL: at + "/accept/undo", Post: true})
		} else {
			add(page.Action{Text: w.T("topic.accept"), URL: at + "/accept", Post: true})
		}
	}
	if copse.MayEdit(facts) == nil {
		add(page.Action{Text: w.T("topic.edit"), URL: at + "/edit"})
	}
	if s.v.Login != nil && copse.MayRemove(facts) == nil && (facts.Author || s.rules(p.ID, copse.Removing)) {
		add(page.Action{Text: w.T("topic.delete"), URL: at + "/delete"})
	}
	s.addRulings(p, add)
	if report, ok := web.ReportAction(s.v, facts, p.Object); ok {
		add(report)
	}
	return nil
}

// receipt says which councils have a post of a community here. Of a topic every
// member may know, of a reply whoever wrote it.
func (s *showing) receipt(p store.Post) (r receipt, err error) {
	if s.Facts.Role < copse.Member || !p.TopLevel() && p.Author != s.v.Viewer.Actor {
		return r, nil
	}
	all, err := s.tx.Receipts(p.ID)
	if err != nil || len(all) == 0 {
		return r, err
	}
	var missing []string
	for _, c := range all {
		if c.Has {
			continue
		}
		missing = append(missing, s.missing(c))
		if !c.Stopped.IsZero() {
			r.Again = s.again(p)
		}
	}
	councils := s.v.W.N("community.councils", len(all))
	if len(missing) == 0 {
		r.Text = s.v.W.N("receipt.all", len(all))
		return r, nil
	}
	r.Text = s.v.W.T("receipt.some", "has", len(all)-len(missing), "councils", councils)
	r.Detail = strings.Join(missing, " ")
	return r, nil
}

// submission says that the home of a community elsewhere did not take a post and
// is not asked any more. Until then it waits, which is all there is to say unless
// that is decided here.
func (s *showing) submission(p store.Post) (r receipt, err error) {
	all, err := s.tx.Receipts(p.ID)
	if err != nil || len(all) == 0 {
		return r, err
	}
	if all[0].Stopped.IsZero() {
		if !s.v.Off.IsZero() || !all[0].Peer.Paused.IsZero() {
			r = receipt{Text: s.v.W.T("topic.waiting", "council", s.home), Detail: s.missing(all[0])}
		}
		return r, nil
	}
	return receipt{Text: s.v.W.T("receipt.unsent", "council", s.home), Detail: s.missing(all[0]), Again: s.again(p)}, nil
}

// again is where to have a post sent again, "" for those who may not.
func (s *showing) again(p store.Post) string {
	facts := s.facts(s.v, p.Object)
	facts.Admin = s.v.Login != nil && s.v.Login.Role != store.Ordinary
	if copse.MaySendAgain(facts) != nil {
		return ""
	}
	return address(p.Object) + "/send-again"
}

// missing says why one council does not have something.
func (s *showing) missing(c store.Receipt) string {
	council, w := c.Peer.Title, s.v.W
	if council == "" {
		council = c.Peer.Host
	}
	switch {
	case !c.Stopped.IsZero() && c.Error != "":
		return w.T("receipt.refused", "council", council, "why", web.Fault(w, c.Error), "date", c.Stopped)
	case !c.Stopped.IsZero():
		return w.T("receipt.stopped", "council", council, "date", c.Stopped)
	case !c.Peer.Paused.IsZero():
		return w.T("receipt.paused", "council", council)
	case !s.v.Off.IsZero():
		return w.T("receipt.off", "council", council)
	case c.Peer.State == copse.PeerFailing || c.Peer.State == copse.PeerDormant:
		return w.T("receipt.away", "council", council)
	}
	return w.T("receipt.coming", "council", council)
}

// accepted is the beginning of the answer that was accepted, if one was.
func (s *showing) accepted() (*answer, error) {
	if s.Topic.Answer == 0 || !s.Topic.Deleted.IsZero() {
		return nil, nil
	}
	p, err := s.tx.Post(s.v.Viewer, s.Topic.Answer)
	if copse.CodeOf(err) == copse.CodeNotFound || err == nil && !p.Deleted.IsZero() {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	by, err := s.person(p.By)
	return &answer{By: by, Text: markup.Excerpt(p.HTML, 280), URL: address(p.Object)}, err
}
