package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"bindery/cmd/bindery/internal/screen"
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
	first     time.Time // the first delivered
	last      string    // entry of the stream
}

var finalStatuses = []string{"delivered", "undelivered", "expired", "rejected", "failed", "canceled", "unknown"}

// show sends the campaign, follows the status stream and tells.
func (d *demo) show(ctx context.Context, carriers *demoCarriers) error {
	select {
	case addr := <-d.address:
		d.base = "http://" + addr
	case <-ctx.Done():
		return ctx.Err()
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
	fmt.Fprintln(d.out, "Stopping: what is under way is waited for, at most 10 s. Ctrl-C again ends it at once.")
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
	s := screen.New(d.out)
	if d.verbose {
		s = screen.Plain(d.out)
	}
	defer s.End()
	shown := time.Time{}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		if err := d.read(ctx, t); err != nil {
			return err
		}
		done := t.endedCount() >= d.messages
		if now := time.Now(); done || s.Live() || now.Sub(shown) >= time.Second {
			shown = now
			s.Progress(t.progress(d.messages, now.Sub(began), s.Width()))
		}
		if done {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
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
			if err := t.event(e.ID, e.Status, e.At); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *demoTally) event(id, status, at string) error {
	if status == "submitted" {
		t.submitted++
	}
	if !slices.Contains(finalStatuses, status) {
		return nil
	}
	t.finals[status]++
	t.ended[id]++
	accepted, known := t.accepted[id]
	ended, err := time.Parse(time.RFC3339Nano, at)
	if err != nil {
		return fmt.Errorf("event of %s: %w", id, err)
	}
	if known {
		t.took = append(t.took, max(0, ended.Sub(accepted)))
	}
	if status == "delivered" && (t.first.IsZero() || ended.Before(t.first)) {
		t.first = ended
	}
	return nil
}

func (t *demoTally) endedCount() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.ended)
}

// progress is the longest of its forms that fits the width, in columns.
func (t *demoTally) progress(of int, elapsed time.Duration, width int) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	accepted, ended, delivered := len(t.accepted), len(t.ended), t.finals["delivered"]
	forms := []string{
		fmt.Sprintf("%5.1f s %s %d accepted, %d submitted, %d delivered, %d otherwise", elapsed.Seconds(), screen.Bar(24, ended, of), accepted, t.submitted, delivered, ended-delivered),
		fmt.Sprintf("%5.1f s %s %d delivered, %d otherwise", elapsed.Seconds(), screen.Bar(16, ended, of), delivered, ended-delivered),
		fmt.Sprintf("%s %d of %d ended", screen.Bar(10, ended, of), ended, of),
		fmt.Sprintf("%d/%d", ended, of),
	}
	for _, form := range forms {
		if len(form) < width {
			return form
		}
	}
	return forms[len(forms)-1]
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
	if !t.first.IsZero() {
		fmt.Fprintf(d.out, "  the first was delivered %.1f s after the start\n", t.first.Sub(d.began).Seconds())
	}
	fmt.Fprintf(d.out, `
Status page   %s/
One of yours  curl -s %s/v1/messages -H 'Authorization: Bearer %s' \
                -H 'Content-Type: application/json' -d '{"to":"+821012345678","from":"1544","text":"hello"}'
`, d.base, d.base, d.key)
}
