package queue

import (
	"context"
	"crypto/rand"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// Owner is this process as holder of leases. Its row in Redis must be renewed;
// once ErrLapsed was answered it is over, and the process goes on under a new
// one. Lease, Settle, Mark and Renew may be called from any goroutine, at most
// one Lease of a carrier at a time.
type Owner struct {
	q        *Queue
	id       string
	ordinals []int64 // by shard: the upper 10 bits of its lease numbers
	number   atomic.Uint32
	renewed  atomic.Int64 // elapsed at which the last answered renewal was sent
	lapsed   atomic.Bool

	mu     sync.Mutex // guards the rest
	held   holdings
	flying map[string]bool     // carriers with a lease call in flight
	busy   map[string][]*asked // by carrier and shard; the calls are whose carrier is flying
	left   map[string][]left   // by carrier and shard
}

// left is what a shard's last lease for a carrier said is left, and when.
type left struct {
	parts [3]int
	until time.Duration // elapsed after which it is not relied on
}

const ordinalShift = 22 // a lease number: 10 bits of the owner, 22 counted

// NewOwner registers a row under a new random id; Renew keeps it.
func (q *Queue) NewOwner(ctx context.Context) (*Owner, error) {
	o := &Owner{q: q, id: rand.Text(), flying: map[string]bool{}, busy: map[string][]*asked{}, left: map[string][]left{}}
	var seed [1]byte
	_, _ = rand.Read(seed[:]) // never fails (crypto/rand)
	o.number.Store(uint32(seed[0]) << 8)
	sent := q.o.Elapsed()
	for _, sh := range q.shards {
		r, err := q.run(ctx, enterScript, sh, o.id, q.o.Lease.Milliseconds(), bodyFormat)
		if err != nil {
			return nil, err
		}
		o.ordinals = append(o.ordinals, r.number())
		if r.time(q); r.err != nil {
			return nil, r.err
		}
	}
	o.renewed.Store(int64(sent))
	q.present.Store(o)
	return o, nil
}

// ID is the owner's name: random, new at each process start.
func (o *Owner) ID() string { return o.id }

// Renew prolongs the row; call it every third of the lease. ErrLapsed: it is
// gone or lapsed. What the row owes and this process does not hold (a fail-over
// of Redis lost its settle) is settled as uncertain.
func (o *Owner) Renew(ctx context.Context) error {
	sent := o.q.o.Elapsed()
	if err := o.q.each(func(sh *shard) error { return o.renew(ctx, sh) }); err != nil {
		return err
	}
	o.renewed.Store(int64(sent))
	return nil
}

func (o *Owner) renew(ctx context.Context, sh *shard) error {
	args := []any{o.id, o.q.o.Lease.Milliseconds()}
	if o.q.o.Routes != nil {
		for _, route := range o.q.o.Routes() {
			args = append(args, route)
		}
	}
	r, err := o.q.run(ctx, renewScript, sh, args...)
	if err != nil {
		return err
	}
	alive := r.number()
	if r.time(o.q); r.err != nil {
		return r.err
	}
	if alive == 0 {
		return o.lapse()
	}
	owes := r.sub()
	return o.compare(ctx, sh, &owes)
}

// compare settles as uncertain what a shard says that this process owes and
// does not hold: a fail-over of Redis lost a settle. A lease call under way is
// left alone; of a settle under way nothing is listed that is not held.
func (o *Owner) compare(ctx context.Context, sh *shard, owes *reply) error {
	surplus := map[LeaseNumber]int{}
	for owes.more() {
		number, err1 := strconv.ParseUint(owes.text(), 10, 32)
		owed, err2 := strconv.Atoi(owes.text())
		if err1 != nil || err2 != nil {
			return fmt.Errorf("queue: renew: redis answers what is no lease")
		}
		surplus[LeaseNumber(number)] = owed
	}
	o.mu.Lock()
	o.held.count(func(n LeaseNumber) { surplus[n]-- })
	for _, calls := range o.busy {
		for _, call := range calls {
			delete(surplus, call.number())
		}
	}
	o.mu.Unlock()
	for number, n := range surplus {
		if n <= 0 {
			continue
		}
		if err := o.giveUp(ctx, sh, number); err != nil {
			return err
		}
	}
	return owes.err
}

// giveUp settles the parts of a lease that this process does not hold.
func (o *Owner) giveUp(ctx context.Context, sh *shard, number LeaseNumber) error {
	r, err := o.q.run(ctx, owedScript, sh, o.id, int64(number))
	if err != nil {
		return err
	}
	var ss []Settlement
	o.mu.Lock()
	for r.more() {
		p := Part{Block(r.text()), uint16(r.number())}
		if o.held.get(p).lease != number {
			ss = append(ss, Settlement{Part: p, Lease: number, Verdict: Uncertain})
		}
	}
	o.mu.Unlock()
	if r.err != nil {
		return r.err
	}
	return o.Settle(ctx, ss)
}

func (o *Owner) lapse() error {
	o.lapsed.Store(true)
	return ErrLapsed
}

// Holds tells whether the lease holds now, counted from when the last answered
// renewal was sent, by Options.Elapsed. The fence of every write.
func (o *Owner) Holds() bool {
	return !o.lapsed.Load() && o.q.o.Elapsed()-time.Duration(o.renewed.Load()) < o.q.o.Lease
}

// Leave removes the row when it owes nothing; false when it owes something
// (another instance reclaims it once it has expired).
func (o *Owner) Leave(ctx context.Context) (bool, error) {
	all := true
	for _, sh := range o.q.shards {
		r, err := o.q.run(ctx, leaveScript, sh, o.id)
		if err != nil {
			return false, err
		}
		all = r.number() == 1 && all
		if r.err != nil {
			return false, r.err
		}
	}
	if all {
		o.lapsed.Store(true)
	}
	return all, nil
}

// next draws the number of a lease on a shard.
func (o *Owner) next(sh *shard) LeaseNumber {
	for {
		n := o.number.Add(1) & (1<<ordinalShift - 1)
		if n != 0 {
			return LeaseNumber(uint32(o.ordinals[sh.index])<<ordinalShift | n)
		}
	}
}

// hold notes what this process owes by a lease: its parts and what is to come
// off at once.
func (o *Owner) hold(l *Lease, off []Settlement) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for i := range l.Parts {
		o.held.set(l.Parts[i].Part, l.Number, i)
	}
	for i := range off {
		o.held.set(off[i].Part, l.Number, len(l.Parts)+i)
	}
}
