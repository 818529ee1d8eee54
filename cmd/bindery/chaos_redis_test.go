package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"bindery/smpp/smsctest"
)

// TestRedisAway: Redis is gone for longer than the lease while two gateways
// live, and one of them finds it again later than the other. Nobody can have
// taken over meanwhile, so nothing is sent again.
func TestRedisAway(t *testing.T) {
	t.Run("refused", func(t *testing.T) {
		redisAway(t, func(w *wire) (back, through func()) {
			w.redis.Kill(t)
			w.proxy.Refuse(true)
			return func() { w.redis.Run(t) }, func() { w.proxy.Refuse(false) }
		})
	})
	t.Run("silent", func(t *testing.T) {
		redisAway(t, func(w *wire) (back, through func()) {
			w.redis.Signal(t, syscall.SIGSTOP)
			w.proxy.Stall()
			return func() { w.redis.Signal(t, syscall.SIGCONT) }, w.proxy.Resume
		})
	})
}

func redisAway(t *testing.T, away func(*wire) (back, through func())) {
	w := &wire{}
	w.dial(t, fleetOptions{gateways: 2, redis: durable, smsc: busyCarrier(smsctest.After), carrier: fleetSettings})
	l := w.load(100)
	for range either(1, 3) {
		w.more(200)
		back, through := away(w)
		pass(t, lease+either(2*time.Second, 8*time.Second))
		back()
		pass(t, lease/2) // less than it takes to be taken for dead
		through()
	}
	w.more(100)
	l.stop()
	if sum := w.ledger.close(60*time.Second, "delivered"); sum.repeats > 0 {
		t.Errorf("Redis was away longer than the lease, both gateways lived: %d repeats", sum.repeats)
	}
}

// pass lets time pass that the gateways count too.
func pass(t *testing.T, d time.Duration) {
	t.Helper()
	began := time.Now()
	within(t, d+10*time.Second, d.String(), func() bool { return time.Since(began) >= d })
}

// TestRedisFull: Redis is at maxmemory under load. What comes is refused with
// 503, and what is queued drains although not an octet may be added.
func TestRedisFull(t *testing.T) {
	carrier := busyCarrier(smsctest.After)
	f := newFleet(t, fleetOptions{
		gateways: 2, smsc: carrier, carrier: fleetSettings,
		redis: append([]string{"--maxmemory", "16mb"}, durable...),
	})
	// A carrier that answers nothing yet: messages pile up.
	f.smsc.Set(func(o *smsctest.Options) { o.Answers.Latency = smsctest.Fixed(4 * time.Second) })
	l := f.load(either(300, 1000))
	f.await(60*time.Second, "full windows", func(s smsctest.Stats) bool { return s.MaxWindow == fleetWindow })
	within(t, 60*time.Second, "some hundred messages", func() bool { return f.ledger.size() > 500 })
	f.fill()
	within(t, 60*time.Second, "503 at ingress", func() bool { return l.refused.Load() > 0 })
	l.giveUp.Store(true)
	f.smsc.Set(func(o *smsctest.Options) { *o = carrier })
	within(t, 60*time.Second, "more 503", func() bool { return l.refused.Load() > 100 })
	l.stop()
	f.ledger.close(60*time.Second, "delivered")

	// Room again: messages are taken again.
	f.empty()
	again := f.load(100)
	before := f.ledger.size()
	within(t, 30*time.Second, "messages are accepted again", func() bool { return f.ledger.size() > before+100 })
	again.stop()
	f.ledger.close(30*time.Second, "delivered")
}

const ballast = "ballast:"

// fill writes until Redis takes not another kilobyte.
func (f *fleet) fill() {
	f.t.Helper()
	ctx := context.Background()
	for size, n := 1<<20, 0; size >= 1<<10; n++ {
		err := f.client.Set(ctx, fmt.Sprintf("%s%d", ballast, n), strings.Repeat("x", size), 0).Err()
		switch {
		case err == nil:
		case redis.HasErrorPrefix(err, "OOM"):
			size /= 2
		default:
			f.t.Fatal(err)
		}
	}
}

func (f *fleet) empty() {
	f.t.Helper()
	ctx := context.Background()
	keys, err := f.ledger.keys(ctx, ballast+"*")
	for _, k := range keys {
		err = errors.Join(err, f.client.Del(ctx, k).Err())
	}
	if err != nil {
		f.t.Fatal(err)
	}
}
