package web

import (
	"context"
	"runtime"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/alexedwards/argon2id"
	passwordvalidator "github.com/wagslane/go-password-validator"

	"copse/copse"
)

// Passwords, in characters. No rule asks for capitals or digits, which make
// passwords worse; what is easy to guess is refused instead (NCSC guidance).
const (
	passwordMin = 12
	passwordMax = 200
	// passwordBits is how hard a password must be to guess once the words that
	// guessers try first are taken out of it.
	passwordBits = 40
)

// hashing is the least that OWASP asks of argon2id: 19 MiB and two passes.
var hashing = &argon2id.Params{Memory: 19 * 1024, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}

// passwords makes and checks hashes, as many at a time as there are processors:
// a flood of attempts must not take all the memory and time there is.
type passwords struct {
	turns chan struct{}
}

func newPasswords() *passwords {
	return &passwords{turns: make(chan struct{}, runtime.NumCPU())}
}

// decoy is checked for accounts that are not there. It is a hash like those of
// hashing, of nothing that anybody knows.
const decoy = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

// turn waits for a processor. The caller must receive from p.turns when done.
func (p *passwords) turn(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, handlerTime/3)
	defer cancel()
	select {
	case p.turns <- struct{}{}:
		return nil
	case <-ctx.Done():
		return copse.Unavailable(time.Minute, "the service is very busy; try again shortly")
	}
}

func (p *passwords) hash(ctx context.Context, password string) (string, error) {
	if err := p.turn(ctx); err != nil {
		return "", err
	}
	defer func() { <-p.turns }()
	return argon2id.CreateHash(password, hashing)
}

// matches reports whether password is the one hashed. A hash of "" stands for an
// account that is not there: it takes as long and is never right.
func (p *passwords) matches(ctx context.Context, password, hash string) (bool, error) {
	if err := p.turn(ctx); err != nil {
		return false, err
	}
	defer func() { <-p.turns }()
	if hash == "" {
		_, err := argon2id.ComparePasswordAndHash(password, decoy)
		return false, err
	}
	return argon2id.ComparePasswordAndHash(password, hash)
}

// checkPassword refuses a password that is too short or easily guessed. own are
// names that guessers would try: the person's, their address, their council's.
func checkPassword(password string, own ...string) error {
	n := utf8.RuneCountInString(password)
	switch {
	case n < passwordMin:
		return copse.Invalid("password", "the password must have %d characters or more", passwordMin)
	case n > passwordMax:
		return copse.Invalid("password", "the password must have %d characters or fewer", passwordMax)
	case passwordvalidator.GetEntropy(without(strings.ToLower(password), own)) < passwordBits:
		return copse.Invalid("password", "this password is easy to guess; three unrelated words are better")
	}
	return nil
}

// without takes out of a password what guessers try first.
func without(password string, own []string) string {
	words := strings.Fields("password passwort passphrase letmein welcome croeso qwertyuiop qwerty asdfgh " +
		"admin administrator council cyngor cymru england scotland wales change changeme secret iloveyou " +
		"spring summer autumn winter january february march april june july august september october november december " +
		"monday tuesday wednesday thursday friday saturday sunday football liverpool arsenal chelsea sunshine princess dragon monkey")
	for _, name := range own {
		words = append(words, strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return !unicode.IsLetter(r) })...)
	}
	for _, word := range words {
		if utf8.RuneCountInString(word) > 2 {
			password = strings.ReplaceAll(password, word, "")
		}
	}
	return password
}
