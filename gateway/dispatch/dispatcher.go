package dispatch

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// Homes is what a dispatcher asks of Redis, by the interfaces of home.go.
type Homes struct {
	Owners     Owners
	Finisher   Finisher
	Correlator Correlator
	Keeper     Keeper // nil: inbound messages are answered with an error
}

// Dispatcher drains the queue into one carrier. It is the Sink of its
// Connector.
type Dispatcher struct {
	cfg    Config
	routes atomic.Pointer[[]string]
	homes  Homes
	rate   Rate
	conn   Connector

	hand hand
	in   *inbox

	troubles troubles

	wakeLeaser    chan struct{}
	wakeSubmitter chan struct{}
	sweeping      sweeping
}

// New returns a dispatcher. rate may be nil: no limit. The connector, which
// needs its Sink first, comes with Run.
func New(cfg Config, homes Homes, rate Rate) (*Dispatcher, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if homes.Owners == nil || homes.Finisher == nil || homes.Correlator == nil {
		return nil, errors.New("dispatch: " + cfg.Carrier + ": a home is missing")
	}
	if rate == nil {
		rate = unlimited{}
	}
	d := &Dispatcher{
		cfg: cfg.withDefaults(), homes: homes, rate: rate, in: newInbox(),
		wakeLeaser: make(chan struct{}, 1), wakeSubmitter: make(chan struct{}, 1),
		sweeping: sweeping{wake: make(chan struct{}, 1)},
	}
	d.hand.changed = make(chan struct{}, 1)
	d.SetRoutes(cfg.Routes)
	return d, nil
}

// SetRoutes changes the routes that the carrier drains from the next lease on.
func (d *Dispatcher) SetRoutes(routes []string) {
	rs := append([]string(nil), routes...)
	d.routes.Store(&rs)
}

// Routes are those that the carrier drains now.
func (d *Dispatcher) Routes() []string { return *d.routes.Load() }

// Tick looks at what is in the hand: a pause that is over, what is past its
// validity, what goes back since nothing moves. Whoever has given a long
// Config.Look calls it every 200 ms; an empty hand sleeps on.
func (d *Dispatcher) Tick() {
	d.hand.mu.Lock()
	holds := d.hand.held > 0 || d.hand.stalled
	d.hand.mu.Unlock()
	if holds {
		signal(d.wakeSubmitter)
	}
}

// Run drives conn until ctx is over. What is then leased or written stays owed,
// as after a crash: whoever wants to leave in order calls Stop first.
func (d *Dispatcher) Run(ctx context.Context, conn Connector) {
	d.conn = conn
	var loops sync.WaitGroup
	for _, loop := range []func(context.Context){d.lease, d.submit, d.respond, d.sweep} {
		loops.Go(func() { loop(ctx) })
	}
	loops.Wait()
}

// Stop stops leasing, hands back what is unwritten, and waits until every
// written part has its outcome and all of it is settled, or ctx is over: then
// it says how many parts are still owed. Run goes on, so receipts are stored
// meanwhile. It may be called again once the connector has stopped and turned
// what was unanswered into outcomes.
func (d *Dispatcher) Stop(ctx context.Context) error {
	d.hand.mu.Lock()
	d.hand.stopping = true
	d.hand.mu.Unlock()
	signal(d.wakeSubmitter)
	signal(d.in.signal)
	for {
		d.hand.mu.Lock()
		owed, asking := d.hand.held, d.hand.asking
		d.hand.mu.Unlock()
		if owed == 0 && !asking {
			return nil
		}
		select {
		case <-d.hand.changed:
		case <-ctx.Done():
			return &OwedError{Parts: owed}
		}
	}
}

// OwedError tells how many parts a dispatcher that had to leave still owes.
type OwedError struct{ Parts int }

func (e *OwedError) Error() string {
	return "dispatch: stopped with parts unsettled: another instance takes them up when the lease is over"
}

// Stat is a snapshot for the console.
type Stat struct {
	Leased  int // and not settled
	Waiting int // of them, not handed over yet
	Open    int // of them, with the connector
	Paused  bool
}

// Stat takes a snapshot.
func (d *Dispatcher) Stat() Stat {
	d.hand.mu.Lock()
	defer d.hand.mu.Unlock()
	return Stat{
		Leased: d.hand.held, Waiting: d.hand.parts, Open: d.hand.open,
		Paused: d.hand.paused(time.Now()) || d.rate.Paused(),
	}
}

// lapse gives up all that is unwritten of an owner whose row is gone.
func (d *Dispatcher) lapse(t *tenure) {
	if t.lapsed.Swap(true) {
		return
	}
	d.cfg.Log.Warn().Str("carrier", d.cfg.Carrier).Msg("owner lapsed; what was unwritten is dropped")
	d.hand.drop(t)
	d.homes.Owners.Lapsed(t.owner)
}

// troubles are the calls that fail now. A fault is logged when it begins, when
// it changes and when it is over, not at every try.
type troubles struct {
	mu  sync.Mutex // guards now
	now map[string]string
}

func (d *Dispatcher) complain(call string, err error) {
	d.troubles.mu.Lock()
	defer d.troubles.mu.Unlock()
	if d.troubles.now[call] == err.Error() {
		return
	}
	if d.troubles.now == nil {
		d.troubles.now = make(map[string]string)
	}
	d.troubles.now[call] = err.Error()
	d.cfg.Log.Error().Err(err).Str("carrier", d.cfg.Carrier).Str("call", call).Msg("redis call failed; it is made again")
}

func (d *Dispatcher) calm(call string) {
	d.troubles.mu.Lock()
	defer d.troubles.mu.Unlock()
	if len(d.troubles.now) == 0 || d.troubles.now[call] == "" {
		return
	}
	delete(d.troubles.now, call)
	d.cfg.Log.Info().Str("carrier", d.cfg.Carrier).Str("call", call).Msg("redis call is answered again")
}
