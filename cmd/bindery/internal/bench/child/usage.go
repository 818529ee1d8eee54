package child

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// ticks are the unit of CPU times in /proc, a second (USER_HZ; 100 on Linux).
const ticks = 100

// CPU is what the process and its ended children have used. It is -1 where the
// system does not tell (it is told by /proc).
func (c *Child) CPU() time.Duration {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", c.cmd.Process.Pid))
	if err != nil {
		return -1
	}
	// proc(5): the name in parentheses may hold anything; utime, stime, cutime
	// and cstime are fields 14 to 17.
	fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	if len(fields) < 15 {
		return -1
	}
	return sumTicks(fields[11:15])
}

// Peak is the most memory that the process has held resident, octets (VmHWM of
// proc(5)), -1 where the system does not tell.
func (c *Child) Peak() int64 { return c.status("VmHWM:") }

// Resident is what it holds now (VmRSS).
func (c *Child) Resident() int64 { return c.status("VmRSS:") }

func (c *Child) status(name string) int64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.cmd.Process.Pid))
	if err != nil {
		return -1
	}
	for line := range strings.SplitSeq(string(b), "\n") {
		value, ok := strings.CutPrefix(line, name)
		if !ok {
			continue
		}
		kB, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(value, "kB")), 10, 64)
		if err != nil {
			return -1
		}
		return kB << 10
	}
	return -1
}

// OwnCPU is what this process has used.
func OwnCPU() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return -1
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// MachineCPU is what all processes together have used, -1 where the system does
// not tell.
func MachineCPU() time.Duration {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return -1
	}
	// proc(5): cpu user nice system idle iowait irq softirq steal; steal is what
	// other guests of the host took.
	line, _, _ := strings.Cut(string(b), "\n")
	f := strings.Fields(line)
	if len(f) < 9 || f[0] != "cpu" {
		return -1
	}
	return sumTicks([]string{f[1], f[2], f[3], f[6], f[7], f[8]})
}

func sumTicks(fields []string) time.Duration {
	sum := time.Duration(0)
	for _, f := range fields {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return -1
		}
		sum += time.Duration(n) * time.Second / ticks
	}
	return sum
}
