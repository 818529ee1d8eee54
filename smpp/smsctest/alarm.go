package smsctest

import (
	"net"
	"os"
	"sync"
	"time"
)

// alarm is a deadline that a stalled read or write waits for.
type alarm struct {
	mu    sync.Mutex // guards both
	at    time.Time
	moved chan struct{}
}

func newAlarm() *alarm { return &alarm{moved: make(chan struct{})} }

func (a *alarm) set(t time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.at = t
	close(a.moved)
	a.moved = make(chan struct{})
}

// wait returns when the deadline, which may be moved meanwhile, has passed or
// closed is closed.
func (a *alarm) wait(closed <-chan struct{}) error {
	for {
		a.mu.Lock()
		at, moved := a.at, a.moved
		a.mu.Unlock()
		if err := sleepUntil(at, moved, closed); err != nil {
			return err
		}
	}
}

// sleepUntil answers nil when the deadline was moved.
func sleepUntil(at time.Time, moved, closed <-chan struct{}) error {
	var ring <-chan time.Time
	if !at.IsZero() {
		t := time.NewTimer(time.Until(at))
		defer t.Stop()
		ring = t.C
	}
	select {
	case <-ring:
		return os.ErrDeadlineExceeded
	case <-closed:
		return net.ErrClosed
	case <-moved:
		return nil
	}
}
