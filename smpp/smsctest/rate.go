package smsctest

import "time"

// slide counts events in any one second, exactly, as (time, count) pairs: one
// a read, however many PDUs that brought.
type slide struct {
	pairs queue[counted]
	sum   int
	max   int
}

type counted struct {
	at time.Time
	n  int
}

// add counts one event at now. The window is half open: what came exactly a
// second ago is out.
func (s *slide) add(now time.Time) {
	s.expire(now)
	if n := s.pairs.len(); n > 0 && s.pairs.last().at.Equal(now) {
		s.pairs.last().n++
	} else {
		s.pairs.push(counted{at: now, n: 1})
	}
	s.sum++
	s.max = max(s.max, s.sum)
}

func (s *slide) expire(now time.Time) {
	for s.pairs.len() > 0 && now.Sub(s.pairs.front().at) >= time.Second {
		s.sum -= s.pairs.pop().n
	}
}

// tokens is a token bucket.
type tokens struct {
	level float64
	at    time.Time
}

// take takes a token when there is one; the bucket starts full.
func (t *tokens) take(now time.Time, rate, burst float64) bool {
	if t.at.IsZero() {
		t.level = burst
	} else {
		t.level = min(burst, t.level+rate*now.Sub(t.at).Seconds())
	}
	t.at = now
	if t.level < 1 {
		return false
	}
	t.level--
	return true
}

func (s *SMSC) throttled(c *Conn, now time.Time) bool {
	o := &s.opt.Throttle
	if o.Rate <= 0 {
		return false
	}
	burst := max(orDefault(o.Burst, o.Rate/10), 1)
	bucket := &s.meter.bucket
	if o.PerBind {
		bucket = &c.load.bucket
	}
	return !bucket.take(now, o.Rate, burst)
}
