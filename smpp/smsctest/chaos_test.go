package smsctest

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"bindery/smpp/pdu"

	"pgregory.net/rapid"
)

// customer binds again and again, submits n messages by the way, cuts its
// connection whenever cutEvery PDUs have come, and refuses every refuseEvery-th
// receipt. It keeps the ids of its acknowledged receipts.
type customer struct {
	s           *SMSC
	cutEvery    int
	refuseEvery int
	read        int
	acked       map[string]int
}

func (c *customer) run(ctx context.Context, n int) error {
	for sent := 0; ctx.Err() == nil; {
		conn, err := c.s.Dial(ctx)
		if errors.Is(err, ErrClosed) || ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		stop := context.AfterFunc(ctx, func() { conn.Close() })
		sent += c.session(conn, n-sent)
		stop()
		conn.Close()
	}
	return nil
}

func (c *customer) session(conn net.Conn, n int) int {
	e := &esme{conn: conn}
	out, _ := (&pdu.Bind{Header: pdu.Header{ID: pdu.BindTransceiver, Sequence: 1}, SystemID: []byte("esme")}).AppendTo(nil)
	sent := 0
	for ; sent < min(n, 7); sent++ {
		m := message1("821000000001")
		m.Sequence = uint32(sent + 2)
		out, _ = m.AppendTo(out)
	}
	if _, err := conn.Write(out); err != nil {
		return 0
	}
	for {
		p, err := e.tryRead()
		if err != nil {
			return sent
		}
		c.read++
		if d, ok := p.(*pdu.DeliverSM); ok {
			status := pdu.StatusOK
			if c.refuseEvery > 0 && c.read%c.refuseEvery == 0 {
				status = pdu.StatusXTAppn
			}
			id := string(d.ShortMessage[3 : 3+16])
			b, _ := (&pdu.DeliverSMResp{Header: pdu.Header{Sequence: d.Sequence, Status: status}}).AppendTo(nil)
			if _, err := conn.Write(b); err != nil {
				return sent
			}
			if status == pdu.StatusOK {
				c.acked[id]++
			}
		}
		if c.cutEvery > 0 && c.read%c.cutEvery == 0 {
			return sent
		}
	}
}

// Whatever binds come and go, and whatever is refused: every receipt of a
// message that was taken is acknowledged in the end, and the SMSC has counted
// right.
func TestReceiptsAreNeverLost(t *testing.T) {
	type plan struct {
		options  Options
		customer customer
		messages int
	}
	plans := rapid.Custom(func(t *rapid.T) plan {
		o := Options{
			Seed: rapid.Uint64().Draw(t, "seed"), IDs: IDs{Response: HexPadded, Receipt: HexPadded},
			Answers: Answers{Latency: Span{0, time.Duration(rapid.IntRange(0, 50).Draw(t, "latency")) * time.Millisecond},
				Drop: rapid.SampledFrom([]float64{0, 0.2}).Draw(t, "drop"), Reorder: rapid.IntRange(0, 5).Draw(t, "reorder")},
			Receipts: Receipts{When: rapid.SampledFrom([]Timing{Before, With, After}).Draw(t, "when"),
				Delay: Span{0, 30 * time.Millisecond}, Window: rapid.IntRange(1, 20).Draw(t, "window"),
				Bind:   rapid.SampledFrom([]BindChoice{SameBind, AnyBind, RoundRobin, OtherBind}).Draw(t, "bind"),
				Repeat: rapid.IntRange(0, 2).Draw(t, "repeat"), Retry: Fixed(10 * time.Millisecond)},
		}
		c := customer{cutEvery: rapid.IntRange(5, 40).Draw(t, "cut"), refuseEvery: rapid.IntRange(3, 10).Draw(t, "refuse")}
		return plan{o, c, rapid.IntRange(1, 100).Draw(t, "messages")}
	})
	for seed := range 40 {
		p := plans.Example(seed)
		simulateSMSC(t, p.options, func(t *testing.T, s *SMSC) { neverLost(t, s, p.customer, p.messages) })
	}
}

func neverLost(t *testing.T, s *SMSC, like customer, n int) {
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	customers := make([]*customer, 2)
	for i := range customers {
		c := like
		c.s, c.acked = s, map[string]int{}
		customers[i] = &c
		wg.Go(func() {
			if err := c.run(ctx, n); err != nil {
				t.Error(err)
			}
		})
	}
	wait, done := context.WithTimeout(t.Context(), time.Hour)
	defer done()
	err := s.Wait(wait, func(st Stats) bool {
		return st.Taken == uint64(len(customers)*n) && st.Unacked == 0 && st.Waiting == 0 && st.Acked >= st.Taken
	})
	if err != nil {
		t.Error(err)
	}
	time.Sleep(time.Minute) // what is under way arrives
	cancel()
	wg.Wait()
	synctest.Wait()
	repeats := 1 + s.opt.Receipts.Repeat
	acked := map[string]int{}
	for _, c := range customers {
		for id, k := range c.acked {
			acked[id] += k
		}
	}
	taken := 0
	for _, e := range s.Submits() {
		if e.ID == "" {
			continue
		}
		if taken++; acked[e.Receipt] < repeats {
			t.Errorf("%s: %d of %d receipts acknowledged", e.Receipt, acked[e.Receipt], repeats)
		}
	}
	if st := s.Stats(); st.Waiting != 0 || st.Unacked != 0 || st.Acked != uint64(taken*repeats) {
		t.Errorf("taken %d, %+v", taken, st)
	}
}

// Many binds over TCP, closed at any time, leave no goroutine and no panic.
func TestManyBindsOverTCP(t *testing.T) {
	s := New(Options{Receipts: Receipts{When: After, Delay: Span{0, 2 * time.Millisecond}, Bind: AnyBind}, Record: Record{Mode: RecordOff}})
	if err := s.Listen("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	block := manySubmits(t, 100)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			conn, err := net.Dial("tcp", s.Addr())
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			bind, _ := (&pdu.Bind{Header: pdu.Header{ID: pdu.BindTransceiver, Sequence: 1}}).AppendTo(nil)
			if _, err := conn.Write(append(bind, block...)); err != nil {
				t.Error(err)
			}
			if i%2 == 0 {
				_, _ = io.CopyN(io.Discard, conn, 3000)
			}
		})
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := s.Wait(ctx, func(st Stats) bool { return st.Binds == 8 }); err != nil {
		t.Error(err)
	}
	wg.Wait()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
