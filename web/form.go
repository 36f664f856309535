package web

import (
	"errors"

	"copse/copse"
	"copse/web/page"
)

// Blame puts what err tells into the form it is about, and reports whether it
// could: an error that is not about what was typed needs a page of its own.
func (s *Site) Blame(v *Visit, form *page.Form, err error) bool {
	var told *copse.Error
	if !errors.As(err, &told) {
		return false
	}
	switch told.Code {
	case copse.CodeInvalid, copse.CodeForbidden, copse.CodeConflict, copse.CodeTooLarge:
		form.Fail(told.Field, v.W.Sentence(told.Format, told.Args...))
		return true
	}
	return false
}
