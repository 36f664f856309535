package federation

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"

	"copse/copse"
	"copse/federation/ap"
	"copse/internal/markup"
	"copse/store"
)

// encodeMessage writes what somebody here does to a private message. It is addressed
// to those it is for, each of whom is mentioned too: Mastodon shows it to nobody else.
func (s *Server) encodeMessage(tx *store.Tx, act *copse.Activity) (w *ap.Object, err error) {
	m := act.Message
	w = &ap.Object{ID: act.URI, Type: act.Type, Actor: ap.RefsTo(act.Actor.URI), Published: act.Published, To: messageTo(m)}
	if act.Type == "Delete" {
		w.Object = ap.Ref(m.URI)
		return w, nil
	}
	w.Object, err = s.encodeLetter(tx, m, act.Actor)
	return w, err
}

func messageTo(m *copse.Message) (to ap.Strings) {
	for _, p := range m.To {
		to = append(to, p.URI)
	}
	return append(to, m.Others...)
}

// encodeLetter writes the message itself. Lemmy takes what answers something or mentions
// somebody for a comment, and before 1.0 every Note.
func (s *Server) encodeLetter(tx *store.Tx, m *copse.Message, author *copse.Actor) (*ap.Object, error) {
	if !m.Deleted.IsZero() {
		return &ap.Object{ID: m.URI, Type: "Tombstone", FormerType: "Note", Deleted: m.Deleted}, nil
	}
	w := &ap.Object{
		ID: m.URI, Type: "Note", AttributedTo: ap.RefsTo(author.URI), To: messageTo(m),
		Content: m.HTML, MediaType: "text/html", Published: m.Published, Updated: m.Edited,
	}
	if m.Source != "" {
		w.Source = &ap.Object{Content: m.Source, MediaType: "text/markdown"}
	}
	if len(m.To) == 1 && !m.To[0].Local {
		peer, err := tx.Peer(m.To[0].Host)
		if err != nil && copse.CodeOf(err) != copse.CodeNotFound {
			return nil, err
		}
		if err == nil && peer.OneRecipient() {
			if peer.ChatsOnly() {
				w.Type = "ChatMessage"
			}
			return w, nil
		}
	}
	for _, p := range m.To {
		w.Tag = append(w.Tag, mention(p))
	}
	if m.Parent != 0 {
		parent, err := tx.Message(m.Parent)
		if err != nil {
			return nil, err
		}
		w.InReplyTo = parent.URI
	}
	return w, nil
}

// message answers with a private message that was written here, to the servers of
// those it came to. To everybody else it is not there.
func (s *Server) message(ctx context.Context, q *question) (*document, error) {
	id, err := strconv.ParseInt(chi.URLParam(q.Request, "id"), 10, 64)
	if err != nil {
		return nil, copse.NotFound("there is nothing here")
	}
	var w *ap.Object
	d := &document{status: http.StatusOK}
	err = s.DB.View(ctx, func(tx *store.Tx) error {
		m, err := tx.Message(copse.ID(id))
		if err != nil {
			return err
		}
		if err := mayFetch(tx, m, q); err != nil {
			return err
		}
		author, err := tx.Actor(m.Author)
		if err != nil {
			return err
		}
		talk, err := tx.Talk(m.Author, m.Conversation)
		if err != nil {
			return err
		}
		if !m.Deleted.IsZero() {
			d.status = http.StatusGone
		}
		m.To, m.Others = talk.People, talk.Others
		w, err = s.encodeLetter(tx, m, author)
		return err
	})
	if err != nil {
		return nil, err
	}
	d.private = true
	d.body, err = ap.Marshal(w)
	return d, err
}

// mayFetch lets only the servers that a message of ours went to have it.
func mayFetch(tx *store.Tx, m *copse.Message, q *question) error {
	if !m.Local || q.signer == nil {
		return copse.NotFound("there is nothing here")
	}
	has, err := tx.HasMessage(m, q.signer.Host)
	if err == nil && !has {
		err = copse.NotFound("there is nothing here")
	}
	return err
}

// decodeMessage reads what its author wrote to people and to no audience, somebody here
// among them. It returns nil for all else, as for what is for too many: a message is
// between a few.
func (s *Server) decodeMessage(ctx context.Context, w *ap.Object, act *copse.Activity, look *look) (*copse.Message, error) {
	m := &copse.Message{URI: w.ID, Author: act.Actor.ID}
	if act.Via != nil || isPublic(w) || act.Actor.Type == copse.Group || !hasWords(w) {
		return nil, nil
	}
	if readLetter(w, m); strings.TrimSpace(m.HTML) == "" {
		return nil, nil // a vote in a poll has only a name
	}
	here, err := look.addressees(ctx, w, act.Actor, m)
	if err != nil || !here {
		return nil, err
	}
	if author, ok := authorOf(w); !ok || author != act.Actor.URI || !ap.SameHost(w.ID, author) {
		return nil, copse.Forbidden("%s did not make %s", act.Actor.URI, w.ID)
	}
	if w.InReplyTo != "" {
		parent, err := look.message(ctx, w.InReplyTo)
		if err != nil {
			return nil, err
		}
		if parent != nil {
			m.Parent = parent.ID // if it is in the same conversation: see hub
		}
	}
	m.ID = store.NewID()
	return m, nil
}

// readLetter fills in the words of a message.
func readLetter(w *ap.Object, m *copse.Message) {
	text := contentOf(w)
	m.HTML = markup.Sanitize(text + attached(w, text))
	m.Source = ""
	if w.Source != nil && w.Source.MediaType == "text/markdown" {
		m.Source = w.Source.Content
	}
	if len(w.Language) == 1 && w.Language[0].Identifier != "und" {
		m.Language = limited(w.Language[0].Identifier, 20)
	}
	m.Published, m.Edited = w.Published, w.Updated
}

// patience is how often somebody is asked for whom a message names too, before it is
// shown without knowing more of them.
const patience = 3

// addressees fills in whom a message is for. It reports whether that is people alone,
// and somebody here among them. Of those elsewhere who cannot be fetched only the
// address is known then.
func (l *look) addressees(ctx context.Context, w *ap.Object, author *copse.Actor, m *copse.Message) (here bool, err error) {
	var strangers []string
	named := slices.Concat(w.To, w.CC)
	slices.Sort(named)
	for _, uri := range slices.Compact(named) {
		host, ok := ap.Host(uri)
		switch {
		case uri == author.URI:
			continue
		case !ok || strings.HasSuffix(uri, "/followers"):
			return false, nil // an audience
		case host != l.s.Hub.Host():
			strangers = append(strangers, uri)
			continue
		}
		a, err := l.ours(ctx, uri)
		if copse.CodeOf(err) == copse.CodeNotFound {
			continue // nobody
		}
		if err != nil || a.Type != copse.Person {
			return false, err
		}
		m.To, here = append(m.To, a), true
	}
	if !here || len(m.To)+len(strangers) > copse.MaxRecipients {
		return false, nil
	}
	for _, uri := range strangers {
		a, err := l.actor(ctx, uri)
		switch {
		case err == nil && a.Type != copse.Person && a.Type != copse.Service:
			return false, nil // said in a community elsewhere
		case err == nil:
			m.To = append(m.To, a)
		case errors.Is(err, errUnknown), errors.Is(err, errSpent), errors.Is(err, errNoAnswer) && l.tries < patience:
			return false, err
		case ctx.Err() != nil:
			return false, err
		default:
			m.Others = append(m.Others, uri)
		}
	}
	return true, nil
}

// message returns a private message that is here, or nil.
func (l *look) message(ctx context.Context, uri string) (m *copse.Message, err error) {
	err = l.view(ctx, func(tx *store.Tx) (err error) {
		m, err = tx.MessageByURI(uri)
		return err
	})
	if copse.CodeOf(err) == copse.CodeNotFound {
		return nil, nil
	}
	return m, err
}

// decodeRewriting reads the Update of a private message, known, which comes from its
// author's server and from nobody else.
func (s *Server) decodeRewriting(ctx context.Context, w *ap.Object, act *copse.Activity, known *copse.Message, look *look) (*copse.Activity, error) {
	if act.Via != nil {
		return nil, nil
	}
	if known.Author != act.Actor.ID {
		return nil, copse.Forbidden("%s did not make %s", act.Actor.URI, w.ID)
	}
	if w.IsRef() {
		found, err := look.document(ctx, w.ID)
		if gone(err) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		w = found
	}
	readLetter(w, known)
	act.Message = known
	return act, nil
}

// decodePersonalBlock reads that somebody elsewhere wants no messages from somebody
// here, which Mastodon says so that none are sent.
func (s *Server) decodePersonalBlock(ctx context.Context, w *ap.Object, act *copse.Activity, look *look) (*copse.Activity, error) {
	if act.Via != nil || act.Actor.Type == copse.Group {
		return nil, nil
	}
	subject, err := look.ours(ctx, w.Object.URI())
	if copse.CodeOf(err) == copse.CodeNotFound || err == nil && subject.Type != copse.Person {
		return nil, nil
	}
	act.Subject = subject
	return act, err
}
