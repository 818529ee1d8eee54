package queue

import (
	"testing"
	"time"
)

// TestClock: which replies set the clock, by how long after one that did they
// come and how far from what is believed they are.
func TestClock(t *testing.T) {
	begin := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name  string
		after time.Duration // here, since the last one
		off   time.Duration // of what Redis says, from what is believed
		taken bool
	}{
		{"late by a little", time.Second, -10 * time.Millisecond, false},
		{"late by less than a second", time.Second, -999 * time.Millisecond, false},
		{"late when the last one is as old as it may be", clockTrust - time.Millisecond, -time.Millisecond, false},
		{"late when the last one is too old", clockTrust, -time.Millisecond, true},
		{"as believed", time.Second, 0, true},
		{"ahead: it was quicker", time.Second, time.Millisecond, true},
		{"a step back of a second", time.Second, -time.Second, true},
		{"a step back of a day", 0, -24 * time.Hour, true},
		{"a step on", 0, 24 * time.Hour, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			here := 7 * time.Hour
			clock := clock{elapsed: func() time.Duration { return here }}
			clock.set(begin)
			here += c.after
			believed := begin.Add(c.after)
			clock.set(believed.Add(c.off))
			want := believed
			if c.taken {
				want = believed.Add(c.off)
			}
			if got := clock.now(); !got.Equal(want) {
				t.Errorf("%v, want %v", got, want)
			}
			here += time.Minute // it goes on
			if got := clock.now(); !got.Equal(want.Add(time.Minute)) {
				t.Errorf("a minute later %v, want %v", got, want.Add(time.Minute))
			}
		})
	}
}

// TestClockBeforeAnyReply: this machine's time is better than none.
func TestClockBeforeAnyReply(t *testing.T) {
	clock := clock{elapsed: func() time.Duration { return 0 }}
	before := time.Now()
	if got := clock.now(); got.Before(before.Add(-time.Second)) || got.After(time.Now().Add(time.Second)) {
		t.Errorf("%v", got)
	}
}
