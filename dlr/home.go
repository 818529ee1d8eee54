// Package dlr is about delivery receipts: reading them out of PDUs, finding the
// part that each is about, and the carrier's home in Redis, where both the
// carriers' ids and the receipts that came before them lie. The SMPP connector
// parses with ParseReceipt, dispatch calls Home between the connector and
// queue.Finish; below are internal/redisdb and the scripts in lua/.
//
// A Home has no state that Redis does not have, but for what may be lost: the
// habit that it heard of last, which orders the readings of an id; how far Redis'
// clock is from ours, which names the epoch that ids are written to; counters,
// and the list of ids to be forgotten. So any number of goroutines and
// instances may use one home. The steps across the two homes are ordered by
// dispatch (correlate, then settle; find, then finish; finish, then Drop and
// Forget): each of a home's scripts, and the transaction by which ids are
// written, only adds knowledge, or takes away what was decided. A process that
// dies before Drop leaves a parked receipt, which the next Look finishes once
// more; one that dies before Forget leaves an id, which goes with its epoch; one
// that dies between the transaction and the script that was to mend it leaves ids
// that nobody settles by.
package dlr

import (
	"sync/atomic"
	"time"

	"bindery/internal/redisdb"
	"bindery/queue"
)

// IDForm is how a carrier writes its message ids in one place.
type IDForm uint8

const (
	Auto IDForm = iota
	AsIs
	Hex
	Decimal
)

// Bounds and defaults of a home.
const (
	batch           = 500 // most entries of one call of a script
	quarantineBatch = 50  // below what the script compares with
	earlyEach       = 8   // most receipts parked under one id
	defaultClock    = 24 * time.Hour
	defaultEarly    = 1_000_000
	defaultPoison   = 10_000
)

// Home is one carrier's home in Redis: which carrier id is which part, and the
// receipts that came before their id was known.
type Home struct {
	db                                *redisdb.DB
	o                                 HomeOptions
	state, early, looks, quarantining string // keys
	habit                             atomic.Pointer[habit]
	newest                            atomic.Pointer[string] // epoch, as far as is known here
	epoch                             epoch
	recents                           recents
	count                             counters
	forgetting                        forgetting
	parking                           atomic.Bool
}

// HomeOptions are the settings of a carrier's home.
type HomeOptions struct {
	Carrier       string
	Submit        IDForm           // of ids in submit_sm_resp
	Receipt       IDForm           // of ids in receipts
	ReceiptClock  time.Duration    // default 24 h
	EarlyMax      int              // most ids with parked receipts; default 1,000,000
	QuarantineMax int              // about how many unparsed receipts are kept; default 10,000
	Now           func() time.Time // of the delay of Forget; default time.Now
}

// NewHome returns the home of a carrier; nothing is asked of Redis yet.
func NewHome(db *redisdb.DB, o HomeOptions) *Home {
	if o.ReceiptClock <= 0 {
		o.ReceiptClock = defaultClock
	}
	if o.EarlyMax <= 0 {
		o.EarlyMax = defaultEarly
	}
	if o.QuarantineMax <= 0 {
		o.QuarantineMax = defaultPoison
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	key := "bindery:{c:" + o.Carrier + "}:"
	h := &Home{
		db: db, o: o,
		state: key + "state", early: key + "early", looks: key + "looks", quarantining: key + "quarantine",
	}
	h.habit.Store(&habit{rule: noHabit})
	h.parking.Store(true)
	return h
}

// Correlation is one submit_sm_resp: the carrier's id of a part.
type Correlation struct {
	ID   string
	Part queue.Part
	To   string // the destination; its last 8 digits are kept
}

// Receipt is one delivery receipt, whatever it came by.
type Receipt struct {
	IDs    []string     // as they stand, the surer first (receipted_message_id, then the text's)
	Status queue.Status // StatusEnroute for what is no final
	Code   string       // "045", "" if none
	To     string       // digits of the recipient, "" if not known
	At     time.Time    // when it reached us
}

// Parked is a receipt that waited for its id.
type Parked struct {
	ID      string // as it is parked: handed to Drop
	Part    queue.Part
	Receipt Receipt
	Known   Known // the id that it was found by: handed to Forget
}

// Known is an id as it stands in the home, and the part that it names.
type Known struct {
	ID   string
	Part queue.Part
}

// Found is the answer for one receipt: its part, or parked.
type Found struct {
	Part      queue.Part
	Parked    bool
	Full      bool  // no room to park: the carrier is asked to repeat it
	Conflict  bool  // parked: all that bears its id went to another destination
	Ambiguous bool  // parked: its id may name more than one part
	Known     Known // the id that it was found by: handed to Forget
}

// HomeStat counts what happened in this process since its start.
type HomeStat struct {
	Parked      uint64 // receipts that Find parked or found parked
	Full        uint64 // receipts that found no room
	Conflicts   uint64 // of Parked: another destination
	Ambiguous   uint64 // of Parked: more than one part
	Unmatched   uint64 // parked for a minute
	Expired     uint64 // parked until the receipt clock, then dropped
	Quarantined uint64 // what does not parse
	Forgotten   uint64 // ids removed after their final
}

type counters struct {
	parked, full, conflicts, ambiguous, unmatched, expired, quarantined, forgotten atomic.Uint64
}

// Stat reads the counters.
func (h *Home) Stat() HomeStat {
	c := &h.count
	return HomeStat{
		Parked: c.parked.Load(), Full: c.full.Load(), Conflicts: c.conflicts.Load(), Ambiguous: c.ambiguous.Load(),
		Unmatched: c.unmatched.Load(), Expired: c.expired.Load(),
		Quarantined: c.quarantined.Load(), Forgotten: c.forgotten.Load(),
	}
}
