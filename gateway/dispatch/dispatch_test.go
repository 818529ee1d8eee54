package dispatch

import (
	"slices"
	"strings"
	"testing"
	"time"
)

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

func TestAnIdleQueueIsNotAskedAllTheTime(t *testing.T) {
	bubble(t, func(t *testing.T) {
		bell := make(chan struct{}, 1)
		q, c := newFakeQueue(names(100)...), newFakeConn(200)
		n := 0
		c.answer = func(string, int) reply { n++; return reply{after: time.Duration(n) * 20 * time.Millisecond} }
		start(t, Config{Wake: bell}, q, c, nil)
		pass(10 * time.Second) // a response and a free slot each 20 ms for 2 s
		if n := q.asked(); n > 55 {
			t.Errorf("%d lease calls in 10 s with empty lanes; a look each 200 ms makes 50", n)
		}
		pass(50 * time.Millisecond)
		q.push("otp")
		signal(bell)
		pass(5 * time.Millisecond)
		if got := c.sent(); got[len(got)-1] != "otp" {
			t.Error("the doorbell was not heard")
		}
	})
}

func TestWhatWentBackIsAskedForAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		q, c := newFakeQueue(names(5)...), newFakeConn(5)
		c.answer = func(string, int) reply { return reply{after: time.Minute} }
		start(t, Config{Look: time.Hour}, q, c, nil)
		pass(time.Second)
		c.unbind(ClassUnsent)
		pass(10 * time.Millisecond)
		c.bind(5)
		pass(10 * time.Millisecond)
		if n := len(c.sent()); n != 10 {
			t.Errorf("%d submits", n)
		}
	})
}

func TestASilentCarrierGivesBackWhatWaitsAndTakesNoMore(t *testing.T) {
	bubble(t, func(t *testing.T) {
		q, c := newFakeQueue(names(300)...), newFakeConn(10)
		c.answer = func(string, int) reply { return reply{never: true} }
		start(t, Config{}, q, c, nil)
		pass(500 * time.Millisecond)
		if n := q.held(); n <= 10 {
			t.Errorf("%d leased: nothing waits", n)
		}
		before := q.asked()
		pass(30 * time.Second)
		if n := q.held(); n != 10 {
			t.Errorf("%d leased by a carrier that takes nothing, 10 are with it", n)
		}
		if n := q.asked() - before; n > 2 {
			t.Errorf("%d lease calls without a slot", n)
		}
		for _, s := range c.unanswered() {
			c.tell(s, ClassOK, false)
		}
		c.mu.Lock()
		c.answer = func(string, int) reply { return reply{} }
		c.mu.Unlock()
		pass(2 * time.Second)
		if n := len(c.sent()); n != 300 {
			t.Errorf("%d submits after it woke up", n)
		}
	})
}
