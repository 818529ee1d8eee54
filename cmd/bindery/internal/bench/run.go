package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/sync/errgroup"

	"bindery/cmd/bindery/internal/screen"
)

// warmMessages go before the measured ones.
const warmMessages = 500

// standstill ends a run in which nothing moves.
const standstill = 20 * time.Second

// system is what a run measures: our stack or Kannel's.
type system interface {
	// send sends what the k-th of some connections sends of a phase; when it
	// returns each message is answered.
	send(ctx context.Context, p *pace, k, of int) error
	// follow notes what became of messages until ctx is over.
	follow(ctx context.Context, l *ledger) error
	sample(ctx context.Context) (sample, error)
	ready(ctx context.Context) error
}

// run is one measurement.
type run struct {
	s                system
	l                *ledger
	messages, queues int // measured; connections
	rate             float64
	screen           *screen.Screen
	next             int // the first message that no phase has sent yet

	prepare, weigh func(ctx context.Context) error // before and after the measured phase; nil: nothing

	began, finished time.Time // of the load, until the last final
	before, after   sample
}

// newRun has room for the measured messages, those that warm up, and more.
func newRun(s system, messages, more, connections int, rate float64, progress io.Writer) *run {
	return &run{s: s, l: newLedger(messages + warmMessages + more), messages: messages, queues: connections, rate: rate,
		screen: screen.New(progress), next: messages}
}

// all sends and follows until every message has its final.
func (r *run) all(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	work, ctx := errgroup.WithContext(ctx)
	reading, over := context.WithCancel(ctx)
	work.Go(func() error { return r.s.follow(reading, r.l) })
	work.Go(func() error {
		defer over()
		return r.phases(ctx)
	})
	return work.Wait()
}

func (r *run) phases(ctx context.Context) error {
	if err := r.further(ctx, "warming up", warmMessages); err != nil {
		return err
	}
	if r.prepare != nil {
		if err := r.prepare(ctx); err != nil {
			return err
		}
	}
	if err := r.s.ready(ctx); err != nil {
		return err
	}
	var err error
	if r.before, err = r.s.sample(ctx); err != nil {
		return err
	}
	r.began = time.Now()
	if err := r.phase(ctx, "running", 0, r.messages, r.rate); err != nil {
		return err
	}
	r.finished = time.Now()
	if r.after, err = r.s.sample(ctx); err != nil || r.weigh == nil {
		return err
	}
	return r.weigh(ctx)
}

// further sends messages beside the measured ones, as fast as they are taken,
// and waits for their finals.
func (r *run) further(ctx context.Context, name string, n int) error {
	first := r.next
	r.next += n
	return r.phase(ctx, name, first, r.next, Full)
}

// push sends messages beside the measured ones and does not wait.
func (r *run) push(ctx context.Context, n int) error {
	first := r.next
	r.next += n
	return r.send(ctx, first, r.next, Full)
}

// phase sends messages from first to before end, and waits for their finals.
func (r *run) phase(ctx context.Context, name string, first, end int, rate float64) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	sent := make(chan error, 1)
	go func() { sent <- r.send(ctx, first, end, rate) }()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for moved, last := time.Now(), int64(-1); ; {
		select {
		case err := <-sent:
			if stalled := context.Cause(ctx); errors.Is(stalled, errStill) {
				return fmt.Errorf("%s: %w", name, stalled)
			}
			if err != nil {
				return err
			}
			return r.drained(ctx, name)
		case <-tick.C:
			r.show(name)
		}
		if now := r.l.taking.Load() + r.l.refused.Load() + r.l.done.Load(); now != last {
			moved, last = time.Now(), now
		} else if time.Since(moved) > standstill {
			cancel(errStill) // the senders end by it
		}
	}
}

// errStill ends a run whose messages are not answered.
var errStill = fmt.Errorf("nothing was answered and nothing ended for %s", standstill)

// drained waits until all that was accepted has its final. What has none when
// nothing moves any more is left to the ledger, which calls it lost.
func (r *run) drained(ctx context.Context, name string) error {
	return r.until(ctx, name, r.l.done.Load)
}

// until waits until count says as many as were accepted, or stands still.
func (r *run) until(ctx context.Context, name string, count func() int64) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	still := time.NewTimer(standstill)
	defer still.Stop()
	defer r.screen.End()
	for shown, last := time.Now(), int64(-1); ; {
		now := count()
		if now >= r.l.taking.Load() {
			return nil
		}
		if now != last {
			last = now
			still.Reset(standstill)
		}
		if time.Since(shown) > 200*time.Millisecond {
			shown = time.Now()
			r.show(name)
		}
		select {
		case <-tick.C:
		case <-still.C:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (r *run) show(name string) {
	if r.screen.Live() {
		done, accepted := r.l.done.Load(), r.l.taking.Load()
		r.screen.Progress(fmt.Sprintf("%s %s %d accepted, %d ended", screen.Bar(24, int(done), len(r.l.due)), name, accepted, done))
	}
}

// errRefused ends a run whose messages are not taken: its figures would be of
// something else.
var errRefused = errors.New("messages were refused")

// send sends messages over all connections; when it returns each is answered.
func (r *run) send(ctx context.Context, first, end int, rate float64) error {
	p := &pace{l: r.l, first: first, end: end, rate: rate, began: time.Now()}
	work, ctx := errgroup.WithContext(ctx)
	n := min(r.queues, end-first)
	for k := range n {
		work.Go(func() error { return r.s.send(ctx, p, k, n) })
	}
	if err := work.Wait(); err != nil {
		return err
	}
	if n := r.l.refused.Load(); n > 0 {
		return fmt.Errorf("%w: %d, the first with %s", errRefused, n, *r.l.reason.Load())
	}
	return nil
}
