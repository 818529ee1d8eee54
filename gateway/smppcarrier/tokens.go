package smppcarrier

import (
	"sync"

	"bindery/gateway/dispatch"
)

// tokens joins submissions to their results.
type tokens struct {
	mu   sync.Mutex // guards all below
	rows []tokenRow
	free []uint32
	late int // rows kept for a late answer
}

type tokenRow struct {
	sub        *dispatch.Submission // nil: the row is free
	generation uint32
	bind       int32 // with doubtful: whose late answer it waits for
	doubtful   bool
}

// take gives a row to a submission that is about to be handed to a session.
func (t *tokens) take(sub *dispatch.Submission) uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.free) == 0 {
		t.rows = append(t.rows, tokenRow{})
		t.free = append(t.free, uint32(len(t.rows)-1))
	}
	i := t.free[len(t.free)-1]
	t.free = t.free[:len(t.free)-1]
	t.rows[i].sub = sub
	return uint64(t.rows[i].generation)<<32 | uint64(i)
}

// result finds the submission of a result, nil when it had its own already.
// With keep the row waits for a late answer over that bind.
func (t *tokens) result(token uint64, late, keep bool, bind int) *dispatch.Submission {
	t.mu.Lock()
	defer t.mu.Unlock()
	i := uint32(token)
	if int(i) >= len(t.rows) {
		return nil
	}
	row := &t.rows[i]
	if row.sub == nil || row.generation != uint32(token>>32) || row.doubtful != late {
		return nil
	}
	sub := row.sub
	if keep && !late {
		row.doubtful, row.bind = true, int32(bind)
		t.late++
		return sub
	}
	t.release(i)
	return sub
}

// down gives up waiting for late answers over a bind that is gone.
func (t *tokens) down(bind int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range t.rows {
		if t.late == 0 {
			return
		}
		if t.rows[i].doubtful && t.rows[i].bind == int32(bind) {
			t.release(uint32(i))
		}
	}
}

// drop takes back a row whose submission no session took.
func (t *tokens) drop(token uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.release(uint32(token))
}

func (t *tokens) release(i uint32) {
	row := &t.rows[i]
	if row.doubtful {
		t.late--
	}
	*row = tokenRow{generation: row.generation + 1}
	t.free = append(t.free, i)
}

// open counts the rows that are in use.
func (t *tokens) open() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.rows) - len(t.free)
}
