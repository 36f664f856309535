package federation

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"

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
	if !act.Actor.Local || !isProvable(act.Type) {
		return ap.Marshal(w)
	}
	w.Context = []byte(ap.ProofContext)
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

// isProvable reports whether activities of a type carry proofs. The rest is between
// two servers.
func isProvable(typ string) bool {
	switch typ {
	case "Create", "Update", "Delete", "Undo", "Like", "Add", "Remove", "Announce":
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
	key, err := httpsig.ParsePrivateKey(private)
	if err != nil {
		return proof.Key{}, err
	}
	ed, ok := key.(ed25519.PrivateKey)
	if !ok {
		return proof.Key{}, errors.New("the key for proofs is of another sort")
	}
	return proof.Key{ID: proverID(a), Private: ed}, nil
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
