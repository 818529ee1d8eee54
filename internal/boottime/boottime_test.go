package boottime

import (
	"testing"
	"time"
)

// TestGoesOn: the clock never steps back, and Time is the same clock.
func TestGoesOn(t *testing.T) {
	before := Now()
	through := Time()
	after := Now()
	if before <= 0 || after < before {
		t.Errorf("%s, then %s", before, after)
	}
	if d := time.Duration(through.UnixNano()); d < before || d > after {
		t.Errorf("Time says %s between %s and %s", d, before, after)
	}
}
