package bench

import "testing"

func TestWeightOfFewIsUnknown(t *testing.T) {
	for _, c := range []struct {
		grown    int64
		messages int
		want     float64
	}{
		{80_000, weighedLeast, 80},
		{80_000, weighedLeast - 1, 0},
		{-21_000, 1000, 0}, // a table shrank meanwhile
		{0, 5000, 0},
	} {
		if got := weight(c.grown, c.messages); got != c.want {
			t.Errorf("%d octets for %d messages: %v, want %v", c.grown, c.messages, got, c.want)
		}
	}
}
