package bench

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestNumbersAreReadBack(t *testing.T) {
	l := newLedger(100_000_000 / 1000)
	for _, n := range []int{0, 1, 9, 10, 99_999} {
		if got := l.numberOf(appendNumber([]byte("+"), n)); got != n {
			t.Errorf("%d became %d", n, got)
		}
		if got := l.numberOf(appendNumber(nil, n)); got != n {
			t.Errorf("%d became %d without +", n, got)
		}
	}
	for _, to := range []string{"", "+", "8210", "821000000", "82110000000", "821000100000", "8210000000x1", "0082100000001"} {
		if got := l.numberOf([]byte(to)); got != -1 {
			t.Errorf("%q is message %d", to, got)
		}
	}
}

func TestEventsAreRead(t *testing.T) {
	var c clock
	for _, at := range []string{"2026-11-25T09:00:01.204Z", "2026-11-25T09:00:01.999Z", "2026-12-31T23:59:59.000Z"} {
		line := `{"id":"06F","to":"+821000000007","reference":"\"id\":\"no","status":"delivered","at":"` + at + `","late":true}`
		e, err := c.read([]byte(line))
		want, perr := time.Parse(time.RFC3339Nano, at)
		if perr != nil {
			t.Fatal(perr)
		}
		if err != nil || string(e.id) != "06F" || string(e.status) != "delivered" || string(e.to) != "+821000000007" || e.at != want.UnixNano() || !e.late {
			t.Errorf("%s: %s %s %s %d late %v, %v", at, e.id, e.status, e.to, e.at, e.late, err)
		}
	}
	for _, line := range []string{"", "{}", `{"id":"x","status":"y","to":"z","at":"then"}`, `{"id":"x","status":"y","to":"z","at":"2026-99-25T09:00:01.204Z"}`, `{"id":"x`} {
		if _, err := c.read([]byte(line)); err == nil {
			t.Errorf("%q was read", line)
		}
	}
}

// Each way in which a message can go wrong is found, and only that.
func TestBalanceFindsEachFault(t *testing.T) {
	good := func(l *ledger) {
		for n := range 3 {
			l.accept(n, []byte{'i', byte(n)})
			to := appendNumber(nil, n)
			l.event(&event{id: []byte{'i', byte(n)}, status: []byte("submitted"), to: to, at: 1})
			l.event(&event{id: []byte{'i', byte(n)}, status: []byte("delivered"), to: to, at: 2})
		}
	}
	for name, c := range map[string]struct {
		record []int
		more   func(l *ledger)
		want   Books
	}{
		"nothing":            {[]int{0, 1, 2}, func(*ledger) {}, Books{}},
		"repeated":           {[]int{0, 1, 1, 1, 2}, func(*ledger) {}, Books{Repeated: 2}},
		"never with carrier": {[]int{0, 2}, func(*ledger) {}, Books{Lost: 1, Unsent: 1}},
		"no final":           {[]int{0, 1, 2, 3}, func(l *ledger) { l.accept(3, []byte("x")) }, Books{Lost: 1}},
		"two finals": {[]int{0, 1, 2}, func(l *ledger) {
			l.event(&event{id: []byte{'i', 1}, status: []byte("expired"), to: appendNumber(nil, 1)})
		}, Books{ToldTwice: 1}},
		"late is no final": {[]int{0, 1, 2}, func(l *ledger) {
			l.event(&event{id: []byte{'i', 1}, status: []byte("expired"), to: appendNumber(nil, 1), late: true})
		}, Books{}},
		"never accepted": {[]int{0, 1, 2, 3}, func(*ledger) {}, Books{Strange: 1}},
		"another id": {[]int{0, 1, 2}, func(l *ledger) {
			l.event(&event{id: []byte("j"), status: []byte("submitted"), to: appendNumber(nil, 2)})
		}, Books{Strange: 1}},
		"another's number":    {[]int{0, 1, 2}, func(l *ledger) { l.event(&event{id: []byte("j"), status: []byte("submitted"), to: []byte("+44")}) }, Books{Strange: 1}},
		"another id than 202": {[]int{0, 1, 2}, func(l *ledger) { l.id[1]++ }, Books{Strange: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLedger(5)
			good(l)
			c.more(l)
			var record []byte
			for _, n := range c.record {
				record = append(appendNumber(record, n), " 1700000000000000000\n"...)
			}
			file := filepath.Join(t.TempDir(), "record")
			if err := os.WriteFile(file, record, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := l.readRecord(file); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, l.balance(5)); diff != "" {
				t.Error(diff)
			}
		})
	}
	if err := newLedger(1).readRecord(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a record that is not there was read")
	}
}
