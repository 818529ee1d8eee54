package queue

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"bindery/internal/redistest"
)

// BenchmarkLife is the closed loop of accept, lease, settle and finish, with
// receipts shuffled over 5,000 messages, and tells what of Redis' CPU a message
// costs, by stage.
func BenchmarkLife(b *testing.B) {
	for _, c := range []struct{ block, batch int }{{100, 100}, {100, 500}, {1, 50}} {
		b.Run(fmt.Sprintf("block=%d,batch=%d", c.block, c.batch), func(b *testing.B) { benchmarkLife(b, c.block, c.batch) })
	}
}

func benchmarkLife(b *testing.B, block, batch int) {
	s := redistest.Start(b, "--appendonly", "yes", "--appendfsync", "everysec")
	r := newRig(b, redis.NewClient(&redis.Options{Addr: s.Addr}), Options{})
	o := r.owner()
	cpu := map[string]float64{}
	stage := func(name string, f func()) {
		before := r.cpu()
		f()
		cpu[name] += r.cpu() - before
	}
	const wave = 5000
	b.ResetTimer()
	begin, n := time.Now(), 0
	for b.Loop() {
		stage("accept", func() {
			var wg sync.WaitGroup
			for range 50 { // senders at once
				wg.Add(1)
				go func() {
					defer wg.Done()
					for i := 0; i < wave/50; i += block {
						if _, err := r.q.Accept(r.ctx, push("acme", block)); err != nil {
							b.Error(err)
						}
					}
				}()
			}
			wg.Wait()
		})
		var leases []*Lease
		stage("lease", func() {
			for got := 0; got < wave; {
				l := r.lease(o, batch)
				got += len(l.Parts)
				leases = append(leases, l)
			}
		})
		stage("settle", func() {
			for _, l := range leases {
				r.settle(o, l.all(Submitted))
			}
		})
		var fs []Finish
		for _, l := range leases {
			for i := range l.Parts {
				fs = append(fs, Finish{Part: l.Parts[i].Part, Status: StatusDelivered, Carrier: "alpha"})
			}
		}
		rand.Shuffle(len(fs), func(i, j int) { fs[i], fs[j] = fs[j], fs[i] })
		stage("finish", func() {
			for i := 0; i < len(fs); i += batch {
				r.finish(fs[i:min(i+batch, len(fs))]...)
			}
		})
		n += wave
	}
	b.StopTimer()
	sum := 0.0
	for name, seconds := range cpu {
		b.ReportMetric(seconds*1e6/float64(n), name+"-redis-µs/msg")
		sum += seconds
	}
	b.ReportMetric(sum*1e6/float64(n), "redis-µs/msg")
	b.ReportMetric(float64(n)/time.Since(begin).Seconds(), "msg/s")
	b.ReportMetric(0, "ns/op")
}

// cpu is what the server has used so far, seconds.
func (r *rig) cpu() float64 {
	text, err := r.db.Info(r.ctx, "cpu").Result()
	if err != nil {
		r.Fatal(err)
	}
	sum := 0.0
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		if name == "used_cpu_sys_main_thread" || name == "used_cpu_user_main_thread" {
			v, err := strconv.ParseFloat(value, 64)
			if err != nil {
				r.Fatal(err)
			}
			sum += v
		}
	}
	return sum
}
