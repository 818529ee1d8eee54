package dispatch

import (
	"sync/atomic"
	"time"
)

// Urgency is what the dispatchers of a process tell each other: that one of them
// leased urgent parts lately. A call to Redis waits for those before it, so while
// urgent messages flow all calls are kept short, at some microseconds of Redis a
// call more. The zero value is ready.
type Urgency struct{ last atomic.Int64 }

// urgentFor is how long an urgent part keeps calls short.
const urgentFor = time.Second

func (u *Urgency) seen(now time.Time) { u.last.Store(now.UnixNano()) }

// most is how many parts go into a call now.
func (u *Urgency) most(now time.Time) int {
	if past := now.UnixNano() - u.last.Load(); past >= 0 && past < int64(urgentFor) {
		return batchUrgent
	}
	return batchMax
}

// most is how many parts go into a call now.
func (d *Dispatcher) most() int { return d.cfg.Urgency.most(time.Now()) }
