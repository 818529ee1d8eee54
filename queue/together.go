package queue

import (
	"cmp"
	"context"
	"fmt"
	"slices"
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
	urgent  []*waitingPush
	waiting []*waitingPush // the others
	flying  int
}

type waitingPush struct {
	at     time.Time // Redis' time as it seemed when the push was made
	args   []any
	kind   kind
	blocks int
	octets int
	urgent bool          // of one block, urgent
	small  *sharing      // nil: it has blocks of its own
	err    error         // its block cannot be written
	answer chan answered // room for one
}

// kind is the form in which accept takes a push, in the order in which it does.
type kind int

const (
	other kind = iota
	plain      // one block and one descriptor, nothing else
	keyed      // that, and keys
)

// apart answers pushes with keys, one of which was used before.
const apart = "apart"

type answered struct {
	reply reply
	err   error
}

// together runs the accept script for a push, with others that wait. When ctx
// ends first the push may still be taken.
func (q *Queue) together(ctx context.Context, sh *shard, p *waitingPush) (reply, error) {
	g := &sh.gate
	g.mu.Lock()
	if p.urgent {
		g.urgent = append(g.urgent, p)
	} else {
		g.waiting = append(g.waiting, p)
	}
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
		if len(list) == 0 {
			return
		}
		list = slices.DeleteFunc(q.join(sh, list), func(p *waitingPush) bool {
			if p.err != nil {
				q.tell(p, answered{err: p.err})
			}
			return p.err != nil
		})
		if len(list) == 0 {
			continue
		}
		call, cancel := context.WithTimeout(ctx, pushTimeout)
		r, err := q.run(call, acceptScript, sh, argsOf(list)...)
		cancel()
		letters := ""
		if err == nil {
			r.time(q)
			letters, err = r.text(), r.err
		}
		for _, p := range list {
			a := answered{err: err}
			switch {
			case err != nil:
			case p.kind != other:
				a.reply, letters = plainReply(letters)
			default:
				a.reply = r.sub()
				a.err = r.err
			}
			q.tell(p, a)
		}
	}
}

// tell answers a push, or all that share its block.
func (q *Queue) tell(p *waitingPush, a answered) {
	if p.small == nil {
		p.answer <- a
		return
	}
	if a.err == nil && a.reply.is("accepted") {
		q.remember(p.small.block)
	}
	for _, m := range p.small.members {
		m.answer <- a
	}
}

// argsOf are the arguments of a call for pushes, of which it puts the plain ones
// first, then those with keys. The call is refused when it comes later than any of
// them may.
func argsOf(list []*waitingPush) []any {
	first, last, n := list[0].at, list[0].at, 4
	var kinds [3]int
	for _, p := range list {
		if p.at.Before(first) {
			first = p.at
		}
		if p.at.After(last) {
			last = p.at
		}
		kinds[p.kind]++
		n += len(p.args)
	}
	slices.SortStableFunc(list, func(a, b *waitingPush) int { return cmp.Compare(a.rank(), b.rank()) })
	args := append(make([]any, 0, n), last.Add(-acceptWindow).UnixMilli(), first.Add(acceptWindow).UnixMilli(), kinds[plain], kinds[keyed])
	for _, p := range list {
		args = append(args, p.args...)
	}
	return args
}

func (p *waitingPush) rank() int {
	if p.kind == other {
		return 3
	}
	return int(p.kind)
}

// plainReply is what the first letter says, in the words of the others' answers.
func plainReply(letters string) (reply, string) {
	if letters == "" {
		return reply{}, "" // reading it fails
	}
	word := "late"
	switch letters[0] {
	case 'a':
		word = "accepted"
	case 'x':
		word = apart
	}
	return reply{list: []any{word}}, letters[1:]
}

// next takes the pushes of the next call, nil when none waits: then the sender
// ends. Urgent ones go before what came earlier, so they wait for the calls under
// way and not for megabytes of bulk; half of a call stays for the others.
func (g *gate) next() []*waitingPush {
	g.mu.Lock()
	defer g.mu.Unlock()
	most := maxTogether
	if len(g.waiting) > 0 {
		most /= 2
	}
	list := cutPushes(&g.urgent, most)
	list = append(list, cutPushes(&g.waiting, maxTogether-len(list))...)
	if len(list) == 0 {
		g.flying--
	}
	return list
}

// cutPushes cuts the first of what waits off, at most so many, and what a call
// takes of blocks and octets.
func cutPushes(from *[]*waitingPush, most int) []*waitingPush {
	waiting := *from
	n, blocks, octets := 0, 0, 0
	for n < len(waiting) && n < most {
		blocks, octets = blocks+waiting[n].blocks, octets+waiting[n].octets
		if n > 0 && (blocks > maxBlocks || octets > maxOctets) {
			break
		}
		n++
	}
	if *from = waiting[n:]; len(*from) == 0 {
		*from = nil
	}
	return waiting[:n:n]
}
