package queue

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"bindery/internal/redisdb"
	"bindery/internal/redistest"
)

func TestMain(m *testing.M) {
	flag.Parse()
	if checks := flag.Lookup("rapid.checks"); raceEnabled && checks.Value.String() == checks.DefValue {
		_ = checks.Value.Set("20") // the race detector makes a walk take five times as long
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		for _, f := range atEnd {
			f()
		}
		os.Exit(code)
	}))
}

// lasting is a test whose servers stay for those after it: a cluster's node
// serves nothing in its first two seconds.
type lasting struct{ testing.TB }

var atEnd []func()

func (lasting) Cleanup(f func()) { atEnd = append(atEnd, f) }

func (l lasting) TempDir() string {
	dir, err := os.MkdirTemp("", "bindery-queue")
	if err != nil {
		l.Fatal(err)
	}
	l.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// rig is one Redis with a queue on it.
type rig struct {
	testing.TB
	ctx context.Context
	db  *redisdb.DB
	q   *Queue
	// pass lets Redis time go on: by the clock of miniredis, or by waiting.
	pass func(time.Duration)
}

func newRig(t testing.TB, c redis.UniversalClient, o Options) *rig {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Minute)
	r := &rig{TB: t, ctx: ctx, db: redisdb.Wrap(c)}
	t.Cleanup(func() {
		cancel()
		if err := c.Close(); err != nil {
			t.Errorf("closing the client: %v", err)
		}
	})
	r.q = New(r.db, o)
	r.pass = func(d time.Duration) { <-time.After(d) }
	if err := r.q.Start(ctx); err != nil {
		t.Fatal(err)
	}
	return r
}

// onEach runs a test against a redis-server, a cluster and miniredis.
func onEach(t *testing.T, test func(r *rig)) {
	t.Helper()
	t.Run("server", func(t *testing.T) {
		s := redistest.Start(t)
		test(newRig(t, redis.NewClient(&redis.Options{Addr: s.Addr}), Options{}))
	})
	t.Run("cluster", func(t *testing.T) { test(clusterRig(t)) })
	t.Run("miniredis", func(t *testing.T) { test(miniRig(t, Options{})) })
}

var cluster *redistest.Server

// clusterRig is a cluster of one node, with two shards, empty.
func clusterRig(t testing.TB) *rig {
	if cluster == nil {
		cluster = startCluster(t)
	}
	c := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{cluster.Addr}})
	if err := c.FlushAll(context.Background()).Err(); err != nil {
		t.Fatal(err)
	}
	return newRig(t, c, Options{Shards: 2})
}

func startCluster(t testing.TB) *redistest.Server {
	s := redistest.Start(lasting{t}, "--cluster-enabled", "yes")
	node := s.Client(t)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := node.Do(ctx, "CLUSTER", "ADDSLOTSRANGE", 0, 16383).Err(); err != nil {
		t.Fatal(err)
	}
	for tick := time.NewTicker(20 * time.Millisecond); ; <-tick.C {
		info, err := node.ClusterInfo(ctx).Result()
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(info, "cluster_state:ok") {
			tick.Stop()
			return s
		}
	}
}

// miniRig is miniredis whose clock stands still but for pass; the fence's
// clock goes with it.
func miniRig(t testing.TB, o Options) *rig {
	m := miniredis.RunT(t)
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	begin := at
	m.SetTime(at)
	o.Elapsed = func() time.Duration { return at.Sub(begin) }
	r := newRig(t, redis.NewClient(&redis.Options{Addr: m.Addr()}), o)
	r.pass = func(d time.Duration) {
		at = at.Add(d)
		m.SetTime(at)
	}
	return r
}

// brief makes the rig's lease short enough for a test that waits.
func (r *rig) brief() { r.q.o.Lease = 900 * time.Millisecond }

func (r *rig) owner() *Owner {
	r.Helper()
	o, err := r.q.NewOwner(r.ctx)
	if err != nil {
		r.Fatal(err)
	}
	return o
}

func (r *rig) accept(p *Push) []ID {
	r.Helper()
	ids, err := r.q.Accept(r.ctx, p)
	if err != nil {
		r.Fatal(err)
	}
	return ids
}

// push is n messages of one part.
func push(account string, n int) *Push {
	p := &Push{Account: account, Route: "default", Priority: Normal}
	for i := range n {
		p.Messages = append(p.Messages, Message{
			To: fmt.Sprintf("+8210%08d", i), From: "1544", Text: fmt.Sprintf("hello %d", i), Parts: 1, Validity: 48 * time.Hour,
		})
	}
	return p
}

func (r *rig) lease(o *Owner, most int) *Lease {
	r.Helper()
	l, err := o.Lease(r.ctx, LeaseRequest{Carrier: "alpha", Routes: []string{"default"}, Max: most})
	if err != nil {
		r.Fatal(err)
	}
	return l
}

func (l *Lease) all(v Verdict) []Settlement {
	var ss []Settlement
	for _, p := range l.Parts {
		ss = append(ss, Settlement{Part: p.Part, Lease: l.Number, Verdict: v, Carrier: "alpha"})
	}
	return ss
}

func (r *rig) settle(o *Owner, ss []Settlement) {
	r.Helper()
	if err := o.Settle(r.ctx, ss); err != nil {
		r.Fatal(err)
	}
}

func (r *rig) finish(fs ...Finish) []Finished {
	r.Helper()
	a, err := r.q.Finish(r.ctx, fs)
	if err != nil {
		r.Fatal(err)
	}
	return a
}

type event struct {
	ID        ID     `json:"id"`
	Status    string `json:"status"`
	To        string `json:"to"`
	Carrier   string `json:"carrier"`
	At        string `json:"at"`
	Reference string `json:"reference"`
	Campaign  string `json:"campaign"`
	Error     *Error `json:"error"`
	Parts     int    `json:"parts"`
	Attempt   int    `json:"attempt"`
	Uncertain bool   `json:"uncertain"`
	Late      bool   `json:"late"`
}

func (r *rig) events(account string) []event {
	r.Helper()
	entries, err := r.db.XRange(r.ctx, r.q.shardOf(account).status(account), "-", "+").Result()
	if err != nil {
		r.Fatal(err)
	}
	var list []event
	for _, e := range entries {
		blob, _ := e.Values["events"].(string)
		lines := strings.Split(blob, "\n")
		if len(e.Values) != 1 || len(lines) > 100 {
			r.Fatalf("entry %s has %d fields, %d lines", e.ID, len(e.Values), len(lines))
		}
		for _, line := range lines {
			var ev event
			d := json.NewDecoder(strings.NewReader(line))
			d.DisallowUnknownFields()
			if err := d.Decode(&ev); err != nil {
				r.Fatalf("event %q: %v", line, err)
			}
			if _, err := time.Parse("2006-01-02T15:04:05.000Z", ev.At); err != nil {
				r.Fatalf("event %q: %v", line, err)
			}
			list = append(list, ev)
		}
	}
	return list
}

func (r *rig) statuses(account string, id ID) string {
	r.Helper()
	var words []string
	for _, e := range r.events(account) {
		if e.ID == id {
			words = append(words, e.Status)
		}
	}
	return strings.Join(words, " ")
}

func (r *rig) get(account string, id ID) *View {
	r.Helper()
	v, err := r.q.Get(r.ctx, account, id)
	if err != nil {
		r.Fatal(err)
	}
	return v
}

func (r *rig) renew(o *Owner) {
	r.Helper()
	if err := o.Renew(r.ctx); err != nil {
		r.Fatal(err)
	}
}

// step runs one of the background steps.
func (r *rig) step(do func(context.Context) (time.Duration, error)) {
	r.Helper()
	if _, err := do(r.ctx); err != nil {
		r.Fatal(err)
	}
}
