//go:build !linux

package budget

import "time"

// Boottime is the clock that leases are reckoned by.
func Boottime() time.Time { return time.Now() }
