package smsctest

import (
	"errors"
	"net"
	"sync"
	"time"
)

// ErrCut is what Read and Write of a faulty connection answer once its own
// fault has closed it.
var ErrCut = errors.New("smsctest: connection cut")

// Faults are what goes wrong on a connection, seen from the side that holds
// it. The zero value is a connection without faults. Counts are octets from
// the start of the connection.
type Faults struct {
	Chunk        int           // at most so many octets a read and a write of the connection below; 0: all
	ReadLatency  time.Duration // before what was read is handed over
	WriteLatency time.Duration // before each write
	ReadCut      int64         // closes after so many octets read; 0: never
	WriteCut     int64         // closes after so many octets written, in the midst of a write; 0: never
	ReadStall    int64         // from so many octets read on, reads wait until deadline or close; 0: never
	WriteStall   int64         // the same for writes
	Garbage      []byte        // comes in between what is read …
	GarbageAfter int64         // … after so many octets
	FlipEvery    int64         // every n-th octet read has its lowest bit turned; 0: none
	Reset        bool          // a cut sends RST where the connection is TCP
}

func (f *Faults) none() bool {
	return f.Chunk == 0 && f.ReadLatency == 0 && f.WriteLatency == 0 && f.ReadCut == 0 && f.WriteCut == 0 &&
		f.ReadStall == 0 && f.WriteStall == 0 && len(f.Garbage) == 0 && f.FlipEvery == 0
}

// Faulty wraps conn with faults. Its Set* and Close pass through; a stall ends
// with the deadline or the close.
func Faulty(conn net.Conn, f Faults) net.Conn {
	return &faultyConn{Conn: conn, f: f, closed: make(chan struct{}),
		readBy: newAlarm(), writeBy: newAlarm()}
}

// faultyConn: in is the reader's, out the writer's; each has one goroutine at a
// time, as net.Conn's other users keep it.
type faultyConn struct {
	net.Conn
	f       Faults
	in      int64
	spoiled bool // garbage is delivered
	garbage []byte
	out     int64
	closed  chan struct{}
	once    sync.Once
	readBy  *alarm
	writeBy *alarm
}

func (c *faultyConn) Read(p []byte) (int, error) {
	if n := c.readGarbage(p); n > 0 {
		return n, nil
	}
	if c.f.ReadStall > 0 && c.in >= c.f.ReadStall {
		return 0, c.readBy.wait(c.closed)
	}
	p, cut := c.readLimit(p)
	if cut {
		return 0, c.cut()
	}
	n, err := c.Conn.Read(p)
	if n > 0 {
		c.flip(p[:n])
		c.in += int64(n)
		c.pause(c.f.ReadLatency)
	}
	return n, err
}

func (c *faultyConn) readGarbage(p []byte) int {
	if !c.spoiled && len(c.f.Garbage) > 0 && c.in >= c.f.GarbageAfter {
		c.spoiled, c.garbage = true, c.f.Garbage
	}
	n := copy(p, c.garbage)
	c.garbage = c.garbage[n:]
	return n
}

// readLimit shortens p so that no fault lies inside one read.
func (c *faultyConn) readLimit(p []byte) ([]byte, bool) {
	n := int64(len(p))
	if c.f.Chunk > 0 {
		n = min(n, int64(c.f.Chunk))
	}
	if c.f.ReadCut > 0 {
		n = min(n, c.f.ReadCut-c.in)
	}
	if c.f.ReadStall > 0 {
		n = min(n, c.f.ReadStall-c.in)
	}
	if !c.spoiled && len(c.f.Garbage) > 0 {
		n = min(n, c.f.GarbageAfter-c.in)
	}
	return p[:max(n, 0)], n <= 0 && len(p) > 0
}

func (c *faultyConn) flip(p []byte) {
	if c.f.FlipEvery <= 0 {
		return
	}
	for i := range p {
		if (c.in+int64(i)+1)%c.f.FlipEvery == 0 {
			p[i] ^= 1
		}
	}
}

func (c *faultyConn) Write(p []byte) (n int, err error) {
	for n < len(p) {
		c.pause(c.f.WriteLatency)
		if c.f.WriteStall > 0 && c.out >= c.f.WriteStall {
			return n, c.writeBy.wait(c.closed)
		}
		take, cut := c.writeLimit(len(p) - n)
		if cut {
			return n, c.cut()
		}
		m, err := c.Conn.Write(p[n : n+take])
		n += m
		c.out += int64(m)
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

func (c *faultyConn) writeLimit(n int) (int, bool) {
	take := int64(n)
	if c.f.Chunk > 0 {
		take = min(take, int64(c.f.Chunk))
	}
	if c.f.WriteCut > 0 {
		take = min(take, c.f.WriteCut-c.out)
	}
	if c.f.WriteStall > 0 {
		take = min(take, c.f.WriteStall-c.out)
	}
	return int(max(take, 0)), take <= 0
}

func (c *faultyConn) cut() error {
	if c.f.Reset {
		reset(c.Conn)
	}
	return errors.Join(ErrCut, c.Close())
}

func (c *faultyConn) pause(d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-c.closed:
	}
}

func (c *faultyConn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

func (c *faultyConn) SetReadDeadline(t time.Time) error {
	c.readBy.set(t)
	return c.Conn.SetReadDeadline(t)
}

func (c *faultyConn) SetWriteDeadline(t time.Time) error {
	c.writeBy.set(t)
	return c.Conn.SetWriteDeadline(t)
}

func (c *faultyConn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// reset makes the close of a TCP connection send RST.
func reset(c net.Conn) {
	if t, ok := c.(*net.TCPConn); ok {
		_ = t.SetLinger(0) // a connection that is gone already needs no RST
	}
}
