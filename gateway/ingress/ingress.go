package ingress

import (
	"context"
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
}

// Fields is a set of field names.
type Fields uint32

// Account is who sends.
type Account struct {
	ID    string
	Admin bool
	Rate  int
}

// FieldError names a field and what is wrong with it.
type FieldError struct {
	Field   string `json:"field"`
	Message string `json:"message"`
}

// Result is the answer to one draft.
type Result struct {
	ID       queue.ID
	Parts    int
	Encoding string
	Route    string
	Errors   []FieldError // 422
	Err      error        // queue.ErrUnavailable, ErrFull, ErrKeyConflict, …
}

// Door is the one way in.
type Door struct{ now func() time.Time }

// Accept validates, routes and pushes drafts. One result for each, in order.
// key is the idempotency key of the whole call, or nil.
func (d *Door) Accept(ctx context.Context, a *Account, drafts []Draft, key *queue.Key) []Result {
	panic("skeleton")
}
