package smpp

import (
	"context"
	"net"
	"time"

	"bindery/smpp/pdu"
)

// Config holds the settings of a session; the zero value of a field means its
// default.
type Config struct {
	Window          int           // requests of ours without an answer; default 10, 1..65536
	MaxPDU          int           // largest command_length taken, octets; default 70,000
	ResponseTimeout time.Duration // default 10 s
	EnquireLink     time.Duration // silence of the peer until we ask; default 30 s, negative: never
	EnquireMisses   int           // unanswered enquire_links until the session is given up; default 2
	BindTimeout     time.Duration // from the connection to a bound session; default 5 s
	WriteTimeout    time.Duration // one write; default 10 s
	UnbindTimeout   time.Duration // from unbind to its answer; default 5 s
	// Gate is asked before a buffer with requests of the data lane is written.
	// When it answers false, what is in the buffer goes back unwritten
	// (a lease that is over). Nil: always open.
	Gate func() bool
}

// Result is how one submitted request ended. Every request that Submit took
// has exactly one result with Late false; one that timed out may have one more
// with Late true.
type Result struct {
	Token uint64
	// Resp is the answer (a response of the matching id, or a generic_nack),
	// nil when none came. Valid until Handler.Result returns.
	Resp pdu.PDU
	Late bool
	// Err is nil with a Resp; else ErrTimeout or why the session ended.
	Err error
	// Written tells, without a Resp, whether a byte of the request may have
	// left: false means that it is safe to send it again.
	Written bool
}

// Handler is what a session tells its owner. All methods but Closed are called
// on the reader's goroutine (results of time-outs and of a dead session on the
// session's own); none may block. Nothing is called after Closed.
type Handler interface {
	// Request hands over a request of the peer that is not session control.
	// p is valid until it returns; the answer goes out by Session.Respond,
	// now or later, with p's sequence number.
	Request(s *Session, p pdu.PDU)
	Result(s *Session, r Result)
	// Idle is called when all that one read brought has been handed over.
	Idle(s *Session)
	// Closed is called once, last, after every open request has had its result.
	Closed(s *Session, err error)
}

// Bind sends bind over conn and returns a bound session of the ESME side. The
// context bounds connection and bind only. conn is closed on an error, which
// is a *BindError when the peer refused.
func Bind(ctx context.Context, conn net.Conn, bind *pdu.Bind, cfg Config, h Handler) (*Session, error) {
	panic("skeleton")
}

// Accept waits for the peer's bind on conn and answers it by authorize (status
// ESME_ROK: bound); the SMSC side of Bind. authorize runs on Accept's goroutine
// and returns the handler of the session. Before the bind only PDUs of at most
// 1 KiB are read.
func Accept(ctx context.Context, conn net.Conn, cfg Config, authorize func(*pdu.Bind) (pdu.CommandStatus, Handler)) (*Session, error) {
	panic("skeleton")
}

// Session is one bound SMPP session, either side.
type Session struct{}

// Submit takes a window slot for p, numbers it, and queues its octets for the
// writer; it never blocks and keeps nothing of p. Any request that a peer
// answers may be submitted: submit_sm, data_sm, deliver_sm from the SMSC side.
// ErrWindowFull, ErrClosing, a state error, or the error of p.AppendTo: then
// there will be no Result.
func (s *Session) Submit(p pdu.PDU, token uint64) error { panic("skeleton") }

// Respond queues an answer on the control lane. It never waits for the window.
func (s *Session) Respond(p pdu.PDU) error { panic("skeleton") }

// Free is the number of free window slots: 0 once the session is closing.
func (s *Session) Free() int { panic("skeleton") }

// Unbind stops submitting, lets the window drain until ctx is over, unbinds and
// closes. It returns when the session is closed.
func (s *Session) Unbind(ctx context.Context) error { panic("skeleton") }

// Close ends the connection at once.
func (s *Session) Close() error { panic("skeleton") }

// Done is closed when the session has ended and its results are handed over.
func (s *Session) Done() <-chan struct{} { panic("skeleton") }

// Err says why the session ended, after Done.
func (s *Session) Err() error { panic("skeleton") }

// Peer is the bind (at the SMSC side) or nil.
func (s *Session) Peer() *pdu.Bind { panic("skeleton") }
