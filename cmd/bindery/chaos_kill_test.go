package main

import (
	"math/rand/v2"
	"testing"
	"time"

	"bindery/smpp/smsctest"
)

// TestKills: gateways and Redis end by kill -9 under load and are started
// again. Nothing is lost, each message has one final, and what was repeated is
// announced and at most what the killed gateways' binds held.
func TestKills(t *testing.T) {
	for _, c := range []struct {
		name    string
		cluster bool
		when    smsctest.Timing
	}{
		{"server, receipts after", false, smsctest.After},
		{"server, receipts before", false, smsctest.Before},
		{"cluster, receipts after", true, smsctest.After},
		{"cluster, receipts before", true, smsctest.Before},
	} {
		t.Run(c.name, func(t *testing.T) { kills(t, c.cluster, c.when) })
	}
}

func kills(t *testing.T, cluster bool, when smsctest.Timing) {
	f := newFleet(t, fleetOptions{
		gateways: 2, cluster: cluster, redis: durable, smsc: busyCarrier(when), carrier: fleetSettings,
	})
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, seed))
	l := f.load(150)
	deaths, redisDeaths := either(2, 20), either(1, 5)
	for n := range deaths {
		f.more(50 + random.IntN(100))
		i := random.IntN(2)
		f.kill(i)
		f.start(i)
		if (n+1)*redisDeaths/deaths > n*redisDeaths/deaths {
			f.more(50)
			f.redis.Kill(t)
			f.redis.Run(t)
		}
	}
	f.more(100)
	l.stop()
	sum := f.ledger.close(60*time.Second, "delivered")
	if most := deaths * heldByKill; sum.repeats > most {
		t.Errorf("%d submits were repeated, %d kills may repeat %d", sum.repeats, deaths, most)
	}
	t.Logf("%d kills of gateways, %d of Redis: %d repeats", deaths, redisDeaths, sum.repeats)
}

// heldByKill is what the binds of one gateway hold at most: window and prefetch,
// which is at most a window, of each.
const heldByKill = fleetBinds * 2 * fleetWindow
