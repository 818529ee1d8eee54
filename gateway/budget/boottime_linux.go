package budget

import (
	"syscall"
	"time"
	"unsafe"
)

const clockBoottime = 7 // CLOCK_BOOTTIME of clock_gettime(2)

// Boottime is the time since boot, as a Time to reckon with only: unlike Go's
// monotonic clock it goes on while the machine is suspended, so a process that
// slept knows that its leases and tokens lapsed.
func Boottime() time.Time {
	var ts syscall.Timespec
	//nolint:gosec // the pointer is only lent to the call
	if _, _, e := syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, clockBoottime, uintptr(unsafe.Pointer(&ts)), 0); e != 0 {
		return time.Now()
	}
	return time.Unix(ts.Unix())
}
