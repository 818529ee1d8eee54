package dlr

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"bindery/queue"
)

func TestParkedRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringN(0, 40, -1)
		r := Receipt{
			IDs:    rapid.SliceOfN(rapid.StringN(0, 300, -1), 0, 6).Draw(t, "ids"),
			Status: queue.Status(rapid.IntRange(0, int(queue.StatusEnroute)).Draw(t, "status")),
			Code:   text.Draw(t, "code"), To: text.Draw(t, "to"),
			At: time.UnixMilli(rapid.Int64Range(0, 1<<47).Draw(t, "at")),
		}.clean()
		if len(r.IDs) == 0 {
			r.IDs = nil
		}
		octets := appendParked(nil, &r)
		if len(octets) > 9999 {
			t.Fatalf("%d octets, the length has four digits", len(octets))
		}
		got, err := parseParked(string(octets))
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(r, got); d != "" {
			t.Fatalf("(-want +got):\n%s", d)
		}
	})
}

func TestCleanReceipt(t *testing.T) {
	r := Receipt{
		IDs: []string{"a\x00b", strings.Repeat("x", 300), "c", "d", "e"},
		To:  strings.Repeat("1", 99), Code: strings.Repeat("2", 99),
	}
	ids := r.IDs[0]
	got := r.clean()
	want := Receipt{
		IDs: []string{"ab", strings.Repeat("x", 255), "c", "d"},
		To:  strings.Repeat("1", 32), Code: strings.Repeat("2", 32),
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if r.IDs[0] != ids {
		t.Error("the caller's ids were changed")
	}
}

// What lies in Redis may be anything: it is read back the same, or not at all.
func FuzzParseParked(f *testing.F) {
	for _, r := range []Receipt{{}, receipt("k1"), receipt("38602a7", "0059114151"), {Status: queue.StatusEnroute, IDs: []string{""}}} {
		f.Add(string(appendParked(nil, &r)))
	}
	f.Add("")
	f.Add("\x02abcdefgh")
	f.Fuzz(func(t *testing.T, s string) {
		r, err := parseParked(s)
		if err != nil {
			return
		}
		if again := string(appendParked(nil, &r)); again != s {
			t.Fatalf("%q is read as %+v, which is written as %q", s, r, again)
		}
	})
}

func FuzzEntries(f *testing.F) {
	f.Add("1700000000123-0003abc1700000000123u0001x")
	f.Add("1700000000123-9999abc")
	f.Fuzz(func(t *testing.T, s string) {
		n := 0
		for _, w := range appendEntries(nil, "id", s) {
			n += entryHead + len(w.parked)
		}
		if n > len(s) {
			t.Fatalf("%d octets of entries in %d", n, len(s))
		}
	})
}
