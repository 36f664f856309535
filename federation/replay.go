package federation

import (
	"sync"
	"time"
)

// replays remembers the signatures of the last while, so that a copy of a
// request that somebody recorded does nothing. What takes effect is remembered
// for good by its id; this also covers what has none. The zero value is ready.
type replays struct {
	mu       sync.Mutex
	now, old map[[32]byte]bool // guarded by mu
	turned   time.Time         // guarded by mu
}

// first reports whether a signature is seen for the first time in the last
// twelve hours, which is how long a signature is good for.
func (r *replays) first(sig [32]byte, at time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.now == nil || at.Sub(r.turned) > 12*time.Hour || len(r.now) > 500_000 {
		r.now, r.old, r.turned = make(map[[32]byte]bool), r.now, at
	}
	if r.now[sig] || r.old[sig] {
		return false
	}
	r.now[sig] = true
	return true
}
