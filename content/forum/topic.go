package forum

import (
	"net/http"

	"copse/copse"
	"copse/store"
	"copse/web"
	"copse/web/page"
)

// topic is a conversation: what started it, and the replies to it, fifty on a
// page.
func (p pages) topic(w http.ResponseWriter, r *http.Request, v *web.Visit) error {
	var (
		t      topicPage
		status = http.StatusOK
	)
	err := p.DB.View(r.Context(), func(tx *store.Tx) error {
		sc, err := p.scene(v, tx, r)
		if err != nil {
			return err
		}
		if !sc.Topic.Deleted.IsZero() {
			status = http.StatusGone // the replies stay where they were
		}
		t, err = p.topicPage(v, tx, r, sc)
		return err
	})
	if err != nil {
		return err
	}
	return p.Render(w, r, status, showTopic(t))
}

func (p pages) topicPage(v *web.Visit, tx *store.Tx, r *http.Request, sc *scene) (t topicPage, err error) {
	show, err := p.showing(v, tx, sc)
	if err != nil {
		return t, err
	}
	if t.Topic, err = show.post(sc.Topic); err != nil {
		return t, err
	}
	title := sc.Topic.Title
	if t.Topic.Gone != "" {
		title = t.Topic.Gone
	}
	if t.Frame, t.Copy, err = p.Inside(v, tx, r, sc.Standing, title, section(sc)); err != nil {
		return t, err
	}
	if t.Answer, err = show.accepted(); err != nil {
		return t, err
	}
	head(v, sc, &t)
	after := r.FormValue("after")
	if !isPath(after) {
		after = ""
	}
	if after != "" {
		t.Start = address(sc.Topic.Object)
	}
	if err := show.replies(after, &t); err != nil {
		return t, err
	}
	if !sc.Topic.Deleted.IsZero() {
		return t, nil
	}
	if err := copse.MayReply(sc.facts(v, sc.Topic.Object)); err != nil {
		t.Barrier = barrierTo(v, r, sc.Standing, err)
		return t, nil
	}
	t.Reply, err = p.replying(v, tx, sc)
	return t, err
}

// section is the address of the part of the community that a topic is in.
func section(sc *scene) string {
	if sc.Topic.Question && sc.Topic.Answer == 0 {
		return sc.Community.Path() + "/questions"
	}
	return sc.Community.Path() + "/forum"
}

// head fills in what stands above the posts.
func head(v *web.Visit, sc *scene, t *topicPage) {
	o := sc.Topic
	t.Lead = v.W.T("topic.started_by")
	if o.Question {
		t.Lead = v.W.T("topic.asked_by")
	}
	t.Tags = tags(v, sc.Community, o.Object)
	if sc.Pinned && o.Deleted.IsZero() {
		t.Tags = append(t.Tags, pinned(v))
	}
	if sc.Lock != nil && o.Deleted.IsZero() {
		t.Closed = v.W.T("topic.closed")
		if sc.Lock.Reason != "" {
			t.Why = v.W.T("topic.closed_why", "why", sc.Lock.Reason)
		}
	}
	if o.Replies > 0 {
		t.Heading = v.W.N("topic.replies", o.Replies)
		t.Reach = v.W.T("topic.reach", "replies", t.Heading, "councils", v.W.N("community.councils", o.Councils))
	}
}

// tags are what state a topic is in, as far as that is not plain.
func tags(v *web.Visit, c *copse.Community, o *copse.Object) (all []page.Mark) {
	switch {
	case o.Answer != 0:
		all = append(all, page.Mark{Kind: "good", Text: v.W.T("topic.answered")})
	case o.Question:
		all = append(all, page.Mark{Kind: "note", Text: v.W.T("topic.question")})
	}
	if c.Audience == copse.Public && o.Audience == copse.Members {
		all = append(all, page.Mark{Text: v.W.T("topic.members_only")})
	}
	return all
}

// replies fills in a page of replies, from after the given path. They nest once:
// what answers a reply stands under it, and what answers that stands there too and
// says whom it answers.
func (s *showing) replies(after string, t *topicPage) error {
	all, err := s.tx.Thread(s.v.Viewer, s.Topic.ID, after, repliesOnPage+1)
	if err != nil {
		return err
	}
	if len(all) > repliesOnPage {
		all = all[:repliesOnPage]
		t.Next = address(s.Topic.Object) + "?after=" + all[len(all)-1].Path + "#replies"
	}
	here := map[copse.ID]store.Post{}
	for _, p := range all {
		here[p.ID] = p
		shown, err := s.post(p)
		if err != nil {
			return err
		}
		if len(p.Path) <= pathElement {
			t.Threads = append(t.Threads, thread{Head: &shown})
			continue
		}
		if len(t.Threads) == 0 {
			t.Threads = append(t.Threads, thread{})
		}
		under := &t.Threads[len(t.Threads)-1]
		if len(p.Path) > 2*pathElement || under.Head == nil {
			if err := s.answers(p, here, &shown); err != nil {
				return err
			}
		}
		under.Below = append(under.Below, shown)
	}
	return nil
}

// answers fills in what a reply answers.
func (s *showing) answers(p store.Post, here map[copse.ID]store.Post, shown *post) (err error) {
	parent, ok := here[p.Parent]
	if !ok {
		if parent, err = s.tx.Post(s.v.Viewer, p.Parent); err != nil {
			return err
		}
	}
	shown.ToURL = address(parent.Object)
	if ok {
		shown.ToURL = "#" + anchor(parent.Object)
	}
	if !parent.Deleted.IsZero() {
		shown.To = s.v.W.T("topic.to_removed")
		return nil
	}
	by, err := s.person(parent.By)
	shown.To = s.v.W.T("topic.to", "name", by.Name)
	return err
}

// comment leads to a reply in its place.
func (p pages) comment(w http.ResponseWriter, r *http.Request, v *web.Visit) error {
	var target string
	err := p.DB.View(r.Context(), func(tx *store.Tx) error {
		sc, err := p.scene(v, tx, r)
		if err != nil {
			return err
		}
		target, err = p.place(v, tx, sc.Post.Object)
		return err
	})
	if err != nil {
		return err
	}
	http.Redirect(w, r, target, http.StatusSeeOther)
	return nil
}
