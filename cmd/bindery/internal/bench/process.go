package bench

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is one child. Its output lies in files of the run's directory.
type process struct {
	name string
	cmd  *exec.Cmd
	log  string // file
	done chan struct{}
}

func start(dir, name, program string, args ...string) (*process, error) {
	p := &process{name: name, cmd: exec.Command(program, args...), log: filepath.Join(dir, name+".log"), done: make(chan struct{})}
	log, err := os.Create(p.log)
	if err != nil {
		return nil, err
	}
	defer log.Close() // the child has its own
	p.cmd.Stdout, p.cmd.Stderr = log, log
	apart(p.cmd)
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	go func() {
		_ = p.cmd.Wait() // stop asks for the exit code
		close(p.done)
	}()
	return p, nil
}

// stop ends it by a signal, and by force when that takes longer than patience.
func (p *process) stop(signal syscall.Signal, patience time.Duration) error {
	select {
	case <-p.done:
		return fmt.Errorf("%s had ended before: %s", p.name, p.tail())
	default:
	}
	if err := p.cmd.Process.Signal(signal); err != nil {
		return fmt.Errorf("%s: %w", p.name, err)
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-p.done:
		return nil
	case <-timer.C:
	}
	_ = p.cmd.Process.Kill() // it may have ended just now
	<-p.done
	return fmt.Errorf("%s did not end within %s", p.name, patience)
}

// tail is the end of its log, for an error.
func (p *process) tail() string {
	b, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	b = bytes.TrimSpace(b)
	return string(b[max(0, len(b)-1000):])
}

// until asks ok every few milliseconds, as long as the process lives.
func (p *process) until(ctx context.Context, what string, bound time.Duration, ok func() bool) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	late := time.NewTimer(bound)
	defer late.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-p.done:
			return fmt.Errorf("%s ended: %s", p.name, p.tail())
		case <-late.C:
			return fmt.Errorf("%s: %s took longer than %s: %s", p.name, what, bound, p.tail())
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// ticks are the unit of CPU times in /proc, a second (USER_HZ; 100 on Linux).
const ticks = 100

// cpu is what the process and its ended children have used. It is -1 where the
// system does not tell (it is told by /proc).
func (p *process) cpu() time.Duration {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		return -1
	}
	// proc(5): the name in parentheses may hold anything; utime, stime, cutime
	// and cstime are fields 14 to 17.
	fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	if len(fields) < 15 {
		return -1
	}
	sum := time.Duration(0)
	for _, f := range fields[11:15] {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return -1
		}
		sum += time.Duration(n) * time.Second / ticks
	}
	return sum
}

// ownCPU is what this process, the load, has used.
func ownCPU() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return -1
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// machineCPU is what all processes together have used, -1 where the system does
// not tell.
func machineCPU() time.Duration {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return -1
	}
	// proc(5): cpu user nice system idle iowait irq softirq steal; steal is what
	// other guests of the host took.
	line, _, _ := strings.Cut(string(b), "\n")
	fields := strings.Fields(line)
	if len(fields) < 9 || fields[0] != "cpu" {
		return -1
	}
	sum := time.Duration(0)
	for _, i := range []int{1, 2, 3, 6, 7, 8} {
		n, err := strconv.ParseInt(fields[i], 10, 64)
		if err != nil {
			return -1
		}
		sum += time.Duration(n) * time.Second / ticks
	}
	return sum
}

// freeAddress is a loopback address on which nobody listens now.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}
