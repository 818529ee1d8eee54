package dlr

import (
	"context"
	"fmt"
)

var (
	lookScript = script("look")
	dropScript = script("drop")
)

// Look hands out parked receipts whose next look has come and whose id is
// known. Those whose receipt clock is over are dropped and counted.
func (h *Home) Look(ctx context.Context, n int) ([]Parked, error) {
	ps, err := h.look(ctx, min(n, batch))
	if err != nil {
		return nil, fmt.Errorf("dlr: look for %s: %w", h.o.Carrier, err)
	}
	return ps, nil
}

// Parking tells whether anything is parked, as far as this process knows: the
// last Look, or Find and Correlate since then. Before the first Look it is true.
func (h *Home) Parking() bool { return h.parking.Load() }

func (h *Home) look(ctx context.Context, n int) ([]Parked, error) {
	reply, err := lookScript.Run(ctx, h.db, []string{h.early, h.looks}, n, h.o.ReceiptClock.Milliseconds())
	if err != nil {
		return nil, err
	}
	ws, over, err := h.lookAnswer(reply)
	if err != nil {
		return nil, err
	}
	for _, w := range over {
		if err := h.expire(ctx, w); err != nil {
			return nil, err
		}
	}
	return h.findWaiting(ctx, ws)
}

func (h *Home) lookAnswer(reply any) (ws, over []waiting, err error) {
	list, ok := reply.([]any)
	if !ok || len(list)%3 != 1 {
		return nil, nil, fmt.Errorf("answer is no list of threes and a count: %T", reply)
	}
	last := len(list) - 1
	parked, ok := list[last].(int64)
	if !ok {
		return nil, nil, fmt.Errorf("answer ends with no count: %T", list[last])
	}
	h.parking.Store(parked > 0)
	list = list[:last]
	for i := 0; i < len(list); i += 3 {
		id, ok1 := list[i].(string)
		told, ok2 := list[i+1].(string)
		parked, ok3 := list[i+2].(string)
		if !ok1 || !ok2 || !ok3 {
			return nil, nil, fmt.Errorf("answer %d is no text", i)
		}
		switch told {
		case "e":
			over = append(over, waiting{id, parked})
			continue
		case "u":
			h.count.unmatched.Add(1)
		}
		ws = append(ws, waiting{id, parked})
	}
	return ws, over, nil
}

func (h *Home) expire(ctx context.Context, w waiting) error {
	r, err := parseParked(w.parked)
	if err != nil {
		return h.evict(ctx, w)
	}
	n, err := h.drop(ctx, h.dropArgs(nil, w.id, &r))
	h.count.expired.Add(uint64(n))
	return err
}

// Drop takes away parked receipts that were finished.
func (h *Home) Drop(ctx context.Context, ps []Parked) error {
	var args []any
	for i := range ps {
		args = h.dropArgs(args, ps[i].ID, &ps[i].Receipt)
		if (i+1)%(batch/(maxParkedIDs+1)) != 0 && i+1 < len(ps) {
			continue
		}
		if _, err := h.drop(ctx, args); err != nil {
			return fmt.Errorf("dlr: drop for %s: %w", h.o.Carrier, err)
		}
		args = args[:0]
	}
	return nil
}

// dropArgs names all ids under which a receipt lies: those it has now, and that
// under which it was found, should the carrier's forms have been changed.
func (h *Home) dropArgs(args []any, under string, r *Receipt) []any {
	ids := h.parkIDs([]string{under}, r)
	args = append(args, string(appendParked(nil, r)), len(ids))
	for _, id := range ids {
		args = append(args, id)
	}
	return args
}

func (h *Home) drop(ctx context.Context, args []any) (int64, error) {
	reply, err := dropScript.Run(ctx, h.db, []string{h.early, h.looks}, args...)
	n, _ := reply.(int64)
	return n, err
}
