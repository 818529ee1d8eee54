package queue

import (
	"sync/atomic"
	"time"
)

// clock tells Redis time between replies: the last one heard and what has
// passed since. It only names blocks, computes ends of validity and says until
// when an accept may run; the scripts decide by TIME itself.
type clock struct {
	elapsed func() time.Duration
	last    atomic.Pointer[heard]
}

type heard struct {
	redis time.Time
	here  time.Duration // of elapsed
}

// clockTrust is how long a reply that was quick is preferred to slower ones.
const clockTrust = 10 * time.Second

// set hears a time. A reply that was long under way tells it late: it counts
// only when it is ahead of what is known, or when that is old or far off.
func (c *clock) set(redis time.Time) {
	here := c.elapsed()
	if h := c.last.Load(); h != nil && here-h.here < clockTrust {
		if late := h.redis.Add(here - h.here).Sub(redis); late > 0 && late < time.Second {
			return
		}
	}
	c.last.Store(&heard{redis, here})
}

func (c *clock) now() time.Time {
	h := c.last.Load()
	if h == nil {
		return time.Now().UTC()
	}
	return h.redis.Add(c.elapsed() - h.here)
}
