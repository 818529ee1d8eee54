package smsctest

import (
	"sort"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// What is filed comes out once, not early, at most a tick late, and in the
// order of its times; events of one time in the order of filing.
func TestSchedule(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		start := time.Unix(1000, 0)
		s := schedule{start: start, buckets: map[int64]*bucket{}}
		type filed struct {
			at time.Time
			n  int
		}
		var want, got []filed
		now := start
		for i := range rapid.IntRange(1, 60).Draw(t, "events") {
			at := now.Add(time.Duration(rapid.IntRange(-1000, 100_000).Draw(t, "µs")) * time.Microsecond)
			if at.Before(start) { // nothing is filed for before the schedule began
				at = start
			}
			want = append(want, filed{at, i})
			s.add(at, event{fn: func() { got = append(got, filed{at, i}) }})
			if !rapid.Bool().Draw(t, "run") {
				continue
			}
			now = now.Add(time.Duration(rapid.IntRange(0, 50_000).Draw(t, "step")) * time.Microsecond)
			for b := s.due(now); b != nil; b = s.due(now) {
				for _, e := range b.events {
					e.fn()
				}
				s.done(b)
			}
			for _, g := range got {
				if g.at.After(now) {
					t.Fatalf("%v came out at %v", g.at, now)
				}
			}
			if next, ok := s.next(); ok && next.Before(now) {
				t.Fatalf("%v is due and was left at %v", next, now)
			}
		}
		now = now.Add(time.Hour)
		last := len(got)
		for b := s.due(now); b != nil; b = s.due(now) {
			for _, e := range b.events {
				e.fn()
			}
			s.done(b)
		}
		if len(got) != len(want) {
			t.Fatalf("%d of %d came out", len(got), len(want))
		}
		tail := got[last:]
		if !sort.SliceIsSorted(tail, func(i, j int) bool { return tail[i].at.Add(tick).Before(tail[j].at) }) {
			t.Fatalf("out of order: %v", tail)
		}
	})
}

func TestQueue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var q queue[int]
		var model []int
		for i := range rapid.IntRange(1, 200).Draw(t, "steps") {
			switch {
			case len(model) > 0 && rapid.IntRange(0, 2).Draw(t, "op") == 0:
				if got := q.pop(); got != model[0] {
					t.Fatalf("popped %d, want %d", got, model[0])
				}
				model = model[1:]
			default:
				q.push(i)
				model = append(model, i)
			}
			if q.len() != len(model) {
				t.Fatalf("length %d, want %d", q.len(), len(model))
			}
			if q.len() > 0 && (*q.front() != model[0] || *q.last() != model[len(model)-1]) {
				t.Fatal("the ends differ")
			}
		}
	})
}

func TestSlideIsExact(t *testing.T) {
	var s slide
	start := time.Unix(1000, 0)
	for _, ms := range []int{0, 0, 0, 500, 999, 999, 1000, 1400, 1499, 1500} {
		s.add(start.Add(time.Duration(ms) * time.Millisecond))
	}
	// [0, 1000) holds six; [500, 1500) holds 500, 999, 999, 1000, 1400, 1499.
	if s.max != 6 || s.sum != 6 {
		t.Errorf("max %d, sum %d", s.max, s.sum)
	}
	if s.expire(start.Add(time.Hour)); s.sum != 0 {
		t.Errorf("sum %d", s.sum)
	}
}
