package main

import (
	"context"
	"syscall"
	"testing"
	"time"

	"bindery/smpp/smsctest"
)

// TestStoppedGateway: a gateway is stopped (SIGSTOP) for longer than its lease
// while another takes up what it owed, and continued. What it writes then of
// its old leases is at most the one buffer a bind that was already filled.
func TestStoppedGateway(t *testing.T) {
	carrier := busyCarrier(smsctest.After)
	carrier.Receipts.Bind = smsctest.AnyBind // one that a stopped gateway does not answer goes to the other
	f := newFleet(t, fleetOptions{gateways: 2, redis: durable, smsc: carrier, carrier: fleetSettings})
	l := f.load(200)
	f.more(300)

	stopped := f.gateway(0)
	tell(t, stopped, syscall.SIGSTOP)
	since := time.Now()
	f.set(0, f.gateway(1)) // the load goes where somebody answers
	within(t, 60*time.Second, "lease and half a minute", func() bool {
		return time.Since(since) > either(lease+2*time.Second, 30*time.Second)
	})
	l.stop()
	// The other ends all that there is, so that whatever is submitted after
	// that is of the stopped one's old leases.
	f.ledger.until(60*time.Second, func() string { return f.ledger.unsettled(context.Background()) })
	before := f.smsc.Stats().Taken
	tell(t, stopped, syscall.SIGCONT)
	f.set(0, stopped)

	f.await(60*time.Second, "the continued gateway's binds", func(s smsctest.Stats) bool { return s.Bound >= 2 })
	sum := f.ledger.close(60*time.Second, "delivered")
	late := int(f.smsc.Stats().Taken - before)
	t.Logf("%d repeats, of these %d written after the gateway was continued", sum.repeats, late)
	if late > fleetBinds*fleetWindow {
		t.Errorf("a gateway that was stopped longer than its lease wrote %d submits, want at most a window a bind", late)
	}
	if sum.repeats > heldByKill {
		t.Errorf("%d repeats, the stopped gateway's binds held at most %d", sum.repeats, heldByKill)
	}
	// It goes on under a new owner id.
	again := f.load(100)
	f.more(100)
	again.stop()
	f.ledger.close(30*time.Second, "delivered")
}

func tell(t *testing.T, p *process, s syscall.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}
