package bindpool

import (
	"context"
	"sync"
	"time"
)

// pacer spaces the connects of a pool.
type pacer struct {
	every time.Duration

	mu      sync.Mutex // guards what follows
	next    time.Time  // no connect before
	held    time.Time  // no connect before: credentials were refused
	suspect bool       // they were, and no bind has succeeded since: one try at a time
	reason  error      // of suspect
	flying  int        // connects under way
	changed chan struct{}
}

func newPacer(every time.Duration) *pacer {
	return &pacer{every: every, changed: make(chan struct{})}
}

// start waits for leave to connect. Each success needs one done.
func (p *pacer) start(ctx context.Context) error {
	for {
		wait, changed := p.try()
		if wait == 0 {
			return nil
		}
		if err := sleep(ctx, wait, changed); err != nil {
			return err
		}
	}
}

// untilChanged is a wait that only a change ends.
const untilChanged = time.Duration(1<<63 - 1)

// try takes leave, or says how long to wait before asking again.
func (p *pacer) try() (wait time.Duration, changed <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.suspect && p.flying > 0 {
		return untilChanged, p.changed
	}
	now := time.Now()
	if wait = max(p.next.Sub(now), p.held.Sub(now)); wait > 0 {
		return wait, p.changed
	}
	p.next = now.Add(p.every)
	p.flying++
	return 0, nil
}

// outcome is what a connect says about the ones to come.
type outcome uint8

const (
	tells   outcome = iota // nothing about credentials
	trusted                // they are right
	refused                // they are wrong, and no bind proves otherwise
)

// done ends a connect; hold is how long none may follow one that was refused,
// and err its error.
func (p *pacer) done(o outcome, hold time.Duration, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.flying--
	switch o {
	case trusted:
		p.suspect, p.held, p.reason = false, time.Time{}, nil
	case refused:
		p.suspect, p.held, p.reason = true, time.Now().Add(hold), err
	case tells:
	}
	close(p.changed)
	p.changed = make(chan struct{})
}

// holds says until when nobody connects, and why; a nil error when nothing is
// held.
func (p *pacer) holds() (time.Time, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.held, p.reason
}

// sleep waits for d or wake; an error when ctx ended first.
func sleep(ctx context.Context, d time.Duration, wake <-chan struct{}) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-wake:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
