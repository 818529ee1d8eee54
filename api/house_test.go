package api

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/rs/zerolog"

	"bindery/gateway/ingress"
	"bindery/queue"
)

// house is the small world around an API in tests.
type house struct {
	drafts []ingress.Draft
	keys   []*queue.Key
	result ingress.Result
	view   *queue.View
	getErr error
	ready  error
	door   *ingress.Door // when set, it answers instead of result
	log    log

	batch     *queue.BatchView
	batchOf   ingress.BatchResult
	batches   []*ingress.Batch
	canceled  []queue.ID
	carriers  []Carrier
	pauses    []string
	setErr    error
	depths    queue.Depths
	depthsErr error
}

// log is written and read by goroutines that know nothing of each other.
type log struct {
	mu  sync.Mutex // guards buf
	buf bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// withDoor puts the real door behind the API; what it would queue is noted.
func withDoor(t *testing.T) (*house, *noted) {
	t.Helper()
	q := &noted{}
	d, err := ingress.NewDoor(ingress.Config{Queue: q, Routes: []ingress.Route{{ID: "all", Carriers: []ingress.CarrierProfile{{ID: "alpha"}}}}})
	if err != nil {
		t.Fatal(err)
	}
	return &house{door: d}, q
}

type noted struct{ pushes []queue.Push }

func (q *noted) Accept(_ context.Context, p *queue.Push) ([]queue.ID, error) {
	q.pushes = append(q.pushes, *p)
	return make([]queue.ID, len(p.Messages)), nil
}

func (q *noted) Recorded(context.Context, string, [16]byte, int) (*queue.Record, error) {
	return nil, nil
}

func (q *noted) Batch(context.Context, string, string) (*queue.BatchView, error) {
	return nil, queue.ErrNotFound
}

func (h *house) Accept(ctx context.Context, who *ingress.Account, ds []ingress.Draft, key *queue.Key) []ingress.Result {
	if h.door != nil {
		return h.door.Accept(ctx, who, ds, key)
	}
	h.drafts = append(h.drafts, ds...)
	h.keys = append(h.keys, key)
	return []ingress.Result{h.result}
}

func (h *house) Stream(who *ingress.Account, key *[16]byte, stopping <-chan struct{}) *ingress.Stream {
	return h.door.Stream(who, key, stopping)
}

func (h *house) Cancel(_ context.Context, account string, id queue.ID) error {
	if account != "acme" {
		return queue.ErrNotFound
	}
	h.canceled = append(h.canceled, id)
	return h.getErr
}

// messages is the look-up side of a house: Batch is another method there.
type messages struct{ *house }

func (m messages) Batch(_ context.Context, account, _ string) (*queue.BatchView, error) {
	if account != "acme" {
		return nil, queue.ErrNotFound
	}
	return m.batch, m.getErr
}

func (m messages) StreamKey(account string) (string, error) {
	return "bindery:{s0}:status:" + account, m.getErr
}

func (h *house) Batch(ctx context.Context, who *ingress.Account, b *ingress.Batch, key *queue.Key) *ingress.BatchResult {
	if h.door != nil {
		return h.door.Batch(ctx, who, b, key)
	}
	h.batches, h.keys = append(h.batches, b), append(h.keys, key)
	return &h.batchOf
}

func (h *house) Carriers() []Carrier { return h.carriers }

func (h *house) SetPaused(_ context.Context, id string, paused bool) (Carrier, error) {
	for _, c := range h.carriers {
		if c.ID == id {
			h.pauses = append(h.pauses, id)
			if c.State = "up"; paused {
				c.State = "paused"
			}
			return c, h.setErr
		}
	}
	return Carrier{}, ErrNoCarrier
}

func (h *house) Depths(context.Context) (queue.Depths, error) { return h.depths, h.depthsErr }

func (h *house) Routes() []string { return []string{"kr", "default"} }

func (h *house) Authenticate(key string) (*ingress.Account, bool) {
	switch key {
	case "right":
		return &ingress.Account{ID: "acme"}, true
	case "noc":
		return &ingress.Account{ID: "noc", Admin: true}, true
	}
	return nil, false
}

func (h *house) accountOf(id string) (*ingress.Account, bool) {
	return h.Authenticate(map[string]string{"acme": "right", "noc": "noc"}[id])
}

func (h *house) Get(_ context.Context, account string, id queue.ID) (*queue.View, error) {
	if account != "acme" {
		return nil, queue.ErrNotFound
	}
	return h.view, h.getErr
}

func (h *house) api() *API {
	return New(Config{
		Door: h, Accounts: h, AccountOf: h.accountOf, Messages: messages{h}, Network: h, Ready: func(context.Context) error { return h.ready }, Log: zerolog.New(&h.log),
		Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "metrics") }),
	})
}

func request(method, path, body string, header ...string) *http.Request {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.RemoteAddr, r.Host = "127.0.0.1:5000", "localhost:8080"
	r.Header.Set("Authorization", "Bearer right")
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(header); i += 2 {
		if r.Header.Del(header[i]); header[i+1] != "" {
			r.Header.Set(header[i], header[i+1])
		}
	}
	return r
}

func (h *house) do(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.api().ServeHTTP(w, r)
	return w
}

const good = `{"to":"+821012345678","from":"1544","text":"hi"}`
