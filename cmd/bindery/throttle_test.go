package main

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"time"

	"bindery/smpp/pdu"
	"bindery/smpp/smsctest"
)

// TestThrottledFromTheStart: a carrier takes 80 a second and throttles what is
// over from the first moment on. Gateways that may send 500, or all that they
// have, learn it in seconds, and lose little of it. How little is held only in
// the long form, which has the machine for itself: a flow that others interrupt
// teaches less than the carrier takes.
func TestThrottledFromTheStart(t *testing.T) {
	measuresRates(t)
	for _, c := range []struct{ gateways, rate int }{{1, 500}, {2, 500}, {1, 0}} {
		t.Run(fmt.Sprintf("%d gateways, rate %d", c.gateways, c.rate), func(t *testing.T) {
			const limit, settled, watched = 80, 8 * time.Second, 12 * time.Second
			f := newFleet(t, fleetOptions{
				gateways: c.gateways, carrier: fmt.Sprintf("binds: 2, window: 50, rate: %d", c.rate),
				smsc: smsctest.Options{
					Throttle: smsctest.Throttle{Rate: limit},
					Answers:  smsctest.Answers{Latency: smsctest.Span{Min: 10 * time.Millisecond, Max: 30 * time.Millisecond}},
				},
			})
			f.pushBulk(3000, 500)
			f.more(1)
			f.learns(limit, settled, watched)
		})
	}
}

// learns judges what a carrier of this rate is sent once it had time to settle.
func (f *fleet) learns(limit int, settled, watched time.Duration) {
	f.t.Helper()
	var rates []int
	look := func(d time.Duration) smsctest.Stats {
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for end := time.After(d); ; {
			select {
			case <-tick.C:
				rates = append(rates, f.presentRate())
			case <-end:
				return f.smsc.Stats()
			}
		}
	}
	before := look(settled)
	learned := len(rates)
	after := look(watched)
	ok := int(after.ByStatus[pdu.StatusOK] - before.ByStatus[pdu.StatusOK])
	throttled := int(after.ByStatus[pdu.StatusThrottled] - before.ByStatus[pdu.StatusThrottled])
	f.t.Logf("the rate by second %v; %d throttled until then; after it %d taken, %d throttled", rates, before.ByStatus[pdu.StatusThrottled], ok, throttled)
	for i, r := range rates[learned:] {
		if r < limit*60/100 && thorough() || r < limit/10 || r > limit*115/100 {
			f.t.Errorf("the rate is %d in second %d, the carrier takes %d", r, learned+i+1, limit)
		}
	}
	least := limit * int(watched/time.Second) * 65 / 100
	if !thorough() {
		least /= 6
	}
	if ok < least {
		f.t.Errorf("%d were taken in %s, want at least %d", ok, watched, least)
	}
	if throttled*20 >= ok {
		f.t.Errorf("%d were throttled, %d taken", throttled, ok)
	}
}

// presentRate is the rate in force at the carrier, as its home has it.
func (f *fleet) presentRate() int {
	f.t.Helper()
	milli, err := strconv.Atoi(f.client.HGet(context.Background(), "bindery:{c:alpha}:rate", "present").Val())
	if err != nil {
		f.t.Fatal(err)
	}
	return milli / 1000
}
