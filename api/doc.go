// Package api is the HTTP surface: sends and look-ups, health, metrics and the
// status page. It turns requests into what gateway/ingress and queue
// understand, and their answers into the bodies of CONTRACT.md; every refusal
// is an RFC 9457 problem that names the field at fault.
//
// It holds no state of its own. cmd never calls it; package gateway makes one
// API, gives it the small interfaces below, and serves its handler.
package api

import (
	"context"
	"net/http"

	"bindery/gateway/ingress"
	"bindery/queue"
)

// Door takes messages in: *ingress.Door.
type Door interface {
	Accept(ctx context.Context, a *ingress.Account, drafts []ingress.Draft, key *queue.Key) []ingress.Result
}

// Accounts tells who a key belongs to.
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
}

// API routes requests.
type API struct {
	Config
	mux *http.ServeMux
}

// New returns an API with its routes.
func New(c Config) *API {
	a := &API{Config: c, mux: http.NewServeMux()}
	a.Handle("/v1/messages", methods{http.MethodPost: a.account(a.send)})
	a.Handle("/v1/messages/{id}", methods{http.MethodGet: a.account(a.message)})
	a.Handle("/healthz", methods{http.MethodGet: a.open(a.healthz)})
	a.Handle("/readyz", methods{http.MethodGet: a.open(a.readyz)})
	a.Handle("/metrics", methods{http.MethodGet: a.open(c.Metrics.ServeHTTP)})
	a.Handle("/{$}", methods{http.MethodGet: a.open(page())})
	a.Handle("/console/", methods{http.MethodGet: a.open(page())})
	a.Handle("/", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		problem{Status: http.StatusNotFound, Detail: "no such resource"}.write(w)
	}))
	return a
}

// Handle adds a route, as http.ServeMux writes patterns. Other packages hang
// their own resources under the same checks and headers by it.
func (a *API) Handle(pattern string, h http.Handler) { a.mux.Handle(pattern, h) }

func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	a.mux.ServeHTTP(w, r)
}

func (a *API) healthz(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]string{"status": "alive"})
}

func (a *API) readyz(w http.ResponseWriter, r *http.Request) {
	if a.Ready(r.Context()) != nil {
		problem{Status: http.StatusServiceUnavailable, Detail: "Redis does not answer"}.write(w)
		return
	}
	writeJSON(w, http.StatusOK, map[string]string{"status": "ready"})
}
