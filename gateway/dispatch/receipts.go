package dispatch

import (
	"context"
	"errors"
	"time"

	"bindery/dlr"
	"bindery/queue"
)

// Answers to receipts that could not be stored.
var (
	errNoRoom   = errors.New("dispatch: no room to park a receipt")
	errNoKeeper = errors.New("dispatch: nothing keeps inbound messages")
)

// finding is a receipt whose part is known: finished, it is answered.
type finding struct {
	part queue.Part
	i    int // in the batch
}

// find looks up the parts of a batch's receipts. What is parked or has no room
// is answered at once.
func (r *responder) find(ctx context.Context, b *batch) {
	r.finds = r.finds[:0]
	parked := 0
	for from := 0; from < len(b.receipts); from += batchMax {
		to := min(from+batchMax, len(b.receipts))
		call, cancel := context.WithTimeout(ctx, r.d.cfg.CallTimeout)
		found, err := r.d.homes.Correlator.Find(call, b.receipts[from:to])
		cancel()
		if err != nil {
			r.d.complain("find", err)
			r.d.refuse(b.acks[from:], err)
			break
		}
		r.d.calm("find")
		for i, f := range found {
			switch {
			case f.Full:
				r.d.refuse(b.acks[from+i:from+i+1], errNoRoom)
			case f.Parked:
				parked++
				r.d.accept(b.acks[from+i : from+i+1])
			default:
				r.finds = append(r.finds, finding{f.Part, from + i})
			}
		}
	}
	if parked > 0 {
		r.d.cfg.Observer.Parked(parked)
	}
}

// finish ends parts without a lease: late answers and parked receipts, unless
// a settle of this round is still owed, which must come first; then receipts.
func (r *responder) finish(ctx context.Context, b *batch, settled bool) error {
	r.fs = r.fs[:0]
	lates, parked := 0, 0
	if settled {
		lates, parked = len(r.lates), len(r.parked)
		r.fs = append(r.fs, r.lates...)
		for i := range r.parked {
			r.fs = append(r.fs, r.d.cfg.receiptFinish(r.parked[i].Part, &r.parked[i].Receipt))
		}
	}
	for _, f := range r.finds {
		r.fs = append(r.fs, r.d.cfg.receiptFinish(f.part, &b.receipts[f.i]))
	}
	done, err := r.d.finish(ctx, r.fs)
	for k, f := range r.finds {
		if ack := b.acks[f.i : f.i+1]; lates+parked+k < done {
			r.d.accept(ack)
		} else {
			r.d.refuse(ack, err)
		}
	}
	r.finds = r.finds[:0]
	r.lates = cutFront(r.lates, min(done, lates))
	ended := min(max(0, done-lates), parked)
	r.drop(ctx, r.parked[:ended])
	r.parked = cutFront(r.parked, ended)
	return err
}

// receiptFinish is what a receipt says of a part.
func (c *Config) receiptFinish(part queue.Part, rc *dlr.Receipt) queue.Finish {
	f := queue.Finish{Part: part, Status: rc.Status, Carrier: c.Carrier}
	if rc.Code != "" {
		f.Error.Code = "receipt:" + rc.Code
	}
	return f
}

// finish writes results and answers how many of them, from the front, are
// written.
func (d *Dispatcher) finish(ctx context.Context, fs []queue.Finish) (done int, err error) {
	for done < len(fs) {
		n := min(len(fs)-done, batchMax)
		call, cancel := context.WithTimeout(ctx, d.cfg.CallTimeout)
		found, err := d.homes.Finisher.Finish(call, fs[done:done+n])
		cancel()
		if err != nil {
			d.complain("finish", err)
			return done, err
		}
		d.calm("finish")
		d.cfg.Observer.Finished(fs[done:done+n], found)
		done += n
	}
	return done, nil
}

// drop takes finished receipts out of the carrier's home. When that fails a
// later walk finds them, finishes them again, which changes nothing, and drops.
func (r *responder) drop(ctx context.Context, ps []dlr.Parked) {
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

// keep stores what is no receipt of ours.
func (r *responder) keep(ctx context.Context, b *batch) {
	if len(b.inbounds)+len(b.unparsed) == 0 {
		return
	}
	call, cancel := context.WithTimeout(ctx, r.d.cfg.CallTimeout)
	defer cancel()
	inbounds, unparsed := error(errNoKeeper), error(errNoKeeper)
	if k := r.d.homes.Keeper; k != nil {
		if inbounds = nil; len(b.inbounds) > 0 {
			inbounds = k.KeepInbounds(call, b.inbounds)
		}
		if unparsed = nil; len(b.unparsed) > 0 {
			unparsed = k.KeepUnparsed(call, b.unparsed)
		}
	}
	for i := range b.inbounds {
		r.d.answer(b.inbounds[i].Ack, inbounds)
	}
	for i := range b.unparsed {
		r.d.answer(b.unparsed[i].Ack, unparsed)
	}
	r.d.kept(len(b.inbounds), inbounds, len(b.unparsed), unparsed)
}

func (d *Dispatcher) kept(ins int, inErr error, uns int, unErr error) {
	if err := errors.Join(inErr, unErr); err != nil {
		d.complain("keep", err)
	} else {
		d.calm("keep")
	}
	if inErr != nil {
		d.cfg.Observer.Refused(ins)
		ins = 0
	}
	if unErr != nil {
		d.cfg.Observer.Refused(uns)
		uns = 0
	}
	d.cfg.Observer.Kept(ins, uns)
}

func (d *Dispatcher) answer(a Ack, err error) {
	a.stored(err)
	d.in.stored(1)
}

// accept answers receipts that are stored.
func (d *Dispatcher) accept(as []Ack) {
	for _, a := range as {
		a.stored(nil)
	}
	d.in.stored(len(as))
}

// refuse answers receipts that are not: the carrier repeats them.
func (d *Dispatcher) refuse(as []Ack, err error) {
	if len(as) == 0 {
		return
	}
	for _, a := range as {
		a.stored(err)
	}
	d.in.stored(len(as))
	d.cfg.Observer.Refused(len(as))
}
