package queue

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Pushes that come while others are on their way go together in the next call:
// a call of its own for each single message would cost Redis several times as
// much. None waits for company: with fewer than maxFlying calls under way the
// next goes at once.
const (
	maxFlying   = 2
	maxTogether = 64               // pushes
	maxOctets   = 1 << 20          // of their blocks: what Redis copies in about a millisecond
	pushTimeout = 10 * time.Second // of one call
)

// gate is where a shard's pushes wait for the next call. Whoever finds fewer
// than maxFlying calls under way starts a sender, which goes on until nothing
// waits.
type gate struct {
	mu      sync.Mutex // guards the rest
	waiting []*waitingPush
	flying  int
}

type waitingPush struct {
	args   []any
	blocks int
	octets int
	answer chan answered // room for one
}

type answered struct {
	reply reply
	err   error
}

// together runs the accept script for a push, with others that wait. When ctx
// ends first the push may still be taken.
func (q *Queue) together(ctx context.Context, sh *shard, args []any, blocks int) (reply, error) {
	p := &waitingPush{args: args, blocks: blocks, answer: make(chan answered, 1)}
	for _, a := range args {
		if octets, ok := a.([]byte); ok {
			p.octets += len(octets)
		}
	}
	g := &sh.gate
	g.mu.Lock()
	g.waiting = append(g.waiting, p)
	start := g.flying < maxFlying
	if start {
		g.flying++
	}
	g.mu.Unlock()
	if start {
		go q.send(context.WithoutCancel(ctx), sh)
	}
	select {
	case a := <-p.answer:
		return a.reply, a.err
	case <-ctx.Done():
		return reply{}, fmt.Errorf("%w: %w", ErrUnavailable, ctx.Err())
	}
}

// send makes calls until no push waits.
func (q *Queue) send(ctx context.Context, sh *shard) {
	for {
		list := sh.gate.next()
		if list == nil {
			return
		}
		var args []any
		for _, p := range list {
			args = append(args, p.args...)
		}
		call, cancel := context.WithTimeout(ctx, pushTimeout)
		r, err := q.run(call, acceptScript, sh, args...)
		cancel()
		for _, p := range list {
			a := answered{err: err}
			if err == nil {
				a.reply = r.sub()
				a.err = r.err
			}
			p.answer <- a
		}
	}
}

// next takes the pushes of the next call, nil when none waits: then the sender
// ends.
func (g *gate) next() []*waitingPush {
	g.mu.Lock()
	defer g.mu.Unlock()
	n, blocks, octets := 0, 0, 0
	for n < len(g.waiting) && n < maxTogether {
		blocks, octets = blocks+g.waiting[n].blocks, octets+g.waiting[n].octets
		if n > 0 && (blocks > maxBlocks || octets > maxOctets) {
			break
		}
		n++
	}
	if n == 0 {
		g.flying--
		return nil
	}
	list := g.waiting[:n:n]
	g.waiting = g.waiting[n:]
	if len(g.waiting) == 0 {
		g.waiting = nil
	}
	return list
}
