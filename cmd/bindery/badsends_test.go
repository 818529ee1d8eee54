package main

import (
	"context"
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"time"

	"bindery/internal/redistest"
)

type wrongField struct{ field, value string }

// wrongFields are fields of a message, each wrong alone.
func wrongFields() []wrongField {
	late := time.Now().Add(31 * 24 * time.Hour).Format(time.RFC3339)
	return []wrongField{
		{"to", ""}, {"to", "01012345678x"}, {"to", "+82 10 1234"}, {"to", "+0821012345678"}, {"to", "+8210123456789012345"}, {"to", "+33612345678"}, {"to", "+"},
		{"from", ""}, {"from", "twelve chars"}, {"from", "한글"}, {"from", "+1234567890123456789012"},
		{"text", ""}, {"text", strings.Repeat("x", 153*255+1)},
		{"priority", "high"}, {"priority", "URGENT"}, {"priority", ""},
		{"send_at", "tomorrow"}, {"send_at", "2026-13-01T00:00:00Z"}, {"send_at", late},
		{"validity", "90"}, {"validity", "-1s"}, {"validity", "0s"}, {"validity", "169h"},
		{"reference", strings.Repeat("r", 129)}, {"campaign", strings.Repeat("c", 65)},
		{"callback", "not a url"}, {"callback", "ftp://x.example/"},
		{"encoding", "utf-8"}, {"encoding", "euc-kr"}, {"kind", "fax"}, {"kind", "mms"}, {"on_uncertain", "drop"},
		{"colour", "red"},
	}
}

// TestEveryFieldWrongInTurn: a problem that names the field, and nothing of it
// is queued. The gateway is a real one; its carrier is not there.
func TestEveryFieldWrongInTurn(t *testing.T) {
	rs := redistest.Start(t)
	p := serve(t, strings.Replace(configFor(rs.URL(), "127.0.0.1:1", ""), "{id: default, carriers: [alpha]}", `{id: default, match: {prefix: ["+82", "+44"]}, carriers: [alpha]}`, 1))
	p.ready()
	c := rs.Client(t)
	before, err := c.Keys(context.Background(), "*:block:*").Result()
	if err != nil || len(before) != 0 {
		t.Fatalf("%v %v", before, err)
	}
	for _, bad := range wrongFields() {
		m := map[string]string{"to": "+821012345678", "from": "1544", "text": "hi"}
		maps.Copy(m, map[string]string{bad.field: bad.value})
		body, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		a := p.do("POST", "/v1/messages", key, string(body))
		var problem struct {
			Status int
			Errors []struct{ Field, Message string }
		}
		if err := json.Unmarshal(a.body, &problem); err != nil || a.code != 422 || a.head.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s = %.40q: %d %s", bad.field, bad.value, a.code, a.body)
			continue
		}
		if len(problem.Errors) != 1 || problem.Errors[0].Field != bad.field || problem.Errors[0].Message == "" {
			t.Errorf("%s = %.40q: the problem names %s", bad.field, bad.value, a.body)
		}
	}
	if after, err := c.Keys(context.Background(), "*:block:*").Result(); err != nil || len(after) != 0 {
		t.Errorf("something was queued: %v %v", after, err)
	}

	// Two at once are both named, and a right one beside them is queued.
	a := p.do("POST", "/v1/messages", key, `{"to":"x","from":"1544","text":"hi","priority":"high"}`)
	if !strings.Contains(string(a.body), `"to"`) || !strings.Contains(string(a.body), `"priority"`) {
		t.Errorf("two faults: %s", a.body)
	}
	id := p.send("+821012345678", "hi")
	if a := p.do("GET", "/v1/messages/"+id, key, ""); a.code != 200 || !strings.Contains(string(a.body), `"status":"queued"`) {
		t.Errorf("GET: %d %s", a.code, a.body)
	}
	for path, code := range map[string]int{"/v1/messages/" + strings.Repeat("0", 26): 404, "/v1/messages/short": 404} {
		if a := p.do("GET", path, key, ""); a.code != code && a.code != 410 {
			t.Errorf("GET %s: %d", path, a.code)
		}
	}
}

// TestIdempotencyKey: the same key and body gives the same answer, another body
// 409, another account its own.
func TestIdempotencyKey(t *testing.T) {
	rs := redistest.Start(t)
	p := serve(t, configFor(rs.URL(), "127.0.0.1:1", ""))
	p.ready()
	const body = `{"to":"+821012345678","from":"1544","text":"once"}`
	first := p.do("POST", "/v1/messages", key, body, "Idempotency-Key", "k-1")
	again := p.do("POST", "/v1/messages", key, body, "Idempotency-Key", "k-1")
	if first.code != 202 || again.code != 202 || string(first.body) != string(again.body) {
		t.Errorf("%d %s, then %d %s", first.code, first.body, again.code, again.body)
	}
	if other := p.do("POST", "/v1/messages", key, strings.Replace(body, "once", "twice", 1), "Idempotency-Key", "k-1"); other.code != 409 {
		t.Errorf("another body: %d %s", other.code, other.body)
	}
	if rival := p.do("POST", "/v1/messages", "another-key-987654", body, "Idempotency-Key", "k-1"); rival.code != 202 || string(rival.body) == string(first.body) {
		t.Errorf("another account: %d %s", rival.code, rival.body)
	}
	if n, err := rs.Client(t).Keys(context.Background(), "*:block:*").Result(); err != nil || len(n) != 2 {
		t.Errorf("%d blocks are queued, want 2 (%v)", len(n), err)
	}
}

// TestRedisComesAndGoes: serve waits for a Redis that is not there yet, refuses
// while it is away, and goes on when it is back.
func TestRedisComesAndGoes(t *testing.T) {
	rs := redistest.Start(t, "--appendonly", "yes", "--appendfsync", "always")
	rs.Kill(t)
	p := serve(t, configFor(rs.URL(), "127.0.0.1:1", ""))
	if a := p.do("GET", "/healthz", "", ""); a.code != 200 {
		t.Errorf("/healthz without Redis: %d", a.code)
	}
	if a := p.do("GET", "/readyz", "", ""); a.code != 503 {
		t.Errorf("/readyz without Redis: %d", a.code)
	}
	refused := func() bool {
		a := p.do("POST", "/v1/messages", key, `{"to":"+821012345678","from":"1544","text":"x"}`)
		return a.code == 503 && a.head.Get("Retry-After") != ""
	}
	if !refused() {
		t.Error("a send without Redis is not refused with 503 and Retry-After")
	}
	rs.Run(t)
	p.ready()
	id := p.send("+821012345678", "hi")
	rs.Kill(t)
	if !refused() {
		t.Error("a send while Redis is away is not refused")
	}
	rs.Run(t)
	p.ready()
	if a := p.do("GET", "/v1/messages/"+id, key, ""); a.code != 200 {
		t.Errorf("GET after Redis came back: %d %s", a.code, a.body)
	}
	if code := p.terminate(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}
