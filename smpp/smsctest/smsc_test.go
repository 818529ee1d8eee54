package smsctest

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"bindery/smpp/pdu"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// esme is a client of the plainest kind: it reads and writes PDUs.
type esme struct {
	t    *testing.T
	conn net.Conn
	next uint32
}

func dial(t *testing.T, s *SMSC) *esme {
	t.Helper()
	conn, err := s.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &esme{t: t, conn: conn}
}

func (e *esme) send(p pdu.PDU) uint32 {
	e.t.Helper()
	h := p.Head()
	if h.Sequence == 0 {
		e.next++
		h.Sequence = e.next
	}
	b, err := p.AppendTo(nil)
	if err != nil {
		e.t.Fatal(err)
	}
	if _, err := e.conn.Write(b); err != nil {
		e.t.Fatalf("write %s: %v", h.ID, err)
	}
	return h.Sequence
}

func (e *esme) tryRead() (pdu.PDU, error) {
	_ = e.conn.SetReadDeadline(time.Now().Add(time.Minute))
	b := make([]byte, 4)
	if _, err := io.ReadFull(e.conn, b); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(b)
	b = append(b, make([]byte, n-4)...)
	if _, err := io.ReadFull(e.conn, b[4:]); err != nil {
		return nil, err
	}
	var d pdu.Decoder
	return d.Decode(b)
}

func (e *esme) read() pdu.PDU {
	e.t.Helper()
	p, err := e.tryRead()
	if err != nil {
		e.t.Fatalf("read: %v", err)
	}
	return p
}

// ended expects the connection to be closed by the SMSC.
func (e *esme) ended() {
	e.t.Helper()
	if p, err := e.tryRead(); err == nil {
		e.t.Fatalf("got %s, want the end", p.Head().ID)
	} else if ne, ok := err.(net.Error); ok && ne.Timeout() {
		e.t.Fatal("the connection is still up")
	}
}

// quiet expects nothing to come for d.
func (e *esme) quiet(d time.Duration) {
	e.t.Helper()
	_ = e.conn.SetReadDeadline(time.Now().Add(d))
	if n, err := e.conn.Read(make([]byte, 1)); n > 0 {
		e.t.Fatal("something came")
	} else if ne, ok := err.(net.Error); !ok || !ne.Timeout() {
		e.t.Fatalf("read: %v", err)
	}
}

func (e *esme) bindAs(mode pdu.CommandID, system string) pdu.CommandStatus {
	e.t.Helper()
	e.send(&pdu.Bind{Header: pdu.Header{ID: mode}, SystemID: []byte(system), Password: []byte("secret"), InterfaceVersion: pdu.Version34})
	return e.read().Head().Status
}

func bound(t *testing.T, s *SMSC) *esme {
	t.Helper()
	e := dial(t, s)
	if st := e.bindAs(pdu.BindTransceiver, "esme"); st != 0 {
		t.Fatalf("bind: %s", st)
	}
	return e
}

func message1(to string) *pdu.SubmitSM {
	return &pdu.SubmitSM{
		Source: pdu.Address{TON: 5, Addr: []byte("ACME")}, Destination: pdu.Address{TON: 1, NPI: 1, Addr: []byte(to)},
		RegisteredDelivery: 1, ShortMessage: []byte("hello"),
	}
}

func (e *esme) submit(to string) uint32 { e.t.Helper(); return e.send(message1(to)) }

func (e *esme) ack(p pdu.PDU, status pdu.CommandStatus) {
	e.t.Helper()
	e.send(&pdu.DeliverSMResp{Header: pdu.Header{Sequence: p.Head().Sequence, Status: status}})
}

func want[T pdu.PDU](t *testing.T, p pdu.PDU) T {
	t.Helper()
	q, ok := p.(T)
	if !ok {
		t.Fatalf("got %s, want %T", p.Head().ID, q)
	}
	return q
}

// simulate runs f with an SMSC in a bubble whose clock is simulated.
func simulateSMSC(t *testing.T, o Options, f func(t *testing.T, s *SMSC)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := New(o)
		defer func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}()
		f(t, s)
	})
}

func TestReceiptTimings(t *testing.T) {
	for _, tc := range []struct {
		when  Timing
		order string
		total time.Duration
	}{
		{None, "resp", 100 * time.Millisecond},
		{Before, "receipt resp", 350 * time.Millisecond},
		{With, "resp receipt", 100 * time.Millisecond},
		{After, "resp receipt", 350 * time.Millisecond},
	} {
		o := Options{Answers: Answers{Latency: Fixed(100 * time.Millisecond)},
			Receipts: Receipts{When: tc.when, Delay: Fixed(250 * time.Millisecond)}}
		simulateSMSC(t, o, func(t *testing.T, s *SMSC) {
			e := bound(t, s)
			start := time.Now()
			e.submit("821000000001")
			order := ""
			for range 2 {
				if p, err := e.tryRead(); err != nil {
					break
				} else if p.Head().ID == pdu.CommandDeliverSM {
					e.ack(p, 0)
					order += " receipt"
				} else {
					order += " resp"
				}
				if order == " "+tc.order && time.Since(start) != tc.total {
					t.Errorf("%d: all there after %v, want %v", tc.when, time.Since(start), tc.total)
				}
			}
			if order != " "+tc.order {
				t.Errorf("%d: order %q, want %q", tc.when, order, tc.order)
			}
		})
	}
}

func TestReceiptNamesTheMessage(t *testing.T) {
	o := Options{IDs: IDs{Source: Counter, First: 0x1A2B, Response: HexUpper, Receipt: Padded, Width: 10}, Receipts: Receipts{When: With}}
	simulateSMSC(t, o, func(t *testing.T, s *SMSC) {
		e := bound(t, s)
		e.submit("821000000001")
		if id := want[*pdu.SubmitSMResp](t, e.read()).MessageID; string(id) != "1A2B" {
			t.Errorf("message_id %q", id)
		}
		d := want[*pdu.DeliverSM](t, e.read())
		stamp := time.Now().UTC().Format("0601021504")
		text := "id:0000006699 sub:001 dlvrd:001 submit date:" + stamp + " done date:" + stamp + " stat:DELIVRD err:000 text:hello"
		if string(d.ShortMessage) != text {
			t.Errorf("text %q, want %q", d.ShortMessage, text)
		}
		if string(d.Source.Addr) != "821000000001" || string(d.Destination.Addr) != "ACME" || d.ESMClass != pdu.ESMClassReceipt {
			t.Errorf("receipt %+v", d)
		}
	})
}

func TestBinds(t *testing.T) {
	o := Options{SystemID: "esme", Password: "secret", MaxBinds: 2}
	simulateSMSC(t, o, func(t *testing.T, s *SMSC) {
		if st := dial(t, s).bindAs(pdu.BindTransceiver, "other"); st != pdu.StatusInvSysID {
			t.Errorf("another's bind: %s", st)
		}
		a := bound(t, s)
		bound(t, s)
		if st := dial(t, s).bindAs(pdu.BindTransceiver, "esme"); st != pdu.StatusAlyBnd {
			t.Errorf("third bind: %s", st)
		}
		a.send(&pdu.Unbind{})
		want[*pdu.UnbindResp](t, a.read())
		a.ended()
		bound(t, s)
		if b := s.Stats(); b.Bound != 2 || b.Refused != 2 || b.Binds != 3 {
			t.Errorf("%+v", b)
		}
	})
}

func TestWhatABindLeavesGoesToTheNext(t *testing.T) {
	simulateSMSC(t, Options{Receipts: Receipts{When: With, Window: 2}}, func(t *testing.T, s *SMSC) {
		a := bound(t, s)
		for i := range 5 {
			a.submit(fmt.Sprintf("82100000000%d", i))
		}
		for range 5 + 2 {
			if d, ok := a.read().(*pdu.DeliverSM); ok && string(d.Source.Addr) == "821000000000" {
				a.ack(d, 0)
			}
		}
		synctest.Wait()
		a.conn.Close()
		synctest.Wait()
		if st := s.Stats(); st.Waiting != 4 || st.Acked != 1 {
			t.Fatalf("%+v", st.Counts)
		}
		b := bound(t, s)
		for i := range 4 {
			d := want[*pdu.DeliverSM](t, b.read())
			if to := fmt.Sprintf("82100000000%d", i+1); string(d.Source.Addr) != to {
				t.Errorf("receipt %d is of %s, want %s", i, d.Source.Addr, to)
			}
			b.ack(d, 0)
		}
		if err := s.Wait(t.Context(), func(st Stats) bool { return st.Acked == 5 && st.Unacked == 0 }); err != nil {
			t.Error(err)
		}
	})
}

func TestRefusedReceiptComesAgain(t *testing.T) {
	simulateSMSC(t, Options{Receipts: Receipts{When: With, Retry: Fixed(3 * time.Second)}}, func(t *testing.T, s *SMSC) {
		e := bound(t, s)
		e.submit("821000000001")
		e.read()
		first := want[*pdu.DeliverSM](t, e.read())
		e.ack(first, pdu.StatusXTAppn)
		start := time.Now()
		second := want[*pdu.DeliverSM](t, e.read())
		if d := time.Since(start); d != 3*time.Second {
			t.Errorf("again after %v", d)
		}
		if first.Sequence == second.Sequence {
			t.Error("a new deliver_sm has the old number")
		}
		e.ack(second, 0)
		synctest.Wait()
		if st := s.Stats(); st.Acked != 1 || st.AckErrors != 1 || st.Redelivered != 1 || st.Unacked != 0 {
			t.Errorf("%+v", st.Counts)
		}
	})
}

func TestReceiptOnAnotherBind(t *testing.T) {
	simulateSMSC(t, Options{Receipts: Receipts{When: With, Bind: OtherBind}}, func(t *testing.T, s *SMSC) {
		a, b := bound(t, s), bound(t, s)
		for range 3 {
			a.submit("821000000001")
			want[*pdu.SubmitSMResp](t, a.read())
			b.ack(want[*pdu.DeliverSM](t, b.read()), 0)
		}
		a.quiet(time.Second)
	})
}

func TestReceiverGetsWhatATransmitterSubmits(t *testing.T) {
	simulateSMSC(t, Options{Receipts: Receipts{When: With}}, func(t *testing.T, s *SMSC) {
		tx, rx := dial(t, s), dial(t, s)
		tx.bindAs(pdu.BindTransmitter, "esme")
		rx.bindAs(pdu.BindReceiver, "esme")
		tx.submit("821000000001")
		want[*pdu.SubmitSMResp](t, tx.read())
		rx.ack(want[*pdu.DeliverSM](t, rx.read()), 0)
		if rx.submit("821000000001"); rx.read().Head().Status != pdu.StatusInvBndSts {
			t.Error("a receiver may submit")
		}
	})
}

func TestStatusShares(t *testing.T) {
	o := Options{Seed: 7, Answers: Answers{Errors: []Share{{pdu.StatusMsgQFul, 0.3}, {pdu.StatusInvDstAdr, 0.2}}, Drop: 0.1}}
	simulateSMSC(t, o, func(t *testing.T, s *SMSC) {
		e := bound(t, s)
		const n = 4000
		for range n {
			e.submit("821000000001")
		}
		if err := s.Wait(t.Context(), func(st Stats) bool { return st.Submits == n }); err != nil {
			t.Fatal(err)
		}
		st := s.Stats()
		for status, share := range map[pdu.CommandStatus]float64{pdu.StatusMsgQFul: 0.3, pdu.StatusInvDstAdr: 0.2} {
			if got := float64(st.ByStatus[status]) / n; got < share-0.05 || got > share+0.05 {
				t.Errorf("%s: share %.3f, want about %.1f", status, got, share)
			}
		}
		if sum := st.ByStatus[0] + st.ByStatus[pdu.StatusMsgQFul] + st.ByStatus[pdu.StatusInvDstAdr] + st.Dropped; sum != n || st.Dropped == 0 {
			t.Errorf("answers and drops are %d of %d", sum, n)
		}
	})
}

func TestThrottle(t *testing.T) {
	simulateSMSC(t, Options{Throttle: Throttle{Rate: 10, Burst: 5}}, func(t *testing.T, s *SMSC) {
		e := bound(t, s)
		statuses := func(n int) (ok int) {
			for range n {
				e.submit("821000000001")
				switch st := e.read().Head().Status; st {
				case pdu.StatusOK:
					ok++
				case pdu.StatusThrottled:
				default:
					t.Errorf("status %s", st)
				}
			}
			return ok
		}
		if ok := statuses(8); ok != 5 {
			t.Errorf("%d of a burst of 8 taken, want 5", ok)
		}
		time.Sleep(300 * time.Millisecond)
		if ok := statuses(8); ok != 3 {
			t.Errorf("%d taken after 300 ms, want 3", ok)
		}
		if st := s.Stats(); st.MaxPerSecond != 16 {
			t.Errorf("%d in a second, want 16", st.MaxPerSecond)
		}
	})
}

func TestWindow(t *testing.T) {
	o := Options{Window: Window{Max: 3, Status: pdu.StatusThrottled}, Answers: Answers{Latency: Fixed(time.Second)}}
	simulateSMSC(t, o, func(t *testing.T, s *SMSC) {
		e := bound(t, s)
		for range 5 {
			e.submit("821000000001")
		}
		got := map[pdu.CommandStatus]int{}
		for range 5 {
			got[e.read().Head().Status]++
		}
		if got[0] != 3 || got[pdu.StatusThrottled] != 2 {
			t.Errorf("%v", got)
		}
		st := s.Stats()
		if st.Violations != 2 || st.MaxWindow != 5 {
			t.Errorf("%+v", st)
		}
		// All answered: the window is free again.
		e.submit("821000000001")
		if h := e.read().Head(); h.Status != 0 {
			t.Errorf("status %s", h.Status)
		}
	})
}

func TestWaitEndsWithItsContext(t *testing.T) {
	simulateSMSC(t, Options{}, func(t *testing.T, s *SMSC) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := s.Wait(ctx, func(Stats) bool { return false }); err == nil {
			t.Error("it did not fail")
		}
	})
}
