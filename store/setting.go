package store

import (
	"database/sql"
	"errors"
)

// Setting returns the setting with the given name, "" if it was never made.
func (tx *Tx) Setting(name string) (string, error) {
	v, err := one(tx, value[string], `select value from settings where name = $1`, name)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return v, err
}

// SetSetting makes a setting.
func (tx *Tx) SetSetting(name, v string) error {
	_, err := tx.exec(`
		insert into settings (name, value) values ($1, $2)
		on conflict (name) do update set value = excluded.value`, name, v)
	return err
}
