package gateway

import (
	"context"
	"slices"
	"time"

	"bindery/config"
)

const steerEvery = 200 * time.Millisecond

// steering keeps each carrier on the routes that it is to drain now. It is also
// the clock of watch, which has its turn right after it: every other moment at
// which an idle process is woken costs as much as what is then done.
//
// The rest is what the last step went by, and run's own.
type steering struct {
	fleet  *fleet
	routes func() []config.Route
	next   chan<- struct{} // told after each step; cap 1

	list []*carrier
	on   []config.Route
	over []bool // passed over, by place in list
}

func (s *steering) run(ctx context.Context) {
	for tick := time.NewTicker(steerEvery); ; {
		select {
		case <-tick.C:
			s.step()
			signal(s.next)
		case <-ctx.Done():
			tick.Stop()
			return
		}
	}
}

func (s *steering) step() {
	if s.changed() {
		s.assign()
	}
	for _, c := range s.list {
		c.dispatcher.Tick()
		c.countUnmatched(s.fleet.common.metrics)
	}
}

// changed takes up how the carriers stand now, and tells whether that differs
// from the last step. Lists and configurations are replaced, never changed.
func (s *steering) changed() bool {
	list, routes := s.fleet.all(), s.routes()
	changed := !same(list, s.list) || !same(routes, s.on)
	if changed {
		s.list, s.on, s.over = list, routes, make([]bool, len(list))
	}
	for i, c := range list {
		over := c.passedOver()
		changed = changed || over != s.over[i]
		s.over[i] = over
	}
	return changed
}

func same[T any](a, b []T) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}

func (s *steering) assign() {
	runs, over := map[string]bool{}, map[string]bool{}
	for i, c := range s.list {
		runs[c.cfg.ID], over[c.cfg.ID] = true, s.over[i]
	}
	now := drained(s.on, runs, func(id string) bool { return over[id] })
	for _, c := range s.list {
		if !slices.Equal(c.dispatcher.Routes(), now[c.cfg.ID]) {
			s.fleet.common.log.Info().Str("carrier", c.cfg.ID).Strs("routes", now[c.cfg.ID]).Msg("drains")
			c.dispatcher.SetRoutes(now[c.cfg.ID])
			c.ring()
		}
	}
}
