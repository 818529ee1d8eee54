// Package smpp is one bound SMPP session, either side, and the listener that
// accepts them. It turns a net.Conn and package pdu into requests with exactly
// one result each; bindpool keeps several of them alive, smppcarrier and the
// SMPP server for upstreams own them.
//
// # Goroutines
//
// A session has two goroutines, whatever its window: read and write. There is
// no goroutine, channel or timer per message.
//
// read owns Session.in. It reads, decodes into reused structs and calls the
// Handler; every call of a Handler comes from it, so they never overlap and
// need no order of their own: a time-out is told before the late answer to it,
// a result before Closed. Between two reads it runs the timers (a read deadline
// is their only clock) and tells what others left for it: requests that a gate
// or an unbind caught unwritten. It ends the session, alone: it closes the
// connection, waits for the writer to be gone, and only then decides for every
// open request whether a byte of it may have left, by what the last Write
// reported.
//
// write owns the buffer in flight. It sleeps on a condition while both lanes
// are empty, takes whole PDUs, control first, and gives them to one Write of at
// most 64 KiB; while that is under way the next ones gather.
//
// Session.mu guards all that both and the callers of Submit, Respond, Unbind
// and Stat share: window, lanes, timers, state and counters. It is held for the
// encoding of one PDU or the copy of one buffer, never over I/O or a call of
// the owner.
//
// # When the process dies
//
// A session stores nothing. Between Submit and the write a request has not
// left; between the write and its result it may have: whoever needs to know
// that after a crash notes it before Submit.
//
// # Memory
//
// A session holds at most: its window's slots, one PDU of MaxPDU octets being
// read, 4 MiB of requests and 8 MiB of answers waiting for the writer, and one
// buffer being written. From 256 KiB of answers on nothing more is read, so a
// peer that does not read stops being read, and the write's deadline ends it.
package smpp

import (
	"fmt"
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
	SystemID        string        // what Accept calls itself in bind_resp; default "bindery"
	// Gate is asked before a buffer with requests of the data lane is written.
	// When it answers false, what is in the buffer goes back unwritten
	// (a lease that is over). Nil: always open. It runs on the writer and must
	// not block.
	Gate func() bool
}

func (c Config) withDefaults() (Config, error) {
	if c.Window < 0 || c.Window > 65536 {
		return c, fmt.Errorf("window %d is not within 1..65536", c.Window)
	}
	if c.MaxPDU != 0 && c.MaxPDU < maxUnbound {
		return c, fmt.Errorf("max pdu %d is below %d octets", c.MaxPDU, maxUnbound)
	}
	if c.EnquireMisses < 0 {
		return c, fmt.Errorf("enquire misses %d is negative", c.EnquireMisses)
	}
	for _, d := range []struct {
		name  string
		value *time.Duration
		zero  time.Duration
	}{
		{"response timeout", &c.ResponseTimeout, 10 * time.Second},
		{"bind timeout", &c.BindTimeout, 5 * time.Second},
		{"write timeout", &c.WriteTimeout, 10 * time.Second},
		{"unbind timeout", &c.UnbindTimeout, 5 * time.Second},
	} {
		if *d.value < 0 {
			return c, fmt.Errorf("%s %v is negative", d.name, *d.value)
		}
		orDefault(d.value, d.zero)
	}
	orDefault(&c.Window, 10)
	orDefault(&c.MaxPDU, pdu.DefaultMaxPDU)
	orDefault(&c.EnquireLink, 30*time.Second)
	orDefault(&c.EnquireMisses, 2)
	orDefault(&c.SystemID, "bindery")
	return c, nil
}

func orDefault[T comparable](v *T, zero T) {
	var unset T
	if *v == unset {
		*v = zero
	}
}

// Result is how one submitted request ended. Every request that Submit took
// has exactly one result with Late false; one that timed out may have one more
// with Late true.
type Result struct {
	Token uint64
	// Resp is the answer (a response of the matching id, or a generic_nack),
	// nil when none came. Valid until Handler.Result returns. Of one that could
	// not be decoded to its end it holds what could.
	Resp pdu.PDU
	Late bool
	// Err is nil with a Resp; else ErrTimeout, ErrGate, or why the session
	// ended.
	Err error
	// Written tells, without a Resp, whether a byte of the request may have
	// left: false means that it is safe to send it again.
	Written bool
	// Took is the time from Submit to the answer; 0 without a Resp.
	Took time.Duration
}

// Handler is what a session tells its owner. All methods are called on the
// reader's goroutine, one at a time; none may block, and none may wait for the
// session's end (Unbind, Done). Nothing is called after Closed.
type Handler interface {
	// Request hands over a message of the peer: a submit_sm, deliver_sm or
	// data_sm. p is valid until it returns; the answer goes out by
	// Session.Respond, now or later, with p's sequence number.
	Request(s *Session, p pdu.PDU)
	Result(s *Session, r Result)
	// Idle is called when all that one read brought has been handed over, and
	// after results that came without a read (time-outs, a session's end).
	Idle(s *Session)
	// Closed is called once, last, after every open request has had its result.
	Closed(s *Session, err error)
}

// BoundHandler is a Handler that wants to know its session before anything else
// is told: Bound is called on the goroutine of Bind or Accept.
type BoundHandler interface {
	Bound(s *Session)
}

// OperationHandler is a Handler that also does the other operations of a bound
// session. At the SMSC side these are submit_multi, query_sm, cancel_sm and
// replace_sm, to be answered as a Request is; at the ESME side
// alert_notification, which has no answer.
//
// For a Handler that is none, the session answers with the operation's own
// response and ESME_RINVCMDID: the peer need not wait, and has no reason to try
// again as after ESME_RSUBMITFAIL. It is not a generic_nack, which is for what
// is no PDU of SMPP at all (SMPP 3.4 §4.3). An alert_notification is counted.
type OperationHandler interface {
	Operation(s *Session, p pdu.PDU)
}

// OddHandler is a Handler that also wants to know what of the peer's did not
// fit and was survived: unknown commands, unmatched responses, PDUs that do not
// decode. It is for a log; Stat counts them all.
type OddHandler interface {
	Odd(s *Session, err *OddError)
}
