package smpp_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"

	"bindery/smpp"
	"bindery/smpp/pdu"
)

// doer is an owner that does the other operations too.
type doer struct {
	*owner
	done []string
}

func (d *doer) Operation(s *smpp.Session, p pdu.PDU) {
	d.note(func() { d.done = append(d.done, fmt.Sprintf("%T:%d", p, p.Head().Sequence)) })
	h := pdu.Header{Sequence: p.Head().Sequence}
	switch p := p.(type) {
	case *pdu.QuerySM:
		s.Respond(&pdu.QuerySMResp{Header: h, MessageID: p.MessageID, MessageState: pdu.MessageStateEnroute})
	case *pdu.CancelSM:
		h.Status = pdu.StatusCancelFail
		s.Respond(&pdu.CancelSMResp{Header: h})
	case *pdu.ReplaceSM:
		s.Respond(&pdu.ReplaceSMResp{Header: h})
	case *pdu.SubmitMulti:
		s.Respond(&pdu.SubmitMultiResp{Header: h, MessageID: []byte("m1"), Unsuccess: []pdu.UnsuccessSME{
			{Address: p.Destinations[1].Address, Status: pdu.StatusInvDstAdr},
		}})
	}
}

// operations are a request of each kind, numbered from first.
func operations(first uint32) []pdu.PDU {
	list := []pdu.PDU{
		&pdu.QuerySM{MessageID: []byte("k1")},
		&pdu.CancelSM{MessageID: []byte("k1")},
		&pdu.ReplaceSM{MessageID: []byte("k1"), ShortMessage: []byte("new")},
		&pdu.SubmitMulti{Destinations: []pdu.Destination{
			{Flag: pdu.DestFlagList, Address: pdu.Address{Addr: []byte("vip")}},
			{Flag: pdu.DestFlagSME, Address: pdu.Address{TON: 1, NPI: 1, Addr: []byte("821000000001")}},
		}},
	}
	for i, p := range list {
		p.Head().Sequence = first + uint32(i)
	}
	return list
}

var operationResps = []pdu.CommandID{
	pdu.CommandQuerySMResp, pdu.CommandCancelSMResp, pdu.CommandReplaceSMResp, pdu.CommandSubmitMultiResp,
}

// smscSide is a session of the SMSC side, bound in the mode.
func smscSide(t *testing.T, mode pdu.CommandID, wrap func(*owner) smpp.Handler) (*smpp.Session, *peer) {
	t.Helper()
	ours, theirs := pipe(t)
	p, out := &peer{conn: theirs}, make(chan *smpp.Session, 1)
	go func() {
		s, err := smpp.Accept(t.Context(), ours, smpp.Config{}, func(*pdu.Bind) (pdu.CommandStatus, smpp.Handler) {
			return pdu.StatusOK, wrap(&owner{})
		})
		if err != nil {
			t.Error(err)
		}
		out <- s
	}()
	bind := trx()
	bind.ID, bind.Sequence = mode, 1
	p.send(bind)
	p.want(t, mode.Response(), 0, 1)
	s := <-out
	t.Cleanup(func() { s.Close(); <-s.Done() })
	return s, p
}

func plain(o *owner) smpp.Handler { return o }

// Operations that nobody does are refused by their own responses, and the
// session goes on.
func TestOperationsAreDeclined(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var own *owner
		s, peer := smscSide(t, pdu.BindTransceiver, func(o *owner) smpp.Handler { own = o; return o })
		peer.send(operations(2)...)
		for i, id := range operationResps {
			peer.want(t, id, pdu.StatusInvCmdID, 2+uint32(i))
		}
		last := submit("hello")
		last.Sequence = 6
		peer.send(last)
		peer.want(t, pdu.CommandSubmitSMResp, 0, 6)
		if st := s.Stat(); st.Declined != 4 || len(own.odd) != 4 || st.Undecodable != 0 {
			t.Errorf("declined %d, odd %v", st.Declined, own.odd)
		}
		if !slices.Equal(own.requests, []string{"submit_sm:6"}) {
			t.Errorf("the owner was asked %q", own.requests)
		}
	})
}

func TestOperationsAreDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var did *doer
		s, peer := smscSide(t, pdu.BindTransmitter, func(o *owner) smpp.Handler { did = &doer{owner: o}; return did })
		peer.send(operations(2)...)
		if r := peer.next(t).(*pdu.QuerySMResp); string(r.MessageID) != "k1" || r.MessageState != pdu.MessageStateEnroute || r.Sequence != 2 {
			t.Errorf("%+v", r)
		}
		peer.want(t, pdu.CommandCancelSMResp, pdu.StatusCancelFail, 3)
		peer.want(t, pdu.CommandReplaceSMResp, 0, 4)
		if r := peer.next(t).(*pdu.SubmitMultiResp); len(r.Unsuccess) != 1 || string(r.Unsuccess[0].Addr) != "821000000001" || r.Sequence != 5 {
			t.Errorf("%+v", r)
		}
		synctest.Wait()
		want := []string{"*pdu.QuerySM:2", "*pdu.CancelSM:3", "*pdu.ReplaceSM:4", "*pdu.SubmitMulti:5"}
		if !slices.Equal(did.done, want) || s.Stat().Declined != 0 || did.idles == 0 {
			t.Errorf("done %q, declined %d, %d idles", did.done, s.Stat().Declined, did.idles)
		}
	})
}

// A receiver may not ask, whoever would answer; an SMSC may not ask at all. The
// status is the one of a wrong state, in the operation's own response.
func TestOperationsInTheWrongState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var did *doer
		s, peer := smscSide(t, pdu.BindReceiver, func(o *owner) smpp.Handler { did = &doer{owner: o}; return did })
		peer.send(operations(2)...)
		peer.send(&pdu.AlertNotification{Header: pdu.Header{Sequence: 6}}) // of an ESME: has no answer either
		for i, id := range operationResps {
			peer.want(t, id, pdu.StatusInvBndSts, 2+uint32(i))
		}
		peer.quiet(t)
		if st := s.Stat(); st.WrongState != 5 || st.Alerts != 0 || len(did.done) != 0 {
			t.Errorf("%+v, done %q", st, did.done)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		s, peer, _ := bound(t, smpp.Config{})
		peer.send(operations(2)...)
		peer.send(&pdu.Outbind{Header: pdu.Header{Sequence: 6}}) // too late, and has no answer
		for i, id := range operationResps {
			peer.want(t, id, pdu.StatusInvBndSts, 2+uint32(i))
		}
		peer.quiet(t)
		if st := s.Stat(); st.WrongState != 5 {
			t.Errorf("%+v", st)
		}
	})
}

// An alert_notification is counted, told to who wants to know, never answered.
func TestAlertNotification(t *testing.T) {
	alert := &pdu.AlertNotification{
		Header: pdu.Header{Sequence: 9}, Source: pdu.Address{Addr: []byte("821000000001")}, ESME: pdu.Address{Addr: []byte("1588")},
	}
	synctest.Test(t, func(t *testing.T) {
		s, peer, owner := bound(t, smpp.Config{})
		peer.send(alert)
		peer.header(pdu.CommandAlertNotification, 0, 10) // without its body
		peer.quiet(t)
		if st := s.Stat(); st.Alerts != 1 || st.Undecodable != 1 || st.Declined != 0 || len(owner.requests) != 0 || len(owner.odd) != 1 {
			t.Errorf("%+v, requests %q, odd %v", st, owner.requests, owner.odd)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := pipe(t)
		did, peer := &doer{owner: &owner{}}, &peer{conn: theirs}
		go func() {
			peer.next(t)
			peer.send(&pdu.BindResp{Header: pdu.Header{ID: pdu.CommandBindTransceiverResp, Sequence: 1}}, alert)
		}()
		s, err := smpp.Bind(t.Context(), ours, trx(), smpp.Config{}, did)
		if err != nil {
			t.Fatal(err)
		}
		peer.quiet(t)
		if !slices.Equal(did.done, []string{"*pdu.AlertNotification:9"}) || s.Stat().Alerts != 1 {
			t.Errorf("told %q, %d alerts", did.done, s.Stat().Alerts)
		}
		var wrong *smpp.StateError
		if err := s.Respond(alert); !errors.As(err, &wrong) {
			t.Errorf("an alert_notification of the ESME: %v", err)
		}
		s.Close()
		<-s.Done()
	})
}

// What has no response is not answered with an id that nobody knows; what the
// SMSC may tell, it tells.
func TestRespondOnlyByResponses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, peer := smscSide(t, pdu.BindReceiver, plain)
		for _, id := range []pdu.CommandID{
			pdu.CommandAlertNotification.Response(), pdu.CommandOutbind.Response(), 0x80010203,
			pdu.CommandOutbind, pdu.CommandDeliverSM, pdu.CommandQuerySM,
		} {
			var wrong *smpp.StateError
			if err := s.Respond(&pdu.Unknown{Header: pdu.Header{ID: id, Sequence: 2}}); !errors.As(err, &wrong) || wrong.ID != id {
				t.Errorf("respond by %v: %v", id, err)
			}
		}
		for _, p := range []pdu.PDU{
			&pdu.AlertNotification{Header: pdu.Header{Sequence: 3}}, &pdu.GenericNack{Header: pdu.Header{Sequence: 4}},
		} {
			if err := s.Respond(p); err != nil {
				t.Error(err)
			}
		}
		peer.want(t, pdu.CommandAlertNotification, 0, 3)
		peer.want(t, pdu.CommandGenericNack, 0, 4)
	})
}

// Operations that do not decode are refused with what is wrong with them.
func TestUndecodableOperations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, peer := smscSide(t, pdu.BindTransceiver, func(o *owner) smpp.Handler { return &doer{owner: o} })
		peer.header(pdu.CommandQuerySM, 0, 2)
		peer.want(t, pdu.CommandQuerySMResp, pdu.StatusInvCmdLen, 2)
		peer.send(&pdu.Unknown{Header: pdu.Header{ID: pdu.CommandSubmitMulti, Sequence: 3}, Body: []byte{0, 0, 0, 0, 200, 3, 0, 0}})
		peer.want(t, pdu.CommandSubmitMultiResp, pdu.StatusInvDestFlag, 3)
		if st := s.Stat(); st.Undecodable != 2 {
			t.Errorf("%+v", st)
		}
	})
}

// An ESME asks by the window as for a submit_sm, and gets the answers' structs.
func TestSubmitOfOperations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, peer, owner := bound(t, smpp.Config{})
		for i, p := range operations(0) {
			if err := s.Submit(p, uint64(i)); err != nil {
				t.Fatal(err)
			}
		}
		for _, p := range []pdu.PDU{&pdu.Outbind{}, &pdu.AlertNotification{}, &pdu.QuerySMResp{}} {
			var wrong *smpp.StateError
			if err := s.Submit(p, 9); !errors.As(err, &wrong) {
				t.Errorf("submit of %T: %v", p, err)
			}
		}
		var h [4]pdu.Header
		for i := range h {
			h[i] = pdu.Header{Sequence: peer.next(t).Head().Sequence}
		}
		h[1].Status = pdu.StatusCancelFail
		peer.send(
			&pdu.SubmitMultiResp{Header: h[3], MessageID: []byte("m1")}, &pdu.CancelSMResp{Header: h[1]}, &pdu.ReplaceSMResp{Header: h[2]},
			&pdu.QuerySMResp{Header: h[0], MessageID: []byte("k1"), MessageState: pdu.MessageStateDelivered},
		)
		synctest.Wait()
		owner.wantResults(t,
			"3:submit_multi_resp ESME_ROK (0x00)", "1:cancel_sm_resp ESME_RCANCELFAIL (0x11)",
			"2:replace_sm_resp ESME_ROK (0x00)", "0:query_sm_resp ESME_ROK (0x00)")
		if s.Free() != 10 {
			t.Errorf("free %d", s.Free())
		}
	})
}
