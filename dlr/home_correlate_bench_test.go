package dlr

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"bindery/queue"
)

// serverSeconds is the CPU that the server's main thread has used so far.
func serverSeconds(b *testing.B, db place) (sum float64) {
	b.Helper()
	text, err := db.Info(b.Context(), "cpu").Result()
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		if name != "used_cpu_sys_main_thread" && name != "used_cpu_user_main_thread" {
			continue
		}
		v, err := strconv.ParseFloat(value, 64)
		if err != nil {
			b.Fatal(err)
		}
		sum += v
	}
	return sum
}

// BenchmarkCorrelate tells what of Redis' CPU an id costs, its way through the
// network and the append-only file included: by transactions, and by the script
// alone.
func BenchmarkCorrelate(b *testing.B) {
	for _, way := range []string{"transaction", "script"} {
		for _, size := range []int{15, 150, 500} {
			b.Run(fmt.Sprintf("%s/batch=%d", way, size), func(b *testing.B) {
				db := newServer(b, "--appendonly", "yes", "--appendfsync", "everysec")
				h := NewHome(db.DB, HomeOptions{Carrier: "alpha"})
				if way == "script" {
					h.epoch.rest.Store(math.MaxInt32)
				}
				benchCorrelate(b, db, h, size)
			})
		}
	}
}

func benchCorrelate(b *testing.B, db place, h *Home, size int) {
	rnd := rand.New(rand.NewPCG(1, 2))
	cs := make([]Correlation, 15_000)
	seconds, n := 0.0, 0
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		for i := range cs {
			cs[i] = Correlation{
				fmt.Sprintf("%016x", rnd.Uint64()),
				queue.Part{Block: queue.Block(fmt.Sprintf("%022d", n)), Index: uint16(i)}, subscriber,
			}
		}
		before := serverSeconds(b, db)
		b.StartTimer()
		for at := 0; at < len(cs); at += size {
			if _, err := h.Correlate(b.Context(), cs[at:at+size]); err != nil {
				b.Fatal(err)
			}
		}
		seconds += serverSeconds(b, db) - before
		n += len(cs)
	}
	b.ReportMetric(seconds*1e6/float64(n), "redis-µs/id")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/id")
	b.ReportMetric(0, "ns/op")
}
