package main

import (
	"testing"
	"time"

	"bindery/smpp/smsctest"
)

// TestLinksCut: the connections to the carrier break under load. What was
// written without an answer is sent again, and announced: at most a window a
// bind; nothing else is.
func TestLinksCut(t *testing.T) {
	f := newFleet(t, fleetOptions{gateways: 2, smsc: busyCarrier(smsctest.After), carrier: fleetSettings})
	l := f.load(100)
	cuts := either(4, 8) // the wait until the next bind doubles with each
	for range cuts {
		f.more(100)
		f.smsc.Cut()
	}
	f.more(100)
	l.stop()
	sum := f.ledger.close(120*time.Second, "delivered")
	if most := cuts * fleetBinds * fleetWindow; sum.repeats > most {
		t.Errorf("%d submits were repeated, %d cuts of %d binds may repeat %d", sum.repeats, cuts, fleetBinds, most)
	}
}
