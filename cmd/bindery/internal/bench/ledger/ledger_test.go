package ledger

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestNumbersAreReadBack(t *testing.T) {
	l := New(100_000, 1)
	for _, n := range []int{0, 1, 9, 10, 99_999} {
		if got := l.numberOf(l.AppendNumber([]byte("+"), n)); got != n {
			t.Errorf("%d became %d", n, got)
		}
		if got := l.numberOf(l.AppendNumber(nil, n)); got != n {
			t.Errorf("%d became %d without +", n, got)
		}
	}
	for _, to := range []string{"", "+", "8210", "821000000", "82110000000", "821000100000", "8210000000x1", "0082100000001"} {
		if got := l.numberOf([]byte(to)); got != -1 {
			t.Errorf("%q is message %d", to, got)
		}
	}
}

// Each way in which a message can go wrong is found, and only that.
func TestBalanceFindsEachFault(t *testing.T) {
	good := func(l *Ledger) {
		for n := range 3 {
			l.Accept(n, []byte{'i', byte(n)})
			to := l.AppendNumber(nil, n)
			l.Event(&Event{ID: []byte{'i', byte(n)}, Status: []byte("submitted"), To: to, At: 1})
			l.Event(&Event{ID: []byte{'i', byte(n)}, Status: []byte("delivered"), To: to, At: 2})
		}
	}
	for name, c := range map[string]struct {
		record []int
		more   func(l *Ledger)
		want   Books
	}{
		"nothing":            {[]int{0, 1, 2}, func(*Ledger) {}, Books{}},
		"repeated":           {[]int{0, 1, 1, 1, 2}, func(*Ledger) {}, Books{Repeated: 2}},
		"never with carrier": {[]int{0, 2}, func(*Ledger) {}, Books{Lost: 1, Unsent: 1}},
		"no final":           {[]int{0, 1, 2, 3}, func(l *Ledger) { l.Accept(3, []byte("x")) }, Books{Lost: 1}},
		"two finals": {[]int{0, 1, 2}, func(l *Ledger) {
			l.Event(&Event{ID: []byte{'i', 1}, Status: []byte("expired"), To: l.AppendNumber(nil, 1)})
		}, Books{ToldTwice: 1}},
		"late is no final": {[]int{0, 1, 2}, func(l *Ledger) {
			l.Event(&Event{ID: []byte{'i', 1}, Status: []byte("expired"), To: l.AppendNumber(nil, 1), Late: true})
		}, Books{}},
		"never accepted": {[]int{0, 1, 2, 3}, func(*Ledger) {}, Books{Strange: 1}},
		"another id": {[]int{0, 1, 2}, func(l *Ledger) {
			l.Event(&Event{ID: []byte("j"), Status: []byte("submitted"), To: l.AppendNumber(nil, 2)})
		}, Books{Strange: 1}},
		"another's number":    {[]int{0, 1, 2}, func(l *Ledger) { l.Event(&Event{ID: []byte("j"), Status: []byte("submitted"), To: []byte("+44")}) }, Books{Strange: 1}},
		"another id than 202": {[]int{0, 1, 2}, func(l *Ledger) { l.id[1]++ }, Books{Strange: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			l := New(5, 1)
			good(l)
			c.more(l)
			var record []byte
			for _, n := range c.record {
				record = append(l.AppendNumber(record, n), " 1700000000000000000\n"...)
			}
			if err := l.ReadRecord(bytes.NewReader(record)); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, l.Balance(5)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
