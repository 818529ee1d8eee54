package budget

import (
	"context"
	"hash/fnv"
	"slices"
	"sync"
	"time"

	"bindery/internal/redisdb"
)

// Together renews the bind slots of many carriers in few round trips, and by one
// goroutine: one of each would be most of what an idle gateway costs. Carriers
// are spread over groups by their names; a group's renewals are one pipeline.
// Who has to renew out of turn does so in its own Run. A second goroutine looks
// for those whose renewal has not come for a while, for the first may wait for
// Redis: they too renew by themselves.
type Together struct {
	db    *redisdb.DB
	lease time.Duration

	mu      sync.Mutex // guards members
	members [groups][]*Binds
}

const (
	groups      = 5
	togetherMax = 50 // renewals a call, about a millisecond of Redis
)

// NewTogether is for the carriers of one gateway, all of one lease. Run must be
// running.
func NewTogether(db *redisdb.DB, lease time.Duration) *Together {
	if lease <= 0 {
		lease = defaultLease
	}
	return &Together{db: db, lease: lease}
}

func groupOf(carrier string) int {
	h := fnv.New32a()
	h.Write([]byte(carrier))
	return int(h.Sum32() % groups)
}

func (t *Together) join(b *Binds) {
	t.mu.Lock()
	defer t.mu.Unlock()
	g := groupOf(b.o.Carrier)
	t.members[g] = append(t.members[g], b)
}

func (t *Together) leave(b *Binds) {
	t.mu.Lock()
	defer t.mu.Unlock()
	g := groupOf(b.o.Carrier)
	t.members[g] = slices.DeleteFunc(t.members[g], func(m *Binds) bool { return m == b })
}

// Run renews one group after the other until ctx ends; each has its turn ten
// times in a lease.
func (t *Together) Run(ctx context.Context) {
	var watching sync.WaitGroup
	watching.Go(func() { t.watch(ctx) })
	defer watching.Wait()
	tick := time.NewTicker(t.lease / 10 / groups)
	defer tick.Stop()
	for g := 0; ; g = (g + 1) % groups {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		t.mu.Lock()
		list := slices.Clone(t.members[g])
		t.mu.Unlock()
		for part := range slices.Chunk(list, togetherMax) {
			t.renew(ctx, part)
		}
	}
}

// watch waits for nobody.
func (t *Together) watch(ctx context.Context) {
	for tick := time.NewTicker(t.lease / 20); ; {
		select {
		case <-ctx.Done():
			tick.Stop()
			return
		case <-tick.C:
			t.remind()
		}
	}
}

// remind has those renew by themselves whose turn has not come for too long.
func (t *Together) remind() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, list := range t.members {
		for _, b := range list {
			if b.overdue(b.o.Now()) {
				signal(b.rush)
			}
		}
	}
}

// renew makes one call for those of the list that are not renewing by
// themselves. Who waits longest for it is whose slots end first.
func (t *Together) renew(ctx context.Context, list []*Binds) {
	var mine []*Binds
	var calls []*redisdb.Call
	var sent []time.Time
	wait := t.lease / 3
	for _, b := range list {
		if b.hurries() || !b.turn.try() {
			continue
		}
		if b.left { // since the list was made
			b.turn.end()
			continue
		}
		now := b.o.Now()
		wait = min(wait, b.patience(now))
		mine, sent = append(mine, b), append(sent, now)
		calls = append(calls, &redisdb.Call{Keys: b.keys(), Args: b.renewal(false)})
	}
	if len(mine) == 0 {
		return
	}
	call, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	done := make(chan struct{})
	go func() { // left behind when it takes too long, as by within
		bindScript.RunAll(call, t.db, calls)
		close(done)
	}()
	late := false
	select {
	case <-done:
	case <-call.Done():
		late = true
	}
	for i, b := range mine {
		var v []int64
		err := call.Err()
		if !late {
			if err = calls[i].Err; err == nil {
				v, err = numbers(calls[i].Reply, 8)
			}
		}
		if ctx.Err() == nil {
			b.renewed(sent[i], v, err)
		}
		b.turn.end()
		if b.hurries() {
			signal(b.rush)
		}
	}
}
