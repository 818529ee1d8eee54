package smsctest_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"bindery/smpp"
	"bindery/smpp/pdu"
	"bindery/smpp/smsctest"

	"pgregory.net/rapid"
)

// owner is who owns a session under test: it keeps what each token came to.
// All calls come from the session's reader; over gives them to the test.
type owner struct {
	results  map[uint64]int
	ok       map[uint64]string
	late     int
	receipts int
	over     chan struct{}
}

func newOwner() *owner {
	return &owner{results: map[uint64]int{}, ok: map[uint64]string{}, over: make(chan struct{})}
}

func (o *owner) Request(s *smpp.Session, p pdu.PDU) {
	if d, ok := p.(*pdu.DeliverSM); ok {
		o.receipts++
		_ = s.Respond(&pdu.DeliverSMResp{Header: pdu.Header{Sequence: d.Sequence}}) // a dead session is told by Closed
	}
}

func (o *owner) Result(_ *smpp.Session, r smpp.Result) {
	if r.Late {
		o.late++
		return
	}
	o.results[r.Token]++
	if resp, ok := r.Resp.(*pdu.SubmitSMResp); ok && resp.Status == pdu.StatusOK {
		o.ok[r.Token] = string(resp.MessageID)
	}
}

func (o *owner) Idle(*smpp.Session) {}

func (o *owner) Closed(*smpp.Session, error) { close(o.over) }

func plans() *rapid.Generator[smsctest.Options] {
	return rapid.Custom(func(t *rapid.T) smsctest.Options {
		some := func(name string, n int) int { return rapid.SampledFrom([]int{0, 0, n}).Draw(t, name) }
		share := func(name string) float64 { return rapid.SampledFrom([]float64{0, 0, 0.1}).Draw(t, name) }
		return smsctest.Options{
			Seed: rapid.Uint64().Draw(t, "seed"), Window: smsctest.Window{Max: 10},
			Answers: smsctest.Answers{Latency: smsctest.Span{Max: time.Duration(some("latency", 200)) * time.Millisecond},
				Drop: share("drop"), Lose: share("lose"), Double: share("double"), Reorder: some("reorder", 6),
				Errors: []smsctest.Share{{Status: pdu.StatusMsgQFul, Share: share("errors")}}},
			Receipts: smsctest.Receipts{When: smsctest.Timing(rapid.IntRange(0, 3).Draw(t, "when")), Unasked: true},
			Link: smsctest.Link{JunkEvery: some("junk", 3), CutAfter: some("cut", 23), UnbindAfter: some("unbind", 17),
				EnquireLink: time.Duration(some("enquire", 1)) * time.Second,
				Faults: smsctest.Faults{Chunk: some("chunk", 7), WriteLatency: time.Duration(some("write", 1)) * time.Millisecond,
					WriteCut: int64(some("write cut", 700))}},
		}
	})
}

// Whatever the SMSC does, the session gives each submit exactly one result,
// keeps its window, and calls nothing taken that the SMSC did not take.
func TestSessionAgainstAnyFault(t *testing.T) {
	for seed := range 60 {
		o := plans().Example(seed)
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := smsctest.New(o)
				defer s.Close()
				underFault(t, s)
				if t.Failed() {
					t.Logf("%+v", o)
				}
			})
		})
	}
}

func underFault(t *testing.T, s *smsctest.SMSC) {
	conn, err := s.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	own := newOwner()
	bind := &pdu.Bind{Header: pdu.Header{ID: pdu.BindTransceiver}, SystemID: []byte("esme")}
	session, err := smpp.Bind(t.Context(), conn, bind, smpp.Config{Window: 10, ResponseTimeout: 5 * time.Second}, own)
	if err != nil {
		t.Fatal(err)
	}
	// Submits that were never answered keep their place in the window, so it
	// may fill up for good.
	submitted := 0
	for begun := time.Now(); submitted < 60 && session.Err() == nil && time.Since(begun) < time.Minute; {
		err := session.Submit(&pdu.SubmitSM{Destination: pdu.Address{Addr: []byte("821000000001")}, ShortMessage: []byte("x")}, uint64(submitted))
		if errors.Is(err, smpp.ErrWindowFull) {
			time.Sleep(20 * time.Millisecond)
			continue
		}
		if err != nil {
			break // it is closing
		}
		submitted++
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	_ = session.Unbind(ctx) // the SMSC may have ended it long before
	<-own.over
	taken := map[string]bool{}
	for _, e := range s.Submits() {
		taken[e.ID] = e.ID != ""
	}
	if len(own.results) != submitted {
		t.Errorf("%d results of %d submits", len(own.results), submitted)
	}
	for token, n := range own.results {
		if id, ok := own.ok[token]; n != 1 || ok && !taken[id] {
			t.Errorf("submit %d: %d results, id %q", token, n, id)
		}
	}
	if st := s.Stats(); st.MaxWindow > 10 || st.Violations > 0 || st.Malformed > 0 || st.Submits > uint64(submitted) {
		t.Errorf("of %d submits the SMSC saw %+v", submitted, st)
	}
}
