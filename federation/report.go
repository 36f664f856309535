package federation

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"copse/copse"
	"copse/federation/ap"
	"copse/store"
)

// encodeFlag writes a report: to a community as Lemmy does, of one thing; without
// one, to the server of whoever is reported, as Mastodon does, whose name comes
// first in the list. Lemmy reads why in the summary, Mastodon in the content.
func encodeFlag(w *ap.Object, act *copse.Activity) {
	w.Category, w.Reason = string(act.Category), act.Reason
	w.Content = act.Reason
	if sort := act.Category.English(); sort != "" {
		w.Content = strings.TrimSuffix(sort+": "+act.Reason, ": ")
	}
	if act.Community != nil {
		w.To, w.Audience = ap.Strings{act.Community.URI}, ap.Strings{act.Community.URI}
		w.Summary, w.Object = w.Content, ap.Ref(act.Objects[0].URI)
		return
	}
	w.To, w.Objects = ap.Strings{act.Subject.URI}, []ap.Object{{ID: act.Subject.URI}}
	for _, o := range act.Objects {
		w.Objects = append(w.Objects, ap.Object{ID: o.URI})
	}
}

// maxReported is how much of what one Flag names is looked at.
const maxReported = 20

// decodeFlag reads a report. Lemmy, PieFed and PeerTube name one thing; Mastodon a
// list of its author and what they wrote, and Mbin the other way round. Of nothing
// that is here, it is none of our business: nothing is fetched for it.
func (s *Server) decodeFlag(ctx context.Context, w *ap.Object, act *copse.Activity, look *look) (*copse.Activity, error) {
	act.Reason = limited(strings.TrimSpace(cmp.Or(w.Content, w.Summary)), copse.MaxReport)
	if category := copse.Category(w.Category); slices.Contains(copse.Categories(), category) {
		act.Category, act.Reason = category, limited(strings.TrimSpace(w.Reason), copse.MaxReport)
	}
	var err error
	if act.Objects, act.Subject, err = look.reported(ctx, w); err != nil {
		return nil, err
	}
	if len(act.Objects) == 0 && act.Subject == nil {
		return nil, nil
	}
	return act, nil
}

// reported returns what a Flag is about and is here: objects, or if there are none
// the first person.
func (l *look) reported(ctx context.Context, w *ap.Object) (all []*copse.Object, person *copse.Actor, err error) {
	named := w.Objects[:min(len(w.Objects), maxReported)]
	if w.Object != nil {
		named = []ap.Object{*w.Object}
	}
	for _, of := range named {
		o, err := l.held(ctx, of.ID)
		if err != nil {
			return nil, nil, err
		}
		if o != nil {
			all = append(all, o)
			continue
		}
		var a *copse.Actor
		err = l.view(ctx, func(tx *store.Tx) (err error) {
			a, err = tx.ActorByURI(of.ID)
			return err
		})
		switch {
		case copse.CodeOf(err) == copse.CodeNotFound:
		case err != nil:
			return nil, nil, err
		case person == nil && a.Type == copse.Person:
			person = a
		}
	}
	if len(all) > 0 {
		person = nil // their author is known by them
	}
	return all, person, nil
}

// decodeResolve reads what became of a report (Lemmy 1.0). A report that is only
// named is known by that if it came from here or was heard of here.
func (s *Server) decodeResolve(ctx context.Context, w *ap.Object, act *copse.Activity, look *look) (*copse.Activity, error) {
	if w.Object == nil || w.Object.Type != "Flag" && !w.Object.IsRef() {
		return nil, nil
	}
	act.Reason = limited(strings.TrimSpace(w.Content), copse.MaxReport)
	act.Outcome = copse.OutcomeDone
	if outcome := copse.Outcome(w.Outcome); slices.Contains(copse.Outcomes(), outcome) {
		act.Outcome = outcome
	}
	act.Inner = &copse.Activity{Type: "Flag", URI: w.Object.ID}
	var err error
	if !w.Object.IsRef() {
		if act.Inner.Objects, _, err = look.reported(ctx, w.Object); err != nil || len(act.Inner.Objects) == 0 {
			return nil, err
		}
	}
	return act, nil
}

// resolvesOurs reports whether an activity is what became of a report from here:
// whoever made it hears of it though nobody here is a member. The Flag in a Resolve
// by Lemmy has an id of Lemmy's, but the reporter is named.
func (s *Server) resolvesOurs(w *ap.Object) bool {
	if w.Type != "Resolve" || w.Object == nil {
		return false
	}
	by, _ := w.Object.Actor.One()
	host, ok := ap.Host(cmp.Or(by, w.Object.ID))
	return ok && host == s.Hub.Host()
}
