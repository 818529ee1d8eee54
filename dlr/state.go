package dlr

import "bindery/queue"

// State is what a receipt says of a message (SMPP 3.4 §5.2.28; SCHEDULED and
// SKIPPED are of 5.0 §4.7.15).
type State uint8

const (
	NoState State = iota
	Scheduled
	Enroute
	Delivered
	Expired
	Deleted
	Undeliverable
	Accepted
	Unknown
	Rejected
	Skipped
	numStates
)

var stateNames = [numStates]string{
	"", "SCHEDULED", "ENROUTE", "DELIVERED", "EXPIRED", "DELETED",
	"UNDELIVERABLE", "ACCEPTED", "UNKNOWN", "REJECTED", "SKIPPED",
}

func (s State) String() string {
	if s < numStates {
		return stateNames[s]
	}
	return "invalid"
}

// StateOf reads message_state: 0 to 9 in the order above.
func StateOf(messageState uint8) State {
	if messageState >= uint8(numStates-1) {
		return NoState
	}
	return State(messageState + 1)
}

// stateWords are the words of stat in receipts: those of Appendix B and the
// long ones of §5.2.28. FAILED is nobody's standard and widespread.
var stateWords = map[string]State{
	"SCHEDULED": Scheduled, "SCHEDULD": Scheduled, "SCHEDUL": Scheduled, "SCHEDLD": Scheduled,
	"ENROUTE": Enroute, "EN_ROUTE": Enroute,
	"DELIVRD": Delivered, "DELIVERED": Delivered, "DELIVER": Delivered,
	"EXPIRED": Expired,
	"DELETED": Deleted,
	"UNDELIV": Undeliverable, "UNDELIVERABLE": Undeliverable, "UNDELIVERED": Undeliverable, "UNDELIVRD": Undeliverable,
	"FAILED": Undeliverable, "FAIL": Undeliverable, "FAILURE": Undeliverable,
	"ACCEPTD": Accepted, "ACCEPTED": Accepted, "ACCEPT": Accepted,
	"UNKNOWN": Unknown,
	"REJECTD": Rejected, "REJECTED": Rejected, "REJECT": Rejected,
	"SKIPPED": Skipped,
}

// ParseState reads the word of a stat field, in any case; NoState for a word
// that is none.
func ParseState(word []byte) State {
	var upper [16]byte
	if len(word) == 0 || len(word) > len(upper) {
		return NoState
	}
	for i, c := range word {
		if 'a' <= c && c <= 'z' {
			c &^= 0x20
		}
		upper[i] = c
	}
	return stateWords[string(upper[:len(word)])]
}

// Final tells whether the carrier is done with the message. ACCEPTED is not: a
// delivery or a failure may follow it.
func (s State) Final() bool {
	switch s {
	case Delivered, Expired, Deleted, Undeliverable, Unknown, Rejected, Skipped:
		return true
	default:
		return false
	}
}

// Status is what a receipt of this state does to a message; StatusEnroute
// changes nothing.
func (s State) Status() queue.Status {
	switch s {
	case Delivered:
		return queue.StatusDelivered
	case Undeliverable, Deleted, Skipped:
		return queue.StatusUndelivered
	case Expired:
		return queue.StatusExpired
	case Rejected:
		return queue.StatusRejected
	case Unknown:
		return queue.StatusUnknown
	default:
		return queue.StatusEnroute
	}
}
