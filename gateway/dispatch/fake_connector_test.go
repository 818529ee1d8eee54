package dispatch

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"bindery/queue"
)

// reply is what the fake carrier does with a submission.
type reply struct {
	after time.Duration
	class Class
	late  time.Duration // with ClassUncertain: a late OK this long after submit
	never bool
	sync  bool // told from inside Submit
}

// step is one submit, or one throttled answer.
type step struct {
	name      string
	throttled bool
	at        time.Time
}

// fakeConn is a Connector whose carrier answers by a function.
type fakeConn struct {
	mu       sync.Mutex
	window   int
	open     map[*Submission]bool
	freed    chan struct{}
	answer   func(name string, try int) reply
	sink     Sink
	submits  []string
	at       []time.Time
	tries    map[string]int
	outcomes map[*Submission]int
	bad      []string
	history  []step // submits and throttles, as they came
}

func newFakeConn(window int) *fakeConn {
	return &fakeConn{
		window: window, open: map[*Submission]bool{}, freed: make(chan struct{}, 1), tries: map[string]int{},
		outcomes: map[*Submission]int{},
		answer:   func(string, int) reply { return reply{} },
	}
}

func (c *fakeConn) Window() int { c.mu.Lock(); defer c.mu.Unlock(); return c.window }

func (c *fakeConn) Freed() <-chan struct{} { return c.freed }

func (c *fakeConn) Slots() int { c.mu.Lock(); defer c.mu.Unlock(); return max(0, c.window-len(c.open)) }

func (c *fakeConn) Submit(ss []Submission) {
	var now []*Submission
	c.mu.Lock()
	if len(ss) > c.window-len(c.open) {
		c.bad = append(c.bad, fmt.Sprintf("%d submissions for %d slots", len(ss), c.window-len(c.open)))
	}
	for i := range ss {
		s, name := &ss[i], ss[i].Message.Text
		c.tries[name]++
		c.open[s] = true
		c.submits, c.at = append(c.submits, name), append(c.at, time.Now())
		c.history = append(c.history, step{name, false, time.Now()})
		r := c.answer(name, c.tries[name])
		switch {
		case r.sync:
			now = append(now, s)
		case !r.never:
			time.AfterFunc(r.after, func() { c.tell(s, r.class, false) })
		}
		if r.late > 0 {
			time.AfterFunc(r.late, func() { c.tell(s, ClassOK, true) })
		}
	}
	c.mu.Unlock()
	for _, s := range now {
		c.tell(s, c.answer(s.Message.Text, c.tries[s.Message.Text]).class, false)
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// tell gives one outcome to the sink, the slot only after it.
func (c *fakeConn) tell(s *Submission, class Class, late bool) {
	c.mu.Lock()
	ended := !late && (!c.open[s] || c.outcomes[s] > 0)
	c.outcomes[s] += btoi(!late && !ended)
	if class == ClassThrottled {
		c.history = append(c.history, step{s.Message.Text, true, time.Now()})
	}
	c.mu.Unlock()
	if ended {
		return // the bind ended before the carrier answered
	}
	o := Outcome{Submission: s, Class: class, Late: late}
	if class == ClassOK {
		o.CarrierID = []byte("id-" + s.Message.Text)
	} else {
		o.Error = queue.Error{Code: "smpp:0x08"}
	}
	c.sink.Outcomes([]Outcome{o})
	c.mu.Lock()
	if !late {
		delete(c.open, s)
	}
	c.mu.Unlock()
	signal(c.freed)
}

func (c *fakeConn) unanswered() []*Submission {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Collect(maps.Keys(c.open))
}

// unbind ends the bind: every open submission ends as class.
func (c *fakeConn) unbind(class Class) {
	c.mu.Lock()
	c.window = 0
	c.mu.Unlock()
	for _, s := range c.unanswered() {
		c.tell(s, class, false)
	}
	signal(c.freed)
}

func (c *fakeConn) bind(window int) { c.mu.Lock(); c.window = window; c.mu.Unlock(); signal(c.freed) }

func (c *fakeConn) sent() []string { c.mu.Lock(); defer c.mu.Unlock(); return slices.Clone(c.submits) }

// fakeRate gives tokens away until they are gone.
type fakeRate struct {
	mu        sync.Mutex
	perSecond float64
	tokens    int
	ready     chan struct{}
	paused    bool
	ok, thr   int
}

func (f *fakeRate) Take(n int) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n = min(n, f.tokens)
	f.tokens -= n
	return n
}

func (f *fakeRate) Return(n int) { f.mu.Lock(); f.tokens += n; f.mu.Unlock() }

func (f *fakeRate) Ready() <-chan struct{} { return f.ready }

func (f *fakeRate) PerSecond() float64 { return f.perSecond }

func (f *fakeRate) Paused() bool { f.mu.Lock(); defer f.mu.Unlock(); return f.paused }

func (f *fakeRate) pause(p bool) { f.mu.Lock(); f.paused = p; f.mu.Unlock() }

func (f *fakeRate) Answered(ok, thr int) { f.mu.Lock(); f.ok += ok; f.thr += thr; f.mu.Unlock() }
