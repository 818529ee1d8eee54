// Package api is the HTTP surface: sends and look-ups, health, metrics and the
// status page. It turns requests into what gateway/ingress and queue
// understand, and their answers into JSON; every refusal is an RFC 9457 problem
// that names the field at fault. Package gateway makes one API, gives it the
// small interfaces below, and serves it by NewServer; other packages hang their
// routes beneath the same checks by Handle.
//
// # Concurrency
//
// An API holds no state but what is under way (an atomic, and room's mutex) and
// who is logged in to the console (sessions' mutex): a request is its
// goroutine's, which net/http owns; a stream of lines has two more (ndjson.go),
// which end before its handler does. When the process dies
// before an answer, whoever sent the request has none and asks again; with an
// Idempotency-Key that is harmless. Logins end with the process.
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
	Stream(a *ingress.Account, key *[16]byte, stopping <-chan struct{}) *ingress.Stream
	Batch(ctx context.Context, a *ingress.Account, b *ingress.Batch, key *queue.Key) *ingress.BatchResult
}

// Accounts tells who a key belongs to: *ingress.Accounts.
type Accounts interface {
	Authenticate(key string) (*ingress.Account, bool)
}

// Messages is where messages and batches are looked up and canceled: the queue.
type Messages interface {
	Get(ctx context.Context, account string, id queue.ID) (*queue.View, error)
	Cancel(ctx context.Context, account string, id queue.ID) error
	Batch(ctx context.Context, account, id string) (*queue.BatchView, error)
	// StreamKey is the Redis key of an account's status stream.
	StreamKey(account string) (string, error)
}

// Config is what an API is made of.
type Config struct {
	Door     Door
	Accounts Accounts
	// AccountOf is the account of an id as it is configured now, for sessions
	// of the console. nil: there are no sessions.
	AccountOf func(id string) (*ingress.Account, bool)
	Messages  Messages
	Network   Network
	Events    Events
	// Ready answers nil when Redis takes messages.
	Ready   func(ctx context.Context) error
	Metrics http.Handler
	// RequireKey demands a key for metrics, health and console from loopback too.
	RequireKey bool
	// MaxInFlight is how many single sends may be under way, MaxOctets about what
	// all bodies under way may take of memory (128 streams of lines, or 16 of the
	// largest batches); more is answered 503. Defaults 2,000, and 384 MiB.
	MaxInFlight int
	MaxOctets   int64
	MaxLines    int            // of a stream, default 1,000,000
	Log         zerolog.Logger // of what nobody foresaw; the zero value is silent
}

// API routes requests.
type API struct {
	Config
	mux       *http.ServeMux
	routes    map[string]http.Handler // by pattern
	inFlight  atomic.Int64
	room      *room
	listeners listeners
	sessions  *sessions
	stopping  context.Context // over once Stop was called
	stop      context.CancelFunc
}

// New returns an API with its routes.
func New(c Config) *API {
	if c.MaxInFlight == 0 {
		c.MaxInFlight = 2000
	}
	if c.MaxOctets == 0 {
		c.MaxOctets = 384 << 20
	}
	if c.MaxLines == 0 {
		c.MaxLines = MaxLines
	}
	a := &API{Config: c, mux: http.NewServeMux(), routes: map[string]http.Handler{}, room: newRoom(c.MaxOctets), sessions: newSessions()}
	a.stopping, a.stop = context.WithCancel(context.Background())
	a.Handle("/v1/messages", Methods{http.MethodPost: a.Account(a.send)})
	a.Handle("/v1/messages/{id}", Methods{http.MethodGet: a.Account(a.message), http.MethodDelete: a.Account(a.cancel)})
	a.Handle("/v1/batches", Methods{http.MethodPost: a.Account(a.sendBatch)})
	a.Handle("/v1/batches/{batch}", Methods{http.MethodGet: a.Account(a.batch)})
	a.Handle("/v1/account", Methods{http.MethodGet: a.Account(a.account)})
	a.Handle("/v1/status", Methods{http.MethodGet: a.Account(a.events)})
	a.Handle("/v1/carriers", Methods{http.MethodGet: a.Admin(a.carriers)})
	a.Handle("/v1/carriers/{id}/pause", Methods{http.MethodPost: a.Admin(a.setPaused(true))})
	a.Handle("/v1/carriers/{id}/resume", Methods{http.MethodPost: a.Admin(a.setPaused(false))})
	a.Handle("/v1/queues", Methods{http.MethodGet: a.Admin(a.queues)})
	a.Handle("/healthz", Methods{http.MethodGet: a.Open(healthz)})
	a.Handle("/readyz", Methods{http.MethodGet: a.Open(a.readyz)})
	a.Handle("/metrics", Methods{http.MethodGet: a.Open(c.Metrics.ServeHTTP)})
	a.Handle("/openapi.json", Methods{http.MethodGet: a.Open(openapi)})
	a.Handle("/login", Methods{http.MethodGet: a.showLogin, http.MethodPost: a.login})
	a.Handle("/logout", Methods{http.MethodPost: a.logout})
	a.Handle("/{$}", Methods{http.MethodGet: a.home})
	a.Handle("/console/", Methods{http.MethodGet: a.Open(page)})
	a.Handle("/", http.HandlerFunc(notFound))
	return a
}

// Handle adds a route, as http.ServeMux writes patterns. It is called before
// the API serves. Methods, Account, Admin and Open are the checks to put the
// handler under.
func (a *API) Handle(pattern string, h http.Handler) {
	a.routes[pattern] = h
	a.mux.Handle(pattern, h)
}

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

// Stop makes the API take nothing more: sends are answered 503, /readyz too, and
// streams end. Look-ups go on.
func (a *API) Stop() { a.stop() }

// refuse answers a send when the API was stopped.
func (a *API) refuse(w http.ResponseWriter) bool {
	if a.stopping.Err() == nil {
		return false
	}
	a.problemOf(ingress.ErrStopping).Write(w)
	return true
}

func notFound(w http.ResponseWriter, _ *http.Request) {
	Problem{Status: http.StatusNotFound, Detail: "no such resource"}.Write(w)
}

func healthz(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]string{"status": "alive"})
}

func (a *API) readyz(w http.ResponseWriter, r *http.Request) {
	if a.stopping.Err() != nil {
		Problem{Status: http.StatusServiceUnavailable, Detail: "the gateway is stopping"}.Write(w)
		return
	}
	if a.Ready(r.Context()) != nil {
		Problem{Status: http.StatusServiceUnavailable, Detail: "Redis does not answer", RetryAfter: retryBusy}.Write(w)
		return
	}
	writeJSON(w, http.StatusOK, map[string]string{"status": "ready"})
}
