package main

import (
	"context"
	"syscall"
	"testing"
	"time"

	"bindery/smpp/smsctest"
)

// TestStoppedGateway: a gateway is stopped (SIGSTOP) for longer than its lease
// while another takes up what it owed, and continued. Its windows were full and
// more was leased ahead; the answers wait for it. None of what it had not
// written belongs to it any more: it may write the one buffer a bind that was
// filled before it was stopped, and with full windows that is a submit at most.
func TestStoppedGateway(t *testing.T) {
	carrier := busyCarrier(smsctest.After)
	carrier.Receipts.Bind = smsctest.AnyBind // one that a stopped gateway does not answer goes to the other
	f := newFleet(t, fleetOptions{gateways: 2, redis: durable, smsc: carrier, carrier: fleetSettings})
	for range either(1, 3) {
		f.stopAndContinue(carrier)
	}
}

func (f *fleet) stopAndContinue(carrier smsctest.Options) {
	t := f.t
	t.Helper()
	for i := range f.gateways {
		f.gateway(i).bound(1)
	}
	before := f.ledger.close(30*time.Second, "delivered")
	// Then the carrier falls silent, so that windows fill.
	l := f.load(300)
	f.more(300)
	f.smsc.Set(func(o *smsctest.Options) { o.Answers.Latency = smsctest.Fixed(3 * time.Second) })
	within(t, 10*time.Second, "full windows", func() bool { return f.open() == fleetBinds*fleetWindow })

	stopped := f.gateway(0)
	tell(t, stopped, syscall.SIGSTOP)
	f.set(0, f.gateway(1)) // the load goes where somebody answers
	f.smsc.Set(func(o *smsctest.Options) { *o = carrier })
	pass(t, either(lease+2*time.Second, 30*time.Second))
	l.stop()
	// The other ends all that there is, so that whatever is submitted after
	// that is of the stopped one's old leases.
	f.ledger.until(60*time.Second, func() string { return f.ledger.unsettled(context.Background()) })
	taken := f.smsc.Stats().Taken
	tell(t, stopped, syscall.SIGCONT)
	f.set(0, stopped)

	sum := f.ledger.close(60*time.Second, "delivered")
	repeats := sum.repeats - before.repeats
	late := int(f.smsc.Stats().Taken - taken)
	t.Logf("%d repeats, of these %d written after the gateway was continued", repeats, late)
	if late > fleetBinds {
		t.Errorf("a gateway that was stopped longer than its lease wrote %d submits, want at most one a bind", late)
	}
	if repeats > heldByKill {
		t.Errorf("%d repeats, the stopped gateway's binds held at most %d", repeats, heldByKill)
	}
	// It goes on under a new owner id.
	again := f.load(100)
	f.more(100)
	again.stop()
	f.ledger.close(30*time.Second, "delivered")
}

// open counts the submits that wait for an answer.
func (f *fleet) open() (n int) {
	for _, b := range f.smsc.Binds() {
		if b.Up {
			n += b.Open
		}
	}
	return n
}

func tell(t *testing.T, p *process, s syscall.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}
