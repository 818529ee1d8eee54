package main

import (
	"fmt"
	"testing"
	"time"

	"bindery/smpp/smsctest"
)

// TestDeathAtEachStep: a gateway dies just when a script of its has run and its
// answer is not read yet, or before it could run: between each step and the one
// that follows. The other gateway, and the one started again, bring everything
// to its end. The carrier tells each receipt once, unless it is not answered.
func TestDeathAtEachStep(t *testing.T) {
	for name, when := range map[string]smsctest.Timing{"receipts after": smsctest.After, "receipts before": smsctest.Before} {
		// Each death costs a lease, until the dead one's bind is another's.
		t.Run(name+", ran", func(t *testing.T) {
			dieAt(t, when, false, either([]string{transaction, "settle"}, allSteps))
		})
		t.Run(name+", did not run", func(t *testing.T) {
			dieAt(t, when, true, either([]string{"settle", "finish"}, allSteps))
		})
	}
}

var allSteps = []string{
	"accept", "lease", "mark", transaction, "settle", "find", "finish", "drop", "grant", "bind", "renew", "due", "forget",
}

func dieAt(t *testing.T, when smsctest.Timing, before bool, steps []string) {
	carrier := busyCarrier(when)
	carrier.Receipts.Repeat = 0
	w := &wire{}
	w.dial(t, fleetOptions{gateways: 2, redis: durable, smsc: carrier, carrier: "binds: 2, window: 10, rate: 300"})
	l := w.load(100)
	for _, step := range steps {
		w.gateway(0).bound(1) // it has something to lose
		w.dieAt(step, before)
		w.start(0)
	}
	w.more(50)
	l.stop()
	sum := w.ledger.close(60*time.Second, "delivered")
	if most := len(steps) * heldByKill; sum.repeats > most {
		t.Errorf("%d submits were repeated, %d kills may repeat %d", sum.repeats, len(steps), most)
	}
}

// dieAt kills gateway 0 at its next call of a script, under load: before Redis
// runs it, or when Redis has and before the answer arrives.
func (w *wire) dieAt(step string, before bool) {
	w.t.Helper()
	victim := w.gateway(0)
	at := w.proxy.SwallowReply
	if before {
		at = w.proxy.DropRequest
	}
	at(func(request []byte) bool {
		if name, _ := w.script(request); name != step {
			return false
		}
		_ = victim.cmd.Process.Kill() // at most it is dead already
		return true
	}, 1)
	within(w.t, 30*time.Second, fmt.Sprintf("death at %s", step), func() bool {
		select {
		case <-victim.done:
			return true
		default:
			return false
		}
	})
	w.set(0, nil)
	_ = victim.cmd.Wait() // it ends by the signal
}
