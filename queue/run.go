package queue

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"
)

// How often the background steps look, by this process's clock; what they do
// they decide by Redis TIME.
const (
	dueEvery     = 200 * time.Millisecond
	sweepEvery   = time.Second
	reclaimEvery = 500 * time.Millisecond
	trimEvery    = 10 * time.Second
	stepTimeout  = 10 * time.Second
)

// lostGrace after the end of validity a part that is still leased counts as
// lost: long after any response time-out and any lease.
const lostGrace = 10 * time.Minute

// Run moves what has come up, ends what time has ended, reclaims what the
// owners of other processes left, trims history, and listens to the doorbell,
// until ctx ends. Every instance runs it: the scripts agree. fault is told what
// went wrong, at most each step's error until the next success; nil is silent.
func (q *Queue) Run(ctx context.Context, fault func(step string, err error)) {
	if fault == nil {
		fault = func(string, error) {}
	}
	var wg sync.WaitGroup
	start := func(f func()) {
		wg.Add(1)
		go func() {
			defer wg.Done()
			f()
		}()
	}
	for _, step := range []struct {
		name  string
		every time.Duration
		do    func(context.Context) (time.Duration, error)
	}{
		{"due", dueEvery, q.stepDue},
		{"sweep", sweepEvery, q.stepSweep},
		{"reclaim", reclaimEvery, q.stepReclaim},
		{"trim", trimEvery, q.stepTrim},
	} {
		start(func() { repeat(ctx, step.every, step.do, func(err error) { fault(step.name, err) }) })
	}
	start(func() { q.listen(ctx) })
	wg.Wait()
}

// repeat does a step until ctx ends: again after what it answers, at most every.
func repeat(ctx context.Context, every time.Duration, do func(context.Context) (time.Duration, error), fault func(error)) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	told := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		call, cancel := context.WithTimeout(ctx, stepTimeout)
		wait, err := do(call)
		cancel()
		if err != nil {
			if !told && ctx.Err() == nil {
				fault(err)
			}
			told, wait = true, every
		} else {
			told = false
		}
		timer.Reset(min(wait, every))
	}
}

// duePerCall is the most parts that one due or sweep call moves.
const duePerCall = 500

// stepDue moves what has come up; it comes again when the next is due.
func (q *Queue) stepDue(ctx context.Context) (time.Duration, error) {
	wait := dueEvery
	for _, sh := range q.shards {
		r, err := q.run(ctx, dueScript, sh, duePerCall)
		if err != nil {
			return 0, err
		}
		_ = r.number()
		now, next := r.time(q), r.number()
		if r.err != nil {
			return 0, r.err
		}
		if next >= 0 {
			wait = min(wait, max(0, time.UnixMilli(next).Sub(now)))
		}
	}
	return wait, nil
}

// stepSweep ends what time has ended, and forgets what is past its history.
func (q *Queue) stepSweep(ctx context.Context) (time.Duration, error) {
	carriers, err := q.allCarriers(ctx)
	if err != nil {
		return 0, err
	}
	wait := sweepEvery
	history := History{Age: q.o.HistoryAge}
	for _, sh := range q.shards {
		r, err := q.run(ctx, sweepScript, sh, carriers.list, carriers.clocks, lostGrace.Milliseconds(), duePerCall)
		if err != nil {
			return 0, err
		}
		if looked := r.number(); looked > 0 {
			wait = 0 // there may be more
		}
		if r.err != nil {
			return 0, r.err
		}
		more, err := q.forget(ctx, sh, &history)
		if err != nil {
			return 0, err
		}
		if more {
			wait = 0
		}
	}
	q.history.Store(&history)
	return wait, nil
}

// stepReclaim looks at the rows of other owners and takes over what lapsed.
func (q *Queue) stepReclaim(ctx context.Context) (time.Duration, error) {
	me := q.present.Load()
	if me == nil || me.lapsed.Load() {
		return reclaimEvery, nil
	}
	for _, sh := range q.shards {
		rows, err := q.db.HGetAll(ctx, sh.owners()).Result()
		if err != nil {
			return 0, mapError(err)
		}
		for owner, row := range rows {
			if owner == "#" || owner == me.id || !q.mayHaveLapsed(row) {
				continue
			}
			if err := q.reclaim(ctx, sh, me, owner); err != nil {
				return 0, err
			}
		}
	}
	return reclaimEvery, nil
}

// mayHaveLapsed spares calls for rows that are plainly alive; the script decides.
func (q *Queue) mayHaveLapsed(row string) bool {
	f := strings.Fields(row)
	if len(f) != 6 || f[3] == "1" {
		return true
	}
	deadline, ok := parseMillis(f[0])
	if !ok {
		return true
	}
	ahead := deadline.Sub(q.clock.now())
	return ahead < 0 || ahead > q.o.Lease
}

// reclaim takes an owner's entries, call by call, until its row is gone.
func (q *Queue) reclaim(ctx context.Context, sh *shard, me *Owner, owner string) error {
	carriers, err := q.allCarriers(ctx)
	if err != nil {
		return err
	}
	for {
		r, err := q.run(ctx, reclaimScript, sh, me.id, owner, carriers.list, carriers.clocks)
		if err != nil {
			return err
		}
		word := r.text()
		if r.time(q); r.err != nil {
			return r.err
		}
		if word != "more" {
			return nil
		}
	}
}

// listen passes the doorbells of all shards on; go-redis subscribes again after
// a break, and who is not woken looks by itself.
func (q *Queue) listen(ctx context.Context) {
	var bells []string
	for _, sh := range q.shards {
		bells = append(bells, sh.bell)
	}
	sub := q.db.Subscribe(ctx, bells...)
	rung := sub.Channel()
	for {
		select {
		case <-ctx.Done():
			err := sub.Close()
			if err != nil && !errors.Is(err, context.Canceled) {
				return // closing a broken connection: nothing to do about it
			}
			return
		case bell, ok := <-rung:
			if !ok {
				return
			}
			q.wake()
			q.ring(bell.Payload)
		}
	}
}

// Wake answers a channel that is signalled when a lane that was empty got
// something, by any process. Each caller has its own; Run must be running. The
// doorbell may be missed (Redis was away): look every 200 ms all the same.
func (q *Queue) Wake() <-chan struct{} {
	c := make(chan struct{}, 1)
	q.wakeMu.Lock()
	defer q.wakeMu.Unlock()
	q.wakes = append(q.wakes, c)
	return c
}

func (q *Queue) wake() {
	q.wakeMu.Lock()
	defer q.wakeMu.Unlock()
	for _, c := range q.wakes {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}
