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
	list := o.ordered(ss)
	for len(list) > 0 {
		n := min(len(list), MaxLease)
		if err := o.settle(ctx, list[:n]); err != nil {
			return err
		}
		list = list[n:]
	}
	return nil
}

// ordered answers the settlements by lease and place in it: so what goes back
// goes back in order.
func (o *Owner) ordered(ss []Settlement) []Settlement {
	places := make([]int64, len(ss)) // lease and place
	sorted := true
	o.mu.Lock()
	for i := range ss {
		places[i] = int64(ss[i].Lease)<<32 | int64(o.held.get(ss[i].Part).place)
		sorted = sorted && (i == 0 || places[i-1] <= places[i])
	}
	o.mu.Unlock()
	if sorted {
		return ss
	}
	order := make([]int, len(ss))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(places[a], places[b]) })
	list := make([]Settlement, len(ss))
	for i, from := range order {
		list[i] = ss[from]
	}
	return list
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
		o.held.drop(ss[i].Part, ss[i].Lease)
		switch ss[i].Verdict {
		case Refused, Failed, Expired, Surplus:
			o.q.lines.ended(ss[i].Part)
		}
	}
	return nil
}

// settlementSize of a record, octets: part 2, lease 4, verdict 1, carrier 2,
// error number 2, error 1, delay in ms 4, where its events are 6.
const settlementSize = 22

func (o *Owner) settleArgs(ctx context.Context, sh *shard, ss []Settlement) (args []any, n int, err error) {
	var carriers carrierTable
	var errs errorTable
	at := o.q.clock.now()
	records, ends := blockRecords{size: settlementSize}, newTails(at)
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
		var room [settlementSize]byte
		octets, tail := appendSettlement(room[:0], s, carrier, errs.add(s.Error)), ""
		if s.Verdict == Submitted {
			tail = ends.of(StatusSubmitted, s.Carrier, Error{})
		}
		records.of(s.Part.Block).add(s.Part.Index, octets, tail, s.Verdict == Submitted)
		n++
	}
	args = append(args, o.id, carriers.list, carriers.clocks, at.UnixMilli(), len(errs.list))
	return records.appendTo(append(args, errs.list...), &o.q.lines), n, nil
}

// appendSettlement appends what stands between part and where its events are.
func appendSettlement(rec []byte, s *Settlement, carrier uint16, err byte) []byte {
	rec = binary.BigEndian.AppendUint32(rec, uint32(s.Lease))
	rec = append(rec, byte(s.Verdict))
	rec = binary.BigEndian.AppendUint16(rec, carrier)
	rec = binary.BigEndian.AppendUint16(rec, errNumber(s.Error.Code))
	delay := min(max(s.Delay.Milliseconds(), 0), math.MaxUint32)
	return binary.BigEndian.AppendUint32(append(rec, err), uint32(delay))
}

// Mark notes, before their bytes are written, that leased parts of hold
// messages may be: should this process die, a reclaim keeps them as uncertain
// instead of sending them again. It may be made again. Parts that have ended
// meanwhile are left as they are: they are past their validity.
func (o *Owner) Mark(ctx context.Context, n LeaseNumber, parts []Part) error {
	for _, sh := range o.q.shards {
		args := []any{o.id, int64(n)}
		places := map[Block]int{}
		for _, p := range parts {
			if o.q.shardOfBlock(p.Block) != sh {
				continue
			}
			place, ok := places[p.Block]
			if !ok {
				place = len(args) + 1
				places[p.Block] = place
				args = append(args, string(p.Block), []byte(nil))
			}
			args[place] = binary.BigEndian.AppendUint16(args[place].([]byte), p.Index)
		}
		if len(places) == 0 {
			continue
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
