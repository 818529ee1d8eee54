package dispatch

import (
	"context"
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
	if now.Before(r.walkAt) {
		return nil
	}
	r.walkAt = now.Add(walk)
	call, cancel := context.WithTimeout(ctx, r.d.cfg.CallTimeout)
	defer cancel()
	ps, err := r.d.homes.Correlator.Look(call, batchMax)
	if err != nil {
		r.d.complain("look", err)
		return nil // the next look is a second away, no round needs to be repeated
	}
	r.d.calm("look")
	if len(ps) == batchMax {
		r.walkAt = now
	}
	r.fs = r.fs[:0]
	for i := range ps {
		r.fs = append(r.fs, r.d.cfg.receiptFinish(ps[i].Part, &ps[i].Receipt))
	}
	done, err := r.d.finish(ctx, r.fs)
	r.drop(ctx, ps[:done])
	return err
}

// sweep has ids forgotten whose time has come. It has its own goroutine: a busy
// carrier ends many at once, and responses are not to wait for it.
func (d *Dispatcher) sweep(ctx context.Context) {
	for rest(ctx, walk) {
		call, cancel := context.WithTimeout(ctx, d.cfg.CallTimeout)
		if err := d.homes.Correlator.Sweep(call); err != nil {
			d.complain("sweep", err)
		} else {
			d.calm("sweep")
		}
		cancel()
	}
}
