// Package draft reads what senders write: a message, a batch, the lines of a
// stream; JSON, strictly, into the drafts of gateway/ingress. Package api calls
// it; nothing of it is shared between goroutines.
//
// What encoding/json would let pass in silence (unknown and repeated members,
// null, half surrogate pairs, which it replaces) becomes a fault of the draft,
// beside which the door tells its own. A message that is written as most are is
// read a fast way; whatever that doubts goes to the strict scanner, whose
// verdict counts.
package draft

import (
	"net/http"

	"bindery/gateway/ingress"
)

// MaxMessage is the most that one message's JSON may have, octets.
const MaxMessage = 256 << 10

// Error refuses a body that is no JSON object, or too large to be read on. Its
// text never quotes the body.
type Error struct {
	Status int // as HTTP has it
	Detail string
}

func (e *Error) Error() string { return e.Detail }

// Message reads one message. The draft's strings are parts of src.
func Message(src string) (ingress.Draft, *Error) {
	var d ingress.Draft
	if fastMessage(src, &d) {
		return d, nil
	}
	return strictMessage(src)
}

// field is where a member of a message's JSON goes: its place in the draft
// and, of an optional one, its bit.
func field(d *ingress.Draft, name string) (*string, ingress.Fields) {
	switch name {
	case "to":
		return &d.To, 0
	case "from":
		return &d.From, 0
	case "text":
		return &d.Text, 0
	case "priority":
		return &d.Priority, ingress.Priority
	case "send_at":
		return &d.SendAt, ingress.SendAt
	case "validity":
		return &d.Validity, ingress.Validity
	case "reference":
		return &d.Reference, ingress.Reference
	case "campaign":
		return &d.Campaign, ingress.Campaign
	case "subject":
		return &d.Subject, ingress.Subject
	case "callback":
		return &d.Callback, ingress.Callback
	case "encoding":
		return &d.Encoding, ingress.Encoding
	case "kind":
		return &d.Kind, ingress.Kind
	case "on_uncertain":
		return &d.OnUncertain, ingress.OnUncertain
	}
	return nil, 0
}

// strictMessage reads one message by the scanner.
func strictMessage(body string) (ingress.Draft, *Error) {
	s := &scanner{src: body}
	var d ingress.Draft
	switch c := s.space(); {
	case s.at == len(body):
		return d, &Error{Status: http.StatusBadRequest, Detail: "the body is empty"}
	case c != '{':
		return d, notObject(s, "a message")
	}
	m := members{draft: &d, of: "a message"}
	err := s.members(func(name string, clean bool) error { return m.read(s, name, clean) })
	if err == nil {
		err = s.end()
	}
	if err != nil {
		return d, notJSON(err)
	}
	return d, nil
}

func notJSON(err error) *Error {
	return &Error{Status: http.StatusBadRequest, Detail: "the body is not JSON that is taken: " + err.Error()}
}

// notObject tells a body that is no JSON from one that is something else.
func notObject(s *scanner, what string) *Error {
	kind, err := s.skip(0)
	if err == nil {
		err = s.end()
	}
	if err != nil {
		return notJSON(err)
	}
	return &Error{Status: http.StatusUnprocessableEntity, Detail: what + " is a JSON object, not " + kind}
}

// maxFaults bounds the answer to a body that is all unknown fields.
const maxFaults = 100

// members reads the members of a message, or what a batch shares, into a draft.
type members struct {
	draft *ingress.Draft
	of    string      // what the members are of
	seen  [16]*string // the places that have their value
	n     int
}

func (m *members) read(s *scanner, name string, clean bool) error {
	to, bit := field(m.draft, name)
	if to == nil {
		m.fault(fieldName(name, clean), "is no field of "+m.of)
		_, err := s.skip(1)
		return err
	}
	twice := m.has(to)
	if s.space() != '"' {
		kind, err := s.skip(1)
		m.fault(name, "want a string, not "+kind)
		return err
	}
	text, clean, err := s.str()
	switch {
	case twice:
		m.fault(name, "is given twice")
	case !clean:
		m.fault(name, "holds half of a surrogate pair, which is no character")
	default:
		*to = text
	}
	m.draft.Set |= bit
	return err
}

// has tells whether the field was there before, and notes it.
func (m *members) has(to *string) bool {
	for _, p := range m.seen[:m.n] {
		if p == to {
			return true
		}
	}
	m.seen[m.n] = to
	m.n++
	return false
}

func (m *members) fault(field, message string) {
	if len(m.draft.Faults) < maxFaults {
		m.draft.Faults = append(m.draft.Faults, ingress.FieldError{Field: field, Message: message})
	}
}

// fieldName bounds what an error echoes of an unknown member's name.
func fieldName(name string, clean bool) string {
	const most = 64 // octets
	if !clean {
		return "?"
	}
	if len(name) <= most {
		return name
	}
	cut := most
	for cut > 0 && name[cut]&0xC0 == 0x80 { // inside of a character
		cut--
	}
	return name[:cut] + "…"
}
