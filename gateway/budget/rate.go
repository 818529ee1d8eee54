package budget

import (
	"math"
	"sync"
	"time"

	"bindery/internal/boottime"
	"bindery/internal/redisdb"
)

// Horizon is how far ahead an instance holds tokens. What it holds and does
// not use lapses, so it is short; half of it is the time between two asks.
const horizon = 100 * time.Millisecond

// RateOptions are the settings of a carrier's rate on one instance.
type RateOptions struct {
	Carrier  string
	Instance string           // of this process start, never used again
	Rate     int              // PDUs per second, all instances together; 0 is no limit
	Now      func() time.Time // default boottime.Time: goes on while the machine is suspended
}

// Rate is this instance's part of a carrier's rate. Run must be running.
type Rate struct {
	db       *redisdb.DB
	carrier  string
	instance string
	now      func() time.Time

	ready chan struct{} // tokens may be there
	kick  chan struct{} // Run has something to look at

	mu      sync.Mutex // guards all below
	set     float64    // configured, per second
	present float64    // in force at the carrier, 0 none
	ceiling float64    // learned, 0 none
	slots   slots
	clock   redisClock
	wake    *time.Timer // tells ready when the next slot comes

	unmet     int // tokens that the last Take lacked
	took      time.Time
	waiting   bool // since that Take, ready has not been told
	used      meter
	answers   answers
	asks      asks
	throttles uint64
}

// NewRate returns the rate of a carrier; nothing is asked of Redis before Run.
func NewRate(db *redisdb.DB, o RateOptions) *Rate {
	if o.Now == nil {
		o.Now = boottime.Time
	}
	r := &Rate{
		db: db, carrier: o.Carrier, instance: o.Instance, now: o.Now,
		ready: make(chan struct{}, 1), kick: make(chan struct{}, 1),
		set: float64(o.Rate), present: float64(o.Rate),
	}
	r.slots.tolerance = int64(minTolerance / time.Microsecond)
	r.wake = time.AfterFunc(math.MaxInt64, r.tell)
	r.wake.Stop()
	return r
}

// Take uses at most n tokens, one a PDU, that may be written at once, and
// answers how many. When it answers less than n, Ready is signalled as soon as
// there may be more. Tokens that are not used within milliseconds belong back.
func (r *Rate) Take(n int) int {
	if n <= 0 {
		return 0
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	got := n
	if r.present > 0 {
		got = 0
		if r.clock.known {
			notBefore, notAfter := r.clock.bounds(now)
			got = r.slots.take(notBefore, notAfter, n)
		}
	}
	r.used.add(now, got)
	r.took, r.unmet, r.waiting = now, n-got, got < n
	if r.waiting {
		r.arm(now)
	}
	if wait := r.due(now); wait != never && (r.asks.planned.IsZero() || now.Add(wait).Before(r.asks.planned)) {
		signal(r.kick)
	}
	return got
}

// Return gives back n tokens of the last Take that were not used.
func (r *Rate) Return(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.slots.giveBack(n)
	r.used.add(r.now(), -n)
}

// Ready is signalled when a Take that lacked tokens may find some.
func (r *Rate) Ready() <-chan struct{} { return r.ready }

// Answered tells how the carrier answered: ok counts the submits it took,
// throttled those that it refused for going too fast.
func (r *Rate) Answered(ok, throttled int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answers.add(r.now(), ok, throttled)
	if throttled > 0 {
		r.throttles += uint64(throttled)
		signal(r.kick)
	}
}

// PerSecond is the present rate of the carrier, all instances together; 0 is
// no limit.
func (r *Rate) PerSecond() float64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.present
}

// SetLimit changes the configured rate; 0 is no limit.
func (r *Rate) SetLimit(perSecond int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.present == 0 || r.present == r.set || perSecond == 0 {
		r.present = float64(perSecond) // until the next grant says otherwise
	}
	r.set = float64(perSecond)
	signal(r.kick)
	signal(r.ready)
}

// RateStat is a moment's view of a rate, per second.
type RateStat struct {
	Set       float64 // configured, 0 none
	Present   float64 // in force at the carrier, all instances, 0 none
	Ceiling   float64 // what the carrier was seen to take when it throttled, 0 never
	Measured  float64 // tokens used by this instance over the last second
	Lapsed    uint64  // tokens granted to this instance and never used
	Throttled uint64  // submits of this instance that were throttled
	Err       error   // why the last ask was not answered, nil if it was
}

// Stat reads the rate as it is now.
func (r *Rate) Stat() RateStat {
	r.mu.Lock()
	defer r.mu.Unlock()
	return RateStat{
		Set: r.set, Present: r.present, Ceiling: r.ceiling,
		Measured: r.used.perSecond(r.now()),
		Lapsed:   r.slots.lapsed, Throttled: r.throttles, Err: r.asks.err,
	}
}

// observe takes over what another call learned of the carrier's present rate,
// so that an instance without a limit joins in when others were throttled.
func (r *Rate) observe(present, ceiling float64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.set == 0 && r.asks.pending == nil {
		r.present = present
		if present == 0 && r.waiting {
			r.waiting = false
			signal(r.ready)
		}
	}
	r.ceiling = ceiling
}

// arm sets the timer to the first slot that comes, or tells at once when it is
// there. A millisecond at least lies between two wakes: above 1,000 tokens a
// second several come at once.
func (r *Rate) arm(now time.Time) {
	slot, ok := r.slots.next()
	if !ok || !r.clock.known {
		return
	}
	notBefore, _ := r.clock.bounds(now)
	if slot <= notBefore {
		r.waiting = false
		signal(r.ready)
		return
	}
	r.wake.Reset(max(time.Duration(slot-notBefore)*time.Microsecond, time.Millisecond))
}

func (r *Rate) tell() {
	r.mu.Lock()
	r.waiting = false
	r.mu.Unlock()
	signal(r.ready)
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
