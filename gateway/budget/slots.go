package budget

import (
	"math"
	"time"
)

// A grant is n slots of Redis time, one interval apart.
type grant struct {
	first    int64 // µs
	interval int64 // ns
	n        int
	low      int // slots below are gone: used by an earlier take, or lapsed
	used     int // slots below are used; at least low
}

// slot i begins at this µs, rounded up as upTo counts it.
func (g *grant) slot(i int) int64 { return g.first + (int64(i)*g.interval+999)/1000 }

// upTo counts the slots at or before t.
func (g *grant) upTo(t int64) int {
	if t < g.first {
		return 0
	}
	return min(g.n, int((t-g.first)*1000/g.interval)+1)
}

// slots are the tokens that this instance holds, in the order of their slots.
type slots struct {
	grants    []grant
	tolerance int64 // µs; how long after its slot a token may be used
	lapsed    uint64
}

func (s *slots) add(g grant) {
	if g.n > 0 && g.interval > 0 {
		s.grants = append(s.grants, g)
	}
}

// take uses at most n tokens whose slots have surely come and surely not
// lapsed, when the time of Redis lies between notBefore and notAfter.
func (s *slots) take(notBefore, notAfter int64, n int) int {
	s.prune(notAfter)
	got := 0
	for i := range s.grants {
		g := &s.grants[i]
		g.low = g.used
		k := min(n-got, g.upTo(notBefore)-g.used)
		if k > 0 {
			g.used += k
			got += k
		}
	}
	return got
}

// giveBack undoes the last take for n of its tokens, the latest slots first.
func (s *slots) giveBack(n int) {
	for i := len(s.grants) - 1; i >= 0 && n > 0; i-- {
		g := &s.grants[i]
		k := min(n, g.used-g.low)
		g.used -= k
		n -= k
	}
}

// prune forgets what is used or has lapsed.
func (s *slots) prune(notAfter int64) {
	keep := s.grants[:0]
	for _, g := range s.grants {
		gone := g.upTo(notAfter - s.tolerance - 1)
		g.low = max(g.low, gone)
		if gone > g.used {
			s.lapsed += uint64(gone - g.used)
			g.used = gone
		}
		if g.used < g.n {
			keep = append(keep, g)
		}
	}
	s.grants = keep
}

// held counts the tokens that can be used, now or when their slots come.
func (s *slots) held() int {
	n := 0
	for _, g := range s.grants {
		n += g.n - g.used
	}
	return n
}

// next is the slot of the first token held.
func (s *slots) next() (int64, bool) {
	for _, g := range s.grants {
		if g.used < g.n {
			return g.slot(g.used), true
		}
	}
	return 0, false
}

// Bounds of the tolerance. The least keeps a token usable at all; the most
// leaves the rest of the tenth of a second to the way from Take to the wire.
const (
	minTolerance = 12 * time.Millisecond
	maxTolerance = 70 * time.Millisecond
)

// tolerance is how long after its slot a token may be used so that no second
// holds more than 1.1 × rate: of tokens one interval apart, the first and the
// one that is the limit's next must lie more than a second apart even when the
// one is used late and the other at once. It takes 6 tenths of that, for the
// jitter behind it.
func tolerance(rate float64, interval time.Duration) time.Duration {
	limit := max(math.Floor(1.1*rate+1e-9), math.Ceil(rate), 1)
	room := time.Duration(limit*float64(interval)) - time.Second
	return min(max(room*6/10, minTolerance), maxTolerance)
}
