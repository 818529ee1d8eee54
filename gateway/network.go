package gateway

import (
	"context"

	"bindery/api"
	"bindery/queue"
)

// network is the NOC's view of a gateway, as package api shows it.
type network struct{ g *Gateway }

func (n network) Carriers() []api.Carrier {
	list := make([]api.Carrier, 0, len(n.g.fleet.all()))
	for _, c := range n.g.fleet.all() {
		list = append(list, c.view())
	}
	return list
}

func (n network) SetPaused(ctx context.Context, id string, paused bool) (api.Carrier, error) {
	for _, c := range n.g.fleet.all() {
		if c.cfg.ID != id {
			continue
		}
		set := c.budget.Resume
		if paused {
			set = c.budget.Pause
		}
		err := set(ctx)
		return c.view(), err
	}
	return api.Carrier{}, api.ErrNoCarrier
}

func (n network) Depths(ctx context.Context) (queue.Depths, error) {
	if !n.g.started.Load() {
		return queue.Depths{}, errNotStarted
	}
	return n.g.queue.Depths(ctx)
}

func (n network) Routes() []string { return n.g.routeIDs() }

// view is how the carrier stands: here, and as far as the last renewal of its
// bind slots tells on all instances.
func (c *carrier) view() api.Carrier {
	here, all, rate := c.up(), c.budget.State(), c.budget.Stat()
	v := api.Carrier{
		ID: c.cfg.ID, State: "down", Binds: c.cfg.Binds, BindsUp: max(here, all.Up), BindsHere: here, Window: c.cfg.Window,
		Rate: rate.Set, PresentRate: rate.Present, Ceiling: rate.Ceiling, Silent: all.Silent,
	}
	for _, b := range c.connector.Snapshot() {
		v.WindowInUse += b.InUse
	}
	switch {
	case all.Paused:
		v.State = "paused"
	case v.BindsUp > 0:
		v.State = "up"
	}
	return v
}
