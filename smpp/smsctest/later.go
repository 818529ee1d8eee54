package smsctest

import "time"

// later runs what is due at a time, on one timer. SMSC.mu guards it.
type later struct {
	smsc     *SMSC
	schedule schedule
	timer    *time.Timer
	stopped  bool
}

func (l *later) start(s *SMSC) {
	l.smsc = s
	l.schedule = schedule{start: time.Now(), buckets: map[int64]*bucket{}}
}

// at files e for a time; the past means as soon as possible.
func (l *later) at(t time.Time, e event) {
	if !l.stopped && l.schedule.add(t, e) {
		l.arm()
	}
}

// call files a function that is run with SMSC.mu held.
func (l *later) call(t time.Time, fn func()) { l.at(t, event{fn: fn}) }

func (l *later) arm() {
	next, ok := l.schedule.next()
	if !ok || l.stopped {
		return
	}
	if d := time.Until(next); l.timer == nil {
		l.timer = time.AfterFunc(d, l.run)
	} else {
		l.timer.Reset(d)
	}
}

func (l *later) stop() {
	l.stopped = true
	if l.timer != nil {
		l.timer.Stop()
	}
}

func (l *later) run() {
	l.smsc.mu.Lock()
	defer l.smsc.unlock()
	now := time.Now()
	for !l.stopped {
		b := l.schedule.due(now)
		if b == nil {
			break
		}
		for i := range b.events {
			b.events[i].run(l.smsc, now)
		}
		l.schedule.done(b)
	}
	l.arm()
}

func (e *event) run(s *SMSC, now time.Time) {
	switch {
	case e.fn != nil:
		e.fn()
	case e.kind == eventAnswer:
		e.answer.c.emit(e.answer, now)
	case e.kind == eventDelivery:
		s.deliver(e.delivery, now)
	}
}
