package bench

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"
	"strconv"
	"sync/atomic"
	"time"
)

// ledger has a line for each message, known by its number, which is in its
// destination. Times are Unix, ns; 0: it did not happen.
type ledger struct {
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

func newLedger(n int) *ledger {
	return &ledger{
		due: make([]int64, n), accepted: make([]int64, n), id: make([]uint64, n), told: make([]uint64, n),
		moved: make([]int64, n), ended: make([]int64, n), finals: make([]uint8, n), taken: make([]uint8, n), arrived: make([]int64, n),
	}
}

// Numbers are +8210 and eight digits.
const prefix = "8210"

func appendNumber(dst []byte, n int) []byte {
	return appendDigits(append(dst, prefix...), n)
}

func appendDigits(dst []byte, n int) []byte {
	for digit := 10_000_000; digit > 0; digit /= 10 {
		dst = append(dst, '0'+byte(n/digit%10))
	}
	return dst
}

// numberOf is the message of a destination, -1: none.
func (l *ledger) numberOf(to []byte) int {
	to = bytes.TrimPrefix(to, []byte("+"))
	digits, ok := bytes.CutPrefix(to, []byte(prefix))
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
	if n >= len(l.due) {
		return -1
	}
	return n
}

func hash(id []byte) uint64 {
	h := fnv.New64a()
	_, _ = h.Write(id) // it cannot fail
	return h.Sum64()
}

// accept notes an answer with an id.
func (l *ledger) accept(n int, id []byte) {
	l.accepted[n], l.id[n] = time.Now().UnixNano(), hash(id)
	l.taking.Add(1)
}

// refuse notes an answer with an error; the first is kept for the report.
func (l *ledger) refuse(answer []byte) {
	l.refused.Add(1)
	if l.reason.Load() == nil {
		s := string(bytes.TrimSpace(answer[:min(len(answer), 300)]))
		l.reason.CompareAndSwap(nil, &s)
	}
}

// event notes an event of the stream.
func (l *ledger) event(e *event) {
	n := l.numberOf(e.to)
	if n < 0 {
		l.odd++
		return
	}
	h := hash(e.id)
	switch l.told[n] {
	case 0:
		l.told[n], l.moved[n] = h, e.at
		l.begun.Add(1)
	case h:
	default:
		l.odd++
	}
	if string(e.status) == "submitted" || e.late {
		return
	}
	if l.finals[n]++; l.finals[n] == 1 {
		l.ended[n] = e.at
		if string(e.status) != "delivered" {
			l.other++
		}
		l.done.Add(1)
	}
}

// readRecord reads what the carrier wrote down: a destination and the time of
// its submit_sm (Unix, ns) a line.
func (l *ledger) readRecord(file string) error {
	f, err := os.Open(file)
	if err != nil {
		return fmt.Errorf("the carrier's record: %w", err)
	}
	defer f.Close()
	for r := bufio.NewReader(f); ; {
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
		if l.taken[n] < 255 {
			l.taken[n]++
		}
		if l.taken[n] == 1 {
			l.arrived[n] = moment
		}
	}
}

// Books are the differences between the three.
type Books struct {
	Lost      int `json:"lost"`            // accepted, and without a final or never with the carrier
	Unsent    int `json:"never_submitted"` // of the lost, those that the carrier never saw
	Repeated  int `json:"repeated"`        // taken by the carrier more than once
	ToldTwice int `json:"told_twice"`
	Other     int `json:"ended_otherwise"` // with a final that is not delivered: the carrier delivers each
	Strange   int `json:"strange"`         // in the stream or with the carrier, and not accepted, or by another id
}

// Add sums over runs.
func (b *Books) Add(more Books) {
	b.Lost += more.Lost
	b.Unsent += more.Unsent
	b.Repeated += more.Repeated
	b.ToldTwice += more.ToldTwice
	b.Other += more.Other
	b.Strange += more.Strange
}

// balance looks at the messages before end.
func (l *ledger) balance(end int) Books {
	b := Books{Strange: l.odd, Other: l.other}
	for n := range end {
		if l.accepted[n] == 0 {
			if l.taken[n] > 0 || l.told[n] != 0 {
				b.Strange++
			}
			continue
		}
		if l.finals[n] == 0 || l.taken[n] == 0 {
			b.Lost++
		}
		if l.taken[n] == 0 {
			b.Unsent++
		}
		b.Repeated += max(0, int(l.taken[n])-1)
		b.ToldTwice += max(0, int(l.finals[n])-1)
		if l.told[n] != 0 && l.told[n] != l.id[n] {
			b.Strange++
		}
	}
	return b
}
