package smpp

import "time"

// action is what a tick of the timers asks for.
type action uint8

const (
	rest       action = iota
	askEnquire        // send enquire_link
	giveUp            // the peer is silent
	closeNow          // the time for closing in order is over
)

// timers decides by values alone; all times are since the session's start.
// Response time-outs are the window's (window.expire). Who uses it holds
// Session.mu.
type timers struct {
	enquireAfter time.Duration // silence until we ask; <= 0: never
	answerWithin time.Duration // until an enquire_link counts as missed
	misses       int           // missed ones until giveUp

	heard   time.Duration // the last whole PDU of the peer
	asked   time.Duration // our last enquire_link
	asking  bool          // nothing was heard since asked
	missed  int
	closeBy time.Duration // 0: not closing
}

// hear notes a whole PDU: any of them shows that the peer lives. Single octets
// do not: a peer that sends one a second would never be asked.
func (t *timers) hear(now time.Duration) {
	t.heard, t.asking = now, false
}

// tick says what to do at now. overdue tells that requests have just timed
// out: then we ask at once, but not more often than an answer may take.
func (t *timers) tick(now time.Duration, overdue bool) action {
	switch {
	case t.closeBy != 0 && now >= t.closeBy:
		return closeNow
	case t.asking:
		return t.wait(now)
	case t.enquireAfter <= 0:
		return rest
	case now-t.heard >= t.enquireAfter,
		overdue && (t.asked == 0 || now-t.asked >= t.answerWithin):
		t.ask(now)
		return askEnquire
	}
	return rest
}

// next is when tick has something to say at the earliest, but for what is
// overdue; false: never, as things stand.
func (t *timers) next() (at time.Duration, ok bool) {
	switch {
	case t.asking:
		at, ok = t.asked+t.answerWithin, true
	case t.enquireAfter > 0:
		at, ok = t.heard+t.enquireAfter, true
	}
	if t.closeBy != 0 && (!ok || t.closeBy < at) {
		at, ok = t.closeBy, true
	}
	return at, ok
}

// ask notes that the peer is asked at now.
func (t *timers) ask(now time.Duration) { t.asked, t.asking, t.missed = now, true, 0 }

func (t *timers) wait(now time.Duration) action {
	if now-t.asked < t.answerWithin {
		return rest
	}
	t.missed++
	if t.missed >= t.misses {
		return giveUp
	}
	t.asked = now
	return askEnquire
}
