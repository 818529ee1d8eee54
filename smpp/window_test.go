package smpp

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"bindery/smpp/pdu"
)

const resp = pdu.CommandSubmitSMResp

func (w *window) takeNext(token uint64) uint32 {
	s := w.find()
	seq := w.next
	w.take(s, token, resp, token, time.Duration(token))
	return seq
}

func TestWindowWraps(t *testing.T) {
	w := newWindow(4, maxSequence-1)
	for i, want := range []uint32{maxSequence - 1, maxSequence, 1, 2} {
		if got := w.takeNext(uint64(i)); got != want {
			t.Errorf("number %d is %#x, want %#x", i, got, want)
		}
	}
	if !w.full() {
		t.Error("four of four are taken, and it is not full")
	}
	for i, seq := range []uint32{2, maxSequence, 1, maxSequence - 1} {
		s, ok := w.answered(seq, resp)
		if !ok || s.sequence != seq {
			t.Errorf("answer %d: found %v %#x, want %#x", i, ok, s.sequence, seq)
		}
	}
	if w.used != 0 || w.open != 0 {
		t.Errorf("used %d, open %d, want none", w.used, w.open)
	}
}

// An old request stays open while the numbers go round: its number and all that
// share its slot are left out, whatever comes between.
func TestWindowSkipsWhatIsOpen(t *testing.T) {
	w := newWindow(2, 5) // four slots
	old := w.takeNext(1)
	w.enquire = 8
	var numbers []uint32
	for range 5 {
		seq := w.takeNext(2)
		numbers = append(numbers, seq)
		if _, ok := w.answered(seq, resp); !ok {
			t.Fatalf("%d is not found", seq)
		}
	}
	for i, want := range []uint32{6, 7, 10, 11, 12} { // 8 is the enquire_link's, 9 is in the old one's slot
		if numbers[i] != want {
			t.Errorf("number %d is %d, want %d", i, numbers[i], want)
		}
	}
	if s, ok := w.answered(old, resp); !ok || s.token != 1 {
		t.Error("the old request was lost")
	}
}

func TestWindowMatches(t *testing.T) {
	tests := []struct {
		name string
		seq  uint32
		id   pdu.CommandID
		want bool
	}{
		{"its response", 7, resp, true},
		{"generic_nack", 7, pdu.CommandGenericNack, true},
		{"another response", 7, pdu.CommandDataSMResp, false},
		{"another number in the same slot", 7 + 16, resp, false},
		{"a number never used", 9, resp, false},
		{"0", 0, resp, false},
		{"above the highest", 0xFFFFFFFF, resp, false},
	}
	for _, tt := range tests {
		w := newWindow(8, 7)
		w.takeNext(1)
		if _, ok := w.answered(tt.seq, tt.id); ok != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, ok, tt.want)
		}
	}
}

func TestWindowExpiresOnceAndOldestFirst(t *testing.T) {
	w := newWindow(4, maxSequence)
	for token := range uint64(4) {
		w.takeNext(token)
	}
	late := w.expire(2, nil)
	if len(late) != 3 || late[0].token != 0 || late[2].token != 2 {
		t.Errorf("expired %v, want tokens 0, 1, 2", late)
	}
	if again := w.expire(2, nil); len(again) != 0 {
		t.Errorf("expired again: %v", again)
	}
	if w.open != 1 || w.used != 4 {
		t.Errorf("open %d used %d, want 1 and 4: what is overdue still counts", w.open, w.used)
	}
	if s, ok := w.answered(maxSequence, resp); !ok || s.state != slotOverdue {
		t.Error("a late answer does not find its request, or does not see that it is late")
	}
	if rest := w.takeFrom(0, nil); len(rest) != 1 || rest[0].token != 3 {
		t.Errorf("handed back %v, want only the one without a result", rest)
	}
	if w.used != 0 {
		t.Errorf("%d are still taken", w.used)
	}
}

func TestWindowGrowsWithWhatIsOpen(t *testing.T) {
	w := newWindow(1000, maxSequence-3)
	if n := len(w.slots); n > 32 {
		t.Errorf("an idle window has room for %d", n)
	}
	var numbers []uint32
	for token := range uint64(1000) {
		numbers = append(numbers, w.takeNext(token))
	}
	w.enquire = w.control() // a full window has a number left for control, and no more room is made
	if n := len(w.slots); n != 2048 || !w.full() {
		t.Errorf("a full window of 1000 has %d slots, want 2048", n)
	}
	for token, seq := range numbers {
		if s, ok := w.answered(seq, resp); !ok || s.token != uint64(token) {
			t.Fatalf("%#x: found %v, token %d, want %d", seq, ok, s.token, token)
		}
	}
}

// Whatever happens: no number is open twice, every request is found until it
// has gone, and the counts are right.
func TestWindowInvariant(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(1, 40).Draw(t, "size")
		w := newWindow(size, maxSequence-uint32(rapid.IntRange(0, 40).Draw(t, "from the end")))
		open := map[uint32]bool{} // number -> without a result
		t.Repeat(map[string]func(*rapid.T){
			"submit": func(t *rapid.T) {
				if w.full() {
					t.Skip("full")
				}
				seq := w.takeNext(1)
				if _, dup := open[seq]; dup || seq == 0 || seq > maxSequence || seq == w.enquire {
					t.Fatalf("number %#x was given out", seq)
				}
				open[seq] = true
			},
			"enquire": func(t *rapid.T) {
				w.enquire = 0
				w.enquire = w.control()
				if _, dup := open[w.enquire]; dup {
					t.Fatalf("enquire_link got the open number %#x", w.enquire)
				}
			},
			"answer": func(t *rapid.T) {
				if len(open) == 0 {
					t.Skip("none")
				}
				var all []uint32
				for seq := range open {
					all = append(all, seq)
				}
				seq := rapid.SampledFrom(all).Draw(t, "which")
				if _, ok := w.answered(seq, resp); !ok {
					t.Fatalf("%#x is not found", seq)
				}
				delete(open, seq)
			},
			"expire": func(t *rapid.T) {
				w.expire(5, nil)
				for seq := range open {
					open[seq] = false
				}
			},
			"": func(t *rapid.T) {
				waiting := 0
				for _, without := range open {
					if without {
						waiting++
					}
				}
				if w.used != len(open) || w.open != waiting {
					t.Fatalf("used %d open %d, want %d and %d", w.used, w.open, len(open), waiting)
				}
			},
		})
	})
}
