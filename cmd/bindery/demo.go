package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
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
	"bindery/smpp/pdu"
	"bindery/smpp/smsctest"
)

// demo runs everything in one process: an embedded Redis, two simulated
// carriers, the gateway, and a campaign that is sent over its HTTP API.
type demo struct {
	out      io.Writer
	messages int
	exit     bool
	verbose  bool

	key     string
	began   time.Time
	redis   *redis.Client
	address chan string // the gateway's, once
	base    string      // of its HTTP API
}

func newDemoCommand() *cobra.Command {
	d := &demo{}
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "See it work: nothing to install, nothing to configure",
		Long: `Starts an embedded Redis, two simulated carriers with different habits and the
gateway, sends a mixed campaign over its HTTP API, shows what happens, and says
where every message ended. Stays up until Ctrl-C, so that you can send messages
of your own.`,
		Example: "  bindery demo\n  bindery demo --messages 2000 --exit",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			d.out = cmd.OutOrStdout()
			return d.run(cmd.Context())
		},
	}
	cmd.Flags().IntVarP(&d.messages, "messages", "n", 300, "messages in the campaign, 1 to 100000")
	cmd.Flags().BoolVar(&d.exit, "exit", false, "end after the summary")
	cmd.Flags().BoolVarP(&d.verbose, "verbose", "v", false, "print the gateway's log")
	return cmd
}

const demoAccount = "demo"

func (d *demo) run(ctx context.Context) error {
	if d.messages < 1 || d.messages > 100_000 {
		return fmt.Errorf("--messages: %d is not within 1 to 100000", d.messages)
	}
	d.began, d.key, d.address = time.Now(), rand.Text(), make(chan string, 1)
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
		return d.show(ctx, carriers)
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
func (d *demo) serve(ctx context.Context, redisAddress string, c *demoCarriers) error {
	err := d.serveAt(ctx, "127.0.0.1:8080", redisAddress, c)
	if errors.Is(err, syscall.EADDRINUSE) {
		err = d.serveAt(ctx, "127.0.0.1:0", redisAddress, c)
	}
	return err
}

func (d *demo) serveAt(ctx context.Context, listen, redisAddress string, c *demoCarriers) error {
	cfg, err := d.config(listen, c)
	if err != nil {
		return err
	}
	log := zerolog.Nop()
	if d.verbose {
		log = zerolog.New(zerolog.ConsoleWriter{Out: d.out, NoColor: true, TimeFormat: time.TimeOnly}).With().Timestamp().Logger()
	}
	g, err := gateway.New(cfg, gateway.Options{
		// A client of its own, which it closes.
		Log: log, Version: version, Redis: redisdb.Wrap(redis.NewClient(&redis.Options{Addr: redisAddress})),
		Listening: func(addr string) { d.address <- addr },
	})
	if err != nil {
		return err
	}
	return g.Run(ctx)
}

func (d *demo) config(listen string, c *demoCarriers) (*config.Config, error) {
	text := fmt.Sprintf(`
http: {listen: %q}
accounts: [{id: %s, api_key: %s, admin: true}]
carriers:
  - {id: north, address: %q, system_id: bindery, password: secret, binds: 2, window: 50, rate: 500}
  - {id: south, address: %q, system_id: bindery, password: secret, binds: 1, window: 10, rate: 100}
routes:
  - {id: korea, match: {prefix: ["+82"]}, carriers: [north]}
  - {id: world, carriers: [south]}
`, listen, demoAccount, d.key, c.north.Addr(), c.south.Addr())
	return config.Parse("demo", []byte(text), func(string) (string, bool) { return "", false })
}

// demoCarriers are the two simulated SMSCs.
type demoCarriers struct{ north, south *smsctest.SMSC }

// startCarriers: north is large and quick, answers in hex and reports in
// decimal; south is small, throttles, and does not reach everyone.
func startCarriers() (*demoCarriers, error) {
	c := &demoCarriers{
		north: smsctest.New(smsctest.Options{
			SystemID: "bindery", Password: "secret", Name: "north",
			Answers:  smsctest.Answers{Latency: smsctest.Span{Min: 2 * time.Millisecond, Max: 10 * time.Millisecond}},
			IDs:      smsctest.IDs{Response: smsctest.Hex, Receipt: smsctest.Padded},
			Receipts: smsctest.Receipts{When: smsctest.After, Delay: smsctest.Span{Min: 50 * time.Millisecond, Max: 400 * time.Millisecond}, Bind: smsctest.AnyBind},
			Record:   smsctest.Record{Mode: smsctest.RecordIDs},
		}),
		south: smsctest.New(smsctest.Options{
			SystemID: "bindery", Password: "secret", Name: "south",
			Answers:  smsctest.Answers{Latency: smsctest.Span{Min: 20 * time.Millisecond, Max: 60 * time.Millisecond}},
			IDs:      smsctest.IDs{Response: smsctest.UUID, Receipt: smsctest.UUID},
			Throttle: smsctest.Throttle{Rate: 80},
			Receipts: smsctest.Receipts{
				When: smsctest.After, Delay: smsctest.Span{Min: 100 * time.Millisecond, Max: 900 * time.Millisecond},
				States: []smsctest.StateShare{{State: pdu.MessageStateUndeliverable, Share: .06}, {State: pdu.MessageStateRejected, Share: .02}},
			},
			Record: smsctest.Record{Mode: smsctest.RecordIDs},
		}),
	}
	for _, s := range []*smsctest.SMSC{c.north, c.south} {
		if err := s.Listen("127.0.0.1:0"); err != nil {
			return nil, fmt.Errorf("simulated carrier: %w", err)
		}
	}
	return c, nil
}

func (c *demoCarriers) close() {
	_ = c.north.Close() // it is a fake, and the process ends
	_ = c.south.Close()
}

// campaign is the i-th message: most to Korea in bulk, some one-time
// passwords, some abroad, some long.
func campaign(i int) map[string]string {
	m := map[string]string{"from": "Bindery", "reference": fmt.Sprintf("demo-%d", i), "campaign": "demo"}
	switch {
	case i%20 == 0:
		m["to"], m["priority"] = fmt.Sprintf("+8210%08d", i), "urgent"
		m["text"] = fmt.Sprintf("인증번호는 %06d 입니다.", i*7919%1_000_000)
	case i%7 == 0:
		m["to"], m["text"] = fmt.Sprintf("+4477%08d", i), fmt.Sprintf("Your parcel %d is on its way 🚚", i)
	case i%11 == 0:
		m["to"], m["priority"] = fmt.Sprintf("+8210%08d", i), "bulk"
		m["text"] = strings.Repeat("A long story about a small discount. ", 8)
	default:
		m["to"], m["priority"] = fmt.Sprintf("+8210%08d", i), "bulk"
		m["text"] = fmt.Sprintf("Only today: %d%% off everything [code %04d] €", 5+i%40, i)
	}
	return m
}
