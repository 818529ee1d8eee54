package pdu

import "fmt"

// CommandStatus is the outcome of a request, in its response (SMPP 3.4 §5.1.3).
// A request carries 0.
type CommandStatus uint32

// Vendors' own statuses lie between these two (§5.1.3).
const (
	vendorStatusFirst CommandStatus = 0x400
	vendorStatusLast  CommandStatus = 0x4FF
)

// Class sorts statuses by what the sender of the request does next. Carriers
// differ, so whoever acts on it lets a carrier's settings override it.
type Class uint8

// The classes. The zero value is ClassUnknown: what is in no table is retried
// a few times and never taken for a final answer.
const (
	ClassUnknown   Class = iota // retry, capped
	ClassOK                     // done
	ClassThrottled              // slow the whole bind down; no attempt is burnt
	ClassTemporary              // retry this message with backoff
	ClassPermanent              // never retry: the message fails
	ClassSession                // the session's state is wrong, not the message
	ClassAuth                   // a bind was refused: long backoff and an alarm
	ClassVendor                 // 0x400–0x4FF: by the carrier's map, else as ClassUnknown
)

var classNames = [...]string{"unknown", "ok", "throttled", "temporary", "permanent", "session", "auth", "vendor"}

// String is the class in lower case, as in "temporary".
func (c Class) String() string {
	if int(c) < len(classNames) {
		return classNames[c]
	}
	return fmt.Sprintf("class %d", uint8(c))
}

// statusIndex finds a row by value; every status of the spec is below 0x100.
var statusIndex = indexStatuses()

func indexStatuses() (index [0x100]*status) {
	for i := range statusTable {
		index[statusTable[i].Value] = &statusTable[i]
	}
	return index
}

func (s CommandStatus) row() *status {
	if s < CommandStatus(len(statusIndex)) {
		return statusIndex[s]
	}
	return nil
}

// Class says what to do about the status. It costs a table look-up.
func (s CommandStatus) Class() Class {
	switch row := s.row(); {
	case row != nil:
		return row.Class
	case s >= vendorStatusFirst && s <= vendorStatusLast:
		return ClassVendor
	}
	return ClassUnknown
}

// Name is the spec's name, as in "ESME_RTHROTTLED"; empty for what has none.
func (s CommandStatus) Name() string {
	if row := s.row(); row != nil {
		return row.Name
	}
	return ""
}

// Action says in a few words, for people, what the status calls for.
func (s CommandStatus) Action() string {
	switch row := s.row(); {
	case row != nil:
		return row.Action
	case s.Class() == ClassVendor:
		return "the carrier's own: see its manual, map it in its settings; retried, capped"
	}
	return "not in SMPP 3.4: retried, capped"
}

// String is name and value, as in "ESME_RTHROTTLED (0x58)".
func (s CommandStatus) String() string {
	if name := s.Name(); name != "" {
		return fmt.Sprintf("%s (0x%02X)", name, uint32(s))
	}
	return fmt.Sprintf("%s status (0x%02X)", s.Class(), uint32(s))
}
