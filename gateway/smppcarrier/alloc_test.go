package smppcarrier

import (
	"context"
	"testing"
	"time"

	"bindery/gateway/dispatch"
	"bindery/smpp"
	"bindery/smpp/pdu"
)

// nowhere is a Sink that forgets, and answers at once.
type nowhere struct{ outcomes, receipts int }

func (n *nowhere) Outcomes(os []dispatch.Outcome) { n.outcomes += len(os) }
func (n *nowhere) Receipts(rs []dispatch.Receipt) { n.receipts += len(rs) }
func (n *nowhere) Inbounds([]dispatch.Inbound)    {}
func (n *nowhere) Unparsed([]dispatch.Unparsed)   {}

// never is a Source that opens nothing.
type never struct{}

func (never) Open(ctx context.Context, _ smpp.Handler) (*smpp.Session, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func unbound(t testing.TB) (*Carrier, *nowhere) {
	sink := &nowhere{}
	c, err := New(Config{Carrier: "alpha", Source: never{}, Window: 100}, sink)
	if err != nil {
		t.Fatal(err)
	}
	return c, sink
}

// life is one part's way through the connector, the session left out: encoded,
// given a token, answered, told.
func life(t testing.TB, c *Carrier, buf []byte, sub *dispatch.Submission, resp *pdu.SubmitSMResp, now time.Time) []byte {
	if err := c.encode(sub, now); err != nil {
		t.Fatal(err)
	}
	buf, err := c.out.pdu.AppendTo(buf[:0])
	if err != nil {
		t.Fatal(err)
	}
	w := owner{c}
	w.Result(0, smpp.Result{Token: c.tokens.take(sub), Resp: resp})
	w.Idle(0)
	return buf
}

func TestNoAllocationsPerMessage(t *testing.T) {
	if raceOn {
		t.Skip("the race detector allocates")
	}
	c, sink := unbound(t)
	sub, now := text("Your code is 482913"), time.Now()
	sub.Message.ValidityNamed, sub.Deadline = true, now.Add(time.Hour)
	resp := &pdu.SubmitSMResp{MessageID: []byte("8a3f90c1d2e4b5f6")}
	buf := make([]byte, 0, 512)
	if n := testing.AllocsPerRun(1000, func() { buf = life(t, c, buf, &sub, resp, now) }); n > 0 {
		t.Errorf("%.1f allocations a message", n)
	}
	if sink.outcomes < 1000 {
		t.Fatalf("%d outcomes", sink.outcomes)
	}
	session, head := new(smpp.Session), &pdu.Header{ID: pdu.CommandDeliverSM, Sequence: 7}
	if n := testing.AllocsPerRun(1000, func() {
		token := c.acks.await(session, head)
		c.acks.rows[uint32(token)].session = nil // as an answer would; a session that never was takes none
		c.acks.free = append(c.acks.free, uint32(token))
	}); n > 0 {
		t.Errorf("%.1f allocations a request", n)
	}
}

func BenchmarkLife(b *testing.B) {
	c, _ := unbound(b)
	sub, now := text("Your code is 482913"), time.Now()
	resp := &pdu.SubmitSMResp{MessageID: []byte("8a3f90c1d2e4b5f6")}
	buf := make([]byte, 0, 512)
	b.ReportAllocs()
	for b.Loop() {
		buf = life(b, c, buf, &sub, resp, now)
	}
}

func BenchmarkReceipt(b *testing.B) {
	c, _ := unbound(b)
	p, session := receiptText("8a3f90c1d2e4b5f6"), new(smpp.Session)
	p.ID = pdu.CommandDeliverSM
	w := owner{c}
	b.ReportAllocs()
	for b.Loop() {
		w.Request(0, session, p)
		w.Idle(0)
		c.acks.rows[0].session = nil
		c.acks.free = append(c.acks.free[:0], 0)
	}
}
