package bindpool

import (
	"errors"
	"time"

	"bindery/smpp"
	"bindery/smpp/pdu"
)

// alarmTries is from which failed try on it is time for a person.
const alarmTries = 3

// backoff decides how long a bind waits before its next try. It is a value
// without a clock: random numbers within [0,1) are passed in.
type backoff struct {
	first, bound, refused time.Duration
	tries                 int
}

// next counts a failed try.
func (b *backoff) next(err error, random float64) time.Duration {
	limit := b.limit()
	b.tries++
	switch kind(err) {
	case credentials:
		return b.refused + share(limit, random)
	case passing:
		return limit/2 + share(limit/2, random)
	default:
		return share(limit, random)
	}
}

// limit is first × 2^tries, at most bound.
func (b *backoff) limit() time.Duration {
	limit := b.first
	for range b.tries {
		if limit >= b.bound {
			return b.bound
		}
		limit *= 2
	}
	return min(limit, b.bound)
}

func share(d time.Duration, random float64) time.Duration {
	return time.Duration(float64(d) * random)
}

// failureKind is who said no.
type failureKind uint8

const (
	network failureKind = iota
	passing
	credentials
)

// kind sorts failures. A status that is in neither list is treated like the
// network: tried again, with growing waits.
func kind(err error) failureKind {
	var refused *smpp.BindError
	if !errors.As(err, &refused) {
		return network
	}
	switch refused.Status {
	case pdu.StatusAlyBnd, pdu.StatusSysErr, pdu.StatusMsgQFul, pdu.StatusThrottled:
		return passing
	case pdu.StatusInvSysTyp: // some say so for a wrong name
		return credentials
	}
	if refused.Status.Class() == pdu.ClassAuth {
		return credentials
	}
	return network
}
