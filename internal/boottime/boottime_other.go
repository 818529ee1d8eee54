//go:build !linux

package boottime

import "time"

// Now is the process's monotonic clock.
func Now() time.Duration { return monotonic() }
