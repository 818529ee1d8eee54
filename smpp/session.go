package smpp

import (
	"net"
	"sync"
	"sync/atomic"
	"time"

	"bindery/smpp/pdu"
)

// Session is one bound SMPP session, either side.
type Session struct {
	// Set before the goroutines start.
	conn        net.Conn
	cfg         Config
	handler     Handler
	side        side
	began       time.Time
	bound       State // what the bind led to
	peer        *pdu.Bind
	peerVersion uint8

	in inbound // read's alone

	free    atomic.Int32  // free slots for Free; written with mu held
	drained chan struct{} // closed when closing and nothing waits for its result
	written chan struct{} // closed when write is gone
	room    chan struct{} // tells a reader that waits for the control lane; cap 1
	done    chan struct{}

	mu   sync.Mutex // guards shared
	wake sync.Cond  // tells write that shared changed
	shared
}

// shared is what reader, writer and callers have in common.
type shared struct {
	state State
	win   window
	out   lanes
	time  timers
	stat  Stat

	closing     bool          // Submit is over
	peerUnbound bool          // the peer sent unbind
	leaving     error         // the reason once an unbind is under way
	cause       error         // why the session is over; set once
	stop        stop          // what write is told
	batching    bool          // read is handing over PDUs: writing may wait for more
	stalled     bool          // read waits for room in the control lane
	kicked      bool          // the read deadline is in the past
	armed       time.Duration // the read deadline, unless kicked
	returned    []Result      // results that others leave for read to tell
}

// stop is what the writer is told to do.
type stop uint8

const (
	goOn  stop = iota
	flush      // write what waits, close our direction, go
	abort      // go
)

func newSession(conn net.Conn, cfg Config, side side, firstSequence uint32) *Session {
	s := &Session{
		conn: conn, cfg: cfg, side: side, began: time.Now(),
		drained: make(chan struct{}), written: make(chan struct{}),
		room: make(chan struct{}, 1), done: make(chan struct{}),
	}
	s.wake.L = &s.mu
	s.win = newWindow(cfg.Window, firstSequence)
	s.time = timers{enquireAfter: cfg.EnquireLink, answerWithin: cfg.ResponseTimeout, misses: cfg.EnquireMisses}
	s.in.frames = pdu.NewReader(&s.in, maxUnbound)
	s.in.conn = conn
	return s
}

// start makes a session of a connection that has just been bound.
func (s *Session) start(bind pdu.CommandID, h Handler) {
	s.handler = h
	s.in.session = s
	s.in.odd, _ = h.(OddHandler)
	s.in.others, _ = h.(OperationHandler)
	s.in.every = tickEvery(s.cfg)
	s.in.frames.SetMaxPDU(s.cfg.MaxPDU)
	s.bound = boundState(bind)
	s.state = s.bound
	s.stat.Since = time.Now()
	s.time.hear(s.clock())
	s.setFree()
	if b, ok := h.(BoundHandler); ok {
		b.Bound(s)
	}
	go s.write()
	go s.read()
}

// clock is the time since the session's start, the time of all its timers.
func (s *Session) clock() time.Duration { return time.Since(s.began) }

// Submit takes a window slot for p, numbers it, and queues its octets for the
// writer; it never blocks and keeps nothing of p. Any request that a peer
// answers may be submitted: submit_sm, data_sm, deliver_sm from the SMSC side.
// ErrWindowFull, ErrClosing, a *StateError, or the error of p.AppendTo: then
// there will be no Result.
func (s *Session) Submit(p pdu.PDU, token uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return ErrClosing
	}
	if s.win.full() || s.out.data.len() >= maxData {
		return ErrWindowFull
	}
	free := s.win.find()
	head := p.Head()
	head.Sequence, head.Status = s.win.next, pdu.StatusOK
	tail := s.out.data.tail()
	buf, err := p.AppendTo(tail)
	if err != nil {
		return err
	}
	id := commandID(buf[len(tail):])
	if err := s.maySubmit(id); err != nil {
		return err
	}
	s.out.data.buf = buf
	deadline := s.clock() + s.cfg.ResponseTimeout
	s.win.take(free, token, id.Response(), s.out.queued, deadline)
	s.expect(deadline)
	s.out.queued += uint64(len(buf) - len(tail))
	s.setFree()
	s.wakeWriter()
	return nil
}

// maySubmit refuses what has no place in the window, and what this side may
// not send.
func (s *Session) maySubmit(id pdu.CommandID) error {
	op, known := matrix(id)
	control := id == pdu.CommandEnquireLink || id == pdu.CommandUnbind
	if !known || op.silent || control || !op.allows(s.side, s.state) {
		return &StateError{ID: id, State: s.state}
	}
	return nil
}

// Respond queues an answer on the control lane, with the sequence number that
// p carries. It never waits for the window. ErrClosing when it can no longer
// leave; a *StateError for what is no response. The SMSC side sends
// alert_notification by it, which takes no slot and is numbered by its sender.
func (s *Session) Respond(p pdu.PDU) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stop != goOn || s.cause != nil {
		return ErrClosing
	}
	tail := s.out.control.tail()
	buf, err := p.AppendTo(tail)
	if err != nil {
		return err
	}
	if id := commandID(buf[len(tail):]); !s.mayTell(id) {
		return &StateError{ID: id, State: s.state}
	}
	s.out.control.buf = buf
	if s.out.control.len() > maxControl {
		s.fail(local(ErrUnread))
		return ErrClosing
	}
	s.wakeWriter()
	return nil
}

// mayTell takes the responses that there are, not one to outbind or
// alert_notification; and what has no answer and so no slot: alert_notification.
func (s *Session) mayTell(id pdu.CommandID) bool {
	if id == pdu.CommandGenericNack {
		return true
	}
	op, known := matrix(id &^ pdu.CommandGenericNack)
	if id.IsResponse() {
		return known && !op.silent
	}
	return known && op.silent && op.allows(s.side, s.state)
}

// Free is the number of free window slots: 0 once the session is closing. It
// costs one atomic load.
func (s *Session) Free() int { return int(s.free.Load()) }

// Close ends the connection at once: what is queued is not written. It does
// not wait for the session's end (see Done), so a Handler may call it.
func (s *Session) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail(local(ErrClosed))
	return nil
}

// Done is closed when the session has ended and its results are handed over.
func (s *Session) Done() <-chan struct{} { return s.done }

// Err says why the session ended, a *ClosedError; nil before it does.
func (s *Session) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cause
}

// Peer is the bind (at the SMSC side) or nil.
func (s *Session) Peer() *pdu.Bind { return s.peer }

// PeerVersion is the interface version that the peer named (sc_interface_version
// of its bind_resp, interface_version of its bind), 0 when it named none. Below
// 0x34 it is not to be sent TLVs (SMPP 3.4 §3.3.2).
func (s *Session) PeerVersion() uint8 { return s.peerVersion }

// RemoteAddr is the peer's address.
func (s *Session) RemoteAddr() net.Addr { return s.conn.RemoteAddr() }

// The rest is called with mu held.

func (s *Session) setFree() {
	n := s.win.size - s.win.used
	if s.closing {
		n = 0
		if s.win.open == 0 {
			select {
			case <-s.drained:
			default:
				close(s.drained)
			}
		}
	}
	s.free.Store(int32(n))
}

// eagerWrite is from where on the writer is not kept waiting for the reader's
// batch, in octets.
const eagerWrite = 16 << 10

// wakeWriter tells the writer that a lane has grown. While the reader hands
// over what one read brought, answers and submits gather for one write; the
// reader wakes it at the end of the batch.
func (s *Session) wakeWriter() {
	if !s.batching || s.out.pending() >= eagerWrite {
		s.wake.Signal()
	}
}

// fail ends the session at once; the first reason stays.
func (s *Session) fail(cause error) {
	if s.cause == nil {
		s.cause = cause
	}
	s.stop = abort
	s.closing = true
	s.wake.Signal()
	s.kick()
}

// kick makes the reader come by, wherever it waits. Deadlines are only set with
// mu held, so a kick cannot be lost to the reader's own setting.
func (s *Session) kick() {
	if !s.kicked {
		s.kicked = true
		s.conn.SetReadDeadline(longAgo)
	}
	s.makeRoom()
}

func (s *Session) makeRoom() {
	select {
	case s.room <- struct{}{}:
	default:
	}
}

var longAgo = time.Unix(1, 0)
