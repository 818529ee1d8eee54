package dispatch

import (
	"time"

	"bindery/dlr"
	"bindery/queue"
)

// Submission is one part of a message on its way to a carrier.
type Submission struct {
	Part      queue.Part    // block and index
	Message   queue.Message // what is to be sent; its octet fields are read only and live until the outcome
	Position  uint8         // of this part in its message, from 0
	Parts     uint8         // reserved for the message
	Attempt   uint8         // from 1
	Deadline  time.Time     // end of validity; zero: none
	MaybeSent bool
	Lease     queue.LeaseNumber

	ticket ticket
}

// Connector is one carrier's link, as dispatch sees it. The SMPP one is
// gateway/smppcarrier; others (MMS) stand beside it.
type Connector interface {
	// Window is how many submissions all that is bound now may leave
	// unanswered; 0 while nothing is bound.
	Window() int
	// Slots is how many submissions can be taken now. A submission counts until
	// its outcome was told.
	Slots() int
	// Freed is signalled when Slots or Window may have changed.
	Freed() <-chan struct{}
	// Submit takes at most Slots submissions, never blocks, and owes the Sink
	// one Outcome for each, exactly once. It may keep pointers into the slice,
	// which is its own until then (and after it, for a late answer).
	Submit([]Submission)
}

// Class is what an outcome means for the part, whatever the protocol.
type Class uint8

const (
	ClassOK        Class = iota // taken by the carrier, CarrierID is its id
	ClassThrottled              // the carrier asks to slow down; no attempt burnt
	ClassTemporary              // worth a retry
	ClassPermanent              // refused for good
	ClassSession                // the bind is at fault, not the message
	ClassUncertain              // written, no answer
	ClassUnsent                 // surely no byte left
	ClassSurplus                // this carrier needs fewer parts than were reserved

	// classExpired is a part whose validity ended before it was handed over.
	classExpired
	// classSpent is a part that is maybe sent and may not be sent again.
	classSpent
	// Classes is the number of classes that a connector tells.
	Classes = int(classExpired)
)

var classNames = [...]string{"ok", "throttled", "temporary", "permanent", "session", "uncertain", "unsent", "surplus", "expired", "spent"}

func (c Class) String() string {
	if int(c) < len(classNames) {
		return classNames[c]
	}
	return "unknown"
}

// Outcome is the end of one Submission, or a late answer after ClassUncertain.
type Outcome struct {
	Submission *Submission // the very element that Submit was given
	Class      Class
	Code       uint32      // of the carrier (command_status); 0 if none
	Error      queue.Error // what an event says of it, unless the class is ClassOK
	CarrierID  []byte      // with ClassOK: valid until Outcomes returns; empty: the carrier gave none
	Late       bool        // an answer that came after ClassUncertain was told
}

// Receipt is a delivery receipt as parsed by the connector.
type Receipt struct {
	dlr.Receipt
	Ack Ack
}

// Inbound is a message from a handset.
type Inbound struct {
	From, To, Text string
	At             time.Time
	Raw            []byte // the PDU as it came; the sink's to keep
	Ack            Ack
}

// Unparsed is a receipt that names no id or no state: kept in quarantine.
type Unparsed struct {
	Raw []byte // the PDU as it came; the sink's to keep
	At  time.Time
	Ack Ack
}

// Ack answers a receipt or an inbound message once it is stored (nil) or could
// not be (an error: the carrier is asked to repeat it). Stored may be called on
// any goroutine, also from inside the Sink's method, and after the session is
// gone.
type Ack struct {
	To    interface{ Stored(token uint64, err error) }
	Token uint64
}

func (a Ack) stored(err error) {
	if a.To != nil {
		a.To.Stored(a.Token, err)
	}
}

// Sink gets everything that a Connector learns; its methods never block. Of
// what one read brought, Outcomes comes before Receipts: a receipt that the
// carrier wrote behind its submit_sm_resp then finds its id.
type Sink interface {
	Outcomes([]Outcome)
	Receipts([]Receipt)
	Inbounds([]Inbound)
	Unparsed([]Unparsed)
}
