package dispatch

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"bindery/dlr"
)

// quietHome knows whether anything is parked, and counts what it is asked.
type quietHome struct {
	*fakeHome
	parking       atomic.Bool
	looks, sweeps atomic.Int32
}

func (h *quietHome) Parking() bool { return h.parking.Load() }

func (h *quietHome) Look(context.Context, int) ([]dlr.Parked, error) {
	h.looks.Add(1)
	return nil, nil
}

func (h *quietHome) Sweep(context.Context) error {
	h.sweeps.Add(1)
	return nil
}

func TestAnIdleHomeIsHardlyAsked(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := &quietHome{fakeHome: newFakeHome()}
		q, c := newFakeQueue(), newFakeConn(1)
		d, err := New(Config{Carrier: "alpha"}, Homes{Owners: q, Finisher: q, Correlator: h}, nil)
		if err != nil {
			t.Fatal(err)
		}
		c.sink = d
		ctx, cancel := context.WithCancel(t.Context())
		var run sync.WaitGroup
		defer run.Wait()
		defer cancel()
		run.Go(func() { d.Run(ctx, c) })
		within := func(what string, n *atomic.Int32, during time.Duration, least, most int32) {
			t.Helper()
			was := n.Load()
			pass(during)
			if got := n.Load() - was; got < least || got > most {
				t.Errorf("%s in %s: %d, want %d to %d", what, during, got, least, most)
			}
		}
		within("looks with nothing parked", &h.looks, 5*time.Minute, 8, 14)
		within("sweeps with nothing to forget", &h.sweeps, 10*time.Minute, 8, 14)
		d.sweeping.ahead(time.Now())
		within("sweeps after something was forgotten", &h.sweeps, 12*time.Second, 10, 13)
		h.parking.Store(true)
		pass(time.Minute) // at the latest with the next look
		within("looks with something parked", &h.looks, 20*time.Second, 19, 21)
	})
}
