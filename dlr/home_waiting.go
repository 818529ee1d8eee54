package dlr

import (
	"context"

	"bindery/queue"
)

// waiting is a receipt as it lies in early.
type waiting struct {
	id     string // under which it lies
	parked string
}

const entryHead = 13 + 1 + 4

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
	fs := make([]Found, len(rs))
	for at := 0; at < len(rs); at += batch {
		end := min(at+batch, len(rs))
		if err := h.find(ctx, rs[at:end], fs[at:end]); err != nil {
			return nil, err
		}
	}
	var out []Parked
	for i, f := range fs {
		if f.Part != (queue.Part{}) {
			out = append(out, Parked{ids[i], f.Part, rs[i], f.Known})
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
