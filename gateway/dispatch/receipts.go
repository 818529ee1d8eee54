package dispatch

import (
	"context"
	"errors"

	"bindery/dlr"
	"bindery/queue"
)

// errNoRoom answers a receipt that finds no room to be parked.
var errNoRoom = errors.New("dispatch: no room to park a receipt")

// finding is a receipt whose part is known: finished, it is answered.
type finding struct {
	known dlr.Known
	part  queue.Part
	i     int // in the batch
}

// find looks up the parts of a batch's receipts. What is parked or has no room
// is answered at once.
func (r *responder) find(ctx context.Context, b *batch) {
	r.finds = r.finds[:0]
	parked := 0
	for from, to := 0, 0; from < len(b.receipts); from = to {
		to = min(from+r.d.most(), len(b.receipts))
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
				r.finds = append(r.finds, finding{f.Known, f.Part, from + i})
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
	r.forget = r.forget[:0]
	for k, f := range r.finds {
		if ack := b.acks[f.i : f.i+1]; lates+parked+k < done {
			r.ended(&b.receipts[f.i], f.known)
			r.d.accept(ack)
		} else {
			r.d.refuse(ack, err)
		}
	}
	r.finds = r.finds[:0]
	r.lates = cutFront(r.lates, min(done, lates))
	finished := min(max(0, done-lates), parked)
	r.drop(ctx, r.parked[:finished])
	r.parked = cutFront(r.parked, finished)
	return err
}

// ended notes that a part which a receipt found has its final, so that its id
// can be forgotten.
func (r *responder) ended(rc *dlr.Receipt, k dlr.Known) {
	if rc.Status != queue.StatusEnroute && k.ID != "" {
		r.forget = append(r.forget, k)
	}
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
		n := min(len(fs)-done, d.most())
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
