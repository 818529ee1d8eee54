package dlr

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"bindery/smpp/coding"
	"bindery/smpp/pdu"
)

// receiptCase is one line of testdata/receipts.jsonl.
type receiptCase struct {
	ID    string `json:"id"`
	Input struct {
		PDUs []string `json:"pdus"`
		Sent []struct {
			MessageID string `json:"message_id"`
		} `json:"sent"`
		Profile struct {
			Alphabet string `json:"default_alphabet"`
			Resp     string `json:"resp_id"`
			Receipt  string `json:"receipt_id"`
		} `json:"profile"`
	} `json:"input"`
	Expect receiptExpect `json:"expect"`
}

type receiptExpect struct {
	Each    []receiptExpect `json:"each"`
	Kind    string          `json:"kind"`
	Matches *string         `json:"matches"`
	State   *string         `json:"state"`
	Final   *bool           `json:"final"`
	Err     *string         `json:"err"`
	Submit  *string         `json:"submit_date"`
	Done    *string         `json:"done_date"`
	Text    *string         `json:"text"`
	Network string          `json:"network_error"`
	IDs     *struct {
		Text *string `json:"text"`
		TLV  *string `json:"tlv"`
	} `json:"ids"`
}

func TestReceiptCases(t *testing.T) {
	data, err := os.ReadFile("testdata/receipts.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for line := range strings.Lines(string(data)) {
		var c receiptCase
		if err := json.Unmarshal([]byte(line), &c); err != nil {
			t.Fatal(err)
		}
		seen++
		t.Run(c.ID, func(t *testing.T) {
			each := c.Expect.Each
			if each == nil {
				each = []receiptExpect{c.Expect}
			}
			if len(each) != len(c.Input.PDUs) {
				t.Fatalf("%d PDUs, %d expectations", len(c.Input.PDUs), len(each))
			}
			for i, want := range each {
				checkReceipt(t, &c, noticeOf(t, c.Input.PDUs[i]), want)
			}
		})
	}
	if seen != 19 {
		t.Errorf("%d cases, want 19", seen)
	}
}

func noticeOf(t *testing.T, dump string) Notice {
	t.Helper()
	frame, err := hex.DecodeString(dump)
	if err != nil {
		t.Fatal(err)
	}
	var deliver pdu.DeliverSM
	if err := deliver.Decode(frame); err == nil {
		return noticeFrom(deliver.ESMClass, deliver.Payload(), deliver.TLVs)
	}
	var data pdu.DataSM
	if err := data.Decode(frame); err != nil {
		t.Fatal(err)
	}
	payload, _ := data.TLVs.Get(pdu.TagMessagePayload)
	return noticeFrom(data.ESMClass, payload, data.TLVs)
}

func noticeFrom(esm uint8, octets []byte, tlvs pdu.TLVs) Notice {
	n := Notice{ESMClass: esm, Octets: octets}
	n.MessageID, _ = tlvs.Get(pdu.TagReceiptedMessageID)
	n.State, n.HasState = tlvs.Uint8(pdu.TagMessageState)
	n.NetworkError, _ = tlvs.Get(pdu.TagNetworkErrorCode)
	return n
}

func checkReceipt(t *testing.T, c *receiptCase, n Notice, want receiptExpect) {
	t.Helper()
	if !n.IsReceipt() {
		t.Error("not taken for a receipt")
	}
	r, err := ParseReceipt(n)
	if want.Kind == "unparsed_receipt" {
		if !errors.Is(err, ErrUnparsed) || string(r.Text) != *want.Text {
			t.Errorf("got %v, text %q, want an unparsed receipt of %q", err, r.Text, *want.Text)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if r.State.String() != *want.State || r.Final != *want.Final {
		t.Errorf("state %s, final %v, want %s, %v", r.State, r.Final, *want.State, *want.Final)
	}
	checkOctets(t, "err", r.Err, want.Err)
	checkDate(t, "submit_date", r.SubmitDate, want.Submit)
	checkDate(t, "done_date", r.DoneDate, want.Done)
	checkText(t, c.Input.Profile.Alphabet, r.Text, want.Text)
	if got := hex.EncodeToString(r.NetworkError); got != want.Network {
		t.Errorf("network_error %q, want %q", got, want.Network)
	}
	if want.IDs != nil {
		checkOctets(t, "text id", r.TextID, want.IDs.Text)
		checkOctets(t, "tlv id", r.TLVID, want.IDs.TLV)
	}
	checkMatch(t, c, &r, *want.Matches)
}

// checkMatch looks the ids up as the carrier's home does: the surer first, by
// their variants, and only one of the open messages may be met.
func checkMatch(t *testing.T, c *receiptCase, r *Report, want string) {
	t.Helper()
	forms := map[string]IDForm{"": Auto, "hex": Hex, "dec": Decimal}
	for _, id := range r.Receipt(new(Copies), nil, time.Time{}).IDs {
		var met []string
		for _, s := range c.Input.Sent {
			if slices.Contains(Variants(id, forms[c.Input.Profile.Resp], forms[c.Input.Profile.Receipt]), Normal(s.MessageID)) {
				met = append(met, s.MessageID)
			}
		}
		if len(met) > 0 {
			if len(met) > 1 || met[0] != want {
				t.Errorf("id %q matches %q, want %q", id, met, want)
			}
			return
		}
	}
	t.Errorf("no message for %q, %q", r.TLVID, r.TextID)
}

func checkOctets(t *testing.T, what string, got []byte, want *string) {
	t.Helper()
	if (got == nil) != (want == nil) || want != nil && string(got) != *want {
		t.Errorf("%s %q (none: %v), want %s", what, got, got == nil, show(want))
	}
}

func checkDate(t *testing.T, what string, digits []byte, want *string) {
	t.Helper()
	seoul := time.FixedZone("KST", 9*3600)
	at, ok := ParseDate(digits, seoul)
	if ok != (want != nil) {
		t.Errorf("%s of %q: %v, want %s", what, digits, at, show(want))
		return
	}
	if !ok {
		return
	}
	layout := "2006-01-02T15:04:05"[:len(*want)]
	if at.Format(layout) != *want || at.Location() != seoul {
		t.Errorf("%s of %q: %v, want %s", what, digits, at, *want)
	}
}

func checkText(t *testing.T, alphabet string, got []byte, want *string) {
	t.Helper()
	p := coding.Profile{DataCoding: map[coding.Encoding]uint8{coding.ASCII: 0}, Encodings: []coding.Encoding{coding.ASCII}}
	if alphabet == "gsm" {
		p = coding.Profile{Encodings: []coding.Encoding{coding.GSM7}}
	}
	text, err := p.Decode(got, 0)
	if err != nil {
		t.Error(err)
	}
	if want != nil && got != nil && text != *want || (got == nil) != (want == nil) {
		t.Errorf("text %q (none: %v), want %s", text, got == nil, show(want))
	}
}

func show(s *string) string {
	if s == nil {
		return "none"
	}
	return *s
}
