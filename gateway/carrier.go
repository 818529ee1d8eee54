package gateway

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"os"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"bindery/config"
	"bindery/dlr"
	"bindery/gateway/budget"
	"bindery/gateway/dispatch"
	"bindery/gateway/smppcarrier"
	"bindery/internal/redisdb"
	"bindery/queue"
	"bindery/smpp"
	"bindery/smpp/bindpool"
	"bindery/smpp/coding"
	"bindery/smpp/pdu"
)

// carrier is all that the gateway runs for one carrier.
type carrier struct {
	cfg        config.Carrier
	budget     *budget.Carrier
	home       *dlr.Home
	connector  *smppcarrier.Carrier
	dispatcher *dispatch.Dispatcher
	wake       chan struct{} // something may wait on its routes
	own        string        // "@" and its id: the route of what must leave by it
	loops      *loops
	silence    silence
	unmatched  uint64 // receipts counted as such so far; the steering's own
}

// common is what the carriers of one gateway share.
type common struct {
	db      *redisdb.DB
	queue   *queue.Queue
	owners  *ownership
	metrics *metrics
	log     zerolog.Logger
	lease   time.Duration
	renewal *budget.Together
	urgency *dispatch.Urgency
}

func newCarrier(c config.Carrier, routes []string, g common) (*carrier, error) {
	form := func(word string) dlr.IDForm { return idForms[word] }
	home := dlr.NewHome(g.db, dlr.HomeOptions{
		Carrier: c.ID, Submit: form(c.MessageID.Submit), Receipt: form(c.MessageID.Receipt), ReceiptClock: c.ReceiptClock,
	})
	made := &carrier{cfg: c, loops: newLoops(), wake: make(chan struct{}, 1), own: "@" + c.ID}
	instance := rand.Text() // never used again, also when the carrier is made anew by a reload
	made.budget = budget.NewCarrier(
		budget.NewRate(g.db, budget.RateOptions{Carrier: c.ID, Instance: instance, Rate: c.Rate}),
		budget.NewBinds(g.db, budget.BindsOptions{
			Carrier: c.ID, Instance: instance, Binds: c.Binds, Lease: g.lease,
			Held: made.held, Up: made.up, Share: made.setBinds, Silent: made.silence.now,
			Together: g.renewal,
		}))
	g.metrics.carrier(c.ID)
	settings := dispatching(&c)
	settings.Routes, settings.Wake, settings.Log, settings.Urgency = routes, made.wake, g.log, g.urgency
	settings.Look = ownLook + mathrand.N(ownLook/4)
	settings.Observer = observer{g.metrics, c.ID, &made.silence}
	d, err := dispatch.New(settings, dispatch.Homes{Owners: g.owners, Finisher: g.queue, Correlator: home, Keeper: keeper{home}}, shared{made.budget})
	if err != nil {
		return nil, err
	}
	made.home, made.dispatcher = home, d
	made.connector, err = connect(c, g, d)
	return made, err
}

// dispatching is what a carrier's settings say to its dispatcher.
func dispatching(c *config.Carrier) dispatch.Config {
	return dispatch.Config{
		Carrier: c.ID, ResponseTimeout: c.ResponseTimeout, ThrottlePause: c.ThrottlePause,
		TemporaryTries: c.Retry.Temporary, UncertainTries: c.Retry.Uncertain,
	}
}

// held counts the binds that this instance holds, those being opened or closed
// too: what it may not hold any more is another's only once it is gone.
func (c *carrier) held() int { return c.connector.Held() }

func (c *carrier) up() int { return c.connector.Up() }

// setBinds is told this instance's share of the carrier's binds.
func (c *carrier) setBinds(n int) { c.connector.SetBinds(n) }

var idForms = map[string]dlr.IDForm{"auto": dlr.Auto, "as-is": dlr.AsIs, "hex": dlr.Hex, "decimal": dlr.Decimal}

func connect(c config.Carrier, g common, sink dispatch.Sink) (*smppcarrier.Carrier, error) {
	profile, err := codingProfile(c)
	if err != nil {
		return nil, err
	}
	secure, err := clientTLS(c.TLS)
	if err != nil {
		return nil, fmt.Errorf("carrier %s: %w", c.ID, err)
	}
	turn := new(atomic.Uint32)
	source := func(mode pdu.CommandID) *bindpool.Dialer {
		return &bindpool.Dialer{
			Addresses: c.Addresses, TLS: secure, Turn: turn,
			Bind: bindOf(c, mode),
			Session: smpp.Config{
				Window: c.Window, ResponseTimeout: c.ResponseTimeout, EnquireLink: c.EnquireLink,
				Gate: g.owners.holds,
			},
		}
	}
	cfg := smppcarrier.Config{
		Carrier: c.ID, Window: c.Window, Coding: profile, Log: g.log,
		Source: source(pdu.CommandBindTransceiver),
	}
	fields(&cfg, &c)
	if c.Bind == config.BindPair {
		cfg.Source = source(pdu.CommandBindTransmitter)
		cfg.Pool.Receiver = source(pdu.CommandBindReceiver)
	}
	return smppcarrier.New(cfg, sink)
}

func codingProfile(c config.Carrier) (coding.Profile, error) {
	var p coding.Profile
	for _, name := range c.Encodings {
		e, err := coding.ParseEncoding(name)
		if err != nil {
			return p, fmt.Errorf("carrier %s: %w", c.ID, err)
		}
		p.Encodings = append(p.Encodings, e)
	}
	for name, number := range c.DataCoding {
		e, err := coding.ParseEncoding(name)
		if err != nil {
			return p, fmt.Errorf("carrier %s: %w", c.ID, err)
		}
		if p.DataCoding == nil {
			p.DataCoding = map[coding.Encoding]uint8{}
		}
		p.DataCoding[e] = number
	}
	long, err := coding.ParseLongMessage(c.LongMessage)
	if err != nil {
		return p, fmt.Errorf("carrier %s: %w", c.ID, err)
	}
	p.Long = long
	return p, p.Validate()
}

func clientTLS(c *config.ClientTLS) (*tls.Config, error) {
	if c == nil {
		return nil, nil
	}
	t := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: c.ServerName, InsecureSkipVerify: c.Insecure}
	if c.CA != "" {
		pem, err := os.ReadFile(c.CA)
		if err != nil {
			return nil, fmt.Errorf("tls.ca: %w", err)
		}
		t.RootCAs = x509.NewCertPool()
		if !t.RootCAs.AppendCertsFromPEM(pem) {
			return nil, errors.New("tls.ca: no certificate in the file")
		}
	}
	if c.Cert != "" {
		own, err := newOwnCertificate(c.Cert, c.Key)
		if err != nil {
			return nil, err
		}
		t.GetClientCertificate = own.show
	}
	return t, nil
}

// run drives the carrier until its loops are stopped.
func (c *carrier) run(log zerolog.Logger) {
	l := c.loops
	l.start(func(ctx context.Context) { c.complain(ctx, log, "budget", c.budget.Run(ctx)) })
	l.start(func(ctx context.Context) { c.complain(ctx, log, "binds", c.connector.Run(ctx)) })
	l.start(func(ctx context.Context) { c.dispatcher.Run(ctx, c.connector) })
}

func (c *carrier) complain(ctx context.Context, log zerolog.Logger, what string, err error) {
	if err != nil && ctx.Err() == nil {
		log.Error().Err(err).Str("carrier", c.cfg.ID).Msg(what + " ended")
	}
}

// stop leaves in order: what is held is handed back or drained, the loops end,
// and the bind slots go back, so that no other instance waits for the lease.
func (c *carrier) stop(ctx context.Context) error {
	drained := c.drain(ctx)
	return errors.Join(drained, c.loops.stop(ctx), c.budget.Leave(ctx))
}

// drain leases no more and hands back what is unwritten, lets the windows drain
// and unbinds, and settles what that told.
func (c *carrier) drain(ctx context.Context) error {
	drain, cancel := context.WithTimeout(ctx, drainBound)
	defer cancel()
	var owed *dispatch.OwedError
	if err := c.dispatcher.Stop(drain); err != nil && !errors.As(err, &owed) {
		return err
	}
	if err := c.connector.Stop(drain); err != nil {
		return err
	}
	return c.dispatcher.Stop(ctx)
}

// shared is the carrier's budget as dispatch asks it.
type shared struct{ *budget.Carrier }

// Give is part of dispatch.Rate.
func (s shared) Give(n int) { s.Return(n) }
