package ledger

import (
	"sync"
	"time"
)

// RingSize is how many messages a ring holds at once. It divides the numbers of
// eight digits, so that a number has the same line each time round.
const RingSize = 1_000_000

// overdue is when a message that is not over leaves its line, and is kept aside:
// it is lost, unless something is heard of it yet.
const overdue = 2 * time.Minute

// ring hands the lines of a ledger on.
type ring struct {
	mu     sync.Mutex // guards all below and the ledger's columns
	serial []int      // the message that has the line; -1: none yet
	aside  map[int]*fate
	books  Books // of those that are over

	accept, added, latency histogram
	counts, last           [3]int64 // accepted, arrived, ended: how many, the last moment
}

// fate is what is known of a message that lost its line before it was over, by
// its eight digits.
type fate struct{ finals, taken int }

// NewRing makes a ledger of any number of messages, size of them at once.
func NewRing(size, fan int) *Ledger {
	l := New(size, fan)
	l.ring = &ring{serial: make([]int, size), aside: map[int]*fate{}}
	for i := range l.ring.serial {
		l.ring.serial[i] = -1
	}
	return l
}

// begin takes a line for a message; false: the one before is not over yet.
func (r *ring) begin(l *Ledger, n int, due int64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	i := n % len(r.serial)
	if r.serial[i] == n { // a batch plans its first message, then all
		l.due[i] = due
		return true
	}
	if r.serial[i] >= 0 {
		over := l.finals[i] > 0 && l.taken[i] > 0 && l.accepted[i] > 0
		if !over && time.Now().UnixNano()-l.due[i] < int64(overdue) {
			return false
		}
		r.close(l, i, over)
	}
	r.serial[i] = n
	l.due[i], l.accepted[i], l.id[i], l.told[i], l.moved[i], l.ended[i], l.arrived[i] = due, 0, 0, 0, 0, 0, 0
	l.finals[i], l.taken[i] = 0, 0
	return true
}

// close adds a line to the sums.
func (r *ring) close(l *Ledger, i int, over bool) {
	r.figure(l, i)
	if over || l.accepted[i] == 0 {
		l.balanceLine(i, &r.books)
		return
	}
	f := &fate{finals: int(l.finals[i]), taken: int(l.taken[i])}
	r.aside[r.serial[i]%numbers] = f
	if l.told[i] != 0 && l.told[i] != l.id[i] {
		r.books.Strange++
	}
}

func (r *ring) figure(l *Ledger, i int) {
	for k, at := range [3]int64{l.accepted[i], l.arrived[i], l.ended[i]} {
		if at > 0 {
			r.counts[k]++
			r.last[k] = max(r.last[k], at)
		}
	}
	r.accept.add(l.due[i], l.accepted[i])
	r.added.add(l.accepted[i], l.arrived[i])
	r.latency.add(l.due[i], l.ended[i])
}

// line is that of the message with these last digits; -1: it has none, known:
// any more.
func (r *ring) line(digits int) (line int, known bool) {
	line = digits % len(r.serial)
	has := r.serial[line]
	if has >= 0 && has%numbers == digits {
		return line, true
	}
	return -1, has > digits
}

func (r *ring) accepted(l *Ledger, n int, now int64, h uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if i := n % len(r.serial); r.serial[i] == n {
		l.accepted[i], l.id[i] = now, h
	}
}

// told notes an event of a message that has no line any more.
func (r *ring) told(l *Ledger, digits int, e *Event) {
	f := r.aside[digits]
	switch {
	case !e.final():
	case f == nil:
		r.books.ToldTwice++
	default:
		if f.finals++; f.finals == 1 {
			l.done.Add(1)
			if string(e.Status) != "delivered" {
				l.other++
			}
		}
	}
}

// taken notes a submit_sm of such a message.
func (r *ring) taken(digits int) {
	if f := r.aside[digits]; f != nil {
		f.taken++
	} else {
		r.books.Repeated++
	}
}

// finish closes all lines.
func (r *ring) finish(l *Ledger) Books {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, n := range r.serial {
		if n >= 0 {
			r.figure(l, i)
			l.balanceLine(i, &r.books)
			r.serial[i] = -1
		}
	}
	for _, f := range r.aside {
		r.books.line(f.finals, f.taken)
	}
	clear(r.aside)
	b := r.books
	b.Strange += l.odd
	b.Other += l.other
	return b
}
