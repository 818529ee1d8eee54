package smpp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"bindery/smpp/pdu"
)

// ListenerConfig holds the settings of a Listener; the zero value of a field
// means its default.
type ListenerConfig struct {
	Session Config
	// TLS, when not nil, is spoken by every connection; its handshake is part of
	// Session.BindTimeout.
	TLS *tls.Config
	// MaxUnbound is how many connections may be without a bind; default 1,000.
	MaxUnbound int
	// MaxUnboundPerIP is how many of them one address may have; default 50.
	MaxUnboundPerIP int
	// Authorize answers a bind, as for Accept; it may take its time.
	Authorize func(remote net.Addr, bind *pdu.Bind) (pdu.CommandStatus, Handler)
	// Refused, when not nil, is told of every connection that did not become a
	// session: a *BindError when Authorize said no, ErrTooMany, or what the peer
	// did wrong.
	Refused func(remote net.Addr, err error)
}

// ErrTooMany is the reason for closing a connection unread: too many others
// are without a bind.
var ErrTooMany = errors.New("too many connections without a bind")

// Listener accepts connections and makes sessions of the SMSC side of them. A
// connection costs one goroutine until it is bound, and is closed when it is
// not bound in time; a session that is bound is its Handler's.
type Listener struct {
	cfg ListenerConfig

	mu      sync.Mutex // guards what follows
	closed  bool
	sockets map[net.Listener]struct{}
	unbound map[string]int // connections without a bind by address
	waiting int            // their sum

	group  sync.WaitGroup
	ctx    context.Context // over when the listener is closed
	cancel context.CancelFunc
}

// NewListener answers an error when the settings are wrong.
func NewListener(cfg ListenerConfig) (*Listener, error) {
	if cfg.Authorize == nil {
		return nil, errors.New("listener: nobody authorizes binds")
	}
	if cfg.MaxUnbound < 0 || cfg.MaxUnboundPerIP < 0 {
		return nil, errors.New("listener: a bound on connections is negative")
	}
	session, err := cfg.Session.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("listener: %w", err)
	}
	cfg.Session = session
	orDefault(&cfg.MaxUnbound, 1000)
	orDefault(&cfg.MaxUnboundPerIP, 50)
	l := &Listener{cfg: cfg, sockets: map[net.Listener]struct{}{}, unbound: map[string]int{}}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	return l, nil
}

// Serve accepts from socket until Close, which it answers with ErrClosed, or
// until the socket fails for good. It closes socket.
func (l *Listener) Serve(socket net.Listener) error {
	defer socket.Close()
	if !l.add(socket) {
		return ErrClosed
	}
	defer l.remove(socket)
	var wait time.Duration
	for {
		conn, err := socket.Accept()
		if err == nil {
			wait = 0
			l.welcome(conn)
			continue
		}
		if l.ctx.Err() != nil {
			return ErrClosed
		}
		if !passes(err) {
			return fmt.Errorf("accept: %w", err)
		}
		wait = min(max(2*wait, 5*time.Millisecond), time.Second)
		if !l.pause(wait) {
			return ErrClosed
		}
	}
}

// passes tells whether accepting may work again later: no file descriptors
// left, a connection that was gone before it was accepted.
func passes(err error) bool {
	var temporary interface{ Temporary() bool }
	return errors.As(err, &temporary) && temporary.Temporary()
}

func (l *Listener) pause(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-l.ctx.Done():
		return false
	}
}

// welcome starts the handshake of a connection, or closes it at once.
func (l *Listener) welcome(conn net.Conn) {
	ip := host(conn.RemoteAddr())
	if err := l.enter(ip); err != nil {
		conn.Close()
		l.refused(conn, err)
		return
	}
	go func() {
		defer l.group.Done()
		err := l.accept(conn)
		l.leave(ip)
		if err != nil {
			l.refused(conn, err)
		}
	}()
}

func (l *Listener) accept(conn net.Conn) error {
	ctx, cancel := context.WithTimeout(l.ctx, l.cfg.Session.BindTimeout)
	defer cancel()
	if l.cfg.TLS != nil {
		secured := tls.Server(conn, l.cfg.TLS)
		if err := secured.HandshakeContext(ctx); err != nil {
			conn.Close()
			return fmt.Errorf("tls: %w", err)
		}
		conn = secured
	}
	_, err := Accept(ctx, conn, l.cfg.Session, func(bind *pdu.Bind) (pdu.CommandStatus, Handler) {
		return l.cfg.Authorize(conn.RemoteAddr(), bind)
	})
	return err
}

func (l *Listener) refused(conn net.Conn, err error) {
	if l.cfg.Refused != nil {
		l.cfg.Refused(conn.RemoteAddr(), err)
	}
}

// Close stops accepting and ends the connections that are not bound. Sessions
// are left alone. It waits for the handshakes under way.
func (l *Listener) Close() error {
	l.mu.Lock()
	l.closed = true
	l.cancel()
	for socket := range l.sockets {
		socket.Close()
	}
	l.mu.Unlock()
	l.group.Wait()
	return nil
}

// Unbound is how many connections are without a bind.
func (l *Listener) Unbound() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.waiting
}

func (l *Listener) add(socket net.Listener) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	l.sockets[socket] = struct{}{}
	return true
}

func (l *Listener) remove(socket net.Listener) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.sockets, socket)
}

func (l *Listener) enter(ip string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.closed:
		return ErrClosed
	case l.waiting >= l.cfg.MaxUnbound || l.unbound[ip] >= l.cfg.MaxUnboundPerIP:
		return ErrTooMany
	}
	l.waiting++
	l.unbound[ip]++
	l.group.Add(1)
	return nil
}

func (l *Listener) leave(ip string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting--
	if l.unbound[ip]--; l.unbound[ip] == 0 {
		delete(l.unbound, ip)
	}
}

// host is what a peer is counted by: its address, of IPv6 the /64 that one
// customer has.
func host(addr net.Addr) string {
	at, err := netip.ParseAddrPort(addr.String())
	if err != nil {
		return addr.String()
	}
	ip := at.Addr().Unmap().WithZone("")
	if ip.Is6() {
		if net64, err := ip.Prefix(64); err == nil {
			return net64.String()
		}
	}
	return ip.String()
}
