package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/sync/errgroup"

	"bindery/cmd/bindery/internal/bench/ledger"
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
	send(ctx context.Context, p *ledger.Pace, k, of int) error
	// follow notes what became of messages until ctx is over.
	follow(ctx context.Context, l *ledger.Ledger) error
	sample(ctx context.Context) (sample, error)
	ready(ctx context.Context) error
}

// run is one measurement.
type run struct {
	s                system
	l                *ledger.Ledger
	messages, queues int // measured; connections
	rate             float64
	progress         io.Writer
	screen           *screen.Screen
	next             int // the first message that no phase has sent yet

	prepare, weigh func(ctx context.Context) error // before and after the measured phase; nil: nothing
	main           func(ctx context.Context) error // the measured phase; nil: all messages
	tick           func(ctx context.Context) error // now and then in each phase; nil: nothing

	began, finished time.Time // of the load, until the last final
	before, after   sample
	special         Special

	urgentFirst, urgents int // the first number of the urgent messages, and how many they are
}

// newRun measures messages of a ledger that has room for warmMessages, too.
func newRun(s system, l *ledger.Ledger, messages, connections int, rate float64, progress io.Writer) *run {
	return &run{s: s, l: l, messages: messages, queues: connections, rate: rate, progress: progress,
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
	if r.main == nil {
		r.main = func(ctx context.Context) error { return r.phase(ctx, "running", r.pace(0, r.messages, r.rate)) }
	}
	if err := r.main(ctx); err != nil {
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
	return r.phase(ctx, name, r.pace(first, r.next, Full))
}

// push sends messages beside the measured ones and does not wait.
func (r *run) push(ctx context.Context, n int) error {
	first := r.next
	r.next += n
	return r.send(ctx, r.pace(first, r.next, Full))
}

func (r *run) pace(first, end int, rate float64) *ledger.Pace {
	return &ledger.Pace{Ledger: r.l, First: first, End: end, Rate: rate, Began: time.Now()}
}

// phase sends the messages of a pace, and waits for their finals.
func (r *run) phase(ctx context.Context, name string, p *ledger.Pace) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	sent := make(chan error, 1)
	go func() { sent <- r.send(ctx, p) }()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for moved, last := time.Now(), int64(-1); ; {
		select {
		case err := <-sent:
			if cause := context.Cause(ctx); cause != nil {
				err = cause
			}
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			return r.drained(ctx, name)
		case <-tick.C:
			r.show(name)
			if r.tick != nil && ctx.Err() == nil {
				if err := r.tick(ctx); err != nil {
					cancel(err)
				}
			}
		}
		if now := r.l.Accepted() + r.l.Refused() + r.l.Ended(); now != last {
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
	return r.until(ctx, name, r.l.Ended)
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
		if now >= r.l.Accepted() {
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
		if r.tick != nil {
			if err := r.tick(ctx); err != nil {
				return err
			}
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
		done, accepted := r.l.Ended(), r.l.Accepted()
		r.screen.Progress(fmt.Sprintf("%s %s %d accepted, %d ended", screen.Bar(24, int(done), r.l.Size()), name, accepted, done))
	}
}

// errRefused ends a run whose messages are not taken: its figures would be of
// something else.
var errRefused = errors.New("messages were refused")

// send sends messages over all connections; when it returns each is answered.
func (r *run) send(ctx context.Context, p *ledger.Pace) error {
	work, ctx := errgroup.WithContext(ctx)
	n := min(r.queues, p.End-p.First)
	for k := range n {
		work.Go(func() error { return r.s.send(ctx, p, k, n) })
	}
	if err := work.Wait(); err != nil {
		return err
	}
	return r.refused()
}

func (r *run) refused() error {
	if n := r.l.Refused(); n > 0 {
		return fmt.Errorf("%w: %d, the first with %s", errRefused, n, r.l.Reason())
	}
	return nil
}

// line says something of a run that goes on.
func (r *run) line(format string, args ...any) error {
	r.screen.End()
	_, err := fmt.Fprintf(r.progress, format+"\n", args...)
	return err
}
