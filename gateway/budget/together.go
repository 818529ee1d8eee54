package budget

import (
	"context"
	"hash/fnv"
	"sync"
	"time"

	"bindery/internal/redisdb"
)

// Together has the renewals of many carriers go to Redis in few round trips:
// one each would be most of what an idle gateway costs. Carriers are spread over
// groups by their names; those of one group renew at the same moments and are
// sent as one pipeline. Who has to renew out of turn goes with whoever is there.
type Together struct {
	db *redisdb.DB

	mu      sync.Mutex // guards the rest
	waiting []*renewing
	sending bool
}

const (
	groups      = 10
	togetherFor = 5 * time.Millisecond // after the first came, the call is made
	togetherMax = 50                   // renewals a call, about a millisecond of Redis
)

type renewing struct {
	redisdb.Call
	ctx  context.Context
	done chan struct{}
}

// NewTogether is for the carriers of one gateway.
func NewTogether(db *redisdb.DB) *Together { return &Together{db: db} }

// run is one renewal, of which ctx says how long it may take; it is back when the
// call is.
func (t *Together) run(ctx context.Context, keys []string, args []any) (any, error) {
	r := &renewing{Call: redisdb.Call{Keys: keys, Args: args}, ctx: ctx, done: make(chan struct{})}
	t.mu.Lock()
	t.waiting = append(t.waiting, r)
	start := !t.sending
	t.sending = true
	t.mu.Unlock()
	if start {
		time.AfterFunc(togetherFor, t.send)
	}
	<-r.done
	return r.Reply, r.Err
}

// send makes the calls, beside each other: one that hangs (a server of a cluster
// that is away) holds up nobody else's renewal that comes after it.
func (t *Together) send() {
	t.mu.Lock()
	list := t.waiting
	t.waiting, t.sending = nil, false
	t.mu.Unlock()
	for len(list) > togetherMax {
		go t.call(list[:togetherMax])
		list = list[togetherMax:]
	}
	t.call(list)
}

// call is made within the time that the most patient of them has; the others go
// their way when theirs is over (within).
func (t *Together) call(list []*renewing) {
	ctx := list[0].ctx
	until, _ := ctx.Deadline()
	calls := make([]*redisdb.Call, len(list))
	for i, r := range list {
		calls[i] = &r.Call
		if d, ok := r.ctx.Deadline(); ok && d.After(until) {
			until = d
		}
	}
	ctx, cancel := context.WithDeadline(context.WithoutCancel(ctx), until)
	defer cancel()
	bindScript.RunAll(ctx, t.db, calls)
	for _, r := range list {
		close(r.done)
	}
}

// turn is the time from now to the next moment of the carrier's group, of which
// there is one in each stretch of every. What is to come sooner comes so.
func turn(carrier string, now time.Time, every, wait time.Duration) time.Duration {
	if wait < every {
		return wait // out of turn: slots change hands, or the last one failed
	}
	h := fnv.New32a()
	h.Write([]byte(carrier))
	offset := every / groups * time.Duration(h.Sum32()%groups)
	past := time.Duration((now.UnixNano() - int64(offset)) % int64(every))
	if past < 0 {
		past += every
	}
	left := every - past
	if left < every/groups {
		left += every
	}
	return left
}
