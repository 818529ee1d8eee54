package dispatch

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"bindery/queue"
)

// Bulk that nobody answers holds all but a twentieth of the credits: an urgent
// part is leased and written in the next slot that gets free, before what was
// leased earlier.
func TestUrgentGoesBeforeWhatWaits(t *testing.T) {
	bubble(t, func(t *testing.T) {
		q, c := newFakeQueue(names(300)...), newFakeConn(20)
		c.answer = func(string, int) reply { return reply{after: time.Second} }
		bell := make(chan struct{}, 1)
		start(t, Config{Wake: bell}, q, c, nil)
		pass(1500 * time.Millisecond) // the window is full for the second time
		before := len(c.sent())
		q.push("u1")
		signal(bell)
		pass(20 * time.Millisecond)
		if s := q.state("u1"); s != "leased" {
			t.Errorf("u1 is %s while bulk waits for slots", s)
		}
		pass(time.Second)
		if got := c.sent()[before:]; len(got) < 3 || got[0] != "u1" {
			t.Errorf("with the slots that got free went %q", got)
		}
	})
}

func TestNoLeaseCallsForAReserveThatNobodyNeeds(t *testing.T) {
	for _, tc := range []struct{ window, held int }{
		{3, 6},
		{4, 7},
		{20, 38},
		{100, 190},
	} {
		bubble(t, func(t *testing.T) {
			q, c := newFakeQueue(names(500)...), newFakeConn(tc.window)
			var answers int
			c.answer = func(string, int) reply { // the first windows show a rate, then silence
				answers++
				return reply{never: answers > 4*tc.window}
			}
			start(t, Config{Look: time.Hour}, q, c, nil)
			pass(500 * time.Millisecond)
			calls := q.asked()
			if most := q.most(); most > tc.held {
				t.Errorf("window %d: %d leased without any urgent part, want at most %d", tc.window, most, tc.held)
			}
			pass(400 * time.Millisecond)
			if n := q.asked() - calls; n > 0 {
				t.Errorf("window %d: %d lease calls while only the reserve is free", tc.window, n)
			}
		})
	}
}

func (q *fakeQueue) sinceLast() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := q.largest
	q.largest = 0
	return n
}

// TestShortCalls: while one dispatcher leases urgent parts, the calls of all that
// share its urgency are short; a second later they are long again.
func TestShortCalls(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var u Urgency
		bulk, c := newFakeQueue(names(30_000)...), newFakeConn(1000)
		c.answer = func(string, int) reply { return reply{after: 30 * time.Millisecond} }
		start(t, Config{Urgency: &u}, bulk, c, nil)
		q, bell := newFakeQueue(), make(chan struct{}, 1)
		start(t, Config{Urgency: &u, Wake: bell}, q, newFakeConn(10), nil)
		look := func() int {
			pass(50 * time.Millisecond) // what is under way
			bulk.sinceLast()
			pass(100 * time.Millisecond)
			return bulk.sinceLast()
		}
		if n := look(); n <= batchUrgent {
			t.Errorf("at most %d parts a call without urgent ones", n)
		}
		q.push("u1")
		signal(bell)
		if n := look(); n == 0 || n > batchUrgent {
			t.Errorf("up to %d parts a call beside urgent ones, want at most %d", n, batchUrgent)
		}
		pass(urgentFor)
		if n := look(); n <= batchUrgent {
			t.Errorf("at most %d parts a call a second after the last urgent one", n)
		}
	})
}

func TestReserve(t *testing.T) {
	for credits, want := range map[int]int{0: 0, 1: 0, 7: 0, 8: 1, 20: 1, 39: 1, 40: 2, 2000: 100} {
		if got := reserve(credits); got != want {
			t.Errorf("of %d credits %d are kept, want %d", credits, got, want)
		}
	}
}

// handOf is a hand with one lease in it.
func handOf(names ...string) *hand {
	h := &hand{changed: make(chan struct{}, 1)}
	h.lease(names...)
	return h
}

func (h *hand) lease(names ...string) {
	l := &queue.Lease{Number: 1}
	for _, n := range names {
		m := &queue.Message{Text: n, Parts: 1, Priority: queue.Bulk}
		if n[0] == 'u' {
			m.Priority = queue.Urgent
		}
		l.Parts = append(l.Parts, queue.Leased{Part: queue.Part{Block: queue.Block(n)}, Message: m})
	}
	h.add(l, &tenure{}, time.Now())
}

func textsOf(run []Submission) string {
	var ts []string
	for i := range run {
		ts = append(ts, run[i].Message.Text)
	}
	return strings.Join(ts, " ")
}

func TestHandGivesUrgentPartsFirst(t *testing.T) {
	h, cfg := handOf("b1", "u1", "b2"), Config{}.withDefaults()
	h.lease("b3", "u2", "u3")
	take := func(n int, want string) []Submission {
		t.Helper()
		run, over, _ := h.take(n, time.Now(), &cfg)
		if got := textsOf(run); got != want || len(over) > 0 {
			t.Errorf("take of %d: %q, over %q, want %q", n, got, textsOf(over), want)
		}
		return run
	}
	take(5, "u1")
	run := take(1, "u2")
	h.untake(run)
	take(1, "u2")
	take(1, "u3")
	run = take(2, "b1 b2")
	h.untake(run[1:])
	h.lease("u4")
	if h.held != 7 || h.heldUrgent != 4 || h.parts != 3 || h.open != 4 {
		t.Errorf("held %d, of them urgent %d, waiting %d, open %d; want 7, 4, 3, 4", h.held, h.heldUrgent, h.parts, h.open)
	}
	if got := textsOf(h.takeAll()); got != "u4 b2 b3" {
		t.Errorf("taken back: %q", got)
	}
}

func TestHandDropsBothLines(t *testing.T) {
	h := handOf("b1", "u1")
	lapsed := h.urgent.runs[0][0].ticket.tenure
	h.lease("u2", "b2", "b3")
	h.drop(lapsed)
	if h.held != 3 || h.heldUrgent != 1 || h.parts != 3 {
		t.Errorf("held %d, of them urgent %d, waiting %d; want 3, 1, 3", h.held, h.heldUrgent, h.parts)
	}
}

// A flood of urgent parts does not keep what is leased of the others for good.
func TestHandLetsOthersThrough(t *testing.T) {
	h, cfg := handOf("b1", "b2", "b3"), Config{}.withDefaults()
	var went []string
	for i := range 60 {
		h.lease(fmt.Sprintf("u%d", i))
		run, _, _ := h.take(1, time.Now(), &cfg)
		went = append(went, textsOf(run))
	}
	var at []int
	for i, n := range went {
		if n[0] == 'b' {
			at = append(at, i)
		}
	}
	if !slices.Equal(at, []int{16, 33, 50}) {
		t.Errorf("bulk went at %v of %q", at, went)
	}
}
