package federation

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"copse/copse"
	"copse/federation/ap"
	"copse/federation/proof"
	"copse/store"
)

// decodeAnnounce reads what a community passes on. Its inner activity takes
// effect only once its author is proved: see prove.
func (s *Server) decodeAnnounce(ctx context.Context, a *arrival, act *copse.Activity, look *look) (*copse.Activity, error) {
	w := a.act.Object
	if a.signer.Type != copse.Group || w == nil || len(w.Actor) > 0 && !isPassedOn(w) && w.Type != "Follow" {
		return nil, nil
	}
	followed, err := look.followed(ctx, a.signer.ID)
	if err != nil || !followed && !s.blocksOurs(w) && !s.resolvesOurs(w) {
		return nil, err
	}
	switch {
	case w.Type == "Follow":
		return s.decodeRequest(ctx, w, act, look)
	case w.Type == "Update" && w.Object.URI() == a.signer.URI:
		return nil, look.refresh(ctx, a.signer.URI) // whoever changed how it is described
	}
	if w, err = look.spellOut(ctx, w); err != nil {
		return nil, err
	}
	fetched := false
	if len(w.Actor) == 0 {
		if o, err := look.held(ctx, w.ID); err != nil || o != nil {
			return look.taken(ctx, act, o)
		}
		fetched = w.IsRef()
		if w, err = s.implied(ctx, w, a.signer, look); err != nil || w == nil {
			return nil, err
		}
		if isListedElsewhere(a.act, a.signer) && !names(w.Object, a.signer.URI) {
			return nil, nil
		}
	}
	actor, err := wellFormed(w)
	if err != nil {
		return nil, err
	}
	inner := &copse.Activity{URI: activityURI(w), Type: meaning(w.Type), Via: a.signer, Raw: w.Raw, Published: w.Published}
	host, ok := ap.Host(actor)
	switch {
	case !ok:
		return nil, copse.Invalid("", "%q is not an address", actor)
	case host == s.Hub.Host():
		return s.decodeEcho(ctx, actor, w, act, inner, look)
	case isRuling(w) && host != a.signer.Host:
		if inner.Actor, err = look.ruler(ctx, w, a.signer); err != nil {
			return nil, err
		}
	default:
		if err := look.admit(ctx, host); err != nil {
			return nil, err // a server that is refused does not come in by way of another
		}
		if inner.Actor, err = look.actor(ctx, actor); err != nil {
			return nil, err
		}
	}
	if w.Type == "Create" {
		// Most come twice: NodeBB passes on what was made as well as that it was.
		if o, err := look.held(ctx, w.Object.URI()); err != nil || o != nil {
			return nil, err
		}
	}
	buried := false
	if !fetched {
		proved, err := look.prove(ctx, w, inner.Actor, a.signer)
		buried = deleted(err) && w.Type == "Create" && !w.Object.IsRef()
		switch {
		case buried: // where it was said, the community knows; what was said is not kept
		case gone(err):
			return nil, nil
		case err != nil || proved == nil:
			return nil, err
		default:
			w = proved
		}
	}
	inner.Vouched = isVote(w) && !proves(inner.Actor, a.signer) && !look.saidSo(ctx, w, inner.Actor)
	if act.Inner, err = s.decodeInner(ctx, w, inner, look); err != nil || act.Inner == nil {
		return nil, err
	}
	if buried {
		act.Inner.Object.Deleted = time.Now()
	}
	return act, nil
}

// ruler returns who rules in a community with w, which that passes on: the
// facilitator elsewhere who has proved it, or else the community itself, for who is
// behind it it alone says. Its ruling waits for nobody's server: what cannot be
// proved at the first try is its own.
func (l *look) ruler(ctx context.Context, w *ap.Object, community *copse.Actor) (*copse.Actor, error) {
	uri, ok := w.Actor.One()
	host, named := ap.Host(uri)
	if w.Proof == nil || !ok || !named {
		return community, nil
	}
	var (
		a      *copse.Actor
		proved bool
	)
	err := l.admit(ctx, host)
	if err == nil {
		a, err = l.actor(ctx, uri)
	}
	if err == nil {
		proved, err = l.proved(ctx, w, a)
	}
	switch {
	case errors.Is(err, errUnknown):
		return nil, err // in a request: park it, and come here again
	case err != nil || !proved:
		return community, nil
	}
	return a, nil
}

// implied returns the Create that a community means which passes on what somebody
// made, or its bare address, and not that they made it: PeerTube, Friendica and
// a.gup.pe do, and Lemmy and NodeBB do both. It returns nil for what is of no use
// here, or was not said there.
func (s *Server) implied(ctx context.Context, w *ap.Object, community *copse.Actor, look *look) (made *ap.Object, err error) {
	if w.IsRef() {
		w, err = look.document(ctx, w.ID)
		if gone(err) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
	}
	_, readable := s.Mappings.reading(w)
	author, ok := authorOf(w)
	if !ok || !readable || w.InReplyTo == "" && !names(w, community.URI) {
		return nil, nil
	}
	return &ap.Object{ID: w.ID + "#fetched", Type: "Create", Actor: ap.RefsTo(author), Object: w}, nil
}

// authorOf returns who made w. That is a single value, since check and display must
// not take different elements of a list, or the person of the two that PeerTube
// has, the other being the channel it is in, both at w's own server.
func authorOf(w *ap.Object) (author string, ok bool) {
	if author, ok = w.AttributedTo.One(); ok {
		return author, true
	}
	for _, a := range w.AttributedTo {
		switch {
		case !ap.SameHost(a.ID, w.ID):
			return "", false
		case a.Type == string(copse.Person) && author == "":
			author = a.ID
		case a.Type != string(copse.Group):
			return "", false
		}
	}
	return author, author != ""
}

// isPassedOn reports whether an activity is of a sort that communities pass on.
// Who joins is between two servers.
func isPassedOn(w *ap.Object) bool {
	switch w.Type {
	case "Create", "Update", "Delete", "Like", "Dislike", "EmojiReact", "Lock", "Block", "Add", "Remove", "Flag", "Resolve":
		return true
	case "Undo":
		return w.Object != nil && w.Object.Type != "Follow"
	}
	return false
}

// decodeEcho reads an announcement of what somebody here did. It is believed if we
// know of it, or if it carries their own proof: nobody else speaks for our people,
// but after an old backup was put back others may know better what they said. What
// they decided in the community is as they wrote it, whatever the announcement makes
// of that.
func (s *Server) decodeEcho(ctx context.Context, actor string, w *ap.Object, act, inner *copse.Activity, look *look) (*copse.Activity, error) {
	person, err := look.ours(ctx, actor)
	if err != nil {
		return nil, err
	}
	var seen bool
	err = look.view(ctx, func(tx *store.Tx) (err error) {
		seen, err = tx.Seen(inner.URI)
		return err
	})
	if err != nil {
		return nil, err
	}
	inner.Actor = person
	switch {
	case !seen:
		return s.decodeLost(ctx, w, act, inner, look)
	case isRuling(w):
		sent, err := look.sent(ctx, inner.URI)
		if copse.CodeOf(err) == copse.CodeNotFound || err == nil && !isRuling(sent) {
			return nil, nil // so long ago that it is not kept, or none of theirs
		}
		if err != nil {
			return nil, err
		}
		inner.Type = sent.Type
		act.Inner, err = s.decodeInner(ctx, sent, inner, look)
		if act.Inner == nil {
			act = nil
		}
		return act, err
	}
	inner.Object = &copse.Object{URI: w.Object.URI()}
	act.Inner = inner
	return act, nil
}

// decodeLost reads an announcement of what somebody here is said to have done, of which
// we do not know: we had, and have lost it, if they have proved it.
func (s *Server) decodeLost(ctx context.Context, w *ap.Object, act, inner *copse.Activity, look *look) (_ *copse.Activity, err error) {
	if !ap.SameHost(inner.URI, inner.Actor.URI) || !provedHere(w, inner.Actor) {
		return nil, copse.Forbidden("%s never did that", inner.Actor.URI)
	}
	inner.Lost = true
	if act.Inner, err = s.decodeInner(ctx, w, inner, look); err != nil || act.Inner == nil {
		return nil, err
	}
	if o := act.Inner.Object; act.Inner.Type == "Create" {
		o.Local = true
		if o.ID, err = ownID(o.URI); err != nil {
			return nil, err
		}
	}
	return act, nil
}

// provedHere reports whether w carries a good proof by somebody here.
func provedHere(w *ap.Object, person *copse.Actor) bool {
	if w.Proof == nil || w.Type == "Update" && !isDated(w) {
		return false
	}
	p, err := proof.Read(w.Raw, time.Now())
	if err != nil {
		return false
	}
	key := keyOf(person, p.Method)
	return key != nil && p.Verify(key) == nil
}

// ownID returns the ID that the address of something made here carries.
func ownID(uri string) (copse.ID, error) {
	id, err := strconv.ParseInt(uri[strings.LastIndex(uri, "/")+1:], 10, 64)
	if err != nil || id <= 0 {
		return 0, copse.Forbidden("%s was not made here", uri)
	}
	return copse.ID(id), nil
}
