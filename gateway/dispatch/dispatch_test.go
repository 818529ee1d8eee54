package dispatch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"bindery/queue"
)

func names(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("m%03d", i+1)
	}
	return out
}

// pass lets simulated time pass, and all that it brings be done.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func bubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, f)
}

func TestAllOfABacklogIsSubmittedInOrder(t *testing.T) {
	bubble(t, func(t *testing.T) {
		q, c := newFakeQueue(names(300)...), newFakeConn(20)
		c.answer = func(string, int) reply { return reply{after: 3 * time.Millisecond} }
		r := start(t, Config{}, q, c, nil)
		pass(3 * time.Second)
		if got := c.sent(); !slices.Equal(got, names(300)) {
			t.Errorf("submitted %d, in another order or not all: %q…", len(got), got[:min(5, len(got))])
		}
		for _, n := range names(300) {
			if s := q.state(n); s != "submitted" {
				t.Errorf("%s is %s", n, s)
			}
		}
		if st := r.d.Stat(); st.Leased != 0 || st.Waiting != 0 || st.Open != 0 {
			t.Errorf("something is left in the hand: %+v", st)
		}
		if most := q.most(); most > 40 {
			t.Errorf("%d parts were leased and unsettled at once; window 20 and prefetch 20 allow 40", most)
		}
	})
}

func TestCreditsBoundWhatIsLeasedWhileNothingIsAnswered(t *testing.T) {
	for _, tc := range []struct {
		window  int
		rate    float64
		credits int
	}{
		{10, 0, 20}, // nothing measured for long: at most a window more
		{10, 20, 11},
		{50, 500, 75},
		{50, 5, 51},
	} {
		bubble(t, func(t *testing.T) {
			q, c := newFakeQueue(names(300)...), newFakeConn(tc.window)
			c.answer = func(string, int) reply { return reply{never: true} }
			start(t, Config{}, q, c, &fakeRate{perSecond: tc.rate, tokens: 1e9, ready: make(chan struct{}, 1)})
			pass(10 * time.Second)
			if most := q.most(); most > tc.credits {
				t.Errorf("window %d, rate %g: %d leased at once, credits are %d", tc.window, tc.rate, most, tc.credits)
			}
			if len(c.sent()) != tc.window {
				t.Errorf("%d submitted, the window is %d", len(c.sent()), tc.window)
			}
		})
	}
}

// fakeRate gives tokens away until they are gone.
type fakeRate struct {
	mu        sync.Mutex
	perSecond float64
	tokens    int
	ready     chan struct{}
	paused    bool
	ok, thr   int
}

func (f *fakeRate) Take(n int) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n = min(n, f.tokens)
	f.tokens -= n
	return n
}

func (f *fakeRate) Return(n int)           { f.mu.Lock(); f.tokens += n; f.mu.Unlock() }
func (f *fakeRate) Ready() <-chan struct{} { return f.ready }
func (f *fakeRate) PerSecond() float64     { return f.perSecond }
func (f *fakeRate) Paused() bool           { f.mu.Lock(); defer f.mu.Unlock(); return f.paused }
func (f *fakeRate) pause(p bool)           { f.mu.Lock(); f.paused = p; f.mu.Unlock() }
func (f *fakeRate) Answered(ok, thr int)   { f.mu.Lock(); f.ok += ok; f.thr += thr; f.mu.Unlock() }

func TestTokensBoundWhatIsWrittenAndTheRestGoesBack(t *testing.T) {
	bubble(t, func(t *testing.T) {
		q, c := newFakeQueue(names(30)...), newFakeConn(10)
		rate := &fakeRate{perSecond: 100, tokens: 7, ready: make(chan struct{}, 1)}
		start(t, Config{}, q, c, rate)
		pass(900 * time.Millisecond)
		if got := c.sent(); !slices.Equal(got, names(7)) {
			t.Errorf("7 tokens, submitted %q", got)
		}
		pass(5 * time.Second)
		if n := q.held(); n > 5 {
			t.Errorf("%d parts wait leased with no token in sight", n)
		}
		rate.Return(23)
		signal(rate.ready)
		pass(5 * time.Second)
		if got := c.sent(); !slices.Equal(got, names(30)) {
			t.Errorf("order after the share came back: %q", got)
		}
		if rate.ok != 30 {
			t.Errorf("rate was told of %d responses", rate.ok)
		}
	})
}

func TestCorrelateIsAnsweredBeforeSettle(t *testing.T) {
	bubble(t, func(t *testing.T) {
		q, c := newFakeQueue("m1"), newFakeConn(1)
		r := start(t, Config{}, q, c, nil)
		r.h.mu.Lock()
		r.h.fail = failing("correlate")
		r.h.mu.Unlock()
		pass(20 * time.Second)
		if s := q.state("m1"); s != "leased" || len(q.calls) > 0 {
			t.Fatalf("settled though its id is not known: %s, calls %q", s, q.calls)
		}
		r.h.mu.Lock()
		r.h.fail = failing()
		r.h.mu.Unlock()
		pass(2 * time.Second)
		r.wantLog("m1 submitted")
		if r.h.ids["id-m1"].Block != "m1" {
			t.Error("the id is not known")
		}
	})
}

// failing makes the named calls fail.
func failing(calls ...string) func(string) error {
	return func(call string) error {
		if slices.Contains(calls, call) {
			return errAway
		}
		return nil
	}
}

func (q *fakeQueue) setFail(f func(string) error) { q.mu.Lock(); q.fail = f; q.mu.Unlock() }
func (h *fakeHome) setFail(f func(string) error)  { h.mu.Lock(); h.fail = f; h.mu.Unlock() }

func TestRedisAwayAndBack(t *testing.T) {
	bubble(t, func(t *testing.T) {
		q, c := newFakeQueue(names(100)...), newFakeConn(10)
		c.answer = func(string, int) reply { return reply{after: 20 * time.Millisecond} }
		r := start(t, Config{}, q, c, nil)
		pass(45 * time.Millisecond)
		q.setFail(failing("lease", "settle", "finish"))
		r.h.setFail(failing("correlate", "find", "look", "drop"))
		pass(30 * time.Second)
		if n := q.held(); n == 0 || n > 20 {
			t.Errorf("%d parts are owed while redis is away", n)
		}
		away := len(c.sent())
		q.setFail(failing())
		r.h.setFail(failing())
		pass(5 * time.Second)
		if got := c.sent(); !slices.Equal(got, names(100)) || away > 40 {
			t.Errorf("%d submitted, %d when redis came back", len(got), away)
		}
		for _, n := range names(100) {
			if s := q.state(n); s != "submitted" {
				t.Errorf("%s is %s", n, s)
			}
		}
	})
}

func TestThrottledCases(t *testing.T) {
	type profile struct {
		Window int
		Pause  int `json:"throttle_pause_s"`
	}
	t.Run("S01", func(t *testing.T) {
		var tc struct {
			Input struct {
				Profile profile
				Queue   []string
			}
			Expect struct {
				Order []string `json:"final_order"`
				Next  string   `json:"next_submit"`
			}
		}
		sessionCase(t, "S01", &tc)
		bubble(t, func(t *testing.T) {
			q, c := newFakeQueue(tc.Input.Queue...), newFakeConn(tc.Input.Profile.Window)
			c.answer = func(name string, try int) reply {
				if name == tc.Expect.Next && try == 1 {
					return reply{class: ClassThrottled}
				}
				return reply{}
			}
			start(t, Config{ThrottlePause: time.Duration(tc.Input.Profile.Pause) * time.Second}, q, c, nil)
			pass(59 * time.Second)
			if got := c.sent(); !slices.Equal(got, tc.Input.Queue[:3]) {
				t.Fatalf("submitted in the pause: %q", got)
			}
			if n := q.held(); n != 0 {
				t.Errorf("%d parts are kept from others in the pause", n)
			}
			pass(10 * time.Second)
			want := slices.Concat(tc.Input.Queue[:3], tc.Input.Queue[2:])
			if got := c.sent(); !slices.Equal(got, want) {
				t.Errorf("order %q, want %q", got, want)
			}
			if got := submitted(q.log()); !slices.Equal(got, tc.Expect.Order) {
				t.Errorf("accepted %q, want %q", got, tc.Expect.Order)
			}
			if a := q.slots[queue.Part{Block: "m3"}].attempt; a != 1 {
				t.Errorf("a throttle burnt an attempt: %d", a)
			}
		})
	})
	t.Run("S03", func(t *testing.T) {
		var tc struct{ Input struct{ Profile profile } }
		sessionCase(t, "S03", &tc)
		bubble(t, func(t *testing.T) {
			q, c := newFakeQueue("m1"), newFakeConn(tc.Input.Profile.Window)
			c.answer = func(_ string, try int) reply {
				if try < 3 {
					return reply{class: ClassThrottled}
				}
				return reply{}
			}
			r := start(t, Config{ThrottlePause: time.Duration(tc.Input.Profile.Pause) * time.Second}, q, c, nil)
			pass(70 * time.Second)
			r.d.Receipts([]Receipt{r.acks.receipt(1, "id-m1", queue.StatusDelivered)})
			pass(time.Second)
			r.wantLog("m1 submitted", "m1 delivered")
			if len(c.at) != 3 || c.at[2].Sub(c.at[0]) < 60*time.Second {
				t.Errorf("submitted at %v", c.at)
			}
		})
	})
}

func submitted(events []string) []string {
	var out []string
	for _, e := range events {
		if n, ok := strings.CutSuffix(e, " submitted"); ok {
			out = append(out, n)
		}
	}
	return out
}

// F15: window 50, the carrier refuses everything from the 20th on, answers
// scattered; all that was refused goes again before anything later.
func TestThrottledWindowGoesBackInOrder(t *testing.T) {
	bubble(t, func(t *testing.T) {
		q, c := newFakeQueue(names(200)...), newFakeConn(50)
		n := 0
		c.answer = func(name string, try int) reply {
			n++
			r := reply{after: time.Duration(1+n*7%13) * 10 * time.Millisecond}
			if try == 1 && name >= "m020" {
				r.class = ClassThrottled
			}
			return r
		}
		start(t, Config{ThrottlePause: 2 * time.Second}, q, c, nil)
		pass(time.Second)
		first := len(c.sent())
		c.mu.Lock()
		c.answer = func(string, int) reply { return reply{after: time.Millisecond} }
		c.mu.Unlock()
		pass(10 * time.Second)
		got := c.sent()
		if want := names(200)[19:]; !slices.Equal(got[first:], want) {
			t.Errorf("after the pause %q…, want %q…", got[first:min(len(got), first+40)], want[:5])
		}
	})
}

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

func TestEarlyReceiptS17(t *testing.T) {
	bubble(t, func(t *testing.T) {
		q, c := newFakeQueue("m1"), newFakeConn(1)
		c.answer = func(string, int) reply { return reply{after: 400 * time.Millisecond} }
		r := start(t, Config{}, q, c, nil)
		pass(50 * time.Millisecond)
		r.d.Receipts([]Receipt{r.acks.receipt(1, "id-m1", queue.StatusDelivered), r.acks.receipt(2, "never-seen", queue.StatusDelivered)})
		pass(50 * time.Millisecond)
		for token := range uint64(2) {
			if err, n := r.acks.answer(token + 1); err != nil || n != 1 {
				t.Errorf("receipt %d: answered %d times, %v", token+1, n, err)
			}
		}
		pass(time.Second)
		r.wantLog("m1 submitted", "m1 delivered")
		if len(r.h.parked) != 1 || r.h.drops != 1 {
			t.Errorf("parked %v, dropped %d", r.h.parked, r.h.drops)
		}
	})
}

// One read brings the response and its receipt: no parking.
func TestReceiptBehindItsResponseFindsItsID(t *testing.T) {
	bubble(t, func(t *testing.T) {
		q, c := newFakeQueue("m1"), newFakeConn(1)
		c.answer = func(string, int) reply { return reply{never: true} }
		r := start(t, Config{}, q, c, nil)
		pass(time.Second)
		for _, s := range c.unanswered() {
			c.tell(s, ClassOK, false)
		}
		r.d.Receipts([]Receipt{r.acks.receipt(1, "id-m1", queue.StatusDelivered)})
		pass(time.Second)
		r.wantLog("m1 submitted", "m1 delivered")
		if r.h.drops != 0 || len(r.h.parked) != 0 {
			t.Error("it was parked")
		}
	})
}

func TestReceiptIsAnsweredOnlyWhenStored(t *testing.T) {
	for _, tc := range []struct {
		name string
		home func(*rig)
	}{
		{"find fails", func(r *rig) { r.h.setFail(failing("find")) }},
		{"finish fails", func(r *rig) { r.q.setFail(failing("finish")) }},
		{"no room to park", func(r *rig) {
			r.h.mu.Lock()
			r.h.full = true
			delete(r.h.ids, "id-m1")
			r.h.mu.Unlock()
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r := start(t, Config{}, newFakeQueue("m1"), newFakeConn(1), nil)
				pass(time.Second)
				tc.home(r)
				r.d.Receipts([]Receipt{r.acks.receipt(1, "id-m1", queue.StatusDelivered)})
				pass(time.Second)
				if err, n := r.acks.answer(1); err == nil || n != 1 {
					t.Errorf("answered %d times, %v", n, err)
				}
			})
		})
	}
	t.Run("correlate fails", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			q, c := newFakeQueue("m1"), newFakeConn(1)
			r := start(t, Config{}, q, c, nil)
			r.h.setFail(failing("correlate"))
			pass(time.Second)
			r.d.Receipts([]Receipt{r.acks.receipt(1, "id-m1", queue.StatusDelivered)})
			pass(2 * time.Second)
			if err, n := r.acks.answer(1); err == nil || n != 1 {
				t.Errorf("answered %d times, %v", n, err)
			}
			if len(r.h.parked) > 0 {
				t.Error("looked up before the id that was read before it was known")
			}
		})
	})
}

func TestFloodOfReceiptsIsBounded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := start(t, Config{MaxUnstored: 100}, newFakeQueue(), newFakeConn(1), nil)
		r.h.mu.Lock() // redis stands still
		for i := range uint64(250) {
			r.d.Receipts([]Receipt{r.acks.receipt(i, fmt.Sprint("x", i), queue.StatusDelivered)})
		}
		refused := 0
		for i := range uint64(250) {
			if err, _ := r.acks.answer(i); errors.Is(err, errBusy) {
				refused++
			}
		}
		r.h.mu.Unlock()
		if refused != 150 {
			t.Errorf("%d refused at once, want 150", refused)
		}
		pass(time.Second)
		for i := range uint64(250) {
			if _, n := r.acks.answer(i); n != 1 {
				t.Fatalf("receipt %d was answered %d times", i, n)
			}
		}
		r.d.Receipts([]Receipt{r.acks.receipt(999, "y", queue.StatusDelivered)})
		pass(time.Second)
		if err, n := r.acks.answer(999); err != nil || n != 1 {
			t.Errorf("after the flood: %v, %d", err, n)
		}
	})
}

func TestWalkCompletesParkedReceipts(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := start(t, Config{}, newFakeQueue("m1"), newFakeConn(1), nil)
		pass(time.Second)
		r.h.mu.Lock()
		r.h.parked["id-m1"] = append(r.h.parked["id-m1"], r.acks.receipt(0, "id-m1", queue.StatusDelivered).Receipt)
		r.h.lookNow = true
		r.h.mu.Unlock()
		q := r.q
		q.setFail(failing("finish"))
		pass(3 * time.Second)
		if r.h.drops != 0 {
			t.Fatal("dropped before it was finished")
		}
		q.setFail(failing())
		pass(3 * time.Second)
		r.wantLog("m1 submitted", "m1 delivered")
		if r.h.drops != 1 {
			t.Errorf("%d drops", r.h.drops)
		}
	})
}

// More is parked than one call finishes, and the second call fails: what it held
// stays parked.
func TestParkedIsDroppedOnlyWhenFinished(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n := batchMax + 100
		q, c := newFakeQueue(names(n)...), newFakeConn(n)
		c.answer = func(string, int) reply { return reply{after: 5 * time.Second} }
		r := start(t, Config{}, q, c, nil)
		for i, name := range names(n) {
			r.d.Receipts([]Receipt{r.acks.receipt(uint64(i), "id-"+name, queue.StatusDelivered)})
		}
		calls := 0
		q.setFail(func(call string) error {
			if call == "finish" && time.Since(c.at[0]) < 10*time.Second {
				if calls++; calls > 1 {
					return errAway
				}
			}
			return nil
		})
		pass(9 * time.Second)
		r.h.mu.Lock()
		if r.h.drops != len(delivered(q.log())) || r.h.drops == 0 || r.h.drops == n {
			t.Errorf("%d dropped, %d finished", r.h.drops, len(delivered(q.log())))
		}
		r.h.mu.Unlock()
		pass(10 * time.Second)
		if got := len(delivered(q.log())); got != n {
			t.Errorf("%d of %d delivered in the end", got, n)
		}
	})
}

func delivered(events []string) []string {
	return slices.DeleteFunc(events, func(e string) bool { return !strings.HasSuffix(e, " delivered") })
}

func TestUnbindMidWayHandsBackInOrder(t *testing.T) {
	bubble(t, func(t *testing.T) {
		q, c := newFakeQueue(names(40)...), newFakeConn(10)
		c.answer = func(string, int) reply { return reply{after: time.Minute} }
		start(t, Config{}, q, c, nil)
		pass(500 * time.Millisecond)
		c.unbind(ClassUnsent)
		pass(100 * time.Millisecond)
		if n := q.held(); n != 0 {
			t.Errorf("%d parts are kept by a carrier that is not bound", n)
		}
		if got := q.lane; len(got) != 40 || got[0].Block != "m001" || got[39].Block != "m040" || !slices.IsSortedFunc(got, func(a, b queue.Part) int {
			return strings.Compare(string(a.Block), string(b.Block))
		}) {
			t.Errorf("lane %v", got)
		}
		c.mu.Lock()
		c.answer = func(string, int) reply { return reply{} }
		c.mu.Unlock()
		c.bind(10)
		pass(5 * time.Second)
		if got := c.sent()[10:]; !slices.Equal(got, names(40)) {
			t.Errorf("after the rebind %q", got)
		}
	})
}

func TestStopHandsBackAndDrains(t *testing.T) {
	bubble(t, func(t *testing.T) {
		q, c := newFakeQueue(names(60)...), newFakeConn(10)
		c.answer = func(string, int) reply { return reply{after: 2 * time.Second} }
		r := start(t, Config{}, q, c, nil)
		pass(500 * time.Millisecond)
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		before := len(c.sent())
		if err := r.d.Stop(ctx); err != nil {
			t.Fatal(err)
		}
		if n := q.held(); n != 0 || len(c.sent()) != before {
			t.Errorf("%d are owed after Stop, %d were submitted in it", n, len(c.sent())-before)
		}
		if done := submitted(q.log()); len(done) != before {
			t.Errorf("%d of %d settled", len(done), before)
		}
		pass(time.Minute)
		if len(c.sent()) != before {
			t.Error("submitted after Stop")
		}
	})
}

func TestStopIsBoundedAndMayBeCalledAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		q, c := newFakeQueue(names(5)...), newFakeConn(2)
		c.answer = func(string, int) reply { return reply{never: true} }
		r := start(t, Config{}, q, c, nil)
		pass(500 * time.Millisecond)
		ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
		defer cancel()
		var owed *OwedError
		if err := r.d.Stop(ctx); !errors.As(err, &owed) || owed.Parts != 2 {
			t.Fatalf("stop: %v", err)
		}
		c.unbind(ClassUncertain)
		if err := r.d.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		r.wantLog("m001 uncertain", "m002 uncertain")
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

func TestLapsedOwner(t *testing.T) {
	bubble(t, func(t *testing.T) {
		q, c := newFakeQueue(names(6)...), newFakeConn(2)
		c.answer = func(name string, try int) reply { return reply{after: 5 * time.Second} }
		r := start(t, Config{}, q, c, nil)
		pass(time.Second) // m001, m002 are written, m003 waits
		q.reclaim(q.owner)
		q.setFail(failing("lease")) // the other instance is not to take them in this test
		pass(5 * time.Second)
		if q.lapses != 1 {
			t.Errorf("the gateway was told %d times", q.lapses)
		}
		r.wantLog("m001 submitted", "m002 submitted")
		if st := r.d.Stat(); st.Leased != 0 || st.Waiting != 0 {
			t.Errorf("still in the hand: %+v", st)
		}
		q.setFail(failing())
		q.mu.Lock()
		q.newOwner()
		q.mu.Unlock()
		pass(30 * time.Second)
		if got := c.sent(); !slices.Equal(got, names(6)) {
			t.Errorf("under the new owner: %q", got)
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

func TestSessionFaultPausesAndBurnsNothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		q, c := newFakeQueue("m1"), newFakeConn(1)
		c.answer = func(_ string, try int) reply {
			if try <= 20 {
				return reply{class: ClassSession}
			}
			return reply{}
		}
		r := start(t, Config{TemporaryTries: 2}, q, c, nil)
		pass(10 * time.Second)
		if n := len(c.sent()); n > 11 {
			t.Errorf("%d tries in 10 s", n)
		}
		pass(time.Minute)
		r.wantLog("m1 submitted")
	})
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

func TestPauseByAPerson(t *testing.T) {
	bubble(t, func(t *testing.T) {
		q, c := newFakeQueue(names(10)...), newFakeConn(1)
		c.answer = func(string, int) reply { return reply{after: time.Second} }
		rate := &fakeRate{tokens: 1000, ready: make(chan struct{}, 1)}
		start(t, Config{}, q, c, rate)
		pass(500 * time.Millisecond)
		rate.pause(true)
		pass(time.Minute)
		if n := len(c.sent()); n != 1 || q.held() != 0 {
			t.Errorf("%d written, %d held in the pause", n, q.held())
		}
		rate.pause(false)
		pass(time.Minute)
		if got := c.sent(); !slices.Equal(got, names(10)) {
			t.Errorf("after it %q", got)
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

func TestValidate(t *testing.T) {
	for field, cfg := range map[string]Config{
		"carrier":          {},
		"retry.temporary":  {Carrier: "a", TemporaryTries: 256},
		"retry.uncertain":  {Carrier: "a", UncertainTries: -1},
		"response_timeout": {Carrier: "a", ResponseTimeout: -1},
		"max_unstored":     {Carrier: "a", MaxUnstored: -1},
	} {
		if err := cfg.Validate(); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%s: %v", field, err)
		}
	}
	if err := (Config{Carrier: "a"}).Validate(); err != nil {
		t.Error(err)
	}
}
