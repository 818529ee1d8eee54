package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// load sends messages to a fleet at an even rate, to whichever gateway runs,
// until stop. A message whose answer was no 202 is sent again under the same
// Idempotency-Key until it has one: so the ledger knows every message.
type load struct {
	f       *fleet
	client  *http.Client
	ctx     context.Context
	cancel  context.CancelFunc
	running sync.WaitGroup
	work    chan int
	end     chan struct{}
	refused atomic.Int64 // answers 503
	failed  atomic.Int64 // no answer
	giveUp  atomic.Bool  // what is refused is dropped
	keyless bool         // every other message has no key: its first answer must be the 202
}

const loadWorkers = 16

func (f *fleet) load(perSecond int) *load { return f.loadWith(perSecond, false) }

func (f *fleet) loadWith(perSecond int, keyless bool) *load {
	l := &load{
		keyless: keyless,
		f:       f, work: make(chan int), end: make(chan struct{}),
		client: &http.Client{Timeout: 4 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: loadWorkers}},
	}
	l.ctx, l.cancel = context.WithTimeout(context.Background(), 10*time.Minute)
	for range loadWorkers {
		l.running.Go(l.worker)
	}
	l.running.Go(func() { l.pace(perSecond) })
	f.t.Cleanup(func() {
		l.cancel()
		l.running.Wait()
		l.client.CloseIdleConnections()
	})
	return l
}

func (l *load) pace(perSecond int) {
	defer close(l.work)
	tick := time.NewTicker(time.Second / time.Duration(perSecond))
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-l.end:
			return
		case <-l.ctx.Done():
			return
		}
		select {
		case l.work <- int(l.f.sequence.Add(1)):
		case <-l.end:
			return
		case <-l.ctx.Done():
			return
		}
	}
}

func (l *load) worker() {
	for n := range l.work {
		l.deliver(n)
	}
}

// stop sends nothing new and returns when every message has its 202.
func (l *load) stop() {
	l.f.t.Helper()
	close(l.end)
	done := make(chan struct{})
	go func() {
		l.running.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(60 * time.Second):
		l.f.t.Fatal("60 s after the end of the load messages have no 202")
	}
	if l.ctx.Err() != nil {
		l.f.t.Fatal("the load was cut off")
	}
}

// textOf is what message n says.
func textOf(n int) string {
	text := fmt.Sprintf("message %d", n)
	if n%10 == 0 {
		text += strings.Repeat(" and more", 20)
	}
	return text
}

// messageOf is message n: every tenth has two parts, every seventh is to be held
// when it is uncertain, every eleventh comes a second later.
func messageOf(n int) map[string]string {
	m := map[string]string{"to": number(n), "from": "1544", "text": textOf(n), "reference": "r" + number(n)}
	if n%7 == 0 {
		m["on_uncertain"] = "hold"
	}
	if n%11 == 0 {
		m["send_at"] = time.Now().Add(time.Second).Format(time.RFC3339)
	}
	return m
}

// deliver posts message n until it is accepted.
func (l *load) deliver(n int) {
	account := fleetAccounts[n%len(fleetAccounts)]
	to := number(n)
	body, err := json.Marshal(messageOf(n))
	if err != nil {
		l.f.t.Error(err)
		return
	}
	retry := time.NewTicker(25 * time.Millisecond)
	defer retry.Stop()
	idempotency := to
	if l.keyless && n%2 == 1 {
		idempotency = ""
	}
	for turn := n; ; turn++ {
		if p := l.f.gateway(turn); p != nil {
			done, err := l.post(p, account, to, idempotency, body)
			if err != nil {
				l.f.t.Error(err)
			}
			if done {
				return
			}
		}
		select {
		case <-retry.C:
		case <-l.ctx.Done():
			return
		}
	}
}

// post answers whether the message is done with.
func (l *load) post(p *process, account, to, idempotency string, body []byte) (bool, error) {
	a, err := l.ask(p, account, idempotency, body)
	if idempotency == "" && (err != nil || a.code != http.StatusAccepted) {
		return true, fmt.Errorf("a message without a key was answered %d %s: %w", a.code, a.body, err)
	}
	if err != nil {
		l.failed.Add(1)
		return false, nil
	}
	switch a.code {
	case http.StatusAccepted:
		var m struct {
			ID    string
			Parts int
		}
		if err := json.Unmarshal(a.body, &m); err != nil {
			return true, fmt.Errorf("answer %s: %w", a.body, err)
		}
		return true, l.f.ledger.accept(to, m.ID, m.Parts, bytes.Contains(body, []byte(`"hold"`)))
	case http.StatusServiceUnavailable:
		l.refused.Add(1)
		return l.giveUp.Load(), nil
	}
	return true, fmt.Errorf("a message was answered %d %s", a.code, a.body)
}

func (l *load) ask(p *process, account, key string, body []byte) (answer, error) {
	req, err := http.NewRequestWithContext(l.ctx, http.MethodPost, p.base+"/v1/messages", bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Authorization", "Bearer "+apiKey(account))
	req.Header.Set("Content-Type", "application/json")
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	resp, err := l.client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, b}, err
}
