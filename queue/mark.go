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
