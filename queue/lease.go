package queue

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync/atomic"
	"time"
)

// MaxLease is the most parts of one lease or settle.
const MaxLease = 500

// quantum is the most parts that an account gets in a turn.
const quantum = 50

// asked is a carrier's lease call on a shard: in flight, or its answer may have
// been lost: then it is asked again under its number before anything else is.
type asked struct {
	args []any         // nil: none
	n    atomic.Uint32 // its number
}

func (a *asked) number() LeaseNumber { return LeaseNumber(a.n.Load()) }

func (a *asked) renumber(n LeaseNumber) {
	a.n.Store(uint32(n))
	a.args[argNumber] = int64(n)
}

const argNumber = 3 // place of the number in a lease's arguments

// Lease takes parts off the lanes of one shard: the one with the highest
// priority waiting, as far as is known, else the next that has something. Left
// is of all shards, of those not asked as they were when last asked. A call
// whose answer was lost is made again by the next one for that carrier, under
// the same number; what it took beyond the new Max goes back to its lanes.
func (o *Owner) Lease(ctx context.Context, r LeaseRequest) (*Lease, error) {
	if o.lapsed.Load() {
		return nil, ErrLapsed
	}
	if r.Max < 1 || r.Max > MaxLease {
		return nil, fmt.Errorf("queue: lease: max %d, want 1..%d", r.Max, MaxLease)
	}
	if r.Urgent < 0 || r.Urgent > r.Max {
		return nil, fmt.Errorf("queue: lease: urgent %d, want 0..%d, the max", r.Urgent, r.Max)
	}
	carrier, err := o.q.carrierNumber(ctx, r.Carrier)
	if err != nil {
		return nil, err
	}
	calls, err := o.claim(r.Carrier)
	if err != nil {
		return nil, err
	}
	defer o.release(r.Carrier, calls)
	var none *Lease
	var errs []error
	for _, sh := range o.shardsFor(r.Carrier) {
		l, err := o.leaseOn(ctx, sh, calls[sh.index], r, carrier)
		switch {
		case errors.Is(err, ErrLapsed):
			return nil, err
		case err != nil:
			errs = append(errs, err)
		default:
			l.Left = o.leftOn(r.Carrier, sh, l.Left)
			if len(l.Parts) > 0 {
				return l, nil
			}
			none = l
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return none, nil
}

func (o *Owner) leaseOn(ctx context.Context, sh *shard, call *asked, r LeaseRequest, carrier uint16) (*Lease, error) {
	if call.args == nil {
		call.args = o.leaseArgs(r, carrier)
		call.renumber(o.next(sh))
	}
	for {
		reply, err := o.q.run(ctx, leaseScript, sh, call.args...)
		if err != nil {
			return nil, err
		}
		l, off, err := o.leased(ctx, sh, &reply, call.number(), r.Max)
		if errors.Is(err, ErrUnavailable) {
			return nil, err // asked again under its number
		}
		if err == errOvertaken { //nolint:errorlint // our own value
			call.renumber(o.next(sh))
			continue
		}
		call.args = nil
		if err == nil && len(off) > 0 {
			// what is to come off and does not is found by Renew
			if err := o.Settle(ctx, off); err != nil && len(l.Parts) == 0 {
				return nil, err
			}
		}
		return l, err
	}
}

// claim makes sure that a carrier has one lease call in flight.
func (o *Owner) claim(carrier string) ([]*asked, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.flying[carrier] {
		return nil, fmt.Errorf("queue: a lease call for carrier %q is under way", carrier)
	}
	o.flying[carrier] = true
	calls := o.busy[carrier]
	if calls == nil {
		for range o.q.shards {
			calls = append(calls, &asked{})
		}
		o.busy[carrier], o.left[carrier] = calls, make([]left, len(calls))
	}
	return calls, nil
}

// release ends the claim; numbers whose answer came need not be waited for.
func (o *Owner) release(carrier string, calls []*asked) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.flying, carrier)
	for _, call := range calls {
		if call.args == nil {
			call.n.Store(0)
		}
	}
}

// leftGood is how long an empty shard is not asked before one that has
// something: what comes meanwhile waits at most as long.
const leftGood = 50 * time.Millisecond

// shardsFor orders the shards: those not asked for a while, then those with the
// highest priority waiting.
func (o *Owner) shardsFor(carrier string) []*shard {
	if len(o.q.shards) == 1 {
		return o.q.shards
	}
	now := o.q.o.Elapsed()
	o.mu.Lock()
	known := slices.Clone(o.left[carrier])
	o.mu.Unlock()
	turn := int(o.number.Load()) % len(known)
	list := append(slices.Clone(o.q.shards[turn:]), o.q.shards[:turn]...)
	rank := func(sh *shard) int {
		k := known[sh.index]
		if now >= k.until {
			return -1
		}
		for p, n := range k.parts {
			if n > 0 {
				return p
			}
		}
		return len(priorityWords)
	}
	slices.SortStableFunc(list, func(a, b *shard) int { return rank(a) - rank(b) })
	return list
}

// leftOn notes what a shard says is left and answers the sum of all shards.
func (o *Owner) leftOn(carrier string, sh *shard, parts [3]int) [3]int {
	until := o.q.o.Elapsed() + leftGood
	o.mu.Lock()
	defer o.mu.Unlock()
	o.left[carrier][sh.index] = left{parts, until}
	var sum [3]int
	for _, l := range o.left[carrier] {
		for p := range sum {
			sum[p] += l.parts[p]
		}
	}
	return sum
}

// errOvertaken: the number is not ahead of the carrier's last; take a new one.
var errOvertaken = fmt.Errorf("queue: lease number was overtaken")

func (o *Owner) leaseArgs(r LeaseRequest, carrier uint16) []any {
	args := []any{
		o.id, r.Carrier, binary.BigEndian.AppendUint16(nil, carrier), int64(0), r.Max, quantum,
		binary.BigEndian.AppendUint32(nil, routeNumber("@"+r.Carrier)), r.Urgent,
	}
	for _, route := range r.Routes {
		args = append(args, route)
	}
	return args
}

// leased reads a lease's reply, and answers with it what is to come off at once.
func (o *Owner) leased(ctx context.Context, sh *shard, r *reply, number LeaseNumber, most int) (*Lease, []Settlement, error) {
	switch word := r.text(); word {
	case "lapsed":
		return nil, nil, o.lapse()
	case "overtaken":
		return nil, nil, errOvertaken
	case "leased":
	default:
		return nil, nil, fmt.Errorf("queue: lease: redis answers %q", word)
	}
	r.time(o.q)
	l := &Lease{Number: number, Left: [3]int{int(r.number()), int(r.number()), int(r.number())}}
	var took []leasedRun
	for r.more() {
		run := leasedRun{}
		if err := run.read(r); err != nil {
			return nil, nil, err
		}
		took = append(took, run)
	}
	if r.err != nil {
		return nil, nil, r.err
	}
	if err := o.q.fetchBodies(ctx, sh, took); err != nil {
		return nil, nil, err
	}
	var off []Settlement
	for i := range took {
		off = append(off, l.add(&took[i], &o.q.lines)...)
	}
	for len(l.Parts) > most {
		last := len(l.Parts) - 1
		off = append(off, Settlement{Part: l.Parts[last].Part, Lease: number, Verdict: Back})
		l.Parts = l.Parts[:last]
	}
	o.hold(l, off)
	return l, off, nil
}

// add takes one entry of a lease's reply into l and answers what is to come off
// at once: parts that ended since (a number asked again), and parts whose
// message does not parse.
func (l *Lease) add(r *leasedRun, known *lines) []Settlement {
	b, broken := parseBody(r.raw)
	var off []Settlement
	var m *Message
	first, err, sound := math.MinInt, broken, broken == nil
	ms := messagesOf(b, r, l.Number)
	l.Parts = slices.Grow(l.Parts, r.parts())
	for i := range r.parts() {
		s, index := slotAt(r.slots, i), r.from+i
		if s.lease != l.Number {
			continue
		}
		part := Part{r.block, uint16(index)}
		if !s.state.leased() {
			off = append(off, Settlement{Part: part, Lease: l.Number, Verdict: Back})
			continue
		}
		if f := index - int(s.position); broken == nil && f != first {
			m, err = ms.next(f)
			first, sound = f, sound && err == nil
		}
		if err != nil {
			off = append(off, Settlement{Part: part, Lease: l.Number, Verdict: Failed, Error: Error{"malformed", err.Error()}})
			continue
		}
		l.Parts = append(l.Parts, Leased{
			Part: part, Position: s.position, Attempt: s.attempts, MaybeSent: s.has(flagMaybeSent), Message: m,
		})
	}
	if n := r.parts(); sound && n > 0 && r.from+n <= b.parts { // else the scripts see to what is said of it
		known.remember(segmentOf(b, r.block, r.from, r.from+n-1))
	}
	return off
}

// bodyOf reads a whole body, or the pieces of one, as scripts answer them:
// head, constants and their offset, what is shared, rows and their offset.
func bodyOf(r *reply) (*body, error) {
	head := r.text()
	if !r.more() {
		if r.err != nil {
			return nil, r.err
		}
		return parseBody(head)
	}
	b := &body{}
	b.constants, b.constantsAt = r.text(), int(r.number())
	shared := r.text()
	b.rows, b.rowsAt = r.text(), int(r.number())
	if r.err != nil {
		return nil, r.err
	}
	if err := b.parseHead(head); err != nil {
		return nil, err
	}
	return b, b.parseShared(shared)
}
