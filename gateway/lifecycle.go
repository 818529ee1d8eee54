package gateway

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/rs/zerolog"
)

// teardown is a stack of named steps: what was started last is stopped first.
// All steps share one deadline, each runs whatever became of those before it,
// and each failure is logged with its name.
type teardown struct {
	log   zerolog.Logger
	mu    sync.Mutex // guards steps
	steps []step
}

type step struct {
	name string
	stop func(context.Context) error
}

func (t *teardown) add(name string, stop func(context.Context) error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.steps = append(t.steps, step{name, stop})
}

func (t *teardown) run(ctx context.Context) error {
	t.mu.Lock()
	steps := t.steps
	t.steps = nil
	t.mu.Unlock()
	var all []error
	for i := len(steps) - 1; i >= 0; i-- {
		s := steps[i]
		if err := s.stop(ctx); err != nil {
			t.log.Error().Err(err).Str("step", s.name).Msg("stopping")
			all = append(all, fmt.Errorf("stop %s: %w", s.name, err))
		}
	}
	return errors.Join(all...)
}

// loops are goroutines of one context: stop ends the context and waits.
type loops struct {
	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup
}

func newLoops() *loops {
	l := &loops{}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	return l
}

func (l *loops) start(run func(context.Context)) {
	l.wg.Go(func() { run(l.ctx) })
}

func (l *loops) stop(ctx context.Context) error {
	l.cancel()
	done := make(chan struct{})
	go func() {
		l.wg.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("loops still running: %w", ctx.Err())
	}
}
