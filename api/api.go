// Package api is the HTTP surface: sends and look-ups, health, metrics and the
// status page. It turns requests into what gateway/ingress and queue
// understand, and their answers into JSON; every refusal is an RFC 9457 problem
// that names the field at fault. Package gateway makes one API, gives it the
// small interfaces below, and serves it by NewServer; other packages hang their
// routes beneath the same checks by Handle.
//
// # Concurrency
//
// An API holds no state but the number of sends in flight (an atomic): a
// request is its goroutine's, which net/http owns. When the process dies
// before an answer, whoever sent the request has none and asks again; with an
// Idempotency-Key that is harmless.
package api

import (
	"context"
	"net/http"
	"runtime/debug"
	"sync/atomic"

	"github.com/rs/zerolog"

	"bindery/gateway/ingress"
	"bindery/queue"
)

// Door takes messages in: *ingress.Door.
type Door interface {
	Accept(ctx context.Context, a *ingress.Account, drafts []ingress.Draft, key *queue.Key) []ingress.Result
}

// Accounts tells who a key belongs to: *ingress.Accounts.
type Accounts interface {
	Authenticate(key string) (*ingress.Account, bool)
}

// Messages is where a message is looked up: *queue.Queue.
type Messages interface {
	Get(ctx context.Context, account string, id queue.ID) (*queue.View, error)
}

// Config is what an API is made of.
type Config struct {
	Door     Door
	Accounts Accounts
	Messages Messages
	// Ready answers nil when Redis takes messages.
	Ready   func(ctx context.Context) error
	Metrics http.Handler
	// RequireKey demands a key for metrics, health and console from loopback too.
	RequireKey bool
	// MaxInFlight is how many sends may be under way; more are answered 503.
	// Default 2,000, which with bodies of 256 KiB is 512 MiB.
	MaxInFlight int
	Log         zerolog.Logger // of what nobody foresaw; the zero value is silent
}

// API routes requests.
type API struct {
	Config
	mux      *http.ServeMux
	inFlight atomic.Int64
}

// New returns an API with its routes.
func New(c Config) *API {
	if c.MaxInFlight == 0 {
		c.MaxInFlight = 2000
	}
	a := &API{Config: c, mux: http.NewServeMux()}
	a.Handle("/v1/messages", Methods{http.MethodPost: a.Account(a.send)})
	a.Handle("/v1/messages/{id}", Methods{http.MethodGet: a.Account(a.message)})
	a.Handle("/healthz", Methods{http.MethodGet: a.Open(healthz)})
	a.Handle("/readyz", Methods{http.MethodGet: a.Open(a.readyz)})
	a.Handle("/metrics", Methods{http.MethodGet: a.Open(c.Metrics.ServeHTTP)})
	a.Handle("/{$}", Methods{http.MethodGet: a.Open(page)})
	a.Handle("/console/", Methods{http.MethodGet: a.Open(page)})
	a.Handle("/", http.HandlerFunc(notFound))
	return a
}

// Handle adds a route, as http.ServeMux writes patterns. It is called before
// the API serves. Methods, Account, Admin and Open are the checks to put the
// handler under.
func (a *API) Handle(pattern string, h http.Handler) { a.mux.Handle(pattern, h) }

// ServeHTTP answers a request. A handler that panics is a 500 and a line in the
// log, without what it panicked with: that may be a text or a number.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer func() {
		switch v := recover(); v {
		case nil:
		case http.ErrAbortHandler:
			panic(v)
		default:
			a.Log.Error().Str("stack", string(debug.Stack())).Msg("api: a handler panicked")
			Problem{Status: http.StatusInternalServerError, Detail: "an error of the gateway; its log says more"}.Write(w)
		}
	}()
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	a.mux.ServeHTTP(w, r)
}

func notFound(w http.ResponseWriter, _ *http.Request) {
	Problem{Status: http.StatusNotFound, Detail: "no such resource"}.Write(w)
}

func healthz(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]string{"status": "alive"})
}

func (a *API) readyz(w http.ResponseWriter, r *http.Request) {
	if a.Ready(r.Context()) != nil {
		Problem{Status: http.StatusServiceUnavailable, Detail: "Redis does not answer", RetryAfter: retryBusy}.Write(w)
		return
	}
	writeJSON(w, http.StatusOK, map[string]string{"status": "ready"})
}
