package smsctest

import (
	"errors"
	"io"
	"net"
	"time"
)

// read is the connection's reader.
func (c *Conn) read() {
	err := c.readAll()
	if errors.Is(err, io.EOF) {
		c.lastWords()
	}
	c.Close()
}

// lastWords lets the writer finish for a peer that has only ended its side.
func (c *Conn) lastWords() {
	_ = c.conn.SetWriteDeadline(time.Now().Add(flushTimeout)) // without one the peer decides
	c.s.mu.Lock()
	c.link.finish = finishNow
	c.touch()
	c.s.unlock()
	<-c.done
}

func (c *Conn) readAll() error {
	buf, end := make([]byte, firstRead), 0
	for {
		limit, err := c.mayRead(len(buf) - end)
		if err != nil {
			return err
		}
		n, err := c.conn.Read(buf[end : end+limit])
		if err != nil {
			return err
		}
		end += n
		used, ok := c.batch(buf[:end], n)
		if !ok {
			return c.discard()
		}
		full := end == len(buf)
		end = copy(buf, buf[used:end])
		if full && len(buf) < maxRead {
			buf = append(make([]byte, 0, 2*len(buf)), buf...)
			buf = buf[:cap(buf)]
		}
		c.paced(n)
	}
}

// discard reads what no one wants until the peer closes or c does.
func (c *Conn) discard() error {
	_, err := io.Copy(io.Discard, c.conn)
	c.s.mu.Lock()
	now := c.link.finish == finishNow
	c.s.unlock()
	if now || err == nil {
		<-c.done // what is said last is the writer's
	}
	return net.ErrClosed
}

// resume has a waiting reader look again.
func (c *Conn) resume() {
	close(c.link.moved)
	c.link.moved = make(chan struct{})
}

// mayRead waits while the SMSC does not read, and says how much to read.
func (c *Conn) mayRead(room int) (int, error) {
	for {
		moved, wait, rate := c.mustWait()
		if !wait {
			if rate > 0 {
				room = min(room, max(rate/10, 1))
			}
			return room, nil
		}
		select {
		case <-moved:
		case <-c.done:
			return 0, net.ErrClosed
		}
	}
}

func (c *Conn) mustWait() (moved chan struct{}, wait bool, rate int) {
	c.s.mu.Lock()
	defer c.s.unlock()
	o := &c.s.opt.Link
	wait = c.link.stalled || o.StallAfter > 0 && c.load.submits >= uint64(o.StallAfter) || len(c.link.out) > 4*maxOutput
	return c.link.moved, wait, o.ReadRate
}

// paced waits as long as n octets take at Link.ReadRate.
func (c *Conn) paced(n int) {
	c.s.mu.Lock()
	rate := c.s.opt.Link.ReadRate
	c.s.unlock()
	if rate <= 0 {
		return
	}
	t := time.NewTimer(time.Duration(n) * time.Second / time.Duration(rate))
	defer t.Stop()
	select {
	case <-t.C:
	case <-c.done:
	}
}
