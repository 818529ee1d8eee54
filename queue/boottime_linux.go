package queue

import (
	"time"

	"golang.org/x/sys/unix"
)

// bootTime is CLOCK_BOOTTIME: unlike Go's monotonic clock it goes on while a
// machine is suspended, and so sees that a lease ran out meanwhile.
func bootTime() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &t); err != nil {
		return monotonic()
	}
	return time.Duration(t.Nano())
}
