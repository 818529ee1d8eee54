package probe

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"bindery/config"
	"bindery/dlr"
	"bindery/smpp/pdu"
	"bindery/smpp/smsctest"
)

func sending(t *testing.T, s *smsctest.SMSC, driver string, change func(*config.Carrier)) Options {
	o := options(t, s.Addr(), change)
	o.Driver, o.To, o.From, o.Enquiries = driver, "+821012345678", "1544", 1
	return o
}

// TestReceiptHabits: how the id of the receipt differs from the submit's, and
// what message_id would fit.
func TestReceiptHabits(t *testing.T) {
	for _, c := range []struct {
		ids             smsctest.IDs
		submit, receipt string
		says, fits      string
		fault           string
	}{
		{smsctest.IDs{}, "auto", "auto", "the same text", "auto", ""},
		{smsctest.IDs{}, "as-is", "as-is", "the same text", "auto", ""},
		{smsctest.IDs{Response: smsctest.UUID, Receipt: smsctest.UUID}, "auto", "auto", "the same text", "auto", ""},
		{smsctest.IDs{Response: smsctest.Hex, Receipt: smsctest.HexUpper}, "auto", "auto", "upper and lower case", "auto", ""},
		{smsctest.IDs{Response: smsctest.Hex, Receipt: smsctest.HexUpper}, "as-is", "as-is", "upper and lower case", "auto", "/id-setting"},
		{smsctest.IDs{Response: smsctest.Padded, Receipt: smsctest.Decimal}, "auto", "auto", "leading zeros", "auto", ""},
		{smsctest.IDs{Response: smsctest.HexUpperPad, Receipt: smsctest.Hex}, "auto", "auto", "case and leading zeros", "auto", ""},
		{smsctest.IDs{Response: smsctest.Hex, Receipt: smsctest.Decimal}, "auto", "auto", "same number in decimal", "{submit: hex, receipt: decimal}", ""},
		{smsctest.IDs{Response: smsctest.HexPadded, Receipt: smsctest.Padded}, "hex", "decimal", "same number in decimal", "{submit: hex, receipt: decimal}", ""},
		{smsctest.IDs{Response: smsctest.Hex, Receipt: smsctest.Decimal}, "hex", "hex", "same number in decimal", "{submit: hex, receipt: decimal}", "/id-setting"},
		{smsctest.IDs{Response: smsctest.Decimal, Receipt: smsctest.HexUpper}, "decimal", "decimal", "same number in hex", "{submit: decimal, receipt: hex}", "/id-setting"},
	} {
		bothDrivers(t, func(t *testing.T, driver string) {
			// A number whose hex has letters, and which is odd in every base.
			c.ids.Source, c.ids.First, c.ids.Width = smsctest.Counter, 0xABCDEF0123, 20
			s := listening(t, smsctest.Options{IDs: c.ids, Receipts: smsctest.Receipts{When: smsctest.After}}, nil)
			r := probed(t, sending(t, s, driver, func(k *config.Carrier) {
				k.MessageID = config.MessageID{Submit: c.submit, Receipt: c.receipt}
			}))
			if got := outcome(r.Addresses[0]); got != opened+"bind enquire_link submit_sm receipt"+c.fault+" unbind" {
				t.Fatalf("%+v: %s", c, got)
			}
			step := find(t, r.Addresses[0], "receipt")
			if says, _ := step.Facts["habit"].(string); !strings.Contains(says, c.says) || step.Facts["message_id"] != c.fits || step.Facts["configured"] != (c.fault == "") {
				t.Errorf("%+v: %v", c, step.Facts)
			}
			if raw, _ := step.Facts["raw"].(string); !strings.Contains(raw, "stat:DELIVRD") || !strings.Contains(step.Detail, raw) {
				t.Errorf("raw %q in %q", raw, step.Detail)
			}
		})
	}
}

// TestReceiptForms: wherever the receipt lies, and whenever it comes.
func TestReceiptForms(t *testing.T) {
	const bound = opened + "bind enquire_link submit_sm "
	for name, c := range map[string]struct {
		r    smsctest.Receipts
		want string
	}{
		"before the response":    {smsctest.Receipts{When: smsctest.Before, Delay: smsctest.Fixed(50 * time.Millisecond)}, bound + "receipt unbind"},
		"with it":                {smsctest.Receipts{When: smsctest.With}, bound + "receipt unbind"},
		"in TLVs":                {smsctest.Receipts{When: smsctest.After, Form: smsctest.TLVOnlyForm}, bound + "receipt unbind"},
		"in message_payload":     {smsctest.Receipts{When: smsctest.After, Form: smsctest.PayloadForm}, bound + "receipt unbind"},
		"after an intermediate":  {smsctest.Receipts{When: smsctest.After, Intermediate: []uint8{pdu.MessageStateEnroute}}, bound + "receipt unbind"},
		"undelivered":            {smsctest.Receipts{When: smsctest.After, Decide: func([]byte) uint8 { return pdu.MessageStateUndeliverable }}, bound + "receipt unbind"},
		"none":                   {smsctest.Receipts{}, bound + "receipt/no-receipt unbind"},
		"with an id of its own":  {smsctest.Receipts{When: smsctest.After, Format: anotherID}, bound + "receipt/id-unmatched unbind"},
		"only that it is queued": {smsctest.Receipts{When: smsctest.After, Decide: func([]byte) uint8 { return pdu.MessageStateEnroute }}, bound + "receipt unbind"},
	} {
		t.Run(name, func(t *testing.T) {
			bothDrivers(t, func(t *testing.T, driver string) {
				s := listening(t, smsctest.Options{Receipts: c.r}, nil)
				o := sending(t, s, driver, nil)
				if strings.Contains(name, "none") || strings.Contains(name, "own") || strings.Contains(name, "only") {
					o.Wait = 300 * time.Millisecond
				}
				if got := outcome(probed(t, o).Addresses[0]); got != c.want {
					t.Error(got)
				}
			})
		})
	}
}

func anotherID(dst []byte, _ smsctest.Receipt) []byte {
	return append(dst, "id:zz-77 sub:001 dlvrd:001 stat:DELIVRD err:000 text:"...)
}

// TestDataSMReceipt: go-smpp has no data_sm, so only our session sees it.
func TestDataSMReceipt(t *testing.T) {
	s := listening(t, smsctest.Options{Receipts: smsctest.Receipts{When: smsctest.After, Form: smsctest.DataSMForm}}, nil)
	if r := probed(t, sending(t, s, "native", nil)); !r.OK {
		t.Error(outcome(r.Addresses[0]))
	}
}

func TestSubmits(t *testing.T) {
	const bound = opened + "bind enquire_link "
	for _, c := range []struct {
		name string
		hook smsctest.Hook
		text string
		want string
	}{
		{"refused", answering(smsctest.Answer(pdu.StatusInvDstAdr)), "hello", bound + "submit_sm/submit-refused unbind"},
		{"nacked", answering(smsctest.Nack(pdu.StatusInvCmdID)), "hello", bound + "submit_sm/submit-refused unbind"},
		{"not answered", answering(smsctest.Silence()), "hello", bound + "submit_sm/no-answer unbind"},
		{"closed", answering(smsctest.Close()), "hello", bound + "submit_sm/closed"},
		{"without an id", func(_ *smsctest.Conn, p pdu.PDU) smsctest.Action {
			r, _ := (&pdu.SubmitSMResp{Header: pdu.Header{Sequence: p.Head().Sequence}}).AppendTo(nil)
			return smsctest.Raw(r)
		}, "hello", bound + "submit_sm/no-id unbind"},
		{"two parts", answering(smsctest.Pass()), strings.Repeat("x", 161), bound + "submit_sm/text unbind"},
		{"no such character", answering(smsctest.Pass()), "bad \xff", bound + "submit_sm/text unbind"},
		{"160", answering(smsctest.Pass()), strings.Repeat("€", 80), bound + "submit_sm receipt unbind"},
		{"Korean", answering(smsctest.Pass()), strings.Repeat("가", 70), bound + "submit_sm receipt unbind"},
	} {
		t.Run(c.name, func(t *testing.T) {
			bothDrivers(t, func(t *testing.T, driver string) {
				s := listening(t, smsctest.Options{Receipts: smsctest.Receipts{When: smsctest.After}}, nil)
				s.On(pdu.CommandSubmitSM, c.hook)
				o := sending(t, s, driver, nil)
				o.Text = c.text
				if c.name == "not answered" {
					o.Timeout = 300 * time.Millisecond
				}
				if got := outcome(probed(t, o).Addresses[0]); got != c.want {
					t.Error(got)
				}
				if !strings.Contains(c.want, "receipt") {
					return
				}
				if j := s.Joined(nil); len(j) != 1 || j[0].Text != c.text || j[0].Destination != "821012345678" {
					t.Errorf("the handset reads %+v", j)
				}
			})
		})
	}
}

// TestBothDriversWriteTheSame: an independent codec makes the same octets of
// the same message.
func TestBothDriversWriteTheSame(t *testing.T) {
	for _, text := range []string{"plain", "£5 @_$ ¡¿ Ää Ñ [ok] €", "안녕하세요 🚚"} {
		var wrote []string
		bothDrivers(t, func(t *testing.T, driver string) {
			s := listening(t, smsctest.Options{}, nil)
			o := sending(t, s, driver, func(*config.Carrier) {})
			o.Text, o.Wait = text, 0
			probed(t, o)
			p := s.Submits()[0].PDU
			p.Sequence, p.TLVs = 1, nil // the reference is drawn anew
			octets, err := p.AppendTo(nil)
			if err != nil {
				t.Fatal(err)
			}
			wrote = append(wrote, fmt.Sprintf("% x", octets))
		})
		if wrote[0] != wrote[1] {
			t.Errorf("%q:\n%s\n%s", text, wrote[0], wrote[1])
		}
	}
}

// TestOthersDeliveries: what is the gateway's goes back to the carrier, with
// and without a message of our own.
func TestOthersDeliveries(t *testing.T) {
	inbound := func() *pdu.DeliverSM {
		return &pdu.DeliverSM{Source: pdu.Address{TON: 1, NPI: 1, Addr: []byte("821099999999")}, Destination: pdu.Address{Addr: []byte("1544")}, ShortMessage: []byte("STOP")}
	}
	for _, to := range []string{"", "+821012345678"} {
		bothDrivers(t, func(t *testing.T, driver string) {
			s := listening(t, smsctest.Options{Receipts: smsctest.Receipts{When: smsctest.After, Delay: smsctest.Fixed(50 * time.Millisecond), Retry: smsctest.Fixed(time.Minute)}}, nil)
			s.Once(pdu.CommandEnquireLink, func(c *smsctest.Conn, _ pdu.PDU) smsctest.Action {
				c.Deliver(inbound())
				return smsctest.Pass()
			})
			s.On(pdu.CommandSubmitSM, func(c *smsctest.Conn, _ pdu.PDU) smsctest.Action {
				c.Deliver(inbound())
				return smsctest.Pass()
			})
			o := sending(t, s, driver, nil)
			o.To, o.Enquiries = to, 3
			r := probed(t, o)
			st, want := s.Stats(), uint64(1)
			if to != "" {
				want = 2
			}
			if !r.OK || st.AckErrors != want || st.Acked != want-1 {
				t.Errorf("%s, %d handed back of %d, %d kept", outcome(r.Addresses[0]), st.AckErrors, want, st.Acked)
			}
			if len(r.Notes) != 2 || !strings.Contains(r.Notes[1], fmt.Sprintf("%d deliveries", want)) {
				t.Errorf("notes %q", r.Notes)
			}
		})
	}
}

func TestHexMasksPasswords(t *testing.T) {
	for _, id := range []pdu.CommandID{pdu.BindTransceiver, pdu.BindReceiver, pdu.BindTransmitter} {
		whole, err := (&pdu.Bind{Header: pdu.Header{ID: id, Sequence: 1}, SystemID: []byte("me"), Password: []byte("secret"), SystemType: []byte("x")}).AppendTo(nil)
		if err != nil {
			t.Fatal(err)
		}
		got := Hex(Frame{Out: true, Octets: whole})
		if !strings.Contains(got, " 6d 65 00 ** ** ** ** ** ** 00 78 00 ") || !strings.HasPrefix(got, "-> ") || !strings.Contains(got, id.String()) {
			t.Errorf("%s", got)
		}
		for n := pdu.HeaderLen; n < len(whole); n++ { // however it is cut short
			if got := Hex(Frame{Octets: append([]byte{0, 0, 0, byte(n)}, whole[4:n]...)}); strings.Contains(got, " 73") {
				t.Errorf("of %d octets: %s", n, got)
			}
		}
	}
}

func TestMatch(t *testing.T) {
	r := func(tlv, text string) *dlr.Report {
		rep := &dlr.Report{}
		if tlv != "" {
			rep.TLVID = []byte(tlv)
		}
		if text != "" {
			rep.TextID = []byte(text)
		}
		return rep
	}
	for _, c := range []struct {
		id   string
		r    *dlr.Report
		want bool
	}{
		{"ab", r("", ""), false}, {"ab", r("AB", "zz"), true}, {"ab", r("zz", "00ab"), true}, {"ab", r("", "171"), true}, {"171", r("ab", ""), true}, {"ab", r("ac", "172"), false},
	} {
		if _, ok := match(c.id, c.r, dlr.Auto, dlr.Auto); ok != c.want {
			t.Errorf("%s and %q/%q: %v", c.id, c.r.TLVID, c.r.TextID, ok)
		}
	}
}
