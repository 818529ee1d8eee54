// Package bindpool keeps N bound sessions of one carrier alive, each from a
// Source, and submits over the one with the most free slots. smppcarrier owns a
// pool and sets its size; the pool knows package smpp and nothing above.
//
// # Goroutines
//
// A bind is one goroutine (bind.run) that connects, waits for the session's
// end, and waits before it connects again; the session itself has its two.
// Results and requests come on the sessions' readers, so those of different
// binds may be told at the same time; those of one bind never overlap, and all
// of a session come before its Down.
//
// Pool.mu guards the list of binds, their states and what is shown of them.
// Submit and Free do not take it: they read a list of the live sessions that is
// replaced, never changed. A session that has just died is still in it for a
// moment; it answers ErrClosing and the next one is asked.
//
// # How often it connects
//
// At most one connect a second goes out for the whole pool, and one at a time
// for each bind. What follows a failure depends on who said no:
//   - the network: exponential with full jitter, so that many binds and many
//     gateways that lost one carrier do not come back together;
//   - the carrier, in passing (ESME_RALYBND while it still holds our last
//     session, ESME_RSYSERR, ESME_RMSGQFUL, ESME_RTHROTTLED): at least half of
//     the same bound, so that luck cannot make it a hammer;
//   - the carrier, for our name or password: minutes. While no other bind is up
//     the whole pool waits, and asks with one bind first.
//
// A session that lived less than a minute does not start this over.
//
// # Never more than N
//
// A bind that is to go drains, unbinds and ends before another may take its
// number, so the pool never holds more sessions than its size, except while it
// shrinks.
package bindpool

import (
	"context"
	"errors"
	"fmt"
	"time"

	"bindery/smpp"
	"bindery/smpp/pdu"
)

// ErrNoBind is Submit's answer when no bind is up.
var ErrNoBind = errors.New("no bind is up")

// Source opens one bound session: the whole way from nothing to a session whose
// handler is h. ctx ends when the bind is no longer wanted. It is called from
// several goroutines.
type Source interface {
	Open(ctx context.Context, h smpp.Handler) (*smpp.Session, error)
}

// Owner is what a pool tells. bind is its number, from 0. None may block.
type Owner interface {
	// Request and Idle are as in smpp.Handler. A request may come before Up. Of
	// a pair those of both halves come, maybe at the same time.
	Request(bind int, s *smpp.Session, p pdu.PDU)
	Idle(bind int)
	// Result is told for every request that Submit took; what a dead session
	// had open comes here too, before Down.
	Result(bind int, r smpp.Result)
	Up(bind int)
	// Down is told once for each Up.
	Down(bind int, err error)
	// Failed tells that a connection or bind came to nothing.
	Failed(bind int, f Failure)
}

// OddOwner is an Owner that also wants what smpp.OddHandler tells, for a log.
type OddOwner interface {
	Odd(bind int, err *smpp.OddError)
}

// OperationOwner is an Owner that also does what smpp.OperationHandler does. For
// one that is none the sessions decline those operations; an OddOwner is told.
type OperationOwner interface {
	Operation(bind int, s *smpp.Session, p pdu.PDU)
}

// Failure is one try that did not end in a session.
type Failure struct {
	Err   error
	Tries int           // since the bind was last up for a while
	Retry time.Duration // until the next
	// Alarm says that it is time for a person: credentials were refused, or
	// three tries have failed.
	Alarm bool
}

// Config holds a pool's settings; the zero value of a field means its default.
type Config struct {
	Size int // binds to keep, 0 and more
	// Receiver makes every bind a pair: a transmitter from the pool's source
	// and a receiver from this one. Nil: transceivers.
	Receiver     Source
	ConnectEvery time.Duration // least time between two connects; default 1 s
	Backoff      time.Duration // bound of the first wait; default 1 s
	MaxBackoff   time.Duration // default 60 s
	RefusedWait  time.Duration // after wrong credentials, at least; default 5 min
	Stable       time.Duration // a session that lived so long starts the backoff over; default 1 min
	Drain        time.Duration // until a surplus bind's window is drained; default 10 s
}

func (c Config) withDefaults() (Config, error) {
	if c.Size < 0 {
		return c, fmt.Errorf("size %d is negative", c.Size)
	}
	for _, d := range []struct {
		name  string
		value *time.Duration
		zero  time.Duration
	}{
		{"connect every", &c.ConnectEvery, time.Second},
		{"backoff", &c.Backoff, time.Second},
		{"max backoff", &c.MaxBackoff, time.Minute},
		{"refused wait", &c.RefusedWait, 5 * time.Minute},
		{"stable", &c.Stable, time.Minute},
		{"drain", &c.Drain, 10 * time.Second},
	} {
		if *d.value < 0 {
			return c, fmt.Errorf("%s %v is negative", d.name, *d.value)
		}
		if *d.value == 0 {
			*d.value = d.zero
		}
	}
	return c, nil
}
