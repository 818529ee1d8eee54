// Package ledger keeps the three books of a measurement, which do not know of
// each other: what the API accepted, what the status stream (Kannel's callbacks)
// told, and what the carrier wrote down. Package bench fills it; what they
// differ in is what was lost or repeated.
//
// A message is known by its number, which is in its destination. A ledger has a
// line for each message, or (a ring) a bounded number of lines, each of which
// goes on to a later message once the one before is over.
//
// Concurrency: each of the three sides writes its own columns, so that only
// counters are shared, and those are atomic. A line of a ring changes hands, so
// there one mutex guards all columns. Balance and Figures are for when all
// sides are done.
package ledger

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"strconv"
	"sync/atomic"
	"time"
)

// Ledger has the lines. Times are Unix, ns; 0: it did not happen.
type Ledger struct {
	fan  int   // prefixes over which numbers go in turn
	ring *ring // nil: a line for each message

	// The senders', each its own messages.
	due      []int64  // when it was to be sent
	accepted []int64  // when the answer came
	id       []uint64 // hash of the id in it

	// The stream reader's.
	told   []uint64 // hash of the id in the first event
	moved  []int64  // the first event
	ended  []int64  // the first final
	finals []uint8
	other  int // first finals that are not delivered
	odd    int // events of messages, or with ids, that nobody knows

	// The carrier's record.
	taken   []uint8
	arrived []int64 // the first submit_sm; the carrier's clock, which is this machine's

	taking  atomic.Int64 // accepted
	refused atomic.Int64 // answered with an error
	begun   atomic.Int64 // with an event
	done    atomic.Int64 // with a final
	reason  atomic.Pointer[string]
}

// Event is what the ledger reads of a status event. Octets are the caller's
// again after the call.
type Event struct {
	ID, Status, To []byte
	At             int64 // Unix, ns
	Late           bool
}

// New makes a ledger of n messages, numbered from 0, whose destinations go
// round over so many prefixes of len(Prefix)+3 digits; 1: they count on.
func New(n, fan int) *Ledger {
	return &Ledger{
		fan: max(1, fan), due: make([]int64, n), accepted: make([]int64, n), id: make([]uint64, n), told: make([]uint64, n),
		moved: make([]int64, n), ended: make([]int64, n), finals: make([]uint8, n), taken: make([]uint8, n), arrived: make([]int64, n),
	}
}

// Accepted, Refused, Begun and Ended are how many messages so far were taken,
// not taken, had an event, had a final.
func (l *Ledger) Accepted() int64 { return l.taking.Load() }
func (l *Ledger) Refused() int64  { return l.refused.Load() }
func (l *Ledger) Begun() int64    { return l.begun.Load() }
func (l *Ledger) Ended() int64    { return l.done.Load() }

// Reason is the first answer with an error.
func (l *Ledger) Reason() string {
	if s := l.reason.Load(); s != nil {
		return *s
	}
	return ""
}

// Size is how many messages it has lines for.
func (l *Ledger) Size() int { return len(l.due) }

// Prefix begins each destination; eight digits follow.
const Prefix = "8210"

const (
	numbers = 100_000_000 // that eight digits have
	// FanMost is how many prefixes of three more digits there are, FanEach how
	// many numbers each of them has.
	FanMost = 1000
	FanEach = numbers / FanMost
)

// AppendNumber appends a message's destination, without +.
func (l *Ledger) AppendNumber(dst []byte, n int) []byte {
	if l.fan > 1 {
		n = n%l.fan*FanEach + n/l.fan
	}
	return AppendDigits(append(dst, Prefix...), n)
}

// AppendDigits appends the last eight digits of a number.
func AppendDigits(dst []byte, n int) []byte {
	for digit := numbers / 10; digit > 0; digit /= 10 {
		dst = append(dst, '0'+byte(n/digit%10))
	}
	return dst
}

// numberOf is the message of a destination (of a ring its last eight digits),
// -1: none.
func (l *Ledger) numberOf(to []byte) int {
	to = bytes.TrimPrefix(to, []byte("+"))
	digits, ok := bytes.CutPrefix(to, []byte(Prefix))
	if !ok || len(digits) != 8 {
		return -1
	}
	n := 0
	for _, d := range digits {
		if d < '0' || d > '9' {
			return -1
		}
		n = 10*n + int(d-'0')
	}
	if l.fan > 1 {
		n = n%FanEach*l.fan + n/FanEach
	}
	if n >= len(l.due) && l.ring == nil {
		return -1
	}
	return n
}

func hash(id []byte) uint64 {
	h := fnv.New64a()
	_, _ = h.Write(id) // it cannot fail
	return h.Sum64()
}

// plan notes when a message is to go. In a ring it waits for a line first.
func (l *Ledger) plan(n int, due int64) bool {
	if l.ring != nil {
		return l.ring.begin(l, n, due)
	}
	l.due[n] = due
	return true
}

// Accept notes an answer with an id.
func (l *Ledger) Accept(n int, id []byte) {
	now, h := time.Now().UnixNano(), hash(id)
	if l.ring != nil {
		l.ring.accepted(l, n, now, h)
	} else {
		l.accepted[n], l.id[n] = now, h
	}
	l.taking.Add(1)
}

// Refuse notes an answer with an error; the first is kept for the report.
func (l *Ledger) Refuse(answer []byte) {
	l.refused.Add(1)
	if l.reason.Load() == nil {
		s := string(bytes.TrimSpace(answer[:min(len(answer), 300)]))
		l.reason.CompareAndSwap(nil, &s)
	}
}

// Event notes an event of the stream.
func (l *Ledger) Event(e *Event) {
	n := l.numberOf(e.To)
	if n >= 0 && l.ring != nil {
		l.ring.mu.Lock()
		defer l.ring.mu.Unlock()
		digits, known := n, false
		if n, known = l.ring.line(digits); known && n < 0 {
			l.ring.told(l, digits, e)
			return
		}
	}
	if n < 0 {
		l.odd++
		return
	}
	l.event(n, e)
}

func (l *Ledger) event(line int, e *Event) {
	h := hash(e.ID)
	switch l.told[line] {
	case 0:
		l.told[line], l.moved[line] = h, e.At
		l.begun.Add(1)
	case h:
	default:
		l.odd++
	}
	if !e.final() {
		return
	}
	if l.finals[line] == 255 { // told often enough
		return
	}
	if l.finals[line]++; l.finals[line] == 1 {
		l.ended[line] = e.At
		if string(e.Status) != "delivered" {
			l.other++
		}
		l.done.Add(1)
	}
}

func (e *Event) final() bool { return string(e.Status) != "submitted" && !e.Late }

// ReadRecord reads what the carrier wrote down: a destination and the time of
// its submit_sm (Unix, ns) a line.
func (l *Ledger) ReadRecord(record io.Reader) error {
	for r := bufio.NewReaderSize(record, 64<<10); ; {
		line, err := r.ReadSlice('\n')
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("the carrier's record: %w", err)
		}
		to, at, _ := bytes.Cut(bytes.TrimSpace(line), []byte(" "))
		moment, err := strconv.ParseInt(string(at), 10, 64)
		n := l.numberOf(to)
		if n < 0 || err != nil {
			return fmt.Errorf("the carrier's record has %q, which is no destination of ours and a time", line)
		}
		l.take(n, moment)
	}
}

func (l *Ledger) take(n int, moment int64) {
	if l.ring != nil {
		l.ring.mu.Lock()
		defer l.ring.mu.Unlock()
		digits, known := n, false
		if n, known = l.ring.line(digits); n < 0 {
			if known {
				l.ring.taken(digits)
			} else {
				l.ring.books.Strange++
			}
			return
		}
	}
	if l.taken[n] < 255 {
		l.taken[n]++
	}
	if l.taken[n] == 1 {
		l.arrived[n] = moment
	}
}
