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
	Deadline  time.Time     // end of validity
	MaybeSent bool
	Lease     queue.LeaseNumber
}

// Connector is one carrier's link, as dispatch sees it. The SMPP one is
// gateway/smppcarrier; others (MMS) stand beside it.
type Connector interface {
	// Slots is how many submissions can be taken now.
	Slots() int
	// Freed is signalled when Slots may have grown.
	Freed() <-chan struct{}
	// Submit takes at most Slots submissions, never blocks, and owes the Sink
	// one Outcome for each, exactly once.
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
)

// Outcome is the end of one Submission, or a late answer after ClassUncertain.
type Outcome struct {
	Submission *Submission
	Class      Class
	Code       uint32 // of the carrier (command_status); 0 if none
	CarrierID  []byte // with ClassOK: valid until Outcomes returns
	Late       bool   // an answer that came after ClassUncertain was told
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
	Ack            Ack
}

// Unparsed is a receipt that names no id or no state: kept in quarantine.
type Unparsed struct {
	Raw []byte
	Ack Ack
}

// Ack answers a receipt or an inbound message once it is stored (nil) or could
// not be (an error: the carrier is asked to repeat it).
type Ack struct {
	To    interface{ Stored(token uint64, err error) }
	Token uint64
}

// Sink gets everything that a Connector learns; its methods never block.
type Sink interface {
	Outcomes([]Outcome)
	Receipts([]Receipt)
	Inbounds([]Inbound)
	Unparsed([]Unparsed)
}
