package web

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	"copse/copse"
	"copse/store"
)

// AddPerson adds somebody on an administrator's word, without the pages by which
// people come in. Unless the account says that its address is confirmed, a letter
// asks them to confirm it. Errors about what the administrator typed are English
// sentences: command lines are.
func (s *Site) AddPerson(ctx context.Context, person *copse.Actor, account *store.Account, password string) error {
	v := &Visit{title: s.Hub.Host()}
	err := s.DB.View(ctx, func(tx *store.Tx) error {
		title, err := tx.Setting(settingTitle)
		if title != "" {
			v.title = title
		}
		return err
	})
	if err != nil {
		return err
	}
	email, ok := emailAddress(account.Email)
	person.Title = strings.Join(strings.Fields(person.Title), " ")
	switch {
	case person.Title == "" || utf8.RuneCountInString(person.Title) > maxName:
		return fmt.Errorf("give the person's own name, of %d characters or fewer", maxName)
	case utf8.RuneCountInString(person.JobTitle) > maxJob:
		return fmt.Errorf("the job title must be %d characters or fewer", maxJob)
	case !ok:
		return fmt.Errorf("%q is not an e-mail address", account.Email)
	}
	account.Email = email
	if err := checkPassword(password, person.Title, email, v.title); err != nil {
		return err
	}
	if account.Password, err = s.passwords.hash(ctx, password); err != nil {
		return err
	}
	return s.Hub.Register(ctx, person, account, func(tx *store.Tx) error {
		if !account.Confirmed.IsZero() {
			return nil
		}
		return s.mailConfirm(tx, v, account, person)
	})
}
