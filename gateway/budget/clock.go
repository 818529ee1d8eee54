package budget

import "time"

// drift is how far two clocks may part, as a fraction: twice what NTP slews.
const drift = 1.0 / 1000

// redisClock bounds what the clock of Redis shows, from the moments at which
// calls left and were answered here. Every call narrows the bounds, since both
// of them hold at once; time widens them by drift.
type redisClock struct {
	lo, hi  int64 // Redis minus here, µs: at least, at most
	updated int64 // here, µs
	known   bool
}

func (c *redisClock) sample(sent, received time.Time, redis int64) {
	now := received.UnixMicro()
	lo, hi := redis-now, redis-sent.UnixMicro()
	if c.known {
		w := c.width(now)
		if l, h := max(lo, c.lo-w), min(hi, c.hi+w); l <= h {
			lo, hi = l, h
		} // else one of the clocks was set: only what was seen last holds
	}
	c.lo, c.hi, c.updated, c.known = lo, hi, now, true
}

// bounds answers the time of Redis at the moment now, in µs: not before, not after.
func (c *redisClock) bounds(now time.Time) (notBefore, notAfter int64) {
	t := now.UnixMicro()
	w := c.width(t)
	return t + c.lo - w, t + c.hi + w
}

func (c *redisClock) width(now int64) int64 {
	return int64(float64(max(now-c.updated, 0)) * drift)
}
