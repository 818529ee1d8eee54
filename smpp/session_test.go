package smpp_test

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"bindery/smpp"
	"bindery/smpp/pdu"
)

func TestSubmitsAndAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, peer, owner := bound(t, smpp.Config{})
		for token := range uint64(3) {
			used := submit("hello")
			used.Sequence, used.Status = 77, pdu.StatusSysErr // left from elsewhere
			if err := s.Submit(used, token); err != nil {
				t.Fatal(err)
			}
		}
		for range 3 {
			p := peer.next(t)
			if h := p.Head(); h.Sequence < 2 || h.Sequence > 4 || h.Status != pdu.StatusOK {
				t.Errorf("sequence %d, status %v", h.Sequence, h.Status)
			}
			peer.send(&pdu.SubmitSMResp{Header: pdu.Header{Sequence: p.Head().Sequence}, MessageID: []byte("k1")})
		}
		synctest.Wait()
		owner.wantResults(t, "0:k1", "1:k1", "2:k1")
		if s.Free() != 10 {
			t.Errorf("free %d, want 10", s.Free())
		}
		peer.conn.Close()
		<-s.Done()
		var closed *smpp.ClosedError
		if !errors.As(s.Err(), &closed) || !closed.Remote || !errors.Is(s.Err(), io.EOF) {
			t.Errorf("err %v, want EOF of the peer", s.Err())
		}
	})
}

func TestBindRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := pipe(t)
		peer := &peer{conn: theirs}
		go func() {
			peer.next(t)
			peer.send(&pdu.Unknown{Header: pdu.Header{ID: pdu.CommandBindTransceiverResp, Status: 0x0D, Sequence: 1}})
		}()
		_, err := smpp.Bind(context.Background(), ours, trx(), smpp.Config{}, &owner{})
		var refused *smpp.BindError
		if !errors.As(err, &refused) || refused.Status != pdu.StatusBindFail {
			t.Fatalf("err %v, want a refusal with ESME_RBINDFAIL", err)
		}
	})
}

func TestBindGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, _ := pipe(t)
		began := time.Now()
		_, err := smpp.Bind(context.Background(), ours, trx(), smpp.Config{}, &owner{})
		if err == nil || time.Since(began) != 5*time.Second {
			t.Fatalf("after %v: %v, want an error after 5 s", time.Since(began), err)
		}
		ours, _ = pipe(t)
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if _, err = smpp.Bind(ctx, ours, trx(), smpp.Config{}, &owner{}); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("%v, want the context's", err)
		}
		if _, err := ours.Write([]byte{0}); !errors.Is(err, net.ErrClosed) {
			t.Errorf("the connection was left open: %v", err)
		}
	})
}

// What an SMSC may say before it answers the bind.
func TestBindBetweenOtherPDUs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := pipe(t)
		p, o := &peer{conn: theirs}, &owner{}
		go func() {
			p.next(t)
			p.header(pdu.CommandEnquireLink, 0, 5)
			p.header(pdu.CommandOutbind, 0, 6) // no answer
			p.header(0x7777, 0, 7)
			p.header(pdu.CommandSubmitSMResp, 0, 1) // another's response
			p.send(deliver(8))
			p.send(&pdu.BindResp{Header: pdu.Header{ID: pdu.CommandBindTransceiverResp, Sequence: 1}}, deliver(9))
		}()
		s, err := smpp.Bind(context.Background(), ours, trx(), smpp.Config{}, o)
		if err != nil {
			t.Fatal(err)
		}
		p.want(t, pdu.CommandEnquireLinkResp, 0, 5)
		p.want(t, pdu.CommandGenericNack, pdu.StatusInvCmdID, 7)
		p.want(t, pdu.CommandDeliverSMResp, pdu.StatusInvBndSts, 8)
		p.want(t, pdu.CommandDeliverSMResp, 0, 9) // came with the answer
		if len(o.requests) != 1 || s.Stat().Unmatched != 1 {
			t.Errorf("requests %v, unmatched %d", o.requests, s.Stat().Unmatched)
		}
		s.Close()
		<-s.Done()
	})
}
