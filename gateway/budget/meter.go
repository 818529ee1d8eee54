package budget

import "time"

const (
	meterSpan    = 100 * time.Millisecond
	meterBuckets = 10
)

// meter counts over the last second.
type meter struct {
	counts [meterBuckets]int
	head   int64 // number of the newest span
}

func (m *meter) add(now time.Time, n int) {
	m.advance(now)
	m.counts[m.head%meterBuckets] += n
}

// perSecond is the rate of the whole spans of the last second and of the one
// that runs.
func (m *meter) perSecond(now time.Time) float64 {
	m.advance(now)
	n := 0
	for _, c := range m.counts {
		n += c
	}
	running := time.Duration(now.UnixNano()) % meterSpan
	return float64(n) / (time.Duration(meterBuckets-1)*meterSpan + running).Seconds()
}

// recent counts the span before and the one that runs.
func (m *meter) recent(now time.Time) int {
	m.advance(now)
	return m.counts[m.head%meterBuckets] + m.counts[(m.head+meterBuckets-1)%meterBuckets]
}

func (m *meter) advance(now time.Time) {
	t := now.UnixNano() / int64(meterSpan)
	switch {
	case t <= m.head:
	case t-m.head >= meterBuckets:
		clear(m.counts[:])
		m.head = t
	default:
		for m.head < t {
			m.head++
			m.counts[m.head%meterBuckets] = 0
		}
	}
}
