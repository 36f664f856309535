package federation

import (
	"context"
	"strings"

	"copse/copse"
	"copse/federation/ap"
	"copse/internal/markup"
	"copse/store"
)

// decodePin reads that a topic is to stand first in its community, or no longer.
// What else a community lists is none of our business. Peers differ in how they
// write the name of the list: PieFed compares it whatever its case, and so do we.
func (s *Server) decodePin(ctx context.Context, w *ap.Object, act *copse.Activity, look *look) (*copse.Activity, error) {
	in := act.Via
	if in == nil {
		o, err := look.target(ctx, w, w.Object.URI(), act)
		if err != nil {
			return nil, err
		}
		in = &copse.Actor{ID: o.Community}
	}
	var c *copse.Community
	err := look.view(ctx, func(tx *store.Tx) (err error) {
		c, err = tx.Community(in.ID)
		return err
	})
	if err != nil || !strings.EqualFold(w.Target.URI(), featured(c)) {
		return nil, err
	}
	act.Object, err = look.object(ctx, w.Object.URI(), act.Via)
	if err != nil || !act.Object.TopLevel() {
		return nil, err
	}
	return act, nil
}

// decodeLock fills in the topic that a Lock, which is act or what act undoes, is
// about. Lemmy locks single replies as well, which means nothing here.
func (s *Server) decodeLock(ctx context.Context, w *ap.Object, act, lock *copse.Activity, look *look) (*copse.Activity, error) {
	o, err := look.target(ctx, w, w.Object.URI(), act)
	if err != nil || !o.TopLevel() {
		return nil, err
	}
	lock.Object = o
	return act, nil
}

// decodeLegacyLock reads a Lock as Lemmy wrote it up to 0.18, and Mbin and PieFed
// still do: an Update of somebody else's topic that says whether it takes comments.
// It returns nil if that is so already, as of all else that such an Update says.
func (s *Server) decodeLegacyLock(ctx context.Context, w *ap.Object, act *copse.Activity, topic *copse.Object, look *look) (*copse.Activity, error) {
	var closed bool
	err := look.view(ctx, func(tx *store.Tx) error {
		lock, err := tx.Lock(topic.ID)
		closed = lock != nil
		return err
	})
	if err != nil || closed != *w.CommentsEnabled {
		return nil, err
	}
	lock := &copse.Activity{Type: "Lock", Actor: act.Actor, Via: act.Via, Object: topic}
	if closed {
		act.Type, act.Inner = "Undo", lock
		return act, nil
	}
	act.Type, act.Object = "Lock", topic
	return act, nil
}

// decodeBlock reads that somebody is kept out of a community, or banned by a server
// altogether, which signs for that itself. Lemmy 1.0 writes when it ends as endTime,
// Mbin and older Lemmy as expires. What is said about somebody nobody here has met
// changes nothing.
func (s *Server) decodeBlock(ctx context.Context, w *ap.Object, act *copse.Activity, look *look) (*copse.Activity, error) {
	act.Reason = limited(markup.Plain(w.Summary), copse.MaxReason)
	act.RemoveData = w.RemoveData
	if act.Until = w.EndTime; act.Until.IsZero() {
		act.Until = w.Expires
	}
	target := w.Target.URI()
	if w.Target == nil {
		return s.decodePersonalBlock(ctx, w, act, look)
	}
	err := look.view(ctx, func(tx *store.Tx) (err error) {
		act.Community, err = tx.CommunityByURI(target)
		return err
	})
	switch {
	case err == nil && act.Via == nil && act.Community.Local:
		// Facilitators elsewhere may know of somebody before we do.
		act.Subject, err = look.actor(ctx, w.Object.URI())
		return act, err
	case err == nil && (act.Via == nil || act.Via.ID != act.Community.ID):
		return nil, nil
	case copse.CodeOf(err) == copse.CodeNotFound && act.Via == nil && isSite(target) && ap.SameHost(target, act.Actor.URI):
		act.Site = act.Actor.Host
	case copse.CodeOf(err) == copse.CodeNotFound:
		return nil, nil
	case err != nil:
		return nil, err
	}
	err = look.view(ctx, func(tx *store.Tx) (err error) {
		act.Subject, err = tx.ActorByURI(w.Object.URI())
		return err
	})
	if copse.CodeOf(err) == copse.CodeNotFound {
		return nil, nil
	}
	return act, err
}

// isSite reports whether an address is that of a server's own actor, wherever the
// program there has it: PieFed tells it so too.
func isSite(uri string) bool { return strings.Count(uri, "/") < 4 }

// blocksOurs reports whether an activity keeps somebody here out of a community, or
// lets them in again: their server hears of it when nobody else there is in it.
func (s *Server) blocksOurs(w *ap.Object) bool {
	if w.Type == "Undo" && w.Object != nil {
		w = w.Object
	}
	host, ok := ap.Host(w.Object.URI())
	return w.Type == "Block" && ok && host == s.Hub.Host()
}

// isCrew reports whether a list is of those who look after a community: the one that
// announces act, or one of ours if it came straight.
func (l *look) isCrew(ctx context.Context, list string, act *copse.Activity) (bool, error) {
	if act.Via != nil {
		return list == moderators(act.Via.URI), nil
	}
	uri, ok := strings.CutSuffix(list, "/moderators")
	a, err := l.known(ctx, uri)
	if err != nil || !ok || a == nil || !a.Local || a.Type != copse.Group {
		return false, err
	}
	return true, nil
}

// decodeAppointment reads that a community has somebody else look after it, or that
// one of ours is asked to.
func (s *Server) decodeAppointment(ctx context.Context, w *ap.Object, act *copse.Activity, look *look) (*copse.Activity, error) {
	var err error
	if act.Subject, err = look.actor(ctx, w.Object.URI()); err != nil || act.Subject.Type != copse.Person {
		return nil, err
	}
	err = look.view(ctx, func(tx *store.Tx) (err error) {
		uri := strings.TrimSuffix(w.Target.URI(), "/moderators")
		act.Community, err = tx.CommunityByURI(uri)
		return err
	})
	return act, err
}
