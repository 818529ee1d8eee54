package draft

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestLinesAsSplit: lines are what strings.Split makes of the body, however it
// arrives.
func TestLinesAsSplit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b strings.Builder
		for range rapid.IntRange(0, 8).Draw(t, "lines") {
			b.WriteString(strings.Repeat("x", rapid.SampledFrom([]int{0, 1, 100, 65_535, 65_536, 200_000, MaxMessage, MaxMessage + 1, 600_000}).Draw(t, "length")))
			b.WriteByte('\n')
		}
		b.WriteString(rapid.SampledFrom([]string{"", "end"}).Draw(t, "rest"))
		body := b.String()
		want := strings.Split(body, "\n")
		if want[len(want)-1] == "" {
			want = want[:len(want)-1]
		}
		r := NewLines(io.MultiReader(strings.NewReader(body[:len(body)/3]), strings.NewReader(body[len(body)/3:])), func(d time.Duration) {})
		for i, w := range want {
			got, err := r.Next()
			if len(w) > MaxMessage && !errors.Is(err, ErrLineTooLong) || len(w) <= MaxMessage && (err != nil || got != w) {
				t.Fatalf("line %d of %d octets: %d, %v", i, len(w), len(got), err)
			}
			if len(r.buf) > 2*MaxMessage+(64<<10) {
				t.Fatalf("a buffer of %d", len(r.buf))
			}
		}
		if _, err := r.Next(); !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
	})
}

// TestSlowLine: a body that comes an octet now and then ends, and what was
// whole is taken.
func TestSlowLine(t *testing.T) {
	var asked []time.Duration
	src := io.MultiReader(strings.NewReader("one\ntw"), iotestOne{"o\nthr"})
	r := NewLines(src, func(d time.Duration) { asked = append(asked, d) })
	for _, want := range []string{"one", "two"} {
		if got, err := r.Next(); err != nil || got != want {
			t.Fatalf("%q %v", got, err)
		}
	}
	if _, err := r.Next(); !errors.Is(err, errSlow) {
		t.Errorf("%v", err)
	}
	for i, d := range asked {
		if d > lineTime || i > 1 && i != 3 && d >= asked[i-1] && d == lineTime {
			t.Errorf("asked for %v", asked)
		}
	}
}

var errSlow = errors.New("deadline passed")

// iotestOne gives one octet a read, then fails as a deadline does.
type iotestOne struct{ s string }

func (r iotestOne) Read(p []byte) (int, error) {
	if r.s == "" {
		return 0, errSlow
	}
	return copy(p, r.s), errSlow
}
