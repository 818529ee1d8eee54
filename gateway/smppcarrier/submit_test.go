package smppcarrier

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"bindery/gateway/dispatch"
	"bindery/queue"
	"bindery/smpp/coding"
	"bindery/smpp/pdu"
	"bindery/smpp/smsctest"
)

func hexOf(b []byte) string { return hex.EncodeToString(b) }

func TestWhatIsWritten(t *testing.T) {
	long := strings.Repeat("x", 200)
	at := func(sub dispatch.Submission, change func(*dispatch.Submission)) dispatch.Submission {
		change(&sub)
		return sub
	}
	umr := pdu.TLV{Tag: pdu.TagUserMessageReference, Value: []byte{0x12, 0x34}}
	for _, tc := range []struct {
		name string
		cfg  Config
		sub  dispatch.Submission
		want func(p *pdu.SubmitSM)
	}{
		{name: "plain", sub: text("hello"), want: func(p *pdu.SubmitSM) {
			p.ShortMessage = []byte("hello")
		}},
		{name: "alphanumeric sender", sub: at(text("hello"), func(s *dispatch.Submission) { s.Message.From = "Acme" }), want: func(p *pdu.SubmitSM) {
			p.ShortMessage, p.Source = []byte("hello"), pdu.Address{TON: 5, NPI: 0, Addr: []byte("Acme")}
		}},
		{name: "short code", sub: at(text("hello"), func(s *dispatch.Submission) { s.Message.From = "15448000" }), want: func(p *pdu.SubmitSM) {
			p.ShortMessage, p.Source = []byte("hello"), pdu.Address{TON: 3, NPI: 0, Addr: []byte("15448000")}
		}},
		{
			name: "short code of a carrier with its own idea", cfg: Config{Address: Addressing{Short: &Numbering{0, 1}}},
			sub: at(text("hello"), func(s *dispatch.Submission) { s.Message.From = "15448000" }), want: func(p *pdu.SubmitSM) {
				p.ShortMessage, p.Source = []byte("hello"), pdu.Address{TON: 0, NPI: 1, Addr: []byte("15448000")}
			},
		},
		{name: "national sender", sub: at(text("hello"), func(s *dispatch.Submission) { s.Message.From = "0212345678" }), want: func(p *pdu.SubmitSM) {
			p.ShortMessage, p.Source = []byte("hello"), pdu.Address{TON: 0, NPI: 1, Addr: []byte("0212345678")}
		}},
		{name: "urgent", sub: at(text("hello"), func(s *dispatch.Submission) { s.Message.Priority = queue.Urgent }), want: func(p *pdu.SubmitSM) {
			p.ShortMessage, p.PriorityFlag = []byte("hello"), 1
		}},
		{
			name: "carrier's habits",
			cfg:  Config{ServiceType: "CMT", ESMClass: 3, ProtocolID: 7, NoTLVs: true, Priority: &[3]uint8{3, 2, 1}},
			sub:  text("hello"), want: func(p *pdu.SubmitSM) {
				p.ShortMessage, p.ServiceType, p.ESMClass, p.ProtocolID, p.PriorityFlag, p.TLVs = []byte("hello"), []byte("CMT"), 3, 7, 2, nil
			},
		},
		{
			name: "no priority at all", cfg: Config{Priority: &[3]uint8{}},
			sub: at(text("hello"), func(s *dispatch.Submission) { s.Message.Priority = queue.Urgent }), want: func(p *pdu.SubmitSM) {
				p.ShortMessage = []byte("hello")
			},
		},
		{name: "part 2 by udh", sub: at(text(long), func(s *dispatch.Submission) { s.Parts, s.Position = 2, 1 }), want: func(p *pdu.SubmitSM) {
			p.ShortMessage = append([]byte{5, 0, 3, 0x34, 2, 2}, strings.Repeat("x", 47)...)
			p.ESMClass = 0x40
			p.TLVs = pdu.TLVs{{Tag: umr.Tag, Value: []byte{0x12, 0x35}}}
		}},
		{
			name: "part 1 by sar", cfg: Config{Coding: coding.Profile{Long: coding.SAR}},
			sub: at(text(long), func(s *dispatch.Submission) { s.Parts = 2 }), want: func(p *pdu.SubmitSM) {
				p.ShortMessage = []byte(strings.Repeat("x", 153))
				p.TLVs = append(p.TLVs,
					pdu.TLV{Tag: pdu.TagSARMsgRefNum, Value: []byte{0x12, 0x34}},
					pdu.TLV{Tag: pdu.TagSARTotalSegments, Value: []byte{2}},
					pdu.TLV{Tag: pdu.TagSARSegmentSeqnum, Value: []byte{1}})
			},
		},
		{
			name: "payload", cfg: Config{Coding: coding.Profile{Long: coding.Payload}}, sub: text(long), want: func(p *pdu.SubmitSM) {
				p.TLVs = append(p.TLVs, pdu.TLV{Tag: pdu.TagMessagePayload, Value: []byte(long)})
			},
		},
		{name: "forced ucs2", sub: at(text("hé"), func(s *dispatch.Submission) { s.Message.Encoding = "ucs2" }), want: func(p *pdu.SubmitSM) {
			p.ShortMessage, p.DataCoding = []byte{0, 'h', 0, 0xe9}, 8
		}},
		{
			name: "validity that the message named",
			sub: at(text("hello"), func(s *dispatch.Submission) {
				s.Message.ValidityNamed = true
				s.Deadline = deadline(49*time.Hour + 2*time.Minute + 3*time.Second)
			}),
			want: func(p *pdu.SubmitSM) {
				p.ShortMessage, p.ValidityPeriod = []byte("hello"), []byte("000002010203000R")
			},
		},
		{
			name: "validity as a moment", cfg: Config{AbsoluteValidity: true},
			sub: at(text("hello"), func(s *dispatch.Submission) {
				s.Message.ValidityNamed, s.Deadline = true, time.Date(2000, 2, 3, 13, 5, 6, 0, time.FixedZone("KST", 9*3600))
			}),
			want: func(p *pdu.SubmitSM) {
				p.ShortMessage, p.ValidityPeriod = []byte("hello"), []byte("000203040506000+")
			},
		},
		{name: "validity that is ours", sub: at(text("hello"), func(s *dispatch.Submission) { s.Deadline = deadline(time.Hour) }), want: func(p *pdu.SubmitSM) {
			p.ShortMessage = []byte("hello")
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			bubble(t, setup{cfg: tc.cfg}, func(r *rig) {
				if got := r.send(tc.sub); len(got) != 1 || got[0].Class != dispatch.ClassOK || got[0].ID == "" {
					t.Fatalf("outcomes %+v", got)
				}
				want := pdu.SubmitSM{
					Source:             pdu.Address{TON: 1, NPI: 1, Addr: []byte("15551230000")},
					Destination:        pdu.Address{TON: 1, NPI: 1, Addr: []byte("821000000001")},
					RegisteredDelivery: 1, TLVs: pdu.TLVs{umr},
				}
				tc.want(&want)
				got := r.smsc.Submits()[0].PDU
				want.Header = got.Header
				if d := cmp.Diff(canon(&want), canon(&got)); d != "" {
					t.Error(d)
				}
				r.wantSettled()
			})
		})
	}
}

// deadline is so long after the moment at which a rig's test begins.
func deadline(d time.Duration) time.Time {
	return time.Date(2000, 1, 1, 0, 0, 3, 0, time.UTC).Add(d)
}

// canon is a PDU as its octets, and in words for the difference.
func canon(p *pdu.SubmitSM) string {
	return strings.NewReplacer("[]uint8{}", "", "[]uint8(nil)", "", "pdu.TLVs{}", "", "pdu.TLVs(nil)", "").Replace(fmt.Sprintf("%#v", *p))
}

func TestWhatCannotBeWrittenEndsAlone(t *testing.T) {
	broken := coding.Profile{Encodings: []coding.Encoding{coding.GSM7, coding.Encoding(99)}} // what no table knows breaks off
	for _, tc := range []struct {
		name string
		cfg  Config
		bad  dispatch.Submission
		want told
	}{
		{"character", Config{Coding: coding.Profile{Encodings: []coding.Encoding{coding.GSM7}}}, text("가"), told{Class: dispatch.ClassPermanent, Code: "encoding"}},
		{"panic", Config{Coding: broken}, text("가"), told{Class: dispatch.ClassPermanent, Code: "encoding"}},
		{"encoding's name", Config{}, func() dispatch.Submission { s := text("x"); s.Message.Encoding = "utf-9"; return s }(), told{Class: dispatch.ClassPermanent, Code: "encoding"}},
		{"address", Config{}, func() dispatch.Submission { s := text("x"); s.Message.From = strings.Repeat("A", 21); return s }(), told{Class: dispatch.ClassPermanent, Code: "smpp:0x0A"}},
		{"parts", Config{}, text(strings.Repeat("x", 161)), told{Class: dispatch.ClassPermanent, Code: "encoding"}},
		{"surplus", Config{}, func() dispatch.Submission { s := text("x"); s.Parts, s.Position = 2, 1; return s }(), told{Class: dispatch.ClassSurplus}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			bubble(t, setup{cfg: tc.cfg}, func(r *rig) {
				subs := []dispatch.Submission{text("before"), tc.bad, text("after")}
				r.Submit(subs)
				pass(time.Second)
				if got := r.sink.of(&subs[1]); !slices.Equal(got, []told{tc.want}) {
					t.Errorf("outcomes %+v, want %+v", got, tc.want)
				}
				for _, i := range []int{0, 2} {
					if got := r.sink.of(&subs[i]); len(got) != 1 || got[0].Class != dispatch.ClassOK {
						t.Errorf("%q: %+v", subs[i].Message.Text, got)
					}
				}
				r.wantSettled()
			})
		})
	}
}

func TestStatuses(t *testing.T) {
	for status, want := range map[pdu.CommandStatus]told{
		pdu.StatusThrottled: {Class: dispatch.ClassThrottled, Code: "smpp:0x58"},
		pdu.StatusInvDstAdr: {Class: dispatch.ClassPermanent, Code: "smpp:0x0B"},
		pdu.StatusSysErr:    {Class: dispatch.ClassTemporary, Code: "smpp:0x08"},
		pdu.StatusMsgQFul:   {Class: dispatch.ClassTemporary, Code: "smpp:0x14"},
		pdu.StatusInvBndSts: {Class: dispatch.ClassSession, Code: "smpp:0x04"},
		0x2FF:               {Class: dispatch.ClassTemporary, Code: "smpp:0x2FF"},
		0x401:               {Class: dispatch.ClassTemporary, Code: "smpp:0x401"},
		0x402:               {Class: dispatch.ClassThrottled, Code: "smpp:0x402"},
		pdu.StatusXRAppn:    {Class: dispatch.ClassTemporary, Code: "smpp:0x66"},
	} {
		cfg := Config{Statuses: map[pdu.CommandStatus]dispatch.Class{0x402: dispatch.ClassThrottled, pdu.StatusXRAppn: dispatch.ClassTemporary}}
		for _, nack := range []bool{false, true} {
			bubble(t, setup{cfg: cfg}, func(r *rig) {
				act := smsctest.Answer(status)
				if nack {
					act = smsctest.Nack(status)
				}
				r.smsc.Once(pdu.CommandSubmitSM, func(*smsctest.Conn, pdu.PDU) smsctest.Action { return act })
				if got := r.send(text("x")); !slices.Equal(got, []told{want}) {
					t.Errorf("status 0x%X, nack %t: %+v, want %+v", uint32(status), nack, got, want)
				}
				r.wantSettled()
			})
		}
	}
}

// TestAStatusThatIsTaken: a carrier's settings may take a status for OK; a
// generic_nack with it is none.
func TestAStatusThatIsTaken(t *testing.T) {
	cfg := Config{Statuses: map[pdu.CommandStatus]dispatch.Class{0x403: dispatch.ClassOK}}
	bubble(t, setup{cfg: cfg}, func(r *rig) {
		r.smsc.Once(pdu.CommandSubmitSM, func(_ *smsctest.Conn, p pdu.PDU) smsctest.Action {
			resp := pdu.SubmitSMResp{Header: pdu.Header{Sequence: p.Head().Sequence, Status: 0x403}, MessageID: []byte("again")}
			b, _ := resp.AppendTo(nil)
			return smsctest.Raw(b)
		})
		if got := r.send(text("x")); !slices.Equal(got, []told{{Class: dispatch.ClassOK, ID: "again"}}) {
			t.Errorf("with an id: %+v", got)
		}
		for _, act := range []struct {
			smsctest.Action
			want told
		}{
			{smsctest.Answer(0x403), told{Class: dispatch.ClassOK}},
			{smsctest.Nack(0x403), told{Class: dispatch.ClassTemporary, Code: "smpp:0x403"}},
		} {
			r.smsc.Once(pdu.CommandSubmitSM, func(*smsctest.Conn, pdu.PDU) smsctest.Action { return act.Action })
			if got := r.send(text("y")); !slices.Equal(got, []told{act.want}) {
				t.Errorf("%+v, want %+v", got, act.want)
			}
		}
		r.wantSettled()
	})
}

func TestQueueFullForEverybodyThrottles(t *testing.T) {
	for full, want := range map[int]dispatch.Class{20: dispatch.ClassThrottled, 8: dispatch.ClassTemporary} {
		bubble(t, setup{window: 50}, func(r *rig) {
			n := 0
			r.smsc.On(pdu.CommandSubmitSM, func(*smsctest.Conn, pdu.PDU) smsctest.Action {
				if n++; n <= full {
					return smsctest.Answer(pdu.StatusMsgQFul)
				}
				return smsctest.Pass()
			})
			subs := make([]dispatch.Submission, 20)
			for i := range subs {
				subs[i] = text(fmt.Sprint(i))
			}
			r.Submit(subs)
			pass(time.Second)
			if got := r.sink.of(&subs[full-1]); len(got) != 1 || got[0].Class != want {
				t.Errorf("%d of 20 full: %+v, want %s", full, got, want)
			}
		})
	}
}

func TestNoIDIsStillTaken(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		r.smsc.Once(pdu.CommandSubmitSM, func(_ *smsctest.Conn, p pdu.PDU) smsctest.Action {
			resp := pdu.SubmitSMResp{Header: pdu.Header{Sequence: p.Head().Sequence}, MessageID: []byte{}}
			b, _ := resp.AppendTo(nil)
			return smsctest.Raw(b)
		})
		if got := r.send(text("x")); !slices.Equal(got, []told{{Class: dispatch.ClassOK}}) {
			t.Errorf("%+v", got)
		}
	})
}

// S04: the time-out is told, its slot is not free, the late answer follows.
func TestTimeoutThenLateAnswer(t *testing.T) {
	bubble(t, setup{window: 1, timeout: 10 * time.Second}, func(r *rig) {
		r.smsc.Once(pdu.CommandSubmitSM, func(*smsctest.Conn, pdu.PDU) smsctest.Action { return smsctest.Delay(12 * time.Second) })
		subs := []dispatch.Submission{text("x")}
		r.Submit(subs)
		pass(11 * time.Second)
		if got := r.sink.of(&subs[0]); !slices.Equal(got, []told{{Class: dispatch.ClassUncertain, Code: "uncertain"}}) {
			t.Fatalf("at 11 s: %+v", got)
		}
		if r.Slots() != 0 {
			t.Error("an overdue submit does not count in the window any more")
		}
		pass(2 * time.Second)
		got := r.sink.of(&subs[0])
		if len(got) != 2 || !got[1].Late || got[1].Class != dispatch.ClassOK || got[1].ID == "" {
			t.Fatalf("at 13 s: %+v", got)
		}
		if r.Slots() != 1 {
			t.Error("the slot is not free")
		}
		r.wantSettled()
	})
}

func TestCutMidWindow(t *testing.T) {
	bubble(t, setup{window: 20}, func(r *rig) {
		r.smsc.On(pdu.CommandSubmitSM, func(*smsctest.Conn, pdu.PDU) smsctest.Action { return smsctest.Silence() })
		subs := make([]dispatch.Submission, 15)
		for i := range subs {
			subs[i] = text(fmt.Sprint(i))
		}
		r.Submit(subs)
		pass(time.Second)
		if r.Slots() != 5 || r.Window() != 20 {
			t.Errorf("%d slots of %d", r.Slots(), r.Window())
		}
		r.smsc.Set(func(o *smsctest.Options) {
			o.Authorize = func(*pdu.Bind) pdu.CommandStatus { return pdu.StatusSysErr }
		})
		r.smsc.Cut()
		pass(100 * time.Millisecond)
		for i := range subs {
			if got := r.sink.of(&subs[i]); len(got) != 1 || got[0].Class != dispatch.ClassUncertain || got[0].Late {
				t.Errorf("%d: %+v", i, got)
			}
		}
		if r.Slots() != 0 || r.Window() != 0 {
			t.Errorf("%d slots of %d with no bind", r.Slots(), r.Window())
		}
		r.wantSettled()
		r.smsc.Set(func(o *smsctest.Options) { o.Authorize = nil })
		pass(3 * time.Minute)
		if r.Window() != 20 {
			t.Error("not bound again")
		}
	})
}

func TestTimeoutsOfABindThatWentLeaveNothing(t *testing.T) {
	bubble(t, setup{window: 5, timeout: time.Second}, func(r *rig) {
		r.smsc.On(pdu.CommandSubmitSM, func(*smsctest.Conn, pdu.PDU) smsctest.Action { return smsctest.Silence() })
		subs := []dispatch.Submission{text("1"), text("2")}
		r.Submit(subs)
		pass(2 * time.Second)
		if n := r.tokens.open(); n != 2 {
			t.Errorf("%d tokens wait for a late answer", n)
		}
		r.smsc.Cut()
		pass(100 * time.Millisecond)
		r.wantSettled()
		for i := range subs {
			if got := r.sink.of(&subs[i]); len(got) != 1 {
				t.Errorf("%+v", got)
			}
		}
	})
}

func TestGateAndNoBindAreUnsent(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		r.shut(true)
		if got := r.send(text("gated")); !slices.Equal(got, []told{{Class: dispatch.ClassUnsent}}) {
			t.Errorf("gate: %+v", got)
		}
		r.shut(false)
		r.SetBinds(0)
		pass(time.Second)
		if got := r.send(text("alone")); !slices.Equal(got, []told{{Class: dispatch.ClassUnsent}}) {
			t.Errorf("no bind: %+v", got)
		}
		if n := len(r.smsc.Submits()); n != 0 {
			t.Errorf("%d were written", n)
		}
		r.SetBinds(1)
		pass(3 * time.Second)
		if got := r.send(text("again")); len(got) != 1 || got[0].Class != dispatch.ClassOK {
			t.Errorf("bound again: %+v", got)
		}
		r.wantSettled()
	})
}

// P22: the peer says 3.3 in its bind_resp; it is sent no TLVs.
func TestPeerOf33GetsNoTLV(t *testing.T) {
	for version, want := range map[byte]int{pdu.Version33: 0, pdu.Version34: 1, 0: 1} {
		var got []pdu.TLVs
		answer := func(_ *smsctest.Conn, p pdu.PDU) smsctest.Action {
			resp := pdu.BindResp{Header: pdu.Header{ID: pdu.CommandBindTransceiverResp, Sequence: p.Head().Sequence}}
			if version != 0 {
				resp.TLVs = pdu.TLVs{{Tag: pdu.TagSCInterfaceVersion, Value: []byte{version}}}
			}
			b, err := resp.AppendTo(nil)
			if err != nil {
				t.Error(err)
			}
			return smsctest.Raw(b)
		}
		see := func(_ *smsctest.Conn, p pdu.PDU) smsctest.Action {
			got = append(got, slices.Clone(p.(*pdu.SubmitSM).TLVs))
			return smsctest.Pass()
		}
		bubble(t, setup{hooks: map[pdu.CommandID]smsctest.Hook{pdu.CommandBindTransceiver: answer, pdu.CommandSubmitSM: see}}, func(r *rig) {
			r.send(text("x"))
		})
		if len(got) != 1 || len(got[0]) != want {
			t.Errorf("version 0x%02X: TLVs %v", version, got)
		}
	}
}

// S11: the carrier unbinds with two submits open; they are answered, nothing
// new is written, the bind comes back.
func TestCarrierUnbinds(t *testing.T) {
	bubble(t, setup{window: 5}, func(r *rig) {
		r.smsc.On(pdu.CommandSubmitSM, func(*smsctest.Conn, pdu.PDU) smsctest.Action { return smsctest.Delay(time.Second) })
		subs := []dispatch.Submission{text("m1"), text("m2")}
		r.Submit(subs)
		pass(100 * time.Millisecond)
		r.smsc.On(pdu.CommandUnbindResp, func(*smsctest.Conn, pdu.PDU) smsctest.Action { return smsctest.Drop() }) // it would close at once
		r.deliverHex("0000001000000006000000000000004d")
		if r.Slots() != 0 {
			t.Errorf("%d slots of a session that unbinds", r.Slots())
		}
		pass(2 * time.Second)
		for i := range subs {
			if got := r.sink.of(&subs[i]); len(got) != 1 || got[0].Class != dispatch.ClassOK {
				t.Errorf("%d: %+v", i, got)
			}
		}
		pass(20 * time.Second)
		if r.Slots() != 5 {
			t.Error("not bound again")
		}
	})
}

func TestStopDrains(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		r.smsc.On(pdu.CommandSubmitSM, func(*smsctest.Conn, pdu.PDU) smsctest.Action { return smsctest.Delay(2 * time.Second) })
		subs := []dispatch.Submission{text("m1"), text("m2")}
		r.Submit(subs)
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := r.Stop(ctx); err != nil {
			t.Fatal(err)
		}
		for i := range subs {
			if got := r.sink.of(&subs[i]); len(got) != 1 || got[0].Class != dispatch.ClassOK {
				t.Errorf("%d: %+v", i, got)
			}
		}
		r.wantSettled()
	})
}

func TestStopTellsWhatIsUnanswered(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		r.smsc.On(pdu.CommandSubmitSM, func(*smsctest.Conn, pdu.PDU) smsctest.Action { return smsctest.Silence() })
		subs := []dispatch.Submission{text("m1")}
		r.Submit(subs)
		ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
		defer cancel()
		_ = r.Stop(ctx) // whether the unbind was answered in time is not this test's
		if got := r.sink.of(&subs[0]); len(got) != 1 || got[0].Class != dispatch.ClassUncertain {
			t.Errorf("%+v", got)
		}
		r.wantSettled()
	})
}

func TestTwoBindsShareTheLoad(t *testing.T) {
	bubble(t, setup{binds: 2, window: 5}, func(r *rig) {
		if r.Window() != 10 {
			t.Fatalf("window %d", r.Window())
		}
		r.smsc.On(pdu.CommandSubmitSM, func(*smsctest.Conn, pdu.PDU) smsctest.Action { return smsctest.Delay(time.Second) })
		subs := make([]dispatch.Submission, 10)
		for i := range subs {
			subs[i] = text(fmt.Sprint(i))
		}
		r.Submit(subs)
		pass(500 * time.Millisecond)
		for _, b := range r.smsc.Binds() {
			if b.Open != 5 {
				t.Errorf("bind %d has %d open", b.Number, b.Open)
			}
		}
		for _, b := range r.Snapshot() {
			if b.Window != 5 || b.InUse != 5 {
				t.Errorf("snapshot %+v", b)
			}
		}
		pass(2 * time.Second)
		r.wantSettled()
	})
}
