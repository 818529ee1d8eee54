// Package boottime is the clock that leases and tokens are reckoned by: unlike
// Go's monotonic clock it goes on while the machine is suspended, so a process
// that slept knows that what it held has lapsed.
package boottime

import "time"

var started = time.Now()

// monotonic is the process's own clock, for where there is no other.
func monotonic() time.Duration { return time.Since(started) }

// Time is Now as a Time, to reckon with only: it is no date.
func Time() time.Time { return time.Unix(0, int64(Now())) }
