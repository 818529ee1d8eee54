package ledger

import (
	"math/bits"
	"slices"
	"time"
)

// Quantiles are in seconds.
type Quantiles struct {
	P50  float64 `json:"p50"`
	P90  float64 `json:"p90"`
	P99  float64 `json:"p99"`
	P999 float64 `json:"p999"`
	Max  float64 `json:"max"`
}

func quantiles(from, to []int64) Quantiles {
	took := make([]int64, 0, len(to))
	for i, t := range to {
		if t > 0 {
			// Finals have whole milliseconds: one may seem to come before its send.
			took = append(took, max(0, t-from[i]))
		}
	}
	slices.Sort(took)
	at := func(q float64) float64 {
		if len(took) == 0 {
			return 0
		}
		return time.Duration(took[min(len(took)-1, int(q*float64(len(took))))]).Seconds()
	}
	return Quantiles{at(.5), at(.9), at(.99), at(.999), at(1)}
}

// histogram counts times, in buckets of at most 3 % of theirs.
type histogram struct {
	buckets [60 * steps]int64
	count   int64
	most    int64
}

const steps = 32 // buckets each time that a time doubles

func (h *histogram) add(from, to int64) {
	if to == 0 {
		return
	}
	took := max(0, to-from)
	h.buckets[bucket(took)]++
	h.count++
	h.most = max(h.most, took)
}

func bucket(ns int64) int {
	if ns < steps {
		return int(ns)
	}
	double := bits.Len64(uint64(ns)) - 6 // steps is 1<<5
	return (double+1)*steps + int(ns>>double) - steps
}

// ceiling is the longest time of a bucket, ns.
func ceiling(bucket int) int64 {
	if bucket < steps {
		return int64(bucket)
	}
	double := bucket/steps - 1
	return (int64(bucket%steps+steps)+1)<<double - 1
}

func (h *histogram) quantiles() Quantiles {
	at := func(q float64) float64 {
		before := int64(0)
		for b, n := range h.buckets {
			if before += n; n > 0 && before > min(h.count-1, int64(q*float64(h.count))) {
				return time.Duration(min(ceiling(b), h.most)).Seconds()
			}
		}
		return 0
	}
	return Quantiles{at(.5), at(.9), at(.99), at(.999), at(1)}
}
