package smpp

import (
	"errors"
	"fmt"

	"bindery/smpp/pdu"
)

var (
	// ErrTimeout is the error of a request without a response within
	// Config.ResponseTimeout.
	ErrTimeout = errors.New("no response in time")
	// ErrWindowFull is Submit's answer when every slot is taken, or when too
	// much waits for a peer that does not read.
	ErrWindowFull = errors.New("window full")
	// ErrClosing is Submit's answer once the session unbinds or has ended, and
	// the error of requests that an unbind caught before they were written.
	ErrClosing = errors.New("session is closing")
	// ErrGate is the error of requests that Config.Gate kept from being
	// written.
	ErrGate = errors.New("the gate was closed")

	// Reasons inside a ClosedError.
	ErrUnbound      = errors.New("unbound")
	ErrClosed       = errors.New("closed")
	ErrUnresponsive = errors.New("enquire_link unanswered")
	ErrUnread       = errors.New("answers pile up, the peer does not read them")
	ErrNotSMPP      = errors.New("this is not SMPP")
)

// ClosedError says why and by whom a session was ended. errors.Is and As see
// through it.
type ClosedError struct {
	Remote bool // the peer unbound, closed, broke the connection or the protocol
	Err    error
}

func (e *ClosedError) Error() string {
	if e.Remote {
		return "session ended by the peer: " + e.Err.Error()
	}
	return "session ended by us: " + e.Err.Error()
}

func (e *ClosedError) Unwrap() error { return e.Err }

func local(err error) error  { return &ClosedError{Err: err} }
func remote(err error) error { return &ClosedError{Remote: true, Err: err} }

// BindError is a bind that was refused: by the peer, or by our own authorize.
type BindError struct {
	Status   pdu.CommandStatus
	SystemID string // whose bind it was
}

func (e *BindError) Error() string {
	return fmt.Sprintf("bind of %q refused: %v", e.SystemID, e.Status)
}

// StateError is a PDU that this side may not send in this state (SMPP 3.4
// §2.4).
type StateError struct {
	ID    pdu.CommandID
	State State
}

func (e *StateError) Error() string {
	return fmt.Sprintf("%v may not be sent in state %v", e.ID, e.State)
}

// OddError is something of the peer that does not fit, which the session
// survives: it is counted, and told to a Handler that is an OddHandler.
type OddError struct {
	ID       pdu.CommandID
	Status   pdu.CommandStatus
	Sequence uint32
	Err      error
}

func (e *OddError) Error() string {
	return fmt.Sprintf("%v (sequence %d, status %v): %v", e.ID, e.Sequence, e.Status, e.Err)
}

func (e *OddError) Unwrap() error { return e.Err }

var (
	errUnknownCommand = errors.New("unknown command_id")
	errDeclined       = errors.New("nobody here does this operation")
	errUnmatched      = errors.New("no open request has this number and response")
)
