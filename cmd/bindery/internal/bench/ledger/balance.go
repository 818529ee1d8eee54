package ledger

import (
	"slices"
	"time"
)

// Books are the differences between the three.
type Books struct {
	Lost      int `json:"lost"`            // accepted, and without a final or never with the carrier
	Unsent    int `json:"never_submitted"` // of the lost, those that the carrier never saw
	Repeated  int `json:"repeated"`        // taken by the carrier more than once
	ToldTwice int `json:"told_twice"`
	Other     int `json:"ended_otherwise"` // with a final that is not delivered: the carrier delivers each
	Strange   int `json:"strange"`         // in the stream or with the carrier, and not accepted, or by another id
}

// Add sums over runs.
func (b *Books) Add(more Books) {
	b.Lost += more.Lost
	b.Unsent += more.Unsent
	b.Repeated += more.Repeated
	b.ToldTwice += more.ToldTwice
	b.Other += more.Other
	b.Strange += more.Strange
}

// line adds a message that was accepted.
func (b *Books) line(finals, taken int) {
	if finals == 0 || taken == 0 {
		b.Lost++
	}
	if taken == 0 {
		b.Unsent++
	}
	b.Repeated += max(0, taken-1)
	b.ToldTwice += max(0, finals-1)
}

func (l *Ledger) balanceLine(i int, b *Books) {
	if l.accepted[i] == 0 {
		if l.taken[i] > 0 || l.told[i] != 0 {
			b.Strange++
		}
		return
	}
	b.line(int(l.finals[i]), int(l.taken[i]))
	if l.told[i] != 0 && l.told[i] != l.id[i] {
		b.Strange++
	}
}

// Balance looks at the messages before end; that of a ring at all, once.
func (l *Ledger) Balance(end int) Books {
	if l.ring != nil {
		return l.ring.finish(l)
	}
	b := Books{Strange: l.odd, Other: l.other}
	for n := range end {
		l.balanceLine(n, &b)
	}
	return b
}

// Figures are rates, messages a second from a moment until the last of them, and
// times.
type Figures struct {
	Accepted, Submitted, Completed float64
	Accept                         Quantiles // from the planned moment to the answer
	Added                          Quantiles // from the answer until the carrier reads the submit_sm
	Latency                        Quantiles // from the planned moment to the final
}

// Figures are those of the messages from first to before end; of a ring those of
// all, behind Balance.
func (l *Ledger) Figures(first, end int, began time.Time) (f Figures) {
	if r := l.ring; r != nil {
		for k, rate := range []*float64{&f.Accepted, &f.Submitted, &f.Completed} {
			*rate = perSecond(r.counts[k], time.Duration(r.last[k]-began.UnixNano()))
		}
		f.Accept, f.Added, f.Latency = r.accept.quantiles(), r.added.quantiles(), r.latency.quantiles()
		return f
	}
	due, accepted, arrived, ended := l.due[first:end], l.accepted[first:end], l.arrived[first:end], l.ended[first:end]
	f.Accepted, f.Submitted, f.Completed = until(accepted, began), until(arrived, began), until(ended, began)
	f.Accept, f.Added, f.Latency = quantiles(due, accepted), quantiles(accepted, arrived), quantiles(due, ended)
	return f
}

func until(at []int64, began time.Time) float64 {
	last, count := int64(0), int64(0)
	for _, t := range at {
		if t > 0 {
			last, count = max(last, t), count+1
		}
	}
	return perSecond(count, time.Duration(last-began.UnixNano()))
}

func perSecond(n int64, d time.Duration) float64 {
	if d <= 0 {
		return 0
	}
	return float64(n) / d.Seconds()
}

// Pair are rates, messages a second, of the first and the last tenth.
type Pair struct {
	First float64 `json:"first_tenth_per_second"`
	Last  float64 `json:"last_tenth_per_second"`
}

// Filled and Drained are the rates at which messages from first to before end
// were accepted and ended. The first tenth counts from began, the last from the
// one before it.
func (l *Ledger) Filled(first, end int, began time.Time) Pair {
	return tenths(l.accepted[first:end], began)
}

// Drained: see Filled.
func (l *Ledger) Drained(first, end int, began time.Time) Pair {
	return tenths(l.ended[first:end], began)
}

func tenths(at []int64, began time.Time) Pair {
	at = slices.Clone(at)
	slices.Sort(at)
	n := len(at) / 10
	if n == 0 || at[0] == 0 { // some did not come: not known
		return Pair{}
	}
	return Pair{
		First: perSecond(int64(n), time.Duration(at[n-1]-began.UnixNano())),
		Last:  perSecond(int64(n), time.Duration(at[len(at)-1]-at[len(at)-1-n])),
	}
}
