package dlr

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"bindery/queue"
)

// redisMicros is what the server spent in scripts and transactions so far.
func redisMicros(b *testing.B, db place) (us float64) {
	b.Helper()
	info, err := db.Info(context.Background(), "commandstats").Result()
	if err != nil {
		b.Fatal(err)
	}
	for _, line := range strings.Split(info, "\r\n") {
		name, rest, _ := strings.Cut(line, ":")
		if name != "cmdstat_evalsha" && name != "cmdstat_eval" && name != "cmdstat_exec" {
			continue
		}
		for _, f := range strings.Split(rest, ",") {
			if v, ok := strings.CutPrefix(f, "usec="); ok {
				n, _ := strconv.ParseFloat(v, 64)
				us += n
			}
		}
	}
	return us
}

// The life of ids at a carrier with random 64-bit ids, receipts shuffled over
// 5,000 messages: correlate, find, forget. Decimal ids have three readings
// under auto, of which the habit chooses one.
func BenchmarkHome(b *testing.B) {
	forms := []struct {
		name string
		sent func(uint64) string
	}{
		{"decimal", func(v uint64) string { return strconv.FormatUint(v, 10) }},
		{"uuid", func(v uint64) string { return fmt.Sprintf("%08x-%04x-4000-8000-%012x", v>>32, v&0xFFFF, v) }},
	}
	for _, form := range forms {
		for _, size := range []int{100, 500} {
			b.Run(fmt.Sprintf("%s/batch=%d", form.name, size), func(b *testing.B) {
				db := newServer(b)
				h := NewHome(db.DB, HomeOptions{Carrier: "alpha"})
				benchHome(b, db, h, form.sent, size)
			})
		}
	}
}

func benchHome(b *testing.B, db place, h *Home, form func(uint64) string, size int) {
	const spread = 5000
	ctx, rnd := context.Background(), rand.New(rand.NewPCG(1, 2))
	now := time.Unix(0, 0)
	h.o.Now = func() time.Time { return now }
	var stage [3]float64
	var cpu [2]time.Duration
	measured := func(i int, f func()) {
		from, start := redisMicros(b, db), time.Now()
		f()
		if i < 2 {
			cpu[i] += time.Since(start)
		}
		stage[i] += redisMicros(b, db) - from
	}
	n := 0
	for b.Loop() {
		cs := make([]Correlation, spread)
		rs := make([]Receipt, spread)
		for i := range cs {
			id := form(rnd.Uint64())
			to := fmt.Sprintf("8210%08d", rnd.IntN(1e8))
			cs[i] = Correlation{id, queue.Part{Block: queue.Block(fmt.Sprintf("%022d", n)), Index: uint16(i)}, "+" + to}
			rs[i] = Receipt{IDs: []string{id}, Status: queue.StatusDelivered, Code: "000", To: to, At: time.Now()}
		}
		rnd.Shuffle(spread, func(i, j int) { rs[i], rs[j] = rs[j], rs[i] })
		measured(0, func() {
			for at := 0; at < spread; at += size {
				if _, err := h.Correlate(ctx, cs[at:at+size]); err != nil {
					b.Fatal(err)
				}
			}
		})
		var known []Known
		measured(1, func() {
			for at := 0; at < spread; at += size {
				fs, err := h.Find(ctx, rs[at:at+size])
				if err != nil {
					b.Fatal(err)
				}
				for _, f := range fs {
					if f.Known.ID == "" {
						b.Fatalf("%+v", f)
					}
					known = append(known, f.Known)
				}
			}
		})
		h.Forget(known)
		now = now.Add(time.Minute)
		measured(2, func() {
			if err := h.Sweep(ctx); err != nil {
				b.Fatal(err)
			}
		})
		n++
	}
	per := float64(n * spread)
	b.ReportMetric(stage[0]/per, "redis-µs/correlate")
	b.ReportMetric(stage[1]/per, "redis-µs/find")
	b.ReportMetric(stage[2]/per, "redis-µs/forget")
	b.ReportMetric(float64(cpu[0].Nanoseconds())/per, "ns/correlate")
	b.ReportMetric(float64(cpu[1].Nanoseconds())/per, "ns/find")
}
