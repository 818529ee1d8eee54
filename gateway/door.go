package gateway

import (
	"context"
	"encoding/hex"
	"fmt"

	"bindery/api"
	"bindery/config"
	"bindery/dlr"
	"bindery/gateway/ingress"
	"bindery/queue"
)

// makeDoor maps accounts and routes to the way in.
func (g *Gateway) makeDoor() error {
	credentials, err := credentialsOf(g.config().Accounts)
	if err != nil {
		return err
	}
	if g.accounts, err = ingress.NewAccounts(credentials); err != nil {
		return err
	}
	routes, err := routesOf(g.config())
	if err != nil {
		return err
	}
	g.door, err = ingress.NewDoor(ingress.Config{
		Queue: home{g}, Routes: routes,
		Accepted: func(account, route string, n int) {
			g.metrics.messages.WithLabelValues(account, route).Add(float64(n))
		},
	})
	for i := range g.config().Accounts {
		for j := range routes {
			g.metrics.messages.WithLabelValues(g.config().Accounts[i].ID, routes[j].ID)
		}
	}
	return err
}

// accountOf is the account of an id as the configuration has it now.
func (g *Gateway) accountOf(id string) (*ingress.Account, bool) {
	accounts := g.config().Accounts // of one configuration, whatever a reload does
	for i := range accounts {
		if a := &accounts[i]; a.ID == id {
			return &ingress.Account{ID: a.ID, Admin: a.Admin, Rate: a.Rate}, true
		}
	}
	return nil, false
}

func credentialsOf(accounts []config.Account) ([]ingress.Credential, error) {
	list := make([]ingress.Credential, 0, len(accounts))
	for i := range accounts {
		a := &accounts[i]
		c := ingress.Credential{Account: ingress.Account{ID: a.ID, Admin: a.Admin, Rate: a.Rate}}
		switch {
		case a.APIKey != "":
			h := ingress.HashKey(string(a.APIKey))
			c.Key = &h
		case a.APIKeySHA256 != "":
			var h ingress.KeyHash
			if n, err := hex.Decode(h[:], []byte(a.APIKeySHA256)); err != nil || n != len(h) {
				return nil, fmt.Errorf("account %s: api_key_sha256 is not 64 hexadecimal digits", a.ID)
			}
			c.Key = &h
		}
		list = append(list, c)
	}
	return list, nil
}

var priorities = map[string]queue.Priority{"urgent": queue.Urgent, "normal": queue.Normal, "bulk": queue.Bulk}

func routesOf(cfg *config.Config) ([]ingress.Route, error) {
	profiles := map[string]ingress.CarrierProfile{}
	for i := range cfg.Carriers {
		p, err := codingProfile(cfg.Carriers[i])
		if err != nil {
			return nil, err
		}
		profiles[cfg.Carriers[i].ID] = ingress.CarrierProfile{ID: cfg.Carriers[i].ID, Profile: p}
	}
	routes := make([]ingress.Route, 0, len(cfg.Routes))
	for _, r := range cfg.Routes {
		route := ingress.Route{ID: r.ID, Match: ingress.Match{Prefix: r.Match.Prefix, Account: r.Match.Account, From: r.Match.From}}
		for _, word := range r.Match.Priority {
			p, ok := priorities[word]
			if !ok {
				return nil, fmt.Errorf("route %s: priority %q is none", r.ID, word)
			}
			route.Match.Priority = append(route.Match.Priority, p)
		}
		for _, id := range r.Carriers {
			route.Carriers = append(route.Carriers, profiles[id])
		}
		routes = append(routes, route)
	}
	return routes, nil
}

// home is the queue as the ways in and the look-ups see it: until it is open it
// answers as if Redis did not.
type home struct{ g *Gateway }

// Accept refuses when Redis is nearly full: what is queued keeps room to drain.
func (h home) Accept(ctx context.Context, push *queue.Push) ([]queue.ID, error) {
	switch {
	case !h.g.started.Load():
		return nil, errNotStarted
	case h.g.queue.Full(ctx):
		return nil, queue.ErrFull
	}
	return h.g.queue.Accept(ctx, push)
}

func (h home) Recorded(ctx context.Context, account string, hash [16]byte, first int) (*queue.Record, error) {
	if !h.g.started.Load() {
		return nil, errNotStarted
	}
	return h.g.queue.Recorded(ctx, account, hash, first)
}

func (h home) Get(ctx context.Context, account string, id queue.ID) (*queue.View, error) {
	if !h.g.started.Load() {
		return nil, errNotStarted
	}
	return h.g.queue.Get(ctx, account, id)
}

func (h home) Cancel(ctx context.Context, account string, id queue.ID) error {
	if !h.g.started.Load() {
		return errNotStarted
	}
	return h.g.queue.Cancel(ctx, account, id)
}

func (h home) Batch(ctx context.Context, account, id string) (*queue.BatchView, error) {
	if !h.g.started.Load() {
		return nil, errNotStarted
	}
	return h.g.queue.Batch(ctx, account, id)
}

// StreamKey is known once the shards are.
func (h home) StreamKey(account string) (string, error) {
	if !h.g.started.Load() {
		return "", errNotStarted
	}
	return h.g.queue.StreamKey(account), nil
}

// Status is the account's status stream.
func (h home) Status(account string) (api.StatusStream, error) {
	key, err := h.StreamKey(account)
	return dlr.NewStatusStream(h.g.db, key), err
}
