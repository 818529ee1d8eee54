package bench

import (
	"context"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"bindery/cmd/bindery/internal/bench/ledger"
)

// The priorities of messages.
const (
	Normal = "normal"
	Bulk   = "bulk"
	Mixed  = "mixed" // bulk, and now and then an urgent one
	urgent = "urgent"
)

// Urgent is what became of the urgent messages between those of bulk.
type Urgent struct {
	Messages int       `json:"messages"`
	Accept   Quantiles `json:"accept_seconds"`
	Added    Quantiles `json:"added_seconds"`
	Latency  Quantiles `json:"latency_seconds"`
}

// Urgent messages come every 5 ms, for 100 s at most.
const (
	urgentRate = 200
	urgentMost = 20_000
)

// mixed sends urgent messages over a connection of their own while the others
// are under way. Their numbers are those from first on.
func (s *stack) mixed(whole context.Context, r *run, first int) error {
	others := r.l.Accepted() + int64(r.messages)
	pace := r.pace(first, first+urgentMost, urgentRate)
	beside, ctx := errgroup.WithContext(whole)
	beside.Go(func() error { return s.singles(ctx, pace, tailOf(urgent)) })
	beside.Go(func() error {
		defer pace.Stop()
		// No more of them once so many have ended: what would follow has nothing
		// beside it.
		defer every(10*time.Millisecond, func() {
			if r.l.Ended() >= others {
				pace.Stop()
			}
		})()
		return r.phase(ctx, "running", r.pace(0, r.messages, r.rate))
	})
	if err := beside.Wait(); err != nil {
		return err
	}
	if err := r.drained(whole, "running"); err != nil {
		return err
	}
	r.urgents = int(r.l.Accepted() - others)
	r.urgentFirst = first
	return r.refused()
}

// every calls f again and again until what it answers is called.
func every(d time.Duration, f func()) (stop func()) {
	tick, over := time.NewTicker(d), make(chan struct{})
	go func() {
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				f()
			case <-over:
				return
			}
		}
	}()
	return func() { close(over) }
}

// oneByOne sends each message when the one before has its final: the gateway has
// nothing else to do.
func (s *stack) oneByOne(progress io.Writer) *run {
	n := min(oneByOneMost, s.o.Messages)
	r := newRun(s, ledger.New(n+warmMessages, s.carriers), n, 1, Full, progress)
	r.special.Each = true
	r.main = func(ctx context.Context) error {
		x, err := s.dial(ctx, s.tail)
		if err != nil {
			return err
		}
		defer x.c.Close()
		for i := range n {
			p := r.pace(i, i+1, Full)
			p.Wait(ctx, i)
			if err := errors.Join(x.send(r.l, i), r.refused()); err != nil {
				return err
			}
			if err := r.drained(ctx, "one by one"); err != nil {
				return err
			}
		}
		return nil
	}
	return r
}

const oneByOneMost = 200

// Fair is how many messages each of many carriers got meanwhile.
type Fair struct {
	Carriers int     `json:"carriers"`
	Binds    int     `json:"binds"`
	Between  float64 `json:"counted_messages"` // ended from the first look to the second
	Min      float64 `json:"submits_min"`      // a carrier
	Median   float64 `json:"submits_median"`
	Max      float64 `json:"submits_max"`
}

// busy sends to many carriers in turn, and counts what each gets in the middle
// half of the run.
func (s *stack) busy(rate float64, progress io.Writer) *run {
	o := s.o
	r := newRun(s, ledger.New(o.Messages+warmMessages, s.carriers), o.Messages, o.connections(s.form), rate, progress)
	r.special.Fair = &Fair{Carriers: s.carriers, Binds: s.binds}
	var looks []map[string]float64
	var ended []int64
	r.main = func(ctx context.Context) error {
		before := r.l.Ended()
		look := func(ctx context.Context) error {
			counts, err := s.submits(ctx)
			looks, ended = append(looks, counts), append(ended, r.l.Ended())
			return err
		}
		r.tick = func(ctx context.Context) error {
			if done := r.l.Ended() - before; len(looks) == 0 && done > int64(o.Messages/4) || len(looks) == 1 && done > int64(o.Messages*3/4) {
				return look(ctx)
			}
			return nil
		}
		if err := r.phase(ctx, "running", r.pace(0, o.Messages, rate)); err != nil {
			return err
		}
		r.tick = nil
		if len(looks) < 2 { // it was over too soon
			if err := look(ctx); err != nil {
				return err
			}
		}
		if len(looks) < 2 {
			looks, ended = append([]map[string]float64{{}}, looks...), append([]int64{0}, ended...)
		}
		if r.special.Fair.count(looks[0], looks[1]); r.special.Fair.Max == 0 { // it was over before the first look
			ended[0] = 0
			r.special.Fair.count(nil, looks[1])
		}
		r.special.Fair.Between = float64(ended[1] - ended[0])
		return nil
	}
	return r
}

func (f *Fair) count(first, second map[string]float64) {
	var counts []float64
	for carrier, n := range second {
		counts = append(counts, n-first[carrier])
	}
	if slices.Sort(counts); len(counts) > 0 {
		f.Min, f.Median, f.Max = counts[0], counts[len(counts)/2], counts[len(counts)-1]
	}
}

// submits are the gateway's answered ones, by carrier.
func (s *stack) submits(ctx context.Context) (map[string]float64, error) {
	counts := map[string]float64{}
	err := s.metrics(ctx, func(line string) {
		labels, value, _ := strings.Cut(line, "} ")
		if carrier := member([]byte(labels), `bindery_submits_total{carrier="`); carrier != nil && strings.HasSuffix(labels, `status="ok"`) {
			counts[string(carrier)], _ = strconv.ParseFloat(value, 64) // 0 is found in what is counted
		}
	})
	return counts, err
}

// Idle is what carriers cost that have nothing to do.
type Idle struct {
	Carriers int     `json:"carriers"`
	Binds    int     `json:"binds"` // of each
	Seconds  float64 `json:"seconds"`
	Gateway  float64 `json:"gateway_core_share"` // of one core
	Redis    float64 `json:"redis_core_share"`
	SMSC     float64 `json:"smsc_core_share"`
	Resident int64   `json:"gateway_resident_bytes"`
	Peak     int64   `json:"gateway_peak_bytes"`
}

const (
	idleFor    = 20 * time.Second
	idleSettle = 2 * time.Second // behind the binds
)

// measureIdle binds all and looks on.
func measureIdle(ctx context.Context, o *Options) (x *Idle, err error) {
	s, err := startStack(ctx, o, Single, 0)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	moment(ctx, idleSettle)
	before := sampleOf(s.children())
	began, d := time.Now(), idleFor
	if o.Duration > 0 {
		d = o.Duration
	}
	moment(ctx, d)
	after := sampleOf(s.children())
	took := time.Since(began).Seconds()
	share := func(process string) float64 { return (after.cpu[process] - before.cpu[process]).Seconds() / took }
	return &Idle{s.carriers, s.binds, took, share("gateway"), share("redis"), share("smsc"), s.gateway.Resident(), after.peak["gateway"]}, ctx.Err()
}
