package dispatch

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"
)

func TestUnbindMidWayHandsBackInOrder(t *testing.T) {
	for _, size := range []struct{ parts, window int }{{40, 10}, {990, 450}} { // the second takes more than one call
		bubble(t, func(t *testing.T) {
			all := names(size.parts)
			q, c := newFakeQueue(all...), newFakeConn(size.window)
			c.answer = func(string, int) reply { return reply{after: time.Minute} }
			start(t, Config{}, q, c, nil)
			pass(500 * time.Millisecond)
			if n := q.held(); n <= size.window {
				t.Errorf("only %d leased, nothing waits", n)
			}
			c.unbind(ClassUnsent)
			pass(100 * time.Millisecond)
			if n := q.held(); n != 0 {
				t.Errorf("%d parts are kept by a carrier that is not bound", n)
			}
			q.mu.Lock()
			for i, p := range q.lane {
				if string(p.Block) != all[i] {
					t.Fatalf("lane %v", q.lane)
				}
			}
			q.mu.Unlock()
			c.mu.Lock()
			c.answer = func(string, int) reply { return reply{} }
			c.mu.Unlock()
			c.bind(size.window)
			pass(5 * time.Second)
			if got := c.sent()[size.window:]; !slices.Equal(got, all) {
				t.Errorf("after the rebind %q", got)
			}
		})
	}
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
