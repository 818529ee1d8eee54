package dispatch

import (
	"context"
	"time"

	"bindery/dlr"
	"bindery/queue"
)

// Leaser is this process as holder of leases: *queue.Owner.
type Leaser interface {
	Holds() bool
	Lease(ctx context.Context, r queue.LeaseRequest) (*queue.Lease, error)
	Settle(ctx context.Context, ss []queue.Settlement) error
}

// Marker is a Leaser that can note that parts of hold messages are about to be
// written.
type Marker interface {
	Mark(ctx context.Context, n queue.LeaseNumber, parts []queue.Part) error
}

// Owners is where the gateway keeps the owner that the process goes by now.
type Owners interface {
	// Present is nil while there is none. An owner that is not present any more
	// has lapsed.
	Present() Leaser
	// Lapsed tells that the row of o is gone. The gateway registers another,
	// unless it has already.
	Lapsed(o Leaser)
}

// Finisher writes results that need no lease: *queue.Queue.
type Finisher interface {
	Finish(ctx context.Context, fs []queue.Finish) ([]queue.Finished, error)
}

// Correlator is the carrier's home: *dlr.Home.
type Correlator interface {
	Correlate(ctx context.Context, cs []dlr.Correlation) ([]dlr.Parked, error)
	Find(ctx context.Context, rs []dlr.Receipt) ([]dlr.Found, error)
	Look(ctx context.Context, n int) ([]dlr.Parked, error)
	Drop(ctx context.Context, ps []dlr.Parked) error
	// Forget lists ids whose part has its final; Sweep removes those that have
	// been listed for a while.
	Forget(ks []dlr.Known)
	Sweep(ctx context.Context) error
}

// Parker is a Correlator that knows whether anything is parked: while nothing is
// parked it is looked at less often.
type Parker interface{ Parking() bool }

// Rate is this instance's part of the carrier's rate (budget.Rate), and what
// else may hold the carrier back.
type Rate interface {
	// Take spends up to n tokens and answers how many there were.
	Take(n int) int
	// Return gives back n tokens of the last Take for which nothing was written.
	Return(n int)
	// Ready is signalled when Take may answer more than it last did.
	Ready() <-chan struct{}
	// PerSecond is the present rate, submissions per second; 0: no limit.
	PerSecond() float64
	// Paused tells that a person paused the carrier; its binds stay up.
	Paused() bool
	// Answered counts responses, so that the present rate can be learned.
	Answered(ok, throttled int)
}

// Keeper stores what is no receipt of ours. A nil error means: stored, all.
type Keeper interface {
	KeepInbounds(ctx context.Context, ms []Inbound) error
	KeepUnparsed(ctx context.Context, us []Unparsed) error
}

// Observer is told what happened, for metrics. Its methods are called a batch
// at a time and must not block; slices are valid until the method returns.
type Observer interface {
	// Submits counts outcomes that the connector told, by class.
	Submits(c Class, n int)
	// Answered gets the time from each submit to its response.
	Answered(took []time.Duration)
	// Finished gets what finish was asked and what it found: receipts (their
	// status, duplicates, contradictions) and late answers (Late).
	Finished(fs []queue.Finish, found []queue.Finished)
	// Parked counts receipts whose id is not known yet.
	Parked(n int)
	// NoID counts submissions taken without an id: no receipt can name them.
	NoID(n int)
	// Refused counts receipts and inbound messages that the carrier is asked
	// to repeat.
	Refused(n int)
	// Kept counts inbound messages and unparsed receipts that were stored.
	Kept(inbound, unparsed int)
}

type deaf struct{}

func (deaf) Submits(Class, int)                        {}
func (deaf) Answered([]time.Duration)                  {}
func (deaf) Finished([]queue.Finish, []queue.Finished) {}
func (deaf) Parked(int)                                {}
func (deaf) NoID(int)                                  {}
func (deaf) Refused(int)                               {}
func (deaf) Kept(int, int)                             {}

// unlimited is the Rate of a carrier without one.
type unlimited struct{}

func (unlimited) Take(n int) int         { return n }
func (unlimited) Return(int)             {}
func (unlimited) Ready() <-chan struct{} { return nil }
func (unlimited) PerSecond() float64     { return 0 }
func (unlimited) Paused() bool           { return false }
func (unlimited) Answered(int, int)      {}
