package budget

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Against a plain list of tokens, each with its slot: what is taken is there,
// is due, has not lapsed, and is the oldest.
func TestSlotsAgainstPlainList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := slots{tolerance: rapid.Int64Range(1000, 70_000).Draw(t, "tolerance")}
		var plain []int64
		now, tail := int64(1_700_000_000_000_000), int64(1_700_000_000_000_000)
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			now += rapid.Int64Range(0, 60_000).Draw(t, "pass")
			switch rapid.IntRange(0, 2).Draw(t, "do") {
			case 0:
				g := grant{first: max(tail, now), n: rapid.IntRange(1, 20).Draw(t, "n"), interval: rapid.Int64Range(9_000, 30_000_000).Draw(t, "interval")}
				s.add(g)
				for i := range g.n {
					plain = append(plain, g.slot(i))
				}
				tail = g.slot(g.n)
			default:
				uncertain := rapid.Int64Range(0, 2000).Draw(t, "uncertain")
				ask := rapid.IntRange(1, 30).Draw(t, "ask")
				for len(plain) > 0 && plain[0] < now+uncertain-s.tolerance {
					plain = plain[1:]
				}
				want := 0
				for want < ask && want < len(plain) && plain[want] <= now {
					want++
				}
				got := s.take(now, now+uncertain, ask)
				if got != want {
					t.Fatalf("took %d, want %d of %v at %d", got, want, plain, now)
				}
				back := rapid.IntRange(0, got).Draw(t, "back")
				if back == got {
					s.giveBack(got + 5) // no more than was taken
				} else {
					s.giveBack(back)
				}
				plain = plain[got-back:]
				if s.held() != len(plain) {
					t.Fatalf("holds %d, want %d", s.held(), len(plain))
				}
				if next, ok := s.next(); ok != (len(plain) > 0) || ok && next != plain[0] {
					t.Fatalf("next is %d %v, want that of %v", next, ok, plain)
				}
			}
		}
	})
}

func TestToleranceKeepsTheLimit(t *testing.T) {
	for rate := 1; rate <= 2000; rate++ {
		share := 0.99
		if rate < 10 {
			share = 0.98
		}
		interval := time.Duration(1e9 / (float64(rate) * share))
		tol := tolerance(float64(rate), interval)
		// The first of limit+1 tokens used as late as may be, the last at once.
		limit := rate * 11 / 10
		if apart := time.Duration(limit)*interval - tol; apart < time.Second {
			t.Fatalf("rate %d: %d tokens within %v", rate, limit+1, apart)
		}
		if tol < 10*time.Millisecond {
			t.Errorf("rate %d: tolerance %v leaves no room for a busy machine", rate, tol)
		}
	}
}

func TestRedisClockBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var c redisClock
		here, offset := time.UnixMicro(1_000_000_000), rapid.Int64Range(-1e12, 1e12).Draw(t, "offset")
		narrow := int64(math.MaxInt64) // the best that was seen, widened by drift
		for range 30 {
			was := here
			here = here.Add(time.Duration(rapid.Int64Range(0, 3e9).Draw(t, "pass")))
			there, back := rapid.Int64Range(0, 50_000).Draw(t, "there"), rapid.Int64Range(0, 50_000).Draw(t, "back")
			sent, at := here, here.UnixMicro()+there+offset
			here = here.Add(time.Duration(there+back) * time.Microsecond)
			c.sample(sent, here, at)
			lo, hi := c.bounds(here)
			if now := here.UnixMicro() + offset; lo > now || hi < now {
				t.Fatalf("bounds %d to %d leave out %d", lo-now, hi-now, now)
			}
			if narrow < math.MaxInt64 {
				narrow += 2*int64(float64(here.Sub(was).Microseconds())*drift) + 2
			}
			if narrow = min(narrow, there+back+2); hi-lo > narrow {
				t.Fatalf("bounds are %d µs apart, want %d", hi-lo, narrow)
			}
		}
		// The clock of Redis is set: one call later the bounds hold again.
		offset += 5_000_000
		c.sample(here, here.Add(time.Millisecond), here.UnixMicro()+500+offset)
		here = here.Add(time.Millisecond)
		if lo, hi := c.bounds(here); lo > here.UnixMicro()+offset || hi < here.UnixMicro()+offset {
			t.Fatal("bounds do not follow a clock that is set")
		}
	})
}
