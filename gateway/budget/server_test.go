package budget

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"bindery/internal/redisdb"
	"bindery/internal/redistest"
)

// asked is what one carrier asks for on a real server; real time passes.
func asked(t *testing.T, db *redisdb.DB, during func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	shares := make(chan int, 10)
	c := NewCarrier(
		NewRate(db, RateOptions{Carrier: "alpha", Instance: "a", Rate: 1000}),
		NewBinds(db, BindsOptions{Carrier: "alpha", Instance: "a", Binds: 3, Share: func(n int) { shares <- n }}),
	)
	var wg sync.WaitGroup
	wg.Go(func() { _ = c.Run(ctx) })
	defer wg.Wait()
	defer cancel()
	deadline := time.After(20 * time.Second)
	select {
	case n := <-shares:
		if n != 3 {
			t.Errorf("share %d, want 3", n)
		}
	case <-deadline:
		t.Fatalf("no share: %+v", c.State())
	}
	take := func(n int) {
		t.Helper()
		for n > 0 {
			if n -= c.Take(n); n == 0 {
				return
			}
			select {
			case <-c.Ready():
			case <-deadline:
				t.Fatalf("%d tokens are missing: %+v", n, c.Stat())
			}
		}
	}
	take(50)
	during()
	take(50)
	c.Answered(10, 10)
	if err := c.Pause(ctx); err != nil || !c.Paused() {
		t.Errorf("pause: %v, paused is %v", err, c.Paused())
	}
	if err := c.Resume(ctx); err != nil || c.Paused() {
		t.Errorf("resume: %v, paused is %v", err, c.Paused())
	}
}

func TestOnServer(t *testing.T) {
	c := redistest.Start(t).Client(t)
	asked(t, redisdb.Wrap(c), func() {
		if err := c.ScriptFlush(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
	})
}

// A Redis that is full still deals tokens and slots: what drains it needs them.
func TestOnFullServer(t *testing.T) {
	c := redistest.Start(t, "--maxmemory", "3mb", "--maxmemory-policy", "noeviction").Client(t)
	asked(t, redisdb.Wrap(c), func() {
		for c.Append(t.Context(), "ballast", strings.Repeat("x", 200_000)).Err() == nil {
		}
		if err := c.Set(t.Context(), "k", 1, 0).Err(); !redis.HasErrorPrefix(err, "OOM") {
			t.Fatalf("redis is not full: %v", err)
		}
	})
}

// On a Cluster a script that leaves its hash slot fails.
func TestOnCluster(t *testing.T) {
	s := redistest.Start(t, "--cluster-enabled", "yes")
	if err := s.Client(t).Do(t.Context(), "CLUSTER", "ADDSLOTSRANGE", 0, 16383).Err(); err != nil {
		t.Fatal(err)
	}
	c := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{s.Addr}})
	defer c.Close()
	asked(t, redisdb.Wrap(c), func() {})
}

// Redis restarts: refused meanwhile, the slots are kept; nothing is left of the
// grants, and tokens come again.
func TestOnRestart(t *testing.T) {
	s := redistest.Start(t)
	db, err := redisdb.Open(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	asked(t, db, func() {
		s.Kill(t)
		s.Run(t)
	})
}
