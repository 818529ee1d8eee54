package smsctest

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"bindery/smpp/pdu"

	gosmpp "github.com/fiorix/go-smpp/smpp"
	gopdu "github.com/fiorix/go-smpp/smpp/pdu"
	"github.com/fiorix/go-smpp/smpp/pdu/pdufield"
	"github.com/fiorix/go-smpp/smpp/pdu/pdutext"
)

// TestGoSMPP has another project's client bind, submit and take receipts: what
// it understands is not only our own codec's opinion. Its sequence numbers run
// through the process and it matches answers by them alone, so the SMSC's
// begin far away.
func TestGoSMPP(t *testing.T) {
	s := New(Options{SystemID: "esme", Password: "secret", IDs: IDs{Response: HexUpper, Receipt: Decimal},
		Receipts: Receipts{When: With, Form: TLVForm}, Link: Link{FirstSequence: 0x7FFFFFF0}})
	defer s.Close()
	if err := s.Listen("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	receipts := make(chan string, 100)
	tr := &gosmpp.Transceiver{Addr: s.Addr(), User: "esme", Passwd: "secret", RespTimeout: 10 * time.Second,
		Handler: func(p gopdu.Body) {
			if p.Header().ID == gopdu.DeliverSMID {
				receipts <- p.Fields()[pdufield.ShortMessage].String()
			}
		}}
	if st := <-tr.Bind(); st.Status() != gosmpp.Connected {
		t.Fatalf("bind: %v %v", st.Status(), st.Error())
	}
	open := map[string]string{}
	for i := range 30 {
		sm, err := tr.Submit(&gosmpp.ShortMessage{Src: "ACME", Dst: fmt.Sprintf("8210%08d", i),
			Text: pdutext.Raw("hello"), Register: pdufield.FinalDeliveryReceipt})
		if err != nil {
			t.Fatal(err)
		}
		n, err := strconv.ParseUint(sm.RespID(), 16, 64)
		if err != nil {
			t.Fatalf("message_id %q: %v", sm.RespID(), err)
		}
		open[strconv.FormatUint(n, 10)] = sm.Dst
	}
	for range 30 {
		text := <-receipts
		id, _, _ := strings.Cut(strings.TrimPrefix(text, "id:"), " ")
		if _, ok := open[id]; !ok || !strings.Contains(text, "stat:DELIVRD") {
			t.Fatalf("receipt %q names nothing that was submitted", text)
		}
		delete(open, id)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := s.Wait(ctx, func(st Stats) bool { return st.Acked == 30 && st.Unacked == 0 }); err != nil {
		t.Error(err)
	}
	if _, err := tr.Submit(&gosmpp.ShortMessage{Src: "A", Dst: "1", Text: pdutext.Raw("x")}); err != nil {
		t.Error(err)
	}
	s.Set(func(o *Options) { o.Answers.Errors = []Share{{pdu.StatusInvDstAdr, 1}} })
	if _, err := tr.Submit(&gosmpp.ShortMessage{Src: "A", Dst: "1", Text: pdutext.Raw("x")}); err == nil || !strings.Contains(err.Error(), "destination") {
		t.Errorf("0x0B: %v", err)
	}
	if err := tr.Close(); err != nil {
		t.Error(err)
	}
	if st := s.Stats(); st.Malformed != 0 || st.Unknown != 0 || st.Unexpected != 0 {
		t.Errorf("%+v", st.Counts)
	}
}

func TestGoSMPPIsRefused(t *testing.T) {
	s := New(Options{SystemID: "esme", Password: "secret"})
	defer s.Close()
	if err := s.Listen("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	tr := &gosmpp.Transceiver{Addr: s.Addr(), User: "esme", Passwd: "wrong"}
	if st := <-tr.Bind(); st.Status() != gosmpp.BindFailed {
		t.Errorf("%v %v", st.Status(), st.Error())
	}
	if err := tr.Close(); err != nil {
		t.Error(err)
	}
}

// TestGoSMPPPair has go-smpp's transmitter and receiver: submits by the one,
// receipts by the other, whichever bind the SMSC would choose.
func TestGoSMPPPair(t *testing.T) {
	s := New(Options{SystemID: "esme", Password: "secret", MaxBinds: 2, IDs: IDs{Response: HexPadded, Receipt: HexPadded},
		Receipts: Receipts{When: After, Delay: Span{Max: 20 * time.Millisecond}}, Link: Link{FirstSequence: 0x7FFFFF00, EnquireLink: 50 * time.Millisecond, EnquireMisses: 3}})
	defer s.Close()
	if err := s.Listen("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	receipts := make(chan string, 100)
	rx := &gosmpp.Receiver{Addr: s.Addr(), User: "esme", Passwd: "secret", Handler: func(p gopdu.Body) {
		if p.Header().ID == gopdu.DeliverSMID {
			receipts <- p.Fields()[pdufield.ShortMessage].String()
		}
	}}
	tx := &gosmpp.Transmitter{Addr: s.Addr(), User: "esme", Passwd: "secret", RespTimeout: 10 * time.Second}
	for _, c := range []gosmpp.ClientConn{tx, rx} {
		if st := <-c.Bind(); st.Status() != gosmpp.Connected {
			t.Fatalf("bind: %v %v", st.Status(), st.Error())
		}
	}
	texts := []pdutext.Codec{pdutext.GSM7(strings.Repeat("0123456789", 16)), pdutext.UCS2(strings.Repeat("가", 70)), pdutext.GSM7("€ [ok]")}
	for _, text := range texts {
		sm, err := tx.Submit(&gosmpp.ShortMessage{Src: "ACME", Dst: "821000000001", Text: text, Register: pdufield.FinalDeliveryReceipt})
		if err != nil {
			t.Fatal(err)
		}
		if r := <-receipts; !strings.HasPrefix(r, "id:"+sm.RespID()+" ") || !strings.Contains(r, "stat:DELIVRD") {
			t.Errorf("id %s, receipt %q", sm.RespID(), r)
		}
	}
	for i, j := range s.Joined(nil) {
		if want := []string{strings.Repeat("0123456789", 16), strings.Repeat("가", 70), "€ [ok]"}[i]; j.Text != want {
			t.Errorf("the handset reads %q, want %q", j.Text, want)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := s.Wait(ctx, func(st Stats) bool { return st.Acked == 3 && st.Bound == 2 }); err != nil {
		t.Error(err)
	}
	for _, c := range []gosmpp.ClientConn{tx, rx} {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := s.Wait(ctx, func(st Stats) bool { return st.Bound == 0 }); err != nil {
		t.Error(err)
	}
	if st := s.Stats(); st.Malformed != 0 || st.Unknown != 0 || st.Unexpected != 0 {
		t.Errorf("%+v", st.Counts)
	}
}
