package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"
)

// sendersAtOnce is how many requests of the campaign are under way at once.
const sendersAtOnce = 8

// codeEvery is the time between two one-time passwords: with the carriers'
// rates they come in until the last of the bulk has gone.
const codeEvery = 55 * time.Millisecond

// demoAPI speaks to the demo's gateway as everybody does: by HTTP.
type demoAPI struct {
	base, key string
	http      *http.Client
}

func newDemoAPI(addr, key string) *demoAPI {
	return &demoAPI{base: "http://" + addr, key: key, http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 2 * sendersAtOnce}}}
}

// close ends the connections, which a gateway that stops would wait for.
func (a *demoAPI) close() { a.http.CloseIdleConnections() }

// do answers a body's content in v when the status is that.
func (a *demoAPI) do(ctx context.Context, method, path string, body any, status int, v any) error {
	var sent bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&sent).Encode(body); err != nil {
			return err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, a.base+path, &sent)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+a.key)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := a.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return err
	}
	if resp.StatusCode != status {
		return fmt.Errorf("%s %s: the gateway answered %s: %s", method, path, resp.Status, bytes.TrimSpace(answer))
	}
	if v == nil {
		return nil
	}
	return json.Unmarshal(answer, v)
}

// awaitReady asks until the gateway takes messages.
func (a *demoAPI) awaitReady(ctx context.Context) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for a.do(ctx, http.MethodGet, "/readyz", nil, http.StatusOK, nil) != nil {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// push sends the campaign, a message a request: one-time passwords one after the
// other, the rest as fast as it is taken.
func (a *demoAPI) push(ctx context.Context, t *demoTally, messages int) error {
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(1 + sendersAtOnce)
	work.Go(func() error {
		tick := time.NewTicker(codeEvery)
		defer tick.Stop()
		for i := 0; i < messages; i++ {
			if !isCode(i) {
				continue
			}
			if err := a.post(ctx, t, campaignMessage(i)); err != nil {
				return err
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	for i := 0; i < messages && ctx.Err() == nil; i++ {
		if !isCode(i) {
			work.Go(func() error { return a.post(ctx, t, campaignMessage(i)) })
		}
	}
	return work.Wait()
}

func (a *demoAPI) post(ctx context.Context, t *demoTally, m demoMessage) error {
	var answer struct {
		ID    string
		Parts int
		Route string
	}
	if err := a.do(ctx, http.MethodPost, "/v1/messages", m, http.StatusAccepted, &answer); err != nil {
		return err
	}
	t.accept(answer.ID, m.Priority, answer.Route, answer.Parts, time.Now())
	return nil
}

// demoNetwork is what GET /v1/carriers and /v1/queues say.
type demoNetwork struct {
	carriers map[string]carrierView
	waiting  map[string]int     // parts, by priority
	oldest   map[string]float64 // seconds, by priority
}

func (a *demoAPI) network(ctx context.Context) (demoNetwork, error) {
	var c struct{ Carriers []carrierView }
	var q struct {
		Queues []struct {
			Priority string
			Depth    int
			Oldest   float64 `json:"oldest_seconds"`
		}
	}
	n := demoNetwork{map[string]carrierView{}, map[string]int{}, map[string]float64{}}
	if err := a.do(ctx, http.MethodGet, "/v1/carriers", nil, http.StatusOK, &c); err != nil {
		return n, err
	}
	if err := a.do(ctx, http.MethodGet, "/v1/queues", nil, http.StatusOK, &q); err != nil {
		return n, err
	}
	for _, x := range c.Carriers {
		n.carriers[x.ID] = x
	}
	for _, x := range q.Queues {
		n.waiting[x.Priority] += x.Depth
		n.oldest[x.Priority] = max(n.oldest[x.Priority], x.Oldest)
	}
	return n, nil
}
