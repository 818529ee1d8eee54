package api

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"bindery/dlr"
)

// told is a status stream in memory.
type told struct {
	mu     sync.Mutex // guards all
	events []dlr.StatusEvent
	err    error
	looks  int
}

func (s *told) add(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for range n {
		i := len(s.events)
		s.events = append(s.events, dlr.StatusEvent{Place: dlr.Place{Entry: fmt.Sprintf("%d-0", 1+i/3), Line: i % 3}, JSON: fmt.Sprintf(`{"n":%d}`, i)})
	}
}

func (s *told) Status(account string) (StatusStream, error) {
	if account != "acme" {
		return nil, errors.New("another's")
	}
	return s, nil
}

func (s *told) End(context.Context) (dlr.Place, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil || len(s.events) == 0 {
		return dlr.StreamBegin, s.err
	}
	return s.events[len(s.events)-1].Place, nil
}

func (s *told) Read(_ context.Context, from dlr.Place, _ int64) ([]dlr.StatusEvent, dlr.Place, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.looks++
	known := from == dlr.StreamBegin
	var list []dlr.StatusEvent
	for i := range s.events {
		known = known || s.events[i].Place == from
		if from == dlr.StreamBegin || i > 0 && s.events[i-1].Place == from {
			list, known = s.events[i:min(len(s.events), i+50)], true
			break
		}
	}
	if s.err != nil || len(list) == 0 {
		return nil, from, !known, s.err
	}
	return list, list[len(list)-1].Place, false, nil
}

// listening is an API that serves status streams over TCP.
func listening(t *testing.T) (*told, *API, *httptest.Server) {
	t.Helper()
	s := &told{}
	a := (&house{}).api()
	a.Events = s
	srv := httptest.NewUnstartedServer(nil)
	srv.Config = NewServer(a)
	srv.Config.ReadTimeout = 200 * time.Millisecond // a stream outlives it
	srv.Start()
	t.Cleanup(srv.Close)
	return s, a, srv
}

// open opens the stream and answers its lines.
func open(t *testing.T, srv *httptest.Server, last string) *bufio.Scanner {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, srv.URL+"/v1/status", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer right")
	if last != "" {
		req.Header.Set("Last-Event-ID", last)
	}
	resp, err := srv.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("%d %v", resp.StatusCode, resp.Header)
	}
	return bufio.NewScanner(resp.Body)
}

// block reads to the next empty line.
func block(t *testing.T, s *bufio.Scanner) string {
	t.Helper()
	var lines []string
	for s.Scan() {
		if s.Text() == "" {
			return strings.Join(lines, "\n")
		}
		lines = append(lines, s.Text())
	}
	t.Fatalf("the stream ended: %v", s.Err())
	return ""
}

func TestEvents(t *testing.T) {
	s, _, srv := listening(t)
	s.add(4)
	sse := open(t, srv, "")
	if got := block(t, sse); got != "retry: 1000\nid: 2-0/0" {
		t.Errorf("first: %q", got)
	}
	s.add(200) // from now on
	for i := 4; i < 204; i++ {
		want := fmt.Sprintf("id: %d-0/%d\ndata: {\"n\":%d}", 1+i/3, i%3, i)
		if got := block(t, sse); got != want {
			t.Fatalf("%q, want %q", got, want)
		}
	}
	<-time.After(300 * time.Millisecond) // beyond the server's ReadTimeout
	s.add(1)
	if got := block(t, sse); !strings.HasSuffix(got, `{"n":204}`) {
		t.Errorf("%q", got)
	}
}

func TestEventsResume(t *testing.T) {
	s, _, srv := listening(t)
	s.add(10)
	sse := open(t, srv, "2-0/1")
	var got []string
	for range 6 {
		got = append(got, block(t, sse))
	}
	want := []string{"retry: 1000\nid: 2-0/1", "id: 2-0/2\ndata: {\"n\":5}", "id: 3-0/0\ndata: {\"n\":6}", "id: 3-0/1\ndata: {\"n\":7}", "id: 3-0/2\ndata: {\"n\":8}", "id: 4-0/0\ndata: {\"n\":9}"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	sse = open(t, srv, "0-0/5") // a place that is gone
	block(t, sse)
	if got := block(t, sse); got != "event: gap\ndata: {\"after\":\"0-0/5\"}" {
		t.Errorf("%q", got)
	}
}

func TestEventsRefused(t *testing.T) {
	s, a, _ := listening(t)
	for _, last := range []string{"x", "1-1", "1-1/-1", "$"} {
		w := httptest.NewRecorder()
		a.ServeHTTP(w, request("GET", "/v1/status", "", "Last-Event-ID", last))
		if w.Code != 400 || !strings.Contains(w.Body.String(), `"field":"Last-Event-ID"`) {
			t.Errorf("%q: %d %s", last, w.Code, w.Body)
		}
	}
	w := httptest.NewRecorder()
	if a.ServeHTTP(w, request("HEAD", "/v1/status", "")); w.Code != 200 || w.Body.Len() > 0 {
		t.Errorf("HEAD: %d %s", w.Code, w.Body)
	}
	s.err = errors.New("away")
	w = httptest.NewRecorder()
	if a.ServeHTTP(w, request("GET", "/v1/status", "")); w.Code != 503 || w.Header().Get("Retry-After") == "" {
		t.Errorf("%d", w.Code)
	}
	for range maxListeners / accountsShare {
		if !a.listeners.enter("acme") {
			t.Fatal("not so many")
		}
	}
	w = httptest.NewRecorder()
	if a.ServeHTTP(w, request("GET", "/v1/status", "")); w.Code != 503 || !a.listeners.enter("other") {
		t.Errorf("too many: %d", w.Code)
	}
}

// TestEventsEndWithTheServer: a shutdown does not wait for listeners.
func TestEventsEndWithTheServer(t *testing.T) {
	_, a, srv := listening(t)
	sse := open(t, srv, "")
	block(t, sse)
	if err := srv.Config.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if sse.Scan() {
		t.Errorf("%q", sse.Text())
	}
	if a.listeners.all != 0 {
		t.Errorf("%d listeners are left", a.listeners.all)
	}
}

// wire is a response that is written to a pipe, or to nobody.
type wire struct {
	io.Writer
	header http.Header
}

func (w wire) Header() http.Header { return w.header }
func (w wire) WriteHeader(int)     {}
func (w wire) Flush()              {}

// TestSignsOfLife: a listener looks five times a second while nothing comes, is
// told every 15 s that the stream lives, and each second that Redis is away.
func TestSignsOfLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &told{}
		a := (&house{}).api()
		defer a.stop()
		a.Events = s
		ctx, cancel := context.WithCancel(t.Context())
		var out strings.Builder
		done := make(chan struct{})
		go func() {
			defer close(done)
			a.ServeHTTP(wire{&out, http.Header{}}, request("GET", "/v1/status", "").WithContext(ctx))
		}()
		<-time.After(31 * time.Second)
		synctest.Wait()
		if got := strings.Count(out.String(), ":\n\n"); got != 2 || s.looks < 150 || s.looks > 160 {
			t.Errorf("%d signs of life, %d looks", got, s.looks)
		}
		s.mu.Lock()
		s.err = errors.New("away")
		s.mu.Unlock()
		<-time.After(5 * time.Second)
		synctest.Wait()
		if got := strings.Count(out.String(), ": Redis does not answer\n\n"); got < 4 || got > 6 {
			t.Errorf("said %d times that Redis is away", got)
		}
		cancel()
		<-done
	})
}
