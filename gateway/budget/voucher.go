package budget

import (
	"errors"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"
)

// voucher tells whether a lease of bind slots may still be relied upon.
//
// A renewal that was answered vouches for a lease from when it was sent: until
// then the row in Redis stands. When Redis is silent (time-outs), others may
// reach it and take the slots once the row has lapsed, so they are given up.
// When Redis refuses (nobody listens, it loads, its cluster is down), no script
// runs and nobody can take them: they are kept, and carriers are not unbound
// because a Redis restarts. Silence that follows a refusal ends that, unless
// the refusals lasted for a whole lease: then the rows of all have lapsed, and
// whoever comes back first must be there for a lease before it takes a slot.
type voucher struct {
	lease    time.Duration
	until    time.Time // by the last answer, or by refusals that lasted
	refusing time.Time // since when all answers were refusals; zero: none
	refused  time.Time // the last refusal
}

func (v *voucher) answered(sent time.Time) {
	v.until, v.refusing = sent.Add(v.lease), time.Time{}
}

func (v *voucher) failed(now time.Time, refusal bool) {
	if !refusal {
		v.refusing = time.Time{}
		return
	}
	if v.refusing.IsZero() {
		v.refusing = now
	}
	v.refused = now
	if now.Sub(v.refusing) >= v.lease && !v.until.IsZero() {
		v.until = now.Add(v.lease)
	}
}

// holds: a refusal counts for a lease only, so that a process that was stopped
// meanwhile does not go by one of long ago.
func (v *voucher) holds(now time.Time) bool {
	return now.Before(v.until) || !v.until.IsZero() && !v.refusing.IsZero() && now.Sub(v.refused) < v.lease
}

// left is the time until slots must be given up if Redis stays silent.
func (v *voucher) left(now time.Time) time.Duration { return v.until.Sub(now) }

// isRefusal tells the errors that prove that no script runs on the carrier's
// home from mere silence.
func isRefusal(err error) bool {
	for _, prefix := range []string{"LOADING", "CLUSTERDOWN", "MASTERDOWN"} {
		if redis.HasErrorPrefix(err, prefix) {
			return true
		}
	}
	return errors.Is(err, syscall.ECONNREFUSED)
}
