package queue

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"slices"
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
			if f := &fs[place]; answers[place] == FinishedNew && f.Status.Final() {
				q.lines.ended(f.Part)
			}
		}
	}
	return nil
}

// finishSize of a record, octets: part 2, state 1, late response 1, carrier 2,
// error number 2, error 1, where its events are 6.
const finishSize = 15

// finishArgs also answers the place of each answer in fs: the script answers in
// the order of blocks, and of their parts.
func (q *Queue) finishArgs(ctx context.Context, sh *shard, fs []Finish) (args []any, places []int, err error) {
	var carriers carrierTable
	var errs errorTable
	at := q.clock.now()
	records, ends := blockRecords{size: finishSize}, newTails(at)
	for i := range fs {
		if q.shardOfBlock(fs[i].Part.Block) == sh {
			places = append(places, i)
		}
	}
	slices.SortStableFunc(places, func(a, b int) int {
		return cmp.Or(cmp.Compare(fs[a].Part.Block, fs[b].Part.Block), cmp.Compare(fs[a].Part.Index, fs[b].Part.Index))
	})
	for _, i := range places {
		f := &fs[i]
		st, err := f.state()
		if err != nil {
			return nil, nil, err
		}
		carrier, err := q.intoTable(ctx, &carriers, f.Carrier)
		if err != nil {
			return nil, nil, err
		}
		var room [finishSize]byte
		octets := binary.BigEndian.AppendUint16(append(room[:0], byte(st), boolByte(f.Late)), carrier)
		octets = binary.BigEndian.AppendUint16(octets, errNumber(f.Error.Code))
		e, tail := errs.add(f.Error), ""
		whole := !f.Late && f.Status.Final()
		if whole && (e > 0 || f.Error == Error{}) {
			tail = ends.of(f.Status, f.Carrier, f.Error)
		}
		records.of(f.Part.Block).add(f.Part.Index, append(octets, e), tail, whole)
	}
	args = append(args, carriers.list, carriers.clocks, at.UnixMilli(), len(errs.list))
	return records.appendTo(append(args, errs.list...), &q.lines), places, nil
}

// state is what a slot becomes; 0: an intermediate receipt changes none.
func (f *Finish) state() (state, error) {
	st, ok := finalState(f.Status)
	if f.Late {
		switch f.Status {
		case StatusSubmitted:
			return stateSubmitted, nil
		case StatusRejected:
			return stateRejected, nil
		}
		ok = false
	}
	if !ok {
		return 0, fmt.Errorf("queue: finish: status %v, late %v", f.Status, f.Late)
	}
	return st, nil
}

func boolByte(b bool) byte {
	if b {
		return 1
	}
	return 0
}
