package bindpool

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"bindery/smpp"
	"bindery/smpp/pdu"
)

// Dialer is a Source that connects to a carrier. Its fields are not to be
// changed once it is in use.
type Dialer struct {
	Addresses []string // host:port, tried in turn; one that works is kept
	// TLS, when not nil, is used on top of TCP; without a ServerName the host
	// of the address is verified.
	TLS     *tls.Config
	Bind    pdu.Bind // what is sent; sequence and status are the session's
	Session smpp.Config
	Timeout time.Duration // connect and TLS handshake; default 5 s
	// Turn, when not nil, is which address is next, shared by the two halves of
	// a pair: an SMSC of several machines has a message's receipts on the one
	// that took it.
	Turn *atomic.Uint32
	// DialContext replaces the network; nil: a net.Dialer.
	DialContext func(ctx context.Context, network, address string) (net.Conn, error)

	failures atomic.Uint32 // which address is next, without Turn
}

// Open connects to the next address and binds. Every failure but a refusal of
// our credentials moves on to the next one.
func (d *Dialer) Open(ctx context.Context, h smpp.Handler) (*smpp.Session, error) {
	if len(d.Addresses) == 0 {
		return nil, errors.New("dial: no address")
	}
	failures := d.Turn
	if failures == nil {
		failures = &d.failures
	}
	turn := failures.Load()
	address := d.Addresses[int(turn)%len(d.Addresses)]
	s, err := d.openAt(ctx, address, h)
	if err != nil {
		if kind(err) != credentials {
			// Of several binds that fail at one address only one moves on.
			failures.CompareAndSwap(turn, turn+1)
		}
		return nil, fmt.Errorf("%s: %w", address, err)
	}
	return s, nil
}

func (d *Dialer) openAt(ctx context.Context, address string, h smpp.Handler) (*smpp.Session, error) {
	conn, err := d.connect(ctx, address)
	if err != nil {
		return nil, err
	}
	return smpp.Bind(ctx, conn, &d.Bind, d.Session, h)
}

func (d *Dialer) connect(ctx context.Context, address string) (net.Conn, error) {
	timeout := d.Timeout
	if timeout == 0 {
		timeout = 5 * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	dial := d.DialContext
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	conn, err := dial(ctx, "tcp", address)
	if err != nil || d.TLS == nil {
		return conn, err
	}
	return d.secure(ctx, conn, address)
}

func (d *Dialer) secure(ctx context.Context, conn net.Conn, address string) (net.Conn, error) {
	cfg := d.TLS
	if cfg.ServerName == "" {
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			conn.Close()
			return nil, err
		}
		cfg = cfg.Clone()
		cfg.ServerName = host
	}
	secured := tls.Client(conn, cfg)
	if err := secured.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, fmt.Errorf("tls: %w", err)
	}
	return secured, nil
}
