package smsctest

import (
	"math/rand/v2"
	"time"
)

// Span is a length of time: Min when Max is not above it, else evenly spread
// between the two.
type Span struct{ Min, Max time.Duration }

// Fixed is a Span without spread.
func Fixed(d time.Duration) Span { return Span{Min: d, Max: d} }

func (d Span) pick(r *rand.Rand) time.Duration {
	if d.Max <= d.Min {
		return max(d.Min, 0)
	}
	return d.Min + time.Duration(r.Int64N(int64(d.Max-d.Min)+1))
}
