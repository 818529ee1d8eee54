package smsctest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"bindery/smpp/pdu"
)

// ErrClosed is what a closed SMSC answers.
var ErrClosed = errors.New("smsctest: SMSC closed")

// SMSC is one simulated message centre.
type SMSC struct {
	running sync.WaitGroup // acceptors, readers, writers

	mu        sync.Mutex // guards what follows, and what Conn says it guards
	opt       Options
	random    *rand.Rand
	closed    bool
	listeners []net.Listener
	conns     []*Conn // connected, in the order in which they came
	numbers   int     // connections so far
	turn      int     // of RoundRobin
	touched   []*Conn // have output that their writer was not told of
	counted   uint64  // ids given
	hooks     map[pdu.CommandID][]*hook
	held      []answer // by Hold, until Release
	backlog   queue[delivery]
	later     later
	record    record
	meter     meter
	changed   notice
	wire      wire
}

// New makes an SMSC; it does nothing until it listens, serves or is dialled.
func New(opt Options) *SMSC {
	seed := opt.Seed
	if seed == 0 {
		seed = rand.Uint64()
	}
	s := &SMSC{opt: opt, random: rand.New(rand.NewPCG(seed, seed)), hooks: map[pdu.CommandID][]*hook{}}
	s.later.start(s)
	return s
}

// Set changes the options while the SMSC runs.
func (s *SMSC) Set(change func(*Options)) {
	s.mu.Lock()
	defer s.unlock()
	change(&s.opt)
	for _, c := range s.conns {
		c.resume()
		c.pump(time.Now())
	}
}

// unlock wakes the writers whose connections got output, and who waits for a
// change, and gives mu back.
func (s *SMSC) unlock() {
	for _, c := range s.touched {
		c.wakeWriter()
	}
	s.touched = s.touched[:0]
	s.changed.ring()
	s.mu.Unlock()
}

// Listen listens on a TCP address ("127.0.0.1:0") and serves it.
func (s *SMSC) Listen(addr string) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("smsctest: %w", err)
	}
	return s.Serve(l)
}

// Serve accepts connections from l, in the background, until Close.
func (s *SMSC) Serve(l net.Listener) error {
	s.mu.Lock()
	defer s.unlock()
	if s.closed {
		return errors.Join(ErrClosed, l.Close())
	}
	s.listeners = append(s.listeners, l)
	s.running.Go(func() { s.accept(l) })
	return nil
}

func (s *SMSC) accept(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		if _, err := s.ServeConn(conn); err != nil {
			return
		}
	}
}

// Addr is the address of the first listener, "" without one.
func (s *SMSC) Addr() string {
	s.mu.Lock()
	defer s.unlock()
	if len(s.listeners) == 0 {
		return ""
	}
	return s.listeners[0].Addr().String()
}

// Dial connects in memory. It fits wherever a connection is dialled.
func (s *SMSC) Dial(ctx context.Context) (net.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	theirs, ours := Pipe()
	if _, err := s.ServeConn(ours); err != nil {
		return nil, errors.Join(err, theirs.Close())
	}
	return theirs, nil
}

// ServeConn serves one connection in the background.
func (s *SMSC) ServeConn(conn net.Conn) (*Conn, error) {
	s.mu.Lock()
	defer s.unlock()
	if s.closed {
		return nil, errors.Join(ErrClosed, conn.Close())
	}
	c := newConn(s, conn)
	s.conns = append(s.conns, c)
	s.running.Go(c.read)
	s.running.Go(c.write)
	return c, nil
}

// Outbind sends an outbind over conn and serves it: an SMSC that calls first
// (SMPP 3.4 §2.2.1).
func (s *SMSC) Outbind(conn net.Conn, systemID, password string) (*Conn, error) {
	c, err := s.ServeConn(conn)
	if err != nil {
		return nil, err
	}
	return c, c.Send(&pdu.Outbind{Header: pdu.Header{Sequence: 1}, SystemID: []byte(systemID), Password: []byte(password)})
}

// Conns are the connections that are up, in the order in which they came.
func (s *SMSC) Conns() []*Conn {
	s.mu.Lock()
	defer s.unlock()
	return append([]*Conn(nil), s.conns...)
}

// Cut closes every present connection without a word.
func (s *SMSC) Cut() {
	for _, c := range s.Conns() {
		c.Close()
	}
}

// Unbind sends unbind on every bind.
func (s *SMSC) Unbind() {
	s.mu.Lock()
	defer s.unlock()
	for _, c := range s.conns {
		c.sendUnbind()
	}
}

// Close closes listeners and connections and waits for every goroutine.
func (s *SMSC) Close() error {
	s.mu.Lock()
	s.closed = true
	s.later.stop()
	var errs []error
	for _, l := range s.listeners {
		errs = append(errs, l.Close())
	}
	s.listeners = nil
	for _, c := range append([]*Conn(nil), s.conns...) {
		c.shut()
	}
	s.unlock()
	s.running.Wait()
	return errors.Join(errs...)
}
