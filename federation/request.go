package federation

import (
	"context"

	"copse/copse"
	"copse/federation/ap"
	"copse/internal/markup"
	"copse/store"
)

// decodeRequest reads that a community elsewhere passes on who asks to join it, which
// act announces, to the server of somebody who looks after it. Whoever is at a server
// that nothing is exchanged with is for other facilitators.
func (s *Server) decodeRequest(ctx context.Context, w *ap.Object, act *copse.Activity, look *look) (*copse.Activity, error) {
	uri, ok := w.Actor.One()
	host, valid := ap.Host(uri)
	if !ok || !valid || host == s.Hub.Host() || w.Object.URI() != act.Actor.URI {
		return nil, nil // who asks from here is known here
	}
	var tended bool
	err := look.view(ctx, func(tx *store.Tx) (err error) {
		tended, err = tx.Tended(act.Actor.ID)
		return err
	})
	if err != nil || !tended {
		return nil, err
	}
	if err := look.admit(ctx, host); copse.CodeOf(err) == copse.CodeForbidden {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	asker, err := look.actor(ctx, uri)
	if gone(err) {
		return nil, nil
	}
	if err != nil || asker.Type == copse.Group {
		return nil, err
	}
	act.Inner = &copse.Activity{
		URI: w.ID, Type: "Follow", Actor: asker, Subject: act.Actor, Via: act.Actor,
		Reason: limited(markup.Plain(w.Reason), copse.MaxReason),
	}
	return act, nil
}

// decodeDealtWith reads that a community elsewhere takes back that somebody asks to
// join it.
func (s *Server) decodeDealtWith(ctx context.Context, w *ap.Object, act *copse.Activity, look *look) (*copse.Activity, error) {
	follow := w.Object
	if act.Actor.Type != copse.Group || follow == nil || follow.Type != "Follow" || follow.Object.URI() != act.Actor.URI {
		return nil, nil
	}
	uri, _ := follow.Actor.One()
	asker, err := look.known(ctx, uri)
	if err != nil || asker == nil {
		return nil, err
	}
	act.Inner = &copse.Activity{
		URI: "", Type: "Announce", Actor: act.Actor,
		Inner: &copse.Activity{Type: "Follow", Actor: asker, Subject: act.Actor},
	}
	return act, nil
}

// decodeVerdict reads that somebody lets a person into a community of ours, or turns
// them down, from the server where they look after it.
func (s *Server) decodeVerdict(ctx context.Context, w *ap.Object, act *copse.Activity, look *look) (*copse.Activity, error) {
	follow := w.Object
	if follow == nil || follow.Type != "Follow" {
		return nil, nil
	}
	community, err := look.ours(ctx, follow.Object.URI())
	if err != nil || community.Type != copse.Group {
		return nil, err
	}
	uri, _ := follow.Actor.One()
	asker, err := look.known(ctx, uri)
	if err != nil || asker == nil {
		return nil, err
	}
	act.Reason = limited(markup.Plain(w.Content), 10*copse.MaxReason)
	act.Inner = &copse.Activity{Type: "Follow", Actor: asker, Subject: community}
	return act, nil
}

// decodeDescription reads how somebody who looks after a community of ours from
// another server wants it described. Everything else about it stays as it is.
func (s *Server) decodeDescription(ctx context.Context, w *ap.Object, act *copse.Activity, look *look) (*copse.Activity, error) {
	a, err := look.ours(ctx, w.ID)
	if err != nil || a.Type != copse.Group || w.Source == nil || w.Source.MediaType != "text/markdown" {
		return nil, err
	}
	var c *copse.Community
	err = look.view(ctx, func(tx *store.Tx) (err error) {
		c, err = tx.Community(a.ID)
		return err
	})
	if err != nil {
		return nil, err
	}
	c.Title, c.Source = limited(w.Name, copse.MaxCommunityTitle), limited(w.Source.Content, copse.MaxPurpose)
	if c.Title == "" {
		return nil, copse.Invalid("title", "enter a title")
	}
	c.Summary = markup.HTML(c.Source)
	act.Subject, act.Community = &c.Actor, c
	return act, nil
}

// known returns an actor that is known here, or nil.
func (l *look) known(ctx context.Context, uri string) (a *copse.Actor, err error) {
	err = l.view(ctx, func(tx *store.Tx) (err error) {
		a, err = tx.ActorByURI(uri)
		return err
	})
	if copse.CodeOf(err) == copse.CodeNotFound {
		return nil, nil
	}
	return a, err
}
