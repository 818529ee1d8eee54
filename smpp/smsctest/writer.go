package smsctest

import "time"

// write is the connection's writer.
func (c *Conn) write() {
	for {
		select {
		case <-c.wake:
		case <-c.done:
			return
		}
		for c.flush() {
		}
	}
}

// flush writes what there is, in one write; false when there was nothing.
func (c *Conn) flush() bool {
	out, how := c.take()
	if len(out) == 0 {
		if how != finishNot {
			c.finish(how)
		}
		return false
	}
	if _, err := c.conn.Write(out); err != nil {
		c.Close()
		return false
	}
	return true
}

// finish closes; softly, it gives the peer a second to close its side.
func (c *Conn) finish(how finish) {
	half, ok := c.conn.(interface{ CloseWrite() error })
	if how == finishNow || !ok || half.CloseWrite() != nil {
		c.Close()
		return
	}
	c.s.mu.Lock()
	defer c.s.unlock()
	c.s.later.call(time.Now().Add(time.Second), c.shut)
}

// take swaps the output. From here on an answer may be in the peer's hands, so
// its submit no longer counts as open.
func (c *Conn) take() ([]byte, finish) {
	c.s.mu.Lock()
	defer c.s.unlock()
	out := c.link.out
	c.link.out, c.link.spare = c.link.spare[:0], out
	c.load.open -= c.load.leaving
	c.load.leaving = 0
	c.s.meter.octetsOut += uint64(len(out))
	if len(out) > 4*maxOutput {
		c.resume()
	}
	c.pump(time.Now())
	return out, c.link.finish
}
