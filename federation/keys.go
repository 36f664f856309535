package federation

import (
	"context"
	"fmt"
	"sync"
	"time"

	"copse/copse"
	"copse/federation/httpsig"
	"copse/store"
)

// A keyring keeps keys as they are used: to read one takes a seventh of the time that
// signing with it does. The zero value is ready.
type keyring struct {
	keys sync.Map // copse.ID of an actor of ours → kept
}

type kept struct {
	key  httpsig.Key
	read time.Time
}

// keptFor is how long another process of ours may go on signing with a key that has
// been renewed.
const keptFor = time.Minute

// get returns the key of an actor, as load reads it unless that was done lately.
func (k *keyring) get(actor copse.ID, load func() (httpsig.Key, error)) (httpsig.Key, error) {
	now := time.Now()
	if had, ok := k.keys.Load(actor); ok && now.Sub(had.(kept).read) < keptFor {
		return had.(kept).key, nil
	}
	key, err := load()
	if err != nil {
		return httpsig.Key{}, fmt.Errorf("key of actor %d: %w", actor, err)
	}
	k.keys.Store(actor, kept{key, now})
	return key, nil
}

// key returns what an actor of ours signs with. Keys are made when first needed:
// each takes 60 ms, and most people never sign anything.
func (s *Server) key(ctx context.Context, actor copse.ID) (httpsig.Key, error) {
	return s.keys.get(actor, func() (httpsig.Key, error) {
		k, err, _ := s.flights.Do(fmt.Sprint("key ", actor), func() (any, error) {
			return s.loadKey(context.WithoutCancel(ctx), actor)
		})
		if err != nil {
			return httpsig.Key{}, err
		}
		return k.(httpsig.Key), nil
	})
}

// littleKey returns what an actor of ours proves with as what it signs requests
// with: a fortieth of the work of RSA, for peers that take it.
func (s *Server) littleKey(ctx context.Context, actor copse.ID) (httpsig.Key, error) {
	return s.little.get(actor, func() (k httpsig.Key, err error) {
		err = s.DB.Update(ctx, func(tx *store.Tx) error {
			a, err := tx.Actor(actor)
			if err != nil {
				return err
			}
			prover, err := s.prover(tx, a)
			k = httpsig.Key{ID: prover.ID, Private: prover.Private}
			return err
		})
		return k, err
	})
}

// RenewKeys throws away the keys of everybody here, the server's own among them, or
// of the one actor here with the given name, and returns how many had any. New ones are
// made when next needed. Peers find out by asking once more who somebody is whose
// signature does not fit; what was proved by an old key and is not at its peers yet is
// asked for here instead.
func (s *Server) RenewKeys(ctx context.Context, name string) (n int, err error) {
	err = s.DB.Update(ctx, func(tx *store.Tx) error {
		if name == "" {
			n, err = tx.ForgetAllKeys()
			return err
		}
		a, err := tx.ActorByName(name)
		if err != nil {
			return err
		}
		n, err = tx.ForgetKeys(a.ID)
		return err
	})
	s.keys.keys.Clear()
	s.little.keys.Clear()
	return n, err
}

func (s *Server) loadKey(ctx context.Context, actor copse.ID) (httpsig.Key, error) {
	var (
		a       *copse.Actor
		private string
	)
	read := func(tx *store.Tx) (err error) {
		if a, err = tx.Actor(actor); err != nil {
			return err
		}
		private, err = tx.PrivateKey(actor)
		return err
	}
	err := s.DB.View(ctx, read)
	if copse.CodeOf(err) == copse.CodeNotFound && a != nil {
		if err = s.makeKey(ctx, a); err == nil {
			err = s.DB.View(ctx, read)
		}
	}
	if err != nil {
		return httpsig.Key{}, err
	}
	signer, err := httpsig.ParsePrivateKey(private)
	return httpsig.Key{ID: a.KeyID, Private: signer}, err
}

func (s *Server) makeKey(ctx context.Context, a *copse.Actor) error {
	made, err := httpsig.GenerateRSA()
	if err != nil {
		return err
	}
	private, err := httpsig.MarshalPrivateKey(made)
	if err != nil {
		return err
	}
	public, err := httpsig.MarshalPublicKey(made.Public())
	if err != nil {
		return err
	}
	return s.DB.Update(ctx, func(tx *store.Tx) error {
		_, err := tx.AddKey(a.ID, a.URI+"#main-key", public, private) // another process may have been first
		return err
	})
}

// withKey returns an actor of ours with its keys in place, as its document needs.
func (s *Server) withKey(ctx context.Context, a *copse.Actor) (*copse.Actor, error) {
	if a.PublicKey != "" && a.Multikeys != nil {
		return a, nil
	}
	if _, err := s.key(ctx, a.ID); err != nil {
		return nil, err
	}
	err := s.DB.Update(ctx, func(tx *store.Tx) error {
		_, err := s.prover(tx, a)
		return err
	})
	if err != nil {
		return nil, err
	}
	err = s.DB.View(ctx, func(tx *store.Tx) (err error) {
		a, err = tx.Actor(a.ID)
		return err
	})
	return a, err
}
