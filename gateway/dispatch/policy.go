package dispatch

import (
	"math/rand/v2"
	"time"

	"bindery/queue"
)

// Backoff between tries (CONTRACT: from 1s to 5m).
const (
	backoffMin = time.Second
	backoffMax = 5 * time.Minute
)

// goesBack tells whether a part of this class goes to the head of its lane,
// with no attempt burnt.
func goesBack(c Class) bool {
	return c == ClassThrottled || c == ClassSession || c == ClassUnsent
}

// backoff is the delay before the try that follows the given one: twice as
// long each time, the second half of it at random, so that what failed together
// does not come back together.
func backoff(attempt uint8) time.Duration {
	d := backoffMax
	if attempt < 9 {
		d = min(d, 2*backoffMin<<max(0, int(attempt)-1))
	}
	return d/2 + rand.N(d/2)
}

// settlement is what a class means for a leased part.
func (c *Config) settlement(t *told) queue.Settlement {
	s := queue.Settlement{Part: t.sub.Part, Lease: t.sub.Lease, Carrier: c.Carrier, Error: t.err}
	switch t.class {
	case ClassOK:
		s.Verdict, s.Error = queue.Submitted, queue.Error{}
	case ClassThrottled, ClassSession, ClassUnsent:
		s.Verdict, s.Error = queue.Back, queue.Error{}
	case ClassPermanent:
		s.Verdict = queue.Refused
	case ClassUncertain:
		c.uncertain(&s, t.sub)
	case ClassSurplus:
		s.Verdict, s.Error = queue.Surplus, queue.Error{}
	case classExpired:
		s.Verdict, s.Error = queue.Expired, queue.Error{Code: "validity", Message: "validity ended before it was sent"}
	case classSpent:
		c.unknown(&s)
	default: // ClassTemporary, and whatever a connector may yet think of
		c.temporary(&s, t.sub)
	}
	return s
}

func (c *Config) temporary(s *queue.Settlement, sub *Submission) {
	if int(sub.Attempt) < c.TemporaryTries {
		s.Verdict, s.Delay = queue.Retry, backoff(sub.Attempt)
		return
	}
	s.Verdict = queue.Failed
	message := "retries used up"
	if s.Error.Code != "" {
		message += ", last " + s.Error.Code
	}
	s.Error = queue.Error{Code: "retries", Message: message}
}

// uncertain waits at least one more response time-out, so that an answer which
// is only late settles the part before it is sent again. Attempts count every
// try, so only a part that was in doubt before can have used up its tries.
func (c *Config) uncertain(s *queue.Settlement, sub *Submission) {
	if sub.MaybeSent && int(sub.Attempt) >= c.UncertainTries && !sub.Message.Hold {
		c.unknown(s)
		return
	}
	s.Verdict, s.Delay = queue.Uncertain, max(c.ResponseTimeout, backoff(sub.Attempt))
}

// unknown ends a part that is maybe sent: what expires then ends as unknown.
func (c *Config) unknown(s *queue.Settlement) {
	s.Verdict = queue.Expired
	s.Error = queue.Error{Code: "uncertain", Message: "no answer to any try"}
}

// ended answers whether a part must not be written, and why. With one try
// only, what is maybe sent has had it.
func (c *Config) ended(sub *Submission, now time.Time) (Class, bool) {
	switch {
	case !sub.Deadline.IsZero() && !now.Before(sub.Deadline):
		return classExpired, true
	case c.UncertainTries == 1 && sub.MaybeSent:
		return classSpent, true
	}
	return 0, false
}
