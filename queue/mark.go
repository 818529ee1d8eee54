package queue

import (
	"context"
	"encoding/binary"
	"fmt"
)

// Mark notes, before their bytes are written, that leased parts of hold
// messages may be: should this process die, a reclaim keeps them as uncertain
// instead of sending them again. It may be made again. Parts that have ended
// meanwhile are left as they are: they are past their validity.
func (o *Owner) Mark(ctx context.Context, n LeaseNumber, parts []Part) error {
	for _, sh := range o.q.shards {
		records := blockRecords{index: make(map[Block]int, len(parts))}
		for _, p := range parts {
			if o.q.shardOfBlock(p.Block) == sh {
				rec := records.of(p.Block)
				*rec = binary.BigEndian.AppendUint16(*rec, p.Index)
			}
		}
		if len(records.names) == 0 {
			continue
		}
		r, err := o.q.run(ctx, markScript, sh, records.appendTo([]any{o.id, int64(n)})...)
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
