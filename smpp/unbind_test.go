package smpp_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"bindery/smpp"
	"bindery/smpp/pdu"
)

func within(d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), d)
}

// unbinding runs Unbind and gives its error.
func unbinding(s *smpp.Session, ctx context.Context) <-chan error {
	ended := make(chan error, 1)
	go func() { ended <- s.Unbind(ctx) }()
	return ended
}

func TestUnbindMidWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, peer, owner := bound(t, smpp.Config{})
		mustSubmit(t, s, 1, 2)
		peer.want(t, pdu.CommandSubmitSM, 0, 2)
		peer.want(t, pdu.CommandSubmitSM, 0, 3)
		ctx, cancel := within(10 * time.Second)
		defer cancel()
		ended := unbinding(s, ctx)
		synctest.Wait()
		if err := s.Submit(submit("x"), 3); !errors.Is(err, smpp.ErrClosing) || s.Free() != 0 {
			t.Errorf("submit while draining: %v, free %d", err, s.Free())
		}
		peer.send(okFor(2, "a"), deliver(70)) // it still lives: a receipt comes
		peer.want(t, pdu.CommandDeliverSMResp, 0, 70)
		peer.quiet(t)
		peer.send(okFor(3, "b"))
		peer.want(t, pdu.CommandUnbind, 0, 4)
		peer.send(deliver(71)) // crosses the unbind
		peer.want(t, pdu.CommandDeliverSMResp, 0, 71)
		peer.header(pdu.CommandUnbindResp, 0, 4)
		if f := peer.frame(); f != nil {
			t.Errorf("after unbind_resp: % x, want our end of the stream", f)
		}
		peer.conn.Close()
		if err := <-ended; err != nil {
			t.Errorf("unbind: %v", err)
		}
		owner.wantResults(t, "1:a", "2:b")
		var closed *smpp.ClosedError
		if !errors.As(s.Err(), &closed) || closed.Remote || !errors.Is(s.Err(), smpp.ErrUnbound) {
			t.Errorf("err %v", s.Err())
		}
	})
}

// The window does not drain in time: what is open goes back as maybe written,
// and an answer that comes after the unbind still counts.
func TestUnbindWithoutDraining(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, peer, owner := bound(t, smpp.Config{})
		mustSubmit(t, s, 1, 2)
		ctx, cancel := within(3 * time.Second)
		defer cancel()
		began := time.Now()
		ended := unbinding(s, ctx)
		peer.next(t)
		peer.next(t)
		peer.want(t, pdu.CommandUnbind, 0, 4)
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("unbind after %v, want 3 s", took)
		}
		peer.send(okFor(2, "a"), &pdu.UnbindResp{Header: pdu.Header{Sequence: 4}})
		if err := <-ended; err != nil {
			t.Errorf("unbind: %v", err)
		}
		owner.wantResults(t, "1:a", "2:"+s.Err().Error())
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("closed after %v; a peer that does not close is given a second", took)
		}
	})
}

func TestUnbindIsNeverAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, peer, owner := bound(t, smpp.Config{})
		began := time.Now()
		ctx, cancel := within(time.Minute)
		defer cancel()
		err := <-unbinding(s, ctx)
		peer.want(t, pdu.CommandUnbind, 0, 2)
		if took := time.Since(began); !errors.Is(err, smpp.ErrTimeout) || took < 5*time.Second || took > 6*time.Second {
			t.Errorf("after %v: %v, want a time-out after 5 s", took, err)
		}
		owner.wantResults(t)
	})
}

// Requests that an unbind finds still unwritten go back as such. The peer reads
// nothing, so only the first write's octets have left.
func TestUnbindGivesBackWhatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, peer, owner := bound(t, smpp.Config{Window: 100, ResponseTimeout: time.Minute, WriteTimeout: time.Minute})
		fill := &pdu.DataSM{TLVs: pdu.TLVs{{Tag: pdu.TagMessagePayload, Value: make([]byte, 65000)}}}
		for token := range uint64(4) {
			if err := s.Submit(fill, token); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait() // the first is in the pipe, the second half
		peer.header(pdu.CommandUnbind, 0, 77)
		synctest.Wait()
		owner.wantResults(t, "unwritten 2:session is closing", "unwritten 3:session is closing")
		peer.next(t)
		peer.next(t)
		peer.want(t, pdu.CommandUnbindResp, 0, 77)
		peer.header(pdu.CommandDataSMResp, pdu.StatusSysErr, 2)
		peer.header(pdu.CommandDataSMResp, pdu.StatusSysErr, 3)
		synctest.Wait()
		owner.wantResults(t, "0:data_sm_resp ESME_RSYSERR (0x08)", "1:data_sm_resp ESME_RSYSERR (0x08)")
		if f := peer.frame(); f != nil {
			t.Errorf("% x, want the end of the stream", f)
		}
	})
}

// Case S11: the SMSC unbinds for maintenance.
func TestPeerUnbinds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		s, peer, owner := bound(t, smpp.Config{Window: 5})
		mustSubmit(t, s, 1, 2)
		peer.next(t)
		peer.next(t)
		time.Sleep(time.Second)
		peer.header(pdu.CommandUnbind, 0, 0x4D)
		peer.want(t, pdu.CommandUnbindResp, 0, 0x4D)
		if err := s.Submit(submit("m3"), 3); !errors.Is(err, smpp.ErrClosing) {
			t.Errorf("submit after unbind: %v", err)
		}
		time.Sleep(200 * time.Millisecond)
		peer.send(okFor(2, "k1"))
		time.Sleep(100 * time.Millisecond)
		peer.send(deliver(78)) // it said that it is done
		peer.want(t, pdu.CommandDeliverSMResp, pdu.StatusInvBndSts, 78)
		peer.send(okFor(3, "k2"))
		if f := peer.frame(); f != nil {
			t.Errorf("% x, want the end of the stream", f)
		}
		<-s.Done()
		owner.wantResults(t, "1:k1", "2:k2")
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("closed after %v", took)
		}
		var closed *smpp.ClosedError
		if !errors.As(s.Err(), &closed) || !closed.Remote || !errors.Is(s.Err(), smpp.ErrUnbound) {
			t.Errorf("err %v, want an unbind of the peer", s.Err())
		}
	})
}

// The peer unbinds and never answers what is open: bounded.
func TestPeerUnbindsAndFallsSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, peer, owner := bound(t, smpp.Config{ResponseTimeout: time.Minute})
		mustSubmit(t, s, 1)
		peer.next(t)
		began := time.Now()
		peer.header(pdu.CommandUnbind, 0, 1)
		<-s.Done()
		if took := time.Since(began); took > 6*time.Second+time.Second {
			t.Errorf("closed after %v, want 5 s", took)
		}
		owner.wantResults(t, "1:session ended by the peer: unbound")
	})
}

func TestBothUnbindAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, peer, _ := bound(t, smpp.Config{})
		ctx, cancel := within(time.Second)
		defer cancel()
		first, second := unbinding(s, ctx), unbinding(s, ctx)
		peer.want(t, pdu.CommandUnbind, 0, 2)
		peer.header(pdu.CommandUnbind, 0, 9)
		peer.want(t, pdu.CommandUnbindResp, 0, 9)
		peer.header(pdu.CommandUnbindResp, 0, 2)
		if f := peer.frame(); f != nil {
			t.Errorf("% x, want the end of the stream", f)
		}
		if a, b := <-first, <-second; a != nil || b != nil {
			t.Errorf("unbind: %v and %v", a, b)
		}
	})
}

func TestDeathWhileDraining(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, peer, owner := bound(t, smpp.Config{})
		mustSubmit(t, s, 1)
		ctx, cancel := within(time.Minute)
		defer cancel()
		ended := unbinding(s, ctx)
		synctest.Wait()
		peer.conn.Close()
		if err := <-ended; err == nil {
			t.Error("unbind says that all is well")
		}
		owner.wantResults(t, "1:session ended by the peer: EOF")
	})
}
