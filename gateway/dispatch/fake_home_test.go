package dispatch

import (
	"context"
	"sync"
	"time"

	"bindery/dlr"
	"bindery/queue"
)

// fakeHome is the carrier's home.
type fakeHome struct {
	mu     sync.Mutex
	ids    map[string]queue.Part
	parked map[string][]dlr.Receipt
	drops  int

	forgotten []string
	full      bool
	fail      func(call string) error
	lookNow   bool // hand parked receipts out at once, whoever correlated
}

func newFakeHome() *fakeHome {
	return &fakeHome{ids: map[string]queue.Part{}, parked: map[string][]dlr.Receipt{}, fail: func(string) error { return nil }}
}

func (h *fakeHome) known(p queue.Part) (string, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for id, q := range h.ids {
		if q == p {
			return id, true
		}
	}
	return "", false
}

func (h *fakeHome) Correlate(_ context.Context, cs []dlr.Correlation) ([]dlr.Parked, error) {
	time.Sleep(time.Millisecond)
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.fail("correlate"); err != nil {
		return nil, err
	}
	var ps []dlr.Parked
	for _, c := range cs {
		h.ids[c.ID] = c.Part
		for _, r := range h.parked[c.ID] {
			ps = append(ps, dlr.Parked{ID: c.ID, Part: c.Part, Receipt: r, Known: dlr.Known{ID: c.ID, Part: c.Part}})
		}
	}
	return ps, nil
}

func (h *fakeHome) Find(_ context.Context, rs []dlr.Receipt) ([]dlr.Found, error) {
	time.Sleep(time.Millisecond)
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.fail("find"); err != nil {
		return nil, err
	}
	out := make([]dlr.Found, len(rs))
	for i, r := range rs {
		p, known := h.ids[r.IDs[0]]
		switch {
		case known:
			out[i].Part, out[i].Known = p, dlr.Known{ID: r.IDs[0], Part: p}
		case h.full:
			out[i].Full = true
		default:
			h.parked[r.IDs[0]] = append(h.parked[r.IDs[0]], r)
			out[i].Parked = true
		}
	}
	return out, nil
}

func (h *fakeHome) Look(context.Context, int) ([]dlr.Parked, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.fail("look"); err != nil {
		return nil, err
	}
	var ps []dlr.Parked
	for id, rs := range h.parked {
		if p, known := h.ids[id]; known && h.lookNow {
			for _, r := range rs {
				ps = append(ps, dlr.Parked{ID: id, Part: p, Receipt: r, Known: dlr.Known{ID: id, Part: p}})
			}
		}
	}
	return ps, nil
}

func (h *fakeHome) Forget(ks []dlr.Known) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, k := range ks {
		h.forgotten = append(h.forgotten, k.ID)
	}
}

func (h *fakeHome) Sweep(context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.fail("sweep")
}

func (h *fakeHome) Drop(_ context.Context, ps []dlr.Parked) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.fail("drop"); err != nil {
		return err
	}
	for _, p := range ps {
		delete(h.parked, p.ID)
		h.drops++
	}
	return nil
}

func (h *fakeHome) setFail(f func(string) error) { h.mu.Lock(); h.fail = f; h.mu.Unlock() }
