package gateway

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"bindery/config"
	"bindery/gateway/dispatch"
)

// fleet is the carriers of this instance. The list is replaced, never changed:
// by make before the start, by Reload afterwards.
type fleet struct {
	common common
	list   atomic.Pointer[[]*carrier]
}

const (
	unboundFor   = 2 * time.Second // on every instance, until the next carrier takes over
	silentStreak = 3               // time-outs in a row
	silentFor    = 30 * time.Second
)

func (f *fleet) all() []*carrier {
	if l := f.list.Load(); l != nil {
		return *l
	}
	return nil
}

func (f *fleet) make(cfg *config.Config) error {
	var list []*carrier
	routes := drained(cfg.Routes, dialled(cfg), func(string) bool { return false })
	for i := range cfg.Carriers {
		c := cfg.Carriers[i]
		if c.Accept != nil {
			continue // config.Unserved says so
		}
		made, err := newCarrier(c, routes[c.ID], f.common)
		if err != nil {
			return err
		}
		list = append(list, made)
	}
	f.list.Store(&list)
	return nil
}

// dialled are the carriers that this version runs.
func dialled(cfg *config.Config) map[string]bool {
	m := map[string]bool{}
	for i := range cfg.Carriers {
		m[cfg.Carriers[i].ID] = cfg.Carriers[i].Accept == nil
	}
	return m
}

func (f *fleet) start() {
	for _, c := range f.all() {
		c.run(f.common.log)
	}
}

func (f *fleet) stop(ctx context.Context) error { return stopAll(ctx, f.all()) }

// stopAll stops carriers beside each other: the slowest sets the time.
func stopAll(ctx context.Context, list []*carrier) error {
	errs := make(chan error, len(list))
	for _, c := range list {
		go func() { errs <- c.stop(ctx) }()
	}
	var all []error
	for range list {
		all = append(all, <-errs)
	}
	return errors.Join(all...)
}

func (f *fleet) withdraw() {
	for _, c := range f.all() {
		c.connector.Withdraw()
	}
}

// drained says which routes each carrier drains: those where it stands first,
// and those where all before it are passed over. One that is passed over keeps
// its routes, so that it goes on the moment that it can.
func drained(routes []config.Route, runs map[string]bool, over func(carrier string) bool) map[string][]string {
	m := map[string][]string{}
	for _, r := range routes {
		for _, id := range r.Carriers {
			if !runs[id] {
				continue
			}
			m[id] = append(m[id], r.ID)
			if !over(id) {
				break
			}
		}
	}
	return m
}

// passedOver: paused, unbound on every instance for a while (a gateway that
// died counts until its lease is over), or silent; never for being busy. What
// is not known yet is no reason.
func (c *carrier) passedOver() bool {
	s := c.budget.State()
	return s.Known && (s.Paused || s.Unbound >= unboundFor || s.Silent)
}

// countUnmatched carries over what the carrier's home counts by itself.
func (c *carrier) countUnmatched(m *metrics) {
	if n := c.home.Stat().Unmatched; n > c.unmatched {
		m.receipts.WithLabelValues(c.cfg.ID, "unmatched").Add(float64(n - c.unmatched))
		c.unmatched = n
	}
}

// silence counts time-outs in a row. A carrier that is passed over for it is
// asked again after a while: without submits it could never break its silence.
type silence struct {
	streak atomic.Int32
	last   atomic.Int64 // the last time-out, Unix nanoseconds
}

func (s *silence) heard(c dispatch.Class, n int) {
	switch c {
	case dispatch.ClassUncertain:
		s.streak.Add(int32(n))
		s.last.Store(time.Now().UnixNano())
	case dispatch.ClassOK, dispatch.ClassThrottled, dispatch.ClassTemporary, dispatch.ClassPermanent, dispatch.ClassSession:
		s.streak.Store(0)
	}
}

func (s *silence) now() bool {
	if s.streak.Load() < silentStreak {
		return false
	}
	if time.Since(time.Unix(0, s.last.Load())) < silentFor {
		return true
	}
	s.streak.Store(0)
	return false
}
