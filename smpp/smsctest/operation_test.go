package smsctest

import (
	"strings"
	"testing"
	"time"

	"bindery/smpp/pdu"
)

var acme = message1("").Source

func (e *esme) query(id string) *pdu.QuerySMResp {
	e.t.Helper()
	e.send(&pdu.QuerySM{MessageID: []byte(id), Source: acme})
	return want[*pdu.QuerySMResp](e.t, e.read())
}

func (e *esme) taken(to string) string {
	e.t.Helper()
	m := message1(to)
	m.RegisteredDelivery = pdu.RegisteredDeliveryFinal
	e.send(m)
	return string(want[*pdu.SubmitSMResp](e.t, e.read()).MessageID)
}

func TestQuery(t *testing.T) {
	o := Options{Receipts: Receipts{When: After, Delay: Fixed(30 * time.Second), States: []StateShare{{pdu.MessageStateExpired, 1}}}}
	simulateSMSC(t, o, func(t *testing.T, s *SMSC) {
		e := bound(t, s)
		id := e.taken("821000000001")
		if r := e.query(id); r.Status != 0 || string(r.MessageID) != id || r.MessageState != pdu.MessageStateEnroute || len(r.FinalDate) != 0 {
			t.Errorf("under way: %+v", r)
		}
		want[*pdu.DeliverSM](t, e.read()) // after half a minute
		r := e.query(id)
		done := s.Submits()[0].Done.UTC().Format("060102150405") + "000+"
		if r.MessageState != pdu.MessageStateExpired || r.ErrorCode != 27 || string(r.FinalDate) != done {
			t.Errorf("%+v, want expired at %s", r, done)
		}
		for _, q := range []*pdu.QuerySM{
			{MessageID: []byte("nobody's"), Source: acme}, {MessageID: []byte(id), Source: pdu.Address{Addr: []byte("another")}}, {Source: acme},
		} {
			e.send(q)
			if r := want[*pdu.QuerySMResp](t, e.read()); r.Status != pdu.StatusQueryFail || r.MessageID != nil {
				t.Errorf("%q of %q: %+v", q.MessageID, q.Source.Addr, r)
			}
		}
		s.Set(func(o *Options) { o.Receipts.Lose = 1 })
		lost := e.taken("821000000002")
		time.Sleep(time.Minute)
		if r := e.query(lost); r.MessageState != pdu.MessageStateDelivered {
			t.Errorf("its receipt was lost: %+v", r)
		}
		if st := s.Stats(); st.Operations != 6 || st.Unknown != 0 || st.Submits != 2 {
			t.Errorf("%+v", st.Counts)
		}
	})
}

// The record finds its messages also when its older half has gone.
func TestQueryOfABoundedRecord(t *testing.T) {
	o := Options{IDs: IDs{Source: Counter}, Record: Record{Limit: 4}, Receipts: Receipts{When: With}}
	simulateSMSC(t, o, func(t *testing.T, s *SMSC) {
		e := bound(t, s)
		for n := range 11 {
			if n == 7 {
				s.Forget()
			}
			id := e.taken("821000000001")
			e.ack(e.read(), pdu.StatusOK)
			if r := e.query(id); r.MessageState != pdu.MessageStateDelivered || string(r.MessageID) != id {
				t.Errorf("%s: %+v", id, r)
			}
		}
		if r := e.query("1"); r.Status != pdu.StatusQueryFail {
			t.Errorf("forgotten: %+v", r)
		}
	})
}

func TestCancel(t *testing.T) {
	o := Options{Receipts: Receipts{When: After, Delay: Fixed(30 * time.Second)}}
	simulateSMSC(t, o, func(t *testing.T, s *SMSC) {
		e := bound(t, s)
		cancel := func(p *pdu.CancelSM, want pdu.CommandStatus) {
			t.Helper()
			p.Source = acme
			seq := e.send(p)
			if h := *e.read().Head(); h != (pdu.Header{ID: pdu.CommandCancelSMResp, Status: want, Sequence: seq}) {
				t.Errorf("cancel of %q: %+v", p.MessageID, h)
			}
		}
		id := e.taken("821000000001")
		e.taken("821000000002")
		e.taken("821000000002")
		cancel(&pdu.CancelSM{MessageID: []byte(id)}, 0)
		cancel(&pdu.CancelSM{MessageID: []byte(id)}, pdu.StatusCancelFail) // it has ended
		cancel(&pdu.CancelSM{MessageID: []byte("x")}, pdu.StatusCancelFail)
		cancel(&pdu.CancelSM{ServiceType: []byte("CMT"), Destination: pdu.Address{Addr: []byte("821000000002")}}, pdu.StatusCancelFail)
		cancel(&pdu.CancelSM{Destination: pdu.Address{Addr: []byte("821000000002")}}, 0)
		if r := e.query(id); r.MessageState != pdu.MessageStateDeleted {
			t.Errorf("%+v", r)
		}
		kept := e.taken("821000000003")
		for range 3 {
			if text := string(want[*pdu.DeliverSM](t, e.read()).ShortMessage); !strings.Contains(text, "stat:DELETED") {
				t.Errorf("the receipt of a canceled one: %s", text)
			}
		}
		if text := string(want[*pdu.DeliverSM](t, e.read()).ShortMessage); !strings.Contains(text, "stat:DELIVRD") || !strings.Contains(text, kept) {
			t.Errorf("the receipt of the other: %s", text)
		}
		cancel(&pdu.CancelSM{MessageID: []byte(kept)}, pdu.StatusCancelFail)
	})
}

func TestReplace(t *testing.T) {
	simulateSMSC(t, Options{}, func(t *testing.T, s *SMSC) {
		e := bound(t, s)
		id := e.taken("821000000001")
		for text, status := range map[string]pdu.CommandStatus{id: 0, "x": pdu.StatusReplaceFail} {
			seq := e.send(&pdu.ReplaceSM{MessageID: []byte(text), Source: acme, ShortMessage: []byte("other")})
			if h := *e.read().Head(); h != (pdu.Header{ID: pdu.CommandReplaceSMResp, Status: status, Sequence: seq}) {
				t.Errorf("%+v", h)
			}
		}
		if got := string(s.Submits()[0].Payload()); got != "other" {
			t.Errorf("the handset gets %q", got)
		}
	})
}

func TestSubmitMulti(t *testing.T) {
	o := Options{
		Answers: Answers{Decide: func(dest []byte) pdu.CommandStatus {
			return map[string]pdu.CommandStatus{"bad": pdu.StatusInvDstAdr}[string(dest)]
		}},
		Receipts: Receipts{When: With, Unasked: true}, IDs: IDs{Response: Hex, Receipt: Decimal},
	}
	to := func(addr string) pdu.Destination {
		return pdu.Destination{Flag: pdu.DestFlagSME, Address: pdu.Address{Addr: []byte(addr)}}
	}
	list := pdu.Destination{Flag: pdu.DestFlagList, Address: pdu.Address{Addr: []byte("vip")}}
	for _, when := range []Timing{Before, With, After} {
		o.Receipts.When = when
		simulateSMSC(t, o, func(t *testing.T, s *SMSC) {
			e := bound(t, s)
			m := &pdu.SubmitMulti{Source: acme, Destinations: []pdu.Destination{to("1"), to("bad"), list, to("2")}, ShortMessage: []byte("hello")}
			e.send(m)
			told := map[string]bool{}
			var r *pdu.SubmitMultiResp
			for range 3 {
				switch p := e.read().(type) {
				case *pdu.SubmitMultiResp:
					r = p
				case *pdu.DeliverSM:
					told[string(p.Source.Addr)] = true
				}
			}
			if r == nil || r.Status != 0 || len(r.Unsuccess) != 2 || r.Unsuccess[0].Status != pdu.StatusInvDstAdr || string(r.Unsuccess[1].Addr) != "vip" {
				t.Fatalf("%+v", r)
			}
			if !told["1"] || !told["2"] {
				t.Errorf("receipts of %v", told)
			}
			all := s.Submits()
			if len(all) != 4 || all[0].ID != string(r.MessageID) || all[3].ID != all[0].ID || all[1].ID != "" || all[3].Receipt != all[0].Receipt {
				t.Errorf("%+v", all)
			}
			if st := s.Stats(); st.Submits != 4 || st.Taken != 2 || st.ByStatus[pdu.StatusInvDstAdr] != 1 || st.Operations != 1 {
				t.Errorf("%+v", st)
			}
		})
	}
	simulateSMSC(t, o, func(t *testing.T, s *SMSC) {
		e := bound(t, s)
		e.send(&pdu.SubmitMulti{Source: acme, Destinations: []pdu.Destination{to("bad"), list}})
		if h := e.read().Head(); h.ID != pdu.CommandSubmitMultiResp || h.Status != pdu.StatusInvDstAdr {
			t.Errorf("none was taken: %+v", h)
		}
		for body, status := range map[string]pdu.CommandStatus{
			"\x00\x00\x00\x00\x00" + "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00": pdu.StatusInvNumDests,
			"\x00\x00\x00\x00\x01\x07": pdu.StatusInvDestFlag,
		} {
			e.send(&pdu.Unknown{Header: pdu.Header{ID: pdu.CommandSubmitMulti}, Body: []byte(body)})
			if h := e.read().Head(); h.ID != pdu.CommandSubmitMultiResp || h.Status != status {
				t.Errorf("%+v, want %v", h, status)
			}
		}
	})
}

// Hooks see these operations as any other; a receiver may not use them; what
// has no answer gets none.
func TestOperationsAndHooks(t *testing.T) {
	simulateSMSC(t, Options{}, func(t *testing.T, s *SMSC) {
		e := bound(t, s)
		id := e.taken("821000000001")
		for _, a := range []struct {
			act    Action
			id     pdu.CommandID
			status pdu.CommandStatus
		}{
			{Answer(pdu.StatusSysErr), pdu.CommandQuerySMResp, pdu.StatusSysErr},
			{Nack(pdu.StatusInvCmdID), pdu.CommandGenericNack, pdu.StatusInvCmdID},
			{Delay(time.Second), pdu.CommandQuerySMResp, pdu.StatusOK},
		} {
			s.Once(pdu.CommandQuerySM, func(*Conn, pdu.PDU) Action { return a.act })
			e.send(&pdu.QuerySM{MessageID: []byte(id), Source: acme})
			if h := e.read().Head(); h.ID != a.id || h.Status != a.status {
				t.Errorf("%+v, want %v %v", h, a.id, a.status)
			}
		}
		e.send(&pdu.AlertNotification{})
		e.quiet(time.Second)
		r := dial(t, s)
		if st := r.bindAs(pdu.BindReceiver, "esme"); st != 0 {
			t.Fatal(st)
		}
		for _, p := range []pdu.PDU{&pdu.QuerySM{}, &pdu.CancelSM{}, &pdu.ReplaceSM{}, &pdu.SubmitMulti{Destinations: make([]pdu.Destination, 1)}} {
			if m, ok := p.(*pdu.SubmitMulti); ok {
				m.Destinations[0].Flag = pdu.DestFlagSME
			}
			r.send(p)
			if h := r.read().Head(); h.Status != pdu.StatusInvBndSts {
				t.Errorf("%T by a receiver: %+v", p, h)
			}
		}
	})
}
