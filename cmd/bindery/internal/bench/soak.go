package bench

import (
	"context"
	"io"
	"math"
	"slices"
	"time"

	"bindery/cmd/bindery/internal/bench/ledger"
)

// Soak is what a run that keeps sending for a time found.
type Soak struct {
	Seconds float64 `json:"seconds"`
	Window  float64 `json:"window_seconds"`
	Most    int     `json:"under_way_at_most"`
	Min     float64 `json:"completed_per_second_min"` // of the windows
	Median  float64 `json:"completed_per_second_median"`
	Max     float64 `json:"completed_per_second_max"`
	Points  []Point `json:"windows"`
	Held    []Point `json:"held_at"` // at the end of a fifth, of half and of all of the time
}

// Point is the end of a window.
type Point struct {
	Seconds  float64 `json:"seconds"`
	Rate     float64 `json:"completed_per_second"` // within the window
	Gateway  int64   `json:"gateway_resident_bytes"`
	Redis    int64   `json:"redis_used_bytes"`
	AOF      int64   `json:"aof_bytes"`
	Rewrites int64   `json:"aof_rewrites"` // since the start of the run
}

// soaking is a soak under way. Its fields are those of the goroutine that runs
// the phase.
type soaking struct {
	s      *stack
	r      *run
	began  time.Time
	window time.Duration
	at     time.Time // the end of the last window, and
	done   int64     // the messages that had ended by then
	points []Point
}

// soakMost bounds the messages under way, so that full speed is what the whole
// way keeps up: the door alone is several times as fast, and the run would be
// one of a growing backlog.
const soakMost = 50_000

// windowMost is the length of a window, of a short soak a fifth of it.
const windowMost = 10 * time.Second

// soak sends as fast as it goes, or at the rate, for the time that is asked for.
func (s *stack) soak(rate float64, progress io.Writer) *run {
	r := newRun(s, ledger.NewRing(ledger.RingSize, s.carriers), 0, s.o.connections(s.form), rate, progress)
	k := &soaking{s: s, r: r, window: min(windowMost, s.o.Duration/5)}
	r.main = func(ctx context.Context) error {
		p := r.pace(r.next, math.MaxInt, rate)
		p.Until, p.Most = p.Began.Add(s.o.Duration), soakMost
		k.began, k.at, k.done = p.Began, p.Began, r.l.Ended()
		r.tick = k.tick
		if err := r.phase(ctx, "running", p); err != nil {
			return err
		}
		err := k.tick(ctx) // the last window ends with the phase
		r.special.Soak = k.result()
		return err
	}
	s.readAlong(r.l)
	return r
}

// tick ends a window when it is over, and the soak when a message was refused.
func (k *soaking) tick(ctx context.Context) error {
	now := time.Now()
	n := len(k.points)
	if now.Before(k.began.Add(time.Duration(n+1)*k.window)) || n >= int(k.s.o.Duration/k.window) {
		return k.r.refused()
	}
	x, err := k.s.sample(ctx)
	if err != nil {
		return err
	}
	done := k.r.l.Ended()
	p := Point{now.Sub(k.began).Seconds(), float64(done-k.done) / now.Sub(k.at).Seconds(),
		k.s.gateway.Resident(), x.used, x.aof, x.rewrites - k.r.before.rewrites}
	k.at, k.done = now, done
	k.points = append(k.points, p)
	return k.r.line("%5.0f s  %8.0f/s  gateway %4d MiB  Redis %5d MiB  AOF %5d MiB  rewrites %d",
		p.Seconds, p.Rate, p.Gateway>>20, p.Redis>>20, p.AOF>>20, p.Rewrites)
}

func (k *soaking) result() *Soak {
	x := &Soak{Seconds: k.s.o.Duration.Seconds(), Window: k.window.Seconds(), Most: soakMost, Points: k.points}
	var rates []float64
	for _, p := range k.points {
		rates = append(rates, p.Rate)
	}
	if slices.Sort(rates); len(rates) > 0 {
		x.Min, x.Median, x.Max = rates[0], rates[len(rates)/2], rates[len(rates)-1]
		n := len(k.points)
		for _, share := range []float64{.2, .5, 1} {
			x.Held = append(x.Held, k.points[max(0, int(share*float64(n))-1)])
		}
	}
	return x
}
