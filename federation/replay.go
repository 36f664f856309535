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

// seen reports whether a signature was remembered in the last twelve hours,
// which is how long a signature is good for.
func (r *replays) seen(sig [32]byte, at time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.turn(at)
	return r.now[sig] || r.old[sig]
}

// remember comes after what was signed has taken effect: what failed may be sent
// again as it was.
func (r *replays) remember(sig [32]byte, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.turn(at)
	r.now[sig] = true
}

// turn forgets what is older than needed, or beyond what there is room for.
func (r *replays) turn(at time.Time) {
	if r.now == nil || at.Sub(r.turned) > 12*time.Hour || len(r.now) > 500_000 {
		r.now, r.old, r.turned = make(map[[32]byte]bool), r.now, at
	}
}
