package federation

import (
	"context"
	"html"
	"net/http"
	"strings"

	"copse/copse"
	"copse/federation/ap"
	"copse/store"
)

// Quotes are posts on microblogs that show another post (FEP-044f). What is said here
// may be shown by whoever could read it anyway. Their servers ask for that, and look
// where we confirm it before they show anything. What is shown in posts that come
// from elsewhere is here a link.

// sayQuotable adds to w, which is o as it is fetched, who may quote it.
func sayQuotable(w *ap.Object, o *copse.Object) {
	approved := ap.Public
	if o.Audience != copse.Public {
		approved, _ = w.AttributedTo.One()
	}
	w.Context = []byte(ap.QuoteContext)
	if w.Extra == nil {
		w.Extra = make(map[string]any)
	}
	w.Extra["interactionPolicy"] = map[string]any{"canQuote": map[string]any{"automaticApproval": []string{approved}}}
}

// decodeQuoteRequest reads that somebody wants to show something said here in what
// they write, which is theirs and shows just that.
func (s *Server) decodeQuoteRequest(ctx context.Context, w *ap.Object, act *copse.Activity, look *look) (*copse.Activity, error) {
	if act.Via != nil || w.Instrument == nil {
		return nil, nil
	}
	o, err := look.held(ctx, w.Object.URI())
	if err != nil || o == nil || !o.Local {
		return nil, err
	}
	quote := w.Instrument
	if quote.IsRef() && ap.SameHost(quote.ID, act.Actor.URI) {
		quote, err = look.document(ctx, quote.ID)
		if gone(err) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
	}
	author, ok := authorOf(quote)
	if !ok || author != act.Actor.URI || !ap.SameHost(quote.ID, author) || len(quote.ID) > maxAddress {
		return nil, copse.Forbidden("%s did not make %s", act.Actor.URI, quote.ID)
	}
	if quote.Quote != "" && quote.Quote != o.URI {
		return nil, copse.Forbidden("%s is about %s", quote.ID, quote.Quote)
	}
	act.Object, act.Quote = o, quote.ID
	return act, nil
}

// encodeQuoteAnswer writes what somebody here answers to a QuoteRequest.
func encodeQuoteAnswer(w *ap.Object, act *copse.Activity) {
	asked := act.Inner
	w.Context, w.To, w.Content = []byte(ap.QuoteContext), ap.Strings{asked.Actor.URI}, act.Reason
	w.Object = &ap.Object{
		ID: asked.URI, Type: asked.Type, Actor: ap.RefsTo(asked.Actor.URI),
		Object: ap.Ref(asked.Object.URI), Instrument: ap.Ref(asked.Quote),
	}
	if act.Type == "Accept" {
		w.Result = ap.Ref(copse.QuoteURI(asked.Object.URI, asked.Quote))
	}
}

// quote confirms that something said here may be shown by something said elsewhere,
// for as long as it is there.
func (s *Server) quote(ctx context.Context, q *question) (*document, error) {
	o, err := s.objectAt(ctx, q)
	if err != nil {
		return nil, err
	}
	var (
		stamp  = s.Base + q.URL.Path
		quote  store.Quote
		author *copse.Actor
	)
	err = s.DB.View(ctx, func(tx *store.Tx) (err error) {
		if quote, err = tx.QuoteAt(stamp); err != nil {
			return err
		}
		author, err = tx.Actor(o.Author)
		return err
	})
	if err != nil {
		return nil, err
	}
	w := &ap.Object{ID: stamp, Type: "Tombstone", FormerType: "QuoteAuthorization", Deleted: o.Deleted}
	if o.Deleted.IsZero() {
		w = &ap.Object{
			Context: []byte(ap.QuoteContext), ID: stamp, Type: "QuoteAuthorization", AttributedTo: ap.RefsTo(author.URI),
			Extra: map[string]any{"interactingObject": quote.URI, "interactionTarget": o.URI},
		}
	}
	d, err := written(w, nil)
	if err != nil {
		return nil, err
	}
	d.private = o.Audience != copse.Public
	if !o.Deleted.IsZero() {
		d.status = http.StatusGone
	}
	return d, nil
}

// quoted returns, as a link, what w shows of another's, unless text leads there
// already: Mastodon and Misskey put it there for those who do not know quotes, the one
// marked, and by the address for people. Nothing is fetched for it.
func quoted(w *ap.Object, text string) string {
	to := w.Quote
	if _, ok := ap.Host(to); !ok || to == w.ID || leadsTo(text, to) || strings.Contains(text, "quote-inline") {
		return ""
	}
	about := "About"
	if len(w.Language) == 1 && w.Language[0].Identifier == "cy" || w.ContentMap["cy"] != "" {
		about = "Ynghylch"
	}
	to = html.EscapeString(to)
	return "<p>" + about + `: <a href="` + to + `">` + to + "</a></p>"
}

// leadsTo reports whether HTML has an address in it.
func leadsTo(text, to string) bool {
	return strings.Contains(text, to) || strings.Contains(text, html.EscapeString(to))
}
