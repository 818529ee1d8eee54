package queue

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestMessagesOfRun: messages that are read into one slab are those that are
// read alone, where only some parts of the run are the lease's, and texts are of
// every length.
func TestMessagesOfRun(t *testing.T) {
	const block, number = Block("0006p1nabb0cabc7d9xtts"), LeaseNumber(7)
	var ms []Message
	var slots []byte
	for i := range 100 {
		m := Message{
			Account: "acme", Route: "kr", To: fmt.Sprintf("+8210%d", i), From: "1544", Parts: 1 + i%3, Priority: Normal,
			Text: "hello " + strings.Repeat("x", i*i) + fmt.Sprint(i) + " bye", AcceptedAt: time.UnixMilli(1_700_000_000_000).UTC(), Validity: time.Hour,
		}
		st := stateLeased
		if i%5 == 0 {
			st = stateQueued
		}
		for p := range m.Parts {
			lease := byte(number)
			if i%7 == 0 {
				lease = 8 // another's
			}
			slots = append(slots, byte(st), 0, 1, byte(p), 0, 0, 0, 0, 0, 0, 0, lease, 0, 0, 0, 0, 0, 0, 0, 0)
		}
		ms = append(ms, m)
	}
	raw, err := appendBody(nil, "acme", "kr", Normal, ms, len(slots)/slotSize)
	if err != nil {
		t.Fatal(err)
	}
	var l Lease
	l.Number = number
	off := l.add(&leasedRun{block: block, raw: string(raw), slots: string(slots)}, &lines{})
	alone, err := parseBody(string(raw))
	if err != nil {
		t.Fatal(err)
	}
	part, want, back := 0, 0, 0
	for i := range ms {
		first := part
		for range ms[i].Parts {
			switch {
			case i%7 == 0:
			case i%5 == 0:
				back++
			default:
				got := l.Parts[want]
				m, err := alone.message(block, first)
				if err != nil {
					t.Fatal(err)
				}
				if *got.Message != *m || m.Text != ms[i].Text || got.Part != (Part{block, uint16(part)}) {
					t.Fatalf("part %d: %+v, want %+v", part, got.Message, m)
				}
				want++
			}
			part++
		}
	}
	if len(l.Parts) != want || len(off) != back || slices.ContainsFunc(off, func(s Settlement) bool { return s.Verdict != Back }) {
		t.Errorf("%d parts, want %d; %d come off, want %d", len(l.Parts), want, len(off), back)
	}
}
