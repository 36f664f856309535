package server

import (
	"context"
	"fmt"

	"copse/store"
)

// urlSetting keeps the address that a database was made for.
const urlSetting = "url"

// claim refuses a database that was made for another address. The address is in
// the id of everything in it, and every peer knows those ids: with another one,
// everybody here would become a stranger, without a word being said.
func claim(ctx context.Context, db *store.DB, url string) error {
	return db.Update(ctx, func(tx *store.Tx) error {
		was, err := tx.Setting(urlSetting)
		switch {
		case err != nil:
			return err
		case was == "":
			return tx.SetSetting(urlSetting, url)
		case was != url:
			return fmt.Errorf("this database belongs to %s, and server.url is %s: an address can never change", was, url)
		}
		return nil
	})
}
