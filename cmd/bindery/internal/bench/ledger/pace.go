package ledger

import (
	"context"
	"sync/atomic"
	"time"
)

// Pace gives out the messages of a phase. With a rate each has its moment,
// whatever became of those before it (an open loop): a message that is sent late
// because its sender was held up is late by that in its latency, too.
type Pace struct {
	*Ledger
	First, End int
	Rate       float64 // messages a second; 0: at once
	Began      time.Time
	Until      time.Time    // none is given out from then on; zero: no bound
	Most       int64        // accepted and not ended; 0: no bound
	next       atomic.Int64 // given out
	stopped    atomic.Bool
}

// Stop gives out no more.
func (p *Pace) Stop() { p.stopped.Store(true) }

// More says whether message n is given out.
func (p *Pace) More(n int) bool {
	return n < p.End && !p.stopped.Load() && (p.Until.IsZero() || time.Now().Before(p.Until))
}

// Take gives out up to n messages; count 0: there are no more.
func (p *Pace) Take(n int) (first, count int) {
	at := int(p.next.Add(int64(n))) - n + p.First
	if !p.More(at) {
		return at, 0
	}
	return at, max(0, min(n, p.End-at))
}

// Room says whether Most lets a message go.
func (p *Pace) Room() bool { return p.Most == 0 || p.Accepted()-p.Ended() < p.Most }

// Due is when a message is to go.
func (p *Pace) Due(n int) time.Time {
	if p.Rate <= 0 {
		return time.Now()
	}
	return p.Began.Add(time.Duration(float64(n-p.First) / p.Rate * float64(time.Second)))
}

// Wait returns when the moment of a message has come, and there is room and a
// line of the ledger for it; it does when ctx is over, too.
func (p *Pace) Wait(ctx context.Context, n int) { p.WaitAll(ctx, n, 1) }

// WaitAll is Wait for messages that go together, all at the moment of the first.
func (p *Pace) WaitAll(ctx context.Context, first, count int) {
	for !p.Room() && ctx.Err() == nil {
		pause(ctx, time.Millisecond)
	}
	due := p.Due(first)
	for n := first; n < first+count; n++ {
		for !p.plan(n, due.UnixNano()) && ctx.Err() == nil {
			pause(ctx, 5*time.Millisecond)
		}
	}
	if d := time.Until(due); d > 0 {
		pause(ctx, d)
	}
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
