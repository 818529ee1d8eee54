package dlr

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"bindery/queue"
)

// The first call of an epoch lists it and sets its expiry, by the script; so does
// one with a longer receipt clock, and the first after Redis lost all. The others
// are transactions alone.
func TestEpochIsListedOnce(t *testing.T) {
	for _, open := range []func(testing.TB) place{newMini, func(t testing.TB) place { return newServer(t) }, newCluster} {
		db := open(t)
		p := db.hook(t)
		short := NewHome(db.DB, HomeOptions{Carrier: "alpha", ReceiptClock: time.Hour})
		long := NewHome(db.DB, HomeOptions{Carrier: "alpha", ReceiptClock: 48 * time.Hour})
		n := 0
		step := func(h *Home, calls int, when string) {
			t.Helper()
			n++
			id := fmt.Sprint("id", n)
			correlate(t, h, Correlation{id, part(n), subscriber})
			p.went(t, 1, calls, when)
			found(t, find(t, short, receipt(id)), part(n))
			clock := short.o.ReceiptClock
			if n > 2 {
				clock = long.o.ReceiptClock
			}
			at := time.Unix((time.Now().Unix()/epochSeconds+4)*epochSeconds, 0).Add(clock)
			ttl := db.PTTL(t.Context(), short.idsOf(epochAt(time.Now()))).Val()
			if off := time.Until(at) - ttl; off.Abs() > time.Minute {
				t.Errorf("%s: the epoch expires in %v, %v off", when, ttl, off)
			}
		}
		step(short, 1, "first")
		step(short, 0, "second")
		step(long, 1, "a longer clock")
		step(long, 0, "the same")
		step(short, 0, "a shorter clock")
		if err := db.FlushDB(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		step(long, 1, "flushed")
		step(short, 0, "after that")
	}
}

// everyHashExpires tells that no hash of ids stays for good.
func everyHashExpires(t *testing.T, c *clocked) (hashes int) {
	t.Helper()
	for _, k := range c.mini.Keys() {
		if strings.Contains(k, "}:ids:") {
			hashes++
			if c.mini.TTL(k) <= 0 {
				t.Errorf("%s never expires", k)
			}
		}
	}
	return hashes
}

// Whatever a process believes of Redis' clock, its ids come to lie in the epoch
// of Redis' clock, and the belief is mended by one call.
func TestWrongBeliefOfTime(t *testing.T) {
	for _, off := range []time.Duration{-60 * 24 * time.Hour, -9 * time.Hour, 9 * time.Hour, 60 * 24 * time.Hour} {
		t.Run(off.String(), func(t *testing.T) {
			c := newClocked(t, HomeOptions{ReceiptClock: time.Hour})
			p := c.hook(t)
			n := 0
			step := func(calls int, when string) {
				t.Helper()
				n++
				id := fmt.Sprint("id", n)
				correlate(t, c.Home, Correlation{id, part(n), subscriber})
				p.went(t, 1, calls, when)
				if !c.HExists(t.Context(), c.idsOf(epochAt(c.now)), id).Val() {
					t.Errorf("%s: %s is not in the epoch of Redis' clock", when, id)
				}
				found(t, find(t, c.Home, receipt(id)), part(n))
			}
			own := c.now.Add(off)
			c.o.Now = func() time.Time { return own }
			step(1, "ours is wrong from the start")
			step(0, "told")
			own = own.Add(off)
			step(1, "ours is set")
			step(0, "told again")
			c.now = c.now.Add(-off)
			c.mini.SetTime(c.now)
			step(1, "that of Redis is set")
			step(0, "told once more")
			everyHashExpires(t, c)
			c.pass(180 * 24 * time.Hour)
			if n := everyHashExpires(t, c); n != 0 {
				t.Errorf("%d hashes are left", n)
			}
		})
	}
}

// At the border of an epoch others list the new one, and retire an old one that
// this process still believes in.
func TestRetiredEpoch(t *testing.T) {
	c := newClocked(t, HomeOptions{ReceiptClock: time.Hour})
	p := c.hook(t)
	correlate(t, c.Home, Correlation{"a", part(1), subscriber})
	old, own := c.idsOf(epochAt(c.now)), c.now
	c.o.Now = func() time.Time { return own } // it was suspended
	c.pass(20 * time.Hour)
	other := NewHome(c.DB, HomeOptions{Carrier: "alpha", ReceiptClock: time.Hour, Now: func() time.Time { return c.now }})
	correlate(t, other, Correlation{"b", part(2), subscriber})
	if err := other.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if c.mini.Exists(old) {
		t.Fatal("the old epoch was not retired")
	}
	p.used()
	correlate(t, c.Home, Correlation{"c", part(3), subscriber})
	p.went(t, 1, 1, "in a retired epoch")
	found(t, find(t, other, receipt("c")), part(3))
	everyHashExpires(t, c)
	own = own.Add(8 * time.Hour)
	c.pass(8 * time.Hour)
	correlate(t, c.Home, Correlation{"d", part(4), subscriber})
	p.went(t, 1, 1, "first of the next")
	correlate(t, other, Correlation{"e", part(5), subscriber})
	p.went(t, 1, 0, "listed by another")
}

// An epoch all of whose ids were forgotten is no key; what comes then expires.
func TestEmptiedEpoch(t *testing.T) {
	c := newClocked(t, HomeOptions{})
	for n := range 3 {
		id := fmt.Sprint("id", n)
		correlate(t, c.Home, Correlation{id, part(n), subscriber})
		if everyHashExpires(t, c) != 1 {
			t.Fatal("no hash")
		}
		c.Forget([]Known{find(t, c.Home, receipt(id)).Known})
		c.pass(20 * time.Second)
		if err := c.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if everyHashExpires(t, c) != 0 {
			t.Fatal("it was not emptied")
		}
	}
}

// One with a short receipt clock fills it again: the ids of a longer one live on.
func TestEmptiedEpochOfALongerClock(t *testing.T) {
	long := newClocked(t, HomeOptions{ReceiptClock: 72 * time.Hour})
	short := NewHome(long.DB, HomeOptions{Carrier: "alpha", ReceiptClock: time.Hour, Now: long.o.Now})
	correlate(t, short, Correlation{"a", part(1), subscriber})
	correlate(t, long.Home, Correlation{"b", part(2), subscriber})
	long.mini.Del(long.idsOf(epochAt(long.now))) // all forgotten
	correlate(t, short, Correlation{"c", part(3), subscriber})
	p := long.hook(t)
	correlate(t, long.Home, Correlation{"d", part(4), subscriber})
	p.went(t, 1, 0, "in the same epoch")
	long.pass(72 * time.Hour)
	if err := short.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	found(t, find(t, long.Home, receipt("d")), part(4))
}

// Nobody knows whether a transaction ran whose answer is lost: what was written
// is written again, and what is parked is answered.
func TestLostTransaction(t *testing.T) {
	for _, db := range []place{newMini(t), newServer(t), newCluster(t)} {
		p := db.hook(t)
		h := NewHome(db.DB, HomeOptions{Carrier: "alpha"})
		correlate(t, h, Correlation{"a", part(1), subscriber})
		find(t, h, receipt("early"))
		p.used()
		p.swallow = 1
		ps := correlate(t, h, Correlation{"early", part(2), subscriber})
		p.went(t, 1, 1, "lost")
		if len(ps) != 1 || ps[0].Part != part(2) {
			t.Fatalf("got %+v", ps)
		}
		drop(t, h, ps...)
		correlate(t, h, Correlation{"b", part(3), subscriber})
		p.went(t, 1, 0, "after that")
	}
}

// Redis is asked again for transactions after a rest.
func TestRefusedTransactions(t *testing.T) {
	for _, db := range []place{newMini(t), newServer(t)} {
		p := db.hook(t)
		h := NewHome(db.DB, HomeOptions{Carrier: "alpha"})
		correlate(t, h, Correlation{"a", part(1), subscriber})
		p.used()
		p.refuse = true
		for range 1 + refusalRest {
			correlate(t, h, Correlation{"b", part(2), subscriber})
		}
		p.went(t, 1, 1+refusalRest, "refused")
		p.refuse = false
		correlate(t, h, Correlation{"c", part(3), subscriber})
		p.went(t, 1, 0, "not refused any more")
		found(t, find(t, h, receipt("b")), part(2))
		found(t, find(t, h, receipt("c")), part(3))
	}
}

// Law 4: without an error the ids are known. What Redis says is told.
func TestCorrelateFails(t *testing.T) {
	db := newServer(t)
	h := NewHome(db.DB, HomeOptions{Carrier: "alpha"})
	correlate(t, h, Correlation{"a", part(1), subscriber})
	key := h.idsOf(epochAt(time.Now()))
	if err := db.Set(t.Context(), key, "no hash", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Correlate(t.Context(), []Correlation{{"b", part(2), subscriber}}); !redis.HasErrorPrefix(err, "WRONGTYPE") || !strings.Contains(err.Error(), "correlate: ") {
		t.Errorf("no hash: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.Correlate(ctx, []Correlation{{"b", part(2), subscriber}}); err == nil {
		t.Error("canceled: no error")
	}
	if err := db.Del(t.Context(), key).Err(); err != nil {
		t.Fatal(err)
	}
	if f := find(t, h, receipt("b")); f.Part != (queue.Part{}) {
		t.Errorf("found: %+v", f)
	}
}

func TestLists(t *testing.T) {
	for _, tt := range []struct {
		epochs string
		want   bool
	}{
		{"", false},
		{"60000:3600000", true},
		{"60000:3600001 59999:1", true},
		{"60001:1 60000:3600000", true},
		{"60000:3599999", false},
		{"59999:3600000 60001:3600000", false},
		{"060000:3600000", false},
		{"60000", false},
		{"60000:", false},
		{"60000:x", false},
		{"60000:3600000x", false},
		{"x60000:3600000", false},
	} {
		if got := lists(tt.epochs, "60000", time.Hour); got != tt.want {
			t.Errorf("%q: %v", tt.epochs, got)
		}
	}
}
