package main

import (
	"runtime"
	"slices"
	"syscall"
)

// rounds is how often things are measured, unless a round takes seconds.
const rounds = 9

// spent is the CPU time that this process has used, in microseconds: all its
// threads, the garbage collector's and the kernel's work for it included.
func spent() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err) // there is no other way for it to be called
	}
	return float64(u.Utime.Sec+u.Stime.Sec)*1e6 + float64(u.Utime.Usec+u.Stime.Usec)
}

// during returns the CPU time that fn takes, in microseconds.
func during(fn func() error) (float64, error) {
	runtime.GC() // what was made before is not fn's to collect
	before := spent()
	err := fn()
	return spent() - before, err
}

// A round measures something once, for some fifty milliseconds, and returns the
// CPU time of one of it, in microseconds.
type round func() (float64, error)

// calls is a round that calls fn n times. What i it is called with never comes
// again.
func calls(n int, fn func(i int) error) round {
	i := 0
	return func() (float64, error) {
		cost, err := during(func() error {
			for range n {
				i++
				if err := fn(i); err != nil {
					return err
				}
			}
			return nil
		})
		return cost / float64(n), err
	}
}

// A measurement is what some rounds came to.
type measurement struct {
	ratio float64
	cost  float64 // of what was measured, in microseconds
}

// against measures something against the sum of others. Each of its rounds is
// compared with rounds of theirs just before and just after: who else uses the
// machine makes every instruction slower, now more, now less. The median counts.
func against(measured round, others ...round) (measurement, error) {
	return compare(rounds, measured, others...)
}

// compare is against with another number of rounds.
func compare(rounds int, measured round, others ...round) (m measurement, err error) {
	sum := func() (sum float64, err error) {
		for _, other := range others {
			cost, err := other()
			if err != nil {
				return 0, err
			}
			sum += cost
		}
		return sum, nil
	}
	if _, err := sum(); err != nil { // to warm up, as is the next
		return m, err
	}
	if _, err := measured(); err != nil {
		return m, err
	}
	before, err := sum()
	if err != nil {
		return m, err
	}
	var ratios, costs []float64
	for range rounds {
		cost, err := measured()
		if err != nil {
			return m, err
		}
		after, err := sum()
		if err != nil {
			return m, err
		}
		ratios, costs = append(ratios, 2*cost/(before+after)), append(costs, cost)
		before = after
	}
	return measurement{median(ratios), median(costs)}, nil
}

func median(all []float64) float64 { return percentile(all, 50) }

// percentile returns the value that p of a hundred are not above.
func percentile(all []float64, p int) float64 {
	all = slices.Clone(all)
	slices.Sort(all)
	return all[min(len(all)-1, len(all)*p/100)]
}
