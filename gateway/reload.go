package gateway

import (
	"context"
	"errors"
	"reflect"

	"bindery/config"
)

// Reload takes over a configuration that was found right: accounts and routes
// at once, carriers one by one. Carriers whose settings did not change keep
// their binds; one that changed drains and unbinds, and is made anew. What needs
// a restart is said and left as it was. With an error nothing, or of the
// carriers only what the error does not name, has changed.
func (g *Gateway) Reload(ctx context.Context, cfg *config.Config) error {
	g.reload.Lock()
	defer g.reload.Unlock()
	if !g.started.Load() {
		return errors.New("gateway: still waiting for redis; reload again once /readyz says 200")
	}
	g.sayWhatNeedsARestart(cfg)
	credentials, err := credentialsOf(cfg.Accounts)
	if err != nil {
		return err
	}
	routes, err := routesOf(cfg)
	if err != nil {
		return err
	}
	next, fresh, gone, err := g.fleet.plan(cfg)
	if err != nil {
		return err
	}
	if err := errors.Join(g.accounts.Set(credentials), g.door.SetRoutes(routes)); err != nil {
		return err
	}
	g.live.Store(cfg)
	g.fleet.list.Store(&next)
	stopped := stopAll(ctx, gone) // before their successors bind: the carrier counts binds
	for _, c := range fresh {
		c.run(g.log)
	}
	g.log.Info().Int("carriers", len(next)).Int("changed", len(fresh)).Int("gone", len(gone)).Msg("configuration reloaded")
	return stopped
}

func (g *Gateway) sayWhatNeedsARestart(cfg *config.Config) {
	old := g.config()
	say := func(setting string, changed bool) {
		if changed {
			g.log.Warn().Str("setting", setting).Msg("changed in the file, but needs a restart: left as it was")
		}
	}
	say("redis", !reflect.DeepEqual(old.Redis, cfg.Redis))
	say("http", !reflect.DeepEqual(old.HTTP, cfg.HTTP))
	say("smpp", !reflect.DeepEqual(old.SMPP, cfg.SMPP))
}

// plan makes the next list: carriers that stay, those made anew (not running
// yet), and those to stop.
func (f *fleet) plan(cfg *config.Config) (next, fresh, gone []*carrier, err error) {
	running := map[string]*carrier{}
	for _, c := range f.all() {
		running[c.cfg.ID] = c
	}
	routes := drained(cfg.Routes, dialled(cfg), func(string) bool { return false })
	for i := range cfg.Carriers {
		c := cfg.Carriers[i]
		if c.Accept != nil {
			continue
		}
		if r := running[c.ID]; r != nil && reflect.DeepEqual(r.cfg, c) {
			delete(running, c.ID)
			next = append(next, r)
			continue
		}
		made, err := newCarrier(c, routes[c.ID], f.common)
		if err != nil {
			return nil, nil, nil, err
		}
		next, fresh = append(next, made), append(fresh, made)
	}
	for _, c := range f.all() {
		if running[c.cfg.ID] == c {
			gone = append(gone, c)
		}
	}
	return next, fresh, gone, nil
}
