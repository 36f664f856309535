package web

import (
	"context"

	"copse/copse"
	"copse/store"
)

// changeAccount reads an account, changes it and writes it back, in one
// transaction.
func (s *Site) changeAccount(ctx context.Context, actor copse.ID, change func(*store.Account)) error {
	return s.DB.Update(ctx, func(tx *store.Tx) error {
		n, err := tx.Account(actor)
		if err != nil {
			return err
		}
		change(n)
		return tx.SetAccount(n)
	})
}
