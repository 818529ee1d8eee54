package dlr

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"
)

var findScript = script("find")

// noHabit is the habit of a carrier whose receipts have not shown one.
const noHabit Rule = 0xFF

// habit is which reading of an id a carrier's receipts mean, and the rules that
// this was learned from, as they stand in Redis.
type habit struct {
	rule  Rule
	rules string
}

// Find looks each receipt's part up, and parks it in the same step if unknown.
func (h *Home) Find(ctx context.Context, rs []Receipt) ([]Found, error) {
	out := make([]Found, len(rs))
	for at := 0; at < len(rs); at += batch {
		end := min(at+batch, len(rs))
		if err := h.find(ctx, rs[at:end], out[at:end]); err != nil {
			return nil, fmt.Errorf("dlr: find for %s: %w", h.o.Carrier, err)
		}
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
			h.parking.Store(true)
			if f.Conflict {
				h.count.conflicts.Add(1)
			}
			if f.Ambiguous {
				h.count.ambiguous.Add(1)
			}
		}
	}
}

// find first looks up, in the newest epoch alone, those whose id can be read in
// one way only. What is not found so is found or parked by the script find,
// which tries everything, in one step.
func (h *Home) find(ctx context.Context, rs []Receipt, out []Found) error {
	learned := h.habit.Load()
	ids := make([]string, 0, len(rs))
	at := make([]int, 0, len(rs))
	for i := range rs {
		if id, ok := h.only(&rs[i], learned.rule); ok {
			ids, at = append(ids, id), append(at, i)
		}
	}
	if err := h.known(ctx, rs, ids, at, learned.rules, out); err != nil {
		return err
	}
	var rest []int
	for i := range out {
		if out[i].Known.ID == "" {
			rest = append(rest, i)
		}
	}
	if len(rest) == 0 {
		return nil
	}
	return h.findOrPark(ctx, rs, rest, out)
}

// known finds those of the receipts rs[at[k]] whose ids[k] this process or the
// newest epoch knows; none if the rules by which the ids were chosen are others
// by now. It writes nothing, so it is no script: there each octet of an id and of
// its part would cost Redis more than the look-up does. The state is read after
// the ids: rules that are still the same were the same before.
func (h *Home) known(ctx context.Context, rs []Receipt, ids []string, at []int, rules string, out []Found) error {
	if len(ids) == 0 {
		return nil
	}
	mine := h.recents.look(ids, h.o.Now())
	var ask []string
	for k := range ids {
		if !mine[k].known() {
			ask = append(ask, ids[k])
		}
	}
	values, same, err := h.named(ctx, ask, rules)
	if err != nil || !same {
		return err
	}
	next := 0
	for k, id := range ids {
		to := rs[at[k]].To
		if mine[k].known() {
			if mine[k].wentTo(to) {
				out[at[k]] = Found{Part: mine[k].part, Known: Known{id, mine[k].part}}
			}
			continue
		}
		if next < len(values) {
			if v, ok := values[next].(string); ok {
				out[at[k]] = readKnown(v, id, to)
			}
		}
		next++
	}
	return nil
}

// named answers what ids name in the newest epoch, nothing if that is another
// than this process believes, and whether the rules are still the same.
func (h *Home) named(ctx context.Context, ids []string, rules string) (values []any, same bool, err error) {
	newest, pipe := h.newest.Load(), h.db.Pipeline()
	var asked *redis.SliceCmd
	if newest != nil && len(ids) > 0 {
		asked = pipe.HMGet(ctx, h.idsOf(*newest), ids...)
	}
	state := pipe.HMGet(ctx, h.state, "epochs", "rules")
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, false, err
	}
	now := state.Val()
	list, _ := now[0].(string)
	epoch, _, _ := strings.Cut(list, ":")
	said, _ := now[1].(string)
	if newest == nil || epoch != *newest {
		h.newest.Store(&epoch)
		asked = nil
	}
	if asked != nil {
		values = asked.Val()
	}
	return values, said == rules, nil
}

// only is the reading of a receipt that needs no other to be looked at: its
// first id has one reading, or it has one id and the carrier a habit.
func (h *Home) only(r *Receipt, rule Rule) (string, bool) {
	if len(r.IDs) == 0 || len(r.IDs[0]) > maxParkedID || strings.IndexByte(r.IDs[0], 0) >= 0 {
		return "", false
	}
	first := r.IDs[0]
	single := true
	for _, id := range r.IDs[1:] {
		single = single && (id == first || h.o.Submit.Normal(id) == h.o.Submit.Normal(first))
	}
	auto := h.o.Submit == Auto || h.o.Receipt == Auto
	if single && rule == Same && auto {
		return h.o.Submit.Normal(first), true
	}
	var room [3]Reading
	rs := AppendReadings(room[:0], first, h.o.Submit, h.o.Receipt)
	if len(rs) == 1 {
		return rs[0].ID, true
	}
	for _, reading := range rs {
		if single && reading.Rule == rule {
			return reading.ID, true
		}
	}
	return "", false
}

// readKnown reads what an id names, or the zero Found if that is no part or
// went elsewhere.
func readKnown(v, id, to string) Found {
	if len(v) < partLength || !sameDestination(v[partLength:], to) {
		return Found{}
	}
	part, err := parsePart(v[:partLength])
	if err != nil {
		return Found{}
	}
	return Found{Part: part, Known: Known{id, part}}
}

// sameDestination compares the digits that both have, at most eight; one that
// is not known contradicts none.
func sameDestination(had, to string) bool {
	var room [toLength]byte
	return sameDigits(append(room[:0], had[max(0, len(had)-toLength):]...), to)
}

func sameDigits(had []byte, to string) bool {
	var room [toLength]byte
	digits := appendDigits(room[:0], to)
	n := min(len(had), len(digits))
	return bytes.Equal(had[len(had)-n:], digits[len(digits)-n:])
}

// query is a batch of receipts as the script find takes them, built without an
// allocation a receipt.
type query struct {
	args     []any
	readings []Reading // of all receipts, those of the i-th from starts[i]
	starts   []int
	octets   []byte
	ids      []string
}

// findOrPark runs the script find for those of the receipts.
func (h *Home) findOrPark(ctx context.Context, rs []Receipt, which []int, out []Found) error {
	q := query{
		args:     make([]any, 3, 3+len(which)),
		readings: make([]Reading, 0, 3*len(which)), starts: make([]int, 0, len(which)+1),
		octets: make([]byte, 0, 160*len(which)),
	}
	q.args[0] = (h.o.ReceiptClock + defaultClock).Milliseconds()
	q.args[1], q.args[2] = h.o.EarlyMax, earlyEach
	for _, i := range which {
		h.add(&q, rs[i].clean())
	}
	reply, err := findScript.Run(ctx, h.db, []string{h.state, h.early, h.looks}, q.args...)
	if err != nil {
		return err
	}
	records, learned, err := findAnswer(reply, len(which))
	if err != nil {
		return err
	}
	h.habit.Store(&learned)
	for k, i := range which {
		if out[i], err = readFound(records[k*record:(k+1)*record], q.of(k)); err != nil {
			return err
		}
	}
	return nil
}

// of are the readings of the i-th receipt.
func (q *query) of(i int) []Reading {
	if i+1 < len(q.starts) {
		return q.readings[q.starts[i]:q.starts[i+1]]
	}
	return q.readings[q.starts[i]:]
}

// add appends a receipt's argument: what find.lua says of it.
func (h *Home) add(q *query, r Receipt) {
	q.starts = append(q.starts, len(q.readings))
	at := len(q.octets)
	q.octets = appendTo(q.octets, r.To)
	q.ids = h.parkIDs(q.ids[:0], &r)
	var room [3]Reading
	for _, id := range q.ids {
		rs := AppendReadings(room[:0], id, h.o.Submit, h.o.Receipt)
		for k, reading := range rs {
			kind := '0' + byte(reading.Rule)
			if k == 0 {
				kind = 'A' + byte(reading.Rule)
			}
			q.octets = appendNUL(q.octets, kind, reading.ID)
		}
		q.readings = append(q.readings, rs...)
	}
	for _, id := range q.ids {
		q.octets = appendNUL(q.octets, 'p', id)
	}
	q.octets = append(q.octets, 0)
	q.octets = appendParked(q.octets, &r)
	q.args = append(q.args, q.octets[at:len(q.octets):len(q.octets)])
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

const record = 1 + partLength // of find's answer

func findAnswer(reply any, n int) (records string, learned habit, err error) {
	list, ok := reply.([]any)
	if !ok || len(list) != 3 {
		return "", learned, fmt.Errorf("answer is no list of three: %T", reply)
	}
	var texts [3]string
	for i := range texts {
		if texts[i], ok = list[i].(string); !ok {
			return "", learned, fmt.Errorf("answer %d is no text: %T", i, list[i])
		}
	}
	if len(texts[0]) != n*record {
		return "", learned, fmt.Errorf("answer has %d octets for %d receipts", len(texts[0]), n)
	}
	learned = habit{noHabit, texts[2]}
	if i := slices.Index([]string{"0", "1", "2"}, texts[1]); i >= 0 {
		learned.rule = Rule(i)
	}
	return texts[0], learned, nil
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
