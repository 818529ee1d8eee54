package dispatch

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"bindery/queue"
)

// tenure is one owner's time as holder of leases.
type tenure struct {
	owner  Leaser
	lapsed atomic.Bool // its row is gone: nothing may be settled under it
}

type state uint8

const (
	leased   state = iota // in the hand
	written               // handed to the connector
	doubtful              // its outcome was ClassUncertain: one late answer may come
	answered              // its outcome was told, or it was taken back
)

// ticket is what dispatch knows of a submission. state is guarded by hand.mu;
// the rest is set before the submission leaves the hand.
type ticket struct {
	tenure *tenure
	order  uint64    // of leasing
	at     time.Time // handed to the connector
	state  state
}

// hand is what this carrier holds of the queue: leased and not settled.
type hand struct {
	mu          sync.Mutex     // guards all below; taken before inbox.mu
	waiting     [][]Submission // not handed over yet, in order; one lease or a rest of it each
	parts       int            // in waiting
	held        int            // parts: leased, and no settle answered
	open        int            // handed to the connector without an outcome
	returning   int            // on their way back to the head of their lanes
	refused     int            // of them, throttled: nothing later may be written before them
	refilled    bool           // some went back since the leaser last looked
	asking      bool           // a lease call is out
	stopping    bool
	stalled     bool // nothing moved for a while: not leasing until something does
	pausedUntil time.Time
	moved       time.Time // when a part last left, or the first began to wait
	order       uint64
	pace        pace
	changed     chan struct{} // signalled when held or asking went down
}

// pace measures submissions in steps of ahead.
type pace struct {
	start   time.Time
	n, last int
}

func (p *pace) roll(now time.Time) {
	switch past := now.Sub(p.start); {
	case past >= 2*ahead:
		p.start, p.n, p.last = now, 0, 0
	case past >= ahead:
		p.start, p.last, p.n = now, p.n, 0
	}
}

func (p *pace) measured() int { return max(p.n, p.last) }

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// add appends what a lease answered.
func (h *hand) add(l *queue.Lease, t *tenure, now time.Time) {
	run := make([]Submission, len(l.Parts))
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := range l.Parts {
		h.order++
		run[i] = submission(&l.Parts[i], l.Number)
		run[i].ticket = ticket{tenure: t, order: h.order}
	}
	if h.parts == 0 {
		h.moved = now
	}
	h.waiting = append(h.waiting, run)
	h.parts += len(run)
	h.held += len(run)
}

func submission(p *queue.Leased, n queue.LeaseNumber) Submission {
	s := Submission{
		Part: p.Part, Message: *p.Message, Position: p.Position,
		Parts: uint8(min(p.Message.Parts, 255)), Attempt: p.Attempt, MaybeSent: p.MaybeSent, Lease: n,
	}
	if m := p.Message; m.Validity > 0 {
		s.Deadline = m.AcceptedAt.Add(m.Validity)
		if !m.SendAt.IsZero() {
			s.Deadline = m.SendAt.Add(m.Validity)
		}
	}
	return s
}

// take takes at most n parts that may be written off the front, as one run. What
// stands before it and must not be written is in over, all of one class. A
// lapsed owner's parts are never there.
func (h *hand) take(n int, now time.Time, c *Config) (run, over []Submission, why Class) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.parts == 0 {
		return nil, nil, 0
	}
	first := h.waiting[0]
	dead := 0
	for ; dead < len(first); dead++ {
		class, ended := c.ended(&first[dead], now)
		if !ended || dead > 0 && class != why {
			break
		}
		why = class
	}
	end := dead
	for ; end < len(first) && end-dead < n; end++ {
		if _, ended := c.ended(&first[end], now); ended {
			break
		}
		first[end].ticket.state, first[end].ticket.at = written, now
	}
	h.cut(first, end)
	if end > dead {
		h.open += end - dead
		h.moved = now
		h.pace.roll(now)
		h.pace.n += end - dead
	}
	return first[dead:end:end], first[:dead:dead], why
}

func (h *hand) cut(first []Submission, n int) {
	h.parts -= n
	if n < len(first) {
		h.waiting[0] = first[n:]
		return
	}
	h.waiting[0] = nil
	h.waiting = h.waiting[1:]
}

// untake undoes take for a run that was not handed over.
func (h *hand) untake(run []Submission) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.open -= len(run)
	if run[0].ticket.tenure.lapsed.Load() {
		h.held -= len(run)
		signal(h.changed)
		return
	}
	for i := range run {
		run[i].ticket.state = leased
	}
	h.waiting = slices.Insert(h.waiting, 0, run)
	h.parts += len(run)
}

// drop forgets what waits of a lapsed owner.
func (h *hand) drop(t *tenure) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.waiting = slices.DeleteFunc(h.waiting, func(run []Submission) bool {
		if run[0].ticket.tenure != t {
			return false
		}
		h.parts -= len(run)
		h.held -= len(run)
		return true
	})
	signal(h.changed)
}

// release gives the credits back of parts that were settled or are another's.
func (h *hand) release(os []owed) {
	h.mu.Lock()
	h.held -= len(os)
	for i := range os {
		if s := os[i].s; s != nil && s.Verdict == queue.Back {
			h.returning--
			h.refilled = true
		}
		if os[i].refused {
			h.refused--
		}
	}
	h.mu.Unlock()
	signal(h.changed)
}

// pause keeps the carrier quiet until now+d. A pause that runs is not prolonged
// by what was written before it.
func (h *hand) pause(now time.Time, d time.Duration) {
	if !h.paused(now) {
		h.pausedUntil = now.Add(d)
	}
}

func (h *hand) paused(now time.Time) bool { return now.Before(h.pausedUntil) }

// holds tells whether the carrier is to be sent nothing: in a pause, and until
// what was refused is back at the head of its lane, be the pause over or not.
func (h *hand) holds(now time.Time) bool { return h.refused > 0 || h.paused(now) }

// refusal tells classes by which the carrier refuses for now to take anything.
func refusal(c Class) bool { return c == ClassThrottled || c == ClassSession }

// told notes an outcome and answers whether it is one that was owed.
func (h *hand) told(o *Outcome) bool {
	t := &o.Submission.ticket
	if o.Late {
		if t.state != doubtful {
			return false
		}
		t.state = answered
		return true
	}
	if t.state != written {
		return false
	}
	t.state = answered
	if o.Class == ClassUncertain {
		t.state = doubtful
	}
	if goesBack(o.Class) {
		h.returning++
	}
	if refusal(o.Class) {
		h.refused++
	}
	h.open--
	return true
}
