package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"bindery/gateway/ingress"
	"bindery/internal/redisdb"
	"bindery/queue"
)

// real is an API over TCP before a real door and a real queue, in an embedded
// Redis; pushes can be made to fail.
type real struct {
	*house
	*queue.Queue
	t   testing.TB
	api *API
	srv *httptest.Server

	mu     sync.Mutex // guards the rest
	pushes int
	taken  map[string]int // texts
	fail   func(push int) error
}

func newReal(t testing.TB) *real {
	t.Helper()
	r := &real{house: &house{}, t: t, taken: map[string]int{}}
	db := redisdb.Wrap(redis.NewClient(&redis.Options{Addr: miniredis.RunT(t).Addr()}))
	t.Cleanup(func() { _ = db.Close() })
	r.Queue = queue.New(db, queue.Options{})
	if err := r.Queue.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	door, err := ingress.NewDoor(ingress.Config{Queue: r, Routes: []ingress.Route{
		{ID: "kr", Match: ingress.Match{Prefix: []string{"+82"}}, Carriers: []ingress.CarrierProfile{{ID: "alpha"}}},
		{ID: "world", Match: ingress.Match{Prefix: []string{"+4"}}, Carriers: []ingress.CarrierProfile{{ID: "beta"}}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	r.house.door = door
	r.api = r.house.api()
	r.srv = httptest.NewUnstartedServer(nil)
	r.srv.Config = NewServer(r.api)
	r.srv.Start()
	t.Cleanup(r.srv.Close)
	return r
}

func (r *real) Accept(ctx context.Context, p *queue.Push) ([]queue.ID, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.pushes++; r.fail != nil {
		if err := r.fail(r.pushes); err != nil {
			return nil, err
		}
	}
	ids, err := r.Queue.Accept(ctx, p)
	if err == nil && !p.Before {
		for i := range p.Messages {
			r.taken[p.Messages[i].Text]++
		}
	}
	return ids, err
}

func (r *real) Batch(ctx context.Context, account, id string) (*queue.BatchView, error) {
	return r.Queue.Batch(ctx, account, id)
}

// line is line i of a stream; every seventh is bad, in turn in its JSON and in
// a field.
func line(i int) string {
	switch i % 14 {
	case 6:
		return fmt.Sprintf(`{"to":"+8210%08d","text":%d`, i, i)
	case 13:
		return fmt.Sprintf(`{"to":"nobody","from":"1544","text":"line %d"}`, i)
	}
	return fmt.Sprintf(`{"to":"+%s%08d","from":"1544","text":"line %d","reference":"r%d"}`, []string{"8210", "4915"}[i%2], i, i, i)
}

func lines(from, to int) string {
	var b strings.Builder
	for i := from; i < to; i++ {
		b.WriteString(line(i))
		b.WriteByte('\n')
	}
	return b.String()
}

// lineAnswer is an answer to a line.
type lineAnswer struct {
	ID, Status, Encoding, Route string
	Parts                       int
	Error                       *struct {
		Status        int
		Title, Detail string
		Errors        []ingress.FieldError
	}
}

func (l *lineAnswer) code() int {
	if l.Error == nil {
		return 202
	}
	return l.Error.Status
}

func answersOf(t testing.TB, body io.Reader) (all []lineAnswer) {
	t.Helper()
	for d := json.NewDecoder(body); ; {
		var l lineAnswer
		err := d.Decode(&l)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatalf("answer %d: %v", len(all), err)
		}
		all = append(all, l)
	}
}

// check holds the answers to lines 0 to n against what they should be.
func (r *real) check(all []lineAnswer, n int) {
	r.t.Helper()
	if len(all) != n {
		r.t.Fatalf("%d answers to %d lines", len(all), n)
	}
	seen := map[string]bool{}
	for i := range all {
		l := &all[i]
		want := 202
		switch i % 14 {
		case 6:
			want = 400
		case 13:
			want = 422
		}
		if l.code() != want || want == 202 && (len(l.ID) != 26 || seen[l.ID] || l.Status != "queued" || l.Parts != 1 || l.Encoding != "gsm7" || l.Route == "") {
			r.t.Fatalf("line %d: %+v", i, l)
		}
		if want == 422 && (len(l.Error.Errors) != 1 || l.Error.Errors[0].Field != "to") {
			r.t.Fatalf("line %d: %+v", i, l.Error)
		}
		seen[l.ID] = true
	}
}

// once: every good line up to n was taken once.
func (r *real) once(n int) {
	r.t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range n {
		if got, want := r.taken[fmt.Sprintf("line %d", i)], 1; i%14 != 6 && i%14 != 13 && got != want {
			r.t.Fatalf("line %d was taken %d times", i, got)
		}
	}
	if want := n - n/14*2; n%14 == 0 && len(r.taken) != want {
		r.t.Errorf("%d were taken, want %d", len(r.taken), want)
	}
}

func (r *real) post(body io.Reader, header ...string) *http.Response {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodPost, r.srv.URL+"/v1/messages", body)
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer right")
	req.Header.Set("Content-Type", "application/x-ndjson")
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := r.srv.Client().Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { resp.Body.Close() })
	return resp
}

func (r *real) stream(body io.Reader, header ...string) []lineAnswer {
	r.t.Helper()
	resp := r.post(body, header...)
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "application/x-ndjson" {
		r.t.Fatalf("%d %v", resp.StatusCode, resp.Header)
	}
	return answersOf(r.t, resp.Body)
}

// rawStream sends the head of a request over a connection of its own.
func (r *real) rawStream(length int, header string) net.Conn {
	r.t.Helper()
	c, err := net.Dial("tcp", r.srv.Listener.Addr().String())
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(60 * time.Second))
	fmt.Fprintf(c, "POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer right\r\nContent-Type: application/x-ndjson\r\nContent-Length: %d\r\n%s\r\n", length, header)
	return c
}

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(60 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited 60 s for: %s", what)
		}
	}
}
