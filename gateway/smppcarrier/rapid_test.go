package smppcarrier

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"bindery/gateway/dispatch"
	"bindery/smpp"
	"bindery/smpp/pdu"
	"bindery/smpp/smsctest"
)

// Whatever the carrier and the line do, each submission has one outcome, and at
// most one late answer after an uncertain one; nothing is left in the tables.
func TestEachSubmissionEndsOnce(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		share := rapid.SampledFrom([]float64{0, 0.1, 0.5})
		wait := rapid.Custom(func(t *rapid.T) time.Duration {
			return time.Duration(rapid.IntRange(0, 4000).Draw(t, "ms")) * time.Millisecond
		})
		s := setup{
			binds: rapid.IntRange(1, 3).Draw(rt, "binds"), window: rapid.IntRange(1, 20).Draw(rt, "window"),
			timeout: 2 * time.Second, pair: rapid.Bool().Draw(rt, "pair"),
			options: smsctest.Options{
				Seed: 1 + rapid.Uint64().Draw(rt, "seed")/2,
				Answers: smsctest.Answers{
					Latency: smsctest.Span{Max: wait.Draw(rt, "latency")}, Drop: share.Draw(rt, "drop"), Double: share.Draw(rt, "double"),
					Lose: share.Draw(rt, "lose"), Reorder: rapid.IntRange(0, 5).Draw(rt, "reorder"),
					Errors: []smsctest.Share{{Status: pdu.StatusThrottled, Share: share.Draw(rt, "throttle")}},
				},
				Link: smsctest.Link{
					CutAfter: rapid.IntRange(0, 30).Draw(rt, "cut"), UnbindAfter: rapid.IntRange(0, 30).Draw(rt, "unbind"),
				},
			},
		}
		batches := rapid.SliceOfN(rapid.IntRange(1, 25), 1, 12).Draw(rt, "batches")
		pause := wait.Draw(rt, "pause")
		var failed error
		bubble(t, s, func(r *rig) { failed = r.runBatches(batches, pause) })
		if failed != nil {
			rt.Fatal(failed)
		}
	})
}

func (r *rig) runBatches(batches []int, pause time.Duration) error {
	var all [][]dispatch.Submission
	for i, n := range batches {
		subs := make([]dispatch.Submission, min(n, r.Slots()))
		for k := range subs {
			subs[k] = text(fmt.Sprint(i, " ", k))
		}
		r.Submit(subs)
		all = append(all, subs)
		pass(pause)
	}
	pass(20 * time.Second)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	_ = r.Stop(ctx) // a carrier that answers nothing may have it end by its bound
	var errs []error
	for i := range all {
		for k := range all[i] {
			if err := once(r.sink.of(&all[i][k])); err != nil {
				errs = append(errs, fmt.Errorf("submission %d %d: %w", i, k, err))
			}
		}
	}
	if open, tokens := r.Carrier.open.Load(), r.tokens.open(); open != 0 || tokens != 0 {
		errs = append(errs, fmt.Errorf("%d open, %d tokens in use", open, tokens))
	}
	return errors.Join(errs...)
}

func once(os []told) error {
	switch {
	case len(os) == 1 && !os[0].Late:
		return nil
	case len(os) == 2 && !os[0].Late && os[0].Class == dispatch.ClassUncertain && os[1].Late:
		return nil
	}
	return fmt.Errorf("outcomes %+v", os)
}

// FuzzDelivered: whatever a carrier delivers is one receipt, one inbound message
// or one quarantined PDU, and is answered once.
func FuzzDelivered(f *testing.F) {
	f.Add([]byte("id:1 stat:DELIVRD"), uint8(4), uint8(0), []byte("821000000001"), []byte{})
	f.Add([]byte{5, 0, 3, 1, 2, 1, 'h', 'i'}, uint8(0x40), uint8(0), []byte("x"), []byte("7"))
	f.Add([]byte{0xD8}, uint8(0x40), uint8(8), []byte{}, []byte("8"))
	f.Add([]byte{}, uint8(0x24), uint8(0xF5), []byte("+1"), []byte{})
	c, err := New(Config{Carrier: "alpha", Source: never{}}, &nowhere{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, octets []byte, esmClass, dataCoding uint8, source, id []byte) {
		p := &pdu.DeliverSM{
			Source: pdu.Address{Addr: source}, ESMClass: esmClass, DataCoding: dataCoding, ShortMessage: octets,
		}
		if len(id) > 0 {
			p.TLVs = pdu.TLVs{{Tag: pdu.TagReceiptedMessageID, Value: id}, {Tag: pdu.TagMessageState, Value: id[:1]}}
		}
		before := c.acks.waiting()
		owner{c}.Request(0, new(smpp.Session), p)
		l := c.link(0)
		if n := len(l.receipts) + len(l.inbounds) + len(l.unparsed); n != 1 || c.acks.waiting() != before+1 {
			t.Errorf("%d things of one delivery, %d acks more", n, c.acks.waiting()-before)
		}
		l.receipts, l.inbounds, l.unparsed = nil, nil, nil
		c.acks.rows, c.acks.free = nil, nil
	})
}
