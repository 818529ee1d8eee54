// Package queue is the home of the messages: the Redis priority queue. Ingress
// pushes blocks of messages (Accept); dispatch holds leases as an Owner (Lease,
// Settle), writes results that need none (Finish); the API reads (Get, Batch,
// Depths) and cancels; every instance runs the background steps (Run). Below it
// are redisdb and the scripts in lua/, one a step, each with its contract in
// front: all that a step changes lies in one hash slot, the shard's, so it
// happens whole or not at all.
//
// Every script may run twice, or late, with the same arguments. So every method
// may be called again when its outcome is unknown (ErrUnavailable), with the
// same arguments; go-redis repeats by itself. Lease needs not even that: the
// owner asks a lease whose answer was lost again, under its number, before
// anything else. Only Accept without a Key made again is another push: the
// outcome of the first is then for the sender to find out.
//
// State in this process: an Owner's parts held and its open lease calls (its
// mutex), the pushes that wait for the next call (each shard's gate), copies of
// what never changes (numbers of carriers, events' texts), and the clocks.
// Goroutines: Run's, one a step, which end with its context; a gate's senders,
// at most two a shard, which end when no push waits. A process that dies between
// two steps leaves what its row owes to reclaim (lua/reclaim.lua), and nothing
// else; what it held in memory is of no use to anybody.
package queue

import (
	"errors"
	"hash/fnv"
	"sync"
	"sync/atomic"
	"time"

	"bindery/internal/boottime"
	"bindery/internal/redisdb"
)

// Errors that callers tell apart.
var (
	ErrUnavailable = errors.New("queue: redis does not answer")         // 503
	ErrFull        = errors.New("queue: redis is full")                 // 503
	ErrKeyConflict = errors.New("queue: key was used for another body") // 409
	ErrKeyOrder    = errors.New("queue: push does not begin where the key's last one ended")
	ErrTooLarge    = errors.New("queue: push is too large")             // 413
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
// A stream of lines (NDJSON) is pushed in several calls: each says where in the
// stream it begins.
type Key struct {
	Hash  [16]byte // of the key
	Body  [16]byte // of the body; of a stream, of this push's lines
	First int      // number of the first line, from 0
	// Lines is a message count for each line of a stream, 1, or 0 for a refused
	// one; nil: each message is a line.
	Lines []uint8
	// Kept is stored with the record and answered with it, as it is: what its
	// caller needs to answer a repeat.
	Kept string
}

// Batch is the record of a push of one text to many recipients. Its id is the
// name of the push's first block.
type Batch struct {
	Refused []byte // what the sender was told of refused recipients; kept as it is
}

// Push is what one accept takes: messages of one account.
type Push struct {
	Account  string
	Route    string // of all messages; "": each has its own, and its own priority
	Priority Priority
	Key      *Key      // of one call, or of a stream
	Batch    *Batch    // nil: no batch
	Limit    *Limit    // nil: the account may send as fast as it likes
	Messages []Message // ID, ConcatRef, AcceptedAt are filled in by Accept
	// Before is set by Accept: the key's record answered, nothing was taken now.
	Before bool
}

// Options of a Queue; zero values mean the defaults.
type Options struct {
	Lease      time.Duration // default 10 s, floor 5 s
	HistoryAge time.Duration // default 24 h, floor 2 min
	// Shards of a Redis that is used for the first time; 0: one a master.
	Shards int
	// Routes answers the routes that this process knows; Owner.Renew names them.
	// A route that no living process has named for a minute is an orphan.
	Routes func() []string
	// HistoryBytes bounds what ended messages and their events take, about; 0: only
	// their age does. They stay at least MinHistoryAge.
	HistoryBytes int64
	// Owed answers the id of the oldest stream entry that an account is still
	// owed (webhooks, upstreams), "" for none: the stream is not cut beyond it.
	Owed func(account string) string
	// ReceiptClock is how long a carrier's receipts are waited for; nil or 0: 24 h.
	ReceiptClock func(carrier string) time.Duration
	// Elapsed is the clock of the leases' fence and of Redis time between two
	// replies. Default CLOCK_BOOTTIME on Linux, which goes on while the machine
	// is suspended; simulations bring their own.
	Elapsed func() time.Duration
}

// Floors and defaults of Options.
const (
	DefaultLease      = 10 * time.Second
	MinLease          = 5 * time.Second
	DefaultHistoryAge = 24 * time.Hour
	MinHistoryAge     = 2 * time.Minute
	DefaultClock      = 24 * time.Hour
)

// Queue is the home of the messages in one Redis. It is safe for any number of
// goroutines.
type Queue struct {
	db       *redisdb.DB
	o        Options
	clock    clock
	shards   []*shard
	carriers carrierNumbers
	lines    lines
	bodies   bodies
	present  atomic.Pointer[Owner] // the latest: reclaims in its name
	history  atomic.Pointer[History]

	wakeMu sync.Mutex // guards wakes and bells
	bells  []func(route string)
	wakes  []chan struct{}
}

// New returns a queue on db. Nothing is asked of Redis before Start.
func New(db *redisdb.DB, o Options) *Queue {
	if o.Lease == 0 {
		o.Lease = DefaultLease
	}
	if o.HistoryAge == 0 {
		o.HistoryAge = DefaultHistoryAge
	}
	if o.Elapsed == nil {
		o.Elapsed = boottime.Now
	}
	o.Lease, o.HistoryAge = max(o.Lease, MinLease), max(o.HistoryAge, MinHistoryAge)
	q := &Queue{db: db, o: o, shards: []*shard{newShard(0, "s0")}}
	q.clock.elapsed = o.Elapsed
	return q
}

func (q *Queue) shardOf(account string) *shard {
	h := fnv.New32a()
	h.Write([]byte(account))
	return q.shards[h.Sum32()%uint32(len(q.shards))]
}

// shardOfBlock is the shard that a block's name says; nil for none of ours.
func (q *Queue) shardOfBlock(b Block) *shard {
	n, ok := b.shard()
	if !ok || n >= len(q.shards) {
		return nil
	}
	return q.shards[n]
}

func (q *Queue) receiptClock(carrier string) time.Duration {
	if q.o.ReceiptClock != nil {
		if d := q.o.ReceiptClock(carrier); d > 0 {
			return d
		}
	}
	return DefaultClock
}

// LeaseRequest asks for at most Max parts of a carrier's routes.
type LeaseRequest struct {
	Carrier string
	Routes  []string // of this carrier, @carrier is added
	Max     int      // parts, 1..500
	Urgent  int      // of Max, parts that only urgent messages may take: 0..Max
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
	Late    bool // said of a part after its final, and against it
}
