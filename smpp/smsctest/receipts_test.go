package smsctest

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"bindery/smpp/pdu"
)

// received submits one message and gives what comes within a minute but for
// the response.
func received(t *testing.T, e *esme, m *pdu.SubmitSM) (list []pdu.PDU) {
	t.Helper()
	e.send(m)
	for {
		p, err := e.tryRead()
		if err != nil {
			return list
		}
		if !p.Head().ID.IsResponse() {
			list = append(list, p)
			e.ack(p, 0)
		}
	}
}

func TestReceiptForms(t *testing.T) {
	for form, check := range map[ReceiptForm]func(t *testing.T, p pdu.PDU){
		TextForm: func(t *testing.T, p pdu.PDU) {
			if d := want[*pdu.DeliverSM](t, p); len(d.TLVs) != 1 || !bytes.HasPrefix(d.ShortMessage, []byte("id:7 ")) {
				t.Errorf("%+v", d)
			}
		},
		TLVForm: func(t *testing.T, p pdu.PDU) {
			d := want[*pdu.DeliverSM](t, p)
			id, _ := d.TLVs.CString(pdu.TagReceiptedMessageID)
			state, _ := d.TLVs.Uint8(pdu.TagMessageState)
			if string(id) != "7" || state != pdu.MessageStateDelivered || len(d.ShortMessage) == 0 {
				t.Errorf("%+v", d)
			}
		},
		TLVOnlyForm: func(t *testing.T, p pdu.PDU) {
			d := want[*pdu.DeliverSM](t, p)
			if id, _ := d.TLVs.CString(pdu.TagReceiptedMessageID); string(id) != "7" || len(d.ShortMessage) != 0 {
				t.Errorf("%+v", d)
			}
		},
		PayloadForm: func(t *testing.T, p pdu.PDU) {
			d := want[*pdu.DeliverSM](t, p)
			if len(d.ShortMessage) != 0 || !bytes.HasPrefix(d.Payload(), []byte("id:7 ")) {
				t.Errorf("%+v", d)
			}
		},
		DataSMForm: func(t *testing.T, p pdu.PDU) {
			d := want[*pdu.DataSM](t, p)
			if !bytes.HasPrefix(d.Payload(), []byte("id:7 ")) || d.ESMClass != pdu.ESMClassReceipt {
				t.Errorf("%+v", d)
			}
		},
	} {
		o := Options{IDs: IDs{Source: Counter, First: 7}, Receipts: Receipts{When: With, Form: form, Echo: true}}
		simulateSMSC(t, o, func(t *testing.T, s *SMSC) {
			m := message1("821000000001")
			m.TLVs = pdu.TLVs{{Tag: pdu.TagUserMessageReference, Value: []byte{0x12, 0x34}}}
			list := received(t, bound(t, s), m)
			if len(list) != 1 {
				t.Fatalf("form %d: %d receipts", form, len(list))
			}
			check(t, list[0])
			var tlvs pdu.TLVs
			switch d := list[0].(type) {
			case *pdu.DeliverSM:
				tlvs = d.TLVs
			case *pdu.DataSM:
				tlvs = d.TLVs
			}
			if reference, _ := tlvs.Uint16(pdu.TagUserMessageReference); reference != 0x1234 {
				t.Errorf("form %d: reference %#x", form, reference)
			}
		})
	}
}

// registered_delivery decides, unless Unasked does.
func TestWhoIsTold(t *testing.T) {
	for _, tc := range []struct {
		registered uint8
		state      uint8
		unasked    bool
		want       string
	}{
		{0, pdu.MessageStateDelivered, false, ""},
		{0, pdu.MessageStateDelivered, true, "ENROUTE DELIVRD"},
		{1, pdu.MessageStateDelivered, false, "DELIVRD"},
		{1, pdu.MessageStateRejected, false, "REJECTD"},
		{2, pdu.MessageStateDelivered, false, ""},
		{2, pdu.MessageStateExpired, false, "EXPIRED"},
		{3, pdu.MessageStateDelivered, false, "DELIVRD"},
		{3, pdu.MessageStateUndeliverable, false, ""},
		{0x11, pdu.MessageStateDeleted, false, "ENROUTE DELETED"},
		{0x10, pdu.MessageStateUnknown, false, "ENROUTE"},
	} {
		name := fmt.Sprintf("%#x %s %v", tc.registered, StateText(tc.state), tc.unasked)
		o := Options{Receipts: Receipts{When: With, Unasked: tc.unasked, Intermediate: []uint8{pdu.MessageStateEnroute},
			States: []StateShare{{tc.state, 1}}, Spacing: Fixed(time.Second)}}
		simulateSMSC(t, o, func(t *testing.T, s *SMSC) {
			m := message1("821000000001")
			m.RegisteredDelivery = tc.registered
			var got []string
			for _, p := range received(t, bound(t, s), m) {
				d := want[*pdu.DeliverSM](t, p)
				_, stat, _ := strings.Cut(string(d.ShortMessage), "stat:")
				got = append(got, stat[:7])
				if notice := d.ESMClass == pdu.ESMClassNotice; notice != (stat[:7] == "ENROUTE") {
					t.Errorf("%s: esm_class %#x of %s", name, d.ESMClass, stat[:7])
				}
			}
			if strings.Join(got, " ") != tc.want {
				t.Errorf("%s: told %q, want %q", name, got, tc.want)
			}
		})
	}
}

func TestReceiptText(t *testing.T) {
	o := Options{Receipts: Receipts{When: With, Repeat: 2, Spacing: Fixed(time.Second),
		Decide: func(dest []byte) uint8 { return dest[len(dest)-1] - '0' },
		Format: func(dst []byte, r Receipt) []byte { return fmt.Appendf(dst, "%s/%d/%s", r.ID, r.State, r.Text) }},
		IDs: IDs{Source: Counter}}
	simulateSMSC(t, o, func(t *testing.T, s *SMSC) {
		e := bound(t, s)
		list := received(t, e, message1("821000000005"))
		if len(list) != 3 {
			t.Fatalf("%d receipts, want 3", len(list))
		}
		for _, p := range list {
			if got := string(want[*pdu.DeliverSM](t, p).ShortMessage); got != "1/5/hello" {
				t.Errorf("%q", got)
			}
		}
		if list := received(t, e, message1("821000000000")); len(list) != 0 {
			t.Errorf("%d receipts where Decide wants none", len(list))
		}
		s.Set(func(o *Options) {
			o.Receipts.Format = func(dst []byte, _ Receipt) []byte { return append(dst, make([]byte, 300)...) }
		})
		if list := received(t, e, message1("821000000002")); len(list) != 0 || s.Stats().Unsendable != 3 {
			t.Errorf("%d receipts of 300 octets; %+v", len(list), s.Stats().Counts)
		}
	})
}

func TestReceiptWindow(t *testing.T) {
	simulateSMSC(t, Options{Receipts: Receipts{When: With, Window: 2}}, func(t *testing.T, s *SMSC) {
		e := bound(t, s)
		for range 5 {
			e.submit("821000000001")
		}
		var open []pdu.PDU
		for range 5 + 2 {
			if p := e.read(); p.Head().ID == pdu.CommandDeliverSM {
				open = append(open, p)
			}
		}
		e.quiet(time.Minute)
		for range 3 {
			e.ack(open[0], 0)
			open = append(open[1:], want[*pdu.DeliverSM](t, e.read()))
		}
		e.quiet(time.Minute)
		if st := s.Stats(); st.Unacked != 2 || st.Acked != 3 {
			t.Errorf("%+v", st)
		}
	})
}

func TestRoundRobin(t *testing.T) {
	simulateSMSC(t, Options{Receipts: Receipts{When: With, Bind: RoundRobin}}, func(t *testing.T, s *SMSC) {
		binds := []*esme{bound(t, s), bound(t, s), bound(t, s)}
		for range 9 {
			binds[0].submit("821000000001")
		}
		synctest.Wait()
		for i, b := range s.Binds() {
			if b.Unacked != 3 {
				t.Errorf("bind %d got %d of 9", i, b.Unacked)
			}
		}
	})
}

func TestReceiptsStayWithTheirAccount(t *testing.T) {
	simulateSMSC(t, Options{Receipts: Receipts{When: With, Bind: OtherBind}}, func(t *testing.T, s *SMSC) {
		a, b := dial(t, s), dial(t, s)
		a.bindAs(pdu.BindTransceiver, "a")
		b.bindAs(pdu.BindTransceiver, "b")
		a.submit("821000000001")
		want[*pdu.SubmitSMResp](t, a.read())
		want[*pdu.DeliverSM](t, a.read()) // not acknowledged
		a.conn.Close()
		b.quiet(time.Minute)
		again := dial(t, s)
		again.bindAs(pdu.BindTransceiver, "a")
		want[*pdu.DeliverSM](t, again.read())
	})
}
