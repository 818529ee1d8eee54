package budget

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

// operator is a carrier with a token bucket, as they are met: limit a second,
// burst on top. Or it throttles at random. Guarded by world.mu.
type operator struct {
	limit, burst float64 // 0: none
	random       float64 // share that is throttled whatever the rate
	rng          *rand.Rand
	level        float64
	at           time.Duration
	sent         []submitted
}

type submitted struct {
	at time.Duration
	ok bool
}

func (c *operator) answer(now time.Duration) bool {
	if c.sent == nil {
		c.level = c.burst
	}
	c.level = min(c.burst, c.level+c.limit*(now-c.at).Seconds())
	c.at = now
	ok := c.random == 0 || c.rng.Float64() >= c.random
	if c.limit > 0 {
		if ok = c.level >= 1; ok {
			c.level--
		}
	}
	c.sent = append(c.sent, submitted{now, ok})
	return ok
}

// count answers what was taken and what was throttled within [from, to).
func (c *operator) count(from, to time.Duration) (taken, throttled int) {
	for _, s := range c.sent {
		switch {
		case s.at < from || s.at >= to:
		case s.ok:
			taken++
		default:
			throttled++
		}
	}
	return taken, throttled
}

// submitter is an instance with a backlog as dispatch is one: window unanswered
// at most, and quiet for pause after an answer that throttles.
type submitter struct {
	w      *world
	c      *operator
	rate   *Rate
	window int
	pause  time.Duration

	mu     sync.Mutex // guards all below
	open   int
	paused time.Time
	freed  chan struct{}
}

const (
	latency  = 20 * time.Millisecond
	breather = 1050 * time.Millisecond // dispatch's throttle pause, and until the next Take
)

func (w *world) submit(c *operator, name string, o RateOptions, length, pause time.Duration) *submitter {
	o.Carrier, o.Instance, o.Now = "alpha", name, time.Now
	db, _, closeDB := w.client(time.Millisecond)
	ctx, cancel := context.WithCancel(w.t.Context())
	s := &submitter{w: w, c: c, rate: NewRate(db, o), window: 100, pause: pause, freed: make(chan struct{}, 1)}
	w.wg.Go(func() { _ = s.rate.Run(ctx); closeDB() })
	w.wg.Go(func() {
		defer cancel()
		end := time.After(length)
		for {
			next := time.NewTimer(s.turn())
			select {
			case <-end:
				next.Stop()
				return
			case <-next.C:
			case <-s.rate.Ready():
			case <-s.freed:
			}
			next.Stop()
		}
	})
	return s
}

// turn submits what it may and answers when to look again.
func (s *submitter) turn() time.Duration {
	s.mu.Lock()
	wait, room := time.Until(s.paused), s.window-s.open
	s.mu.Unlock()
	if wait > 0 {
		return wait
	}
	n := 0
	if room > 0 {
		n = s.rate.Take(room)
	}
	if n == 0 {
		return time.Second
	}
	s.mu.Lock()
	s.open += n
	s.mu.Unlock()
	ok, throttled := 0, 0
	s.w.mu.Lock()
	for range n {
		if s.c.answer(time.Since(s.w.from)) {
			ok++
		} else {
			throttled++
		}
	}
	s.w.mu.Unlock()
	time.AfterFunc(latency, func() { s.answered(ok, throttled) })
	return time.Millisecond
}

func (s *submitter) answered(ok, throttled int) {
	s.mu.Lock()
	s.open -= ok + throttled
	if throttled > 0 && !time.Now().Before(s.paused) {
		s.paused = time.Now().Add(s.pause)
	}
	s.mu.Unlock()
	s.rate.Answered(ok, throttled)
	signal(s.freed)
}

// A carrier throttles from the first moment, and the gateway is quiet for a
// second after each throttle, so that little is ever measured: the rate still
// settles near what the carrier takes, in seconds, and stays there.
func TestRateSettlesFromTheFirstMoment(t *testing.T) {
	simulatesMinutes(t)
	type carrier struct {
		rate, limit int
		burst       float64 // seconds' worth
		settled     time.Duration
		most        float64 // the present rate, of the limit
	}
	carriers := []carrier{
		{500, 80, .1, 8 * time.Second, 1.1},
		{0, 80, .1, 8 * time.Second, 1.1},
		{500, 80, 1, 16 * time.Second, 1.35}, // more is taken until the burst is used up
		{500, 300, .1, 8 * time.Second, 1.1},
		{2000, 50, .1, 10 * time.Second, 1.15},
		{0, 1000, .1, 10 * time.Second, 1.25}, // so few are throttled that it looks like chance
		{100, 20, .1, 8 * time.Second, 1.1},
	}
	for _, tt := range carriers {
		for _, instances := range []int{1, 2} {
			for _, pause := range []time.Duration{breather, 100 * time.Millisecond} {
				if pause != breather && instances == 2 {
					continue
				}
				t.Run(fmt.Sprintf("%d at %d, burst %v, %d instances, pause %v", tt.rate, tt.limit, tt.burst, instances, pause), func(t *testing.T) {
					simulate(t, func(w *world) {
						const length = 50 * time.Second
						c := &operator{limit: float64(tt.limit), burst: max(1, tt.burst*float64(tt.limit))}
						var s *submitter
						for i := range instances {
							s = w.submit(c, fmt.Sprint("i", i), RateOptions{Rate: tt.rate}, length, pause)
						}
						w.settles(c, s.rate, tt.most, tt.settled, length)
					})
				})
			}
		}
	}
}

// A carrier that wants a minute of silence after each throttle is learned too,
// by a cut a minute, and what was learned stays while nothing is sent.
func TestRateSettlesWithLongPauses(t *testing.T) {
	simulatesMinutes(t)
	simulate(t, func(w *world) {
		const length = 15 * time.Minute
		c := &operator{limit: 80, burst: 8}
		s := w.submit(c, "a", RateOptions{Rate: 500}, length, time.Minute)
		w.wg.Wait()
		taken, throttled := c.count(5*time.Minute, length)
		t.Logf("%d taken, %d throttled", taken, throttled)
		if p := s.rate.Stat().Present; p < 48 || p > 88 {
			t.Errorf("the rate is %.1f, the carrier takes 80", p)
		}
		if throttled > 20 || taken < 600*80/2 {
			t.Errorf("%d taken in the last ten minutes, %d throttled", taken, throttled)
		}
	})
}

// A carrier that took all begins to throttle in the middle of the flow.
func TestRateSettlesWhenALimitComes(t *testing.T) {
	simulatesMinutes(t)
	for _, rate := range []int{500, 0} {
		for _, instances := range []int{1, 2} {
			t.Run(fmt.Sprintf("%d, %d instances", rate, instances), func(t *testing.T) {
				simulate(t, func(w *world) {
					const comes, length = 5 * time.Second, 40 * time.Second
					c := &operator{}
					var s *submitter
					for i := range instances {
						s = w.submit(c, fmt.Sprint("i", i), RateOptions{Rate: rate}, length, breather)
					}
					<-time.After(comes)
					w.mu.Lock()
					c.limit, c.burst = 80, 8
					w.mu.Unlock()
					w.settles(c, s.rate, 1.1, comes+10*time.Second, length)
				})
			})
		}
	}
}

// What a carrier throttles now and then, whatever the rate, is no limit: it
// costs little.
func TestRateWithRareThrottles(t *testing.T) {
	simulatesMinutes(t)
	type carrier struct {
		rate  int
		pause time.Duration
		least float64 // of the rate
	}
	carriers := []carrier{
		{80, 0, .9}, {500, 0, .9}, {2000, 0, .9},
		{80, breather, .87}, {500, 100 * time.Millisecond, .9}, // the pauses themselves cost
	}
	for _, tt := range carriers {
		t.Run(fmt.Sprintf("%d, pause %v", tt.rate, tt.pause), func(t *testing.T) {
			const length = 60 * time.Second
			for seed := range uint64(2) {
				simulate(t, func(w *world) {
					c := &operator{random: 0.001, rng: rand.New(rand.NewPCG(seed, 1))}
					s := w.submit(c, "a", RateOptions{Rate: tt.rate}, length, tt.pause)
					w.wg.Wait()
					taken, throttled := c.count(0, length)
					t.Logf("%d taken, %d throttled, %.0f%%; %+v", taken, throttled, 100*float64(taken)/float64(tt.rate)/length.Seconds(), s.rate.Stat())
					if least := tt.least * float64(tt.rate) * length.Seconds(); float64(taken) < least {
						t.Errorf("seed %d: %d taken, %d throttled, want %.0f: %+v", seed, taken, throttled, least, s.rate.Stat())
					}
				})
			}
		})
	}
}

// When the carrier's limit is lifted the configured rate is back in a minute,
// by steps that do not throw the carrier.
func TestRateIsBackInAMinute(t *testing.T) {
	simulatesMinutes(t)
	for _, tt := range []struct{ rate, limit int }{{500, 80}, {0, 80}, {3000, 10}} {
		t.Run(fmt.Sprintf("%d, was %d", tt.rate, tt.limit), func(t *testing.T) {
			simulate(t, func(w *world) {
				const lifted = 20 * time.Second
				c := &operator{limit: float64(tt.limit), burst: max(1, float64(tt.limit)/10)}
				s := w.submit(c, "a", RateOptions{Rate: tt.rate}, lifted+61*time.Second, breather)
				<-time.After(lifted)
				if p := s.rate.Stat().Present; p == 0 || p > 1.35*c.limit {
					t.Errorf("it is %.1f, the carrier takes %d", p, tt.limit)
				}
				w.mu.Lock()
				c.limit = 0
				w.mu.Unlock()
				w.wg.Wait()
				if p := s.rate.Stat().Present; p != float64(tt.rate) {
					t.Errorf("a minute later it is %.1f, want %d", p, tt.rate)
				}
			})
		})
	}
}

// settles checks the present rate each second from then on, what was throttled
// after it, and that most of what the carrier takes is used.
func (w *world) settles(c *operator, r *Rate, most float64, from, to time.Duration) {
	w.t.Helper()
	<-time.After(from - time.Since(w.from))
	var rates []int
	for time.Since(w.from) < to-time.Second {
		p := r.Stat().Present
		rates = append(rates, int(p))
		if p < 0.6*c.limit || p > most*c.limit {
			w.t.Errorf("the rate at %v is %.1f, the carrier takes %.0f", time.Since(w.from), p, c.limit)
		}
		<-time.After(time.Second)
	}
	w.wg.Wait()
	taken, throttled := c.count(from, to)
	w.t.Logf("rates %v; from %v on %d taken, %d throttled", rates, from, taken, throttled)
	if throttled*20 >= taken {
		w.t.Errorf("%d throttled, %d taken", throttled, taken)
	}
	if least := 0.8 * c.limit * (to - from).Seconds(); float64(taken) < least {
		w.t.Errorf("the carrier took %d, want at least %.0f", taken, least)
	}
}
