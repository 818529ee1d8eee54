package main

import (
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func (d *door) carrier(p *process) (c struct {
	State   string
	BindsUp int `json:"binds_up"`
}) {
	d.t.Helper()
	a := p.do("GET", "/v1/carriers", nocKey, "")
	var list struct{ Carriers []json.RawMessage }
	if err := json.Unmarshal(a.body, &list); err != nil || a.code != 200 || len(list.Carriers) != 1 {
		d.t.Fatalf("%d %s", a.code, a.body)
	}
	if err := json.Unmarshal(list.Carriers[0], &c); err != nil {
		d.t.Fatal(err)
	}
	return c
}

// TestPauseOnAllInstances: one gateway is told, the other pauses too; the binds
// stay up, what waits is seen, and goes when the carrier is resumed.
func TestPauseOnAllInstances(t *testing.T) {
	d := newDoor(t, 2, "")
	within(t, 30*time.Second, "two binds", func() bool { return d.carrier(d.ps[0]).BindsUp == 2 && d.carrier(d.ps[1]).BindsUp == 2 })
	if a := d.ps[0].do("POST", "/v1/carriers/alpha/pause", nocKey, ""); a.code != 200 || !strings.Contains(string(a.body), `"state":"paused"`) {
		t.Fatalf("%d %s", a.code, a.body)
	}
	within(t, 30*time.Second, "the other instance pauses", func() bool { return d.carrier(d.ps[1]).State == "paused" })
	for i := range 20 {
		d.ps[i%2].send(number(i), "hi")
	}
	a := d.ps[1].do("GET", "/v1/queues", nocKey, "")
	if !strings.Contains(string(a.body), `{"route":"default","priority":"normal","depth":20,`) {
		t.Errorf("%s", a.body)
	}
	if s := d.smsc.Stats(); s.Taken != 0 || s.Bound != 2 {
		t.Errorf("paused, %d were sent, %d binds are up", s.Taken, s.Bound)
	}
	if a := d.ps[1].do("POST", "/v1/carriers/alpha/resume", nocKey, ""); a.code != 200 {
		t.Fatalf("%d %s", a.code, a.body)
	}
	within(t, 30*time.Second, "all leave", func() bool { return d.smsc.Stats().Taken == 20 })
	for _, path := range []string{"/v1/carriers", "/v1/queues"} {
		if a := d.ps[0].do("GET", path, key, ""); a.code != 403 {
			t.Errorf("%s without admin: %d", path, a.code)
		}
	}
}

// TestAccountRate: two gateways together take no more than the account's rate
// and its burst of a second, say when to come again, and lose nothing of it.
func TestAccountRate(t *testing.T) {
	const rate = 50
	d := newDoor(t, 2, ", rate: 50")
	began := time.Now()
	var taken, refused atomic.Int64
	var work sync.WaitGroup
	for i := range 8 {
		work.Go(func() {
			for time.Since(began) < 2*time.Second {
				a := d.ps[i%2].do("POST", "/v1/messages", key, `{"to":"+821012345678","from":"1544","text":"hi"}`)
				switch {
				case a.code == 202:
					taken.Add(1)
				case a.code == 429 && a.head.Get("Retry-After") != "":
					refused.Add(1)
				default:
					t.Errorf("%d %s", a.code, a.body)
				}
			}
		})
	}
	work.Wait()
	most := rate*(time.Since(began).Seconds()+1) + 1
	if n := taken.Load(); float64(n) > most || n < rate || refused.Load() == 0 {
		t.Errorf("%d were taken, %d refused, at most %.0f may be", n, refused.Load(), most)
	}

	// Lines are read at the rate, never refused.
	began = time.Now()
	answers := string(d.ps[0].lines(strings.Repeat(`{"to":"+821012345678","from":"1544","text":"hi"}`+"\n", 2*rate)))
	if n := strings.Count(answers, `"id"`); n != 2*rate || time.Since(began) < 1900*time.Millisecond {
		t.Errorf("%d of %d lines were taken in %v", n, 2*rate, time.Since(began))
	}

	// A batch is taken whole, and the debt keeps the next one out.
	batch := `{"from":"1544","text":"hi","recipients":[` + strings.TrimSuffix(strings.Repeat(`{"to":"+821012345678"},`, 10*rate), ",") + `]}`
	var codes []int
	for range 2 {
		codes = append(codes, d.ps[1].do("POST", "/v1/batches", key, batch).code)
	}
	if !slices.Equal(codes, []int{202, 429}) {
		t.Errorf("two batches: %v", codes)
	}
}
