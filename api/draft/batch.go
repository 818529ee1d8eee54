package draft

import (
	"net/http"

	"bindery/gateway/ingress"
)

// maxRecipientFaults bounds what is told of one recipient.
const maxRecipientFaults = 10

// Batch reads a batch: the shared fields into a draft, each recipient into its
// own. Their strings are parts of body, their values of one slice.
func Batch(body string) (*ingress.Batch, *Error) {
	s := &scanner{src: body}
	switch c := s.space(); {
	case s.at == len(body):
		return nil, &Error{Status: http.StatusBadRequest, Detail: "the body is empty"}
	case c != '{':
		return nil, notObject(s, "a batch")
	}
	p := batchParser{scanner: s}
	p.shared.draft, p.shared.of = &p.batch.Draft, "a batch"
	err := s.members(p.member)
	if err == nil && !p.tooMany {
		err = s.end()
	}
	switch {
	case p.tooMany:
		return nil, &Error{Status: http.StatusRequestEntityTooLarge, Detail: "at most 10,000 recipients are taken; nothing was queued"}
	case err != nil:
		return nil, notJSON(err)
	}
	return &p.batch, nil
}

type batchParser struct {
	*scanner
	batch   ingress.Batch
	shared  members
	values  []ingress.Value // of all recipients
	listed  bool            // recipients were there
	tooMany bool
}

// errTooMany ends the reading; its text is told to nobody.
var errTooMany = &syntaxError{what: "too many recipients"}

func (p *batchParser) member(name string, clean bool) error {
	switch {
	case name == "to":
		p.shared.fault("to", "belongs to a recipient")
		_, err := p.skip(1)
		return err
	case name != "recipients":
		return p.shared.read(p.scanner, name, clean)
	case p.listed:
		p.shared.fault(name, "is given twice")
		_, err := p.skip(1)
		return err
	}
	p.listed = true
	if p.space() != '[' {
		kind, err := p.skip(1)
		p.shared.fault(name, "want a list, not "+kind)
		return err
	}
	return p.recipients()
}

func (p *batchParser) recipients() error {
	p.at++
	if p.space() == ']' {
		return p.take(']')
	}
	for {
		if len(p.batch.Recipients) == ingress.MaxRecipients {
			p.tooMany = true
			return errTooMany
		}
		p.batch.Recipients = append(p.batch.Recipients, ingress.Recipient{})
		r := recipientParser{batchParser: p, to: &p.batch.Recipients[len(p.batch.Recipients)-1], from: len(p.values)}
		if err := r.read(); err != nil {
			return err
		}
		if p.space() != ',' {
			return p.take(']')
		}
		p.at++
	}
}

type recipientParser struct {
	*batchParser
	to                  *ingress.Recipient
	from                int // where in values its own begin
	hasTo, hasRef, hasV bool
}

func (r *recipientParser) fault(field, message string) {
	if len(r.to.Faults) < maxRecipientFaults {
		r.to.Faults = append(r.to.Faults, ingress.FieldError{Field: field, Message: message})
	}
}

func (r *recipientParser) read() error {
	if r.space() != '{' {
		kind, err := r.skip(2)
		r.fault("", "a recipient is an object, not "+kind)
		return err
	}
	return r.members(r.field)
}

func (r *recipientParser) field(name string, clean bool) error {
	switch name {
	case "to":
		return r.text(name, &r.to.To, &r.hasTo)
	case "reference":
		return r.text(name, &r.to.Reference, &r.hasRef)
	case "values":
		if r.hasV {
			r.fault(name, "is given twice")
			_, err := r.skip(3)
			return err
		}
		r.hasV = true
		if r.space() != '{' {
			kind, err := r.skip(3)
			r.fault(name, "want an object, not "+kind)
			return err
		}
		return r.members(r.value)
	}
	r.fault(fieldName(name, clean), "is no field of a recipient")
	_, err := r.skip(3)
	return err
}

// text reads a field that is a string.
func (r *recipientParser) text(name string, to *string, has *bool) error {
	text, why, err := r.str()
	switch {
	case *has:
		r.fault(name, "is given twice")
	case why != "":
		r.fault(name, why)
	default:
		*to = text
	}
	*has = true
	return err
}

// value reads one of the values.
func (r *recipientParser) value(name string, clean bool) error {
	text, why, err := r.str()
	for i := range r.to.Values {
		if r.to.Values[i].Name == name {
			why = "is given twice"
		}
	}
	if why != "" {
		r.fault("values."+fieldName(name, clean), why)
		return err
	}
	if clean {
		r.values = append(r.values, ingress.Value{Name: name, Text: text})
		r.to.Values = r.values[r.from:len(r.values):len(r.values)]
	}
	return err
}

// str reads a string, or says why what is there is none.
func (r *recipientParser) str() (text, why string, err error) {
	if r.space() != '"' {
		kind, err := r.skip(3)
		return "", "want a string, not " + kind, err
	}
	text, clean, err := r.scanner.str()
	if !clean {
		why = "holds half of a surrogate pair, which is no character"
	}
	return text, why, err
}
