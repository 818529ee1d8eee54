package gateway

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"bindery/gateway/dispatch"
	"bindery/queue"
)

// ownership keeps this process registered as a holder of leases. A process
// whose row lapsed (it was stopped, or cut off from Redis for longer than the
// lease) goes on under a new owner id; what it held under the old one belongs
// to whoever reclaimed it.
//
// run alone registers and renews; dispatchers read the present owner.
type ownership struct {
	queue   *queue.Queue
	every   time.Duration // between renewals: a third of the lease
	log     zerolog.Logger
	present atomic.Pointer[queue.Owner]
	lapsed  chan struct{}
	// withdraw takes back what waits to be written. It is called while there is
	// no owner, so the fence is shut, and before there is another: nothing that
	// was leased under the old one is written under the new.
	withdraw func()
}

const ownerRetry = 500 * time.Millisecond

func newOwnership(q *queue.Queue, lease time.Duration, log zerolog.Logger) *ownership {
	return &ownership{queue: q, every: lease / 3, log: log, lapsed: make(chan struct{}, 1), withdraw: func() {}}
}

// Present is the owner that leases are taken under, nil while there is none.
func (o *ownership) Present() dispatch.Leaser {
	if p := o.present.Load(); p != nil {
		return p
	}
	return nil
}

// Lapsed is told by whoever met queue.ErrLapsed first.
func (o *ownership) Lapsed(l dispatch.Leaser) {
	if p, ok := l.(*queue.Owner); ok && o.present.CompareAndSwap(p, nil) {
		select {
		case o.lapsed <- struct{}{}:
		default:
		}
	}
}

func (o *ownership) run(ctx context.Context) {
	wait := time.NewTimer(0)
	defer wait.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-o.lapsed:
		case <-wait.C:
		}
		wait.Reset(o.step(ctx))
	}
}

// step registers or renews, and answers when to come again.
func (o *ownership) step(ctx context.Context) time.Duration {
	call, cancel := context.WithTimeout(ctx, o.every)
	defer cancel()
	p := o.present.Load()
	if p == nil {
		o.withdraw()
		fresh, err := o.queue.NewOwner(call)
		if err != nil {
			o.log.Warn().Err(err).Msg("registering as owner of leases")
			return ownerRetry
		}
		o.present.Store(fresh)
		return o.every
	}
	switch err := p.Renew(call); {
	case err == nil:
		return o.every
	case errors.Is(err, queue.ErrLapsed):
		o.log.Warn().Msg("the lease lapsed: what was not written is dropped, work goes on under a new owner id")
		o.present.CompareAndSwap(p, nil)
		return 0
	default:
		o.log.Warn().Err(err).Msg("renewing the lease")
		return ownerRetry
	}
}

// holds is the fence: no buffer with submits is written unless it answers true.
func (o *ownership) holds() bool {
	p := o.present.Load()
	return p != nil && p.Holds()
}

// leave removes the row of a process that owes nothing; one that still owes
// keeps it, and another instance takes up what it owes when the lease is over.
func (o *ownership) leave(ctx context.Context) error {
	p := o.present.Swap(nil)
	if p == nil {
		return nil
	}
	left, err := p.Leave(ctx)
	if err == nil && !left {
		o.log.Warn().Msg("parts are still owed: another instance takes them up when the lease is over")
	}
	return err
}
