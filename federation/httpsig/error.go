package httpsig

import "errors"

// The kinds of failure, for [errors.Is].
var (
	// ErrMalformed: the request itself cannot be read. Answer 400.
	ErrMalformed = errors.New("malformed request")
	// ErrUnsigned: there is no signature at all. Answer 401, or serve what
	// everybody may see.
	ErrUnsigned = errors.New("unsigned request")
	// ErrRefused: the signature cannot be read, or is not one we take. Answer 401.
	ErrRefused = errors.New("signature refused")
	// ErrMismatch: the key did not make the signature. Answer 401, once the
	// key has been fetched anew.
	ErrMismatch = errors.New("signature does not verify")
	// ErrKey: no signature can be judged by this key. Answer 401.
	ErrKey = errors.New("key refused")
)

// An Error is why a signature or key was not taken. Reason is a fixed
// snake_case word that reveals nothing about this server: it may be logged,
// counted, and told to the peer as {"error": Reason}.
type Error struct {
	Kind   error
	Reason string
}

func (e *Error) Error() string { return e.Kind.Error() + ": " + e.Reason }
func (e *Error) Unwrap() error { return e.Kind }

func refuse(reason string) error { return &Error{ErrRefused, reason} }
