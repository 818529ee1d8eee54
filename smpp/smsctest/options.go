package smsctest

import (
	"time"

	"bindery/smpp/pdu"
)

// Options say how an SMSC behaves. The zero value is a friendly one: it takes
// any bind, answers every submit_sm at once with a random 64-bit id in hex,
// and sends no receipts. SMSC.Set changes them while it runs.
type Options struct {
	SystemID        string // whom it lets bind; empty: anyone
	Password        string // compared when SystemID is set
	Authorize       func(*pdu.Bind) pdu.CommandStatus
	Name            string            // its own system_id; default "smsctest"
	MaxBinds        int               // bound at once; 0: no limit
	BindLimitStatus pdu.CommandStatus // what a bind beyond gets; default ESME_RALYBND (0x05)
	BindDelay       Span              // until a bind is answered

	IDs      IDs
	Answers  Answers
	Receipts Receipts
	Throttle Throttle
	Window   Window
	Link     Link
	Record   Record
	Seed     uint64 // of everything random; 0: a random one
}

// Answers is how submit_sm and data_sm are answered. Shares are 0..1.
type Answers struct {
	Latency Span
	// Decide, when set, is asked for each message that throttle and window let
	// through; it must be quick and must not call the SMSC. dest is valid
	// until it returns.
	Decide  func(dest []byte) pdu.CommandStatus
	Errors  []Share // by status; what is over is taken
	Drop    float64 // taken, with receipts, but never answered
	Lose    float64 // neither taken nor answered
	Double  float64 // answered twice
	Reorder int     // answers kept back until so many can go in random order; below 2: off
	// ReorderWait bounds how long one is kept back; default 20 ms.
	ReorderWait time.Duration
}

// Share is the part of the messages (0..1) that get a status.
type Share struct {
	Status pdu.CommandStatus
	Share  float64
}

// Throttle answers what comes faster than Rate with Status.
type Throttle struct {
	Rate    float64           // submits a second; 0: no limit
	Burst   float64           // on top, at once; default Rate/10, at least 1
	Status  pdu.CommandStatus // default ESME_RTHROTTLED (0x58)
	PerBind bool              // each bind has its own rate; else all together
}

// Window is what the SMSC allows a bind to have unanswered.
type Window struct {
	Max int // submits; 0: no limit
	// Status answers those beyond; 0: they are taken, and counted in
	// Stats.Violations, as the others are too.
	Status pdu.CommandStatus
}

// Link is how the connection itself behaves.
type Link struct {
	EnquireLink   time.Duration // between enquire_links of its own; 0: none
	EnquireMisses int           // unanswered ones until it closes; 0: never
	Mute          bool          // answers no enquire_link
	UnbindAfter   int           // unbinds once a bind has submitted so many; 0: never
	CutAfter      int           // closes once a bind has submitted so many, that one unanswered; 0: never
	StallAfter    int           // stops reading once a bind has submitted so many; 0: never
	JunkEvery     int           // every so many submits of a bind, PDUs that nobody asked for; 0: never
	ReadRate      int           // octets read a second; 0: all that comes
	FirstSequence uint32        // of its own requests, a connection; default 1, the largest 0x7FFFFFFF
	Reset         bool          // its own closes send RST over TCP
	Faults        Faults        // of every connection, seen from the SMSC
}

// Record is what is kept of the submits.
type Record struct {
	Mode RecordMode
	// Limit bounds what is kept, in submits; the oldest go first. Default
	// 200,000 (RecordFull), 4,000,000 (RecordIDs).
	Limit int
}

// RecordMode says how much is kept of a submit.
type RecordMode int

const (
	RecordFull RecordMode = iota // everything: SMSC.Submits
	RecordIDs                    // the numbers behind the ids: SMSC.IDs
	RecordOff                    // counters only
)
