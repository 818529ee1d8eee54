package dispatch

import (
	"context"
	"slices"
	"time"
)

// submit hands parts to the connector as slots and tokens allow.
func (d *Dispatcher) submit(ctx context.Context) {
	tick := time.NewTicker(d.cfg.Look)
	defer tick.Stop()
	for {
		d.pump()
		signal(d.wakeLeaser)
		select {
		case <-ctx.Done():
			return
		case <-d.conn.Freed():
		case <-d.rate.Ready():
		case <-d.wakeSubmitter:
		case <-tick.C:
		}
	}
}

// pump hands over what can be handed over now.
func (d *Dispatcher) pump() {
	for {
		now := time.Now()
		slots := d.conn.Slots()
		if d.mustReturn(slots, now) {
			d.takeBack(d.hand.takeAll(), ClassUnsent)
			return
		}
		n := min(slots, d.hand.ready())
		if n == 0 {
			return
		}
		tokens := d.rate.Take(n)
		if tokens == 0 {
			return
		}
		d.hand.revive()
		run, over, why := d.hand.take(tokens, now, &d.cfg)
		d.takeBack(over, why)
		if !d.handOver(run) {
			d.rate.Return(tokens)
			return
		}
		if unused := tokens - len(run); unused > 0 {
			d.rate.Return(unused)
		}
	}
}

// handOver passes the fence: nothing is written for an owner whose lease does
// not hold now. It stays in the hand, since a late renewal still counts.
func (d *Dispatcher) handOver(run []Submission) bool {
	if len(run) == 0 {
		return true
	}
	if t := run[0].ticket.tenure; t.lapsed.Load() || !t.owner.Holds() {
		d.hand.untake(run)
		return false
	}
	d.conn.Submit(run)
	return true
}

// mustReturn tells whether what waits goes back to the queue: for a pause, a
// bind that went, a stop, or because nothing has moved for a while, so that
// another carrier or instance can have it.
func (d *Dispatcher) mustReturn(slots int, now time.Time) bool {
	window, paused, rate := d.conn.Window(), d.rate.Paused(), d.rate.PerSecond()
	h := &d.hand
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.stalled && h.parts == 0 {
		h.stalled = window > 0 && slots == 0
	}
	if h.parts == 0 {
		return false
	}
	if window == 0 || paused || h.stopping || h.holds(now) {
		return true
	}
	limit := stall
	if rate > 0 {
		limit += time.Duration(2 / rate * float64(time.Second))
	}
	if now.Sub(h.moved) < limit {
		return false
	}
	h.stalled = true
	return true
}

// ready is how many parts wait.
func (h *hand) ready() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.parts
}

func (h *hand) revive() {
	h.mu.Lock()
	h.stalled = false
	h.mu.Unlock()
}

// takeAll takes back all that waits; in order within a priority, as settleBacks
// sorts it anyway.
func (h *hand) takeAll() []Submission {
	h.mu.Lock()
	defer h.mu.Unlock()
	var all []Submission
	for _, run := range slices.Concat(h.urgent.runs, h.others.runs) {
		all = append(all, run...)
	}
	for i := range all {
		all[i].ticket.state = answered
	}
	h.urgent, h.others, h.parts = line{}, line{}, 0
	h.returning += len(all)
	return all
}
