package main

import (
	"fmt"
	"testing"
	"time"

	"bindery/smpp/smsctest"
)

// TestDeathAfterEachStep: a gateway dies just when a script of its ran and its
// answer is not read yet: between each step and the one that follows. The other
// gateway, and the one started again, bring everything to its end.
func TestDeathAfterEachStep(t *testing.T) {
	for _, when := range []smsctest.Timing{smsctest.After, smsctest.Before} {
		// Each death costs a lease, until the dead one's bind is another's.
		steps := either([]string{"correlate", "settle", "finish"},
			[]string{"accept", "lease", "mark", "correlate", "settle", "find", "finish", "drop", "grant", "bind", "renew", "due", "forget"})
		name := map[smsctest.Timing]string{smsctest.After: "receipts after", smsctest.Before: "receipts before"}[when]
		t.Run(name, func(t *testing.T) { dieAfter(t, when, steps) })
	}
}

func dieAfter(t *testing.T, when smsctest.Timing, steps []string) {
	w := &wire{}
	w.dial(t, fleetOptions{
		gateways: 2, redis: durable, smsc: busyCarrier(when), carrier: "binds: 2, window: 10, rate: 300",
	})
	l := w.load(100)
	for _, step := range steps {
		w.gateway(0).bound(1) // it has something to lose
		w.dieAt(step)
		w.start(0)
	}
	w.more(50)
	l.stop()
	sum := w.ledger.close(60*time.Second, "delivered")
	if most := len(steps) * heldByKill; sum.repeats > most {
		t.Errorf("%d submits were repeated, %d kills may repeat %d", sum.repeats, len(steps), most)
	}
}

// dieAt kills gateway 0 when Redis has run its next call of a script, under
// load, before the answer arrives.
func (w *wire) dieAt(step string) {
	w.t.Helper()
	victim := w.gateway(0)
	w.proxy.SwallowReply(func(request []byte) bool {
		if name, _ := w.script(request); name != step {
			return false
		}
		_ = victim.cmd.Process.Kill() // at most it is dead already
		return true
	}, 1)
	within(w.t, 30*time.Second, fmt.Sprintf("death after %s", step), func() bool {
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
