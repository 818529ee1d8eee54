package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"bindery/smpp/smsctest"
)

// batchOf is a batch to n recipients; the text names a value. Its first
// recipient is a bad one.
func batchOf(n int) string {
	var b strings.Builder
	b.WriteString(`{"from":"1544","text":"Hi {{name}}, code {{code}}","recipients":[{"to":"nobody"}`)
	for i := range n {
		fmt.Fprintf(&b, `,{"to":"%s","values":{"name":"n%d","code":"%06d"},"reference":"r%d"}`, number(i), i, i, i)
	}
	b.WriteString("]}")
	return b.String()
}

type batchAnswer struct {
	Batch    string
	Accepted int
	IDs      []*string
	Errors   []struct {
		Index          int
		Field, Message string
	}
}

func (p *process) batch(t *testing.T, body, idempotencyKey string) (int, batchAnswer) {
	t.Helper()
	a := p.do("POST", "/v1/batches", apiKey("acme"), body, "Idempotency-Key", idempotencyKey)
	var b batchAnswer
	if err := json.Unmarshal(a.body, &b); err != nil && a.code == http.StatusAccepted {
		t.Fatalf("%s: %v", a.body, err)
	}
	return a.code, b
}

// TestBatchAndTheEndOfRedis: Redis is killed after the bodies of a batch were
// written and before it is accepted, and after it was accepted and before its
// reply arrives. All of it is in Redis or nothing is, and the same key then
// gives one answer, and every recipient one message.
func TestBatchAndTheEndOfRedis(t *testing.T) {
	for name, after := range map[string]bool{"before the accept": false, "after the accept": true} {
		t.Run(name, func(t *testing.T) {
			w := &wire{}
			w.dial(t, fleetOptions{gateways: 1, redis: durable, smsc: smsctest.Options{Receipts: smsctest.Receipts{When: smsctest.With}}, carrier: fleetSettings})
			n := either(3000, 10_000)
			body := batchOf(n)
			killed := w.killAtAccept(after)
			code, _ := w.gateway(0).batch(t, body, "b1")
			<-killed
			if code != http.StatusServiceUnavailable {
				t.Errorf("answered %d while Redis was killed", code)
			}
			w.redis.Run(t)
			w.gateway(0).ready()
			if blocks := w.blocks(); after && blocks == 0 || !after && blocks > 0 {
				t.Errorf("%d blocks are in Redis", blocks)
			}
			var first batchAnswer
			w.gateway(0).until("the batch is taken", func() bool {
				code, first = w.gateway(0).batch(t, body, "b1")
				return code == http.StatusAccepted
			})
			if first.Accepted != n || len(first.IDs) != n+1 || first.IDs[0] != nil || len(first.Errors) == 0 || first.Errors[0].Index != 0 {
				t.Errorf("%d accepted, %d ids, %v", first.Accepted, len(first.IDs), first.Errors)
			}
			_, again := w.gateway(0).batch(t, body, "b1")
			if again.Batch != first.Batch || !slices.EqualFunc(first.IDs, again.IDs, func(a, b *string) bool { return (a == nil) == (b == nil) && (a == nil || *a == *b) }) {
				t.Error("the second answer is another")
			}
			w.batchDelivered(first, n)
		})
	}
}

// killAtAccept kills Redis at the first call of accept: before it, or once it
// ran; until then no reply of one arrives. The channel closes when Redis is dead.
func (w *wire) killAtAccept(after bool) <-chan struct{} {
	killed := make(chan struct{})
	accept := func(request []byte) bool {
		name, _ := w.script(request)
		select {
		case <-killed:
			return false
		default:
			return name == "accept"
		}
	}
	if !after {
		w.proxy.DropRequest(func(request []byte) bool {
			if !accept(request) {
				return false
			}
			w.redis.Kill(w.t)
			close(killed)
			return true
		}, 0)
		return killed
	}
	w.proxy.SwallowReply(accept, 0)
	go func() {
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for range tick.C {
			if n, err := w.client.Keys(w.t.Context(), "bindery:*:slots:*").Result(); err != nil || len(n) > 0 {
				w.redis.Kill(w.t)
				close(killed)
				return
			}
		}
	}()
	return killed
}

// blocks counts those that were accepted.
func (w *wire) blocks() int {
	w.t.Helper()
	keys, err := w.client.Keys(w.t.Context(), "bindery:*:slots:*").Result()
	if err != nil {
		w.t.Fatal(err)
	}
	return len(keys)
}

// batchDelivered: each recipient got its message once, and the batch says so.
func (w *wire) batchDelivered(b batchAnswer, n int) {
	w.t.Helper()
	w.await(2*time.Minute, "the whole batch", func(s smsctest.Stats) bool { return s.Taken >= uint64(n) })
	p := w.gateway(0)
	p.until("all are delivered", func() bool {
		a := p.do("GET", "/v1/batches/"+b.Batch, apiKey("acme"), "")
		var v struct {
			Accepted int
			Statuses map[string]int
		}
		if err := json.Unmarshal(a.body, &v); err != nil || a.code != 200 || v.Accepted != n || len(v.Statuses) != 9 {
			w.t.Fatalf("%d %s", a.code, a.body)
		}
		return v.Statuses["delivered"] == n
	})
	got := map[string]string{}
	for _, j := range w.smsc.Joined(nil) {
		if got[j.Destination] != "" {
			w.t.Errorf("%s got two", j.Destination)
		}
		got[j.Destination] = j.Text
	}
	for i := range n {
		if to := strings.TrimPrefix(number(i), "+"); got[to] != fmt.Sprintf("Hi n%d, code %06d", i, i) {
			w.t.Errorf("%s got %q", to, got[to])
		}
	}
	if len(got) != n {
		w.t.Errorf("%d got one, %d were sent", len(got), n)
	}
}
