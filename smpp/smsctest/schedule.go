package smsctest

import (
	"container/heap"
	"time"
)

// tick is the step of the schedule: what falls due within one runs together.
const tick = 100 * time.Microsecond

// event is something that the SMSC does later: fn when it is set, else what
// kind says.
type event struct {
	kind     eventKind
	answer   *answer // by pointer: receipts, not late answers, are what comes by the million
	delivery delivery
	fn       func()
}

type eventKind uint8

const (
	eventAnswer eventKind = iota + 1
	eventDelivery
)

// schedule holds events by the tick in which they fall due. Events of one tick
// share a bucket and buckets a heap, so that an event costs an append, and the
// heap is touched once a tick. SMSC.mu guards it.
type schedule struct {
	start   time.Time
	buckets map[int64]*bucket
	heap    bucketHeap
	spare   []*bucket
}

type bucket struct {
	at     int64 // ticks since start
	events []event
}

type bucketHeap []*bucket

func (h bucketHeap) Len() int           { return len(h) }
func (h bucketHeap) Less(i, j int) bool { return h[i].at < h[j].at }
func (h bucketHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *bucketHeap) Push(x any)        { *h = append(*h, x.(*bucket)) }
func (h *bucketHeap) Pop() any {
	old := *h
	b := old[len(old)-1]
	*h = old[:len(old)-1]
	return b
}

// add files e and reports whether it is now the first to fall due.
func (s *schedule) add(at time.Time, e event) bool {
	n := int64((at.Sub(s.start) + tick - 1) / tick)
	b := s.buckets[n]
	if b == nil {
		b = s.newBucket(n)
		s.buckets[n] = b
		heap.Push(&s.heap, b)
	}
	b.events = append(b.events, e)
	return s.heap[0] == b && len(b.events) == 1
}

func (s *schedule) newBucket(at int64) *bucket {
	if n := len(s.spare); n > 0 {
		b := s.spare[n-1]
		s.spare = s.spare[:n-1]
		b.at = at
		return b
	}
	return &bucket{at: at}
}

// due takes out the first bucket when its time has come.
func (s *schedule) due(now time.Time) *bucket {
	if len(s.heap) == 0 || s.heap[0].at > int64(now.Sub(s.start)/tick) {
		return nil
	}
	b := heap.Pop(&s.heap).(*bucket)
	delete(s.buckets, b.at)
	return b
}

// done takes a bucket back for reuse.
func (s *schedule) done(b *bucket) {
	clear(b.events)
	b.events = b.events[:0]
	if len(s.spare) < 256 {
		s.spare = append(s.spare, b)
	}
}

// next is when the first bucket falls due; false when there is none.
func (s *schedule) next() (time.Time, bool) {
	if len(s.heap) == 0 {
		return time.Time{}, false
	}
	return s.start.Add(time.Duration(s.heap[0].at) * tick), true
}
