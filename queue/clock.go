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

func (c *clock) set(redis time.Time) { c.last.Store(&heard{redis, c.elapsed()}) }

func (c *clock) now() time.Time {
	h := c.last.Load()
	if h == nil {
		return time.Now().UTC()
	}
	return h.redis.Add(c.elapsed() - h.here)
}
