package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"bindery/internal/redisdb"
	"bindery/internal/redistest"
	"bindery/queue"
	"bindery/smpp/smsctest"
)

// fleet is some gateways on one Redis before one carrier, with a ledger.
type fleet struct {
	t      *testing.T
	o      fleetOptions
	redis  *redistest.Server
	client *redis.Client
	queue  *queue.Queue // for what the API does not do: keys of streams, blocks
	smsc   *smsctest.SMSC
	ledger *ledger
	config []string // by gateway

	mu       sync.Mutex // guards gateways; nil: not running
	gateways []*process
	started  []*process // all, for sane

	sequence atomic.Int64 // of destinations
}

type fleetOptions struct {
	gateways int
	cluster  bool     // of one node, with two shards
	redis    []string // extra settings
	smsc     smsctest.Options
	carrier  string // settings of the carrier, YAML
	// through, when set, is told the Redis' address and answers by which
	// gateway 0, or with all every gateway, reaches it.
	through func(addr string) string
	all     bool
	alone   bool // it measures time: nothing runs beside it
}

const lease = 5 * time.Second // of the fleet's gateways: the floor

// durable are the settings by which an answered write outlives a kill.
var durable = []string{"--appendonly", "yes", "--appendfsync", "always"}

// measuresRates skips a test under the race detector, which sees the same code in
// the chaos tests and has it too slow for the rates.
func measuresRates(t *testing.T) {
	t.Helper()
	if raceOn {
		t.Skip("measures rates, which the race detector changes")
	}
}

// thorough tells whether the long forms are to run.
func thorough() bool { return os.Getenv("BINDERY_CHAOS") == "long" }

// either is a in the short form, b in the long one.
func either[T any](a, b T) T {
	if thorough() {
		return b
	}
	return a
}

// fleetAccounts are enough to have some on each of two shards.
var fleetAccounts = []string{"acme", "rival", "third", "fourth"}

func apiKey(account string) string { return account + "-key-0123456789" }

func newFleet(t *testing.T, o fleetOptions) *fleet {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: no faults end to end")
	}
	if !o.alone {
		t.Parallel() // most of the time is waiting for leases to lapse
	}
	f := &fleet{t: t, o: o, smsc: smsctest.New(o.smsc), gateways: make([]*process, o.gateways)}
	t.Cleanup(f.sane)
	if err := f.smsc.Listen("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.smsc.Close() })
	f.startRedis()
	f.client = f.redis.Client(t)
	f.openQueue()
	f.ledger = newLedger(t, f.client, f.smsc, f.streams())
	f.configure()
	for i := range f.gateways {
		f.start(i)
	}
	f.bound(min(o.gateways, fleetBinds))
	for i := range f.gateways {
		f.gateway(i).bound(1)
	}
	return f
}

func (f *fleet) startRedis() {
	f.t.Helper()
	args := f.o.redis
	if f.o.cluster {
		args = append([]string{"--cluster-enabled", "yes", "--cluster-port", freePort(f.t)}, args...)
	}
	f.redis = redistest.Start(f.t, args...)
	if f.o.cluster {
		c := f.redis.Client(f.t)
		if err := c.Do(context.Background(), "CLUSTER", "ADDSLOTSRANGE", 0, 16383).Err(); err != nil {
			f.t.Fatal(err)
		}
		within(f.t, 20*time.Second, "the cluster serves", func() bool {
			return c.Set(context.Background(), "probe", 1, time.Second).Err() == nil
		})
	}
}

// url is how a client with this address reaches the Redis.
func (f *fleet) url(addr string) string {
	if f.o.cluster {
		return "redis+cluster://" + addr
	}
	return "redis://" + addr + "/0"
}

// openQueue divides the Redis into its shards before any gateway does.
func (f *fleet) openQueue() {
	f.t.Helper()
	db, err := redisdb.Open(f.url(f.redis.Addr))
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _ = db.Close() })
	o := queue.Options{Lease: lease}
	if f.o.cluster {
		o.Shards = 2
	}
	f.queue = queue.New(db, o)
	if err := f.queue.Start(context.Background()); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fleet) streams() []string {
	var keys, tags []string
	for _, a := range fleetAccounts {
		key := f.queue.StreamKey(a)
		tag, _, _ := strings.Cut(key, "}")
		keys = append(keys, key)
		if !slices.Contains(tags, tag) {
			tags = append(tags, tag)
		}
	}
	if f.o.cluster && len(tags) != 2 {
		f.t.Fatalf("the accounts lie on the shards %v, want two", tags)
	}
	return keys
}

func (f *fleet) configure() {
	first, others := f.redis.Addr, f.redis.Addr
	if f.o.through != nil {
		first = f.o.through(first)
	}
	if f.o.all {
		others = first
	}
	f.config = append(f.config, f.configFor(first))
	for range f.o.gateways - 1 {
		f.config = append(f.config, f.configFor(others))
	}
}

// configFor keeps history longer than a test runs: the ledger reads the slots of
// what has ended.
func (f *fleet) configFor(addr string) string {
	var accounts strings.Builder
	for _, a := range fleetAccounts {
		fmt.Fprintf(&accounts, "  - {id: %s, api_key: %s}\n", a, apiKey(a))
	}
	return fmt.Sprintf(`
redis: {url: %q, lease: %s, history: {age: %s}}
http: {listen: "127.0.0.1:0"}
accounts:
%scarriers:
  - {id: alpha, address: %q, system_id: bindery, password: secret, %s}
routes:
  - {id: default, carriers: [alpha]}
`, f.url(addr), lease, either("2m", "1h"), &accounts, f.smsc.Addr(), f.o.carrier)
}

// start runs gateway i and returns when it is ready for messages.
func (f *fleet) start(i int) {
	f.t.Helper()
	p := serve(f.t, f.config[i])
	f.started = append(f.started, p)
	p.ready()
	f.set(i, p)
}

// sane: no gateway panicked, and under -race none raced.
func (f *fleet) sane() {
	for _, p := range f.started {
		for _, word := range []string{"panic:", "fatal error:", "DATA RACE"} {
			if said := p.said(); strings.Contains(said, word) {
				f.t.Errorf("a gateway said %q: %s", word, said)
			}
		}
	}
}

func (f *fleet) set(i int, p *process) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.gateways[i] = p
}

func (f *fleet) gateway(i int) *process {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.gateways[i%len(f.gateways)]
}

// kill ends gateway i as kill -9 does.
func (f *fleet) kill(i int) {
	f.t.Helper()
	p := f.gateway(i)
	f.set(i, nil)
	if err := p.cmd.Process.Kill(); err != nil {
		f.t.Fatal(err)
	}
	<-p.done
	_ = p.cmd.Wait() // it ends by the signal
}

// bound waits until the carrier has at least n binds.
func (f *fleet) bound(n int) {
	f.t.Helper()
	f.await(30*time.Second, fmt.Sprintf("%d binds", n), func(s smsctest.Stats) bool { return s.Bound >= n })
}

// await waits for a state of the carrier.
func (f *fleet) await(bound time.Duration, what string, reached func(smsctest.Stats) bool) {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), bound)
	defer cancel()
	if err := f.smsc.Wait(ctx, reached); err != nil {
		f.t.Fatalf("waited %s for %s: %v", bound, what, err)
	}
}

// more waits until the carrier took n more messages than now.
func (f *fleet) more(n int) {
	f.t.Helper()
	want := f.smsc.Stats().Taken + uint64(n)
	f.await(60*time.Second, fmt.Sprintf("%d more submits", n), func(s smsctest.Stats) bool { return s.Taken >= want })
}

func clientOf(t *testing.T, addr string) *redis.Client {
	c := redis.NewClient(&redis.Options{Addr: addr})
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func freePort(t *testing.T) string {
	t.Helper()
	s := smsctest.New(smsctest.Options{})
	defer s.Close()
	if err := s.Listen("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	return s.Addr()[strings.LastIndexByte(s.Addr(), ':')+1:]
}
