package dispatch

import (
	"errors"
	"sync"
	"time"

	"bindery/dlr"
	"bindery/queue"
)

// errBusy answers what finds no room in memory.
var errBusy = errors.New("dispatch: too much is not stored yet")

// told is an outcome as the inbox keeps it.
type told struct {
	sub    *Submission
	class  Class
	late   bool
	own    bool // dispatch took it back itself: no outcome of the connector
	err    queue.Error
	id, to int           // the carrier's id: batch.ids[id:to]
	took   time.Duration // from submit to response; 0: there was none
}

// batch is what gathers until the responder's next round.
type batch struct {
	told     []told
	ids      []byte
	receipts []dlr.Receipt
	acks     []Ack // of receipts
	inbounds []Inbound
	unparsed []Unparsed
}

func (b *batch) size() int {
	return len(b.told) + len(b.receipts) + len(b.inbounds) + len(b.unparsed)
}

// reset empties b for its next turn; references are dropped, arrays kept.
func (b *batch) reset() {
	clear(b.told)
	clear(b.receipts)
	clear(b.acks)
	clear(b.inbounds)
	clear(b.unparsed)
	b.told, b.ids, b.receipts = b.told[:0], b.ids[:0], b.receipts[:0]
	b.acks, b.inbounds, b.unparsed = b.acks[:0], b.inbounds[:0], b.unparsed[:0]
}

// inbox is what the connector told and no round took yet. Outcomes are bounded
// by the credits, all else by unstored.
type inbox struct {
	mu       sync.Mutex // guards all below but signal
	now      *batch
	spare    *batch
	unstored int // receipts and inbound messages, those of the running round too
	signal   chan struct{}
}

func newInbox() *inbox {
	return &inbox{now: new(batch), spare: new(batch), signal: make(chan struct{}, 1)}
}

// swap hands out what gathered. The batch goes back by done.
func (in *inbox) swap() *batch {
	in.mu.Lock()
	defer in.mu.Unlock()
	b := in.now
	in.now, in.spare = in.spare, nil
	return b
}

func (in *inbox) done(b *batch) {
	b.reset()
	in.mu.Lock()
	in.spare = b
	in.mu.Unlock()
}

func (in *inbox) size() int {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.now.size()
}

// room reserves up to n places of limit and answers how many there were.
func (in *inbox) room(n, limit int) int {
	n = max(0, min(n, limit-in.unstored))
	in.unstored += n
	return n
}

func (in *inbox) stored(n int) {
	in.mu.Lock()
	in.unstored -= n
	in.mu.Unlock()
}

func (in *inbox) add(o *Outcome, now time.Time) {
	t := told{sub: o.Submission, class: o.Class, late: o.Late, err: o.Error, id: len(in.now.ids)}
	if !o.Late && (o.Class == ClassOK || o.Code != 0) {
		t.took = max(1, now.Sub(o.Submission.ticket.at))
	}
	in.now.ids = append(in.now.ids, o.CarrierID...)
	t.to = len(in.now.ids)
	in.now.told = append(in.now.told, t)
}

// Outcomes is part of Sink. A throttled response stops the submitter here, on
// the reader's goroutine, before the slot that it freed can be used again.
func (d *Dispatcher) Outcomes(os []Outcome) {
	now, strange := time.Now(), 0
	d.hand.mu.Lock()
	d.in.mu.Lock()
	for i := range os {
		o := &os[i]
		if o.Submission == nil || !d.hand.told(o) {
			strange++
			continue
		}
		d.in.add(o, now)
		switch {
		case o.Late:
		case o.Class == ClassThrottled:
			d.hand.pause(now, d.cfg.ThrottlePause)
		case o.Class == ClassSession:
			d.hand.pause(now, d.cfg.SessionPause)
		}
	}
	refused := d.hand.refused > 0
	d.in.mu.Unlock()
	d.hand.mu.Unlock()
	if strange > 0 {
		d.cfg.Log.Error().Int("outcomes", strange).Msg("connector told an outcome that was not owed")
	}
	signal(d.in.signal)
	if refused {
		signal(d.wakeSubmitter) // takes back what waits behind it
	}
}

// Receipts is part of Sink.
func (d *Dispatcher) Receipts(rs []Receipt) {
	d.in.mu.Lock()
	n := d.in.room(len(rs), d.cfg.MaxUnstored)
	for i := range rs[:n] {
		d.in.now.receipts = append(d.in.now.receipts, rs[i].Receipt)
		d.in.now.acks = append(d.in.now.acks, rs[i].Ack)
	}
	d.in.mu.Unlock()
	for i := range rs[n:] {
		rs[n+i].Ack.stored(errBusy)
	}
	d.took(n, len(rs)-n)
}

// Inbounds is part of Sink.
func (d *Dispatcher) Inbounds(ms []Inbound) {
	d.in.mu.Lock()
	n := d.in.room(len(ms), d.cfg.MaxUnstored)
	d.in.now.inbounds = append(d.in.now.inbounds, ms[:n]...)
	d.in.mu.Unlock()
	for i := range ms[n:] {
		ms[n+i].Ack.stored(errBusy)
	}
	d.took(n, len(ms)-n)
}

// Unparsed is part of Sink.
func (d *Dispatcher) Unparsed(us []Unparsed) {
	d.in.mu.Lock()
	n := d.in.room(len(us), d.cfg.MaxUnstored)
	d.in.now.unparsed = append(d.in.now.unparsed, us[:n]...)
	d.in.mu.Unlock()
	for i := range us[n:] {
		us[n+i].Ack.stored(errBusy)
	}
	d.took(n, len(us)-n)
}

func (d *Dispatcher) took(kept, refused int) {
	if refused > 0 {
		d.cfg.Observer.Refused(refused)
	}
	if kept > 0 {
		signal(d.in.signal)
	}
}

// takeBack puts parts that were never handed over on their way back, or to
// their end.
func (d *Dispatcher) takeBack(run []Submission, class Class) {
	if len(run) == 0 {
		return
	}
	d.in.mu.Lock()
	d.in.addBack(run, class)
	d.in.mu.Unlock()
	signal(d.in.signal)
}

func (in *inbox) addBack(run []Submission, class Class) {
	for i := range run {
		in.now.told = append(in.now.told, told{sub: &run[i], class: class, own: true})
	}
}
