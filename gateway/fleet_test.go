package gateway

import (
	"context"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"bindery/config"
	"bindery/gateway/dispatch"
	"bindery/internal/redisdb"
)

func TestDrained(t *testing.T) {
	routes := []config.Route{
		{ID: "kr", Carriers: []string{"alpha", "beta", "gamma"}}, {ID: "default", Carriers: []string{"beta"}}, {ID: "elsewhere", Carriers: []string{"theirs", "alpha"}},
	}
	runs := map[string]bool{"alpha": true, "beta": true, "gamma": true}
	for _, c := range []struct {
		over string
		want map[string][]string
	}{
		{"", map[string][]string{"alpha": {"kr", "elsewhere"}, "beta": {"default"}}},
		{"alpha", map[string][]string{"alpha": {"kr", "elsewhere"}, "beta": {"kr", "default"}}},
		{"alpha beta", map[string][]string{"alpha": {"kr", "elsewhere"}, "beta": {"kr", "default"}, "gamma": {"kr"}}},
	} {
		over := map[string]bool{}
		for _, id := range []string{"alpha", "beta", "gamma"} {
			over[id] = strings.Contains(c.over, id)
		}
		if got := drained(routes, runs, func(id string) bool { return over[id] }); !reflect.DeepEqual(got, c.want) {
			t.Errorf("over %q: %v, want %v", c.over, got, c.want)
		}
	}
}

// TestSilence: three time-outs in a row, any answer breaks it, and it is over
// by itself after a while.
func TestSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s silence
		s.heard(dispatch.ClassUncertain, 2)
		if s.now() {
			t.Error("silent after two")
		}
		s.heard(dispatch.ClassThrottled, 1)
		s.heard(dispatch.ClassUncertain, 2)
		s.heard(dispatch.ClassUnsent, 5) // says nothing of the carrier
		if s.now() {
			t.Error("silent, although it answered in between")
		}
		s.heard(dispatch.ClassUncertain, 1)
		if !s.now() {
			t.Error("not silent after three in a row")
		}
		time.Sleep(silentFor)
		if s.now() {
			t.Error("silent for ever")
		}
	})
}

// TestReload: what did not change stays the very same, what changed is made
// anew, what is wrong changes nothing.
func TestReload(t *testing.T) {
	m := miniredis.RunT(t)
	c := redis.NewClient(&redis.Options{Addr: m.Addr()})
	g, err := New(parse(t, "http: {listen: \"127.0.0.1:0\"}\n"+minimal), Options{Log: zerolog.Nop(), Redis: redisdb.Wrap(c)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	if err := g.Reload(ctx, parse(t, minimal)); err == nil {
		t.Error("a reload before redis is there")
	}
	ended := make(chan error, 1)
	go func() { ended <- g.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("run: %v", err)
		}
	}()
	for tick := time.NewTicker(5 * time.Millisecond); !g.started.Load(); {
		<-tick.C
	}
	before := g.fleet.all()
	changed := parse(t, `
accounts: [{id: acme, api_key: "0123456789abcdef0123456789"}, {id: new, api_key: "another-0123456789abcdef"}]
carriers:
  - {id: alpha, address: "127.0.0.1:1", system_id: b, password: s, encodings: [gsm7, euc-kr, ucs2], data_coding: {euc-kr: 0}, long_message: sar}
  - {id: gamma, address: "127.0.0.1:1", system_id: b, password: s}
routes: [{id: all, carriers: [gamma, alpha]}]
`)
	if err := g.Reload(ctx, changed); err != nil {
		t.Fatal(err)
	}
	after := g.fleet.all()
	if len(after) != 2 || after[0] != before[0] || after[1].cfg.ID != "gamma" {
		t.Errorf("after: %v", after)
	}
	if before[1].loops.ctx.Err() == nil {
		t.Error("a carrier that is gone still runs")
	}
	if _, ok := g.accounts.Authenticate("another-0123456789abcdef"); !ok {
		t.Error("the new account is not known")
	}
	(&steering{fleet: &g.fleet, routes: func() []config.Route { return g.config().Routes }}).step()
	if got := after[1].dispatcher.Routes(); len(got) != 1 || got[0] != "all" {
		t.Errorf("gamma drains %v", got)
	}
	if got := after[0].dispatcher.Routes(); len(got) != 0 {
		t.Errorf("alpha drains %v beside gamma", got)
	}
}
