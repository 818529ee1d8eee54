package smsctest

import (
	"testing"
	"testing/synctest"
	"time"

	"bindery/smpp/pdu"
)

// on answers what an ESME sees of one submit_sm under a hook.
func TestHookActions(t *testing.T) {
	for name, tc := range map[string]struct {
		act   Action
		check func(t *testing.T, s *SMSC, e *esme)
	}{
		"pass": {Pass(), func(t *testing.T, s *SMSC, e *esme) {
			if h := want[*pdu.SubmitSMResp](t, e.read()); h.Status != 0 || len(h.MessageID) == 0 || h.Sequence != 2 {
				t.Errorf("%+v", h)
			}
		}},
		"drop": {Drop(), func(t *testing.T, s *SMSC, e *esme) {
			e.quiet(time.Hour)
			if st := s.Stats(); st.Submits != 0 {
				t.Errorf("%+v", st.Counts)
			}
		}},
		"silence": {Silence(), func(t *testing.T, s *SMSC, e *esme) {
			want[*pdu.DeliverSM](t, e.read())
			if st := s.Stats(); st.Taken != 1 || st.Dropped != 1 {
				t.Errorf("%+v", st.Counts)
			}
		}},
		"answer": {Answer(0x0403), func(t *testing.T, s *SMSC, e *esme) {
			if h := want[*pdu.SubmitSMResp](t, e.read()); h.Status != 0x0403 || len(h.MessageID) != 0 {
				t.Errorf("%+v", h)
			}
			e.quiet(time.Hour) // no receipt
		}},
		"nack": {Nack(pdu.StatusInvCmdID), func(t *testing.T, s *SMSC, e *esme) {
			if h := want[*pdu.GenericNack](t, e.read()); h.Status != pdu.StatusInvCmdID || h.Sequence != 2 {
				t.Errorf("%+v", h)
			}
		}},
		"delay": {Delay(7 * time.Second), func(t *testing.T, s *SMSC, e *esme) {
			start := time.Now()
			want[*pdu.SubmitSMResp](t, e.read())
			if d := time.Since(start); d != 7*time.Second {
				t.Errorf("after %v", d)
			}
		}},
		"twice": {Answer(0x14).After(time.Second).Twice(), func(t *testing.T, s *SMSC, e *esme) {
			for range 2 {
				if h := want[*pdu.SubmitSMResp](t, e.read()); h.Status != 0x14 {
					t.Errorf("%+v", h)
				}
			}
		}},
		"cut": {Cut(5), func(t *testing.T, s *SMSC, e *esme) {
			if n := readAll(e); n != 5 {
				t.Errorf("%d octets before the end, want 5", n)
			}
		}},
		"raw": {Raw([]byte{0, 0, 0, 3}), func(t *testing.T, s *SMSC, e *esme) {
			e.conn.Close()
		}},
		"renumber": {Renumber(func(n uint32) uint32 { return n + 100 }), func(t *testing.T, s *SMSC, e *esme) {
			if h := e.read().Head(); h.Sequence != 102 {
				t.Errorf("%+v", h)
			}
		}},
		"close": {Close(), func(t *testing.T, s *SMSC, e *esme) { e.ended() }},
		"hold": {Hold(), func(t *testing.T, s *SMSC, e *esme) {
			e.quiet(time.Hour)
			if n := s.Release(false); n != 1 {
				t.Errorf("%d held", n)
			}
			want[*pdu.SubmitSMResp](t, e.read())
		}},
	} {
		t.Run(name, func(t *testing.T) {
			simulateSMSC(t, Options{Receipts: Receipts{When: With}}, func(t *testing.T, s *SMSC) {
				e := bound(t, s)
				s.On(pdu.CommandSubmitSM, func(c *Conn, p pdu.PDU) Action {
					if c.Mode() != pdu.CommandBindTransceiver || len(p.(*pdu.SubmitSM).ShortMessage) != 5 {
						t.Errorf("hook saw %+v", p)
					}
					return tc.act
				})
				e.submit("821000000001")
				tc.check(t, s, e)
			})
		})
	}
}

func readAll(e *esme) int {
	n := 0
	for {
		m, err := e.conn.Read(make([]byte, 100))
		n += m
		if err != nil {
			return n
		}
	}
}

func TestOnceAndRemove(t *testing.T) {
	simulateSMSC(t, Options{}, func(t *testing.T, s *SMSC) {
		e := bound(t, s)
		remove := s.On(pdu.CommandSubmitSM, func(*Conn, pdu.PDU) Action { return Answer(0x08) })
		s.Once(pdu.CommandSubmitSM, func(*Conn, pdu.PDU) Action { return Answer(0x58) })
		for i, status := range []pdu.CommandStatus{0x58, 0x08, 0x08, 0} {
			if i == 3 {
				remove()
			}
			e.submit("821000000001")
			if h := e.read().Head(); h.Status != status {
				t.Errorf("submit %d: %s, want %s", i, h.Status, status)
			}
		}
	})
}

func TestReleaseReversed(t *testing.T) {
	simulateSMSC(t, Options{}, func(t *testing.T, s *SMSC) {
		e := bound(t, s)
		s.On(pdu.CommandSubmitSM, func(*Conn, pdu.PDU) Action { return Hold() })
		for range 3 {
			e.submit("821000000001")
		}
		synctest.Wait()
		s.Release(true)
		for want := uint32(4); want >= 2; want-- {
			if h := e.read().Head(); h.Sequence != want {
				t.Errorf("sequence %d, want %d", h.Sequence, want)
			}
		}
	})
}

func TestReorder(t *testing.T) {
	simulateSMSC(t, Options{Seed: 3, Answers: Answers{Reorder: 8}}, func(t *testing.T, s *SMSC) {
		e := bound(t, s)
		const n = 20 // two full rounds, and four that wait for the clock
		for range n {
			e.submit("821000000001")
		}
		seen, ordered := map[uint32]bool{}, true
		for i := range uint32(n) {
			sequence := e.read().Head().Sequence
			ordered = ordered && sequence == i+2
			seen[sequence] = true
		}
		if len(seen) != n || ordered {
			t.Errorf("%d different answers, in order: %v", len(seen), ordered)
		}
	})
}

func TestDroppedAcknowledgement(t *testing.T) {
	simulateSMSC(t, Options{Receipts: Receipts{When: With, Timeout: 5 * time.Second}}, func(t *testing.T, s *SMSC) {
		e := bound(t, s)
		s.Once(pdu.CommandDeliverSMResp, func(*Conn, pdu.PDU) Action { return Drop() })
		e.submit("821000000001")
		e.read()
		for range 2 {
			e.ack(want[*pdu.DeliverSM](t, e.read()), 0)
		}
		e.quiet(time.Minute)
		if st := s.Stats(); st.Redelivered != 1 || st.Acked != 1 {
			t.Errorf("%+v", st.Counts)
		}
	})
}

func TestHookMayCallTheSMSC(t *testing.T) {
	simulateSMSC(t, Options{}, func(t *testing.T, s *SMSC) {
		e := bound(t, s)
		s.On(pdu.CommandSubmitSM, func(c *Conn, p pdu.PDU) Action {
			if err := c.Send(&pdu.EnquireLink{}); err != nil {
				t.Error(err)
			}
			s.Set(func(o *Options) { o.IDs.Response = Decimal })
			return Pass()
		})
		e.submit("821000000001")
		want[*pdu.EnquireLink](t, e.read())
		want[*pdu.SubmitSMResp](t, e.read())
	})
}
