package queue

import (
	"context"
	"fmt"
)

// Cancel ends a message that waits and was surely never sent; canceling it
// again is no error. ErrTooLate: it is with a carrier, or was, or has ended
// otherwise. ErrNotFound, ErrGone as Get.
func (q *Queue) Cancel(ctx context.Context, account string, id ID) error {
	p, err := id.Parse()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNotFound, err)
	}
	sh := q.shardOfBlock(p.Block)
	if sh == nil {
		return ErrNotFound
	}
	r, err := q.run(ctx, cancelScript, sh, string(p.Block), int(p.Index), account)
	if err != nil {
		return err
	}
	switch word := r.text(); word {
	case "canceled":
		r.time(q)
		return r.err
	case "sent":
		return ErrTooLate
	case "absent":
		now, forgotten := r.time(q), r.number()
		if r.err != nil {
			return r.err
		}
		return q.absent(p.Block, now, forgotten)
	default:
		return fmt.Errorf("queue: cancel: redis answers %q", word)
	}
}
