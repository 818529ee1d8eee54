package ledger

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// each message of a ring: accepted, taken, told.
func whole(t *testing.T, l *Ledger, n int) {
	t.Helper()
	if !l.plan(n, time.Now().UnixNano()) {
		t.Fatalf("no line for %d", n)
	}
	l.Accept(n, fmt.Append(nil, n))
	record(t, l, n)
	tell(l, n, "submitted")
	tell(l, n, "delivered")
}

func tell(l *Ledger, n int, status string) {
	l.Event(&Event{ID: fmt.Append(nil, n), Status: []byte(status), To: l.AppendNumber([]byte("+"), n), At: time.Now().UnixNano()})
}

func record(t *testing.T, l *Ledger, n int) {
	t.Helper()
	if err := l.ReadRecord(strings.NewReader(string(l.AppendNumber(nil, n)) + " 7\n")); err != nil {
		t.Fatal(err)
	}
}

// Lines go on to later messages, and what is heard of the earlier ones counts
// as if they had them still.
func TestARingsBooksAreExact(t *testing.T) {
	const size = 10
	for name, c := range map[string]struct {
		more func(l *Ledger)
		want Books
	}{
		"nothing":                     {func(*Ledger) {}, Books{}},
		"a late submit":               {func(l *Ledger) { record(t, l, 3) }, Books{Repeated: 1}},
		"a late final":                {func(l *Ledger) { tell(l, 3, "expired") }, Books{ToldTwice: 1}},
		"a late event":                {func(l *Ledger) { tell(l, 3, "submitted") }, Books{}},
		"a submit of what is to come": {func(l *Ledger) { record(t, l, 37) }, Books{Strange: 1}},
		"an event of the same":        {func(l *Ledger) { tell(l, 37, "submitted") }, Books{Strange: 1}},
		"another id": {func(l *Ledger) {
			l.Event(&Event{ID: []byte("x"), Status: []byte("submitted"), To: l.AppendNumber(nil, 30)})
		}, Books{Strange: 1}},
		"no answer":            {func(l *Ledger) { l.plan(35, time.Now().UnixNano()) }, Books{}},
		"submitted, no answer": {func(l *Ledger) { l.plan(35, time.Now().UnixNano()); record(t, l, 35) }, Books{Strange: 1}},
		"no final":             {func(l *Ledger) { l.plan(35, time.Now().UnixNano()); l.Accept(35, []byte("35")); record(t, l, 35) }, Books{Lost: 1}},
		"not taken": {func(l *Ledger) {
			l.plan(35, time.Now().UnixNano())
			l.Accept(35, []byte("35"))
			tell(l, 35, "delivered")
		}, Books{Lost: 1, Unsent: 1}},
		"not delivered": {func(l *Ledger) {
			l.plan(35, time.Now().UnixNano())
			l.Accept(35, []byte("35"))
			record(t, l, 35)
			tell(l, 35, "rejected")
		}, Books{Other: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			l := NewRing(size, 1)
			for n := range 35 {
				whole(t, l, n)
			}
			c.more(l)
			if b := l.Balance(0); b != c.want {
				t.Errorf("%+v, want %+v", b, c.want)
			}
		})
	}
}

// A message that is not over holds its line for two minutes; then it is kept
// aside, and may still end well.
func TestARingWaitsForALine(t *testing.T) {
	for name, c := range map[string]struct {
		ends bool
		want Books
	}{"lost": {false, Books{Lost: 1}}, "late": {true, Books{}}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := NewRing(10, 1)
				whole(t, l, 3)
				l.plan(4, time.Now().UnixNano())
				l.Accept(4, []byte("4"))
				record(t, l, 4)
				began := time.Now()
				p := &Pace{Ledger: l, First: 13, End: 20}
				p.Wait(context.Background(), 13)
				if took := time.Since(began); took > 0 {
					t.Errorf("a line that is free came after %s", took)
				}
				p.Wait(context.Background(), 14)
				if took := time.Since(began); took < overdue || took > overdue+time.Second {
					t.Errorf("the line came after %s", took)
				}
				l.Accept(13, []byte("13"))
				record(t, l, 13)
				tell(l, 13, "delivered")
				if c.ends {
					tell(l, 4, "delivered")
				}
				if b := l.Balance(0); b != c.want || l.Ended() != 2+int64(c.want.Lost^1) {
					t.Errorf("%+v, want %+v; %d ended", b, c.want, l.Ended())
				}
			})
		})
	}
}

// What a ring tells of rates and times is what a ledger tells of the same
// messages, within a bucket's width.
func TestARingsFiguresAreThose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		plain, ring := New(1000, 1), NewRing(50, 1)
		for n := range 1000 {
			for _, l := range []*Ledger{plain, ring} {
				l.plan(n, time.Now().Add(-time.Duration(n)*time.Microsecond).UnixNano())
				l.Accept(n, []byte("i"))
				l.take(n, time.Now().Add(time.Millisecond).UnixNano())
				l.Event(&Event{ID: []byte("i"), Status: []byte("delivered"), To: l.AppendNumber(nil, n), At: time.Now().Add(time.Second).UnixNano()})
			}
			<-time.After(time.Millisecond)
		}
		ring.Balance(0)
		a, b := plain.Figures(0, 1000, began), ring.Figures(0, 0, began)
		for name, pair := range map[string][2]float64{
			"accepted": {a.Accepted, b.Accepted}, "submitted": {a.Submitted, b.Submitted}, "completed": {a.Completed, b.Completed},
			"accept p50": {a.Accept.P50, b.Accept.P50}, "accept p99": {a.Accept.P99, b.Accept.P99}, "accept max": {a.Accept.Max, b.Accept.Max},
			"added p90": {a.Added.P90, b.Added.P90}, "latency p99.9": {a.Latency.P999, b.Latency.P999},
		} {
			if pair[1] < pair[0] || pair[1] > pair[0]*1.04 || pair[0] == 0 {
				t.Errorf("%s: %v, a ring's %v", name, pair[0], pair[1])
			}
		}
	})
}

func TestBucketsHoldEveryTime(t *testing.T) {
	last := -1
	for ns := int64(0); ns >= 0 && ns < 1<<61; ns += 1 + ns/50 {
		b := bucket(ns)
		if b < last || ceiling(b) < ns || float64(ceiling(b)) > float64(ns)*1.04+1 {
			t.Fatalf("%d ns is in bucket %d (to %d), behind %d", ns, b, ceiling(b), last)
		}
		last = b
	}
}

// Numbers that go round over prefixes are as many for each, and are read back.
func TestNumbersGoRoundOverPrefixes(t *testing.T) {
	l, counts := New(10_000, 250), map[string]int{}
	for n := range 10_000 {
		to := l.AppendNumber(nil, n)
		counts[string(to[:len(Prefix)+3])]++
		if got := l.numberOf(to); got != n {
			t.Fatalf("%d became %d", n, got)
		}
	}
	if len(counts) != 250 || counts["8210249"] != 40 {
		t.Errorf("%d prefixes, %d of the last", len(counts), counts["8210249"])
	}
}

func TestTenths(t *testing.T) {
	began, at := time.Unix(100, 0), []int64{}
	for i := range 100 {
		step := 10 * time.Millisecond
		if i >= 90 {
			step = 20 * time.Millisecond
		}
		last := began.UnixNano()
		if i > 0 {
			last = at[i-1]
		}
		at = append(at, last+int64(step))
	}
	at[3], at[70] = at[70], at[3] // they come in any order
	if p := tenths(at, began); p != (Pair{100, 50}) {
		t.Errorf("%+v", p)
	}
	if p := tenths(append(at, 0), began); p != (Pair{}) {
		t.Errorf("%+v though one did not come", p)
	}
}

// With a bound on what is under way a message waits for the end of another.
func TestPaceIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewRing(10, 1)
		p := &Pace{Ledger: l, End: 10, Most: 2}
		for n := range 2 {
			p.Wait(context.Background(), n)
			l.Accept(n, fmt.Append(nil, n))
		}
		time.AfterFunc(time.Second, func() { tell(l, 0, "delivered") })
		began := time.Now()
		p.Wait(context.Background(), 2)
		if took := time.Since(began); took < time.Second || took > 1100*time.Millisecond {
			t.Errorf("it came after %s", took)
		}
	})
}

func TestPaceEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &Pace{Ledger: New(100, 1), End: 100, Until: time.Now().Add(time.Second)}
		if _, n := p.Take(1); n != 1 {
			t.Error("none before the time was over")
		}
		<-time.After(time.Second)
		if _, n := p.Take(1); n != 0 || p.More(5) {
			t.Error("one when the time was over")
		}
		q := &Pace{Ledger: New(100, 1), End: 100}
		q.Stop()
		if _, n := q.Take(1); n != 0 {
			t.Error("one behind the stop")
		}
	})
}
