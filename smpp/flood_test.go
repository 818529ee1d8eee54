package smpp_test

import (
	"testing"
	"testing/synctest"
	"time"

	"bindery/smpp"
	"bindery/smpp/pdu"
)

// Case S13: 5,000 receipts at once, then an enquire_link; submits go on.
func TestFloodOfReceipts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, peer, owner := bound(t, smpp.Config{})
		go func() {
			for seq := range uint32(5000) {
				peer.send(deliver(seq + 1))
			}
			peer.header(pdu.CommandEnquireLink, 0, 0x2329)
		}()
		mustSubmit(t, s, 1)
		answered, submitted := 0, 0
		for {
			h := peer.next(t).Head()
			switch h.ID {
			case pdu.CommandDeliverSMResp:
				answered++
			case pdu.CommandSubmitSM:
				submitted++
				peer.send(okFor(h.Sequence, "k"))
			case pdu.CommandEnquireLinkResp:
				if answered != 5000 || submitted != 1 || h.Sequence != 0x2329 {
					t.Errorf("answered %d, submitted %d, enquire_link %#x", answered, submitted, h.Sequence)
				}
				synctest.Wait()
				owner.wantResults(t, "1:k")
				return
			default:
				t.Fatalf("got %v", h.ID)
			}
		}
	})
}

// What one read brings is answered by one write, even when handing it over
// takes a while.
func TestAnswersGather(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, peer, owner := bound(t, smpp.Config{})
		owner.request = func(s *smpp.Session, p pdu.PDU) {
			respond(s, p)
			time.Sleep(time.Millisecond) // the writer has all the time it wants
		}
		var many []pdu.PDU
		for seq := range uint32(50) {
			many = append(many, deliver(seq+1))
		}
		peer.send(many...)
		for seq := range uint32(50) {
			peer.want(t, pdu.CommandDeliverSMResp, 0, seq+1)
		}
		if n := s.Stat().Writes; n < 1 || n > 2 { // the reader's first buffer is smaller
			t.Errorf("50 requests in one write were answered by %d", n)
		}
	})
}

// Answers have the lane to themselves only up to half a buffer: while the flood
// is answered, submits leave with every write.
func TestSubmitsLeaveUnderAFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, peer, owner := bound(t, smpp.Config{Window: 1000})
		owner.request = func(s *smpp.Session, p pdu.PDU) {
			respond(s, p)
			s.Submit(submit("hello"), 1)
		}
		go func() {
			for seq := range uint32(20000) {
				peer.send(deliver(seq + 1))
			}
		}()
		answers, last := 0, 0
		for submits := 0; submits < 1000; {
			if peer.next(t).Head().ID == pdu.CommandSubmitSM {
				submits++
				last = answers
			} else {
				answers++
			}
		}
		if last > 15000 {
			t.Errorf("the last submit came after %d answers", last)
		}
		s.Close()
	})
}

// Case S06: the window is never passed, and enquire_link is not in it.
func TestWindowHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, peer, owner := bound(t, smpp.Config{Window: 10, EnquireLink: time.Second})
		queue := 25
		push := func() {
			for queue > 0 && s.Submit(submit("m"), uint64(queue)) == nil {
				queue--
			}
		}
		push()
		if queue != 15 {
			t.Errorf("%d submitted, want 10", 25-queue)
		}
		time.Sleep(1500 * time.Millisecond)
		var open []uint32
		for range 10 {
			open = append(open, peer.next(t).Head().Sequence)
		}
		peer.want(t, pdu.CommandEnquireLink, 0, 12)
		time.Sleep(500 * time.Millisecond)
		for len(open) > 0 {
			peer.send(okFor(open[0], "k"))
			open = open[1:]
			synctest.Wait()
			owner.take()
			before := queue
			push()
			for range before - queue {
				open = append(open, peer.next(t).Head().Sequence)
			}
			if len(open) > 10 {
				t.Fatalf("%d unanswered", len(open))
			}
			time.Sleep(100 * time.Millisecond)
		}
		if queue != 0 {
			t.Errorf("%d are left", queue)
		}
	})
}

func TestSequenceWrapsAndSkips(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, peer, owner := bound(t, smpp.Config{Window: 3})
		mustSubmit(t, s, 1) // 2 stays open over the turn
		peer.want(t, pdu.CommandSubmitSM, 0, 2)
		s.SetNextSequence(0x7FFFFFFE)
		for i, seq := range []uint32{0x7FFFFFFE, 0x7FFFFFFF, 1, 3} {
			mustSubmit(t, s, uint64(10+i))
			peer.want(t, pdu.CommandSubmitSM, 0, seq)
			peer.send(okFor(seq, "k"))
			synctest.Wait()
		}
		owner.wantResults(t, "10:k", "11:k", "12:k", "13:k")
		peer.send(okFor(2, "old"))
		synctest.Wait()
		owner.wantResults(t, "1:old")
	})
}
