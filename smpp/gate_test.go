package smpp_test

import (
	"sync/atomic"
	"testing"
	"testing/synctest"

	"bindery/smpp"
	"bindery/smpp/pdu"
)

func TestGateClosedGivesBackAndSessionStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var shut atomic.Bool
		s, peer, owner := bound(t, smpp.Config{Window: 3, Gate: func() bool { return !shut.Load() }})
		mustSubmit(t, s, 1)
		peer.want(t, pdu.CommandSubmitSM, 0, 2)
		shut.Store(true)
		mustSubmit(t, s, 2, 3)
		synctest.Wait()
		owner.wantResults(t, "unwritten 2:the gate was closed", "unwritten 3:the gate was closed")
		if s.Free() != 2 {
			t.Errorf("free %d, want 2", s.Free())
		}
		peer.send(deliver(5)) // control goes on
		peer.want(t, pdu.CommandDeliverSMResp, 0, 5)
		shut.Store(false)
		mustSubmit(t, s, 4)
		peer.want(t, pdu.CommandSubmitSM, 0, 5)
		peer.send(okFor(2, "a"), okFor(5, "d"))
		synctest.Wait()
		owner.wantResults(t, "1:a", "4:d")
	})
}

// The gate closes while a write of the first buffer blocks: at most that buffer
// is written.
func TestGateClosesBehindABlockedWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var shut atomic.Bool
		s, peer, owner := bound(t, smpp.Config{Window: 100, Gate: func() bool { return !shut.Load() }})
		fill := &pdu.DataSM{TLVs: pdu.TLVs{{Tag: pdu.TagMessagePayload, Value: make([]byte, 40000)}}}
		for token := range uint64(4) { // one is in the pipe, one is half written
			if err := s.Submit(fill, token); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		shut.Store(true)
		peer.want(t, pdu.CommandDataSM, 0, 2)
		peer.want(t, pdu.CommandDataSM, 0, 3)
		peer.quiet(t)
		owner.wantResults(t, "unwritten 2:the gate was closed", "unwritten 3:the gate was closed")
	})
}

// What waits behind a blocked write is withdrawn although the gate is open
// again by the time that the writer comes to it: a new owner of leases must not
// send what belongs to whoever reclaimed it from the old one.
func TestWithdrawBehindABlockedWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, peer, owner := bound(t, smpp.Config{Window: 100})
		fill := &pdu.DataSM{TLVs: pdu.TLVs{{Tag: pdu.TagMessagePayload, Value: make([]byte, 40000)}}}
		for token := range uint64(4) { // one is in the pipe, one is half written
			if err := s.Submit(fill, token); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		s.Withdraw()
		synctest.Wait()
		owner.wantResults(t, "unwritten 2:the gate was closed", "unwritten 3:the gate was closed")
		peer.want(t, pdu.CommandDataSM, 0, 2)
		peer.want(t, pdu.CommandDataSM, 0, 3)
		mustSubmit(t, s, 5) // the session goes on
		peer.want(t, pdu.CommandSubmitSM, 0, 6)
	})
}
