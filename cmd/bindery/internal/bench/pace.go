package bench

import (
	"context"
	"sync/atomic"
	"time"
)

// pace gives out the messages of a phase. With a rate each has its moment,
// whatever became of those before it (an open loop): a message that is sent late
// because its sender was held up is late by that in its latency, too.
type pace struct {
	l          *ledger
	first, end int
	rate       float64 // messages a second; 0: at once
	began      time.Time
	next       atomic.Int64 // given out
}

// take gives out up to n messages; count 0: there are no more.
func (p *pace) take(n int) (first, count int) {
	at := int(p.next.Add(int64(n))) - n + p.first
	return at, max(0, min(n, p.end-at))
}

// due is when a message is to go.
func (p *pace) due(n int) time.Time {
	if p.rate <= 0 {
		return time.Now()
	}
	return p.began.Add(time.Duration(float64(n-p.first) / p.rate * float64(time.Second)))
}

// wait returns when the moment has come; it has when ctx is over, too.
func (p *pace) wait(ctx context.Context, n int) {
	due := p.due(n)
	p.l.due[n] = due.UnixNano()
	if d := time.Until(due); d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
	}
}
