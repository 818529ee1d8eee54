package dispatch

import (
	"context"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"bindery/dlr"
)

// drop takes finished receipts out of the carrier's home, and has the ids of
// what ended forgotten. When that fails a later walk finds them, finishes them
// again, which changes nothing, and drops.
func (r *responder) drop(ctx context.Context, ps []dlr.Parked) {
	for i := range ps {
		r.ended(&ps[i].Receipt, ps[i].Known)
	}
	if len(r.forget) > 0 {
		r.d.homes.Correlator.Forget(r.forget)
		r.d.sweeping.ahead(time.Now())
		r.forget = r.forget[:0]
	}
	for len(ps) > 0 {
		n := min(len(ps), batchMax)
		call, cancel := context.WithTimeout(ctx, r.d.cfg.CallTimeout)
		err := r.d.homes.Correlator.Drop(call, ps[:n])
		cancel()
		if err != nil {
			r.d.complain("drop", err)
			return
		}
		r.d.calm("drop")
		ps = ps[n:]
	}
}

// walk completes parked receipts whose id became known without anyone being
// there to finish them: another instance died in between.
func (r *responder) walk(ctx context.Context) error {
	now := time.Now()
	if next := r.walked.Add(walk); next.Before(r.walkAt) && r.parking() {
		r.walkAt = next
	}
	if now.Before(r.walkAt) {
		return nil
	}
	r.walked, r.walkAt = now, now.Add(walk)
	call, cancel := context.WithTimeout(ctx, r.d.cfg.CallTimeout)
	defer cancel()
	ps, err := r.d.homes.Correlator.Look(call, batchMax)
	if err != nil {
		r.d.complain("look", err)
		return nil // the next look is a second away, no round needs to be repeated
	}
	r.d.calm("look")
	switch {
	case len(ps) == batchMax:
		r.walkAt = now
	case len(ps) == 0 && !r.parking():
		r.walkAt = now.Add(about(stroll))
	}
	r.fs = r.fs[:0]
	for i := range ps {
		r.fs = append(r.fs, r.d.cfg.receiptFinish(ps[i].Part, &ps[i].Receipt))
	}
	done, err := r.d.finish(ctx, r.fs)
	r.drop(ctx, ps[:done])
	return err
}

// parking tells whether anything may be parked.
func (r *responder) parking() bool {
	p, knows := r.d.homes.Correlator.(Parker)
	return !knows || p.Parking()
}

// about is d give or take a fifth, so that carriers do not all come at once.
func about(d time.Duration) time.Duration { return d*4/5 + rand.N(d*2/5) }

// sweeping tells the sweep loop, and nobody else, that there are ids to forget.
type sweeping struct {
	last  atomic.Int64 // when the newest came, Unix nanoseconds
	awake atomic.Bool  // the loop comes every second
	wake  chan struct{}
}

func (s *sweeping) ahead(now time.Time) {
	s.last.Store(now.UnixNano())
	if s.awake.CompareAndSwap(false, true) {
		signal(s.wake)
	}
}

// wait is the time to the next sweep.
func (s *sweeping) wait(now time.Time, failed bool) time.Duration {
	fresh := func() bool { return now.Sub(time.Unix(0, s.last.Load())) < forget }
	if !failed && !fresh() {
		s.awake.Store(false)
		if !fresh() { // else one came in between, and saw the loop awake
			return about(retire)
		}
	}
	s.awake.Store(true)
	return walk
}

// sweep has ids forgotten whose time has come. It has its own goroutine: a busy
// carrier ends many at once, and responses are not to wait for it.
func (d *Dispatcher) sweep(ctx context.Context) {
	timer := time.NewTimer(about(retire))
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-d.sweeping.wake:
			timer.Reset(walk)
			continue
		case <-timer.C:
		}
		call, cancel := context.WithTimeout(ctx, d.cfg.CallTimeout)
		err := d.homes.Correlator.Sweep(call)
		cancel()
		failed := err != nil
		if failed {
			d.complain("sweep", err)
		} else {
			d.calm("sweep")
		}
		timer.Reset(d.sweeping.wait(time.Now(), failed))
	}
}
