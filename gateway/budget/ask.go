package budget

import (
	"context"
	"fmt"
	"math"
	"time"
)

const (
	askGap      = 50 * time.Millisecond  // between two asks, unless nothing is held
	askGapDry   = 10 * time.Millisecond  // when nothing is held
	askAgain    = 100 * time.Millisecond // after an error
	askTimeout  = time.Second            // of one call; what it brings later has lapsed
	demandLasts = 100 * time.Millisecond // after the last Take, if nobody waits
	never       = time.Duration(math.MaxInt64)
)

// asks is what Run knows of its calls.
type asks struct {
	number   int64    // of the last ask
	pending  *request // asked and not answered: the same is asked again
	last     time.Time
	earliest time.Time // what the last answer or error says
	planned  time.Time // when Run looks again by itself; zero: only when kicked
	rtt      time.Duration
	err      error
}

// request is one call of the script grant.
type request struct {
	number        int64
	want, held    int
	horizon       time.Duration
	set           float64
	ok, throttled int
	over          time.Duration // in which they were counted; 0 but for an instance without a limit
}

// answers counts responses between two asks, and of an instance without a
// limit, which asks only when it is throttled, those of the second before too.
type answers struct {
	ok, throttled int
	since         time.Time
	before        int           // answered OK in span
	span          time.Duration // before since
}

// add begins anew after a second without a throttle: nobody asked, as there is
// no limit.
func (a *answers) add(now time.Time, ok, throttled int) {
	switch past := now.Sub(a.since); {
	case a.since.IsZero() || a.throttled == 0 && past > 2*time.Second:
		*a = answers{since: now}
	case a.throttled == 0 && past > time.Second:
		*a = answers{since: now, before: a.ok, span: past}
	}
	a.ok += ok
	a.throttled += throttled
}

// over is how long ago the first of all was counted.
func (a *answers) over(now time.Time) time.Duration {
	if a.since.IsZero() {
		return 0
	}
	return now.Sub(a.since) + a.span
}

// Run asks for grants until ctx ends. It is the only goroutine that does.
func (r *Rate) Run(ctx context.Context) error {
	timer := time.NewTimer(never)
	defer timer.Stop()
	defer r.wake.Stop()
	for {
		r.mu.Lock()
		now := r.now()
		wait := r.due(now)
		var q *request
		switch wait {
		case 0:
			q = r.request(now)
		case never:
			r.asks.planned = time.Time{}
		default:
			r.asks.planned = now.Add(wait)
		}
		r.mu.Unlock()
		if q != nil {
			r.ask(ctx, q)
			continue
		}
		timer.Reset(wait)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-r.kick:
		case <-timer.C:
		}
	}
}

// due is how long from now the next ask is; never when there is nothing to
// ask. Called with mu held.
func (r *Rate) due(now time.Time) time.Duration {
	if r.asks.pending == nil && r.answers.throttled == 0 && !r.wants(now) {
		return never
	}
	at := r.asks.last.Add(askGap)
	if r.slots.held() == 0 && r.answers.throttled == 0 {
		at = r.asks.last.Add(askGapDry)
	}
	if r.asks.earliest.After(at) {
		at = r.asks.earliest
	}
	return max(at.Sub(now), 0)
}

// wants tells whether more tokens are needed: half of what this instance uses
// within the horizon is gone.
func (r *Rate) wants(now time.Time) bool {
	want := r.want(now)
	return want > 0 && r.slots.held() <= want/2
}

// want is the demand within the horizon: what was used lately, and while a
// Take lacks tokens more than that, so that of two instances with a backlog
// the one that has less catches up.
func (r *Rate) want(now time.Time) int {
	if r.present == 0 || !r.waiting && now.Sub(r.took) > demandLasts {
		return 0
	}
	most := int(math.Ceil(r.present * r.ahead().Seconds()))
	want := r.used.recent(now)
	if r.unmet > 0 {
		want += want/2 + r.unmet
	}
	return min(want, max(most, 1))
}

// ahead is the horizon, longer when Redis is far.
func (r *Rate) ahead() time.Duration { return min(horizon+2*r.asks.rtt, 5*horizon) }

// request makes the next ask, or the last again if it was not answered.
func (r *Rate) request(now time.Time) *request {
	r.asks.last = now
	if r.asks.pending != nil {
		return r.asks.pending
	}
	if r.clock.known {
		_, notAfter := r.clock.bounds(now)
		r.slots.prune(notAfter)
	}
	r.asks.number++
	q := &request{
		number: r.asks.number, want: r.want(now), held: r.slots.held(), horizon: r.ahead(), set: r.set,
		ok: r.answers.ok, throttled: r.answers.throttled,
	}
	if r.present == 0 {
		q.ok, q.over = q.ok+r.answers.before, r.answers.over(now)
	}
	r.answers = answers{since: now}
	r.asks.pending = q
	return q
}

func (r *Rate) ask(ctx context.Context, q *request) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	sent := r.now()
	v, err := within(ctx, func() ([]int64, error) {
		reply, err := grantScript.Run(ctx, r.db, []string{rateKey(r.carrier)},
			r.instance, q.number, q.want, q.held, q.horizon.Microseconds(), milli(q.set),
			q.ok, q.throttled, q.over.Microseconds())
		if err != nil {
			return nil, err
		}
		return numbers(reply, 7)
	})
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	if r.asks.err = err; err != nil {
		r.asks.err = fmt.Errorf("budget: rate of %s: %w", r.carrier, err)
		r.asks.earliest = now.Add(askAgain)
		return
	}
	r.asks.pending = nil
	r.asks.rtt = now.Sub(sent)
	r.granted(now, sent, v)
}

// granted takes over an answer of grant. Called with mu held.
func (r *Rate) granted(now, sent time.Time, v []int64) {
	r.clock.sample(sent, now, v[0])
	r.asks.earliest = now.Add(time.Duration(v[6]) * time.Microsecond)
	if v[2] > 0 {
		r.asks.earliest = now
		r.slots.add(grant{first: v[1], n: int(v[2]), interval: v[3]})
	}
	r.ceiling = float64(v[5]) / 1000
	was := r.present
	if r.present = float64(v[4]) / 1000; r.present > 0 && v[3] > 0 {
		t := tolerance(r.present, time.Duration(v[3]))
		r.slots.tolerance = t.Microseconds()
	}
	if r.waiting && (r.present == 0 && was > 0) {
		r.waiting = false
		signal(r.ready)
	} else if r.waiting {
		r.arm(now)
	}
}

// milli is a rate as scripts take it: per 1000 s.
func milli(perSecond float64) int64 { return int64(math.Round(perSecond * 1000)) }
