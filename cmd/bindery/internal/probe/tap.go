package probe

import (
	"net"
	"sync"
	"time"

	"bindery/smpp/pdu"
)

// Frame is a PDU as it went over the wire.
type Frame struct {
	Out    bool // ours
	At     time.Time
	Octets []byte
}

// firstOctets is how much of the peer's beginning is kept.
const firstOctets = 16

// tap shows what goes over a connection, PDU by PDU. See is called in order.
type tap struct {
	net.Conn
	see func(Frame)

	mu      sync.Mutex // guards what follows, held while see is called
	in, out cutter
	first   []byte
}

func (t *tap) Read(p []byte) (int, error) {
	n, err := t.Conn.Read(p)
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.first = append(t.first, p[:min(n, firstOctets-len(t.first))]...)
	t.in.cut(p[:n], func(octets []byte) { t.see(Frame{At: now, Octets: octets}) })
	return n, err
}

// Write shows a PDU before it leaves, so that no answer is seen first.
func (t *tap) Write(p []byte) (int, error) {
	t.mu.Lock()
	now := time.Now()
	t.out.cut(p, func(octets []byte) { t.see(Frame{Out: true, At: now, Octets: octets}) })
	t.mu.Unlock()
	return t.Conn.Write(p)
}

// NetConn is the connection under TLS, as tls.Conn has it.
func (t *tap) NetConn() net.Conn {
	if outer, ok := t.Conn.(interface{ NetConn() net.Conn }); ok {
		return outer.NetConn()
	}
	return t.Conn
}

// CloseWrite ends our direction where the connection can.
func (t *tap) CloseWrite() error {
	if half, ok := t.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// began are the peer's first octets.
func (t *tap) began() []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]byte(nil), t.first...)
}

// cutter cuts one direction into PDUs; what is no PDU ends it.
type cutter struct {
	rest []byte
	lost bool
}

func (c *cutter) cut(p []byte, found func([]byte)) {
	if c.lost {
		return
	}
	c.rest = append(c.rest, p...)
	for len(c.rest) >= pdu.HeaderLen {
		_, n, err := pdu.ReadHeader(c.rest, pdu.DefaultMaxPDU)
		if err != nil {
			c.lost, c.rest = true, nil
			return
		}
		if n > len(c.rest) {
			return
		}
		found(append([]byte(nil), c.rest[:n]...))
		c.rest = c.rest[n:]
	}
}
