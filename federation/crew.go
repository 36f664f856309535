package federation

import (
	"sync"
	"time"
)

// idleCrew is how long a goroutine of a crew waits for more to do.
const idleCrew = time.Second

// A crew runs functions side by side, each in a goroutine that has done the like
// before where one is idle: a new goroutine's stack grows several times on its way
// down to a signature and a connection, and that cost as much as keeping count of
// deliveries. There is no limit, or peers that hang would hold up the others.
type crew struct {
	busy sync.WaitGroup
	work chan func()
}

func newCrew() *crew { return &crew{work: make(chan func())} }

// run starts fn.
func (c *crew) run(fn func()) {
	c.busy.Add(1)
	select {
	case c.work <- fn:
	default:
		go c.stay(fn)
	}
}

// all runs the functions and returns when the last of them has returned.
func (c *crew) all(fns []func()) {
	var missing sync.WaitGroup
	missing.Add(len(fns))
	for _, fn := range fns[1:] {
		c.run(func() {
			defer missing.Done()
			fn()
		})
	}
	fns[0]()
	missing.Done()
	missing.Wait()
}

// stop waits for what runs. Nothing may be started after it.
func (c *crew) stop() {
	c.busy.Wait()
	close(c.work)
}

func (c *crew) stay(fn func()) {
	idle := time.NewTimer(idleCrew)
	defer idle.Stop()
	for ok := true; ok; {
		fn()
		c.busy.Done()
		idle.Reset(idleCrew)
		select {
		case fn, ok = <-c.work:
		case <-idle.C:
			return
		}
	}
}
