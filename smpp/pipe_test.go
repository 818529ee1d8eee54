package smpp_test

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"time"
)

// pipe is a connection in memory with room for 64 KiB each way, on which a
// waiting goroutine is durably blocked (package smsctest is above this one).
func pipe(t *testing.T) (ours, theirs *end) {
	a, b := newStream(), newStream()
	ours, theirs = &end{in: a, out: b}, &end{in: b, out: a}
	t.Cleanup(func() { ours.Close(); theirs.Close() })
	return ours, theirs
}

var errCut = errors.New("the line is cut")

// stream is one direction; mu guards it.
type stream struct {
	mu    sync.Mutex
	moved *sync.Cond
	buf   []byte
	room  int
	cut   int // octets until writes fail; negative: never
	err   error
	turn  chan struct{} // taken by a write: two never mix

	readBy, writeBy time.Time
}

func newStream() *stream {
	s := &stream{room: 64 << 10, cut: -1, turn: make(chan struct{}, 1)}
	s.moved = sync.NewCond(&s.mu)
	return s
}

func past(t time.Time) bool { return !t.IsZero() && !time.Now().Before(t) }

func (s *stream) read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for !past(s.readBy) {
		if len(s.buf) > 0 && !errors.Is(s.err, net.ErrClosed) {
			n := copy(p, s.buf)
			s.buf = append([]byte(nil), s.buf[n:]...)
			s.moved.Broadcast()
			return n, nil
		}
		if s.err != nil {
			return 0, s.err
		}
		s.moved.Wait()
	}
	return 0, os.ErrDeadlineExceeded
}

func (s *stream) write(p []byte) (n int, err error) {
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
	s.mu.Lock()
	defer s.mu.Unlock()
	for n < len(p) {
		switch {
		case s.err != nil:
			return n, net.ErrClosed
		case past(s.writeBy):
			return n, os.ErrDeadlineExceeded
		case s.cut == 0:
			return n, errCut
		}
		k := min(len(p)-n, s.room-len(s.buf))
		if s.cut >= 0 {
			k = min(k, s.cut)
			s.cut -= k
		}
		if k == 0 {
			s.moved.Wait()
			continue
		}
		s.buf = append(s.buf, p[n:n+k]...)
		n += k
		s.moved.Broadcast()
	}
	return n, nil
}

func (s *stream) change(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
	s.moved.Broadcast()
}

func (s *stream) end(err error) {
	s.change(func() {
		if s.err == nil {
			s.err = err
		}
	})
}

func (s *stream) deadline(at *time.Time, t time.Time) {
	s.change(func() { *at = t })
	if !t.IsZero() {
		time.AfterFunc(time.Until(t), func() { s.change(func() {}) })
	}
}

// end is one end of a pipe.
type end struct{ in, out *stream }

func (e *end) Read(p []byte) (int, error)  { return e.in.read(p) }
func (e *end) Write(p []byte) (int, error) { return e.out.write(p) }
func (e *end) CloseWrite() error           { e.out.end(io.EOF); return nil }

func (e *end) Close() error {
	e.in.end(net.ErrClosed)
	e.out.end(io.EOF)
	return nil
}

// cutAfter lets n more octets of this end's writes through.
func (e *end) cutAfter(n int) { e.out.change(func() { e.out.cut = n }) }

func (e *end) SetReadDeadline(t time.Time) error  { e.in.deadline(&e.in.readBy, t); return nil }
func (e *end) SetWriteDeadline(t time.Time) error { e.out.deadline(&e.out.writeBy, t); return nil }

func (e *end) SetDeadline(t time.Time) error {
	e.SetReadDeadline(t)
	return e.SetWriteDeadline(t)
}

func (e *end) LocalAddr() net.Addr  { return &net.IPAddr{IP: net.IPv4(127, 0, 0, 1)} }
func (e *end) RemoteAddr() net.Addr { return &net.IPAddr{IP: net.IPv4(127, 0, 0, 1)} }
