package dlr

import (
	"fmt"
	"testing"
	"time"

	"bindery/queue"
)

func forgetRecents(h *Home) {
	h.recents.mu.Lock()
	defer h.recents.mu.Unlock()
	h.recents.young, h.recents.old = nil, nil
}

// What this process correlated is found without Redis' ids, and no more once it
// has its final; another destination, or rules that another process learned, send
// the receipt to Redis.
func TestRecents(t *testing.T) {
	c := newClocked(t, HomeOptions{})
	correlate(t, c.Home, Correlation{"zz1", part(1), subscriber}, Correlation{"zz2", part(2), subscriber})
	ids := c.mini.Keys()
	for _, k := range ids {
		if len(k) > 4 && k[len(k)-5:] != "state" {
			c.mini.Del(k) // as if Redis did not know them
		}
	}
	again := func(r Receipt) Found {
		t.Helper()
		fs, err := c.Find(t.Context(), []Receipt{r})
		if err != nil {
			t.Fatal(err)
		}
		return fs[0]
	}
	found(t, again(receipt("zz1")), part(1))
	found(t, again(receipt("ZZ1")), part(1))
	other := receipt("zz2")
	other.To = "821000000009"
	if f := again(other); f.Part != (queue.Part{}) {
		t.Errorf("another destination: %+v", f)
	}
	c.Forget([]Known{{ID: "zz1", Part: part(1)}})
	if f := again(receipt("zz1")); !f.Parked {
		t.Errorf("forgotten: %+v", f)
	}
	if err := c.db.HSet(t.Context(), c.state, "rules", "60000:0:").Err(); err != nil {
		t.Fatal(err)
	}
	if f := again(receipt("zz2")); f.Part != (queue.Part{}) {
		t.Errorf("chosen by rules that are others now: %+v", f)
	}
}

func TestRecentsAreBounded(t *testing.T) {
	var c recents
	now := time.Unix(1_000_000, 0)
	for i := range 4*maxRecents - 10 {
		c.add([]string{fmt.Sprint(i)}, []Correlation{{Part: part(1), To: subscriber}}, now)
		if n := len(c.young) + len(c.old); n > 2*maxRecents {
			t.Fatalf("%d ids", n)
		}
	}
	last := []string{fmt.Sprint(4*maxRecents - 11), "0"}
	if got := c.look(last, now); !got[0].known() || got[1].known() {
		t.Errorf("the last is %v, the first %v", got[0], got[1])
	}
	if got := c.look(last, now.Add(recentAge+time.Second)); !got[0].known() {
		t.Error("old too soon")
	}
	if got := c.look(last, now.Add(4*recentAge)); got[0].known() {
		t.Error("not old")
	}
}
