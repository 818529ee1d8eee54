package budget

import (
	"context"
	"errors"
	"fmt"
	"math"
	"testing"
	"time"
)

// Of one, two and three instances with a backlog, no second holds more than
// 1.1 × rate, and at least 97 % of it is used.
func TestRateIsExactOverInstances(t *testing.T) {
	rates := []int{1, 5, 9, 10, 19, 100, 3000}
	if raceEnabled {
		rates = []int{5, 100}
	}
	for _, rate := range rates {
		for _, instances := range []int{1, 2, 3} {
			for _, delay := range []time.Duration{0, 3 * time.Millisecond} {
				t.Run(fmt.Sprintf("%d by %d, %v away", rate, instances, delay), func(t *testing.T) {
					simulate(t, func(w *world) {
						length := 5 * time.Second
						switch {
						case rate <= 10:
							length = 60 * time.Second
						case rate <= 30:
							length = 20 * time.Second
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

// One dies with tokens in its hands: they lapse, and the other uses the whole
// rate within a second.
func TestRateWhenAnInstanceDies(t *testing.T) {
	for _, rate := range []int{5, 100, 1000} {
		t.Run(fmt.Sprint(rate), func(t *testing.T) {
			simulate(t, func(w *world) {
				w.send("a", RateOptions{Rate: rate}, 0, 0, 5*time.Second+30*time.Millisecond, 50)
				w.send("b", RateOptions{Rate: rate}, 0, 0, 20*time.Second, 50)
				w.wg.Wait()
				if most, limit := w.most(), int(1.1*float64(rate)); most > limit {
					t.Errorf("a second holds %d, want at most %d", most, limit)
				}
				if got, want := w.between(6*time.Second, 20*time.Second), 0.97*14*float64(rate); float64(got) < math.Floor(want) {
					t.Errorf("%d used after the death, want at least %.1f", got, want)
				}
			})
		})
	}
}

// One with a small demand gets it, and the other the rest.
func TestRateFollowsDemand(t *testing.T) {
	simulate(t, func(w *world) {
		const rate, little = 500, 40
		big := w.send("big", RateOptions{Rate: rate}, time.Millisecond, 0, 10*time.Second, 60)
		db, _, closeDB := w.client(time.Millisecond)
		ctx, cancel := context.WithCancel(w.t.Context())
		small := NewRate(db, RateOptions{Carrier: "alpha", Instance: "small", Rate: rate, Now: time.Now})
		w.wg.Go(func() { _ = small.Run(ctx); closeDB() })
		got := 0
		for range 10 * little { // one message every 25 ms
			next := time.After(time.Second / little)
			for small.Take(1) == 0 {
				<-small.Ready()
			}
			got++
			<-next
		}
		cancel()
		w.wg.Wait()
		if got != 10*little || big.got < int(0.97*10*(rate-little)) {
			t.Errorf("small got %d of %d, big %d of about %d", got, 10*little, big.got, 10*(rate-little))
		}
	})
}

// What is given back is used again.
func TestReturn(t *testing.T) {
	simulate(t, func(w *world) {
		db, _, closeDB := w.client(0)
		ctx, cancel := context.WithCancel(w.t.Context())
		r := NewRate(db, RateOptions{Carrier: "alpha", Instance: "a", Rate: 100, Now: time.Now})
		w.wg.Go(func() { _ = r.Run(ctx); closeDB() })
		for i := range 40 {
			<-time.After(45 * time.Millisecond)
			got := r.Take(50)
			if i < 10 {
				continue // it takes a moment until the demand is known
			}
			if got < 3 {
				t.Fatalf("took %d after 45 ms, want 4", got)
			}
			r.Return(got)
			if again := r.Take(50); again != got {
				t.Fatalf("took %d, gave them back, took %d", got, again)
			}
		}
		if s := r.Stat(); s.Lapsed > 10 || s.Measured < 85 || s.Measured > 105 {
			t.Errorf("%+v: tokens lapsed, or were not measured", s)
		}
		cancel()
		w.wg.Wait()
	})
}

// Redis 40 ms away still gives the whole rate, and never more.
func TestRateOfAFarRedis(t *testing.T) {
	simulate(t, func(w *world) {
		w.send("a", RateOptions{Rate: 200}, 20*time.Millisecond, 0, 20*time.Second, 50)
		w.send("b", RateOptions{Rate: 200}, 10*time.Millisecond, 0, 20*time.Second, 50)
		w.wg.Wait()
		w.expectExact(200, 20*time.Second)
	})
}

// Without a limit nothing is asked of Redis, and what is used is measured.
func TestNoLimit(t *testing.T) {
	simulate(t, func(w *world) {
		db, l, closeDB := w.client(0)
		l.fail(errors.New("must not be asked"))
		ctx, cancel := context.WithCancel(w.t.Context())
		r := NewRate(db, RateOptions{Carrier: "alpha", Instance: "a", Now: time.Now})
		w.wg.Go(func() { _ = r.Run(ctx); closeDB() })
		for range 300 {
			if got := r.Take(7); got != 7 {
				t.Fatalf("took %d of 7", got)
			}
			r.Answered(7, 0)
			<-time.After(10 * time.Millisecond)
		}
		if s := r.Stat(); s.Err != nil || s.Present != 0 || math.Abs(s.Measured-700) > 10 {
			t.Errorf("%+v, want 700 a second measured", s)
		}
		if keys := w.m.Keys(); len(keys) > 0 {
			t.Errorf("redis holds %q", keys)
		}
		cancel()
		w.wg.Wait()
	})
}

// A grant that runs twice, or late, deals the same tokens and counts nothing
// again.
func TestGrantTwice(t *testing.T) {
	simulate(t, func(w *world) {
		db, _, closeDB := w.client(0)
		defer closeDB()
		ask := func(instance string, number, throttled int) []int64 {
			t.Helper()
			reply, err := grantScript.Run(w.t.Context(), db, []string{rateKey("x")}, instance, number, 5, 0, 100_000, 100_000, 20, throttled, 500_000)
			if err != nil {
				t.Fatal(err)
			}
			v, err := numbers(reply, 7)
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
		for i := range 12 { // a second of answers, so that throttles count
			ask("other", i+1, 0)
			<-time.After(100 * time.Millisecond)
		}
		first := ask("a", 1, 20)
		if first[2] == 0 || first[4] >= 100_000 {
			t.Fatalf("got %v, want tokens and a cut rate", first)
		}
		before := w.m.HGet(rateKey("x"), "tat") + w.m.HGet(rateKey("x"), "i:a") + w.m.HGet(rateKey("x"), "present")
		<-time.After(30 * time.Millisecond)
		again := ask("a", 1, 20)
		if again[1] != first[1] || again[2] != first[2] || again[3] != first[3] {
			t.Errorf("the second time %v, want %v", again, first)
		}
		if after := w.m.HGet(rateKey("x"), "tat") + w.m.HGet(rateKey("x"), "i:a") + w.m.HGet(rateKey("x"), "present"); after != before {
			t.Errorf("state %q became %q", before, after)
		}
		ask("a", 2, 0)
		if late := ask("a", 1, 20); late[2] != 0 {
			t.Errorf("a late call got %d tokens", late[2])
		}
	})
}

// Redis is away for a while: no token meanwhile, and the whole rate soon after.
func TestRateWhenRedisIsAway(t *testing.T) {
	for _, away := range []error{silentError{}, errors.New("LOADING")} {
		simulate(t, func(w *world) {
			const rate = 100
			s := w.send("a", RateOptions{Rate: rate}, 0, 0, 15*time.Second, 20)
			<-time.After(4 * time.Second)
			s.link.fail(away)
			<-time.After(4 * time.Second)
			s.link.fail(nil)
			w.wg.Wait()
			if n := w.between(4200*time.Millisecond, 8*time.Second); n != 0 {
				t.Errorf("%d tokens without a Redis", n)
			}
			if n := w.between(9100*time.Millisecond, 15*time.Second); n < 572 || w.most() > 110 {
				t.Errorf("%d tokens in 5.9 s after it came back, %d in a second", n, w.most())
			}
		})
	}
}
