package store

import (
	"crypto/sha256"
	"encoding/binary"
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
// top by dating it ahead.
func IDFor(uri string, at, now time.Time) copse.ID {
	if at.IsZero() || at.After(now) {
		at = now
	}
	return copse.ID(at.UnixMilli()*2048 + hash(uri)&2047)
}

// hash returns the first eight bytes of the SHA-256 of s.
func hash(s string) int64 {
	sum := sha256.Sum256([]byte(s))
	return int64(binary.BigEndian.Uint64(sum[:8]))
}
