// Package gateway assembles the parts: it maps the configuration to what each
// package wants, starts them in the order in which they depend on each other,
// and stops them in the reverse one. cmd calls it; nothing else does.
//
// The listener answers at once; everything that needs Redis waits until it is
// there (/readyz says so). Teardown is a stack of named steps under one bound:
// no more messages in, windows drained and unbound, leases left, loops ended,
// Redis closed.
package gateway

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"bindery/api"
	"bindery/config"
	"bindery/gateway/budget"
	"bindery/gateway/dispatch"
	"bindery/gateway/ingress"
	"bindery/internal/redisdb"
	"bindery/queue"
)

const (
	stopBound  = 10 * time.Second // from the signal to the end
	drainBound = 8 * time.Second  // of it, until windows are drained and binds unbound
	redisRetry = 500 * time.Millisecond
)

// Options are what does not come from the configuration file.
type Options struct {
	Log     zerolog.Logger
	Version string
	// Redis replaces the one that the configuration names (the demo's).
	Redis *redisdb.DB
	// Listening is told the address once the listener is open; nil: nobody asks.
	Listening func(addr string)
}

// Gateway is one running instance.
type Gateway struct {
	live     atomic.Pointer[config.Config] // replaced by Reload
	reload   sync.Mutex                    // one Reload at a time
	o        Options
	log      zerolog.Logger
	db       *redisdb.DB
	queue    *queue.Queue
	owners   *ownership
	metrics  *metrics
	fleet    fleet
	door     *ingress.Door
	accounts *ingress.Accounts
	started  atomic.Bool // the queue is open
	down     teardown
	// takeNoMore makes the ways in refuse; set by listen, as api is.
	takeNoMore func()
	api        *api.API
}

// New maps the configuration and makes all parts; nothing is dialled.
func New(cfg *config.Config, o Options) (*Gateway, error) {
	g := &Gateway{o: o, log: o.Log, db: o.Redis, metrics: newMetrics(o.Version), down: teardown{log: o.Log}}
	g.live.Store(cfg)
	if g.db == nil {
		db, err := redisdb.Open(string(cfg.Redis.URL))
		if err != nil {
			return nil, err
		}
		g.db = db
	}
	g.queue = queue.New(g.db, queue.Options{
		Lease: cfg.Redis.Lease, HistoryAge: cfg.Redis.History.Age, ReceiptClock: g.receiptClock, Routes: g.routeIDs,
	})
	g.owners = newOwnership(g.queue, cfg.Redis.Lease, g.log)
	g.fleet.common = common{g.db, g.queue, g.owners, g.metrics, g.log, cfg.Redis.Lease, budget.NewTogether(g.db, cfg.Redis.Lease), new(dispatch.Urgency)}
	g.owners.withdraw = g.fleet.withdraw
	g.queue.Bell(g.fleet.rung)
	if err := g.fleet.make(cfg); err != nil {
		return nil, err
	}
	if err := g.makeDoor(); err != nil {
		return nil, err
	}
	return g, g.metrics.registry.Register(newGauges(g))
}

// routeIDs are the routes that this instance knows: what none of the living
// ones names for a minute is an orphan.
func (g *Gateway) routeIDs() []string {
	list := make([]string, 0, len(g.config().Routes))
	for i := range g.config().Routes {
		list = append(list, g.config().Routes[i].ID)
	}
	return list
}

func (g *Gateway) config() *config.Config { return g.live.Load() }

// receiptClock is the carrier's of now; 0, the queue's default, for one that
// is not there any more.
func (g *Gateway) receiptClock(carrier string) time.Duration {
	for i := range g.config().Carriers {
		if c := &g.config().Carriers[i]; c.ID == carrier {
			return c.ReceiptClock
		}
	}
	return 0
}

// Run serves until ctx is over, then stops in order; nil when that went well.
func (g *Gateway) Run(ctx context.Context) error {
	g.down.add("redis", func(context.Context) error { return g.db.Close() })
	failed := make(chan error, 2)
	opening := newLoops()
	if err := g.listen(failed); err != nil {
		return errors.Join(err, g.down.run(context.Background()))
	}
	opening.start(func(ctx context.Context) {
		if err := g.open(ctx); err != nil && ctx.Err() == nil {
			failed <- err
		}
	})
	var err error
	select {
	case <-ctx.Done():
		g.log.Info().Msg("stopping: windows drain, at most 10 s")
	case err = <-failed:
	}
	g.takeNoMore()
	stop, cancel := context.WithTimeout(context.Background(), stopBound)
	defer cancel()
	// What is still waiting for Redis ends first, so that it adds no step behind
	// the teardown's back.
	return errors.Join(err, opening.stop(stop), g.down.run(stop))
}

var errNotStarted = fmt.Errorf("gateway: waiting for redis: %w", queue.ErrUnavailable)

func (g *Gateway) ready(ctx context.Context) error {
	if !g.started.Load() {
		return errNotStarted
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	return g.db.Ping(ctx).Err()
}

// open waits for Redis and starts all that needs it.
func (g *Gateway) open(ctx context.Context) error {
	if err := g.awaitRedis(ctx); err != nil {
		return err
	}
	l := newLoops()
	g.down.add("loops", l.stop)
	l.start(g.owners.run)
	l.start(g.fleet.common.renewal.Run)
	l.start(func(ctx context.Context) {
		g.queue.Run(ctx, func(step string, err error) { g.log.Warn().Err(err).Str("step", step).Msg("queue") })
	})
	g.down.add("leases", g.owners.leave)
	g.fleet.start()
	g.down.add("carriers", g.fleet.stop)
	g.down.add("steering", g.steer().stop)
	g.started.Store(true)
	g.log.Info().Int("carriers", len(g.fleet.all())).Msg("ready")
	return nil
}

// steer starts what looks after all carriers at once.
func (g *Gateway) steer() *loops {
	l, beat := newLoops(), make(chan struct{}, 1)
	s := &steering{fleet: &g.fleet, routes: func() []config.Route { return g.config().Routes }, next: beat}
	l.start(s.run)
	l.start((&watch{queue: g.queue, fleet: &g.fleet, beat: beat}).run)
	return l
}

// awaitRedis returns when Redis answers and suits, or with why it never will.
func (g *Gateway) awaitRedis(ctx context.Context) error {
	retry := time.NewTicker(redisRetry)
	defer retry.Stop()
	for said := ""; ; {
		hopeless, err := g.tryRedis(ctx)
		if err == nil || hopeless {
			return err
		}
		if err.Error() != said && ctx.Err() == nil { // each reason once, and none of a stop
			said = err.Error()
			g.log.Warn().Err(err).Msg("waiting for redis; /readyz says 503 until it answers")
		}
		select {
		case <-retry.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// tryRedis checks Redis and opens the queue; hopeless: waiting mends nothing.
func (g *Gateway) tryRedis(ctx context.Context) (hopeless bool, err error) {
	found, err := g.db.Check(ctx)
	if err != nil {
		return errors.Is(err, redisdb.ErrUnsuitable), err
	}
	for _, w := range found.Warnings {
		g.log.Warn().Msg("redis: " + w)
	}
	err = g.queue.Start(ctx)
	return err != nil && !errors.Is(err, queue.ErrUnavailable), err
}
