package dispatch

import (
	"context"
	"errors"
)

var errNoKeeper = errors.New("dispatch: nothing keeps inbound messages")

// keep stores what is no receipt of ours.
func (r *responder) keep(ctx context.Context, b *batch) {
	if len(b.inbounds)+len(b.unparsed) == 0 {
		return
	}
	call, cancel := context.WithTimeout(ctx, r.d.cfg.CallTimeout)
	defer cancel()
	inbounds, unparsed := error(errNoKeeper), error(errNoKeeper)
	if k := r.d.homes.Keeper; k != nil {
		if inbounds = nil; len(b.inbounds) > 0 {
			inbounds = k.KeepInbounds(call, b.inbounds)
		}
		if unparsed = nil; len(b.unparsed) > 0 {
			unparsed = k.KeepUnparsed(call, b.unparsed)
		}
	}
	for i := range b.inbounds {
		r.d.answer(b.inbounds[i].Ack, inbounds)
	}
	for i := range b.unparsed {
		r.d.answer(b.unparsed[i].Ack, unparsed)
	}
	r.d.kept(len(b.inbounds), inbounds, len(b.unparsed), unparsed)
}

func (d *Dispatcher) kept(ins int, inErr error, uns int, unErr error) {
	if err := errors.Join(inErr, unErr); err != nil {
		d.complain("keep", err)
	} else {
		d.calm("keep")
	}
	if inErr != nil {
		d.cfg.Observer.Refused(ins)
		ins = 0
	}
	if unErr != nil {
		d.cfg.Observer.Refused(uns)
		uns = 0
	}
	d.cfg.Observer.Kept(ins, uns)
}
