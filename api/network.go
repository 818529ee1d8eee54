package api

import (
	"context"
	"errors"
	"net/http"

	"bindery/gateway/ingress"
	"bindery/queue"
)

// Network is what a NOC sees and does: the carriers and the queues. Package
// gateway has one.
type Network interface {
	Carriers() []Carrier
	// SetPaused pauses a carrier on all instances or lets it go on, and answers
	// how it stands then. ErrNoCarrier: there is none of that id.
	SetPaused(ctx context.Context, id string, paused bool) (Carrier, error)
	Depths(ctx context.Context) (queue.Depths, error)
	// Routes are the ids of the configured ones: they are shown also while
	// nothing waits.
	Routes() []string
}

// ErrNoCarrier: no carrier has that id.
var ErrNoCarrier = errors.New("api: no such carrier")

// Carrier is how a carrier stands. Rates are submit_sm a second, of all
// instances, 0 without a limit.
type Carrier struct {
	ID          string  `json:"id"`
	State       string  `json:"state"`         // up, down or paused
	Binds       int     `json:"binds"`         // wanted, all instances together
	BindsUp     int     `json:"binds_up"`      // all instances together
	BindsHere   int     `json:"binds_here"`    // up on the instance that answers
	Window      int     `json:"window"`        // of one bind
	WindowInUse int     `json:"window_in_use"` // unanswered on the instance that answers
	Rate        float64 `json:"rate"`          // configured
	PresentRate float64 `json:"present_rate"`  // in force
	Ceiling     float64 `json:"ceiling"`       // what the carrier was seen to take when it throttled; 0: never
	Silent      bool    `json:"silent"`        // it answers nothing, wherever it is bound
}

func (a *API) carriers(w http.ResponseWriter, _ *http.Request, _ *ingress.Account) {
	list := a.Network.Carriers()
	if list == nil {
		list = []Carrier{}
	}
	writeJSON(w, http.StatusOK, map[string][]Carrier{"carriers": list})
}

// setPaused handles pause and resume.
func (a *API) setPaused(paused bool) func(http.ResponseWriter, *http.Request, *ingress.Account) {
	return func(w http.ResponseWriter, r *http.Request, who *ingress.Account) {
		c, err := a.Network.SetPaused(r.Context(), r.PathValue("id"), paused)
		switch {
		case errors.Is(err, ErrNoCarrier):
			Problem{Status: http.StatusNotFound, Detail: "no such carrier"}.Write(w)
		case err != nil:
			a.Log.Warn().Err(err).Msg("api: pause or resume")
			Problem{Status: http.StatusServiceUnavailable, Detail: "Redis does not answer; whether it was done is not known", RetryAfter: retryBusy}.Write(w)
		default:
			a.Log.Info().Str("carrier", c.ID).Str("account", who.ID).Bool("paused", paused).Msg("a carrier was paused or resumed")
			writeJSON(w, http.StatusOK, c)
		}
	}
}

// queueDepth is what waits on a route at a priority, parts of all accounts.
type queueDepth struct {
	Route    string  `json:"route"`
	Priority string  `json:"priority"`
	Depth    int     `json:"depth"`
	Retrying int     `json:"retrying"` // of these, waiting for their next try
	Oldest   float64 `json:"oldest_seconds"`
}

type queueDepths struct {
	Queues    []queueDepth `json:"queues"`
	Scheduled int          `json:"scheduled"`
	Held      int          `json:"held"`
}

func (a *API) queues(w http.ResponseWriter, r *http.Request, _ *ingress.Account) {
	d, err := a.Network.Depths(r.Context())
	if err != nil {
		a.problemOf(err).Write(w)
		return
	}
	writeJSON(w, http.StatusOK, depthsOf(d, a.Network.Routes()))
}

// depthsOf shows every priority of the configured routes, in their order, and
// then what else waits: @carrier, routes that are no more.
func depthsOf(d queue.Depths, routes []string) queueDepths {
	all := queueDepths{Queues: []queueDepth{}, Scheduled: d.Scheduled, Held: d.Held}
	type lane struct {
		route    string
		priority queue.Priority
	}
	waiting := map[lane]queue.Depth{}
	for _, l := range d.Lanes {
		waiting[lane{l.Route, l.Priority}] = l
	}
	add := func(l lane) {
		x := waiting[l]
		delete(waiting, l)
		all.Queues = append(all.Queues, queueDepth{l.route, l.priority.String(), x.Waiting + x.Retrying, x.Retrying, x.Oldest.Seconds()})
	}
	for _, route := range routes {
		for p := queue.Urgent; p <= queue.Bulk; p++ {
			add(lane{route, p})
		}
	}
	for _, l := range d.Lanes {
		if at := (lane{l.Route, l.Priority}); waiting[at].Route != "" {
			add(at)
		}
	}
	return all
}

// accountView is an account as it sees itself.
type accountView struct {
	ID     string `json:"id"`
	Rate   int    `json:"rate"`   // parts a second, all instances together; 0: no limit
	Stream string `json:"stream"` // key of its status stream in Redis
	Admin  bool   `json:"admin"`
}

func (a *API) account(w http.ResponseWriter, _ *http.Request, who *ingress.Account) {
	stream, err := a.Messages.StreamKey(who.ID)
	if err != nil {
		a.problemOf(err).Write(w)
		return
	}
	writeJSON(w, http.StatusOK, accountView{ID: who.ID, Rate: who.Rate, Stream: stream, Admin: who.Admin})
}
