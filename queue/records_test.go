package queue

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// told is what a record says of the run that it begins, decoded.
type toldOf struct {
	part, parts, entry, at int
	whole                  bool
}

func (r *blockRecords) told(b *blockRecord) (list []toldOf) {
	for o := aboutSize; o < len(b.records); o += r.size {
		t := string(b.records[o+r.size-toldSize : o+r.size])
		list = append(list, toldOf{
			be16(string(b.records), o), int(t[0]&^wholeEvents) + 1, be16(t, 1), int(t[3])<<16 | be16(t, 4), t[0]&wholeEvents != 0,
		})
	}
	return list
}

// knownBlock remembers the lines of a block of which every third message has
// several parts, from a part on, up to another.
func knownBlock(t rapid.TB, known *lines, b Block, account string, messages, from, to int) *body {
	t.Helper()
	p := push(account, messages)
	parts := 0
	for i := range p.Messages {
		if i%3 == 2 {
			p.Messages[i].Parts = 2 + i%2
		}
		parts += p.Messages[i].Parts
	}
	raw, err := appendBody(nil, account, "default", Normal, p.Messages, parts)
	if err != nil {
		t.Fatal(err)
	}
	body, err := parseBody(string(raw))
	if err != nil {
		t.Fatal(err)
	}
	if to = min(to, parts-1); from <= to {
		known.remember(segmentOf(body, b, from, to))
	}
	return body
}

// TestAlone: a part is a message of its own or is not, wherever what is known of
// its block begins and ends.
func TestAlone(t *testing.T) {
	for from := range 12 {
		for to := from; to < 12; to++ {
			var known lines
			body := knownBlock(t, &known, "b", "acme", 9, from, to)
			for part := range 12 {
				text, single := "", false
				if s := known.known["b"]; len(s) > 0 {
					text, single = s[0].line(part)
				}
				within := part >= from && part <= to
				c := body.constantAt(part)
				alone := within && (part == 0 || body.constantAt(part-1) != c) && body.constantAt(part+1) != c
				if (text != "") != within || single != alone {
					t.Errorf("%d to %d are known, part %d: %q, alone %v, want %v", from, to, part, text, single, alone)
				}
			}
		}
	}
}

// TestRecords: runs are of parts that follow each other and are alike; each that
// is known finds its events, in entries of at most a hundred.
func TestRecords(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var known lines
		r := blockRecords{size: finishSize}
		bodies, want := map[Block]*body{}, map[Block][]string{}
		for i := range rapid.IntRange(1, 3).Draw(t, "blocks") {
			b := Block(fmt.Sprintf("%022d", i))
			bodies[b] = knownBlock(t, &known, b, fmt.Sprint("account", i%2), 200, rapid.IntRange(0, 200).Draw(t, "known from"), rapid.IntRange(0, 330).Draw(t, "known to"))
		}
		ends := newTails(time.Unix(1_800_000_000, 0))
		for range rapid.IntRange(1, 12).Draw(t, "runs") {
			b := Block(fmt.Sprintf("%022d", rapid.IntRange(0, len(bodies)-1).Draw(t, "block")))
			from, n := rapid.IntRange(0, 320).Draw(t, "from"), rapid.IntRange(1, 250).Draw(t, "parts")
			e := rapid.SampledFrom([]Error{{}, {"receipt:045", "absent"}}).Draw(t, "error")
			run := rapid.Bool().Draw(t, "may be in a run")
			for part := from; part < min(from+n, bodies[b].parts); part++ {
				octets := []byte(fmt.Sprintf("%-7.7s", e.Code))
				r.of(b).add(uint16(part), octets, ends.of(StatusDelivered, "alpha", e), run)
				want[b] = append(want[b], fmt.Sprint(part, string(octets)))
			}
		}
		args := r.appendTo(nil, &known)
		entries := args[0].(int)
		for k := range entries {
			if n := strings.Count(string(args[2+2*k].([]byte)), "\n") + 1; n > maxRun {
				t.Fatalf("entry %d has %d events", k, n)
			}
		}
		seen := make([]int, entries)
		for i := range r.blocks {
			b := &r.blocks[i]
			if n := 1 + 2*entries + 2*i; args[n] != string(b.name) {
				t.Fatalf("argument %d: %v", n, args[n])
			}
			var got []string
			lo, hi := 0xFFFF, 0
			for k, told := range r.told(b) {
				for part := told.part; part < told.part+told.parts; part++ {
					got = append(got, fmt.Sprint(part, string(b.records[aboutSize+k*r.size+2:][:7])))
				}
				lo, hi = min(lo, told.part), max(hi, told.part+told.parts-1)
				if told.entry == 0 {
					continue
				}
				seen[told.entry-1] += told.parts
				checkTold(t, &known, b, k, told, args[2*told.entry-1].(string), string(args[2*told.entry].([]byte)))
			}
			if fmt.Sprint(got) != fmt.Sprint(want[b.name]) {
				t.Fatalf("block %d: %v, want %v", i, got, want[b.name])
			}
			if first, last := be16(string(b.records), 0), be16(string(b.records), 2); first != lo || last != hi {
				t.Fatalf("block %d is about %d to %d, says %d to %d", i, lo, hi, first, last)
			}
		}
		for k, n := range seen {
			if lines := strings.Count(string(args[2+2*k].([]byte)), "\n") + 1; lines != n {
				t.Fatalf("entry %d has %d events, records are about %d", k, lines, n)
			}
		}
	})
}

// checkTold holds the events of a record against what is known of its parts.
func checkTold(t *rapid.T, known *lines, b *blockRecord, k int, told toldOf, account, text string) {
	t.Helper()
	events := strings.Split(text[told.at:], "\n")
	whole := true
	for i := range told.parts {
		line, single := known.known[b.name][0].line(told.part + i)
		if !strings.HasPrefix(events[i], `{"id":"`+string(b.name)+line) || line == "" {
			t.Fatalf("part %d: %q, want %q", told.part+i, events[i], line)
		}
		whole = whole && single
	}
	if tail := b.tails[k]; told.whole != whole || whole && !strings.HasSuffix(events[0], tail) {
		t.Fatalf("parts from %d: whole %v, want %v: %q", told.part, told.whole, whole, events[0])
	}
	if known.known[b.name][0].account != account {
		t.Fatalf("of %s, in an entry of %s", known.known[b.name][0].account, account)
	}
}
