package main

import (
	"fmt"
	"strings"
	"time"

	"bindery/smpp/pdu"
	"bindery/smpp/smsctest"
)

// demoCarrier is a simulated SMSC, and the route that leads to it alone.
type demoCarrier struct {
	id, route string
	habits    string // in few words
	smsc      *smsctest.SMSC
}

type demoCarriers [2]demoCarrier

// What a carrier lets through in a second.
const (
	northRate = 300
	southRate = 60
)

// startCarriers: north is large and quick, answers in hex and reports in
// decimal; south is small, throttles, and does not reach everyone.
func startCarriers() (demoCarriers, error) {
	ms := func(least, most time.Duration) smsctest.Span {
		return smsctest.Span{Min: least * time.Millisecond, Max: most * time.Millisecond}
	}
	north := smsctest.New(smsctest.Options{
		SystemID: "bindery", Password: "secret", Name: "north",
		Answers:  smsctest.Answers{Latency: ms(5, 40)},
		IDs:      smsctest.IDs{Response: smsctest.Hex, Receipt: smsctest.Padded},
		Receipts: smsctest.Receipts{When: smsctest.After, Delay: ms(50, 400), Bind: smsctest.AnyBind},
		Record:   smsctest.Record{Mode: smsctest.RecordIDs},
	})
	south := smsctest.New(smsctest.Options{
		SystemID: "bindery", Password: "secret", Name: "south",
		Answers:  smsctest.Answers{Latency: ms(20, 90)},
		IDs:      smsctest.IDs{Response: smsctest.UUID, Receipt: smsctest.UUID},
		Throttle: smsctest.Throttle{Rate: southRate, Burst: southRate},
		Receipts: smsctest.Receipts{
			When: smsctest.After, Delay: ms(100, 900),
			States: []smsctest.StateShare{{State: pdu.MessageStateUndeliverable, Share: .06}, {State: pdu.MessageStateRejected, Share: .02}},
		},
		Record: smsctest.Record{Mode: smsctest.RecordIDs},
	})
	c := demoCarriers{
		{"north", "korea", "hex ids, decimal receipts", north},
		{"south", "world", "throttles, misses some", south},
	}
	for i := range c {
		if err := c[i].smsc.Listen("127.0.0.1:0"); err != nil {
			c.close()
			return c, fmt.Errorf("simulated carrier: %w", err)
		}
	}
	return c, nil
}

func (c *demoCarriers) close() {
	for i := range c {
		_ = c[i].smsc.Close() // it is a fake, and the process ends
	}
}

// of is the place of the carrier that a route leads to.
func (c *demoCarriers) of(route string) int {
	if route == c[1].route {
		return 1
	}
	return 0
}

// demoMessage is a message of the campaign as the API takes it.
type demoMessage struct {
	To        string `json:"to"`
	From      string `json:"from"`
	Text      string `json:"text"`
	Priority  string `json:"priority"`
	Reference string `json:"reference"`
	Campaign  string `json:"campaign"`
}

// isCode: every twentieth message is a one-time password. These are sent all the
// while, the others as fast as they are taken.
func isCode(i int) bool { return i%20 == 0 }

// campaignMessage is the i-th message: most to Korea in bulk, some one-time
// passwords, some abroad, some long.
func campaignMessage(i int) demoMessage {
	m := demoMessage{From: "Bindery", Priority: "bulk", Reference: fmt.Sprintf("demo-%d", i), Campaign: "demo", To: fmt.Sprintf("+8210%08d", i)}
	abroad := fmt.Sprintf("+4477%08d", i)
	switch {
	case isCode(i) && i%100 == 0:
		m.To, m.Priority, m.Text = abroad, "urgent", fmt.Sprintf("Your code is %06d.", i*7919%1_000_000)
	case isCode(i):
		m.Priority, m.Text = "urgent", fmt.Sprintf("인증번호는 %06d 입니다.", i*7919%1_000_000)
	case i%7 == 0:
		m.To, m.Priority, m.Text = abroad, "normal", fmt.Sprintf("Your parcel %d is on its way 🚚", i)
	case i%11 == 0:
		m.Text = strings.Repeat("A long story about a small discount. ", 8)
	default:
		m.Text = fmt.Sprintf("Only today: %d%% off everything [code %04d] €", 5+i%40, i)
	}
	return m
}
