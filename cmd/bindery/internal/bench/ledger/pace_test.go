package ledger

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// A sender that is held up for a second is a second late in the latency of what
// it sends then: the moments do not move.
func TestPaceIsAnOpenLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &Pace{Ledger: New(200, 1), First: 100, End: 200, Rate: 10, Began: time.Now()}
		for want := range 5 {
			n, count := p.Take(1)
			if n != 100+want || count != 1 {
				t.Fatalf("took %d, %d", n, count)
			}
			p.Wait(context.Background(), n)
			if want == 1 {
				<-time.After(time.Second)
			}
		}
		if now := time.Since(p.Began); now != 1100*time.Millisecond {
			t.Errorf("five messages at 10/s, with a stop of 1 s behind the second, took %s", now)
		}
		for i := range 5 {
			if due := time.Unix(0, p.due[100+i]).Sub(p.Began); due != time.Duration(i)*100*time.Millisecond {
				t.Errorf("message %d was due at %s", i, due)
			}
		}
	})
}

func TestPaceGivesOutEachOnce(t *testing.T) {
	p := &Pace{Ledger: New(25, 1), First: 5, End: 25}
	for _, want := range [][2]int{{5, 8}, {13, 8}, {21, 4}, {29, 0}} {
		if n, count := p.Take(8); n != want[0] || count != want[1] {
			t.Errorf("took %d, %d, want %v", n, count, want)
		}
	}
}

func TestQuantiles(t *testing.T) {
	from, to := make([]int64, 1001), make([]int64, 1001)
	for i := range 1000 {
		from[i], to[i] = int64(time.Second), int64(time.Second)+int64(i+1)*int64(time.Millisecond)
	}
	from[1000] = 1 // never came
	if q := quantiles(from, to); q != (Quantiles{.501, .901, .991, 1, 1}) {
		t.Errorf("%+v", q)
	}
	if q := quantiles(nil, nil); q != (Quantiles{}) {
		t.Errorf("%+v", q)
	}
}
