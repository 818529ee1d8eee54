package smsctest

import (
	"strings"
	"testing"

	"bindery/smpp/coding"
	"bindery/smpp/pdu"
)

func TestRecord(t *testing.T) {
	o := Options{IDs: IDs{Source: Counter, Response: Hex, Receipt: Padded, Width: 4, First: 10}}
	simulateSMSC(t, o, func(t *testing.T, s *SMSC) {
		e := bound(t, s)
		m := message1("821000000001")
		m.TLVs = pdu.TLVs{{Tag: pdu.TagUserMessageReference, Value: []byte{1, 2}}}
		e.send(m)
		e.read()
		s.Once(pdu.CommandSubmitSM, func(*Conn, pdu.PDU) Action { return Answer(0x0B) })
		e.submit("821000000002")
		e.read()
		list := s.Submits()
		if len(list) != 2 {
			t.Fatalf("%d submits", len(list))
		}
		a, b := &list[0], &list[1]
		if a.ID != "a" || a.Receipt != "0010" || a.Status != 0 || a.Source() != "ACME" || a.Destination() != "821000000001" ||
			string(a.Payload()) != "hello" || a.Bind != 1 || len(a.PDU.TLVs) != 1 {
			t.Errorf("%+v", a)
		}
		if b.ID != "" || b.Status != 0x0B || b.Destination() != "821000000002" {
			t.Errorf("%+v", b)
		}
		s.Forget()
		if n := len(s.Submits()); n != 0 {
			t.Errorf("%d after Forget", n)
		}
	})
}

func TestRecordIsBounded(t *testing.T) {
	for _, mode := range []RecordMode{RecordFull, RecordIDs, RecordOff} {
		simulateSMSC(t, Options{Record: Record{Mode: mode, Limit: 10}, IDs: IDs{Source: Counter}}, func(t *testing.T, s *SMSC) {
			e := bound(t, s)
			for range 25 {
				e.submit("821000000001")
				e.read()
			}
			full, ids := s.Submits(), s.IDs()
			if n := len(full) + len(ids); n > 10 || (mode != RecordOff) != (n > 0) {
				t.Errorf("mode %d keeps %d", mode, n)
			}
			if mode == RecordFull && full[len(full)-1].ID != "19" || mode == RecordIDs && ids[len(ids)-1] != 25 {
				t.Errorf("mode %d: the newest is not the last", mode)
			}
			if mode != RecordOff && s.Forgotten()+uint64(len(full)+len(ids)) != 25 {
				t.Errorf("mode %d forgot %d", mode, s.Forgotten())
			}
		})
	}
}

func TestBindsAreRemembered(t *testing.T) {
	simulateSMSC(t, Options{}, func(t *testing.T, s *SMSC) {
		a := bound(t, s)
		a.submit("821000000001")
		a.read()
		a.conn.Close()
		bound(t, s)
		if err := s.Wait(t.Context(), func(st Stats) bool { return st.Connections == 1 }); err != nil {
			t.Fatal(err)
		}
		list := s.Binds()
		if len(list) != 2 || list[0].Up || list[0].Submits != 1 || list[0].MaxWindow != 1 || !list[1].Up {
			t.Errorf("%+v", list)
		}
		if st := s.Stats(); st.MaxWindow != 1 {
			t.Errorf("the window of a bind that is gone is forgotten: %d", st.MaxWindow)
		}
		if s.ResetPeaks(); s.Stats().MaxWindow != 0 {
			t.Error("ResetPeaks")
		}
	})
}

func TestJoined(t *testing.T) {
	part := func(to string, ref, total, seq byte, text string) *pdu.SubmitSM {
		m := message1(to)
		m.ESMClass = pdu.ESMClassUDHI
		m.ShortMessage = append([]byte{5, 0, 3, ref, total, seq}, text...)
		return m
	}
	sar := func(to string, seq byte, text string) *pdu.SubmitSM {
		m := message1(to)
		m.ShortMessage = []byte(text)
		m.TLVs = pdu.TLVs{{Tag: pdu.TagSARMsgRefNum, Value: []byte{0, 9}}, {Tag: pdu.TagSARTotalSegments, Value: []byte{2}}, {Tag: pdu.TagSARSegmentSeqnum, Value: []byte{seq}}}
		return m
	}
	payload := message1("4")
	payload.ShortMessage = nil
	payload.TLVs = pdu.TLVs{{Tag: pdu.TagMessagePayload, Value: []byte(strings.Repeat("long ", 100))}}
	ucs2 := message1("5")
	ucs2.DataCoding, ucs2.ShortMessage = 8, []byte{0xAC, 0x00}
	simulateSMSC(t, Options{}, func(t *testing.T, s *SMSC) {
		e := bound(t, s)
		for _, m := range []*pdu.SubmitSM{
			part("1", 7, 2, 2, "world"), part("2", 7, 2, 1, "alone"), part("1", 7, 2, 1, "hello "),
			part("1", 7, 2, 1, "hello "), // again
			part("1", 7, 2, 1, "other "), // the reference comes again
			sar("3", 1, "a"), sar("3", 2, "b"), payload, ucs2,
		} {
			e.send(m)
			e.read()
		}
		type short struct {
			to, text         string
			missing, repeats int
		}
		want := []short{{"1", "hello world", 0, 1}, {"2", "", 1, 0}, {"1", "", 1, 0}, {"3", "ab", 0, 0},
			{"4", strings.Repeat("long ", 100), 0, 0}, {"5", "가", 0, 0}}
		texts := s.Joined(&coding.Profile{})
		if len(texts) != len(want) {
			t.Fatalf("%d texts: %+v", len(texts), texts)
		}
		for i, x := range texts {
			if got := (short{x.Destination, x.Text, x.Missing, x.Repeats}); got != want[i] || x.Err != nil {
				t.Errorf("text %d: %+v, %v; want %+v", i, got, x.Err, want[i])
			}
		}
	})
}
