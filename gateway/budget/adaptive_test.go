package budget

import (
	"context"
	"fmt"
	"testing"
	"time"
)

// smsc throttles what goes above its limit, counted over a sliding second, or
// over whole seconds.
type smsc struct {
	limit   int
	sliding bool
	taken   []time.Duration // of those answered OK
	refused []time.Duration
}

func (c *smsc) answer(now time.Duration) (ok bool) {
	from := now.Truncate(time.Second)
	if c.sliding {
		from = now - time.Second + 1
	}
	n := 0
	for i := len(c.taken) - 1; i >= 0 && c.taken[i] >= from; i-- {
		n++
	}
	if c.limit > 0 && n >= c.limit {
		c.refused = append(c.refused, now)
		return false
	}
	c.taken = append(c.taken, now)
	return true
}

// against sends to c for the given time with a backlog; c answers 20 ms later.
func (w *world) against(c *smsc, name string, o RateOptions, length time.Duration, chunk int) *Rate {
	o.Carrier, o.Instance, o.Now = "alpha", name, time.Now
	db, _, closeDB := w.client(time.Millisecond)
	ctx, cancel := context.WithCancel(w.t.Context())
	r := NewRate(db, o)
	w.wg.Go(func() { _ = r.Run(ctx); closeDB() })
	w.wg.Go(func() {
		defer cancel()
		for time.Since(w.from) < length {
			n := r.Take(chunk)
			ok, throttled := 0, 0
			w.mu.Lock()
			for range n {
				now := time.Since(w.from)
				w.used = append(w.used, now)
				if c.answer(now) {
					ok++
				} else {
					throttled++
				}
			}
			w.mu.Unlock()
			time.AfterFunc(20*time.Millisecond, func() { r.Answered(ok, throttled) })
			wait := time.After(10 * time.Millisecond) // the window of this carrier
			select {
			case <-wait:
			case <-r.Ready():
			}
		}
	})
	return r
}

// F15: a carrier that takes less than is configured is not sent more than it
// takes for longer than two seconds, and still gets most of what it takes.
func TestRateLearnsTheCarriersLimit(t *testing.T) {
	simulatesMinutes(t)
	carriers := []struct{ rate, limit int }{{500, 100}, {0, 100}, {500, 300}, {2000, 50}, {120, 100}}
	for _, tt := range carriers {
		for _, sliding := range []bool{true, false} {
			for _, instances := range []int{1, 2} {
				t.Run(fmt.Sprintf("%d at %d, sliding %v, %d instances", tt.rate, tt.limit, sliding, instances), func(t *testing.T) {
					simulate(t, func(w *world) {
						const length = 30 * time.Second
						c := &smsc{limit: tt.limit, sliding: sliding}
						var r *Rate
						for i := range instances {
							r = w.against(c, fmt.Sprint("i", i), RateOptions{Rate: tt.rate}, length, 20)
						}
						w.wg.Wait()
						settled := 2 * time.Second
						if tt.rate == 0 || tt.rate > 5*tt.limit {
							settled *= 2 // a second cut is needed
						}
						w.settledBy(settled, tt.limit)
						if got, want := len(c.taken), tt.limit*30*75/100; got < want {
							t.Errorf("the carrier took %d in 30 s, want at least %d", got, want)
						}
						late := 0
						for _, at := range c.refused {
							if at > 10*time.Second {
								late++
							}
						}
						if late > tt.limit*20/100 {
							t.Errorf("it throttled %d after the first ten seconds, want less than one in a hundred", late)
						}
						s := r.Stat()
						if s.Ceiling < 0.8*float64(tt.limit) || s.Ceiling > 1.15*float64(tt.limit) {
							t.Errorf("%+v, want a ceiling of about %d", s, tt.limit)
						}
					})
				})
			}
		}
	}
}

// settledBy checks that from then on no second holds more than 1.05 × limit.
func (w *world) settledBy(t time.Duration, limit int) {
	w.t.Helper()
	late := w.used[:0:0]
	for _, u := range w.used {
		if u >= t {
			late = append(late, u)
		}
	}
	w.used = late
	if most := w.most(); most > limit*105/100+1 {
		w.t.Errorf("a second after %v holds %d, the carrier takes %d", t, most, limit)
	}
}

// When the carrier takes more again, the rate comes back, step by step.
func TestRateRecovers(t *testing.T) {
	simulatesMinutes(t)
	for _, rate := range []int{150, 0} {
		t.Run(fmt.Sprint(rate), func(t *testing.T) {
			simulate(t, func(w *world) {
				c := &smsc{limit: 100, sliding: true}
				r := w.against(c, "a", RateOptions{Rate: rate}, 120*time.Second, 3)
				<-time.After(10 * time.Second)
				if s := r.Stat(); s.Present == 0 || s.Present > 110 {
					t.Errorf("%+v, want it cut to about 100", s)
				}
				w.mu.Lock()
				c.limit = 0
				w.mu.Unlock()
				<-time.After(20 * time.Second)
				before := r.Stat().Present
				<-time.After(2 * time.Second)
				if after := r.Stat().Present; rate > 0 && (after <= before || after-before > 0.1*before) {
					t.Errorf("the rate went from %.1f to %.1f in two seconds", before, after)
				}
				w.wg.Wait()
				if s := r.Stat(); s.Present != float64(rate) {
					t.Errorf("%+v, want %d again", s, rate)
				}
			})
		})
	}
}
