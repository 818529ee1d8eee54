package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"bindery/cmd/bindery/internal/screen"
)

// Beside the messages of a run, some go before it: to warm up, and to measure
// what a queued message weighs.
const (
	warmMessages = 500
	heldMost     = 20_000
	heldShare    = 5 // of the messages: a fifth
)

// standstill ends a run in which nothing moves.
const standstill = 20 * time.Second

// run is one measurement.
type run struct {
	o      *Options
	s      *stack
	l      *ledger
	rate   float64
	screen *screen.Screen
	held   int // messages queued while the carrier was paused

	began, finished     time.Time // of the load, until the last final
	before, after       sample
	heldBytes, endBytes float64 // of memory a message; 0: not measured
}

func newRun(o *Options, s *stack, rate float64, progress io.Writer) (*run, error) {
	held := max(warmMessages, min(heldMost, o.Messages/heldShare))
	return &run{o: o, s: s, rate: rate, held: held, l: newLedger(o.Messages + warmMessages + held), screen: screen.New(progress)}, nil
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
	first := r.o.Messages
	if err := r.phase(ctx, "warming up", first, first+warmMessages, Full); err != nil {
		return err
	}
	if err := r.hold(ctx, first+warmMessages); err != nil {
		return err
	}
	if err := r.s.gateway.until(ctx, "the carrier's return", startBound, func() bool { return r.s.ready(ctx, r.o.Binds) }); err != nil {
		return err
	}
	var err error
	if r.before, err = r.s.sample(ctx); err != nil {
		return err
	}
	r.began = time.Now()
	if err := r.phase(ctx, "running", 0, r.o.Messages, r.rate); err != nil {
		return err
	}
	r.finished = time.Now()
	if r.after, err = r.s.sample(ctx); err != nil {
		return err
	}
	r.endBytes = float64(r.after.memory-r.before.memory) / float64(r.o.Messages)
	return nil
}

// hold pushes messages to a paused carrier and weighs them.
func (r *run) hold(ctx context.Context, first int) error {
	status, err := r.s.ask(ctx, http.MethodPost, "/v1/carriers/"+account+"/pause")
	if err != nil {
		return err
	}
	if status != http.StatusOK {
		return fmt.Errorf("pausing the carrier was answered with %d", status)
	}
	empty, err := r.s.sample(ctx)
	if err != nil {
		return err
	}
	if err := r.send(ctx, first, first+r.held, Full); err != nil {
		return err
	}
	full, err := r.s.sample(ctx)
	if err != nil {
		return err
	}
	r.heldBytes = float64(full.memory-empty.memory) / float64(r.held)
	if status, err := r.s.ask(ctx, http.MethodPost, "/v1/carriers/"+account+"/resume"); err != nil || status != http.StatusOK {
		return fmt.Errorf("resuming the carrier was answered with %d: %w", status, err)
	}
	return r.drained(ctx, "draining what was held")
}

// phase sends messages from first to before end, and waits for their finals.
func (r *run) phase(ctx context.Context, name string, first, end int, rate float64) error {
	sent := make(chan error, 1)
	go func() { sent <- r.send(ctx, first, end, rate) }()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case err := <-sent:
			if err != nil {
				return err
			}
			return r.drained(ctx, name)
		case <-tick.C:
			r.show(name)
		}
	}
}

// drained waits until all that was accepted has its final. What has none when
// nothing moves any more is left to the ledger, which calls it lost.
func (r *run) drained(ctx context.Context, name string) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	still := time.NewTimer(standstill)
	defer still.Stop()
	for shown, done := time.Now(), int64(-1); ; {
		now := r.l.done.Load()
		if now >= r.l.taking.Load() {
			r.screen.End()
			return nil
		}
		if now != done {
			done = now
			still.Reset(standstill)
		}
		if time.Since(shown) > 200*time.Millisecond {
			shown = time.Now()
			r.show(name)
		}
		select {
		case <-tick.C:
		case <-still.C:
			r.screen.End()
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
var errRefused = errors.New("the gateway refused messages")

// send sends messages in the run's form; when it returns each is answered.
func (r *run) send(ctx context.Context, first, end int, rate float64) error {
	p := &pace{l: r.l, first: first, end: end, rate: rate, began: time.Now()}
	work, ctx := errgroup.WithContext(ctx)
	n := min(r.o.connections(), end-first)
	for k := range n {
		work.Go(func() error {
			switch r.o.Form {
			case Single:
				return r.singles(ctx, p)
			case Batch:
				return r.batches(ctx, p)
			default:
				return r.lines(ctx, p, k, n)
			}
		})
	}
	if err := work.Wait(); err != nil {
		return err
	}
	if n := r.l.refused.Load(); n > 0 {
		return fmt.Errorf("%w: %d, the first with %s", errRefused, n, *r.l.reason.Load())
	}
	return nil
}
