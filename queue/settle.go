package queue

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
)

// Settle ends leased parts. After a nil error all of them are off the lease. A
// call whose outcome is unknown (ErrUnavailable) is made again with the same
// settlements: what it had done already is left as it is.
func (o *Owner) Settle(ctx context.Context, ss []Settlement) error {
	if o.lapsed.Load() {
		return ErrLapsed
	}
	list := slices.Clone(ss)
	o.order(list)
	for len(list) > 0 {
		n := min(len(list), MaxLease)
		if err := o.settle(ctx, list[:n]); err != nil {
			return err
		}
		list = list[n:]
	}
	return nil
}

// order sorts by lease and place in it: so what goes back goes back in order.
func (o *Owner) order(ss []Settlement) {
	o.mu.Lock()
	places := make(map[Part]int, len(ss))
	for i := range ss {
		places[ss[i].Part] = o.held[ss[i].Part].place
	}
	o.mu.Unlock()
	slices.SortStableFunc(ss, func(a, b Settlement) int {
		return cmp.Or(cmp.Compare(a.Lease, b.Lease), cmp.Compare(places[a.Part], places[b.Part]))
	})
}

// settle calls the script once for each shard that the settlements name.
func (o *Owner) settle(ctx context.Context, ss []Settlement) error {
	for _, sh := range o.q.shards {
		args, n, err := o.settleArgs(ctx, sh, ss)
		if err != nil {
			return err
		}
		if n == 0 {
			continue
		}
		r, err := o.q.run(ctx, settleScript, sh, args...)
		if err != nil {
			return err
		}
		switch word := r.text(); word {
		case "settled":
			r.time(o.q)
		case "lapsed":
			return o.lapse()
		default:
			return fmt.Errorf("queue: settle: redis answers %q", word)
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for i := range ss {
		if o.held[ss[i].Part].lease == ss[i].Lease {
			delete(o.held, ss[i].Part)
		}
	}
	return nil
}

func (o *Owner) settleArgs(ctx context.Context, sh *shard, ss []Settlement) (args []any, n int, err error) {
	var carriers carrierTable
	var errs errorTable
	records := blockRecords{index: make(map[Block]int, len(ss))}
	for i := range ss {
		s := &ss[i]
		if o.q.shardOfBlock(s.Part.Block) != sh {
			continue
		}
		if s.Verdict < Submitted || s.Verdict > Surplus {
			return nil, 0, fmt.Errorf("queue: settle: verdict %d", s.Verdict)
		}
		if s.Carrier == "" && s.Verdict == Submitted {
			return nil, 0, fmt.Errorf("queue: settle: a submitted part without its carrier")
		}
		carrier, err := o.q.intoTable(ctx, &carriers, s.Carrier)
		if err != nil {
			return nil, 0, err
		}
		delay := min(max(s.Delay.Milliseconds(), 0), math.MaxUint32)
		rec := records.of(s.Part.Block, s.Part.Index)
		n++
		if !continues(rec.records, s, carrier) {
			rec.records = appendSettlement(rec.records, s, carrier, errs.add(s.Error), uint32(delay))
		}
	}
	args = append(args, o.id, carriers.list, carriers.clocks, len(errs.list))
	return records.appendTo(append(args, errs.list...), &o.q.lines), n, nil
}

// settlementSize is the size of a record, octets: part 2, lease 4, verdict 1,
// carrier 2, error number 2, error 1, delay in ms 4; of submitted parts the
// delay is how many more parts after this one are alike.
const settlementSize = 16

func appendSettlement(rec []byte, s *Settlement, carrier uint16, err byte, delay uint32) []byte {
	if s.Verdict == Submitted {
		delay = 0
	}
	rec = binary.BigEndian.AppendUint16(rec, s.Part.Index)
	rec = binary.BigEndian.AppendUint32(rec, uint32(s.Lease))
	rec = append(rec, byte(s.Verdict))
	rec = binary.BigEndian.AppendUint16(rec, carrier)
	rec = binary.BigEndian.AppendUint16(rec, errNumber(s.Error.Code))
	return binary.BigEndian.AppendUint32(append(rec, err), delay)
}

// continues takes s into the last record when that is of the parts before it,
// submitted as it is.
func continues(rec []byte, s *Settlement, carrier uint16) bool {
	if len(rec) == 0 || s.Verdict != Submitted {
		return false
	}
	last := rec[len(rec)-settlementSize:]
	more := binary.BigEndian.Uint32(last[12:])
	if Verdict(last[6]) != Submitted || binary.BigEndian.Uint32(last[2:]) != uint32(s.Lease) ||
		binary.BigEndian.Uint16(last[7:]) != carrier || uint32(binary.BigEndian.Uint16(last))+more+1 != uint32(s.Part.Index) {
		return false
	}
	binary.BigEndian.PutUint32(last[12:], more+1)
	return true
}

// blockRecords collects a call's records by block, in order of appearance.
type blockRecords struct {
	index  map[Block]int
	blocks []blockRecord
}

type blockRecord struct {
	name    Block
	records []byte
	parts   []uint16 // that the records are about
}

func (r *blockRecords) of(b Block, part uint16) *blockRecord {
	i, ok := r.index[b]
	if !ok {
		i = len(r.blocks)
		r.index[b] = i
		r.blocks = append(r.blocks, blockRecord{name: b})
	}
	rec := &r.blocks[i]
	rec.parts = append(rec.parts, part)
	return rec
}

// appendTo appends the arguments of each block: its name, the first and the
// last part that its records are about (2 octets each) and the records, and
// what is known of its body: its account and the parts' lines.
func (r *blockRecords) appendTo(args []any, known *lines) []any {
	for i := range r.blocks {
		b := &r.blocks[i]
		about := binary.BigEndian.AppendUint16(make([]byte, 0, 4+len(b.records)), slices.Min(b.parts))
		about = binary.BigEndian.AppendUint16(about, slices.Max(b.parts))
		args = append(args, string(b.name), append(about, b.records...), known.appendTo(nil, b.name, b.parts))
	}
	return args
}

// Mark notes, before their bytes are written, that leased parts of hold
// messages may be: should this process die, a reclaim keeps them as uncertain
// instead of sending them again. It may be made again. Parts that have ended
// meanwhile are left as they are: they are past their validity.
func (o *Owner) Mark(ctx context.Context, n LeaseNumber, parts []Part) error {
	for _, sh := range o.q.shards {
		records := blockRecords{index: make(map[Block]int, len(parts))}
		for _, p := range parts {
			if o.q.shardOfBlock(p.Block) == sh {
				records.of(p.Block, p.Index)
			}
		}
		if len(records.blocks) == 0 {
			continue
		}
		args := []any{o.id, int64(n)}
		for i := range records.blocks {
			args = append(args, string(records.blocks[i].name), octetsOf(records.blocks[i].parts))
		}
		r, err := o.q.run(ctx, markScript, sh, args...)
		if err != nil {
			return err
		}
		switch word := r.text(); word {
		case "marked":
			r.time(o.q)
		case "lapsed":
			return o.lapse()
		default:
			return fmt.Errorf("queue: mark: redis answers %q", word)
		}
	}
	return nil
}

// octetsOf writes parts as scripts read them, 2 octets each.
func octetsOf(parts []uint16) []byte {
	var octets []byte
	for _, p := range parts {
		octets = binary.BigEndian.AppendUint16(octets, p)
	}
	return octets
}
