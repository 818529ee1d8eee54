package dispatch

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"bindery/queue"
)

// settle settles all that is owed, by lease, since a settle costs by the blocks
// that it touches. What was not answered stays.
func (r *responder) settle(ctx context.Context) error {
	slices.SortStableFunc(r.settles, func(a, b owed) int {
		return cmp.Or(cmp.Compare(a.sub.Lease, b.sub.Lease), cmp.Compare(a.sub.ticket.order, b.sub.ticket.order))
	})
	for len(r.settles) > 0 {
		n := sameTenure(r.settles[:min(len(r.settles), r.d.most())])
		if err := r.settleBatch(ctx, r.settles[:n]); err != nil {
			return err
		}
		r.settles = cutFront(r.settles, n)
	}
	if len(r.backs) == 0 || r.backsWait(time.Now()) > 0 {
		return nil
	}
	return r.settleBacks(ctx)
}

func sameTenure(os []owed) int {
	n := 1
	for n < len(os) && os[n].sub.ticket.tenure == os[0].sub.ticket.tenure {
		n++
	}
	return n
}

// settleBacks gives parts back to the heads of their lanes. A later call lands
// ahead of an earlier one, so the last in order go first.
func (r *responder) settleBacks(ctx context.Context) error {
	slices.SortFunc(r.backs, func(a, b owed) int { return cmp.Compare(a.sub.ticket.order, b.sub.ticket.order) })
	for len(r.backs) > 0 {
		from := max(0, len(r.backs)-r.d.most())
		for last := len(r.backs) - 1; r.backs[from].sub.ticket.tenure != r.backs[last].sub.ticket.tenure; {
			from++
		}
		if err := r.settleBatch(ctx, r.backs[from:]); err != nil {
			return err
		}
		clear(r.backs[from:])
		r.backs = r.backs[:from]
	}
	return nil
}

// backsWait is how long what goes back waits for more of its kind. A carrier
// that hands everything back waits for the lease call that is still out, for
// what the submitter is about to take back, and for what the next round finds in
// the inbox; while a throttle pauses the carrier anyway, or the last bind went,
// also for the outcomes that are still to come. So all of it goes back in the
// order in which it was leased.
func (r *responder) backsWait(now time.Time) time.Duration {
	window, paused := r.d.conn.Window(), r.d.rate.Paused()
	h := &r.d.hand
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case (window == 0 || paused || h.stopping || h.holds(now)) && (h.asking || h.parts > 0 || h.returning > len(r.backs)):
		return gather
	case h.open == 0 || h.stopping:
		return 0
	case window == 0:
		return r.backSince.Add(gather).Sub(now)
	case h.paused(now):
		return min(r.backSince.Add(gather).Sub(now), h.pausedUntil.Sub(now))
	}
	return 0
}

// settleBatch settles parts of one owner. A nil error: none of them is owed any
// more, be it that the owner has lapsed and they are another's.
func (r *responder) settleBatch(ctx context.Context, os []owed) error {
	t := os[0].sub.ticket.tenure
	if t.lapsed.Load() {
		r.orphan(os)
		return nil
	}
	r.ss = r.ss[:0]
	for i := range os {
		if o := &os[i]; o.s != nil {
			r.ss = append(r.ss, *o.s)
		} else {
			r.ss = append(r.ss, queue.Settlement{Part: o.sub.Part, Lease: o.sub.Lease, Carrier: r.d.cfg.Carrier, Verdict: queue.Submitted})
		}
	}
	call, cancel := context.WithTimeout(ctx, r.d.cfg.CallTimeout)
	defer cancel()
	err := t.owner.Settle(call, r.ss)
	if errors.Is(err, queue.ErrLapsed) {
		r.d.lapse(t)
		r.orphan(os)
		return nil
	}
	if err != nil {
		r.d.complain("settle", err)
		return err
	}
	r.d.calm("settle")
	r.d.free(os)
	return nil
}

// orphan turns what a lapsed owner owes into what needs no lease: what the
// carrier said for good. All else was put back by whoever reclaimed it.
func (r *responder) orphan(os []owed) {
	for i := range os {
		switch o := &os[i]; {
		case o.s == nil:
			r.lates = append(r.lates, r.d.cfg.lateFinish(o.sub, queue.StatusSubmitted, queue.Error{}))
		case o.s.Verdict == queue.Refused:
			r.lates = append(r.lates, r.d.cfg.lateFinish(o.sub, queue.StatusRejected, o.s.Error))
		}
	}
	r.d.free(os)
}

// free gives the credits of settled parts back and wakes who waits for them.
func (d *Dispatcher) free(os []owed) {
	d.hand.release(os)
	signal(d.wakeLeaser)
}
