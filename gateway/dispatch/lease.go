package dispatch

import (
	"context"
	"errors"
	"time"

	"bindery/queue"
)

// leaser is the state of the lease loop.
type leaser struct {
	d          *Dispatcher
	tenure     *tenure
	last       time.Time // when the last call for others than urgent parts was made
	lastUrgent time.Time // the last, be it only for urgent parts
	lookAt     time.Time // when dry and failed are forgotten
	dry        bool      // the lanes were empty when last asked
	failed     bool      // the last call was
	urgent     bool      // urgent parts may wait: a reply said so, or the doorbell rang since; if it is
	// missed, the reply to whatever credit gets free next says so
}

// lease asks for parts whenever the credits allow it and there may be some.
func (d *Dispatcher) lease(ctx context.Context) {
	l := leaser{d: d}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-d.cfg.Wake:
			l.dry, l.urgent = false, true // the doorbell does not say what came
		case <-d.wakeLeaser:
		}
		timer.Reset(l.step(ctx))
	}
}

// step leases until there is nothing to ask for, and answers when to look again.
func (l *leaser) step(ctx context.Context) time.Duration {
	l.present()
	if now := time.Now(); !now.Before(l.lookAt) {
		l.dry, l.failed, l.lookAt = false, false, now.Add(l.d.cfg.Look)
	}
	if l.d.hand.wasRefilled() {
		l.dry, l.urgent = false, true
	}
	for ctx.Err() == nil && !l.dry && !l.failed {
		now := time.Now()
		n, others, enough := l.want(now)
		if n == 0 || others == 0 && !l.urgent {
			break
		}
		if wait := l.last.Add(linger).Sub(now); others < enough && wait > 0 {
			if !l.urgent || n == others { // n > others: urgent parts have not used up what is kept for them
				return min(wait, max(0, time.Until(l.lookAt)))
			}
			if soon := min(wait, l.lastUrgent.Add(hurry).Sub(now)); soon > 0 {
				return min(soon, max(0, time.Until(l.lookAt)))
			}
			others = 0 // a few of the others are not worth it yet
		}
		l.lastUrgent = now
		if others > 0 {
			l.last = now
		}
		if !l.ask(ctx, n, others) {
			break
		}
	}
	return max(0, time.Until(l.lookAt))
}

// present takes up the owner that the gateway goes by now.
func (l *leaser) present() {
	o := l.d.homes.Owners.Present()
	switch {
	case l.tenure != nil && l.tenure.owner == o:
		return
	case l.tenure != nil:
		l.d.lapse(l.tenure)
	}
	if l.tenure = nil; o != nil {
		l.tenure = &tenure{owner: o}
	}
}

// want answers how many parts may be asked for now, how many of them may be
// others than urgent ones, and how many are worth a call at once.
func (l *leaser) want(now time.Time) (n, others, enough int) {
	d := l.d
	if l.tenure == nil || l.tenure.lapsed.Load() || !l.tenure.owner.Holds() || d.rate.Paused() {
		return 0, 0, 0
	}
	window, slots, rate := d.conn.Window(), d.conn.Slots(), d.rate.PerSecond()
	h := &d.hand
	h.mu.Lock()
	defer h.mu.Unlock()
	if window == 0 || h.stopping || h.stalled {
		return 0, 0, 0
	}
	h.pace.roll(now)
	return credits(window, slots, rate, d.cfg.Urgency.most(now), h)
}

// credits is law 2: what is leased and not settled stays within the window and
// the prefetch, and what waits is what the rate writes soon. Some of both is
// kept for urgent parts: bulk at full speed holds all the rest.
func credits(window, slots int, rate float64, most int, h *hand) (n, others, enough int) {
	soon := h.pace.measured()
	if rate > 0 {
		soon = int(rate * ahead.Seconds())
	}
	soon = max(1, soon)
	prefetch := min(soon, window)
	waiting := slots + prefetch
	if rate > 0 {
		waiting = min(waiting, soon)
	}
	held := window + prefetch
	kept := min(reserve(held), prefetch) // bulk can fill the window
	n = max(0, min(held-h.held, waiting-h.parts, most))
	if rate == 0 { // the measured rate may have fallen since bulk was leased by it
		n = max(n, min(kept-h.heldUrgent, 2*window-h.held, most))
	}
	others = min(n, held-kept-h.held+h.heldUrgent, waiting-reserve(waiting)-h.parts+h.urgent.parts)
	return n, max(0, others), min(batchMin, max(1, waiting/2))
}

// reserve is what of so many credits only urgent parts may take.
func reserve(credits int) int {
	if credits < reserveMin {
		return 0
	}
	return max(1, credits/reserveOf)
}

// ask makes one lease call, for n parts and at most so many others than urgent
// ones, and answers whether to go on.
func (l *leaser) ask(ctx context.Context, n, others int) bool {
	d := l.d
	if !d.hand.ask(time.Now()) {
		return false
	}
	defer d.asked()
	call, cancel := context.WithTimeout(ctx, d.cfg.CallTimeout)
	defer cancel()
	got, err := l.tenure.owner.Lease(call, queue.LeaseRequest{
		Carrier: d.cfg.Carrier, Routes: *d.routes.Load(), Max: n, Urgent: n - others,
	})
	if errors.Is(err, queue.ErrLapsed) {
		d.lapse(l.tenure)
	}
	if err != nil {
		l.failed, l.lookAt = true, l.last.Add(min(d.cfg.Look, again))
		d.complain("lease", err)
		return false
	}
	d.calm("lease")
	l.dry = len(got.Parts) == 0 && others > 0 || got.Left == [3]int{}
	l.urgent = len(got.Parts) > 0 && got.Left[0] > 0
	if len(got.Parts) == 0 || !l.mark(ctx, got) {
		return false
	}
	if d.hand.add(got, l.tenure, time.Now()) > 0 {
		d.cfg.Urgency.seen(time.Now())
	}
	signal(d.wakeSubmitter)
	return true
}

// ask notes that a lease call is about to be made, unless a stop or a throttle
// came since the credits were counted.
func (h *hand) ask(now time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asking = !h.stopping && h.returning == 0 && !h.paused(now)
	return h.asking
}

// asked wakes those who wait for the end of a lease call: Stop, and what goes
// back and must not overtake what that call took.
func (d *Dispatcher) asked() {
	d.hand.mu.Lock()
	d.hand.asking = false
	d.hand.mu.Unlock()
	signal(d.hand.changed)
	signal(d.in.signal)
}

// wasRefilled tells, once, that parts went back to their lanes.
func (h *hand) wasRefilled() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	was := h.refilled
	h.refilled = false
	return was
}

// mark notes, before a byte of it can leave, that the parts of hold messages
// may be written: a reclaim then keeps them instead of sending them again. It
// is made for a whole lease, at most the prefetch before the write, and called
// until it is answered. A part that is marked and never written, because the
// process dies in between, waits for its validity as one in doubt.
func (l *leaser) mark(ctx context.Context, got *queue.Lease) bool {
	marker, can := l.tenure.owner.(Marker)
	if !can {
		return true
	}
	var parts []queue.Part
	for i := range got.Parts {
		if got.Parts[i].Message.Hold {
			parts = append(parts, got.Parts[i].Part)
		}
	}
	for wait := retryMin; len(parts) > 0; wait = min(2*wait, retryMax) {
		call, cancel := context.WithTimeout(ctx, l.d.cfg.CallTimeout)
		err := marker.Mark(call, got.Number, parts)
		cancel()
		if err == nil {
			break
		}
		if errors.Is(err, queue.ErrLapsed) {
			l.d.lapse(l.tenure)
			return false
		}
		l.d.complain("mark", err)
		if !rest(ctx, wait) {
			return false
		}
	}
	return true
}

// rest waits and answers false when ctx ended first.
func rest(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
