package smsctest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// Proxy stands on loopback before a target and breaks the connections that run
// through it, on demand. Each connection has two goroutines, one a direction.
type Proxy struct {
	target   string
	listener net.Listener
	ctx      context.Context
	stop     context.CancelFunc
	running  sync.WaitGroup

	mu     sync.Mutex // guards what follows
	faults Faults
	refuse bool
	gate   chan struct{} // closed: traffic flows
	hole   bool
	links  map[*link]struct{}
	rules  []*replyRule
}

// NewProxy listens on a free loopback port and forwards to target (host:port).
func NewProxy(target string) (*Proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("smsctest: proxy: %w", err)
	}
	p := &Proxy{target: target, listener: l, gate: make(chan struct{}), links: map[*link]struct{}{}}
	close(p.gate)
	p.ctx, p.stop = context.WithCancel(context.Background())
	p.running.Go(p.accept)
	return p, nil
}

// Addr is where to connect.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Close cuts every connection and waits for the proxy's goroutines.
func (p *Proxy) Close() error {
	p.stop()
	err := p.listener.Close()
	p.Cut()
	p.running.Wait()
	return err
}

// Fault gives connections from now on these faults, on the proxy's connection
// to the client: Write is what the client receives.
func (p *Proxy) Fault(f Faults) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = f
}

// Cut resets every present connection, on both sides.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		l.cut()
	}
}

// Refuse makes new connections fail at once (they are reset) or, with false,
// lets them through again.
func (p *Proxy) Refuse(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuse = on
}

// Stall stops all traffic in both directions with the connections up, until
// Resume: what is sent meanwhile arrives then.
func (p *Proxy) Stall() {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.gate:
		p.gate = make(chan struct{})
	default:
	}
}

// Resume ends Stall and Blackhole.
func (p *Proxy) Resume() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hole = false
	select {
	case <-p.gate:
	default:
		close(p.gate)
	}
}

// Blackhole swallows all traffic in both directions with the connections up:
// what is sent meanwhile is lost, as on a line cut without FIN or RST.
func (p *Proxy) Blackhole() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hole = true
}

// Connections is the number of connections that are up.
func (p *Proxy) Connections() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.links)
}

func (p *Proxy) accept() {
	for {
		c, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.running.Go(func() { p.serve(c) })
	}
}

func (p *Proxy) serve(client net.Conn) {
	p.mu.Lock()
	refuse, faults := p.refuse, p.faults
	p.mu.Unlock()
	var d net.Dialer
	server, err := d.DialContext(p.ctx, "tcp", p.target)
	if refuse || err != nil {
		reset(client)
		client.Close()
		if server != nil {
			server.Close()
		}
		return
	}
	l := &link{p: p, client: client, faulty: Faulty(client, faults), server: server, closed: make(chan struct{})}
	if !p.enter(l) {
		return
	}
	defer p.leave(l)
	var both sync.WaitGroup
	both.Go(l.requests)
	both.Go(l.replies)
	both.Wait()
}

func (p *Proxy) enter(l *link) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ctx.Err() != nil {
		l.cut()
		return false
	}
	p.links[l] = struct{}{}
	return true
}

func (p *Proxy) leave(l *link) {
	l.close()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.links, l)
}

// link is one proxied connection.
type link struct {
	p      *Proxy
	client net.Conn // bare
	faulty net.Conn // the same with its faults
	server net.Conn
	once   sync.Once
	closed chan struct{}

	mu      sync.Mutex // guards both
	swallow bool       // replies are not passed on any more
	queued  bool       // until a transaction is executed, they do not end the link either
}

func (l *link) close() {
	l.once.Do(func() { close(l.closed) })
	l.faulty.Close()
	l.server.Close()
}

func (l *link) cut() {
	reset(l.client)
	reset(l.server)
	l.close()
}

// requests runs from the client to the server.
func (l *link) requests() {
	in := framed{frame: l.p.frame}
	err := l.pump(l.faulty, func(b []byte) error {
		return in.each(b, func(request []byte) error {
			swallow, drop := l.p.applyRules(request)
			if drop {
				return errDropped
			}
			if swallow {
				l.mu.Lock()
				l.swallow, l.queued = true, transaction(request)
				l.mu.Unlock()
			}
			_, err := l.server.Write(request)
			return err
		})
	})
	if errors.Is(err, errDropped) {
		l.cut()
		return
	}
	l.half(err, l.server)
}

// replies runs from the server to the client.
func (l *link) replies() {
	err := l.pump(l.server, func(b []byte) error {
		l.mu.Lock()
		swallow, queued := l.swallow, l.queued
		l.mu.Unlock()
		if swallow && executed(queued, b) {
			return errSwallowed
		}
		if swallow {
			return nil
		}
		_, err := l.faulty.Write(b)
		return err
	})
	if errors.Is(err, errSwallowed) {
		l.cut()
		return
	}
	l.half(err, l.client)
}

var (
	errSwallowed = errors.New("smsctest: reply swallowed")
	errDropped   = errors.New("smsctest: request dropped")
)

// pump reads from src into to until an error.
func (l *link) pump(src net.Conn, to func([]byte) error) error {
	buf := make([]byte, 64<<10)
	for {
		n, err := src.Read(buf)
		if n > 0 {
			hole, up := l.p.pass(l.closed)
			if !up {
				return net.ErrClosed
			}
			if !hole {
				if err := to(buf[:n]); err != nil {
					return err
				}
			}
		}
		if err != nil {
			return err
		}
	}
}

// pass waits while the proxy is stalled.
func (p *Proxy) pass(closed <-chan struct{}) (hole, up bool) {
	p.mu.Lock()
	gate := p.gate
	p.mu.Unlock()
	select {
	case <-gate:
	case <-closed:
		return false, false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.hole, true
}

// half passes an end of stream on, and ends the link on anything else.
func (l *link) half(err error, dst net.Conn) {
	if t, ok := dst.(*net.TCPConn); ok && errors.Is(err, io.EOF) {
		if t.CloseWrite() == nil {
			return
		}
	}
	l.close()
}

// replay sends request to the target on a connection of its own and throws the
// reply away.
func (p *Proxy) replay(request []byte, after time.Duration) {
	t := time.NewTimer(after)
	defer t.Stop()
	select {
	case <-t.C:
	case <-p.ctx.Done():
		return
	}
	var d net.Dialer
	c, err := d.DialContext(p.ctx, "tcp", p.target)
	if err != nil {
		return
	}
	defer c.Close()
	defer context.AfterFunc(p.ctx, func() { c.Close() })()
	if _, err := c.Write(request); err != nil {
		return
	}
	buf := make([]byte, 4<<10)
	for {
		n, err := c.Read(buf)
		if err != nil || executed(transaction(request), buf[:n]) {
			return
		}
	}
}
