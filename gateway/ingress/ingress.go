// Package ingress is the one door in. Whatever the way (HTTP, later SMPP and
// the Redis inbox), a message comes as a Draft to Door.Accept, by a Stream of
// lines, or to Door.Batch; each validates every field, finds the message's
// route, counts its parts for every carrier of that route, and pushes it onto
// the queue; a positive answer means that the push is in Redis. Package api and
// the other ways in call it, package gateway sets it up; it calls smpp/coding
// and, by the interface Queue, package queue.
//
// # Idempotency
//
// A repeat of a key is answered from its record before anything is validated,
// so that a reload in between changes no answer. What a record does not say of
// itself it keeps for us (queue.Key.Kept), one letter for the way in first.
//
// # Concurrency
//
// A Door and its Accounts are read by any number of goroutines and hold no
// state of a message; a Stream is one goroutine's. What a reload changes is one
// immutable table each, swapped atomically: a call works with the table that it
// found first, to its end.
//
// # When the process dies
//
// Before the push nothing is owed to anyone; after it the message is the
// queue's. In between the sender has no answer: the same idempotency key gives
// the same id again. Of a stream the pushes before the last are in Redis and
// recorded line by line: the repeat goes on behind them.
package ingress

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"bindery/queue"
)

// Draft is a message as a sender wrote it, whatever the way in.
type Draft struct {
	To, From, Text string
	Priority       string
	SendAt         string // RFC 3339
	Validity       string // duration
	Reference      string
	Campaign       string
	Subject        string
	Callback       string
	Encoding       string
	Kind           string
	OnUncertain    string
	Set            Fields // which of the optional ones were given
	// Faults are what the way in has found wrong already (an unknown field, a
	// value of the wrong type). With any the draft is refused; they are told
	// beside what Accept finds in the other fields.
	Faults []FieldError
}

// Fields is a set of field names.
type Fields uint32

// The optional fields. One that is not in a draft's Set and is empty was not
// given; one that was given must not be empty, but for reference, campaign and
// subject.
const (
	Priority Fields = 1 << iota
	SendAt
	Validity
	Reference
	Campaign
	Subject
	Callback
	Encoding
	Kind
	OnUncertain
)

// given tells whether the field f with this value was given.
func (s Fields) given(f Fields, value string) bool { return s&f != 0 || value != "" }

// FieldError names a field and what is wrong with it.
type FieldError struct {
	Field   string `json:"field"`
	Message string `json:"message"`
}

// Result is the answer to one draft.
type Result struct {
	ID       queue.ID
	Parts    int          // of the route's first carrier that takes the text
	Encoding string       // of the same
	Route    string       // its id
	Errors   []FieldError // 422
	Err      error        // queue.ErrUnavailable, ErrFull, ErrKeyConflict, *TooFastError, …
}

// Queue is the part of package queue that takes messages.
type Queue interface {
	Accept(ctx context.Context, p *queue.Push) ([]queue.ID, error)
	// Recorded and Batch tell what a repeat is answered.
	Recorded(ctx context.Context, account string, hash [16]byte, first int) (*queue.Record, error)
	Batch(ctx context.Context, account, id string) (*queue.BatchView, error)
}

// Config of a Door.
type Config struct {
	Queue Queue
	// Routes in order; the first that matches takes a message.
	Routes []Route
	// Accepted is told how many messages are in Redis that were not before. Nil:
	// nobody counts.
	Accepted func(account, route string, messages int)
	Now      func() time.Time // nil: time.Now
}

// Door is the one way in.
type Door struct {
	queue    Queue
	accepted func(account, route string, messages int)
	now      func() time.Time
	router   atomic.Pointer[router]
}

// NewDoor returns a door. The error names a route that cannot be.
func NewDoor(c Config) (*Door, error) {
	if c.Queue == nil {
		return nil, errors.New("ingress: no queue")
	}
	d := &Door{queue: c.Queue, accepted: c.Accepted, now: c.Now}
	if d.now == nil {
		d.now = time.Now
	}
	if d.accepted == nil {
		d.accepted = func(string, string, int) {}
	}
	return d, d.SetRoutes(c.Routes)
}

// SetRoutes changes the routes for the calls that begin after it. With an error
// nothing has changed.
func (d *Door) SetRoutes(routes []Route) error {
	r, err := newRouter(routes)
	if err == nil {
		d.router.Store(r)
	}
	return err
}
