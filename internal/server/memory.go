package server

import (
	"os"
	"runtime/debug"
)

// garbage is how much of it may gather before it is collected, in per cent of what
// is in use. A server uses some 10 MB of its own, SQLite's caches apart, so that
// this spends 30 MB to save a tenth of the work of taking something in.
const garbage = 300

// TuneMemory makes the Go runtime collect garbage as suits a server. It does nothing
// where GOGC says otherwise.
func TuneMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbage)
	}
}
