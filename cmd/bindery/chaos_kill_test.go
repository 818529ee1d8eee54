package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
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

// TestKillsInABlock: a gateway ends by kill -9 while blocks of a batch are partly
// with the carrier, partly leased and partly in their lane. That hundreds of
// recipients share a block changes nothing: none is lost, and what is repeated is
// what the killed gateway's binds held, as with single messages.
func TestKillsInABlock(t *testing.T) {
	f := newFleet(t, fleetOptions{gateways: 2, redis: durable, smsc: busyCarrier(smsctest.After), carrier: fleetSettings})
	const recipients = 500 // a block
	for _, account := range fleetAccounts {
		f.acceptBatch(account, recipients)
	}
	deaths := either(2, 5)
	for n := range deaths {
		f.more(recipients/2 + n)
		if taken := f.smsc.Stats().Taken; taken >= uint64(len(fleetAccounts)*recipients) {
			t.Fatalf("%d were taken before kill %d: no block was in the middle", taken, n)
		}
		f.kill(n % 2)
		f.start(n % 2)
	}
	sum := f.ledger.close(60*time.Second, "delivered")
	if sum.accepted != len(fleetAccounts)*recipients {
		t.Errorf("%d messages in the ledger", sum.accepted)
	}
	if most := deaths * heldByKill; sum.repeats > most {
		t.Errorf("%d submits were repeated, %d kills may repeat %d", sum.repeats, deaths, most)
	}
	t.Logf("%d kills: %d repeats of %d", deaths, sum.repeats, sum.accepted)
}

// acceptBatch pushes a batch of so many recipients and notes them in the ledger.
func (f *fleet) acceptBatch(account string, recipients int) {
	f.t.Helper()
	var body strings.Builder
	body.WriteString(`{"from":"1544","text":"Hi {{name}}","recipients":[`)
	to := make([]string, recipients)
	for i := range to {
		to[i] = number(int(f.sequence.Add(1)))
		if i > 0 {
			body.WriteByte(',')
		}
		fmt.Fprintf(&body, `{"to":"%s","values":{"name":"n%d"}}`, to[i], i)
	}
	body.WriteString("]}")
	a := f.gateway(0).do("POST", "/v1/batches", apiKey(account), body.String())
	var b batchAnswer
	if err := json.Unmarshal(a.body, &b); err != nil || a.code != http.StatusAccepted || len(b.IDs) != recipients {
		f.t.Fatalf("%d %s: %v", a.code, a.body, err)
	}
	for i, id := range b.IDs {
		if err := f.ledger.accept(to[i], *id, 1, false); err != nil {
			f.t.Error(err)
		}
	}
}

// heldByKill is what the binds of one gateway hold at most: window and prefetch,
// which is at most a window, of each.
const heldByKill = fleetBinds * 2 * fleetWindow
