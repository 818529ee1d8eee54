package dispatch

import (
	"context"
	"errors"
	"sync"
	"time"

	"bindery/dlr"
	"bindery/queue"
)

// responder is what the respond loop holds between an outcome and its settle.
// All of it is the loop's own, but for settles, backs and lates while a round's
// settle runs beside its find.
type responder struct {
	d *Dispatcher

	answers []answer       // taken by the carrier, id not known in its home yet
	settles []owed         // to settle, but for backs
	backs   []owed         // to go back to the head of their lanes
	lates   []queue.Finish // known now, without a lease
	parked  []dlr.Parked   // to finish, then to drop

	backSince time.Time     // when the first of backs came
	walked    time.Time     // the last look at parked receipts
	walkAt    time.Time     // the next
	last      time.Time     // start of the last round
	retry     time.Duration // until the next round when the last one failed; 0: it did not

	cs      []dlr.Correlation
	ss      []queue.Settlement
	fs      []queue.Finish
	finds   []finding
	forget  []dlr.Known
	took    []time.Duration
	classes [Classes]int
}

// answer is one response OK on its way into the carrier's home.
type answer struct {
	sub  *Submission
	id   string
	late bool
}

// owed is one settlement and whose it is.
type owed struct {
	sub     *Submission
	s       *queue.Settlement // nil: submitted
	refused bool              // counted in hand.refused
}

// respond brings what the carrier said to the two homes, a round at a time.
func (d *Dispatcher) respond(ctx context.Context) {
	r := &responder{d: d}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-d.in.signal:
		case <-timer.C:
		}
		if wait := r.wait(time.Now()); wait > 0 {
			timer.Reset(wait)
			continue
		}
		r.round(ctx)
		timer.Reset(r.wait(time.Now()))
	}
}

// wait answers how long the next round can wait: not at all when there is work
// that is worth it, linger for little work, else until something is due.
func (r *responder) wait(now time.Time) time.Duration {
	if r.retry > 0 {
		return r.last.Add(r.retry).Sub(now)
	}
	due := r.walkAt.Sub(now)
	if len(r.backs) > 0 {
		due = min(due, r.backsWait(now))
	}
	switch n := r.d.in.size(); {
	case n >= batchMin:
		return 0
	case n > 0:
		due = min(due, r.last.Add(linger).Sub(now))
	}
	return max(0, due)
}

// round is one turn. Its order is law 4 and 5: correlate; settle beside find;
// finish; then drop and answer.
func (r *responder) round(ctx context.Context) {
	d := r.d
	r.last = time.Now()
	b := d.in.swap()
	r.sort(b, r.last)
	failed := r.correlate(ctx)
	var side sync.WaitGroup
	var unsettled error
	if failed != nil {
		d.refuse(b.acks, failed) // their ids may be among those that are not known yet
		b.receipts, b.acks = b.receipts[:0], b.acks[:0]
	}
	if len(b.receipts) == 0 {
		unsettled = r.settle(ctx)
	} else {
		side.Go(func() { unsettled = r.settle(ctx) })
		r.find(ctx, b)
		side.Wait()
	}
	failed = errors.Join(failed, unsettled, r.finish(ctx, b, unsettled == nil))
	r.keep(ctx, b)
	failed = errors.Join(failed, r.walk(ctx))
	d.in.done(b)
	r.after(failed)
}

func (r *responder) after(failed error) {
	if failed == nil {
		r.retry = 0
		return
	}
	r.retry = min(retryMax, max(retryMin, 2*r.retry))
}

// sort decides what each outcome of a batch needs.
func (r *responder) sort(b *batch, now time.Time) {
	ids := string(b.ids) // one allocation for the ids of a whole batch
	ok, throttled := 0, 0
	clear(r.classes[:])
	r.took = r.took[:0]
	for i := range b.told {
		t := &b.told[i]
		if int(t.class) < Classes && !t.late && !t.own {
			r.classes[t.class]++
		}
		if t.took > 0 {
			r.took = append(r.took, t.took)
		}
		switch {
		case t.late:
			r.late(t, ids[t.id:t.to])
		case t.class == ClassOK:
			r.answers = append(r.answers, answer{t.sub, ids[t.id:t.to], false})
			ok++
		default:
			r.owe(t, now)
		}
		if t.class == ClassThrottled && !t.late {
			throttled++
		}
	}
	r.observe(ok, throttled)
}

func (r *responder) observe(ok, throttled int) {
	for c, n := range r.classes {
		if n > 0 {
			r.d.cfg.Observer.Submits(Class(c), n)
		}
	}
	if len(r.took) > 0 {
		r.d.cfg.Observer.Answered(r.took)
	}
	if ok+throttled > 0 {
		r.d.rate.Answered(ok, throttled)
	}
}

// late sorts an answer that came after its part was settled as uncertain.
// A refusal for now changes nothing: the part waits for its next try anyway.
func (r *responder) late(t *told, id string) {
	switch t.class {
	case ClassOK:
		r.answers = append(r.answers, answer{t.sub, id, true})
	case ClassPermanent:
		r.lates = append(r.lates, r.d.cfg.lateFinish(t.sub, queue.StatusRejected, t.err))
	}
}

func (c *Config) lateFinish(sub *Submission, st queue.Status, err queue.Error) queue.Finish {
	return queue.Finish{Part: sub.Part, Status: st, Late: true, Carrier: c.Carrier, Error: err}
}

func (r *responder) owe(t *told, now time.Time) {
	s := r.d.cfg.settlement(t)
	o := owed{t.sub, &s, refusal(t.class)}
	if !goesBack(t.class) {
		r.settles = append(r.settles, o)
		return
	}
	if len(r.backs) == 0 {
		r.backSince = now
	}
	r.backs = append(r.backs, o)
}

// correlate makes the ids of responses known. What was answered goes on to
// settle; the rest stays for the next round.
func (r *responder) correlate(ctx context.Context) error {
	noID := 0
	for len(r.answers) > 0 {
		n := min(len(r.answers), r.d.most())
		r.cs = r.cs[:0]
		for _, a := range r.answers[:n] {
			if a.id == "" {
				noID++
				continue
			}
			r.cs = append(r.cs, dlr.Correlation{ID: a.id, Part: a.sub.Part, To: a.sub.Message.To})
		}
		if len(r.cs) > 0 {
			call, cancel := context.WithTimeout(ctx, r.d.cfg.CallTimeout)
			parked, err := r.d.homes.Correlator.Correlate(call, r.cs)
			cancel()
			if err != nil {
				r.d.complain("correlate", err)
				return err
			}
			r.d.calm("correlate")
			r.parked = append(r.parked, parked...)
		}
		r.known(r.answers[:n])
		r.answers = cutFront(r.answers, n)
	}
	if noID > 0 {
		r.d.cfg.Observer.NoID(noID)
		r.d.cfg.Log.Warn().Str("carrier", r.d.cfg.Carrier).Int("parts", noID).
			Msg("carrier took submissions without giving an id; no receipt can name them")
	}
	return nil
}

// known passes on answers whose ids the carrier's home has.
func (r *responder) known(as []answer) {
	for _, a := range as {
		if a.late {
			r.lates = append(r.lates, r.d.cfg.lateFinish(a.sub, queue.StatusSubmitted, queue.Error{}))
			continue
		}
		r.settles = append(r.settles, owed{sub: a.sub})
	}
}

// cutFront removes the first n elements and keeps the array.
func cutFront[T any](s []T, n int) []T {
	rest := copy(s, s[n:])
	clear(s[rest:])
	return s[:rest]
}
