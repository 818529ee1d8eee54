package dispatch

import (
	"slices"
	"testing"
	"time"

	"bindery/queue"
)

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
