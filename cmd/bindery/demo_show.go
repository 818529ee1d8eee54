package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/term"
)

// demoTally is what the demo knows of its campaign.
type demoTally struct {
	mu       sync.Mutex           // guards all below
	accepted map[string]time.Time // by id, when the 202 came
	parts    int                  // of the accepted

	submitted int
	finals    map[string]int // by status
	ended     map[string]int // by id, finals seen: 1 is right
	took      []time.Duration
	last      string // entry of the stream
}

var finalStatuses = []string{"delivered", "undelivered", "expired", "rejected", "failed", "canceled", "unknown"}

// show sends the campaign, follows the status stream and tells.
func (d *demo) show(ctx context.Context, carriers *demoCarriers) error {
	select {
	case addr := <-d.address:
		d.base = "http://" + addr
	case <-ctx.Done():
		return nil
	}
	if err := d.awaitReady(ctx); err != nil {
		return err
	}
	fmt.Fprintf(d.out, "Bindery demo: an embedded Redis, two simulated carriers (north: 500/s, ids in hex,\nreceipts in decimal; south: throttles at 80/s, does not reach everyone), %d messages.\n\n", d.messages)
	t := &demoTally{accepted: map[string]time.Time{}, finals: map[string]int{}, ended: map[string]int{}, last: "-"}
	began := time.Now()
	work, wctx := errgroup.WithContext(ctx)
	work.Go(func() error { return d.push(wctx, t) })
	work.Go(func() error { return d.follow(wctx, t, began) })
	if err := work.Wait(); err != nil {
		return err
	}
	d.summary(t, carriers, time.Since(began))
	if d.exit {
		return nil
	}
	fmt.Fprintf(d.out, "\nStays up until Ctrl-C.\n")
	<-ctx.Done()
	return nil
}

func (d *demo) awaitReady(ctx context.Context) error {
	for tick := time.NewTicker(20 * time.Millisecond); ; {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, d.base+"/readyz", nil)
		if err != nil {
			return err
		}
		if resp, err := http.DefaultClient.Do(req); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				tick.Stop()
				return nil
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// push sends the campaign, a message a request, eight at a time.
func (d *demo) push(ctx context.Context, t *demoTally) error {
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(8)
	for i := range d.messages {
		work.Go(func() error { return d.post(ctx, t, campaign(i)) })
	}
	return work.Wait()
}

func (d *demo) post(ctx context.Context, t *demoTally, message map[string]string) error {
	body, err := json.Marshal(message)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.base+"/v1/messages", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+d.key)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err != nil {
		return err
	}
	var a struct {
		ID    string
		Parts int
	}
	if err := json.Unmarshal(answer, &a); err != nil || resp.StatusCode != http.StatusAccepted {
		return fmt.Errorf("the gateway answered %s: %s", resp.Status, bytes.TrimSpace(answer))
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.accepted[a.ID] = time.Now()
	t.parts += a.Parts
	return nil
}

// follow reads the status stream until every message has its final, and shows
// progress: a line that is redrawn on a terminal, one every second otherwise.
func (d *demo) follow(ctx context.Context, t *demoTally, began time.Time) error {
	live := isTerminal(d.out)
	shown := time.Time{}
	for tick := time.NewTicker(100 * time.Millisecond); ; {
		if err := d.read(ctx, t); err != nil {
			return err
		}
		done := t.ended1() >= d.messages
		if now := time.Now(); done || live || now.Sub(shown) >= time.Second {
			shown = now
			t.progress(d.out, d.messages, now.Sub(began), live, done)
		}
		if done {
			tick.Stop()
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// read takes what is new in the stream.
func (d *demo) read(ctx context.Context, t *demoTally) error {
	from := t.last
	if from != "-" {
		from = "(" + from
	}
	entries, err := d.redis.XRange(ctx, "bindery:{s0}:status:"+demoAccount, from, "+").Result()
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, x := range entries {
		t.last = x.ID
		events, ok := x.Values["events"].(string)
		if !ok {
			return fmt.Errorf("stream entry %s has no events", x.ID)
		}
		for _, line := range strings.Split(events, "\n") {
			var e struct{ ID, Status, At string }
			if err := json.Unmarshal([]byte(line), &e); err != nil {
				return fmt.Errorf("stream entry %s: %w", x.ID, err)
			}
			t.event(e.ID, e.Status, e.At)
		}
	}
	return nil
}

func (t *demoTally) event(id, status, at string) {
	if status == "submitted" {
		t.submitted++
	}
	if !slices.Contains(finalStatuses, status) {
		return
	}
	t.finals[status]++
	t.ended[id]++
	accepted, known := t.accepted[id]
	if ended, err := time.Parse(time.RFC3339Nano, at); err == nil && known {
		t.took = append(t.took, max(0, ended.Sub(accepted)))
	}
}

func (t *demoTally) ended1() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.ended)
}

func (t *demoTally) progress(w io.Writer, of int, elapsed time.Duration, live, done bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	const width = 24
	full := width * len(t.ended) / of
	line := fmt.Sprintf("%5.1f s [%s%s] %d accepted, %d submitted, %d delivered, %d otherwise", elapsed.Seconds(),
		strings.Repeat("#", full), strings.Repeat(".", width-full), len(t.accepted), t.submitted, t.finals["delivered"], len(t.ended)-t.finals["delivered"])
	switch {
	case live && done:
		fmt.Fprintf(w, "\r\x1b[K%s\n", line)
	case live:
		fmt.Fprintf(w, "\r\x1b[K%s", line)
	default:
		fmt.Fprintln(w, line)
	}
}

// summary says where every message went, by counts that are taken apart from
// each other: the answers of the API, the stream, and what the carriers saw.
func (d *demo) summary(t *demoTally, carriers *demoCarriers, elapsed time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	lost, finals := 0, 0
	for id := range t.accepted {
		if t.ended[id] == 0 {
			lost++
		}
		finals += t.ended[id]
	}
	taken := int(carriers.north.Stats().Taken + carriers.south.Stats().Taken)
	fmt.Fprintf(d.out, "\nWhere every message went\n")
	row := func(name string, n int) { fmt.Fprintf(d.out, "  %-12s %6d\n", name, n) }
	row("accepted", len(t.accepted))
	for _, s := range finalStatuses {
		if n := t.finals[s]; n > 0 || s == "delivered" || s == "undelivered" {
			row(s, n)
		}
	}
	row("lost", lost)
	row("told twice", finals-len(t.ended))
	row("repeated", max(0, taken-t.parts))
	slices.Sort(t.took)
	at := func(q float64) time.Duration {
		if len(t.took) == 0 {
			return 0
		}
		return t.took[int(q*float64(len(t.took)-1))].Round(time.Millisecond)
	}
	fmt.Fprintf(d.out, "  %d parts, %.0f messages/s; accepted to final: half within %s, 99 %% within %s\n",
		t.parts, float64(len(t.accepted))/elapsed.Seconds(), at(.5), at(.99))
	fmt.Fprintf(d.out, `
Status page   %s/
One of yours  curl -s %s/v1/messages -H 'Authorization: Bearer %s' \
                -H 'Content-Type: application/json' -d '{"to":"+821012345678","from":"1544","text":"hello"}'
`, d.base, d.base, d.key)
}
