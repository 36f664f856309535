package server

import (
	"context"
	"time"

	"copse/store"
)

// keepOutbox is how long what was sent can still be fetched. Peers ask for
// 30 days.
const keepOutbox = 45 * 24 * time.Hour

// keepReceived is how long what came in and could never be performed is kept for
// whoever wonders what became of it.
const keepReceived = 14 * 24 * time.Hour

// keepWithheld is how long what a facilitator removed can be put back.
const keepWithheld = 30 * 24 * time.Hour

// tidy forgets what nobody needs any more, once an hour.
func (s *Server) tidy(ctx context.Context) {
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	for {
		err := s.DB.Update(ctx, func(tx *store.Tx) error {
			if _, err := tx.TidyOutbox(tx.Now.Add(-keepOutbox)); err != nil {
				return err
			}
			if _, err := tx.TidyReceived(tx.Now.Add(-keepReceived)); err != nil {
				return err
			}
			if err := tx.TidyProposals(tx.Now.Add(-keepOutbox)); err != nil {
				return err
			}
			if err := tx.TidyWithheld(tx.Now.Add(-keepWithheld)); err != nil {
				return err
			}
			return tx.TidyAccounts()
		})
		if err != nil && ctx.Err() == nil {
			s.log.ErrorContext(ctx, "tidy", "err", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
