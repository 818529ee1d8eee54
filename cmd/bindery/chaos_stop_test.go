package main

import (
	"testing"
	"time"

	"bindery/smpp/smsctest"
)

// busyCarrier answers after a while, so that windows are filled, and reports
// each message three times, by any bind.
func busyCarrier(when smsctest.Timing) smsctest.Options {
	return smsctest.Options{
		SystemID: "bindery", Password: "secret", MaxBinds: fleetBinds, BindLimitStatus: 0,
		IDs:     smsctest.IDs{Response: smsctest.Hex, Receipt: smsctest.Decimal},
		Answers: smsctest.Answers{Latency: smsctest.Span{Min: 20 * time.Millisecond, Max: 80 * time.Millisecond}},
		Window:  smsctest.Window{Max: fleetWindow},
		Receipts: smsctest.Receipts{
			When: when, Delay: smsctest.Span{Max: 50 * time.Millisecond}, Bind: smsctest.OtherBind,
			Repeat: 2, Spacing: smsctest.Span{Max: 50 * time.Millisecond}, Timeout: 2 * time.Second,
		},
	}
}

const (
	fleetBinds    = 2
	fleetWindow   = 10
	fleetSettings = "binds: 2, window: 10, rate: 0"
)

// TestGracefulStops: gateways that are stopped and started again under load
// repeat nothing and lose nothing.
func TestGracefulStops(t *testing.T) {
	f := newFleet(t, fleetOptions{gateways: 2, smsc: busyCarrier(smsctest.After), carrier: fleetSettings})
	l := f.load(200)
	for n := range either(4, 20) {
		f.more(100)
		p := f.gateway(n)
		if code := p.terminate(); code != 0 {
			t.Errorf("SIGTERM: exit code %d", code)
		}
		f.start(n % 2)
	}
	f.more(100)
	l.stop()
	if sum := f.ledger.close(30*time.Second, "delivered"); sum.repeats+sum.announced > 0 {
		t.Errorf("graceful stops repeated %d submits and announced %d", sum.repeats, sum.announced)
	}
}
