package queue

import "time"

var started = time.Now()

// monotonic is the process's own clock, which stands still while the machine
// is suspended.
func monotonic() time.Duration { return time.Since(started) }
