package api

import (
	"net/http"

	"bindery/gateway/ingress"
)

// draftField is where a member of a message's JSON goes: its place in the draft
// and, of an optional one, its bit.
func draftField(d *ingress.Draft, name string) (*string, ingress.Fields) {
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

// parseDraft reads one message strictly: what encoding/json would let pass in
// silence (unknown and repeated members, null, half surrogate pairs, which it
// replaces) becomes a fault of the draft, beside which the door tells its own.
// The problem is for a body that is no JSON object.
func parseDraft(body []byte) (ingress.Draft, *Problem) {
	s := &scanner{src: body}
	var d ingress.Draft
	switch c := s.space(); {
	case s.at == len(body):
		return d, &Problem{Status: http.StatusBadRequest, Detail: "the body is empty"}
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

func notJSON(err error) *Problem {
	return &Problem{Status: http.StatusBadRequest, Detail: "the body is not JSON that is taken: " + err.Error()}
}

// notObject tells a body that is no JSON from one that is something else.
func notObject(s *scanner, what string) *Problem {
	kind, err := s.skip(0)
	if err == nil {
		err = s.end()
	}
	if err != nil {
		return notJSON(err)
	}
	return &Problem{Status: http.StatusUnprocessableEntity, Detail: what + " is a JSON object, not " + kind}
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
	to, bit := draftField(m.draft, name)
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
	text, clean, err := s.text()
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
