package smppcarrier

import (
	"strings"
	"testing"

	"bindery/queue"
	"bindery/smpp/coding"
	"bindery/smpp/pdu"
)

// TestSample: one submit_sm as the connector writes it, one part or an error.
func TestSample(t *testing.T) {
	c := Config{Carrier: "alpha", ServiceType: "CMT"}
	m := queue.Message{Priority: queue.Normal, To: "+821012345678", From: "1544", Text: "가"}
	p, plan, err := c.Sample(m, pdu.Version34)
	if err != nil {
		t.Fatal(err)
	}
	if _, tlv := p.TLVs.Get(pdu.TagUserMessageReference); !tlv || plan.Encoding != coding.UCS2 || p.DataCoding != 8 || string(p.ShortMessage) != "\xac\x00" ||
		string(p.ServiceType) != "CMT" || string(p.Destination.Addr) != "821012345678" || p.RegisteredDelivery != pdu.RegisteredDeliveryFinal {
		t.Errorf("%+v, %+v", p, plan)
	}
	if p, _, err := c.Sample(m, pdu.Version33); err != nil || len(p.TLVs) != 0 {
		t.Errorf("to 3.3: %v, %+v", err, p)
	}
	m.Text = strings.Repeat("x", 161)
	if _, _, err := c.Sample(m, 0); err == nil || !strings.Contains(err.Error(), "2 parts") {
		t.Errorf("two parts: %v", err)
	}
	m.Text = "\xff"
	if _, _, err := c.Sample(m, 0); err == nil {
		t.Error("what is no text is sent")
	}
}
