package hub

import "sync"

// A Bell wakes whoever waits for something to do. It carries no message: those
// who hear it look in the database, where the work is. The zero Bell is ready.
type Bell struct {
	mu        sync.Mutex
	listeners map[chan struct{}]bool // guarded by mu
}

// Ring wakes every listener. Rings that come while one is busy count as one.
func (b *Bell) Ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for c := range b.listeners {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

// Listen returns a channel that receives after every Ring, and a function that
// ends it.
func (b *Bell) Listen() (heard <-chan struct{}, stop func()) {
	c := make(chan struct{}, 1)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.listeners == nil {
		b.listeners = make(map[chan struct{}]bool)
	}
	b.listeners[c] = true
	return c, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.listeners, c)
	}
}
