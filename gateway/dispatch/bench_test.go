package dispatch

import (
	"context"
	"sync"
	"testing"
	"time"

	"bindery/dlr"
	"bindery/queue"
)

// instant is all homes and the carrier at once: it answers everything with OK
// and a receipt behind it, and keeps nothing. What is left is dispatch's own
// cost.
type instant struct {
	sink   Sink
	msg    queue.Message
	left   int // to lease
	ended  int
	total  int
	done   chan struct{}
	freed  chan struct{}
	number queue.LeaseNumber
	parts  []queue.Leased
	outs   []Outcome
	rcs    []Receipt
	ids    []string
}

func (i *instant) Present() Leaser { return i }
func (i *instant) Lapsed(Leaser)   {}
func (i *instant) Holds() bool     { return true }

func (i *instant) Lease(_ context.Context, r queue.LeaseRequest) (*queue.Lease, error) {
	n := min(r.Max, i.left)
	i.left -= n
	i.number++
	i.parts = i.parts[:0]
	for k := range n {
		i.parts = append(i.parts, queue.Leased{Part: queue.Part{Block: "0123456789012345678901", Index: uint16(k)}, Attempt: 1, Message: &i.msg})
	}
	return &queue.Lease{Number: i.number, Parts: i.parts, Left: [3]int{1: i.left}}, nil
}

func (i *instant) Settle(context.Context, []queue.Settlement) error { return nil }

func (i *instant) Finish(_ context.Context, fs []queue.Finish) ([]queue.Finished, error) {
	if i.ended += len(fs); i.ended == i.total {
		close(i.done)
	}
	return make([]queue.Finished, len(fs)), nil
}

func (i *instant) Correlate(context.Context, []dlr.Correlation) ([]dlr.Parked, error) {
	return nil, nil
}

func (i *instant) Find(_ context.Context, rs []dlr.Receipt) ([]dlr.Found, error) {
	return make([]dlr.Found, len(rs)), nil
}
func (i *instant) Look(context.Context, int) ([]dlr.Parked, error) { return nil, nil }
func (i *instant) Drop(context.Context, []dlr.Parked) error        { return nil }
func (i *instant) Forget([]dlr.Known)                              {}
func (i *instant) Sweep(context.Context) error                     { return nil }
func (i *instant) Window() int                                     { return 1000 }
func (i *instant) Slots() int                                      { return 1000 }
func (i *instant) Freed() <-chan struct{}                          { return i.freed }
func (i *instant) Stored(uint64, error)                            {}

func (i *instant) Submit(ss []Submission) {
	i.outs, i.rcs = i.outs[:0], i.rcs[:0]
	for k := range ss {
		i.outs = append(i.outs, Outcome{Submission: &ss[k], CarrierID: []byte("8a3f90c1d2e4b5f6")})
		i.rcs = append(i.rcs, Receipt{Receipt: dlr.Receipt{IDs: i.ids, Status: queue.StatusDelivered}, Ack: Ack{To: i}})
	}
	i.sink.Outcomes(i.outs)
	i.sink.Receipts(i.rcs)
}

func BenchmarkPart(b *testing.B) {
	i := &instant{
		left: b.N, total: b.N, done: make(chan struct{}), freed: make(chan struct{}, 1), ids: []string{"8a3f90c1d2e4b5f6"},
		msg: queue.Message{ID: "01234567890123456789010000", To: "+821000000001", Text: "Your code is 482913", AcceptedAt: time.Now(), Validity: time.Hour},
	}
	d, err := New(Config{Carrier: "alpha", MaxUnstored: 1 << 30}, Homes{Owners: i, Finisher: i, Correlator: i}, nil)
	if err != nil {
		b.Fatal(err)
	}
	i.sink = d
	ctx, cancel := context.WithCancel(context.Background())
	b.ReportAllocs()
	b.ResetTimer()
	var run sync.WaitGroup
	run.Go(func() { d.Run(ctx, i) })
	<-i.done
	b.StopTimer()
	cancel()
	run.Wait()
}
