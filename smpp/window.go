package smpp

import (
	"cmp"
	"slices"
	"time"

	"bindery/smpp/pdu"
)

// maxSequence is the highest sequence_number; 1 follows it (SMPP 3.4 §5.1.4).
const maxSequence = 0x7FFFFFFF

type slotState uint8

const (
	slotFree    slotState = iota
	slotOpen              // waits for its response
	slotOverdue           // its time-out is told, the peer may still answer
)

// slot is one request of ours without an answer.
type slot struct {
	token    uint64
	deadline time.Duration // since the session's start
	start    uint64        // where its first octet is in the data lane's stream
	sequence uint32
	answer   pdu.CommandID
	state    slotState
}

// window finds open requests by sequence number, without a map: a number's
// slot is its low bits. The array has room for twice what is open, so that an
// old request that stays open in the way costs a skipped number per lap and
// nothing else; it grows with what is open, to at most twice the window: most
// binds of many are idle. Who uses it holds Session.mu.
type window struct {
	slots []slot
	mask  uint32
	size  int    // how many may be without an answer
	used  int    // open and overdue
	open  int    // without a result yet
	next  uint32 // the number to try next

	// Numbers of our own enquire_link and unbind; 0: none is open. They take
	// no slot: control never waits for the window.
	enquire, unbind uint32
}

func newWindow(size int, first uint32) window {
	n := 2
	for n < 2*min(size, firstWindow) {
		n *= 2
	}
	return window{slots: make([]slot, n), mask: uint32(n - 1), size: size, next: first}
}

// firstWindow is for how many open requests there is room at first.
const firstWindow = 8

// grow doubles the array. Numbers that had slots of their own by fewer low bits
// have so by one more.
func (w *window) grow() {
	old := w.slots
	w.slots = make([]slot, 2*len(old))
	w.mask = uint32(len(w.slots) - 1)
	for i := range old {
		if s := &old[i]; s.state != slotFree {
			w.slots[s.sequence&w.mask] = *s
		}
	}
}

func (w *window) full() bool { return w.used >= w.size }

func following(seq uint32) uint32 {
	if seq >= maxSequence {
		return 1
	}
	return seq + 1
}

// find moves next on to a number that is not open and whose slot is free.
// There is one within a lap: half of the array at least is free.
func (w *window) find() *slot {
	if !w.full() && w.used >= len(w.slots)/2 {
		w.grow()
	}
	for {
		s := &w.slots[w.next&w.mask]
		if s.state == slotFree && w.next != w.enquire && w.next != w.unbind {
			return s
		}
		w.next = following(w.next)
	}
}

// take fills the slot that find answered.
func (w *window) take(s *slot, token uint64, answer pdu.CommandID, start uint64, deadline time.Duration) {
	*s = slot{token: token, deadline: deadline, start: start, sequence: w.next, answer: answer, state: slotOpen}
	w.next = following(w.next)
	w.used++
	w.open++
}

// control answers a number for a request that takes no slot.
func (w *window) control() uint32 {
	w.find()
	seq := w.next
	w.next = following(seq)
	return seq
}

// answered frees the slot that a response or generic_nack belongs to. The copy
// says by its state whether the time-out was told before.
func (w *window) answered(seq uint32, id pdu.CommandID) (slot, bool) {
	s := &w.slots[seq&w.mask]
	if s.state == slotFree || s.sequence != seq {
		return slot{}, false
	}
	if id != s.answer && id != pdu.CommandGenericNack {
		return slot{}, false
	}
	was := *s
	w.release(s)
	return was, true
}

func (w *window) release(s *slot) {
	if s.state == slotOpen {
		w.open--
	}
	w.used--
	s.state = slotFree
}

// expire marks what is overdue at now and appends it to dst, oldest first.
func (w *window) expire(now time.Duration, dst []slot) []slot {
	if w.open == 0 {
		return dst
	}
	n := len(dst)
	for i := range w.slots {
		s := &w.slots[i]
		if s.state == slotOpen && s.deadline <= now {
			s.state = slotOverdue
			w.open--
			dst = append(dst, *s)
		}
	}
	inOrder(dst[n:])
	return dst
}

// takeFrom frees every slot whose first octet is at or behind from, and
// appends those without a result yet to dst, oldest first.
func (w *window) takeFrom(from uint64, dst []slot) []slot {
	n := len(dst)
	for i := range w.slots {
		s := &w.slots[i]
		if s.state == slotFree || s.start < from {
			continue
		}
		if s.state == slotOpen {
			dst = append(dst, *s)
		}
		w.release(s)
	}
	inOrder(dst[n:])
	return dst
}

func inOrder(s []slot) {
	slices.SortFunc(s, func(a, b slot) int { return cmp.Compare(a.start, b.start) })
}
