package queue

import "time"

// slotSize is the size of a part's slot, octets: state 1, flags 1, attempts 1,
// position in its message 1, carrier 2, error 2, number of the lease that owes
// it 4, submitted 4, ended 4 (until it has ended: the number of the route whose
// lane it is in). lua/slots.lua has the same numbers.
const slotSize = 20

// state is a slot's first octet.
type state byte

const (
	stateQueued state = iota + 1
	stateScheduled
	stateHeld
	stateRetry
	stateLeased
	stateWriting
	stateSubmitted
	stateUncertain
)

const (
	stateDelivered state = iota + 16
	stateUndelivered
	stateExpired
	stateRejected
	stateFailed
	stateCanceled
	stateUnknown
	stateSurplus // ended without deciding its message's final
)

func (s state) ended() bool  { return s >= stateDelivered }
func (s state) leased() bool { return s == stateLeased || s == stateWriting }
func (s state) waits() bool  { return s >= stateQueued && s <= stateRetry }

// Flags of a slot.
const (
	flagMaybeSent = 1 << iota
	flagTaken     // a carrier took it once
	flagTold      // a contradiction was told
	flagLast      // of its message
	flagOut       // the message's final is out (on its first part)
	flagHold      // on_uncertain: hold
	flagUrgent    // its text is overwritten with its final
)

// slot is one decoded slot.
type slot struct {
	state            state
	flags            byte
	attempts         uint8
	position         uint8
	carrier          uint16
	err              uint16
	lease            LeaseNumber
	submitted, ended uint32 // ticks; ended is a route's number until the part ended
}

func (s *slot) has(flag byte) bool { return s.flags&flag != 0 }

// owed tells whether a lease holds the part.
func (s *slot) owed(n LeaseNumber) bool { return s.lease == n && s.state.leased() }

// slotAt decodes the i-th slot of raw, which is long enough.
func slotAt(raw string, i int) slot {
	o := i * slotSize
	return slot{
		state: state(raw[o]), flags: raw[o+1], attempts: raw[o+2], position: raw[o+3],
		carrier: uint16(be16(raw, o+4)), err: uint16(be16(raw, o+6)), lease: LeaseNumber(be32(raw, o+8)),
		submitted: be32(raw, o+12), ended: be32(raw, o+16),
	}
}

// appendSlots encodes the slots of a message that is being accepted.
func appendSlots(dst []byte, m *Message, route uint32, now time.Time) []byte {
	st := stateQueued
	if m.SendAt.After(now) {
		st = stateScheduled
	}
	for i := range m.Parts {
		flags := byte(0)
		if m.Hold {
			flags |= flagHold
		}
		if m.Priority == Urgent {
			flags |= flagUrgent
		}
		if i == m.Parts-1 {
			flags |= flagLast
		}
		dst = append(dst, byte(st), flags, 0, byte(i), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
			byte(route>>24), byte(route>>16), byte(route>>8), byte(route))
	}
	return dst
}

var stateStatus = map[state]Status{
	stateSubmitted: StatusSubmitted, stateDelivered: StatusDelivered, stateUndelivered: StatusUndelivered,
	stateExpired: StatusExpired, stateRejected: StatusRejected, stateFailed: StatusFailed,
	stateCanceled: StatusCanceled, stateUnknown: StatusUnknown,
}

// finalState is the state that a receipt's status puts a part into; 0 for
// StatusEnroute.
func finalState(s Status) (state, bool) {
	switch s {
	case StatusEnroute:
		return 0, true
	case StatusDelivered, StatusUndelivered, StatusExpired, StatusRejected, StatusFailed, StatusUnknown:
		for st, status := range stateStatus {
			if status == s {
				return st, true
			}
		}
	case StatusQueued, StatusSubmitted, StatusCanceled:
	}
	return 0, false
}

var statusWords = [...]string{
	"queued", "submitted", "delivered", "undelivered", "expired", "rejected", "failed", "canceled", "unknown", "enroute",
}

// String is the status's word, as events and GET say it.
func (s Status) String() string {
	if int(s) < len(statusWords) {
		return statusWords[s]
	}
	return "status?"
}

// Final tells whether a message ends with s.
func (s Status) Final() bool { return s >= StatusDelivered && s <= StatusUnknown }
