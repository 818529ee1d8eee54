package gateway

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"bindery/config"
	"bindery/internal/redisdb"
	"bindery/queue"
)

// TestTeardownIsLastInFirstOut: every step runs, whatever became of the others,
// and each failure is named.
func TestTeardownIsLastInFirstOut(t *testing.T) {
	var order []string
	down := teardown{log: zerolog.Nop()}
	for _, name := range []string{"redis", "loops", "http"} {
		down.add(name, func(context.Context) error {
			order = append(order, name)
			if name == "loops" {
				return errors.New("stuck")
			}
			return nil
		})
	}
	err := down.run(context.Background())
	if got := strings.Join(order, " "); got != "http loops redis" {
		t.Errorf("order %q", got)
	}
	if err == nil || err.Error() != "stop loops: stuck" {
		t.Errorf("error %v", err)
	}
	if err := down.run(context.Background()); err != nil || len(order) != 3 {
		t.Errorf("a second run does something: %v %v", err, order)
	}
}

func TestLoopsThatHangAreNamed(t *testing.T) {
	l := newLoops()
	release := make(chan struct{})
	l.start(func(context.Context) { <-release })
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	if err := l.stop(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	close(release)
	if err := l.stop(context.Background()); err != nil {
		t.Errorf("%v", err)
	}
}

// TestOwnership: a lapsed owner is replaced by a new one, and what waits to be
// written is withdrawn while there is none.
func TestOwnership(t *testing.T) {
	m := miniredis.RunT(t)
	c := redis.NewClient(&redis.Options{Addr: m.Addr()})
	defer c.Close()
	q := queue.New(redisdb.Wrap(c), queue.Options{})
	ctx := context.Background()
	if err := q.Start(ctx); err != nil {
		t.Fatal(err)
	}
	o := newOwnership(q, 10*time.Second, zerolog.Nop())
	withdrawn := 0
	o.withdraw = func() {
		withdrawn++
		if o.holds() || o.Present() != nil {
			t.Error("there is an owner while what waits is withdrawn")
		}
	}
	if o.Present() != nil || o.holds() {
		t.Error("an owner before it is registered")
	}
	o.step(ctx)
	first := o.Present()
	if first == nil || !o.holds() || withdrawn != 1 {
		t.Fatalf("no owner; withdrawn %d times", withdrawn)
	}
	if o.step(ctx); o.Present() != first {
		t.Error("a renewal changed the owner")
	}
	o.Lapsed(first)
	if o.Present() != nil || o.holds() {
		t.Error("a lapsed owner is still there")
	}
	o.Lapsed(first) // said twice
	o.step(ctx)
	if second := o.Present(); second == nil || second == first || withdrawn != 2 {
		t.Errorf("no new owner; withdrawn %d times", withdrawn)
	}
	o.Lapsed(first) // late news of the old one
	if o.Present() == nil {
		t.Error("late news of an old owner took the new one away")
	}
	if err := o.leave(ctx); err != nil || o.Present() != nil {
		t.Errorf("leave: %v", err)
	}
}

const minimal = `
accounts: [{id: acme, api_key: "0123456789abcdef0123456789"}]
carriers:
  - {id: alpha, address: "127.0.0.1:1", system_id: b, password: s, encodings: [gsm7, euc-kr, ucs2], data_coding: {euc-kr: 0}, long_message: sar}
  - {id: beta, address: "127.0.0.1:1", system_id: b, password: s, bind: transmitter+receiver}
routes:
  - {id: kr, match: {prefix: ["+82"], priority: [urgent]}, carriers: [alpha, beta]}
  - {id: default, carriers: [beta]}
`

func parse(t *testing.T, text string) *config.Config {
	t.Helper()
	cfg, err := config.Parse("test", []byte(text), func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// TestSeriesExistAtZero: a rate over a counter that appears with its first
// event misses that event.
func TestSeriesExistAtZero(t *testing.T) {
	g, err := New(parse(t, minimal), Options{Log: zerolog.Nop(), Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	families, err := g.metrics.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	series := map[string]int{}
	for _, f := range families {
		series[f.GetName()] = len(f.GetMetric())
	}
	for name, want := range map[string]int{
		"bindery_messages_total": 1 * 2, "bindery_submits_total": 2 * len(submitStatuses), "bindery_receipts_total": 2 * len(receiptStatuses),
		"bindery_bind_up": 2 * 2, "bindery_window_in_use": 2 * 2, "bindery_submit_seconds": 2, "bindery_delivery_seconds": 2,
	} {
		if series[name] != want {
			t.Errorf("%s has %d series, want %d", name, series[name], want)
		}
	}
}

func TestRoutesCarryTheirCarriersProfiles(t *testing.T) {
	routes, err := routesOf(parse(t, minimal))
	if err != nil {
		t.Fatal(err)
	}
	if len(routes) != 2 || len(routes[0].Carriers) != 2 || routes[0].Match.Priority[0] != queue.Urgent || len(routes[0].Carriers[0].Profile.Encodings) != 3 {
		t.Errorf("%+v", routes)
	}
}
