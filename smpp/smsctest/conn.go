package smsctest

import (
	"net"
	"time"

	"bindery/smpp/pdu"
)

const (
	// firstRead and maxRead bound the read buffer, octets; it doubles while
	// reads fill it. maxRead is above the largest PDU.
	firstRead = 8 << 10
	maxRead   = 256 << 10
	// maxOutput is how much output, in octets, may wait for the writer before
	// receipts wait in their queue, and four times that before the reader
	// waits too: a client that does not read is not read either.
	maxOutput = 512 << 10
	// flushTimeout bounds the last write to a peer that has ended its side.
	flushTimeout = 5 * time.Second
)

// Conn is one connection of an SMSC, bound or not.
type Conn struct {
	s      *SMSC
	number int
	conn   net.Conn
	wake   chan struct{} // has a place: output waits for the writer
	done   chan struct{} // closed by shut

	// reader
	decoder pdu.Decoder

	// SMSC.mu guards what follows.
	mode     pdu.CommandID // the bind's id; 0: not bound
	systemID string
	version  uint8
	link     linkState
	load     loadState
	receipts receiptState
}

// linkState is the connection itself.
type linkState struct {
	out     []byte
	spare   []byte
	touched bool          // in SMSC.touched
	gone    bool          // closed
	finish  finish        // how it closes once all output is written
	stalled bool          // by Stall
	moved   chan struct{} // closed when a waiting reader is to look again
	missed  int           // enquire_links of ours without an answer
}

// finish is how a connection closes once all output is written.
type finish uint8

const (
	finishNot  finish = iota
	finishNow         // at once
	finishSoft        // our side first: octets on their way to us would else have the kernel drop our last ones
)

// loadState is what the peer has submitted by this connection.
type loadState struct {
	submits   uint64
	open      int // submits read, whose answer has not gone to the socket
	leaving   int // of these, those whose answer is in out
	maxOpen   int
	second    slide
	bucket    tokens
	shuffling []answer // kept back for Answers.Reorder
}

// receiptState is what we deliver by this connection.
type receiptState struct {
	sequence uint32
	pending  queue[delivery]
	flight   map[uint32]delivery // unanswered, by sequence
	acked    uint64
}

func newConn(s *SMSC, conn net.Conn) *Conn {
	if f := s.opt.Link.Faults; !f.none() {
		conn = Faulty(conn, f)
	}
	s.numbers++
	return &Conn{
		s: s, number: s.numbers, conn: conn,
		wake: make(chan struct{}, 1), done: make(chan struct{}),
		link:     linkState{moved: make(chan struct{})},
		receipts: receiptState{sequence: orDefault(s.opt.Link.FirstSequence, 1) - 1, flight: map[uint32]delivery{}},
	}
}

// Number counts the connections of the SMSC from 1.
func (c *Conn) Number() int { return c.number }

// Done is closed when the connection is.
func (c *Conn) Done() <-chan struct{} { return c.done }

// Mode is the id of the bind, 0 when it is not bound.
func (c *Conn) Mode() pdu.CommandID {
	c.s.mu.Lock()
	defer c.s.unlock()
	return c.mode
}

// SystemID is whom the bind named.
func (c *Conn) SystemID() string {
	c.s.mu.Lock()
	defer c.s.unlock()
	return c.systemID
}

// Close closes the connection without a word.
func (c *Conn) Close() {
	c.s.mu.Lock()
	defer c.s.unlock()
	c.shut()
}

// Stall stops reading, until Resume.
func (c *Conn) Stall() {
	c.s.mu.Lock()
	defer c.s.unlock()
	c.link.stalled = true
}

// Resume reads on.
func (c *Conn) Resume() {
	c.s.mu.Lock()
	defer c.s.unlock()
	c.link.stalled = false
	c.resume()
}

// Unbind sends an unbind; the peer's answer closes the connection.
func (c *Conn) Unbind() {
	c.s.mu.Lock()
	defer c.s.unlock()
	c.sendUnbind()
}

// EnquireLink sends an enquire_link.
func (c *Conn) EnquireLink() {
	c.s.mu.Lock()
	defer c.s.unlock()
	c.append(&pdu.EnquireLink{Header: pdu.Header{Sequence: c.nextSequence()}})
}

// Send sends any PDU as it is; a request with sequence 0 is numbered.
func (c *Conn) Send(p pdu.PDU) error {
	c.s.mu.Lock()
	defer c.s.unlock()
	if h := p.Head(); h.Sequence == 0 && !h.ID.IsResponse() {
		h.Sequence = c.nextSequence()
	}
	return c.append(p)
}

// Write sends octets, whatever they are.
func (c *Conn) Write(octets []byte) (int, error) {
	c.s.mu.Lock()
	defer c.s.unlock()
	if c.link.gone {
		return 0, net.ErrClosed
	}
	c.link.out = append(c.link.out, octets...)
	c.touch()
	return len(octets), nil
}

func (c *Conn) append(p pdu.PDU) error {
	if c.link.gone {
		return net.ErrClosed
	}
	var err error
	c.link.out, err = p.AppendTo(c.link.out)
	c.touch()
	return err
}

// touch has the writer told of output when mu is given back.
func (c *Conn) touch() {
	if !c.link.touched {
		c.link.touched = true
		c.s.touched = append(c.s.touched, c)
	}
}

func (c *Conn) wakeWriter() {
	c.link.touched = false
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

func (c *Conn) nextSequence() uint32 {
	c.receipts.sequence = c.receipts.sequence%0x7FFFFFFF + 1
	return c.receipts.sequence
}

func (c *Conn) sendUnbind() {
	if c.mode != 0 {
		_ = c.append(&pdu.Unbind{Header: pdu.Header{Sequence: c.nextSequence()}}) // one that is gone is unbound
	}
}

// shut closes the connection and hands what it had not delivered to the next.
func (c *Conn) shut() {
	if c.link.gone {
		return
	}
	c.link.gone = true
	c.mode = 0
	if c.s.opt.Link.Reset {
		reset(c.conn)
	}
	c.conn.Close()
	close(c.done)
	c.s.leave(c)
}

func (s *SMSC) leave(c *Conn) {
	for i := range s.conns {
		if s.conns[i] == c {
			s.conns = append(s.conns[:i:i], s.conns[i+1:]...)
			break
		}
	}
	s.record.left(c)
	if !s.closed {
		s.handOn(c, time.Now())
	}
}
