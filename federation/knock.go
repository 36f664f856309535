package federation

import (
	"context"
	"crypto/rsa"
	"log/slog"
	"net/http"
	"time"

	"copse/copse"
	"copse/federation/httpsig"
	"copse/store"
)

// A knock is one way to sign a request. Draft-cavage, which everybody in the field
// verifies, is giving way to RFC 9421, and no request can carry both. So a peer is
// asked in one form, and if it refuses that, once more in the other: the "double
// knock" of Fedify and Mastodon. What a peer takes is remembered (copse.Peer.Took).
type knock struct {
	key    httpsig.Key
	scheme httpsig.Scheme
}

func (k knock) sign(r *http.Request, digest *[32]byte) error {
	return httpsig.Sign(r, k.key, k.scheme, digest, time.Now())
}

// knocks returns how an actor of ours signs what it asks of a peer: at first, and
// should that be refused.
func (s *Server) knocks(ctx context.Context, actor copse.ID, peer *copse.Peer) (both [2]knock, err error) {
	key, err := s.key(ctx, actor)
	if err != nil {
		return both, err
	}
	old, preferred := knock{key, httpsig.Cavage}, knock{key, httpsig.RFC9421}
	if _, isRSA := key.Private.(*rsa.PrivateKey); !isRSA {
		return [2]knock{preferred, preferred}, nil // draft-cavage knows no others
	}
	if peer.PrefersRFC9421(time.Now()) {
		if peer.Ed25519 {
			preferred.key, err = s.littleKey(ctx, actor)
		}
		return [2]knock{preferred, old}, err
	}
	return [2]knock{old, preferred}, nil
}

// knocksAt returns how the server itself signs what it asks for at a host, which
// need not be a peer yet: some servers show nothing to strangers.
func (s *Server) knocksAt(ctx context.Context, host string) (both [2]knock, peer *copse.Peer, err error) {
	self, err := s.Hub.Self(ctx)
	if err != nil {
		return both, nil, err
	}
	err = s.DB.View(ctx, func(tx *store.Tx) (err error) {
		peer, err = tx.Peer(host)
		return err
	})
	if copse.CodeOf(err) == copse.CodeNotFound {
		peer, err = &copse.Peer{Host: host}, nil
	}
	if err != nil {
		return both, nil, err
	}
	both, err = s.knocks(ctx, self.ID, peer)
	return both, peer, err
}

// A reaction is what a peer answered to a request.
type reaction struct {
	status int
	scheme httpsig.Scheme // that the request was signed by
	second bool           // after the other had been refused
}

// try has ask make a request of a peer, signed as the first of both and, if that
// is refused, as the second. ask returns the status of the answer.
func try(peer *copse.Peer, both [2]knock, ask func(knock) (status int, err error)) (reaction, error) {
	first, err := ask(both[0])
	if err != nil || both[0].scheme == both[1].scheme || !refuses(peer, both[0].scheme, first, time.Now()) {
		return reaction{first, both[0].scheme, false}, err
	}
	status, err := ask(both[1])
	if status == http.StatusBadRequest && first == http.StatusUnauthorized {
		status = first // it cannot even read the second, and 400 would be its last word
	}
	return reaction{status, both[1].scheme, true}, err
}

// refuses reports whether an answer may be about the form of the signature. Lemmy
// and others say 400 to a signature that they cannot read, but also to an activity
// that they do not like: from a peer that has taken draft-cavage within the week it
// means that.
func refuses(peer *copse.Peer, scheme httpsig.Scheme, status int, now time.Time) bool {
	switch status {
	case http.StatusUnauthorized:
		return true
	case http.StatusBadRequest:
		return scheme != httpsig.Cavage || now.Sub(peer.LastOK) > takesCavageFor
	}
	return false
}

const takesCavageFor = 7 * 24 * time.Hour

// teaches notes what a reaction says of the form of signature that a peer takes,
// and reports whether that is news.
func (r reaction) teaches(peer *copse.Peer, now time.Time) bool {
	return r.status/100 == 2 && peer.Took(r.scheme == httpsig.RFC9421, r.second, now)
}

// learnSigning writes down what the reaction to a question says of a host. That
// the first form is answered says nothing: most documents are for everybody.
func (s *Server) learnSigning(ctx context.Context, host string, r reaction) {
	if !r.second {
		return
	}
	err := s.DB.Update(ctx, func(tx *store.Tx) error {
		p, err := tx.PeerAt(host)
		if err != nil || !r.teaches(p, tx.Now) {
			return err
		}
		return tx.SetSigning(p)
	})
	if err != nil && ctx.Err() == nil {
		slog.ErrorContext(ctx, "learn form of signature", "host", host, "err", err)
	}
}
