package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"bindery/config"
	"bindery/gateway"
	"bindery/internal/redisdb"
)

// demo runs everything in one process: an embedded Redis, two simulated
// carriers, the gateway, and a campaign that is sent over its HTTP API.
type demo struct {
	out      io.Writer
	messages int
	exit     bool
	verbose  bool

	key       string
	redis     *redis.Client
	listening chan demoGateway // once it does
}

// demoGateway is the gateway, and the address it listens at.
type demoGateway struct {
	*gateway.Gateway
	addr string
}

// processBegan is as early as a package can tell.
var processBegan = time.Now()

func newDemoCommand() *cobra.Command {
	d := &demo{}
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "See it work: nothing to install, nothing to configure",
		Long: `Starts an embedded Redis, two simulated carriers with different habits and the
gateway, sends a mixed campaign over its HTTP API, shows what happens, and says
where every message ended, how to log in to the console and how to send a
message of your own. Stays up until Ctrl-C and tells what becomes of that.

On a terminal a table is redrawn in its place; piped, with NO_COLOR or with
TERM=dumb there is a line a second, and no escape sequence.`,
		Example: "  bindery demo\n  bindery demo --messages 300 --exit",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			d.out = cmd.OutOrStdout()
			return d.run(cmd.Context())
		},
	}
	cmd.Flags().IntVarP(&d.messages, "messages", "n", 2000, "messages in the campaign, 1 to 100000")
	cmd.Flags().BoolVar(&d.exit, "exit", false, "end after the summary")
	cmd.Flags().BoolVarP(&d.verbose, "verbose", "v", false, "print the gateway's log")
	return cmd
}

const demoAccount = "demo"

func (d *demo) run(ctx context.Context) error {
	if d.messages < 1 || d.messages > 100_000 {
		return fmt.Errorf("--messages: %d is not within 1 to 100000", d.messages)
	}
	d.key, d.listening = rand.Text(), make(chan demoGateway, 1)
	server := miniredis.NewMiniRedis()
	if err := server.Start(); err != nil {
		return fmt.Errorf("embedded redis: %w", err)
	}
	defer server.Close()
	d.redis = redis.NewClient(&redis.Options{Addr: server.Addr()})
	defer d.redis.Close()
	carriers, err := startCarriers()
	if err != nil {
		return err
	}
	defer carriers.close()
	// A second Ctrl-C ends it at once.
	defer context.AfterFunc(ctx, func() { signal.Reset(os.Interrupt) })()
	interrupted := ctx
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	work, ctx := errgroup.WithContext(ctx)
	work.Go(func() error { return expireKeys(ctx, server) })
	work.Go(func() error { return d.serve(ctx, server.Addr(), carriers) })
	work.Go(func() error {
		defer cancel()
		return d.show(ctx, interrupted, carriers)
	})
	err = work.Wait()
	switch {
	case err != nil && interrupted.Err() != nil:
		return context.Canceled // whatever was in the midst
	case errors.Is(err, context.Canceled):
		return nil // the end that it gave itself
	}
	return err
}

// expireKeys drives the embedded Redis' expiries, which stand still by
// themselves.
func expireKeys(ctx context.Context, server *miniredis.Miniredis) error {
	for tick := time.NewTicker(time.Second); ; {
		select {
		case <-tick.C:
			server.FastForward(time.Second)
		case <-ctx.Done():
			tick.Stop()
			return nil
		}
	}
}

// serve runs the gateway, at the address of the documentation if nobody else is
// there.
func (d *demo) serve(ctx context.Context, redisAddress string, c demoCarriers) error {
	err := d.serveAt(ctx, "127.0.0.1:8080", redisAddress, c)
	if errors.Is(err, syscall.EADDRINUSE) {
		err = d.serveAt(ctx, "127.0.0.1:0", redisAddress, c)
	}
	return err
}

func (d *demo) serveAt(ctx context.Context, listen, redisAddress string, c demoCarriers) error {
	cfg, err := d.config(listen, c)
	if err != nil {
		return err
	}
	log := zerolog.Nop()
	if d.verbose {
		log = zerolog.New(zerolog.ConsoleWriter{Out: d.out, NoColor: true, TimeFormat: time.TimeOnly}).With().Timestamp().Logger()
	}
	var g *gateway.Gateway
	g, err = gateway.New(cfg, gateway.Options{
		// A client of its own, which it closes.
		Log: log, Version: version, Redis: redisdb.Wrap(redis.NewClient(&redis.Options{Addr: redisAddress})),
		Listening: func(addr string) { d.listening <- demoGateway{g, addr} },
	})
	if err != nil {
		return err
	}
	return g.Run(ctx)
}

func (d *demo) config(listen string, c demoCarriers) (*config.Config, error) {
	text := fmt.Sprintf(`
http: {listen: %q}
accounts: [{id: %s, api_key: %s, admin: true}]
carriers:
  - {id: north, address: %q, system_id: bindery, password: secret, binds: 2, window: 50, rate: %d}
  - {id: south, address: %q, system_id: bindery, password: secret, binds: 1, window: 10, rate: 100}
routes:
  - {id: korea, match: {prefix: ["+82"]}, carriers: [north]}
  - {id: world, carriers: [south]}
`, listen, demoAccount, d.key, c[0].smsc.Addr(), northRate, c[1].smsc.Addr())
	return config.Parse("demo", []byte(text), func(string) (string, bool) { return "", false })
}
