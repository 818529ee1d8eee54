package dispatch

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"bindery/dlr"
	"bindery/queue"
)

// acks collects the answers to receipts.
type acks struct {
	mu  sync.Mutex
	got map[uint64]error
	n   map[uint64]int
}

func (a *acks) Stored(token uint64, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.got == nil {
		a.got, a.n = map[uint64]error{}, map[uint64]int{}
	}
	a.got[token] = err
	a.n[token]++
}

func (a *acks) answer(token uint64) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.n[token], a.got[token]
}

func (a *acks) receipt(token uint64, id string, st queue.Status) Receipt {
	return Receipt{Receipt: dlr.Receipt{IDs: []string{id}, Status: st, At: time.Now()}, Ack: Ack{To: a, Token: token}}
}

// rig is a running dispatcher between fakes.
type rig struct {
	t    *testing.T
	q    *fakeQueue
	h    *fakeHome
	c    *fakeConn
	d    *Dispatcher
	acks acks
}

// start runs a dispatcher in the caller's synctest bubble until the test ends.
func start(t *testing.T, cfg Config, q *fakeQueue, c *fakeConn, rate Rate) *rig {
	t.Helper()
	cfg.Carrier = "alpha"
	h := newFakeHome()
	d, err := New(cfg, Homes{Owners: q, Finisher: q, Correlator: h}, rate)
	if err != nil {
		t.Fatal(err)
	}
	c.sink = d
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { d.Run(ctx, c); close(ended) }()
	r := &rig{t: t, q: q, h: h, c: c, d: d}
	t.Cleanup(func() {
		cancel()
		<-ended
		for _, b := range append(c.bad, q.bad...) {
			t.Error(b)
		}
	})
	return r
}

func (r *rig) wantLog(want ...string) {
	r.t.Helper()
	if got := r.q.log(); !slices.Equal(got, want) {
		r.t.Errorf("events\n got %q\nwant %q", got, want)
	}
}

// sessionCase loads one case of testdata/sessions.jsonl.
func sessionCase(t *testing.T, id string, into any) {
	t.Helper()
	raw, err := os.ReadFile("testdata/sessions.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(raw)) {
		if strings.Contains(line, `"id": "`+id+`"`) {
			if err := json.Unmarshal([]byte(line), into); err != nil {
				t.Fatal(err)
			}
			return
		}
	}
	t.Fatalf("no case %s", id)
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func names(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("m%03d", i+1)
	}
	return out
}

// pass lets simulated time pass, and all that it brings be done.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func bubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, f)
}

// failing makes the named calls fail.
func failing(calls ...string) func(string) error {
	return func(call string) error {
		if slices.Contains(calls, call) {
			return errAway
		}
		return nil
	}
}

func submitted(events []string) []string {
	var out []string
	for _, e := range events {
		if n, ok := strings.CutSuffix(e, " submitted"); ok {
			out = append(out, n)
		}
	}
	return out
}

func delivered(events []string) []string {
	return slices.DeleteFunc(events, func(e string) bool { return !strings.HasSuffix(e, " delivered") })
}
