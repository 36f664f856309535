package federation

import (
	"cmp"
	"context"
	"errors"
	"html"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"copse/copse"
	"copse/federation/ap"
	"copse/hub"
	"copse/internal/markup"
	"copse/store"
)

// errUnknown says that something has to be fetched before an activity can be
// performed.
var errUnknown = errors.New("something it refers to is not known here yet")

// decode turns what arrived into an activity the hub understands. It returns nil
// for what is none of our business: peers take a refusal as trouble and try again,
// or give up on us.
func (s *Server) decode(ctx context.Context, a *arrival, look *look) (*copse.Activity, error) {
	typ := meaning(a.act.Type)
	if !hub.Knows(typ) {
		return nil, nil
	}
	act := &copse.Activity{URI: activityURI(a.act), Type: typ, Actor: a.signer, Raw: a.act.Raw, Published: a.act.Published}
	if a.act.Type == "Announce" {
		return s.decodeAnnounce(ctx, a, act, look)
	}
	w, err := look.spellOut(ctx, a.act)
	if err != nil {
		return nil, err
	}
	do, err := s.decodeInner(ctx, w, act, look)
	if err == nil && do != nil && do.Message != nil && a.sentOn {
		return nil, nil // what is between a few people nobody else passes on
	}
	return do, err
}

// activityURI returns an activity's id. The few that may lack one (Accept and
// Undo of some peers, GoToSocial's Delete) are told apart by what they say.
func activityURI(w *ap.Object) string {
	if w.ID != "" {
		return w.ID
	}
	actor, _ := w.Actor.One()
	return actor + "#" + w.Type + "-" + fingerprint(w.Raw)
}

// decodeInner reads an activity that is not an announcement, whether it came by
// itself or inside one. act.Actor is its actor, act.Via who announced it.
func (s *Server) decodeInner(ctx context.Context, w *ap.Object, act *copse.Activity, look *look) (*copse.Activity, error) {
	switch w.Type {
	case "Create":
		return s.decodeCreate(ctx, w, act, look)
	case "Update":
		return s.decodeUpdate(ctx, w, act, look)
	case "Delete":
		if m, err := look.message(ctx, w.Object.URI()); err != nil || m != nil && act.Via == nil {
			act.Message = m
			return act, err
		}
		act.Object = &copse.Object{URI: w.Object.URI()}
		act.Reason = limited(markup.Plain(w.Summary), copse.MaxReason)
		switch {
		case act.Object.URI == "":
			return nil, nil
		case act.Object.URI == act.Actor.URI:
			if act.Via != nil || act.Actor.Type == copse.Group {
				return nil, nil // who goes says so themselves
			}
			act.Object, act.Subject = nil, act.Actor
		}
		return act, nil
	case "Like", "Dislike", "EmojiReact":
		o, err := look.target(ctx, w, w.Object.URI(), act)
		act.Object = o
		return act, err
	case "Block":
		return s.decodeBlock(ctx, w, act, look)
	case "Lock":
		act.Reason = limited(markup.Plain(w.Summary), copse.MaxReason)
		return s.decodeLock(ctx, w, act, act, look)
	case "Add", "Remove":
		if appointing, err := look.isCrew(ctx, w.Target.URI(), act); err != nil || appointing {
			if err != nil {
				return nil, err
			}
			return s.decodeAppointment(ctx, w, act, look)
		}
		return s.decodePin(ctx, w, act, look)
	case "Follow":
		return s.decodeFollow(ctx, w, act, look)
	case "Accept", "Reject":
		if act.Actor.Type == copse.Person {
			return s.decodeVerdict(ctx, w, act, look)
		}
		return s.decodeDecision(ctx, w, act, look)
	case "Undo":
		return s.decodeUndo(ctx, w, act, look)
	case "QuoteRequest":
		return s.decodeQuoteRequest(ctx, w, act, look)
	case "Move":
		return s.decodeMove(ctx, w, act, look)
	case "Flag":
		return s.decodeFlag(ctx, w, act, look)
	case "Resolve":
		return s.decodeResolve(ctx, w, act, look)
	}
	return nil, nil
}

func (s *Server) decodeFollow(ctx context.Context, w *ap.Object, act *copse.Activity, look *look) (*copse.Activity, error) {
	subject, err := look.ours(ctx, w.Object.URI())
	if err != nil {
		return nil, err
	}
	if subject.Type != copse.Group {
		return nil, copse.Forbidden("only communities can be joined here")
	}
	if err := look.met(ctx, act.Actor); err != nil {
		return nil, err
	}
	act.Subject = subject
	act.Reason = limited(markup.Plain(w.Reason), copse.MaxReason)
	return act, nil
}

// decodeDecision reads a community's answer to a Follow of somebody here. Most
// peers repeat the Follow whole, some give its id alone, and the first time
// somebody here joins, what is there already is brought in.
func (s *Server) decodeDecision(ctx context.Context, w *ap.Object, act *copse.Activity, look *look) (*copse.Activity, error) {
	follow := w.Object
	if follow.IsRef() {
		sent, err := look.sent(ctx, follow.ID)
		if err != nil {
			return nil, err
		}
		follow = sent
	}
	if follow == nil || follow.Type != "Follow" {
		return nil, nil
	}
	uri, _ := follow.Actor.One()
	person, err := look.ours(ctx, uri)
	if err != nil {
		return nil, err
	}
	if follow.Object.URI() != act.Actor.URI {
		return nil, copse.Forbidden("only %s may answer for itself", follow.Object.URI())
	}
	act.Reason = limited(markup.Plain(w.Content), 10*copse.MaxReason)
	act.Inner = &copse.Activity{Type: "Follow", Actor: person, Subject: act.Actor}
	first, err := look.isFirst(ctx, act)
	if err == nil && first {
		err = s.backfill(ctx, act.Actor, look)
	}
	return act, err
}

// isFirst reports whether an answer lets the first person here into a community,
// one who asked.
func (l *look) isFirst(ctx context.Context, act *copse.Activity) (first bool, err error) {
	if act.Type != "Accept" {
		return false, nil
	}
	err = l.view(ctx, func(tx *store.Tx) error {
		m, err := tx.Membership(act.Actor.ID, act.Inner.Actor.ID)
		if err != nil || m.State != copse.Pending {
			return err
		}
		first, err = tx.Empty(act.Actor.ID)
		return err
	})
	return first, err
}

// sent returns an activity that went out from here.
func (l *look) sent(ctx context.Context, uri string) (*ap.Object, error) {
	var out *store.Outgoing
	err := l.view(ctx, func(tx *store.Tx) (err error) {
		out, err = tx.OutgoingByURI(uri)
		return err
	})
	if err != nil {
		return nil, err
	}
	return ap.Parse(out.Body)
}

func (s *Server) decodeUndo(ctx context.Context, w *ap.Object, act *copse.Activity, look *look) (*copse.Activity, error) {
	if w.Object == nil || w.Object.IsRef() {
		return nil, nil // of something we have never heard of
	}
	inner := &copse.Activity{Type: meaning(w.Object.Type), Actor: act.Actor, Via: act.Via}
	if actor, ok := w.Object.Actor.One(); ok && actor != act.Actor.URI && !isRuling(w.Object) {
		return nil, copse.Forbidden("one can only undo what one did oneself")
	}
	var err error
	switch inner.Type {
	case "Delete":
		inner.Reason = limited(markup.Plain(w.Object.Summary), copse.MaxReason)
		inner.Object, err = s.restored(ctx, w.Object, act, look)
		if gone(err) {
			return nil, nil
		}
	case "Follow":
		inner.Subject, err = look.ours(ctx, w.Object.Object.URI())
	case "Like", "Dislike":
		inner.Object, err = look.target(ctx, w, w.Object.Object.URI(), act)
	case "Block":
		if inner, err = s.decodeBlock(ctx, w.Object, inner, look); err == nil && inner == nil {
			return nil, nil
		}
	case "Announce":
		return s.decodeDealtWith(ctx, w.Object, act, look)
	case "Lock":
		undo, err := s.decodeLock(ctx, w.Object, act, inner, look)
		if err != nil || undo == nil {
			return nil, err
		}
	default:
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if ap.SameHost(w.Object.ID, act.Actor.URI) { // nobody says what another's is not
		inner.URI = w.Object.ID
	}
	act.Inner = inner
	return act, nil
}

// restored returns what a Delete is taken back of. What the community removed is
// here. What its author deleted is not, so it is as its own server serves it again;
// as long as that does not, nothing is restored.
func (s *Server) restored(ctx context.Context, w *ap.Object, act *copse.Activity, look *look) (*copse.Object, error) {
	uri := w.Object.URI()
	if uri == "" {
		return nil, copse.Invalid("", "an object needs an id")
	}
	var known *copse.Object
	err := look.view(ctx, func(tx *store.Tx) (err error) {
		known, err = tx.ObjectByURI(uri)
		return err
	})
	if copse.CodeOf(err) == copse.CodeNotFound && act.Via != nil {
		// Whoever came while it was gone has never had it.
		if known, err = look.object(ctx, uri, act.Via); gone(err) {
			err = copse.NotFound("there is nothing here")
		}
	}
	switch {
	case copse.CodeOf(err) == copse.CodeNotFound:
		return &copse.Object{URI: uri}, nil
	case err != nil, isRuling(w), known.Deleted.IsZero():
		return known, err
	case known.Removed && (act.Via == nil || act.Via.Host == act.Actor.Host):
		return known, nil // Mbin gives no reason
	}
	found, err := look.document(ctx, uri)
	if err != nil {
		return nil, err
	}
	o, err := s.decodeObject(ctx, found, act, known, look)
	if err == nil && o == nil {
		err = copse.NotFound("there is nothing here")
	}
	return o, err
}

func (s *Server) decodeCreate(ctx context.Context, w *ap.Object, act *copse.Activity, look *look) (*copse.Activity, error) {
	made := w.Object
	if made == nil || made.ID == "" {
		return nil, copse.Invalid("", "an object needs an id")
	}
	if made.IsRef() || !ap.SameHost(made.ID, act.Actor.URI) {
		var err error
		if made, err = look.document(ctx, made.ID); gone(err) {
			return nil, nil // whoever can name an address must not have it asked for a fortnight
		}
		if err != nil {
			return nil, err
		}
	}
	m, err := s.decodeMessage(ctx, made, act, look)
	if err != nil || m != nil {
		act.Message = m
		return act, err
	}
	o, err := s.decodeObject(ctx, made, act, nil, look)
	if err != nil || o == nil {
		return nil, err
	}
	act.Object = o
	return act, nil
}

func (s *Server) decodeUpdate(ctx context.Context, w *ap.Object, act *copse.Activity, look *look) (*copse.Activity, error) {
	changed := w.Object
	if changed == nil || changed.ID == "" {
		return nil, copse.Invalid("", "an object needs an id")
	}
	// What is said about an actor is read where the actor lives.
	if host, _ := ap.Host(changed.ID); act.Via == nil && changed.Type == string(copse.Group) && host == s.Hub.Host() {
		return s.decodeDescription(ctx, changed, act, look)
	}
	if isActor(changed.Type) || changed.ID == act.Actor.URI {
		if !ap.SameHost(changed.ID, act.Actor.URI) {
			return nil, copse.Forbidden("only %s may change itself", changed.ID)
		}
		return nil, look.refresh(ctx, changed.ID)
	}
	if m, err := look.message(ctx, changed.ID); err != nil || m != nil {
		if err != nil {
			return nil, err
		}
		return s.decodeRewriting(ctx, changed, act, m, look)
	}
	known, err := look.target(ctx, w, changed.ID, act)
	if err != nil {
		return nil, err
	}
	if act.Via != nil && changed.CommentsEnabled != nil && known.TopLevel() && known.Author != act.Actor.ID {
		return s.decodeLegacyLock(ctx, changed, act, known, look)
	}
	if changed.IsRef() || !ap.SameHost(changed.ID, act.Actor.URI) {
		if changed, err = look.document(ctx, changed.ID); gone(err) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
	}
	o, err := s.decodeObject(ctx, changed, act, known, look)
	if err != nil || o == nil {
		return nil, err
	}
	if o.Kind != known.Kind {
		return nil, copse.Forbidden("%s stays the %s it was", o.URI, known.Kind)
	}
	if o.Edited.IsZero() && o.Answer == known.Answer && o.SameWords(known) {
		return nil, nil // nobody has changed it, whoever says so
	}
	o.ID, o.Community, o.Parent = known.ID, known.Community, known.Parent
	act.Object = o
	return act, nil
}

// decodeObject reads what somebody made, whose author must be act's actor. It
// returns nil for what this server has no use for. was is what is here of it; where
// it is it stays, though a mention that put it there be edited away.
func (s *Server) decodeObject(ctx context.Context, w *ap.Object, act *copse.Activity, was *copse.Object, look *look) (*copse.Object, error) {
	author, ok := authorOf(w)
	if !ok || author != act.Actor.URI || !ap.SameHost(w.ID, author) {
		return nil, copse.Forbidden("%s did not make %s", act.Actor.URI, w.ID)
	}
	m, ok := s.Mappings.reading(w)
	if !ok {
		return nil, nil
	}
	o := &copse.Object{Author: act.Actor.ID}
	switch {
	case w.InReplyTo != "":
		parent, err := look.parent(ctx, w, act.Via)
		if err != nil || parent == nil {
			return nil, err
		}
		o.Parent, o.Community = parent.ID, parent.Community
	case was != nil:
		o.Community = was.Community
	default:
		community, err := look.place(ctx, w, act.Via)
		if err != nil || community == nil {
			return nil, err
		}
		o.Community = community.ID
	}
	if act.Via == nil {
		if said, err := look.isSaidIn(ctx, w, o.Community); err != nil || !said {
			return nil, err
		}
	}
	// What is new here has no answers here yet, and to fetch one would lead back to
	// the question.
	if w.Answer != "" && act.Type != "Create" {
		answer, err := look.object(ctx, w.Answer, act.Via)
		if err != nil {
			return nil, err
		}
		o.Answer = answer.ID
	}
	if err := DecodeObject(m, w, o); err != nil {
		return nil, err
	}
	o.ID = store.IDFor(o.URI, o.Published, time.Now())
	return o, nil
}

// DecodeObject fills in o from w: what all kinds share, then what m adds. HTML
// is sanitised here, once, so that it is safe wherever it is shown.
func DecodeObject(m Mapping, w *ap.Object, o *copse.Object) error {
	o.URI, o.Kind = w.ID, m.Kind
	text := contentOf(w)
	o.HTML = markup.Sanitize(text + quoted(w, text) + attached(w, text))
	if !m.Reply {
		// Names are plain text, but some peers escape them as if they were not.
		o.Title = limited(strings.TrimSpace(html.UnescapeString(w.Name)), copse.MaxTitle)
		if o.Title == "" {
			o.Title = markup.Title(o.HTML)
		}
	}
	if w.Source != nil && w.Source.MediaType == "text/markdown" {
		o.Source = w.Source.Content
	}
	if len(w.Language) == 1 && w.Language[0].Identifier != "und" {
		o.Language = limited(w.Language[0].Identifier, 20)
	}
	if w.URL != w.ID && ap.SameHost(w.URL, w.ID) {
		o.URL = w.URL
	}
	if _, ok := ap.Host(w.Thread); ok && len(w.Thread) <= maxAddress { // and no tag:, as OStatus had it
		o.Conversation = w.Thread
	}
	o.Published, o.Edited, o.Question = w.Published, w.Updated, w.Question
	o.Starts, o.Ends = w.StartTime, w.EndTime
	switch {
	case isPublic(w):
		o.Audience = copse.Public
	case !isUnaddressed(w):
		o.Audience = copse.Members
	}
	if m.Decode == nil {
		return nil
	}
	return m.Decode(w, o)
}

func contentOf(w *ap.Object) string {
	switch {
	case w.Content == "" && len(w.ContentMap) > 0:
		return w.ContentMap[slices.Min(slices.Collect(maps.Keys(w.ContentMap)))]
	case w.Content == "" && w.Type != "Note" && w.Type != "Page": // theirs are warnings, or hashtags (Mbin)
		return w.Summary
	case w.MediaType == "text/markdown":
		return markup.HTML(w.Content)
	}
	return w.Content
}

// maxAddress is how long an address may be that is kept beside what it belongs to.
const maxAddress = 2000

// maxAttached is how many attachments are shown. Mastodon allows four, Pixelfed 20.
const maxAttached = 20

// attached returns, as links, what hangs on w and its text does not lead to
// already: what a Page is about (Lemmy), pictures, which may be all there is to an
// answer (lemmy#4959), documents. Their names are what people wrote for those who
// do not see them.
func attached(w *ap.Object, text string) string {
	var b strings.Builder
	for _, a := range w.Attachment[:min(len(w.Attachment), maxAttached)] {
		to := cmp.Or(a.Href, a.URL)
		if a.IsRef() {
			to = a.ID
		}
		if to == "" || to == w.ID || leadsTo(text, to) {
			continue
		}
		b.WriteString(Link(to, a.Name))
	}
	return b.String()
}

// Link returns a paragraph of HTML, still to be sanitised, that leads to an
// address by its name or, if it has none, by itself.
func Link(to, name string) string {
	if name = strings.TrimSpace(name); name == "" {
		name = to
	}
	return `<p><a href="` + html.EscapeString(to) + `">` + html.EscapeString(name) + "</a></p>"
}

// isPublic reports whether w is addressed to everybody.
func isPublic(w *ap.Object) bool {
	for _, list := range []ap.Strings{w.To, w.CC} {
		for _, uri := range list {
			if uri == ap.Public {
				return true
			}
		}
	}
	return false
}

// isUnaddressed reports whether w says for which community it is at most, and not
// for whom there (Discourse): then it is for whoever reads that.
func isUnaddressed(w *ap.Object) bool { return len(w.To)+len(w.CC) == 0 }

func isActor(typ string) bool {
	switch copse.ActorType(typ) {
	case copse.Person, copse.Group, copse.Application, copse.Service, "Organization":
		return true
	}
	return false
}

// limited cuts text to n characters.
func limited(text string, n int) string {
	if utf8.RuneCountInString(text) <= n {
		return text
	}
	return string([]rune(text)[:n])
}
