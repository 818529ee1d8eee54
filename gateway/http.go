package gateway

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"bindery/api"
)

// listen opens the listener, which answers at once.
func (g *Gateway) listen(failed chan<- error) error {
	l, err := net.Listen("tcp", g.config().HTTP.Listen)
	if err != nil {
		return fmt.Errorf("http.listen: %w", err)
	}
	a := api.New(api.Config{
		Door: g.door, Accounts: g.accounts, AccountOf: g.accountOf, Messages: home{g}, Network: network{g}, Events: home{g}, Ready: g.ready, RequireKey: g.config().HTTP.RequireKey,
		Metrics: promhttp.HandlerFor(g.metrics.registry, promhttp.HandlerOpts{}), Log: g.log,
	})
	g.takeNoMore, g.api = a.Stop, a
	srv := api.NewServer(a)
	go func() {
		serve := func() error { return srv.Serve(l) }
		if t := g.config().HTTP.TLS; t != nil {
			serve = func() error { return srv.ServeTLS(l, t.Cert, t.Key) }
		}
		if err := serve(); !errors.Is(err, http.ErrServerClosed) {
			failed <- fmt.Errorf("http: %w", err)
		}
	}()
	g.down.add("http", func(ctx context.Context) error { return closeServer(ctx, srv) })
	g.log.Info().Str("address", l.Addr().String()).Msg("listening")
	if g.o.Listening != nil {
		g.o.Listening(l.Addr().String())
	}
	return nil
}

// LoginLink is a link by which somebody logs in to the console as an account,
// once, within ten minutes: path and query behind the address that
// Options.Listening was told. It is asked for after that.
func (g *Gateway) LoginLink(account string) (string, error) {
	if g.api == nil {
		return "", errors.New("gateway: not listening yet")
	}
	return g.api.LoginLink(account)
}

// closeServer lets the requests under way end; what has not ended when the time
// is up is cut off: its sender has no answer and asks again.
func closeServer(ctx context.Context, srv *http.Server) error {
	err := srv.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return srv.Close()
	}
	return err
}
