package smppcarrier

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"bindery/gateway/dispatch"
	"bindery/queue"
	"bindery/smpp/pdu"
	"bindery/smpp/smsctest"
)

// wanted is what a case expects of one PDU.
type wanted struct {
	Kind    string
	Matches *string
	State   *string
	Final   *bool
	Err     *string
	Reply   string
}

type receiptCase struct {
	ID    string
	Input struct{ PDUs []string }
	// One expectation, or one for each PDU.
	Expect struct {
		wanted
		Each []wanted
	}
}

var statuses = map[string]queue.Status{
	"DELIVERED": queue.StatusDelivered, "UNDELIVERABLE": queue.StatusUndelivered, "EXPIRED": queue.StatusExpired,
	"REJECTED": queue.StatusRejected, "ACCEPTED": queue.StatusEnroute, "ENROUTE": queue.StatusEnroute,
	"DELETED": queue.StatusUndelivered, "UNKNOWN": queue.StatusUnknown,
}

func TestReceiptCases(t *testing.T) {
	for _, tc := range cases[receiptCase](t, "receipts.jsonl") {
		t.Run(tc.ID, func(t *testing.T) {
			each := tc.Expect.Each
			if each == nil {
				each = []wanted{tc.Expect.wanted}
			}
			bubble(t, setup{}, func(r *rig) {
				r.deliverHex(tc.Input.PDUs...)
				var replies []string
				for i, w := range each {
					replies = append(replies, w.Reply)
					r.check(i, w)
				}
				if got := r.said(); !slices.Equal(got, replies) {
					t.Errorf("replies\n got %q\nwant %q", got, replies)
				}
				if n := r.acks.waiting(); n != 0 {
					t.Errorf("%d requests wait for an answer", n)
				}
			})
		})
	}
}

// check holds what the sink got for PDU i against a case.
func (r *rig) check(i int, w wanted) {
	r.t.Helper()
	r.sink.mu.Lock()
	defer r.sink.mu.Unlock()
	switch w.Kind {
	case "unparsed_receipt":
		if len(r.sink.unparsed) != 1 || len(r.sink.unparsed[0].Raw) < 16 || len(r.sink.receipts) > 0 {
			r.t.Errorf("unparsed %v, receipts %v", r.sink.unparsed, r.sink.receipts)
		}
	case "receipt":
		if i >= len(r.sink.receipts) {
			r.t.Errorf("receipt %d did not come; unparsed %d, inbound %d", i, len(r.sink.unparsed), len(r.sink.inbounds))
			return
		}
		got := r.sink.receipts[i]
		if want := statuses[*w.State]; got.Status != want {
			r.t.Errorf("receipt %d: status %d, want %s", i, got.Status, *w.State)
		}
		if got.To != "821000000001" && got.To != "821000000004" {
			r.t.Errorf("receipt %d: to %q", i, got.To)
		}
		if len(got.IDs) == 0 || got.At.IsZero() {
			r.t.Errorf("receipt %d: %+v", i, got)
		}
	default:
		r.t.Errorf("kind %q", w.Kind)
	}
}

// deliverHex has the SMSC write PDUs, all in one write.
func (r *rig) deliverHex(pdus ...string) {
	r.t.Helper()
	octets, err := hex.DecodeString(strings.Join(pdus, ""))
	if err != nil {
		r.t.Fatal(err)
	}
	if _, err := r.conn().Write(octets); err != nil {
		r.t.Fatal(err)
	}
	pass(100 * time.Millisecond)
}

func TestInboundCases(t *testing.T) {
	type pduCase struct {
		ID    string
		Input struct {
			FromSMSC []string `json:"from_smsc"`
		}
		Expect struct {
			Result, Text, Reply json.RawMessage
		}
	}
	// A single value or a list of them.
	list := func(raw json.RawMessage) (out []string) {
		if json.Unmarshal(raw, &out) != nil {
			var one string
			if json.Unmarshal(raw, &one) == nil {
				out = []string{one}
			}
		}
		return out
	}
	seen := 0
	for _, tc := range cases[pduCase](t, "pdus.jsonl") {
		if !slices.Contains(list(tc.Expect.Result), "mo") {
			continue
		}
		seen++
		t.Run(tc.ID, func(t *testing.T) {
			bubble(t, setup{}, func(r *rig) {
				r.deliverHex(tc.Input.FromSMSC...)
				var texts []string
				for _, m := range r.sink.inbounds {
					texts = append(texts, m.Text)
					if m.From != "+821000000001" || m.To != "15880000" || m.At.IsZero() || len(m.Raw) == 0 {
						t.Errorf("inbound %+v", m)
					}
				}
				if want := list(tc.Expect.Text); !slices.Equal(texts, want) {
					t.Errorf("texts %q, want %q", texts, want)
				}
				if got, want := r.said(), list(tc.Expect.Reply); !slices.Equal(got, want) {
					t.Errorf("replies %q, want %q", got, want)
				}
			})
		})
	}
	if seen < 4 {
		t.Fatalf("%d cases of inbound messages", seen)
	}
}

func receiptText(id string) *pdu.DeliverSM {
	return &pdu.DeliverSM{
		ESMClass: pdu.ESMClassReceipt,
		Source:   pdu.Address{TON: 1, NPI: 1, Addr: []byte("821000000001")}, Destination: pdu.Address{Addr: []byte("15880000")},
		ShortMessage: []byte("id:" + id + " sub:001 dlvrd:001 submit date:2401010000 done date:2401010000 stat:DELIVRD err:000 text:"),
	}
}

func TestWhatIsNotStoredIsRepeated(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		r.sink.store = errAway
		if err := r.conn().Send(receiptText("1")); err != nil {
			t.Fatal(err)
		}
		pass(time.Second)
		if got := r.said(); len(got) != 1 || !strings.Contains(got[0], "80000005"+"00000064") {
			t.Errorf("replies %q", got)
		}
	})
}

func TestAnswersAfterTheSession(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		r.sink.keep = true
		if err := r.conn().Send(receiptText("1")); err != nil {
			t.Fatal(err)
		}
		pass(time.Second)
		if len(r.sink.receipts) != 1 || len(r.said()) != 0 {
			t.Fatalf("%d receipts, replies %q", len(r.sink.receipts), r.said())
		}
		first := r.sink.receipts[0].Ack
		r.smsc.Cut()
		pass(10 * time.Second) // bound again
		first.To.Stored(first.Token, nil)
		if err := r.conn().Send(receiptText("2")); err != nil {
			t.Fatal(err)
		}
		pass(time.Second)
		first.To.Stored(first.Token, nil) // the row is the second receipt's by now
		pass(time.Second)
		if got := r.said(); len(got) != 0 {
			t.Errorf("answered on another session: %q", got)
		}
		second := r.sink.receipts[1].Ack
		second.To.Stored(second.Token, nil)
		pass(time.Second)
		if got := r.said(); len(got) != 1 || !strings.Contains(got[0], "80000005"+"00000000") {
			t.Errorf("replies %q", got)
		}
	})
}

// One write of the carrier brings responses and receipts: outcomes are told
// first.
func TestOutcomesComeBeforeReceipts(t *testing.T) {
	for _, when := range []smsctest.Timing{smsctest.With} {
		bubble(t, setup{window: 20, options: smsctest.Options{Receipts: smsctest.Receipts{When: when}}}, func(r *rig) {
			subs := make([]dispatch.Submission, 20)
			for i := range subs {
				subs[i] = text(fmt.Sprint(i))
			}
			r.Submit(subs)
			pass(5 * time.Second)
			if len(r.sink.receipts) != 20 {
				t.Fatalf("%d receipts", len(r.sink.receipts))
			}
			ids := map[string]bool{}
			for i := range subs {
				ids[r.sink.of(&subs[i])[0].ID] = true
			}
			for _, rc := range r.sink.receipts {
				if !ids[rc.IDs[0]] {
					t.Errorf("receipt for %q, which no response gave", rc.IDs)
				}
			}
			outcomes := 0
			for i, what := range r.sink.order {
				if what == "outcome" {
					outcomes++
				} else if outcomes < i+1-outcomes {
					t.Fatalf("a receipt before its outcome: %q", r.sink.order[:i+1])
				}
			}
		})
	}
}

// S15: receipts come by the other half of a pair.
func TestPair(t *testing.T) {
	bubble(t, setup{pair: true, options: smsctest.Options{Receipts: smsctest.Receipts{When: smsctest.After, Bind: smsctest.AnyBind}}}, func(r *rig) {
		if got := r.send(text("x")); len(got) != 1 || got[0].Class != dispatch.ClassOK {
			t.Fatalf("%+v", got)
		}
		pass(5 * time.Second)
		if len(r.sink.receipts) != 1 || len(r.said()) != 1 {
			t.Errorf("%d receipts, replies %q", len(r.sink.receipts), r.said())
		}
		if r.Window() != 10 {
			t.Errorf("a pair is one bind: window %d", r.Window())
		}
	})
}

// S13: receipts as fast as they come, and Redis slow: the session lives, every
// one is answered.
func TestFlood(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		r.sink.keep = true
		for i := range 5000 {
			if err := r.conn().Send(receiptText(fmt.Sprint(i))); err != nil {
				t.Fatal(err)
			}
		}
		r.conn().EnquireLink()
		pass(time.Second)
		for _, rc := range r.sink.receipts {
			rc.Ack.To.Stored(rc.Ack.Token, nil)
		}
		pass(time.Second)
		if n := len(r.said()); n != 5000 || r.Window() == 0 {
			t.Errorf("%d answers, window %d", n, r.Window())
		}
		if n := r.acks.waiting(); n != 0 {
			t.Errorf("%d acks wait", n)
		}
	})
}

func TestRequestsThatWeDoNotTake(t *testing.T) {
	bubble(t, setup{}, func(r *rig) {
		alert := &pdu.AlertNotification{Header: pdu.Header{Sequence: 7}, Source: pdu.Address{Addr: []byte("a")}, ESME: pdu.Address{Addr: []byte("b")}}
		if err := r.conn().Send(alert); err != nil {
			t.Fatal(err)
		}
		pass(time.Second)
		if got := r.said(); len(got) != 0 {
			t.Errorf("alert_notification has no answer: %q", got)
		}
		if got := r.send(text("x")); len(got) != 1 || got[0].Class != dispatch.ClassOK {
			t.Errorf("%+v", got)
		}
	})
}
