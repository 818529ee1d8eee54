package gateway

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"bindery/config"
	"bindery/gateway/dispatch"
	"bindery/internal/redisdb"
	"bindery/queue"
)

// watched is a gateway of which nothing runs but what a test starts: no doorbell
// is heard, and a dispatcher's own look is a minute away.
type watched struct {
	*testing.T
	redis *miniredis.Miniredis
	g     *Gateway
	w     *watch
}

const watchedConfig = `
accounts: [{id: acme, api_key: "0123456789abcdef0123456789"}]
carriers:
  - {id: alpha, address: "127.0.0.1:1", system_id: b, password: s, rate: 0}
  - {id: beta, address: "127.0.0.1:1", system_id: b, password: s, rate: 0}
routes:
  - {id: kr, match: {prefix: ["+82"]}, carriers: [alpha, beta]}
  - {id: default, carriers: [beta]}
`

func newWatched(t *testing.T) *watched {
	t.Helper()
	m := miniredis.RunT(t)
	db := redisdb.Wrap(redis.NewClient(&redis.Options{Addr: m.Addr(), MaxRetries: -1}))
	g, err := New(parse(t, watchedConfig), Options{Log: zerolog.Nop(), Redis: db})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if err := g.queue.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return &watched{t, m, g, &watch{queue: g.queue, fleet: &g.fleet}}
}

func (r *watched) accept(route string) {
	r.Helper()
	r.acceptParts(route, 1)
}

func (r *watched) acceptParts(route string, parts int) {
	r.Helper()
	_, err := r.g.queue.Accept(r.Context(), &queue.Push{Account: "acme", Route: route, Priority: queue.Normal, Messages: []queue.Message{
		{To: "+821012345678", From: "1544", Text: "hello", Parts: parts, Validity: time.Hour},
	}})
	if err != nil {
		r.Fatal(err)
	}
}

// look looks once, as every watchEvery, and wants exactly these carriers woken.
func (r *watched) look(when string, want ...string) {
	r.Helper()
	r.w.look(r.Context())
	if got := r.rung(); !slices.Equal(got, want) {
		r.Errorf("%s: %v are woken, want %v", when, got, want)
	}
}

// rung answers whose bell rang, and takes the rings.
func (r *watched) rung() (ids []string) {
	for _, c := range r.g.fleet.all() {
		select {
		case <-c.wake:
			ids = append(ids, c.cfg.ID)
		default:
		}
	}
	return ids
}

func (r *watched) steering() *steering {
	return &steering{fleet: &r.g.fleet, routes: func() []config.Route { return r.g.config().Routes }}
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline, tick := time.After(20*time.Second), time.NewTicker(5*time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal(what)
		}
	}
}

// lease takes all that alpha may take from the route.
func (r *watched) lease(route string, want int) *queue.Lease {
	r.Helper()
	l, err := r.g.owners.present.Load().Lease(r.Context(), queue.LeaseRequest{Carrier: "alpha", Routes: []string{route}, Max: 10})
	if err != nil || len(l.Parts) != want {
		r.Fatalf("%s: %+v, %v", route, l, err)
	}
	return l
}

// TestWatchMakesGoodAMissedBell: one look wakes who drains what waits, nobody
// else, and again until nothing waits any more.
func TestWatchMakesGoodAMissedBell(t *testing.T) {
	r := newWatched(t)
	r.g.owners.step(t.Context())
	r.look("nothing waits")
	r.accept("default")
	r.look("beta's route", "beta")
	r.look("it was not taken", "beta")
	r.acceptParts("orphan", 2)
	r.look("a route that nobody drains", "beta")
	l := r.lease("orphan", 2)
	// Of a message that began to leave by alpha the rest leaves by alpha.
	if err := r.g.owners.present.Load().Settle(t.Context(), []queue.Settlement{
		{Part: l.Parts[0].Part, Lease: l.Number, Verdict: queue.Submitted, Carrier: "alpha"},
		{Part: l.Parts[1].Part, Lease: l.Number, Verdict: queue.Back, Carrier: "alpha"},
	}); err != nil {
		t.Fatal(err)
	}
	r.look("what must leave by alpha", "alpha", "beta")
	r.lease("default", 2)
	r.look("all are leased")
}

// TestWatchGoesByTheBeat: it looks when it is told, which steering does right
// after each of its own steps, every watchEvery.
func TestWatchGoesByTheBeat(t *testing.T) {
	r := newWatched(t)
	ctx, cancel := context.WithCancel(t.Context())
	beat, ended := make(chan struct{}), make(chan struct{})
	r.w.beat = beat
	go func() { defer close(ended); r.w.run(ctx) }()
	r.accept("kr")
	beat <- struct{}{}
	select {
	case <-r.g.fleet.all()[0].wake:
	case <-time.After(20 * time.Second):
		t.Error("told to look, and nobody is woken")
	}
	cancel()
	<-ended
	synctest.Test(t, func(t *testing.T) {
		beats := make(chan struct{}, 1)
		s := &steering{fleet: new(fleet), routes: func() []config.Route { return nil }, next: beats}
		go s.run(t.Context())
		began := time.Now()
		for range 10 {
			select {
			case <-beats:
			case <-time.After(time.Minute):
				t.Fatal("no beat")
			}
		}
		if took := time.Since(began); took != 10*watchEvery {
			t.Errorf("ten beats in %v", took)
		}
		time.Sleep(time.Second) // nobody takes them: they do not pile up, and nothing waits
		synctest.Wait()
		if len(beats) != 1 {
			t.Errorf("%d beats wait", len(beats))
		}
	})
}

// bound is a connector whose window a test sets, and that tells nobody of it.
type bound struct {
	window atomic.Int64
	got    chan int
}

func (b *bound) Window() int                     { return int(b.window.Load()) }
func (b *bound) Slots() int                      { return b.Window() }
func (b *bound) Freed() <-chan struct{}          { return nil }
func (b *bound) Submit(ss []dispatch.Submission) { b.got <- len(ss) }

// TestWatchWakesWhoCouldNotTake: the bell rings while the carrier is paused or
// has no bind; what it did not take then it takes once it can.
func TestWatchWakesWhoCouldNotTake(t *testing.T) {
	for name, c := range map[string]struct {
		stop, resume func(c *carrier, link *bound) error
	}{
		"unbound": {
			func(_ *carrier, link *bound) error { link.window.Store(0); return nil },
			func(_ *carrier, link *bound) error { link.window.Store(10); return nil },
		},
		"paused": {
			func(c *carrier, _ *bound) error { return c.budget.Pause(context.Background()) },
			func(c *carrier, _ *bound) error { return c.budget.Resume(context.Background()) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newWatched(t)
			r.g.owners.step(t.Context())
			alpha, link := r.g.fleet.all()[0], &bound{got: make(chan int, 10)}
			link.window.Store(10)
			if err := c.stop(alpha, link); err != nil {
				t.Fatal(err)
			}
			alpha.loops.start(func(ctx context.Context) { alpha.dispatcher.Run(ctx, link) })
			t.Cleanup(func() { _ = alpha.loops.stop(context.Background()) })
			r.accept("kr")
			alpha.ring()
			eventually(t, "the dispatcher does not hear the bell", func() bool { return len(alpha.wake) == 0 })
			r.w.look(t.Context())
			eventually(t, "the dispatcher does not hear the watch", func() bool { return len(alpha.wake) == 0 })
			select {
			case <-link.got:
				t.Fatal("sent although it may not")
			default:
			}
			if err := c.resume(alpha, link); err != nil {
				t.Fatal(err)
			}
			r.w.look(t.Context())
			select {
			case <-link.got:
			case <-time.After(ownLook / 2):
				t.Error("not sent: nobody woke the carrier that can take again")
			}
		})
	}
}

// TestWatchWakesWhoTookOver: alpha is paused and beta takes its route over. It
// is told at once, and again as long as something waits there.
func TestWatchWakesWhoTookOver(t *testing.T) {
	r := newWatched(t)
	alpha, beta, s := r.g.fleet.all()[0], r.g.fleet.all()[1], r.steering()
	drains := func(c *carrier, want string) {
		t.Helper()
		if got := strings.Join(c.dispatcher.Routes(), " "); got != want {
			t.Errorf("%s drains %q, want %q", c.cfg.ID, got, want)
		}
	}
	alpha.loops.start(func(ctx context.Context) { _ = alpha.budget.Run(ctx) })
	t.Cleanup(func() { _ = alpha.loops.stop(context.Background()) })
	r.accept("kr")
	s.step()
	r.look("alpha's route", "alpha")
	if err := alpha.budget.Pause(t.Context()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the pause does not become known", func() bool { return alpha.passedOver() })
	s.step()
	drains(alpha, "kr")
	drains(beta, "kr default")
	if got := r.rung(); !slices.Equal(got, []string{"beta"}) {
		t.Errorf("%v are told, want beta", got)
	}
	r.look("both drain it now", "alpha", "beta")
	if err := alpha.budget.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the resume does not become known", func() bool { return !alpha.passedOver() })
	s.step()
	drains(beta, "default")
	r.rung()
	r.look("beta gave it back", "alpha")
}

// TestWatchRingsForAllWhenRedisIsBack: who knows what was missed meanwhile; once.
func TestWatchRingsForAllWhenRedisIsBack(t *testing.T) {
	r := newWatched(t)
	r.look("at first")
	r.redis.SetError("LOADING Redis is loading the dataset in memory")
	r.look("it went")
	r.look("it is away")
	r.redis.SetError("")
	r.look("it is back", "alpha", "beta")
	r.look("it stays")
}

// TestWatchFollowsRoutes: a reload brings a carrier and a route of which nothing
// was known, and takes another route away.
func TestWatchFollowsRoutes(t *testing.T) {
	r := newWatched(t)
	r.g.owners.step(t.Context())
	r.accept("fresh")
	r.look("nobody drains it yet")
	s := r.steering()
	s.step()
	cfg := parse(t, strings.NewReplacer("routes:\n", `  - {id: gamma, address: "127.0.0.1:1", system_id: b, password: s, rate: 0}
routes:
  - {id: fresh, match: {prefix: ["+1"]}, carriers: [gamma]}
`, "carriers: [beta]", "carriers: [alpha]").Replace(watchedConfig))
	next, fresh, gone, err := r.g.fleet.plan(cfg)
	if err != nil || len(fresh) != 1 || len(gone) != 0 {
		t.Fatalf("%v, %v fresh, %v gone", err, fresh, gone)
	}
	r.g.live.Store(cfg)
	r.g.fleet.list.Store(&next)
	r.look("a new carrier's route", "gamma")
	s.step()
	r.rung()
	r.lease("fresh", 1)
	r.look("nothing waits on what is new")
	r.accept("default")
	r.look("default is alpha's now", "alpha")
	r.lease("default", 1)
	next[0].dispatcher.SetRoutes([]string{"kr", "default", "newer"})
	r.look("nothing waits on one more")
	r.accept("newer")
	r.look("something does", "alpha")
	before := r.w.waits
	r.look("all are known", "alpha")
	if r.w.waits != before {
		t.Error("what to ask for is worked out at every look")
	}
}

// TestSteeringAtRest: hundreds of idle carriers are gone through five times a
// second, so nothing may be made anew while nothing changes.
func TestSteeringAtRest(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	r := newWatched(t)
	s := r.steering()
	s.step()
	r.w.look(t.Context())
	if n := testing.AllocsPerRun(100, s.step); n != 0 {
		t.Errorf("a step allocates %v times", n)
	}
	list := r.g.fleet.all()
	if n := testing.AllocsPerRun(100, func() { r.w.follow(list) }); n != 0 {
		t.Errorf("to follow the routes allocates %v times", n)
	}
}
