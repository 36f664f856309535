// Package message has the pages of private messages: what one has, one conversation,
// and the forms to write, change and delete a message and to block somebody.
//
// A message is in no community, so it is no kind of content and needs no mapping:
// package copse has its rules, hub what is done to it, federation how it travels.
package message

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"copse/copse"
	"copse/internal/markup"
	"copse/store"
	"copse/web"
	"copse/web/page"
)

// Section is the messages' part of the site.
var Section = web.Section{Kind: "message", Routes: routes}

// pages are those of messages, on a site.
type pages struct{ *web.Site }

func routes(s *web.Site, r chi.Router) {
	p := pages{s}
	handle := func(method, pattern string, h web.Handler) {
		s.Handle(r, method, pattern, func(w http.ResponseWriter, r *http.Request, v *web.Visit) error {
			if err := s.SignedIn(v); err != nil {
				return err
			}
			return h(w, r, v)
		})
	}
	handle("GET", "/messages", p.list)
	handle("GET", "/messages/new", p.newForm)
	handle("POST", "/messages/new", p.start)
	handle("GET", "/messages/blocked", p.blocked)
	handle("GET", "/messages/block", p.blockForm)
	handle("POST", "/messages/block", p.block(true))
	handle("POST", "/messages/unblock", p.block(false))
	handle("GET", "/messages/{id}", p.talk)
	handle("POST", "/messages/{id}", p.reply)
	handle("POST", "/messages/{id}/mute", p.mute(true))
	handle("POST", "/messages/{id}/unmute", p.mute(false))
	handle("GET", "/message/{id}", p.message)
	handle("GET", "/message/{id}/edit", p.editForm)
	handle("POST", "/message/{id}/edit", p.edit)
	handle("GET", "/message/{id}/delete", p.deleteForm)
	handle("POST", "/message/{id}/delete", p.delete)
}

const (
	talksOnPage = 20
	linesOnPage = 30
	excerpt     = 120 // characters
	// underway is how long a message may be on its way before that is said.
	underway = 10 * time.Second
)

// list is what somebody has: each conversation once, the newest first.
func (p pages) list(w http.ResponseWriter, r *http.Request, v *web.Visit) error {
	l := talkList{Frame: p.frame(v, r, v.W.T("messages.title"))}
	before, _ := strconv.ParseInt(r.FormValue("before"), 10, 64) // what is not a number means from the start
	err := p.DB.View(r.Context(), func(tx *store.Tx) error {
		talks, err := tx.Talks(v.Viewer.Actor, copse.ID(before), talksOnPage+1)
		if err != nil {
			return err
		}
		if len(talks) > talksOnPage {
			talks = talks[:talksOnPage]
			l.Next = "/messages?before=" + number(talks[talksOnPage-1].Last.ID)
		}
		for _, t := range talks {
			row, err := p.row(v, tx, t)
			if err != nil {
				return err
			}
			l.Rows = append(l.Rows, row)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if before != 0 {
		l.Previous = "/messages"
	}
	return p.Render(w, r, http.StatusOK, list(l))
}

func (p pages) row(v *web.Visit, tx *store.Tx, t store.Talk) (talkRow, error) {
	names, err := p.names(v, tx, t)
	if err != nil {
		return talkRow{}, err
	}
	row := talkRow{Names: names, URL: path(t.ID), At: t.Last.Published, Unread: t.Unread && !t.Muted, Muted: t.Muted}
	switch {
	case !t.Last.Deleted.IsZero():
		row.Excerpt = v.W.T("messages.deleted")
	case t.Last.Author == v.Viewer.Actor:
		row.Excerpt = v.W.T("messages.you_wrote", "text", markup.Excerpt(t.Last.HTML, excerpt))
	default:
		row.Excerpt = markup.Excerpt(t.Last.HTML, excerpt)
	}
	return row, nil
}

// names are who a conversation is with.
func (p pages) names(v *web.Visit, tx *store.Tx, t store.Talk) (string, error) {
	var all []string
	for _, a := range t.People {
		person, err := p.Person(v, tx, a)
		if err != nil {
			return "", err
		}
		all = append(all, person.Name)
	}
	return strings.Join(append(all, t.Others...), ", "), nil
}

// talk is one conversation, with the form for another message at its foot. What it
// shows counts as read.
func (p pages) talk(w http.ResponseWriter, r *http.Request, v *web.Visit) error {
	return p.showTalk(w, r, v, http.StatusOK, page.Form{})
}

func (p pages) showTalk(w http.ResponseWriter, r *http.Request, v *web.Visit, status int, form page.Form) error {
	t := talkPage{Form: form, Once: once(form)}
	var shown store.Talk
	err := p.DB.View(r.Context(), func(tx *store.Tx) (err error) {
		if shown, err = tx.Talk(v.Viewer.Actor, id(r)); err != nil {
			return err
		}
		return p.fill(v, tx, r, shown, &t)
	})
	if err != nil {
		return err
	}
	read := shown.Unread && t.Later == ""
	if read {
		if err := p.Hub.Read(r.Context(), v.Me(), shown.Last.Message); err != nil {
			return err
		}
	}
	names := t.Frame.Title
	t.Frame = p.frame(v, r, v.W.T("messages.with", "names", names))
	t.Frame.Trail = []page.Link{{Text: v.W.T("messages.title"), URL: "/messages"}}
	t.Frame.Failed = form.Failed()
	if read && !shown.Muted && t.Frame.Unread > 0 {
		t.Frame.Unread-- // this one
	}
	return p.Render(w, r, status, showTalk(t))
}

// fill fills in a conversation's page but for what is around it.
func (p pages) fill(v *web.Visit, tx *store.Tx, r *http.Request, talk store.Talk, t *talkPage) (err error) {
	t.URL, t.Muted = path(talk.ID), talk.Muted
	if t.Frame.Title, err = p.names(v, tx, talk); err != nil {
		return err
	}
	if err := p.with(v, tx, talk, t); err != nil {
		return err
	}
	before, _ := strconv.ParseInt(r.FormValue("before"), 10, 64)
	lines, err := tx.Lines(v.Viewer.Actor, talk.ID, copse.ID(before), linesOnPage+1)
	if err != nil {
		return err
	}
	if before != 0 {
		t.Later = t.URL
	}
	if len(lines) > linesOnPage {
		lines = lines[:linesOnPage]
		t.Earlier = t.URL + "?before=" + number(lines[linesOnPage-1].ID)
	}
	if len(lines) == 0 {
		return nil
	}
	errands, err := tx.Errands(v.Viewer.Actor, talk.ID, lines[len(lines)-1].ID)
	if err != nil {
		return err
	}
	for _, l := range slices.Backward(lines) {
		line, err := p.line(v, tx, l)
		if err != nil {
			return err
		}
		line.Receipt = receipt(v, l, errands)
		t.Lines = append(t.Lines, line)
	}
	return nil
}

// with fills in who a conversation is with, and why nothing more can be written in it
// if that is so.
func (p pages) with(v *web.Visit, tx *store.Tx, talk store.Talk, t *talkPage) error {
	var rest []string // who can still be written to
	for _, a := range talk.People {
		person, err := p.Person(v, tx, a)
		if err != nil {
			return err
		}
		f, err := tx.Correspondence(v.Me(), a, talk.ID)
		if err != nil {
			return err
		}
		f.People = len(talk.People) + len(talk.Others)
		one := correspondent{Person: person, Blocked: f.Blocks, Who: a.Handle()}
		if copse.MayReportPerson(v.Me(), a) == nil {
			one.Report = a.Path() + "/report"
		}
		t.With = append(t.With, one)
		why := copse.MayMessage(f)
		switch {
		case why == nil:
			rest = append(rest, a.Handle())
		case f.Absent:
			t.Barrier = v.W.T("messages.somebody_gone")
		case t.Barrier == "":
			t.Barrier = sentence(v, why)
		}
	}
	if t.Barrier != "" && len(rest) > 0 {
		t.Rest = "/messages/new?" + url.Values{"to": rest}.Encode()
	}
	t.Others, t.Readers = talk.Others, v.W.T("messages.who_sees", "names", t.Frame.Title)
	return nil
}

func (p pages) line(v *web.Visit, tx *store.Tx, l store.Line) (line, error) {
	shown := line{ID: "m" + number(l.ID), At: l.Published, HTML: l.HTML, Edited: !l.Edited.IsZero(), Gone: !l.Deleted.IsZero()}
	var err error
	if shown.By, err = p.Person(v, tx, l.By); err != nil {
		return shown, err
	}
	if l.Language != v.W.Lang() {
		shown.Lang = l.Language
	}
	if copse.MayChangeMessage(l.Message, v.Viewer.Actor) == nil {
		about, at := v.W.T("messages.about", "when", v.W.DateTime(l.Published)), "/message/"+number(l.ID)
		shown.Actions = []page.Action{
			{Text: v.W.T("messages.edit"), About: about, URL: at + "/edit"},
			{Text: v.W.T("messages.delete"), About: about, URL: at + "/delete"},
		}
	}
	return shown, nil
}

// receipt says which councils do not have a message that the reader wrote.
func receipt(v *web.Visit, l store.Line, errands []store.Errand) string {
	var all []string
	for _, e := range errands {
		council := e.Peer.Title
		if council == "" {
			council = e.Peer.Host
		}
		switch {
		case e.Message != l.ID || !l.Deleted.IsZero():
		case e.Stopped:
			all = append(all, v.W.T("messages.not_taken", "council", council))
		case v.Now.Sub(l.Published) > underway || !l.Edited.IsZero() && v.Now.Sub(l.Edited) > underway:
			all = append(all, v.W.T("messages.not_received", "council", council))
		}
	}
	return strings.Join(slices.Compact(all), " ")
}

// message leads to a message in its place.
func (p pages) message(w http.ResponseWriter, r *http.Request, v *web.Visit) error {
	l, err := p.at(r, v)
	if err != nil {
		return err
	}
	http.Redirect(w, r, path(l.Conversation)+"?before="+number(l.ID+1)+"#m"+number(l.ID), http.StatusSeeOther)
	return nil
}

// at is the message in the address, if it is the reader's to read.
func (p pages) at(r *http.Request, v *web.Visit) (l store.Line, err error) {
	err = p.DB.View(r.Context(), func(tx *store.Tx) (err error) {
		l, err = tx.Line(v.Viewer.Actor, id(r))
		return err
	})
	return l, err
}

// mute has the reader hear no more of a conversation, or hear of it again.
func (p pages) mute(muted bool) web.Handler {
	return func(w http.ResponseWriter, r *http.Request, v *web.Visit) error {
		var talk store.Talk
		err := p.DB.View(r.Context(), func(tx *store.Tx) (err error) {
			talk, err = tx.Talk(v.Viewer.Actor, id(r))
			return err
		})
		if err != nil {
			return err
		}
		if err := p.Hub.Mute(r.Context(), v.Me(), talk.Last.Message, muted); err != nil {
			return err
		}
		if muted {
			p.Tell(r, v.W.T("messages.muted"))
		} else {
			p.Tell(r, v.W.T("messages.unmuted"))
		}
		http.Redirect(w, r, path(talk.ID), http.StatusSeeOther)
		return nil
	}
}

func (p pages) frame(v *web.Visit, r *http.Request, title string) page.Frame {
	f := p.Frame(v, r, title)
	f.Nav = "messages"
	return f
}

func path(conversation copse.ID) string { return "/messages/" + number(conversation) }

func number(id copse.ID) string { return strconv.FormatInt(int64(id), 10) }

// id is the number in the address; zero, which nothing has, for nonsense.
func id(r *http.Request) copse.ID {
	n, _ := strconv.ParseInt(chi.URLParam(r, "id"), 10, 64)
	return copse.ID(n)
}
