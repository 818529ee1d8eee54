// Package child runs the processes of a measurement and tells what they use:
// CPU time and memory, beside what the machine's others use. The bench calls
// it; it calls nothing of the project.
//
// A Child is waited for by one goroutine of its own, which ends with it; its
// methods may be called by any. Children are not ended by the death of this
// process: who starts one stops it.
package child

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// Child is one process. Its output lies in a file of the run's directory.
type Child struct {
	name string
	cmd  *exec.Cmd
	log  string // file
	done chan struct{}
}

// Start starts a program; what it prints goes to NAME.log in dir.
func Start(dir, name, program string, args ...string) (*Child, error) {
	c := &Child{name: name, cmd: exec.Command(program, args...), log: filepath.Join(dir, name+".log"), done: make(chan struct{})}
	log, err := os.Create(c.log)
	if err != nil {
		return nil, err
	}
	defer log.Close() // the child has its own
	c.cmd.Stdout, c.cmd.Stderr = log, log
	apart(c.cmd)
	if err := c.cmd.Start(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	go func() {
		_ = c.cmd.Wait() // Stop asks for the exit code
		close(c.done)
	}()
	return c, nil
}

// Stop ends it by a signal, and by force when that takes longer than patience.
// Nil is a child that was never started.
func (c *Child) Stop(signal syscall.Signal, patience time.Duration) error {
	if c == nil {
		return nil
	}
	if c.ended() {
		return fmt.Errorf("%s had ended before: %s", c.name, c.Tail())
	}
	if err := c.cmd.Process.Signal(signal); err != nil {
		return fmt.Errorf("%s: %w", c.name, err)
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-c.done:
		return nil
	case <-timer.C:
	}
	_ = c.cmd.Process.Kill() // it may have ended just now
	<-c.done
	return fmt.Errorf("%s did not end within %s", c.name, patience)
}

// Tail is the end of its log, for an error.
func (c *Child) Tail() string {
	b, err := os.ReadFile(c.log)
	if err != nil {
		return err.Error()
	}
	b = bytes.TrimSpace(b)
	return string(b[max(0, len(b)-1000):])
}

// Until asks ok every few milliseconds, as long as the process lives.
func (c *Child) Until(ctx context.Context, what string, bound time.Duration, ok func() bool) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	late := time.NewTimer(bound)
	defer late.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-c.done:
			return fmt.Errorf("%s ended: %s", c.name, c.Tail())
		case <-late.C:
			return fmt.Errorf("%s: %s took longer than %s: %s", c.name, what, bound, c.Tail())
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if c.ended() { // another answers in its place
		return fmt.Errorf("%s ended: %s", c.name, c.Tail())
	}
	return nil
}

// Explain adds what a child said last to an error, where one has ended. A child
// that is about to end gets a moment: its connections end before it.
func Explain(err error, children ...*Child) error {
	moment := time.NewTimer(200 * time.Millisecond)
	defer moment.Stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		for _, c := range children {
			if c != nil && c.ended() {
				return fmt.Errorf("%w; %s ended: %s", err, c.name, c.Tail())
			}
		}
		select {
		case <-tick.C:
		case <-moment.C:
			return err
		}
	}
}

func (c *Child) ended() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// FreeAddress is a loopback address on which nobody listens now.
func FreeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}
