package copse

import (
	"errors"
	"fmt"
	"time"
)

// A Code says what sort of failure an Error is. web, the client API and
// federation each turn it into their own kind of answer.
type Code int

// The codes.
const (
	CodeInternal     Code = iota // anything that is not an *Error
	CodeInvalid                  // the request makes no sense as it stands
	CodeUnauthorized             // who is asking is not known
	CodeForbidden                // who is asking is known, and may not
	CodeNotFound                 // it is not there, or not for whoever is asking
	CodeConflict                 // it has changed meanwhile
	CodeTooLarge
	CodeTooMany
	CodeUnavailable // not now; RetryAfter says when
)

// An Error is a failure that the person or peer who asked should hear about.
// Every other error is ours: logged in full and reported only as internal.
//
// Format is an English sentence, lower case and without a full stop, as fmt
// takes it. It is kept apart from Args because it is also the key by which the
// Welsh sentence is found.
type Error struct {
	Code       Code
	Field      string // the form field to mend, if one is to blame
	Format     string
	Args       []any
	RetryAfter time.Duration // with CodeTooMany and CodeUnavailable
}

func (e *Error) Error() string { return fmt.Sprintf(e.Format, e.Args...) }

// CodeOf returns the code of the first Error in err's chain.
func CodeOf(err error) Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return CodeInternal
}

// Invalid returns an Error that says what is wrong with what was asked. Field
// names the form field to mend, or is "".
func Invalid(field, format string, args ...any) error {
	return &Error{Code: CodeInvalid, Field: field, Format: format, Args: args}
}

// Unauthorized returns an Error for somebody who has to say who they are first.
func Unauthorized(format string, args ...any) error {
	return &Error{Code: CodeUnauthorized, Format: format, Args: args}
}

// Forbidden returns an Error for something that the asker may not do.
func Forbidden(format string, args ...any) error {
	return &Error{Code: CodeForbidden, Format: format, Args: args}
}

// NotFound returns an Error for something that is not there or not to be seen;
// the two must read alike.
func NotFound(format string, args ...any) error {
	return &Error{Code: CodeNotFound, Format: format, Args: args}
}

// Conflict returns an Error for something that changed in the meantime.
func Conflict(format string, args ...any) error {
	return &Error{Code: CodeConflict, Format: format, Args: args}
}

// TooLarge returns an Error for something beyond a limit, which the text names.
func TooLarge(format string, args ...any) error {
	return &Error{Code: CodeTooLarge, Format: format, Args: args}
}

// TooMany returns an Error that asks to wait for after.
func TooMany(after time.Duration, format string, args ...any) error {
	return &Error{Code: CodeTooMany, Format: format, Args: args, RetryAfter: after}
}

// Unavailable returns an Error for something that cannot be done now but may be
// tried again after the given time.
func Unavailable(after time.Duration, format string, args ...any) error {
	return &Error{Code: CodeUnavailable, Format: format, Args: args, RetryAfter: after}
}
