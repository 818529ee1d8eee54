package dispatch

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"bindery/queue"
)

func TestEarlyReceiptS17(t *testing.T) {
	bubble(t, func(t *testing.T) {
		q, c := newFakeQueue("m1"), newFakeConn(1)
		c.answer = func(string, int) reply { return reply{after: 400 * time.Millisecond} }
		r := start(t, Config{}, q, c, nil)
		pass(50 * time.Millisecond)
		r.d.Receipts([]Receipt{r.acks.receipt(1, "id-m1", queue.StatusDelivered), r.acks.receipt(2, "never-seen", queue.StatusDelivered)})
		pass(50 * time.Millisecond)
		for token := range uint64(2) {
			if n, err := r.acks.answer(token + 1); err != nil || n != 1 {
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
				if n, err := r.acks.answer(1); err == nil || n != 1 {
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
			if n, err := r.acks.answer(1); err == nil || n != 1 {
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
			if _, err := r.acks.answer(i); errors.Is(err, errBusy) {
				refused++
			}
		}
		r.h.mu.Unlock()
		if refused != 150 {
			t.Errorf("%d refused at once, want 150", refused)
		}
		pass(time.Second)
		for i := range uint64(250) {
			if n, _ := r.acks.answer(i); n != 1 {
				t.Fatalf("receipt %d was answered %d times", i, n)
			}
		}
		r.d.Receipts([]Receipt{r.acks.receipt(999, "y", queue.StatusDelivered)})
		pass(time.Second)
		if n, err := r.acks.answer(999); err != nil || n != 1 {
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

func TestIDsAreForgottenAfterTheFinal(t *testing.T) {
	bubble(t, func(t *testing.T) {
		q, c := newFakeQueue("m1", "m2", "m3"), newFakeConn(3)
		c.answer = func(string, int) reply { return reply{after: time.Second} }
		r := start(t, Config{}, q, c, nil)
		pass(100 * time.Millisecond)
		r.d.Receipts([]Receipt{r.acks.receipt(1, "id-m1", queue.StatusDelivered)}) // parked
		pass(2 * time.Second)
		r.d.Receipts([]Receipt{r.acks.receipt(2, "id-m2", queue.StatusEnroute)})
		pass(time.Second)
		q.setFail(failing("finish"))
		r.d.Receipts([]Receipt{r.acks.receipt(3, "id-m3", queue.StatusDelivered)})
		pass(time.Second)
		q.setFail(failing())
		r.d.Receipts([]Receipt{r.acks.receipt(4, "id-m3", queue.StatusUndelivered)})
		r.h.mu.Lock()
		if got := r.h.forgotten; !slices.Equal(got, []string{"id-m1"}) {
			t.Errorf("forgotten %q", got)
		}
		r.h.mu.Unlock()
		pass(time.Second)
		r.h.mu.Lock()
		if got := r.h.forgotten; !slices.Equal(got, []string{"id-m1", "id-m3"}) {
			t.Errorf("forgotten %q", got)
		}
		r.h.mu.Unlock()
	})
}
