package budget

import (
	"fmt"
	"math"
	"testing"
	"time"
)

// Of one, two and three instances with a backlog, no second holds more than
// 1.1 × rate, and at least 97 % of it is used.
func TestRateIsExactOverInstances(t *testing.T) {
	for _, rate := range []int{1, 5, 9, 10, 19, 100, 3000} {
		for _, instances := range []int{1, 2, 3} {
			for _, delay := range []time.Duration{0, 3 * time.Millisecond} {
				t.Run(fmt.Sprintf("%d by %d, %v away", rate, instances, delay), func(t *testing.T) {
					simulate(t, func(w *world) {
						length := 5 * time.Second
						if rate <= 30 {
							length = 60 * time.Second
						}
						var all []*sender
						for i := range instances {
							all = append(all, w.send(fmt.Sprint("i", i), RateOptions{Rate: rate}, delay, time.Duration(i)*7*time.Millisecond, length, 50))
						}
						w.wg.Wait()
						w.expectExact(rate, length)
						if rate >= 100 {
							for _, s := range all {
								if fair := float64(len(w.used)) / float64(instances); float64(s.got) < 0.85*fair {
									t.Errorf("an instance got %d of %d", s.got, len(w.used))
								}
							}
						}
					})
				})
			}
		}
	}
}

func (w *world) expectExact(rate int, length time.Duration) {
	w.t.Helper()
	if most, limit := w.most(), int(math.Floor(1.1*float64(rate)+1e-9)); most > limit {
		w.t.Errorf("a second holds %d, want at most %d", most, limit)
	}
	want := 0.97 * float64(rate) * length.Seconds()
	if got := len(w.used); float64(got) < math.Floor(want) {
		w.t.Errorf("%d used in %v, want at least %.1f", got, length, want)
	}
}
