package store

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"copse/copse"
)

var lastID atomic.Int64

// NewID returns an ID greater than every ID it returned before.
func NewID() copse.ID {
	for {
		prev, next := lastID.Load(), time.Now().UnixMilli()*2048
		if next <= prev {
			next = prev + 1
		}
		if lastID.CompareAndSwap(prev, next) {
			return copse.ID(next)
		}
	}
}

// IDFor returns the ID of something a peer made at the given time and named uri.
// The low bits come from the URI, so that every server puts the same things in
// the same order. A time in the future counts as now: nobody pins a post to the
// top by dating it ahead. So does one before 1970, which peers write for "not
// known".
func IDFor(uri string, at, now time.Time) copse.ID {
	if at.Unix() <= 0 || at.After(now) {
		at = now
	}
	return copse.ID(at.UnixMilli()*2048 + hash(uri)&2047)
}

// NewIDAt returns an ID for something that was made here at the given time and
// comes in only now: it takes the place among the rest that it has in time.
func NewIDAt(at time.Time) copse.ID {
	return copse.ID(at.UnixMilli()*2048 + rand.Int64N(2048))
}

// add runs insert, which must say "on conflict do nothing", with *id, and with
// the ids after it for as long as it is the id that is in the way: two processes
// may mint the same one, and so may a clock that was set back. It reports false
// if taken, which may be nil, says that something else is in the way.
func (tx *Tx) add(id *copse.ID, insert func() (int64, error), taken func() (bool, error)) (bool, error) {
	for range 2048 {
		n, err := insert()
		if err != nil || n == 1 {
			return n == 1, err
		}
		if taken != nil {
			if there, err := taken(); err != nil || there {
				return false, err
			}
		}
		*id++
	}
	return false, errors.New("no free id")
}

// hash returns the first eight bytes of the SHA-256 of s.
func hash(s string) int64 {
	sum := sha256.Sum256([]byte(s))
	return int64(binary.BigEndian.Uint64(sum[:8]))
}
