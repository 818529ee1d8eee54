// Package queue is the home of the messages: the Redis priority queue.
package queue

import (
	"context"
	"errors"
	"time"

	"bindery/internal/redisdb"
)

// Errors that callers tell apart.
var (
	ErrUnavailable = errors.New("queue: redis does not answer")         // 503
	ErrFull        = errors.New("queue: redis is full")                 // 503
	ErrKeyConflict = errors.New("queue: key was used for another body") // 409
	ErrNotFound    = errors.New("queue: no such message")               // 404
	ErrGone        = errors.New("queue: message is past the history")   // 410
	ErrTooLate     = errors.New("queue: message may have been sent")    // 409 of a cancel
	ErrLapsed      = errors.New("queue: this owner's lease has lapsed") // go on under a new owner
)

// Priority of a message; lower is sent first.
type Priority uint8

const (
	Urgent Priority = iota
	Normal
	Bulk
)

// LeaseNumber names one lease; a part is settled under the number that took it.
type LeaseNumber uint32

// Block is the name of one push: 22 characters, Crockford base32, lower case.
type Block string

// Part is one part of one message.
type Part struct {
	Block Block
	Index uint16
}

// ID is a message's id: its block and, in four characters, its first part.
type ID string

// Message is what a block's header and row hold of one message.
type Message struct {
	ID       ID
	Account  string
	Route    string
	Priority Priority

	To        string // "+" and digits
	From      string
	Text      string // UTF-8
	Encoding  string // "" is auto
	Reference string
	Campaign  string
	Callback  string
	Hold      bool // on_uncertain: hold

	Parts         int    // reserved: of the route's largest carrier
	ConcatRef     uint16 // drawn at accept
	AcceptedAt    time.Time
	SendAt        time.Time     // zero: at once
	Validity      time.Duration // from SendAt or AcceptedAt
	ValidityNamed bool          // the message named it, so the carrier is told
}

// Key is an Idempotency-Key of an account and the bytes that it stands for.
type Key struct {
	Hash [16]byte // of the key
	Body [16]byte // of the body
}

// Push is one block to accept: messages of one account, route and priority.
type Push struct {
	Account  string
	Route    string
	Priority Priority
	Key      *Key
	Messages []Message // ID, ConcatRef, AcceptedAt are filled in by Accept
}

// Options of a Queue; zero values mean the defaults.
type Options struct {
	Lease      time.Duration // default 10 s, floor 5 s
	HistoryAge time.Duration // default 24 h
}

// Queue is the home of the messages in one Redis.
type Queue struct{}

// New returns a queue on db. Nothing is asked of Redis before Start.
func New(db *redisdb.DB, o Options) *Queue { panic("skeleton") }

// Start reads or writes bindery:shards and loads the scripts.
func (q *Queue) Start(ctx context.Context) error { panic("skeleton") }

// Accept pushes one block: all of it is in Redis, with its idempotency record,
// or nothing. A repeat of the same key and body answers the first ids.
func (q *Queue) Accept(ctx context.Context, p *Push) ([]ID, error) { panic("skeleton") }

// Owner is this process as holder of leases.
type Owner struct{}

// NewOwner registers a row under a new random id; Renew keeps it.
func (q *Queue) NewOwner(ctx context.Context) (*Owner, error) { panic("skeleton") }

// Renew prolongs the row. ErrLapsed: it is gone or lapsed.
func (o *Owner) Renew(ctx context.Context) error { panic("skeleton") }

// Holds tells whether the lease holds now, counted from when the last answered
// renewal was sent, by CLOCK_BOOTTIME. The fence of every write.
func (o *Owner) Holds() bool { panic("skeleton") }

// LeaseRequest asks for at most Max parts of a carrier's routes.
type LeaseRequest struct {
	Carrier string
	Routes  []string // of this carrier, @carrier is added
	Max     int      // parts, 1..500
}

// Leased is one part that this owner now owes.
type Leased struct {
	Part      Part
	Position  uint8
	Attempt   uint8 // from 1
	MaybeSent bool
	Message   *Message // shared by the parts of a message
}

// Lease is the answer of one lease call.
type Lease struct {
	Number LeaseNumber
	Parts  []Leased
	Left   [3]int // parts that still wait, by priority, of these routes
}

// Lease takes parts off the lanes. A call whose answer was lost is made again
// by itself, under the same number.
func (o *Owner) Lease(ctx context.Context, r LeaseRequest) (*Lease, error) { panic("skeleton") }

// Verdict is what settle does with a leased part.
type Verdict uint8

const (
	Submitted Verdict = iota + 1
	Refused           // for good: rejected
	Back              // to the head of its lane, attempt not burnt
	Retry             // after Delay
	Failed            // retries used up: failed
	Expired           // past its validity: expired, or unknown when maybe sent
	Uncertain         // written, no answer: by on_uncertain
	Surplus           // the carrier needs fewer parts
)

// Settlement is the end of one leased part.
type Settlement struct {
	Part    Part
	Lease   LeaseNumber
	Verdict Verdict
	Carrier string
	Delay   time.Duration
	Error   Error
}

// Error is the error of an event: code as in CONTRACT ("smpp:0x0B", "receipt:045", a word of ours).
type Error struct{ Code, Message string }

// Settle ends leased parts. After a nil error all of them are off the lease.
func (o *Owner) Settle(ctx context.Context, ss []Settlement) error { panic("skeleton") }

// Status of a message or an event, by its word.
type Status uint8

const (
	StatusQueued Status = iota
	StatusSubmitted
	StatusDelivered
	StatusUndelivered
	StatusExpired
	StatusRejected
	StatusFailed
	StatusCanceled
	StatusUnknown
	// StatusEnroute is an intermediate receipt: no change, a line of the timeline.
	StatusEnroute
)

// Finish is a receipt's result, or a late response (StatusSubmitted,
// StatusRejected), for one part.
type Finish struct {
	Part    Part
	Status  Status
	Late    bool // a late response, not a receipt
	Carrier string
	Error   Error
}

// Finished tells what finish found.
type Finished uint8

const (
	FinishedNew Finished = iota + 1 // the part's state changed
	FinishedRepeat
	FinishedContradiction // told once as late
	FinishedGone          // the block is no more
)

// Finish writes results without a lease; the answer has one entry for each.
func (q *Queue) Finish(ctx context.Context, fs []Finish) ([]Finished, error) { panic("skeleton") }

// View is a message as GET shows it.
type View struct {
	Message  Message
	Status   Status
	Carrier  string
	Error    Error
	Timeline []Moment
}

// Moment is one line of a timeline.
type Moment struct {
	At      time.Time
	Status  string
	Carrier string
	Error   Error
}

// Get reads one message of an account. ErrNotFound (also another account's), ErrGone.
func (q *Queue) Get(ctx context.Context, account string, id ID) (*View, error) { panic("skeleton") }
