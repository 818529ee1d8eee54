package main

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// events reads the account's events over SSE until n were told, breaking the
// connection off now and then, and resuming.
func (p *process) events(from string, n int) (places, events []string) {
	p.t.Helper()
	for len(events) < n {
		ctx, cancel := context.WithTimeout(p.t.Context(), 60*time.Second)
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.base+"/v1/status", nil)
		if err != nil {
			p.t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+key)
		req.Header.Set("Last-Event-ID", from)
		resp, err := http.DefaultClient.Do(req)
		if err != nil || resp.StatusCode != 200 {
			p.t.Fatalf("%+v %v", resp, err)
		}
		for lines, left := bufio.NewScanner(resp.Body), rand.IntN(200); left >= 0 && len(events) < n && lines.Scan(); {
			if id, ok := strings.CutPrefix(lines.Text(), "id: "); ok {
				from = id
			}
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				places, events = append(places, from), append(events, data)
				left--
			}
		}
		cancel()
		_ = resp.Body.Close()
	}
	return places, events
}

// TestStatusEvents: over connections that break, each event of the stream is
// told once, in its order and with its place.
func TestStatusEvents(t *testing.T) {
	d := newDoor(t, 1, "")
	p := d.ps[0]
	const n = 500
	var body strings.Builder
	for i := range n {
		fmt.Fprintf(&body, "{\"to\":\"%s\",\"from\":\"1544\",\"text\":\"event %d\"}\n", number(i), i)
	}
	p.lines(body.String())
	var places, want []string
	within(t, 60*time.Second, "all are delivered", func() bool { return countFinals(byStatus(stream(t, d.c, "acme"))) == n })
	entries, err := d.c.XRange(t.Context(), "bindery:{s0}:status:acme", "-", "+").Result()
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range entries {
		for i, line := range strings.Split(x.Values["events"].(string), "\n") {
			places, want = append(places, fmt.Sprintf("%s/%d", x.ID, i)), append(want, line)
		}
	}
	gotPlaces, got := p.events("0-0/0", len(want))
	if diff := cmp.Diff(places, gotPlaces); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	a := p.do("GET", "/v1/account", key, "")
	if want := `{"id":"acme","rate":0,"stream":"bindery:{s0}:status:acme","admin":false}`; strings.TrimSpace(string(a.body)) != want {
		t.Errorf("%s", a.body)
	}
}

// TestStopWithOpenStreams: clients that keep a stream of events or a body open
// keep the gateway from no graceful end, and what was answered is in Redis.
func TestStopWithOpenStreams(t *testing.T) {
	d := newDoor(t, 1, "")
	p := d.ps[0]
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.base+"/v1/status", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	events, err := http.DefaultClient.Do(req)
	if err != nil || events.StatusCode != 200 {
		t.Fatalf("%+v %v", events, err)
	}
	defer events.Body.Close()
	c := p.stream(1<<20, "open")
	if _, err := c.Write(streamOf(10)); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	for lines, n := bufio.NewScanner(resp.Body), 0; n < 10; n++ {
		if !lines.Scan() || !strings.Contains(lines.Text(), `"id"`) {
			t.Fatalf("answer %d: %q %v", n, lines.Text(), lines.Err())
		}
	}
	if code := p.terminate(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}
