package smsctest

import (
	"testing"
	"testing/synctest"
	"time"

	"bindery/smpp/pdu"
)

func TestOwnEnquireLink(t *testing.T) {
	o := Options{Link: Link{EnquireLink: 30 * time.Second, EnquireMisses: 2}}
	simulateSMSC(t, o, func(t *testing.T, s *SMSC) {
		e := bound(t, s)
		start := time.Now()
		p := want[*pdu.EnquireLink](t, e.read())
		e.send(&pdu.EnquireLinkResp{Header: pdu.Header{Sequence: p.Sequence}})
		want[*pdu.EnquireLink](t, e.read())
		want[*pdu.EnquireLink](t, e.read())
		e.ended()
		if d := time.Since(start); d != 120*time.Second {
			t.Errorf("closed after %v", d)
		}
	})
}

func TestUnbindAfter(t *testing.T) {
	o := Options{Link: Link{UnbindAfter: 2}, Answers: Answers{Latency: Fixed(time.Second)}}
	simulateSMSC(t, o, func(t *testing.T, s *SMSC) {
		e := bound(t, s)
		for range 3 {
			e.submit("821000000001")
		}
		u := want[*pdu.Unbind](t, e.read())
		for range 3 {
			want[*pdu.SubmitSMResp](t, e.read())
		}
		e.send(&pdu.UnbindResp{Header: pdu.Header{Sequence: u.Sequence}})
		e.ended()
	})
}

func TestCutAfter(t *testing.T) {
	simulateSMSC(t, Options{Link: Link{CutAfter: 2}, Receipts: Receipts{When: With}}, func(t *testing.T, s *SMSC) {
		e := bound(t, s)
		e.submit("821000000001")
		e.ack(func() pdu.PDU { e.read(); return e.read() }(), 0)
		e.submit("821000000002")
		e.ended()
		// It was taken all the same: its receipt comes by the next bind.
		s.Set(func(o *Options) { o.Link.CutAfter = 0 })
		d := want[*pdu.DeliverSM](t, bound(t, s).read())
		if string(d.Source.Addr) != "821000000002" {
			t.Errorf("receipt of %s", d.Source.Addr)
		}
	})
}

func TestStallAfter(t *testing.T) {
	simulateSMSC(t, Options{Link: Link{StallAfter: 1}}, func(t *testing.T, s *SMSC) {
		e := bound(t, s)
		e.submit("821000000001")
		e.read()
		e.submit("821000000002")
		e.quiet(time.Hour)
		s.Set(func(o *Options) { o.Link.StallAfter = 0 })
		want[*pdu.SubmitSMResp](t, e.read())

		c := s.Conns()[0]
		c.Stall()
		e.submit("821000000003") // the read that is under way may still bring one
		e.submit("821000000004")
		synctest.Wait()
		e.submit("821000000005")
		synctest.Wait()
		if st := s.Stats(); st.Submits == 5 {
			t.Error("it reads on")
		}
		c.Resume()
		for range 3 {
			want[*pdu.SubmitSMResp](t, e.read())
		}
	})
}

func TestReadRate(t *testing.T) {
	b, err := message1("821000000001").AppendTo(nil)
	if err != nil {
		t.Fatal(err)
	}
	simulateSMSC(t, Options{Link: Link{ReadRate: len(b)}}, func(t *testing.T, s *SMSC) {
		e := bound(t, s)
		start := time.Now()
		for range 5 {
			e.submit("821000000001")
		}
		for range 5 {
			want[*pdu.SubmitSMResp](t, e.read())
		}
		if d := time.Since(start); d < 4500*time.Millisecond || d > 5500*time.Millisecond {
			t.Errorf("five at one a second took %v", d)
		}
	})
}

func TestJunk(t *testing.T) {
	simulateSMSC(t, Options{Link: Link{JunkEvery: 1}}, func(t *testing.T, s *SMSC) {
		e := bound(t, s)
		e.submit("821000000001")
		want[*pdu.SubmitSMResp](t, e.read())
		var ids []pdu.CommandID
		for range 5 {
			ids = append(ids, e.read().Head().ID)
		}
		if ids[0] != 0x00010203 || ids[4] != pdu.CommandGenericNack {
			t.Errorf("%v", ids)
		}
	})
}

func TestMute(t *testing.T) {
	simulateSMSC(t, Options{Link: Link{Mute: true}}, func(t *testing.T, s *SMSC) {
		e := bound(t, s)
		e.send(&pdu.EnquireLink{})
		e.quiet(time.Hour)
		s.Set(func(o *Options) { o.Link.Mute = false })
		e.send(&pdu.EnquireLink{})
		want[*pdu.EnquireLinkResp](t, e.read())
	})
}

func TestGarbledStream(t *testing.T) {
	for name, b := range map[string][]byte{
		"too short": {0, 0, 0, 15, 0, 0, 0, 4},
		"too long":  {0xFF, 0xFF, 0xFF, 0xFF},
	} {
		t.Run(name, func(t *testing.T) {
			simulateSMSC(t, Options{}, func(t *testing.T, s *SMSC) {
				e := bound(t, s)
				if _, err := e.conn.Write(b); err != nil {
					t.Fatal(err)
				}
				if h := want[*pdu.GenericNack](t, e.read()); h.Status != pdu.StatusInvCmdLen {
					t.Errorf("%s", h.Status)
				}
				e.ended()
			})
		})
	}
}

func TestUnknownAndMalformedKeepTheLink(t *testing.T) {
	simulateSMSC(t, Options{}, func(t *testing.T, s *SMSC) {
		e := bound(t, s)
		e.send(&pdu.Unknown{Header: pdu.Header{ID: 0x00010203, Sequence: 77}})
		if h := want[*pdu.GenericNack](t, e.read()); h.Status != pdu.StatusInvCmdID || h.Sequence != 77 {
			t.Errorf("%+v", h)
		}
		e.send(&pdu.QuerySM{Header: pdu.Header{Sequence: 78}, MessageID: []byte("x")})
		if h := e.read().Head(); h.ID != pdu.CommandQuerySMResp || h.Status != pdu.StatusQueryFail {
			t.Errorf("%+v", h)
		}
		e.send(&pdu.Unknown{Header: pdu.Header{ID: pdu.CommandSubmitSM, Sequence: 79}, Body: []byte("no NUL")})
		if h := e.read().Head(); h.ID != pdu.CommandSubmitSMResp || h.Status == 0 || h.Sequence != 79 {
			t.Errorf("%+v", h)
		}
		e.submit("821000000001")
		want[*pdu.SubmitSMResp](t, e.read())
		if st := s.Stats(); st.Unknown != 1 || st.Operations != 1 || st.Malformed != 1 {
			t.Errorf("%+v", st.Counts)
		}
	})
}

func TestDeliver(t *testing.T) {
	simulateSMSC(t, Options{}, func(t *testing.T, s *SMSC) {
		mo := &pdu.DeliverSM{Source: pdu.Address{Addr: []byte("821000000001")}, ShortMessage: []byte("STOP")}
		if err := s.Deliver(mo); err != nil {
			t.Fatal(err)
		}
		a, b := bound(t, s), bound(t, s)
		e := want[*pdu.DeliverSM](t, a.read())
		if string(e.ShortMessage) != "STOP" {
			t.Errorf("%+v", e)
		}
		if err := s.Conns()[1].Deliver(mo); err != nil {
			t.Fatal(err)
		}
		want[*pdu.DeliverSM](t, b.read())
		long := &pdu.DeliverSM{ShortMessage: make([]byte, 300)}
		if err := s.Deliver(long); err == nil {
			t.Error("a short_message of 300 octets was taken")
		}
	})
}

func TestOutbind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{})
		theirs, ours := Pipe()
		if _, err := s.Outbind(ours, "smsc", "pw"); err != nil {
			t.Fatal(err)
		}
		e := &esme{t: t, conn: theirs}
		if p := want[*pdu.Outbind](t, e.read()); string(p.SystemID) != "smsc" || string(p.Password) != "pw" {
			t.Errorf("%+v", p)
		}
		if st := e.bindAs(pdu.BindReceiver, "esme"); st != 0 {
			t.Errorf("bind: %s", st)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}
