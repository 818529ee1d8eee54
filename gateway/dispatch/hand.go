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
	mu          sync.Mutex // guards all below; taken before inbox.mu
	urgent      line       // goes before
	others      line
	passed      int  // urgent parts that went before others that wait
	parts       int  // that wait, of both
	held        int  // parts: leased, and no settle answered
	heldUrgent  int  // of them, urgent ones
	open        int  // handed to the connector without an outcome
	returning   int  // on their way back to the head of their lanes
	refused     int  // of them, throttled: nothing later may be written before them
	refilled    bool // some went back since the leaser last looked
	asking      bool // a lease call is out
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

// line is what waits to be handed over, in order.
type line struct {
	runs  [][]Submission // one lease or a rest of it each
	parts int
}

func (l *line) add(run []Submission) {
	if len(run) > 0 {
		l.runs = append(l.runs, run)
		l.parts += len(run)
	}
}

func (l *line) putBack(run []Submission) {
	l.runs = slices.Insert(l.runs, 0, run)
	l.parts += len(run)
}

// cut takes n parts off the first run.
func (l *line) cut(n int) {
	l.parts -= n
	if first := l.runs[0]; n < len(first) {
		l.runs[0] = first[n:]
		return
	}
	l.runs[0] = nil
	l.runs = l.runs[1:]
}

// drop forgets what is of a tenure and answers how many parts.
func (l *line) drop(t *tenure) int {
	before := l.parts
	l.runs = slices.DeleteFunc(l.runs, func(run []Submission) bool {
		if run[0].ticket.tenure != t {
			return false
		}
		l.parts -= len(run)
		return true
	})
	return before - l.parts
}

func (s *Submission) urgent() bool { return s.Message.Priority == queue.Urgent }

func (h *hand) lineOf(s *Submission) *line {
	if s.urgent() {
		return &h.urgent
	}
	return &h.others
}

// add appends what a lease answered: the urgent ones, whose number it answers, to
// their line.
func (h *hand) add(l *queue.Lease, t *tenure, now time.Time) (urgent int) {
	for i := range l.Parts {
		if l.Parts[i].Message.Priority == queue.Urgent {
			urgent++
		}
	}
	run := make([]Submission, len(l.Parts))
	first, second := 0, urgent
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := range l.Parts {
		place := &second
		if l.Parts[i].Message.Priority == queue.Urgent {
			place = &first
		}
		h.order++
		run[*place] = submission(&l.Parts[i], l.Number)
		run[*place].ticket = ticket{tenure: t, order: h.order}
		*place++
	}
	if h.parts == 0 {
		h.moved = now
	}
	h.urgent.add(run[:urgent:urgent])
	h.others.add(run[urgent:])
	h.parts += len(run)
	h.held += len(run)
	h.heldUrgent += urgent
	return urgent
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

// next answers whose turn it is, and how many parts of at most n may go: urgent
// ones first, but after each urgentTurn of them one of the others that wait, so
// that a flood of urgent ones holds nothing for good of what is leased.
func (h *hand) next(n int) (*line, int) {
	if h.urgent.parts == 0 || h.others.parts == 0 {
		h.passed = 0
		if h.urgent.parts == 0 {
			return &h.others, n
		}
		return &h.urgent, n
	}
	if due := h.passed / urgentTurn; due > 0 {
		h.passed = 0
		return &h.others, min(n, due)
	}
	return &h.urgent, n
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
	from, n := h.next(n)
	first := from.runs[0]
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
	from.cut(end)
	h.parts -= end
	if from == &h.urgent {
		h.passed += end - dead
	}
	if end > dead {
		h.open += end - dead
		h.moved = now
		h.pace.roll(now)
		h.pace.n += end - dead
	}
	return first[dead:end:end], first[:dead:dead], why
}

// untake undoes take for a run that was not handed over.
func (h *hand) untake(run []Submission) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.open -= len(run)
	if run[0].ticket.tenure.lapsed.Load() {
		h.held -= len(run)
		if run[0].urgent() {
			h.heldUrgent -= len(run)
		}
		signal(h.changed)
		return
	}
	for i := range run {
		run[i].ticket.state = leased
	}
	h.lineOf(&run[0]).putBack(run)
	h.parts += len(run)
}

// drop forgets what waits of a lapsed owner.
func (h *hand) drop(t *tenure) {
	h.mu.Lock()
	defer h.mu.Unlock()
	urgent := h.urgent.drop(t)
	all := urgent + h.others.drop(t)
	h.parts -= all
	h.held -= all
	h.heldUrgent -= urgent
	signal(h.changed)
}

// release gives the credits back of parts that were settled or are another's.
func (h *hand) release(os []owed) {
	h.mu.Lock()
	h.held -= len(os)
	for i := range os {
		if os[i].sub.urgent() {
			h.heldUrgent--
		}
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
