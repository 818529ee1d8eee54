package bench

import (
	"context"
	"io"
	"time"

	"bindery/cmd/bindery/internal/bench/ledger"
)

// Backlog is what it takes to fill a queue that nobody drains, and to drain it.
type Backlog struct {
	Empty Leg `json:"empty"` // the same with a queue of few messages, before it
	Full  Leg `json:"full"`
}

// Leg is one filling and draining.
type Leg struct {
	Messages int         `json:"messages"`
	Filled   float64     `json:"filled_per_second"`
	Drained  float64     `json:"drained_per_second"`
	Fill     ledger.Pair `json:"fill"`
	Drain    ledger.Pair `json:"drain"`
	Queued   float64     `json:"queued_bytes_per_message"` // of Redis
}

// backlog fills and drains the queue of a paused carrier twice: with as many
// messages as a run has, then with the backlog.
func (s *stack) backlog(progress io.Writer) *run {
	o := s.o
	r := newRun(s, ledger.New(o.Backlog+o.Messages+warmMessages, s.carriers), o.Backlog, o.connections(s.form), Full, progress)
	b := &Backlog{}
	r.special.Backlog = b
	r.prepare = func(ctx context.Context) (err error) {
		first := r.next
		r.next += o.Messages
		b.Empty, err = s.leg(ctx, r, first, r.next)
		return err
	}
	r.main = func(ctx context.Context) (err error) {
		b.Full, err = s.leg(ctx, r, 0, o.Backlog)
		return err
	}
	return r
}

// leg fills the queue with the messages from first to before end.
func (s *stack) leg(ctx context.Context, r *run, first, end int) (leg Leg, err error) {
	n := float64(end - first)
	leg.Messages = end - first
	if err := s.order(ctx, "pause"); err != nil {
		return leg, err
	}
	before, err := s.sample(ctx)
	if err != nil {
		return leg, err
	}
	filling := time.Now()
	if err := r.send(ctx, r.pace(first, end, Full)); err != nil {
		return leg, err
	}
	after, err := s.sample(ctx)
	if err != nil {
		return leg, err
	}
	leg.Queued = float64(after.memory-before.memory) / n
	draining := time.Now()
	if err := s.order(ctx, "resume"); err != nil {
		return leg, err
	}
	if err := r.drained(ctx, "draining"); err != nil {
		return leg, err
	}
	leg.Filled, leg.Drained = r.l.Figures(first, end, filling).Accepted, r.l.Figures(first, end, draining).Completed
	leg.Fill, leg.Drain = r.l.Filled(first, end, filling), r.l.Drained(first, end, draining)
	return leg, r.line("%d messages: filled %.0f/s (first tenth %.0f, last %.0f), drained %.0f/s (%.0f, %.0f), %.0f octets of Redis each", leg.Messages,
		leg.Filled, leg.Fill.First, leg.Fill.Last, leg.Drained, leg.Drain.First, leg.Drain.Last, leg.Queued)
}
