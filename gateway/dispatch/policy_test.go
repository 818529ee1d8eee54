package dispatch

import (
	"slices"
	"testing"
	"time"

	"bindery/queue"
)

func TestUncertainThenLateAnswerS04(t *testing.T) {
	bubble(t, func(t *testing.T) {
		q, c := newFakeQueue("m1"), newFakeConn(1)
		c.answer = func(string, int) reply {
			return reply{after: 10 * time.Second, class: ClassUncertain, late: 12 * time.Second}
		}
		r := start(t, Config{ResponseTimeout: 10 * time.Second}, q, c, nil)
		pass(11 * time.Second)
		r.wantLog("m1 uncertain")
		if s := q.state("m1"); s != "retry" {
			t.Errorf("at 11 s m1 is %s", s)
		}
		pass(2 * time.Second)
		r.wantLog("m1 uncertain", "m1 submitted")
		pass(10 * time.Minute)
		if got := c.sent(); len(got) != 1 {
			t.Errorf("submitted %d times", len(got))
		}
		if r.h.ids["id-m1"].Block != "m1" {
			t.Error("the late id is not known: its receipt finds nothing")
		}
	})
}

// The late answer is there before the settle that calls the part uncertain can
// be made: finished first, it would be sent again.
func TestLateAnswerWaitsForItsUncertainSettle(t *testing.T) {
	bubble(t, func(t *testing.T) {
		q, c := newFakeQueue("m1"), newFakeConn(1)
		c.answer = func(string, int) reply {
			return reply{after: time.Second, class: ClassUncertain, late: 2 * time.Second}
		}
		r := start(t, Config{}, q, c, nil)
		q.setFail(failing("settle"))
		pass(10 * time.Second)
		r.wantLog()
		q.setFail(failing())
		pass(10 * time.Minute)
		r.wantLog("m1 uncertain", "m1 submitted")
		if n := len(c.sent()); n != 1 {
			t.Errorf("submitted %d times", n)
		}
	})
}

func TestUncertainToTheEndIsUnknown(t *testing.T) {
	for tries := 1; tries <= 3; tries++ {
		bubble(t, func(t *testing.T) {
			q, c := newFakeQueue("m1"), newFakeConn(1)
			c.answer = func(string, int) reply { return reply{after: time.Second, class: ClassUncertain} }
			r := start(t, Config{UncertainTries: tries}, q, c, nil)
			pass(time.Hour)
			if n := len(c.sent()); n != tries || q.state("m1") != "unknown" {
				t.Errorf("%d tries of %d, then %s", n, tries, q.state("m1"))
			}
			want := slices.Repeat([]string{"m1 uncertain"}, max(1, tries-1))
			r.wantLog(append(want, "m1 unknown")...)
		})
	}
}

func TestTemporaryIsTriedAgainThenFailed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		q, c := newFakeQueue("m1"), newFakeConn(1)
		c.answer = func(string, int) reply { return reply{class: ClassTemporary} }
		r := start(t, Config{TemporaryTries: 12}, q, c, nil)
		pass(2 * time.Hour)
		r.wantLog("m1 failed")
		if len(c.at) != 12 {
			t.Fatalf("%d tries", len(c.at))
		}
		for i := 1; i < len(c.at); i++ {
			if gap := c.at[i].Sub(c.at[i-1]); gap < time.Second || gap > 5*time.Minute+time.Second {
				t.Errorf("try %d came %s after the one before", i+1, gap)
			}
		}
		if c.at[11].Sub(c.at[10]) < 2*time.Minute {
			t.Error("backoff does not grow")
		}
	})
}

func TestNothingIsWrittenWhileTheLeaseDoesNotHold(t *testing.T) {
	bubble(t, func(t *testing.T) {
		q, c := newFakeQueue(names(20)...), newFakeConn(2)
		c.answer = func(string, int) reply { return reply{after: 300 * time.Millisecond} }
		start(t, Config{}, q, c, nil)
		pass(100 * time.Millisecond)
		q.mu.Lock()
		q.owner.holds = false
		q.mu.Unlock()
		pass(10 * time.Second)
		if n := len(c.sent()); n != 2 {
			t.Errorf("%d written, 2 before the lease ended", n)
		}
		q.mu.Lock()
		q.owner.holds = true
		q.mu.Unlock()
		pass(30 * time.Second)
		if got := c.sent(); !slices.Equal(got, names(20)) {
			t.Errorf("after a late renewal %q", got)
		}
	})
}

func TestOtherVerdicts(t *testing.T) {
	for class, want := range map[Class]string{ClassPermanent: "rejected", ClassSurplus: "surplus"} {
		bubble(t, func(t *testing.T) {
			q, c := newFakeQueue("m1", "m2"), newFakeConn(1)
			c.answer = func(name string, _ int) reply {
				if name == "m1" {
					return reply{class: class, sync: true}
				}
				return reply{}
			}
			r := start(t, Config{}, q, c, nil)
			pass(time.Minute)
			r.wantLog("m1 "+want, "m2 submitted")
		})
	}
}

func TestExpiredIsNotWritten(t *testing.T) {
	bubble(t, func(t *testing.T) {
		q, c := newFakeQueue("m1", "m2", "m3"), newFakeConn(1)
		q.msgs[queue.Part{Block: "m2"}].Validity = time.Second
		c.answer = func(string, int) reply { return reply{after: 1500 * time.Millisecond} }
		r := start(t, Config{}, q, c, nil)
		pass(time.Minute)
		if got := c.sent(); !slices.Equal(got, []string{"m1", "m3"}) {
			t.Errorf("written %q", got)
		}
		if !slices.Contains(r.q.log(), "m2 expired") {
			t.Errorf("events %q", r.q.log())
		}
	})
}

func TestHoldIsMarkedBeforeItIsWritten(t *testing.T) {
	bubble(t, func(t *testing.T) {
		q, c := newFakeQueue("m1", "m2"), newFakeConn(2)
		q.msgs[queue.Part{Block: "m2"}].Hold = true
		q.setFail(failing("mark"))
		r := start(t, Config{}, q, c, nil)
		pass(3 * time.Second)
		if slices.Contains(c.sent(), "m2") {
			t.Fatal("written before it was marked")
		}
		q.setFail(failing())
		pass(3 * time.Second)
		if !slices.Equal(q.owner.marks, []string{"m2"}) || q.state("m2") != "submitted" {
			t.Errorf("marked %q, m2 is %s, events %q", q.owner.marks, q.state("m2"), r.q.log())
		}
	})
}

func TestStrayOutcomesChangeNothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		q, c := newFakeQueue("m1"), newFakeConn(1)
		c.answer = func(string, int) reply { return reply{after: time.Second} }
		r := start(t, Config{}, q, c, nil)
		var sub *Submission
		pass(500 * time.Millisecond)
		sub = c.unanswered()[0]
		pass(time.Second)
		r.d.Outcomes([]Outcome{{Submission: sub, Class: ClassPermanent}, {Submission: sub, Class: ClassOK, Late: true}, {}})
		pass(time.Second)
		r.wantLog("m1 submitted")
		if st := r.d.Stat(); st.Leased != 0 || st.Open != 0 {
			t.Errorf("%+v", st)
		}
	})
}
