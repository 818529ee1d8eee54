package dispatch

import (
	"errors"
	"fmt"
	"time"

	"github.com/rs/zerolog"
)

// Config holds the settings of one carrier's dispatcher; the zero value of a
// field means its default.
type Config struct {
	Carrier string
	Routes  []string // that this carrier drains now; SetRoutes changes them

	ResponseTimeout time.Duration // of the connector; default 10 s
	TemporaryTries  int           // then failed; default 12, 1..255
	UncertainTries  int           // then unknown; default 3, 1..255
	ThrottlePause   time.Duration // silence after a throttled response; default 100 ms
	SessionPause    time.Duration // silence after a response that blames the bind; default 1 s

	// Look is between looks when no doorbell rings; default 200 ms. It may be
	// longer where somebody else looks for many: rings Wake when something waits,
	// and calls Tick.
	Look        time.Duration
	CallTimeout time.Duration // of one call to Redis; default 5 s
	MaxUnstored int           // receipts and inbound messages in memory; default 20,000

	Urgency  *Urgency        // shared by the dispatchers of a process; nil: this one's own
	Wake     <-chan struct{} // the queue's doorbell; nil: only looks
	Observer Observer        // nil: nobody listens
	Log      zerolog.Logger
}

const (
	urgentTurn = 16 // urgent parts in the hand that go before one that is none
	// of reserveOf credits one is for urgent parts only, and one from reserveMin on
	reserveOf  = 20
	reserveMin = 8
)

const (
	batchMax = 500 // parts a call (DESIGN.md section 5)
	// while urgent messages flow: what Redis does in about a quarter of a millisecond
	batchUrgent = 150
	batchMin    = 64                    // what is worth a call at once
	linger      = 2 * time.Millisecond  // between calls of fewer than batchMin
	hurry       = linger / 4            // between calls while urgent messages may wait
	ahead       = 50 * time.Millisecond // of the rate, what may wait leased
	gather      = 200 * time.Millisecond
	walk        = time.Second            // between looks at parked receipts, and between sweeps
	stroll      = 30 * time.Second       // between looks when nothing is parked
	forget      = 15 * time.Second       // after what was to be forgotten all of it is swept
	retire      = time.Minute            // between sweeps when there is nothing to forget
	again       = 200 * time.Millisecond // after a lease call that failed
	stall       = time.Second            // without progress, then what waits goes back
	retryMin    = 50 * time.Millisecond
	retryMax    = time.Second
)

func (c Config) withDefaults() Config {
	set(&c.ResponseTimeout, 10*time.Second)
	set(&c.TemporaryTries, 12)
	set(&c.UncertainTries, 3)
	set(&c.ThrottlePause, 100*time.Millisecond)
	set(&c.SessionPause, time.Second)
	set(&c.Look, 200*time.Millisecond)
	set(&c.CallTimeout, 5*time.Second)
	set(&c.MaxUnstored, 20_000)
	if c.Urgency == nil {
		c.Urgency = &Urgency{}
	}
	if c.Observer == nil {
		c.Observer = deaf{}
	}
	return c
}

func set[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Validate names every field that is out of its range.
func (c Config) Validate() error {
	c = c.withDefaults()
	var errs []error
	if c.Carrier == "" {
		errs = append(errs, errors.New("dispatch: carrier has no id"))
	}
	tries := func(field string, n int) {
		if n < 1 || n > 255 {
			errs = append(errs, fmt.Errorf("dispatch: %s: %d is not within 1..255", field, n))
		}
	}
	tries("retry.temporary", c.TemporaryTries)
	tries("retry.uncertain", c.UncertainTries)
	for field, d := range map[string]time.Duration{
		"response_timeout": c.ResponseTimeout, "throttle_pause": c.ThrottlePause, "session_pause": c.SessionPause,
		"look": c.Look, "call_timeout": c.CallTimeout,
	} {
		if d < 0 {
			errs = append(errs, fmt.Errorf("dispatch: %s: %s is negative", field, d))
		}
	}
	if c.MaxUnstored < 0 {
		errs = append(errs, fmt.Errorf("dispatch: max_unstored: %d is negative", c.MaxUnstored))
	}
	return errors.Join(errs...)
}
