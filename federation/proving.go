package federation

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"copse/copse"
	"copse/federation/ap"
	"copse/federation/httpsig"
	"copse/federation/proof"
	"copse/store"
)

// write returns w, which says what act is, as it is sent: with a proof by its
// actor, if that is one of ours, wherever others may have to believe it without
// asking here.
func (s *Server) write(tx *store.Tx, act *copse.Activity, w *ap.Object) ([]byte, error) {
	// What is written to a few people is nobody's to show to others with a proof.
	if !act.Actor.Local || !isProvable(act.Type) || act.Message != nil {
		return ap.Marshal(w)
	}
	w.Context = []byte(ap.SaidContext)
	if w.Object != nil && isActor(w.Object.Type) {
		w.Context = []byte(ap.ProofContext)
	}
	b, err := ap.Marshal(w)
	if err != nil {
		return nil, err
	}
	key, err := s.prover(tx, act.Actor)
	if err != nil {
		return nil, err
	}
	return proof.Sign(b, key, tx.Now)
}

// isProvable reports whether activities of a type carry proofs. An Announce has its
// community's signature, and in it what its author proves: the context of a proof of
// its own may not be changed by what is inside, whose author may have used an older
// one, and Fedify 2.3 refuses the whole. The rest is between two servers.
func isProvable(typ string) bool {
	switch typ {
	case "Create", "Update", "Delete", "Undo", "Like", "Lock", "Block", "Add", "Remove", "Move":
		return true
	}
	return false
}

// prover returns what an actor of ours proves with. It is made when first needed,
// which is for nobody who never says anything.
func (s *Server) prover(tx *store.Tx, a *copse.Actor) (proof.Key, error) {
	private, err := tx.ProvingKey(a.ID)
	if copse.CodeOf(err) == copse.CodeNotFound {
		if err = makeProver(tx, a); err == nil {
			private, err = tx.ProvingKey(a.ID)
		}
	}
	if err != nil {
		return proof.Key{}, err
	}
	key, err := s.parsed(private)
	return proof.Key{ID: proverID(a), Private: key}, err
}

// parsed reads a key for proofs, which takes as long as to sign with it.
func (s *Server) parsed(private string) (ed25519.PrivateKey, error) {
	if key, ok := s.provers.Load(private); ok {
		return key.(ed25519.PrivateKey), nil
	}
	signer, err := httpsig.ParsePrivateKey(private)
	if err != nil {
		return nil, err
	}
	key, ok := signer.(ed25519.PrivateKey)
	if !ok {
		return nil, errors.New("the key for proofs is of another sort")
	}
	s.provers.Store(private, key)
	return key, nil
}

func proverID(a *copse.Actor) string { return a.URI + "#ed25519-key" }

func makeProver(tx *store.Tx, a *copse.Actor) error {
	public, made, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	private, err := httpsig.MarshalPrivateKey(made)
	if err != nil {
		return err
	}
	_, err = tx.AddProvingKey(a.ID, copse.Multikey{ID: proverID(a), Key: proof.EncodeKey(public)}, private) // another process may have been first
	return err
}

// maxMultikeys is how many keys for proofs are kept of an actor.
const maxMultikeys = 10

// multikeys returns the keys that an actor's own document lists for its proofs.
func multikeys(w *ap.Object) (all []copse.Multikey) {
	for _, k := range w.AssertionMethod {
		if k.Owner != w.ID || !ap.SameHost(k.ID, w.ID) || strings.ContainsAny(k.ID, " \t\r\n") || len(all) == maxMultikeys {
			continue
		}
		if _, err := proof.DecodeKey(k.Multibase); err == nil {
			all = append(all, copse.Multikey{ID: k.ID, Key: k.Multibase})
		}
	}
	return all
}

// proved reports whether w carries a good proof by author, who is its actor. One
// that is no good counts for nothing: w is worth what it would be without.
func (l *look) proved(ctx context.Context, w *ap.Object, author *copse.Actor) (bool, error) {
	if w.Proof == nil || w.Type == "Update" && !isDated(w) {
		return false, nil
	}
	p, err := proof.Read(w.Raw, time.Now())
	if err == nil {
		var key ed25519.PublicKey
		if key, err = l.multikey(ctx, author, p.Method); err != nil {
			return false, err
		}
		err = proof.ErrMismatch
		if key != nil {
			err = p.Verify(key)
		}
	}
	if err != nil {
		slog.InfoContext(ctx, "proof", "activity", w.ID, "actor", author.URI, "err", err)
	}
	return err == nil, nil
}

// isDated reports whether a change says when it was made, and not that it is to be
// made yet. Others may hold it back and come out with it after a later one.
func isDated(w *ap.Object) bool {
	now := time.Now()
	return !w.Published.IsZero() && !w.Published.After(now) && (w.Object == nil || !w.Object.Updated.After(now))
}

// multikey returns the key with the given id that an actor elsewhere proves with,
// nil if there is none. The actor is read again for one that may be new.
func (l *look) multikey(ctx context.Context, a *copse.Actor, id string) (ed25519.PublicKey, error) {
	if !ap.SameHost(id, a.URI) {
		return nil, nil
	}
	if key := keyOf(a, id); key != nil || time.Since(a.Fetched) < freshKey {
		return key, nil
	}
	if err := l.may(); err != nil {
		return nil, err
	}
	a, err := l.s.fetchActor(ctx, a.URI)
	if err != nil {
		return nil, err
	}
	return keyOf(a, id), nil
}

// keyOf returns the key with the given id that an actor is known to prove with, nil
// if there is none.
func keyOf(a *copse.Actor, id string) ed25519.PublicKey {
	for _, k := range a.Multikeys {
		if k.ID != id {
			continue
		}
		if key, err := proof.DecodeKey(k.Key); err == nil {
			return key
		}
	}
	return nil
}

// speaker returns whose word an activity is that signer has sent: signer's own, or
// its actor's, if it was sent on with the actor's proof.
func (l *look) speaker(ctx context.Context, w *ap.Object, signer *copse.Actor) (*copse.Actor, error) {
	uri, _ := w.Actor.One()
	if uri == signer.URI {
		return signer, nil
	}
	host, ok := ap.Host(uri)
	if !ok || host == l.s.Hub.Host() || !maySendOn(w) {
		return nil, errNotActor
	}
	if err := l.admit(ctx, host); err != nil {
		return nil, err // a server that is refused does not come in by way of another
	}
	actor, err := l.actor(ctx, uri)
	if gone(err) {
		return nil, errNotActor
	}
	if err != nil {
		return nil, err
	}
	proved, err := l.proved(ctx, w, actor)
	if err == nil && !proved {
		err = errNotActor
	}
	return actor, err
}

var errNotActor = &refusal{status: http.StatusUnauthorized, reason: "signer_is_not_actor"}

// maySendOn reports whether an activity may come from somebody other than its
// actor, if the proof that it carries is good.
func maySendOn(w *ap.Object) bool {
	return w.Proof != nil && (w.Type == "Announce" || w.Type == "Move" || isPassedOn(w))
}
