package dlr

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"bindery/queue"
)

// clocked is a home on a Redis whose clock the test sets.
type clocked struct {
	*Home
	place
	now time.Time
}

func newClocked(t *testing.T, o HomeOptions) *clocked {
	c := &clocked{place: newMini(t), now: time.Unix(28800*60000, 0)}
	o.Carrier = "alpha"
	o.Now = func() time.Time { return c.now }
	c.Home = NewHome(c.DB, o)
	c.mini.SetTime(c.now)
	return c
}

func (c *clocked) pass(d time.Duration) {
	c.now = c.now.Add(d)
	c.mini.SetTime(c.now)
	c.mini.FastForward(d)
}

// A parked receipt whose id comes by another way (its Drop was lost, its
// Correlate crashed) is looked at after 1, 5, 30 and 60 s, then every 300 s.
func TestLookSchedule(t *testing.T) {
	c := newClocked(t, HomeOptions{ReceiptClock: time.Hour})
	start := c.now
	find(t, c.Home, receipt("1f40", "8000"))
	correlate(t, c.Home, Correlation{"1f40", part(1), subscriber}) // its answer is lost
	var looks []time.Duration
	for range 1200 {
		c.pass(500 * time.Millisecond)
		if ps := look(t, c.Home); len(ps) == 1 {
			looks = append(looks, c.now.Sub(start))
			if ps[0].Part != part(1) || ps[0].ID != "1f40" || ps[0].Known != (Known{"1f40", part(1)}) {
				t.Fatalf("got %+v", ps[0])
			}
		}
	}
	want := []time.Duration{1, 5, 30, 60, 360}
	for i := range want {
		want[i] *= time.Second
	}
	if !slices.Equal(looks, want) {
		t.Errorf("looked at after %v, want %v", looks, want)
	}
	ps := correlate(t, c.Home, Correlation{"1f40", part(1), subscriber})
	drop(t, c.Home, ps...)
	c.pass(time.Hour)
	if ps := look(t, c.Home); len(ps) != 0 {
		t.Errorf("after drop: %+v", ps)
	}
	if keys := c.mini.Keys(); slices.Contains(keys, c.early) || slices.Contains(keys, c.looks) {
		t.Errorf("left: %q", keys)
	}
}

// F9: what never gets its id is counted after a minute and dropped at the
// receipt clock.
func TestUnmatched(t *testing.T) {
	c := newClocked(t, HomeOptions{ReceiptClock: time.Hour})
	find(t, c.Home, receipt("never", "never-too"))
	counted := map[string]uint64{}
	for range 80 {
		if ps := look(t, c.Home); len(ps) != 0 {
			t.Fatalf("handed out %+v", ps)
		}
		s := c.Stat()
		counted[fmt.Sprint(s.Unmatched, s.Expired)]++
		c.pass(time.Minute)
	}
	if s := c.Stat(); s.Unmatched != 1 || s.Expired != 1 {
		t.Errorf("counted %+v, want one unmatched and one expired", s)
	}
	if counted["0 0"] < 1 || counted["1 0"] < 50 || counted["1 1"] < 10 {
		t.Errorf("counted at %v", counted)
	}
	if keys := c.mini.Keys(); slices.Contains(keys, c.early) || slices.Contains(keys, c.looks) {
		t.Errorf("left: %q", keys)
	}
}

// Each look hands out at most what is asked for, the rest with the next.
func TestLookIsBounded(t *testing.T) {
	c := newClocked(t, HomeOptions{})
	var cs []Correlation
	for i := range 25 {
		find(t, c.Home, receipt(fmt.Sprint("id", i)))
		cs = append(cs, Correlation{fmt.Sprint("id", i), part(i), subscriber})
	}
	correlate(t, c.Home, cs...)
	c.pass(time.Second)
	var got []int
	for range 4 {
		ps, err := c.Look(t.Context(), 10)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, len(ps))
	}
	if !slices.Equal(got, []int{10, 10, 5, 0}) {
		t.Errorf("handed out %v, want 10, 10, 5, 0", got)
	}
}

// Ids are found over the epochs until their clock is over; then the hash goes.
func TestEpochs(t *testing.T) {
	c := newClocked(t, HomeOptions{ReceiptClock: 24 * time.Hour})
	c.pass(8*time.Hour - time.Minute)
	correlate(t, c.Home, Correlation{"a", part(1), subscriber}, Correlation{"b", part(2), subscriber})
	c.pass(2 * time.Minute) // another epoch
	correlate(t, c.Home, Correlation{"b", part(3), "821000000009"})
	found(t, find(t, c.Home, receipt("a")), part(1))
	found(t, find(t, c.Home, receipt("b")), part(2)) // the newer went elsewhere
	r := receipt("b")
	r.To = "821000000009"
	found(t, find(t, c.Home, r), part(3))

	sweep := func() {
		t.Helper()
		if err := c.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	living := func() (n int) {
		for _, k := range c.mini.Keys() {
			if strings.Contains(k, "}:ids:") {
				n++
			}
		}
		return n
	}
	c.pass(24*time.Hour - 5*time.Minute)
	sweep()
	found(t, find(t, c.Home, receipt("a")), part(1))
	c.pass(8*time.Hour + 5*time.Minute) // the last id's clock and an epoch
	sweep()
	if n := living(); n != 1 {
		t.Errorf("%d epochs live, want one", n)
	}
	if f := find(t, c.Home, receipt("a")); !f.Parked {
		t.Errorf("an id of a removed epoch: %+v", f)
	}
	c.pass(8 * time.Hour)
	sweep()
	sweep()
	if n := living(); n != 0 {
		t.Errorf("%d epochs live, want none", n)
	}
}

// F66: the receipt clock is made shorter, or is shorter on another instance:
// an epoch lives as long as the longest clock that wrote to it.
func TestReceiptClockChanges(t *testing.T) {
	long := newClocked(t, HomeOptions{ReceiptClock: 48 * time.Hour})
	short := NewHome(long.DB, HomeOptions{Carrier: "alpha", ReceiptClock: time.Hour})
	correlate(t, short, Correlation{"a", part(1), subscriber})
	correlate(t, long.Home, Correlation{"b", part(2), subscriber})
	correlate(t, short, Correlation{"c", part(3), subscriber})
	for range 7 {
		long.pass(8 * time.Hour)
		if err := short.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		found(t, find(t, short, receipt("b")), part(2))
	}
	long.pass(8 * time.Hour)
	if err := short.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if f := find(t, long.Home, receipt("b")); !f.Parked {
		t.Errorf("after its clock: %+v", f)
	}
}

// Ids go ten seconds after their final, and only while they name that part.
func TestForget(t *testing.T) {
	c := newClocked(t, HomeOptions{})
	var ks []Known
	for i := range 1200 {
		id := fmt.Sprint("id", i)
		correlate(t, c.Home, Correlation{id, part(i), subscriber})
		ks = append(ks, find(t, c.Home, receipt(id)).Known)
	}
	correlate(t, c.Home, Correlation{"id7", part(7000), subscriber}) // used again
	c.Forget(ks[:800])
	c.pass(5 * time.Second)
	c.Forget(ks[800:])
	for _, step := range []struct {
		pass time.Duration
		left int
	}{{4 * time.Second, 1200}, {2 * time.Second, 401}, {3 * time.Second, 401}, {2 * time.Second, 1}} {
		c.pass(step.pass)
		if err := c.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		left := 0
		for _, k := range c.mini.Keys() {
			if strings.Contains(k, "}:ids:") {
				n, err := c.HLen(t.Context(), k).Result()
				if err != nil {
					t.Fatal(err)
				}
				left += int(n)
			}
		}
		if left != step.left {
			t.Errorf("%d ids are left, want %d", left, step.left)
		}
	}
	found(t, find(t, c.Home, receipt("id7")), part(7000))
	if f := find(t, c.Home, receipt("id8")); !f.Parked {
		t.Errorf("a forgotten id: %+v", f)
	}
	if s := c.Stat(); s.Forgotten != 1199 {
		t.Errorf("counted %+v, want 1199 forgotten", s)
	}
}

// A clock of Redis that is set back, or ahead, loses nothing.
func TestRedisClockIsSet(t *testing.T) {
	c := newClocked(t, HomeOptions{ReceiptClock: time.Hour})
	correlate(t, c.Home, Correlation{"a", part(1), subscriber})
	find(t, c.Home, receipt("early"))
	c.pass(-10 * time.Hour) // an epoch back
	found(t, find(t, c.Home, receipt("a")), part(1))
	correlate(t, c.Home, Correlation{"b", part(2), subscriber})
	if ps := correlate(t, c.Home, Correlation{"early", part(3), subscriber}); len(ps) != 1 {
		t.Errorf("parked before the clock was set: %+v", ps)
	}
	c.pass(10 * time.Hour)
	found(t, find(t, c.Home, receipt("b")), part(2))
	found(t, find(t, c.Home, receipt("a")), part(1))
	c.pass(2 * time.Second)
	if ps := look(t, c.Home); len(ps) != 1 {
		t.Errorf("looked at: %+v", ps)
	}
}

func TestQuarantine(t *testing.T) {
	onEach(t, func(t *testing.T, db place) {
		h := NewHome(db.DB, HomeOptions{Carrier: "alpha", QuarantineMax: 500})
		var all [][]byte
		for i := range 120 {
			all = append(all, fmt.Append(nil, "Message for 82100000", i, " could not be sent\x00\xFF"))
		}
		if err := h.Quarantine(t.Context(), all); err != nil {
			t.Fatal(err)
		}
		if err := h.Quarantine(t.Context(), all[70:]); err != nil { // again
			t.Fatal(err)
		}
		es, err := db.XRange(t.Context(), h.quarantining, "-", "+").Result()
		if err != nil || len(es) != 120 {
			t.Fatalf("%d entries, %v; want 120", len(es), err)
		}
		for i, e := range es {
			if e.Values["raw"] != string(all[i]) {
				t.Fatalf("entry %d is %q, want %q", i, e.Values["raw"], all[i])
			}
		}
		for i := range 3000 {
			if err := h.Quarantine(t.Context(), [][]byte{fmt.Append(nil, "more ", i)}); err != nil {
				t.Fatal(err)
			}
		}
		if n := db.XLen(t.Context(), h.quarantining).Val(); n > 700 {
			t.Errorf("%d entries, want about 500 at most", n)
		}
	})
}

// S17: what lies in Redis is not trusted: random octets crash nothing and are
// told apart from receipts.
func TestGarbageInRedis(t *testing.T) {
	onEachWay(t, func(t *testing.T, db place) {
		rnd := rand.New(rand.NewPCG(1, 2))
		garbage := func() string {
			b := make([]byte, rnd.IntN(120))
			for i := range b {
				b[i] = byte(rnd.IntN(256))
			}
			return string(b)
		}
		ctx := t.Context()
		h := NewHome(db.DB, HomeOptions{Carrier: "alpha"})
		for i := range 60 {
			id := fmt.Sprint("id", i)
			entry := garbage()
			if i%2 == 0 { // well framed, but no receipt
				entry = fmt.Sprintf("%013d-%04d%s", 1, len(entry), entry)
			}
			db.HSet(ctx, h.early, id, entry)
			db.ZAdd(ctx, h.looks, redis.Z{Score: 1, Member: id})
		}
		if ps := look(t, h); len(ps) != 0 {
			t.Errorf("garbage was handed out: %+v", ps)
		}
		for i := range 60 {
			if f := find(t, h, receipt(fmt.Sprint("id", i))); !f.Parked && !f.Full {
				t.Errorf("%d: %+v", i, f)
			}
			ps := correlate(t, h, Correlation{fmt.Sprint("id", i), part(i), subscriber})
			if len(ps) != 1 {
				t.Errorf("%d: %+v, want the one receipt", i, ps)
			}
			drop(t, h, ps...)
		}
		for _, v := range []string{"", "x", garbage(), strings.Repeat("z", 40)} {
			db.HSet(ctx, h.state, "epochs", "60000:1 "+v, "rules", garbage())
			key := strings.TrimSuffix(h.state, "state") + "ids:60000"
			db.HSet(ctx, key, "bad", v)
			r := receipt("bad")
			r.To = ""
			if f := find(t, h, r); f.Part != (queue.Part{}) {
				t.Errorf("value %q: taken for a part: %+v", v, f)
			}
		}
	})
}

// Redis is full: what drains goes on.
func TestFullRedis(t *testing.T) {
	db := newServer(t, "--maxmemory", "4mb", "--maxmemory-policy", "noeviction")
	p := db.hook(t)
	h := NewHome(db.DB, HomeOptions{Carrier: "alpha"})
	correlate(t, h, Correlation{"listed", part(9), subscriber})
	find(t, h, receipt("before"))
	p.used()
	for db.Append(t.Context(), "ballast", strings.Repeat("x", 200_000)).Err() == nil {
	}
	if err := db.Set(t.Context(), "k", 1, 0).Err(); !redis.HasErrorPrefix(err, "OOM") {
		t.Fatalf("redis is not full: %v", err)
	}
	ps := correlate(t, h, Correlation{"before", part(1), subscriber}, Correlation{"after", part(2), subscriber})
	if len(ps) != 1 {
		t.Fatalf("got %+v", ps)
	}
	p.went(t, 1, 1, "full")
	drop(t, h, ps...)
	found(t, find(t, h, receipt("after")), part(2))
	if f := find(t, h, receipt("late")); !f.Parked {
		t.Errorf("got %+v", f)
	}
	look(t, h)
	h.Forget([]Known{{"after", part(2)}})
	if err := h.Sweep(t.Context()); err != nil {
		t.Error(err)
	}
	if err := h.Quarantine(t.Context(), [][]byte{[]byte("odd")}); err != nil {
		t.Error(err)
	}
}

// Scripts are loaded again when Redis has lost them.
func TestScriptFlush(t *testing.T) {
	db := newServer(t)
	h := NewHome(db.DB, HomeOptions{Carrier: "alpha"})
	for i := range 3 {
		correlate(t, h, Correlation{fmt.Sprint(i), part(i), subscriber})
		if err := db.ScriptFlush(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		found(t, find(t, h, receipt(fmt.Sprint(i))), part(i))
		look(t, h)
		if err := h.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// On a Cluster a script that leaves its hash slot fails.
func TestOnCluster(t *testing.T) {
	db := newCluster(t)
	h := NewHome(db.DB, HomeOptions{Carrier: "alpha", Now: func() time.Time { return time.Unix(0, 0) }})
	find(t, h, receipt("early", "second"))
	ps := correlate(t, h, Correlation{"early", part(1), subscriber}, Correlation{"1f", part(2), subscriber})
	if len(ps) != 1 {
		t.Fatalf("got %+v", ps)
	}
	drop(t, h, ps...)
	found(t, find(t, h, receipt("31")), part(2))
	look(t, h)
	h.Forget([]Known{{"1f", part(2)}})
	h.o.Now = func() time.Time { return time.Unix(20, 0) }
	if err := h.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if f := find(t, h, receipt("31")); f.Part != (queue.Part{}) {
		t.Errorf("a forgotten id: %+v", f)
	}
	if err := h.Quarantine(t.Context(), [][]byte{[]byte("odd")}); err != nil {
		t.Fatal(err)
	}
}

func look(t *testing.T, h *Home) []Parked {
	t.Helper()
	ps, err := h.Look(t.Context(), 100)
	if err != nil {
		t.Fatal(err)
	}
	return ps
}
