package dlr

import (
	"context"
	"fmt"
	"strings"

	"bindery/queue"
)

var findScript = script("find")

const (
	noHabit = -1
	record  = 1 + partLength // of find's answer
)

// Find looks each receipt's part up, and parks it in the same step if unknown.
func (h *Home) Find(ctx context.Context, rs []Receipt) ([]Found, error) {
	out := make([]Found, 0, len(rs))
	for len(rs) > 0 {
		n := min(len(rs), batch)
		fs, err := h.find(ctx, rs[:n])
		if err != nil {
			return nil, fmt.Errorf("dlr: find for %s: %w", h.o.Carrier, err)
		}
		out = append(out, fs...)
		rs = rs[n:]
	}
	h.tally(out)
	return out, nil
}

func (h *Home) tally(fs []Found) {
	for i := range fs {
		switch f := &fs[i]; {
		case f.Full:
			h.count.full.Add(1)
		case f.Parked:
			h.count.parked.Add(1)
			if f.Conflict {
				h.count.conflicts.Add(1)
			}
			if f.Ambiguous {
				h.count.ambiguous.Add(1)
			}
		}
	}
}

// query is a batch of receipts as find takes them, built without an
// allocation a receipt.
type query struct {
	args     []any
	readings []Reading // of all receipts, those of the i-th from starts[i]
	starts   []int
	tails    []byte
	ids      []string
}

func (h *Home) find(ctx context.Context, rs []Receipt) ([]Found, error) {
	habit := h.habit.Load()
	assumed := ""
	if habit != noHabit {
		assumed = string(rune('0' + habit))
	}
	q := query{
		args:     make([]any, 4, 4+2*len(rs)),
		readings: make([]Reading, 0, 3*len(rs)), starts: make([]int, 0, len(rs)+1),
		tails: make([]byte, 0, 160*len(rs)),
	}
	q.args[0], q.args[1] = assumed, (h.o.ReceiptClock + defaultClock).Milliseconds()
	q.args[2], q.args[3] = h.o.EarlyMax, earlyEach
	for i := range rs {
		h.add(&q, rs[i].clean(), habit)
	}
	reply, err := findScript.Run(ctx, h.db, []string{h.state, h.early, h.looks}, q.args...)
	if err != nil {
		return nil, err
	}
	records, habit, err := findAnswer(reply, len(rs))
	if err != nil {
		return nil, err
	}
	h.habit.Store(habit)
	out := make([]Found, len(rs))
	for i := range out {
		if out[i], err = readFound(records[i*record:(i+1)*record], q.of(i)); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// of are the readings of the i-th receipt.
func (q *query) of(i int) []Reading {
	if i+1 < len(q.starts) {
		return q.readings[q.starts[i]:q.starts[i+1]]
	}
	return q.readings[q.starts[i]:]
}

// add appends a receipt's two arguments: what find.lua says of them.
func (h *Home) add(q *query, r Receipt, habit int32) {
	q.starts = append(q.starts, len(q.readings))
	at, mark := len(q.tails), byte('n')
	q.tails = appendTo(q.tails, r.To)
	q.tails = append(q.tails, mark)
	var room [3]Reading
	for i, id := range r.IDs {
		rs := AppendReadings(room[:0], id, h.o.Submit, h.o.Receipt)
		chosen := preferred(rs, habit)
		if i == 0 && len(rs) == 1 {
			mark = 's'
		} else if i == 0 && chosen {
			mark = 'h'
		}
		for k, reading := range rs {
			kind := '0' + byte(reading.Rule)
			if k == 0 {
				kind = 'A' + byte(reading.Rule)
			}
			q.tails = appendNUL(q.tails, kind, reading.ID)
		}
		q.readings = append(q.readings, rs...)
	}
	q.tails[at+toLength] = mark
	q.ids = h.parkIDs(q.ids[:0], &r)
	for _, id := range q.ids {
		q.tails = appendNUL(q.tails, 'p', id)
	}
	q.tails = append(q.tails, 0)
	q.tails = appendParked(q.tails, &r)
	first := ""
	if rs := q.readings[q.starts[len(q.starts)-1]:]; len(rs) > 0 {
		first = rs[0].ID
	}
	q.args = append(q.args, first, q.tails[at:len(q.tails):len(q.tails)])
}

func appendNUL(dst []byte, kind byte, id string) []byte {
	return append(append(append(dst, kind), id...), 0)
}

// appendTo appends the destination's last eight digits, '-' in front for each
// that lacks.
func appendTo(dst []byte, to string) []byte {
	var room [toLength]byte
	digits := appendDigits(room[:0], to)
	for range toLength - len(digits) {
		dst = append(dst, '-')
	}
	return append(dst, digits...)
}

// preferred puts the reading that the habit chooses in front.
func preferred(rs []Reading, habit int32) bool {
	for i, r := range rs {
		if int32(r.Rule) == habit {
			copy(rs[1:i+1], rs[:i])
			rs[0] = r
			return true
		}
	}
	return false
}

func findAnswer(reply any, n int) (records string, habit int32, err error) {
	list, ok := reply.([]any)
	if !ok || len(list) != 2 {
		return "", 0, fmt.Errorf("answer is no pair: %T", reply)
	}
	records, ok = list[0].(string)
	word, isWord := list[1].(string)
	if !ok || !isWord || len(records) != n*record {
		return "", 0, fmt.Errorf("answer has %d octets for %d receipts", len(records), n)
	}
	habit = noHabit
	if len(word) == 1 && strings.Contains("012", word) {
		habit = int32(word[0] - '0')
	}
	return records, habit, nil
}

func readFound(s string, rs []Reading) (Found, error) {
	switch s[0] {
	case 'p':
		return Found{Parked: true}, nil
	case 'c':
		return Found{Parked: true, Conflict: true}, nil
	case 'a':
		return Found{Parked: true, Ambiguous: true}, nil
	case 'f':
		return Found{Full: true}, nil
	}
	n := int(s[0]) - '0'
	if n < 0 || n >= len(rs) {
		return Found{}, fmt.Errorf("answer %q names no reading", s)
	}
	part, err := parsePart(s[1:])
	if err != nil {
		return Found{Full: true}, nil //nolint:nilerr // it was not parked either; one bad value must not stop a batch
	}
	return Found{Part: part, Known: Known{rs[n].ID, part}}, nil
}

// waiting is a receipt as it lies in early.
type waiting struct {
	id     string // under which it lies
	parked string
}

// appendEntries reads what lies under one id in early: for each receipt the
// time of parking 13, a flag 1, its length 4, itself. What does not read ends
// it; look.lua drops that.
func appendEntries(dst []waiting, id, value string) []waiting {
	for len(value) > entryHead {
		n := 0
		for _, c := range []byte(value[entryHead-4 : entryHead]) {
			n = n*10 + int(c-'0')
		}
		if n <= 0 || n > len(value)-entryHead {
			break
		}
		dst = append(dst, waiting{id, value[entryHead : entryHead+n]})
		value = value[entryHead+n:]
	}
	return dst
}

const entryHead = 13 + 1 + 4

// findWaiting answers those of the parked receipts whose part is known by now.
// One that lies under several ids is answered once. Those that cannot be read
// go to the quarantine.
func (h *Home) findWaiting(ctx context.Context, ws []waiting) ([]Parked, error) {
	seen := make(map[string]bool, len(ws))
	var rs []Receipt
	var ids []string
	for _, w := range ws {
		if seen[w.parked] {
			continue
		}
		seen[w.parked] = true
		r, err := parseParked(w.parked)
		if err != nil {
			if err := h.evict(ctx, w); err != nil {
				return nil, err
			}
			continue
		}
		rs, ids = append(rs, r), append(ids, w.id)
	}
	var out []Parked
	for at := 0; at < len(rs); at += batch {
		end := min(at+batch, len(rs))
		fs, err := h.find(ctx, rs[at:end])
		if err != nil {
			return nil, err
		}
		for i, f := range fs {
			if f.Part != (queue.Part{}) {
				out = append(out, Parked{ids[at+i], f.Part, rs[at+i], f.Known})
			}
		}
	}
	return out, nil
}

// evict takes out of early what is no receipt of any version that we know.
func (h *Home) evict(ctx context.Context, w waiting) error {
	if err := h.Quarantine(ctx, [][]byte{[]byte(w.parked)}); err != nil {
		return err
	}
	_, err := h.drop(ctx, []any{w.parked, 1, w.id})
	return err
}
