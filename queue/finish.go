package queue

import (
	"context"
	"encoding/binary"
	"fmt"
)

// Finish writes results without a lease; the answer has one entry for each. A
// call whose outcome is unknown (ErrUnavailable) is made again with the same
// arguments: what it had written is answered as a repeat then.
func (q *Queue) Finish(ctx context.Context, fs []Finish) ([]Finished, error) {
	answers := make([]Finished, len(fs))
	for from := 0; from < len(fs); from += MaxLease {
		to := min(from+MaxLease, len(fs))
		if err := q.finish(ctx, fs[from:to], answers[from:to]); err != nil {
			return nil, err
		}
	}
	return answers, nil
}

func (q *Queue) finish(ctx context.Context, fs []Finish, answers []Finished) error {
	for i := range fs {
		if q.shardOfBlock(fs[i].Part.Block) == nil {
			answers[i] = FinishedGone // no block of ours was ever called so
		}
	}
	for _, sh := range q.shards {
		args, places, err := q.finishArgs(ctx, sh, fs)
		if err != nil {
			return err
		}
		if len(places) == 0 {
			continue
		}
		r, err := q.run(ctx, finishScript, sh, args...)
		if err != nil {
			return err
		}
		octets := r.text()
		if r.time(q); r.err != nil {
			return r.err
		}
		if len(octets) != len(places) {
			return fmt.Errorf("queue: finish: redis answers %d results for %d", len(octets), len(places))
		}
		for i, place := range places {
			answers[place] = Finished(octets[i])
		}
	}
	return nil
}

// finishArgs also answers the place of each record in fs: the script answers in
// the order of blocks.
func (q *Queue) finishArgs(ctx context.Context, sh *shard, fs []Finish) (args []any, places []int, err error) {
	var carriers carrierTable
	var errs errorTable
	records := blockRecords{index: make(map[Block]int, len(fs))}
	var byBlock [][]int
	for i := range fs {
		f := &fs[i]
		if q.shardOfBlock(f.Part.Block) != sh {
			continue
		}
		st, ok := finalState(f.Status)
		if f.Late {
			st, ok = map[Status]state{StatusSubmitted: stateSubmitted, StatusRejected: stateRejected}[f.Status]
		}
		if !ok {
			return nil, nil, fmt.Errorf("queue: finish: status %v, late %v", f.Status, f.Late)
		}
		carrier, err := q.intoTable(ctx, &carriers, f.Carrier)
		if err != nil {
			return nil, nil, err
		}
		rec := records.of(f.Part.Block, f.Part.Index)
		if len(records.blocks) > len(byBlock) {
			byBlock = append(byBlock, nil)
		}
		b := records.index[f.Part.Block]
		byBlock[b] = append(byBlock[b], i)
		octets := binary.BigEndian.AppendUint16(rec.records, f.Part.Index)
		octets = append(octets, byte(st), boolByte(f.Late))
		octets = binary.BigEndian.AppendUint16(octets, carrier)
		octets = binary.BigEndian.AppendUint16(octets, errNumber(f.Error.Code))
		rec.records = append(octets, errs.add(f.Error))
	}
	for _, list := range byBlock {
		places = append(places, list...)
	}
	args = append(args, carriers.list, carriers.clocks, len(errs.list))
	return records.appendTo(append(args, errs.list...), &q.lines), places, nil
}

func boolByte(b bool) byte {
	if b {
		return 1
	}
	return 0
}
