package federation

import (
	"context"
	"slices"
	"strings"
	"unicode"

	"copse/copse"
	"copse/federation/ap"
	"copse/store"
)

const (
	// maxAliases is how many other addresses of an actor are kept.
	maxAliases = 20
	// maxOffers is how many communities somebody who moves here may have been in.
	maxOffers = 200
)

// decodeMove reads that somebody, or a community, is at another address from now on
// (FEP-7628). That they are is for the other to say as well, now, whatever it said when
// it was last read. Of people nobody here has to do with it costs nothing.
func (s *Server) decodeMove(ctx context.Context, w *ap.Object, act *copse.Activity, look *look) (*copse.Activity, error) {
	to := w.Target.URI()
	host, ok := ap.Host(to)
	if act.Via != nil || !ok || w.Object.URI() != act.Actor.URI || to == act.Actor.URI {
		return nil, nil // who moves says so themselves, and where to
	}
	if host == s.Hub.Host() {
		subject, err := look.ours(ctx, to)
		if err != nil {
			return nil, err
		}
		act.Subject, act.Offers = subject, offered(w)
		return act, nil
	}
	var concerns bool
	err := look.view(ctx, func(tx *store.Tx) (err error) {
		concerns, err = tx.Concerns(act.Actor.ID)
		return err
	})
	if err != nil || !concerns {
		return nil, err
	}
	if err := look.may(); err != nil {
		return nil, err
	}
	act.Subject, err = s.fetchActor(ctx, to)
	if gone(err) {
		return nil, nil
	}
	return act, err
}

// offered returns the communities that somebody says they were in.
func offered(w *ap.Object) (all []string) {
	for _, uri := range w.Communities[:min(len(w.Communities), maxOffers)] {
		if isAddress(uri) {
			all = append(all, uri)
		}
	}
	return all
}

// moved returns who else an actor says it is, and who it says it is by now.
func moved(w *ap.Object) (also []string, to string) {
	for _, uri := range w.AlsoKnownAs {
		if isAddress(uri) && uri != w.ID && len(also) < maxAliases && !slices.Contains(also, uri) {
			also = append(also, uri)
		}
	}
	if isAddress(w.MovedTo) && w.MovedTo != w.ID {
		to = w.MovedTo
	}
	return also, to
}

// isAddress reports whether an id can be one of an actor: its host is well formed, and
// there is no white space in it.
func isAddress(uri string) bool {
	_, ok := ap.Host(uri)
	return ok && len(uri) <= maxAddress && strings.IndexFunc(uri, unicode.IsSpace) < 0
}
