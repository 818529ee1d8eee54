package smsctest

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// pipeOctets is what one direction of a Pipe holds before a writer waits, like
// a socket's send and receive buffer together.
const pipeOctets = 256 << 10

// Pipe returns the two ends of a buffered connection in memory. Unlike
// net.Pipe a write returns before it is read, as on a socket, and unlike a
// socket a goroutine that waits on it is durably blocked, so that the clock of
// testing/synctest moves on. Closing an end lets the other read what was
// written before and then io.EOF.
func Pipe() (net.Conn, net.Conn) { return PipeSize(pipeOctets) }

// PipeSize is Pipe with room for n octets in each direction.
func PipeSize(n int) (net.Conn, net.Conn) {
	ab, ba := newStream(n), newStream(n)
	return &pipeEnd{in: ba, out: ab, name: "a"}, &pipeEnd{in: ab, out: ba, name: "b"}
}

// stream is one direction. mu guards all of it.
type stream struct {
	mu      sync.Mutex
	moved   sync.Cond
	buf     []byte
	limit   int
	ended   bool // the writer's end is closed
	gone    bool // the reader's end is closed
	reading deadline
	writing deadline
}

type deadline struct {
	at    time.Time
	timer *time.Timer
}

func newStream(n int) *stream {
	s := &stream{limit: max(n, 1)}
	s.moved.L = &s.mu
	return s
}

func (s *stream) set(d *deadline, t time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
	d.at = t
	if !t.IsZero() {
		d.timer = time.AfterFunc(time.Until(t), s.wake)
	}
	s.moved.Broadcast()
}

func (s *stream) wake() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.moved.Broadcast()
}

func (d *deadline) passed() bool { return !d.at.IsZero() && !time.Now().Before(d.at) }

func (s *stream) read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch {
		case s.gone:
			return 0, net.ErrClosed
		case s.reading.passed():
			return 0, os.ErrDeadlineExceeded
		case len(s.buf) > 0:
			n := copy(p, s.buf)
			s.buf = s.buf[:copy(s.buf, s.buf[n:])]
			s.moved.Broadcast()
			return n, nil
		case s.ended:
			return 0, io.EOF
		case len(p) == 0:
			return 0, nil
		}
		s.moved.Wait()
	}
}

func (s *stream) write(p []byte) (n int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch {
		case s.ended:
			return n, net.ErrClosed
		case s.gone:
			return n, io.ErrClosedPipe
		case s.writing.passed():
			return n, os.ErrDeadlineExceeded
		}
		take := min(len(p)-n, s.limit-len(s.buf))
		s.buf = append(s.buf, p[n:n+take]...)
		n += take
		s.moved.Broadcast()
		if n == len(p) {
			return n, nil
		}
		s.moved.Wait()
	}
}

func (s *stream) end(reader bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := &s.writing
	if reader {
		s.gone, d = true, &s.reading
	} else {
		s.ended = true
	}
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
	s.moved.Broadcast()
}

type pipeEnd struct {
	in, out *stream
	name    string
}

func (p *pipeEnd) Read(b []byte) (int, error)  { return p.in.read(b) }
func (p *pipeEnd) Write(b []byte) (int, error) { return p.out.write(b) }

// CloseWrite ends the direction away from this end only.
func (p *pipeEnd) CloseWrite() error {
	p.out.end(false)
	return nil
}

func (p *pipeEnd) Close() error {
	p.out.end(false)
	p.in.end(true)
	return nil
}

func (p *pipeEnd) SetReadDeadline(t time.Time) error {
	p.in.set(&p.in.reading, t)
	return nil
}

func (p *pipeEnd) SetWriteDeadline(t time.Time) error {
	p.out.set(&p.out.writing, t)
	return nil
}

func (p *pipeEnd) SetDeadline(t time.Time) error {
	return errors.Join(p.SetReadDeadline(t), p.SetWriteDeadline(t))
}

func (p *pipeEnd) LocalAddr() net.Addr  { return pipeAddr(p.name) }
func (p *pipeEnd) RemoteAddr() net.Addr { return pipeAddr(p.name + "'") }

type pipeAddr string

func (pipeAddr) Network() string  { return "pipe" }
func (a pipeAddr) String() string { return "pipe:" + string(a) }
