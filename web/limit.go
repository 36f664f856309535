package web

import (
	"net/http"
	"time"

	"github.com/go-chi/chi/v5/middleware"
	"github.com/go-chi/httprate"

	"copse/copse"
)

// limits hold back those who guess passwords and those who have letters sent to
// other people. They are kept in this process: several processes each allow as
// much.
//
// Councils' officers share an address on the internet, so what goes well does
// not count there.
type limits struct {
	guesses  limit // of passwords, by address on the internet
	account  limit // of passwords, by account
	visitors limit // letters asked for, by address on the internet
	letters  limit // letters asked for, by e-mail address
}

func newLimits() limits {
	return limits{
		guesses:  newLimit(25, 5*time.Minute),
		account:  newLimit(25, time.Hour),
		visitors: newLimit(100, 5*time.Minute),
		letters:  newLimit(5, 30*time.Minute),
	}
}

// A limit allows something so many times in a sliding window.
type limit struct {
	rate   *httprate.RateLimiter
	counts httprate.LimitCounter
	window time.Duration
}

func newLimit(n int, window time.Duration) limit {
	counts := httprate.NewLocalLimitCounter(window)
	return limit{
		// No headers: they would tell a guesser when to come back.
		rate:   httprate.NewRateLimiter(n, window, httprate.WithLimitCounter(counts), httprate.WithResponseHeaders(httprate.ResponseHeaders{})),
		counts: counts, window: window,
	}
}

// take counts one more for key, or returns an error if that is too many.
func (l limit) take(w http.ResponseWriter, r *http.Request, key string) error {
	if l.rate.OnLimit(w, r, key) {
		return copse.TooMany(l.window, "you have tried this too often; wait %d minutes", int(l.window.Minutes()))
	}
	return nil
}

// giveBack uncounts one.
func (l limit) giveBack(key string) error {
	// With a counter of its own, httprate starts windows by the clock.
	return l.counts.IncrementBy(key, time.Now().UTC().Truncate(l.window), -1)
}

// origin is where a request comes from, as far as limits tell: an IPv4 address
// or an IPv6 network of 64 bits.
func origin(r *http.Request) string {
	return httprate.CanonicalizeIP(middleware.GetClientIP(r.Context()))
}
